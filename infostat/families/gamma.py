"""Gamma family."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, polygamma

from ..core.validation import FloatArray, check_number
from .base import BoolArray, ExponentialFamily, Fit, NewtonReport
from .specials import polygamma_excess, ratio_gap, stirling_excess
from .whitening import Nodes, Whitened

__all__ = ["Gamma", "shape_from_gap"]

REGISTERED = {"gamma": "Gamma()"}

# Nodes stop where the density has fallen by exp(-_DROP): beyond, fourth moments gain nothing.
_DROP = 60.0
_SMALLEST_RELATIVE_SPREAD = 1e-14

_LARGEST = 1e300  # shapes whose log-partition function is a float


class Gamma(ExponentialFamily):
    """Gamma law on the positive numbers with unknown shape and rate.

    Notes
    -----
    Statistic ``(log x, x)`` with base density ``1/x``, natural parameter
    ``(shape, -rate)``, log-partition ``lgamma(shape) - shape log(rate)``.

    Cumulants: r logs ``polygamma(r - 1, shape)`` (minus ``log rate`` for r = 1);
    k factors x ``shape (k - 1)!/rate^k``; one log with k factors x
    ``(k - 1)!/rate^k``; two or more logs with an x vanish.

    The estimate solves ``log a - digamma(a) = log mean - mean log``. The right
    side is summed from ``x/m - 1 - log(x/m)``, so data with a tiny relative
    spread (shape up to 1e20) keep their digits.

    Examples
    --------
    >>> family = Gamma()
    >>> theta = family.natural(shape=2.0, rate=4.0)
    >>> family.mean(theta).round(4)
    array([-0.9635,  0.5   ])
    >>> family.project(family.mean(theta)).round(9)
    array([ 2., -4.])
    """

    name = "gamma"
    title = "gamma"
    support = "(0, inf)"
    parameter_names = ("shape", "rate")

    def n_params(self, data: Any = None) -> int:
        """Return 2 (see :class:`ExponentialFamily`)."""
        return 2

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the labels ``log x`` and ``x`` (see :class:`ExponentialFamily`)."""
        return [f"log {columns[0]}", columns[0]]

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True for finite positive values (see :class:`ExponentialFamily`)."""
        return np.asarray((encoded > 0.0) & np.isfinite(encoded))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return np.column_stack([np.log(encoded), encoded])

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.asarray(-np.log(encoded))

    def _in_domain(self, theta: FloatArray) -> bool:
        return bool(0 < theta[0] <= _LARGEST and theta[1] < 0)

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``lgamma(shape) - shape log(rate)`` (see :class:`ExponentialFamily`)."""
        shape, minus_rate = self.check_theta(theta)
        return float(gammaln(shape) - shape * math.log(-minus_rate))

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        a, b = theta[0], -theta[1]  # NumPy's: powers beyond the floats are infinite or zero
        out = np.empty((2,) * order)
        for index in product((0, 1), repeat=order):
            out[index] = _cumulant(a, b, logs=order - sum(index), factors=sum(index))
        return out

    def nodes(self, theta: ArrayLike) -> Nodes | None:
        """Return trapezoidal nodes in ``log x``.

        Parameters
        ----------
        theta : array_like of shape (2,)
            Natural parameter.

        Returns
        -------
        Nodes or None
            None if some nodes are too small or too large for a float, as for
            shapes below 0.1; the whitened view has its nodes for every shape.
        """
        values = self.params(theta)
        s, weights = _log_nodes(values["shape"])
        with np.errstate(over="ignore", under="ignore"):
            points = np.exp(s + math.log(values["shape"]) - math.log(values["rate"]))
        usable = bool(np.isfinite(points).all() and (points > np.finfo(float).tiny).all())
        return Nodes(points, weights) if usable else None

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the model in the coordinates x and ``log x`` minus its regression on x.

        Parameters
        ----------
        theta : array_like of shape (2,)
            Natural parameter.

        Returns
        -------
        Whitened
            Whitened view; no digits are lost for large shapes, where ``log x``
            and x are almost collinear.
        """
        values = self.params(theta)
        return _whitened_gamma(values["shape"], values["shape"] / values["rate"])

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        mean_log, mean = float(eta[0]), float(eta[1])
        if not mean > 0.0:
            raise self.boundary(f"the mean {mean:g} is not positive")
        gap = math.log(mean) - mean_log
        if not gap > 8.0 * np.finfo(float).eps * max(1.0, abs(mean_log)):
            raise self.boundary(
                f"log mean - mean log is {gap:g}, but must be positive (all observations equal?)"
            )
        return self._report(gap, mean)

    def _report(self, gap: float, mean: float) -> NewtonReport:
        shape, n_iter = shape_from_gap(gap)
        return NewtonReport(np.array([shape, -shape / mean]), n_iter, "newton")

    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit by maximum likelihood in centred arithmetic (see :class:`ExponentialFamily`)."""
        mean = float(weights @ encoded)
        gap = float(weights @ ratio_gap(encoded, mean))
        if math.sqrt(2.0 * gap) <= _SMALLEST_RELATIVE_SPREAD:
            raise self.boundary("all observations are equal")
        report = self._report(gap, mean)
        eta = np.array([float(weights @ np.log(encoded)), mean])
        return Fit(report.theta, eta, _whitened_gamma(float(report.theta[0]), mean), report)

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        shape = check_number("shape", params["shape"], low=0, open_low=True)
        rate = check_number("rate", params["rate"], low=0, open_low=True)
        return np.array([shape, -rate])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``shape`` and ``rate`` (see :class:`ExponentialFamily`)."""
        shape, minus_rate = self.check_theta(theta)
        return {"shape": float(shape), "rate": float(-minus_rate)}

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        # theta.xi - Psi cancels for large shapes; the deviance and Stirling's remainder do not.
        shape, mean = float(theta[0]), float(-theta[0] / theta[1])
        constant = 0.5 * math.log(shape / (2.0 * math.pi)) - float(stirling_excess(shape))
        return np.asarray(constant - shape * ratio_gap(encoded, mean) - np.log(encoded))

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return generator.gamma(theta[0], -1.0 / theta[1], size)


def shape_from_gap(gap: float) -> tuple[float, int]:
    """Return the shape a with ``log a - digamma(a) = gap`` and the Newton steps taken.

    Parameters
    ----------
    gap : float
        Positive number ``log mean - mean log``.

    Returns
    -------
    tuple of (float, int)
        Shape and number of steps.

    Notes
    -----
    In logarithmic coordinates both sides are nearly straight (slope -1 at both
    ends), so Newton's method on ``log a`` needs a handful of steps for every gap.

    Examples
    --------
    >>> round(shape_from_gap(float(np.euler_gamma))[0], 12)
    1.0
    """
    # a ~ (3 - g + sqrt((g - 3)^2 + 24 g))/(12 g), in the form without cancellation.
    root = math.hypot(gap - 3.0, math.sqrt(24.0 * gap))
    a = (3.0 - gap + root) / (12.0 * gap) if gap < 3.0 else 2.0 / (root + gap - 3.0)
    n_iter, change = 0, math.inf
    # The error after a step is of the order of its square.
    while abs(change) > 1e-9 and n_iter < 50:
        n_iter += 1
        value = -float(polygamma_excess(0, a))
        slope = a * float(polygamma_excess(1, a)) / value
        change = math.log(value / gap) / slope
        a *= math.exp(change)
    return a, n_iter


def _cumulant(a: float, b: float, logs: int, factors: int) -> float:
    if factors == 0:
        value = float(polygamma(logs - 1, a))
        return value - math.log(b) if logs == 1 else value
    if logs > 1:
        return 0.0
    return (a if logs == 0 else 1.0) * math.factorial(factors - 1) / b**factors


def _log_nodes(a: float) -> tuple[FloatArray, FloatArray]:
    """Trapezoidal nodes for ``s = log(x/mean)`` with weights of sum one."""
    if a < 1.0:
        # The left tail exp(a y) of y = log(rate x) is long; y = t - exp(-t) makes it
        # fall double-exponentially in t, so that few nodes serve every small shape.
        t = np.arange(-math.log(_DROP / a + _DROP), 5.0, 0.15)
        y = t - np.exp(-t)
        log_weights = a * y - np.exp(y) + np.log1p(np.exp(-t))
        s = y - math.log(a)
    else:
        # Density exp(-a (exp(s) - 1 - s)); analytic for |Im s| < pi/2, Gaussian for large a.
        q = _DROP / a
        reach = math.sqrt(2.0 * q)
        s = np.arange(-(reach + q), reach, 0.25 / math.sqrt(a))
        log_weights = -a * _expm1_minus(s)
    keep = log_weights > log_weights.max() - _DROP - 5.0
    weights = np.exp(log_weights[keep] - log_weights.max())
    return s[keep], weights / weights.sum()


def _whitened_gamma(a: float, mean: float) -> Whitened:
    """Whitened view from ``w = x/mean`` and ``r = log w - w``, which are uncorrelated."""
    sd_w = 1.0 / math.sqrt(a)
    sd_r = math.sqrt(float(polygamma_excess(1, a)))
    offset = -float(polygamma_excess(0, a))
    inverse = np.array([1.0 / sd_w, 1.0 / sd_r])

    def rows(encoded: FloatArray) -> FloatArray:
        return np.column_stack([(encoded - mean) / (mean * sd_w), (offset - ratio_gap(encoded, mean)) / sd_r])

    def scaled(order: int, values: Sequence[float]) -> FloatArray:
        out = np.empty((2,) * order)
        for index in product((0, 1), repeat=order):
            out[index] = values[sum(index)] * math.prod(inverse[list(index)])
        return out

    def third() -> FloatArray:
        # k(www), k(wwr), k(wrr), k(rrr) of the gamma law with mean one.
        return scaled(3, (2.0 / a**2, -1.0 / a**2, 0.0, float(polygamma_excess(2, a))))

    def fourth(S: FloatArray) -> float:
        values = (6.0 / a**3, -4.0 / a**3, 2.0 / a**3, 0.0, float(polygamma_excess(3, a)))
        return float(np.einsum("ijkl,ij,kl->", scaled(4, values), S, S))

    def nodes() -> tuple[FloatArray, FloatArray]:
        s, weights = _log_nodes(a)
        z = np.column_stack([np.expm1(s) / sd_w, (offset - _expm1_minus(s)) / sd_r])
        return z, weights

    return Whitened(p=2, rows=rows, third=third, fourth=fourth, nodes=nodes)


def _expm1_minus(s: FloatArray) -> FloatArray:
    """Return ``exp(s) - 1 - s`` without cancellation near zero."""
    out = np.asarray(np.expm1(s) - s)
    small = np.abs(s) < 0.5
    tail = np.ones_like(s[small])
    for k in range(17, 2, -1):
        tail = 1.0 + s[small] * tail / k
    out[small] = 0.5 * s[small] ** 2 * tail
    return out
