"""Every script of the gallery runs from start to end, without a display and without a warning."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("plot_*.py"))


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Draw without a display; what `plt.show` would have shown is counted and closed."""
    import matplotlib.pyplot as plt

    before = plt.get_backend()
    plt.switch_backend("Agg")
    shown: list[int] = []

    def show() -> None:
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
            shown.append(number)
        plt.close("all")

    monkeypatch.setattr(plt, "show", show)
    yield shown
    plt.close("all")
    plt.switch_backend(before)


def test_there_are_examples() -> None:
    assert SCRIPTS


# A minute of simulation; the gallery of the documentation runs it too.
LONG = {"plot_wine_intractable"}


@pytest.mark.parametrize(
    "script",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in LONG else []) for path in SCRIPTS],
    ids=[path.stem for path in SCRIPTS],
)
def test_example_runs_and_shows_a_figure(
    script: Path, figures: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(script), run_name="__main__")
    assert figures
    printed = capsys.readouterr()
    assert printed.out
    assert printed.err == ""
