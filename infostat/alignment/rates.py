"""Large-deviation rates read off samples: how unlikely is a mean reward of x?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.results import Result
from ..core.tables import Section, caution
from ..core.validation import FloatArray, as_float_array, check_flag
from ..core.words import frame_section
from .estimation_result import status_words
from .input_tables import read_rewards
from .laws import check_size
from .prompts import shared_t_for_reward
from .sample_moments import GroupTilt, RewardGroups, group_rewards, sample_errors, tilt_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EmpiricalRate", "empirical_rate"]

_FLAGS = {
    "collapsed": "Some rates rest on fewer than 10 effective samples.",
    "outside_range": "Some x lie outside the rewards seen: the estimate there is inf, which the true rate need not be.",
    "at_extreme": "Some x are the largest or smallest reward seen: the rate there is log(M/#) of that reward.",
    "minus_infinity": "Some rewards are -inf: below the mean of the finite ones the rate is -log of their share.",
    "nan_dropped": "Samples without a reward were left out.",
}


@dataclass(frozen=True, eq=False, repr=False)
class EmpiricalRate(Result):
    """Rate function of the mean reward, estimated from samples.

    Fields are numbers for one x, arrays of shape (k,) in the order given otherwise.

    Attributes
    ----------
    x : float or ndarray
        Mean reward, unit of the reward.
    t : float or ndarray
        Tilt that maximises ``t x - Lambda(t)``; infinite at and beyond the extreme rewards.
    rate : float or ndarray
        I(x), nats; ``log(M/#max)`` at the largest reward, inf beyond it.
    bias : float or ndarray
        Leading bias of `rate`, nats, never negative; nan where `rate` is inf.
    se : float or ndarray
        Standard error ``sqrt(1/ESS - 1/M)``, nats; nan where t is infinite.
    corrected : float, ndarray or None
        ``max(rate - bias, 0)`` if asked for; inf where `rate` is.
    ess : float or ndarray
        Effective sample size; median over prompts. 0 beyond the extreme rewards.
    status : str or tuple of str
        ``"ok"`` (ESS at least 100), ``"weak"`` (at least 10), ``"collapsed"``.
    n_samples : int
        Samples used.
    n_prompts : int or None
        Prompts; None for one population.
    flags : tuple of str
        Cautions; the summary explains each.
    interpretation : str
        What it means, in a sentence.
    nature : str
        ``"estimate"``.
    """

    x: FloatArray | float
    t: FloatArray | float
    rate: FloatArray | float
    bias: FloatArray | float
    se: FloatArray | float
    corrected: FloatArray | float | None
    ess: FloatArray | float
    status: tuple[str, ...] | str
    n_samples: int
    n_prompts: int | None
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "estimate"

    _headline = ("x", "t", "rate", "bias", "ess", "status")

    def _title(self) -> str:
        return f"Rate function from {self.n_samples} samples"

    def to_frame(self) -> Any:
        """Return one row per x.

        Returns
        -------
        DataFrame
            ``x t rate bias se ess status`` and, if asked for, ``corrected``.
        """
        import pandas as pd

        names = ["x", "t", "rate", "bias", "se", *(["corrected"] if self.corrected is not None else [])]
        names += ["ess", "status"]
        return pd.DataFrame({name: np.atleast_1d(np.asarray(getattr(self, name))) for name in names})

    def _sections(self) -> Sequence[Section]:
        return [frame_section(self.to_frame(), own={"rate": "I(x) (nats)"})]

    def _notes(self) -> Sequence[str]:
        return [self.interpretation, *(caution(flag, _FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_estimation import draw_rate

        draw_rate(ax, self, **kwargs)


def empirical_rate(
    samples: Any, x: ArrayLike, *, corrected: bool = False, prompt_id: Any = None, nan: str = "raise"
) -> EmpiricalRate:
    """Estimate the rate function of a mean reward from samples.

    Parameters
    ----------
    samples : array_like, DataFrame or path
        Rewards of draws; for a prompt table the rate is the smallest mean KL at which one tilt
        shared by all prompts has mean reward x.
    x : float or array_like
        Mean rewards.
    corrected : bool
        Also return the rate less its leading bias.
    prompt_id : array_like or str, optional
        Prompt of each sample, or its column.
    nan : {"raise", "drop"}
        What to do with missing rewards.

    Returns
    -------
    EmpiricalRate
        ``x t rate bias`` and more; numbers for a number, arrays in the order of an array.

    Raises
    ------
    InputError
        If `x` is NaN, or the data are a pmf.
    DataError
        If the data have no rewards, or missing or +inf ones.

    Notes
    -----
    ``I(x) = sup over t of (t x - Lambda(t))`` with ``Lambda(t) = log mean exp(t r)`` is the KL of the
    tilt with mean x. It is biased high; the leading bias is ``(1/ESS - 1/M)/2 + sum w^2 (r - x)^2/(2 V)``
    at the maximising t, V the variance of the reward under the tilt (over prompts: the mean of the
    first term, and the variance of the mean of R over 2 V). At the largest reward the rate is
    log(M/#max), beyond it inf. Derived and checked by simulation in this project.

    Examples
    --------
    >>> result = empirical_rate([0.0, 1.0, 2.0, 3.0, 4.0], [3.5, 4.0, 5.0])
    >>> result.rate.round(6), result.t.round(6)
    (array([0.659115, 1.609438,      inf]), array([1.067391,      inf,      inf]))
    """
    wanted = as_float_array("x", x, ndim=(0, 1), finite=False)
    if not wanted.size or np.isnan(wanted).any():
        raise InputError(f"x must hold at least one number and no NaN, got {x!r}")
    also = check_flag("corrected", corrected)
    data = read_rewards(samples, prompt_id=prompt_id, nan=nan, name="samples")
    check_size("samples", data.reward)
    if data.kind == "pmf":
        raise InputError("samples must be rewards of draws, got a pmf; use rate_function, which is exact")
    groups = group_rewards(data.reward, data.offsets)
    rows = np.array([_rate_at(groups, float(value)) for value in wanted.reshape(-1)])
    t, rate, bias, se, ess = rows.T
    with np.errstate(invalid="ignore"):
        less = np.where(np.isinf(rate), np.inf, np.maximum(rate - bias, 0.0)) if also else None
    status = status_words(ess)
    single = wanted.ndim == 0

    def give(values: Any) -> Any:
        return values[0] if single and values is not None else values

    return EmpiricalRate(
        x=give(wanted.reshape(-1)),
        t=give(t),
        rate=give(rate),
        bias=give(bias),
        se=give(se),
        corrected=give(less),
        ess=give(ess),
        status=give(status),
        n_samples=len(data.reward),
        n_prompts=data.n_prompts if data.kind == "prompts" else None,
        flags=(*data.flags, *_flags(groups, t, rate, status)),
        interpretation=_interpret(rate, groups),
    )


def _rate_at(groups: RewardGroups, x: float) -> tuple[float, float, float, float, float]:
    """t, rate, bias, se and ESS at one x."""
    top, bottom = float(groups.top.mean()), float(groups.bottom.mean())
    if x > top or x < bottom:
        return (math.inf if x > top else -math.inf), math.inf, math.nan, math.nan, 0.0
    t = shared_t_for_reward(groups, x)
    if t == 0.0 and bottom == -math.inf and x < top:
        # The supremum is the limit t -> 0 from above: avoid -inf, nothing else.
        tilted = tilt_groups(groups, 5e-324)
    else:
        tilted = tilt_groups(groups, t)
    ess = float(np.median(tilted.ess))
    first = 0.5 * float((1.0 / tilted.ess - 1.0 / groups.size).mean())
    if math.isinf(t):
        return t, float(tilted.kl.mean()), first, math.nan, ess
    return t, float(tilted.kl.mean()), first + _choice_bias(groups, tilted), _se(groups, tilted), ess


def _choice_bias(groups: RewardGroups, tilted: GroupTilt) -> float:
    """Bias from choosing t by the sample, var(R)/(2 V)."""
    variance = float(tilted.variance.mean())
    if not 0.0 < variance < math.inf:
        return 0.0
    if groups.n_groups == 1:
        return 0.5 * float(sample_errors(groups, tilted).reward[0]) / variance
    return 0.5 * float(tilted.reward.var(ddof=1)) / groups.n_groups / variance


def _se(groups: RewardGroups, tilted: GroupTilt) -> float:
    """Standard error of t x - Lambda(t) at its maximum: that of Lambda."""
    if groups.n_groups == 1:
        return math.sqrt(float(sample_errors(groups, tilted).log_mgf[0]))
    return math.sqrt(float(tilted.log_mgf.var(ddof=1)) / groups.n_groups)


def _flags(groups: RewardGroups, t: FloatArray, rate: FloatArray, status: tuple[str, ...]) -> tuple[str, ...]:
    words = {
        "collapsed": "collapsed" in status,
        "outside_range": bool(np.isinf(rate).any()),
        "at_extreme": bool((np.isinf(t) & np.isfinite(rate)).any()),
        "minus_infinity": bool((groups.bottom == -np.inf).any()),
    }
    return tuple(word for word, holds in words.items() if holds)


def _interpret(rate: FloatArray, groups: RewardGroups) -> str:
    bottom, top = float(groups.bottom.mean()), float(groups.top.mean())
    text = (
        "The rate I(x) is the smallest KL at which a policy has mean reward x, and the chance that a mean of m draws "
        "lies beyond x falls like exp(-m I(x))."
    )
    if np.isfinite(rate).all():
        return text
    return f"{text} Means outside [{bottom:.4g}, {top:.4g}] cannot be had from these samples; their rate is inf here."
