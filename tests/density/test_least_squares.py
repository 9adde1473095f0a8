"""Least-squares cross-validation against its definition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.density.least_squares import gain_scores, is_uninformative, lscv_terms, lscv_values, shown_scale


def normal(squares: Any, variance: float, d: int) -> Any:
    return np.exp(-squares / (2 * variance)) * (2 * math.pi * variance) ** (-d / 2)


def definition(X: Any, h: float, masses: Any) -> float:
    d = X.shape[1]
    squares = ((X[:, None] - X) ** 2).sum(axis=2)
    w = masses / masses.sum()
    square = float(w @ normal(squares, 2 * h * h, d) @ w)
    kernel = normal(squares, h * h, d)
    np.fill_diagonal(kernel, 0.0)
    left_out = kernel @ masses / (masses.sum() - masses)
    return square - 2 * float(w @ left_out)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(1, 5), st.floats(0.1, 5), st.integers(0, 10**6), st.booleans())
def test_terms_are_those_of_the_definition(n: int, d: int, h: float, seed: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    masses = rng.integers(1, 4, n).astype(float) if weighted else np.ones(n)
    terms = lscv_terms(X, np.array([h]), masses if weighted else None, None, 1)
    value = lscv_values(terms, 0.0)[0]
    assert value == pytest.approx(definition(X, h, masses), rel=1e-9, abs=1e-13 * math.exp(terms[0, :2].max()))


def test_square_term_is_an_integral() -> None:
    x = np.random.default_rng(0).standard_normal(30)
    h = 0.4
    places = np.linspace(-8, 8, 4001)
    density = normal((places[:, None] - x) ** 2, h * h, 1).mean(axis=1)
    integral = np.trapezoid(density**2, places)
    assert math.exp(lscv_terms(x[:, None], np.array([h]), None, None, 1)[0, 0]) == pytest.approx(integral, rel=1e-10)


def test_published_form_for_equal_weights() -> None:
    X = np.random.default_rng(1).standard_normal((50, 2))
    n, h = 50, 0.5
    squares = ((X[:, None] - X) ** 2).sum(axis=2)
    off = ~np.eye(n, dtype=bool)
    wanted = normal(squares, 2 * h * h, 2).sum() / n**2 - 2 * normal(squares, h * h, 2)[off].sum() / (n * (n - 1))
    assert lscv_values(lscv_terms(X, np.array([h]), None, None, 1), 0.0)[0] == pytest.approx(wanted, rel=1e-11)


def test_standard_error_of_the_cross_term() -> None:
    X = np.random.default_rng(2).standard_normal((200, 1))
    h = 0.5
    kernel = normal((X - X.T) ** 2, h * h, 1)
    np.fill_diagonal(kernel, 0.0)
    rows = 2 * kernel.sum(axis=1) / 199
    terms = lscv_terms(X, np.array([h]), None, None, 1)[0]
    assert math.exp(terms[2]) == pytest.approx(math.sqrt(2) * rows.std() / math.sqrt(200), rel=1e-9)


def test_a_subset_of_rows_is_unbiased() -> None:
    X = np.random.default_rng(3).standard_normal((60, 2))
    hs = np.array([0.3, 0.8])
    every = np.exp(lscv_terms(X, hs, None, None, 1)[:, :2])
    parts = [np.exp(lscv_terms(X, hs, None, np.arange(s, s + 20), 1)[:, :2]) for s in (0, 20, 40)]
    assert np.allclose(np.mean(parts, axis=0), every, rtol=1e-12)


def test_scores_order_values_beyond_floating_point() -> None:
    terms = np.array([[-2000.0, -2001.0], [-2100.0, -2099.0], [-2090.0, -2089.0], [-2500.0, -2499.0]])
    scores = gain_scores(terms)
    assert np.argmax(scores) == 2 and scores[2] == 1.0
    assert scores[0] < 0.0 < scores[3] < scores[1] < scores[2]
    scale = shown_scale(terms)
    assert lscv_values(terms, scale)[2] == -1.0
    assert np.all(np.isfinite(scores))


def test_scores_without_any_gain() -> None:
    scores = gain_scores(np.array([[-1.0, -2.0], [-3.0, -3.5], [-2.0, -2.0]]))
    assert np.argmax(scores) == 2 and scores[2] == 0.0
    scores = gain_scores(np.array([[-1.0, -2.0], [-3.0, -3.5]]))
    assert np.argmax(scores) == 1 and scores[1] == -1.0


def test_uninformative_means_no_gain_above_the_error() -> None:
    assert is_uninformative(np.array([0.0, -1.0, -np.inf]))
    assert is_uninformative(np.array([0.0, 1e-14, -np.inf]))
    assert not is_uninformative(np.array([0.0, 1e-8, -np.inf]))
    assert is_uninformative(np.array([-1.0, 0.0, math.log(0.4)]))
    assert not is_uninformative(np.array([-1.0, 0.0, math.log(0.3)]))
