"""Fluctuations at one point: exact law of the distances, limit laws, draws."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import pytest
from joblib import parallel_config
from scipy import integrate, stats

from infostat.core.errors import CheckpointError, InputError, InputTypeError, SampleSizeWarning
from infostat.density.one_point import BLOCK, simulate_fluctuations
from infostat.density.one_point_laws import (
    has_stable_limit,
    largest_gap,
    nearest_point,
    nearest_tail,
    normal_cdf,
    normal_density,
    stable_cdf,
    stable_density,
    sum_moments,
)
from infostat.density.one_point_result import FluctuationSimulation

SETTING = {"n": 400, "d": 20, "n_data": 120, "rng": 5}


# ----------------------------------------------------------------------------- exact numbers
@pytest.mark.parametrize(("d", "n", "h_G"), [(30, 20_000, 0.90973), (60, 20_000, 1.21938), (100, 10**6, 1.28318)])
def test_local_slope_gives_the_reference_bandwidths(d: int, n: int, h_G: float) -> None:
    # Exact local slopes at |x|^2 = d; printed to five digits.
    assert nearest_point(n, d, float(d)).slope == pytest.approx(0.5 / h_G**2, rel=2.0 * 0.5e-5 / h_G + 1e-9)


@pytest.mark.parametrize(("n", "d", "squared"), [(50, 3, 0.0), (1000, 20, 20.0), (20_000, 60, 75.0), (2, 1, 1.0)])
def test_nearest_point_agrees_with_scipy(n: int, d: int, squared: float) -> None:
    law = stats.ncx2(d, squared) if squared else stats.chi2(d)
    found = nearest_point(n, d, squared)
    assert law.cdf(found.r1) * n == pytest.approx(1.0, rel=1e-8)
    assert found.slope == pytest.approx(law.pdf(found.r1) / law.cdf(found.r1), rel=1e-6)


def test_moments_of_the_sum_are_those_of_the_kernel() -> None:
    n, d, h, squared = 300, 5, 0.8, 7.0
    law = stats.ncx2(d, squared)
    first, second = (
        integrate.quad(lambda r, k=k: law.pdf(r) * math.exp(-k * r / (2 * h * h)), 0, 90, epsabs=0, epsrel=1e-11)[0]
        for k in (1, 2)
    )
    log_mean, relative_sd = sum_moments(n, d, h, squared)
    assert log_mean == pytest.approx(math.log(n * first), abs=1e-9)
    assert relative_sd == pytest.approx(math.sqrt((second / first**2 - 1.0) / n), rel=1e-7)


def test_a_relative_deviation_beyond_the_floats_is_infinite() -> None:
    assert sum_moments(1000, 20_000, 0.1, 20_000.0)[1] == math.inf


def test_the_tail_of_the_nearest_point_is_its_exact_law() -> None:
    n, d, h = 500, 15, 0.7
    r1 = nearest_point(n, d, float(d)).r1
    energy_1 = r1 / (2 * h * h)
    log_t = np.array([-3.0, 0.0, 2.0, 5.0, energy_1 + 1.0])
    radius = 2 * h * h * (energy_1 - log_t)
    expected = 1.0 - (1.0 - stats.ncx2(d, d).cdf(np.maximum(radius, 0.0))) ** n
    found = nearest_tail(log_t, n, d, h, float(d), energy_1)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-15)
    assert found[-1] == 0.0  # no point is closer than distance zero


# -------------------------------------------------------------------------------- limit laws
def test_index_one_half_is_the_levy_law() -> None:
    # E exp(-t S) = exp(-sqrt(pi t)), hence P(S <= x) = erfc(sqrt(pi/(4 x))).
    log_s = np.linspace(-6.0, 60.0, 40)
    expected = [float(mpmath.erfc(mpmath.sqrt(mpmath.pi / (4 * mpmath.e ** mpmath.mpf(y))))) for y in log_s]
    np.testing.assert_allclose(stable_cdf(log_s, 0.5, 0.0), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("mu", [0.05, 0.3, 0.8, 0.97])
def test_positive_stable_law_has_its_laplace_transform(mu: float) -> None:
    log_s = np.linspace(-8.0 / mu, 40.0 / mu, 4001)
    density = stable_density(log_s, mu, 0.0)
    step = log_s[1] - log_s[0]
    for t in (0.3, 1.0, 3.0):
        with np.errstate(over="ignore"):
            transform = float((np.exp(-t * np.exp(log_s)) * density).sum() * step)
        assert transform == pytest.approx(math.exp(-math.gamma(1.0 - mu) * t**mu), rel=1e-6)


@pytest.mark.parametrize("mu", [0.4, 0.9, 1.3, 1.7])
def test_stable_density_is_the_slope_of_the_cdf(mu: float) -> None:
    log_w, step = np.linspace(0.5, 3.0, 7), 1e-3
    slope = (stable_cdf(log_w + step, mu, 1.5) - stable_cdf(log_w - step, mu, 1.5)) / (2 * step)
    np.testing.assert_allclose(stable_density(log_w, mu, 1.5), slope, rtol=1e-3, atol=1e-7)


def test_normal_density_is_the_slope_of_the_cdf() -> None:
    log_z, step = np.linspace(-0.5, 0.4, 7), 1e-4
    slope = (normal_cdf(log_z + step, 0.0, 0.2) - normal_cdf(log_z - step, 0.0, 0.2)) / (2 * step)
    np.testing.assert_allclose(normal_density(log_z, 0.0, 0.2), slope, rtol=1e-6)


def test_no_stable_limit_where_logarithms_enter() -> None:
    assert [mu for mu in (0.5, 0.99, 1.01, 1.5, 1.99, 2.5) if has_stable_limit(mu)] == [0.5, 1.5]


def test_largest_gap_is_the_kolmogorov_smirnov_distance() -> None:
    values = np.random.default_rng(1).normal(0.3, 1.0, size=300)
    assert largest_gap(stats.norm.cdf, values) == pytest.approx(stats.kstest(values, "norm").statistic, abs=1e-12)


# -------------------------------------------------------------------------------------- draws
def test_distances_follow_the_exact_law() -> None:
    # F(R_(1)) of n points: 1 - (1 - F)^n is uniform. KS at 400 draws: P(D > 0.1) < 1e-3.
    found = simulate_fluctuations(n=300, d=25, h=1.0, x_norm_sq=40.0, n_data=400, rng=3)
    uniform = -np.expm1(300 * np.log1p(-stats.ncx2(25, 40.0).cdf(found.nn_sq)))
    assert stats.kstest(uniform, "uniform").statistic < 0.1


def test_mean_and_variance_of_the_sum_above_two() -> None:
    found = simulate_fluctuations(n=2000, d=20, mu=6.0, n_data=800, rng=4)
    ratio = np.exp(found.log_Z - found.log_mean_Z)
    assert abs(ratio.mean() - 1.0) < 4.0 * found.relative_sd / math.sqrt(800)
    # The standard error of a variance of nearly normal draws is sqrt(2/m) of it; kurtosis adds some.
    assert ratio.var() / found.relative_sd**2 == pytest.approx(1.0, abs=4.0 * math.sqrt(3.0 / 800))
    assert found.ks_normal < 1.95 / math.sqrt(800) + 0.02
    assert found.ks_stable is None


def test_condensed_draws_follow_the_stable_law_and_not_the_normal() -> None:
    found = simulate_fluctuations(n=5000, d=30, mu=0.5, n_data=400, rng=1)
    # At these sizes the law itself is .04 to .06 away; 400 draws add at most .08 (1 in 100).
    assert found.ks_stable is not None and found.ks_stable < 0.14
    assert found.ks_normal > 0.35
    assert found.regime == "condensed"
    assert float(found.Y2.mean()) == pytest.approx(0.5, abs=0.1)


def test_mu_and_h_name_the_same_study() -> None:
    by_mu = simulate_fluctuations(mu=1.4, **SETTING)
    by_h = simulate_fluctuations(h=by_mu.h, **SETTING)
    assert by_h == by_mu
    assert by_mu.mu == pytest.approx(1.4, rel=1e-12)
    assert by_mu.regime == "stable"


def test_the_limit_index_solves_the_master_equation_at_the_point() -> None:
    found = simulate_fluctuations(h=0.9, x_norm_sq=26.0, **SETTING)
    tau, r = found.mu_asym / found.h**2, found.x_norm_sq / found.d
    right = math.log1p(tau) - tau / (1 + tau) + r * (tau / (1 + tau)) ** 2
    assert right == pytest.approx(2.0 * found.alpha, rel=1e-10)


@pytest.mark.parametrize(("d", "squared"), [(1, 1.0), (3, 0.0), (2000, None)])
def test_unusual_dimensions_and_points(d: int, squared: float | None) -> None:
    found = simulate_fluctuations(n=50, d=d, h=0.7, x_norm_sq=squared, n_data=100, rng=1)
    assert np.isfinite(found.log_Z).all()
    assert (found.max_weight <= 1.0).all() and (found.max_weight**2 <= found.Y2).all()
    # Z lies between its largest term and n times that.
    top = -found.nn_sq / (2 * found.h**2)
    assert (found.log_Z >= top - 1e-9).all() and (found.log_Z <= top + math.log(50) + 1e-9).all()


def test_fields_and_frame_agree() -> None:
    found = simulate_fluctuations(h=0.9, **SETTING)
    frame = found.to_frame()
    assert list(frame) == ["data_index", "log_Z", "log_W", "log_rho_hat", "Y2", "max_weight", "nn_sq"]
    np.testing.assert_allclose(frame.log_W, found.log_Z + found.energy_1, rtol=0, atol=0)
    scale = math.log(400) + 20 * math.log(0.9) + 10 * math.log(2 * math.pi)
    np.testing.assert_allclose(frame.log_rho_hat, found.log_Z - scale, rtol=1e-14)
    assert found.sd_log_Z == pytest.approx(np.std(found.log_Z, ddof=1))


# ------------------------------------------------------------------------------ reproducibility
def test_numbers_do_not_depend_on_workers_or_batches() -> None:
    alone = simulate_fluctuations(mu=0.7, **SETTING)
    with parallel_config(backend="threading"):
        together = simulate_fluctuations(mu=0.7, **SETTING, n_jobs=3, batch_size=2)
    assert together == alone
    assert simulate_fluctuations(mu=0.7, **{**SETTING, "rng": alone.seed}) == alone


def test_more_data_sets_keep_the_first_ones() -> None:
    few = simulate_fluctuations(mu=0.7, **{**SETTING, "n_data": 6 * BLOCK + 5})
    many = simulate_fluctuations(mu=0.7, **{**SETTING, "n_data": 9 * BLOCK})
    np.testing.assert_array_equal(few.log_Z, many.log_Z[: few.n_data])


def test_an_interrupted_study_resumes_with_the_same_numbers(tmp_path: Path) -> None:
    path = tmp_path / "study.ckpt"

    def stop(done: int, total: int) -> None:
        if done >= 3 * BLOCK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_fluctuations(mu=0.7, **SETTING, checkpoint=path, progress=stop)
    seen: list[int] = []
    resumed = simulate_fluctuations(
        mu=0.7, **{**SETTING, "rng": None}, checkpoint=path, progress=lambda done, total: seen.append(done)
    )
    assert seen[0] >= 3 * BLOCK
    assert resumed == simulate_fluctuations(mu=0.7, **SETTING)
    with pytest.raises(CheckpointError, match="another study"):
        simulate_fluctuations(mu=0.8, **SETTING, checkpoint=path)


# ------------------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({}, InputError, "exactly one of h and mu must be given, got neither"),
        ({"h": 1.0, "mu": 1.0}, InputError, "got both"),
        ({"h": 0.0}, InputError, "h must be positive"),
        ({"h": math.nan}, InputError, "h must be"),
        ({"h": 1e60}, InputError, "h must lie within"),
        ({"h": [1.0, 2.0]}, InputTypeError, "h must be a finite number"),
        ({"mu": -1.0}, InputError, "mu must be"),
        ({"mu": "1"}, InputTypeError, "mu must be"),
        ({"mu": 1.0, "n": 1}, InputError, "n must be an integer from 2"),
        ({"mu": 1.0, "n": 10**12}, InputError, "finite_size"),
        ({"mu": 1.0, "n": 2.5}, InputTypeError, "n must be an integer"),
        ({"mu": 1.0, "d": 0}, InputError, "d must be an integer from 1 to"),
        ({"mu": 1.0, "n_data": 1}, InputError, "n_data must be an integer >= 2"),
        ({"mu": 1.0, "n": 10**9, "n_data": 10**6}, InputError, "at most 1e[+]13 distances"),
        ({"mu": 1.0, "x_norm_sq": -1.0}, InputError, "x_norm_sq must be"),
        ({"mu": 1.0, "n_jobs": 0}, InputError, "n_jobs must be"),
        ({"mu": 1.0, "rng": -1}, InputError, "rng must be"),
    ],
)
def test_bad_input(change: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        simulate_fluctuations(**{**SETTING, **change})  # type: ignore[arg-type]


def test_few_data_sets_are_warned_about() -> None:
    with pytest.warns(SampleSizeWarning, match="raise n_data"):
        simulate_fluctuations(mu=0.5, **{**SETTING, "n_data": 5})


# -------------------------------------------------------------------------------------- figures
@pytest.mark.parametrize("kind", ["histogram", "tail"])
@pytest.mark.parametrize("mu", [0.1, 0.5, 0.99, 1.3, 3.0])
def test_figures(mu: float, kind: str) -> None:
    found = simulate_fluctuations(mu=mu, **SETTING)
    ax = found.plot(kind=kind)
    assert ax.get_xlabel() and ax.get_ylabel()
    labels = " ".join(text.get_text() for text in ax.get_legend().get_texts())
    assert ("stable law" in labels) == has_stable_limit(mu)
    assert ("normal law" in labels) == (mu > 1.0)
    plt.close(ax.figure)


def test_the_slope_of_the_tail_is_minus_mu() -> None:
    ax = simulate_fluctuations(mu=0.5, **SETTING).plot(kind="tail")
    line = next(line for line in ax.get_lines() if "t^" in str(line.get_label()))
    x, y = np.log(np.asarray(line.get_xdata(), dtype=float)), np.log(np.asarray(line.get_ydata(), dtype=float))
    assert np.polyfit(x, y, 1)[0] == pytest.approx(-0.5, abs=1e-9)
    plt.close(ax.figure)


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="histogram"):
        simulate_fluctuations(mu=0.5, **SETTING).plot(kind="hist")


def test_round_trip_and_words() -> None:
    found = simulate_fluctuations(mu=0.5, **SETTING)
    assert FluctuationSimulation.from_dict(found.to_dict()) == found
    assert "mu = 0.5" in str(found.summary())
    assert len(repr(found)) < 200
