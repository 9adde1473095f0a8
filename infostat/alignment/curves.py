"""Best-of-N curves from samples: unbiased for every N up to the sample size."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError, InputError, InputTypeError, SampleSizeWarning, describe
from ..core.progress import Progress, progress_callback
from ..core.threads import threads
from ..core.validation import FloatArray, as_float_array, as_plain_array, check_choice, check_number, short
from .curve_means import CurveJob, CurveTable, curve_table, sorted_rows
from .curve_result import BonCurve
from .input_tables import RewardInput, read_rewards, short_prompts

__all__ = ["bon_curve"]

METHODS = ("unbiased", "plugin")
# The influence formula describes N << M; beyond M/20 its error passes a few per cent.
_RELIABLE = 20
# Over fewer prompts their standard deviation is itself uncertain by a sixth or more.
_FEW_PROMPTS = 20
# Rewards beyond these are brought near one first, so that differences and squares exist.
_SMALLEST, _LARGEST = 1e-100, 1e100

IntArray = NDArray[np.int64]


def bon_curve(
    samples: Any,
    n: ArrayLike | None = None,
    true: Any = None,
    *,
    method: str = "unbiased",
    confidence_level: float = 0.95,
    tie_tol: float = 0.0,
    prompt_id: Any = None,
    nan: str = "raise",
    on_short: str = "limit",
    n_jobs: int | None = None,
    progress: Progress = False,
) -> BonCurve:
    """Return the mean reward of best-of-N for many N, estimated from reward samples.

    Parameters
    ----------
    samples : array_like, DataFrame or path
        Rewards of draws from the reference: one-dimensional for one population of M; prompts x
        samples (or a list of sequences, or a table with the columns ``prompt_id`` and ``reward``) for
        means over prompts. A column ``true_reward`` is used without being named.
    n : int or array_like of int, optional
        Numbers of draws N, each from 1 to M; all of them if None. For one N the fields are numbers.
    true : array_like or str, optional
        True rewards of the same draws (or their column): the curve of the true reward when the best
        is picked by `samples`, the proxy.
    method : {"unbiased", "plugin"}
        Draws without replacement from the sample, which is unbiased, or with replacement, which is
        biased low and there to compare with.
    confidence_level : float
        Level of the normal intervals.
    tie_tol : float
        Proxy rewards that differ by at most this much from a neighbour (in order of size) are ties;
        the best of N is then drawn evenly among the tied. 0 ties equal numbers only.
    prompt_id : array_like or str, optional
        Prompt of each sample, or its column.
    nan : {"raise", "drop"}
        What to do with missing rewards.
    on_short : {"limit", "drop"}
        Where prompts have different numbers of samples: limit N to the smallest, or leave out
        prompts with fewer samples than the largest N.
    n_jobs : int, optional
        Threads; the numbers do not depend on it.
    progress : bool or callable
        Report finished pieces of work.

    Returns
    -------
    BonCurve
        ``n reward true_reward se unreliable_se`` and intervals, in the order of `n`.

    Raises
    ------
    InputError
        If an N is no integer from 1 to the sample size, an option is unknown, or shapes differ.
    DataError
        If a reward is not finite, or the data hold none.

    Warns
    -----
    SampleSizeWarning
        If some N are left out because a prompt has fewer samples.

    Notes
    -----
    With the order statistics r_(1) <= ... <= r_(M) the estimate is the U-statistic
    ``sum_i r_(i) C(i-1, N-1)/C(M, N)``, the plug-in ``sum_i r_(i) ((i/M)^N - ((i-1)/M)^N)``. With
    `true` r_(i) is replaced by g_i, averaged inside proxy ties. The standard error of one population
    is ``sqrt(mean IF^2/M)`` with the influence ``IF_i = -(sum_{k>=i} d_k N F_k^(N-1) - sum_k d_k N
    F_k^N)``, F_k = k/M and d_k = r_(k+1) - r_(k); ``unreliable_se`` marks N > M/20, where it becomes
    too small. For prompts it is the standard deviation over prompts divided by sqrt(P), at every N.
    Derived and checked in exact arithmetic and by simulation in this project.

    Examples
    --------
    >>> bon_curve([1, 2, 3, 4]).reward.round(12)
    array([2.5       , 3.33333333, 3.75      , 4.        ])
    >>> round(bon_curve([4, 2, 3, 1], 2).reward, 12)
    3.333333333333
    >>> curve = bon_curve([0.0, 0.0, 1.0, 2.0], n=[1, 4], true=[3.0, 5.0, 4.0, 0.0])
    >>> curve.true_reward
    array([3., 0.])
    """
    check_choice("method", method, METHODS)
    level = check_number("confidence_level", confidence_level, low=0, high=1, open_low=True, open_high=True)
    tolerance = check_number("tie_tol", tie_tol, low=0)
    workers = threads(n_jobs)
    data = read_rewards(samples, true=true, prompt_id=prompt_id, nan=nan, name="samples")
    _check_data(data)
    grid = _grid(data, None if n is None else _orders(n), on_short)
    scales = _scale(grid.data.reward), _scale(grid.data.true)
    rows = sorted_rows(_divided(grid.data, scales), tolerance / scales[0])
    with progress_callback(progress, "best-of-N curve") as report:
        job = CurveJob(grid.unique, method == "plugin", workers, report)
        table = curve_table(rows, job)
    return _wrap(grid, table.times(scales), method, level)


# ---------------------------------------------------------------------------------- validation
@dataclass(frozen=True, eq=False)
class _Grid:
    """Which N, and the prompts that can answer: `unique` ascending, `asked` in the caller's order."""

    data: RewardInput
    asked: IntArray
    unique: IntArray
    single: bool
    n_dropped: int
    limited: bool


def _check_data(data: RewardInput) -> None:
    if data.kind == "pmf":
        raise InputError("samples must be rewards of draws, got a pmf; use best_of_n, which is exact")
    n_bad = int(np.isinf(data.reward).sum())
    if n_bad:
        raise DataError(
            f"samples must be finite, got {n_bad} of {len(data.reward)} rewards that are -inf; "
            "a mean over them is -inf, replace them by the reward of a refused answer"
        )


def _orders(n: Any) -> NDArray[Any]:
    array = as_float_array("n", n, ndim=(0, 1), finite=False)
    if as_plain_array("n", n).dtype.kind == "b":
        raise InputTypeError(describe("n", "integers >= 1", short(n)))
    if not array.size:
        raise InputError("n must hold at least one number, got none")
    bad = ~(np.isfinite(array) & (array == np.floor(array)) & (array >= 1))
    if bad.any():
        raise InputError(f"n must hold integers >= 1, got {np.atleast_1d(array)[np.atleast_1d(bad)][0]:g}")
    # Beyond the range of integers it is beyond every sample too, which `_grid` says.
    return np.minimum(array, 2.0**53).astype(np.int64)


def _grid(data: RewardInput, asked: IntArray | None, on_short: str) -> _Grid:
    """Fit the requested N to the sizes of the prompts, or refuse."""
    sizes = data.sizes
    ragged = bool((sizes != sizes[0]).any())
    largest = int(sizes.max() if on_short == "drop" else sizes.min()) if asked is None else int(asked.max())
    if asked is not None and not ragged and largest > sizes[0]:
        raise InputError(
            f"n must not exceed the number of samples ({sizes[0]}), got {largest}; "
            "the best of more draws than there are cannot be estimated from them"
        )
    kept = short_prompts(data, largest, on_short)
    if asked is None:
        every = np.arange(1, kept.n + 1, dtype=np.int64)
        return _Grid(kept.data, every, every, False, kept.n_dropped, ragged and on_short == "limit")
    points = asked.reshape(-1)
    possible = points[points <= kept.n]
    if not len(possible):
        raise InputError(
            f"n must not exceed the samples of the smallest prompt ({kept.n}), got {points.min()}; "
            'on_short="drop" leaves such prompts out'
        )
    if len(possible) < len(points):
        warnings.warn(
            f"N is limited to {kept.n}, the samples of the smallest prompt: {len(points) - len(possible)} of "
            f'{len(points)} are left out; on_short="drop" leaves out prompts instead',
            SampleSizeWarning,
            stacklevel=3,
        )
    return _Grid(kept.data, possible, np.unique(possible), asked.ndim == 0, kept.n_dropped, kept.limited)


def _scale(values: FloatArray | None) -> float:
    """Power of two near the largest value where that is extreme, 1 otherwise."""
    if values is None:
        return 1.0
    largest = float(np.abs(values).max())
    if largest == 0.0 or _SMALLEST <= largest <= _LARGEST:
        return 1.0
    return 2.0 ** min(math.frexp(largest)[1], 1023)


def _divided(data: RewardInput, scales: tuple[float, float]) -> RewardInput:
    if scales == (1.0, 1.0):
        return data
    true = None if data.true is None else data.true / scales[1]
    return replace(data, reward=data.reward / scales[0], true=true)


# --------------------------------------------------------------------------------------- result
def _wrap(grid: _Grid, table: CurveTable, method: str, level: float) -> BonCurve:
    from scipy.special import ndtri

    data = grid.data
    prompts = data.n_prompts if data.kind == "prompts" else None
    place = np.searchsorted(grid.unique, grid.asked)
    smallest = int(data.sizes.min())
    if data.n_prompts > 1:
        unreliable = np.full(len(grid.asked), data.n_prompts < _FEW_PROMPTS)
    else:
        unreliable = grid.asked * _RELIABLE > smallest
    z = float(ndtri(0.5 * (1.0 + level)))

    def give(values: FloatArray | None) -> Any:
        if values is None:
            return None
        chosen = values[place]
        return chosen[0].item() if grid.single else chosen

    reward, se = give(table.reward), give(table.se)
    order = grid.asked.astype(np.float64)
    bound = np.log(order) - (order - 1.0) / order
    return BonCurve(
        n=int(grid.asked[0]) if grid.single else grid.asked,
        reward=reward,
        true_reward=give(table.true),
        se=se,
        unreliable_se=bool(unreliable[0]) if grid.single else unreliable,
        low=reward - z * se,
        high=reward + z * se,
        true_se=give(table.true_se),
        kl_upper=float(bound[0]) if grid.single else bound,
        n_samples=len(data.reward),
        n_largest=smallest,
        n_prompts=prompts,
        n_dropped=data.n_dropped,
        n_prompts_dropped=grid.n_dropped + data.n_prompts_dropped,
        method=method,
        confidence_level=level,
        flags=_flags(grid, unreliable, method),
        interpretation=_interpret(grid, table),
        source=data.source,
    )


def _flags(grid: _Grid, unreliable: NDArray[np.bool_], method: str) -> tuple[str, ...]:
    many = grid.data.n_prompts > 1
    words = {
        "unreliable_se": bool(unreliable.any()) and not many,
        "few_prompts": bool(unreliable.any()) and many,
        "one_prompt": grid.data.kind == "prompts" and not many,
        "n_limited": grid.limited,
        "prompts_dropped": grid.n_dropped > 0,
        "biased_low": method == "plugin",
    }
    return (*grid.data.flags, *(word for word, holds in words.items() if holds))


def _interpret(grid: _Grid, table: CurveTable) -> str:
    end = len(grid.unique) - 1
    if grid.data.n_prompts == 1:
        # The sentence is about the largest N whose error can be stated.
        end = max(int((grid.unique * _RELIABLE <= len(grid.data.reward)).sum()) - 1, 0)
    n, last, error = int(grid.unique[end]), table.reward[end], float(table.se[end])
    over = f" (mean over {grid.data.n_prompts} prompts)" if grid.data.n_prompts > 1 else ""
    text = f"The best of {n} has mean reward {last:.4g}{over}, standard error {error:.2g}"
    if n > 1 and grid.unique[0] == 1:
        text += f", against {table.reward[0]:.4g} for a single draw"
    if table.true is None or end == 0:
        return text + "."
    peak = int(np.argmax(table.true[: end + 1]))
    if peak == end:
        return f"{text}. The true reward rises with it, to {table.true[end]:.4g}."
    return (
        f"{text}. The true reward is largest at N = {grid.unique[peak]} ({table.true[peak]:.4g}) and "
        f"{table.true[end]:.4g} at N = {n}: beyond the peak the proxy is over-optimised, if the difference exceeds "
        "its error."
    )
