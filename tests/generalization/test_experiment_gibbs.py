"""Experiment E4: exact curves against closed forms, labels of the curves, options."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import InputError
from infostat.core.results import Result, to_json
from infostat.generalization.experiment_gibbs import LOSS_MATRIX, OUTCOMES, gibbs_study
from infostat.generalization.gibbs import GibbsAlgorithm


def _curve(frame: pd.DataFrame, panel: str, curve: str) -> np.ndarray:
    return frame[(frame["panel"] == panel) & (frame["curve"] == curve)].sort_values("x")["value"].to_numpy()


STUDY = gibbs_study()
FIRST, SECOND, THIRD = STUDY.panels()


def test_the_parts_add_up_to_the_gap() -> None:
    parts = _curve(STUDY.frame, FIRST, "I/alpha") + _curve(STUDY.frame, FIRST, "Lautum/alpha")
    assert parts == pytest.approx(_curve(STUDY.frame, FIRST, "gap"), rel=1e-11)
    assert STUDY.markers["identity_error"] < 1e-12


@pytest.mark.parametrize("panel", [FIRST, SECOND])
def test_bounds_are_ordered_and_above_the_gap(panel: str) -> None:
    gap, individual, whole, warm = (
        _curve(STUDY.frame, panel, name) for name in ("gap", "individual sample", "whole sample", "temperature")
    )
    assert (gap <= individual).all() and (individual <= whole * (1 + 1e-12)).all() and (whole <= warm).all()
    assert (gap <= _curve(STUDY.frame, panel, "loss difference")).all()


def test_curves_are_those_of_the_algorithm() -> None:
    found = GibbsAlgorithm(LOSS_MATRIX, OUTCOMES, None, 2.0).exact(7)
    row = STUDY.frame[(STUDY.frame["panel"] == SECOND) & (STUDY.frame["x"] == 7.0)].set_index("curve")["value"]
    assert row["gap"] == found.gen
    assert row["temperature"] == found.bound_alpha


def test_fixed_temperature_gives_one_over_n() -> None:
    assert STUDY.markers["slope_gap"] == pytest.approx(-1.0, abs=0.05)
    # alpha proportional to n: the temperature bound stays where it is.
    frame = gibbs_study(alphas=[5.0], n=50, sizes=[5]).frame
    assert frame[frame["curve"] == "temperature"]["value"].tolist() == pytest.approx([2 * 5 * 0.25 / 50, 0.2])


def test_depth_and_width_of_the_spec() -> None:
    # Section 5: N = 240, drop .9.
    wanted = {1: 0.804508, 2: 0.468786, 4: 0.0968473, 8: 1.36612e-3}
    for depth, kappa in wanted.items():
        assert STUDY.markers[f"kappa at depth {depth}"] == pytest.approx(kappa, rel=1e-5)
    bound = _curve(STUDY.frame, THIRD, "finite parameters")
    kappa = _curve(STUDY.frame, THIRD, "kappa")
    assert bound == pytest.approx(0.5 * np.sqrt(2.0 * kappa * 240 * np.log(2.0) / 1000.0), rel=1e-12)
    assert "how general that is stays open" in STUDY.caption
    assert "training error" in STUDY.caption


def test_the_caption_says_what_is_exact_and_what_is_a_bound() -> None:
    assert STUDY.caption.startswith("Exact: gap, I/alpha, Lautum/alpha (in expectation). Bounds: individual sample")
    natures = STUDY.frame.groupby("curve")["nature"].unique()
    assert natures["gap"].tolist() == ["exact"]
    assert natures["temperature"].tolist() == natures["loss difference"].tolist() == ["bound"]
    assert Result.from_dict(json.loads(to_json(STUDY.to_dict()))) == STUDY


def test_the_figure_has_labels_and_room_for_the_legend() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    STUDY.plot(figure.add_subplot())
    inner = figure.axes[0].child_axes
    assert [ax.get_xlabel() for ax in inner] == ["inverse temperature alpha", "sample size n", "number of layers"]
    assert all(ax.get_xscale() == ax.get_yscale() == "log" for ax in inner)


def test_a_model_without_gap_can_be_drawn() -> None:
    found = gibbs_study(loss_matrix=[[0.5, 0.5]], alphas=[1.0, 2.0], sizes=[2, 3])
    assert "slope_gap" not in found.markers
    assert "summary" in dir(found) and str(found.summary())


def test_progress_counts_points() -> None:
    seen: list[tuple[int, int]] = []
    gibbs_study(alphas=[1.0, 2.0], sizes=[2], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alphas": [0.0, 1.0]}, "alphas must be numbers above 0"),
        ({"alphas": []}, "alphas must be numbers above 0"),
        ({"alpha": 0.0}, "alpha must be a number > 0"),
        ({"sizes": [0]}, "sizes must be a whole number >= 1"),
        ({"n": 0}, "n must be an integer >= 1"),
        ({"levels": 0}, "levels must be an integer from 1"),
        ({"drop": 1.5}, "drop must be"),
        ({"p_z": [0.5, 0.6]}, "p_z"),
    ],
)
def test_bad_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gibbs_study(**options)
