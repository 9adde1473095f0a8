"""Colours, settings that do not leak, images that do not change."""

from __future__ import annotations

import itertools
import re
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from infostat.core.style import COLORS, FIGURE_SIZE, close_figure, figure_bytes, new_axes, plot_style

# Linear-RGB matrices of Machado, Oliveira and Fernandes (2009), table 1, severity 1.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
# sRGB to CIE XYZ (D65), IEC 61966-2-1.
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def _lab(color: str, vision: np.ndarray) -> np.ndarray:
    srgb = np.array(to_rgb(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(vision @ linear, 0.0, 1.0) / XYZ.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_can_be_told_apart(vision: str) -> None:
    # A difference of 2.3 in CIELAB is just noticeable when patches touch; lines in a figure
    # do not touch, hence five times that.
    labs = {name: _lab(color, VISIONS[vision]) for name, color in COLORS.items()}
    for (a, x), (b, y) in itertools.combinations(labs.items(), 2):
        assert np.linalg.norm(x - y) > 5 * 2.3, f"{a} and {b} look alike with {vision}"


def test_the_distance_finds_colours_that_look_alike() -> None:
    red, green = _lab("#B05A00", VISIONS["deuteranopia"]), _lab("#7A7A00", VISIONS["deuteranopia"])
    assert np.linalg.norm(red - green) < 5 * 2.3
    assert _lab("#FFFFFF", np.eye(3)) == pytest.approx([100, 0, 0], abs=0.02)


def test_settings_hold_inside_and_are_restored_outside() -> None:
    with matplotlib.rc_context({"legend.frameon": True, "font.size": 33.0}):
        before = dict(matplotlib.rcParams)
        with plot_style():
            assert matplotlib.rcParams["legend.frameon"] is False
            assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"][0] == COLORS["blue"]
        assert dict(matplotlib.rcParams) == before
        with pytest.raises(ZeroDivisionError), plot_style():
            1 / 0  # noqa: B018
        assert dict(matplotlib.rcParams) == before
        figure_bytes(_draw, "svg", outlines=True)
        assert dict(matplotlib.rcParams) == before


def _draw(ax: Any) -> None:
    ax.plot([1, 10], [0.5, 20], "o-", label=r"$a_1/n$")
    ax.fill_between([1, 10], [0, 1], [1, 30], alpha=0.2)
    ax.set_xscale("log")
    ax.set_xlabel("sample size (rows)")
    ax.legend()


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_the_same_figure_gives_the_same_bytes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = figure_bytes(_draw, kind)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")  # what matplotlib would stamp into the file
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": None, "savefig.dpi": 50}):
        assert figure_bytes(_draw, kind) == first
    assert figure_bytes(lambda ax: ax.plot([1, 2]), kind) != first


def test_text_of_a_vector_file_is_text_unless_outlines_are_asked_for() -> None:
    assert b"sample size (rows)</text>" in figure_bytes(_draw, "svg")
    outlined = figure_bytes(_draw, "svg", outlines=True)
    assert b"<text" not in outlined
    assert b"<tspan" not in outlined


@pytest.mark.parametrize("outlines", [True, False])
def test_an_svg_names_no_other_program_or_address(outlines: bool) -> None:
    text = figure_bytes(_draw, "svg", outlines=outlines).decode()
    text = re.sub(r"<!DOCTYPE[^>]*>", "", text)
    assert re.sub(r'xmlns(:\w+)?="[^"]*"', "", text).count("http") == 0


def test_rendering_leaves_pyplot_alone() -> None:
    plt.close("all")
    figure_bytes(_draw, "png")
    assert plt.get_fignums() == []


def test_new_axes_belong_to_pyplot_until_closed() -> None:
    with plot_style():
        ax = new_axes()
    assert plt.gcf() is ax.get_figure()
    assert tuple(ax.get_figure().get_size_inches()) == FIGURE_SIZE
    close_figure(ax)
    assert plt.get_fignums() == []
