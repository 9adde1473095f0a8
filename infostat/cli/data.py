"""Where a command's data come from: a file, or a shipped data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.data import Table

__all__ = ["load_table"]

PREFIX = "dataset:"


def load_table(spec: str, columns: str | None = None, drop: str | None = None) -> Table:
    """Return the table that a command-line argument names.

    Parameters
    ----------
    spec : str
        Path, or ``dataset:NAME``.
    columns, drop : str, optional
        Comma-separated labels to keep or leave out.

    Returns
    -------
    Table
        The selection.
    """
    from ..core.data import Table, read_table

    if spec.startswith(PREFIX):
        from ..datasets import load

        frame = load(spec[len(PREFIX) :])
        return read_table(Table(frame, spec), columns=columns, drop=drop)
    return read_table(spec, columns=columns, drop=drop)
