"""pass@k from counts: the chance that one of k draws solves the task, without bias."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError, InputTypeError, describe
from ..core.validation import FloatArray, as_float_array, as_plain_array, short

__all__ = ["pass_at_k"]

# Factors of one product that are formed at a time.
_BLOCK = 1_000_000


def pass_at_k(M: ArrayLike, c: ArrayLike, k: ArrayLike) -> Any:
    """Return the unbiased estimate of pass@k from c correct among M samples.

    Parameters
    ----------
    M : int or array_like of int
        Samples drawn for a problem, >= 1.
    c : int or array_like of int
        How many of them are correct, 0 to M.
    k : int or array_like of int
        Draws, 1 to M.

    Returns
    -------
    float or ndarray
        ``1 - C(M-c, k)/C(M, k)``; a number if all three are numbers, an array of their common shape
        otherwise. The mean over problems is the usual benchmark figure.

    Raises
    ------
    InputTypeError
        If an argument holds something else than integers.
    InputError
        If a number is out of range or shapes do not fit together.

    Notes
    -----
    Computed as ``1 - prod_{i<k} (1 - c/(M-i))``, or with c and k exchanged, which is the same
    number with fewer factors; the logarithms of the factors are summed, so that small probabilities
    keep their digits. 1 where fewer than k samples are wrong. Derived and checked in exact arithmetic
    in this project; it is the best-of-k mean of a reward of 0 or 1.

    Examples
    --------
    >>> round(pass_at_k(10, 2, 3), 12)
    0.533333333333
    >>> pass_at_k(10, [0, 2, 10], 1)
    array([0. , 0.2, 1. ])
    """
    counts = [_integers(name, value) for name, value in (("M", M), ("c", c), ("k", k))]
    try:
        size, correct, draws = np.broadcast_arrays(*counts)
    except ValueError:
        shapes = ", ".join(str(each.shape) for each in counts)
        raise InputError(f"M, c and k must have shapes that fit together, got {shapes}") from None
    _at_least("M", size, 1)
    _at_least("c", correct, 0)
    _at_least("k", draws, 1)
    _at_most("c", correct, size)
    _at_most("k", draws, size)
    triples = np.stack([size.ravel(), correct.ravel(), draws.ravel()])
    distinct, place = np.unique(triples, axis=1, return_inverse=True)
    values = np.array([_one(int(m), int(a), int(b)) for m, a, b in distinct.T])
    found: FloatArray = values[place.reshape(-1)].reshape(size.shape)
    return float(found) if found.ndim == 0 else found


def _one(size: int, correct: int, draws: int) -> float:
    if size - correct < draws:
        return 1.0
    few, many = min(correct, draws), max(correct, draws)
    total = 0.0
    for start in range(0, few, _BLOCK):
        i = np.arange(start, min(start + _BLOCK, few), dtype=np.float64)
        total += float(np.log1p(-many / (size - i)).sum())
    return 0.0 - float(np.expm1(total))


def _integers(name: str, value: Any) -> NDArray[np.int64]:
    raw = as_plain_array(name, value)
    if raw.dtype.kind == "b":
        raise InputTypeError(describe(name, "integers", short(value)))
    array = as_float_array(name, value)
    if (array != np.floor(array)).any():
        raise InputTypeError(describe(name, "integers", short(value)))
    if (np.abs(array) > 2.0**53).any():
        raise InputError(describe(name, "integers below 2^53", short(value)))
    return array.astype(np.int64)


def _at_least(name: str, values: NDArray[np.int64], low: int) -> None:
    if values.size and values.min() < low:
        raise InputError(describe(name, f"an integer >= {low}", int(values.min())))


def _at_most(name: str, values: NDArray[np.int64], size: NDArray[np.int64]) -> None:
    over = values > size
    if over.any():
        what = "correct samples" if name == "c" else "draws without replacement"
        raise InputError(f"{name} must not exceed M, got {values[over][0]} {what} of {size[over][0]}")
