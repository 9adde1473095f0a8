"""Experiment E5: certificates of trained networks, without and with noise."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InfostatError, InputError, InputTypeError, MissingExtraError, VacuousBoundWarning
from infostat.generalization.certificates import layer_certificates
from infostat.generalization.experiment_network import network_study
from infostat.generalization.experiment_result import Experiment
from infostat.generalization.network import MLP

SMALL: dict[str, Any] = {"n": 40, "d": 4, "hidden": (5, 3), "steps": 60, "masks": 3}


@pytest.fixture(scope="module")
def study() -> Experiment:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # every choice that could mislead is in the table
        return network_study(**SMALL, rng=3)


def wide(study: Experiment, panel: int) -> Any:
    frame = study.to_frame()
    part = frame[frame["panel"] == study.panels()[panel]]
    return part.pivot_table(index="x", columns="curve", values="value", sort=False)


# ------------------------------------------------------------------------ the bound
@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    activation=st.sampled_from(["relu", "tanh", "sigmoid", "identity"]),
    drop=st.sampled_from([0.0, 0.5]),
    steps=st.sampled_from([0, 40]),
)
def test_every_layer_of_every_draw_bounds_the_gap(seed: int, activation: str, drop: float, steps: int) -> None:
    rng = np.random.default_rng(seed)
    X, X_test = rng.normal(size=(12, 3)), 0.5 + rng.normal(size=(9, 3))
    y, y_test = rng.choice([-1.0, 1.0], 12), rng.choice([-1.0, 1.0], 9)
    net = MLP([3, 5, 4, 1], activation, drop=drop, noise_std=0.3 * (drop > 0), steps=steps).fit(X, y, rng=seed)
    layers = [net.representations(rows, rng=seed, noise="shared") for rows in (X, X_test)]
    with warnings.catch_warnings():
        # Any warning but this one, above all a contradicted Lipschitz constant, fails.
        warnings.simplefilter("ignore", VacuousBoundWarning)
        found = layer_certificates(
            *layers, y, y_test, weights=net.thinned_weights(seed), activations=net.activations, rng=0
        )
    gap = net.loss(X_test, y_test, rng=seed, noise="shared") - net.loss(X, y, rng=seed, noise="shared")
    assert found.gap == pytest.approx(gap, abs=1e-13)
    assert (found.certificate >= abs(gap) * (1 - 1e-9)).all()
    assert (np.diff(found.certificate) <= 1e-9 * found.certificate[:-1]).all()


def test_certificates_lie_above_the_gap_in_both_panels(study: Experiment) -> None:
    for panel in (0, 1):
        table = wide(study, panel)
        assert list(table.columns) == ["certificate", "|gap|", "W1 train to test", "W1 floor"]
        assert list(table.index) == [0.0, 1.0, 2.0, 3.0]
        assert (table["certificate"] >= table["|gap|"]).all()
        assert (np.diff(table["certificate"]) <= 0).all()
        assert table["|gap|"].nunique() == 1


def test_distances_of_the_input_do_not_know_the_network(study: Experiment) -> None:
    first, second = wide(study, 0), wide(study, 1)
    for curve in ("W1 train to test", "W1 floor"):
        assert first[curve].iloc[0] == pytest.approx(second[curve].iloc[0], rel=1e-12)


# ----------------------------------------------------------------------- the result
def test_labels_say_what_is_what(study: Experiment) -> None:
    frame = study.to_frame()
    labels = frame[["curve", "nature", "sense"]].drop_duplicates().set_index("curve")
    assert labels.loc["certificate"].tolist() == ["bound", "always"]
    assert labels.loc["|gap|"].tolist() == ["exact", "always"]
    assert labels.loc["W1 train to test"].tolist() == ["estimate", ""]
    assert labels.loc["W1 floor"].tolist() == ["estimate", ""]
    assert "Bounds: certificate (for the samples at hand)" in study.caption
    assert "Estimates: W1 train to test, W1 floor" in study.caption
    assert study.name == "E5"


def test_standard_errors_belong_to_the_draws(study: Experiment) -> None:
    frame = study.to_frame()
    noisy = (frame["panel"] == study.panels()[1]) & frame["curve"].str.startswith("W1") & (frame["x"] > 0)
    assert (frame.loc[noisy, "se"] > 0).all()
    assert frame.loc[(frame["panel"] == study.panels()[0]), "se"].isna().all()
    single = network_study(**{**SMALL, "masks": 1, "steps": 2}, rng=3).to_frame()
    assert single["se"].isna().all()
    assert single["value"].notna().all()


def test_markers_agree_with_the_curves(study: Experiment) -> None:
    table, markers = wide(study, 0), study.markers
    assert abs(markers["gap"]) == table["|gap|"].iloc[0]
    assert abs(markers["gap_noise_on"]) == pytest.approx(wide(study, 1)["|gap|"].iloc[0], rel=1e-15)
    assert markers["funnel_distance"] == table["W1 train to test"].argmin()
    assert markers["certificate_output"] == table["certificate"].iloc[-1] == table["certificate"].min()
    assert 0.0 <= markers["train_error"] <= markers["test_error"] <= 1.0


def test_same_seed_same_numbers_whoever_computes(study: Experiment) -> None:
    again = network_study(**SMALL, rng=study.seed, n_jobs=2, batch_size=1)
    assert again == study
    assert network_study(**SMALL, rng=4) != study


def test_without_noise_all_draws_are_the_same() -> None:
    quiet = network_study(**{**SMALL, "masks": 2}, drop=0.0, noise_std=0.0, rng=3)
    frame = quiet.to_frame()
    noisy = (frame["panel"] == quiet.panels()[1]) & frame["curve"].str.startswith("W1")
    assert (frame.loc[noisy, "se"] == 0.0).all()


def test_progress_counts_the_whole() -> None:
    seen: list[tuple[int, int]] = []
    network_study(**{**SMALL, "steps": 5, "masks": 2}, rng=0, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (12, 12)
    assert {total for _, total in seen} == {12}


def test_the_bar_shows_loss_and_gap(capsys: pytest.CaptureFixture[str]) -> None:
    network_study(**{**SMALL, "steps": 5, "masks": 1}, rng=0, progress=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "loss" in printed.err and "gap" in printed.err


# ------------------------------------------------------------------------------ data
def test_data_of_the_caller_are_divided() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([-1, 1], 15)
    X = rng.normal(size=(30, 3)) + y[:, None]
    found = network_study(data=(X, y), hidden=(3,), steps=20, masks=1, rng=1)
    assert found.settings["n_train"] == found.settings["n_test"] == 15
    assert found.settings["data"] == "data of the caller"
    few = network_study(data=(X, y), n=5, hidden=(3,), steps=20, masks=1, rng=1)
    assert few.settings["n_train"] == 5


def test_a_network_without_hidden_layers_has_two_layers() -> None:
    found = network_study(n=20, d=3, hidden=(), steps=20, masks=1, rng=1)
    assert wide(found, 0).index.tolist() == [0.0, 1.0]
    assert found.settings["widths"] == "3-1"


@pytest.mark.slow
def test_digits_are_data_where_scikit_learn_is_installed() -> None:
    pytest.importorskip("sklearn")
    found = network_study(data="digits", n=60, hidden=(8,), steps=50, masks=1, rng=1)
    assert found.settings["widths"] == "64-8-1"
    assert found.markers["train_error"] < 0.5


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"scikit-learn.*infostat\[test\].*data=\(X, y\)"):
        network_study(data="digits")


@pytest.mark.slow
def test_the_experiment_of_the_specification() -> None:
    found = network_study(rng=0)
    table = wide(found, 0)
    assert found.settings["widths"] == "10-16-8-4-1"
    # Typical ranges over seeds, wide enough for one seed and narrow enough to see a wrong constant.
    assert 0.2 < found.markers["gap"] < 1.6
    assert 50 < table["certificate"].iloc[0] < 400
    assert 1 < table["certificate"].iloc[-1] < 8
    assert (wide(found, 1)["certificate"] >= wide(found, 1)["|gap|"]).all()


# ------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"n": 3}, InputError, "n must be an integer from 4|n must be an integer >= 4"),
        ({"masks": 0}, InputError, "masks must be an integer from 1"),
        ({"hidden": 5}, InputTypeError, "hidden must be a sequence"),
        ({"hidden": (5, 0)}, InputError, r"hidden\[1\] must be"),
        ({"drop": [0.1]}, InputError, "drop must be a number or 2 numbers"),
        ({"sigma0": 0.0}, InputError, "sigma0 must be"),
        ({"mu": -1.0}, InputError, "mu must be"),
        ({"data": "iris"}, InputError, "'digits'"),
        ({"data": np.zeros((3, 2))}, InputTypeError, r"data must be a pair \(X, y\)"),
        ({"data": (np.zeros((20, 2)), np.zeros(20))}, InputError, r"data\[1\] must be labels -1 and 1"),
        ({"data": (np.zeros((20, 2)), np.ones(19))}, InputError, r"one label per observation \(20\)"),
        ({"data": (np.zeros((6, 2)), np.ones(6))}, InputError, "at least 8 rows"),
        ({"progress": 3}, InputTypeError, "progress must be"),
        ({"n_jobs": 0}, InputError, "n_jobs must be"),
    ],
)
def test_what_cannot_be_studied(options: dict[str, Any], error: type[InfostatError], match: str) -> None:
    with pytest.raises(error, match=match):
        network_study(**{**SMALL, "steps": 2, **options})
