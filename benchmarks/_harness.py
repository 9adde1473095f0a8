"""Shared by the benchmarks: alternating rounds, memory of a fresh process, one table.

Within a round every contender runs once on the same inputs, so that drift of the machine hits all
of them; the table shows medians over the rounds and the median of the ratios within a round.
Memory is the largest resident set of a process of its own that does nothing else.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

MEBIBYTE = 2.0**20


@dataclass
class Contender:
    """One way to do the work.

    Attributes
    ----------
    name : str
        Shown in the table.
    run : callable
        Does the work, returns the numbers to compare (or anything, if `numbers` extracts them).
    factor : float
        The contender does 1/factor of the work; its time is multiplied by it, and the table says so.
    rounds : int or None
        Fewer rounds than the others, for slow ones; None takes part in all of them.
    """

    name: str
    run: Callable[[], Any]
    factor: float = 1.0
    rounds: int | None = None
    seconds: list[float] = field(default_factory=list)
    result: Any = None

    @property
    def median(self) -> float:
        """Median time of the whole work, seconds."""
        return statistics.median(self.seconds) if self.seconds else math.nan

    @property
    def label(self) -> str:
        """Name, with the factor where the time was scaled."""
        return self.name if self.factor == 1.0 else f"{self.name} x{self.factor:g}"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    workload: str
    ours: float
    alternative: str = ""
    theirs: float = math.nan
    ratio: float = math.nan
    difference: float = math.nan
    memory: float = math.nan
    their_memory: float = math.nan
    target: str = ""


def alternate(contenders: Sequence[Contender], rounds: int, *, warm: bool = True) -> None:
    """Run the contenders in turn and keep their times and last results.

    Parameters
    ----------
    contenders : sequence of Contender
        The first is ours.
    rounds : int
        Rounds that are timed.
    warm : bool
        Run our own contender once before, so that compilation and imports are not timed.
    """
    if warm:
        contenders[0].run()
    for number in range(rounds):
        for contender in contenders:
            if contender.rounds is not None and number >= contender.rounds:
                continue
            start = time.perf_counter()
            contender.result = contender.run()
            contender.seconds.append((time.perf_counter() - start) * contender.factor)


def ratio(ours: Contender, other: Contender) -> float:
    """Return the median over rounds of the other's time divided by ours in the same round.

    Against a contender with fewer rounds than ours it is the ratio of the medians.
    """
    if len(other.seconds) < len(ours.seconds):
        return other.median / ours.median
    pairs = zip(other.seconds, ours.seconds, strict=True)
    return statistics.median(theirs / mine for theirs, mine in pairs)


def relative_difference(found: Any, expected: Any) -> float:
    """Return the largest of ``|found - expected| / |expected|``."""
    a, b = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    return float(np.max(np.abs(a - b) / np.abs(b)))


# ------------------------------------------------------------------------------- fresh processes
def measure(script: str, *arguments: str) -> dict[str, float]:
    """Run ``script --measure arguments`` in a fresh process and return what `report` printed.

    Parameters
    ----------
    script : str
        File of the benchmark.
    *arguments : str
        Which workload and which contender.

    Returns
    -------
    dict
        ``peak`` and ``before`` in MiB, ``seconds``.
    """
    command = [sys.executable, str(Path(script)), "--measure", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def report(run: Callable[[], Any]) -> None:
    """Run once and print time and peak memory of this process for `measure`."""
    before = _peak()
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    print(json.dumps({"peak": _peak(), "before": before, "seconds": seconds}))


def _peak() -> float:
    """Largest resident set of this process so far, MiB."""
    status = Path("/proc/self/status")
    if status.is_file():
        # On Linux ru_maxrss starts at the size of the parent when it forked; VmHWM starts afresh.
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM:"))
        return float(line.split()[1]) / 1024.0
    import resource  # not on Windows; timings work there, memory does not

    unit = 1.0 if sys.platform == "darwin" else 1024.0  # bytes there, kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEBIBYTE


def environment(**extra: str) -> dict[str, str]:
    """Return the environment for a fresh process that finds this checkout."""
    root = str(Path(__file__).resolve().parents[1])
    found = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": root if not found else root + os.pathsep + found, **extra}


def wall(command: Sequence[str], env: Mapping[str, str] | None = None) -> float:
    """Return the seconds that a command takes from start to exit."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=dict(env or environment()))
    return time.perf_counter() - start


# ------------------------------------------------------------------------------------- the table
def show(rows: Sequence[Row]) -> None:
    """Print the rows as an aligned text table."""
    names = "workload,infostat,alternative,seconds,ratio,rel. diff,peak MiB,its peak,target"
    head = names.split(",")
    lines = [
        [
            row.workload,
            f"{_number(row.ours)} s",
            row.alternative or "-",
            f"{_number(row.theirs)} s" if row.theirs == row.theirs else "-",
            _number(row.ratio),
            f"{row.difference:.0e}" if row.difference == row.difference else "-",
            _number(row.memory, 0),
            _number(row.their_memory, 0),
            row.target or "-",
        ]
        for row in rows
    ]
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]
    for line in [head, ["-" * width for width in widths], *lines]:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _number(value: float, digits: int | None = None) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.{digits}f}" if digits is not None else f"{value:.3g}"


def header(title: str, packages: Sequence[str] = ("numpy", "scipy", "numba")) -> None:
    """Print the title, the versions and the kind of machine."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    print(f"{title}\nPython {platform.python_version()}, {versions}; {machine()}\n", flush=True)


def machine() -> str:
    """Return processor, cores and BLAS threads, without any name of the host."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [text.split(":", 1)[1].strip() for text in lines if text.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, BLAS threads {_blas_threads()}"


def _blas_threads() -> str:
    from threadpoolctl import threadpool_info

    counts = sorted({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
    return "/".join(map(str, counts)) or "unknown"
