"""A balanced tree of boxes for the k-th neighbours of many points at once.

`scipy.spatial.cKDTree` answers any query at any time. Here all queries are known: they come in
the order of the leaves, each keeps its k distances in one short list, and the coordinates of a
leaf lie side by side, so that its distances are computed in vector registers.
"""

from __future__ import annotations

import numpy as np

from ..core.jit import kernel
from ..core.validation import FloatArray
from .plane_kernels import IntArray

__all__ = ["LEAF", "build_tree", "kth_in_tree"]

LEAF = 24


def _build_numpy(points: FloatArray, leaf: int) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    n, d = points.shape
    n_leaves = 1
    while n_leaves * leaf < n:
        n_leaves *= 2
    order, cuts = np.arange(n), np.zeros((2 * n_leaves, 2), dtype=np.int64)
    low, high = np.zeros((2 * n_leaves, d)), np.zeros((2 * n_leaves, d))
    cuts[1] = 0, n
    for node in range(1, 2 * n_leaves):
        begin, end = cuts[node]
        inside = points[order[begin:end]]
        low[node], high[node] = inside.min(axis=0), inside.max(axis=0)
        if node < n_leaves:
            middle = (begin + end) // 2
            values = inside[:, np.argmax(high[node] - low[node])]
            order[begin:end] = order[begin:end][np.argpartition(values, middle - begin)]
            cuts[2 * node], cuts[2 * node + 1] = (begin, middle), (middle, end)
    return order, cuts, low, high


@kernel(twin=_build_numpy, fastmath=("nsz", "nnan"))
def build_tree(points: FloatArray, leaf: int) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Return the order of the points by leaves, the range of each node and its box.

    Node 1 is the root, nodes 2i and 2i + 1 are the halves of node i along its longest side; the
    last half of the nodes are leaves of at most `leaf` points.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Points.
    leaf : int
        Most points of a leaf.

    Returns
    -------
    (ndarray, ndarray, ndarray, ndarray)
        Order of the points, first and last point of each node, lower and upper corners of the boxes.
    """
    n, d = points.shape
    n_leaves = 1
    while n_leaves * leaf < n:
        n_leaves *= 2
    order = np.arange(n)
    cuts = np.zeros((2 * n_leaves, 2), dtype=np.int64)
    low, high = np.zeros((2 * n_leaves, d)), np.zeros((2 * n_leaves, d))
    cuts[1, 1] = n
    keys = np.empty(n)
    for node in range(1, 2 * n_leaves):
        begin, end = cuts[node, 0], cuts[node, 1]
        for c in range(d):
            low[node, c] = np.inf
            high[node, c] = -np.inf
        for j in range(begin, end):
            row = order[j]
            for c in range(d):
                low[node, c] = min(low[node, c], points[row, c])
                high[node, c] = max(high[node, c], points[row, c])
        if node >= n_leaves:
            continue
        axis = 0
        for c in range(1, d):
            if high[node, c] - low[node, c] > high[node, axis] - low[node, axis]:
                axis = c
        for j in range(begin, end):
            keys[j] = points[order[j], axis]
        middle = (begin + end) // 2
        # Quickselect (Hoare): afterwards nothing before `middle` exceeds anything from it on.
        left, right = begin, end - 1
        while left < right:
            centre = (left + right) // 2
            a, b, c_key = keys[left], keys[centre], keys[right]
            pivot = max(min(a, b), min(max(a, b), c_key))
            i, j = left, right
            while i <= j:
                while keys[i] < pivot:
                    i += 1
                while keys[j] > pivot:
                    j -= 1
                if i <= j:
                    keys[i], keys[j] = keys[j], keys[i]
                    order[i], order[j] = order[j], order[i]
                    i += 1
                    j -= 1
            if middle <= j:
                right = j
            elif middle >= i:
                left = i
            else:
                break
        cuts[2 * node, 0], cuts[2 * node, 1] = begin, middle
        cuts[2 * node + 1, 0], cuts[2 * node + 1, 1] = middle, end
    return order, cuts, low, high


def _kth_numpy(
    columns: FloatArray,
    cuts: IntArray,
    low: FloatArray,
    high: FloatArray,
    queries: FloatArray,
    own: IntArray,
    k: int,
    maximum: bool,
) -> FloatArray:
    from scipy.spatial import cKDTree

    p = np.inf if maximum else 2.0
    distances, labels = cKDTree(columns.T).query(queries, range(1, k + 2), p=p)
    # The query itself is left out where it is among those found; otherwise k + 1 others tie with it.
    hidden = (labels == own[:, None]).cumsum(axis=1)[:, k - 1] > 0
    return np.asarray(np.where(hidden, distances[:, k], distances[:, k - 1]))


@kernel(twin=_kth_numpy, fastmath=("nsz", "nnan"))
def kth_in_tree(
    columns: FloatArray,
    cuts: IntArray,
    low: FloatArray,
    high: FloatArray,
    queries: FloatArray,
    own: IntArray,
    k: int,
    maximum: bool,
) -> FloatArray:
    """Return the distance of each query to the k-th nearest point; point ``own[i]`` is left out.

    `columns` holds one coordinate a row, points in the order of `build_tree`, to which `own` refers.

    Parameters
    ----------
    columns : ndarray of shape (d, n)
        Points, one coordinate a row.
    cuts : ndarray of int
        Range of points of each node.
    low, high : ndarray
        Corners of the box of each node.
    queries : ndarray of shape (m, d)
        Queries.
    own : ndarray of int of shape (m,)
        Point that is left out for each query; -1 for none.
    k : int
        Which neighbour.
    maximum : bool
        Take the largest coordinate difference for a distance, the Euclidean length otherwise.

    Returns
    -------
    ndarray of shape (m,)
        Distances.
    """
    d = len(columns)
    n_leaves = len(cuts) // 2
    width = 0
    for node in range(n_leaves, 2 * n_leaves):
        width = max(width, cuts[node, 1] - cuts[node, 0])
    total, best = np.empty(width), np.empty(k)
    waiting, bound = np.empty(128, dtype=np.int64), np.empty(128)
    result = np.empty(len(queries))
    for i in range(len(queries)):
        best[:] = np.inf
        worst = np.inf
        waiting[0], bound[0] = 1, 0.0
        depth = 1
        while depth > 0:
            depth -= 1
            if bound[depth] >= worst:
                continue
            node = waiting[depth]
            while node < n_leaves:
                # Go down the nearer half; the other waits if it can hold a closer point.
                node *= 2
                near, far = 0.0, 0.0
                for c in range(d):
                    q = queries[i, c]
                    a = max(low[node, c] - q, q - high[node, c], 0.0)
                    b = max(low[node + 1, c] - q, q - high[node + 1, c], 0.0)
                    if maximum:
                        near, far = max(near, a), max(far, b)
                    else:
                        near, far = near + a * a, far + b * b
                other = node + 1
                if far < near:
                    node, other, near, far = other, node, far, near
                if far < worst:
                    waiting[depth], bound[depth] = other, far
                    depth += 1
                if near >= worst:
                    node = -1
                    break
            if node < 0:
                continue
            begin = cuts[node, 0]
            size = cuts[node, 1] - begin
            for j in range(size):
                total[j] = 0.0
            for c in range(d):
                q = queries[i, c]
                if maximum:
                    for j in range(size):
                        total[j] = max(total[j], abs(columns[c, begin + j] - q))
                else:
                    for j in range(size):
                        difference = columns[c, begin + j] - q
                        total[j] += difference * difference
            for j in range(size):
                if total[j] < worst and begin + j != own[i]:
                    spot = k - 1
                    while spot > 0 and best[spot - 1] > total[j]:
                        best[spot] = best[spot - 1]
                        spot -= 1
                    best[spot] = total[j]
                    worst = best[k - 1]
        result[i] = worst if maximum else np.sqrt(worst)
    return result
