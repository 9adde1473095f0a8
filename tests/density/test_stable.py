"""Stable laws and Poisson-Dirichlet averages."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core import InfostatError
from infostat.density.stable import stable_law


# ------------------------------------------------------------------------ closed forms
@pytest.mark.parametrize("mu", [0.05, 0.3, 0.5, 0.7, 0.97, 1.03, 1.3, 1.6, 1.97])
def test_scale_and_averages_by_closed_form(mu: float) -> None:
    law = stable_law(mu)
    with mpmath.workdps(30):
        m = mpmath.mpf(mu)
        constant = (1 - m) / (mpmath.gamma(2 - m) * mpmath.cos(mpmath.pi * m / 2))
        assert law.scale == pytest.approx(float(constant ** (-1 / m)), rel=1e-10)
        if mu >= 1:
            assert law.mean_log is None and law.weight_entropy is None
            return
        mean_log = mpmath.log(mpmath.gamma(1 - m)) / m + mpmath.euler * (1 / m - 1)
        assert law.mean_log == pytest.approx(float(mean_log), rel=1e-10)
        assert law.weight_entropy == pytest.approx(float(mpmath.psi(0, 1) - mpmath.psi(0, 1 - m)), rel=1e-10)
        for q in (0.98, 1.0, 1.5, 2.0, 7.0):
            exact = float(mpmath.gamma(q - m) / (mpmath.gamma(q) * mpmath.gamma(1 - m)))
            assert law.weight_moment(q) == pytest.approx(exact, rel=1e-10)


def test_one_half_is_levys_law() -> None:
    """E exp(-t S) = exp(-sqrt(pi t)): S = pi/(2 N^2), scale pi/2."""
    law = stable_law(0.5)
    assert law.scale == pytest.approx(math.pi / 2, rel=1e-12)
    t = np.array([0.01, 0.2, 1.0, 30.0, 1e6])
    exact = [math.erf(math.sqrt(math.pi / (4 * v))) for v in t]
    np.testing.assert_allclose(law.sf(t), exact, rtol=1e-10)
    np.testing.assert_allclose(law.pdf(t), t**-1.5 * np.exp(-math.pi / (4 * t)) / 2, rtol=1e-10, atol=1e-30)
    assert law.mean_log == pytest.approx(math.log(math.pi) + np.euler_gamma)


@pytest.mark.parametrize(("mu", "t"), [(0.3, 0.7), (0.6, 2.0), (0.9, 1.0)])
def test_laplace_transform_below_one(mu: float, t: float) -> None:
    """Integrate exp(-t s) against the density, in log s."""
    y = np.arange(-12.0, 8.0, 0.02)
    density = stable_law(mu).pdf(np.exp(y)) * np.exp(y)
    transform = float(np.exp(-t * np.exp(y)) @ density) * 0.02
    assert transform == pytest.approx(math.exp(-math.gamma(1 - mu) * t**mu), abs=1e-9)


@pytest.mark.parametrize(("mu", "t"), [(1.2, 0.3), (1.5, 0.7), (1.8, 0.5)])
def test_laplace_transform_above_one(mu: float, t: float) -> None:
    """E exp(-t X) exists although X has no variance: its lower tail is lighter than any exponential."""
    law = stable_law(mu)
    # The integrand ends where exp(-t x) beats the power law; below it the density is negligible.
    x = np.arange(-60.0, 90.0, 0.05)
    transform = float(np.exp(-t * x) @ law.pdf(x)) * 0.05
    assert transform == pytest.approx(math.exp(-math.gamma(1 - mu) * t**mu), rel=1e-7)


@pytest.mark.parametrize("mu", [0.4, 0.8, 1.4, 1.9])
def test_against_scipy(mu: float) -> None:
    law = stable_law(mu)
    t = np.array([0.2, 1.0, 5.0, 40.0]) if mu < 1 else np.array([-3.0, -0.4, 0.2, 1.0, 5.0, 40.0])
    frozen = law.frozen()
    np.testing.assert_allclose(law.sf(t), frozen.sf(t), atol=1e-7)
    np.testing.assert_allclose(law.pdf(t), frozen.pdf(t), atol=1e-7)


def test_frozen_law_does_not_depend_on_scipys_parametrisation(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.stats import levy_stable

    law = stable_law(1.4)
    common = law.frozen().cdf([-1.0, 2.0])
    monkeypatch.setattr(levy_stable, "parameterization", "S0")
    np.testing.assert_allclose(law.frozen().cdf([-1.0, 2.0]), common, atol=1e-9)


def test_sample_has_the_stated_mean_log() -> None:
    law = stable_law(0.6)
    logs = np.log(law.frozen().rvs(20_000, random_state=np.random.default_rng(3)))
    assert abs(logs.mean() - law.mean_log) < 4 * logs.std() / math.sqrt(len(logs))


# -------------------------------------------------------------------- identities, limits
@settings(deadline=None, max_examples=30)
@given(st.floats(0.03, 0.97))
def test_poisson_dirichlet_identities(mu: float) -> None:
    law = stable_law(mu)
    assert law.weight_moment(1.0) == pytest.approx(1.0, rel=1e-12)
    assert law.weight_moment(2.0) == pytest.approx(1 - mu, rel=1e-10)
    # entropy = -d/dq E sum p^q at q = 1
    step = 1e-3 * (1 - mu)
    slope = (law.weight_moment(1 + step) - law.weight_moment(1 - step)) / (2 * step)
    assert law.weight_entropy == pytest.approx(-slope, rel=1e-3)
    moments = law.weight_moment(np.array([1.0, 1.5, 2.0, 3.0]))
    assert (np.diff(moments) < 0).all()


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 1.95).filter(lambda m: abs(m - 1) > 0.03))
def test_tail_is_the_power_law(mu: float) -> None:
    law = stable_law(mu)
    t = 1e3 ** max(1.0, 1 / mu) * 10.0
    # The next term of the series is of relative order t^(-mu) below 1; above 1 it is t^(-mu) as well.
    assert law.sf(t) * t**mu == pytest.approx(1.0, rel=30 * t ** -min(mu, 1.0) + 1e-8)
    values = law.sf(np.geomspace(0.1, 1e4, 30))
    assert (np.diff(values) <= 1e-12).all() and values[0] <= 1.0


def test_stable_law_above_one_is_continuous_at_its_mean() -> None:
    law = stable_law(1.3)
    np.testing.assert_allclose(law.sf([-1e-9, 0.0, 1e-9]), 1 - 1 / 1.3, atol=1e-8)
    np.testing.assert_allclose(law.pdf([-1e-7, 1e-7]), law.pdf(0.0), rtol=1e-5)


def test_weight_moment_diverges_below_mu() -> None:
    assert stable_law(0.5).weight_moment([0.2, 0.5]).tolist() == [math.inf, math.inf]


# ---------------------------------------------------------------------- no law, bad input
@pytest.mark.parametrize(("mu", "word"), [(0.99, "mu = 1"), (1.0, "mu = 1"), (1.99, "mu = 2"), (2.5, "normal")])
def test_no_scale_near_the_lines_and_above_two(mu: float, word: str) -> None:
    law = stable_law(mu)
    assert law.scale is None and law.mean_log is None and word in law.reason
    assert word in str(law.summary())
    for call in (law.frozen, lambda: law.sf(1.0), lambda: law.pdf(1.0)):
        with pytest.raises(InfostatError, match=r"stable law is the limit"):
            call()
    with pytest.raises(InfostatError, match="no figure"):
        law.plot()


def test_regimes() -> None:
    assert [stable_law(m).regime for m in (0.5, 1.0, 1.5, 2.0, 9.0)] == ["condensed", "stable", "stable", "clt", "clt"]


@pytest.mark.parametrize("mu", [0, -1.0, math.nan, math.inf, "0.5", True, None])
def test_rejects_bad_mu(mu: object) -> None:
    with pytest.raises(InfostatError, match="mu must be a number > 0"):
        stable_law(mu)  # type: ignore[arg-type]


def test_weights_above_one_are_refused() -> None:
    with pytest.raises(InfostatError, match="mu < 1"):
        stable_law(1.4).weight_moment(2)
    with pytest.raises(InfostatError, match="q must"):
        stable_law(0.4).weight_moment("two")
