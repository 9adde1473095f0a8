"""What `MLP` accepts: widths, activations, numbers per layer, labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import DataError, InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_choice, check_count, check_number, short
from .labelled import list_of
from .network_training import ACTIVATIONS

__all__ = ["NotTrainedError", "check_activations", "check_hidden", "check_signs", "check_widths", "numbers_per_layer"]

_LARGEST_WIDTH = 100_000


class NotTrainedError(InputError, AttributeError):
    """Weights were asked for before `fit`."""


def check_signs(name: str, y: Any, rows: int) -> FloatArray:
    """Return labels -1 and 1 as an array of floats, one per row.

    Parameters
    ----------
    name : str
        Argument, for the message.
    y : array_like
        Labels.
    rows : int
        Number of observations they belong to.

    Returns
    -------
    ndarray of shape (n,)
        The labels.

    Raises
    ------
    DataError
        If a label is neither -1 nor 1, or their number is wrong.
    """
    labels = as_float_array(name, y, ndim=1)
    wrong = labels[np.abs(labels) != 1.0]
    if len(wrong):
        cure = "labels 0 and 1 become -1 and 1 by 2 * y - 1" if set(wrong) == {0.0} else ""
        raise DataError(describe(name, "labels -1 and 1", Words(f"{len(wrong)} others, such as {wrong[0]:g}"), cure))
    if len(labels) != rows:
        raise DataError(describe(name, f"one label per observation ({rows})", len(labels)))
    return labels


def check_hidden(hidden: Any) -> tuple[int, ...]:
    """Return the widths of hidden layers, each positive; there may be none.

    Parameters
    ----------
    hidden : sequence of int
        Widths, units in each layer.

    Returns
    -------
    tuple of int
        The widths.

    Raises
    ------
    InputError, InputTypeError
        If one is not a whole number from 1 to 100000.
    """
    given = list_of("hidden", hidden, "a sequence of widths, such as (16, 8, 4)")
    return tuple(
        check_count(f"hidden[{place}]", width, low=1, high=_LARGEST_WIDTH) for place, width in enumerate(given)
    )


def check_widths(widths: Any) -> tuple[int, ...]:
    """Return the widths of all layers: at least two, each positive, the last one 1.

    Parameters
    ----------
    widths : sequence of int
        Units in each layer, inputs first.

    Returns
    -------
    tuple of int
        The widths.

    Raises
    ------
    InputError, InputTypeError
        If they are not what is described.
    """
    required = "a sequence of at least two widths, the columns of the data first and 1 last, such as [10, 16, 8, 1]"
    given = list_of("widths", widths, required)
    found = tuple(
        check_count(f"widths[{place}]", width, low=1, high=_LARGEST_WIDTH) for place, width in enumerate(given)
    )
    if len(found) < 2:
        raise InputError(describe("widths", required, short(list(found))))
    if found[-1] != 1:
        raise InputError(describe("widths", "1 in the last place: one logit for labels -1 and 1", short(list(found))))
    return found


def check_activations(activation: Any, hidden: int) -> tuple[str, ...]:
    """Return one known name per hidden layer.

    Parameters
    ----------
    activation : str or sequence of str
        One for all layers, or one each.
    hidden : int
        Hidden layers.

    Returns
    -------
    tuple of str
        One name a layer.

    Raises
    ------
    InputError, InputTypeError
        If a name is unknown, or their number wrong.
    """
    if isinstance(activation, str):
        return (check_choice("activation", activation, ACTIVATIONS),) * hidden
    names = list_of("activation", activation, "a name or one name per hidden layer")
    if len(names) == hidden + 1 and isinstance(names[-1], str) and names[-1] == "identity":
        names.pop()  # what `activations` of another network holds
    if len(names) != hidden:
        raise InputError(describe("activation", f"a name or {hidden} names, one per hidden layer", short(names)))
    return tuple(check_choice(f"activation[{place}]", name, ACTIVATIONS) for place, name in enumerate(names))


def numbers_per_layer(name: str, value: Any, hidden: int, *, high: float) -> tuple[float, ...]:
    """Return one non-negative number below `high` per hidden layer.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : float or sequence of float
        One for all layers, or one each.
    hidden : int
        Hidden layers.
    high : float
        What each must stay below.

    Returns
    -------
    tuple of float
        One number a layer.

    Raises
    ------
    InputError, InputTypeError
        If a number is out of range, or their number wrong.
    """
    array = as_float_array(name, value, ndim=(0, 1), finite=False)
    if array.ndim and len(array) != hidden:
        raise InputError(describe(name, f"a number or {hidden} numbers, one per hidden layer", short(array.tolist())))
    numbers = np.broadcast_to(array, (hidden,))
    return tuple(check_number(name, float(number), low=0.0, high=high, open_high=True) for number in numbers)
