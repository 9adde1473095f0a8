"""Entropic optimal transport: Sinkhorn's algorithm and its debiased divergence.

``OT_eps(a, b) = min <P, C> + eps KL(P || a x b)`` over couplings P of a and b. It is solved in
the log domain, so a small `eps` costs iterations and never digits. `transport_cost` is
``<P, C>`` at the optimum (what some libraries call the Sinkhorn distance), `value` includes
the penalty.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import ConvergenceWarning, DataError, InputError, Words, describe
from ..core.samples import as_sample, same_columns
from ..core.threads import threads
from ..core.validation import FloatArray, as_float_array, check_count, check_number, check_weights
from .entropic_solver import Potentials, Problem, read_plan, solve, solve_symmetric, workers
from .results import SinkhornResult

__all__ = ["sinkhorn", "sinkhorn_divergence"]

# Costs divided by a smaller one leave the floats.
_SMALLEST_EPS = 1e-300


def sinkhorn(
    a: ArrayLike | None,
    b: ArrayLike | None,
    C: ArrayLike,
    eps: float,
    *,
    tol: float = 1e-10,
    max_iter: int = 10_000,
    n_jobs: int | None = None,
) -> SinkhornResult:
    """Return the entropic optimal transport between two weight vectors.

    Parameters
    ----------
    a : array_like of shape (n,) or None
        Non-negative weights of the rows of `C`, divided by their sum; None is uniform. Zero
        weights are allowed.
    b : array_like of shape (m,) or None
        The same for the columns.
    C : array_like of shape (n, m)
        Finite costs of moving a unit of mass.
    eps : float
        Regularisation, positive, in the units of `C`.
    tol : float
        Largest L1 violation of the two marginals.
    max_iter : int
        Most passes over the table, those at larger regularisations included.
    n_jobs : int, optional
        Threads over blocks of rows (None: one, -1: all cores). The numbers do not depend on it.

    Returns
    -------
    SinkhornResult
        ``value``, ``transport_cost``, ``plan``, the dual potentials ``f`` and ``g`` (shifted so
        that ``<f, a> = <g, b>``), ``converged``, ``n_iter`` and ``marginal_error``.

    Raises
    ------
    InputError
        If shapes do not match, a weight is negative, or `eps` is not positive.

    Warns
    -----
    ConvergenceWarning
        If the marginals still miss `tol` after `max_iter` passes; ``converged`` is then False.

    Notes
    -----
    Alternates ``f_i = -eps log sum_j b_j exp((g_j - C_ij)/eps)`` and the same for g until
    ``P_ij = a_i b_j exp((f_i + g_j - C_ij)/eps)`` has the marginals a and b; then
    ``OT_eps = <f, a> + <g, b>`` (Cuturi 2013; Peyré and Cuturi, Computational Optimal
    Transport, 2019, section 4.4). Small `eps` is reached through larger ones, and slow
    convergence is over-relaxed (Thibault et al. 2021, Lehmann et al. 2022). Where a weight is
    zero the potential is the one the update formula gives, and the plan is zero.

    Examples
    --------
    >>> import numpy as np
    >>> grid = np.arange(3)
    >>> C = abs(grid[:, None] - grid)
    >>> result = sinkhorn([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], C, 1.0)
    >>> round(result.value, 8), round(result.transport_cost, 8), result.converged
    (0.71353735, 0.56893452, True)
    """
    cost = _check_cost(C)
    weights_a = check_weights(a, cost.shape[0], name="a")
    weights_b = check_weights(b, cost.shape[1], name="b")
    strength, tolerance, most = _check_options(eps, tol, max_iter)
    keep_a, keep_b = weights_a > 0.0, weights_b > 0.0
    core = cost if keep_a.all() and keep_b.all() else np.ascontiguousarray(cost[keep_a][:, keep_b])
    with workers(threads(n_jobs)) as executor:
        problem = Problem(core, weights_a[keep_a], weights_b[keep_b], executor)
        state = solve(problem, strength, tolerance, most)
        plan = np.empty(core.shape)
        transport_cost = read_plan(problem, state, plan)
    converged = _report(state, tolerance, most)
    f, g = state.eps * state.rows, state.eps * (state.columns - problem.log_b)
    f, g = _centre(f, g, problem)
    value = float(f @ problem.a + g @ problem.b)
    if core is not cost:
        plan = _spread(plan, keep_a, keep_b)
        f, g = _extend(f, g, problem, cost, strength, keep_a, keep_b)
    return SinkhornResult(
        value=value,
        transport_cost=transport_cost,
        plan=plan,
        f=f,
        g=g,
        converged=converged,
        n_iter=state.n_iter,
        marginal_error=state.error,
    )


def sinkhorn_divergence(
    x: Any,
    y: Any,
    eps: float,
    p: float = 2,
    *,
    x_weights: ArrayLike | None = None,
    y_weights: ArrayLike | None = None,
    tol: float = 1e-10,
    max_iter: int = 10_000,
    n_jobs: int | None = None,
) -> float:
    """Return the debiased Sinkhorn divergence of two samples, cost ``|x - y|^p``.

    Parameters
    ----------
    x, y : array_like of shape (n, d) and (m, d)
        Samples; one-dimensional input is one column.
    eps : float
        Regularisation, positive, in the units of the cost.
    p : float
        Power of the Euclidean distance in the cost (no factor 1/p).
    x_weights, y_weights : array_like, optional
        Non-negative weights of the rows, divided by their sum; uniform if None.
    tol : float
        Largest L1 violation of the marginals in each of the three problems.
    max_iter : int
        Most passes over the table in each.
    n_jobs : int, optional
        Threads (None: one, -1: all cores). The numbers do not depend on it.

    Returns
    -------
    float
        ``S = OT_eps(x, y) - OT_eps(x, x)/2 - OT_eps(y, y)/2``.

    Raises
    ------
    InputError
        If the samples have different columns, or a number is out of range.

    Warns
    -----
    ConvergenceWarning
        If one of the problems did not reach `tol`.

    Notes
    -----
    For 0 < p <= 2 the divergence is not negative and zero only for equal weighted samples
    (Feydy et al. 2019); for larger p it may be negative. As eps goes to zero it tends to
    ``W_p^p``, as eps goes to infinity (p = 2) to the squared distance of the means. The value
    is second order in the violation of the marginals. Holds one n x m cost table at a time.

    Examples
    --------
    >>> round(sinkhorn_divergence([0.0, 1.0], [0.0, 3.0], eps=1000.0), 3)
    1.004
    >>> sinkhorn_divergence([0.0, 1.0], [1.0, 0.0], eps=0.5)
    0.0
    """
    X, Y = as_sample("x", x, min_rows=1), as_sample("y", y, min_rows=1)
    same_columns(X, Y, ("x", "y"))
    a = check_weights(x_weights, len(X), name="x_weights")
    b = check_weights(y_weights, len(Y), name="y_weights")
    power = check_number("p", p, low=0.0, open_low=True)
    strength, tolerance, most = _check_options(eps, tol, max_iter)
    X, a, Y, b = X[a > 0.0], a[a > 0.0], Y[b > 0.0], b[b > 0.0]
    _refuse_overflow(X, Y, power)
    with workers(threads(n_jobs)) as executor:
        cross = _optimum(Problem(power_cost(X, Y, power), a, b, executor), strength, tolerance, most, False)
        own = [
            _optimum(Problem(power_cost(Z, Z, power), w, w, executor), strength, tolerance, most, True)
            for Z, w in ((X, a), (Y, b))
        ]
    difference = cross - 0.5 * (own[0] + own[1])
    # Equal samples give a difference of rounding errors, and the divergence is not negative.
    rounding = 1e-12 * max(abs(cross), abs(own[0]), abs(own[1]))
    return 0.0 if power <= 2.0 and difference < rounding else difference


def power_cost(X: FloatArray, Y: FloatArray, p: float) -> FloatArray:
    """Return the table of ``|x_i - y_j|^p``.

    Parameters
    ----------
    X, Y : ndarray of shape (n, d) and (m, d)
        Samples.
    p : float
        Positive power.

    Returns
    -------
    ndarray of shape (n, m)
        Costs.

    Examples
    --------
    >>> import numpy as np
    >>> power_cost(np.array([[0.0], [1.0]]), np.array([[3.0]]), 2.0)
    array([[9.],
           [4.]])
    """
    from scipy.spatial.distance import cdist

    if p == 2.0:
        return np.asarray(cdist(X, Y, "sqeuclidean"))
    distance = np.asarray(cdist(X, Y))
    with np.errstate(over="ignore"):
        return distance if p == 1.0 else np.asarray(distance**p)


def _optimum(problem: Problem, eps: float, tol: float, max_iter: int, symmetric: bool) -> float:
    state = (solve_symmetric if symmetric else solve)(problem, eps, tol, max_iter)
    _report(state, tol, max_iter, stacklevel=4)
    g = state.columns - problem.log_b
    return float(state.eps * (state.rows @ problem.a + g @ problem.b))


def _check_cost(C: ArrayLike) -> FloatArray:
    cost = as_float_array("C", C, ndim=2)
    if cost.size == 0:
        raise InputError(describe("C", "a table with rows and columns", Words(f"shape {cost.shape}")))
    return np.ascontiguousarray(cost)


def _refuse_overflow(X: FloatArray, Y: FloatArray, p: float) -> None:
    spread = np.maximum(X.max(axis=0), Y.max(axis=0)) / 2.0 - np.minimum(X.min(axis=0), Y.min(axis=0)) / 2.0
    log_diameter = math.log(2.0) + math.log(max(float(spread.max()), 5e-324)) + 0.5 * math.log(X.shape[1])
    if max(p, 2.0) * log_diameter > 700.0:
        raise DataError(
            f"x and y must have distances whose power {p:g} is within the float range, got coordinates "
            f"{2.0 * float(spread.max()):.3g} apart; rescale the data (and eps with the power p)"
        )


def _check_options(eps: Any, tol: Any, max_iter: Any) -> tuple[float, float, int]:
    cure = "for eps = 0 use wasserstein_exact"
    return (
        check_number("eps", eps, low=_SMALLEST_EPS, cure=cure),
        check_number("tol", tol, low=0.0, open_low=True),
        check_count("max_iter", max_iter, low=1),
    )


def _report(state: Potentials, tol: float, max_iter: int, stacklevel: int = 3) -> bool:
    if state.error < tol:
        return True
    warnings.warn(
        f"Sinkhorn's iteration stopped after {max_iter} passes with an L1 violation of the marginals of "
        f"{state.error:.2g} (tol {tol:.2g}); raise max_iter, eps or tol",
        ConvergenceWarning,
        stacklevel=stacklevel,
    )
    return False


def _centre(f: FloatArray, g: FloatArray, problem: Problem) -> tuple[FloatArray, FloatArray]:
    shift = 0.5 * float(f @ problem.a - g @ problem.b)
    return f - shift, g + shift


def _spread(plan: FloatArray, rows: Any, columns: Any) -> FloatArray:
    full = np.zeros((len(rows), len(columns)))
    full[np.ix_(rows, columns)] = plan
    return full


def _extend(
    f: FloatArray, g: FloatArray, problem: Problem, cost: FloatArray, eps: float, rows: Any, columns: Any
) -> tuple[FloatArray, FloatArray]:
    """Give potentials to the points without mass by the update formula."""
    from scipy.special import logsumexp

    full_f, full_g = np.empty(len(rows)), np.empty(len(columns))
    full_f[rows], full_g[columns] = f, g
    to_rows = (g - cost[~rows][:, columns]) / eps + problem.log_b
    full_f[~rows] = -eps * logsumexp(to_rows, axis=1) if to_rows.size else np.empty(0)
    to_columns = (f[:, None] - cost[rows][:, ~columns]) / eps + np.log(problem.a)[:, None]
    full_g[~columns] = -eps * logsumexp(to_columns, axis=0) if to_columns.size else np.empty(0)
    return full_f, full_g
