"""Regimes of a kernel density estimate in large dimension: the theory, solved."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from scipy.special import expit

from ..core.errors import BandwidthWarning, InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_number
from .master_equation import Directions, log_excess, scaled_distance, solve_master_equation
from .product_laws import as_marginal, solve_product_law, zeta_table
from .spectra import as_spectrum
from .theory_results import RegimeTheory

__all__ = ["gaussian_theory", "regime_theory", "warn_of_zeros"]

_LARGEST_ERROR = 1e-7  # nats; a quadrature that is less certain is flagged
_SCAN = 400
_CLEARLY_LESS = 1e-9  # nats by which a second minimum has to win


def regime_theory(alpha: float, *, spectrum: Any = None, at: Any = None, marginal: Any = None) -> RegimeTheory:
    """Return the regimes of a Gaussian-kernel density estimate in the limit of large dimension.

    Parameters
    ----------
    alpha : float
        log(n)/d, positive; from 1e-6 to 50 at least.
    spectrum : array_like or tuple, optional
        Covariance eigenvalues of Gaussian data, or ``(values, weights)``; the identity if None.
    at : array_like, optional
        Coordinates of the query in the eigenbasis, measured from the mean, one for each eigenvalue.
        With ``(values, weights)`` an entry is the root-mean-square coordinate in the directions of
        that eigenvalue. With ``spectrum=None`` the data are N(0, I). None: a query drawn from the
        law of the data.
    marginal : frozen scipy.stats law, optional
        Law of independent coordinates, in place of a spectrum.

    Returns
    -------
    RegimeTheory
        ``tau_c h_G h_CLT eps h_star mu_star kl_star`` and the methods ``mu kl regime
        participation_ratio free_energy log_density``.

    Raises
    ------
    InputTypeError
        If an argument has a type that cannot be read.
    InputError
        If alpha is not positive, the spectrum or the query is not admissible, `marginal` comes with a
        spectrum or a query, or its integrals cannot be computed.

    Warns
    -----
    BandwidthWarning
        If the spectrum has zero eigenvalues: the data then have no density and no divergence.

    Notes
    -----
    ``tau_c`` is the root of the master equation ``alpha + S(tau) = 0``, where ``S = zeta - tau zeta'``
    is the entropy of the squared distances; for a typical query of Gaussian data
    ``2 alpha = < log(1 + tau s) - tau s/(1 + tau s)^2 >``, the mean running over the spectrum. Then

        h_G = tau_c^(-1/2),  h_CLT = sqrt(2) h_G,  mu(h) = (h/h_G)^2,  eps = -2 zeta'(tau_c)

    and for Gaussian data ``h_star = sqrt(eps)``, always below h_G. For a product law that holds where
    ``eps tau_c < 1``, and was so for every law tried; otherwise, or where the divergence has a deeper
    minimum above h_G, that one is returned. Derived in the documentation of this project, in the
    setting of Biroli and Mezard (arXiv:2408.05807): n and d grow together at fixed alpha. At finite n
    and d the best bandwidth is larger, at small d by much; see `finite_size` and `diagnose_bandwidth`.

    The integrals of a product law, ``zeta(tau) = E_x log E_y exp(-tau (x-y)^2/2)``, take from a tenth of
    a second to a few seconds, longer for laws whose quantiles scipy finds by iteration.

    A discrete law has no divergence, and where alpha exceeds its entropy the data hold copies of the
    query: tau_c is then inf and both thresholds are zero.

    Examples
    --------
    >>> theory = regime_theory(0.3)
    >>> round(theory.h_G, 10), round(theory.h_star, 10), round(theory.kl_star, 10)
    (0.8677427826, 0.7836123997, 0.056159231)
    >>> theory.regime([0.5, 1.0, 1.5]).tolist()
    ['condensed', 'stable', 'clt']
    >>> from scipy import stats
    >>> uniform = regime_theory(0.3, marginal=stats.uniform())
    >>> round(uniform.h_G, 8), round(uniform.mu_star, 8)
    (0.26133257, 0.74608702)
    """
    level = check_number("alpha", alpha, low=0, open_low=True, cure="alpha = log(n)/d, and n must be above 1")
    if marginal is not None:
        if spectrum is not None or at is not None:
            other = "spectrum" if spectrum is not None else "at"
            raise InputError(
                f"marginal must be given without {other}, got both; its coordinates all have the same law"
            )
        return _product_theory(level, marginal)
    values, weights, query = _gaussian_arguments(spectrum, at)
    theory = gaussian_theory(level, values, weights, query)
    if "zero_eigenvalues" in theory.flags:
        warn_of_zeros(theory.alpha / theory.alpha_effective, stacklevel=2)
    return theory


def _gaussian_arguments(spectrum: Any, at: Any) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    if at is None:
        return (*as_spectrum(spectrum), None)
    query = np.atleast_1d(as_float_array("at", at, ndim=(0, 1)))
    if query.size == 0:
        raise InputError("at must hold the coordinates of a query, got an empty array")
    values, weights = as_spectrum(np.ones(len(query)) if spectrum is None else spectrum)
    if len(query) != len(values):
        required = f"one coordinate for each of the {len(values)} eigenvalues"
        cure = "rotate the query into the eigenbasis: at = eigenvectors.T @ (x - mean)"
        raise InputError(describe("at", required, Words(f"{len(query)} coordinates"), cure))
    return values, weights, query


def gaussian_theory(
    alpha: float, values: FloatArray, weights: FloatArray, at: FloatArray | None = None
) -> RegimeTheory:
    """Return the theory of a checked spectrum, without a warning for zero eigenvalues.

    Parameters
    ----------
    alpha : float
        ``log(n)/d``.
    values : ndarray of shape (k,)
        Eigenvalues.
    weights : ndarray of shape (k,)
        Their shares, which sum to one.
    at : ndarray, optional
        The query, as in `regime_theory`; a typical one if None.

    Returns
    -------
    RegimeTheory
        The theory.
    """
    directions = Directions.of(values, weights, at)
    log_tau = solve_master_equation(alpha, directions)
    scaled = float(scaled_distance(directions, np.asarray(log_tau)))
    rank = directions.rank_fraction
    full = rank == 1.0
    with_kl = full and at is None
    h_G = math.exp(-0.5 * log_tau)
    return _told(
        RegimeTheory(
            alpha=alpha,
            tau_c=math.exp(log_tau),
            h_G=h_G,
            h_CLT=math.sqrt(2.0) * h_G,
            eps=scaled * math.exp(-log_tau),
            h_star=math.sqrt(scaled) * h_G if with_kl else None,
            mu_star=scaled if with_kl else None,
            kl_star=_least_kl(directions, log_tau) if with_kl else None,
            alpha_effective=alpha / rank,
            values=values,
            weights=weights,
            at=at,
            entropy=0.5 * (math.log(2.0 * math.pi * math.e) + directions.mean_log_s) if full else None,
            flags=() if full else ("zero_eigenvalues",),
        )
    )


def _least_kl(directions: Directions, log_tau: float) -> float:
    """Return ``alpha + log(eps)/2 - <log s>/2`` free of cancellation.

    The master equation turns it, with ``w = 1/(1 + tau s)``, into
    ``(1/2) < -log(1-w) - w + w^2 > + (1/2) log(1 - <w^2>)``, and the first bracket is `log_excess`
    at ``1/u`` plus w^2. At alpha = 10 the plain formula would have no correct digit.
    """
    log_u = log_tau + directions.log_s
    squares = expit(-log_u) ** 2
    mean = float(squares @ directions.weights)
    return 0.5 * (float(log_excess(-log_u) @ directions.weights) + _plus_log_complement(mean))


def _plus_log_complement(m: float) -> float:
    """Return ``m + log(1 - m)``, which is -m^2/2 - m^3/3 - ... at small m."""
    return m + math.log1p(-m) if m > 0.1 else -sum(m**k / k for k in range(2, 20))


def warn_of_zeros(rank: float, stacklevel: int) -> None:
    """Warn that a share of the directions has no variance.

    Parameters
    ----------
    rank : float
        Share of the directions that vary.
    stacklevel : int
        Frames between the caller's line and this function.
    """
    warnings.warn(
        f"the spectrum has zero eigenvalues ({1.0 - rank:.3g} of the directions): the data have no density there, so "
        "divergences and the best bandwidth are None; thresholds still hold, and log(n)/rank is in alpha_effective",
        BandwidthWarning,
        stacklevel=stacklevel + 1,
    )


# ------------------------------------------------------------------ product laws
def _product_theory(alpha: float, marginal: Any) -> RegimeTheory:
    law, error = as_marginal(marginal, alpha)
    log_tau = solve_product_law(alpha, law)
    table = zeta_table(law, log_tau)
    copies = math.isinf(log_tau)
    scaled = 0.0 if copies else law.moments(log_tau)[1]
    h_G = 0.0 if copies else math.exp(-0.5 * log_tau)
    fields: dict[str, Any] = {
        "alpha": alpha,
        "tau_c": math.inf if copies else math.exp(log_tau),
        "h_G": h_G,
        "h_CLT": math.sqrt(2.0) * h_G,
        "eps": scaled * h_G * h_G,
        "alpha_effective": alpha,
        "marginal": law.name,
        "entropy": law.entropy,
        "zeta_edges": table.edges,
        "zeta_coefficients": table.coefficients,
        "numerical_error": error,
        "flags": _product_flags(law.entropy is None, copies, error),
    }
    if law.entropy is None:
        return _told(RegimeTheory(**fields, h_star=None, mu_star=None, kl_star=None))
    # The methods of a first draft find the minimum that the final result states.
    h_star = math.sqrt(scaled) * h_G
    draft = RegimeTheory(**fields, h_star=h_star, mu_star=scaled, kl_star=0.0)
    h_star, kl_star = _global_minimum(draft, float(table.edges[0]))
    return _told(RegimeTheory(**fields, h_star=h_star, mu_star=(h_star / h_G) ** 2, kl_star=kl_star))


def _product_flags(discrete: bool, copies: bool, error: float) -> tuple[str, ...]:
    found = {"no_density": discrete, "copies": copies, "quadrature": error > _LARGEST_ERROR}
    return tuple(name for name, holds in found.items() if holds)


def _global_minimum(draft: RegimeTheory, lowest_log_tau: float) -> tuple[float, float]:
    """Return the bandwidth of least divergence and its value, looking above h_G too.

    The frozen branch has its minimum at sqrt(eps), or at h_G where sqrt(eps) is larger. Nothing proves
    that the divergence only grows above h_G, so that is looked at.
    """
    from scipy.optimize import minimize_scalar

    best = draft.h_star
    assert best is not None
    if not best < draft.h_G:
        best = draft.h_G
    grid = np.geomspace(draft.h_G, math.exp(-0.5 * lowest_log_tau), _SCAN)
    curve = draft.kl(grid)
    k = int(np.argmin(curve))
    if 0 < k < _SCAN - 1 and curve[k] < draft.kl(best) - _CLEARLY_LESS:
        ends = math.log(grid[k - 1]), math.log(grid[k + 1])
        found = minimize_scalar(
            lambda v: draft.kl(math.exp(v)), bounds=ends, method="bounded", options={"xatol": 1e-10}
        )
        best = math.exp(float(found.x))
    return best, float(draft.kl(best))


# ---------------------------------------------------------------------- sentences
def _told(theory: RegimeTheory) -> RegimeTheory:
    from dataclasses import replace

    return replace(theory, interpretation=_sentences(theory))


def _sentences(theory: RegimeTheory) -> str:
    limit = "In the limit of large dimension at this alpha"
    advice = "For a data set see diagnose_bandwidth, which measures the regime."
    if "copies" in theory.flags:
        return (
            f"{limit} the data hold exact copies of the query, and the estimate is self-averaging at every bandwidth. "
            f"{advice}"
        )
    lines = (
        f"{limit} a few data points make the estimate below h = {theory.h_G:.4g}, its fluctuations are heavy-tailed up "
        f"to {theory.h_CLT:.4g}, and normal above."
    )
    if theory.h_star is None or theory.mu_star is None:
        reason = "one query has no divergence" if theory.at is not None else "data without a density have no divergence"
        return f"{lines} No best bandwidth is given, because {reason}. {advice}"
    where = "in the condensed regime" if theory.mu_star < 1.0 else f"at mu = {theory.mu_star:.3g}"
    return (
        f"{lines} The Kullback-Leibler divergence is least at h = {theory.h_star:.4g}, {where}, where "
        f"{theory.kl_star:.3g} nats per dimension are lost; at finite n and d the best bandwidth is larger, at small d "
        f"by much. {advice}"
    )
