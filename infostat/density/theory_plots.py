"""Figures of the theory: the divergence against the bandwidth, for every kernel, and diffusion times."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, plain_ticks
from ..core.errors import InputError, InputTypeError, describe
from ..core.style import COLORS
from ..core.validation import FloatArray, short
from .collapse import DiffusionCollapse, time_of
from .theory_results import RegimeTheory, bandwidths
from .thresholds import KernelThresholds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_collapse", "draw_kernel", "draw_theory", "shade_regimes"]

_POINTS = 300
REGIME_COLORS = {"condensed": "#F6D9C6", "stable": "#FBF0CF", "clt": "#DCEBF5"}
_MARKS = {"h_star": "$h^*$", "h_G": "$h_G$", "h_CLT": r"$h_{\mathrm{CLT}}$"}
_SMALL = 8.5


# ------------------------------------------------------------ divergence against h
def draw_theory(
    ax: Axes, theory: RegimeTheory, *, h: Any = None, finite: Any = None, simulation: Any = None, **kwargs: Any
) -> None:
    """Draw the limit of KL/d against the bandwidth, with what is known at finite size over it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    theory : RegimeTheory
        The limit; where it has no divergence the stability index is drawn instead.
    h : array_like, optional
        Bandwidths of the curve.
    finite : object or sequence of objects, optional
        With fields ``h`` and ``kl_per_dim``: the exact expectation at finite n and d.
    simulation : object, optional
        With columns or fields ``h``, ``kl_per_dim`` and, where known, ``kl_per_dim_se``.
    **kwargs
        Passed to the curve of the limit.
    """
    if theory.h_G == 0.0:
        raise InputTypeError("RegimeTheory with thresholds at zero (copies of the query) has no figure; use summary()")
    overlays = [_read_overlay("finite", part) for part in _as_list(finite)]
    measured = [_read_overlay("simulation", part) for part in _as_list(simulation)]
    grid = _bandwidth_grid(theory, h, [part["h"] for part in (*overlays, *measured)])
    shade_regimes(ax, grid[0], grid[-1], theory.h_G, theory.h_CLT)
    ax.set_xscale("log")
    ax.set_xlim(grid[0], grid[-1])
    if theory.kl_star is None:
        if overlays or measured:
            raise InputError("finite and simulation must go with a theory that has a divergence, got one without")
        _draw_index(ax, grid, np.asarray(theory.mu(grid)), **kwargs)
    else:
        _draw_divergence(ax, theory, grid, overlays, measured, **kwargs)
    marks = {symbol: getattr(theory, name) for name, symbol in _MARKS.items() if getattr(theory, name) is not None}
    _mark_bandwidths(ax, marks)
    plain_ticks(ax.xaxis)


def _draw_divergence(
    ax: Axes,
    theory: RegimeTheory,
    grid: FloatArray,
    overlays: list[dict[str, Any]],
    measured: list[dict[str, Any]],
    **kwargs: Any,
) -> None:
    curve = np.asarray(theory.kl(grid))
    label = r"limit $d\to\infty$"
    ax.plot(grid, curve, **({"color": COLORS["blue"], "label": label} | kwargs))
    assert theory.h_star is not None and theory.kl_star is not None
    ax.plot([theory.h_star], [theory.kl_star], "o", color=COLORS["blue"], markersize=5)
    tops = [float(np.max(curve[np.isfinite(curve)]))]
    colors = [COLORS["orange"], COLORS["green"], COLORS["purple"]]
    for part, color in zip(overlays, colors * len(overlays), strict=False):
        ax.plot(part["h"], part["kl"], color=color, linestyle=DASHED, label=part["label"])
    for part in measured:
        ax.errorbar(
            part["h"],
            part["kl"],
            yerr=None if part["se"] is None else 2.0 * part["se"],
            fmt="o",
            color=COLORS["black"],
            markersize=3.5,
            linewidth=1.0,
            label=part["label"],
        )
    at_thresholds = [float(theory.kl(v)) for v in (theory.h_CLT, theory.h_G)]
    shown = [np.max(part["kl"][np.isfinite(part["kl"])], initial=0.0) for part in (*overlays, *measured)]
    # The frozen branch explodes at small h; what matters lies below a few times the divergence at h_CLT.
    ax.set_ylim(0.0, 1.08 * min(max(tops + shown), 3.0 * max(at_thresholds) + 1.2 * max(shown, default=0.0)))
    ax.set_xlabel("bandwidth $h$ (unit of the data)")
    ax.set_ylabel(r"$\mathrm{KL}(\rho\,\|\,\hat\rho_h)/d$ (nats)")
    if overlays or measured:
        ax.legend(loc="upper center", frameon=True, facecolor="white", framealpha=0.85, edgecolor="none")


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _read_overlay(name: str, source: Any) -> dict[str, Any]:
    """Return h, kl and standard errors of anything that has them, ordered by h."""
    found = {}
    for field in ("h", "kl_per_dim", "kl_per_dim_se"):
        value = getattr(source, field, None)
        if value is None and field != "kl_per_dim_se":
            cure = "pass the result of finite_size or simulate_regimes"
            raise InputTypeError(describe(name, "an object with fields h and kl_per_dim", short(source), cure))
        found[field] = None if value is None else np.atleast_1d(np.asarray(value, dtype=np.float64)).ravel()
    h, kl, se = found["h"], found["kl_per_dim"], found["kl_per_dim_se"]
    assert h is not None and kl is not None
    if len(h) != len(kl) or (se is not None and len(se) != len(h)):
        raise InputError(f"{name} must have as many divergences as bandwidths, got {len(kl)} and {len(h)}")
    order = np.argsort(bandwidths(h))
    numbers = {letter: getattr(source, letter, []) for letter in ("d", "n")}
    size = [f"{letter} = {number:g}" for letter, number in numbers.items() if np.ndim(number) == 0]
    first = "exact" if name == "finite" else "simulated"
    words = f"{first}, {', '.join(size)}" if size else first
    if se is not None:
        words += r" ($\pm$ 2 s.e.)"
    return {"h": h[order], "kl": kl[order], "se": None if se is None else se[order], "label": words}


def _bandwidth_grid(theory: RegimeTheory, h: Any, others: Iterable[FloatArray]) -> FloatArray:
    if h is not None:
        grid = np.unique(bandwidths(h))
        if len(grid) < 2:
            raise InputError("h must hold at least two bandwidths for a curve, got one")
        return grid
    low = 0.45 * (theory.h_star or theory.h_G)
    ends = [low, 2.2 * theory.h_CLT]
    for other in others:
        ends += [0.95 * float(other.min()), 1.05 * float(other.max())]
    return np.geomspace(min(ends), max(ends), _POINTS)


def shade_regimes(ax: Axes, low: float, high: float, h_G: float, h_CLT: float) -> None:
    """Shade the three regimes of a bandwidth axis.

    Parameters
    ----------
    ax : Axes
        Where to draw; the horizontal axis is h.
    low, high : float
        Ends of the axis.
    h_G, h_CLT : float
        Thresholds; those outside the axis are left out.
    """
    edges = np.clip([low, h_G, h_CLT, high], low, high)
    for left, right, name in zip(edges[:-1], edges[1:], REGIME_COLORS, strict=True):
        if right > left:
            ax.axvspan(left, right, facecolor=REGIME_COLORS[name], edgecolor="none", zorder=0)


def _mark_bandwidths(ax: Axes, marks: dict[str, float]) -> None:
    """Draw a line at each bandwidth, named above the axes; names that would touch share one place."""
    ordered = sorted(marks.items(), key=lambda item: item[1])
    low, high = ax.get_xlim()
    left: float | None = None
    offset = 0
    for symbol, value in ordered:
        if not low < value < high:
            continue
        ax.axvline(value, color=COLORS["grey"], linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        # Two names closer than a twentieth of the axis would overlap: the second is pushed to the right.
        near = left is not None and math.log(value / left) < 0.055 * math.log(high / low)
        offset = offset + 16 if near else 0
        ax.annotate(
            symbol,
            (value, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(offset, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9.5,
        )
        left = value


def _draw_index(ax: Axes, grid: FloatArray, mu: FloatArray, **kwargs: Any) -> None:
    """Draw the stability index with the lines 1 and 2."""
    ax.plot(grid, mu, **({"color": COLORS["blue"]} | kwargs))
    for level in (1.0, 2.0):
        ax.axhline(level, color=COLORS["grey"], linewidth=0.8)
    ax.set_yscale("log")
    ax.set_xlabel("bandwidth $h$ (unit of the data)")
    ax.set_ylabel(r"stability index $\mu$")


# ------------------------------------------------------------------ other kernels
def draw_kernel(ax: Axes, thresholds: KernelThresholds, **kwargs: Any) -> None:
    """Draw KL/d of a kernel against the bandwidth (the stability index where there is no divergence).

    Parameters
    ----------
    ax : Axes
        Where to draw.
    thresholds : KernelThresholds
        The kernel.
    **kwargs
        Passed to the curve.
    """
    low = 0.45 * (thresholds.h_star or thresholds.h_G)
    grid = np.geomspace(low, 2.2 * thresholds.h_CLT, _POINTS)
    if thresholds.kernel == "compact":  # the curve starts at the edge
        grid = np.unique(np.append(grid, thresholds.h_G))
    shade_regimes(ax, grid[0], grid[-1], thresholds.h_G, thresholds.h_CLT)
    ax.set_xscale("log")
    ax.set_xlim(grid[0], grid[-1])
    if thresholds.kl_star is None or thresholds.h_star is None:
        mu = np.asarray(thresholds.mu(grid))
        _draw_index(ax, grid, np.where(np.isinf(mu), np.nan, mu), **kwargs)
    else:
        curve = np.asarray(thresholds.kl(grid))
        ax.plot(grid, np.where(np.isinf(curve), np.nan, curve), **({"color": COLORS["blue"]} | kwargs))
        ax.plot([thresholds.h_star], [thresholds.kl_star], "o", color=COLORS["blue"], markersize=5)
        top = max(float(thresholds.kl(v)) for v in (thresholds.h_G, thresholds.h_CLT, 1.5 * thresholds.h_G))
        ax.set_ylim(0.0, min(3.0 * top, 1.08 * float(np.max(curve[np.isfinite(curve)]))))
        ax.set_xlabel("bandwidth $h$ (unit of the data)")
        ax.set_ylabel(r"$\mathrm{KL}(\rho\,\|\,\hat\rho_h)/d$ (nats)")
    marks = {"$h^*$": thresholds.h_star, "$h_G$": thresholds.h_G, r"$h_{\mathrm{CLT}}$": thresholds.h_CLT}
    if thresholds.kernel == "compact":
        ax.text(0.04, 0.5, "no data point in reach:\nthe estimate is zero", transform=ax.transAxes, fontsize=_SMALL)
        marks = {r"$h^*=h_G=h_{\mathrm{CLT}}$": thresholds.h_G}
    _mark_bandwidths(ax, {symbol: value for symbol, value in marks.items() if value is not None})
    plain_ticks(ax.xaxis)


# ---------------------------------------------------------------- diffusion times
def draw_collapse(ax: Axes, collapse: DiffusionCollapse, **kwargs: Any) -> None:
    """Draw the stability index against diffusion time, for generated and for fresh points.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    collapse : DiffusionCollapse
        The times.
    **kwargs
        Passed to the curve of generated points.
    """
    known = [v for v in (collapse.h_C, collapse.h_G, collapse.h_star) if v is not None]
    h = np.geomspace(0.3 * min(known), 2.0 * max(known), 80)
    t = np.asarray(time_of(h))
    generated, fresh = np.asarray(collapse.mu(h)), np.square(h / collapse.h_G)
    ax.plot(t, generated, **({"color": COLORS["orange"], "label": "point of the trajectory"} | kwargs))
    ax.plot(t, fresh, color=COLORS["blue"], linestyle=DASHED, label="fresh draw of the data's law")
    ax.axhline(1.0, color=COLORS["grey"], linewidth=0.8)
    ax.plot([collapse.t_C], [1.0], "o", color=COLORS["orange"], markersize=5)
    ax.plot([collapse.t_G], [1.0], "o", color=COLORS["blue"], markersize=5)
    ax.annotate("$t_C$", (collapse.t_C, 1.0), xytext=(4, -12), textcoords="offset points")
    ax.annotate("$t_G$", (collapse.t_G, 1.0), xytext=(-4, 5), textcoords="offset points", ha="right")
    if collapse.h_star is not None and collapse.t_opt is not None:
        value = (collapse.h_star / collapse.h_G) ** 2
        ax.plot([collapse.t_opt], [value], "s", color=COLORS["blue"], markersize=5)
        place: dict[str, Any] = {"xytext": (-6, 4), "textcoords": "offset points", "ha": "right"}
        ax.annotate(r"$t_{\mathrm{opt}}$", (collapse.t_opt, value), **place)
    ax.set_xlim(t[0], t[-1])
    ax.set_ylim(0.0, min(3.0, 1.05 * float(max(generated.max(), fresh.max()))))
    ax.set_xlabel("diffusion time $t$")
    ax.set_ylabel(r"stability index $\mu$ (condensed below 1)")
    ax.legend(loc="upper left")
