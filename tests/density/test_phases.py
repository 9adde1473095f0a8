"""The phase diagram: columns against the theory, the figure, bad input."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from infostat.core.errors import BandwidthWarning
from infostat.core.results import to_json
from infostat.density.phases import PhaseDiagram, phase_diagram
from infostat.density.regimes import regime_theory
from infostat.density.spectra import power_law, two_level

# alpha, KL/d and mu of Scott's rule for N(0, I), as far as the worked table prints them
SCOTT = [
    (0.02, 0.304211, 0.1831),
    (0.05, 0.225570, 0.3013),
    (0.1, 0.158722, 0.4357),
    (0.2, 0.093081, 0.6131),
    (0.3, 0.059435, 0.7289),
    (0.5, 0.026568, 0.8650),
    (0.7, 0.012391, 0.9332),
    (1.0, 0.003989, 0.9774),
    (1.5, 0.000584, 0.9966),
    (2.0, 0.000082, 0.9995),
]
ALPHAS = [row[0] for row in SCOTT]


def test_the_worked_values_of_the_usual_rule() -> None:
    diagram = phase_diagram(ALPHAS)
    assert diagram.kl_scott is not None and diagram.h_star is not None and diagram.kl_star is not None
    np.testing.assert_allclose(diagram.scott, np.exp(-np.array(ALPHAS)), rtol=1e-15)
    np.testing.assert_allclose(diagram.kl_scott, [row[1] for row in SCOTT], atol=6e-7)
    np.testing.assert_allclose(diagram.mu_scott, [row[2] for row in SCOTT], atol=6e-5)
    # KL/d of the rule has a closed form, eps = h_star^2.
    closed = 0.5 * np.expm1(2.0 * diagram.alpha + 2.0 * np.log(diagram.h_star))
    np.testing.assert_allclose(diagram.kl_scott, closed, rtol=1e-9)
    assert (diagram.scott < diagram.h_star).all()
    assert (diagram.kl_scott > diagram.kl_star).all()


@pytest.mark.parametrize("spectrum", [None, two_level(4.0, 0.25, 0.2), power_law(1.0, 60)])
def test_every_column_is_that_of_the_theory(spectrum: Any) -> None:
    diagram = phase_diagram([0.3, 0.05, 2.0], spectrum=spectrum)
    np.testing.assert_array_equal(diagram.alpha, [0.05, 0.3, 2.0])
    for k, alpha in enumerate(diagram.alpha):
        theory = regime_theory(float(alpha), spectrum=spectrum)
        for name in ("h_G", "h_CLT", "h_star", "kl_star"):
            assert getattr(diagram, name)[k] == getattr(theory, name)
        scott = math.sqrt(diagram.weights @ diagram.values) * math.exp(-alpha)
        assert diagram.scott[k] == pytest.approx(scott, rel=1e-15)
        assert diagram.mu_scott[k] == theory.mu(float(diagram.scott[k]))
        assert diagram.kl_scott is not None and diagram.kl_scott[k] == theory.kl(float(diagram.scott[k]))


def test_the_rule_leaves_the_condensed_regime_for_unequal_variances() -> None:
    diagram = phase_diagram([0.3, 1.0], spectrum=power_law(1.0, 60))
    assert diagram.mu_scott.max() > 1.0
    assert "stability index from" in diagram.interpretation
    assert "lies in the condensed regime" in phase_diagram([0.3, 1.0]).interpretation


def test_the_frame_has_a_row_for_each_alpha() -> None:
    frame = phase_diagram([1.0, 0.3]).to_frame()
    assert list(frame.columns) == ["alpha", "h_G", "h_CLT", "h_star", "scott", "mu_scott", "kl_star", "kl_scott"]
    assert frame["alpha"].tolist() == [0.3, 1.0]
    assert {dtype.kind for dtype in frame.dtypes} == {"f"}
    assert len(phase_diagram(0.3).to_frame()) == 1


def test_one_warning_for_zero_eigenvalues() -> None:
    with pytest.warns(BandwidthWarning, match="zero eigenvalues") as caught:
        diagram = phase_diagram([0.1, 0.3, 1.0], spectrum=[0.0, 1.0])
    assert len(caught) == 1 and caught[0].filename == __file__
    assert diagram.h_star is diagram.kl_star is diagram.kl_scott is None
    assert diagram.to_frame()["h_star"].isna().all()
    assert "best bandwidth" not in diagram.interpretation
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = diagram.plot()
    assert len(ax.get_lines()) == 3
    assert PhaseDiagram.from_dict(json.loads(to_json(diagram.to_dict()))) == diagram
    plt.close("all")


# ----------------------------------------------------------------------- figure
def test_the_figure_names_curves_and_regimes() -> None:
    ax = phase_diagram(np.geomspace(0.02, 2.0, 5)).plot(color="red")
    words = {text.get_text() for text in ax.texts}
    assert {"condensed", "heavy-tailed", "central limit", "$h_G$", "best bandwidth $h^*$", "Scott, Silverman"} <= words
    best = next(line for line in ax.get_lines() if line.get_label() == "best bandwidth $h^*$")
    assert best.get_color() == "red"
    x, y = best.get_data()
    assert len(x) >= 60  # refined, though five alphas were asked for
    at = 17
    assert y[at] == pytest.approx(regime_theory(float(x[at])).h_star, rel=1e-12)
    plt.close("all")


def test_curves_that_run_together_are_named_in_a_legend() -> None:
    ax = phase_diagram([0.8, 2.0]).plot()
    assert ax.get_legend() is not None
    assert "$h_G$" not in {text.get_text() for text in ax.texts}
    plt.close("all")


@pytest.mark.parametrize("points", [[0.3, 0.9], [[0.3, 0.9], [3.0, 5.0]], [[0.01, 0.2, 0.5], [0.3, 0.9, 0.1]]])
def test_measured_points_lie_inside_the_axes(points: Any) -> None:
    ax = phase_diagram([0.1, 0.3]).plot(points=points)
    array = np.atleast_2d(points)
    dots = ax.collections[-1]
    np.testing.assert_allclose(dots.get_offsets(), array[:, :2])
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert ((array[:, 0] > left) & (array[:, 0] < right)).all()
    assert ((array[:, 1] > bottom) & (array[:, 1] < top)).all()
    assert "measured" in {text.get_text() for text in ax.get_legend().get_texts()}
    assert len(ax.get_figure().axes) == (2 if array.shape[1] == 3 else 1)
    plt.close("all")


@pytest.mark.parametrize(
    ("points", "error", "words"),
    [
        ([[0.1], [0.2]], ValueError, r"points must be rows \(alpha, h\).*got shape \(2, 1\); transpose"),
        ([[0.1, -1.0]], ValueError, "positive alpha and h"),
        ("here", TypeError, "points must be"),
        ([[0.1, np.nan]], ValueError, "points must be finite"),
        (np.empty((0, 2)), ValueError, "points must be rows"),
    ],
)
def test_points_are_checked(points: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        phase_diagram([0.1, 0.3]).plot(points=points)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("alphas", "error", "words"),
    [
        ([], ValueError, "alphas must hold at least one value"),
        ([0.1, 0.0], ValueError, "alphas must be positive"),
        ([0.1, -2.0], ValueError, "got -2"),
        ([0.1, np.nan], ValueError, "alphas must be finite"),
        ([0.1, 0.1], ValueError, "distinct"),
        ([[0.1, 0.2]], ValueError, "alphas must be .*dimensional"),
        ("0.1", TypeError, "alphas must be"),
        ([1e3], ValueError, "alpha must be such that"),
    ],
)
def test_alphas_are_checked(alphas: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        phase_diagram(alphas)
