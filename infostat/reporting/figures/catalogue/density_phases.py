"""The phase diagram of kernel density estimation, with measured best bandwidths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..curves import curve, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

# Rows and columns of simulated data sets: alpha from 0.08 to 0.9.
_SIZES = ((5000, 10), (1000, 10), (5000, 20), (1000, 20), (5000, 40), (1000, 40), (2000, 80))
_CURVES = {"h_CLT": "h_CLT", "h_G": "h_G", "h_star": "best bandwidth h*", "scott": "Scott and Silverman"}


def _study(how: Study) -> Findings:
    from ....core.rng import as_generator
    from ....density import diagnose_bandwidth, phase_diagram, select_bandwidth

    diagram = phase_diagram(np.geomspace(0.02, 2.0, 61))
    sizes = _SIZES[1::2] if how.quick else _SIZES
    points = []
    for index, (n, d) in enumerate(sizes):
        rows = as_generator(how.child(index)).standard_normal((n, d))
        h = select_bandwidth(rows, n_jobs=how.n_jobs, diagnose=False).h
        queries = diagnose_bandwidth(rows, h, rng=how.child(1000 + index), n_jobs=how.n_jobs)
        points.append((n, d, math.log(n) / d, h, float(queries.participation_ratio.mean()), queries.mu_bar))
        if how.report is not None:
            how.report(index + 1, len(sizes))
    n, d, alpha, h, share, mu = np.array(points).T
    frame = stack(
        *(curve(word, diagram.alpha, getattr(diagram, name)) for name, word in _CURVES.items()),
        curve("measured, leave-one-out", alpha, h, nature="estimate", n=n, d=d, participation_ratio=share, mu=mu),
    )
    return Findings(
        frame=frame,
        parts={"diagram": diagram},
        settings={"data": "N(0, I)", "n x d": ", ".join(f"{a} x {b}" for a, b in sizes)},
        interpretation=(
            "At finite size the best bandwidth lies above its limit, more so in few dimensions; where n is large "
            f"for the dimension it leaves the condensed regime. Participation ratios there: {share.min():.2f} to "
            f"{share.max():.2f}."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    rows = figure.frame[figure.frame["curve"] == "measured, leave-one-out"]
    figure.parts["diagram"]._draw(ax, points=rows[["x", "y", "participation_ratio"]].to_numpy(dtype=float))


FIGURE = FigureEntry(
    name="density-phases",
    alias="density-1",
    title="Phase diagram of kernel density estimation",
    caption=(
        "Bandwidth against alpha = log(n)/d for isotropic Gaussian data. Lines and shades are exact in the limit of "
        "large dimension: above h_CLT errors are normal, between h_G and h_CLT heavy tailed, below h_G a few points "
        "make the density; h* has the least KL divergence. Points are estimates from simulated data sets of finite "
        "size: the bandwidth with the largest leave-one-out likelihood, coloured by the mean participation ratio."
    ),
    study=_study,
    draw=_draw,
    seconds=14,
    seed=1,
)
