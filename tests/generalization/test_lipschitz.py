"""Tail constants: products of spectral norms, activation constants, what does not fit."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import norm

from infostat.core.errors import InputError, InputTypeError
from infostat.generalization.lipschitz import ACTIVATIONS, lipschitz_constants

W1, W2 = np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), np.array([[2.0, 0.0, 0.0]])


def test_products_of_spectral_norms():
    assert lipschitz_constants([W1, W2]).tolist() == [6.0, 2.0, 1.0]
    # Trap 12: the spectral norm, not the Frobenius norm (which is sqrt(10) for W1).
    assert np.linalg.norm(W1) == pytest.approx(math.sqrt(10.0))


@pytest.mark.parametrize(
    ("activations", "expected"),
    [
        ("relu", [6.0, 2.0, 1.0]),
        ("sigmoid", [1.5, 2.0, 1.0]),
        (["sigmoid"], [1.5, 2.0, 1.0]),
        (["sigmoid", "identity"], [1.5, 2.0, 1.0]),
        # The output layer counts as the identity: loss constants refer to logits.
        (["sigmoid", "sigmoid"], [1.5, 2.0, 1.0]),
        ("SoftMax", [3.0, 2.0, 1.0]),
        (0.5, [3.0, 2.0, 1.0]),
        ([2.0], [12.0, 2.0, 1.0]),
    ],
)
def test_activations(activations, expected):
    np.testing.assert_allclose(lipschitz_constants([W1, W2], activations), expected, rtol=1e-15)


def test_activation_constants_are_the_largest_slopes():
    x = np.linspace(-8.0, 8.0, 1_600_001)
    step = x[1] - x[0]
    functions = {
        "gelu": x * norm.cdf(x),
        "silu": x * expit(x),
        "sigmoid": expit(x),
        "tanh": np.tanh(x),
        "softplus": np.logaddexp(0.0, x),
        "elu": np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0))),
        "relu": np.maximum(x, 0.0),
    }
    for name, values in functions.items():
        slope = float(np.abs(np.diff(values)).max() / step)
        assert slope <= ACTIVATIONS[name] + 1e-9  # rounding of the quotient: 1e-15 / 1e-5
        assert slope >= ACTIVATIONS[name] - 4e-4  # softplus and elu reach their supremum in the limit only


def test_softmax_constant_holds_and_is_attained():
    jacobian = np.array([[0.25, -0.25], [-0.25, 0.25]])  # at equal logits of two classes
    assert np.linalg.norm(jacobian, 2) == pytest.approx(ACTIVATIONS["softmax"], rel=1e-15)
    g = np.random.default_rng(5)
    for logits in 3.0 * g.normal(size=(200, 4)):
        p = softmax(logits)
        assert np.linalg.norm(np.diag(p) - np.outer(p, p), 2) <= ACTIVATIONS["softmax"] * (1.0 + 1e-14)


@given(st.integers(0, 10_000), st.sampled_from(["relu", "tanh", "sigmoid", "gelu"]))
@settings(deadline=None, max_examples=25)
def test_no_pair_of_points_moves_further_than_the_constant_allows(seed, name):
    functions = {
        "relu": lambda v: np.maximum(v, 0.0),
        "tanh": np.tanh,
        "sigmoid": expit,
        "gelu": lambda v: v * norm.cdf(v),
    }
    g = np.random.default_rng(seed)
    widths = g.integers(1, 6, size=4)
    weights = [g.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    layers = [2.0 * g.normal(size=(2, widths[0]))]
    for i, w in enumerate(weights):
        z = layers[-1] @ w.T
        layers.append(functions[name](z) if i < 2 else z)
    constants = lipschitz_constants(weights, name)
    moved = np.linalg.norm(layers[-1][0] - layers[-1][1])
    for layer, constant in zip(layers, constants, strict=True):
        assert moved <= constant * np.linalg.norm(layer[0] - layer[1]) * (1.0 + 1e-12) + 1e-14


def test_extreme_sizes():
    huge, zero = np.full((2, 2), 1e200), np.zeros((2, 2))
    assert lipschitz_constants([huge, huge]).tolist()[0] == math.inf
    assert lipschitz_constants([huge, huge, zero, huge]).tolist()[:3] == [0.0, 0.0, 0.0]
    assert lipschitz_constants([[[4.0]]]).tolist() == [4.0, 1.0]


@pytest.mark.parametrize(
    ("weights", "activations", "message"),
    [
        ([], None, "at least one weight matrix"),
        ([W1, W1], None, r"weights of layer 2 must have 3 columns.*got shape \(3, 2\).*transpose"),
        ([W1, [1.0]], None, "weights of layer 2 must be a matrix"),
        ([np.zeros((3, 2, 3, 3))], None, "weights of layer 1 must be a matrix.*convolution.*lipschitz"),
        ([np.zeros((0, 2))], None, "weights of layer 1 must be a matrix of widths at least 1"),
        ([[[math.nan]]], None, "weights of layer 1 must be finite"),
        ([W1, W2], "swish2", "activations must be one of 'identity'"),
        ([W1, W2], ["relu"] * 3, "activations must be one name, or one for each of the 2 layers"),
        ([W1, W2], [-1.0], "activations must be a number >= 0"),
        ([W1, W2], math.nan, "activations must be a number >= 0"),
        ([[[1.0]]], "unknown", "activations must be one of"),
    ],
)
def test_bad_input(weights, activations, message):
    with pytest.raises(InputError, match=message):
        lipschitz_constants(weights, activations)


@pytest.mark.parametrize("weights", [3.0, "W"])
def test_weights_of_another_type(weights):
    with pytest.raises(InputTypeError, match="a list of weight matrices"):
        lipschitz_constants(weights)
