"""Figure of `simulate_alignment`: coverage of the intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.style import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .simulation import AlignmentSimulation

__all__ = ["draw_coverage"]


def draw_coverage(ax: Axes, result: AlignmentSimulation, **kwargs: Any) -> None:
    """Draw coverage against the KL divergence that each quantity spends.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : AlignmentSimulation
        What to draw.
    **kwargs
        Passed to the markers.
    """
    k = len(result.kl)
    draws = result.n_best.astype(float)
    spent = {"tilt at fixed KL": result.kl, "best-of-N": np.log(draws) - (draws - 1.0) / draws}
    parts = {"tilt at fixed KL": slice(0, k), "best-of-N": slice(k, None)}
    for (name, x), color, marker in zip(spent.items(), ("blue", "orange"), ("o", "s"), strict=True):
        part = parts[name]
        sound = result.share_weak[part] < 0.5
        y, error = result.coverage[part], 2.0 * result.coverage_se[part]
        options: dict[str, Any] = {"color": COLORS[color], "fmt": marker, "ms": 5, "capsize": 2.5, **kwargs}
        ax.errorbar(x[sound], y[sound], yerr=error[sound], label=f"{name} ($\\pm 2$ s.e.)", **options)
        if (~sound).any():
            ax.errorbar(
                x[~sound], y[~sound], yerr=error[~sound], mfc="white", label=f"{name}, called weak", **options
            )
    name = f"nominal, {result.confidence_level:g}"
    ax.axhline(result.confidence_level, color=COLORS["grey"], lw=1.0, dashes=(5, 2), label=name)
    ax.set_ylim(min(0.5, float(result.coverage.min()) - 0.05), 1.03)
    ax.set_xlabel("KL divergence spent (nats)")
    ax.set_ylabel("coverage of the interval")
    ax.legend(loc="lower left")
