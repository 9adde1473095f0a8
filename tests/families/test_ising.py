"""Ising family: independence, odds ratios, transfer matrices, bad input."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import BoundaryProjectionError, InputError, InputTypeError, SupportError
from infostat.families.bernoulli import Bernoulli
from infostat.families.ising import Ising
from infostat.families.product import ProductFamily
from infostat.families.registry import get_family


def test_statistics_are_the_bits_then_the_pairs_in_lexicographic_order() -> None:
    rows = np.array(list(product([0.0, 1.0], repeat=4)))
    expected = [list(row) + [row[i] * row[j] for i, j in combinations(range(4), 2)] for row in rows]
    np.testing.assert_array_equal(Ising().statistic(rows), expected)
    some = Ising(4, edges=[(3, 1), (0, 2)])
    assert some.edges == ((0, 2), (1, 3))
    np.testing.assert_array_equal(some.statistic(rows)[:, 4:], rows[:, [0, 1]] * rows[:, [2, 3]])
    assert some.statistic_names(list("abcd")) == ["a", "b", "c", "d", "a*c", "b*d"]


def test_cells_are_all_rows_in_order() -> None:
    family = Ising(3)
    np.testing.assert_array_equal(family.cells().points, list(product([0.0, 1.0], repeat=3)))
    np.testing.assert_array_equal(family.cell_index(family.cells().points), range(8))


def test_independence_is_the_product_of_bernoulli_laws() -> None:
    rows = np.random.default_rng(0).integers(0, 2, (40, 3))
    family, known = Ising(edges=[]).bind(rows), ProductFamily([Bernoulli()] * 3)
    w = np.full(40, 1 / 40)
    theta = family.fit(family.encode(rows), w).theta
    np.testing.assert_allclose(theta, known.fit(known.encode(rows), w).theta, atol=1e-11)
    np.testing.assert_allclose(family.logpdf(rows, theta), known.logpdf(rows, theta), rtol=1e-12)
    assert get_family("ising_independent") == Ising(edges=[])


def test_two_saturated_bits_have_the_log_odds_ratio_as_coupling() -> None:
    p = np.array([0.4, 0.1, 0.2, 0.3])  # 00, 01, 10, 11
    family = Ising(2)
    theta = family.fit(family.cells().points, p).theta
    expected = {"field": np.log([0.2 / 0.4, 0.1 / 0.4]), "coupling": [np.log(0.4 * 0.3 / (0.1 * 0.2))]}
    for name, value in family.params(theta).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-11)
    np.testing.assert_allclose(family.probabilities(theta), p, atol=1e-12)


def test_a_ring_by_transfer_matrices() -> None:
    """Z = tr(T_1 ... T_d) for couplings along a cycle."""
    d = 10
    rng = np.random.default_rng(1)
    field, coupling = rng.normal(size=d), rng.normal(size=d)
    edges = [(k, (k + 1) % d) for k in range(d)]
    family = Ising(d, edges=edges)
    assert family.edges is not None
    by_edge = {tuple(sorted(edge)): c for edge, c in zip(edges, coupling, strict=True)}
    theta = family.natural(field=field, coupling=[by_edge[edge] for edge in family.edges])
    total = np.eye(2)
    for k in range(d):
        total = total @ np.array([[1.0, 1.0], [np.exp(field[k]), np.exp(field[k] + coupling[k])]])
    assert family.log_partition(theta) == pytest.approx(np.log(np.trace(total)), rel=1e-12)


def test_a_decoupled_variable_changes_nothing_for_the_others() -> None:
    edges = [(0, 1), (1, 2)]
    small, large = Ising(3, edges), Ising(4, edges)
    field, coupling = [0.3, -0.2, 0.5], [1.0, -0.8]
    a = small.natural(field=field, coupling=coupling)
    b = large.natural(field=[*field, 0.7], coupling=coupling)
    np.testing.assert_allclose(large.mean(b)[[0, 1, 2, 4, 5]], small.mean(a), rtol=1e-13)


def test_twelve_bits_are_projected_to_rounding() -> None:
    """The size of the performance target: 4096 cells, 78 parameters."""
    rng = np.random.default_rng(0)
    family = Ising(12)
    theta = np.concatenate([0.5 * rng.normal(size=12) - 0.5, 0.3 * rng.normal(size=66)])
    report = family.solve(family.mean(theta))
    assert report.converged
    assert report.n_iter < 15
    np.testing.assert_allclose(report.theta, theta, atol=1e-10)


def test_the_size_may_come_from_theta_or_from_the_data() -> None:
    free = Ising()
    np.testing.assert_allclose(free.mean(np.zeros(6)), [0.5] * 3 + [0.25] * 3, rtol=1e-14)
    assert free.n_params(np.zeros((5, 3))) == 6
    assert free.bind(pd.DataFrame(np.zeros((5, 2)))) == Ising(2)
    np.testing.assert_allclose(Ising(edges=[(0, 3)]).mean(np.zeros(5)), [0.5] * 4 + [0.25], rtol=1e-14)
    assert free.bind([0, 1, 1]).n_columns == 1
    with pytest.raises(InputError, match="vector of its natural parameters"):
        free.mean(np.zeros(4))
    with pytest.raises(InputError, match="n_vars must be given"):
        free.n_params()
    with pytest.raises(InputError, match="not known"):
        free.cells()


@pytest.mark.parametrize("kind", [bool, int, float])
def test_bits_of_every_type(kind: type) -> None:
    rows = np.array([[0, 1], [1, 1], [0, 0]])
    np.testing.assert_array_equal(Ising(2).statistic(rows.astype(kind)), Ising(2).statistic(rows))


def test_one_row_as_a_vector() -> None:
    np.testing.assert_array_equal(Ising(3).statistic([1, 0, 1]), [[1, 0, 1, 0, 1, 0]])


@pytest.mark.parametrize(
    ("missing", "direction", "cells"),
    [
        ((0, 0), "x0 + x1 - x0*x1", "(0, 0)"),
        ((0, 1), "-x1 + x0*x1", "(0, 1)"),
        ((1, 0), "-x0 + x0*x1", "(1, 0)"),
        ((1, 1), "-x0*x1", "(1, 1)"),
    ],
)
def test_an_empty_combination_is_named(missing: tuple[int, int], direction: str, cells: str) -> None:
    rows = np.array([row for row in product([0, 1], repeat=2) if row != missing])
    family = Ising(2)
    with pytest.raises(BoundaryProjectionError) as caught:
        family.fit(family.encode(rows), np.full(3, 1 / 3))
    assert f"direction v = {direction}, which" in str(caught.value)
    assert f"1 of 4 cells that hold no data ({cells})" in str(caught.value)


def test_the_same_data_are_fine_without_the_edge() -> None:
    rows = np.array([[0, 1], [1, 0], [1, 1]])
    family = Ising(2, edges=[])
    theta = family.fit(family.encode(rows), np.full(3, 1 / 3)).theta
    np.testing.assert_allclose(theta, np.log([2.0, 2.0]), atol=1e-11)


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"n_vars": 0}, InputError, "n_vars must be an integer from 1 to 14"),
    ({"n_vars": 15}, InputError, "use TiltedBase"),
    ({"n_vars": 2.5}, InputTypeError, "n_vars"),
    ({"edges": "ab"}, InputTypeError, "edges must be a list of index pairs"),
    ({"edges": 3}, InputTypeError, "edges must be a list of index pairs"),
    ({"edges": [(0, 1, 2)]}, InputTypeError, "every entry of edges must be a pair of column indices"),
    ({"edges": [(0, 0)]}, InputError, "two different variables"),
    ({"edges": [(0, -1)]}, InputError, "indices in edges"),
    ({"edges": [(0, 1), (1, 0)]}, InputError, r"\(0, 1\) more than once"),
    ({"n_vars": 3, "edges": [(0, 3)]}, InputError, "indices from 0 to 2"),
]


@pytest.mark.parametrize(("keywords", "error", "message"), REFUSED)
def test_refusals(keywords: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Ising(**keywords)


def test_bad_data_and_parameters() -> None:
    with pytest.raises(SupportError, match=r"2 of 3 rows do not, rows 1, 2 \(values \(2, 0\), \(0, 0.5\)\)"):
        Ising(2).encode([[0, 1], [2, 0], [0, 0.5]])
    with pytest.raises(InputError, match="number of columns of the data must be an integer from 1 to 14, got 20"):
        Ising().bind(np.zeros((5, 20)))
    with pytest.raises(InputError, match="n_vars = 2 columns, got 3"):
        Ising(2).bind(np.zeros((5, 3)))
    with pytest.raises(InputError, match="indices from 0 to 1"):
        Ising(edges=[(0, 2)]).bind(np.zeros((5, 2)))
    with pytest.raises(InputError, match=r"per variable \(2\) and per edge \(1\), got 2 and 2"):
        Ising(2).natural(field=[0.0, 0.0], coupling=[1.0, 1.0])


def test_representations() -> None:
    assert repr(Ising()) == "Ising()"
    assert repr(Ising(3, [])) == "Ising(n_vars=3, edges=[])"
    assert repr(Ising(edges=[(0, 1)])) == "Ising(edges=[(0, 1)])"
    assert len(repr(Ising(14, list(combinations(range(14), 2))))) < 200
