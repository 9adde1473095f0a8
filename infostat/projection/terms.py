"""Information projection and risk terms: the two public doors to the mathematics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.rng import as_seed_sequence
from ..core.validation import FloatArray, as_float_array, check_choice, check_count
from ..families.base import ExponentialFamily, Fit, NewtonReport
from ..families.registry import get_family
from ..families.tilted_base import TiltedBase
from ..families.tilted_draws import TiltedDraws
from .checks import prepare
from .evaluation import Evaluation, Options, evaluate, evaluate_model, evaluate_population
from .monte_carlo import DRAWS, sampler_report, simulated, simulation_of, warn_not_converged, with_draws
from .population import is_frozen_law, law_nodes, truth_nodes
from .results import InformationProjection, RiskTerms

__all__ = ["information_projection", "risk_terms"]

MOMENTS = ("published", "kstat", "model")
METHODS = ("auto", "tensor", "gram")


def information_projection(
    data: Any,
    family: str | ExponentialFamily,
    *,
    eta: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    draws: int | None = None,
    rng: Any = None,
    n_jobs: int | None = None,
) -> InformationProjection:
    """Return the member of a family that is closest to the data.

    Parameters
    ----------
    data : array_like, DataFrame, Series, path or None
        Observations by rows; None when `eta` is given.
    family : str or ExponentialFamily
        The model.
    eta : array_like of shape (p,), optional
        Mean of the statistics to be reproduced, in place of data.
    weights : array_like of shape (n,), optional
        Non-negative row weights.
    draws, rng, n_jobs : optional
        Number of draws (200 000 if None), seed and threads for families without a normalising
        constant; the closed-form families draw nothing and ignore them.

    Returns
    -------
    InformationProjection
        ``theta eta cov log_partition n_iter decrement converged method mc_error``.

    Raises
    ------
    BoundaryProjectionError
        If the mean statistic is on the boundary, so that no finite theta exists.

    Notes
    -----
    ``argmin_theta KL(g || p_theta)`` solves ``E_theta[xi] = E_g[xi]``; for the empirical
    law it is the maximum-likelihood estimate (Sheena, arXiv 2105.08947).

    Examples
    --------
    >>> result = information_projection([1.0, 2.0, 6.0], "exponential")
    >>> result.theta.round(6)
    array([-0.333333])
    """
    chosen = get_family(family)
    if (data is None) == (eta is None):
        raise InputError("give exactly one of data and eta=")
    labels: tuple[str, ...] = ()
    number = DRAWS if draws is None else check_count("draws", draws, low=1)
    seed = as_seed_sequence(rng)
    if eta is not None:
        if weights is not None:
            raise InputError("weights must be None when eta is given: there are no rows to weigh")
        target = np.atleast_1d(as_float_array("eta", eta))
        bound = with_draws(chosen, target, draws=number, rng=seed, n_jobs=n_jobs)
        report = bound.solve(target)
    else:
        ready = simulated(prepare(data, chosen, weights), draws=number, rng=seed, n_jobs=n_jobs)
        bound = ready.family
        fit: Fit = bound.fit(ready.encoded, ready.weights)
        target, report = fit.eta, fit.report
        labels = tuple(bound.statistic_names(ready.columns))
    return _projection_result(bound, target, report, labels)


def _projection_result(
    family: ExponentialFamily, eta: FloatArray, report: NewtonReport, labels: tuple[str, ...]
) -> InformationProjection:
    theta = report.theta
    cov = family.cov(theta)
    gap = family.mean(theta) - eta
    scale = np.sqrt(np.diag(cov))
    if not (np.isfinite(scale).all() and (scale > 0.0).all()):
        raise family.boundary("the variance of a statistic is zero or infinite in double precision")
    # One scale after the other: the product of two small ones would underflow.
    solved = np.linalg.lstsq((cov / scale) / scale[:, None], gap / scale, rcond=None)[0]
    decrement = max(0.0, float((gap / scale) @ solved))
    sampler, errors = None, None
    if isinstance(family, TiltedDraws):
        sampler = sampler_report(family, theta)
        errors = np.sqrt(np.diag(family.monte_carlo_cov(theta)[0]))
        decrement = sampler.decrement  # the equations hold for the draws, not for the model
        warn_not_converged(sampler)
    return InformationProjection(
        theta=theta,
        eta=eta,
        cov=cov,
        log_partition=family.log_partition(theta),
        n_iter=report.n_iter,
        decrement=decrement,
        converged=report.converged and (sampler is None or sampler.converged),
        method=report.method,
        mc_error=None if errors is None else float(np.linalg.norm(errors)),
        family=family.title,
        labels=labels,
        theta_mc_se=errors,
        sampler=sampler,
    )


def risk_terms(
    data: Any,
    family: str | ExponentialFamily,
    *,
    truth: Any = None,
    theta: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    n_effective: float | None = None,
    ddof: int = 1,
    moments: str = "published",
    method: str = "auto",
    draws: int = DRAWS,
    rng: Any = None,
    n_jobs: int | None = None,
) -> RiskTerms:
    """Return the four invariants T0..T3 of the estimation-risk expansion.

    Parameters
    ----------
    data : array_like, DataFrame, Series, path or None
        Observations by rows; None for a population study.
    family : str or ExponentialFamily
        The model.
    truth : tuple or frozen scipy law, optional
        Population: ``(nodes, weights)`` in data space, or a univariate frozen law
        (integrated to 1e-10).
    theta : array_like of shape (p,), optional
        Population: the model at theta is the truth.
    weights : array_like of shape (n,), optional
        Non-negative row weights.
    n_effective : float, optional
        Sample size behind the weights; the row count if None.
    ddof : {0, 1}
        The data covariance has divisor ``n - ddof``.
    moments : {"published", "kstat", "model"}
        Third moments with divisor n (the published convention), as k-statistics, or
        all moments from the fitted model (planning under a correct model).
    method : {"auto", "tensor", "gram"}
        Tensors of model cumulants, inner products of rows and nodes, or the
        cheapest for the family (closed forms for normal models).
    draws, rng, n_jobs : optional
        Number of draws, seed and threads for a family without a normalising constant.

    Returns
    -------
    RiskTerms
        ``T0 T1 T2 T3 p`` with ``a1 a2 opt2 rev2``; with their Monte-Carlo covariance where the
        model is simulated.

    Raises
    ------
    InputError
        Unless exactly one of `data`, `truth` and `theta` is given, and for bad options.
    DataError
        For data that the family cannot describe.

    Notes
    -----
    With ``W = Gm^-1``, model cumulants ``Gm, K3m, K4m`` at the projection, data cumulants
    ``G, K3g`` and ``G~ = W G W``: ``T0 = tr(W G)``, ``T1 = <K3m, K3g>`` in the metric W,
    ``T2 = A_ij,kl (G~_ij G~_kl + G~_ik G~_jl + G~_il G~_jk)`` with ``A = K3m W K3m`` and
    ``T3 = 3 K4m_ijkl G~_ij G~_kl`` (Sheena, arXiv 2105.08947, in the form of the author's
    program).

    Examples
    --------
    >>> from infostat.families import Exponential
    >>> terms = risk_terms(None, "exponential", theta=Exponential().natural(rate=2.0))
    >>> round(terms.T1, 10), round(terms.a2, 10)
    (4.0, 0.9166666667)
    """
    chosen = get_family(family)
    ddof = check_choice("ddof", ddof, (0, 1))
    moments = check_choice("moments", moments, MOMENTS)
    method = check_choice("method", method, METHODS)
    given = [data is not None, truth is not None, theta is not None]
    if sum(given) != 1:
        raise InputError("give exactly one of data, truth= and theta= (data=None for a population study)")
    if data is None and (weights is not None or n_effective is not None):
        raise InputError("weights and n_effective must be None without data: they belong to rows")
    settings: dict[str, Any] = {
        "draws": check_count("draws", draws, low=1), "rng": as_seed_sequence(rng), "n_jobs": n_jobs
    }  # fmt: skip
    if data is not None:
        ready = simulated(prepare(data, chosen, weights, n_effective), method=method, **settings)
        options = Options(ready.n, ddof, moments, method)
        return _sample_terms(ready.family, ready.encoded, ready.weights, options)
    if theta is not None:
        parameter = chosen.check_theta(theta)
        if isinstance(chosen, TiltedBase):
            chosen = chosen.simulate_at(parameter, **settings)
        values = evaluate_model(chosen, parameter)
        none, options = np.empty((0, 0)), Options(np.inf, 0, "model")
        simulation = simulation_of(chosen, none, none, parameter, options)
        if simulation is not None:
            warn_not_converged(simulation.report, stacklevel=3)
        return _wrap(values, len(parameter), mc_cov=None if simulation is None else simulation.cov)
    return _population_terms(chosen, truth, Options(np.inf, 0, moments, method), settings)


def _sample_terms(
    family: ExponentialFamily,
    encoded: FloatArray,
    weights: FloatArray,
    options: Options,
    door: Callable[..., Evaluation] = evaluate,
) -> RiskTerms:
    found = door(family, encoded, weights, options)
    simulation = simulation_of(family, encoded, weights, found.theta, options)
    if simulation is not None:
        warn_not_converged(simulation.report)
    sample = np.isfinite(options.n)
    return _wrap(
        found.terms,
        found.p,
        found.se if sample else None,
        options.n if sample else None,
        None if simulation is None else simulation.cov,
    )


def _population_terms(
    family: ExponentialFamily, truth: Any, options: Options, settings: dict[str, Any]
) -> RiskTerms:
    if is_frozen_law(truth):
        if family.n_columns not in (None, 1):
            raise InputError(
                f"truth must be (nodes, weights) for the {family.title} family: a frozen law has one variable"
            )
        bound = family.bind(np.zeros((1, 1))) if family.n_columns is None else family
        if isinstance(bound, TiltedBase):
            raise InputError(
                "truth must be (nodes, weights) for a tilted base: its draws do not resolve a law to 1e-10"
            )

        def measure(points: FloatArray, weights: FloatArray) -> FloatArray:
            # High powers of far nodes may overflow where their weight is zero; law_nodes judges the outcome.
            with np.errstate(over="ignore", invalid="ignore"):
                return evaluate(bound, bound.encode(points), weights, options).terms

        points, weights = law_nodes(truth, measure)
        return _wrap(measure(points, weights), bound.n_params())
    bound = family.bind(truth[0]) if isinstance(truth, (tuple, list)) and len(truth) == 2 else family
    encoded, weights = truth_nodes(truth, bound)
    eta = weights @ bound.raw_statistic(encoded)
    bound = with_draws(bound, eta, method=options.method, **settings)
    return _sample_terms(bound, encoded, weights, options, evaluate_population)


def _wrap(
    terms: FloatArray,
    p: int,
    se: float | None = None,
    n: float | None = None,
    mc_cov: FloatArray | None = None,
) -> RiskTerms:
    T0, T1, T2, T3 = (float(value) for value in terms)
    return RiskTerms(T0, T1, T2, T3, p, T0_se=se, n=n, mc_cov=mc_cov)
