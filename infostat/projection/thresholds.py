"""Bayes error: from a tolerated loss to a threshold on KL divergence, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, describe
from ..core.validation import FloatArray, as_float_array, check_choice
from ..divergences.tv_kl_curves import kl_lower_from_tv

__all__ = ["bayes_error_floor", "bayes_error_threshold", "check_alpha"]

_SMALLEST_ALPHA = 1e-100  # below it 8 alpha^2 runs out of floats and no sample size can be given


def check_alpha(alpha: Any) -> FloatArray:
    """Return alpha as an array with entries in (0, 1/2), or raise.

    Parameters
    ----------
    alpha : float or array_like
        Tolerated loss of Bayes error.

    Returns
    -------
    ndarray
        The values.

    Raises
    ------
    InputError
        If an entry is outside (0, 1/2).
    """
    values = as_float_array("alpha", alpha, finite=False)
    if not ((values > _SMALLEST_ALPHA) & (values < 0.5)).all():
        got = alpha if values.ndim == 0 else f"values from {values.min():g} to {values.max():g}"
        raise InputError(describe("alpha", "a number in (0, 0.5)", got, "0.05 is the published choice"))
    return values


def bayes_error_threshold(alpha: ArrayLike, kind: str = "pinsker") -> float | FloatArray:
    """Return the KL divergence below which the Bayes error exceeds ``1/2 - alpha``.

    Parameters
    ----------
    alpha : float or array_like
        Tolerated distance of the Bayes error from 1/2, in (0, 1/2).
    kind : {"pinsker", "sharp"}
        ``"pinsker"`` is ``8 alpha^2``, the threshold of the p-n criterion; ``"sharp"``
        is the smallest KL divergence of two laws with total variation ``2 alpha``.

    Returns
    -------
    float or ndarray
        Threshold in nats, elementwise in `alpha`.

    Raises
    ------
    InputError
        If alpha is outside (0, 1/2) or the kind is unknown.

    Notes
    -----
    With equal priors the Bayes error of telling P from Q is ``(1 - TV(P, Q))/2``,
    and Pinsker's inequality ``TV <= sqrt(KL/2)`` gives ``8 alpha^2`` (threshold of
    Sheena, arXiv 2105.08947). The sharp value is attained by two-point laws:
    ``min over q of KL(Ber(q + 2 alpha) || Ber(q))``. Both are values of
    :func:`infostat.divergences.kl_lower_from_tv` at ``2 alpha``.

    Examples
    --------
    >>> bayes_error_threshold(0.05)
    0.020000000000000004
    >>> round(bayes_error_threshold(0.05, "sharp"), 7)
    0.0200447
    """
    values = check_alpha(alpha)
    method = "pinsker" if check_choice("kind", kind, ("pinsker", "sharp")) == "pinsker" else "tight"
    return kl_lower_from_tv(2.0 * values, method)


def bayes_error_floor(kl: ArrayLike) -> float | FloatArray:
    """Return a lower bound of the Bayes error of two laws at a given KL divergence.

    Parameters
    ----------
    kl : float or array_like
        Divergence in nats, non-negative; inf is allowed and gives 0.

    Returns
    -------
    float or ndarray
        ``max(1/2 - sqrt(kl/8), (1 - sqrt(1 - exp(-kl)))/2)``, elementwise.

    Raises
    ------
    InputError
        If a divergence is negative or nan.

    Notes
    -----
    The first bound is Pinsker's, the second Bretagnolle and Huber's; the second
    is the larger one from about 1.6 nats on.

    Examples
    --------
    >>> round(bayes_error_floor(0.02), 12)
    0.45
    """
    values = as_float_array("kl", kl, finite=False)
    if not (values >= 0.0).all():
        raise InputError(describe("kl", "non-negative (nats)", f"minimum {np.min(values)}"))
    pinsker = 0.5 - np.sqrt(values / 8.0)
    # 1 - sqrt(1 - e) = e/(1 + sqrt(1 - e)) keeps its digits when e = exp(-kl) is tiny.
    e = np.exp(-values)
    bretagnolle_huber = 0.5 * e / (1.0 + np.sqrt(-np.expm1(-values)))
    out = np.maximum(pinsker, bretagnolle_huber)
    return float(out) if values.ndim == 0 else out
