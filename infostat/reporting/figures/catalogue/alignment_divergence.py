"""The KL divergence of best-of-N: exact, the bound everybody quotes, and a single atom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..curves import DASHED, DOTTED, Look, curve, divide, draw_curves, legend_below, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_LAWS: dict[str, Any] = {
    "five grades": ((0.10, 0.30, 0.40, 0.18, 0.02), (1.0, 2.0, 3.0, 4.0, 5.0)),
    "one correct answer among many": ((*([0.95 / 200] * 200), 0.05), tuple(range(201))),
}
_LOOKS = {
    "bound": Look("black", r"bound $\log N - (N-1)/N$", dash=DASHED, width=1.3),
    "exact": Look("sky", "exact", width=3.2),
    "single atom": Look("orange", "single-atom formula", dash=(0, (5, 2)), width=1.4),
    "ceiling": Look("grey", r"ceiling $-\log p$(best)", dash=DOTTED, width=1.1),
}


def _study(how: Study) -> Findings:
    from ....alignment import best_of_n, bon_kl_single_atom

    log_n = np.linspace(0.0, 9.0, 91)
    frames, numbers = [], {}
    for name, (p, r) in _LAWS.items():
        found = [best_of_n(p, r, log_n=x) for x in log_n.tolist()]
        ceiling = float(-np.log(p[-1]))
        numbers[f"ceiling, {name}"] = ceiling
        frames += [
            curve("bound", log_n, [each.kl_upper for each in found], panel=name, nature="bound"),
            curve("single atom", log_n, bon_kl_single_atom(p[-1], log_n=log_n), panel=name, nature="proxy"),
            curve("exact", log_n, [each.kl for each in found], panel=name),
            curve("ceiling", log_n, ceiling, panel=name, nature="bound"),
        ]
    return Findings(
        frame=stack(*frames),
        numbers=numbers,
        settings={"laws": ", ".join(_LAWS)},
        interpretation=(
            "The formula log N - (N-1)/N is an upper bound. With few grades it is too large from the start; where one "
            "answer is best it keeps growing after the exact KL has reached -log p(best)."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    for panel, name in zip(divide(ax, len(_LAWS), width=4.0, height=4.0), _LAWS, strict=True):
        draw_curves(panel, figure.frame, _LOOKS, name)
        panel.set_title(name)
        panel.set_xlim(0.0, 9.0)
        panel.set_ylim(0.0, 6.0)
        panel.set_xlabel(r"$\log N$ (nats)")
        panel.set_ylabel(r"KL(BoN $\Vert$ reference) (nats)")
        legend_below(panel)


FIGURE = FigureEntry(
    name="alignment-divergence",
    alias="alignment-d",
    title="The KL divergence of best-of-N and the formula for it",
    caption=(
        "KL divergence of best-of-N from the reference against log N for two reward laws. Thick: exact. Dashed black: "
        "log N - (N-1)/N, equality for continuous rewards and a bound for all others. Orange: the exact formula for a "
        "best answer of mass p(best) above a continuous law, an approximation here. Dotted: the ceiling, -log p(best)."
    ),
    study=_study,
    draw=_draw,
    seconds=1,
)
