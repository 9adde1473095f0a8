"""The reward that a KL budget buys, from more samples than fit into memory."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import DataError, InfostatWarning, InputError, SampleSizeWarning
from ..core.progress import Progress, Report, progress_callback
from ..core.threads import run_blocks, threads
from ..core.validation import FloatArray, as_float_array, check_choice, check_count, check_number
from .estimation_result import COLLAPSED, EstimateResult, status_words
from .laws import check_span, check_strengths
from .stream_cluster import reduce_parts
from .stream_grid import TiltGrid
from .stream_sources import BLOCK_ROWS, RewardStream, reward_blocks, reward_stream
from .stream_sums import ROWS, RewardBins, StreamMoments, tilt_moments

__all__ = ["stream_estimate"]

# Budgets when none are asked for, as `estimate` has them.
_POINTS = 25
# Blocks in flight per thread.
_AHEAD = 8
# Samples under a standard error below which its interval is short, as in `estimate`.
_FEWEST = 12.0
_EPS = float(np.finfo(np.float64).eps)


def stream_estimate(
    source: Any,
    t: ArrayLike | None = None,
    *,
    kl: ArrayLike | None = None,
    column: str | None = None,
    confidence_level: float = 0.95,
    nan: str = "raise",
    chunk_rows: int | None = None,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> EstimateResult:
    """Estimate the KL-constrained optimum of a reward from a stream of samples.

    Parameters
    ----------
    source : path, iterator, Dask frame, array_like or frame
        Rewards of draws of one population. ``.npy`` files are mapped; Parquet, text and JSON Lines
        files above 64 MB are read in chunks; an iterator yields arrays or frames and is used up; a
        function that returns a new iterator may be read again.
    t : float or array_like, optional
        Tilts 1/beta; negative ones minimise the reward. One pass.
    kl : float or array_like, optional
        KL budgets, nats. Two passes, so not from an iterator. With neither `t` nor `kl` 25 budgets
        up to the point where 10 effective samples are left.
    column : str, optional
        Column of tables; ``reward``, or the only one, if None.
    confidence_level : float
        Level of the intervals.
    nan : {"raise", "drop"}
        What to do with missing rewards.
    chunk_rows : int, optional
        Rewards in a block, 1 048 576 if None. Results depend on it by rounding only.
    n_jobs : int, optional
        Threads; the numbers do not depend on it.
    progress : bool or callable
        Report rewards read.

    Returns
    -------
    EstimateResult
        As from `estimate`; numbers for a number asked, arrays in the order of an array asked.

    Raises
    ------
    InputError
        If both `t` and `kl` are given, a budget is negative, a tilt NaN, or budgets are asked of an
        iterator.
    DataError
        If there are fewer than 2 rewards, missing or +inf ones, -inf beside t < 0, or the source is
        no single population.
    DataFileError
        If a file cannot be read.

    Warns
    -----
    SampleSizeWarning
        If a budget reaches the ceiling log(M/#max) of the samples.

    Notes
    -----
    Blocks of fixed length are reduced to sums of exponentials and merged in their order; memory is
    that of a few blocks. Every reward adds eight powers to a bin, whatever the number of tilts, and
    ``exp(t r)`` is expanded about the centres of the bins (relative error about 1e-15). Formulas and
    standard errors are those of `estimate`. Derived and checked against direct sums in extended
    precision in this project.

    Examples
    --------
    >>> import numpy as np
    >>> pieces = (np.arange(i, i + 100) / 100.0 for i in range(0, 1000, 100))
    >>> result = stream_estimate(pieces, t=[0.0, 1.0])
    >>> result.reward.round(6), result.n_samples
    (array([4.995   , 8.995446]), 1000)
    >>> from infostat.alignment.estimation import estimate
    >>> whole = estimate(np.arange(1000) / 100.0, t=[0.0, 1.0])
    >>> bool(np.allclose(result.reward, whole.reward, rtol=1e-13))
    True
    """
    if t is not None and kl is not None:
        raise InputError("at most one of t and kl may be given, got both")
    level = check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
    check_choice("nan", nan, ("raise", "drop"))
    rows = BLOCK_ROWS if chunk_rows is None else check_count("chunk_rows", chunk_rows, low=1)
    workers = threads(n_jobs)
    held = "kl" if t is None else "t"
    asked = None if t is None and kl is None else _points(held, t if kl is None else kl)
    stream = reward_stream(source, column, rows)
    if held == "kl" and not stream.again:
        raise InputError(
            "kl needs two passes, got an iterator, which can be read once; pass a file, a function that returns a new "
            "iterator, or tilts with t="
        )
    with progress_callback(progress, "stream") as report:
        reading = _Reading(stream, rows, nan == "drop", workers, report, 1 if held == "t" else 2)
        table = _by_tilts(reading, asked) if held == "t" and asked is not None else _by_budgets(reading, asked)
    single = asked is not None and asked.ndim == 0
    return _wrap(table, reading, held, level, single)


def _points(name: str, value: Any) -> FloatArray:
    points = as_float_array(name, value, ndim=(0, 1), finite=False)
    if not points.size:
        raise InputError(f"{name} must hold at least one number, got none")
    if np.isnan(points).any():
        raise InputError(f"{name} must not hold NaN, got {int(np.isnan(points).sum())}")
    if name == "kl" and (points < 0).any():
        raise InputError(f"kl must be >= 0, got {points.min():g}; for the smallest rewards pass t < 0")
    if name == "t":
        check_strengths(points)
    return points


# ---------------------------------------------------------------------------------------- passes
class _Reading:
    """Passes over a stream: blocks reduced on threads, results in the order of the blocks."""

    def __init__(
        self, stream: RewardStream, rows: int, drop: bool, workers: int, report: Report | None, passes: int
    ) -> None:
        self.stream, self.rows, self.drop, self.workers, self.report = stream, rows, drop, workers, report
        self.passes, self._done_passes = passes, 0
        self.n_dropped = 0

    def reduce(self, function: Callable[[FloatArray], Any], merge: Callable[[Any, Any], Any]) -> Iterator[Any]:
        """Yield the function of each block, in order; of a Dask collection what each partition amounts to."""
        if self.stream.parts:
            yield from self._on_workers(function, merge)
        else:
            blocks = self._blocks()
            while batch := list(islice(blocks, 1 if self.workers == 1 else _AHEAD * self.workers)):
                yield from run_blocks(function, [(block,) for block in batch], self.workers)
        self._done_passes += 1

    def _on_workers(self, function: Callable[[FloatArray], Any], merge: Callable[[Any, Any], Any]) -> Iterator[Any]:
        keep = partial(_without_missing, drop=self.drop)
        found = reduce_parts(self.stream.parts, self.rows, keep, function, merge)
        self.n_dropped = sum(part.n_dropped for part in found)
        if self.report is not None:
            total = sum(part.n_rows for part in found)
            self.report((self._done_passes + 1) * total, self.passes * total)
        yield from (part.state for part in found if part.state is not None)

    def _blocks(self) -> Iterator[FloatArray]:
        seen = dropped = 0
        for block in reward_blocks(self.stream, self.rows):
            kept = _without_missing(block, seen, drop=self.drop)
            seen += len(block)
            dropped += len(block) - len(kept)
            if self.report is not None:
                total = self.stream.total or seen
                self.report(self._done_passes * total + seen, self.passes * total)
            if len(kept):
                yield kept
        self.n_dropped = dropped


def _without_missing(block: FloatArray, before: int, where: str = "", *, drop: bool) -> FloatArray:
    # The maximum of an array with NaN is NaN: no mask unless it is needed.
    if not math.isnan(float(block.max())):
        return block
    missing = np.isnan(block)
    if not drop:
        raise DataError(
            f"source must not hold missing rewards, got the first at row {before + int(np.argmax(missing))}{where}; "
            'fill them, or leave them out with nan="drop"'
        )
    return np.asarray(block[~missing])


def _grid_of(block: FloatArray, tilts: FloatArray) -> TiltGrid:
    return TiltGrid(tilts).update(block)


def _bins_of(block: FloatArray, top: float, bottom: float, source: str) -> FloatArray:
    values = _finite(block)
    # Bins reach from the smallest to the largest reward of the first pass.
    if values.size and not (bottom <= values.min() and values.max() <= top):
        raise _changed(source)
    return RewardBins(top, top - bottom).moments(values)


def _changed(source: str) -> DataError:
    return DataError(
        f"source must give the same rewards in both passes, got others the second time from {source}; a function must "
        "return a new iterator over the same rewards each time, and a file must not be written to meanwhile"
    )


def _collect(reading: _Reading, tilts: FloatArray) -> TiltGrid:
    grid = TiltGrid(tilts)
    for part in reading.reduce(partial(_grid_of, tilts=tilts), TiltGrid.merge):
        grid.merge(part)
    if grid.n_samples < 2:
        raise DataError(f"source must hold at least 2 rewards, got {grid.n_samples}")
    if grid.n_top == 0:
        raise DataError(f"source must hold a finite reward, got -inf {grid.n_samples} times")
    check_span(grid.bottom, grid.top)
    return grid


@dataclass(frozen=True, eq=False)
class _Table:
    grid: TiltGrid
    moments: StreamMoments


def _by_tilts(reading: _Reading, asked: FloatArray) -> _Table:
    grid = _collect(reading, asked.reshape(-1))
    return _Table(grid, grid.moments())


def _by_budgets(reading: _Reading, asked: FloatArray | None) -> _Table:
    """First pass: count and range. Second: bins, from which any tilt can be read."""
    grid = _collect(reading, np.zeros(1))
    ceiling = math.log(grid.n_samples / grid.n_top)
    lost = -math.log1p(-grid.n_lost / grid.n_samples)
    if grid.top == grid.bottom:
        tilts = np.array([_no_choice(x, ceiling, lost) for x in (np.zeros(1) if asked is None else asked.reshape(-1))])
        return _Table(grid, _moments_at(grid, None, tilts))
    bins = RewardBins(grid.top, grid.top - grid.bottom)
    again = partial(_bins_of, top=grid.top, bottom=grid.bottom, source=reading.stream.source)
    for part in reading.reduce(again, np.add):
        bins.add(part)
    if round(float(bins.sums(np.zeros(1))[0, 0])) != grid.n_samples - grid.n_lost:
        raise _changed(reading.stream.source)
    curve = _Curve(grid, bins, ceiling, lost)
    budgets = curve.default_budgets() if asked is None else asked.reshape(-1)
    return _Table(grid, _moments_at(grid, bins, np.array([curve.tilt(float(x)) for x in budgets])))


def _finite(block: FloatArray) -> FloatArray:
    return block if block.min() > -np.inf else np.asarray(block[block > -np.inf])


def _no_choice(kl: float, ceiling: float, lost: float) -> float:
    """Tilt where all finite rewards are equal: only those of -inf can be avoided."""
    return math.inf if lost > 0.0 and kl >= ceiling else 0.0


def _moments_at(grid: TiltGrid, bins: RewardBins | None, tilts: FloatArray) -> StreamMoments:
    """Moments at tilts >= 0, of which some may be infinite."""
    n_finite = grid.n_samples - grid.n_lost
    sums = np.zeros((ROWS, len(tilts)))
    # Where there is no choice, or t = inf, only counts: at no distance from the top.
    sums[[0, 3, 6, 7]] = np.where(np.isinf(tilts), float(grid.n_top), float(n_finite))
    inner = np.isfinite(tilts)
    if bins is not None and inner.any():
        sums[:, inner] = bins.sums(tilts[inner])
    return tilt_moments(sums, tilts, 1.0, grid.top, grid.n_samples, grid.n_lost)


class _Curve:
    """KL and effective sample size as functions of t >= 0."""

    def __init__(self, grid: TiltGrid, bins: RewardBins, ceiling: float, lost: float) -> None:
        self._grid, self._bins, self.ceiling, self.lost = grid, bins, ceiling, lost
        self._lowest = 1e-9 / (grid.top - grid.bottom)

    def at(self, t: float) -> StreamMoments:
        return _moments_at(self._grid, self._bins, np.array([t]))

    def tilt(self, kl: float) -> float:
        """Tilt that spends `kl`: inf at the ceiling, 0 where nothing can be spent."""
        budget, largest = kl - self.lost, self.ceiling - self.lost
        if budget <= 0.0:
            return 0.0
        if budget >= largest - 4.0 * _EPS * max(1.0, largest):
            return math.inf

        def excess(log_t: float) -> float:
            spent = float(self.at(math.exp(log_t)).kl[0]) - self.lost
            if budget > 0.5 * largest:
                # In the distance from the ceiling, which t changes exponentially.
                left = largest - spent
                return math.log((largest - budget) / left) if left > 0.0 else 700.0
            return math.sqrt(max(spent, 0.0)) - math.sqrt(budget)

        return self._root(excess)

    def default_budgets(self) -> FloatArray:
        """Budgets even in sqrt(KL), up to where the samples collapse."""
        wanted, room = 1.001 * COLLAPSED, self.ceiling - self.lost
        last = self.lost + 0.99 * room
        if float(self.at(self._lowest).ess[0]) <= wanted:
            last = self.lost + 0.5 * room
        elif self._grid.n_top < wanted:
            t = self._root(lambda log_t: wanted - float(self.at(math.exp(log_t)).ess[0]))
            last = min(float(self.at(t).kl[0]), last)
        even = np.linspace(0.0, 1.0, _POINTS) ** 2
        return np.asarray(self.lost + (last - self.lost) * (even[1:] if self.lost > 0.0 else even))

    def _root(self, function: Callable[[float], float]) -> float:
        """t where an increasing function of log t is zero."""
        from scipy.optimize import brentq

        low, high = math.log(self._lowest), math.log(self._bins.largest)
        if function(low) >= 0.0:
            return math.exp(low)
        if function(high) <= 0.0:
            return math.inf
        return math.exp(float(brentq(function, low, high, xtol=1e-14, rtol=4.0 * _EPS, maxiter=300)))


# ---------------------------------------------------------------------------------------- result
def _wrap(table: _Table, reading: _Reading, held: str, level: float, single: bool) -> EstimateResult:
    grid, moments = table.grid, table.moments
    saturated = np.isinf(moments.t)
    errors = _errors(moments, held, saturated)
    from scipy.special import ndtri

    margin = float(ndtri(0.5 * (1.0 + level))) * errors["se_reward"]
    # A mean of -inf has no interval.
    margin = np.where(np.isinf(moments.reward), 0.0, margin)
    ceiling = math.log(grid.n_samples / grid.n_top)
    if saturated.any():
        warnings.warn(
            f"{int(saturated.sum())} of {len(moments.t)} points reach the ceiling of the samples, a KL of "
            f"{ceiling:.4g} nats: the law on the best samples is returned",
            SampleSizeWarning,
            stacklevel=3,
        )
    if reading.n_dropped:
        total = grid.n_samples + reading.n_dropped
        warnings.warn(
            f"{reading.n_dropped} of {total} rewards are missing and were left out", InfostatWarning, stacklevel=3
        )
    status = status_words(moments.ess)

    def give(values: Any) -> Any:
        return values[0].item() if single else values

    return EstimateResult(
        t=give(moments.t),
        reward=give(moments.reward),
        kl=give(moments.kl),
        log_mgf=give(moments.log_mgf),
        ess=give(moments.ess),
        perplexity_ess=give(grid.n_samples * np.exp(-moments.kl)),
        se_reward=give(errors["se_reward"]),
        se_log_mgf=give(errors["se_log_mgf"]),
        status=status[0] if single else status,
        saturated=give(saturated),
        kl_by_prompt=None,
        kl_ceiling=ceiling,
        se_kl=give(errors["se_kl"]),
        low=give(moments.reward - margin),
        high=give(moments.reward + margin),
        bias_reward=give(errors["bias"]),
        ess_se=give(errors["ess_se"]),
        true_reward=None,
        se_true_reward=None,
        share_collapsed=None,
        held=held,
        confidence_level=level,
        n_samples=grid.n_samples,
        n_prompts=None,
        prompts=(),
        degenerate=grid.top == grid.bottom and not grid.n_lost,
        bootstrap=None,
        flags=_flags(table, reading, errors, saturated),
        n_dropped=reading.n_dropped,
        interpretation=_interpret(moments, status, ceiling),
        source=reading.stream.source,
    )


def _errors(moments: StreamMoments, held: str, saturated: Any) -> dict[str, FloatArray]:
    """Standard errors and biases with what is asked for held fixed; nan where saturated."""
    t = moments.t
    found = {
        "se_reward": np.sqrt(moments.var_reward),
        "se_log_mgf": np.sqrt(moments.var_log_mgf),
        "se_kl": np.sqrt(moments.var_kl),
        "bias": moments.bias.copy(),
        "ess_se": moments.rest_reward.copy(),
    }
    at = (t != 0.0) & ~saturated
    if held == "kl":
        # The envelope theorem: with the KL held, only Lambda moves the reward.
        found["se_reward"][at] = found["se_log_mgf"][at] / t[at]
        found["ess_se"][at] = moments.rest_log_mgf[at]
        curved = t[at] ** 2 * moments.variance[at]
        choice = np.divide(moments.var_kl[at], curved, out=np.zeros(len(curved)), where=curved > 0.0)
        found["bias"][at] = -0.5 * (moments.var_log_mgf[at] + choice) / t[at]
    for values in found.values():
        values[saturated] = np.nan
    if held == "kl":
        found["se_kl"] = np.zeros(len(t))
    return found


def _flags(table: _Table, reading: _Reading, errors: dict[str, FloatArray], saturated: Any) -> tuple[str, ...]:
    usable = ~saturated & (table.moments.ess >= COLLAPSED)
    with np.errstate(invalid="ignore"):
        large = usable & (np.abs(errors["bias"]) > 0.5 * errors["se_reward"])
        thin = bool((errors["ess_se"] < min(_FEWEST, table.grid.n_samples / 5.0)).any())
    degenerate = table.grid.top == table.grid.bottom and not table.grid.n_lost
    words = {
        "nan_dropped": reading.n_dropped > 0,
        "saturated": bool(saturated.any()),
        "collapsed": bool((table.moments.ess < COLLAPSED).any()),
        "bias_low": bool((large & (errors["bias"] < 0)).any()),
        "bias_high": bool((large & (errors["bias"] > 0)).any()),
        "degenerate": degenerate,
        "minus_infinity": table.grid.n_lost > 0,
        "interval_optimistic": not degenerate and (thin or bool(large.any())),
    }
    return tuple(word for word, holds in words.items() if holds)


def _interpret(moments: StreamMoments, status: tuple[str, ...], ceiling: float) -> str:
    trusted = [float(kl) for kl, word in zip(moments.kl, status, strict=True) if word == "ok"]
    end = f"the ceiling of these samples is {ceiling:.3g} nats, beyond which they say nothing."
    if len(status) == 1:
        kind = "worst" if moments.t[0] < 0 else "best"
        return (
            f"Within a KL of {moments.kl[0]:.4g} nats the {kind} policy has mean reward {moments.reward[0]:.4g}, "
            f"resting on about {moments.ess[0]:.3g} effective samples ({status[0]}); {end}"
        )
    if not trusted:
        return f"No point rests on 100 effective samples; {end}"
    return f"Up to a KL of {max(trusted):.3g} nats the points rest on at least 100 effective samples; {end}"
