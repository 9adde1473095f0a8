"""What a benchmark is: a workload with its sizes, and the contenders that do the same work.

A file ``bench_<wing>.py`` in this folder is found by itself. In it, `workload` registers a function that
takes the number of threads and the sizes of a level and returns a `Trial`: inputs made, contenders ready
(ours first), a reference to judge their answers by. Nothing in such a file measures or prints.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

LEVELS = ("quick", "standard", "full")
Prepare = Callable[..., "Trial"]


@dataclass(frozen=True)
class Contender:
    """One way to do the work.

    Attributes
    ----------
    name : str
        Shown in the table.
    run : callable
        Does the work and returns what the trial's `error` judges.
    package : str
        Distribution whose version the table shows; empty for code written here.
    module : str
        Import name of the package, if it is another. What cannot be imported is not run, and the table says so.
    share : float
        It does 1/share of the work; its time is multiplied by it, and the table says so.
    error : callable or None
        Judges this contender's result where the trial's `error` does not fit.
    """

    name: str
    run: Callable[[], Any]
    package: str = ""
    module: str = ""
    share: float = 1.0
    error: Callable[[Any], float] | None = None


@dataclass(frozen=True)
class Trial:
    """A prepared workload.

    Attributes
    ----------
    contenders : sequence of Contender
        Ours first. Alternatives after it.
    error : callable or None
        Distance of a result from the reference; None where there is nothing to compare.
    reference : str
        What the results are compared with, in words.
    unit : str
        ``"relative"``, ``"absolute"`` or ``"standard errors"``.
    close : callable or None
        Removes what was made for the trial (files).
    """

    contenders: Sequence[Contender]
    error: Callable[[Any], float] | None = None
    reference: str = ""
    unit: str = "relative"
    close: Callable[[], None] | None = None


@dataclass(frozen=True)
class Workload:
    """An entry of the registry.

    Attributes
    ----------
    name : str
        Unique; what the command line takes.
    wing : str
        Name of the file, without ``bench_``.
    what : str
        A few words for the table.
    sizes : mapping of str to mapping
        Keyword arguments of `prepare` for each level. A level that is missing takes the sizes of ``standard``.
    prepare : callable
        ``prepare(threads, **sizes)`` returns the trial.
    target : str
        What was promised at the standard size, as ``"ratio POT >= 8; error <= 1e-8; seconds < 5; mib < 64"``.
    memory : bool
        Measure the peak memory of those that do the whole work as well, in fresh processes.
    serial : bool
        One thread only: the work has no other way, or the clock of a process is the subject.
    """

    name: str
    wing: str
    what: str
    sizes: Mapping[str, Mapping[str, Any]]
    prepare: Prepare
    target: str = ""
    memory: bool = False
    serial: bool = False

    def size(self, level: str) -> Mapping[str, Any]:
        """Return the keyword arguments of a level."""
        return self.sizes.get(level, self.sizes["standard"])

    def trial(self, level: str, threads: int) -> Trial:
        """Make the inputs of a level."""
        return self.prepare(threads, **self.size(level))


WORKLOADS: dict[str, Workload] = {}


def workload(
    name: str,
    what: str,
    *,
    quick: Mapping[str, Any],
    standard: Mapping[str, Any],
    full: Mapping[str, Any] | None = None,
    target: str = "",
    memory: bool = False,
    serial: bool = False,
) -> Callable[[Prepare], Prepare]:
    """Register the decorated function as a workload; the fields are those of `Workload`.

    Parameters
    ----------
    name, what, target, memory, serial
        Fields of `Workload`.
    quick, standard : mapping
        Sizes; quick ones take a fraction of a second together with every contender.
    full : mapping, optional
        Sizes that need minutes or gigabytes; those of `standard` if not given.

    Returns
    -------
    callable
        The decorator; it returns the function as it was.
    """

    def register(prepare: Prepare) -> Prepare:
        if name in WORKLOADS:
            raise ValueError(f"two workloads are called {name!r}: give one of them another name")
        sizes = {"quick": quick, "standard": standard, **({} if full is None else {"full": full})}
        wing = prepare_module(prepare).rpartition("bench_")[2]
        entry = Workload(name, wing, what, sizes, prepare, target, memory, serial)
        # Decorators apply from the bottom; the table lists those of one function as they are written.
        after = [WORKLOADS.pop(key) for key, other in list(WORKLOADS.items()) if other.prepare is prepare]
        WORKLOADS.update({one.name: one for one in (entry, *after)})
        return prepare

    return register


def prepare_module(prepare: Prepare) -> str:
    """Return the module of a function, also behind `functools.partial`."""
    return str((prepare.func if isinstance(prepare, partial) else prepare).__module__)


def discover() -> dict[str, Workload]:
    """Import every ``bench_*.py`` of this folder and return the registry.

    Returns
    -------
    dict of str to Workload
        In the order of the files and of the lines in them.
    """
    package = __name__.rpartition(".")[0]
    folder = importlib.import_module(package).__path__
    for found in sorted(module.name for module in pkgutil.iter_modules(folder)):
        if found.startswith("bench_"):
            importlib.import_module(f"{package}.{found}")
    return WORKLOADS


def select(names: Sequence[str]) -> list[Workload]:
    """Return the workloads that are named: by name, by wing, or by the beginning of a name.

    Parameters
    ----------
    names : sequence of str
        Empty for all.

    Returns
    -------
    list of Workload
        In the order of the registry, none twice.

    Raises
    ------
    ValueError
        If a name fits nothing; the message lists what there is.
    """
    everything = discover()
    chosen: set[str] = set() if names else set(everything)
    for name in names:
        fits = {key for key, entry in everything.items() if entry.wing == name} or {name} & set(everything)
        fits = fits or {key for key in everything if key.startswith(name)}
        if not fits:
            wings = ", ".join(dict.fromkeys(entry.wing for entry in everything.values()))
            raise ValueError(
                f"no workload {name!r}: there are {', '.join(everything)}, and the wings {wings}; --list explains them"
            )
        chosen |= fits
    return [entry for key, entry in everything.items() if key in chosen]


# ----------------------------------------------------------------------------------- judging results
class Kept:
    """A run whose last result serves as the reference, so that nobody does slow work twice.

    Parameters
    ----------
    run : callable
        Does the work.
    """

    def __init__(self, run: Callable[[], Any]) -> None:
        self._run = run
        self._found: list[Any] = []

    def __call__(self) -> Any:
        """Run and keep the result."""
        self._found[:] = [self._run()]
        return self._found[0]

    def latest(self) -> Any:
        """Return the last result; run if there is none."""
        return self._found[0] if self._found else self()


def against(reference: Any) -> Callable[[Any], float]:
    """Return an error function: the largest relative difference from `reference`.

    Parameters
    ----------
    reference : array_like or callable
        A function is called at the first result that is judged, so that nobody waits for a reference while
        memory is measured.

    Returns
    -------
    callable
        Of a result. One with fewer numbers, of a contender that did a part of the work, is compared with the
        first ones.
    """
    made: list[Any] = []

    def error(found: Any) -> float:
        if not made:
            made.append(np.asarray(reference() if callable(reference) else reference, dtype=float).ravel())
        values, truth = np.asarray(found, dtype=float).ravel(), made[0]
        length = min(len(values), len(truth))
        if length == 0:
            return math.nan
        return float(np.max(np.abs(values[:length] - truth[:length]) / np.abs(truth[:length])))

    return error
