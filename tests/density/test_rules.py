"""Rules of thumb."""

from __future__ import annotations

import math

import numpy as np
import pytest

from infostat.density.rules import column_variances, scott_width, silverman_width


@pytest.mark.parametrize("d", [1, 2, 10, 60])
def test_rules_agree_with_scipy(d: int) -> None:
    from scipy.stats import gaussian_kde

    X = np.random.default_rng(d).standard_normal((200, d))
    estimate = gaussian_kde(X.T)
    assert scott_width(200, d, 1.0) == pytest.approx(estimate.scotts_factor(), rel=1e-14)
    assert silverman_width(200, d, 1.0) == pytest.approx(estimate.silverman_factor(), rel=1e-14)


@pytest.mark.parametrize("d", [1, 3, 7])
def test_silverman_minimises_the_normal_reference_error(d: int) -> None:
    # AMISE of N(0, I), times (4 pi)^(d/2): h^4 d (d + 2)/16 + 1/(n h^d).
    n = 500.0
    h = silverman_width(n, d, 1.0)
    bias_slope, variance_slope = h**3 * d * (d + 2) / 4.0, d / (n * h ** (d + 1))
    assert bias_slope == pytest.approx(variance_slope, rel=1e-12)


def test_limit_of_both_rules() -> None:
    alpha, d = 0.3, 2000
    for rule in (scott_width, silverman_width):
        # The corrections are of order log(d)/d.
        assert rule(math.exp(alpha * d), d, 1.0) == pytest.approx(math.exp(-alpha), rel=5e-3)
        assert rule(1000.0, 3, 7.0) == pytest.approx(7.0 * rule(1000.0, 3, 1.0), rel=1e-14)


def test_variances() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((700, 5)) * [1e-3, 1, 10, 1e4, 0] + 1e6
    assert np.allclose(column_variances(X), X.var(axis=0, ddof=1), rtol=1e-9)
    weights = rng.integers(1, 4, 700).astype(float)
    shares = weights / weights.sum()
    wanted = shares @ (X - shares @ X) ** 2 / (1 - shares @ shares)
    assert np.allclose(column_variances(X, weights), wanted, rtol=1e-9)


def test_variances_at_the_ends_of_floating_point() -> None:
    x = np.array([[1e-150], [3e-150]])
    assert column_variances(x)[0] == pytest.approx(2e-300)
    assert column_variances(1e300 * x)[0] == pytest.approx(2e300)
    big = column_variances(np.array([[1e308], [-1e308]]) * 1e-160)[0]
    assert big == pytest.approx(2e296)
