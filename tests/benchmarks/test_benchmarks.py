"""The benchmark command: what is registered, how it measures, what it writes."""

import csv
import dataclasses
import inspect
import math
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import benchmarks
from benchmarks import _registry, _runner, _table
from benchmarks.__main__ import main
from benchmarks._machine import environment
from benchmarks._registry import Contender, Trial, Workload, against, discover, select
from benchmarks._runner import Settings, race
from benchmarks._table import Row, judge, rows_of, surroundings, table, write_csv

ROOT = Path(benchmarks.__file__).resolve().parents[1]
COLUMNS = [field.name for field in dataclasses.fields(Row)]
NUMBERS = {"infostat_seconds", "infostat_error", "infostat_mib", "peer_share", "peer_seconds", "ratio",
           "peer_error", "peer_mib"}  # fmt: skip
PUBLISHED = ROOT / "docs" / "measured" / "benchmarks.csv"


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table that was written."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --------------------------------------------------------------------------------------- the registry
def test_every_wing_has_workloads_whose_sizes_and_targets_are_readable() -> None:
    """Sizes are the parameters of the function behind the threads; every condition of a target is understood."""
    found = discover()
    wings = {entry.wing for entry in found.values()}
    assert wings == {"alignment", "density", "divergences", "generalization", "projection", "startup"}
    nothing = {"seconds": math.nan, "error": math.nan, "mib": math.nan, "ratio": math.nan}
    for name, entry in found.items():
        assert entry.name == name and entry.what
        for level in _registry.LEVELS:
            inspect.signature(entry.prepare).bind(1, **entry.size(level))
        judge(entry.target, "", nothing, nothing)


def test_a_file_in_the_folder_is_a_wing_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the file has to be written."""
    source = (
        "from ._registry import Contender, Trial, workload\n"
        "@workload('second', 'b', quick={}, standard={'n': 2})\n"
        "@workload('third', 'c', quick={}, standard={'n': 3})\n"
        "def made(threads, n=1):\n"
        "    return Trial([Contender('infostat', lambda: n * threads)])\n"
    )
    (tmp_path / "bench_added.py").write_text(source)
    monkeypatch.setattr(_registry, "WORKLOADS", dict(discover()))
    monkeypatch.setattr(benchmarks, "__path__", [*benchmarks.__path__, str(tmp_path)])
    try:
        assert [entry.name for entry in select(["added"])] == ["second", "third"]
        assert select(["third"])[0].trial("full", 2).contenders[0].run() == 6
    finally:
        sys.modules.pop("benchmarks.bench_added", None)


def test_names_are_wings_names_and_beginnings() -> None:
    """An exact name is not a beginning; what fits nothing is answered with what there is."""
    assert [entry.name for entry in select(["ksg-10k"])] == ["ksg-10k"]
    assert [entry.name for entry in select(["entropy-d3"])] == ["entropy-d3"]
    assert {entry.name for entry in select(["kde-", "startup"])} >= {"kde-d2", "kde-d784", "help", "import"}
    assert select([]) == list(discover().values())
    with pytest.raises(ValueError, match="no workload 'nothing': there are .*kde-d2.*wings"):
        select(["nothing"])


def test_two_workloads_cannot_share_a_name() -> None:
    """The second would hide the first."""
    register = _registry.workload("kde-d2", "again", quick={}, standard={})
    discover()
    with pytest.raises(ValueError, match="two workloads are called 'kde-d2'"):
        register(lambda threads: Trial([]))


# ------------------------------------------------------------------------------------- how it measures
class Clock:
    """Time that passes only in contenders."""

    def __init__(self) -> None:
        self.now = 0.0

    def spend(self, *seconds: float) -> Any:
        """Return a run that takes the next of these times at each call, and the last from then on."""
        waiting = list(seconds)

        def run() -> float:
            self.now += waiting.pop(0) if len(waiting) > 1 else waiting[0]
            return self.now

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that the runner reads."""
    made = Clock()
    monkeypatch.setattr(_runner.time, "perf_counter", lambda: made.now)
    return made


def test_the_ratio_is_the_median_of_pairs_and_the_first_run_is_not_timed(clock: Clock) -> None:
    """The ratios of the rounds are 2, 3, 8, so the median is 3; that of the medians would be 4."""
    ours = Contender("infostat", clock.spend(50.0, 1.0, 2.0, 1.0))
    other = Contender("other", clock.spend(1.0, 3.0, 4.0), share=2.0)
    mine, theirs = race(Trial([ours, other]), Settings(rounds=3, budget=100.0))
    assert mine.seconds == [1.0, 2.0, 1.0]
    assert theirs.seconds == [2.0, 6.0, 8.0]
    assert theirs.ratio_to(mine) == 3.0
    assert (mine.median, theirs.median) == (1.0, 6.0)


def test_a_slow_contender_leaves_out_the_later_rounds(clock: Clock) -> None:
    """Its ratio comes from the rounds it was in."""
    ours = Contender("infostat", clock.spend(1.0, 1.0, 5.0, 5.0))
    slow = Contender("slow", clock.spend(30.0))
    mine, theirs = race(Trial([ours, slow]), Settings(rounds=3, budget=20.0))
    assert len(mine.seconds) == 3
    assert theirs.seconds[0] == 30.0 and all(math.isnan(value) for value in theirs.seconds[1:])
    assert theirs.ratio_to(mine) == 30.0


def test_a_long_first_run_of_ours_counts(clock: Clock) -> None:
    """It is not worth repeating, and the others meet it once."""
    ours = Contender("infostat", clock.spend(40.0))
    other = Contender("other", clock.spend(60.0))
    mine, theirs = race(Trial([ours, other]), Settings(rounds=5, budget=20.0))
    assert mine.seconds == [40.0]
    assert theirs.seconds == [60.0]


def test_errors_of_others_are_notes_and_ours_are_not_hidden(clock: Clock) -> None:
    """A package that fails or is not there is a finding."""

    def fail() -> None:
        raise RuntimeError("no convergence\nsecond line")

    others = [Contender("broken", fail), Contender("absent", fail, package="no-such-package-of-this-name")]
    laps = race(Trial([Contender("infostat", clock.spend(1.0)), *others]), Settings(rounds=2))
    assert [lap.note for lap in laps] == ["", "RuntimeError: no convergence", "not installed"]
    assert math.isnan(laps[1].median)
    with pytest.raises(RuntimeError, match="no convergence"):
        race(Trial([Contender("infostat", fail)]), Settings())


def test_results_are_judged_once_against_a_reference_made_when_needed(clock: Clock) -> None:
    """The largest relative difference; a part of the work is compared with the first numbers."""
    made = []

    def reference() -> list[float]:
        made.append(1)
        return [1.0, 2.0, 4.0]

    judge_result = against(reference)
    contenders = [
        Contender("infostat", lambda: [1.0, 2.0, 4.4]),
        Contender("part", lambda: [1.5]),
        Contender("silent", lambda: None),
        Contender("own", lambda: 3.0, error=lambda found: found - 3.0),
    ]
    laps = race(Trial(contenders, judge_result), Settings(rounds=2))
    assert [lap.error for lap in laps[:2]] == [pytest.approx(0.1), 0.5]
    assert math.isnan(laps[2].error) and laps[3].error == 0.0
    assert made == [1]
    assert all(lap.result is None for lap in laps)


# --------------------------------------------------------------------------------------- what it writes
def test_a_target_concerns_the_row_it_names() -> None:
    """A ratio belongs to one alternative, the other conditions to every row of ours."""
    ours = {"seconds": 2.0, "error": 1e-14, "mib": math.nan}
    target = "ratio POT >= 8; error <= 1e-12; mib < 64"
    assert judge(target, "POT", ours, {"ratio": 9.0}) == ("ratio >= 8; error <= 1e-12; mib < 64", "yes")
    assert judge(target, "POT", ours, {"ratio": 7.0})[1] == "no"
    assert judge(target, "scipy", ours, {"ratio": 1.0}) == ("error <= 1e-12; mib < 64", "yes")
    assert judge("seconds < 1", "", ours, {"ratio": math.nan})[1] == "no"
    assert judge("mib < 64", "", ours, {"ratio": math.nan})[1] == ""
    with pytest.raises(ValueError, match="target 'fast': write 'ratio PEER >= 8'"):
        judge("fast", "", ours, ours)


def test_a_workload_that_fails_is_a_row_with_the_reason(tmp_path: Path) -> None:
    """Nothing is measured; the sizes and the reason remain."""
    entry = Workload("lost", "wing", "work", {"standard": {"n": 5, "d": 2, "h": 0.25}}, lambda threads: Trial([]))
    rows = rows_of(entry, {"workload": "lost", "threads": 2, "failed": "MemoryError: no"}, surroundings("standard"))
    assert len(rows) == 1 and rows[0].note == "MemoryError: no" and math.isnan(rows[0].infostat_seconds)
    write_csv(tmp_path / "rows.csv", rows)
    line = read(tmp_path / "rows.csv")[0]
    assert (line["n"], line["d"], line["size"], line["infostat_seconds"]) == ("5", "2", "h=0.25", "")
    assert table(rows).row_count == 1


def test_the_quick_command_writes_the_table(tmp_path: Path) -> None:
    """Two workloads in a process of their own: columns, numbers, versions, and no name of this machine."""
    path = tmp_path / "quick.csv"
    command = [sys.executable, "-m", "benchmarks", "table-kl", "energy", "--quick", "--threads", "1"]
    done = subprocess.run(
        [*command, "--output", str(path)], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "table-kl" in done.stdout and "NumPy by hand" in done.stdout
    assert path.read_text(encoding="utf-8").splitlines()[0].split(",") == COLUMNS
    rows = read(path)
    assert {row["workload"] for row in rows} == {"table-kl", "energy"}
    for row in rows:
        assert row["wing"] == "divergences" and row["level"] == "quick" and row["threads"] == "1"
        assert float(row["infostat_seconds"]) > 0.0 and float(row["ratio"]) > 0.0
        assert float(row["infostat_error"]) < 1e-10  # the target of both; quick sizes are easier
        assert row["met"] == "" and row["python"] == platform.python_version()
        assert "numpy " in row["packages"] and int(row["cores"]) >= 1
    text = path.read_text(encoding="utf-8")
    assert str(ROOT) not in text and (len(platform.node()) < 4 or platform.node() not in text)


@pytest.mark.slow
def test_every_workload_runs_at_the_quick_size(tmp_path: Path) -> None:
    """None of ours fails, every accuracy that was promised holds, peers that are here answer."""
    path = tmp_path / "all.csv"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--threads", "1", "--output", str(path)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = read(path)
    assert {row["workload"] for row in rows} == set(discover())
    assert {row["note"] for row in rows} <= {"", _runner.NOT_INSTALLED}
    for row in rows:
        if row["infostat_error"] and row["error_unit"] != "standard errors":
            assert float(row["infostat_error"]) < 1e-10, row["workload"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no workload 'nothing'"),
        (["help", "--output", "table.txt"], "ends in .csv"),
        (["help", "--output", "no_such_folder/table.csv"], "a folder that exists"),
        (["help", "--threads", "0"], "count from 1"),
        (["help", "--quick", "--full"], "not allowed with"),
    ],
)
def test_bad_usage_is_exit_status_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, and nothing is run."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_the_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Every workload, with its sizes."""
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in discover())


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the table of the documentation has not been measured")
def test_the_published_table_has_these_columns_and_workloads() -> None:
    """A workload that is renamed has to be measured again."""
    rows = read(PUBLISHED)
    assert list(rows[0]) == COLUMNS
    assert {row["workload"] for row in rows} == set(discover())
    assert {row["level"] for row in rows} <= {"standard", "full"}
    for row in rows:
        assert all(math.isfinite(float(row[name])) for name in NUMBERS if row[name])
    assert _table.surroundings("quick").keys() <= set(COLUMNS)
