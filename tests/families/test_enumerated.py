"""Families on finitely many cells: sums over the cells against brute force and identities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import BoundaryProjectionError, InputError
from infostat.families.enumerated import EnumeratedFamily
from infostat.families.finite_support import FiniteSupport
from infostat.families.ising import Ising
from infostat.families.log_linear import LogLinear

EPS = float(np.finfo(float).eps)


def _random_family(seed: int) -> tuple[FiniteSupport, np.random.Generator]:
    """A finite family with p statistics on 2p + 4 points, well conditioned by the size of the support."""
    rng = np.random.default_rng(seed)
    p = int(rng.integers(1, 5))
    values = rng.normal(size=(2 * p + 4, p)) * 10.0 ** rng.uniform(-2, 2, p) + rng.normal(size=p)
    return FiniteSupport(np.arange(len(values)), values, log_base=rng.normal(size=len(values))), rng


def _scaled_theta(family: FiniteSupport, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=family.n_params()) / np.ptp(family.cells().statistics, axis=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_probabilities_are_the_definition(seed: int) -> None:
    family, rng = _random_family(seed)
    theta = _scaled_theta(family, rng)
    cells = family.cells()
    raw = np.exp(cells.statistics @ theta + cells.log_base)
    np.testing.assert_allclose(family.probabilities(theta), raw / raw.sum(), rtol=1e-12)
    assert family.log_partition(theta) == pytest.approx(np.log(raw.sum()), abs=1e-12 * max(1.0, abs(raw.sum())))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_pythagorean_relation(seed: int) -> None:
    """KL(g || p_theta) = KL(g || p_star) + KL(p_star || p_theta) for every theta, exactly."""
    family, rng = _random_family(seed)
    g = rng.dirichlet(np.ones(len(family.points)))
    star = family.fit(family.points, g).theta
    p_star, p_theta = family.probabilities(star), family.probabilities(_scaled_theta(family, rng))
    kl = lambda a, b: float(a @ (np.log(a) - np.log(b)))  # noqa: E731
    assert kl(g, p_theta) == pytest.approx(kl(g, p_star) + kl(p_star, p_theta), rel=1e-9, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_projection_minimises_the_divergence(seed: int) -> None:
    """The gradient E_theta xi - E_g xi vanishes, and neighbours are worse."""
    family, rng = _random_family(seed)
    g = rng.dirichlet(np.ones(len(family.points)))
    fit = family.fit(family.points, g)
    scale = np.sqrt(np.diag(family.cov(fit.theta)))
    np.testing.assert_allclose(family.mean(fit.theta) / scale, fit.eta / scale, atol=1e-10)
    nearby = fit.theta + 1e-3 * rng.normal(size=len(scale)) / scale
    assert g @ family.logpdf(family.points, nearby) < g @ family.logpdf(family.points, fit.theta)


def test_statistics_far_from_zero_keep_their_digits() -> None:
    """A support at 1e9 is the support at 0: same probabilities, cumulants and theta."""
    near, far = FiniteSupport([0.0, 1.0, 2.0]), FiniteSupport(1e9 + np.array([0.0, 1.0, 2.0]))
    g = np.array([0.5, 0.1, 0.4])
    a, b = near.fit(near.points, g), far.fit(far.points, g)
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-12)
    for order in (2, 3, 4):
        np.testing.assert_allclose(near.cumulants(a.theta, order), far.cumulants(b.theta, order), rtol=1e-11)
    np.testing.assert_allclose(near.logpdf([0, 1], a.theta), far.logpdf([1e9, 1e9 + 1], b.theta), rtol=1e-12)


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_rescaled_statistics_give_the_rescaled_parameter(factor: float) -> None:
    points = np.arange(6.0)
    values = np.column_stack([points, points**2])
    g = np.array([0.3, 0.1, 0.2, 0.1, 0.1, 0.2])
    one = FiniteSupport(points, values).fit(points, g).theta
    other = FiniteSupport(points, values * [1.0, factor]).fit(points, g).theta
    np.testing.assert_allclose(other * [1.0, factor], one, rtol=1e-9)


def test_large_families_need_no_fourth_order_array() -> None:
    """p = 78 on 4096 cells: third and fourth cumulants of one projection u . xi, by the sum over cells."""
    family = Ising(12)
    rng = np.random.default_rng(0)
    theta = np.concatenate([rng.normal(size=12) - 0.5, 0.3 * rng.normal(size=66)])
    u, v = rng.normal(size=(2, 78))
    prob = family.probabilities(theta)
    s, t = (family.cells().statistics @ w for w in (u, v))
    s, t = s - prob @ s, t - prob @ t
    k3 = family.cumulants(theta, 3)
    assert np.einsum("ijk,i,j,k", k3, u, u, v) == pytest.approx(prob @ (s * s * t), rel=1e-9)
    fourth = prob @ (s * t) ** 2 - (prob @ s**2) * (prob @ t**2) - 2 * (prob @ (s * t)) ** 2
    S = 0.5 * (np.outer(u, v) + np.outer(v, u))
    # K4[S, S] for S = sym(u v') is the cumulant (u, u, v, v).
    direct = prob @ (s * t) ** 2 - prob @ s**2 * (prob @ t**2) - 2 * (prob @ (s * t)) ** 2
    quadratic = family.contract_fourth(theta, S)
    # (tr S C)^2 + 2 tr(S C S C) is (u'Cv)^2 + (u'Cu)(v'Cv) + (u'Cv)^2: the same three pairings.
    assert quadratic == pytest.approx(direct, rel=1e-9)
    assert fourth == direct
    with pytest.raises(InputError, match="contract_fourth"):
        family.cumulants(theta, 4)


def test_newton_from_a_warm_start_and_from_a_bad_one() -> None:
    family = Ising(4)
    rng = np.random.default_rng(2)
    theta = rng.normal(size=10)
    eta = family.mean(theta)
    for start in (None, theta + 0.01, np.full(10, 30.0), np.full(10, -200.0)):
        np.testing.assert_allclose(family.solve(eta, start).theta, theta, atol=1e-10)


@pytest.mark.parametrize("share", [1e-6, 1e-9, 1e-11])
def test_rare_cells_are_fitted_not_refused(share: float) -> None:
    """Saturated 2 x 2 table: theta is the log odds ratio, whatever the size of the cells."""
    family = Ising(2)
    g = np.array([0.3, 0.2, 0.5 - share, share])
    theta = family.fit(family.cells().points, g).theta
    expected = [np.log(g[2] / g[0]), np.log(g[1] / g[0]), np.log(g[3] * g[0] / (g[1] * g[2]))]
    # The share of the cell is a difference of numbers near one: it has 1e-16/share of relative error.
    np.testing.assert_allclose(theta, expected, atol=1e-9 + 1e-14 / share)


def test_a_mean_beyond_resolution_is_refused() -> None:
    """Shares of 1e-15 are rounding: the cell counts as empty."""
    with pytest.raises(BoundaryProjectionError, match="hold no data"):
        FiniteSupport([0.0, 1.0, 2.0]).project([1e-15])


def test_parameters_beyond_the_floats_are_refused() -> None:
    with pytest.raises(InputError, match="outside the natural parameter space"):
        FiniteSupport([0.0, 1.0, 2.0]).mean([1e308])
    assert FiniteSupport([0.0, 1.0, 2.0]).probabilities([1e6]).tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "family", [FiniteSupport([0.0, 1.0, 3.0]), Ising(3), LogLinear((2, 3), [(0,), (1,)])], ids=str
)
def test_shares_are_exactly_zero_without_data(family: EnumeratedFamily) -> None:
    points = family.cells().points
    shares = family.shares(points[[0, 0, 2]], np.array([0.25, 0.25, 0.5]))
    assert shares[[0, 2]].tolist() == [0.5, 0.5]
    assert np.delete(shares, [0, 2]).tolist() == [0.0] * (len(points) - 2)


def test_too_large_tables_of_statistics_are_refused() -> None:
    with pytest.raises(InputError, match="16384 cells times 16383 statistics"):
        LogLinear((128, 128), [(0,), (1,), (0, 1)])
