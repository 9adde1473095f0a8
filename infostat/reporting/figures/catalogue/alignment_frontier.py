"""Reward against KL: the optimum, best-of-N, soft best-of-N, f-divergences, selection, and estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..curves import DASHED, DOTTED, Look, curve, divide, draw_curves, legend_below, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_LAW, _LOSS, _SCORES = "known law", "below the optimum", "scores"
_KINDS = {
    "reverse_kl": ("KL(p‖q)", "green"),
    "js": ("Jensen-Shannon", "purple"),
    "pearson": ("Pearson", "sky"),
    "tv": ("total variation", "grey"),  # a finite number of policies
}
_LOOKS = {
    "ceiling": Look("grey", "ceiling −log p(best)", kind="rule", dash=DOTTED, width=1.0),
    "tilt": Look("blue", "optimum (tilt)", width=2.2),
    "best of N": Look("orange", "best of N", dash=DASHED),
    "soft best of 16": Look("amber", "soft best of 16", dash=DOTTED),
    **{f"f-optimum, {kind}": Look(color, word, width=1.2) for kind, (word, color) in _KINDS.items() if kind != "tv"},
    "f-optimum, tv": Look("grey", "total variation", kind="points", size=2.6),
    "top fraction": Look("black", "best fraction", dash=DOTTED, width=1.3),
}


def _study(how: Study) -> Findings:
    p, r = _law()
    curves = _curves(p, r, how.count(90, 14))
    ceiling = float(-np.log(p[-1]))
    frames = [curve("ceiling", [ceiling], np.nan, panel=_LAW)]
    for name, (kl, reward) in curves.items():
        best = _optimum(p, r, kl)
        below = np.where(best - reward > 1e-9, best - reward, np.nan)
        frames.append(curve(name, kl, reward, panel=_LAW))
        if name != "tilt":
            frames.append(curve(name, kl, below, panel=_LOSS))
    scores, rows = _scores(how)
    loss = {
        name: float(np.nanmax(_optimum(p, r, kl) - reward)) for name, (kl, reward) in curves.items() if name != "tilt"
    }
    return Findings(
        frame=stack(*frames, *rows),
        numbers={"ceiling": ceiling} | {f"largest loss of {name}": value for name, value in loss.items()},
        parts={"scores": scores},
        settings={"law": "24 outcomes, masses of a normal law, convex rewards", "scores": "2000 from N(0, 1)"},
        interpretation=(
            f"Nothing lies above the tilt. Best-of-N loses at most {loss['best of N']:.2g} of reward at equal KL; the "
            "optima under other divergences are best for a budget of that divergence, and pay in KL."
        ),
    )


def _law() -> tuple[Any, Any]:
    """Answers whose quality is about normal, rewards that grow faster at the top."""
    z = np.linspace(-2.6, 2.6, 24)
    p = np.exp(-0.5 * z**2)
    return p / p.sum(), np.exp(0.45 * z)


def _optimum(p: Any, r: Any, kl: Any) -> Any:
    from ....alignment import frontier

    return np.asarray(frontier(p, r, kl=kl, n=[]).reward) if len(kl) else np.array([])


def _curves(p: Any, r: Any, points: int) -> dict[str, tuple[Any, Any]]:
    """KL and reward of every method, from the reference to the best outcome."""
    from ....alignment import best_of_n, f_optimum, frontier, soft_best_of_n, top_fraction

    top = float(-np.log(p[-1]))
    budgets = top * np.linspace(0.0, 1.0, points) ** 2
    tilts = frontier(p, r, kl=budgets, n=[])
    found: dict[str, tuple[Any, Any]] = {"tilt": (budgets, np.asarray(tilts.reward))}
    sharp = np.append(np.linspace(0.0, 1.0, points) ** 2 * 20.0, np.inf)
    betas = np.geomspace(20.0, 2e-4, 3 * points)  # Pearson leaves one outcome only at the smallest of them
    lists: dict[str, list[Any]] = {
        "best of N": [best_of_n(p, r, log_n=x) for x in np.linspace(0.0, top + 3.0, points).tolist()],
        "soft best of 16": [soft_best_of_n(p, r, 16, t) for t in sharp.tolist()],
        "top fraction": [top_fraction(p, r, fraction=float(np.exp(-x))) for x in budgets.tolist()],
    }
    for kind in _KINDS:
        lists[f"f-optimum, {kind}"] = [f_optimum(p, r, beta=beta, kind=kind) for beta in betas.tolist()]
    for name, policies in lists.items():
        kl = np.minimum([policy.kl for policy in policies], top)
        order = np.argsort(kl, kind="stable")
        found[name] = (kl[order], np.array([policy.reward for policy in policies])[order])
    return found


def _scores(how: Study) -> tuple[Any, list[pd.DataFrame]]:
    """The same frontier from 2000 scores: estimate with status, interval and truth."""
    from ....alignment import estimate
    from ....core.rng import as_generator

    scores = as_generator(how.seed).standard_normal(2000)
    budgets = np.linspace(0.02, 7.4, 75)
    found = estimate(scores, kl=budgets)
    rows = curve(
        "estimate", budgets, found.reward, panel=_SCORES, nature="estimate", low=found.low, high=found.high,
        status=np.asarray(found.status),
    )  # fmt: skip
    truth = curve("truth", budgets, np.sqrt(2.0 * budgets), panel=_SCORES)
    ceiling = curve("ceiling", [found.kl_ceiling], np.nan, panel=_SCORES)
    return found, [rows, truth, ceiling]


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    left, middle, right = divide(ax, 3, width=4.0, height=4.4)
    draw_curves(left, figure.frame, _LOOKS, _LAW)
    draw_curves(middle, figure.frame, {k: v for k, v in _LOOKS.items() if k != "tilt"}, _LOSS)
    figure.parts["scores"]._draw(right)
    draw_curves(right, figure.frame, {"truth": Look("black", "truth", width=1.0, dash=DASHED)}, _SCORES)
    left.set_ylabel("mean reward (unit of the reward)")
    middle.set_yscale("log")
    middle.set_ylim(1e-4, 2.0)
    middle.set_ylabel("reward below the optimum")
    for panel in (left, middle):
        panel.set_xlabel("KL divergence from the reference (nats)")
        panel.set_xlim(0.0, 1.06 * figure.numbers["ceiling"])
    legend_below(left)
    legend_below(right)
    left.set_title("a law that is known")
    middle.set_title("what the others lose")
    right.set_title("2000 scores")


FIGURE = FigureEntry(
    name="alignment-frontier",
    alias="alignment-a",
    title="How much reward a KL budget buys, by method",
    caption=(
        "Mean reward against the KL divergence from the reference. Left and middle: a known law of 24 outcomes, all "
        "curves exact: the optimum (tilt), best-of-N for all N, soft best-of-16 for all temperatures, optima under "
        "other divergences, the best fraction; the middle panel shows what each loses against the optimum of the "
        "same KL. Right: estimates from 2000 standard normal scores with a 95 % interval, dashed where weak, dotted "
        "where collapsed, the ceiling log M, and the exact truth."
    ),
    study=_study,
    draw=_draw,
    seconds=4,
    seed=2,
)
