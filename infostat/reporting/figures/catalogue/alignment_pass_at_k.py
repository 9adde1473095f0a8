"""pass@k of policies trained under different divergences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..curves import DASHED, Look, curve, divide, draw_curves, legend_below, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_KINDS = {
    "kl": ("KL(q‖p)", "blue", "o"),
    "reverse_kl": ("KL(p‖q)", "orange", "s"),
    "js": ("Jensen-Shannon", "green", "^"),
    "pearson": ("Pearson", "purple", "D"),
}
_EQUAL_REWARD, _EQUAL_BETA = "equal pass@1", "equal beta"
_BETA = 0.05
_K = tuple(2**j for j in range(9))


def _study(how: Study) -> Findings:
    from ....alignment import pass_at_k_by_divergence
    from ....core.rng import as_generator

    generator = as_generator(how.seed)
    p = np.array([0.30, 0.25, 0.20, 0.12, 0.08, 0.05])
    # Strategies that the reference likes solve many of the ten prompts, the rare ones a few of their own.
    solves = (generator.random((6, 10)) < np.array([0.7, 0.55, 0.45, 0.35, 0.3, 0.25])[:, None]).astype(float)
    target = 0.3 * float(p @ solves.mean(axis=1)) + 0.7 * float(solves.mean(axis=1).max())
    equal = {
        _EQUAL_REWARD: pass_at_k_by_divergence(p, solves, kinds=tuple(_KINDS), k=_K, reward=target),
        _EQUAL_BETA: pass_at_k_by_divergence(p, solves, kinds=tuple(_KINDS), k=_K, beta=_BETA),
    }
    frames = []
    for panel, found in equal.items():
        frames += [curve(kind, _K, found.pass_at_k[i], panel=panel) for i, kind in enumerate(_KINDS)]
        frames.append(curve("reference", _K, found.reference, panel=panel))
    last = {kind: float(equal[_EQUAL_BETA].pass_at_k[i, -1]) for i, kind in enumerate(_KINDS)}
    return Findings(
        frame=stack(*frames),
        numbers={"pass@1 held": target, "beta held": _BETA},
        parts={"equal reward": equal[_EQUAL_REWARD], "equal beta": equal[_EQUAL_BETA]},
        settings={"strategies": 6, "prompts": 10},
        interpretation=(
            f"At equal beta KL(p‖q) keeps a pass@{_K[-1]} of {last['reverse_kl']:.2f}, KL(q‖p) {last['kl']:.2f}; at "
            "equal pass@1 the divergences are close. One example of six strategies, no law."
        ),
    )


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    panels = divide(ax, 2, width=4.0, height=4.2)
    titles = (
        f"equal pass@1 = {figure.numbers['pass@1 held']:.3g}",
        rf"equal $\beta$ = {figure.numbers['beta held']:g}",
    )
    for panel, name, title in zip(panels, (_EQUAL_REWARD, _EQUAL_BETA), titles, strict=True):
        looks = {"reference": Look("grey", "reference", dash=DASHED, width=1.2)}
        draw_curves(panel, figure.frame, looks, name)
        for kind, (word, color, marker) in _KINDS.items():
            draw_curves(panel, figure.frame, {kind: Look(color, width=1.1)}, name)
            draw_curves(panel, figure.frame, {kind: Look(color, word, kind="points", marker=marker)}, name)
        panel.set_xscale("log", base=2)
        panel.set_xticks(_K, [str(k) for k in _K])
        panel.minorticks_off()
        panel.set_ylim(top=1.02)
        panel.set_xlabel("k (attempts)")
        panel.set_ylabel("pass@k (mean over prompts)")
        panel.set_title(title)
        legend_below(panel, 3)


FIGURE = FigureEntry(
    name="alignment-pass-at-k",
    alias="alignment-f",
    title="How pass@k depends on the divergence that a policy was trained with",
    caption=(
        "A table of six strategies and ten prompts; the policy maximises mean reward minus beta times a divergence "
        "from the reference. Left: betas chosen so that pass@1 is the same. Right: the same small beta. All values "
        "are exact. The order of the divergences is that of this example, not a law."
    ),
    study=_study,
    draw=_draw,
    seconds=1,
    seed=3,
)
