"""Laws of a response given its linear predictor: generalised linear models as one formula.

Every model here has the log density ``exp(-s) (y alpha(u) + beta(u)) + c(y, s)``, u the linear
predictor and s the log scale (0, or minus the log of the trials, where there is no scale).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ..core.validation import FloatArray
from .general_links import inverse_link, log_probabilities
from .general_series import derivatives, exponential, logarithm, multiply, power, variable

__all__ = [
    "BinomialResponse",
    "GammaResponse",
    "InverseGaussianResponse",
    "NegativeBinomialResponse",
    "NormalResponse",
    "PoissonResponse",
    "Response",
]

_HERMITE = 12
_LOG_NODES = 250


class Response(ABC):
    """Law of a response given the linear predictor and the log scale.

    Parameters
    ----------
    link : str
        Name of the link, lower case.
    exponent : float
        Exponent of a power link.
    """

    title: str = ""
    has_scale: bool = False

    def __init__(self, link: str, exponent: float = 1.0) -> None:
        self.link, self.exponent = link, exponent
        self.inverse = inverse_link(link, exponent)

    def mean(self, u: FloatArray) -> FloatArray:
        """Return the mean at predictors.

        Parameters
        ----------
        u : ndarray of shape (m,)
            Linear predictors.

        Returns
        -------
        ndarray of shape (m,)
            Means.
        """
        return np.asarray(self.inverse(variable(u))[0])

    @abstractmethod
    def natural(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the series of alpha and beta.

        Parameters
        ----------
        u : ndarray of shape (m,)
            Linear predictors.

        Returns
        -------
        alpha, beta : ndarray of shape (5, m)
            Coefficients of the response and of one.
        """

    @abstractmethod
    def variance(self, mu: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the variance function and its first two derivatives.

        Parameters
        ----------
        mu : ndarray of shape (m,)
            Means.

        Returns
        -------
        V, V1, V2 : ndarray of shape (m,)
            Per unit of scale.
        """

    def scale_part(self, y: FloatArray, s: FloatArray) -> FloatArray:
        """Return the derivatives of ``c(y, s)`` in s.

        Parameters
        ----------
        y, s : ndarray of shape (m,)
            Responses and log scales.

        Returns
        -------
        ndarray of shape (5, m)
            Order 0 to 4.
        """
        return np.zeros((5, len(y)))

    def nodes(self, u: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return nodes of the response and their probabilities, by row.

        Parameters
        ----------
        u, s : ndarray of shape (m,)
            Linear predictors and log scales.

        Returns
        -------
        y, weights : ndarray of shape (m, k)
            Expectations of polynomials of degree four in y are exact.

        Notes
        -----
        Three-point Gauss rules. A law with variance function V and scale phi has the Jacobi
        coefficients ``0, sqrt(phi/V) V'`` and ``1, 2 + phi V''`` (standardised).
        """
        mu, phi = self.mean(u), np.exp(s)
        V, V1, V2 = self.variance(mu)
        with np.errstate(divide="ignore", invalid="ignore"):
            skewness = np.where(V > 0.0, np.sqrt(phi / V) * V1, 0.0)
        jacobi = np.zeros((len(u), 3, 3))
        jacobi[:, 0, 1] = jacobi[:, 1, 0] = 1.0
        jacobi[:, 1, 1], jacobi[:, 2, 2] = skewness, 2.0 * skewness
        jacobi[:, 1, 2] = jacobi[:, 2, 1] = np.sqrt(np.maximum(2.0 + phi * V2, 0.0))
        values, vectors = np.linalg.eigh(jacobi)
        return mu[:, None] + np.sqrt(phi * V)[:, None] * values, vectors[:, 0, :] ** 2


class PoissonResponse(Response):
    """Poisson counts."""

    title = "Poisson"

    def natural(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`."""
        mu = self.inverse(variable(u))
        return (variable(u) if self.link == "log" else logarithm(mu)), -mu

    def variance(self, mu: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See :class:`Response`."""
        return mu, np.ones_like(mu), np.zeros_like(mu)


class BinomialResponse(Response):
    """Zeros and ones, or proportions; the log scale is minus the log of the trials."""

    title = "binomial"

    def natural(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`."""
        success, failure = log_probabilities(self.link, u, self.inverse)
        return (variable(u) if self.link == "logit" else success - failure), failure

    def variance(self, mu: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See :class:`Response`."""
        return mu * (1.0 - mu), 1.0 - 2.0 * mu, np.full_like(mu, -2.0)


class NegativeBinomialResponse(Response):
    """Counts with variance ``mu + dispersion mu^2``, the dispersion known.

    Parameters
    ----------
    link : str
        Name of the link.
    exponent : float
        Exponent of a power link.
    dispersion : float
        Positive number.
    """

    title = "negative binomial"

    def __init__(self, link: str, exponent: float = 1.0, dispersion: float = 1.0) -> None:
        self.dispersion = dispersion
        super().__init__(link, exponent)

    def natural(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`."""
        mu = self.inverse(variable(u))
        grown = self.dispersion * mu
        grown[0] += 1.0
        log_grown = logarithm(grown)
        return logarithm(self.dispersion * mu) - log_grown, -log_grown / self.dispersion

    def variance(self, mu: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See :class:`Response`."""
        a = self.dispersion
        return mu + a * mu**2, 1.0 + 2.0 * a * mu, np.full_like(mu, 2.0 * a)


class NormalResponse(Response):
    """Normal errors; the scale is their variance."""

    title = "normal"
    has_scale = True

    def natural(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`."""
        mu = self.inverse(variable(u))
        return mu, -0.5 * multiply(mu, mu)

    def variance(self, mu: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See :class:`Response`."""
        return np.ones_like(mu), np.zeros_like(mu), np.zeros_like(mu)

    def scale_part(self, y: FloatArray, s: FloatArray) -> FloatArray:
        """See :class:`Response`."""
        found = _alternating(0.5 * y * y * np.exp(-s))
        found[0] += -0.5 * (s + np.log(2.0 * np.pi))
        found[1] -= 0.5
        return found

    def nodes(self, u: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`; the scores of the scale need polynomials of degree eight."""
        points, weights = np.polynomial.hermite_e.hermegauss(_HERMITE)
        y = self.mean(u)[:, None] + np.exp(0.5 * s)[:, None] * points
        return y, np.broadcast_to(weights / weights.sum(), y.shape)


class GammaResponse(Response):
    """Gamma law; the scale is one over its shape."""

    title = "gamma"
    has_scale = True

    def natural(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`."""
        mu = self.inverse(variable(u))
        log_mu = variable(u) if self.link == "log" else logarithm(mu)
        return -power(mu, -1.0), -log_mu

    def variance(self, mu: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See :class:`Response`."""
        return mu**2, 2.0 * mu, np.full_like(mu, 2.0)

    def scale_part(self, y: FloatArray, s: FloatArray) -> FloatArray:
        """See :class:`Response`."""
        # Polygamma functions cost more than all the rest, and rows mostly share their scale.
        distinct, place = np.unique(s, return_inverse=True)
        found = self._scale_series(distinct)[:, place] + exponential(-variable(s)) * np.log(y)
        found[0] -= np.log(y)
        return derivatives(found)

    def _scale_series(self, s: FloatArray) -> FloatArray:
        """``shape log(shape) - lgamma(shape)``, shape = exp(-s), composed with a series."""
        from scipy.special import gammaln, polygamma

        shape = exponential(-variable(s))
        increment = shape.copy()
        increment[0] = 0.0
        lgamma, term = np.zeros_like(shape), np.zeros_like(shape)
        lgamma[0], term[0] = gammaln(shape[0]), 1.0
        factorial = 1.0
        for k in range(1, 5):
            term = multiply(term, increment)
            factorial *= k
            lgamma += polygamma(k - 1, shape[0]) / factorial * term
        return multiply(shape, -variable(s)) - lgamma

    def nodes(self, u: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`; trapezoidal in log y, where the density is analytic."""
        shape = np.exp(-s)
        # The density falls as exp(shape z) on the left and faster than exp(-shape exp(z)) on the right.
        left = np.sqrt(100.0 / shape) + 50.0 / shape
        right = np.log1p(50.0 / shape + 2.0 * np.sqrt(100.0 / shape))
        count = int(_LOG_NODES * max(1.0, 1.0 / float(shape.min())))
        z = _spread(left, right, count)
        log_density = shape[:, None] * (z - np.expm1(z))
        return self.mean(u)[:, None] * np.exp(z), _normalised(log_density)


class InverseGaussianResponse(Response):
    """Inverse Gaussian law with variance ``scale mu^3``."""

    title = "inverse Gaussian"
    has_scale = True

    def natural(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`."""
        inverse = power(self.inverse(variable(u)), -1.0)
        return -0.5 * multiply(inverse, inverse), inverse

    def variance(self, mu: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See :class:`Response`."""
        return mu**3, 3.0 * mu**2, 6.0 * mu

    def scale_part(self, y: FloatArray, s: FloatArray) -> FloatArray:
        """See :class:`Response`."""
        found = _alternating(0.5 / y * np.exp(-s))
        found[0] += -0.5 * (s + np.log(2.0 * np.pi) + 3.0 * np.log(y))
        found[1] -= 0.5
        return found

    def nodes(self, u: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Response`; trapezoidal in log y."""
        mu = self.mean(u)
        shape = np.exp(-s) / mu
        reach = 2.0 * np.arcsinh(np.sqrt(60.0 / shape))
        z = _spread(reach, reach, _LOG_NODES)
        log_density = -0.5 * z - 2.0 * shape[:, None] * np.sinh(0.5 * z) ** 2
        return mu[:, None] * np.exp(z), _normalised(log_density)


def _alternating(value: FloatArray) -> FloatArray:
    """Derivatives in s of ``-value``, which contains a factor exp(-s)."""
    return np.stack([-value, value, -value, value, -value])


def _spread(left: FloatArray, right: FloatArray, count: int) -> FloatArray:
    return np.asarray(-left[:, None] + (left + right)[:, None] * np.linspace(0.0, 1.0, count))


def _normalised(log_density: FloatArray) -> FloatArray:
    weights = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
