"""Where a command's data come from: a file, or a shipped data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from ..core.chunks import FrameStream
    from ..core.data import Table

__all__ = ["load_rows", "load_table"]

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


def load_rows(
    spec: str, columns: str | None = None, drop: str | None = None
) -> tuple[Table | FrameStream, pd.DataFrame | None]:
    """Return the rows that a command-line argument names: a table, or a stream if the file is large.

    Parameters
    ----------
    spec : str
        Path, or ``dataset:NAME``.
    columns, drop : str, optional
        Comma-separated labels to keep or leave out.

    Returns
    -------
    tuple
        The rows, and their frame unless they are streamed.
    """
    from ..core.chunks import frame_stream, is_large
    from ..core.data import selected_labels

    if not spec.startswith(PREFIX) and is_large(spec):
        return frame_stream(spec, lambda labels: selected_labels(labels, columns, drop)), None
    table = load_table(spec, columns, drop)
    return table, table.frame
