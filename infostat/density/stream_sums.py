"""Log sums of kernels over points that are on the workers of a cluster.

Every part of the points answers a block of queries by itself; log sums of parts are merged in the order of
the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.pairwise import log_profile_sums
from ..core.pairwise_routes import Profile
from ..core.progress import Report
from ..core.validation import FloatArray

__all__ = ["remote_merge", "remote_profile_sums"]

IntArray = NDArray[np.intp]

_QUERIES = 2048  # of a task


def remote_merge(points: Any, function: Callable[..., FloatArray], *arguments: Any, each: Sequence[Any]) -> FloatArray:
    """Return log sums over all points from those over every part.

    Parameters
    ----------
    points : ClusterRows
        Points on the workers.
    function : callable
        Of a part, its first row, the arguments and one of `each`: log sums.
    *arguments : object
        Sent to every part.
    each : sequence
        One argument for each part.

    Returns
    -------
    ndarray
        Log sums.

    Raises
    ------
    ClusterError
        If the cluster is lost.
    """
    from ..core.chunk_cluster import compute, merged

    return np.asarray(compute([merged(points.tasks(function, *arguments, each=each), _log_add)])[0])


def _log_add(left: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray(np.logaddexp(left, right))


def remote_profile_sums(
    X: Any,
    Q: Any,
    scales: FloatArray,
    profile: Profile,
    *,
    weights: FloatArray | None = None,
    exclude: IntArray | None = None,
    offsets: FloatArray | None = None,
    n_jobs: int = 1,
    report: Report | None = None,
) -> FloatArray:
    """Return what `log_profile_sums` does, for points on the workers of a cluster.

    Parameters
    ----------
    X : ClusterRows of shape (n, d)
        Points.
    Q : ndarray or BlockRows of shape (m, d)
        Queries.
    scales, profile, weights, exclude, offsets
        As in `log_profile_sums`.
    n_jobs : int
        Not used: the workers of the cluster decide.
    report : callable, optional
        Called with ``(queries done, queries)``.

    Returns
    -------
    ndarray of shape (k, m)
        Natural logs; -inf where no term is left.
    """
    m = len(Q)
    skip = np.full(m, -1, dtype=np.intp) if exclude is None else exclude
    starts = X.starts
    own: list[Any] = [None] * (len(starts) - 1) if weights is None else list(np.split(weights, starts[1:-1]))
    out = np.empty((len(scales), m))
    for first in range(0, m, _QUERIES):
        part = slice(first, min(first + _QUERIES, m))
        out[:, part] = remote_merge(
            X, _part_sums, np.asarray(Q[part]), skip[part], scales, profile, offsets, each=own
        )
        if report is not None:
            report(part.stop, m)
    return out


def _part_sums(
    points: FloatArray,
    start: int,
    queries: FloatArray,
    skip: IntArray,
    scales: FloatArray,
    profile: Profile,
    offsets: FloatArray | None,
    weights: FloatArray | None,
) -> FloatArray:
    inside = (skip >= start) & (skip < start + len(points))
    own = np.where(inside, skip - start, -1)
    return log_profile_sums(points, queries, scales, profile, weights=weights, exclude=own, offsets=offsets)
