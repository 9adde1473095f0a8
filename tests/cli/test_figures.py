"""``infostat figures``: the list, the files, the exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from infostat.reporting.figures import list_figures
from tests.cli.helpers import run


def test_the_list_names_every_figure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(monkeypatch, capsys, "figures", "--list")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [entry.name for entry in list_figures()]
    assert lines[-1].startswith("About ")


def test_the_list_of_a_wing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(monkeypatch, capsys, "figures", "generalization", "--list")
    assert [line.split()[1] for line in done.out.splitlines()[:-1]] == ["E1", "E2", "E3", "E4", "E5", "E6"]


def test_files_are_written_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    done = run(
        monkeypatch, capsys, "figures", "alignment-G", "projection-e", "--output", str(folder), "--format", "svg",
        "--seed", "3", "--jobs", "2", "--quick",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:2] == [f"Wrote {folder}/{n}.svg" for n in ("projection-thresholds", "alignment-game")]
    assert len(list(folder.iterdir())) == 6


def test_the_folder_is_called_figures_unless_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, capsys, "figures", "alignment-game").code == 0
    assert (tmp_path / "figures" / "alignment-game.pdf").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("E9",), 1, "names must be names of figures, or wings, got 'E9'"),
        (("E3", "--output", "no/such/folder"), 1, "does not exist"),
        (("E3", "--format", "gif"), 2, "--format"),
        (("E3", "--seed", "-1"), 1, "rng must be"),
        (("--nonsense",), 2, "No such option"),
    ],
)
def test_what_is_refused(
    arguments: tuple[str, ...],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(monkeypatch, capsys, "figures", *arguments)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err
    if code == 1:
        assert len(done.err.splitlines()) == 1
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
