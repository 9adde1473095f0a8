"""Tables of curves and how they are drawn."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from infostat.core.style import COLORS
from infostat.reporting.figures import GalleryFigure
from infostat.reporting.figures.curves import COLUMNS, Look, curve, divide, draw_curves, rows_of, stack


@pytest.fixture
def ax() -> Axes:
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_rows_of_a_curve() -> None:
    frame = stack(
        curve("a", [1, 2], [3.0, np.nan], panel="left", low=0.0, status=np.array(["ok", "weak"])),
        curve("b", 5, 6, nature="bound"),
    )
    assert tuple(frame.columns) == (*COLUMNS, "status")
    assert frame.index.tolist() == [0, 1, 2]
    assert frame["low"].tolist()[:2] == [0.0, 0.0]
    assert frame["high"].isna().all()
    assert len(rows_of(frame, "a", "left")) == 2
    assert len(rows_of(frame, "a")) == 0


def test_lines_bands_points_and_rules(ax: Axes) -> None:
    frame = stack(
        curve("line", [0, 1, 2], [1.0, np.nan, 2.0]),
        curve("band", [0, 1], [1.0, 2.0], low=0.5, high=2.5),
        curve("points", [0, 1], [1.0, 2.0]),
        curve("bars", [0, 1], [1.0, 2.0], low=[0.5, 1.5], high=[1.5, 2.5]),
        curve("rule", [0.5], np.nan),
        curve("other panel", [0], [9.0], panel="right"),
    )
    looks = {
        "line": Look("blue", "a line"),
        "band": Look("green"),
        "points": Look("orange", kind="points", hollow=True),
        "bars": Look("purple", "bars", kind="points"),
        "rule": Look("grey", "here", kind="rule"),
        "other panel": Look("black"),
        "not there": Look("sky", "nothing"),
    }
    draw_curves(ax, frame, looks)
    assert ax.get_legend_handles_labels()[1] == ["a line", "here", "bars"]
    assert to_hex(ax.lines[0].get_color()).upper() == COLORS["blue"]
    assert np.isnan(ax.lines[0].get_ydata()[1])
    assert len(ax.containers) == 1
    band = [c for c in ax.collections if c.get_alpha() == 0.18]
    assert len(band) == 1
    vertices = band[0].get_paths()[0].vertices
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == (0.5, 2.5)
    assert all(line.get_ydata()[0] != 9.0 for line in ax.lines)


def test_a_figure_of_its_own_takes_the_size_of_the_panels(ax: Axes) -> None:
    panels = divide(ax, 3, 2, width=2.0, height=1.5)
    assert len(panels) == 6
    assert tuple(ax.figure.get_size_inches()) == (6.0, 3.0)
    assert not ax.axison


def test_axes_without_a_grid_are_divided_too() -> None:
    figure = plt.figure()
    try:
        whole = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        left, right = divide(whole, 2)
        figure.canvas.draw()
        assert left.get_position().x1 < right.get_position().x0
    finally:
        plt.close(figure)


def test_a_figure_needs_its_columns() -> None:
    frame = curve("a", [1.0], [2.0])
    words = {"name": "alignment-game", "title": "t", "caption": "c", "interpretation": ""}
    empty = {"numbers": {}, "parts": {}, "settings": {}}
    for bad in (frame.iloc[:0], frame.drop(columns="low")):
        with pytest.raises(ValueError, match="frame must hold rows of the columns panel curve nature"):
            GalleryFigure(**words, frame=bad, **empty)  # type: ignore[arg-type]
