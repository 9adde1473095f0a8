"""Simulated models on a stream: draws at the projection of the streamed mean, and their error."""

from __future__ import annotations

import numpy as np

from ..families.base import ExponentialFamily
from ..families.chain_diagnostics import batch_means_cov
from ..families.tilted_draws import TiltedDraws
from ..families.whitening import mix_axes
from .evaluation import Options
from .expansion import MAX_TENSOR_P
from .moment_terms import MomentEvaluation
from .monte_carlo import Simulation, sampler_report
from .monte_carlo_terms import influence_functions

__all__ = ["simulation_from_moments"]


def simulation_from_moments(
    family: ExponentialFamily, found: MomentEvaluation, options: Options
) -> Simulation | None:
    """Return the Monte-Carlo error of terms that come from moments, None for a family without draws.

    Parameters
    ----------
    family : ExponentialFamily
        The family with its draws.
    found : MomentEvaluation
        The fit.
    options : Options
        Conventions of the terms; `order` 1 gives the error of T0 alone.

    Returns
    -------
    Simulation or None
        Report and covariance of T0..T3.
    """
    if not isinstance(family, TiltedDraws):
        return None
    (fit,) = found.fits
    p = len(fit.theta)
    cov = np.zeros((4, 4))
    if p <= MAX_TENSOR_P:
        nodes = family.nodes(fit.theta)
        z = (family.raw_statistic(nodes.points) - fit.eta) @ fit.inverse.T
        K3 = np.zeros((p, p, p)) if fit.K3 is None else mix_axes(fit.K3, fit.inverse)
        influence = influence_functions(z, nodes.weights, fit.third(), fit.S, K3)
        if fit.K3 is None:
            influence[:, 1:] = 0.0
        f = options.cov_factor
        factors = np.array([f, options.third_factor, f * f, f * f])
        sums = family.chain_sums(influence * nodes.weights[:, None])
        cov = batch_means_cov(sums) * np.outer(factors, factors)
    return Simulation(sampler_report(family, fit.theta), cov)

