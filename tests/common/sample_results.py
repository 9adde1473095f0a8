"""Results with every kind of field, for tests of what all results share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infostat.core.results import Result
from infostat.core.tables import Section


@dataclass(frozen=True, eq=False, repr=False)
class SampleInner(Result):
    """A result inside another one.

    Attributes
    ----------
    value : float
        A number.
    label : str
        A word.
    """

    value: float
    label: str = "inner"


@dataclass(frozen=True, eq=False, repr=False)
class SampleOuter(Result):
    """One field of every kind.

    Attributes
    ----------
    inner : SampleInner
        Nested result.
    points : ndarray of shape (n, k)
        Numbers.
    counts : ndarray of int
        Integers.
    mask : ndarray of bool
        Flags.
    intervals : mapping of str to (float, float)
        Pairs.
    by_order : mapping of int to float
        Keys that JSON cannot hold.
    either : float or ndarray
        Both are admitted.
    mixed : float, int or str
        A cell.
    maybe : ndarray or None
        Optional.
    words : tuple of str
        Labels.
    frame : DataFrame or None
        A table.
    seed : int or None
        Optional number.
    interpretation : str
        A sentence.
    """

    inner: SampleInner
    points: NDArray[np.float64]
    counts: NDArray[np.int64]
    mask: NDArray[np.bool_]
    intervals: dict[str, tuple[float, float]]
    by_order: dict[int, float]
    either: float | NDArray[np.float64] = 0.0
    mixed: float | int | str = 0
    maybe: NDArray[np.float64] | None = None
    words: tuple[str, ...] = ()
    frame: pd.DataFrame | None = None
    seed: int | None = None
    interpretation: str = ""

    def _sections(self) -> Sequence[Section]:
        facts = [
            ["Rows", len(self.points)],
            ["Seed", self.seed],
            ["Orders", len(self.by_order)],
            ["Either", 0.5],
        ]
        rows = [[name, low, high] for name, (low, high) in self.intervals.items()]
        return [Section(facts), Section(rows, ("quantity", "low", "high"), "Intervals")]

    def _settings(self) -> dict[str, Any]:
        return {"seed": self.seed}

    def _draw(self, ax: Any, **kwargs: Any) -> None:
        ax.plot([0, 1], [0.0, self.inner.value], "o-", label="value", **kwargs)
        ax.set_title(self.inner.label)
        ax.legend()


@dataclass(frozen=True, eq=False, repr=False)
class SamplePlain(Result):
    """A result that leaves table, sentence and figure to the base class.

    Attributes
    ----------
    value : float
        A number.
    label : str
        A word.
    interpretation : str
        A sentence.
    """

    value: float
    label: str = ""
    interpretation: str = ""


def sample(**changes: Any) -> SampleOuter:
    """Return a SampleOuter whose fields all hold something, with `changes`."""
    fields: dict[str, Any] = {
        "inner": SampleInner(0.5),
        "points": np.array([[1.0, np.nan], [np.inf, -np.inf], [0.1, 2.0]]),
        "counts": np.array([3, 1, 2]),
        "mask": np.array([True, False]),
        "intervals": {"T0": (1.0, np.inf), "risk": (0.25, 0.5)},
        "by_order": {1: 0.5, 2: np.nan},
        "either": np.array([1.5, 2.5]),
        "mixed": "word",
        "maybe": np.array([0.5]),
        "words": ("a", "inf"),
        "frame": pd.DataFrame({"name": ["x", "y"], "value": [1.0, np.nan]}),
        "seed": 7,
        "interpretation": "It is a sample.",
    }
    return SampleOuter(**{**fields, **changes})
