"""Collapse of empirical diffusions: closed forms, and the same bandwidth from the master equation."""

from __future__ import annotations

import json
import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import BandwidthWarning
from infostat.core.results import to_json
from infostat.density.collapse import DiffusionCollapse, diffusion_collapse
from infostat.density.regimes import regime_theory
from infostat.density.spectra import marchenko_pastur, power_law, two_level


@pytest.mark.parametrize("alpha", [1e-6, 0.01, 0.3, 2.0, 20.0])
@pytest.mark.parametrize("variance", [1.0, 1e-8, 7.0])
def test_isotropic_data_have_a_closed_form(alpha: float, variance: float) -> None:
    found = diffusion_collapse(alpha, spectrum=[variance])
    h2 = variance / math.expm1(2.0 * alpha)
    assert found.h_C == pytest.approx(math.sqrt(h2), rel=1e-12)
    assert found.t_C == pytest.approx(0.5 * math.log1p(h2), rel=1e-12)


@pytest.mark.parametrize("alpha", [0.02, 0.3, 1.5])
@pytest.mark.parametrize("spectrum", [[1.0], two_level(4.0, 0.25, 0.2), power_law(1.0, 30), marchenko_pastur(0.3)])
def test_collapse_is_condensation_at_a_point_of_the_trajectory(alpha: float, spectrum: Any) -> None:
    found = diffusion_collapse(alpha, spectrum=spectrum)
    at = np.sqrt(found.values + found.h_C**2)
    theory = regime_theory(alpha, spectrum=(found.values, found.weights), at=at)
    assert theory.h_G == pytest.approx(found.h_C, rel=1e-12)
    assert found.mu(found.h_C) == pytest.approx(1.0, rel=1e-12)
    left = found.weights @ np.log1p(found.values / found.h_C**2)
    assert left == pytest.approx(2.0 * alpha, rel=1e-12)


def test_a_distance_alone_gives_the_same_for_isotropic_data() -> None:
    found = diffusion_collapse(0.3)
    r = 1.0 + found.h_C**2
    assert regime_theory(0.3, at=[math.sqrt(r)]).h_G == pytest.approx(found.h_C, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-4, 10.0), st.floats(0.05, 20.0))
def test_times_are_ordered_and_belong_to_their_levels(alpha: float, s: float) -> None:
    found = diffusion_collapse(alpha, spectrum=[1.0, s])
    theory = regime_theory(alpha, spectrum=[1.0, s])
    assert (found.h_G, found.h_star) == (theory.h_G, theory.h_star)
    assert found.h_star is not None and found.t_opt is not None
    assert found.t_opt <= found.t_G * (1.0 + 1e-12)
    assert found.t_G <= found.t_C * (1.0 + 1e-12)
    pairs = [(found.t_C, found.h_C), (found.t_G, found.h_G), (found.t_opt, found.h_star)]
    for t, h in pairs:
        assert math.sqrt(math.expm1(2.0 * t)) == pytest.approx(h, rel=1e-9)


def test_the_index_is_elementwise() -> None:
    found = diffusion_collapse(0.3, spectrum=([0.5, 9.0, 2.0], [0.5, 0.0, 0.5]))
    grid = found.h_C * np.array([[0.5, 1.0], [2.0, 5.0]])
    whole = found.mu(grid)
    assert whole.shape == grid.shape
    assert type(found.mu(1.0)) is float
    np.testing.assert_array_equal(whole.ravel(), [found.mu(float(v)) for v in grid.ravel()])
    assert (np.diff(whole.ravel()) > 0.0).all()
    with pytest.raises(ValueError, match="h must be positive"):
        found.mu(0.0)


def test_zero_eigenvalues_collapse_on_the_subspace() -> None:
    with pytest.warns(BandwidthWarning, match="zero eigenvalues") as caught:
        found = diffusion_collapse(0.3, spectrum=[0.0, 1.0])
    assert caught[0].filename == __file__
    assert found.t_opt is found.h_star is None
    assert found.h_C == pytest.approx(math.expm1(1.2) ** -0.5, rel=1e-12)
    assert found.flags == ("zero_eigenvalues",)
    found.plot()
    plt.close("all")


def test_more_data_collapse_later() -> None:
    # The backward process runs towards t = 0: a smaller t_C is a later collapse.
    times = [diffusion_collapse(alpha).t_C for alpha in (0.1, 0.3, 1.0, 3.0)]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("alpha", "spectrum", "error", "words"),
    [
        (0.0, None, ValueError, "alpha must be a number > 0"),
        ("0.3", None, TypeError, "alpha must be"),
        (math.nan, None, ValueError, "alpha must be"),
        (0.3, [-1.0], ValueError, "spectrum must be non-negative"),
        (1e4, None, ValueError, "alpha must be such that"),
    ],
)
def test_bad_arguments_are_named(alpha: Any, spectrum: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        diffusion_collapse(alpha, spectrum=spectrum)


def test_results_survive_json_and_are_drawn() -> None:
    found = diffusion_collapse(0.3, spectrum=[1.0, 2.0])
    assert DiffusionCollapse.from_dict(json.loads(to_json(found.to_dict()))) == found
    assert found.interpretation.startswith("In the limit of large dimension")
    ax = found.plot()
    lines = {line.get_label(): line for line in ax.get_lines()}
    t, mu = lines["point of the trajectory"].get_data()
    assert np.interp(found.t_C, t, mu) == pytest.approx(1.0, abs=1e-2)
    plt.close("all")
