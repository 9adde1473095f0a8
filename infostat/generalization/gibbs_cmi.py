"""Conditional mutual information of a Gibbs algorithm given a supersample, by enumeration.

A supersample is n pairs of points, of which the algorithm sees one each. Neither the order of the pairs
nor the order inside a pair matters, so that supersamples are types over unordered pairs of outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations_with_replacement, product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.progress import Report
from ..core.validation import FloatArray
from ..divergences.information import mutual_information
from .type_enumeration import check_types, log_count_terms, log_total_term, type_counts
from .type_kernels import gap_cells, log_posterior_rows

__all__ = ["check_supersample", "difference_table", "loss_difference_information", "supersample_information"]

IntArray = NDArray[np.int64]
# Supersamples done and in all, their probabilities; per selection the summed losses and the probability
# given the supersample; where the selections of each supersample begin.
_Block: TypeAlias = tuple[int, int, FloatArray, FloatArray, FloatArray, IntArray]

# Loss differences are sorted all at once, in a quarter of a gigabyte.
_MOST_DIFFERENCES = 10_000_000
# Cells (selection and outcome or hypothesis) that are worked on at once.
_CELLS = 500_000
# Loss differences closer than this share of their range are one value.
_MERGE = 1e-12


def check_supersample(n: int, k: int, m: int) -> int:
    """Return the number of pairs (supersample, selection) up to order, or refuse when they are too many.

    Parameters
    ----------
    n : int
        Pairs.
    k, m : int
        Outcomes and hypotheses of positive probability.

    Returns
    -------
    int
        ``C(n + k^2 - 1, k^2 - 1)``: types over (seen, unseen).

    Raises
    ------
    InputError
        Above 2e6, with the number; or if there are more than 1e7 loss differences.

    Examples
    --------
    >>> check_supersample(3, 2, 2)
    20
    """
    count = check_types(n, k * k, "supersamples and selections")
    if k * k * m > _MOST_DIFFERENCES:
        raise InputError(
            f"loss_matrix must give at most {_MOST_DIFFERENCES} loss differences, got {k * k * m} "
            f"({m} hypotheses, {k} outcomes); merge outcomes"
        )
    return count


def supersample_information(
    loss: FloatArray, log_prior: FloatArray, alpha: float, p: FloatArray, n: int, report: Report | None = None
) -> float:
    """Return I(W; U | supersample) of a Gibbs algorithm.

    Parameters
    ----------
    loss : ndarray of shape (k, m)
        Losses of the outcomes (rows) under the hypotheses (columns).
    log_prior : ndarray of shape (m,)
        Log prior, finite.
    alpha : float
        Inverse temperature.
    p : ndarray of shape (k,)
        Positive probabilities of the outcomes.
    n : int
        Pairs.
    report : callable, optional
        Called with ``(done, total)`` supersamples.

    Returns
    -------
    float
        Nats, from 0 to ``n log 2``.

    Notes
    -----
    ``sum_d P(d) sum_e P(e|d) KL(P(.|e) || P(.|d))`` over supersamples d and what may be seen of them, e.
    In a pair of different outcomes each is the seen one with probability 1/2, so that of ``d_ab`` such
    pairs a binomial number shows a. One or two pairs of a large alphabet are listed one by one instead,
    because a table of counts would be all zeros.
    """
    pairs = np.array(list(combinations_with_replacement(range(len(p)), 2)))
    law = p[pairs[:, 0]] * p[pairs[:, 1]] * np.where(pairs[:, 0] == pairs[:, 1], 1.0, 2.0)
    walk = _by_list if n <= 2 else _by_counts
    information = total = 0.0
    for done, size, probability, counts_loss, weight, first in walk(loss, pairs, law, n):
        log_posterior = log_posterior_rows(counts_loss, log_prior, alpha / n)
        with np.errstate(divide="ignore"):
            log_mixed = np.log(np.add.reduceat(weight[:, None] * np.exp(log_posterior), first))
        repeats = np.diff(np.append(first, len(weight)))
        divergence = gap_cells(log_posterior, np.repeat(log_mixed, repeats, axis=0))[0].sum(axis=1)
        information += float(probability @ np.add.reduceat(weight * divergence, first))
        total += float(probability.sum())
        if report is not None:
            report(done, size)
    return information / total


def _by_list(loss: FloatArray, pairs: IntArray, law: FloatArray, n: int) -> Iterator[_Block]:
    """Supersamples of one or two pairs, each with its 2^n selections."""
    size = len(law) if n == 1 else len(law) * (len(law) + 1) // 2
    done, step = 0, max(1, _CELLS // (2**n * len(law) * loss.shape[1]))
    for start in range(0, len(law), step):
        chosen = np.arange(start, min(start + step, len(law)))[:, None]
        if n == 2:
            rows, columns = np.nonzero(np.arange(len(law)) >= chosen)
            chosen = np.stack([rows + start, columns], axis=1)
        twice = chosen[:, 0] != chosen[:, -1]
        probability = law[chosen].prod(axis=1) * np.where(twice, 2.0, 1.0)
        sides = np.array(list(product((0, 1), repeat=n)))
        # Axes: supersample, selection, pair.
        seen = pairs[chosen[:, None, :], sides[None, :, :]]
        total = loss[seen].sum(axis=2).reshape(-1, loss.shape[1])
        done += len(chosen)
        yield done, size, probability, total, np.full(len(total), 0.5**n), np.arange(0, len(total), 2**n)


def _by_counts(loss: FloatArray, pairs: IntArray, law: FloatArray, n: int) -> Iterator[_Block]:
    """Supersamples as counts of unordered pairs, each with the counts of what may be seen."""
    types = type_counts(n, len(pairs))
    # Column by column: the table of types is the largest thing here, and no second one is made.
    log_probability = np.full(len(types), -log_total_term(n))
    for column, terms in zip(types.T, log_count_terms(n, law), strict=True):
        log_probability += terms[column]
    probability = np.exp(log_probability)
    halves = _half_binomials(n)
    for start, stop in _blocks(types, pairs, max(1, _CELLS // sum(loss.shape))):
        counts, weight, first = _selections(types[start:stop], pairs, len(loss), halves)
        yield stop, len(types), probability[start:stop], counts @ loss, weight, first


def _half_binomials(n: int) -> FloatArray:
    """Table of C(d, e)/2^d; integers divide without rounding more than once."""
    return np.array([[math.comb(d, e) / 2**d for e in range(n + 1)] for d in range(n + 1)])


def _blocks(types: IntArray, pairs: IntArray, most: int) -> list[tuple[int, int]]:
    """Ranges of supersamples with at most `most` selections each, or a single supersample."""
    number = np.ones(len(types))
    for column in types.T[pairs[:, 0] != pairs[:, 1]]:
        number *= column + 1.0
    ends = np.cumsum(number)
    found, start = [], 0
    while start < len(types):
        done = ends[start - 1] if start else 0.0
        stop = max(int(np.searchsorted(ends, done + most, side="right")), start + 1)
        found.append((start, stop))
        start = stop
    return found


def _selections(
    types: IntArray, pairs: IntArray, k: int, halves: FloatArray
) -> tuple[IntArray, FloatArray, IntArray]:
    """Counts of what is seen, its probability given the supersample, and where each supersample begins."""
    rows = np.arange(len(types))
    counts = np.zeros((len(types), k), dtype=np.int64)
    weight = np.ones(len(types))
    for j, (a, b) in enumerate(pairs.tolist()):
        number = types[rows, j]
        if a == b or not number.any():
            counts[:, a] += number
            continue
        copies = number + 1
        ends = np.cumsum(copies)
        seen = np.arange(ends[-1]) - np.repeat(ends - copies, copies)
        rows, counts = np.repeat(rows, copies), np.repeat(counts, copies, axis=0)
        number = np.repeat(number, copies)
        weight = np.repeat(weight, copies) * halves[number, seen]
        counts[:, a] += seen
        counts[:, b] += number - seen
    return counts, weight, np.searchsorted(rows, np.arange(len(types)))


def difference_table(loss: FloatArray, joint: FloatArray, p: FloatArray) -> FloatArray:
    """Return the joint law of the loss difference of a pair and of which point was seen.

    Parameters
    ----------
    loss : ndarray of shape (k, m)
        Losses of the outcomes under the hypotheses.
    joint : ndarray of shape (k, m)
        Law of (seen outcome, hypothesis).
    p : ndarray of shape (k,)
        Law of the unseen outcome, independent of both.

    Returns
    -------
    ndarray of shape (levels, 2)
        Probabilities of (Delta, U) with ``Delta = loss of point 1 - loss of point 0``; differences
        within 1e-12 of the range of the losses are one level.

    Examples
    --------
    >>> difference_table(np.array([[0.0], [1.0]]), np.array([[0.5], [0.5]]), np.array([0.5, 0.5]))
    array([[0.125, 0.125],
           [0.25 , 0.25 ],
           [0.125, 0.125]])
    """
    # U = 1: the seen point is point 1.
    values = (loss[:, None, :] - loss[None, :, :]).ravel()
    weights = (joint[:, None, :] * p[None, :, None]).ravel()
    size, place = np.unique(np.abs(values), return_inverse=True)
    level = np.cumsum(np.diff(size, prepend=0.0) > _MERGE * size[-1])
    signed = np.sign(values).astype(np.int64) * level[place]
    given_one = np.bincount(signed + level[-1], weights=weights, minlength=2 * int(level[-1]) + 1)
    # For U = 0 the difference has the other sign.
    return np.asarray(0.5 * np.stack([given_one[::-1], given_one], axis=1))


def loss_difference_information(table: FloatArray) -> float:
    """Return I(Delta; U) of a joint law of loss difference and selection.

    Parameters
    ----------
    table : ndarray of shape (levels, 2)
        Masses.

    Returns
    -------
    float
        Nats, from 0 to log 2.

    Examples
    --------
    >>> round(loss_difference_information(np.array([[0.5, 0.0], [0.0, 0.5]])) / math.log(2.0), 12)
    1.0
    """
    return float(mutual_information(table, normalize="yes"))
