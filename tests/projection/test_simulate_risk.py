"""Simulated estimation risks against exact ones, for every way of giving a truth."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from infostat.core.errors import BoundaryProjectionError, CheckpointError, InputError, InputTypeError
from infostat.families.gamma import Gamma
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.product import ProductFamily
from infostat.projection import exact_risk
from infostat.projection.simulation import simulate_risk
from infostat.projection.simulation_judges import GenericJudge, gamma_shapes, judge_for
from infostat.projection.simulation_result import RiskSimulation


def _agrees(found: RiskSimulation, exact, sigmas: float = 5.0) -> None:
    for name in ("risk", "reverse_risk", "optimism"):
        gap = np.abs(np.asarray(getattr(found, name)) - getattr(exact, name))
        assert (gap <= sigmas * np.asarray(getattr(found, name + "_se"))).all(), name


# ------------------------------------------------------------------- exact risks are the oracle
def test_exponential() -> None:
    _agrees(
        simulate_risk(stats.expon(scale=3), "exponential", [10, 100], 20_000, rng=1),
        exact_risk("exponential", [10, 100]),
    )


def test_exponential_model_on_gamma_data() -> None:
    law = stats.gamma(3)
    found = simulate_risk(law, "exponential", [10, 40], 20_000, rng=2)
    _agrees(found, exact_risk("exponential", [10, 40], truth=law))


def test_normal_from_its_statistics() -> None:
    _agrees(simulate_risk(None, "normal", [12, 60], 20_000, theta=[0.5, -2.0], rng=3), exact_risk("normal", [12, 60]))


@pytest.mark.parametrize("structure", ["full", "diagonal"])
def test_multivariate_normal(structure) -> None:
    family = MultivariateNormal(structure, n_vars=3)
    cov = np.diag([1.0, 2.0, 0.5]) + (0.3 if structure == "full" else 0.0)
    if structure == "diagonal":
        cov = np.diag(np.diag(cov))
    theta = family.natural(mean=[1, 2, 3], cov=cov)
    _agrees(simulate_risk(None, family, [20, 80], 10_000, theta=theta, rng=4), exact_risk(family, [20, 80]))


def test_rows_and_statistics_of_a_normal_law_tell_the_same() -> None:
    rows = simulate_risk(lambda size, rng: rng.normal(2.0, 3.0, size), "normal", 30, 10_000, rng=5)
    _agrees(rows, exact_risk("normal", 30))
    assert rows.flags == ("population_sampled",)


def test_bernoulli_conditional_on_an_interior_estimate() -> None:
    truth = ([0, 1], [0.7, 0.3])
    found = simulate_risk(truth, "bernoulli", [8, 50], 20_000, rng=6)
    exact = exact_risk("bernoulli", [8, 50], truth=truth)
    _agrees(found, exact)
    share = exact.excluded[0]
    assert abs(found.n_excluded[0] / 20_000 - share) < 5 * np.sqrt(share / 20_000)
    assert "boundary_excluded" in found.flags


def test_categorical_against_enumeration() -> None:
    from itertools import product
    from math import lgamma

    prob, n = np.array([0.5, 0.3, 0.2]), 12
    total = weight = 0.0
    for a, b in product(range(1, n), range(1, n)):
        c = n - a - b
        if c < 1:
            continue
        counts = np.array([a, b, c])
        mass = np.exp(lgamma(n + 1) - sum(lgamma(k + 1) for k in counts) + counts @ np.log(prob))
        total += mass * float(prob @ np.log(prob * n / counts))
        weight += mass
    found = simulate_risk((["a", "b", "c"], prob), "categorical", n, 20_000, rng=7)
    assert abs(found.risk - total / weight) < 5 * found.risk_se


def test_gamma_second_order_on_a_misspecified_truth() -> None:
    found = simulate_risk(stats.uniform(), "gamma", 200, 20_000, rng=8)
    # remainder/n of the expansion at n = 200 is about a tenth of a2
    assert abs(found.scaled_remainder - found.terms.a2) < 5 * found.scaled_remainder_se + 0.15 * found.terms.a2


def test_laplace_truth_approaches_the_second_coefficient_of_the_spec() -> None:
    found = simulate_risk(stats.laplace(), "normal", 100, 40_000, rng=9)
    assert found.terms.a2 == pytest.approx(8.2083333333, abs=1e-8)
    assert abs(found.scaled_remainder - 9.8) < 5 * np.hypot(found.scaled_remainder_se, 0.35)


# ------------------------------------------------------------------------------------ identities
@pytest.mark.parametrize(
    ("family", "law"),
    [
        ("normal", stats.laplace()),
        ("gamma", stats.uniform(0.1, 1)),
        ("poisson", stats.binom(9, 0.3)),
        ("exponential", stats.uniform()),
    ],
)
def test_array_form_and_projection_sample_by_sample(family, law) -> None:
    from infostat.families.registry import get_family

    chosen = get_family(family)
    rows = law.rvs(size=(40, 25), random_state=np.random.default_rng(1)).astype(float)
    eta = chosen.raw_statistic(rows.ravel()).mean(axis=0)
    theta = chosen.project(eta)
    fast, slow = judge_for(chosen, theta), GenericJudge(chosen, theta)
    assert fast.fast
    a, b = fast.compare(fast.from_rows(rows)), slow.compare(slow.from_rows(rows))
    np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-13)


def test_multivariate_form_and_projection_sample_by_sample() -> None:
    g = np.random.default_rng(2)
    rows = g.laplace(size=(20, 30, 3))
    for structure in ("full", "diagonal"):
        family = MultivariateNormal(structure, n_vars=3)
        theta = family.project(family.raw_statistic(rows.reshape(-1, 3)).mean(axis=0))
        fast, slow = judge_for(family, theta), GenericJudge(family, theta)
        np.testing.assert_allclose(
            fast.compare(fast.from_rows(rows)), slow.compare(slow.from_rows(rows)), rtol=1e-7, atol=1e-12
        )


def test_rows_and_counts_give_the_same_statistics() -> None:
    points = np.array([0.5, 1.0, 2.5])
    counts = np.array([[3, 4, 5], [1, 1, 10]])
    rows = np.array([np.repeat(points, c) for c in counts])
    for family, theta in (("normal", [0.3, -1.0]), ("gamma", [2.0, -1.5]), ("exponential", [-1.0])):
        from infostat.families.registry import get_family

        judge = judge_for(get_family(family), np.array(theta))
        np.testing.assert_allclose(judge.from_counts(points, counts / 12), judge.from_rows(rows), rtol=1e-13)


def test_shapes_of_gamma_laws_against_a_root_finder() -> None:
    from scipy.optimize import brentq
    from scipy.special import digamma

    gaps = np.geomspace(1e-6, 30.0, 25)
    own = gamma_shapes(gaps)
    for gap, a in zip(gaps, own, strict=True):
        exact = brentq(lambda x, g: np.log(x) - digamma(x) - g, 1e-3, 1e7, args=(gap,), xtol=1e-300, rtol=1e-14)
        assert a == pytest.approx(exact, rel=1e-7 if gap < 1e-4 else 1e-11)


def test_optimism_is_the_sum() -> None:
    found = simulate_risk(stats.gamma(2), Gamma(), 30, 500, rng=1)
    assert found.optimism == pytest.approx(found.risk + found.reverse_risk, rel=1e-14)


def test_blocks_share_seeds_whatever_the_workers() -> None:
    one = simulate_risk(stats.laplace(), "normal", [20, 40], 5000, rng=1)
    two = simulate_risk(stats.laplace(), "normal", [20, 40], 5000, rng=1, n_jobs=2, batch_size=1)
    assert one == two


def test_families_without_an_array_form() -> None:
    law = ProductFamily(["exponential", "exponential"])
    found = simulate_risk(None, law, 30, 400, theta=[-1.0, -2.0], rng=1)
    exact = exact_risk("exponential", 30)
    assert abs(found.risk - 2 * exact.risk) < 5 * found.risk_se
    assert not judge_for(law, np.array([-1.0, -2.0])).fast


def test_a_single_size_gives_scalars(tmp_path) -> None:
    found = simulate_risk(stats.norm(), "normal", 50, 100, rng=1)
    assert isinstance(found.risk, float) and isinstance(found.n_excluded, int)
    assert RiskSimulation.from_dict(found.to_dict()) == found
    assert len(found.to_frame()) == 1
    found.save(tmp_path / "s.png")


# ---------------------------------------------------------------------------------- checkpoints
_STUDY = """
import os, signal, sys
from scipy import stats
from infostat.core import replicates
from infostat.families.beta import Beta
from infostat.projection.simulation import simulate_risk

replicates.FLUSH_SECONDS = 0.0
seen = []

def report(done, total):
    seen.append(done)
    if len(sys.argv) > 2 and done >= 120:
        os.kill(os.getpid(), signal.SIGKILL)

found = simulate_risk(stats.uniform(), Beta(), [30, 60], 400, rng=5, checkpoint=sys.argv[1], progress=report)
print(repr((found.risk.tolist(), found.optimism_se.tolist(), found.n_excluded.tolist())))
print(seen[0], file=sys.stderr)
"""


def _study(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _STUDY, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_killed_study_resumes_bit_for_bit(tmp_path) -> None:
    whole = _study(tmp_path / "whole.npz")
    killed = _study(tmp_path / "killed.npz", "kill")
    assert whole.returncode == 0 and killed.returncode == -signal.SIGKILL
    again = _study(tmp_path / "killed.npz")
    assert again.returncode == 0 and int(again.stderr) >= 20  # what was finished is not computed again
    assert again.stdout == whole.stdout


def test_a_resumed_part_is_not_computed_again(tmp_path) -> None:
    store = tmp_path / "part.npz"
    calls: list[int] = []

    def stop(done: int, total: int) -> None:
        calls.append(done)
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_risk(None, _beta(), 30, 200, theta=[2.0, 3.0], rng=5, checkpoint=store, progress=stop)
    seen: list[int] = []
    found = simulate_risk(
        None, _beta(), 30, 200, theta=[2.0, 3.0], rng=5, checkpoint=store, progress=lambda a, b: seen.append(a)
    )
    assert seen[0] >= 40
    assert found == simulate_risk(None, _beta(), 30, 200, theta=[2.0, 3.0], rng=5)


def _beta():  # type: ignore[no-untyped-def]
    from infostat.families.beta import Beta

    return Beta()


@pytest.mark.parametrize("change", [{"n": 31}, {"theta": [2.0, 3.5]}, {"rng": 6}, {"replicates": 300}])
def test_a_checkpoint_of_another_study_is_refused_and_kept(tmp_path, change) -> None:
    store = tmp_path / "c.npz"
    base = {"n": 30, "theta": [2.0, 3.0], "rng": 5, "replicates": 200}

    def run(n, theta, rng, replicates):  # type: ignore[no-untyped-def]
        return simulate_risk(None, _beta(), n, replicates, theta=theta, rng=rng, checkpoint=store)

    run(**base)
    before = store.read_bytes()
    with pytest.raises(CheckpointError):
        run(**(base | change))
    assert store.read_bytes() == before and os.path.exists(store)


# ------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("truth", "family", "n", "replicates", "options", "error", "words"),
    [
        (None, "normal", 10, 100, {}, InputError, "exactly one of truth and theta"),
        (stats.norm(), "normal", 10, 100, {"theta": [0, -1]}, InputError, "exactly one"),
        (stats.norm(), "normal", 1, 100, {}, InputError, "n must"),
        (stats.norm(), "normal", 10.5, 100, {}, (InputError, InputTypeError), "n must"),
        (stats.norm(), "normal", [], 100, {}, InputError, "n must"),
        (stats.norm(), "normal", 10, 1, {}, InputError, "replicates"),
        (3, "normal", 10, 100, {}, InputTypeError, "truth must"),
        (lambda size: 1, "normal", 10, 100, {}, InputTypeError, "draw"),
        (lambda size, rng: rng.normal(size=3), "normal", 10, 100, {}, InputError, "as many rows"),
        (stats.cauchy(), "normal", 10, 100, {}, InputError, "integrated"),
        (stats.norm(), MultivariateNormal(n_vars=2), 10, 100, {}, InputError, "one variable"),
        (([0, 1], [0.999999, 0.000001]), "bernoulli", 2, 50, {}, BoundaryProjectionError, "larger samples"),
    ],
)
def test_bad_input(truth, family, n, replicates, options, error, words) -> None:
    with pytest.raises(error, match=words):
        simulate_risk(truth, family, n, replicates, rng=1, **options)


def test_a_function_resumes_with_the_seed_of_the_file(tmp_path) -> None:
    def draw(size, rng):
        return rng.exponential(size=size)

    first = simulate_risk(draw, "normal", 20, 50, checkpoint=tmp_path / "run.ckpt")
    again = simulate_risk(draw, "normal", 20, 50, checkpoint=tmp_path / "run.ckpt")
    by_seed = simulate_risk(draw, "normal", 20, 50, rng=first.seed)
    assert first.risk == again.risk == by_seed.risk
