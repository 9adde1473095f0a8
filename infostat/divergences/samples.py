"""What every estimator from samples shares: clean rows, block standard errors, ties.

Samples arrive as arrays, lists, Series, frames or paths and leave as one float matrix.
The standard error of an estimator that has no closed form comes from disjoint blocks of
rows. Resampling with replacement would be wrong for neighbour estimators, because a row
and its copy are at distance zero; the spread of the per-row terms would be too small,
because neighbouring terms share their neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.errors import DataError
from ..core.rng import RngLike, as_seed_sequence, child_generator
from ..core.threads import run_blocks
from ..core.validation import FloatArray, check_count, check_number

__all__ = [
    "BLOCKS",
    "BlockSpread",
    "bias_from_blocks",
    "block_spread",
    "block_standard_error",
    "jitter_samples",
    "refuse_ties",
]

BLOCKS = 20


@dataclass(frozen=True)
class BlockSpread:
    """What disjoint blocks of the rows say about an estimate.

    Attributes
    ----------
    se : float
        Standard error; nan if there is none.
    mean : float
        Mean of the estimate over the blocks; nan if there is none.
    note : str
        Why they are nan, empty otherwise.
    """

    se: float
    mean: float
    note: str


def block_spread(
    statistic: Callable[..., float],
    samples: Sequence[FloatArray],
    *,
    blocks: int = BLOCKS,
    minimum: int | Sequence[int] = 2,
    n_jobs: int = 1,
    wanted: bool = True,
) -> BlockSpread:
    """Return standard error and mean of a statistic over disjoint blocks of rows.

    Parameters
    ----------
    statistic : callable
        ``statistic(*samples)`` gives one number.
    samples : sequence of ndarray
        Row i goes to block i mod `blocks`, in every sample alike, so that pairs stay together.
    blocks : int
        Number of blocks.
    minimum : int or sequence of int
        Fewest rows of a block for which the statistic exists, one number per sample if several.
    n_jobs : int
        Threads.
    wanted : bool
        False computes nothing and says so in the note.

    Returns
    -------
    BlockSpread
        Fields ``se mean note``.

    Notes
    -----
    If the variance of the statistic is c/n, a block of n/B rows has variance cB/n, and the
    spread over B independent blocks divided by the root of B estimates the root of c/n.

    Examples
    --------
    >>> spread = block_spread(lambda x: float(x.mean()), [np.arange(100.0)[:, None]])
    >>> round(spread.se, 4), spread.mean
    (1.3229, 49.5)
    """
    if not wanted:
        return BlockSpread(math.nan, math.nan, "no standard error was asked for")
    count = check_count("blocks", blocks, low=2)
    needed = [minimum] * len(samples) if isinstance(minimum, int) else list(minimum)
    for sample, least in zip(samples, needed, strict=True):
        smallest = len(sample) // count
        if smallest < least:
            return BlockSpread(
                math.nan,
                math.nan,
                f"no standard error: a block of {smallest} rows is too small for the estimator "
                f"({count} disjoint blocks of at least {least} rows, n >= {count * least}, are needed)",
            )

    def part(start: int) -> float:
        return statistic(*(np.ascontiguousarray(sample[start::count]) for sample in samples))

    try:
        parts = np.array(run_blocks(part, [(start,) for start in range(count)], n_jobs))
    except DataError:
        # The whole sample has passed; only its part in one block is degenerate.
        return BlockSpread(math.nan, math.nan, "no standard error: a block of rows is degenerate")
    if not np.isfinite(parts).all():
        n_bad = int((~np.isfinite(parts)).sum())
        note = f"no standard error: the estimate is not finite in {n_bad} of {count} blocks"
        return BlockSpread(math.nan, math.nan, note)
    return BlockSpread(float(parts.std(ddof=1) / math.sqrt(count)), float(parts.mean()), "")


def block_standard_error(
    statistic: Callable[..., float],
    samples: Sequence[FloatArray],
    *,
    blocks: int = BLOCKS,
    minimum: int | Sequence[int] = 2,
) -> tuple[float, str]:
    """Return the standard error of a statistic from disjoint blocks of rows, and a note.

    Parameters
    ----------
    statistic, samples, blocks, minimum
        As in `block_spread`.

    Returns
    -------
    se : float
        Standard deviation over the blocks divided by the root of their number; nan if there is
        none.
    note : str
        Why it is nan, empty otherwise.

    Examples
    --------
    >>> se, note = block_standard_error(lambda x: float(x.mean()), [np.arange(100.0)[:, None]])
    >>> round(se, 4), note
    (1.3229, '')
    """
    spread = block_spread(statistic, samples, blocks=blocks, minimum=minimum)
    return spread.se, spread.note


def bias_from_blocks(value: float, spread: BlockSpread, rate: float, *, blocks: int = BLOCKS) -> str:
    """Return a sentence on the bias that the blocks reveal, empty if it is within the noise.

    Parameters
    ----------
    value : float
        Estimate from all rows.
    spread : BlockSpread
        From `block_spread`.
    rate : float
        Power a of the bias c n^-a.
    blocks : int
        Number of blocks.

    Returns
    -------
    str
        Direction and size, where the size exceeds half a standard error and the difference
        between blocks and the whole cannot be chance (three standard errors).

    Notes
    -----
    Blocks of n/B rows have bias c (n/B)^-a, so their mean exceeds the estimate by
    (B^a - 1) times the bias of the estimate.

    Examples
    --------
    >>> bias_from_blocks(1.0, BlockSpread(0.01, 1.5, ""), 1.0)
    'the blocks suggest an upward bias of about 0.026 (if it falls like n^-1)'
    """
    excess = spread.mean - value
    bias = excess / (blocks**rate - 1.0)
    if not (abs(excess) > 3.0 * spread.se and abs(bias) > 0.5 * spread.se):
        return ""
    direction = "an upward" if bias > 0.0 else "a downward"
    return f"the blocks suggest {direction} bias of about {abs(bias):.2g} (if it falls like n^-{rate:.2g})"


def refuse_ties(distances: FloatArray, k: int, *, rows: str = "X", among: str = "") -> None:
    """Raise if a distance to the k-th neighbour is zero, and say how many are.

    Parameters
    ----------
    distances : ndarray
        Distance to the k-th neighbour of each row.
    k : int
        Number of the neighbour.
    rows : str
        Argument that holds the rows, for the message.
    among : str
        Argument in which the neighbours were searched, if it is another one.

    Raises
    ------
    DataError
        If there are ties.

    Examples
    --------
    >>> refuse_ties(np.array([0.5, 0.1]), 1)
    """
    n_ties = int(np.count_nonzero(distances == 0.0))
    if n_ties:
        place = f" in {among}" if among else ""
        raise DataError(
            f"{rows} must have a positive distance from each row to its neighbour number {k}{place}, got "
            f"{n_ties} ties in {len(distances)} rows: repeated values have no density; pass jitter=1e-10 "
            "to break a few accidental ties (command line: --jitter), for rounded data jitter= half the rounding "
            "step over the standard deviation, and count discrete values (entropy_from_counts)"
        )


def jitter_samples(samples: Sequence[FloatArray], jitter: float | None, rng: RngLike) -> list[FloatArray]:
    """Return the samples with a tiny seeded noise, or as they are for ``jitter=None``.

    Parameters
    ----------
    samples : sequence of ndarray
        From `as_sample`.
    jitter : float or None
        Size of the normal noise relative to the standard deviation of each column, at least a
        few units in the last place so that it is not rounded away.
    rng : None, int, SeedSequence or Generator
        Seed; sample i draws from child i.

    Returns
    -------
    list of ndarray
        New arrays where noise was added.

    Raises
    ------
    InputError
        If `jitter` is not a positive number.

    Examples
    --------
    >>> X = np.zeros((4, 1))
    >>> (Z,) = jitter_samples([X], 1e-10, 0)
    >>> len(np.unique(Z)), bool(abs(Z).max() < 1e-9)
    (4, True)
    """
    if jitter is None:
        return list(samples)
    size = check_number("jitter", jitter, low=0.0, high=1.0, open_low=True)
    seed = as_seed_sequence(rng)
    return [_jittered(sample, size, child_generator(seed, i)) for i, sample in enumerate(samples)]


def _jittered(sample: FloatArray, size: float, generator: np.random.Generator) -> FloatArray:
    spread = sample.std(axis=0)
    magnitude = np.abs(sample).max(axis=0)
    # A constant column has no spread of its own; its magnitude (or one) stands in.
    spread = np.where(spread > 0.0, spread, np.where(magnitude > 0.0, magnitude, 1.0))
    scale = np.maximum(size * spread, 4.0 * np.finfo(np.float64).eps * magnitude)
    return np.asarray(sample + scale * generator.standard_normal(sample.shape))
