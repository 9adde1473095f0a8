"""Figure of the reward-KL frontier: optimum, best-of-N, other methods, ceilings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.drawing import DASHED, DOTTED, legend_below
from ..core.errors import InputError, InputTypeError
from ..core.style import COLORS
from ..core.validation import FloatArray, as_float_array, short
from .frontier_result import Frontier

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_frontier"]

_OTHERS = ("purple", "sky", "black", "amber", "grey")
_MARKS = ("s", "^", "D", "v", "P")
_NAMED = (2, 4, 16, 64, 256, 1024, 4096, 16384)


def draw_frontier(
    ax: Axes,
    result: Frontier,
    *,
    others: Mapping[str, Any] | None = None,
    true: bool = True,
    bound: bool = True,
    **kwargs: Any,
) -> None:
    """Draw mean reward against KL.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    result : Frontier
        What to draw.
    others : mapping of str to (kl, reward), optional
        Other methods by name: pairs of numbers or arrays (soft best-of-N, f-divergence optima,
        top fractions, trained policies).
    true : bool
        Also draw the true reward and its peak, where there is one.
    bound : bool
        Also draw best-of-N at the bound log N - (N-1)/N, dashed, where it differs from its KL.
    **kwargs
        Passed to the line of the optimum.

    Raises
    ------
    InputError
        If a pair in `others` has two different lengths.
    InputTypeError
        If `others` is not a mapping to pairs.
    """
    extra = _pairs(others)
    end = _end(result, extra)
    _ceilings(ax, result, end)
    _optimum(ax, result, end, kwargs)
    _best_of_n(ax, result, end, bound)
    if true and result.true_reward is not None:
        _true(ax, result)
    for index, (name, (kl, reward)) in enumerate(extra.items()):
        colour = COLORS[_OTHERS[index % len(_OTHERS)]]
        style: dict[str, Any] = {"ls": "none"} if len(kl) == 1 else {"lw": 1.2}
        if len(kl) < 12:
            style |= {"marker": _MARKS[index % len(_MARKS)], "ms": 4.0}
        ax.plot(kl, reward, color=colour, label=name, **style)
    ax.set_xlim(0.0, end)
    ax.set_xlabel("KL divergence from the reference (nats)")
    ax.set_ylabel("mean reward (unit of the reward)")
    legend_below(ax)


def _pairs(others: Mapping[str, Any] | None) -> dict[str, tuple[FloatArray, FloatArray]]:
    if others is None:
        return {}
    if not isinstance(others, Mapping):
        raise InputTypeError(f"others must map names to pairs (kl, reward), got {short(others)}")
    found = {}
    for name, pair in others.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InputTypeError(f"others must map names to pairs (kl, reward), got {short(pair)} for {name!r}")
        kl, reward = (np.atleast_1d(as_float_array(f"others[{name!r}]", each, ndim=(0, 1))) for each in pair)
        if len(kl) != len(reward):
            raise InputError(f"others[{name!r}] must hold as many rewards as KLs, got {len(reward)} and {len(kl)}")
        found[str(name)] = (kl, reward)
    return found


def _end(result: Frontier, extra: Mapping[str, tuple[FloatArray, FloatArray]]) -> float:
    largest = float(np.max(result.kl[np.isfinite(result.kl)], initial=0.0))
    for kl, _ in extra.values():
        largest = max(largest, float(kl.max(initial=0.0)))
    if len(result.bon_kl) and math.isfinite(result.kl_max):
        largest = max(largest, min(float(result.bon_kl.max()), result.kl_max))
    # Just room enough to see that the line has become flat.
    return 1.12 * largest if largest > 0.0 else 1.0


def _ceilings(ax: Axes, result: Frontier, end: float) -> None:
    if result.kl_max <= end:
        name = rf"ceiling $-\log p$(best) = {result.kl_max:.3g} nats"
        ax.axvline(result.kl_max, color=COLORS["grey"], lw=1.0, ls=DOTTED, label=name, zorder=1)


def _optimum(ax: Axes, result: Frontier, end: float, kwargs: dict[str, Any]) -> None:
    order = np.argsort(result.kl, kind="stable")
    kl, reward = np.minimum(result.kl[order], end), result.reward[order]
    shown = np.isfinite(reward)
    kl, reward = kl[shown], reward[shown]
    if len(kl) and result.kl_max <= end and kl[-1] < end and reward[-1] == result.reward_max:
        kl, reward = np.append(kl, end), np.append(reward, reward[-1])
    single = {"marker": "o", "ls": "none"} if len(kl) == 1 else {}
    ax.plot(kl, reward, **{"color": COLORS["blue"], "label": "optimum (tilt)", "zorder": 3, **single, **kwargs})


def _best_of_n(ax: Axes, result: Frontier, end: float, bound: bool) -> None:
    if not len(result.bon_kl):
        return
    shown = np.isfinite(result.bon_reward) & (result.bon_kl <= end)
    many = int(shown.sum()) > 40
    style: dict[str, Any] = {"color": COLORS["orange"], "lw": 1.2, "zorder": 4}
    # Between two of the N a straight line would be wrong, so few points stay points.
    mark: dict[str, Any] = {} if many else {"marker": "o", "ms": 4.0, "ls": "none"}
    ax.plot(result.bon_kl[shown], result.bon_reward[shown], label="best of N, exact KL", **style, **mark)
    apart = result.bon_kl_upper - result.bon_kl > 1e-3 * end
    if bound and apart.any():
        ax.plot(
            result.bon_kl_upper, result.bon_reward, color=COLORS["orange"], lw=1.1, ls=DASHED, zorder=2,
            marker="o", ms=4.0, mfc="white",
            label=r"best of N at the bound $\log N - \frac{N-1}{N}$",
        )  # fmt: skip
    _name_counts(ax, result, shown, end)


def _name_counts(ax: Axes, result: Frontier, shown: Any, end: float) -> None:
    """Write N beside a few points, no two of them close together."""
    height = float(np.ptp(result.reward[np.isfinite(result.reward)])) or 1.0
    last = (-math.inf, -math.inf)
    for index in np.flatnonzero(shown).tolist():
        place = (float(result.bon_kl[index]), float(result.bon_reward[index]))
        near = abs(place[0] - last[0]) < 0.07 * end and abs(place[1] - last[1]) < 0.06 * height
        if result.bon_n[index] not in _NAMED or near:
            continue
        ax.annotate(
            f"N = {result.bon_n[index]:.0f}", place, xytext=(7, -12), textcoords="offset points",
            color=COLORS["orange"], fontsize=7.5, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
        last = place


def _true(ax: Axes, result: Frontier) -> None:
    assert result.true_reward is not None
    order = np.argsort(result.kl, kind="stable")
    ax.plot(result.kl[order], result.true_reward[order], color=COLORS["green"], label="true reward, optimum")
    if result.bon_true_reward is not None and len(result.bon_kl):
        ax.plot(
            result.bon_kl, result.bon_true_reward, color=COLORS["green"], lw=1.0, ls=DASHED, marker=".",
            label="true reward, best of N",
        )  # fmt: skip
    if result.peak_kl is not None and result.peak_true_reward is not None:
        ax.plot(
            [result.peak_kl], [result.peak_true_reward], "*", color=COLORS["black"], ms=9, zorder=6, ls="none",
            label=f"peak of the true reward, {result.peak_kl:.3g} nats",
        )  # fmt: skip
