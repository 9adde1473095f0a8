"""Kernel estimators: direct formulas, closed forms of normal laws, standard errors, bad input."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import gaussian_kde

from infostat.core.errors import DataError, InputError, InputTypeError, SampleSizeWarning
from infostat.divergences.gaussian import cauchy_schwarz_gaussian, kl_gaussian
from infostat.divergences.kernel_estimators import cauchy_schwarz_kernel, conditional_cs, cs_qmi, kl_kde

Array = NDArray[np.float64]


def _normal_pair(n: int, seed: int) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    return generator.normal(0.0, 1.0, n), generator.normal(1.0, 1.5, n)


def _gram(a: Array, b: Array, s: float) -> Array:
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    return np.asarray(np.exp(-cdist(a, b, "sqeuclidean") / (2 * s * s)))


# ------------------------------------------------------------ direct formulas
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_kl_kde_against_scipy(d: int, rule: str) -> None:
    generator = np.random.default_rng(0)
    X = generator.standard_normal((150, d))
    Y = 1.4 * generator.standard_normal((200, d)) @ (np.eye(d) + 0.3) + 0.5
    q = gaussian_kde(Y.T, bw_method=rule).logpdf(X.T)
    p = gaussian_kde(X.T, bw_method=rule)
    # Take the own kernel out of scipy's resubstituted density.
    peak = 1.0 / math.sqrt(np.linalg.det(2 * math.pi * p.covariance))
    own = np.log((len(X) * p.pdf(X.T) - peak) / (len(X) - 1))
    assert kl_kde(X, Y, bandwidth=rule).value == pytest.approx(float(np.mean(own - q)), rel=1e-9)


def test_kl_kde_with_a_fixed_width() -> None:
    x, y = _normal_pair(80, 0)
    K, L = _gram(x, x, 0.4), _gram(x, y, 0.4)
    np.fill_diagonal(K, 0.0)
    direct = np.mean(np.log(K.sum(1) / 79) - np.log(L.sum(1) / 80))
    assert kl_kde(x, y, bandwidth=0.4).value == pytest.approx(float(direct), rel=1e-12)


def test_cauchy_schwarz_formulas() -> None:
    generator = np.random.default_rng(1)
    x, y = generator.standard_normal((60, 2)), generator.standard_normal((45, 2)) + 0.5
    direct = np.log(_gram(x, x, 0.7).mean()) + np.log(_gram(y, y, 0.7).mean()) - 2 * np.log(_gram(x, y, 0.7).mean())
    assert cauchy_schwarz_kernel(x, y, bandwidth=0.7).value == pytest.approx(float(direct), rel=1e-12)


def test_quadratic_mutual_information_formula() -> None:
    generator = np.random.default_rng(2)
    x = generator.standard_normal((50, 2))
    y = x[:, :1] + generator.standard_normal((50, 1))
    K, L = _gram(x, x, 0.7), _gram(y, y, 1.3)
    direct = -2 * np.log(np.mean(K.mean(1) * L.mean(1))) + np.log((K * L).mean()) + np.log(K.mean() * L.mean())
    assert cs_qmi(x, y, bandwidth=(0.7, 1.3)).value == pytest.approx(float(direct), rel=1e-11)


def test_conditional_formula() -> None:
    generator = np.random.default_rng(3)
    x = generator.uniform(size=(40, 1))
    y, y2 = x + 0.2 * generator.standard_normal((40, 1)), x + 0.5 * generator.standard_normal((40, 1))
    K = _gram(x, x, 0.3)

    def area(L: Array) -> float:
        return float(np.sum((K * L).sum(1) / K.sum(1) ** 2))

    direct = (
        math.log(area(_gram(y, y, 0.4))) + math.log(area(_gram(y2, y2, 0.4))) - 2 * math.log(area(_gram(y2, y, 0.4)))
    )
    assert conditional_cs(x, y, y2, bandwidth=(0.3, 0.4)).value == pytest.approx(direct, rel=1e-11)
    assert conditional_cs(x, y, y, bandwidth=0.3).value == 0.0


# -------------------------------------------------------------- closed forms
def test_estimates_approach_the_closed_forms() -> None:
    """Means over eight samples lie within five standard errors of the truth, plus the known bias."""
    n, runs, s = 1500, 8, 0.5
    kde, cs = [], []
    for seed in range(runs):
        x, y = _normal_pair(n, seed)
        kde.append(kl_kde(x, y))
        cs.append(cauchy_schwarz_kernel(x, y, bandwidth=s))
    smoothed = cauchy_schwarz_gaussian(0, 1 + s * s / 2, 1, 2.25 + s * s / 2)
    for estimates, truth, bias in ((kde, kl_gaussian(0, 1, 1, 2.25), 0.02), (cs, smoothed, 0.02)):
        values = np.array([float(e) for e in estimates])
        spread = values.std(ddof=1) / math.sqrt(runs)
        assert abs(values.mean() - truth) < 5 * spread + bias
        # sd over eight runs is known to a factor 1 +- 0.27; the block errors to 1 +- 0.16 each.
        ratio = np.mean([e.se for e in estimates]) / values.std(ddof=1)
        assert 0.4 < ratio < 2.2


def test_smaller_samples_are_further_away() -> None:
    truth = kl_gaussian(0, 1, 1, 2.25)
    errors = [
        math.sqrt(np.mean([(kl_kde(*_normal_pair(n, seed)).value - truth) ** 2 for seed in range(10)]))
        for n in (100, 3000)
    ]
    # n^{-1/2} would be a factor 5.5; the smoothing bias leaves less.
    assert errors[1] < errors[0] / 2


def test_independence_and_dependence() -> None:
    generator = np.random.default_rng(0)
    x, noise = generator.standard_normal((2, 400))
    apart, together = cs_qmi(x, noise, bandwidth=1.0).value, cs_qmi(x, x + 0.3 * noise, bandwidth=1.0).value
    assert 0.0 <= apart < 0.02
    assert together > 10 * apart
    # A product sample has the quadratic mutual information zero exactly.
    a, b = np.meshgrid([0.0, 1.0, 3.0], [0.0, 2.0])
    assert cs_qmi(a.ravel(), b.ravel(), bandwidth=1.0).value == pytest.approx(0.0, abs=1e-14)


def test_conditional_divergence_tells_a_better_prediction() -> None:
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, 300)
    y, good, bad = x + 0.1 * generator.standard_normal(300), x, -x
    near, far = (conditional_cs(x, y, fit, bandwidth=0.3).value for fit in (good, bad))
    assert near < 0.1 * far


# ----------------------------------------------------------------- properties
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_invariances(seed: int, scale: float, shift: float) -> None:
    x, y = _normal_pair(25, seed)
    first = cauchy_schwarz_kernel(x, y)
    assert first.value >= -1e-14
    moved = cauchy_schwarz_kernel(scale * x + shift, scale * y + shift)
    assert moved.value == pytest.approx(first.value, rel=1e-8, abs=1e-11)
    assert cauchy_schwarz_kernel(y, x).value == pytest.approx(first.value, rel=1e-10, abs=1e-13)
    assert cauchy_schwarz_kernel(x[::-1], y).value == pytest.approx(first.value, rel=1e-10, abs=1e-13)
    assert cauchy_schwarz_kernel(x, x).value == pytest.approx(0.0, abs=1e-13)
    assert kl_kde(scale * x + shift, scale * y + shift).value == pytest.approx(kl_kde(x, y).value, rel=1e-6, abs=1e-8)


def test_far_samples_stay_finite() -> None:
    x, y = _normal_pair(100, 0)
    assert cauchy_schwarz_kernel(x, y + 1e4, bandwidth=1.0).value == pytest.approx(1e8, rel=0.01)
    isolated = kl_kde(np.r_[x, 1e3], y, bandwidth=0.5)
    assert math.isfinite(isolated.value)


def test_fields_and_small_samples() -> None:
    x, y = _normal_pair(30, 0)
    estimate = cauchy_schwarz_kernel(x.tolist(), y[:, None])
    assert (estimate.n, estimate.m, estimate.nature) == (30, 30, "estimate")
    assert math.isnan(estimate.se)
    assert "a block of 1 rows is too small" in estimate.bias_note
    assert "bandwidth" in estimate.method
    assert estimate.to_dict()["value"] == estimate.value


def test_memory_stays_below_the_gram_matrix() -> None:
    x, y = _normal_pair(6000, 0)
    cauchy_schwarz_kernel(x[:100], y[:100], bandwidth=1.0)
    tracemalloc.start()
    cauchy_schwarz_kernel(x, y, bandwidth=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # One Gram matrix of 6000 rows takes 288 MB; a block of 300 rows uses the NumPy twin.
    assert peak < 40e6


# ------------------------------------------------------------------ rejection
def test_high_dimensions_are_warned_about() -> None:
    X = np.random.default_rng(0).standard_normal((60, 5))
    with pytest.warns(SampleSizeWarning, match=r"5 dimensions is mostly bias; infostat.density") as caught:
        estimate = kl_kde(X, X + 1)
    assert caught[0].filename == __file__
    assert "infostat.density" in estimate.bias_note


def test_bad_input() -> None:
    x, y = _normal_pair(30, 0)
    for form in (kl_kde, cauchy_schwarz_kernel):
        with pytest.raises(DataError, match=r"X and Y must have the same number of columns"):
            form(np.zeros((5, 2)), y)
        with pytest.raises(DataError, match=r"Y"):
            form(x, np.r_[y, math.nan])
        with pytest.raises(InputError, match=r"bandwidth must be a number > 0"):
            form(x, y, bandwidth=0.0)
    with pytest.raises(InputError, match=r"bandwidth must be one of 'scott', 'silverman', got 'wide'"):
        kl_kde(x, y, bandwidth="wide")
    with pytest.raises(InputTypeError, match=r"bandwidth must be"):
        kl_kde(x, y, bandwidth=[1.0])
    with pytest.raises(DataError, match=r"X must vary in every column"):
        kl_kde(np.ones(10), y)
    with pytest.raises(DataError, match=r"Y must have a covariance of full rank"):
        kl_kde(np.random.default_rng(0).standard_normal((9, 2)), np.column_stack([y, 2 * y]))
    assert cauchy_schwarz_kernel(np.ones(5), np.ones(5)).value == 0.0
    for paired in (cs_qmi, lambda a, b: conditional_cs(a, b, b)):
        with pytest.raises(DataError, match=r"x.* and y.* must have the same number of rows"):
            paired(x, y[:-1])
    with pytest.raises(DataError, match=r"y and y2 must have the same number of columns"):
        conditional_cs(x, y, np.column_stack([y, y]))
    with pytest.raises(InputError, match=r"bandwidth must be one number or a pair, got 3"):
        cs_qmi(x, y, bandwidth=(1, 1, 1))
    with pytest.raises(InputError, match=r"bandwidth\[1\] must be a number > 0"):
        cs_qmi(x, y, bandwidth=(1, -1))
