"""Time infostat beside the packages one would use today: one command, one table.

    python -m benchmarks                           # the standard set, docs/measured/benchmarks.csv is left alone
    python -m benchmarks kde-d10 divergences       # a workload, a wing, or the beginning of names
    python -m benchmarks --quick                   # seconds: does everything run?
    python -m benchmarks --list
    python -m benchmarks --output docs/measured/benchmarks.csv
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ._machine import cores, header
from ._registry import LEVELS, Workload, discover, select
from ._runner import Settings, child, measure, report_peak
from ._table import Row, rows_of, surroundings, table, write_csv

ROUNDS = {"quick": 1, "standard": 3, "full": 7}
BUDGET = {"quick": 1.0, "standard": 1.5, "full": 20.0}  # seconds of a contender, workload and thread count
PIPE_WIDTH = 300  # a file or a pipe has no width of its own; rows stay on one line there


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n", 1)[0])
    made.add_argument("names", nargs="*", metavar="NAME", help="workload, wing or beginning of names; all if none")
    level = made.add_mutually_exclusive_group()
    level.add_argument("--quick", dest="level", action="store_const", const="quick", help="tiny sizes, one round")
    level.add_argument(
        "--standard", dest="level", action="store_const", const="standard",
        help="the sizes of the documentation, some ten minutes on two quiet cores (the default)",
    )  # fmt: skip
    level.add_argument(
        "--full", dest="level", action="store_const", const="full", help="also what needs 8 GB and half an hour"
    )
    made.set_defaults(level="standard")
    made.add_argument("--threads", type=int, nargs="+", metavar="T", help="thread counts; 1 and 2 if there are two")
    made.add_argument("--rounds", type=int, help="rounds of each workload; a slow contender takes part in fewer")
    made.add_argument("--output", type=Path, metavar="FILE.csv", help="write the table, versions and machine there")
    made.add_argument("--list", action="store_true", help="say what there is and stop")
    made.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    made.add_argument("--peak", nargs=4, help=argparse.SUPPRESS)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 1 if a workload of ours failed, 2 for bad usage."""
    options = parser()
    # The names of a child come behind its settings, so that nothing is left for the other arguments.
    chosen = options.parse_args(arguments)
    if chosen.child:
        level, threads, rounds, budget, memory, *names = chosen.child
        child(names, int(threads), Settings(level, int(rounds), float(budget), memory == "1"))
        return 0
    if chosen.peak:
        name, level, threads, contender = chosen.peak
        report_peak(name, level, int(threads), contender)
        return 0
    if chosen.list:
        _list()
        return 0
    try:
        entries = select(chosen.names)
    except ValueError as error:
        options.error(str(error))
    if chosen.output is not None and (chosen.output.suffix != ".csv" or not chosen.output.parent.is_dir()):
        options.error(f"--output {chosen.output}: name a file that ends in .csv, in a folder that exists")
    threads = chosen.threads or [1, *([2] if cores() > 1 else [])]
    if min(threads) < 1 or (chosen.rounds is not None and chosen.rounds < 1):
        options.error("--threads and --rounds count from 1")
    settings = Settings(chosen.level, chosen.rounds or ROUNDS[chosen.level], BUDGET[chosen.level])
    rows = _run(entries, threads, settings)
    _show(rows)
    if chosen.output is not None:
        write_csv(chosen.output, rows)
        print(f"Wrote {len(rows)} rows to {chosen.output.name}", file=sys.stderr)
    return 1 if any(math.isnan(row.infostat_seconds) for row in rows) else 0


def _run(entries: Sequence[Workload], threads: Sequence[int], settings: Settings) -> list[Row]:
    from rich.console import Console

    header("infostat beside its peers", ("infostat", "numpy", "scipy", "numba"))
    by_name = {entry.name: entry for entry in entries}
    around, rows = surroundings(settings.level), []
    start = time.monotonic()
    progress = Console(stderr=True, highlight=False)
    try:
        for found in measure(entries, threads, settings):
            rows += rows_of(by_name[found["workload"]], found, around)
            outcome = found.get("failed") or f"{found['ours']['seconds']:.3g} s"
            name = f"{found['workload']}, {found['threads']} thread{'s' if found['threads'] > 1 else ''}"
            progress.print(f"{time.monotonic() - start:5.0f} s  {name}: {outcome}")
    except KeyboardInterrupt:
        _show(rows)  # what is known is shown; a file would pass for the whole
        sys.exit("Interrupted: no file is written")
    order = {name: number for number, name in enumerate(by_name)}
    return sorted(rows, key=lambda row: (order[row.workload], row.threads))


def _show(rows: Sequence[Row]) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table(rows))


def _list() -> None:
    from rich.console import Console
    from rich.table import Table

    made = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("wing", "workload", "what", *LEVELS, "target"):
        made.add_column(name, overflow="fold")
    for entry in discover().values():
        sizes = [" ".join(f"{k}={v}" for k, v in entry.sizes.get(level, {}).items()) for level in LEVELS]
        made.add_row(entry.wing, entry.name, entry.what, *sizes, entry.target)
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(made)


if __name__ == "__main__":
    sys.exit(main())
