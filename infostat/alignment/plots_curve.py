"""Figures of best-of-N curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.drawing import DASHED
from ..core.style import COLORS
from ..core.validation import FloatArray, check_choice
from .curve_result import BonCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_curve"]

# More points than this cannot be told apart in a figure.
_POINTS = 600

def draw_curve(ax: Axes, result: BonCurve, *, against: str = "n", **kwargs: Any) -> None:
    """Draw mean rewards of best-of-N with their interval, dashed where the error is doubtful.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : BonCurve
        The curve.
    against : {"n", "kl"}
        Horizontal axis: N, or the KL bound log N - (N-1)/N.
    **kwargs
        Passed to the line of the reward.
    """
    check_choice("against", against, ("n", "kl"))
    shown = _thinned(np.atleast_1d(result.n))
    x = np.atleast_1d(result.n if against == "n" else result.kl_upper)[shown].astype(np.float64)
    doubtful = np.atleast_1d(result.unreliable_se)[shown]
    reward, low, high = (np.atleast_1d(v)[shown] for v in (result.reward, result.low, result.high))
    percent = f"{100 * result.confidence_level:g} %"
    name = "reward" if result.true_reward is None else "proxy reward"
    _band(ax, x, reward, low, high, doubtful, COLORS["blue"], f"{name}, {percent} interval", **kwargs)
    if result.true_reward is not None and result.true_se is not None:
        _true_curve(ax, result, x, doubtful, shown, percent)
    if against == "n":
        ax.set_xscale("log")
        ax.set_xlabel("draws $N$")
    else:
        ax.set_xlabel(r"$\log N - (N-1)/N$ (nats)")
    ax.set_ylabel("mean reward of the best of N (unit of the reward)")
    if doubtful.any():
        ax.plot([], [], color=COLORS["grey"], linestyle=DASHED, label="standard error doubtful")
    ax.legend(loc="best")


def _thinned(n: NDArray[np.int64]) -> NDArray[np.intp]:
    """Positions in ascending order of N, about even in log N."""
    order = np.argsort(n, kind="stable")
    if len(n) <= _POINTS:
        return order
    wanted = np.geomspace(float(n[order[0]]), float(n[order[-1]]), _POINTS)
    chosen = np.unique(np.minimum(np.searchsorted(n[order], wanted), len(n) - 1))
    return np.asarray(order[chosen])


def _band(
    ax: Axes,
    x: FloatArray,
    y: FloatArray,
    low: FloatArray,
    high: FloatArray,
    doubtful: NDArray[np.bool_],
    colour: str,
    label: str,
    **kwargs: Any,
) -> None:
    style: dict[str, Any] = {"color": colour, **kwargs}
    if len(x) == 1:
        ax.errorbar(x, y, yerr=[y - low, high - y], fmt="o", label=label, capsize=3, **style)
        return
    ax.fill_between(x, low, high, color=style["color"], alpha=0.18, linewidth=0)
    trusted = np.flatnonzero(~doubtful)
    if len(trusted):
        ax.plot(x[~doubtful], y[~doubtful], label=label, **style)
    if doubtful.any():
        # From the last trusted point on, so that the line has no gap.
        rest = doubtful.copy()
        before = np.flatnonzero(~doubtful)
        rest[before[-1:]] = True
        mark = "_nolegend_" if len(trusted) else label
        ax.plot(x[rest], y[rest], **{**style, "linestyle": DASHED, "label": mark})


def _true_curve(
    ax: Axes, result: BonCurve, x: FloatArray, doubtful: NDArray[np.bool_], shown: NDArray[np.intp], percent: str
) -> None:
    from scipy.special import ndtri

    z = float(ndtri(0.5 * (1.0 + result.confidence_level)))
    every = np.atleast_1d(np.asarray(result.true_reward))
    y, error = every[shown], z * np.atleast_1d(np.asarray(result.true_se))[shown]
    _band(ax, x, y, y - error, y + error, doubtful, COLORS["orange"], f"true reward, {percent} interval")
    peak = int(np.argmax(y))
    if 0 < peak < len(y) - 1:
        n = int(np.atleast_1d(result.n)[shown[peak]])
        ax.plot(x[peak], y[peak], "o", color=COLORS["orange"], markersize=5)
        note = f"peak at N = {n}"
        ax.annotate(note, (x[peak], y[peak]), xytext=(0, 8), textcoords="offset points", ha="center", fontsize=8.5)
