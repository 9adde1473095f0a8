"""The gallery page of the documentation is the one that the entries make."""

from __future__ import annotations

from pathlib import Path

from infostat.reporting.figures import list_figures
from infostat.reporting.figures.gallery_page import gallery_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "figures.rst"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == gallery_page(), "write gallery_page() to docs/figures.rst"


def test_every_figure_is_shown_with_its_data() -> None:
    text = PAGE.read_text("utf-8")
    for entry in list_figures():
        assert text.count(f".. figure:: figures/{entry.name}.png") == 1
        assert f"<figures/{entry.name}.csv>" in text
        assert entry.title in text
