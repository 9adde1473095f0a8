"""The risk of a wrong model, simulated: a normal model for Laplace data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import DASHED, Look, curve, draw_curves, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_SIZES = (20, 30, 50, 80, 120, 200, 400)
_LOOKS = {
    "order 1": Look("sky", r"order 1: $T_0/2$", dash=DASHED),
    "order 2": Look("blue", "order 2"),
    "p/2": Look("grey", r"$p/2$, if the model were right", dash=(0, (1, 1.5)), width=1.2),
    "simulated": Look("orange", r"simulated, $\pm 2$ s.e.", kind="points"),
}


def _study(how: Study) -> Findings:
    from scipy import stats

    from ....projection import simulate_risk

    found = simulate_risk(
        stats.laplace(), "normal", _SIZES, how.count(100_000, 2000), rng=how.seed, n_jobs=how.n_jobs,
        progress=how.progress,
    )  # fmt: skip
    n = np.asarray(found.n, dtype=np.float64)
    mean, error = n * np.asarray(found.risk), 2.0 * n * np.asarray(found.risk_se)
    grid = np.geomspace(n[0] / 1.3, n[-1] * 1.3, 121)
    a1, a2 = found.terms.a1, found.terms.a2
    frame = stack(
        curve("order 1", grid, a1),
        curve("order 2", grid, a1 + a2 / grid, nature="proxy"),
        curve("p/2", grid, 0.5 * found.terms.p),
        curve("simulated", n, mean, nature="estimate", low=mean - error, high=mean + error),
    )
    return Findings(
        frame=frame,
        numbers={"T0": found.terms.T0, "a2": a2, "p": found.terms.p},
        parts={"simulation": found},
        settings={"truth": "Laplace", "family": "normal", "replicates": how.count(100_000, 2000)},
        interpretation=(
            f"A normal model for Laplace data pays {found.terms.T0:g}/(2n) rather than p/(2n) = "
            f"{found.terms.p}/(2n) to first order: heavy tails make the variance harder to estimate."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    draw_curves(ax, figure.frame, _LOOKS)
    ax.set_xscale("log")
    ax.set_xticks(_SIZES, labels=[str(n) for n in _SIZES])
    ax.set_xticks([], minor=True)
    ax.set_ylim(0.8, 2.6)
    ax.set_xlabel("sample size $n$ (rows)")
    ax.set_ylabel(r"$n \times$ estimation risk (nats)")
    ax.legend(loc="upper right")


FIGURE = FigureEntry(
    name="projection-simulation",
    alias="projection-d",
    title="Simulated risk of a normal model for Laplace data",
    caption=(
        "Estimation risk times n. Points: means over simulated samples with two standard errors (estimates). Lines: "
        "the exact first order T0/2, its sum with the second order (an approximation), and p/2, what a correct model "
        "with as many parameters would pay."
    ),
    study=_study,
    draw=_draw,
    seconds=4,
    seed=1,
)
