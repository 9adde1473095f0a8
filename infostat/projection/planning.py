"""Risk at a sample size, and the sample size at a risk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, InputTypeError, describe
from ..core.validation import FloatArray, as_float_array, check_choice, check_count, check_number, short
from ..families.base import ExponentialFamily
from ..families.registry import get_family
from .evaluation import evaluate_model
from .results import RiskTerms, SampleSizePlan
from .thresholds import bayes_error_threshold, check_alpha

__all__ = [
    "TIE",
    "Requirement",
    "estimation_risk",
    "optimism",
    "plan_sample_size",
    "required_n",
    "reverse_risk",
]

_SMALLEST_N = 1e-100

# 8 * 0.05**2 is not exactly 0.02 in floating point, and a risk of exactly 0.02 must pass.
TIE = 1.0 + 1e-9
_MOST_PARAMETERS = 10**15


def estimation_risk(terms: RiskTerms, n: ArrayLike, order: int = 2) -> float | FloatArray:
    """Return the expected KL divergence from the projection to the estimate.

    Parameters
    ----------
    terms : RiskTerms
        Terms of the model.
    n : float or array_like
        Sample sizes, positive.
    order : {1, 2}
        Terms of the expansion to keep.

    Returns
    -------
    float or ndarray
        ``a1/n`` or ``a1/n + a2/n^2``, nats, elementwise in n.

    Notes
    -----
    ``ED(n) = T0/(2n) + (-8 T1 + 9 T2 - 3 T3)/(24 n^2) + O(n^-3)`` (Sheena, arXiv 2105.08947).

    Examples
    --------
    >>> round(estimation_risk(RiskTerms(1, 4, 12, 18, 1), 100), 8)
    0.00509167
    """
    return _expansion(terms, n, order, "a1", "a2")


def reverse_risk(terms: RiskTerms, n: ArrayLike, order: int = 2) -> float | FloatArray:
    """Return the expected KL divergence from the estimate to the projection.

    Parameters
    ----------
    terms : RiskTerms
        Terms of the model.
    n : float or array_like
        Sample sizes, positive.
    order : {1, 2}
        Terms of the expansion to keep.

    Returns
    -------
    float or ndarray
        ``a1/n`` or ``a1/n + rev2/n^2`` with ``rev2 = (-4 T1 + 3 T2 - T3)/24``, nats.

    Examples
    --------
    >>> round(reverse_risk(RiskTerms(1, 4, 12, 18, 1), 100), 8)
    0.00500833
    """
    return _expansion(terms, n, order, "a1", "rev2")


def optimism(terms: RiskTerms, n: ArrayLike, order: int = 2) -> float | FloatArray:
    """Return how much the mean log-likelihood of the sample overstates that of new data.

    Parameters
    ----------
    terms : RiskTerms
        Terms of the model.
    n : float or array_like
        Sample sizes, positive.
    order : {1, 2}
        Terms of the expansion to keep.

    Returns
    -------
    float or ndarray
        ``T0/n`` or ``T0/n + opt2/n^2`` with ``opt2 = (-3 T1 + 3 T2 - T3)/6``, nats. It is
        the sum of the risk and the reverse risk.

    Examples
    --------
    >>> round(optimism(RiskTerms(1, 4, 12, 18, 1), 100), 8)
    0.0101
    """
    return _expansion(terms, n, order, "T0", "opt2")


def _expansion(terms: RiskTerms, n: ArrayLike, order: int, first: str, second: str) -> float | FloatArray:
    if not isinstance(terms, RiskTerms):
        raise InputTypeError(describe("terms", "a RiskTerms", short(terms), "see risk_terms"))
    check_choice("order", order, (1, 2))
    size = as_float_array("n", n, finite=False)
    if not (size >= _SMALLEST_N).all():
        raise InputError(describe("n", f"positive (at least {_SMALLEST_N:g})", short(np.asarray(n).tolist())))
    out = getattr(terms, first) / size
    if order == 2:
        out = out + getattr(terms, second) / size / size  # the square of a huge size is no float
    return float(out) if size.ndim == 0 else np.asarray(out)


@dataclass(frozen=True)
class Requirement:
    """Sample sizes at which the risk meets a threshold.

    Attributes
    ----------
    order1, order2 : float
        Before rounding up; `order2` is the larger root.
    unusable : bool
        True if no root exists, so that `order2` repeats `order1`.
    """

    order1: float
    order2: float
    unusable: bool

    @property
    def ceil1(self) -> int:
        """Rows, first order."""
        return max(1, math.ceil(self.order1))

    @property
    def ceil2(self) -> int:
        """Rows, both orders."""
        return max(1, math.ceil(self.order2))


def required_n(a1: float, a2: float, threshold: float) -> Requirement:
    """Solve ``a1/n + a2/n^2 = threshold`` for n, taking the larger root.

    The smaller root is never the answer: with a2 < 0 the formula is spuriously
    small at tiny n.

    Parameters
    ----------
    a1, a2 : float
        Coefficients of the risk.
    threshold : float
        KL threshold, nats.

    Returns
    -------
    Requirement
        Real-valued sample sizes.

    Examples
    --------
    >>> need = required_n(1.0, 61 / 12, 0.02)
    >>> need.ceil1, need.ceil2
    (50, 55)
    """
    delta = threshold * TIE
    order1 = a1 / delta
    discriminant = a1 * a1 + 4.0 * a2 * delta
    if not discriminant >= 0.0:
        return Requirement(order1, order1, True)
    return Requirement(order1, (a1 + math.sqrt(discriminant)) / (2.0 * delta), False)


def plan_sample_size(
    *,
    p: int | None = None,
    family: str | ExponentialFamily | None = None,
    theta: ArrayLike | None = None,
    terms: RiskTerms | None = None,
    alpha: float = 0.05,
) -> SampleSizePlan:
    """Return how many rows the p-n criterion asks for, before or after seeing data.

    Parameters
    ----------
    p : int, optional
        Number of parameters; gives the rule ``p/(16 alpha^2)`` for a correct model
        (25 rows per parameter at alpha = 0.05).
    family : str or ExponentialFamily, optional
        With `theta`: the model at theta is taken for the truth.
    theta : array_like of shape (p,), optional
        Natural parameter.
    terms : RiskTerms, optional
        Terms from data or from a population.
    alpha : float
        Tolerated loss of Bayes error, in (0, 1/2).

    Returns
    -------
    SampleSizePlan
        ``n_required_order1 n_required_order2 flags`` (order 2 is None when only p is given).

    Raises
    ------
    InputError
        Unless exactly one of `p`, (`family` and `theta`) and `terms` is given.

    Examples
    --------
    >>> plan_sample_size(p=77).n_required_order1
    1925
    """
    alpha = float(check_alpha(check_number("alpha", alpha, finite=False)))
    threshold = float(bayes_error_threshold(alpha))
    given = [p is not None, family is not None or theta is not None, terms is not None]
    if sum(given) != 1 or (family is None) != (theta is None):
        raise InputError("give exactly one of p=, family= together with theta=, and terms=")
    if p is not None:
        count = check_count("p", p, low=1, high=_MOST_PARAMETERS)
        need = required_n(0.5 * count, 0.0, threshold)
        return SampleSizePlan(need.ceil1, None, (), alpha, threshold, count)
    if terms is None:
        assert family is not None and theta is not None
        chosen = get_family(family)
        parameter = chosen.check_theta(theta)
        T0, T1, T2, T3 = (float(v) for v in evaluate_model(chosen, parameter))
        terms = RiskTerms(T0, T1, T2, T3, len(parameter))
    if not isinstance(terms, RiskTerms):
        raise InputTypeError(describe("terms", "a RiskTerms", short(terms), "see risk_terms"))
    need = required_n(terms.a1, terms.a2, threshold)
    flags = requirement_flags(terms, need)
    return SampleSizePlan(need.ceil1, need.ceil2, flags, alpha, threshold, terms.p)


def requirement_flags(terms: RiskTerms, need: Requirement) -> tuple[str, ...]:
    """Return the cautions that belong to a second-order sample size.

    Parameters
    ----------
    terms : RiskTerms
        Terms of the model.
    need : Requirement
        Output of :func:`required_n`.

    Returns
    -------
    tuple of str
        ``second_order_unusable`` and ``n_required_order2_unreliable`` where they apply.
    """
    if need.unusable:
        return ("second_order_unusable",)
    if terms.a1 > 0 and abs(terms.a2) / (need.ceil2 * terms.a1) > 0.5:
        return ("n_required_order2_unreliable",)
    return ()
