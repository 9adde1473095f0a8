"""Several vectors about the same outcomes: matched by label, checked, under the caller's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.errors import InputError, InputTypeError
from ..core.validation import FloatArray, as_plain_array
from .laws import as_law

__all__ = ["log_law", "match_labels"]


def match_labels(vectors: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Bring every Series into the order of the first one.

    Parameters
    ----------
    vectors : mapping of str to array_like
        Arguments by name; what is not a Series is taken to be in that order already.

    Returns
    -------
    vectors : dict
        The same arguments in one order.
    labels : tuple of str
        Labels of the first Series; empty if there is none or it has the default index.

    Raises
    ------
    InputError
        If two Series do not have the same labels.

    Examples
    --------
    >>> match_labels({"base": [0.5, 0.5], "true": [1.0, 2.0]})
    ({'base': [0.5, 0.5], 'true': [1.0, 2.0]}, ())
    """
    series = {name: v for name, v in vectors.items() if hasattr(getattr(v, "index", None), "is_unique")}
    if not series:
        return dict(vectors), ()
    first = next(iter(series))
    index = series[first].index
    out = dict(vectors)
    for name, value in series.items():
        if value.index.equals(index):
            continue
        same = index.is_unique and value.index.is_unique and len(index) == len(value) and value.index.isin(index).all()
        if not same:
            raise InputError(f"{name} must have the labels of {first}, got Series whose indexes differ")
        out[name] = value.loc[index]
    default = type(index).__name__ == "RangeIndex"
    return out, () if default else tuple(str(label) for label in index)


def log_law(name: str, p: Any) -> FloatArray:
    """Return the normalised log probabilities of a law; its messages use the argument's name.

    Parameters
    ----------
    name : str
        Argument as the caller spells it.
    p : array_like of shape (k,)
        Probabilities; sums that miss one by at most 1e-6 are normalised.

    Returns
    -------
    ndarray of shape (k,)
        Log probabilities; -inf for impossible outcomes.

    Raises
    ------
    InputError
        If it is not a law.
    InputTypeError
        If it is not numeric.

    Examples
    --------
    >>> np.exp(log_law("policy", [0.25, 0.75])).round(12)
    array([0.25, 0.75])
    """
    values = as_plain_array(name, p)
    try:
        return as_law(values, np.zeros(values.shape)).log_p
    except InputTypeError as error:
        raise InputTypeError(_renamed(error, name)) from None
    except InputError as error:
        raise InputError(_renamed(error, name)) from None


def _renamed(error: Exception, name: str) -> str:
    return re.sub(r"\bp\b", name, str(error), count=1)
