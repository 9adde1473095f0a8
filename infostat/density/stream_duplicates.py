"""Equal rows among rows that are not in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.chunk_rows import BLOCK_VALUES, BlockRows

__all__ = ["equal_rows"]


def equal_rows(X: BlockRows, order: NDArray[np.intp], ranked: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return a number for each row that shares its hash with another, the same for equal rows.

    Parameters
    ----------
    X : BlockRows
        Rows.
    order : ndarray of int of shape (n,)
        Rows in the order of their hashes.
    ranked : ndarray of uint64 of shape (n,)
        Hashes in that order.

    Returns
    -------
    ndarray of int of shape (n,)
        0 for rows whose hash is their own.

    Notes
    -----
    Only rows with a common hash are read, some thousands at a time, and compared value by value. Rows of
    one hash are nearly always equal, so that a list of the different rows of the current hash is short.

    Examples
    --------
    >>> from infostat.core.chunk_store import StoredRows
    >>> table = np.array([[1.0], [2.0], [1.0], [2.0]])
    >>> rows = StoredRows(lambda a, b: table[a:b], 4, 1, ["x"], "example")
    >>> equal_rows(rows, np.array([0, 2, 1, 3]), np.array([5, 5, 9, 9], dtype=np.uint64))
    array([1, 2, 1, 2])
    """
    labels = np.zeros(len(ranked), dtype=np.intp)
    same = ranked[1:] == ranked[:-1]
    shared = np.zeros(len(ranked), dtype=bool)
    shared[1:] = same
    shared[:-1] |= same
    places = np.flatnonzero(shared)
    step = max(1, BLOCK_VALUES // X.shape[1])
    number, key, known = 0, None, {}  # type: int, int | None, dict[bytes, int]
    for start in range(0, len(places), step):
        some = order[places[start : start + step]]
        # Adding zero makes -0.0 equal 0.0.
        for row, hash_, values in zip(some, ranked[places[start : start + step]], X[some] + 0.0, strict=True):
            if key is None or hash_ != key:
                key, known = hash_, {}
            content = values.tobytes()
            if content not in known:
                number += 1
                known[content] = number
            labels[row] = known[content]
    return labels
