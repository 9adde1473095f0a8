"""Traps of the p-n criterion: which test guards each, and the cheapest check of it.

Two tables: the situations of the specification of the criterion, and the bad input named where families
without normalising constant, simulations and streams were asked for. They are executable: a test that is
renamed or removed makes this module fail.
"""

from __future__ import annotations

import ast
import functools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from infostat import projection as pj
from infostat.core.errors import (
    BoundaryProjectionError,
    CheckpointError,
    CollinearityWarning,
    CollinearStatisticsError,
    ConstantStatisticError,
    ConvergenceWarning,
    DataError,
    ExpansionWarning,
    HeavyTailWarning,
    InfostatWarning,
    InputError,
    SampleSizeWarning,
    SupportError,
)
from infostat.families import FiniteSupport, GenericFamily, Ising, LogLinear, PolynomialDensity, TiltedBase

TESTS = Path(__file__).parents[1]

# situation -> (file below tests/, test) that goes into it.
GUARDS: dict[str, list[tuple[str, str]]] = {
    "constant statistic": [
        ("projection/test_bad_input.py", "test_data"),
        ("projection/test_streaming.py", "test_constant_and_dependent_columns_are_named"),
        ("projection/test_streaming.py", "test_two_values_are_not_a_constant_square"),
        ("families/test_tilted_base.py", "test_prune_refuses_constants_and_thresholds"),
    ],
    "collinear statistics": [
        ("projection/test_bad_input.py", "test_data"),
        ("projection/test_criterion.py", "test_near_collinear"),
        ("projection/test_streaming.py", "test_nearly_collinear_columns_are_flagged"),
        ("projection/test_streaming.py", "test_nearly_collinear_statistics_of_any_family_are_flagged"),
        ("families/test_polynomial.py", "test_collinear_legendre_products_are_refused"),
        ("families/test_tilted_base.py", "test_dependent_statistics_under_the_base"),
    ],
    "n at most p": [
        ("projection/test_criterion.py", "test_n_at_most_p"),
        ("projection/test_bad_input.py", "test_data"),
        ("families/test_gaussian_graph.py", "test_fewer_rows_than_columns_may_do"),
    ],
    "estimate on the boundary": [
        ("projection/test_bad_input.py", "test_data"),
        ("families/test_common.py", "test_degenerate_data_have_no_estimate"),
        ("families/test_common.py", "test_rows_outside_the_support"),
        ("families/test_existence.py", "test_newton_and_the_linear_programme_agree"),
        ("families/test_existence.py", "test_message_names_direction_and_cells"),
        ("families/test_ising.py", "test_an_empty_combination_is_named"),
        ("families/test_log_linear.py", "test_an_empty_cell_of_a_fitted_margin_is_named"),
        ("families/test_polynomial.py", "test_faces_of_a_box"),
        ("families/test_tilted_base.py", "test_a_mean_on_the_boundary"),
        ("projection/test_bootstrap.py", "test_boundary_resamples_are_failures"),
    ],
    "heavy tails": [
        ("projection/test_criterion.py", "test_heavy_tail_on_abalone"),
        ("projection/test_criterion.py", "test_heavy_rows_are_those_above_the_documented_shares"),
        ("projection/test_invariance.py", "test_heavy_tail_is_judged_by_observations_not_by_table_rows"),
        ("projection/test_streaming.py", "test_rows_that_carry_a_moment_are_found"),
    ],
    "second term negative or large": [
        ("projection/test_criterion.py", "test_expansion_flags_on_tiny_samples"),
        ("projection/test_criterion.py", "test_second_order_unusable"),
        ("projection/test_sandwich_input.py", "test_a_second_term_that_is_too_large_is_unreliable"),
    ],
    "missing, infinite, text, few rows": [
        ("projection/test_bad_input.py", "test_data"),
        ("projection/test_streaming.py", "test_bad_rows_say_where"),
        ("projection/test_streaming.py", "test_text_that_looks_like_numbers_in_a_chunk"),
    ],
    "scales apart": [
        ("projection/test_invariance.py", "test_affine_change_of_columns"),
        ("projection/test_invariance.py", "test_scale_families_ignore_units"),
        ("projection/test_streaming.py", "test_a_shift_by_a_million_costs_no_digits"),
    ],
    "chains not converged": [
        ("projection/test_intractable.py", "test_a_sampler_that_has_not_converged_is_unreliable"),
        ("families/test_chain_diagnostics.py", "test_rhat_sees_a_trend_and_a_stuck_chain"),
        ("families/test_monte_carlo_newton.py", "test_a_target_that_is_never_reached_is_not_settled"),
    ],
    "ties in discrete data": [
        ("projection/test_invariance.py", "test_integer_weights_are_repetition"),
        ("projection/test_streaming.py", "test_finite_supports_are_counted_and_keep_the_standard_error"),
    ],
    "weights": [
        ("projection/test_invariance.py", "test_weights_matter_only_up_to_a_factor"),
        ("projection/test_criterion.py", "test_n_effective_replaces_the_row_count"),
        ("projection/test_streaming.py", "test_n_effective"),
    ],
}  # fmt: skip
# Bad input of families by nodes or draws, simulations, streams.
ASKED: dict[str, list[tuple[str, str]]] = {
    "constant or collinear statistics": GUARDS["constant statistic"] + GUARDS["collinear statistics"],
    "boundary projections with the offending cells": [
        ("families/test_existence.py", "test_message_names_direction_and_cells"),
        ("families/test_existence.py", "test_three_way_faces_are_found_by_the_linear_programme"),
        ("families/test_ising.py", "test_an_empty_combination_is_named"),
        ("families/test_log_linear.py", "test_faces_without_an_empty_margin"),
    ],
    "too few draws": [
        ("projection/test_intractable.py", "test_few_draws_are_flagged_and_too_few_refused"),
        ("families/test_tilted_base.py", "test_bad_draws"),
        ("projection/test_intractable.py", "test_bad_data_and_options"),
    ],
    "sampler that has not converged": GUARDS["chains not converged"],
    "checkpoint of another run": [
        ("projection/test_simulate_risk.py", "test_a_checkpoint_of_another_study_is_refused_and_kept"),
    ],
    "rows needed again on a stream": [
        ("projection/test_streaming.py", "test_options_that_need_rows_again"),
        ("projection/test_streaming.py", "test_sequences_refuse_the_same"),
        ("projection/test_streaming.py", "test_an_iterator_is_read_once"),
    ],
}  # fmt: skip
EVERY = sorted({guard for table in (GUARDS, ASKED) for guards in table.values() for guard in guards})


@pytest.mark.parametrize(("file", "name"), EVERY)
def test_the_guards_exist(file: str, name: str) -> None:
    assert name in _functions(file)


@functools.cache
def _functions(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_situation_of_the_specification_is_listed() -> None:
    assert len(GUARDS) == 11 and len(ASKED) == 6


# ----------------------------------------------------------------------------- the cheapest checks
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
BITS = (RNG.random((60, 2)) < 0.5).astype(int)
SQUARE = [stats.uniform(), stats.uniform()]


def _constant(data: Any, family: Any, name: str, **options: Any) -> None:
    with pytest.raises(ConstantStatisticError, match=f"constant: .*{name}"):
        pj.pn_criterion(data, family, **options)


def test_a_constant_column_is_named_whatever_the_family() -> None:
    still = np.column_stack([X[:, 0], np.full(40, 2.0)])
    _constant(still, "mvn", "x2")
    _constant(still, "mvn_diagonal", "x2")
    unit = np.column_stack([RNG.random(40), np.full(40, 0.25)])
    family = TiltedBase(SQUARE, [(0,), (1,)])
    _constant(unit, family, "x2", draws=2000, rng=0)
    with pytest.raises(ConstantStatisticError, match="constant: xi1"):
        GenericFamily(lambda x: np.ones(len(x)), nodes=[0.0, 0.5, 1.0])


def test_dependent_statistics_come_as_a_smallest_set() -> None:
    table = np.column_stack([X, X[:, 0] - X[:, 2] + 4.0])
    with pytest.raises(CollinearStatisticsError, match=r"dependent set: x1, x3, x4 \("):
        pj.pn_criterion(table, "mvn")
    with pytest.raises(CollinearStatisticsError, match=r"dependent set: xi1, xi3 \("):
        GenericFamily(lambda x: np.column_stack([x, x**2, 1.0 - x]), nodes=np.linspace(0.0, 1.0, 9))
    with pytest.raises(CollinearStatisticsError, match="dependent set: statistic_1, statistic_2"):
        FiniteSupport([0, 1, 2, 3], lambda x: np.column_stack([x, 2 * x]))


@pytest.mark.parametrize(("noise", "refused"), [(1e-6, True), (1e-4, False)])
def test_condition_numbers_above_1e10_are_refused_and_above_1e6_told(noise: float, refused: bool) -> None:
    # The correlation matrix of (x, x + noise e) has the condition number 4/noise^2, up to sampling.
    table = np.column_stack([X[:, 0], X[:, 0] + noise * X[:, 1]])
    if refused:
        with pytest.raises(CollinearStatisticsError, match="condition number"):
            pj.pn_criterion(table, "mvn")
    else:
        with pytest.warns(CollinearityWarning):
            assert "near_collinear" in pj.pn_criterion(table, "mvn").flags


def test_fewer_rows_than_parameters_are_flagged_and_fewer_than_columns_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        assert "n_at_most_p" in pj.pn_criterion(X[:9], "mvn", order=1).flags
    with pytest.raises(DataError, match="n = 3 rows and d = 3 columns"):
        pj.pn_criterion(X[:3], "mvn")


# Family, rows, what the message must name.
EDGES: dict[str, tuple[Any, Any, type[Exception], str]] = {
    "equal gamma rows": ("gamma", np.full(9, 1.7), BoundaryProjectionError, "all observations are equal"),
    "equal angles": ("vonmises", np.full(9, 1.7), BoundaryProjectionError, "all angles are equal"),
    "ones and zeros in beta": ("beta", [0.5, 0.0, 1.0, 0.2], SupportError, "rows 1, 2"),
    "outside the interval": (PolynomialDensity(2), [0.5, 1.5, 0.2, -0.1], SupportError, "rows 1, 3"),
    "one end only": (PolynomialDensity(2), [0.0] * 9, BoundaryProjectionError, "end 0 of the interval"),
    "no point of the support": (FiniteSupport([0, 1, 3]), [0, 1, 2, 3], SupportError, "rows 2"),
    "empty cell": (
        Ising(), [[0, 0], [0, 1], [1, 1], [0, 1]], BoundaryProjectionError, r"cells that hold no data \(\(1, 0\)\)"
    ),
    "empty cell of a margin": (
        LogLinear((2, 2), [(0,), (1,), (0, 1)]), [[0, 0], [0, 1], [1, 1], [0, 1]], BoundaryProjectionError,
        r"\(1, 0\)",
    ),
    "largest value only": (
        FiniteSupport([0, 1, 2]), [2, 2, 2, 2], BoundaryProjectionError, r"2 of 3 cells that hold no data \(0; 1\)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_no_finite_parameter_stands_for_an_estimate_on_the_boundary(name: str) -> None:
    family, data, error, words = EDGES[name]
    for entry in (pj.pn_criterion, pj.information_projection, pj.risk_terms):
        with pytest.raises(error, match=words):
            entry(data, family)


def test_one_outlier_is_named_as_a_heavy_row() -> None:
    x = np.r_[RNG.normal(size=60), 25.0]
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        found = pj.pn_criterion(x, "normal")
    assert any(issubclass(w.category, HeavyTailWarning) for w in raised)
    assert "heavy_tail" in found.flags and 60 in found.heavy_rows


def test_a_second_term_beyond_half_the_first_is_no_verdict() -> None:
    # Normal model, a2/(n a1) = 61/(12 n) for normal data: more than one half below eleven rows.
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        found = pj.pn_criterion(stats.norm.ppf((np.arange(5) + 0.5) / 5), "normal", moments="model")
    assert found.verdict == "unreliable" and "expansion_unreliable" in found.flags
    assert any(issubclass(w.category, ExpansionWarning) for w in raised)


def test_missing_and_infinite_values_are_counted() -> None:
    with pytest.raises(DataError, match="2 missing and 1 infinite"):
        pj.pn_criterion([1.0, np.nan, np.inf, 2.0, np.nan], "normal")
    with pytest.raises(DataError, match="at least 3 rows, got 2"):
        pj.pn_criterion([1.0, 2.0], "normal")


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_units_of_statistics_and_of_parameters_do_not_matter(factor: float) -> None:
    x, units = RNG.beta(2.0, 3.0, 80), np.array([1.0, factor])
    nodes = np.linspace(0.0, 1.0, 60)
    plain = pj.risk_terms(x, GenericFamily(lambda v: np.column_stack([v, v**2]), nodes=nodes))
    scaled = pj.risk_terms(x, GenericFamily(lambda v: np.column_stack([v, v**2]) * units, nodes=nodes))
    for name in ("T0", "T1", "T2", "T3"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), rel=1e-8)

    def logpdf(rows: Any, theta: Any) -> Any:
        return stats.norm.logpdf(rows, theta[0] / factor)

    one = pj.sandwich_risk(x, lambda rows, t: stats.norm.logpdf(rows, t[0]), theta=0.4)
    other = pj.sandwich_risk(x, logpdf, theta=0.4 * factor)
    assert other.a1 == pytest.approx(one.a1, rel=1e-8)


def test_chains_that_keep_their_side_give_no_verdict() -> None:
    spins = TiltedBase([([-1, 1], [1, 1])] * 6, [*((i, j) for j in range(6) for i in range(j)), (0,)])
    theta = np.array([*np.full(15, 0.6), 0.0])
    drawn = spins.simulate_at(theta, draws=20_000, rng=1)
    with pytest.warns(ConvergenceWarning, match="nothing can be said"):
        found = pj.pn_criterion(drawn.nodes(theta).points, drawn)
    assert found.verdict == "unreliable"


def test_ties_are_data_like_others() -> None:
    once, counts = np.unique(BITS, axis=0, return_counts=True)
    tied = pj.risk_terms(BITS, "ising")
    counted = pj.risk_terms(once, "ising", weights=counts, n_effective=60)
    assert abs(tied.T0 / counted.T0 - 1.0) < 1e-10


def test_weights_sum_to_anything_and_n_is_the_row_count() -> None:
    weights = RNG.random(40)
    small, large = (pj.pn_criterion(X[:, 0], "normal", weights=c * weights) for c in (1e-3, 1e3))
    assert small.n == large.n == 40 and small.risk1 == pytest.approx(large.risk1, rel=1e-12)
    assert pj.pn_criterion(X[:, 0], "normal", weights=weights, n_effective=25).n == 25
    with pytest.raises(InputError, match="weights must be non-negative, got 1 negative"):
        pj.pn_criterion(X[:, 0], "normal", weights=np.r_[-1.0, weights[1:]])


def test_few_draws_are_told_and_too_few_refused() -> None:
    family, rows = TiltedBase(SQUARE, [(0,), (0, 1)]), RNG.random((40, 2))
    with pytest.warns(SampleSizeWarning, match="draws are few"):
        assert "few_draws" in pj.pn_criterion(rows, family, draws=2000, rng=0).flags
    with pytest.raises(InputError, match="draws must be"):
        pj.pn_criterion(rows, family, draws=50, rng=0)


def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path: Path) -> None:
    store = tmp_path / "study.npz"
    pj.simulate_risk(None, "exponential", 20, 50, theta=[-1.0], rng=1, checkpoint=store)
    before = store.read_bytes()
    for changed in ({"rng": 2}, {"theta": [-2.0]}):
        with pytest.raises(CheckpointError, match=r"study\.npz"):
            pj.simulate_risk(None, "exponential", 20, 50, **{"theta": [-1.0], "rng": 1, "checkpoint": store, **changed})
    assert store.read_bytes() == before


def test_rows_of_a_stream_are_not_asked_for_twice() -> None:
    with pytest.raises(InputError, match="bootstrap"):
        pj.pn_criterion(iter([X, X]), "mvn", bootstrap=20)
