"""Sliced Wasserstein distances."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InfostatError
from infostat.divergences.exact_transport import wasserstein_exact
from infostat.divergences.one_dimensional import wasserstein_1d
from infostat.divergences.sliced import sliced_wasserstein


def clouds(n, m, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.3


@pytest.mark.parametrize(("n", "m"), [(60, 60), (60, 45)])
@pytest.mark.parametrize("p", [1, 2, 3])
def test_mean_of_distances_on_lines(n, m, p):
    x, y = clouds(n, m, 4)
    u = np.random.default_rng(1).normal(size=(7, 4))
    lines = u / np.linalg.norm(u, axis=1, keepdims=True)
    powers = [wasserstein_1d(x @ line, y @ line, p) ** p for line in lines]
    expected = np.mean(powers) ** (1 / p)
    # Directions count, their lengths do not.
    assert sliced_wasserstein(x, y, p, directions=u) == pytest.approx(expected, rel=1e-12)


def test_pot_agrees():
    ot = pytest.importorskip("ot")
    x, y = clouds(80, 50, 3)
    u = np.random.default_rng(2).normal(size=(20, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    peer = ot.sliced_wasserstein_distance(x, y, projections=u.T, p=2)
    assert sliced_wasserstein(x, y, 2, directions=u) == pytest.approx(float(peer), rel=1e-10)


def test_blocks_of_directions_do_not_matter(monkeypatch):
    x, y = clouds(40, 40, 3)
    whole = sliced_wasserstein(x, y, rng=5)
    monkeypatch.setattr("infostat.divergences.sliced._BUDGET", 300)
    assert sliced_wasserstein(x, y, rng=5) == pytest.approx(whole, rel=1e-14)


def test_gaussian_ground_truth():
    # N((1,2),[[2,.5],[.5,1]]) against N(0,[[1,-.3],[-.3,2]]): sliced W2^2 = 2.64206766156. With
    # fixed directions all around the circle only the sampling error is left. It is that of
    # |mean x - mean y|^2 / 2 to leading order: sd sqrt(m'(S1+S2)m/n) = .019 for n = 40000.
    rng = np.random.default_rng(11)
    n = 40_000
    x = rng.multivariate_normal([1, 2], [[2, 0.5], [0.5, 1]], size=n)
    y = rng.multivariate_normal([0, 0], [[1, -0.3], [-0.3, 2]], size=n)
    angle = np.pi * (np.arange(48) + 0.5) / 48
    value = sliced_wasserstein(x, y, 2, directions=np.c_[np.cos(angle), np.sin(angle)]) ** 2
    m = np.array([1.0, 2.0])
    sd = math.sqrt(m @ np.array([[3, 0.2], [0.2, 3]]) @ m / n)
    assert value == pytest.approx(2.64206766156, abs=5 * sd)


@given(st.integers(0, 50), st.sampled_from([1.0, 2.0]))
@settings(max_examples=20, deadline=None)
def test_below_the_exact_distance(seed, p):
    x, y = clouds(12, 9, 3, seed)
    assert sliced_wasserstein(x, y, p, rng=seed) <= wasserstein_exact(x, y, p) * (1 + 1e-12)


def test_seed_and_zero():
    x, y = clouds(30, 20, 3)
    assert sliced_wasserstein(x, y, rng=3) == sliced_wasserstein(x, y, rng=np.random.SeedSequence(3))
    assert sliced_wasserstein(x, y, rng=3) != sliced_wasserstein(x, y, rng=4)
    assert sliced_wasserstein(x, x[::-1], 2, rng=0) == 0.0
    assert sliced_wasserstein(x[:, 0], y[:, 0], 2) == pytest.approx(wasserstein_1d(x[:, 0], y[:, 0], 2))
    lines = np.eye(3)
    largest = max(wasserstein_1d(x[:, k], y[:, k], math.inf) for k in range(3))
    assert sliced_wasserstein(x, y, math.inf, directions=lines) == pytest.approx(largest)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"directions": np.zeros((2, 3))}, "directions must be different from zero, got 2 zero rows"),
        ({"directions": np.ones((3, 2))}, "directions must have 3 columns"),
        ({"directions": [[np.nan, 1, 1]]}, "directions must be finite"),
        ({"n_directions": 0}, "n_directions must be an integer from 1 to"),
        ({"p": 0.9}, "p must be"),
        ({"rng": -1}, "rng must be"),
    ],
)
def test_bad_input(options, message):
    x, y = clouds(10, 10, 3)
    with pytest.raises(InfostatError, match=message):
        sliced_wasserstein(x, y, **options)
