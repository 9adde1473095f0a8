"""Exact risks at finite sample size, where theory has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.validation import FloatArray, as_float_array, short
from ..families.base import ExponentialFamily
from ..families.bernoulli import Bernoulli
from ..families.enumerated import EnumeratedFamily
from ..families.exponential import Exponential
from ..families.law_checks import law_support, law_words
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from ..families.registry import get_family
from .checks import LARGEST_N
from .exact_finite import finite_risk
from .population import is_frozen_law, law_nodes, truth_nodes
from .results import ExactRisk

__all__ = ["exact_risk"]

_MOST_ENUMERATED = 1e7


def exact_risk(family: str | ExponentialFamily, n: ArrayLike, *, truth: Any = None) -> ExactRisk:
    """Return the exact estimation risk, reverse risk and optimism.

    Parameters
    ----------
    family : str or ExponentialFamily
        Exponential, normal, multivariate normal with `n_vars` (the risks do not depend
        on the parameter), Bernoulli, or a finite support with one parameter.
    n : int or array_like
        Sample sizes.
    truth : optional
        Exponential: a frozen ``scipy.stats.gamma`` (None: the model). Bernoulli and finite
        supports: ``(points, weights)`` or a frozen discrete scipy law; required.

    Returns
    -------
    ExactRisk
        ``risk reverse_risk optimism``, nats, elementwise in n; inf where the
        expectation is infinite.

    Raises
    ------
    InputError
        If no exact formula is known for the family or the truth, or n is too
        small for an estimate to exist.

    Notes
    -----
    Exponential, data gamma with shape k, m = nk: risk ``digamma(m) - log m + 1/(m-1)``.
    Full normal in d dimensions, n > d + 2: risk ``(d(n+1)/(n-d-2) - d + sum_j
    digamma((n-j)/2) + d log(2/n))/2``, optimism ``d(d+3)/(2(n-d-2))`` (the small-sample
    correction of AIC). One-parameter finite supports: enumeration of all samples,
    conditional on an interior estimate; without that condition the risk is infinite.
    The probability of the samples left out is the field `excluded`.

    Examples
    --------
    >>> exact_risk("exponential", [10, 100]).risk.round(10)
    array([0.06027861, 0.00509268])

    A truth on {0, 1, 2} that no law ``exp(theta x - Psi)`` of the model matches:

    >>> from infostat.families.finite_support import FiniteSupport
    >>> exact_risk(FiniteSupport([0, 1, 2]), 50, truth=([0, 1, 2], [0.5, 0.1, 0.4])).risk
    0.0139456469...
    """
    chosen = get_family(family)
    sizes = _sizes(n)
    if isinstance(chosen, Exponential):
        parts = _exponential(sizes * _gamma_shape(truth))
    elif isinstance(chosen, (Normal, MultivariateNormal)):
        parts = _normal(chosen, sizes, truth)
    elif isinstance(chosen, Bernoulli):
        parts = _bernoulli(chosen, sizes, truth)
    elif isinstance(chosen, EnumeratedFamily):
        parts = _finite(chosen, sizes, truth)
    else:
        raise InputError(
            f"no exact risk is known for the {chosen.title} family; known: exponential, normal, mvn, bernoulli and "
            "finite supports with one parameter"
        )
    scalar = np.ndim(n) == 0
    risk, reverse, excluded = (float(v) if scalar else v for v in parts)
    size = float(sizes) if scalar else sizes
    return ExactRisk(risk, reverse, risk + reverse, size, excluded)


def _sizes(n: ArrayLike) -> FloatArray:
    sizes = as_float_array("n", n)
    if sizes.size == 0 or not ((sizes >= 1) & (sizes == np.floor(sizes)) & (sizes <= LARGEST_N)).all():
        raise InputError(f"n must hold positive integers up to {LARGEST_N:g}, got {short(np.asarray(n).tolist())}")
    return sizes


def _refuse_too_many(n: FloatArray) -> None:
    """Refuse sizes whose samples cannot be enumerated."""
    if (n > _MOST_ENUMERATED).any():
        raise InputError(
            f"n must be at most {_MOST_ENUMERATED:g} where samples are enumerated, got {float(n.max()):g}; "
            "both orders of estimation_risk are exact enough there"
        )


def _gamma_shape(truth: Any) -> float:
    if truth is None:
        return 1.0
    name = getattr(getattr(truth, "dist", None), "name", None)
    if not is_frozen_law(truth) or name not in ("gamma", "expon", "erlang"):
        raise InputError("truth of the exponential family must be None or a frozen scipy.stats.gamma")
    law_support(truth)
    shapes, location, _ = truth.dist._parse_args(*truth.args, **truth.kwds)
    if location != 0:
        raise InputError(f"truth must start at 0 (loc=0), got loc={location}")
    return float(shapes[0]) if shapes else 1.0


def _exponential(m: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    from scipy.special import digamma

    # Mean over truth is Gamma(m)/m: E log = digamma(m) - log m, E inverse = m/(m-1).
    gap = np.log(m) - digamma(m)
    with np.errstate(divide="ignore"):
        risk = np.where(m > 1, 1.0 / np.where(m > 1, m - 1.0, 1.0), np.inf) - gap
    return risk, gap, np.zeros_like(m)


def _normal(
    family: Normal | MultivariateNormal, n: FloatArray, truth: Any
) -> tuple[FloatArray, FloatArray, FloatArray]:
    from scipy.special import digamma

    if truth is not None:
        raise InputError("truth must be None for normal models: the exact risk is known when the model is right")
    copies, d = 1, 1
    if isinstance(family, MultivariateNormal):
        if family.n_vars is None:
            raise InputError("family must have n_vars set, for instance MultivariateNormal(n_vars=3)")
        if family.is_graph:
            raise InputError("no exact risk is known for a multivariate normal on a graph; use simulate_risk")
        copies, d = (1, family.n_vars) if family.structure == "full" else (family.n_vars, 1)
    if (n <= d).any():
        raise InputError(f"n must exceed the dimension {d} for an estimate to exist, got {int(n.min())}")
    margin = n - d - 2.0
    finite = margin > 0
    safe = np.where(finite, margin, 1.0)
    log_det = sum(digamma((n - j) / 2.0) for j in range(1, d + 1)) + d * np.log(2.0 / n)
    risk = np.where(finite, 0.5 * (d * (n + 1.0) / safe - d + log_det), np.inf)
    # KL(estimate || truth) = (tr S + |mean|^2 - d - log det S)/2 with E tr S = d(n-1)/n, E|mean|^2 = d/n.
    reverse = -0.5 * np.asarray(log_det)
    return copies * risk, copies * reverse, np.zeros_like(n)


def _bernoulli(family: Bernoulli, n: FloatArray, truth: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    from scipy.special import rel_entr
    from scipy.stats import binom

    if truth is None:
        raise InputError("truth is required for a Bernoulli model: ([0, 1], [1 - q, q])")
    if is_frozen_law(truth):
        low, high = law_support(truth)
        if not hasattr(truth, "pmf") or low < 0.0 or high > 1.0:
            raise InputError(f"truth must live on 0 and 1, got {law_words(truth)}")
        q = float(truth.mean())
    else:
        points, weights = truth_nodes(truth, family)
        q = float(weights @ points)
    if not 0.0 < q < 1.0:
        raise InputError(f"truth must give both outcomes positive probability, got {q}")

    _refuse_too_many(n)

    def one(size: float) -> tuple[float, float, float]:
        if size < 2:
            raise InputError("n must be at least 2 for an interior Bernoulli estimate, got 1")
        counts = np.arange(1.0, size)
        probability = binom.pmf(counts, int(size), q)
        inside = float(probability.sum())
        mean = counts / size
        forward = rel_entr(q, mean) + rel_entr(1.0 - q, 1.0 - mean)
        backward = rel_entr(mean, q) + rel_entr(1.0 - mean, 1.0 - q)
        return (
            float(probability @ forward) / inside,
            float(probability @ backward) / inside,
            float(binom.pmf([0, int(size)], int(size), q).sum()),
        )

    table = np.array([one(float(size)) for size in np.ravel(n)])
    risk, reverse, excluded = (table[:, k].reshape(n.shape) for k in range(3))
    return risk, reverse, excluded


def _finite(family: EnumeratedFamily, n: FloatArray, truth: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    if truth is None:
        raise InputError(f"truth is required for a {family.title} model: (points, weights)")
    if is_frozen_law(truth):
        if not hasattr(truth, "pmf"):
            raise InputError("truth must be (points, weights) or a discrete law: a density has no mass on points")
        truth = law_nodes(truth, lambda points, weights: weights)
    _refuse_too_many(n)
    bound = family.bind(truth[0]) if isinstance(truth, (tuple, list)) and len(truth) == 2 else family
    points, weights = truth_nodes(truth, bound)
    if bound.n_params() != 1:
        raise InputError(
            f"family must have one parameter for an exact risk by enumeration, got p = {bound.n_params()}; "
            "use simulate_risk"
        )
    table = np.array([finite_risk(bound, points, weights, int(size)) for size in np.ravel(n)])
    risk, reverse, excluded = (table[:, k].reshape(n.shape) for k in range(3))
    return risk, reverse, excluded
