"""Experiment E3: labels, numbers, figure."""

from __future__ import annotations

import json
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from infostat.core.errors import InputError
from infostat.core.results import Result, to_json
from infostat.generalization.experiment_contraction import contraction_curves


def test_curves_their_natures_and_the_caption() -> None:
    found = contraction_curves(points=9)
    frame = found.frame
    assert found.name == "E3"
    assert found.panels() == ("Dropout", "Gaussian noise on tanh units", "Depth at constant size")
    natures = frame.groupby("curve", sort=False)["nature"].first()
    for curve, nature in natures.items():
        assert nature == ("bound" if "Dobrushin" in str(curve) or "kappa" in str(curve) else "exact")
        assert str(curve) in found.caption
    assert (frame["sense"] == "").all()
    assert "training error" in found.caption
    assert "stays open" in found.caption
    exact = frame[frame["curve"] == "4 units (exact)"]["value"].to_numpy()
    bound = frame[frame["curve"] == "4 units (Dobrushin)"]["value"].to_numpy()
    assert (exact <= bound).all()
    assert (np.diff(exact) <= 0.0).all()


def test_numbers() -> None:
    found = contraction_curves(points=5)
    frame = found.frame
    kappa = frame[frame["curve"] == "kappa at drop 0.9"].set_index("x")["value"]
    wanted = [0.804508, 0.468786, 0.0968473, 1.36612e-3]
    assert kappa[[1.0, 2.0, 4.0, 8.0]].to_numpy() == pytest.approx(wanted, rel=1e-5)
    dropout = frame[frame["curve"] == "Dropout d = 16"]
    assert dropout["value"].to_numpy() == pytest.approx(dropout["x"].to_numpy() ** 16, rel=1e-12)
    assert found.markers["kappa_one_layer"] == pytest.approx(0.804508, rel=1e-5)


def test_progress_and_round_trip() -> None:
    seen: list[tuple[int, int]] = []
    found = contraction_curves(points=4, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    back = Result.from_dict(json.loads(to_json(found.to_dict())))
    assert back == found
    assert "Gaussian noise on tanh units" in str(found.summary())


def test_figure_has_three_panels_with_their_own_axes() -> None:
    found = contraction_curves(points=6)
    figure, ax = plt.subplots()
    found.plot(ax=ax)
    inner = ax.child_axes
    assert [part.get_title() for part in inner] == list(found.panels())
    assert [(part.get_xscale(), part.get_yscale()) for part in inner] == [
        ("linear", "log"),
        ("log", "linear"),
        ("log", "log"),
    ]
    assert all(part.get_xlabel() and part.get_ylabel() for part in inner)
    # A pair of exact curve and bound shares a colour and differs in line style.
    pair = inner[1].lines[:2]
    assert pair[0].get_color() == pair[1].get_color()
    assert pair[0].get_linestyle() != pair[1].get_linestyle()
    plt.close(figure)
    alone = found.plot(panel="Dropout")
    assert len(alone.lines) == 4
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": [0]}, "units must be a whole number >= 1, got 0"),
        ({"widths": []}, "widths must be a whole number"),
        ({"drops": [1.0]}, "drops must be"),
        ({"n_params": 0}, "n_params must be"),
        ({"points": 1}, "points must be"),
    ],
)
def test_bad_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        contraction_curves(**arguments)


def test_small_networks_have_one_layer() -> None:
    found = contraction_curves(n_params=5, points=3)
    assert found.frame[found.frame["panel"] == "Depth at constant size"]["x"].tolist() == [1.0, 1.0, 1.0]
