"""Families whose integrals are sums over nodes, in the user's statistics.

A :class:`NodeModel` knows the nodes in well-conditioned statistics ``u`` and how
the user's statistics follow from them, ``xi = A u + b``. Then
``theta . xi = (A' theta) . u + theta . b``: projections, whitening and risk terms
are computed in u, and only theta, eta and cumulants are carried over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import BoundaryProjectionError, CollinearStatisticsError
from ..core.validation import FloatArray
from .base import ExponentialFamily, Fit, NewtonReport
from .collinearity import CONDITION_ERROR, condition_number, dependent_set
from .node_law import NodeLaw
from .whitening import Nodes, Whitened, mix_axes

__all__ = ["NodeFamily", "NodeModel"]

_LARGEST = 1e290
_FAR = 1e100


class NodeModel(ABC):
    """Nodes of a family of known size, and the map from inner to user statistics.

    Attributes
    ----------
    matrix : ndarray of shape (p, p)
        A of ``xi = A u + b``, invertible.
    offset : ndarray of shape (p,)
        b.
    log_mass : float
        Log of the base mass that weight one of the nodes stands for.
    judged : ndarray of shape (p, p)
        Linear map from u to the statistics in which collinearity is judged.
    """

    matrix: FloatArray
    offset: FloatArray
    log_mass: float
    judged: FloatArray

    @abstractmethod
    def rows(self, encoded: FloatArray) -> FloatArray:
        """Inner statistics of encoded data, ``(m, p)``."""

    @abstractmethod
    def law(self, inner: FloatArray) -> NodeLaw:
        """Nodes that represent the law at an inner parameter."""

    @abstractmethod
    def points(self, inner: FloatArray) -> FloatArray:
        """Nodes of :meth:`law` in encoded data space."""

    @abstractmethod
    def solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        """Projection in inner coordinates; BoundaryProjectionError with the reason if there is none."""


class NodeFamily(ExponentialFamily):
    """Base of the families on nodes; subclasses say which nodes.

    Cumulants are weighted central moments of the nodes, taken in whitened
    coordinates and mapped to the user's statistics.
    """

    parameter_names = ("theta",)

    @abstractmethod
    def _model(self, size: int) -> NodeModel:
        """The nodes of the family with `size` statistics."""

    def _in_domain(self, theta: FloatArray) -> bool:
        # Statistics that are orthonormal on the nodes are at most the root of their number: no energy overflows.
        return bool(np.abs(self._inner(theta)[1]).sum() < _LARGEST)

    def _inner(self, theta: FloatArray) -> tuple[NodeModel, FloatArray]:
        model = self._model(theta.size)
        return model, np.asarray(model.matrix.T @ theta)

    def log_partition(self, theta: ArrayLike) -> float:
        """Return the log of the sum over the nodes (see :class:`ExponentialFamily`)."""
        parameter = self.check_theta(theta)
        model, inner = self._inner(parameter)
        return model.law(inner).log_partition(inner) + float(parameter @ model.offset) + model.log_mass

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        model, inner = self._inner(theta)
        law = model.law(inner)
        if order == 1:
            return np.asarray(model.matrix @ law.mean(inner) + model.offset)
        if order == 2:
            return np.asarray(model.matrix @ law.cov(inner) @ model.matrix.T)
        view, factor = law.view(inner)
        tensor = view.third() if order == 3 else law.dense_fourth(inner)
        return mix_axes(tensor, model.matrix @ factor)

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return the fourth-cumulant contraction as a mean over the nodes (see :class:`ExponentialFamily`)."""
        model, inner = self._inner(self.check_theta(theta))
        view, factor = model.law(inner).view(inner)
        full = model.matrix @ factor
        return view.fourth(full.T @ S @ full)

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return the nodes with their probabilities.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Nodes
            Points in encoded data space and weights.
        """
        model, inner = self._inner(self.check_theta(theta))
        law = model.law(inner)
        return Nodes(model.points(inner), law.evaluate(inner)[1])

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the model in whitened inner statistics (see :class:`ExponentialFamily`)."""
        return self._whitened(*self._inner(self.check_theta(theta)))

    def _whitened(self, model: NodeModel, inner: FloatArray) -> Whitened:
        view, _ = model.law(inner).view(inner)
        return replace(view, rows=lambda encoded: view.rows(model.rows(encoded)))

    # ------------------------------------------------------------- projection
    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit in inner statistics, so that powers far from zero cost no digits (see :class:`ExponentialFamily`)."""
        eta = np.asarray(weights @ self._statistic(encoded))
        model = self._model(eta.size)
        report, inner = self._project(model, np.asarray(weights @ model.rows(encoded)), start)
        return Fit(report.theta, eta, self._whitened(model, inner), report)

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        model = self._model(eta.size)
        target: FloatArray = np.asarray(np.linalg.solve(model.matrix, eta - model.offset), dtype=np.float64)
        if not (np.abs(target) <= _FAR).all():  # spreads of statistics are one: no law is that far from its nodes
            raise self.boundary("the mean statistic is far outside the convex support, where products overflow")
        return self._project(model, target, start)[0]

    def _project(
        self, model: NodeModel, target: FloatArray, start: FloatArray | None
    ) -> tuple[NewtonReport, FloatArray]:
        """The projection in the user's and in inner coordinates."""
        try:
            found = model.solve(target, None if start is None else model.matrix.T @ start)
        except BoundaryProjectionError as error:
            raise self.boundary(str(error)) from None
        self._refuse_collinear(model, found.theta)
        theta: FloatArray = np.asarray(np.linalg.solve(model.matrix.T, found.theta), dtype=np.float64)
        return replace(found, theta=theta), found.theta

    def _refuse_collinear(self, model: NodeModel, inner: FloatArray) -> None:
        cov = model.judged @ model.law(inner).cov(inner) @ model.judged.T
        condition = condition_number(cov)
        if condition > CONDITION_ERROR:
            names = self.statistic_names([f"x{k + 1}" for k in range(self.n_columns or 3)])
            raise CollinearStatisticsError(
                "statistics must not be affine functions of each other under the fitted law, dependent set: "
                + ", ".join(names[k] for k in dependent_set(cov))
                + f" (condition number of their correlation matrix {condition:.1e}); {self._collinear_cure()}"
            )

    def _collinear_cure(self) -> str:
        return "leave one of them out"

    def condition(self, theta: ArrayLike) -> float:
        """Return the condition number of the correlation matrix of the statistics.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        float
            In the statistics in which collinearity is judged (Legendre products for polynomials).
        """
        model, inner = self._inner(self.check_theta(theta))
        cov = model.judged @ model.law(inner).cov(inner) @ model.judged.T
        return condition_number(cov) if (np.diag(cov) > 0.0).all() else np.inf

    # ------------------------------------------------------------ conversions
    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        return np.array(self.check_theta(params["theta"]))

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``theta`` itself (see :class:`ExponentialFamily`)."""
        return {"theta": np.array(self.check_theta(theta))}

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        model, inner = self._inner(theta)
        law = model.law(inner)
        return np.asarray(model.rows(encoded) @ inner - law.log_partition(inner) - model.log_mass)
