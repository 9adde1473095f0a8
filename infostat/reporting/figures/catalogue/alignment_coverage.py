"""Do the intervals of estimated rewards hold the truth: simulated coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import DASHED, Look, curve, draw_curves, legend_below, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_LOOKS = {
    "nominal": Look("grey", "nominal", dash=DASHED, width=1.0),
    "tilt": Look("blue", r"tilt at fixed KL, $\pm 2$ s.e.", kind="points"),
    "tilt, called weak": Look("blue", "tilt, called weak", kind="points", hollow=True),
    "best of N": Look("orange", r"best of N, $\pm 2$ s.e.", kind="points", marker="s"),
    "best of N, called weak": Look("orange", "best of N, called unreliable", kind="points", marker="s", hollow=True),
}


def _study(how: Study) -> Findings:
    from ....alignment import simulate_alignment

    found = simulate_alignment(
        n=2000, replicates=how.count(1000, 60), kl=(0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
        n_best=(2, 4, 8, 16, 32, 64, 128, 256), rng=how.seed, n_jobs=how.n_jobs, progress=how.progress,
    )  # fmt: skip
    draws = found.n_best.astype(float)
    spent = np.concatenate([found.kl, np.log(draws) - (draws - 1.0) / draws])
    names = np.array(["tilt"] * len(found.kl) + ["best of N"] * len(draws))
    weak = found.share_weak >= 0.5
    error = 2.0 * found.coverage_se
    frames = [curve("nominal", [0.0, spent.max()], found.confidence_level)]
    for name in ("tilt", "best of N"):
        for word, kept in (("", ~weak), (", called weak", weak)):
            at = (names == name) & kept
            if at.any():
                y, low, high = (
                    found.coverage[at],
                    (found.coverage - error)[at],
                    np.minimum(found.coverage + error, 1.0)[at],
                )
                frames.append(curve(name + word, spent[at], y, nature="estimate", low=low, high=high))
    return Findings(
        frame=stack(*frames),
        numbers={"nominal": found.confidence_level},
        parts={"simulation": found},
        settings={"scores": "2000 from N(0, 1)", "data sets": how.count(1000, 60)},
        interpretation=found.interpretation,
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    draw_curves(ax, figure.frame, _LOOKS)
    estimates = figure.frame[figure.frame["nature"] == "estimate"]
    ax.set_ylim(min(0.5, float(estimates["low"].min()) - 0.03), 1.02)
    ax.set_xlabel("KL divergence spent (nats)")
    ax.set_ylabel("coverage of the interval")
    legend_below(ax)


FIGURE = FigureEntry(
    name="alignment-coverage",
    alias="alignment-i",
    title="Do the intervals of aligned rewards hold the truth?",
    caption=(
        "Share of simulated data sets of 2000 standard normal scores whose 95 % interval holds the exact mean reward, "
        "against the KL divergence spent, with two Monte Carlo standard errors (estimates). Open marks: most data "
        "sets say themselves that the estimate is weak or its standard error unreliable."
    ),
    study=_study,
    draw=_draw,
    seconds=15,
    seed=1,
)
