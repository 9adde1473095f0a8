"""What a density estimate of the red wines rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..curves import curve, divide, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]


def _study(how: Study) -> Findings:
    from ....datasets import load
    from ....density import assess_density

    rows = load("wine_red").drop(columns="quality")
    if how.quick:
        rows = rows.iloc[:600]
    found = assess_density(
        rows, standardize=True, duplicates="drop", rng=how.seed, n_jobs=how.n_jobs, progress=how.progress
    )
    queries = found.diagnosis
    frame = stack(
        curve("queries", queries.mu_hat, queries.participation_ratio, nature="estimate"),
        curve("expected mean", queries.curve_mu, queries.curve_participation, nature="estimate"),
    )
    low, high = queries.mu_interval
    return Findings(
        frame=frame,
        numbers={"h": found.h, "mean mu": queries.mu_bar, "mu low": low, "mu high": high},
        parts={"assessment": found},
        settings={"data": "wine_red without quality, standardised, duplicates dropped", "bandwidth": "loo"},
        interpretation=found.interpretation,
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    left, right = divide(ax, 2, width=4.2, height=4.0)
    figure.parts["assessment"]._draw(left, kind="scatter")
    figure.parts["assessment"]._draw(right, kind="histogram")


FIGURE = FigureEntry(
    name="density-wine",
    alias="density-5",
    title="What a density estimate of the red wines rests on",
    caption=(
        "Red wine, columns standardised, repeated rows dropped, bandwidth by leave-one-out likelihood; all curves are "
        "estimates. Left: participation ratio of each row against its slope index, with the mean that a local model "
        "expects at this size and the limit of large dimension. Right: distribution of the index over rows. Vertical "
        "band: 95 % interval of the mean index. Shades: the regimes of the limit."
    ),
    study=_study,
    draw=_draw,
    seconds=3,
    seed=0,
)
