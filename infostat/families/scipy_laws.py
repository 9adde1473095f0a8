"""Frozen scipy.stats laws of the univariate families.

Used for probability integral transforms and as an independent reference in
tests; scipy.stats is imported only when a law is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.validation import FloatArray
from .base import ExponentialFamily

__all__ = ["frozen", "has_distribution_function", "has_law", "probability_transform"]

# family name -> (scipy.stats law, scipy keywords from the family's usual parameters)
_LAWS: dict[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, float]]]] = {
    "bernoulli": ("bernoulli", lambda v: {"p": v["prob"]}),
    "beta": ("beta", lambda v: {"a": v["a"], "b": v["b"]}),
    "exponential": ("expon", lambda v: {"scale": 1.0 / v["rate"]}),
    "gamma": ("gamma", lambda v: {"a": v["shape"], "scale": 1.0 / v["rate"]}),
    "normal": ("norm", lambda v: {"loc": v["mean"], "scale": v["var"] ** 0.5}),
    "poisson": ("poisson", lambda v: {"mu": v["mean"]}),
    "vonmises": ("vonmises", lambda v: {"kappa": v["kappa"], "loc": v["mu"]}),
}


def has_law(family: ExponentialFamily) -> bool:
    """Return whether scipy.stats has the family as a univariate law.

    Parameters
    ----------
    family : ExponentialFamily
        Family object.

    Returns
    -------
    bool
        True if :func:`frozen` accepts it.

    Examples
    --------
    >>> from infostat.families.gamma import Gamma
    >>> has_law(Gamma())
    True
    """
    return family.name in _LAWS


def has_distribution_function(family: ExponentialFamily) -> bool:
    """Return whether :func:`probability_transform` accepts the family.

    Parameters
    ----------
    family : ExponentialFamily
        Univariate family.

    Returns
    -------
    bool
        True for families with a scipy law and for those with a method `cdf` of their own.

    Examples
    --------
    >>> from infostat.families.polynomial import PolynomialDensity
    >>> has_distribution_function(PolynomialDensity(2))
    True
    """
    return has_law(family) or hasattr(family, "cdf")


def frozen(family: ExponentialFamily, theta: ArrayLike) -> Any:
    """Return the frozen scipy.stats law of a univariate family at theta.

    Parameters
    ----------
    family : ExponentialFamily
        Bernoulli, Beta, Exponential, Gamma, Normal, Poisson or VonMises.
    theta : array_like of shape (p,)
        Natural parameter.

    Returns
    -------
    scipy.stats frozen distribution
        With `pdf` or `pmf`, `cdf`, `ppf`, ... The von Mises law is cut at ``mu - pi``;
        its `cdf` leaves [0, 1] beyond one turn (see :func:`probability_transform`).

    Raises
    ------
    InputError
        If the family is not one of these.

    Examples
    --------
    >>> from infostat.families.exponential import Exponential
    >>> float(frozen(Exponential(), [-2.0]).mean())
    0.5
    """
    if not has_law(family):
        raise InputError(
            f"the {family.title} family has no univariate scipy law; "
            f"families that have one: {', '.join(sorted(_LAWS))}"
        )
    from scipy import stats

    name, keywords = _LAWS[family.name]
    return getattr(stats, name)(**keywords(family.params(theta)))


def probability_transform(family: ExponentialFamily, theta: ArrayLike, encoded: FloatArray) -> FloatArray:
    """Return the model distribution function at each row, uniform if the model is right.

    Parameters
    ----------
    family : ExponentialFamily
        A continuous family that :func:`frozen` accepts, or one with a method `cdf`.
    theta : array_like of shape (p,)
        Natural parameter.
    encoded : ndarray of shape (m,)
        Encoded data; angles may be in any turn.

    Returns
    -------
    ndarray of shape (m,)
        Values in [0, 1].

    Examples
    --------
    >>> from infostat.families.vonmises import VonMises
    >>> family = VonMises()
    >>> theta = family.natural(mu=1.0, kappa=2.0)
    >>> probability_transform(family, theta, np.array([1.0, 1.0 + 2 * np.pi])).round(9)
    array([0.5, 0.5])
    """
    rows = np.asarray(encoded, dtype=np.float64)
    if hasattr(family, "cdf"):
        return np.asarray(family.cdf(rows, theta), dtype=np.float64)
    law = frozen(family, theta)
    if family.name == "vonmises":
        # Angles are brought to the turn that starts at the cut mu - pi.
        cut = family.params(theta)["mu"] - np.pi
        rows = cut + np.mod(rows - cut, 2.0 * np.pi)
    return np.clip(np.asarray(law.cdf(rows), dtype=np.float64), 0.0, 1.0)
