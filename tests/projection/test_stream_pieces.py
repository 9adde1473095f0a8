"""Building blocks of the streaming route: blocks, maps, subsamples, extremes, terms of large models."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError
from infostat.families import Gamma, MultivariateNormal, Normal, Poisson, PolynomialDensity, ProductFamily
from infostat.families.base import ExponentialFamily
from infostat.families.quadratic_forms import QuadraticBasis
from infostat.projection.expansion import cubic_form, double_trace
from infostat.projection.large_terms import normal_T2, sampled_mean, second_term, third_cubes
from infostat.projection.moment_terms import fit_leaves
from infostat.projection.reservoir import Extremes, Reservoir
from infostat.projection.stream_map import data_map, leaves, outer_theta
from infostat.projection.stream_reading import first_reading
from infostat.projection.streaming import StreamMoments, add_rows, empty_moments, equal_blocks

RNG = np.random.default_rng(11)
SEED = np.random.SeedSequence(1)


# ------------------------------------------------------------------------------------------ blocks
@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(0, 9), max_size=10), rows=st.integers(1, 7))
def test_blocks_are_equal_and_keep_the_order(lengths: list[int], rows: int) -> None:
    ends = np.cumsum([0, *lengths])
    pieces = [pd.DataFrame({"x": np.arange(i, j)}) for i, j in itertools.pairwise(ends)]
    blocks = list(equal_blocks(pieces, rows))
    assert [x for block in blocks for x in block["x"]] == list(range(ends[-1]))
    assert all(len(block) == rows for block in blocks[:-1]) and all(len(block) <= rows for block in blocks)


# ---------------------------------------------------------------------------------- rows left behind
@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 5), size=st.integers(1, 40))
def test_a_reservoir_does_not_depend_on_who_saw_which_block(cut: int, size: int) -> None:
    blocks = [np.arange(10.0) + 10 * k for k in range(5)]
    alone, left, right = Reservoir(size), Reservoir(size), Reservoir(size)
    for k, block in enumerate(blocks):
        alone.add(block, k, SEED)
        (left if k < cut else right).add(block, k, SEED)
    left.merge(right)
    np.testing.assert_array_equal(np.sort(left.rows), np.sort(alone.rows))
    assert len(alone.rows) == min(size, 50)


def test_a_reservoir_is_uniform() -> None:
    # Every row is kept with probability 1/2: 400 counts of 500 draws, standard deviation 11.2.
    counts = np.zeros(400)
    for seed in range(500):
        kept = Reservoir(200)
        for k in range(4):
            kept.add(np.arange(100.0) + 100 * k, k, seed)
        counts[kept.rows.astype(int)] += 1
    assert counts.sum() == 500 * 200
    assert np.abs(counts - 250).max() < 5.5 * 11.2


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 60), size=st.integers(1, 10), levels=st.integers(1, 50))
def test_extremes_are_the_largest_scores_and_the_first_of_equal_ones(cut: int, size: int, levels: int) -> None:
    scores = np.random.default_rng(levels).integers(0, levels, size=60).astype(float)
    left, right = Extremes(size), Extremes(size)
    for start in range(0, cut, 7):
        part = slice(start, min(start + 7, cut))
        left.add(scores[part], scores[part] * 10.0, np.arange(60)[part])
    right.add(scores[cut:], scores[cut:] * 10.0, np.arange(60 - cut))
    left.merge(right, cut)
    expected = np.argsort(-scores, kind="stable")[:size]
    np.testing.assert_array_equal(left.index, expected)
    np.testing.assert_array_equal(left.rows, scores[expected] * 10.0)


# ------------------------------------------------------------------------------------------- maps
@pytest.mark.parametrize(
    ("family", "params", "columns"),
    [
        (Normal(), {"mean": 3.0, "var": 2.0}, 1),
        (Gamma(), {"shape": 3.0, "rate": 0.01}, 1),
        (MultivariateNormal("full", 2), {"mean": [5.0, -900.0], "cov": [[4.0, 15.0], [15.0, 100.0]]}, 2),
        (MultivariateNormal("diagonal", 2), {"mean": [5.0, -900.0], "cov": [4.0, 100.0]}, 2),
        (MultivariateNormal([(0, 1)], 3), {"mean": [5.0, -9.0, 0.0], "cov": [[4, 1, 0], [1, 1, 0], [0, 0, 9]]}, 3),
        (
            ProductFamily(["gamma", "normal", "poisson"]),
            {"components": [{"shape": 2.0, "rate": 9.0}, {"mean": 7.0, "var": 30.0}, {"mean": 4.0}]},
            3,
        ),
    ],
    ids=["normal", "gamma", "full", "diagonal", "graph", "product"],
)
def test_a_map_changes_the_units_of_theta_only(family: ExponentialFamily, params: dict, columns: int) -> None:
    theta = family.natural(**params)
    rows = family.encode(family.sample(theta, 200, rng=3))
    found = data_map(family, rows)
    assert found is not None
    mapped = found.apply(rows)
    inner = family.fit(mapped, np.full(200, 1.0 / 200)).theta
    outer = outer_theta(family, inner, found)
    np.testing.assert_allclose(outer, family.fit(rows, np.full(200, 1.0 / 200)).theta, rtol=1e-9)
    # Densities change by the volume alone.
    shift = family.encoded_logpdf(mapped, inner) - family.encoded_logpdf(rows, outer)
    np.testing.assert_allclose(shift, found.log_volume, rtol=1e-9, atol=1e-9)
    if columns > 1 and isinstance(family, MultivariateNormal) and family.structure == "full":
        np.testing.assert_allclose(np.cov(mapped.T, ddof=0), np.eye(columns), atol=1e-12)


def test_families_without_a_map_and_columns_without_spread() -> None:
    assert data_map(Poisson(), np.arange(5.0)) is None and outer_theta(Poisson(), np.ones(1), None) == 1.0
    found = data_map(MultivariateNormal("full", 2), np.column_stack([np.arange(9.0), np.full(9, 3.7)]))
    assert found is not None
    assert found.root[1, 1] == 1.0 and np.ptp(found.apply(np.array([[0.0, 3.7], [5.0, 3.7]]))[:, 1]) == 0.0


def test_leaves_cover_the_statistics_of_nested_products() -> None:
    family = ProductFamily(["gamma", ProductFamily(["normal", MultivariateNormal("diagonal", 3)]), "poisson"])
    found = leaves(family)
    np.testing.assert_array_equal(np.sort(np.concatenate([leaf.index for leaf in found])), np.arange(2 + 2 + 6 + 1))
    assert [leaf.family.n_params() for leaf in found] == [2, 2, 2, 2, 2, 1]


# ----------------------------------------------------------------------------------- large models
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_second_term_of_a_normal_model_without_a_tensor(d: int) -> None:
    basis = QuadraticBasis.of(d, "full")
    A = np.random.default_rng(d).normal(size=(basis.p, basis.p))
    S, k3 = A @ A.T / basis.p, basis.third()
    c = np.einsum("aij,ij->a", k3, S)
    assert normal_T2(d, S) == pytest.approx(float(c @ c) + 2.0 * double_trace(k3, S), rel=1e-12)
    # Well specified: T2 of the worked examples, from T1 = T2's tensors with S = I.
    assert normal_T2(d, np.eye(basis.p)) == pytest.approx(
        float(np.sum(np.einsum("aii->a", k3) ** 2) + 2.0 * np.sum(k3 * k3)), rel=1e-12
    )


def _small(family: ExponentialFamily, rows: np.ndarray) -> StreamMoments:
    frame = pd.DataFrame(rows)
    state = empty_moments(first_reading(frame, family, 2, False))
    add_rows(state, frame, 0, SEED)
    return state


@pytest.mark.parametrize(
    ("family", "rows"),
    [
        (MultivariateNormal("full", 3), RNG.gamma(2.0, size=(300, 3))),
        (PolynomialDensity(6), RNG.beta(2.0, 3.0, size=(300, 1))),
        (PolynomialDensity(3, bounds=[(0, 1), (0, 1)]), RNG.beta(2.0, 3.0, size=(300, 2))),
    ],
    ids=["normal", "polynomial", "polynomial-box"],
)
def test_terms_of_large_models_equal_those_with_tensors(family: ExponentialFamily, rows: np.ndarray) -> None:
    # The route for p > 400, taken where the tensors fit and say what it must give.
    state = _small(family, rows)
    (fit,) = fit_leaves(state.reading.family, state.parts, third=True)
    k3 = fit.third()
    c = np.einsum("aij,ij->a", k3, fit.S)
    T2 = float(c @ c) + 2.0 * double_trace(k3, fit.S)
    assert second_term(fit.leaf.family, fit.theta, fit.inverse, fit.S) == pytest.approx(T2, rel=1e-9)
    z = fit.rows(state.reading.family.raw_statistic(state.reservoir.rows))
    cubes = third_cubes(fit.leaf.family, fit.theta, fit.inverse, z)
    np.testing.assert_allclose(cubes, cubic_form(k3, z), rtol=1e-8, atol=1e-8 * np.abs(cubes).max())


def test_a_large_family_without_nodes_is_refused() -> None:
    class Nodeless(Poisson):
        title = "nodeless"

        def nodes(self, theta):  # type: ignore[no-untyped-def]
            return None

    with pytest.raises(InputError, match="order must be 1 on a stream for the nodeless family"):
        second_term(Nodeless(), np.zeros(1), np.eye(1), np.eye(1))


def test_the_error_of_a_subsample_is_that_of_draws_without_replacement() -> None:
    values = np.random.default_rng(2).lognormal(size=3000)
    means, errors = np.array(
        [sampled_mean(np.random.default_rng(k).choice(values, 1000, replace=False), 3000) for k in range(400)]
    ).T
    spread = values.std(ddof=1) * np.sqrt((1.0 - 1000 / 3000) / 1000)
    # 400 repetitions: the standard deviation of their spread is 3.5 % for normal means, of their mean 5 % of it.
    assert means.std() == pytest.approx(spread, rel=0.2)
    assert abs(means.mean() - values.mean()) < 5.0 * spread / np.sqrt(400)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(spread, rel=0.2)
