"""Frozen scipy laws that a caller passes: one law, with parameters in their range."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import InputError, Words, describe
from ..core.user_functions import call_user
from ..core.validation import short

__all__ = ["law_support", "law_words"]


def law_words(law: Any) -> str:
    """Return a frozen law in words, for instance ``gamma(2)``.

    Parameters
    ----------
    law : frozen scipy law
        The law.

    Returns
    -------
    str
        Name and arguments.

    Examples
    --------
    >>> from scipy import stats
    >>> law_words(stats.gamma(2, scale=3))
    'gamma(2, scale=3)'
    """
    named = sorted(law.kwds.items())
    numbers = [_shown(x) for x in law.args] + [f"{key}={_shown(x)}" for key, x in named]
    return f"{law.dist.name}({', '.join(numbers)})"


def _shown(value: Any) -> str:
    try:
        return f"{value:g}"
    except (TypeError, ValueError):
        return str(short(value))


def law_support(law: Any, name: str = "truth", cure: str = "") -> tuple[float, float]:
    """Return the ends of the support of a frozen univariate law, or raise.

    Parameters
    ----------
    law : frozen scipy.stats law
        Continuous or discrete.
    name : str
        Argument name for the message.
    cure : str
        What to do, for the message.

    Returns
    -------
    low, high : float
        Ends, possibly infinite.

    Raises
    ------
    InputError
        If parameters are arrays, out of range or not finite: scipy answers nan instead of refusing them.

    Examples
    --------
    >>> from scipy import stats
    >>> law_support(stats.beta(2, 3))
    (0.0, 1.0)
    """
    low, high = call_user(name, law.support)
    if np.ndim(low) == 0 and np.ndim(high) == 0 and low <= high:
        quartiles = [call_user(name, law.ppf, level) for level in (0.25, 0.5, 0.75)]
        if all(np.ndim(value) == 0 and np.isfinite(value) for value in quartiles):
            return float(low), float(high)
    raise InputError(describe(name, "one law with parameters in their range", Words(law_words(law)), cure))
