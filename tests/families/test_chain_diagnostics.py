"""Split R-hat, effective size and batch means against chains whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from infostat.core.errors import InputError
from infostat.families.chain_diagnostics import batch_means_cov, effective_size, split_rhat


def _autoregressive(rho: float, chains: int, length: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.empty((chains, length))
    x[:, 0] = rng.normal(size=chains)
    noise = rng.normal(size=(chains, length)) * np.sqrt(1.0 - rho**2)
    for t in range(1, length):
        x[:, t] = rho * x[:, t - 1] + noise[:, t]
    return x


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, -0.4])
def test_effective_size_of_an_autoregression(rho: float) -> None:
    x = _autoregressive(rho, 16, 4000)
    exact = x.size * (1.0 - rho) / (1.0 + rho)
    # The sum of autocorrelations over a window of some 6 correlation times has a relative error of
    # about sqrt(4 window/draws), here below 0.12.
    assert effective_size(x)[0] == pytest.approx(exact, rel=0.15)


def test_rhat_formula_on_a_small_case() -> None:
    x = np.random.default_rng(3).normal(size=(3, 10)) + np.array([[0.0], [0.5], [1.0]])
    halves = np.concatenate([x[:, :5], x[:, 5:]])
    within = np.mean([np.var(h, ddof=1) for h in halves])
    between = np.var([h.mean() for h in halves], ddof=1)
    assert split_rhat(x)[0] == pytest.approx(np.sqrt(0.8 + between / within), rel=1e-13)


def test_rhat_sees_a_trend_and_a_stuck_chain() -> None:
    x = _autoregressive(0.0, 4, 1000)
    assert split_rhat(x)[0] < 1.01
    assert split_rhat(x + np.linspace(0, 2, 1000))[0] > 1.05
    stuck = x.copy()
    stuck[0] += 1.0
    assert split_rhat(stuck)[0] > 1.05
    assert effective_size(stuck)[0] < 0.05 * x.size


def test_several_quantities_and_constants() -> None:
    x = _autoregressive(0.3, 4, 500)
    both = np.stack([x, np.ones_like(x)], axis=2)
    assert np.isnan(effective_size(both)[1])
    assert np.isnan(split_rhat(both)[1])
    assert effective_size(both)[0] == effective_size(x)[0]


def test_batch_means_estimate_the_variance_of_a_sum() -> None:
    rng = np.random.default_rng(5)
    chains, repetitions = 16, 2000
    values = rng.normal(size=(repetitions, chains, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]])
    found = np.mean([batch_means_cov(v) for v in values], axis=0)
    exact = chains * np.array([[1.0, 0.5], [0.5, 1.25]])
    # Relative sd of a variance from 16 contributions is 0.37; of the mean of 2000 of them 0.008.
    np.testing.assert_allclose(found, exact, rtol=0.05)


def test_bad_shapes() -> None:
    for bad in (np.zeros(5), np.zeros((3, 3)), np.zeros((2, 2, 2, 2))):
        with pytest.raises(InputError, match="draws must have the shape"):
            split_rhat(bad)
        with pytest.raises(InputError, match="draws must have the shape"):
            effective_size(bad)
