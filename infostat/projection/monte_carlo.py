"""Models that must be simulated: draws before the analysis, their error after it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import ConvergenceWarning, InputError
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily, rows_outside
from ..families.product import ProductFamily
from ..families.tilted_base import TiltedBase
from ..families.tilted_draws import TiltedDraws
from .checks import Prepared
from .evaluation import Evaluation, Options, evaluate
from .monte_carlo_terms import monte_carlo_cov
from .planning import estimation_risk
from .results import RiskTerms
from .sampler_result import LARGEST_RHAT, SamplerReport

__all__ = [
    "DRAWS",
    "Simulation",
    "few_draws",
    "for_resampling",
    "missing_likelihood",
    "sampler_report",
    "simulated",
    "simulation_flags",
    "simulation_of",
    "warn_not_converged",
    "with_draws",
]

DRAWS = 200_000
_PER_PARAMETER, _WANTED_PER_PARAMETER = 50, 200
_WANTED = 20_000
_SHARE_OF_RISK = 0.05
# Each resample is a reweighting of these draws; its terms are shifted by what the sample's own terms
# gain from all draws.
_RESAMPLING_DRAWS = 20_000
_GRAM_DRAWS = 30_000


@dataclass(frozen=True)
class Simulation:
    """Monte-Carlo side of an analysis.

    Attributes
    ----------
    report : SamplerReport
        Draws and convergence.
    cov : ndarray of shape (4, 4)
        Monte-Carlo covariance of T0..T3.
    """

    report: SamplerReport
    cov: FloatArray


def with_draws(
    family: ExponentialFamily,
    eta: FloatArray,
    *,
    draws: int | None = None,
    rng: Any = None,
    n_jobs: int | None = None,
    method: str = "auto",
) -> ExponentialFamily:
    """Return a family that can be computed with: one that needs draws is simulated near its projection.

    Parameters
    ----------
    family : ExponentialFamily
        Any family; all but :class:`TiltedBase` are returned as they are.
    eta : ndarray of shape (p,)
        Mean of the statistics.
    draws : int, optional
        Number of draws, 200 000 if None.
    rng, n_jobs
        Seed and threads of the simulation.
    method : {"auto", "tensor", "gram"}
        Route to the terms that will follow.

    Returns
    -------
    ExponentialFamily
        The family, with draws where it needs them.

    Raises
    ------
    InputError
        For a product with such a component, or the Gram route over too many draws.
    """
    if isinstance(family, ProductFamily) and any(
        isinstance(part.family, (TiltedBase, TiltedDraws)) for part in family.components
    ):
        raise InputError(
            "a product family must not hold a tilted base: its Monte-Carlo error would be lost; put all columns "
            "into one TiltedBase, or judge the blocks separately (their terms add up)"
        )
    if isinstance(family, TiltedBase):
        family = family.simulate_projection(eta, draws=DRAWS if draws is None else draws, rng=rng, n_jobs=n_jobs)
    if isinstance(family, TiltedDraws) and method == "gram" and family.n_draws > _GRAM_DRAWS:
        raise InputError(
            f"method='gram' compares all pairs of draws and needs at most {_GRAM_DRAWS} of them, "
            f"got {family.n_draws}; use method='auto'"
        )
    return family


def simulation_of(
    family: ExponentialFamily, encoded: FloatArray, weights: FloatArray, theta: FloatArray, options: Options
) -> Simulation | None:
    """Return the Monte-Carlo error of an evaluation, None for a family without draws.

    Parameters
    ----------
    family : ExponentialFamily
        As returned by :func:`with_draws`.
    encoded : ndarray of shape (n, d)
        Data.
    weights : ndarray of shape (n,)
        Weights of sum one.
    theta : ndarray of shape (p,)
        Its projection.
    options : Options
        Conventions of the terms.

    Returns
    -------
    Simulation or None
        Report and covariance.
    """
    if not isinstance(family, TiltedDraws):
        return None
    cov = monte_carlo_cov(family, theta, encoded, weights, options)
    return Simulation(sampler_report(family, theta), cov)


def sampler_report(drawn: TiltedDraws, theta: FloatArray) -> SamplerReport:
    """Return the account of a simulated model.

    Parameters
    ----------
    drawn : TiltedDraws
        Family with draws.
    theta : ndarray of shape (p,)
        Parameter of the analysis.

    Returns
    -------
    SamplerReport
        Draws, chains, convergence.
    """
    weights = drawn.draw_weights(theta)
    rhat, size = drawn.diagnostics()
    share = 1.0 / (len(weights) * float(weights @ weights))
    account = drawn.account
    settled = account.settled and rhat <= LARGEST_RHAT and size * share >= _PER_PARAMETER * len(theta)
    return SamplerReport(
        n_draws=drawn.n_draws,
        n_chains=drawn.n_chains,
        burn_in=account.burn_in,
        thin=account.thin,
        seed=account.seed,
        n_simulations=account.n_iter,
        rhat=rhat,
        effective_size=size,
        weight_share=min(share, 1.0),
        decrement=drawn.monte_carlo_cov(theta)[1],
        converged=bool(settled),
    )


def warn_not_converged(report: SamplerReport, *, stacklevel: int = 4) -> None:
    """Warn if the chains of a simulated model have not converged.

    Parameters
    ----------
    report : SamplerReport
        Account of the simulation.
    stacklevel : int
        For the warning, so that it points at the caller's line.
    """
    if not report.converged:
        warnings.warn(
            f"the simulation of the model has not converged (R-hat {report.rhat:.3g}, effective size "
            f"{report.effective_size:.3g}); raise draws, or prune statistics that nearly repeat each other",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )


def few_draws(report: SamplerReport, p: int, risk: float) -> bool:
    """Return whether more draws would be wise although the chains agree.

    Parameters
    ----------
    report : SamplerReport
        Account of the simulation.
    p : int
        Number of parameters.
    risk : float
        First-order risk, nats.

    Returns
    -------
    bool
        True below 20 000 draws, below 200 effective draws per parameter, or if the divergence that the
        Monte-Carlo error leaves exceeds 5 % of the risk.
    """
    size = report.effective_size * report.weight_share
    return (
        report.n_draws < _WANTED
        or size < _WANTED_PER_PARAMETER * p
        or 0.5 * report.decrement > _SHARE_OF_RISK * risk
    )


def for_resampling(
    ready: Prepared, sample: Evaluation, options: Options
) -> tuple[Prepared, Evaluation, FloatArray]:
    """Return what resampling should work with: fewer draws, and the difference this makes.

    Parameters
    ----------
    ready : Prepared
        Data and family.
    sample : Evaluation
        Evaluation with all draws.
    options : Options
        Conventions.

    Returns
    -------
    ready : Prepared
        With at most 20 000 draws.
    sample : Evaluation
        Evaluation with these.
    shift : ndarray of shape (4,)
        Terms with all draws minus terms with these.
    """
    family = ready.family
    if not isinstance(family, TiltedDraws):
        return ready, sample, np.zeros(4)
    fewer = family.thinned(_RESAMPLING_DRAWS)
    if fewer is family:
        return ready, sample, np.zeros(4)
    small = evaluate(fewer, ready.encoded, ready.weights, options, sample.theta)
    return replace(ready, family=fewer), small, sample.terms - small.terms


def simulated(
    ready: Prepared, *, draws: int | None, rng: Any, n_jobs: int | None, method: str = "auto"
) -> Prepared:
    """Return prepared data whose family can be computed with, simulated where it must be.

    Parameters
    ----------
    ready : Prepared
        Data and family.
    draws, rng, n_jobs, method
        See :func:`with_draws`.

    Returns
    -------
    Prepared
        The same data; only a :class:`TiltedBase` is replaced by its draws.
    """
    if not isinstance(ready.family, (TiltedBase, TiltedDraws, ProductFamily)):
        return ready
    if isinstance(ready.family, TiltedBase):
        eta = ready.weights @ ready.family.raw_statistic(ready.encoded)
    else:
        eta = np.empty(0)  # only a tilted base is simulated
    family = with_draws(ready.family, eta, draws=draws, rng=rng, n_jobs=n_jobs, method=method)
    return replace(ready, family=family)


def simulation_flags(
    simulation: Simulation, terms: RiskTerms, n: float, threshold: float, order: int, margin: float
) -> tuple[str, ...]:
    """Return what the sampler adds to the cautions of the criterion.

    Parameters
    ----------
    simulation : Simulation
        Report and Monte-Carlo covariance.
    terms : RiskTerms
        Terms of the model.
    n : float
        Sample size.
    threshold : float
        KL threshold, nats.
    order : {1, 2}
        Which risk is judged.
    margin : float
        Half-width of its Monte-Carlo interval.

    Returns
    -------
    tuple of str
        Flags.
    """
    risk = float(estimation_risk(terms, n, order))
    if not simulation.report.converged:
        return ("sampler_not_converged",)
    flags = ("few_draws",) if few_draws(simulation.report, terms.p, float(estimation_risk(terms, n, 1))) else ()
    undecided = margin > 0.0 and abs(risk - threshold) <= margin
    return (*flags, "monte_carlo_borderline") if undecided else flags


def missing_likelihood(ready: Prepared) -> str:
    """Return why the rows have no likelihood under a tilted base.

    Parameters
    ----------
    ready : Prepared
        Data and family.

    Returns
    -------
    str
        A reason that completes "unavailable:", empty if there is a likelihood.
    """
    family = ready.family
    if not isinstance(family, (TiltedBase, TiltedDraws)):
        return ""
    base = family.encoded_log_base(ready.encoded)
    bad = np.flatnonzero(~np.isfinite(base) & (ready.weights > 0))
    if not bad.size:
        return ""
    kind = "0" if np.isneginf(base[bad]).all() else "0 or infinite"
    return f"the base density is {kind} at {rows_outside(bad, len(base)).replace(' do not,', ':')}"
