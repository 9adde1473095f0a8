"""How a family reads the rows of a stream: what the first of them decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..core.data import Table, matrix
from ..core.errors import ConstantStatisticError, DataError, InputError
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from .stream_map import DataMap, Leaf, data_map, leaves

__all__ = ["Reading", "encoded_rows", "first_reading", "open_sizes"]


@dataclass(frozen=True)
class Reading:
    """How one family reads rows, decided on the first of them.

    Attributes
    ----------
    family : ExponentialFamily
        Bound family.
    columns : tuple of str
        Column labels.
    map : DataMap or None
        Affine map of the data in front of the family.
    order : {1, 2}
        Expansion asked for.
    jackknife : bool
        Whether groups of rows are kept apart.
    judged : int
        Number of leading statistics in which rows are judged extreme and statistics constant: the columns
        of a normal model, whose squares and products follow them, else all.
    centre, spread : ndarray of shape (judged,)
        Their mean and standard deviation in the first rows.
    first_rows : int
        Number of the first rows, where they decided sizes or levels that the family had left open; 0 if
        nothing was open.
    """

    family: ExponentialFamily
    columns: tuple[str, ...]
    map: DataMap | None
    order: int
    jackknife: bool
    judged: int
    centre: FloatArray
    spread: FloatArray
    first_rows: int

    @property
    def leaves(self) -> list[Leaf]:
        """Independent blocks of the model."""
        return leaves(self.family)


def first_reading(frame: pd.DataFrame, family: ExponentialFamily, order: int, jackknife: bool) -> Reading:
    """Return how a family reads rows, judged on the first of them.

    Parameters
    ----------
    frame : DataFrame
        First rows.
    family : ExponentialFamily
        Model, possibly with open sizes.
    order : {1, 2}
        Expansion asked for.
    jackknife : bool
        Whether groups are kept apart.

    Returns
    -------
    Reading
        Bound family and affine map.

    Raises
    ------
    InputError
        If the number of columns does not fit, or the first rows do not tell a size that was left open.
    """
    columns = tuple(str(label) for label in frame.columns)
    if family.n_columns is not None and len(columns) != family.n_columns:
        raise InputError(
            f"data for the {family.title} family must have {family.n_columns} column"
            f"{'' if family.n_columns == 1 else 's'}, got {len(columns)} ({', '.join(columns[:12])}); select columns"
        )
    place = f"in the first {len(frame)} rows: "
    try:
        values = _values(frame, family)
        bound = family.bind(values)
        encoded = bound.encode(values)
    except ConstantStatisticError as error:
        raise type(error)(f"{place}{error} ({open_sizes(len(frame))})") from None
    except DataError as error:
        raise type(error)(f"{place}{error}") from None
    found = data_map(bound, encoded)
    statistics = bound.raw_statistic(encoded if found is None else found.apply(encoded))
    judged = len(columns) if isinstance(bound, (Normal, MultivariateNormal)) else statistics.shape[1]
    spread = statistics[:, :judged].std(axis=0)
    return Reading(
        family=bound,
        columns=columns,
        map=found,
        order=order,
        jackknife=jackknife,
        judged=judged,
        centre=statistics[:, :judged].mean(axis=0),
        spread=np.where(np.isfinite(spread) & (spread > 0.0), spread, 1.0),
        first_rows=0 if bound == family else len(frame),
    )


def open_sizes(n_rows: int) -> str:
    """Return what to do where the first rows did not tell a size or a level.

    Parameters
    ----------
    n_rows : int
        Number of first rows.

    Returns
    -------
    str
        For a message.
    """
    return (
        f"on a stream, sizes and levels that are left open are taken from the first {n_rows} rows; give them when the "
        "family is built, for instance Categorical(levels=[...])"
    )


def encoded_rows(reading: Reading, frame: pd.DataFrame) -> FloatArray:
    """Return the rows of a block as the family computes with them.

    Parameters
    ----------
    reading : Reading
        Family and affine map.
    frame : DataFrame
        Rows.

    Returns
    -------
    ndarray
        Encoded and mapped rows.
    """
    encoded = reading.family.encode(_values(frame, reading.family))
    return encoded if reading.map is None else reading.map.apply(encoded)


def _values(frame: pd.DataFrame, family: ExponentialFamily) -> Any:
    if not family.accepts_labels:
        return matrix(Table(frame, "data"), min_rows=1)
    missing = frame.isna().sum()
    if missing.any():
        counts = ", ".join(f"{name}: {int(k)}" for name, k in missing.items() if k)
        raise DataError(f"data must have no missing values, got {counts}; drop or impute these rows")
    return frame
