"""The fifteen numerical traps of the specification: which test guards each, and the cheapest check of it.

The table is executable: a test that is renamed or removed makes this module fail.
"""

from __future__ import annotations

import ast
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from infostat import generalization as ig
from infostat.core.errors import InputError, VacuousBoundWarning

TESTS = Path(__file__).parents[1]

# trap -> (file below tests/, test) that goes into it.
GUARDS: dict[int, list[tuple[str, str]]] = {
    # Rank formula where the row space depends on the sample.
    1: [
        ("generalization/test_gaussian_layers.py",
         "test_row_space_that_depends_on_the_sample_needs_more_than_the_rank"),
    ],
    # kappa on the information about labels.
    2: [
        ("generalization/test_sdpi.py", "test_noise_does_not_act_on_labels"),
        ("generalization/test_hierarchical.py",
         "test_kappa_times_the_whole_information_is_no_bound_on_the_layer_divergence"),
        ("generalization/test_finite_parameters.py", "test_dropout_does_not_shrink_the_label_part"),
    ],
    # I(S; W) = inf of deterministic learners.
    3: [
        ("generalization/test_information_bounds.py", "test_infinite_information_points_to_the_individual_bound"),
    ],
    # Empirical KL of continuous representations as a bound.
    4: [("generalization/test_shift_proxy.py", "test_it_is_a_proxy_and_says_so")],
    # Sampling floor of W1 read as a difference.
    5: [("generalization/test_certificates.py", "test_floor_of_two_halves_is_not_a_difference_of_laws")],
    # Inner minimum of the bound expected.
    6: [
        ("generalization/test_experiment_layers.py", "test_inner_minimum_of_the_distance_and_none_of_the_bound"),
        ("generalization/test_certificates.py", "test_certificates_cover_the_gap_and_never_increase"),
    ],
    # log(1 - 1/n), 1 - sqrt(1 - 1/n), 1 - delta^d.
    7: [
        ("generalization/test_gaussian_layers.py", "test_large_n_loses_no_digits"),
        ("generalization/test_sdpi.py", "test_one_minus_eta_survives_where_eta_rounds_to_one"),
    ],
    # sinh in the tight curve, Gauss-Hermite on sech.
    8: [
        ("divergences/test_tv_kl_curves.py", "test_large_divergences_do_not_overflow"),
        ("generalization/test_sdpi_channels.py", "test_gauss_hermite_would_not_do_at_large_noise_ratios"),
    ],
    # Rank with an absolute tolerance.
    9: [("generalization/test_gaussian_layers.py", "test_rank_uses_a_relative_tolerance_that_can_be_set")],
    # Log-mean-exp overflow: below.
    10: [],
    # Inverse of the binary divergence at its ends.
    11: [
        ("generalization/test_kl_inverses.py", "test_ends_in_fifty_digits"),
        ("generalization/test_kl_inverses.py", "test_closed_forms_at_zero_and_one"),
    ],
    # Spectral norms; convolutions.
    12: [("generalization/test_lipschitz.py", "test_products_of_spectral_norms")],
    # Dropout switched off at evaluation.
    13: [
        ("generalization/test_network.py", "test_dropout_switched_off_does_not_contract"),
        ("generalization/test_hierarchical.py", "test_dropout_switched_off_is_named_among_the_assumptions"),
    ],
    # Expectation and probability under one label.
    14: [
        ("generalization/test_experiment_sample_size.py", "test_two_senses_never_share_a_label"),
        ("generalization/test_label_of_every_result.py", "test_the_label_of_every_curve"),
    ],
    # Plug-in information from few masks, or from one value of U.
    15: [
        ("generalization/test_ldmi.py", "test_the_upward_bias_is_that_of_chi_square_and_worse_in_separate_tables"),
        ("generalization/test_ldmi.py", "test_few_observations_per_cell_are_flagged"),
    ],
}  # fmt: skip


def test_every_trap_is_listed_once() -> None:
    assert list(GUARDS) == list(range(1, 16))


@pytest.mark.parametrize(("file", "name"), sorted({guard for guards in GUARDS.values() for guard in guards}))
def test_the_guards_exist(file: str, name: str) -> None:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_trap_1_the_rank_formula_is_too_small_where_the_rows_know_the_sample() -> None:
    task = ig.BinaryGaussianTask(1.0, 1.0, d=6)
    known, free = (task.expected_layer_kl([6, 3, 1], 10, mode) for mode in ("factorised", "independent"))
    assert known[0] == pytest.approx(free[0], rel=1e-12)
    assert (known[1:] > free[1:] * 1.25).all()


def test_trap_2_noise_in_the_layers_leaves_the_labels_alone() -> None:
    # Worked example 9.6: W = Y_1.
    found = ig.refined_kl_bound(0.0, math.log(2.0), [0.84], 0.5)
    assert found.value == pytest.approx(0.5 * math.sqrt(2.0 * math.log(2.0)), rel=1e-15)
    assert found.inputs["kappa"] == 0.84


def test_trap_3_an_infinite_information_is_a_value() -> None:
    with pytest.warns(VacuousBoundWarning):
        found = ig.mi_bound(math.inf, 100, 0.5)
    assert found.value == math.inf and found.vacuous and "individual_mi_bound" in found.interpretation


def test_trap_4_one_network_gives_a_proxy() -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    found = ig.representation_shift([points[:30]] * 2, [points[30:]] * 2, standard_error=False)
    assert found.nature == "proxy" and found.sense == "" and "bounds no error" in found.interpretation


def test_trap_5_two_samples_of_one_law_are_apart() -> None:
    rng = np.random.default_rng(1)
    x, y = ([rng.normal(size=(60, 10))] * 2 for _ in range(2))
    labels = np.where(np.arange(60) % 2, 1, -1)
    scores = [[part[0], part[0][:, :1]] for part in (x, y)]
    found = ig.layer_certificates(*scores, labels, labels, lipschitz=[1.0, 1.0], rng=0)
    # 10 dimensions: no difference of laws, and still far apart; the floor says so.
    assert found.w1[0] > 2.0 and found.w1_floor[0] > 0.9 * found.w1[0]
    assert "sampling alone" in found.interpretation


def test_trap_6_the_distance_may_be_smallest_inside_and_the_bound_at_the_output() -> None:
    found = ig.layer_wasserstein_bound([1.0, 0.2, 0.5], [6.0, 4.0, 1.0], 1.0, "label")
    assert (found.funnel_distance, found.funnel_bound) == (1, 2)


def test_trap_7_differences_from_one_keep_their_digits() -> None:
    n = 10**12
    kl = ig.BinaryGaussianTask(1.0, 1.0, d=4).expected_layer_kl([4], n, "independent")
    assert kl[0] == pytest.approx(2.0 * float(Fraction(1, n) + Fraction(1, 2 * n * n)), rel=1e-15)
    found = ig.sdpi_dropout(0.3, 4096)
    assert found.value == 1.0 and found.log_contraction_gap == pytest.approx(4096 * math.log(0.3), rel=1e-15)


def test_trap_8_nothing_overflows_in_the_tight_curve_or_the_sech_integral() -> None:
    assert ig.kl_lower_from_tv(1.0 - 1e-12) == pytest.approx(12.0 * math.log(10.0), abs=1e-3)  # log 1/(1 - t)
    assert ig.tv_upper_from_kl(1e300) == 1.0
    assert ig.sdpi_gaussian(6.0, 1.0).value == pytest.approx(0.995848920260, rel=1e-11)


def test_trap_9_the_rank_is_relative() -> None:
    task = ig.BinaryGaussianTask([1.0, 0.0, 0.0], 1.0)
    scaled = [1e-200 * np.eye(3), [[1.0, 0.0, 0.0]]]
    assert task.layer_divergences(scaled, [1.0, 0.1, 0.0], 10).rank.tolist() == [3, 3, 1]
    thin = [np.diag([1.0, 1e-9, 1e-9]), [[1.0, 0.0, 0.0]]]
    assert task.layer_divergences(thin, [1.0, 0.1, 0.0], 10, rank_tol=1e-6).rank.tolist() == [3, 1, 1]


def test_trap_10_critics_of_size_900_do_not_overflow() -> None:
    f_p, f_q = np.array([900.0, 900.5]), np.array([899.8, 900.3])
    expected = 900.25 - (899.8 + math.log((1.0 + math.exp(0.5)) / 2.0))
    assert float(ig.donsker_varadhan(f_p, f_q).value) == pytest.approx(expected, rel=1e-10)
    # NWJ takes no logarithm: its exponential is the size of the ratio itself, and inf is a value.
    assert float(ig.nwj(f_p, f_q).value) == -math.inf


def test_trap_11_the_kl_inverse_at_its_ends() -> None:
    assert ig.kl_inverse_upper(0.0, 1e-17) == pytest.approx(1e-17, rel=1e-12)
    assert ig.kl_inverse_upper(1.0, 0.3) == 1.0 and ig.kl_inverse_upper(0.3, 0.0) == 0.3
    # kl(q||q + x) is x^2/(2 q (1 - q)) for tiny x.
    assert ig.kl_inverse_upper(0.5, 1e-18) - 0.5 == pytest.approx(math.sqrt(0.5e-18), rel=1e-6)
    assert ig.kl_inverse_lower(1.0, 2.0) == pytest.approx(math.exp(-2.0), rel=1e-15)


def test_trap_12_the_norm_is_spectral_and_a_kernel_of_a_convolution_is_refused() -> None:
    weights = [[[3.0, 4.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 2.0]]]
    assert ig.lipschitz_constants(weights).tolist() == pytest.approx([10.0, 2.0, 1.0], rel=1e-15)
    assert ig.lipschitz_constants([np.eye(5)]).tolist() == [1.0, 1.0]  # Frobenius would be sqrt(5)
    with pytest.raises(InputError, match="convolution is not its matrix: pass lipschitz="):
        ig.lipschitz_constants([np.zeros((4, 3, 3, 3))])


def test_trap_13_the_coefficients_of_dropout_need_it_switched_on() -> None:
    for found in (ig.sdpi_dropout(0.3, 3), ig.sdpi_dropconnect(0.3, shape=(2, 2)), ig.sdpi_gaussian(1.0, 1.0)):
        assert any("switched off at evaluation" in text for text in found.assumptions)
    refined = ig.refined_kl_bound(0.1, 0.0, [0.5], 0.5)
    assert any("active, and drawn afresh" in text for text in refined.assumptions)


def test_trap_14_two_kinds_of_statement_have_two_senses() -> None:
    assert ig.mi_bound(0.1, 10, 0.5).sense == "expectation"
    pac = ig.pac_bayes_bound(0.1, 1.0, 1000, 0.05)
    assert pac.sense == "probability" and "with high probability" in str(pac.summary())


def test_trap_15_one_selection_says_nothing() -> None:
    with pytest.raises(InputError, match="u must hold both 0 and 1"):
        ig.ldmi_bound([1.0, 0.0, -1.0], [1, 1, 1])
    with pytest.raises(InputError, match="both 0 and 1 in column 1"):
        ig.ldmi_bound(np.zeros((3, 2)), [[0, 1], [1, 1], [0, 1]])
