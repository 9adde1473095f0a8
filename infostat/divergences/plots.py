"""Figures of the divergence layer: the two laws that were compared, in one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputTypeError
from ..core.style import COLORS
from ..core.tables import format_cell
from ..core.validation import FloatArray
from .results import DivergenceResult, PairDisplay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_laws", "draw_pair", "sample_display", "table_display"]

_MOST_CELLS = 60
_MOST_BINS = 60


def table_display(P: FloatArray, Q: FloatArray) -> PairDisplay | None:
    """Return the bars of one pair of probability rows, None for batches and long rows.

    Parameters
    ----------
    P, Q : ndarray
        Tables.

    Returns
    -------
    PairDisplay or None
        Bars.
    """
    p, q = np.squeeze(P), np.squeeze(Q)
    if p.ndim != 1 or p.shape != q.shape or len(p) > _MOST_CELLS:
        return None
    return PairDisplay("bars", np.arange(1.0, len(p) + 1.0), p, q, "cell")


def sample_display(X: FloatArray, Y: FloatArray, label: str = "value") -> PairDisplay | None:
    """Return histograms of two samples, in several dimensions along the line that parts them best.

    Parameters
    ----------
    X, Y : ndarray of shape (n, d) and (m, d)
        Samples.
    label : str
        Name of the column if d = 1.

    Returns
    -------
    PairDisplay or None
        Histograms on common bins; None if all values coincide.
    """
    if X.shape[1] > 1:
        X, Y = _separated(X, Y)
        label = "best separating direction (pooled standard deviations)"
    both = np.concatenate([X[:, 0], Y[:, 0]])
    if not both.max() > both.min():
        return None
    edges = np.histogram_bin_edges(both, bins="auto")
    if len(edges) > _MOST_BINS + 1:
        edges = np.linspace(both.min(), both.max(), _MOST_BINS + 1)
    p, _ = np.histogram(X[:, 0], bins=edges, density=True)
    q, _ = np.histogram(Y[:, 0], bins=edges, density=True)
    return PairDisplay("histogram", edges, p, q, label)


def _separated(X: FloatArray, Y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project on Fisher's direction, centred between the means, in units of the spread within the samples."""
    pooled = np.vstack([X - X.mean(axis=0), Y - Y.mean(axis=0)])
    scale = np.sqrt(np.mean(pooled * pooled, axis=0))
    scale[scale == 0.0] = 1.0
    gap = (X.mean(axis=0) - Y.mean(axis=0)) / scale
    direction = np.linalg.lstsq(pooled.T @ (pooled / scale) / scale[:, None], gap, rcond=None)[0] / scale
    if not np.any(direction):
        direction = np.eye(X.shape[1])[0] / scale
    middle = 0.5 * (X.mean(axis=0) + Y.mean(axis=0))
    spread = float(np.sqrt(np.mean((pooled @ direction) ** 2))) or 1.0
    first, second = ((Z - middle) @ direction[:, None] / spread for Z in (X, Y))
    return first, second


def draw_pair(ax: Axes, result: DivergenceResult, **kwargs: Any) -> None:
    """Draw P and Q with the divergence in the title.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : DivergenceResult
        The divergence.
    **kwargs
        Passed to the artist of P.
    """
    shown = result.display
    if shown is None:
        raise InputTypeError(
            "DivergenceResult has no figure; use to_frame() (it is a batch, or has more than 60 cells)"
        )
    draw_laws(ax, shown, **kwargs)
    spread = "" if result.se is None or not np.isfinite(result.se) else rf" $\pm$ {format_cell(result.se)}"
    ax.set_title(f"{result.kind}(P, Q) = {format_cell(float(result.value))}{spread}")


def draw_laws(ax: Axes, shown: PairDisplay, **kwargs: Any) -> None:
    """Draw two laws as bars, curves or histograms.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    shown : PairDisplay
        The laws.
    **kwargs
        Passed to the artist of P.
    """
    x, p, q = shown.x, shown.p, shown.q
    blue, orange = COLORS["blue"], COLORS["orange"]
    if shown.style == "bars":
        ax.bar(x - 0.2, p, width=0.4, color=blue, label="P", **kwargs)
        ax.bar(x + 0.2, q, width=0.4, color=orange, label="Q")
        ax.set_ylabel("probability")
        ax.set_xticks(x if len(x) <= 20 else x[:: len(x) // 10])
    elif shown.style == "histogram":
        ax.stairs(p, x, color=blue, fill=True, alpha=0.25)
        ax.stairs(p, x, color=blue, label="P", **kwargs)
        ax.stairs(q, x, color=orange, label="Q", linestyle="--")
        ax.set_ylabel("density")
    else:
        ax.plot(x, p, color=blue, label="P", **kwargs)
        ax.plot(x, q, color=orange, label="Q", linestyle="--")
        ax.set_ylabel("density")
    ax.set_xlabel(shown.xlabel)
    ax.legend()
