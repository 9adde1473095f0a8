"""Rows that a stream leaves behind: a uniform subsample, and the most extreme ones.

Neither depends on how the stream is cut among workers. For the subsample every row gets a random key from
the generator of its block and the rows with the smallest keys are kept; the extremes are the rows with the
largest scores, the earlier row first where scores are equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.rng import as_seed_sequence, child_generator
from ..core.validation import FloatArray

__all__ = ["MOST_EXTREME", "SIZE", "Extremes", "Reservoir"]

SIZE = 4096
MOST_EXTREME = 64


class Reservoir:
    """The rows with the smallest random keys.

    Parameters
    ----------
    size : int
        Rows kept.

    Examples
    --------
    >>> import numpy as np
    >>> kept = Reservoir(2)
    >>> kept.add(np.arange(5.0), number=0, seed=1)
    >>> len(kept.rows)
    2
    """

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self.keys: FloatArray = np.empty(0)
        self.rows: FloatArray = np.empty(0)

    def add(self, encoded: FloatArray, number: int, seed: Any) -> None:
        """Offer the rows of a block.

        Parameters
        ----------
        encoded : ndarray of shape (m,) or (m, d)
            Rows.
        number : int
            Index of the block: its child of the seed gives the keys.
        seed : int or SeedSequence
            Seed of the subsample.
        """
        keys = child_generator(as_seed_sequence(seed), number).random(len(encoded))
        chosen = np.flatnonzero(keys < self.keys[-1]) if len(self.keys) == self.size else np.arange(len(keys))
        self._keep(keys[chosen], np.array(encoded[chosen]))

    def merge(self, other: Reservoir) -> None:
        """Offer the rows that another reservoir has kept.

        Parameters
        ----------
        other : Reservoir
            Unchanged.
        """
        if len(other.keys):
            self._keep(other.keys, other.rows)

    def _keep(self, keys: FloatArray, rows: FloatArray) -> None:
        if len(self.keys):
            keys, rows = np.concatenate([self.keys, keys]), np.concatenate([self.rows, rows])
        first = np.argsort(keys, kind="stable")[: self.size]
        self.keys, self.rows = keys[first], rows[first]


class Extremes:
    """The rows with the largest scores, and where they are in the data.

    Parameters
    ----------
    size : int
        Rows kept.

    Examples
    --------
    >>> kept = Extremes(2)
    >>> kept.add(np.array([1.0, 5.0, 3.0]), np.array([10.0, 50.0, 30.0]), np.array([100, 101, 102]))
    >>> kept.index, kept.rows
    (array([101, 102]), array([50., 30.]))
    """

    def __init__(self, size: int = MOST_EXTREME) -> None:
        self.size = size
        self.scores: FloatArray = np.empty(0)
        self.rows: FloatArray = np.empty(0)
        self.index: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def add(self, scores: FloatArray, encoded: FloatArray, index: NDArray[np.int64]) -> None:
        """Offer rows.

        Parameters
        ----------
        scores : ndarray of shape (m,)
            How extreme they are.
        encoded : ndarray of shape (m,) or (m, d)
            The rows.
        index : ndarray of shape (m,)
            Their positions in the data.
        """
        full = len(self.scores) == self.size
        chosen = np.flatnonzero(scores > self.scores[-1]) if full else np.arange(len(scores))
        if len(chosen):
            self._keep(scores[chosen], np.array(encoded[chosen]), index[chosen])

    def merge(self, other: Extremes, offset: int) -> None:
        """Offer the rows that another one has kept.

        Parameters
        ----------
        other : Extremes
            Unchanged.
        offset : int
            Added to its positions.
        """
        if len(other.scores):
            self._keep(other.scores, other.rows, other.index + offset)

    def _keep(self, scores: FloatArray, rows: FloatArray, index: NDArray[np.int64]) -> None:
        if len(self.scores):
            scores, rows = np.concatenate([self.scores, scores]), np.concatenate([self.rows, rows])
            index = np.concatenate([self.index, index])
        first = np.argsort(-scores, kind="stable")[: self.size]
        self.scores, self.rows, self.index = scores[first], rows[first], index[first]
