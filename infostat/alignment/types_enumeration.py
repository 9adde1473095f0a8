"""Exact laws of sums of real-valued rewards over small alphabets, by enumeration of types."""

from __future__ import annotations

import math

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from .types_kernels import enumerate_types

__all__ = ["MOST_TYPES", "count_types", "type_law"]

MOST_TYPES = 50_000_000
# Fewer types than this are enumerated before Numba has been imported.
_SMALL = 3_000_000
# Sums closer than this share of their range are one level.
_MERGE = 1e-12


def count_types(m: int, letters: int) -> int:
    """Return the number of count vectors of m letters from an alphabet.

    Parameters
    ----------
    m : int
        Length of the sequence.
    letters : int
        Size A of the alphabet.

    Returns
    -------
    int
        C(m + A - 1, A - 1).

    Examples
    --------
    >>> count_types(10, 3)
    66
    """
    return math.comb(m + letters - 1, letters - 1)


def type_law(r: FloatArray, log_mass: FloatArray, m: int) -> tuple[FloatArray, FloatArray]:
    """Return the law of the sum of m letters.

    Parameters
    ----------
    r : ndarray of shape (A,)
        Distinct rewards in ascending order.
    log_mass : ndarray of shape (A,)
        Their log masses.
    m : int
        Letters.

    Returns
    -------
    value, log_mass : ndarray of shape (c,)
        Distinct sums in ascending order, their log probabilities. Sums closer than 1e-12 of the
        range are one.

    Raises
    ------
    InputError
        If there are more than 5e7 types.

    Examples
    --------
    >>> value, log_mass = type_law(np.array([0.0, 1.0, 2.5]), np.log([0.5, 0.3, 0.2]), 2)
    >>> value, np.exp(log_mass).round(12)
    (array([0. , 1. , 2. , 2.5, 3.5, 5. ]), array([0.25, 0.3 , 0.09, 0.2 , 0.12, 0.04]))
    """
    count = count_types(m, len(r))
    if count > MOST_TYPES:
        raise InputError(
            f"m must leave at most {MOST_TYPES} types, got {count} for m = {m} and {len(r)} distinct rewards; "
            "use method='bracket', or round the rewards to a lattice"
        )
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, m + 1.0)))])
    # Centred at the smallest reward, so that a common shift costs no digits of the differences.
    enumerate_all = enumerate_types.twin if count < _SMALL else enumerate_types
    value, logs = enumerate_all(r - r[0], log_mass, log_factorial, count)
    order = np.argsort(value, kind="stable")
    value, logs = value[order], logs[order]
    gaps = np.diff(value) > _MERGE * max(float(value[-1]), np.finfo(np.float64).tiny)
    first = np.concatenate([[0], np.flatnonzero(gaps) + 1])
    if len(first) < len(value):
        value, logs = value[first], np.logaddexp.reduceat(logs, first)
    return value + m * r[0], logs
