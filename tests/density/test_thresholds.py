"""Thresholds of other kernels, from independent optimisations over the distance."""

from __future__ import annotations

import json
import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special

from infostat.core.errors import BandwidthWarning
from infostat.core.results import Result, to_json
from infostat.density.regimes import regime_theory
from infostat.density.spectra import isotropic, power_law, two_level
from infostat.density.thresholds import KernelThresholds, kernel_thresholds

KERNELS: list[tuple[str, dict[str, float]]] = [
    ("gaussian", {}),
    ("student", {"kappa": 0.5}),
    ("student", {"kappa": 20.0}),
    ("compact", {}),
]
SPECTRA = {"isotropic": isotropic(), "two levels": two_level(4.0, 0.25, 0.2), "power law": power_law(1.0, 60)}

kernels = pytest.mark.parametrize(("kernel", "options"), KERNELS, ids=lambda v: str(v))
spectra = pytest.mark.parametrize("name", SPECTRA)


def _entropy(delta: float) -> float:
    """Entropy of the squared distance for N(0, I) and a typical query: a Legendre transform, minimised."""

    def target(log_tau: float) -> float:
        tau = math.exp(log_tau)
        return -0.5 * (math.log1p(tau) + tau / (1.0 + tau)) + 0.5 * tau * delta

    return float(optimize.minimize_scalar(target, bounds=(-30.0, 30.0), method="bounded", options={"xatol": 1e-10}).fun)


def _student(delta: float, h: float, kappa: float) -> float:
    return -0.5 * (1.0 + kappa) * math.log1p(delta / (kappa * h * h))


# -------------------------------------------------------------------- references
def test_the_worked_student_index() -> None:
    # .699877701912536 to fifteen digits, from the formula and from numerical differentiation of the
    # maximum over delta of s(delta) - lambda g(delta) at thirty digits.
    assert kernel_thresholds(0.25, "student", kappa=0.5).mu(0.7) == pytest.approx(0.699877701912536, abs=1e-14)


def test_the_index_is_the_inverse_temperature_at_which_the_sum_freezes() -> None:
    alpha, kappa, h = 0.25, 0.5, 0.7

    def free_entropy(lam: float) -> float:
        # alpha + S at the distance that dominates the mean of the kernel to the power lambda.
        best = optimize.minimize_scalar(
            lambda delta: -_entropy(delta) - lam * _student(delta, h, kappa),
            bounds=(0.05, 2.0),
            method="bounded",
            options={"xatol": 1e-9},
        )
        return alpha + _entropy(float(best.x))

    found = optimize.brentq(free_entropy, 0.4, 1.2, xtol=1e-8)
    assert kernel_thresholds(alpha, "student", kappa=kappa).mu(h) == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.1, 2.0, 5.0])
def test_the_student_divergence_by_maximising_over_the_distance(factor: float) -> None:
    alpha, kappa = 0.3, 0.5
    found = kernel_thresholds(alpha, "student", kappa=kappa)
    h = factor * found.h_G
    # (1/d) log Z: the largest of alpha + s + log kernel over distances where points exist.
    grid = np.linspace(found.eps, 2.0, 4001)
    best = max(alpha + _entropy(float(delta)) + _student(float(delta), h, kappa) for delta in grid[::40])
    centre = optimize.minimize_scalar(
        lambda delta: -alpha - _entropy(delta) - _student(delta, h, kappa),
        bounds=(found.eps, 2.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    best = max(best, -float(centre.fun))
    # The normaliser of a Student density in d dimensions with kappa d degrees of freedom, per
    # dimension; its own limit is reached like log(d)/d, hence the large d and the formula at d^2.
    d = 1e8
    gammas = special.gammaln(0.5 * (1.0 + kappa) * d) - special.gammaln(0.5 * kappa * d)
    log_norm = gammas / d - 0.5 * math.log(kappa * d * math.pi)
    entropy = 0.5 * math.log(2.0 * math.pi * math.e)
    exact = -entropy - (best - alpha + log_norm - math.log(h))
    # gammaln(1e8) keeps sixteen digits of 2e9, hence 1e-15 of 20 per dimension, and the limit is 1e-7 off.
    assert found.kl(h) == pytest.approx(exact, abs=1e-6)


def test_the_compact_divergence_from_the_law_of_the_distance() -> None:
    alpha = 0.3
    found = kernel_thresholds(alpha, "compact")
    for h in found.h_G * np.array([1.0, 1.2, 1.7, 2.5]):
        # log of the volume of a ball of radius h sqrt(d), per dimension, is log h + log(2 pi e)/2.
        mean_log = alpha + (_entropy(h * h) if h * h < 2.0 else 0.0) - alpha - math.log(h)
        exact = -mean_log  # the entropies 0.5 log(2 pi e) of data and ball cancel
        assert found.kl(float(h)) == pytest.approx(exact, abs=1e-9)
    assert found.kl(0.999 * found.h_G) == math.inf


def test_the_entropy_of_the_distance_is_that_of_a_noncentral_chi_square() -> None:
    # The reference used above, against the cdf at d = 4000 by quadrature of the exact density.
    d, delta = 4000, 1.0
    x2 = float(d)

    def log_density(r: float) -> float:
        order = 0.5 * d - 1.0
        z = math.sqrt(x2 * r)
        # log I_order(z) to leading orders for a large order (uniform expansion).
        t = math.hypot(order, z)
        bessel = t + order * math.log(z / (order + t)) - 0.5 * math.log(2.0 * math.pi * t)
        return -0.5 * (r + x2) + 0.5 * order * math.log(r / x2) + bessel - math.log(2.0)

    top = log_density(delta * d)
    mass = integrate.quad(lambda r: math.exp(log_density(r) - top), 0.9 * d, d, epsabs=0.0, epsrel=1e-6)[0]
    assert (top + math.log(mass)) / d == pytest.approx(_entropy(delta), abs=2.0 * math.log(d) / d)


# --------------------------------------------------------------------- identities
@spectra
@pytest.mark.parametrize("alpha", [0.05, 0.3, 2.0])
def test_the_best_divergence_is_the_same_for_every_kernel(name: str, alpha: float) -> None:
    theory = regime_theory(alpha, spectrum=SPECTRA[name])
    assert theory.h_star is not None
    for kernel, options in KERNELS:
        found = kernel_thresholds(alpha, kernel, spectrum=SPECTRA[name], **options)
        assert (found.h_star, found.kl_star) == (theory.h_star, theory.kl_star)
        # Not only the field: the curve of each kernel takes that value there, and is above elsewhere.
        edge = theory.h_star if kernel != "compact" else found.h_G
        assert found.kl(edge) == pytest.approx(theory.kl_star, abs=1e-11)
        curve = found.kl(theory.h_star * np.geomspace(0.2, 20.0, 60))
        assert (curve > theory.kl_star - 1e-12).all()


@spectra
@kernels
def test_the_index_is_one_and_two_at_the_thresholds(name: str, kernel: str, options: dict[str, float]) -> None:
    found = kernel_thresholds(0.3, kernel, spectrum=SPECTRA[name], **options)
    if kernel == "compact":
        assert found.h_G == found.h_CLT == pytest.approx(math.sqrt(found.eps), rel=1e-15)
        assert found.mu([0.9 * found.h_G, found.h_G]).tolist() == [0.0, math.inf]
        assert found.regime([0.9 * found.h_G, 1.1 * found.h_G]).tolist() == ["condensed", "clt"]
        return
    assert found.mu(found.h_G) == pytest.approx(1.0, rel=1e-13)
    assert found.mu(found.h_CLT) == pytest.approx(2.0, rel=1e-13)
    middle = math.sqrt(found.h_G * found.h_CLT)
    words = found.regime([0.9 * found.h_G, middle, 1.1 * found.h_CLT]).tolist()
    assert words == ["condensed", "stable", "clt"]


@pytest.mark.parametrize("kappa", [0.05, 0.5, 20.0])
@spectra
def test_the_student_branches_meet_with_equal_slopes(name: str, kappa: float) -> None:
    found = kernel_thresholds(0.3, "student", kappa=kappa, spectrum=SPECTRA[name])
    below = math.nextafter(found.h_G, 0.0)
    assert found.kl(below) == pytest.approx(found.kl(found.h_G), abs=1e-12)
    step = 5e-3 * found.h_G
    nodes = np.arange(9)
    coefficients = np.linalg.solve(np.vander(nodes, increasing=True).T, np.eye(9)[1])
    right = coefficients @ found.kl(found.h_G + step * nodes) / step
    left = -coefficients @ found.kl(below - step * nodes) / step
    assert left * found.h_G == pytest.approx(right * found.h_G, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-3, 5.0), st.floats(1e-3, 1e3))
def test_student_thresholds_are_real_ordered_and_above_the_best(alpha: float, kappa: float) -> None:
    found = kernel_thresholds(alpha, "student", kappa=kappa, spectrum=SPECTRA["two levels"])
    assert found.h_star is not None
    assert found.h_star <= found.h_G * (1.0 + 1e-12)
    assert found.h_G < found.h_CLT
    # Heavy tails of the kernel widen the condensed regime.
    assert found.h_G >= kernel_thresholds(alpha, spectrum=SPECTRA["two levels"]).h_G * (1.0 - 1e-12)


def test_many_degrees_of_freedom_are_gaussian_and_few_are_condensed() -> None:
    plain, many = kernel_thresholds(0.3), kernel_thresholds(0.3, "student", kappa=1e7)
    assert many.h_G == pytest.approx(plain.h_G, rel=1e-6)
    assert many.h_CLT == pytest.approx(plain.h_CLT, rel=1e-6)
    h = np.geomspace(0.3, 3.0, 9)
    np.testing.assert_allclose(many.kl(h), plain.kl(h), atol=1e-6)
    few = kernel_thresholds(0.3, "student", kappa=1e-9)
    mu_star = regime_theory(0.3).mu_star
    assert few.mu(1.0) == pytest.approx(mu_star, rel=1e-8)
    assert few.h_G > 1e4


def test_the_gaussian_kernel_is_the_theory() -> None:
    theory = regime_theory(0.3, spectrum=SPECTRA["power law"])
    found = kernel_thresholds(0.3, spectrum=SPECTRA["power law"])
    assert (found.h_G, found.h_CLT, found.tau_c) == (theory.h_G, theory.h_CLT, theory.tau_c)
    h = theory.h_G * np.array([[0.3, 0.999], [1.001, 7.0]])
    np.testing.assert_allclose(found.kl(h), theory.kl(h), rtol=1e-13)
    np.testing.assert_array_equal(found.mu(h), theory.mu(h))


@kernels
def test_lengths_scale_with_the_data(kernel: str, options: dict[str, float]) -> None:
    plain = kernel_thresholds(0.3, kernel, spectrum=[1.0, 0.2], **options)
    scaled = kernel_thresholds(0.3, kernel, spectrum=[9.0, 1.8], **options)
    assert scaled.h_G == pytest.approx(3.0 * plain.h_G, rel=1e-13)
    assert scaled.h_CLT == pytest.approx(3.0 * plain.h_CLT, rel=1e-13)
    h = plain.h_G * np.array([1.0001, 1.5, 3.0])
    np.testing.assert_allclose(scaled.kl(3.0 * h), plain.kl(h), rtol=1e-9)


def test_extreme_bandwidths_have_values() -> None:
    student, compact = kernel_thresholds(0.3, "student", kappa=0.5), kernel_thresholds(0.3, "compact")
    assert student.kl(1e150) == pytest.approx(compact.kl(1e150), rel=1e-2)
    # A Student kernel decays slowly: its divergence grows like log h only as h goes to zero.
    assert student.kl(1e-100) == pytest.approx(0.5 * math.log(1e200), rel=0.6)
    assert student.mu(1e200) == math.inf
    mean = math.sqrt(2.0)
    near = compact.kl([math.nextafter(mean, 0.0), mean, 1.001 * mean])
    np.testing.assert_allclose(near[:2], math.log(mean), atol=1e-12)
    assert type(student.kl(1.0)) is float and type(compact.mu(1.0)) is float and type(compact.regime(1.0)) is str


# ------------------------------------------------------------------------ the rest
@kernels
def test_zero_eigenvalues_leave_the_thresholds(kernel: str, options: dict[str, float]) -> None:
    with pytest.warns(BandwidthWarning, match="zero eigenvalues") as caught:
        found = kernel_thresholds(0.3, kernel, spectrum=[0.0, 1.0], **options)
    assert caught[0].filename == __file__
    assert found.h_star is found.kl_star is None
    assert found.flags == ("zero_eigenvalues",)
    assert 0.0 < found.h_G <= found.h_CLT
    with pytest.raises(ValueError, match="without a density"):
        found.kl(1.0)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((0.0,), {}, ValueError, "alpha must be a number > 0"),
        ((0.3, "box"), {}, ValueError, "kernel must be one of .*got 'box'"),
        ((0.3, "student"), {}, ValueError, "kappa must be given"),
        ((0.3, "student"), {"kappa": 0.0}, ValueError, "fixed number of degrees of freedom"),
        ((0.3, "student"), {"kappa": math.inf}, ValueError, "kappa must be"),
        ((0.3, "student"), {"kappa": "5"}, TypeError, "kappa must be"),
        ((0.3, "gaussian"), {"kappa": 1.0}, ValueError, "kappa must be None for kernel='gaussian'"),
        ((0.3, "compact"), {"kappa": 1.0}, ValueError, "kappa must be None"),
        ((0.3,), {"spectrum": [-1.0]}, ValueError, "spectrum must be non-negative"),
    ],
)
def test_bad_arguments_are_named(arguments: Any, options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        kernel_thresholds(*arguments, **options)


@pytest.mark.parametrize("h", [0.0, -1.0, math.nan])
def test_bandwidths_must_be_positive(h: float) -> None:
    found = kernel_thresholds(0.3, "compact")
    for method in (found.mu, found.kl, found.regime):
        with pytest.raises(ValueError, match="h must be"):
            method(h)


@kernels
def test_results_survive_json_and_are_drawn(kernel: str, options: dict[str, float]) -> None:
    found = kernel_thresholds(0.3, kernel, spectrum=[1.0, 2.0], **options)
    back = KernelThresholds.from_dict(json.loads(to_json(found.to_dict())))
    assert back == found and isinstance(back, Result)
    assert found.interpretation.startswith("In the limit of large dimension")
    assert "diagnose_bandwidth" in found.interpretation
    ax = found.plot()
    assert "KL" in ax.get_ylabel()
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata()[-1], found.kl(ax.get_lines()[0].get_xdata()[-1]))
    plt.close("all")
