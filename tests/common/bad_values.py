"""Values that no argument deserves, and what a public function may do with them."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import inspect
import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from infostat.core.errors import InfostatError, InfostatWarning
from infostat.core.results import Result

__all__ = ["BAD", "Call", "attack", "numbers_missing"]

# A function and one good value of each of its arguments.
Call = tuple[Callable[..., Any], dict[str, Any]]


class Unhelpful:
    """An array of another library that refuses to become one of NumPy, as one with gradients does."""

    def __repr__(self) -> str:
        return "Unhelpful()"

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise RuntimeError("this array has gradients")


def _raises(*args: Any, **options: Any) -> Any:
    raise KeyError("a callable that fails")


def _text(*args: Any, **options: Any) -> Any:
    return "text"


BAD: dict[str, Any] = {
    "none": None, "empty text": "", "text": "abc", "bytes": b"q", "nan": np.nan, "inf": np.inf, "-inf": -np.inf,
    "-1": -1, "0": 0, "-0.5": -0.5, "1.5": 1.5, "1e308": 1e308, "-1e308": -1e308, "5e-324": 5e-324, "1e-300": 1e-300,
    "true": True, "complex": 1j, "2**70": 2**70, "-2**70": -(2**70), "10**400": 10**400,
    "empty list": [], "empty tuple": (), "nested empty list": [[]], "empty dict": {}, "dict": {"a": 1}, "set": {1.0},
    "list of nan": [np.nan], "list of inf": [np.inf], "list of none": [None], "list of text": ["a"],
    "mixed list": [1, "a"], "complex list": [1j, 2], "ragged rows": [[1, 2], [3]], "ragged list": [1, [2, 3]],
    "huge list": [1e308, 1e308], "huge both signs": [1e308, -1e308], "negative entry": [-1, 1, 1],
    "zeros": [0, 0, 0], "zero matrix": [[0, 0], [0, 0]], "indefinite": [[-1, 0], [0, 1]],
    "denormal matrix": [[1e-320, 0], [0, 1e-320]], "long list": [0.1] * 100, "list with NA": [pd.NA, 1],
    "NA": pd.NA, "NaT": pd.NaT, "ellipsis": ..., "len": len, "type": type, "failing callable": _raises,
    "callable of text": _text, "decimal": Decimal("0.5"), "fraction": Fraction(1, 2),
    "datetime": datetime.datetime(2020, 1, 1), "datetime64": np.datetime64("2020"),
    "timedelta64": np.timedelta64(1, "s"), "float32": np.float32(0.5), "array of one": np.array(3.0),
    "array of nan": np.array(np.nan), "array of text": np.array(["a"]),
    "array of objects": np.array([1, 2, 3], dtype=object), "cube": np.zeros((2, 2, 2)),
    "cube of ones": np.ones((3, 3, 3)), "no rows": np.zeros((0, 3)), "no columns": np.zeros((3, 0)),
    "huge matrix": np.full((3, 3), 1e200), "masked": np.ma.masked_equal([1, 2], 2), "empty frame": pd.DataFrame(),
    "frame of words": pd.DataFrame({"a": ["x", "y", "z"]}), "series": pd.Series([1, 2, 3], index=[0, 0, 1]),
    "range": range(3), "slice": slice(3), "unhelpful": Unhelpful(), "generator": (i for i in ()),
}  # fmt: skip


def numbers_missing(value: Any, where: str = "") -> set[str]:
    """Return the places of a value at which a number is nan."""
    if isinstance(value, Result):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}  # type: ignore[arg-type]
    if isinstance(value, pd.DataFrame):
        return {f"{where}.{name}" for name in value.select_dtypes("number") if value[name].isna().any()}
    if isinstance(value, Mapping):
        return set().union(*(numbers_missing(item, f"{where}.{key}") for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return set().union(*(numbers_missing(item, where) for item in value))
    if isinstance(value, (float, np.floating, np.ndarray)) and np.asarray(value).dtype.kind == "f":
        return {where or "the value"} if np.isnan(value).any() else set()
    return set()


def _frozen(options: Mapping[str, Any]) -> dict[str, bytes]:
    """What the arguments look like now; what cannot be pickled is not watched."""
    found = {}
    for name, value in options.items():
        if not callable(value) and not isinstance(value, np.ma.MaskedArray):
            try:
                found[name] = pickle.dumps(value)
            except (TypeError, AttributeError, RuntimeError, pickle.PicklingError):
                continue
    return found


# Fields that are nan by design, where there is no such number: errors without a spread, bounds without a width.
NOT_ALWAYS = {"se", "bias", "low", "high", "w1", "w1_se", "gap_se", "gap_from_information", "reported_se",
              "kl_to_optimal_predicted", "reward_gap_predicted"}  # fmt: skip

# What an argument holds, where a message speaks of that: a column of the data, one of the families.
_OF_DATA = ("column", "columns", "labels", "data")
_OF_REWARDS = ("rewards", "column", "columns")
WORDS = {
    "data": (*_OF_DATA, *_OF_REWARDS), "samples": _OF_REWARDS, "source": _OF_REWARDS, "families": ("family",),
    "levels": _OF_DATA, "truth": (*_OF_DATA, "law"), "data_or_results": (*_OF_DATA, "results"), "X": _OF_DATA,
    "replicates": ("n_replicates",), "bootstrap": ("n_replicates",), "name": ("data set", "figure"),
    "names": ("figure",), "theta": ("parameter", "parameters", "statistics"),
    "P": ("X", "Y", "k"), "Q": ("X", "Y", "k", "data"),
}  # fmt: skip


def _mentions(message: str, names: Any) -> bool:
    return any(re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", message) for name in names)


def _refusal(error: Exception, arguments: set[str], argument: str, value: Any) -> str:
    """What is wrong with an error, in words; empty if nothing."""
    if not isinstance(error, InfostatError):
        return f"raised a bare {type(error).__name__}: {error!s:.150}"
    message = str(error)
    if not isinstance(error, (ValueError, TypeError, ImportError)) or not 5 < len(message) < 1500:
        return f"raised {error!r:.150}"
    if isinstance(value, str) and "file" in message:
        return ""  # a text where data are expected is a path, and the message is about the file
    if not _mentions(message, [*arguments, *WORDS.get(argument, ())]):
        return f"names no argument: {message[:200]}"
    return ""


def attack(function: Callable[..., Any], good: Mapping[str, Any], argument: str, value: Any, missing: set[str]) -> str:
    """Return what a function does wrong when one of its arguments gets a bad value.

    Parameters
    ----------
    function : callable
        A public function.
    good : mapping
        A good value of each argument.
    argument : str
        Which argument gets the bad value.
    value : object
        The bad value.
    missing : set of str
        Fields that are nan with the good values, because there is no such number.

    Returns
    -------
    str
        Empty if it refuses the value in the package's voice or gives numbers.
    """
    if argument == "progress" and callable(value):
        return ""  # it is called as it is asked to be, and what it raises is the caller's
    options = {**good, argument: copy.copy(value) if isinstance(value, (list, dict, set)) else value}
    before = _frozen(options)
    try:
        with warnings.catch_warnings(record=True) as issued:
            warnings.simplefilter("error")
            warnings.simplefilter("always", InfostatWarning)
            found = function(**options)
            if isinstance(found, Result):
                assert str(found.summary()) and repr(found) and len(found.to_frame()) >= 0
    except Exception as error:
        problem = _refusal(error, {*good, *inspect.signature(function).parameters}, argument, value)
    else:
        gone = {place for place in numbers_missing(found) - missing if place.rsplit(".", 1)[-1] not in NOT_ALWAYS}
        # A result that says in a warning what it could not find out is not silent.
        problem = f"gave nan in {sorted(gone)}" if gone and not issued else ""
    changed = [name for name, content in _frozen(options).items() if before.get(name, content) != content]
    return problem or (f"changed its input {changed}" if changed else "")
