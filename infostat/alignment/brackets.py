"""Real-valued rewards over large alphabets: the sum between its roundings down and up.

Letter rewards are rounded to a lattice in three ways. Rounding down lowers every sum and rounding
up raises every sum, sequence by sequence, so the laws of the rounded sums enclose the true one in
stochastic order: distribution functions, tails and the expected best of N lie between theirs.
Rounding to the nearest point gives the value between the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.validation import FloatArray
from .lattice import Lattice

__all__ = ["RoundedLattices", "round_to_lattices"]

# Lattice steps per letter, and cells over all sums and all three roundings.
_FEWEST_STEPS, _MOST_STEPS = 256, 65_536
_CELLS_PER_SUM, _CELLS_IN_ALL = 4e6, 1.5e8


@dataclass(frozen=True)
class RoundedLattices:
    """One letter law on one lattice, rounded in three ways.

    Attributes
    ----------
    down, nearest, up : Lattice
        The same steps with other indexes. The true sum of m letters lies between those of `down`
        and `up`, which differ by at most m steps.
    """

    down: Lattice
    nearest: Lattice
    up: Lattice


def round_to_lattices(r: FloatArray, lengths: Sequence[int]) -> RoundedLattices:
    """Return the roundings of rewards to a lattice as fine as the work for these lengths allows.

    Parameters
    ----------
    r : ndarray of shape (g,)
        Distinct finite rewards in ascending order, at least two.
    lengths : sequence of int
        Numbers of letters whose sums are wanted.

    Returns
    -------
    RoundedLattices
        From 256 to 65536 steps over the range of the rewards.

    Examples
    --------
    >>> three = round_to_lattices(np.array([0.0, 2.0**-0.5, 1.0]), [10])
    >>> three.down.index, three.up.index, three.nearest.index
    (array([    0, 46340, 65536]), array([    0, 46341, 65536]), array([    0, 46341, 65536]))
    """
    # A sum of m letters is computed on a window of about 9 sqrt(m) letter ranges.
    windows = [9.0 * math.sqrt(m) for m in lengths]
    affordable = min(_CELLS_PER_SUM / max(windows), _CELLS_IN_ALL / (3.0 * sum(windows)))
    steps = int(min(max(affordable, _FEWEST_STEPS), _MOST_STEPS))
    # One reward alone lies on a lattice of any step.
    step = float(r[-1] - r[0]) / steps or 1.0
    position = (r - r[0]) / step
    # A position within rounding of a lattice point goes to the next one: wider by a step, but an
    # enclosure whatever the division rounded to. The two ends are lattice points by construction.
    slack = 1e-9
    down = np.clip(np.floor(position - slack), 0, steps)
    up = np.clip(np.ceil(position + slack), 0, steps)
    down[-1], up[0] = steps, 0
    origin = float(r[0])
    lattices = (Lattice(origin, step, index.astype(np.intp)) for index in (down, np.rint(position), up))
    return RoundedLattices(*lattices)
