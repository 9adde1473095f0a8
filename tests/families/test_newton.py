"""Damped Newton iteration: convergence, domains, divergence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.families.newton import damped_newton

POINTS = np.random.default_rng(0).normal(size=(30, 4))


def _psi(theta: np.ndarray) -> float:
    exponent = POINTS @ theta
    top = exponent.max()
    return float(top + np.log(np.exp(exponent - top).sum()))


def _weights(theta: np.ndarray) -> np.ndarray:
    return np.exp(POINTS @ theta - _psi(theta))


def _mean(theta: np.ndarray) -> np.ndarray:
    return _weights(theta) @ POINTS


def _cov(theta: np.ndarray) -> np.ndarray:
    centred = POINTS - _mean(theta)
    return centred.T @ (centred * _weights(theta)[:, None])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 6.0))
def test_recovers_the_parameter_of_a_finite_family(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=4)
    theta *= size / np.linalg.norm(theta)
    start = 2.0 * rng.normal(size=4)
    report = damped_newton(_psi, _mean, _cov, _mean(theta), start)
    assert report.converged
    error = report.theta - theta
    # The divergence from the target is half of this square.
    assert error @ _cov(theta) @ error < 1e-22


def test_boundary_target_does_not_converge() -> None:
    vertex = POINTS[np.argmax(POINTS[:, 0])]
    report = damped_newton(_psi, _mean, _cov, vertex, np.zeros(4), max_iter=50)
    outside = damped_newton(_psi, _mean, _cov, 2.0 * vertex, np.zeros(4), max_iter=50)
    assert not outside.converged
    assert not report.converged
    assert np.linalg.norm(report.theta) > 5.0  # on its way to infinity


@pytest.mark.parametrize("start", [1e-6, 1.0, 1e6])
def test_steps_stay_in_the_domain(start: float) -> None:
    # Exponential law in theta = rate: Psi = -log theta, only for theta > 0 (statistic -x).
    seen: list[float] = []

    def psi(theta: np.ndarray) -> float:
        seen.append(float(theta[0]))
        return -float(np.log(theta[0]))

    report = damped_newton(
        psi,
        lambda t: -1.0 / t,
        lambda t: (1.0 / t**2)[:, None],
        np.array([-0.25]),
        np.array([start]),
        in_domain=lambda t: bool(t[0] > 0),
    )
    assert report.converged
    assert report.theta[0] == pytest.approx(4.0, rel=1e-14)
    assert min(seen) > 0
    assert report.method == "newton"


def test_rounding_floor_counts_as_convergence() -> None:
    # A target of size 1e9 cannot be met closer than 1e-7, which is 1e-14 > tol in lambda^2.
    scale = 1e9
    report = damped_newton(
        lambda t: scale * float(np.cosh(t[0])),
        lambda t: scale * np.sinh(t),
        lambda t: scale * np.cosh(t)[:, None],
        np.array([scale * np.sinh(0.3)]),
        np.array([0.0]),
        tol=0.0,
    )
    assert report.converged
    assert report.theta[0] == pytest.approx(0.3, rel=1e-14)


def test_start_is_not_modified_and_iterations_are_limited() -> None:
    start = np.zeros(4)
    start.setflags(write=False)
    target = _mean(np.array([1.0, -2.0, 0.5, 0.0]))
    report = damped_newton(_psi, _mean, _cov, target, start, max_iter=1)
    assert report.n_iter == 1
    assert not report.converged


def test_singular_hessian_is_reported_as_failure() -> None:
    report = damped_newton(
        lambda t: 0.0, lambda t: np.zeros(2), lambda t: np.zeros((2, 2)), np.ones(2), np.zeros(2)
    )
    assert not report.converged
    np.testing.assert_array_equal(report.theta, np.zeros(2))
