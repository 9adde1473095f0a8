"""The frame of the command line: help, version, module call, light start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import infostat
from tests.cli.helpers import run


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


def test_version(cli):
    done = cli("--version")
    assert done.code == 0 and done.out == f"infostat {infostat.__version__}\n"


@pytest.mark.parametrize("command", [(), ("pn",), ("datasets",)])
def test_help_has_an_example(cli, command):
    done = cli(*command, "--help")
    assert done.code == 0 and "Example: infostat" in done.out


def test_module_call_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "infostat", "datasets", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout)["table"]["rows"]
    assert [row[0] for row in rows] == ["wine_red", "abalone", "word_sentiment"]


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom infostat.cli.main import app\n"
        "heavy = {'numpy', 'numba', 'scipy', 'pandas', 'matplotlib', 'joblib', 'statsmodels'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_datasets_lists_and_describes(cli):
    listing = cli("datasets")
    assert listing.code == 0
    for word in ("wine_red", "abalone", "word_sentiment", "CC BY 4.0"):
        assert word in listing.out
    one = cli("datasets", "wine_red")
    assert one.code == 0 and "alcohol" in one.out and "Cortez" in one.out
    unknown = cli("datasets", "wine")
    assert unknown.code == 1 and "wine_red" in unknown.err


def test_debug_switch_shows_the_origin(cli, monkeypatch):
    monkeypatch.setenv("INFOSTAT_DEBUG", "1")
    with pytest.raises(infostat.core.InfostatError):
        cli("pn", "missing.csv")
