"""Result of `bon_curve`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.results import Result
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray
from ..core.words import frame_section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BonCurve"]

_ROWS = 14

_FLAGS = {
    "unreliable_se": "Standard errors at N > M/20 are too small: there the estimate hangs on a few top samples.",
    "few_prompts": "Fewer than 20 prompts: standard errors over so few are uncertain themselves.",
    "one_prompt": "There is one prompt: the standard errors are those of its samples and say nothing of other prompts.",
    "n_limited": "N is limited to the number of samples of the smallest prompt.",
    "prompts_dropped": "Prompts with too few samples were left out.",
    "nan_dropped": "Samples without a reward were left out.",
    "biased_low": "The plug-in draws with replacement and is biased low; the default method is not.",
}


@dataclass(frozen=True, eq=False, repr=False)
class BonCurve(Result):
    """Mean reward of best-of-N, estimated from samples.

    Fields marked "per N" are numbers if one N was asked for, arrays of shape (k,) otherwise.

    Attributes
    ----------
    n : int or ndarray of int
        Numbers of draws N, in the order asked.
    reward : float or ndarray
        Mean (proxy) reward of the best of N, unit of the reward; per N.
    true_reward : float, ndarray or None
        Mean true reward of the draw with the best proxy; per N.
    se : float or ndarray
        Standard error of `reward`; per N.
    unreliable_se : bool or ndarray of bool
        Whether `se` is known to be too small or uncertain: N > M/20 for one population, fewer than 20
        prompts for prompt tables; per N.
    low, high : float or ndarray
        Normal interval of `reward`; per N.
    true_se : float, ndarray or None
        Standard error of `true_reward`; per N.
    kl_upper : float or ndarray
        ``log N - (N-1)/N``, nats: the KL divergence of best-of-N from the reference, attained when
        rewards have no ties, an upper bound otherwise; per N.
    n_samples : int
        Samples used, M (of all prompts together).
    n_largest : int
        Largest N that these samples can answer.
    n_prompts : int or None
        Prompts, P; None for one population.
    n_dropped : int
        Samples left out because a reward was missing.
    n_prompts_dropped : int
        Prompts left out.
    method : str
        ``"unbiased"`` or ``"plugin"``.
    confidence_level : float
        Level of `low` and `high`.
    flags : tuple of str
        Cautions; the summary explains each.
    interpretation : str
        What it means, in sentences.
    source : str
        Where the data came from.
    nature : str
        ``"estimate"``.
    """

    n: NDArray[np.int64] | int
    reward: FloatArray | float
    true_reward: FloatArray | float | None
    se: FloatArray | float
    unreliable_se: NDArray[np.bool_] | bool
    low: FloatArray | float
    high: FloatArray | float
    true_se: FloatArray | float | None
    kl_upper: FloatArray | float
    n_samples: int
    n_largest: int
    n_prompts: int | None
    n_dropped: int
    n_prompts_dropped: int
    method: str
    confidence_level: float
    flags: tuple[str, ...]
    interpretation: str
    source: str = "data"
    nature: str = "estimate"

    _headline = ("n", "reward", "true_reward", "se", "n_samples", "n_prompts", "method")

    def _title(self) -> str:
        what = "one population" if self.n_prompts is None else f"{self.n_prompts} prompts"
        return f"Best-of-N from {self.n_samples} samples of {what}"

    def _settings(self) -> dict[str, Cell]:
        return {"data": self.source, "method": self.method, "confidence level": self.confidence_level}

    def to_frame(self) -> Any:
        """Return one row per N.

        Returns
        -------
        DataFrame
            ``n kl_upper reward se low high unreliable_se`` and, with true rewards, ``true_reward true_se``.
        """
        import pandas as pd

        names = ["n", "kl_upper", "reward", "se", "low", "high", "unreliable_se"]
        if self.true_reward is not None:
            names += ["true_reward", "true_se"]
        return pd.DataFrame({name: np.atleast_1d(getattr(self, name)) for name in names})

    def _sections(self) -> Sequence[Section]:
        frame = self.to_frame()
        if len(frame) > _ROWS:
            # Evenly spaced in log N: neighbours on a full curve differ by less than is printed.
            wanted = np.geomspace(1.0, len(frame), _ROWS).round().astype(int) - 1
            frame = frame.iloc[sorted(set(wanted.tolist()))]
        facts: list[list[Cell]] = [["Samples", self.n_samples]]
        if self.n_prompts is not None:
            facts.append(["Prompts", self.n_prompts])
        facts += [["Largest N", self.n_largest], ["Method", self.method]]
        heads = {"kl_upper": "KL bound", "se": "s.e.", "unreliable_se": "doubtful", "true_reward": "true"}
        heads["true_se"] = "its s.e."
        return [
            Section(facts),
            frame_section(frame, own=heads),
        ]

    def _notes(self) -> Sequence[str]:
        over = "over prompts" if self.n_prompts is not None and self.n_prompts > 1 else "from the influence of samples"
        return [
            self.interpretation,
            f"Normal intervals at {100 * self.confidence_level:g} %, standard errors {over}; KL bound in nats.",
            *(caution(flag, _FLAGS[flag]) for flag in self.flags if flag in _FLAGS),
        ]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_curve import draw_curve

        draw_curve(ax, self, **kwargs)
