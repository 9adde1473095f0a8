"""Tilted sums of streams: extended precision, merging, limits, extreme ranges, bad input."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment import stream_kernels, stream_sums
from infostat.alignment.stream_grid import TiltGrid
from infostat.alignment.stream_sums import RewardBins, combine, side_sums
from infostat.core.errors import DataError, InputError, InputTypeError

# Rows of a table of sums: multiple of t and power of d.
ROWS = [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (3, 0), (4, 0), (4, 1), (4, 2), (4, 3), (4, 4)]


def direct(values: np.ndarray, sign: float, tilts: np.ndarray) -> np.ndarray:
    """Sums in extended precision, exponential by exponential."""
    edge = values.max() if sign > 0 else values.min()
    d = sign * (np.longdouble(edge) - values.astype(np.longdouble))
    powers = [d**j for j in range(5)]
    out = np.empty((len(ROWS), len(tilts)))
    for i, t in enumerate(tilts):
        weight = np.exp(-np.longdouble(t) * d)
        multiples = [np.ones(1), weight, weight**2, weight**3, weight**4]
        out[:, i] = [(multiples[k] * powers[j]).sum() for k, j in ROWS]
    return out


def samples() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    g = np.random.default_rng(1)
    yield "normal, even grid", g.standard_normal(4000), np.linspace(0.1, 6.4, 64)
    yield "normal, wide grid", g.standard_normal(5000), np.geomspace(1e-6, 1e4, 41)
    yield "far outlier", np.append(g.standard_normal(9000), -1e9), np.geomspace(1e-10, 1e2, 30)
    yield "four values", g.integers(0, 4, 10_000).astype(float), np.linspace(0.0, 20.0, 21)
    yield "heavy tail", -np.abs(g.standard_cauchy(11_000)), np.geomspace(1e-3, 1e3, 20)
    yield "far from zero", 1e6 + g.standard_normal(3000), np.array([1e-8, 1e-3, 1.0, 30.0])
    yield "tiny unit", 1e-12 * g.standard_normal(9000), 1e12 * np.linspace(0.5, 16.0, 32)


CASES = [pytest.param(values, tilts, id=name) for name, values, tilts in samples()]


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("values", "tilts"), CASES)
def test_binned_sums_against_extended_precision(values: np.ndarray, tilts: np.ndarray, sign: float) -> None:
    values = np.tile(values, 1 + 200_000 // (len(values) * len(tilts)))  # past the small route
    edge, span = float(values.max() if sign > 0 else values.min()), float(np.ptp(values))
    found, want = side_sums(values, edge, span, sign, tilts), direct(values, sign, tilts)
    for row, (_, power) in enumerate(ROWS):
        # A power of d is as exact as d, whose rounding is that of its unit.
        unit = (span if tilts[0] == 0.0 else min(span, 1.0 / tilts[0])) ** power
        np.testing.assert_allclose(found[row], want[row], rtol=3e-13, atol=1e-16 * len(values) * unit)
    np.testing.assert_allclose(found[[0, 3, 7]], want[[0, 3, 7]], rtol=1e-14)


@pytest.mark.parametrize(("values", "tilts"), CASES)
def test_kernels_agree_with_their_twins(values: np.ndarray, tilts: np.ndarray) -> None:
    top, span = float(values.max()), float(np.ptp(values))
    scale = stream_sums._scale(float(tilts[-1]), span)
    number = stream_kernels.bin_count(span, scale)
    arguments = (values, top, 1.0, scale, number)
    bins, twin = stream_kernels.bin_moments(*arguments), stream_kernels.bin_moments_numpy(*arguments)
    np.testing.assert_allclose(bins, twin, rtol=1e-12, atol=1e-12 * len(values))
    assert bins[:, 0].sum() == len(values)
    used = np.flatnonzero(bins[:, 0])
    centre, half = stream_kernels.bin_edges(number, scale)
    moments = np.ascontiguousarray(bins[used].T)
    for orders in (1, 3, 5):
        given_ = (moments, centre[used], half[used], tilts, orders)
        found, want = stream_kernels.series_sums(*given_), stream_kernels.series_sums_numpy(*given_)
        for row in range(orders):
            np.testing.assert_allclose(found[row], want[row], rtol=1e-12, atol=1e-14 * want[row].max())


def test_bins_hold_every_distance() -> None:
    g = np.random.default_rng(2)
    scale = 3.7
    d = np.sort(g.exponential(size=5000) * 100)
    number = stream_kernels.bin_count(float(d[-1]), scale)
    centre, half = stream_kernels.bin_edges(number, scale)
    assert (half > 0).all()
    bins = stream_kernels.bin_moments_numpy(-d, 0.0, 1.0, scale, number)
    edges = np.append(centre - half, centre[-1] + half[-1])
    np.testing.assert_allclose(np.histogram(d, edges)[0], bins[:, 0], atol=1)
    # First moments give the sum of the distances.
    assert (centre * bins[:, 0] + half * bins[:, 1]).sum() == pytest.approx(d.sum(), rel=1e-14)


def test_twelve_digits_against_mpmath() -> None:
    g = np.random.default_rng(3)
    values = g.gamma(2.0, size=300)
    tilts = [0.25, 3.0, 80.0, -2.0]
    found = TiltGrid(tilts).update(values).moments()
    with mpmath.workdps(40):
        exact = [mpmath.mpf(float(x)) for x in values]
        for i, t in enumerate(tilts):
            weights = [mpmath.exp(t * x) for x in exact]
            total = mpmath.fsum(weights)
            reward = mpmath.fsum(w * x for w, x in zip(weights, exact, strict=True)) / total
            log_mgf = mpmath.log(total / 300)
            assert found.reward[i] == pytest.approx(float(reward), rel=1e-13)
            assert found.log_mgf[i] == pytest.approx(float(log_mgf), rel=1e-13)
            assert found.kl[i] == pytest.approx(float(t * reward - log_mgf), rel=1e-12)
            assert found.ess[i] == pytest.approx(float(total**2 / mpmath.fsum(w * w for w in weights)), rel=1e-13)


def test_worked_example() -> None:
    found = TiltGrid(1.0).update([0, 1, 2, 3, 4]).moments()
    # Spec example 8: Lambda, R, D, ESS, se(R), se(Lambda).
    numbers = [found.log_mgf, found.reward, found.kl, found.ess, np.sqrt(found.var_reward), np.sqrt(found.var_log_mgf)]
    want = [2.842476483503, 3.451941567662, 0.609465084159, 2.134987378528, 0.395148739339, 0.518060656586]
    np.testing.assert_allclose(np.ravel(numbers), want, rtol=1e-11)


# --------------------------------------------------------------------------------------- merging
@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=3, max_size=60), st.data())
def test_any_grouping_gives_the_same_moments(rewards: list[float], data: st.DataObject) -> None:
    tilts = [-3.0, -0.1, 0.0, 0.5, 2.0, 9.0, np.inf, -np.inf]
    whole = TiltGrid(tilts).update(rewards)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rewards)), min_size=2, max_size=2)))
    a, b, c = (TiltGrid(tilts).update(part) for part in np.split(np.array(rewards), cuts))
    left = TiltGrid(tilts).merge(a).merge(b).merge(c)
    right = TiltGrid(tilts).merge(c).merge(TiltGrid(tilts).merge(b).merge(a))
    for other in (left, right):
        assert other.n_samples == whole.n_samples
        assert (other.top, other.n_top, other.bottom, other.n_bottom) == (
            whole.top, whole.n_top, whole.bottom, whole.n_bottom
        )  # fmt: skip
        for name in ("reward", "kl", "log_mgf", "ess"):
            # The logarithm of a mean weight close to 1 keeps an absolute error only.
            np.testing.assert_allclose(
                getattr(other.moments(), name), getattr(whole.moments(), name), rtol=1e-11, atol=1e-12 * 50
            )


def test_block_size_does_not_matter() -> None:
    g = np.random.default_rng(4)
    rewards = g.standard_normal(60_000)
    tilts = np.linspace(0.0, 8.0, 17)
    found = []
    for rows in (60_000, 10_000, 777):
        grid = TiltGrid(tilts)
        for start in range(0, len(rewards), rows):
            grid.update(rewards[start : start + rows])
        found.append(grid.moments())
    for other in found[1:]:
        for name in ("reward", "kl", "log_mgf", "ess", "var_reward", "var_log_mgf"):
            np.testing.assert_allclose(getattr(other, name), getattr(found[0], name), rtol=1e-10, atol=1e-14)


def test_moving_the_edge_is_the_binomial_theorem() -> None:
    values, tilts = np.array([0.0, 1.0, 2.5]), np.array([0.0, 0.7])
    near = side_sums(values, 2.5, 2.5, 1.0, tilts)
    far = direct(np.append(values, 4.0), 1.0, tilts) - np.array([[float(j == 0)] * 2 for _, j in ROWS])
    np.testing.assert_allclose(combine(near, tilts, 1.5), far, rtol=1e-13)


def test_state_and_pickle_round_trip() -> None:
    grid = TiltGrid([0.5, -1.0]).update([1.0, 2.0, 4.0])
    for copy in (TiltGrid.from_state(grid.state()), pickle.loads(pickle.dumps(grid))):
        np.testing.assert_array_equal(copy.moments().kl, grid.moments().kl)
        assert copy.n_samples == 3
    for name in grid.state():
        with pytest.raises(InputError, match=name):
            TiltGrid.from_state({key: value for key, value in grid.state().items() if key != name})
    with pytest.raises(InputError, match="shape"):
        TiltGrid.from_state({**grid.state(), "up": np.zeros((2, 2))})


def test_merging_leaves_the_other_alone() -> None:
    a, b = TiltGrid([1.0]).update([0.0, 1.0]), TiltGrid([1.0]).update([5.0])
    before = b.moments().reward.copy()
    empty = TiltGrid([1.0]).merge(b)
    a.merge(b)
    empty.merge(a)
    np.testing.assert_array_equal(b.moments().reward, before)
    assert b.n_samples == 1


# ---------------------------------------------------------------------------------------- limits
def test_infinite_tilts_and_none() -> None:
    found = TiltGrid([np.inf, -np.inf, 0.0]).update([1.0, 3.0, 3.0, 0.0]).moments()
    np.testing.assert_allclose(found.reward, [3.0, 0.0, 1.75])
    np.testing.assert_allclose(found.kl, [np.log(2), np.log(4), 0.0])
    np.testing.assert_allclose(found.ess, [2.0, 1.0, 4.0])
    assert found.log_mgf[2] == 0.0


def test_equal_rewards() -> None:
    found = TiltGrid([0.0, 1.0, -5.0, 1e300]).update(np.full(7, -2.5)).moments()
    np.testing.assert_array_equal(found.reward, -2.5)
    np.testing.assert_array_equal(found.kl, 0.0)
    np.testing.assert_array_equal(found.ess, 7.0)
    np.testing.assert_array_equal(found.rest_reward, 7.0)


def test_rewards_of_minus_infinity_have_no_mass() -> None:
    with_lost = TiltGrid([0.0, 0.5]).update([1.0, -np.inf, 2.0, -np.inf])
    plain = TiltGrid([0.0, 0.5]).update([1.0, 2.0]).moments()
    found = with_lost.moments()
    assert with_lost.n_lost == 2
    assert found.reward[0] == -np.inf
    assert found.kl[0] == 0.0
    assert found.reward[1] == pytest.approx(plain.reward[1], rel=1e-15)
    assert found.kl[1] == pytest.approx(plain.kl[1] + np.log(2), rel=1e-14)
    only = TiltGrid([0.5]).update([-np.inf])
    with pytest.raises(DataError, match="finite reward"):
        only.moments()
    assert only.merge(TiltGrid([0.5]).update([3.0])).moments().kl[0] == pytest.approx(np.log(2), rel=1e-15)


def test_shift_of_the_rewards_changes_nothing_else() -> None:
    # Trap 1: exp(t r) of rewards near 1e6 would overflow.
    values = np.random.default_rng(5).integers(0, 64, 5000) / 8.0
    plain, moved = (TiltGrid([-2.0, 1.0, 30.0]).update(values + c).moments() for c in (0.0, 1e6))
    np.testing.assert_allclose(moved.reward - 1e6, plain.reward, atol=2e-10)
    for name in ("kl", "ess", "var_reward", "var_log_mgf"):
        np.testing.assert_allclose(getattr(moved, name), getattr(plain, name), rtol=1e-9)


def test_bins_of_a_whole_stream_give_any_tilt() -> None:
    g = np.random.default_rng(6)
    values = g.standard_normal(30_000)
    bins = RewardBins(float(values.max()), float(np.ptp(values)))
    for part in np.array_split(values, 3):
        bins.add(bins.moments(part))
    tilts = np.array([1e-6, 0.3, 5.0, 4e3])
    found, want = bins.sums(tilts), direct(values, 1.0, tilts)
    np.testing.assert_allclose(found[:4], want[:4], rtol=1e-12, atol=1e-15)
    assert bins.largest > 1e10


def test_without_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(7).standard_normal(30_000)
    compiled = TiltGrid(np.linspace(-3, 3, 9)).update(values).moments()
    monkeypatch.setenv("INFOSTAT_DISABLE_JIT", "1")
    plain = TiltGrid(np.linspace(-3, 3, 9)).update(values).moments()
    np.testing.assert_allclose(plain.kl, compiled.kl, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(plain.var_reward, compiled.var_reward, rtol=1e-11)


# ------------------------------------------------------------------------------------- bad input
def test_bad_input() -> None:
    with pytest.raises(InputError, match="NaN"):
        TiltGrid([1.0, np.nan])
    with pytest.raises(InputError, match="at least one"):
        TiltGrid([])
    with pytest.raises(InputTypeError, match="t must"):
        TiltGrid("1")
    grid = TiltGrid([-1.0, 1.0])
    for bad in (np.nan, np.inf):
        with pytest.raises(DataError, match="1 "):
            grid.update([0.0, bad])
    with pytest.raises(DataError, match="negative"):
        grid.update([0.0, -np.inf])
    with pytest.raises(DataError, match="1e75"):
        grid.update([-1e76, 1e76])
    with pytest.raises(InputError, match="1-dimensional"):
        grid.update([[1.0, 2.0]])
    with pytest.raises(InputTypeError, match="TiltGrid"):
        grid.merge([1.0])
    with pytest.raises(InputError, match="same tilts"):
        grid.merge(TiltGrid([1.0, -1.0]))
    assert grid.n_samples == 0
    assert grid.update([]).n_samples == 0
    with pytest.raises(DataError, match="got 0 rewards"):
        grid.moments()
    assert "2 tilts" in repr(grid)
