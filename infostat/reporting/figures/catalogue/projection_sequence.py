"""How large a model does the sample carry: Gaussian graphs of growing size on red wine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..curves import curve, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_EDGES = (3, 6, 10, 15, 20, 27, 35)


def _study(how: Study) -> Findings:
    from ....datasets import load
    from ....families.multivariate_normal import MultivariateNormal
    from ....projection import pn_sequence

    # Logarithms tame the tails; citric acid has zeros.
    rows = np.log(load("wine_red").drop(columns=["quality", "citric acid"]))
    strength = np.abs(rows.corr().to_numpy())
    first, second = np.triu_indices(rows.shape[1], 1)
    order = np.argsort(-strength[first, second], kind="stable")
    pairs = [(int(first[k]), int(second[k])) for k in order]
    models: dict[str, Any] = {"0 edges": "mvn_diagonal"}
    models |= {f"{k} edges": MultivariateNormal(pairs[:k]) for k in _EDGES}
    models[f"{len(pairs)} edges"] = "mvn"
    found = pn_sequence(
        rows, models, bootstrap=how.count(200, 20), rng=how.seed, n_jobs=how.n_jobs, progress=how.progress
    )
    table = found.to_frame()
    p = table["p"].to_numpy(dtype=float)
    boots = [each.bootstrap for each in found.results if each is not None]
    ends = np.array([boot.intervals["risk2"] for boot in boots if boot is not None])
    frame = stack(
        curve("order 1", p, table["risk1"], nature="estimate", model=table["name"].to_numpy()),
        curve(
            "order 2", p, table["risk2"], nature="estimate", low=ends[:, 0], high=ends[:, 1],
            model=table["name"].to_numpy(),
        ),
        curve("p/(2n), correct models", p, p / (2.0 * found.n), model=""),
        curve("threshold", p, found.threshold, model=""),
    )  # fmt: skip
    return Findings(
        frame=frame,
        numbers={"n": found.n, "p_max": found.p_max or 0},
        parts={"sequence": found},
        settings={"data": "logarithms of 10 columns of wine_red", "resamples": how.count(200, 20)},
        interpretation=(
            f"At n = {found.n:g} the largest model that passes has {found.p_max} parameters; the edges are added in "
            "the order of the absolute correlations."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    figure.parts["sequence"]._draw(ax)


FIGURE = FigureEntry(
    name="projection-sequence",
    alias="projection-b",
    title="How large a Gaussian graph do 1599 red wines carry?",
    caption=(
        "Estimation risk of Gaussian graphical models of growing size against their number of parameters, to first "
        "and second order; estimates with 95 % bootstrap intervals of the second order (grey). Green models pass the "
        "threshold 8 alpha^2 at alpha = 0.05, orange ones do not. Dotted: p/(2n), the exact first order of correct "
        "models."
    ),
    study=_study,
    draw=_draw,
    seconds=12,
    seed=1,
)
