"""The rows: one per workload, number of threads and alternative; as CSV and on the terminal."""

from __future__ import annotations

import csv
import datetime
import math
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._machine import cores, processor, versions
from ._registry import Workload

if TYPE_CHECKING:
    from rich.table import Table

CONDITION = re.compile(r"(ratio|error|seconds|mib)(?: (.+?))? (>=|<=|<) ([0-9.e+-]+)")
COLUMNS_OF_SIZE = ("n", "d")  # the others are gathered in the column size


@dataclass(frozen=True)
class Row:
    """One line; the fields are the columns of the CSV file, in order.

    Attributes
    ----------
    wing, workload, what : str
        Which work: name of the file, of the entry, and a few words.
    n, d, size : str
        Rows, columns, and the other sizes as ``"m=2000 h=0.6"``.
    threads : int
        Threads of both sides.
    infostat_seconds, infostat_error, infostat_mib : float
        Median time; distance from the reference; peak memory beyond the inputs, MiB.
    peer, peer_version : str
        The alternative; the version of its package. Empty where the workload has none.
    peer_share : float
        It did 1/share of the work, and its time is multiplied by it.
    peer_seconds, peer_error, peer_mib : float
        As for infostat.
    ratio : float
        Median over rounds of its time divided by ours in the same round.
    reference, error_unit : str
        What errors are distances from, and in which unit.
    rounds : int
        Rounds of infostat; slow alternatives take part in fewer.
    target, met : str
        What was promised of this row at the standard size; ``yes`` or ``no`` (empty at quick sizes).
    note : str
        Why a number is missing.
    level, date, python, cpu, cores, packages
        The same in every row: sizes, day, and what the timings depend on.
    """

    wing: str
    workload: str
    what: str
    n: str
    d: str
    size: str
    threads: int
    infostat_seconds: float
    infostat_error: float
    infostat_mib: float
    peer: str
    peer_version: str
    peer_share: float
    peer_seconds: float
    ratio: float
    peer_error: float
    peer_mib: float
    reference: str
    error_unit: str
    rounds: int
    target: str
    met: str
    note: str
    level: str
    date: str
    python: str
    cpu: str
    cores: int
    packages: str


def surroundings(level: str) -> dict[str, Any]:
    """Return the columns that are the same in every row."""
    return {
        "level": level,
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "cpu": processor(),
        "cores": cores(),
        "packages": versions(),
    }


def rows_of(entry: Workload, found: dict[str, Any], around: dict[str, Any]) -> list[Row]:
    """Return the rows of one workload at one number of threads.

    Parameters
    ----------
    entry : Workload
        Of the registry.
    found : dict
        What the runner measured.
    around : dict
        What `surroundings` returned.

    Returns
    -------
    list of Row
        One per alternative, or one without.
    """
    size = {key: f"{value:g}" if isinstance(value, float) else str(value)
            for key, value in entry.size(around["level"]).items()}  # fmt: skip
    nothing = {"name": "", "version": "", "share": math.nan, "seconds": math.nan, "ratio": math.nan,
               "error": math.nan, "mib": math.nan, "note": found.get("failed", "")}  # fmt: skip
    ours = found.get("ours", nothing)
    made = []
    for peer in found.get("peers") or [nothing]:
        target, met = judge(entry.target, peer["name"], ours, peer)
        made.append(
            Row(
                wing=entry.wing, workload=entry.name, what=entry.what, n=size.get("n", ""), d=size.get("d", ""),
                size=" ".join(f"{key}={value}" for key, value in size.items() if key not in COLUMNS_OF_SIZE),
                threads=found["threads"], infostat_seconds=ours["seconds"], infostat_error=ours["error"],
                infostat_mib=ours["mib"], peer=peer["name"], peer_version=peer["version"], peer_share=peer["share"],
                peer_seconds=peer["seconds"], ratio=peer["ratio"], peer_error=peer["error"], peer_mib=peer["mib"],
                reference=found.get("reference", ""), error_unit=found.get("unit", ""),
                rounds=found.get("rounds", 0), target=target,
                met="" if around["level"] == "quick" else met, note=peer["note"], **around,
            )
        )  # fmt: skip
    return made


def judge(target: str, peer: str, ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[str, str]:
    """Return the part of a target that this row answers, and whether it is met.

    Parameters
    ----------
    target : str
        Conditions joined by ``"; "``: ``ratio PEER >= 8`` concerns one alternative, the others ours.
    peer : str
        Name of the alternative of the row.
    ours, theirs : dict
        What was measured.

    Returns
    -------
    tuple of str
        The conditions, and ``"yes"``, ``"no"`` or, where nothing was measured or promised, ``""``.

    Raises
    ------
    ValueError
        If a condition is not of this form.
    """
    shown, answers = [], []
    for part in filter(None, target.split("; ")):
        match = CONDITION.fullmatch(part)
        if match is None:
            raise ValueError(f"target {part!r}: write 'ratio PEER >= 8', 'error <= 1e-8', 'seconds < 5' or 'mib < 64'")
        key, name, sign, limit = match.groups()
        if key == "ratio" and name != peer:
            continue
        value = theirs["ratio"] if key == "ratio" else ours[key]
        shown.append(f"{key} {sign} {limit}")
        if value == value:
            answers.append(value >= float(limit) if sign == ">=" else value <= float(limit))
    met = "" if not answers else "yes" if all(answers) else "no"
    return "; ".join(shown), met


# --------------------------------------------------------------------------------------------- files
def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows; numbers with four digits, errors with two, nothing for what was not measured."""
    names = [column.name for column in fields(Row)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow([_cell(name, value) for name, value in asdict(row).items()])


def _cell(name: str, value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return ""
    return f"{value:.2g}" if name.endswith("error") else f"{value:.4g}"


# ------------------------------------------------------------------------------------------ terminal
def table(rows: Sequence[Row]) -> Table:
    """Return the rows as a rich table; what repeats is shown once."""
    from rich.table import Table

    made = Table(title="infostat beside its peers", title_justify="left", header_style="bold", pad_edge=False)
    for name in ("workload", "size"):
        made.add_column(name, overflow="fold")
    for name in ("threads", "infostat"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("peer", overflow="fold")
    for name in ("seconds", "ratio", "our error", "its error", "MiB", "its MiB"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("reference", overflow="fold")
    made.add_column("target", overflow="fold")
    last: tuple[str, int] | None = None
    for row in rows:
        key = (row.workload, row.threads)
        new, last = key != last, key
        sizes = [f"{name}={value}" for name, value in (("n", row.n), ("d", row.d)) if value] + [row.size]
        share = f" x{row.peer_share:g}" if row.peer_share > 1.0 else ""
        mark = {"yes": " [green]met[/]", "no": " [red]missed[/]"}.get(row.met, "")
        made.add_row(
            row.workload if new else "",
            " ".join(sizes).strip() if new else "",
            str(row.threads) if new else "",
            _seconds(row.infostat_seconds) if new else "",
            row.peer + share,
            row.note or _seconds(row.peer_seconds),
            _number(row.ratio, "{:.3g}"),
            _number(row.infostat_error, "{:.1g}") if new else "",
            _number(row.peer_error, "{:.1g}"),
            _number(row.infostat_mib, "{:.0f}") if new else "",
            _number(row.peer_mib, "{:.0f}"),
            row.reference if new else "",
            row.target + mark,
        )
    return made


def _seconds(value: float) -> str:
    return _number(value, "{:.3g} s")


def _number(value: float, shape: str) -> str:
    return "" if math.isnan(value) else shape.format(value)
