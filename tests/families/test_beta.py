"""Beta family at small and large parameters."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from infostat.core.errors import BoundaryProjectionError
from infostat.families.beta import Beta

mpmath.mp.dps = 60
PARAMETERS = [(1e-6, 1e-6), (1e-3, 2.0), (1e-3, 1e6), (0.2, 0.9), (1.0, 1.0), (3.0, 1e4), (1e5, 2e5)]


@pytest.mark.parametrize(("a", "b"), PARAMETERS)
def test_whitened_nodes_and_cumulants(a: float, b: float) -> None:
    family = Beta()
    view = family.whitened([a, b])
    z, weights = view.nodes()
    # Correlation of the statistics is 1 - O(1/(a + b)), which whitening turns into lost digits.
    tolerance = 1e-10 + 1e-14 * (a + b)
    assert len(weights) < 2000
    np.testing.assert_allclose(weights @ z, 0.0, atol=tolerance)
    np.testing.assert_allclose(z.T @ (z * weights[:, None]), np.eye(2), atol=tolerance)
    third = np.einsum("b,bi,bj,bk->ijk", weights, z, z, z)
    np.testing.assert_allclose(view.third(), third, atol=tolerance * max(1.0, np.abs(third).max()))


@pytest.mark.parametrize(("a", "b"), PARAMETERS)
def test_invariant_of_third_cumulants(a: float, b: float) -> None:
    x, y = mpmath.mpf(a), mpmath.mpf(b)
    W = mpmath.inverse(
        mpmath.matrix(2, 2) + mpmath.diag([mpmath.polygamma(1, x), mpmath.polygamma(1, y)])
        - mpmath.polygamma(1, x + y) * mpmath.ones(2, 2)
    )
    own = [mpmath.polygamma(2, x), mpmath.polygamma(2, y)]
    joint = mpmath.polygamma(2, x + y)
    total = mpmath.mpf(0)
    index = [(i, j, k) for i in range(2) for j in range(2) for k in range(2)]
    value = {t: (own[t[0]] if len(set(t)) == 1 else 0) - joint for t in index}
    for s in index:
        for t in index:
            total += value[s] * value[t] * W[s[0], t[0]] * W[s[1], t[1]] * W[s[2], t[2]]
    found = np.sum(Beta().whitened([a, b]).third() ** 2)
    assert found == pytest.approx(float(total), rel=1e-10 + 1e-14 * (a + b))


@pytest.mark.parametrize(("a", "b"), PARAMETERS)
def test_projection(a: float, b: float) -> None:
    family = Beta()
    report = family.solve(family.mean([a, b]))
    assert report.converged
    np.testing.assert_allclose(report.theta, [a, b], rtol=1e-10 + 1e-14 * (a + b))


def test_nodes_are_absent_where_floats_end() -> None:
    assert Beta().nodes([1e-3, 2.0]) is None
    assert Beta().nodes([2.0, 0.5]) is None
    assert Beta().nodes([0.3, 2.0]) is not None


def test_geometric_means_of_sum_one() -> None:
    with pytest.raises(BoundaryProjectionError, match="beta family does not exist"):
        Beta().project(np.log([0.25, 0.75]))
