"""Experiment E3: how much Dropout and Gaussian noise contract, and what depth makes of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError, NoContractionWarning, Words, describe
from ..core.progress import Progress, progress_callback
from ..core.validation import FloatArray, as_float_array, check_count
from .diameters import activation_diameter
from .experiment_result import Experiment, caption_of, curve_rows
from .finite_parameters import depth_width_table
from .finite_results import CAVEAT
from .labelled import check_axis, check_sizes
from .sdpi import sdpi_dropout, sdpi_gaussian

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["contraction_curves"]

_PANELS = ("Dropout", "Gaussian noise on tanh units", "Depth at constant size")
_LARGEST = 1e12
_HUES = ("blue", "orange", "green", "purple", "sky", "amber", "grey")


def contraction_curves(
    units: Sequence[int] = (1, 4, 16, 64),
    widths: Sequence[int] = (1, 4, 16),
    *,
    n_params: int = 240,
    drops: Sequence[float] = (0.5, 0.8, 0.9),
    points: int = 60,
    progress: Progress = False,
) -> Experiment:
    """Return the curves of experiment E3: contraction of Dropout, of Gaussian noise, and of whole networks.

    Parameters
    ----------
    units : sequence of int
        Layer widths d of the Dropout panel.
    widths : sequence of int
        Widths of the tanh layers of the noise panel.
    n_params : int
        Weights of the networks of the depth panel.
    drops : sequence of float
        Dropout probabilities of the depth panel, above 0 and below 1.
    points : int
        Points per curve of the first two panels, >= 2.
    progress : bool or callable
        False is silent, True a bar on stderr, a callable is called with panels done and in all.

    Returns
    -------
    Experiment
        ``"E3"``: 1 - eta against the dropout probability (exact), eta against the noise level, exact and by the
        Dobrushin bound, and the product kappa against depth (a bound).

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    Nothing is drawn at random. Networks of depth L have the width sqrt(n_params / L); depths run over 2^k and 3 2^k as
    long as the width is at least 3 (depth 1 alone for the smallest networks).

    Examples
    --------
    >>> found = contraction_curves(points=5)
    >>> curve = found.frame[found.frame["curve"] == "kappa at drop 0.9"]["value"]
    >>> [round(value, 6) for value in curve[:4]]
    [0.804508, 0.468786, 0.227314, 0.096847]
    """
    layers = check_axis("units", check_sizes("units", units, high=_LARGEST))
    sizes = check_axis("widths", check_sizes("widths", widths, high=_LARGEST))
    chances = _chances(drops)
    weights = check_count("n_params", n_params, low=1, high=10**12)
    count = check_count("points", points, low=2, high=10_000)
    parts: list[pd.DataFrame] = []
    with progress_callback(progress, "panels") as report, warnings.catch_warnings():
        # The ends of the curves are trivial on purpose.
        warnings.simplefilter("ignore", NoContractionWarning)
        for done, panel in enumerate(_PANELS, start=1):
            if panel == _PANELS[0]:
                parts += _dropout(layers, count)
            elif panel == _PANELS[1]:
                parts += _noise(sizes, count)
            else:
                parts += _depth(weights, chances)
            if report is not None:
                report(done, len(_PANELS))
    return _result(parts, layers, sizes, weights, chances)


def _chances(drops: Any) -> FloatArray:
    found = check_axis("drops", as_float_array("drops", drops))
    inside = (found > 0.0) & (found < 1.0)
    if not found.size or not inside.all():
        shown = float(found[~inside][0]) if found.size else Words("none")
        raise InputError(describe("drops", "one or more numbers above 0 and below 1", shown))
    return found


def _dropout(units: Any, points: int) -> list[pd.DataFrame]:
    drop = np.linspace(0.05, 0.99, points)
    found = []
    for d in units:
        gap = np.array([float(sdpi_dropout(float(q), int(d)).contraction_gap) for q in drop])
        found.append(curve_rows(f"Dropout d = {int(d)}", drop, gap, nature="exact", panel=_PANELS[0]))
    return found


def _noise(widths: Any, points: int) -> list[pd.DataFrame]:
    noise = np.geomspace(0.1, 10.0, points)
    found = []
    for width in widths:
        diameter = activation_diameter("tanh", int(width))
        for method, word in (("exact", "exact"), ("dobrushin", "Dobrushin")):
            eta = sdpi_gaussian(diameter, noise, method)
            curve = f"{int(width)} unit{'s' if width > 1 else ''} ({word})"
            found.append(curve_rows(curve, noise, eta.value, nature=eta.nature, panel=_PANELS[1]))
    return found


def _depth(n_params: int, drops: Any) -> list[pd.DataFrame]:
    depths = _depths(n_params)
    found = []
    for drop in drops:
        table = depth_width_table(n_params, depths, float(drop))
        found.append(curve_rows(f"kappa at drop {drop:g}", depths, table.kappa, nature=table.nature, panel=_PANELS[2]))
    return found


def _depths(n_params: int) -> list[int]:
    deepest = max(1, n_params // 9)
    grid = {1, *(b * 2**k for k in range(deepest.bit_length()) for b in (2, 3))}
    return sorted(depth for depth in grid if depth <= deepest)


def _result(parts: list[pd.DataFrame], units: Any, widths: Any, n_params: int, drops: Any) -> Experiment:
    import pandas as pd

    frame = pd.concat(parts, ignore_index=True)
    noise_colours = {name: _HUES[i // 2 % len(_HUES)] for i, name in enumerate(_curves(frame, _PANELS[1]))}
    others = {panel: {name: _HUES[i % len(_HUES)] for i, name in enumerate(_curves(frame, panel))} for panel in _PANELS}
    kappa = frame[frame["curve"] == f"kappa at drop {drops.max():g}"]
    return Experiment(
        name="E3",
        title="contraction coefficients of noisy layers",
        frame=frame,
        x_label="dropout probability",
        y_label=r"1 - eta",
        caption=caption_of(
            frame,
            "Coefficients belong to the layers and hold for every sample; they multiply what the weights know about "
            f"the inputs given the labels. {CAVEAT}",
        ),
        interpretation=(
            "Wide dropout layers barely contract (1 - eta = drop^d), and Gaussian noise contracts once its level nears "
            f"the diameter of its inputs. At {n_params} weights and dropout {drops.max():g}, kappa falls from "
            f"{kappa['value'].iloc[0]:.3g} in one layer to {kappa['value'].iloc[-1]:.2g} in {int(kappa['x'].iloc[-1])} "
            "layers."
        ),
        settings={
            "units": ", ".join(f"{int(d)}" for d in units),
            "widths": ", ".join(f"{int(d)}" for d in widths),
            "n_params": n_params,
            "drops": ", ".join(f"{q:g}" for q in drops),
        },
        markers={"kappa_one_layer": float(kappa["value"].iloc[0]), "kappa_deepest": float(kappa["value"].iloc[-1])},
        log_y=True,
        panel_axes={
            _PANELS[0]: {
                "y_label": r"$1 - \eta$",
                "y_low": 1e-30,
                "y_high": 10.0,
                "legend": "lower right",
                "colors": others[_PANELS[0]],
            },
            _PANELS[1]: {
                "x_label": "noise standard deviation per unit",
                "y_label": r"$\eta$",
                "log_x": True,
                "log_y": False,
                "y_low": 0.0,
                "y_high": 1.03,
                "colors": noise_colours,
            },
            _PANELS[2]: {
                "x_label": "number of layers",
                "y_label": r"$\kappa$ (product of $\eta$)",
                "log_x": True,
                "colors": others[_PANELS[2]],
            },
        },
    )


def _curves(frame: pd.DataFrame, panel: str) -> list[str]:
    return list(dict.fromkeys(frame[frame["panel"] == panel]["curve"]))
