"""A model fitted to what a stream has left: terms, their errors, likelihood and test of fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from ..families.poisson import Poisson
from ..families.tilted_draws import TiltedDraws
from .evaluation import Evaluation, Options, evaluate
from .flags import heavy_rows
from .misfit import misfit_test
from .misfit_tests import dispersion_test, independence_test, mardia_test
from .moment_terms import MomentEvaluation, first_term, fit_leaves, heavy_among, moment_evaluation
from .monte_carlo import Simulation, with_draws
from .results import Misfit
from .stream_checks import check_conditions, check_counts, check_moments
from .stream_draws import simulation_from_moments
from .streaming import GROUPS, StreamMoments, cell_points

__all__ = ["StreamFit", "stream_fit"]

_RESAMPLING_DRAWS = 20_000


@dataclass(frozen=True)
class StreamFit:
    """A family fitted to a stream.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Natural parameter in the units of the data.
    terms : ndarray of shape (4,)
        T0..T3 under the requested convention; T1..T3 nan if only first order was asked.
    mc_cov : ndarray of shape (4, 4) or None
        Covariance of the terms, the data being fixed: of a simulated model, or of T1 from a subsample.
    T0_se : float or None
        Standard error of T0, where the support is a list of cells.
    simulation : Simulation or None
        Account of a simulated model.
    heavy : tuple of int
        Rows that carry a large share of the moments.
    flags : tuple of str
        Cautions found on the way.
    misfit : Misfit
        Test of the family.
    loglik : callable
        Gives the mean log-likelihood, nats per row; ``-inf`` or nan where there is none.
    leave_out : callable
        Gives T0 with divisor n - ddof under at most 20 000 draws without jackknife group k, all rows if
        k is None.
    """

    theta: FloatArray
    terms: FloatArray
    mc_cov: FloatArray | None
    T0_se: float | None
    simulation: Simulation | None
    heavy: tuple[int, ...]
    flags: tuple[str, ...]
    misfit: Misfit
    loglik: Callable[[], float]
    leave_out: Callable[[int | None], float]

    def jackknife(self, n_rows: int) -> float:
        """Return T0 corrected for bias by the delete-group jackknife.

        Parameters
        ----------
        n_rows : int
            Number of rows.

        Returns
        -------
        float
            ``B T0 - (B - 1) mean_b T0(-b)`` with B = 20 groups by row index mod 20.

        Raises
        ------
        DataError
            If the family has no estimate without one of the groups.

        Notes
        -----
        A simulated model is re-fitted with at most 20 000 of its draws; the correction under these is
        added to T0 under all of them.
        """
        groups = min(GROUPS, n_rows)
        left_out = []
        for k in range(groups):
            try:
                left_out.append(self.leave_out(k))
            except DataError as error:
                raise DataError(
                    f"bias_correction='jackknife' needs an estimate without each of {groups} groups of rows, and there "
                    f"is none without group {k} ({error}); use bias_correction='analytic' or None"
                ) from None
        return float(self.terms[0]) + (groups - 1) * (self.leave_out(None) - float(np.mean(left_out)))


def stream_fit(
    state: StreamMoments, options: Options, *, draws: int, rng: Any, n_jobs: int | None
) -> StreamFit:
    """Fit a family to what a stream has left.

    Parameters
    ----------
    state : StreamMoments
        Moments or counts.
    options : Options
        Conventions.
    draws, rng, n_jobs
        Simulation of a family without a normalising constant.

    Returns
    -------
    StreamFit
        The fit.

    Raises
    ------
    DataError
        As for data in memory: constant or collinear statistics, no estimate.
    """
    if state.counts is not None:
        return _from_counts(state, options)
    check_moments(state)
    family = with_draws(state.reading.family, state.mean, draws=draws, rng=rng, n_jobs=n_jobs)
    found = moment_evaluation(state, family, options)
    flags = check_conditions(state, found)
    simulation = simulation_from_moments(family, found, options)
    cov = None if simulation is None else simulation.cov
    if found.T1_se:
        cov = np.diag([0.0, found.T1_se**2, 0.0, 0.0])
        flags = (*flags, "second_order_subsampled")
    return StreamFit(
        theta=found.theta,
        terms=found.terms,
        mc_cov=cov,
        T0_se=None,
        simulation=simulation,
        heavy=heavy_among(state, found),
        flags=flags,
        misfit=_misfit(state, family, found, options.n),
        loglik=lambda: _loglik(state, family, found),
        leave_out=_leaving_out(state, family, options),
    )


# ------------------------------------------------------------------------------------------ counts
def _from_counts(state: StreamMoments, options: Options) -> StreamFit:
    """Rows of a finite support: the cells with their shares are the whole table."""
    family, counts, points = state.reading.family, state.counts, cell_points(state.reading.family)
    assert counts is not None and points is not None and state.first_rows is not None
    check_counts(state, points)

    def fitted(kept: NDArray[np.int64], chosen: Options) -> Evaluation:
        used = np.flatnonzero(kept)
        return evaluate(family, points[used], kept[used] / kept.sum(), chosen)

    def leave_out(group: int | None) -> float:
        kept = total if group is None else total - counts[group]
        n = options.n * float(kept.sum()) / state.n_rows
        return float(fitted(kept, replace(options, n=n, order=1)).terms[0])

    total = counts.sum(axis=0)
    found = fitted(total, options)
    used = np.flatnonzero(total)
    rows, shares = points[used], total[used] / state.n_rows
    heavy = [int(state.first_rows[used[k]]) for k in heavy_rows(found.raw, shares, options.n)]
    return StreamFit(
        theta=found.theta,
        terms=found.terms,
        mc_cov=None,
        T0_se=found.se,
        simulation=None,
        heavy=tuple(heavy),
        flags=(),
        misfit=misfit_test(family, rows, shares, options.n, found.theta, float(found.raw.terms[0])),
        loglik=lambda: float(shares @ family.encoded_logpdf(rows, found.theta)),
        leave_out=leave_out,
    )


# ----------------------------------------------------------------------------------------- moments
def _leaving_out(
    state: StreamMoments, family: ExponentialFamily, options: Options
) -> Callable[[int | None], float]:
    lighter = family.thinned(_RESAMPLING_DRAWS) if isinstance(family, TiltedDraws) else family

    def leave_out(group: int | None) -> float:
        parts = state.parts if group is None else state.without(group)
        n = options.n * parts[0].weight / state.n_rows
        return n / (n - options.ddof) * first_term(fit_leaves(lighter, parts, third=False))

    return leave_out


def _loglik(state: StreamMoments, family: ExponentialFamily, found: MomentEvaluation) -> float:
    if not np.isfinite(state.log_base):
        return -math.inf
    value = state.log_base / state.n_rows + float(found.inner_theta @ state.mean)
    value -= family.log_partition(found.inner_theta)
    return value if state.reading.map is None else value - state.reading.map.log_volume


def _misfit(state: StreamMoments, family: ExponentialFamily, found: MomentEvaluation, n: float) -> Misfit:
    """The test of the family that its moments allow; on a subsample of rows where it needs rows."""
    if isinstance(family, Poisson):
        part = state.parts[0]
        return dispersion_test(float(part.mean[0]), float(part.covariance(0)[0, 0]), n)
    d = len(state.reading.columns)
    if isinstance(family, MultivariateNormal) and family.structure == "diagonal" and d > 1:
        cov = state.cross.covariance(0)
        scale = np.sqrt(np.diag(cov))
        sign, log_det = np.linalg.slogdet(cov / np.outer(scale, scale))
        return independence_test(float(log_det) if sign > 0 else -math.inf, d, n)
    full = isinstance(family, Normal) or (
        isinstance(family, MultivariateNormal) and (d == 1 or family.structure == "full")
    )
    if full and found.fits[0].K3 is not None:
        return _mardia(state, found, d, n)
    rows = state.reservoir.rows
    weights, T0 = np.full(len(rows), 1.0 / len(rows)), float(found.raw[0])
    test = misfit_test(family, rows, weights, float(len(rows)), found.inner_theta, T0)
    if test.name.startswith("information ratio"):  # it needs T0 and the model only: all rows count
        return misfit_test(family, rows, weights, n, found.inner_theta, T0)
    return test if len(rows) == state.n_rows else replace(test, name=f"{test.name}, {len(rows)} rows drawn at random")


def _mardia(state: StreamMoments, found: MomentEvaluation, d: int, n: float) -> Misfit:
    """Skewness from the third co-moments of the columns, kurtosis from ``T0 = (E r^4 + d)/2``."""
    K3, cov = found.fits[0].K3, state.parts[0].covariance(0)[:d, :d]
    assert K3 is not None
    inverse: FloatArray = np.asarray(np.linalg.inv(np.linalg.cholesky(cov)), dtype=np.float64)
    third = np.einsum("ai,bj,ck,ijk->abc", inverse, inverse, inverse, K3[:d, :d, :d], optimize=True)
    return mardia_test(float(np.sum(third * third)), 2.0 * float(found.raw[0]) - d, d, n)
