"""Univariate normal family."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.validation import FloatArray, check_number
from .base import BoolArray, ExponentialFamily, Fit, NewtonReport
from .whitening import Nodes, Whitened

__all__ = ["Normal", "standard_normal_nodes"]

REGISTERED = {"normal": "Normal()"}
ALSO_CALLED = {"gaussian": "normal"}

_SQRT2 = math.sqrt(2.0)
_TINY = 1e-300


class Normal(ExponentialFamily):
    """Normal law on the real line with unknown mean and variance.

    Notes
    -----
    Statistic ``(x, x^2)``, natural parameter ``(mean/var, -1/(2 var))``,
    log-partition ``-theta_1^2/(4 theta_2) - log(-2 theta_2)/2``. Data are centred
    and scaled before moments are taken, so a large mean costs no digits.

    Examples
    --------
    >>> family = Normal()
    >>> theta = family.natural(mean=1.0, var=4.0)
    >>> family.mean(theta)
    array([1., 5.])
    """

    name = "normal"
    title = "normal"
    support = "the real line"
    parameter_names = ("mean", "var")

    def n_params(self, data: Any = None) -> int:
        """Return 2 (see :class:`ExponentialFamily`)."""
        return 2

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the labels ``x`` and ``x^2`` (see :class:`ExponentialFamily`)."""
        return [columns[0], f"{columns[0]}^2"]

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True for every finite value (see :class:`ExponentialFamily`)."""
        return np.isfinite(encoded)

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return np.column_stack([encoded, encoded * encoded])

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.full(len(encoded), -0.5 * math.log(2.0 * math.pi))

    def _in_domain(self, theta: FloatArray) -> bool:
        # Mean, variance and log-partition must be floats.
        return bool(_TINY < -theta[1] < 1.0 / _TINY and abs(theta[0]) < math.sqrt(-theta[1] / _TINY))

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``-theta_1^2/(4 theta_2) - log(-2 theta_2)/2`` (see :class:`ExponentialFamily`)."""
        t1, t2 = self.check_theta(theta)
        return float(-0.25 * t1 * (t1 / t2) - 0.5 * math.log(-2.0 * t2))

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        v = -0.5 / theta[1]
        m = theta[0] * v
        if order == 1:
            return np.array([m, v + m * m])
        # x = m + sd y and x^2 = m^2 + 2 m sd y + v y^2: the whitened cumulants, mapped back.
        sd = math.sqrt(v)
        factor = np.array([[sd, 0.0], [2.0 * m * sd, v * _SQRT2]])
        if order == 2:
            return np.asarray(factor @ factor.T)
        tensor = _third() if order == 3 else _fourth()
        for _ in range(order):
            tensor = np.tensordot(tensor, factor, axes=(0, 1))
        return tensor

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return Gauss-Hermite nodes, exact for cumulants up to order four.

        Parameters
        ----------
        theta : array_like of shape (2,)
            Natural parameter.

        Returns
        -------
        Nodes
            Eight nodes.
        """
        values = self.params(theta)
        nodes = standard_normal_nodes()
        return Nodes(values["mean"] + math.sqrt(values["var"]) * nodes.points, nodes.weights)

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the model in the coordinates ``(y, (y^2 - 1)/sqrt 2)``, y standardised.

        Parameters
        ----------
        theta : array_like of shape (2,)
            Natural parameter.

        Returns
        -------
        Whitened
            Whitened view.
        """
        values = self.params(theta)
        return whitened_normal(values["mean"], math.sqrt(values["var"]))

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        var = eta[1] - eta[0] * eta[0]
        if not var > 0:
            raise self.boundary(
                f"the second moment {eta[1]:g} does not exceed the squared mean {eta[0] ** 2:g} "
                "(all observations equal?)"
            )
        return NewtonReport(np.array([eta[0] / var, -0.5 / var]))

    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit by the weighted mean and variance (see :class:`ExponentialFamily`)."""
        mean = float(weights @ encoded)
        centred = encoded - mean
        var = float(weights @ (centred * centred))
        if not var > 0 or math.sqrt(var) <= 1e-14 * abs(mean):
            raise self.boundary("all observations are equal")
        theta = np.array([mean / var, -0.5 / var])
        eta = np.array([mean, var + mean * mean])
        return Fit(theta, eta, whitened_normal(mean, math.sqrt(var)), NewtonReport(theta))

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        mean = check_number("mean", params["mean"])
        var = check_number("var", params["var"], low=0, open_low=True)
        return np.array([mean / var, -0.5 / var])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``mean`` and ``var`` (see :class:`ExponentialFamily`)."""
        t1, t2 = self.check_theta(theta)
        return {"mean": float(-0.5 * t1 / t2), "var": float(-0.5 / t2)}

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        # Written with (x - mean)^2, because theta.xi - Psi cancels when the mean is large.
        values = self.params(theta)
        z2 = (encoded - values["mean"]) ** 2 / values["var"]
        return np.asarray(-0.5 * (z2 + math.log(2.0 * math.pi * values["var"])))

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        values = self.params(theta)
        return generator.normal(values["mean"], math.sqrt(values["var"]), size)


def whitened_normal(mean: float, sd: float) -> Whitened:
    """Return the whitened view of N(mean, sd^2).

    Parameters
    ----------
    mean, sd : float
        Location and scale.

    Returns
    -------
    Whitened
        Coordinates ``(y, (y^2 - 1)/sqrt 2)`` with ``y = (x - mean)/sd``.
    """

    def rows(encoded: FloatArray) -> FloatArray:
        y = (encoded - mean) / sd
        return np.column_stack([y, (y * y - 1.0) / _SQRT2])

    def fourth(S: FloatArray) -> float:
        return float(np.einsum("ijkl,ij,kl->", _fourth(), S, S))

    def nodes() -> tuple[FloatArray, FloatArray]:
        standard = standard_normal_nodes()
        return rows(mean + sd * standard.points), standard.weights

    return Whitened(p=2, rows=rows, third=_third, fourth=fourth, nodes=nodes)


def standard_normal_nodes(count: int = 8) -> Nodes:
    """Return Gauss-Hermite nodes of the standard normal law.

    Parameters
    ----------
    count : int
        Number of nodes; moments up to degree ``2 count - 1`` are exact.

    Returns
    -------
    Nodes
        Points and weights of sum one.
    """
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    return Nodes(points, weights / weights.sum())


def _third() -> FloatArray:
    # k(y, y, q) = 2/sqrt 2 and k(q, q, q) = 8/(2 sqrt 2) for q = (y^2 - 1)/sqrt 2.
    out = np.zeros((2, 2, 2))
    out[0, 0, 1] = out[0, 1, 0] = out[1, 0, 0] = _SQRT2
    out[1, 1, 1] = 2.0 * _SQRT2
    return out


def _fourth() -> FloatArray:
    # k(y, y, q, q) = 8/2 and k(q, q, q, q) = 48/4.
    out = np.zeros((2, 2, 2, 2))
    for index in ((0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 1, 0), (1, 0, 0, 1), (1, 0, 1, 0), (1, 1, 0, 0)):
        out[index] = 4.0
    out[1, 1, 1, 1] = 12.0
    return out
