"""Exponential family of waiting times (one scale parameter)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.validation import FloatArray, check_number
from .base import BoolArray, ExponentialFamily, NewtonReport
from .whitening import Nodes

__all__ = ["Exponential"]

REGISTERED = {"exponential": "Exponential()"}


class Exponential(ExponentialFamily):
    """Exponential law on the half line with unknown rate.

    Notes
    -----
    Statistic ``x``, natural parameter ``theta = -rate``, log-partition
    ``-log(-theta)``. The cumulant of order r is ``(r - 1)!/rate^r``.

    Examples
    --------
    >>> family = Exponential()
    >>> theta = family.natural(rate=0.5)
    >>> family.mean(theta)
    array([2.])
    """

    name = "exponential"
    title = "exponential"
    support = "[0, inf)"
    parameter_names = ("rate",)

    def n_params(self, data: Any = None) -> int:
        """Return 1 (see :class:`ExponentialFamily`)."""
        return 1

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the column label (see :class:`ExponentialFamily`)."""
        return [columns[0]]

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True for finite values >= 0 (see :class:`ExponentialFamily`)."""
        return np.asarray((encoded >= 0.0) & np.isfinite(encoded))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return encoded[:, None]

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.zeros(len(encoded))

    def _in_domain(self, theta: FloatArray) -> bool:
        return bool(theta[0] < 0)

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``-log(-theta)`` (see :class:`ExponentialFamily`)."""
        return -math.log(-self.check_theta(theta)[0])

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        scale = -1.0 / theta[0]  # a NumPy number: its powers overflow to infinity
        return np.full((1,) * order, math.factorial(order - 1) * scale**order)

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return Gauss-Laguerre nodes, exact for moments up to order fifteen.

        Parameters
        ----------
        theta : array_like of shape (1,)
            Natural parameter.

        Returns
        -------
        Nodes
            Eight nodes.
        """
        points, weights = np.polynomial.laguerre.laggauss(8)
        return Nodes(points / -self.check_theta(theta)[0], weights / weights.sum())

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        mean = float(eta[0])
        if not mean > 0.0:
            raise self.boundary(f"the mean {mean:g} is not positive (every observation is 0?)")
        return NewtonReport(np.array([-1.0 / mean]))

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        return np.array([-check_number("rate", params["rate"], low=0, open_low=True)])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``rate`` (see :class:`ExponentialFamily`)."""
        return {"rate": float(-self.check_theta(theta)[0])}

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return generator.exponential(-1.0 / theta[0], size)
