"""Figures of proxy rewards: the guarantee against chi^2, and the over-optimisation curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.style import COLORS
from .proxy_results import OveroptimisationFit, ProxyBound

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_bound", "draw_fit"]


def draw_fit(ax: Axes, result: OveroptimisationFit, **kwargs: Any) -> None:
    """Draw true gain against KL with the fitted curve, its peak and, if known, the proxy gain.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : OveroptimisationFit
        The fit.
    **kwargs
        Passed to the fitted curve.
    """
    order = np.argsort(result.kl, kind="stable")
    kl, gain = result.kl[order], result.observed[order]
    if result.proxy is not None:
        style = {"color": COLORS["blue"], "linestyle": "--", "marker": "s", "markersize": 3.5, "linewidth": 1.0}
        ax.plot(kl, result.proxy[order], label="proxy reward", **style)  # type: ignore[arg-type]
    error = None if result.se is None else 2.0 * result.se[order]
    label = "true reward" if error is None else "true reward, 2 standard errors"
    ax.errorbar(kl, gain, yerr=error, fmt="o", color=COLORS["orange"], markersize=4.0, capsize=2.5, label=label)
    last = float(kl[-1])
    # A peak far beyond the data would squeeze them into a corner.
    shown = result.peak_kl if last < result.peak_kl <= 2.0 * last else last
    end = 1.05 * shown if shown > last else last
    smooth = np.linspace(0.0, math.sqrt(end), 400) ** 2
    formula = "d(A-Bd)" if result.kind == "bon" else r"d(A-B\,\log\,d)"
    line = {"color": COLORS["black"], "label": rf"fit ${formula}$, $d=\sqrt{{\mathrm{{KL}}}}$", **kwargs}
    within = smooth <= last * (1.0 + 1e-12)
    ax.plot(smooth[within], result.gain(smooth[within]), **line)
    if not within.all():
        ax.plot(smooth[~within], result.gain(smooth[~within]), **{**line, "linestyle": ":", "label": "_nolegend_"})
    if result.peak_kl <= end:
        _mark_peak(ax, result)
    ax.axhline(0.0, color=COLORS["grey"], linewidth=0.7)
    ax.set_xlabel("KL divergence from the base law (nats)")
    ax.set_ylabel("gain in mean reward (unit of the reward)")
    ax.legend(loc="best")


def _mark_peak(ax: Axes, result: OveroptimisationFit) -> None:
    ax.axvline(result.peak_kl, color=COLORS["grey"], linewidth=0.9, linestyle=":")
    ax.plot(result.peak_kl, result.peak_gain, "D", color=COLORS["black"], markersize=5)
    spread = "" if math.isnan(result.se_peak_kl) else rf" $\pm$ {result.se_peak_kl:.2g}"
    right = result.peak_kl > 0.55 * ax.get_xlim()[1]
    ax.annotate(
        f"peak at {result.peak_kl:.3g}{spread} nats",
        (result.peak_kl, 0.0),
        xytext=(-4 if right else 4, 5),
        ha="right" if right else "left",
        textcoords="offset points",
        fontsize=8.5,
        color=COLORS["grey"],
    )


def draw_bound(ax: Axes, result: ProxyBound, **kwargs: Any) -> None:
    """Draw what this proxy gain guarantees at other chi^2 divergences, and where the policy stands.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : ProxyBound
        The bound.
    **kwargs
        Passed to the curve of the tight bound.
    """
    a, rho, rest = result.proxy_gain_sd, result.correlation, result.unexplained
    finite = [v for v in (result.pearson, result.pearson_limit) if math.isfinite(v)]
    top = 1.25 * max([*finite, 2.0 * a * a, 0.01])
    if rho > 0.0:
        # No policy reaches the proxy gain a with less than chi^2 = a^2.
        beyond = np.linspace(0.0, math.sqrt(max(top - a * a, 0.0)), 400) ** 2
        tight = rho * a - np.sqrt(rest * beyond)
        loose = (a - np.sqrt(rest * (a * a + beyond))) / rho
        ax.plot(a * a + beyond, tight, **{"color": COLORS["blue"], "label": "guaranteed, tight bound", **kwargs})
        ax.plot(a * a + beyond, loose, color=COLORS["sky"], linestyle="--", label="guaranteed, simple bound")
        ax.axvline(a * a, color=COLORS["grey"], linewidth=0.9, linestyle=":")
        note = r"least $\chi^2$ with this proxy gain"
        ax.annotate(
            note, (a * a, 0.02), xycoords=("data", "axes fraction"), xytext=(4, 0), textcoords="offset points",
            rotation=90, fontsize=8.0, color=COLORS["grey"], va="bottom",
        )  # fmt: skip
    if math.isfinite(result.pearson):
        ring = {"color": COLORS["orange"], "markerfacecolor": "none", "markersize": 9.0, "markeredgewidth": 1.5}
        ax.plot(result.pearson, result.true_gain_sd, "o", label="true gain of the policy", **ring)  # type: ignore[arg-type]
        if math.isfinite(result.tight_bound):
            ax.plot(result.pearson, result.tight_bound, "D", color=COLORS["blue"], label="_nolegend_")
            ends = [result.tight_bound, result.true_gain_sd]
            ax.plot([result.pearson] * 2, ends, color=COLORS["grey"], linewidth=0.9)
    else:
        ax.axhline(result.true_gain_sd, color=COLORS["orange"], linewidth=1.0, label="true gain of the policy")
    ax.axhline(0.0, color=COLORS["grey"], linewidth=0.7)
    ax.set_xlim(left=0.0, right=top)
    ax.set_xlabel(r"$\chi^2$(policy $\Vert$ base)")
    ax.set_ylabel("gain in true reward (standard deviations)")
    ax.legend(loc="best")
