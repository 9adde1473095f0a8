"""Best-of-N of sequences against the optimum, as the sequences get longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import curve, divide, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_P, _R = (0.5, 0.3, 0.2), (0.0, 1.0, 2.5)
_DELTA = 0.1
_PANELS = ("divergence", "gap", "per_symbol")


def _study(how: Study) -> Findings:
    from ....alignment import sequence_bon

    lengths = np.unique(np.geomspace(10, how.count(2000, 200), how.count(19, 8)).round().astype(int))
    found = sequence_bon(_P, _R, lengths.tolist(), _DELTA, progress=how.progress)
    table = found.to_frame()
    m = table["m"].to_numpy(dtype=float)
    frame = stack(
        curve("KL(BoN || optimum)", m, table["kl_to_optimal"], panel="not divided by m"),
        curve("predicted KL", m, table["kl_to_optimal_predicted"], panel="not divided by m", nature="proxy"),
        curve("reward gap", m, table["reward_gap"], panel="not divided by m"),
        curve("predicted reward gap", m, table["reward_gap_predicted"], panel="not divided by m", nature="proxy"),
        curve("KL(BoN || optimum)", m, table["kl_to_optimal"] / m, panel="per symbol"),
        curve("log N - KL(BoN || reference)", m, (table["log_n"] - table["kl"]) / m, panel="per symbol"),
        curve("reward gap", m, table["reward_gap"] / m, panel="per symbol"),
    )
    return Findings(
        frame=frame,
        numbers={"delta": _DELTA, "t*": found.t_star, "x*": found.x_star},
        parts={"sequences": found},
        settings={"law": f"p = {_P}, r = {_R}", "delta": _DELTA},
        interpretation=(
            "Per symbol best-of-N and the KL optimum become one; not divided by m their divergence grows like half "
            "the logarithm of m."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    for panel, name in zip(divide(ax, 3, width=3.7, height=4.2), _PANELS, strict=True):
        figure.parts["sequences"]._draw(panel, panel=name)
        panel.set_title("")
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))


FIGURE = FigureEntry(
    name="alignment-sequences",
    alias="alignment-c",
    title="Best-of-N of long sequences against the KL optimum",
    caption=(
        "Best of N = exp(0.1 m) sequences of m independent letters, exact at every m. Left and middle: KL divergence "
        "from the optimum and reward gap, not divided by m, with their predictions (dashed; approximations for large "
        "m), which grow like half the logarithm of m. Right: the same per symbol, which vanish."
    ),
    study=_study,
    draw=_draw,
    seconds=2,
)
