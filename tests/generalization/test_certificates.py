"""Certificates: never below the gap, never increasing with the layer, oracles, floors, traps, bad input."""

from __future__ import annotations

import itertools
import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import (
    ConvergenceWarning,
    DataError,
    InfostatWarning,
    InputError,
    InputTypeError,
    SubsamplingWarning,
    VacuousBoundWarning,
)
from infostat.divergences import exact_transport
from infostat.divergences.exact_transport import wasserstein_exact
from infostat.divergences.one_dimensional import wasserstein_1d
from infostat.generalization.certificate_result import LabelledTransport, LayerCertificates
from infostat.generalization.certificates import labelled_transport, layer_certificates

FUNCTIONS = {"relu": lambda v: np.maximum(v, 0.0), "tanh": np.tanh}


class Net:
    """A bias-free network with two labelled samples of unequal size."""

    def __init__(self, seed, *, loss="logistic", activation="relu", n=23, m=17, spread=1.0):
        g = np.random.default_rng(seed)
        widths = [*g.integers(2, 7, size=3).tolist(), 3 if loss == "softmax" else 1]
        self.loss, self.activation = loss, activation
        self.weights = [spread * g.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
        x, x_test = g.normal(size=(n, widths[0])), g.normal(size=(m, widths[0])) + g.normal(size=widths[0])
        self.train, self.test = self.forward(x), self.forward(x_test)
        values = [0, 1, 2] if loss == "softmax" else [-1, 1]
        self.y, self.y_test = g.choice(values, n), g.choice(values, m)

    def forward(self, x):
        layers = [x]
        for i, w in enumerate(self.weights):
            z = layers[-1] @ w.T
            layers.append(z if i == len(self.weights) - 1 else FUNCTIONS[self.activation](z))
        return layers

    def certify(self, **options):
        options = {"weights": self.weights, "activations": self.activation, "loss": self.loss, "rng": 0, **options}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VacuousBoundWarning)
            return layer_certificates(self.train, self.test, self.y, self.y_test, **options)


# ------------------------------------------------------------------------------------------ properties
@given(
    seed=st.integers(0, 10**6),
    loss=st.sampled_from(["logistic", "hinge", "softmax", "squared"]),
    activation=st.sampled_from(["relu", "tanh"]),
    spread=st.sampled_from([0.2, 1.0, 3.0]),
)
@settings(deadline=None, max_examples=40)
def test_certificates_cover_the_gap_and_never_increase(seed, loss, activation, spread):
    found = Net(seed, loss=loss, activation=activation, spread=spread).certify()
    slack = 1e-12 * max(1.0, float(found.certificate.max()))  # rounding of sums of that size
    assert (found.certificate >= abs(found.gap) - slack).all()
    assert (np.diff(found.certificate) <= slack).all()
    # Trap 6: with valid constants the smallest certificate is that of the output; ties go to the smallest index.
    assert found.certificate[found.funnel_bound] <= found.certificate[-1] * (1.0 + 1e-12)
    assert found.value == found.certificate.min()
    assert found.nature == "bound" and found.sense == "always" and not found.flags


def test_certificate_is_the_cheapest_assignment():
    net = Net(3, n=5, m=5)
    found = net.certify()
    for layer in range(4):
        distance = np.linalg.norm(net.train[layer][:, None] - net.test[layer], axis=2)
        cost = found.lipschitz[layer] * distance + found.label_cost * (net.y[:, None] != net.y_test)
        best = min(cost[range(5), p].mean() for p in itertools.permutations(range(5)))
        assert found.certificate[layer] == pytest.approx(best, rel=1e-12)


def test_fields_are_what_they_say():
    net = Net(11, n=40, m=30)
    found = net.certify()
    distances = [wasserstein_exact(*pair) for pair in zip(net.train[:-1], net.test[:-1], strict=True)]
    np.testing.assert_allclose(found.w1[:-1], distances, rtol=1e-12)
    assert found.w1[-1] == pytest.approx(wasserstein_1d(net.train[-1][:, 0], net.test[-1][:, 0]), rel=1e-13)
    products = [np.prod([np.linalg.norm(w, 2) for w in net.weights[layer:]]) for layer in range(4)]
    np.testing.assert_allclose(found.lipschitz, products, rtol=1e-13)
    margins = net.y * net.train[-1][:, 0], net.y_test * net.test[-1][:, 0]
    train, test = (np.log1p(np.exp(-margin)).mean() for margin in margins)
    assert (found.train_loss, found.test_loss) == pytest.approx((train, test), rel=1e-12)
    assert found.gap == found.gap_all == found.test_loss - found.train_loss
    assert found.label_cost == max(np.abs(net.train[-1]).max(), np.abs(net.test[-1]).max())
    assert found.funnel_distance == int(np.argmin(found.w1))
    assert found.width.tolist() == [layer.shape[1] for layer in net.train]


def test_a_shift_in_the_linear_part_of_the_hinge_is_certified_exactly():
    # All margins below one: the loss is linear, every row moves by the same amount, and the bound is an equality.
    u = np.linspace(-1.0, 0.5, 7)[:, None]
    found = layer_certificates([u, u], [u - 0.25, u - 0.25], np.ones(7), np.ones(7), lipschitz=[1.0, 1.0], loss="hinge")
    np.testing.assert_allclose(found.certificate, found.gap, rtol=1e-13)
    assert found.gap == pytest.approx(0.25, rel=1e-14)
    assert found.label_cost == 0.0


def test_same_sample_in_another_order_has_no_gap_and_no_certificate():
    net = Net(5)
    order = np.random.default_rng(1).permutation(23)
    layers = [layer[order] for layer in net.train]
    found = layer_certificates(net.train, layers, net.y, net.y[order], weights=net.weights, rng=0)
    assert found.gap == 0.0 and not found.vacuous
    assert (found.certificate <= 1e-12).all() and (found.w1 <= 1e-12).all()


def test_floor_of_two_halves_is_not_a_difference_of_laws():
    # Trap 5: two samples of one law are W1 ~ 2 apart in ten dimensions; the floor says so.
    g = np.random.default_rng(8)
    x, y = g.normal(size=(400, 10)), g.normal(size=(400, 10))
    w = np.full((1, 10), 0.1)
    labels = g.choice([-1, 1], 800)
    found = layer_certificates([x, x @ w.T], [y, y @ w.T], labels[:400], labels[400:], weights=[w], rng=3)
    assert found.w1[0] > 1.9
    assert found.w1_floor[0] > found.w1[0]
    assert "halves of the test sample" in found.interpretation
    again = {key: getattr(found, key) for key in ("w1_floor", "certificate_floor")}
    same = layer_certificates([x, x @ w.T], [y, y @ w.T], labels[:400], labels[400:], weights=[w], rng=found.seed)
    assert all((getattr(same, key) == value).all() for key, value in again.items())


def test_floor_uses_two_halves_of_the_test_sample_only():
    # Test rows at 0 and 1 in equal numbers; whatever the halves, W1 between them is a multiple of 1/8.
    t = np.repeat([0.0, 1.0], 8)[:, None]
    train = np.full((3, 1), 50.0)
    with pytest.warns(VacuousBoundWarning):
        found = layer_certificates([train, train], [t, t], [1] * 3, [1] * 16, lipschitz=[1.0, 1.0], loss="hinge", rng=2)
    assert found.w1_floor[0] in np.arange(9) / 8.0
    assert found.certificate_floor[0] == pytest.approx(found.w1_floor[0], rel=1e-13)


def test_threads_and_progress_change_nothing():
    net, seen = Net(13), []
    one, two = net.certify(), net.certify(n_jobs=2, progress=lambda done, total: seen.append((done, total)))
    assert one == two
    assert seen == [(k, 4) for k in range(1, 5)]


# -------------------------------------------------------------------------------- arguments of all kinds
def test_frames_lists_maps_words_and_images():
    net = Net(17)
    plain = net.certify()
    framed = layer_certificates(
        [pd.DataFrame(layer) for layer in net.train], [layer.tolist() for layer in net.test],
        pd.Series(net.y), net.y_test.reshape(-1, 1), lipschitz=plain.lipschitz, rng=0,
    )  # fmt: skip
    np.testing.assert_array_equal(framed.certificate, plain.certificate)
    named = layer_certificates(
        dict(zip(("input", "a", "b", "logit"), net.train, strict=True)),
        dict(zip(("input", "a", "b", "logit"), net.test, strict=True)),
        net.y, net.y_test, weights=net.weights, rng=0,
    )  # fmt: skip
    assert named.layer == ("input", "a", "b", "logit")
    assert "layer logit" in named.interpretation
    g = np.random.default_rng(2)
    images, more = g.normal(size=(5, 2, 3, 2)), g.normal(size=(4, 2, 3, 2))
    found = labelled_transport(images, list("aabba"), more, list("abab"), lipschitz=1.0, label_cost=0.0)
    flat = wasserstein_exact(images.reshape(5, -1), more.reshape(4, -1))
    assert found.value == pytest.approx(flat, rel=1e-12)


def test_inputs_are_left_alone():
    net = Net(19)
    copies = [layer.copy() for layer in (*net.train, *net.test)]
    for layer in (*net.train, *net.test):
        layer.flags.writeable = False
    net.certify()
    for layer, copy in zip((*net.train, *net.test), copies, strict=True):
        np.testing.assert_array_equal(layer, copy)


def test_result_survives_every_door(tmp_path):
    found = Net(23).certify()
    assert LayerCertificates.from_dict(found.to_dict()) == found
    assert pickle.loads(pickle.dumps(found)) == found
    assert len(repr(found)) < 200
    frame = found.to_frame()
    assert list(frame.columns[:4]) == ["layer", "name", "width", "lipschitz"]
    assert len(frame) == 4 and (frame["gap"] == found.gap).all()
    text = str(found.summary())
    assert "for the two samples given, with no probability statement" in text and "Nature" in text
    for name in ("c.png", "c.html", "c.csv", "c.tex"):
        assert found.save(tmp_path / name).stat().st_size > 100


# ----------------------------------------------------------------------------------- one transport problem
def test_labelled_transport_by_hand():
    found = labelled_transport([0.0, 1.0], [1, -1], [0.5, 1.5], [1, 1], lipschitz=2.0, label_cost=3.0)
    assert (found.value, found.distance_part, found.label_part) == (2.5, 1.0, 1.5)
    assert found.nature == "bound" and found.sense == "always" and found.vacuous is False
    assert LabelledTransport.from_dict(found.to_dict()) == found
    # A dear label is kept and pays in distance; a cheap one is changed.
    far = [0.0, 10.0], ["a", "b"], [10.0, 0.0], ["a", "b"]
    assert labelled_transport(*far, lipschitz=1.0, label_cost=100.0).label_part == 0.0
    assert labelled_transport(*far, lipschitz=1.0, label_cost=1.0).value == 1.0


@given(seed=st.integers(0, 10**6), low=st.floats(0.0, 5.0), more=st.floats(0.0, 5.0))
@settings(deadline=None, max_examples=25)
def test_transport_is_monotone_symmetric_and_between_its_parts(seed, low, more):
    g = np.random.default_rng(seed)
    x, y = g.normal(size=(6, 2)), g.normal(size=(9, 2))
    a, b = g.integers(0, 2, 6), g.integers(0, 2, 9)
    cheap, dear = (labelled_transport(x, a, y, b, lipschitz=1.0, label_cost=c) for c in (low, low + more))
    assert cheap.value <= dear.value + 1e-12
    assert dear.value <= cheap.value + more + 1e-12
    assert cheap.value == pytest.approx(labelled_transport(y, b, x, a, lipschitz=1.0, label_cost=low).value, rel=1e-10)
    shift = abs(a.mean() - b.mean())  # mass that has to change its label
    assert wasserstein_exact(x, y) - 1e-12 <= cheap.value
    assert low * shift - 1e-12 <= cheap.value
    assert cheap.distance_part + cheap.label_part == pytest.approx(cheap.value, rel=1e-10, abs=1e-12)


def test_constants_beyond_the_float_range():
    with pytest.warns(VacuousBoundWarning, match="transport cost"):
        found = labelled_transport([0.0, 1e300], [1, 1], [1.0, 2.0], [1, 1], lipschitz=1e300, label_cost=1.0)
    assert found.value == math.inf and found.vacuous is True
    net = layer_certificates(
        [[[1.0], [2.0]]] * 2, [[[3.0], [4.0]]] * 2, [1, -1], [1, -1], lipschitz=[math.inf, 1.0], loss="hinge"
    )
    assert net.certificate[0] == math.inf and net.funnel_bound == 1


# --------------------------------------------------------------------------------- warnings, flags, natures
def test_subsampling_is_seeded_announced_and_still_a_bound_for_the_rows_drawn():
    net = Net(29, n=90, m=60)
    with pytest.warns(SubsamplingWarning, match="90 and 60 rows, more than max_exact=40"):
        found = net.certify(max_exact=40, rng=7)
    assert found.flags == ("subsampled",) and (found.n_train, found.n_test) == (40, 40)
    assert found.gap_all == Net(29, n=90, m=60).certify().gap != found.gap
    assert (found.certificate >= abs(found.gap)).all()
    assert any("40 and 40 rows drawn" in text for text in found.assumptions)
    with pytest.warns(SubsamplingWarning):
        assert net.certify(max_exact=40, rng=7) == found
    with pytest.warns(SubsamplingWarning):
        assert net.certify(max_exact=40, rng=8).certificate[0] != found.certificate[0]
    with pytest.warns(SubsamplingWarning):
        one = labelled_transport(net.train[0], net.y, net.test[0], net.y_test, lipschitz=1.0, label_cost=1.0,
                                 max_exact=70, rng=7)  # fmt: skip
    assert one.flags == ("subsampled",) and (one.n_train, one.n_test, one.seed) == (70, 60, 7)


def test_vacuous_certificates_warn():
    g = np.random.default_rng(31)
    x, y = g.normal(size=(20, 3)), g.normal(size=(20, 3)) + 9.0
    constant = np.zeros((20, 1))
    with pytest.warns(VacuousBoundWarning, match="smallest certificate is vacuous"):
        found = layer_certificates([x, constant], [y, constant], [1] * 20, [1] * 20, lipschitz=[1.0, 1.0])
    # Equal outputs: no two losses differ, and a certificate of zero says no more than that.
    assert found.loss_range == 0.0 and found.vacuous is True and found.value == 0.0


def test_a_label_cost_too_small_for_the_loss_is_no_bound():
    net = Net(37)
    needed = net.certify().label_cost
    with pytest.warns(InfostatWarning, match="no bounds"):
        found = net.certify(label_cost=0.5 * needed)
    assert found.nature == "proxy" and found.flags == ("label_cost_below_loss",)
    larger = net.certify(label_cost=2.0 * needed)
    assert larger.nature == "bound" and larger.label_cost == 2.0 * needed
    assert (larger.certificate >= net.certify().certificate).all()


def test_outputs_that_contradict_a_constant_are_found():
    net = Net(41)
    right = net.certify().lipschitz
    # The constant of the input is divided by more than the product of norms loses.
    stretch = (np.linalg.norm(net.train[-1][:, None] - net.test[-1], axis=2)
               / np.linalg.norm(net.train[0][:, None] - net.test[0], axis=2)).max()  # fmt: skip
    wrong = right.copy()
    wrong[0] = stretch / 2.0
    with pytest.warns(InfostatWarning, match="contradict the Lipschitz constant .* of layer 0: two rows are 2 times"):
        found = net.certify(lipschitz=wrong, weights=None)
    assert found.flags == ("lipschitz_contradicted",)


def test_a_contradicted_layer_promises_nothing():
    net = Net(41)
    right = net.certify()
    wrong = right.lipschitz * np.where(np.arange(len(right.lipschitz)) == 1, 1e-6, 1.0)
    with pytest.warns(InfostatWarning, match="contradict"):
        found = net.certify(lipschitz=wrong, weights=None)
    assert found.certificate[1] < right.value  # too small a constant gives too small a certificate
    assert found.nature == "bound" and found.value == right.value and found.funnel_bound == right.funnel_bound
    assert "do not enter the smallest" in " ".join(str(found.summary()).split())


def test_outputs_whose_squares_are_no_floats_contradict_nothing():
    x, y = np.array([[0.0], [1e200]]), np.array([[2e200], [1e200]])
    found = layer_certificates([x, x], [y, y], [-1, -1], [-1, -1], lipschitz=[1.0, 1.0], loss="hinge", rng=0)
    assert found.flags == () and found.value == pytest.approx(1e200)


def test_half_precision_activations_contradict_nothing():
    net = Net(43, n=60, m=60)
    net.train = [layer.astype(np.float16) for layer in net.train]
    net.test = [layer.astype(np.float16) for layer in net.test]
    assert net.certify().flags == ()


def test_a_stopped_solver_is_announced_and_still_an_upper_bound(monkeypatch):
    net = Net(47, n=50, m=50)
    exact = net.certify()
    monkeypatch.setattr(exact_transport, "_MOST_PIVOTS", 3)
    with pytest.warns(ConvergenceWarning, match="network simplex"):
        found = net.certify(n_jobs=2)
    assert found.flags == ("solver_stopped",)
    assert (found.certificate >= exact.certificate * (1.0 - 1e-12)).all()


def test_filters_of_warnings_are_as_before():
    before = list(warnings.filters)
    Net(53).certify(n_jobs=2)
    assert list(warnings.filters) == before


# ------------------------------------------------------------------------------------------------ bad input
def arguments(**changes):
    x = np.arange(12.0).reshape(4, 3)
    given = {
        "train": [x, x[:, :2], x[:, :1]], "test": [x, x[:, :2], x[:, :1]],
        "y_train": [1, -1, 1, 1], "y_test": [1, -1, 1, 1], "lipschitz": [2.0, 2.0, 1.0],
    }  # fmt: skip
    return {**given, **changes}


X = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"train": X}, InputTypeError, "train must be a list of arrays, one per layer"),
        ({"train": pd.DataFrame(X)}, InputTypeError, "train must be a list of arrays"),
        ({"test": [X, X[:, :1]]}, InputError, "test must be the same layers as train, got 2 layers for 3"),
        ({"train": [X], "test": [X]}, InputError, "at least 2 arrays"),
        ({"train": [X, X[:3, :2], X[:, :1]]}, DataError, "layers of train must have the same number of rows.*4, 3, 4"),
        ({"train": [X, X, X[:, :1]]}, DataError, r"train\[1\] and test\[1\] must have the same number of columns"),
        ({"train": [X, X[:, :2] * np.nan, X[:, :1]]}, DataError, r"train\[1\]"),
        ({"y_train": [1, -1, 1]}, DataError, r"y_train must have one label per row of train \(4\), got 3"),
        ({"y_test": [1, -1, 1, np.nan]}, DataError, "y_test must have no missing labels, got 1"),
        ({"y_test": [1, -1, 1, None]}, DataError, "y_test must have no missing labels, got 1"),
        ({"y_test": [1, -1, 1, "a"]}, DataError, "y_train and y_test must be labels of one kind"),
        ({"y_test": np.array([1, "a", 1, 1], dtype=object)}, DataError, "y_test must be all numbers or all words"),
        ({"y_test": np.ones((4, 2))}, DataError, "y_test must be one label per row"),
        ({"y_train": list("abab"), "y_test": list("abab")}, InputError, "numbers for this loss"),
        ({"y_train": [0, 1, 0, 1]}, InputError, "y_train and y_test must be -1 or 1"),
        ({"lipschitz": None}, InputError, "exactly one of lipschitz .* got neither"),
        ({"weights": [X]}, InputError, "exactly one of lipschitz .* got both"),
        ({"lipschitz": [1.0, 1.0]}, InputError, "lipschitz must hold 3 tail constants"),
        ({"lipschitz": [1.0, -1.0, 1.0]}, InputError, "lipschitz must be non-negative"),
        ({"lipschitz": [1.0, math.nan, 1.0]}, InputError, "lipschitz must be non-negative"),
        ({"lipschitz": [1.0, 1.0, 2.0]}, InputError, "lipschitz must end with 1"),
        ({"lipschitz": None, "weights": [np.ones((2, 3))]}, InputError, "weights must hold 2 matrices"),
        (
            {"lipschitz": None, "weights": [np.ones((2, 3)), np.ones((3, 2))]},
            InputError, r"weights of layer 2 must have shape \(1, 2\).*got \(3, 2\)",
        ),
        ({"loss": "0-1"}, InputError, "jumps at the decision boundary"),
        ({"loss": "mae"}, InputError, "loss must be one of"),
        ({"loss": "softmax"}, DataError, "one column per class"),
        ({"label_cost": -1.0}, InputError, "label_cost must be a number >= 0"),
        ({"max_exact": 1}, InputError, "max_exact must be an integer >= 2"),
        ({"progress": 3}, InputTypeError, "progress must be"),
        ({"test": [X[:1], X[:1, :2], X[:1, :1]], "y_test": [1]}, DataError, r"test\[0\] must have at least 2 rows"),
    ],
)  # fmt: skip
def test_bad_input(changes, error, message):
    with pytest.raises(error, match=message):
        layer_certificates(**arguments(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lipschitz": -1.0}, "lipschitz must be a number >= 0"),
        ({"label_cost": math.nan}, "label_cost must be a number >= 0"),
        ({"t_test": [[1.0, 2.0]]}, "t_train and t_test must have the same number of columns"),
        ({"y_test": [1, 2]}, r"y_test must have one label per row of t_test \(1\), got 2"),
        ({"t_test": [math.inf]}, "t_test"),
    ],
)
def test_bad_input_of_one_transport(changes, message):
    given = {"t_train": [0.0, 1.0], "y_train": [1, 2], "t_test": [0.0], "y_test": [1]}
    given |= {"lipschitz": 1.0, "label_cost": 1.0}
    with pytest.raises(InputError, match=message):
        labelled_transport(**{**given, **changes})


# ---------------------------------------------------------------------------------------------- long study
@pytest.mark.slow
def test_no_violation_in_many_networks():
    for seed in range(300):
        for loss in ("logistic", "hinge", "softmax", "squared"):
            found = Net(seed, loss=loss).certify()
            assert (found.certificate >= abs(found.gap) - 1e-12 * found.certificate).all()
