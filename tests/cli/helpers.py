"""Run the command line inside the test process."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from infostat.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str) -> Outcome:
    """Return exit code and streams of ``infostat *args``."""
    monkeypatch.setattr(sys, "argv", ["infostat", *args])
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    captured = capsys.readouterr()
    return Outcome(code, captured.out, captured.err)
