"""Beta family."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.validation import FloatArray, check_number
from .base import BoolArray, ExponentialFamily, NewtonReport
from .dirichlet import dirichlet_cumulants, dirichlet_domain, dirichlet_log_partition, simplex_gap, solve_dirichlet
from .whitening import Nodes, Whitened, whiten_cumulants

__all__ = ["Beta"]

REGISTERED = {"beta": "Beta()"}

# Nodes stop where the density has fallen by exp(-_DROP): beyond, fourth moments gain nothing.
_DROP = 60.0
# For b below this, the upper tail lies where 1 - x is lost in the rounding of x.
_SMALLEST_B = 1.5
_LARGEST_LOGIT = 36.0


class Beta(ExponentialFamily):
    """Beta law on the unit interval.

    Notes
    -----
    Statistic ``(log x, log(1 - x))`` with base density ``1/(x (1 - x))``,
    natural parameter ``(a, b)``, log-partition ``log B(a, b)``. The cumulant of
    order r is ``[all indices equal] polygamma(r - 1, a or b) - polygamma(r - 1, a + b)``.
    Whitened quantities are accurate to about ``1e-14 (a + b)``.

    Examples
    --------
    >>> family = Beta()
    >>> theta = family.natural(a=2.0, b=3.0)
    >>> family.project(family.mean(theta)).round(9)
    array([2., 3.])
    """

    name = "beta"
    title = "beta"
    support = "(0, 1)"
    parameter_names = ("a", "b")

    def n_params(self, data: Any = None) -> int:
        """Return 2 (see :class:`ExponentialFamily`)."""
        return 2

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the labels ``log x`` and ``log(1 - x)`` (see :class:`ExponentialFamily`)."""
        return [f"log {columns[0]}", f"log(1 - {columns[0]})"]

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True strictly between 0 and 1 (see :class:`ExponentialFamily`)."""
        return np.asarray((encoded > 0.0) & (encoded < 1.0))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return np.column_stack([np.log(encoded), np.log1p(-encoded)])

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.asarray(-np.log(encoded) - np.log1p(-encoded))

    def _in_domain(self, theta: FloatArray) -> bool:
        return dirichlet_domain(theta)

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``log B(a, b)`` (see :class:`ExponentialFamily`)."""
        return dirichlet_log_partition(self.check_theta(theta))

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        return dirichlet_cumulants(theta, order)

    def nodes(self, theta: ArrayLike) -> Nodes | None:
        """Return trapezoidal nodes in the logit of x.

        Parameters
        ----------
        theta : array_like of shape (2,)
            Natural parameter.

        Returns
        -------
        Nodes or None
            None for ``b < 1.5`` and for very small ``a``, where floats cannot
            hold the nodes near one or zero; the whitened view has nodes always.
        """
        a, b = self.check_theta(theta)
        if b < _SMALLEST_B:
            return None
        y, weights = _logit_nodes(float(a), float(b))
        inside = y < _LARGEST_LOGIT
        y, weights = y[inside], weights[inside]
        points = np.exp(-np.logaddexp(0.0, -y))
        if not (points > np.finfo(float).tiny).all():
            return None
        return Nodes(points, weights / weights.sum())

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the whitened view, with nodes that never pass through data space.

        Parameters
        ----------
        theta : array_like of shape (2,)
            Natural parameter.

        Returns
        -------
        Whitened
            Whitened view.
        """
        parameter = self.check_theta(theta)
        mean, cov = dirichlet_cumulants(parameter, 1), dirichlet_cumulants(parameter, 2)

        def third() -> FloatArray:
            return dirichlet_cumulants(parameter, 3)

        def fourth(S: FloatArray) -> float:
            return self.contract_fourth(parameter, S)

        view = whiten_cumulants(mean, cov, self._statistic, third, fourth, lambda: None)
        of_logit = whiten_cumulants(mean, cov, _logit_statistic, third, fourth, lambda: None)

        def nodes() -> tuple[FloatArray, FloatArray]:
            y, weights = _logit_nodes(float(parameter[0]), float(parameter[1]))
            return of_logit.rows(y), weights

        return replace(view, nodes=nodes)

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        if not simplex_gap(eta) > 16.0 * np.finfo(float).eps:
            raise self.boundary(
                "the geometric means of x and 1 - x sum to one, but must sum to less "
                "(all observations equal?)"
            )
        return solve_dirichlet(eta, start)

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        return np.array([check_number(k, params[k], low=0, open_low=True) for k in ("a", "b")])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``a`` and ``b`` (see :class:`ExponentialFamily`)."""
        a, b = self.check_theta(theta)
        return {"a": float(a), "b": float(b)}

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return generator.beta(theta[0], theta[1], size)


def _logit_statistic(y: FloatArray) -> FloatArray:
    return np.column_stack([-np.logaddexp(0.0, -y), -np.logaddexp(0.0, y)])


def _logit_nodes(a: float, b: float) -> tuple[FloatArray, FloatArray]:
    """Trapezoidal nodes for ``y = log(x/(1 - x))`` with weights of sum one."""
    smaller = min(a, b)
    if smaller < 1.0:
        # At least one long exponential tail: y = y0 + 2 sinh t makes tails fall
        # double-exponentially in t; y0 is the knee where the density stops being flat.
        y0 = math.log(max(a, 1.0)) - math.log(max(b, 1.0))
        reach = math.asinh(0.5 * (_DROP / smaller + _DROP + abs(y0)))
        t = np.arange(-reach, reach, 0.1)
        y = y0 + 2.0 * np.sinh(t)
        jacobian = np.log(np.cosh(t))
    else:
        # One Gaussian-like hump with exponential tails of rates a (left) and b (right).
        effective = a * b / (a + b)
        q = _DROP / effective
        reach = math.sqrt(2.0 * q) + q
        y = math.log(a / b) + np.arange(-reach, reach, 0.25 / math.sqrt(max(effective, 1.0)))
        jacobian = np.zeros_like(y)
    log_weights = jacobian - a * np.logaddexp(0.0, -y) - b * np.logaddexp(0.0, y)
    keep = log_weights > log_weights.max() - _DROP - 5.0
    weights = np.exp(log_weights[keep] - log_weights.max())
    return y[keep], weights / weights.sum()
