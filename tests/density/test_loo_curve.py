"""Leave-one-out curves against long-double sums, and the bins they are made with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import DataError, DuplicateRowsWarning, InputError, InputTypeError
from infostat.density import loo_kernels
from infostat.density.duplicates import remaining_masses
from infostat.density.loo_bins import LARGEST_RATIO, make_bins
from infostat.density.loo_curve import loo_curve
from infostat.density.loo_sums import fold_log_sums

PI = np.longdouble("3.14159265358979323846264338327950288")


def reference(X: Any, hs: Any, masses: Any = None, groups: Any = None) -> Any:
    """Mean leave-one-out log densities in extended precision, by explicit differences."""
    data = np.asarray(X, dtype=np.longdouble)
    n, d = data.shape
    m = np.ones(n, dtype=np.longdouble) if masses is None else np.asarray(masses, dtype=np.longdouble)
    group = np.arange(n) if groups is None else groups
    squares = np.array([np.square(data - row).sum(axis=1) for row in data])
    other = group[:, None] != group
    out = []
    for h in np.asarray(hs, dtype=np.longdouble):
        exponents = np.where(other, -squares / (2 * h * h), -np.inf)
        top = exponents.max(axis=1)
        sums = top + np.log((np.exp(exponents - top[:, None]) * m).sum(axis=1))
        rest = (other * m).sum(axis=1)
        out.append((m * (sums - np.log(rest))).sum() / m.sum() - d * np.log(h) - np.longdouble(d) / 2 * np.log(2 * PI))
    return np.array(out)


def check(X: Any, hs: Any, **kw: Any) -> None:
    got, wanted = loo_curve(X, hs, **kw), reference(X, hs, kw.get("masses"))
    assert np.max(np.abs(got - wanted) / np.maximum(1, np.abs(wanted))) < 1e-12


@pytest.mark.parametrize("n", [2, 3, 60, 560])
@pytest.mark.parametrize("d", [1, 4, 7, 16, 17, 90])
def test_values_have_twelve_digits(n: int, d: int) -> None:
    # 560 rows take the compiled kernels, fewer their twins; above 16 columns inner products.
    check(np.random.default_rng(n + d).standard_normal((n, d)), np.geomspace(0.02, 20, 9))


def test_hundred_thousand_nats_below_zero() -> None:
    X = np.random.default_rng(0).standard_normal((40, 3000))
    check(X, np.array([0.1, 1.0, 5.0]))
    assert loo_curve(X, [0.1])[0] < -1e5


@pytest.mark.parametrize(
    ("X", "hs"),
    [
        (np.random.default_rng(1).standard_cauchy((560, 3)), np.geomspace(1e-3, 1e4, 9)),
        (np.exp(2 * np.random.default_rng(2).standard_normal((560, 9))), np.geomspace(1e-3, 1e3, 9)),
        (np.random.default_rng(3).standard_normal((560, 5)), np.geomspace(1e-9, 1e9, 10)),
        (1e150 * np.random.default_rng(4).standard_normal((60, 6)), np.geomspace(1e148, 1e151, 5)),
        (1e-150 * np.random.default_rng(4).standard_normal((60, 6)), np.geomspace(1e-152, 1e-149, 5)),
    ],
    ids=["cauchy", "log-normal", "wide grid", "huge unit", "tiny unit"],
)
def test_scales_of_all_sizes(X: Any, hs: Any) -> None:
    check(X, hs)


@pytest.mark.parametrize("d", [8, 40])
def test_near_copies_keep_their_distance(d: int) -> None:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((560, d))
    X[280:] = X[:280] + 1e-9 * rng.standard_normal((280, d))
    check(X, np.geomspace(1e-10, 1, 9))


def test_low_dimension_inside_a_high_one_and_outliers() -> None:
    rng = np.random.default_rng(6)
    check(10 * rng.standard_normal((560, 3)) @ rng.standard_normal((3, 50)), np.geomspace(1e-2, 10, 6))
    X = rng.standard_normal((560, 40))
    X[:3] *= 1e5
    check(X, np.geomspace(1e-2, 10, 6))


def test_shift_changes_nothing() -> None:
    # On a grid of 2^-20 the shift itself is exact.
    X = np.round(np.random.default_rng(7).standard_normal((560, 6)) * 2.0**20) / 2.0**20
    hs = np.geomspace(0.1, 3, 9)
    assert np.allclose(loo_curve(X, hs), loo_curve(X + 1e6, hs), rtol=1e-9, atol=0)


def test_order_of_bandwidths_rows_and_threads() -> None:
    rng = np.random.default_rng(8)
    X, hs = rng.standard_normal((900, 5)), np.geomspace(0.1, 3, 12)
    base = loo_curve(X, hs)
    order = rng.permutation(12)
    assert np.allclose(loo_curve(X, hs[order]), base[order], rtol=1e-14)
    assert np.allclose(loo_curve(X[rng.permutation(900)], hs), base, rtol=1e-13)
    assert np.array_equal(loo_curve(X, hs, n_jobs=2), base)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 30), st.integers(1, 4), st.integers(0, 10**6), st.floats(0.05, 6))
def test_small_samples(n: int, d: int, seed: int, h: float) -> None:
    rng = np.random.default_rng(seed)
    X, masses = rng.standard_normal((n, d)), rng.exponential(size=n) ** 3
    check(X, np.array([h]), masses=masses)


def test_masses_from_tiny_to_large() -> None:
    rng = np.random.default_rng(9)
    check(rng.standard_normal((560, 6)), np.geomspace(0.05, 5, 6), masses=np.exp(20 * rng.standard_normal(560)))


def test_rows_of_mass_zero_are_absent() -> None:
    rng = np.random.default_rng(10)
    X, masses = rng.standard_normal((50, 2)), np.repeat([1.0, 0.0], 25)
    hs = np.array([0.3, 1.0])
    assert np.allclose(loo_curve(X, hs, masses=masses), loo_curve(X[:25], hs), rtol=1e-14)


def test_copies_are_left_out_together() -> None:
    rng = np.random.default_rng(11)
    base = rng.standard_normal((40, 3))
    groups = rng.integers(0, 40, 100)
    hs = np.geomspace(1e-3, 2, 9)
    with pytest.warns(DuplicateRowsWarning):
        got = loo_curve(base[groups], hs)
    assert np.allclose(got, reference(base[groups], hs, groups=groups).astype(float), rtol=1e-12)
    with pytest.warns(DuplicateRowsWarning):
        dropped = loo_curve(base[groups], hs, duplicates="drop")
    first = base[np.unique(groups)]
    assert np.allclose(dropped, loo_curve(first, hs), rtol=1e-12)
    with pytest.raises(DataError, match="distinct"):
        loo_curve(base[groups], hs, duplicates="raise")


def test_queries_are_averaged_as_rows() -> None:
    rng = np.random.default_rng(12)
    X, hs = rng.standard_normal((60, 3)), np.array([0.4, 1.1])
    parts = [loo_curve(X, hs, queries=np.array([i])) for i in range(60)]
    assert np.allclose(np.mean(parts, axis=0), loo_curve(X, hs), rtol=1e-12)
    assert np.allclose(np.mean(parts[:7], axis=0), loo_curve(X, hs, queries=np.arange(7)), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::infostat.core.errors.DuplicateRowsWarning")
def test_queries_among_copies_count_each_row() -> None:
    X = np.array([[0.0], [0.0], [1.0], [2.5]])
    hs = np.array([0.7])
    every = loo_curve(X, hs)
    parts = [loo_curve(X, hs, queries=[i]) for i in range(4)]
    one = loo_curve(X, hs, queries=[0, 0, 1, 2], duplicates="drop")
    pair = [loo_curve(X, hs, queries=[i], duplicates="drop") for i in (0, 2)]
    assert np.allclose(every, np.mean(parts, axis=0))
    assert np.allclose(one, np.mean(pair, axis=0))


def test_progress_counts_blocks() -> None:
    seen: list[tuple[int, int]] = []
    loo_curve(np.random.default_rng(0).standard_normal((600, 2)), [1.0], progress=lambda a, b: seen.append((a, b)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("X", "arguments", "message"),
    [
        (np.zeros((1, 2)), {"bandwidths": [1.0]}, "at least 2 rows"),
        (np.eye(3), {"bandwidths": [1.0, 0.0]}, "bandwidths must be positive"),
        (np.eye(3), {"bandwidths": [1.0, -2.0]}, "bandwidths must be positive"),
        (np.eye(3), {"bandwidths": [np.nan]}, "bandwidths must be finite"),
        (np.eye(3), {"bandwidths": []}, "at least one bandwidth"),
        (np.eye(3), {"bandwidths": [1e-300]}, "1e-290"),
        (np.eye(3), {"bandwidths": 1.0}, "1-dimensional"),
        (np.eye(3), {"bandwidths": [1.0], "masses": [1.0]}, "one entry per row"),
        (np.eye(3), {"bandwidths": [1.0], "masses": [1.0, -1.0, 1.0]}, "non-negative"),
        (np.eye(3), {"bandwidths": [1.0], "masses": [0.0, 0.0, 0.0]}, "not all zero"),
        (np.eye(3), {"bandwidths": [1.0], "masses": [0.0, 0.0, 1.0]}, "two distinct rows"),
        (np.eye(3), {"bandwidths": [1.0], "queries": [3]}, "rows of X"),
        (np.eye(3), {"bandwidths": [1.0], "queries": [0.5]}, "row numbers"),
        (np.eye(3), {"bandwidths": [1.0], "queries": []}, "row numbers"),
        (np.eye(3), {"bandwidths": [1.0], "duplicates": "keep"}, "duplicates must be one of"),
    ],
)
def test_bad_input(X: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        loo_curve(X, **arguments)


def test_bad_types() -> None:
    with pytest.raises(InputTypeError, match="bandwidths"):
        loo_curve(np.eye(3), ["wide"])
    with pytest.raises(InputTypeError, match="progress"):
        loo_curve(np.eye(3), [1.0], progress="yes")  # type: ignore[arg-type]


def test_identical_rows_are_refused() -> None:
    with pytest.raises(DataError, match="all rows are identical"), pytest.warns(DuplicateRowsWarning):
        loo_curve(np.ones((4, 2)), [1.0])


def test_inputs_stay_as_they_are() -> None:
    X, hs = np.random.default_rng(0).standard_normal((560, 6)), np.array([1.0, 0.5])
    kept = X.copy(), hs.copy()
    loo_curve(X, hs)
    assert np.array_equal(X, kept[0]) and np.array_equal(hs, kept[1])


def test_remaining_mass_beside_a_giant() -> None:
    masses = np.array([1e20, 1.0, 2.0])
    assert remaining_masses(masses, 3).tolist() == [3.0, 1e20 + 2.0, 1e20 + 1.0]


def test_fold_may_return_several_numbers() -> None:
    X = np.random.default_rng(0).standard_normal((300, 2))
    hs = np.array([2.0, 1e-6, 0.5, 1e3])  # more than one set of bins
    parts = fold_log_sums(X, hs, lambda rows, logs: np.stack([logs.sum(axis=0), logs.max(axis=0)], axis=-1))
    assert parts.shape == (2, 4, 2)
    for k, h in enumerate(hs):
        alone = fold_log_sums(X, hs[k : k + 1], lambda rows, logs: logs.sum(axis=0))
        assert np.allclose(parts[:, k, 0], alone[:, 0], rtol=1e-13), h


# ---------------------------------------------------------------------- bins
@pytest.mark.parametrize("ratio", [1.0, 3.0, 1e3, LARGEST_RATIO])
@pytest.mark.parametrize("n", [2.0, 1e4, 1e9])
def test_bound_of_the_bins_holds(ratio: float, n: float) -> None:
    """One far point against a nearest one: each bin's polynomial at random places."""
    rates = 0.37 * np.geomspace(1.0 / ratio, 1.0, 7)
    bins = make_bins(rates, math.log(n))
    assert bins.bound <= 2e-13
    rng = np.random.default_rng(0)
    reach = (bins.top - 1.0) / bins.rate
    t = np.concatenate([[0.0], reach * rng.uniform(size=2000) ** 8, [reach, 2.0 * reach]])
    moments = np.zeros((len(t), bins.n_bins, loo_kernels.MOMENTS))
    nearest = np.empty(len(t))
    pairs = np.column_stack([np.zeros(len(t)), t])
    masses = np.array([1.0, n - 1.0])
    loo_kernels.bin_moments.twin(pairs, masses, bins.rate, bins.bits, bins.top, nearest, moments)
    sums = moments.reshape(len(t), -1) @ bins.coefficients
    exact = 1.0 + (n - 1.0) * np.exp(-np.outer(t, rates))
    # The bound, the terms left out, and rounding of the sum and of t times the rate.
    assert np.max(np.abs(sums / exact - 1.0)) < bins.bound + 2e-16 + 1e-14


def test_kernels_agree_with_their_twins() -> None:
    rng = np.random.default_rng(1)
    points, queries = rng.standard_normal((7, 300)), rng.standard_normal((5, 7))
    own = np.array([2, -1, 299, 300, 17])
    direct = [np.empty((5, 300)) for _ in range(2)]
    loo_kernels.direct_distances.compiled(points, queries, own, direct[0])
    loo_kernels.direct_distances.twin(points, queries, own, direct[1])
    assert np.allclose(*direct, rtol=1e-14) and np.isinf(direct[0]).sum() == 3

    norms = np.einsum("kj,kj->j", points, points), np.einsum("ik,ik->i", queries, queries)
    products = [queries @ points for _ in range(2)]
    loo_kernels.product_distances.compiled(products[0], *norms, own)
    loo_kernels.product_distances.twin(products[1], *norms, own)
    assert np.allclose(*products, rtol=1e-12) and np.allclose(products[0], direct[0], rtol=1e-12)

    bins = make_bins(np.array([1.0, 0.1]), math.log(300.0))
    distances = direct[0].copy()
    distances[3] = np.inf  # a row that has no other point in this tile
    made = []
    for run in (loo_kernels.bin_moments.compiled, loo_kernels.bin_moments.twin):
        moments, nearest = np.zeros((5, bins.n_bins, loo_kernels.MOMENTS)), np.empty(5)
        run(distances, rng.uniform(size=300) * 0 + 1.5, bins.rate, bins.bits, bins.top, nearest, moments)
        made.append((moments, nearest))
    assert np.allclose(made[0][0], made[1][0], rtol=1e-12, atol=1e-12)
    assert np.array_equal(made[0][1], made[1][1]) and np.isinf(made[0][1][3])
    assert made[0][0][3, :-1].sum() == 0.0


@pytest.mark.slow
def test_many_rows_and_tiles_of_points() -> None:
    """More points than one tile holds, at both routes, against sums row by row."""
    rng = np.random.default_rng(2)
    for d in (3, 70):
        X, hs = rng.standard_normal((20_000, d)), np.geomspace(0.2, 3, 5)
        asked = np.arange(0, 20_000, 997)
        wanted = np.zeros(5)
        for i in asked:
            squares = ((X - X[i]) ** 2).sum(axis=1)
            squares[i] = np.inf
            exponents = -squares / (2 * hs[:, None] ** 2)
            top = exponents.max(axis=1)
            wanted += top + np.log(np.exp(exponents - top[:, None]).sum(axis=1))
        wanted = wanted / len(asked) - math.log(19_999) - d * np.log(hs) - 0.5 * d * math.log(2 * math.pi)
        assert np.allclose(loo_curve(X, hs, queries=asked), wanted, rtol=1e-12)
