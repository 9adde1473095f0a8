"""Figures of single policies: a tilt beside its reference, a gap decomposed, an expansion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, legend_below
from ..core.style import COLORS
from .policy_results import FreeEnergy, PolicyGap, SmallKLExpansion
from .tilt_result import Tilt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_expansion", "draw_free_energy", "draw_gap", "draw_tilt"]

_BARS = 40


def draw_tilt(ax: Axes, result: Tilt, **kwargs: Any) -> None:
    """Draw the law of the reward under the reference and under the tilt.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : Tilt
        What to draw: bars for few rewards, distribution functions for many, densities for a
        frozen law.
    **kwargs
        Passed to the artist of the tilt.
    """
    ax.set_xlabel("reward (unit of the reward)")
    if result.rewards is None or result.p is None or result.q is None:
        _densities(ax, result, kwargs)
    else:
        shown = np.isfinite(result.rewards) & (result.p > 0.0)
        rewards, at = np.unique(result.rewards[shown], return_inverse=True)
        p = np.bincount(at.reshape(-1), weights=result.p[shown])
        q = np.bincount(at.reshape(-1), weights=result.q[shown])
        if len(rewards) <= _BARS:
            width = 0.4 * (float(np.diff(rewards).min()) if len(rewards) > 1 else 1.0)
            ax.bar(rewards - 0.5 * width, p, width, color=COLORS["grey"], label="reference")
            ax.bar(rewards + 0.5 * width, q, width, **{"color": COLORS["blue"], "label": _name(result), **kwargs})
            ax.set_ylabel("probability")
        else:
            ax.step(rewards, np.cumsum(p), where="post", color=COLORS["grey"], label="reference")
            style = {"color": COLORS["blue"], "label": _name(result), **kwargs}
            ax.step(rewards, np.cumsum(q), where="post", **style)
            ax.set_ylabel("probability of at most this reward")
    for place, colour in ((result.reward_reference, "grey"), (result.reward, "blue")):
        if math.isfinite(place):
            ax.axvline(place, color=COLORS[colour], lw=1.0, ls=DASHED)
    ax.plot([], [], color=COLORS["black"], lw=1.0, ls=DASHED, label="mean rewards")
    ax.set_ylim(bottom=0.0)
    legend_below(ax, 3)


def draw_gap(ax: Axes, result: PolicyGap, **kwargs: Any) -> None:
    """Draw the two parts of a policy's divergence from the optimum, and their sum.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : PolicyGap
        What to draw.
    **kwargs
        Passed to the bars.
    """
    missed = 0.0 if result.reward_gap == 0.0 else result.t * result.reward_gap
    parts = {
        r"KL($q\ \Vert$ optimum)": (result.kl_to_optimal, "blue"),
        r"$t\ \times$ reward gap": (missed, "green"),
        "KL excess": (result.kl_excess, "orange"),
    }
    _bars(ax, parts, kwargs)


def draw_free_energy(ax: Axes, result: FreeEnergy, **kwargs: Any) -> None:
    """Draw log evidence, its lower bound and the gap.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : FreeEnergy
        What to draw.
    **kwargs
        Passed to the bars.
    """
    parts = {
        r"gap KL($q\ \Vert$ posterior)": (result.gap, "orange"),
        "evidence lower bound": (result.elbo, "green"),
        r"$\log Z$": (result.log_z, "blue"),
    }
    _bars(ax, parts, kwargs)


def draw_expansion(ax: Axes, result: SmallKLExpansion, *, kl: float | None = None, **kwargs: Any) -> None:
    """Draw the expansion of the largest reward at small KL, with and without its second term.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : SmallKLExpansion
        What to draw.
    kl : float, optional
        Largest budget shown; by default a tenth of a nat, or of the largest KL of a tilt.
    **kwargs
        Passed to the line of the expansion.
    """
    end = kl if kl is not None else 0.1 * min(1.0, result.kl_max if result.kl_max > 0.0 else 1.0)
    grid = end * np.linspace(0.0, 1.0, 201) ** 2
    ax.plot(grid, result.reward(grid), **{"color": COLORS["blue"], "label": "to order KL", **kwargs})
    first = result.mean + result.sqrt_coefficient * np.sqrt(grid)
    ax.plot(grid, first, color=COLORS["orange"], ls=DASHED, label=r"to order $\sqrt{\mathrm{KL}}$")
    ax.set_xlim(0.0, end)
    ax.set_xlabel("KL divergence from the reference (nats)")
    ax.set_ylabel("largest mean reward (unit of the reward)")
    ax.legend(loc="lower right")


def _densities(ax: Axes, result: Tilt, kwargs: dict[str, Any]) -> None:
    if result.density_x is None or result.density_p is None:
        return
    points: dict[str, Any] = {"marker": "o", "ms": 3.0, "lw": 0.8} if _is_integer_grid(result) else {}
    ax.plot(result.density_x, result.density_p, color=COLORS["grey"], label="reference", **points)
    if result.density_q is None:
        ax.axvline(result.reward, color=COLORS["blue"], label=_name(result))
    else:
        style = {"color": COLORS["blue"], "label": _name(result), **points, **kwargs}
        ax.plot(result.density_x, result.density_q, **style)
    ax.set_ylabel("probability" if points else "density (1/unit of the reward)")


def _is_integer_grid(result: Tilt) -> bool:
    x = result.density_x
    return x is not None and len(x) < 201 and bool((x == np.round(x)).all())


def _name(result: Tilt) -> str:
    return f"tilt, KL = {result.kl:.3g} nats"


def _bars(ax: Axes, parts: dict[str, tuple[float, str]], kwargs: dict[str, Any]) -> None:
    names = list(parts)
    values = np.array([parts[name][0] for name in names])
    colours = [COLORS[parts[name][1]] for name in names]
    drawn = np.where(np.isfinite(values), values, 0.0)
    ax.barh(names, drawn, **{"color": colours, "height": 0.55, **kwargs})
    for row, (value, length) in enumerate(zip(values.tolist(), drawn.tolist(), strict=True)):
        side = 4 if length >= 0 else -4
        ax.annotate(
            f"{value:.4g}", (length, row), xytext=(side, 0), textcoords="offset points", va="center",
            ha="left" if length >= 0 else "right", color=COLORS["black"],
        )  # fmt: skip
    ax.axvline(0.0, color=COLORS["grey"], lw=0.8)
    ax.margins(x=0.18)
    ax.set_xlabel("nats")
    ax.set_ylabel("term")
