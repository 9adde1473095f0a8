"""Experiment E5: certificates of a trained network, layer by layer, without and with its noise."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

from ..core.checkpoint_folder import CheckpointFolder
from ..core.errors import DataError, InputError, InputTypeError, MissingExtraError, VacuousBoundWarning, describe
from ..core.progress import Progress
from ..core.replicates import run_replicates
from ..core.rng import RngLike, child, child_generator, seed_label
from ..core.samples import as_sample
from ..core.validation import FloatArray, check_count, check_number, short
from .experiment_result import Experiment, caption_of, curve_rows
from .network import MLP
from .network_arguments import check_hidden, check_signs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["network_study"]

_LEAST_ROWS = 8  # two samples of at least four, so that the floor has halves of two
_WITHOUT = "Without noise"
_FIELDS = ("certificate", "w1", "w1_floor", "gap")
# Children of the seed, one for each use.
_DATA, _TEST, _PLAIN, _NOISY, _HALVES, _MASKS = range(6)

Samples = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def network_study(
    *,
    data: Any = None,
    n: int = 200,
    d: int = 10,
    mu: float = 1.0,
    sigma0: float = 1.0,
    hidden: Sequence[int] = (16, 8, 4),
    activation: str | Sequence[str] = "relu",
    steps: int = 400,
    learning_rate: float = 0.2,
    drop: ArrayLike = 0.2,
    noise_std: ArrayLike = 0.1,
    masks: int = 32,
    rng: RngLike = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Experiment:
    """Train a small network twice, without and with noise in its layers, and certify its gap at every layer.

    Parameters
    ----------
    data : tuple of array_like or str, optional
        ``(X, y)`` with labels -1 and 1, divided at random into a training and a test sample of up to `n`
        rows each; ``"digits"`` are the 8 x 8 digits of scikit-learn (even against odd), if that is
        installed. None draws both samples from the binary Gaussian task.
    n : int
        Observations in the training sample, and in the test sample.
    d, mu, sigma0 : int and float
        Binary Gaussian task: columns, distance of the class means from the origin, standard deviation.
        Not used with `data`.
    hidden : sequence of int
        Widths of the hidden layers.
    activation : str or sequence of str
        Of the hidden layers.
    steps : int
        Full-batch gradient steps on the logistic loss.
    learning_rate : float
        Length of a step in units of the gradient.
    drop, noise_std : float or sequence of float
        Dropout probability and noise standard deviation of the hidden layers of the second network.
    masks : int
        Draws of its noise over which the second network is averaged.
    rng : None, int, SeedSequence or Generator
        Seed of data, weights and noise.
    n_jobs : int, optional
        Parallel workers over the draws of the noise; the numbers do not depend on it.
    batch_size : int, optional
        Draws per task.
    progress : bool or callable
        True draws a bar for each training, with the loss and the gap after every step, and one for the draws
        of the noise; a callable gets ``(done, total)``, gradient steps and draws together.
    checkpoint : path, optional
        Folder that keeps finished draws of the noise; an interrupted study trains again and resumes there.

    Returns
    -------
    Experiment
        Certificate, gap, distance and floor against the layer (0 is the input), for both networks.

    Raises
    ------
    InputError
        If an option is out of range, or the data do not fit.
    MissingExtraError
        If the digits are asked for and scikit-learn is not installed.
    CheckpointError
        If the checkpoint is damaged or belongs to another study.

    Notes
    -----
    The certificate of layer l is the cost of moving the training points to the test points of that layer,
    with the tail constant of the layers above it (:func:`layer_certificates`). It bounds the difference of
    the mean losses of these two samples, with no probability statement.

    In the second network one draw of the noise is shared by all observations, which makes the network a
    deterministic one with thinned weights: every draw has a certificate, and the mean of the certificates
    bounds the absolute mean of the gaps over the same draws. Averages of losses over shared draws have the
    mean of those over fresh draws.

    Examples
    --------
    >>> study = network_study(n=40, hidden=(4,), steps=50, masks=2, rng=0)
    >>> study.panels()
    ('Without noise', 'Noise on, 2 draws')
    >>> sorted(study.to_frame()["nature"].unique())
    ['bound', 'estimate', 'exact']
    """
    n = check_count("n", n, low=_LEAST_ROWS // 2)
    masks = check_count("masks", masks, low=1, high=1_000_000)
    store = CheckpointFolder(checkpoint, {"study": "experiment E5"}, rng)
    seed = store.seed
    samples, source = _samples(data, n, d, mu, sigma0, seed)
    widths = [samples[0].shape[1], *check_hidden(hidden), 1]
    options: dict[str, Any] = {"learning_rate": learning_rate, "steps": steps}
    plain = MLP(widths, activation, **options)
    noisy = MLP(widths, activation, drop=drop, noise_std=noise_std, **options)
    total = 2 * plain.steps + masks
    _train(plain, samples, child(seed, _PLAIN), _part(progress, 0, total))
    _train(noisy, samples, child(seed, _NOISY), _part(progress, plain.steps, total))
    alone = _certify(plain, samples, None, child(seed, _HALVES))
    run = run_replicates(
        _noisy_draws,
        masks,
        rng=child(seed, _MASKS),
        block_length=1,
        payload={"network": noisy, "samples": samples, "halves": child(seed, _HALVES)},
        n_jobs=n_jobs,
        batch_size=batch_size,
        progress=_part(progress, 2 * plain.steps, total),
        checkpoint=store.file("draws"),
        study="draws of the noise",
        settings={
            "samples": samples, "widths": widths, "activation": _listed(noisy.activations), "steps": noisy.steps,
            "learning_rate": noisy.learning_rate, "drop": _listed(noisy.drop), "noise_std": _listed(noisy.noise_std),
        },
    )
    draws = {name: np.asarray(run.values[name], dtype=np.float64) for name in _FIELDS}
    frame = _frame(alone, draws)
    markers = _markers(plain, noisy, samples, alone, draws)
    return Experiment(
        name="E5",
        title=f"certificates of a trained network ({'-'.join(map(str, widths))}, {source})",
        frame=frame,
        x_label="layer (0 = input)",
        y_label="nats (W1: unit of the layer)",
        caption=_caption(frame, masks),
        interpretation=_interpret(markers, len(widths) - 1, masks),
        settings={
            "data": source,
            "n_train": len(samples[0]),
            "n_test": len(samples[2]),
            "widths": "-".join(map(str, widths)),
            "activation": _listed(plain.activations[:-1]),
            "steps": plain.steps,
            "learning_rate": plain.learning_rate,
            "drop": _listed(noisy.drop),
            "noise_std": _listed(noisy.noise_std),
            "masks": masks,
        },
        markers=markers,
        log_y=True,
        seed=seed_label(seed),
    )


# ------------------------------------------------------------------------------ data
def _listed(values: Sequence[str | float]) -> str:
    """Each value once where all are equal, all of them otherwise."""
    shown = list(values[:1]) if len(set(values)) == 1 else list(values)
    return ", ".join(value if isinstance(value, str) else f"{value:g}" for value in shown) or "none"


def _samples(data: Any, n: int, d: int, mu: float, sigma0: float, seed: SeedSequence) -> tuple[Samples, str]:
    """Return training and test sample with their labels, and where they come from."""
    if data is None:
        from .gaussian_task import BinaryGaussianTask

        columns = check_count("d", d, low=1)
        length, spread = check_number("mu", mu, low=0.0), check_number("sigma0", sigma0, low=0.0, open_low=True)
        task = BinaryGaussianTask(length, spread, columns)
        X, y = task.sample(n, child_generator(seed, _DATA))
        X_test, y_test = task.sample(n, child_generator(seed, _TEST))
        return (X, y, X_test, y_test), f"binary Gaussian task, d = {columns}, |mu| = {length:g}, s0 = {spread:g}"
    X, y, source = _given(data)
    size = min(n, len(X) // 2)
    if len(X) < _LEAST_ROWS:
        raise DataError(describe("data", f"at least {_LEAST_ROWS} rows for a training and a test sample", len(X)))
    order = child_generator(seed, _DATA).permutation(len(X))
    first, second = order[:size], order[size : 2 * size]
    return (X[first], y[first], X[second], y[second]), source


def _given(data: Any) -> tuple[FloatArray, FloatArray, str]:
    if isinstance(data, str):
        if data != "digits":
            raise InputError(describe("data", "a pair (X, y), 'digits' or None", data))
        return (*_digits(), "8 x 8 digits, even against odd")
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise InputTypeError(describe("data", "a pair (X, y), 'digits' or None", short(data)))
    X = as_sample("data[0]", data[0], min_rows=1)
    return X, check_signs("data[1]", data[1], len(X)), "data of the caller"


def _digits() -> tuple[FloatArray, FloatArray]:
    """Return the digits with pixels in [0, 1]; label 1 for even ones."""
    try:
        # Only here, because the caller has just asked for it by name.
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingExtraError(
            'data="digits" needs scikit-learn, which the extra "test" brings (pip install "infostat[test]"); '
            "or pass data=(X, y)"
        ) from None
    table = load_digits()
    return np.asarray(table.data, dtype=np.float64) / 16.0, np.where(np.asarray(table.target) % 2 == 0, 1.0, -1.0)


# ---------------------------------------------------------------------- certificates
def _part(progress: Progress, offset: int, total: int) -> Progress:
    """Return the progress of one part of the work: a bar of its own, or counts of the whole for a function."""
    if isinstance(progress, (bool, np.bool_)) or not callable(progress):
        return progress  # what is neither is refused where it is used
    return lambda done, _: progress(offset + done, total)


def _train(network: MLP, samples: Samples, seed: SeedSequence, progress: Progress) -> None:
    X, y, X_test, y_test = samples
    network.fit(X, y, X_test=X_test, y_test=y_test, rng=seed, progress=progress)


def _certify(network: MLP, samples: Samples, key: int | None, halves: SeedSequence) -> dict[str, FloatArray]:
    """Return certificate, distances and gap of the network, or of what one draw of its noise leaves of it."""
    from .certificates import layer_certificates

    X, y, X_test, y_test = samples
    noise = "off" if key is None else "shared"
    with warnings.catch_warnings():
        # The figure shows the gap beside the certificates; a warning per draw would add nothing.
        warnings.simplefilter("ignore", VacuousBoundWarning)
        found = layer_certificates(
            network.representations(X, rng=key, noise=noise),
            network.representations(X_test, rng=key, noise=noise),
            y,
            y_test,
            weights=network.weights if key is None else network.thinned_weights(key),
            activations=network.activations,
            loss="logistic",
            rng=halves,
        )
    return {name: np.asarray(getattr(found, name)) for name in _FIELDS}


def _noisy_draws(payload: Any, generator: Generator, start: int, stop: int) -> Mapping[str, NDArray[Any]]:
    """Certificates of a few shared draws of the noise."""
    rows = []
    for _ in range(stop - start):
        key = int(generator.integers(2**63))  # the same draw for both samples and for the weights
        rows.append(_certify(payload["network"], payload["samples"], key, payload["halves"]))
    return {name: np.array([row[name] for row in rows]) for name in _FIELDS}


# ---------------------------------------------------------------------------- result
def _frame(alone: Mapping[str, FloatArray], draws: Mapping[str, FloatArray]) -> pd.DataFrame:
    import pandas as pd

    count = len(draws["gap"])
    means = {name: values.mean(axis=0) for name, values in draws.items()}
    errors = {name: _standard_error(draws[name]) for name in ("w1", "w1_floor")}
    quiet = {name: np.full(alone[name].shape, np.nan) for name in errors}
    panels = ((_WITHOUT, alone, quiet), (f"Noise on, {count} draws", means, errors))
    return pd.concat([_panel(*panel) for panel in panels], ignore_index=True)


def _panel(panel: str, numbers: Mapping[str, FloatArray], errors: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Rows of the curves of one network."""
    import pandas as pd

    layers = np.arange(len(numbers["certificate"]), dtype=np.float64)
    gap = np.full(len(layers), abs(float(numbers["gap"])))
    parts = [
        curve_rows("certificate", layers, numbers["certificate"], nature="bound", sense="always", panel=panel),
        curve_rows("|gap|", layers, gap, nature="exact", sense="always", panel=panel),
    ]
    for label, name in (("W1 train to test", "w1"), ("W1 floor", "w1_floor")):
        parts.append(curve_rows(label, layers, numbers[name], se=errors[name], nature="estimate", panel=panel))
    return pd.concat(parts, ignore_index=True)


def _standard_error(draws: FloatArray) -> FloatArray:
    """Monte Carlo standard error of the mean over the draws; nan for a single one."""
    if len(draws) < 2:
        return np.full(draws.shape[1:], np.nan)
    return np.asarray(draws.std(axis=0, ddof=1) / np.sqrt(len(draws)))


def _markers(
    plain: MLP, noisy: MLP, samples: Samples, alone: Mapping[str, FloatArray], draws: Mapping[str, FloatArray]
) -> dict[str, float]:
    X, y, X_test, y_test = samples
    return {
        "gap": float(alone["gap"]),
        "train_loss": plain.loss(X, y),
        "train_error": float((plain.predict(X) != y).mean()),
        "test_error": float((plain.predict(X_test) != y_test).mean()),
        "funnel_distance": float(np.argmin(alone["w1"])),
        "funnel_bound": float(np.argmin(alone["certificate"])),
        "gap_noise_on": float(draws["gap"].mean()),
        "train_loss_noise_off": noisy.loss(X, y, noise="off"),
        "test_error_noise_off": float((noisy.predict(X_test, noise="off") != y_test).mean()),
        "funnel_distance_noise_on": float(np.argmin(draws["w1"].mean(axis=0))),
        "certificate_input": float(alone["certificate"][0]),
        "certificate_output": float(alone["certificate"][-1]),
    }


def _caption(frame: pd.DataFrame, masks: int) -> str:
    return caption_of(
        frame,
        "The gap is the test loss minus the training loss of one network, on these samples. Noise on: another "
        f"network, trained with dropout and noise; means over {masks} draws of them, each shared by all observations; "
        "bars are Monte-Carlo standard errors. W1 between samples is positive even for samples of one law: read it "
        "against the floor, the W1 of two halves of the test sample. Another seed gives other numbers.",
    )


def _interpret(markers: Mapping[str, float], last: int, masks: int) -> str:
    layer = int(markers["funnel_distance"])
    where = "the output" if layer == last else "the input" if layer == 0 else f"hidden layer {layer}"
    return (
        f"The losses of the two samples differ by {markers['gap']:.3g} nats ({markers['gap_noise_on']:.3g} with noise, "
        f"mean of {masks} draws). The certificate falls from {markers['certificate_input']:.3g} at the input to "
        f"{markers['certificate_output']:.3g} at the output, where it always is smallest: what it loses on the way is "
        f"the slack of the Lipschitz constants. The distance between the samples, without those constants, is smallest "
        f"at {where}."
    )
