"""The risk of general models: worked numbers, exact enumeration, functional derivatives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from infostat.projection.sandwich import sandwich_risk
from infostat.projection.sandwich_result import SandwichRisk
from tests.projection.curved import Curved, functional_coefficients, random_curved

NAMES = ("a1", "a2", "a2_skew", "tic_trace", "excess2", "rev2", "opt2")
# Differences of the log density with steps h and 2h, extrapolated: rounding is 1e-7 of the terms that cancel.
DIFFERENCES = 3e-6


def _location_scale(law: Any) -> Callable[[Any, Any], Any]:
    return lambda x, t: law.logpdf((x - t[0]) * np.exp(-t[1])) - t[1]


def _linkage(x: Any, t: Any) -> Any:
    return np.log(np.array([2.0 + t[0], 1.0 - t[0], 1.0 - t[0], t[0]]) / 4.0)[np.asarray(x, dtype=int)]


def _t5(x: Any, t: Any) -> Any:
    return stats.t.logpdf(x - t, 5)


def _cubic(x: Any, t: Any) -> Any:
    return stats.norm.logpdf(x, t, np.abs(t))


def _logistic(d: Any, t: Any) -> Any:
    u = t[0] * d[:, 1]
    return d[:, 0] * u - np.logaddexp(0.0, u)


def _probit(d: Any, t: Any) -> Any:
    return stats.norm.logcdf((2.0 * d[:, 0] - 1.0) * (t[0] + t[1] * d[:, 1]))


_CELLS = np.arange(4)
_THETA = np.array([2.6, 0.4, 0.4, 0.6]) / 4.0
_BITS1 = np.array([[y, x] for x in (1.0, 2.0) for y in (0.0, 1.0)])
_P1 = np.array([0.4 * 0.3, 0.4 * 0.7, 0.6 * 0.45, 0.6 * 0.55])
_BITS2 = np.array([[y, x] for x in (0.0, 1.0, 2.0) for y in (0.0, 1.0)])
_P2 = np.array([0.3 * 0.7, 0.3 * 0.3, 0.4 * 0.3, 0.4 * 0.7, 0.3 * 0.55, 0.3 * 0.45])

# name: log density, truth, start, theta*, (a1, a2, a2_skew, trace, excess2, rev2, opt2), bias
WORKED: dict[str, tuple[Any, Any, Any, Any, tuple[float, ...], Any]] = {
    "exponential, rate": (
        lambda x, t: np.log(t) - t * x, stats.expon(), 1.2, 1,
        (1 / 2, 11 / 12, -4 / 3, 1, 11 / 12, 1 / 12, 1), 1,
    ),
    "exponential, mean": (
        lambda x, t: -np.log(t) - x / t, stats.expon(), 1.2, 1,
        (1 / 2, 11 / 12, -4 / 3, 1, 11 / 12, 1 / 12, 1), 0,
    ),
    "exponential, log rate": (
        lambda x, t: t - np.exp(t) * x, stats.expon(), 0.2, 0,
        (1 / 2, 11 / 12, -4 / 3, 1, 11 / 12, 1 / 12, 1), 1 / 2,
    ),
    "normal": (
        _location_scale(stats.norm), stats.norm(), [0.2, 0.1], (0, 0),
        (1, 61 / 12, -14 / 3, 2, 61 / 12, 11 / 12, 6), (0, -1),
    ),
    "normal on Laplace": (
        _location_scale(stats.norm), stats.laplace(), [0.2, 0.1], (0, np.log(2) / 2),
        (7 / 4, 8.2083333333, -29.6666666667, 7 / 2, 8.2083333333, -2.2083333333, 6), (0, -1.75),
    ),
    "t5 location": (_t5, stats.t(5), 0.1, 0, (1 / 2, 0.06, 0.44, 1, 0.06, 0.06, 0.1533333333), 0),
    "t5 location on normal": (
        _t5, stats.norm(), 0.1, 0,
        (0.3981053013, -0.0773531356, 0.3022269613, 0.8574067985, -0.0845487283, -0.0773531356, -0.0584889850), 0,
    ),
    "t5 location and scale": (
        _location_scale(stats.t(5)), stats.t(5), [0.1, 0.1], (0, 0),
        (1, 2.2373333333, 0.0373333333, 2, 2.2373333333, 0.8826666667, 2.9893333333), (0, -0.88),
    ),
    "Cauchy": (
        _location_scale(stats.cauchy), stats.cauchy(), [0.1, 0.1], (0, 0),
        (1, 2, 2, 2, 2, 2, 3), (0, -1),
    ),
    "N(theta, theta^2)": (
        _cubic, stats.norm(2, 2), 1.8, 2,
        (1 / 2, 545 / 324, -2.3456790123, 1, 1.6820987654, 0.1697530864, 1.8518518519), -4 / 9,
    ),
    "linkage": (
        _linkage, (_CELLS, _THETA), 0.4, 0.6,
        (1 / 2, 2.2423070502, -1.1938456401, 1, 2.2423070502, 0.9710759855, 2.7907684602), 0,
    ),
    "linkage, misspecified": (
        _linkage, (_CELLS, [0.5, 0.2, 0.1, 0.2]), 0.4, 0.5,
        (0.3846153846, 1.3180998564, -0.6323308007, 1, 1.7604688211, 0.6364885683, 2.2125625853), 0,
    ),
    "logistic": (
        _logistic, (_BITS1, _P1), 0, 0.2024301865,
        (0.5132292846, 1.2899448712, -0.3639682906, 1.0264585692, 1.2899448712, 0.5145713524, 1.6592651132),
        0.3639502378,
    ),
    "probit": (
        _probit, (_BITS2, _P2), [0, 0], (-0.1772251629, 0.1889325159),
        (1.0003671918, 5.0776710877, -2.7318192, 2.0027223701, 5.1607942528, 2.6180834147, 6.4223322466),
        (-0.0970323852, 0.3794435355),
    ),
}  # fmt: skip


def _check(result: SandwichRisk, wanted: tuple[float, ...], rel: float) -> None:
    size = max(abs(w) for w in wanted)
    for name, value in zip(NAMES, wanted, strict=True):
        assert getattr(result, name) == pytest.approx(value, abs=rel * max(size, 1.0)), name


@pytest.mark.parametrize("name", WORKED)
def test_worked_numbers_from_the_log_density_alone(name: str) -> None:
    logpdf, truth, start, theta, wanted, bias = WORKED[name]
    result = sandwich_risk(None, logpdf, truth=truth, theta=start, order=2)
    assert result.derivatives == "differences of the log density"
    np.testing.assert_allclose(result.theta, np.atleast_1d(theta), rtol=0, atol=1e-8)
    _check(result, wanted, DIFFERENCES)
    np.testing.assert_allclose(result.mle_bias, np.atleast_1d(bias), rtol=0, atol=1e-6)
    assert pytest.approx(2.0 * wanted[0], abs=1e-8) == result.T0
    # The reported error is an upper bound of the true one: the value is extrapolated from two steps.
    assert abs(result.a2 - wanted[1]) <= max(result.numerical_error, 2e-7)
    assert result.flags == ()
    assert (result.n, result.verdict, result.risk2) == (None, None, None)


def _p3() -> tuple[Curved, np.ndarray]:
    C = np.array(
        [[0.034, 1.36, 1.225], [-0.51, -0.298, -0.527], [0.57, -0.056, 0.747],
         [-1.847, 1.567, -0.096], [0.68, -0.137, -0.379], [0.463, 0.825, -0.203]]
    )  # fmt: skip
    upper = np.array(
        [[-0.046, -0.124, -0.418, 0.118, -0.222, -0.14], [-0.358, -0.09, 0.063, -0.07, -0.004, -0.09],
         [0.163, 0.034, 0.134, 0.104, -0.156, -0.198], [-0.251, -0.181, 0.142, -0.222, 0.302, 0.121],
         [0.287, -0.11, 0.054, -0.53, 0.169, -0.132], [-0.005, 0.142, -0.21, -0.031, 0.237, 0.182]]
    )  # fmt: skip
    Q = np.zeros((6, 3, 3))
    for k, (i, j) in enumerate([(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]):
        Q[:, i, j] = Q[:, j, i] = upper[:, k]
    return Curved(C, Q), np.array([0.165, 0.367, 0.058, 0.242, 0.093, 0.075])


ROUTES = {
    "analytic": (("score", "hessian", "third", "fourth"), 1e-9),
    "differences of the Hessian": (("score", "hessian"), 1e-7),
    "differences of the log density": ((), 2e-6),
}


@pytest.mark.parametrize("route", ROUTES)
def test_three_parameters_by_every_route(route: str) -> None:
    model, g = _p3()
    names, rel = ROUTES[route]
    given = {name: f for name, f in model.callables().items() if name in names}
    result = sandwich_risk(None, model.logpdf, truth=(np.arange(6), g), theta=np.zeros(3), order=2, **given)
    assert result.derivatives == route
    assert result.model_nodes == "finite support"
    np.testing.assert_allclose(result.theta, [-0.7085952910, -0.4369683919, 0.0562792200], atol=2e-9, rtol=0)
    wanted = {"a1": 1.2140581237, "a2": 6.5323695260, "a2_skew": -0.9050888777}
    for name, value in wanted.items():
        assert getattr(result, name) == pytest.approx(value, rel=rel), name


def test_score_alone_is_differentiated_too() -> None:
    model, g = _p3()
    score = model.callables()["score"]
    result = sandwich_risk(None, model.logpdf, truth=(np.arange(6), g), theta=np.zeros(3), order=2, score=score)
    assert result.a2 == pytest.approx(6.5323695260, rel=1e-7)


@pytest.mark.parametrize(("p", "cells"), [(1, 3), (2, 5)])
def test_functional_derivatives_of_the_risk_agree(p: int, cells: int) -> None:
    model, g = random_curved(p + 4, p, cells)
    result = sandwich_risk(
        None, model.logpdf, truth=(np.arange(cells), g), theta=np.zeros(p), order=2, **model.callables()
    )
    wanted = functional_coefficients(model, g, np.asarray(result.theta))
    for name, value in wanted.items():
        assert getattr(result, name) == pytest.approx(value, rel=1e-9), name


def _exact_scaled_remainder(n: int, truth: np.ndarray, a1: float) -> float:
    """``n^2 (ED - a1/n)`` of the linkage model by enumeration, conditional on an interior estimate."""
    x1, x4 = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    keep = x1 + x4 <= n
    x1, x4 = x1[keep], x4[keep]
    middle = n - x1 - x4
    probs = [truth[0], truth[1] + truth[2], truth[3]]
    mass = np.exp(stats.multinomial.logpmf(np.stack([x1, middle, x4], axis=1), n, probs))
    # n t^2 - (x1 - 2 middle - x4) t - 2 x4 = 0
    b = x1 - 2.0 * middle - x4
    t = (b + np.sqrt(b * b + 8.0 * n * x4)) / (2.0 * n)
    inside = (t > 0.0) & (t < 1.0)
    at = 0.5
    cells = lambda s: np.stack([2.0 + s, 1.0 - s, 1.0 - s, s]) / 4.0  # noqa: E731
    with np.errstate(divide="ignore"):
        ratio = np.log(cells(np.float64(at)))[:, None] - np.log(cells(t))
    kl = (cells(np.float64(at))[:, None] * np.where(inside, ratio, 0.0)).sum(axis=0)
    risk = float((mass * kl)[inside].sum() / mass[inside].sum())
    return n * n * (risk - a1 / n)


def test_enumeration_of_the_linkage_model_tends_to_a2() -> None:
    truth = np.array([0.5, 0.2, 0.1, 0.2])
    result = sandwich_risk(None, _linkage, truth=(_CELLS, truth), theta=0.4, order=2)
    found = [_exact_scaled_remainder(n, truth, 5 / 13) for n in (200, 400, 800)]
    np.testing.assert_allclose(found, [1.364124, 1.340458, 1.329125], atol=2e-6, rtol=0)
    # Two Richardson steps in 1/n.
    once = [2.0 * b - a for a, b in pairwise(found)]
    assert (4.0 * once[1] - once[0]) / 3.0 == pytest.approx(result.a2, abs=1e-4)


def test_the_issue_of_j_and_i_in_the_t_model() -> None:
    result = sandwich_risk(None, _t5, truth=stats.norm(), theta=0)
    assert result.J[0, 0] == pytest.approx(0.80764, abs=1e-5)
    assert result.K[0, 0] == pytest.approx(0.69248, abs=1e-5)
    assert result.I[0, 0] == pytest.approx(0.75, abs=1e-9)
    assert pytest.approx(0.7962106026, abs=1e-9) == result.T0
    assert result.a2 is None and result.opt2 is None and result.mle_bias is None


# ---------------------------------------------------------------------- invariance
@settings(max_examples=8, deadline=None)
@given(bend=st.floats(-0.2, 0.2))
def test_other_parameters_give_the_same_risk(bend: float) -> None:
    """theta = phi + c phi^2, componentwise: everything but the bias stays."""
    model, g = random_curved(3, 2, 5, bend=0.1)
    truth, start = (np.arange(5), g), np.zeros(2)
    plain = sandwich_risk(None, model.logpdf, truth=truth, theta=start, order=2, **model.callables())
    # Kept away from the fold of the map at phi = -1/(2 c).
    c = bend / max(1.0, float(np.abs(plain.theta).max()))

    def bent(x: Any, phi: Any) -> Any:
        return model.logpdf(x, phi + c * phi**2)

    if c == 0.0:
        root = np.asarray(plain.theta)
    else:
        root = (np.sqrt(1.0 + 4.0 * c * plain.theta) - 1.0) / (2.0 * c)
    result = sandwich_risk(None, bent, truth=truth, theta=root, order=2)
    # What the differences cost is what the result says they cost.
    size = max(abs(getattr(plain, name)) for name in NAMES)
    for name in NAMES:
        assert getattr(result, name) == pytest.approx(
            getattr(plain, name), abs=1e-6 * size + result.numerical_error
        ), name


@pytest.mark.parametrize("matrix", [[[1e6, 0.0], [0.0, 1e-6]], [[2.0, 1.0], [-1.0, 3.0]]])
def test_units_of_the_parameters_do_not_matter(matrix: list[list[float]]) -> None:
    A = np.array(matrix)
    model, g = random_curved(3, 2, 5)
    truth = (np.arange(5), g)
    plain = sandwich_risk(None, model.logpdf, truth=truth, theta=np.zeros(2), order=2, **model.callables())
    for extra in ({}, _transformed(model, A)):
        result = sandwich_risk(
            None, lambda x, u: model.logpdf(x, A @ u), truth=truth, theta=np.zeros(2), order=2, **extra
        )
        for name in NAMES:
            assert getattr(result, name) == pytest.approx(getattr(plain, name), rel=2e-6), name
        np.testing.assert_allclose(A @ result.mle_bias, plain.mle_bias, rtol=1e-5)
        np.testing.assert_allclose(result.J, A.T @ plain.J @ A, rtol=1e-6, atol=1e-9 * np.abs(result.J).max())


def _transformed(model: Curved, A: np.ndarray) -> dict[str, Any]:
    given = model.callables()
    return {
        "score": lambda x, u: given["score"](x, A @ u) @ A,
        "hessian": lambda x, u: A.T @ given["hessian"](x, A @ u) @ A,
    }


# ------------------------------------------------------------------------ well specified
@pytest.mark.parametrize("seed", range(4))
def test_a_right_model_has_t0_equal_to_p_and_one_expansion(seed: int) -> None:
    model, _ = random_curved(seed, 2, 6)
    theta = np.array([0.3, -0.2])
    result = sandwich_risk(None, model.logpdf, theta=theta, order=2, nodes=np.arange(6), **model.callables())
    np.testing.assert_allclose(result.theta, theta, atol=1e-12)
    np.testing.assert_allclose(result.J, result.K, atol=1e-12)
    np.testing.assert_allclose(result.J, result.I, atol=1e-12)
    assert pytest.approx(2.0, abs=1e-12) == result.T0
    assert result.excess2 == pytest.approx(result.a2, abs=1e-11)
