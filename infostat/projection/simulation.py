"""Simulated estimation risk: the Monte Carlo that checks the expansion, for any truth."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from ..core.checkpoint import study_seed
from ..core.errors import BoundaryProjectionError, InputError
from ..core.progress import Progress
from ..core.replicates import run_replicates
from ..core.rng import RngLike, seed_label
from ..core.validation import FloatArray, as_float_array, check_count
from ..families.base import ExponentialFamily
from ..families.registry import get_family
from .planning import estimation_risk
from .results import RiskTerms
from .simulation_result import RiskSimulation
from .simulation_truths import Truth, make_truth

__all__ = ["simulate_risk"]

# A block, which shares one seed child and is what a checkpoint stores, draws at most about this many rows.
_BLOCK_ROWS = 2_000_000
_LONGEST_BLOCK, _LONGEST_SLOW_BLOCK = 2000, 20


def simulate_risk(
    truth: Any,
    family: str | ExponentialFamily,
    n: ArrayLike,
    replicates: int,
    *,
    theta: ArrayLike | None = None,
    rng: RngLike = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> RiskSimulation:
    """Simulate the estimation risk of a family and lay it beside its expansion.

    Parameters
    ----------
    truth : frozen scipy law, tuple, callable or None
        Where samples come from: a univariate frozen law; ``(nodes, weights)`` in data space; a function
        ``draw(size, rng)`` that returns independent rows; or None with `theta=`.
    family : str or ExponentialFamily
        The model that is fitted.
    n : int or array_like of int
        Sample sizes, each at least 2.
    replicates : int
        Samples drawn at each size, at least 2.
    theta : array_like of shape (p,), optional
        With ``truth=None``: samples come from the model at this natural parameter.
    rng : None, int, SeedSequence or Generator
        Seed; a block of samples, whose length depends on n alone, shares one of its children.
    n_jobs : int, optional
        Workers; the numbers do not depend on it.
    batch_size : int, optional
        Blocks per task.
    progress : bool or callable
        Report finished samples.
    checkpoint : path, optional
        File that keeps finished blocks; an interrupted study resumes from it, bit for bit.

    Returns
    -------
    RiskSimulation
        ``risk risk_se reverse_risk optimism n_excluded`` and both orders of the expansion.

    Raises
    ------
    InputError
        For numbers out of range, or a truth that cannot be integrated.
    BoundaryProjectionError
        If no sample has an estimate.
    CheckpointError
        If the checkpoint is damaged or belongs to another study.

    Notes
    -----
    Risk ``E KL(p_theta* || p_theta_hat)`` with theta* the projection of the truth. Samples whose estimate is
    on the boundary are excluded and counted. Optimism = risk + reverse risk holds sample by sample. The
    mean of the first-order term ``(eta_hat - eta*)' W (eta_hat - eta*)/2`` is exactly ``T0/(2n)``, so it serves as
    control variate for ``n^2 (risk - a1/n)``. Where the law of the sufficient statistic is known (normal,
    multivariate normal, exponential, Poisson truths inside the family; weighted points) that is drawn
    instead of rows.

    Examples
    --------
    >>> found = simulate_risk(None, "exponential", 50, 20_000, theta=[-1.0], rng=1)
    >>> bool(abs(found.risk - 0.010370) < 5 * found.risk_se)     # digamma(n) - log n + 1/(n-1)
    True
    """
    sizes = _sizes(n)
    count = check_count("replicates", replicates, low=2)
    chosen = get_family(family)
    seed = study_seed(rng, checkpoint)  # the truth, too, may be drawn with it
    population = make_truth(truth, chosen, theta, seed)
    longest = _LONGEST_BLOCK if population.judge.fast else _LONGEST_SLOW_BLOCK
    block = int(np.clip(_BLOCK_ROWS // int(sizes.max()), 1, longest))
    run = run_replicates(
        _replicates,
        count,
        rng=seed,
        block_length=block,
        payload=(population, sizes),
        n_jobs=n_jobs,
        batch_size=batch_size,
        progress=progress,
        checkpoint=checkpoint,
        study="estimation risk",
        settings={"n": sizes, "family": repr(population.family), "theta": population.theta, "truth": population.words,
                  "terms": population.terms},
    )  # fmt: skip
    values = np.asarray(run.values["divergences"], dtype=np.float64)
    return _result(population, sizes, np.ndim(n) == 0, values, seed_label(run.seed))


def _sizes(n: ArrayLike) -> NDArray[np.int64]:
    given = np.atleast_1d(as_float_array("n", n))
    if given.ndim != 1 or not given.size:
        raise InputError(f"n must be a sample size or a list of them, got shape {given.shape}")
    return np.array([check_count("n", item, low=2, high=10**9) for item in given.tolist()], dtype=np.int64)


def _replicates(payload: Any, generator: Generator, start: int, stop: int) -> Mapping[str, NDArray[Any]]:
    """Divergences of a block of samples, ``(count, sizes, 3)``."""
    population, sizes = payload
    with np.errstate(all="ignore"):  # boundary samples give nan, which is counted
        parts = [population.judge.compare(population.statistics(generator, stop - start, int(n))) for n in sizes]
    return {"divergences": np.stack(parts, axis=1)}


def _result(
    population: Truth, sizes: NDArray[np.int64], scalar: bool, values: FloatArray, seed: int | str
) -> RiskSimulation:
    inside: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=2))
    kept = inside.sum(axis=0)
    if (kept < 2).any():
        size = int(sizes[int(np.argmax(kept < 2))])
        raise BoundaryProjectionError(
            f"at n = {size} fewer than two of {len(values)} samples have an estimate inside the "
            f"{population.family.title} family; use larger samples"
        )
    T0, T1, T2, T3 = (float(v) for v in population.terms)
    terms = RiskTerms(T0, T1, T2, T3, len(population.theta))
    columns = {name: _mean_se(values[:, :, k], inside) for k, name in enumerate(("risk", "reverse_risk"))}
    columns["optimism"] = _mean_se(values[:, :, 0] + values[:, :, 1], inside)
    remainder, remainder_se = _remainder(values, inside, sizes, terms.a1, columns["risk"])
    risk1 = np.asarray(estimation_risk(terms, sizes, 1))
    risk2 = np.asarray(estimation_risk(terms, sizes, 2))
    risk, risk_se = columns["risk"]
    flags = ["boundary_excluded"] if not inside.all() else []
    if population.sampled:
        flags.append("population_sampled")
    off = np.abs(risk - risk2)
    if ((off > 5.0 * risk_se) & (off > 0.1 * risk)).any():
        flags.append("expansion_differs")

    def shaped(array: Any) -> Any:
        return array[0].item() if scalar else array

    return RiskSimulation(
        n=shaped(sizes),
        replicates=len(values),
        risk=shaped(risk),
        risk_se=shaped(risk_se),
        reverse_risk=shaped(columns["reverse_risk"][0]),
        reverse_risk_se=shaped(columns["reverse_risk"][1]),
        optimism=shaped(columns["optimism"][0]),
        optimism_se=shaped(columns["optimism"][1]),
        n_excluded=shaped(len(values) - kept),
        risk1=shaped(risk1),
        risk2=shaped(risk2),
        scaled_remainder=shaped(remainder),
        scaled_remainder_se=shaped(remainder_se),
        terms=terms,
        theta=population.theta,
        family=population.family.title,
        truth=population.words,
        flags=tuple(flags),
        seed=seed,
        interpretation=_sentence(sizes, risk, risk_se, risk1, risk2, population.family.title),
    )


def _mean_se(values: FloatArray, inside: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    count = inside.sum(axis=0)
    kept = np.where(inside, values, 0.0)
    mean = kept.sum(axis=0) / count
    spread = np.where(inside, values - mean, 0.0)
    return mean, np.sqrt(np.sum(spread * spread, axis=0) / (count - 1.0) / count)


def _remainder(
    values: FloatArray,
    inside: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    a1: float,
    risk: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """``n^2 (risk - a1/n)``; the control variate has its known mean only if every sample counts."""
    n = sizes.astype(float)
    controlled, controlled_se = _mean_se(values[:, :, 0] - values[:, :, 2], inside)
    whole = inside.all(axis=0)
    value = np.where(whole, controlled, risk[0] - a1 / n)
    return n * n * value, n * n * np.where(whole, controlled_se, risk[1])


def _sentence(
    sizes: NDArray[np.int64], risk: FloatArray, se: FloatArray, risk1: FloatArray, risk2: FloatArray, title: str
) -> str:
    i = int(np.argmin(sizes))
    text = (
        f"At n = {sizes[i]} the {title} model is on average {risk[i]:.4g} nats (standard error {se[i]:.2g}) from its "
        f"best member; the first order says {risk1[i]:.4g}, both orders {risk2[i]:.4g}."
    )
    if len(sizes) > 1:
        gap = np.abs(risk2 / risk - 1.0)
        text += f" Over all sizes the second order is within {100 * float(gap.max()):.2g} % of the simulated risk."
    return text
