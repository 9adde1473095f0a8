"""Figures of the simulations: divergence and participation ratio over bandwidths, fluctuations at one point."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import plain_ticks
from ..core.style import COLORS
from ..core.validation import FloatArray, check_choice, check_flag, check_number
from .one_point_laws import (
    has_stable_limit,
    nearest_tail,
    normal_cdf,
    normal_density,
    stable_cdf,
    stable_density,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .one_point_result import FluctuationSimulation
    from .simulation_results import RegimeSimulation

__all__ = ["draw_fluctuations", "draw_regimes"]

_CURVE = 300  # points of a curve
_EXACT_CURVE = 24  # exact finite-size values, some tens of milliseconds each; joined by a cubic spline
_LARGEST_MU = 4.0  # beyond, the participation ratio is zero to the eye
_WIDE = 6.0  # ratio of the ends of an axis from which it is logarithmic


def draw_regimes(
    ax: Axes,
    found: RegimeSimulation,
    *,
    kind: str = "divergence",
    exact: bool = True,
    loo: float | None = None,
    **kwargs: Any,
) -> None:
    """Draw the divergence against the bandwidth, or the participation ratio against mu.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    found : RegimeSimulation
        The simulation.
    kind : {"divergence", "participation"}
        Which figure; the second ends at mu = 4 where smaller indices are there to be seen.
    exact : bool
        Add the exact expectations at this n and d where they are known (isotropic data).
    loo : float, optional
        A bandwidth chosen from data, marked in the figure of the divergence.
    **kwargs
        Passed to the points with error bars.
    """
    check_flag("exact", exact)
    if check_choice("kind", kind, ("divergence", "participation")) == "divergence":
        _divergence(ax, found, exact, loo, **kwargs)
    else:
        _participation(ax, found, exact, **kwargs)


def _isotropic(found: RegimeSimulation) -> bool:
    return bool(found.eigenvalues[0] == found.eigenvalues[-1])


def _divergence(ax: Axes, found: RegimeSimulation, exact: bool, loo: float | None, **kwargs: Any) -> None:
    from .regimes import regime_theory

    low, high = found.h.min() / 1.08, found.h.max() * 1.08
    grid = np.geomspace(low, high, _CURVE)
    theory = regime_theory(found.alpha, spectrum=found.eigenvalues)
    ax.plot(grid, theory.kl(grid), color=COLORS["grey"], linestyle="--", label=r"limit $d \to \infty$")
    if exact and _isotropic(found):
        kl, _ = _exact_curves(found, grid)
        ax.plot(grid, kl, color=COLORS["blue"], label=f"exact, $n = {found.n}$, $d = {found.d}$")
    kl, error = found.kl_per_dim, np.nan_to_num(found.kl_per_dim_se)
    _points(ax, found.h, kl, error, r"simulation ($\pm 2$ s.e.)", **kwargs)
    top = float(np.max(kl + 2.0 * error))
    ax.set_ylim(min(0.0, 1.1 * float(np.min(kl - 2.0 * error))), 1.1 * top if top > 0.0 else 1.0)
    ax.set_xlim(low, high)
    if high > _WIDE * low:
        ax.set_xscale("log")
        plain_ticks(ax.xaxis)
    marks = {"$h^*$": found.h_star, "$h_G$": found.h_G, r"$h_\mathrm{CLT}$": found.h_CLT}
    if loo is not None:
        marks["LOO"] = check_number("loo", loo, low=0.0, open_low=True)
    _mark(ax, marks, low, high)
    ax.set_xlabel("bandwidth $h$ (unit of the data)")
    ax.set_ylabel(r"$\mathrm{KL}(\rho\,\|\,\hat\rho_h)/d$ (nats)")
    ax.legend(loc="best")


def _points(ax: Axes, x: FloatArray, y: FloatArray, error: FloatArray, label: str, **kwargs: Any) -> None:
    options: dict[str, Any] = {"fmt": "o", "color": COLORS["orange"], "markersize": 4.0, "capsize": 2.0, "zorder": 3}
    ax.errorbar(x, y, yerr=2.0 * error, **{**options, "label": label, **kwargs})


def _mark(ax: Axes, marks: dict[str, float], low: float, high: float) -> None:
    """Draw vertical lines with names above the axes; names that would touch are pushed apart."""
    inside = sorted((h, name) for name, h in marks.items() if low <= h <= high)
    scale = math.log if ax.get_xscale() == "log" else float
    last = -math.inf
    for h, name in inside:
        ax.axvline(h, color=COLORS["black"], linewidth=0.8, linestyle=":", zorder=1)
        place = (scale(h) - scale(low)) / (scale(high) - scale(low))
        place = max(place, last + 0.07)
        ax.text(place, 1.01, name, transform=ax.transAxes, ha="center", va="bottom", fontsize=8.5)
        last = place


def _exact_curves(found: RegimeSimulation, h: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the exact divergence per dimension and participation ratio of isotropic data."""
    from scipy.interpolate import CubicSpline

    scale = math.sqrt(float(found.eigenvalues[0]))
    log_h, table = _exact_table(found.n, found.d, float(h.min()) / scale, float(h.max()) / scale)
    kl, participation = CubicSpline(log_h, table)(np.clip(np.log(h / scale), log_h[0], log_h[-1])).T
    return kl, np.clip(participation, 0.0, 1.0)


@lru_cache(maxsize=16)  # the figure is drawn again for every file format
def _exact_table(n: int, d: int, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    from .finite import finite_size

    nodes = np.geomspace(low, high, _EXACT_CURVE)
    values = finite_size(n, d, h=nodes)
    return np.log(nodes), np.column_stack([values.kl_per_dim, values.participation_ratio])


def _participation(ax: Axes, found: RegimeSimulation, exact: bool, **kwargs: Any) -> None:
    mu = found.mu_fs
    high = 1.08 * max(float(mu.max()), 1.0)
    if mu.min() < _LARGEST_MU < high:
        high = _LARGEST_MU
    line = np.linspace(0.0, high, _CURVE)
    ax.plot(line, np.maximum(0.0, 1.0 - line), color=COLORS["grey"], linestyle="--", label=r"limit, $\max(0, 1-\mu)$")
    if exact and _isotropic(found):
        grid = np.geomspace(found.h.min(), found.h.max(), _CURVE)
        _, participation = _exact_curves(found, grid)
        label = f"exact, $n = {found.n}$, $d = {found.d}$"
        ax.plot((grid / found.h_G_fs) ** 2, participation, color=COLORS["blue"], label=label)
    error = np.nan_to_num(found.participation_ratio_se)
    _points(ax, mu, found.participation_ratio, error, r"simulation ($\pm 2$ s.e.)", **kwargs)
    for boundary in (1.0, 2.0):
        if boundary < high:
            ax.axvline(boundary, color=COLORS["black"], linewidth=0.8, linestyle=":", zorder=1)
    ax.set_xlim(0.0, high)
    ax.set_ylim(0.0, 1.05)
    ax.set_xlabel(r"stability index $\mu$ at this $n$ and $d$ (saddle point)")
    ax.set_ylabel("mean participation ratio $Y_2$")
    ax.legend(loc="upper right")


# ------------------------------------------------------------------------------- one fixed point
def draw_fluctuations(ax: Axes, found: FluctuationSimulation, *, kind: str = "histogram", **kwargs: Any) -> None:
    """Draw the histogram of log W with its limit law, or the tail of W with slope -mu.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    found : FluctuationSimulation
        The draws.
    kind : {"histogram", "tail"}
        Which figure.
    **kwargs
        Passed to the histogram, or to the points of the tail.
    """
    if check_choice("kind", kind, ("histogram", "tail")) == "histogram":
        _histogram(ax, found, **kwargs)
    else:
        _tail(ax, found, **kwargs)


def _histogram(ax: Axes, found: FluctuationSimulation, **kwargs: Any) -> None:
    values = found.log_W
    options: dict[str, Any] = {"color": COLORS["sky"], "alpha": 0.55, "edgecolor": "white", "linewidth": 0.4}
    label = f"{found.n_data} data sets, $\\mu = {found.mu:.3g}$"
    bins = min(60, max(8, round(2.0 * found.n_data ** (1.0 / 3.0) * 1.5)))
    heights, edges, _ = ax.hist(values, bins=bins, density=True, **{**options, "label": label, **kwargs})
    margin = 0.04 * (edges[-1] - edges[0])
    grid = np.linspace(edges[0] - margin, edges[-1] + margin, _CURVE)
    if has_stable_limit(found.mu):
        curve = stable_density(grid, found.mu, found.energy_1 + found.log_mean_Z)
        ax.plot(grid, curve, color=COLORS["orange"], label=rf"stable law, index $\mu = {found.mu:.3g}$")
    if found.mu > 1.0:
        curve = normal_density(grid - found.energy_1, found.log_mean_Z, found.relative_sd)
        style = "-" if found.mu > 2.0 else "--"
        ax.plot(grid, curve, color=COLORS["green"], linestyle=style, label="normal law, exact mean and s.d.")
    ax.set_xlim(grid[0], grid[-1])
    # A law that does not fit may be much narrower than the draws: the draws decide the height.
    ax.set_ylim(0.0, 1.45 * float(np.max(heights)))
    ax.set_xlabel(r"$\log W = E_1 + \log Z$ (nats)")
    ax.set_ylabel("density over data sets")
    ax.legend(loc="upper left" if np.median(values) > np.mean(edges[[0, -1]]) else "upper right")


def _tail(ax: Axes, found: FluctuationSimulation, **kwargs: Any) -> None:
    centred = found.mu > 1.0
    log_mean = found.energy_1 + found.log_mean_Z
    if centred:
        excess = math.exp(log_mean) * np.expm1(found.log_W - log_mean)
        kept = np.sort(np.log(excess[excess > 0.0]))[::-1]
    else:
        kept = np.sort(found.log_W)[::-1]
    if not len(kept):
        kept = np.zeros(1)
    survival = np.arange(1, len(kept) + 1) / (found.n_data + 1.0)
    options: dict[str, Any] = {"marker": ".", "linestyle": "none", "color": COLORS["blue"], "markersize": 4.0}
    ax.plot(np.exp(kept), survival, **{**options, "label": f"{found.n_data} data sets", **kwargs})
    # The bulk of the draws and all larger ones; of the excess over the mean, not its smallest values.
    low = kept[np.searchsorted(survival, 0.9 * survival[-1], side="right") - 1]
    grid = np.linspace(low, kept[0] + 0.15 * (kept[0] - low), _CURVE)
    t = np.exp(grid)
    slope = np.exp(-found.mu * grid)
    near = nearest_tail(grid, found.n, found.d, found.h, found.x_norm_sq, found.energy_1)
    if has_stable_limit(found.mu):
        shifted = log_mean + np.log1p(np.exp(grid - log_mean)) if centred else grid
        ax.plot(t, 1.0 - stable_cdf(shifted, found.mu, log_mean), color=COLORS["orange"], label="stable law")
    if centred:
        above = 1.0 - normal_cdf(log_mean + np.log1p(np.exp(grid - log_mean)), log_mean, found.relative_sd)
        ax.plot(t, above, color=COLORS["green"], linestyle="-" if found.mu > 2.0 else "--", label="normal law")
    ax.plot(t, slope, color=COLORS["grey"], linestyle="--", label=rf"$t^{{-\mu}}$, $\mu = {found.mu:.3g}$")
    ax.plot(t, near, color=COLORS["purple"], linestyle="-.", label="nearest point alone, exact")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(t[0], t[-1])
    ax.set_ylim(0.5 / found.n_data, 1.5)
    ax.set_xlabel("$t$ (unit of the kernel at the level $1/n$)")
    ax.set_ylabel(r"$P(W - \mathrm{E}\,W > t)$" if centred else "$P(W > t)$")
    ax.legend(loc="lower left")
