"""Figures of layer-wise certificates, bounds and proxies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, DOTTED
from ..core.errors import InputError
from ..core.style import COLORS
from ..core.validation import FloatArray, check_choice
from .plots_layers import layer_axis, layer_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .certificate_result import LayerCertificates, RepresentationShift
    from .hierarchical_result import LayerBound

__all__ = ["draw_certificates", "draw_layer_bound", "draw_shift"]

PANELS = ("loss", "distance")


def draw_certificates(ax: Axes, result: LayerCertificates, *, panel: str | None = None, **kwargs: Any) -> None:
    """Draw certificates (unit of the loss) and distances (unit of the layers) against the layer.

    Parameters
    ----------
    ax : Axes
        Where to draw; two panels divide its area.
    result : LayerCertificates
        The numbers.
    panel : {"loss", "distance"}, optional
        Draw this panel alone.
    **kwargs
        Passed to the line of the certificates and to that of the distances.

    Raises
    ------
    InputError
        If `panel` is unknown.
    """
    if panel is not None:
        _panel(ax, result, check_choice("panel", panel, PANELS), kwargs)
        return
    for inner, name in zip(layer_panels(ax), PANELS, strict=True):
        _panel(inner, result, name, kwargs)


def _panel(ax: Axes, result: LayerCertificates, name: str, kwargs: dict[str, Any]) -> None:
    if name == "loss":
        kind = result.nature
        lines = [
            (result.certificate, f"certificate ({kind}, for these two samples)", "blue", "-", result.funnel_bound),
            (result.certificate_floor, "its floor: two halves of the test sample", "sky", DASHED, None),
            (np.full(len(result.layer), abs(result.gap)), "|gap| of this network (exact)", "black", DOTTED, None),
        ]
        label = "mean loss (unit of the loss)"
    else:
        lines = [
            (result.w1, r"$W_1$ of these two samples", "orange", "-", result.funnel_distance),
            (result.w1_floor, "its floor: two halves of the test sample", "amber", DASHED, None),
        ]
        label = "distance (unit of the layer)"
    _lines(ax, lines, kwargs)
    layer_axis(ax, result.layer, result.width.tolist())
    ax.set_ylabel(label)


def draw_layer_bound(ax: Axes, result: LayerBound, **kwargs: Any) -> None:
    """Draw Wasserstein bounds and distances against the layer.

    Parameters
    ----------
    ax : Axes
        Where to draw; two panels divide its area.
    result : LayerBound
        The numbers.
    **kwargs
        Passed to the lines.
    """
    names = [str(i) for i in range(len(result.value))]
    first, second = layer_panels(ax)
    _lines(first, [(result.value, "bound, in expectation", "blue", "-", result.funnel_bound)], kwargs)
    _lines(second, [(result.w1, r"$W_1$ given", "orange", "-", result.funnel_distance)], kwargs)
    for inner, label in ((first, "gap (unit of the loss)"), (second, "distance (unit of the layer)")):
        layer_axis(inner, names)
        inner.set_ylabel(label)


def draw_shift(ax: Axes, result: RepresentationShift, **kwargs: Any) -> None:
    """Draw the KL proxy against the layer, with error bars of one standard error.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : RepresentationShift
        The numbers.
    **kwargs
        Passed to the line.
    """
    x = np.arange(len(result.layer))
    style: dict[str, Any] = {"color": COLORS["purple"], "marker": "s", "ms": 4.0, "ls": DOTTED}
    style |= {"capsize": 2, "elinewidth": 0.9, "label": "proxy, no bound (bars: one standard error)"}
    ax.errorbar(x, result.value, yerr=np.nan_to_num(result.se), **{**style, **kwargs})
    ax.axhline(0.0, color=COLORS["grey"], lw=0.8)
    layer_axis(ax, result.layer, result.width.tolist())
    ax.set_ylabel("KL proxy, train to test (nats)")


def _lines(ax: Axes, lines: Sequence[tuple[FloatArray, str, str, Any, int | None]], kwargs: dict[str, Any]) -> None:
    """Curves over the layers; the funnel layer of a curve carries a ring."""
    drawn = False
    for values, label, colour, style, mark in lines:
        shown = np.where(np.isfinite(values), values, np.nan)
        if not np.isfinite(shown).any():
            continue
        drawn = True
        options: dict[str, Any] = {"color": COLORS[colour], "ls": style, "label": label}
        if mark is not None:
            options |= {"marker": "o", "ms": 4.0, "zorder": 3, **kwargs}
        ax.plot(np.arange(len(values)), shown, **options)
        if mark is not None and np.isfinite(shown[mark]):
            ax.plot(
                [mark], [shown[mark]], "o", ms=10.0, mfc="none", mec=options.get("color"), ls="none",
                label=f"smallest: layer {mark}", zorder=4,
            )  # fmt: skip
    if not drawn:
        raise InputError("the figure needs at least one finite value, got none")
    everything = np.concatenate([values[np.isfinite(values)] for values, *_ in lines])
    # Within one order of magnitude a linear axis reads better, and zero has no place on the other.
    if everything.min() > 0.0 and everything.max() > 10.0 * everything.min():
        ax.set_yscale("log")
    else:
        ax.set_ylim(0.0, 1.08 * float(everything.max()) or 1.0)
