"""The user's callables, checked: what they return has the right shape, and says so when it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.user_functions import call_user
from ..core.validation import FloatArray, as_float_array, short
from .general_differences import DifferenceRoute
from .general_moments import Route
from .general_routes import AnalyticRoute, Derivative, HessianRoute
from .general_stencils import OFFSETS, STENCIL

__all__ = ["build_route", "checked", "guess_start", "start_vector"]

_NAMES = ("logpdf", "score", "hessian", "third", "fourth")
_SHAPES = ("(m,)", "(m, p)", "(m, p, p)", "(m, p, p, p)", "(m, p, p, p, p)")
_SCORE_STEP = 3e-3  # of the parameter's size, for a Hessian made of scores


def checked(function: Any, order: int) -> Derivative:
    """Return a callable whose values are float arrays of the shape of a derivative.

    Parameters
    ----------
    function : callable
        ``f(x, theta)`` of the user.
    order : int
        0 for the log density, 1 for the score, and so on.

    Returns
    -------
    callable
        The same, with checks; axes of length one may be left out, as in ``(m, 1)`` for ``(m,)``.

    Raises
    ------
    InputTypeError
        If it is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> f = checked(lambda x, theta: -((x - theta) ** 2), 0)
    >>> f(np.array([1.0, 2.0]), np.array([0.5]))
    array([-0.25, -2.25])
    """
    name = _NAMES[order]
    if not callable(function):
        raise InputTypeError(describe(name, f"a callable f(x, theta) that returns {_SHAPES[order]}", short(function)))

    def call(points: Any, theta: FloatArray) -> FloatArray:
        raw = call_user(name, function, _protected(points), theta.copy())  # a step may leave the parameter space
        wanted = (len(points),) + (len(theta),) * order
        values = as_float_array(f"the result of {name}", raw, finite=False)
        # Axes of length one may be left out or added; nothing is transposed in silence.
        if tuple(k for k in values.shape if k > 1) != tuple(k for k in wanted if k > 1):
            required = f"an array of shape {_SHAPES[order]} = {wanted}"
            raise InputError(describe(f"the result of {name}", required, Words(f"shape {values.shape}")))
        if order and not np.isfinite(values).all():
            bad = Words(f"{int((~np.isfinite(values)).sum())} values that are not")
            raise InputError(describe(f"the result of {name}", "finite near the estimate", bad))
        return values.reshape(wanted)

    return call


def _protected(points: Any) -> Any:
    """Rows that a callable can read but not change."""
    if isinstance(points, np.ndarray):
        points = points.view()
        points.setflags(write=False)
    return points


def build_route(
    theta: FloatArray,
    logpdf: Any,
    score: Any = None,
    hessian: Any = None,
    third: Any = None,
    fourth: Any = None,
) -> Route:
    """Return the best route to the derivatives that were given.

    Parameters
    ----------
    theta : ndarray of shape (p,)
        Where to start.
    logpdf : callable
        Log density.
    score, hessian, third, fourth : callable, optional
        Its derivatives with respect to theta.

    Returns
    -------
    Route
        In the user's coordinates.

    Raises
    ------
    InputError
        If `third` or `fourth` comes without the lower derivatives.
    """
    if (third is None) != (fourth is None) or (third is not None and (score is None or hessian is None)):
        raise InputError(
            "third and fourth must be given together, and with score and hessian; "
            "leave both out to have them computed from the Hessian"
        )
    basis = np.eye(len(theta))
    density = checked(logpdf, 0)
    if score is None and hessian is None:
        return DifferenceRoute(theta, basis, density)
    first = checked(score, 1) if score is not None else _derivative(density)
    second = checked(hessian, 2) if hessian is not None else _derivative(first)
    if third is None:
        return HessianRoute(theta, basis, (density, first, second))
    return AnalyticRoute(theta, basis, (density, first, second, checked(third, 3), checked(fourth, 4)))


def _derivative(function: Derivative) -> Derivative:
    """Gradient by seven-point differences, the new axis last."""

    def call(points: Any, theta: FloatArray) -> FloatArray:
        columns = []
        for axis in range(len(theta)):
            step = _SCORE_STEP * max(1.0, abs(theta[axis]))
            total: Any = 0.0
            for k, offset in enumerate(OFFSETS):
                if offset:
                    moved = theta.copy()
                    moved[axis] += offset * step
                    total = total + STENCIL[1][k] * function(points, moved)
            columns.append(total / step)
        found = np.stack(columns, axis=-1)
        return found if found.ndim < 3 else 0.5 * (found + np.swapaxes(found, 1, 2))

    return call


def start_vector(theta: Any, p: int | None = None) -> FloatArray:
    """Return the parameter vector that a caller gave.

    Parameters
    ----------
    theta : float or array_like of shape (p,)
        Parameter; a number counts as a vector of length one.
    p : int, optional
        Length it must have.

    Returns
    -------
    ndarray of shape (p,)
        A copy.

    Raises
    ------
    InputError
        If it is empty, not finite or of another length.
    """
    vector = np.atleast_1d(as_float_array("theta", theta, ndim=(0, 1))).copy()
    if not len(vector) or (p is not None and len(vector) != p):
        raise InputError(describe("theta", f"a vector of length {p or 'p >= 1'}", Words(f"length {len(vector)}")))
    return vector


def guess_start(logpdf: Any, points: Any, most: int = 8) -> FloatArray:
    """Return a parameter vector at which a log density works, or raise.

    Parameters
    ----------
    logpdf : callable
        ``f(x, theta)``.
    points : ndarray
        Observations.
    most : int
        Longest vector tried.

    Returns
    -------
    ndarray of shape (p,)
        Zeros, ones or halves; every entry matters.

    Raises
    ------
    InputError
        If nothing works.
    """
    density: Callable[..., FloatArray] = checked(logpdf, 0)
    refusal = ""
    for p in range(1, most + 1):
        for value in (0.0, 0.5, 1.0):
            theta = np.full(p, value)
            try:
                base = density(points, theta)
                moved = [density(points, theta + 0.01 * np.eye(p)[k]) for k in range(p)]
            except (ValueError, TypeError) as error:
                refusal = f"; the last of those tried failed: {error}"
                continue
            usable = np.isfinite(base).all() and all(np.isfinite(f).all() for f in moved)
            if usable and all(bool((f != base).any()) for f in moved):
                return theta
    raise InputError(
        f"theta must be a parameter vector near the estimate, got None; pass theta= as a starting point{refusal}"
    )
