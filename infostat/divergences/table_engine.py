"""Row sums of generator cells over tables of any size.

Small tables are summed cell by cell in blocks that stay in the cache. Large tables of the
kinds below take compiled sums; of these, rows whose sum has cancelled are done again.
"""

from __future__ import annotations

import numpy as np

from ..core.validation import FloatArray
from . import row_kernels as rk
from .generators import Generator
from .pairs import Pair
from .table_rows import RowPair

__all__ = ["f_rows"]

# Below this many cells NumPy has answered before Numba is imported.
_BULK_CELLS = 1_000_000
# Rows per call of a compiled kernel, in cells: long enough to hide the call, and a copy of
# that length (columns of a table in C order) is still short of the third-level cache.
_BULK_BLOCK = 262_144
# Sums of logarithms or powers lose about eps/x of their value x (per unit of mass) to
# cancellation; below this the generator's own cells, which do not cancel, take over.
_CANCELLATION = 1e-2
_LOG_KINDS = {"kl": rk.KL, "reverse_kl": rk.KL, "jeffreys": rk.JEFFREYS, "js": rk.JS, "alpha": rk.ALPHA}
_PLAIN_KINDS = {"hellinger": rk.HELLINGER, "le_cam": rk.LE_CAM, "tv": rk.TV}
_PLAIN_KINDS |= {"pearson": rk.PEARSON, "neyman": rk.PEARSON}
# Orders of alpha that need no power: a multiple of another kind.
_PLAIN_ORDERS = {0.5: ("hellinger", 4.0), 2.0: ("pearson", 0.5), -1.0: ("neyman", 0.5)}
_SWAPPED = ("reverse_kl", "neyman")


def f_rows(gen: Generator, pair: RowPair) -> FloatArray:
    """Return D_f of every row pair, nats.

    Parameters
    ----------
    gen : Generator
        From `infostat.divergences.generators.generator`.
    pair : RowPair
        Checked tables.

    Returns
    -------
    ndarray of shape pair.shape
        Divergences.
    """
    values = np.empty(pair.n_rows)
    name, factor = gen.kind, 1.0
    if name == "alpha" and gen.parameter in _PLAIN_ORDERS:
        name, factor = _PLAIN_ORDERS[gen.parameter]
    if pair.n_total < _BULK_CELLS or pair.p.logs or name not in _LOG_KINDS | _PLAIN_KINDS:
        for rows, block in pair.blocks():
            values[rows] = _sum_cells(gen, block)
    elif name in _PLAIN_KINDS:
        for rows, block in pair.blocks(_BULK_BLOCK):
            values[rows] = factor * rk.row_plain_sums(*_operands(block, name), _PLAIN_KINDS[name])
    else:
        for rows, block in pair.blocks(_BULK_BLOCK):
            values[rows] = rk.row_log_sums(*_operands(block, name), _LOG_KINDS[name], gen.parameter)
        _finish_log_sums(gen, pair, values)
    return values.reshape(pair.shape)


def _sum_cells(gen: Generator, block: Pair) -> FloatArray:
    with np.errstate(over="ignore"):
        return np.asarray(gen.cells(block).sum(axis=-1))


def _operands(block: Pair, name: str) -> tuple[FloatArray, FloatArray]:
    p, q = np.ascontiguousarray(block.p), np.ascontiguousarray(block.q)
    return (q, p) if name in _SWAPPED else (p, q)


def _finish_log_sums(gen: Generator, pair: RowPair, values: FloatArray) -> None:
    p_sums, q_sums = pair.sums
    scale = 1.0
    if gen.kind == "kl":
        values += q_sums - p_sums
    elif gen.kind == "reverse_kl":
        values += p_sums - q_sums
    elif gen.kind == "alpha":
        a = gen.parameter
        scale = abs(a * (a - 1.0))
        values -= a * p_sums - (a - 1.0) * q_sums
        values /= a * (a - 1.0) if scale > 0.0 else np.nan
    kept = scale * values >= _CANCELLATION * np.maximum(p_sums, q_sums)  # NaN is not kept
    redo = np.flatnonzero(~kept)
    for part in pair.parts(redo):
        values[part] = _sum_cells(gen, pair.take(part))
