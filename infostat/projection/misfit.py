"""Is the family itself close to the data? The question the p-n criterion leaves open.

Each verdict is shown beside one of these tests: Mardia's skewness and kurtosis
for normal models (Jarque-Bera in one dimension), the likelihood ratio against a
full covariance for diagonal ones, the index of dispersion for Poisson counts,
the likelihood ratio G2 against the table of shares for finite supports, Neyman's
smooth test for other continuous univariate families, and the information ratio
T0 against p elsewhere.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from ..families.enumerated import EnumeratedFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from ..families.poisson import Poisson
from ..families.product import ProductFamily
from ..families.scipy_laws import has_distribution_function
from .misfit_tests import chi2_tail, dispersion_test, independence_test, mardia_test
from .results import Misfit
from .sparse_tables import g2_test

__all__ = ["misfit_test"]

_MANY_NODES = 200  # fewer are exact for moments of the statistic only
_SMOOTH_ORDER = 4  # components of Neyman's test: location, scale, skewness, kurtosis


def misfit_test(
    family: ExponentialFamily,
    encoded: FloatArray,
    weights: FloatArray,
    n: float,
    theta: FloatArray,
    T0: float,
) -> Misfit:
    """Return the test of a fitted family against its data.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.
    encoded : ndarray
        Encoded rows.
    weights : ndarray of shape (m,)
        Sum one.
    n : float
        Sample size.
    theta : ndarray of shape (p,)
        Fitted parameter.
    T0 : float
        Plug-in T0 with divisor n.

    Returns
    -------
    Misfit
        ``name value df p_value``.
    """
    if isinstance(family, (Bernoulli, Categorical)):
        # The model has one parameter per free cell: it reproduces every table exactly.
        return Misfit("G2 (saturated model)", 0.0, 0, None)
    if isinstance(family, EnumeratedFamily):
        cells = family.cells()
        return g2_test(family.shares(encoded, weights), cells.log_prob(theta)[0], cells.relative, n)
    if isinstance(family, Normal):
        return _mardia(((encoded - weights @ encoded) / _sd(encoded, weights))[:, None], weights, n)
    if isinstance(family, MultivariateNormal) and family.is_graph:
        return _selection(family, encoded, weights, n, theta, T0)
    if isinstance(family, MultivariateNormal):
        _, _, rows = family.standardise(encoded, weights)
        if family.structure == "full" or rows.shape[1] == 1:
            return _mardia(rows, weights, n)
        return _independence(rows, weights, n)
    if isinstance(family, Poisson):
        return _dispersion(encoded, weights, n)
    if family.n_columns == 1 and has_distribution_function(family) and not family.discrete:
        return _smooth(family, encoded, weights, n, theta)
    return _information_ratio(family, theta, T0, n)


def _sd(x: FloatArray, weights: FloatArray) -> float:
    return math.sqrt(float(weights @ (x - weights @ x) ** 2))


def _mardia(y: FloatArray, weights: FloatArray, n: float) -> Misfit:
    """Skewness and kurtosis statistics of Mardia (1970), added."""
    d = y.shape[1]
    i, j = np.triu_indices(d)
    third = (y[:, i] * y[:, j] * weights[:, None]).T @ y
    skewness = float(np.where(i == j, 1.0, 2.0) @ np.sum(third * third, axis=1))
    kurtosis = float(weights @ np.einsum("ai,ai->a", y, y) ** 2)
    return mardia_test(skewness, kurtosis, d, n)


def _independence(y: FloatArray, weights: FloatArray, n: float) -> Misfit:
    """``-n log det R``: twice the log-likelihood gained by a full covariance."""
    d = y.shape[1]
    sign, log_det = np.linalg.slogdet(y.T @ (y * weights[:, None]))
    return independence_test(float(log_det) if sign > 0 else -math.inf, d, n)


def _selection(
    family: MultivariateNormal, encoded: FloatArray, weights: FloatArray, n: float, theta: FloatArray, T0: float
) -> Misfit:
    """Likelihood ratio of a graph against all edges; Mardia's test if there are all."""
    _, sd, unit = MultivariateNormal("diagonal").standardise(encoded, weights)
    d, edges = unit.shape[1], len(family.edges)
    if 2 * edges == d * (d - 1):
        return _mardia(MultivariateNormal("full").standardise(encoded, weights)[2], weights, n)
    sign, sample = np.linalg.slogdet(unit.T @ (unit * weights[:, None]))
    if sign <= 0 or len(encoded) <= d:
        return _information_ratio(family, theta, T0, n)  # no estimate with all edges
    scale = np.diag(sd)
    fitted = np.linalg.slogdet(family.params(theta)["cov"] / np.outer(scale, scale))[1]
    return independence_test(float(sample - fitted), d, n, edges)


def _dispersion(x: FloatArray, weights: FloatArray, n: float) -> Misfit:
    """Fisher's index of dispersion, two-sided."""
    mean = float(weights @ x)
    return dispersion_test(mean, float(weights @ (x - mean) ** 2), n)


def _smooth(
    family: ExponentialFamily, x: FloatArray, weights: FloatArray, n: float, theta: FloatArray
) -> Misfit:
    """Neyman's smooth test with the correction for estimated parameters.

    With U the fitted probability transform, h the first four normalised Legendre
    polynomials of U and C their model covariance with the whitened statistic,
    ``n hbar' (I - C'C)^-1 hbar`` is asymptotically chi-squared.
    """
    from ..families.scipy_laws import probability_transform

    points, mass = _quadrature(family, theta)
    z = family.whitened(theta).rows(family.encode(points))
    C = z.T @ (_legendre(probability_transform(family, theta, points)) * mass[:, None])
    h = weights @ _legendre(probability_transform(family, theta, x))
    inverse = np.linalg.pinv(np.eye(_SMOOTH_ORDER) - C.T @ C, rcond=1e-6, hermitian=True)
    value = n * float(h @ inverse @ h)
    return Misfit("Neyman smooth test", value, _SMOOTH_ORDER, chi2_tail(value, _SMOOTH_ORDER))


def _quadrature(family: ExponentialFamily, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points and probabilities of the model that resolve polynomials in U."""
    from ..families.scipy_laws import frozen

    nodes = family.nodes(theta)
    if nodes is not None and len(nodes.weights) >= _MANY_NODES:
        return nodes.points, nodes.weights
    law = frozen(family, theta)
    u, gauss = _gauss_nodes()
    low, high = law.support()
    # A law with much mass at an end has quantiles that round to the end itself.
    return np.clip(law.ppf(0.5 * (u + 1.0)), np.nextafter(low, high), np.nextafter(high, low)), 0.5 * gauss


@lru_cache(maxsize=1)
def _gauss_nodes() -> tuple[FloatArray, FloatArray]:
    return np.polynomial.legendre.leggauss(400)  # an eigenvalue problem of 0.1 s


def _legendre(u: FloatArray) -> FloatArray:
    values = np.polynomial.legendre.legvander(2.0 * u - 1.0, _SMOOTH_ORDER)[:, 1:]
    return np.asarray(values * np.sqrt(2.0 * np.arange(1, _SMOOTH_ORDER + 1) + 1.0))


def _information_ratio(family: ExponentialFamily, theta: FloatArray, T0: float, n: float) -> Misfit:
    """Return the test of T0 = p, which holds if the model is right.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.
    theta : ndarray of shape (p,)
        Fitted parameter.
    T0 : float
        Plug-in T0 with divisor n.
    n : float
        Sample size.

    Returns
    -------
    Misfit
        The test; its variance ``E|z|^4 - p^2 - |c|^2``, ``c_a = sum_i k3m_aii``, follows from the model.
    """
    p = len(theta)
    variance = _null_variance(family, theta)
    if variance <= 1e-12 * p:
        return Misfit("information ratio T0/p (saturated model)", 0.0, 0, None)
    value = n * (T0 - p) ** 2 / variance
    return Misfit("information ratio T0/p", value, 1, chi2_tail(value, 1))


def _null_variance(family: ExponentialFamily, theta: FloatArray) -> float:
    if isinstance(family, ProductFamily):
        return sum(_null_variance(part, theta[where]) for part, _, where in family.components)
    model = family.whitened(theta)
    c = np.einsum("aii->a", model.third())
    return model.fourth(np.eye(model.p)) + 2.0 * model.p - float(c @ c)
