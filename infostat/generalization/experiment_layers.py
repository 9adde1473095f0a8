"""Experiment E1: gap and bounds of a linear network against the layer, for several patterns of gains."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checkpoint_folder import CheckpointFolder
from ..core.errors import InputError, VacuousBoundWarning, Words, describe
from ..core.progress import Progress, progress_callback
from ..core.rng import RngLike, child, seed_label
from ..core.validation import FloatArray, check_count
from .experiment_result import Experiment, caption_of, curve_rows
from .gaussian_expectations import ExpectedLayers, expected_layers
from .gaussian_factorisation import check_gains
from .gaussian_layers import LARGEST_SIZE, check_dimension, check_ranks
from .gaussian_results import GaussianSimulation
from .gaussian_task import BinaryGaussianTask
from .hierarchical import hierarchical_kl_bound
from .hierarchical_result import funnel
from .labelled import list_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DEPTH_CAVEAT", "bounds_by_layer"]

DEPTH_CAVEAT = (
    "All networks here are the same classifier, written with different factors; how bounds and gap change with depth "
    "in trained networks in general stays open (He & Goldfeld, arXiv 2404.03176)."
)
_SIGMA = 0.5  # sub-Gaussian constant of the 0-1 loss
_HUES = ("blue", "orange", "green", "purple", "sky", "amber", "grey")
_KL_PANEL = "KL bounds (same for all gains)"
_DISTANCE_PANEL = r"raw $W_2$ (ring: smallest)"


@dataclass(frozen=True)
class _Study:
    """Everything that is drawn."""

    task: BinaryGaussianTask
    n: int
    ranks: NDArray[np.int64]
    patterns: list[FloatArray]
    expected: list[ExpectedLayers]
    simulated: list[GaussianSimulation]


def bounds_by_layer(
    *,
    mu: float = 1.5,
    sigma0: float = 1.0,
    n: int = 15,
    ranks: ArrayLike = (20, 12, 6, 3, 1),
    gains: Sequence[ArrayLike] = ((0.5, 0.5, 0.5), (2.0, 2.0, 2.0), (0.4, 3.0, 3.0)),
    replicates: int = 1500,
    rng: RngLike = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Experiment:
    """Return the curves of experiment E1: bounds of the gap against the layer of a linear network.

    Parameters
    ----------
    mu : float
        Length of the class mean of the binary Gaussian task.
    sigma0 : float
        Standard deviation within a class.
    n : int
        Training points, at least 2.
    ranks : sequence of int of length L+1
        Ranks of the layers; the first is the dimension, the last is 1.
    gains : sequence of sequences of float
        Patterns of gains, each of length L-1.
    replicates : int
        Simulated training sets per pattern, at least 2.
    rng : None, int, SeedSequence or Generator
        Seed of the simulations.
    n_jobs : int, optional
        Workers; the numbers do not depend on it.
    batch_size : int, optional
        Blocks of training sets per task.
    progress : bool or callable
        False is silent, True a bar on stderr, a callable is called with patterns done and in all.
    checkpoint : path, optional
        Folder that keeps finished training sets of every pattern; an interrupted study resumes from it.

    Returns
    -------
    Experiment
        ``"E1"``: label-coupled and joint Wasserstein bounds of the hinge loss for every pattern (quadrature,
        with simulated means beside them), the exact gap, the raw distances with their smallest layer
        (``markers``), and the KL bounds.

    Raises
    ------
    InputError
        If an argument is out of range.
    CheckpointError
        If the checkpoint is damaged or belongs to another study.

    Notes
    -----
    The label-coupled bound and the KL bounds do not depend on the gains and are smallest at the output. The raw
    distance does depend on them, and its minimum may lie at any layer; so may local minima of the joint form.

    Examples
    --------
    >>> found = bounds_by_layer(replicates=50, rng=1)
    >>> [int(found.markers[f"funnel_distance_{i}"]) for i in (1, 2, 3)]
    [3, 0, 1]
    >>> int(found.markers["funnel_bound"])
    4
    """
    task = BinaryGaussianTask(mu, sigma0, check_dimension(ranks))
    checked = check_ranks(ranks, task.d, last=1)
    size = check_count("n", n, low=2, high=LARGEST_SIZE)
    patterns = _patterns(gains, len(checked) - 2)
    count = check_count("replicates", replicates, low=2)
    store = CheckpointFolder(checkpoint, {"study": "experiment E1"}, rng)
    seed = store.seed
    expected, simulated = [], []
    with progress_callback(progress, "patterns") as report:
        for done, pattern in enumerate(patterns, start=1):
            expected.append(expected_layers(task.norm, task.sigma0, size, checked, pattern))
            each: dict[str, Any] = {"rng": child(seed, done - 1), "n_jobs": n_jobs, "batch_size": batch_size}
            file = store.file(f"pattern-{done}")
            simulated.append(task.simulate(size, checked, pattern, count, checkpoint=file, **each))
            if report is not None:
                report(done, len(patterns))
    study = _Study(task, size, checked, patterns, expected, simulated)
    return _result(study, count, seed_label(seed))


def _patterns(gains: Any, n_hidden: int) -> list[FloatArray]:
    patterns = list_of("gains", gains, "a list of patterns, each a list of gains")
    found = [check_gains(pattern, n_hidden) for pattern in patterns]
    if not 1 <= len(found) <= len(_HUES):
        raise InputError(describe("gains", f"1 to {len(_HUES)} patterns", Words(f"{len(found)}")))
    return found


def _panel_name(pattern: FloatArray) -> str:
    return "gains " + (", ".join(f"{g:g}" for g in pattern) or "none")


def _distance_name(pattern: FloatArray) -> str:
    # Names of curves are listed with commas between them.
    return f"W2 ({_panel_name(pattern).replace(', ', ' / ')})"


def _result(study: _Study, replicates: int, seed: int | str) -> Experiment:
    import pandas as pd

    hinge = study.task.exact_errors(study.n, "hinge")
    parts = [*_wasserstein(study, float(hinge)), *_distances(study), *_kl(study, float(hinge))]
    frame = pd.concat(parts, ignore_index=True)
    where = [funnel(each.distance) for each in study.expected]
    label = study.expected[0].label
    markers = {
        "gap_hinge": float(hinge),
        "gap_zero_one": float(study.task.exact_errors(study.n)),
        "funnel_bound": funnel(label),
        "smallest_bound": float(label.min()),
        **{f"funnel_distance_{i}": layer for i, layer in enumerate(where, start=1)},
        **{f"funnel_joint_{i}": funnel(each.joint) for i, each in enumerate(study.expected, start=1)},
    }
    shown = "; ".join(f"layer {layer} for {_panel_name(p)}" for layer, p in zip(where, study.patterns, strict=True))
    return Experiment(
        name="E1",
        title="bounds against the layer of a linear network",
        frame=frame,
        x_label="layer",
        y_label="gap or bound, hinge loss",
        caption=caption_of(
            frame,
            "Wasserstein bounds are expectations by quadrature; points are means over simulated training sets with one "
            "standard error. W2 bounds W1 from above; rings mark the layer where it is smallest.",
        ),
        interpretation=(
            f"Whatever the gains, the label-coupled bound is smallest at layer {funnel(label)} ({label.min():.3g}; the "
            f"hinge gap is {float(hinge):.3g}). The representations themselves are closest at {shown}. {DEPTH_CAVEAT}"
        ),
        settings={
            "mu": study.task.norm,
            "sigma0": study.task.sigma0,
            "n": study.n,
            "ranks": ", ".join(map(str, study.ranks)),
            "gains": "; ".join(_panel_name(p).removeprefix("gains ") for p in study.patterns),
            "replicates": replicates,
        },
        markers=markers,
        log_y=True,
        seed=seed,
        panel_axes=_panel_axes(study, frame),
    )


def _wasserstein(study: _Study, gap: float) -> list[pd.DataFrame]:
    """Bounds of the hinge loss for each pattern of gains."""
    x = np.arange(len(study.ranks))
    found = []
    for pattern, expected, simulated in zip(study.patterns, study.expected, study.simulated, strict=True):
        panel = _panel_name(pattern)
        bound: dict[str, Any] = {"nature": "bound", "sense": "expectation", "panel": panel}
        estimate: dict[str, Any] = {"nature": "estimate", "sense": "expectation", "panel": panel}
        label, joint = (simulated.bound_label, simulated.bound_joint)
        found += [
            curve_rows("gap (hinge loss)", x, gap, nature="exact", sense="expectation", panel=panel),
            curve_rows("joint Wasserstein", x, expected.joint, **bound),
            curve_rows("label-coupled Wasserstein", x, expected.label, **bound),
            curve_rows("joint (simulated)", x, joint, se=simulated.bound_joint_se, **estimate),
            curve_rows("label-coupled (simulated)", x, label, se=simulated.bound_label_se, **estimate),
        ]
    return found


def _distances(study: _Study) -> list[pd.DataFrame]:
    """Raw distances between the laws of training and fresh points."""
    x = np.arange(len(study.ranks))
    named = [(_distance_name(p), each.w2) for p, each in zip(study.patterns, study.expected, strict=True)]
    return [
        curve_rows(name, x, values, nature="exact", sense="expectation", panel=_DISTANCE_PANEL)
        for name, values in named
    ]


def _kl(study: _Study, hinge: float) -> list[pd.DataFrame]:
    """KL bounds of the 0-1 loss and of the hinge loss."""
    x = np.arange(len(study.ranks))
    kl = study.task.expected_layer_kl(study.ranks, study.n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VacuousBoundWarning)  # a small n is meant as it is
        zero_one = hierarchical_kl_bound(kl[:, None], _SIGMA)
    exact: dict[str, Any] = {"nature": "exact", "sense": "expectation", "panel": _KL_PANEL}
    bound: dict[str, Any] = {"nature": "bound", "sense": "expectation", "panel": _KL_PANEL}
    gap = float(study.task.exact_errors(study.n))
    return [
        curve_rows("KL (hinge loss)", x, study.expected[0].kl, **bound),
        curve_rows("gap (hinge loss)", x, hinge, **exact),
        curve_rows("KL (0-1 loss)", x, zero_one.value, **bound),
        curve_rows("gap (0-1 loss)", x, gap, **exact),
    ]


def _panel_axes(study: _Study, frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Axes of the panels; the panels of the bounds share their limits."""
    names = [_panel_name(p) for p in study.patterns]
    values = frame[frame["panel"].isin(names)]["value"]
    limits = {"y_low": 0.6 * float(values.min()), "y_high": 3.0 * float(values.max())}
    colours = {
        "gap (hinge loss)": "black",
        "joint Wasserstein": "orange",
        "joint (simulated)": "orange",
        "label-coupled Wasserstein": "blue",
        "label-coupled (simulated)": "blue",
    }
    distances = [_distance_name(p) for p in study.patterns]
    axes: dict[str, dict[str, Any]] = {
        name: {**limits, "colors": colours, "labels": _legend(each), "legend": "upper left"}
        for name, each in zip(names, study.expected, strict=True)
    }
    axes[_DISTANCE_PANEL] = {
        "y_label": "distance (unit of the layer)",
        "y_low": 0.25 * min(float(each.w2.min()) for each in study.expected),
        "legend": "lower left",
        "colors": {name: _HUES[i] for i, name in enumerate(distances)},
        "labels": dict(zip(distances, names, strict=True)),
        "marks": {name: [funnel(each.w2)] for name, each in zip(distances, study.expected, strict=True)},
    }
    axes[_KL_PANEL] = {
        "y_label": "gap or bound",
        "y_high": 4.0 * float(study.expected[0].kl.max()),
        "colors": {
            "KL (hinge loss)": "green",
            "gap (hinge loss)": "black",
            "KL (0-1 loss)": "purple",
            "gap (0-1 loss)": "grey",
        },
        "legend": "upper right",
    }
    return axes


def _legend(expected: ExpectedLayers) -> dict[str, str]:
    """Texts of the legend; two curves that coincide get one entry."""
    texts = {"gap (hinge loss)": "gap (exact)", "joint (simulated)": "", "label-coupled (simulated)": "simulated means"}
    if np.allclose(expected.joint, expected.label, rtol=1e-3):
        texts |= {"joint Wasserstein": "", "label-coupled Wasserstein": "both Wasserstein bounds"}
    return texts
