"""The second run of a command compiles nothing: what the first compiled is on disk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

# Numba announces each compilation; code that comes from its cache is not announced.
LISTEN = """
import atexit, json, sys
from numba.core import event
heard = event.RecordingListener()
event.register("numba:compile", heard)
def report():
    names = [item.data["dispatcher"].py_func.__qualname__ for _, item in heard.buffer if item.is_end]
    print(json.dumps(names), file=sys.stderr)
atexit.register(report)
from infostat.cli.main import main
sys.argv[0] = "infostat"
main()
"""
WINE = ["dataset:wine_red", "--drop", "quality"]
COMMANDS = {
    "pn": ["pn", "wide.csv", "--family", "mvn", "--bootstrap", "20", "--seed", "1"],
    "pn-nodes": ["pn", "bits.csv", "--family", "ising", "--bootstrap", "20", "--seed", "1"],
    "kde": ["kde", *WINE],
    "kde-wide": ["kde", "wide.csv"],
    "align": ["align", "rewards.csv", "--seed", "1"],
    "divergence": ["divergence", "x.csv", "y.csv", "--kind", "kl"],
    "bounds": ["bounds"],
    "simulate-kde": ["simulate", "kde", "--n", "2000", "--d", "5", "--seed", "1"],
    "simulate-align": ["simulate", "align", "--seed", "1"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files large enough that compiled code is worth loading."""
    made = tmp_path_factory.mktemp("second_run")
    g = np.random.default_rng(71)

    def write(name: str, values: np.ndarray, prefix: str = "c") -> None:
        names = [f"{prefix}{k}" for k in range(values.shape[1])]
        pd.DataFrame(values, columns=names).to_csv(made / name, index=False)

    write("wide.csv", g.normal(size=(4000, 24)))
    write("bits.csv", g.integers(0, 2, size=(500, 5)))
    write("x.csv", g.normal(size=(3000, 2)))
    write("y.csv", g.normal(size=(3000, 2)) + 0.5)
    pd.DataFrame({"reward": g.normal(size=60_000)}).to_csv(made / "rewards.csv", index=False)
    return made


def compiled(arguments: list[str], folder: Path, cache: Path) -> list[str]:
    """Run a command in a fresh process and return the functions that Numba compiled."""
    found = os.environ.get("PYTHONPATH")
    root = str(Path(__file__).resolve().parents[2])
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": root + (os.pathsep + found if found else "")}
    env.pop("INFOSTAT_DISABLE_JIT", None)
    done = subprocess.run(
        [sys.executable, "-c", LISTEN, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stderr.strip().splitlines()[-1])
    return names


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_second_run_compiles_nothing(command: str, folder: Path, tmp_path: Path) -> None:
    """Each command with a cache of its own."""
    first = compiled(COMMANDS[command], folder, tmp_path)
    if command.startswith("kde"):
        assert first  # the listener hears
    assert compiled(COMMANDS[command], folder, tmp_path) == []
