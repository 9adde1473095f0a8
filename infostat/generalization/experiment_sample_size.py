"""Experiment E2: gap and bounds of the mean classifier against the sample size."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError, VacuousBoundWarning, describe
from ..core.progress import Progress, progress_callback
from ..core.rng import RngLike, as_generator, as_seed_sequence, seed_label
from ..core.validation import check_number, short
from .experiment_layers import DEPTH_CAVEAT
from .experiment_result import Experiment, caption_of, curve_rows
from .gaussian_expectations import expected_layers
from .gaussian_layers import check_dimension, check_ranks
from .gaussian_task import BinaryGaussianTask
from .hierarchical import hierarchical_kl_bound
from .labelled import check_sizes
from .pac_bayes import gaussian_kl, pac_bayes_bound

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["bounds_by_sample_size"]

_SIZES = (5, 7, 10, 14, 20, 30, 50, 70, 100, 140, 200, 300, 500)
_LARGEST = 100_000
_PANELS = ("0-1 loss", "hinge loss")
_SIGMA = 0.5  # sub-Gaussian constant of the 0-1 loss
_PAC_BAYES = "PAC-Bayes (Seeger)"


@dataclass(frozen=True)
class _Study:
    """Arguments, checked."""

    task: BinaryGaussianTask
    sizes: NDArray[np.int64]
    ranks: NDArray[np.int64]
    delta: float
    prior_std: float


def bounds_by_sample_size(
    sizes: ArrayLike = _SIZES,
    *,
    mu: float = 1.0,
    sigma0: float = 1.0,
    ranks: ArrayLike = (10, 4, 1),
    delta: float = 0.05,
    prior_std: float = 0.3,
    rng: RngLike = None,
    progress: Progress = False,
) -> Experiment:
    """Return the curves of experiment E2: gap and bounds of the mean classifier against the sample size.

    Parameters
    ----------
    sizes : array_like of int
        Numbers of training points, at least two of them, each from 2 to 100 000.
    mu : float
        Length of the class mean of the binary Gaussian task.
    sigma0 : float
        Standard deviation within a class.
    ranks : sequence of int of length L+1
        Ranks of the layers; the first is the dimension, the last is 1.
    delta : float
        Probability with which each PAC-Bayes bound may fail, in (0, 1).
    prior_std : float
        Standard deviation, unit of the data, of the prior N(0, prior_std^2 I) and of the posterior
        N(m, prior_std^2 I) of the PAC-Bayes bound; fixed before the data are seen.
    rng : None, int, SeedSequence or Generator
        Seed of the one sample that the PAC-Bayes bound sees; smaller sizes take its first rows.
    progress : bool or callable
        False is silent, True a bar on stderr, a callable is called with sizes done and in all.

    Returns
    -------
    Experiment
        ``"E2"``: exact gaps; KL bounds of the 0-1 loss at every layer (layer 0 is the individual-sample bound);
        Wasserstein bounds of the hinge loss at the input and the output; the PAC-Bayes bound of the randomised
        classifier, which holds with high probability. `markers` hold the slopes of the upper half of the sizes on
        logarithmic axes.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    The individual-sample bound falls like ``n^(-1/2)`` and the gap of the 0-1 loss like ``1/n``. The
    PAC-Bayes curve is its bound of the risk minus the empirical risk of the classifier ``sign(w.x)``,
    ``w ~ N(m, prior_std^2 I)``: a statement on another classifier, and another kind of statement, than the rest.

    Examples
    --------
    >>> found = bounds_by_sample_size([5, 10, 20, 50, 100], rng=1)
    >>> frame = found.frame[found.frame["x"] == 10].set_index("curve")["value"]
    >>> [round(float(frame[name]), 6) for name in ("gap (0-1 loss)", "KL at layer 2 (rank 1)", "individual sample")]
    [0.160822, 0.364635, 0.513226]
    """
    study = _check(sizes, mu, sigma0, ranks, delta, prior_std)
    seed = as_seed_sequence(rng)
    import pandas as pd

    with warnings.catch_warnings(), progress_callback(progress, "sizes") as report:
        warnings.simplefilter("ignore", VacuousBoundWarning)  # small samples are meant as they are
        parts = [*_zero_one(study), _pac_bayes(study, as_generator(seed)), *_hinge(study, report)]
    frame = pd.concat(parts, ignore_index=True)
    return _result(study, frame, seed_label(seed))


def _check(sizes: Any, mu: Any, sigma0: Any, ranks: Any, delta: Any, prior_std: Any) -> _Study:
    found = np.unique(check_sizes("sizes", sizes))
    if len(found) < 2 or found[0] < 2 or found[-1] > _LARGEST:
        raise InputError(describe("sizes", f"two or more whole numbers from 2 to {_LARGEST}", short(sizes)))
    task = BinaryGaussianTask(mu, sigma0, check_dimension(ranks))
    return _Study(
        task,
        found.astype(np.int64),
        check_ranks(ranks, task.d, last=1),
        check_number("delta", delta, low=0.0, high=1.0, open_low=True, open_high=True),
        check_number("prior_std", prior_std, low=1e-75, high=1e75),
    )


def _zero_one(study: _Study) -> list[pd.DataFrame]:
    """Exact gap of the 0-1 loss and its KL bounds."""
    common: dict[str, Any] = {"sense": "expectation", "panel": _PANELS[0]}
    gap = study.task.exact_errors(study.sizes).gap
    kl = study.task.expected_layer_kl(study.ranks, study.sizes)
    bounds = np.asarray(hierarchical_kl_bound(kl[:, :, None], _SIGMA).value)
    found = [curve_rows("gap (0-1 loss)", study.sizes, gap, nature="exact", **common)]
    for layer, rank in enumerate(study.ranks):
        name = f"KL at layer {layer} (rank {rank})" if layer else "individual sample"
        found.append(curve_rows(name, study.sizes, bounds[:, layer], nature="bound", **common))
    return found


def _pac_bayes(study: _Study, generator: np.random.Generator) -> pd.DataFrame:
    """PAC-Bayes bound of the randomised classifier on the first rows of one sample."""
    from scipy import special

    X, y = study.task.sample(int(study.sizes[-1]), generator)
    points = y[:, None] * X
    lengths = np.linalg.norm(points, axis=1)
    empirical, divergence = [], []
    for n in study.sizes:
        m = points[:n].mean(axis=0)
        # Given a point, w.v is normal with mean m.v and standard deviation prior_std |v|.
        empirical.append(float(special.ndtr(-(points[:n] @ m) / (study.prior_std * lengths[:n])).mean()))
        divergence.append(gaussian_kl(m, study.prior_std, np.zeros_like(m), study.prior_std))
    risk = pac_bayes_bound(empirical, divergence, study.sizes, study.delta, "seeger").value
    return curve_rows(
        _PAC_BAYES, study.sizes, risk - np.array(empirical), nature="bound", sense="probability", panel=_PANELS[0]
    )


def _hinge(study: _Study, report: Any) -> list[pd.DataFrame]:
    """Exact gap of the hinge loss and its Wasserstein bounds at the input and the output."""
    common: dict[str, Any] = {"sense": "expectation", "panel": _PANELS[1]}
    gap = study.task.exact_errors(study.sizes, "hinge").gap
    unit = np.ones(len(study.ranks) - 2)  # the label-coupled bound does not depend on the gains
    rows = []
    for done, n in enumerate(study.sizes, start=1):
        rows.append(expected_layers(study.task.norm, study.task.sigma0, int(n), study.ranks, unit).label)
        if report is not None:
            report(done, len(study.sizes))
    label = np.array(rows)
    found = [curve_rows("gap (hinge loss)", study.sizes, gap, nature="exact", **common)]
    for layer, rank in enumerate(study.ranks):
        name = f"Wasserstein at layer {layer} (rank {rank})"
        found.append(curve_rows(name, study.sizes, label[:, layer], nature="bound", **common))
    return found


def _slopes(frame: pd.DataFrame) -> dict[str, float]:
    """Slopes of the curves on logarithmic axes over the upper half of the sizes."""
    found = {}
    for curve, rows in frame.groupby("curve", sort=False):
        upper = rows.sort_values("x").iloc[-max(2, (len(rows) + 1) // 2) :]
        positive = upper[upper["value"] > 0.0]
        if len(positive) >= 2:
            found[str(curve)] = float(np.polyfit(np.log(positive["x"]), np.log(positive["value"]), 1)[0])
    return found


def _result(study: _Study, frame: pd.DataFrame, seed: int | str) -> Experiment:
    slopes = _slopes(frame)
    task = study.task
    return Experiment(
        name="E2",
        title="bounds against the sample size",
        frame=frame,
        x_label="training points n",
        y_label="gap or bound",
        caption=caption_of(
            frame,
            "The PAC-Bayes curve bounds risk minus empirical risk of a randomised classifier, for one sample whose "
            f"first n rows are used, each point with probability {1.0 - study.delta:g}. Wasserstein bounds keep the "
            "label and are expectations by quadrature. Legends give the slope over the upper half of the sizes.",
        ),
        interpretation=_interpretation(slopes),
        settings={
            "mu": task.norm,
            "sigma0": task.sigma0,
            "d": task.d,
            "ranks": ", ".join(map(str, study.ranks)),
            "sizes": ", ".join(map(str, study.sizes)),
            "delta": study.delta,
            "prior_std": study.prior_std,
        },
        markers={f"slope of {curve}": slope for curve, slope in slopes.items()},
        log_x=True,
        log_y=True,
        seed=seed,
        panel_axes=_panel_axes(frame, slopes),
    )


def _interpretation(slopes: dict[str, float]) -> str:
    parts = []
    if "gap (0-1 loss)" in slopes:
        parts.append(
            f"The gap of the 0-1 loss falls like n^{slopes['gap (0-1 loss)']:.2f}, the individual-sample bound like "
            f"n^{slopes['individual sample']:.2f}: bounds that see one sample at a time are not tight in the rate."
        )
    else:
        parts.append("The gap of the 0-1 loss is below the range of floats; its bounds are not.")
    parts.append("The KL and Wasserstein bounds are smallest at the output layer.")
    return " ".join([*parts, DEPTH_CAVEAT])


def _panel_axes(frame: pd.DataFrame, slopes: dict[str, float]) -> dict[str, dict[str, Any]]:
    hues = ("blue", "orange", "green", "sky", "amber")
    axes: dict[str, dict[str, Any]] = {}
    for panel in _PANELS:
        part = frame[frame["panel"] == panel]
        curves = list(dict.fromkeys(part["curve"]))
        expected = [c for c in curves if not c.startswith("gap") and c != _PAC_BAYES]
        colours = {c: hues[i % len(hues)] for i, c in enumerate(expected)}
        colours |= {c: "black" for c in curves if c.startswith("gap")}
        colours |= {_PAC_BAYES: "purple"} if _PAC_BAYES in curves else {}
        labels = {c: f"{c.replace(' at layer', ', layer')}, slope {slopes[c]:.2f}" for c in curves if c in slopes}
        # The ranks stand in the other panel.
        labels |= {c: re.sub(r" \(rank \d+\)", "", text) for c, text in labels.items() if c.startswith("Wasserstein")}
        positive = part["value"][part["value"] > 0.0]
        # Room for the legend below the curves.
        limits = {"y_low": 0.03 * float(positive.min())} if len(positive) else {}
        axes[panel] = {"colors": colours, "labels": labels, "legend": "lower left", **limits}
    return axes
