"""Thresholds, required sample sizes and the verdict: plain logic, tested as properties."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError
from infostat.families.gamma import Gamma
from infostat.projection import (
    BootstrapResult,
    RiskTerms,
    bayes_error_floor,
    bayes_error_threshold,
    estimation_risk,
    plan_sample_size,
    pn_criterion,
    risk_terms,
)
from infostat.projection.criterion import _verdict
from infostat.projection.planning import TIE, required_n

alphas = st.floats(1e-12, 0.4999)
quick = settings(max_examples=60, deadline=None)


# ------------------------------------------------------------------------------ thresholds
@quick
@given(alpha=alphas, factor=st.floats(1.0001, 1e6))
def test_thresholds_grow_with_alpha(alpha: float, factor: float) -> None:
    larger = min(alpha * factor, 0.49995)
    assume(larger > alpha * 1.00005)
    for kind in ("pinsker", "sharp"):
        assert bayes_error_threshold(larger, kind) > bayes_error_threshold(alpha, kind)


@quick
@given(alpha=alphas)
def test_sharp_threshold_is_at_least_pinsker(alpha: float) -> None:
    pinsker, sharp = bayes_error_threshold(alpha), bayes_error_threshold(alpha, "sharp")
    assert pinsker == 8 * alpha**2
    # The bounded minimiser is accurate to 1e-12 relative, and the two agree to that at small alpha.
    assert sharp >= pinsker * (1 - 1e-11)
    v = 2 * alpha
    assert sharp >= 2 * v**2 + 4 * v**4 / 9 + 32 * v**6 / 135 - 1e-11 * sharp


@pytest.mark.parametrize("alpha", [1e-60, 1e-9, 4.9e-4, 5.1e-4, 1e-3, 0.01])
def test_sharp_threshold_keeps_its_digits(alpha: float) -> None:
    v = 2 * alpha
    series = 2 * v**2 + 4 * v**4 / 9 + 32 * v**6 / 135
    # first omitted term: 7072 v^8 / 42525
    assert bayes_error_threshold(alpha, "sharp") == pytest.approx(series + 7072 * v**8 / 42525, rel=1e-11)


@quick
@given(alpha=st.floats(1e-6, 0.3))
def test_floor_undoes_the_threshold(alpha: float) -> None:
    floor = bayes_error_floor(bayes_error_threshold(alpha))
    assert floor >= 0.5 - alpha - 1e-15
    assert floor == pytest.approx(0.5 - alpha, abs=1e-12) or floor > 0.5 - alpha


@quick
@given(kl=st.floats(0.0, 600.0))
def test_floor_is_the_larger_of_two_bounds(kl: float) -> None:
    floor = bayes_error_floor(kl)
    assert 0.0 <= floor <= 0.5
    second = (1 - math.sqrt(-math.expm1(-kl))) / 2
    assert floor == pytest.approx(max(0.5 - math.sqrt(kl / 8), second), abs=1e-15)
    assert bayes_error_floor(kl + 0.1) < floor


def test_floor_bounds_the_error_of_actual_laws() -> None:
    """Random pairs of pmfs: (1 - TV)/2 is never below the floor at their KL divergence."""
    rng = np.random.default_rng(0)
    P, Q = rng.dirichlet(np.full(4, 0.5), 500), rng.dirichlet(np.full(4, 0.5), 500)
    kl = np.sum(P * np.log(P / Q), axis=1)
    error = 0.5 * (1 - 0.5 * np.abs(P - Q).sum(axis=1))
    assert (error >= bayes_error_floor(kl) - 1e-15).all()


def test_limits_and_shapes() -> None:
    assert bayes_error_floor(0.0) == 0.5
    assert bayes_error_floor(math.inf) == 0.0
    assert bayes_error_floor(700.0) == pytest.approx(math.exp(-700.0) / 4, rel=1e-12)
    table = bayes_error_threshold([[0.1, 0.2]], "sharp")
    assert table.shape == (1, 2)
    assert table[0, 1] == bayes_error_threshold(0.2, "sharp")
    assert isinstance(bayes_error_threshold(0.1), float)


# ------------------------------------------------------------------------ required sample size
coefficients = {"a1": st.floats(0.05, 1e4), "a2": st.floats(-1e4, 1e6), "threshold": st.floats(1e-6, 2.0)}


def _risk(a1: float, a2: float, n: float) -> float:
    return a1 / n + a2 / n**2


@quick
@given(**coefficients)
def test_required_n_meets_the_threshold_and_one_less_does_not(a1: float, a2: float, threshold: float) -> None:
    need = required_n(a1, a2, threshold)
    delta = threshold * TIE
    n1 = need.ceil1
    assert a1 / n1 <= delta * (1 + 1e-12)
    assert n1 == 1 or a1 / (n1 - 1) > delta * (1 - 1e-12)
    if need.unusable:
        assert a1 * a1 + 4 * a2 * delta < 0
        assert need.ceil2 == n1
        return
    n2 = need.ceil2
    assert _risk(a1, a2, n2) <= delta * (1 + 1e-9)
    # every larger sample passes as well: this is the larger root
    for more in (n2 + 1, 2 * n2, 10 * n2):
        assert _risk(a1, a2, more) <= delta * (1 + 1e-9)
    smaller_root = (a1 - math.sqrt(a1 * a1 + 4 * a2 * delta)) / (2 * delta)
    if n2 > 1 and n2 - 1 > smaller_root:
        assert _risk(a1, a2, n2 - 1) > delta * (1 - 1e-9)


@quick
@given(**coefficients)
def test_sign_of_the_correction(a1: float, a2: float, threshold: float) -> None:
    need = required_n(a1, a2, threshold)
    if a2 >= 0:
        assert need.order2 >= need.order1 * (1 - 1e-12)
    else:
        assert need.order2 <= need.order1


@quick
@given(p=st.integers(1, 2000), alpha=st.floats(0.001, 0.45))
def test_plan_from_p_alone(p: int, alpha: float) -> None:
    plan = plan_sample_size(p=p, alpha=alpha)
    exact = p / (16 * alpha**2)
    assert exact * (1 - 2e-9) <= plan.n_required_order1 <= exact + 1
    assert (plan.n_required_order2, plan.flags) == (None, ())


def test_twenty_five_rows_per_parameter() -> None:
    assert [plan_sample_size(p=p).n_required_order1 for p in (1, 2, 77, 1325)] == [25, 50, 1925, 33125]


def test_plan_from_a_model_equals_plan_from_its_terms() -> None:
    theta = Gamma().natural(shape=2.0, rate=1.0)
    by_model = plan_sample_size(family="gamma", theta=theta)
    by_terms = plan_sample_size(terms=risk_terms(None, "gamma", theta=theta))
    assert by_model == by_terms
    assert by_model.p == 2
    assert (by_model.n_required_order1, by_model.n_required_order2) == (50, 55)


def test_plan_flags() -> None:
    unusable = plan_sample_size(terms=RiskTerms(2, 1000, 0, 0, 2))
    assert unusable.flags == ("second_order_unusable",)
    assert unusable.n_required_order2 == unusable.n_required_order1 == 50
    doubtful = plan_sample_size(terms=RiskTerms(2, 0, 400_000, 0, 2))
    assert doubtful.flags == ("n_required_order2_unreliable",)
    assert doubtful.n_required_order2 > 2000


@pytest.mark.parametrize(
    "arguments",
    [{}, {"p": 2, "terms": RiskTerms(1, 1, 1, 1, 1)}, {"family": "gamma"}, {"theta": [1.0]}, {"p": 1, "theta": [1.0]}],
)
def test_plan_needs_exactly_one_source(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="exactly one of p="):
        plan_sample_size(**arguments)


@pytest.mark.parametrize("p", [0, -3])
def test_plan_refuses_impossible_p(p: int) -> None:
    with pytest.raises(InputError, match="p must be an integer from 1 to"):
        plan_sample_size(p=p)


@pytest.mark.parametrize("p", [2.5, True, "2", math.nan])
def test_plan_refuses_other_types(p: Any) -> None:
    with pytest.raises(InputTypeError, match="p must be an integer"):
        plan_sample_size(p=p)


def test_estimation_risk_refusals() -> None:
    terms = RiskTerms(2, 14, 46, 60, 2)
    with pytest.raises(InputError, match="n must be positive"):
        estimation_risk(terms, [10, 0])
    with pytest.raises(InputError, match="n must be positive"):
        estimation_risk(terms, math.nan)
    with pytest.raises(InputTypeError, match="terms must be a RiskTerms"):
        estimation_risk((2, 14, 46, 60), 10)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="order must be one of 1, 2"):
        estimation_risk(terms, 10, order=3)
    assert estimation_risk(terms, math.inf) == 0.0


# ---------------------------------------------------------------------------------- verdict
def _interval(low: float, high: float) -> BootstrapResult:
    ends = {"risk1": (low, high), "risk2": (low, high)}
    return BootstrapResult(ends, "bootstrap-t", 0.95, 99, 0, 0.5, np.zeros((1, 4)), np.zeros(1), 1)


@quick
@given(
    risk=st.floats(-0.1, 1.0),
    ends=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    order=st.sampled_from([1, 2]),
    flags=st.sets(st.sampled_from(["expansion_unreliable", "expansion_doubtful", "heavy_tail"])),
    with_interval=st.booleans(),
    threshold=st.floats(1e-4, 0.9),
)
def test_precedence_of_verdicts(
    risk: float,
    ends: tuple[float, float],
    order: int,
    flags: set[str],
    with_interval: bool,
    threshold: float,
) -> None:
    low, high = sorted(ends)
    found = _verdict(risk, threshold, order, tuple(flags), _interval(low, high) if with_interval else None)
    limit = threshold * TIE
    if order == 2 and "expansion_unreliable" in flags:
        expected = "unreliable"
    elif with_interval:
        expected = "sufficient" if high <= limit else "insufficient" if low > limit else "borderline"
    else:
        expected = "sufficient" if risk <= limit else "insufficient"
    assert found == expected


def test_a_risk_equal_to_the_threshold_passes() -> None:
    """n = 50, p = 2: a1/n = 0.02 = 8 * 0.05^2, which differ in floating point."""
    x = np.random.default_rng(0).normal(size=50)
    found = pn_criterion(x, "normal", moments="model", order=1)
    assert found.risk1 == 0.02
    assert found.verdict == found.verdict_order1 == "sufficient"
    assert found.n_required_order1 == 50
    assert pn_criterion(x[:49], "normal", moments="model", order=1).verdict == "insufficient"


@pytest.mark.parametrize("percent", range(1, 50))
def test_the_tie_rule_holds_for_every_alpha(percent: int) -> None:
    """Wherever p/(16 alpha^2) is whole in exact arithmetic, that n passes; floats alone would miss some."""
    exact = Fraction(percent, 100) ** 2 * 16
    for multiple in (1, 3, 7):
        plan = plan_sample_size(p=exact.numerator * multiple, alpha=percent / 100)
        assert plan.n_required_order1 == exact.denominator * multiple


def test_some_ties_need_the_rule() -> None:
    """Without slack floats ask for one row more; this fails if the cases above were all easy."""
    cases = [(percent / 100, Fraction(percent, 100) ** 2 * 16, m) for percent in range(1, 50) for m in (1, 3, 7)]
    assert any(math.ceil(0.5 * e.numerator * m / (8 * a**2)) != e.denominator * m for a, e, m in cases)
