"""The reference network: gradient, training, noise, and what it hands to the bounds."""

from __future__ import annotations

import math
import pickle
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from infostat.core.errors import InputError, InputTypeError, NoContractionWarning
from infostat.generalization.network import MLP
from infostat.generalization.network_training import NetworkPlan, forward, gradients, initial_weights, logistic_losses

Sample = tuple[np.ndarray, np.ndarray]


def clouds(n: int, d: int, seed: int, shift: float = 1.0) -> Sample:
    """Two Gaussian clouds around -shift and shift times the first axis."""
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], n)
    X = rng.normal(size=(n, d))
    X[:, 0] += shift * y
    return X, y


def plan_of(net: MLP) -> NetworkPlan:
    return NetworkPlan(net.widths, net.activations, net.drop, net.noise_std, net.bias)


# ---------------------------------------------------------------------- gradient
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "identity"])
@pytest.mark.parametrize("drop", [0.0, 0.4])
def test_gradient_agrees_with_central_differences(activation: str, drop: float) -> None:
    plan = plan_of(MLP([3, 5, 4, 1], activation, drop=drop, noise_std=0.3 if drop else 0.0, bias=True))
    rng = np.random.default_rng(3)
    X, y = clouds(12, 3, 0)
    weights, biases = initial_weights(plan, rng)
    biases = [rng.normal(size=b.shape) for b in biases]
    noise = plan.noise(len(X), rng)
    layers, values = forward(plan, (weights, biases), X, noise)
    slopes, shifts = gradients(plan, weights, layers, values, y, noise)

    def loss() -> float:
        return float(logistic_losses(forward(plan, (weights, biases), X, noise)[0][-1][:, 0], y).mean())

    # Truncation h^2 / 6 times a third derivative of order 10, rounding 1e-16 / h: both below 1e-8.
    h = 1e-5
    for array, gradient in [*zip(weights, slopes, strict=True), *zip(biases, shifts, strict=True)]:
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + h
            above = loss()
            array[place] = kept - h
            below = loss()
            array[place] = kept
            assert gradient[place] == pytest.approx((above - below) / (2 * h), abs=1e-7)


def test_losses_do_not_overflow() -> None:
    y = np.array([1.0, -1.0, 1.0, 1.0])
    u = np.array([-1e4, 1e4, 1e4, 0.0])
    np.testing.assert_allclose(logistic_losses(u, y), [1e4, 1e4, 0.0, math.log(2.0)], rtol=1e-15)


# ---------------------------------------------------------------------- training
def test_without_a_hidden_layer_training_is_logistic_regression() -> None:
    X, y = clouds(60, 2, 1, shift=0.7)
    net = MLP([2, 1], bias=True, learning_rate=1.0, steps=4000).fit(X, y, rng=0)
    oracle = minimize(
        lambda b: float(np.logaddexp(0.0, -y * (X @ b[:2] + b[2])).mean()), np.zeros(3), method="BFGS", tol=1e-10
    )
    np.testing.assert_allclose([*net.weights[0][0], *net.biases[0]], oracle.x, rtol=1e-5)
    assert net.loss(X, y) == pytest.approx(oracle.fun, rel=1e-10)


def test_one_step_is_the_learning_rate_times_the_gradient() -> None:
    X, y = clouds(20, 2, 2)
    start = MLP([2, 1], steps=0).fit(X, y, rng=5).weights[0][0]
    after = MLP([2, 1], steps=1, learning_rate=0.3).fit(X, y, rng=5).weights[0][0]
    slope = -(y / (1.0 + np.exp(y * (X @ start)))) @ X / len(y)
    np.testing.assert_allclose(after, start - 0.3 * slope, rtol=1e-13)


def test_the_network_overfits_as_it_should() -> None:
    (X, y), (X2, y2) = clouds(200, 10, 7), clouds(200, 10, 8)
    net = MLP([10, 16, 8, 4, 1]).fit(X, y, X_test=X2, y_test=y2, rng=1)
    history = net.history
    assert list(history.columns) == ["step", "loss", "test_loss", "gap"]
    assert len(history) == 401
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]
    assert history["gap"].iloc[-1] > 0.2
    assert history["loss"].iloc[-1] == net.loss(X, y)
    assert history["test_loss"].iloc[-1] == net.loss(X2, y2)


@pytest.mark.parametrize("noise", [{}, {"drop": 0.3}, {"noise_std": 0.2}])
def test_watching_a_second_sample_changes_no_weight(noise: dict[str, float]) -> None:
    (X, y), (X2, y2) = clouds(30, 3, 0), clouds(10, 3, 1)
    alone = MLP([3, 4, 1], steps=20, **noise).fit(X, y, rng=2)
    watched = MLP([3, 4, 1], steps=20, **noise).fit(X, y, X_test=X2, y_test=y2, rng=2)
    for one, other in zip(alone.weights, watched.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert alone.history["gap"].isna().all()
    assert np.isfinite(watched.history["gap"]).all()


def test_the_seed_decides_and_is_kept() -> None:
    X, y = clouds(30, 3, 0)
    first = MLP([3, 4, 1], drop=0.5, steps=10).fit(X, y)
    again = MLP([3, 4, 1], drop=0.5, steps=10, rng=first.seed).fit(X, y)
    other = MLP([3, 4, 1], drop=0.5, steps=10, rng=first.seed).fit(X, y, rng=1)
    np.testing.assert_array_equal(first.weights[0], again.weights[0])
    assert (first.weights[0] != other.weights[0]).any()
    assert other.seed == 1


def test_noise_leaves_the_start_alone() -> None:
    X, y = clouds(30, 3, 0)
    plain = MLP([3, 4, 1], steps=0).fit(X, y, rng=3)
    noisy = MLP([3, 4, 1], steps=0, drop=0.5, noise_std=1.0).fit(X, y, rng=3)
    np.testing.assert_array_equal(plain.weights[0], noisy.weights[0])


def test_initial_weights_have_the_variance_of_he() -> None:
    net = MLP([50, 400, 1], steps=0).fit(np.zeros((1, 50)), [1.0], rng=0)
    entries = net.weights[0].ravel()
    assert net.weights[0].shape == (400, 50)
    # The variance of a sample variance of N normal values is 2 sigma^4 / N.
    assert abs(entries.var() - 2 / 50) < 5 * (2 / 50) * math.sqrt(2 / entries.size)
    assert not any(bias.any() for bias in net.biases)


def test_progress_counts_steps(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = clouds(20, 2, 0)
    seen: list[tuple[int, int]] = []
    MLP([2, 1], steps=3).fit(X, y, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert capsys.readouterr() == ("", "")
    MLP([2, 1], steps=3).fit(X, y, X_test=X, y_test=y, progress=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "loss" in printed.err and "gap" in printed.err


# ---------------------------------------------------------------- representations
def test_a_linear_network_is_the_product_of_its_weights() -> None:
    X, y = clouds(15, 4, 0)
    net = MLP([4, 6, 3, 1], "identity", steps=5, learning_rate=0.01).fit(X, y, rng=1)
    product = X
    for weight, layer in zip(net.weights, net.representations(X)[1:], strict=True):
        product = product @ weight.T
        np.testing.assert_allclose(layer, product, rtol=1e-12, atol=1e-14)


def test_layers_are_those_of_the_formula() -> None:
    X, y = clouds(15, 4, 0)
    net = MLP([4, 6, 3, 1], ["relu", "tanh"], bias=True, steps=30).fit(X, y, rng=1)
    (w1, w2, w3), (b1, b2, b3) = net.weights, net.biases
    t1 = np.maximum(X @ w1.T + b1, 0.0)
    t2 = np.tanh(t1 @ w2.T + b2)
    wanted = [X, t1, t2, t2 @ w3.T + b3]
    for place, (found, layer) in enumerate(zip(net.representations(X), wanted, strict=True)):
        np.testing.assert_allclose(found, layer, rtol=1e-12)
        np.testing.assert_array_equal(net.representations(X, layer=place), found)
    assert b3.shape == (1,) and b1.any()


def test_the_sign_of_the_logit_is_the_prediction() -> None:
    net = MLP([1, 1]).fit([[-1.0], [1.0]], [-1, 1], rng=0)
    np.testing.assert_array_equal(net.predict([[-0.1], [0.0], [0.1]]), [-1.0, 1.0, 1.0])


def test_what_comes_back_is_the_callers() -> None:
    X, y = clouds(15, 4, 0)
    X.flags.writeable = y.flags.writeable = False
    net = MLP([4, 3, 1], steps=2).fit(X, y, rng=0)
    net.representations(X)[0][:] = 0.0
    net.weights[0][:] = 0.0
    assert X.any() and net.weights[0].any()


def test_frames_series_and_lists_are_data() -> None:
    X, y = clouds(15, 2, 0)
    wanted = MLP([2, 3, 1], steps=4).fit(X, y, rng=0).weights[0]
    frame = MLP([2, 3, 1], steps=4).fit(pd.DataFrame(X, columns=["a", "b"]), pd.Series(y), rng=0).weights[0]
    lists = MLP((2, 3, 1), steps=4).fit(X.tolist(), y.astype(int).tolist(), rng=0).weights[0]
    np.testing.assert_array_equal(wanted, frame)
    np.testing.assert_array_equal(wanted, lists)


def test_networks_can_be_pickled() -> None:
    X, y = clouds(15, 2, 0)
    net = MLP([2, 3, 1], "tanh", drop=0.1, steps=4).fit(X, y, rng=0)
    copy = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(copy.decision_function(X, rng=4), net.decision_function(X, rng=4))
    assert repr(copy) == "MLP((2, 3, 1), 'tanh', drop=(0.1,))"


# --------------------------------------------------------------------------- noise
def test_fresh_noise_differs_between_rows_and_shared_noise_does_not() -> None:
    X = np.ones((200, 2))
    net = MLP([2, 6, 1], drop=0.5, noise_std=0.1, steps=0).fit(X[:1], [1.0], rng=2)
    assert len(np.unique(net.representations(X, 1, rng=0)[:, 0])) > 100
    shared = net.representations(X, 1, rng=0, noise="shared")
    np.testing.assert_array_equal(shared, np.broadcast_to(shared[0], shared.shape))
    np.testing.assert_array_equal(net.representations(X[:3], 1, rng=0, noise="shared"), shared[:3])
    assert (net.representations(X[:1], 1, rng=1, noise="shared") != shared[0]).any()


def test_kept_units_make_up_for_dropped_ones() -> None:
    X = np.array([[0.5, -1.0]])
    net = MLP([2, 4, 1], "tanh", drop=0.3, noise_std=0.2, steps=0).fit(X, [1.0], rng=0)
    outputs = net.decision_function(np.repeat(X, 20_000, axis=0), rng=1)
    error = outputs.std() / math.sqrt(len(outputs))
    # The output is linear in the noisy layer, so its mean over the noise is that without noise.
    assert abs(outputs.mean() - net.decision_function(X, noise="off")[0]) < 5 * error
    share = (net.representations(np.repeat(X, 20_000, axis=0), 1, rng=1) - 0.0 == 0.0).mean()
    assert share == 0.0  # the noise covers the dropped units


def test_shared_and_fresh_noise_have_the_same_mean_loss() -> None:
    X, y = clouds(40, 2, 0)
    net = MLP([2, 5, 1], drop=0.4, steps=30).fit(X, y, rng=0)
    shared = np.array([net.loss(X, y, rng=k, noise="shared") for k in range(400)])
    fresh = np.array([net.loss(X, y, rng=k) for k in range(400)])
    assert abs(shared.mean() - fresh.mean()) < 5 * math.sqrt(shared.var() / 400 + fresh.var() / 400)
    assert fresh.std() < shared.std()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), drop=st.floats(0.0, 0.9), depth=st.integers(0, 3))
def test_thinned_weights_are_the_linear_network_that_a_shared_mask_leaves(seed: int, drop: float, depth: int) -> None:
    X = np.random.default_rng(seed).normal(size=(2, 3))
    net = MLP([3, *[4] * depth, 1], "identity", drop=drop, noise_std=0.5, steps=0).fit(X, [-1, 1], rng=seed)
    layers = net.representations(X, rng=seed + 1, noise="shared")
    difference = X[0] - X[1]
    for weight, layer in zip(net.thinned_weights(seed + 1), layers[1:], strict=True):
        difference = weight @ difference
        np.testing.assert_allclose(difference, layer[0] - layer[1], rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), activation=st.sampled_from(["relu", "tanh", "sigmoid"]))
def test_thinned_weights_bound_every_tail(seed: int, activation: str) -> None:
    X = 3.0 * np.random.default_rng(seed).normal(size=(6, 3))
    net = MLP([3, 5, 4, 1], activation, drop=0.4, noise_std=0.1, steps=0).fit(X, [-1, 1] * 3, rng=seed)
    layers = net.representations(X, rng=seed, noise="shared")
    norms = [np.linalg.norm(w, 2) * (0.25 if activation == "sigmoid" else 1.0) for w in net.thinned_weights(seed)]
    norms[-1] *= 4.0 if activation == "sigmoid" else 1.0  # no activation after the last one
    outputs = np.abs(layers[-1] - layers[-1].T)
    for place, layer in enumerate(layers):
        apart = np.linalg.norm(layer[:, None] - layer[None], axis=-1)
        assert (outputs <= np.prod(norms[place:]) * apart * (1 + 1e-12) + 1e-12).all()


def test_without_noise_the_seed_is_ignored_and_nothing_is_thinned() -> None:
    X, y = clouds(10, 2, 0)
    net = MLP([2, 3, 1], steps=2).fit(X, y, rng=0)
    np.testing.assert_array_equal(net.decision_function(X, rng=1), net.decision_function(X, noise="off"))
    for one, other in zip(net.weights, net.thinned_weights(3), strict=True):
        np.testing.assert_array_equal(one, other)


# -------------------------------------------------------------------- contraction
def test_contraction_of_dropout_and_of_bounded_noise() -> None:
    net = MLP([5, 3, 2, 4, 1], "tanh", drop=[0.3, 0.0, 0.5], noise_std=[0.0, 1.0, 1.0])
    eta = net.sdpi_coefficients()

    def gaussian(s: float) -> float:
        # E tanh(s^2 + s Z) by the midpoint rule, an independent road to the exact coefficient.
        z = (np.arange(-4000, 4000) + 0.5) * 0.0025
        return float((np.tanh(s * s + s * z) * np.exp(-z * z / 2)).sum() * 0.0025 / math.sqrt(2 * math.pi))

    wanted = [0.973, gaussian(math.sqrt(2)), (1 - 0.5**4) * gaussian(2.0 * math.sqrt(4) / 0.5 / 2), 1.0]
    np.testing.assert_allclose(eta, wanted, rtol=1e-9)


def test_noise_on_relu_contracts_nothing_and_says_so() -> None:
    with pytest.warns(NoContractionWarning, match="'relu' of layer 1"):
        assert MLP([5, 3, 1], noise_std=1.0).sdpi_coefficients().tolist() == [1.0, 1.0]


def test_dropout_switched_off_does_not_contract() -> None:
    net = MLP([5, 3, 1], drop=0.3)
    with pytest.warns(NoContractionWarning, match="do not apply to this network"):
        assert net.sdpi_coefficients(noise="off").tolist() == [1.0, 1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MLP([5, 3, 1]).sdpi_coefficients(noise="off").tolist() == [1.0, 1.0]


# ----------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        (([3],), {}, InputError, "at least two widths"),
        (([3, 0, 1],), {}, InputError, r"widths\[1\] must be an integer from 1"),
        (([3, 2.5, 1],), {}, InputTypeError, r"widths\[1\]"),
        (([3, 2],), {}, InputError, "1 in the last place"),
        (("abc",), {}, InputTypeError, "widths must be a sequence"),
        ((5,), {}, InputTypeError, "widths must be a sequence"),
        (([3, 2, 1], "relu6"), {}, InputError, "'relu', 'tanh', 'sigmoid', 'identity'"),
        (([3, 2, 1], ["relu", "relu"]), {}, InputError, "1 names, one per hidden layer"),
        (([3, 2, 1], 7), {}, InputTypeError, "activation must be a name"),
        (([3, 2, 1],), {"drop": 1.0}, InputError, r"drop must be a number in \[0, 1\)"),
        (([3, 2, 1],), {"drop": -0.1}, InputError, "drop must be"),
        (([3, 2, 1],), {"drop": [0.1, 0.2]}, InputError, "1 numbers, one per hidden layer"),
        (([3, 2, 1],), {"drop": math.nan}, InputError, "drop must be"),
        (([3, 2, 1],), {"noise_std": -1.0}, InputError, "noise_std must be a number >= 0"),
        (([3, 2, 1],), {"noise_std": math.inf}, InputError, "noise_std must be"),
        (([3, 2, 1],), {"learning_rate": 0.0}, InputError, "learning_rate must be a number > 0"),
        (([3, 2, 1],), {"steps": -1}, InputError, "steps must be an integer from 0"),
        (([3, 2, 1],), {"bias": 1}, InputTypeError, "bias must be True or False"),
        (([3, 2, 1],), {"rng": -1}, InputError, "rng must be"),
    ],
)
def test_a_network_that_cannot_be(arguments: Any, options: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        MLP(*arguments, **options)


@pytest.mark.parametrize(
    ("X", "y", "options", "match"),
    [
        ([[1.0], [2.0]], [1, -1], {}, "X must have 2 columns"),
        ([[1.0, 2.0], [math.nan, 1.0]], [1, -1], {}, "X must"),
        ([[1.0, 2.0]], [1, -1], {}, r"y must be one label per observation \(1\), got 2"),
        ([[1.0, 2.0], [3.0, 4.0]], [1, 0], {}, r"such as 0; labels 0 and 1 become -1 and 1 by 2 \* y - 1"),
        ([[1.0, 2.0], [3.0, 4.0]], [1, 2], {}, "labels -1 and 1, got 1 others, such as 2$"),
        ([[1.0, 2.0], [3.0, 4.0]], [1, math.nan], {}, "y must be finite"),
        ([[1.0, 2.0], [3.0, 4.0]], [[1], [1]], {}, "y must be 1-dimensional"),
        ([[1.0, 2.0], [3.0, 4.0]], [1, -1], {"X_test": [[1.0, 2.0]]}, "given together"),
        ([[1.0, 2.0], [3.0, 4.0]], [1, -1], {"X_test": [[1.0]], "y_test": [1]}, "X_test must have 2 columns"),
        ([[1.0, 2.0], [3.0, 4.0]], [1, -1], {"X_test": [[1.0, 2.0]], "y_test": [3]}, "y_test must be labels"),
    ],
)
def test_data_that_do_not_fit(X: Any, y: Any, options: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        MLP([2, 3, 1], steps=2).fit(X, y, **options)


def test_a_run_that_explodes_names_the_learning_rate() -> None:
    X, y = clouds(20, 3, 0)
    with pytest.raises(InputError, match="learning_rate must be small enough .* not finite after"):
        MLP([3, 8, 8, 1], "identity", learning_rate=1e9).fit(X, y, rng=0)


def test_asking_before_training() -> None:
    net = MLP([2, 1])
    with pytest.raises(InputError, match="call fit"):
        net.predict([[1.0, 2.0]])
    assert not hasattr(net, "weights")


@pytest.mark.parametrize(
    ("options", "match"),
    [({"noise": "on"}, "'fresh', 'shared', 'off'"), ({"layer": 3}, "layer must be an integer from 0 to 2")],
)
def test_representations_that_do_not_exist(options: Any, match: str) -> None:
    net = MLP([2, 3, 1], steps=0).fit([[1.0, 2.0]], [1])
    with pytest.raises(InputError, match=match):
        net.representations([[1.0, 2.0]], **options)


def test_weights_have_the_shapes_of_the_contract() -> None:
    net = MLP([7, 5, 3, 1], steps=0).fit(np.zeros((1, 7)), [1])
    assert [w.shape for w in net.weights] == [(after, before) for before, after in pairwise(net.widths)]
    assert net.activations == ("relu", "relu", "identity")
