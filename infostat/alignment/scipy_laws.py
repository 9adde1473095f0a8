"""What has to be known about scipy's laws before they are integrated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.errors import InputError

__all__ = ["EXACT_LOG_DENSITY", "overrides", "standardise"]


def standardise(law: Any) -> tuple[Any, float, float]:
    """Return a frozen law with location 0 and scale 1, its location and its scale.

    Parameters
    ----------
    law : object
        Frozen continuous law; anything else is returned as it is.

    Returns
    -------
    law : object
        Standard law.
    loc, scale : float
        What was taken out.

    Raises
    ------
    InputError
        If they are arrays, not finite, or the scale is not positive.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> standardise(norm(2, 3))[1:]
    (2.0, 3.0)
    """
    dist: Any = getattr(law, "dist", None)
    parse = getattr(dist, "_parse_args", None)
    if parse is None or not hasattr(law, "args"):
        return law, 0.0, 1.0
    shapes, loc, scale = parse(*law.args, **law.kwds)
    if not all(np.ndim(v) == 0 for v in (*shapes, loc, scale)):
        raise InputError("the law must be one law, got parameters that are arrays")
    if not (math.isfinite(float(loc)) and 0.0 < float(scale) < math.inf):
        raise InputError(f"the law must have a finite location and a positive scale, got {loc!r} and {scale!r}")
    return dist(*shapes), float(loc), float(scale)


def overrides(law: Any, name: str) -> bool:
    """Return whether the class of a scipy law computes a quantity itself.

    Parameters
    ----------
    law : object
        Law.
    name : str
        Method of ``scipy.stats.rv_continuous``, such as ``"_sf"``.

    Returns
    -------
    bool
        False where scipy derives it from another one, such as the tail as 1 minus the rest.

    Examples
    --------
    >>> from scipy.stats import norm, triang
    >>> overrides(norm(), "_sf"), overrides(triang(0.5), "_sf")
    (True, False)
    """
    from scipy.stats import rv_continuous

    dist = getattr(law, "dist", law)
    own = getattr(type(dist), name, None)
    return own is not None and own is not getattr(rv_continuous, name, None)


# Laws whose log density scipy takes as the log of a density that underflows.
EXACT_LOG_DENSITY: dict[str, Any] = {
    "laplace": lambda z: -np.abs(z) - math.log(2.0),
    "hypsecant": lambda z: -np.abs(z) - np.log1p(np.exp(-2.0 * np.abs(z))) + math.log(2.0 / math.pi),
    "moyal": lambda z: -0.5 * (z + np.exp(-z)) - 0.5 * math.log(2.0 * math.pi),
}
