"""Log sums of kernels against SciPy, both routes, twins, weights, exclusion, memory, bad input."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import gaussian_kde

from infostat.core import pairwise, pairwise_kernels
from infostat.core.errors import InputError
from infostat.core.pairwise import kde_log_density, log_kernel_sum

Array = NDArray[np.float64]


def _cloud(n: int, d: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((n, d))


def _oracle(X: Array, Q: Array, h: float, weights: Array | None, exclude: Array | None) -> Array:
    terms = -cdist(Q, X, "sqeuclidean") / (2 * h * h)
    if exclude is not None:
        rows = np.flatnonzero(exclude >= 0)
        terms[rows, exclude[rows]] = -np.inf
    return np.asarray(logsumexp(terms, b=1.0 if weights is None else weights[None], axis=1))


@pytest.mark.parametrize("d", [1, 3, 17])
@pytest.mark.parametrize("route", ["loops", "tiles"])
@pytest.mark.parametrize("compiled", [False, True])
def test_routes_and_twins_against_logsumexp(
    d: int, route: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sizes that fill tiles of 1024 points and 256 queries more than once, and not evenly.
    X = _cloud(2300, d)
    Q = np.concatenate([X[:200], 5.0 * _cloud(150, d, 1)])
    weights = np.random.default_rng(2).random(len(X))
    weights[::7] = 0.0
    exclude = np.concatenate([np.arange(200), np.full(150, -1)])
    monkeypatch.setattr(pairwise, "_SMALL", 0 if compiled else 10**9)
    found = log_kernel_sum(X, Q, 0.6, weights=weights, exclude=exclude, route=route)
    # A few hundred units in the last place of exponents up to several hundreds.
    np.testing.assert_allclose(found, _oracle(X, Q, 0.6, weights, exclude), rtol=1e-12, atol=1e-12)


def test_blocked_equals_unblocked(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Q = _cloud(700, 2), _cloud(300, 2, 1)
    whole = kde_log_density(X, Q, 0.3)
    monkeypatch.setattr(pairwise, "_CHUNK", 64)
    np.testing.assert_allclose(kde_log_density(X, Q, 0.3), whole, rtol=1e-13)


def test_small_kernels_equal_their_twins() -> None:
    values = np.linspace(-800.0, 3.0, 997)
    part = np.empty(1000)
    for count in (1, 7, 997):
        compiled = pairwise_kernels.exp_sum(values, count, 3.0, part)
        assert compiled == pytest.approx(pairwise_kernels.exp_sum.twin(values, count, 3.0, part), rel=1e-13)
        assert pairwise_kernels.largest(values, count) == pairwise_kernels.largest.twin(values, count)
    # The polynomial exponential, one value at a time, over its whole range.
    for v in np.linspace(-707.9, 0.0, 211):
        assert pairwise_kernels.exp_sum(np.array([v]), 1, 0.0, part) == pytest.approx(math.exp(v), rel=4e-16)


def test_density_against_scipy() -> None:
    X = _cloud(400, 1)
    Q = np.linspace(-3, 3, 50)[:, None]
    peer = gaussian_kde(X[:, 0], bw_method=0.4)
    h = 0.4 * X.std(ddof=1)
    np.testing.assert_allclose(kde_log_density(X, Q, h), peer.logpdf(Q[:, 0]), rtol=1e-11)


def test_far_queries_stay_finite() -> None:
    X = _cloud(50, 2)
    found = kde_log_density(X, np.array([[1e8, 0.0], [0.0, 0.0]]), 1e-3)
    assert found[0] == pytest.approx(-0.5e22, rel=1e-6)
    assert np.isfinite(found).all()


def test_narrow_kernels_in_many_dimensions_avoid_the_cancelling_route() -> None:
    d = 40
    X = 1e6 + _cloud(30, d)
    Q = X[:5] + 1e-4
    found = kde_log_density(X, Q, 1e-4)
    # The difference is exact up to the rounding of x itself, 1e-10 on a step of 1e-4.
    expected = -0.5 * d - math.log(30) - 0.5 * d * math.log(2 * math.pi) - d * math.log(1e-4)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_leave_one_out_and_weights_as_repetition() -> None:
    X = _cloud(60, 2)
    every = np.arange(60)
    found = kde_log_density(X, X, 0.5, exclude=every)
    one = [kde_log_density(np.delete(X, i, axis=0), X[i : i + 1], 0.5)[0] for i in range(60)]
    np.testing.assert_allclose(found, one, rtol=1e-13)
    counts = np.random.default_rng(3).integers(0, 4, 60)
    repeated = kde_log_density(np.repeat(X, counts, axis=0), X, 0.5)
    np.testing.assert_allclose(kde_log_density(X, X, 0.5, weights=counts), repeated, rtol=1e-12)
    heavy = np.r_[1e12, np.ones(59)]
    found = kde_log_density(X, X[:1], 0.5, weights=heavy, exclude=[0])
    np.testing.assert_allclose(found, kde_log_density(X[1:], X[:1], 0.5), rtol=1e-12)


def test_nothing_left_is_minus_infinity() -> None:
    X = np.zeros((1, 1))
    assert kde_log_density(X, X, 1.0, exclude=[0])[0] == -math.inf
    assert kde_log_density(np.zeros((2, 1)), X, 1.0, weights=[1, 0], exclude=[0])[0] == -math.inf


def test_memory_is_a_few_megabytes() -> None:
    X, Q = _cloud(20_000, 4), _cloud(4_000, 4, 1)
    kde_log_density(X, Q[:100], 0.5)
    tracemalloc.start()
    kde_log_density(X, Q, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All pairs would take 640 MB.
    assert peak < 8e6


def test_bad_input() -> None:
    X = _cloud(5, 2)
    with pytest.raises(InputError, match=r"X and Q must have the same number of columns"):
        kde_log_density(X, _cloud(5, 3), 1.0)
    with pytest.raises(InputError, match=r"h must be a number > 0"):
        kde_log_density(X, X, 0.0)
    with pytest.raises(InputError, match=r"Q must be finite, got 1 NaN"):
        kde_log_density(X, np.array([[0.0, math.nan]]), 1.0)
    with pytest.raises(InputError, match=r"weights must have one entry per row"):
        kde_log_density(X, X, 1.0, weights=[1, 2])
    with pytest.raises(InputError, match=r"exclude must hold rows of X"):
        kde_log_density(X, X, 1.0, exclude=[0, 1, 2, 3, 5])
    with pytest.raises(InputError, match=r"exclude must hold one integer per query"):
        kde_log_density(X, X, 1.0, exclude=[0.5])
