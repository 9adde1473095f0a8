"""The check of bandwidths that every function of the wing makes; some add limits of their own."""

from __future__ import annotations

from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.validation import FloatArray, as_float_array

__all__ = ["positive_bandwidths"]


def positive_bandwidths(name: str, value: ArrayLike, *, ndim: int | tuple[int, ...] = (0, 1)) -> FloatArray:
    """Return bandwidths as a vector of positive finite numbers, or raise.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : float or array_like of shape (k,)
        Bandwidths, in the unit of the data.
    ndim : int or tuple of int
        Axes that they may have.

    Returns
    -------
    ndarray of shape (k,)
        The bandwidths.

    Raises
    ------
    InputError
        If there is none, or one is not positive and finite.

    Examples
    --------
    >>> positive_bandwidths("grid", [0.5, 1])
    array([0.5, 1. ])
    """
    widths = as_float_array(name, value, ndim=ndim).reshape(-1)
    if not widths.size:
        raise InputError(f"{name} must hold at least one bandwidth, got none")
    wrong = widths[~(widths > 0.0)]
    if wrong.size:
        raise InputError(f"{name} must be positive, got {wrong[0]:g}; bandwidths are in the unit of the data")
    return widths
