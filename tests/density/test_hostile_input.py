"""Wrong types, odd shapes and numbers at the ends of the float range, through every public function.

Warnings are errors in these tests, so a stray RuntimeWarning fails like a bare NumPy error does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import InfostatError, InfostatWarning
from infostat.density import (
    KernelDensity,
    assess_density,
    diagnose_bandwidth,
    diffusion_collapse,
    effective_dimension,
    finite_size,
    kernel_thresholds,
    log_density,
    phase_diagram,
    regime_theory,
    sample_spectrum,
    select_bandwidth,
    simulate_fluctuations,
    simulate_regimes,
    spectra,
    stable_law,
    tau_fs,
    theory_from_data,
)
from infostat.density.expected_participation import _integral, _levels

X = np.random.default_rng(0).normal(size=(60, 2))
HUGE, TINY = X * 1e160, X * 1e-200

NOT_DATA = {
    "none": None, "text": np.array(["a", "b"]), "complex": np.array([1 + 2j, 3.0]), "cube": np.zeros((2, 3, 4)),
    "nan": np.array([[1.0, np.nan]] * 3), "inf": np.array([[1.0, np.inf]] * 3),
    "object": np.array([1, "a", None], object),
    "ragged": [[1, 2], [3]], "no rows": np.empty((0, 2)), "no columns": np.empty((4, 0)), "frame": pd.DataFrame(),
    "words": pd.DataFrame({"a": ["x", "y"]}), "function": len, "set": {1.0, 2.0}, "number": 3.0,
}  # fmt: skip
NOT_A_NUMBER = {
    "none": None, "bool": True, "text": "wide", "nan": math.nan, "inf": math.inf, "zero": 0.0, "negative": -1.0,
    "complex": 1 + 2j, "decimal": Decimal("0.5"), "function": len, "cube": np.zeros((2, 2, 2)), "set": {1.0},
}  # fmt: skip

TAKES_DATA: dict[str, Callable[[Any], Any]] = {
    "log_density": lambda v: log_density(v, X, 0.5),
    "select_bandwidth": lambda v: select_bandwidth(v, diagnose=False),
    "diagnose_bandwidth": lambda v: diagnose_bandwidth(v, 0.5),
    "KernelDensity": lambda v: KernelDensity(0.5).fit(v),
    "effective_dimension": effective_dimension,
    "sample_spectrum": sample_spectrum,
    "theory_from_data": theory_from_data,
    "assess_density": lambda v: assess_density(v, bandwidth=0.5),
}
TAKES_A_NUMBER: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "log_density": ("h", lambda v: log_density(X, X, v)),
    "diagnose_bandwidth": ("h", lambda v: diagnose_bandwidth(X, v)),
    "KernelDensity": ("bandwidth", lambda v: KernelDensity(v).fit(X)),
    "assess_density": ("bandwidth", lambda v: assess_density(X, bandwidth=v)),
    "kappa": ("kappa", lambda v: log_density(X, X, 0.5, kernel="student", kappa=v)),
    "regime_theory": ("alpha", regime_theory),
    "kernel_thresholds": ("alpha", kernel_thresholds),
    "diffusion_collapse": ("alpha", diffusion_collapse),
    "stable_law": ("mu", stable_law),
    "tau_fs": ("d", lambda v: tau_fs(100, v)),
    "finite_size": ("d", lambda v: finite_size(100, v, 0.5)),
    "simulate_regimes": ("d", lambda v: simulate_regimes(n=9, d=v, h_grid=[1.0], n_x=2, n_data=2)),
    "simulate_fluctuations": ("d", lambda v: simulate_fluctuations(n=9, d=v, n_data=2, h=1.0)),
    "marchenko_pastur": ("c", spectra.marchenko_pastur),
}


@pytest.mark.parametrize("name", TAKES_DATA)
@pytest.mark.parametrize("kind", NOT_DATA)
def test_what_is_no_data(name: str, kind: str) -> None:
    argument = "data" if name == "assess_density" else "X"
    with pytest.raises(InfostatError, match=rf"\b{argument}\b.* must "):
        TAKES_DATA[name](NOT_DATA[kind])


@pytest.mark.parametrize("name", TAKES_A_NUMBER)
@pytest.mark.parametrize("kind", NOT_A_NUMBER)
def test_what_is_no_positive_number(name: str, kind: str) -> None:
    argument, call = TAKES_A_NUMBER[name]
    with pytest.raises(InfostatError, match=rf"\b{argument}\b.* must "):
        call(NOT_A_NUMBER[kind])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: diagnose_bandwidth(X, 0.5, n_halvings=10**9), "n_halvings must be an integer from 1 to 1000"),
        (lambda: KernelDensity(0.5).fit(X).sample(10**300), "n must be an integer from 1 to"),
        (lambda: log_density(X, X, 0.5, kernel="student", kappa=1e308), "kappa must be such that"),
        (lambda: log_density(X, X, 0.5, duplicates="keep"), "duplicates must be one of"),
        (lambda: log_density(X, X, [[0.5]]), "h must be"),
        (lambda: log_density(X, X, []), "h must"),
        (lambda: log_density(X, X[0], 0.5), "Q must have the columns of X"),
        (lambda: log_density(X, X, 0.5, weights=np.ones((60, 1))), "weights must have one entry per row"),
        (lambda: finite_size(100, 3, [[1.0], [1.0, 2.0]]), "h must be an array of real numbers"),
        (lambda: tau_fs([[1, 2], [3]], 3), "n must be an array of real numbers"),
        (lambda: tau_fs(100, 10**300), "d must be an integer from 1 to"),
        (lambda: finite_size(100, 10**15), "d must be an integer from 1 to"),
        (lambda: simulate_fluctuations(n=9, d=10**12, n_data=2, h=1.0), "d must be an integer from 1 to"),
        (lambda: simulate_fluctuations(n=9, d=3, n_data=100, h=1e9), "h must be at most .* mu = 1e"),
        (lambda: simulate_regimes(n=9, d=10**12, h_grid=[1.0], n_x=2, n_data=2), "d must be an integer from 1 to"),
        (lambda: spectra.power_law(1.0, 10**12), "d must be an integer from 1 to"),
        (lambda: spectra.power_law(1e308, 10), "a must keep"),
        (lambda: theory_from_data(X, at=np.array([1j, 2.0])), "at must be an array of real numbers"),
        (lambda: theory_from_data(X, at="here"), "at must be an array of real numbers"),
        (lambda: phase_diagram([]), "alphas must"),
        (lambda: assess_density(X, bandwidth="best"), "bandwidth must be one of"),
        (lambda: assess_density(X, bandwidth=1e200), "bandwidth must be a number in"),
        (lambda: KernelDensity(kernel="student", kappa=1.0).fit(HUGE), "X must have values below"),
        (lambda: KernelDensity(kernel="biweight").fit(TINY), "X must have a column that spreads"),
        (lambda: effective_dimension(HUGE), "X must have values below"),
        (lambda: effective_dimension(TINY), "X must have a column that spreads"),
        (lambda: theory_from_data(TINY), "X must have a column that spreads"),
        (lambda: assess_density(HUGE), "data must have values below"),
        (lambda: assess_density(TINY), "data must have a column that spreads"),
        (lambda: assess_density(X * [1.0, 1e-200], standardize=True), "data must have columns whose squares exist"),
        (lambda: diagnose_bandwidth(np.linspace(0.0, 1e-160, 180), 1.0), "X must have a column"),
    ],
)  # fmt: skip
def test_ends_and_shapes(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(InfostatError, match=text):
        call()


@pytest.mark.parametrize("q", [1.5, 40.0, 1e6, 1e9, 1e15, 1e100, 1e300])
@pytest.mark.parametrize("mu", [0.01, 0.3, 0.98])
def test_high_moments_of_the_weights(q: float, mu: float) -> None:
    # A difference of log-gammas has no digit left from q = 1e15 on.
    with mpmath.workdps(350):
        exact = mpmath.exp(mpmath.loggamma(mpmath.mpf(q) - mpmath.mpf(mu)) - mpmath.loggamma(q)) / mpmath.gamma(
            1 - mpmath.mpf(mu)
        )
    assert stable_law(mu).weight_moment(q) == pytest.approx(float(exact), rel=1e-10)


def test_steep_laws_take_few_levels() -> None:
    # Data on a line have s near 2; at small indices the steps once ran into millions (and gigabytes).
    def rate(t: Any) -> Any:
        return np.exp(2.0 * t + 0.02 * t * t) / 0.05

    top = float(_integral(rate, np.array([3.5]))[0]) + 3.5
    assert len(_levels(rate, math.log(200), top)) < 30_000


def test_one_column_at_a_tiny_bandwidth() -> None:
    x = np.random.default_rng(1).normal(size=200)
    with pytest.warns(InfostatWarning, match="converge"):
        found = diagnose_bandwidth(x, 1e-8)
    assert found.verdict == "condensed" and found.averages["participation_ratio"] == pytest.approx(1.0, abs=1e-9)
    assert found.expected_participation == pytest.approx(1.0, abs=1e-9)


def test_a_summary_without_an_index_says_so() -> None:
    with pytest.warns(InfostatWarning, match="120"):
        page = str(assess_density(X, bandwidth=0.5).summary())
    assert "not estimated" in page and "nan" not in page.split()


@pytest.mark.parametrize("d", [1, 3, 500])
def test_two_rows_leave_one_kernel(d: int) -> None:
    pair = np.vstack([np.zeros(d), np.full(d, 2.0)])
    expected = -0.5 * d * math.log(2.0 * math.pi) - d * math.log(0.5) - 0.5 * d * 4.0 / 0.25
    np.testing.assert_allclose(log_density(pair, None, 0.5, loo=True), [expected, expected], rtol=1e-14)
    # At the optimum h is the distance over sqrt(d), from both rows.
    assert select_bandwidth(pair, diagnose=False).h == pytest.approx(2.0, rel=1e-5)
    with pytest.warns(InfostatWarning, match="120"):
        found = diagnose_bandwidth(pair, 0.5)
    np.testing.assert_allclose(found.log_density, expected, rtol=1e-13)
    assert found.participation_ratio.tolist() == [1.0, 1.0] and found.verdict == "boundary"
