"""Figures of the general toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import count_ticks
from ..core.style import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .toolkit_results import GaussianMeanExample, NoisySgdInformation, PacBayesBound

__all__ = ["draw_gaussian_mean", "draw_noisy_sgd", "draw_pac_bayes"]

_LABELS = {
    "n": "sample size $n$",
    "kl": "KL divergence from the prior (nats)",
    "emp": "empirical risk",
    "delta": r"confidence parameter $\delta$",
}
_CURVE_POINTS = 81


def draw_pac_bayes(ax: Axes, result: PacBayesBound, **kwargs: Any) -> None:
    """Draw the bound against the input that varies; a single bound against other sample sizes.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : PacBayesBound
        The bounds.
    **kwargs
        Passed to the line of the bound.
    """
    label = f"bound of the true risk ({result.method.replace('_', ' ')}, with high probability)"
    style = {"color": COLORS["blue"], "label": label, **kwargs}
    if np.size(result.value) == 1:
        name, x, emp, value = "n", *_other_sizes(result)
    else:
        name = next((key for key in _LABELS if np.unique(getattr(result, key)).size > 1), "n")
        shape = np.shape(result.value)
        columns = [np.broadcast_to(item, shape).ravel() for item in (getattr(result, name), result.emp, result.value)]
        x, emp, value = (item[np.argsort(columns[0], kind="stable")] for item in columns)
        if np.unique(x).size < x.size:  # several curves in one: points tell the truth, a line would not
            style = {"linestyle": "none", "marker": "o", "markersize": 4, **style}
    ax.plot(x, value, **style)
    ax.plot(x, emp, color=COLORS["black"], linestyle=":", label="empirical risk")
    if np.size(result.value) == 1:
        ax.plot(np.ravel(result.n), np.ravel(result.value), "o", color=COLORS["orange"], label="this bound")
    if name == "n":
        ax.set_xscale("log")
    ax.set_ylim(0.0, min(1.05, 1.5 * float(np.max(value))))  # room for the legend
    ax.set_xlabel(_LABELS[name])
    ax.set_ylabel("risk")
    ax.legend()


def _other_sizes(result: PacBayesBound) -> tuple[Any, Any, Any]:
    """The bound at sample sizes from a tenth to ten times the one used, everything else alike."""
    from .pac_bayes import raw_bound, raw_catoni

    size = float(np.ravel(result.n)[0])
    sizes = np.unique(np.round(np.geomspace(max(1.0, size / 10.0), 10.0 * size, _CURVE_POINTS)))
    emp, kl, delta = (np.full_like(sizes, np.ravel(item)[0]) for item in (result.emp, result.kl, result.delta))
    if result.method == "catoni":
        tuning = 1.0 if result.tuning is None else float(np.ravel(result.tuning)[0])
        raw = raw_catoni(emp, kl, sizes, np.log(delta) - np.log(result.tried), np.full_like(sizes, tuning))
    else:
        raw = raw_bound(result.method, emp, kl, sizes, delta)[0]
    return sizes, emp, np.minimum(raw, 1.0)


def draw_gaussian_mean(ax: Axes, result: GaussianMeanExample, **kwargs: Any) -> None:
    """Draw the exact gap and its two bounds against the sample size.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : GaussianMeanExample
        The numbers.
    **kwargs
        Passed to every line.
    """
    frame = result.to_frame().sort_values("n")
    rows = (
        ("bound_quadratic", "bound, quadratic (in expectation)", COLORS["orange"], "s"),
        ("bound_cgf", "bound, inverse CGF (in expectation)", COLORS["blue"], "o"),
        ("gap", "gap (exact)", COLORS["black"], "^"),
    )
    line = "-" if frame["n"].is_unique else "none"
    for name, label, colour, marker in rows:
        finite = np.isfinite(frame[name])
        style = {"color": colour, "marker": marker, "markersize": 4, "linestyle": line, "label": label, **kwargs}
        ax.plot(frame["n"][finite], frame[name][finite], **style)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("sample size $n$")
    ax.set_ylabel("test minus training loss")
    ax.legend()


def draw_noisy_sgd(ax: Axes, result: NoisySgdInformation, **kwargs: Any) -> None:
    """Draw the bound of the information that has accumulated by each step.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : NoisySgdInformation
        The numbers.
    **kwargs
        Passed to the line.
    """
    total = np.cumsum(np.concatenate([[0.0], result.per_step]))
    ax.plot(np.arange(len(total)), total, **{"color": COLORS["blue"], "label": "bound", **kwargs})
    ax.set_xlabel("step")
    count_ticks(ax.xaxis)
    ax.set_ylabel("information about the sample (nats)")
    ax.legend(loc="upper left")
