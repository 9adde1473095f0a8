"""Distances to k-th neighbours: every route against enumeration, every kernel against its twin."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from infostat.core.errors import InputError
from infostat.core.threads import run_blocks, threads
from infostat.divergences.neighbour_kernels import (
    farthest_of,
    keep_smallest,
    kth_direct,
    kth_on_line,
    kth_on_line_from,
    select_both,
    select_rows,
)
from infostat.divergences.neighbours import NeighbourSearch, check_k, plan_search
from infostat.divergences.plane_kernels import count_on_line, extents_in_strips, kth_in_strips, make_strips
from infostat.divergences.tree_kernels import build_tree, kth_in_tree

ROUTES = ["tree", "boxes", "tiles"]
NORMS = {"euclidean": "euclidean", "max": "chebyshev"}


def enumerate_kth(Q: np.ndarray, Y: np.ndarray, k: int, norm: str, same: bool) -> np.ndarray:
    table = cdist(Q, Y, NORMS[norm])
    if same:
        np.fill_diagonal(table, np.inf)
    return np.sort(table, axis=1)[:, k - 1]


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("norm", list(NORMS))
@pytest.mark.parametrize("d", [2, 3, 9, 17])
@pytest.mark.parametrize("jobs", [1, 2])
def test_routes_agree_with_enumeration(route: str, norm: str, d: int, jobs: int) -> None:
    # More than one tile of rows (256) and of columns (1024).
    X, Y = cloud(1300, d), cloud(1100, d, 1)
    search = NeighbourSearch(norm, route, jobs)
    for k in (1, 4):
        np.testing.assert_allclose(search.kth(X, k), enumerate_kth(X, X, k, norm, True), rtol=1e-12)
        np.testing.assert_allclose(search.kth_from(X, Y, k), enumerate_kth(X, Y, k, norm, False), rtol=1e-12)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("norm", list(NORMS))
def test_repeated_rows_are_at_distance_zero_exactly(route: str, norm: str) -> None:
    X = np.random.default_rng(2).integers(0, 3, size=(600, 4)) + 0.1
    got = NeighbourSearch(norm, route).kth(X, 3)
    np.testing.assert_allclose(got, enumerate_kth(X, X, 3, norm, True), rtol=1e-14)
    assert (got == 0.0).any()


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("factor", [1e-200, 1e200, 1e-300])
def test_extreme_scales_neither_vanish_nor_overflow(route: str, factor: float) -> None:
    X = cloud(400, 5)
    search = NeighbourSearch("euclidean", route)
    np.testing.assert_allclose(search.kth(X * factor, 2) / factor, search.kth(X, 2), rtol=1e-11)


def test_tiles_do_not_cancel_far_from_the_centre() -> None:
    # Two tight clusters: |x|^2 = 1e6 and squared distances near 1e-10 would share no digit.
    X = 1e-6 * cloud(400, 12)
    X[:200] += 300.0
    got = NeighbourSearch("euclidean", "tiles").kth(X, 3)
    np.testing.assert_allclose(got, enumerate_kth(X, X, 3, "euclidean", True), rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_line(k: int) -> None:
    rng = np.random.default_rng(k)
    x, y = rng.standard_normal(60), rng.integers(-2, 3, 40).astype(float)
    for values in (x, y):
        expected = enumerate_kth(values[:, None], values[:, None], k, "max", True)
        np.testing.assert_array_equal(kth_on_line(values, k), expected)
        np.testing.assert_array_equal(NeighbourSearch("euclidean", "tree").kth(values[:, None], k), expected)
    np.testing.assert_array_equal(kth_on_line_from(x, y, k), enumerate_kth(x[:, None], y[:, None], k, "max", False))
    np.testing.assert_array_equal(kth_on_line_from(x, y[:k], k), np.abs(x[:, None] - y[:k]).max(axis=1))


def test_plan_changes_with_size_and_dimension() -> None:
    assert plan_search(500, 500, 40).route == "tree"
    assert plan_search(100_000, 100_000, 3).route == "boxes"
    assert plan_search(5_000, 5_000, 3).route == "tree"
    assert plan_search(10_000, 10_000, 30).route == "tiles"
    assert plan_search(10_000, 10_000, 8, "max").route == "tree"


def test_check_k() -> None:
    assert check_k(9, 10, "X") == 9
    with pytest.raises(InputError, match="k must be an integer.*got 10.*only 9 other rows"):
        check_k(10, 10, "X")
    with pytest.raises(InputError, match="k must be"):
        check_k(0, 10, "X")


def test_threads_and_blocks() -> None:
    assert threads(-1) >= 1
    assert run_blocks(lambda a: a * a, [(i,) for i in range(5)], 2) == [0, 1, 4, 9, 16]


class TestTwins:
    @pytest.mark.parametrize("tied", [False, True])
    @pytest.mark.parametrize("k", [1, 5])
    def test_strips(self, tied: bool, k: int) -> None:
        rng = np.random.default_rng(3)
        x, y = rng.standard_normal((2, 1500))
        if tied:
            x, y = np.round(x, 1), np.round(y, 1)
        order, starts = make_strips(x, y, k)
        assert len(starts) > 3
        np.testing.assert_array_equal(np.sort(order), np.arange(1500))
        a, b = x[order], y[order]
        last = len(starts) - 1
        radius = kth_in_strips(a, b, starts, k, 0, last)
        np.testing.assert_array_equal(radius, kth_in_strips.twin(a, b, starts, k, 0, last))
        np.testing.assert_array_equal(kth_in_strips(a, b, starts, k, 1, 3), radius[starts[1] : starts[3]])
        for got, expected in zip(
            extents_in_strips(a, b, starts, radius), extents_in_strips.twin(a, b, starts, radius), strict=True
        ):
            np.testing.assert_array_equal(got, expected)

    @pytest.mark.parametrize("strict", [True, False])
    def test_counts(self, strict: bool) -> None:
        rng = np.random.default_rng(4)
        line = np.sort(np.round(rng.standard_normal(300), 1))
        rank = rng.integers(0, 300, 500)
        radius = np.abs(line[rank] - line[rng.integers(0, 300, 500)])
        distance = np.abs(line - line[rank][:, None])
        near = distance < radius[:, None] if strict else distance <= radius[:, None]
        expected = near.sum(axis=1) - np.where(near[np.arange(500), rank], 1, 0)
        np.testing.assert_array_equal(count_on_line(line, rank, radius, strict), expected)
        np.testing.assert_array_equal(count_on_line.twin(line, rank, radius, strict), expected)

    def test_boundary_point_is_not_counted(self) -> None:
        # The radius reaches another point exactly; the rounded sum of centre and radius may pass it.
        line = np.sort(np.random.default_rng(5).standard_normal(2000))
        rank = np.arange(2000)
        radius = np.abs(line[::-1] - line)
        closer = (np.abs(line - line[:, None]) < radius[:, None]).sum(axis=1) - (radius > 0.0)
        for count in (count_on_line, count_on_line.twin):
            np.testing.assert_array_equal(count(line, rank, radius, True), closer)
        above = np.searchsorted(line, line + np.nextafter(radius, 0.0), "right")
        below = np.searchsorted(line, line - np.nextafter(radius, 0.0), "left")
        assert (above - below - 1 != closer).sum() > 10

    @pytest.mark.parametrize("same", [True, False])
    def test_select_rows(self, same: bool) -> None:
        A, B = cloud(70, 5), cloud(45, 5, 1)
        arguments = (A @ B.T, (A**2).sum(axis=1), (B**2).sum(axis=1), 0, 20, same)
        self.compare_lists(select_rows, arguments, 70, 4)

    def test_select_both(self) -> None:
        A, B = cloud(40, 5), cloud(33, 5, 1)
        arguments = (A @ B.T, (A**2).sum(axis=1), (B**2).sum(axis=1), 0, 40)
        self.compare_lists(select_both, arguments, 73, 3)

    @staticmethod
    def compare_lists(kernel: Any, arguments: tuple[Any, ...], rows: int, k: int) -> None:
        states = []
        for function in (kernel, kernel.twin):
            best, found = np.full((rows, k), np.inf), np.zeros((rows, k), dtype=np.int64)
            # Twice with other labels: the second call meets filled lists.
            function(*arguments, best, found)
            states.append((best, found))
        np.testing.assert_allclose(states[0][0], states[1][0], rtol=1e-12)
        np.testing.assert_array_equal(states[0][1], states[1][1])

    def test_keep_smallest_keeps_labels(self) -> None:
        best, found = np.array([[1.0, 3.0]]), np.array([[10, 30]])
        keep_smallest(best, found, np.array([[2.0, 0.5]]), np.array([[20, 5]]))
        np.testing.assert_array_equal(best, [[0.5, 1.0]])
        np.testing.assert_array_equal(found, [[5, 10]])

    def test_farthest_of(self) -> None:
        Q, Y = cloud(30, 6), cloud(20, 6, 1)
        found = np.random.default_rng(0).integers(0, 20, (30, 3))
        np.testing.assert_allclose(farthest_of(Q, Y, found, 2.0), farthest_of.twin(Q, Y, found, 2.0), rtol=1e-13)

    @pytest.mark.parametrize("maximum", [True, False])
    def test_kth_direct(self, maximum: bool) -> None:
        Q, Y = cloud(50, 6), cloud(1500, 6, 1)
        own = np.where(np.arange(50) % 2, np.arange(50), -1)
        np.testing.assert_allclose(
            kth_direct(Q, own, Y, 3, maximum, 0.5), kth_direct.twin(Q, own, Y, 3, maximum, 0.5), rtol=1e-13
        )

    @pytest.mark.parametrize("tied", [True, False])
    def test_build_tree_invariants(self, tied: bool) -> None:
        X = np.round(cloud(700, 3), 0 if tied else 12)
        for build in (build_tree, build_tree.twin):
            order, cuts, low, high = build(X, 24)
            np.testing.assert_array_equal(np.sort(order), np.arange(700))
            half = len(cuts) // 2
            for node in range(1, len(cuts)):
                inside = X[order[cuts[node, 0] : cuts[node, 1]]]
                np.testing.assert_array_equal(low[node], inside.min(axis=0))
                np.testing.assert_array_equal(high[node], inside.max(axis=0))
                if node < half:
                    assert cuts[2 * node, 1] == cuts[2 * node + 1, 0]
                    axis = np.argmax(high[node] - low[node])
                    assert high[2 * node, axis] <= low[2 * node + 1, axis]
                else:
                    assert 1 <= len(inside) <= 24

    @pytest.mark.parametrize("maximum", [True, False])
    def test_kth_in_tree(self, maximum: bool) -> None:
        X = np.round(cloud(600, 3), 1)
        order, cuts, low, high = build_tree(X, 24)
        columns, rows = np.ascontiguousarray(X[order].T), X[order]
        for own in (np.arange(600), np.full(600, -1)):
            arguments = (columns, cuts, low, high, rows, own, 4, maximum)
            np.testing.assert_allclose(kth_in_tree(*arguments), kth_in_tree.twin(*arguments), rtol=1e-13)

    def test_routes_without_compilation(self, monkeypatch: pytest.MonkeyPatch) -> None:
        X = cloud(300, 4)
        compiled = [NeighbourSearch(norm, route).kth(X, 3) for norm in NORMS for route in ROUTES]
        monkeypatch.setenv("INFOSTAT_DISABLE_JIT", "1")
        plain = [NeighbourSearch(norm, route).kth(X, 3) for norm in NORMS for route in ROUTES]
        np.testing.assert_allclose(compiled, plain, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_memory_of_blocked_search_stays_below_64_mb(jobs: int) -> None:
    n, k = 200_000, 5
    wide, small, flat = cloud(n, 30), cloud(1500, 30, 1), cloud(n, 5)
    for route, run in [
        ("tiles", lambda search: search.kth_from(wide, small, k)),
        ("boxes", lambda search: search.kth(flat, k)),
        ("tree", lambda search: search.kth(flat, k)),
    ]:
        search = NeighbourSearch("euclidean", route, jobs)
        search.kth(flat[:3000], k)
        tracemalloc.start()
        try:
            run(search)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 64e6, (route, peak)
