"""Rényi and Tsallis divergences, cross entropies and the Cauchy-Schwarz divergence.

The Rényi, Tsallis and alpha divergences of an order a share I_a = sum p^a q^(1-a). What is
computed is I_a - 1 = a(a-1) D_alpha, from the cells of the generator table, because it keeps
its digits near P = Q and near the orders 0 and 1; the logarithm of I_a itself is taken (by
log-sum-exp) only where I_a is far from 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import logsumexp

from ..core.validation import FloatArray, check_number
from .generators import generator
from .pairs import Pair
from .probability_tables import Normalize, RowPair, Rows, TableLike, in_base, read_pair
from .table_engine import f_rows

__all__ = ["cauchy_schwarz", "cross_entropy_rows", "renyi", "renyi_cross_entropy", "tsallis"]


def renyi(
    P: TableLike,
    Q: TableLike,
    order: float,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the Rényi divergence log(sum p^a q^(1-a))/(a - 1) of order a.

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    order : float
        Order a >= 0: 0 is -log Q(p > 0), 1 is kl, inf is log max p/q.
    axis : int
        Axis of the categories.
    base : float, optional
        Base of the logarithm.
    normalize : {"check", "yes", "no"}
        As in `kl`; under ``"no"`` the sum is divided by the mass of P (Rényi 1961).
    logits : bool
        P and Q are unnormalised log-probabilities.

    Returns
    -------
    float or ndarray
        Divergence in nats, one per row pair; non-decreasing in the order, may be inf.

    Raises
    ------
    InputError
        If a table is impossible or the order is negative.

    Notes
    -----
    Order 1/2 is -2 log BC, order 2 is log(1 + pearson) (van Erven and Harremoës 2014).

    Examples
    --------
    >>> P, Q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]
    >>> round(renyi(P, Q, 2), 12), round(renyi(P, Q, float("inf")), 12)
    (0.44682029379, 0.916290731874)
    """
    a = _check_order(order)
    pair = read_pair(P, Q, axis=axis, normalize=normalize, logits=logits)
    if normalize != "no" or logits:
        return in_base(_renyi_rows(pair, a), base)
    # D_a(c P || c' Q) = D_a(P || Q) + log(c/c') for every order.
    scaled = RowPair(_scaled(pair.p), _scaled(pair.q), pair.shape)
    p_sums, q_sums = pair.sums
    shift = (np.log(p_sums) - np.log(q_sums)).reshape(pair.shape)
    return in_base(_renyi_rows(scaled, a) + shift, base)


def tsallis(
    P: TableLike,
    Q: TableLike,
    order: float,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the Tsallis divergence (sum p^a q^(1-a) - 1)/(a - 1) of order a.

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    order : float
        Order a >= 0: 0 is 1 - Q(p > 0), 1 is kl; at inf it is 0 for equal rows, inf otherwise.
    axis, base, normalize, logits
        As in `kl`; without normalisation it is a times the generalised alpha divergence.

    Returns
    -------
    float or ndarray
        Divergence in nats, one per row pair; may be inf.

    Raises
    ------
    InputError
        If a table is impossible or the order is negative.

    Notes
    -----
    a times the alpha divergence (Tsallis 1998).

    Examples
    --------
    >>> round(tsallis([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], 2), 10)
    0.5633333333
    """
    a = _check_order(order)
    pair = read_pair(P, Q, axis=axis, normalize=normalize, logits=logits)
    if a == 0.0:
        return in_base(_over_blocks(pair, _mass_outside_support), base)
    if a == math.inf:
        return in_base(np.where(f_rows(generator("tv"), pair) == 0.0, 0.0, np.inf), base)
    return in_base(a * f_rows(generator("alpha", order=a), pair), base)


def _check_order(order: Any) -> float:
    return check_number("order", order, low=0.0, finite=False)


def _scaled(rows: Rows) -> Rows:
    return Rows(rows.name, rows.values / rows.sums[..., None], np.ones_like(rows.sums))


def _renyi_rows(pair: RowPair, a: float) -> FloatArray:
    if a == 1.0:
        return f_rows(generator("kl"), pair)
    if a == math.inf:
        # The largest ratio of two laws is at least 1; rounding may leave it just below.
        return np.maximum(_over_blocks(pair, _log_largest_ratio), 0.0)
    if a == 0.0:
        return _over_blocks(pair, _minus_log_support_mass)
    excess = a * (a - 1.0) * f_rows(generator("alpha", order=a), pair)
    # I_a = 1 + excess; where that overflows or nearly vanishes its logarithm comes from log-sum-exp.
    near = (excess > -0.5) & (excess < np.inf)
    values = np.log1p(np.where(near, excess, 0.0)) / (a - 1.0)
    if not near.all():
        far = np.flatnonzero(~near)
        logs = np.concatenate([_log_power_sum(pair.take(part), a) for part in pair.parts(far)])
        values = np.array(values)
        values.reshape(-1)[far] = logs / (a - 1.0)
    return np.asarray(values)


def _log_power_sum(block: Pair, a: float) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        exponents = a * block.log_p + (1.0 - a) * block.log_q
    no_p, no_q = block.p_is_zero, block.q_is_zero
    exponents = np.where(no_p | (no_q if a < 1.0 else False), -np.inf, exponents)
    return _logsumexp(np.where(no_q & ~no_p & (a > 1.0), np.inf, exponents))


def _logsumexp(exponents: FloatArray) -> FloatArray:
    # scipy warns about rows of -inf only and about sums with +inf; both are values here.
    with np.errstate(all="ignore"):
        return np.asarray(logsumexp(exponents, axis=-1))


def _log_largest_ratio(block: Pair) -> FloatArray:
    with np.errstate(all="ignore"):
        ratios = np.where(block.p_is_zero, -np.inf, block.log_ratio)
    return np.asarray(np.where(block.q_is_zero & ~block.p_is_zero, np.inf, ratios).max(axis=-1))


def _mass_outside_support(block: Pair) -> FloatArray:
    return np.asarray(np.where(block.p_is_zero, block.q, 0.0).sum(axis=-1))


def _minus_log_support_mass(block: Pair) -> FloatArray:
    # From the smaller of the two masses, inside or outside the support of P.
    outside = _mass_outside_support(block)
    inside = _logsumexp(np.where(block.p_is_zero, -np.inf, block.log_q))
    return np.abs(np.where(outside < 0.5, np.log1p(-np.minimum(outside, 0.5)), inside))


def _over_blocks(pair: RowPair, function: Callable[[Pair], FloatArray]) -> FloatArray:
    values = np.empty(pair.n_rows)
    for rows, block in pair.blocks():
        values[rows] = function(block)
    return values.reshape(pair.shape)


def renyi_cross_entropy(
    P: TableLike,
    Q: TableLike,
    order: float,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the Rényi cross entropy log(sum p q^(a-1))/(1 - a) of order a.

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    order : float
        Order a >= 0: 1 is the cross entropy -sum p log q, inf is -log max q where p > 0.
    axis, base, normalize, logits
        As in `kl`.

    Returns
    -------
    float or ndarray
        Nats, one per row pair; the Rényi entropy where P = Q, may be inf.

    Raises
    ------
    InputError
        If a table is impossible or the order is negative.

    Notes
    -----
    Not the sum of the Rényi entropy and the Rényi divergence, which other authors call by the
    same name.

    Examples
    --------
    >>> P, Q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]
    >>> round(renyi_cross_entropy(P, Q, 0.5), 12), round(renyi_cross_entropy(P, Q, 1), 12)
    (1.291530798895, 1.25345767125)
    """
    a = _check_order(order)
    pair = read_pair(P, Q, axis=axis, normalize=normalize, logits=logits)
    return in_base(cross_entropy_rows(pair, a, exact_mass=normalize != "no" or logits), base)


def cross_entropy_rows(pair: RowPair, a: float, *, exact_mass: bool) -> FloatArray:
    """Return the Rényi cross entropy of order a of every row pair, nats.

    Parameters
    ----------
    pair : RowPair
        Checked tables.
    a : float
        Order, from 0 to inf.
    exact_mass : bool
        P sums to one, so that log(sum p q^(a-1)) may be formed from sum p (q^(a-1) - 1).

    Returns
    -------
    ndarray of shape pair.shape
        Cross entropies.
    """
    return _over_blocks(pair, lambda block: _cross_entropy(block, a, exact_mass))


def _cross_entropy(block: Pair, a: float, exact_mass: bool) -> FloatArray:
    no_p = block.p_is_zero
    log_q = np.where(no_p, 0.0, block.log_q)
    with np.errstate(all="ignore"):
        if a == 1.0:
            return np.asarray(np.where(no_p, 0.0, -block.p * log_q).sum(axis=-1)) + 0.0
        if a == math.inf:
            return np.asarray(-np.where(no_p, -np.inf, log_q).max(axis=-1)) + 0.0
        excess = np.where(no_p, 0.0, block.p * np.expm1((a - 1.0) * log_q)).sum(axis=-1)
        far = _logsumexp(np.where(no_p, -np.inf, block.log_p + (a - 1.0) * log_q))
        near = (np.abs(excess) < 0.5) & exact_mass
        return np.where(near, np.log1p(np.where(near, excess, 0.0)), far) / (1.0 - a) + 0.0


def cauchy_schwarz(
    P: TableLike,
    Q: TableLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the Cauchy-Schwarz divergence -log[(sum p q)^2/(sum p^2 sum q^2)].

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    axis, base, normalize, logits
        As in `kl`; the divergence does not depend on the mass of either argument.

    Returns
    -------
    float or ndarray
        Divergence in nats; 0 for proportional rows, inf for disjoint ones.

    Raises
    ------
    InputError
        If a table is impossible.

    Notes
    -----
    Symmetric, but no f-divergence: merging cells can increase it. P = (0, 0, 1) and
    Q = (.4, .5, .1) have 3.737670, and 4.406719 after merging the first two cells. Some authors
    omit the square and report half of this (Principe 2010).

    Examples
    --------
    >>> round(cauchy_schwarz([0.5, 0.3, 0.2], [0.2, 0.5, 0.3]), 12)
    0.407197910482
    """
    pair = read_pair(P, Q, axis=axis, normalize=normalize, logits=logits)
    if normalize == "no" and not logits:
        pair = RowPair(_scaled(pair.p), _scaled(pair.q), pair.shape)
    return in_base(_over_blocks(pair, _cauchy_schwarz_rows), base)


def _cauchy_schwarz_rows(block: Pair) -> FloatArray:
    p, q = np.broadcast_arrays(block.p, block.q)
    with np.errstate(all="ignore"):
        pp, qq, pq = (np.vecdot(x, y) for x, y in ((p, p), (q, q), (p, q)))
        cosine = (pq / pp) * (pq / qq)  # squared
        values = np.abs(np.log(cosine))
    near = np.flatnonzero(cosine > 0.5)
    if near.size:
        # The squared sine as a sum of squares: p - q without its component along p, over |q|.
        difference = np.broadcast_to(block.difference, p.shape)[near]
        along = np.vecdot(p[near], difference) / pp[near]
        across = difference - along[:, None] * p[near]
        values[near] = -np.log1p(-np.vecdot(across, across) / qq[near])
    # Products below the range of normal doubles have lost digits, or everything.
    lost = np.flatnonzero(~(np.minimum(pq, np.minimum(pp, qq)) > 1e-290))
    if lost.size:
        log_p, log_q = np.broadcast_arrays(block.log_p, block.log_q)
        log_p, log_q = log_p[lost], log_q[lost]
        own = _logsumexp(2.0 * log_p) + _logsumexp(2.0 * log_q)
        values[lost] = own - 2.0 * _logsumexp(log_p + log_q)
    return np.asarray(values)
