"""MMD, HSIC, CKA and the sums over pairs below them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from infostat.core.errors import InfostatError
from infostat.divergences import kernel_distances, pair_sums
from infostat.divergences.kernel_distances import cka, hsic, median_bandwidth, mmd

X4, Y4 = [[1, 2], [2, 1], [3, 5], [4, 0]], [1, 0, 2, 1]


def pair(n=50, d=3, e=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    return x, np.abs(x[:, :1]) + 0.5 * rng.normal(size=(n, e))


def gram(x, kind, s=None):
    if kind == "linear":
        return x @ x.T
    return np.exp(-cdist(x, x, "sqeuclidean") / (2 * (s or np.median(pdist(x))) ** 2))


def hsic_by_definition(K, L, debiased):
    n = len(K)
    if not debiased:
        H = np.eye(n) - 1 / n
        return np.trace(K @ H @ L @ H) / (n - 1) ** 2
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    product = K @ L
    total = np.trace(product) + K.sum() * L.sum() / ((n - 1) * (n - 2)) - 2 * product.sum() / (n - 2)
    return total / (n * (n - 3))


def test_worked_numbers():
    assert cka(X4, Y4) == pytest.approx(0.569202100655, abs=1e-12)
    assert hsic(X4, Y4) == pytest.approx(1.88888888889, abs=1e-11)
    assert hsic(X4, Y4, debiased=True) == pytest.approx(0.583333333333, abs=1e-12)


def test_mmd_of_normal_laws():
    # MMD^2 (s = 1) of N(0,1) and N(1,1.5^2) is .141285545439; quantile grids of n points integrate
    # the bounded smooth kernel to O(log n / n).
    u = (np.arange(3000) + 0.5) / 3000
    x, y = stats.norm.ppf(u), stats.norm.ppf(u, 1.0, 1.5)
    assert mmd(x, y, bandwidth=1.0) == pytest.approx(0.141285545439, abs=2e-4)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("bandwidth", [None, 0.7])
def test_mmd_by_definition(unbiased, bandwidth):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(300, 4)), rng.normal(size=(261, 4)) + 0.2
    z = np.concatenate((x, y))
    K = gram(z, "gaussian", bandwidth)
    A, B, C = K[:300, :300], K[300:, 300:], K[:300, 300:]
    if unbiased:
        expected = (A.sum() - 300) / (300 * 299) + (B.sum() - 261) / (261 * 260) - 2 * C.mean()
    else:
        expected = A.mean() + B.mean() - 2 * C.mean()
    assert mmd(x, y, bandwidth, unbiased) == pytest.approx(expected, rel=1e-10)


def test_unbiased_mmd_is_centred():
    # Under one law the mean of m repetitions is zero within its standard error.
    rng = np.random.default_rng(3)
    values = [mmd(rng.normal(size=12), rng.normal(size=15), 1.0, unbiased=True) for _ in range(300)]
    assert abs(np.mean(values)) < 5 * np.std(values) / np.sqrt(300)
    assert min(values) < 0.0


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_mmd_is_a_squared_distance(seed):
    rng = np.random.default_rng(seed)
    x, y, z = (rng.normal(size=(k, 2)) for k in (5, 7, 6))
    xy, yz, xz = (np.sqrt(mmd(u, v, 0.8)) for u, v in ((x, y), (y, z), (x, z)))
    assert xz <= xy + yz + 1e-12
    assert mmd(y, x, 0.8) == pytest.approx(xy**2, rel=1e-10, abs=1e-14)
    assert mmd(x, x[::-1], 0.8) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("kind", ["linear", "gaussian"])
@pytest.mark.parametrize("n", [5, 50, 300])
def test_hsic_and_cka_by_definition(kind, debiased, n):
    x, y = pair(n)
    K, L = gram(x, kind), gram(y, kind)
    value = hsic(x, y, kernel=kind, debiased=debiased)
    assert value == pytest.approx(hsic_by_definition(K, L, debiased), rel=1e-9, abs=1e-14)
    own = hsic_by_definition(K, K, debiased) * hsic_by_definition(L, L, debiased)
    ratio = cka(x, y, kernel=kind, debiased=debiased)
    assert ratio == pytest.approx(value / np.sqrt(own), rel=1e-9)


@pytest.mark.parametrize("debiased", [False, True])
def test_features_and_tiles_agree(monkeypatch, debiased):
    x, y = pair(300, 6, 5)
    fast = hsic(x, y, debiased=debiased), cka(x, y, debiased=debiased)
    monkeypatch.setattr(kernel_distances, "_FEATURES", 0)
    assert fast == pytest.approx((hsic(x, y, debiased=debiased), cka(x, y, debiased=debiased)), rel=1e-10)


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_cka_properties(seed):
    x, y = pair(9, 3, 2, seed)
    value = cka(x, y)
    assert 0.0 <= value <= 1.0 + 1e-12
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    assert cka(3.0 * x @ rotation + 7.0, y) == pytest.approx(value, rel=1e-9)
    assert cka(y, x) == pytest.approx(value, rel=1e-12)
    assert cka(x, 2.0 * x - 1.0) == pytest.approx(1.0, rel=1e-12)
    assert cka(x, x, kernel="gaussian", debiased=True) == pytest.approx(1.0, rel=1e-12)


def test_debiased_hsic_is_centred():
    rng = np.random.default_rng(5)
    values = [hsic(rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), debiased=True) for _ in range(400)]
    assert abs(np.mean(values)) < 5 * np.std(values) / np.sqrt(400)
    assert min(values) < 0.0


def test_median_bandwidth():
    x = np.random.default_rng(0).normal(size=(60, 3))
    assert median_bandwidth(x) == np.median(pdist(x))
    assert median_bandwidth([0.0, 0.0, 0.0, 0.0, 2.0]) == 2.0
    large = np.random.default_rng(1).normal(size=(2500, 2))
    # |X - X'|^2/4 is exponential, so the median distance is 2 sqrt(log 2).
    assert median_bandwidth(large) == pytest.approx(2 * np.sqrt(np.log(2)), rel=0.05)
    assert median_bandwidth(large) == median_bandwidth(large)


def test_extreme_scales():
    x, y = pair(20)
    assert mmd(1e200 * x, 1e200 * x + 1e199) == pytest.approx(mmd(x, x + 0.1), rel=1e-9)
    assert median_bandwidth(1e-200 * x) == pytest.approx(1e-200 * median_bandwidth(x), rel=1e-12)
    assert cka(1e200 * x, 1e-200 * y) == pytest.approx(cka(x, y), rel=1e-12)
    with pytest.raises(InfostatError, match="squares within the float range; rescale"):
        hsic(1e200 * x, 1e200 * y, debiased=True)
    with pytest.raises(InfostatError, match="bandwidth must be in proportion"):
        mmd(1e200 * x, y[:, :1] * np.ones(3), bandwidth=1e-200)


def test_constant_samples():
    assert mmd(np.ones(4), np.ones(3)) == 0.0
    assert hsic(np.ones(4), [1, 2, 3, 4], kernel="gaussian") == pytest.approx(0.0, abs=1e-15)
    with pytest.raises(InfostatError, match="X must vary from row to row, got 4 equal rows"):
        cka(np.ones(4), [1, 2, 3, 4])
    with pytest.raises(InfostatError, match="rows that differ.*bandwidth="):
        median_bandwidth(np.ones(5))


def test_kernels_and_twins():
    rng = np.random.default_rng(0)
    rows, columns = rng.normal(size=(11, 5)), rng.normal(size=(5, 23))
    fast, plain = np.empty((11, 23)), np.empty((11, 23))
    pair_sums.squared_distances(rows, columns, fast)
    pair_sums.squared_distances.twin(rows, columns, plain)
    assert fast == pytest.approx(plain, rel=1e-12)
    assert fast == pytest.approx(cdist(rows, columns.T, "sqeuclidean"), rel=1e-12)
    pair_sums.gaussian_in_place(fast, -0.5)
    pair_sums.gaussian_in_place.twin(plain, -0.5)
    assert fast == pytest.approx(plain, rel=1e-12)


def test_compiled_route_agrees(monkeypatch):
    x, y = pair(270, 3, 3)
    small = mmd(x, y), hsic(x, y, kernel="gaussian")
    monkeypatch.setattr(pair_sums, "_SMALL", 0)
    assert small == pytest.approx((mmd(x, y), hsic(x, y, kernel="gaussian")), rel=1e-11)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mmd(X4, Y4), "same number of columns"),
        (lambda: mmd(Y4, Y4, bandwidth=0.0), "bandwidth must be a number > 0"),
        (lambda: mmd([1.0], [2.0, 3.0], unbiased=True), "at least 2 rows each"),
        (lambda: mmd(Y4, Y4, unbiased=1), "unbiased must be True or False"),
        (lambda: mmd([np.nan, 1.0], Y4), "X"),
        (lambda: hsic(X4, Y4[:3]), "same number of rows"),
        (lambda: hsic(X4[:3], Y4[:3], debiased=True), "at least 4 rows"),
        (lambda: hsic(X4, Y4, kernel="cubic"), "kernel must be one of 'linear', 'gaussian'"),
        (lambda: hsic(X4, Y4, bandwidth=1.0), "bandwidth must be None for the linear kernel"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InfostatError, match=message):
        call()
