"""Log densities against 50-digit arithmetic and scipy, identities, leave-one-out, weights, bad input."""

from __future__ import annotations

import math
import tracemalloc

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import gaussian_kde

from infostat.core import pairwise_routes
from infostat.core.errors import DataError, DuplicateRowsWarning, InputError, InputTypeError
from infostat.density.evaluation import log_density
from infostat.density.kernel_shapes import log_constant

SHAPES = [("gaussian", None), ("student", 0.5), ("uniform", None), ("epanechnikov", None), ("biweight", None)]
POWERS = {"uniform": 0, "epanechnikov": 1, "biweight": 2}


def _cloud(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def _whole(value):
    """A double times 2^253 as an integer, so that differences and squares are exact and fast."""
    number, exponent = math.frexp(value)
    return int(number * 2.0**53) << (exponent + 200)


def _squares(X, Q):
    """Squared distances, queries by points, without rounding (up to a factor 2^506)."""
    points = [[_whole(v) for v in x] for x in X.tolist()]
    return [
        [sum((a - b) ** 2 for a, b in zip(x, query, strict=True)) for x in points]
        for query in ([_whole(v) for v in q] for q in Q.tolist())
    ]


def _exact(X, squares, h, kernel="gaussian", kappa=None, weights=None):
    """The definition in 50 digits, for each query."""
    d, found = X.shape[1], []
    masses = np.ones(len(X)) if weights is None else weights
    with mpmath.workdps(50):
        unit = mpmath.mpf(float(h)) ** 2 * 2**506
        mass = mpmath.fsum(map(float, masses))
        constant = mpmath.mpf(log_constant(kernel, d, float(h), kappa))
        for row in squares:
            u = [square / unit for square in row]
            if kernel == "gaussian":
                terms = [mpmath.exp(-v / 2) for v in u]
            elif kernel == "student":
                nu = mpmath.mpf(kappa) * d
                terms = [(1 + v / nu) ** (-(nu + d) / 2) for v in u]
            else:
                terms = [(1 - v / d) ** POWERS[kernel] if v <= d else 0 for v in u]
            total = mpmath.fsum(float(w) * term for w, term in zip(masses, terms, strict=True))
            found.append(float(mpmath.log(total / mass) + constant) if total else -math.inf)
    return found


def _queries(X, seed=1):
    """New points, data points, near-copies of data points, a point far away."""
    g = np.random.default_rng(seed)
    d = X.shape[1]
    return np.concatenate([
        g.standard_normal((2, d)), X[3:5], X[5:6] + 1e-9 * g.standard_normal((1, d)), X[6:7] * (1.0 + 1e-14),
        30.0 * g.standard_normal((1, d)),
    ])  # fmt: skip


def _same(found, expected, tolerance=1e-12):
    """Relative agreement; absolute below one, as the package promises."""
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


# ------------------------------------------------------------------- accuracy
@pytest.mark.parametrize("d", [1, 2, 10, 40, 300, 3000])
@pytest.mark.parametrize("compiled", [False, True])
def test_gaussian_in_fifty_digits(d, compiled, monkeypatch):
    monkeypatch.setattr(pairwise_routes, "_SMALL", 0 if compiled else 10**9)
    X = _cloud(10 if d > 1000 else 40, d)
    Q = _queries(X)
    squares = _squares(X, Q)
    bandwidths = [1e-7, 1e-3, 0.17, 1.0, 50.0]
    found = log_density(X, Q, bandwidths)
    for row, h in zip(found, bandwidths, strict=True):
        _same(row, _exact(X, squares, h))


@pytest.mark.parametrize(("kernel", "kappa"), [*SHAPES[1:], ("student", 1e6)])
@pytest.mark.parametrize("d", [2, 12, 200])
@pytest.mark.parametrize("compiled", [False, True])
def test_other_kernels_in_fifty_digits(kernel, kappa, d, compiled, monkeypatch):
    monkeypatch.setattr(pairwise_routes, "_SMALL", 0 if compiled else 10**9)
    X = _cloud(25, d)
    Q, weights = _queries(X), np.random.default_rng(5).random(25)
    weights[4] = 0.0
    squares = _squares(X, Q)
    for h in (1e-4, 0.9, 1.6):
        found = log_density(X, Q, h, kernel=kernel, kappa=kappa)
        _same(found, _exact(X, squares, h, kernel, kappa))
        found = log_density(X, Q, h, kernel=kernel, kappa=kappa, weights=weights)
        _same(found, _exact(X, squares, h, kernel, kappa, weights))


def test_very_low_densities():
    X, Q = _cloud(30, 50), 300.0 * _cloud(4, 50, 1)
    found = log_density(X, Q, 4.0)
    assert (found < -9e4).all()
    _same(found, _exact(X, _squares(X, Q), 4.0))


def test_against_scipy_on_white_data():
    X = _cloud(3000, 2)
    X -= X.mean(axis=0)
    X = np.linalg.solve(np.linalg.cholesky(np.cov(X.T)), X.T).T
    Q = _cloud(300, 2, 1)
    np.testing.assert_allclose(log_density(X, Q, 0.3), gaussian_kde(X.T, bw_method=0.3).logpdf(Q.T), rtol=1e-11)


# ------------------------------------------------------------------- identities
@pytest.mark.parametrize("d", [3, 30])
@pytest.mark.parametrize(("kernel", "kappa"), SHAPES)
def test_shift_scale_and_order(d, kernel, kappa):
    X, Q = (np.round(part * 2.0**20) / 2.0**20 for part in (_cloud(800, d), _cloud(500, d, 1)))
    options = {"kernel": kernel, "kappa": kappa}
    base = log_density(X, Q, 1.1, **options)
    live = np.isfinite(base)
    assert live.sum() > 10
    for shift in (1e6, -1e6):
        _same(log_density(X + shift, Q + shift, 1.1, **options), base, 1e-12)
    _same(log_density(1024.0 * X, 1024.0 * Q, 1024.0 * 1.1, **options)[live], base[live] - d * math.log(1024.0), 1e-13)
    order = np.random.default_rng(2).permutation(len(X))
    _same(log_density(X[order], Q, 1.1, **options), base, 1e-13)
    _same(log_density(X, Q[::-1], 1.1, **options)[::-1], base, 1e-13)
    np.testing.assert_array_equal(log_density(X, Q, 1.1, n_jobs=2, **options), base)


@pytest.mark.parametrize(("kernel", "kappa"), SHAPES)
def test_bandwidths_share_one_sweep(kernel, kappa):
    X, Q, bandwidths = _cloud(700, 9), _cloud(450, 9, 1), np.array([2.0, 0.4, 1.0])
    found = log_density(X, Q, bandwidths, kernel=kernel, kappa=kappa)
    assert found.shape == (3, 450)
    for row, h in zip(found, bandwidths, strict=True):
        _same(row, log_density(X, Q, h, kernel=kernel, kappa=kappa), 1e-13)


def test_weights_are_repetitions_and_zero_weights_absences():
    X, Q = _cloud(50, 2), _cloud(30, 2, 1)
    counts = np.random.default_rng(3).integers(0, 4, 50)
    for kernel, kappa in SHAPES:
        options = {"kernel": kernel, "kappa": kappa}
        found = log_density(X, Q, 0.8, weights=counts, **options)
        _same(found, log_density(np.repeat(X, counts, axis=0), Q, 0.8, **options))
        _same(log_density(X, Q, 0.8, weights=1e-300 * counts, **options), found)
        _same(log_density(X, Q, 0.8, weights=np.full(50, 7.0), **options), log_density(X, Q, 0.8, **options))


def test_data_points_hold_their_own_kernel():
    X = _cloud(60, 4)
    floor = -math.log(60) - 4 * math.log(1e-5) - 2.0 * math.log(2.0 * math.pi)
    _same(log_density(X, None, 1e-5), np.full(60, floor))
    assert (log_density(X, None, 0.5) > -math.log(60) + log_constant("gaussian", 4, 0.5)).all()


def test_compact_kernels_reach_h_root_d():
    X = np.zeros((1, 4))
    Q = np.array([[1.99, 0, 0, 0], [2.0, 0, 0, 0], [2.01, 0, 0, 0]])
    volume = math.pi**2 / 2.0 * 2.0**4
    np.testing.assert_allclose(log_density(X, Q, 1.0, kernel="uniform"), [-math.log(volume)] * 2 + [-math.inf])
    for kernel in ("epanechnikov", "biweight"):
        found = log_density(X, Q, 1.0, kernel=kernel)
        assert np.isfinite(found[0]) and (found[1:] == -math.inf).all()


@settings(max_examples=25, deadline=None)
@given(
    X=arrays(float, st.tuples(st.integers(1, 6), st.just(2)), elements=st.floats(-1e3, 1e3)),
    q=arrays(float, (1, 2), elements=st.floats(-1e3, 1e3)),
    h=st.floats(1e-3, 1e3),
)
def test_between_nearest_and_farthest_term(X, q, h):
    squares = ((X - q) ** 2).sum(axis=1)
    value = log_density(X, q, h)[0] - log_constant("gaussian", 2, h)
    slack = 1e-12 * (1.0 + squares.max() / h**2)
    assert -squares.max() / (2 * h * h) - slack <= value <= -squares.min() / (2 * h * h) + slack


# ------------------------------------------------------------------- leave one out
@pytest.mark.parametrize(("kernel", "kappa"), SHAPES)
@pytest.mark.parametrize("d", [2, 11])
def test_leaving_out_by_hand(kernel, kappa, d):
    X, weights = _cloud(25, d), np.random.default_rng(4).random(25)
    options = {"kernel": kernel, "kappa": kappa}
    for w in (None, weights):
        found = log_density(X, None, 1.3, loo=True, weights=w, **options)
        rest = [np.delete(np.arange(25), i) for i in range(25)]
        by_hand = [
            log_density(X[r], X[i : i + 1], 1.3, weights=None if w is None else w[r], **options)[0]
            for i, r in enumerate(rest)
        ]
        _same(found, by_hand)


def test_rows_are_left_out_by_index():
    X = _cloud(10, 2)
    moved = X[::-1].copy()
    found = log_density(X, moved, 0.5, loo=True)
    by_hand = [log_density(np.delete(X, i, axis=0), moved[i : i + 1], 0.5)[0] for i in range(10)]
    _same(found, by_hand)


def test_copies_are_left_out_together_or_dropped_or_refused():
    X = np.concatenate([_cloud(8, 2), _cloud(8, 2)[:3], _cloud(8, 2)[:1]])
    with pytest.warns(DuplicateRowsWarning, match="4 rows that repeat"):
        grouped = log_density(X, None, 0.7, loo=True)
    with pytest.warns(DuplicateRowsWarning):
        asked = log_density(X, X, 0.7, loo=True)
    _same(asked, grouped)
    by_hand = [log_density(X[(x != X).any(axis=1)], x[None], 0.7)[0] for x in X]
    _same(grouped, by_hand)
    with pytest.warns(DuplicateRowsWarning):
        dropped = log_density(X, None, [0.7], loo=True, duplicates="drop")[0]
    _same(dropped[:8], log_density(X[:8], None, 0.7, loo=True))
    _same(dropped[8:], dropped[[0, 1, 2, 0]])
    with pytest.raises(DataError, match="must have distinct rows"):
        log_density(X, None, 0.7, loo=True, duplicates="raise")


def test_nothing_left_is_minus_infinity():
    with pytest.warns(DuplicateRowsWarning):
        np.testing.assert_array_equal(log_density(np.ones((3, 2)), None, 1.0, loo=True), [-math.inf] * 3)
    for kernel, kappa in SHAPES:
        found = log_density([[0.0], [1.0]], None, 2.0, loo=True, weights=[1, 0], kernel=kernel, kappa=kappa)
        assert found[0] == -math.inf and np.isfinite(found[1])


def test_two_rows_leave_one_each():
    expected = -0.5 * 9.0 - 0.5 * math.log(2.0 * math.pi)
    _same(log_density([0.0, 3.0], None, 1.0, loo=True), [expected, expected])


def test_a_weight_that_dwarfs_the_others():
    X, weights = _cloud(20, 2), np.r_[1e14, np.random.default_rng(6).random(19)]
    found = log_density(X, None, 0.6, loo=True, weights=weights)[0]
    _same(found, log_density(X[1:], X[:1], 0.6, weights=weights[1:])[0])


# ------------------------------------------------------------------- inputs
def test_whatever_data_are():
    X, Q = _cloud(12, 2), _cloud(4, 2, 1)
    whole = log_density(X, Q, 0.5)
    np.testing.assert_array_equal(log_density(pd.DataFrame(X), Q.tolist(), np.float32(0.5)), whole)
    np.testing.assert_array_equal(log_density(np.asfortranarray(X), Q[::1], np.array(0.5)), whole)
    single = X.astype(np.float32)
    np.testing.assert_array_equal(log_density(single, Q, 0.5), log_density(single.astype(float), Q, 0.5))
    np.testing.assert_array_equal(log_density([1, 2, 5], [2, 3], 1), log_density([1.0, 2.0, 5.0], [[2.0], [3.0]], 1.0))
    before = X.copy(), Q.copy()
    log_density(X, Q, 0.5, weights=np.ones(12))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(Q, before[1])


def test_one_row_is_a_single_kernel_and_constant_columns_are_allowed():
    assert log_density([[1.0, 2.0]], [[1.0, 2.0]], 1.0)[0] == pytest.approx(-math.log(2.0 * math.pi))
    X = np.column_stack([_cloud(10, 1), np.full(10, 3.0)])
    extra = -math.log(0.5) - 0.5 * math.log(2.0 * math.pi)
    _same(log_density(X, None, 0.5), log_density(X[:, :1], None, 0.5) + extra)


def test_extreme_units_and_bandwidths():
    X, Q = _cloud(20, 3), _cloud(5, 3, 1)
    base = log_density(X, Q, 0.5)
    for exponent in (660, -660):
        unit = 2.0**exponent
        _same(log_density(X * unit, Q * unit, 0.5 * unit) + 3 * exponent * math.log(2.0), base)
    # Only the nearest point counts; no warning, and no infinity before the float range ends.
    nearest = ((Q[:, None] - X[None]) ** 2).sum(axis=2).min(axis=1)
    np.testing.assert_allclose(log_density(X, Q, 1e-100), -0.5e200 * nearest, rtol=1e-13)
    assert (log_density(X, Q, 1e-200) == -math.inf).all()
    _same(log_density(X, Q, 1e200), np.full(5, log_constant("gaussian", 3, 1e200)))


def test_progress_and_threads():
    seen = []
    log_density(_cloud(50, 2), _cloud(300, 2, 1), 0.5, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (300, 300)


def test_memory_stays_at_a_tile():
    X, Q = _cloud(4000, 64), _cloud(1500, 64, 1)
    log_density(X, Q[:100], 1.0)
    tracemalloc.start()
    log_density(X, Q, 1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All pairs would take 48 MB; the NumPy twins hold a few tiles where the kernels hold one.
    assert peak < 8e6


@pytest.mark.parametrize("h", [0.0, -1.0, math.nan, math.inf])
def test_bandwidths_out_of_range(h):
    with pytest.raises(InputError, match=r"h must be a number > 0, got .*; pass one bandwidth"):
        log_density(_cloud(5, 2), None, h)
    with pytest.raises(InputError, match=r"h must be"):
        log_density(_cloud(5, 2), None, [1.0, h])


@pytest.mark.parametrize("h", ["wide", None, True, 1j])
def test_bandwidths_of_a_wrong_type(h):
    with pytest.raises(InputTypeError, match=r"h must be a number > 0"):
        log_density(_cloud(5, 2), None, h)


def test_bad_input():
    X = _cloud(5, 2)
    hole = X.copy()
    hole[1, 0] = math.nan
    with pytest.raises(DataError, match=r"^X .*missing"):
        log_density(hole, X, 1.0)
    with pytest.raises(DataError, match=r"^Q .*missing"):
        log_density(X, hole, 1.0)
    with pytest.raises(DataError, match=r"Q must have the columns of X \(2\), got 3"):
        log_density(X, _cloud(5, 3), 1.0)
    with pytest.raises(DataError, match=r"Q\.reshape\(1, -1\)"):
        log_density(X, X[0], 1.0)
    with pytest.raises(DataError, match=r"X"):
        log_density(np.empty((0, 2)), X, 1.0)
    with pytest.raises(DataError, match=r"Q"):
        log_density(X, np.empty((0, 2)), 1.0)
    with pytest.raises(InputError, match=r"h must hold at least one bandwidth"):
        log_density(X, X, [])
    with pytest.raises(InputError, match=r"h must be 1-dimensional"):
        log_density(X, X, [[1.0]])
    with pytest.raises(InputError, match=r"h must be within the float range when multiplied by"):
        log_density(X, X, 1.5e308, kernel="uniform")
    with pytest.raises(InputError, match=r"kappa must be a number > 0 with"):
        log_density(X, X, 1.0, kernel="student")
    with pytest.raises(InputError, match=r"kappa must be None with"):
        log_density(X, X, 1.0, kappa=1.0)
    with pytest.raises(InputTypeError, match=r"loo must be True or False"):
        log_density(X, X, 1.0, loo="yes")
    with pytest.raises(InputError, match=r"duplicates must be one of"):
        log_density(X, X, 1.0, loo=True, duplicates="keep")


def test_bad_weights():
    X = _cloud(5, 2)
    for weights, words in (
        ([1, 2], r"weights must have one entry per row of X \(5\), got shape \(2,\)"),
        ([1, 1, 1, 1, -1], r"weights must be non-negative, got 1 negative"),
        (np.zeros(5), r"weights must have a positive sum"),
        ([1, 1, 1, 1, math.nan], r"weights must be finite, got 1 NaN"),
    ):
        with pytest.raises(InputError, match=words):
            log_density(X, X, 1.0, weights=weights)


def test_leaving_out_needs_two_rows_and_matching_queries():
    with pytest.raises(DataError, match=r"X must have at least 2 rows with loo=True, got 1"):
        log_density([[1.0]], None, 1.0, loo=True)
    with pytest.raises(DataError, match=r"Q must have as many rows as X \(5\) with loo=True, got 4"):
        log_density(_cloud(5, 2), _cloud(4, 2), 1.0, loo=True)
