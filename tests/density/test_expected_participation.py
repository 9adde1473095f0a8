"""Expected participation ratio of the slope model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from infostat.density.expected_participation import mean_participation

Array = NDArray[np.float64]

MU = (0.3, 0.5, 0.7, 1.0, 1.3, 1.6, 2.0, 3.0)
# Computed for the specification by an independent program; q = 0, infinitely many points.
TABLE = {
    0.1: (0.71377, 0.53154, 0.36600, 0.17185, 0.06058, 0.01637, 0.00244, 0.00005),
    0.15: (0.71938, 0.54301, 0.38536, 0.20176, 0.09027, 0.03622, 0.01044, 0.00077),
    0.2: (0.72429, 0.55284, 0.40138, 0.22591, 0.11594, 0.05692, 0.02250, 0.00329),
    0.3: (0.73233, 0.56903, 0.42752, 0.26512, 0.15968, 0.09668, 0.05190, 0.01472),
    0.4: (0.73836, 0.58206, 0.44906, 0.29768, 0.19716, 0.13332, 0.08314, 0.03244),
}


@pytest.mark.parametrize("s", TABLE)
def test_table(s: float) -> None:
    np.testing.assert_allclose([mean_participation(mu, s) for mu in MU], TABLE[s], atol=3e-5)


@pytest.mark.parametrize("mu", [1e-6, 0.02, 0.05, 0.3, 0.5, 0.9])
def test_without_a_trend_it_is_one_minus_mu(mu: float) -> None:
    # At mu = 0.9 points up to exp(60) are followed; the rest of the sum decays as exp(-60/9).
    assert mean_participation(mu, 0.0) == pytest.approx(1.0 - mu, abs=3e-4)


def _energy(mu: float, s: float, q: float) -> tuple[Array, Array]:
    """e(l) on a grid by dense cumulative sums, no quadrature shared with the package."""
    grid = np.linspace(-16.0, 7.0, 100_001)
    rate = np.exp(s * grid + 0.5 * q * grid**2) / mu
    total = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(grid))])
    return grid, total - np.interp(0.0, grid, total)


@pytest.mark.parametrize(
    ("mu", "s", "q"),
    [
        (0.5, 0.15, 0.0127),
        (1.6, 0.3, 0.0127),
        (1.0, -0.3, 0.02),
        (2.5, 0.1, 0.0),
        (0.06, 2.0, 0.04),
        (0.05, -0.5, 0.04),
    ],
)
def test_simulated_poisson_processes(mu: float, s: float, q: float) -> None:
    n, draws = 600, 3000
    rng = np.random.default_rng(1)
    grid, energy = _energy(mu, s, q)
    ratios = np.empty(draws)
    for i, size in enumerate(rng.poisson(n, size=draws)):
        e = np.interp(np.log(rng.uniform(0.0, n, size=size)), grid, energy)
        w = np.exp(e.min() - e)
        ratios[i] = (w**2).sum() / w.sum() ** 2
    error = ratios.std() / math.sqrt(draws)
    assert abs(ratios.mean() - mean_participation(mu, s, q, n)) < 4.5 * error + 2e-4


@settings(max_examples=10, deadline=None)
@given(
    st.floats(0.01, 20.0), st.floats(-0.4, 1.5), st.floats(0.0, 0.03), st.integers(20, 100_000), st.floats(1.05, 2.0)
)
def test_it_is_a_share_and_falls_with_the_index(mu: float, s: float, q: float, n: int, factor: float) -> None:
    value = mean_participation(mu, s, q, n)
    assert 0.0 < value <= 1.0
    # Below: the mean of at least 1/(number of points) of a Poisson number of points.
    assert value > 0.9 / n
    assert mean_participation(factor * mu, s, q, n) < value + 2e-4


def test_wide_bandwidths_share_equally() -> None:
    # E 1/N of a Poisson number N of points is 1/n (1 + 1/n + ...).
    assert mean_participation(1e6, 0.2, 0.01, 1000) == pytest.approx(1e-3, rel=2e-3)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0.0, 0.1), "mu must be a number > 0"),
        ((1.0, 5.0), "s must be a number in"),
        ((1.0, 0.1, -1.0), "q must be a number >= 0"),
        ((1.0, 0.1, 0.0, 1.0), "n must be a number > 1"),
        ((1.0, 0.0), "n must be finite where s <= 0 and mu >= 1"),
    ],
)
def test_bad_numbers(arguments: tuple[float, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        mean_participation(*arguments)
