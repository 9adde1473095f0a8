"""Replicates: the same numbers for every way of running them, stopped or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.random import Generator, SeedSequence

from infostat.core import replicates as module
from infostat.core.checkpoint import Checkpoint
from infostat.core.errors import CheckpointError, DataFileError, InputError, InputTypeError
from infostat.core.replicates import ReplicateRun, check_jobs, run_replicates
from infostat.core.rng import child_generator

ROOT = Path(__file__).resolve().parents[2]
Values = dict[str, np.ndarray]


def make_task(
    fail_at: int | None = None, error: type[BaseException] = ArithmeticError
) -> Callable[..., Values]:
    # A local function travels to worker processes by value; they cannot import this test file.
    def task(payload: Any, generator: Generator, start: int, stop: int) -> Values:
        if fail_at is not None and start <= fail_at < stop:
            raise error(f"replicate {fail_at}")
        draws = generator.normal(size=(stop - start, 3))
        return {"draws": draws, "index": np.arange(start, stop), "scaled": draws[:, 0] * payload["scale"]}

    return task


OPTIONS: dict[str, Any] = {"rng": 11, "block_length": 3, "payload": {"scale": 2.0}}


def run(n: int = 20, *, task: Callable[..., Values] | None = None, **options: Any) -> ReplicateRun:
    return run_replicates(task or make_task(), n, **{**OPTIONS, **options})


def assert_identical(a: ReplicateRun, b: ReplicateRun) -> None:
    assert list(a.values) == list(b.values)
    for name, array in a.values.items():
        assert array.dtype == b.values[name].dtype
        assert array.tobytes() == b.values[name].tobytes()


@pytest.fixture(scope="module")
def reference() -> ReplicateRun:
    return run()


def test_block_b_draws_from_child_b_only(reference: ReplicateRun) -> None:
    expected = [child_generator(SeedSequence(11), b).normal(size=(min(3, 20 - 3 * b), 3)) for b in range(7)]
    np.testing.assert_array_equal(reference.values["draws"], np.concatenate(expected))
    np.testing.assert_array_equal(reference.values["index"], np.arange(20))
    assert (reference.n_done, reference.n_resumed) == (20, 0)
    assert reference.seed.entropy == 11


def test_more_replicates_keep_the_first_ones(reference: ReplicateRun) -> None:
    longer = run(32)
    np.testing.assert_array_equal(longer.values["draws"][:18], reference.values["draws"][:18])


@pytest.mark.parametrize("rng", [np.int64(11), SeedSequence(11), "entropy=11;spawn_key=;pool_size=4"])
def test_every_form_of_the_seed(reference: ReplicateRun, rng: Any) -> None:
    assert_identical(run(rng=rng), reference)


def test_no_seed_keeps_the_one_that_was_drawn() -> None:
    first = run(rng=None)
    assert_identical(run(rng=first.seed), first)
    assert not np.array_equal(run(rng=None).values["draws"], first.values["draws"])


@pytest.mark.parametrize("batch_size", [None, 1, 2, 50])
def test_batches_do_not_matter(reference: ReplicateRun, batch_size: int | None) -> None:
    assert_identical(run(batch_size=batch_size), reference)
    with joblib.parallel_config(backend="threading"):
        assert_identical(run(batch_size=batch_size, n_jobs=3), reference)


def test_worker_processes_do_not_matter(reference: ReplicateRun) -> None:
    with joblib.parallel_config(backend="loky"):
        assert_identical(run(n_jobs=2, batch_size=2), reference)


def test_backend_that_cannot_stream(reference: ReplicateRun, monkeypatch: pytest.MonkeyPatch) -> None:
    with joblib.parallel_config(backend="threading"):
        backend = type(joblib.parallel.get_active_backend()[0])
        monkeypatch.setattr(backend, "supports_return_generator", False)
        with pytest.raises(ValueError, match="return_as=generator"):
            joblib.Parallel(n_jobs=2, return_as="generator")
        assert_identical(run(n_jobs=2), reference)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_counts_replicates(n_jobs: int | None) -> None:
    seen: list[tuple[int, int]] = []
    with joblib.parallel_config(backend="threading"):
        run(n_jobs=n_jobs, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(min(3 * b, 20), 20) for b in range(8)]


@pytest.mark.parametrize("error", [ArithmeticError, KeyboardInterrupt])
def test_finished_work_survives_an_error_and_resumes_identically(
    tmp_path: Path, reference: ReplicateRun, error: type[BaseException]
) -> None:
    path = tmp_path / "run.ckpt"
    with pytest.raises(error, match="replicate 13"):
        run(task=make_task(13, error), checkpoint=path)
    resumed = run(checkpoint=path)
    assert resumed.n_resumed == 12
    assert_identical(resumed, reference)
    assert run(task=make_task(0), checkpoint=path).n_resumed == 20


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_error_in_a_worker_keeps_all_blocks_before_it(
    tmp_path: Path, reference: ReplicateRun, backend: str
) -> None:
    path = tmp_path / "run.ckpt"
    with joblib.parallel_config(backend=backend):
        with pytest.raises(ArithmeticError, match="replicate 13") as caught:
            run(task=make_task(13), checkpoint=path, n_jobs=2)
        assert "in block 4" in caught.value.__notes__[0]
        resumed = run(checkpoint=path, n_jobs=2)
    assert resumed.n_resumed == 12
    assert_identical(resumed, reference)


def test_an_interrupt_while_waiting_for_workers_keeps_what_arrived(
    tmp_path: Path, reference: ReplicateRun
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 9:
            raise KeyboardInterrupt

    path = tmp_path / "run.ckpt"
    with joblib.parallel_config(backend="threading"), pytest.raises(KeyboardInterrupt):
        run(checkpoint=path, n_jobs=2, progress=interrupt)
    resumed = run(checkpoint=path)
    assert resumed.n_resumed == 9
    assert_identical(resumed, reference)


def test_resuming_without_a_seed_takes_the_one_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    with pytest.raises(ArithmeticError):
        run(task=make_task(10), checkpoint=path, rng=None)
    resumed = run(checkpoint=path, rng=None)
    assert resumed.n_resumed == 9
    assert_identical(run(rng=resumed.seed), resumed)


def test_killed_process_resumes_identically(tmp_path: Path, reference: ReplicateRun) -> None:
    script = tmp_path / "study.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, signal, sys
            import numpy as np
            from infostat.core import replicates

            def task(payload, generator, start, stop):
                if start == 12:
                    os.kill(os.getpid(), signal.SIGKILL)
                draws = generator.normal(size=(stop - start, 3))
                index, scaled = np.arange(start, stop), draws[:, 0] * payload["scale"]
                return {"draws": draws, "index": index, "scaled": scaled}

            replicates.FLUSH_SECONDS = 0.0
            replicates._FLUSH_SHARE = float("inf")
            replicates.run_replicates(
                task, 20, rng=11, block_length=3, payload={"scale": 2.0}, checkpoint=sys.argv[1]
            )
            """
        )
    )
    path = tmp_path / "run.ckpt"
    answer = subprocess.run(
        [sys.executable, str(script), str(path)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert answer.returncode == -signal.SIGKILL
    resumed = run(checkpoint=path)
    assert resumed.n_resumed == 12
    assert_identical(resumed, reference)


def test_checkpoint_is_written_while_running_but_not_at_every_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    writes: list[float] = []

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

    original = Checkpoint.store

    def counted(self: Checkpoint, blocks: Any) -> None:
        writes.append(now[0])
        original(self, blocks)

    monkeypatch.setattr(module, "time", Clock)
    monkeypatch.setattr(Checkpoint, "store", counted)

    def tick(done: int, total: int) -> None:
        now[0] += 0.75

    run(checkpoint=tmp_path / "run.ckpt", progress=tick)
    # Blocks arrive every 0.75 s from 0.75 s on: at the start, after two seconds each, at the end.
    assert writes == [0.0, 2.25, 4.5, 6.0]


def test_damaged_and_foreign_checkpoints_are_refused_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    run(checkpoint=path)
    content = path.read_bytes()
    never = make_task(0)
    path.write_bytes(content[:-5])
    for rng in (11, None):
        with pytest.raises(CheckpointError, match="damaged"):
            run(task=never, checkpoint=path, rng=rng)
    assert path.read_bytes() == content[:-5]
    path.write_bytes(content)
    for change, words in [
        ({"rng": 12}, "seed is 11 in the file and 12 here"),
        ({"block_length": 4}, "block_length is 3"),
        ({"study": "other"}, 'study is "" in the file and "other" here'),
        ({"settings": {"alpha": 0.1}}, "settings is"),
    ]:
        with pytest.raises(CheckpointError, match=words):
            run(task=never, checkpoint=path, **change)
    with pytest.raises(CheckpointError, match="n_replicates is 20 in the file and 21 here"):
        run(21, task=never, checkpoint=path)
    assert path.read_bytes() == content


def test_checkpoint_of_other_code_is_refused_without_a_seed(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    Checkpoint(path, {"something": "else"}).store({})
    with pytest.raises(CheckpointError, match="something is"):
        run(checkpoint=path, rng=None)


def test_unwritable_checkpoint_shows_before_the_first_block(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="does not exist"):
        run(task=make_task(0), checkpoint=tmp_path / "no" / "run.ckpt")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n": 0}, InputError, r"n_replicates .*must be an integer from 1 to"),
        ({"block_length": 0}, InputError, "block_length must be an integer >= 1"),
        ({"batch_size": 0}, InputError, "batch_size must be an integer >= 1"),
        ({"n_jobs": 0}, InputError, "n_jobs must be None or an integer other than 0, got 0"),
        ({"n_jobs": 2.0}, InputTypeError, "n_jobs must be"),
        ({"n_jobs": True}, InputTypeError, "n_jobs must be"),
        ({"rng": 1.5}, InputTypeError, "rng must be"),
        ({"progress": "yes"}, InputTypeError, "progress must be"),
        ({"task": 3}, InputTypeError, "task must be a function"),
    ],
)
def test_bad_arguments(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run(**options)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (lambda k: {}, InputTypeError, "a dict of arrays"),
        (lambda k: np.ones(k), InputTypeError, "a dict of arrays"),
        (lambda k: {"a": np.ones(k + 1)}, InputError, r"per replicate \(3\), got shape \(4,\) for 'a'"),
        (lambda k: {"a": 1.0}, InputError, r"got shape \(\)"),
        (lambda k: {"a": np.ones((k, k))}, InputError, "the same arrays for every block"),
        (lambda k: {"a" if k == 3 else "b": np.ones(k)}, InputError, "the same arrays for every block"),
    ],
)
def test_bad_tasks(answer: Callable[[int], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run(task=lambda payload, generator, start, stop: answer(stop - start))


def test_check_jobs() -> None:
    assert [check_jobs(v) for v in (None, 1, -1, np.int64(4))] == [1, 1, -1, 4]
