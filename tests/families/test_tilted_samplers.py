"""The Gibbs sampler: loops equal the twin, and draws follow the law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import SeedSequence
from scipy import integrate, stats

from infostat.core.jit import DISABLE_VARIABLE
from infostat.families.base_columns import base_column
from infostat.families.chain_diagnostics import effective_size
from infostat.families.products import monomials
from infostat.families.tilted_kernels import run_chains, uniform_bits
from infostat.families.tilted_samplers import ChainRun, base_states, build_structure, run_sampler
from tests.families.test_base_columns import LAWS

MIXED = [stats.beta(2, 3), stats.norm(0, 1), ([1, 2, 3], [0.2, 0.5, 0.3]), stats.logistic(0, 0.5)]
PRODUCTS = [(0, 1), (1, 2), (0, 3), (0, 0), (1, 1, 2)]
THETA = np.array([1.0, 0.5, -1.0, 2.0, -0.3])


def _run(
    base: list[Any], products: list[tuple[int, ...]], theta: np.ndarray, *, draws: int, seed: int = 1, **options: Any
) -> ChainRun:
    columns = [base_column(entry, j) for j, entry in enumerate(base)]
    states = base_states(columns, options.pop("chains", 32), SeedSequence(seed, spawn_key=(9,)))
    structure = build_structure(columns, products)
    burn_in = options.pop("burn_in", 50)
    return run_sampler(columns, structure, theta, states, SeedSequence(seed), draws=draws, burn_in=burn_in, **options)


def test_the_twin_draws_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = _run(MIXED, PRODUCTS, THETA, draws=8, burn_in=4, chains=6)
    monkeypatch.setenv(DISABLE_VARIABLE, "1")
    plain = _run(MIXED, PRODUCTS, THETA, draws=8, burn_in=4, chains=6)
    # Exponentials and logarithms may differ in the last digit; a choice would differ altogether.
    np.testing.assert_allclose(plain.draws, fast.draws, rtol=1e-12)
    assert run_chains.twin is not None


def test_draws_do_not_depend_on_threads() -> None:
    alone = _run(MIXED, PRODUCTS, THETA, draws=10)
    pair = _run(MIXED, PRODUCTS, THETA, draws=10, n_jobs=2)
    np.testing.assert_array_equal(alone.draws, pair.draws)
    np.testing.assert_array_equal(alone.states, pair.draws[:, -1])


def test_uniforms_are_uniform_and_inside() -> None:
    step = 0x9E3779B97F4A7C15
    states = np.array([(k * step) % 2**64 for k in range(1, 20_001)], dtype=np.uint64)
    u = uniform_bits.twin(states)
    assert u.min() > 0.0 and u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert uniform_bits(states[0]) == u[0]


def test_uniforms_are_those_of_splitmix64() -> None:
    # First output of SplitMix64 with seed 0 in the reference implementation: 0xE220A8397B1DCDAF.
    first = uniform_bits.twin(np.array([0x9E3779B97F4A7C15], dtype=np.uint64))
    assert first[0] == ((0xE220A8397B1DCDAF >> 11) + 0.5) * 2.0**-53


@pytest.mark.parametrize("name", [*sorted(LAWS), "logistic"])
def test_one_tilted_column_has_the_right_moments(name: str) -> None:
    law = LAWS.get(name) or stats.logistic(0.0, 0.5)
    theta = np.array([0.4, -0.2]) / law.std()
    run = _run([law], [(0,), (0, 0)], theta, draws=400, seed=7)
    low, high = law.support()
    low, high = max(low, law.ppf(1e-12)), min(high, law.isf(1e-12))

    def weight(x: float, k: int) -> float:
        return float(x**k * np.exp(theta[0] * x + theta[1] * x * x) * law.pdf(x))

    middle = law.median()
    total, first, second = (
        sum(integrate.quad(weight, *ends, args=(k,), limit=400)[0] for ends in ((low, middle), (middle, high)))
        for k in range(3)
    )
    x = run.draws[:, :, 0]
    for k, exact in ((1, first / total), (2, second / total)):
        error = (x**k).std() / np.sqrt(effective_size(x**k)[0])
        assert abs((x**k).mean() - exact) < 4.5 * error


def test_a_discrete_law_by_enumeration() -> None:
    base = [([0, 1], [1, 1]), ([-1, 1], [1, 2]), ([0, 1, 2], [0.5, 0.3, 0.2])]
    products = [(0, 1), (1, 2), (0, 1, 2)]
    theta = np.array([0.8, -0.5, 0.6])
    cells = np.array([[a, b, c] for a in (0, 1) for b in (-1, 1) for c in (0, 1, 2)], dtype=float)
    weight = np.array([[1, 2][int(b > 0)] * [0.5, 0.3, 0.2][int(c)] for _, b, c in cells])
    weight = weight * np.exp(monomials(cells, products) @ theta)
    exact = weight / weight.sum()
    run = _run(base, products, theta, draws=1000, thin=10)
    rows = run.draws.reshape(-1, 3)
    counts = np.array([(rows == cell).all(axis=1).sum() for cell in cells])
    # Ten sweeps between draws leave them independent for all that this test can see.
    assert stats.chisquare(counts, len(rows) * exact).pvalue > 1e-4


def test_a_normal_pair_in_closed_form() -> None:
    # exp(t x y) times two standard normals: correlation t, variance 1/(1 - t^2).
    t = 0.6
    run = _run([stats.norm(), stats.norm()], [(0, 1)], np.array([t]), draws=1000)
    x, y = run.draws[:, :, 0], run.draws[:, :, 1]
    for value, exact in ((x * y, t / (1 - t * t)), (x * x, 1 / (1 - t * t)), (x, 0.0)):
        error = value.std() / np.sqrt(effective_size(value)[0])
        assert abs(value.mean() - exact) < 4.5 * error


def test_a_pole_of_the_base_density_is_no_trap() -> None:
    law = stats.beta(0.5, 0.5)
    run = _run([law], [(0,)], np.zeros(1), draws=300)
    assert stats.kstest(run.draws[:, ::3].ravel(), law.cdf).pvalue > 1e-4


def test_base_states_are_draws_of_the_base() -> None:
    columns = [base_column(entry, j) for j, entry in enumerate(MIXED)]
    states = base_states(columns, 5000, SeedSequence(3))
    assert stats.kstest(states[:, 0], MIXED[0].cdf).pvalue > 1e-4
    assert stats.kstest(states[:, 3], MIXED[3].cdf).pvalue > 1e-4
    assert set(np.unique(states[:, 2])) == {1.0, 2.0, 3.0}
