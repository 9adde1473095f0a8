"""One pass over all pairs, against the matrix of all pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp

from infostat.density import sweep_kernels
from infostat.density.sweep import _halvings, _plan, kernel_sweep

Array = NDArray[np.float64]


def _reference(X: Array, Q: Array, h: float, masses: Array | None, own: Array | None) -> dict[str, Any]:
    """Everything from the m x n matrix of differences."""
    squared = ((Q[:, None] - X[None]) ** 2).sum(axis=2)
    terms = -squared / (2.0 * h * h) + (0.0 if masses is None else np.log(masses))
    if own is not None:
        rows = np.flatnonzero(own >= 0)
        terms[rows, own[rows]] = -np.inf
        squared[rows, own[rows]] = np.inf
    log_sum = logsumexp(terms, axis=1)
    p = np.exp(terms - log_sum[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(p > 0, p * np.log(p), 0.0).sum(axis=1)
    order = np.argsort(squared, axis=1, kind="stable")
    return {
        "log_sum": log_sum,
        "participation_ratio": (p * p).sum(axis=1),
        "weight_entropy": entropy,
        "max_weight": p.max(axis=1),
        "squared": np.take_along_axis(squared, order, axis=1),
        "neighbours": order,
        "terms": terms,
    }


def _compare(found: Any, wanted: dict[str, Any], k: int, rtol: float = 1e-11) -> None:
    for name in ("log_sum", "participation_ratio", "weight_entropy", "max_weight"):
        np.testing.assert_allclose(getattr(found, name), wanted[name], rtol=rtol, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(found.squared, wanted["squared"][:, :k], rtol=1e-13)
    np.testing.assert_array_equal(found.neighbours, wanted["neighbours"][:, :k])


@pytest.mark.parametrize("route", ["loops", "products"])
@pytest.mark.parametrize("h", [0.05, 0.7, 30.0])
@pytest.mark.parametrize(("n", "m", "d"), [(2, 3, 1), (17, 5, 3), (1300, 40, 20), (1500, 300, 5)])
def test_observables_equal_those_of_the_whole_matrix(n: int, m: int, d: int, h: float, route: str) -> None:
    rng = np.random.default_rng([n, m, d])
    X, Q = rng.normal(size=(n, d)) + 3.0, rng.normal(size=(m, d)) + 3.0
    k = min(20, n)
    found = kernel_sweep(X, Q, h, n_neighbours=k, route=route)
    _compare(found, _reference(X, Q, h, None, None), k)


@pytest.mark.parametrize("route", ["loops", "products"])
@pytest.mark.parametrize("n", [90, 1200])  # plain NumPy, compiled
def test_masses_and_points_left_out_by_index(n: int, route: str) -> None:
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 18))
    masses = rng.integers(1, 5, size=n).astype(float)
    own = np.arange(0, n, 2)
    own[3] = -1
    Q = X[np.arange(0, n, 2)]
    found = kernel_sweep(X, Q, 1.2, masses=masses, exclude=own, n_neighbours=9, route=route)
    _compare(found, _reference(X, Q, 1.2, masses, own), 9)
    assert found.squared[3, 0] == 0.0  # not left out: the query is its own neighbour


def test_compiled_kernels_and_their_twins_do_the_same() -> None:
    rng = np.random.default_rng(3)
    c, m, d, k = 70, 12, 4, 10
    points, queries = rng.normal(size=(d, c)), rng.normal(size=(m, d))
    cuts, groups = np.array([0, 1, 30, 70]), np.array([2, 3, 4])
    own = rng.integers(-5, c + 5, size=m)
    shared = (np.log(rng.uniform(1, 2, c)), 100 + rng.permutation(c), own, cuts, groups, 0.8)
    products = (queries @ points, (queries**2).sum(axis=1), (points**2).sum(axis=0))
    outcomes = []
    for loops, tiles in (
        (sweep_kernels.by_loops, sweep_kernels.by_products),
        (sweep_kernels.by_loops.twin, sweep_kernels.by_products.twin),
    ):
        for run, tile in ((loops, (points, queries)), (tiles, products)):
            state = np.zeros((m, 6, 4))
            state[:, :, 0] = sweep_kernels.NOTHING
            best, found = np.full((m, k), np.inf), np.zeros((m, k), dtype=np.intp)
            for _ in range(2):  # the second time the states are not empty
                run(*tile, *shared, state, best, found)
            outcomes.append((state, best, found))
    for state, best, found in outcomes[1:]:
        np.testing.assert_allclose(state, outcomes[0][0], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(best, outcomes[0][1], rtol=1e-12)
        np.testing.assert_array_equal(found[:, ::2], outcomes[0][2][:, ::2])
    assert (outcomes[0][0][:, [0, 1, 5], 0] == sweep_kernels.NOTHING).all()  # groups not met


def test_small_kernels_equal_their_twins() -> None:
    rng = np.random.default_rng(4)
    values, more = rng.normal(size=50), rng.normal(size=50)
    assert sweep_kernels.largest(values, 40) == sweep_kernels.largest.twin(values, 40)
    np.testing.assert_allclose(
        sweep_kernels.sums(values, more, 40), sweep_kernels.sums.twin(values, more, 40), rtol=1e-13
    )
    lists = []
    for run in (sweep_kernels.insert, sweep_kernels.insert.twin):
        best, found = np.array([-3.0, 0.0, np.inf]), np.array([7, 8, 0])
        run(values.copy(), np.arange(50), best, found)
        lists.append((best, found))
    np.testing.assert_array_equal(lists[0], lists[1])
    states = []
    for run in (sweep_kernels.add_terms, sweep_kernels.add_terms.twin):
        state = np.array([[0.5, 1.0, 1.0, 0.0], [sweep_kernels.NOTHING, 0.0, 0.0, 0.0]])
        run(values.copy(), np.empty(50), np.array([0, 20, 50]), np.array([0, 1]), state)
        states.append(state)
    np.testing.assert_allclose(states[0], states[1], rtol=1e-13)
    Q, X, who = rng.normal(size=(3, 6)), rng.normal(size=(9, 6)), rng.integers(0, 9, size=(3, 4))
    np.testing.assert_allclose(sweep_kernels.measure(Q, X, who), sweep_kernels.measure.twin(Q, X, who), rtol=1e-14)


@pytest.mark.parametrize(("n", "h"), [(33, 0.6), (400, 0.6), (400, 0.002), (4000, 0.6)])
def test_half_ratio_is_the_median_over_random_halves(n: int, h: float) -> None:
    # h = 0.002: the halves differ by thousands of nats, far beyond the range of one common scale.
    X = np.random.default_rng(n).normal(size=(n, 4))
    own = np.arange(min(n, 100))
    found = kernel_sweep(X, X[own], h, exclude=own, n_halvings=4, generator=np.random.default_rng(5))
    again = np.random.default_rng(5)
    plan = _plan(X, None, 1.0, again)
    sides = _halvings(plan.n_groups, 4, again)
    group = plan.group
    terms = _reference(X, X[own], h, None, own)["terms"]
    gaps = []
    for side in sides:
        half = side[group] == 1.0
        assert abs(half.sum() - n / 2) <= 8
        density = [logsumexp(terms[:, part], axis=1) - np.log(part.sum() - part[own]) for part in (half, ~half)]
        gaps.append(np.abs(density[0] - density[1]))
    np.testing.assert_allclose(found.half_ratio, np.median(gaps, axis=0), rtol=1e-10, atol=1e-12)
    if h < 0.01:
        assert found.half_ratio.max() > 5e3


def test_a_half_without_points_differs_without_bound() -> None:
    X = np.array([[0.0], [1.0]])
    found = kernel_sweep(X, X, 1.0, exclude=np.arange(2))
    assert (found.half_ratio == np.inf).all()
    np.testing.assert_array_equal(found.participation_ratio, 1.0)
    np.testing.assert_array_equal(found.weight_entropy, 0.0)


def test_numbers_do_not_depend_on_threads() -> None:
    X = np.random.default_rng(8).normal(size=(700, 20))
    one, two = (kernel_sweep(X, X, 1.0, exclude=np.arange(700), n_neighbours=5, n_jobs=j) for j in (1, 2))
    for name in ("log_sum", "participation_ratio", "half_ratio", "squared", "neighbours"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_every_block_is_reported() -> None:
    seen: list[tuple[int, int]] = []
    X = np.random.default_rng(8).normal(size=(600, 2))
    kernel_sweep(X, X, 1.0, report=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_clumps_far_from_the_centre_are_measured_by_differences() -> None:
    # The matrix product sees squared norms of 1e8 and distances of 1e-10: all its digits are lost.
    rng = np.random.default_rng(9)
    grid = rng.integers(-(2**10), 2**10, size=(1000, 30)) / 2.0**26
    X = grid + np.where(np.arange(1000)[:, None] < 500, 2.0**11, -(2.0**11))
    own = np.arange(400)
    h = 2.0**-16
    found = kernel_sweep(X, X[own], h, exclude=own, n_neighbours=6)
    same = grid[:500]
    wanted = _reference(same, same[own], h, None, own)
    _compare(found, wanted, 6, rtol=1e-12)


def test_extreme_bandwidths_give_limits_and_no_nan() -> None:
    X = np.random.default_rng(10).normal(size=(50, 3)) * 1e10
    tiny = kernel_sweep(X, X, 1e-150, exclude=np.arange(50), n_neighbours=1)
    assert (tiny.log_sum == -np.inf).all()
    np.testing.assert_array_equal(tiny.participation_ratio, 1.0)
    np.testing.assert_array_equal(tiny.max_weight, 1.0)
    wide = kernel_sweep(X, X, 1e100, exclude=np.arange(50), n_neighbours=1)
    np.testing.assert_allclose(wide.participation_ratio, 1.0 / 49.0, rtol=1e-12)
    np.testing.assert_allclose(wide.weight_entropy, math.log(49.0), rtol=1e-12)
    np.testing.assert_allclose(wide.half_ratio, 0.0, atol=1e-12)
    for found in (tiny, wide):
        assert not np.isnan(np.concatenate([found.log_sum, found.half_ratio, found.weight_entropy])).any()


def test_inputs_are_left_alone() -> None:
    X = np.random.default_rng(11).normal(size=(100, 20))
    before = X.copy()
    X.flags.writeable = False
    kernel_sweep(X, X[:7], 0.5, exclude=np.arange(7), n_neighbours=3)
    np.testing.assert_array_equal(X, before)
