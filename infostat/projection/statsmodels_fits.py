"""Fitted statsmodels results as regressions: what is read from them, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import CollinearStatisticsError, DataError, InputError, InputTypeError, describe
from ..core.validation import FloatArray, check_choice, check_weights, short
from .general_linear import LinearRoute, Regression
from .general_moments import Rows
from .general_responses import (
    BinomialResponse,
    GammaResponse,
    InverseGaussianResponse,
    NegativeBinomialResponse,
    NormalResponse,
    PoissonResponse,
    Response,
)

__all__ = ["Fit", "is_fitted", "read_fit"]

SUPPORTED = (
    "OLS, WLS, GLM (Gaussian, binomial, Poisson, gamma, inverse Gaussian, negative binomial), Logit, Probit and Poisson"
)
_RANK = 1e-10


@dataclass(frozen=True)
class Fit:
    """A fitted regression.

    Attributes
    ----------
    route : LinearRoute
        At the fitted coefficients.
    rows : Rows
        The data with their frequency weights.
    n : float
        Number of observations.
    labels : tuple of str
        Names of the parameters.
    title : str
        The model in words.
    loglik : float or None
        Total log-likelihood as statsmodels has it; None where the scale is estimated here.
    """

    route: LinearRoute
    rows: Rows
    n: float
    labels: tuple[str, ...]
    title: str
    loglik: float | None


def is_fitted(value: Any) -> bool:
    """Return whether a value looks like the result of a statsmodels fit.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    bool
        True if it has ``params`` and a ``model`` with ``endog`` and ``exog``.

    Examples
    --------
    >>> is_fitted([1.0, 2.0])
    False
    """
    model = getattr(value, "model", None)
    return hasattr(value, "params") and hasattr(model, "endog") and hasattr(model, "exog")


def read_fit(fitted: Any, scale: str = "estimated") -> Fit:
    """Return the regression behind a fitted statsmodels result.

    Parameters
    ----------
    fitted : statsmodels result
        Of a supported model.
    scale : {"estimated", "known"}
        Whether the scale (error variance, dispersion) is a parameter, or known to be what was fitted.

    Returns
    -------
    Fit
        Ready for the expansion.

    Raises
    ------
    InputTypeError
        If the model or its link is not supported.
    InputError
        If the result was fitted with a penalty or with constraints.
    CollinearStatisticsError
        If columns of the design depend on each other.

    Notes
    -----
    The scale is estimated by maximum likelihood here, whichever estimate statsmodels reports.
    """
    check_choice("scale", scale, ("estimated", "known"))
    model = fitted.model
    response, variance = _response(model)
    if not (hasattr(fitted, "llf") and hasattr(fitted, "scale" if response.has_scale else "params")):
        raise InputError("fitted must be a maximum-likelihood fit, got a penalised one; use fit()")
    params = np.asarray(fitted.params, dtype=float).ravel()
    design = np.asarray(model.exog, dtype=float)
    y = np.asarray(model.endog, dtype=float)
    labels = tuple(str(name) for name in model.exog_names)
    if len(params) != design.shape[1] or getattr(fitted, "k_constr", 0):
        raise InputError("fitted must be an unconstrained fit with one coefficient per column of its design")
    _check_design(design, labels)
    frequency = np.asarray(getattr(model, "freq_weights", np.ones(len(y))), dtype=float)
    weights = check_weights(frequency, len(y), "freq_weights")
    data = Regression(design, y, _offset(model, len(y)), -np.log(variance))
    scaled = response.has_scale and scale == "estimated"
    if response.has_scale:
        fixed = float(fitted.scale)
        if scaled:
            params = np.append(params, _log_scale(response, params, data, weights))
            labels = (*labels, "log scale")
        else:
            data = Regression(design, y, data.offset, data.log_scale + np.log(fixed))
    route = LinearRoute(params, np.eye(len(params)), response, scaled)
    n = float(frequency.sum())
    title = f"{response.title} regression" + ("" if response.link in ("identity",) else f", {response.link} link")
    loglik = None if scaled else float(fitted.llf)
    return Fit(route, Rows(data, weights), n, labels, title, loglik)


def _response(model: Any) -> tuple[Response, FloatArray]:
    """Law of the response, and each row's weight in the likelihood."""
    from statsmodels.discrete.discrete_model import Logit, Poisson, Probit
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.regression.linear_model import OLS, WLS

    one = np.ones(len(model.endog))
    if isinstance(model, GLM):
        return _glm(model)
    if type(model) in (OLS, WLS):
        return NormalResponse("identity"), np.broadcast_to(np.asarray(model.weights, dtype=float), one.shape)
    for kind, response in (
        (Logit, lambda: BinomialResponse("logit")),
        (Probit, lambda: BinomialResponse("probit")),
        (Poisson, lambda: PoissonResponse("log")),
    ):
        if type(model) is kind:
            return response(), one
    raise InputTypeError(
        describe(
            "fitted",
            f"a result of {SUPPORTED}",
            short(type(model).__name__),
            "give sandwich_risk(data, logpdf, theta=...) the log density of other models",
        )
    )


def _glm(model: Any) -> tuple[Response, FloatArray]:
    from statsmodels.genmod import families

    family = model.family
    link = type(family.link)
    name, exponent = link.__name__.lower(), float(getattr(family.link, "power", 1.0))
    variance = np.asarray(model.var_weights, dtype=float)
    kinds: tuple[tuple[type, type[Response]], ...] = (
        (families.Gaussian, NormalResponse),
        (families.Binomial, BinomialResponse),
        (families.Poisson, PoissonResponse),
        (families.Gamma, GammaResponse),
        (families.InverseGaussian, InverseGaussianResponse),
    )
    if type(family) is families.NegativeBinomial:
        return NegativeBinomialResponse(name, exponent, float(family.alpha)), variance
    for kind, response in kinds:
        if type(family) is kind:
            trials = np.broadcast_to(np.asarray(getattr(model, "n_trials", 1.0), dtype=float), variance.shape)
            return response(name, exponent), variance * (trials if kind is families.Binomial else 1.0)
    raise InputTypeError(
        describe("fitted", f"a result of {SUPPORTED}", f"GLM with family {type(family).__name__}")
    )


def _offset(model: Any, n: int) -> FloatArray:
    """Offset and log exposure, which statsmodels keeps in one place or in two."""
    joint = getattr(model, "_offset_exposure", None)
    if joint is not None:
        return np.broadcast_to(np.asarray(joint, dtype=float), (n,)).copy()
    total = np.zeros(n)
    for name in ("offset", "exposure"):  # the exposure is stored as its logarithm
        value = getattr(model, name, None)
        if value is not None:
            total = total + np.asarray(value, dtype=float)
    return total


def _check_design(design: FloatArray, labels: tuple[str, ...]) -> None:
    size = np.sqrt(np.mean(design * design, axis=0))
    empty = np.flatnonzero(size == 0.0)
    if empty.size:
        raise DataError(f"every column of the design must have a non-zero value, all zero: {labels[empty[0]]}")
    _, singular, directions = np.linalg.svd(design / size, full_matrices=False)
    if len(design) < design.shape[1] or singular[-1] < np.sqrt(_RANK) * singular[0]:
        named = [labels[k] for k in np.flatnonzero(np.abs(directions[-1]) > 0.05)]
        raise CollinearStatisticsError(
            f"columns of the design must not depend on each other, dependent: {', '.join(named)}; drop one of them"
        )


def _log_scale(response: Response, params: FloatArray, data: Regression, weights: FloatArray) -> float:
    """Maximum-likelihood estimate of the log scale, the coefficients being what they are."""
    from scipy.optimize import brentq

    u = data.design @ params + data.offset
    alpha, beta = response.natural(u)
    kernel = data.y * alpha[0] + beta[0]

    def slope(s: float) -> float:
        log_scale = s + data.log_scale
        part = response.scale_part(data.y, log_scale)[1]
        return float(weights @ (part - np.exp(-log_scale) * kernel))

    # Deviance over n is the estimate for the normal law and within a factor of a few for the others.
    residual = float(weights @ (np.exp(-data.log_scale) * _unit_deviance(response, data.y, response.mean(u))))
    if not residual > 1e-28 * (1.0 + float(weights @ data.y**2)):
        raise DataError("the residuals of the fit must not all vanish: no scale can be estimated; use scale='known'")
    middle = np.log(residual)
    return float(brentq(slope, middle - 5.0, middle + 5.0, xtol=1e-13, rtol=1e-14))


def _unit_deviance(response: Response, y: FloatArray, mu: FloatArray) -> FloatArray:
    if isinstance(response, GammaResponse):
        return np.asarray(2.0 * ((y - mu) / mu - np.log(y / mu)))
    if isinstance(response, InverseGaussianResponse):
        return np.asarray((y - mu) ** 2 / (mu**2 * y))
    return np.asarray((y - mu) ** 2)
