"""KL and Wasserstein bounds per layer: worked numbers, a completely enumerated network, traps, bad input."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, VacuousBoundWarning
from infostat.generalization.hierarchical import hierarchical_kl_bound, layer_wasserstein_bound, refined_kl_bound
from infostat.generalization.hierarchical_result import LayerBound, funnel
from infostat.generalization.labelled import Bound


# --------------------------------------------------------------------------- a network small enough to enumerate
class TinyNetwork:
    """Z = (X, Y) of bits, n = 2; W = (w1, w2) drawn from a random table given the sample.

    T_1 = X xor w1 and T_2 = T_1 xor w2, each then flipped with probabilities `flips`; the loss is T_2 != Y. A
    training point's law given W is compared with that of a fresh point by summing over all outcomes.
    """

    n = 2

    def __init__(self, seed: int, flips: tuple[float, float]) -> None:
        g = np.random.default_rng(seed)
        self.flips = flips
        self.p_z = g.dirichlet(np.ones(4)).reshape(2, 2)  # axes x, y
        points = list(itertools.product((0, 1), (0, 1)))
        samples = list(itertools.product(points, repeat=self.n))
        kernel = {sample: g.dirichlet(0.3 * np.ones(4)).reshape(2, 2) for sample in samples}
        # Joint law of (Z_1, ..., Z_n, W), summed to that of (Z_i, W) for each i.
        self.joint = [np.zeros((2, 2, 2, 2)) for _ in range(self.n)]  # x, y, w1, w2
        for sample in samples:
            mass = math.prod(self.p_z[x, y] for x, y in sample)
            for i, (x, y) in enumerate(sample):
                self.joint[i][x, y] += mass * kernel[sample]

    def layer_law(self, p_xy: np.ndarray, w: tuple[int, int], layer: int) -> np.ndarray:
        """Law of (T_l, Y) from a law of (X, Y)."""
        law = p_xy
        for j in range(layer):
            flip = self.flips[j] if w[j] == 0 else 1.0 - self.flips[j]
            channel = np.array([[1.0 - flip, flip], [flip, 1.0 - flip]])  # from, to
            law = np.einsum("xy,xt->ty", law, channel)
        return law

    def kl_terms(self, layer: int) -> np.ndarray:
        terms = []
        for joint in self.joint:
            total = 0.0
            for w in itertools.product((0, 1), (0, 1)):
                p_w = joint[:, :, w[0], w[1]].sum()
                ours = self.layer_law(joint[:, :, w[0], w[1]] / p_w, w, layer)
                total += p_w * float((ours * np.log(ours / self.layer_law(self.p_z, w, layer))).sum())
            terms.append(total)
        return np.array(terms)

    def gen(self) -> float:
        total = 0.0
        for joint in self.joint:
            for w in itertools.product((0, 1), (0, 1)):
                p_w = joint[:, :, w[0], w[1]].sum()
                ours = self.layer_law(joint[:, :, w[0], w[1]] / p_w, w, 2)
                fresh = self.layer_law(self.p_z, w, 2)
                total += p_w * (fresh[0, 1] + fresh[1, 0] - ours[0, 1] - ours[1, 0]) / self.n
        return total

    def informations(self) -> tuple[np.ndarray, np.ndarray]:
        """I(X_i; W | Y_i) and I(Y_i; W)."""
        labels, inputs = [], []
        for joint in self.joint:
            p_yw = joint.sum(axis=0)
            p_y = p_yw.sum(axis=(1, 2))
            labels.append(float((p_yw * np.log(p_yw / (p_y[:, None, None] * p_yw.sum(axis=0)))).sum()))
            p_w = joint.sum(axis=(0, 1))
            p_xy = joint.sum(axis=(2, 3))
            whole = float((joint * np.log(joint / (p_xy[:, :, None, None] * p_w))).sum())
            inputs.append(whole - labels[-1])
        return np.array(inputs), np.array(labels)


@pytest.mark.parametrize("seed", range(12))
def test_every_layer_bounds_the_gap_of_an_enumerated_network(seed):
    network = TinyNetwork(seed, (0.1, 0.2))
    terms = [network.kl_terms(layer) for layer in range(3)]
    bounds = hierarchical_kl_bound(terms, 0.5).value
    assert (abs(network.gen()) <= bounds).all()
    # Data processing given W, and layer 0 is the information of the individual points.
    assert (np.diff(np.array(terms), axis=0) <= 1e-15).all()
    inputs, labels = network.informations()
    np.testing.assert_allclose(terms[0], inputs + labels, rtol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_contraction_acts_on_the_input_part_only(seed):
    network = TinyNetwork(seed, (0.1, 0.2))
    inputs, labels = network.informations()
    etas = [(1.0 - 2.0 * flip) ** 2 for flip in network.flips]
    for layer in (1, 2):
        kappa = math.prod(etas[:layer])
        assert (network.kl_terms(layer) <= labels + kappa * inputs + 1e-15).all()
        refined = refined_kl_bound(inputs, labels, etas[:layer], 0.5)
        assert refined.value == pytest.approx(0.5 * np.sqrt(2.0 * (labels + kappa * inputs)).mean(), rel=1e-13)
        assert abs(network.gen()) <= refined.value <= hierarchical_kl_bound(inputs + labels, 0.5).value


def test_kappa_times_the_whole_information_is_no_bound_on_the_layer_divergence():
    # Trap 2: W = Y_1; noise on the representation leaves the label, and with it log 2, alone.
    kappa = 0.84
    right = refined_kl_bound(0.0, math.log(2.0), [kappa], 0.5)
    assert right.value == pytest.approx(0.5 * math.sqrt(2.0 * math.log(2.0)), rel=1e-15)
    assert kappa * math.log(2.0) == pytest.approx(0.582244, abs=5e-7)
    # By enumeration: given W = y the training label is y; T has the same law under both.
    law = np.array([0.5, 0.5])
    trained, fresh = np.outer(law, [1.0, 0.0]), np.outer(law, [0.5, 0.5])
    seen = trained > 0.0
    layer_kl = float((trained[seen] * np.log(trained[seen] / fresh[seen])).sum())
    assert layer_kl == pytest.approx(math.log(2.0), rel=1e-15)
    assert layer_kl > kappa * math.log(2.0)


# -------------------------------------------------------------------------------------------- KL form
@pytest.mark.parametrize(("n", "expected"), [(5, 0.746900), (10, 0.513226), (20, 0.358097), (50, 0.224737)])
def test_individual_bound_of_the_gaussian_task(n, expected):
    terms = np.full(n, 5.0 * math.log(n / (n - 1)))
    found = hierarchical_kl_bound(terms, 0.5)
    assert found.value == pytest.approx(expected, abs=5e-7)
    assert found.nature == "bound" and found.sense == "expectation" and not found.vacuous
    assert float(found) == found.value


def test_leading_axes_and_sigma_broadcast():
    terms = np.array([[0.1, 0.4], [0.0, 0.9]])
    found = hierarchical_kl_bound(terms, [0.5, 0.25])
    expected = np.array([0.5, 0.25]) * math.sqrt(2.0) * np.sqrt(terms).mean(axis=1)
    np.testing.assert_allclose(found.value, expected, rtol=1e-15)
    assert hierarchical_kl_bound(0.02, [0.5, 1.0]).value.shape == (2,)
    assert terms[0, 0] == 0.1


def test_infinite_divergence_is_a_value_and_vacuous():
    with pytest.warns(VacuousBoundWarning, match="hierarchical KL bound"):
        found = hierarchical_kl_bound([0.1, math.inf], 0.5)
    assert found.value == math.inf and found.vacuous is True
    assert Bound.from_dict(found.to_dict()) == found
    assert any("2 sigma" in text for text in found.assumptions)


@given(
    terms=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=8),
    sigma=st.floats(0.01, 3.0),
    factor=st.floats(1.0, 4.0),
)
@settings(deadline=None, max_examples=50)
def test_kl_bound_is_monotone_and_homogeneous(terms, sigma, factor):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VacuousBoundWarning)
        base = hierarchical_kl_bound(terms, sigma).value
        assert hierarchical_kl_bound(np.array(terms) * factor, sigma).value >= base * (1.0 - 1e-15)
        assert hierarchical_kl_bound(terms, factor * sigma).value == pytest.approx(factor * base, rel=1e-13)
        # Jensen: the mean of the roots is at most the root of the mean.
        assert base <= sigma * math.sqrt(2.0 * float(np.mean(terms))) * (1.0 + 1e-13)


@given(
    inputs=st.floats(0.0, 3.0), labels=st.floats(0.0, 0.7), etas=st.lists(st.floats(0.0, 1.0), max_size=4)
)
@settings(deadline=None, max_examples=50)
def test_refined_is_between_the_label_part_and_the_unrefined(inputs, labels, etas):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VacuousBoundWarning)
        refined = refined_kl_bound(inputs, labels, etas, 0.5)
        low, high = (hierarchical_kl_bound(each, 0.5).value for each in (labels, labels + inputs))
    assert low * (1.0 - 1e-13) <= refined.value <= high * (1.0 + 1e-13)
    assert refined.inputs["kappa"] == pytest.approx(math.prod(etas), abs=1e-300)


def test_no_layer_means_no_contraction_and_a_constant_layer_passes_nothing():
    assert refined_kl_bound(0.1, 0.02, [], 0.5).value == pytest.approx(0.5 * math.sqrt(0.24), rel=1e-15)
    assert refined_kl_bound(math.inf, 0.02, [0.0, 0.5], 0.5).value == pytest.approx(0.1, rel=1e-14)
    with pytest.warns(VacuousBoundWarning):
        assert refined_kl_bound(math.inf, 0.0, [1e-200, 1e-200], 0.5).value == math.inf
    # The product of the coefficients leaves the range of floats, the product with the information does not.
    tiny = refined_kl_bound(1e300, 0.0, [1e-200, 1e-200], 1.0).value
    assert tiny == pytest.approx(math.sqrt(2.0) * 1e-50, rel=1e-12)


def test_dropout_switched_off_is_named_among_the_assumptions():
    # Trap 13: without fresh noise in both losses the coefficients do not apply.
    assert any("noise of the layers is active" in text for text in refined_kl_bound(0.1, 0.0, 0.5, 0.5).assumptions)


# ------------------------------------------------------------------------------------ Wasserstein form
def test_wasserstein_forms_and_both_funnels():
    w1, lipschitz = [2.17, 1.005, 0.8, 0.7, 1.32], [1.0, 2.0, 4.1625, 8.53, 1.0]
    joint = layer_wasserstein_bound(w1, lipschitz, 1.0, "joint")
    np.testing.assert_allclose(joint.value, [2.17, 2.01, 3.33, 5.971, 1.32], rtol=1e-12)
    # Trap 6: inner local minima of the joint form, never the smallest; the raw distance does dip inside.
    assert joint.value[1] < min(joint.value[0], joint.value[2])
    assert joint.funnel_bound == 4 and joint.funnel_distance == 3 and joint.smallest == 1.32
    label = layer_wasserstein_bound([3.0, 2.0, 1.0], [0.5, 0.25, 1.0], 2.0, "label")
    np.testing.assert_allclose(label.value, [3.0, 1.0, 2.0], rtol=1e-15)
    assert any("P_{Y_i|W} = P_Y" in text for text in label.assumptions)
    assert not any("P_{Y_i|W} = P_Y" in text for text in joint.assumptions)


@given(
    st.lists(st.tuples(st.floats(0.0, 10.0), st.floats(0.0, 10.0)), min_size=1, max_size=6), st.floats(0.1, 5.0)
)
@settings(deadline=None, max_examples=50)
def test_label_form_is_never_above_the_joint_form(pairs, rho):
    w1, lipschitz = np.array(pairs).T
    joint, label = (layer_wasserstein_bound(w1, lipschitz, rho, metric) for metric in ("joint", "label"))
    assert (label.value <= joint.value).all()
    assert joint.smallest == joint.value.min() and label.value[label.funnel_bound] <= label.value.min() * (1 + 1e-12)


def test_infinite_entries_zero_factors_and_ranges():
    found = layer_wasserstein_bound([math.inf, 0.0, 0.5], [0.0, math.inf, 1.0], 1.0, "label")
    assert found.value.tolist() == [0.0, 0.0, 0.5]
    with pytest.warns(VacuousBoundWarning):
        vacuous = layer_wasserstein_bound([math.inf, 2.0], [1.0, 1.0], 1.0, "joint", loss_range=1.0)
    assert vacuous.vacuous.tolist() == [True, True] and vacuous.funnel_bound == 1
    assert LayerBound.from_dict(vacuous.to_dict()) == vacuous
    assert list(vacuous.to_frame().columns) == ["layer", "w1", "lipschitz", "value", "vacuous"]


def test_funnel_takes_the_first_of_a_tie():
    assert funnel(np.array([1.0, 1.0 - 1e-14, 2.0])) == 0
    assert funnel(np.array([1.0, 1.0 - 1e-10, 2.0])) == 1
    assert funnel(np.array([math.inf, math.inf])) == 0
    assert funnel(np.array([0.0, 0.0])) == 0


# ------------------------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hierarchical_kl_bound([-0.1], 0.5), "kl_terms must be non-negative"),
        (lambda: hierarchical_kl_bound([math.nan], 0.5), "kl_terms must be non-negative"),
        (lambda: hierarchical_kl_bound([], 0.5), "kl_terms must be at least one number"),
        (lambda: hierarchical_kl_bound([0.1], 0.0), "sigma must be a positive number"),
        (lambda: hierarchical_kl_bound([0.1], math.nan), "sigma must be a positive number"),
        (lambda: hierarchical_kl_bound([[0.1], [0.2]], [1.0, 1.0, 1.0]), "of shapes that fit together"),
        (lambda: refined_kl_bound([0.1, 0.2], [0.1, 0.2, 0.3], [0.5], 1.0), "of shapes that fit together"),
        (lambda: refined_kl_bound(0.1, 0.1, [0.5, 1.2], 1.0), r"etas must be in \[0, 1\].*1.2"),
        (lambda: refined_kl_bound(0.1, 0.1, [-0.1], 1.0), r"etas must be in \[0, 1\]"),
        (lambda: refined_kl_bound(0.1, -0.1, [0.5], 1.0), "mi_y must be non-negative"),
        (lambda: layer_wasserstein_bound([1.0, 2.0], [1.0], 1.0, "joint"), "w1 and lipschitz must be of one length"),
        (lambda: layer_wasserstein_bound([math.nan], [1.0], 1.0, "joint"), "w1 must be non-negative"),
        (lambda: layer_wasserstein_bound([1.0], [-1.0], 1.0, "joint"), "lipschitz must be non-negative"),
        (lambda: layer_wasserstein_bound([1.0], [1.0], 0.0, "joint"), "rho0 must be a number > 0"),
        (lambda: layer_wasserstein_bound([1.0], [1.0], 1.0, "raw"), "metric must be one of 'joint', 'label'"),
    ],
)  # fmt: skip
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_rounding_below_zero_is_clipped():
    assert hierarchical_kl_bound([-1e-12, 0.0], 0.5).value == 0.0
