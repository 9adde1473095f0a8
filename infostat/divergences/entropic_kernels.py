"""Kernels of entropic transport: one pass over the cost table per iteration.

A pass over a row computes its exponentials once, in a buffer that stays in the first-level
cache, and uses them twice: their sum corrects the potential of the row, and the corrected row
of the plan is added to the column sums, which correct the potentials of the columns. A full
iteration therefore costs one exponential per entry of the table and reads it once.

The exponential is a polynomial that compiles to vector instructions; the library function
called in a loop does not. Each kernel has a NumPy twin with ``_numpy`` appended.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.exponential_kernels import HIGHEST, LOWEST, exp_array
from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = [
    "plan_rows",
    "plan_rows_numpy",
    "sum_array",
    "sum_array_numpy",
    "transport_pass",
    "transport_pass_numpy",
]

# Row sums inside these bounds were computed without overflow or loss of digits to clamping.
SAFE_LOW, SAFE_HIGH = 1e-100, 1e250


def sum_array_numpy(values: FloatArray) -> float:
    """Return the sum of a vector (plain NumPy).

    Parameters
    ----------
    values : ndarray of shape (m,)
        Summands.

    Returns
    -------
    float
        Their sum.
    """
    return float(values.sum())


@kernel(twin=sum_array_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def sum_array(values: Any) -> Any:
    """Return the sum of a vector of finite numbers.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite numbers.

    Returns
    -------
    float
        The sum.
    """
    total = 0.0
    for j in range(values.shape[0]):
        total += values[j]
    return total


def transport_pass_numpy(
    cost: FloatArray,
    inverse_eps: float,
    mass: FloatArray,
    rows: FloatArray,
    columns: FloatArray,
    relaxation: float,
    column_sums: FloatArray,
) -> float:
    """Update the row potentials and add the plan to the column sums (plain NumPy).

    Parameters
    ----------
    cost, ..., column_sums
        As in `transport_pass`.

    Returns
    -------
    float
        As of `transport_pass`.
    """
    exponent = columns + rows[:, None] - cost * inverse_eps
    peak = exponent.max(axis=1)
    # The same rows that the compiled loop treats as far from balanced.
    with np.errstate(over="ignore"):
        plain = np.exp(np.clip(exponent, LOWEST, HIGHEST)).sum(axis=1)
    far = ~((plain > SAFE_LOW) & (plain < SAFE_HIGH))
    rows[far] -= peak[far]
    exponent[far] -= peak[far, None]
    table = np.exp(np.clip(exponent, LOWEST, HIGHEST))
    total = table.sum(axis=1)
    log_total = np.log(total)
    step = np.where(far, 1.0, relaxation) * log_total
    rows -= step
    column_sums += (mass * np.exp(-step)) @ table
    return float(np.sum(mass * np.abs(np.expm1(log_total - step))))


@kernel(twin=transport_pass_numpy, fastmath={"contract"})
def transport_pass(
    cost: Any, inverse_eps: Any, mass: Any, rows: Any, columns: Any, relaxation: Any, column_sums: Any
) -> Any:
    """Update the row potentials and add the plan to the column sums.

    With row potentials F, column potentials H (log of the column weights included) and row
    weights a, row i has ``s_i = sum_j exp(F_i + H_j - C_ij / eps)``. F_i becomes
    ``F_i - w log s_i`` (w the relaxation; 1 balances the row exactly) in place, and
    ``a_i exp(F_i + H_j - C_ij / eps)`` with the new F_i is added to column sum j. Returns the L1
    violation of the row marginals at the new F.

    Parameters
    ----------
    cost : ndarray of shape (n, m)
        Costs C.
    inverse_eps : float
        1/eps.
    mass : ndarray of shape (n,)
        Row weights a.
    rows : ndarray of shape (n,)
        Row potentials F.
    columns : ndarray of shape (m,)
        Column potentials H.
    relaxation : float
        The w above.
    column_sums : ndarray of shape (m,)
        Added to.

    Returns
    -------
    float
        Violation of the row marginals.
    """
    n, m = cost.shape
    buffer = np.empty(m)
    violation = 0.0
    for i in range(n):
        shift = rows[i]
        for j in range(m):
            buffer[j] = columns[j] + shift - cost[i, j] * inverse_eps
        exp_array(buffer)
        total = sum_array(buffer)
        step_factor = relaxation
        if not (SAFE_LOW < total < SAFE_HIGH):
            peak = -math.inf
            for j in range(m):
                peak = max(peak, columns[j] + shift - cost[i, j] * inverse_eps)
            shift -= peak
            for j in range(m):
                buffer[j] = columns[j] + rows[i] - cost[i, j] * inverse_eps - peak
            exp_array(buffer)
            total = sum_array(buffer)
            step_factor = 1.0
        log_total = math.log(total)
        step = step_factor * log_total
        rows[i] = shift - step
        factor = mass[i] * math.exp(-step)
        for j in range(m):
            column_sums[j] += factor * buffer[j]
        violation += mass[i] * abs(math.expm1(log_total - step))
    return violation


def plan_rows_numpy(
    cost: FloatArray,
    inverse_eps: float,
    mass: FloatArray,
    rows: FloatArray,
    columns: FloatArray,
    plan: FloatArray,
) -> float:
    """Write the rows of the plan and return their transport cost (plain NumPy).

    Parameters
    ----------
    cost, ..., plan
        As in `plan_rows`.

    Returns
    -------
    float
        As of `plan_rows`.
    """
    exponent = columns + rows[:, None] - cost * inverse_eps
    plan[...] = mass[:, None] * np.exp(np.clip(exponent, LOWEST, HIGHEST))
    return float(np.sum(plan * cost))


@kernel(twin=plan_rows_numpy, fastmath={"contract"})
def plan_rows(cost: Any, inverse_eps: Any, mass: Any, rows: Any, columns: Any, plan: Any) -> Any:
    """Write ``a_i exp(F_i + H_j - C_ij / eps)`` into `plan` and return ``sum plan * cost``.

    Parameters
    ----------
    cost : ndarray of shape (n, m)
        Costs C.
    inverse_eps : float
        1/eps.
    mass : ndarray of shape (n,)
        Row weights a.
    rows : ndarray of shape (n,)
        Row potentials F.
    columns : ndarray of shape (m,)
        Column potentials H.
    plan : ndarray of shape (n, m)
        Written.

    Returns
    -------
    float
        Cost of these rows of the plan.
    """
    n, m = cost.shape
    total = 0.0
    product = np.empty(m)
    for i in range(n):
        row = plan[i]
        for j in range(m):
            row[j] = columns[j] + rows[i] - cost[i, j] * inverse_eps
        exp_array(row)
        for j in range(m):
            row[j] *= mass[i]
            product[j] = row[j] * cost[i, j]
        total += sum_array(product)
    return total
