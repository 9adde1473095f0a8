"""Ratio and variational estimators: statsmodels, stationarity, closed forms, bounds, bad input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from infostat.core.errors import DataError, InputError, SampleSizeWarning
from infostat.divergences.gaussian import kl_gaussian
from infostat.divergences.ratio_basis import _basis, _centres, _components, _mixture
from infostat.divergences.ratio_estimators import donsker_varadhan, kliep, nwj, ratio_logistic, ulsif

Array = NDArray[np.float64]
TRUTH = kl_gaussian(0, 1, 1, 2.25)
HALF_PEARSON = 0.3002075  # (sigma^2/sqrt(2 sigma^2 - 1) exp(1/(2 sigma^2 - 1)) - 1)/2, sigma = 1.5


def _pair(n: int, seed: int, m: int | None = None) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    return generator.normal(0, 1, n), generator.normal(1, 1.5, m or n)


def _log_ratio(x: Array) -> Array:
    return np.asarray(stats.norm(0, 1).logpdf(x) - stats.norm(1, 1.5).logpdf(x))


def _critics(n: int, seed: int) -> tuple[Array, Array]:
    x, y = _pair(n, seed)
    return _log_ratio(x), _log_ratio(y)


ESTIMATORS: dict[str, tuple[Callable[[int, int], Any], float, float]] = {
    # name: estimator of (n, seed), truth, bias allowed on top of five standard errors
    "logistic": (lambda n, seed: ratio_logistic(*_pair(n, seed)), TRUTH, 0.005),
    "ulsif": (lambda n, seed: ulsif(*_pair(n, seed)), HALF_PEARSON, 0.02),
    "kliep": (lambda n, seed: kliep(*_pair(n, seed)), TRUTH, 0.02),
    "dv": (lambda n, seed: donsker_varadhan(*_critics(n, seed)), TRUTH, 0.005),
    "nwj": (lambda n, seed: nwj(*_critics(n, seed)), TRUTH, 0.0),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimates_approach_the_closed_forms(name: str) -> None:
    estimate, truth, bias = ESTIMATORS[name]
    results = [estimate(1000, seed) for seed in range(6 if name in ("ulsif", "kliep") else 40)]
    values = np.array([float(r) for r in results])
    assert abs(values.mean() - truth) < 5 * values.std(ddof=1) / math.sqrt(len(values)) + bias
    assert all(r.nature == "estimate" and r.n == 1000 and r.m == 1000 and r.bias_note for r in results)


@pytest.mark.parametrize("name", ["logistic", "dv", "nwj"])
def test_standard_errors_match_the_spread(name: str) -> None:
    estimate, _, _ = ESTIMATORS[name]
    results = [estimate(800, 100 + seed) for seed in range(60)]
    spread = np.std([float(r) for r in results], ddof=1)
    # sd of 60 runs is known to 9 %; four of these, and a little for the asymptotics.
    assert np.mean([r.se for r in results]) == pytest.approx(spread, rel=0.4)


def test_half_pearson_of_the_example() -> None:
    s2 = 2.25
    # int p^2/q with p = N(0,1), q = N(1, s2): completing the square.
    exact = 0.5 * (s2 / math.sqrt(2 * s2 - 1) * math.exp(1 / (2 * s2 - 1)) - 1)
    assert pytest.approx(exact, abs=1e-6) == HALF_PEARSON


# ------------------------------------------------------------------ logistic
def test_logistic_against_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    x, y = _pair(60, 0, 80)
    features = np.column_stack([np.ones(140), np.r_[x, y], np.r_[x, y] ** 2])
    label = np.r_[np.ones(60), np.zeros(80)]
    fold = np.r_[np.arange(60) % 2, np.arange(80) % 2]
    total = 0.0
    for side in (0, 1):
        fit = sm.Logit(label[fold != side], features[fold != side]).fit(disp=0)
        held = features[(fold == side) & (label == 1)]
        total += float(np.sum(held @ fit.params + math.log(80 / 60)))
    assert ratio_logistic(x, y).value == pytest.approx(total / 60, abs=1e-8)


def test_user_features_and_several_dimensions() -> None:
    generator = np.random.default_rng(0)
    X, Y = generator.standard_normal((2000, 2)), generator.standard_normal((3000, 2)) + [0.5, 0.0]
    linear = ratio_logistic(X, Y, features=lambda Z: Z)
    assert abs(linear.value - 0.125) < 5 * linear.se
    # Features that are affine maps of each other span the same model.
    again = ratio_logistic(X, Y, features=lambda Z: Z @ np.array([[2.0, 1.0], [0.0, -3.0]]) + 7.0)
    assert again.value == pytest.approx(linear.value, rel=1e-8)
    assert again.se == pytest.approx(linear.se, rel=1e-6)


def test_logistic_refuses_what_it_cannot_fit() -> None:
    x, y = _pair(50, 0)
    with pytest.raises(DataError, match=r"X and Y must overlap: the features separate"):
        ratio_logistic(x, y + 100)
    with pytest.raises(DataError, match=r"features must not be collinear"):
        ratio_logistic(x, y, features=lambda z: np.hstack([z, z]))
    with pytest.raises(InputError, match=r"features must return one row per observation \(100\), got 5"):
        ratio_logistic(x, y, features=lambda z: z[:5])
    with pytest.raises(InputError, match=r"features\(X\) must be finite"):
        ratio_logistic(x, y, features=lambda z: z * math.nan)


# --------------------------------------------------------------- variational
@settings(max_examples=40, deadline=None)
@given(
    f_p=st.lists(st.floats(-3, 1), min_size=2, max_size=20),
    f_q=st.lists(st.floats(-3, 3), min_size=2, max_size=20),
    shift=st.floats(-1, 1),
)
@pytest.mark.filterwarnings("ignore::infostat.core.errors.SampleSizeWarning")
def test_relations_of_the_bounds(f_p: list[float], f_q: list[float], shift: float) -> None:
    dv, lower = donsker_varadhan(f_p, f_q), nwj(f_p, f_q)
    direct = np.mean(f_p) - math.log(np.mean(np.exp(f_q)))
    assert dv.value == pytest.approx(direct, abs=1e-12)
    assert lower.value == pytest.approx(1 + np.mean(f_p) - np.mean(np.exp(f_q)), abs=1e-12)
    assert lower.value <= dv.value + 1e-12
    moved = donsker_varadhan(np.array(f_p) + shift, np.array(f_q) + shift)
    assert moved.value == pytest.approx(dv.value, abs=1e-12)
    # At the best shift the two bounds agree.
    best = -math.log(np.mean(np.exp(f_q)))
    assert nwj(np.array(f_p) + best, np.array(f_q) + best).value == pytest.approx(dv.value, abs=1e-12)


def test_large_critics() -> None:
    with pytest.warns(SampleSizeWarning, match=r"exceeds log n = 1.1") as caught:
        estimate = donsker_varadhan([1000.0, 1001.0], [990.0, 995.0, 0.0])
    assert caught[0].filename == __file__
    assert estimate.value == pytest.approx(1000.5 - 995 - math.log1p(math.exp(-5)) + math.log(3), rel=1e-12)
    overflow = nwj([1.0, 2.0], [1000.0, 0.0])
    assert overflow.value == -math.inf
    assert math.isnan(overflow.se)
    assert "overflows" in overflow.bias_note


@pytest.mark.parametrize("bound", [donsker_varadhan, nwj])
def test_bad_critics(bound: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match=r"f_q must be finite, got 1 NaN"):
        bound([0.0, 0.0], [0.0, math.nan])
    with pytest.raises(InputError, match=r"f_p must hold at least two values"):
        bound([0.0], [0.0, 0.0])


# ---------------------------------------------------------------------- basis
def test_ulsif_at_fixed_options_is_the_ridge_solution() -> None:
    x, y = (v[:, None] for v in _pair(150, 0))
    phi_p, phi_q = (_basis(v, _centres(x), 0.8) for v in (x, y))
    H, h = phi_q.T @ phi_q / 150, phi_p.mean(0)
    c = np.linalg.solve(H + 0.1 * np.eye(len(h)), h)
    expected = -0.5 * c @ H @ c + h @ c - 0.5
    assert ulsif(x, y, bandwidth=0.8, penalty=0.1).value == pytest.approx(float(expected), rel=1e-10)
    # The same number is a lower bound of Legendre type: E_P r - E_Q r^2/2 - 1/2.
    direct = np.mean(phi_p @ c) - 0.5 * np.mean((phi_q @ c) ** 2) - 0.5
    assert ulsif(x, y, bandwidth=0.8, penalty=0.1).value == pytest.approx(float(direct), rel=1e-10)


def test_kliep_meets_its_optimality_conditions() -> None:
    x, y = (v[:, None] for v in _pair(300, 0))
    psi_p, psi_q = _components(x, y, _centres(x), 1.0)
    weights, gap = _mixture(psi_p, tolerance=1e-9)
    assert gap <= 1e-9
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0, rel=1e-12)
    # Constraint: the fitted ratio has mean one over Y.
    assert float(np.mean(psi_q @ weights)) == pytest.approx(1.0, rel=1e-9)
    # Kuhn and Tucker: gradients at most one, and one where the weight is positive.
    gradient = (psi_p / (psi_p @ weights)[:, None]).mean(axis=0)
    assert gradient.max() <= 1 + 1e-8
    np.testing.assert_allclose(gradient[weights > 1e-3], 1.0, atol=1e-5)
    assert kliep(x, y, bandwidth=1.0).value == pytest.approx(float(np.log(psi_p @ weights).mean()), abs=1e-5)


def test_basis_fits_do_not_depend_on_units() -> None:
    x, y = _pair(200, 0)
    for fit in (ulsif, kliep):
        assert fit(1e3 * x, 1e3 * y).value == pytest.approx(fit(x, y).value, rel=1e-4)


def test_constant_samples_have_ratio_one() -> None:
    assert kliep(np.zeros(30), np.zeros(30)).value == pytest.approx(0.0, abs=1e-6)
    # The penalty shrinks the ratio of one constant function by the factor 1/(1 + penalty).
    assert ulsif(np.zeros(30), np.zeros(30)).value == pytest.approx(0.0, abs=1e-3)


def test_equal_laws_and_far_laws() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((2, 500))
    assert abs(ratio_logistic(x, y).value) < 0.02
    # Fits of a flexible basis to equal laws: up to 0.1 over a dozen seeds at this size.
    assert abs(ulsif(x, y).value) < 0.15
    assert abs(kliep(x, y).value) < 0.15
    with pytest.raises(DataError, match=r"X must overlap with Y: at bandwidth 0.1, .* of 500 rows"):
        kliep(x, y + 1e3, bandwidth=0.1)


@pytest.mark.parametrize("fit", [ratio_logistic, ulsif, kliep])
def test_bad_samples(fit: Callable[..., Any]) -> None:
    x, y = _pair(40, 0)
    with pytest.raises(DataError, match=r"X and Y must have the same number of columns, got 2 and 1"):
        fit(np.zeros((20, 2)), y)
    with pytest.raises(DataError, match=r"X"):
        fit(np.r_[x, math.inf], y)
    with pytest.raises(DataError, match=r"Y"):
        fit(x, y[:2])


@pytest.mark.parametrize("fit", [ulsif, kliep])
def test_bad_options(fit: Callable[..., Any]) -> None:
    x, y = _pair(40, 0)
    with pytest.raises(InputError, match=r"bandwidth must be a number > 0"):
        fit(x, y, bandwidth=-1.0)
    with pytest.raises(InputError, match=r"penalty must be a number > 0"):
        ulsif(x, y, penalty=0.0)
