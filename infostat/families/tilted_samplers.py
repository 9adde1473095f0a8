"""Running the chains of a tilted base: seeds, blocks of chains, threads.

All chains of a run have their own random stream, a pure function of the seed, the number of the
run and the number of the chain. Blocks of chains are spread over threads (the kernel releases
the interpreter lock), so the draws are the same for every `n_jobs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from ..core.rng import child, child_generator
from ..core.threads import run_blocks
from ..core.validation import FloatArray
from .base_columns import BaseColumn, LawColumn, LevelColumn
from .tilted_kernels import LEVELS, POOL, SLICE, Structure, run_chains

__all__ = ["CHAINS", "THIN", "ChainRun", "base_states", "build_structure", "run_sampler"]

CHAINS = 32
THIN = 5  # sweeps between stored draws: a sweep costs a tenth of what the analysis of a draw costs
_BLOCK = 4  # chains per thread task
_CANDIDATES = 8  # fresh base draws per update of a pool column
_SEGMENT = 4_000_000  # pool numbers held at a time: 32 MB


@dataclass(frozen=True)
class ChainRun:
    """Draws of several chains.

    Attributes
    ----------
    draws : ndarray of shape (C, T, d)
        Stored states.
    states : ndarray of shape (C, d)
        Where the chains ended.
    """

    draws: FloatArray
    states: FloatArray


def build_structure(base: Sequence[BaseColumn], products: Sequence[Sequence[int]]) -> Structure:
    """Return the arrays that describe columns and statistics to the kernel.

    Parameters
    ----------
    base : sequence of BaseColumn
        Columns.
    products : sequence of sequences of int
        Column indices of each statistic.

    Returns
    -------
    Structure
        Arrays.
    """
    d = len(base)
    kinds, pool_index = np.full(d, POOL, dtype=np.int64), np.zeros(d, dtype=np.int64)
    laws = np.zeros((d, 7))
    level_start = np.zeros(d + 1, dtype=np.int64)
    levels: list[FloatArray] = [np.empty(0)]
    level_logs: list[FloatArray] = [np.empty(0)]
    n_pool = 0
    for j, column in enumerate(base):
        form = column.slice_form() if isinstance(column, LawColumn) else None
        if isinstance(column, LevelColumn):
            kinds[j] = LEVELS
            levels.append(column.levels)
            level_logs.append(column.log_weights)
        elif form is not None:
            kinds[j], laws[j] = SLICE, form
        else:
            pool_index[j], n_pool = n_pool, n_pool + 1
        level_start[j + 1] = sum(map(len, levels))
    return Structure(
        kinds, laws, level_start, np.concatenate(levels), np.concatenate(level_logs), pool_index,
        *_entries(d, products),
    )  # fmt: skip


def _entries(
    d: int, products: Sequence[Sequence[int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each column the statistics that hold it, its power, and the other factors."""
    starts, thetas, powers, factor_starts, factors = [0], [], [], [0], []
    for j in range(d):
        for k, product in enumerate(products):
            if j in product:
                others = [index for index in product if index != j]
                thetas.append(k)
                powers.append(len(product) - len(others))
                factors += others
                factor_starts.append(len(factors))
        starts.append(len(thetas))
    arrays = [np.array(part, dtype=np.int64) for part in (starts, thetas, powers, factor_starts, factors)]
    return arrays[0], arrays[1], arrays[2], arrays[3], arrays[4]


def base_states(base: Sequence[BaseColumn], chains: int, seed: SeedSequence) -> FloatArray:
    """Return independent draws of the base as first states.

    Parameters
    ----------
    base : sequence of BaseColumn
        Columns.
    chains : int
        Number of chains.
    seed : SeedSequence
        Source of randomness.

    Returns
    -------
    ndarray of shape (chains, d)
        States.
    """
    generator = np.random.default_rng(seed)
    return np.column_stack([column.draw(chains, generator) for column in base])


def run_sampler(
    base: Sequence[BaseColumn],
    structure: Structure,
    theta: FloatArray,
    states: FloatArray,
    seed: SeedSequence,
    *,
    draws: int,
    burn_in: int,
    thin: int = THIN,
    n_jobs: int = 1,
) -> ChainRun:
    """Return draws of all chains at theta.

    Parameters
    ----------
    base : sequence of BaseColumn
        Columns (for fresh draws of laws without a slice form).
    structure : Structure
        Arrays of :func:`build_structure`.
    theta : ndarray of shape (p,)
        Natural parameter.
    states : ndarray of shape (C, d)
        First states.
    seed : SeedSequence
        Seed of this run.
    draws : int
        Stored draws per chain.
    burn_in : int
        Draws per chain thrown away first.
    thin : int
        Sweeps between stored draws.
    n_jobs : int
        Threads.

    Returns
    -------
    ChainRun
        The same for every `n_jobs`.
    """
    chains = len(states)
    ended, out = np.array(states), np.empty((chains, draws, states.shape[1]))
    streams = child(seed, 0).generate_state(chains, np.uint64)
    pool_columns = [column for column, kind in zip(base, structure.kinds, strict=True) if kind == POOL]

    def block(first: int, last: int) -> None:
        source = _Pool(pool_columns, last - first, child_generator(seed, 1 + first // _BLOCK))
        mine = (ended[first:last], streams[first:last], theta, structure)
        longest = source.longest(thin)
        for total, target in ((burn_in, None), (draws, out)):
            for start in range(0, total, longest):
                length = min(longest, total - start)
                waste = np.empty((last - first, length, states.shape[1]))
                into = waste if target is None else target[first:last, start : start + length]
                run_chains(*mine, source.fresh(length * thin), thin, into)

    bounds = [(first, min(first + _BLOCK, chains)) for first in range(0, chains, _BLOCK)]
    run_blocks(block, bounds, n_jobs)
    return ChainRun(out, ended)


@dataclass(frozen=True)
class _Pool:
    """Fresh base draws for the columns whose law has no slice form."""

    columns: Sequence[BaseColumn]
    chains: int
    generator: np.random.Generator

    def longest(self, thin: int) -> int:
        """Stored draws whose proposals fit in a segment."""
        per_draw = thin * self.chains * len(self.columns) * _CANDIDATES
        return max(1, _SEGMENT // per_draw) if per_draw else 1_000_000

    def fresh(self, sweeps: int) -> FloatArray:
        shape = (self.chains, sweeps, len(self.columns), _CANDIDATES)
        if not self.columns:
            return np.empty((self.chains, 0, 0, 0))
        pool = np.empty(shape)
        for k, column in enumerate(self.columns):
            pool[:, :, k] = column.draw((self.chains, sweeps, _CANDIDATES), self.generator)
        return pool
