"""Progress is silent, a bar on stderr, or the caller's function."""

from __future__ import annotations

import pytest

from infostat.core.errors import InputTypeError
from infostat.core.progress import progress_callback


def test_silent() -> None:
    with progress_callback(False, "study") as report:
        assert report is None


def test_callable_is_handed_through() -> None:
    seen: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        seen.append((done, total))

    with progress_callback(note, "study") as report:
        assert report is note


def test_bar_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_callback(True, "my study") as report:
        assert report is not None
        report(1, 4)
        report(4, 4)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "my study" in captured.err
    assert "4/4" in captured.err


def test_bars_can_be_nested() -> None:
    with progress_callback(True, "outer"), progress_callback(True, "inner") as report:
        assert report is not None


@pytest.mark.parametrize("progress", [1, "yes", None])
def test_others_are_refused_before_any_work(progress: object) -> None:
    with pytest.raises(InputTypeError, match=r"True, False or a function of \(done, total\), got"):
        progress_callback(progress, "study")  # type: ignore[arg-type]
