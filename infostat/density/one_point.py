"""Fluctuations of a kernel density estimate over data sets, at one fixed point.

The squared distances of one point to data from N(0, I) are independent noncentral chi-square
variables, so data sets are never drawn as vectors: two random numbers a data point, whatever d.
"""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..core.errors import InputError, SampleSizeWarning
from ..core.progress import Progress
from ..core.replicates import run_replicates
from ..core.rng import RngLike, seed_label
from ..core.validation import FloatArray, check_count, check_number
from .master_equation import Directions, regime_name, solve_master_equation
from .one_point_laws import (
    has_stable_limit,
    largest_gap,
    nearest_point,
    normal_cdf,
    stable_cdf,
    sum_moments,
)
from .one_point_result import FluctuationSimulation
from .simulation_arguments import check_bandwidths, check_dimension, check_size
from .simulation_kernels import SMALL, Cloud, cloud, compile_kernels, weigh

__all__ = ["simulate_fluctuations"]

BLOCK = 16  # data sets that share a child of the seed: a child costs as much as a small data set
_LARGEST_MU = 1e6
_FEW = 100  # data sets below which histogram and distances mean little


@dataclass(frozen=True)
class _Payload:
    """What a worker needs besides random numbers."""

    cloud: Cloud
    length: FloatArray
    rates: FloatArray
    compiled: bool


def _task(payload: _Payload, generator: Generator, start: int, stop: int) -> dict[str, NDArray[Any]]:
    """Kernel sums of some data sets."""
    values = np.empty((stop - start, 4))
    for row in range(stop - start):
        found = weigh(payload.cloud.distances(payload.length, generator), payload.rates, payload.compiled)
        values[row] = found.log_Z[0], found.participation[0], found.max_weight[0], found.nn_sq
    return {"values": values}


def simulate_fluctuations(
    *,
    n: int,
    d: int,
    n_data: int,
    h: float | None = None,
    mu: float | None = None,
    x_norm_sq: float | None = None,
    rng: RngLike = None,
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> FluctuationSimulation:
    """Return the kernel sums at one fixed point over many data sets of N(0, I).

    Parameters
    ----------
    n, d : int
        Points of a data set (at least 2), dimension.
    n_data : int
        Data sets.
    h : float, optional
        Bandwidth, in the unit of the data. Exactly one of `h` and `mu` is given.
    mu : float, optional
        In place of h: the index that the bandwidth has at this n and d (field ``mu``).
    x_norm_sq : float, optional
        Squared length of the point; d, the typical one, if None. The direction does not matter.
    rng : None, int, SeedSequence or Generator
        The seed. With a checkpoint and None, a resumed study takes the seed in the file.
    n_jobs : int, optional
        Workers through joblib (None: one, -1: all cores). The numbers do not depend on it.
    batch_size : int, optional
        Blocks of 16 data sets per joblib task; it does not change the numbers.
    progress : bool or callable
        True draws a bar on stderr; a callable gets ``(done, total)`` in data sets.
    checkpoint : str or os.PathLike, optional
        File that keeps finished blocks while the study runs; an existing one is resumed.

    Returns
    -------
    FluctuationSimulation
        ``log_Z Y2 max_weight nn_sq`` of every data set, ``mu mu_asym energy_1``, exact moments and
        the distances to the limit laws. ``plot(kind="histogram")`` shows log W with the limit law,
        ``plot(kind="tail")`` the tail of W with slope -mu.

    Raises
    ------
    InputError
        If an argument is out of range, or h and mu are both given or both missing.
    InputTypeError
        If an argument has a wrong type.
    CheckpointError
        If the checkpoint is damaged or belongs to another study.

    Warns
    -----
    SampleSizeWarning
        With fewer than 100 data sets.

    Notes
    -----
    With ``E = R/(2 h^2)`` and ``E_1 = F^-1(1/n)/(2 h^2)``, ``W = exp(E_1) Z`` tends to a positive
    stable law for mu < 1 (``E exp(-t W) = exp(-Gamma(1-mu) t^mu)``), ``W - E W`` to a centred totally
    skewed one for 1 < mu < 2, and ``(Z - E Z)/sd Z`` to N(0, 1) for mu > 2 (derived in the
    documentation of this project, in the setting of Biroli and Mezard, arXiv:2408.05807). Four
    things to know before comparing:

    - the point is fixed and only the data vary: pooling points adds the spread of log rho(x), of
      order sqrt(d), and hides the law; several points and one data set give dependent draws;
    - for mu < 1 the mean of Z is made by data sets too rare to be drawn, so medians and means of
      log Z describe what happens, not E Z;
    - E_1 comes from the exact law of R at level 1/n; its limit in large d would shift log W visibly;
    - the limit is reached slowly for 1 < mu < 2: up to d = 60 the stable law is a qualitative guide
      there, and near 2 no better than the normal law.

    ``mu`` is the slope of the exact law at finite n; the index of the limit at the same
    ``log(n)/d`` (``mu_asym``) is larger, by 10 to 25 % for d of 20 to 60.

    Examples
    --------
    >>> from infostat.density.one_point import simulate_fluctuations
    >>> found = simulate_fluctuations(n=1000, d=30, mu=0.5, n_data=200, rng=7)
    >>> found.regime, round(found.mu, 10)
    ('condensed', 0.5)
    >>> bool(found.ks_stable < found.ks_normal)
    True
    """
    dimension = check_dimension(d)
    sets = check_count("n_data", n_data, low=2)
    size = check_size(n, None, dimension, sets)
    squared = float(dimension) if x_norm_sq is None else check_number("x_norm_sq", x_norm_sq, low=0.0, high=1e12)
    nearest = nearest_point(size, dimension, squared)
    bandwidth = _bandwidth(h, mu, nearest.slope)
    payload = _Payload(
        cloud(size, np.ones(dimension), "distances"),
        np.array([math.sqrt(squared)]),
        np.array([0.5 / bandwidth**2]),
        compiled=size * sets > SMALL,
    )
    if payload.compiled:
        compile_kernels()
    run = run_replicates(
        _task,
        sets,
        rng=rng,
        block_length=BLOCK,
        payload=payload,
        n_jobs=n_jobs,
        batch_size=batch_size,
        progress=progress,
        checkpoint=checkpoint,
        study="density fluctuations",
        settings={"n": size, "d": dimension, "h": bandwidth, "x_norm_sq": squared},
    )
    if sets < _FEW:
        warnings.warn(
            f"{sets} data sets are few for a law of fluctuations; raise n_data to {_FEW} or more",
            SampleSizeWarning,
            stacklevel=2,
        )
    log_Z, Y2, max_weight, nn_sq = run.values["values"].T
    log_mean, relative_sd = sum_moments(size, dimension, bandwidth, squared)
    index = 2.0 * bandwidth**2 * nearest.slope
    energy_1 = nearest.r1 / (2.0 * bandwidth**2)
    ks_stable = None
    if has_stable_limit(index):
        ks_stable = largest_gap(lambda w: stable_cdf(w, index, energy_1 + log_mean), energy_1 + log_Z)
    found = FluctuationSimulation(
        n=size,
        d=dimension,
        alpha=math.log(size) / dimension,
        h=bandwidth,
        x_norm_sq=squared,
        n_data=sets,
        mu=index,
        mu_asym=_limit_index(size, dimension, squared) * bandwidth**2,
        regime=str(regime_name(np.array(index))),
        energy_1=energy_1,
        log_mean_Z=log_mean,
        relative_sd=relative_sd,
        log_Z=log_Z,
        Y2=Y2,
        max_weight=max_weight,
        nn_sq=nn_sq,
        sd_log_Z=float(log_Z.std(ddof=1)),
        ks_stable=ks_stable,
        ks_normal=largest_gap(lambda z: normal_cdf(z, log_mean, relative_sd), log_Z),
        seed=seed_label(run.seed),
    )
    return replace(found, interpretation=_interpret(found))


def _bandwidth(h: float | None, mu: float | None, slope: float) -> float:
    if (h is None) == (mu is None):
        which = "neither" if h is None else "both"
        raise InputError(f"exactly one of h and mu must be given, got {which}; mu stands for h = sqrt(mu/(2 slope))")
    if h is None:
        index = check_number("mu", mu, low=1e-6, high=_LARGEST_MU)
        return math.sqrt(index / (2.0 * slope))
    check_number("h", h)
    width = float(check_bandwidths("h", h, np.ones(1))[0])
    if 2.0 * width * width * slope > _LARGEST_MU:
        most = math.sqrt(_LARGEST_MU / (2.0 * slope))
        raise InputError(
            f"h must be at most {most:.3g}, where mu = {_LARGEST_MU:g}, got {width:g}; beyond, all kernels are one "
            "and fluctuations drown in rounding"
        )
    return width


def _limit_index(n: int, d: int, x_norm_sq: float) -> float:
    """Inverse temperature at this point in the limit of large d."""
    at = np.array([math.sqrt(x_norm_sq / d)])
    return math.exp(solve_master_equation(math.log(n) / d, Directions.of(np.ones(1), np.ones(1), at)))


def _interpret(found: FluctuationSimulation) -> str:
    count = 1.0 / float(np.median(found.Y2))
    first = (
        f"At this point the density estimates of two data sets differ by a factor of about "
        f"{_factor(math.sqrt(2.0) * found.sd_log_Z)} (sqrt(2) standard deviations of log rho_hat), "
        f"and an estimate rests on about {count:.3g} of {found.n} data points (1/Y2, median)"
    )
    second = f"The index at this n and d is mu = {found.mu:.3g} ({found.mu_asym:.3g} in the limit of large d)"
    if found.ks_stable is None:
        return f"{first}. {second}; the distance to the normal law is {found.ks_normal:.2g}."
    return (
        f"{first}. {second}; the distance to the stable law is {found.ks_stable:.2g}, "
        f"to the normal law {found.ks_normal:.2g}."
    )


def _factor(log_factor: float) -> str:
    """A factor in words; beyond the floats as a power of ten."""
    return f"{math.exp(log_factor):.3g}" if log_factor < 20.0 else f"10^{log_factor / math.log(10.0):.1f}"
