"""Writing figures: three files each, whole or not at all, the same for the same seed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import DataFileError
from infostat.reporting.figures import make_figure, write_figures, writing
from tests.reporting.figures_made import quick

NAMES = ("projection-thresholds", "alignment-game")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("kind", "opening"), [("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_picture_data_and_caption(kind: str, opening: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    written = write_figures(folder, "alignment-game", kind=kind)
    assert [path.name for path in written] == [f"alignment-game.{kind}", "alignment-game.csv", "alignment-game.md"]
    assert names(folder) == sorted(path.name for path in written)
    assert written[0].read_bytes().startswith(opening)
    figure = make_figure("alignment-game")
    missing = {key: [""] for key in ("y", "low", "high")}  # in "panel" an empty text is an empty text
    back = pd.read_csv(io.StringIO(written[1].read_text("utf-8")), keep_default_na=False, na_values=missing)
    pd.testing.assert_frame_equal(back, figure.to_frame(), check_dtype=False)
    text = written[2].read_text("utf-8")
    assert figure.caption in text
    assert "- numpy: " in text


def test_the_caption_names_the_seed(tmp_path: Path) -> None:
    for seed, word in ((None, "- seed: 3\n"), (7, "- seed: 7\n")):
        write_figures(tmp_path, "alignment-pass-at-k", kind="svg", rng=seed)
        assert word in (tmp_path / "alignment-pass-at-k.md").read_text("utf-8")


def test_the_same_seed_writes_the_same_bytes_whatever_else_is_made(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    write_figures(alone, "alignment-pass-at-k", kind="svg", rng=np.random.default_rng(5))
    wanted = [*NAMES, "alignment-pass-at-k"]
    write_figures(together, wanted, kind="svg", rng=np.random.default_rng(5), n_jobs=2)
    assert len(names(together)) == 9
    for path in alone.iterdir():
        assert path.read_bytes() == (together / path.name).read_bytes()


def test_progress_counts_figures(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_figures(tmp_path, NAMES, kind="svg", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_bars_are_drawn_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_figures(tmp_path, ["alignment-game", "density-fluctuations"], kind="svg", quick=True, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "figures" in captured.err
    assert "2/2" in captured.err


def test_what_was_finished_stays_when_the_run_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = writing.run_entry

    def stop_at_the_second(entry: Any, *args: Any) -> Any:
        if entry.name == "alignment-game":
            raise KeyboardInterrupt
        return real(entry, *args)

    monkeypatch.setattr(writing, "run_entry", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        write_figures(tmp_path, NAMES, kind="svg")
    assert names(tmp_path) == [f"projection-thresholds.{end}" for end in ("csv", "md", "svg")]


def test_a_picture_that_cannot_be_drawn_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> bytes:
        raise DataFileError("no ink")

    monkeypatch.setattr(writing, "figure_bytes", fail)
    with pytest.raises(DataFileError, match="no ink"):
        write_figures(tmp_path, "alignment-game")
    assert names(tmp_path) == []


class TestRefused:
    """Before minutes of work: names, formats, folders."""

    @pytest.fixture(autouse=True)
    def _no_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writing, "run_entry", lambda *args: pytest.fail("work was done"))

    def test_unknown_name(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="got 'E9'"):
            write_figures(tmp_path / "new", ["E1", "E9"])
        assert names(tmp_path) == []

    @pytest.mark.parametrize("kind", ["gif", "PDF", "", None])
    def test_unknown_format(self, kind: Any, tmp_path: Path) -> None:
        with pytest.raises((ValueError, TypeError), match="kind"):
            write_figures(tmp_path / "new", kind=kind)
        assert names(tmp_path) == []

    @pytest.mark.parametrize("progress", ["yes", 1, None])
    def test_progress(self, progress: Any, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match="progress must be"):
            write_figures(tmp_path / "new", progress=progress)

    def test_folder_without_a_parent(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="does not exist"):
            write_figures(tmp_path / "a" / "b")

    def test_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(DataFileError, match="cannot be made"):
            write_figures(tmp_path / "file")
        assert (tmp_path / "file").read_text() == "mine"

    def test_a_folder_in_the_place_of_a_picture(self, tmp_path: Path) -> None:
        (tmp_path / "alignment-game.pdf").mkdir()
        with pytest.raises(DataFileError, match="it is a folder"):
            write_figures(tmp_path, "alignment-game")


def test_the_quick_figure_says_so() -> None:
    assert quick("alignment-game")._settings()["replicates"] == "reduced, for a quick look"
    assert "replicates" not in make_figure("alignment-game")._settings()
