"""Densities whose logarithm is a polynomial, on an interval or a box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError, InputTypeError, describe
from ..core.validation import FloatArray, as_float_array, check_choice, check_count, short
from .base import BoolArray
from .node_family import NodeFamily
from .polynomial_basis import exponents, product_count
from .polynomial_model import PolynomialModel
from .polynomial_sampling import distribution_function, draw_rows
from .rows import as_rows, data_shape

__all__ = ["PolynomialDensity"]

REGISTERED = {"polynomial": "PolynomialDensity(degree)"}

Basis = Literal["legendre", "monomial"]
_MAX_DIMENSION = 3
# Nodes per axis as a share of n_nodes: 200, 64 and 32 by default.
_SHARE = {1: 1.0, 2: 0.32, 3: 0.16}
_MAX_LOSS = 1e-4  # relative error of a density that the conversion from monomials may cause


class PolynomialDensity(NodeFamily):
    """Exponential of a polynomial on an interval or on a box in two or three dimensions.

    Parameters
    ----------
    degree : int
        Largest (total) degree k of the statistics; degrees 1 to k, no constant.
    bounds : pair or sequence of pairs
        Ends of the interval; one pair per variable for a box of up to three variables. A single
        pair serves every variable, and their number is taken from the data (one without data).
    basis : {"legendre", "monomial"}
        Statistics in which theta is written: products of Legendre polynomials ``P_k`` of
        ``(2x - a - b)/(b - a)``, or products of powers of x.
    n_nodes : int
        Gauss-Legendre nodes in one dimension. 200 stands for 64 per axis in two and 32 in three
        dimensions, other numbers in proportion. Panels are halved where a law needs more.

    Notes
    -----
    Density ``exp(theta . xi(x) - Psi(theta))`` with respect to Lebesgue measure. Computations use
    orthonormal Legendre products whatever the basis of theta; the risk terms do not depend on it.

    A rule is used for a law if a rule with three quarters of its nodes gives the same
    log-partition, mean and fourth moment to 1e-9, so that its own error is far smaller;
    otherwise the panels are halved.

    In one dimension the estimate exists if and only if the matrices of moments that
    characterise densities on an interval are positive definite; a mean statistic that fails is
    refused with the points where all its mass sits.

    Examples
    --------
    >>> family = PolynomialDensity(2)
    >>> family.mean(np.zeros(2)).round(12) + 0.0  # the uniform law
    array([0., 0.])
    >>> theta = family.project([0.2, -0.1])
    >>> family.mean(theta).round(12)
    array([ 0.2, -0.1])
    """

    name = "polynomial"
    title = "polynomial density"

    def __init__(
        self,
        degree: int,
        *,
        bounds: Any = (0, 1),
        basis: Basis = "legendre",
        n_nodes: int = 200,
    ) -> None:
        self.degree = check_count("degree", degree, low=1)
        self.bounds, self._open = _check_bounds(bounds)
        self.basis: Basis = check_choice("basis", basis, ("legendre", "monomial"))
        self.n_nodes = check_count("n_nodes", n_nodes, low=2 * self.degree + 10)

    @property
    def support(self) -> str:  # type: ignore[override]
        """The box in words."""
        return " x ".join(f"[{low:g}, {high:g}]" for low, high in self.bounds)

    def _settings(self) -> tuple[Any, ...]:
        return (self.degree, self.bounds[0] if self._open else self.bounds, self.basis, self.n_nodes)

    def __repr__(self) -> str:
        degree, *settings = self._settings()
        named = zip(("bounds", "basis", "n_nodes"), settings, ((0.0, 1.0), "legendre", 200), strict=True)
        told = [f"{key}={value!r}" for key, value, default in named if value != default]
        return f"PolynomialDensity({', '.join([str(degree), *told])})"

    # ------------------------------------------------------------------ shape
    @property
    def n_columns(self) -> int | None:
        """Number of variables, or None if it is taken from the data."""
        return None if self._open else len(self.bounds)

    def bind(self, data: Any) -> Self:
        """Return the family with the number of variables of `data` (see :class:`ExponentialFamily`)."""
        if not self._open:
            return self
        shape = data_shape(data)
        return self._in_dimension(1 if len(shape) < 2 else shape[1])

    def _in_dimension(self, d: int) -> Self:
        if d > _MAX_DIMENSION:
            raise InputError(
                f"data for the {self.title} family must have at most {_MAX_DIMENSION} columns, got {d}; select "
                "columns, or join families of fewer columns with ProductFamily"
            )
        return type(self)(self.degree, bounds=self.bounds[:1] * d, basis=self.basis, n_nodes=self.n_nodes)

    def n_params(self, data: Any = None) -> int:
        """Return ``(degree + d choose d) - 1`` (see :class:`ExponentialFamily`)."""
        bound = self if data is None else self.bind(data)
        return product_count(len(bound.bounds), self.degree)

    def _length_fits(self, size: int) -> bool:
        return self._dimension(size) is not None

    def _dimension(self, size: int) -> int | None:
        allowed = range(1, _MAX_DIMENSION + 1) if self._open else [len(self.bounds)]
        return next((d for d in allowed if product_count(d, self.degree) == size), None)

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return labels such as ``x^2``, ``P2(x)`` and ``P1(x)*P1(y)`` (see :class:`ExponentialFamily`)."""
        d = len(columns) if self._open else len(self.bounds)
        names = []
        for row in exponents(d, self.degree):
            parts = [self._power(columns[j], int(e)) for j, e in enumerate(row) if e]
            names.append("*".join(parts))
        return names

    def _power(self, column: str, exponent: int) -> str:
        if self.basis == "legendre":
            return f"P{exponent}({column})"
        return column if exponent == 1 else f"{column}^{exponent}"

    def _shape(self, array: FloatArray) -> FloatArray:
        if self.n_columns == 1 or (self._open and (array.ndim < 2 or array.shape[1] == 1)):
            return super()._shape(array)
        d = self.n_columns or min(max(array.shape[-1], 1), _MAX_DIMENSION)
        array = array.reshape(1, -1) if array.ndim == 1 else array
        if array.ndim != 2 or array.shape[1] != d:
            raise InputError(f"data for the {self.title} family must have shape (m, {d}), got {array.shape}")
        return array

    # -------------------------------------------------------------- data side
    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return which rows lie in the closed box (see :class:`ExponentialFamily`)."""
        rows = as_rows(encoded)
        bounds = np.array(self.bounds * rows.shape[1] if self._open else self.bounds)
        return np.asarray(((rows >= bounds[:, 0]) & (rows <= bounds[:, 1])).all(axis=1))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        d = 1 if encoded.ndim == 1 else encoded.shape[1]
        return self._model(product_count(d, self.degree)).statistic(encoded)

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.zeros(len(encoded))

    # ------------------------------------------------------------- model side
    def _model(self, size: int) -> PolynomialModel:
        d = self._dimension(size)
        if d is None:
            raise InputError(f"the {self.title} family has no {size} statistics at degree {self.degree}")
        bounds = self.bounds[:1] * d if self._open else self.bounds
        return _model(self.degree, bounds, self.basis, max(8, round(_SHARE[d] * self.n_nodes)))

    def _collinear_cure(self) -> str:
        return f"the law is narrow against its support {self.support}: lower the degree or narrow the bounds"

    # ------------------------------------------------------------- univariate
    def cdf(self, x: ArrayLike, theta: ArrayLike) -> FloatArray:
        """Return the distribution function of a univariate member.

        Parameters
        ----------
        x : array_like of shape (m,)
            Real numbers; 0 below the interval, 1 above it.
        theta : array_like of shape (degree,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (m,)
            Probabilities.

        Raises
        ------
        InputError
            For a box.

        Notes
        -----
        In each panel the density is expanded in Legendre polynomials and integrated term by term.

        Examples
        --------
        >>> PolynomialDensity(1).cdf([0.25, 2.0], [0.0]).round(12)
        array([0.25, 1.  ])
        """
        parameter = self.check_theta(theta)
        if self._dimension(parameter.size) != 1:
            raise InputError(f"a distribution function needs one variable, got theta with {parameter.size} entries")
        values = np.atleast_1d(as_float_array("x", x, ndim=(0, 1), finite=False))
        if np.isnan(values).any():
            raise InputError(f"x must not be missing, got {int(np.isnan(values).sum())} NaN")
        model, inner = self._inner(parameter)
        assert isinstance(model, PolynomialModel)
        low, high = self.bounds[0]
        t = (np.clip(values, low, high) - model.centre[0]) / model.half[0]
        return distribution_function(model.rule(inner), inner, t)

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        model, inner = self._inner(theta)
        assert isinstance(model, PolynomialModel)
        t = draw_rows(model.rule(inner), inner, self.degree, size, generator)
        # Rounding may carry a draw next to an end beyond it.
        x = np.clip(model.centre + model.half * t, model.centre - model.half, model.centre + model.half)
        return np.asarray(x[:, 0] if x.shape[1] == 1 else x)


@lru_cache(maxsize=64)
def _model(degree: int, bounds: tuple[tuple[float, float], ...], basis: Basis, count: int) -> PolynomialModel:
    model = PolynomialModel(degree, bounds, basis, count)
    loss = float(np.finfo(float).eps * (np.abs(model.inverse.T) @ np.abs(model.matrix.T)).sum(axis=1).max())
    if loss > _MAX_LOSS:
        raise InputError(
            f"basis must be 'legendre' for degree {degree} on {bounds}: powers of x this far from zero, or of "
            f"this degree, cannot be told apart in double precision (relative loss {loss:.1e})"
        )
    return model


def _check_bounds(bounds: Any) -> tuple[tuple[tuple[float, float], ...], bool]:
    """Pairs of ends, and whether a single pair was given."""
    required = "a pair (low, high) with low < high, or one such pair for each of up to three variables"
    if isinstance(bounds, str):
        raise InputTypeError(describe("bounds", required, short(bounds)))
    array = as_float_array("bounds", bounds)
    pairs = array.reshape(1, -1) if array.ndim == 1 else array
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not 1 <= len(pairs) <= _MAX_DIMENSION:
        raise InputError(describe("bounds", required, short(bounds)))
    if not (pairs[:, 0] < pairs[:, 1]).all() or not all(math.isfinite(b - a) for a, b in pairs):
        raise InputError(describe("bounds", required, short(bounds)))
    return tuple((float(low), float(high)) for low, high in pairs), array.ndim == 1
