"""Errors and warnings of the package, and the one voice in which they speak.

Every error that a user can cause is an :class:`InfostatError` and at the same
time a ``ValueError`` or ``TypeError``, so that code which catches the built-in
classes keeps working. Every warning derives from :class:`InfostatWarning`, so
that one filter silences one kind.
"""

from __future__ import annotations

__all__ = [
    "BandwidthWarning",
    "BoundaryProjectionError",
    "CheckpointError",
    "ClusterError",
    "CollinearStatisticsError",
    "CollinearityWarning",
    "ConstantStatisticError",
    "ConvergenceWarning",
    "DataError",
    "DataFileError",
    "DuplicateRowsWarning",
    "ExpansionWarning",
    "HeavyTailWarning",
    "InfostatError",
    "InfostatWarning",
    "InputError",
    "InputTypeError",
    "IntervalWarning",
    "MissingExtraError",
    "NoContractionWarning",
    "SampleSizeWarning",
    "SubsamplingWarning",
    "SupportError",
    "VacuousBoundWarning",
    "describe",
]


class InfostatError(Exception):
    """Base class of every error that infostat raises on purpose."""


class InputError(InfostatError, ValueError):
    """An argument has a value that the function cannot use."""


class InputTypeError(InfostatError, TypeError):
    """An argument has a type that the function cannot use."""


class DataError(InputError):
    """The data cannot be analysed as they are (missing values, too few rows, ...)."""


class DataFileError(InputError, OSError):
    """A data file cannot be found or read."""


class SupportError(DataError):
    """Some rows lie outside the support of the requested family."""


class ConstantStatisticError(DataError):
    """A sufficient statistic takes a single value in the sample."""


class CollinearStatisticsError(DataError):
    """Some sufficient statistics are affine functions of the others."""


class BoundaryProjectionError(DataError):
    """The information projection does not exist inside the family.

    The mean of the statistics lies on (or beyond) the boundary of the convex
    support, so the likelihood has no maximum at a finite parameter.
    """


class CheckpointError(InputError):
    """A checkpoint file is damaged or belongs to another study."""


class ClusterError(InputError, OSError):
    """A Dask cluster cannot be reached, does not fit this process, or was lost during a computation."""


class MissingExtraError(InfostatError, ImportError):
    """An optional dependency is not installed; the message names the extra."""


class InfostatWarning(UserWarning):
    """Base class of every warning that infostat issues."""


class ExpansionWarning(InfostatWarning):
    """The second-order term is not small against the first."""


class HeavyTailWarning(InfostatWarning):
    """A few rows carry most of an estimated moment."""


class IntervalWarning(InfostatWarning):
    """A reported interval is known to cover less than its nominal level."""


class SampleSizeWarning(InfostatWarning):
    """The sample is small for what is asked of it."""


class ConvergenceWarning(InfostatWarning):
    """An iteration or a sampler stopped before reaching its tolerance."""


class CollinearityWarning(InfostatWarning):
    """The statistics are close to collinear; results may lose digits."""


class DuplicateRowsWarning(InfostatWarning):
    """Rows occur more than once where that changes the answer."""


class BandwidthWarning(InfostatWarning):
    """A kernel bandwidth means little for these data, or lies at the edge of its grid."""


class VacuousBoundWarning(InfostatWarning):
    """A bound is no smaller than the largest value that the bounded quantity can take."""


class NoContractionWarning(InfostatWarning):
    """A channel has contraction coefficient one: noise on it tightens nothing."""


class SubsamplingWarning(InfostatWarning):
    """A computation used a random part of the rows."""


class Words(str):
    """Text that :func:`describe` prints as it is, where a plain str would be quoted."""

    __slots__ = ()


def describe(name: str, required: str, got: object, cure: str = "") -> str:
    """Return one error sentence: the argument, what is required, what came, the cure.

    Parameters
    ----------
    name : str
        Argument as the caller spells it.
    required : str
        What the argument must be, completing "must be ...".
    got : object
        What came; strings are shown in quotes, :class:`Words` as they are.
    cure : str, optional
        A sentence that says what to do.

    Returns
    -------
    str
        ``"name must be required, got ...; cure"``.

    Examples
    --------
    >>> describe("alpha", "a number in (0, 0.5)", 0.7)
    'alpha must be a number in (0, 0.5), got 0.7'
    >>> describe("n", "an integer", "ten", "pass an int")
    "n must be an integer, got 'ten'; pass an int"
    """
    shown = repr(got) if isinstance(got, str) and not isinstance(got, Words) else str(got)
    text = f"{name} must be {required}, got {shown}"
    return f"{text}; {cure}" if cure else text
