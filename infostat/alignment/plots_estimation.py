"""Figures of what samples say: reward and effective sample size against the KL budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.drawing import DASHED, DOTTED, legend_below
from ..core.style import COLORS
from ..core.validation import FloatArray, check_choice
from .estimation_result import COLLAPSED, OK, EstimateResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .rates import EmpiricalRate

__all__ = ["draw_estimate", "draw_rate"]

# Solid where the samples carry the point, dashed where they hardly do, dotted where they do not.
_DASHES: dict[str, Any] = {"ok": "-", "weak": DASHED, "collapsed": (0, (1.2, 1.8))}
_WORDS = {
    "ok": "estimate, ESS at least 100",
    "weak": "weak, ESS 10 to 100",
    "collapsed": "collapsed, ESS below 10",
}


def draw_estimate(ax: Axes, result: EstimateResult, *, panel: str = "reward", **kwargs: Any) -> None:
    """Draw reward, or effective sample size, against KL.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : EstimateResult
        What to draw.
    panel : {"reward", "ess"}
        Reward with its interval, or effective sample sizes.
    **kwargs
        Passed to the main line.
    """
    check_choice("panel", panel, ("reward", "ess"))
    if panel == "ess":
        _draw_ess(ax, result, kwargs)
    else:
        _draw_reward(ax, result, kwargs)


def draw_rate(ax: Axes, result: EmpiricalRate, **kwargs: Any) -> None:
    """Draw an estimated rate function with its leading bias.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : EmpiricalRate
        What to draw.
    **kwargs
        Passed to the line.
    """
    x, rate, bias = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (result.x, result.rate, result.bias))
    status = np.atleast_1d(np.asarray(result.status, dtype=object))
    order = np.argsort(x, kind="stable")
    x, rate, bias, status = x[order], rate[order], bias[order], status[order]
    finite = np.isfinite(rate)
    less = np.maximum(rate - bias, 0.0)
    band = finite & np.isfinite(bias)
    if band.sum() > 1:
        ax.fill_between(x[band], less[band], rate[band], color=COLORS["sky"], alpha=0.35, lw=0, label="leading bias")
    _line(ax, x[finite], rate[finite], status[finite], kwargs)
    ax.set_xlabel("mean reward $x$ (unit of the reward)")
    ax.set_ylabel("rate $I(x)$ (nats)")
    ax.legend(loc="best")


def _draw_reward(ax: Axes, result: EstimateResult, kwargs: dict[str, Any]) -> None:
    frame = result.to_frame().sort_values("t", kind="stable")
    kl, reward = frame["kl"].to_numpy(), frame["reward"].to_numpy()
    ends = ("low", "high") if result.bootstrap is None else ("reward_low", "reward_high")
    low, high = frame[ends[0]].to_numpy(), frame[ends[1]].to_numpy()
    name = f"{100 * result.confidence_level:g} % {'interval' if result.bootstrap is None else 'bootstrap interval'}"
    usable = np.isfinite(low) & np.isfinite(high)
    if len(frame) == 1:
        spread = np.abs(np.stack([reward - low, high - reward])) if usable.all() else None
        options = {"fmt": "o", "color": COLORS["blue"], "capsize": 3, "label": f"tilt, {name}", **kwargs}
        ax.errorbar(kl, reward, yerr=spread, **options)
    else:
        ax.fill_between(kl[usable], low[usable], high[usable], color=COLORS["sky"], alpha=0.35, lw=0, label=name)
        if "true_reward" in frame:
            ax.plot(kl, frame["true_reward"], color=COLORS["purple"], lw=1.4, label="true reward")
        _line(ax, kl, reward, frame["status"].to_numpy(dtype=object), kwargs)
    _mark_ceiling(ax, result)
    ax.set_xlabel("KL divergence from the reference (nats)")
    ax.set_ylabel("mean reward (unit of the reward)")
    _legend(ax)


def _draw_ess(ax: Axes, result: EstimateResult, kwargs: dict[str, Any]) -> None:
    frame = result.to_frame().sort_values("t", kind="stable")
    kl = frame["kl"].to_numpy()
    marker: dict[str, Any] = {"marker": "o"} if len(frame) == 1 else {}
    options = {"color": COLORS["blue"], **marker, **kwargs}
    each = "" if result.n_prompts is None else ", median prompt"
    ax.plot(kl, frame["ess"], label=rf"ESS $1/\sum w^2${each}", **options)
    perplexity = {"color": COLORS["green"], "ls": DASHED, **marker}
    ax.plot(kl, frame["perplexity_ess"], label=rf"perplexity $M e^{{-\mathrm{{KL}}}}${each}", **perplexity)
    ax.set_yscale("log")
    bottom, top = min(1.0, float(frame["ess"].min())), 2.0 * float(frame["perplexity_ess"].max())
    ax.set_ylim(0.8 * bottom, max(top, 2.0 * OK))
    _mark_ceiling(ax, result)
    ax.axhspan(COLLAPSED, OK, color=COLORS["amber"], alpha=0.16, lw=0)
    ax.axhspan(0.8 * bottom, COLLAPSED, color=COLORS["orange"], alpha=0.16, lw=0)
    for height, word in ((np.sqrt(OK * COLLAPSED), "weak"), (np.sqrt(0.8 * bottom * COLLAPSED), "collapsed")):
        ax.annotate(
            word,
            (0.012, height),
            xycoords=("axes fraction", "data"),
            va="center",
            color=COLORS["grey"],
            fontsize=8.5,
        )
    ax.set_xlabel("KL divergence from the reference (nats)")
    ax.set_ylabel("effective sample size")
    _legend(ax)


def _mark_ceiling(ax: Axes, result: EstimateResult) -> None:
    name = f"ceiling, {result.kl_ceiling:.3g} nats"
    ax.axvline(result.kl_ceiling, color=COLORS["grey"], lw=1.1, ls=DOTTED, label=name)
    left, right = ax.get_xlim()
    ax.set_xlim(min(left, 0.0), max(right, 1.04 * result.kl_ceiling))


def _legend(ax: Axes) -> None:
    # Below the axes: inside them it would cover the line of the ceiling or a curve.
    legend_below(ax)


def _line(ax: Axes, x: FloatArray, y: FloatArray, status: NDArray[Any], kwargs: dict[str, Any]) -> None:
    """One line whose dashes change with the status."""
    options = {"color": COLORS["blue"], **kwargs}
    seen: set[str] = set()
    start = 0
    while start < len(x):
        stop = start
        while stop + 1 < len(x) and status[stop + 1] == status[start]:
            stop += 1
        word = str(status[start])
        # Each piece begins where the one before it ended, so that the line has no gaps.
        piece = slice(max(start - 1, 0), stop + 1)
        mark: dict[str, Any] = {"marker": "o", "ms": 3.5} if len(x) == 1 else {}
        ax.plot(
            x[piece], y[piece], ls=_DASHES[word], label=None if word in seen else _WORDS[word], **{**mark, **options}
        )
        seen.add(word)
        start = stop + 1
