"""Figures of the binary Gaussian task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.style import COLORS
from .gaussian_results import known_distance
from .plots_layers import layer_axis, layer_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .gaussian_results import GaussianErrors, GaussianLayers, GaussianSimulation

__all__ = ["draw_errors", "draw_layers", "draw_simulation"]

_MOST_TICKS = 8  # sample sizes that are written below the axis


def draw_errors(ax: Axes, result: GaussianErrors, **kwargs: Any) -> None:
    """Draw test loss, training loss and gap against the sample size.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : GaussianErrors
        The numbers.
    **kwargs
        Passed to the lines.
    """
    frame = result.to_frame().sort_values("n")
    for name, colour, text in (("test", "orange", "test"), ("train", "blue", "train"), ("gap", "black", "gap")):
        ax.plot(frame["n"], frame[name], **_style(colour, f"{text} (exact)", kwargs))
    sizes = frame["n"].unique()
    if len(sizes) > 1:
        ax.set_xscale("log")
    if len(sizes) <= _MOST_TICKS and (np.diff(np.log(sizes)) > 0.25).all():
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.set_xticks([], minor=True)
    # The linear loss is negative; the others start at zero.
    ax.axhline(0.0, color=COLORS["grey"], lw=0.8)
    ax.set_xlabel("training points $n$")
    ax.set_ylabel(f"expected {result.loss.replace('zero_one', '0-1')} loss")
    ax.legend()


def draw_layers(ax: Axes, result: GaussianLayers, **kwargs: Any) -> None:
    """Draw the KL divergence and the distances against the layer.

    Parameters
    ----------
    ax : Axes
        Where to draw; two panels divide its area.
    result : GaussianLayers
        The numbers.
    **kwargs
        Passed to the main line of each panel.
    """
    first, second = layer_panels(ax)
    x = np.arange(len(result.value))
    first.plot(x, np.where(np.isfinite(result.value), result.value, np.nan), **_style("green", "KL (exact)", kwargs))
    second.plot(x, result.w2, **_style("orange", r"$W_2$ (exact)", kwargs))
    second.plot(x, result.w1_lower, color=COLORS["grey"], ls="--", lw=1.0, label=r"shift of the means, $\leq W_1$")
    if not np.isnan(result.w1).all():
        second.plot(x, result.w1, "x", color=COLORS["black"], ms=6.0, ls="none", label=r"$W_1$ (exact)")
    for inner, label in ((first, "KL divergence (nats)"), (second, "distance (unit of the layer)")):
        layer_axis(inner, [str(i) for i in x])
        inner.set_ylim(bottom=0.0)
        inner.set_ylabel(label)


def draw_simulation(ax: Axes, result: GaussianSimulation, **kwargs: Any) -> None:
    """Draw simulated bounds beside the exact gap, and the distances, against the layer.

    Parameters
    ----------
    ax : Axes
        Where to draw; two panels divide its area.
    result : GaussianSimulation
        The numbers.
    **kwargs
        Passed to the lines of the bounds and of the distances.
    """
    first, second = layer_panels(ax)
    x = np.arange(len(result.ranks))
    bounds = (
        ("bound_joint", "orange", "joint Wasserstein"),
        ("bound_kl", "green", "KL"),
        ("bound_label", "blue", "label-coupled Wasserstein"),
    )
    for name, colour, text in bounds:
        values = getattr(result, name)
        if np.isfinite(values).all():
            style = _style(colour, f"{text} bound (simulated mean)", kwargs)
            if name == "bound_kl":  # nearly the label-coupled one, by Talagrand's inequality
                style |= {"ls": "none", "marker": "s", "ms": 8.0, "mfc": "none"}
            first.errorbar(x, values, yerr=getattr(result, f"{name}_se"), capsize=2, elinewidth=0.9, **style)
    first.axhline(abs(result.exact_gap), color=COLORS["black"], lw=2.0, label=f"|gap|, {result.loss} loss (exact)")
    style = _style("orange", r"$W_2$, or $W_1$ of a single unit (simulated mean)", kwargs)
    distance, error = known_distance(result.w1, result.w2), known_distance(result.w1_se, result.w2_se)
    second.errorbar(x, distance, yerr=error, capsize=2, elinewidth=0.9, **style)
    lowest = result.funnel_distance
    ring: dict[str, Any] = {"ms": 10.0, "mfc": "none", "mec": style["color"], "ls": "none"}
    second.plot([lowest], [distance[lowest]], "o", **ring, label=f"smallest: layer {lowest}")
    panels = (
        (first, "gap or bound (unit of the loss)", np.append(result.bound_joint, abs(result.exact_gap))),
        (second, "distance (unit of the layer)", distance),
    )
    for inner, label, values in panels:
        layer_axis(inner, [str(i) for i in x], result.ranks.tolist(), of="rank")
        if values.max() > 50.0 * values.min() > 0.0:
            inner.set_yscale("log")
        else:
            inner.set_ylim(bottom=0.0)
        inner.set_ylabel(label)


def _style(colour: str, label: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    return {"color": COLORS[colour], "marker": "o", "ms": 4.0, "label": label, **kwargs}
