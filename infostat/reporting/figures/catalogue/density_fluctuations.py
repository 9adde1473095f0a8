"""The density at one point in other data sets: histograms and tails in the three regimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import curve, divide, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ....density import FluctuationSimulation
    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_INDICES = (0.5, 1.5, 3.0)


def _study(how: Study) -> Findings:
    from ....density import simulate_fluctuations

    sets = how.count(2000, 200)
    parts, frames, numbers = {}, [], {}
    for index, mu in enumerate(_INDICES):
        found = simulate_fluctuations(
            n=20_000, d=60, n_data=sets, mu=mu, rng=how.child(index), n_jobs=how.n_jobs, progress=how.progress
        )
        parts[_name(mu)] = found
        frames.append(_rows(found, _name(mu)))
        numbers[f"KS to the normal law, {_name(mu)}"] = found.ks_normal
        if found.ks_stable is not None:
            numbers[f"KS to the stable law, {_name(mu)}"] = found.ks_stable
    return Findings(
        frame=stack(*frames),
        numbers=numbers,
        parts=parts,
        settings={"data": "N(0, I)", "n": 20_000, "d": 60, "data sets": sets, "|x|^2": 60},
        interpretation=(
            "In the condensed regime the stable law describes the fluctuations and the normal law does not; above 2 "
            "it is the other way round. Between 1 and 2 neither limit is reached at this size."
        ),
    )


def _name(mu: float) -> str:
    return f"mu = {mu:g}"


def _rows(found: FluctuationSimulation, panel: str) -> pd.DataFrame:
    """Sorted draws with the share of data sets above them, which gives the histogram and the tail."""
    log_w = np.sort(found.log_W)
    above = 1.0 - (np.arange(len(log_w)) + 0.5) / len(log_w)
    return curve("log W, share of data sets above", log_w, above, panel=panel, nature="estimate")


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    panels = divide(ax, len(_INDICES), 2, width=3.9, height=3.3)
    for column, (name, found) in enumerate(figure.parts.items()):
        upper, lower = panels[column], panels[column + len(_INDICES)]
        found._draw(upper, kind="histogram")
        found._draw(lower, kind="tail")
        upper.set_title(rf"$\mu$ = {name.removeprefix('mu = ')}")
        upper.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=7.5)
        lower.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, fontsize=7.5)
        if column:
            upper.set_ylabel("")


FIGURE = FigureEntry(
    name="density-fluctuations",
    alias="density-2",
    title="One point, many data sets: how a density estimate fluctuates in the three regimes",
    caption=(
        "Kernel sum at one fixed point over simulated data sets of 20 000 rows in 60 dimensions, at finite-size "
        "indices mu = 0.5, 1.5 and 3 (estimates). Upper row: histogram of log W with the stable law of index mu and "
        "the normal law of the exact mean and variance (limit laws). Lower row: upper tails of W (of W minus its mean "
        "above 1) beside the slope -mu and the exact tail of the nearest point alone. At mu = 1.5 neither limit law "
        "is reached at this size."
    ),
    study=_study,
    draw=_draw,
    seconds=8,
    seed=1,
)
