"""Newton's method where mean and covariance of the statistics can only be simulated.

The projection of eta solves ``E_theta[xi] = eta``. Each iterate simulates the model, forms the
mean and covariance of the statistics and takes a damped Newton step; no normalising constant
and no objective function enters. The step rule is that of the p-n criterion's documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.validation import FloatArray
from .whitening import cholesky_factor

__all__ = ["Outcome", "Simulated", "monte_carlo_newton", "stage_sizes"]

FIRST, SECOND = 20_000, 60_000  # draws of the early stages
_DAMPED = 0.05  # squared decrement above which steps are shortened
_GROWTH = 1.5
# The draws of the last stage are reweighted to the solution; a squared decrement below this costs
# less than one draw in a hundred.
_REWEIGHTED = 0.01
_MAX_SIMULATIONS = 60
_MAX_REFUSED = 10
_FAR = 1e3  # length of theta in units of the base's standard deviations


@dataclass(frozen=True)
class Simulated:
    """What Newton's method learns from draws at one parameter.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Where.
    draws : ndarray of shape (C, T, d)
        The draws.
    states : ndarray of shape (C, d)
        Where the chains ended.
    step : ndarray of shape (p,)
        ``Gm^-1 (eta - mean)``.
    decrement : float
        ``g' Gm^-1 g``.
    noise : float
        What the decrement would be on average if the mean were exact (``p`` over the effective
        number of draws, from batch means over the chains).
    factor : ndarray of shape (p, p)
        Cholesky factor of the simulated covariance.
    """

    theta: FloatArray
    draws: FloatArray
    states: FloatArray
    step: FloatArray
    decrement: float
    noise: float
    factor: FloatArray


@dataclass(frozen=True)
class Outcome:
    """Where the iteration ended.

    Attributes
    ----------
    last : Simulated
        The final simulation.
    n_iter : int
        Simulations made.
    settled : bool
        Whether the final decrement is within the Monte-Carlo error.
    escaping : bool
        Whether theta runs to infinity, as it does when eta is on the boundary.
    """

    last: Simulated
    n_iter: int
    settled: bool
    escaping: bool = False


def stage_sizes(draws: int) -> list[int]:
    """Return the numbers of draws of the successive stages.

    Parameters
    ----------
    draws : int
        Draws of the last stage.

    Returns
    -------
    list of int
        20 000, 60 000 and `draws`, without those that exceed it.

    Examples
    --------
    >>> stage_sizes(200_000), stage_sizes(5000)
    ([20000, 60000, 200000], [5000])
    """
    return [*(size for size in (FIRST, SECOND) if size < draws), draws]


def monte_carlo_newton(
    simulate: Callable[[FloatArray, FloatArray | None, int, int], tuple[FloatArray, FloatArray]],
    statistic: Callable[[FloatArray], FloatArray],
    eta: FloatArray,
    start: FloatArray,
    draws: int,
) -> Outcome:
    """Return the draws at the parameter whose mean statistic is eta, up to Monte-Carlo error.

    Parameters
    ----------
    simulate : callable
        ``simulate(theta, states, number, run)`` returns draws ``(C, T, d)`` and end states ``(C, d)``;
        `states` continue earlier chains, `run` numbers the call.
    statistic : callable
        Rows ``(m, d)`` to statistics ``(m, p)``.
    eta : ndarray of shape (p,)
        Target.
    start : ndarray of shape (p,)
        First parameter.
    draws : int
        Draws of the final simulation.

    Returns
    -------
    Outcome
        Final simulation and how it was reached.

    Raises
    ------
    CollinearStatisticsError
        If the simulated covariance is singular at the start.

    Notes
    -----
    The step is ``Gm^-1 (eta - mean)`` times ``1/(1 + lambda)`` while ``lambda^2 > 0.05``, then full.
    Where the decrement exceeds 1.5 times the best plus 0.05, or the covariance is not positive
    definite, the iteration returns to the best parameter and takes a quarter of the step (a
    quarter of that the next time). A stage ends at ``lambda^2 <= 2 p/M_eff``.

    Examples
    --------
    A normal mean, simulated by quantiles; a decrement of 0.01 is left to reweighting:

    >>> from scipy.special import ndtri
    >>> grid = ndtri((np.arange(4000) + 0.5) / 4000).reshape(4, 1000, 1, order="F")
    >>> outcome = monte_carlo_newton(
    ...     lambda theta, states, number, run: (grid + theta, grid[:, -1] + theta),
    ...     lambda x: x, np.array([0.7]), np.zeros(1), 4000)
    >>> bool(outcome.settled), bool(abs(outcome.last.theta[0] - 0.7) < 0.1)
    (True, True)
    """
    sizes, stage = stage_sizes(draws), 0
    theta, states = start, None
    best: Simulated | None = None
    base_factor: FloatArray | None = None
    refused, length = 0, 1.0
    for run in range(_MAX_SIMULATIONS):
        found, states_after = simulate(theta, states, sizes[stage], run)
        now = _learn(found, states_after, theta, statistic, eta, strict=best is None)
        if best is None:
            assert now is not None
            base_factor = now.factor
        elif now is None or now.decrement > _GROWTH * best.decrement + _DAMPED:
            refused += 1
            if refused >= _MAX_REFUSED:
                return Outcome(best, run + 1, False, escaping=now is None)
            length *= 0.25
            theta, states = best.theta + length * best.step, best.states
            continue
        last = stage == len(sizes) - 1
        if best is None or now.decrement < best.decrement:
            best, refused = now, 0
        enough = max(2.0 * now.noise, _REWEIGHTED if last else 0.0)
        if last and now.decrement <= enough:
            return Outcome(now, run + 1, True)
        stage += now.decrement <= enough and not last
        assert base_factor is not None
        if np.linalg.norm(base_factor.T @ theta) > _FAR:
            return Outcome(now, run + 1, False, escaping=True)
        length = 1.0 / (1.0 + np.sqrt(now.decrement)) if now.decrement > _DAMPED else 1.0
        theta, states = now.theta + length * now.step, now.states
    assert best is not None
    return Outcome(best, _MAX_SIMULATIONS, False)


def _learn(
    draws: FloatArray,
    states: FloatArray,
    theta: FloatArray,
    statistic: Callable[[FloatArray], FloatArray],
    eta: FloatArray,
    *,
    strict: bool,
) -> Simulated | None:
    """Mean, covariance and Newton step of draws; None where the covariance is singular or not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        x = statistic(draws.reshape(-1, draws.shape[2]))
        mean = x.mean(axis=0)
        x -= mean
        cov = x.T @ x / len(x)
    if not np.isfinite(cov).all():
        cov = np.zeros_like(cov)
    try:
        factor = cholesky_factor(cov)
    except ValueError:
        if strict:
            raise
        return None
    half = np.linalg.solve(factor, eta - mean)
    chain_means = x.reshape(draws.shape[0], draws.shape[1], -1).mean(axis=1)
    z = np.linalg.solve(factor, chain_means.T)
    noise = float(z.var(axis=1, ddof=1).sum() / len(chain_means))
    step = np.asarray(np.linalg.solve(factor.T, half))
    return Simulated(theta, draws, states, step, float(half @ half), noise, factor)
