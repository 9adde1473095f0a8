"""PAC-Bayes bounds: worked numbers, order of the methods, xi in fractions, coverage over many samples."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from infostat.core.errors import InputError, InputTypeError, VacuousBoundWarning
from infostat.divergences import kl_gaussian
from infostat.generalization.pac_bayes import METHODS, gaussian_kl, log_xi, pac_bayes_bound
from infostat.generalization.toolkit_results import PacBayesBound

quick = settings(max_examples=60, deadline=None)
inputs = {
    "emp": st.floats(0.0, 1.0),
    "kl": st.floats(0.0, 100.0),
    "n": st.integers(1, 100_000),
    "delta": st.floats(1e-6, 0.5),
}


def _bound(emp: Any, kl: Any, n: Any, delta: Any, method: str, **more: Any) -> PacBayesBound:
    """Bound without the warning that hypothesis-made inputs often earn."""
    if method == "catoni" and not more:
        more = {"catoni_c": 1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VacuousBoundWarning)
        return pac_bayes_bound(emp, kl, n, delta, method, **more)


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("mcallester", 0.192581739813),
        ("seeger", 0.164476177836),
        ("seeger_exact_xi", 0.163510822954),
        ("catoni", 0.169027136771),
        ("thiemann", 0.178154440725),
    ],
)
def test_worked_numbers(method: str, value: float) -> None:
    found = _bound(0.1, 10, 1000, 0.05, method)
    assert found.value == pytest.approx(value, abs=5e-13)
    assert found.raw == found.value
    assert not found.vacuous


def test_labels_are_those_of_a_high_probability_bound() -> None:
    """Trap 14: never to be mistaken for a bound in expectation."""
    found = pac_bayes_bound(0.1, 10, 1000, 0.05)
    assert (found.method, found.nature, found.sense) == ("mcallester", "bound", "probability")
    assert "prior does not depend on the sample" in " ".join(found.assumptions)
    assert "With probability at least 0.95" in found.interpretation
    text = str(found.summary())
    assert "high probability" in text
    assert "in expectation" not in text
    assert PacBayesBound.from_dict(found.to_dict()) == found


# ------------------------------------------------------------------------------- the factor xi
@pytest.mark.parametrize("n", [1, 2, 3, 10, 63, 64, 65, 200])
def test_xi_in_fractions(n: int) -> None:
    exact = sum(math.comb(n, k) * Fraction(k, n) ** k * Fraction(n - k, n) ** (n - k) for k in range(n + 1))
    # the sum of logarithms of size n log n loses that much below the Stirling switch
    assert float(np.exp(log_xi(np.array(float(n))))) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("n", [1e3, 1e6, 1e12])
def test_xi_for_large_samples(n: float) -> None:
    with mpmath.workdps(40):
        m = mpmath.mpf(n)
        # Ramanujan's Q(n) = xi(n) - 1: its asymptotic series, next term of order n^(-3/2)
        series = mpmath.sqrt(mpmath.pi * m / 2) + mpmath.mpf(2) / 3
        series += mpmath.sqrt(mpmath.pi / (2 * m)) / 12 - 4 / (135 * m)
    assert float(np.exp(log_xi(np.array(n)))) == pytest.approx(float(series), rel=1e-2 * n**-2 + 1e-14)
    if n == 1e3:
        assert float(np.exp(log_xi(np.array(n)))) == pytest.approx(40.30321, abs=5e-6)


def test_xi_is_below_maurers_factor() -> None:
    n = np.arange(1.0, 3000.0)
    # equal at n = 1
    assert (np.exp(log_xi(n)) <= 2 * np.sqrt(n) * (1 + 1e-15)).all()


# ------------------------------------------------------------------------- order and monotonicity
@quick
@given(**inputs)
def test_order_of_the_methods(emp: float, kl: float, n: int, delta: float) -> None:
    value = {m: float(_bound(emp, kl, n, delta, m).raw) for m in METHODS}
    tie = 1 + 1e-12
    assert emp <= value["seeger_exact_xi"] <= value["seeger"] * tie
    assert value["seeger"] <= value["mcallester"] * tie
    assert value["seeger"] <= value["thiemann"] * tie
    assert value["catoni"] >= emp * (1 - 1e-12)


@quick
@given(**inputs, method=st.sampled_from(METHODS))
def test_monotone_and_within_the_range(emp: float, kl: float, n: int, delta: float, method: str) -> None:
    base = _bound(emp, kl, n, delta, method)
    assert emp - 1e-12 <= float(base.value) <= 1.0
    assert base.vacuous == (base.value >= 1.0)
    assert float(base.value) == min(float(base.raw), 1.0)
    assert float(_bound(emp, kl + 1, n, delta, method).value) >= float(base.value) - 1e-12
    assert float(_bound(emp, kl, 2 * n, delta, method).value) <= float(base.value) + 1e-12
    assert float(_bound(emp, kl, n, delta / 2, method).value) >= float(base.value) - 1e-12
    assert float(_bound(min(emp + 0.1, 1.0), kl, n, delta, method).value) >= float(base.value) - 1e-12


@quick
@given(**inputs)
def test_thiemann_is_the_minimum_over_lambda(emp: float, kl: float, n: int, delta: float) -> None:
    found = _bound(emp, kl, n, delta, "thiemann")
    lam = np.linspace(0.001, 1.999, 400)
    level = (kl + math.log(2 * math.sqrt(n) / delta)) / n
    values = emp / (1 - lam / 2) + level / (lam * (1 - lam / 2))
    assert float(found.raw) <= values.min() * (1 + 1e-12)
    best = float(found.tuning)  # type: ignore[arg-type]
    assert float(found.raw) == pytest.approx(emp / (1 - best / 2) + level / (best * (1 - best / 2)), rel=1e-12)


# -------------------------------------------------------------------------------- Catoni's C
def test_a_grid_pays_for_its_choice() -> None:
    """Trap: C chosen after seeing the data, without the union bound, would be smaller than is valid."""
    grid = [0.1, 0.5, 1.0, 2.0, 5.0]
    found = pac_bayes_bound(0.1, 10, 1000, 0.05, "catoni", catoni_grid=grid)
    singles = [pac_bayes_bound(0.1, 10, 1000, 0.05 / 5, "catoni", c).value for c in grid]
    assert found.value == min(singles)
    assert found.tuning == grid[int(np.argmin(singles))]
    assert found.tried == 5
    assert found.value > min(pac_bayes_bound(0.1, 10, 1000, 0.05, "catoni", c).value for c in grid)
    assert any("grid" in text for text in found.assumptions)
    same = pac_bayes_bound(0.1, 10, 1000, 0.05, "catoni", catoni_grid=[1.0])
    assert same.value == pac_bayes_bound(0.1, 10, 1000, 0.05, "catoni", 1.0).value


def test_small_c_keeps_its_digits() -> None:
    c, level = 1e-9, (10 + math.log(20)) / 1000
    with mpmath.workdps(40):
        exact = float(mpmath.expm1(-(mpmath.mpf(c) * 0.1 + level)) / mpmath.expm1(-mpmath.mpf(c)))
    assert _bound(0.1, 10, 1000, 0.05, "catoni", catoni_c=c).raw == pytest.approx(exact, rel=1e-13)


# ------------------------------------------------------------------------------ arrays and ends
def test_arrays_broadcast() -> None:
    n = np.array([[100.0], [1000.0]])
    emp = np.array([0.0, 0.1, 0.5])
    for method in METHODS:
        found = _bound(emp, 5.0, n, 0.05, method)
        assert np.shape(found.value) == (2, 3)
        one = _bound(0.1, 5.0, 1000, 0.05, method)
        assert found.value[1, 1] == pytest.approx(one.value, rel=1e-14)  # type: ignore[index]
        frame = found.to_frame()
        assert len(frame) == 6
        assert frame["n"].tolist() == [100.0] * 3 + [1000.0] * 3
        assert PacBayesBound.from_dict(found.to_dict()) == found
    grid = _bound(emp, 5.0, n, 0.05, "catoni", catoni_grid=[0.5, 2.0])
    assert np.shape(grid.tuning) == (2, 3)


@pytest.mark.parametrize("method", METHODS)
def test_infinite_divergence_is_vacuous(method: str) -> None:
    found = _bound(0.1, math.inf, 100, 0.05, method)
    assert (found.value, found.vacuous) == (1.0, True)
    assert found.raw >= 1.0
    assert not math.isnan(float(found.raw))


def test_vacuous_bounds_warn() -> None:
    with pytest.warns(VacuousBoundWarning, match="PAC-Bayes bound \\(mcallester\\) is vacuous"):
        found = pac_bayes_bound(0.5, 100, 50, 0.05)
    assert found.value == 1.0 < found.raw
    with pytest.warns(VacuousBoundWarning, match="in part"):
        pac_bayes_bound(0.5, [1.0, 500.0], 500, 0.05)


@pytest.mark.parametrize("more", [{}, {"kl": [1.0, 5.0, 20.0]}, {"n": [100, 1000]}])
@pytest.mark.parametrize("method", ["seeger", "catoni"])
def test_figures(method: str, more: dict[str, Any]) -> None:
    found = _bound(**{"emp": 0.1, "kl": 5.0, "n": 500, "delta": 0.05, **more}, method=method)
    ax = found.plot()
    assert ax.get_ylabel() == "risk"
    line = ax.get_lines()[0]
    if not more:  # the curve passes through the bound itself
        at = np.interp(500, line.get_xdata(), line.get_ydata())
        assert at == pytest.approx(float(found.value), rel=1e-3)
    else:
        np.testing.assert_array_equal(line.get_ydata(), found.value)
    plt.close(ax.figure)


# ------------------------------------------------------------------------------ gaussian_kl
def test_gaussian_kl_is_the_dense_closed_form() -> None:
    w, w0, s, s0 = np.array([0.3, -0.1, 0.2]), np.array([0.0, 1.0, 0.5]), 0.5, 1.3
    dense = kl_gaussian(w, s**2 * np.eye(3), w0, s0**2 * np.eye(3))
    assert gaussian_kl(w, s, w0, s0) == pytest.approx(dense, rel=1e-14)
    formula = 3 * (math.log(s0 / s) + (s**2 / s0**2 - 1) / 2) + np.sum((w - w0) ** 2) / (2 * s0**2)
    assert gaussian_kl(w, s, w0, s0) == pytest.approx(formula, rel=1e-13)
    # weights in any shape, standard deviations per weight
    assert gaussian_kl(w.reshape(3, 1), s, w0.reshape(3, 1), s0) == gaussian_kl(w, s, w0, s0)
    assert gaussian_kl(w, [0.5, 0.5, 0.5], w0, s0) == gaussian_kl(w, s, w0, s0)


def test_gaussian_kl_of_close_and_of_distant_laws() -> None:
    for gap in (1e-3, 1e-7, 1e-9):
        s = 1.0 + gap
        with mpmath.workdps(50):
            m = mpmath.mpf(s)
            exact = float((m**2 - 1) / 2 - mpmath.log(m))
        assert gaussian_kl(0.0, s, 0.0, 1.0) == pytest.approx(exact, rel=1e-13)
    assert gaussian_kl(0.0, 1.0, 0.0, 1.0) == 0.0
    assert gaussian_kl(0.0, 1e200, 0.0, 1.0) == math.inf
    assert gaussian_kl(0.0, 1e-200, 0.0, 1.0) == pytest.approx(200 * math.log(10) - 0.5, rel=1e-15)


def test_gaussian_kl_of_a_million_weights() -> None:
    """No p x p matrix is formed."""
    one = gaussian_kl(0.0, 0.9, 0.0, 1.0)
    assert gaussian_kl(np.zeros(10**6), 0.9, 0.0, 1.0) == pytest.approx(1e6 * one, rel=1e-12)


# ---------------------------------------------------------------------------------- coverage
@pytest.mark.slow
def test_coverage_over_samples() -> None:
    """A posterior that depends on the sample: true risk above the bound in at most delta of 5000 samples."""
    runs, n, delta = 5000, 80, 0.2
    rng = np.random.default_rng(11)
    risks = np.linspace(0.2, 0.5, 12)
    emp = rng.binomial(n, risks, size=(runs, len(risks))) / n
    posterior = np.exp(-20 * emp)
    posterior /= posterior.sum(axis=1, keepdims=True)
    kl = np.sum(posterior * np.log(posterior * len(risks)), axis=1)
    train, true = np.sum(posterior * emp, axis=1), posterior @ risks
    limit = delta + 4 * math.sqrt(delta * (1 - delta) / runs)
    for method in METHODS:
        assert np.mean(true > _bound(train, kl, n, delta, method).value) <= limit
    grid = _bound(train, kl, n, delta, "catoni", catoni_grid=[0.25, 0.5, 1.0, 2.0])
    assert np.mean(true > grid.value) <= limit


@pytest.mark.slow
def test_the_price_of_choosing_among_hypotheses() -> None:
    """The best of 10^5 equally bad hypotheses: with KL = log 10^5 every bound holds, with KL = 0 all break."""
    runs, n, delta, risk, many = 5000, 80, 0.2, 0.3, 10**5
    uniform = np.random.default_rng(12).uniform(size=runs)
    train = stats.binom.ppf(-np.expm1(np.log1p(-uniform) / many), n, risk) / n  # the least of many binomial counts
    limit = delta + 4 * math.sqrt(delta * (1 - delta) / runs)
    for method in METHODS:
        assert np.mean(risk > _bound(train, math.log(many), n, delta, method).value) <= limit
        assert np.mean(risk > _bound(train, 0.0, n, delta, method).value) > limit


@pytest.mark.slow
def test_catoni_is_nearly_attained_without_a_posterior() -> None:
    """One hypothesis, KL zero, C at its best: the bound fails often enough to show that the test bites."""
    runs, n, delta, risk = 20_000, 100, 0.2, 0.3
    emp = np.random.default_rng(5).binomial(n, risk, runs) / n
    c = 4 * math.sqrt(math.log(1 / delta) / (2 * n))
    share = np.mean(risk > _bound(emp, 0.0, n, delta, "catoni", catoni_c=c).value)
    assert 0.01 < share <= delta + 4 * math.sqrt(delta * (1 - delta) / runs)


# --------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"emp": 1.2}, r"emp must be a number in \[0, 1\], got 1.2"),
        ({"emp": math.nan}, "emp must be"),
        ({"kl": -0.1}, "kl must be non-negative"),
        ({"n": 0}, "n must be a whole number >= 1, got 0"),
        ({"n": 10.5}, "n must be a whole number >= 1, got 10.5"),
        ({"delta": 0.0}, r"delta must be a number in \(0, 1\), got 0.0"),
        ({"delta": 1.0}, r"delta must be a number in \(0, 1\)"),
        ({"method": "maurer"}, "method must be one of 'mcallester', 'seeger'"),
        ({"method": "catoni"}, "exactly one of catoni_c and catoni_grid, got neither"),
        ({"method": "catoni", "catoni_c": 1.0, "catoni_grid": [1.0]}, "got both"),
        ({"method": "catoni", "catoni_c": 0.0}, "catoni_c must be a number > 0"),
        ({"method": "catoni", "catoni_grid": []}, "catoni_grid must be one or more positive numbers, got none"),
        ({"method": "catoni", "catoni_grid": [1.0, -1.0]}, "catoni_grid .* got -1"),
        ({"catoni_c": 1.0}, "belong to method 'catoni', got method 'mcallester'"),
        ({"emp": [0.1, 0.2], "kl": [1.0, 2.0, 3.0]}, "matching shapes"),
    ],
)
def test_bad_input(change: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        pac_bayes_bound(**{"emp": 0.1, "kl": 5.0, "n": 500, "delta": 0.05, **change})


def test_bad_input_of_gaussian_kl() -> None:
    with pytest.raises(InputError, match="std must be positive, got 0.0"):
        gaussian_kl([0.1], 0.0, 0.0, 1.0)
    with pytest.raises(InputError, match="prior_std must be positive"):
        gaussian_kl([0.1], 1.0, 0.0, -1.0)
    with pytest.raises(InputError, match="matching shapes"):
        gaussian_kl([0.1, 0.2], 1.0, [0.0, 0.0, 0.0], 1.0)
    with pytest.raises(InputError, match="mean must be at least one weight"):
        gaussian_kl([], 1.0, 0.0, 1.0)
    with pytest.raises(InputError, match="mean must be finite"):
        gaussian_kl([math.nan], 1.0, 0.0, 1.0)
    with pytest.raises(InputTypeError):
        gaussian_kl("w", 1.0, 0.0, 1.0)
