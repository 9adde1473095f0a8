"""Exact optimal transport."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from infostat.core.errors import ConvergenceWarning, InfostatError
from infostat.divergences import exact_transport
from infostat.divergences.exact_transport import wasserstein_exact
from infostat.divergences.one_dimensional import wasserstein_1d


def clouds(n, m, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.5


@pytest.mark.parametrize("p", [1, 2, 4])
def test_enumeration(p):
    x, y = clouds(5, 5)
    cost = cdist(x, y) ** p
    best = min(cost[range(5), order].mean() for order in itertools.permutations(range(5)))
    assert wasserstein_exact(x, y, p) == pytest.approx(best ** (1 / p), rel=1e-12)


def test_assignment_solver_agrees():
    x, y = clouds(150, 150, 5)
    cost = cdist(x, y, "sqeuclidean")
    optimum = cost[linear_sum_assignment(cost)].mean()
    assert wasserstein_exact(x, y, 2) ** 2 == pytest.approx(optimum, rel=1e-11)


def test_on_a_line_in_space():
    x, y = clouds(40, 30, 1)
    a, b = np.arange(1.0, 41), np.arange(31.0, 61)
    direction = np.array([[0.6, 0.0, 0.8]])
    for p in (1, 2, 3):
        in_space = wasserstein_exact(x @ direction, y @ direction, p, x_weights=a, y_weights=b)
        on_line = wasserstein_1d(x, y, p, x_weights=a, y_weights=b)
        assert in_space == pytest.approx(on_line, rel=1e-10)
        assert wasserstein_exact(x, y, p, x_weights=a, y_weights=b) == on_line


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_metric_properties(seed):
    x, y = clouds(7, 6, 2, seed)
    z, _ = clouds(5, 1, 2, seed + 1)
    one, two = wasserstein_exact(x, y), wasserstein_exact(x, y, 2)
    assert one <= two * (1 + 1e-12)
    assert wasserstein_exact(y, x) == pytest.approx(one, rel=1e-12)
    assert one <= wasserstein_exact(x, z) + wasserstein_exact(z, y) + 1e-12
    assert wasserstein_exact(x, x[::-1]) == pytest.approx(0.0, abs=1e-15)


def test_weights_are_repetition():
    x, y = clouds(6, 9)
    counts = [3, 1, 0, 2, 1, 1]
    weighted = wasserstein_exact(x, y, 2, x_weights=counts)
    assert weighted == pytest.approx(wasserstein_exact(np.repeat(x, counts, axis=0), y, 2), rel=1e-11)


def test_scale_and_coincidence():
    x, y = clouds(6, 6)
    assert wasserstein_exact(1e160 * x, 1e160 * y, 2) == pytest.approx(1e160 * wasserstein_exact(x, y, 2), rel=1e-12)
    assert wasserstein_exact(np.ones((3, 2)), np.ones((4, 2)), 2) == 0.0


def test_too_large_names_the_alternatives():
    x, y = clouds(12, 10)
    with pytest.raises(ValueError, match="max_exact=11") as caught:
        wasserstein_exact(x, y, max_exact=11)
    assert all(word in str(caught.value) for word in ("sinkhorn_divergence", "sliced_wasserstein"))
    # On the line sorting answers at any size.
    assert wasserstein_exact(np.arange(12.0), np.arange(12.0) + 1.0, max_exact=5) == 1.0


def test_a_stop_before_the_optimum_is_announced(monkeypatch):
    monkeypatch.setattr(exact_transport, "_MOST_PIVOTS", 3)
    x, y = clouds(50, 50, 3)
    with pytest.warns(ConvergenceWarning, match="network simplex"):
        wasserstein_exact(x, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": np.inf}, "p must be .*wasserstein_1d"),
        ({"p": 0.5}, "p must be a number >= 1"),
        ({"x_weights": [1, 2]}, "x_weights must have one entry per row"),
        ({"max_exact": 0}, "max_exact must be"),
    ],
)
def test_bad_input(options, message):
    x, y = clouds(5, 5)
    with pytest.raises(InfostatError, match=message):
        wasserstein_exact(x, y, **options)


def test_different_spaces():
    with pytest.raises(InfostatError, match="x and y must have the same number of columns"):
        wasserstein_exact(np.zeros((3, 2)), np.zeros((3, 3)))
