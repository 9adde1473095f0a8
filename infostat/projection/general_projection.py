"""The parameter closest to the data, for a general model: damped Newton on the mean log density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.errors import BoundaryProjectionError, CollinearStatisticsError, DataError
from ..core.validation import FloatArray
from .general_moments import Route, Rows, low_moments
from .general_stencils import STEP

__all__ = ["Projected", "adapted_basis", "project"]

_TOLERANCE = 1e-12  # largest squared decrement that the expansion tolerates
_GOAL = 1e-24
_MAX_STEPS = 100
_SLOW = 6  # steps of linear convergence in a row
_ROUGH = 1e-3  # first guess of a difference step, in units of 1 + |theta|
_SINGULAR = 1e-10  # smallest eigenvalue of J in correlation scale
_LARGEST = 1e100  # log densities beyond are no densities of data, and their squares are no floats


@dataclass(frozen=True)
class Projected:
    """The projection and what belongs to it.

    Attributes
    ----------
    route : Route
        At the projection, with basis of unit J.
    decrement : float
        Squared Newton decrement left.
    n_iter : int
        Newton steps.
    """

    route: Route
    decrement: float
    n_iter: int


def project(route: Route, rows: Rows, labels: tuple[str, ...] = ()) -> Projected:
    """Return the route moved to the parameter where the mean score vanishes.

    Parameters
    ----------
    route : Route
        At a starting parameter.
    rows : Rows
        Data with weights of sum one.
    labels : tuple of str
        Names of the parameters, for messages.

    Returns
    -------
    Projected
        The squared decrement is below 1e-12.

    Raises
    ------
    BoundaryProjectionError
        If the mean log density has no regular maximum near the start.
    CollinearStatisticsError
        If it is flat in some direction there.
    DataError
        If it is not finite at the start.
    """
    theta = route.theta
    value = _value(route, rows, theta)
    if not np.isfinite(value):
        raise DataError(
            f"logpdf must be finite at the starting parameter for every row, got a mean of {value}; "
            "start elsewhere (theta=), or leave out rows of density zero"
        )
    if abs(value) > _LARGEST:
        raise DataError(f"logpdf must be below {_LARGEST:g} in size, got a mean of {value:.3g}; rescale the data")
    basis = _rough_basis(route, rows, theta, labels)
    best, previous = np.inf, np.inf
    kept: tuple[float, Route] | None = None
    slow = 0
    for iteration in range(_MAX_STEPS):  # noqa: B007 - how many it took is told below
        current, score, J = _derivatives(route, rows, theta, basis, labels)
        eigenvalues, vectors = np.linalg.eigh(J)
        positive = eigenvalues[0] > _SINGULAR * eigenvalues[-1]
        # Away from the maximum J may be indefinite: its absolute value still gives an ascent direction.
        size = np.maximum(np.abs(eigenvalues), 1e-8 * np.abs(eigenvalues).max())
        if not size[0] > 0.0:
            raise CollinearStatisticsError(_unidentified(current.basis @ vectors[:, 0], labels))
        step = vectors @ ((vectors.T @ score) / size)
        decrement = float(score @ step)
        if positive:
            whitened = current.basis @ (vectors / np.sqrt(size))
            if decrement < best:
                best, kept = decrement, (decrement, current.at(theta, whitened))
            stalled = decrement < _TOLERANCE and decrement > 0.7 * previous
            if decrement < _GOAL or stalled:
                break
            basis = whitened
        elif decrement < _GOAL:
            raise CollinearStatisticsError(_unidentified(current.basis @ vectors[:, 0], labels))
        # Near a regular maximum the decrement falls quadratically; where the likelihood levels off towards
        # infinity it falls by a factor e a step, and would pass any tolerance in the end.
        slow = slow + 1 if decrement < 0.01 and 0.15 * previous < decrement < 0.7 * previous else 0
        if slow >= _SLOW:
            kept = None
            break
        previous = decrement
        moved, value = _line_search(route, rows, theta, current.basis @ step, value, decrement)
        if moved is None:
            break
        theta = moved
    if kept is None or best > _TOLERANCE:
        raise BoundaryProjectionError(
            "the mean log density must have a maximum inside the parameter space, got none after "
            f"{iteration + 1} Newton steps from the start (squared decrement {min(best, decrement):.1e}); "
            "the likelihood may grow towards the boundary (separated classes, an empty cell), have a kink at its "
            "maximum, or be flat; start nearer (theta=) or use a smaller model"
        )
    return Projected(kept[1], best, iteration)


def _rough_basis(route: Route, rows: Rows, theta: FloatArray, labels: tuple[str, ...]) -> FloatArray:
    """Axes so long that a difference step changes the log density by about a hundredth.

    Parameters come in all units; the size of theta says little about the scale on which it matters. One that
    never matters is refused here: with many of them, Newton's method would take long to find out.
    """
    centre = route.log_density(rows, theta)
    steps = _ROUGH * (1.0 + np.abs(theta))
    for axis in range(len(theta)):
        matters = False
        for _ in range(40):
            moved = theta.copy()
            moved[axis] += steps[axis]
            found = route.log_density(rows, moved)
            change = np.inf
            if np.isfinite(found).all():
                with np.errstate(over="ignore"):
                    change = float(np.sqrt(rows.weights @ (found - centre) ** 2))
            matters = matters or change > 0.0
            if change > 0.1:
                steps[axis] *= 0.1
            elif change < 1e-3 and steps[axis] < 1e30:
                steps[axis] *= 10.0
            else:
                break
        if not matters:
            raise CollinearStatisticsError(_unidentified(np.eye(len(theta))[axis], labels))
    return np.asarray(np.diag(steps) / STEP)


def _value(route: Route, rows: Rows, theta: FloatArray) -> float:
    values = route.log_density(rows, theta)
    with np.errstate(invalid="ignore"):
        return float(rows.weights @ values) if np.isfinite(values).all() else -np.inf


def _derivatives(
    route: Route, rows: Rows, theta: FloatArray, basis: FloatArray, labels: tuple[str, ...]
) -> tuple[Route, FloatArray, FloatArray]:
    """Mean score and J; the difference steps are shortened until they stay where the density is finite."""
    for _ in range(6):
        current = route.at(theta, basis)
        with np.errstate(invalid="ignore"):  # a step out of the support gives -inf - (-inf)
            score, _, J = low_moments(current, rows)
        if np.isfinite(J).all() and np.isfinite(score).all():
            return current, score, J
        basis = 0.1 * basis
    raise BoundaryProjectionError(
        "logpdf must be finite and smooth near the estimate for every row, got values that are not at "
        f"{_named(theta, labels)}; parameters at the edge of their range and supports that depend on the "
        "parameter are outside the theory"
    )


def _named(theta: FloatArray, labels: tuple[str, ...]) -> str:
    shown = [f"{value:.6g}" for value in theta[:8]]
    if labels:
        shown = [f"{label} = {value}" for label, value in zip(labels, shown, strict=False)]
    return "theta = (" + ", ".join(shown) + (", ..." if len(theta) > 8 else "") + ")"


def _unidentified(direction: FloatArray, labels: tuple[str, ...]) -> str:
    names = labels or tuple(f"theta{k + 1}" for k in range(len(direction)))
    share = direction / np.abs(direction).max()
    shown = [f"{names[k]} {share[k]:+.3g}" for k in np.argsort(-np.abs(share))[:6] if abs(share[k]) > 1e-6]
    return (
        "every parameter must matter on its own, but the mean log density has no curvature in the direction "
        f"({', '.join(shown)}); drop a parameter, or use a model without this redundancy"
    )


def _line_search(
    route: Route, rows: Rows, theta: FloatArray, step: FloatArray, value: float, decrement: float
) -> tuple[FloatArray | None, float]:
    slack = 1e-13 * (1.0 + abs(value))  # a full step near the maximum gains less than rounding
    length = 1.0 / (1.0 + np.sqrt(decrement)) if decrement > 4.0 else 1.0
    for _ in range(40):
        candidate = theta + length * step
        found = _value(route, rows, candidate)
        if found >= value + 1e-4 * length * decrement - slack:
            return candidate, found
        length *= 0.5
    return None, value


def adapted_basis(basis: FloatArray, S: FloatArray, P: FloatArray) -> FloatArray:
    """Return coordinates in which S is the identity and P is diagonal.

    Parameters
    ----------
    basis : ndarray of shape (p, p)
        Present coordinates.
    S, P : ndarray of shape (p, p)
        In the present coordinates.

    Returns
    -------
    ndarray of shape (p, p)
        New basis; directions in which S vanishes keep a small length.

    Examples
    --------
    >>> import numpy as np
    >>> S, P = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[1.0, 0.2], [0.2, 1.0]])
    >>> inverse = np.linalg.inv(adapted_basis(np.eye(2), S, P))
    >>> bool(np.allclose(inverse @ S @ inverse.T, np.eye(2)))
    True
    """
    values, vectors = np.linalg.eigh(S)
    root = np.sqrt(np.maximum(values, 1e-6 * max(values[-1], 1e-12)))
    half, inverse = vectors * root, (vectors / root).T
    _, rotation = np.linalg.eigh(inverse @ P @ inverse.T)
    return np.asarray(basis @ half @ rotation)
