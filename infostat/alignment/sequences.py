"""Best of N sequences of a memoryless source, exactly, against the KL-constrained optimum."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, InputTypeError, describe
from ..core.progress import Progress, progress_callback
from ..core.validation import FloatArray, as_plain_array, check_choice, check_count, check_number, short
from .bestofn_levels import level_kl, level_win_rate, log_level_masses
from .brackets import round_to_lattices
from .lattice import Lattice, LatticeSums
from .laws import as_law, one_of
from .rate_functions import LONGEST, LetterLaw, letter_law, rates
from .sequence_results import SequenceBestOfN
from .tails import choose_method
from .tilt_solver import log_top_mass, moments_at, t_for_kl, tilted_log_law
from .types_enumeration import type_law

__all__ = ["predicted_divergence", "sequence_bon"]

_METHODS = ("auto", "lattice", "types", "bracket")
# Up to here one law without any tilt serves all lengths: best-of-N lives at probabilities of
# about 1/N, far above the cells that are dropped.
_UNTILTED_LOG_N = 200.0


def sequence_bon(
    p: ArrayLike | None,
    r: ArrayLike,
    m: int | Sequence[int],
    delta: float | None = None,
    *,
    n: float | None = None,
    logp: ArrayLike | None = None,
    method: str = "auto",
    progress: Progress = False,
) -> SequenceBestOfN:
    """Return reward and divergence of the best of N sequences of m letters.

    Parameters
    ----------
    p : array_like of shape (k,) or None
        Probabilities of the letters; None where `logp` is given.
    r : array_like of shape (k,)
        Finite rewards of the letters; the reward of a sequence is their sum.
    m : int or sequence of int
        Numbers of letters.
    delta : float, optional
        Nats per letter: N = exp(delta m).
    n : float, optional
        N >= 1, the same for every m. Exactly one of `delta` and `n`.
    logp : array_like of shape (k,), optional
        Log probabilities in place of `p`.
    method : {"auto", "lattice", "types", "bracket"}
        How the law of the total reward is computed: by tilted convolution on a lattice, by
        enumeration of types, or between two lattices.
    progress : bool or callable
        Report the lengths that are done.

    Returns
    -------
    SequenceBestOfN
        Per length ``log_n reward kl reward_per_symbol kl_per_symbol kl_to_optimal
        kl_to_optimal_matched win_rate n_types`` and predictions; ``t_star x_star var_star``.

    Raises
    ------
    InputError
        If an argument is out of range, a possible reward is -inf, or the law has too many points.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    With D(t*) = delta, x* = R(t*), V* = V(t*): reward and KL per symbol tend to x* and delta, and
    KL(BoN || phi) per symbol to zero. The divergence itself grows:

    ``KL(BoN || phi) = (1/2) log(2 pi m t*^2 V*) - gamma - 1 + o(1)``,
    ``m x* - E S = [(1/2) log(2 pi m t*^2 V*) - gamma + o(1)]/t*``

    for rewards off lattices; on lattices a small bounded oscillation is added. Where delta reaches
    the largest divergence, t* = inf, x* = max r and there is no prediction. The equivalence
    per symbol is announced in "Asymptotics of Language Model Alignment" (arXiv 2404.01730); the
    expansions are derived and checked in this project.

    Examples
    --------
    >>> found = sequence_bon([0.5, 0.5], [0, 1], [10, 100, 1000], 0.1)
    >>> found.reward_per_symbol.round(12), found.kl_to_optimal.round(12)
    (array([0.62188731, 0.69939792, 0.71662156]), array([0.2766643 , 0.87085373, 1.92517   ]))
    >>> round(found.t_star, 12), found.kl_to_optimal_predicted.round(4)
    (0.943443117578, array([-0.3657,  0.7856,  1.9369]))
    """
    law = as_law(p, r, logp)
    lengths = _lengths(m)
    one_of("delta", delta, "n", n)
    delta = None if delta is None else check_number("delta", delta, low=0.0)
    n = None if n is None else check_number("n", n, low=1.0)
    method = check_choice("method", method, _METHODS)
    letter = letter_law(law)
    if letter.log_kept < 0.0:
        raise InputError("r must be finite for sequences, got -inf; leave such letters out and renormalise p")
    distinct = sorted(set(lengths))
    method, lattice = choose_method(letter, distinct, method)
    log_n = {k: k * delta if delta is not None else math.log(float(n or 1.0)) for k in distinct}
    laws = _sum_laws(letter, distinct, log_n, method, lattice)
    rows: dict[int, _Row] = {}
    with progress_callback(progress, "sequence lengths") as report:
        for done, (length, parts) in enumerate(laws, start=1):
            rows[length] = _row(letter, length, log_n[length], parts)
            if report is not None:
                report(done, len(distinct))
    return _wrap([rows[k] for k in lengths], np.ndim(m) == 0, letter, delta, n, method)


def predicted_divergence(m: float, t: float, variance: float) -> float:
    """Return the asymptotic KL(BoN || phi) of sequences of m letters.

    Parameters
    ----------
    m : float
        Letters.
    t : float
        Tilt per letter of divergence log N / m.
    variance : float
        Variance of the reward of a letter under that tilt.

    Returns
    -------
    float
        ``(1/2) log(2 pi m t^2 V) - gamma - 1``, nats; nan where t is 0 or inf or V is 0.

    Examples
    --------
    >>> round(predicted_divergence(1000, 0.943443117578, 0.201690322), 4)
    1.9369
    """
    if not 0.0 < t < math.inf or variance <= 0.0:
        return math.nan
    # log t apart: t^2 V may leave the range of doubles.
    return math.log(t) + 0.5 * math.log(2.0 * math.pi * m * variance) - float(np.euler_gamma) - 1.0


@dataclass(frozen=True)
class _Law:
    """Law of the total reward above m times the smallest reward, and its letter."""

    letter: LetterLaw
    value: FloatArray
    log_mass: FloatArray
    points: int

    def relevant(self, log_n: float) -> _Law:
        """Leave out sums that the best of N is below with probability exp(-10^4), or above with 10^-40."""
        n_mass = np.exp(np.minimum(log_n + self.log_mass, 700.0))
        n_tail = np.cumsum(n_mass[::-1])[::-1]
        last = len(n_tail) - int(np.searchsorted(n_tail[::-1], 1e-40))
        # Below here more than half of the mass would have to be counted from the bottom.
        first = len(n_tail) - int(np.searchsorted(n_tail[::-1], 1e4)) if log_n > math.log(4e4) else 0
        part = slice(max(first - 1, 0), max(last, 1))
        return _Law(self.letter, self.value[part], self.log_mass[part], self.points)


@dataclass
class _Row:
    """Numbers of one length."""

    numbers: dict[str, float]
    bounds: dict[str, float] = field(default_factory=dict)


def _lengths(m: Any) -> list[int]:
    if isinstance(m, (str, bytes)) or as_plain_array("m", m).ndim > 1:
        raise InputTypeError(describe("m", "an integer >= 1 or a sequence of them", short(m)))
    values = [m] if np.ndim(m) == 0 else list(m)
    if not values:
        raise InputError("m must hold at least one length, got none")
    return [check_count("m", value, low=1, high=LONGEST) for value in values]


def _sum_laws(
    letter: LetterLaw, lengths: list[int], log_n: dict[int, float], method: str, lattice: Lattice | None
) -> Iterator[tuple[int, list[_Law]]]:
    """Laws of the total reward for each length; three of them where rewards are rounded."""
    shifted = letter.moved(letter.r - letter.r[0])
    if method == "types":
        for m in lengths:
            value, log_mass = type_law(shifted.r, shifted.log_mass, m)
            yield m, [_Law(shifted, value, log_mass, len(value))]
        return
    if lattice is not None:
        roundings = [lattice]
    else:
        three = round_to_lattices(letter.r, lengths)
        roundings = [three.nearest, three.down, three.up]
    rounded = [np.asarray(each.step * each.index) for each in roundings]
    letters = [shifted] if lattice is not None else [shifted.moved(r) for r in rounded]
    streams = [_lattice_laws(own, each, lengths, log_n) for own, each in zip(letters, roundings, strict=True)]
    for parts in zip(*streams, strict=True):
        yield parts[0][0], [law for _, law in parts]


def _lattice_laws(
    letter: LetterLaw, lattice: Lattice, lengths: list[int], log_n: dict[int, float]
) -> Iterator[tuple[int, _Law]]:
    start = Lattice(0.0, lattice.step, lattice.index)
    shared = LatticeSums(letter.log_mass, start, 0.0)
    if max(log_n.values()) <= _UNTILTED_LOG_N and not shared.transforms(lengths):
        groups = [(0.0, lengths)]
    else:
        groups = _grouped(letter, lengths, log_n)
    for t, group in groups:
        sums = shared if t == 0.0 else LatticeSums(letter.log_mass, start, t)
        for law in sums.laws(group):
            yield law.m, _Law(letter, law.value, law.log_mass, law.m * lattice.top + 1)


def _grouped(letter: LetterLaw, lengths: list[int], log_n: dict[int, float]) -> list[tuple[float, list[int]]]:
    """Consecutive lengths that share a tilt: all of them where log N / m is fixed."""
    groups: list[list[int]] = []
    for m in lengths:
        budget = log_n[m] / m
        if groups and abs(budget - log_n[groups[-1][0]] / groups[-1][0]) <= 1e-12 * budget:
            groups[-1].append(m)
        else:
            groups.append([m])
    found = []
    for group in groups:
        t = t_for_kl(letter.log_mass, letter.r, log_n[group[0]] / group[0])
        found.append((_near_top(letter, group[-1]) if math.isinf(t) else t, group))
    return found


def _near_top(letter: LetterLaw, m: int) -> float:
    """A finite tilt under which a sequence of best letters has probability 1/e or more."""
    lower = letter.r[letter.r < letter.r[-1]]
    if not len(lower):
        return 0.0
    t = 1.0 / float(letter.r[-1] - lower[-1])
    while -m * log_top_mass(tilted_log_law(letter.log_mass, letter.r, t), letter.r) > 1.0:
        t *= 2.0
    return t


def _row(letter: LetterLaw, m: int, log_n: float, laws: list[_Law]) -> _Row:
    """Everything about one length; rewards above m times the smallest until the end."""
    law = laws[0].relevant(log_n)
    own = law.letter
    base = m * float(letter.r[0])
    log_q, cdf = log_level_masses(law.log_mass, log_n)
    reward, kl = float(np.exp(log_q) @ law.value), level_kl(log_q, law.log_mass)
    budget = log_n / m
    t = t_for_kl(own.log_mass, own.r, budget)
    if own.r[0] == own.r[-1]:
        optimal, variance, t, to_optimal = float(own.r[0]), 0.0, (0.0 if log_n == 0.0 else math.inf), 0.0
    else:
        saturated = budget >= -log_top_mass(own.log_mass, own.r)
        _, optimal, variance, spent = moments_at(own.log_mass, own.r, t)
        to_optimal = math.inf if saturated else _kl_to_tilt(m, t, optimal, spent, reward, kl)
        if saturated:
            optimal, variance = float(own.r[-1]), 0.0
    predicted = predicted_divergence(m, t, variance)
    gap = m * optimal - reward
    bounds = _bounds(letter, m, log_n, laws[1:]) if len(laws) > 1 else {}
    if bounds:
        # Rounding moves the optimum and best-of-N alike; the gap between them is the stable part.
        exact = moments_at(letter.log_mass, letter.r - letter.r[0], t_for_kl(letter.log_mass, letter.r, budget))[1]
        reward = min(max(m * float(exact) - gap, bounds["reward_low"] - base), bounds["reward_high"] - base)
        kl = min(max(kl, bounds["kl_low"]), bounds["kl_high"])
    numbers = {
        "m": float(m),
        "log_n": log_n,
        "reward": base + reward,
        "kl": kl,
        "reward_per_symbol": float(letter.r[0]) + reward / m,
        "kl_per_symbol": kl / m,
        "kl_to_optimal": to_optimal,
        "kl_to_optimal_matched": _kl_to_matched(own, m, law, log_q, kl),
        "win_rate": level_win_rate(log_q, law.log_mass, cdf),
        "n_types": float(law.points),
        "kl_to_optimal_predicted": predicted,
        "reward_gap": gap,
        "reward_gap_predicted": (predicted + 1.0) / t if predicted == predicted else math.nan,
        "t_optimal": t,
    }
    return _Row(numbers, bounds)


def _kl_to_tilt(m: int, t: float, mean: float, spent: float, reward: float, kl: float) -> float:
    """KL(q || phi_t^m) of a law with this reward and KL from p^m (Pythagorean identity)."""
    return max(float((kl - m * spent) + t * (m * mean - reward)), 0.0)


def _kl_to_matched(letter: LetterLaw, m: int, law: _Law, log_q: FloatArray, kl: float) -> float:
    t = t_for_kl(letter.log_mass, letter.r, kl / m)
    if t == 0.0 or math.isinf(t):
        # Best-of-N is the reference, or to rounding the law on the best sequences: so is the tilt.
        return 0.0
    _, mean, _, spent = moments_at(letter.log_mass, letter.r, t)
    return _kl_to_tilt(m, t, mean, spent, float(np.exp(log_q) @ law.value), kl)


def _bounds(letter: LetterLaw, m: int, log_n: float, enclosing: list[_Law]) -> dict[str, float]:
    """Rigorous bounds of reward and KL.

    The expected best of N is monotone in the stochastic order of the sums. A law with mean reward
    s has divergence at least m Lambda*(s/m) from p^m, and best-of-N has at most its value for
    continuous rewards.
    """
    base = m * float(letter.r[0])
    parts = [law.relevant(log_n) for law in enclosing]
    low, high = (float(np.exp(log_level_masses(law.log_mass, log_n)[0]) @ law.value) for law in parts)
    mean = min(float(letter.r[0]) + low / m, float(letter.r[-1]))
    least = 0.0
    if mean > moments_at(letter.log_mass, letter.r, 0.0)[1]:
        least = m * float(rates(letter, np.array([mean]))[0])
    most = log_n + math.expm1(-log_n)
    return {"reward_low": base + low, "reward_high": base + high, "kl_low": min(least, most), "kl_high": most}


def _wrap(
    rows: list[_Row], scalar: bool, letter: LetterLaw, delta: float | None, n: float | None, method: str
) -> SequenceBestOfN:
    columns: dict[str, Any] = {name: np.array([row.numbers[name] for row in rows]) for name in rows[0].numbers}
    columns |= {name: np.array([row.bounds[name] for row in rows]) for name in rows[0].bounds}
    for name in ("m", "n_types"):
        columns[name] = columns[name].astype(np.int64)
    if scalar:
        columns = {name: column[0].item() for name, column in columns.items()}
    t_star, x_star, var_star = _limits(letter, 0.0 if delta is None else delta)
    return SequenceBestOfN(
        t_star=t_star,
        x_star=x_star,
        var_star=var_star,
        delta=delta,
        n=n,
        method=method,
        nature="bound" if method == "bracket" else "exact",
        interpretation=_interpretation(rows, delta, t_star),
        **columns,
    )


def _limits(letter: LetterLaw, delta: float) -> tuple[float, float, float]:
    """t*, x* and V* as m grows; fixed N is delta = 0."""
    if delta > 0.0 and delta >= -log_top_mass(letter.log_mass, letter.r):
        return math.inf, float(letter.r[-1]), 0.0
    t = t_for_kl(letter.log_mass, letter.r, delta)
    _, mean, variance, _ = moments_at(letter.log_mass, letter.r, t)
    return t, mean, variance


def _interpretation(rows: list[_Row], delta: float | None, t_star: float) -> str:
    last = max(rows, key=lambda row: row.numbers["m"]).numbers
    m, divergence = int(last["m"]), last["kl_to_optimal"]
    if math.isinf(divergence):
        return (
            f"At m = {m}, log N = {last['log_n']:.6g} is beyond the largest divergence of a tilt: the optimum is the "
            "law on the best sequences, from which best-of-N is infinitely far because it can miss them."
        )
    first = (
        f"At m = {m} best-of-N is {divergence:.4g} nats from the optimum with KL budget log N, "
        f"{divergence / m:.3g} per symbol, and loses {last['reward_gap'] / m:.3g} of reward per symbol."
    )
    if delta is None or not 0.0 < t_star < math.inf:
        return first
    return f"{first} Per symbol both vanish as m grows; the divergence itself grows like (1/2) log m."
