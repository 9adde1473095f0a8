"""Where the model's own expectations are taken: nodes with probabilities that the model gives them.

The expansion needs expectations under the model besides those under the data. They are exact
wherever the sample space can be enumerated or integrated over, and that is found out by adding up:
nodes are accepted if the model's probabilities on them sum to one. The same test tells a density of
a whole row from a regression, the law of one column given the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.rng import RngLike
from ..core.validation import FloatArray, as_float_array, check_count
from .general_draws import draw_nodes, weighted_draws
from .general_moments import Rows
from .general_quadrature import RESPONSE_NODES, Measure, line_nodes, response_rules
from .general_routes import Derivative

__all__ = ["ModelNodes", "NodeRequest", "find_nodes"]

MASS = 1e-8
_MOST_NODES = 4_000_000
_DOUBLINGS = 22


@dataclass(frozen=True)
class ModelNodes:
    """Nodes of the model at the projection.

    Attributes
    ----------
    batches : tuple of Rows
        Each with weights of sum one; more than one if the nodes are random.
    kind : str
        ``"finite support"``, ``"counts"``, ``"quadrature"``, ``"given nodes"`` or ``"draws"``.
    """

    batches: tuple[Rows, ...]
    kind: str

    @property
    def random(self) -> bool:
        """Whether the nodes carry a Monte-Carlo error."""
        return len(self.batches) > 1


@dataclass(frozen=True)
class NodeRequest:
    """What the caller said about the model's sample space.

    Attributes
    ----------
    nodes : object
        ``(points, base weights)``, points, or None.
    sample : callable or None
        ``sample(theta, size, rng)``.
    draws : int
        Number of draws.
    rng : object
        Seed.
    """

    nodes: Any = None
    sample: Any = None
    draws: int = 100_000
    rng: RngLike = None


def find_nodes(request: NodeRequest, logpdf: Derivative, theta: FloatArray, rows: Rows, measure: Measure) -> ModelNodes:
    """Return nodes that carry the whole probability of the model.

    Parameters
    ----------
    request : NodeRequest
        Given nodes or a sampler, if any.
    logpdf : callable
        Checked log density.
    theta : ndarray of shape (p,)
        The projection.
    rows : Rows
        The data; their values suggest the sample space.
    measure : callable
        Numbers that an integration must get right, from points and weights.

    Returns
    -------
    ModelNodes
        With the model's probabilities as weights.

    Raises
    ------
    InputError
        If none of the ways works; the message names them.
    """
    if request.nodes is not None:
        return _given(request.nodes, logpdf, theta, rows)
    if request.sample is not None:
        return ModelNodes(draw_nodes(request.sample, theta, request.draws, request.rng, rows.points), "draws")
    points = rows.points
    support = np.unique(points, axis=0)
    exact = _accepted(support, np.ones(len(support)), logpdf, theta)
    if exact is not None:
        return ModelNodes((exact,), "finite support")
    for found in (_counts(points, logpdf, theta), _response(rows, logpdf, theta)):
        if found is not None:
            return found
    if points.ndim == 1 or points.shape[1] == 1:
        return ModelNodes((line_nodes(logpdf, theta, rows, measure),), "quadrature")
    found = _continuous_response(rows, logpdf, theta)
    if found is not None:
        return found
    return ModelNodes(weighted_draws(logpdf, theta, rows, request.draws, request.rng), "draws")


def _accepted(points: FloatArray, base: FloatArray, logpdf: Derivative, theta: FloatArray) -> Rows | None:
    """Nodes with their probabilities if these sum to one."""
    try:
        weights = base * np.exp(logpdf(points, theta))
    except (IndexError, ValueError):
        return None  # tried out: the user's function may not know such points
    weights = np.where(np.isfinite(weights), weights, 0.0)
    total = float(weights.sum())
    if not abs(total - 1.0) < MASS:
        return None
    keep = weights > 0.0
    return Rows(points[keep], weights[keep] / total)


def _given(nodes: Any, logpdf: Derivative, theta: FloatArray, rows: Rows) -> ModelNodes:
    points, base = nodes if isinstance(nodes, tuple) and len(nodes) == 2 else (nodes, None)
    table = as_float_array("nodes", points, ndim=(1, 2))
    if table.shape[1:] != np.shape(rows.points)[1:]:
        raise InputError(
            f"nodes must have rows like the data, of shape {np.shape(rows.points)[1:]}, got {table.shape[1:]}"
        )
    weights = np.ones(len(table)) if base is None else as_float_array("weights of nodes", base, ndim=1)
    if len(weights) != len(table) or (weights < 0).any():
        raise InputError(f"nodes must come with one non-negative weight each, got {len(weights)} for {len(table)}")
    total = float(np.sum(weights * np.exp(logpdf(table, theta))))
    if not abs(total - 1.0) < 1e-6:
        raise InputError(
            f"the model's probabilities on nodes must sum to one, got {total:.9g}; give all points of the support, or "
            "quadrature nodes with weights; for a regression, every row with every value of the response, weight 1/n"
        )
    probability = weights * np.exp(logpdf(table, theta)) / total
    keep = probability > 0.0
    return ModelNodes((Rows(table[keep], probability[keep]),), "given nodes")


def _counts(points: FloatArray, logpdf: Derivative, theta: FloatArray) -> ModelNodes | None:
    """The integers around the data, if the model puts all its mass there."""
    flat = points.reshape(len(points), -1)
    if flat.shape[1] != 1 or not (flat == np.round(flat)).all():
        return None
    found = _settled(
        _accepted(values.reshape((-1,) + points.shape[1:]), np.ones(len(values)), logpdf, theta)
        for values in _growing(flat[:, 0])
    )
    return None if found is None else ModelNodes((found,), "counts")


def _settled(tries: Iterable[Rows | None]) -> Rows | None:
    """The one after the first success: where the mass is right, the next doubling is right in fourth powers too."""
    first: Rows | None = None
    for found in tries:
        if first is not None:
            return first if found is None else found
        first = found
    return first


def _growing(seen: FloatArray) -> Iterator[FloatArray]:
    """Ranges of integers, upwards first (counts have a natural lower end)."""
    low, high = float(seen.min()), float(seen.max())
    width = max(high - low + 1.0, 8.0)
    for downwards in (False, True):
        for k in range(2, _DOUBLINGS):
            reach = width * 2.0**k
            if reach > _MOST_NODES:
                break
            yield np.arange(low - reach if downwards else low, high + reach + 1.0)
        if not downwards and low > 0.0:
            yield np.arange(0.0, high + 4.0 * width)


def _response(rows: Rows, logpdf: Derivative, theta: FloatArray) -> ModelNodes | None:
    """A discrete law of one column given the others."""
    if rows.points.ndim == 1 or rows.points.shape[1] < 2:
        return None
    for column in range(rows.points.shape[1]):
        covariates, weights = _covariates(rows, column)
        seen = rows.points[:, column]
        values = np.unique(seen)
        if len(values) * len(weights) <= _MOST_NODES:
            found = _crossed(covariates, weights, values, np.ones(len(values)), column, logpdf, theta)
            if found is not None:
                return ModelNodes((found,), "finite support")
        if (seen == np.round(seen)).all():
            found = _settled(
                _crossed(covariates, weights, values, np.ones(len(values)), column, logpdf, theta)
                for values in _growing(seen)
                if len(values) * len(weights) <= _MOST_NODES
            )
            if found is not None:
                return ModelNodes((found,), "counts")
    return None


def _covariates(rows: Rows, column: int) -> tuple[FloatArray, FloatArray]:
    others = np.delete(rows.points, column, axis=1)
    distinct, place = np.unique(others, axis=0, return_inverse=True)
    mass = np.bincount(place.ravel(), rows.weights, minlength=len(distinct))
    return np.asarray(distinct), np.asarray(mass, dtype=float)


def _crossed(
    covariates: FloatArray,
    weights: FloatArray,
    values: FloatArray,
    base: FloatArray,
    column: int,
    logpdf: Derivative,
    theta: FloatArray,
) -> Rows | None:
    """Every covariate row with every value of the response, if each row's probabilities sum to one."""
    points = np.insert(np.repeat(covariates, len(values), axis=0), column, np.tile(values, len(covariates)), axis=1)
    try:
        density = np.exp(logpdf(points, theta)).reshape(len(covariates), len(values)) * base
    except (IndexError, ValueError):
        return None
    density = np.where(np.isfinite(density), density, 0.0)
    total = density.sum(axis=1)
    if not (np.abs(total - 1.0) < MASS).all():
        return None
    probability = (weights[:, None] * density / total[:, None]).ravel()
    keep = probability > 0.0
    return Rows(points[keep], probability[keep])


def _continuous_response(rows: Rows, logpdf: Derivative, theta: FloatArray) -> ModelNodes | None:
    """A continuous law of one column given the others, by quadrature common to all rows."""
    for column in range(rows.points.shape[1]):
        covariates, weights = _covariates(rows, column)
        for rule in response_rules(rows.points[:, column]):
            found = _settled(
                _crossed(covariates, weights, *rule(count), column, logpdf, theta)
                for count in RESPONSE_NODES
                if count * len(weights) <= _MOST_NODES
            )
            if found is not None:
                return ModelNodes((found,), "quadrature")
    return None


def check_draws(draws: Any) -> int:
    """Return the number of draws, at least a thousand.

    Parameters
    ----------
    draws : int
        What the caller passed.

    Returns
    -------
    int
        The count.

    Raises
    ------
    InputError
        If it is smaller.
    """
    return check_count("draws", draws, low=1000)
