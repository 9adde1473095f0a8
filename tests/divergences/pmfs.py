"""Random pairs of tables for property tests (zeros, tiny masses, near-equal rows), and formulas in mpmath."""

from __future__ import annotations

import mpmath as mp
import numpy as np
from hypothesis import strategies as st

# The generators as printed in the table, for the oracle in 60 digits.
FORMULAS = {
    "kl": lambda t, a: t * mp.log(t) - t + 1,
    "reverse_kl": lambda t, a: -mp.log(t) + t - 1,
    "jeffreys": lambda t, a: (t - 1) * mp.log(t),
    "js": lambda t, w: w * t * mp.log(t) - (w * t + 1 - w) * mp.log(w * t + 1 - w),
    "alpha": lambda t, a: (
        FORMULAS["reverse_kl"](t, a)
        if a == 0
        else FORMULAS["kl"](t, a)
        if a == 1
        else (t**a - a * t + a - 1) / (a * (a - 1))
    ),
    "pearson": lambda t, a: (t - 1) ** 2,
    "neyman": lambda t, a: (t - 1) ** 2 / t,
    "hellinger": lambda t, a: (mp.sqrt(t) - 1) ** 2 / 2,
    "le_cam": lambda t, a: (t - 1) ** 2 / (2 * (t + 1)),
    "tv": lambda t, a: abs(t - 1) / 2,
    "hockey_stick": lambda t, g: max(t - g, 0),
}

MASSES = st.one_of(
    st.just(0.0),
    st.floats(0.01, 1.0),
    st.floats(-12.0, 0.0).map(lambda e: 10.0**e),
)


def normalised(masses: list[float]) -> np.ndarray:
    row = np.asarray(masses)
    return row / row.sum()


@st.composite
def pmfs(draw: st.DrawFn, size: int) -> np.ndarray:
    return normalised(draw(st.lists(MASSES, min_size=size, max_size=size).filter(lambda m: sum(m) > 0.0)))


@st.composite
def pmf_pairs(draw: st.DrawFn, min_size: int = 2, max_size: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Two laws on the same cells; one time in three the second is close to the first."""
    size = draw(st.integers(min_size, max_size))
    p = draw(pmfs(size))
    if draw(st.integers(0, 2)):
        return p, draw(pmfs(size))
    step = 10.0 ** draw(st.integers(-12, -1))
    tilt = np.asarray(draw(st.lists(st.floats(-1.0, 1.0), min_size=size, max_size=size)))
    return p, normalised(list(p * (1.0 + step * tilt)))


@st.composite
def channels(draw: st.DrawFn, size: int) -> np.ndarray:
    """A Markov kernel: one law per input cell, as rows."""
    n_out = draw(st.integers(1, 4))
    return np.array([draw(pmfs(n_out)) for _ in range(size)])
