"""Pages, Markdown and LaTeX of a report."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import DataFileError, InputError
from infostat.core.results import Result
from infostat.reporting import report
from infostat.reporting.report_result import Report, ReportPart, ReportTable
from tests.reporting.report_data import Page, mixed

EVIL = "<script>alert('x')</script> & \"q\" 50 % of a_b | $c$ \\d {e}"


@pytest.fixture(scope="module")
def found() -> Report:
    frame = mixed(120)[["length", "height", "city"]]
    frame.loc[3, "length"] = np.nan
    with pytest.warns(UserWarning, match="left out"):
        return report(frame.rename(columns={"height": EVIL}), bootstrap=20, title=EVIL)


@pytest.fixture(scope="module")
def text(found) -> str:
    return found.to_html()


def test_the_page_is_well_formed_and_complete(found, text):
    page = Page(text)
    assert text.startswith("<!doctype html>") and {"main", "nav", "svg", "table", "details"} <= page.names()
    assert len(page.ids()) == len(set(page.ids()))
    for part in found.parts:
        assert part.interpretation in page.words
        assert part.title in page.words
    for sentence in found.cautions:
        assert sentence in page.words
    for source in found.citations:
        assert source in page.words
    assert text.count("<svg") == sum(len(part.drawn) for part in found.parts)


def test_links_lead_somewhere_inside(text):
    page = Page(text)
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert len(links) > 6
    assert {str(link)[1:] for link in links} <= set(page.ids())


def test_nothing_is_loaded_from_elsewhere(text):
    page = Page(text)
    assert not page.names() & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert name not in {"src", "srcset", "action"} and not name.startswith("on")
            if name in {"href", "xlink:href"}:
                assert str(value).startswith("#")
    assert re.sub(r'xmlns(:\w+)?="http://www\.w3\.org/[^"]*"', "", text).count("http") == 0
    assert "@import" not in text


def test_texts_of_the_user_are_escaped(text):
    page = Page(text)
    assert "script" not in page.names() and EVIL in page.words


def test_figures_have_names_of_their_own_and_follow_the_colours(text):
    pictures = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    names = [set(re.findall(r'\bid="([^"]+)"', picture)) for picture in pictures]
    for k, (own, picture) in enumerate(zip(names, pictures, strict=True)):
        assert not own & set().union(*names[:k], *names[k + 1 :])
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', picture)) <= own
        assert "<text" not in picture and "<!--" not in picture
        assert re.search(r"stroke: #000000", picture) is None and "var(--ink, #000000)" in picture
        ET.fromstring(picture)


def test_both_colour_schemes_define_every_colour(text):
    used = set(re.findall(r"var\(--([\w-]+)", text))
    style = re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)[0]
    light, dark = style.split("/* What a report adds")[1].split("prefers-color-scheme: dark", 1)
    shared = style.split("/* What a report adds")[0].split("prefers-color-scheme: dark")
    for name in used:
        assert f"--{name}:" in light + shared[0], name
        assert f"--{name}:" in dark + shared[1], name


def test_places_in_figures_are_rounded_and_still_right(text):
    numbers = re.findall(r'\bd="M ([-\d.]+) ', text)
    assert numbers and all(len(number.partition(".")[2]) <= 2 for number in numbers)


def test_figures_are_described(found, text):
    labels = re.findall(r'role="img" aria-label="Figure: ([^"]+)"', text)
    assert len(labels) == text.count("<svg") and all(len(label) > 10 for label in labels)


# ---------------------------------------------------------------------------------- Markdown
def test_markdown_has_every_table_and_figure(found, tmp_path):
    path = found.save(tmp_path / "page.md")
    written = path.read_text("utf-8")
    tables = sum(len(part.tables) for part in found.parts)
    assert written.count("\n| --- |") == tables
    links = re.findall(r"!\[[^\n]*\]\((page_figures/[\w.-]+\.svg)\)", written)
    assert len(links) == sum(len(part.drawn) for part in found.parts)
    assert sorted(p.name for p in (tmp_path / "page_figures").iterdir()) == sorted(link.split("/")[1] for link in links)
    for link in links:
        ET.parse(tmp_path / link)
    for heading in ("## In short", "## Cautions", "## Methods and sources", "## How this page was made"):
        assert heading in written
    assert "<script>" not in written.replace("\\<script>", "")
    assert "![" not in found.to_markdown()


# ------------------------------------------------------------------------------------- LaTeX
def _balanced(source: str) -> bool:
    depth = 0
    for mark in re.findall(r"(?<!\\)[{}]", source.replace(r"\\", "")):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def test_latex_is_balanced_and_finds_its_figures(found, tmp_path):
    path = found.save(tmp_path / "page.tex")
    source = path.read_text("utf-8")
    begun, ended = re.findall(r"\\begin\{(\w+)\}", source), re.findall(r"\\end\{(\w+)\}", source)
    assert sorted(begun) == sorted(ended) and begun[0] == ended[-1] == "document"
    body = source.split(r"\begin{document}")[1]
    assert _balanced(body)
    assert "<" not in body and re.search(r"(?<!\\)[%#]", body.replace("\\fitted{%", "")) is None
    pictures = re.findall(r"\\includegraphics\[[^]]*\]\{([^}]+)\}", source)
    assert len(pictures) == sum(len(part.drawn) for part in found.parts)
    assert all((tmp_path / picture).read_bytes().startswith(b"%PDF") for picture in pictures)
    for row in re.findall(r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}", source, flags=re.DOTALL):
        lines = [line for line in row[1].splitlines() if line.endswith(r"\\")]
        assert all(len(re.findall(r"(?<!\\)&", line)) == len(row[0]) - 1 for line in lines)


def test_a_long_table_may_break_over_pages():
    rows = tuple((f"row {k}", float(k)) for k in range(50))
    part = ReportPart("a", "Many", tables=(ReportTable("Numbers", ("name", "value"), rows),))
    found = Report("Long", "It is long.", "results", "", (part,), {}, ("source",), {}, {"infostat": "0"})
    source = found.to_latex()
    assert source.count(r"\begin{longtable}{lr}") == 1 and "fitted{%" not in source
    assert "<table>" in found.to_html() and found.to_markdown().count("\n| row") == 50


# ------------------------------------------------------------------------------------- files
def test_other_files(found, tmp_path):
    back = Result.from_dict(json.loads(found.save(tmp_path / "r.json").read_text()))
    assert back == found

    def made(text: str) -> str:
        return re.sub(r"Made on [^<]*", "", text)

    assert made(back.to_html()) == made(found.to_html())
    frame = pd.read_csv(found.save(tmp_path / "r.csv"))
    assert frame["question"].tolist() == [part.title for part in found.parts]
    assert found.save(tmp_path / "r.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("name", ["none/page.html", "none/page.md", "none/page.tex"])
def test_a_missing_folder_is_refused_before_any_work(found, tmp_path, name):
    with pytest.raises(DataFileError, match="does not exist"):
        found.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_figures_should_go_is_refused(found, tmp_path):
    (tmp_path / "page_figures").write_text("in the way")
    with pytest.raises(DataFileError, match="page_figures"):
        found.save(tmp_path / "page.md")
    assert not (tmp_path / "page.md").exists()


def test_an_unknown_suffix_is_refused(found, tmp_path):
    with pytest.raises(InputError, match="path must end in one of"):
        found.save(tmp_path / "page.docx")
