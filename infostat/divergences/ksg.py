"""Mutual information of continuous variables by counting neighbours in the margins.

The distance to the k-th neighbour in the joint space sets one scale per row; the numbers of
rows within that scale in each margin replace three separate entropy estimates, so that their
biases cancel to a large part.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.rng import RngLike
from ..core.samples import as_sample, same_rows
from ..core.threads import run_blocks, threads
from ..core.validation import FloatArray, check_choice, check_count, check_flag
from .neighbours import check_k, plan_search
from .plane_kernels import IntArray, count_on_line, extents_in_strips, kth_in_strips, make_strips
from .results import Estimate
from .samples import bias_from_blocks, block_spread, jitter_samples, refuse_ties

__all__ = ["cmi_knn", "mi_ksg"]

# Smaller samples are answered by the twins (a tree, vectorised bisection) before Numba is there.
_COMPILED_FROM = 3000
_CHUNK = 16_384


def mi_ksg(
    x: Any,
    y: Any,
    k: int = 3,
    algorithm: int = 1,
    standardize: bool = False,
    *,
    jitter: float | None = None,
    rng: RngLike = 0,
    standard_error: bool = True,
    n_jobs: int | None = None,
) -> Estimate:
    """Return the mutual information of two continuous variables or vectors, in nats.

    Parameters
    ----------
    x : array_like, Series, DataFrame or path, shape (n,) or (n, d_x)
        First variable; row i belongs to row i of `y`.
    y : array_like, Series, DataFrame or path, shape (n,) or (n, d_y)
        Second variable.
    k : int
        Number of the neighbour; small values have less bias and more variance.
    algorithm : {1, 2}
        1 counts rows strictly closer than the k-th neighbour, 2 rows within the extents of
        the k neighbours in each margin.
    standardize : bool
        Divide each column by its standard deviation first; advised when units differ, because
        the estimate depends on their ratio at finite n.
    jitter : float, optional
        Relative size of normal noise that breaks ties (``1e-10``).
    rng : None, int, SeedSequence or Generator
        Seed of the jitter.
    standard_error : bool
        False leaves out the blocks and saves about half of the time.
    n_jobs : int, optional
        Threads; None is one.

    Returns
    -------
    Estimate
        Fields ``value se n method bias_note``. It is not clipped and may be slightly negative.

    Raises
    ------
    DataError
        If rows of (x, y) are tied so that a distance is zero, the numbers of rows differ, or
        a value is missing.
    InputError
        If ``k >= n`` or an option is unknown.

    Notes
    -----
    Maximum norm throughout. Algorithm 1: psi(k) + psi(n) - mean[psi(n_x + 1) + psi(n_y + 1)];
    algorithm 2: psi(k) - 1/k + psi(n) - mean[psi(n_x) + psi(n_y)] (Kraskov, Stögbauer and
    Grassberger 2004, equations 8 and 9). Where several rows tie at the k-th distance,
    algorithm 2 takes the extents over all of them, so that the order of rows does not matter.
    The estimate is too low for strong dependence: n rows cannot show much more than log n.
    For a discrete variable beside a continuous one there is no estimator here.

    Examples
    --------
    >>> g = np.random.default_rng(2)
    >>> x = g.normal(size=1000)
    >>> y = 0.6 * x + 0.8 * g.normal(size=1000)
    >>> estimate = mi_ksg(x, y)
    >>> bool(abs(float(estimate) - 0.2231) < 3 * estimate.se)
    True
    """
    parts = _prepare({"x": x, "y": y}, standardize, jitter, rng)
    n = len(parts[0])
    number = check_k(k, n, "x")
    variant = check_choice("algorithm", check_count("algorithm", algorithm), (1, 2))
    jobs = threads(n_jobs)
    plane = parts[0].shape[1] == parts[1].shape[1] == 1
    compiled = n >= _COMPILED_FROM
    formula = _plane_terms if plane else _joint_terms

    def estimate(pair: Sequence[FloatArray], workers: int) -> float:
        return formula(pair[0], pair[1], number, variant, compiled, workers)

    method = f"KSG algorithm {variant}, k = {number}, max norm{', standardized' if standardize else ''}"
    return _result(estimate, parts, number, standard_error, jobs, method, "Mutual information")


def cmi_knn(
    x: Any,
    y: Any,
    z: Any,
    k: int = 3,
    *,
    standardize: bool = False,
    jitter: float | None = None,
    rng: RngLike = 0,
    standard_error: bool = True,
    n_jobs: int | None = None,
) -> Estimate:
    """Return the conditional mutual information I(X;Y|Z) of continuous variables, in nats.

    Parameters
    ----------
    x, y, z : array_like, Series, DataFrame or path, shape (n,) or (n, d)
        Variables or vectors; row i of each is one observation. `z` is the condition.
    k : int
        Number of the neighbour in the joint space.
    standardize, jitter, rng, standard_error, n_jobs
        As in `mi_ksg`.

    Returns
    -------
    Estimate
        Fields ``value se n method bias_note``. It is not clipped and may be negative.

    Raises
    ------
    DataError
        If rows of (x, y, z) are tied so that a distance is zero, the numbers of rows differ, or
        a value is missing.
    InputError
        If ``k >= n`` or an option is unknown.

    Notes
    -----
    psi(k) + mean[psi(n_z + 1) - psi(n_xz + 1) - psi(n_yz + 1)] with counts of rows strictly
    closer than the k-th neighbour of (x, y, z), maximum norm (Frenzel and Pompe 2007).

    Examples
    --------
    >>> g = np.random.default_rng(3)
    >>> z, a, b = g.normal(size=(3, 1000))
    >>> estimate = cmi_knn(z + a, z + b, z)
    >>> bool(abs(float(estimate)) < 0.1)
    True
    """
    parts = _prepare({"x": x, "y": y, "z": z}, standardize, jitter, rng)
    n = len(parts[0])
    number = check_k(k, n, "x")
    jobs = threads(n_jobs)
    compiled = n >= _COMPILED_FROM

    def estimate(triple: Sequence[FloatArray], workers: int) -> float:
        return _conditional_terms(triple[0], triple[1], triple[2], number, compiled, workers)

    method = f"Frenzel-Pompe, k = {number}, max norm{', standardized' if standardize else ''}"
    return _result(estimate, parts, number, standard_error, jobs, method, "Conditional mutual information")


def _prepare(data: dict[str, Any], standardize: bool, jitter: float | None, rng: RngLike) -> list[FloatArray]:
    samples = {name: as_sample(name, value) for name, value in data.items()}
    same_rows(samples)
    if check_flag("standardize", standardize):
        samples = {name: _standardized(name, sample) for name, sample in samples.items()}
    return jitter_samples(list(samples.values()), jitter, rng)


def _standardized(name: str, sample: FloatArray) -> FloatArray:
    spread = sample.std(axis=0, ddof=1)
    n_constant = int(np.count_nonzero(spread == 0.0))
    if n_constant:
        raise DataError(
            f"{name} must vary in every column to be standardized, got {n_constant} constant columns; "
            "leave them out or pass standardize=False"
        )
    return np.asarray(sample / spread)


def _result(
    statistic: Callable[[Sequence[FloatArray], int], float],
    parts: Sequence[FloatArray],
    k: int,
    standard_error: bool,
    jobs: int,
    method: str,
    quantity: str,
) -> Estimate:
    wanted = check_flag("standard_error", standard_error)
    value = statistic(parts, jobs)
    spread = block_spread(lambda *block: statistic(block, 1), parts, minimum=k + 1, n_jobs=jobs, wanted=wanted)
    n, width = len(parts[0]), sum(part.shape[1] for part in parts)
    notes = [bias_from_blocks(value, spread, min(2.0 / width, 1.0)), spread.note]
    if value > 0.5 * math.log(n):
        notes.insert(
            0, f"strong dependence: {n} rows cannot show much more than log n = {math.log(n):.2g}, likely too low"
        )
    return Estimate(
        value=value,
        se=spread.se,
        n=n,
        method=method,
        bias_note="; ".join(note for note in notes if note),
        quantity=quantity,
    )


def _plane_terms(x: FloatArray, y: FloatArray, k: int, algorithm: int, compiled: bool, jobs: int) -> float:
    """KSG for two single columns: strips for the neighbours, sorted lines for the counts."""
    a, b = x[:, 0], y[:, 0]
    # Strips are cut along the narrower variable; the order inside them uses the wider one.
    if _quartile_range(a) > _quartile_range(b):
        a, b = b, a
    order, starts = make_strips(a, b, k)
    a, b = a[order], b[order]
    n_strips = len(starts) - 1
    search = kth_in_strips if compiled else kth_in_strips.twin
    cuts = np.linspace(0, n_strips, min(jobs, n_strips) + 1).astype(np.int64)
    pieces = run_blocks(
        lambda first, last: search(a, b, starts, k, int(first), int(last)),
        list(itertools.pairwise(cuts)),
        jobs,
    )
    radius = np.concatenate(pieces)
    refuse_ties(radius, k, rows="(x, y)")
    if algorithm == 1:
        return _algorithm_1(k, _line_counts([a, b], [radius, radius], True, compiled, jobs))
    extent = extents_in_strips if compiled else extents_in_strips.twin
    return _algorithm_2(k, _line_counts([a, b], list(extent(a, b, starts, radius)), False, compiled, jobs))


def _joint_terms(x: FloatArray, y: FloatArray, k: int, algorithm: int, compiled: bool, jobs: int) -> float:
    """KSG for vectors."""
    radius = _joint_radius([x, y], k, jobs, "(x, y)")
    if algorithm == 1:
        return _algorithm_1(k, [_count(part, radius, True, compiled, jobs) for part in (x, y)])
    extents = _extents(x, y, radius)
    counts = [_count(part, r, False, compiled, jobs) for part, r in zip((x, y), extents, strict=True)]
    return _algorithm_2(k, counts)


def _conditional_terms(x: FloatArray, y: FloatArray, z: FloatArray, k: int, compiled: bool, jobs: int) -> float:
    radius = _joint_radius([x, y, z], k, jobs, "(x, y, z)")
    spaces = [z, np.hstack([x, z]), np.hstack([y, z])]
    psi = [_mean_digamma(_count(space, radius, True, compiled, jobs) + 1) for space in spaces]
    return _digamma(k) + psi[0] - psi[1] - psi[2]


def _algorithm_1(k: int, counts: Sequence[IntArray]) -> float:
    n = len(counts[0])
    return _digamma(k) + _digamma(n) - sum(_mean_digamma(count + 1) for count in counts)


def _algorithm_2(k: int, counts: Sequence[IntArray]) -> float:
    n = len(counts[0])
    return _digamma(k) - 1.0 / k + _digamma(n) - sum(_mean_digamma(count) for count in counts)


def _digamma(value: int) -> float:
    from scipy.special import digamma

    return float(digamma(value))


def _mean_digamma(counts: IntArray) -> float:
    from scipy.special import digamma

    # Counts repeat: one evaluation per distinct value.
    frequency = np.bincount(counts)
    values = np.flatnonzero(frequency)
    return float(frequency[values] @ digamma(values) / len(counts))


def _quartile_range(values: FloatArray) -> float:
    n = len(values)
    low, high = np.partition(values, [n // 4, (3 * n) // 4])[[n // 4, (3 * n) // 4]]
    return float(high - low)


def _joint_radius(parts: Sequence[FloatArray], k: int, jobs: int, rows: str) -> FloatArray:
    joint = np.hstack(parts)
    radius = plan_search(len(joint), len(joint), joint.shape[1], "max", n_jobs=jobs).kth(joint, k)
    refuse_ties(radius, k, rows=rows)
    return radius


def _line_counts(
    lines: Sequence[FloatArray], radii: Sequence[FloatArray], strict: bool, compiled: bool, jobs: int
) -> list[IntArray]:
    return [_count_column(line, r, strict, compiled, jobs) for line, r in zip(lines, radii, strict=True)]


def _count(sample: FloatArray, radius: FloatArray, strict: bool, compiled: bool, jobs: int) -> IntArray:
    """Count the other rows closer than the radius (or not farther), maximum norm."""
    if sample.shape[1] == 1:
        return _count_column(sample[:, 0], radius, strict, compiled, jobs)
    from scipy.spatial import cKDTree

    tree = cKDTree(sample, balanced_tree=False)
    # The tree compares rounded differences, and no double lies between the two radii.
    reach = np.nextafter(radius, 0.0) if strict else radius

    def part(start: int) -> IntArray:
        rows = slice(start, start + _CHUNK)
        return np.asarray(tree.query_ball_point(sample[rows], reach[rows], p=np.inf, return_length=True))

    counts = run_blocks(part, [(start,) for start in range(0, len(sample), _CHUNK)], jobs)
    return np.asarray(np.concatenate(counts) - 1)


def _count_column(values: FloatArray, radius: FloatArray, strict: bool, compiled: bool, jobs: int) -> IntArray:
    order = np.argsort(values)
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.arange(len(values))
    line = values[order]
    count = count_on_line if compiled else count_on_line.twin
    size = -(-len(values) // jobs)
    pieces = [(start, start + size) for start in range(0, len(values), size)]
    done = run_blocks(lambda i, j: count(line, rank[i:j], radius[i:j], strict), pieces, jobs)
    return np.asarray(np.concatenate(done))


def _extents(x: FloatArray, y: FloatArray, radius: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how far, in each margin, the rows within the joint radius reach."""
    from scipy.spatial import cKDTree

    joint = np.hstack([x, y])
    tree = cKDTree(joint, balanced_tree=False)
    wide, tall = np.empty(len(x)), np.empty(len(x))
    for start in range(0, len(x), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(x)))
        near = tree.query_ball_point(joint[rows], radius[rows], p=np.inf)
        # Every list holds at least the row itself, so no segment is empty.
        sizes = np.array([len(found) for found in near])
        labels, first = np.concatenate(near).astype(np.int64), np.cumsum(sizes) - sizes
        centres = np.repeat(rows, sizes)
        for sample, result in ((x, wide), (y, tall)):
            reach = np.abs(sample[labels] - sample[centres]).max(axis=1)
            result[rows] = np.maximum.reduceat(reach, first)
    return wide, tall
