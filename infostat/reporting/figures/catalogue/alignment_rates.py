"""Large deviations: rate functions of the tilt and of best-of-N, and an estimate from scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import DASHED, DOTTED, Look, curve, divide, draw_curves, legend_below, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_P, _R = (0.4, 0.3, 0.2, 0.1), (0.0, 1.0, 1.6, 3.0)
_DELTA = 0.3
_LEFT, _RIGHT = "sequences", "scores"
_LOOKS = {
    "tilt": Look("blue", "optimum: $I_{t^*}(x)$"),
    "best of N": Look("orange", r"best of $e^{\delta m}$: $\Lambda^*(x)-\delta$", dash=DASHED),
    "reference": Look("grey", r"reference: $\Lambda^*(x)$", dash=DOTTED, width=1.3),
    "wall": Look("orange", r"$x^*$; best of N: $\infty$ below", kind="rule", dash=DOTTED, width=1.0),
}


def _study(how: Study) -> Findings:
    from ....alignment import empirical_rate, rate_function, tilt
    from ....core.rng import as_generator

    best = tilt(_P, _R, kl=_DELTA)
    x = np.linspace(min(_R), max(_R), 301)
    plain = np.asarray(rate_function(_P, _R, x).rate)
    tilted = np.asarray(rate_function(_P, _R, x, t=best.t).rate)
    above = x >= best.reward
    scores = as_generator(how.seed).standard_normal(2000)
    places = np.linspace(0.0, 3.4, 69)
    measured = empirical_rate(scores, places)
    rate, bias = np.asarray(measured.rate), np.asarray(measured.bias)
    frame = stack(
        curve("reference", x, plain, panel=_LEFT),
        curve("tilt", x, tilted, panel=_LEFT),
        curve("best of N", x[above], plain[above] - _DELTA, panel=_LEFT),
        curve("wall", [best.reward], np.nan, panel=_LEFT),
        curve(
            "estimate", places, rate, panel=_RIGHT, nature="estimate", low=np.maximum(rate - bias, 0.0), high=rate,
            status=np.asarray(measured.status),
        ),
        curve("truth", places, 0.5 * places**2, panel=_RIGHT),
    )  # fmt: skip
    return Findings(
        frame=frame,
        numbers={"delta": _DELTA, "t*": best.t, "x*": best.reward},
        parts={"rate": measured},
        settings={"law": f"p = {_P}, r = {_R}", "scores": "2000 from N(0, 1)"},
        interpretation=(
            "The optimum and best-of-N share the mean x* and the KL rate, not the fluctuations: below x* best-of-N is "
            "infinitely rarer, above it less rare than its own mean suggests."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    left, right = divide(ax, 2, width=4.2, height=4.2)
    draw_curves(left, figure.frame, _LOOKS, _LEFT)
    left.axhline(0.0, color="#666666", lw=0.6, zorder=0)
    left.set_ylim(-0.05, 2.4)
    left.set_xlabel("mean reward per letter $x$ (reward)")
    left.set_ylabel("rate (nats per letter)")
    left.set_title(rf"sequences, $\delta$ = {figure.numbers['delta']:g}")
    figure.parts["rate"]._draw(right)
    draw_curves(right, figure.frame, {"truth": Look("black", "truth $x^2/2$", width=1.0, dash=DASHED)}, _RIGHT)
    right.set_title("2000 scores")
    legend_below(left)
    legend_below(right)


FIGURE = FigureEntry(
    name="alignment-rates",
    alias="alignment-b",
    title="Rate functions of the optimum and of best-of-N",
    caption=(
        "Left: exponential rates at which the mean reward of a long sequence deviates to x, exact: under the "
        "reference, under the KL optimum (zero at x*), and under best-of-N with N = exp(delta m) (infinite below x*). "
        "Right: rate function of single standard normal scores estimated from 2000 of them, with the leading bias as "
        "a band, dashed where weak, dotted where collapsed, and the exact truth."
    ),
    study=_study,
    draw=_draw,
    seconds=1,
    seed=2,
)
