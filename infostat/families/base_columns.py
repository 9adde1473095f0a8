"""Columns of a product base: frozen laws and finite sets of levels.

A column knows its closed support, its log density, how to draw from itself, and
whether its log density has the closed form that the slice sampler compiles.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_weights, short
from .law_checks import law_support

__all__ = ["SLICE_FORMS", "BaseColumn", "LawColumn", "LevelColumn", "base_column"]

_MAX_LEVELS = 10_000
_LARGEST = 1e70  # fourth powers of products are floats
_CURE = "pass a frozen scipy.stats law, for instance stats.beta(2, 3), or (values, weights)"

# Shape parameters, location and scale of a law -> (power of x - low, power of high - x, coefficient
# of x, coefficient of x^2): the log density up to a constant, with its support from the law.
_Form = Callable[[Mapping[str, float], float, float], tuple[float, float, float, float]]
SLICE_FORMS: dict[str, _Form] = {
    "beta": lambda v, loc, scale: (v["a"] - 1.0, v["b"] - 1.0, 0.0, 0.0),
    "chi2": lambda v, loc, scale: (0.5 * v["df"] - 1.0, 0.0, -0.5 / scale, 0.0),
    "expon": lambda v, loc, scale: (0.0, 0.0, -1.0 / scale, 0.0),
    "gamma": lambda v, loc, scale: (v["a"] - 1.0, 0.0, -1.0 / scale, 0.0),
    "halfnorm": lambda v, loc, scale: (0.0, 0.0, loc / scale**2, -0.5 / scale**2),
    "maxwell": lambda v, loc, scale: (2.0, 0.0, loc / scale**2, -0.5 / scale**2),
    "norm": lambda v, loc, scale: (0.0, 0.0, loc / scale**2, -0.5 / scale**2),
    "rayleigh": lambda v, loc, scale: (1.0, 0.0, loc / scale**2, -0.5 / scale**2),
    "truncexpon": lambda v, loc, scale: (0.0, 0.0, -1.0 / scale, 0.0),
    "truncnorm": lambda v, loc, scale: (0.0, 0.0, loc / scale**2, -0.5 / scale**2),
    "uniform": lambda v, loc, scale: (0.0, 0.0, 0.0, 0.0),
}


class BaseColumn(ABC):
    """One column of a product base (see :class:`LawColumn` and :class:`LevelColumn`)."""

    @property
    @abstractmethod
    def key(self) -> tuple[Any, ...]:
        """What identifies the column, for equality and hashing."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The column in an error message or a repr."""

    @abstractmethod
    def inside(self, x: FloatArray) -> NDArray[np.bool_]:
        """Return which values lie in the closed support.

        Parameters
        ----------
        x : ndarray of shape (m,)
            Values.

        Returns
        -------
        ndarray of bool
            One entry per value.
        """

    @abstractmethod
    def log_density(self, x: FloatArray) -> FloatArray:
        """Return the log density, or the log probability of a level.

        Parameters
        ----------
        x : ndarray of shape (m,)
            Values in the closed support.

        Returns
        -------
        ndarray of shape (m,)
            Nats; infinite where the density is 0 or has a pole.
        """

    @abstractmethod
    def draw(self, size: int | tuple[int, ...], generator: np.random.Generator) -> FloatArray:
        """Return independent draws.

        Parameters
        ----------
        size : int or tuple of int
            Shape.
        generator : Generator
            Source of randomness.

        Returns
        -------
        ndarray
            Draws.
        """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseColumn) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.text


class LevelColumn(BaseColumn):
    """A column with finitely many levels.

    Parameters
    ----------
    values : array_like of shape (k,)
        Levels, all different.
    weights : array_like of shape (k,)
        Positive weights of any sum; levels of weight zero are left out.

    Examples
    --------
    >>> column = LevelColumn([0.0, 1.0], [1.0, 3.0])
    >>> np.exp(column.log_density(np.array([1.0])))
    array([0.75])
    """

    def __init__(self, values: Any, weights: Any) -> None:
        levels = np.atleast_1d(as_float_array("values of a base column", values))
        if levels.ndim != 1 or not 1 <= levels.size <= _MAX_LEVELS:
            raise InputError(
                f"values of a base column must be a vector of 1 to {_MAX_LEVELS} levels, "
                f"got shape {levels.shape}"
            )
        if np.abs(levels).max() > _LARGEST:
            got = short(levels.tolist())
            raise InputError(f"values of a base column must be below {_LARGEST:g} in size, got {got}")
        mass = check_weights(weights, levels.size, "weights of a base column")
        keep = np.argsort(levels, kind="stable")
        keep = keep[mass[keep] > 0]
        levels, mass = levels[keep], mass[keep]
        if np.any(np.diff(levels) == 0.0):
            raise InputError(f"values of a base column must be different levels, got {short(levels.tolist())}")
        self.levels: FloatArray = levels
        self.log_weights: FloatArray = np.log(mass)

    @property
    def key(self) -> tuple[Any, ...]:
        """Levels and log weights (see :class:`BaseColumn`)."""
        return ("levels", *self.levels.tolist(), *self.log_weights.tolist())

    @property
    def text(self) -> str:
        """The levels in short (see :class:`BaseColumn`)."""
        return f"{len(self.levels)} levels {short(self.levels.tolist(), 30)}"

    def inside(self, x: FloatArray) -> NDArray[np.bool_]:
        """Return which values are levels (see :class:`BaseColumn`)."""
        return np.asarray(np.isin(x, self.levels))

    def log_density(self, x: FloatArray) -> FloatArray:
        """Return the log probability of each level (see :class:`BaseColumn`)."""
        return np.asarray(self.log_weights[np.searchsorted(self.levels, x)])

    def draw(self, size: int | tuple[int, ...], generator: np.random.Generator) -> FloatArray:
        """Return independent levels (see :class:`BaseColumn`)."""
        total = np.cumsum(np.exp(self.log_weights))
        place = np.searchsorted(total, total[-1] * generator.random(size), side="right")
        return np.asarray(self.levels[np.minimum(place, len(total) - 1)])


class LawColumn(BaseColumn):
    """A column with a continuous frozen scipy law.

    Parameters
    ----------
    law : frozen scipy.stats law
        Continuous.

    Examples
    --------
    >>> from scipy import stats
    >>> LawColumn(stats.beta(2, 3)).slice_form()
    array([1. , 2. , 0. , 0. , 0. , 1. , 0.4])
    """

    def __init__(self, law: Any) -> None:
        self.law = law
        self.low, self.high = (float(end) for end in law.support())

    @property
    def key(self) -> tuple[Any, ...]:
        """Name of the law and its parameters (see :class:`BaseColumn`)."""
        return (self.law.dist.name, *self._parsed())

    def _parsed(self) -> tuple[tuple[float, ...], float, float]:
        shapes, loc, scale = self.law.dist._parse_args(*self.law.args, **self.law.kwds)
        return tuple(float(s) for s in shapes), float(loc), float(scale)

    @property
    def text(self) -> str:
        """The law with its parameters (see :class:`BaseColumn`)."""
        shapes, loc, scale = self._parsed()
        words = [f"{s:.6g}" for s in shapes]
        words += [f"loc={loc:.6g}"] * (loc != 0.0) + [f"scale={scale:.6g}"] * (scale != 1.0)
        return f"{self.law.dist.name}({', '.join(words)})"

    def inside(self, x: FloatArray) -> NDArray[np.bool_]:
        """Return which values lie between the ends of the support (see :class:`BaseColumn`)."""
        return np.asarray((x >= self.low) & (x <= self.high))

    def log_density(self, x: FloatArray) -> FloatArray:
        """Return the log density of the law (see :class:`BaseColumn`)."""
        return np.asarray(self.law.logpdf(x))

    def draw(self, size: int | tuple[int, ...], generator: np.random.Generator) -> FloatArray:
        """Return independent draws of the law (see :class:`BaseColumn`)."""
        return np.asarray(self.law.rvs(size=size, random_state=generator), dtype=np.float64)

    def slice_form(self) -> FloatArray | None:
        """Return the coefficients of the log density for the slice sampler.

        Returns
        -------
        ndarray of shape (7,) or None
            ``A, B, C, D, low, high, width``: the log density is
            ``A log(x - low) + B log(high - x) + C x + D x^2`` up to a constant, `width` a first
            bracket of two standard deviations. None for a law without this form; its column is
            updated with proposals from the law itself.
        """
        form = SLICE_FORMS.get(self.law.dist.name)
        if form is None:
            return None
        shapes, loc, scale = self._parsed()
        names = (self.law.dist.shapes or "").replace(" ", "").split(",")
        values = dict(zip(names, shapes, strict=False))
        return np.array([*form(values, loc, scale), self.low, self.high, 2.0 * float(self.law.std())])


def _sized(column: LawColumn, name: str) -> LawColumn:
    _, loc, scale = column._parsed()
    if not (abs(loc) <= _LARGEST and 1.0 / _LARGEST <= scale <= _LARGEST):
        required = f"a law with a location below {_LARGEST:g} in size and a scale from {1 / _LARGEST:g} to {_LARGEST:g}"
        raise InputError(describe(name, required, Words(column.text), "rescale the column"))
    return column


def base_column(description: Any, position: int) -> BaseColumn:
    """Return a base column from what the user passed.

    Parameters
    ----------
    description : frozen scipy law or (values, weights)
        A discrete frozen law with finitely many values becomes levels.
    position : int
        Index of the column, for messages.

    Returns
    -------
    BaseColumn
        The column.

    Raises
    ------
    InputTypeError
        If it is neither.
    InputError
        For parameters out of range or infinitely many levels.

    Examples
    --------
    >>> base_column(([1, 2, 3], [0.2, 0.5, 0.3]), 0)
    3 levels [1.0, 2.0, 3.0]
    """
    if isinstance(description, BaseColumn):
        return description
    name = f"base[{position}]"
    if isinstance(description, (tuple, list)) and len(description) == 2:
        return LevelColumn(*description)
    if not all(hasattr(description, part) for part in ("dist", "support", "rvs")):
        raise InputTypeError(describe(name, "a frozen scipy.stats law or (values, weights)", short(description), _CURE))
    low, high = law_support(description, name)
    if not low < high:
        raise InputError(describe(name, "a law with more than one value", short(description)))
    if hasattr(description, "logpdf"):
        return _sized(LawColumn(description), name)
    if not np.isfinite([low, high]).all() or high - low >= _MAX_LEVELS:
        raise InputError(
            describe(name, "a law with finitely many levels", f"support {low:g} to {high:g}", _CURE)
        )
    values = np.arange(low, high + 1.0)
    return LevelColumn(values, description.pmf(values))
