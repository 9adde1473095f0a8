"""Bernoulli family."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from ..core.validation import FloatArray, check_number
from .base import BoolArray, ExponentialFamily, NewtonReport
from .whitening import Nodes

__all__ = ["Bernoulli"]

REGISTERED = {"bernoulli": "Bernoulli()"}


class Bernoulli(ExponentialFamily):
    """Law of a 0/1 variable with unknown probability of 1.

    Notes
    -----
    Statistic ``x``, natural parameter ``theta = log(prob/(1 - prob))``,
    log-partition ``log(1 + exp(theta))``. With ``v = prob (1 - prob)`` the
    cumulants are ``prob``, ``v``, ``v (1 - 2 prob)`` and ``v (1 - 6 v)``.

    Examples
    --------
    >>> family = Bernoulli()
    >>> theta = family.natural(prob=0.25)
    >>> family.mean(theta)
    array([0.25])
    """

    name = "bernoulli"
    title = "Bernoulli"
    support = "{0, 1}"
    discrete = True
    parameter_names = ("prob",)

    def n_params(self, data: Any = None) -> int:
        """Return 1 (see :class:`ExponentialFamily`)."""
        return 1

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the column label (see :class:`ExponentialFamily`)."""
        return [columns[0]]

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True for 0 and 1 (see :class:`ExponentialFamily`)."""
        return np.asarray((encoded == 0.0) | (encoded == 1.0))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return encoded[:, None]

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.zeros(len(encoded))

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``log(1 + exp(theta))`` (see :class:`ExponentialFamily`)."""
        return float(np.logaddexp(0.0, self.check_theta(theta)[0]))

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        prob, rest = float(expit(theta[0])), float(expit(-theta[0]))
        v = prob * rest
        # rest - prob, without the cancellation at probability one half.
        skew = -math.tanh(0.5 * float(theta[0]))
        value = (prob, v, v * skew, v * (1.0 - 6.0 * v))[order - 1]
        return np.full((1,) * order, value)

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return the two points with their probabilities.

        Parameters
        ----------
        theta : array_like of shape (1,)
            Natural parameter.

        Returns
        -------
        Nodes
            Points 0 and 1.
        """
        t = self.check_theta(theta)[0]
        return Nodes(np.array([0.0, 1.0]), np.array([expit(-t), expit(t)]))

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        mean = float(eta[0])
        if not 0.0 < mean < 1.0:
            side = "every observation is 0" if mean <= 0.0 else "every observation is 1"
            raise self.boundary(f"the mean {mean:g} is not inside (0, 1) ({side}?)")
        return NewtonReport(np.array([math.log(mean) - math.log1p(-mean)]))

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        prob = check_number("prob", params["prob"], low=0, high=1, open_low=True, open_high=True)
        return np.array([math.log(prob) - math.log1p(-prob)])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``prob`` (see :class:`ExponentialFamily`)."""
        return {"prob": float(expit(self.check_theta(theta)[0]))}

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return np.asarray(generator.random(size) < expit(theta[0]), dtype=np.int64)
