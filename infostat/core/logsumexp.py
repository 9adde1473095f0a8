"""Mergeable log-sum-exp: log Σ w exp(t) from pieces, without overflow."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError, InputTypeError, describe
from .validation import FloatArray, as_float_array, check_count

__all__ = ["LogSumExp"]


class LogSumExp:
    """Running log Σ_a w_a exp(t_a), one number or one per entry of a fixed shape.

    Parameters
    ----------
    shape : tuple of int
        Shape of the answer; the default ``()`` is one number.

    Attributes
    ----------
    n_terms : int
        Terms seen per entry.

    Notes
    -----
    The state is (maximum M, scaled sum S = Σ w exp(t - M)); the value is M + log S. Two states
    merge by bringing both sums to the larger maximum. Infinite terms are values: without any
    finite term the value is -inf, with one term +inf it is +inf.

    Examples
    --------
    >>> state = LogSumExp().update([-1000.0, -1001.0])
    >>> round(state.merge(LogSumExp().update([-999.0])).value, 6)
    -998.592394
    >>> LogSumExp().value
    -inf
    """

    def __init__(self, shape: tuple[int, ...] | int = ()) -> None:
        parts = (shape,) if isinstance(shape, (int, np.integer)) else shape
        if not isinstance(parts, (tuple, list)):
            raise InputTypeError(describe("shape", "a tuple of integers", shape))
        self._shape = tuple(check_count("shape", part) for part in parts)
        self.n_terms = 0
        self._maximum: FloatArray = np.full(self._shape, -np.inf)
        self._scaled: FloatArray = np.zeros(self._shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the answer."""
        return self._shape

    def update(self, log_terms: ArrayLike, weights: ArrayLike | None = None) -> LogSumExp:
        """Add terms and return the accumulator.

        Parameters
        ----------
        log_terms : array_like of shape (m, *shape)
            Exponents t; infinities allowed, NaN not.
        weights : array_like of shape (m,) or (m, *shape), optional
            Non-negative factors w; a term of weight zero is left out, even if infinite.

        Returns
        -------
        LogSumExp
            Itself.

        Raises
        ------
        InputError
            If a shape is wrong, an exponent is NaN, or a weight negative or not finite.
        """
        terms = as_float_array("log_terms", log_terms, finite=False)
        if terms.ndim != 1 + len(self._shape) or terms.shape[1:] != self._shape:
            axes = ", ".join(["m", *map(str, self._shape)])
            raise InputError(f"log_terms must have shape ({axes}), got shape {terms.shape}")
        n_nan = int(np.isnan(terms).sum())
        if n_nan:
            raise InputError(f"log_terms must not be NaN, got {n_nan} NaN")
        if weights is not None:
            factors = _check_factors(weights, terms)
            # A weight is applied to the sum, not as log w to the exponent: no digits are lost.
            terms = np.where(factors > 0.0, terms, -np.inf)
        else:
            factors = np.ones(1)
        if terms.shape[0]:
            maximum = terms.max(axis=0, initial=-np.inf)
            scaled = (factors * _exp_distance(terms, maximum)).sum(axis=0)
            self._absorb(maximum, np.where(maximum == -np.inf, 0.0, scaled))
        self.n_terms += terms.shape[0]
        return self

    def merge(self, other: LogSumExp) -> LogSumExp:
        """Add the content of another accumulator and return this one; `other` is unchanged.

        Parameters
        ----------
        other : LogSumExp
            Same shape.

        Returns
        -------
        LogSumExp
            Itself.

        Raises
        ------
        InputTypeError
            If `other` is no LogSumExp accumulator.
        InputError
            If its shape differs.
        """
        if not isinstance(other, LogSumExp):
            raise InputTypeError(f"other must be a LogSumExp accumulator, got a {type(other).__name__}")
        if other._shape != self._shape:
            raise InputError(f"other must have shape {self._shape}, got shape {other._shape}")
        n_terms = other.n_terms
        self._absorb(other._maximum, other._scaled)
        self.n_terms += n_terms
        return self

    def _absorb(self, maximum: FloatArray, scaled: FloatArray) -> None:
        new = np.maximum(self._maximum, maximum)
        own = self._scaled * _exp_distance(self._maximum, new)
        theirs = scaled * _exp_distance(maximum, new)
        self._maximum, self._scaled = np.asarray(new), np.asarray(own + theirs)

    @property
    def value(self) -> Any:
        """log Σ w exp(t): a float for shape (), an array otherwise."""
        result = np.full(self._shape, -np.inf)
        np.log(self._scaled, out=result, where=self._scaled > 0.0)
        # The maximum is added only where there is a sum: -inf plus the log of an empty sum is -inf.
        np.add(result, self._maximum, out=result, where=self._scaled > 0.0)
        return result if self._shape else float(result)

    def copy(self) -> LogSumExp:
        """Return an independent copy."""
        return copy.deepcopy(self)

    def state(self) -> dict[str, Any]:
        """Return the content as a dict, for `from_state`."""
        return {
            "shape": self._shape,
            "n_terms": self.n_terms,
            "maximum": self._maximum.copy(),
            "scaled": self._scaled.copy(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LogSumExp:
        """Return the accumulator whose `state` this was.

        Parameters
        ----------
        state : dict
            Made by `state`.

        Returns
        -------
        LogSumExp
            A new accumulator.

        Raises
        ------
        InputError
            If an entry is missing or has a wrong shape.

        Examples
        --------
        >>> LogSumExp.from_state(LogSumExp().update([0.0]).state()).value
        0.0
        """
        missing = [name for name in ("shape", "n_terms", "maximum", "scaled") if name not in state]
        if missing:
            raise InputError(f"state must come from LogSumExp.state(), got one without {', '.join(missing)}")
        new = cls(tuple(state["shape"]))
        new.n_terms = check_count("n_terms", state["n_terms"])
        for name in ("maximum", "scaled"):
            array = as_float_array(name, state[name], finite=False)
            if array.shape != new._shape:
                raise InputError(f"{name} of the state must have shape {new._shape}, got {array.shape}")
            setattr(new, f"_{name}", array.copy())
        return new

    def __repr__(self) -> str:
        return f"LogSumExp(shape={self._shape}, n_terms={self.n_terms})"


def _exp_distance(terms: FloatArray, maximum: FloatArray) -> FloatArray:
    """Return exp(terms - maximum), one where both are the same infinity."""
    difference = np.zeros(np.broadcast_shapes(terms.shape, maximum.shape))
    # Far terms may pass the float range on the way to zero; that is their right value.
    with np.errstate(over="ignore", under="ignore"):
        np.subtract(terms, maximum, out=difference, where=terms != maximum)
        return np.asarray(np.exp(difference))


def _check_factors(weights: ArrayLike, terms: FloatArray) -> NDArray[np.float64]:
    factors = as_float_array("weights", weights)
    if factors.shape == terms.shape[:1]:
        factors = factors.reshape(factors.shape + (1,) * (terms.ndim - 1))
    elif factors.shape != terms.shape:
        raise InputError(
            f"weights must have one entry per term ({terms.shape[0]}), got shape {factors.shape}"
        )
    n_negative = int((factors < 0).sum())
    if n_negative:
        raise InputError(f"weights must be non-negative, got {n_negative} negative values")
    return factors
