"""Experiment E4: a Gibbs algorithm solved exactly beside its bounds, and depth against width."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, NoContractionWarning, Words, describe
from ..core.progress import Progress, Report, progress_callback
from ..core.validation import FloatArray, as_float_array, check_count, check_number
from .experiment_result import Experiment, caption_of, curve_rows
from .finite_parameters import depth_width_table
from .finite_results import CAVEAT
from .gibbs import GibbsAlgorithm
from .gibbs_results import GibbsExact, GibbsSupersample
from .labelled import check_axis, check_sizes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["gibbs_study"]

LOSS_MATRIX = ((0.0, 1.0), (1.0, 0.0), (0.5, 0.5))
OUTCOMES = (0.6, 0.4)
_GAP = "gap"
_COLOURS = {
    _GAP: "black",
    "I/alpha": "sky",
    "Lautum/alpha": "amber",
    "individual sample": "blue",
    "whole sample": "orange",
    "temperature": "green",
    "loss difference": "purple",
}


def gibbs_study(
    *,
    loss_matrix: ArrayLike = LOSS_MATRIX,
    p_z: ArrayLike = OUTCOMES,
    prior: ArrayLike | None = None,
    alphas: ArrayLike | None = None,
    sizes: ArrayLike = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100),
    alpha: float = 2.0,
    n: int = 10,
    n_params: int = 240,
    depths: Sequence[int] = (1, 2, 3, 4, 6, 8, 12, 16),
    drop: float = 0.9,
    levels: int = 2,
    n_network: int = 1000,
    progress: Progress = False,
) -> Experiment:
    """Return the curves of experiment E4: gap and bounds of a Gibbs algorithm, and of quantised networks.

    Parameters
    ----------
    loss_matrix : array_like of shape (m, k)
        Loss of each hypothesis (row) on each outcome (column).
    p_z : array_like of shape (k,)
        Law of one observation.
    prior : array_like of shape (m,), optional
        Prior of the hypotheses; uniform if None.
    alphas : array_like, optional
        Inverse temperatures of the first panel, above 0; 25 from 0.1 to 100 if None.
    sizes : array_like of int
        Sample sizes of the second panel.
    alpha : float
        Inverse temperature of the second panel, above 0.
    n : int
        Sample size of the first panel.
    n_params, depths, drop
        Weights, numbers of layers and dropout probability of the third panel, see `depth_width_table`.
    levels : int
        Values of a quantised weight.
    n_network : int
        Sample size of the bound in the third panel.
    progress : bool or callable
        Report finished points.

    Returns
    -------
    Experiment
        ``"E4"``: exact gap and its two parts, bounds against temperature and sample size, and the label-free
        bound of a finite parameter space against depth.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    Nothing is drawn at random. The parts ``I(S;W)/alpha`` and ``Lautum/alpha`` add up to the gap. The marker
    ``identity_error`` is the largest difference found; ``slope_gap`` is left out for a single size or no gap.

    Examples
    --------
    >>> found = gibbs_study(alphas=[1.0, 10.0], sizes=[5, 50])
    >>> found.markers["identity_error"] < 1e-12, round(found.markers["slope_gap"], 1)
    (True, -1.0)
    """
    warm = np.geomspace(0.1, 100.0, 25) if alphas is None else _positive("alphas", alphas)
    rows = check_axis("sizes", check_sizes("sizes", sizes, high=1e9))
    fixed = check_number("alpha", alpha, low=0.0, open_low=True)
    size, values = check_count("n", n, low=1), check_count("levels", levels, low=1, high=10**15)
    sample = check_count("n_network", n_network, low=1, high=10**15)
    with progress_callback(progress, "Gibbs algorithm") as report:
        tick = _ticker(report, len(warm) + len(rows))
        by_alpha = [_solve(GibbsAlgorithm(loss_matrix, p_z, prior, float(a)), size, tick) for a in warm]
        model = GibbsAlgorithm(loss_matrix, p_z, prior, fixed)
        by_size = [_solve(model, int(each), tick) for each in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoContractionWarning)  # no dropout is a curve like any other here
        table = depth_width_table(n_params, depths, drop)
    network = 0.5 * np.sqrt(2.0 * table.kappa * table.n_params * np.log(values) / sample)
    panels = (f"n = {size}", f"alpha = {fixed:g}", f"{table.n_params} weights, dropout {table.drop:g}")
    parts = [_panel(panels[0], warm, by_alpha, split=True), _panel(panels[1], rows, by_size, split=False)]
    parts.append([
        curve_rows("kappa", table.depth, table.kappa, nature=table.nature, sense=table.sense, panel=panels[2]),
        curve_rows("finite parameters", table.depth, network, nature="bound", sense="expectation", panel=panels[2]),
    ])  # fmt: skip
    return _result(parts, panels, model, (size, sample, values), by_alpha + by_size, (rows, by_size))


def _positive(name: str, value: ArrayLike) -> FloatArray:
    array = np.atleast_1d(as_float_array(name, value))
    if array.ndim != 1 or not array.size or (array <= 0.0).any():
        raise InputError(describe(name, "numbers above 0", Words(np.array2string(array, threshold=8))))
    return array


def _ticker(report: Report | None, total: int) -> Any:
    done = iter(range(1, total + 1))

    def tick() -> None:
        if report is not None:
            report(next(done), total)

    return tick


def _solve(model: GibbsAlgorithm, n: int, tick: Any) -> tuple[GibbsExact, GibbsSupersample]:
    found = model.exact(n), model.exact_cmi(n)
    tick()
    return found


def _panel(
    panel: str, x: FloatArray, found: list[tuple[GibbsExact, GibbsSupersample]], *, split: bool
) -> list[pd.DataFrame]:
    """Curves of one panel: the gap, its parts where asked for, and the bounds."""
    curves: dict[str, tuple[list[float], str]] = {_GAP: ([one.gen for one, _ in found], "exact")}
    if split:
        curves["I/alpha"] = [one.mi / one.alpha for one, _ in found], "exact"
        curves["Lautum/alpha"] = [one.lautum / one.alpha for one, _ in found], "exact"
    curves["individual sample"] = [one.bound_individual for one, _ in found], "bound"
    curves["whole sample"] = [one.bound_mi for one, _ in found], "bound"
    curves["loss difference"] = [two.ldmi_bound for _, two in found], "bound"
    curves["temperature"] = [one.bound_alpha for one, _ in found], "bound"
    return [
        curve_rows(name, x, values, nature=nature, sense="expectation", panel=panel)
        for name, (values, nature) in curves.items()
    ]


def _result(
    parts: list[list[pd.DataFrame]],
    panels: tuple[str, str, str],
    model: GibbsAlgorithm,
    numbers: tuple[int, int, int],
    found: list[tuple[GibbsExact, GibbsSupersample]],
    by_size: tuple[FloatArray, list[tuple[GibbsExact, GibbsSupersample]]],
) -> Experiment:
    import pandas as pd

    frame = pd.concat([rows for part in parts for rows in part], ignore_index=True)
    n, n_network, levels = numbers
    slope = _slope(by_size[0], [one.gen for one, _ in by_size[1]])
    kappa = frame[frame["curve"] == "kappa"]
    # Room for the legend below the smallest curve of the first panel.
    lowest = frame[(frame["panel"] == panels[0]) & (frame["value"] > 0.0)]["value"].min()
    room = {"y_low": float(lowest) / 60.0} if np.isfinite(lowest) else {}
    markers = {
        "identity_error": max(abs(one.identity_error) for one, _ in found),
        **({"slope_gap": slope} if np.isfinite(slope) else {}),
        **{f"kappa at depth {x:g}": value for x, value in zip(kappa["x"], kappa["value"], strict=True)},
    }
    return Experiment(
        name="E4",
        title="Gibbs algorithm and finite parameter spaces",
        frame=frame,
        x_label="inverse temperature alpha",
        y_label="generalization gap",
        caption=caption_of(
            frame,
            "The first two panels share their colours; I/alpha and Lautum/alpha add up to the gap (left panel). Right: "
            f"contraction kappa of dropout on every layer input, and the label-free bound for weights of {levels} "
            f"values and n = {n_network}, loss in [0, 1]. {CAVEAT}",
        ),
        interpretation=_interpret(model.alpha, slope, kappa),
        settings={
            "loss_matrix": str(model.loss_matrix.tolist()),
            "p_z": str(model.p_z.tolist()),
            "prior": str(model.prior.round(6).tolist()),
            "alpha": model.alpha,
            "n": n,
            "levels": levels,
            "n_network": n_network,
        },
        markers=markers,
        log_x=True,
        log_y=True,
        panel_axes={
            panels[0]: {"legend": "lower right", "colors": _COLOURS, **room},
            panels[1]: {"x_label": "sample size n", "legend": "lower left", "colors": _COLOURS},
            panels[2]: {
                "x_label": "number of layers",
                "y_label": "kappa, or bound on the gap",
                "legend": "lower left",
                "colors": {"kappa": "grey", "finite parameters": "blue"},
            },
        },
    )


def _slope(n: FloatArray, gap: list[float]) -> float:
    """Least-squares slope of log gap against log n; nan for a single size or no gap."""
    values = np.array(gap)
    if len(n) < 2 or (values <= 0.0).any() or len(np.unique(n)) < 2:
        return float("nan")
    return float(np.polyfit(np.log(n), np.log(values), 1)[0])


def _interpret(alpha: float, slope: float, kappa: pd.DataFrame) -> str:
    text = "The gap is the sum of mutual and lautum information over the inverse temperature, to rounding."
    if np.isfinite(slope):
        text += f" At alpha = {alpha:g} it falls with n like n^{slope:.2f} over these sizes."
    first, last = kappa.iloc[0], kappa.iloc[-1]
    return text + (
        f" At a fixed number of weights kappa goes from {first['value']:.3g} at depth {first['x']:g} to "
        f"{last['value']:.3g} at depth {last['x']:g}; the training error is not in it."
    )
