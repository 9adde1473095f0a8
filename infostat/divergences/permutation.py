"""Permutation tests of equal laws (energy, MMD) and of independence (HSIC, CKA).

The pooled labels, or the rows of Y, are shuffled; everything that a shuffle does not change is
computed once. For equal laws a statistic of any labelling z is a quadratic form ``z'Tz`` of the
table T of pairs, so a block of labellings costs one matrix product. On the line the energy
distance needs only the sorted points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from ..core.errors import InputError
from ..core.jit import kernel as compiled
from ..core.progress import Progress
from ..core.replicates import run_replicates
from ..core.rng import RngLike, seed_label
from ..core.samples import as_sample, same_columns, same_rows
from ..core.validation import MOST_DRAWS, FloatArray, check_choice, check_count, check_number
from .kernel_distances import cka, hsic, kernel_width
from .one_dimensional import energy_distance
from .pair_sums import Tile, distance_tile, gaussian_tile, tiles
from .results import PermutationTest

__all__ = ["permutation_test"]

# Permutations that share one seed child; a constant, because it decides the numbers.
_BLOCK_LENGTH = 64
# Tables of all pairs are stored up to this many points (128 MB), and computed anew for each
# block of permutations beyond.
_STORED_POINTS = 4000
# Permuted statistics that equal the observed one in exact arithmetic may differ by rounding.
_TIE = 1e-12
_SMALL = 300

Statistic: TypeAlias = Callable[[Generator, int], FloatArray]


def permutation_test(
    X: Any,
    Y: Any,
    statistic: str = "energy",
    *,
    draws: int = 999,
    rng: RngLike = None,
    kernel: str = "linear",
    bandwidth: float | None = None,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> PermutationTest:
    """Return the permutation test of equal laws or of independence.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (m, e)
        Two samples of one space for ``"energy"`` and ``"mmd"`` (null hypothesis: one law);
        paired rows for ``"hsic"`` and ``"cka"`` (null hypothesis: independence).
    statistic : {"energy", "mmd", "hsic", "cka"}
        `energy_distance`, `mmd`, `hsic` or `cka` with their defaults.
    draws : int
        Random permutations.
    rng : None, int, SeedSequence or Generator
        Seed; the result keeps one that gives the same permutations.
    kernel : {"linear", "gaussian"}
        Kernel of ``"hsic"`` and ``"cka"``. The linear one has no power against dependence
        without correlation.
    bandwidth : float, optional
        Width of a Gaussian kernel; the median heuristic if None.
    n_jobs : int, optional
        Workers through joblib (None: one). The numbers do not depend on it.
    progress : bool or callable
        As everywhere.

    Returns
    -------
    PermutationTest
        ``value``, ``p_value = (1 + hits)/(1 + draws)``, ``draws``, ``null_distribution``.

    Raises
    ------
    InputError
        If an option is unknown or out of range, or does not belong to the statistic.
    DataError
        If the samples do not fit together.

    Notes
    -----
    A hit is a permuted statistic at least as large as the observed one (up to 1e-12 of it,
    for rounding). Under the null hypothesis, with exchangeable rows,
    ``P(p_value <= alpha) <= alpha`` exactly, at every sample size.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(1).normal(size=(30, 2))
    >>> test = permutation_test(X, X + 2.0, "energy", draws=199, rng=7)
    >>> test.p_value, test.draws
    (0.005, 199)
    """
    kind = check_choice("statistic", statistic, ("energy", "mmd", "hsic", "cka"))
    count = check_count("draws", draws, low=1, high=MOST_DRAWS)
    two_samples = kind in ("energy", "mmd")
    _refuse_options(kind, kernel, bandwidth)
    first, second = as_sample("X", X), as_sample("Y", Y)
    payload: _Labels | _Line | _Pairing
    if two_samples:
        same_columns(first, second)
        observed, payload = _two_samples(kind, first, second, bandwidth)
    else:
        same_rows({"X": first, "Y": second})
        observed, payload = _independence(kind, first, second, kernel, bandwidth)
    run = run_replicates(
        _task,
        count,
        rng=rng,
        block_length=_BLOCK_LENGTH,
        payload=payload,
        n_jobs=n_jobs,
        progress=progress,
        study="permutations",
    )
    null = np.asarray(run.values["statistic"])
    hits = int(np.count_nonzero(null >= observed - _TIE * abs(observed)))
    return PermutationTest(
        value=observed,
        p_value=(1 + hits) / (1 + count),
        draws=count,
        statistic=kind,
        null_distribution=null,
        seed=seed_label(run.seed),
    )


def _refuse_options(kind: str, kernel: str, bandwidth: float | None) -> None:
    check_choice("kernel", kernel, ("linear", "gaussian"))
    if bandwidth is not None:
        check_number("bandwidth", bandwidth, low=0.0, open_low=True)
    if kind in ("energy", "mmd") and kernel != "linear":
        raise InputError(f'kernel must be left out for statistic="{kind}", it belongs to "hsic" and "cka"')
    if bandwidth is not None and (kind == "energy" or (kind != "mmd" and kernel == "linear")):
        raise InputError(f'bandwidth must be None for statistic="{kind}" without a Gaussian kernel')


def _task(payload: Any, generator: Generator, start: int, stop: int) -> dict[str, FloatArray]:
    return {"statistic": payload.draw(generator, stop - start)}


# ---------------------------------------------------------------------------------- equal laws
def _two_samples(kind: str, X: FloatArray, Y: FloatArray, bandwidth: float | None) -> tuple[float, _Labels | _Line]:
    pooled = np.concatenate((X, Y))
    n = len(X)
    if kind == "energy" and X.shape[1] == 1:
        return energy_distance(X, Y), _line(pooled[:, 0], n)
    if kind == "energy":
        labels = _labels(pooled, None, n)
    else:
        labels = _labels(pooled, kernel_width(bandwidth, pooled), n)
    own = np.zeros((len(pooled), 1))
    own[:n] = 1.0
    return float(labels.statistics(own)[0]), labels


@dataclass(frozen=True)
class _Line:
    """Energy distance of two samples on the line under permuted labels."""

    gaps: FloatArray
    n: int
    m: int

    def draw(self, generator: Generator, count: int) -> FloatArray:
        out = np.empty(count)
        for k in range(count):
            in_x = np.zeros(self.n + self.m)
            in_x[: self.n] = 1.0
            generator.shuffle(in_x)
            # F - G after each sorted point; the last one, where both are 1, is left out.
            u = np.cumsum(in_x)[:-1]
            v = np.arange(1.0, self.n + self.m) - u
            gap = u / self.n - v / self.m
            out[k] = math.sqrt(2.0 * float((gap * gap) @ self.gaps))
        return out


def _line(pooled: FloatArray, n: int) -> _Line:
    return _Line(np.diff(np.sort(pooled)), n, len(pooled) - n)


@dataclass(frozen=True)
class _Labels:
    """Energy distance or MMD of the pooled rows under permuted labels.

    `width` None stands for the distance, otherwise for the Gaussian kernel; `table` is None
    where it is too large to keep.
    """

    pooled: FloatArray
    width: float | None
    n: int
    table: FloatArray | None
    row_sums: FloatArray

    def draw(self, generator: Generator, count: int) -> FloatArray:
        labels = np.zeros((len(self.pooled), count))
        for k in range(count):
            labels[generator.permutation(len(self.pooled))[: self.n], k] = 1.0
        return self.statistics(labels)

    def statistics(self, labels: FloatArray) -> FloatArray:
        """Return the statistic for each column of zeros and ones."""
        n, m = self.n, len(self.pooled) - self.n
        inner = np.einsum("ij,ij->j", labels, self._times(labels))
        touched = self.row_sums @ labels
        cross = touched - inner
        outer = float(self.row_sums.sum()) - 2.0 * touched + inner
        value = inner / n**2 + outer / m**2 - 2.0 * cross / (n * m)
        if self.width is None:
            return np.asarray(np.sqrt(np.maximum(-value, 0.0)))
        return np.asarray(np.maximum(value, 0.0))

    def _times(self, labels: FloatArray) -> FloatArray:
        if self.table is not None:
            return np.asarray(self.table @ labels)
        return _table_times(_pair_tile(self.pooled, self.width), labels)


def _labels(pooled: FloatArray, width: float | None, n: int) -> _Labels:
    tile = _pair_tile(pooled, width)
    size = len(pooled)
    if size > _STORED_POINTS:
        row_sums = _table_times(tile, np.ones((size, 1)))[:, 0]
        return _Labels(pooled, width, n, None, row_sums)
    table = _stored(tile, size)
    return _Labels(pooled, width, n, table, table.sum(axis=1))


def _pair_tile(pooled: FloatArray, width: float | None) -> Tile:
    return distance_tile(pooled, pooled) if width is None else gaussian_tile(pooled, pooled, width)


def _stored(tile: Tile, size: int) -> FloatArray:
    table = np.empty((size, size))
    for rows, columns in tiles(size, size, symmetric=True):
        part = tile(rows, columns)
        table[rows, columns] = part
        table[columns, rows] = part.T
    return table


def _table_times(tile: Tile, labels: FloatArray) -> FloatArray:
    out = np.zeros(labels.shape)
    for rows, columns in tiles(len(labels), len(labels), symmetric=True):
        part = tile(rows, columns)
        out[rows] += part @ labels[columns]
        if columns.start > rows.start:
            out[columns] += part.T @ labels[rows]
    return out


# -------------------------------------------------------------------------------- independence
def _independence(
    kind: str, X: FloatArray, Y: FloatArray, kernel: str, bandwidth: float | None
) -> tuple[float, _Pairing]:
    function = cka if kind == "cka" else hsic
    observed = function(X, Y, kernel=kernel, bandwidth=bandwidth)
    # Linear kernels work on the data, unless these have more columns than a table of pairs.
    if kernel == "linear" and X.shape[1] * Y.shape[1] <= len(X) ** 2:
        pairing = _Pairing(X - X.mean(axis=0), Y - Y.mean(axis=0), False, 1.0)
    else:
        left, right = (_gram_table(sample, kernel, bandwidth) for sample in (X, Y))
        means = left.mean(axis=0)
        left -= means
        left -= (means - means.mean())[:, None]
        pairing = _Pairing(left, right, True, 1.0)
    # CKA is HSIC over a number that no permutation changes, so the observed value sets the scale.
    raw = float(pairing.statistic(np.arange(len(X))))
    scale = observed / raw if raw != 0.0 else 0.0
    return observed, _Pairing(pairing.left, pairing.right, pairing.grams, scale)


def _gram_table(sample: FloatArray, kernel: str, bandwidth: float | None) -> FloatArray:
    size = len(sample)
    if size > _STORED_POINTS:
        raise InputError(
            f"X and Y must have at most {_STORED_POINTS} rows where tables of all pairs are needed, got "
            f'{size}; draw a random subset of rows, or reduce the columns and pass kernel="linear"'
        )
    if kernel == "linear":
        centred = sample - sample.mean(axis=0)
        return np.asarray(centred @ centred.T)
    width = kernel_width(bandwidth, sample)
    return _stored(gaussian_tile(sample, sample, width), size)


@dataclass(frozen=True)
class _Pairing:
    """HSIC or CKA under permuted rows of Y.

    `left` and `right` are centred data, or Gram matrices of which the left one is centred.
    """

    left: FloatArray
    right: FloatArray
    grams: bool
    scale: float

    def draw(self, generator: Generator, count: int) -> FloatArray:
        size = len(self.left)
        return np.array([self.scale * self.statistic(generator.permutation(size)) for _ in range(count)])

    def statistic(self, order: Any) -> float:
        """Return the unscaled statistic with row ``order[i]`` of Y beside row i of X."""
        if self.grams:
            run = permuted_product if len(self.left) > _SMALL else permuted_product.twin
            return float(run(self.left, self.right, order))
        cross = self.left.T @ self.right[order]
        return float(np.vdot(cross, cross))


def permuted_product_numpy(left: FloatArray, right: FloatArray, order: Any) -> float:
    """Return ``sum_ij left[i, j] right[order[i], order[j]]`` (plain NumPy).

    Parameters
    ----------
    left, right, order
        As in `permuted_product`.

    Returns
    -------
    float
        As of `permuted_product`.
    """
    return float(np.vdot(left, right[np.ix_(order, order)]))


@compiled(twin=permuted_product_numpy, fastmath={"contract", "reassoc", "nsz", "nnan"})
def permuted_product(left: Any, right: Any, order: Any) -> Any:
    """Return ``sum_ij left[i, j] right[order[i], order[j]]`` for symmetric tables.

    Parameters
    ----------
    left, right : ndarray of shape (n, n)
        Symmetric tables.
    order : ndarray of int, shape (n,)
        Permutation of the rows of the second.

    Returns
    -------
    float
        The sum.
    """
    n = len(order)
    total = 0.0
    diagonal = 0.0
    for i in range(n):
        row = right[order[i]]
        diagonal += left[i, i] * row[order[i]]
        part = 0.0
        for j in range(i):
            part += left[i, j] * row[order[j]]
        total += part
    return 2.0 * total + diagonal
