"""``infostat simulate``: grids on the command line, study files, checkpoints."""

from __future__ import annotations

import csv
import json

import pytest

from infostat.reporting import simulate
from infostat.reporting.grid_study import WINGS
from tests.cli.helpers import run

STUDY = 'wing = "bounds"\nreplicates = 6\nseed = 2\noutput = ["a.csv", "a.svg"]\n[grid]\nn = [5, 9]\n[fixed]\nd = 3\n'

# Command line, and the call of the API that it stands for.
GRIDS = {
    "pn": (
        ("--family", "normal,gamma", "--n", "15,30", "--replicates", "50"),
        {"grid": {"family": ["normal", "gamma"]}, "fixed": {"n": [15, 30]}, "replicates": 50},
    ),
    "kde": (
        ("--alpha", "0.2,0.3", "--d", "18,20", "--bandwidths", "0.5:1:2", "--replicates", "3"),
        {"grid": {"alpha": [0.2, 0.3], "d": [18, 20]}, "fixed": {"bandwidths": "0.5:1:2"}, "replicates": 3},
    ),
    "align": (
        ("--n", "40,60", "--kl", "0.2", "--best-of", "2", "--replicates", "4"),
        {"grid": {"n": [40, 60]}, "fixed": {"kl": 0.2, "best_of": 2}, "replicates": 4},
    ),
    "bounds": (
        ("--ranks", "4,1;4,2,1", "--d", "4", "--n", "5,9", "--mu", "1", "--replicates", "6"),
        {"grid": {"ranks": [[4, 1], [4, 2, 1]], "n": [5, 9]}, "fixed": {"d": 4, "mu": 1}, "replicates": 6},
    ),
}


@pytest.fixture
def cli(monkeypatch, capsys):
    return lambda *args: run(monkeypatch, capsys, *args)


def _cells(data):
    """Rows of the frame by everything but their order, with the numbers."""
    columns = data["frame"]["columns"]
    return {tuple(map(str, row[1:-4])): row[-4:] for row in data["frame"]["rows"]}, sorted(columns)


@pytest.mark.parametrize("wing", WINGS)
def test_options_with_several_values_are_a_grid(cli, wing):
    typed, call = GRIDS[wing]
    done = cli("simulate", wing, *typed, "--seed", "3", "--format", "json")
    assert done.code == 0 and done.err == ""
    own = simulate(wing, rng=3, **call)
    data = json.loads(done.out)
    assert data["type"] == "GridSimulation" and data["n_cells"] == own.n_cells
    # The command line fixes the order of the keys; the numbers of a cell do not depend on it.
    order = [*data["grid"]]
    again = simulate(wing, rng=3, **{**call, "grid": {name: call["grid"][name] for name in order}})
    assert _cells(data) == _cells(json.loads(json.dumps(again.to_dict())))


def test_a_study_file_is_run_by_its_name(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(STUDY)
    done = cli("simulate", "study.toml", "--plot", "b.png")
    assert done.code == 0 and done.err == ""
    assert done.out.splitlines()[-3:] == ["Wrote b.png", "Wrote a.csv", "Wrote a.svg"]
    own = simulate("bounds", grid={"n": [5, 9]}, fixed={"d": 3}, replicates=6, rng=2)
    with open("a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["value"]) for row in rows] == own.to_frame()["value"].tolist()
    named = cli("simulate", "run", "study.toml", "--seed", "7", "--replicates", "4", "--format", "csv")
    other = simulate("bounds", grid={"n": [5, 9]}, fixed={"d": 3}, replicates=4, rng=7)
    assert named.out == other.to_frame().to_csv(index=False)


def test_a_grid_resumes_in_a_folder_and_a_single_run_in_a_file(cli, tmp_path):
    folder, file = tmp_path / "parts", tmp_path / "one.ckpt"
    base = ("simulate", "bounds", "--d", "3", "--replicates", "6", "--format", "csv")
    first = cli(*base, "--n", "5,9", "--checkpoint", str(folder), "--seed", "1")
    assert first.code == 0 and len(list(folder.iterdir())) == 3
    assert cli(*base, "--n", "5,9", "--checkpoint", str(folder)).out == first.out
    single = cli(*base, "--n", "5", "--checkpoint", str(file), "--seed", "1")
    assert single.code == 0 and file.is_file()
    wrong = cli(*base, "--n", "5,9", "--checkpoint", str(file), "--seed", "1")
    assert wrong.code == 1 and "must be a folder for a study" in wrong.err
    wrong = cli(*base, "--n", "5", "--checkpoint", str(folder), "--seed", "1")
    assert wrong.code == 1 and "got the folder" in wrong.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("kde", "--d", "5,x"), 2, "--d takes whole numbers"),
        (("kde", "--alpha", "a,b"), 2, "--alpha takes numbers"),
        (("kde", "--d", "5,5"), 1, "--d must hold each value once"),
        (("kde", "--d", "5,0"), 1, "--d must be an integer >= 1, got 0"),
        (("kde", "--d", "2,3", "--spectrum", "1,2"), 1, "in the cell d = 3: spectrum must hold"),
        (("kde", "--x", "h"), 1, "--x must be left out without a grid"),
        (("kde", "--d", "2,3", "--quantity", "risk"), 1, "quantity must be one of"),
        (("pn", "--family", "normal,"), 1, "--family must be a word"),
        (("pn", "--family", "normal,gamma", "--x", "d"), 1, "x must be one of"),
        (("align", "--n", "10,100"), 1, "in the cell n = 10: best_of"),
        (("bounds", "--ranks", "20,1;20,30,1"), 1, "in the cell ranks = 20,30,1"),
        (("nothing.toml",), 1, "no such file"),
        (("study.tml",), 2, "No such command"),
        (("run",), 2, "Missing argument"),
    ],
)
def test_what_is_refused(cli, arguments, code, words):
    done = cli("simulate", *arguments)
    assert done.code == code and done.out == "" and words in " ".join(done.err.replace("│", " ").split())
    if code == 1:
        assert done.err.count("\n") == 1


def test_a_file_that_is_wrong_writes_nothing(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(STUDY.replace('"a.svg"', '"no/such/a.svg"'))
    done = cli("simulate", "study.toml")
    assert done.code == 1 and "folder no/such does not exist" in done.err
    (tmp_path / "study.toml").write_text(STUDY.replace("n = [5, 9]", "m = [5, 9]"))
    done = cli("simulate", "study.toml")
    assert done.code == 1 and "study.toml: grid.m is no option of bounds" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]
