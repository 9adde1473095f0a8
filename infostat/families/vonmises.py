"""Von Mises family: angles on the circle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import i0e, i1e

from ..core.validation import FloatArray, check_number
from .base import BoolArray, ExponentialFamily, Fit, NewtonReport
from .whitening import Nodes, Whitened, mix_axes, node_view

__all__ = ["VonMises", "concentration", "mean_resultant_gap"]

REGISTERED = {"vonmises": "VonMises()"}
ALSO_CALLED = {"von_mises": "vonmises"}

_N_NODES = 4096
# Half-width of the node window in units of 1/sqrt(kappa): outside, the density is below exp(-40).
_WINDOW = 14.0
# From here on the series of 1 - A(kappa) reaches the last digit; below, the plain
# difference loses at most a factor 2 kappa = 60 of rounding error.
_SERIES_FROM = 30.0
_N_SERIES = 25
_SMALLEST_SPREAD = 1e-14
_LARGEST = 1e300


class VonMises(ExponentialFamily):
    """Von Mises law of an angle in radians with unknown direction and concentration.

    Notes
    -----
    Statistic ``(cos x, sin x)``, natural parameter ``kappa (cos mu, sin mu)``,
    log-partition ``log(2 pi I0(kappa))`` with respect to Lebesgue measure on one
    turn of the circle. Angles that differ by whole turns are the same.

    Cumulants of order two and more are taken in the frame turned to mu, from
    4096 trapezoidal nodes on ``[-w, w]``, ``w = min(pi, 14/sqrt(kappa))``, with
    ``cos(phi) - 1 = -2 sin(phi/2)^2``; the estimate solves
    ``1 - I1(kappa)/I0(kappa) = mean 2 sin((x - mu)/2)^2``. Neither loses digits
    at large concentrations (K. Mardia and P. Jupp, Directional Statistics, 2000).

    Examples
    --------
    >>> family = VonMises()
    >>> theta = family.natural(mu=0.0, kappa=2.0)
    >>> family.mean(theta).round(6)
    array([0.697775, 0.      ])
    """

    name = "vonmises"
    title = "von Mises"
    support = "the circle (finite angles in radians)"
    parameter_names = ("mu", "kappa")

    def n_params(self, data: Any = None) -> int:
        """Return 2 (see :class:`ExponentialFamily`)."""
        return 2

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the labels ``cos x`` and ``sin x`` (see :class:`ExponentialFamily`)."""
        return [f"cos {columns[0]}", f"sin {columns[0]}"]

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True for every finite angle (see :class:`ExponentialFamily`)."""
        return np.isfinite(encoded)

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return np.column_stack([np.cos(encoded), np.sin(encoded)])

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.zeros(len(encoded))

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``log(2 pi I0(kappa))`` (see :class:`ExponentialFamily`)."""
        kappa = math.hypot(*self.check_theta(theta))
        return kappa + math.log(2.0 * math.pi * float(i0e(kappa)))

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        mu, kappa = _polar(theta)
        if order == 1:
            length = float(i1e(kappa) / i0e(kappa))
            return length * np.array([math.cos(mu), math.sin(mu)])
        # Columns of the turned statistic are (sin phi, cos phi - 1); turn them back.
        turn = np.array([[-math.sin(mu), math.cos(mu)], [math.cos(mu), math.sin(mu)]])
        return mix_axes(_frame_cumulants(kappa, order), turn)

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return trapezoidal nodes, exact to rounding.

        Parameters
        ----------
        theta : array_like of shape (2,)
            Natural parameter.

        Returns
        -------
        Nodes
            4096 angles around mu.
        """
        mu, kappa = _polar(self.check_theta(theta))
        phi, weights = _frame_nodes(kappa)
        return Nodes(mu + phi, weights)

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the model in the coordinates ``sin(x - mu)`` and ``cos(x - mu)``, standardised.

        Parameters
        ----------
        theta : array_like of shape (2,)
            Natural parameter.

        Returns
        -------
        Whitened
            Whitened view.
        """
        return _whitened_frame(*_polar(self.check_theta(theta)))

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        length = math.hypot(*eta)
        if not length < 1.0 - 4.0 * np.finfo(float).eps:
            raise self.boundary(
                f"the mean resultant length {length:g} is not below one (all angles equal?)"
            )
        kappa, n_iter = concentration(1.0 - length, length)
        return self._report(math.atan2(eta[1], eta[0]), kappa, n_iter)

    def _report(self, mu: float, kappa: float, n_iter: int) -> NewtonReport:
        return NewtonReport(kappa * np.array([math.cos(mu), math.sin(mu)]), n_iter, "newton")

    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit by maximum likelihood in the turned frame (see :class:`ExponentialFamily`)."""
        eta = np.asarray(weights @ self._statistic(encoded))
        mu = math.atan2(eta[1], eta[0])
        # 1 - R with R the mean of cos(x - mu): a sum of squares, so nothing cancels.
        gap = float(weights @ (2.0 * np.sin(0.5 * (encoded - mu)) ** 2))
        if math.sqrt(2.0 * gap) <= _SMALLEST_SPREAD * max(1.0, float(np.abs(encoded).max())):
            raise self.boundary("all angles are equal (mean resultant length one)")
        kappa, n_iter = concentration(gap, math.hypot(*eta))
        report = self._report(mu, kappa, n_iter)
        return Fit(report.theta, eta, _whitened_frame(mu, kappa), report)

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        mu = check_number("mu", params["mu"])
        kappa = check_number("kappa", params["kappa"], low=0)
        return kappa * np.array([math.cos(mu), math.sin(mu)])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``mu`` in (-pi, pi] and ``kappa`` (see :class:`ExponentialFamily`)."""
        mu, kappa = _polar(self.check_theta(theta))
        return {"mu": mu, "kappa": kappa}

    def _in_domain(self, theta: FloatArray) -> bool:
        return bool(np.abs(theta).max() < _LARGEST)

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        mu, kappa = _polar(theta)
        deviation = -2.0 * np.sin(0.5 * (encoded - mu)) ** 2
        return np.asarray(kappa * deviation - math.log(2.0 * math.pi * float(i0e(kappa))))

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return generator.vonmises(*_polar(theta), size)


def mean_resultant_gap(kappa: float) -> float:
    """Return ``1 - I1(kappa)/I0(kappa)`` without cancellation.

    Parameters
    ----------
    kappa : float
        Concentration, >= 0.

    Returns
    -------
    float
        One minus the mean resultant length, about ``1/(2 kappa)`` for large kappa.

    Examples
    --------
    >>> round(mean_resultant_gap(1e8) * 2e8, 10)
    1.0000000025
    """
    if kappa < _SERIES_FROM:
        zero, one = float(i0e(kappa)), float(i1e(kappa))
        return (zero - one) / zero
    total = 0.0
    for coefficient in reversed(_gap_series()):
        total = (total + coefficient) / kappa
    return total


def concentration(gap: float, length: float) -> tuple[float, int]:
    """Return kappa with mean resultant length `length`, and the Newton steps taken.

    Parameters
    ----------
    gap : float
        One minus the mean resultant length, computed without cancellation.
    length : float
        The mean resultant length in [0, 1).

    Returns
    -------
    tuple of (float, int)
        Concentration and number of steps.

    Notes
    -----
    Newton's method on ``log kappa`` for ``log A`` (short vectors) or ``log(1 - A)``
    (long ones), using ``A' = 1 - A/kappa - A^2``, from the start
    ``R (2 - R^2)/(1 - R^2)``.

    Examples
    --------
    >>> round(concentration(0.5, 0.5)[0], 6)
    1.15932
    """
    if length <= 0.0:
        return 0.0, 0
    kappa = length * (2.0 - length * length) / (gap * (1.0 + length))
    n_iter, change = 0, math.inf
    # The error after a step is of the order of its square.
    while abs(change) > 1e-9 and n_iter < 50:
        n_iter += 1
        value = mean_resultant_gap(kappa)
        slope = kappa * _gap_slope(kappa, value)
        if length < 0.5:
            short = float(i1e(kappa) / i0e(kappa))
            change = math.log(short / length) * short / slope
        else:
            change = -math.log(value / gap) * value / slope
        kappa *= math.exp(change)
    return kappa, n_iter


def _gap_slope(kappa: float, gap: float) -> float:
    """Derivative of ``1 - A(kappa)`` (negative)."""
    if kappa < _SERIES_FROM:
        a = 1.0 - gap
        # A/kappa tends to 1/2 at zero, where the quotient of floats is still fine.
        return -(1.0 - float(i1e(kappa) / i0e(kappa)) / kappa - a * a)
    total = 0.0
    for n, coefficient in reversed(list(enumerate(_gap_series(), start=1))):
        total = (total - n * coefficient) / kappa
    return total / kappa


@cache
def _gap_series() -> tuple[float, ...]:
    """Coefficients d_n of ``1 - A(kappa) = sum_n d_n kappa^-n``.

    They follow from the differential equation ``A' = 1 - A/kappa - A^2``.
    """
    d = [0.0, 0.5]
    for n in range(2, _N_SERIES + 1):
        products = sum(d[i] * d[n - i] for i in range(1, n))
        d.append(0.5 * ((n - 2) * d[n - 1] + products))
    return tuple(d[1:])


def _polar(theta: FloatArray) -> tuple[float, float]:
    return math.atan2(theta[1], theta[0]), math.hypot(theta[0], theta[1])


def _frame_nodes(kappa: float) -> tuple[FloatArray, FloatArray]:
    """Angles around the mean direction and their weights."""
    width = math.pi if kappa == 0.0 else min(math.pi, _WINDOW / math.sqrt(kappa))
    phi = width * np.arange(-_N_NODES // 2, _N_NODES // 2) / (_N_NODES // 2)
    weights = np.exp(-2.0 * kappa * np.sin(0.5 * phi) ** 2)
    return phi, weights / weights.sum()


def _frame_statistic(phi: FloatArray) -> FloatArray:
    return np.column_stack([np.sin(phi), -2.0 * np.sin(0.5 * phi) ** 2])


def _frame_cumulants(kappa: float, order: int) -> FloatArray:
    """Joint cumulants of order 2 to 4 of ``(sin phi, cos phi)``."""
    phi, weights = _frame_nodes(kappa)
    raw = _frame_statistic(phi)
    z = raw - weights @ raw
    moment = z * weights[:, None]
    letters = "ijkl"[:order]
    out = np.einsum(",".join(f"b{c}" for c in letters) + f"->{letters}", moment, *[z] * (order - 1))
    if order == 4:
        cov = z.T @ moment
        for pairs in ("ij,kl", "ik,jl", "il,jk"):
            out = out - np.einsum(f"{pairs}->ijkl", cov, cov)
    return np.asarray(out)


def _whitened_frame(mu: float, kappa: float) -> Whitened:
    # Nodes stay relative to mu: adding mu and taking it off again would cost digits.
    view = node_view(_frame_statistic, *_frame_nodes(kappa))
    return replace(view, rows=lambda encoded: view.rows(encoded - mu))
