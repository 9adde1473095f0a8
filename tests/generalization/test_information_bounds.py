"""Mutual-information bounds: worked numbers, order, closed forms of the inverse CGF, noisy steps."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError, VacuousBoundWarning
from infostat.generalization.information_bounds import (
    cgf_inverse_bound,
    cmi_bound,
    gaussian_mean_example,
    individual_mi_bound,
    mi_bound,
    noisy_sgd_mi,
)
from infostat.generalization.labelled import Bound
from infostat.generalization.toolkit_results import GaussianMeanExample, NoisySgdInformation

quick = settings(max_examples=50, deadline=None)
informations = st.lists(st.floats(0.0, 5.0), min_size=1, max_size=8)


def _quietly(function: Callable[..., Any], *args: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VacuousBoundWarning)
        return function(*args)


# ------------------------------------------------------------------------------ worked numbers
def test_gibbs_numbers() -> None:
    """Numbers of worked example 9.5: n = 3, sigma = 1/2."""
    assert mi_bound(0.116480456753, 3, 0.5).value == pytest.approx(0.139332, abs=1e-6)
    assert individual_mi_bound([0.035705206532] * 3, 0.5).value == pytest.approx(0.133613, abs=1e-6)


def test_gaussian_mean_numbers() -> None:
    found = gaussian_mean_example(20, 3, 1.0)
    assert found.mi_individual == pytest.approx(0.0769399415813, rel=1e-12)
    assert found.gap == pytest.approx(0.3, rel=1e-15)
    assert found.bound_quadratic == pytest.approx(1.00891794866, rel=1e-11)
    assert found.bound_cgf == pytest.approx(0.904202079199, rel=1e-12)


# ------------------------------------------------------------------------------------ labels
def test_labels() -> None:
    for found in (mi_bound(0.1, 10, 0.5), individual_mi_bound([0.1], 0.5), cmi_bound(0.1, 10)):
        assert (found.nature, found.sense, found.vacuous) == ("bound", "expectation", False)
        assert Bound.from_dict(found.to_dict()) == found
        assert "in expectation" in str(found.summary())
    assert any("range of 2 sigma" in text for text in mi_bound(0.1, 10, 0.5).assumptions)
    assert any("in [0, 1]" in text for text in cmi_bound(0.1, 10).assumptions)
    example = gaussian_mean_example(20, 3, 1.0)
    assert (example.nature, example.value, example.vacuous) == ("exact", example.gap, False)
    assert GaussianMeanExample.from_dict(example.to_dict()) == example
    steps = noisy_sgd_mi(0.1, 1.0, 0.5, 10)
    assert (steps.nature, steps.sense, steps.vacuous) == ("bound", "", False)
    assert NoisySgdInformation.from_dict(steps.to_dict()) == steps


# --------------------------------------------------------------------- order and monotonicity
@quick
@given(terms=informations, sigma=st.floats(0.1, 3.0), n=st.integers(1, 50), slack=st.floats(0.0, 2.0))
def test_individual_is_at_most_the_whole_sample(terms: list[float], sigma: float, n: int, slack: float) -> None:
    """For independent observations I(S; W) is at least the sum of the individual informations."""
    whole = _quietly(mi_bound, sum(terms) + slack, len(terms), sigma).value
    assert _quietly(individual_mi_bound, terms, sigma).value <= whole * (1 + 1e-12)


@quick
@given(mi=st.floats(0.0, 20.0), n=st.integers(1, 1000), sigma=st.floats(0.1, 3.0), factor=st.floats(1.0, 4.0))
def test_monotone(mi: float, n: int, sigma: float, factor: float) -> None:
    base = _quietly(mi_bound, mi, n, sigma).value
    assert _quietly(mi_bound, mi * factor, n, sigma).value >= base
    assert _quietly(mi_bound, mi, n, sigma * factor).value >= base
    assert _quietly(mi_bound, mi, 2 * n, sigma).value <= base
    assert _quietly(cmi_bound, mi * factor, n).value >= _quietly(cmi_bound, mi, n).value
    assert _quietly(cmi_bound, mi, 2 * n).value <= _quietly(cmi_bound, mi, n).value


def test_arrays() -> None:
    n = np.array([[10.0], [40.0]])
    found = mi_bound([0.1, 0.4], n, 0.5)
    np.testing.assert_allclose(found.value, 0.5 * np.sqrt(2 * np.array([0.1, 0.4]) / n), rtol=1e-15)
    assert found.to_frame().columns.tolist() == ["mi", "n", "sigma", "value", "vacuous"]
    np.testing.assert_allclose(cmi_bound(0.5, [20, 80]).value, np.sqrt(1.0 / np.array([20.0, 80.0])), rtol=4e-16)
    assert individual_mi_bound(0.08, 0.5).value == pytest.approx(individual_mi_bound([0.08] * 7, 0.5).value, rel=1e-15)
    np.testing.assert_allclose(individual_mi_bound([0.08, 0.02], [0.5, 1.0]).value, [0.15, 0.3], rtol=1e-15)


# ---------------------------------------------------------------------------- vacuous, infinite
def test_infinite_information_points_to_the_individual_bound() -> None:
    """Trap 3: deterministic training on continuous data has I(S; W) = inf."""
    with pytest.warns(VacuousBoundWarning, match="vacuous"):
        found = mi_bound(math.inf, 100, 0.5)
    assert (found.value, found.vacuous) == (math.inf, True)
    assert "individual_mi_bound" in found.interpretation
    assert "individual_mi_bound" not in mi_bound(1.0, 100, 0.5).interpretation


def test_vacuous_from_the_range_on() -> None:
    # value 1 = range 2 sigma exactly: sigma sqrt(2 mi/n) at mi/n = 2
    with pytest.warns(VacuousBoundWarning):
        assert mi_bound(2.0, 1, 0.5).vacuous is True
    assert mi_bound(1.99, 1, 0.5).vacuous is False
    with pytest.warns(VacuousBoundWarning, match="in part"):
        np.testing.assert_array_equal(cmi_bound([0.1, 9.0], 10).vacuous, [False, True])
    with pytest.warns(VacuousBoundWarning):
        assert individual_mi_bound([math.inf, 0.1], 1.0).value == math.inf


def test_information_above_its_maximum_is_named() -> None:
    with pytest.warns(VacuousBoundWarning):
        assert "in bits" in cmi_bound(10.0, 10).interpretation
    assert "in bits" not in cmi_bound(2.0, 10).interpretation


# -------------------------------------------------------------------------------- inverse CGF
@quick
@given(terms=informations, sigma=st.floats(1e-3, 1e3))
def test_quadratic_cgf_gives_the_individual_bound(terms: list[float], sigma: float) -> None:
    found = _quietly(cgf_inverse_bound, terms, lambda t: 0.5 * (sigma * t) ** 2)
    assert found.value == pytest.approx(_quietly(individual_mi_bound, terms, sigma).value, rel=1e-12, abs=1e-30)


@pytest.mark.parametrize("mi", [1e-12, 1e-4, 0.08, 1.0, 30.0, 1000.0])
def test_gamma_cgf_by_lambert(mi: float) -> None:
    """psi(t) = t - log(1 + t): the infimum is v with (1 - v) exp(v) = exp(-I)."""
    with mpmath.workdps(60):
        v = float(1 + mpmath.lambertw(-mpmath.exp(-1 - mpmath.mpf(mi))))
    found = cgf_inverse_bound(mi, lambda t: t - math.log1p(t)).value
    # t - log(1+t) itself cancels: absolute error eps t, hence eps in the ratio
    assert found == pytest.approx(v, rel=1e-12, abs=1e-15)


def test_bounded_variable_and_the_largest_t() -> None:
    """A centred coin of +-1: the bound tends to the range 1 as the information grows beyond log 2."""

    def psi(t: float) -> float:
        return float(np.logaddexp(t, -t) - math.log(2.0))

    assert cgf_inverse_bound(0.1, psi).value < 1.0
    # I = log 2: I + psi = log(e^t + e^-t), ratio decreases to 1 as t grows
    assert cgf_inverse_bound(math.log(2.0), psi).value == pytest.approx(1.0, abs=1e-12)
    assert cgf_inverse_bound(50.0, psi).value == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    "psi",
    [
        lambda t: -math.log1p(-t) - t if t < 1 else math.inf,
        lambda t: float(-np.log1p(-t) - t),  # nan with a NumPy warning beyond t = 1
        lambda t: -math.log1p(-t) - t,  # ValueError beyond t = 1
    ],
)
def test_cgf_with_a_bounded_domain(psi: Callable[[float], float]) -> None:
    """Centred exponential, psi(t) = -log(1-t) - t on t < 1: minimise over a fine grid instead."""
    t = np.linspace(1e-4, 1 - 1e-4, 200_001)
    fine = ((0.3 - np.log1p(-t) - t) / t).min()
    found = cgf_inverse_bound(0.3, psi).value
    # the grid misses its minimum by curvature times step^2/8, about 1e-10
    assert fine - 1e-8 <= found <= fine


def test_ends_of_the_inverse() -> None:
    assert cgf_inverse_bound(0.0, lambda t: t * t).value == 0.0
    with pytest.warns(VacuousBoundWarning):
        assert cgf_inverse_bound([0.1, math.inf], lambda t: t * t).value == math.inf
    # a constant loss: no gap, and no infimum attained
    assert cgf_inverse_bound(0.1, lambda t: 0.0).value <= 1e-40


def test_bad_psi() -> None:
    with pytest.raises(InputError, match="centred"):
        cgf_inverse_bound(0.1, lambda t: t * t - 0.01 * t)
    with pytest.raises(InputError, match="finite for some t > 0"):
        cgf_inverse_bound(0.1, lambda t: math.nan)
    with pytest.raises(InputTypeError, match="psi must be a function"):
        cgf_inverse_bound(0.1, 1.0)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="psi must take one number and return one"):
        cgf_inverse_bound(0.1, lambda t: None)  # type: ignore[arg-type,return-value]


# ------------------------------------------------------------------------------ normal example
@quick
@given(n=st.integers(2, 10**6), d=st.integers(1, 1000), sigma2=st.floats(1e-3, 1e3))
def test_gap_below_cgf_below_quadratic(n: int, d: int, sigma2: float) -> None:
    found = gaussian_mean_example(n, d, sigma2)
    assert found.gap <= found.bound_cgf <= found.bound_quadratic * (1 + 1e-12)


def test_gaussian_mean_by_lambert_and_arrays() -> None:
    n = np.array([2, 5, 20, 10**4, 10**8])
    found = gaussian_mean_example(n, 4, 0.7)
    a = 0.7 * (1 + 1 / n)
    for i, size in enumerate(n):
        with mpmath.workdps(60):
            v = 1 + mpmath.lambertw(-(1 - mpmath.mpf(1) / int(size)) / mpmath.e)
        assert found.bound_cgf[i] == pytest.approx(float(4 * a[i] * v), rel=1e-12)
    assert found.to_frame()["n"].tolist() == n.tolist()
    # trap 7: log(n/(n-1)) keeps its digits, I = d/(2n) (1 + 1/(2n) + ...)
    assert found.mi_individual[-1] == pytest.approx(4 / 2e8 * (1 + 0.5e-8), rel=1e-15)


def test_gaussian_mean_gap_by_simulation() -> None:
    rng = np.random.default_rng(2)
    n, d = 8, 3
    data = rng.normal(size=(20_000, n, d))
    w = data.mean(axis=1)
    train = ((data - w[:, None]) ** 2).sum(axis=2).mean(axis=1)
    test = ((rng.normal(size=(20_000, d)) - w) ** 2).sum(axis=1)
    gap = test - train
    assert gap.mean() == pytest.approx(gaussian_mean_example(n, d, 1.0).gap, abs=4.5 * gap.std() / math.sqrt(20_000))


def test_one_observation() -> None:
    found = gaussian_mean_example([1, 2], 3, 1.0)
    assert (found.mi_individual[0], found.bound_cgf[0], found.bound_quadratic[0]) == (math.inf,) * 3
    assert np.isfinite(found.bound_cgf[1])
    assert found.gap[0] == 6.0


# -------------------------------------------------------------------------------- noisy steps
def test_noisy_steps_closed_form() -> None:
    found = noisy_sgd_mi([0.1, 0.2], 3.0, [0.5, 0.25], 40)
    x = (np.array([0.1, 0.2]) * 3.0 / np.array([0.5, 0.25])) ** 2
    np.testing.assert_allclose(found.per_step, 20 * np.log(1 + x / 40), rtol=1e-13)
    assert found.value == pytest.approx(found.per_step.sum(), rel=1e-15)
    assert found.loose == pytest.approx(x.sum() / 2, rel=1e-15)
    assert found.to_frame()["cumulative"].iloc[-1] == pytest.approx(found.value, rel=1e-15)


@quick
@given(lr=st.floats(1e-6, 10.0), noise=st.floats(1e-3, 10.0), d=st.integers(1, 10**6), factor=st.floats(1.0, 5.0))
def test_noisy_steps_are_ordered(lr: float, noise: float, d: int, factor: float) -> None:
    base = noisy_sgd_mi(lr, 1.0, noise, d)
    assert base.value <= base.loose * (1 + 1e-12)
    assert noisy_sgd_mi(lr, 1.0, noise * factor, d).value <= base.value * (1 + 1e-12)
    assert noisy_sgd_mi(lr * factor, 1.0, noise, d).value >= base.value * (1 - 1e-12)
    assert noisy_sgd_mi(lr, 1.0, noise, 10 * d).value >= base.value * (1 - 1e-12)


def test_many_parameters_reach_the_loose_form() -> None:
    found = noisy_sgd_mi(0.1, 1.0, 1.0, 10**15)
    assert found.value == pytest.approx(found.loose, rel=1e-14)
    assert noisy_sgd_mi(0.0, 1.0, 1.0, 5).value == 0.0


def test_one_step_channel() -> None:
    """W = u(S) + noise, u = +-L: the true information of a binary-input channel is below the bound."""
    length, noise = 1.0, 1.0
    x = np.linspace(-12, 12, 20_001)
    density = np.exp(-0.5 * (x[:, None] - np.array([-length, length])) ** 2 / noise**2) / math.sqrt(2 * math.pi) / noise
    mixed = density.mean(axis=1)
    entropy = -np.trapezoid(mixed * np.log(mixed), x)
    information = entropy - 0.5 * math.log(2 * math.pi * math.e * noise**2)
    assert information <= noisy_sgd_mi(1.0, length, noise, 1).value
    assert information > 0.9 * noisy_sgd_mi(1.0, length, noise, 1).value


# -------------------------------------------------------------------------------- figures
@pytest.mark.parametrize(
    "result",
    [gaussian_mean_example([5, 10, 50], 3, 1.0), gaussian_mean_example(5, 3, 1.0), noisy_sgd_mi([0.1] * 5, 1, 1, 9)],
)
def test_figures(result: Any) -> None:
    ax = result.plot()
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    if isinstance(result, GaussianMeanExample):
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert [("exact" in text, "bound" in text) for text in labels] == [(False, True), (False, True), (True, False)]
    plt.close(ax.figure)


# --------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: mi_bound(-0.1, 10, 0.5), "mi must be non-negative"),
        (lambda: mi_bound(math.nan, 10, 0.5), "mi must be non-negative"),
        (lambda: mi_bound(0.1, 0, 0.5), "n must be a whole number >= 1, got 0"),
        (lambda: mi_bound(0.1, 2.5, 0.5), "n must be a whole number >= 1, got 2.5"),
        (lambda: mi_bound(0.1, 10, 0.0), "sigma must be a positive number"),
        (lambda: mi_bound(0.1, 10, math.nan), "sigma must be"),
        (lambda: mi_bound([0.1, 0.2], [1, 2, 3], 0.5), "matching shapes"),
        (lambda: individual_mi_bound([], 0.5), "mi_terms must be at least one number"),
        (lambda: individual_mi_bound([[0.1]], 0.5), r"one-dimensional\), got shape \(1, 1\)"),
        (lambda: individual_mi_bound([0.1], -1.0), "sigma must be a positive number"),
        (lambda: individual_mi_bound([0.1, -1e-9], 1.0), "mi_terms must be non-negative"),
        (lambda: cmi_bound(-0.1, 10), "cmi must be non-negative"),
        (lambda: gaussian_mean_example(0, 3, 1.0), "n must be a whole number"),
        (lambda: gaussian_mean_example(5, 0, 1.0), "d must be a whole number"),
        (lambda: gaussian_mean_example(5, 3, 0.0), "sigma2 must be positive, got 0.0"),
        (lambda: noisy_sgd_mi(-0.1, 1.0, 1.0, 3), "lr must be non-negative, one number or one per step, got -0.1"),
        (lambda: noisy_sgd_mi([], 1.0, 1.0, 3), "lr must be .* got none"),
        (lambda: noisy_sgd_mi(0.1, 1.0, 0.0, 3), "noise_std must be positive"),
        (lambda: noisy_sgd_mi([0.1, 0.2], 1.0, [1.0, 1.0, 1.0], 3), "matching shapes"),
        (lambda: noisy_sgd_mi(0.1, 1.0, 1.0, 0), "d must be an integer from 1"),
    ],
)
def test_bad_input(call: Callable[[], Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()


def test_rounding_below_zero_is_forgiven() -> None:
    assert mi_bound(-1e-12, 10, 0.5).value == 0.0
