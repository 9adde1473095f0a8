"""Sinkhorn's iteration in the log domain, for positive weights and a finite cost table.

Everything is kept in units of the regularisation: F = f / eps for the rows and
H = g / eps + log b for the columns. Three things make it fast. A pass computes each
exponential once (see `entropic_kernels`). Small regularisations are reached through a
sequence of larger ones. And where the error falls slowly, tables with few columns go to
Newton's method, and in larger ones the updates are over-relaxed, which turns n iterations
into about the root of n.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.jit import Kernel
from ..core.validation import FloatArray
from . import entropic_newton
from .entropic_kernels import SAFE_HIGH, SAFE_LOW, plan_rows, transport_pass

__all__ = ["Potentials", "Problem", "read_plan", "solve", "solve_symmetric", "workers"]

# Below this many entries NumPy answers before a compiled kernel has been loaded.
_SMALL = 200_000
_BLOCK = 128
_MOST_BLOCKS = 64
# Each step of the sequence divides eps by this factor, and is solved to a loose tolerance.
_SHRINK = 4.0
_LOOSE = 1e-2
_LOOSE_ITERATIONS = 200
_WINDOW = 10
_SLOW = 0.6
# A Newton step costs m^2 (n + m/3) multiplications, about m/40 passes; it pays where the plain
# iteration would need a multiple of that.
_NEWTON_COLUMNS = 3000
_NEWTON_TRIES = 5


@dataclass
class Problem:
    """A cost table with positive weights of sum one, and who works on it.

    Attributes
    ----------
    cost : ndarray of shape (n, m)
        Finite costs, C-contiguous.
    a, b : ndarray
        Weights of rows and columns.
    executor : Executor or None
        Threads for blocks of rows. The blocks, and with them the numbers, do not depend on it.
    """

    cost: FloatArray
    a: FloatArray
    b: FloatArray
    executor: Executor | None = None
    bounds: list[tuple[int, int]] = field(init=False)
    log_b: FloatArray = field(init=False)
    compiled: bool = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.a)
        length = max(_BLOCK, -(-n // _MOST_BLOCKS))
        self.bounds = [(start, min(start + length, n)) for start in range(0, n, length)]
        self.log_b = np.log(self.b)
        self.compiled = self.cost.size > _SMALL

    def each_block(self, work: Callable[[tuple[int, tuple[int, int]]], float]) -> list[float]:
        """Return `work` of every (number, (start, stop)), in order."""
        blocks = list(enumerate(self.bounds))
        return list(self.executor.map(work, blocks) if self.executor else map(work, blocks))

    def pick(self, compiled: Kernel[Any, Any]) -> Callable[..., Any]:
        """Return the kernel, or its twin where the table is small."""
        return compiled if self.compiled else compiled.twin


@dataclass
class Potentials:
    """Potentials in units of eps, and how far the plan is from its marginals.

    Attributes
    ----------
    eps : float
        Regularisation they belong to.
    rows : ndarray
        F = f / eps.
    columns : ndarray
        H = g / eps + log b.
    error : float
        L1 violation of both marginals.
    n_iter : int
        Passes so far.
    """

    eps: float
    rows: FloatArray
    columns: FloatArray
    error: float = math.inf
    n_iter: int = 0


@contextmanager
def workers(n_threads: int) -> Iterator[Executor | None]:
    """Give an executor with `n_threads` threads, None for one.

    Parameters
    ----------
    n_threads : int
        Threads.

    Yields
    ------
    Executor or None
        Shut down afterwards.
    """
    with ThreadPoolExecutor(n_threads) if n_threads > 1 else nullcontext() as executor:
        yield executor


def solve(problem: Problem, eps: float, tol: float, max_iter: int) -> Potentials:
    """Return potentials whose plan violates the marginals by less than `tol`, or the last ones.

    Parameters
    ----------
    problem : Problem
        Costs and weights.
    eps : float
        Regularisation.
    tol : float
        Largest L1 violation of the marginals.
    max_iter : int
        Most passes over the table.

    Returns
    -------
    Potentials
        With the error and the number of passes.
    """
    first = _first_eps(problem.cost, eps)
    state = Potentials(first, np.zeros(len(problem.a)), problem.log_b.copy())
    while state.eps > eps:
        _iterate(problem, state, max(_LOOSE, tol), min(_LOOSE_ITERATIONS, max_iter - state.n_iter))
        _rescale(problem, state, max(eps, state.eps / _SHRINK))
    _iterate(problem, state, tol, max_iter - state.n_iter)
    return state


def _first_eps(cost: FloatArray, eps: float) -> float:
    """Return eps itself, or the start of a sequence if eps is small against the costs."""
    # Only a scale is wanted: about 10^5 entries of a large table give it.
    some = cost.ravel()[:: max(1, cost.size // 100_000)]
    spread = float(np.median(some) - some.min())
    return eps if eps >= 0.05 * spread else max(0.5 * spread, eps)


def _rescale(problem: Problem, state: Potentials, eps: float) -> None:
    # The potentials f and g, not their quotients by eps, are close between levels.
    ratio = state.eps / eps
    state.rows *= ratio
    state.columns = (state.columns - problem.log_b) * ratio + problem.log_b
    state.eps, state.error = eps, math.inf


def _iterate(problem: Problem, state: Potentials, tol: float, max_iter: int) -> None:
    """Run passes until the error is below `tol`; at least one, at most `max_iter`."""
    pace = _Pace()
    last = state.n_iter + max(1, max_iter)
    tries = _NEWTON_TRIES if len(problem.b) <= _NEWTON_COLUMNS else 0
    while state.n_iter < last:
        relaxation = pace.relaxation
        sums = _pass(problem, state, relaxation)
        if state.error < tol:
            return
        pace.observe(state.error)
        if tries and pace.remaining(state.error, tol) > 20 + len(problem.b) / 4:
            _newton(problem, state, sums, tol, last - state.n_iter)
            tries, pace = tries - 1, _Pace()
            continue
        _balance_columns(problem, state, sums, relaxation)


def _pass(problem: Problem, state: Potentials, relaxation: float) -> FloatArray:
    """Balance the rows; return the column sums of the plan and note its error."""
    partial = np.zeros((len(problem.bounds), len(problem.b)))
    run = problem.pick(transport_pass)

    def work(block: tuple[int, tuple[int, int]]) -> float:
        number, (start, stop) = block
        part = slice(start, stop)
        rows = state.rows[part]
        return float(
            run(
                problem.cost[part],
                1.0 / state.eps,
                problem.a[part],
                rows,
                state.columns,
                relaxation,
                partial[number],
            )
        )

    violation = sum(problem.each_block(work))
    sums = partial.sum(axis=0)
    state.error = violation + float(np.abs(sums - problem.b).sum())
    state.n_iter += 1
    return np.asarray(sums)


def _newton(problem: Problem, state: Potentials, sums: FloatArray, tol: float, most: int) -> None:
    """Move the potentials by Newton's method; the rows must be balanced."""

    def here(total: FloatArray) -> entropic_newton.Point:
        value = float(state.rows @ problem.a + state.columns @ problem.b)
        return entropic_newton.Point(state.columns.copy(), state.rows.copy(), total, state.error, value)

    def evaluate(point: entropic_newton.Point, columns: FloatArray) -> entropic_newton.Point:
        state.rows, state.columns = point.rows.copy(), columns
        return here(_pass(problem, state, 1.0))

    def scaled_plan(point: entropic_newton.Point) -> FloatArray:
        state.rows, state.columns = point.rows, point.columns
        plan = np.empty(problem.cost.shape)
        read_plan(problem, state, plan)
        plan /= np.sqrt(problem.a)[:, None]
        plan /= np.sqrt(point.sums)
        return plan

    best = entropic_newton.climb(here(sums), evaluate, scaled_plan, problem.b, tol, most)
    state.rows, state.columns, state.error = best.rows.copy(), best.columns.copy(), best.error


def _balance_columns(problem: Problem, state: Potentials, sums: FloatArray, relaxation: float) -> None:
    ratio = sums / problem.b
    safe = (ratio > SAFE_LOW) & (ratio < SAFE_HIGH)
    state.columns[safe] -= relaxation * np.log(ratio[safe])
    for start in range(0, len(lost := np.flatnonzero(~safe)), _BLOCK):
        # The sums of these columns have overflowed or vanished: start again from their maximum.
        chosen = lost[start : start + _BLOCK]
        exponent = (np.log(problem.a) + state.rows)[:, None] - problem.cost[:, chosen] / state.eps
        peak = exponent.max(axis=0)
        total = np.exp(exponent - peak).sum(axis=0)
        state.columns[chosen] = problem.log_b[chosen] - peak - np.log(total)


class _Pace:
    """Chooses the relaxation from the observed rate of decrease.

    Near the solution the plain iteration multiplies the error by some theta < 1. Relaxing both
    half-steps by w turns the slowest mode into the root mu of (mu + w - 1)^2 = mu w^2 theta; the
    best w is 2/(1 + sqrt(1 - theta)), with rate w - 1. A window that does worse than the plain
    iteration did sends w back to 1 until the plain rate is known again; if that is the better
    one, w is kept smaller from then on. So in the worst case the plain iteration, which always
    converges, has the last word.
    """

    def __init__(self) -> None:
        self.relaxation = 1.0
        self._theta = 0.0
        self._ceiling = 1.99
        self._begin: float | None = None
        self._count = 0
        self._length = _WINDOW
        self._last_rate: float | None = None
        self._plain_rate: float | None = None
        self._failed: tuple[float, float] | None = None

    def observe(self, error: float) -> None:
        """Note the error of one more pass; at the end of a window set the relaxation."""
        if self._begin is None:
            self._begin, self._count = error, 0
            return
        self._count += 1
        if self._count < self._length:
            return
        rate = (error / self._begin) ** (1.0 / self._length) if self._begin > 0.0 else 0.0
        self._begin, self._count = error, 0
        if self.relaxation == 1.0:
            self._consider(rate)
        else:
            self._review(rate)

    def remaining(self, error: float, tol: float) -> float:
        """Return how many plain passes the last two windows let expect, 0 while unknown."""
        rate = self._plain_rate
        if rate is None or error <= 0.0:
            return 0.0
        return math.log(max(error / tol, 1.0)) / -math.log(rate)

    def _consider(self, rate: float) -> None:
        last, self._last_rate = self._last_rate, rate
        # Two windows that agree: the slowest mode dominates.
        if last is None or not _SLOW < rate < 1.0 or abs(rate - last) >= 0.2 * (1.0 - rate):
            return
        self._plain_rate = rate
        if self._failed is not None and rate < self._failed[1]:
            self._ceiling = 1.0 + 0.7 * (self._failed[0] - 1.0)
        self._failed = None
        self._set(rate)

    def _review(self, rate: float) -> None:
        w = self.relaxation
        if self._plain_rate is None or rate >= self._plain_rate:
            self._failed = (w, rate)
            self.relaxation, self._length = 1.0, _WINDOW
            self._begin = self._last_rate = None
        elif rate > w - 1.0:
            # The dominant mode is still real: its rate tells theta, which was underestimated.
            self._set(max(self._theta, ((rate + w - 1.0) / w) ** 2 / rate))

    def _set(self, theta: float) -> None:
        self._theta = min(theta, 1.0 - 1e-9)
        self.relaxation = min(2.0 / (1.0 + math.sqrt(1.0 - self._theta)), self._ceiling)
        self._begin = None
        self._length = max(2 * _WINDOW, math.ceil(4.0 / (2.0 - self.relaxation)))


def solve_symmetric(problem: Problem, eps: float, tol: float, max_iter: int) -> Potentials:
    """Return the potentials of a weighted set against itself (symmetric costs).

    Parameters
    ----------
    problem : Problem
        Symmetric costs and equal weights.
    eps, tol, max_iter
        As in `solve`.

    Returns
    -------
    Potentials
        With f = g.

    Notes
    -----
    The average of a potential and its update converges at rate 1/2 or better wherever
    exp(-C/eps) is a positive definite kernel: the update's linearisation is minus a Markov
    operator with non-negative eigenvalues.
    """
    first = _first_eps(problem.cost, eps)
    state = Potentials(first, np.zeros(len(problem.a)), problem.log_b.copy())
    while state.eps > eps:
        _average(problem, state, max(_LOOSE, tol), min(_LOOSE_ITERATIONS, max_iter - state.n_iter))
        _rescale(problem, state, max(eps, state.eps / _SHRINK))
    _average(problem, state, tol, max_iter - state.n_iter)
    return state


def _average(problem: Problem, state: Potentials, tol: float, max_iter: int) -> None:
    for _ in range(max(1, max_iter)):
        before = state.rows.copy()
        _pass(problem, state, 1.0)
        if state.error < tol:
            return
        state.rows = 0.5 * (before + state.rows)
        state.columns = state.rows + problem.log_b


def read_plan(problem: Problem, state: Potentials, plan: FloatArray) -> float:
    """Fill `plan` with the coupling of the potentials and return its transport cost.

    Parameters
    ----------
    problem : Problem
        Costs and weights.
    state : Potentials
        From `solve`.
    plan : ndarray of shape (n, m)
        Overwritten.

    Returns
    -------
    float
        ``<P, C>``.
    """
    run = problem.pick(plan_rows)

    def work(block: tuple[int, tuple[int, int]]) -> float:
        part = slice(*block[1])
        return float(
            run(
                problem.cost[part],
                1.0 / state.eps,
                problem.a[part],
                state.rows[part],
                state.columns,
                plan[part],
            )
        )

    return math.fsum(problem.each_block(work))
