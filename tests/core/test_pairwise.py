"""Log sums of kernels against SciPy, both routes, twins, weights, exclusion, memory, bad input."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import gaussian_kde

from infostat.core import pairwise, pairwise_routes
from infostat.core.errors import InputError
from infostat.core.pairwise import PROFILES, Profile, kde_log_density, log_kernel_sum, log_profile_sums

Array = NDArray[np.float64]


def _cloud(n: int, d: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((n, d))


def _oracle(X: Array, Q: Array, h: float, weights: Array | None, exclude: Array | None) -> Array:
    terms = -cdist(Q, X, "sqeuclidean") / (2 * h * h)
    if exclude is not None:
        rows = np.flatnonzero(exclude >= 0)
        terms[rows, exclude[rows]] = -np.inf
    return np.asarray(logsumexp(terms, b=1.0 if weights is None else weights[None], axis=1))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 6, 9, 17])
@pytest.mark.parametrize("route", ["loops", "tiles"])
@pytest.mark.parametrize("compiled", [False, True])
def test_routes_and_twins_against_logsumexp(
    d: int, route: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sizes that fill blocks of 512 points, tiles of 1024 points and of 128 queries more than once,
    # and not evenly.
    X = _cloud(2300, d)
    Q = np.concatenate([X[:200], 5.0 * _cloud(150, d, 1)])
    weights = np.random.default_rng(2).random(len(X))
    weights[::7] = 0.0
    exclude = np.concatenate([np.arange(200), np.full(150, -1)])
    monkeypatch.setattr(pairwise_routes, "_SMALL", 0 if compiled else 10**9)
    for w in (None, weights):
        found = log_kernel_sum(X, Q, 0.6, weights=w, exclude=exclude, route=route)
        # A few hundred units in the last place of exponents up to several hundreds.
        np.testing.assert_allclose(found, _oracle(X, Q, 0.6, w, exclude), rtol=1e-12, atol=1e-12)


def _by_hand(X: Array, q: Array, scale: float, profile: Profile, w: Array) -> float:
    u = ((X - q) ** 2).sum(axis=1) / scale**2
    if profile.kind == PROFILES["gaussian"]:
        terms = np.exp(-0.5 * u)
    elif profile.kind == PROFILES["student"]:
        terms = (1.0 + u) ** -profile.power
    else:
        terms = np.where(u <= 1.0, np.maximum(1.0 - u, 0.0) ** profile.power, 0.0)
    total = math.fsum(w * terms)
    return math.log(total) if total > 0.0 else -math.inf


@pytest.mark.parametrize("route", ["loops", "tiles"])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "profile",
    [Profile(PROFILES["gaussian"]), Profile(PROFILES["student"], 2.5)]
    + [Profile(PROFILES["compact"], p) for p in (0.0, 1.0, 2.0)],
)
def test_profiles_and_several_scales(
    route: str, compiled: bool, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, Q = _cloud(1300, 2), _cloud(140, 2, 1)
    weights = np.random.default_rng(2).random(len(X))
    exclude = np.arange(len(Q))
    scales = np.array([0.05, 2.0, 0.4])
    monkeypatch.setattr(pairwise_routes, "_SMALL", 0 if compiled else 10**9)
    for w in (None, weights):
        found = log_profile_sums(X, Q, scales, profile, weights=w, exclude=exclude, route=route)
        for i in (0, 77, 139):
            kept = np.where(np.arange(len(X)) == i, 0.0, 1.0 if w is None else w)
            expected = [_by_hand(X, Q[i], s, profile, kept) for s in scales]
            # (1 - u) near the edge of a compact profile, at most 1300 points, loses two digits.
            np.testing.assert_allclose(found[:, i], expected, rtol=1e-12, atol=1e-12)


def test_tile_sizes_and_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for d in (2, 12):  # loops and tiles
        X, Q = _cloud(1700, d), _cloud(300, d, 1)
        whole = kde_log_density(X, Q, 0.3)
        with monkeypatch.context() as patch:
            patch.setattr(pairwise_routes, "_CHUNK", 512)
            patch.setattr(pairwise_routes, "_QUERIES", 50)
            patch.setattr(pairwise_routes, "_TILE", 300)
            patch.setattr(pairwise, "_MOST", 70)
            np.testing.assert_allclose(kde_log_density(X, Q, 0.3), whole, rtol=1e-13, atol=1e-13)
        order = np.random.default_rng(3).permutation(len(X))
        np.testing.assert_allclose(kde_log_density(X[order], Q, 0.3), whole, rtol=1e-13, atol=1e-13)


def test_threads_give_the_same_numbers_and_report_progress() -> None:
    X, Q = _cloud(900, 9), _cloud(600, 9, 1)
    seen: list[tuple[int, int]] = []
    profile, scales = Profile(PROFILES["gaussian"]), np.array([0.5, 1.0])
    one = log_profile_sums(X, Q, scales, profile, report=lambda done, total: seen.append((done, total)))
    assert seen == [(150, 600), (300, 600), (450, 600), (600, 600)]
    np.testing.assert_array_equal(log_profile_sums(X, Q, scales, profile, n_jobs=2), one)


def test_cancelling_queries_alone_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two far clusters: centring does not help, and only the queries beside a point need their
    # distances to more digits than the products leave.
    X = _cloud(600, 20) + np.where(np.arange(600) < 300, 3e5, -3e5)[:, None]
    X = np.round(X * 2.0**20) / 2.0**20
    near = X[:3] + 2.0**-12
    Q = np.concatenate([near, 1e5 * _cloud(200, 20, 1)])
    asked: list[int] = []
    original = pairwise_routes._run_tiles

    def spy(sums: Any, queries: Array, *rest: Any) -> Array:
        asked.append(len(queries))
        return original(sums, queries, *rest)

    monkeypatch.setattr(pairwise_routes, "_run_tiles", spy)
    found = log_kernel_sum(X, Q, 2.0**-12, route="tiles")
    assert asked == [128, 3, 75]
    np.testing.assert_allclose(found[:3], -0.5 * 20, rtol=1e-14)
    np.testing.assert_allclose(found[3:], _oracle(X, Q[3:], 2.0**-12, None, None), rtol=1e-12)


def test_edges_of_compact_profiles_on_a_lattice() -> None:
    # Many distances equal the radius: products of matrices would decide them by chance.
    X = np.random.default_rng(4).integers(0, 3, (400, 12)).astype(float)
    profile = Profile(PROFILES["compact"], 0.0)
    found = log_profile_sums(X, X[:50], np.array([math.sqrt(6.0)]), profile, route="tiles")[0]
    inside = (((X[:50, None] - X[None]) ** 2).sum(axis=2) <= 6.0).sum(axis=1)
    np.testing.assert_array_equal(np.exp(found).round(9), inside)


def test_density_against_scipy() -> None:
    X = _cloud(400, 1)
    Q = np.linspace(-3, 3, 50)[:, None]
    peer = gaussian_kde(X[:, 0], bw_method=0.4)
    h = 0.4 * X.std(ddof=1)
    np.testing.assert_allclose(kde_log_density(X, Q, h), peer.logpdf(Q[:, 0]), rtol=1e-11)


def test_far_queries_stay_finite() -> None:
    X = _cloud(50, 2)
    found = kde_log_density(X, np.array([[1e8, 0.0], [0.0, 0.0]]), 1e-3)
    assert found[0] == pytest.approx(-0.5e22, rel=1e-6)
    assert np.isfinite(found).all()


def test_narrow_kernels_in_many_dimensions_avoid_the_cancelling_route() -> None:
    d = 40
    X = 1e6 + _cloud(30, d)
    Q = X[:5] + 1e-4
    found = kde_log_density(X, Q, 1e-4)
    # The difference is exact up to the rounding of x itself, 1e-10 on a step of 1e-4.
    expected = -0.5 * d - math.log(30) - 0.5 * d * math.log(2 * math.pi) - d * math.log(1e-4)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("d", [3, 12])
def test_data_near_the_ends_of_the_float_range(d: int) -> None:
    X, Q = _cloud(40, d), np.concatenate([_cloud(6, d, 1), _cloud(40, d)[:2]])
    # The unit of the data moves a log sum not at all.
    for kind, power in (("gaussian", 0.0), ("student", 4.0), ("compact", 2.0)):
        profile = Profile(PROFILES[kind], power)
        base = log_profile_sums(X, Q, np.array([0.5, 3.0]), profile)
        for exponent in (660, -660, 1000, -1000):
            unit = 2.0**exponent
            found = log_profile_sums(X * unit, Q * unit, np.array([0.5, 3.0]) * unit, profile)
            np.testing.assert_allclose(found, base, rtol=1e-13, atol=1e-13)


def test_scales_and_data_of_very_different_size() -> None:
    X = np.array([[0.0, 0.0], [1e200, 0.0], [3.0, 4.0]])
    gaussian, student = Profile(PROFILES["gaussian"]), Profile(PROFILES["student"], 2.0)
    found = log_profile_sums(X, X, np.array([1.0, 1e200]), gaussian, exclude=np.arange(3))
    # Beyond the float range an energy is infinite; within it it is exact.
    np.testing.assert_allclose(found[:, 0], [-12.5, np.log(1.0 + np.exp(-0.5))], rtol=1e-14)
    np.testing.assert_allclose(found[:, 1], [-math.inf, math.log(2.0) - 0.5], rtol=1e-14)
    # A Student profile falls by a power: 1e400 to the power -2 has a finite log.
    far = log_profile_sums(X, X, np.array([1.0]), student, exclude=np.arange(3))[0, 1]
    assert far == pytest.approx(-1600.0 * math.log(10.0) / 2.0 + math.log(2.0), rel=1e-14)
    tiny = log_profile_sums(X[[0, 2]], X[[0, 2]], np.array([1e-200]), gaussian)[0]
    np.testing.assert_array_equal(tiny, [0.0, 0.0])


def test_leave_one_out_and_weights_as_repetition() -> None:
    X = _cloud(60, 2)
    every = np.arange(60)
    found = kde_log_density(X, X, 0.5, exclude=every)
    one = [kde_log_density(np.delete(X, i, axis=0), X[i : i + 1], 0.5)[0] for i in range(60)]
    np.testing.assert_allclose(found, one, rtol=1e-13)
    counts = np.random.default_rng(3).integers(0, 4, 60)
    repeated = kde_log_density(np.repeat(X, counts, axis=0), X, 0.5)
    np.testing.assert_allclose(kde_log_density(X, X, 0.5, weights=counts), repeated, rtol=1e-12)
    heavy = np.r_[1e12, np.ones(59)]
    found = kde_log_density(X, X[:1], 0.5, weights=heavy, exclude=[0])
    np.testing.assert_allclose(found, kde_log_density(X[1:], X[:1], 0.5), rtol=1e-12)


def test_nothing_left_is_minus_infinity() -> None:
    X = np.zeros((1, 1))
    assert kde_log_density(X, X, 1.0, exclude=[0])[0] == -math.inf
    assert kde_log_density(np.zeros((2, 1)), X, 1.0, weights=[1, 0], exclude=[0])[0] == -math.inf


def test_memory_is_a_few_megabytes() -> None:
    X, Q = _cloud(20_000, 4), _cloud(4_000, 4, 1)
    kde_log_density(X, Q[:100], 0.5)
    tracemalloc.start()
    kde_log_density(X, Q, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All pairs would take 640 MB.
    assert peak < 1.6e7


def test_bad_input() -> None:
    X = _cloud(5, 2)
    with pytest.raises(InputError, match=r"X and Q must have the same number of columns"):
        kde_log_density(X, _cloud(5, 3), 1.0)
    with pytest.raises(InputError, match=r"h must be a number > 0"):
        kde_log_density(X, X, 0.0)
    with pytest.raises(InputError, match=r"Q must be finite, got 1 NaN"):
        kde_log_density(X, np.array([[0.0, math.nan]]), 1.0)
    with pytest.raises(InputError, match=r"weights must have one entry per row"):
        kde_log_density(X, X, 1.0, weights=[1, 2])
    with pytest.raises(InputError, match=r"exclude must hold rows of X"):
        kde_log_density(X, X, 1.0, exclude=[0, 1, 2, 3, 5])
    with pytest.raises(InputError, match=r"exclude must hold one integer per query"):
        kde_log_density(X, X, 1.0, exclude=[0.5])
