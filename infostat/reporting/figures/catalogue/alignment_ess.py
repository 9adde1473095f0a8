"""How far scores carry: effective sample size against the KL budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....core.style import COLORS
from ..curves import DASHED, DOTTED, Look, curve, draw_curves, legend_below, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_SIZES = {200: "orange", 2000: "blue", 20_000: "green"}
_OK, _COLLAPSED = 100.0, 10.0


def _study(how: Study) -> Findings:
    from ....alignment import estimate
    from ....core.rng import as_generator

    frames, numbers = [], {}
    for index, size in enumerate(_SIZES):
        scores = as_generator(how.child(index)).standard_normal(size)
        budgets = np.linspace(0.02, 0.98 * float(np.log(size)), 61)
        found = estimate(scores, kl=budgets)
        expected = size * np.exp(-2.0 * budgets)
        frames += [
            curve(f"ESS, M = {size}", budgets, found.ess, nature="estimate", status=np.asarray(found.status)),
            curve(f"perplexity, M = {size}", budgets, found.perplexity_ess),
            curve(f"large M, M = {size}", budgets, np.where(expected >= 1.0, expected, np.nan), nature="proxy"),
        ]
        sound = budgets[np.asarray(found.ess) >= _OK]
        numbers[f"largest sound KL, M = {size}"] = float(sound.max()) if len(sound) else 0.0
    return Findings(
        frame=stack(*frames),
        numbers=numbers,
        settings={"scores": "N(0, 1)"},
        interpretation=(
            "A hundred effective samples last up to "
            + ", ".join(f"{numbers[f'largest sound KL, M = {size}']:.2g} nats for {size} scores" for size in _SIZES)
            + "."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    looks = {f"ESS, M = {size}": Look(color, f"ESS, M = {size}") for size, color in _SIZES.items()}
    for name, label, dash in (
        ("perplexity", r"perplexity $M e^{-\mathrm{KL}}$", DASHED),
        ("large M", r"$M e^{-2\,\mathrm{KL}}$, large M", DOTTED),
    ):
        for size, color in _SIZES.items():
            looks[f"{name}, M = {size}"] = Look(color, label if size == 2000 else "", dash=dash, width=1.1)
    draw_curves(ax, figure.frame, looks)
    ax.set_yscale("log")
    ax.set_ylim(0.8, 3e4)
    ax.set_xlim(0.0, 10.0)
    ax.axhspan(_COLLAPSED, _OK, color=COLORS["amber"], alpha=0.16, lw=0)
    ax.axhspan(0.8, _COLLAPSED, color=COLORS["orange"], alpha=0.16, lw=0)
    for height, word, side in ((_OK, "ok", 1), (_OK, "weak", -1), (_COLLAPSED, "collapsed", -1)):
        ax.annotate(
            word, (0.985, height), xycoords=("axes fraction", "data"), xytext=(0, 3 * side),
            textcoords="offset points", ha="right", va="bottom" if side > 0 else "top", color=COLORS["grey"],
            fontsize=8.5,
        )  # fmt: skip
    ax.set_xlabel("KL divergence from the reference (nats)")
    ax.set_ylabel("effective sample size")
    legend_below(ax, 3)


FIGURE = FigureEntry(
    name="alignment-ess",
    alias="alignment-h",
    title="How far reward scores carry: effective sample size against KL",
    caption=(
        "Effective sample size of the tilted scores against the KL budget for 200, 2000 and 20 000 standard normal "
        "scores (estimates). Dashed: perplexity, M exp(-KL), exact. Dotted: M exp(-2 KL), the value for large M (an "
        "approximation here). Shades: where estimates are called weak and collapsed."
    ),
    study=_study,
    draw=_draw,
    seconds=1,
    seed=1,
)
