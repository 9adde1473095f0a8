"""Result of the reward-KL frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.results import Result
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Frontier"]

_MOST_ROWS = 12

_FLAGS = {
    "degenerate": "All rewards are equal: no budget changes the reward.",
    "saturated": "Some budgets exceed the largest KL of a tilt; from there on the reward is the best there is.",
    "overoptimised": "The true reward falls beyond its peak: a larger budget makes the policy worse.",
}


@dataclass(frozen=True, eq=False, repr=False)
class Frontier(Result):
    """The largest mean reward for every KL budget, with best-of-N beside it.

    Attributes
    ----------
    kl : ndarray of shape (k,)
        Budgets, nats.
    reward : ndarray of shape (k,)
        R*(kl), largest mean reward within each budget, unit of the reward.
    t : ndarray of shape (k,)
        Tilts; the slope of the frontier is 1/t. inf where the budget is not used up.
    true_reward : ndarray of shape (k,) or None
        Mean true reward under the same policies, where one was given.
    peak_kl, peak_true_reward : float or None
        KL and value of the largest true reward over the whole frontier (not the grid).
    peak_t : float or None
        Tilt there.
    bon_n, bon_log_n : ndarray of shape (m,)
        N of best-of-N and its log; inf beyond the range of floats.
    bon_kl : ndarray of shape (m,)
        Exact KL(BoN || p), nats.
    bon_kl_upper : ndarray of shape (m,)
        log N - (N-1)/N, nats: equal to `bon_kl` for continuous rewards, larger with ties.
    bon_reward : ndarray of shape (m,)
        Mean reward of best-of-N.
    bon_true_reward : ndarray of shape (m,) or None
        Mean true reward of best-of-N by the proxy reward.
    kl_max : float
        Largest KL of a tilt, -log p(best outcomes), nats; inf for a continuous law.
    reward_max : float
        Largest reward of positive probability; inf for an unbounded law.
    reward_reference : float
        Mean reward at KL 0.
    true_reference : float or None
        Mean true reward at KL 0.
    flags : tuple of str
        ``"degenerate" "saturated" "overoptimised"``.
    interpretation : str
        What it means, in sentences.
    nature : str
        ``"exact"``.
    """

    kl: FloatArray
    reward: FloatArray
    t: FloatArray
    true_reward: FloatArray | None
    peak_kl: float | None
    peak_true_reward: float | None
    peak_t: float | None
    bon_n: FloatArray
    bon_log_n: FloatArray
    bon_kl: FloatArray
    bon_kl_upper: FloatArray
    bon_reward: FloatArray
    bon_true_reward: FloatArray | None
    kl_max: float
    reward_max: float
    reward_reference: float
    true_reference: float | None = None
    flags: tuple[str, ...] = ()
    interpretation: str = ""
    nature: str = "exact"

    _headline = ("kl", "reward", "kl_max", "reward_max", "peak_kl", "peak_true_reward")

    def to_frame(self) -> Any:
        """Return one row per policy: the tilts, then best-of-N.

        Returns
        -------
        DataFrame
            ``method kl reward [true_reward] t n kl_upper``; method is "tilt" or "best_of_n", the
            columns that do not apply to it are nan.
        """
        import pandas as pd

        tilts: dict[str, Any] = {"method": "tilt", "kl": self.kl, "reward": self.reward}
        bon: dict[str, Any] = {"method": "best_of_n", "kl": self.bon_kl, "reward": self.bon_reward}
        if self.true_reward is not None:
            tilts["true_reward"], bon["true_reward"] = self.true_reward, self.bon_true_reward
        tilts |= {"t": self.t, "n": np.nan, "kl_upper": np.nan}
        bon |= {"t": np.nan, "n": self.bon_n, "kl_upper": self.bon_kl_upper}
        frames = [pd.DataFrame(part) for part in (tilts, bon) if len(part["kl"])]
        return pd.concat(frames, ignore_index=True)

    def _title(self) -> str:
        return "Reward-KL frontier"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Mean reward of the reference", self.reward_reference],
            ["Largest reward", self.reward_max],
            ["Largest KL (nats)", self.kl_max],
        ]
        if self.peak_kl is not None:
            rows += [["KL of the largest true reward", self.peak_kl], ["Largest true reward", self.peak_true_reward]]
        rows.append(["Nature", self.nature])
        extra = [] if self.true_reward is None else ["true reward"]
        columns = [self.kl, self.reward, *([] if self.true_reward is None else [self.true_reward]), self.t]
        tilts = _rows(columns)
        bon_columns = [self.bon_n, self.bon_kl, self.bon_kl_upper, self.bon_reward]
        bon = _rows(bon_columns if self.bon_true_reward is None else [*bon_columns, self.bon_true_reward])
        return [
            Section(rows),
            Section(tilts, ["KL (nats)", "reward", *extra, "t"], "KL-constrained optimum"),
            Section(bon, ["N", "KL (nats)", "bound", "reward", *extra], "Best of N"),
        ]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, _FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_frontier import draw_frontier

        draw_frontier(ax, self, **kwargs)


def _rows(columns: Sequence[FloatArray]) -> list[list[Cell]]:
    """At most a dozen rows, evenly chosen."""
    count = len(columns[0])
    rows = np.unique(np.linspace(0, max(count - 1, 0), min(count, _MOST_ROWS)).round().astype(int))
    return [[float(column[k]) for column in columns] for k in rows.tolist()]
