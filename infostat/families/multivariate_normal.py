"""Multivariate normal family with a full or diagonal covariance, or on a fixed graph."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import CollinearStatisticsError, InputError
from ..core.validation import FloatArray, as_float_array, check_count
from .base import BoolArray, ExponentialFamily, Fit, NewtonReport
from .edge_lists import Edges
from .gaussian_graph import complete_covariance, nearly_dependent
from .graph_basis import GraphBasis
from .normal import standard_normal_nodes
from .normal_structures import (
    Structure,
    check_size,
    check_structure,
    n_statistics,
    n_variables,
    refuse_partial_correlations,
    statistic_pairs,
)
from .quadratic_forms import QuadraticBasis
from .rows import data_shape
from .whitening import Nodes, Whitened, cholesky_factor, mix_axes, node_grid

__all__ = ["MultivariateNormal"]
REGISTERED = {"mvn": "MultivariateNormal()", "mvn_diagonal": "MultivariateNormal(structure='diagonal')"}
ALSO_CALLED = {"multivariate_normal": "mvn", "mvn_full": "mvn", "diagonal": "mvn_diagonal"}
_MAX_DENSE_FOURTH = 64  # p^4 doubles are 134 MB at p = 64; larger ones only contracted
_MAX_NODES = 200_000
_TINY = 1e-280  # scale of precisions whose products with other numbers are still floats


class MultivariateNormal(ExponentialFamily):
    """Normal law on R^d with unknown mean and covariance.

    Parameters
    ----------
    structure : {"full", "diagonal"} or list of pairs of int
        Shape of the covariance. ``"diagonal"`` is the product of univariate normals. A list of edges
        ``(i, j)``, columns counted from 0, is a graph: the inverse covariance vanishes off its edges.
    n_vars : int, optional
        Dimension d; None takes it from the data or from the length of theta.

    Notes
    -----
    Statistics: ``x_i``; then ``x_i^2``; then ``x_i x_j`` for the edges i < j (all pairs if
    full, none if diagonal) in lexicographic order. With Q the inverse covariance, theta holds
    ``Q mean``, ``-Q_ii/2`` and ``-Q_ij``. The number of parameters is ``d(d+3)/2`` (full),
    ``2d`` (diagonal) or ``2d`` plus the number of edges.

    On a graph the estimate is covariance selection (A. Dempster, Biometrics 1972): it matches
    means, variances and the covariances on the edges. It may exist with fewer rows than columns.

    Examples
    --------
    >>> family = MultivariateNormal(n_vars=2)
    >>> family.n_params()
    5
    >>> theta = family.natural(mean=[0, 1], cov=[[1, 0.5], [0.5, 2]])
    >>> family.mean(theta).round(12)
    array([0. , 1. , 1. , 3. , 0.5])

    A chain, on which the first and the last variable are independent given the middle one:

    >>> chain = MultivariateNormal([(0, 1), (1, 2)])
    >>> theta = chain.project([0, 0, 0, 1, 1, 1, 0.5, 0.4])
    >>> chain.params(theta)["cov"].round(12)
    array([[1. , 0.5, 0.2],
           [0.5, 1. , 0.4],
           [0.2, 0.4, 1. ]])
    """

    name = "mvn"
    title = "multivariate normal"
    support = "R^d"
    parameter_names = ("mean", "cov")

    def __init__(self, structure: Any = "full", n_vars: int | None = None) -> None:
        self.structure: Structure = check_structure(structure)
        self.n_vars = None if n_vars is None else check_count("n_vars", n_vars, low=1)
        if self.n_vars is not None:
            check_size(self.structure, self.n_vars)

    @property
    def is_graph(self) -> bool:
        """Whether the structure is a list of edges."""
        return not isinstance(self.structure, str)

    @property
    def edges(self) -> Edges:
        """Edges of the graph; empty if the structure is no graph."""
        return () if isinstance(self.structure, str) else self.structure

    def _settings(self) -> tuple[Any, ...]:
        return (self.structure, self.n_vars)

    # ------------------------------------------------------------------ shape
    @property
    def n_columns(self) -> int | None:
        """Dimension d, or None if it is taken from the data."""
        return self.n_vars

    def bind(self, data: Any) -> Self:
        """Return the family with the dimension of `data` (see :class:`ExponentialFamily`)."""
        shape = data_shape(data)
        width = 1 if len(shape) == 1 else shape[1]
        if self.n_vars is None:
            return type(self)(self.structure, width)
        if self.n_vars != width:
            raise InputError(f"data must have n_vars = {self.n_vars} columns, got {width}")
        return self

    def n_params(self, data: Any = None) -> int:
        """Return d(d+3)/2, 2d, or 2d plus the number of edges (see :class:`ExponentialFamily`)."""
        if data is None and self.n_vars is None:
            raise InputError("n_vars must be given, or pass the data: the dimension is not known yet")
        d = self.n_vars if data is None else self.bind(data).n_vars
        assert d is not None
        return n_statistics(self.structure, d)

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return labels of the linear, squared and product statistics (see :class:`ExponentialFamily`)."""
        i, j = self._pairs(len(columns))
        products = [f"{columns[a]}*{columns[b]}" for a, b in zip(i, j, strict=True) if a != b]
        return [*columns, *(f"{c}^2" for c in columns), *products]

    def _length_fits(self, size: int) -> bool:
        try:
            d = self._dimension(size)
        except InputError:
            return False
        return self.n_vars is None or d == self.n_vars

    def _dimension(self, size: int) -> int:
        return n_variables(self.structure, size)

    def _shape(self, array: FloatArray) -> FloatArray:
        if array.ndim == 1:
            # A vector is one column of observations unless the family says it is one row.
            array = array.reshape(1, -1) if self.n_vars not in (None, 1) else array.reshape(-1, 1)
        if array.ndim != 2 or (self.n_vars is not None and array.shape[1] != self.n_vars):
            wanted = "(m, d)" if self.n_vars is None else f"(m, {self.n_vars})"
            raise InputError(f"data of the multivariate normal must have shape {wanted}, got {array.shape}")
        check_size(self.structure, array.shape[1])
        return array

    # -------------------------------------------------------------- data side
    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return True for every finite row (see :class:`ExponentialFamily`)."""
        return np.asarray(np.isfinite(encoded).all(axis=1))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        # One statistic after the other in memory: products of whole columns, and sums over rows, run fast.
        columns, pairs = np.ascontiguousarray(encoded.T), zip(*self._pairs(encoded.shape[1]), strict=True)
        return np.vstack([columns, *(columns[i] * columns[j] for i, j in pairs)]).T

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.full(len(encoded), -0.5 * encoded.shape[1] * math.log(2.0 * math.pi))

    # ------------------------------------------------------------- model side
    def _precision(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (Q mean, Q) stored in theta."""
        d = self._dimension(theta.size)
        precision = np.zeros((d, d))
        i, j = self._pairs(d)
        precision[i, j] = precision[j, i] = np.where(i == j, -2.0, -1.0) * theta[d:]
        return theta[:d], precision

    def _in_domain(self, theta: FloatArray) -> bool:
        _, precision = self._precision(theta)
        diagonal = np.diag(precision)
        # Means, variances and the log-partition must be floats, whatever the correlations.
        if not ((diagonal > _TINY) & (diagonal < 1.0 / _TINY)).all():
            return False
        scale = np.sqrt(diagonal)
        if not (np.abs(theta[: len(scale)]) * math.sqrt(_TINY) < scale).all():
            return False
        try:
            np.linalg.cholesky(precision / np.outer(scale, scale))
        except np.linalg.LinAlgError:
            return False
        return True

    def _location_scale(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and covariance."""
        linear, precision = self._precision(theta)
        scale = np.sqrt(np.diag(precision))
        correlation = np.linalg.inv(precision / np.outer(scale, scale))
        cov = 0.5 * (correlation + correlation.T) / np.outer(scale, scale)
        return cov @ linear, cov

    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``(mean' Q mean - log det Q)/2`` (see :class:`ExponentialFamily`)."""
        parameter = self.check_theta(theta)
        linear, precision = self._precision(parameter)
        mean, _ = self._location_scale(parameter)
        log_det = 2.0 * float(np.log(np.diag(cholesky_factor(precision))).sum())
        return 0.5 * (float(linear @ mean) - log_det)

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        mean, cov = self._location_scale(theta)
        i, j = self._pairs(len(mean))
        if order == 1:
            return np.concatenate([mean, cov[i, j] + mean[i] * mean[j]])
        factor = self._affine(mean, cov)
        if order == 2:
            return np.asarray(factor @ factor.T)
        basis = self._basis(self._root(cov))
        if order == 3:
            return mix_axes(basis.third(), factor)
        if basis.p > _MAX_DENSE_FOURTH:
            raise InputError(
                f"order 4 would need a dense array with p^4 entries (p = {basis.p}); "
                "use contract_fourth(theta, S)"
            )
        return mix_axes(basis.dense_fourth(), factor)

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return the fourth-cumulant contraction without p^4 numbers (see :class:`ExponentialFamily`)."""
        mean, cov = self._location_scale(self.check_theta(theta))
        factor = self._affine(mean, cov)
        return self._basis(self._root(cov)).fourth(factor.T @ S @ factor)

    def _basis(self, root: FloatArray) -> QuadraticBasis | GraphBasis:
        """Whitened statistics of the law with a root of its covariance."""
        if isinstance(self.structure, str):
            return QuadraticBasis.of(len(root), self.structure)
        return GraphBasis.of(root, *self._pairs(len(root)))

    def _pairs(self, d: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return index pairs of the quadratic statistics in their order."""
        return statistic_pairs(self.structure, d)

    def affine(self, theta: ArrayLike) -> FloatArray:
        """Return F with ``xi - eta = F z``, z the coordinates of :meth:`whitened`.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (p, p)
            The linear map.
        """
        return self._affine(*self._location_scale(self.check_theta(theta)))

    def _affine(self, mean: FloatArray, cov: FloatArray) -> FloatArray:
        """Return F with ``xi - eta = F z`` for the whitened statistics z.

        With ``x = m + L y``: ``x_i x_j`` has linear part ``m_i (Ly)_j + m_j (Ly)_i`` and
        quadratic part ``sum_ab L_ia L_jb (y_a y_b - delta_ab)``.
        """
        d = len(mean)
        root = self._root(cov)
        i, j = self._pairs(d)
        linear = mean[i, None] * root[j] + mean[j, None] * root[i]
        if self.is_graph:
            factor = GraphBasis.of(root, i, j).factor
            return np.block([[root, np.zeros((d, len(i)))], [linear, factor]])
        squares = math.sqrt(2.0) * root[i] * root[j]
        parts = [linear, squares]
        top = [root, np.zeros((d, d))]
        if self.structure == "full":
            a, b = np.triu_indices(d, 1)
            parts.append(root[i][:, a] * root[j][:, b] + root[i][:, b] * root[j][:, a])
            top.append(np.zeros((d, len(a))))
        return np.vstack([np.hstack(top), np.hstack(parts)])

    def _root(self, cov: FloatArray) -> FloatArray:
        return np.diag(np.sqrt(np.diag(cov))) if self.structure == "diagonal" else cholesky_factor(cov)

    def nodes(self, theta: ArrayLike) -> Nodes | None:
        """Return a Gauss-Hermite product grid, or None above 200 000 nodes.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Nodes or None
            Five nodes per dimension: exact up to the fourth cumulants.
        """
        mean, cov = self._location_scale(self.check_theta(theta))
        return _grid(mean, self._root(cov))

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the model in the coordinates of the standardised data.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Whitened
            Coordinates ``y``, ``(y_i^2 - 1)/sqrt 2`` and ``y_i y_j``, ``y = L^{-1}(x - mean)``.
        """
        mean, cov = self._location_scale(self.check_theta(theta))
        return self._whitened(mean, self._root(cov))

    def _whitened(self, mean: FloatArray, root: FloatArray) -> Whitened:
        basis = self._basis(root)
        inverse = np.linalg.solve(root, np.eye(len(mean)))

        def rows(encoded: FloatArray) -> FloatArray:
            return basis.rows((encoded - mean) @ inverse.T)

        def nodes() -> tuple[FloatArray, FloatArray] | None:
            grid = _grid(mean, root)
            return None if grid is None else (rows(grid.points), grid.weights)

        return Whitened(p=basis.p, rows=rows, third=basis.third, fourth=basis.fourth, nodes=nodes)

    # ------------------------------------------------------------- projection
    def standardise(
        self, encoded: FloatArray, weights: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return weighted mean, root of the covariance and standardised rows.

        Parameters
        ----------
        encoded : ndarray of shape (m, d)
            Data.
        weights : ndarray of shape (m,)
            Non-negative weights of sum one.

        Returns
        -------
        mean : ndarray of shape (d,)
            Weighted mean.
        root : ndarray of shape (d, d)
            Lower triangular with ``root root'`` the covariance (its diagonal if the
            structure is diagonal, the fitted covariance on a graph), divisor the sum of the weights.
        rows : ndarray of shape (m, d)
            ``root^{-1} (x - mean)``.

        Raises
        ------
        CollinearStatisticsError
            If the covariance is singular to working precision.
        """
        mean = weights @ encoded
        centred = encoded - mean
        scale = np.sqrt(weights @ (centred * centred))
        if not (scale > 0).all():
            raise CollinearStatisticsError(
                f"columns {np.flatnonzero(~(scale > 0)).tolist()} are constant under the weights"
            )
        unit = centred / scale
        if self.structure == "diagonal":
            return mean, np.diag(scale), unit
        correlation = unit.T @ (unit * weights[:, None])
        if self.is_graph:
            correlation = self._completed(correlation, None)[0]
        factor = cholesky_factor(correlation)
        rows = unit @ np.linalg.solve(factor, np.eye(len(mean))).T
        return mean, scale[:, None] * factor, rows

    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit by weighted mean and covariance (see :class:`ExponentialFamily`)."""
        report = None
        if self.is_graph:
            mean, root, report = self._fit_graph(encoded, weights, start)
        else:
            mean, root, _ = self.standardise(encoded, weights)
        cov = root @ root.T
        i, j = self._pairs(len(mean))
        eta = np.concatenate([mean, cov[i, j] + mean[i] * mean[j]])
        theta = self.natural_from(mean, root)
        found = NewtonReport(theta) if report is None else replace(report, theta=theta)
        return Fit(theta, eta, self._whitened(mean, root), found)

    def _fit_graph(
        self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None
    ) -> tuple[FloatArray, FloatArray, NewtonReport]:
        """Weighted mean, root of the fitted covariance, and how it was found."""
        columns = type(self)("diagonal")  # scales without any demand on the correlations
        mean, sd, unit = columns.standardise(encoded, weights)
        scale = np.diag(sd)
        warm = None if start is None else self._precision(start)[1] * np.outer(scale, scale)
        completed, report = self._completed(unit.T @ (unit * weights[:, None]), warm)
        return mean, scale[:, None] * cholesky_factor(completed), report

    def _completed(
        self, correlation: FloatArray, start: FloatArray | None
    ) -> tuple[FloatArray, NewtonReport]:
        """Covariance selection in the scale of correlations."""
        i, j = self._pairs(len(correlation))
        completed, report = complete_covariance(correlation, i, j, start)
        if not report.converged:
            involved = ", ".join(str(k) for k in nearly_dependent(completed))
            raise self.boundary(
                f"no positive definite covariance has the given entries on the edges (variables {involved} would be "
                "affinely dependent); drop an edge or a variable, or add rows"
            )
        return completed, report

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        d = self._dimension(eta.size)
        mean = eta[:d]
        i, j = self._pairs(d)
        cov = np.zeros((d, d))
        cov[i, j] = cov[j, i] = eta[d:] - mean[i] * mean[j]
        variances = np.diag(cov)
        if not (variances > 0).all():
            k = int(np.flatnonzero(~(variances > 0))[0])
            raise self.boundary(f"variable {k} has no positive variance (second moment {eta[d + k]:g})")
        if self.is_graph:
            scale = np.sqrt(variances)
            warm = None if start is None else self._precision(start)[1] * np.outer(scale, scale)
            completed, report = self._completed(cov / np.outer(scale, scale), warm)
            theta = self.natural_from(mean, scale[:, None] * cholesky_factor(completed))
            return replace(report, theta=theta)
        try:
            root = self._root(cov)
        except CollinearStatisticsError:
            raise self.boundary("the covariance in eta is not positive definite") from None
        return NewtonReport(self.natural_from(mean, root))

    def natural_from(self, mean: FloatArray, root: FloatArray) -> FloatArray:
        """Return theta from the mean and a root of the covariance.

        Parameters
        ----------
        mean : ndarray of shape (d,)
            Mean.
        root : ndarray of shape (d, d)
            Lower triangular with ``root root'`` the covariance.

        Returns
        -------
        ndarray of shape (p,)
            Natural parameter.
        """
        inverse = np.linalg.solve(root, np.eye(len(mean)))
        precision = inverse.T @ inverse
        i, j = self._pairs(len(mean))
        quadratic = np.where(i == j, -0.5, -1.0) * precision[i, j]
        return np.concatenate([precision @ mean, quadratic])

    # ------------------------------------------------- conversions and sampling
    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        mean = np.atleast_1d(as_float_array("mean", params["mean"], ndim=(0, 1)))
        cov = as_float_array("cov", params["cov"], ndim=(0, 1, 2))
        d = len(mean)
        if cov.ndim < 2 and cov.size == d and (d == 1 or self.structure == "diagonal"):
            cov = np.diag(np.atleast_1d(cov))
        if cov.shape != (d, d):
            raise InputError(f"cov must have shape ({d}, {d}) to fit the mean, got {cov.shape}")
        if self.n_vars not in (None, d):
            raise InputError(f"mean must have n_vars = {self.n_vars} entries, got {d}")
        if not np.allclose(cov, cov.T, rtol=1e-10, atol=0.0):
            raise InputError("cov must be symmetric")
        if self.structure == "diagonal" and np.any(cov != np.diag(np.diag(cov))):
            raise InputError("cov must be diagonal for structure='diagonal'; use structure='full'")
        if not (np.diag(cov) > 0).all():
            raise InputError("cov must have positive variances")
        check_size(self.structure, d)
        try:
            root = self._root(0.5 * (cov + cov.T))
        except CollinearStatisticsError:
            raise InputError("cov must be positive definite") from None
        if self.is_graph:
            refuse_partial_correlations(root, self.structure)
        return self.natural_from(mean, root)

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``mean`` and ``cov`` (see :class:`ExponentialFamily`)."""
        mean, cov = self._location_scale(self.check_theta(theta))
        return {"mean": mean, "cov": cov}

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        mean, cov = self._location_scale(theta)
        root = self._root(cov)
        y = (encoded - mean) @ np.linalg.solve(root, np.eye(len(mean))).T
        log_det = 2.0 * float(np.log(np.diag(root)).sum())
        return np.asarray(-0.5 * ((y * y).sum(axis=1) + log_det + len(mean) * math.log(2.0 * math.pi)))

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        mean, cov = self._location_scale(theta)
        return np.asarray(mean + generator.standard_normal((size, len(mean))) @ self._root(cov).T)


def _grid(mean: FloatArray, root: FloatArray) -> Nodes | None:
    one = standard_normal_nodes(5)
    found = node_grid([(one.points[:, None], one.weights)] * len(mean), _MAX_NODES)
    return None if found is None else Nodes(mean + found[0] @ root.T, found[1])
