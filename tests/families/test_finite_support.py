"""FiniteSupport: construction, data on the points, rejection."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    ConstantStatisticError,
    InputError,
    InputTypeError,
    SupportError,
)
from infostat.families.bernoulli import Bernoulli
from infostat.families.categorical import Categorical
from infostat.families.finite_support import FiniteSupport
from infostat.families.point_index import PointIndex


def test_two_points_are_a_bernoulli_law() -> None:
    family, known = FiniteSupport([0, 1]), Bernoulli()
    theta = known.natural(prob=0.2)
    for order in (1, 2, 3, 4):
        np.testing.assert_allclose(family.cumulants(theta, order), known.cumulants(theta, order), rtol=1e-13)
    np.testing.assert_allclose(family.project([0.2]), theta, rtol=1e-10)


def test_indicators_are_a_categorical_law() -> None:
    family, known = FiniteSupport([0, 1, 2], np.eye(3)[:, :2]), Categorical([0, 1, 2])
    theta = known.natural(prob=[0.2, 0.5, 0.3])
    np.testing.assert_allclose(family.probabilities(theta), [0.2, 0.5, 0.3], rtol=1e-14)
    np.testing.assert_allclose(family.cumulants(theta, 4), known.cumulants(theta, 4), atol=1e-15)
    np.testing.assert_allclose(family.project([0.2, 0.5]), theta, atol=1e-10)


def test_the_base_measure_is_a_binomial_law() -> None:
    """h = binomial coefficients, xi = x: the tilts are binomial laws."""
    from scipy import stats

    coefficients = np.array([1.0, 4.0, 6.0, 4.0, 1.0])
    family = FiniteSupport(range(5), log_base=np.log(coefficients))
    np.testing.assert_allclose(family.probabilities([np.log(0.3 / 0.7)]), stats.binom(4, 0.3).pmf(range(5)), rtol=1e-13)
    assert family.log_partition([0.0]) == pytest.approx(np.log(16.0), rel=1e-14)


def test_points_without_base_mass_leave_the_support() -> None:
    family = FiniteSupport([0, 1, 2, 3], log_base=[0.0, -np.inf, 0.0, 0.0])
    assert family.points.tolist() == [0.0, 2.0, 3.0]
    with pytest.raises(SupportError, match="1 of 2 rows do not, rows 1"):
        family.encode([0, 1])
    assert np.isneginf(family.logpdf([1], [0.0]))[0]


@pytest.mark.parametrize(
    "statistic",
    [lambda x: x**2, lambda x: (x**2)[:, None], np.array([0.0, 1.0, 4.0]), [0.0, 1.0, 4.0]],
)
def test_ways_to_give_the_statistic(statistic: object) -> None:
    family = FiniteSupport([0, 1, 2], statistic)  # type: ignore[arg-type]
    np.testing.assert_array_equal(family.statistic([2, 0]), [[4.0], [0.0]])
    assert family.statistic_names(["x"]) == ["statistic"]


def test_points_keep_the_shape_in_which_the_callable_sees_them() -> None:
    seen: list[tuple[int, ...]] = []

    def squares(x: np.ndarray) -> np.ndarray:
        seen.append(x.shape)
        return np.column_stack([x, x**2])

    family = FiniteSupport([[0.0], [1.0], [2.0]], squares)
    assert seen == [(3, 1)]
    assert family.points.shape == (3,)
    assert family.statistic_names(["x"]) == ["squares_1", "squares_2"]


def test_lambdas_pickle_and_families_compare_by_value() -> None:
    a = FiniteSupport([0, 1, 2], lambda x: x**2)
    b = pickle.loads(pickle.dumps(a))
    assert a == b == FiniteSupport([0, 1, 2], [0, 1, 4])
    assert hash(a) == hash(b)
    assert a != FiniteSupport([0, 1, 2])
    assert a != FiniteSupport([0, 1, 2], [0, 1, 4], log_base=[0, 0, 1])
    assert repr(a) == "FiniteSupport([0.0, 1.0, 2.0], p=1)"


def test_the_callers_arrays_are_left_alone() -> None:
    points, values = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 4.0])
    family = FiniteSupport(points, values)
    points[0], values[0] = 5.0, 5.0
    assert family.points[0] == 0.0
    assert family.statistic([0.0])[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        family.points[0] = 1.0


def test_a_callable_cannot_change_the_points() -> None:
    def spoil(x: np.ndarray) -> np.ndarray:
        x[0] = 9.0
        return x

    with pytest.raises(ValueError, match="read-only"):
        FiniteSupport([0.0, 1.0, 2.0], spoil)


def test_data_in_every_form() -> None:
    family = FiniteSupport([[0.0, 1.0], [2.0, 1.0], [2.0, 3.0], [0.0, 0.0]])
    rows = np.array([[2.0, 3.0], [0.0, 1.0]])
    expected = family.statistic(rows)
    for data in (rows.tolist(), pd.DataFrame(rows), rows.astype(int)):
        np.testing.assert_array_equal(family.statistic(data), expected)
    np.testing.assert_array_equal(family.statistic(rows[0]), expected[:1])
    np.testing.assert_array_equal(FiniteSupport([0.0, 1.0]).statistic([-0.0]), [[0.0]])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_index_equals_a_dictionary(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    rows = rng.integers(-2, 3, size=(60, d)) * 0.3
    points = np.unique(rows[:30], axis=0)[rng.permutation(len(np.unique(rows[:30], axis=0)))]
    known = {tuple(point): k for k, point in enumerate(points)}
    found = PointIndex.of(points).find(rows)
    assert found.tolist() == [known.get(tuple(row), -1) for row in rows]


REFUSED: list[tuple[tuple[object, ...], dict[str, object], type[Exception], str]] = [
    (([1.0],), {}, InputError, "at least two points"),
    (([],), {}, InputError, "at least two points"),
    (([[[0.0], [1.0]]],), {}, InputError, "1-dimensional or 2-dimensional"),
    (([0.0, np.nan],), {}, InputError, "points must be finite, got 1 NaN"),
    ((["a", "b"],), {}, InputTypeError, "points must be an array of real numbers"),
    (([0.0, 1.0, 0.0],), {}, InputError, "points must be different, got 1 repeated"),
    (([0, 1, 2], lambda x: x[:2]), {}, InputError, "one row per point"),
    (([0, 1, 2], [[1.0, 2.0]]), {}, InputError, "statistic must have one row per point"),
    (([0, 1, 2], lambda x: np.full(3, np.inf)), {}, InputError, "values of statistic must be finite"),
    (([0, 1, 2], lambda x: np.ones(3)), {}, ConstantStatisticError, "constant: statistic"),
    (([[0, 1], [1, 1], [2, 1]],), {}, ConstantStatisticError, "constant: x1"),
    (([[0, 1], [1, 3], [2, 5], [3, 7]],), {}, CollinearStatisticsError, "dependent set: x0, x1"),
    (([0, 1, 2], np.eye(3)), {}, CollinearStatisticsError, "3 points carry at most 2 statistics"),
    (([0, 1, 2],), {"log_base": [0.0, 0.0]}, InputError, "one entry per point"),
    (([0, 1, 2],), {"log_base": [0.0, np.nan, 0.0]}, InputTypeError, "finite numbers or -inf"),
    (([0, 1, 2],), {"log_base": [0.0, np.inf, 0.0]}, InputTypeError, "finite numbers or -inf"),
    (([0, 1, 2],), {"log_base": [0.0, -np.inf, -np.inf]}, InputError, "finite for at least two points"),
]


@pytest.mark.parametrize(("arguments", "keywords", "error", "message"), REFUSED)
def test_refusals(arguments: tuple, keywords: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FiniteSupport(*arguments, **keywords)


def test_rows_off_the_points_are_named() -> None:
    family = FiniteSupport([[0.0, 1.0], [2.0, 1.0], [2.0, 3.0], [0.0, 0.0]])
    with pytest.raises(SupportError, match=r"1 of 2 rows do not, rows 1 \(values \(0, 3\)\)"):
        family.encode([[0.0, 0.0], [0.0, 3.0]])
    with pytest.raises(InputError, match="must have 2 columns"):
        family.encode(np.zeros((3, 3)))


def test_one_sided_samples_name_the_other_points() -> None:
    family = FiniteSupport([0, 1, 2])
    with pytest.raises(BoundaryProjectionError, match=r"direction v = x0, .* 2 of 3 cells .* \(0; 1\)"):
        family.project([2.0])
    with pytest.raises(BoundaryProjectionError, match="outside the convex support"):
        family.project([2.5])
