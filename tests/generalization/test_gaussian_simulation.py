"""The task itself, its simulation, and the expectations that it checks."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import CheckpointError, InputError, InputTypeError
from infostat.generalization.gaussian_expectations import expected_layers
from infostat.generalization.gaussian_factorisation import factorise_mean
from infostat.generalization.gaussian_results import GaussianSimulation
from infostat.generalization.gaussian_task import BinaryGaussianTask

RANKS = [20, 12, 6, 3, 1]
LABEL = [2.17, 1.86, 1.59, 1.43, 1.31]
JOINT = [2.17, 2.01, 3.33, 5.97, 1.31]


@pytest.fixture(scope="module")
def study() -> GaussianSimulation:
    return BinaryGaussianTask(1.5, 1.0, 20).simulate(15, RANKS, [2, 2, 2], 1500, rng=0)


# -------------------------------------------------------------------------------------------- the task
def test_a_length_and_a_vector_are_the_same_task() -> None:
    short, vector = BinaryGaussianTask(5.0, 1.0, d=2), BinaryGaussianTask([3.0, 4.0], 1.0)
    assert short.norm == vector.norm == 5.0 and short.d == vector.d == 2
    assert short.mu.tolist() == [5.0, 0.0]
    assert short.exact_errors(3).test == vector.exact_errors(3).test
    assert short != vector and short == BinaryGaussianTask([5.0, 0.0], 1.0) and short != "task"
    assert repr(vector) == "BinaryGaussianTask(5, 1, d=2)"
    again = pickle.loads(pickle.dumps(vector))
    assert again == vector and hash(again) == hash(vector)


def test_the_mean_cannot_be_changed_from_outside() -> None:
    mu = np.array([1.0, 2.0])
    task = BinaryGaussianTask(mu, 1.0)
    mu[0] = 9.0
    assert task.mu.tolist() == [1.0, 2.0] and not task.mu.flags.writeable


def test_samples_follow_the_law() -> None:
    task = BinaryGaussianTask([1.0, -2.0, 0.0], 0.5)
    X, y = task.sample(20_000, rng=3)
    assert set(y.tolist()) == {-1.0, 1.0} and abs(y.mean()) < 5 / math.sqrt(20_000)
    v = y[:, None] * X
    assert (abs(v.mean(axis=0) - task.mu) < 5 * 0.5 / math.sqrt(20_000)).all()
    np.testing.assert_allclose(np.cov(v.T), 0.25 * np.eye(3), atol=5 * 0.25 * math.sqrt(2 / 20_000))
    again = task.sample(20_000, rng=np.random.SeedSequence(3))
    assert (again[0] == X).all() and (again[1] == y).all()


@pytest.mark.parametrize(
    ("mu", "sigma0", "d", "error", "message"),
    [
        (1.0, 1.0, None, InputError, "d must be given when mu is a single number"),
        ([1.0, 2.0], 1.0, 3, InputError, r"mu must be of length d = 3, got shape \(2,\)"),
        ([], 1.0, None, InputError, "mu must be of at least one coordinate"),
        (-1.0, 1.0, 2, InputError, "mu must be a number >= 0"),
        ([[1.0]], 1.0, None, InputError, "mu must be 0-dimensional or 1-dimensional"),
        ([math.nan], 1.0, None, InputError, "mu must be finite"),
        (1.0, 0.0, 2, InputError, "sigma0 must be a number > 0"),
        (1.0, -2.0, 2, InputError, "sigma0 must be a number > 0"),
        (1.0, math.nan, 2, InputError, "sigma0 must be"),
        (1.0, 1.0, 0, InputError, "d must be an integer from 1"),
        (1e200, 1.0, 2, InputError, "mu must be of moderate size"),
        (1.0, 1e-200, 2, InputError, "sigma0 must be of moderate size"),
        ("one", 1.0, 2, InputTypeError, "mu must be an array of real numbers"),
    ],
)
def test_bad_tasks(mu: Any, sigma0: Any, d: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        BinaryGaussianTask(mu, sigma0, d)


# ---------------------------------------------------------------------------------------- simulation
def test_worked_simulation(study: GaussianSimulation) -> None:
    assert study.gap == pytest.approx(0.215, rel=0.03)
    np.testing.assert_allclose(study.bound_label, LABEL, rtol=0.03)
    np.testing.assert_allclose(study.bound_joint, JOINT, rtol=0.03)
    assert study.nature == "estimate" and study.vacuous is False


def test_simulation_agrees_with_what_is_known_exactly(study: GaussianSimulation) -> None:
    assert abs(study.gap - study.exact_gap) < 5 * study.se
    assert (abs(study.kl - study.exact_kl) < 5 * study.kl_se).all()
    expected = expected_layers(1.5, 1.0, 15, np.array(RANKS), np.array([2.0, 2.0, 2.0]))
    for name, wanted in (("bound_label", expected.label), ("bound_joint", expected.joint), ("bound_kl", expected.kl)):
        assert (abs(getattr(study, name) - wanted) < 5 * getattr(study, f"{name}_se")).all()
    assert (abs(study.w2 - expected.w2) < 5 * study.w2_se).all()
    assert abs(study.w1[-1] - expected.distance[-1]) < 5 * study.w1_se[-1]


def test_label_bound_does_not_depend_on_the_gains_and_both_funnels_are_reported(study: GaussianSimulation) -> None:
    task = BinaryGaussianTask(1.5, 1.0, 20)
    found = {}
    for gains in ((0.5, 0.5, 0.5), (0.4, 3.0, 3.0)):
        other = task.simulate(15, RANKS, gains, 64, rng=0)
        same = task.simulate(15, RANKS, [2, 2, 2], 64, rng=0)
        np.testing.assert_allclose(other.bound_label, same.bound_label, rtol=1e-12)
        found[gains] = (other.funnel_distance, other.funnel_bound)
    # The distance has inner minima, the bound has not (trap 6).
    assert found == {(0.5, 0.5, 0.5): (3, 4), (0.4, 3.0, 3.0): (1, 4)}
    assert (study.funnel_distance, study.funnel_bound) == (0, 4)
    assert (np.diff(study.bound_label) < 0.0).all()


def test_every_bound_holds(study: GaussianSimulation) -> None:
    for bound in (study.bound_kl, study.bound_label, study.bound_joint):
        assert (bound > study.exact_gap).all()
    assert (study.bound_label <= study.bound_joint * (1 + 1e-12)).all()
    assert (study.w1_lower <= study.w2).all()


def test_layer_numbers_of_a_replicate_are_those_of_its_weights() -> None:
    # The simulation never builds the weights; this does.
    from infostat.generalization.gaussian_simulation import _layers

    task, n = BinaryGaussianTask([1.0, 0.5, 0.0, 0.0], 0.8), 6
    ranks, gains = np.array([4, 3, 2, 1]), np.array([2.0, 0.3])
    m = np.array([1.1, 0.2, -0.4, 0.3])
    payload = {"ranks": ranks, "gains": gains, "sigma0": 0.8, "n": n}
    found = _layers(m - task.mu, m, float(np.linalg.norm(m)), payload, np.random.default_rng(8))
    direct = task.layer_divergences(factorise_mean(m, ranks, gains, np.random.default_rng(8)), m, n)
    for name in ("kl", "w2", "w1", "w1_lower", "lipschitz"):
        np.testing.assert_allclose(found[name], getattr(direct, name), rtol=1e-10)


@pytest.mark.parametrize("loss", ["hinge", "logistic", "linear"])
def test_other_losses(loss: str) -> None:
    found = BinaryGaussianTask(1.0, 1.0, 3).simulate(4, [3, 2, 1], [1.0], 800, loss=loss, rng=2)
    assert abs(found.gap - found.exact_gap) < 5 * found.se
    assert found.exact_gap == pytest.approx(BinaryGaussianTask(1.0, 1.0, 3).exact_errors(4, loss).gap, rel=1e-10)


def test_one_training_point_has_infinite_kl_and_finite_distances() -> None:
    found = BinaryGaussianTask(1.0, 1.0, 3).simulate(1, [3, 2, 1], [1.0], 20, rng=2)
    assert np.isposinf(found.kl).all() and (found.kl_se == 0.0).all()
    assert np.isfinite(found.bound_label).all() and np.isposinf(found.bound_kl).all()


def test_narrow_tasks() -> None:
    found = BinaryGaussianTask(1.0, 1.0, 1).simulate(3, [1, 1, 1], [0.5], 50, rng=1)
    assert np.isfinite(found.w1).all()
    np.testing.assert_allclose(found.bound_label, found.bound_label[0], rtol=1e-12)
    assert BinaryGaussianTask(1.0, 1.0, 4).simulate(3, [4, 1], [], 20, rng=1).gains.shape == (0,)


def test_unclear_funnel_is_flagged() -> None:
    # Equal means and a large loss of spread: n = 1 leaves W1 of the wide layers between 0-ish and W2.
    found = BinaryGaussianTask(0.0, 1.0, 3).simulate(1, [3, 2, 1], [0.9], 50, rng=4)
    assert "funnel_distance_unsure" in found.flags
    assert "[funnel_distance_unsure]" in str(found.summary())


def test_numbers_do_not_depend_on_workers_and_resume(tmp_path: Path) -> None:
    task = BinaryGaussianTask(1.0, 1.0, 4)
    args: tuple[Any, ...] = (5, [4, 2, 1], [1.5], 40)
    alone = task.simulate(*args, rng=7)
    assert task.simulate(*args, rng=7, n_jobs=2, batch_size=1) == alone
    seen: list[tuple[int, int]] = []
    path = tmp_path / "study.npz"
    first = task.simulate(*args, rng=7, checkpoint=path, progress=lambda done, total: seen.append((done, total)))
    assert first == alone and seen[-1] == (40, 40)
    assert task.simulate(*args, checkpoint=path) == alone
    with pytest.raises(CheckpointError):
        BinaryGaussianTask(2.0, 1.0, 4).simulate(*args, checkpoint=path)
    assert task.simulate(*args, rng=alone.seed) == alone


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "zero_one"}, "this one jumps, so that it has no Lipschitz constant"),
        ({"loss": "quadratic"}, "loss must be one of 'hinge', 'logistic', 'linear'"),
        ({"loss": "exponential"}, "loss must be one of"),
        ({"ranks": [4, 2]}, "ranks must be two or more, the last one 1"),
        ({"ranks": [4, 5, 1]}, "non-increasing"),
        ({"gains": [1.0, 2.0]}, "gains must be of length 1"),
        ({"gains": [-1.0]}, "gains must be positive, got -1"),
        ({"n": 0}, "n must be an integer (>= 1|from 1 to .*), got 0"),
        ({"replicates": 1}, "replicates must be an integer (>= 2|from 2 to .*), got 1"),
    ],
)
def test_bad_simulations(options: dict[str, Any], message: str) -> None:
    given_args: dict[str, Any] = {"n": 5, "ranks": [4, 2, 1], "gains": [1.0], "replicates": 10, **options}
    with pytest.raises(InputError, match=message):
        BinaryGaussianTask(1.0, 1.0, 4).simulate(**given_args)


def test_results_round_trip_and_draw(study: GaussianSimulation, tmp_path: Path) -> None:
    task = BinaryGaussianTask([1.0, 0.0, 0.5], 1.0)
    weights = [[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [[1.0, 2.0]]]
    layers = task.layer_divergences(weights, [1.1, 0.1, 0.2], 6)
    for result in (study, layers, task.exact_errors(5), task.exact_errors([5, 10], "hinge")):
        assert type(result).from_dict(result.to_dict()) == result
        assert len(repr(result)) < 200 and "Nature" in str(result.summary())
        assert result.save(tmp_path / "figure.png").stat().st_size > 1000
    assert list(layers.to_frame().columns) == ["layer", "kl", "w2", "w1", "w1_lower", "rank", "lipschitz"]
    assert list(task.exact_errors([5, 10]).to_frame().columns) == ["n", "test", "train", "gap"]
    assert study.to_frame()["exact_kl"].tolist() == study.exact_kl.tolist()


# --------------------------------------------------------------------------------------- expectations
def test_expectations_reproduce_the_closed_form_of_the_kl() -> None:
    # E KL is known; the quadrature of its square root must stay below the root of the mean (Jensen), closely.
    task, n = BinaryGaussianTask(1.0, 1.0, 10), 40
    ranks = np.array([10, 4, 1])
    found = expected_layers(1.0, 1.0, n, ranks, np.array([1.0]))
    second = 1.0 + 10 / n  # E |m|^2
    limit = np.sqrt(second * 2.0 * task.expected_layer_kl(ranks, n))
    assert (found.kl < limit).all() and (found.kl > 0.7 * limit).all()


@pytest.mark.parametrize("norm", [0.0, 1e-8, 0.3, 2.0, 1e4])
@pytest.mark.parametrize(("d", "n"), [(1, 4), (2, 1), (3, 50), (150, 10**7)])
def test_expected_distance_of_the_means_is_that_of_a_chi_variable(norm: float, d: int, n: int) -> None:
    # At the input E |m - mu| = s E chi_d whatever mu is, but the quadrature runs over length and angle of m.
    found = expected_layers(norm, 1.0, n, np.array([d, 1]), np.empty(0))
    wanted = math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2)) * math.sqrt(2.0 / n)
    assert found.distance_lower[0] == pytest.approx(wanted, rel=1e-6)


@given(
    norm=st.floats(0.0, 3.0), n=st.integers(1, 200), d=st.integers(1, 30), data=st.data(), gain=st.floats(0.2, 4.0)
)
@settings(max_examples=25, deadline=None)
def test_expected_bounds_are_ordered(norm: float, n: int, d: int, data: Any, gain: float) -> None:
    inner = sorted(data.draw(st.lists(st.integers(1, d), min_size=1, max_size=3)), reverse=True)
    ranks = np.array([d, *inner, 1])
    found = expected_layers(norm, 1.0, n, ranks, np.full(len(inner), gain))
    gap = BinaryGaussianTask(norm, 1.0, d).exact_errors(n, "hinge").gap
    assert (np.diff(found.label) <= 1e-5 * found.label[0]).all()
    assert (found.label <= found.joint * (1 + 1e-12)).all() and (found.label >= gap * (1 - 1e-5)).all()
    assert (found.distance_lower <= found.distance * (1 + 1e-9)).all()
    assert (found.distance <= found.w2 * (1 + 1e-9)).all()
    # The KL form of a Lipschitz loss is never below the Wasserstein form (transport inequality).
    assert (found.label <= found.kl * (1 + 1e-9)).all()
