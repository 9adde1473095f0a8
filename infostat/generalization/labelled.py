"""What every number of this wing carries: its nature, its sense, its assumptions, whether it is vacuous.

A bound that holds in expectation, one that holds with high probability and one that holds for the two
samples at hand are different statements; `sense` keeps them apart, in tables and in figures.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError, InputTypeError, VacuousBoundWarning, Words, describe
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, as_float_array, check_number, short
from ..core.words import frame_section, row_label

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NATURES",
    "SENSES",
    "Bound",
    "check_axis",
    "check_nonnegative",
    "check_range",
    "check_sigma",
    "check_sizes",
    "common_shape",
    "input_items",
    "is_vacuous",
    "list_of",
    "scalar_or_array",
    "sigma_range",
    "warn_if_vacuous",
]

NATURES = ("exact", "bound", "estimate", "proxy")
SENSES = {
    "expectation": "in expectation over the training sample (and the randomness of training)",
    "probability": "with high probability over the training sample",
    "always": "for the two samples given, with no probability statement",
    "": "",
}
_ROUNDING = 1e-10  # divergences computed elsewhere may be this much below zero

# Labels of inputs; the common words speak of rows of data.
INPUT_LABELS = {"n": "Sample size n", "emp": "Empirical risk", "n_inputs": "Inputs", "n_outputs": "Outputs"}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class _Labelled(Result):
    """Base of the results of this wing (fields are documented by each subclass).

    Attributes
    ----------
    value : float or ndarray
        The number.
    nature : str
        ``"exact"``, ``"bound"``, ``"estimate"`` or ``"proxy"``.
    assumptions : tuple of str
        What has to hold.
    vacuous : bool or ndarray of bool
        Whether a bound says nothing.
    sense : str
        ``"expectation"``, ``"probability"``, ``"always"`` or empty.
    """

    value: float | FloatArray
    nature: str
    assumptions: tuple[str, ...] = ()
    vacuous: bool | NDArray[np.bool_] = False
    sense: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nature not in NATURES:
            raise InputError(describe("nature", f"one of {', '.join(NATURES)}", self.nature))
        if self.sense not in SENSES:
            raise InputError(describe("sense", f"one of {', '.join(repr(s) for s in SENSES)}", self.sense))

    def __float__(self) -> float:
        if np.ndim(self.value):
            raise InputTypeError(f"float() needs a single number, got {np.size(self.value)} values; use .value")
        return float(self.value)

    def _label_rows(self) -> list[list[Cell]]:
        """Rows of a table that say what kind of number this is."""
        rows: list[list[Cell]] = [["Nature", self.nature]]
        if self.sense:
            rows.append(["Holds", SENSES[self.sense]])
        if self.nature == "bound":
            share = np.mean(self.vacuous)
            rows.append(["Vacuous", "yes" if share == 1 else "no" if share == 0 else "in part"])
        return rows

    def _notes(self) -> Sequence[str]:
        notes = list(super()._notes())
        notes += [f"Assumes: {text}." for text in self.assumptions]
        return notes


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Bound(_Labelled):
    """One inequality of the generalization toolkit, evaluated.

    Attributes
    ----------
    value : float or ndarray
        The bound, in the unit of the loss unless `quantity` says otherwise; inf where nothing is known.
    nature : str
        ``"bound"``; ``"exact"`` or ``"estimate"`` where the page of the function says so.
    assumptions : tuple of str
        What has to hold for the number to be what it says.
    vacuous : bool or ndarray of bool
        True where the bound is at least the range of the loss, or not finite.
    sense : str
        ``"expectation"``, ``"probability"`` or ``"always"``.
    name : str
        The bound in words.
    quantity : str
        What is bounded.
    inputs : mapping of str to number or array
        What went in.
    interpretation : str
        A sentence that says what it means.
    """

    name: str = "Bound"
    quantity: str = "absolute generalization gap"
    inputs: Mapping[str, float | str | FloatArray | None] | None = None
    interpretation: str = ""

    _headline = ("value", "nature", "sense", "vacuous")

    def _title(self) -> str:
        return self.name

    def to_frame(self) -> pd.DataFrame:
        """Return one row per value.

        Returns
        -------
        DataFrame
            The inputs that are single numbers or have the shape of the value, then ``value vacuous``.
        """
        import pandas as pd

        shape = np.shape(self.value)
        columns: dict[str, Any] = {}
        for key, item in input_items(self.inputs).items():
            if np.ndim(item) == 0 or np.shape(item) == shape:
                columns[key] = np.ravel(np.broadcast_to(np.asarray(item), shape))
        columns["value"] = np.ravel(self.value)
        columns["vacuous"] = np.ravel(np.broadcast_to(self.vacuous, shape))
        return pd.DataFrame(columns)

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["Bounds" if self.nature == "bound" else "Quantity", self.quantity]]
        if np.ndim(self.value) == 0:
            rows.append(["Value", float(self.value)])
        rows += self._label_rows()
        for key, item in input_items(self.inputs).items():
            if np.ndim(item) == 0:
                rows.append([row_label(key, INPUT_LABELS), item])
        found = [Section(rows)]
        if np.ndim(self.value):
            found.append(frame_section(self.to_frame(), most=20))
        return found


def input_items(inputs: Mapping[str, float | str | FloatArray | None] | None) -> dict[str, Any]:
    """Return the inputs of a result as a dict that code can walk.

    Parameters
    ----------
    inputs : mapping or None
        Field of a result.

    Returns
    -------
    dict
        Empty for None.
    """
    return dict(inputs or {})


def check_nonnegative(name: str, value: Any) -> FloatArray:
    """Return an array of divergences in nats; values within rounding of zero become zero.

    Parameters
    ----------
    name : str
        Argument, for the message.
    value : array_like
        Divergences or informations; inf is allowed.

    Returns
    -------
    ndarray
        The same shape (a scalar gives a 0-d array), a copy.

    Raises
    ------
    InputError
        If a value is nan or below -1e-10.
    """
    array = np.array(as_float_array(name, value, finite=False))
    if array.size == 0:
        raise InputError(describe(name, "at least one number", Words("an empty array")))
    if np.isnan(array).any() or (array < -_ROUNDING).any():
        bad = array[np.isnan(array) | (array < -_ROUNDING)]
        raise InputError(describe(name, "non-negative (nats)", float(bad.flat[0])))
    return np.maximum(array, 0.0)


def check_sigma(sigma: Any) -> FloatArray:
    """Return sub-Gaussian constants as an array; every one is positive and finite.

    Parameters
    ----------
    sigma : array_like
        Sub-Gaussian constant of the loss, unit of the loss.

    Returns
    -------
    ndarray
        The constants.

    Raises
    ------
    InputError
        If one is nan, infinite, zero or negative.
    """
    array = as_float_array("sigma", sigma, finite=False)
    if array.size == 0 or not (np.isfinite(array) & (array > 0.0)).all():
        bad = array[~(np.isfinite(array) & (array > 0.0))]
        shown = float(bad.flat[0]) if bad.size else Words("none")
        raise InputError(describe("sigma", "a positive number (sub-Gaussian constant of the loss)", shown))
    return array


def check_sizes(name: str, value: Any, *, high: float = np.inf) -> FloatArray:
    """Return sample sizes as an array; every one is a whole number >= 1.

    Parameters
    ----------
    name : str
        Argument, for the message.
    value : array_like
        Sample sizes.
    high : float
        Largest size allowed.

    Returns
    -------
    ndarray
        The sizes, as floats.

    Raises
    ------
    InputError
        If one is below 1, above `high`, not whole, nan or infinite.
    """
    array = as_float_array(name, value, finite=False)
    good = np.isfinite(array) & (array >= 1.0) & (array <= high) & (array == np.floor(array))
    if array.size == 0 or not good.all():
        bad = array[~good]
        large = bool(bad.size) and bad.flat[0] > high
        required = f"a whole number from 1 to {high:g}" if large else "a whole number >= 1"
        raise InputError(describe(name, required, bad.flat[0] if bad.size else Words("none")))
    return array


def check_axis(name: str, value: FloatArray) -> FloatArray:
    """Return an array with one axis; a single number becomes an array of one.

    Parameters
    ----------
    name : str
        Argument, for the message.
    value : ndarray
        Numbers that have been checked.

    Returns
    -------
    ndarray of shape (k,)
        The numbers.

    Raises
    ------
    InputError
        If there are more axes.
    """
    if value.ndim > 1:
        raise InputError(describe(name, "one number, or a list of them", Words(f"shape {value.shape}")))
    return np.atleast_1d(value)


def list_of(name: str, value: Any, required: str) -> list[Any]:
    """Return the entries of a list, tuple or array, or raise for what has no entries.

    Parameters
    ----------
    name : str
        Argument, for the message.
    value : iterable
        A list; text and single numbers are none.
    required : str
        What the argument has to be, in words.

    Returns
    -------
    list
        The entries.

    Raises
    ------
    InputTypeError
        If `value` is text, a mapping, a single number or cannot be iterated over.
    """
    if isinstance(value, (str, bytes, Mapping)) or not np.iterable(value):
        raise InputTypeError(describe(name, required, short(value)))
    return list(value)


def common_shape(**arrays: FloatArray) -> tuple[FloatArray, ...]:
    """Return the arrays broadcast to one shape.

    Parameters
    ----------
    **arrays : ndarray
        Arguments by name, for the message.

    Returns
    -------
    tuple of ndarray
        In the order given.

    Raises
    ------
    InputError
        If their shapes do not fit.
    """
    try:
        return tuple(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"arguments must have matching shapes, got {shapes}") from None


def check_range(name: str, value: Any) -> float:
    """Return the width of a loss range, positive and finite.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : float
        Width, unit of the loss.

    Returns
    -------
    float
        The width.

    Raises
    ------
    InputError, InputTypeError
        If it is not positive and finite.
    """
    return check_number(name, value, low=0.0, open_low=True)


def sigma_range(sigma: Any) -> tuple[FloatArray, str]:
    """Return the loss range taken where only sigma is known, and the sentence that says so.

    Parameters
    ----------
    sigma : array_like
        Sub-Gaussian constant.

    Returns
    -------
    tuple
        ``2 sigma`` and an entry for `assumptions`.
    """
    with np.errstate(over="ignore"):
        width = 2.0 * np.asarray(sigma, dtype=np.float64)
    return width, "vacuity is judged against a loss range of 2 sigma, because only sigma is given"


def is_vacuous(value: Any, loss_range: Any) -> bool | NDArray[np.bool_]:
    """Return where a bound is at least the range of the loss, or not finite.

    Parameters
    ----------
    value : float or array_like
        Bounds.
    loss_range : float or array_like
        Largest value of the bounded quantity.

    Returns
    -------
    bool or ndarray of bool
        The shape of `value`.
    """
    array = np.asarray(value, dtype=np.float64)
    out = ~np.isfinite(array) | (array >= np.asarray(loss_range))
    return bool(out) if out.ndim == 0 else out


def warn_if_vacuous(
    vacuous: bool | NDArray[np.bool_], name: str, *, limit: str = "the range of the loss", stacklevel: int = 3
) -> None:
    """Warn when a bound says nothing, wholly or in part.

    Parameters
    ----------
    vacuous : bool or ndarray of bool
        From :func:`is_vacuous`.
    name : str
        The bound in words.
    limit : str
        What the bounded quantity cannot exceed, in words.
    stacklevel : int
        So that the warning points at the caller's line.
    """
    if np.any(vacuous):
        part = "" if np.all(vacuous) else " in part"
        warnings.warn(
            f"{name} is vacuous{part}: it is at least {limit}; more samples, smaller divergences "
            "or another bound are needed",
            VacuousBoundWarning,
            stacklevel=stacklevel,
        )


def scalar_or_array(value: Any) -> float | FloatArray:
    """Return a float for a 0-d array, the array otherwise.

    Parameters
    ----------
    value : array_like
        Result of a computation.

    Returns
    -------
    float or ndarray
        What users expect back.
    """
    array = np.asarray(value, dtype=np.float64)
    return float(array) if array.ndim == 0 else array
