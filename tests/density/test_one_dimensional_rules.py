"""Sheather-Jones and its improvement, against pairwise formulas and another implementation."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import eval_hermitenorm

from infostat.core.errors import DataError
from infostat.density.one_dimensional_rules import cosine_series, isj_width, robust_scale, sheather_jones_width


def pair_roughness(x: Any, s: int, variance: float) -> float:
    """Integral of the squared s-th derivative of the smoothed density, from all pairs."""
    width = math.sqrt(2.0 * variance)
    u = (x[:, None] - x) / width
    derivative = eval_hermitenorm(2 * s, u) * np.exp(-0.5 * u * u) / (math.sqrt(2.0 * math.pi) * width ** (2 * s + 1))
    return float((-1) ** s * derivative.mean())


def pair_sheather_jones(x: Any) -> float:
    """Solve the equation with the published pairwise sums."""
    n = len(x)
    differences = (x[:, None] - x)[~np.eye(n, dtype=bool)]

    def fourth(h: float) -> float:
        d = (differences / h) ** 2
        total = (np.exp(-d / 2) * (d * d - 6 * d + 3)).sum() + 3 * n
        return float(total / (n * (n - 1) * h**5 * math.sqrt(2 * math.pi)))

    def sixth(h: float) -> float:
        d = (differences / h) ** 2
        total = (np.exp(-d / 2) * (d**3 - 15 * d * d + 45 * d - 15)).sum() - 15 * n
        return float(total / (n * (n - 1) * h**7 * math.sqrt(2 * math.pi)))

    low, high = np.quantile(x, [0.25, 0.75])
    scale = min(float(x.std(ddof=1)), float(high - low) / 1.349)
    ratio = 1.357 * (fourth(1.24 * scale * n ** (-1 / 7)) / -sixth(1.23 * scale * n ** (-1 / 9))) ** (1 / 7)
    top = 1.144 * scale * n**-0.2
    return float(
        brentq(
            lambda h: (1 / (2 * math.sqrt(math.pi) * n) / fourth(ratio * h ** (5 / 7))) ** 0.2 - h,
            0.1 * top, 3 * top, xtol=1e-13,
        )
    )  # fmt: skip


def pair_isj(x: Any, guess: float) -> float:
    """Solve the fixed-point equation with pairwise sums, near a guess."""
    n = len(np.unique(x))

    def difference(log_h: float) -> float:
        rough = pair_roughness(x, 7, math.exp(2 * log_h))
        for s in range(6, 1, -1):
            odd = math.prod(range(1, 2 * s, 2)) / math.sqrt(2 * math.pi)
            factor = (1 + 0.5 ** (s + 0.5)) / 3
            rough = pair_roughness(x, s, (2 * factor * odd / (n * rough)) ** (2 / (3 + 2 * s)))
        return log_h + 0.2 * math.log(2 * n * math.sqrt(math.pi) * rough)

    return math.exp(brentq(difference, math.log(0.9 * guess), math.log(1.1 * guess), xtol=1e-12))


def samples() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "normal": rng.normal(size=300),
        "bimodal": np.concatenate([rng.normal(size=180), rng.normal(8.0, 0.5, size=120)]),
        "exponential": rng.exponential(size=300),
        "t2": rng.standard_t(2, size=300),
        "shifted": 1e6 + rng.normal(size=200),
        "rounded": np.round(rng.normal(size=300), 1),
    }


@pytest.mark.parametrize("name", sorted(samples()))
def test_sheather_jones_solves_the_published_equation(name: str) -> None:
    x = samples()[name]
    # 400 bins per pilot width leave an error of about (1/400)^2 in each roughness.
    assert sheather_jones_width(x) == pytest.approx(pair_sheather_jones(x), rel=2e-5)


@pytest.mark.parametrize("name", ["normal", "bimodal", "t2", "shifted"])
def test_improved_rule_solves_its_equation_without_bins_or_ends(name: str) -> None:
    x = samples()[name]
    h = isj_width(x)
    assert h == pytest.approx(pair_isj(x, h), rel=2e-4)


@pytest.mark.parametrize("name", ["normal", "bimodal", "t2"])
def test_improved_rule_against_another_implementation(name: str) -> None:
    kdepy = pytest.importorskip("KDEpy.bw_selection")
    x = samples()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = kdepy.improved_sheather_jones(x[:, None])
        mesh = kdepy.autogrid(x[:, None], boundary_abs=6, num_points=1024, boundary_rel=0.5).ravel()
    # It multiplies sqrt(t) by the range of the data, where t is in units of the range of its mesh.
    value *= (mesh[-1] - mesh[0]) / np.ptp(x)
    assert isj_width(x) == pytest.approx(value, rel=5e-3)


def test_improved_rule_on_normal_data_is_near_the_best() -> None:
    x = np.random.default_rng(1).normal(size=5000)
    best = (4.0 / (3.0 * 5000)) ** 0.2
    assert isj_width(x) == pytest.approx(best, rel=0.15)
    assert sheather_jones_width(x) == pytest.approx(best, rel=0.15)


@pytest.mark.parametrize("rule", [sheather_jones_width, isj_width])
def test_unit_place_and_order_do_not_matter(rule: Callable[[Any], float]) -> None:
    x = samples()["bimodal"]
    assert rule(1e3 * x[::-1] - 5e5) == pytest.approx(1e3 * rule(x), rel=1e-9)


@pytest.mark.parametrize("rule", [sheather_jones_width, isj_width])
def test_wide_gaps_do_not_coarsen_the_bins(rule: Callable[[Any], float]) -> None:
    x = np.random.default_rng(2).normal(size=500)
    # One far value changes the scale of neither rule by more than its weight, however far it is.
    near, far = rule(np.append(x, 50.0)), rule(np.append(x, 1e9))
    assert far == pytest.approx(near, rel=1e-3)


@pytest.mark.parametrize("s", [1, 2, 4])
def test_roughness_from_cosines_and_from_pairs(s: int) -> None:
    x = np.random.default_rng(3).normal(size=150)
    assert cosine_series(x, 1.0).roughness(s, 0.05) == pytest.approx(pair_roughness(x, s, 0.05), rel=1e-4)


def test_scale() -> None:
    x = np.random.default_rng(4).standard_t(1.5, size=500)
    low, high = np.quantile(x, [0.25, 0.75])
    assert robust_scale(x) == pytest.approx((high - low) / 1.349)
    assert robust_scale(np.array([0.0] * 9 + [1.0])) == pytest.approx(np.std([0.0] * 9 + [1.0], ddof=1))


def test_too_few_values_are_refused() -> None:
    with pytest.raises(DataError, match='method="sheather_jones"'):
        isj_width(np.array([0.0, 1.0]))
