"""The data side of a family: columns, support, statistics of rows.

:class:`FamilyRows` holds what a family knows about data before any parameter
enters; :class:`infostat.families.base.ExponentialFamily` adds the model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError, InputTypeError, SupportError, describe
from ..core.validation import FloatArray, as_float_array, short

__all__ = ["BoolArray", "FamilyRows", "as_rows", "data_shape", "entries_of", "rows_outside"]

BoolArray = NDArray[np.bool_]


class FamilyRows(ABC):
    """What a family knows about rows of data.

    Attributes
    ----------
    name : str
        Registry name.
    title : str
        Name in sentences.
    support : str
        Support in words.
    discrete : bool
        Whether densities are probabilities.
    accepts_labels : bool
        Whether data may hold text labels, so that a frame is passed on as it is.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    support: ClassVar[str]
    discrete: ClassVar[bool] = False
    accepts_labels: ClassVar[bool] = False

    # ------------------------------------------------------------------ shape
    @property
    def n_columns(self) -> int | None:
        """Number of data columns the family describes (None: taken from the data)."""
        return 1

    def bind(self, data: Any) -> Self:
        """Return the family with every size that was left open taken from `data`.

        Parameters
        ----------
        data : array_like or DataFrame
            The data to be analysed.

        Returns
        -------
        ExponentialFamily
            `self` if nothing was left open.
        """
        return self

    @abstractmethod
    def n_params(self, data: Any = None) -> int:
        """Return the number p of natural parameters.

        Parameters
        ----------
        data : array_like or DataFrame, optional
            Needed by families whose size comes from the data.

        Returns
        -------
        int
            Number of statistics.
        """

    @abstractmethod
    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return one label per statistic, built from the column labels.

        Parameters
        ----------
        columns : sequence of str
            Column labels.

        Returns
        -------
        list of str
            Labels of length p.
        """

    # -------------------------------------------------------------- data side
    def encode(self, x: Any, *, check: bool = True) -> FloatArray:
        """Return the data as the float array that the family computes with.

        Parameters
        ----------
        x : array_like or DataFrame
            One variable: ``(m,)`` or ``(m, 1)``; several: ``(m, d)``.
        check : bool
            Raise if rows lie outside the support.

        Returns
        -------
        ndarray
            ``(m,)`` for one variable, ``(m, d)`` otherwise.

        Raises
        ------
        SupportError
            If `check` and some rows are outside the support.
        """
        array = as_float_array("x", x)
        encoded = self._shape(array)
        if check:
            bad = np.flatnonzero(~self.in_support(encoded))
            if bad.size:
                raise SupportError(self._support_message(encoded, bad))
        return encoded

    def _shape(self, array: FloatArray) -> FloatArray:
        """Return `array` as (m,) for a univariate family; multivariate ones override."""
        if array.ndim == 0:
            return array.reshape(1)
        if array.ndim == 2 and array.shape[1] == 1:
            return array[:, 0]
        if array.ndim != 1:
            raise InputError(
                f"data for the {self.title} family must be one column, got shape {array.shape}; "
                "select a column, or use MultivariateNormal or ProductFamily"
            )
        return array

    def _support_message(self, encoded: FloatArray, bad: NDArray[np.intp]) -> str:
        values = ", ".join(_show(row) for row in encoded[bad[:3]])
        return (
            f"data for the {self.title} family must lie in {self.support}; "
            f"{rows_outside(bad, len(encoded))} (values {values}); "
            "remove or transform these rows, or choose another family"
        )

    @abstractmethod
    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return which rows of encoded data lie in the support.

        Parameters
        ----------
        encoded : ndarray
            Output of :meth:`encode`.

        Returns
        -------
        ndarray of bool
            One entry per row.
        """

    def statistic(self, x: Any) -> FloatArray:
        """Return the sufficient statistics of each row.

        Parameters
        ----------
        x : array_like
            Data in the support.

        Returns
        -------
        ndarray of shape (m, p)
            Statistics, also for one-dimensional `x`.
        """
        encoded = self.encode(x)
        with np.errstate(over="ignore"):  # squares of huge numbers are infinite
            return self._statistic(encoded)

    def raw_statistic(self, encoded: FloatArray) -> FloatArray:
        """Return the statistics of rows that :meth:`encode` has already checked.

        Parameters
        ----------
        encoded : ndarray
            Output of :meth:`encode`.

        Returns
        -------
        ndarray of shape (m, p)
            Statistics.
        """
        return self._statistic(encoded)

    @abstractmethod
    def _statistic(self, encoded: FloatArray) -> FloatArray:
        """Statistics of encoded rows."""

    def encoded_log_base(self, encoded: FloatArray) -> FloatArray:
        """Return the log base density of rows that :meth:`encode` has already checked.

        Parameters
        ----------
        encoded : ndarray
            Output of :meth:`encode`.

        Returns
        -------
        ndarray of shape (m,)
            Nats (Lebesgue or counting measure).
        """
        return self._log_base(encoded)

    @abstractmethod
    def _log_base(self, encoded: FloatArray) -> FloatArray:
        """Log base density of encoded rows (Lebesgue or counting measure)."""


def as_rows(encoded: FloatArray) -> FloatArray:
    """Return encoded data with one axis for the variables, also where there are no rows.

    Parameters
    ----------
    encoded : ndarray of shape (m,) or (m, d)
        Output of :meth:`FamilyRows.encode`.

    Returns
    -------
    ndarray of shape (m, d)
        The same numbers.

    Examples
    --------
    >>> as_rows(np.array([1.0, 2.0])).shape
    (2, 1)
    """
    return encoded[:, None] if encoded.ndim == 1 else encoded


def entries_of(value: Any, name: str, required: str) -> list[Any]:
    """Return the entries of a list-like argument, or raise.

    Parameters
    ----------
    value : iterable
        What the caller passed; text counts as no list.
    name : str
        Argument name for the message.
    required : str
        What the argument must be.

    Returns
    -------
    list
        The entries.

    Raises
    ------
    InputTypeError
        If it cannot be iterated over.

    Examples
    --------
    >>> entries_of(range(3), "axes", "a list of axes")
    [0, 1, 2]
    """
    # An array without axes is iterable by its type and raises when iterated over.
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        raise InputTypeError(describe(name, required, short(value)))
    try:
        return list(value)
    except Exception as error:  # whatever an object may raise instead of giving its entries
        raise InputTypeError(describe(name, required, short(value))) from error


def data_shape(data: Any, name: str = "data") -> tuple[int, ...]:
    """Return the shape of data of any kind, or raise.

    Parameters
    ----------
    data : array_like or DataFrame
        Rows.
    name : str
        What they are called in messages.

    Returns
    -------
    tuple of int
        Lengths of the axes.

    Raises
    ------
    InputError
        If the rows differ in length, or there is no axis of rows.

    Examples
    --------
    >>> data_shape([[1, 2], [3, 4], [5, 6]])
    (3, 2)
    """
    try:
        shape = tuple(int(k) for k in np.shape(data))
    except ValueError:  # NumPy's answer to rows of different lengths
        raise InputError(f"{name} must be rectangular, got rows of different lengths in {short(data)}") from None
    except Exception as error:  # whatever an object that is no array may raise
        raise InputTypeError(describe(name, "an array or a table of rows", short(data))) from error
    if len(shape) not in (1, 2):
        raise InputError(f"{name} must have shape (m,) or (m, d), got shape {shape}")
    return shape


def _show(row: Any) -> str:
    """One offending value, or the first few of an offending row."""
    cells = np.atleast_1d(row)
    text = ", ".join(f"{v:.6g}" for v in cells[:4]) + (", ..." if len(cells) > 4 else "")
    return text if np.ndim(row) == 0 else f"({text})"


def rows_outside(bad: NDArray[np.intp], n_obs: int, limit: int = 5) -> str:
    """Return "k of n rows do not, first at rows ..." for an error message.

    Parameters
    ----------
    bad : ndarray of int
        Indices of the offending rows.
    n_obs : int
        Number of rows.
    limit : int
        How many indices to print.

    Returns
    -------
    str
        The phrase.

    Examples
    --------
    >>> rows_outside(np.array([3, 8]), 10)
    '2 of 10 rows do not, rows 3, 8'
    """
    listed = ", ".join(str(int(i)) for i in bad[:limit])
    more = ", ..." if bad.size > limit else ""
    return f"{bad.size} of {n_obs} rows do not, rows {listed}{more}"
