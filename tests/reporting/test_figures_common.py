"""What holds for every figure: data, seeds, drawing, JSON."""

from __future__ import annotations

import io
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.image import imread

from infostat.core.results import Result, to_json
from infostat.core.style import figure_bytes
from infostat.reporting.figures import list_figures, make_figure
from infostat.reporting.figures.curves import COLUMNS
from tests.reporting.figures_made import quick

ENTRIES = {entry.name: entry for entry in list_figures()}
NATURES = {"exact", "bound", "estimate", "proxy", "data"}
# Seeded, with replicates that run in parallel.
PARALLEL = ("projection-criterion", "projection-simulation", "density-fluctuations", "alignment-coverage")
# Seeded or not, and made in a moment.
FAST = (
    "projection-simulation",
    "projection-thresholds",
    "density-wine",
    "generalization-sample-size",
    "generalization-gibbs",
    "alignment-frontier",
    "alignment-rates",
    "alignment-overoptimisation",
    "alignment-pass-at-k",
    "alignment-game",
)

every = pytest.mark.parametrize("name", list(ENTRIES))


@every
def test_the_data_are_tidy(name: str) -> None:
    frame = quick(name).to_frame()
    assert tuple(frame.columns[: len(COLUMNS)]) == COLUMNS
    assert set(frame["nature"]) <= NATURES
    assert np.isfinite(frame["x"]).all()
    known = frame["low"].notna() & frame["high"].notna() & frame["y"].notna()
    slack = 1e-12 * frame["y"].abs()
    assert (frame["low"] <= frame["y"] + slack)[known].all()
    assert (frame["y"] <= frame["high"] + slack)[known].all()
    # One kind of thing per curve: a reader of the table may group by these.
    assert not frame.groupby(["panel", "curve"])["nature"].nunique().gt(1).any()


@every
def test_the_picture_is_not_blank(name: str) -> None:
    image = imread(io.BytesIO(figure_bytes(quick(name)._draw, "png")))
    assert image.shape[0] >= 600
    assert image.shape[1] >= 1000
    # Ink on a white ground: neither empty nor covered, and colours besides black.
    inked = (image[..., :3].min(axis=-1) < 0.9).mean()
    assert 0.005 < inked < 0.85
    assert np.ptp(image[..., :3], axis=-1).max() > 0.3


@every
def test_it_comes_back_from_json(name: str) -> None:
    figure = quick(name)
    back = Result.from_dict(json.loads(to_json(figure.to_dict())))
    assert back == figure
    assert figure.to_frame().equals(back.to_frame())


@pytest.mark.parametrize("name", ["density-wine", "alignment-frontier", "projection-criterion", "alignment-game"])
def test_the_drawing_is_reproducible(name: str) -> None:
    figure = quick(name)
    back = Result.from_dict(json.loads(to_json(figure.to_dict())))
    assert figure_bytes(back._draw, "svg") == figure_bytes(figure._draw, "svg")


@every
def test_the_summary_tells_how_it_was_made(name: str) -> None:
    figure, entry = quick(name), ENTRIES[name]
    text = "".join(str(figure.summary()).split())  # lines end anywhere, after hyphens too
    assert figure.name == name
    assert "".join(entry.caption.split()) in text
    assert "quicklook" in text
    assert ("Seed" in text) == (entry.seed is not None)
    assert figure.seed == entry.seed


@pytest.mark.parametrize("name", FAST)
def test_another_seed_changes_what_is_random_and_nothing_else(name: str) -> None:
    again = make_figure(name, quick=True, rng=12345)
    same = again.to_frame().equals(quick(name).to_frame())
    assert same == (ENTRIES[name].seed is None)


@pytest.mark.parametrize("name", PARALLEL)
def test_workers_and_progress_do_not_change_the_numbers(name: str) -> None:
    seen: list[tuple[int, int]] = []
    again = make_figure(name, quick=True, n_jobs=2, progress=lambda done, total: seen.append((done, total)))
    assert again == quick(name)
    assert seen
    assert all(0 <= done <= total for done, total in seen)


def test_drawing_on_given_axes_leaves_the_rest_of_the_figure_alone() -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.0, 4.0))
    try:
        assert quick("alignment-divergence").plot(left) is left
        figure.canvas.draw()
        assert tuple(figure.get_size_inches()) == (11.0, 4.0)
        panels = [ax for ax in figure.axes if ax not in (left, right)]
        assert len(panels) == 2
        edge = right.get_position().x0
        assert all(panel.get_position().x1 < edge for panel in panels)
        assert not right.lines
    finally:
        plt.close(figure)


def test_a_figure_takes_no_options_of_drawing() -> None:
    with pytest.raises(TypeError, match="takes no options of drawing, got color"):
        quick("projection-thresholds").plot(color="red")
    assert plt.get_fignums() == []


def test_one_figure_at_a_time_is_made() -> None:
    with pytest.raises(ValueError, match="name must be one figure, got 'density'; choose one of density-phases"):
        make_figure("density")
    with pytest.raises(TypeError, match="quick must be"):
        make_figure("E3", quick=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="rng must be"):
        make_figure("E3", rng=1.5)  # type: ignore[arg-type]
