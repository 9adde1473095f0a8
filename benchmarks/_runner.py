"""Alternating rounds, memory of a fresh process, one process per wing and number of threads.

Within a round every contender runs once on the same inputs, so that drift of the machine hits all of them;
what is kept are medians over the rounds and the median of the ratios within a round. A contender that has
used up its budget leaves out the later rounds, and so do the pairs it would have been in.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import json
import math
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ._machine import environment, version
from ._registry import Contender, Trial, Workload, select

MARK = "@benchmark "  # peers print what they like; only lines that begin with this are ours
NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class Settings:
    """How long to measure.

    Attributes
    ----------
    level : str
        ``"quick"``, ``"standard"`` or ``"full"``.
    rounds : int
        Rounds at most.
    budget : float
        Seconds after which a contender takes part in no further round of a workload.
    memory : bool
        Measure peak memory where a workload asks for it.
    """

    level: str = "standard"
    rounds: int = 5
    budget: float = 5.0
    memory: bool = True


@dataclass
class Lap:
    """What one contender did.

    Attributes
    ----------
    contender : Contender
        Who.
    seconds : list of float
        One time per round, of the whole work; NaN for a round it was not in.
    spent : float
        Seconds that really passed.
    result : object
        What its last run returned; dropped once it is judged.
    error : float
        Distance of that from the reference.
    note : str
        Why it did not run.
    mib : float
        Peak memory beyond its inputs, if measured.
    """

    contender: Contender
    seconds: list[float] = field(default_factory=list)
    spent: float = 0.0
    result: Any = None
    error: float = math.nan
    note: str = ""
    mib: float = math.nan

    @property
    def median(self) -> float:
        """Median time, seconds."""
        known = [value for value in self.seconds if value == value]
        return statistics.median(known) if known else math.nan

    def ratio_to(self, ours: Lap) -> float:
        """Median over the rounds with both of its time divided by ours."""
        pairs = zip(self.seconds, ours.seconds, strict=False)
        known = [theirs / mine for theirs, mine in pairs if theirs == theirs and mine == mine and mine > 0.0]
        return statistics.median(known) if known else math.nan


# ------------------------------------------------------------------------------------ in the process
def race(trial: Trial, settings: Settings) -> list[Lap]:
    """Run the contenders in turn.

    Parameters
    ----------
    trial : Trial
        Ours is its first contender; it runs once before, so that compiling and loading is not timed.
    settings : Settings
        Rounds and budget.

    Returns
    -------
    list of Lap
        One per contender. One that fails has a note; ours raises.
    """
    laps = [Lap(contender, note=_missing(contender)) for contender in trial.contenders]
    ours = laps[0]
    _once(ours, trial)
    ours.spent = 0.0
    for number in range(settings.rounds):
        for lap in laps:
            if lap.note:
                continue
            if number and lap.spent > settings.budget:
                lap.seconds.append(math.nan)
                continue
            lap.seconds.append(_once(lap, trial) * lap.contender.share)
        if ours.spent > settings.budget:
            break  # without ours there is no pair
    for lap in laps:
        _judge(lap, trial)
    return laps


def _once(lap: Lap, trial: Trial) -> float:
    """Run once, keep the result and return the seconds that passed."""
    lap.result = None
    gc.collect()
    start = time.perf_counter()
    try:
        lap.result = lap.contender.run()
    except Exception as error:  # a package that fails is a finding, not an end; if we fail, it is
        if lap.contender is trial.contenders[0]:
            raise
        lap.note = f"{type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
        return math.nan
    seconds = time.perf_counter() - start
    lap.spent += seconds
    return seconds


def _judge(lap: Lap, trial: Trial) -> None:
    judge = lap.contender.error or trial.error
    if judge is not None and lap.result is not None:
        lap.error = judge(lap.result)
    lap.result = None


def _missing(contender: Contender) -> str:
    module = contender.module or contender.package.replace("-", "_")
    return NOT_INSTALLED if module and importlib.util.find_spec(module) is None else ""


def load(entry: Workload, threads: int) -> None:
    """Run every contender once at the quick size, so that their imports and compilers are not timed."""
    trial = entry.trial("quick", threads)
    try:
        for contender in trial.contenders:
            if not _missing(contender):
                _once(Lap(contender), trial)
    finally:
        if trial.close is not None:
            trial.close()


def run(entry: Workload, threads: int, settings: Settings) -> dict[str, Any]:
    """Measure one workload in this process and return the numbers as JSON can hold them."""
    with warnings.catch_warnings(action="ignore"):  # cautions about data are right and not the subject
        if settings.level != "quick":
            load(entry, threads)
        trial = entry.trial(settings.level, threads)
        try:
            laps = race(trial, settings)  # judges too: a reference may need the files
        finally:
            if trial.close is not None:
                trial.close()
    if entry.memory and settings.memory and settings.level != "quick":
        for number, lap in enumerate(laps):
            # Slow ones are not run a second time for it.
            if (number == 0 or lap.median < settings.budget) and not lap.note and lap.contender.share == 1.0:
                lap.mib = peak(entry, threads, settings.level, lap.contender.name)
    ours = laps[0]
    return {
        "workload": entry.name,
        "threads": threads,
        "reference": trial.reference,
        "unit": trial.unit if trial.error is not None else "",
        "rounds": len(ours.seconds),
        "ours": _record(ours, ours),
        "peers": [_record(lap, ours) for lap in laps[1:]],
    }


def _record(lap: Lap, ours: Lap) -> dict[str, Any]:
    return {
        "name": lap.contender.name,
        "version": version(lap.contender.package) if lap.contender.package else "",
        "share": lap.contender.share,
        "seconds": lap.median,
        "ratio": lap.ratio_to(ours),
        "error": lap.error,
        "mib": lap.mib,
        "note": lap.note,
    }


# ------------------------------------------------------------------------------------------- memory
def peak(entry: Workload, threads: int, level: str, contender: str) -> float:
    """Return the peak memory of a contender beyond its inputs, MiB, from a fresh process."""
    command = [sys.executable, "-m", "benchmarks", "--peak", entry.name, level, str(threads), contender]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(threads), check=False)
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return float(json.loads(line.removeprefix(MARK))["mib"])
    return math.nan


def report_peak(name: str, level: str, threads: int, contender: str) -> None:
    """Do the work once in this process and print the growth of its largest resident set.

    What is compiled and imported is loaded before and forgotten, where the system can forget: by the quick size,
    and for us by the same work, because we load compiled code for large inputs only.
    """
    entry = select([name])[0]
    with warnings.catch_warnings(action="ignore"):
        small = entry.trial("quick", threads)
        for one in small.contenders:
            if one.name == contender:
                one.run()
        if small.close is not None:
            small.close()
        trial = entry.trial(level, threads)
        try:
            work = next(one for one in trial.contenders if one.name == contender)
            if work is trial.contenders[0]:
                work.run()
            _forget()
            before = resident_peak()
            work.run()
        finally:
            if trial.close is not None:
                trial.close()
    print("\n" + MARK + json.dumps({"mib": resident_peak() - before}), flush=True)


def _forget() -> None:
    """Give freed memory back and let the largest resident set start afresh; nothing where the system cannot."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library than that of GNU
        ctypes.CDLL(None).malloc_trim(0)
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")


def resident_peak() -> float:
    """Return the largest resident set of this process so far, MiB."""
    status = Path("/proc/self/status")
    if status.is_file():
        # On Linux ru_maxrss starts at the size of the parent when it forked; VmHWM starts afresh.
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM:"))
        return float(line.split()[1]) / 1024.0
    import resource  # not on Windows; timings work there, memory does not

    unit = 1.0 if sys.platform == "darwin" else 1024.0  # bytes there, kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2.0**20


# --------------------------------------------------------------------------------------- the children
def child(names: Sequence[str], threads: int, settings: Settings) -> None:
    """Measure the named workloads in this process and print one line of JSON for each."""
    for name in names:
        try:
            found = run(select([name])[0], threads, settings)
        except Exception as error:
            found = {"workload": name, "threads": threads, "failed": f"{type(error).__name__}: {error}"[:200]}
        print("\n" + MARK + json.dumps(found), flush=True)


def measure(entries: Sequence[Workload], threads: Sequence[int], settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield what each workload measured, one process per wing and number of threads.

    Parameters
    ----------
    entries : sequence of Workload
        What to run.
    threads : sequence of int
        Counts; a serial workload runs with the first only.
    settings : Settings
        Passed on.

    Yields
    ------
    dict
        What `run` returned, or ``failed`` with the reason.
    """
    for wing in dict.fromkeys(entry.wing for entry in entries):
        for count in threads:
            names = [e.name for e in entries if e.wing == wing and (count == threads[0] or not e.serial)]
            if names:
                yield from _spawn(names, count, replace(settings, memory=count == threads[0]))


def _spawn(names: list[str], threads: int, settings: Settings) -> Iterator[dict[str, Any]]:
    options = [settings.level, str(threads), str(settings.rounds), str(settings.budget), str(int(settings.memory))]
    command = [sys.executable, "-m", "benchmarks", "--child", *options, *names]
    waiting = list(names)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(threads)
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(MARK):
                found = json.loads(line.removeprefix(MARK))
                waiting.remove(found["workload"])
                yield found
    for name in waiting:  # killed, for want of memory most likely
        yield {"workload": name, "threads": threads, "failed": f"the process ended with status {process.returncode}"}
