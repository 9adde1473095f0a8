"""Figures of f-divergence optima and of pass@k by divergence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.style import COLORS
from ..core.validation import FloatArray
from .f_curves import as_curve
from .f_results import FOptimum, StrategyComparison
from .f_solver import ratio_between

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_optimum", "draw_pass_at_k"]

# Ratios that span more than this many nats are shown on a logarithmic axis.
_LINEAR_SPAN = 4.0
_NAMES = {
    "kl": r"KL($q\,\Vert\,p$)",
    "reverse_kl": r"KL($p\,\Vert\,q$)",
    "js": "Jensen-Shannon",
    "hellinger": "squared Hellinger",
    "pearson": "Pearson",
    "neyman": "Neyman",
    "jeffreys": "Jeffreys",
    "le_cam": "Le Cam",
    "tv": "total variation",
    "chi2kl": "½ Pearson + KL",
}
_HUES = ("blue", "orange", "green", "purple", "amber", "sky", "black")
_MARKERS = "os^Dv<>pX*h"


def draw_optimum(ax: Axes, result: FOptimum, **kwargs: Any) -> None:
    """Draw the ratio q/p of each outcome against its reward, and the curve on which the ratios lie.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : FOptimum
        The optimum.
    **kwargs
        Passed to the points.
    """
    shown = (result.p > 0.0) & np.isfinite(result.rewards)
    reward = result.rewards[shown]
    log_ratio = result.log_ratio[shown]
    kept = log_ratio > -np.inf
    logarithmic = bool(kept.any() and np.ptp(log_ratio[kept]) > _LINEAR_SPAN)
    _curve(ax, result, reward)
    with np.errstate(over="ignore"):
        ratio = np.exp(log_ratio)
    size = 20.0 + 160.0 * result.p[shown] / result.p.max()
    settings = {"color": COLORS["orange"], "alpha": 0.85, "zorder": 3, "label": "outcomes (area: p)", **kwargs}
    visible = kept if logarithmic else np.ones_like(kept)
    ax.scatter(reward[visible], ratio[visible], s=size[visible], **settings)
    ax.axhline(1.0, color=COLORS["grey"], linestyle="--", linewidth=1.0, label="reference")
    if logarithmic:
        ax.set_yscale("log")
        low, high = float(ratio[kept].min()), float(ratio[kept].max())
        if math.isfinite(high):
            ax.set_ylim(low / 2.0, high * 2.0)
        _mark_left_out(ax, reward[~kept])
    else:
        ax.set_ylim(bottom=-0.06 * float(ratio.max()))
    ax.set_xlabel("reward (unit of the reward)")
    ax.set_ylabel("probability ratio q/p")
    ax.set_title(rf"$\beta$ = {result.beta:.3g}, divergence {result.divergence:.3g} nats, reward {result.reward:.3g}")
    ax.legend(loc="best")


def _mark_left_out(ax: Axes, reward: FloatArray) -> None:
    if len(reward):
        height = np.full(len(reward), 0.02)
        # Heights are shares of the axis, because zero has no place on a logarithmic one.
        ax.plot(
            reward,
            height,
            linestyle="none",
            marker="x",
            color=COLORS["black"],
            transform=ax.get_xaxis_transform(),
            label="left out (q = 0)",
        )


def _curve(ax: Axes, result: FOptimum, reward: FloatArray) -> None:
    """The function of the reward that the ratios lie on, where there is one."""
    top, low = float(reward.max()), float(reward.min())
    if not math.isfinite(result.log_beta) or top == low:
        return
    name = result.kind if result.order is None else f"{result.kind}, order {result.order:g}"
    log_top = float(result.log_ratio[(result.rewards == top) & (result.p > 0.0)][0])
    x = np.linspace(low, top, 801)
    if result.kind == "tv":
        ratio = np.where(top - x > result.beta, 0.0, 1.0)
        ratio[-1] = math.exp(min(log_top, 700.0))
    else:
        ratio = ratio_between(as_curve(result.kind, result.order), log_top, top - x, result.log_beta)
    label = "optimum: step and atom (tv)" if result.kind == "tv" else f"$u = (f')^{{-1}}((r-l)/\\beta)$, {name}"
    ax.plot(x, ratio, color=COLORS["blue"], label=label)


def draw_pass_at_k(ax: Axes, result: StrategyComparison, **kwargs: Any) -> None:
    """Draw pass@k against k, one line per divergence, dashed for the reference.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : StrategyComparison
        The comparison.
    **kwargs
        Passed to the lines of the divergences.
    """
    order = np.argsort(result.k)
    k = np.asarray(result.k, dtype=np.float64)[order]
    for i, kind in enumerate(result.kinds):
        settings = {
            "color": COLORS[_HUES[i % len(_HUES)]],
            "marker": _MARKERS[i % len(_MARKERS)],
            "markersize": 4.5,
            "label": _NAMES[kind],
            **kwargs,
        }
        ax.plot(k, result.pass_at_k[i, order], **settings)
    ax.plot(k, result.reference[order], color=COLORS["grey"], linestyle="--", label="reference p")
    ax.set_xscale("log", base=2)
    if len(k) <= 12:
        ax.set_xticks(k, [f"{v:g}" for v in k])
        ax.minorticks_off()
    ax.set_xlabel("attempts $k$")
    ax.set_ylabel("pass@k (mean over prompts)")
    held = rf"$\beta$ = {result.beta[0]:.3g}" if result.matched == "beta" else f"pass@1 = {result.reward[0]:.3g}"
    ax.set_title(f"equal {held}")
    ax.legend(loc="best", title="divergence")
