"""Choose the bandwidth of a Gaussian kernel density estimate from data."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.chunk_rows import BlockRows
from ..core.chunk_store import as_rows
from ..core.errors import BandwidthWarning, DataError, InfostatWarning, InputError
from ..core.progress import Progress, Report, progress_callback
from ..core.threads import threads
from ..core.validation import FloatArray, check_choice, check_count, check_flag, check_weights
from .curve_search import search
from .duplicates import distinct_rows
from .least_squares import gain_scores, is_uninformative, lscv_terms, lscv_values, shown_scale
from .loo_curve import check_bandwidths, loo_total
from .rules import column_variances, scott_width, silverman_width
from .selection_results import BandwidthSelection, describe_flag, method_words
from .stream_moments import nearest_rows

__all__ = ["METHODS", "select_bandwidth"]

METHODS = ("loo", "scott", "silverman", "lscv", "sheather_jones", "isj", "theory")
_CURVES = ("loo", "lscv")
_UNWEIGHTED = ("sheather_jones", "isj", "theory")
_ONE_COLUMN = ("sheather_jones", "isj")
_IMBALANCE = 100.0
# The first grid: around the typical distance of neighbours, and up to the scale of the data.
_BELOW, _ABOVE, _SCALES = 8.0, 16.0, 1.5
_STEP = 0.08  # in log h
_SAMPLE = 256
# Kernel sums are asked of distinct points; these flags of the diagnosis say the same of rows.
_OWN_FLAGS = ("duplicates", "scale_imbalance", "constant_columns")


def select_bandwidth(
    X: Any,
    method: str = "loo",
    *,
    grid: ArrayLike | None = None,
    refine: bool = True,
    max_queries: int = 10_000,
    duplicates: str = "group",
    weights: ArrayLike | None = None,
    diagnose: bool = True,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> BandwidthSelection:
    r"""Return a bandwidth for a Gaussian kernel density estimate, and the regime it puts the data in.

    Parameters
    ----------
    X : array_like of shape (n, d), DataFrame, Series, path, iterator of frames or Dask frame
        Data as they are; one bandwidth serves all columns, so they should have comparable scales. Rows
        that take more than 64 MB are read when they are needed.
    method : {"loo", "scott", "silverman", "lscv", "sheather_jones", "isj", "theory"}
        ``"loo"`` maximises the leave-one-out likelihood, which aims at the smallest
        Kullback-Leibler divergence; ``"lscv"`` minimises an estimate of the integrated squared
        error, which in large dimension says little; ``"scott"`` and ``"silverman"`` are rules of
        thumb; ``"sheather_jones"`` and ``"isj"`` are plug-in rules for one column; ``"theory"`` is the
        best bandwidth for Gaussian data of the sample's covariance in the limit of large dimension.
    grid : array_like of shape (k,), optional
        Bandwidths h > 0 to try (``"loo"`` and ``"lscv"`` only), in any order. None: steps of 8 % around
        the typical distance of nearest neighbours and up to the scale of the data, more beyond an end
        while the best one is there, and those of the refinement.
    refine : bool
        Search between the neighbours of the best grid point; False returns the grid point.
    max_queries : int
        With more distinct rows the mean of the objective runs over this many of them, each against
        all rows. The subset depends on the number of rows alone.
    duplicates : {"group", "drop", "raise"}
        Rows that repeat: all copies are left out together, all but one are dropped, or an error.
    weights : array_like of shape (n,), optional
        Non-negative weights of the rows; for ``"loo"`` and ``"lscv"`` integers count as repetition,
        the rules of thumb use the effective number ``(sum w)^2 / sum w^2``.
    diagnose : bool
        Measure the regime at h (about a thousand rows against all); False leaves it ``"unknown"``.
    n_jobs : int, optional
        Threads; None is one, -1 all cores. The numbers do not depend on it.
    progress : bool or callable
        Report on the passes over the data.

    Returns
    -------
    BandwidthSelection
        ``h``, ``objective`` on ``grid``, the measured ``regime``, flags.

    Raises
    ------
    InputTypeError, InputError
        If an argument has the wrong type or value, or does not go with the method.
    DataError
        If values are missing or infinite, fewer than two distinct rows are left, or the method
        needs one column.

    Warns
    -----
    BandwidthWarning
        Constant columns, columns of very different scale, an optimum at the end of the given
        grid, or an uninformative criterion.
    DuplicateRowsWarning
        Rows repeat and the method leaves rows out.

    Notes
    -----
    ``"loo"`` maximises :math:`n^{-1}\sum_j \log\hat\rho_{h,-j}(x_j)` over h. At the optimum
    :math:`h^2 = (nd)^{-1}\sum_j\sum_i p_{ij}|x_j-y_i|^2` with the kernel weights p of the other
    rows. The whole grid costs one pass over the distances (see `loo_curve`); a second pass around the
    best grid point determines h by a polynomial in log h.

    In large dimension the bandwidth of least Kullback-Leibler divergence is the typical distance to
    the nearest neighbour divided by :math:`\sqrt d`, in the regime where a few points make the
    estimate. That regime was found by G. Biroli and M. Mezard, "Kernel Density Estimators in Large
    Dimensions" (arXiv:2408.05807); the formula was derived in the documentation of this project in
    their setting. It is a limit: at fixed d and growing n the classical theory holds, and the
    best bandwidth lies in the normal regime. The regime reported is therefore the measured one.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(500, 10))
    >>> found = select_bandwidth(X)
    >>> round(found.h, 3), found.regime
    (0.737, 'stable')
    >>> round(select_bandwidth(X, "scott").h, 3)
    0.638
    """
    chosen = check_choice("method", method, METHODS)
    check_flag("refine", refine), check_flag("diagnose", diagnose)
    queries = check_count("max_queries", max_queries, low=2)
    workers = threads(n_jobs)
    given = as_rows("X", X, min_rows=2)
    data = _prepare(given, weights, duplicates, chosen)
    bandwidths = _check_grid(grid, chosen, data.points)
    with progress_callback(progress, "bandwidth") as report:
        if chosen in _CURVES:
            draft = _from_curve(data, chosen, bandwidths, refine, queries, workers, report)
        else:
            draft = _from_rule(data, chosen)
    _warn(draft.flags)
    return _assemble(data, chosen, draft, diagnose, duplicates, n_jobs)


# ---------------------------------------------------------------------- data
@dataclass(frozen=True)
class _Data:
    """Rows without constant columns, and the distinct points among them."""

    rows: FloatArray
    weights: FloatArray | None
    points: FloatArray
    masses: FloatArray | None
    n_effective: float
    scale: float
    flags: tuple[str, ...]


def _prepare(given: FloatArray, weights: ArrayLike | None, duplicates: str, method: str) -> _Data:
    factors = None
    if weights is not None:
        if method in _UNWEIGHTED:
            raise InputError(
                f'weights must be None for method="{method}", got weights; use method="loo" or repeat the rows'
            )
        check_weights(weights, len(given))
        factors = np.asarray(weights, dtype=np.float64)
        given, factors = given[factors > 0.0], factors[factors > 0.0]
    varies = given.min(axis=0) < given.max(axis=0)
    if not varies.any():
        raise DataError(
            "X must hold at least two different rows, got identical rows (every column is constant); a density of "
            "one point has no bandwidth"
        )
    rows = given if varies.all() else given[:, varies]
    if not isinstance(rows, BlockRows):
        rows = np.ascontiguousarray(rows)
    found = distinct_rows(rows, duplicates, weights=factors, warn=method in _CURVES)
    if duplicates == "drop":
        rows, factors = found.points, found.masses
    variances = column_variances(rows, factors)
    scale = math.sqrt(float(variances.mean()))
    if not 0.0 < scale < math.inf:
        raise DataError("X must have values whose squares exist in floating point; choose another unit")
    least = float(variances.min())
    flags = {
        "duplicates": found.n_copies > 0,
        "constant_columns": not varies.all(),
        "scale_imbalance": float(variances.max()) > _IMBALANCE * least,
    }
    effective = float(len(rows)) if factors is None else float(factors.sum() ** 2 / (factors @ factors))
    named = tuple(name for name, holds in flags.items() if holds)
    return _Data(rows, factors, found.points, found.masses, effective, scale, named)


def _check_grid(grid: ArrayLike | None, method: str, points: FloatArray) -> FloatArray | None:
    if grid is None:
        return None
    if method not in _CURVES:
        raise InputError(f'grid must be None for method="{method}", got a grid; only "loo" and "lscv" search one')
    return check_bandwidths("grid", grid, points)


# ------------------------------------------------------------------- methods
@dataclass(frozen=True)
class _Draft:
    """A bandwidth and what led to it, before its regime is measured."""

    h: float
    grid: FloatArray
    objective: FloatArray
    at_h: float
    n_queries: int
    log_scale: float
    flags: tuple[str, ...]


def _from_curve(
    data: _Data,
    method: str,
    grid: FloatArray | None,
    refine: bool,
    max_queries: int,
    workers: int,
    report: Report | None,
) -> _Draft:
    rows = _query_rows(len(data.points), max_queries)
    evaluate = _evaluator(data, method, rows, workers, report)
    score: Callable[[FloatArray], FloatArray] = gain_scores if method == "lscv" else np.asarray
    first = grid
    if first is None:
        first = _first_grid(data)
    found = search(evaluate, score, first, widen=grid is None, refine=refine)
    best = found.raw[int(np.argmax(score(found.raw)))]
    at_h = evaluate(np.array([found.h]))[0] if found.h not in found.grid else best
    flags = data.flags
    if rows is not None:
        flags += ("query_subset",)
    if found.at_edge:
        flags += ("grid_edge",)
    n_queries = len(data.points) if rows is None else len(rows)
    if method == "loo":
        return _Draft(found.h, found.grid, found.raw, float(at_h), n_queries, 0.0, flags)
    if is_uninformative(at_h):
        flags += ("uninformative",)
    raw = np.vstack([found.raw, at_h])
    log_scale = shown_scale(raw)
    values = lscv_values(raw, log_scale)
    return _Draft(found.h, found.grid, values[:-1], float(values[-1]), n_queries, log_scale, flags)


def _first_grid(data: _Data) -> FloatArray:
    middle = _neighbour_width(data.points, data.scale)
    ends = middle / _BELOW, max(_ABOVE * middle, _SCALES * data.scale)
    return np.geomspace(*ends, 1 + math.ceil(math.log(ends[1] / ends[0]) / _STEP))


def _query_rows(n: int, max_queries: int) -> NDArray[np.intp] | None:
    """Return the points over which the mean runs: a subset that depends on n alone; None is all."""
    if n <= max_queries:
        return None
    return np.sort(np.random.default_rng(n).permutation(n)[:max_queries]).astype(np.intp)


def _evaluator(
    data: _Data, method: str, rows: NDArray[np.intp] | None, workers: int, report: Report | None
) -> Callable[[FloatArray], FloatArray]:
    points, masses = data.points, data.masses
    if method == "lscv":
        return lambda hs: lscv_terms(points, hs, masses, rows, workers, report)
    counts = None
    if rows is not None:
        counts = np.zeros(len(points))
        counts[rows] = 1.0 if masses is None else masses[rows]
    return lambda hs: loo_total(points, hs, masses, counts, workers, report)


def _neighbour_width(points: FloatArray, scale: float) -> float:
    """Return the root mean square distance to the nearest neighbour, divided by sqrt(d), over a few rows."""
    n = len(points)
    rows = np.arange(n) if n <= _SAMPLE else np.sort(np.random.default_rng(n).permutation(n)[:_SAMPLE])
    centre = points.mean(axis=0)
    asked = (points[rows] - centre) / scale
    place = nearest_rows(points, asked, rows, centre, scale)
    # Explicit differences: inner products lose what tells close points apart.
    difference = (points[rows] - points[place]) / scale
    typical = float(np.sqrt(np.mean(difference * difference)))
    return scale * max(typical, 1e-12)


def _from_rule(data: _Data, method: str) -> _Draft:
    n, d = data.n_effective, data.rows.shape[1]
    if method in _ONE_COLUMN and d > 1:
        raise DataError(
            f'X must have one column for method="{method}", got {d} that vary; use method="loo" or select columns'
        )
    if method == "scott":
        h = scott_width(n, d, data.scale)
    elif method == "silverman":
        h = silverman_width(n, d, data.scale)
    elif method == "theory":
        h = _theory_width(data.rows)
    else:
        from .one_dimensional_rules import isj_width, sheather_jones_width

        h = (sheather_jones_width if method == "sheather_jones" else isj_width)(data.rows[:, 0])
    empty = np.empty(0)
    flags = (*data.flags, "shrinkage") if method == "theory" and d > len(data.rows) else data.flags
    return _Draft(h, empty, empty, math.nan, 0, 0.0, flags)


def _theory_width(rows: FloatArray) -> float:
    """Return the square root of eps for Gaussian data with the sample's spectrum."""
    from .effective import sample_spectrum
    from .regimes import regime_theory

    n, d = rows.shape
    theory = regime_theory(math.log(n) / d, spectrum=sample_spectrum(rows))
    return math.sqrt(theory.eps)


# -------------------------------------------------------------------- result
def _warn(flags: tuple[str, ...]) -> None:
    for flag in ("constant_columns", "scale_imbalance", "grid_edge", "uninformative"):
        if flag in flags:
            warnings.warn(describe_flag(flag), BandwidthWarning, stacklevel=3)


def _assemble(
    data: _Data, method: str, draft: _Draft, diagnose: bool, duplicates: str, n_jobs: int | None
) -> BandwidthSelection:
    n, d = data.rows.shape
    regime, mu, interval, participation = "unknown", math.nan, (math.nan, math.nan), math.nan
    flags, sentence = draft.flags, ""
    if diagnose:
        from .diagnosis import diagnose_bandwidth

        with warnings.catch_warnings():
            # Its flags are passed on; here the bandwidth was asked for, not the diagnosis.
            warnings.simplefilter("ignore", InfostatWarning)
            found = diagnose_bandwidth(
                data.rows, draft.h, weights=data.weights, duplicates=duplicates, n_jobs=n_jobs
            )
        mu, interval, sentence = found.mu_bar, found.mu_interval, found.interpretation
        participation = found.averages["participation_ratio"]
        regime = "unknown" if math.isnan(mu) else found.verdict
        flags += tuple(flag for flag in found.flags if flag not in flags and flag not in _OWN_FLAGS)
    else:
        flags += ("not_measured",)
    return BandwidthSelection(
        h=draft.h,
        method=method,
        regime=regime,
        objective=draft.objective,
        grid=draft.grid,
        objective_at_h=draft.at_h,
        mu_bar=mu,
        mu_interval=interval,
        participation_ratio=participation,
        n=n,
        d=d,
        n_queries=draft.n_queries,
        scale=data.scale,
        scott=scott_width(data.n_effective, d, data.scale),
        silverman=silverman_width(data.n_effective, d, data.scale),
        log_scale=draft.log_scale,
        flags=flags,
        interpretation=f"{_choice_sentence(method, draft.h)} {sentence}".strip(),
    )


def _choice_sentence(method: str, h: float) -> str:
    shown = f"h = {h:.4g}"
    if method == "loo":
        return f"{shown} gives the rows the largest mean log density when each is left out of its own estimate."
    if method == "lscv":
        return (
            f"{shown} minimises an estimate of the integrated squared error, a target that says little in large "
            "dimension."
        )
    if method == "theory":
        return (
            f"{shown} is best in Kullback-Leibler divergence for Gaussian data of this covariance in the limit of "
            'large dimension; these data are finite, and method="loo" looks at them.'
        )
    return f"{shown} is the value of {method_words(method)}."
