"""Data whose squared distances are ordinary floats, which averages over pairs need."""

from __future__ import annotations

from ..core.errors import DataError
from ..core.validation import FloatArray

__all__ = ["LARGEST", "SMALLEST", "check_squares"]

LARGEST, SMALLEST = 1e150, 1e-150
_NARROWEST = 1e-140  # spread of data whose neighbours still have squared distances


def check_squares(name: str, X: FloatArray, *, spread: bool = False) -> None:
    """Raise where squares of the data leave the range of floats.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    X : ndarray of shape (n, d)
        Finite values.
    spread : bool
        Also raise where the squares of all differences vanish though the rows differ.

    Raises
    ------
    DataError
        If a value is beyond 1e150, or with `spread` no column spreads over 1e-140.

    Examples
    --------
    >>> import numpy as np
    >>> check_squares("X", np.array([[1e-200], [1.0]]), spread=True)
    """
    high, low = X.max(axis=0), X.min(axis=0)
    if max(float(high.max()), -float(low.min())) > LARGEST:
        raise DataError(f"{name} must have values below {LARGEST:g}, whose squares exist; choose another unit")
    widest = float((high - low).max())
    if spread and 0.0 < widest < _NARROWEST:
        raise DataError(
            f"{name} must have a column that spreads over more than {_NARROWEST:g}, where squared distances exist, "
            f"got {widest:g}; choose another unit"
        )
