"""Losses on the scale of the generator table: preference pairs, and distance from a target policy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.validation import FloatArray, as_float_array, check_flag, check_number
from ..divergences.probability_tables import TableLike, read_pair, read_rows
from ..divergences.table_rows import Rows
from .f_curves import Curve, as_curve
from .loss_results import FDPOLoss, FPseudoReward

__all__ = ["f_dpo_loss", "f_pseudo_reward"]

# e^x is finite up to here.
_OVERFLOW = 700.0


def f_dpo_loss(
    logp_w: ArrayLike,
    logp_l: ArrayLike,
    logref_w: ArrayLike,
    logref_l: ArrayLike,
    *,
    beta: float,
    kind: str = "kl",
    order: float | None = None,
) -> FDPOLoss:
    """Return the loss of preference pairs for a policy regularised by an f-divergence.

    Parameters
    ----------
    logp_w, logp_l : array_like of shape (n,)
        Log probabilities under the policy of the preferred and of the other answer, nats.
    logref_w, logref_l : array_like of shape (n,)
        The same under the reference.
    beta : float
        Coefficient of the divergence, positive.
    kind : str
        ``kl reverse_kl jeffreys js neyman hellinger chi2kl``, or ``alpha`` of order at most 1.
    order : float, optional
        Order of ``alpha``.

    Returns
    -------
    FDPOLoss
        ``margin loss value accuracy``; ``float()`` gives the mean loss.

    Raises
    ------
    InputError
        If a log probability is not finite, shapes differ, `beta` is not positive, or the
        divergence truncates (``pearson le_cam tv``, ``alpha`` of order above 1).
    InputTypeError
        If something is not numeric.

    Notes
    -----
    The pair loss is ``-log sigmoid(beta (f'(u_w) - f'(u_l)))`` with u = policy/reference, that is DPO for
    f-divergences (arXiv 2309.16240); ``kl`` is DPO itself. Margins are computed from the two log ratios as
    one difference, so that they are never NaN and keep their digits where the log ratios
    agree. On the scale of `infostat.divergences.generator` ``js`` and ``hellinger`` at 2 beta
    are what twice these divergences give at beta. A truncating divergence is refused: f'(0) is finite
    there, so that an optimal policy can leave answers out and the policy no longer determines the reward.

    Examples
    --------
    >>> pairs = f_dpo_loss([-1.0, -2.0], [-1.5, -1.0], [-1.2, -1.8], [-1.2, -1.8], beta=0.5)
    >>> pairs.margin, round(pairs.value, 12)
    (array([ 0.25, -0.5 ]), 0.775008202029)
    >>> f_dpo_loss([0.0], [-1000.0], [0.0], [0.0], beta=0.1, kind="js").margin.round(9)
    array([49.96534264])
    """
    curve = as_curve(kind, order)
    _refuse_truncation(curve)
    price = check_number("beta", beta, low=0.0, open_low=True)
    names = ("logp_w", "logp_l", "logref_w", "logref_l")
    given = (logp_w, logp_l, logref_w, logref_l)
    w, low, ref_w, ref_l = (as_float_array(name, value) for name, value in zip(names, given, strict=True))
    shapes = {np.shape(v) for v in (w, low, ref_w, ref_l)}
    if len(shapes) > 1 or not w.size:
        listed = ", ".join(f"{name} {np.shape(v)}" for name, v in zip(names, (w, low, ref_w, ref_l), strict=True))
        raise InputError(f"all log probabilities must have one shape and not be empty, got {listed}")
    ratio_w, ratio_l = w - ref_w, low - ref_l
    with np.errstate(over="ignore"):
        margin = np.asarray(price * _slope_difference(curve, ratio_w, ratio_l))
        loss = np.asarray(np.logaddexp(0.0, -margin))
    accuracy = float(np.mean(np.where(margin == 0.0, 0.5, margin > 0.0)))
    value = float(np.mean(loss))
    return FDPOLoss(
        margin=margin,
        loss=loss,
        value=value,
        accuracy=accuracy,
        beta=price,
        kind=curve.kind,
        order=curve.order,
        log_ratio_w=ratio_w,
        log_ratio_l=ratio_l,
        flags=() if np.isfinite(margin).all() else ("overflow",),
        interpretation=(
            f"The implicit reward ranks {100.0 * accuracy:.3g} % of the pairs rightly; the mean loss is "
            f"{value:.4g} nats, that of a policy equal to the reference {math.log(2.0):.4g}."
        ),
    )


def f_pseudo_reward(
    policy: TableLike,
    target: TableLike,
    kind: str = "kl",
    *,
    order: float | None = None,
    logits: bool = False,
) -> FPseudoReward:
    """Return the pseudo-reward that moves a policy towards a target under an f-divergence.

    Parameters
    ----------
    policy : array_like of shape (k,) or (n, k)
        Probabilities of the policy, one policy a row.
    target : array_like of shape (k,) or (n, k)
        Probabilities of the target; for ``kl`` also unnormalised masses.
    kind : str
        ``kl reverse_kl jeffreys js alpha pearson neyman hellinger le_cam tv chi2kl``.
    order : float, optional
        Order of ``alpha``.
    logits : bool
        The numbers are logits: rows go through log-softmax, target included.

    Returns
    -------
    FPseudoReward
        ``pseudo_reward gradient divergence``.

    Raises
    ------
    InputError
        If a row does not sum to one, or the gradient is infinite: a policy with mass where the target has
        none and f'(inf) is infinite, or the other way round with ``neyman`` or ``alpha`` of negative order.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    The gradient of D_f(pi || target) is ``E_pi f'(pi/target) grad log pi`` (arXiv 2302.08215): descending
    it is a policy gradient with reward ``-f'(pi/target)``, in softmax logits ``pi (v - E_pi v)`` with v = f'.
    ``kl`` with target ``p e^(r/beta)`` is the KL-regularised objective, for which the normalisation does not
    matter; ``reverse_kl`` gives ``pi - target``. Scales are those of `infostat.divergences.generator`.

    Examples
    --------
    >>> found = f_pseudo_reward([0.5, 0.5], [0.2, 0.8], "reverse_kl")
    >>> found.pseudo_reward, found.gradient
    (array([-0.6,  0.6]), array([ 0.3, -0.3]))
    """
    curve = as_curve(kind, order)
    is_logits = check_flag("logits", logits)
    free = curve.kind == "kl"
    checked = read_rows("policy", policy, logits=is_logits)
    pair = read_pair(
        policy, target, normalize="no" if free else "check", logits=is_logits, names=("policy", "target")
    )
    pi, goal = np.broadcast_arrays(_logs(checked), _logs(pair.q, normalize=not free))
    if pi.ndim > 2 or not pi.size:
        raise InputError(f"policy and target must be vectors or at least one row of them, got shape {pi.shape}")
    _refuse_infinite(curve, pi, goal)
    log_ratio = _log_ratio(pi, goal)
    slope = curve.slope(log_ratio)
    weighted = _weighted_slope(curve, pi, goal, log_ratio, slope)
    q = np.exp(pi)
    divergence = _divergence(curve, pi, goal, log_ratio, weighted)
    return FPseudoReward(
        pseudo_reward=-slope,
        gradient=_centred(weighted, q),
        divergence=float(divergence) if divergence.ndim == 0 else divergence,
        kind=curve.kind,
        order=curve.order,
        policy=q,
        target=np.exp(goal),
        interpretation=(
            "Outcomes of large pseudo-reward are too rare under the policy; the gradient is zero when the policy "
            "equals the target."
        ),
    )


def _refuse_truncation(curve: Curve) -> None:
    if curve.df0 == -math.inf:
        return
    name = curve.kind if curve.order is None else f"{curve.kind} of order {curve.order:g}"
    raise InputError(
        f"kind must have f'(0) = -inf, got {name}: its optima leave answers out, so that a policy does not determine "
        "the reward; take 'chi2kl' or 'alpha' of order at most 1"
    )


def _slope_difference(curve: Curve, w: FloatArray, low: FloatArray) -> FloatArray:
    """f'(e^w) - f'(e^low), as one difference."""
    if curve.kind == "js":
        gap = np.abs(w - low)
        near = np.sign(w - low) * np.log1p(np.expm1(np.minimum(gap, 1.0)) / (1.0 + np.exp(np.maximum(w, low))))
        return 0.5 * np.where(gap < 1.0, near, np.logaddexp(0.0, -low) - np.logaddexp(0.0, -w))
    return np.asarray(sum(scale * _power_difference(w, low, c) for scale, c in curve.terms))


def _power_difference(w: FloatArray, low: FloatArray, c: float) -> FloatArray:
    """(e^(c w) - e^(c low))/c."""
    if c == 0.0:
        return np.asarray(w - low)
    largest = np.maximum(c * w, c * low)
    size = -np.expm1(-np.abs(c * (w - low)))
    with np.errstate(divide="ignore"):
        return np.asarray(np.sign(w - low) * np.exp(largest + np.log(size) - math.log(abs(c))))


def _logs(rows: Rows, normalize: bool = True) -> FloatArray:
    """Log probabilities; sums that miss one by the accepted tolerance are divided out."""
    logs = rows.log_masses
    return np.asarray(logs - np.log(rows.sums)[..., None]) if normalize and not rows.logs else logs


def _refuse_infinite(curve: Curve, pi: FloatArray, goal: FloatArray) -> None:
    outside = (goal == -np.inf) & (pi > -np.inf)
    if curve.df_inf == math.inf and outside.any():
        raise InputError(
            f"target must be positive wherever the policy is for kind={curve.kind!r}, got {int(outside.sum())} zeros: "
            "the divergence is infinite and has no gradient; take 'reverse_kl', 'js' or 'hellinger'"
        )
    missing = (pi == -np.inf) & (goal > -np.inf)
    if _limit_of_product(curve) == -math.inf and missing.any():
        raise InputError(
            f"policy must be positive wherever the target is for kind={curve.kind!r}, got {int(missing.sum())} zeros: "
            "the gradient is infinite there; pass logits=True with the logits of the policy, or take another kind"
        )


def _limit_of_product(curve: Curve) -> float:
    """lim u f'(u) as u falls to 0."""
    lowest = min((c for _, c in curve.terms), default=0.0)
    return 0.0 if lowest > -1.0 else (-1.0 if lowest == -1.0 else -math.inf)


def _log_ratio(pi: FloatArray, goal: FloatArray) -> FloatArray:
    neither = (pi == -np.inf) & (goal == -np.inf)
    with np.errstate(invalid="ignore"):
        return np.where(neither, 0.0, pi - goal)


def _weighted_slope(
    curve: Curve, pi: FloatArray, goal: FloatArray, log_ratio: FloatArray, slope: FloatArray
) -> FloatArray:
    """pi f'(pi/target), also where f' overflows or pi is zero."""
    zero = pi == -np.inf
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.exp(pi) * slope
        for scale, c in curve.terms:
            # e^(c l) alone would overflow; its product with pi need not.
            far = (c * log_ratio > _OVERFLOW) & ~zero
            found = np.where(far, np.exp(pi + c * log_ratio) * (scale / c if c else scale), found)
        limit = _limit_of_product(curve)
        return np.where(zero, limit * np.exp(goal) if limit else 0.0, found)


def _centred(weighted: FloatArray, q: FloatArray) -> FloatArray:
    """Gradient pi (v - E v) from pi v; infinite where it exceeds the range of floats, never NaN."""
    mean = weighted.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(weighted - np.where(q == 0.0, 0.0, q * mean))


def _divergence(
    curve: Curve, pi: FloatArray, goal: FloatArray, log_ratio: FloatArray, weighted: FloatArray
) -> FloatArray:
    if curve.kind == "kl":
        return np.asarray(weighted.sum(axis=-1))
    rows = [
        curve.divergence(*row)
        for row in zip(*(v.reshape(-1, v.shape[-1]) for v in (goal, log_ratio, pi)), strict=True)
    ]
    return np.array(rows).reshape(pi.shape[:-1])
