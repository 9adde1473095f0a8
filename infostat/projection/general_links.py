"""Inverse links as power series, with probabilities that keep their digits at both ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..core.errors import InputTypeError
from ..core.validation import FloatArray
from .general_series import exponential, integrated, logarithm, multiply, power, variable

__all__ = ["inverse_link", "log_probabilities"]

Inverse = Callable[[FloatArray], FloatArray]

_POWERS = {"identity": 1.0, "sqrt": 2.0, "inversepower": -1.0, "inversesquared": -0.5}


def inverse_link(link: str, exponent: float = 1.0) -> Inverse:
    """Return the function from a series of the predictor to a series of the mean.

    Parameters
    ----------
    link : str
        Lower-case name of a statsmodels link class.
    exponent : float
        Exponent of the link ``"power"``: ``u = mu ** exponent``.

    Returns
    -------
    callable
        Acts on arrays of shape (5, m).

    Raises
    ------
    InputTypeError
        If the link is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from infostat.projection.general_series import variable
    >>> inverse_link("log")(variable(np.array([0.0])))[:, 0].round(3).tolist()
    [1.0, 1.0, 0.5, 0.167, 0.042]
    """
    if link == "log":
        return exponential
    if link == "identity" or (link == "power" and exponent == 1.0):
        return lambda u: u
    if link in _POWERS or link == "power":
        inverse = _POWERS.get(link, 1.0 / exponent if exponent else np.nan)
        return lambda u: power(u, inverse)
    if link in _BINARY:
        return lambda u: exponential(log_probabilities(link, u[0], None)[0])
    known = ", ".join(sorted({"log", "power", *_POWERS, *_BINARY}))
    raise InputTypeError(f"the link of the fitted model must be one of {known}, got {link!r}")


def log_probabilities(link: str, u: FloatArray, inverse: Inverse | None) -> tuple[FloatArray, FloatArray]:
    """Return the series of the log probabilities of success and of failure.

    Parameters
    ----------
    link : str
        Lower-case name of a link.
    u : ndarray of shape (m,)
        Linear predictors.
    inverse : callable or None
        The inverse link, for links that are not made for probabilities.

    Returns
    -------
    success, failure : ndarray of shape (5, m)
        For the five links of probabilities neither is the log of a rounded difference.
    """
    if link in _BINARY:
        return _BINARY[link](u)
    assert inverse is not None
    mu = inverse(variable(u))
    rest = -mu
    rest[0] += 1.0
    return logarithm(mu), logarithm(rest)


def _logit(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    return _log_logistic(u), _mirrored(_log_logistic(-u))


def _log_logistic(u: FloatArray) -> FloatArray:
    from scipy.special import expit, log_expit

    f, g = expit(u), expit(-u)
    return np.stack([log_expit(u), g, -0.5 * f * g, -f * g * (g - f) / 6.0, -f * g * (1.0 - 6.0 * f * g) / 24.0])


def _probit(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    return _log_normal(u), _mirrored(_log_normal(-u))


def _log_normal(u: FloatArray) -> FloatArray:
    """log Phi: with r = phi/Phi, ``r' = -r (u + r)``."""
    from scipy.special import log_ndtr

    value = log_ndtr(u)
    r = np.exp(-0.5 * u * u - 0.5 * np.log(2.0 * np.pi) - value)
    second = -r * (u + r)
    third = -second * (u + r) - r * (1.0 + second)
    fourth = -third * (u + r) - 2.0 * second * (1.0 + second) - r * third
    return np.stack([value, r, second / 2.0, third / 6.0, fourth / 24.0])


def _cloglog(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P(success) = 1 - exp(-exp(u))."""
    hazard = exponential(variable(np.minimum(u, 700.0)))
    # slope of log(1 - exp(-v)) in u is v exp(-v)/(1 - exp(-v)), which needs 1 - exp(-v) without cancellation
    faded = exponential(-hazard)
    rest = -faded
    rest[0] = -np.expm1(-hazard[0])
    slope = multiply(multiply(hazard, faded), power(rest, -1.0))
    with np.errstate(divide="ignore"):
        return integrated(np.log(rest[0]), slope), -hazard


def _loglog(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P(success) = exp(-exp(-u)): the mirror image."""
    success, failure = _cloglog(-u)
    return _mirrored(failure), _mirrored(success)


def _cauchy(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    return _log_cauchy(u), _mirrored(_log_cauchy(-u))


def _log_cauchy(u: FloatArray) -> FloatArray:
    # arctan2 keeps the digits of small probabilities, where 1/2 + arctan(u)/pi has none.
    value = np.arctan2(1.0, -u) / np.pi
    square = multiply(variable(u), variable(u))
    square[0] += 1.0
    slope = power(square, -1.0) / np.pi
    return logarithm(integrated(value, slope))


def _mirrored(series: FloatArray) -> FloatArray:
    """Series of ``f(-u)`` at u, from that of f at -u."""
    return np.asarray(series * np.array([1.0, -1.0, 1.0, -1.0, 1.0])[:, None])


_BINARY: dict[str, Callable[[FloatArray], tuple[FloatArray, FloatArray]]] = {
    "logit": _logit,
    "probit": _probit,
    "cloglog": _cloglog,
    "loglog": _loglog,
    "cauchy": _cauchy,
}
