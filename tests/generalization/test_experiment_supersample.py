"""Experiment E6: simulated gaps against exact ones, order of the curves, labels, options."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

from infostat.core.errors import InputError, InputTypeError
from infostat.core.results import Result, to_json
from infostat.generalization.experiment_supersample import supersample_study

SMALL = {
    "sizes": [10, 20],
    "supersamples": 30,
    "masks": 20,
    "network_sizes": [10],
    "network_supersamples": 4,
    "network_masks": 4,
    "steps": 40,
}
STUDY = supersample_study(**SMALL, rng=7)


def _rows(panel: str, curve: str) -> pd.DataFrame:
    frame = STUDY.frame
    return frame[(frame["panel"] == panel) & (frame["curve"] == curve)].sort_values("x")


def test_simulated_gaps_are_the_exact_ones() -> None:
    exact, found = _rows("Mean classifier", "exact gap"), _rows("Mean classifier", "simulated gap")
    assert (abs(found["value"].to_numpy() - exact["value"].to_numpy()) < 5.0 * found["se"].to_numpy()).all()


def test_gap_below_loss_difference_below_individual_sample() -> None:
    exact = _rows("Mean classifier", "exact gap")["value"].to_numpy()
    bound = _rows("Mean classifier", "loss-difference bound")
    individual = _rows("Mean classifier", "individual sample")["value"].to_numpy()
    assert (exact < bound["low"].to_numpy()).all()
    assert (bound["value"].to_numpy() < individual).all()
    # Worked example 9.10: the individual-sample bound at n = 20.
    assert individual[1] == pytest.approx(0.3203, abs=1e-4)
    assert individual[1] == pytest.approx(0.5 * math.sqrt(8.0 * math.log(20.0 / 19.0)), rel=1e-12)


def test_labels_and_caption() -> None:
    natures = STUDY.frame.groupby("curve")["nature"].unique()
    assert natures["exact gap"].tolist() == ["exact"]
    assert natures["individual sample"].tolist() == ["bound"]
    assert natures["simulated gap"].tolist() == natures["loss-difference bound"].tolist() == ["estimate"]
    assert set(STUDY.frame["sense"]) == {"expectation"}
    assert "Estimates: loss-difference bound, simulated gap (in expectation)." in STUDY.caption
    assert Result.from_dict(json.loads(to_json(STUDY.to_dict()))) == STUDY


def test_seed_and_workers() -> None:
    tiny = {**SMALL, "sizes": [8], "supersamples": 3, "masks": 3, "network_sizes": [6]}
    first = supersample_study(**tiny, rng=3)
    with parallel_config(backend="threading"):
        assert supersample_study(**tiny, rng=3, n_jobs=2) == first
    assert supersample_study(**tiny, rng=first.seed) == first
    assert supersample_study(**tiny, rng=4) != first


def test_progress_counts_all_supersamples() -> None:
    seen: list[tuple[int, int]] = []
    options = {**SMALL, "sizes": [8, 9], "supersamples": 3, "masks": 4}
    supersample_study(**options, rng=3, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (10, 10)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_one_observation_has_an_infinite_information() -> None:
    found = supersample_study(**{**SMALL, "sizes": [1]}, rng=1).frame
    row = found[found["curve"] == "individual sample"]["value"]
    assert np.isinf(row).all()


def test_the_figure_has_common_limits() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    STUDY.plot(figure.add_subplot())
    left, right = figure.axes[0].child_axes
    assert left.get_ylim() == right.get_ylim()
    assert left.get_yscale() == "log"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d": 0}, "d must be an integer >= 1"),
        ({"sigma0": 0.0}, "sigma0 must be a number > 0"),
        ({"mu": -1.0}, "mu must be a number >= 0"),
        ({"sizes": [2.5]}, "sizes must be a whole number"),
        ({"hidden": (0,)}, r"hidden\[0\] must be an integer from 1 to 100000"),
        ({"masks": 0}, "masks must be an integer >= 1"),
        ({"network_supersamples": None}, "network_supersamples must be an integer >= 1"),
        ({"hidden": 8}, "hidden must be a sequence of widths"),
    ],
)
def test_bad_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises((InputError, InputTypeError), match=message):
        supersample_study(**{**SMALL, **options})
