"""Exponential tilts of a finite law: moments at given t, and t for a given KL or reward.

Pure functions of ``(log_p, r)``, two vectors of one length. Impossible outcomes (``log_p = -inf``)
may carry any reward and never matter. Rewards are centred at their maximum (for t < 0 at their
minimum), so that no exponential overflows, and the divergence is a sum of terms that are all
non-negative, so that no difference of large numbers is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError
from ..core.validation import FloatArray

__all__ = [
    "log_top_mass",
    "moments_at",
    "ratio_divergence",
    "stable_terms",
    "t_for_kl",
    "t_for_reward",
    "tilted_log_law",
]

# Cells of one (tilts x outcomes) block: 16 MB per array of doubles.
_BLOCK = 2_000_000
_EPS = float(np.finfo(np.float64).eps)
# Newton from a bracket needs five steps; halving the exponent range of a double needs about 75.
_MOST_STEPS = 400

# Value and derivative of an increasing function with its root at the wanted t.
_Objective = Callable[[float], tuple[float, float]]


def moments_at(log_p: FloatArray, r: FloatArray, t: ArrayLike) -> tuple[Any, Any, Any, Any]:
    """Return log-moment generating function, mean, variance and KL of the tilts by t.

    Parameters
    ----------
    log_p : ndarray of shape (k,)
        Normalised log probabilities.
    r : ndarray of shape (k,)
        Rewards; -inf is allowed for t >= 0.
    t : float or array_like
        Tilts; infinite ones are the limits (the law on the best or worst outcomes).

    Returns
    -------
    log_mgf, reward, variance, kl : float or ndarray
        Lambda(t), R(t), V(t), D(t) in the shape of `t` (floats for a number). With rewards of
        -inf the mean and variance at t = 0 are -inf and inf.

    Raises
    ------
    InputError
        If t < 0 although an outcome of positive probability has reward -inf.

    Notes
    -----
    With c = r - max r and x = t c - log E e^(t c) = log(q/p) the divergence is summed as
    ``D = sum p (x e^x - e^x + 1)``, every term of which is non-negative.

    Examples
    --------
    >>> log_mgf, reward, variance, kl = moments_at(np.log([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 2.0]), 1.0)
    >>> round(log_mgf, 12), round(reward, 12), round(kl, 12)
    (1.027222177641, 1.350056456919, 0.322834279278)
    """
    tilts = np.asarray(t, dtype=np.float64)
    flat = tilts.reshape(-1)
    log_p, r = _possible(log_p, r)
    if (flat < 0).any() and (r == -np.inf).any():
        raise InputError("t must be >= 0 where an outcome has reward -inf, got a negative t")
    out = np.empty((4, len(flat)))
    rows = max(1, _BLOCK // len(r))
    for start in range(0, len(flat), rows):
        block = slice(start, start + rows)
        part = flat[block]
        for sign in (1.0, -1.0):
            mine = part >= 0 if sign > 0 else part < 0
            if mine.any():
                found = _moments(log_p, sign * r, np.abs(part[mine]))
                found[1] *= sign
                out[:, start : start + len(part)][:, mine] = found
    if tilts.ndim == 0:
        return float(out[0, 0]), float(out[1, 0]), float(out[2, 0]), float(out[3, 0])
    shaped = out.reshape(4, *tilts.shape)
    return shaped[0], shaped[1], shaped[2], shaped[3]


def t_for_kl(log_p: FloatArray, r: FloatArray, kl: float) -> float:
    """Return the t >= 0 whose tilt has divergence `kl` from the law.

    Parameters
    ----------
    log_p, r : ndarray of shape (k,)
        Law and rewards.
    kl : float
        Divergence >= 0, nats.

    Returns
    -------
    float
        inf where `kl` reaches -log p(best outcomes) (up to rounding); 0 if all rewards are equal,
        or if outcomes of reward -inf cannot be avoided within `kl`.

    Notes
    -----
    Safeguarded Newton on a bracket grown from ``sqrt(2 kl)/sigma``; below half of the largest
    divergence for sqrt(D), which is nearly linear in t there, above it for -log(D_max - D).

    Examples
    --------
    >>> round(t_for_kl(np.log([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 2.0]), 0.2), 12)
    0.775174620985
    """
    log_p, r, lost = _finite_part(*_possible(log_p, r))
    span = float(r.max() - r.min())
    budget = float(kl) - lost
    if span == 0.0 and lost == 0.0:
        return 0.0
    if budget <= 0.0:
        return 0.0
    largest = -log_top_mass(log_p, r)
    if budget >= largest - 4.0 * _EPS * max(1.0, largest):
        return math.inf
    scaled = (r - r.max()) / span
    near_top = budget > 0.5 * largest

    def objective(t: float) -> tuple[float, float]:
        found = _moments(log_p, scaled, np.array([t]))[:, 0]
        variance, divergence = float(found[2]), float(found[3])
        if near_top:
            left = largest - divergence
            if left <= 0.0:
                return math.inf, 0.0
            return math.log((largest - budget) / left), t * variance / left
        root = math.sqrt(2.0 * divergence)
        return root - math.sqrt(2.0 * budget), t * variance / root if root > 0.0 else 0.0

    sigma = math.sqrt(_moments(log_p, scaled, np.array([0.0]))[2, 0])
    guess = math.sqrt(2.0 * budget) / sigma if sigma > 0.0 else 1.0
    return _root(objective, min(guess, 1e150)) / span


def t_for_reward(log_p: FloatArray, r: FloatArray, reward: float) -> float:
    """Return the t whose tilt has mean reward `reward`.

    Parameters
    ----------
    log_p, r : ndarray of shape (k,)
        Law and rewards.
    reward : float
        Wanted mean.

    Returns
    -------
    float
        inf at the largest reward, -inf at the smallest; 0 if all rewards are equal.

    Raises
    ------
    InputError
        If no tilt has this mean.

    Notes
    -----
    Safeguarded Newton on ``log((R - min r)/(max r - R))``, which is linear in t for two rewards.

    Examples
    --------
    >>> round(t_for_reward(np.log([0.5, 0.5]), np.array([0.0, 1.0]), 0.75), 12)
    1.098612288668
    """
    log_p, r, lost = _finite_part(*_possible(log_p, r))
    bottom, top, target = float(r.min()), float(r.max()), float(reward)
    if not bottom <= target <= top:
        raise InputError(f"reward must lie in the range of the rewards [{bottom:g}, {top:g}], got {reward!r}")
    if bottom == top:
        return 0.0
    if target == top:
        return math.inf
    span = top - bottom
    scaled, rising = (r - top) / span, (r - bottom) / span
    if lost > 0.0:
        least = float(np.exp(log_p) @ r)
        if target <= least:
            raise InputError(
                f"reward must exceed {least:g}, the mean of the finite rewards, where an outcome has reward -inf, "
                f"got {reward!r}"
            )
    elif target == bottom:
        return -math.inf
    # A target within the smallest floats of an end is at that end.
    below = max((target - bottom) / (top - target), 5e-324)
    wanted = math.log(below)

    def objective(t: float) -> tuple[float, float]:
        exponent = log_p + t * scaled
        weight = np.exp(exponent - exponent.max())
        weight /= weight.sum()
        above, below = float(weight @ rising), -float(weight @ scaled)
        if above <= 0.0 or below <= 0.0:
            return (-math.inf if above <= 0.0 else math.inf), 0.0
        variance = float(weight @ (scaled + below) ** 2)
        return math.log(above / below) - wanted, variance * (1.0 / above + 1.0 / below)

    value, slope = objective(0.0)
    if value == 0.0:
        return 0.0
    step = min(abs(value) / slope, 1e150) if slope > 0.0 and math.isfinite(value) else 1.0
    if value < 0.0:
        return _root(objective, step) / span
    mirrored = _root(lambda t: (-objective(-t)[0], objective(-t)[1]), step)
    return -mirrored / span


def tilted_log_law(log_p: FloatArray, r: FloatArray, t: float) -> FloatArray:
    """Return the log probabilities of the tilt by t.

    Parameters
    ----------
    log_p, r : ndarray of shape (k,)
        Law and rewards.
    t : float
        Tilt; inf is the law restricted to the best outcomes, -inf to the worst.

    Returns
    -------
    ndarray of shape (k,)
        Normalised log probabilities; -inf for impossible outcomes.

    Raises
    ------
    InputError
        If t < 0 although an outcome of positive probability has reward -inf.

    Examples
    --------
    >>> np.exp(tilted_log_law(np.log([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 1.0]), np.inf)).round(12)
    array([0. , 0.6, 0.4])
    """
    possible = log_p > -np.inf
    found = np.full(len(log_p), -np.inf)
    base, rewards = log_p[possible], r[possible]
    if t == 0.0:
        found[possible] = base
        return found
    if t < 0.0:
        if (rewards == -np.inf).any():
            raise InputError("t must be >= 0 where an outcome has reward -inf, got a negative t")
        rewards = -rewards
    found[possible] = base + _log_ratio(base, rewards, np.array([abs(t)]))[0]
    return found


def log_top_mass(log_p: FloatArray, r: FloatArray) -> float:
    """Return the log probability of the best outcomes, minus the largest divergence of a tilt.

    Parameters
    ----------
    log_p, r : ndarray of shape (k,)
        Law and rewards.

    Returns
    -------
    float
        ``log p({r = max r})`` with the maximum over possible outcomes.

    Examples
    --------
    >>> round(log_top_mass(np.log([0.5, 0.25, 0.25]), np.array([0.0, 1.0, 1.0])), 12)
    -0.69314718056
    """
    log_p, r = _possible(log_p, r)
    return _log_sum(log_p[r == r.max()])


def stable_terms(x: FloatArray) -> FloatArray:
    """Return ``x e^x - e^x + 1`` without cancellation, for |x| <= 1.

    Parameters
    ----------
    x : ndarray
        Log ratios in [-1, 1].

    Returns
    -------
    ndarray
        The non-negative terms whose mean under p is KL(q || p), x = log(q/p).

    Examples
    --------
    >>> stable_terms(np.array([0.0, 1e-9])).round(27)
    array([0.e+00, 5.e-19])
    """
    small = np.abs(x) < 0.05
    y = np.where(small, x, 0.0)
    # sum over k >= 2 of x^k (k - 1)/k!
    series = 1.0 / 5760.0 + y * (1.0 / 45360.0)
    for coefficient in (1.0 / 840.0, 1.0 / 144.0, 1.0 / 30.0, 1.0 / 8.0, 1.0 / 3.0, 1.0 / 2.0):
        series = coefficient + y * series
    return np.where(small, y * y * series, x * np.exp(x) - np.expm1(x))


def ratio_divergence(log_q: FloatArray, log_p: FloatArray, log_ratio: FloatArray) -> FloatArray:
    """Return KL(q || p) along the last axis as a sum of non-negative terms.

    Parameters
    ----------
    log_q, log_p : ndarray
        Normalised log probabilities.
    log_ratio : ndarray
        ``log(q/p)``, as accurately as it is known; -inf where q is zero, never +inf.

    Returns
    -------
    ndarray
        ``sum (q log(q/p) - q + p)``; relative error of a few roundings however small it is.
    """
    q, p = np.exp(log_q), np.exp(log_p)
    near = np.abs(log_ratio) <= 1.0
    x = np.where(near, log_ratio, 0.0)
    far = np.where(near | (q == 0.0), 0.0, log_ratio)
    return np.asarray(np.sum(np.where(near, p * stable_terms(x), q * (far - 1.0) + p), axis=-1))


def _moments(log_p: FloatArray, r: FloatArray, t: FloatArray) -> FloatArray:
    """Rows Lambda, R, V, D for tilts t >= 0; all outcomes possible."""
    top = float(r.max())
    ratio = _log_ratio(log_p, r, t)
    log_q = log_p + ratio
    weight = np.exp(log_q)
    centred = r - top
    finite = np.where(np.isfinite(centred), centred, 0.0)
    mean = weight @ finite
    with np.errstate(over="ignore"):  # of rewards beyond 1e154 the variance is inf
        variance = np.sum(weight * (finite - mean[:, None]) ** 2, axis=1)
    divergence = ratio_divergence(log_q, log_p, ratio)
    at_top = ratio[:, int(np.argmax(r))]  # equals -log E exp(t (r - top))
    with np.errstate(invalid="ignore", over="ignore"):
        log_mgf = t * top - at_top
    log_mgf = np.where(np.isinf(t), _limit_mgf(top, at_top), log_mgf)
    reward, zero = top + mean, t == 0.0
    if not np.isfinite(centred).all():
        reward, variance = np.where(zero, -np.inf, reward), np.where(zero, np.inf, variance)
    return np.array([log_mgf, reward, variance, divergence])


def _limit_mgf(top: float, at_top: FloatArray) -> FloatArray:
    return -at_top if top == 0.0 else np.full(len(at_top), math.copysign(math.inf, top))


def _log_ratio(log_p: FloatArray, r: FloatArray, t: FloatArray) -> FloatArray:
    """log(q/p) for each tilt t >= 0 (rows) and outcome; all outcomes possible."""
    centred = r - r.max()
    found = np.empty((len(t), len(r)))
    for row, value in enumerate(t):
        if value == 0.0:
            found[row] = 0.0
        elif math.isinf(value):
            best = centred == 0.0
            found[row] = np.where(best, -_log_sum(log_p[best]), -np.inf)
        else:
            # Beyond the range of doubles the outcome has no mass left: -inf is right.
            with np.errstate(over="ignore"):
                exponent = value * centred
            found[row] = exponent - _log_mean_exp(log_p, exponent)
    return found


def _log_mean_exp(log_p: FloatArray, exponent: FloatArray) -> float:
    """log E e^exponent for exponents <= 0; near zero through expm1, so that small ones keep their digits."""
    if float(exponent.min()) > -0.5:
        return math.log1p(float(np.exp(log_p) @ np.expm1(exponent)))
    return _log_sum(log_p + exponent)


def _log_sum(values: FloatArray) -> float:
    top = float(values.max())
    return top + math.log(float(np.exp(values - top).sum())) if top > -math.inf else -math.inf


def _possible(log_p: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    possible: NDArray[np.bool_] = np.asarray(log_p > -np.inf)
    if possible.all():
        return log_p, r
    return log_p[possible], r[possible]


def _finite_part(log_p: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Condition on finite rewards; also return the divergence that this costs."""
    finite = np.isfinite(r)
    if finite.all():
        return log_p, r, 0.0
    kept = _log_sum(log_p[finite])
    return log_p[finite] - kept, r[finite], max(-kept, 0.0)


def _root(objective: _Objective, guess: float) -> float:
    """Positive root of an increasing function that is negative at zero."""
    low, high = _bracket(objective, guess)
    t = high if not low < guess < high else guess
    for _ in range(_MOST_STEPS):
        value, slope = objective(t)
        if value == 0.0:
            return t
        low, high = (t, high) if value < 0.0 else (low, t)
        step = value / slope if slope > 0.0 and math.isfinite(value) else math.inf
        if abs(step) <= 2.0 * _EPS * t or high - low <= 2.0 * _EPS * high:
            return min(max(t - step, low), high) if math.isfinite(step) else t
        following = t - step
        if not low < following < high:
            # A bracket over many powers of two is halved on the scale of exponents.
            following = math.sqrt(low) * math.sqrt(high) if high > 4.0 * low > 0.0 else 0.5 * (low + high)
        t = following
    return t


def _bracket(objective: _Objective, guess: float) -> tuple[float, float]:
    """Grow (or shrink) by factors 2, 4, 16, ... from the guess until the sign changes."""
    t, factor = guess, 2.0
    below = objective(t)[0] < 0.0
    while True:
        following = min(t * factor, 1e300) if below else t / factor
        if following == t or following < 1e-300:
            return (t, t) if below else (0.0, t)
        if (objective(following)[0] < 0.0) != below:
            return (t, following) if below else (following, t)
        t, factor = following, min(factor * factor, 1e64)
