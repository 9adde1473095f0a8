"""Gram route: third-order contractions as sums over pairs of rows and model nodes.

With whitened nodes ``z_b`` of weights ``q_b``, ``K_ab = z_a . z_b`` and ``R_ab = z_a' S z_b``::

    k3m[z_a, z_a, z_a]        = sum_b q_b K_ab^3
    sum_i tr(M_i S M_i S)     = sum_ab q_a q_b K_ab R_ab^2

No tensor of third cumulants appears. The pairs are visited in tiles that stay in the cache of a
core, so that the cost is that of the matrix products alone; where both sides are the nodes, tiles
below the diagonal repeat those above it and are left out. Tiles are shared between as many threads
as BLAS may use, BLAS itself keeps to one thread meanwhile, and partial sums are added in an order
that does not depend on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from ..core.threads import run_blocks
from ..core.validation import FloatArray
from .kernels import cube_rows, cube_sides, product_sum

__all__ = ["cubes_of_rows", "form_through_nodes", "sums_over_nodes"]

_TILE = 256  # two tiles of 512 kB and their factors fit the second-level cache of a core
_TASKS = 32  # parts of a triangle of tiles, each with a sum of its own for every node
_COMPILED_PAIRS = 200_000_000  # a pair takes 1.3 ns less in the kernels; loading the compiler takes 0.3 s
_WHITE = 1e-12  # distance of S from the identity at which it counts as the identity


def form_through_nodes(zm: FloatArray, q: FloatArray, S: FloatArray) -> FloatArray:
    """Return ``c_a = sum_ij k3m_aij S_ij = E_m[z_a z'Sz]``.

    Parameters
    ----------
    zm : ndarray of shape (M, p)
        Whitened nodes.
    q : ndarray of shape (M,)
        Their weights.
    S : ndarray of shape (p, p)
        Symmetric matrix.

    Returns
    -------
    ndarray of shape (p,)
        The contraction.
    """
    form = np.einsum("bi,bi->b", zm @ S, zm)
    return np.asarray((q * form) @ zm)


def cubes_of_rows(z: FloatArray, zm: FloatArray, q: FloatArray) -> FloatArray:
    """Return ``sum_b q_b (z_a . zm_b)^3`` of each row a.

    Parameters
    ----------
    z : ndarray of shape (n, p)
        Whitened rows.
    zm : ndarray of shape (M, p)
        Whitened nodes.
    q : ndarray of shape (M,)
        Their weights.

    Returns
    -------
    ndarray of shape (n,)
        Third cumulant of the model in the direction of each row, times its length cubed.
    """
    sums = cube_rows if len(z) * len(zm) >= _COMPILED_PAIRS else cube_rows.twin

    def strip(start: int) -> FloatArray:
        left = z[start : start + _TILE]
        out, store = np.zeros(len(left)), np.empty(_TILE * _TILE)
        for b in range(0, len(zm), _TILE):
            out += sums(_tile(left, zm[b : b + _TILE], store), q[b : b + _TILE])
        return out

    starts = range(0, len(z), _TILE)
    parts = run_blocks(strip, ((start,) for start in starts), _threads(len(starts)))
    return np.concatenate(parts) if parts else np.zeros(0)


def sums_over_nodes(
    zm: FloatArray, q: FloatArray, S: FloatArray, *, cubes: bool
) -> tuple[FloatArray | None, float]:
    """Return the sums over pairs of nodes, from the tiles on and above the diagonal.

    Parameters
    ----------
    zm : ndarray of shape (M, p)
        Whitened nodes.
    q : ndarray of shape (M,)
        Their weights.
    S : ndarray of shape (p, p)
        Covariance of the whitened data.
    cubes : bool
        Whether the first sum is wanted: the rows of the data are these nodes.

    Returns
    -------
    cubes : ndarray of shape (M,) or None
        ``sum_b q_b K_ab^3`` of each node a.
    double : float
        ``sum_ab q_a q_b K_ab R_ab^2``.

    Notes
    -----
    With ``S = I`` the second sum is the mean of the first, and one matrix product instead of two serves
    both. S counts as the identity when the difference changes the sum by less than 3e-12 of its value: the sum
    is ``sum_a |S^(1/2) M_a S^(1/2)|^2``, which lies within the squares of the extreme eigenvalues of S times
    ``sum_a |M_a|^2``.
    """
    white = float(np.linalg.norm(S - np.eye(len(S)))) <= _WHITE
    triangle = _Triangle(zm, q, None if white else S, cubes or white)
    count = len(range(0, len(zm), _TILE))
    tasks = min(_TASKS, count)
    parts = run_blocks(triangle.strips, product(range(tasks), [tasks]), _threads(count))
    rows = np.sum([rows for rows, _ in parts], axis=0) if triangle.cubes else None
    if white:
        assert rows is not None
        return (rows if cubes else None), float(q @ rows)
    return rows, float(sum(total for _, total in parts))


@dataclass(frozen=True)
class _Triangle:
    """Tiles on and above the diagonal of the Gram matrix of the nodes.

    Attributes
    ----------
    zm : ndarray of shape (M, p)
        Nodes.
    q : ndarray of shape (M,)
        Weights.
    S : ndarray of shape (p, p) or None
        Matrix of the double sum; None leaves the sum out.
    cubes : bool
        Whether cubes are summed.
    """

    zm: FloatArray
    q: FloatArray
    S: FloatArray | None
    cubes: bool

    def strips(self, first: int, step: int) -> tuple[FloatArray | None, float]:
        """Sums over the tiles of every `step`-th strip: the strips get shorter, so all parts are of a length."""
        rows = np.zeros(len(self.zm)) if self.cubes else None
        store = np.empty((1 if self.S is None else 2) * _TILE * _TILE)
        total = 0.0
        for a in range(first * _TILE, len(self.zm), step * _TILE):
            left = self.zm[a : a + _TILE]
            # One matrix product gives a tile of K and, below it, the tile of R.
            both = left if self.S is None else np.concatenate([left, left @ self.S])
            for b in range(a, len(self.zm), _TILE):
                right = slice(b, b + _TILE)
                total += self._add(_tile(both, self.zm[right], store), slice(a, a + len(left)), right, rows)
        return rows, total

    def _add(self, tile: FloatArray, left: slice, right: slice, rows: FloatArray | None) -> float:
        """Add the cubes of a tile to the rows on both sides, return its part of the double sum."""
        q, compiled = self.q, len(self.zm) ** 2 // 2 >= _COMPILED_PAIRS
        diagonal, height = left.start == right.start, left.stop - left.start
        K = tile[:height]
        if rows is not None and diagonal:
            rows[left] += (cube_rows if compiled else cube_rows.twin)(K, q[left])
        elif rows is not None:
            sides = (cube_sides if compiled else cube_sides.twin)(K, q[left], q[right])
            rows[left] += sides[:height]
            rows[right] += sides[height:]
        if self.S is None:
            return 0.0
        value = float((product_sum if compiled else product_sum.twin)(K, tile[height:], q[left], q[right]))
        return value if diagonal else 2.0 * value


def _tile(left: FloatArray, right: FloatArray, store: FloatArray) -> FloatArray:
    """``left right'``, written over `store`: a fresh array would be zeroed by the system for every tile."""
    out = store[: len(left) * len(right)].reshape(len(left), len(right))
    return np.matmul(left, right.T, out=out)


def _threads(tasks: int) -> int:
    """As many threads as BLAS would take for the same products, so that limits set by the caller hold."""
    if tasks < 4:
        return 1
    from threadpoolctl import threadpool_info

    counts = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return int(max(1, min([*counts, tasks])))
