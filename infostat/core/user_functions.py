"""Functions of the user's own: what they raise is told as what it is, an error of one argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import InfostatError, InputError, Words, describe

__all__ = ["call_user"]


def call_user(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``function(*arguments)``, or raise an error that names the argument it came in.

    Parameters
    ----------
    name : str
        Argument name for the message.
    function : callable
        The user's.
    *arguments
        What it is called with.

    Returns
    -------
    object
        Its result. Floating-point warnings are silent: the caller checks the numbers.

    Raises
    ------
    InputError
        If the function raises; the exception of the function is its cause, so that the traceback shows both.

    Examples
    --------
    >>> call_user("logpdf", lambda x: x + 1, 2)
    3
    >>> call_user("logpdf", lambda x: x["a"], {})
    Traceback (most recent call last):
        ...
    infostat.core.errors.InputError: logpdf must be a function that works on what it is given, got KeyError: 'a'
    """
    try:
        with np.errstate(all="ignore"):
            return function(*arguments)
    except (InfostatError, MemoryError):
        raise
    except Exception as error:  # whatever a user's function may raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        got = Words(text if len(text) <= 200 else text[:196] + " ...")
        raise InputError(describe(name, "a function that works on what it is given", got)) from error
