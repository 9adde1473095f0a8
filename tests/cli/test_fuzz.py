"""Random command lines: every command with random options and values, on sound and on broken files.

Whatever is typed, a command ends with exit code 0, 1, 2 or 3; a refusal is one line on stderr, a
traceback is never shown, nothing is left behind by a command that failed, and what is printed as JSON is JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import typer.main
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infostat.cli.main import app, main
from infostat.core.errors import InfostatWarning

FAST = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LONG = settings(FAST, max_examples=2000)

# Values for any option: numbers, words, lists, files, and what is none of them.
VALUES = [
    "0", "1", "2", "3", "-1", "0.5", "1.5", "nan", "inf", "1e308", "1e-320", "abc", "", " ", "é", "😀", "a,b", "a,,b",
    ",", "0.1,0.2", "1,2,3", "0:1:3", "1:0:3", "0.1:1:0", "x1", "x1,x2", "x9", "label", "normal", "mvn", "poisson",
    "gamma", "polynomial:2", "polynomial:99", "polynomial:", "kl", "js", "energy", "loo", "scott", "text", "json",
    "csv", "html", "--", "-", "\x00", "numbers.csv", "missing.csv", "broken.npz", ".", "/", "out/none.json",
    "two_level:1,2", "dataset:wine_red", "dataset:none",
    "auto", "raise", "drop", "group", "hinge", "ar1:0.5", "isotropic", "E3", "99999",
]  # fmt: skip
# Numbers of repetitions: a large one is honest work, not an error.
COUNTS = ["0", "1", "2", "5", "-1", "1.5", "abc", ""]
COUNTED = {
    "--replicates", "--bootstrap", "--n", "--d", "--m", "--jobs", "--folds", "--max-exact", "--best-of", "--bandwidths",
    "--alphas", "--draws", "--max-queries",
}  # fmt: skip
DATA = [
    "numbers.csv", "rewards.csv", "law.csv", "counts.csv", "layers.npz", "words.csv", "empty.csv", "broken.npz",
    "header.csv", "missing.csv", "", "dataset:none", ".", "numbers.parquet", "nan.csv", "one.csv",
]  # fmt: skip
OUTPUTS = {"--output": ["a.json", "a.txt", "none/a.json", ""], "--plot": ["a.png", "a.svg", "a.doc", "none/a.png"],
           "--report": ["a.html", "a.txt"], "--checkpoint": ["a.ckpt", "broken.npz", "none/a"],
           "--config": ["missing.toml", "broken.npz", "study.toml"]}  # fmt: skip
# No data are read; figures draws for seconds, and connecting to a cluster waits for it.
NO_DATA = {"phase", "simulate", "figures", "datasets"}
WAITS = {"--scheduler"}


@dataclass(frozen=True)
class Line:
    """A command and the options it may get."""

    words: tuple[str, ...]
    options: tuple[tuple[str, bool], ...]  # name, whether it is a flag


def _lines() -> list[Line]:
    """Every command of the application, with its options."""

    def below(command: object, words: tuple[str, ...]) -> list[Line]:
        commands = getattr(command, "commands", None)
        if commands:
            return [line for name, child in sorted(commands.items()) for line in below(child, (*words, name))]
        found = []
        for parameter in command.params:  # type: ignore[attr-defined]
            names = [name for name in parameter.opts if name.startswith("--") and name not in ("--help", *WAITS)]
            found += [(name, bool(getattr(parameter, "is_flag", False))) for name in names]
        return [Line(words, tuple(sorted(found)))]

    return below(typer.main.get_command(app), ())


LINES = [line for line in _lines() if line.words != ("figures",)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small files, sound and broken."""
    made = tmp_path_factory.mktemp("fuzz")
    g = np.random.default_rng(0)
    numbers = pd.DataFrame(g.normal(size=(40, 2)), columns=["x1", "x2"])
    numbers.to_csv(made / "numbers.csv", index=False)
    numbers.to_parquet(made / "numbers.parquet")
    numbers.assign(x2=np.nan).to_csv(made / "nan.csv", index=False)
    numbers.head(1).to_csv(made / "one.csv", index=False)
    numbers.head(0).to_csv(made / "header.csv", index=False)
    prompts = np.repeat([0, 1, 2, 3], 10)
    pd.DataFrame({"reward": g.normal(size=40), "prompt_id": prompts}).to_csv(made / "rewards.csv", index=False)
    pd.DataFrame({"prob": [0.5, 0.3, 0.2], "reward": [0, 1, 2]}).to_csv(made / "law.csv", index=False)
    pd.DataFrame({"x1": g.poisson(3.0, 40), "x2": g.poisson(2.0, 40)}).to_csv(made / "counts.csv", index=False)
    pd.DataFrame({"label": ["a", "b"] * 5, "x1": range(10)}).to_csv(made / "words.csv", index=False)
    (made / "empty.csv").write_text("")
    (made / "broken.npz").write_bytes(b"PK\x03\x04 not an archive")
    (made / "study.toml").write_text('wing = "pn"\n[grid]\nn = [')
    layer, labels = g.normal(size=(8, 2)), np.tile([1.0, -1.0], 4)
    np.savez(made / "layers.npz", train_0=layer, test_0=layer + 0.1, y_train=labels, y_test=labels)
    return made


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command, one or two arguments, and up to four options with values."""
    line = draw(st.sampled_from(LINES))
    words = list(line.words)
    if line.words[0] not in NO_DATA or draw(st.integers(0, 9)) == 0:
        words.append(draw(st.sampled_from(DATA)))
    if line.words[0] == "divergence" and draw(st.booleans()):
        words.append(draw(st.sampled_from(DATA)))
    chosen = draw(st.lists(st.sampled_from(line.options), max_size=4, unique=True))
    for name, flag in chosen:
        words.append(name)
        if not flag:
            values = OUTPUTS.get(name, COUNTS if name in COUNTED else VALUES)
            words.append(draw(st.sampled_from(values)))
    return _affordable(words)


def _affordable(words: list[str]) -> list[str]:
    """The same line with small studies where it does not name their size."""
    small = {
        "pn": ["--n", "20", "--replicates", "4"],
        "kde": ["--n", "20", "--d", "2", "--replicates", "2", "--bandwidths", "1"],
        "align": ["--n", "20", "--replicates", "3"],
        "bounds": ["--n", "6", "--d", "2", "--replicates", "2", "--ranks", "2,1"],
    }  # fmt: skip
    if words[0] == "report" and "--bootstrap" not in words:
        return [*words, "--bootstrap", "0"]
    if words[0] != "simulate" or len(words) < 2 or words[1] not in small:
        return words
    extra = small[words[1]]
    pairs = [pair for pair in zip(extra[::2], extra[1::2], strict=True) if pair[0] not in words]
    return [*words, *(word for pair in pairs for word in pair)]


def _run(words: list[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line, run inside this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(sys, "argv", ["infostat", *words]))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", InfostatWarning)
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return code, out.getvalue(), err.getvalue()


def _refuse(literal: str) -> None:
    raise AssertionError(f"{literal} is no JSON")


def _check(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    code, out, err = _run(words)
    after = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    made = {path for path in after if path not in before}
    for path in made:
        path.unlink()
    assert code in (0, 1, 2, 3), (words, code)
    assert "Traceback" not in out + err, words
    assert {path: after.get(path) for path in before} == before, f"{words} changed a file"
    assert not any(path.name.endswith(".tmp") for path in made), words
    if code == 1:
        assert err.startswith("infostat: error: ") and err.count("\n") == 1 and out == "", (words, out, err)
        assert not made - {folder / "a.ckpt"}, f"{words} left {made}"
    elif code == 2:
        assert out + err and not made, (words, out, err)  # without a command the help is printed
    elif "--format" in words and words[words.index("--format") :][1:2] == ["json"]:
        json.loads(out or next(iter(after[path] for path in made)).decode(), parse_constant=_refuse)


@FAST
@given(words=command_lines())
def test_any_command_line_ends_well(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _check(words, folder, monkeypatch)


@pytest.mark.slow
@LONG
@given(words=command_lines())
def test_any_command_line_ends_well_at_length(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(words, folder, monkeypatch)


words = st.lists(st.sampled_from([*VALUES, "pn", "kde", "simulate", "--help", "--version", "-h", "--x"]), max_size=5)


@FAST
@given(words=words)
def test_words_that_are_no_command_line_end_well(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(words, folder, monkeypatch)


def test_the_walk_finds_every_command() -> None:
    found = {line.words[0] for line in LINES}
    assert {"pn", "pn-sequence", "kde", "phase", "align", "bounds", "divergence", "simulate", "report"} <= found
    assert {line.words for line in LINES if line.words[0] == "simulate"} >= {("simulate", "pn"), ("simulate", "kde")}
    assert all(line.options for line in LINES)
