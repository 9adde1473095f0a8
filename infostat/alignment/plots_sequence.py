"""Figures about sequences: rate functions, tails, growth of the divergence from the optimum."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, DOTTED, legend_below, plain_ticks
from ..core.style import COLORS
from ..core.validation import FloatArray, check_choice
from .laws import as_law
from .rate_functions import best_of_n_rates, curve, letter_law
from .sequence_results import RateFunction, SequenceBestOfN, SequenceTail

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_rates", "draw_sequence", "draw_tail"]

_GAMMA = float(np.euler_gamma)


def draw_rates(ax: Axes, result: RateFunction, *, empirical: Any = None, **kwargs: Any) -> None:
    """Draw the rate functions of the tilt and of best-of-N over the range of the rewards.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : RateFunction
        Rates; the curves are computed for the whole range, its own points are marked.
    empirical : object, optional
        Something with arrays ``x`` and ``rate``, and ``bias`` if known: drawn as dots, with a band
        down to the rate less its bias.
    **kwargs
        Passed to the line of the tilt.
    """
    law = as_law(None, result.letter_reward, result.letter_log_mass)
    letter = letter_law(law, result.t)
    if len(letter.r) > 1:
        shown = curve(letter)
        name = "reference" if result.t == 0.0 else f"tilt, t = {result.t:.4g}"
        ax.plot(shown["x"], shown["rate"], **{"color": COLORS["blue"], "label": f"{name}: $I_t(x)$", **kwargs})
    if result.delta is not None:
        _bon_rate(ax, result, letter_law(law))
    _own_points(ax, result)
    if empirical is not None:
        _empirical(ax, empirical)
    ax.axhline(0.0, color=COLORS["grey"], linewidth=0.6, zorder=0)
    ax.set_xlabel("mean reward per letter $x$ (unit of the reward)")
    ax.set_ylabel("rate (nats per letter)")
    legend_below(ax)


def _bon_rate(ax: Axes, result: RateFunction, reference: Any) -> None:
    """Lambda*(x) - delta from x* on; below x* the rate is infinite, drawn as a wall."""
    delta, x_star = float(result.delta or 0.0), float(result.x_star or 0.0)
    x = np.linspace(x_star, float(reference.r[-1]), 241)
    label = rf"best of $e^{{\delta m}}$, $\delta$ = {delta:.4g}: $\Lambda^*(x) - \delta$"
    ax.plot(x, best_of_n_rates(reference, x, delta)[2], color=COLORS["orange"], linestyle=DASHED, label=label)
    top = ax.get_ylim()[1]
    ax.vlines(x_star, 0.0, top, color=COLORS["orange"], linewidth=1.0, linestyle=DOTTED)
    ax.annotate(
        r"$\infty$ below $x^*$", (x_star, 0.9 * top), xytext=(-5, 0), textcoords="offset points", ha="right",
        color=COLORS["orange"], fontsize=8.5,
    )  # fmt: skip
    ax.set_ylim(top=top)


def _own_points(ax: Axes, result: RateFunction) -> None:
    x, rate = np.ravel(result.x), np.ravel(result.rate)
    if len(x) <= 20:
        finite = np.isfinite(rate)
        ax.plot(x[finite], rate[finite], "o", color=COLORS["blue"], markersize=4)


def _empirical(ax: Axes, empirical: Any) -> None:
    x, rate = np.ravel(empirical.x), np.ravel(empirical.rate)
    finite = np.isfinite(rate)
    ax.plot(x[finite], rate[finite], ".", color=COLORS["green"], label="from samples")
    bias = getattr(empirical, "bias", None)
    if bias is not None:
        low = rate - np.ravel(bias)
        ax.fill_between(
            x[finite], low[finite], rate[finite], color=COLORS["green"], alpha=0.2, linewidth=0, label="known bias"
        )


def draw_tail(ax: Axes, result: SequenceTail, **kwargs: Any) -> None:
    """Draw the exact and the refined tail against x.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : SequenceTail
        Tails.
    **kwargs
        Passed to the line of the exact tail.
    """
    x, exact, refined = np.ravel(result.x), np.ravel(result.log_prob), np.ravel(result.refined)
    order = np.argsort(x)
    marker = "o" if len(x) < 25 else None
    if result.log_prob_low is not None and result.log_prob_high is not None:
        low, high = np.ravel(result.log_prob_low)[order], np.ravel(result.log_prob_high)[order]
        both = np.isfinite(low) & np.isfinite(high)
        ax.fill_between(
            x[order][both], low[both], high[both], color=COLORS["blue"], alpha=0.2, linewidth=0, label="bounds"
        )
    style = {"color": COLORS["blue"], "label": "exact", "marker": marker, "markersize": 3.5}
    ax.plot(x[order], _finite(exact[order]), **{**style, **kwargs})
    ax.plot(x[order], _finite(refined[order]), color=COLORS["orange"], linestyle=DASHED, label="refined")
    exponent = -result.m * np.ravel(result.rate)[order]
    # -m I is the exponent of the upper tail only above the mean, where the tail is below one half.
    upper = np.where(exact[order] < math.log(0.5), exponent, np.nan)
    ax.plot(x[order], _finite(upper), color=COLORS["grey"], linewidth=1.0, label="exponent only: $-m I_t(x)$")
    ax.set_xlabel("mean reward per letter $x$ (unit of the reward)")
    ax.set_ylabel(r"$\log P(S_m \geq m x)$ (nats)")
    ax.set_title(f"m = {result.m}")
    ax.legend(loc="lower left")


def draw_sequence(ax: Axes, result: SequenceBestOfN, *, panel: str = "divergence", **kwargs: Any) -> None:
    """Draw how far best-of-N is from the optimum against the length of the sequences.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : SequenceBestOfN
        Best-of-N at several lengths (one length is drawn as dots).
    panel : {"divergence", "gap", "per_symbol"}
        Un-normalised KL(BoN || optimum) and the reward gap in nats with their predictions; the
        reward gap in units of reward; or all three deficits divided by m.
    **kwargs
        Passed to the line of the divergence (of the gap in panel "gap").
    """
    kind = check_choice("panel", panel, ("divergence", "gap", "per_symbol"))
    m = np.ravel(result.m).astype(np.float64)
    order = np.argsort(m)
    columns = {
        name: np.ravel(getattr(result, name))[order]
        for name in (
            "kl", "log_n", "kl_to_optimal", "kl_to_optimal_predicted", "reward_gap", "reward_gap_predicted",
            "t_optimal",
        )
    }  # fmt: skip
    {"divergence": _divergence_panel, "gap": _gap_panel, "per_symbol": _per_symbol_panel}[kind](
        ax, m[order], columns, kwargs
    )
    ax.set_xscale("log")
    ax.set_xlabel("letters per sequence $m$")
    ends = (float(m.min()), float(m.max()))
    if ends[0] == ends[1]:
        ax.set_xlim(ends[0] / 2.0, ends[1] * 2.0)
    plain_ticks(ax.xaxis)
    rule = f"$N = e^{{{result.delta:.4g}\\,m}}$" if result.delta is not None else f"$N$ = {result.n:.6g}"
    ax.set_title(f"Best of N sequences, {rule}")
    if ax.get_legend_handles_labels()[1]:
        legend_below(ax)


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)


def _marker(m: FloatArray) -> dict[str, Any]:
    return {"marker": "o", "markersize": 3.5} if len(m) < 25 else {}


def _divergence_panel(ax: Axes, m: FloatArray, columns: dict[str, FloatArray], kwargs: dict[str, Any]) -> None:
    style = {"color": COLORS["blue"], "label": r"KL(BoN $\Vert$ optimum)", **_marker(m), **kwargs}
    finite_t = np.where(np.isfinite(columns["t_optimal"]), columns["t_optimal"], np.nan)
    ax.plot(m, _finite(columns["kl_to_optimal"]), **style)
    ax.plot(
        m, finite_t * columns["reward_gap"], color=COLORS["green"], label="$t^*$ times reward gap", **_marker(m)
    )
    predicted = columns["kl_to_optimal_predicted"]
    shown = np.where(predicted + 1.0 > 0.0, predicted, np.nan)
    ax.plot(
        m, np.where(predicted > 0.0, predicted, np.nan), color=COLORS["blue"], linestyle=DASHED, linewidth=1.1,
        label=r"$\frac{1}{2}\log(2\pi m t^{*2} V^*) - \gamma - 1$",
    )  # fmt: skip
    ax.plot(
        m, shown + 1.0, color=COLORS["green"], linestyle=DASHED, linewidth=1.1,
        label=r"$\frac{1}{2}\log(2\pi m t^{*2} V^*) - \gamma$",
    )  # fmt: skip
    ax.set_ylim(bottom=0.0)
    ax.set_ylabel("not divided by $m$ (nats)")


def _gap_panel(ax: Axes, m: FloatArray, columns: dict[str, FloatArray], kwargs: dict[str, Any]) -> None:
    style = {"color": COLORS["green"], "label": r"$m x^* - E\,S_m$", **_marker(m), **kwargs}
    ax.plot(m, columns["reward_gap"], **style)
    predicted = columns["reward_gap_predicted"]
    ax.plot(
        m, np.where(predicted > 0.0, predicted, np.nan), color=COLORS["black"], linestyle=DASHED, linewidth=1.1,
        label=r"$[\frac{1}{2}\log(2\pi m t^{*2} V^*) - \gamma]/t^*$",
    )  # fmt: skip
    ax.set_ylim(bottom=0.0)
    ax.set_ylabel("reward gap (unit of the reward)")


def _per_symbol_panel(ax: Axes, m: FloatArray, columns: dict[str, FloatArray], kwargs: dict[str, Any]) -> None:
    style = {"color": COLORS["blue"], "label": r"KL(BoN $\Vert$ optimum) / $m$ (nats)", **_marker(m), **kwargs}
    curves = {
        "kl": (columns["kl_to_optimal"] / m, style),
        "rate": (
            (columns["log_n"] - columns["kl"]) / m,
            {"color": COLORS["orange"], "label": r"($\log N$ - KL(BoN $\Vert\ p^m$)) / $m$ (nats)", **_marker(m)},
        ),
        "gap": (
            columns["reward_gap"] / m,
            {"color": COLORS["green"], "label": "reward gap / $m$ (reward)", **_marker(m)},
        ),
    }
    for values, how in curves.values():
        shown = np.where(np.isfinite(values) & (values > 0.0), values, np.nan)
        if not np.isnan(shown).all():
            ax.plot(m, shown, **how)
    ax.set_yscale("log")
    ax.set_ylabel("per symbol")
