"""Enumeration of the types (count vectors) of m letters from an alphabet of A rewards."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["enumerate_types", "enumerate_types_numpy"]


def enumerate_types_numpy(
    r: FloatArray, log_p: FloatArray, log_factorial: FloatArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Return the reward sum and log probability of every type (plain NumPy).

    Letter by letter: each partial type is repeated once per count of the next letter.

    Parameters
    ----------
    r : ndarray of shape (A,)
        Rewards of the letters.
    log_p : ndarray of shape (A,)
        Their log probabilities, nats.
    log_factorial : ndarray of shape (m + 1,)
        ``log k!`` for k = 0..m; its length says how many letters a sequence has.
    count : int
        Number of types, ``C(m + A - 1, A - 1)``.

    Returns
    -------
    value, log_mass : ndarray of shape (count,)
        Reward sum and log probability of each type, the multinomial
        ``log m! - sum log k_j! + sum k_j log p_j``.
    """
    m = len(log_factorial) - 1
    left, value, log_mass = np.array([m]), np.zeros(1), np.array([log_factorial[m]])
    for reward, log_letter in zip(r[:-1], log_p[:-1], strict=True):
        copies = left + 1
        ends = np.cumsum(copies)
        used = np.arange(ends[-1]) - np.repeat(ends - copies, copies)
        left = np.repeat(left, copies) - used
        value = np.repeat(value, copies) + used * reward
        log_mass = np.repeat(log_mass, copies) + (used * log_letter - log_factorial[used])
    return value + left * r[-1], log_mass + (left * log_p[-1] - log_factorial[left])


@kernel(twin=enumerate_types_numpy, fastmath={"contract"})
def enumerate_types(r: Any, log_p: Any, log_factorial: Any, count: Any) -> Any:
    """Return the reward sum and log probability of every type, `count` of them.

    Types run in lexicographic order, the last letter taking what the others leave. Partial sums
    of the letters before the one that changed are kept.

    Parameters
    ----------
    r : ndarray of shape (A,)
        Rewards of the letters.
    log_p : ndarray of shape (A,)
        Their log probabilities, nats.
    log_factorial : ndarray of shape (m + 1,)
        ``log k!`` for k = 0..m; its length says how many letters a sequence has.
    count : int
        Number of types, ``C(m + A - 1, A - 1)``.

    Returns
    -------
    value, log_mass : ndarray of shape (count,)
        Reward sum and log probability of each type, the multinomial
        ``log m! - sum log k_j! + sum k_j log p_j``.
    """
    letters = r.shape[0]
    m = log_factorial.shape[0] - 1
    value, log_mass = np.empty(count), np.empty(count)
    used = np.zeros(letters, dtype=np.int64)
    left = np.empty(letters, dtype=np.int64)
    sums, logs = np.zeros(letters), np.zeros(letters)
    left[0], logs[0] = m, log_factorial[m]
    level = 0
    for row in range(count):
        for j in range(level, letters - 1):
            k = used[j]
            left[j + 1] = left[j] - k
            sums[j + 1] = sums[j] + k * r[j]
            logs[j + 1] = logs[j] + (k * log_p[j] - log_factorial[k])
        rest = left[letters - 1]
        value[row] = sums[letters - 1] + rest * r[letters - 1]
        log_mass[row] = logs[letters - 1] + (rest * log_p[letters - 1] - log_factorial[rest])
        level = letters - 2
        while level >= 0 and used[level] == left[level]:
            used[level] = 0
            level -= 1
        if level >= 0:
            used[level] += 1
    return value, log_mass
