"""Descriptions of columns: sums, moments, fitted curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from infostat.core.data import Table
from infostat.core.rng import as_seed_sequence
from infostat.families import get_family
from infostat.reporting.column_kinds import column_kind
from infostat.reporting.column_profile import profile_column
from infostat.reporting.models import Judging, judge_column

HOW = Judging(alpha=0.05, bootstrap=0, seed=as_seed_sequence(0), n_jobs=None)


def _profile(values):
    column = pd.Series(values, name="x")
    return profile_column("x", column, column_kind(column))


def _judged(values):
    profile = _profile(values)
    families = {name: get_family(name) for name in column_kind(pd.Series(values)).families}
    return judge_column(profile, Table(pd.DataFrame({"x": np.asarray(values, dtype=float)}), "x"), families, HOW, 0)


def test_moments_and_quantiles():
    values = np.random.default_rng(1).gamma(3.0, size=101)
    found = _profile(values)
    assert found.mean == pytest.approx(values.mean(), rel=1e-13)
    assert found.sd == pytest.approx(values.std(ddof=1), rel=1e-13)
    assert found.skewness == pytest.approx(stats.skew(values), rel=1e-11)
    np.testing.assert_allclose(found.quantiles, np.quantile(values, [0, 0.25, 0.5, 0.75, 1]), rtol=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=40))
def test_every_value_is_in_a_bar(values):
    found = _profile(values)
    assert found.counts.sum() == found.n == len(values)
    if len(found.edges):
        assert (np.diff(found.edges) >= 0).all()
        assert found.edges[0] <= min(values) and found.edges[-1] >= max(values)


def test_levels_are_counted_and_rare_ones_put_together():
    words = [f"w{i}" for i in range(20) for _ in range(i + 1)]
    found = _profile(words)
    assert found.levels[0] == "w19" and found.levels[-1] == "9 others"
    assert found.counts.sum() == len(words) and found.counts[-1] == sum(range(1, 10))
    assert np.isnan(found.mean) and np.isnan(found.quantiles).all()


def test_counts_keep_their_order_and_get_probabilities():
    values = np.random.default_rng(2).poisson(2.0, 300)
    found = _judged(values)
    assert [float(level) for level in found.levels] == sorted(set(values.tolist()))
    np.testing.assert_allclose(found.curves["poisson"], stats.poisson(values.mean()).pmf(found.grid), rtol=1e-10)
    assert "categorical" not in found.curves  # repeats the bars
    ax = found.plot()
    assert ax.get_ylabel() == "share of the rows"


def test_fitted_curves_are_the_densities():
    values = np.random.default_rng(3).gamma(2.0, size=400)
    found = _judged(values)
    law = stats.norm(values.mean(), values.std())
    np.testing.assert_allclose(found.curves["normal"], law.pdf(found.grid), rtol=1e-9)
    # A fitted density has most of its mass where the data are.
    assert np.trapezoid(found.curves["gamma"], found.grid) == pytest.approx(1.0, abs=0.03)
    assert found.best == "gamma" and found.judged is found.criteria["gamma"]


def test_the_best_family_has_the_smallest_tic_of_the_public_function():
    from infostat.projection import information_criteria

    values = np.random.default_rng(4).normal(10.0, size=200)
    found = _judged(values)
    for name in ("normal", "gamma"):
        own = information_criteria(values, name)
        assert found.tic[name] == pytest.approx(own.tic, rel=1e-12)
        assert found.aic[name] == pytest.approx(own.aic, rel=1e-12)
    assert found.best == min(found.tic, key=found.tic.get)


def test_a_family_without_an_estimate_is_named():
    profile = _profile([1.0, 2.0, 3.5, -1.0])
    table = Table(pd.DataFrame({"x": [1.0, 2.0, 3.5, -1.0]}), "x")
    found = judge_column(profile, table, {"gamma": get_family("gamma")}, HOW, 0)
    assert found.judged is None and "(0, inf)" in found.reasons["gamma"]
    assert any("gamma has no estimate" in note for note in found.summary().notes)
