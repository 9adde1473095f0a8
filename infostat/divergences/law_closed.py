"""Divergences inside an exponential family, through its log-normaliser A.

Three numbers give all closed forms: the Kullback-Leibler divergence of two members,
``A(t2) - A(t1) - <t2 - t1, grad A(t1)>``; the Chernoff rate ``R_a``, defined by
``log int p^a q^(1-a) = -a (1-a) R_a``; and the largest log ratio. Since

    R_a = KL(m||p)/(1-a) + KL(m||q)/a,   m the member at a t1 + (1-a) t2,

the rate inherits the accuracy of the divergence, at every order and for members however close.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import gammaln, i0e, logsumexp, xlogy

from ..core.errors import InputError
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.product import ProductFamily
from ..families.specials import polygamma_excess, stirling_excess
from ..families.vonmises import mean_resultant_gap
from .stable import log_gap, scaled_exp_gap

__all__ = ["chernoff_rate", "family_kl", "largest_log_ratio"]

_EPS = float(np.finfo(np.float64).eps)


def family_kl(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    """Return the Kullback-Leibler divergence of member theta1 from member theta2.

    Parameters
    ----------
    family : ExponentialFamily
        The family of both.
    theta1, theta2 : ndarray of shape (p,)
        Natural parameters.

    Returns
    -------
    float
        Nats.

    Examples
    --------
    >>> from infostat.families.poisson import Poisson
    >>> round(family_kl(Poisson(), np.log([3.0]), np.log([5.0])), 12)
    0.467523128702
    """
    if isinstance(family, ProductFamily):
        return sum(family_kl(block.family, theta1[block.theta], theta2[block.theta]) for block in family.components)
    return _KL.get(family.name, _bregman)(family, theta1, theta2)


def chernoff_rate(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray, order: float) -> float:
    """Return R_a with ``log int p^a q^(1-a) = -a (1-a) R_a``.

    Parameters
    ----------
    family : ExponentialFamily
        The family of both.
    theta1, theta2 : ndarray of shape (p,)
        Natural parameters of p and q.
    order : float
        Any finite a; 1 gives ``KL(p||q)``, 0 ``KL(q||p)``.

    Returns
    -------
    float
        The rate; inf if the mixed parameter lies outside the natural parameter space.

    Examples
    --------
    >>> from infostat.families.exponential import Exponential
    >>> slow, fast = np.array([-1.0]), np.array([-2.0])
    >>> round(chernoff_rate(Exponential(), slow, fast, 0.5), 12)
    0.235566071313
    >>> chernoff_rate(Exponential(), slow, fast, 2.0)
    inf
    """
    if order == 1.0:
        return family_kl(family, theta1, theta2)
    if order <= 0.0:
        # int p^a q^(1-a) is the same integral with the roles exchanged and order 1 - a.
        return chernoff_rate(family, theta2, theta1, 1.0 - order)
    if isinstance(family, ProductFamily):
        return sum(
            chernoff_rate(block.family, theta1[block.theta], theta2[block.theta], order) for block in family.components
        )
    mixed = theta2 + order * (theta1 - theta2)
    if not _in_domain(family, mixed):
        return math.inf
    to_first, to_second = family_kl(family, mixed, theta1), family_kl(family, mixed, theta2)
    if math.isinf(to_second):
        return math.inf
    return to_first / (1.0 - order) + to_second / order


def _in_domain(family: ExponentialFamily, theta: FloatArray) -> bool:
    # The log-partition exp(theta) of the Poisson family exists everywhere, also where it
    # underflows and the family refuses the parameter.
    if family.name == "poisson":
        return True
    try:
        family.check_theta(theta)
    except InputError:
        return False
    return True


def largest_log_ratio(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    """Return the supremum of log p/q, the Rényi divergence of infinite order.

    Parameters
    ----------
    family : ExponentialFamily
        The family of both.
    theta1, theta2 : ndarray of shape (p,)
        Natural parameters of p and q.

    Returns
    -------
    float
        Nats; inf if the ratio is unbounded.

    Raises
    ------
    InputError
        If the supremum has no closed form in this family.

    Examples
    --------
    >>> from infostat.families.poisson import Poisson
    >>> largest_log_ratio(Poisson(), np.log([3.0]), np.log([5.0])).__round__(12)
    2.0
    """
    if isinstance(family, ProductFamily):
        return sum(
            largest_log_ratio(block.family, theta1[block.theta], theta2[block.theta]) for block in family.components
        )
    rule = _LARGEST.get(family.name)
    if rule is None:
        raise InputError(
            f"order must be finite for the {family.title} family, whose largest density ratio has no "
            "closed form, got inf"
        )
    return rule(family, theta1, theta2)


# ------------------------------------------------------- any family: Bregman
def _bregman(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    """Bregman divergence of A, by the definition or by its integral, whichever loses less.

    The integral ``int_0^1 (1-s) D' Cov(t1 + s D) D ds`` has positive terms only and is right for
    close parameters; the definition is right where its terms do not nearly cancel.
    """
    step = theta2 - theta1
    ends = (family.log_partition(theta1), family.log_partition(theta2))
    slope = float(step @ family.mean(theta1))
    direct = ends[1] - ends[0] - slope
    loss = 4.0 * _EPS * max(abs(ends[0]), abs(ends[1]), abs(slope))
    if loss <= 1e-14 * abs(direct):
        return direct

    def quadratic(s: float) -> float:
        return float(step @ family.cov(theta1 + s * step) @ step)

    coarse, fine = _integral(quadratic, 8), _integral(quadratic, 16)
    return fine if abs(fine - coarse) < loss else direct


def _integral(curve: Callable[[float], float], count: int) -> float:
    """Return ``int_0^1 (1-s) curve(s) ds`` by Gauss-Legendre nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    s = 0.5 * (nodes + 1.0)
    return float(sum(0.5 * w * (1.0 - x) * curve(float(x)) for x, w in zip(s, weights, strict=True)))


# ------------------------------------------------------------- single families
def _discrete_log_ratio(theta1: FloatArray, theta2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return log p and log(q/p) over the levels of a categorical law."""
    first, step = np.append(theta1, 0.0), np.append(theta2 - theta1, 0.0)
    log_p = first - logsumexp(first)
    if np.abs(step).max() < 1.0:
        shift = math.log1p(float(np.exp(log_p) @ np.expm1(step)))
    else:
        shift = float(logsumexp(log_p + step))
    return log_p, step - shift


def _categorical_kl(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    return float(scaled_exp_gap(*_discrete_log_ratio(theta1, theta2)).sum())


def _poisson_kl(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    return float(scaled_exp_gap(theta1, theta2 - theta1)[0])


def _exponential_kl(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    return float(log_gap((theta2 - theta1) / theta1, theta2 / theta1)[0])


def _gamma_kl(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    # a2 g(mean1/mean2) plus the Bregman divergence of lgamma(a) - a log a + a: two non-negative
    # terms, where the textbook form cancels for large shapes.
    (a1, r1), (a2, r2) = theta1, theta2
    ratio = (a1 / a2) * (r2 / r1)
    change = ((a1 - a2) * r2 + a2 * (r2 - r1)) / (a2 * r1)
    return float(a2 * log_gap(change, ratio)) + _gamma_excess(float(a2), float(a1))


def _gamma_excess(x: float, y: float) -> float:
    """Bregman divergence, x from y, of the convex function ``lgamma(a) - a log a + a``."""
    step = x - y
    if abs(step) < 0.5 * y:
        return step * step * _integral(lambda s: float(polygamma_excess(1, y + s * step)), 20)
    remainder = stirling_excess(np.array([x, y]))
    slope = float(polygamma_excess(0, y)) + 0.5 / y
    return 0.5 * float(log_gap(step / y, x / y)) + float(remainder[0] - remainder[1]) - step * slope


def _dirichlet_kl(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    # Splitting lgamma as above leaves the divergence of the mean proportions times the total.
    total1, total2 = float(theta1.sum()), float(theta2.sum())
    step = theta1 - theta2
    change = (step * total2 - theta2 * step.sum()) / (theta2 * total1)
    means = float(theta2 @ log_gap(change, (theta1 / theta2) * (total2 / total1)))
    parts = sum(_gamma_excess(float(b), float(a)) for a, b in zip(theta1, theta2, strict=True))
    return means + parts - _gamma_excess(total2, total1)


def _vonmises_kl(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    k1, k2 = math.hypot(*theta1), math.hypot(*theta2)
    gap = mean_resultant_gap(k1)
    step = k2 - k1
    if abs(step) < 0.5 * max(k1, 1.0):
        spread = step * step * _integral(lambda s: float(family.cov(np.array([k1 + s * step, 0.0]))[0, 0]), 16)
    else:
        spread = math.log(float(i0e(k2) / i0e(k1))) + step * gap
    turn = math.atan2(theta2[1], theta2[0]) - math.atan2(theta1[1], theta1[0])
    return spread + k2 * (1.0 - gap) * 2.0 * math.sin(0.5 * turn) ** 2


_Rule = Callable[[Any, FloatArray, FloatArray], float]

_KL: dict[str, _Rule] = {
    "bernoulli": _categorical_kl,
    "categorical": _categorical_kl,
    "poisson": _poisson_kl,
    "exponential": _exponential_kl,
    "gamma": _gamma_kl,
    "beta": _dirichlet_kl,
    "dirichlet": _dirichlet_kl,
    "vonmises": _vonmises_kl,
}


# ------------------------------------------------------------ largest log ratio
def _categorical_largest(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    return max(0.0, float(-_discrete_log_ratio(theta1, theta2)[1].min()))


def _poisson_largest(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    step = float(theta2[0] - theta1[0])
    return math.exp(float(theta1[0])) * math.expm1(step) if step >= 0.0 else math.inf


def _exponential_largest(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    return math.log(theta1[0] / theta2[0]) if theta1[0] <= theta2[0] else math.inf


def _gamma_largest(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    log_power, rate = float(theta1[0] - theta2[0]), float(theta2[1] - theta1[1])
    if log_power < 0.0 or rate < 0.0 or (rate == 0.0 and log_power > 0.0):
        return math.inf
    top = log_power * (math.log(log_power / rate) - 1.0) if log_power > 0.0 else 0.0
    return top - (family.log_partition(theta1) - family.log_partition(theta2))


def _dirichlet_largest(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    power = theta1 - theta2
    if (power < 0.0).any():
        return math.inf
    top = float(xlogy(power, power).sum() - xlogy(power.sum(), power.sum()))
    return top - float((gammaln(theta1) - gammaln(theta2)).sum() - (gammaln(theta1.sum()) - gammaln(theta2.sum())))


def _vonmises_largest(family: ExponentialFamily, theta1: FloatArray, theta2: FloatArray) -> float:
    return math.hypot(*(theta1 - theta2)) - (family.log_partition(theta1) - family.log_partition(theta2))


_LARGEST: dict[str, _Rule] = {
    "bernoulli": _categorical_largest,
    "categorical": _categorical_largest,
    "poisson": _poisson_largest,
    "exponential": _exponential_largest,
    "gamma": _gamma_largest,
    "beta": _dirichlet_largest,
    "dirichlet": _dirichlet_largest,
    "vonmises": _vonmises_largest,
}
