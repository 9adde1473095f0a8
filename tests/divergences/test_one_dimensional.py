"""Wasserstein and energy distances on the line (and energy in several dimensions)."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.spatial.distance import cdist

from infostat.core.errors import InfostatError
from infostat.divergences.one_dimensional import (
    energy_distance,
    quantile_coupling,
    squared_gap_integral,
    wasserstein_1d,
)

P, Q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]
samples = arrays(np.float64, st.integers(1, 12), elements=st.floats(-50, 50, width=32))
orders = st.sampled_from([1.0, 1.5, 2.0, 5.0, math.inf])


def test_worked_numbers():
    support = np.arange(3)
    assert wasserstein_1d(support, support, x_weights=P, y_weights=Q) == pytest.approx(0.4, abs=1e-15)
    energy = energy_distance(support, support, x_weights=P, y_weights=Q)
    assert energy == pytest.approx(0.447213595500, abs=5e-13)


def test_normal_laws_on_quantile_grids():
    # W1 1.00849070273, W2^2 1.25, energy^2 .487443935892 for N(0,1) and N(1,1.5^2). The tails
    # beyond the grid hold the mass 1/n, so the grids err by about log(n)/n.
    n = 200_000
    u = (np.arange(n) + 0.5) / n
    x, y = stats.norm.ppf(u), stats.norm.ppf(u, 1.0, 1.5)
    assert wasserstein_1d(x, y) == pytest.approx(1.00849070273, abs=1e-4)
    assert wasserstein_1d(x, y, 2) ** 2 == pytest.approx(1.25, abs=1e-4)
    assert energy_distance(x, y) ** 2 == pytest.approx(0.487443935892, abs=1e-4)


@given(samples, samples)
@settings(max_examples=60, deadline=None)
def test_scipy_agrees(x, y):
    scale = 1.0 + np.abs(np.concatenate((x, y))).max()
    assert wasserstein_1d(x, y) == pytest.approx(stats.wasserstein_distance(x, y), abs=1e-13 * scale)
    assert energy_distance(x, y) == pytest.approx(stats.energy_distance(x, y), abs=1e-7 * scale)


@given(samples, samples, samples, orders)
@settings(max_examples=60, deadline=None)
def test_metric_properties(x, y, z, p):
    scale = 1e-12 * (1.0 + np.abs(np.concatenate((x, y, z))).max())
    xy, yz, xz = wasserstein_1d(x, y, p), wasserstein_1d(y, z, p), wasserstein_1d(x, z, p)
    assert wasserstein_1d(y, x, p) == pytest.approx(xy, abs=scale)
    assert xz <= xy + yz + scale
    assert wasserstein_1d(x, x[::-1], p) == 0.0
    assert wasserstein_1d(x + 3.0, y + 3.0, p) == pytest.approx(xy, abs=10 * scale)


@given(samples, samples)
@settings(max_examples=60, deadline=None)
def test_order_of_orders(x, y):
    values = [wasserstein_1d(x, y, p) for p in (1, 1.5, 2, 10, math.inf)]
    slack = 1e-12 * (1.0 + values[-1])
    assert all(low <= high + slack for low, high in itertools.pairwise(values))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), samples, orders)
@settings(max_examples=60, deadline=None)
def test_integer_weights_are_repetition(counts, y, p):
    counts[0] += 1
    points = np.random.default_rng(len(counts)).normal(size=len(counts))
    repeated = np.repeat(points, counts)
    assert wasserstein_1d(points, y, p, x_weights=counts) == pytest.approx(
        wasserstein_1d(repeated, y, p), rel=1e-12, abs=1e-13
    )
    assert energy_distance(points, y, x_weights=counts) == pytest.approx(
        energy_distance(repeated, y), rel=1e-12, abs=1e-13
    )


@pytest.mark.parametrize("p", [1, 2, 50, math.inf])
def test_rounding_of_weights_moves_nothing(p):
    # Cumulative sums of the same weights in two scales differ by rounding; a sliver of 1e-16
    # would move W_50 by half the distance of the two points it couples.
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=40), rng.random(40)
    assert wasserstein_1d(x, x, p, x_weights=w, y_weights=w / 3.0) <= (1e-15 if p == 1 else 0.0)


def test_zero_weights_do_not_count():
    assert wasserstein_1d([0.0, 9.0], [1.0], math.inf, x_weights=[1, 0]) == 1.0
    assert energy_distance([0.0, 9.0], [0.0], x_weights=[2, 0]) == 0.0


def test_extreme_scales():
    assert wasserstein_1d([0.0, 1e200], [1e200, 2e200], 2) == pytest.approx(1e200)
    assert wasserstein_1d([0.0], [1e-200], 3) == pytest.approx(1e-200)
    x, y = two_clouds = np.random.default_rng(0).normal(size=(2, 20, 3))
    assert energy_distance(1e200 * x, 1e200 * y) == pytest.approx(1e100 * energy_distance(*two_clouds), rel=1e-9)
    assert wasserstein_1d([0, 1], [1], x_weights=[1e308, 1e308]) == pytest.approx(0.5)


def test_energy_in_several_dimensions():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(300, 3)), rng.normal(size=(270, 3)) + 0.2
    a, b = rng.random(300), rng.random(270)
    a, b = a / a.sum(), b / b.sum()
    direct = 2 * a @ cdist(x, y) @ b - a @ cdist(x, x) @ a - b @ cdist(y, y) @ b
    assert energy_distance(x, y, x_weights=a, y_weights=b) ** 2 == pytest.approx(direct, rel=1e-11)
    assert energy_distance(x, x[::-1]) == 0.0
    # A line in the plane: the same number by sorting and by pairs.
    line, other = x[:, :1], y[:, :1]
    in_plane = energy_distance(line @ [[0.6, 0.8]], other @ [[0.6, 0.8]])
    assert in_plane == pytest.approx(energy_distance(line, other), rel=1e-10)


def test_kernel_and_twin():
    rng = np.random.default_rng(2)
    x, y = np.sort(rng.normal(size=500).round(1)), np.sort(rng.normal(size=300).round(1))
    a, b = rng.random(500), rng.random(300)
    assert squared_gap_integral(x, a, y, b) == pytest.approx(squared_gap_integral.twin(x, a, y, b), rel=1e-12)


def test_coupling_has_the_marginals():
    rng = np.random.default_rng(5)
    a, b = rng.random(30), rng.random(20)
    first, second, mass = quantile_coupling(a, b)
    assert np.bincount(first, mass) == pytest.approx(a / a.sum(), abs=1e-14)
    assert np.bincount(second, mass) == pytest.approx(b / b.sum(), abs=1e-14)


def test_inputs_are_left_alone():
    x, y = np.array([3.0, 1.0, 2.0]), np.array([5.0, 4.0, 9.0])
    x.flags.writeable = y.flags.writeable = False
    for p in (1, 2, 3.5, math.inf):
        wasserstein_1d(x, y, p)
        wasserstein_1d(x, y, p, x_weights=[1, 2, 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wasserstein_1d([1.0, np.nan], [1.0]), "x must not contain|x must be|missing"),
        (lambda: wasserstein_1d([1.0], [1.0], 0.5), "p must be a number >= 1"),
        (lambda: wasserstein_1d(np.zeros((3, 2)), [1.0]), "x must be one-dimensional.*sliced_wasserstein"),
        (lambda: wasserstein_1d([1.0, 2.0], [1.0], x_weights=[1.0]), "x_weights must have one entry"),
        (lambda: wasserstein_1d([1.0, 2.0], [1.0], y_weights=[-1.0]), "y_weights must be non-negative"),
        (lambda: wasserstein_1d([1.0, 2.0], [1.0], x_weights=[0, 0]), "x_weights must have a positive sum"),
        (lambda: energy_distance(np.zeros((3, 2)), np.zeros((3, 1))), "same number of columns"),
        (lambda: wasserstein_1d([], [1.0]), "x must have at least"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InfostatError, match=message) as caught:
        call()
    assert isinstance(caught.value, (ValueError, TypeError))
