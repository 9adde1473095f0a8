"""Simulated training of random linear networks on the binary Gaussian task, beside the exact values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..core.errors import InputError, describe
from ..core.progress import Progress
from ..core.replicates import ReplicateRun, run_replicates
from ..core.rng import RngLike, seed_label
from ..core.validation import FloatArray, short
from .gaussian_errors import expected_losses, margin_loss, normal_margin_loss
from .gaussian_factorisation import orthonormal_rows
from .gaussian_layers import expected_kl, folded_distance, log_excess, spread_loss
from .gaussian_results import MODEL, SIMULATED, GaussianSimulation, known_distance
from .hierarchical_result import funnel

__all__ = ["check_margin_loss", "simulate_networks"]

# Replicates that share a seed child: one of them takes about a tenth of a millisecond.
_BLOCK = 16
_LOSSES = ("hinge", "logistic", "linear")
_KEPT_LABEL = (
    "the transport keeps the label: P_{Y_i|W} = P_Y, because m is a function of the y_i x_i, which do not depend on y_i"
)


def check_margin_loss(loss: Any) -> str:
    """Return the name of a loss with Lipschitz constant 1 in the output, or say why it is none.

    Parameters
    ----------
    loss : str
        ``"hinge"``, ``"logistic"`` or ``"linear"``.

    Returns
    -------
    str
        The name.

    Raises
    ------
    InputError
        For another one.
    """
    if isinstance(loss, str) and loss in _LOSSES:
        return loss
    cure = ""
    if isinstance(loss, str) and loss in ("zero_one", "0-1", "quadratic"):
        why = "jumps" if loss != "quadratic" else "is as steep as you like"
        cure = (
            f"this one {why}, so that it has no Lipschitz constant and no Wasserstein bound; its exact gap is in "
            "exact_errors, its KL bounds come from expected_layer_kl"
        )
    listed = ", ".join(repr(name) for name in _LOSSES)
    raise InputError(describe("loss", f"one of {listed}", short(loss), cure))


def simulate_networks(
    settings: Mapping[str, Any],
    replicates: int,
    *,
    rng: RngLike,
    n_jobs: int | None,
    batch_size: int | None,
    progress: Progress,
    checkpoint: str | os.PathLike[str] | None,
) -> GaussianSimulation:
    """Return the means over simulated training sets and random factorisations.

    Parameters
    ----------
    settings : mapping
        ``n mu sigma0 ranks gains loss``, checked.
    replicates : int
        Training sets, at least 2.
    rng, n_jobs, batch_size, progress, checkpoint
        As in :func:`infostat.core.replicates.run_replicates`.

    Returns
    -------
    GaussianSimulation
        Means, standard errors, exact values.
    """
    run = run_replicates(
        _simulate_block,
        replicates,
        rng=rng,
        block_length=_BLOCK,
        payload=settings,
        n_jobs=n_jobs,
        batch_size=batch_size,
        progress=progress,
        checkpoint=checkpoint,
        study="generalization",
        settings=settings,
    )
    return _wrap(run, settings)


def _simulate_block(payload: Any, generator: Generator, start: int, stop: int) -> Mapping[str, NDArray[Any]]:
    """Train `stop - start` networks and return their losses, divergences and bounds."""
    found = [_one_network(payload, generator) for _ in range(stop - start)]
    return {name: np.array([each[name] for each in found]) for name in SIMULATED}


def _one_network(payload: Mapping[str, Any], generator: Generator) -> dict[str, Any]:
    """Draw a training set and the directions of a network; return what depends on them."""
    mu, sigma0, n = payload["mu"], payload["sigma0"], payload["n"]
    points = mu + sigma0 * generator.standard_normal((n, len(mu)))  # labels times inputs
    m = points.mean(axis=0)
    length = float(np.linalg.norm(m))
    losses = {
        "train": margin_loss(points @ m, payload["loss"]).mean(),
        # Given the weights the margin of a fresh point is normal, so that no test sample is needed.
        "test": normal_margin_loss(m @ mu, sigma0 * length, payload["loss"]),
    }
    return {**losses, **_layers(m - mu, m, length, payload, generator)}


def _layers(
    shift: FloatArray, m: FloatArray, length: float, payload: Mapping[str, Any], generator: Generator
) -> dict[str, FloatArray]:
    """Closed forms of every layer for given directions."""
    ranks, sigma0, n = payload["ranks"], payload["sigma0"], payload["n"]
    parts = (orthonormal_rows(m, int(ranks[1]), generator) @ shift) ** 2
    # Layer 0 projects on everything, layer l on the first r_l directions.
    square = np.concatenate([[shift @ shift], np.cumsum(parts)[ranks[1:] - 1]])
    lost, excess = float(spread_loss(n)), float(log_excess(n))
    below = np.concatenate([[1.0], np.cumprod(payload["gains"])])
    scale = np.append(below, length)  # of A_l
    lipschitz = np.append(length / below, 1.0)
    kl = 0.5 * (ranks * excess + square / sigma0**2)
    w2 = scale * np.sqrt(square + (sigma0 * lost) ** 2 * ranks)
    lower = scale * np.sqrt(square)
    w1 = np.where(ranks == 1, folded_distance(lower, scale * sigma0 * lost), np.nan)
    distance = known_distance(w1, w2)
    return {
        "kl": kl,
        "w2": w2,
        "w1": w1,
        "w1_lower": lower,
        "lipschitz": lipschitz,
        "bound_kl": sigma0 * length * np.sqrt(2.0 * kl),
        "bound_label": lipschitz * distance,
        "bound_joint": np.maximum(lipschitz, 1.0) * distance,
    }


def _wrap(run: ReplicateRun, settings: Mapping[str, Any]) -> GaussianSimulation:
    """Means and standard errors of the replicates, and what they say."""
    size, layers, kind = settings["n"], settings["ranks"], settings["loss"]
    norm, sigma0, d = float(np.linalg.norm(settings["mu"])), settings["sigma0"], len(settings["mu"])
    fields: dict[str, Any] = {}
    for name in SIMULATED[2:]:
        fields[name], fields[f"{name}_se"] = _mean_and_error(run.values[name])
    gap, se = _mean_and_error(run.values["test"] - run.values["train"])
    distance = known_distance(fields["w1"], fields["w2"])
    where, lowest = funnel(distance), funnel(fields["bound_label"])
    exact = expected_losses(norm, sigma0, d, size, kind)
    rivals = np.delete(np.where(np.isnan(fields["w1"]), fields["w1_lower"], fields["w1"]), where)
    return GaussianSimulation(
        value=float(gap),
        nature="estimate",
        assumptions=(*MODEL, _KEPT_LABEL, f"the {kind} loss has Lipschitz constant 1 in the output"),
        sense="expectation",
        se=float(se),
        test=float(run.values["test"].mean()),
        train=float(run.values["train"].mean()),
        exact_gap=exact[0] - exact[1],
        exact_kl=expected_kl(norm, sigma0, d, np.asarray(float(size)), layers, "factorised"),
        funnel_distance=where,
        funnel_bound=lowest,
        n=size,
        replicates=run.n_done,
        ranks=layers,
        gains=settings["gains"],
        loss=kind,
        flags=("funnel_distance_unsure",) if (rivals < distance[where]).any() else (),
        seed=seed_label(run.seed),
        interpretation=(
            f"The mean gap of the {kind} loss is {gap:.4g} (standard error {se:.2g}, exactly "
            f"{exact[0] - exact[1]:.4g}); the smallest layer bound, at layer {lowest}, is "
            f"{fields['bound_label'][lowest]:.4g}. Training and fresh points are closest at layer {where}."
        ),
        **fields,
    )


def _mean_and_error(values: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Mean over the replicates and its standard error; 0 for the error where all are the same infinity."""
    mean = values.mean(axis=0)
    with np.errstate(invalid="ignore"):
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return mean, np.asarray(np.where(np.isinf(mean), 0.0, error))
