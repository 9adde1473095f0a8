"""Large-deviation rate functions of the mean reward of a sequence, and its scaled cumulants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.validation import FloatArray, as_float_array, check_count, check_number
from .laws import RewardLaw, as_law, finite_strength
from .sequence_results import RateFunction
from .tilt_solver import log_top_mass, moments_at, t_for_kl, t_for_reward, tilted_log_law

__all__ = [
    "LONGEST", "LetterLaw", "best_of_n_rates", "curve", "letter_law", "rate_function", "rates", "scaled_cumulants",
]  # fmt: skip

_HIGHEST_CUMULANT = 12
LONGEST = 1_000_000_000  # letters of a sequence


@dataclass(frozen=True)
class LetterLaw:
    """Law of the reward of one letter: distinct finite rewards and their masses.

    Attributes
    ----------
    r : ndarray of shape (g,)
        Distinct finite rewards, ascending.
    log_mass : ndarray of shape (g,)
        Log masses given that the reward is finite.
    log_kept : float
        Log probability of a finite reward; 0 unless rewards of -inf have mass (only at t = 0).
    """

    r: FloatArray
    log_mass: FloatArray
    log_kept: float = 0.0

    def moved(self, r: FloatArray) -> LetterLaw:
        """Return the law with other rewards for the same levels.

        Parameters
        ----------
        r : ndarray of shape (g,)
            Rewards, ascending; not necessarily distinct.

        Returns
        -------
        LetterLaw
            Same masses.
        """
        return LetterLaw(r, self.log_mass, self.log_kept)


def letter_law(law: RewardLaw, t: float = 0.0) -> LetterLaw:
    """Return the law of the reward of one letter, tilted by t.

    Parameters
    ----------
    law : RewardLaw
        Reference law of a letter.
    t : float
        Finite tilt.

    Returns
    -------
    LetterLaw
        Conditional on a finite reward.

    Raises
    ------
    InputError
        If t < 0 although a possible outcome has reward -inf.

    Examples
    --------
    >>> letter_law(as_law([0.5, 0.3, 0.2], [0, 1, 1])).r
    array([0., 1.])
    """
    levels = law.levels()
    finite = np.isfinite(levels.r)
    log_mass = tilted_log_law(levels.log_mass, levels.r, t)[finite]
    log_kept = 0.0 if finite.all() else min(math.log(math.fsum(np.exp(log_mass))), 0.0)
    return LetterLaw(levels.r[finite], log_mass - log_kept, log_kept)


def rate_function(
    p: ArrayLike | None,
    r: ArrayLike,
    x: ArrayLike,
    *,
    t: float = 0.0,
    logp: ArrayLike | None = None,
    delta: float | None = None,
) -> RateFunction:
    """Return the rate at which the mean reward of a long sequence deviates to x.

    Parameters
    ----------
    p : array_like of shape (k,) or None
        Probabilities of the letters; None where `logp` is given.
    r : array_like of shape (k,)
        Rewards of the letters; the reward of a sequence is their sum.
    x : float or array_like
        Mean rewards per letter.
    t : float
        Tilt of the letters: 0 is the reference, t > 0 the KL-constrained optimum with that tilt.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.
    delta : float, optional
        Also return the rate under the best of exp(delta m) sequences of the reference.

    Returns
    -------
    RateFunction
        Fields ``x rate``; with `delta` also ``bon_rate``. ``plot()`` draws both.

    Raises
    ------
    InputError
        If an argument is out of range, or t < 0 with rewards of -inf.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    ``I_t(x) = KL(phi_t(x) || phi_t)`` with R(t(x)) = x, inf outside the range of the rewards, and
    ``-log phi_t(r = x)`` at its two ends. Best of N = exp(delta m) draws: ``Lambda*(x) - delta``
    for x >= x*, inf below, with ``Lambda*(x) = KL(phi_t(x) || p)`` and x* the mean reward of the
    tilt at divergence delta. Both methods have the same mean and the same KL per symbol, but not
    the same fluctuations: best-of-N has no lower tail on this scale. Derived and checked in this
    project against exact tails up to m = 1600.

    Examples
    --------
    >>> found = rate_function([0.5, 0.3, 0.2], [0, 1, 2], [0.5, 1.5, 3.0], t=0.5)
    >>> found.rate.round(12), round(found.mean, 12)
    (array([0.21552217, 0.17366754,        inf]), 1.028380120352)
    >>> round(rate_function([0.5, 0.5], [0, 1], 1.0).rate, 12)
    0.69314718056
    """
    law = as_law(p, r, logp)
    points = as_float_array("x", x, finite=False)
    if np.isnan(points).any():
        raise InputError(f"x must not hold NaN, got {int(np.isnan(points).sum())} of {points.size}")
    tilt = finite_strength(t)
    letter = letter_law(law, tilt)
    rate = rates(letter, points.ravel()).reshape(points.shape)
    _, mean, variance, _ = moments_at(letter.log_mass, letter.r, 0.0)
    bon, t_star, x_star = None, None, None
    if delta is not None:
        delta = check_number("delta", delta, low=0.0)
        t_star, x_star, values = best_of_n_rates(letter_law(law), points.ravel(), delta)
        bon = values.reshape(points.shape)
    scalar = points.ndim == 0
    levels = law.levels()
    return RateFunction(
        x=float(points) if scalar else points,
        rate=float(rate) if scalar else rate,
        t=tilt,
        mean=mean if letter.log_kept == 0.0 else -math.inf,
        variance=variance if letter.log_kept == 0.0 else math.inf,
        delta=delta,
        bon_rate=bon if bon is None or not scalar else float(bon),
        t_star=t_star,
        x_star=x_star,
        letter_reward=levels.r,
        letter_log_mass=levels.log_mass,
    )


def rates(letter: LetterLaw, x: FloatArray) -> FloatArray:
    """Return the rate of the mean of letters at each point.

    Parameters
    ----------
    letter : LetterLaw
        Law of a letter.
    x : ndarray of shape (n,)
        Mean rewards.

    Returns
    -------
    ndarray of shape (n,)
        KL of the tilt with mean x, plus what it costs that all rewards are finite; inf outside.

    Examples
    --------
    >>> letter = letter_law(as_law([0.5, 0.5], [0, 1]))
    >>> rates(letter, np.array([0.0, 0.5, 2.0])).round(12)
    array([0.69314718, 0.        ,        inf])
    """
    out = np.full(len(x), np.inf)
    inside = np.flatnonzero((x >= letter.r[0]) & (x <= letter.r[-1]))
    for row in inside:
        s = t_for_reward(letter.log_mass, letter.r, float(x[row]))
        out[row] = moments_at(letter.log_mass, letter.r, s)[3] - letter.log_kept
    return out


def best_of_n_rates(letter: LetterLaw, x: FloatArray, delta: float) -> tuple[float, float, FloatArray]:
    """Return t*, x* and the rate of the mean reward of the best of exp(delta m) sequences.

    Parameters
    ----------
    letter : LetterLaw
        Law of a letter under the reference.
    x : ndarray of shape (n,)
        Mean rewards.
    delta : float
        Nats per symbol.

    Returns
    -------
    t_star, x_star : float
        Tilt with divergence delta and its mean; inf and the largest reward beyond the largest
        divergence.
    rate : ndarray of shape (n,)
        ``Lambda*(x) - delta`` from x* on, inf below.

    Examples
    --------
    >>> t_star, x_star, rate = best_of_n_rates(letter_law(as_law([0.5, 0.5], [0, 1])), np.array([0.5, 1.0]), 0.1)
    >>> round(t_star, 12), round(x_star, 12), rate.round(12)
    (0.943443117578, 0.719794626161, array([       inf, 0.59314718]))
    """
    spare = delta + letter.log_kept
    if spare <= 0.0 and letter.log_kept < 0.0:
        raise InputError(
            f"delta must exceed {-letter.log_kept:g}, the divergence that avoids rewards of -inf, got {delta:g}"
        )
    if letter.r[0] == letter.r[-1]:
        return (0.0 if delta == 0.0 else math.inf), float(letter.r[0]), np.where(x == letter.r[0], 0.0, np.inf)
    t_star = t_for_kl(letter.log_mass, letter.r, spare)
    saturated = spare >= -log_top_mass(letter.log_mass, letter.r)
    x_star = float(letter.r[-1]) if saturated else moments_at(letter.log_mass, letter.r, t_star)[1]
    above = x >= x_star * (1.0 - math.copysign(4e-16, x_star))
    out = np.full(len(x), np.inf)
    out[above] = np.maximum(rates(letter, x[above]) - delta, 0.0)
    return t_star, x_star, out


def scaled_cumulants(
    p: ArrayLike | None, r: ArrayLike, t: float = 0.0, order: int = 4, *, logp: ArrayLike | None = None
) -> FloatArray:
    """Return the cumulants of the total reward of m tilted letters, divided by m.

    Parameters
    ----------
    p : array_like of shape (k,) or None
        Probabilities of the letters; None where `logp` is given.
    r : array_like of shape (k,)
        Rewards.
    t : float
        Tilt of the letters.
    order : int
        Number of cumulants, at most 12.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.

    Returns
    -------
    ndarray of shape (order,)
        Derivatives 1 to `order` of Lambda at t: mean, variance, third cumulant, ...

    Raises
    ------
    InputError
        If an argument is out of range, or a possible reward is -inf and t <= 0.

    Notes
    -----
    ``kappa_k(S_m)/m = Lambda^(k)(t)``. Their generating function is a Rényi cross entropy: with
    Q proportional to e^r and c = log sum e^r, ``Lambda(t + s) - Lambda(t) = s c - s H_(1+s)(phi_t; Q)``,
    `infostat.divergences.renyi_cross_entropy`. Derived and checked in this project.

    Examples
    --------
    >>> scaled_cumulants([0.5, 0.5], [-1, 1])
    array([ 0.,  1.,  0., -2.])
    """
    law = as_law(p, r, logp)
    count = check_count("order", order, low=1, high=_HIGHEST_CUMULANT)
    letter = letter_law(law, finite_strength(t))
    if letter.log_kept < 0.0:
        raise InputError("t must be > 0 where an outcome has reward -inf, got 0")
    q = np.exp(letter.log_mass)
    mean = float(q @ (letter.r - letter.r[-1])) + float(letter.r[-1])
    centred = letter.r - mean
    moment = [1.0, 0.0] + [float(q @ centred**k) for k in range(2, count + 1)]
    kappa: list[float] = [0.0, 0.0]
    for k in range(2, count + 1):
        lower = sum(math.comb(k - 1, j - 1) * kappa[j] * moment[k - j] for j in range(2, k))
        kappa.append(moment[k] - lower)
    return np.array([mean, *kappa[2 : count + 1]])


def curve(letter: LetterLaw, delta: float | None = None, points: int = 241) -> dict[str, Any]:
    """Return points of the rate functions for a figure.

    Parameters
    ----------
    letter : LetterLaw
        Law of a letter.
    delta : float, optional
        Rate of best-of-N as well.
    points : int
        Points over the range of the rewards.

    Returns
    -------
    dict
        ``x``, ``rate`` and, with delta, ``bon_rate``.

    Examples
    --------
    >>> curve(letter_law(as_law([0.5, 0.5], [0, 1])), points=3)["rate"].round(6)
    array([0.693147, 0.      , 0.693147])
    """
    x = np.linspace(letter.r[0], letter.r[-1], points)
    found: dict[str, Any] = {"x": x, "rate": rates(letter, x)}
    if delta is not None:
        _, x_star, _ = best_of_n_rates(letter, x[:0], delta)
        upper = np.linspace(x_star, letter.r[-1], points)
        found |= {"bon_x": upper, "bon_rate": best_of_n_rates(letter, upper, delta)[2]}
    return found
