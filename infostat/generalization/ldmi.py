"""Bound from loss differences: what a pair of losses says about which point was trained on.

The estimates are plug-in informations of small tables. They are biased upward, which is the safe side
for a bound; the corrected value and an interval are reported beside them.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError, SampleSizeWarning, describe
from ..core.rng import RngLike, as_seed_sequence, seed_label
from ..core.validation import FloatArray, as_float_array, check_choice, check_count, check_number
from ..divergences.information import mutual_information
from .ldmi_result import FLAGS, LossDifferenceBound

__all__ = [
    "MOST_RESAMPLES",
    "difference_levels",
    "ldmi_bound",
    "plugin_information",
    "resampled_interval",
    "table_flags",
]

IntArray = NDArray[np.int64]

# Differences closer than this share of the loss range are one level.
_MERGE = 1e-12
# Fewer observations per cell than this: the plug-in information is mostly bias.
_PER_CELL = 10
_BATCH_CELLS = 2_000_000
MOST_RESAMPLES = 1_000_000


def ldmi_bound(
    delta: ArrayLike,
    u: ArrayLike,
    *,
    loss_range: float = 1.0,
    correction: str = "none",
    bootstrap: int = 200,
    confidence_level: float = 0.95,
    rng: RngLike = 0,
) -> LossDifferenceBound:
    """Return the loss-difference bound on the generalization gap, estimated from supersample runs.

    Parameters
    ----------
    delta : array_like of shape (N,) or (runs, n)
        Loss on point 1 minus loss on point 0 of a pair. One axis: all pairs pooled. Two axes: one column per
        pair i, one row per run.
    u : array_like of the same shape
        1 where point 1 was trained on, 0 where point 0 was.
    loss_range : float
        Largest minus smallest possible loss.
    correction : {"none", "miller_madow"}
        Whether the bound uses the plug-in information or the corrected one.
    bootstrap : int
        Resamples behind the interval (of observations, or of runs); 0 leaves it out.
    confidence_level : float
        Level of the interval.
    rng : None, int, SeedSequence or Generator
        Seed of the resamples.

    Returns
    -------
    LossDifferenceBound
        ``mi mi_miller_madow value`` and the interval ``low high``; nature ``"estimate"``.

    Raises
    ------
    InputError
        If the shapes differ, u holds other values than 0 and 1 or only one of them (in a column), a difference
        exceeds `loss_range`, or a number is out of range.

    Warns
    -----
    SampleSizeWarning
        If the table of differences has fewer than ten observations per cell: the estimate is then mostly bias,
        upward.

    Notes
    -----
    ``|gen| <= (loss_range/n) sum_i sqrt(2 I(Delta_i; U_i))``. The plug-in information of a table with r rows and
    c columns that are not empty is too large by about ``(r - 1)(c - 1)/(2N)``, which Miller and Madow subtract
    (floor 0). Pooling over i is right for an algorithm that treats its sample symmetrically; the flag
    ``"pooled"`` says so. The interval holds resampled values less twice their own bias, since resampling adds
    the bias of the estimate once more. For losses with many values every difference may be unique, and the
    information is then that of U, log 2: a bound, but a vacuous one.

    Examples
    --------
    >>> found = ldmi_bound([1, 0, -1, 0, 1, -1, 0, 0] * 20, [0, 0, 1, 1, 0, 1, 0, 1] * 20)
    >>> round(found.mi, 6), round(found.value, 6)
    (0.34657..., 0.83255...)
    """
    width = check_number("loss_range", loss_range, low=0.0, open_low=True)
    rule = check_choice("correction", correction, ("none", "miller_madow"))
    draws = check_count("bootstrap", bootstrap, high=MOST_RESAMPLES)
    level = check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
    differences, selection = _check_pairs(delta, u, width)
    places, values = difference_levels(differences, width)
    tables = _tables(places, selection, len(values))
    plain, corrected = plugin_information(tables)
    seed = as_seed_sequence(rng)
    low = high = math.nan
    if draws:
        low, high = _interval(places, selection, tables, width, level, draws, np.random.default_rng(seed))
    flags = table_flags(tables, pooled=differences.ndim == 1)
    if "few_per_cell" in flags:
        warnings.warn(FLAGS["few_per_cell"], SampleSizeWarning, stacklevel=2)
    chosen = corrected if rule == "miller_madow" else plain
    single = differences.ndim == 1
    return LossDifferenceBound(
        value=width * float(np.sqrt(2.0 * chosen).mean()),
        nature="estimate",
        sense="expectation",
        assumptions=(
            f"the losses lie in a range of length {width:g}",
            "the two points of a pair are independent draws, and u is a fair coin apart from them",
            *(("the algorithm treats its sample symmetrically",) if single else ()),
        ),
        mi=float(plain[0]) if single else plain,
        mi_miller_madow=float(corrected[0]) if single else corrected,
        low=low,
        high=high,
        confidence_level=level,
        gap=float(np.where(selection == 1, -differences, differences).mean()),
        differences=values,
        table=tables.sum(axis=0),
        loss_range=width,
        correction=rule,
        bootstrap=draws,
        n_observations=int(differences.size),
        flags=flags,
        seed=seed_label(seed) if draws else None,
    )


def _check_pairs(delta: ArrayLike, u: ArrayLike, width: float) -> tuple[FloatArray, IntArray]:
    differences = as_float_array("delta", delta, ndim=(1, 2))
    selection = as_float_array("u", u)
    if differences.shape != selection.shape or not differences.size:
        shapes = f"{differences.shape} and {selection.shape}"
        raise InputError(f"delta and u must have the same shape and at least one entry, got {shapes}")
    other = selection[(selection != 0.0) & (selection != 1.0)]
    if other.size:
        raise InputError(describe("u", "0 or 1 everywhere", float(other.flat[0])))
    constant = np.flatnonzero(np.atleast_1d(selection.min(axis=0) == selection.max(axis=0)))
    if constant.size:
        where = "" if differences.ndim == 1 else f" in column {constant[0]}"
        raise InputError(f"u must hold both 0 and 1{where}, got one value, which says nothing; draw more selections")
    largest = float(np.abs(differences).max())
    if largest > width * (1.0 + 1e-9):
        raise InputError(
            f"delta must lie within loss_range = {width:g} of zero, got {largest:g}; give the range of the loss"
        )
    return differences, selection.astype(np.int64)


def difference_levels(delta: FloatArray, width: float) -> tuple[IntArray, FloatArray]:
    """Return the level of each loss difference, and the levels in ascending order.

    Parameters
    ----------
    delta : ndarray
        Loss differences.
    width : float
        Range of the loss; differences within 1e-12 of it are one level.

    Returns
    -------
    places : ndarray of int, same shape
        Index of the level.
    values : ndarray of shape (levels,)
        Smallest difference of each level.

    Examples
    --------
    >>> difference_levels(np.array([1.0, 0.1 + 0.2 - 0.3, 0.0, -1.0]), 1.0)[1]
    array([-1.,  0.,  1.])
    """
    values, place = np.unique(delta, return_inverse=True)
    first = np.diff(values, prepend=-np.inf) > _MERGE * width
    return (np.cumsum(first) - 1)[place].reshape(delta.shape), values[first]


def _tables(places: IntArray, selection: IntArray, levels: int) -> FloatArray:
    """Counts of shape (columns of the data, levels, 2); one column if the data are pooled."""
    columns = 1 if places.ndim == 1 else places.shape[1]
    offset = np.arange(columns) * levels
    cells = 2 * ((places + offset) if places.ndim == 2 else places) + selection
    return np.bincount(cells.ravel(), minlength=2 * levels * columns).reshape(columns, levels, 2).astype(np.float64)


def plugin_information(tables: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return plug-in mutual informations of tables of counts, plain and after Miller and Madow.

    Parameters
    ----------
    tables : ndarray of shape (..., r, c)
        Counts, a positive total in each table.

    Returns
    -------
    plain, corrected : ndarray of shape (...)
        Nats, from 0 on.

    Examples
    --------
    >>> plain, corrected = plugin_information(np.array([[30.0, 10.0], [10.0, 30.0]]))
    >>> float(plain.round(6)), float((plain - corrected).round(6))
    (0.130812, 0.00625)
    """
    total = tables.sum(axis=(-2, -1))
    rows, columns = (tables.sum(axis=-1) > 0.0).sum(axis=-1), (tables.sum(axis=-2) > 0.0).sum(axis=-1)
    plain = np.maximum(np.asarray(mutual_information(tables, normalize="yes")), 0.0)
    bias = (rows - 1.0) * (columns - 1.0) / (2.0 * total)
    return plain, np.maximum(plain - bias, 0.0)


def _interval(
    places: IntArray,
    selection: IntArray,
    tables: FloatArray,
    width: float,
    level: float,
    draws: int,
    generator: Generator,
) -> tuple[float, float]:
    if places.ndim == 1:
        counts = tables[0].ravel()
        drawn = generator.multinomial(int(counts.sum()), counts / counts.sum(), size=draws).astype(np.float64)
        resampled = drawn.reshape(draws, 1, *tables.shape[1:])
        return _bounds_of(plugin_information(resampled)[0], plugin_information(tables)[0], width, level)
    pairs = zip(places, selection, strict=True)
    runs = np.stack([_tables(place[None, :], chosen[None, :], tables.shape[1]) for place, chosen in pairs])
    return resampled_interval(runs, width, level, draws, generator)


def resampled_interval(
    runs: FloatArray, width: float, level: float, draws: int, generator: Generator
) -> tuple[float, float]:
    """Return an interval for the bound by resampling whole runs.

    Parameters
    ----------
    runs : ndarray of shape (R, columns, levels, 2)
        Table of counts of each run; runs are independent, what is inside a run need not be.
    width : float
        Range of the loss.
    level : float
        Level of the interval.
    draws : int
        Resamples.
    generator : Generator
        Source of the resamples.

    Returns
    -------
    low, high : float
        Ends of the interval for ``width mean sqrt(2 I)``, corrected for bias.
    """
    flat = runs.reshape(len(runs), -1)
    found = []
    step = max(1, _BATCH_CELLS // max(flat.shape))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        weights = generator.multinomial(len(runs), np.full(len(runs), 1.0 / len(runs)), size=size)
        found.append(plugin_information((weights @ flat).reshape(size, *runs.shape[1:]))[0])
    return _bounds_of(np.concatenate(found), plugin_information(runs.sum(axis=0))[0], width, level)


def _bounds_of(resampled: FloatArray, plain: FloatArray, width: float, level: float) -> tuple[float, float]:
    """Quantiles of the bound; a resample carries the bias of the estimate and its own, both upward."""
    bias = np.maximum(resampled.mean(axis=0) - plain, 0.0)
    values = width * np.sqrt(2.0 * np.maximum(resampled - 2.0 * bias, 0.0)).mean(axis=1)
    low, high = np.quantile(values, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    return float(low), float(high)


def table_flags(tables: FloatArray, *, pooled: bool) -> tuple[str, ...]:
    """Return the cautions that tables of loss differences call for.

    Parameters
    ----------
    tables : ndarray of shape (columns, levels, 2)
        Counts.
    pooled : bool
        Whether all pairs share one table.

    Returns
    -------
    tuple of str
        Words of `FLAGS`.
    """
    cells = 2 * (tables.sum(axis=-1) > 0.0).sum(axis=-1)
    flags = ["pooled"] if pooled else []
    if (tables.sum(axis=(-2, -1)) < _PER_CELL * cells).any():
        flags.append("few_per_cell")
    return tuple(flags)


