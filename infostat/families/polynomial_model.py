"""Nodes of polynomial densities: the rule that a law needs, and which estimates exist."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..core.errors import BoundaryProjectionError, InputError
from ..core.validation import FloatArray
from .base import NewtonReport
from .node_family import NodeModel
from .node_law import NodeLaw
from .polynomial_basis import (
    Grid,
    PositivityForm,
    exponents,
    grid,
    monomial_map,
    orthonormal_products,
    positivity_forms,
)
from .rows import as_rows

__all__ = ["PolynomialModel"]

# Rules that are tried in turn: panels are halved in one dimension, where large single rules are
# expensive to compute; in a box more nodes per axis gain more than panels do.
_LONGEST = 8
_FACTORS = {2: (1.0, 1.5, 2.0, 3.0, 4.0), 3: (1.0, 1.25, 1.5, 1.75, 2.0)}
_COARSE = 0.75  # nodes of the comparison rule
# A Gauss rule with 3/4 of the nodes has an error of about e^(3/4) where the full one has e.
_AGREEMENT = 1e-9
_AT_END = 1e-14
# A spread (half-lengths as unit) below the first is rounding; a power k of it below the second drowns in it.
_SAME_POINT, _NARROW = 1e-7, 1e-12
_EPS = float(np.finfo(float).eps)


class PolynomialModel(NodeModel):
    """Polynomial densities on one box.

    Parameters
    ----------
    degree : int
        Largest total degree.
    bounds : tuple of pairs
        Ends of the box.
    basis : {"legendre", "monomial"}
        The user's statistics.
    count : int
        Nodes per axis.
    """

    def __init__(self, degree: int, bounds: tuple[tuple[float, float], ...], basis: str, count: int) -> None:
        ends = np.array(bounds)
        self.degree, self.count, self.d = degree, count, len(ends)
        self.centre, self.half = 0.5 * (ends[:, 0] + ends[:, 1]), 0.5 * (ends[:, 1] - ends[:, 0])
        powers = exponents(self.d, degree)
        self._log_scale = 0.5 * np.log(2.0 * powers + 1.0).sum(axis=1)
        self._powers = powers if basis == "monomial" else None
        if basis == "monomial":
            self.matrix, self.offset = monomial_map(self.centre, self.half, degree)
        else:
            self.matrix, self.offset = np.diag(np.exp(-self._log_scale)), np.zeros(len(powers))
        self.inverse: FloatArray = np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)
        self.judged = np.eye(len(powers))
        self.log_mass = float(np.log(2.0 * self.half).sum())

    # ------------------------------------------------------------- statistics
    def scaled(self, encoded: FloatArray) -> FloatArray:
        """Return data as points of ``[-1, 1]^d``, ``(m, d)``."""
        return np.asarray((as_rows(encoded) - self.centre) / self.half)

    def rows(self, encoded: FloatArray) -> FloatArray:
        """Return the orthonormal products of encoded data, ``(m, p)``."""
        return orthonormal_products(self.scaled(encoded), self.degree)

    def statistic(self, encoded: FloatArray) -> FloatArray:
        """Return the user's statistics of encoded data, ``(m, p)``."""
        if self._powers is None:
            return np.asarray(self.rows(encoded) * np.exp(-self._log_scale))
        x = as_rows(encoded)
        return np.asarray(np.prod(x[:, None, :] ** self._powers, axis=2))

    # ------------------------------------------------------------------ nodes
    def law(self, inner: FloatArray) -> NodeLaw:
        """Return the nodes that resolve the law at an inner parameter."""
        return _law(self.d, self.degree, *self._resolving(inner))

    def rule(self, inner: FloatArray) -> Grid:
        """Return the grid behind :meth:`law`."""
        return grid(self.d, self.degree, *self._resolving(inner))

    def points(self, inner: FloatArray) -> FloatArray:
        """Return the nodes of :meth:`law` in encoded data space."""
        x = self.centre + self.half * self.rule(inner).points
        return np.asarray(x[:, 0] if self.d == 1 else x)

    def _resolving(self, inner: FloatArray) -> tuple[int, int]:
        level = _resolving_level(self.d, self.degree, self.count, inner.tobytes(), 0)
        if level is None:
            raise InputError(
                f"theta gives a law too narrow for quadrature with {self._most()} nodes per axis; narrow the bounds "
                "or raise n_nodes"
            )
        return _ladder(self.d, self.count)[level]

    def _most(self) -> int:
        count, panels = _ladder(self.d, self.count)[-1]
        return count * panels

    # ------------------------------------------------------------- projection
    def solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        """Return the projection of means of orthonormal products.

        Parameters
        ----------
        eta : ndarray of shape (p,)
            Means.
        start : ndarray of shape (p,) or None
            First iterate.

        Returns
        -------
        NewtonReport
            In inner coordinates.

        Raises
        ------
        BoundaryProjectionError
            If no density of the family has these means; the text completes a sentence.
        """
        self._refuse_impossible(eta)
        ladder = _ladder(self.d, self.count)
        theta, level, steps = np.zeros(len(eta)), 0, 0
        if start is not None:
            known = _resolving_level(self.d, self.degree, self.count, start.tobytes(), 0)
            theta, level = (theta, 0) if known is None else (start, known)
        while True:
            report = _law(self.d, self.degree, *ladder[level]).solve(eta, theta)
            steps += report.n_iter
            if report.converged:
                theta = report.theta
                needed = _resolving_level(self.d, self.degree, self.count, theta.tobytes(), level)
                if needed == level:
                    return NewtonReport(theta, steps, "newton", True)
                if needed is None:
                    break
                level = needed
            elif level < len(ladder) - 1:
                # Nodes stay away from the ends: their hull is smaller than that of the box, the finest's least so.
                theta, level = np.zeros(len(eta)), len(ladder) - 1
            else:
                break
        raise BoundaryProjectionError(
            f"no polynomial of degree {self.degree} that quadrature with {self._most()} nodes per axis can follow has "
            "these mean statistics; it would need nearly all mass in a few points, or a vanishing mass far from the "
            "data; lower the degree, or narrow the bounds to where the data are"
        )

    def _refuse_impossible(self, eta: FloatArray) -> None:
        size = 1.0 + float(np.abs(eta).max())
        failed: list[tuple[PositivityForm, FloatArray]] = []
        for form in positivity_forms(self.d, self.degree):
            value, coefficients = form.smallest(eta)
            noise = 64.0 * _EPS * size * len(coefficients) * float(np.abs(form.linear).max())
            if value < -noise:
                raise BoundaryProjectionError(
                    "no density on the box has these mean statistics (they are outside the convex support)"
                )
            if value <= noise:
                failed.append((form, coefficients))
        if failed:
            raise BoundaryProjectionError(self._reason(*failed[0], eta))

    def _reason(self, form: PositivityForm, coefficients: FloatArray, eta: FloatArray) -> str:
        mean = eta[: self.d] / np.sqrt(3.0)  # of the coordinates in [-1, 1]
        for axis in range(self.d):
            if 1.0 - abs(mean[axis]) <= _AT_END:
                end = self.centre[axis] + np.sign(mean[axis]) * self.half[axis]
                variable = "" if self.d == 1 else f" of variable {axis}"
                return f"all mass{variable} sits at the end {end:g} of the interval"
        if self.d > 1:
            return (
                f"all mass sits on the zeros of a polynomial of degree {form.half_degree} (on a line or a curve, or in "
                "a few points)"
            )
        if form.axis is not None and form.half_degree == 0:
            return "all mass sits at the ends of the interval"
        sd = float(np.sqrt(max(0.0, (1.0 + 2.0 * eta[1] / np.sqrt(5.0)) / 3.0 - mean[0] ** 2)))
        if sd > _SAME_POINT and sd**self.degree < _NARROW:
            where, width = self.centre[0] + self.half[0] * mean[0], self.half[0] * sd
            return (
                f"with a spread of {width:.2g} around {where:.6g} the data are too narrow for degree {self.degree} on "
                f"this interval: double precision cannot tell their moments from those of a few points; lower the "
                "degree, or narrow the bounds to where the data are"
            )
        return f"all mass sits at the points {self._support_points(form, coefficients)} (too few distinct values)"

    def _support_points(self, form: PositivityForm, coefficients: FloatArray) -> str:
        scale = np.sqrt(2.0 * np.arange(form.half_degree + 1) + 1.0)
        roots = np.polynomial.legendre.legroots(coefficients * scale) if form.half_degree else np.empty(0)
        ends = {
            "the distance from the lower end": [-1.0],
            "the distance from the upper end": [1.0],
            "the product of the distances from both ends": [-1.0, 1.0],
        }.get(form.words, [])
        t = np.sort(np.concatenate([ends, np.real(roots)]))
        return ", ".join(f"{x:.6g}" for x in self.centre[0] + self.half[0] * t)


@lru_cache(maxsize=32)
def _ladder(d: int, count: int) -> tuple[tuple[int, int], ...]:
    """Nodes per panel and panels per axis of the rules that are tried in turn."""
    if d == 1:
        return tuple((count, 2**level) for level in range(_LONGEST + 1))
    return tuple((round(factor * count), 1) for factor in _FACTORS[d])


@lru_cache(maxsize=24)
def _law(d: int, degree: int, count: int, panels: int) -> NodeLaw:
    rule = grid(d, degree, count, panels)
    return NodeLaw(rule.statistics, np.log(rule.weights))


@lru_cache(maxsize=512)
def _resolving_level(d: int, degree: int, count: int, inner: bytes, first: int) -> int | None:
    """Position in the ladder, `first` or later, of the smallest rule that resolves the law; None if none does."""
    theta = np.frombuffer(inner)
    ladder = _ladder(d, count)
    for level in range(first, len(ladder)):
        nodes, panels = ladder[level]
        coarse = _law(d, degree, max(6, round(_COARSE * nodes)), panels)
        if _disagreement(_law(d, degree, nodes, panels), coarse, theta) <= _AGREEMENT:
            return level
    return None


def _disagreement(fine: NodeLaw, coarse: NodeLaw, theta: FloatArray) -> float:
    """Largest difference of log-partition, whitened mean and relative fourth moment."""
    q, r = fine.evaluate(theta)[1], coarse.evaluate(theta)[1]
    if not (np.isfinite(q).all() and np.isfinite(r).all()):
        return np.inf
    mean, cov = fine.mean(theta), fine.cov(theta)
    scale = np.sqrt(np.diag(cov))
    if not (scale > 0.0).all():
        return np.inf
    try:
        inverse = np.linalg.inv(np.linalg.cholesky(cov / np.outer(scale, scale))) / scale
    except np.linalg.LinAlgError:
        return np.inf
    sizes = []
    for law, weights in ((fine, q), (coarse, r)):
        used = weights > 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # a law between two nodes: judged below
            z = (law.statistics[used] - mean) @ inverse.T
            norm = np.einsum("bi,bi->b", z, z)
            sizes.append((float(weights[used] @ (norm * norm)), weights[used] @ z))
    (fourth, first), (other, second) = sizes
    if not (np.isfinite([fourth, other]).all() and fourth > 0.0):
        return np.inf
    gaps = [
        abs(fine.log_partition(theta) - coarse.log_partition(theta)),
        float(np.abs(first - second).max()),
        abs(fourth - other) / fourth,
    ]
    return max(gaps)
