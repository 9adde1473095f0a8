"""The pages of the documentation: their examples run, and what they print is what is printed."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import infostat
from infostat.families import family_names
from infostat.projection import PNCriterion
from infostat.projection.flags import FLAGS
from infostat.reporting.citations import SOURCES

ROOT = Path(__file__).resolve().parents[1]
EXTENSIONS = ROOT / "docs" / "_ext"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.rst"))}
CONSOLE = re.compile(r"^\.\. code-block:: console\n\n((?:(?: {3}.*)?\n)+)", flags=re.M)

Session = list[tuple[str, str]]


def sessions(text: str) -> list[Session]:
    """Return the console blocks that show some output, as commands with their outputs."""
    found = []
    for block in CONSOLE.findall(text + "\n"):
        lines = "\n".join(line[3:] for line in block.split("\n"))
        commands = [part.partition("\n") for part in re.split(r"(?m)^\$ ", lines)[1:]]
        session = [(command, output.strip("\n")) for command, _, output in commands]
        if any(output for _, output in session):
            found.append(session)
    return found


SESSIONS = [
    pytest.param(session, id=f"{stem}-{number}")
    for stem, text in PAGES.items()
    for number, session in enumerate(sessions(text), start=1)
]


def listed(page: str, heading: str) -> set[str]:
    """Return the names in backquotes that open the rows of the tables in a section."""
    section = PAGES[page].split(f"\n{heading}\n{'-' * len(heading)}\n")[1]
    section = re.split(r"\n[^\n]+\n-{4,}\n", section)[0]
    rows = re.findall(r"^ {3}\* - (.*)$", section, flags=re.M)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize("stem", [stem for stem, text in PAGES.items() if ">>> " in text])
def test_examples_print_what_the_page_says(stem: str, capsys: pytest.CaptureFixture[str]) -> None:
    test = doctest.DocTestParser().get_doctest(PAGES[stem], {"__name__": "__main__"}, stem, f"{stem}.rst", 0)
    # No option flags: the numbers on a page are the numbers, to the last digit and blank.
    results = doctest.DocTestRunner(verbose=False).run(test)
    assert results.attempted > 0
    assert results.failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("session", SESSIONS)
def test_commands_print_what_the_page_says(session: Session, tmp_path: Path) -> None:
    code = 0
    for command, expected in session:
        if command == "echo $?":
            assert str(code) == expected
            continue
        program, *arguments = shlex.split(command)
        assert program == "infostat"
        run = subprocess.run(
            [sys.executable, "-m", "infostat", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
            check=False,
        )
        code = run.returncode
        assert (run.stdout + run.stderr).strip("\n") == expected


def test_every_field_of_the_criterion_is_explained() -> None:
    assert {item.name for item in fields(PNCriterion)} <= listed("large_enough", "How to read every field")


def test_every_flag_is_explained_and_no_other() -> None:
    assert listed("large_enough", "When not to trust it") == set(FLAGS)


def test_every_family_has_a_row() -> None:
    assert set(family_names()) <= listed("families", "The families")


def test_every_page_is_in_the_table_of_contents() -> None:
    entries = set(re.findall(r"^ {3}([a-z_]+)$", PAGES["index"], flags=re.M))
    assert set(PAGES) - {"index", "sg_execution_times"} <= entries


QUESTIONS = (
    "large_enough",
    "how_large_a_model",
    "regression_size",
    "intractable_models",
    "trust_density",
    "best_of_n",
    "what_bounds_tell",
    "estimators",
    "reports",
)


@pytest.mark.parametrize("page", QUESTIONS)
def test_pages_of_questions_have_one_structure(page: str) -> None:
    sections = re.findall(r"^(.+)\n-{4,}$", PAGES[page], flags=re.M)
    wanted = ["One call", "How to read", "When not to trust it", "The mathematics"]
    places = [[i for i, title in enumerate(sections) if title.startswith(word)] for word in wanted]
    assert all(places), f"sections missing: {[word for word, found in zip(wanted, places, strict=True) if not found]}"
    assert places[0][0] < places[1][0]
    assert f"<{page}>`" in PAGES["index"], "the landing page asks the question, too"


def test_every_source_is_in_the_references() -> None:
    flat = re.sub(r"\s+", " ", PAGES["references"])
    for source in SOURCES.values():
        title = source.split(": ", 1)[1].split(". ")[0].split(",")[0].strip("'")
        assert title.lower() in flat.lower(), title
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "infostat").rglob("*.py"))
    everything = code + "".join(text for name, text in PAGES.items() if name != "references")
    numbers = set(re.findall(r"arXiv[:\s]+(\d{4}\.\d{4,5})", everything))
    assert numbers
    assert not {number for number in numbers if number not in flat}


def test_the_citation_file_and_the_page_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    page = PAGES["citing"]
    title = re.search(r'^title: "(.+)"$', citation, flags=re.M)
    assert title is not None
    assert f"{{{title[1]}}}" in page
    assert f"version: {infostat.__version__}" in citation
    assert f"{{{infostat.__version__}}}" in page


def _extension(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    return importlib.import_module(name)


def test_formulas_become_mathml(monkeypatch: pytest.MonkeyPatch) -> None:
    extension = _extension("offline_math", monkeypatch)
    half = extension.to_mathml(r"\tfrac12n", block=False)
    numbers = re.findall(r"<m[ni]>(\w)</m[ni]>", half)
    assert numbers == ["1", "2", "n"]  # one half of n, not twelve over n
    assert extension.to_mathml(r"a &= b \\ &= c", block=True).count("<mtr>") == 2
    for name, text in PAGES.items():
        inline = re.findall(r":math:`([^`]+)`", text)
        blocks = re.findall(r"^\.\. math::(.*\n(?:(?: {3}.*)?\n)*)", text + "\n", flags=re.M)
        for formula in inline:
            assert extension.to_mathml(formula, block=False).startswith("<math"), name
        for formula in blocks:
            assert extension.to_mathml(formula.strip(), block=True).startswith("<math"), name


def test_times_come_from_the_file_of_the_benchmarks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    extension = _extension("benchmark_table", monkeypatch)
    assert extension.read_rows(tmp_path / "nothing.csv") == []
    row = dict.fromkeys(
        ("wing", "workload", "what", "n", "d", "size", "threads", "infostat_seconds", "infostat_error", "peer",
         "peer_version", "peer_seconds", "ratio", "peer_error", "error_unit"), ""
    )  # fmt: skip
    row |= {"what": "mean", "n": "20000", "size": "m=5", "threads": "2", "infostat_seconds": "0.0125", "ratio": "8.561",
            "infostat_error": "1.2e-15", "peer": "loop", "peer_seconds": "2.5", "error_unit": "relative"}  # fmt: skip
    shown = [cell.replace("\u202f", " ").replace("\u00a0", " ") for cell in extension.cells(row)]
    errors = "1e-15 / not compared (relative)"
    assert shown == ["mean; n = 20 000; m = 5", "2", "12.5 ms", "loop", "2.5 s", "8.56", errors]
    for found in extension.read_rows(ROOT / "docs" / "measured" / "benchmarks.csv"):
        assert len(extension.cells(found)) == len(extension.HEADINGS)
