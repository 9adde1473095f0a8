"""How many points make the density: participation ratio against the stability index."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ....core.style import COLORS
from ..curves import DASHED, Look, curve, draw_curves, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_ALPHA = 0.3
_EXACT = {20: "orange", 60: "green", 200: "blue"}
_SIMULATED = 20


def _study(how: Study) -> Findings:
    from ....density import finite_size, simulate_regimes, tau_fs

    mu = np.linspace(0.1, 2.6, how.count(41, 9))
    grid = np.linspace(0.0, 2.6, 105)
    frames = [curve("limit", grid, np.maximum(0.0, 1.0 - grid))]
    for index, d in enumerate(_EXACT):
        log_n = _ALPHA * d
        tau = float(tau_fs(None, d, log_n=log_n))
        found = finite_size(None, d, np.sqrt(mu / tau), log_n=log_n)
        frames.append(curve(f"exact, d = {d}", mu, found.participation_ratio))
        if how.report is not None:
            how.report(index + 1, len(_EXACT) + 1)
    n = round(math.exp(_ALPHA * _SIMULATED))
    tau = float(tau_fs(n, _SIMULATED))
    places = np.linspace(0.25, 2.5, 10)
    drawn = simulate_regimes(
        n=n, d=_SIMULATED, h_grid=np.sqrt(places / tau), n_x=how.count(1500, 60), n_data=1, rng=how.seed,
        n_jobs=how.n_jobs,
    )  # fmt: skip
    share, error = drawn.participation_ratio, 2.0 * drawn.participation_ratio_se
    frames.append(
        curve(f"simulated, d = {_SIMULATED}", places, share, nature="estimate", low=share - error, high=share + error)
    )
    return Findings(
        frame=stack(*frames),
        numbers={"n of the simulation": n},
        settings={"data": "N(0, I)", "alpha": _ALPHA, "pairs": how.count(1500, 60)},
        interpretation=(
            "Nothing is sharp at finite dimension: with 20 columns about three points still make the density at mu = 1."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    looks = {"limit": Look("grey", r"limit $\max(0, 1-\mu)$", dash=DASHED)}
    for d, color in reversed(_EXACT.items()):
        looks[f"exact, d = {d}"] = Look(color, rf"exact, $d = {d}$")
    looks[f"simulated, d = {_SIMULATED}"] = Look(
        "orange", rf"simulated, $d = {_SIMULATED}$, $\pm 2$ s.e.", kind="points"
    )
    draw_curves(ax, figure.frame, looks)
    for boundary in (1.0, 2.0):
        ax.axvline(boundary, color=COLORS["black"], lw=0.8, ls=":", zorder=1)
    ax.set_xlim(0.0, 2.6)
    ax.set_ylim(0.0, 1.0)
    ax.set_xlabel(r"stability index $\mu$ at this $n$ and $d$ (saddle point)")
    ax.set_ylabel("mean participation ratio $Y_2$")
    ax.legend(loc="upper right", frameon=True, facecolor="white", edgecolor="none", framealpha=1.0)


FIGURE = FigureEntry(
    name="density-participation",
    alias="density-4",
    title="How few points make a density estimate: participation ratio against the stability index",
    caption=(
        "Mean over points and data sets of the sum of squared kernel weights, isotropic Gaussian data with "
        f"log(n)/d = {_ALPHA:g}. Dashed: limit of large dimension. Lines: exact expectations at d = 20, 60 and 200. "
        "Points: simulated, with two standard errors (estimates). Dotted: the boundaries of the regimes, sharp in the "
        "limit only."
    ),
    study=_study,
    draw=_draw,
    seconds=11,
    seed=1,
)
