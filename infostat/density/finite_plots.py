"""Figures of finite-size expectations, stable laws and sample spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, plain_ticks
from ..core.style import COLORS
from .effective import EffectiveDimension
from .finite_result import FiniteSize
from .stable import StableLaw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_finite_size", "draw_spectrum", "draw_stable_law"]

_CEILING = 6.0  # the divergence explodes at small h; shown is up to this multiple of its least value


def draw_finite_size(ax: Axes, result: FiniteSize, **kwargs: Any) -> None:
    """Draw the expected KL/d against the bandwidth; over an existing figure only the curve is added.

    Parameters
    ----------
    ax : Axes
        Where to draw; axes of a `RegimeTheory` figure show the same quantities.
    result : FiniteSize
        A curve, or one bandwidth.
    **kwargs
        Passed to the curve (or to the marker).
    """
    alone = not ax.has_data()
    h, kl = np.ravel(result.h), np.ravel(result.kl_per_dim)
    order = np.argsort(h)
    h, kl = h[order], kl[order]
    size = f"$d = {result.d}$, $n = {_number(result)}$"
    best = int(np.argmin(kl))
    if len(h) == 1:
        name = "least expected divergence" if result.optimal else "exact expectation"
        style: dict[str, Any] = {"color": COLORS["orange"], "label": f"{name}, {size}", "markersize": 6}
        ax.plot(h, kl, "o", **(style | kwargs))
        if alone:
            text = f"$h = {h[0]:.4g}$\n$\\mathrm{{KL}}/d = {kl[0]:.4g}$"
            ax.annotate(text, (h[0], kl[0]), xytext=(8, -6), textcoords="offset points", va="top", fontsize=8.5)
    else:
        style = {"color": COLORS["orange"], "label": f"exact, {size}"}
        (line,) = ax.plot(h, kl, **(style | kwargs))
        if 0 < best < len(h) - 1:
            place, least = _vertex(np.log(h[best - 1 : best + 2]), kl[best - 1 : best + 2])
            label = f"least near $h = {np.exp(place):.3g}$" if alone else None
            ax.plot(np.exp(place), least, "o", color=line.get_color(), markersize=5, label=label)
    ax.set_xlabel("bandwidth $h$ (unit of the data)")
    ax.set_ylabel(r"$\mathrm{KL}(\rho\,\|\,\hat\rho_h)/d$ (nats)")
    if alone:
        ax.set_xscale("log")
        _frame(ax, h, kl)
        plain_ticks(ax.xaxis)
    ax.legend(loc="upper center", frameon=True, facecolor="white", framealpha=0.85, edgecolor="none")


def _vertex(x: Any, y: Any) -> tuple[float, float]:
    """Return the lowest point of the parabola through three points."""
    a, b, c = np.polyfit(x - x[1], y, 2)
    if not a > 0:
        return float(x[1]), float(y[1])
    return float(x[1] - b / (2 * a)), float(c - b * b / (4 * a))


def _number(result: FiniteSize) -> str:
    return f"{result.n:.6g}" if result.n < 1e7 else f"e^{{{result.log_n:.4g}}}"


def _frame(ax: Axes, h: Any, kl: Any) -> None:
    if len(h) == 1:
        ax.set_xlim(h[0] / 2, h[0] * 2)
        ax.set_ylim(0.0, max(2 * float(kl[0]), 1e-12))
        return
    ax.set_xlim(h[0], h[-1])
    least = max(float(kl.min()), 1e-12)
    ax.set_ylim(0.0, min(1.08 * float(kl.max()), max(_CEILING * least, 1.6 * float(kl[-1]))))


# ---------------------------------------------------------------------------- stable law
def draw_stable_law(ax: Axes, law: StableLaw, *, points: int = 200, **kwargs: Any) -> None:
    """Draw the upper tail of the stable law with its power law.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    law : StableLaw
        A law that exists.
    points : int
        Places of the curve.
    **kwargs
        Passed to the curve.
    """
    t = np.geomspace(0.05, 1e4, points)
    survival = law.sf(t)
    name = "S" if law.mu < 1 else "X"
    style: dict[str, Any] = {"color": COLORS["blue"], "label": f"$P({name} > t)$, $\\mu = {law.mu:g}$"}
    ax.plot(t, survival, **(style | kwargs))
    tail = t ** (-law.mu)
    shown = tail <= 1
    ax.plot(t[shown], tail[shown], color=COLORS["grey"], linestyle=DASHED, linewidth=1.1, label=r"$t^{-\mu}$")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(t[0], t[-1])
    ax.set_ylim(0.5 * min(survival[-1], tail[-1]), 2.0)
    what = r"scaled sum $t$ (of $W$)" if law.mu < 1 else r"scaled deviation $t$ (of $W - \mathrm{E}\,W$)"
    ax.set_xlabel(what)
    ax.set_ylabel("upper tail probability")
    ax.legend(loc="lower left")


# ------------------------------------------------------------------------------ spectrum
def draw_spectrum(ax: Axes, found: EffectiveDimension, **kwargs: Any) -> None:
    """Draw the eigenvalues in decreasing order, with the effective dimension.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    found : EffectiveDimension
        Spectrum of a data set.
    **kwargs
        Passed to the points.
    """
    values = found.values[::-1]
    shown = values > 0
    rank = np.arange(1, len(values) + 1)
    style: dict[str, Any] = {"color": COLORS["blue"], "marker": "o", "markersize": 3, "linewidth": 1.0}
    ax.plot(rank[shown], values[shown], **(style | {"label": "eigenvalues"} | kwargs))
    label = f"$d_{{\\mathrm{{eff}}}} = {found.d_eff:.3g}$ of {found.d}"
    ax.axvline(found.d_eff, color=COLORS["orange"], linestyle=DASHED, linewidth=1.1, label=label)
    ax.set_yscale("log")
    ax.set_xlabel("rank of the direction")
    ax.set_ylabel("variance (squared unit of the data)")
    ax.legend(loc="best")
