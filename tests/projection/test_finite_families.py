"""Risk terms on finite supports: worked numbers, both routes, exact risks by enumeration."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearityWarning,
    InputError,
    InputTypeError,
    SupportError,
)
from infostat.families.enumerated import EnumeratedFamily
from infostat.families.finite_support import FiniteSupport
from infostat.families.ising import Ising
from infostat.families.log_linear import LogLinear
from infostat.families.product import ProductFamily
from infostat.projection import exact_risk, optimism, pn_criterion, reverse_risk, risk_terms
from infostat.projection.evaluation import Options, evaluate
from infostat.projection.exact_finite import mean_law
from infostat.projection.expansion import raw_terms
from tests.projection.oracles import literal_terms, point_cumulants, terms_of

LATTICE = ([0, 1, 2], [0.5, 0.1, 0.4])


# ------------------------------------------------------------------- worked numbers
def test_misspecified_lattice() -> None:
    family = FiniteSupport([0, 1, 2])
    terms = risk_terms(None, family, truth=LATTICE)
    expected = [1.35017999573, 0.05792387151, 0.18620708653, -7.98617617122]
    np.testing.assert_allclose(terms_of(terms), expected, atol=1e-11)
    assert terms.a2 == pytest.approx(1.04879172168, abs=1e-11)
    assert terms.opt2 == pytest.approx(1.39517096938, abs=1e-11)
    assert family.project([0.9])[0] == pytest.approx(-0.15056611, abs=1e-8)


def test_exact_risk_of_the_misspecified_lattice() -> None:
    found = exact_risk(FiniteSupport([0, 1, 2]), [50, 200, 800], truth=LATTICE)
    np.testing.assert_allclose(found.risk, [0.0139456469, 0.00340202593, 0.000845506715], rtol=1e-8)


@pytest.mark.parametrize("family", [Ising(edges=[]), Ising(2, []), ProductFamily([FiniteSupport([0, 1])] * 2)])
def test_product_of_bits(family: Any) -> None:
    terms = risk_terms(None, family, truth=([[0, 0], [0, 1], [1, 0], [1, 1]], [0.4, 0.1, 0.2, 0.3]))
    np.testing.assert_allclose(terms_of(terms), [2.0, 1 / 6, 1 / 2, -11.5], rtol=1e-10)


def test_saturated_models_are_well_specified() -> None:
    """a2 = (5/12) sum 1/p - K/2 + 1/12 of a categorical law with K cells, in any parametrisation."""
    p = np.array([0.4, 0.1, 0.2, 0.3])
    terms = risk_terms(None, Ising(2), truth=(Ising(2).cells().points, p))
    assert terms_of(terms)[0] == pytest.approx(3.0, rel=1e-11)
    assert terms.a2 == pytest.approx(5 / 12 * np.sum(1 / p) - 2 + 1 / 12, rel=1e-10)


# --------------------------------------------------------------------------- routes
def _random_model(seed: int) -> tuple[FiniteSupport, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = int(rng.integers(1, 6))
    values = rng.normal(size=(3 * p + 3, p)) + rng.normal(size=p)
    family = FiniteSupport(np.arange(len(values)), values, log_base=0.5 * rng.normal(size=len(values)))
    return family, rng.dirichlet(np.full(len(values), 3.0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_tensor_and_gram_routes_agree_on_random_models(seed: int) -> None:
    family, g = _random_model(seed)
    tensor = terms_of(risk_terms(None, family, truth=(family.points, g), method="tensor"))
    gram = terms_of(risk_terms(None, family, truth=(family.points, g), method="gram"))
    np.testing.assert_allclose(gram, tensor, rtol=1e-10, atol=1e-10 * np.abs(tensor).max())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_both_routes_equal_the_index_formulas(seed: int) -> None:
    """The formulas as printed, from cumulants by einsum in the raw coordinates."""
    family, g = _random_model(seed)
    statistics = family.cells().statistics
    theta = family.fit(family.points, g).theta
    model = point_cumulants(statistics, family.probabilities(theta))
    G, K3g, _ = point_cumulants(statistics, g)
    expected = literal_terms(*model, G, K3g)
    found = terms_of(risk_terms(None, family, truth=(family.points, g)))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("family", [Ising(3), LogLinear((2, 2, 2), [(0,), (1,), (2,), (0, 2)])], ids=str)
@pytest.mark.parametrize("order", [1, 2])
def test_evaluating_the_cells_is_evaluating_the_rows(family: EnumeratedFamily, order: int) -> None:
    rng = np.random.default_rng(0)
    x = family.encode(rng.integers(0, 2, (200, 3)))
    w = rng.dirichlet(np.ones(200))
    options = Options(200.0, order=order)
    found = evaluate(family, x, w, options)
    model = family.fit(x, w).whitened
    raw = raw_terms(model, model.rows(x), w, order=order)
    np.testing.assert_allclose(found.raw.terms, raw.terms, rtol=1e-10)
    np.testing.assert_allclose(found.raw.t0_rows, raw.t0_rows, rtol=1e-10)
    np.testing.assert_allclose(found.raw.influence, raw.influence, atol=1e-10)
    if order == 2:
        assert found.raw.t1_rows is not None
        np.testing.assert_allclose(found.raw.t1_rows, raw.t1_rows, rtol=1e-8, atol=1e-10)


def test_table_of_counts_is_its_rows() -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 2, (300, 3))
    family = Ising(3)
    cells = family.cells().points
    counts = 300 * family.shares(family.encode(rows), np.full(300, 1 / 300))
    by_rows = pn_criterion(rows, family)
    by_cells = pn_criterion(cells, family, weights=counts, n_effective=300)
    assert by_cells.risk2 == pytest.approx(by_rows.risk2, rel=1e-10)
    assert by_cells.misfit.value == pytest.approx(by_rows.misfit.value, rel=1e-9)


# ---------------------------------------------------------------------- exact risks
def _brute_force(family: FiniteSupport, points: np.ndarray, g: np.ndarray, n: int) -> tuple[float, float, float]:
    """Every sequence of n draws, its estimate by the family's own projection."""
    star = family.fit(family.encode(points), g).theta
    p_star = family.probabilities(star)
    risk = reverse = mass = 0.0
    for sample in product(range(len(points)), repeat=n):
        weight = float(np.prod(g[list(sample)]))
        try:
            theta = family.fit(family.encode(points[list(sample)]), np.full(n, 1 / n)).theta
        except BoundaryProjectionError:
            continue
        q = family.probabilities(theta)
        mass += weight
        risk += weight * float(p_star @ np.log(p_star / q))
        reverse += weight * float(q @ np.log(q / p_star))
    return risk / mass, reverse / mass, 1.0 - mass


CASES = [
    (FiniteSupport([0, 1, 2]), [0, 1, 2], [0.5, 0.1, 0.4]),
    (FiniteSupport([0, 1, 2, 5]), [0, 2, 5], [0.5, 0.3, 0.2]),
    (FiniteSupport([0.0, 1.0, np.pi]), [0.0, 1.0, np.pi], [0.5, 0.1, 0.4]),
    (FiniteSupport([-1.0, 0.0, 2.0], lambda x: x**2, log_base=[0.0, 1.0, -0.5]), [-1.0, 0.0, 2.0], [0.2, 0.5, 0.3]),
]


@pytest.mark.parametrize(("family", "points", "g"), CASES, ids=["lattice", "gaps", "no lattice", "squares"])
def test_exact_risk_by_brute_force(family: FiniteSupport, points: list[float], g: list[float]) -> None:
    expected = _brute_force(family, np.array(points, dtype=float), np.array(g), 5)
    found = exact_risk(family, 5, truth=(points, g))
    np.testing.assert_allclose([found.risk, found.reverse_risk, found.excluded], expected, rtol=1e-9)
    assert found.optimism == pytest.approx(found.risk + found.reverse_risk, rel=1e-12)


@pytest.mark.parametrize(("family", "points", "g"), CASES, ids=["lattice", "gaps", "no lattice", "squares"])
def test_expansion_is_the_limit_of_the_exact_risk(family: FiniteSupport, points: list[float], g: list[float]) -> None:
    """n^2 (R - a1/n) tends to a2 with a gap of order 1/n: quadrupling n divides the gap by four.

    The ratio is 4 + O(1/n) itself; at n = 100 and 400 it is within 0.5 of 4 for these truths.
    """
    terms = risk_terms(None, family, truth=(points, g))
    n = np.array([100.0, 400.0])
    found = exact_risk(family, n, truth=(points, g))
    assert np.max(found.excluded) < 1e-7  # the condition on an interior estimate does not matter
    first = n**2 * (found.risk - terms.a1 / n) - terms.a2
    assert first[0] / first[1] == pytest.approx(4.0, abs=0.5)
    backward = n**2 * (found.reverse_risk - reverse_risk(terms, n))
    assert backward[0] / backward[1] == pytest.approx(4.0, abs=0.8)
    both = n**2 * (found.optimism - optimism(terms, n))
    assert both[0] / both[1] == pytest.approx(4.0, abs=0.6)


def test_one_bit_by_three_families() -> None:
    known = exact_risk("bernoulli", [5, 40], truth=([0, 1], [0.7, 0.3]))
    for family in (FiniteSupport([0, 1]), Ising(1), Ising(), LogLinear([2], [(0,)])):
        found = exact_risk(family, [5, 40], truth=([0, 1], [0.7, 0.3]))
        np.testing.assert_allclose(found.risk, known.risk, rtol=1e-10)
        np.testing.assert_allclose(found.reverse_risk, known.reverse_risk, rtol=1e-10)
        np.testing.assert_allclose(found.excluded, known.excluded, rtol=1e-9)


def test_frozen_discrete_laws_are_truths() -> None:
    law = stats.binom(3, 0.4)
    a = exact_risk(FiniteSupport(range(4)), 30, truth=law)
    b = exact_risk(FiniteSupport(range(4)), 30, truth=(range(4), law.pmf(range(4))))
    assert a.risk == pytest.approx(b.risk, rel=1e-12)


def test_large_samples_by_fourier_transforms() -> None:
    """n = 20000 needs convolutions beyond the direct length; the expansion is then exact to 1e-4."""
    terms = risk_terms(None, FiniteSupport([0, 1, 2]), truth=LATTICE)
    found = exact_risk(FiniteSupport([0, 1, 2]), 20_000, truth=LATTICE)
    assert 20_000**2 * (found.risk - terms.a1 / 20_000) == pytest.approx(terms.a2, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_law_of_the_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k, n = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    values = rng.integers(-6, 7, k) / 3.0 if rng.random() < 0.5 else rng.normal(size=k)
    g = rng.dirichlet(np.ones(k))
    means, probability = mean_law(values, g, n)
    assert probability.sum() == pytest.approx(1.0, rel=1e-12)
    direct = [(np.mean(values[list(s)]), np.prod(g[list(s)])) for s in product(range(k), repeat=n)]
    for power in (1, 2, 5):
        moment = sum(weight * mean**power for mean, weight in direct)
        assert probability @ means**power == pytest.approx(moment, rel=1e-9, abs=1e-12)


REFUSED: list[tuple[Any, int, Any, type[Exception], str]] = [
    (FiniteSupport([0, 1, 2]), 10, None, InputError, "truth is required"),
    (FiniteSupport([0, 1, 2]), 10, stats.norm(), InputError, "a density has no mass on points"),
    (FiniteSupport([0, 1, 2]), 10, [0.5, 0.2, 0.3], InputTypeError, "truth must be"),
    (FiniteSupport([0, 1, 2]), 10, ([0, 3], [0.5, 0.5]), SupportError, "1 of 2 rows"),
    (FiniteSupport([0, 1, 2]), 1, ([0, 2], [0.5, 0.5]), InputError, "no sample of 1 rows"),
    (FiniteSupport([0, 1, 2]), 10, ([0, 2], [1.0, 0.0]), BoundaryProjectionError, "direction v = -x0"),
    (Ising(2), 10, (np.eye(2), [0.5, 0.5]), InputError, "one parameter .* got p = 3"),
    (
        FiniteSupport(np.sqrt(np.arange(12.0))),
        500,
        (np.sqrt(np.arange(12.0)), np.full(12, 1 / 12)),
        InputError,
        "different samples of 12 values",
    ),
]


@pytest.mark.parametrize(("family", "n", "truth", "error", "message"), REFUSED)
def test_refusals(family: Any, n: int, truth: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        exact_risk(family, n, truth=truth)


# ------------------------------------------------------------------- the criterion
def test_criterion_names_the_empty_cells() -> None:
    rows = np.array([[0, 0], [0, 1], [1, 1]] * 10)
    with pytest.raises(BoundaryProjectionError, match=r"direction v = -x0 \+ x0\*x1.*\(1, 0\)"):
        pn_criterion(rows, "ising")
    with pytest.raises(BoundaryProjectionError, match=r"direction v = -x0,.*\(1, 0\); \(1, 1\)"):
        pn_criterion(np.column_stack([np.zeros(10), np.arange(10) % 2]), "ising_independent")


def test_criterion_by_name() -> None:
    rows = np.random.default_rng(0).integers(0, 2, (400, 3))
    found = pn_criterion(rows, "ising", bootstrap=60, rng=1)
    assert found.p == 6
    assert terms_of(found.terms)[0] == pytest.approx(6.0, rel=0.1)  # random bits: the model is right
    assert "an Ising model with 6 parameters" in found.interpretation
    independent = pn_criterion(rows, "ising_independent")
    assert independent.p == 3
    assert independent.misfit.df == 4


def test_nearly_collinear_statistics_are_said_so() -> None:
    """Two statistics that differ by 1e-4 on one of five points: condition number about 1e8."""
    x = np.arange(5.0)
    family = FiniteSupport(x, np.column_stack([x, x + [0.0, 0.0, 1e-4, 0.0, 0.0]]))
    rows = np.repeat(x, 20)
    with pytest.warns(CollinearityWarning, match="nearly collinear under the fitted law"):
        found = pn_criterion(rows, family)
    assert "near_collinear" in found.flags
    assert found.terms.T0 > 0.0
    assert pn_criterion(rows, FiniteSupport(x)).flags == ()
