"""Samples of a finite alphabet as types: how often each outcome occurs, and with which probability.

The order of a sample does not matter to an algorithm that sees mean losses only, so that ``k^n``
sequences shrink to ``C(n + k - 1, k - 1)`` vectors of counts.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.validation import FloatArray
from ..families.specials import ratio_gap, stirling_excess

__all__ = ["MOST_TYPES", "check_types", "count_types", "log_count_terms", "log_total_term", "type_counts", "type_lists"]

IntArray = NDArray[np.int64]

MOST_TYPES = 2_000_000


def count_types(n: int, k: int) -> int:
    """Return the number of vectors of k counts with sum n.

    Parameters
    ----------
    n : int
        Size of the sample.
    k : int
        Size of the alphabet, at least 1.

    Returns
    -------
    int
        ``C(n + k - 1, k - 1)``.

    Examples
    --------
    >>> count_types(10, 3)
    66
    """
    return math.comb(n + k - 1, k - 1)


def check_types(n: int, k: int, what: str) -> int:
    """Return the number of types, or refuse when they are too many to enumerate.

    Parameters
    ----------
    n : int
        Size of the sample.
    k : int
        Size of the alphabet.
    what : str
        What is counted, for the message.

    Returns
    -------
    int
        At most `MOST_TYPES`.

    Raises
    ------
    InputError
        With the number of types.

    Examples
    --------
    >>> check_types(10, 3, "samples")
    66
    """
    # The logarithm comes first: the binomial coefficient itself may have millions of digits.
    log_count = math.lgamma(n + k) - math.lgamma(k) - math.lgamma(n + 1)
    if log_count < 40.0:
        count = count_types(n, k)
        if count <= MOST_TYPES:
            return count
        words = str(count)
    else:
        words = f"about 10^{log_count / math.log(10.0):.0f}"
    raise InputError(
        f"n must leave at most {MOST_TYPES} types of {what}, got {words} for n = {n} and {k} letters; "
        "lower n or merge outcomes"
    )


def type_counts(n: int, k: int) -> IntArray:
    """Return all vectors of k counts with sum n, in lexicographic order.

    Parameters
    ----------
    n : int
        Size of the sample.
    k : int
        Size of the alphabet.

    Returns
    -------
    ndarray of int of shape (C(n + k - 1, k - 1), k)
        One type per row.

    Examples
    --------
    >>> type_counts(2, 2)
    array([[0, 2],
           [1, 1],
           [2, 0]])
    """
    left = np.array([n])
    columns: list[IntArray] = []
    for _ in range(k - 1):
        copies = left + 1
        ends = np.cumsum(copies)
        used = np.arange(ends[-1]) - np.repeat(ends - copies, copies)
        columns = [np.repeat(column, copies) for column in columns]
        columns.append(used)
        left = np.repeat(left, copies) - used
    return np.stack([*columns, left], axis=1)


def type_lists(n: int, k: int) -> IntArray:
    """Return all samples of size n as sorted lists of outcomes: the form for alphabets larger than samples.

    Parameters
    ----------
    n : int
        Size of the sample.
    k : int
        Size of the alphabet.

    Returns
    -------
    ndarray of int of shape (C(n + k - 1, n), n)
        One type per row, outcomes in ascending order.

    Examples
    --------
    >>> type_lists(2, 2)
    array([[0, 0],
           [0, 1],
           [1, 1]])
    """
    columns = [np.arange(k)]
    for _ in range(n - 1):
        last = columns[-1]
        copies = k - last
        ends = np.cumsum(copies)
        following = np.arange(ends[-1]) - np.repeat(ends - copies - last, copies)
        columns = [np.repeat(column, copies) for column in columns]
        columns.append(following)
    return np.stack(columns, axis=1)


def log_count_terms(n: int, p: FloatArray) -> FloatArray:
    """Return what each outcome adds to the log probability of a type.

    Parameters
    ----------
    n : int
        Size of the sample.
    p : ndarray of shape (k,)
        Positive probabilities of the outcomes.

    Returns
    -------
    ndarray of shape (k, n + 1)
        Entry (j, c) is the log probability of c under the Poisson law of mean ``n p_j``.

    Notes
    -----
    A multinomial law is a product of Poisson laws given their sum:
    ``log P(c) = sum_j log Pois(c_j; n p_j) - log Pois(n; n)``. In this form the large terms
    ``log n!`` and ``c log p`` have cancelled already, which keeps all digits for large n.

    Examples
    --------
    >>> terms = log_count_terms(3, np.array([0.6, 0.4]))
    >>> float(np.exp(terms[0, 2] + terms[1, 1] - log_total_term(3)).round(12))
    0.432
    """
    counts = np.arange(1.0, n + 1.0)
    means = n * p[:, None]
    deviance = counts * ratio_gap(means, counts)
    terms = -deviance - 0.5 * np.log(2.0 * np.pi * counts) - stirling_excess(counts)
    return np.concatenate([-means, terms], axis=1)


def log_total_term(n: int) -> float:
    """Return the log probability of n under the Poisson law of mean n, see `log_count_terms`.

    Parameters
    ----------
    n : int
        Size of the sample.

    Returns
    -------
    float
        About ``-log(2 pi n)/2``.

    Examples
    --------
    >>> round(log_total_term(1), 12)
    -1.0
    """
    return -0.5 * math.log(2.0 * math.pi * n) - float(stirling_excess(float(n)))
