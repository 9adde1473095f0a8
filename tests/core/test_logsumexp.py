"""Log-sum-exp states: scipy as oracle, infinities as values, merging in any split."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from scipy.special import logsumexp

from infostat.core.errors import InputError, InputTypeError
from infostat.core.logsumexp import LogSumExp

EPS = np.finfo(float).eps


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_scalar_agrees_with_scipy(shift: float) -> None:
    terms = np.random.default_rng(3).normal(scale=20.0, size=500) + shift
    state = LogSumExp().update(terms[:100]).update(terms[100:])
    assert isinstance(state.value, float)
    # One rounding of the exponent of size |shift|, and a sum of 500 positive terms.
    assert abs(state.value - float(logsumexp(terms))) <= EPS * (2 * abs(shift) + 600)
    assert state.n_terms == 500


def test_vector_with_weights_agrees_with_scipy() -> None:
    rng = np.random.default_rng(4)
    terms, weights = rng.normal(scale=30.0, size=(60, 2, 3)), rng.random(60)
    weights[::7] = 0.0
    state = LogSumExp((2, 3)).update(terms[:20], weights[:20]).update(terms[20:], weights[20:])
    expected = logsumexp(terms, axis=0, b=weights[:, None, None])
    assert state.value.shape == state.shape == (2, 3)
    np.testing.assert_allclose(state.value, expected, rtol=0, atol=500 * EPS)


def test_full_weights_agree_with_scipy() -> None:
    rng = np.random.default_rng(5)
    terms, weights = rng.normal(size=(10, 4)), rng.random((10, 4))
    np.testing.assert_allclose(
        LogSumExp(4).update(terms, weights).value, logsumexp(terms, axis=0, b=weights), atol=100 * EPS, rtol=0
    )


def test_high_precision_oracle() -> None:
    terms = [-1234.5, -1230.25, -1231.125, -2000.0]
    with mp.workdps(40):
        exact = float(mp.log(sum(mp.exp(mp.mpf(t)) for t in terms)))
    assert abs(LogSumExp().update(terms).value - exact) <= 2 * np.spacing(1230.0)


@settings(deadline=None, max_examples=60)
@given(
    terms=st.lists(st.one_of(st.floats(-800, 800), st.sampled_from([-math.inf])), max_size=20),
    cut=st.integers(0, 20),
)
def test_any_split_equals_the_whole(terms: list[float], cut: int) -> None:
    whole = LogSumExp().update(terms).value
    left, right = LogSumExp().update(terms[:cut]), LogSumExp().update(terms[cut:])
    kept = right.value
    merged = left.merge(right).value
    assert merged == whole or abs(merged - whole) <= EPS * (4 * 800 + 100)
    assert right.value == kept
    assert not math.isnan(merged)
    if terms:
        assert max(terms) <= merged <= max(terms) + math.log(len(terms)) + 10 * EPS * 800


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([], -math.inf),
        ([-math.inf, -math.inf], -math.inf),
        ([math.inf, 0.0], math.inf),
        ([math.inf, math.inf, -math.inf], math.inf),
        ([-math.inf, 2.0], 2.0),
        ([1.7e308, -1.7e308], 1.7e308),
    ],
)
def test_infinities_are_values(terms: list[float], expected: float) -> None:
    # Warnings are errors in this suite, so this also checks that none is issued.
    with np.errstate(all="raise"):
        assert LogSumExp().update(terms).value == expected
        singles = LogSumExp()
        for term in terms:
            singles.merge(LogSumExp().update([term]))
        assert singles.value == expected
        finite_after = LogSumExp().update(terms).update([0.0]).value
    assert finite_after == (max(expected, 0.0) if expected != 2.0 else pytest.approx(np.logaddexp(2.0, 0.0)))


def test_zero_weight_leaves_a_term_out() -> None:
    assert LogSumExp().update([math.inf, 1.0], [0.0, 1.0]).value == 1.0
    assert LogSumExp().update([5.0, 1.0], [0.0, 0.0]).value == -math.inf


def test_columns_do_not_mix() -> None:
    terms = np.array([[-math.inf, math.inf, 0.0], [-math.inf, 1.0, 0.0]])
    np.testing.assert_allclose(LogSumExp(3).update(terms).value, [-math.inf, math.inf, math.log(2.0)])


def test_integer_weights_are_repetitions() -> None:
    terms, weights = np.array([0.5, -1.0, 3.0]), np.array([2, 0, 5])
    weighted = LogSumExp().update(terms, weights).value
    assert weighted == pytest.approx(LogSumExp().update(np.repeat(terms, weights)).value, rel=4 * EPS)


def test_state_copy_and_pickle() -> None:
    state = LogSumExp(2).update([[0.0, -math.inf], [1.0, -math.inf]])
    for again in (LogSumExp.from_state(state.state()), pickle.loads(pickle.dumps(state)), state.copy()):
        np.testing.assert_array_equal(again.value, state.value)
        again.update([[9.0, 9.0]])
        assert (again.n_terms, state.n_terms) == (3, 2)
    assert repr(state) == "LogSumExp(shape=(2,), n_terms=2)"


def test_bad_input_is_refused() -> None:
    state = LogSumExp(2)
    with pytest.raises(InputError, match=r"log_terms must have shape \(m, 2\), got shape \(2,\)"):
        state.update([0.0, 1.0])
    with pytest.raises(InputError, match="must not be NaN, got 1 NaN"):
        state.update([[0.0, math.nan]])
    with pytest.raises(InputError, match="non-negative, got 1 negative"):
        state.update([[0.0, 1.0]], [-1.0])
    with pytest.raises(InputError, match=r"one entry per term \(1\)"):
        state.update([[0.0, 1.0]], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match=r"other must have shape \(2,\), got shape \(\)"):
        state.merge(LogSumExp())
    with pytest.raises(InputTypeError, match="LogSumExp accumulator, got a float"):
        state.merge(1.0)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="shape must be a tuple of integers"):
        LogSumExp("2")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="without scaled"):
        LogSumExp.from_state({"shape": (), "n_terms": 0, "maximum": 0.0})
    with pytest.raises(InputError, match=r"maximum of the state must have shape \(2,\)"):
        LogSumExp.from_state({**state.state(), "maximum": 0.0})
