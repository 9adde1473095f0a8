"""Simulation of kernel density estimates of Gaussian data in large dimension.

Every pair of a point x and a data set is one replicate with a seed child of its own. Only the
squared distances matter, and all bandwidths share them: they stream through three running sums
per bandwidth, so memory does not grow with the size of the data sets.
"""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import ArrayLike

from ..core.checkpoint import study_seed
from ..core.errors import SampleSizeWarning
from ..core.progress import Progress
from ..core.replicates import run_replicates
from ..core.rng import RngLike, child, child_generator, seed_label
from ..core.validation import FloatArray, check_choice, check_count
from .master_equation import Directions, solve_master_equation
from .regimes import regime_theory
from .saddle import tau_fs
from .simulation_arguments import check_bandwidths, check_dimension, check_rows, check_size, check_spectrum
from .simulation_kernels import SMALL, Cloud, cloud, compile_kernels, eigenspaces, weigh
from .simulation_results import RegimeSimulation, interpret

__all__ = ["simulate_regimes"]

_LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
_POINTS = 2**31  # the child of the seed whose children draw the points; pairs have the children from 0 on


@dataclass(frozen=True)
class _Payload:
    """What a worker needs besides the random numbers of the pair."""

    cloud: Cloud
    eigenvalues: FloatArray
    rates: FloatArray
    n_data: int
    seed: SeedSequence
    compiled: bool

    def point(self, index: int) -> FloatArray:
        """Return point `index`; the same for every pair that it belongs to."""
        generator = child_generator(child(self.seed, _POINTS), index)
        return np.asarray(np.sqrt(self.eigenvalues) * generator.standard_normal(len(self.eigenvalues)))


def _task(payload: _Payload, generator: Generator, start: int, stop: int) -> dict[str, FloatArray]:
    """Kernel sums of the pairs `start` to `stop` - 1; pair = point * n_data + data set."""
    table = np.empty((stop - start, 4, len(payload.rates)))
    nearest = np.empty(stop - start)
    point = np.zeros((stop - start, 3))
    for row, pair in enumerate(range(start, stop)):
        index, data_set = divmod(pair, payload.n_data)
        x = payload.point(index)
        if data_set == 0:  # numbers of the point, needed once; root finding takes a millisecond
            point[row] = _at_point(payload.cloud.n, payload.eigenvalues, x)
        found = weigh(payload.cloud.distances(payload.cloud.reduce(x), generator), payload.rates, payload.compiled)
        table[row] = found.log_Z, found.participation, found.max_weight, found.entropy
        nearest[row] = found.nn_sq
    return {"table": table, "nn_sq": nearest, "point": point}


def _at_point(n: int, eigenvalues: FloatArray, x: FloatArray) -> tuple[float, float, float]:
    """Return x Sigma^-1 x and the inverse temperatures at this point: limit of large d, and at this n and d."""
    d = len(x)
    # Directions that share an eigenvalue count through their mean square only.
    scales, counts, lengths = eigenspaces(eigenvalues, x)
    shares, at = counts / d, lengths / np.sqrt(counts)
    log_tau = solve_master_equation(math.log(n) / d, Directions.of(scales, shares, at))
    finite = float(tau_fs(n, d, spectrum=(scales, shares), at=at))
    return float((x * x / eigenvalues).sum()), math.exp(log_tau), finite


def simulate_regimes(
    *,
    d: int,
    h_grid: ArrayLike,
    n_x: int,
    n_data: int,
    n: int | None = None,
    alpha: float | None = None,
    spectrum: Any = None,
    rng: RngLike = None,
    route: str = "auto",
    n_jobs: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> RegimeSimulation:
    """Return simulated kernel density estimates of Gaussian data at points of the same law.

    Parameters
    ----------
    d : int
        Dimension.
    h_grid : array_like of shape (k,)
        Bandwidths of the Gaussian kernel, in the unit of the data.
    n_x : int
        Points x, drawn from the law of the data.
    n_data : int
        Data sets for each point; no two points share one.
    n : int, optional
        Points of a data set, at least 2.
    alpha : float, optional
        In place of n: ``n = round(e^(alpha d))``.
    spectrum : array_like of shape (d,) or (values, weights), optional
        Eigenvalues of the covariance, all positive; a law given by values and weights stands
        for its d quantiles at levels (k - 1/2)/d. None is the identity.
    rng : None, int, SeedSequence or Generator
        The seed. With a checkpoint and None, a resumed study takes the seed in the file.
    route : {"auto", "distances", "vectors"}
        How squared distances are drawn: by their own law (two numbers for each distinct
        eigenvalue) or from vectors of d normals. Both are exact; "auto" takes the cheaper one.
    n_jobs : int, optional
        Workers through joblib (None: one, -1: all cores). The numbers do not depend on it.
    batch_size : int, optional
        Pairs per joblib task; it does not change the numbers.
    progress : bool or callable
        True draws a bar on stderr; a callable gets ``(done, total)`` in pairs.
    checkpoint : str or os.PathLike, optional
        File that keeps finished pairs while the study runs; an existing one is resumed.

    Returns
    -------
    RegimeSimulation
        ``h kl_per_dim kl_per_dim_se participation_ratio mu_asym mu_fs`` per bandwidth and every
        pair in the frame.

    Raises
    ------
    InputError
        If an argument is out of range, n and alpha are both given or both missing, the data
        sets would be too large to draw, or an eigenvalue is not positive.
    InputTypeError
        If an argument has a wrong type.
    CheckpointError
        If the checkpoint is damaged or belongs to another study.

    Warns
    -----
    SampleSizeWarning
        If ``n_x = 1``: the means are then those of one point, not Kullback-Leibler divergences.

    Notes
    -----
    With ``R_i = |x - y_i|^2`` one pass gives ``log Z = log sum_i exp(-R_i/(2 h^2))`` and the weights
    ``p_i``, hence ``log rho_hat(x) = log Z - log n - d log h - (d/2) log(2 pi)``. The divergence is
    the mean of the paired difference ``log rho(x) - log rho_hat(x)``. Pairs of one point are
    dependent, pairs of different points are not, so the standard error is that of the means over
    data sets, ``sd_x(mean over data sets)/sqrt(n_x)``.

    Given x, the part of R_i in an eigenspace of eigenvalue s and multiplicity m is s times a
    noncentral chi-square variable, ``(z + |x_s|/sqrt(s))^2 + chi2_(m-1)``: a law of one point and
    one data set, which is why every pair has its own data. One seed child per pair; the point is
    drawn from a child of its own. References: the setting is that of Biroli and Mezard
    (arXiv:2408.05807).

    Examples
    --------
    >>> from infostat.density.simulation import simulate_regimes
    >>> found = simulate_regimes(n=500, d=10, h_grid=[0.6, 1.0], n_x=20, n_data=2, rng=7)
    >>> found.kl_per_dim.shape, len(found.to_frame())
    ((2,), 80)
    >>> again = simulate_regimes(n=500, d=10, h_grid=[0.6, 1.0], n_x=20, n_data=2, rng=7, batch_size=3)
    >>> bool((found.log_Z == again.log_Z).all())
    True
    """
    dimension = check_dimension(d)
    points, sets = check_count("n_x", n_x, low=1), check_count("n_data", n_data, low=1)
    size = check_size(n, alpha, dimension, points * sets)
    eigenvalues = check_spectrum(spectrum, dimension)
    h = check_bandwidths("h_grid", h_grid, eigenvalues)
    check_rows(points * sets * len(h))
    way = check_choice("route", route, ("auto", "distances", "vectors"))
    seed = study_seed(rng, checkpoint)
    law = cloud(size, eigenvalues, way)
    payload = _Payload(
        law,
        eigenvalues,
        0.5 / h**2,
        sets,
        seed,
        compiled=points * sets * size * len(h) > SMALL,
    )
    if payload.compiled:
        compile_kernels()
    run = run_replicates(
        _task,
        points * sets,
        rng=seed,
        payload=payload,
        n_jobs=n_jobs,
        batch_size=batch_size,
        progress=progress,
        checkpoint=checkpoint,
        study="density regimes",
        settings={"n": size, "n_x": points, "n_data": sets, "h": h, "eigenvalues": eigenvalues, "route": law.route},
    )
    if points == 1:
        warnings.warn(
            "one point x only: the means belong to this point and are no Kullback-Leibler divergence; raise n_x",
            SampleSizeWarning,
            stacklevel=2,
        )
    table = np.moveaxis(run.values["table"].reshape(points, sets, 4, len(h)), 2, 0)
    nearest = run.values["nn_sq"].reshape(points, sets)
    return _wrap(payload, h, table, nearest, run.values["point"][::sets], seed_label(run.seed))


# ------------------------------------------------------------------------------------- results
def _wrap(
    payload: _Payload, h: FloatArray, table: FloatArray, nearest: FloatArray, point: FloatArray, seed: int | str
) -> RegimeSimulation:
    """Return the result of the kernel sums `table` of shape (4, n_x, n_data, k)."""
    log_Z, participation, max_weight, entropy = table
    n, eigenvalues = payload.cloud.n, payload.eigenvalues
    d = len(eigenvalues)
    alpha = math.log(n) / d
    half_log = 0.5 * d * math.log(2.0 * math.pi)
    squares, tau_x, tau_fs_x = point.T
    log_rho = -half_log - 0.5 * np.log(eigenvalues).sum() - 0.5 * squares
    log_rho_hat = log_Z - math.log(n) - d * np.log(h) - half_log
    gap = (log_rho[:, None, None] - log_rho_hat) / d
    theory = regime_theory(alpha, spectrum=eigenvalues)
    assert theory.h_star is not None and theory.kl_star is not None  # every eigenvalue is positive
    tau_fs_typical = tau_fs(n, d, spectrum=eigenvalues)
    kl, kl_se = _clustered(gap)
    Y2, Y2_se = _clustered(participation)
    found = RegimeSimulation(
        n=n,
        d=d,
        alpha=alpha,
        n_x=len(nearest),
        n_data=nearest.shape[1],
        h=h,
        kl_per_dim=kl,
        kl_per_dim_se=kl_se,
        participation_ratio=Y2,
        participation_ratio_se=Y2_se,
        participation_ratio_median=np.median(participation, axis=(0, 1)),
        quantile_levels=_LEVELS,
        kl_quantiles=np.quantile(gap, _LEVELS, axis=(0, 1)),
        participation_ratio_quantiles=np.quantile(participation, _LEVELS, axis=(0, 1)),
        mu_asym=theory.tau_c * h**2,
        mu_fs=tau_fs_typical * h**2,
        h_G=theory.h_G,
        h_CLT=theory.h_CLT,
        h_star=theory.h_star,
        kl_star=theory.kl_star,
        h_G_fs=tau_fs_typical**-0.5,
        eigenvalues=eigenvalues,
        log_Z=log_Z,
        log_rho_hat=log_rho_hat,
        log_rho=log_rho,
        Y2=participation,
        max_weight=max_weight,
        entropy=entropy,
        nn_sq=nearest,
        tau_asym_x=tau_x,
        tau_fs_x=tau_fs_x,
        route=payload.cloud.route,
        seed=seed,
        flags=_flags(*nearest.shape),
    )
    return replace(found, interpretation=interpret(found))


def _clustered(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean over pairs and its standard error; the pairs of one point are dependent, points are not."""
    n_x, n_data = values.shape[:2]
    independent = values.mean(axis=1) if n_x > 1 else values[0]
    mean = independent.mean(axis=0)
    if n_x * n_data == 1:
        return mean, np.full(values.shape[2], np.nan)
    return mean, independent.std(axis=0, ddof=1) / math.sqrt(len(independent))


def _flags(n_x: int, n_data: int) -> tuple[str, ...]:
    flags = ("single_point",) if n_x == 1 else ()
    return flags + ("no_standard_error",) if n_x * n_data == 1 else flags
