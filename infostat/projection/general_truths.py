"""Rows to project: data in the shape they came, populations, or the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.data import matrix, read_table
from ..core.errors import InputError, InputTypeError
from ..core.validation import FloatArray, as_float_array, check_weights, short
from ..families.law_checks import law_support
from .general_moments import Route, Rows
from .general_nodes import NodeRequest, find_nodes
from .general_projection import project
from .general_routes import Derivative
from .population import is_frozen_law, law_nodes

__all__ = ["model_as_truth", "observed", "truth_rows"]

# Where a density of one variable is looked for when there are no data to say: counts and the line,
# the half line, the unit interval.
_PLACES = (np.array([0.0, 1.0, 2.0]), np.array([0.5, 1.0, 2.0]), np.array([0.25, 0.5, 0.75]))


def observed(data: Any) -> FloatArray:
    """Return data as floats, one-dimensional if they came so.

    Parameters
    ----------
    data : array_like, DataFrame, Series or path
        Observations by rows.

    Returns
    -------
    ndarray of shape (n,) or (n, d)
        Finite values.

    Raises
    ------
    DataError
        For missing values, text, or fewer than three rows.
    """
    table = matrix(read_table(data))
    flat = not hasattr(data, "columns") and getattr(data, "ndim", np.ndim(data) if _plain(data) else 2) == 1
    return table[:, 0] if flat else table


def _plain(data: Any) -> bool:
    return isinstance(data, (list, tuple))


def truth_rows(truth: Any, route_at: Callable[[FloatArray], Route]) -> Rows:
    """Return the rows of a population.

    Parameters
    ----------
    truth : (points, weights) or frozen scipy law
        The population.
    route_at : callable
        From points to a route at a starting parameter, for deciding how fine a law must be cut.

    Returns
    -------
    Rows
        Weights of sum one.

    Raises
    ------
    InputTypeError
        If `truth` is neither.
    InputError
        If a law cannot be integrated to 1e-10.
    """
    if is_frozen_law(truth):
        return _law_rows(truth, route_at)
    if not isinstance(truth, (tuple, list)) or len(truth) != 2:
        raise InputTypeError(f"truth must be (points, weights) or a frozen scipy law, got {short(truth)}")
    points = as_float_array("points of truth", truth[0], ndim=(1, 2))
    weights = check_weights(as_float_array("weights of truth", truth[1]), len(points), "weights of truth")
    keep = weights > 0.0
    return Rows(points[keep], weights[keep])


def _law_rows(law: Any, route_at: Callable[[FloatArray], Route]) -> Rows:
    """Nodes at which the derivatives' moments have converged, first near the start, then at the projection."""
    law_support(law)
    middle = np.array([float(law.ppf(level)) for level in (0.25, 0.5, 0.75)])
    route = route_at(middle)
    for _ in range(2):
        points, weights = law_nodes(law, _measure(route))
        keep = weights > 1e-40 * weights.max()
        rows = Rows(points[keep], weights[keep] / weights[keep].sum())
        route = project(route, rows).route
    return rows


def _measure(route: Route) -> Callable[[FloatArray, FloatArray], FloatArray]:
    def measure(points: FloatArray, weights: FloatArray) -> FloatArray:
        keep = weights > 1e-40 * weights.max()
        rows = Rows(points[keep], weights[keep])
        second = fourth = 0.0
        for block in route.low(rows):
            second += float(np.sum(block.weights @ block.score**2))
            powers = np.sum(block.score**4, axis=1) + np.sum(block.hessian**2, axis=(1, 2))
            fourth += float(block.weights @ powers)
        return np.array([rows.weights @ route.log_density(rows, route.theta), second, fourth])

    return measure


def model_as_truth(request: NodeRequest, logpdf: Derivative, theta: FloatArray) -> Rows:
    """Return the nodes of the model at theta as a population.

    Parameters
    ----------
    request : NodeRequest
        Given nodes or a sampler, if any.
    logpdf : callable
        Checked log density.
    theta : ndarray of shape (p,)
        Parameter.

    Returns
    -------
    Rows
        Weights of sum one.

    Raises
    ------
    InputError
        If no nodes carry the probability of the model.
    """

    def measure(points: FloatArray, weights: FloatArray) -> FloatArray:
        values = logpdf(points, theta)
        return np.array([weights @ values, weights @ values**2, weights @ values**4])

    if request.nodes is not None:
        points = request.nodes[0] if isinstance(request.nodes, tuple) else request.nodes
        places = [as_float_array("nodes", points, ndim=(1, 2))]
    else:
        places = list(_PLACES)
    for place in places:
        try:
            found = find_nodes(request, logpdf, theta, Rows(place, np.full(len(place), 1.0 / len(place))), measure)
        except InputError:
            if request.nodes is not None or request.sample is not None:
                raise
            continue
        points = np.concatenate([batch.points for batch in found.batches])
        weights = np.concatenate([batch.weights for batch in found.batches])
        return Rows(points, weights / weights.sum())
    raise InputError(
        "the model at theta could not be taken for the truth, because its sample space was not found; "
        "pass nodes=(points, weights) or sample=f(theta, size, rng)"
    )
