"""Monte Carlo check of the sample estimates: bias, standard errors and coverage beside exact values."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InfostatWarning, InputError, InputTypeError, describe
from ..core.progress import Progress
from ..core.replicates import run_replicates
from ..core.results import Result
from ..core.rng import RngLike, seed_label
from ..core.tables import Cell, Section
from ..core.validation import MOST_DRAWS, FloatArray, as_float_array, as_plain_array, check_count, check_number, short
from .laws import is_frozen

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["AlignmentSimulation", "simulate_alignment"]

# Replicates that share a seed child: one of them takes about a millisecond.
_BLOCK = 4
_NAMES = ("value", "se", "inside", "weak")

# Budgets beyond it are of no law that can be simulated, and their tilts leave the floats.
_LARGEST_KL = 1e6


@dataclass(frozen=True, eq=False, repr=False)
class AlignmentSimulation(Result):
    """Estimates of the tilt and of best-of-N from simulated reward samples, beside the exact values.

    Arrays hold one entry per estimated quantity: first the KL budgets, then the numbers of draws.

    Attributes
    ----------
    n : int
        Samples in each data set.
    replicates : int
        Data sets.
    kl : ndarray of shape (k,)
        KL budgets of the tilt, nats.
    n_best : ndarray of int of shape (b,)
        Numbers of draws of best-of-N.
    exact : ndarray of shape (k + b,)
        Exact mean rewards, unit of the reward.
    mean : ndarray of shape (k + b,)
        Mean of the estimates.
    mean_se : ndarray of shape (k + b,)
        Monte Carlo standard error of `mean`.
    sd : ndarray of shape (k + b,)
        Standard deviation of the estimates.
    reported_se : ndarray of shape (k + b,)
        Mean of the standard errors that the estimates report.
    coverage : ndarray of shape (k + b,)
        Share of the data sets whose interval holds the exact value.
    coverage_se : ndarray of shape (k + b,)
        Its Monte Carlo standard error.
    share_weak : ndarray of shape (k + b,)
        Share of the data sets that call their own estimate weak or collapsed (tilt), or its standard
        error unreliable (best-of-N).
    confidence_level : float
        Nominal level of the intervals.
    law : str
        Law of the reward under the reference.
    seed : int or str
        Gives the same numbers again as ``rng``.
    interpretation : str
        What it shows, in a sentence.
    nature : str
        ``"estimate"``.
    """

    n: int
    replicates: int
    kl: FloatArray
    n_best: NDArray[np.int64]
    exact: FloatArray
    mean: FloatArray
    mean_se: FloatArray
    sd: FloatArray
    reported_se: FloatArray
    coverage: FloatArray
    coverage_se: FloatArray
    share_weak: FloatArray
    confidence_level: float
    law: str
    seed: int | str
    interpretation: str
    nature: str = "estimate"

    _headline = ("n", "replicates", "law", "coverage")

    def _title(self) -> str:
        return "Simulated estimates of aligned rewards"

    def _settings(self) -> dict[str, Cell]:
        return {"law": self.law, "seed": str(self.seed)}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per estimated quantity.

        Returns
        -------
        DataFrame
            ``method level exact mean mean_se sd reported_se coverage coverage_se share_weak``; the
            level is the KL budget of the tilt or the number of draws of best-of-N.
        """
        import pandas as pd

        methods = ["tilt"] * len(self.kl) + ["best_of_n"] * len(self.n_best)
        levels = np.concatenate([self.kl, self.n_best])
        names = ("exact", "mean", "mean_se", "sd", "reported_se", "coverage", "coverage_se", "share_weak")
        return pd.DataFrame({"method": methods, "level": levels, **{name: getattr(self, name) for name in names}})

    def _sections(self) -> Sequence[Section]:
        facts: list[list[Cell]] = [
            ["Samples in a data set", self.n],
            ["Data sets", self.replicates],
            ["Law of the reward", self.law],
            ["Level of the intervals", self.confidence_level],
            ["Seed", str(self.seed)],
        ]
        names = [f"tilt, KL {kl:g}" for kl in self.kl] + [f"best of {n}" for n in self.n_best]
        columns = (self.exact, self.mean, self.sd, self.reported_se, self.coverage, self.share_weak)
        rows: list[list[Cell]] = [[name, *map(float, cells)] for name, *cells in zip(names, *columns, strict=True)]
        header = ("mean reward of", "exact", "mean", "sd", "reported s.e.", "coverage", "weak")
        return [Section(facts), Section(rows, header)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_simulation import draw_coverage

        draw_coverage(ax, self, **kwargs)


def simulate_alignment(
    *,
    n: int,
    replicates: int,
    kl: ArrayLike = (0.1, 0.5, 1.0, 2.0),
    n_best: ArrayLike = (2, 4, 16, 64),
    law: Any = None,
    confidence_level: float = 0.95,
    rng: RngLike = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> AlignmentSimulation:
    """Simulate reward samples and compare what they estimate with the exact values.

    Parameters
    ----------
    n : int
        Samples in each data set, at least 2.
    replicates : int
        Data sets, at least 2.
    kl : array_like
        KL budgets of the tilt, nats.
    n_best : array_like of int
        Numbers of draws of best-of-N, from 1 to `n`.
    law : frozen scipy law, optional
        Continuous law of the reward under the reference; the standard normal law if None.
    confidence_level : float
        Level of the intervals.
    rng : None, int, SeedSequence or Generator
        Seed; four data sets share one of its children.
    n_jobs : int, optional
        Workers; the numbers do not depend on it.
    batch_size : int, optional
        Blocks of data sets per task.
    progress : bool or callable
        Report finished data sets.
    checkpoint : path, optional
        File that keeps finished data sets; an interrupted study resumes from it.

    Returns
    -------
    AlignmentSimulation
        Exact value, mean, spread, reported standard error and coverage of every estimate.

    Raises
    ------
    InputError
        If a number is out of range.
    InputTypeError
        If `law` is no frozen scipy law.

    Notes
    -----
    Each data set goes through `estimate` (at fixed KL) and `bon_curve`, with the normal intervals that
    these report. The exact values are `tilt` and `best_of_n` of the law.

    Examples
    --------
    >>> found = simulate_alignment(n=500, replicates=40, kl=[0.5], n_best=[4], rng=1)
    >>> found.exact.round(6)
    array([1.      , 1.029375])
    >>> bool((abs(found.mean - found.exact) < 5 * found.mean_se).all())
    True
    """
    size = check_count("n", n, low=2, high=1_000_000_000)
    count = check_count("replicates", replicates, low=2, high=MOST_DRAWS)
    budgets = _increasing("kl", kl)
    draws = _counts(n_best, size)
    level = check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
    frozen = _law(law)
    exact = _exact(frozen, budgets, draws)
    payload = {"n": size, "kl": budgets, "n_best": draws, "level": level, "law": frozen, "exact": exact}
    words = "normal(0, 1)" if law is None else _words(frozen)
    settings = {"n": size, "kl": budgets, "n_best": draws, "level": level, "law": words}
    run = run_replicates(
        _replicates,
        count,
        rng=rng,
        block_length=_BLOCK,
        payload=payload,
        n_jobs=n_jobs,
        batch_size=batch_size,
        progress=progress,
        checkpoint=checkpoint,
        study="alignment",
        settings=settings,
    )
    value, se, inside, weak = (np.asarray(run.values[name], dtype=float) for name in _NAMES)
    coverage = inside.mean(axis=0)
    return AlignmentSimulation(
        n=size,
        replicates=count,
        kl=budgets,
        n_best=draws,
        exact=exact,
        mean=value.mean(axis=0),
        mean_se=value.std(axis=0, ddof=1) / np.sqrt(count),
        sd=value.std(axis=0, ddof=1),
        reported_se=_mean_known(se),
        coverage=coverage,
        coverage_se=np.sqrt(coverage * (1.0 - coverage) / count),
        share_weak=weak.mean(axis=0),
        confidence_level=level,
        law=words,
        seed=seed_label(run.seed),
        interpretation=_interpret(coverage, weak.mean(axis=0), level),
    )


def _increasing(name: str, values: ArrayLike) -> FloatArray:
    array = np.atleast_1d(as_float_array(name, values))
    if array.ndim != 1 or not array.size or not (array > 0.0).all():
        raise InputError(describe(name, "one or several KL budgets above 0 (nats)", short(values)))
    if array.max() > _LARGEST_KL:
        raise InputError(describe(name, f"at most {_LARGEST_KL:g} nats", float(array.max())))
    return array


def _counts(n_best: ArrayLike, size: int) -> NDArray[np.int64]:
    given = np.atleast_1d(as_plain_array("n_best", n_best))
    if given.ndim != 1 or not given.size:
        raise InputError(describe("n_best", "one or several integers", short(n_best)))
    return np.array([check_count("n_best", each, low=1, high=size) for each in given.tolist()], dtype=np.int64)


def _law(law: Any) -> Any:
    if law is None:
        from scipy import stats

        return stats.norm()
    if not is_frozen(law) or not callable(getattr(law, "pdf", None)):
        raise InputTypeError(describe("law", "a frozen continuous scipy law, such as scipy.stats.norm()", short(law)))
    return law


def _words(law: Any) -> str:
    name = getattr(getattr(law, "dist", None), "name", type(law).__name__)
    numbers = [f"{x:g}" for x in getattr(law, "args", ())]
    numbers += [f"{key}={x:g}" for key, x in sorted(getattr(law, "kwds", {}).items())]
    return f"{name}({', '.join(numbers)})"


def _exact(law: Any, budgets: FloatArray, draws: NDArray[np.int64]) -> FloatArray:
    from .bestofn import best_of_n
    from .tilts import tilt

    rewards = [tilt(law, kl=float(budget)).reward for budget in budgets]
    return np.array(rewards + [best_of_n(law, n=float(n)).reward for n in draws])


def _replicates(payload: Any, generator: Generator, start: int, stop: int) -> Mapping[str, NDArray[Any]]:
    """Estimates of a few data sets."""
    from .curves import bon_curve
    from .estimation import estimate

    rows: dict[str, list[NDArray[Any]]] = {name: [] for name in _NAMES}
    level, exact = payload["level"], payload["exact"]
    for _ in range(stop - start):
        sample = payload["law"].rvs(size=payload["n"], random_state=generator)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfostatWarning)  # a count of the cautions is what is asked for
            tilted = estimate(sample, kl=payload["kl"], confidence_level=level)
            best = bon_curve(sample, payload["n_best"], confidence_level=level)
        low, high = np.append(tilted.low, best.low), np.append(tilted.high, best.high)
        rows["value"].append(np.append(tilted.reward, best.reward))
        rows["se"].append(np.append(tilted.se_reward, best.se))
        rows["inside"].append((low <= exact) & (exact <= high))
        rows["weak"].append(np.append([word != "ok" for word in tilted.status], best.unreliable_se))
    return {name: np.array(values) for name, values in rows.items()}


def _mean_known(se: FloatArray) -> FloatArray:
    """Means over the data sets that report a standard error (a saturated one has none)."""
    known = np.isfinite(se)
    count = known.sum(axis=0)
    total = np.where(known, se, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))


def _interpret(coverage: FloatArray, weak: FloatArray, level: float) -> str:
    sound = weak < 0.5
    if not sound.any():
        return "Most data sets call every one of these estimates weak; larger samples or smaller budgets are needed."
    lowest = float(coverage[sound].min())
    text = (
        f"Where most data sets call their estimate sound, intervals of nominal level {level:g} hold the exact value "
        f"in at least {100 * lowest:.0f} % of the data sets."
    )
    if (~sound).any():
        text += f" {int((~sound).sum())} of {len(weak)} quantities are beyond what samples of this size can say."
    return text
