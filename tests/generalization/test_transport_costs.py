"""Exact labelled transport against permutations, a general linear programme and closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import linprog

from infostat.divergences.exact_transport import wasserstein_exact
from infostat.generalization.transport_costs import (
    CloudPair,
    labelled_cost,
    mean_distance,
    stretched,
    uniform_transport,
)


def programme(cost):
    """The transport problem handed to a general solver."""
    n, m = cost.shape
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    found = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=[1.0 / n] * n + [1.0 / m] * m, method="highs")
    return found.fun


def test_equal_sizes_are_assignments():
    g = np.random.default_rng(1)
    for _ in range(10):
        cost = g.random((5, 5))
        best = min(cost[range(5), p].mean() for p in itertools.permutations(range(5)))
        assert uniform_transport(cost.copy()).value == pytest.approx(best, rel=1e-13)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 7), (6, 4)])
def test_unequal_sizes_against_a_linear_programme(shape):
    cost = np.random.default_rng(2).random(shape)
    found = uniform_transport(cost.copy(), plan=True)
    assert found.value == pytest.approx(programme(cost), rel=1e-9)
    np.testing.assert_allclose(found.plan.sum(axis=0), 1.0 / shape[1], rtol=1e-12)
    np.testing.assert_allclose(found.plan.sum(axis=1), 1.0 / shape[0], rtol=1e-12)
    assert float((found.plan * cost).sum()) == pytest.approx(found.value, rel=1e-12)


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_scale_does_not_matter(factor):
    cost = np.random.default_rng(3).random((6, 6))
    assert uniform_transport(factor * cost).value == pytest.approx(factor * uniform_transport(cost).value, rel=1e-12)


def test_costs_beyond_the_float_range_and_constant_maps():
    distances, mismatch = np.array([[1e200, 0.0], [math.inf, 1.0]]), np.array([[False, True], [True, False]])
    table = labelled_cost(distances, mismatch, 1e200, 2.0)
    assert table.tolist() == [[math.inf, 2.0], [math.inf, 1e200]]
    assert uniform_transport(table).value == math.inf
    constant = labelled_cost(np.array([[math.inf, 3.0]]), np.array([[False, True]]), 0.0, 2.0)
    assert constant.tolist() == [[0.0, 2.0]]
    # Equal points cost nothing under an infinite constant either.
    assert labelled_cost(np.array([[0.0]]), np.array([[False]]), math.inf, 1.0).tolist() == [[0.0]]


def test_distances_and_the_distance_without_labels():
    g = np.random.default_rng(4)
    x, y = g.normal(size=(30, 3)), g.normal(size=(20, 3))
    pair = CloudPair(x, y, np.zeros((30, 20), dtype=bool))
    np.testing.assert_allclose(pair.distances(), np.linalg.norm(x[:, None] - y, axis=2), rtol=1e-14)
    assert mean_distance(pair, pair.distances()).value == pytest.approx(wasserstein_exact(x, y), rel=1e-13)
    line = CloudPair(x[:, :1], y[:, :1], pair.mismatch)
    by_programme = uniform_transport(line.distances()).value
    assert mean_distance(line, line.distances()).value == pytest.approx(by_programme, rel=1e-12)
    huge = CloudPair(1e160 * x, 1e160 * y, pair.mismatch)
    np.testing.assert_allclose(huge.distances(), 1e160 * pair.distances(), rtol=1e-13)


def test_stretch_sees_only_gross_contradictions():
    g = np.random.default_rng(5)
    x, y = g.normal(size=(300, 2)), g.normal(size=(40, 2))
    distances = CloudPair(x, y, np.zeros((300, 40), dtype=bool)).distances()
    single = (3.0 * x).astype(np.float16).astype(float), (3.0 * y).astype(np.float16).astype(float)
    assert stretched(distances, *single, 3.0) == 1.0
    assert stretched(distances, 3.0 * x, 3.0 * y, 2.0) == pytest.approx(1.5, rel=1e-12)
    assert stretched(distances, 3.0 * x, 3.0 * y, 0.0) == math.inf
    assert stretched(distances, 0.0 * x, 0.0 * y, 0.0) == 1.0
