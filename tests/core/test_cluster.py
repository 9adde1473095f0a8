"""Replicates on a Dask cluster: a serial run's bits, whoever dies; clear words when nobody is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.random import Generator

from infostat import align, pn_criterion
from infostat.cli import cluster as commands
from infostat.cli.cluster import spread
from infostat.core import cluster as module
from infostat.core.cluster import active_cluster, current_patience, on_cluster
from infostat.core.data import read_table
from infostat.core.errors import ClusterError, InfostatWarning, InputError, InputTypeError, MissingExtraError
from infostat.core.replicates import ReplicateRun, run_replicates
from infostat.core.threads import threads
from infostat.density import assess_density, simulate_regimes
from infostat.projection import simulate_risk
from tests.cli.helpers import run as command
from tests.common.local_cluster import local_cluster

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

ROWS = np.random.default_rng(5).normal(size=(200, 4))


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    """Two worker processes; a nanny replaces one that dies."""
    with local_cluster() as found:
        yield found


@pytest.fixture
def inside() -> Iterator[Any]:
    """A cluster on threads of this process, with addresses as on a network."""
    with local_cluster(processes=False) as found:
        yield found


def make_task(seconds: float = 0.0, fail_at: int | None = None) -> Callable[..., dict[str, Any]]:
    # A local function travels to worker processes by value; they cannot import this test file.
    def task(payload: Any, generator: Generator, start: int, stop: int) -> dict[str, Any]:
        time.sleep(seconds)
        if fail_at is not None and start <= fail_at < stop:
            raise ArithmeticError(f"replicate {fail_at}")
        draws = generator.normal(size=(stop - start, 3))
        return {"draws": draws, "index": np.arange(start, stop), "sum": draws.sum(axis=1) + payload["table"].sum()}

    return task


OPTIONS: dict[str, Any] = {"rng": 11, "block_length": 3, "payload": {"table": np.arange(50_000.0)}}


def replicates(n: int = 60, seconds: float = 0.0, fail_at: int | None = None, **options: Any) -> ReplicateRun:
    return run_replicates(make_task(seconds, fail_at), n, **{**OPTIONS, **options})


def assert_identical(a: ReplicateRun, b: ReplicateRun) -> None:
    assert list(a.values) == list(b.values)
    for name, array in a.values.items():
        assert array.dtype == b.values[name].dtype
        assert array.tobytes() == b.values[name].tobytes()


@pytest.fixture(scope="module")
def expected() -> ReplicateRun:
    return replicates()


class Killer:
    """A progress callback that kills one worker process as soon as the first blocks have come."""

    def __init__(self, client: Any) -> None:
        self.before = set(client.run(os.getpid).values())
        self.seen: list[tuple[int, int]] = []
        self.at: tuple[int, int] | None = None

    def __call__(self, done: int, total: int) -> None:
        self.seen.append((done, total))
        if done and self.at is None:
            self.at = done, total
            os.kill(min(self.before), signal.SIGKILL)

    def check(self, client: Any) -> None:
        assert self.at is not None and self.at[0] < self.at[1]  # there was work left to lose
        client.wait_for_workers(2, timeout=120)
        assert min(self.before) not in client.run(os.getpid).values()
        done = [count for count, _ in self.seen]
        assert done == sorted(done) and self.seen[-1][0] == self.seen[-1][1]


class TestSameBits:
    @pytest.mark.parametrize("options", [{}, {"n_jobs": -1}, {"n_jobs": 2, "batch_size": 4}, {"batch_size": 1000}])
    def test_every_way_of_running(self, inside: Any, expected: ReplicateRun, options: dict[str, Any]) -> None:
        seen: list[tuple[int, int]] = []
        with on_cluster(inside.scheduler_address):
            found = replicates(progress=lambda done, total: seen.append((done, total)), **options)
        assert_identical(found, expected)
        assert seen[0] == (0, 60) and seen[-1] == (60, 60) and len(seen) == 21

    def test_the_work_is_done_there_and_the_payload_travels_once(self, processes: Any) -> None:
        def task(payload: Any, generator: Generator, start: int, stop: int) -> dict[str, Any]:
            payload["uses"] = payload.get("uses", 0) + 1  # seen by later tasks only if the object stays
            return {"pid": np.full(stop - start, os.getpid()), "uses": np.full(stop - start, payload["uses"])}

        with on_cluster(processes.scheduler_address) as client:
            there = set(client.run(os.getpid).values())
            found = run_replicates(task, 40, rng=1, payload={}, batch_size=1)
        assert set(found.values["pid"]) <= there and os.getpid() not in there
        assert found.values["uses"].max() >= 10  # 1 if every task had come with its own

    def test_joblib_s_own_words_choose_the_cluster_too(self, inside: Any, expected: ReplicateRun) -> None:
        from joblib import parallel_config

        with distributed.Client(inside) as client, parallel_config(backend="dask"):
            cluster = active_cluster(2)
            assert cluster is not None and cluster.client is client
            assert active_cluster(None) is None and active_cluster(1) is None  # None is serial without on_cluster
            assert_identical(replicates(n_jobs=-1), expected)

    def test_one_level_of_parallelism(self, inside: Any) -> None:
        def nested(payload: Any, generator: Generator, start: int, stop: int) -> dict[str, Any]:
            from infostat.core.cluster import active_cluster, on_cluster

            with on_cluster(payload):
                return {"serial": np.array([active_cluster(None) is None] * (stop - start))}

        with on_cluster(inside.scheduler_address):
            found = run_replicates(nested, 2, rng=1, payload=inside.scheduler_address)
        assert found.values["serial"].all()

    def test_threads_count_the_cores_of_this_machine(self, inside: Any) -> None:
        from joblib import cpu_count

        with on_cluster(inside.scheduler_address) as client:
            inside.scale(0)
            assert threads(None) == 1 and threads(-1) == cpu_count()
            assert active_cluster(None) is not None and client.status == "running"
        assert active_cluster(None) is None


class TestWorkersDie:
    def test_during_a_bootstrap(self, processes: Any) -> None:
        plain = pn_criterion(ROWS, "mvn", bootstrap=640, rng=3)
        with on_cluster(processes.scheduler_address) as client:
            killer = Killer(client)
            found = pn_criterion(ROWS, "mvn", bootstrap=640, rng=3, progress=killer)
            killer.check(client)
        assert found.to_dict() == plain.to_dict()

    def test_during_a_simulation_with_a_checkpoint(self, processes: Any, tmp_path: Path) -> None:
        how: dict[str, Any] = {"n": 400, "d": 12, "h_grid": [0.3, 0.6], "n_x": 20, "n_data": 24, "rng": 4}
        plain = simulate_regimes(**how)
        with on_cluster(processes.scheduler_address) as client:
            killer = Killer(client)
            found = simulate_regimes(**how, progress=killer, checkpoint=tmp_path / "study.npz")
            killer.check(client)
        assert found.to_dict() == plain.to_dict()
        again = simulate_regimes(**how, checkpoint=tmp_path / "study.npz")  # everything is in the file
        assert again.to_dict() == plain.to_dict()

    def test_all_at_once(self, processes: Any, expected: ReplicateRun) -> None:
        # Also the payload is gone then: it must be made again, not waited for.
        with on_cluster(processes.scheduler_address) as client:
            victims = list(client.run(os.getpid).values())

            def kill(done: int, total: int) -> None:
                while done and victims:
                    os.kill(victims.pop(), signal.SIGKILL)

            assert_identical(replicates(seconds=0.02, progress=kill), expected)
        assert not victims

    def test_a_task_that_kills_every_worker_is_given_up(
        self, processes: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes.scheduler, "allowed_failures", 0)  # three by default, which takes longer
        home = os.getpid()

        def deadly(payload: Any, generator: Generator, start: int, stop: int) -> dict[str, Any]:
            if start == 1 and os.getpid() != home:
                os.kill(os.getpid(), signal.SIGKILL)
            return {"x": np.zeros(stop - start)}

        with (
            on_cluster(processes.scheduler_address),
            pytest.raises(ClusterError, match=r"^a worker of .* died under the same task.*memory"),
        ):
            run_replicates(deadly, 4, rng=1, batch_size=1)

    def test_nobody_is_left(self, inside: Any, expected: ReplicateRun, tmp_path: Path) -> None:
        file = tmp_path / "study.npz"

        def leave(done: int, total: int) -> None:
            if done >= 12:
                inside.scale(0)

        words = r"no worker has been left at .* for 0.5 s.*checkpoint"
        with on_cluster(inside.scheduler_address, patience=0.5), pytest.raises(ClusterError, match=words):
            replicates(seconds=0.02, checkpoint=file, progress=leave)
        rest = replicates(checkpoint=file)
        assert 12 <= rest.n_resumed < 60
        assert_identical(rest, expected)

    def test_the_scheduler_is_lost(self, inside: Any, expected: ReplicateRun, tmp_path: Path) -> None:
        file = tmp_path / "study.npz"

        def stop(done: int, total: int) -> None:
            if done >= 12:
                inside.close()

        with on_cluster(inside.scheduler_address), pytest.raises(ClusterError, match=r"was lost.*checkpoint"):
            replicates(seconds=0.02, checkpoint=file, progress=stop)
        rest = replicates(checkpoint=file)
        assert 12 <= rest.n_resumed < 60
        assert_identical(rest, expected)


class TestErrors:
    def test_of_a_task_arrive_as_they_are_and_finished_blocks_are_kept(self, inside: Any, tmp_path: Path) -> None:
        file = tmp_path / "study.npz"
        with on_cluster(inside.scheduler_address), pytest.raises(ArithmeticError, match="replicate 50"):
            replicates(seconds=0.01, fail_at=50, checkpoint=file)
        assert 0 < replicates(checkpoint=file).n_resumed < 60

    def test_ctrl_c_keeps_what_is_done(self, inside: Any, expected: ReplicateRun, tmp_path: Path) -> None:
        def interrupt(done: int, total: int) -> None:
            if done >= 12:
                raise KeyboardInterrupt

        file = tmp_path / "study.npz"
        with on_cluster(inside.scheduler_address), pytest.raises(KeyboardInterrupt):
            replicates(seconds=0.01, checkpoint=file, progress=interrupt)
        rest = replicates(checkpoint=file)
        assert 12 <= rest.n_resumed < 60
        assert_identical(rest, expected)

    @pytest.mark.parametrize(
        ("scheduler", "options", "error", "words"),
        [
            ("127.0.0.1:1", {"timeout": 0.2}, ClusterError, r"no Dask scheduler answered at '127.0.0.1:1' within 0.2"),
            ("ftp://host:8786", {"timeout": 0.2}, ClusterError, "cannot be used.*scheme"),
            ("tls://127.0.0.1:1", {"timeout": 0.2}, ClusterError, "cannot be used.*TLS"),
            ("nowhere.json", {}, ClusterError, "scheduler file that exists, got 'nowhere.json'"),
            ("somewhere", {}, InputError, r"host:port.*got 'somewhere'"),
            ("host:", {}, InputError, "host:port"),
            ("", {}, InputError, "host:port"),
            (8786, {}, InputTypeError, "scheduler must be the address"),
            (None, {}, InputTypeError, "scheduler must be the address"),
            ("127.0.0.1:1", {"timeout": 0}, InputError, "timeout must be a number > 0"),
            ("127.0.0.1:1", {"patience": "long"}, InputTypeError, "patience must be a number > 0"),
        ],
    )
    def test_addresses_that_lead_nowhere(
        self, scheduler: Any, options: dict[str, Any], error: type[Exception], words: str
    ) -> None:
        with pytest.raises(error, match=words), on_cluster(scheduler, **options):
            raise AssertionError

    def test_settings_of_dask(self) -> None:
        import dask

        words = r"infostat.patience in Dask's configuration.*got 'a while'"
        with dask.config.set({"infostat.patience": "a while"}), pytest.raises(InputError, match=words):
            on_cluster("127.0.0.1:1").__enter__()
        short = {"distributed.comm.timeouts.connect": "200ms"}
        with dask.config.set(short), pytest.raises(ClusterError, match=r"within 0.2 s"):
            on_cluster("127.0.0.1:1").__enter__()

    def test_no_workers(self) -> None:
        words = r"has no worker after 0.1 s; start some with 'dask worker tcp://"
        with local_cluster(0, processes=False) as empty, pytest.raises(ClusterError, match=words):
            on_cluster(empty.scheduler_address, patience=0.1).__enter__()

    def test_scheduler_files(self, inside: Any, tmp_path: Path) -> None:
        file = tmp_path / "scheduler.json"
        file.write_text("{}")
        with pytest.raises(ClusterError, match="which names an address"):
            on_cluster(file).__enter__()
        file.write_text(json.dumps({"address": inside.scheduler_address}))
        with on_cluster(file) as client:
            assert client.submit(abs, -3).result() == 3

    def test_a_client_is_left_open(self, inside: Any) -> None:
        with distributed.Client(inside) as client:
            with on_cluster(client) as same:
                assert same is client
            assert client.submit(abs, -3).result() == 3

    def test_workers_with_another_environment(self, inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        here = module._versions()()

        def stub(**there: str) -> Callable[[], Callable[[], dict[str, str]]]:
            answers = iter([here, {**here, **there}])

            def versions() -> Callable[[], dict[str, str]]:
                found = next(answers)
                return lambda: found

            return versions

        monkeypatch.setattr(module, "_versions", stub(infostat=""))
        with pytest.raises(ClusterError, match=r"must have the infostat of this process \(.*\), got none; install"):
            on_cluster(inside.scheduler_address).__enter__()
        monkeypatch.setattr(module, "_versions", stub(numpy="1.0"))
        with pytest.warns(InfostatWarning, match="other versions of numpy"), on_cluster(inside.scheduler_address):
            pass

    def test_without_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(MissingExtraError, match=r"infostat\[distributed\]"):
            on_cluster("127.0.0.1:1").__enter__()


def test_importing_it_imports_no_dask() -> None:
    code = "import sys, infostat.core.replicates, infostat.cli.main; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestCommands:
    def test_the_same_lines_with_and_without(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], inside: Any, tmp_path: Path
    ) -> None:
        scores = tmp_path / "scores.csv"
        table = np.random.default_rng(3).gamma(2.0, size=(60, 2))
        np.savetxt(scores, table, delimiter=",", header="reward,true_reward", comments="")
        wine = ("dataset:wine_red", "--columns", "alcohol,pH,sulphates", "--bootstrap", "40", "--seed", "1")
        for arguments in (
            ("pn", *wine, "--family", "mvn"),
            ("pn-sequence", *wine, "--families", "mvn_diagonal,mvn"),
            ("align", str(scores), "--kl", "0.1,0.5", "--bootstrap", "64", "--seed", "2"),
        ):
            plain = command(monkeypatch, capsys, *arguments)
            found = command(monkeypatch, capsys, *arguments, "--scheduler", inside.scheduler_address)
            assert found == plain and plain.code == 0 and plain.err == ""

    @pytest.mark.filterwarnings("ignore::infostat.core.errors.SampleSizeWarning")
    def test_sums_over_pairs_are_spread_where_there_are_many(
        self, monkeypatch: pytest.MonkeyPatch, inside: Any
    ) -> None:
        frame = pd.DataFrame(ROWS[:60, :2], columns=["b", "a"])
        table = read_table(frame)
        assert spread(table, None) is table and spread(table, "somewhere") is table
        monkeypatch.setattr(commands, "_PART_ROWS", 25)
        rows = spread(table, inside.scheduler_address)
        assert rows.npartitions == 3 and list(rows.columns) == ["b", "a"]
        with on_cluster(inside.scheduler_address):
            found = assess_density(rows, bandwidth=0.5)
        plain = assess_density(table, bandwidth=0.5)
        np.testing.assert_allclose(found.diagnosis.log_density, plain.diagnosis.log_density, rtol=1e-12)

    def test_no_such_cluster_is_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        monkeypatch.setitem(__import__("dask").config.config, "infostat", {"patience": 1})
        target = tmp_path / "out.txt"
        found = command(
            monkeypatch, capsys, "pn", "dataset:abalone", "--columns", "rings", "--family", "poisson",
            "--scheduler", "nowhere", "--output", str(target),
        )  # fmt: skip
        assert found.code == 1 and found.out == "" and not target.exists()
        assert found.err.startswith("infostat: error: scheduler must be the address") and found.err.count("\n") == 1


def test_results_of_the_wings(inside: Any) -> None:
    scores = np.random.default_rng(3).gamma(2.0, size=(4, 50))
    studies: list[Callable[[], Any]] = [
        lambda: align(scores, bootstrap=96, rng=1),
        lambda: simulate_risk(None, "exponential", 50, 2000, theta=[-1.0], rng=1),
    ]
    with on_cluster(inside.scheduler_address):
        there = [study().to_dict() for study in studies]
    assert there == [study().to_dict() for study in studies]


def test_partitions_wait_as_long_as_replicates(inside: Any) -> None:
    with on_cluster(inside.scheduler_address, patience=7.0):
        assert current_patience() == 7.0
    assert current_patience() != 7.0


def test_the_setting_of_dask_is_as_before_though_another_client_stays_open(inside: Any) -> None:
    before = dask.config.get("scheduler", None)
    with on_cluster(inside.scheduler_address):
        other = distributed.Client(inside.scheduler_address)
        assert dask.config.get("scheduler") == "dask.distributed"
    try:
        assert dask.config.get("scheduler", None) == before
    finally:
        other.close()
