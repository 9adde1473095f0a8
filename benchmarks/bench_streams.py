"""The p-n criterion of a file of two million rows beside reading that file with pandas.

    python benchmarks/bench_streams.py [--rows N] [--folder FOLDER] [WORKLOAD ...]

Workloads: ``csv`` (the first-order criterion, whose time reading alone bounds from below, and the
criterion of the table in memory), ``second`` (second order in the same single pass). The file, 110 bytes
a row, is written into a temporary folder (`--folder` chooses where) and removed at the end. Every
contender finds it in the cache of the system.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _harness import Contender, Row, alternate, header, measure, ratio, relative_difference, report, show

SEED = 9
ROWS, COLUMNS = 2_000_000, "abcdef"
CHUNK = 200_000


def write(path: Path, rows: int) -> None:
    """Correlated columns with heavier tails than the normal, on scales from 1 to 1000, every digit printed."""
    import pandas as pd

    generator, d = np.random.default_rng(SEED), len(COLUMNS)
    mix = (np.eye(d) + 0.4 * np.tril(generator.normal(size=(d, d)), -1)).T * np.geomspace(1.0, 1000.0, d)
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        x = generator.standard_t(9, size=(count, d)) + 0.3 * generator.standard_exponential((count, d))
        frame = pd.DataFrame(x @ mix + 10.0, columns=list(COLUMNS))
        frame.to_csv(path, index=False, header=start == 0, mode="w" if start == 0 else "a")


# ------------------------------------------------------------------------------------ contenders
def criterion(data: Any, order: int) -> list[float]:
    """T0 and first-order risk, for order 2 also the other terms and the second order."""
    from infostat import pn_criterion

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cautions about tails are right and not the subject
        found = pn_criterion(data, "mvn", order=order)
    first = [found.terms.T0, found.risk1]
    return first if order == 1 else [*first, found.terms.T1, found.terms.T2, found.terms.T3, found.risk2]


def read(path: Path) -> Any:
    """The table, as pandas reads it when asked for nothing else."""
    import pandas as pd

    return pd.read_csv(path)


def in_memory(path: Path, order: int) -> list[float]:
    """Read everything, then judge."""
    return criterion(read(path), order)


# -------------------------------------------------------------------------------------- workloads
def compare(path: Path, order: int) -> list[Row]:
    """One pass over the file against reading alone and against the table in memory."""
    mine = Contender("infostat", lambda: criterion(str(path), order))
    reading = Contender("pandas.read_csv alone", lambda: len(read(path)))
    memory = Contender("read_csv, then in memory", lambda: in_memory(path, order), rounds=1)
    alternate([mine, reading, memory], 5)
    title = f"criterion mvn order={order}, CSV {path.stat().st_size / 1e6:.0f} MB"
    peak = measure(__file__, f"stream-{order}", str(path))["peak"]
    rows = []
    for other, key, target in (
        (reading, "read", ">= 0.33, < 700 MiB" if order == 1 else "< 700 MiB"),
        (memory, f"memory-{order}", "diff <= 1e-9"),
    ):
        difference = math.nan if other is reading else relative_difference(mine.result, other.result)
        theirs = measure(__file__, key, str(path))["peak"]
        times = mine.median, other.label, other.median, ratio(mine, other)
        rows.append(Row(title, *times, difference, peak, theirs, target))
    return rows


def task(key: str, path: Path) -> Callable[[], Any]:
    """Return the work whose memory a fresh process measures."""
    if key == "read":
        return lambda: read(path)
    kind, _, order = key.partition("-")
    if kind == "stream":
        return lambda: criterion(str(path), int(order))
    return lambda: in_memory(path, int(order))


WORKLOADS = {"csv": 1, "second": 2}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", nargs="*", help=f"{', '.join(WORKLOADS)}; all if none is named")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the file, 2 million if not given")
    parser.add_argument("--folder", help="where the file is written; the system's temporary folder if not given")
    parser.add_argument("--measure", nargs=2, metavar=("KEY", "PATH"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        report(task(chosen.measure[0], Path(chosen.measure[1])))
        return
    if unknown := set(chosen.workload) - set(WORKLOADS):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    header(f"A file of {chosen.rows} rows and {len(COLUMNS)} columns", ("numpy", "pandas", "numba"))
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        path = Path(folder) / "rows.csv"
        write(path, chosen.rows)
        show([row for name in chosen.workload or WORKLOADS for row in compare(path, WORKLOADS[name])])


if __name__ == "__main__":
    main()
