"""Families on finitely many cells: every expectation is a sum over the cells.

A subclass lists its cells with their statistics once; log-partition, cumulants, projection, nodes and
sampling follow. The projection is Newton's method on the cells, with the existence of a solution judged
before (margins that are empty), by its convergence, and by a linear programme where it does not converge.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError
from ..core.threads import one_blas_thread
from ..core.validation import FloatArray
from .base import BoolArray, ExponentialFamily, Fit, NewtonReport
from .existence import Face, boundary_face, face_along, face_words
from .newton import damped_newton
from .whitening import Nodes, Whitened, node_view, third_moments

__all__ = ["MAX_CELLS", "SHARE", "Cells", "EnumeratedFamily", "check_size"]

MAX_CELLS = 1 << 14
SHARE = 1e-14  # shares of a sample below this are rounding: the cell is empty
_MAX_NUMBERS = 1 << 25  # statistics of all cells: 256 MB
_MAX_DENSE_FOURTH = 64
_LARGEST = 1e300
_MANY_PRODUCTS = 20_000  # cells times parameters from which Newton limits BLAS to one thread
_MAX_RESTARTS = 10


def check_size(n_cells: int, p: int, title: str) -> None:
    """Refuse a table of cell statistics that would not fit.

    Parameters
    ----------
    n_cells, p : int
        Cells and statistics.
    title : str
        Name of the family in sentences.

    Raises
    ------
    InputError
        If the table had more than 2^25 numbers.
    """
    if n_cells * p > _MAX_NUMBERS:
        raise InputError(
            f"the {title} family enumerates its cells: {n_cells} cells times {p} statistics are more than "
            f"{_MAX_NUMBERS} numbers; use fewer statistics or fewer cells"
        )


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a finite support.

    Attributes
    ----------
    points : ndarray of shape (M,) or (M, d)
        Cells in data space.
    statistics : ndarray of shape (M, p)
        Their statistics.
    log_base : ndarray of shape (M,)
        Their log base measure.
    shift : ndarray of shape (p,)
        Value closest to zero in the range of each statistic.
    relative : ndarray of shape (M, p)
        ``statistics - shift``: statistics far from zero keep their digits.
    low, high : ndarray of shape (p,)
        Ends of the ranges of the relative statistics.
    """

    points: FloatArray
    statistics: FloatArray
    log_base: FloatArray
    shift: FloatArray
    relative: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(cls, points: FloatArray, statistics: FloatArray, log_base: FloatArray | None = None) -> Cells:
        """Return the cells with their shift, not writeable.

        Parameters
        ----------
        points : ndarray of shape (M,) or (M, d)
            Cells in data space.
        statistics : ndarray of shape (M, p)
            Their statistics.
        log_base : ndarray of shape (M,), optional
            Their log base measure; zero if None.

        Returns
        -------
        Cells
            The cells.
        """
        low, high = statistics.min(axis=0), statistics.max(axis=0)
        shift = np.clip(0.0, low, high)
        relative = statistics - shift if shift.any() else statistics
        base = np.zeros(len(statistics)) if log_base is None else log_base
        for array in (points, statistics, base):
            array.setflags(write=False)
        return cls(points, statistics, base, shift, relative, low - shift, high - shift)

    def log_prob(self, theta: FloatArray) -> tuple[FloatArray, float]:
        """Return log probabilities and the log-partition of the relative statistics.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (M,), float
            Log probabilities; ``Psi(theta) - theta . shift``.
        """
        energy = self.relative @ theta + self.log_base
        top = float(energy.max())
        psi = top + float(np.log(np.exp(energy - top).sum()))
        return energy - psi, psi

    def moments(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return probabilities, the mean of the relative statistics and the centred statistics.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (M,), (p,), (M, p)
            Probabilities, mean, deviations from the mean.
        """
        prob = np.exp(self.log_prob(theta)[0])
        mean = prob @ self.relative
        return prob, mean, self.relative - mean


class _Potential:
    """Psi with its first two derivatives; one pass over the cells serves all three at one theta."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._theta: FloatArray | None = None
        self._prob = np.empty(0)
        self._psi = 0.0

    def _visit(self, theta: FloatArray) -> None:
        if theta is not self._theta:
            log_prob, self._psi = self._cells.log_prob(theta)
            self._prob, self._theta = np.exp(log_prob), theta

    def value(self, theta: FloatArray) -> float:
        self._visit(theta)
        return self._psi

    def gradient(self, theta: FloatArray) -> FloatArray:
        self._visit(theta)
        return np.asarray(self._prob @ self._cells.relative)

    def hessian(self, theta: FloatArray) -> FloatArray:
        return _covariance(self._cells.relative - self.gradient(theta), self._prob)


def _covariance(centred: FloatArray, prob: FloatArray) -> FloatArray:
    # A product with its own transpose: BLAS computes one triangle only.
    root = centred * np.sqrt(prob)[:, None]
    return np.asarray(root.T @ root)


class EnumeratedFamily(ExponentialFamily):
    """Base class of the families whose support is a finite list of cells.

    Subclasses define :meth:`cells` and :meth:`cell_index`; those whose size is open until data or a
    parameter come define `_sized` as well, those that know margins which may be empty extend `_exposed`.
    """

    discrete = True
    parameter_names: ClassVar[tuple[str, ...]] = ("theta",)

    @abstractmethod
    def cells(self) -> Cells:
        """Return the cells with their statistics and base measure.

        Returns
        -------
        Cells
            All cells of the support.

        Raises
        ------
        InputError
            If the size of the family is still open.
        """

    @abstractmethod
    def cell_index(self, encoded: FloatArray) -> NDArray[np.intp]:
        """Return the position of each row among the cells.

        Parameters
        ----------
        encoded : ndarray
            Rows.

        Returns
        -------
        ndarray of int, shape (m,)
            Positions; -1 for rows outside the support.
        """

    def _sized(self, p: int) -> Self:
        """The family with the size that belongs to p parameters."""
        return self

    def _at(self, theta: FloatArray) -> Cells:
        return self._sized(len(theta)).cells()

    def probabilities(self, theta: ArrayLike) -> FloatArray:
        """Return the probability of each cell.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (M,)
            Probabilities in the order of the cells.
        """
        parameter = self.check_theta(theta)
        return np.exp(self._at(parameter).log_prob(parameter)[0])

    # -------------------------------------------------------------- data side
    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return which rows are cells (see :class:`ExponentialFamily`)."""
        return np.asarray(self.bind(encoded).cell_index(encoded) >= 0)

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        bound = self.bind(encoded)
        return np.asarray(bound.cells().statistics[bound.cell_index(encoded)])

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        bound = self.bind(encoded)
        return np.asarray(bound.cells().log_base[bound.cell_index(encoded)])

    def shares(self, encoded: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the share of the data in each cell.

        Parameters
        ----------
        encoded : ndarray
            Rows in the support.
        weights : ndarray of shape (m,)
            Non-negative weights of sum one.

        Returns
        -------
        ndarray of shape (M,)
            Shares of sum one; exactly zero in cells without data.
        """
        bound = self.bind(encoded)
        index = bound.cell_index(encoded)
        return np.asarray(np.bincount(index, weights=weights, minlength=len(bound.cells().log_base)))

    # ------------------------------------------------------------- model side
    def _in_domain(self, theta: FloatArray) -> bool:
        # Every theta is admissible as long as the floats can hold its energies.
        cells = self._at(theta)
        with np.errstate(over="ignore"):
            return bool(np.abs(theta) @ np.maximum(np.abs(cells.low), np.abs(cells.high)) < _LARGEST)

    def log_partition(self, theta: ArrayLike) -> float:
        """Return the log of the sum over the cells (see :class:`ExponentialFamily`)."""
        parameter = self.check_theta(theta)
        cells = self._at(parameter)
        return float(cells.shift @ parameter) + cells.log_prob(parameter)[1]

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        bound = self._sized(len(theta))
        return np.asarray(bound.cells().log_prob(theta)[0][bound.cell_index(encoded)])

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        cells = self._at(theta)
        prob, mean, centred = cells.moments(theta)
        if order == 1:
            return np.asarray(cells.shift + mean)
        if order == 2:
            return _covariance(centred, prob)
        return third_moments(centred, prob) if order == 3 else _dense_fourth(centred, prob)

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return the fourth cumulants contracted with S twice, as a sum over the cells.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.
        S : ndarray of shape (p, p)
            Symmetric matrix.

        Returns
        -------
        float
            ``E[(x'Sx)^2] - (tr SC)^2 - 2 tr(SCSC)`` for the centred statistics x with covariance C.
        """
        parameter = self.check_theta(theta)
        prob, _, centred = self._at(parameter).moments(parameter)
        quadratic = np.einsum("bi,bi->b", centred @ S, centred)
        product = S @ _covariance(centred, prob)
        return float(prob @ quadratic**2 - np.trace(product) ** 2 - 2.0 * np.sum(product * product.T))

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return the cells with their probabilities.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Nodes
            All cells.
        """
        parameter = self.check_theta(theta)
        cells = self._at(parameter)
        return Nodes(cells.points, np.exp(cells.log_prob(parameter)[0]))

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the model in whitened coordinates, from its cells.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Whitened
            Whitened view.
        """
        parameter = self.check_theta(theta)
        bound = self._sized(len(parameter))
        cells = bound.cells()

        def relative(encoded: FloatArray) -> FloatArray:
            return np.asarray(cells.relative[bound.cell_index(encoded)])

        return node_view(relative, cells.points, np.exp(cells.log_prob(parameter)[0]))

    # ------------------------------------------------------------- projection
    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit to the shares of the cells (see :class:`ExponentialFamily`)."""
        bound = self.bind(encoded)
        cells = bound.cells()
        eta = bound.shares(encoded, weights) @ cells.relative
        report = bound._project(eta, start)
        return Fit(report.theta, np.asarray(cells.shift + eta), bound.whitened(report.theta), report)

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        bound = self._sized(len(eta))
        return bound._project(np.asarray(eta - bound.cells().shift), start)

    def _project(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        """Projection of a mean of the relative statistics."""
        # Thin products: a second BLAS thread costs more than it gives, and on a busy machine a hundred times more.
        with one_blas_thread() if self.cells().relative.size > _MANY_PRODUCTS else nullcontext():
            return self._newton(eta, start)

    def _newton(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        """Projection by Newton's method on the cells, or the reason why there is none."""
        cells = self.cells()
        exposed = self._exposed(eta)
        if len(exposed):
            raise self._boundary(face_along(cells.relative, eta, exposed.sum(axis=0)))
        first = np.zeros(len(eta)) if start is None else start
        potential = _Potential(cells)
        report = damped_newton(potential.value, potential.gradient, potential.hessian, eta, first)
        if report.converged:
            return report
        face = boundary_face(cells.relative, eta)
        if face is not None:
            raise self._boundary(face)
        # Interior, but cells with shares far below 1e-6 are reached by unit steps of theta, slower than Newton's
        # method may go before it takes the minimum to be at infinity: let it go on.
        first, steps = report.theta, report.n_iter
        for _ in range(_MAX_RESTARTS):
            report = damped_newton(potential.value, potential.gradient, potential.hessian, eta, first)
            steps += report.n_iter
            if report.converged:
                return replace(report, n_iter=steps)
            first = report.theta
        if start is not None:
            return self._project(eta, None)
        raise self.boundary(
            "the mean statistic is so close to the boundary of the convex support that no parameter of finite "
            "size resolves the difference"
        )

    def _boundary(self, face: Face) -> Exception:
        names = self.statistic_names([f"x{j}" for j in range(self.n_columns or 1)])
        return self.boundary(face_words(face, names, self.cells().points))

    def _exposed(self, eta: FloatArray) -> FloatArray:
        """Directions (k, p) in which a known margin is empty: here the ends of the statistics' ranges.

        `eta` is the mean of the relative statistics. The linear programme finds every direction; these
        are the frequent ones, found at no cost.
        """
        low, high = self.cells().low, self.cells().high
        spread = high - low
        at_low = np.flatnonzero(eta - low <= SHARE * spread)
        at_high = np.flatnonzero(high - eta <= SHARE * spread)
        out = np.zeros((at_low.size + at_high.size, len(eta)))
        out[np.arange(at_low.size), at_low] = -1.0 / spread[at_low]
        out[at_low.size + np.arange(at_high.size), at_high] = 1.0 / spread[at_high]
        return out

    # ------------------------------------------------- conversions and sampling
    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``theta`` itself, which is the usual parameter here (see :class:`ExponentialFamily`)."""
        return {"theta": self.check_theta(theta)}

    def _natural(self, params: Any) -> FloatArray:
        return self.check_theta(params["theta"])

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        cells = self._at(theta)
        prob = np.exp(cells.log_prob(theta)[0])
        return np.asarray(cells.points[generator.choice(len(prob), size=size, p=prob / prob.sum())])


def _dense_fourth(centred: FloatArray, prob: FloatArray) -> FloatArray:
    """Fourth joint cumulants as an array, for small p."""
    p = centred.shape[1]
    if p > _MAX_DENSE_FOURTH:
        raise InputError(
            f"order 4 would need a dense array with p^4 entries (p = {p}); use contract_fourth(theta, S)"
        )
    moment = np.zeros((p * p, p * p))
    step = max(1, 4_000_000 // (p * p))  # 32 MB of products at a time
    for first in range(0, len(centred), step):
        part = centred[first : first + step]
        pairs = (part[:, :, None] * part[:, None, :]).reshape(len(part), -1)
        moment += pairs.T @ (pairs * prob[first : first + step, None])
    out = moment.reshape(p, p, p, p)
    cov = _covariance(centred, prob)
    for pairs_of_axes in ("ij,kl", "ik,jl", "il,jk"):
        out = out - np.einsum(f"{pairs_of_axes}->ijkl", cov, cov)
    return np.asarray(out)
