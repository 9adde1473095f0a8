"""Progress of a set of figures: two bars on stderr, the whole set and the figure at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeAlias

import numpy as np

from ...core.errors import InputTypeError, describe
from ...core.progress import Progress, Report
from ...core.validation import short

__all__ = ["Begin", "show_progress"]

# Called with the figures done and the name of the next one ("" at the end); gives its report.
Begin: TypeAlias = Callable[[int, str], "Report | None"]


def show_progress(progress: Progress, total: int) -> AbstractContextManager[Begin]:
    """Return a context manager that gives a function to call before each figure.

    Parameters
    ----------
    progress : bool or callable
        False is silent, True draws two bars on stderr, a callable is called with
        ``(figures done, total)``.
    total : int
        Figures in the set.

    Returns
    -------
    context manager
        Entering it gives a function of (figures done, name of the next figure).

    Raises
    ------
    InputTypeError
        If `progress` is neither a boolean nor callable.
    """
    if isinstance(progress, (bool, np.bool_)):
        return _bars(total) if progress else nullcontext(_silent)
    if not callable(progress):
        raise InputTypeError(describe("progress", "True, False or a function of (done, total)", short(progress)))

    def begin(done: int, name: str) -> None:
        progress(done, total)

    return nullcontext(begin)


def _silent(done: int, name: str) -> None:
    """Say nothing."""


@contextmanager
def _bars(total: int) -> Iterator[Begin]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        whole = bars.add_task("figures", total=total)
        part = bars.add_task("", total=None, visible=False)

        def begin(done: int, name: str) -> Report:
            bars.update(whole, completed=done)
            bars.reset(part, description=f"  {name}", total=None, completed=0, visible=bool(name))

            def report(finished: int, of: int) -> None:
                bars.update(part, completed=finished, total=of)

            return report

        yield begin
