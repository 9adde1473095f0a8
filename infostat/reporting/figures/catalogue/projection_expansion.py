"""How good is the expansion: exact risk of the exponential family against both orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import DASHED, DOTTED, Look, curve, divide, draw_curves, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_SHAPES = {"exponential": 1.0, "gamma, shape 1/2": 0.5}
_SCALED, _ERROR = "n x risk", "relative error"
_COLORS = dict(zip(_SHAPES, ("blue", "orange"), strict=True))


def _study(how: Study) -> Findings:
    from scipy import stats

    from ....projection import estimation_risk, exact_risk, risk_terms

    n = np.unique(np.geomspace(6, 400, 90).round())
    frames: list[pd.DataFrame] = []
    numbers: dict[str, float] = {}
    for name, shape in _SHAPES.items():
        truth = stats.gamma(shape, scale=1.0 / shape)
        exact = np.asarray(exact_risk("exponential", n, truth=truth).risk)
        terms = risk_terms(None, "exponential", truth=truth)
        numbers |= {f"T0, truth {name}": terms.T0, f"a2, truth {name}": terms.a2}
        frames.append(curve(f"exact, {name}", n, n * exact, panel=_SCALED))
        for order in (1, 2):
            risk = np.asarray(estimation_risk(terms, n, order))
            frames += [
                curve(f"order {order}, {name}", n, n * risk, panel=_SCALED, nature="proxy"),
                curve(f"order {order}, {name}", n, np.abs(risk / exact - 1.0), panel=_ERROR),
            ]
    return Findings(
        frame=stack(*frames),
        numbers=numbers,
        settings={"family": "exponential", "truths": ", ".join(_SHAPES)},
        interpretation="Each order of the expansion gains one power of n, whether or not the model is right.",
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    left, right = divide(ax, 2, width=4.0, height=3.6)
    looks = {f"exact, {name}": Look(color, f"exact, truth: {name}") for name, color in _COLORS.items()}
    for order, dash in ((2, DASHED), (1, DOTTED)):
        for name, color in _COLORS.items():
            label = f"order {order}" if color == "blue" else ""
            looks[f"order {order}, {name}"] = Look(color, label, dash=dash, width=1.3)
    draw_curves(left, figure.frame, looks, _SCALED)
    draw_curves(right, figure.frame, looks, _ERROR)
    for panel in (left, right):
        panel.set_xscale("log")
        panel.set_xlabel("sample size $n$ (rows)")
    left.set_ylim(0.0, 2.4)
    left.set_ylabel(r"$n \times$ estimation risk (nats)")
    left.legend(loc="upper right")
    right.set_yscale("log")
    right.set_ylabel("relative error of the expansion")


FIGURE = FigureEntry(
    name="projection-expansion",
    alias="projection-c",
    title="How good is the expansion of the estimation risk?",
    caption=(
        "Exponential family with unknown rate; the truth is exponential, or a gamma law of shape 1/2 that the model "
        "cannot match. Left: n times the exact estimation risk, and both orders of its expansion (approximations). "
        "Right: their exact relative errors."
    ),
    study=_study,
    draw=_draw,
    seconds=1,
)
