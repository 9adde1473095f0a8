"""A soak: the longest simulations of every wing, killed again and again, end in the same bits.

Each study runs as a command of its own and is killed (SIGKILL, so that nothing can be tidied up) at random
moments drawn from a seed. Then it runs to its end, and what it prints is compared with an undisturbed run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import infostat

ROOT = Path(infostat.__file__).parents[1]
KILLS = 4

# Minutes on one busy core, all together. The cells of kde weigh 20 000 points a query; pn has ten blocks or more.
STUDIES = {
    "kde": 'replicates = 1500\n[grid]\nd = [10, 40]\n[fixed]\nn = 20_000\n',
    "pn": 'replicates = 60_000\n[grid]\nfamily = ["gamma", "vonmises"]\n[fixed]\nn = [50, 400]\n',
    "align": 'replicates = 400\n[grid]\nn = [500, 5000]\n',
    "bounds": 'replicates = 12_000\n[grid]\nn = [10, 40]\nd = [10, 40]\n',
}  # fmt: skip


def _start(study: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "infostat", "simulate", str(study), "--format", "csv", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True
    )


def _state(folder: Path) -> tuple[tuple[str, int], ...]:
    """Names and times of the finished checkpoint files."""
    return tuple(sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*.ckpt")))


def _kill_after(process: subprocess.Popen[bytes], folder: Path, writes: int, patience: float) -> bool:
    """Kill a run `patience` seconds after so many writes to its folder; False if it was done before."""
    before, seen = _state(folder), 0
    while seen < writes:
        try:
            process.wait(0.02)
            process.communicate()  # done before it could be killed
            return False
        except subprocess.TimeoutExpired:
            now = _state(folder)
            seen, before = seen + (now != before), now
    try:
        process.wait(patience)
        process.communicate()
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("wing", sorted(STUDIES))
def test_a_simulation_that_is_killed_again_and_again_ends_in_the_same_bits(wing, jobs, tmp_path):
    study, folder = tmp_path / "study.toml", tmp_path / "parts"
    study.write_text(f'wing = "{wing}"\nseed = 3\n{STUDIES[wing]}')
    whole, errors = _start(study).communicate()
    assert whole.startswith(b"cell,") and errors == b""
    moments = np.random.default_rng([jobs, sorted(STUDIES).index(wing)])
    killed = 0
    for _ in range(KILLS):
        process = _start(study, "--checkpoint", str(folder), "--jobs", str(jobs))
        killed += _kill_after(process, folder, int(moments.integers(1, 4)), float(moments.uniform(0.0, 1.5)))
    resumed, errors = _start(study, "--checkpoint", str(folder), "--jobs", str(jobs)).communicate()
    assert errors == b""
    assert resumed.decode().splitlines() == whole.decode().splitlines()
    print(f"{wing}, {jobs} workers: killed {killed} times of {KILLS}, {len(whole.splitlines()) - 1} rows alike")
    assert killed >= 1
