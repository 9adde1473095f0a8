"""Columns of a product base."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from infostat.core.errors import InputError, InputTypeError
from infostat.families.base_columns import SLICE_FORMS, LawColumn, LevelColumn, base_column

LAWS = {
    "beta": stats.beta(2.5, 0.7, loc=-1.0, scale=4.0),
    "chi2": stats.chi2(5, loc=1.0, scale=2.0),
    "expon": stats.expon(loc=1.0, scale=2.0),
    "gamma": stats.gamma(2.5, loc=-1.0, scale=0.5),
    "halfnorm": stats.halfnorm(loc=1.0, scale=2.0),
    "maxwell": stats.maxwell(loc=0.5, scale=2.0),
    "norm": stats.norm(loc=1.0, scale=3.0),
    "rayleigh": stats.rayleigh(loc=1.0, scale=2.0),
    "truncexpon": stats.truncexpon(3.0, loc=1.0, scale=2.0),
    "truncnorm": stats.truncnorm(-1.0, 2.0, loc=0.5, scale=2.0),
    "uniform": stats.uniform(loc=1.0, scale=2.0),
}


def test_every_slice_form_has_a_law_here() -> None:
    assert set(LAWS) == set(SLICE_FORMS)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_slice_form_is_the_log_density_up_to_a_constant(name: str) -> None:
    law = LAWS[name]
    a, b, c, d, low, high, width = LawColumn(law).slice_form()
    x = law.ppf(np.linspace(0.02, 0.98, 25))
    value = c * x + d * x * x + (a * np.log(x - low) if a else 0.0) + (b * np.log(high - x) if b else 0.0)
    np.testing.assert_allclose(np.diff(value), np.diff(law.logpdf(x)), rtol=0, atol=1e-12)
    assert width == pytest.approx(2.0 * law.std())


def test_other_laws_have_no_slice_form() -> None:
    assert LawColumn(stats.logistic()).slice_form() is None


def test_levels_are_sorted_and_empty_ones_left_out() -> None:
    column = LevelColumn([3.0, 1.0, 2.0], [2.0, 1.0, 0.0])
    np.testing.assert_array_equal(column.levels, [1.0, 3.0])
    np.testing.assert_allclose(np.exp(column.log_weights), [1 / 3, 2 / 3], rtol=1e-15)
    np.testing.assert_array_equal(column.inside(np.array([1.0, 2.0, 3.0])), [True, False, True])


def test_draws_of_levels_follow_the_weights() -> None:
    column = LevelColumn([0.0, 1.0, 5.0], [0.2, 0.5, 0.3])
    n = 20_000
    counts = np.unique(column.draw(n, np.random.default_rng(1)), return_counts=True)[1]
    assert stats.chisquare(counts, n * np.array([0.2, 0.5, 0.3])).pvalue > 1e-4


def test_closed_support_and_infinite_densities() -> None:
    column = base_column(stats.beta(2.0, 0.5), 0)
    np.testing.assert_array_equal(column.inside(np.array([-0.1, 0.0, 1.0, 1.1])), [False, True, True, False])
    np.testing.assert_array_equal(column.log_density(np.array([0.0, 1.0])), [-np.inf, np.inf])


def test_finite_discrete_laws_become_levels() -> None:
    column = base_column(stats.binom(3, 0.4), 0)
    assert isinstance(column, LevelColumn)
    np.testing.assert_allclose(np.exp(column.log_weights), stats.binom(3, 0.4).pmf(range(4)), rtol=1e-13)


def test_equality_is_by_law_and_parameters() -> None:
    assert base_column(stats.beta(2, 3), 0) == base_column(stats.beta(a=2.0, b=3.0), 1)
    assert base_column(stats.beta(2, 3), 0) != base_column(stats.beta(2, 3, scale=2), 0)
    assert hash(base_column(([0, 1], [1, 1]), 0)) == hash(base_column(([1, 0], [2, 2]), 0))
    assert repr(base_column(stats.beta(2, 3, scale=2), 0)) == "beta(2, 3, scale=2)"


@pytest.mark.parametrize(
    ("description", "error", "pattern"),
    [
        ("beta", InputTypeError, r"base\[2\] must be a frozen scipy.stats law or \(values, weights\)"),
        (stats.beta, InputTypeError, "frozen"),
        (stats.beta(-1, 2), InputError, "parameters in their range"),
        (stats.poisson(3), InputError, "finitely many levels"),
        (([0, 1, 1], [1, 1, 1]), InputError, "different levels"),
        (([0, 1], [1, -1]), InputError, "weights of a base column"),
        (([[0, 1]], [1, 1]), InputError, "vector"),
        (([0, np.nan], [1, 1]), InputError, "finite"),
    ],
)
def test_bad_columns(description: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        base_column(description, 2)
