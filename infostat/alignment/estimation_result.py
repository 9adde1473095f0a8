"""Results of `estimate`: the reward a KL budget buys, read off samples, and how far to trust it."""

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

__all__ = ["COLLAPSED", "OK", "EstimateBootstrap", "EstimateResult", "status_words"]

# Effective sample sizes at which a point becomes weak, and then collapses.
OK, COLLAPSED = 100.0, 10.0

_FLAGS = {
    "saturated": (
        "A budget reaches the ceiling of the samples: the law on the best samples is returned. What a larger budget "
        "buys cannot be read off these samples; draw more."
    ),
    "collapsed": "Some points rest on fewer than 10 effective samples: they are shown, not to be relied on.",
    "bias_low": (
        "The leading bias exceeds half a standard error at some points: the reward there is probably too low "
        "(column bias_reward)."
    ),
    "bias_high": (
        "The leading bias exceeds half a standard error at some points: the reward there is probably too high "
        "(column bias_reward)."
    ),
    "degenerate": "Every population has equal rewards only: no policy can do better, and no KL need be spent.",
    "few_prompts": "Fewer than 20 prompts: standard errors over so few are uncertain themselves.",
    "one_prompt": "There is one prompt: the standard errors are those of its samples and say nothing of other prompts.",
    "minus_infinity": "Some rewards are -inf: any t > 0 avoids them, at a KL of -log of the share that is finite.",
    "nan_dropped": "Samples without a reward were left out.",
    "interval_optimistic": (
        "Intervals cover less than their level at some points: the standard error rests on fewer than 12 samples or "
        "prompts (column ess_se), the bias exceeds half of it, resamples reach their ceiling, or fewer than 20 prompts "
        "are resampled."
    ),
}


def status_words(ess: FloatArray) -> tuple[str, ...]:
    """Return the status of points from their effective sample sizes.

    Parameters
    ----------
    ess : ndarray of shape (k,)
        ``1/sum w^2``. A largest weight above one half implies less than 4.

    Returns
    -------
    tuple of str
        ``"ok"`` from 100 on, ``"weak"`` from 10 on, ``"collapsed"`` below.

    Examples
    --------
    >>> status_words(np.array([250.0, 100.0, 30.0, 2.1]))
    ('ok', 'ok', 'weak', 'collapsed')
    """
    return tuple("ok" if e >= OK else "weak" if e >= COLLAPSED else "collapsed" for e in ess)


@dataclass(frozen=True, eq=False, repr=False)
class EstimateBootstrap(Result):
    """Percentile intervals of `estimate` from resampled samples or prompts.

    Attributes
    ----------
    intervals : mapping of str to (low, high)
        ``"reward"``, ``"kl"`` (where t is held) or ``"t"`` (where KL is held) and, if there is one,
        ``"true_reward"``; numbers, or arrays of shape (k,) in the order of the points.
    unit : str
        What was resampled: ``"samples"`` or ``"prompts"``.
    n_resamples : int
        Number of resamples.
    confidence_level : float
        Nominal level.
    saturated_share : float or ndarray of shape (k,)
        Share of the resamples whose own ceiling lies below the KL budget.
    seed : int or str
        Pass it as ``rng=`` to get the same resamples.
    nature : str
        ``"estimate"``.
    """

    intervals: dict[str, tuple[FloatArray | float, FloatArray | float]]
    unit: str
    n_resamples: int
    confidence_level: float
    saturated_share: FloatArray | float
    seed: int | str
    nature: str = "estimate"

    _headline = ("unit", "n_resamples", "confidence_level", "saturated_share")

    def _title(self) -> str:
        return f"Bootstrap intervals, {self.n_resamples} resamples of {self.unit}"

    def to_frame(self) -> Any:
        """Return one row per point.

        Returns
        -------
        DataFrame
            ``reward_low reward_high ...`` and ``saturated_share``.
        """
        import pandas as pd

        columns: dict[str, Any] = {}
        for name, (low, high) in self.intervals.items():
            columns[f"{name}_low"], columns[f"{name}_high"] = np.atleast_1d(low), np.atleast_1d(high)
        return pd.DataFrame({**columns, "saturated_share": np.atleast_1d(self.saturated_share)})

    def _sections(self) -> Sequence[Section]:
        return [
            Section([["Resamples", self.n_resamples], ["Confidence level", self.confidence_level]]),
            frame_section(self.to_frame()),
        ]


@dataclass(frozen=True, eq=False, repr=False)
class EstimateResult(Result):
    """KL-constrained optimum estimated from reward samples, at one or several points.

    Fields are numbers where one t or KL was asked for, arrays of shape (k,) in the order asked
    otherwise (``status`` one word or a tuple of words).

    Attributes
    ----------
    t : float or ndarray
        Tilt ``1/beta``; inf where saturated. One t for all prompts.
    reward : float or ndarray
        R(t): mean reward of the tilt, unit of the reward; mean over prompts.
    kl : float or ndarray
        D(t): KL divergence of the tilt from the reference, nats; mean over prompts.
    log_mgf : float or ndarray
        Lambda(t), log-moment generating function, nats; mean over prompts.
    ess : float or ndarray
        Effective sample size ``1/sum w^2``; median over prompts.
    perplexity_ess : float or ndarray
        ``M exp(-D)``, never below `ess`; median over prompts.
    se_reward : float or ndarray
        Standard error of `reward` with what is held (`held`) fixed; nan where saturated, since a
        maximum has none.
    se_log_mgf : float or ndarray
        Standard error of Lambda(t) at fixed t, nats.
    status : str or tuple of str
        ``"ok"`` (ESS at least 100), ``"weak"`` (at least 10), ``"collapsed"``.
    saturated : bool or ndarray of bool
        Whether the law is the one on the best samples.
    kl_by_prompt : ndarray of shape (P,) or (k, P), or None
        D(t) of each prompt, nats.
    kl_ceiling : float
        ``log(M/#max)``, the largest KL that the samples can show, nats; mean over prompts.
    se_kl : float or ndarray
        Standard error of D(t) at fixed t, nats; 0 where KL is held.
    low, high : float or ndarray
        Normal (over prompts Student) interval of `reward` at `confidence_level`.
    bias_reward : float or ndarray
        Leading bias of `reward`; negative is too low. nan where saturated.
    ess_se : float or ndarray
        Number of samples (of prompts, if there are several) that `se_reward` rests on,
        ``(sum x^2)^2/sum x^4`` of their influences x; intervals are short below about 12.
    true_reward, se_true_reward : float, ndarray or None
        Mean true reward under the tilt, and its standard error.
    share_collapsed : float, ndarray or None
        Share of the prompts with an effective sample size below 10.
    held : str
        What was asked for and is held fixed in standard errors: ``"t"`` or ``"kl"``.
    confidence_level : float
        Level of `low`, `high` and of the bootstrap.
    n_samples : int
        Samples used.
    n_prompts : int or None
        Prompts; None for one population.
    prompts : tuple of str
        Their names, in the order of `kl_by_prompt`.
    degenerate : bool
        Whether every population has equal rewards only.
    bootstrap : EstimateBootstrap or None
        Percentile intervals.
    flags : tuple of str
        Cautions; the summary explains each.
    n_dropped : int
        Samples left out because a reward was missing.
    interpretation : str
        What it means, in sentences.
    source : str
        Where the data came from.
    nature : str
        ``"estimate"``.
    """

    t: FloatArray | float
    reward: FloatArray | float
    kl: FloatArray | float
    log_mgf: FloatArray | float
    ess: FloatArray | float
    perplexity_ess: FloatArray | float
    se_reward: FloatArray | float
    se_log_mgf: FloatArray | float
    status: tuple[str, ...] | str
    saturated: NDArray[np.bool_] | bool
    kl_by_prompt: FloatArray | None
    kl_ceiling: float
    se_kl: FloatArray | float
    low: FloatArray | float
    high: FloatArray | float
    bias_reward: FloatArray | float
    ess_se: FloatArray | float
    true_reward: FloatArray | float | None
    se_true_reward: FloatArray | float | None
    share_collapsed: FloatArray | float | None
    held: str
    confidence_level: float
    n_samples: int
    n_prompts: int | None
    prompts: tuple[str, ...]
    degenerate: bool
    bootstrap: EstimateBootstrap | None
    flags: tuple[str, ...]
    n_dropped: int
    interpretation: str
    source: str = "data"
    nature: str = "estimate"

    _headline = ("t", "kl", "reward", "se_reward", "ess", "status", "kl_ceiling")

    @property
    def beta(self) -> FloatArray | float:
        """KL coefficient 1/t; inf at t = 0."""
        with np.errstate(divide="ignore", over="ignore"):
            inverse = 1.0 / np.asarray(self.t)
        return float(inverse) if inverse.ndim == 0 else inverse

    def _title(self) -> str:
        what = "one population" if self.n_prompts is None else f"{self.n_prompts} prompts"
        return f"Reward for a KL budget, from {self.n_samples} samples of {what}"

    def _settings(self) -> dict[str, Cell]:
        found: dict[str, Cell] = {"data": self.source, "held fixed": self.held}
        found["confidence level"] = self.confidence_level
        if self.bootstrap is not None:
            found["bootstrap"] = f"{self.bootstrap.n_resamples} resamples of {self.bootstrap.unit}"
            found["seed"] = str(self.bootstrap.seed)
        return found

    def to_frame(self) -> Any:
        """Return one row per point.

        Returns
        -------
        DataFrame
            ``kl t beta reward se_reward low high bias_reward ess_se log_mgf se_log_mgf se_kl ess
            perplexity_ess status saturated``; with true rewards ``true_reward se_true_reward``, with
            prompts ``share_collapsed``, with a bootstrap ``reward_low reward_high ...``.
        """
        import pandas as pd

        names = ["kl", "t", "beta", "reward", "se_reward", "low", "high", "bias_reward", "ess_se"]
        names += ["log_mgf", "se_log_mgf", "se_kl", "ess", "perplexity_ess", "status", "saturated"]
        names += [x for x in ("true_reward", "se_true_reward", "share_collapsed") if getattr(self, x) is not None]
        frame = pd.DataFrame({name: np.atleast_1d(np.asarray(getattr(self, name))) for name in names})
        if self.bootstrap is None:
            return frame
        return frame.join(self.bootstrap.to_frame())

    def _sections(self) -> Sequence[Section]:
        facts: list[list[Cell]] = [["Samples", self.n_samples]]
        if self.n_prompts is not None:
            facts.append(["Prompts", self.n_prompts])
        facts += [["Ceiling of the KL (nats)", self.kl_ceiling], ["Held fixed", "t" if self.held == "t" else "KL"]]
        frame = self.to_frame()
        bands = ("low", "high") if self.bootstrap is None else ("reward_low", "reward_high")
        columns = ["kl", "t", "reward", "se_reward", *bands]
        if self.true_reward is not None:  # the table keeps its width
            columns[3:4] = []
            columns.append("true_reward")
        columns += ["ess", "status"]
        heads = {"kl": "KL (nats)", "se_reward": "s.e.", bands[0]: "low", bands[1]: "high", "true_reward": "true"}
        return [Section(facts), frame_section(frame[columns], own=heads)]

    def _notes(self) -> Sequence[str]:
        percent = f"{100 * self.confidence_level:g} %"
        kind = "Bootstrap (percentile)" if self.bootstrap is not None else "Normal"
        over = " over prompts" if self.n_prompts is not None and self.n_prompts > 1 else ""
        return [
            self.interpretation,
            f"{kind} intervals at {percent}{over}; standard errors hold {'t' if self.held == 't' else 'the KL'} fixed.",
            *(caution(flag, _FLAGS[flag]) for flag in self.flags),
        ]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_estimation import draw_estimate

        draw_estimate(ax, self, **kwargs)
