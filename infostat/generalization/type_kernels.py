"""Sums over all samples of a Gibbs algorithm: one walk through the types, nothing stored.

The compiled kernel walks the outcomes that do occur (at most min(n, k) of them), so that its cost is
a few updates per type and hypothesis, however large the alphabet. The twin holds a list of all types.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.jit import kernel
from ..core.validation import FloatArray
from ..divergences.stable import exp_gap
from .type_enumeration import type_counts, type_lists

__all__ = ["gap_cells", "log_posterior_rows", "type_sums", "type_sums_numpy"]

# Rows of types that are worked on at once: half a million cells stay in the cache.
_CELLS = 500_000


def gap_cells(log_a: FloatArray, log_b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the cells of KL(a||b) and KL(b||a) with masses balanced, all non-negative.

    Parameters
    ----------
    log_a, log_b : ndarray
        Log masses, broadcast against each other; where ``b`` is zero both cells are zero.

    Returns
    -------
    forward, backward : ndarray
        ``a log(a/b) - a + b`` and ``b log(b/a) - b + a``; near ``a = b`` no digits cancel.
    """
    log_a, log_b = np.broadcast_arrays(log_a, log_b)
    seen = log_b > -np.inf
    d = np.where(seen, log_a - np.where(seen, log_b, 0.0), 0.0)
    near = np.abs(d) < 0.3
    a, b = np.where(seen, np.exp(log_a), 0.0), np.exp(log_b)
    small = np.where(near, d, 0.0)
    u = exp_gap(small)
    forward = np.where(near, b * (small * (u + small) - u), a * d - (a - b))
    return forward, np.where(near, b * u, (a - b) - b * d)


def log_posterior_rows(total: FloatArray, log_prior: FloatArray, scale: float) -> FloatArray:
    """Return log posteriors of a Gibbs algorithm, one row per sample.

    Parameters
    ----------
    total : ndarray of shape (rows, m)
        Summed losses of the hypotheses.
    log_prior : ndarray of shape (m,)
        Log prior, finite.
    scale : float
        Inverse temperature over the size of the sample.

    Returns
    -------
    ndarray of shape (rows, m)
        ``log P(w|sample)``.
    """
    logit = log_prior - scale * (total - total.min(axis=1, keepdims=True))
    logit -= logit.max(axis=1, keepdims=True)
    return np.asarray(logit - np.log(np.exp(logit).sum(axis=1, keepdims=True)))


def type_sums_numpy(
    loss: FloatArray, log_prior: FloatArray, scale: float, log_terms: FloatArray, shift: float, reference: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return sums over all types of a Gibbs algorithm (plain NumPy).

    Parameters
    ----------
    loss : ndarray of shape (k, m)
        Losses of the outcomes (rows) under the hypotheses (columns).
    log_prior : ndarray of shape (m,)
        Log prior, finite.
    scale : float
        Inverse temperature over n: the posterior is prop. to ``prior exp(-scale sum of losses)``.
    log_terms : ndarray of shape (k, n + 1)
        From `log_count_terms`.
    shift : float
        Constant to subtract, from `log_total_term`.
    reference : ndarray of shape (m,)
        Log of a law r of the hypotheses.

    Returns
    -------
    joint : ndarray of shape (k, m)
        ``sum_c P(c) (c_z/n) P(w|c)``.
    sums : ndarray of shape (4,)
        Sums over the types, weighted by P(c), of 1, KL(P(.|c) || r), KL(r || P(.|c)) and
        ``sum_w (r(w) - P(w|c)) (mean loss of w)``.
    """
    k, m = loss.shape
    n = log_terms.shape[1] - 1
    joint, sums = np.zeros((k, m)), np.zeros(4)
    law = np.exp(reference)
    for counts, log_probability in _blocks_of_types(n, log_terms, max(1, _CELLS // (min(n, k) + m))):
        probability = np.exp(log_probability - shift)
        total = counts @ loss
        total -= total.min(axis=1, keepdims=True)
        logit = log_posterior_rows(total, log_prior, scale)
        posterior = np.exp(logit)
        forward, backward = gap_cells(logit, reference)
        d = np.minimum(logit - np.where(law > 0.0, reference, 0.0), 0.3)
        change = np.where((law > 0.0) & (np.abs(d) < 0.3), -law * np.expm1(d), law - posterior)
        joint += counts.T @ (posterior * probability[:, None]) / n
        sums += (
            probability.sum(),
            probability @ forward.sum(axis=1),
            probability @ backward.sum(axis=1),
            probability @ (change * total).sum(axis=1) / n,
        )
    return joint, sums


def _blocks_of_types(n: int, log_terms: FloatArray, rows: int) -> Iterator[tuple[Any, FloatArray]]:
    """Tables of counts, a few rows at a time, and their log probabilities but for a constant."""
    k = len(log_terms)
    if n >= k:
        types, letters = type_counts(n, k), np.arange(k)
        for start in range(0, len(types), rows):
            counts = types[start : start + rows]
            yield counts, log_terms[letters, counts].sum(axis=1)
        return
    from scipy.sparse import csr_array

    # Most counts are zero.
    lists = type_lists(n, k)
    for start in range(0, len(lists), rows):
        part = lists[start : start + rows]
        places = np.repeat(np.arange(len(part)), n), part.ravel()
        table = csr_array((np.ones(part.size, dtype=np.int64), places), shape=(len(part), k))
        table.sum_duplicates()
        change = log_terms[table.indices, table.data] - log_terms[table.indices, 0]
        yield table, log_terms[:, 0].sum() + np.add.reduceat(change, table.indptr[:-1])


@kernel(twin=type_sums_numpy, fastmath={"contract"})
def type_sums(loss: Any, log_prior: Any, scale: Any, log_terms: Any, shift: Any, reference: Any) -> Any:
    """Return sums over all types of a Gibbs algorithm.

    Parameters
    ----------
    loss : ndarray of shape (k, m)
        Losses of the outcomes (rows) under the hypotheses (columns).
    log_prior : ndarray of shape (m,)
        Log prior, finite.
    scale : float
        Inverse temperature over n: the posterior is prop. to ``prior exp(-scale sum of losses)``.
    log_terms : ndarray of shape (k, n + 1)
        From `log_count_terms`.
    shift : float
        Constant to subtract, from `log_total_term`.
    reference : ndarray of shape (m,)
        Log of a law r of the hypotheses.

    Returns
    -------
    joint : ndarray of shape (k, m)
        ``sum_c P(c) (c_z/n) P(w|c)``.
    sums : ndarray of shape (4,)
        Sums over the types, weighted by P(c), of 1, KL(P(.|c) || r), KL(r || P(.|c)) and
        ``sum_w (r(w) - P(w|c)) (mean loss of w)``.
    """
    k, m = loss.shape
    n = log_terms.shape[1] - 1
    depth_max = min(n, k)
    joint, sums = np.zeros((k, m)), np.zeros(4)
    law = np.exp(reference)
    # empty[j]: what outcomes before j add when none of them occurs.
    empty = np.zeros(k + 1)
    for j in range(k):
        empty[j + 1] = empty[j] + log_terms[j, 0]
    outcome = np.zeros(depth_max, dtype=np.int64)
    count = np.zeros(depth_max, dtype=np.int64)
    left = np.zeros(depth_max + 1, dtype=np.int64)
    logs = np.zeros(depth_max + 1)
    partial = np.zeros((depth_max + 1, m))
    logit = np.empty(m)
    posterior = np.empty(m)
    left[0] = n
    depth = 0
    while depth >= 0:
        # The next (outcome, count) at this depth; the last outcome takes all that is left.
        first = outcome[depth - 1] + 1 if depth > 0 else 0
        count[depth] += 1
        if count[depth] > left[depth]:
            outcome[depth] += 1
            count[depth] = 1
        j = outcome[depth]
        if j == k:
            depth -= 1
            continue
        if j == k - 1:
            count[depth] = left[depth]
        c = count[depth]
        logs[depth + 1] = logs[depth] + (empty[j] - empty[first]) + log_terms[j, c]
        for w in range(m):
            partial[depth + 1, w] = partial[depth, w] + c * loss[j, w]
        left[depth + 1] = left[depth] - c
        if left[depth + 1] > 0:
            depth += 1
            outcome[depth] = j + 1
            count[depth] = 0
            continue
        # A whole type.
        probability = math.exp(logs[depth + 1] + (empty[k] - empty[j + 1]) - shift)
        low = partial[depth + 1, 0]
        for w in range(1, m):
            low = min(low, partial[depth + 1, w])
        top = -np.inf
        for w in range(m):
            logit[w] = log_prior[w] - scale * (partial[depth + 1, w] - low)
            top = max(top, logit[w])
        norm = 0.0
        for w in range(m):
            logit[w] -= top
            posterior[w] = math.exp(logit[w])
            norm += posterior[w]
        log_norm = math.log(norm)
        forward, backward, change = 0.0, 0.0, 0.0
        for w in range(m):
            posterior[w] /= norm
            b = law[w]
            if b == 0.0:
                continue
            a = posterior[w]
            d = logit[w] - log_norm - reference[w]
            if abs(d) < 0.3:
                tail = 1.0
                for i in range(14, 2, -1):
                    tail = 1.0 + d * tail / i
                u = 0.5 * d * d * tail
                forward += b * (d * (u + d) - u)
                backward += b * u
                change -= b * (u + d) * (partial[depth + 1, w] - low)
            else:
                forward += a * d - (a - b)
                backward += (a - b) - b * d
                change += (b - a) * (partial[depth + 1, w] - low)
        sums[0] += probability
        sums[1] += probability * forward
        sums[2] += probability * backward
        sums[3] += probability * change / n
        for e in range(depth + 1):
            share = probability * count[e] / n
            for w in range(m):
                joint[outcome[e], w] += share * posterior[w]
    return joint, sums
