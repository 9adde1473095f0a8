"""The p-n criterion on red wine: risk against sample size, threshold, interval, rows required."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..curves import curve, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ....projection import PNCriterion
    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]


def _study(how: Study) -> Findings:
    from ....datasets import load
    from ....projection import pn_criterion

    rows = load("wine_red").drop(columns="quality")
    found = pn_criterion(
        rows, "mvn", bootstrap=how.count(400, 40), rng=how.seed, n_jobs=how.n_jobs, progress=how.progress
    )
    assert found.n_required_order2 is not None
    needs = [float(found.n), float(found.n_required_order1), float(found.n_required_order2)]
    n = np.geomspace(min(needs) / 5.0, max(needs) * 5.0, 81)
    low, high = _interval(found, n)
    frame = stack(
        curve("order 1", n, found.terms.a1 / n, nature="estimate"),
        curve("order 2", n, found.terms.a1 / n + found.terms.a2 / n**2, nature="estimate", low=low, high=high),
        curve("threshold", n, found.threshold),
        curve("this sample", [found.n], [found.risk2], nature="estimate"),
        curve("rows required", [found.n_required_order2], [found.threshold], nature="estimate"),
    )
    return Findings(
        frame=frame,
        numbers={"n": found.n, "p": found.p, "T0": found.terms.T0, "n_required": found.n_required_order2},
        parts={"criterion": found},
        settings={"data": "wine_red without quality", "family": "mvn", "resamples": how.count(400, 40)},
        interpretation=found.interpretation,
    )


def _interval(found: PNCriterion, n: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """Bootstrap interval of the second-order risk at other sample sizes."""
    from ....projection.intervals import Replicates, bootstrap_interval, second_coefficient

    boot = found.bootstrap
    assert boot is not None
    sample = Replicates(
        found.terms.T0, found.terms.T0_se or 0.0, boot.terms[:, 0], boot.T0_se, boot.confidence_level,
        boot.interval_method,
    )  # fmt: skip
    a1, a2 = 0.5 * boot.terms[:, 0], second_coefficient(boot.terms)
    ends = [
        bootstrap_interval(found.terms.a1 / k + found.terms.a2 / k**2, a1 / k + a2 / k**2, sample) for k in n.tolist()
    ]
    low, high = np.array(ends).T
    return low, high


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    figure.parts["criterion"]._draw(ax)


FIGURE = FigureEntry(
    name="projection-criterion",
    alias="projection-a",
    title="The p-n criterion: 1599 red wines and a normal law with 77 parameters",
    caption=(
        "Estimation risk of the maximum-likelihood fit against the sample size, to first and second order; both are "
        "estimates from 1599 rows. Band: 95 % bootstrap-t interval of the second order. Dashed: the threshold "
        "8 alpha^2 at alpha = 0.05. Vertical lines: this sample, and the rows that the model needs. Right axis: the "
        "Bayes error of telling the fitted law from the projection is at least this."
    ),
    study=_study,
    draw=_draw,
    seconds=3,
    seed=1,
)
