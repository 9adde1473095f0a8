"""Figures of best-of-N and its relatives: KL against log N, reward against KL."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, DOTTED, legend_below
from ..core.style import COLORS
from ..core.validation import check_choice
from .bestofn_levels import level_kl, log_level_masses
from .bestofn_results import BestOfN, DifferenceSampling, SoftBestOfN, TopFraction
from .divergence_laws import bon_divergences, bon_kl_bound, bon_kl_single_atom
from .divergence_result import BonDivergences
from .fractions import select_fraction
from .laws import RewardLaw
from .tilt_solver import log_top_mass, moments_at, t_for_kl

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_best_of_n", "draw_difference", "draw_divergences", "draw_soft", "draw_top_fraction"]

_POINTS = 161
# Curves of large alphabets are drawn from fewer points: each is a pass over all outcomes.
_CELLS = 4_000_000


def draw_best_of_n(ax: Axes, result: BestOfN, *, panel: str = "kl", **kwargs: Any) -> None:
    """Draw the exact KL against log N with its bound, or the reward against KL with the optimum.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : BestOfN
        What to draw; curves are computed from its law.
    panel : {"kl", "reward"}
        KL against log N, or reward against KL (finite laws only; a continuous one is drawn as a point).
    **kwargs
        Passed to the line of best-of-N.
    """
    if check_choice("panel", panel, ("kl", "reward")) == "reward":
        _reward_panel(ax, result, kwargs)
        return
    ceiling = result.kl_ceiling
    finite = math.isfinite(ceiling)
    end = max(1.25 * result.log_n, ceiling + 3.0 if finite else 0.0, 3.0)
    if finite:
        # Beyond a few times the ceiling nothing happens any more.
        end = max(min(end, 4.0 * ceiling + 6.0), 3.0)
    grid = np.linspace(0.0, end, _points(0 if result.level_log_mass is None else len(result.level_log_mass)))
    ax.plot(
        grid, bon_kl_bound(grid), color=COLORS["black"], ls=DASHED, lw=1.2, label=r"bound $\log N - (N-1)/N$"
    )
    if result.level_log_mass is None:
        ax.plot([], [], color=COLORS["blue"], label="exact (continuous rewards: equal to the bound)")
    else:
        atom = math.exp(-ceiling)
        ax.plot(
            grid, bon_kl_single_atom(min(atom, 1.0), log_n=grid), color=COLORS["orange"], ls=(0, (6, 1.5)), lw=1.3,
            label="single atom of mass $p$(best)", zorder=3,
        )  # fmt: skip
        mass = result.level_log_mass
        exact = np.array([level_kl(log_level_masses(mass, x)[0], mass) for x in grid.tolist()])
        ax.plot(grid, exact, **{"color": COLORS["blue"], "label": "exact", **kwargs})
    if finite:
        ax.axhline(ceiling, color=COLORS["grey"], lw=1.0, ls=DOTTED, label=r"ceiling $-\log p$(best)")
        ax.set_ylim(0.0, min(1.45 * ceiling, 1.05 * float(bon_kl_bound(end))) if ceiling > 0.0 else 1.0)
    else:
        ax.set_ylim(bottom=0.0)
    shown = min(result.log_n, end)
    ax.plot([shown], [result.kl], "o", color=COLORS["blue"], ms=5, zorder=5)
    far = shown > 0.8 * end
    ax.annotate(
        _name(result), (shown, result.kl), xytext=(-5 if far else 4, -13), textcoords="offset points",
        ha="right" if far else "left", color=COLORS["blue"],
    )  # fmt: skip
    ax.set_xlim(0.0, end)
    ax.set_xlabel(r"$\log N$ (nats)")
    ax.set_ylabel(r"KL(BoN $\Vert$ reference) (nats)")
    _legend(ax)


def draw_soft(ax: Axes, result: SoftBestOfN, **kwargs: Any) -> None:
    """Draw reward against KL: the optimum, best-of-N for all N, and the soft policy as its t grows.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : SoftBestOfN
        What to draw.
    **kwargs
        Passed to the marker of the policy.
    """
    from .soft import soft_best_of_n

    law = _law(result)
    span = float(np.ptp(law.r[law.possible & np.isfinite(law.r)]))
    _draw_tilts(ax, law)
    if span > 0.0 and result.n > 1.0:
        top = max(60.0 / span, 3.0 * result.t if math.isfinite(result.t) else 0.0)
        sharpness = np.append(np.linspace(0.0, 1.0, max(20, _points(20 * len(law.r)) // 2)) ** 2 * top, np.inf)
        path = [soft_best_of_n(None, law.r, result.n, x, logp=law.log_p) for x in sharpness.tolist()]
        label = f"soft best of {result.n:.6g}, $t$ from 0 to $\\infty$"
        ax.plot([x.kl for x in path], [x.reward for x in path], color=COLORS["green"], ls=DASHED, lw=1.4, label=label)
    options = {"color": COLORS["green"], "ms": 6, "label": f"policy, $t$ = {result.t:.4g}", **kwargs}
    ax.plot([result.kl], [result.reward], "o", **options)
    if math.isfinite(result.t):
        ax.plot([result.tilt_kl], [result.tilt_reward], "s", color=COLORS["blue"], ms=5, label="tilt by the same $t$")
    _reward_axes(ax)


def draw_top_fraction(ax: Axes, result: TopFraction, **kwargs: Any) -> None:
    """Draw reward against KL: the optimum, and what keeping fractions gives.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : TopFraction
        What to draw.
    **kwargs
        Passed to the marker of the policy.
    """
    if result.q is not None:
        law = _law(result)
        _draw_tilts(ax, law)
        _draw_fractions(ax, law, result.kl)
    else:
        _draw_points(ax, result.reward_reference, result.kl_outcomes, result.tilt_reward)
    name = f"best {100 * result.fraction:.4g} %"
    options = {"color": COLORS["orange"], "ms": 6, "label": name, **kwargs}
    ax.plot([result.kl], [result.reward], "o", **options)
    _reward_axes(ax)


def draw_difference(ax: Axes, result: DifferenceSampling, **kwargs: Any) -> None:
    """Draw mean score against KL from the reference: selection, optimum, and the teacher on it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : DifferenceSampling
        What to draw.
    **kwargs
        Passed to the marker of the selection.
    """
    law = _law(result)
    _draw_tilts(ax, law)
    _draw_fractions(ax, law, result.kl)
    options = {"color": COLORS["orange"], "ms": 6, "label": f"best {100 * result.fraction:.4g} %", **kwargs}
    ax.plot([result.kl], [result.score], "o", **options)
    forward = result.kl_teacher_reference
    if forward is not None and math.isfinite(forward) and "per_token" not in result.flags:
        # The mean score of the teacher is its KL from the reference.
        ax.plot([forward], [forward], "s", color=COLORS["blue"], ms=6, label="teacher ($t$ = 1)")
    _reward_axes(ax)
    ax.set_ylabel("mean score (nats per token)" if "per_token" in result.flags else "mean score (nats)")


def draw_divergences(ax: Axes, result: BonDivergences, **kwargs: Any) -> None:
    """Draw the divergences against log N.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : BonDivergences
        What to draw; its own N are marked.
    **kwargs
        Passed to every line.
    """
    own = np.ravel(result.log_n)
    grid = np.linspace(0.0, max(1.1 * float(own.max()), 3.0), _POINTS)
    curves = bon_divergences(log_n=grid, renyi_order=result.renyi_order)
    names = {
        "kl": "KL",
        "renyi": f"Rényi, order {result.renyi_order:g}",
        "js": "Jensen-Shannon",
        "hellinger": "squared Hellinger",
        "tv": "total variation",
    }
    palette = [COLORS[name] for name in ("blue", "purple", "green", "orange", "black")]
    for (name, label), color in zip(names.items(), palette, strict=True):
        ax.plot(grid, getattr(curves, name), **{"color": color, "label": label, **kwargs})
        if len(own) <= 20:
            ax.plot(own, np.ravel(getattr(result, name)), "o", color=color, ms=3.5)
    ax.set_xlim(0.0, float(grid[-1]))
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(r"$\log N$ (nats)")
    ax.set_ylabel("divergence of BoN from the reference\n(nats; TV and Hellinger have no unit)")
    _legend(ax, 3)


def _reward_panel(ax: Axes, result: BestOfN, kwargs: dict[str, Any]) -> None:
    if result.q is None:
        _draw_points(ax, result.reward_reference, result.kl, result.tilt_reward)
    else:
        mass, reward = np.asarray(result.level_log_mass), np.asarray(result.level_reward)
        _draw_tilts(ax, RewardLaw(mass, reward))
        grid = np.linspace(0.0, result.kl_ceiling + 4.0, _points(len(mass)))
        path = []
        for x in grid.tolist():
            log_q = log_level_masses(mass, x)[0]
            q = np.exp(log_q)
            path.append((level_kl(log_q, mass), float(q[q > 0] @ reward[q > 0])))
        kl, mean = np.array(path).T
        style = {"color": COLORS["orange"], "ls": DASHED, "label": "best-of-$N$, all $N$", **kwargs}
        ax.plot(kl[np.isfinite(mean)], mean[np.isfinite(mean)], **style)
    ax.plot([result.kl], [result.reward], "o", color=COLORS["orange"], ms=6, label=f"best of {_name(result)}")
    _reward_axes(ax)


def _draw_points(ax: Axes, reference: float, kl: float, tilt_reward: float | None) -> None:
    """The reference, and the tilt if there is one."""
    ax.plot([0.0], [reference], "D", color=COLORS["black"], ms=5, label="reference")
    if tilt_reward is not None:
        ax.plot([kl], [tilt_reward], "s", color=COLORS["blue"], ms=5, label="tilt of the same KL")


def _law(result: Any) -> RewardLaw:
    return RewardLaw(np.asarray(result.log_p), np.asarray(result.rewards))


def _draw_tilts(ax: Axes, law: RewardLaw) -> None:
    """The frontier from the reference to the law on the best outcomes."""
    ceiling = max(-log_top_mass(law.log_p, law.r), 0.0)
    budgets = np.linspace(0.0, ceiling, _points(len(law.r)))[:-1]
    t = np.array([t_for_kl(law.log_p, law.r, kl) for kl in budgets.tolist()] + [math.inf])
    _, reward, _, kl = moments_at(law.log_p, law.r, t)
    shown = np.isfinite(reward)
    ax.plot(kl[shown], reward[shown], color=COLORS["blue"], label="tilts (optimum)")
    if np.isfinite(reward[0]):
        ax.plot(kl[:1], reward[:1], "D", color=COLORS["black"], ms=5, label="reference", zorder=4)


def _draw_fractions(ax: Axes, law: RewardLaw, shown_kl: float) -> None:
    ceiling = max(-log_top_mass(law.log_p, law.r), 0.0)
    kl = np.linspace(0.0, max(1.15 * ceiling, shown_kl, 1e-3), _points(len(law.r)))
    reward = np.array([select_fraction(law, law.p, math.exp(-x)).reward for x in kl.tolist()])
    shown = np.isfinite(reward)
    ax.plot(kl[shown], reward[shown], color=COLORS["orange"], ls=DASHED, lw=1.3, label="best fractions")


def _points(size: int) -> int:
    return int(np.clip(_CELLS // max(size, 1), 25, _POINTS))


def _name(result: BestOfN) -> str:
    if result.n < 1e6:
        return f"$N$ = {result.n:.6g}"
    return f"$\\log N$ = {result.log_n:.4g}"


def _reward_axes(ax: Axes) -> None:
    ax.set_xlabel("KL divergence from the reference (nats)")
    ax.set_ylabel("mean reward (unit of the reward)")
    ax.set_xlim(left=-0.02 * ax.get_xlim()[1])
    ax.legend(loc="lower right")


def _legend(ax: Axes, columns: int = 2) -> None:
    legend_below(ax, columns)

