"""Experiment E1: worked numbers, labels, funnels, figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infostat.core.errors import InputError, InputTypeError
from infostat.generalization.experiment_layers import bounds_by_layer
from infostat.generalization.experiment_result import Experiment
from infostat.generalization.gaussian_task import BinaryGaussianTask


@pytest.fixture(scope="module")
def study() -> Experiment:
    return bounds_by_layer(replicates=400, rng=3)


def curve(study: Experiment, panel: str, name: str) -> np.ndarray:
    rows = study.frame[(study.frame["panel"] == panel) & (study.frame["curve"] == name)]
    return rows.sort_values("x")["value"].to_numpy()


def test_worked_bounds(study: Experiment) -> None:
    # Spec 9.3, whose numbers are simulated: 3 %.
    label, joint = [2.17, 1.86, 1.59, 1.43, 1.31], [2.17, 2.01, 3.33, 5.97, 1.31]
    for panel in study.panels()[:3]:
        np.testing.assert_allclose(curve(study, panel, "label-coupled Wasserstein"), label, rtol=0.03)
    np.testing.assert_allclose(curve(study, "gains 2, 2, 2", "joint Wasserstein"), joint, rtol=0.03)
    assert study.markers["gap_hinge"] == pytest.approx(0.215, rel=0.03)


def test_simulation_confirms_the_quadrature(study: Experiment) -> None:
    for panel in study.panels()[:3]:
        for form in ("label-coupled", "joint"):
            check = (study.frame["panel"] == panel) & (study.frame["curve"] == f"{form} (simulated)")
            rows = study.frame[check].sort_values("x")
            assert (abs(rows["value"] - curve(study, panel, f"{form} Wasserstein")) < 5 * rows["se"]).all()


def test_inner_minimum_of_the_distance_and_none_of_the_bound(study: Experiment) -> None:
    # Trap 6.
    assert [study.markers[f"funnel_distance_{i}"] for i in (1, 2, 3)] == [3, 0, 1]
    assert study.markers["funnel_bound"] == 4
    joint = curve(study, "gains 2, 2, 2", "joint Wasserstein")
    assert joint[1] < min(joint[0], joint[2])  # a local minimum inside, the smallest at the output
    assert joint.argmin() == 4


def test_every_bound_is_above_the_gap_of_its_loss(study: Experiment) -> None:
    frame = study.frame
    for panel in study.panels():
        part = frame[frame["panel"] == panel]
        for loss in ("hinge", "0-1"):
            gap = part[part["curve"] == f"gap ({loss} loss)"]["value"]
            mine = part["curve"].str.contains(loss) | part["curve"].str.contains("Wasserstein")
            bounds = part[(part["nature"] == "bound") & mine]
            if len(gap) and len(bounds):
                assert bounds["value"].min() > gap.iloc[0]


def test_natures_and_caption(study: Experiment) -> None:
    natures = dict(study.frame[["curve", "nature"]].drop_duplicates().itertuples(index=False))
    assert natures["gap (hinge loss)"] == natures["gap (0-1 loss)"] == "exact"
    assert natures["label-coupled Wasserstein"] == natures["KL (0-1 loss)"] == "bound"
    assert natures["joint (simulated)"] == "estimate"
    for word in ("Exact:", "Bounds:", "Estimates:", "in expectation"):
        assert word in study.caption
    assert "stays open" in study.interpretation and "paper" not in study.caption


def test_numbers_repeat_and_do_not_depend_on_workers(tmp_path: Path) -> None:
    options: dict[str, Any] = {"ranks": (6, 3, 1), "gains": ([2.0], [0.5]), "replicates": 40}
    seen: list[tuple[int, int]] = []
    first = bounds_by_layer(**options, rng=5, progress=lambda done, total: seen.append((done, total)))
    assert bounds_by_layer(**options, rng=5, n_jobs=2) == first and seen == [(1, 2), (2, 2)]
    assert bounds_by_layer(**options, rng=first.seed) == first
    assert type(first).from_dict(first.to_dict()) == first
    assert first.save(tmp_path / "e1.png").stat().st_size > 1000


def test_kl_panel_is_the_closed_form(study: Experiment) -> None:
    kl = BinaryGaussianTask(1.5, 1.0, 20).expected_layer_kl([20, 12, 6, 3, 1], 15)
    np.testing.assert_allclose(curve(study, study.panels()[-1], "KL (0-1 loss)"), 0.5 * np.sqrt(2 * kl), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 1}, "n must be an integer (>= 2|from 2 to .*), got 1"),
        ({"ranks": (4, 5, 1)}, "non-increasing"),
        ({"ranks": (4, 2)}, "the last one 1"),
        ({"gains": ((1.0, 2.0),)}, "gains must be of length 3"),
        ({"gains": ()}, "gains must be 1 to 7 patterns"),
        ({"gains": 2.0}, "gains must be a list of patterns"),
        ({"mu": -1.0}, "mu must be a number >= 0"),
        ({"replicates": 1}, "replicates must be an integer (>= 2|from 2 to .*), got 1"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises((InputError, InputTypeError), match=message):
        bounds_by_layer(**{"replicates": 10, **options})
