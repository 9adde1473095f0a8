"""The step rule of Monte-Carlo Newton on models whose simulation is under control."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from infostat.core.errors import CollinearStatisticsError
from infostat.families.monte_carlo_newton import monte_carlo_newton, stage_sizes

GRID = ndtri((np.arange(4000) + 0.5) / 4000).reshape(1000, 4).T[:, :, None]


def test_stages() -> None:
    assert stage_sizes(200_000) == [20_000, 60_000, 200_000]
    assert stage_sizes(60_000) == [20_000, 60_000]
    assert stage_sizes(20_000) == [20_000]
    assert stage_sizes(700) == [700]


def _poisson(theta: np.ndarray, size: int, run: int) -> np.ndarray:
    rng = np.random.default_rng([run, 5])
    return rng.poisson(np.exp(min(theta[0], 8.0)), (32, -(-size // 32), 1)).astype(float)


def test_a_far_start_needs_the_damping_and_arrives() -> None:
    visited: list[float] = []

    def simulate(theta, states, size, run):
        visited.append(float(theta[0]))
        draws = _poisson(theta, size, run)
        return draws, draws[:, -1]

    outcome = monte_carlo_newton(simulate, lambda x: x, np.array([40.0]), np.zeros(1), 20_000)
    assert outcome.settled and not outcome.escaping
    # sd of log(mean) at mean 40 with 20 000 draws is 0.0011; lambda^2 <= 0.01 leaves at most 0.1/sqrt(40).
    assert abs(outcome.last.theta[0] - np.log(40.0)) < 0.02
    assert outcome.last.decrement <= max(2.0 * outcome.last.noise, 0.01)
    # The full first step would be (40 - 1)/1: the damped one is 39/(1 + 39).
    assert visited[1] == pytest.approx(39.0 / 40.0, rel=0.05)


def test_every_stage_is_passed_and_the_last_has_all_draws() -> None:
    sizes: list[int] = []

    def simulate(theta, states, size, run):
        sizes.append(size)
        assert (states is None) == (run == 0)
        draws = _poisson(theta, size, run)
        return draws, draws[:, -1]

    outcome = monte_carlo_newton(simulate, lambda x: x, np.array([1.5]), np.zeros(1), 90_000)
    assert sizes == sorted(sizes) and set(sizes) == {20_000, 60_000, 90_000}
    assert outcome.n_iter == len(sizes)
    assert outcome.last.draws.size >= 90_000


def test_noise_is_p_over_the_number_of_independent_draws() -> None:
    def simulate(theta, states, size, run):
        draws = _poisson(theta, size, run)
        return draws, draws[:, -1]

    outcome = monte_carlo_newton(simulate, lambda x: x, np.array([1.0]), np.zeros(1), 3200)
    # From 32 chains: relative standard deviation sqrt(2/31) = 0.25.
    assert outcome.last.noise == pytest.approx(1.0 / 3200, rel=4 * 0.25)


def test_a_bad_step_goes_back_and_takes_a_quarter() -> None:
    visited: list[float] = []

    def simulate(theta, states, size, run):
        visited.append(float(theta[0]))
        draws = GRID + theta if run != 1 else GRID + 50.0  # the second simulation goes astray
        return draws, draws[:, -1]

    outcome = monte_carlo_newton(simulate, lambda x: x, np.array([0.2]), np.zeros(1), 4000)
    assert outcome.settled
    np.testing.assert_allclose(visited[:3], [0.0, 0.2, 0.05], atol=1e-3)


def test_a_singular_covariance_later_means_escape() -> None:
    def simulate(theta, states, size, run):
        draws = GRID if run == 0 else np.zeros_like(GRID)
        return draws, draws[:, -1]

    outcome = monte_carlo_newton(simulate, lambda x: x, np.array([3.0]), np.zeros(1), 4000)
    assert outcome.escaping and not outcome.settled


def test_a_singular_covariance_at_the_start_is_collinearity() -> None:
    with pytest.raises(CollinearStatisticsError):
        monte_carlo_newton(
            lambda theta, states, size, run: (GRID, GRID[:, -1]),
            lambda x: np.column_stack([x, 2.0 * x]),
            np.zeros(2),
            np.zeros(2),
            4000,
        )


def test_a_target_that_is_never_reached_is_not_settled() -> None:
    outcome = monte_carlo_newton(
        lambda theta, states, size, run: (GRID, GRID[:, -1]), lambda x: x, np.array([1.0]), np.zeros(1), 4000
    )
    assert not outcome.settled
