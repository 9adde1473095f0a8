"""Gamma family at extreme shapes, and the worked numbers of its expansion."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from infostat.core.errors import BoundaryProjectionError, InputError
from infostat.families.gamma import Gamma, shape_from_gap

mpmath.mp.dps = 60
SHAPES = [1e-6, 1e-3, 0.1, 0.99, 1.0, 2.5, 20.0, 1e4, 1e7, 1e10]


def _whitened_oracle(shape: float) -> tuple[float, float, float]:
    """Sum of squared third cumulants, E-type contraction k4:I:I, and k3(z2, z2, z2)."""
    a = mpmath.mpf(shape)
    psi = [mpmath.polygamma(r, a) for r in range(4)]
    s = mpmath.sqrt(psi[1] - 1 / a)
    root = mpmath.sqrt(a)
    third = {0: 2 / a**2 * root**3, 1: -1 / a**2 * root**2 / s, 3: (psi[2] + 1 / a**2) / s**3}
    squares = third[0] ** 2 + 3 * third[1] ** 2 + third[3] ** 2
    fourth = 6 / a**3 * root**4 + 2 * (2 / a**3) * root**2 / s**2 + (psi[3] - 2 / a**3) / s**4
    return float(squares), float(fourth), float(third[3])


@pytest.mark.parametrize("shape", SHAPES)
def test_whitened_cumulants(shape: float) -> None:
    family = Gamma()
    view = family.whitened(family.natural(shape=shape, rate=3.0))
    squares, fourth, z2 = _whitened_oracle(shape)
    assert np.sum(view.third() ** 2) == pytest.approx(squares, rel=1e-12)
    assert view.third()[1, 1, 1] == pytest.approx(z2, rel=1e-12)
    assert view.fourth(np.eye(2)) == pytest.approx(fourth, rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_whitened_nodes(shape: float) -> None:
    family = Gamma()
    z, weights = family.whitened(family.natural(shape=shape, rate=0.02)).nodes()
    squares, _, _ = _whitened_oracle(shape)
    assert len(weights) < 500
    np.testing.assert_allclose(weights @ z, 0.0, atol=1e-11)
    np.testing.assert_allclose(z.T @ (z * weights[:, None]), np.eye(2), atol=1e-10)
    third = np.einsum("b,bi,bj,bk->ijk", weights, z, z, z)
    assert np.sum(third**2) == pytest.approx(squares, rel=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_shape_from_gap(shape: float) -> None:
    a = mpmath.mpf(shape)
    gap = float(mpmath.log(a) - mpmath.digamma(a))
    found, n_iter = shape_from_gap(gap)
    assert found == pytest.approx(shape, rel=1e-13)
    assert n_iter <= 6


@pytest.mark.parametrize("shape", SHAPES)
def test_fit_of_a_two_point_sample(shape: float) -> None:
    # Two points m(1 +- d) have log mean - mean log = -log(1 - d^2)/2, so any shape can be aimed at.
    a = mpmath.mpf(shape)
    gap = mpmath.log(a) - mpmath.digamma(a)
    d = float(mpmath.sqrt(1 - mpmath.exp(-2 * gap)))
    if d == 1.0:
        pytest.skip("the lower point is not representable")
    x = np.array([1.0 - d, 1.0 + d])
    family = Gamma()
    fit = family.fit(family.encode(x), np.array([0.5, 0.5]))
    x0, x1 = map(mpmath.mpf, x.tolist())
    exact = mpmath.log((x0 + x1) / 2) - (mpmath.log(x0) + mpmath.log(x1)) / 2
    start = fit.theta[0]
    root = mpmath.findroot(lambda t: mpmath.log(t) - mpmath.digamma(t) - exact, mpmath.mpf(start))
    assert fit.theta[0] == pytest.approx(float(root), rel=1e-12)
    assert fit.theta[0] / -fit.theta[1] == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("shape", [1e-3, 0.5, 30.0, 1e8])
def test_logpdf(shape: float) -> None:
    family = Gamma()
    a, rate = mpmath.mpf(shape), mpmath.mpf(2.0)
    x = float(a / rate) * np.array([0.5, 1.0, 1.0 + 3.0 / np.sqrt(max(shape, 1.0)), 1.7])
    exact = [
        float(a * mpmath.log(rate) - mpmath.loggamma(a) + (a - 1) * mpmath.log(v) - rate * v)
        for v in map(mpmath.mpf, x.tolist())
    ]
    # The deviance a (x/m - 1 - log(x/m)) has the relative error of x itself, sqrt(a) eps at least.
    found = family.logpdf(x, family.natural(shape=shape, rate=2.0))
    np.testing.assert_allclose(found, exact, rtol=1e-13, atol=1e-15 * np.sqrt(shape) + 1e-13)


def test_second_order_terms_of_shape_two() -> None:
    # T1, T2, T3 of the well-specified gamma law with shape 2; mpmath with the formulas of
    # _whitened_oracle gives T3 = 64.537792275941761691.
    family = Gamma()
    view = family.whitened(family.natural(shape=2.0, rate=0.3))
    third = view.third()
    squares = np.sum(third**2)
    c = np.einsum("aii->a", third)
    assert squares == pytest.approx(14.9761508606, rel=1e-11)
    assert c @ c + 2 * squares == pytest.approx(48.8153051386, rel=1e-11)
    assert 3 * view.fourth(np.eye(2)) == pytest.approx(64.53779227594176, rel=1e-12)


def test_nodes_are_absent_where_floats_end() -> None:
    family = Gamma()
    assert family.nodes(family.natural(shape=1e-3, rate=1.0)) is None
    assert family.nodes(family.natural(shape=0.2, rate=1.0)) is not None


@pytest.mark.parametrize("eta", [[0.0, 1.0], [0.1, 1.0], [0.0, -1.0]])
def test_means_on_the_boundary(eta: list[float]) -> None:
    with pytest.raises(BoundaryProjectionError, match="gamma family does not exist"):
        Gamma().project(eta)


@pytest.mark.parametrize("bad", [{"shape": 0.0, "rate": 1.0}, {"shape": 1.0, "rate": -1.0}])
def test_bad_parameters(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="must be a number > 0"):
        Gamma().natural(**bad)
