"""Progress of long computations: silent, a bar on stderr, or the caller's function.

Progress is a side channel. It sees counts only, so it cannot change a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias

import numpy as np

from .errors import InputTypeError, describe
from .validation import short

__all__ = ["Progress", "Report", "progress_callback"]

Report: TypeAlias = Callable[[int, int], object]
Progress: TypeAlias = "bool | Report"


def progress_callback(progress: Progress, label: str) -> AbstractContextManager[Report | None]:
    """Return a context manager that gives a function ``(done, total)``, or None when silent.

    Parameters
    ----------
    progress : bool or callable
        False is silent, True draws a bar on stderr, a callable is called with
        ``(done, total)``.
    label : str
        Text in front of the bar.

    Returns
    -------
    context manager
        Entering it gives the function to call after each piece of work, or None.

    Raises
    ------
    InputTypeError
        If `progress` is neither a boolean nor callable.

    Examples
    --------
    >>> seen = []
    >>> with progress_callback(lambda done, total: seen.append((done, total)), "study") as report:
    ...     report(1, 2)
    ...     report(2, 2)
    >>> seen
    [(1, 2), (2, 2)]
    >>> with progress_callback(False, "study") as report:
    ...     report is None
    True
    """
    if isinstance(progress, (bool, np.bool_)):
        return _bar(label) if progress else nullcontext(None)
    if not callable(progress):
        required = "True, False or a function of (done, total)"
        raise InputTypeError(describe("progress", required, short(progress)))
    return nullcontext(progress)


@contextmanager
def _bar(label: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # A console of its own: two bars on one console are refused by rich, and stdout is for results.
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report
