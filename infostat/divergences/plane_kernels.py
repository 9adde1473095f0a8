"""Neighbours in the plane under the maximum norm, and counts on the line.

Points are cut along the first coordinate into strips of equal size; inside a strip they are
sorted by the second. A query walks outwards in its own strip and then in the strips to the
right and left, until no strip can hold a closer point. Queries of a strip are served in
order, so their positions in a neighbouring strip only move forward.

A count of points closer than a radius bisects on the comparison of the difference itself.
Comparing with ``value + radius`` instead would be wrong: the sum is rounded, and the very
point that set the radius is then counted or not by accident.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["IntArray", "count_on_line", "extents_in_strips", "kth_in_strips", "make_strips"]

IntArray = NDArray[np.int64]


def make_strips(x: FloatArray, y: FloatArray, k: int) -> tuple[IntArray, IntArray]:
    """Return an order of the points by strips, and where each strip starts.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Coordinates; strips are cut along `x`.
    k : int
        Number of the neighbour that will be searched.

    Returns
    -------
    order : ndarray of shape (n,)
        Point at each place; within a strip `y` increases.
    starts : ndarray of shape (n_strips + 1,)
        First place of each strip, and n.

    Notes
    -----
    A strip is about as wide as the distance to the k-th neighbour in a uniform cloud with the
    interquartile ranges of the data; the answer does not depend on this choice.

    Examples
    --------
    >>> make_strips(np.array([3.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]), 1)[0]
    array([0, 1, 2])
    """
    n = len(x)
    by_x, by_y = np.argsort(x), np.argsort(y)
    wide, tall = (v[by[(3 * n) // 4]] - v[by[n // 4]] for v, by in ((x, by_x), (y, by_y)))
    ratio = wide / tall if wide > 0.0 and tall > 0.0 else 1.0
    n_strips = int(min(max(np.sqrt(n / k * ratio), 1.0), max(n // 16, 1), 32_000))
    size = -(-n // n_strips)
    strip = np.empty(n, dtype=np.int16)
    strip[by_x] = (np.arange(n) // size).astype(np.int16)
    # A stable sort of small integers is a radix sort: linear time, and it keeps the order by y.
    order = by_y[np.argsort(strip[by_y], kind="stable")]
    return order, np.append(np.arange(0, n, size), n)


def _kth_in_strips_numpy(x: FloatArray, y: FloatArray, starts: IntArray, k: int, first: int, last: int) -> FloatArray:
    from scipy.spatial import cKDTree

    points = np.column_stack([x, y])
    queries = points[starts[first] : starts[last]]
    return np.asarray(cKDTree(points).query(queries, [k + 1], p=np.inf)[0][:, 0])


@kernel(twin=_kth_in_strips_numpy)
def kth_in_strips(x: FloatArray, y: FloatArray, starts: IntArray, k: int, first: int, last: int) -> FloatArray:
    """Return the distance to the k-th neighbour of the points of the strips ``first`` to ``last - 1``.

    `x` and `y` are in the order of `make_strips`.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Coordinates, in the order of `make_strips`.
    starts : ndarray of int of shape (strips + 1,)
        First point of each strip, and the end.
    k : int
        Which neighbour.
    first, last : int
        Strips whose points are asked.

    Returns
    -------
    ndarray
        Distances (largest coordinate difference), in the order of the points.
    """
    n_strips = len(starts) - 1
    low, high = np.empty(n_strips), np.empty(n_strips)
    for s in range(n_strips):
        low[s] = x[starts[s] : starts[s + 1]].min()
        high[s] = x[starts[s] : starts[s + 1]].max()
    base = starts[first]
    result = np.empty(starts[last] - base)
    best = np.empty(k)
    place = np.empty(n_strips, dtype=np.int64)
    for own in range(first, last):
        place[:] = starts[:-1]
        for i in range(starts[own], starts[own + 1]):
            xi, yi = x[i], y[i]
            best[:] = np.inf
            worst = np.inf
            for turn in range(2):
                # First the own strip and those to the right, then those to the left.
                s = own if turn == 0 else own - 1
                step = 1 if turn == 0 else -1
                while 0 <= s < n_strips:
                    gap = low[s] - xi if turn == 0 else xi - high[s]
                    if gap >= worst:
                        break
                    begin, end = starts[s], starts[s + 1]
                    up = place[s]
                    if s == own:
                        up = i
                    else:
                        while up < end and y[up] < yi:
                            up += 1
                    place[s] = up
                    down = up - 1
                    if s == own:
                        up += 1
                    while up < end and y[up] - yi < worst:
                        distance = max(abs(x[up] - xi), y[up] - yi)
                        if distance < worst:
                            spot = k - 1
                            while spot > 0 and best[spot - 1] > distance:
                                best[spot] = best[spot - 1]
                                spot -= 1
                            best[spot] = distance
                            worst = best[k - 1]
                        up += 1
                    while down >= begin and yi - y[down] < worst:
                        distance = max(abs(x[down] - xi), yi - y[down])
                        if distance < worst:
                            spot = k - 1
                            while spot > 0 and best[spot - 1] > distance:
                                best[spot] = best[spot - 1]
                                spot -= 1
                            best[spot] = distance
                            worst = best[k - 1]
                        down -= 1
                    s += step
            result[i - base] = worst
    return result


def _extents_numpy(x: FloatArray, y: FloatArray, starts: IntArray, radius: FloatArray) -> tuple[FloatArray, FloatArray]:
    from scipy.spatial import cKDTree

    points = np.column_stack([x, y])
    near = cKDTree(points).query_ball_point(points, radius, p=np.inf)
    wide = np.array([np.abs(x[found] - x[i]).max() for i, found in enumerate(near)])
    tall = np.array([np.abs(y[found] - y[i]).max() for i, found in enumerate(near)])
    return wide, tall


@kernel(twin=_extents_numpy)
def extents_in_strips(
    x: FloatArray, y: FloatArray, starts: IntArray, radius: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the largest coordinate differences to the points not farther than the radius.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Coordinates, in the order of `make_strips`.
    starts : ndarray of int of shape (strips + 1,)
        First point of each strip, and the end.
    radius : ndarray of shape (n,)
        Distance of each point to its k-th neighbour.

    Returns
    -------
    (ndarray, ndarray)
        Largest differences in x and in y.
    """
    n, n_strips = len(x), len(starts) - 1
    low, high = np.empty(n_strips), np.empty(n_strips)
    for s in range(n_strips):
        low[s] = x[starts[s] : starts[s + 1]].min()
        high[s] = x[starts[s] : starts[s + 1]].max()
    wide, tall = np.zeros(n), np.zeros(n)
    place = np.empty(n_strips, dtype=np.int64)
    for own in range(n_strips):
        place[:] = starts[:-1]
        for i in range(starts[own], starts[own + 1]):
            xi, yi, reach = x[i], y[i], radius[i]
            for s in range(n_strips):
                if low[s] - xi > reach or xi - high[s] > reach:
                    continue
                up, end = place[s], starts[s + 1]
                while up < end and y[up] < yi:
                    up += 1
                place[s] = up
                down = up - 1
                while up < end and y[up] - yi <= reach:
                    if abs(x[up] - xi) <= reach:
                        wide[i] = max(wide[i], abs(x[up] - xi))
                        tall[i] = max(tall[i], y[up] - yi)
                    up += 1
                while down >= starts[s] and yi - y[down] <= reach:
                    if abs(x[down] - xi) <= reach:
                        wide[i] = max(wide[i], abs(x[down] - xi))
                        tall[i] = max(tall[i], yi - y[down])
                    down -= 1
    return wide, tall


def _count_on_line_numpy(line: FloatArray, rank: IntArray, radius: FloatArray, strict: bool) -> IntArray:
    n, centre = len(line), line[rank]

    def near(places: IntArray) -> NDArray[np.bool_]:
        distance = np.abs(line[places] - centre)
        return np.asarray(distance < radius if strict else distance <= radius)

    # Invariant: `inside` is near (or the point itself), `outside` is not (or beyond the end).
    counts = np.zeros(len(rank), dtype=np.int64)
    for sign in (1, -1):
        inside = rank.copy()
        outside = np.full(len(rank), n if sign == 1 else -1, dtype=np.int64)
        while True:
            middle = (inside + outside) // 2 if sign == 1 else -((-inside - outside) // 2)
            open_ = middle != inside
            if not open_.any():
                break
            hit = near(middle) & open_
            inside = np.where(hit, middle, inside)
            outside = np.where(open_ & ~hit, middle, outside)
        counts += np.abs(inside - rank)
    return counts


@kernel(twin=_count_on_line_numpy)
def count_on_line(line: FloatArray, rank: IntArray, radius: FloatArray, strict: bool) -> IntArray:
    """Return how many other points of a sorted line lie within the radius of ``line[rank]``.

    Parameters
    ----------
    line : ndarray of shape (n,)
        Sorted coordinates.
    rank : ndarray of int of shape (m,)
        Places of the queries on the line.
    radius : ndarray of shape (m,)
        Radius of each query.
    strict : bool
        Count points nearer than the radius only, not at it.

    Returns
    -------
    ndarray of int of shape (m,)
        Counts, the query left out.
    """
    n = len(line)
    counts = np.empty(len(rank), dtype=np.int64)
    guess_up, guess_down = 1, 1
    for i in range(len(rank)):
        here, reach = rank[i], radius[i]
        centre = line[here]
        # Gallop with a first stride near the width found for the query before, then bisect.
        inside, stride = here, guess_up
        outside = here + stride
        while outside < n and (line[outside] - centre < reach or (not strict and line[outside] - centre == reach)):
            inside = outside
            stride *= 2
            outside += stride
        outside = min(outside, n)
        while outside - inside > 1:
            middle = (inside + outside) // 2
            distance = line[middle] - centre
            if distance < reach or (not strict and distance == reach):
                inside = middle
            else:
                outside = middle
        above = inside - here
        inside, stride = here, guess_down
        outside = here - stride
        while outside >= 0 and (centre - line[outside] < reach or (not strict and centre - line[outside] == reach)):
            inside = outside
            stride *= 2
            outside -= stride
        outside = max(outside, -1)
        while inside - outside > 1:
            middle = (inside + outside + 1) // 2
            distance = centre - line[middle]
            if distance < reach or (not strict and distance == reach):
                inside = middle
            else:
                outside = middle
        below = here - inside
        counts[i] = above + below
        guess_up, guess_down = above + 1, below + 1
    return counts
