"""A preference game: how fast mirror prox reaches the equilibrium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import DASHED, Look, curve, draw_curves, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_P = ((0.5, 0.9, 0.2), (0.1, 0.5, 0.7), (0.8, 0.3, 0.5))
_REF = (0.2, 0.3, 0.5)
_BETA = 0.2
# Below this the numbers are rounding errors.
_FLOOR = 1e-15
_LOOKS = {
    "guaranteed": Look(
        "grey", r"guaranteed: $\mathrm{KL}_0\,(1+2\beta)^{-\mathrm{queries}/2}$", dash=DASHED, width=1.2
    ),
    "KL": Look("blue", r"$\mathrm{KL}(\pi^*\Vert\pi_k)$ (nats)"),
    "exploitability": Look("orange", "exploitability (preference probability)"),
}


def _study(how: Study) -> Findings:
    from ....alignment import nash_mirror_prox

    found = nash_mirror_prox(_P, _REF, beta=_BETA, rounds=40)
    table = found.to_frame()
    queries = table["queries"].to_numpy(dtype=float)

    def shown(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        values = table[name].to_numpy(dtype=np.float64)
        return np.where(values > _FLOOR, values, np.nan)

    return Findings(
        frame=stack(
            curve("guaranteed", queries, shown("rate_bound"), nature="bound"),
            curve("KL", queries, shown("kl")),
            curve("exploitability", queries, shown("exploitability")),
        ),
        numbers={"beta": _BETA},
        parts={"game": found},
        settings={"game": f"P = {_P}", "reference": str(_REF), "beta": _BETA},
        interpretation=found.interpretation,
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    draw_curves(ax, figure.frame, _LOOKS)
    ax.set_yscale("log")
    ax.set_xlim(left=0.0)
    ax.set_xlabel("preference queries (two per round)")
    ax.set_ylabel("distance from the equilibrium")
    ax.legend(loc="upper right")


FIGURE = FigureEntry(
    name="alignment-game",
    alias="alignment-g",
    title="Mirror prox in a preference game",
    caption=(
        "Regularised preference game of three answers, beta = 0.2. KL divergence from the equilibrium to the iterate "
        "and exploitability, both exact, against the number of preference queries; dashed: the guaranteed rate, a "
        "bound on the KL divergence."
    ),
    study=_study,
    draw=_draw,
    seconds=1,
)
