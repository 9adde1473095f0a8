"""Saddle-point level of one data point."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core import InfostatError
from infostat.density.distance_law import distance_law
from infostat.density.regimes import regime_theory
from infostat.density.saddle import tau_fs


def left_side(theta: float, log_n: float, s: np.ndarray, x2: np.ndarray) -> float:
    """The equation as the specification writes it, one term per direction."""
    k = -0.5 * np.sum(np.log1p(theta * s) + theta * x2 / (1 + theta * s))
    k1 = -0.5 * np.sum(s / (1 + theta * s) + x2 / (1 + theta * s) ** 2)
    k2 = 0.5 * np.sum(s**2 / (1 + theta * s) ** 2 + 2 * s * x2 / (1 + theta * s) ** 3)
    return float(log_n + k - theta * k1 - math.log(theta) - 0.5 * math.log(2 * math.pi * k2))


@pytest.mark.parametrize(("d", "n", "h_g"), [(30, 2e4, 0.92303), (60, 2e4, 1.24278), (100, 1e6, 1.30161)])
def test_reference_values(d: int, n: float, h_g: float) -> None:
    assert tau_fs(n, d) ** -0.5 == pytest.approx(h_g, abs=6e-6)


@pytest.mark.parametrize(("d", "n", "exact"), [(30, 2e4, 0.90973), (60, 2e4, 1.21938), (100, 1e6, 1.28318)])
def test_closer_to_the_exact_slope_than_the_limit(d: int, n: float, exact: float) -> None:
    law = distance_law(d, float(d), math.log(n))
    y = law.quantile(np.array([-math.log(n)]))
    slope = float(np.exp(law.evaluate(y)[1] - y)[0])
    h_exact = (2 * slope) ** -0.5
    assert h_exact == pytest.approx(exact, abs=6e-6)
    assert abs(tau_fs(n, d) ** -0.5 / h_exact - 1) < 0.022
    assert abs(regime_theory(math.log(n) / d).h_G / h_exact - 1) > 0.05


@settings(deadline=None, max_examples=40)
@given(
    st.floats(0.1, 40.0),
    st.lists(st.tuples(st.floats(0.01, 50.0), st.floats(-8.0, 8.0)), min_size=1, max_size=6),
)
def test_root_of_the_equation_and_none_beyond(log_n: float, directions: list[tuple[float, float]]) -> None:
    s, x = (np.array(v) for v in zip(*directions, strict=True))
    theta = tau_fs(None, len(s), spectrum=s, at=x, log_n=log_n)
    assert left_side(theta, log_n, s, x**2) == pytest.approx(0.0, abs=1e-8)
    beyond = [left_side(theta * (1 + 1e-6) * f, log_n, s, x**2) for f in np.geomspace(1, 1e4, 200)]
    assert max(beyond) < 0


@settings(deadline=None, max_examples=20)
@given(st.floats(1e-3, 1e3), st.floats(1.1, 1e6))
def test_scaling_of_the_data(scale: float, n: float) -> None:
    spectrum = np.array([0.2, 1.0, 3.0])
    base = tau_fs(n, 3, spectrum=spectrum)
    assert tau_fs(n, 3, spectrum=scale * spectrum) * scale == pytest.approx(base, rel=1e-9)


def test_typical_query_weights_and_splitting() -> None:
    base = tau_fs(5000, 40, spectrum=([4.0, 0.25], [0.2, 0.8]))
    listed = np.r_[np.full(8, 4.0), np.full(32, 0.25)]
    assert tau_fs(5000, 40, spectrum=listed) == pytest.approx(base, rel=1e-10)
    assert tau_fs(5000, 40, spectrum=listed, at=np.sqrt(listed)) == pytest.approx(base, rel=1e-10)
    assert tau_fs(5000, 40) == pytest.approx(tau_fs(5000, 40, at=np.ones(40)), rel=1e-12)
    # Only |x|^2 matters for an isotropic law.
    x = np.zeros(40)
    x[3] = math.sqrt(40)
    assert tau_fs(5000, 40, at=x) == pytest.approx(tau_fs(5000, 40), rel=1e-10)


def test_directions_without_variance_count_for_nothing() -> None:
    full = tau_fs(5000, 30)
    assert tau_fs(5000, 60, spectrum=[1.0, 0.0]) == pytest.approx(full, rel=1e-10)
    assert tau_fs(5000, 2, spectrum=[1.0, 0.0], at=[1.0, 9.0]) == pytest.approx(tau_fs(5000, 1), rel=1e-10)


def test_tends_to_the_limit() -> None:
    errors = [tau_fs(None, d, log_n=0.3 * d) / regime_theory(0.3).tau_c - 1 for d in (50, 500, 5000)]
    assert abs(errors[0]) > abs(errors[1]) > abs(errors[2])
    assert abs(errors[2]) < 0.01


def test_arrays_and_sizes_beyond_floats() -> None:
    values = tau_fs([[10, 1e3], [1e6, 1e300]], 5)
    assert values.shape == (2, 2) and (np.diff(values.ravel()) > 0).all()
    assert tau_fs(1e3, 5) == values[0, 1]
    assert tau_fs(10**400, 50) == pytest.approx(tau_fs(None, 50, log_n=400 * math.log(10)), rel=1e-12)
    assert tau_fs(None, 1, log_n=2000.0) == math.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 1, "d": 5}, "n must be above 1"),
        ({"n": 0.5, "d": 5}, "n must be a sample size"),
        ({"n": None, "d": 5}, "n must be given"),
        ({"n": 5, "d": 5, "log_n": 2.0}, "n must be given"),
        ({"n": math.inf, "d": 5}, "n must be a finite number"),
        ({"n": "many", "d": 5}, "n must be a finite number"),
        ({"n": [10, math.nan], "d": 5}, "n must be finite"),
        ({"n": 10, "d": 0}, "d must be an integer"),
        ({"n": 10, "d": 2.5}, "d must be an integer"),
        ({"n": 10, "d": 3, "spectrum": [1.0, -1.0]}, "spectrum must be non-negative"),
        ({"n": 10, "d": 3, "at": [1.0]}, "one coordinate for each of the 3"),
        ({"n": 10, "d": 3, "spectrum": [1.0, 2.0], "at": [1.0]}, "one coordinate for each of the 2"),
        ({"n": 10, "d": 3, "at": [1.0, math.nan, 0.0]}, "at must be finite"),
    ],
)
def test_bad_input(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InfostatError, match=message):
        tau_fs(**arguments)  # type: ignore[arg-type]
