"""What a divergence means: the Bayes error that it leaves, and the thresholds of the criterion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import DASHED, Look, curve, divide, draw_curves, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_LEFT, _RIGHT = "Bayes error", "threshold"
_LOOKS = {
    "larger of both bounds": Look("blue", "Bayes error at least"),
    "Pinsker": Look("orange", r"Pinsker: $1/2 - (\mathrm{KL}/8)^{1/2}$", dash=DASHED, width=1.2),
    "Bretagnolle-Huber": Look("green", r"Bretagnolle–Huber: $(1-(1-e^{-\mathrm{KL}})^{1/2})/2$", dash=DASHED),
    "sharp": Look("blue", "smallest KL at this total variation"),
    "8 alpha^2": Look("orange", r"$8\alpha^2$, used by the criterion", dash=DASHED, width=1.3),
}


def _study(how: Study) -> Findings:
    from ....projection import bayes_error_floor, bayes_error_threshold

    kl = np.geomspace(1e-3, 6.0, 201)
    alpha = np.geomspace(0.01, 0.45, 201)
    frame = stack(
        curve("Pinsker", kl, np.maximum(0.5 - np.sqrt(kl / 8.0), 0.0), panel=_LEFT, nature="bound"),
        curve("Bretagnolle-Huber", kl, 0.5 - 0.5 * np.sqrt(-np.expm1(-kl)), panel=_LEFT, nature="bound"),
        curve("larger of both bounds", kl, bayes_error_floor(kl), panel=_LEFT, nature="bound"),
        curve("8 alpha^2", alpha, bayes_error_threshold(alpha), panel=_RIGHT, nature="bound"),
        curve("sharp", alpha, bayes_error_threshold(alpha, "sharp"), panel=_RIGHT, nature="bound"),
    )
    return Findings(
        frame=frame,
        numbers={"threshold at alpha 0.05": float(bayes_error_threshold(0.05))},
        interpretation=(
            "A risk of 0.02 nats leaves an observer of one row with a Bayes error of at least 0.45. At the alphas in "
            "use the simple threshold and the sharp one agree to within a few percent."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    left, right = divide(ax, 2, width=4.0, height=3.6)
    draw_curves(left, figure.frame, _LOOKS, _LEFT)
    draw_curves(right, figure.frame, _LOOKS, _RIGHT)
    left.set_xscale("log")
    left.set_xlabel("KL divergence (nats)")
    left.set_ylabel("Bayes error of telling the two laws apart")
    left.set_ylim(0.0, 0.52)
    left.legend(loc="lower left")
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel(r"tolerated loss of Bayes error $\alpha$")
    right.set_ylabel("threshold on the risk (nats)")
    right.legend(loc="upper left")


FIGURE = FigureEntry(
    name="projection-thresholds",
    alias="projection-e",
    title="What a divergence means: Bayes error and thresholds",
    caption=(
        "Left: lower bounds on the Bayes error of an observer who sees one row and has to tell two laws apart, given "
        "their KL divergence. Right: the KL divergence below which the Bayes error exceeds 1/2 - alpha: the simple "
        "threshold 8 alpha^2 (Pinsker) and the sharp one. All curves are bounds."
    ),
    study=_study,
    draw=_draw,
    seconds=1,
)
