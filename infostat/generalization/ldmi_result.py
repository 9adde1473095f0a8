"""Result of the loss-difference bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray
from .labelled import _Labelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FLAGS", "LossDifferenceBound"]

FLAGS = {
    "pooled": "All pairs share one table, which is right for an algorithm that treats its sample symmetrically.",
    "few_per_cell": (
        "Fewer than ten observations per cell of the table: the estimated information is mostly bias, upward; "
        "run more supersamples and masks, or use a loss with few values"
    ),
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LossDifferenceBound(_Labelled):
    """The loss-difference bound, estimated from runs on supersamples.

    Attributes
    ----------
    value : float
        ``loss_range mean_i sqrt(2 I(Delta_i;U_i))``, an estimate of a bound on the absolute gap.
    nature : str
        ``"estimate"``: the informations come from samples.
    assumptions : tuple of str
        What has to hold.
    vacuous : bool
        False; the word is kept for bounds.
    sense : str
        ``"expectation"``.
    mi : float or ndarray of shape (n,)
        Plug-in information, one for each pair unless pooled, nats.
    mi_miller_madow : float or ndarray of shape (n,)
        The same after the correction of Miller and Madow, floor 0.
    low, high : float
        Interval for the bound by resampling, corrected for bias; nan without resamples.
    confidence_level : float
        Its level.
    gap : float
        Mean of ``(-1)^U Delta``: the gap that the runs show.
    differences : ndarray of shape (levels,)
        Values of Delta.
    table : ndarray of shape (levels, 2)
        How often each value occurred with u = 0 and u = 1.
    loss_range : float
        Largest minus smallest possible loss.
    correction : str
        ``"none"`` or ``"miller_madow"``: which information `value` uses.
    bootstrap : int
        Resamples.
    n_observations : int
        Pairs (Delta, U) in all.
    flags : tuple of str
        ``"pooled" "few_per_cell"``.
    seed : int, str or None
        Gives the same interval again as ``rng``.
    """

    mi: float | FloatArray
    mi_miller_madow: float | FloatArray
    low: float
    high: float
    confidence_level: float
    gap: float
    differences: FloatArray
    table: FloatArray
    loss_range: float
    correction: str
    bootstrap: int
    n_observations: int
    flags: tuple[str, ...]
    seed: int | str | None

    _headline = ("value", "low", "high", "mi", "gap", "nature")

    def _title(self) -> str:
        return "Loss-difference bound, estimated"

    def _settings(self) -> dict[str, Cell]:
        return {"correction": self.correction, "bootstrap": str(self.bootstrap), "seed": str(self.seed)}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pair, or one row if the pairs are pooled.

        Returns
        -------
        DataFrame
            ``pair mi mi_miller_madow bound``; the bound of one pair uses its own information.
        """
        import pandas as pd

        mi, corrected = np.atleast_1d(self.mi), np.atleast_1d(self.mi_miller_madow)
        chosen = corrected if self.correction == "miller_madow" else mi
        columns = {"mi": mi, "mi_miller_madow": corrected, "bound": self.loss_range * np.sqrt(2.0 * chosen)}
        return pd.DataFrame({"pair": np.arange(len(mi)), **columns})

    def _sections(self) -> Sequence[Section]:
        mean = "" if np.ndim(self.mi) == 0 else ", mean over pairs"
        rows: list[list[Cell]] = [
            ["Bound on the absolute gap", float(self.value)],
            [f"{100 * self.confidence_level:g} % interval", f"{self.low:.4g} to {self.high:.4g}"],
            ["Gap in the runs", self.gap],
            [f"I(Delta;U), plug-in{mean}", float(np.mean(self.mi))],
            [f"I(Delta;U), Miller-Madow{mean}", float(np.mean(self.mi_miller_madow))],
            ["Observations", self.n_observations],
            ["Different values of Delta", len(self.differences)],
            *self._label_rows(),
        ]
        return [Section(rows)]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, FLAGS[flag].rstrip(".") + ".") for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_supersample import draw_differences

        draw_differences(ax, self, **kwargs)
