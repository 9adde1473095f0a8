"""What it costs to start: imports, ``infostat --help``, the first call in a fresh process.

    python benchmarks/bench_startup.py [--rounds 15]

Every number is the median over fresh processes, the contenders in turn; one round before warms the
disk cache. For the first call with and without Numba's cache the cache folder is a temporary one.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

from _harness import Row, environment, header, show, wall

# Small enough for NumPy alone; and enough columns that the sums over pairs of rows are compiled.
SMALL, PAIRS = (1599, 11), (1599, 24)
FIRST_CALL = """
import time, warnings
import numpy as np
import infostat
warnings.simplefilter("ignore")
x = np.random.default_rng(1).normal(size=({n}, {d}))
start = time.perf_counter()
infostat.pn_criterion(x, "mvn")
print(time.perf_counter() - start)
"""


def python(code: str) -> list[str]:
    """Return the command that runs `code`."""
    return [sys.executable, "-c", code]


def in_turn(measures: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median of each measure over the rounds, after one round that is thrown away."""
    times: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, run in measures.items():
            seconds = run()
            if number:
                times[name].append(seconds)
    return {name: statistics.median(values) for name, values in times.items()}


def processes(rounds: int) -> list[Row]:
    """Time whole processes: imports and the command line."""
    imports = ("numpy", "numpy, infostat", "numpy, scipy.stats", "numpy, pandas", "numpy, numba")
    commands = {names: python(f"import {names}") for names in imports}
    commands["bare"] = python("pass")
    commands["help"] = [sys.executable, "-m", "infostat", "--help"]
    commands["pn help"] = [sys.executable, "-m", "infostat", "pn", "--help"]
    found = in_turn({name: lambda c=command: wall(c) for name, command in commands.items()}, rounds)
    base = found["numpy"]
    rows = [
        Row("import infostat, after numpy", found["numpy, infostat"] - base, target="< 0.15 s"),
        Row("import numpy alone, whole process", base, "no import at all", found["bare"]),
    ]
    rows += [
        Row(f"what infostat defers: {name}", found[f"numpy, {name}"] - base)
        for name in ("scipy.stats", "pandas", "numba")
    ]
    rows.append(Row("infostat --help", found["help"], "import numpy", base, target="< 0.5 s"))
    rows.append(Row("infostat pn --help", found["pn help"], "import numpy", base))
    return rows


def first_calls(rounds: int) -> list[Row]:
    """Time the first criterion in a fresh process: with a warm, an empty, and no compiled code."""
    with tempfile.TemporaryDirectory() as warm:

        def call(shape: tuple[int, int], **extra: str) -> float:
            code = python(FIRST_CALL.format(n=shape[0], d=shape[1]))
            done = subprocess.run(code, env=environment(**extra), capture_output=True, text=True, check=True)
            return float(done.stdout)

        def cold() -> float:
            with tempfile.TemporaryDirectory() as empty:
                return call(PAIRS, NUMBA_CACHE_DIR=empty)

        found = in_turn(
            {
                "small": lambda: call(SMALL, NUMBA_CACHE_DIR=warm),
                "cached": lambda: call(PAIRS, NUMBA_CACHE_DIR=warm),
                "empty": cold,
                "numpy": lambda: call(PAIRS, INFOSTAT_DISABLE_JIT="1"),
            },
            rounds,
        )
    name = "first pn call, mvn n={} d={}"
    return [
        Row(name.format(*SMALL) + " (nothing compiled)", found["small"]),
        Row(name.format(*PAIRS) + " (numba cache)", found["cached"], "NumPy twins", found["numpy"]),
        Row(name.format(*PAIRS) + " (empty cache)", found["empty"], "NumPy twins", found["numpy"]),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args(arguments)
    header("Start-up", ("numpy", "scipy", "numba", "pandas", "typer"))
    show([*processes(chosen.rounds), *first_calls(max(3, chosen.rounds // 3))])


if __name__ == "__main__":
    main()
