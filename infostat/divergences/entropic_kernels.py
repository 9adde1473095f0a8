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

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = [
    "exp_array",
    "exp_array_numpy",
    "plan_rows",
    "plan_rows_numpy",
    "sum_array",
    "sum_array_numpy",
    "transport_pass",
    "transport_pass_numpy",
]

# exp(x) = 2^k exp(r), r = x - k log 2 in [-0.347, 0.347]. Adding 1.5 * 2^52 rounds to an integer
# and leaves it in the low bits of the sum; the log of 2 in two parts keeps r exact.
_LOG2E = 1.4426950408889634
_ROUND = 6755399441055744.0
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# Outside, the result would leave the range of normal doubles.
_LOWEST, _HIGHEST = -708.0, 709.0
# Row sums inside these bounds were computed without overflow or loss of digits to clamping.
SAFE_LOW, SAFE_HIGH = 1e-100, 1e250


def exp_array_numpy(values: FloatArray) -> None:
    """Replace each value by its exponential, clamped to [-708, 709] (plain NumPy)."""
    np.exp(np.clip(values, _LOWEST, _HIGHEST, out=values), out=values)


# Only "contract" is safe: with "reassoc" the rounding constant is folded away.
@kernel(twin=exp_array_numpy, fastmath={"contract"})
def exp_array(values: Any) -> Any:
    """Replace each value of a contiguous vector by its exponential, clamped to [-708, 709]."""
    for j in range(values.shape[0]):
        x = values[j]
        x = x if x > _LOWEST else _LOWEST
        x = x if x < _HIGHEST else _HIGHEST
        shifted = x * _LOG2E + _ROUND
        k = shifted - _ROUND
        r = (x - k * _LN2_HIGH) - k * _LN2_LOW
        q = 2.08767569878681e-09
        q = q * r + 2.505210838544172e-08
        q = q * r + 2.755731922398589e-07
        q = q * r + 2.7557319223985893e-06
        q = q * r + 2.48015873015873e-05
        q = q * r + 1.984126984126984e-04
        q = q * r + 1.388888888888889e-03
        q = q * r + 8.333333333333333e-03
        q = q * r + 4.1666666666666664e-02
        q = q * r + 1.6666666666666666e-01
        q = q * r + 0.5
        q = q * r + 1.0
        q = q * r + 1.0
        bits = np.float64(q).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
        values[j] = np.int64(bits).view(np.float64)


def sum_array_numpy(values: FloatArray) -> float:
    """Return the sum of a vector (plain NumPy)."""
    return float(values.sum())


@kernel(twin=sum_array_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def sum_array(values: Any) -> Any:
    """Return the sum of a vector of finite numbers."""
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
    """Update the row potentials and add the plan to the column sums (plain NumPy)."""
    exponent = columns + rows[:, None] - cost * inverse_eps
    peak = exponent.max(axis=1)
    # The same rows that the compiled loop treats as far from balanced.
    with np.errstate(over="ignore"):
        plain = np.exp(np.clip(exponent, _LOWEST, _HIGHEST)).sum(axis=1)
    far = ~((plain > SAFE_LOW) & (plain < SAFE_HIGH))
    rows[far] -= peak[far]
    exponent[far] -= peak[far, None]
    table = np.exp(np.clip(exponent, _LOWEST, _HIGHEST))
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
    """Write the rows of the plan and return their transport cost (plain NumPy)."""
    exponent = columns + rows[:, None] - cost * inverse_eps
    plan[...] = mass[:, None] * np.exp(np.clip(exponent, _LOWEST, _HIGHEST))
    return float(np.sum(plan * cost))


@kernel(twin=plan_rows_numpy, fastmath={"contract"})
def plan_rows(cost: Any, inverse_eps: Any, mass: Any, rows: Any, columns: Any, plan: Any) -> Any:
    """Write ``a_i exp(F_i + H_j - C_ij / eps)`` into `plan` and return ``sum plan * cost``."""
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
