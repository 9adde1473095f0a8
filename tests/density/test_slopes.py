"""Slopes from spacings, against exact slopes of known laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import digamma, gammaln
from scipy.stats import gamma

from infostat.density.slopes import (
    SPARE,
    Slopes,
    _third_moment_steps,
    _without,
    curvature,
    estimate_slopes,
    fit_slopes,
    mean_spacings,
    n_spacings,
)
from infostat.density.sweep import kernel_sweep
from tests.density.slope_oracles import exact_slopes

Array = NDArray[np.float64]

# Exact E_x b(x) of N(0, I) with F = 1/(n - 1), computed for the specification (section 5.2).
EXACT = {(5, 500): 3.8916, (5, 5000): 9.9475, (20, 500): 0.54379, (20, 5000): 0.78390, (60, 500): 0.22921}
EXACT |= {(60, 5000): 0.29769, (200, 5000): 0.13360}


def _slopes(X: Array, m: int) -> Slopes:
    rows = np.arange(m)
    kept = n_spacings(len(X)) + 1 + SPARE
    found = kernel_sweep(X, X[:m], 1.0, exclude=rows, n_neighbours=kept)
    return estimate_slopes(found.squared, found.neighbours, rows, len(X))


def _normal(d: int, n: int, seed: int) -> Array:
    return np.random.default_rng([seed, d, n]).normal(size=(n, d))


# ------------------------------------------------------------------ formulas
def test_expected_spacings_without_curvature_are_exact() -> None:
    # n F(R_k) is a sum of k unit exponentials G and R = g0 (G^s - 1)/s, so
    # E k (R_(k+1) - R_k) = (k/s) (Gamma(k+1+s)/Gamma(k+1) - Gamma(k+s)/Gamma(k)) g0.
    for s in (-0.4, 0.1, 0.7, 2.0):
        log_mean, derivative = mean_spacings(np.array([s]), 0.0, 32)
        k = np.arange(1.0, 33.0)
        steps = np.exp(gammaln(k + 1 + s) - gammaln(k + 1)) - np.exp(gammaln(k + s) - gammaln(k))
        np.testing.assert_allclose(np.exp(log_mean[0]), k * steps / s, rtol=1e-10)
        np.testing.assert_allclose(derivative[0], digamma(k + s), rtol=1e-12)


def test_curvature_enters_by_third_moments_of_the_log() -> None:
    # dR/dl = g0 exp(s l + q l^2/2): to first order in q at s = 0, R changes by q l^3/6.
    k = np.arange(1, 6)
    moments = [quad(lambda x, k=k: np.log(x) ** 3 * gamma.pdf(x, k), 0, 80, limit=200)[0] for k in range(1, 7)]
    np.testing.assert_allclose(_third_moment_steps(5), k * np.diff(moments) / 3.0, rtol=1e-7)
    wanted = mean_spacings(np.zeros(1), 0.0, 5)[0] + 0.005 * _third_moment_steps(5)
    np.testing.assert_allclose(mean_spacings(np.zeros(1), 0.01, 5)[0], wanted, rtol=1e-12)


def test_numbers_of_spacings_and_curvatures() -> None:
    assert [n_spacings(n) for n in (2, 119, 120, 479, 480, 10**6)] == [0, 0, 8, 31, 32, 32]
    # Section 5.2 prints .0127 and .0070; .0286 at n = 500 is 2/z^4 = .0291 with more digits of z.
    np.testing.assert_allclose([curvature(5000), curvature(50_000)], [0.0127, 0.0070], atol=5e-5)


# ----------------------------------------------------------------------- fit
@pytest.mark.parametrize("s", [-0.2, 0.0, 0.4])
def test_the_model_itself_is_recovered(s: float) -> None:
    rng = np.random.default_rng(2)
    level = np.cumsum(rng.exponential(size=(3000, 33)), axis=1)
    steps = np.log(level) if s == 0.0 else (level**s - 1.0) / s
    found = fit_slopes(0.25 * steps + 50.0, 0.0)
    assert found.converged
    # 96000 unit exponentials; log g0 and s are correlated: mean(psi^2)/var(psi) = 8, errors .009 and .0034.
    assert abs(np.log(0.25 * found.slope.mean())) < 0.03
    assert abs(found.exponent.mean() - s) < 0.02


def test_slopes_have_the_unit_of_one_over_r() -> None:
    X = _normal(6, 400, 1)
    one, other = _slopes(X, 400), _slopes(1024.0 * X, 400)
    np.testing.assert_allclose(other.slope * 1024.0**2, one.slope, rtol=1e-9)
    np.testing.assert_allclose(other.half_width, one.half_width, rtol=1e-8)


def test_variation_that_the_covariate_misses_is_kept() -> None:
    # Each query has its own slope although all have the same distance scale in the covariate.
    rng = np.random.default_rng(3)
    truth = rng.gamma(4.0, 0.25, size=4000)
    level = np.cumsum(rng.exponential(size=(4000, 33)), axis=1)
    squared = np.log(level / level[:, -1:]) / truth[:, None] + 100.0
    found = fit_slopes(squared, 0.0)
    assert np.corrcoef(found.slope, truth)[0, 1] > 0.9
    assert found.slope.std() == pytest.approx(truth.std(), rel=0.15)
    assert found.slope.mean() == pytest.approx(truth.mean(), rel=0.05)


def test_all_distances_equal_has_no_slope() -> None:
    found = fit_slopes(np.full((50, 20), 2.0), 0.01)
    assert np.isnan(found.slope).all()
    assert not found.converged


def test_a_constant_covariate_does_no_harm() -> None:
    level = np.cumsum(np.random.default_rng(4).exponential(size=(1, 33)), axis=1)
    found = fit_slopes(np.repeat(np.log(level) + 20.0, 30, axis=0), 0.0)
    assert found.converged
    assert np.isfinite(found.slope).all()


def test_removing_a_group_takes_it_from_lists_and_queries() -> None:
    squared = np.arange(1.0, 6.0) * np.ones((3, 1))
    neighbours = np.array([[20, 1, 2, 3, 4], [1, 40, 20, 0, 3], [1, 2, 3, 4, 5]])
    part, chosen = _without(squared, neighbours, np.array([-1, -1, 60]), 0, 2)
    assert chosen.tolist() == [True, False, False]  # too short; a query of the group
    np.testing.assert_array_equal(part, [[2.0, 3.0, 4.0]])


# ---------------------------------------------------------- exact slopes, level 1/(n-1)
def test_the_oracle_gives_the_published_references() -> None:
    for d, n in ((20, 500), (60, 5000)):
        b = exact_slopes(_normal(d, 4000, 9), np.zeros((1, d)), 1.0, 1.0 / (n - 1))
        assert b.mean() == pytest.approx(EXACT[d, n], abs=4.5 * b.std() / np.sqrt(len(b)))


@pytest.mark.parametrize(("d", "n"), [(20, 5000), (60, 5000), (200, 5000)])
def test_normal_data_at_one_draw(d: int, n: int) -> None:
    found = _slopes(_normal(d, n, 0), 1000)
    error = np.log(found.slope.mean() / EXACT[d, n])
    assert abs(error) < 0.08
    assert 0.02 < found.half_width < 0.1
    assert found.tied == 0.0
    assert found.converged


def test_ten_data_sets_average_out() -> None:
    logs = [np.log(_slopes(_normal(20, 5000, seed), 500).slope.mean() / EXACT[20, 5000]) for seed in range(10)]
    assert abs(np.mean(logs)) < 0.04


def test_slopes_of_single_queries() -> None:
    # Section 5.2: rms error of log mu_hat(x) between .02 and .09; one query's own 32 spacings give .15.
    X = _normal(20, 5000, 3)
    found = _slopes(X, 600)
    error = np.log(found.slope[:300] / exact_slopes(X[:300], np.zeros((1, 20)), 1.0, 1.0 / 4999))
    assert np.sqrt((error**2).mean()) < 0.1


def test_queries_that_only_help_are_not_averaged() -> None:
    X = _normal(10, 400, 5)
    Q = np.random.default_rng(6).normal(size=(30, 10))
    own = np.concatenate([np.full(30, -1), np.arange(400)])
    kept = n_spacings(400) + 1 + SPARE
    found = kernel_sweep(X, np.concatenate([Q, X]), 1.0, exclude=own, n_neighbours=kept)
    target = np.arange(430) < 30
    slopes = estimate_slopes(found.squared, found.neighbours, own, 400, target)
    assert slopes.slope.shape == slopes.exponent.shape == (30,)
    exact = exact_slopes(Q, np.zeros((1, 10)), 1.0, 1.0 / 400).mean()
    assert abs(np.log(slopes.slope.mean() / exact)) < slopes.half_width


# ------------------------------------------------------------------ coverage
def _clusters(n: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng([seed, 77])
    centres = 1.5 * np.random.default_rng(0).normal(size=(3, 20))
    return centres[rng.integers(3, size=n)] + rng.normal(size=(n, 20)), centres


@pytest.mark.slow
@pytest.mark.parametrize(
    ("d", "n", "least"), [(20, 500, 18), (5, 500, 18), (20, 5000, 18), (60, 5000, 18)], ids=lambda v: str(v)
)
def test_the_interval_covers_the_exact_mean_of_normal_data(d: int, n: int, least: int) -> None:
    # 20 data sets at a nominal 95 %: fewer than 18 hits would have probability .08 at .95, 1e-3 at .99.
    m = min(n, 1000)
    hits = _coverage((_normal(d, n, seed), np.zeros((1, d)), m) for seed in range(20))
    assert sum(hits) >= least


@pytest.mark.slow
def test_the_interval_covers_the_exact_mean_of_clusters() -> None:
    hits = _coverage((*_clusters(5000, seed), 1000) for seed in range(20))
    assert sum(hits) >= 18


def _coverage(data: Any) -> list[bool]:
    hits = []
    for X, centres, m in data:
        found = _slopes(X, m)
        exact = exact_slopes(X[:m], centres, 1.0, 1.0 / (len(X) - 1)).mean()
        hits.append(abs(np.log(found.slope.mean() / exact)) < found.half_width)
    return hits
