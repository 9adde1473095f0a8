"""Gibbs sampling of a tilted product law: one column at a time, many chains.

The law is ``prod_j b_j(x_j) exp(theta . xi(x))`` with monomials as statistics, so the
conditional of a column is its base times the exponential of a polynomial. Three kinds of
columns: a slice sampler where ``log b`` has the closed form of
:mod:`infostat.families.base_columns`, an exact draw from finitely many levels, and for any
other law a choice among the present value and a few fresh draws of the base, weighted by the
tilt (all of them equally likely under the base, so that the choice leaves the conditional
unchanged).

Random numbers come from one SplitMix64 stream per chain (Steele, Lea and Flood, 2014). A chain
consumes its own stream in its own order, so the loops and the NumPy twin, which moves all
chains at once, draw the same numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["LEVELS", "POOL", "SLICE", "Structure", "run_chains", "run_chains_numpy"]

SLICE, LEVELS, POOL = 0, 1, 2
_MAX_STEPS = 50  # of stepping out; the sampler stays exact when the limit is hit
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53

IntArray = NDArray[np.int64]


class Structure(NamedTuple):
    """Arrays that describe columns and statistics to the kernel.

    Attributes
    ----------
    kinds : ndarray of shape (d,)
        0 slice, 1 levels, 2 pool.
    laws : ndarray of shape (d, 7)
        Slice forms (zeros for other kinds).
    level_start : ndarray of shape (d + 1,)
        Where the levels of each column begin.
    levels, level_logs : ndarray
        Levels of all columns with their log weights.
    pool_index : ndarray of shape (d,)
        Position of a pool column in the pool array.
    entry_start : ndarray of shape (d + 1,)
        Where the statistics that hold a column begin in the next arrays.
    entry_theta : ndarray
        Which statistic.
    entry_power : ndarray
        Power of the column in it.
    factor_start : ndarray
        Where the other factors of an entry begin.
    factors : ndarray
        Column indices of the other factors, repeated for powers.
    """

    kinds: IntArray
    laws: FloatArray
    level_start: IntArray
    levels: FloatArray
    level_logs: FloatArray
    pool_index: IntArray
    entry_start: IntArray
    entry_theta: IntArray
    entry_power: IntArray
    factor_start: IntArray
    factors: IntArray


# ------------------------------------------------------------------ small parts
def uniform_bits_numpy(state: Any) -> Any:
    """Return uniforms in (0, 1) from SplitMix64 states (plain NumPy).

    Parameters
    ----------
    state
        As in `uniform_bits`, for all chains at once: one more axis, the last, runs over them.

    Returns
    -------
    float
        As of `uniform_bits`.
    """
    z = (state ^ (state >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return ((z >> _S11).astype(np.float64) + 0.5) * _UNIT


@kernel(twin=uniform_bits_numpy)
def uniform_bits(state: Any) -> Any:
    """Return a uniform in (0, 1) from a SplitMix64 state.

    Parameters
    ----------
    state : uint64
        SplitMix64 state of a chain.

    Returns
    -------
    float
        In (0, 1).
    """
    z = (state ^ (state >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return (np.float64(z >> _S11) + 0.5) * _UNIT


def tilt_value_numpy(v: Any, coef: Any) -> Any:
    """Return ``sum_m coef_m v^m`` for m >= 1 by Horner's rule (plain NumPy, first axis of coef).

    Parameters
    ----------
    v, coef
        As in `tilt_value`, for all chains at once: one more axis, the last, runs over them.

    Returns
    -------
    float
        As of `tilt_value`.
    """
    total = np.zeros_like(v)
    for m in range(len(coef) - 1, 0, -1):
        total = (total + coef[m]) * v
    return total


@kernel(twin=tilt_value_numpy)
def tilt_value(v: Any, coef: Any) -> Any:
    """Return ``sum_m coef_m v^m`` for m >= 1 by Horner's rule.

    Parameters
    ----------
    v : float
        Value of the column.
    coef : ndarray of shape (degree + 1,)
        Coefficient of ``v^m`` at place m; place 0 is not used.

    Returns
    -------
    float
        Nats.
    """
    total = 0.0
    for m in range(coef.shape[0] - 1, 0, -1):
        total = (total + coef[m]) * v
    return total


def law_value_numpy(v: Any, law: Any, coef: Any) -> Any:
    """Return the log conditional of a slice column up to a constant (plain NumPy).

    Parameters
    ----------
    v, law, coef
        As in `law_value`, for all chains at once: one more axis, the last, runs over them.

    Returns
    -------
    float
        As of `law_value`.
    """
    inside = (v > law[4]) & (v < law[5])
    safe = np.where(inside, v, np.nan)
    total = tilt_value_numpy(safe, coef) + (law[2] + law[3] * safe) * safe
    if law[0] != 0.0:
        total = total + law[0] * np.log(safe - law[4])
    if law[1] != 0.0:
        total = total + law[1] * np.log(law[5] - safe)
    return np.where(inside, total, -np.inf)


@kernel(twin=law_value_numpy)
def law_value(v: Any, law: Any, coef: Any) -> Any:
    """Return the log conditional of a slice column up to a constant, -inf outside the open support.

    Parameters
    ----------
    v : float
        Value of the column.
    law : ndarray of shape (7,)
        Base of the column on ``(low, high) = law[4], law[5]``: its log density is
        ``law[0] log(v - low) + law[1] log(high - v) + law[2] v + law[3] v^2``; law[6] is the step of the sampler.
    coef : ndarray of shape (degree + 1,)
        Coefficient of ``v^m`` at place m; place 0 is not used.

    Returns
    -------
    float
        Nats, up to a constant.
    """
    if not (v > law[4] and v < law[5]):
        return -np.inf
    total = tilt_value(v, coef) + (law[2] + law[3] * v) * v
    if law[0] != 0.0:
        total = total + law[0] * np.log(v - law[4])
    if law[1] != 0.0:
        total = total + law[1] * np.log(law[5] - v)
    return total


def fill_coefficients_numpy(x: Any, theta: Any, structure: Any, j: Any, coef: Any) -> None:
    """Write the polynomial that tilts column j given the others (plain NumPy, chains on the last axis).

    Parameters
    ----------
    x, theta, structure, j, coef
        As in `fill_coefficients`, for all chains at once: one more axis, the last, runs over them.
    """
    coef[:] = 0.0
    for e in range(structure.entry_start[j], structure.entry_start[j + 1]):
        value = theta[structure.entry_theta[e]]
        for f in range(structure.factor_start[e], structure.factor_start[e + 1]):
            value = value * x[structure.factors[f]]
        coef[structure.entry_power[e]] += value


@kernel(twin=fill_coefficients_numpy)
def fill_coefficients(x: Any, theta: Any, structure: Any, j: Any, coef: Any) -> Any:
    """Write the polynomial that tilts column j given the others.

    Parameters
    ----------
    x : ndarray of shape (d,)
        State of the chain.
    theta : ndarray of shape (p,)
        Natural parameter.
    structure : Structure
        Columns, bases and monomials of the model, as arrays.
    j : int
        Column.
    coef : ndarray of shape (degree + 1,)
        Coefficient of ``v^m`` at place m; place 0 is not used.
    """
    coef[:] = 0.0
    for e in range(structure.entry_start[j], structure.entry_start[j + 1]):
        value = theta[structure.entry_theta[e]]
        for f in range(structure.factor_start[e], structure.factor_start[e + 1]):
            value = value * x[structure.factors[f]]
        coef[structure.entry_power[e]] += value


# ------------------------------------------------------------------ one column
def slice_column_numpy(here: Any, stream: Any, law: Any, coef: Any) -> Any:
    """Return the updated column of all chains and their streams (plain NumPy).

    Parameters
    ----------
    here, stream, law, coef
        As in `slice_column`, for all chains at once: one more axis, the last, runs over them.

    Returns
    -------
    tuple
        As of `slice_column`.
    """
    stream, everyone = stream.copy(), np.arange(len(here))

    def draw(who: Any) -> Any:
        stream[who] += _GOLDEN
        return uniform_bits_numpy(stream[who])

    level = law_value_numpy(here, law, coef) + np.log(draw(everyone))
    left = here - law[6] * draw(everyone)
    right = left + law[6]
    to_left = np.floor(_MAX_STEPS * draw(everyone))
    for edge, budget, step in ((left, to_left, -law[6]), (right, _MAX_STEPS - 1 - to_left, law[6])):
        who = everyone
        while who.size:
            who = who[(budget[who] > 0) & (law_value_numpy(edge[who], law, coef[:, who]) > level[who])]
            edge[who] += step
            budget[who] -= 1
    left, right = np.maximum(left, law[4]), np.minimum(right, law[5])
    found, who = here.copy(), everyone
    while who.size:
        proposal = left[who] + draw(who) * (right[who] - left[who])
        accepted = law_value_numpy(proposal, law, coef[:, who]) >= level[who]
        found[who[accepted]] = proposal[accepted]
        below = proposal < here[who]
        left[who] = np.where(below & ~accepted, proposal, left[who])
        right[who] = np.where(~below & ~accepted, proposal, right[who])
        who = who[~accepted & (left[who] < right[who])]
    return found, stream


@kernel(twin=slice_column_numpy)
def slice_column(here: Any, stream: Any, law: Any, coef: Any) -> Any:
    """Return the updated column and the stream: stepping out, then shrinking (Neal, 2003).

    Parameters
    ----------
    here : float
        Present value of the column.
    stream : uint64
        SplitMix64 state of the chain.
    law : ndarray of shape (7,)
        Base of the column on ``(low, high) = law[4], law[5]``: its log density is
        ``law[0] log(v - low) + law[1] log(high - v) + law[2] v + law[3] v^2``; law[6] is the step of the sampler.
    coef : ndarray of shape (degree + 1,)
        Coefficient of ``v^m`` at place m; place 0 is not used.

    Returns
    -------
    tuple
        New value, new random state.
    """
    stream += _GOLDEN
    level = law_value(here, law, coef) + np.log(uniform_bits(stream))
    stream += _GOLDEN
    left = here - law[6] * uniform_bits(stream)
    right = left + law[6]
    stream += _GOLDEN
    to_left = np.floor(_MAX_STEPS * uniform_bits(stream))
    to_right = _MAX_STEPS - 1 - to_left
    while to_left > 0 and law_value(left, law, coef) > level:
        left -= law[6]
        to_left -= 1
    while to_right > 0 and law_value(right, law, coef) > level:
        right += law[6]
        to_right -= 1
    left = max(left, law[4])
    right = min(right, law[5])
    while left < right:
        stream += _GOLDEN
        proposal = left + uniform_bits(stream) * (right - left)
        if law_value(proposal, law, coef) >= level:
            return proposal, stream
        if proposal < here:
            left = proposal
        else:
            right = proposal
    # A bracket without a float inside is the present value itself.
    return here, stream


def choose_numpy(values: Any, logs: Any, stream: Any, coef: Any) -> Any:
    """Return the position of the chosen value in all chains and their streams (plain NumPy).

    Parameters
    ----------
    values, logs, stream, coef
        As in `choose`, for all chains at once: one more axis, the last, runs over them.

    Returns
    -------
    tuple
        As of `choose`.
    """
    weights = tilt_value_numpy(values, coef) + logs
    cumulated = np.cumsum(np.exp(weights - weights.max(axis=0)), axis=0)
    stream = stream + _GOLDEN
    goal = uniform_bits_numpy(stream) * cumulated[-1]
    return np.asarray((cumulated[:-1] < goal).sum(axis=0)), stream


@kernel(twin=choose_numpy)
def choose(values: Any, logs: Any, stream: Any, coef: Any) -> Any:
    """Return the position of a value drawn with weights ``exp(log + tilt)``, and the stream.

    Parameters
    ----------
    values : ndarray of shape (k,)
        Values to choose from.
    logs : ndarray of shape (k,)
        Their log weights before the tilt, nats.
    stream : uint64
        SplitMix64 state of the chain.
    coef : ndarray of shape (degree + 1,)
        Coefficient of ``v^m`` at place m; place 0 is not used.

    Returns
    -------
    tuple
        Position, new random state.
    """
    number = values.shape[0]
    cumulated = np.empty(number)
    highest = -np.inf
    for k in range(number):
        cumulated[k] = tilt_value(values[k], coef) + logs[k]
        highest = max(highest, cumulated[k])
    total = 0.0
    for k in range(number):
        total += np.exp(cumulated[k] - highest)
        cumulated[k] = total
    stream += _GOLDEN
    goal = uniform_bits(stream) * total
    pick = 0
    while pick < number - 1 and cumulated[pick] < goal:
        pick += 1
    return pick, stream


# ------------------------------------------------------------------ all chains
def run_chains_numpy(
    states: FloatArray, streams: Any, theta: FloatArray, structure: Structure, pool: Any, thin: int, out: Any
) -> None:
    """Advance all chains together, one column at a time (plain NumPy).

    Parameters
    ----------
    states, streams, theta, structure, pool, thin, out
        As in `run_chains`.
    """
    x, everyone = states.T, np.arange(len(states))
    coef = np.empty((int(structure.entry_power.max(initial=1)) + 1, len(states)))
    for sweep in range(out.shape[1] * thin):
        for j, kind in enumerate(structure.kinds):
            fill_coefficients_numpy(x, theta, structure, j, coef)
            if kind == SLICE:
                x[j], streams[:] = slice_column_numpy(x[j], streams, structure.laws[j], coef)
                continue
            if kind == LEVELS:
                which = slice(structure.level_start[j], structure.level_start[j + 1])
                logs = structure.level_logs[which, None]
                values = np.broadcast_to(structure.levels[which, None], (len(logs), len(states)))
            else:
                values = np.vstack([x[j], pool[:, sweep, structure.pool_index[j]].T])
                logs = np.zeros((len(values), 1))
            pick, streams[:] = choose_numpy(values, logs, streams, coef)
            x[j] = values[pick, everyone]
        if (sweep + 1) % thin == 0:
            out[:, sweep // thin] = states


@kernel(twin=run_chains_numpy)
def run_chains(states: Any, streams: Any, theta: Any, structure: Any, pool: Any, thin: Any, out: Any) -> Any:
    """Advance each chain by ``out.shape[1] * thin`` sweeps and store every `thin`-th state.

    `states` (C, d) and `streams` (C,) are left where the chains ended; `out` is (C, T, d); `pool`
    holds fresh base draws (C, T * thin, pool columns, K).

    Parameters
    ----------
    states : ndarray of shape (C, d)
        States of the chains; changed in place.
    streams : ndarray of uint64, shape (C,)
        Their random states; changed in place.
    theta : ndarray of shape (p,)
        Natural parameter.
    structure : Structure
        Columns, bases and monomials of the model, as arrays.
    pool : ndarray of shape (C, T * thin, pool columns, K)
        Fresh draws of the bases that are neither sliced nor listed.
    thin : int
        Sweeps between stored states.
    out : ndarray of shape (C, T, d)
        Receives the stored states.
    """
    power = 1
    for e in range(structure.entry_power.shape[0]):
        power = max(power, structure.entry_power[e])
    coef = np.empty(power + 1)
    candidates = np.empty(pool.shape[3] + 1)
    even = np.zeros(pool.shape[3] + 1)
    for c in range(states.shape[0]):
        x = states[c]
        stream = streams[c]
        for sweep in range(out.shape[1] * thin):
            for j in range(states.shape[1]):
                fill_coefficients(x, theta, structure, j, coef)
                if structure.kinds[j] == SLICE:
                    x[j], stream = slice_column(x[j], stream, structure.laws[j], coef)
                elif structure.kinds[j] == LEVELS:
                    values = structure.levels[structure.level_start[j] : structure.level_start[j + 1]]
                    logs = structure.level_logs[structure.level_start[j] : structure.level_start[j + 1]]
                    pick, stream = choose(values, logs, stream, coef)
                    x[j] = values[pick]
                else:
                    candidates[0] = x[j]
                    candidates[1:] = pool[c, sweep, structure.pool_index[j]]
                    pick, stream = choose(candidates, even, stream, coef)
                    x[j] = candidates[pick]
            if (sweep + 1) % thin == 0:
                out[c, sweep // thin] = x
        streams[c] = stream
