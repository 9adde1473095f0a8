"""The fields, corrections and flags of the p-n criterion."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import (
    CollinearityWarning,
    ExpansionWarning,
    HeavyTailWarning,
    InfostatWarning,
    IntervalWarning,
    SampleSizeWarning,
)
from infostat.datasets import load
from infostat.families.base import ExponentialFamily
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.product import ProductFamily
from infostat.families.registry import get_family
from infostat.projection import (
    BootstrapResult,
    Misfit,
    PNCriterion,
    RiskTerms,
    bayes_error_floor,
    information_criteria,
    pn_criterion,
    risk_terms,
)
from infostat.projection.evaluation import Evaluation, Options, evaluate
from infostat.projection.expansion import RawTerms
from infostat.projection.flags import FLAGS, heavy_rows, interval_is_optimistic
from tests.projection.oracles import skewed_rows, terms_of

quiet = pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")
X = np.random.default_rng(5).normal(size=400)  # a sample with T0 just below 2


def _laplace(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).laplace(size=n)


# ------------------------------------------------------------------------------------ fields
FIELDS: dict[str, type | tuple[type, ...]] = {
    "n": (int, float),
    "p": int,
    "alpha": float,
    "threshold": float,
    "terms": RiskTerms,
    "risk1": float,
    "risk2": float,
    "verdict": str,
    "verdict_order1": str,
    "alpha_attained": float,
    "bayes_error_floor": float,
    "n_required_order1": int,
    "n_required_order2": int,
    "validity_ratio": float,
    "misspecification_ratio": float,
    "flags": tuple,
    "bootstrap": (BootstrapResult, type(None)),
    "misfit": Misfit,
    "interpretation": str,
}


@pytest.mark.parametrize("bootstrap", [0, 99])
@pytest.mark.parametrize("order", [1, 2])
def test_every_documented_field(order: int, bootstrap: int) -> None:
    found = pn_criterion(X, "normal", order=order, bootstrap=bootstrap, rng=1)
    assert isinstance(found, PNCriterion)
    for name, kind in FIELDS.items():
        assert isinstance(getattr(found, name), kind), name
    for name in ("T0", "T1", "T2", "T3", "a1", "a2", "opt2", "rev2"):
        assert isinstance(getattr(found.terms, name), float)
    for name in ("name", "value", "df", "p_value"):
        assert hasattr(found.misfit, name)
    assert (found.bootstrap is None) == (bootstrap == 0)
    assert found.verdict == found.verdict_order1 == "sufficient"
    assert "400 rows are enough" in found.interpretation
    assert "nothing about how close" in found.interpretation


def test_numbers_follow_from_the_terms() -> None:
    found = pn_criterion(X, "normal", alpha=0.1)
    terms = risk_terms(X, "normal")
    assert terms_of(found.terms).tolist() == terms_of(terms).tolist()
    assert found.threshold == pytest.approx(0.08, rel=1e-15)
    assert found.risk1 == pytest.approx(terms.T0 / 800, rel=1e-15)
    assert found.risk2 == pytest.approx(terms.T0 / 800 + terms.a2 / 160_000, rel=1e-14)
    assert found.alpha_attained == pytest.approx(math.sqrt(found.risk2 / 8), rel=1e-14)
    assert found.bayes_error_floor == bayes_error_floor(found.risk2)
    assert found.validity_ratio == pytest.approx(abs(terms.a2) / (400 * terms.a1), rel=1e-14)
    assert found.misspecification_ratio == pytest.approx(terms.T0 / 2, rel=1e-15)
    assert found.n_required_order1 == math.ceil(terms.a1 / 0.08)
    root = (terms.a1 + math.sqrt(terms.a1**2 + 0.32 * terms.a2)) / 0.16
    assert found.n_required_order2 == math.ceil(root)


def test_order_decides_which_risk_is_judged() -> None:
    """Between the two required sizes the orders disagree, and each verdict is of its own order."""
    x = X[:46]
    second = pn_criterion(x, "normal")
    assert second.n_required_order1 <= 46 < second.n_required_order2
    assert (second.verdict, second.verdict_order1) == ("insufficient", "sufficient")
    first = pn_criterion(x, "normal", order=1)
    assert (first.verdict, first.verdict_order1) == ("sufficient", "sufficient")
    assert first.risk2 == second.risk2
    assert first.alpha_attained == pytest.approx(math.sqrt(first.risk1 / 8), rel=1e-14)
    assert second.alpha_attained > first.alpha_attained


def test_model_moments_assume_the_model() -> None:
    found = pn_criterion(_laplace(300), "normal", moments="model")
    np.testing.assert_allclose(terms_of(found.terms), [2, 14, 46, 60], rtol=1e-12)
    assert found.misspecification_ratio == pytest.approx(1.0)
    assert found.heavy_rows == ()


def test_n_effective_replaces_the_row_count() -> None:
    found = pn_criterion(X, "normal", n_effective=61.5)
    assert found.n == 61.5
    assert found.risk1 == pytest.approx(found.terms.T0 / 123, rel=1e-14)


def test_diagonal_family_misses_what_the_full_one_sees() -> None:
    x = skewed_rows(1, 300, 2) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    diagonal = pn_criterion(x, "mvn_diagonal", order=1)
    assert diagonal.p == 4
    assert diagonal.misfit.name.startswith("likelihood ratio")
    assert diagonal.misfit.p_value < 1e-6


# -------------------------------------------------------------------------- bias corrections
@pytest.mark.parametrize("name", ["normal", "gamma", "mvn"])
@pytest.mark.parametrize("n", [25, 90])
@quiet
def test_jackknife_by_direct_recomputation(name: str, n: int) -> None:
    """Twenty groups by row index mod 20, each refitted, weights and divisors included."""
    x = skewed_rows(3, n, 2) + 8.0 if name == "mvn" else np.random.default_rng(2).gamma(3.0, size=n)
    found = pn_criterion(x, name, bias_correction="jackknife")
    whole = risk_terms(x, name).T0
    without = [risk_terms(x[np.arange(n) % 20 != b], name).T0 for b in range(20)]
    assert found.terms.T0_plugin == pytest.approx(whole, rel=1e-13)
    assert pytest.approx(20 * whole - 19 * np.mean(without), rel=1e-10) == found.terms.T0
    assert found.risk1 == pytest.approx(found.terms.T0 / (2 * n), rel=1e-14)
    assert found.misspecification_ratio == pytest.approx(found.terms.T0 / found.p, rel=1e-14)


@quiet
def test_jackknife_with_fewer_rows_than_groups_leaves_out_one_row() -> None:
    x = X[:12]
    found = pn_criterion(x, "normal", bias_correction="jackknife")
    without = [risk_terms(np.delete(x, b), "normal").T0 for b in range(12)]
    assert pytest.approx(12 * risk_terms(x, "normal").T0 - 11 * np.mean(without), rel=1e-10) == found.terms.T0


@quiet
def test_jackknife_with_weights() -> None:
    rng = np.random.default_rng(4)
    x, w = rng.gamma(2.0, size=60), rng.uniform(0.2, 1.0, 60)
    w /= w.sum()
    found = pn_criterion(x, "gamma", weights=w, n_effective=50, bias_correction="jackknife")
    values = []
    for b in range(20):
        keep = np.arange(60) % 20 != b
        kept = w[keep].sum()
        values.append(risk_terms(x[keep], "gamma", weights=w[keep], n_effective=50 * kept).T0)
    whole = risk_terms(x, "gamma", weights=w, n_effective=50).T0
    assert pytest.approx(20 * whole - 19 * np.mean(values), rel=1e-10) == found.terms.T0


@pytest.mark.parametrize("ddof", [0, 1])
@quiet
def test_analytic_correction(ddof: int) -> None:
    x = _laplace(150)
    found = pn_criterion(x, "normal", ddof=ddof, bias_correction="analytic")
    T0, T1, T2, T3 = terms_of(risk_terms(x, "normal", ddof=ddof))
    b = -T1 + T2 / 2 - T3 / 6 - (T0 if ddof == 0 else 0)
    assert pytest.approx(T0 - b / 150, rel=1e-13) == found.terms.T0
    assert found.terms.T0_plugin == T0
    # with ddof=1 the corrected order-2 risk is T0/(2n) + (4 T1 + 3 T2 - T3)/(24 n^2)
    if ddof == 1:
        corrected = T0 / 300 + (4 * T1 + 3 * T2 - T3) / (24 * 150**2)
        assert found.risk2 == pytest.approx(corrected, rel=1e-12)


def test_bias_of_the_plug_in_and_its_correction() -> None:
    """Normal data, n = 50, divisor n: the mean is (3(n-1)/(n+1)+1)/2 exactly, the correction repairs it."""
    n, replicates = 50, 3000
    rows = np.random.default_rng(5).normal(size=(replicates, n))
    terms = np.array([terms_of(risk_terms(row, "normal", ddof=0)) for row in rows])
    error = terms[:, 0].std() / math.sqrt(replicates)
    assert abs(terms[:, 0].mean() - (3 * (n - 1) / (n + 1) + 1) / 2) < 4.5 * error
    assert abs(terms[:, 0].mean() - 2) > 4.5 * error  # there is a bias to be seen at this size
    b = -terms[:, 1] + terms[:, 2] / 2 - terms[:, 3] / 6 - terms[:, 0]
    corrected = terms[:, 0] - b / n
    # what is left is of order 1/n^2, with a coefficient of the order of the fourth-order moments: 50
    assert abs(corrected.mean() - 2) < 4.5 * corrected.std() / math.sqrt(replicates) + 50 / n**2


@pytest.mark.slow
@quiet
def test_jackknife_removes_the_bias() -> None:
    n, replicates = 50, 3000
    rows = np.random.default_rng(6).normal(size=(replicates, n))
    values = np.array([pn_criterion(row, "normal", bias_correction="jackknife").terms.T0 for row in rows])
    assert abs(values.mean() - 2) < 4.5 * values.std() / math.sqrt(replicates) + 50 / n**2


@quiet
def test_a_correction_that_would_make_T0_negative_is_not_applied() -> None:
    """Three equidistant points: b = 6.4 against T0 = 1.9, so T0 - b/n would pass any threshold."""
    found = pn_criterion([0.1, 0.2, 0.3], "normal", bias_correction="analytic", order=1)
    assert found.terms.T0 == found.terms.T0_plugin > 0
    assert "bias_correction_unusable" in found.flags
    assert found.verdict == "insufficient"


# ----------------------------------------------------------------------- influence function
INFLUENCE: list[tuple[str, Any]] = [
    ("normal", lambda rng: rng.gamma(2.0, size=40)),
    ("mvn", lambda rng: skewed_rows(9, 40, 3)),
    ("mvn_diagonal", lambda rng: skewed_rows(9, 40, 2)),
    ("gamma", lambda rng: rng.uniform(0.2, 3.0, 40)),
    ("exponential", lambda rng: rng.gamma(3.0, size=40)),
    ("poisson", lambda rng: rng.negative_binomial(3, 0.4, 40).astype(float)),
    ("beta", lambda rng: rng.triangular(0.0, 0.3, 1.0, 40)),
    ("vonmises", lambda rng: rng.triangular(-2.0, 0.5, 2.5, 40)),
    ("categorical", lambda rng: np.arange(40.0) % 3),
    ("bernoulli", lambda rng: (np.arange(40) % 3 == 0).astype(float)),
    ("dirichlet", lambda rng: rng.dirichlet([1.0, 2.0, 3.0], 40) * 0.9 + 0.1 / 3),
]


NO_GRAM = ("mvn_diagonal", "dirichlet")
ROUTES = [
    pytest.param(name, draw, method, id=f"{name}-{method}")
    for name, draw in INFLUENCE
    for method in ("auto", "tensor", "gram")
    if not (method == "gram" and name in NO_GRAM)
]


@pytest.mark.parametrize(("name", "draw", "method"), ROUTES)
def test_influence_function_is_the_derivative_in_the_weights(name: str, draw: Any, method: str) -> None:
    """Central difference of T0 along (1 - e) w + e delta_i; error e^2 times a third derivative."""
    data = draw(np.random.default_rng(1))
    family: ExponentialFamily = get_family(name).bind(data)
    encoded = family.encode(data)
    w = np.full(40, 1 / 40)
    options = Options(math.inf, 0, method=method, order=1)
    influence = evaluate(family, encoded, w, options).raw.influence
    assert abs(w @ influence) < 1e-9
    step = 2e-5
    for i in range(0, 40, 7):
        ends = []
        for e in (-step, step):
            moved = (1 - e) * w
            moved[i] += e
            ends.append(evaluate(family, encoded, moved, options).terms[0])
        numeric = (ends[1] - ends[0]) / (2 * step)
        assert influence[i] == pytest.approx(numeric, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("ddof", [0, 1])
def test_standard_error_formula(ddof: int) -> None:
    z = (X - X.mean()) / X.std()
    m3, m4 = (z**3).mean(), (z**4).mean()
    IF = (z**4 - 4 * m3 * z - 2 * m4 * z**2 + m4) / 2
    f = 400 / (400 - ddof)
    expected = f * math.sqrt(np.sum(IF**2)) / 400
    assert risk_terms(X, "normal", ddof=ddof).T0_se == pytest.approx(expected, rel=1e-12)


def test_standard_error_of_the_multivariate_normal() -> None:
    x = skewed_rows(2, 120, 3)
    _, _, y = MultivariateNormal(n_vars=3).standardise(x, np.full(120, 1 / 120))
    r2 = (y**2).sum(axis=1)
    k, q, Q = (r2**2).mean(), (r2[:, None] * y).mean(axis=0), np.einsum("a,ai,aj->ij", r2, y, y) / 120
    IF = (r2**2 + k - 4 * y @ q - 2 * np.einsum("ai,ij,aj->a", y, Q, y)) / 2
    expected = math.sqrt(np.sum(IF**2)) / 120
    assert risk_terms(x, "mvn", ddof=0).T0_se == pytest.approx(expected, rel=1e-10)


def test_saturated_models_have_no_error_in_T0() -> None:
    """T0 of a saturated model is p n/(n-1) in every sample; rounding must not pass for an error."""
    for data, name, p in ((np.arange(37) % 2, "bernoulli", 1), (np.arange(37) % 5, "categorical", 4)):
        found = risk_terms(data, name)
        assert pytest.approx(p * 37 / 36, rel=1e-12) == found.T0
        assert found.T0_se == 0.0


# ------------------------------------------------------------------------------------- flags
def _collect(call: Any) -> tuple[PNCriterion, set[type]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = call()
    own = [w for w in caught if issubclass(w.category, InfostatWarning)]
    assert len(own) == len(caught)
    assert all(w.filename == __file__ for w in own), "warnings must point at the caller's line"
    return found, {w.category for w in own}


def test_no_flags_without_reason() -> None:
    found, raised = _collect(lambda: pn_criterion(X, "normal", bootstrap=99, rng=2))
    assert (found.flags, raised) == ((), set())


def test_heavy_tail_on_abalone() -> None:
    """Two heights of abalone are far off; one of them carries most of T1."""
    columns = load("abalone").drop(columns=["sex", "rings"])
    found, raised = _collect(lambda: pn_criterion(columns, "mvn", order=1))
    assert "heavy_tail" in found.flags
    assert HeavyTailWarning in raised
    assert int(columns["height"].idxmax()) in found.heavy_rows
    assert len(found.heavy_rows) <= 2
    assert any("carry a large share" in note for note in found.summary().notes)
    without = columns.drop(index=columns["height"].nlargest(2).index)
    assert pn_criterion_quietly(without, "mvn").terms.T0 < 0.8 * found.terms.T0


def pn_criterion_quietly(*args: Any, **kwargs: Any) -> PNCriterion:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        return pn_criterion(*args, **kwargs)


def test_heavy_rows_are_those_above_the_documented_shares() -> None:
    x = np.append(X[:100], [9.0])
    found = pn_criterion_quietly(x, "normal")
    z = (x - x.mean()) / x.std()
    share0 = (z**4 + 1) / np.sum(z**4 + 1)
    share1 = np.abs(z**6 - 1) / np.sum(np.abs(z**6 - 1))
    expected = set(np.flatnonzero((share0 > 0.2) | (share1 > 0.5)).tolist())
    assert set(found.heavy_rows) == expected == {100}


def _raw(t0: list[float], t1: list[float] | None = None, influence: Any = None) -> RawTerms:
    rows = np.asarray(t0, float)
    t1_rows = None if t1 is None else np.asarray(t1, float)
    return RawTerms(np.zeros(4), rows, t1_rows, rows if influence is None else np.asarray(influence, float), 2)


def test_shares_at_which_a_row_is_heavy() -> None:
    """More than 20 % of T0 or more than 50 % of the absolute contributions to T1."""
    w = np.full(10, 0.1)
    for share, heavy in ((0.199, ()), (0.201, (3,))):
        t0 = np.full(10, (1 - share) / 9)
        t0[3] = share
        assert heavy_rows(_raw(t0.tolist()), w, 10.0) == heavy
    for share, heavy in ((0.499, ()), (0.501, (7,))):
        t1 = np.full(10, (1 - share) / 9) * (-1.0) ** np.arange(10)
        t1[7] = -share
        assert heavy_rows(_raw([1.0] * 10, t1.tolist()), w, 10.0) == heavy
    # the largest share of T0 comes first
    assert heavy_rows(_raw([3.0, 1.0, 4.0, 0.1, 0.1]), np.full(5, 0.2), 5.0) == (2, 0)


@pytest.mark.parametrize(
    ("ratio", "skewness", "n", "expected"),
    [
        (1.11, 0.0, 1000, True),
        (1.09, 0.0, 1000, False),
        (1.09, 0.0, 199, True),
        (1.09, 0.0, 200, False),
        (0.99, 0.0, 50, False),
        (0.9, 10.0, 1000, True),  # acceleration 10 / (6 sqrt(1000)) = 0.0527
        (0.9, 9.0, 1000, False),  # 0.0474
    ],
)
def test_when_an_interval_is_called_optimistic(ratio: float, skewness: float, n: int, expected: bool) -> None:
    """A two-point influence function with mean 0, variance 1 and the wanted skewness."""
    q = 0.5 * (1 - skewness / math.sqrt(skewness**2 + 4))
    influence = np.array([math.sqrt((1 - q) / q), -math.sqrt(q / (1 - q))])
    sample = Evaluation(np.zeros(2), np.array([2 * ratio, 0, 0, 0]), 2, 0.1, _raw([1.0, 1.0], None, influence))
    assert interval_is_optimistic(sample, np.array([q, 1 - q]), float(n)) == expected


def test_expansion_flags_on_tiny_samples() -> None:
    doubtful, raised = _collect(lambda: pn_criterion(X[:9], "normal"))
    assert 0.5 < doubtful.validity_ratio <= 1
    assert "expansion_doubtful" in doubtful.flags
    assert ExpansionWarning in raised
    assert doubtful.verdict != "unreliable"
    unreliable, raised = _collect(lambda: pn_criterion(X[:5], "normal"))
    assert unreliable.validity_ratio > 1
    assert "expansion_unreliable" in unreliable.flags
    assert "expansion_doubtful" not in unreliable.flags
    assert ExpansionWarning in raised
    assert unreliable.verdict == "unreliable"
    assert "second-order expansion cannot be used" in unreliable.interpretation
    assert f"about {unreliable.n_required_order1} rows" in unreliable.interpretation
    assert unreliable.risk2 == pytest.approx(unreliable.risk1 + unreliable.terms.a2 / 25, rel=1e-13)


@pytest.mark.parametrize("n", [3, 4, 5, 7, 10])
@pytest.mark.parametrize("bootstrap", [0, 40])
def test_order_one_is_never_unreliable(n: int, bootstrap: int) -> None:
    found = pn_criterion_quietly(X[:n], "normal", order=1, bootstrap=bootstrap, rng=0)
    assert "expansion_unreliable" in found.flags or n >= 7
    assert found.verdict in ("sufficient", "insufficient", "borderline")


def test_n_at_most_p() -> None:
    found, raised = _collect(lambda: pn_criterion(skewed_rows(1, 9, 3), "mvn", order=1))
    assert found.n == found.p == 9
    assert "n_at_most_p" in found.flags
    assert SampleSizeWarning in raised


def test_interval_optimistic_for_laplace_data() -> None:
    found, raised = _collect(lambda: pn_criterion(_laplace(400), "normal", bootstrap=60, rng=1))
    assert "interval_optimistic" in found.flags
    assert IntervalWarning in raised
    text = str(found.summary())
    assert "80 %" in text.replace("\n", " ")
    assert "interval_optimistic" not in pn_criterion_quietly(_laplace(400), "normal").flags


@pytest.mark.parametrize("family", ["bernoulli", "categorical"])
def test_interval_of_a_saturated_model_is_not_called_optimistic(family: str) -> None:
    """With ddof=1 T0/p is n/(n-1) > 1 although T0 has no error at all."""
    found = pn_criterion_quietly(np.arange(100) % 2, family, bootstrap=60, rng=1)
    assert "interval_optimistic" not in found.flags


def test_few_resamples() -> None:
    found, raised = _collect(lambda: pn_criterion(X, "normal", bootstrap=20, rng=1))
    assert "few_resamples" in found.flags
    assert IntervalWarning in raised
    assert "few_resamples" not in pn_criterion(X, "normal", bootstrap=20, rng=1, confidence_level=0.8).flags


def test_near_collinear() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 2))
    x[:, 1] = x[:, 0] + 1e-4 * x[:, 1]
    found, raised = _collect(lambda: pn_criterion(x, "mvn"))
    assert "near_collinear" in found.flags
    assert raised == {CollinearityWarning}
    with pytest.warns(CollinearityWarning, match="condition number"):
        near = risk_terms(x, "mvn")
    # digits survive: rows whitened twice keep the condition number, not its square, times rounding
    straight = risk_terms(np.column_stack([x[:, 0], (x[:, 1] - x[:, 0]) * 1e4]), "mvn")
    np.testing.assert_allclose(terms_of(near), terms_of(straight), rtol=1e-8)


def test_second_order_unusable() -> None:
    """Small spread and strong skewness make a2 negative: no root, the first-order value is repeated."""
    x = np.r_[np.ones(95), np.full(5, 1.5)]
    found = pn_criterion_quietly(x, "exponential", alpha=0.4)
    assert found.terms.a2 < 0
    assert found.terms.a1**2 + 4 * found.terms.a2 * found.threshold < 0
    assert "second_order_unusable" in found.flags
    assert found.n_required_order2 == found.n_required_order1


@pytest.mark.parametrize("name", FLAGS)
def test_every_flag_has_a_sentence(name: str) -> None:
    text = FLAGS[name].text(pn_criterion(X, "normal"))
    assert text.endswith(".")
    assert len(text) > 30
    category = FLAGS[name].warning
    assert category is None or issubclass(category, InfostatWarning)


# ---------------------------------------------------------------------- information criteria
@pytest.mark.parametrize("name", ["normal", "gamma", "exponential", "poisson"])
def test_information_criteria(name: str) -> None:
    x = np.random.default_rng(4).poisson(4.0, 80) + (name == "gamma")
    family = get_family(name)
    theta = family.project(family.statistic(x).mean(axis=0))
    loglik = family.logpdf(x, theta).sum()
    terms = risk_terms(x, name)
    found = information_criteria(x, name)
    assert found.loglik == pytest.approx(loglik, rel=1e-11)
    assert found.aic == pytest.approx(-2 * loglik + 2 * terms.p, rel=1e-11)
    assert found.tic == pytest.approx(-2 * loglik + 2 * terms.T0, rel=1e-11)
    assert found.tic2 == pytest.approx(-2 * loglik + 2 * (terms.T0 + terms.opt2 / 80), rel=1e-11)


def test_tic2_expands_the_corrected_aic_when_the_model_is_right() -> None:
    n, d = 60, 3
    x = skewed_rows(5, n, d)
    found = information_criteria(x, "mvn", moments="model")
    p = d * (d + 3) / 2
    assert found.tic2 - found.tic == pytest.approx(2 * (d * (d + 2) * (d + 3) / 2) / n, rel=1e-10)
    exact = 2 * n * d * (d + 3) / (2 * (n - d - 2))
    # exact penalty 2p n/(n-d-2) = 2p (1 + (d+2)/n + (d+2)^2/n^2 + ...)
    assert found.tic2 - found.aic == pytest.approx(exact - 2 * p, abs=2.2 * p * (d + 2) ** 2 / n**2)


@quiet
def test_criteria_of_labelled_columns() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"side": rng.choice(["l", "r"], 50), "size": rng.gamma(2.0, size=50)})
    family = ProductFamily(["categorical", "gamma"])
    found = pn_criterion(frame, family)
    assert found.columns == ("side", "size")
    assert found.p == 3
    parts = pn_criterion(frame["side"], "categorical"), pn_criterion(frame["size"], "gamma")
    assert found.risk2 == pytest.approx(sum(part.risk2 for part in parts), rel=1e-12)
