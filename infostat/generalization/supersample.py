"""Supersample experiments: train on one point of each pair, compare the losses on both.

A supersample is n pairs of independent points. A mask U picks the point of each pair that is trained on;
the other one is a test point. How well the loss difference of a pair tells which point was picked bounds
the generalization gap of any algorithm with a bounded loss.
"""

from __future__ import annotations

import inspect
import math
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..core.errors import DataError, InputError, InputTypeError, SampleSizeWarning, Words, describe
from ..core.progress import Progress
from ..core.replicates import run_replicates
from ..core.rng import RngLike, child_generator, seed_label
from ..core.validation import FloatArray, as_float_array, check_count, check_flag, check_number, short
from .ldmi import MOST_RESAMPLES, difference_levels, plugin_information, resampled_interval, table_flags
from .ldmi_result import FLAGS
from .supersample_results import SupersampleRun

__all__ = ["SupersampleExperiment"]

_MOST_TABLE_CELLS = 20_000_000
_MOST_LOSSES = 100_000_000  # all are kept, in about a gigabyte
_RESAMPLING = 2**31  # child of the seed that drives the bootstrap; supersamples have the children from 0 on


@dataclass(frozen=True)
class _Payload:
    """What a worker needs besides random numbers."""

    draw: Callable[..., Any]
    fit: Callable[..., Any]
    loss: Callable[..., Any]
    n: int
    masks: int
    passes_rng: bool


class SupersampleExperiment:
    """Generalization gap and loss-difference bound of any learner, by simulation on supersamples.

    Parameters
    ----------
    draw : callable
        ``draw(size, rng) -> (X, y)``: independent observations, rows of arrays or frames.
    fit : callable
        ``fit(X, y) -> f`` trains a model. If it has a parameter named ``rng``, it gets a generator, so that
        learners may be random.
    loss : callable
        ``loss(prediction, y)`` in [0, 1], one number per row.

    Raises
    ------
    InputTypeError
        If one of them is not callable.

    Notes
    -----
    ``f(X)`` must give predictions; an object that is not callable but has ``predict`` is used through that.

    Examples
    --------
    A learner that remembers its sample has training error 0, and half the new points are wrong:

    >>> import numpy as np
    >>> def draw(size, rng):
    ...     return rng.random(size), rng.integers(0, 2, size)
    >>> def remember(X, y):
    ...     return lambda new: y[np.abs(new[:, None] - X).argmin(axis=1)]
    >>> errors = SupersampleExperiment(draw, remember, lambda prediction, y: prediction != y)
    >>> found = errors.run(20, supersamples=20, masks=10, rng=1)
    >>> found.interpolating, round(found.gap, 1), round(found.gap_from_information, 1)
    (True, 0.5, 0.5)
    """

    def __init__(self, draw: Callable[..., Any], fit: Callable[..., Any], loss: Callable[..., Any]) -> None:
        for name, function, what in (
            ("draw", draw, "a function of (size, rng) that returns (X, y)"),
            ("fit", fit, "a function of (X, y) that returns a predictor"),
            ("loss", loss, "a function of (prediction, y) with values in [0, 1]"),
        ):
            if not callable(function):
                raise InputTypeError(describe(name, what, short(function)))
        self.draw, self.fit, self.loss = draw, fit, loss

    def run(
        self,
        n: int,
        supersamples: int = 50,
        masks: int = 40,
        rng: RngLike = None,
        *,
        symmetric: bool = True,
        bootstrap: int = 400,
        confidence_level: float = 0.95,
        n_jobs: int | None = None,
        batch_size: int | None = None,
        progress: Progress = False,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> SupersampleRun:
        """Train on ``supersamples x masks`` selections and return the gap and the bound.

        Parameters
        ----------
        n : int
            Pairs, which is the size of a training sample.
        supersamples : int
            Independent supersamples; each has a seed child of its own.
        masks : int
            Selections, that is trainings, per supersample.
        rng : None, int, SeedSequence or Generator
            Seed of everything.
        symmetric : bool
            Whether the learner treats its sample symmetrically (order does not matter); then all pairs share one
            table. False estimates one information per pair, from ``supersamples x masks`` observations.
        bootstrap : int
            Resamples of whole supersamples behind the interval; 0 leaves it out.
        confidence_level : float
            Level of the interval.
        n_jobs : int, optional
            Workers through joblib; the numbers do not depend on it.
        batch_size : int, optional
            Supersamples per task.
        progress : bool or callable
            Report finished supersamples.
        checkpoint : path, optional
            File that keeps finished supersamples; an interrupted run resumes from it.

        Returns
        -------
        SupersampleRun
            ``value gap mi mi_miller_madow`` with standard error and interval; nature ``"estimate"``.

        Raises
        ------
        InputError
            If a number is out of range, a loss leaves [0, 1], or all masks pick the same side.
        InputTypeError
            If `draw` does not return a pair.
        DataError
            If `draw`, the predictor or `loss` return another number of rows than asked for.

        Warns
        -----
        SampleSizeWarning
            If the table of differences has fewer than ten observations per cell.

        Notes
        -----
        ``Delta_i`` is the loss on point 1 of pair i minus that on point 0; ``gap = mean (-1)^U Delta`` is the mean
        test minus training loss, and ``value = mean_i sqrt(2 I(Delta_i; U_i))`` with plug-in informations, which
        err upward. With zero training error and 0-1 loss the gap equals ``I/log 2`` in expectation
        (`gap_from_information`).
        """
        size = check_count("n", n, low=1, high=10_000_000)
        count, selections = check_count("supersamples", supersamples, low=1), check_count("masks", masks, low=1)
        if 2 * size * count * selections > _MOST_LOSSES:
            required = f"small enough for n x supersamples x masks to be at most {_MOST_LOSSES // 2}"
            raise InputError(describe("supersamples and masks", required, Words(f"{count} and {selections}")))
        pooled, draws = check_flag("symmetric", symmetric), check_count("bootstrap", bootstrap, high=MOST_RESAMPLES)
        level = check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
        payload = _Payload(self.draw, self.fit, self.loss, size, selections, _has_rng(self.fit))
        run = run_replicates(
            _supersamples,
            count,
            rng=rng,
            payload=payload,
            n_jobs=n_jobs,
            batch_size=batch_size,
            progress=progress,
            checkpoint=checkpoint,
            study="supersamples",
            settings={"n": size, "masks": selections},
        )
        losses, u = np.asarray(run.values["losses"], dtype=np.float64), np.asarray(run.values["u"], dtype=np.int64)
        generator = child_generator(run.seed, _RESAMPLING)
        found = _wrap(losses, u, pooled, draws, level, generator, seed_label(run.seed))
        if "few_per_cell" in found.flags:
            warnings.warn(FLAGS["few_per_cell"], SampleSizeWarning, stacklevel=2)
        return found


# ------------------------------------------------------------------------------------- simulation
def _has_rng(fit: Callable[..., Any]) -> bool:
    try:
        return "rng" in inspect.signature(fit).parameters
    except (TypeError, ValueError):  # built-in functions have no signature
        return False


def _supersamples(payload: _Payload, generator: Generator, start: int, stop: int) -> Mapping[str, NDArray[Any]]:
    """Losses of shape (supersamples, masks, n, 2) and the masks that were drawn."""
    shape = (stop - start, payload.masks, payload.n)
    losses, masks = np.empty((*shape, 2)), np.empty(shape, dtype=np.int8)
    for row in range(stop - start):
        X, y = _draw(payload, generator)
        masks[row] = generator.integers(0, 2, size=shape[1:])
        for place, u in enumerate(masks[row]):
            seen = 2 * np.arange(payload.n) + u
            options = {"rng": generator} if payload.passes_rng else {}
            predict = _predictor(payload.fit(_rows(X, seen), _rows(y, seen), **options))
            losses[row, place] = _losses(payload, predict(X), y).reshape(-1, 2)
    return {"losses": losses, "u": masks}


def _draw(payload: _Payload, generator: Generator) -> tuple[Any, Any]:
    size = 2 * payload.n
    drawn = payload.draw(size, generator)
    if not isinstance(drawn, (tuple, list)) or len(drawn) != 2:
        raise InputTypeError(describe("what draw returns", "a pair (X, y)", short(drawn)))
    X, y = (part if hasattr(part, "iloc") else np.asarray(part) for part in drawn)
    for name, part in (("X", X), ("y", y)):
        if np.ndim(part) == 0 or len(part) != size:
            rows = "one number" if np.ndim(part) == 0 else f"{len(part)} rows"
            raise DataError(describe(f"{name} of draw(size, rng)", f"{size} rows, as asked for", Words(rows)))
    return X, y


def _rows(data: Any, rows: NDArray[np.int64]) -> Any:
    return data.iloc[rows] if hasattr(data, "iloc") else data[rows]


def _predictor(model: Any) -> Callable[[Any], Any]:
    if callable(model):
        found: Callable[[Any], Any] = model
        return found
    if not callable(getattr(model, "predict", None)):
        raise InputTypeError(describe("what fit returns", "a function of X, or a model with predict", short(model)))
    predict: Callable[[Any], Any] = model.predict
    return predict


def _losses(payload: _Payload, prediction: Any, y: Any) -> FloatArray:
    found = as_float_array("loss(prediction, y)", payload.loss(prediction, y))
    if found.shape != (2 * payload.n,):
        required = f"one number per row, {2 * payload.n} in all"
        raise DataError(describe("loss(prediction, y)", required, Words(f"shape {found.shape}")))
    if found.min() < -1e-9 or found.max() > 1.0 + 1e-9:
        worst = found.min() if found.min() < -1e-9 else found.max()
        raise InputError(describe("loss(prediction, y)", "in [0, 1]", float(worst), "divide by the range or clip"))
    return np.clip(found, 0.0, 1.0)


# ----------------------------------------------------------------------------------------- result
def _wrap(
    losses: FloatArray,
    u: NDArray[np.int64],
    pooled: bool,
    draws: int,
    level: float,
    generator: Generator,
    seed: int | str,
) -> SupersampleRun:
    supersamples, masks, n = u.shape
    places, values = difference_levels(losses[..., 1] - losses[..., 0], 1.0)
    train = np.take_along_axis(losses, u[..., None], axis=-1)[..., 0]
    test = np.take_along_axis(losses, 1 - u[..., None], axis=-1)[..., 0]
    gaps = (test - train).mean(axis=(1, 2))
    columns = 1 if pooled else n
    cells = 2 * places + u + (0 if pooled else 2 * len(values) * np.arange(n))
    tables = np.bincount(cells.ravel(), minlength=2 * len(values) * columns).reshape(columns, -1, 2).astype(np.float64)
    if (tables.sum(axis=1) == 0.0).any():
        raise InputError(
            f"masks must pick both points of a pair, got {supersamples * masks} selections that do not; raise masks"
        )
    plain, corrected = plugin_information(tables)
    flags, low, high = list(table_flags(tables, pooled=pooled)), math.nan, math.nan
    if draws and supersamples > 1 and supersamples * tables.size <= _MOST_TABLE_CELLS:
        offset = tables.size * np.arange(supersamples)[:, None, None]
        runs = np.bincount((cells + offset).ravel(), minlength=supersamples * tables.size)
        shaped = runs.reshape(supersamples, *tables.shape).astype(np.float64)
        low, high = resampled_interval(shaped, 1.0, level, draws, generator)
    else:
        flags.append("no_interval")
    interpolating = not train.any() and bool(np.isin(values, (-1.0, 0.0, 1.0)).all())
    value = float(np.sqrt(2.0 * plain).mean())
    gap = float(gaps.mean())
    return SupersampleRun(
        value=value,
        nature="estimate",
        sense="expectation",
        assumptions=(
            "the loss lies in [0, 1]",
            "the points of a supersample are independent draws of one law",
            *(("the learner treats its sample symmetrically",) if pooled else ()),
        ),
        gap=gap,
        gap_se=float(gaps.std(ddof=1) / math.sqrt(supersamples)) if supersamples > 1 else math.nan,
        test=float(test.mean()),
        train=float(train.mean()),
        mi=float(plain[0]) if pooled else plain,
        mi_miller_madow=float(corrected[0]) if pooled else corrected,
        low=low,
        high=high,
        confidence_level=level,
        gaps=gaps,
        differences=values,
        table=tables.sum(axis=0),
        interpolating=interpolating,
        gap_from_information=float(plain.mean()) / math.log(2.0) if interpolating else math.nan,
        n=n,
        supersamples=supersamples,
        masks=masks,
        bootstrap=draws,
        flags=tuple(flags),
        seed=seed,
        interpretation=(
            f"Test losses exceed training losses by {gap:.3g} on average; the loss-difference bound is estimated as "
            f"{value:.3g}, an estimate that errs upward."
        ),
    )
