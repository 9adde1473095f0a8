"""Result of a bound with one entry per layer, and where its funnel is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.tables import Cell, Section
from ..core.validation import FloatArray
from .labelled import _Labelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["LayerBound", "funnel"]

_TIE = 1e-12


def funnel(values: FloatArray) -> int:
    """Return the position of the smallest value, the first one among ties.

    Parameters
    ----------
    values : ndarray of shape (k,)
        Numbers without nan.

    Returns
    -------
    int
        Position; values within 1e-12 (relative) of the smallest tie with it.

    Examples
    --------
    >>> funnel(np.array([3.0, 1.0 + 1e-15, 1.0]))
    1
    """
    least = float(values.min())
    return int(np.argmax(values <= least + _TIE * abs(least) if np.isfinite(least) else values == least))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LayerBound(_Labelled):
    """Wasserstein bounds of the generalization gap, one per layer.

    Attributes
    ----------
    value : ndarray of shape (L+1,)
        Bound of each layer, unit of the loss; each holds, and so does the smallest.
    nature : str
        ``"bound"``.
    assumptions : tuple of str
        What has to hold.
    vacuous : ndarray of bool of shape (L+1,)
        Where the bound is infinite, or at least the range of the loss where that was given.
    sense : str
        ``"expectation"``.
    smallest : float
        The smallest of the bounds.
    funnel_bound : int
        Layer of the smallest bound (the smallest index among ties).
    funnel_distance : int
        Layer of the smallest distance `w1` (the smallest index among ties).
    w1 : ndarray of shape (L+1,)
        Distances that went in.
    lipschitz : ndarray of shape (L+1,)
        Tail constants that went in.
    rho0 : float
        Lipschitz constant of the loss.
    metric : str
        ``"joint"`` or ``"label"``.
    interpretation : str
        What it means, in sentences.
    """

    value: FloatArray
    vacuous: NDArray[np.bool_]
    smallest: float
    funnel_bound: int
    funnel_distance: int
    w1: FloatArray
    lipschitz: FloatArray
    rho0: float
    metric: str
    interpretation: str = ""

    _headline = ("smallest", "nature", "funnel_bound", "funnel_distance", "metric")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per layer.

        Returns
        -------
        DataFrame
            ``layer w1 lipschitz value vacuous``.
        """
        import pandas as pd

        columns = {"layer": np.arange(len(self.value)), "w1": self.w1, "lipschitz": self.lipschitz}
        return pd.DataFrame({**columns, "value": self.value, "vacuous": self.vacuous})

    def _title(self) -> str:
        return "Wasserstein bounds, layer by layer"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Bounds", "absolute generalization gap"],
            ["Smallest bound", self.smallest],
            ["Layer of the smallest bound", self.funnel_bound],
            ["Layer of the smallest distance", self.funnel_distance],
            ["Form", f"{self.metric}, Lipschitz constant of the loss {self.rho0:.4g}"],
        ]
        columns = [self.w1, self.lipschitz, self.value]
        table: list[list[Cell]] = [[i, *(float(c[i]) for c in columns)] for i in range(len(self.value))]
        return [Section(rows + self._label_rows()), Section(table, ["layer", "W1", "K", "bound"])]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_certificates import draw_layer_bound

        draw_layer_bound(ax, self, **kwargs)
