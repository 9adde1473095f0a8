"""Experiment E2: worked table, slopes, labels, figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infostat.core.errors import InputError
from infostat.generalization.experiment_result import Experiment
from infostat.generalization.experiment_sample_size import bounds_by_sample_size


@pytest.fixture(scope="module")
def study() -> Experiment:
    return bounds_by_sample_size(rng=1)


def curve(study: Experiment, name: str) -> np.ndarray:
    rows = study.frame[study.frame["curve"] == name].sort_values("x")
    return rows["value"].to_numpy()


def test_worked_table(study: Experiment) -> None:
    # Spec 9.2, printed to six digits; the default task is that of the table.
    wanted = {
        5: (0.246381, 0.590932, 0.746900),
        10: (0.160822, 0.364635, 0.513226),
        20: (0.0934259, 0.216225, 0.358097),
        50: (0.0409876, 0.107019, 0.224737),
        100: (0.0211294, 0.0648754, 0.158511),
    }
    wide = study.frame.pivot_table(index="x", columns="curve", values="value")
    for n, row in wanted.items():
        found = wide.loc[n, ["gap (0-1 loss)", "KL at layer 2 (rank 1)", "individual sample"]]
        np.testing.assert_allclose(found, row, rtol=4e-6)


def test_order_of_gap_and_bounds(study: Experiment) -> None:
    names = ["gap (0-1 loss)", "KL at layer 2 (rank 1)", "KL at layer 1 (rank 4)", "individual sample"]
    assert (np.diff([curve(study, name) for name in names], axis=0) > 0.0).all()
    names = ["gap (hinge loss)", *(f"Wasserstein at layer {i} (rank {r})" for i, r in ((2, 1), (1, 4), (0, 10)))]
    assert (np.diff([curve(study, name) for name in names], axis=0) > 0.0).all()
    for name in dict.fromkeys(study.frame["curve"]):
        if not name.startswith("PAC"):  # one random sample
            assert (np.diff(curve(study, name)) < 0.0).all()


def test_slopes(study: Experiment) -> None:
    assert study.markers["slope of individual sample"] == pytest.approx(-0.5, abs=0.01)
    assert study.markers["slope of gap (0-1 loss)"] < -0.9
    assert "n^-0.50" in study.interpretation and "stays open" in study.interpretation


def test_two_senses_never_share_a_label(study: Experiment) -> None:
    # Trap 14.
    rows = study.frame[study.frame["nature"] == "bound"]
    senses = rows.groupby("curve")["sense"].unique()
    assert all(len(each) == 1 for each in senses)
    assert [name for name, each in senses.items() if each[0] == "probability"] == ["PAC-Bayes (Seeger)"]
    assert "PAC-Bayes (Seeger) (with high probability)" in study.caption
    assert (curve(study, "PAC-Bayes (Seeger)") <= 1.0).all()


def test_pac_bayes_holds_for_the_risk_of_the_randomised_classifier() -> None:
    # Risk of sign(w.x), w ~ N(m, s^2 I), by simulation of fresh points, against bound + empirical risk, several seeds.
    from scipy import special

    from infostat.generalization.gaussian_task import BinaryGaussianTask

    task = BinaryGaussianTask(1.0, 1.0, 10)
    fresh = task.mu + np.random.default_rng(0).standard_normal((4000, 10))

    def error(m: np.ndarray, v: np.ndarray) -> float:
        return float(special.ndtr(-(v @ m) / (0.3 * np.linalg.norm(v, axis=1))).mean())

    for seed in range(20):
        found = bounds_by_sample_size([20, 60], rng=seed)
        X, y = task.sample(60, np.random.default_rng(np.random.SeedSequence(seed)))
        for n, bound in zip((20, 60), curve(found, "PAC-Bayes (Seeger)"), strict=True):
            v = (y[:, None] * X)[:n]
            assert error(v.mean(axis=0), fresh) - error(v.mean(axis=0), v) <= bound


def test_numbers_repeat(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    sizes = [4, 8, 16]
    first = bounds_by_sample_size(sizes, ranks=(5, 1), rng=2, progress=lambda done, total: seen.append((done, total)))
    assert bounds_by_sample_size([16, 4, 8, 8], ranks=(5, 1), rng=first.seed) == first
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert type(first).from_dict(first.to_dict()) == first
    assert first.save(tmp_path / "e2.png").stat().st_size > 1000


def test_a_gap_below_the_range_of_floats_is_no_obstacle(tmp_path: Path) -> None:
    found = bounds_by_sample_size([5, 10], mu=100.0, sigma0=1.0, ranks=(3, 1), rng=1)
    assert (curve(found, "gap (0-1 loss)") == 0.0).all() and "below the range" in found.interpretation
    assert found.save(tmp_path / "e2.png").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": [5]}, "sizes must be two or more whole numbers"),
        ({"sizes": [1, 5]}, "sizes must be two or more whole numbers from 2"),
        ({"sizes": [5, 10**7]}, "sizes must be two or more"),
        ({"sizes": [5.5, 10]}, "sizes must be a whole number"),
        ({"ranks": (5, 2)}, "the last one 1"),
        ({"delta": 1.0}, r"delta must be a number in \(0, 1\)"),
        ({"prior_std": 0.0}, "prior_std must be a number .*, got 0"),
        ({"sigma0": -1.0}, "sigma0 must be a number > 0"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bounds_by_sample_size(**{"sizes": [5, 10], **options})
