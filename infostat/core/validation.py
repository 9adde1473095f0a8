"""Checks on arguments: each returns the clean value or raises in one voice.

Public functions validate first and compute afterwards, so these helpers are
the only place where the wording of an error about a plain argument is decided.
Data tables are checked in :mod:`infostat.core.data`.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError, InputTypeError, Words, describe

__all__ = [
    "MOST_DRAWS",
    "FloatArray",
    "as_float_array",
    "as_items",
    "as_plain_array",
    "check_choice",
    "check_count",
    "check_flag",
    "check_number",
    "check_weights",
    "short",
]

FloatArray = NDArray[np.float64]
# More resamples, permutations or random directions than this end in no lifetime.
MOST_DRAWS = 10**9
Choice = TypeVar("Choice")


def short(value: object, width: int = 60) -> Words:
    """Return ``repr(value)`` cut to `width` characters, for use in messages.

    Parameters
    ----------
    value : object
        Anything.
    width : int
        Longest text returned.

    Returns
    -------
    Words
        The representation, shortened with an ellipsis; :func:`describe` prints it as it is.

    Examples
    --------
    >>> short("a" * 100, 10)
    "'aaaaa ..."
    """
    text = " ".join(repr(value).split())
    return Words(text if len(text) <= width else text[: width - 4] + " ...")


def check_number(
    name: str,
    value: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
    finite: bool = True,
    cure: str = "",
) -> float:
    """Return `value` as a float inside the interval, or raise.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : object
        What the caller passed; booleans and strings are refused.
    low, high : float
        Ends of the admissible interval.
    open_low, open_high : bool
        Whether an end is excluded.
    finite : bool
        Refuse infinities.
    cure : str
        Sentence added to the message.

    Returns
    -------
    float
        The number.

    Raises
    ------
    InputTypeError
        If `value` is not a real number.
    InputError
        If it is not a number of the interval.

    Examples
    --------
    >>> check_number("alpha", 0.05, low=0, high=0.5, open_low=True, open_high=True)
    0.05
    """
    required = _interval_words(low, high, open_low, open_high)
    if not _is_real(value):
        raise InputTypeError(describe(name, required, short(value), cure))
    number = _as_float(value)
    below = number <= low if open_low and low > -math.inf else number < low
    above = number >= high if open_high and high < math.inf else number > high
    if math.isnan(number) or below or above or (finite and math.isinf(number)):
        raise InputError(describe(name, required, value, cure))
    return number


def _is_real(value: object) -> bool:
    """Whether a value is a real number; booleans and time differences count as none."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_, np.timedelta64))


def _as_float(value: Any) -> float:
    """Float of a real number; an integer beyond the range of floats becomes infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _interval_words(low: float, high: float, open_low: bool, open_high: bool) -> str:
    if low == -math.inf and high == math.inf:
        return "a finite number"
    if high == math.inf:
        return f"a number {'>' if open_low else '>='} {low:g}"
    if low == -math.inf:
        return f"a number {'<' if open_high else '<='} {high:g}"
    left, right = "(" if open_low else "[", ")" if open_high else "]"
    return f"a number in {left}{low:g}, {high:g}{right}"


def check_count(name: str, value: Any, *, low: int = 0, high: int | None = None, cure: str = "") -> int:
    """Return `value` as an int of the range, or raise.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : object
        An integer, or a float that is one (``4000.0``).
    low : int
        Smallest admissible value.
    high : int, optional
        Largest admissible value.
    cure : str
        Sentence added to the message.

    Returns
    -------
    int
        The count.

    Raises
    ------
    InputTypeError
        If `value` is not a whole number.
    InputError
        If it is out of range.

    Examples
    --------
    >>> check_count("bootstrap", 200)
    200
    """
    required = f"an integer >= {low}" if high is None else f"an integer from {low} to {high}"
    if not _is_real(value):
        raise InputTypeError(describe(name, required, short(value), cure))
    # An int goes through unchanged: beyond 2**53 its float has lost digits.
    if not isinstance(value, numbers.Integral):
        number = float(value)
        if not math.isfinite(number) or number != math.floor(number):
            raise InputTypeError(describe(name, required, value, cure))
    count = int(value)
    if count < low or (high is not None and count > high):
        raise InputError(describe(name, required, short(value), cure))
    return count


def check_flag(name: str, value: Any) -> bool:
    """Return `value` as a bool, or raise.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : object
        True or False.

    Returns
    -------
    bool
        The flag.

    Raises
    ------
    InputTypeError
        If `value` is not a boolean.

    Examples
    --------
    >>> check_flag("loo", True)
    True
    """
    if not isinstance(value, (bool, np.bool_)):
        raise InputTypeError(describe(name, "True or False", short(value)))
    return bool(value)


def check_choice(name: str, value: Any, choices: Iterable[Choice]) -> Choice:
    """Return the member of `choices` equal to `value`, or raise and list them.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : object
        What the caller passed.
    choices : iterable
        Admissible values.

    Returns
    -------
    object
        The matching choice.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> check_choice("order", 2, (1, 2))
    2
    """
    options = list(choices)
    for option in options:
        same_kind = type(option) is type(value)
        # NumPy integers count as ints, booleans and time differences do not.
        if not same_kind and isinstance(option, int) and _is_real(value):
            same_kind = isinstance(value, numbers.Integral)
        if same_kind and bool(option == value):
            return option
    raise InputError(describe(name, "one of " + ", ".join(repr(o) for o in options), short(value)))


def as_float_array(
    name: str, value: ArrayLike, *, ndim: int | tuple[int, ...] | None = None, finite: bool = True
) -> FloatArray:
    """Return `value` as a float64 array, or raise with counts of what is wrong.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : array_like
        Real numbers.
    ndim : int or tuple of int, optional
        Admissible numbers of axes.
    finite : bool
        Refuse NaN and infinities.

    Returns
    -------
    ndarray of float64
        The array; the input itself if it already is one (never modified).

    Raises
    ------
    InputTypeError
        If the values are not real numbers.
    InputError
        If the shape is wrong or values are not finite.

    Examples
    --------
    >>> as_float_array("eta", [1, 2], ndim=1)
    array([1., 2.])
    """
    try:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            value = np.ma.filled(value.astype(np.float64), np.nan)  # as in data tables, what is masked is missing
        raw = np.asarray(value)
        if raw.dtype.kind == "c" or (raw.dtype.kind in "USOmM" and raw.size and not _all_real(raw)):
            raise TypeError
        array = np.asarray(raw, dtype=np.float64)
    except MemoryError:
        raise
    except Exception as error:  # a foreign array may refuse in its own way, as one on a graphics card does
        cause = None if isinstance(error, (TypeError, ValueError, OverflowError)) else error
        raise InputTypeError(describe(name, "an array of real numbers", short(value))) from cause
    if ndim is not None:
        allowed = (ndim,) if isinstance(ndim, int) else ndim
        if array.ndim not in allowed:
            words = " or ".join(f"{k}-dimensional" for k in allowed)
            raise InputError(describe(name, words, Words(f"shape {array.shape}")))
    if finite and not np.isfinite(array).all():
        n_nan = int(np.isnan(array).sum())
        n_inf = int(np.isinf(array).sum())
        raise InputError(f"{name} must be finite, got {n_nan} NaN and {n_inf} infinite values")
    return array


def as_plain_array(name: str, value: Any, dtype: Any = None) -> NDArray[Any]:
    """Return `value` as an array of whatever it holds, or raise if there is none.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : array_like
        Anything; what the entries are is checked elsewhere.
    dtype : dtype, optional
        Kind of entries, as in `numpy.asarray`.

    Returns
    -------
    ndarray
        The array.

    Raises
    ------
    InputTypeError
        If its rows differ in length, or it refuses to become an array.

    Examples
    --------
    >>> as_plain_array("labels", ["a", "b"]).shape
    (2,)
    """
    try:
        return np.asarray(value, dtype=dtype)
    except MemoryError:
        raise
    except Exception as error:  # as in `as_float_array`
        cause = None if isinstance(error, (TypeError, ValueError)) else error
        raise InputTypeError(describe(name, "an array whose rows have one length", short(value))) from cause


def as_items(name: str, value: Any, required: str) -> list[Any]:
    """Return what `value` holds as a list, or raise if it holds nothing that can be gone through.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : iterable
        Its items are checked elsewhere; a text is no iterable of its letters.
    required : str
        What the argument must be, completing "must be ...".

    Returns
    -------
    list
        The items.

    Raises
    ------
    InputTypeError
        If it is not iterable.

    Examples
    --------
    >>> as_items("kinds", ("kl", "js"), "a sequence of kinds")
    ['kl', 'js']
    """
    if not isinstance(value, (str, bytes)) and isinstance(value, Iterable):
        try:
            return list(value)
        except (TypeError, RuntimeError):  # an array without axes is iterable in name only
            pass
    raise InputTypeError(describe(name, required, short(value)))


def _all_real(raw: NDArray[Any]) -> bool:
    if raw.dtype.kind != "O":
        return False
    return all(isinstance(v, numbers.Real) for v in raw.ravel())


def check_weights(weights: ArrayLike | None, n_obs: int, name: str = "weights") -> FloatArray:
    """Return non-negative weights of sum one, uniform if None.

    Parameters
    ----------
    weights : array_like of shape (n_obs,), optional
        Non-negative numbers with a positive sum.
    n_obs : int
        Number of rows they belong to.
    name : str
        Argument name for the message.

    Returns
    -------
    ndarray of shape (n_obs,)
        The weights divided by their sum.

    Raises
    ------
    InputError
        If the length is wrong, a weight is negative or not finite, or all are zero.

    Examples
    --------
    >>> check_weights([1, 3], 2)
    array([0.25, 0.75])
    """
    if weights is None:
        return np.full(n_obs, 1.0 / n_obs)
    array = as_float_array(name, weights)
    if array.shape != (n_obs,):
        raise InputError(f"{name} must have one entry per row ({n_obs}), got shape {array.shape}")
    if not n_obs:
        raise InputError(f"{name} must have at least one entry, got none")
    n_negative = int((array < 0).sum())
    if n_negative:
        raise InputError(f"{name} must be non-negative, got {n_negative} negative values")
    largest = float(array.max())
    if largest == 0.0:
        raise InputError(f"{name} must have a positive sum, got zeros only")
    # Scaling by the largest first keeps the sum finite for weights near the float limit.
    scaled = array / largest
    return np.asarray(scaled / scaled.sum())
