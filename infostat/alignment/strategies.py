"""Policies over strategies: how often k attempts contain one that solves the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.validation import FloatArray, as_float_array, as_items, check_choice, check_number, short
from .f_curves import KINDS, as_curve
from .f_optima import f_optimum, optimum_at_reward
from .f_results import FOptimum, StrategyComparison
from .laws import as_law, one_of
from .named_laws import log_law

__all__ = ["pass_at_k_by_divergence", "strategy_pass_at_k"]


def strategy_pass_at_k(solves: Any, q: Any, k: Any) -> Any:
    """Return the mean over prompts of the probability that one of k attempts succeeds.

    Parameters
    ----------
    solves : array_like of shape (n_strategies, n_prompts) or DataFrame
        1 (or True) where a strategy solves a prompt, else 0.
    q : array_like of shape (n_strategies,) or Series
        Probabilities of the strategies. A Series and a frame with the same labels are matched by label.
    k : int or array_like of int
        Number of attempts, at least 1.

    Returns
    -------
    float or ndarray of the shape of k
        pass@k.

    Raises
    ------
    InputError
        If an entry is not 0 or 1, shapes do not fit, `q` is not a probability vector or a k is below one.
    InputTypeError
        If something is not numeric or a k is not whole.

    Notes
    -----
    ``mean_x 1 - (1 - q(S_x))^k`` with S_x the strategies that solve x. The failing mass is summed on its
    own where it is the smaller one, and the power is taken in logarithms, so that rare successes and rare
    failures both keep their digits.

    Examples
    --------
    >>> solves = [[1, 1, 0], [0, 0, 1]]
    >>> round(strategy_pass_at_k(solves, [0.8, 0.2], 2), 12)
    0.76
    >>> strategy_pass_at_k(solves, [0.8, 0.2], [1, 2, 4]).round(6)
    array([0.6   , 0.76  , 0.8624])
    """
    table, labels = _solving(solves)
    given = q.loc[labels] if labels is not None and _same_labels(q, labels) else q
    log_q = log_law("q", given)
    if len(log_q) != len(table):
        raise InputError(f"q must have one entry per strategy ({len(table)}), got {len(log_q)}")
    counts = _attempts(k)
    values = _pass(table, np.exp(log_q), counts.reshape(-1)).reshape(counts.shape)
    return float(values) if counts.ndim == 0 else values


def pass_at_k_by_divergence(
    p: Any,
    solves: Any,
    *,
    kinds: Sequence[str] = ("kl", "reverse_kl", "js", "hellinger", "pearson"),
    k: ArrayLike = (1, 2, 4, 8, 16, 32),
    beta: float | None = None,
    reward: float | None = None,
) -> StrategyComparison:
    """Compare pass@k of the optimal policies under several divergences.

    Parameters
    ----------
    p : array_like of shape (n_strategies,) or Series
        Reference probabilities of the strategies.
    solves : array_like of shape (n_strategies, n_prompts) or DataFrame
        1 (or True) where a strategy solves a prompt, else 0; its row means are the rewards.
    kinds : sequence of str
        Divergences, as in `f_optimum` without ``alpha``.
    k : array_like of int of shape (m,)
        Numbers of attempts.
    beta : float, optional
        One price for all divergences, each on the scale of the generator table.
    reward : float, optional
        One mean reward (pass@1) for all divergences in place of `beta`.

    Returns
    -------
    StrategyComparison
        ``kinds k pass_at_k reference beta reward divergence kl q``.

    Raises
    ------
    InputError
        If the tables do not fit, both or neither of `beta` and `reward` are given, or no optimum
        has the reward.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    With a binary reward on one prompt every optimum has two levels, so that at equal pass@1 all divergences
    give the same law. With several prompts which divergence keeps most of pass@k depends on k, on how close
    to the best accuracy the policies are, and on whether beta or the reward is held equal: compare both
    before concluding (derived and checked in this project).

    Examples
    --------
    >>> solves = [[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]]
    >>> found = pass_at_k_by_divergence([0.3, 0.4, 0.3], solves, kinds=("kl", "reverse_kl"), k=[1, 8], reward=0.6)
    >>> found.pass_at_k.round(6)
    array([[0.6     , 0.915254],
           [0.6     , 0.928962]])
    """
    chosen = as_items("kinds", kinds, "a sequence of kinds of divergence")
    names = tuple(check_choice("kinds", kind, [name for name in KINDS if name != "alpha"]) for kind in chosen)
    if not names:
        raise InputError("kinds must name at least one divergence, got none")
    one_of("beta", beta, "reward", reward)
    table, labels = _solving(solves)
    given = p.loc[labels] if labels is not None and _same_labels(p, labels) else p
    rewards = table.mean(axis=1)
    law = as_law(given, rewards)
    counts = np.atleast_1d(_attempts(k)).reshape(-1)
    if beta is not None:
        found = [f_optimum(None, rewards, logp=law.log_p, beta=beta, kind=kind) for kind in names]
    else:
        target = check_number("reward", reward)
        found = [optimum_at_reward(law, target, as_curve(kind)) for kind in names]
    passes = np.array([_pass(table, best.q, counts) for best in found])
    return StrategyComparison(
        kinds=names,
        k=counts,
        pass_at_k=passes,
        reference=_pass(table, law.p, counts),
        beta=np.array([best.beta for best in found]),
        reward=np.array([best.reward for best in found]),
        divergence=np.array([best.divergence for best in found]),
        kl=np.array([best.kl for best in found]),
        q=np.array([best.q for best in found]),
        p=law.p,
        matched="beta" if beta is not None else "reward",
        labels=law.labels or tuple(map(str, labels if labels is not None else ())),
        interpretation=_sentence(names, counts, passes, found, beta is not None),
    )


def _solving(solves: Any) -> tuple[FloatArray, Any]:
    """The table as floats, and its row labels if it has other ones than positions."""
    index = getattr(solves, "index", None)
    labels = index if hasattr(index, "is_unique") and type(index).__name__ != "RangeIndex" else None
    table = as_float_array("solves", solves, ndim=2)
    wrong = int(((table != 0.0) & (table != 1.0)).sum())
    if wrong or not table.size:
        raise InputError(
            describe("solves", "a table of 0 and 1 (strategies x prompts)", Words(f"{wrong} other entries"))
            if wrong
            else f"solves must not be empty, got shape {table.shape}"
        )
    return table, labels


def _same_labels(q: Any, labels: Any) -> bool:
    index: Any = getattr(q, "index", None)
    if not hasattr(index, "is_unique") or type(index).__name__ == "RangeIndex":
        return False
    if not (index.is_unique and labels.is_unique and len(index) == len(labels) and index.isin(labels).all()):
        raise InputError("the probabilities and solves must have the same labels, got indexes that differ")
    return True


def _attempts(k: Any) -> NDArray[np.float64]:
    counts = as_float_array("k", k)
    if counts.size and (counts != np.floor(counts)).any():
        raise InputTypeError(describe("k", "whole numbers >= 1", short(k)))
    if not counts.size or (counts < 1.0).any() or (counts > 1e300).any():
        raise InputError(describe("k", "whole numbers from 1 to 1e300", short(k)))
    return counts


def _pass(table: FloatArray, q: FloatArray, k: FloatArray) -> FloatArray:
    """pass@k, mean over prompts."""
    solving, failing = q @ table, q @ (1.0 - table)
    with np.errstate(divide="ignore"):
        # q may miss a sum of one by rounding: the smaller of the two masses is the one to trust.
        log_fail = np.where(failing < 0.5, np.log(np.minimum(failing, 1.0)), np.log1p(-np.minimum(solving, 1.0)))
    return np.asarray(np.mean(-np.expm1(np.multiply.outer(k, log_fail)), axis=-1))


def _sentence(
    names: tuple[str, ...], k: FloatArray, passes: FloatArray, found: list[FOptimum], equal_beta: bool
) -> str:
    last = int(np.argmax(k))
    best = names[int(np.argmax(passes[:, last]))]
    held = f"beta ({found[0].beta:.4g})" if equal_beta else f"mean reward ({found[0].reward:.4g})"
    return (
        f"At equal {held} {best} has the largest pass@{int(k[last])}, {passes[:, last].max():.4g}. The order depends "
        "on k and on whether beta or the reward is held equal: compare both."
    )
