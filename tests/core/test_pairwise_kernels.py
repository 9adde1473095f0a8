"""The compiled pieces of the pairwise sums against their twins and against exact arithmetic."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from infostat.core import pairwise_kernels as kernels
from infostat.core.pairwise_kernels import (
    COMPACT,
    GAUSSIAN,
    NOTHING,
    POINTS,
    STUDENT,
    exp2_below,
    nearest,
    student_energies,
)


@pytest.mark.parametrize("count", [1, 3, 8, 17, 500])
def test_nearest(count):
    values = np.random.default_rng(count).random(512)
    values[5] = 0.0
    assert nearest(values, count) == nearest.twin(values, count) == values[:count].min()


def test_powers_of_two_over_their_range():
    values = np.linspace(0.0, 1021.9, 4001)
    out = np.empty(len(values))
    exp2_below(values, len(values), 1.0, 0.0, out)
    # Interpolation 6e-16 and a few roundings.
    np.testing.assert_allclose(out, np.exp2(-values), rtol=2e-15)
    assert out[0] == 1.0
    exp2_below(np.array([0.0, 1e5, np.inf]), 3, 2.0, 3.0, out)
    np.testing.assert_array_equal(out[:3], [8.0, 2.0**-1022, 2.0**-1022])
    twin = np.empty(3)
    exp2_below.twin(np.array([0.0, 1e5, np.inf]), 3, 2.0, 3.0, twin)
    np.testing.assert_array_equal(out[:3], twin)


def test_logs_of_one_plus_over_their_range():
    u = np.concatenate([[0.0], np.geomspace(1e-300, 1e280, 2000), np.linspace(0.2, 4.0, 1000)])
    out = np.empty(len(u))
    student_energies(u, len(u), 1.0, 1.0, out)
    exact = [float(mpmath.log1p(mpmath.mpf(v)) / mpmath.log(2)) for v in u[::7]]
    np.testing.assert_allclose(out[::7], exact, rtol=1e-15)
    twin = np.empty(len(u))
    student_energies.twin(u, len(u), 1.0, 1.0, twin)
    np.testing.assert_allclose(out, twin, rtol=2e-15)
    assert out[0] == 0.0


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_compact_terms(power, weighted):
    g = np.random.default_rng(1)
    values, masses = 2.0 * g.random(97), g.random(97)
    pairs = [(np.empty(97), np.empty(97)) for _ in range(2)]
    kernels.compact_terms(values, masses, weighted, 97, 0.8, power, *pairs[0])
    kernels.compact_terms.twin(values, masses, weighted, 97, 0.8, power, *pairs[1])
    # One rounding of a number near one, squared at most.
    np.testing.assert_allclose(pairs[0], pairs[1], rtol=1e-14, atol=5e-16)
    out = np.empty(97)
    edge = kernels.closest_edge(values, 97, 0.8, out)
    assert edge == pytest.approx(kernels.closest_edge.twin(values, 97, 0.8, out), abs=5e-16)


@pytest.mark.parametrize("d", range(1, 10))
def test_squares_of_every_dimension(d):
    g = np.random.default_rng(d)
    points, queries = g.standard_normal((2, d, POINTS)), g.standard_normal((3, d))
    compiled, twin = np.empty(POINTS), np.empty(POINTS)
    kernels.squares(points, 1, queries, 2, 401, compiled)
    kernels.squares.twin(points, 1, queries, 2, 401, twin)
    np.testing.assert_allclose(compiled[:401], twin[:401], rtol=1e-14)
    table = np.ascontiguousarray(points[0].T)
    single = kernels.square(table, 7, queries, 0, 0.5)
    assert single == pytest.approx(kernels.square.twin(table, 7, queries, 0, 0.5), rel=1e-14)
    assert kernels.value_sum(compiled, 401) == pytest.approx(kernels.value_sum.twin(compiled, 401), rel=1e-13)


@pytest.mark.parametrize("kind", [GAUSSIAN, STUDENT, COMPACT])
@pytest.mark.parametrize("weighted", [False, True])
def test_states_are_those_of_the_twins(kind, weighted):
    g = np.random.default_rng(kind)
    n, m, d = POINTS + 100, 5, 3
    X, Q = g.standard_normal((n, d)), g.standard_normal((m, d))
    blocks = np.zeros((2, d, POINTS))
    blocks[0], blocks[1, :, :100] = X[:POINTS].T, X[POINTS:].T
    handicaps = g.random(n) if weighted else np.empty(0)
    excluded = np.array([-1, 0, 3, POINTS, n - 1])
    factors = np.array([0.7, 40.0])
    norms, query_norms = (X**2).sum(axis=1), (Q**2).sum(axis=1)

    def run(kernel, *first):
        start = 0.0 if kind == COMPACT else NOTHING
        states = np.full((m, 2), start), np.zeros((m, 2)), np.full((m, 2), NOTHING)
        with np.errstate(over="ignore"):
            kernel(*first, kind, 2.0, factors, *states)
        return np.stack(states)

    found = [
        run(version, blocks, n, handicaps, weighted, Q, excluded) for version in (kernels.loops, kernels.loops.twin)
    ]
    found += [
        run(version, X, 1.0, handicaps, weighted, Q, excluded) for version in (kernels.rows, kernels.rows.twin)
    ]
    found += [
        run(version, Q @ X.T, norms, query_norms, X, 1.0, Q, limits, handicaps, weighted, excluded)
        for version in (kernels.tile, kernels.tile.twin)
        for limits in (np.full(m, -1.0), np.full(m, 2.0))
    ]
    for other in found[1:]:
        # Rounding of products: norms of about 10 beside gaps of 1e-3.
        np.testing.assert_allclose(other, found[0], rtol=1e-10)


def test_one_block_against_its_twin():
    g = np.random.default_rng(8)
    distances, handicaps, factors = 3.0 * g.random(200), g.random(200), np.array([2.0, 0.1])
    scratch = np.empty(200), np.empty(200)
    for kind in (GAUSSIAN, STUDENT, COMPACT):
        results = []
        for version in (kernels.absorb, kernels.absorb.twin):
            start = 0.0 if kind == COMPACT else NOTHING
            states = np.full((2, 2), start), np.zeros((2, 2)), np.full((2, 2), NOTHING)
            with np.errstate(over="ignore"):
                version(distances.copy(), 200, 17, handicaps, True, kind, 1.0, factors, 1, *states, *scratch)
            results.append(np.stack(states))
        np.testing.assert_allclose(results[0], results[1], rtol=1e-12)
        assert (results[0][1, 0] == 0.0).all()
