"""What must not change the numbers: order, repetition, scales, coordinates; and what adds up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InfostatWarning
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.product import ProductFamily
from infostat.families.registry import get_family
from infostat.families.whitening import node_view
from infostat.projection import (
    RiskTerms,
    estimation_risk,
    information_criteria,
    optimism,
    pn_criterion,
    reverse_risk,
    risk_terms,
)
from infostat.projection.expansion import raw_terms
from tests.projection.oracles import literal_terms, point_cumulants, skewed_rows, terms_of

pytestmark = pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")
assert issubclass(InfostatWarning, UserWarning)


def _data(name: str) -> Any:
    rng = np.random.default_rng(3)
    return {
        "normal": lambda: rng.laplace(size=60),
        "mvn": lambda: skewed_rows(1, 60, 3),
        "mvn_diagonal": lambda: skewed_rows(2, 60, 3),
        "gamma": lambda: rng.uniform(0.2, 3.0, 60),
        "beta": lambda: rng.triangular(0.0, 0.3, 1.0, 60),
        "exponential": lambda: rng.gamma(3.0, size=60),
        "poisson": lambda: rng.negative_binomial(3, 0.4, 60).astype(float),
        "bernoulli": lambda: (rng.random(60) < 0.3).astype(float),
        "vonmises": lambda: rng.triangular(-2.0, 0.5, 2.5, 60),
        "categorical": lambda: rng.integers(0, 4, 60),
        "dirichlet": lambda: rng.dirichlet([2.0, 1.0, 3.0], 60),
    }[name]()


NAMES = [
    "normal", "mvn", "mvn_diagonal", "gamma", "beta", "exponential", "poisson", "bernoulli",
    "vonmises", "categorical", "dirichlet",
]  # fmt: skip
NUMBERS = (
    "n", "p", "risk1", "risk2", "alpha_attained", "bayes_error_floor", "n_required_order1",
    "n_required_order2", "validity_ratio", "misspecification_ratio",
)  # fmt: skip


def _assert_same(a: Any, b: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(terms_of(a.terms), terms_of(b.terms), rtol=rtol, atol=rtol)
    assert a.terms.T0_se == pytest.approx(b.terms.T0_se, rel=1e-6, abs=1e-9)
    for name in NUMBERS:
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=rtol), name
    assert (a.verdict, a.verdict_order1, a.flags) == (b.verdict, b.verdict_order1, b.flags)
    assert (a.misfit.name, a.misfit.df) == (b.misfit.name, b.misfit.df)
    assert a.misfit.value == pytest.approx(b.misfit.value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_row_order(name: str) -> None:
    x = np.asarray(_data(name))
    order = np.random.default_rng(0).permutation(60)
    _assert_same(pn_criterion(x, name), pn_criterion(x[order], name))


@pytest.mark.parametrize("name", NAMES)
def test_integer_weights_are_repetition(name: str) -> None:
    x = np.asarray(_data(name))
    counts = np.random.default_rng(1).integers(0, 4, 60)
    weighted = pn_criterion(x, name, weights=counts, n_effective=int(counts.sum()))
    repeated = pn_criterion(np.repeat(x, counts, axis=0), name)
    _assert_same(weighted, repeated)
    a = risk_terms(x, name, weights=counts, n_effective=counts.sum(), method="tensor")
    b = risk_terms(np.repeat(x, counts, axis=0), name, method="tensor")
    np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-9, atol=1e-9)
    a, b = (
        information_criteria(x, name, weights=counts, n_effective=counts.sum()),
        information_criteria(np.repeat(x, counts, axis=0), name),
    )
    for field in ("aic", "tic", "tic2", "loglik"):
        assert getattr(a, field) == pytest.approx(getattr(b, field), rel=1e-9, abs=1e-9)


def test_heavy_tail_is_judged_by_observations_not_by_table_rows() -> None:
    """A table of two rows with counts is a hundred observations, none of them heavy."""
    table = pn_criterion([0, 1, 1], "bernoulli", weights=[50, 30, 20], n_effective=100)
    assert table.heavy_rows == ()
    assert "heavy_tail" not in table.flags


def test_weights_matter_only_up_to_a_factor() -> None:
    x, w = _data("normal"), np.random.default_rng(2).uniform(0.5, 2.0, 60)
    a, b = (risk_terms(x, "normal", weights=w * factor) for factor in (1.0, 1e-300))
    np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-12)
    assert a.n == 60


@pytest.mark.parametrize("factor", [1e-8, 1e8, -3.0])
@pytest.mark.parametrize("name", ["normal", "mvn", "mvn_diagonal"])
def test_affine_change_of_columns(name: str, factor: float) -> None:
    x = np.asarray(_data(name))
    columns = x.reshape(60, -1)
    scale = np.where(np.arange(columns.shape[1]) % 2 == 0, factor, 1.0)
    moved = (columns * scale + 2.0 * np.abs(scale)).reshape(x.shape)
    _assert_same(pn_criterion(x, name), pn_criterion(moved, name), rtol=1e-8)
    for method in ("tensor", "auto"):
        a, b = risk_terms(x, name, method=method), risk_terms(moved, name, method=method)
        np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-8)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_full_normal_is_invariant_under_invertible_maps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = skewed_rows(seed, 40, 3)
    U, _, V = np.linalg.svd(rng.normal(size=(3, 3)))
    A = U @ np.diag([1.0, 1e-2, 30.0]) @ V
    a, b = risk_terms(x, "mvn"), risk_terms(x @ A + rng.normal(size=3), "mvn")
    # A has condition 3000; its square is what the correlation matrix loses: seven digits of sixteen.
    np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-8)


@pytest.mark.parametrize("factor", [1e-8, 1e8])
@pytest.mark.parametrize("name", ["gamma", "exponential"])
def test_scale_families_ignore_units(name: str, factor: float) -> None:
    x = _data(name)
    _assert_same(pn_criterion(x, name), pn_criterion(x * factor, name), rtol=1e-8)


def test_von_mises_ignores_rotation() -> None:
    x = _data("vonmises")
    for shift in (1.0, -2.5, 100 * np.pi):
        a, b = risk_terms(x, "vonmises"), risk_terms(x + shift, "vonmises")
        np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-8)


def test_large_mean_costs_only_the_digits_the_data_have_lost() -> None:
    x = np.round(_data("normal"), 3)
    a, b = risk_terms(x, "normal"), risk_terms(x + 1e8, "normal")
    # Adding 1e8 rounds the data to 1.5e-8, about 1e-8 of their spread; sixth moments amplify by six.
    np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), p=st.integers(1, 6))
def test_affine_change_of_statistics(seed: int, p: int) -> None:
    """A random finite model under ``xi -> A xi + b``: both routes unchanged and equal to the literal formulas."""
    rng = np.random.default_rng(seed)
    M = 4 * p + 6
    points = rng.gamma(2.0, size=(M, p))
    q, g = rng.dirichlet(np.full(M, 5.0)), rng.dirichlet(np.full(M, 5.0))
    A = np.linalg.qr(rng.normal(size=(p, p)))[0] @ np.diag(rng.uniform(0.1, 10.0, p))
    b = rng.normal(size=p)
    expected = literal_terms(*point_cumulants(points, q), *point_cumulants(points, g)[:2])
    for statistic in (lambda x: x, lambda x: x @ A.T + b):
        model = node_view(statistic, points, q)
        z = model.rows(points)
        for method in ("tensor", "gram"):
            found = raw_terms(model, z - g @ z, g, method=method).terms
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8 * np.abs(expected).max())


def test_product_terms_are_sums() -> None:
    """Also when the columns depend on each other: every T is the sum over blocks."""
    rng = np.random.default_rng(4)
    a = rng.laplace(size=50)
    table = np.column_stack([a, np.exp(0.5 * a) + 0.1, (a > 0) + rng.integers(0, 3, 50), skewed_rows(4, 50, 2)])
    family = ProductFamily(["normal", "gamma", "poisson", MultivariateNormal(n_vars=2)])
    parts = [
        risk_terms(table[:, 0], "normal"),
        risk_terms(table[:, 1], "gamma"),
        risk_terms(table[:, 2], "poisson"),
        risk_terms(table[:, 3:], "mvn"),
    ]
    whole = risk_terms(table, family)
    np.testing.assert_allclose(terms_of(whole), sum(terms_of(p) for p in parts), rtol=1e-12)
    assert whole.p == 2 + 2 + 1 + 5
    # the literal formulas on the joint statistics say the same, cross-block entries and all
    encoded = family.encode(table)
    statistics = family.statistic(table)
    fit = family.fit(encoded, np.full(50, 0.02))
    G, K3g, _ = point_cumulants(statistics, np.full(50, 0.02))
    model = [family.cumulants(fit.theta, k) for k in (2, 3, 4)]
    found = terms_of(risk_terms(table, family, ddof=0))
    np.testing.assert_allclose(found, literal_terms(*model, G, K3g), rtol=1e-8)


@settings(max_examples=50, deadline=None)
@given(
    T=st.tuples(*[st.floats(0.0, 1e6, allow_subnormal=False) for _ in range(4)]),
    n=st.floats(1.0, 1e9),
    order=st.sampled_from([1, 2]),
)
def test_optimism_is_risk_plus_reverse_risk(T: tuple[float, ...], n: float, order: int) -> None:
    terms = RiskTerms(*T, p=1)
    total = estimation_risk(terms, n, order) + reverse_risk(terms, n, order)
    size = (T[0] / n + sum(T) / n**2) + 1e-300
    assert abs(optimism(terms, n, order) - total) <= 1e-13 * size
    assert terms.opt2 == pytest.approx(terms.a2 + terms.rev2, abs=1e-12 * (1 + sum(T)))


def test_risks_are_elementwise() -> None:
    terms = RiskTerms(2, 14, 46, 60, 2)
    n = np.array([[10, 20], [30, 40]])
    for function in (estimation_risk, reverse_risk, optimism):
        table = function(terms, n)
        assert table.shape == (2, 2)
        assert table[1, 0] == function(terms, 30)
        assert isinstance(function(terms, 30), float)


def test_kinds_of_containers_give_the_same_numbers(tmp_path: Any) -> None:
    x = skewed_rows(5, 40, 2)
    frame = pd.DataFrame(x, columns=["height", "weight"])
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False, float_format="%.17g")
    reference = pn_criterion(x, "mvn")
    for data in (x.tolist(), frame, path, str(path), np.asfortranarray(x), x.astype(object)):
        found = pn_criterion(data, "mvn")
        np.testing.assert_allclose(terms_of(found.terms), terms_of(reference.terms), rtol=1e-11)
    assert pn_criterion(frame, "mvn").columns == ("height", "weight")
    assert str(path) in pn_criterion(path, "mvn").source
    series = pd.Series(x[:, 0], index=np.arange(40)[::-1], name="h")
    found = pn_criterion(series, "normal")
    assert found.columns == ("h",)
    assert found.risk1 == pytest.approx(pn_criterion(x[:, 0], "normal").risk1, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_input_is_not_modified(name: str) -> None:
    x = np.asarray(_data(name))
    weights = np.random.default_rng(5).uniform(0.5, 1.0, 60)
    copies = x.copy(), weights.copy()
    x.flags.writeable = weights.flags.writeable = False
    pn_criterion(x, name, weights=weights, bootstrap=3, bias_correction="jackknife", rng=1)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(weights, copies[1])
    frame = pd.DataFrame(x.reshape(60, -1))
    before = frame.copy(deep=True)
    family = get_family(name)
    pn_criterion(frame, family)
    pd.testing.assert_frame_equal(frame, before)


def test_integer_data() -> None:
    x = np.random.default_rng(6).integers(-5, 6, size=60)
    a, b = risk_terms(x, "normal"), risk_terms(x.astype(np.int8), "normal")
    np.testing.assert_allclose(terms_of(a), terms_of(b), rtol=1e-14)
