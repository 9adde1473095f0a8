"""Reward laws: outcomes with log probabilities and rewards, checked once.

Everything in this wing that takes ``(p, r)`` or ``logp=`` passes through `as_law`, so that the
rules for sums, zeros and infinite rewards are in one place. Probabilities are kept as
logarithms: atoms far below the float range are as good as any other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, InputError, InputTypeError, Words, describe
from ..core.validation import FloatArray, as_plain_array, check_number, short

__all__ = ["Levels", "RewardLaw", "as_law", "check_size", "check_span", "is_frozen", "one_of"]

# A sum of probabilities this close to one is rounding (of a printed table, of float32 logits).
SUM_TOLERANCE = 1e-6
_LARGEST_REWARD = 1e150
_LEAST_SPAN = 1e-75


@dataclass(frozen=True)
class RewardLaw:
    """A law on finitely many outcomes, and their rewards.

    Attributes
    ----------
    log_p : ndarray of shape (k,)
        Normalised log probabilities in the order of the input; -inf is an impossible outcome.
    r : ndarray of shape (k,)
        Rewards; -inf is allowed, +inf is not. Of an impossible outcome any value is kept.
    labels : tuple of str
        Names of the outcomes; empty if the input had none.
    """

    log_p: FloatArray
    r: FloatArray
    labels: tuple[str, ...] = ()

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Outcomes of positive probability."""
        return np.asarray(self.log_p > -np.inf)

    @property
    def p(self) -> FloatArray:
        """Probabilities."""
        return np.asarray(np.exp(self.log_p))

    @property
    def top(self) -> float:
        """Largest reward of positive probability."""
        return float(self.r[self.possible].max())

    @property
    def bottom(self) -> float:
        """Smallest finite reward of positive probability (-inf if there is none)."""
        finite = self.possible & np.isfinite(self.r)
        return float(self.r[finite].min()) if finite.any() else -math.inf

    def levels(self) -> Levels:
        """Return the distinct rewards of positive probability, ascending, with their masses.

        Returns
        -------
        Levels
            Exactly equal rewards are one level.
        """
        rows = np.flatnonzero(self.possible)
        rewards, inverse = np.unique(self.r[rows], return_inverse=True)
        inverse = inverse.reshape(-1)
        top = np.full(len(rewards), -np.inf)
        np.maximum.at(top, inverse, self.log_p[rows])
        mass = np.bincount(inverse, weights=np.exp(self.log_p[rows] - top[inverse]), minlength=len(rewards))
        level = np.full(len(self.r), -1, dtype=np.intp)
        level[rows] = inverse
        return Levels(rewards, np.asarray(top + np.log(mass)), level)


@dataclass(frozen=True)
class Levels:
    """Distinct rewards of a law.

    Attributes
    ----------
    r : ndarray of shape (g,)
        Rewards in ascending order.
    log_mass : ndarray of shape (g,)
        Log probability of each.
    level : ndarray of int of shape (k,)
        Position of each outcome among them, -1 for impossible outcomes.
    """

    r: FloatArray
    log_mass: FloatArray
    level: NDArray[np.intp]


def as_law(p: Any, r: Any, logp: Any = None, *, wide: bool = False) -> RewardLaw:
    """Return a checked and normalised reward law.

    Parameters
    ----------
    p : array_like of shape (k,), Series or None
        Probabilities; None where `logp` is given.
    r : array_like of shape (k,) or Series
        Rewards. Two Series with the same labels are matched by label.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.
    wide : bool
        Accept rewards beyond 1e150, whose squares overflow.

    Returns
    -------
    RewardLaw
        Sums that miss one by at most 1e-6 are normalised.

    Raises
    ------
    InputError
        If both or neither of `p` and `logp` are given, shapes do not fit, a probability is
        negative or NaN, they do not sum to one, or a reward is NaN or +inf.
    InputTypeError
        If something is not numeric.

    Examples
    --------
    >>> law = as_law([0.5, 0.3, 0.2], [0, 1, 1])
    >>> law.levels().r, np.exp(law.levels().log_mass).round(12)
    (array([0., 1.]), array([0.5, 0.5]))
    """
    one_of("p", p, "logp", logp)
    name, given = ("p", p) if logp is None else ("logp", logp)
    if r is None:
        raise InputError(describe("r", "one reward per outcome", r, f"pass the rewards beside {name}"))
    labels, given, rewards = _aligned(name, given, r)
    values = _vector(name, given)
    reward = _vector("r", rewards)
    if len(reward) != len(values):
        raise InputError(f"r must have one reward per entry of {name} ({len(values)}), got {len(reward)}")
    log_p = _log_probabilities(name, values)
    _check_rewards(reward, log_p, wide)
    return RewardLaw(log_p, reward, labels)


def is_frozen(law: Any) -> bool:
    """Return whether an object is a frozen scipy law (or behaves like one).

    Parameters
    ----------
    law : object
        Anything.

    Returns
    -------
    bool
        True if it has the methods that the continuous routines call.

    Examples
    --------
    >>> is_frozen([0.5, 0.5])
    False
    """
    return all(callable(getattr(law, name, None)) for name in ("cdf", "ppf", "support", "rvs"))


def one_of(first: str, a: Any, second: str, b: Any) -> None:
    """Raise unless exactly one of two arguments is given.

    Parameters
    ----------
    first, second : str
        Names of the arguments.
    a, b : object
        Their values; None is "not given".

    Raises
    ------
    InputError
        If both or none are given.

    Examples
    --------
    >>> one_of("n", 4, "log_n", None)
    """
    if (a is None) == (b is None):
        came = "neither" if a is None else "both"
        raise InputError(f"exactly one of {first} and {second} must be given, got {came}")


def _aligned(name: str, given: Any, r: Any) -> tuple[tuple[str, ...], Any, Any]:
    """Match two Series by label; return the labels of whichever has some."""
    left: Any = getattr(given, "index", None)
    right: Any = getattr(r, "index", None)
    series = [x for x, index in ((given, left), (r, right)) if hasattr(index, "is_unique")]
    if len(series) == 2 and not left.equals(right):
        same = left.is_unique and right.is_unique and len(left) == len(right) and left.isin(right).all()
        if not same:
            raise InputError(f"{name} and r must have the same labels, got Series whose indexes differ")
        r = r.loc[left]
    if not series:
        return (), given, r
    index = series[0].index
    default = type(index).__name__ == "RangeIndex"
    return () if default else tuple(str(label) for label in index), given, r


def _vector(name: str, values: Any) -> FloatArray:
    raw = as_plain_array(name, values)
    if raw.dtype.kind not in "biuf":
        raise InputTypeError(describe(name, "an array of real numbers", short(values)))
    if raw.ndim != 1 or not raw.size:
        raise InputError(describe(name, "one-dimensional and not empty", Words(f"shape {raw.shape}")))
    array = raw.astype(np.float64)
    bad = int(np.isnan(array).sum())
    if bad:
        raise InputError(f"{name} must not hold NaN, got {bad} of {len(array)}; drop or impute them")
    return array


def _log_probabilities(name: str, values: FloatArray) -> FloatArray:
    if name == "p":
        if (values < 0).any():
            at = int(np.argmin(values))
            raise InputError(f"p must hold probabilities >= 0, got {values[at]:g} at position {at}")
        # A sum beyond the floats is an error of fsum, not an infinity.
        total = float(math.fsum(values)) if float(values.max()) < 1e300 else math.inf
        log_total = math.log(total) if total > 0 else -math.inf
        with np.errstate(divide="ignore"):
            logs = np.log(values)
    else:
        top = float(values.max())
        if top == math.inf:
            raise InputError("logp must hold log probabilities <= 0, got +inf")
        log_total = top + math.log(math.fsum(np.exp(values - top))) if top > -math.inf else -math.inf
        logs = values
    if not abs(math.expm1(min(log_total, 700.0))) <= SUM_TOLERANCE:
        shown = math.exp(min(log_total, 700.0))
        raise InputError(
            f"{name} must {'sum' if name == 'p' else 'be logs of probabilities that sum'} to one within "
            f"{SUM_TOLERANCE:g}, got a sum of {shown:.8g}; normalise it first"
        )
    return np.asarray(logs - log_total)


def check_strengths(t: FloatArray) -> None:
    """Raise if a tilt is so large that products with it leave the floats.

    Parameters
    ----------
    t : ndarray
        Strengths of tilts; infinities are what they are.

    Raises
    ------
    InputError
        If the size of one that is finite is above 1e300.

    Examples
    --------
    >>> check_strengths(np.array([0.0, 1.5, np.inf]))
    """
    sizes = np.abs(t[np.isfinite(t)])
    wrong = sizes[sizes > 1e300]
    if wrong.size:
        raise InputError(describe("t", "infinite or of a size up to 1e300", float(wrong[0])))


def finite_strength(t: Any) -> float:
    """Return a finite tilt within the sizes that `check_strengths` admits.

    Parameters
    ----------
    t : float
        What the caller passed.

    Returns
    -------
    float
        The tilt.

    Raises
    ------
    InputTypeError
        If it is no number.
    InputError
        If it is not finite, or too large or too small.

    Examples
    --------
    >>> finite_strength(0.5)
    0.5
    """
    strength = check_number("t", t)
    check_strengths(np.array([strength]))
    return strength


def check_size(name: str, values: FloatArray) -> None:
    """Raise if a finite value is so large that its square overflows.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    values : ndarray
        Rewards; infinite ones are not looked at.

    Raises
    ------
    InputError
        If one exceeds 1e150 in size.

    Examples
    --------
    >>> check_size("r", np.array([1.0, -np.inf]))
    """
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max(initial=0.0))
    if largest > _LARGEST_REWARD:
        raise InputError(
            f"{name} must hold rewards of size up to {_LARGEST_REWARD:g}, whose squares are numbers, got {largest:g}; "
            "change their unit"
        )


def check_span(low: float, high: float) -> None:
    """Raise if rewards lie so close together that squares of their distances vanish.

    Parameters
    ----------
    low, high : float
        Smallest and largest finite reward.

    Raises
    ------
    DataError
        If they differ by less than 1e-75: standard errors would be zero in floating point.

    Examples
    --------
    >>> check_span(0.0, 1.0), check_span(2.0, 2.0)
    (None, None)
    """
    if 0.0 < high - low < _LEAST_SPAN:
        raise DataError(f"rewards must span more than {_LEAST_SPAN:g}, got {low:g} to {high:g}; choose another unit")


def _check_rewards(reward: FloatArray, log_p: FloatArray, wide: bool) -> None:
    possible = log_p > -np.inf
    if (reward[possible] == np.inf).any():
        raise InputError("r must be below +inf, got +inf; an infinite reward has no tilt")
    if not np.isfinite(reward[possible]).any():
        raise InputError("r must hold at least one finite reward of positive probability, got none")
    if not wide:
        check_size("r", reward[possible])
