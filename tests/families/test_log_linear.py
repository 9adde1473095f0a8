"""Log-linear tables: closed forms, proportional fitting and statsmodels as oracles, empty margins."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    ConvergenceWarning,
    InputError,
    InputTypeError,
    SupportError,
)
from infostat.families.categorical import Categorical
from infostat.families.ising import Ising
from infostat.families.log_linear import LogLinear
from infostat.families.proportional_fitting import fit_margins

MAIN = [(0,), (1,), (2,)]
PAIRS = [(0, 1), (0, 2), (1, 2)]


def _fitted(family: LogLinear, counts: np.ndarray) -> np.ndarray:
    fit = family.fit(family.cells().points, (counts / counts.sum()).ravel())
    return family.table(fit.theta)


def _counts(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 40, shape).astype(float)


def test_statistics_and_names() -> None:
    family = LogLinear((2, 3), [(1,), (0,), (1, 0)])
    assert family.terms == ((1,), (0,), (0, 1))
    assert family.statistic_names(["a", "b"]) == ["b=0", "b=1", "a=0", "a=0*b=0", "a=0*b=1"]
    rows = np.array(list(product(range(2), range(3))))
    expected = [[b == 0, b == 1, a == 0, a == 0 and b == 0, a == 0 and b == 1] for a, b in rows]
    np.testing.assert_array_equal(family.statistic(rows), np.array(expected, dtype=float))
    np.testing.assert_array_equal(family.cells().points, rows)


def test_independence_is_the_product_of_the_margins() -> None:
    counts = _counts(0, (3, 4))
    p = counts / counts.sum()
    found = _fitted(LogLinear((3, 4), [(0,), (1,)]), counts)
    np.testing.assert_allclose(found, np.outer(p.sum(axis=1), p.sum(axis=0)), rtol=1e-11)


def test_conditional_independence_has_a_closed_form() -> None:
    counts = _counts(1, (2, 3, 4))
    p = counts / counts.sum()
    family = LogLinear((2, 3, 4), [*MAIN, (0, 1), (1, 2)])
    closed = p.sum(axis=2)[:, :, None] * p.sum(axis=0)[None] / p.sum(axis=(0, 2))[None, :, None]
    np.testing.assert_allclose(_fitted(family, counts), closed, rtol=1e-10)


def test_the_saturated_model_reproduces_the_table() -> None:
    counts = _counts(2, (2, 3, 2))
    family = LogLinear((2, 3, 2), [*MAIN, *PAIRS, (0, 1, 2)])
    assert family.n_params() == 11
    np.testing.assert_allclose(_fitted(family, counts), counts / counts.sum(), rtol=1e-9)


def test_one_variable_is_categorical() -> None:
    family, known = LogLinear([3], [(0,)]), Categorical([0, 1, 2])
    theta = known.natural(prob=[0.2, 0.5, 0.3])
    np.testing.assert_allclose(family.table(theta), [0.2, 0.5, 0.3], rtol=1e-14)
    np.testing.assert_array_equal(family.statistic([2, 0]), known.statistic([2, 0]))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_newton_equals_proportional_fitting(seed: int) -> None:
    """No three-way interaction: no closed form, two independent algorithms."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(k) for k in rng.integers(2, 5, 3))
    counts = _counts(seed, shape)
    family = LogLinear(shape, [*MAIN, *PAIRS])
    np.testing.assert_allclose(_fitted(family, counts), fit_margins(counts, PAIRS), rtol=1e-8)


def test_newton_equals_a_poisson_regression() -> None:
    """The log-linear model as a Poisson GLM on the cells (statsmodels), parameters included."""
    sm = pytest.importorskip("statsmodels.api")
    counts = _counts(3, (3, 2, 4))
    family = LogLinear((3, 2, 4), [*MAIN, *PAIRS])
    cells = family.cells()
    design = np.column_stack([np.ones(24), cells.statistics])
    model = sm.GLM(counts.ravel(), design, family=sm.families.Poisson()).fit(tol=1e-13)
    fit = family.fit(cells.points, (counts / counts.sum()).ravel())
    np.testing.assert_allclose(fit.theta, model.params[1:], rtol=1e-7, atol=1e-9)
    # The Fisher information per row is the covariance of the coefficients without the intercept, inverted.
    information = np.linalg.inv(model.cov_params()[1:, 1:]) / counts.sum()
    np.testing.assert_allclose(family.cov(fit.theta), information, rtol=1e-6, atol=1e-9)


def test_binary_tables_are_ising_models() -> None:
    counts = _counts(4, (2, 2, 2))
    ising = Ising(3)
    p = ising.probabilities(ising.fit(ising.cells().points, counts.ravel() / counts.sum()).theta)
    np.testing.assert_allclose(_fitted(LogLinear((2, 2, 2), [*MAIN, *PAIRS]), counts).ravel(), p, rtol=1e-9)


def test_hierarchical_models_do_not_depend_on_the_reference_level() -> None:
    """Reversing the levels of a variable permutes the fitted table; without (1,) it does not."""
    counts = _counts(5, (2, 3))
    full, partial = LogLinear((2, 3), [(0,), (1,)]), LogLinear((2, 3), [(0,), (0, 1)])
    assert full.hierarchical
    assert not partial.hierarchical
    np.testing.assert_allclose(_fitted(full, counts[:, ::-1])[:, ::-1], _fitted(full, counts), rtol=1e-10)
    other = _fitted(partial, counts[::-1])[::-1]
    assert np.abs(other - _fitted(partial, counts)).max() > 1e-3


@pytest.mark.parametrize("cell", [(0, 1), (1, 0), (1, 2), (0, 2)])
def test_an_empty_cell_of_a_fitted_margin_is_named(cell: tuple[int, int]) -> None:
    """Every cell of the margin (0, 1) in turn, reference levels included."""
    counts = np.full((2, 3, 2), 5.0)
    counts[cell] = 0.0
    family = LogLinear((2, 3, 2), [*MAIN, *PAIRS])
    with pytest.raises(BoundaryProjectionError) as caught:
        _fitted(family, counts)
    a, b = cell
    assert f"2 of 12 cells that hold no data (({a}, {b}, 0); ({a}, {b}, 1))" in str(caught.value)


def test_an_empty_cell_is_no_trouble_where_no_margin_is_empty() -> None:
    counts = _counts(6, (3, 3))
    counts[1, 1] = 0.0
    found = _fitted(LogLinear((3, 3), [(0,), (1,)]), counts)
    assert found[1, 1] > 0.0
    np.testing.assert_allclose(found.sum(axis=0), counts.sum(axis=0) / counts.sum(), rtol=1e-11)


def test_faces_without_an_empty_margin() -> None:
    """All margins of pairs are positive, yet the model without three-way interaction has no estimate."""
    counts = np.ones((2, 2, 2))
    counts[0, 0, 0] = counts[1, 1, 1] = 0.0
    with pytest.raises(BoundaryProjectionError, match=r"2 of 8 cells that hold no data \(\(0, 0, 0\); \(1, 1, 1\)\)"):
        _fitted(LogLinear((2, 2, 2), [*MAIN, *PAIRS]), counts)
    # Proportional fitting creeps to the limit, in which the two cells vanish like one over the sweeps.
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        limit = fit_margins(counts, PAIRS, max_iter=500)
    assert 0.0 < limit[0, 0, 0] < 0.01


def test_random_samples_fit_the_model() -> None:
    family = LogLinear((2, 3), [(0,), (1,)])
    theta = np.array([0.3, -0.5, 0.4])
    rows = family.sample(theta, 20_000, 1)
    assert rows.dtype == np.int64
    shares = family.shares(family.encode(rows), np.full(20_000, 1 / 20_000))
    p = family.probabilities(theta)
    assert (np.abs(shares - p) < 4.5 * np.sqrt(p * (1 - p) / 20_000)).all()


REFUSED: list[tuple[Any, Any, type[Exception], str]] = [
    ((2, 1), [(0,)], InputError, "levels in shape must be an integer >= 2"),
    ("23", [(0,)], InputTypeError, "shape must be a sequence"),
    (6, [(0,)], InputTypeError, "shape must be a sequence"),
    ((), [(0,)], InputError, "shape must be a sequence"),
    ((200, 200), [(0,)], InputError, "at most 16384 cells"),
    ((2, 3), [], InputError, "at least one interaction"),
    ((2, 3), "ab", InputTypeError, "terms must be a list"),
    ((2, 3), [0, 1], InputTypeError, "tuples of axes"),
    ((2, 3), [()], InputTypeError, "tuples of axes"),
    ((2, 3), [(0, 2)], InputError, "axes in terms must be an integer from 0 to 1"),
    ((2, 3), [(0, 0)], InputError, "name each axis once"),
    ((2, 3), [(0, 1), (1, 0)], CollinearStatisticsError, r"\(0, 1\) more than once"),
]


@pytest.mark.parametrize(("shape", "terms", "error", "message"), REFUSED)
def test_refusals(shape: Any, terms: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LogLinear(shape, terms)


def test_bad_data() -> None:
    family = LogLinear((2, 3), [(0,)])
    with pytest.raises(SupportError, match=r"2 of 3 rows do not, rows 1, 2 \(values \(0, 3\), \(0, 0.5\)\)"):
        family.encode([[0, 1], [0, 3], [0, 0.5]])
    with pytest.raises(InputError, match="2 columns of level indices, got shape .*as its cells with weights"):
        family.encode(np.zeros((2, 3)))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2)])
def test_proportional_fitting_matches_the_margins(shape: tuple[int, ...]) -> None:
    counts = _counts(7, shape)
    terms = [(axis,) for axis in range(len(shape))]
    found = fit_margins(counts, terms)
    for axis in range(len(shape)):
        others = tuple(k for k in range(len(shape)) if k != axis)
        np.testing.assert_allclose(found.sum(axis=others), counts.sum(axis=others) / counts.sum(), rtol=1e-11)


def test_proportional_fitting_keeps_the_interactions_of_its_start() -> None:
    """Odds ratios of the start survive, whatever the margins."""
    start = np.array([[1.0, 2.0], [3.0, 18.0]])
    found = fit_margins([[10, 20], [30, 5]], [(0,), (1,)], start=start)
    assert found[0, 0] * found[1, 1] / (found[0, 1] * found[1, 0]) == pytest.approx(3.0, rel=1e-12)


def test_proportional_fitting_has_zeros_where_margins_are_empty() -> None:
    found = fit_margins([[0, 0], [3, 1]], [(0,), (1,)])
    np.testing.assert_allclose(found, [[0.0, 0.0], [0.75, 0.25]], atol=1e-15)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"table": [[1, -1], [2, 3]]}, "non-negative"),
        ({"table": [[0, 0], [0, 0]]}, "positive sum"),
        ({"table": 3.0}, "table must be an array"),
        ({"start": [[1.0, 0.0], [1.0, 1.0]]}, "positive numbers of shape"),
        ({"start": [1.0, 1.0]}, "shape"),
        ({"tol": 0.0}, "tol must be a number > 0"),
        ({"max_iter": 0}, "max_iter"),
        ({"terms": [(0, 2)]}, "axes in terms"),
    ],
)
def test_proportional_fitting_refuses(keywords: dict[str, Any], message: str) -> None:
    arguments = {"table": [[1.0, 2.0], [3.0, 4.0]], "terms": [(0,), (1,)]} | keywords
    with pytest.raises(InputError, match=message):
        fit_margins(arguments.pop("table"), arguments.pop("terms"), **arguments)
