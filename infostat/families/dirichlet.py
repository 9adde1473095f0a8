"""Dirichlet family: compositions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from ..core.errors import InputError
from ..core.validation import FloatArray, as_float_array, check_count
from .base import BoolArray, ExponentialFamily, NewtonReport
from .newton import damped_newton
from .rows import data_shape
from .specials import inverse_digamma, polygamma_drop

__all__ = [
    "Dirichlet",
    "dirichlet_cumulants",
    "dirichlet_log_partition",
    "simplex_gap",
    "solve_dirichlet",
]

REGISTERED = {"dirichlet": "Dirichlet()"}

_SUM_TOLERANCE = 1e-6
_START_STEPS = 4


class Dirichlet(ExponentialFamily):
    """Dirichlet law of rows of proportions.

    Parameters
    ----------
    n_vars : int, optional
        Number K >= 2 of parts; None takes it from the data.

    Notes
    -----
    Statistic ``log x_i``, natural parameter ``alpha`` (all positive), base
    density ``1/prod x_i``, log-partition ``sum lgamma(alpha_i) - lgamma(alpha_0)``
    with ``alpha_0 = sum alpha_i``. The cumulant of order r is
    ``[all indices equal] polygamma(r - 1, alpha_i) - polygamma(r - 1, alpha_0)``.
    Densities are with respect to Lebesgue measure on the first K - 1 parts. A
    row is divided by its sum before logs are taken, which removes the rounding
    of printed proportions. Whitened quantities are accurate to about
    ``1e-14 alpha_0``.

    Examples
    --------
    >>> family = Dirichlet()
    >>> theta = family.natural(alpha=[1.0, 2.0, 3.0])
    >>> family.project(family.mean(theta)).round(9)
    array([1., 2., 3.])
    """

    name = "dirichlet"
    title = "Dirichlet"
    support = "rows of positive numbers that sum to one"
    parameter_names = ("alpha",)

    def __init__(self, n_vars: int | None = None) -> None:
        self._n_vars = None if n_vars is None else check_count("n_vars", n_vars, low=2)

    @property
    def n_columns(self) -> int | None:
        """Number of parts (None: taken from the data)."""
        return self._n_vars

    def bind(self, data: Any) -> Self:
        """Return the family with the number of parts of `data` (see :class:`ExponentialFamily`)."""
        return self if self._n_vars is not None else type(self)(_parts(data))

    def n_params(self, data: Any = None) -> int:
        """Return the number of parts (see :class:`ExponentialFamily`)."""
        if self._n_vars is not None:
            return self._n_vars
        if data is None:
            raise InputError("the number of parts is not known: pass data, or build Dirichlet(n_vars=K)")
        return _parts(data)

    def _length_fits(self, size: int) -> bool:
        return size >= 2 if self._n_vars is None else size == self._n_vars

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return one label ``log x`` per part (see :class:`ExponentialFamily`)."""
        return [f"log {label}" for label in columns]

    def _shape(self, array: FloatArray) -> FloatArray:
        width = array.shape[1] if array.ndim == 2 else 0
        if width < 2 or (self._n_vars is not None and width != self._n_vars):
            needed = "at least two columns" if self._n_vars is None else f"{self._n_vars} columns"
            raise InputError(
                f"data for the Dirichlet family must be a table with {needed}, got shape {array.shape}"
            )
        return array

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return which rows are positive with sum one within 1e-6 (see :class:`ExponentialFamily`)."""
        positive = (encoded > 0.0).all(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(positive & (np.abs(encoded.sum(axis=1) - 1.0) <= _SUM_TOLERANCE))

    def _support_message(self, encoded: FloatArray, bad: NDArray[np.intp]) -> str:
        text = super()._support_message(encoded, bad)
        if (encoded[bad] > 0.0).all():
            return f"{text.split('; remove')[0]}; divide each row by its sum"
        return f"{text}; zero parts have no logarithm: replace them or drop the part"

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return np.asarray(np.log(encoded) - np.log(encoded.sum(axis=1, keepdims=True)))

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.asarray(-self._statistic(encoded).sum(axis=1))

    def _in_domain(self, theta: FloatArray) -> bool:
        return dirichlet_domain(theta)

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``sum lgamma(alpha_i) - lgamma(alpha_0)`` (see :class:`ExponentialFamily`)."""
        return dirichlet_log_partition(self.check_theta(theta))

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        return dirichlet_cumulants(theta, order)

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return ``sum_i psi_3(alpha_i) S_ii^2 - psi_3(alpha_0) (sum S)^2``, with no ``p^4`` array.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.
        S : ndarray of shape (p, p)
            Symmetric matrix.

        Returns
        -------
        float
            The contraction of the fourth cumulants with S, twice.
        """
        alpha = self.check_theta(theta)
        own = float(polygamma(3, alpha) @ np.diag(S) ** 2)
        return own - float(polygamma(3, alpha.sum()) * S.sum() ** 2)

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        if not simplex_gap(eta) > 8.0 * len(eta) * np.finfo(float).eps:
            raise self.boundary(
                "the geometric means of the parts sum to one, but must sum to less (all rows equal?)"
            )
        return solve_dirichlet(eta, start)

    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        alpha = as_float_array("alpha", params["alpha"], ndim=1)
        if not self._length_fits(alpha.size) or not (alpha > 0.0).all():
            needed = "at least 2" if self._n_vars is None else str(self._n_vars)
            raise InputError(f"alpha must hold {needed} positive numbers, got {alpha.tolist()}")
        return np.array(alpha)

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``alpha`` (see :class:`ExponentialFamily`)."""
        return {"alpha": np.array(self.check_theta(theta))}

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return generator.dirichlet(theta, size)

    def _settings(self) -> tuple[Any, ...]:
        return (self._n_vars,)


def dirichlet_domain(alpha: FloatArray) -> bool:
    """Return whether parameters are positive and their log-partition is a float.

    Parameters
    ----------
    alpha : ndarray of shape (p,)
        Real numbers.

    Returns
    -------
    bool
        The answer.

    Examples
    --------
    >>> dirichlet_domain(np.array([0.5, 2.0])), dirichlet_domain(np.array([0.0, 2.0]))
    (True, False)
    """
    return bool((alpha >= np.finfo(float).tiny).all() and np.isfinite(gammaln(alpha.sum())))


def dirichlet_log_partition(alpha: FloatArray) -> float:
    """Return ``sum lgamma(alpha_i) - lgamma(sum alpha)``.

    Parameters
    ----------
    alpha : ndarray of shape (p,)
        Positive numbers.

    Returns
    -------
    float
        Log of the multivariate beta function.
    """
    return float(gammaln(alpha).sum() - gammaln(alpha.sum()))


def dirichlet_cumulants(alpha: FloatArray, order: int) -> FloatArray:
    """Return the joint cumulants of ``log x_i``.

    Parameters
    ----------
    alpha : ndarray of shape (p,)
        Positive numbers.
    order : {1, 2, 3, 4}
        Order of the cumulants.

    Returns
    -------
    ndarray with `order` axes of length p
        Cumulants.
    """
    p = len(alpha)
    # Sums without the own part, not the total minus it: parts may differ by many orders of magnitude.
    others = np.where(np.eye(p, dtype=bool), 0.0, alpha).sum(axis=1)
    own = polygamma_drop(order - 1, alpha, others)
    if order == 1:
        return own
    out = np.full((p,) * order, -float(polygamma(order - 1, alpha.sum())))
    out[(np.arange(p),) * order] = own
    return out


def simplex_gap(eta: FloatArray) -> float:
    """Return ``1 - sum exp(eta_i)``, positive inside the mean space.

    Parameters
    ----------
    eta : ndarray of shape (p,)
        Means of ``log x_i``.

    Returns
    -------
    float
        The gap; the largest term is subtracted from one without cancellation.
    """
    ordered = np.sort(eta)
    return float(-np.expm1(ordered[-1]) - np.exp(ordered[:-1]).sum())


def solve_dirichlet(eta: FloatArray, start: FloatArray | None = None) -> NewtonReport:
    """Return alpha with ``digamma(alpha_i) - digamma(alpha_0) = eta_i``.

    Parameters
    ----------
    eta : ndarray of shape (p,)
        Means of ``log x_i``; their exponentials sum to less than one.
    start : ndarray of shape (p,), optional
        Positive numbers near the solution.

    Returns
    -------
    NewtonReport
        Solution and how it was found.

    Notes
    -----
    The start is ``alpha_0 = (p - 1)/(2 (1 - sum exp eta_i))``, exact to leading
    order for large alpha, followed by a few of Minka's fixed-point steps, which
    bring small alpha into Newton's reach.
    """
    return damped_newton(
        dirichlet_log_partition,
        lambda alpha: dirichlet_cumulants(alpha, 1),
        lambda alpha: dirichlet_cumulants(alpha, 2),
        eta,
        _start(eta) if start is None or not (start > 0.0).all() else start,
        in_domain=lambda alpha: bool((alpha > 0.0).all()),
    )


def _start(eta: FloatArray) -> FloatArray:
    total = (len(eta) - 1) / (2.0 * simplex_gap(eta))
    for _ in range(_START_STEPS):
        alpha = inverse_digamma(eta + digamma(total))
        total = float(alpha.sum())
    return alpha


def _parts(data: Any) -> int:
    shape = data_shape(data)
    if len(shape) != 2 or shape[1] < 2:
        raise InputError(
            f"data for the Dirichlet family must be a table with at least two columns, got shape {shape}"
        )
    return int(shape[1])
