"""The HTML page: self-contained, well-formed, references inside one figure."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import infostat
from infostat.core.page import html_page, versions
from infostat.core.tables import caution
from tests.common.sample_results import SampleInner, SamplePlain, sample

VOID = {"meta", "link", "br", "hr", "img", "input"}


class _Page(HTMLParser):
    """Collects tags, attributes and text; fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        assert "svg" in self.open, f"<{tag}/> is no HTML"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"] and data.strip():
            self.words.append(data.strip())

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}


def _parse(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


def _pictures(text: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("page") / "page.html"
    return sample().save(path).read_text("utf-8")


def test_the_page_is_well_formed(text: str) -> None:
    page = _parse(text)
    assert text.lower().startswith("<!doctype html>")
    assert {"html", "head", "title", "body", "main", "svg", "table"} <= page.names()
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_elsewhere(text: str) -> None:
    page = _parse(text)
    assert not page.names() & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert name not in {"src", "srcset", "action", "data"}
            assert not name.startswith("on")
            if name in {"href", "xlink:href"}:
                assert str(value).startswith("#")
            if not name.startswith("xmlns"):
                assert "//" not in str(value)
    style = " ".join(re.findall(r"<style.*?</style>", text, flags=re.DOTALL))
    assert "@import" not in style
    assert "url(" not in style
    assert re.sub(r'xmlns(:\w+)?="http://www\.w3\.org/[^"]*"', "", text).count("http") == 0


def test_the_page_holds_sentence_figure_tables_settings_and_versions(text: str) -> None:
    words = _parse(text).words
    assert "It is a sample." in words
    pairs = {"Rows": "3", "seed": "7", **versions(), "infostat": infostat.__version__}
    for label, value in pairs.items():
        at = [index for index, word in enumerate(words) if word == label]
        assert value in [words[index + 1] for index in at], label
    for cell in ("quantity", "low", "high", "Intervals", "T0", "inf"):
        assert cell in words


def test_pairs_are_a_list_and_everything_else_a_table(text: str) -> None:
    page = _parse(text)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("dt") == tags.count("dd") == 4 + 1 + len(versions())
    assert tags.count("table") == 1
    assert tags.count("caption") == 1


def test_versions_begin_with_this_package() -> None:
    found = versions()
    assert next(iter(found)) == "infostat"
    assert {"Python", "numpy", "matplotlib"} <= set(found)


def test_figures_of_one_page_do_not_share_names() -> None:
    # Two figures number their parts alike, and these two have markers of the same name.
    text = html_page("Two", [sample(), sample(inner=SampleInner(2.0, "other"))])
    pictures = _pictures(text)
    assert len(pictures) == 2
    names = [set(re.findall(r'\bid="([^"]+)"', picture)) for picture in pictures]
    assert not names[0] & names[1]
    for own, picture in zip(names, pictures, strict=True):
        references = re.findall(r'(?:href="|url\()#([^")]+)', picture)
        assert len(references) > 20
        assert set(references) <= own
        ET.fromstring(picture)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_figures_do_not_depend_on_the_fonts_of_the_reader(text: str) -> None:
    (picture,) = _pictures(text)
    assert "<text" not in picture
    assert "<!--" not in picture
    assert 'aria-label="Figure: SampleOuter"' in text


def test_results_without_a_figure_and_empty_tables_leave_no_holes() -> None:
    text = html_page("Plain", [SamplePlain(1.0, "word", "Sentence.")])
    assert _pictures(text) == []
    assert 'class="figure"' not in text
    assert "Sentence." in _parse(text).words


def test_texts_of_the_user_are_escaped() -> None:
    evil = "<script>alert('x')</script> & \"q\""
    result = sample(interpretation=evil, inner=SampleInner(1.0, evil))
    text = html_page(evil, [result], settings={evil: evil})
    page = _parse(text)
    assert "script" not in page.names()
    assert evil in page.words


def test_cautions_stand_out() -> None:
    text = html_page("t", [SamplePlain(1.0, "", "Caution: few rows.")])
    assert '<p class="caution">Caution: few rows.</p>' in text
    text = html_page("t", [SamplePlain(1.0, "", caution("ties", "Distances repeat."))])
    assert '<p class="caution">Caution [ties]: Distances repeat.</p>' in text
    assert 'class="caution"' not in html_page("t", [SamplePlain(1.0, "", "No caution.")])


def test_numbers_among_the_settings_are_formatted() -> None:
    words = _parse(html_page("t", [SampleInner(1.0)], settings={"alpha": 0.0500000001, "check": None})).words
    assert words[words.index("alpha") + 1] == "0.05"
    assert words[words.index("check") + 1] == "-"
