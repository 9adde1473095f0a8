"""Class-conditional mutual information of a classifier's probability rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.errors import InputError, Words, describe
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, as_plain_array, check_count
from .generators import generator
from .pairs import Pair
from .probability_tables import Normalize, TableLike, in_base, read_rows

__all__ = ["ClassConditionalInformation", "class_conditional_mi"]


@dataclass(frozen=True, eq=False, repr=False)
class ClassConditionalInformation(Result):
    """Class-conditional mutual information of a classifier's output with its input.

    Attributes
    ----------
    value : float
        I(input; prediction | class) in nats unless a base was given.
    se : float
        Standard error: sd of the per-row divergences over sqrt(n).
    n : int
        Rows.
    classes : tuple
        Classes that have rows.
    counts : ndarray
        Rows of each of them.
    by_class : ndarray
        Mean divergence of their rows from their centroid.
    skipped : tuple
        Classes without a row; they count nothing.
    method : str
        The formula in words.
    bias_note : str
        Direction of the bias.
    nature : str
        ``"estimate"``.
    """

    value: float
    se: float
    n: int
    classes: tuple[Any, ...]
    counts: NDArray[np.int64]
    by_class: FloatArray
    skipped: tuple[Any, ...]
    method: str
    bias_note: str
    nature: str = "estimate"

    _headline = ("value", "se", "n", "skipped")

    def __float__(self) -> float:
        return self.value

    def _title(self) -> str:
        return "Class-conditional mutual information"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per class: ``class n divergence``.

        Returns
        -------
        DataFrame
            Skipped classes have 0 rows and a divergence of nan.
        """
        n_skipped = len(self.skipped)
        return pd.DataFrame(
            {
                "class": [*self.classes, *self.skipped],
                "n": [*np.asarray(self.counts).tolist(), *[0] * n_skipped],
                "divergence": [*self.by_class.tolist(), *[np.nan] * n_skipped],
            }
        )

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Value", self.value],
            ["Standard error", self.se],
            ["Observations", self.n],
            ["Classes with rows", len(self.classes)],
            ["Method", self.method],
            ["Nature", self.nature],
        ]
        return [Section(rows)]

    def _notes(self) -> Sequence[str]:
        notes = [self.bias_note]
        if self.skipped:
            notes.append("Classes without a row were skipped: " + ", ".join(map(str, self.skipped)) + ".")
        return notes


def class_conditional_mi(
    probs: TableLike,
    labels: Any,
    *,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> ClassConditionalInformation:
    """Return the class-conditional mutual information of a classifier's probability rows.

    Parameters
    ----------
    probs : array_like or DataFrame of shape (n, C)
        One predicted distribution a row.
    labels : array_like or Series of shape (n,)
        True classes: 0-based codes of the columns, labels of the columns of a frame, or a
        categorical whose categories name the columns in order.
    base, normalize, logits
        As in `kl`.

    Returns
    -------
    ClassConditionalInformation
        With ``value se n classes counts by_class skipped``.

    Raises
    ------
    InputError
        If the table is impossible, or a label is missing or names no column.

    Notes
    -----
    (1/n) sum_i kl(T_i || mean of the rows of class y_i), the sum over classes of
    (n_c/n)[H(centroid) - mean H(T_i)]. The centroid minimises the mean divergence, so that its
    own error does not enter the standard error at first order.

    Examples
    --------
    >>> T = [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]]
    >>> result = class_conditional_mi(T, [0, 0, 1, 1])
    >>> round(result.value, 13), result.skipped
    (0.0387421456215, (2,))
    """
    rows = read_rows("probs", probs, normalize=normalize, logits=logits)
    if len(rows.shape) != 1 or rows.shape[0] == 0:
        raise InputError(
            describe("probs", "a table of shape (n, C) with n >= 1", Words(f"shape {np.shape(probs)}"))
        )
    names = _class_names(probs, labels, rows.n_cells)
    codes = _class_codes(labels, names, rows.shape[0])
    masses, gen = rows.masses, generator("kl")
    terms = np.empty(rows.shape[0])
    present = np.unique(codes)
    for code in present:
        own = codes == code
        terms[own] = gen.cells(Pair(masses[own], masses[own].mean(axis=0))).sum(axis=-1)
    terms = np.atleast_1d(in_base(terms, base))
    n = terms.size
    return ClassConditionalInformation(
        value=float(terms.mean()),
        se=float(terms.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        n=n,
        classes=tuple(names[code] for code in present),
        counts=np.array([int((codes == code).sum()) for code in present]),
        by_class=np.array([terms[codes == code].mean() for code in present]),
        skipped=tuple(names[code] for code in range(len(names)) if code not in present),
        method="mean divergence of each row from the centroid of its class",
        bias_note="Biased down by O(C/(2 n_c)): centroids come from the same rows, and one row alone adds 0.",
    )


def _class_names(probs: Any, labels: Any, n_classes: int) -> list[Any]:
    if isinstance(probs, pd.DataFrame):
        return list(probs.columns)
    categories = (
        labels.dtype.categories if isinstance(getattr(labels, "dtype", None), pd.CategoricalDtype) else []
    )
    return list(categories) if len(categories) == n_classes else list(range(n_classes))


def _class_codes(labels: Any, names: list[Any], n: int) -> Any:
    values = as_plain_array("labels", labels)
    if values.shape != (n,):
        raise InputError(f"labels must have one entry per row of probs ({n}), got shape {values.shape}")
    missing = int(pd.isna(values).sum())
    if missing:
        raise InputError(describe("labels", "present in every row", Words(f"{missing} missing values")))
    if values.dtype.kind in "iufb" and not set(values.tolist()) <= set(names):
        codes = [check_count("labels", value, high=len(names) - 1) for value in values.tolist()]
        return np.array(codes)
    position = {name: code for code, name in enumerate(names)}
    unknown = sorted({str(value) for value in values.tolist() if value not in position})
    if unknown:
        raise InputError(
            f"labels must name columns of probs, got {', '.join(unknown[:5])}; columns: "
            + ", ".join(map(str, names[:10]))
        )
    return np.array([position[value] for value in values.tolist()])
