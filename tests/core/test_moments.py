"""Moments: direct formulas, exact rational arithmetic, and merging in any split."""

from __future__ import annotations

import itertools
import json
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core import moments as module
from infostat.core.errors import InputError, InputTypeError
from infostat.core.moments import Moments

EPS = np.finfo(float).eps


def direct(x: np.ndarray, w: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, covariance and third co-moments by their definitions."""
    p = np.full(len(x), 1.0 / len(x)) if w is None else w / w.sum()
    mean = p @ x
    z = x - mean
    return mean, np.einsum("a,ai,aj->ij", p, z, z), np.einsum("a,ai,aj,al->ijl", p, z, z, z)


def assert_close(a: Moments, b: Moments, scale: float) -> None:
    """Compare up to rounding: some hundred operations on numbers of size `scale`."""
    assert a.n_rows == b.n_rows
    assert a.weight == pytest.approx(b.weight, rel=100 * EPS)
    np.testing.assert_allclose(a.mean, b.mean, rtol=0, atol=300 * EPS * scale)
    np.testing.assert_allclose(a.covariance(), b.covariance(), rtol=0, atol=300 * EPS * scale**2)
    if a.order == 3:
        np.testing.assert_allclose(a.third, b.third, rtol=0, atol=300 * EPS * scale**3)


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(5).gamma(2.0, size=(700, 4))


def test_agrees_with_the_definitions(x: np.ndarray) -> None:
    moments = Moments.from_data(x, order=3)
    mean, covariance, third = direct(x)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-14)
    np.testing.assert_allclose(moments.covariance(), covariance, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(moments.third, third, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(moments.covariance(ddof=1), np.cov(x.T), rtol=1e-12, atol=1e-14)


def test_weighted_agrees_with_the_definitions(x: np.ndarray) -> None:
    w = np.random.default_rng(6).random(len(x)) * 50.0
    moments = Moments.from_data(x, w, order=3)
    mean, covariance, third = direct(x, w)
    assert moments.weight == pytest.approx(w.sum(), rel=1e-14)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(moments.covariance(), covariance, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(moments.third, third, rtol=1e-12, atol=1e-13)


def test_third_is_exactly_symmetric(x: np.ndarray) -> None:
    third = Moments.from_data(x, order=3).third
    for axes in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        np.testing.assert_array_equal(third, third.transpose(axes))
    covariance = Moments.from_data(x, np.arange(700.0)).covariance()
    np.testing.assert_array_equal(covariance, covariance.T)


def test_row_blocks_do_not_matter(x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    w = np.random.default_rng(2).random(len(x))
    whole = Moments.from_data(x, w, order=3)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 0)
    monkeypatch.setattr(module, "_MIN_BLOCK_ROWS", 7)
    assert_close(Moments.from_data(x, w, order=3), whole, scale=np.abs(x).max())


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(0, 30), max_size=6),
    order=st.sampled_from([2, 3]),
    weighted=st.booleans(),
    as_tree=st.booleans(),
)
def test_any_split_equals_the_whole(
    seed: int, cuts: list[int], order: int, weighted: bool, as_tree: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30, 3)) * 10.0 ** rng.integers(-3, 4) + rng.normal(size=3)
    w = rng.integers(0, 3, size=30).astype(float) if weighted else np.ones(30)
    w[0] = 1.0
    edges = [0, *sorted(cuts), 30]
    parts = [(x[a:b], w[a:b]) for a, b in itertools.pairwise(edges)]
    if as_tree:
        merged = Moments(3, order)
        for rows, weights in parts:
            merged.merge(Moments.from_data(rows, weights, order))
    else:
        merged = Moments(3, order)
        for rows, weights in parts:
            merged.update(rows, weights)
    assert_close(merged, Moments.from_data(x, w, order), scale=float(np.abs(x).max()))


def test_weights_are_repetitions(x: np.ndarray) -> None:
    w = np.random.default_rng(1).integers(0, 4, size=len(x))
    weighted = Moments.from_data(x, w, order=3)
    repeated = Moments.from_data(np.repeat(x, w, axis=0), order=3)
    assert weighted.weight == repeated.weight
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-13)
    np.testing.assert_allclose(weighted.covariance(1), repeated.covariance(1), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(weighted.third, repeated.third, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 5, 24])
@pytest.mark.parametrize("offset", [0, 10**8])
def test_exact_rational_oracle_with_large_offset(chunk: int, offset: int) -> None:
    # Multiples of 1/64 near 1e8 are exact doubles, so the rational answer is for the same data.
    steps = np.random.default_rng(8).integers(-300, 900, size=(24, 2))
    data = offset + steps / 64.0
    exact = [[Fraction(float(v)) for v in row] for row in data]
    n = len(exact)
    mean = [sum(row[i] for row in exact) / n for i in range(2)]
    z = [[row[i] - mean[i] for i in range(2)] for row in exact]
    moments = Moments(2, order=3)
    for start in range(0, n, chunk):
        moments.update(data[start : start + chunk])
    for i in range(2):
        # One rounding of the mean itself, and one of the small offset per merge.
        rounding = np.spacing(float(mean[i])) + 24 * EPS * float(max(abs(row[i]) for row in z))
        assert abs(Fraction(float(moments.mean[i])) - mean[i]) <= Fraction(float(rounding))
        for j in range(2):
            covariance = float(sum(row[i] * row[j] for row in z) / n)
            scale = float(max(abs(row[0]) + abs(row[1]) for row in z))
            # About 24 merges, each a handful of roundings relative to the largest deviation.
            assert abs(moments.covariance()[i, j] - covariance) <= 100 * EPS * scale**2
            for k in range(2):
                third = float(sum(row[i] * row[j] * row[k] for row in z) / n)
                assert abs(moments.third[i, j, k] - third) <= 100 * EPS * scale**3


def test_naive_power_sums_would_fail_the_offset_test() -> None:
    # Guards the test above: at this offset the textbook formula has lost every digit.
    data = 1e8 + np.random.default_rng(8).integers(-300, 900, size=24) / 64.0
    naive = (data**2).mean() - data.mean() ** 2
    good = Moments.from_data(data[:, None]).covariance()[0, 0]
    assert abs(naive - good) > 1e-3 * good


def test_affine_map(x: np.ndarray) -> None:
    a = np.array([[1.0, 2.0, 0.0, -1.0], [0.5, 0.0, 3.0, 1.0]])
    original, mapped = Moments.from_data(x, order=3), Moments.from_data(x @ a.T + [5.0, -3.0], order=3)
    np.testing.assert_allclose(mapped.mean, a @ original.mean + [5.0, -3.0], rtol=1e-12)
    np.testing.assert_allclose(mapped.covariance(), a @ original.covariance() @ a.T, rtol=1e-11)
    expected = np.einsum("ia,jb,lc,abc->ijl", a, a, a, original.third)
    np.testing.assert_allclose(mapped.third, expected, rtol=1e-10)


def test_state_copy_and_pickle(x: np.ndarray) -> None:
    moments = Moments.from_data(x, order=3)
    text = json.dumps({k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in moments.state().items()})
    for again in (
        Moments.from_state(moments.state()),
        Moments.from_state(json.loads(text)),
        pickle.loads(pickle.dumps(moments)),
        moments.copy(),
    ):
        np.testing.assert_array_equal(again.third, moments.third)
        np.testing.assert_array_equal(again.covariance(1), moments.covariance(1))
        np.testing.assert_array_equal(again.mean, moments.mean)
        again.update(x)
        assert again.n_rows == 2 * moments.n_rows
    assert "n_rows=700" in repr(moments)


def test_inputs_and_the_other_side_are_not_modified(x: np.ndarray) -> None:
    x.flags.writeable = False
    other = Moments.from_data(x[:10], order=3)
    before = other.third
    Moments.from_data(x, order=3).merge(other)
    empty = Moments(4, order=3).merge(other)
    empty.update(x)
    np.testing.assert_array_equal(other.third, before)
    assert other.n_rows == 10


def test_merging_with_itself_doubles_the_weight(x: np.ndarray) -> None:
    moments = Moments.from_data(x, order=3)
    third, covariance = moments.third, moments.covariance()
    moments.merge(moments)
    assert (moments.weight, moments.n_rows) == (1400.0, 1400)
    np.testing.assert_allclose(moments.third, third, rtol=1e-14)
    np.testing.assert_allclose(moments.covariance(), covariance, rtol=1e-14)


def test_empty_chunks_and_zero_weights_change_nothing(x: np.ndarray) -> None:
    moments = Moments.from_data(x)
    covariance = moments.covariance()
    moments.update(np.empty((0, 4))).update(x[:3], np.zeros(3))
    np.testing.assert_array_equal(moments.covariance(), covariance)
    assert (moments.n_rows, moments.weight) == (703, 700.0)


def test_single_row_has_zero_spread() -> None:
    moments = Moments.from_data([[1e8 + 0.25, -3.0]], order=3)
    assert moments.mean.tolist() == [1e8 + 0.25, -3.0]
    assert not moments.covariance().any()
    assert not moments.third.any()


def test_bad_input_is_refused() -> None:
    moments = Moments(2)
    with pytest.raises(InputError, match=r"chunk must be an array with 2 columns, got shape \(1, 3\)"):
        moments.update([[1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match="chunk must be 2-dimensional"):
        moments.update([1.0, 2.0])
    with pytest.raises(InputError, match="chunk must be finite, got 1 NaN"):
        moments.update([[1.0, np.nan]])
    with pytest.raises(InputError, match="weights must be non-negative, got 1 negative"):
        moments.update([[1.0, 2.0]], [-1.0])
    with pytest.raises(InputError, match=r"one entry per row \(1\)"):
        moments.update([[1.0, 2.0]], [1.0, 2.0])
    with pytest.raises(InputError, match="finite sum"):
        moments.update([[1.0, 2.0], [1.0, 2.0]], [1.7e308, 1.7e308])
    with pytest.raises(InputError, match="total weight above 0, got 0 from 0 rows"):
        _ = moments.mean
    with pytest.raises(InputError, match="total weight above 1, got 1"):
        Moments.from_data([[1.0]]).covariance(ddof=1)
    with pytest.raises(InputError, match="order=3"):
        _ = moments.third
    with pytest.raises(InputError, match="n_vars=2 and order=2, got n_vars=3 and order=2"):
        moments.merge(Moments(3))
    with pytest.raises(InputTypeError, match="Moments accumulator, got a list"):
        moments.merge([1.0])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="order must be one of 2, 3"):
        Moments(2, order=4)
    with pytest.raises(InputError, match="without offset"):
        Moments.from_state({k: v for k, v in moments.state().items() if k != "offset"})
    with pytest.raises(InputError, match=r"second of the state must have shape \(2, 2\)"):
        Moments.from_state({**moments.state(), "second": np.zeros(3)})
