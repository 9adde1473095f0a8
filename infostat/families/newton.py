"""Damped Newton iteration for the convex dual of a maximum-likelihood problem.

The information projection of a mean statistic ``eta`` minimises the convex
function ``F(theta) = Psi(theta) - theta . eta``. Newton's method with
backtracking finds it from any start inside the domain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..core.validation import FloatArray
from .base import NewtonReport

__all__ = ["damped_newton"]

_ARMIJO = 1e-4
# Below this squared decrement differences of F are lost in rounding (F is only
# known to about 1e-16 |F|), and Newton's method converges quadratically anyway.
_QUADRATIC_REGION = 1e-6
_MAX_HALVINGS = 60
_MAX_GROWTH = 4.0
_SLOW = 0.05
_MAX_SLOW = 4
# Relative rounding error granted to each component of the gradient.
_ROUNDING = 1e3 * float(np.finfo(float).eps)


def damped_newton(
    log_partition: Callable[[FloatArray], float],
    mean: Callable[[FloatArray], FloatArray],
    cov: Callable[[FloatArray], FloatArray],
    eta: FloatArray,
    start: FloatArray,
    *,
    in_domain: Callable[[FloatArray], bool] = lambda theta: True,
    tol: float = 1e-24,
    max_iter: int = 200,
) -> NewtonReport:
    """Minimise ``Psi(theta) - theta . eta`` and report how.

    Parameters
    ----------
    log_partition, mean, cov : callable
        Psi, its gradient and its Hessian at theta.
    eta : ndarray of shape (p,)
        Target mean of the statistics.
    start : ndarray of shape (p,)
        First iterate, inside the domain.
    in_domain : callable
        Whether Psi is finite at a point; steps that leave the domain are halved.
    tol : float
        The squared Newton decrement ``lambda^2 = g' H^{-1} g`` at which the
        iteration stops; ``lambda^2/2`` is the remaining KL divergence in nats.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    NewtonReport
        `converged` is True if ``lambda^2 < tol`` or if rounding forbids further
        decrease; it is False if the minimum is at infinity, as it is when eta is
        on or outside the boundary of the convex support.

    Notes
    -----
    The step is ``-H^{-1} g`` with Armijo backtracking on F (constant 1e-4,
    halving, also while ``lambda^2`` would grow more than fourfold). Once
    ``lambda^2 < 1e-6`` full steps are taken, because F no longer resolves the
    differences. There, convergence must be quadratic: steps that shrink
    ``lambda^2`` by less than a factor 20 are either at the rounding floor of the
    gradient (converged) or, four times in a row, on their way to infinity (not
    converged).

    Examples
    --------
    The Poisson law with mean 3, in the natural parameter ``log mean``:

    >>> f = lambda t: float(np.exp(t[0]))
    >>> g = lambda t: np.exp(t)
    >>> h = lambda t: np.exp(t)[:, None]
    >>> report = damped_newton(f, g, h, np.array([3.0]), np.zeros(1))
    >>> bool(report.converged), float(np.exp(report.theta[0]).round(12))
    (True, 3.0)
    """
    local = partial(_model, mean, cov, eta)
    theta = np.array(start, dtype=np.float64)
    model = local(theta)
    if model is None:
        return NewtonReport(theta, 0, "newton", False)
    best, best_decrement, slow = theta, np.inf, 0
    for iteration in range(max_iter + 1):
        decrement = model.decrement
        # In the quadratic region every step shrinks the decrement a lot, except at the rounding
        # floor (done) or when the minimum is at infinity (a factor exp(-1) per step).
        stalled = best_decrement < _QUADRATIC_REGION and decrement >= _SLOW * best_decrement
        slow = slow + 1 if stalled else 0
        if decrement < best_decrement:
            best, best_decrement = theta, decrement
        if decrement < tol or (stalled and decrement <= model.floor):
            return NewtonReport(best, iteration, "newton", True)
        if slow >= _MAX_SLOW or iteration == max_iter:
            break
        following = _line_search(log_partition, local, eta, theta, model, in_domain)
        if following is None:
            break
        theta, model = following
    return NewtonReport(best, iteration, "newton", False)


@dataclass(frozen=True)
class _Model:
    """The quadratic model of F at a point.

    Attributes
    ----------
    step : ndarray of shape (p,)
        ``H^{-1} g``.
    decrement : float
        ``g' H^{-1} g``.
    floor : float
        Size of the decrement that rounding errors of g alone can cause.
    """

    step: FloatArray
    decrement: float
    floor: float


def _model(
    mean: Callable[[FloatArray], FloatArray],
    cov: Callable[[FloatArray], FloatArray],
    eta: FloatArray,
    theta: FloatArray,
) -> _Model | None:
    """Return the quadratic model at theta, or None where H is not positive definite."""
    value, hessian = mean(theta), cov(theta)
    scale = np.sqrt(np.diag(hessian))
    if not (np.isfinite(value).all() and np.isfinite(scale).all() and (scale > 0).all()):
        return None
    try:
        factor = np.linalg.cholesky(hessian / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return None
    # On the way to infinity variances may vanish so fast that the decrement overflows: no step is possible.
    with np.errstate(over="ignore", invalid="ignore"):
        inverse = np.linalg.solve(factor, np.diag(1.0 / scale))
        half = inverse @ (value - eta)
        noise = np.abs(inverse) @ (_ROUNDING * (np.abs(value) + np.abs(eta)))
        step, decrement, floor = np.asarray(inverse.T @ half), float(half @ half), float(noise @ noise)
    return _Model(step, decrement, floor) if np.isfinite(decrement) and np.isfinite(step).all() else None


def _line_search(
    log_partition: Callable[[FloatArray], float],
    local: Callable[[FloatArray], _Model | None],
    eta: FloatArray,
    theta: FloatArray,
    model: _Model,
    in_domain: Callable[[FloatArray], bool],
) -> tuple[FloatArray, _Model] | None:
    """Return the next iterate with its model, or None if no step length is acceptable."""
    search = model.decrement >= _QUADRATIC_REGION
    here = log_partition(theta) if search else 0.0
    length = 1.0
    for _ in range(_MAX_HALVINGS):
        candidate = theta - length * model.step
        if np.isfinite(candidate).all() and in_domain(candidate):
            # F(candidate) - F(theta), arranged so that theta . eta is never formed.
            change = log_partition(candidate) - here + length * float(model.step @ eta) if search else -np.inf
            if change <= -_ARMIJO * length * model.decrement:
                found = local(candidate)
                # A long step may lower F and still end where the law is nearly degenerate and
                # the next step would be astronomical: the decrement gives this away.
                if found is not None and found.decrement <= _MAX_GROWTH * model.decrement:
                    return candidate, found
        length *= 0.5
    return None
