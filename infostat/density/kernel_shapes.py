"""Shapes of round kernels and the constants that make them densities.

Every kernel is a decreasing function of the squared distance over a squared width, and one
bandwidth h means the same for all of them: the kernel's mass lies at distances of order h sqrt(d).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import gammaln

from ..core.errors import InputError, describe
from ..core.pairwise import PROFILES, Profile
from ..core.validation import FloatArray, check_choice, check_count, check_number
from .bandwidths import positive_bandwidths

__all__ = ["KERNELS", "check_bandwidths", "check_kernel", "kernel_profile", "log_constant", "log_constants"]

# (1 - u)^power inside the ball of radius h sqrt(d).
_POWERS = {"uniform": 0.0, "epanechnikov": 1.0, "biweight": 2.0}
KERNELS = ("gaussian", "student", *_POWERS)
_STIRLING_FROM = 16.0  # from here on seven terms of Stirling's series are exact to rounding


def check_kernel(kernel: Any, kappa: Any) -> tuple[str, float | None]:
    """Return the name of a kernel and its degrees of freedom per dimension, or raise.

    Parameters
    ----------
    kernel : {"gaussian", "student", "uniform", "epanechnikov", "biweight"}
        Shape of the kernel.
    kappa : float or None
        kappa > 0 for the Student kernel, which has kappa d degrees of freedom; None for the others.

    Returns
    -------
    tuple
        The two arguments, checked.

    Raises
    ------
    InputError
        If the name is another, if kappa is missing for the Student kernel, given for another one,
        or not positive and finite.
    InputTypeError
        If kappa is no number.

    Examples
    --------
    >>> check_kernel("student", 0.5)
    ('student', 0.5)
    """
    name = check_choice("kernel", kernel, KERNELS)
    if name != "student":
        if kappa is not None:
            cure = 'leave it out, or pass kernel="student"; only the Student kernel has degrees of freedom'
            raise InputError(describe("kappa", f'None with kernel="{name}"', kappa, cure))
        return name, None
    if kappa is None:
        cure = "kappa times d is the number of degrees of freedom of the kernel; kappa=1 is a usual start"
        raise InputError(describe("kappa", 'a number > 0 with kernel="student"', None, cure))
    return name, check_number("kappa", kappa, low=0, open_low=True)


def kernel_profile(kernel: str, d: int, kappa: float | None) -> tuple[Profile, float]:
    """Return the function of ``u = r^2/(width h)^2`` behind a kernel, and that width.

    Parameters
    ----------
    kernel : str
        From `check_kernel`.
    d : int
        Dimension.
    kappa : float or None
        From `check_kernel`.

    Returns
    -------
    profile : Profile
        Shape for :func:`infostat.core.pairwise.log_profile_sums`.
    width : float
        Scale of the profile at h = 1: one (Gaussian), ``sqrt(kappa d)`` (Student), ``sqrt(d)``
        (compact kernels).

    Examples
    --------
    >>> kernel_profile("epanechnikov", 4, None)
    (Profile(kind=2, power=1.0), 2.0)
    """
    if kernel == "gaussian":
        return Profile(PROFILES["gaussian"]), 1.0
    if kernel == "student":
        assert kappa is not None
        return Profile(PROFILES["student"], 0.5 * d * (1.0 + kappa)), math.sqrt(kappa * d)
    return Profile(PROFILES["compact"], _POWERS[kernel]), math.sqrt(d)


def log_constant(kernel: str, d: int, h: Any, kappa: float | None = None) -> Any:
    """Return the log of the constant that makes a kernel integrate to one.

    Parameters
    ----------
    kernel : {"gaussian", "student", "uniform", "epanechnikov", "biweight"}
        Shape of the kernel.
    d : int
        Dimension.
    h : float or ndarray
        Bandwidth in the unit of the data.
    kappa : float, optional
        Student: kappa d degrees of freedom.

    Returns
    -------
    float or ndarray
        Log of the kernel's value at distance zero, in nats per unit of volume of the data.

    Raises
    ------
    InputError
        If an argument is out of range, or kappa does not fit the kernel.

    Notes
    -----
    With r the distance and V the volume of the unit ball in d dimensions:

    - Gaussian ``(2 pi h^2)^(-d/2) exp(-r^2/(2 h^2))``;
    - Student, nu = kappa d degrees of freedom,
      ``Gamma((nu+d)/2) / (Gamma(nu/2) (nu pi)^(d/2) h^d) (1 + r^2/(nu h^2))^(-(nu+d)/2)``,
      the multivariate t density of scale h;
    - compact, radius R = h sqrt(d), ``Gamma(d/2+k+1) / (Gamma(k+1) pi^(d/2) R^d) (1 - r^2/R^2)^k``
      for r <= R with k = 0 (uniform, 1/(V R^d)), 1 (Epanechnikov), 2 (biweight).

    The differences of log-gamma functions are taken by Stirling's series, so that they keep their
    digits where the functions themselves are huge.

    Examples
    --------
    >>> round(float(log_constant("gaussian", 1, 1.0)), 6)
    -0.918939
    >>> round(float(np.exp(log_constant("uniform", 1, 2.0))), 12)
    0.25
    """
    name, freedom = check_kernel(kernel, kappa)
    size = check_count("d", d, low=1)
    widths = check_bandwidths(h)
    constant = _at_unit_width(name, size, freedom) - size * np.log(widths)
    return float(constant) if np.ndim(constant) == 0 else np.asarray(constant)


def check_bandwidths(h: Any) -> Any:
    """Return bandwidths as a float or a vector of floats, all positive and finite, or raise.

    Parameters
    ----------
    h : float or array_like of shape (k,)
        Bandwidths, in the unit of the data.

    Returns
    -------
    float or ndarray of shape (k,)
        The bandwidths.

    Raises
    ------
    InputError
        If there is none, or one is not positive and finite.
    """
    if isinstance(h, (list, tuple, range)) or (hasattr(h, "ndim") and h.ndim > 0):
        return positive_bandwidths("h", h, ndim=1)
    cure = "pass one bandwidth, or a sequence of them, in the unit of the data"
    return check_number("h", h.item() if isinstance(h, np.ndarray) else h, low=0, open_low=True, cure=cure)


def _at_unit_width(kernel: str, d: int, kappa: float | None) -> float:
    half = 0.5 * d
    if kernel == "gaussian":
        return -half * math.log(2.0 * math.pi)
    if kernel == "student":
        assert kappa is not None
        return _student_constant(half, half * kappa)
    power = _POWERS[kernel]
    # Gamma(d/2 + k + 1) (pi d)^(-d/2) without the difference of two huge logs.
    return float(_log_gamma_ratio(half, power + 1.0) - gammaln(power + 1.0) + _log_gamma_less(half))


def _student_constant(a: float, z: float) -> float:
    """Return ``log Gamma(z + a) - log Gamma(z) - a log(2 z pi)``."""
    if z < _STIRLING_FROM:
        return float(gammaln(z + a) - gammaln(z) - a * math.log(2.0 * math.pi * z))
    rest = _stirling(z + a) - _stirling(z)
    return (z + a - 0.5) * math.log1p(a / z) - a - a * math.log(2.0 * math.pi) + rest


def _log_gamma_ratio(z: float, a: float) -> float:
    """Return ``log Gamma(z + a) - log Gamma(z)`` for a small whole number `a`."""
    return math.fsum(math.log(z + j) for j in range(int(a)))


def _log_gamma_less(z: float) -> float:
    """Return ``log Gamma(z) - z log(2 pi z)``."""
    if z < _STIRLING_FROM:
        return float(gammaln(z)) - z * math.log(2.0 * math.pi * z)
    return -z * (1.0 + math.log(2.0 * math.pi)) - 0.5 * math.log(z / (2.0 * math.pi)) + _stirling(z)


def _stirling(z: float) -> float:
    """Return the remainder ``log Gamma(z) - ((z - 1/2) log z - z + log(2 pi)/2)`` for z >= 16."""
    square = 1.0 / (z * z)
    # Bernoulli numbers B_2k/(2k (2k-1)), k = 7 to 1.
    terms = (1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
    total = 0.0
    for term in terms:
        total = total * square + term
    return total / z


def log_constants(kernel: str, d: int, widths: FloatArray, kappa: float | None) -> FloatArray:
    """Return the log constants for a vector of checked bandwidths.

    Parameters
    ----------
    kernel : str
        Name of the kernel.
    d : int
        Dimension.
    widths : ndarray of shape (k,)
        Bandwidths.
    kappa : float or None
        Degrees of freedom over d, of the student kernel.

    Returns
    -------
    ndarray of shape (k,)
        ``log c`` of each kernel ``c K(|x|^2/h^2)``.
    """
    return np.asarray(_at_unit_width(kernel, d, kappa) - d * np.log(widths))
