"""Figure of a preference game: how fast mirror prox gets to the equilibrium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.style import COLORS
from ..core.validation import FloatArray
from .game_results import NashMirrorProx

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_game"]

# Below this the numbers are rounding errors.
_FLOOR = 1e-30


def draw_game(ax: Axes, result: NashMirrorProx, **kwargs: Any) -> None:
    """Draw KL to the equilibrium and exploitability against queries, with the guaranteed rate.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : NashMirrorProx
        The game.
    **kwargs
        Passed to the line of the KL.
    """
    marks: dict[str, Any] = {"marker": "o", "markersize": 3.0} if result.rounds <= 60 else {}
    exponent = r"(1+2\beta)^{-\mathrm{queries}/2}"
    ax.plot(
        result.queries, _positive(result.rate_bound), color=COLORS["grey"], linestyle="--", linewidth=1.1,
        label=rf"guaranteed: $\mathrm{{KL}}_0\,{exponent}$",
    )  # fmt: skip
    first = {"color": COLORS["blue"], "label": r"$\mathrm{KL}(\pi^*\Vert\pi_k)$ (nats)", **marks, **kwargs}
    ax.plot(result.queries, _positive(result.kl), **first)
    second = {"color": COLORS["orange"], "label": "exploitability (preference probability)", **marks}
    ax.plot(result.queries, _positive(result.exploitability), **second)
    ax.set_yscale("log")
    ax.set_xlabel("preference queries (two per round)")
    ax.set_ylabel("distance from the equilibrium")
    ax.legend(loc="best")


def _positive(values: FloatArray) -> FloatArray:
    """Values of a logarithmic axis; what is below rounding is not drawn."""
    return np.asarray(np.where(values > _FLOOR, values, np.nan))
