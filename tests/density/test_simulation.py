"""Simulated regimes: kernel sums, laws of the distances, exact expectations, reproducibility."""

from __future__ import annotations

import math
import subprocess
import sys
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from joblib import parallel_config
from scipy.special import logsumexp

from infostat.core.errors import CheckpointError, InputError, InputTypeError, SampleSizeWarning
from infostat.density import spectra
from infostat.density.finite import finite_size
from infostat.density.regimes import regime_theory
from infostat.density.simulation import simulate_regimes
from infostat.density.simulation_kernels import absorb, absorb_numpy, cloud, weigh
from infostat.density.simulation_results import RegimeSimulation

SETTING = {"n": 300, "d": 12, "h_grid": [0.5, 0.8, 1.3], "n_x": 12, "n_data": 3, "rng": 9}
MIXED = np.sort(np.r_[np.full(8, 0.5), 2.0, 2.0, 3.0, 4.0])


# --------------------------------------------------------------------------------- kernel sums
def _blocks(distances: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    return np.split(distances, np.cumsum(sizes)[:-1])


@pytest.mark.parametrize("compiled", [False, True])
def test_kernel_sums_agree_with_log_sum_exp(compiled: bool) -> None:
    rng = np.random.default_rng(2)
    distances = np.sort(rng.noncentral_chisquare(15, 12.0, 700))[::-1].copy()  # every block has a new minimum
    h = np.array([1e-3, 0.05, 0.6, 1.0, 4.0, 1e3])
    found = weigh(iter(_blocks(distances, [300, 300, 99, 1])), 0.5 / h**2, compiled)
    energies = distances * (0.5 / h**2)[:, None]
    log_Z = logsumexp(-energies, axis=1)
    # The reference loses digits of its weights where log Z is large; relative to the gap they are exact.
    shifted = np.exp(-(distances - distances.min()) * (0.5 / h**2)[:, None])
    weights = shifted / shifted.sum(axis=1, keepdims=True)
    entropy = -np.sum(weights * np.log(np.maximum(weights, 1e-320)), axis=1)
    np.testing.assert_allclose(found.log_Z, log_Z, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(found.participation, (weights**2).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.max_weight, weights.max(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.entropy, entropy, rtol=1e-11, atol=1e-14)
    assert found.nn_sq == distances.min()


def test_the_kernel_agrees_with_its_twin() -> None:
    distances = np.random.default_rng(1).chisquare(9, 501)
    rates, part = 0.5 / np.array([0.02, 0.5, 3.0]) ** 2, np.empty(501)
    ours, twin = np.ones((3, 3)), np.ones((3, 3))
    absorb.compiled(distances, rates, 0.1, ours, part)
    absorb_numpy(distances, rates, 0.1, twin, part)
    np.testing.assert_allclose(ours, twin, rtol=1e-13)


# --------------------------------------------------------------------------- law of the distances
@pytest.mark.parametrize("route", ["vectors", "distances"])
@pytest.mark.parametrize("eigenvalues", [MIXED, np.ones(1), np.full(40, 2.5)], ids=["mixed", "line", "isotropic"])
def test_distances_have_their_exact_laplace_transform(route: str, eigenvalues: np.ndarray) -> None:
    # E exp(-t R/2) = prod (1 + t s)^(-1/2) exp(-t x^2/(2 (1 + t s))); variance from 2 t.
    rng = np.random.default_rng(4)
    x = np.sqrt(eigenvalues) * rng.standard_normal(len(eigenvalues))
    law = cloud(40_000, eigenvalues, route)
    distances = np.concatenate([block.copy() for block in law.distances(law.reduce(x), rng)])
    assert len(distances) == 40_000

    def transform(t: float) -> float:
        return math.exp(-0.5 * np.sum(np.log1p(t * eigenvalues) + t * x**2 / (1.0 + t * eigenvalues)))

    for t in (0.02, 0.1, 0.3):
        se = math.sqrt((transform(2.0 * t) - transform(t) ** 2) / 40_000)
        assert abs(np.exp(-0.5 * t * distances).mean() - transform(t)) < 4.0 * se


def test_the_cheaper_route_is_taken() -> None:
    assert cloud(10, np.ones(20)).route == "distances"
    assert cloud(10, MIXED).route == "distances"
    assert cloud(10, np.arange(1.0, 13.0)).route == "vectors"
    assert cloud(10, np.ones(2)).route == "vectors"


# --------------------------------------------------------------------------- exact expectations
def test_means_agree_with_the_exact_values_of_the_table() -> None:
    # Exact E KL/d and E Y2 for N(0, I), d = 20, n = 2000; 400 pairs, means within four standard errors.
    found = simulate_regimes(n=2000, d=20, h_grid=[0.5, 0.8, 1.0, 1.5], n_x=200, n_data=2, rng=11)
    kl, participation = [0.384712, 0.083674, 0.101936, 0.243321], [0.684798, 0.291949, 0.107539, 0.006199]
    assert (np.abs(found.kl_per_dim - kl) < 4.0 * found.kl_per_dim_se).all()
    assert (np.abs(found.participation_ratio - participation) < 4.0 * found.participation_ratio_se).all()
    assert (found.kl_per_dim_se < [0.02, 0.005, 0.006, 0.008]).all()  # the errors are no excuse


@pytest.mark.parametrize("route", ["vectors", "distances"])
def test_means_agree_with_finite_size(route: str) -> None:
    h = np.array([0.6, 0.9, 1.4])
    found = simulate_regimes(n=400, d=8, h_grid=h, n_x=250, n_data=1, rng=21, route=route)
    exact = finite_size(400, 8, h=h)
    assert (np.abs(found.kl_per_dim - exact.kl_per_dim) < 4.0 * found.kl_per_dim_se).all()
    miss = found.participation_ratio - exact.participation_ratio
    assert (np.abs(miss) < 4.0 * found.participation_ratio_se).all()


def test_a_wide_kernel_has_the_divergence_of_the_smoothed_law() -> None:
    # mu is 8 here: rho_hat_h is close to its mean N(0, Sigma + h^2 I), whose divergence is known.
    found = simulate_regimes(n=4000, d=12, h_grid=[3.0], n_x=250, n_data=1, spectrum=MIXED, rng=2)
    exact = 0.5 * np.mean(np.log((MIXED + 9.0) / MIXED) - 9.0 / (MIXED + 9.0))
    # Noise of rho_hat adds half its relative variance, Y2 - 1/n.
    noise = 0.5 * float(found.participation_ratio[0]) / 12
    assert abs(found.kl_per_dim[0] - exact) < 4.0 * found.kl_per_dim_se[0] + noise


def test_indices_at_the_points_solve_their_equations() -> None:
    found = simulate_regimes(**SETTING)
    d, log_n = found.d, math.log(found.n)
    r = (-2.0 * found.log_rho - d * math.log(2.0 * math.pi)) / d  # |x|^2/d
    tau = found.tau_asym_x
    right = np.log1p(tau) - tau / (1 + tau) + r * (tau / (1 + tau)) ** 2
    np.testing.assert_allclose(right, 2.0 * found.alpha, rtol=1e-9)
    tau = found.tau_fs_x
    K = -0.5 * d * (np.log1p(tau) + tau * r / (1 + tau))
    K1 = -0.5 * d * (1 / (1 + tau) + r / (1 + tau) ** 2)
    K2 = 0.5 * d * (1 / (1 + tau) ** 2 + 2 * r / (1 + tau) ** 3)
    gap = log_n + K - tau * K1 - np.log(tau) - 0.5 * np.log(2 * np.pi * K2)
    np.testing.assert_allclose(gap, 0.0, atol=1e-7)
    theory = regime_theory(found.alpha)
    np.testing.assert_allclose(found.mu_asym, (found.h / theory.h_G) ** 2, rtol=1e-9)
    np.testing.assert_allclose(found.mu_fs, (found.h / found.h_G_fs) ** 2, rtol=1e-12)


# ------------------------------------------------------------------------------ the table of pairs
def test_rows_satisfy_the_identities_of_the_weights() -> None:
    frame = simulate_regimes(**SETTING, spectrum=MIXED).to_frame()
    assert len(frame) == 12 * 3 * 3
    names = "x_index data_index h log_Z log_rho_hat log_rho Y2 max_weight entropy nn_sq mu_asym mu_fs"
    assert list(frame) == names.split()
    np.testing.assert_allclose(np.log(frame.max_weight), -frame.nn_sq / (2 * frame.h**2) - frame.log_Z, atol=1e-11)
    assert frame.Y2.between(frame.max_weight**2, frame.max_weight * (1 + 1e-12)).all()
    # Renyi entropies fall with their order: H >= -log sum p^2 >= -log max p.
    assert (frame.entropy >= -np.log(frame.Y2) - 1e-12).all() and (frame.entropy <= math.log(300) + 1e-12).all()
    density = frame.log_Z - math.log(300) - 12 * np.log(frame.h) - 6 * math.log(2 * math.pi)
    np.testing.assert_allclose(frame.log_rho_hat, density, rtol=1e-13)
    assert (frame.groupby("x_index")[["log_rho"]].nunique() == 1).all().all()
    assert frame.groupby("data_index").log_rho.nunique().eq(12).all()
    assert frame.nn_sq.nunique() == 36  # every pair has its own data


def test_means_and_errors_come_from_the_rows() -> None:
    found = simulate_regimes(**SETTING)
    frame = found.to_frame()
    frame["gap"] = (frame.log_rho - frame.log_rho_hat) / found.d
    by_point = frame.groupby(["h", "x_index"]).gap.mean().groupby("h")
    np.testing.assert_allclose(found.kl_per_dim, by_point.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.kl_per_dim_se, by_point.std(ddof=1) / math.sqrt(12), rtol=1e-12)
    np.testing.assert_allclose(found.participation_ratio_median, frame.groupby("h").Y2.median(), rtol=1e-12)
    np.testing.assert_allclose(found.kl_quantiles[2], frame.groupby("h").gap.median(), rtol=1e-12)
    assert list(found.by_bandwidth().h) == [0.5, 0.8, 1.3]


def test_the_unit_of_the_data_does_not_matter() -> None:
    # A factor of two is exact in floating point: the same draws give the same weights.
    unit = simulate_regimes(**SETTING)
    double = simulate_regimes(**{**SETTING, "h_grid": [1.0, 1.6, 2.6]}, spectrum=spectra.isotropic(4.0))
    np.testing.assert_array_equal(double.log_Z, unit.log_Z)
    np.testing.assert_allclose(double.kl_per_dim, unit.kl_per_dim, atol=1e-12)
    np.testing.assert_allclose(double.mu_asym, unit.mu_asym, rtol=1e-9)
    np.testing.assert_allclose(double.mu_fs, unit.mu_fs, rtol=1e-9)


def test_a_law_of_eigenvalues_stands_for_its_quantiles() -> None:
    law = simulate_regimes(**SETTING, spectrum=spectra.two_level(4.0, 0.25, 1 / 4))
    np.testing.assert_array_equal(law.eigenvalues, [0.25] * 9 + [4.0] * 3)
    power = simulate_regimes(**SETTING, spectrum=spectra.power_law(1.0, 12))
    np.testing.assert_allclose(power.eigenvalues, 1.0 / np.arange(12, 0, -1), rtol=1e-14)
    assert power.route == "vectors"
    shuffled = simulate_regimes(**SETTING, spectrum=1.0 / np.arange(1, 13))
    np.testing.assert_allclose(shuffled.log_Z, power.log_Z, rtol=1e-12)


def test_alpha_stands_for_a_number_of_points() -> None:
    setting = {**SETTING, "n": None, "alpha": 0.3}
    found = simulate_regimes(**setting)
    assert found.n == round(math.exp(3.6)) == 37
    assert found.alpha == pytest.approx(math.log(37) / 12)


def test_one_point_is_no_divergence() -> None:
    with pytest.warns(SampleSizeWarning, match="raise n_x"):
        found = simulate_regimes(**{**SETTING, "n_x": 1})
    assert found.flags == ("single_point",)
    assert np.isfinite(found.kl_per_dim_se).all()
    with pytest.warns(SampleSizeWarning):
        alone = simulate_regimes(**{**SETTING, "n_x": 1, "n_data": 1})
    assert alone.flags == ("single_point", "no_standard_error")
    assert np.isnan(alone.kl_per_dim_se).all()
    assert RegimeSimulation.from_dict(alone.to_dict()) == alone


# ------------------------------------------------------------------------------ reproducibility
def test_numbers_do_not_depend_on_workers_batches_or_the_name_of_the_route() -> None:
    alone = simulate_regimes(**SETTING)
    with parallel_config(backend="threading"):
        assert simulate_regimes(**SETTING, n_jobs=3, batch_size=5) == alone
        assert simulate_regimes(**SETTING, n_jobs=2) == alone
    assert simulate_regimes(**SETTING, route="distances", batch_size=100) == alone
    assert simulate_regimes(**{**SETTING, "rng": np.random.SeedSequence(9)}) == alone
    assert not np.array_equal(simulate_regimes(**{**SETTING, "rng": 10}).log_Z, alone.log_Z)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_numbers_do_not_depend_on_processes(backend: str) -> None:
    with parallel_config(backend=backend):
        together = simulate_regimes(**SETTING, n_jobs=2)
    assert together == simulate_regimes(**SETTING)


def test_more_points_keep_the_first_ones_and_routes_share_points() -> None:
    few, many = simulate_regimes(**SETTING), simulate_regimes(**{**SETTING, "n_x": 20})
    np.testing.assert_array_equal(many.log_Z[:12], few.log_Z)
    vectors = simulate_regimes(**SETTING, route="vectors")
    np.testing.assert_array_equal(vectors.log_rho, few.log_rho)
    assert not np.array_equal(vectors.log_Z, few.log_Z)


def test_a_bandwidth_does_not_depend_on_its_neighbours_in_the_grid() -> None:
    alone = simulate_regimes(**{**SETTING, "h_grid": 0.8})
    np.testing.assert_array_equal(alone.log_Z[..., 0], simulate_regimes(**SETTING).log_Z[..., 1])


def test_large_studies_use_the_compiled_kernel_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = simulate_regimes(**SETTING)
    monkeypatch.setattr("infostat.density.simulation.SMALL", 0)
    compiled = simulate_regimes(**SETTING)
    np.testing.assert_allclose(compiled.log_Z, twin.log_Z, rtol=1e-13)
    np.testing.assert_allclose(compiled.entropy, twin.entropy, rtol=1e-11, atol=1e-14)


def _interrupt(path: Path, **change: object) -> None:
    def stop(done: int, total: int) -> None:
        if done >= 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_regimes(**{**SETTING, **change}, checkpoint=path, progress=stop)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [9, None])
def test_an_interrupted_study_resumes_with_the_same_numbers(tmp_path: Path, seed: int | None) -> None:
    path = tmp_path / "study.ckpt"
    _interrupt(path, rng=seed)
    seen: list[int] = []
    resumed = simulate_regimes(
        **{**SETTING, "rng": seed}, checkpoint=path, progress=lambda done, total: seen.append(done)
    )
    assert seen[0] >= 15 and seen[-1] == 36
    assert resumed == simulate_regimes(**{**SETTING, "rng": resumed.seed})


def test_a_damaged_or_foreign_checkpoint_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "study.ckpt"
    _interrupt(path)
    for change in ({"h_grid": [0.5, 0.8, 1.31]}, {"n": 301}, {"rng": 10}, {"n_x": 9, "n_data": 4}):
        with pytest.raises(CheckpointError, match="another study"):
            simulate_regimes(**{**SETTING, **change}, checkpoint=path)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match="another study"):
        simulate_regimes(**SETTING, checkpoint=path, route="vectors")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    for seed in (9, None):
        with pytest.raises(CheckpointError, match="damaged"):
            simulate_regimes(**{**SETTING, "rng": seed}, checkpoint=path)
    assert path.read_bytes() == bytes(content)


# -------------------------------------------------------------------------------------- memory
def test_memory_does_not_grow_with_the_data() -> None:
    setting = {"d": 60, "h_grid": [1.0, 1.5], "n_x": 1, "n_data": 2, "rng": 1, "route": "vectors"}
    peaks = []
    for n in (2_000, 60_000):
        tracemalloc.start()
        with pytest.warns(SampleSizeWarning):
            simulate_regimes(n=n, **setting)  # type: ignore[arg-type]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # One block of 65536 normals is half a MiB; all the data would be 29 MB.
    assert peaks[1] < 3e6
    assert peaks[1] < peaks[0] + 2e5


@pytest.mark.slow
@pytest.mark.parametrize("spectrum", ["None", "spectra.power_law(0.5, 60)"])
def test_a_million_points_fit_into_200_megabytes(spectrum: str) -> None:
    script = f"""
import warnings
warnings.simplefilter("ignore")
from infostat.density import simulate_regimes, spectra
simulate_regimes(n=10**6, d=60, h_grid=[0.5, 1.0, 1.5], n_x=2, n_data=1, spectrum={spectrum}, rng=1, route="vectors")
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""
    if not Path("/proc/self/status").is_file():
        pytest.skip("the peak of a process is read from /proc")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 200.0


# ------------------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"n": None}, InputError, "exactly one of n and alpha must be given, got neither"),
        ({"alpha": 0.3}, InputError, "exactly one of n and alpha must be given, got both"),
        ({"n": None, "alpha": 0.0}, InputError, "alpha must be a number > 0"),
        ({"n": None, "alpha": -0.1}, InputError, "alpha must be a number > 0"),
        ({"n": None, "alpha": 0.01}, InputError, "at least 2 points.*raise alpha"),
        ({"n": None, "alpha": 5.0}, InputError, "n = 10.26.1 points.*finite_size"),
        ({"n": 1}, InputError, "n must be an integer from 2"),
        ({"n": 10**11}, InputError, "n must be an integer from 2.*finite_size"),
        ({"n": 10**9, "n_x": 10**5}, InputError, "at most 1e[+]13 distances.*lower n"),
        ({"n": "many"}, InputTypeError, "n must be an integer"),
        ({"d": 0}, InputError, "d must be an integer from 1 to"),
        ({"n_x": 0}, InputError, "n_x must be"),
        ({"n_data": -1}, InputError, "n_data must be"),
        ({"n_x": 10**8, "n": 2}, InputError, "length of h_grid must be at most"),
        ({"h_grid": []}, InputError, "h_grid must hold at least one bandwidth"),
        ({"h_grid": [0.5, 0.0]}, InputError, "h_grid must be positive, got 0"),
        ({"h_grid": [0.5, -1.0]}, InputError, "h_grid must be positive, got -1"),
        ({"h_grid": [0.5, math.nan]}, InputError, "h_grid must be finite, got 1 NaN"),
        ({"h_grid": [math.inf]}, InputError, "h_grid must be finite"),
        ({"h_grid": [1e-60]}, InputError, "h_grid must lie within"),
        ({"h_grid": [[1.0]]}, InputError, "h_grid must be"),
        ({"h_grid": "wide"}, InputTypeError, "h_grid must be"),
        ({"spectrum": np.ones(5)}, InputError, "spectrum must hold d = 12 eigenvalues, got 5"),
        ({"spectrum": np.r_[np.ones(11), 0.0]}, InputError, "spectrum must be positive, got 1 zeros"),
        ({"spectrum": np.r_[np.ones(11), -1.0]}, InputError, "spectrum must be non-negative"),
        ({"spectrum": spectra.marchenko_pastur(2.0)}, InputError, "spectrum must be positive, got 6 zeros"),
        ({"spectrum": np.r_[np.ones(11), 1e120]}, InputError, "change the unit"),
        ({"route": "fast"}, InputError, "route must be one of"),
        ({"rng": -1}, InputError, "rng must be"),
        ({"n_jobs": 0}, InputError, "n_jobs must be"),
        ({"batch_size": 0}, InputError, "batch_size must be"),
        ({"progress": "yes"}, InputTypeError, "progress must be"),
        ({"checkpoint": "/no/such/folder/file"}, InputError, "does not exist"),
    ],
)
def test_bad_input(change: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        simulate_regimes(**{**SETTING, **change})  # type: ignore[arg-type]


def test_arguments_are_not_changed() -> None:
    h, spectrum = np.array([1.3, 0.5]), np.linspace(2.0, 1.0, 12)
    kept = h.copy(), spectrum.copy()
    found = simulate_regimes(**{**SETTING, "h_grid": h}, spectrum=spectrum)
    np.testing.assert_array_equal(h, kept[0])
    np.testing.assert_array_equal(spectrum, kept[1])
    np.testing.assert_array_equal(found.h, h)  # in the order given


# -------------------------------------------------------------------------------------- figures
def test_figure_of_the_divergence() -> None:
    found = simulate_regimes(**SETTING)
    ax = found.plot(loo=0.9)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(labels) == 3 and any("exact" in label for label in labels)
    assert {"$h_G$", "LOO"} <= {text.get_text() for text in ax.texts}
    exact = next(line for line in ax.get_lines() if "exact" in str(line.get_label()))
    at = np.interp(0.8, np.asarray(exact.get_xdata(), dtype=float), np.asarray(exact.get_ydata(), dtype=float))
    assert at == pytest.approx(finite_size(300, 12, h=0.8).kl_per_dim, rel=2e-3)
    plt.close(ax.figure)


def test_figure_of_the_participation_ratio() -> None:
    found = simulate_regimes(**SETTING, spectrum=MIXED)
    ax = found.plot(kind="participation")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(labels) == 2 and not any("exact" in label for label in labels)  # known for isotropic data only
    plt.close(ax.figure)
    with pytest.raises(InputError, match="divergence"):
        found.plot(kind="kl")


def test_summary_and_round_trip() -> None:
    found = simulate_regimes(**{**SETTING, "h_grid": np.linspace(0.4, 2.0, 30)})
    assert "12 of 30" in str(found.summary())
    assert "limit of large d" in str(found.summary())
    assert RegimeSimulation.from_dict(found.to_dict()) == found
    assert len(repr(found)) < 200
    assert found.nature == "estimate"
