"""The price of a bandwidth: KL divergence per dimension in theory, exactly, and simulated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ....core.style import COLORS
from ..curves import DASHED, DOTTED, Look, curve, draw_curves, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_N, _D = 2000, 20
_LOOKS = {
    "limit": Look("grey", r"limit $d \to \infty$", dash=DASHED),
    "exact": Look("blue", f"exact, $n = {_N}$, $d = {_D}$"),
    "simulated": Look("orange", r"simulated, $\pm 2$ s.e.", kind="points"),
}
_MARKS = {"h_star": "$h^*$", "h_G": "$h_G$", "h_CLT": r"$h_\mathrm{CLT}$", "loo": "LOO"}


def _study(how: Study) -> Findings:
    from ....core.rng import as_generator
    from ....density import finite_size, regime_theory, select_bandwidth, simulate_regimes

    found = simulate_regimes(
        n=_N, d=_D, h_grid=np.geomspace(0.45, 1.8, 12), n_x=how.count(3000, 40), n_data=1, rng=how.child(0),
        n_jobs=how.n_jobs, progress=how.progress,
    )  # fmt: skip
    rows = as_generator(how.child(1)).standard_normal((_N, _D))
    loo = select_bandwidth(rows, n_jobs=how.n_jobs, diagnose=False).h
    theory = regime_theory(found.alpha)
    h = np.geomspace(0.42, 1.95, how.count(61, 13))
    error = 2.0 * found.kl_per_dim_se
    frame = stack(
        curve("limit", h, theory.kl(h)),
        curve("exact", h, finite_size(_N, _D, h).kl_per_dim),
        curve(
            "simulated", found.h, found.kl_per_dim, nature="estimate", low=found.kl_per_dim - error,
            high=found.kl_per_dim + error,
        ),
    )  # fmt: skip
    marks = {"h_star": found.h_star, "h_G": found.h_G, "h_CLT": found.h_CLT, "loo": loo}
    best = finite_size(_N, _D)
    return Findings(
        frame=frame,
        numbers={**marks, "exact best h": float(best.h), "exact least KL/d": float(best.kl_per_dim)},
        settings={"data": "N(0, I)", "n": _N, "d": _D, "pairs": how.count(3000, 40)},
        interpretation=(
            f"The limit puts the best bandwidth at {found.h_star:.3g}, the exact expectation at {float(best.h):.3g}, "
            f"leave-one-out on one data set at {loo:.3g}."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    draw_curves(ax, figure.frame, _LOOKS)
    places = [figure.numbers[name] for name in _MARKS]
    for place, word in zip(places, _MARKS.values(), strict=True):
        # The optimum of one data set may lie beside a threshold: its name then goes above the other.
        crowded = word == "LOO" and min(abs(math.log(place / other)) for other in places[:-1]) < 0.05
        ax.axvline(place, color=COLORS["black"], lw=0.9, ls=DOTTED, zorder=1)
        ax.text(
            place, 1.06 if crowded else 1.01, word, transform=ax.get_xaxis_transform(), ha="center", va="bottom",
            fontsize=8.5,
        )  # fmt: skip
    ax.set_xscale("log")
    ticks = (0.5, 0.7, 1.0, 1.4, 1.8)
    ax.set_xticks(ticks, labels=[f"{t:g}" for t in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlim(0.45, 1.9)
    ax.set_ylim(0.0, 0.4)
    ax.set_xlabel("bandwidth $h$ (unit of the data)")
    ax.set_ylabel(r"$\mathrm{KL}(\rho\,\|\,\hat\rho_h)/d$ (nats)")
    ax.legend(loc="lower right")


FIGURE = FigureEntry(
    name="density-divergence",
    alias="density-3",
    title="KL divergence of a kernel density estimate against its bandwidth",
    caption=(
        f"Isotropic Gaussian data, n = {_N}, d = {_D}. Dashed: limit of large dimension at the same log(n)/d, exact "
        "there. Blue: exact expectation at this n and d. Points: simulated, with two standard errors (estimates; the "
        "bandwidths share the data). Marks: best bandwidth h*, h_G and h_CLT of the limit, and the bandwidth that "
        "leave-one-out chooses on one data set."
    ),
    study=_study,
    draw=_draw,
    seconds=12,
    seed=1,
)
