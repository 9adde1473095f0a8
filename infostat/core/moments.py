"""Mergeable weighted moments: total weight, mean, central co-moments of order two and three.

An accumulator is fed by chunks and merged with others, so one object serves a whole array,
chunks of a file, blocks of a cluster and jackknife groups. Only centred sums are kept; raw
power sums would cancel. Merging is exact in exact arithmetic; in floating point the result
depends on the order of merges in the last digits, so callers merge in the order of the chunk
index.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .errors import InputError, InputTypeError
from .validation import FloatArray, as_float_array, check_choice, check_count

__all__ = ["Moments"]

# Bytes of one centred row block and of its row-wise products; this bounds the working memory.
# Smaller blocks add the k³ sums too often, larger ones leave the cache (measured for k = 11 to 400).
_BLOCK_BYTES = 4 << 20
_MIN_BLOCK_ROWS = 256
# Up to this many variables third moments go through the products of all pairs (measured: 1.6 times faster at 27),
# in blocks of so many rows.
_FEW_VARIABLES = 48
_PAIR_ROWS = 1024


class Moments:
    """Accumulator of weight, mean, covariance and, on request, third central co-moments.

    Parameters
    ----------
    n_vars : int
        Number of variables k.
    order : {2, 3}
        Highest order kept.

    Attributes
    ----------
    n_vars : int
        Number of variables.
    order : int
        Highest order kept.
    n_rows : int
        Rows seen, whatever their weight.
    weight : float
        Sum of the weights W (the number of rows if none were given).

    Notes
    -----
    With weights w_a and W = Σ w_a the sums kept are M2_ij = Σ w (x_i - m_i)(x_j - m_j) and
    M3_ijl = Σ w (x_i - m_i)(x_j - m_j)(x_l - m_l). Two accumulators a, b with d = m_b - m_a
    merge by [1]_ ::

        m  = m_a + d W_b / W
        M2 = M2_a + M2_b + d dᵀ W_a W_b / W
        M3 = M3_a + M3_b + sym3[d_i (W_a M2_b - W_b M2_a)_jl] / W
             + d_i d_j d_l W_a W_b (W_a - W_b) / W²

    where sym3 adds the three placements of the single index. The mean is kept as a fixed
    reference plus a small offset, so that data far from zero (1e8 ± 1) lose no digits in d.

    References
    ----------
    .. [1] P. Pébay, "Formulas for robust, one-pass parallel computation of covariances and
       arbitrary-order statistical moments", Sandia report SAND2008-6212, 2008.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 7.0]])
    >>> whole = Moments.from_data(x, order=3)
    >>> parts = Moments(2, order=3).update(x[:1]).merge(Moments.from_data(x[1:], order=3))
    >>> parts.mean
    array([2., 3.])
    >>> bool(np.allclose(parts.third, whole.third))
    True
    """

    def __init__(self, n_vars: int, order: int = 2) -> None:
        self.n_vars = check_count("n_vars", n_vars, low=1)
        self.order = int(check_choice("order", order, (2, 3)))
        self.n_rows = 0
        self.weight = 0.0
        self._reference: FloatArray = np.zeros(self.n_vars)
        self._offset: FloatArray = np.zeros(self.n_vars)
        self._second: FloatArray = np.zeros((self.n_vars, self.n_vars))
        # Only the entries with first index <= the other two are maintained.
        self._third: FloatArray | None = np.zeros((self.n_vars,) * 3) if self.order == 3 else None

    @classmethod
    def from_data(cls, data: ArrayLike, weights: ArrayLike | None = None, order: int = 2) -> Moments:
        """Return the moments of one array.

        Parameters
        ----------
        data : array_like of shape (m, k)
            Rows.
        weights : array_like of shape (m,), optional
            Non-negative weights, not normalised.
        order : {2, 3}
            Highest order kept.

        Returns
        -------
        Moments
            A new accumulator.

        Examples
        --------
        >>> float(Moments.from_data([[1.0], [3.0]]).covariance(ddof=1)[0, 0])
        2.0
        """
        array = as_float_array("data", data, ndim=2)
        return cls(array.shape[1], order).update(array, weights)

    def update(self, chunk: ArrayLike, weights: ArrayLike | None = None) -> Moments:
        """Add the rows of `chunk` and return the accumulator.

        Parameters
        ----------
        chunk : array_like of shape (m, k)
            Finite numbers; m may be zero.
        weights : array_like of shape (m,), optional
            Non-negative weights; an integer weight equals that many copies of the row.

        Returns
        -------
        Moments
            Itself.

        Raises
        ------
        InputError
            If the shape is wrong, a value is not finite, or a weight is negative.
        """
        rows = as_float_array("chunk", chunk, ndim=2)
        if rows.shape[1] != self.n_vars:
            raise InputError(f"chunk must be an array with {self.n_vars} columns, got shape {rows.shape}")
        own = _check_row_weights(weights, rows.shape[0])
        total = float(rows.shape[0]) if own is None else _total(own)
        if total > 0.0:
            self._absorb(_chunk_moments(rows, own, total, self.order), shared=False)
        self.n_rows += rows.shape[0]
        return self

    def merge(self, other: Moments) -> Moments:
        """Add the content of another accumulator and return this one; `other` is unchanged.

        Parameters
        ----------
        other : Moments
            Same number of variables and same order.

        Returns
        -------
        Moments
            Itself.

        Raises
        ------
        InputTypeError
            If `other` is no Moments accumulator.
        InputError
            If its number of variables or order differs.
        """
        if not isinstance(other, Moments):
            raise InputTypeError(f"other must be a Moments accumulator, got a {type(other).__name__}")
        if (other.n_vars, other.order) != (self.n_vars, self.order):
            raise InputError(
                f"other must have n_vars={self.n_vars} and order={self.order}, "
                f"got n_vars={other.n_vars} and order={other.order}"
            )
        n_rows = other.n_rows
        if other.weight > 0.0:
            self._absorb(other, shared=True)
        self.n_rows += n_rows
        return self

    def _absorb(self, other: Moments, shared: bool) -> None:
        if self.weight == 0.0:
            # Arrays that nobody else holds are taken over: k³ numbers need not exist twice.
            source = other.copy() if shared else other
            self.weight = source.weight
            self._reference, self._offset = source._reference, source._offset
            self._second, self._third = source._second, source._third
            return
        total = self.weight + other.weight
        # Shares instead of products of weights: W_a W_b would overflow or lose digits first.
        share_a, share_b = self.weight / total, other.weight / total
        # Close references subtract exactly, so d has full relative accuracy.
        d = (other._reference - self._reference) + (other._offset - self._offset)
        if self._third is not None and other._third is not None:
            self._third += other._third
            mixed = share_a * other._second - share_b * self._second
            _add_sym3(self._third, d, mixed)
            _add_cube(self._third, d, total * share_a * share_b * (share_a - share_b))
        self._second = self._second + other._second + np.outer(d, d) * (total * share_a * share_b)
        self._offset = self._offset + d * share_b
        self.weight = total

    @property
    def mean(self) -> FloatArray:
        """Weighted mean, shape (k,)."""
        self._require_weight(0.0)
        return np.asarray(self._reference + self._offset)

    def covariance(self, ddof: float = 0) -> FloatArray:
        """Return M2 / (W - ddof).

        Parameters
        ----------
        ddof : float
            Taken from the total weight; 0 gives the plug-in (maximum likelihood) covariance.

        Returns
        -------
        ndarray of shape (k, k)
            Symmetric.

        Raises
        ------
        InputError
            If the total weight does not exceed `ddof`.
        """
        self._require_weight(float(ddof))
        return np.asarray(self._second / (self.weight - ddof))

    @property
    def third(self) -> FloatArray:
        """Third central co-moments M3 / W, shape (k, k, k), exactly symmetric."""
        if self._third is None:
            raise InputError("third moments were not kept: make the accumulator with order=3")
        self._require_weight(0.0)
        full = np.empty_like(self._third)
        for i in range(self.n_vars):
            face = self._third[i, i:, i:]
            symmetric = (face + face.T) / (2.0 * self.weight)
            full[i, i:, i:] = symmetric
            full[i:, i, i:] = symmetric
            full[i:, i:, i] = symmetric
        return full

    def _require_weight(self, ddof: float) -> None:
        if not self.weight > ddof:
            raise InputError(
                f"moments need a total weight above {ddof:g}, got {self.weight:g} "
                f"from {self.n_rows} rows; add more rows"
            )

    def copy(self) -> Moments:
        """Return an independent copy."""
        return copy.deepcopy(self)

    def state(self) -> dict[str, Any]:
        """Return the content as a dict of numbers and arrays, for `from_state`."""
        state: dict[str, Any] = {
            "n_vars": self.n_vars,
            "order": self.order,
            "n_rows": self.n_rows,
            "weight": self.weight,
            "reference": self._reference.copy(),
            "offset": self._offset.copy(),
            "second": self._second.copy(),
        }
        if self._third is not None:
            state["third"] = self._third.copy()
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Moments:
        """Return the accumulator whose `state` this was.

        Parameters
        ----------
        state : dict
            Made by `state`; arrays may have become nested lists on the way.

        Returns
        -------
        Moments
            A new accumulator.

        Raises
        ------
        InputError
            If an entry is missing or has a wrong shape.

        Examples
        --------
        >>> m = Moments.from_data([[1.0], [3.0]])
        >>> Moments.from_state(m.state()).mean
        array([2.])
        """
        names = ["n_vars", "order", "n_rows", "weight", "reference", "offset", "second"]
        missing = [name for name in names if name not in state]
        if missing:
            raise InputError(f"state must come from Moments.state(), got one without {', '.join(missing)}")
        new = cls(int(state["n_vars"]), int(state["order"]))
        new.n_rows = check_count("n_rows", int(state["n_rows"]))
        new.weight = float(state["weight"])
        k = new.n_vars
        new._reference = _state_array(state, "reference", (k,))
        new._offset = _state_array(state, "offset", (k,))
        new._second = _state_array(state, "second", (k, k))
        new._third = _state_array(state, "third", (k, k, k)) if new.order == 3 else None
        return new

    def __repr__(self) -> str:
        return (
            f"Moments(n_vars={self.n_vars}, order={self.order}, "
            f"n_rows={self.n_rows}, weight={self.weight:g})"
        )


def _check_row_weights(weights: ArrayLike | None, n_rows: int) -> FloatArray | None:
    if weights is None:
        return None
    own = as_float_array("weights", weights)
    if own.shape != (n_rows,):
        raise InputError(f"weights must have one entry per row ({n_rows}), got shape {own.shape}")
    n_negative = int((own < 0).sum())
    if n_negative:
        raise InputError(f"weights must be non-negative, got {n_negative} negative values")
    return own


def _total(weights: FloatArray) -> float:
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if total == np.inf:
        raise InputError("weights must have a finite sum, got one beyond the float range; divide them first")
    return total


def _state_array(state: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> FloatArray:
    array = as_float_array(name, state.get(name, ()))
    if array.shape != shape:
        raise InputError(f"{name} of the state must have shape {shape}, got shape {array.shape}")
    return array.copy()


def _chunk_moments(rows: FloatArray, weights: FloatArray | None, total: float, order: int) -> Moments:
    """Return the moments of one chunk by two passes, with the rounding of the mean undone."""
    moments = Moments(rows.shape[1], order)
    moments.weight = total
    # Divided first, so that neither weights nor data near the float limit overflow the sum.
    centre = rows.mean(axis=0) if weights is None else (weights / total) @ rows
    moments._reference = np.asarray(centre)
    second, third = moments._second, moments._third
    first = np.zeros(rows.shape[1])
    for z, zw in _centred_blocks(rows, weights, moments._reference):
        first += zw.sum(axis=1)
        second += zw @ z.T
        if third is not None:
            _add_triples(third, z, zw)
    # The centre is the mean up to rounding; d moves the sums to the exact mean.
    d = first / total
    if third is not None:
        _add_sym3(third, -d, second)
        _add_cube(third, d, 2.0 * total)
    second -= np.outer(d, d) * total
    moments._second = (second + second.T) / 2.0
    moments._offset = d
    return moments


def _centred_blocks(
    rows: FloatArray, weights: FloatArray | None, centre: FloatArray
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield blocks of centred rows, transposed, plain and multiplied by the weights."""
    n, k = rows.shape
    step = max(_MIN_BLOCK_ROWS, _BLOCK_BYTES // (8 * k))
    for start in range(0, n, step):
        # Variables along the slow axis: the products of _add_triples then run over long rows.
        z = np.ascontiguousarray((rows[start : start + step] - centre).T)
        yield z, z if weights is None else z * weights[start : start + step]


def _add_triples(third: FloatArray, z: FloatArray, zw: FloatArray) -> None:
    if z.shape[0] > _FEW_VARIABLES:
        # Σ w z_i z_j z_l for j, l >= i as one matrix product per i: a third of the full cube.
        for i in range(z.shape[0]):
            third[i, i:, i:] += (zw[i] * z[i:]) @ z[i:].T
        return
    # Few variables: the products of all pairs against all variables, one large matrix product a block.
    k = z.shape[0]
    ends = np.concatenate([[0], np.cumsum(np.arange(k, 0, -1))])
    sums = np.zeros((ends[-1], k))
    products = np.empty((ends[-1], _PAIR_ROWS))
    for start in range(0, z.shape[1], _PAIR_ROWS):
        part, weighted = z[:, start : start + _PAIR_ROWS], zw[:, start : start + _PAIR_ROWS]
        block = products[:, : part.shape[1]]
        for i in range(k):
            np.multiply(weighted[i], part[i:], out=block[ends[i] : ends[i + 1]])
        sums += block @ part.T
    for i in range(k):
        third[i, i:, i:] += sums[ends[i] : ends[i + 1], i:]


def _add_sym3(third: FloatArray, d: FloatArray, matrix: FloatArray) -> None:
    """Add d_i A_jl + d_j A_il + d_l A_ij to the maintained entries."""
    for i in range(d.size):
        row = np.outer(d[i:], matrix[i, i:])
        third[i, i:, i:] += d[i] * matrix[i:, i:] + row + row.T


def _add_cube(third: FloatArray, d: FloatArray, factor: float) -> None:
    """Add factor · d_i d_j d_l to the maintained entries."""
    for i in range(d.size):
        third[i, i:, i:] += (factor * d[i]) * np.outer(d[i:], d[i:])
