"""Rate functions from samples: closed values at the ends, the dual form, and the leading bias."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from infostat.alignment.rates import empirical_rate
from infostat.core.errors import DataError, InputError


def test_extreme_and_unseen_rewards() -> None:
    samples = [0.0, 0.0, 1.0, 2.0, 2.0, 2.0]
    found = empirical_rate(samples, [2.0, 2.5, 0.0, -1.0])
    np.testing.assert_allclose(found.rate, [math.log(2.0), math.inf, math.log(3.0), math.inf], rtol=1e-15)
    np.testing.assert_array_equal(found.t, [math.inf, math.inf, -math.inf, -math.inf])
    assert np.isnan(found.bias[[1, 3]]).all()
    # log(M/K) with K ~ binomial is biased by (1/K - 1/M)/2 at leading order.
    assert found.bias[0] == pytest.approx(0.5 * (1 / 3 - 1 / 6), rel=1e-14)
    assert set(found.flags) == {"collapsed", "outside_range", "at_extreme"}


def test_at_the_mean_the_rate_is_zero_and_its_bias_one_over_two_m() -> None:
    samples = np.array([0.0, 1.0, 3.0, 7.0])
    found = empirical_rate(samples, 2.75, corrected=True)
    assert found.rate == pytest.approx(0.0, abs=1e-15)
    assert found.bias == pytest.approx(1 / 8, rel=1e-12)
    assert found.corrected == 0.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=3, max_size=12, unique=True), st.floats(0.05, 0.95))
def test_the_rate_is_the_supremum_of_its_definition(samples: list[float], share: float) -> None:
    r = np.array(samples)
    if np.ptp(r) < 1e-3:
        return
    x = r.min() + share * np.ptp(r)
    found = empirical_rate(r, x)
    # Rewards scaled to [0, 1], so that the minimiser works on numbers of order one.
    unit, place = (r - r.min()) / np.ptp(r), share

    def negative(t: float) -> float:
        top = (t * unit).max()
        return top + math.log(np.mean(np.exp(t * unit - top))) - t * place

    best = minimize_scalar(negative, bracket=(-1.0, 1.0), tol=1e-12)
    # A minimiser with relative tolerance 1e-12 in t has the value to 1e-10 or better.
    assert found.rate == pytest.approx(-best.fun, rel=1e-8, abs=1e-10)


def test_the_bias_is_that_of_simulation() -> None:
    """Normal rewards, M = 400, x = 1 (I = 1/2): the mean error is the reported bias up to noise."""
    rng = np.random.default_rng(11)
    found = [empirical_rate(row, 1.0) for row in rng.normal(size=(600, 400))]
    errors = np.array([one.rate for one in found]) - 0.5
    predicted = float(np.mean([one.bias for one in found]))
    assert predicted > 0.005
    assert abs(errors.mean() - predicted) < 4.0 * errors.std() / math.sqrt(len(errors))
    # The standard error is honest: ratio 1 within four standard errors of a sample deviation.
    ratio = float(np.sqrt(np.mean([one.se**2 for one in found]))) / errors.std()
    assert abs(ratio - 1.0) < 4.0 / math.sqrt(2 * len(errors)) + 0.05


def test_prompts_share_one_tilt() -> None:
    table = np.array([[0.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.5, 6.0]])
    found = empirical_rate(table, 3.5)

    def negative(t: float) -> float:
        tops = (t * table).max(axis=1)
        return float(np.mean(tops + np.log(np.mean(np.exp(t * table - tops[:, None]), axis=1))) - 3.5 * t)

    assert found.rate == pytest.approx(-minimize_scalar(negative, bracket=(0.0, 1.0), tol=1e-12).fun, rel=1e-9)
    assert found.n_prompts == 2
    assert empirical_rate(table, 5.0).rate == pytest.approx(math.log(4.0), rel=1e-14)


def test_rewards_of_minus_infinity() -> None:
    found = empirical_rate([-np.inf, 0.0, 1.0, 2.0], [-4.0, 1.0, 1.5])
    # Below the finite mean the best t is the limit zero: only the share 3/4 is paid for.
    np.testing.assert_allclose(found.rate[:2], math.log(4 / 3), rtol=1e-12)
    inside = empirical_rate([0.0, 1.0, 2.0], 1.5).rate
    assert found.rate[2] == pytest.approx(inside + math.log(4 / 3), rel=1e-10)


def test_shape_and_round_trip() -> None:
    one = empirical_rate([0.0, 1.0, 2.0], 1.5)
    assert isinstance(one.rate, float)
    assert isinstance(one.status, str)
    many = empirical_rate([0.0, 1.0, 2.0], [1.5, 0.5, 3.0], corrected=True)
    assert many.rate[0] == one.rate
    for result in (one, many):
        assert type(result).from_dict(result.to_dict()) == result
        assert len(repr(result)) < 200
        assert len(result.to_frame()) == np.size(result.x)
        str(result.summary())


def test_the_figure_shows_the_bias_band() -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rewards = np.random.default_rng(2).normal(size=300)
    ax = empirical_rate(rewards, np.linspace(-2.0, 5.0, 30)).plot()
    assert "leading bias" in [text.get_text() for text in ax.get_legend().get_texts()]
    assert np.isfinite(ax.dataLim.bounds).all()
    plt.close("all")


@pytest.mark.parametrize(
    ("samples", "x", "kind", "message"),
    [
        ([1.0, 2.0], math.nan, InputError, "x must hold"),
        ([1.0, 2.0], [], InputError, "x must hold"),
        ([1.0, math.nan], 1.0, DataError, "missing rewards"),
        ([], 1.0, DataError, "must hold rewards"),
    ],
)
def test_bad_input(samples, x, kind, message) -> None:
    with pytest.raises(kind, match=message):
        empirical_rate(samples, x)
