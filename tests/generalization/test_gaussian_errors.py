"""Exact errors of the mean classifier: worked numbers, independent quadratures, extremes."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from infostat.core.errors import InputError
from infostat.generalization.gaussian_errors import expected_losses, margin_loss, normal_margin_loss
from infostat.generalization.gaussian_task import BinaryGaussianTask

WORKED = [
    ((1.0, 1.0, 5, 10), (0.285759656014, 0.039378448871, 0.246381207143)),
    ((1.0, 1.0, 10, 2), (0.173375873055, 0.145810886318, 0.027564986737)),
    ((2.0, 1.0, 20, 50), (0.058803331256, 0.005322927245, 0.053480404012)),
]


@pytest.mark.parametrize(("case", "wanted"), WORKED)
def test_worked_errors(case: tuple[float, float, int, int], wanted: tuple[float, float, float]) -> None:
    norm, sigma0, n, d = case
    found = BinaryGaussianTask(norm, sigma0, d).exact_errors(n)
    # The printed numbers have twelve decimals.
    assert (found.test, found.train, found.gap) == pytest.approx(wanted, rel=0, abs=6e-13)
    assert found.nature == "exact" and found.sense == "expectation" and found.vacuous is False


# ------------------------------------------------------------------------------------------ oracles
def train_oracle(norm: float, sigma0: float, n: int, d: int, loss: str) -> float:
    """One-dimensional integral over the length of m, whose square is noncentral chi-square, by mpmath."""
    with mp.workdps(25):
        s, q = sigma0 / mp.sqrt(n), sigma0 * mp.sqrt(1 - mp.mpf(1) / n)
        lam = norm / s

        def density(r: mp.mpf) -> mp.mpf:
            z = r / s
            return lam * (z / lam) ** (mp.mpf(d) / 2) * mp.exp(-(z - lam) ** 2 / 2 - lam * z) * (
                mp.besseli(mp.mpf(d) / 2 - 1, lam * z) / s
            )

        def inner(r: mp.mpf) -> mp.mpf:
            a, b = r * r, q * r
            if loss == "zero_one":
                return mp.ncdf(-a / b)
            return (1 - a) * mp.ncdf((1 - a) / b) + b * mp.npdf((1 - a) / b)

        centre = mp.sqrt(norm**2 + s * s * d)
        low, high = max(centre - 10 * s, 0), centre + 10 * s
        grid = [low + (high - low) * k / 6 for k in range(7)]
        return float(mp.quad(lambda r: density(r) * inner(r), grid))


@pytest.mark.parametrize("case", [(1.0, 1.0, 5, 1), (1.0, 1.0, 2, 2), (0.7, 0.3, 10, 7)])
@pytest.mark.parametrize("loss", ["zero_one", "hinge"])
def test_training_loss_against_mpmath(case: tuple[float, float, int, int], loss: str) -> None:
    norm, sigma0, n, d = case
    found = expected_losses(norm, sigma0, d, n, loss)[1]
    assert found == pytest.approx(train_oracle(norm, sigma0, n, d, loss), rel=1e-13)


@pytest.mark.parametrize("case", [(1.0, 1.0, 5, 10), (1.0, 1.0, 3, 2), (0.4, 1.0, 7, 3)])
def test_test_error_is_an_order_of_noncentral_chi_squares(case: tuple[float, float, int, int]) -> None:
    # m.v < 0 compares two independent noncentral chi-square variables (spec 3.1).
    norm, sigma0, n, d = case
    s = sigma0 / math.sqrt(n)
    l1, l2 = norm**2 * (1 / s + 1 / sigma0) ** 2 / 2, norm**2 * (1 / s - 1 / sigma0) ** 2 / 2
    value, error = integrate.quad(
        lambda x: stats.ncx2.cdf(x, d, l1) * stats.ncx2.pdf(x, d, l2), 0, l2 + d + 60, limit=400, epsabs=1e-13
    )
    assert error < 1e-8
    assert expected_losses(norm, sigma0, d, n, "zero_one")[0] == pytest.approx(value, abs=2e-8)


@pytest.mark.parametrize("loss", ["zero_one", "hinge", "logistic"])
@pytest.mark.parametrize("case", [(1.5, 1.0, 15, 20), (1.0, 1.0, 10, 6), (1e-3, 1e-3, 5, 8)])
def test_against_two_dimensional_quadrature(case: tuple[float, float, int, int], loss: str) -> None:
    norm, sigma0, n, d = case
    s = sigma0 / math.sqrt(n)
    x, w = np.polynomial.legendre.leggauss(80)
    g, wg = 9.0 * x, 9.0 * w * stats.norm.pdf(9.0 * x)
    centre = math.sqrt(d - 1)
    low, high = max(0.0, centre - 9.0), centre + 9.0
    r = low + (high - low) * (1 + x) / 2
    wr = (high - low) / 2 * w * stats.chi.pdf(r, d - 1)
    first, second = np.meshgrid(norm + s * g, s * r)
    length, weight = np.hypot(first, second), np.outer(wr, wg)
    test = float((weight * normal_margin_loss(norm * first, sigma0 * length, loss)).sum())
    train = float((weight * normal_margin_loss(length**2, sigma0 * math.sqrt(1 - 1 / n) * length, loss)).sum())
    # The direction of m is singular at m = 0, which costs the product rule some digits for the 0-1 loss.
    tolerance = 1e-8 if loss == "zero_one" else 1e-10
    assert expected_losses(norm, sigma0, d, n, loss) == pytest.approx((test, train), rel=tolerance)


def test_simulated_samples_agree() -> None:
    task, n, count = BinaryGaussianTask([0.8, -0.6], 1.2), 4, 40_000
    generator = np.random.default_rng(5)
    points = task.mu + task.sigma0 * generator.standard_normal((count, n, 2))
    m = points.mean(axis=1)
    fresh = task.mu + task.sigma0 * generator.standard_normal((count, 2))
    for loss in ("zero_one", "hinge", "logistic", "linear"):
        exact = task.exact_errors(n, loss)
        test = margin_loss((fresh * m).sum(axis=1), loss)
        train = margin_loss((points * m[:, None, :]).sum(axis=2), loss).mean(axis=1)
        for values, wanted in ((test, exact.test), (train, exact.train)):
            assert abs(values.mean() - wanted) < 5 * values.std() / math.sqrt(count)


# --------------------------------------------------------------------------------- closed forms, limits
def test_one_dimension_is_closed_form() -> None:
    # sign(m x): right with probability Phi(|mu|/sigma0) or its complement, depending on the sign of m.
    norm, sigma0, n = 0.9, 1.3, 6
    right = special.ndtr(norm * math.sqrt(n) / sigma0)
    error = special.ndtr(-norm / sigma0)
    wanted = right * error + (1 - right) * (1 - error)
    assert expected_losses(norm, sigma0, 1, n, "zero_one")[0] == pytest.approx(wanted, rel=1e-13)


def test_one_training_point_is_always_right() -> None:
    found = BinaryGaussianTask(1.0, 1.0, 5).exact_errors(1)
    assert found.train == 0.0 and found.gap == found.test
    # v.v' of two independent points: half the difference of two noncentral chi-squares, l2 = 0.
    value, _ = integrate.quad(lambda x: stats.ncx2.cdf(x, 5, 2.0) * stats.chi2.pdf(x, 5), 0, 80, epsabs=1e-13)
    assert found.test == pytest.approx(value, rel=1e-9)


def test_hinge_loss_of_one_training_point() -> None:
    # Given one point, m = v and the margin is |v|^2.
    value, _ = integrate.quad(lambda x: (1 - x) * stats.ncx2.pdf(x, 5, 1.0), 0, 1, epsabs=1e-14)
    assert expected_losses(1.0, 1.0, 5, 1, "hinge")[1] == pytest.approx(value, rel=1e-9)


def test_no_signal_is_a_coin() -> None:
    found = BinaryGaussianTask(0.0, 2.0, 3).exact_errors([2, 10])
    np.testing.assert_allclose(found.test, 0.5, rtol=1e-14)
    # mu = 0 and n = 2: m and the residual have the same law, |m|/sigma0 against a normal of spread sqrt(1/2).
    ratio = integrate.quad(lambda r: special.ndtr(-r) * stats.chi.pdf(r, 3), 0, 40, epsabs=1e-14)[0]
    assert found.train[0] == pytest.approx(ratio, rel=1e-10)


def test_many_points_reach_the_bayes_error() -> None:
    found = BinaryGaussianTask(1.0, 1.0, 3).exact_errors(10**9)
    assert found.test == pytest.approx(special.ndtr(-1.0), abs=1e-8)
    assert 0.0 < found.gap < 1e-8


def test_errors_far_below_the_rounding_unit_keep_their_digits() -> None:
    # d = 1: the closed form above, in the log domain.
    found = expected_losses(30.0, 1.0, 1, 4, "zero_one")[0]
    assert found == pytest.approx(float(special.ndtr(-30.0)), rel=1e-12)
    assert expected_losses(1.0, 1e-3, 4, 4, "zero_one") == (0.0, 0.0)


@pytest.mark.parametrize(("loss", "factor"), [("linear", 1.0), ("quadratic", 2.0)])
def test_polynomial_losses(loss: str, factor: float) -> None:
    found = BinaryGaussianTask(1.0, 2.0, 3).exact_errors([1, 4, 8], loss)
    np.testing.assert_allclose(found.gap, factor * 4.0 * 3 / np.array([1, 4, 8]), rtol=1e-15)
    np.testing.assert_allclose(found.test - found.train, found.gap, rtol=1e-14)


@given(
    norm=st.floats(0.0, 5.0),
    log_sigma=st.floats(-3.0, 3.0),
    n=st.integers(1, 10**6),
    d=st.integers(1, 2000),
    loss=st.sampled_from(["zero_one", "hinge", "logistic"]),
)
@settings(max_examples=60, deadline=None)
def test_losses_are_finite_and_ordered(norm: float, log_sigma: float, n: int, d: int, loss: str) -> None:
    sigma0 = 10.0**log_sigma
    test, train = expected_losses(norm * sigma0, sigma0, d, n, loss)
    assert math.isfinite(test) and math.isfinite(train) and test >= 0.0 and train >= 0.0
    if loss == "zero_one":
        # The mean of the training points is closer to them than to fresh ones.
        assert test <= 0.5 * (1 + 1e-12) and train <= test * (1 + 1e-12)


@given(norm=st.floats(0.1, 3.0), n=st.integers(2, 50), d=st.integers(1, 30), scale=st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_error_rates_do_not_depend_on_the_unit(norm: float, n: int, d: int, scale: float) -> None:
    here, there = (expected_losses(norm * c, c, d, n, "zero_one") for c in (1.0, scale))
    assert here == pytest.approx(there, rel=1e-11)


@given(norm=st.floats(0.2, 3.0), d=st.integers(1, 40), n=st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_more_data_never_hurt_on_average(norm: float, d: int, n: int) -> None:
    found = BinaryGaussianTask(norm, 1.0, d).exact_errors([n, n + 1])
    assert found.test[1] <= found.test[0] * (1 + 1e-12)
    assert found.train[1] >= found.train[0] * (1 - 1e-12)


# --------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize("n", [0, -3, 2.5, math.nan, math.inf, []])
def test_bad_sizes(n: object) -> None:
    with pytest.raises(InputError, match="n must be a whole number (>= 1|from 1 to)"):
        BinaryGaussianTask(1.0, 1.0, 2).exact_errors(n)  # type: ignore[arg-type]


def test_unknown_loss_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="loss must be one of 'zero_one', 'hinge', 'logistic'"):
        BinaryGaussianTask(1.0, 1.0, 2).exact_errors(5, "squared")


def test_margin_losses_at_the_edge() -> None:
    margins = np.array([-1.0, 0.0, 0.5, 2.0])
    assert margin_loss(margins, "zero_one").tolist() == [1.0, 0.5, 0.0, 0.0]
    assert margin_loss(margins, "hinge").tolist() == [2.0, 1.0, 0.5, 0.0]
    for loss in ("zero_one", "hinge", "logistic", "linear"):
        np.testing.assert_allclose(normal_margin_loss(margins, 0.0, loss), margin_loss(margins, loss), rtol=1e-15)
