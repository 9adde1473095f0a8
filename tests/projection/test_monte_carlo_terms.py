"""Influence functions of T0..T3 on the draws, against finite differences and repetitions."""

from __future__ import annotations

import numpy as np
import pytest

from infostat.families.newton import damped_newton
from infostat.families.whitening import Whitened, node_view
from infostat.projection.evaluation import Options, evaluate, evaluate_model
from infostat.projection.expansion import model_terms, raw_terms
from infostat.projection.monte_carlo_terms import influence_functions, monte_carlo_cov, third_moments
from tests.families import tilted_oracle as oracle

M, P, N = 40, 3, 30


class Problem:
    """A finite model that is tilted to the mean of some data, as a function of its base weights."""

    def __init__(self, model: bool) -> None:
        rng = np.random.default_rng(0)
        self.x = rng.normal(size=(M, P)) ** 3 / 3 + rng.normal(size=(M, P))
        self.base = rng.dirichlet(np.full(M, 5.0))
        self.data = 0.3 * rng.laplace(size=(N, P))
        self.w = rng.dirichlet(np.full(N, 5.0))
        self.model = model

    def solve(self, base: np.ndarray) -> tuple[np.ndarray, Whitened]:
        def log_partition(theta: np.ndarray) -> float:
            return float(np.log(base @ np.exp(self.x @ theta)))

        def weights(theta: np.ndarray) -> np.ndarray:
            return base * np.exp(self.x @ theta - log_partition(theta))

        def cov(theta: np.ndarray) -> np.ndarray:
            centred = self.x - weights(theta) @ self.x
            return centred.T @ (centred * weights(theta)[:, None])

        report = damped_newton(
            log_partition, lambda t: weights(t) @ self.x, cov, self.w @ self.data, np.zeros(P)
        )
        assert report.converged
        q = weights(report.theta)
        return q, node_view(lambda rows: rows, self.x, q)

    def terms(self, base: np.ndarray) -> np.ndarray:
        _, view = self.solve(base)
        if self.model:
            return model_terms(view)
        return raw_terms(view, view.rows(self.data), self.w, method="tensor").terms


@pytest.mark.parametrize("model", [False, True])
def test_influence_functions_are_derivatives_in_the_weights(model: bool) -> None:
    problem = Problem(model)
    q, view = problem.solve(problem.base)
    z, _ = view.nodes()
    rows = view.rows(problem.data)
    S = rows.T @ (rows * problem.w[:, None])
    truth = (None, None) if model else (S, third_moments(rows, problem.w))
    found = influence_functions(z, q, view.third(), *truth)
    np.testing.assert_allclose(q @ found, 0.0, atol=1e-13)
    step = 1e-5
    for b in range(0, M, 4):

        def moved(size: float, b: int = b) -> np.ndarray:
            # Moving the tilted weights towards draw b by moving the base weights.
            tilted = q * (1.0 - size)
            tilted[b] += size
            base = tilted * problem.base / q
            return problem.terms(base / base.sum())

        difference = (moved(step) - moved(-step)) / (2.0 * step)
        # Central differences: truncation step^2 times third derivatives, up to 1/q^2 = 1e5 of the value.
        np.testing.assert_allclose(found[b], difference, rtol=1e-5, atol=1e-5 * np.abs(difference).max())


def test_third_moments_by_einsum() -> None:
    rng = np.random.default_rng(1)
    z, w = rng.normal(size=(20, 3)), rng.dirichlet(np.ones(20))
    np.testing.assert_allclose(third_moments(z, w), np.einsum("b,bi,bj,bk->ijk", w, z, z, z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("moments", ["published", "kstat", "model"])
def test_the_covariance_is_that_of_repetitions(moments: str) -> None:
    data = oracle.rows()
    weights = np.full(len(data), 1.0 / len(data))
    theta, _ = oracle.projection(oracle.family().statistic(data).mean(axis=0))
    options = Options(float(len(data)), 1, moments)
    values, covs = [], []
    for seed in range(60):
        drawn = oracle.family().simulate_at(theta, draws=3200, rng=seed)
        if moments == "model":
            values.append(evaluate_model(drawn, theta))
            covs.append(monte_carlo_cov(drawn, theta, data, weights, options))
        else:
            found = evaluate(drawn, data, weights, options)
            values.append(found.terms)
            covs.append(monte_carlo_cov(drawn, found.theta, data, weights, options))
    spread = np.std(values, axis=0, ddof=1)
    claimed = np.sqrt(np.mean([np.diag(c) for c in covs], axis=0))
    first = 1 if moments == "model" else 0
    if moments == "model":
        assert claimed[0] == 0.0
    # The spread of 60 values has a relative sd of 0.09 (for a normal law; these are a little heavier).
    np.testing.assert_allclose(spread[first:], claimed[first:], rtol=5 * 0.09)
    corr = np.corrcoef(np.array(values)[:, first:].T)
    mean_cov = np.mean(covs, axis=0)[first:, first:]
    said = mean_cov / np.sqrt(np.outer(np.diag(mean_cov), np.diag(mean_cov)))
    np.testing.assert_allclose(corr, said, atol=0.35)
