"""Closed forms of normal laws against worked numbers, 50-digit arithmetic, POT and limits."""

from __future__ import annotations

import math
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences.gaussian import (
    cauchy_schwarz_gaussian,
    hellinger_gaussian,
    kl_gaussian,
    mmd_gaussian,
    renyi_gaussian,
    sinkhorn_gaussian,
    sliced_w2_gaussian,
    w2_gaussian,
)

LINE = (0.0, 1.0, 1.0, 2.25)
PLANE = ([1.0, 2.0], [[2.0, 0.5], [0.5, 1.0]], [0.0, 0.0], [[1.0, -0.3], [-0.3, 2.0]])
Array = NDArray[np.float64]


def _oracle(m1: Array, S1: Array, m2: Array, S2: Array, order: float) -> float:
    """Kullback-Leibler (order 1) or Rényi divergence in 50 digits, with inverses and determinants."""
    with mpmath.workdps(50):
        D = mpmath.matrix([[float(v)] for v in np.atleast_1d(m1 - m2)])
        A, B = (mpmath.matrix(np.atleast_2d(S).tolist()) for S in (S1, S2))
        a = mpmath.mpf(order)
        if a == 1:
            product = B**-1 * A
            trace = sum(product[i, i] for i in range(product.rows))
            mahalanobis = (D.T * B**-1 * D)[0]
            value = (trace + mahalanobis - A.rows + mpmath.log(mpmath.det(B) / mpmath.det(A))) / 2
        else:
            S = a * B + (1 - a) * A
            logs = mpmath.log(mpmath.det(S)) - (1 - a) * mpmath.log(mpmath.det(A)) - a * mpmath.log(mpmath.det(B))
            value = a / 2 * (D.T * S**-1 * D)[0] - logs / (2 * (a - 1))
        return float(value)


def _covariance(seed: int, d: int) -> Array:
    root = np.random.default_rng(seed).standard_normal((d, d))
    return np.asarray(root @ root.T + 0.3 * np.eye(d))


# ------------------------------------------------------------ worked numbers
def test_worked_numbers_on_the_line() -> None:
    assert kl_gaussian(*LINE) == pytest.approx(0.349909552553, abs=1e-12)
    assert kl_gaussian(1, 2.25, 0, 1) == pytest.approx(0.719534891892, abs=1e-12)
    assert renyi_gaussian(*LINE, 0.5) == pytest.approx(0.23388886152, abs=1e-11)
    assert renyi_gaussian(*LINE, 1.5) == pytest.approx(0.421212215293, abs=1e-12)
    assert hellinger_gaussian(*LINE) == pytest.approx(0.11036537189, abs=1e-11)
    assert cauchy_schwarz_gaussian(*LINE) == pytest.approx(0.387735015366, abs=1e-12)
    assert w2_gaussian(*LINE) ** 2 == pytest.approx(1.25, rel=1e-14)
    assert mmd_gaussian(*LINE, bandwidth=1.0) == pytest.approx(0.141285545439, abs=1e-12)


def test_worked_numbers_in_the_plane() -> None:
    assert kl_gaussian(*PLANE) == pytest.approx(2.31599503596, abs=1e-11)
    assert cauchy_schwarz_gaussian(*PLANE) == pytest.approx(1.78793777944, abs=1e-11)
    assert w2_gaussian(*PLANE) ** 2 == pytest.approx(5.57542589331, abs=1e-11)
    bures = w2_gaussian([0, 0], PLANE[1], [0, 0], PLANE[3]) ** 2
    assert bures == pytest.approx(0.575425893305, abs=1e-12)
    assert sliced_w2_gaussian(*PLANE) ** 2 == pytest.approx(2.64206766156, abs=1e-11)


def test_worked_numbers_of_entropic_transport() -> None:
    plan = sinkhorn_gaussian(*LINE, 1.0)
    assert plan.transport_cost == pytest.approx(1.70861873, abs=1e-8)
    assert plan.value == pytest.approx(2.34087715, abs=1e-8)
    assert plan.divergence == pytest.approx(1.24660615, abs=1e-8)
    assert float(plan) == plan.value
    assert plan.nature == "exact"


# -------------------------------------------------------------------- oracles
@pytest.mark.parametrize("closeness", [1.0, 1e-3, 1e-7])
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("order", [0.1, 0.5, 0.9, 1.0 - 1e-9, 1.0, 1.0 + 1e-9, 1.2])
def test_full_relative_accuracy_for_near_and_far_laws(closeness: float, d: int, order: float) -> None:
    S2 = _covariance(1, d)
    # The first covariance is S2 plus a part smaller than it, so that every mixture stays positive.
    S1 = S2 + closeness * _covariance(2, d) if closeness < 1.0 else S2 * 1.5 + 0.1 * np.eye(d)
    m1, m2 = closeness * np.arange(1.0, d + 1), np.zeros(d)
    expected = _oracle(m1, S1, m2, S2, order)
    assert renyi_gaussian(m1, S1, m2, S2, order) == pytest.approx(expected, rel=2e-13)
    if order == 1.0:
        assert kl_gaussian(m1, S1, m2, S2) == pytest.approx(expected, rel=2e-13)


def test_close_laws_keep_the_digits_of_w2_and_mmd() -> None:
    # sqrt(1 + h) - 1 with h = 2^-40, exact to the last digit.
    h = 2.0**-40
    exact = h / (1.0 + math.sqrt(1.0 + h))
    assert w2_gaussian(0, 1 + h, 0, 1) == pytest.approx(exact, rel=1e-12)
    # MMD^2 of N(0,1), N(m,1), s = 1: 2/sqrt(3) (1 - exp(-m^2/6)).
    m = 1e-6
    assert mmd_gaussian(0, 1, m, 1) == pytest.approx(-2 / math.sqrt(3) * math.expm1(-m * m / 6), rel=1e-12)


def test_mmd_against_the_expected_kernels() -> None:
    m1, S1, m2, S2 = (np.asarray(v) for v in PLANE)
    s = 0.8

    def kernel_mean(D: Array, S: Array) -> float:
        inner = np.eye(2) + S / s**2
        return float(np.exp(-0.5 * D @ np.linalg.solve(s**2 * np.eye(2) + S, D)) / math.sqrt(np.linalg.det(inner)))

    zero = np.zeros(2)
    expected = kernel_mean(zero, 2 * S1) + kernel_mean(zero, 2 * S2) - 2 * kernel_mean(m1 - m2, S1 + S2)
    assert mmd_gaussian(*PLANE, bandwidth=s) == pytest.approx(expected, rel=1e-13)


def test_sliced_distance_by_given_and_random_directions() -> None:
    m1, S1, m2, S2 = (np.asarray(v) for v in PLANE)
    u = np.array([[3.0, 4.0]]) / 5.0
    one = float((u @ (m1 - m2))[0] ** 2 + (math.sqrt((u @ S1 @ u.T)[0, 0]) - math.sqrt((u @ S2 @ u.T)[0, 0])) ** 2)
    assert sliced_w2_gaussian(*PLANE, directions=[[6.0, 8.0]]) ** 2 == pytest.approx(one, rel=1e-14)
    # Round laws in three dimensions: the mean over directions is known.
    round_laws = ([1.0, 2.0, 2.0], np.eye(3), np.zeros(3), 4.0 * np.eye(3))
    assert sliced_w2_gaussian(*round_laws, rng=0) ** 2 == pytest.approx(9 / 3 + 1, rel=1e-12)
    assert sliced_w2_gaussian(*LINE) == pytest.approx(w2_gaussian(*LINE), rel=1e-15)
    S = _covariance(3, 3)
    draws = np.random.default_rng(0).standard_normal((4096, 3))
    direct = sliced_w2_gaussian([0, 0, 0], S, [0, 0, 0], np.eye(3), directions=draws)
    assert sliced_w2_gaussian([0, 0, 0], S, [0, 0, 0], np.eye(3), rng=0) == pytest.approx(direct, rel=1e-12)


def test_entropic_transport_against_pot_on_a_grid() -> None:
    ot = pytest.importorskip("ot")
    x = np.linspace(-7.0, 9.0, 321)
    a, b = (np.exp(-0.5 * (x - m) ** 2 / v) for m, v in ((0.0, 1.0), (1.0, 2.25)))
    a, b = a / a.sum(), b / b.sum()
    C = (x[:, None] - x) ** 2
    found = ot.solve(C, a, b, reg=1.0, reg_type="KL", tol=1e-10, max_iter=5000)
    plan = sinkhorn_gaussian(*LINE, 1.0)
    # The grid cuts the second law 5.3 standard deviations out: the second moment loses 3e-6.
    assert plan.value == pytest.approx(float(found.value), abs=2e-5)
    assert plan.transport_cost == pytest.approx(float(found.value_linear), abs=2e-5)


def test_entropic_transport_in_the_plane_is_the_best_cross_covariance() -> None:
    from scipy.optimize import minimize

    m1, A, m2, B = (np.asarray(v) for v in PLANE)
    eps = 0.7

    def objective(flat: Array) -> float:
        K = flat.reshape(2, 2)
        joint = np.block([[A, K], [K.T, B]])
        sign, log_det = np.linalg.slogdet(joint)
        if sign <= 0 or np.linalg.eigvalsh(joint)[0] <= 0:
            return 1e6
        cost = np.sum((m1 - m2) ** 2) + np.trace(A + B - K - K.T)
        information = 0.5 * (np.linalg.slogdet(A)[1] + np.linalg.slogdet(B)[1] - log_det)
        return float(cost + eps * information)

    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000, "maxfev": 4000}
    best = minimize(objective, 0.1 * np.eye(2).ravel(), method="Nelder-Mead", options=options)
    assert sinkhorn_gaussian(*PLANE, eps).value == pytest.approx(best.fun, abs=1e-9)


# --------------------------------------------------------------------- limits
def test_orders_of_the_renyi_divergence() -> None:
    assert renyi_gaussian(*LINE, 0) == 0.0
    assert renyi_gaussian(*LINE, 1) == kl_gaussian(*LINE)
    # sup of log p/q of N(0,1), N(1,2.25): at x = -0.8, log 1.5 + 1/(2 * 1.25).
    assert renyi_gaussian(*LINE, math.inf) == pytest.approx(math.log(1.5) + 0.4, rel=1e-14)
    assert renyi_gaussian(*LINE, 1e9) == pytest.approx(math.log(1.5) + 0.4, rel=1e-7)
    # The mixed variance a + (1 - a) 3 is zero at a = 3/2.
    assert renyi_gaussian(0, 3, 0, 1, 1.5) == math.inf
    assert math.isfinite(renyi_gaussian(0, 3, 0, 1, 1.5 - 1e-9))
    assert renyi_gaussian(1, 1, 0, 1, math.inf) == math.inf
    assert renyi_gaussian(1, 1, 1, 1, math.inf) == 0.0


def test_both_limits_of_the_entropic_term() -> None:
    for law in (LINE, PLANE):
        m1, S1, m2, S2 = (np.atleast_1d(v) for v in law)
        distance = w2_gaussian(*law) ** 2
        for eps in (1e-12, 1e-300):
            plan = sinkhorn_gaussian(*law, eps)
            for value in (plan.value, plan.transport_cost, plan.divergence):
                assert value == pytest.approx(distance, rel=1e-9)
        shift = float(np.sum((m1 - m2) ** 2))
        spread = float(np.trace(np.atleast_2d(S1)) + np.trace(np.atleast_2d(S2)))
        for eps in (1e9, 1e300):
            plan = sinkhorn_gaussian(*law, eps)
            assert plan.divergence == pytest.approx(shift, rel=1e-7)
            assert plan.value == pytest.approx(shift + spread, rel=1e-7)
        assert sinkhorn_gaussian(m1, S1, m1, S1, 0.5).divergence == 0.0


def test_far_laws_do_not_overflow() -> None:
    assert hellinger_gaussian(0, 1, 1e3, 1) == 1.0
    assert mmd_gaussian(0, 1, 1e3, 1) == pytest.approx(2 / math.sqrt(3), rel=1e-14)
    assert kl_gaussian(0, 1e-200, 0, 1) == pytest.approx(0.5 * (200 * math.log(10) - 1), rel=1e-13)


# ----------------------------------------------------------------- properties
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), d=st.integers(1, 4))
def test_identities_and_inequalities(seed: int, d: int) -> None:
    generator = np.random.default_rng(seed)
    S1, S2 = _covariance(seed, d), _covariance(seed + 1, d)
    m1, m2 = generator.standard_normal(d), generator.standard_normal(d)
    law = (m1, S1, m2, S2)
    back = (m2, S2, m1, S1)
    orders = [renyi_gaussian(*law, a) for a in (0.2, 0.5, 0.8, 1.0, 1.1)]
    assert all(x <= y * (1 + 1e-12) for x, y in pairwise(orders))
    assert 0.8 * orders[0] == pytest.approx(0.2 * renyi_gaussian(*back, 0.8), rel=1e-9)
    assert 2 * hellinger_gaussian(*law) <= orders[1] * (1 + 1e-12)
    assert cauchy_schwarz_gaussian(*law) == pytest.approx(cauchy_schwarz_gaussian(*back), rel=1e-9)
    assert cauchy_schwarz_gaussian(m1, S1, m2, S1) == pytest.approx(kl_gaussian(m1, S1, m2, S1), rel=1e-9)
    assert w2_gaussian(*law) == pytest.approx(w2_gaussian(*back), rel=1e-9)
    assert sliced_w2_gaussian(*law, rng=0) <= w2_gaussian(*law) * (1 + 1e-12)
    assert 0.0 <= mmd_gaussian(*law) == pytest.approx(mmd_gaussian(*back), rel=1e-9)
    # Invariance of the f-divergences under affine maps.
    T = generator.standard_normal((d, d)) + 3 * np.eye(d)
    moved = (T @ m1, T @ S1 @ T.T, T @ m2, T @ S2 @ T.T)
    assert kl_gaussian(*moved) == pytest.approx(kl_gaussian(*law), rel=1e-6)
    plan = sinkhorn_gaussian(*law, 0.5)
    assert w2_gaussian(*law) ** 2 * (1 - 1e-12) <= plan.transport_cost <= plan.value
    assert plan.divergence >= -1e-12


def test_inputs_are_left_alone() -> None:
    S = np.array([[2.0, 0.5], [0.5, 1.0]])
    S.setflags(write=False)
    assert kl_gaussian([0, 0], S, [0, 0], S) == 0.0


# ------------------------------------------------------------------ rejection
FORMS = [
    kl_gaussian,
    hellinger_gaussian,
    cauchy_schwarz_gaussian,
    w2_gaussian,
    mmd_gaussian,
    sliced_w2_gaussian,
    lambda *law: renyi_gaussian(*law, 0.5),
    lambda *law: sinkhorn_gaussian(*law, 1.0),
]


@pytest.mark.parametrize("form", FORMS)
def test_bad_laws_are_named(form) -> None:
    good = ([0.0, 0.0], np.eye(2))
    with pytest.raises(InputError, match=r"S1 must be positive definite.*singular"):
        form([0, 0], [[1, 1], [1, 1]], *good)
    with pytest.raises(InputError, match=r"S2 must be positive definite"):
        form(*good, [0, 0], [[1, 2], [2, 1]])
    with pytest.raises(InputError, match=r"S2 must be positive definite, got the variances"):
        form(0, 1, 0, 0)
    with pytest.raises(InputError, match=r"S1 must be symmetric"):
        form([0, 0], [[1, 0.5], [0.1, 1]], *good)
    with pytest.raises(InputError, match=r"S1 must be a covariance matrix of shape \(2, 2\).*a variance"):
        form([0, 0], 1.0, *good)
    with pytest.raises(InputError, match=r"m1 and m2 must have the same length, got 1 and 2"):
        form(0, 1, *good)
    with pytest.raises(InputError, match=r"m2 must be finite, got 1 NaN"):
        form(*good, [0, math.nan], np.eye(2))


def test_bad_options() -> None:
    with pytest.raises(InputError, match=r"order must be a number >= 0, got -1"):
        renyi_gaussian(*LINE, -1)
    with pytest.raises(InputError, match=r"eps must be a number in"):
        sinkhorn_gaussian(*LINE, 0.0)
    with pytest.raises(InputTypeError, match=r"bandwidth must be"):
        mmd_gaussian(*LINE, bandwidth="wide")
    with pytest.raises(InputError, match=r"directions must be non-zero rows of length 2"):
        sliced_w2_gaussian(*PLANE, directions=[[0.0, 0.0]])
