"""Result of `align`: the frontier, best-of-N, rates and estimates of one data set on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.results import Result
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray
from ..core.words import frame_section
from .curve_result import BonCurve
from .estimation_result import EstimateResult
from .frontier_result import Frontier
from .rates import EmpiricalRate
from .sequence_results import RateFunction, SequenceBestOfN

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Alignment", "BestOfNTable"]

_MOST_ROWS = 12

_FLAGS = {
    "reference_only": "No budget gives more than the reference has: all rewards are equal.",
    "streamed": (
        "The file is larger than 64 MB and was read in one pass per curve: best-of-N and the rate function need the "
        "sorted scores and are left out."
    ),
    "prompts_without_rate": "Prompts have laws of their own: there is no single rate function of the reward.",
    "too_few_samples": "Best-of-N needs at least two samples of a population (of every prompt).",
}


@dataclass(frozen=True, eq=False, repr=False)
class BestOfNTable(Result):
    """Exact best-of-N of a law, for several N.

    Attributes
    ----------
    n : ndarray of shape (k,)
        Numbers of draws N; inf beyond the range of floats.
    log_n : ndarray of shape (k,)
        Their logs.
    reward : ndarray of shape (k,)
        Mean reward of the best of N, unit of the reward.
    kl : ndarray of shape (k,)
        KL divergence from the reference, nats, exact.
    kl_upper : ndarray of shape (k,)
        ``log N - (N-1)/N``, nats; larger than `kl` where rewards have ties.
    true_reward : ndarray of shape (k,) or None
        Mean true reward of the best of N by the reward.
    nature : str
        ``"exact"``.
    """

    n: FloatArray
    log_n: FloatArray
    reward: FloatArray
    kl: FloatArray
    kl_upper: FloatArray
    true_reward: FloatArray | None = None
    nature: str = "exact"

    _headline = ("n", "reward", "kl")

    def _title(self) -> str:
        return "Best-of-N"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per N.

        Returns
        -------
        DataFrame
            ``n log_n reward kl kl_upper`` and, if there is one, ``true_reward``.
        """
        import pandas as pd

        names = ["n", "log_n", "reward", "kl", "kl_upper", *(["true_reward"] if self.true_reward is not None else [])]
        return pd.DataFrame({name: getattr(self, name) for name in names})

    def _sections(self) -> Sequence[Section]:
        frame = self.to_frame().drop(columns="log_n")
        heads = {"n": "N", "kl": "KL (nats)", "kl_upper": "log N-(N-1)/N"}
        return [frame_section(frame, own=heads)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_alignment import draw_best_of_n

        draw_best_of_n(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class Alignment(Result):
    """How much reward a KL budget buys: tilt and best-of-N of one law or one set of scores.

    Attributes
    ----------
    verdict : str
        ``"exact"`` for a law, otherwise the worst status over the budgets: ``"ok"``, ``"weak"`` or
        ``"collapsed"``.
    interpretation : str
        What it means, in sentences.
    frontier : Frontier
        Largest mean reward for every budget, and best-of-N beside it; its nature is ``"estimate"``
        for scores.
    best_of_n : BestOfNTable, BonCurve or None
        Best-of-N, exact for a law, unbiased for scores.
    rate : RateFunction, EmpiricalRate or None
        Rate at which the mean reward of long sequences deviates (a law of letters, or scores of one
        population).
    estimate : EstimateResult or None
        Tilted means with standard errors and statuses; None for a law.
    sequence : SequenceBestOfN or None
        Best-of-N of sequences of letters, where lengths were given.
    kind : str
        ``"pmf"``, ``"samples"``, ``"prompts"``.
    n_samples : int or None
        Scores; None for a law.
    n_prompts : int or None
        Prompts; None for one population.
    flags : tuple of str
        Cautions; the summary explains each.
    source : str
        Where the data came from.
    nature : str
        ``"exact"`` or ``"estimate"``.
    """

    verdict: str
    interpretation: str
    frontier: Frontier
    best_of_n: BestOfNTable | BonCurve | None
    rate: RateFunction | EmpiricalRate | None
    estimate: EstimateResult | None
    sequence: SequenceBestOfN | None
    kind: str
    n_samples: int | None
    n_prompts: int | None
    flags: tuple[str, ...] = ()
    source: str = "data"
    nature: str = "estimate"

    _headline = ("verdict", "kind", "n_samples", "n_prompts")

    def _title(self) -> str:
        return "Reward for a KL budget"

    def _settings(self) -> dict[str, Cell]:
        return {"data": self.source, "kind": self.kind}

    def _scalars(self) -> dict[str, Cell]:
        found = super()._scalars()
        for name in ("interpretation", "source"):
            found.pop(name, None)
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return one row per policy: the tilts, then best-of-N.

        Returns
        -------
        DataFrame
            ``method kl reward [true_reward] t n kl_upper se status``; what does not apply is nan (or an
            empty status).
        """
        frame = self.frontier.to_frame()
        se, status = np.full(len(frame), np.nan), np.full(len(frame), "", dtype=object)
        count = len(self.frontier.kl)
        if self.estimate is not None:
            se[:count] = self.estimate.se_reward
            status[:count] = self.estimate.status
        if isinstance(self.best_of_n, BonCurve) and len(frame) > count:
            se[count:] = self.best_of_n.se
            status[count:] = np.where(self.best_of_n.unreliable_se, "weak", "ok")
        return frame.assign(se=se, status=status)

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["Verdict", self.verdict], ["Data", self._data_words()]]
        line = self.frontier
        rows += [["Mean reward of the reference", line.reward_reference], ["Largest reward", line.reward_max]]
        ceiling = "Largest KL of a tilt (nats)" if self.kind == "pmf" else "Largest KL of the scores (nats)"
        rows.append([ceiling, line.kl_max])
        if line.peak_kl is not None:
            rows += [["Largest true reward", line.peak_true_reward], ["KL where it is reached (nats)", line.peak_kl]]
        found = [Section(rows), self._tilt_section()]
        if self.best_of_n is not None:
            found.append(self._best_section())
        if self.sequence is not None:
            found += list(self.sequence._sections())
        return found

    def _data_words(self) -> str:
        if self.kind == "pmf":
            return "a law (exact)"
        if self.n_prompts is None:
            return f"{self.n_samples} scores of one population"
        return f"{self.n_samples} scores of {self.n_prompts} prompts"

    def _tilt_section(self) -> Section:
        line = self.frontier
        columns: list[Any] = [line.kl, line.reward]
        heads = ["KL (nats)", "reward"]
        if line.true_reward is not None:
            columns.append(line.true_reward)
            heads.append("true reward")
        columns.append(line.t)
        heads.append("t = 1/beta")
        if self.estimate is not None:
            columns += [np.atleast_1d(self.estimate.se_reward), np.atleast_1d(self.estimate.ess)]
            columns.append(np.atleast_1d(np.asarray(self.estimate.status, dtype=object)))
            heads += ["s.e.", "ESS", "status"]
        return Section(_thinned(columns), heads, title="KL-constrained optimum (the tilt)")

    def _best_section(self) -> Section:
        best = self.best_of_n
        assert best is not None
        line = self.frontier
        columns: list[Any] = [np.atleast_1d(best.n), line.bon_kl]
        columns += [np.atleast_1d(best.kl_upper), np.atleast_1d(best.reward)]
        heads = ["N", "KL (nats)", "log N-(N-1)/N", "reward"]
        if best.true_reward is not None:
            columns.append(np.atleast_1d(best.true_reward))
            heads.append("true reward")
        if isinstance(best, BonCurve):
            columns += [np.atleast_1d(best.se), np.where(np.atleast_1d(best.unreliable_se), "unreliable", "")]
            heads += ["s.e.", "caution"]
        return Section(_thinned(columns), heads, title="Best-of-N")

    def _notes(self) -> Sequence[str]:
        notes = [self.interpretation, *(caution(flag, _FLAGS[flag]) for flag in self.flags)]
        for part in (self.estimate, self.best_of_n, self.frontier):
            if part is not None:
                notes += [note for note in part._notes() if note.startswith("Caution") and note not in notes]
        if self.sequence is not None:
            notes += self.sequence._notes()
        return notes

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_alignment import draw_alignment

        draw_alignment(ax, self, **kwargs)


def _thinned(columns: Sequence[Any]) -> list[list[Cell]]:
    """Rows of a table, evenly thinned where there are many."""
    count = len(columns[0])
    keep = np.unique(np.linspace(0, count - 1, min(count, _MOST_ROWS)).round().astype(int))
    return [[_cell(column[i]) for column in columns] for i in keep]


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if math.isfinite(number) and number == int(number) and abs(number) < 1e15 else number
