"""Poisson family."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from ..core.errors import InputError
from ..core.validation import FloatArray, check_number
from .base import BoolArray, ExponentialFamily, NewtonReport
from .specials import ratio_gap, stirling_excess
from .whitening import Nodes

__all__ = ["Poisson"]

REGISTERED = {"poisson": "Poisson()"}

_LOG_FLOAT_RANGE = (-708.0, 709.0)
_LARGEST_SAMPLED_MEAN = 1e18
_MAX_NODES = 1_000_000


class Poisson(ExponentialFamily):
    """Poisson law of a count with unknown mean.

    Notes
    -----
    Statistic ``x``, natural parameter ``theta = log(mean)``, log-partition
    ``exp(theta)``, base ``1/x!``. Every cumulant equals the mean.

    Examples
    --------
    >>> family = Poisson()
    >>> theta = family.natural(mean=2.0)
    >>> family.logpdf([0, 1], theta).round(6)
    array([-2.      , -1.306853])
    """

    name = "poisson"
    title = "Poisson"
    support = "the non-negative integers"
    discrete = True
    parameter_names = ("mean",)

    def n_params(self, data: Any = None) -> int:
        """Return 1 (see :class:`ExponentialFamily`)."""
        return 1

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the column label (see :class:`ExponentialFamily`)."""
        return [columns[0]]

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True for whole numbers >= 0 (see :class:`ExponentialFamily`)."""
        return np.asarray((encoded >= 0.0) & (encoded == np.floor(encoded)) & np.isfinite(encoded))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return encoded[:, None]

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.asarray(-gammaln(encoded + 1.0))

    def _in_domain(self, theta: FloatArray) -> bool:
        # Outside, exp(theta) is not a positive normal float.
        return bool(_LOG_FLOAT_RANGE[0] < theta[0] < _LOG_FLOAT_RANGE[1])

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``exp(theta)`` (see :class:`ExponentialFamily`)."""
        return math.exp(self.check_theta(theta)[0])

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        return np.full((1,) * order, math.exp(theta[0]))

    def nodes(self, theta: ArrayLike) -> Nodes | None:
        """Return the counts within twelve standard deviations (and 60) of the mean.

        Parameters
        ----------
        theta : array_like of shape (1,)
            Natural parameter.

        Returns
        -------
        Nodes or None
            The counts left out contribute less than 1e-18 of a fourth moment.
            None for means above about 1e9, where the list would be too long.
        """
        parameter = self.check_theta(theta)
        mean = math.exp(parameter[0])
        reach = 12.0 * math.sqrt(mean) + 60.0
        if 2.0 * reach > _MAX_NODES:
            return None
        points = np.arange(max(0.0, math.floor(mean - reach)), math.ceil(mean + reach) + 1.0)
        weights = np.exp(self._logpdf(points, parameter))
        return Nodes(points, weights / weights.sum())

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        mean = float(eta[0])
        if not mean > 0.0:
            raise self.boundary(f"the mean {mean:g} is not positive (every count is 0?)")
        return NewtonReport(np.array([math.log(mean)]))

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        return np.array([math.log(check_number("mean", params["mean"], low=0, open_low=True))])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``mean`` (see :class:`ExponentialFamily`)."""
        return {"mean": math.exp(self.check_theta(theta)[0])}

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        # x log(mean) - mean - log x! cancels for large counts; Loader's deviance form does not.
        mean = math.exp(theta[0])
        out = np.full(len(encoded), -mean)
        positive = encoded > 0
        k = encoded[positive]
        deviance = k * ratio_gap(np.full_like(k, mean), k)
        out[positive] = -deviance - 0.5 * np.log(2.0 * math.pi * k) - stirling_excess(k)
        return out

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        mean = math.exp(theta[0])
        if mean > _LARGEST_SAMPLED_MEAN:
            raise InputError(
                f"cannot draw Poisson counts with mean {mean:g}: they do not fit 64-bit integers"
            )
        return generator.poisson(mean, size)
