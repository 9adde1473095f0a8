"""Bootstrap of the tilted mean: resample samples, or prompts where there are several.

A resample is a vector of counts, so a block of resamples costs one product of the counts with
``exp(t r)`` on a grid of tilts. At fixed t that is the answer. At a fixed KL budget the dual form
``R(KL) = inf over t of (Lambda(t) + KL)/t`` gives it: the smallest value on the grid, refined by
the parabola through its neighbours in log t.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from ..core.progress import Progress
from ..core.replicates import run_replicates
from ..core.rng import RngLike
from ..core.validation import FloatArray
from .sample_moments import RewardGroups, tilt_groups

__all__ = ["BLOCK", "Resamples", "dual_grid", "resample"]

# Resamples that share one seed child; part of what a seed means, so it never changes.
BLOCK = 32
# Cells of one exp(t r) table (samples x tilts).
_CELLS = 1_000_000
# Steps of the grid of tilts: the parabola through three of them is good to 1e-4 of the value or better.
_STEP, _COARSE_STEP = 1.1, 1.5
# Sums below this have lost digits to underflow; the resample is then at its maximum.
_TINY = 1e-280
# Smaller exponents are zero in effect, and exp is twenty times slower where it underflows.
_LOWEST = -690.0


@dataclass(frozen=True, eq=False)
class Resamples:
    """Estimates of every resample.

    Attributes
    ----------
    values : dict of str to ndarray of shape (resamples, points)
        ``reward``, ``kl`` (at fixed t) or ``t`` (at fixed KL), and ``true_reward`` if there is one.
    saturated_share : ndarray of shape (points,)
        Share of the resamples whose own ceiling lies below the budget.
    seed : SeedSequence
        Seed that gives them again.
    """

    values: dict[str, FloatArray]
    saturated_share: FloatArray
    seed: SeedSequence


@dataclass(frozen=True, eq=False)
class _PromptTables:
    """Moments of each prompt (rows) at each column, rewards counted from its largest."""

    log_mgf: FloatArray
    reward: FloatArray
    kl: FloatArray
    true: FloatArray | None
    top_true: FloatArray | None


@dataclass(frozen=True, eq=False)
class _Study:
    """What a worker needs: samples, tilts of the columns, and the question."""

    groups: RewardGroups
    columns: FloatArray
    budgets: FloatArray | None  # None: t is held and the columns are the answer
    zero: NDArray[np.bool_]  # points at which the budget buys nothing: the plain mean
    prompts: _PromptTables | None = None


@dataclass(frozen=True, eq=False)
class _Sums:
    """Moments of each resample at each column, rewards counted from `edge`."""

    log_mgf: FloatArray
    reward: FloatArray
    kl: FloatArray
    true: FloatArray | None
    edge: FloatArray
    best: FloatArray
    best_kl: FloatArray
    best_true: FloatArray | None


def resample(
    groups: RewardGroups,
    t: FloatArray,
    budgets: FloatArray | None,
    *,
    resamples: int,
    rng: RngLike = None,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> Resamples:
    """Return bootstrap replicates of the tilted mean.

    Parameters
    ----------
    groups : RewardGroups
        Samples; several prompts are resampled as wholes, each with all its samples.
    t : ndarray of shape (points,)
        Tilts of the sample at the points.
    budgets : ndarray of shape (points,) or None
        KL budgets if they are what is held fixed, nats.
    resamples : int
        Number of resamples.
    rng, n_jobs, progress
        As in `infostat.core.replicates.run_replicates`.

    Returns
    -------
    Resamples
        Replicates in the order of the points.

    Examples
    --------
    >>> from infostat.alignment.sample_moments import group_rewards
    >>> groups = group_rewards(np.arange(50.0), np.array([0, 50]))
    >>> found = resample(groups, np.array([0.0]), None, resamples=64, rng=1)
    >>> found.values["reward"].shape, bool(abs(found.values["reward"].mean() - 24.5) < 1.0)
    ((64, 1), True)
    """
    shift = float(groups.top.max())
    moved = replace(groups, r=groups.r - shift)
    columns = t if budgets is None else dual_grid(groups, t)
    tables = _prompt_tables(moved, columns) if groups.n_groups > 1 else None
    study = _Study(moved, columns, budgets, t == 0.0, tables)
    run = run_replicates(
        _block, resamples, rng=rng, block_length=BLOCK, payload=study, n_jobs=n_jobs, progress=progress
    )
    values = {name: np.asarray(array, dtype=np.float64) for name, array in run.values.items()}
    share = values.pop("saturated").mean(axis=0)
    values["reward"] = values["reward"] + shift
    return Resamples(values, np.asarray(share), run.seed)


def dual_grid(groups: RewardGroups, t: FloatArray) -> FloatArray:
    """Return the tilts on which the dual form is minimised, zero first.

    Parameters
    ----------
    groups : RewardGroups
        Samples.
    t : ndarray of shape (points,)
        Tilts of the sample at the budgets; inf where it is saturated.

    Returns
    -------
    ndarray of shape (columns,)
        0, steps of 1.1 from a quarter of the smallest tilt to four times the largest, steps of 1.5
        thirty times further.

    Examples
    --------
    >>> from infostat.alignment.sample_moments import group_rewards
    >>> grid = dual_grid(group_rewards(np.arange(9.0), np.array([0, 9])), np.array([1.0]))
    >>> float(grid[0]), float(grid[1]), len(grid)
    (0.0, 0.25, 41)
    """
    usable = t[np.isfinite(t) & (t > 0.0)]
    if not len(usable):
        from .prompts import shared_t_for_kl

        ceiling = float(groups.ceiling.mean())
        usable = np.array([shared_t_for_kl(groups, 0.9 * ceiling)]) if ceiling > 0.0 else np.array([1.0])
        usable = usable[usable > 0.0] if (usable > 0.0).any() else np.array([1.0])
    low, high = 0.25 * float(usable.min()), 4.0 * float(usable.max())
    steps = math.ceil(math.log(high / low) / math.log(_STEP))
    fine = low * _STEP ** np.arange(steps + 1)
    coarse = fine[-1] * _COARSE_STEP ** np.arange(1, math.ceil(math.log(30.0) / math.log(_COARSE_STEP)) + 1)
    return np.concatenate([[0.0], fine, coarse])


def _block(study: _Study, generator: Generator, start: int, stop: int) -> Mapping[str, NDArray[np.float64]]:
    """One block of resamples."""
    if study.prompts is not None:
        n = study.groups.n_groups
        counts = generator.multinomial(n, np.full(n, 1.0 / n), size=stop - start).astype(np.float64)
        sums = _prompt_sums(study, study.prompts, counts)
    else:
        sums = _sample_sums(study, _sample_counts(study.groups, generator, stop - start))
    return _at_tilts(study, sums) if study.budgets is None else _at_budgets(study, study.budgets, sums)


def _sample_counts(groups: RewardGroups, generator: Generator, rows: int) -> NDArray[np.float32]:
    """Multinomial counts of the levels; float32 holds counts below 16 million exactly."""
    size, levels = int(groups.size[0]), len(groups.r)
    if 8 * levels < size:
        return generator.multinomial(size, groups.count / size, size=rows).astype(np.float32)
    level = np.repeat(np.arange(levels), groups.count.astype(np.int64))
    counts = np.empty((rows, levels), dtype=np.float32)
    for row in range(rows):
        counts[row] = np.bincount(level[generator.integers(0, size, size)], minlength=levels)
    return counts


def _sample_sums(study: _Study, counts: NDArray[np.float32]) -> _Sums:
    columns = study.columns
    out = [np.empty((len(counts), len(columns))) for _ in range(4)]
    upper = columns >= 0.0
    found: dict[bool, _Sums] = {}
    for positive in (True, False):
        mine = upper if positive else ~upper
        if mine.any():
            sign = 1.0 if positive else -1.0
            part = _one_sided(study.groups, counts, np.abs(columns[mine]), sign, study.budgets)
            found[positive] = part
            for target, values in zip(out, (part.log_mgf, part.reward, part.kl, part.true), strict=True):
                if values is not None:
                    target[:, mine] = values
    ends = found.get(True) or found[False]
    true = out[3] if study.groups.true is not None else None
    return _Sums(out[0], out[1], out[2], true, ends.edge, ends.best, ends.best_kl, ends.best_true)


def _one_sided(
    groups: RewardGroups, counts: NDArray[np.float32], t: FloatArray, sign: float, budgets: FloatArray | None
) -> _Sums:
    """Sums at tilts sign * t, t >= 0, rewards counted from the edge of that side."""
    rows, size = len(counts), float(groups.size[0])
    edge = float(groups.r[-1] if sign > 0 else groups.r[0])
    distance = sign * (groups.r - edge)
    finite = np.where(np.isfinite(distance), distance, 0.0)
    s0, s1, sg = (np.zeros((rows, len(t))) for _ in range(3))
    # At fixed KL the dual form needs Lambda only, and the mean at t = 0 for a budget of zero.
    odd = not (np.isfinite(distance).all() and np.isfinite(t).all())
    first = slice(None) if budgets is None else slice(0, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        step = max(1, _CELLS // len(t))
        for start in range(0, len(distance), step):
            part = slice(start, start + step)
            exponent = np.multiply.outer(distance[part], t)
            if odd:
                exponent[np.isnan(exponent)] = 0.0  # 0 * inf: no tilt, or the edge itself
            np.maximum(exponent, _LOWEST, out=exponent)
            table, block = np.exp(exponent), counts[:, part].astype(np.float64)
            s0 += block @ table
            s1[:, first] += block @ (table[:, first] * finite[part, None])
            if groups.true is not None:
                sg += block @ (table * groups.true[part, None])
    best, n_best, best_true = _best(groups, counts, distance, sign)
    usable = s0 > _TINY
    safe = np.where(usable, s0, 1.0)
    log_mgf = np.where(usable, np.log(safe / size), -np.inf)
    mean = np.where(usable & np.isfinite(t), s1 / safe, best[:, None])
    best_kl = np.log(size / n_best)
    with np.errstate(invalid="ignore"):
        kl = np.where(usable & np.isfinite(t), t * mean - log_mgf, best_kl[:, None])
    if not np.isfinite(distance).all():
        mean = np.where(t == 0.0, -np.inf, mean)
        kl = np.where(t == 0.0, 0.0, kl)
    true = None if best_true is None else np.where(usable & np.isfinite(t), sg / safe, best_true[:, None])
    edges = np.full(rows, edge)
    return _Sums(log_mgf, edge + sign * mean, np.maximum(kl, 0.0), true, edges, edge + sign * best, best_kl, best_true)


def _best(
    groups: RewardGroups, counts: NDArray[np.float32], distance: FloatArray, sign: float
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Extreme reward of each resample, how often it came, and the mean true reward there."""
    present = counts > 0
    if sign > 0:
        at = present.shape[1] - 1 - np.argmax(present[:, ::-1], axis=1)
    else:
        at = np.argmax(present, axis=1)
    best = distance[at]
    if groups.true is None:
        return best, counts[np.arange(len(counts)), at].astype(np.float64), None
    tied = np.where(distance == best[:, None], counts, 0.0).astype(np.float64)
    n_best = tied.sum(axis=1)
    return best, n_best, np.asarray(tied @ groups.true / n_best)


def _prompt_tables(groups: RewardGroups, columns: FloatArray) -> _PromptTables:
    own = replace(groups, r=groups.r - groups.top[groups.group])
    tilts = [tilt_groups(own, float(t)) for t in columns]
    true = top_true = None
    if groups.true is not None:
        beside = [groups.total(np.exp(x.log_ratio) * groups.true) / groups.size for x in tilts]
        limit = np.exp(tilt_groups(own, math.inf).log_ratio)
        true, top_true = np.stack(beside, axis=1), groups.total(limit * groups.true) / groups.size
    log_mgf, reward, kl = (np.stack([getattr(x, name) for x in tilts], axis=1) for name in ("log_mgf", "reward", "kl"))
    return _PromptTables(log_mgf, reward, kl, true, top_true)


def _prompt_sums(study: _Study, tables: _PromptTables, counts: FloatArray) -> _Sums:
    groups = study.groups
    share = counts / groups.n_groups
    edge = share @ groups.top
    with np.errstate(invalid="ignore"):
        log_mgf, reward = share @ tables.log_mgf, edge[:, None] + share @ tables.reward
    reward = np.where(np.isnan(reward), -np.inf, reward)  # a mean of -inf with count 0
    true = None if tables.true is None else share @ tables.true
    top_true = None if tables.top_true is None else share @ tables.top_true
    return _Sums(log_mgf, reward, share @ tables.kl, true, edge, edge, share @ groups.ceiling, top_true)


def _at_tilts(study: _Study, sums: _Sums) -> dict[str, NDArray[np.float64]]:
    saturated = np.broadcast_to(np.isinf(study.columns), sums.reward.shape).astype(np.float64)
    found = {"reward": sums.reward, "kl": sums.kl, "saturated": saturated}
    return found if sums.true is None else {**found, "true_reward": sums.true}


def _at_budgets(study: _Study, budgets: FloatArray, sums: _Sums) -> dict[str, NDArray[np.float64]]:
    rows, points = len(sums.edge), len(budgets)
    reward, t, saturated, true = (np.empty((rows, points)) for _ in range(4))
    grid, log_mgf = study.columns[1:], sums.log_mgf[:, 1:]
    for k, budget in enumerate(budgets):
        if study.zero[k]:
            reward[:, k], t[:, k], saturated[:, k] = sums.reward[:, 0], 0.0, 0.0
            true[:, k] = 0.0 if sums.true is None else sums.true[:, 0]
            continue
        value, log_t, at, weight = _dual(log_mgf, grid, float(budget))
        over = sums.best_kl <= budget
        reward[:, k] = np.where(over, sums.best, np.minimum(sums.edge + value, sums.best))
        t[:, k] = np.where(over, np.inf, np.exp(log_t))
        saturated[:, k] = over
        if sums.true is not None and sums.best_true is not None:
            beside = np.take_along_axis(sums.true[:, 1:], at, axis=1)
            true[:, k] = np.where(over, sums.best_true, (weight * beside).sum(axis=1))
    found = {"reward": reward, "t": t, "saturated": saturated}
    return found if sums.true is None else {**found, "true_reward": true}


def _dual(
    log_mgf: FloatArray, t: FloatArray, budget: float
) -> tuple[FloatArray, FloatArray, NDArray[np.intp], FloatArray]:
    """Minimum of (Lambda + KL)/t by rows: value, log t, and three columns with Lagrange weights there."""
    rows = np.arange(len(log_mgf))
    height = np.where(np.isfinite(log_mgf), (log_mgf + budget) / t, np.inf)
    lowest = np.argmin(height, axis=1)
    middle = np.clip(lowest, 1, len(t) - 2)
    at = middle[:, None] + np.array([-1, 0, 1])
    x, h = np.log(t)[at], np.take_along_axis(height, at, axis=1)
    interior = (lowest == middle) & np.isfinite(h).all(axis=1)
    h = np.where(interior[:, None], h, np.array([1.0, 0.0, 1.0]))
    rise, later = (h[:, 1] - h[:, 0]) / (x[:, 1] - x[:, 0]), (h[:, 2] - h[:, 1]) / (x[:, 2] - x[:, 1])
    bend = (later - rise) / (x[:, 2] - x[:, 0])
    interior &= bend > 0.0
    bend = np.where(bend > 0.0, bend, 1.0)
    place = np.where(interior, 0.5 * (x[:, 0] + x[:, 1]) - 0.5 * rise / bend, np.log(t)[lowest])
    inside = np.where(interior, place, x[:, 1])
    weight = np.stack([_lagrange(x, inside, i) for i in range(3)], axis=1)
    weight = np.where(interior[:, None], weight, (at == lowest[:, None]).astype(np.float64))
    vertex = h[:, 0] + rise * (inside - x[:, 0]) + bend * (inside - x[:, 0]) * (inside - x[:, 1])
    return np.where(interior, vertex, height[rows, lowest]), place, at, weight


def _lagrange(x: FloatArray, at: FloatArray, i: int) -> FloatArray:
    others = [j for j in range(3) if j != i]
    top = np.prod([at - x[:, j] for j in others], axis=0)
    return np.asarray(top / np.prod([x[:, i] - x[:, j] for j in others], axis=0))
