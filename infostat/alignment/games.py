"""Preference games: the policy that no other policy beats, with a KL penalty, by mirror prox."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ConvergenceWarning, InputError, describe
from ..core.progress import Progress, progress_callback
from ..core.tables import format_cell
from ..core.validation import FloatArray, as_float_array, check_count, check_number
from ..divergences.stable import scaled_exp_gap
from .game_results import NashMirrorProx
from .named_laws import log_law, match_labels

__all__ = ["exploitability", "nash_mirror_prox"]

# P(y beats y') + P(y' beats y) may miss one by this much.
PAIR_TOLERANCE = 1e-9
# The iterates are kept: 1.6 GB of them are too many.
MOST_NUMBERS = 200_000_000
# Newton steps solve a dense system; above this size plain rounds are used instead.
NEWTON_SIZE = 2000
REPORT_EVERY = 100


def nash_mirror_prox(
    P: Any,
    ref: Any = None,
    *,
    beta: float,
    rounds: int | None = None,
    tol: float = 1e-12,
    max_rounds: int = 100_000,
    start: Any = None,
    progress: Progress = False,
) -> NashMirrorProx:
    """Solve a preference game with KL penalty by mirror prox.

    Parameters
    ----------
    P : array_like of shape (k, k) or DataFrame
        ``P[y, y']`` is the probability that y is preferred to y'; ``P + P.T`` must be one within
        1e-9. Rows and columns of a frame are matched by label.
    ref : array_like of shape (k,) or Series, optional
        Reference law; uniform if None. Outcomes of probability zero stay at zero.
    beta : float
        Coefficient of the penalty KL(policy || ref), > 0.
    rounds : int, optional
        Rounds to run, exactly; two preference queries each. If None, rounds are run until the
        exploitability is at most `tol`.
    tol : float
        Largest exploitability at which the game counts as solved, in units of preference probability.
    max_rounds : int
        Where to stop at the latest if `rounds` is None.
    start : array_like of shape (k,) or Series, optional
        First policy, of the same support as `ref`; `ref` itself if None.
    progress : bool or callable
        Whether to show progress.

    Returns
    -------
    NashMirrorProx
        ``policy iterates kl exploitability``, the equilibrium `solution` and the guaranteed rate.

    Raises
    ------
    InputError
        If P is not square, not a table of preferences or its labels do not fit, a law is not one,
        `start` has another support than `ref`, a number is out of range, or the iterates would not
        fit into memory.
    InputTypeError
        If something is not numeric.

    Warns
    -----
    ConvergenceWarning
        If the exploitability is above `tol` after `max_rounds` rounds, or the equilibrium against
        which the divergences are measured could not be computed to that accuracy.

    Notes
    -----
    The equilibrium is the fixed point ``pi* = ref exp(P pi*/beta)/Z``. One round, up to normalisation,

    ``log h = (log pi_k + 2 beta log ref + 2 P pi_k)/(1 + 2 beta)``,
    ``log pi_{k+1} = (log pi_k + 2 beta log ref + 2 P h)/(1 + 2 beta)``,

    and ``KL(pi*||pi_k) <= (1 + 2 beta)^-k KL(pi*||pi_0)`` for every k (the abstract
    of the paper on Nash mirror prox states this rate, as ``(1 + 2 beta)^(-N/2)`` in N queries; these
    two lines and their proof were derived and checked in this project). Everything is computed on logarithms.

    `solution` is computed to rounding: rounds go on (without being counted or kept) until the
    exploitability is below 1e-12, then Newton steps on the fixed-point equation follow as long as
    they lower it. Without `rounds` it is also what `policy` holds; with `rounds`, `policy` is the
    last iterate.

    Examples
    --------
    >>> P = [[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]]
    >>> game = nash_mirror_prox(P, [0.2, 0.3, 0.5], beta=0.2)
    >>> game.policy.round(10)
    array([0.18996742, 0.33177763, 0.47825495])
    >>> bool(game.exploitability[-1] <= 1e-12), game.converged
    (True, True)
    >>> nash_mirror_prox(P, [0.2, 0.3, 0.5], beta=0.2, rounds=20).kl[[0, 1, 5, 20]]
    array([2.36236801e-03, 1.10983461e-03, 5.32490540e-05, 5.84507053e-10])
    """
    penalty = check_number("beta", beta, low=1e-150, high=1e150)
    goal = check_number("tol", tol, low=0.0, open_low=True)
    most = check_count("max_rounds", max_rounds, low=1)
    asked = None if rounds is None else check_count("rounds", rounds, low=0)
    game = _game(P, ref, start, penalty)
    size = len(game.log_ref)
    if asked is not None and (asked + 1) * size > MOST_NUMBERS:
        raise InputError(
            f"rounds must be at most {MOST_NUMBERS // size - 1} with {size} outcomes, got {asked}; all iterates are "
            "kept"
        )
    limit = min(most, max(MOST_NUMBERS // size - 1, 1)) if asked is None else asked
    with progress_callback(progress, "mirror prox") as report:
        log_iterates, gaps = _run(game, limit, goal if asked is None else None, report)
    log_solution, gap = _solution(game, log_iterates[-1], most)
    return _wrap(game, log_iterates, gaps, log_solution, gap, goal, asked is not None)


def exploitability(P: Any, policy: Any, ref: Any, beta: float) -> float:
    """Return how much another policy could gain against this one in a preference game with KL penalty.

    Parameters
    ----------
    P : array_like of shape (k, k) or DataFrame
        Preference probabilities, as in `nash_mirror_prox`.
    policy : array_like of shape (k,) or Series
        The policy.
    ref : array_like of shape (k,) or Series, or None
        Reference law; uniform if None.
    beta : float
        Coefficient of the penalty, > 0.

    Returns
    -------
    float
        The gain, in units of preference probability: 0 at the equilibrium only; inf if the policy
        has mass where the reference has none.

    Raises
    ------
    InputError
        For the same reasons as `nash_mirror_prox`.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    ``beta log sum ref exp((P pi)/beta) + beta KL(pi||ref) - 1/2``, evaluated as ``beta KL(pi||b)`` with b
    the best response to pi, which is the same number without the cancellation.

    Examples
    --------
    >>> P = [[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]]
    >>> ref = [0.2, 0.3, 0.5]
    >>> round(exploitability(P, ref, ref, 0.2), 13)
    0.0007372137602
    """
    penalty = check_number("beta", beta, low=1e-150, high=1e150)
    if policy is None:
        raise InputError(describe("policy", "one probability per row of P", None))
    payoff, labels = _preferences(P)
    log_ref, log_policy = _laws(payoff, labels, {"ref": ref, "policy": policy})
    assert log_policy is not None
    kept = log_ref > -np.inf
    if (log_policy[~kept] > -np.inf).any():
        return math.inf
    game = _Game(payoff[np.ix_(kept, kept)], log_ref[kept], log_policy[kept], penalty, kept, labels)
    return _gap_of(game, game.log_start)


# ------------------------------------------------------------------ the game


@dataclass(frozen=True)
class _Game:
    """A game on the support of the reference law."""

    payoff: FloatArray
    log_ref: FloatArray
    log_start: FloatArray
    beta: float
    kept: NDArray[np.bool_]
    labels: tuple[str, ...]

    def full(self, log_policy: FloatArray) -> FloatArray:
        """Probabilities on all outcomes, of one policy or a stack of them."""
        out = np.zeros((*log_policy.shape[:-1], len(self.kept)))
        out[..., self.kept] = np.exp(log_policy)
        return out


def _game(P: Any, ref: Any, start: Any, beta: float) -> _Game:
    payoff, labels = _preferences(P)
    log_ref, log_start = _laws(payoff, labels, {"ref": ref, "start": start})
    first = log_ref if log_start is None else log_start
    kept = log_ref > -np.inf
    other = int((kept != (first > -np.inf)).sum())
    if other:
        raise InputError(
            f"start must have the same support as ref, got {other} outcomes where only one of them is zero; mirror "
            "prox cannot move mass to where there is none"
        )
    return _Game(payoff[np.ix_(kept, kept)], log_ref[kept], first[kept], beta, kept, labels)


def _preferences(P: Any) -> tuple[FloatArray, tuple[str, ...]]:
    """Preference table with P + P.T exactly one, and the names of its rows."""
    labels: tuple[str, ...] = ()
    if hasattr(P, "columns"):
        P, labels = _by_label(P)
    table = as_float_array("P", P, ndim=2)
    if table.shape[0] != table.shape[1] or not table.size:
        raise InputError(describe("P", "a square table of preferences", f"shape {table.shape}"))
    outside = int(((table < -PAIR_TOLERANCE) | (table > 1.0 + PAIR_TOLERANCE)).sum())
    if outside:
        raise InputError(f"P must hold probabilities in [0, 1], got {outside} entries outside")
    miss = np.abs(table + table.T - 1.0)
    if miss.max() > PAIR_TOLERANCE:
        i, j = (int(k) for k in np.unravel_index(int(np.argmax(miss)), miss.shape))
        raise InputError(
            f"P must satisfy P[i, j] + P[j, i] = 1 within {PAIR_TOLERANCE:g}, got {table[i, j]:g} + {table[j, i]:g} at "
            f"({i}, {j}); ties count one half, so the diagonal is 1/2"
        )
    return np.asarray(0.5 + 0.5 * (table - table.T)), labels


def _by_label(frame: Any) -> tuple[Any, tuple[str, ...]]:
    rows, columns = frame.index, frame.columns
    if len(rows) == len(columns) and not rows.equals(columns):
        same = rows.is_unique and columns.is_unique and rows.isin(columns).all()
        if not same and type(rows).__name__ == "RangeIndex":
            rows = columns  # a table read from a file without row names
        elif not same:
            raise InputError("P must have the same labels in rows and columns, got different ones")
        else:
            frame = frame[rows]
    default = type(rows).__name__ == "RangeIndex"
    return frame.to_numpy(), () if default else tuple(str(label) for label in rows)


def _laws(
    payoff: FloatArray, labels: tuple[str, ...], given: dict[str, Any]
) -> tuple[FloatArray, FloatArray | None]:
    """Log probabilities of the reference (uniform if None) and of another law (None if None)."""
    size = len(payoff)
    out: list[FloatArray | None] = []
    for name, law in given.items():
        if law is None:
            out.append(None)
            continue
        if labels and hasattr(getattr(law, "index", None), "is_unique"):
            import pandas as pd

            order = pd.Series(np.arange(size), index=list(labels))
            law = law.set_axis([str(label) for label in law.index])
            law = match_labels({"P": order, name: law})[0][name]
        logs = log_law(name, law)
        if len(logs) != size:
            raise InputError(f"{name} must have one probability per row of P ({size}), got {len(logs)}")
        out.append(logs)
    reference = np.full(size, -math.log(size)) if out[0] is None else out[0]
    return reference, out[1]


# ------------------------------------------------------------------ the iteration


def _normalised(logs: FloatArray) -> FloatArray:
    top = float(logs.max())
    return np.asarray(logs - (top + math.log(float(np.exp(logs - top).sum()))))


def _divergence(log_p: FloatArray, log_q: FloatArray) -> FloatArray:
    """KL(p||q) over the last axis, as a sum of non-negative terms: accurate also where p is close to q."""
    absent = log_p == -np.inf
    terms = scaled_exp_gap(np.where(absent, log_q, log_p), np.where(absent, 0.0, log_q - np.where(absent, 0.0, log_p)))
    return np.asarray(np.where(absent, np.exp(log_q), terms).sum(axis=-1))


def _best_response(game: _Game, preference: FloatArray) -> FloatArray:
    return _normalised(game.log_ref + preference / game.beta)


def _gap(game: _Game, log_policy: FloatArray, preference: FloatArray) -> float:
    return game.beta * float(_divergence(log_policy, _best_response(game, preference)))


def _round(game: _Game, log_policy: FloatArray, preference: FloatArray) -> FloatArray:
    """One round; `preference` is P times the policy."""
    keep = 1.0 / (1.0 + 2.0 * game.beta)
    # 2 beta/(1 + 2 beta), finite for every beta.
    pull = 1.0 / (1.0 + 0.5 / game.beta)
    fixed = keep * log_policy + pull * game.log_ref
    half = _normalised(fixed + 2.0 * keep * preference)
    return _normalised(fixed + 2.0 * keep * (game.payoff @ np.exp(half)))


def _run(game: _Game, limit: int, goal: float | None, report: Any) -> tuple[FloatArray, FloatArray]:
    """All iterates and their exploitability: `limit` rounds, or fewer if a goal is reached."""
    log_policy = game.log_start
    iterates, gaps = [log_policy], []
    for done in range(limit + 1):
        preference = game.payoff @ np.exp(log_policy)
        gaps.append(_gap(game, log_policy, preference))
        if done == limit or (goal is not None and gaps[-1] <= goal):
            break
        log_policy = _round(game, log_policy, preference)
        iterates.append(log_policy)
        if report is not None and done % REPORT_EVERY == 0:
            report(done, limit)
    if report is not None:
        report(limit, limit)
    return np.array(iterates), np.array(gaps)


def _solution(game: _Game, log_policy: FloatArray, most: int) -> tuple[FloatArray, float]:
    """The equilibrium to rounding, and its exploitability."""
    newton = len(log_policy) <= NEWTON_SIZE
    # Without Newton steps rounds alone must reach the accuracy of rounding.
    enough = (1e-12 if newton else 1e-26) * min(game.beta, 1.0)
    attempt = 64
    for done in range(most):
        preference = game.payoff @ np.exp(log_policy)
        gap = _gap(game, log_policy, preference)
        if gap <= enough:
            break
        if newton and done == attempt:
            found, best = _polished(game, log_policy)
            if best <= enough:
                return found, best
            attempt *= 4
        log_policy = _round(game, log_policy, preference)
    return _polished(game, log_policy) if newton else (log_policy, _gap_of(game, log_policy))


def _gap_of(game: _Game, log_policy: FloatArray) -> float:
    return _gap(game, log_policy, game.payoff @ np.exp(log_policy))


def _polished(game: _Game, log_policy: FloatArray) -> tuple[FloatArray, float]:
    """Newton steps for as long as they lower the exploitability."""
    gap = _gap_of(game, log_policy)
    for _ in range(20):
        better = _newton_step(game, log_policy)
        better_gap = _gap_of(game, better)
        if not better_gap < gap:
            break
        log_policy, gap = better, better_gap
    return log_policy, gap


def _newton_step(game: _Game, log_policy: FloatArray) -> FloatArray:
    """Newton's step for x = log of the best response to exp(x)."""
    policy = np.exp(log_policy)
    response = _best_response(game, game.payoff @ policy)
    # d log(response) = (I - 1 b')P d(policy)/beta with b the response, d(policy) = (diag(p) - p p') dx.
    change = game.payoff * policy - np.outer(game.payoff @ policy, policy)
    change -= np.exp(response) @ change
    jacobian = np.eye(len(policy)) - change / game.beta
    try:
        step = np.linalg.solve(jacobian, response - log_policy)
    except np.linalg.LinAlgError:
        return log_policy
    return _normalised(log_policy + step) if np.isfinite(step).all() else log_policy


# ------------------------------------------------------------------ the result


def _divergences(log_solution: FloatArray, log_iterates: FloatArray) -> FloatArray:
    block = max(1_000_000 // len(log_solution), 1)
    starts = range(0, len(log_iterates), block)
    return np.concatenate([_divergence(log_solution, log_iterates[i : i + block]) for i in starts])


def _wrap(
    game: _Game,
    log_iterates: FloatArray,
    gaps: FloatArray,
    log_solution: FloatArray,
    gap: float,
    tol: float,
    fixed: bool,
) -> NashMirrorProx:
    done = len(gaps) - 1
    kl = _divergences(log_solution, log_iterates)
    converged, flags = bool(gaps[-1] <= tol), []
    if not converged:
        flags.append("not_converged")
    if gap > max(tol, 1e-12):
        flags.append("solution_inexact")
    if "solution_inexact" in flags or not (converged or fixed):
        warnings.warn(
            f"after {done} rounds the exploitability is {gaps[-1]:.3g} (tol {tol:g}); more rounds, or a larger beta, "
            "bring it down",
            ConvergenceWarning,
            stacklevel=3,
        )
    final = log_iterates[-1] if fixed else log_solution
    policy, ref = game.full(final), game.full(game.log_ref)
    table = np.zeros((len(game.kept), len(game.kept)))
    table[np.ix_(game.kept, game.kept)] = game.payoff
    win = float(policy @ table @ ref)
    spent = float(_divergence(final, game.log_ref))
    return NashMirrorProx(
        policy=policy,
        iterates=game.full(log_iterates),
        kl=kl,
        exploitability=gaps,
        rate_bound=kl[0] * np.exp(-math.log1p(2.0 * game.beta) * np.arange(done + 1)),
        queries=2 * np.arange(done + 1),
        rounds=done,
        solution=game.full(log_solution),
        solution_exploitability=gap,
        beta=game.beta,
        tol=tol,
        converged=converged,
        win_rate=win,
        kl_reference=spent,
        ref=ref,
        labels=game.labels,
        flags=tuple(flags),
        interpretation=(
            f"After {done} rounds ({2 * done} preference queries) no policy gains more than "
            f"{format_cell(float(gaps[-1]))} against the last iterate. The policy is preferred to the reference with "
            f"probability {format_cell(win)}, at a KL of {format_cell(spent)} nats from it."
        ),
    )
