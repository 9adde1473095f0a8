"""The pass of a diagnosis over rows that are not in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.exponential_kernels import LOWEST
from ..core.validation import FloatArray
from .sweep_kernels import NOTHING, IntArray

__all__ = ["merge_states", "remote_states", "run_order"]

States: TypeAlias = "tuple[FloatArray, FloatArray, IntArray]"
"""Group states (m, groups, 4), squared distances of the nearest points (m, k), those points (m, k)."""


def run_order(group: NDArray[np.uint8], size: int) -> NDArray[np.intp]:
    """Return the rows in runs of one length, each sorted by group.

    Parameters
    ----------
    group : ndarray of uint8 of shape (n,)
        Group of each row.
    size : int
        Length of a run.

    Returns
    -------
    ndarray of int of shape (n,)
        A permutation that leaves every run in its place.

    Examples
    --------
    >>> run_order(np.array([1, 0, 1, 0, 0], dtype=np.uint8), 3)
    array([1, 0, 2, 3, 4])
    """
    order = np.empty(len(group), dtype=np.intp)
    for start in range(0, len(group), size):
        part = group[start : start + size]
        order[start : start + len(part)] = start + np.argsort(part, kind="stable")
    return order


def remote_states(points: Any, function: Callable[..., States], *arguments: Any, each: Sequence[Any]) -> States:
    """Return the states of queries over points that are on the workers of a cluster.

    Parameters
    ----------
    points : ClusterRows
        Points on the workers.
    function : callable
        Of a part, its first row, the arguments and one of `each`: states.
    *arguments : object
        Sent to every part.
    each : sequence
        One argument for each part.

    Returns
    -------
    tuple
        States over all points.

    Raises
    ------
    ClusterError
        If the cluster is lost.
    """
    from ..core.chunk_cluster import compute, merged

    (found,) = compute([merged(points.tasks(function, *arguments, each=each), merge_states)])
    return found  # type: ignore[no-any-return]


def merge_states(left: States, right: States) -> States:
    """Return the states over two parts of the points.

    Parameters
    ----------
    left, right : tuple
        States over each; unchanged.

    Returns
    -------
    tuple
        States over both; of points at equal distance those of `left` come first.

    Examples
    --------
    >>> state = np.array([[[0.0, 1.0, 1.0, 0.0]]])
    >>> one = (state, np.array([[1.0, 4.0]]), np.array([[0, 1]]))
    >>> two = (state, np.array([[2.0, 9.0]]), np.array([[2, 3]]))
    >>> merge_states(one, two)
    (array([[[0., 2., 2., 0.]]]), array([[1., 2.]]), array([[0, 2]]))
    """
    values = np.zeros_like(left[0])
    top = np.maximum(left[0][..., 0], right[0][..., 0])
    values[..., 0] = top
    live = top > NOTHING
    for state in (left[0], right[0]):
        own, total, square, spread = np.moveaxis(state, -1, 0)
        drop = np.where(live, np.maximum(own - top, LOWEST), 0.0)
        scale = np.exp(drop)
        values[..., 1] += scale * total
        values[..., 2] += scale * scale * square
        values[..., 3] += scale * (spread + drop * total)
    k = left[1].shape[1]
    best, found = np.concatenate([left[1], right[1]], axis=1), np.concatenate([left[2], right[2]], axis=1)
    order = np.argsort(best, axis=1, kind="stable")[:, :k]
    return values, np.take_along_axis(best, order, axis=1), np.take_along_axis(found, order, axis=1)
