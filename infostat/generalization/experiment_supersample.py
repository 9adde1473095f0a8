"""Experiment E6: loss-difference bound against sample size, for the mean classifier and a small network."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from ..core.checkpoint_folder import CheckpointFolder
from ..core.errors import SampleSizeWarning, VacuousBoundWarning
from ..core.progress import Progress, Report, progress_callback
from ..core.rng import RngLike, child, seed_label
from ..core.validation import FloatArray, check_count, check_number
from .experiment_result import Experiment, caption_of, curve_rows
from .gaussian_task import BinaryGaussianTask
from .information_bounds import individual_mi_bound
from .labelled import check_axis, check_sizes
from .network import MLP
from .network_arguments import check_hidden
from .supersample import SupersampleExperiment
from .supersample_results import SupersampleRun

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["supersample_study"]

_MEAN, _NETWORK = "Mean classifier", "Network"
_COLOURS = {
    "exact gap": "black",
    "simulated gap": "sky",
    "loss-difference bound": "orange",
    "individual sample": "blue",
}


@dataclass(frozen=True)
class _Draw:
    """Observations of the task; a class, so that worker processes can receive it."""

    task: BinaryGaussianTask

    def __call__(self, size: int, rng: Generator) -> tuple[FloatArray, FloatArray]:
        return self.task.sample(size, rng)


@dataclass(frozen=True)
class _MeanClassifier:
    """Sign of the projection on the mean of the sign-corrected observations."""

    direction: FloatArray

    def predict(self, X: FloatArray) -> FloatArray:
        return np.where(X @ self.direction >= 0.0, 1.0, -1.0)


def _fit_mean(X: FloatArray, y: FloatArray) -> _MeanClassifier:
    return _MeanClassifier(y @ X / len(y))


@dataclass(frozen=True)
class _FitNetwork:
    """Training of the network from fresh weights."""

    widths: tuple[int, ...]
    steps: int

    def __call__(self, X: FloatArray, y: FloatArray, rng: Generator) -> MLP:
        return MLP(self.widths, steps=self.steps).fit(X, y, rng=rng)


def _wrong(prediction: FloatArray, y: FloatArray) -> FloatArray:
    return np.asarray(prediction != y, dtype=np.float64)


def supersample_study(
    *,
    mu: float = 1.0,
    sigma0: float = 1.0,
    d: int = 8,
    sizes: ArrayLike = (10, 20, 40, 80, 160),
    supersamples: int = 50,
    masks: int = 40,
    network_sizes: ArrayLike = (10, 20, 40, 80, 160),
    network_supersamples: int = 16,
    network_masks: int = 10,
    hidden: Sequence[int] = (8,),
    steps: int = 200,
    bootstrap: int = 400,
    confidence_level: float = 0.95,
    rng: RngLike = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Experiment:
    """Return the curves of experiment E6: gap and loss-difference bound against n on the binary Gaussian task.

    Parameters
    ----------
    mu, sigma0, d : float, float and int
        Distance of the class means from the origin, standard deviation, columns.
    sizes, network_sizes : array_like of int
        Sample sizes for the mean classifier and for the network.
    supersamples, masks : int
        Supersamples, and trainings on each, of the mean classifier.
    network_supersamples, network_masks : int
        The same for the network.
    hidden : sequence of int
        Widths of its hidden layers (ReLU).
    steps : int
        Its full-batch gradient steps.
    bootstrap : int
        Resamples of supersamples behind each interval.
    confidence_level : float
        Level of the intervals.
    rng : None, int, SeedSequence or Generator
        Seed.
    n_jobs : int, optional
        Parallel workers; the numbers do not depend on it.
    batch_size : int, optional
        Supersamples per task.
    progress : bool or callable
        Report finished supersamples.
    checkpoint : path, optional
        Folder that keeps finished supersamples of every size; an interrupted study resumes from it.

    Returns
    -------
    Experiment
        ``"E6"``: exact and simulated gap, estimated loss-difference bound with intervals, and the
        individual-sample bound where it has a closed form.

    Raises
    ------
    InputError
        If a number is out of range.
    CheckpointError
        If the checkpoint is damaged or belongs to another study.

    Notes
    -----
    0-1 loss. The mean classifier takes the sign of ``m x`` with m the mean of ``y_i x_i``; its individual
    information is ``(d/2) log(n/(n - 1))`` (inf for n = 1). The weights of the network are a continuous function
    of the sample and its fresh start, so that it has no such closed form.

    Examples
    --------
    >>> found = supersample_study(sizes=[20], network_sizes=[10], network_supersamples=2, network_masks=2, rng=0)
    >>> found.panels(), 0.05 < found.markers["gap of the mean classifier, n = 20"] < 0.1
    (('Mean classifier', 'Network'), True)
    """
    columns, spread = check_count("d", d, low=1), check_number("sigma0", sigma0, low=0.0, open_low=True)
    task = BinaryGaussianTask(check_number("mu", mu, low=0.0), spread, columns)
    rows = check_axis("sizes", check_sizes("sizes", sizes, high=1e7))
    few = check_axis("network_sizes", check_sizes("network_sizes", network_sizes, high=1e7))
    widths = (columns, *check_hidden(hidden), 1)
    asked = {
        "supersamples": supersamples, "masks": masks,
        "network_supersamples": network_supersamples, "network_masks": network_masks,
    }  # fmt: skip
    many, each, some, few_masks = (check_count(name, value, low=1) for name, value in asked.items())
    level = check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
    shared: dict[str, Any] = {
        "bootstrap": bootstrap, "confidence_level": level, "n_jobs": n_jobs, "batch_size": batch_size
    }  # fmt: skip
    total = len(rows) * many + len(few) * some
    about = {
        "study": "experiment E6", "mu": task.norm, "sigma0": spread, "widths": list(widths),
        "steps": check_count("steps", steps),
    }  # fmt: skip
    store = CheckpointFolder(checkpoint, about, rng)
    seed = store.seed
    with progress_callback(progress, "supersamples") as report:
        mean = SupersampleExperiment(_Draw(task), _fit_mean, _wrong)
        files = [store.file(f"mean-{place}") for place in range(len(rows))]
        simple = _runs(mean, rows, (many, each), child(seed, 0), shared, _part(report, 0, total), files)
        network = SupersampleExperiment(_Draw(task), _FitNetwork(widths, check_count("steps", steps)), _wrong)
        start = len(rows) * many
        files = [store.file(f"network-{place}") for place in range(len(few))]
        trained = _runs(network, few, (some, few_masks), child(seed, 1), shared, _part(report, start, total), files)
    frame = _frame(task, columns, (rows, simple), (few, trained))
    settings = {
        "mu": mu, "sigma0": spread, "d": columns, "widths": "-".join(map(str, widths)), "steps": steps,
        "supersamples x masks": f"{many} x {each}",
        "supersamples x masks (network)": f"{some} x {few_masks}",
        "confidence_level": level,
    }  # fmt: skip
    return _result(frame, simple, trained, settings, seed_label(seed))


def _part(report: Report | None, start: int, total: int) -> Callable[[int], Progress]:
    """Progress of one run after `done` finished supersamples."""
    if report is None:
        return lambda done: False
    return lambda done: lambda now, _: report(start + done + now, total)


def _runs(
    experiment: SupersampleExperiment,
    sizes: FloatArray,
    counts: tuple[int, int],
    seed: Any,
    shared: dict[str, Any],
    part: Callable[[int], Progress],
    files: Sequence[Path | None],
) -> list[SupersampleRun]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SampleSizeWarning)  # the flags stay on the runs
        for place, n in enumerate(sizes):
            each = {**shared, "progress": part(place * counts[0]), "checkpoint": files[place]}
            found.append(experiment.run(int(n), *counts, child(seed, place), **each))
    return found


def _frame(
    task: BinaryGaussianTask,
    d: int,
    simple: tuple[FloatArray, list[SupersampleRun]],
    trained: tuple[FloatArray, list[SupersampleRun]],
) -> pd.DataFrame:
    import pandas as pd

    sizes, runs = simple
    exact = [float(task.exact_errors(int(n)).gap) for n in sizes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VacuousBoundWarning)
        individual = [float(individual_mi_bound(np.full(1, _information(d, n)), 0.5)) for n in sizes]
    words = {"sense": "expectation", "panel": _MEAN}
    parts = [
        curve_rows("exact gap", sizes, exact, nature="exact", **words),
        curve_rows("individual sample", sizes, individual, nature="bound", **words),
        *_estimates(_MEAN, sizes, runs),
        *_estimates(_NETWORK, *trained),
    ]
    return pd.concat(parts, ignore_index=True)


def _information(d: int, n: float) -> float:
    """I(Z_i; mean) = (d/2) log(n/(n - 1)) of the mean of n normal observations."""
    return math.inf if n == 1.0 else -0.5 * d * math.log1p(-1.0 / n)


def _estimates(panel: str, sizes: FloatArray, runs: list[SupersampleRun]) -> list[pd.DataFrame]:
    words = {"nature": "estimate", "sense": "expectation", "panel": panel}
    gap, se = [run.gap for run in runs], [run.gap_se for run in runs]
    bound = [float(run.value) for run in runs]
    low, high = [run.low for run in runs], [run.high for run in runs]
    return [
        curve_rows("loss-difference bound", sizes, bound, low=low, high=high, **words),
        curve_rows("simulated gap", sizes, gap, se=se, **words),
    ]


def _result(
    frame: pd.DataFrame,
    simple: list[SupersampleRun],
    trained: list[SupersampleRun],
    settings: dict[str, Any],
    seed: int | str,
) -> Experiment:
    level = settings["confidence_level"]
    markers: dict[str, float] = {}
    for name, runs in (("mean classifier", simple), ("network", trained)):
        for run in runs:
            markers[f"gap of the {name}, n = {run.n}"] = run.gap
    ratios = [float(run.value) / run.gap for run in (*simple, *trained) if run.gap > 0.0]
    text = "The loss-difference bound needs nothing but the losses of trained models."
    if ratios:
        text += f" Here it lies between {min(ratios):.2g} and {max(ratios):.2g} times the simulated gap."
    return Experiment(
        name="E6",
        title="loss-difference bound from supersamples",
        frame=frame,
        x_label="sample size n",
        y_label="generalization gap (0-1 loss)",
        caption=caption_of(
            frame,
            f"Bars: {100 * level:g} % intervals from resampled supersamples (bound), one standard error "
            "(gap). The loss-difference points estimate a bound; they err upward where masks are few.",
        ),
        interpretation=text,
        settings=settings,
        markers=markers,
        log_x=True,
        log_y=True,
        seed=seed,
        panel_axes={name: {"legend": "lower left", "colors": _COLOURS, **_limits(frame)} for name in (_MEAN, _NETWORK)},
    )


def _limits(frame: pd.DataFrame) -> dict[str, float]:
    """The same ordinates for both panels, so that they can be compared, with room for the legend."""
    shown = frame[np.isfinite(frame["value"]) & (frame["value"] > 0.0)]["value"]
    return {"y_low": 0.4 * float(shown.min()), "y_high": 1.6 * float(shown.max())} if len(shown) else {}
