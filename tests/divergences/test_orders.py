"""Rényi, Tsallis, cross entropies, Cauchy-Schwarz and Bregman divergences."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences import table_divergences as td
from infostat.divergences.bregman_potentials import bregman
from infostat.divergences.information import entropy
from infostat.divergences.table_orders import cauchy_schwarz, renyi, renyi_cross_entropy, tsallis
from infostat.families import get_family

from .pmfs import pmf_pairs

P, Q = (0.5, 0.3, 0.2), (0.2, 0.5, 0.3)
ORDERS = [
    0.0,
    1e-12,
    1e-6,
    0.05,
    0.3,
    0.5,
    0.95,
    1 - 1e-9,
    1.0,
    1 + 1e-12,
    1 + 1e-5,
    1.5,
    2.0,
    7.0,
    300.0,
    math.inf,
]


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (renyi(P, Q, 0.5), ".10579953675"),
        (renyi(P, Q, 2), ".44682029379"),
        (renyi(P, Q, 3), ".600266781789"),
        (renyi(P, Q, math.inf), ".916290731874"),
        (cauchy_schwarz(P, Q), ".407197910482"),
        (renyi_cross_entropy(P, Q, 0.5), "1.2915307989"),
        (renyi_cross_entropy(P, Q, 2), "1.1711829815"),
        (renyi_cross_entropy(P, Q, 1), "1.25345767125"),
        (cauchy_schwarz((0, 0, 1), (0.4, 0.5, 0.1)), "3.737670"),
        (cauchy_schwarz((0, 1), (0.9, 0.1)), "4.406719"),
    ],
)
def test_worked_numbers(value: float, printed: str) -> None:
    assert type(value) is float
    assert abs(value - float(printed)) <= 0.5 * 10.0 ** -len(printed.split(".")[1]) + 1e-15


def exact_renyi(p, q, order: float) -> float:
    x, y = [mp.mpf(v) for v in p], [mp.mpf(v) for v in q]
    if order == math.inf:
        return float(max(mp.log(a / b) for a, b in zip(x, y, strict=True)))
    if order == 0.0:
        return float(-mp.log(sum(b for a, b in zip(x, y, strict=True) if a > 0)))
    if order == 1.0:
        return float(sum(a * mp.log(a / b) for a, b in zip(x, y, strict=True)))
    a_ = mp.mpf(order)
    return float(mp.log(sum(a**a_ * b ** (1 - a_) for a, b in zip(x, y, strict=True))) / (a_ - 1))


# Masses in multiples of 1/64, so that the sums are exactly one in double precision.
EXACT = (np.array([32, 19, 13]) / 64, np.array([13, 32, 19]) / 64)


@pytest.mark.parametrize("order", ORDERS)
def test_renyi_against_50_digits(order: float) -> None:
    with mp.workdps(60):
        wanted = exact_renyi(*EXACT, order)
    assert renyi(*EXACT, order) == pytest.approx(wanted, rel=2e-14, abs=0.0)


@pytest.mark.parametrize("order", [0.01, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0, 30.0])
@pytest.mark.parametrize("step", [1e-2, 1e-5, 1e-8, 1e-12])
def test_small_renyi_and_tsallis_keep_their_digits(order: float, step: float) -> None:
    shift = round(step * 2.0**53) * 2.0**-60
    p, q = np.array([0.25 + shift, 0.5 - 3 * shift, 0.25 + 2 * shift]), np.array([0.25, 0.5, 0.25])
    with mp.workdps(80):
        wanted = exact_renyi(p, q, order)
        power = (
            float((mp.exp((mp.mpf(order) - 1) * exact_renyi_mp(p, q, order)) - 1) / (mp.mpf(order) - 1))
            if order != 1
            else wanted
        )
    assert renyi(p, q, order) == pytest.approx(wanted, rel=1e-13, abs=0.0)
    assert tsallis(p, q, order) == pytest.approx(power, rel=1e-13, abs=0.0)


def exact_renyi_mp(p, q, order: float) -> mp.mpf:
    a = mp.mpf(order)
    return mp.log(sum(mp.mpf(x) ** a * mp.mpf(y) ** (1 - a) for x, y in zip(p, q, strict=True))) / (a - 1)


def test_limits_and_relations() -> None:
    assert renyi(P, Q, 1) == td.kl(P, Q) == tsallis(P, Q, 1)
    assert renyi(P, Q, 0.5) == pytest.approx(-2 * math.log(1 - td.hellinger(P, Q)), rel=1e-14)
    assert renyi(P, Q, 2) == pytest.approx(math.log1p(td.pearson(P, Q)), rel=1e-14)
    assert tsallis(P, Q, 2) == pytest.approx(td.pearson(P, Q), rel=1e-14)
    assert renyi(P, Q, 0) == 0.0 == tsallis(P, Q, 0)
    # P misses a tenth of Q.
    assert renyi([0.5, 0.5, 0], [0.2, 0.7, 0.1], 0) == pytest.approx(-math.log(0.9), rel=1e-15)
    assert tsallis([0.5, 0.5, 0], [0.2, 0.7, 0.1], 0) == pytest.approx(0.1, rel=1e-15)
    assert tsallis(P, Q, math.inf) == math.inf and tsallis(P, P, math.inf) == 0.0


@pytest.mark.parametrize("order", ORDERS)
def test_boundaries_of_every_order(order: float) -> None:
    with np.errstate(all="raise"):
        assert renyi([1.0, 0.0], [0.0, 1.0], order) == math.inf
        assert renyi([0.5, 0.5, 0.0], [0.5, 0.5, 0.0], order) == 0.0
        one_sided = renyi([0.5, 0.5], [1.0, 0.0], order)
    if order >= 1.0:
        assert one_sided == math.inf
    else:
        # I_a = 0.5^a
        assert one_sided == pytest.approx(order * math.log(2) / (1 - order), rel=1e-14)


@pytest.mark.parametrize("order", [0.0, 0.3, 1.0, 2.0, math.inf])
def test_renyi_of_measures_follows_renyi(order: float) -> None:
    p, q = np.array([1.5, 0.9, 0.6]), np.array([0.4, 1.0, 0.6])
    # log(sum p^a q^(1-a) / sum p)/(a-1) for c P and c' Q
    assert renyi(p, q, order, normalize="no") == pytest.approx(
        renyi(P, Q, order) + math.log(3 / 2), rel=1e-13
    )


def test_large_orders_do_not_overflow() -> None:
    p, q = [1e-200, 1 - 1e-200], [1e-300, 1.0]
    # I_a is dominated by p^a q^(1-a) = 1e(100 a - 300)
    assert renyi(p, q, 50.0) == pytest.approx((100 * 50 - 300) * math.log(10) / 49, rel=1e-12)
    assert td.alpha([1e-200, 1.0], [1e-210, 1.0], 40.0) == pytest.approx(1e190 / (40 * 39), rel=1e-11)


def test_orders_batch_logits_base_axis() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(5), (4, 3)), rng.dirichlet(np.ones(5), 3)
    for function in (renyi, tsallis, renyi_cross_entropy):
        values = function(p, q, 1.7)
        assert values.shape == (4, 3) and values[2, 1] == pytest.approx(
            function(p[2, 1], q[1], 1.7), rel=1e-14
        )
        assert np.allclose(function(np.log(p) + 7, np.log(q), 1.7, logits=True), values, rtol=1e-12)
        assert np.allclose(function(p, q, 1.7, base=2), values / math.log(2))
        assert np.allclose(
            function(np.moveaxis(p, -1, 0), np.moveaxis(q, -1, 0), 1.7, axis=0), values, rtol=1e-14
        )
        with pytest.raises(InputError, match="order must be a number >= 0"):
            function(p, q, -1)
    values = cauchy_schwarz(p, q)
    assert values.shape == (4, 3) and np.allclose(
        cauchy_schwarz(np.log(p), np.log(q), logits=True), values, rtol=1e-12
    )


# --- cross entropies -----------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_cross_entropy_with_itself_is_the_entropy(order: float) -> None:
    p = np.array([0.5, 0.25, 0.125, 0.125, 0.0])
    value = renyi_cross_entropy(p, p, order)
    assert value == entropy(p, order=order)
    with mp.workdps(50):
        x = [mp.mpf(v) for v in p if v > 0]
        if order == 1.0:
            wanted = -sum(v * mp.log(v) for v in x)
        elif order == math.inf:
            wanted = -mp.log(max(x))
        else:
            wanted = mp.log(sum(v ** mp.mpf(order) for v in x)) / (1 - mp.mpf(order))
    assert value == pytest.approx(float(wanted), rel=1e-14)


def test_cross_entropy_at_zeros() -> None:
    p, q = [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]
    assert renyi_cross_entropy(p, q, 1) == math.inf and renyi_cross_entropy(p, q, 0.5) == math.inf
    # order 2: -log sum p q = log 2
    assert renyi_cross_entropy(p, q, 2) == pytest.approx(math.log(2), rel=1e-15)
    assert renyi_cross_entropy([0, 0.0, 1.0], q, 2) == math.inf
    assert renyi_cross_entropy(p, q, math.inf) == 0.0
    # P, Q of order 0: log sum p/q
    assert renyi_cross_entropy(P, Q, 0) == pytest.approx(
        math.log(0.5 / 0.2 + 0.3 / 0.5 + 0.2 / 0.3), rel=1e-14
    )


def test_cross_entropy_of_logits_that_underflow() -> None:
    assert renyi_cross_entropy([0.0, 0.0], [0.0, -5000.0], 1, logits=True) == pytest.approx(2500.0, rel=1e-14)
    assert renyi_cross_entropy([0.0, 0.0], [0.0, -5000.0], 0.5, logits=True) == pytest.approx(
        5000 - 2 * math.log(2), rel=1e-14
    )


# --- Cauchy-Schwarz ------------------------------------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(pair=pmf_pairs(), scale=st.floats(1e-3, 1e3))
def test_cauchy_schwarz_properties(pair: tuple[np.ndarray, np.ndarray], scale: float) -> None:
    p, q = pair
    value = cauchy_schwarz(p, q)
    assert value >= 0.0 and cauchy_schwarz(q, p) == pytest.approx(value, rel=1e-9, abs=1e-15)
    assert cauchy_schwarz(scale * p, q, normalize="no") == pytest.approx(value, rel=1e-6, abs=1e-15)
    with mp.workdps(60):
        x, y = [mp.mpf(v) for v in p], [mp.mpf(v) for v in q]
        cross = sum(a * b for a, b in zip(x, y, strict=True)) ** 2
        if cross == 0:
            wanted = math.inf
        else:
            wanted = float(-mp.log(cross / (sum(a * a for a in x) * sum(b * b for b in y))))
    # A sine of delta is formed from components with an error of eps: 2 eps/delta, delta^2 = value.
    assert value == pytest.approx(wanted, rel=1e-13 + 1e-15 / math.sqrt(max(wanted, 1e-32)), abs=1e-31)


def test_cauchy_schwarz_with_products_that_underflow() -> None:
    x = [0.0, -900.0]
    # cross 2 e^-900, squares 1 + e^-1800
    assert cauchy_schwarz(x, x[::-1], logits=True) == pytest.approx(2 * (900 - math.log(2)), rel=1e-14)
    assert cauchy_schwarz([1, 0], [0, 1]) == math.inf


# --- Bregman -------------------------------------------------------------------------------------


NAMED = {
    "squared_norm": (lambda v: float(v @ v), lambda v: 2 * v),
    "negative_entropy": (lambda v: float((v * np.log(v)).sum()), lambda v: np.log(v) + 1),
    "itakura_saito": (lambda v: -float(np.log(v).sum()), lambda v: -1 / v),
    "log_sum_exp": (lambda v: float(scipy.special.logsumexp(v)), scipy.special.softmax),
    "exp": (lambda v: float(np.exp(v).sum()), np.exp),
}


@pytest.mark.parametrize("phi", NAMED)
def test_named_potentials_equal_the_definition(phi: str) -> None:
    rng = np.random.default_rng(7)
    x, y = rng.uniform(0.1, 2.0, (5, 4)), rng.uniform(0.1, 2.0, 4)
    values = bregman(x, y, phi)
    assert values.shape == (5,) and np.all(values > 0)
    # The definition loses digits to cancellation: eps times the potentials, about 10.
    assert np.allclose(values, bregman(x, y, NAMED[phi]), rtol=0, atol=1e-14)
    assert bregman(y, y, phi) == 0.0
    assert np.allclose(
        bregman(x.T, np.tile(y[:, None], 5), phi, axis=0, base=10), values / math.log(10), rtol=1e-13
    )


@pytest.mark.parametrize("phi", ["negative_entropy", "itakura_saito", "log_sum_exp", "exp"])
def test_small_bregman_keep_their_digits(phi: str) -> None:
    y = np.array([0.5, 1.0, 2.0])
    step = np.array([2.0, -1.0, 3.0]) * 2.0**-34
    hessian = {
        "negative_entropy": np.diag(1 / y),
        "itakura_saito": np.diag(1 / y**2),
        "log_sum_exp": np.diag(s := scipy.special.softmax(y)) - np.outer(s, s),
        "exp": np.diag(np.exp(y)),
    }[phi]
    # Second order is exact up to a relative |step| = 2e-10; log_sum_exp forms logits first.
    wanted = 0.5 * step @ hessian @ step
    assert bregman(y + step, y, phi) == pytest.approx(wanted, rel=2e-9 if phi != "log_sum_exp" else 1e-5)


def test_log_normaliser_of_a_family_gives_its_kl() -> None:
    family = get_family("gamma")
    theta1, theta2 = family.natural(shape=3.0, rate=2.0), family.natural(shape=2.0, rate=1.0)
    value = bregman(theta2, theta1, (family.log_partition, family.mean))
    assert value == pytest.approx(0.115931515658, abs=5e-13)


def test_bregman_of_tables_is_kl() -> None:
    assert bregman(P, Q, "negative_entropy", normalize="check") == td.kl(P, Q)
    assert bregman([3.0, 0.0], [1.0, 2.0], "negative_entropy") == pytest.approx(
        3 * math.log(3) - 2 + 2, rel=1e-15
    )


def test_bad_bregman_arguments() -> None:
    with pytest.raises(InputError, match="phi must be one of 'squared_norm'"):
        bregman([1], [1], "euclid")
    with pytest.raises(InputTypeError, match="phi must be a pair of callables"):
        bregman([1], [1], 3)
    with pytest.raises(InputError, match="y must be positive where phi='itakura_saito', got 1 values"):
        bregman([1.0, 1.0], [0.0, 1.0], "itakura_saito")
    with pytest.raises(InputError, match="x must be non-negative where phi='negative_entropy'"):
        bregman([-1.0, 1.0], [0.0, 1.0], "negative_entropy")
    with pytest.raises(InputError, match="same length along axis -1"):
        bregman([1.0, 2.0], [1.0], "squared_norm")
    with pytest.raises(InputError, match="must broadcast apart"):
        bregman(np.ones((2, 3)), np.ones((4, 3)), "squared_norm")
    with pytest.raises(InputError, match=r"gradient of phi must have shape \(2,\)"):
        bregman([1.0, 2.0], [1.0, 2.0], (lambda v: 0.0, lambda v: v[:1]))
    with pytest.raises(InputError, match="x must be finite"):
        bregman([np.nan], [1.0], "exp")
    with pytest.raises(InputError, match="at least one axis"):
        bregman(1.0, 1.0, "exp")
