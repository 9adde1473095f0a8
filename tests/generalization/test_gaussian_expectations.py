"""Expected layer bounds by quadrature: signals far above the noise, where lengths leave few digits for differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from infostat.core.errors import InputError
from infostat.generalization.experiment_layers import bounds_by_layer
from infostat.generalization.gaussian_expectations import expected_layers

RANKS, GAINS = np.array([20, 12, 6, 3, 1]), np.array([2.0, 0.5, 3.0])


@pytest.mark.parametrize("norm", [1e6, 1e9, 1e14, 1e60])
def test_a_strong_signal_leaves_chi_square_laws(norm: float) -> None:
    """With |mu| >> s0 the direction of m is that of mu: r_l of the squares of m - mu lie in the layer."""
    n, s0 = 15, 1.0
    found = expected_layers(norm, s0, n, RANKS, GAINS)
    scale = np.array([1.0, 2.0, 1.0, 3.0, norm])
    lost = s0 * -math.expm1(0.5 * math.log1p(-1.0 / n))
    for layer, rank in enumerate(RANKS.tolist()):
        mean = integrate.quad(
            lambda x, r=rank: math.sqrt(s0**2 * x / n + lost**2 * r) * stats.chi2.pdf(x, r), 0.0, np.inf, limit=200
        )[0]
        assert found.w2[layer] == pytest.approx(scale[layer] * mean, rel=1e-6)
        shift = s0 / math.sqrt(n) * float(stats.chi.mean(rank))
        assert found.distance_lower[layer] == pytest.approx(scale[layer] * shift, rel=1e-6)
    # One unit: the folded normal law of a normal shift, E|N(0, s0^2/n + lost^2)|.
    expected = math.sqrt(2.0 / math.pi) * math.sqrt(s0**2 / n + lost**2)
    assert found.distance[-1] / norm == pytest.approx(expected, rel=1e-6)
    assert found.label[-1] / norm == pytest.approx(expected, rel=1e-6)


def test_the_unit_does_not_matter() -> None:
    one = expected_layers(2.0, 1.0, 10, np.array([5, 2, 1]), np.array([1.0]))
    for unit in (1e-70, 1e-9, 1e9, 1e70):
        found = expected_layers(2.0 * unit, unit, 10, np.array([5, 2, 1]), np.array([1.0]))
        np.testing.assert_allclose(found.w2[:-1], one.w2[:-1] * unit, rtol=1e-9)
        np.testing.assert_allclose(found.label, one.label * unit**2, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gains": [[1e-40, 1.0]], "ranks": (4, 2, 2, 1)}, "gains must be of moderate size"),
        ({"gains": [[1e20, 1e20]], "ranks": (4, 2, 2, 1)}, "gains must be of moderate size"),
        ({"ranks": (1e9, 1)}, r"ranks\[0\] must be an integer from 1 to"),
        ({"ranks": [[3, 1]]}, "ranks must be a list of ranks"),
        ({"n": 1e16}, "n must be an integer from 2 to"),
    ],
)
def test_sizes_that_are_no_networks(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bounds_by_layer(**{"gains": [[]], "ranks": (3, 1), "replicates": 2, **options})  # type: ignore[arg-type]
