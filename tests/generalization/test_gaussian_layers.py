"""Layers of linear networks on the binary Gaussian task: divergences given weights, expectations, ranks."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences import kl_gaussian, w2_gaussian
from infostat.generalization.gaussian_factorisation import check_gains, factorise_mean, orthonormal_rows
from infostat.generalization.gaussian_layers import _kummer, expected_shift, folded_distance, log_excess, spread_loss
from infostat.generalization.gaussian_task import BinaryGaussianTask
from infostat.generalization.hierarchical import hierarchical_kl_bound


def weights_of(seed: int, widths: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(b, a)) for a, b in pairwise(widths)]


# --------------------------------------------------------------------------------- expected divergences
def test_worked_expectations() -> None:
    task = BinaryGaussianTask(1.0, 1.0, 6)
    factorised = task.expected_layer_kl([6, 3, 1], 10)
    np.testing.assert_allclose(factorised, [0.316081546973, 0.206121628851, 0.132815016769], rtol=0, atol=6e-13)
    assert factorised[0] == pytest.approx(3 * math.log(10 / 9), rel=1e-14)
    independent = task.expected_layer_kl([6, 3, 1], 10, "independent")
    np.testing.assert_allclose(independent[1:], [0.158040773487, 0.052680257829], rtol=0, atol=6e-13)


@pytest.mark.parametrize(
    ("n", "gap", "last", "individual"),
    [
        (5, 0.246381, 0.590932, 0.746900),
        (10, 0.160822, 0.364635, 0.513226),
        (20, 0.0934259, 0.216225, 0.358097),
        (50, 0.0409876, 0.107019, 0.224737),
        (100, 0.0211294, 0.0648754, 0.158511),
    ],
)
def test_worked_bounds_against_n(n: int, gap: float, last: float, individual: float) -> None:
    task = BinaryGaussianTask(1.0, 1.0, 10)
    kl = task.expected_layer_kl([10, 1], n)
    bounds = hierarchical_kl_bound(kl[:, None], 0.5).value
    # The table prints six digits.
    assert task.exact_errors(n).gap == pytest.approx(gap, rel=3e-6)
    assert bounds == pytest.approx([individual, last], rel=4e-6)
    assert gap <= last <= individual


def test_row_space_that_depends_on_the_sample_needs_more_than_the_rank() -> None:
    # Trap 1: the rank formula is too small at every layer above the input, and is not the default.
    task = BinaryGaussianTask(1.0, 1.0, 12)
    ranks = [12, 7, 3, 1]
    default, independent = task.expected_layer_kl(ranks, 20), task.expected_layer_kl(ranks, 20, "independent")
    assert default[0] == pytest.approx(independent[0], rel=1e-13)
    assert (default[1:] > 1.2 * independent[1:]).all()
    sim = task.simulate(20, ranks, [1.0, 1.0], 2000, rng=3)
    assert (abs(sim.kl - default) < 5 * sim.kl_se).all()
    assert (abs(sim.kl - independent)[1:] > 5 * sim.kl_se[1:]).all()


@pytest.mark.parametrize("case", [(1.0, 1.0, 6, 10), (0.3, 2.0, 6, 4), (2.0, 0.5, 15, 40)])
def test_expected_shift_against_two_dimensional_quadrature(case: tuple[float, float, int, int]) -> None:
    norm, sigma0, d, n = case
    s = sigma0 / math.sqrt(n)

    x, w = np.polynomial.legendre.leggauss(120)
    g, wg = 9 * x, 9 * w * stats.norm.pdf(9 * x)
    half = (math.sqrt(d) + 9) / 2
    r, wr = half * (1 + x), half * w * stats.chi.pdf(half * (1 + x), d - 1)
    m1, m2 = np.meshgrid(norm + s * g, s * r)
    square = (m1 * (m1 - norm) + m2 * m2) ** 2 / (m1 * m1 + m2 * m2)
    value = float((np.outer(wr, wg) * square).sum())
    found = expected_shift(norm, sigma0, d, n, np.array([1, d]))
    assert found[0] == pytest.approx(value, rel=1e-6)
    assert found[1] == pytest.approx(sigma0**2 * d / n, rel=1e-13)


@pytest.mark.parametrize("d", [2, 3, 4, 21, 1000, 2_000_001])
@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-6, 0.3, 5.0, 60.0, 2e6])
def test_hypergeometric_function_against_its_integral(d: int, x: float) -> None:
    if d == 2:
        wanted = mp.exp(-x)
    else:
        # (b - 1) int_0^1 (1 - u)^(b - 2) exp(-x u) du with u = 1 - exp(-t).
        with mp.workdps(25):
            b = mp.mpf(d) / 2 - 1
            scale = b + x
            ends = [0, *(k / scale for k in (1, 5, 20, 80)), 80 / scale + 20 / b, 80 / scale + 100 / b]
            wanted = b * mp.quad(lambda t: mp.exp(-b * t - x * (-mp.expm1(-t))), ends)
    assert float(_kummer(d, np.array(x))) == pytest.approx(float(wanted), rel=1e-13)


def test_one_dimension_has_one_direction() -> None:
    found = BinaryGaussianTask(0.7, 2.0, 1).expected_layer_kl([1, 1, 1], 5)
    np.testing.assert_allclose(found, 0.5 * math.log(5 / 4), rtol=1e-14)


def test_one_training_point_gives_infinity_not_an_error() -> None:
    task = BinaryGaussianTask(1.0, 1.0, 3)
    for mode in ("factorised", "independent"):
        assert np.isposinf(task.expected_layer_kl([3, 2, 1], 1, mode)).all()
    found = task.layer_divergences([[[1.0, 0.0, 0.0]]], [1.0, 0.0, 0.0], 1)
    assert np.isposinf(found.kl).all() and np.isfinite(found.w2).all()
    # A layer that maps everything to zero says nothing, for n = 1 too.
    assert task.layer_divergences([[[0.0, 0.0, 0.0]]], [1.0, 0.0, 0.0], 1).kl[1] == 0.0


@given(
    norm=st.floats(0.0, 4.0), d=st.integers(2, 40), n=st.integers(2, 500), data=st.data(),
    mode=st.sampled_from(["factorised", "independent"]),
)  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_divergences_fall_with_depth_and_with_n(norm: float, d: int, n: int, data: Any, mode: str) -> None:
    ranks = [d, *sorted(data.draw(st.lists(st.integers(1, d), min_size=1, max_size=4)), reverse=True)]
    found = BinaryGaussianTask(norm, 1.0, d).expected_layer_kl(ranks, [n, n + 1], mode)
    assert (np.diff(found, axis=1) <= 1e-13).all()
    assert (found[1] < found[0]).all() and (found > 0.0).all()


def test_arrays_of_sizes_keep_their_shape() -> None:
    task = BinaryGaussianTask(1.0, 1.0, 4)
    found = task.expected_layer_kl([4, 1], [[2, 3], [4, 5]])
    assert found.shape == (2, 2, 2)
    assert found[1, 0].tolist() == task.expected_layer_kl([4, 1], 4).tolist()


def test_large_n_loses_no_digits() -> None:
    # Trap 7: -1/n - log(1 - 1/n) = 1/(2 n^2) + 1/(3 n^3) + ..., 1 - sqrt(1 - 1/n) = 1/(2 n) + 1/(8 n^2) + ...
    for n in (1e6, 1e9, 1e12):
        assert float(log_excess(n)) == pytest.approx(1 / (2 * n**2) + 1 / (3 * n**3), rel=1e-11)
        assert float(spread_loss(n)) == pytest.approx(1 / (2 * n) + 1 / (8 * n**2), rel=1e-13)
    assert float(spread_loss(1)) == 1.0


# ------------------------------------------------------------------------------------- given weights
@pytest.mark.parametrize("seed", range(4))
def test_divergences_are_those_of_the_normal_laws(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mu, m, sigma0, n = rng.normal(size=5), rng.normal(size=5), 0.7, 8
    weights = weights_of(seed, (5, 4, 2, 1))
    found = BinaryGaussianTask(mu, sigma0).layer_divergences(weights, m, n)
    product = np.eye(5)
    for layer in range(4):
        product = weights[layer - 1] @ product if layer else product
        cov = sigma0**2 * product @ product.T
        pair = (product @ m, (1 - 1 / n) * cov, product @ mu, cov)
        assert found.kl[layer] == pytest.approx(kl_gaussian(*pair), rel=1e-9)
        assert found.w2[layer] == pytest.approx(w2_gaussian(*pair), rel=1e-7)
        assert found.rank[layer] == len(product)
    assert np.isnan(found.w1[:-1]).all()
    assert found.w1_lower[-1] <= found.w1[-1] <= found.w2[-1]
    assert found.lipschitz[0] == pytest.approx(np.linalg.norm(product, 2)) and found.lipschitz[-1] == 1.0


def test_w1_at_one_unit_is_the_integral_of_the_quantiles() -> None:
    task = BinaryGaussianTask([0.4, -0.3], 1.1)
    found = task.layer_divergences([[[2.0, 1.0]]], [0.5, 0.1], 4)
    width = 1.1 * math.sqrt(5.0)
    p, q = stats.norm(1.1, width * math.sqrt(0.75)), stats.norm(0.5, width)
    value, _ = integrate.quad(lambda x: abs(p.cdf(x) - q.cdf(x)), -40, 40, limit=400, epsabs=1e-12)
    assert found.w1[1] == pytest.approx(value, rel=1e-8)


@given(shift=st.floats(-1e3, 1e3), spread=st.floats(0.0, 1e3))
def test_folded_distance_lies_between_shift_and_w2(shift: float, spread: float) -> None:
    value = float(folded_distance(shift, spread))
    # The last term is for subnormal numbers, which have few digits.
    assert abs(shift) * (1 - 1e-14) <= value <= math.hypot(shift, spread) * (1 + 1e-14) + 1e-300


@given(seed=st.integers(0, 10**6), n=st.integers(2, 100), scale=st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_data_processing_and_scaling(seed: int, n: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    task, m = BinaryGaussianTask(rng.normal(size=6), 1.0), rng.normal(size=6)
    weights = weights_of(seed, (6, 5, 3, 1))
    found = task.layer_divergences(weights, m, n)
    assert (np.diff(found.kl) <= 1e-9).all()
    # With the exact tail constants the output attains the smallest bound (trap 6): W1_L <= K_l W1_l <= K_l W2_l.
    assert (found.w1[-1] <= found.lipschitz * found.w2 * (1 + 1e-9)).all()
    # KL depends on row spaces only, distances on norms: scaling a layer changes the latter alone.
    scaled = task.layer_divergences([scale * weights[0], *weights[1:]], m, n)
    np.testing.assert_allclose(scaled.kl, found.kl, rtol=1e-7)
    np.testing.assert_allclose(scaled.w2[1:], scale * found.w2[1:], rtol=1e-9)


def test_rank_uses_a_relative_tolerance_that_can_be_set() -> None:
    # Trap 9: a product of tiny scale keeps its rank; a tiny direction is dropped on request only.
    task = BinaryGaussianTask([1.0, 1.0, 1.0], 1.0)
    tiny = [1e-150 * np.diag([1.0, 1e-9, 0.0])]
    m = [1.2, 1.0, 1.0]
    assert task.layer_divergences(tiny, m, 5).rank.tolist() == [3, 2]
    assert task.layer_divergences(tiny, m, 5, rank_tol=1e-6).rank.tolist() == [3, 1]
    # Rounding in a product of rank one does not count as rank.
    narrow = weights_of(2, (3, 1, 3, 3))
    assert task.layer_divergences(narrow, m, 5).rank.tolist() == [3, 1, 1, 1]


# ------------------------------------------------------------------------------------- factorisation
@given(seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_factorisation_multiplies_back_and_has_the_stated_shape(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, gains, ranks = rng.normal(size=7), rng.uniform(0.2, 3.0, 3), np.array([7, 5, 5, 2, 1])
    weights = factorise_mean(m, ranks, gains, rng)
    product = np.eye(7)
    for weight, rank in zip(weights, ranks[1:], strict=True):
        product = weight @ product
        assert product.shape == (rank, 7) and np.linalg.matrix_rank(product) == rank
    np.testing.assert_allclose(product[0], m, rtol=0, atol=1e-13 * np.linalg.norm(m))
    found = BinaryGaussianTask(m, 1.0).layer_divergences(weights, m, 5)
    below = np.concatenate([[1.0], np.cumprod(gains)])
    np.testing.assert_allclose(found.lipschitz, [*(np.linalg.norm(m) / below), 1.0], rtol=1e-10)


def test_directions_are_orthonormal_and_begin_with_the_mean() -> None:
    m = np.array([3.0, 4.0, 0.0, 0.0])
    rows = orthonormal_rows(m, 3, np.random.default_rng(1))
    np.testing.assert_allclose(rows @ rows.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(rows[0], m / 5.0, rtol=1e-14)
    assert factorise_mean(m, np.array([4, 1]), np.empty(0), np.random.default_rng(1))[0].tolist() == [m.tolist()]


# ----------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        ([4, 1], r"ranks\[0\] must be 5"),
        ([5, 2, 3], "ranks must be non-increasing, got 2 before 3 at layer 2"),
        ([5, 0], r"ranks\[1\] must be an integer (>= 1|from 1 to .*), got 0"),
        ([], "ranks must be a list"),
        ([[5, 1]], "ranks must be a list"),
    ],
)
def test_bad_ranks(ranks: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        BinaryGaussianTask(1.0, 1.0, 5).expected_layer_kl(ranks, 10)


def test_bad_mode_and_fractional_rank() -> None:
    task = BinaryGaussianTask(1.0, 1.0, 5)
    with pytest.raises(InputError, match="mode must be one of 'factorised', 'independent'"):
        task.expected_layer_kl([5, 1], 10, "frozen")
    with pytest.raises(InputTypeError, match=r"ranks\[1\] must be an integer"):
        task.expected_layer_kl([5, 1.5], 10)


@pytest.mark.parametrize(
    ("weights", "m", "message"),
    [
        ([np.ones((2, 4))], np.ones(3), "weights of layer 1 must have 3 columns, the dimension"),
        ([np.ones((2, 3)), np.ones((1, 3))], np.ones(3), "weights of layer 2 must have 2 columns"),
        ([np.ones((2, 3))], np.ones(2), "m must be of length 3"),
        ([np.full((1, 3), np.nan)], np.ones(3), "weights of layer 1 must be finite"),
        ([np.full((3, 3), 1e200), np.full((1, 3), 1e200)], np.ones(3), "product of the weights up to layer 2"),
    ],
)
def test_bad_weights_name_the_layer(weights: Any, m: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        BinaryGaussianTask(1.0, 1.0, 3).layer_divergences(weights, m, 10)


def test_bad_tolerance_and_gains() -> None:
    task = BinaryGaussianTask(1.0, 1.0, 3)
    with pytest.raises(InputError, match="rank_tol must be a number in"):
        task.layer_divergences([np.ones((1, 3))], np.ones(3), 5, rank_tol=1.0)
    with pytest.raises(InputError, match="gains must be of length 2"):
        check_gains([1.0], 2)
    with pytest.raises(InputError, match="gains must be positive, got 0"):
        check_gains([1.0, 0.0], 2)
    assert check_gains([], 0).shape == (0,)
