"""Is the family itself close to the data? The question the p-n criterion leaves open.

Each verdict is shown beside one of these tests: Mardia's skewness and kurtosis
for normal models (Jarque-Bera in one dimension), the likelihood ratio against a
full covariance for diagonal ones, the index of dispersion for Poisson counts,
Neyman's smooth test for other continuous univariate families, and the
information ratio T0 against p elsewhere.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from ..families.poisson import Poisson
from ..families.product import ProductFamily
from .results import Misfit

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
    if isinstance(family, Normal):
        return _mardia(((encoded - weights @ encoded) / _sd(encoded, weights))[:, None], weights, n)
    if isinstance(family, MultivariateNormal):
        _, _, rows = family.standardise(encoded, weights)
        if family.structure == "full" or rows.shape[1] == 1:
            return _mardia(rows, weights, n)
        return _independence(rows, weights, n)
    if isinstance(family, Poisson):
        return _dispersion(encoded, weights, n)
    if not isinstance(family, ProductFamily) and family.n_columns == 1 and not family.discrete:
        return _smooth(family, encoded, weights, n, theta)
    return _information_ratio(family, theta, T0, n)


def _sd(x: FloatArray, weights: FloatArray) -> float:
    return math.sqrt(float(weights @ (x - weights @ x) ** 2))


def _chi2_tail(value: float, df: float) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(df, value))


def _mardia(y: FloatArray, weights: FloatArray, n: float) -> Misfit:
    """Skewness and kurtosis statistics of Mardia (1970), added."""
    d = y.shape[1]
    i, j = np.triu_indices(d)
    third = (y[:, i] * y[:, j] * weights[:, None]).T @ y
    skewness = float(np.where(i == j, 1.0, 2.0) @ np.sum(third * third, axis=1))
    kurtosis = float(weights @ np.einsum("ai,ai->a", y, y) ** 2)
    z = (kurtosis - d * (d + 2)) / math.sqrt(8.0 * d * (d + 2) / n)
    value = n * skewness / 6.0 + z * z
    df = d * (d + 1) * (d + 2) // 6 + 1
    name = "Jarque-Bera" if d == 1 else "Mardia skewness and kurtosis"
    return Misfit(name, value, df, _chi2_tail(value, df))


def _independence(y: FloatArray, weights: FloatArray, n: float) -> Misfit:
    """``-n log det R``: twice the log-likelihood gained by a full covariance."""
    d = y.shape[1]
    sign, log_det = np.linalg.slogdet(y.T @ (y * weights[:, None]))
    value = -n * float(log_det) if sign > 0 else math.inf
    df = d * (d - 1) // 2
    return Misfit("likelihood ratio against a full covariance", value, df, _chi2_tail(value, df))


def _dispersion(x: FloatArray, weights: FloatArray, n: float) -> Misfit:
    """Fisher's index of dispersion, two-sided."""
    mean = float(weights @ x)
    value = n * float(weights @ (x - mean) ** 2) / mean
    df = max(1, round(n) - 1)
    upper = _chi2_tail(value, df)
    return Misfit("index of dispersion", value, df, min(1.0, 2.0 * min(upper, 1.0 - upper)))


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
    return Misfit("Neyman smooth test", value, _SMOOTH_ORDER, _chi2_tail(value, _SMOOTH_ORDER))


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
    """T0 = p if the model is right; its variance under the model follows from cumulants.

    ``Var IF = E|z|^4 - p^2 - |c|^2`` with ``c_a = sum_i k3m_aii``.
    """
    p = len(theta)
    variance = _null_variance(family, theta)
    if variance <= 1e-12 * p:
        return Misfit("information ratio T0/p (saturated model)", 0.0, 0, None)
    value = n * (T0 - p) ** 2 / variance
    return Misfit("information ratio T0/p", value, 1, _chi2_tail(value, 1))


def _null_variance(family: ExponentialFamily, theta: FloatArray) -> float:
    if isinstance(family, ProductFamily):
        return sum(_null_variance(part, theta[where]) for part, _, where in family.components)
    model = family.whitened(theta)
    c = np.einsum("aii->a", model.third())
    return model.fourth(np.eye(model.p)) + 2.0 * model.p - float(c @ c)
