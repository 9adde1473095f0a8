"""Result of a supersample experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray
from .labelled import _Labelled
from .ldmi_result import FLAGS as TABLE_FLAGS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FLAGS", "SupersampleRun"]

FLAGS = {
    **TABLE_FLAGS,
    "no_interval": "No interval: it takes two supersamples, resamples, and a loss with few values.",
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SupersampleRun(_Labelled):
    """Gap and loss-difference bound of a learner, from trainings on supersamples.

    Attributes
    ----------
    value : float
        ``mean_i sqrt(2 I(Delta_i;U_i))``, an estimate of a bound on the absolute gap; loss in [0, 1].
    nature : str
        ``"estimate"``.
    assumptions : tuple of str
        What has to hold.
    vacuous : bool
        False; the word is kept for bounds.
    sense : str
        ``"expectation"``.
    gap : float
        Mean test minus training loss.
    gap_se : float
        Its Monte-Carlo standard error, from the spread over supersamples; nan for a single one.
    test, train : float
        Mean losses on the points left out and on those trained on.
    mi : float or ndarray of shape (n,)
        Plug-in information I(Delta_i;U_i), one for each pair unless pooled, nats.
    mi_miller_madow : float or ndarray of shape (n,)
        The same after the correction of Miller and Madow, floor 0.
    low, high : float
        Interval for the bound by resampling supersamples, corrected for bias; nan if there is none.
    confidence_level : float
        Its level.
    gaps : ndarray of shape (supersamples,)
        Mean gap of each supersample.
    differences : ndarray of shape (levels,)
        Values of Delta.
    table : ndarray of shape (levels, 2)
        How often each value occurred with U = 0 and U = 1.
    interpolating : bool
        Whether every training loss is 0 and the loss takes the values 0 and 1 only.
    gap_from_information : float
        ``I/log 2``, which equals the gap in expectation where `interpolating`; nan otherwise.
    n : int
        Pairs of a supersample, the size of a training sample.
    supersamples, masks : int
        Supersamples, and trainings on each.
    bootstrap : int
        Resamples behind the interval.
    flags : tuple of str
        ``"pooled" "few_per_cell" "no_interval"``.
    seed : int or str
        Gives the same numbers again as ``rng``.
    interpretation : str
        What it means, in sentences.
    """

    gap: float
    gap_se: float
    test: float
    train: float
    mi: float | FloatArray
    mi_miller_madow: float | FloatArray
    low: float
    high: float
    confidence_level: float
    gaps: FloatArray
    differences: FloatArray
    table: FloatArray
    interpolating: bool
    gap_from_information: float
    n: int
    supersamples: int
    masks: int
    bootstrap: int
    flags: tuple[str, ...]
    seed: int | str
    interpretation: str = ""

    _headline = ("value", "gap", "gap_se", "mi", "n", "supersamples", "masks")

    def _title(self) -> str:
        return "Supersample experiment"

    def _settings(self) -> dict[str, Cell]:
        return {"supersamples": self.supersamples, "masks": self.masks, "seed": str(self.seed)}

    def to_frame(self) -> pd.DataFrame:
        """Return one row of numbers.

        Returns
        -------
        DataFrame
            ``n gap gap_se test train mi mi_miller_madow bound low high``; informations are means over pairs.
        """
        import pandas as pd

        row = {name: getattr(self, name) for name in ("n", "gap", "gap_se", "test", "train")}
        row |= {"mi": float(np.mean(self.mi)), "mi_miller_madow": float(np.mean(self.mi_miller_madow))}
        return pd.DataFrame([{**row, "bound": self.value, "low": self.low, "high": self.high}])

    def _sections(self) -> Sequence[Section]:
        pooled = np.ndim(self.mi) == 0
        facts: list[list[Cell]] = [
            ["Pairs n", self.n],
            ["Supersamples", self.supersamples],
            ["Masks per supersample", self.masks],
            ["Pairs share one table", "yes" if pooled else "no"],
            *self._label_rows(),
        ]
        interval = f"{self.low:.4g} to {self.high:.4g}"
        rows: list[list[Cell]] = [
            ["Generalization gap", self.gap],
            ["Its Monte-Carlo standard error", self.gap_se],
            ["Test loss", self.test],
            ["Training loss", self.train],
            ["I(Delta;U), plug-in", float(np.mean(self.mi))],
            ["I(Delta;U), Miller-Madow", float(np.mean(self.mi_miller_madow))],
            ["Loss-difference bound", float(self.value)],
            [f"Its {100 * self.confidence_level:g} % interval", interval],
        ]
        if self.interpolating:
            rows.append(["I(Delta;U)/log 2, equal to the gap here", self.gap_from_information])
        return [Section(facts), Section(rows)]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, FLAGS[flag].rstrip(".") + ".") for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_supersample import draw_gaps

        draw_gaps(ax, self, **kwargs)
