"""The pages of the documentation: their examples run, and what they print is what is printed."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from infostat.families import family_names
from infostat.projection import PNCriterion
from infostat.projection.flags import FLAGS

ROOT = Path(__file__).resolve().parents[1]
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
