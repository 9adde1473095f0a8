"""Tables larger than memory in a report: a uniform sample of the rows, and one pass over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.random import SeedSequence

from ..core.chunks import FrameStream
from ..core.data import Table
from ..core.errors import DataError
from ..core.rng import child_generator
from .column_kinds import as_numbers, is_missing
from .models import JointModels, Judging, judge
from .preparation import Prepared
from .report_result import ReportPart
from .sequence_parts import judge_groups
from .size_part import size_part

__all__ = ["SAMPLE_ROWS", "LargeTable", "sample_rows", "whole_part"]

SAMPLE_ROWS = 50_000
"""Rows of the sample that a report analyses in place of a table larger than memory."""

_TITLE = "Are all rows together enough?"
_SEED_CHILD = 1 << 31  # far above the children that the parts of a report draw from


@dataclass(frozen=True, eq=False)
class LargeTable:
    """What is known of a table that is read in chunks.

    Attributes
    ----------
    stream : FrameStream
        All rows.
    n_rows : int
        How many there are.
    sample : Table
        A uniform sample of them, in their order.
    """

    stream: FrameStream
    n_rows: int
    sample: Table

    @property
    def words(self) -> str:
        """The sentence that says what was sampled."""
        return (
            f"The table has {self.n_rows} rows. Everything but '{_TITLE}' is computed from a uniform sample of "
            f"{len(self.sample.frame)} of them, drawn with the seed below."
        )


def sample_rows(
    stream: FrameStream,
    seed: SeedSequence,
    size: int = SAMPLE_ROWS,
    told: Callable[[int, int], object] | None = None,
) -> LargeTable:
    """Return a uniform sample of the rows of a stream, without replacement.

    Parameters
    ----------
    stream : FrameStream
        The rows; read once.
    seed : SeedSequence
        Seed of a report; the sample draws from a child of its own.
    size : int
        Rows to keep.
    told : callable, optional
        Gets ``(rows read, rows or 0)``.

    Returns
    -------
    LargeTable
        With every row if there are no more than `size`.

    Raises
    ------
    DataError
        If there are no rows.

    Notes
    -----
    Every row gets a random key, one after the other, and the rows with the smallest keys are kept: the sample does
    not depend on how the rows are cut into chunks.
    """
    keys, rows, places = np.empty(0), pd.DataFrame(), np.empty(0, dtype=np.int64)
    seen, draws = 0, child_generator(seed, _SEED_CHILD)
    for frame in stream.frames():
        fresh = draws.random(len(frame))
        chosen = np.flatnonzero(fresh < keys.max()) if len(keys) == size else np.arange(len(fresh))
        keys = np.concatenate([keys, fresh[chosen]])
        places = np.concatenate([places, seen + chosen])
        rows = pd.concat([rows, frame.iloc[chosen]], ignore_index=True) if seen else frame.iloc[chosen]
        kept = np.sort(np.argsort(keys, kind="stable")[:size])
        keys, places, rows = keys[kept], places[kept], rows.iloc[kept]
        seen += len(frame)
        if told is not None:
            told(seen, stream.total or 0)
    if not seen:
        raise DataError(f"data must have at least one row, got none in {stream.source}")
    return LargeTable(stream, seen, Table(rows.reset_index(drop=True), stream.source))


def whole_part(prepared: Prepared, groups: Sequence[JointModels], large: LargeTable, how: Judging) -> ReportPart | None:
    """Return the part about all rows of a large table: the joint models, each group in one pass.

    Parameters
    ----------
    prepared : Prepared
        The sample, its columns and how they are read.
    groups : sequence of JointModels
        Models chosen from the sample.
    large : LargeTable
        All rows.
    how : Judging
        Options; there are no intervals on a stream.

    Returns
    -------
    ReportPart or None
        None if there is no joint model.
    """
    if not groups:
        return None
    streamed = replace(how, bootstrap=0)
    sequences, skipped = judge_groups(
        groups, lambda group: judge(_complete(large.stream, prepared, group.labels), group.families, streamed, 1)
    )
    part = size_part({}, sequences, skipped, how.alpha)
    if part is None:
        return None
    names = {label: f"{label}, all rows" for label in part.results or {}}
    return replace(
        part,
        anchor="all-rows",
        title=_TITLE,
        results={names[label]: item for label, item in (part.results or {}).items()},
        figures={names[label]: text for label, text in (part.figures or {}).items()},
        details=(),
    )


def _complete(stream: FrameStream, prepared: Prepared, labels: list[str]) -> FrameStream:
    """Some columns of a stream without the rows that the sample would lose, as clean as the sample."""
    used = [str(label) for label in prepared.frame.columns]
    numeric = {label for label in used if prepared.frame[label].dtype.kind == "f"}

    def frames() -> Iterator[pd.DataFrame]:
        for frame in stream.frames():
            gone = np.zeros(len(frame), dtype=bool)
            for label in used:
                gone |= np.asarray(is_missing(frame[label]), dtype=bool)
            kept = frame.loc[~gone, labels]
            if len(kept):
                yield pd.DataFrame({label: _values(kept[label], label in numeric) for label in labels})

    return FrameStream(frames, tuple(labels), None, stream.again, stream.source)


def _values(column: pd.Series, numeric: bool) -> pd.Series:
    if not numeric:
        return column.astype(str)
    values = as_numbers(column)
    if values is None:
        words = next(value for value in column if not isinstance(value, (int, float, np.number)))
        raise DataError(
            f"column {column.name!r} must hold numbers in every row, as it does in the sample, got {words!r}; clean "
            "the column or drop it"
        )
    return pd.Series(values, index=column.index)
