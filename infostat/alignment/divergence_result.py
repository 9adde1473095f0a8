"""Result of `bon_divergences`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BonDivergences"]


@dataclass(frozen=True, eq=False, repr=False)
class BonDivergences(Result):
    """Divergences of best-of-N from the reference for continuous rewards, on the package's scale.

    Numbers, or arrays of the shape of N. With ties in the reward they are upper bounds.

    Attributes
    ----------
    kl : float or ndarray
        KL(BoN || p), nats.
    reverse_kl : float or ndarray
        KL(p || BoN), nats.
    pearson : float or ndarray
        chi^2(BoN || p).
    tv : float or ndarray
        Total variation, in [0, 1].
    hellinger : float or ndarray
        Squared Hellinger distance with the one half, in [0, 1].
    js : float or ndarray
        Jensen-Shannon divergence with equal weights, nats, at most log 2.
    renyi : float or ndarray
        Rényi divergence of order `renyi_order` of BoN from p, nats.
    win_rate : float or ndarray
        Probability of beating one fresh draw.
    renyi_order : float
        Order.
    log_n : float or ndarray
        log N.
    n : float or ndarray
        N; inf beyond the range of floats.
    nature : str
        ``"exact"``.
    """

    kl: FloatArray | float
    reverse_kl: FloatArray | float
    pearson: FloatArray | float
    tv: FloatArray | float
    hellinger: FloatArray | float
    js: FloatArray | float
    renyi: FloatArray | float
    win_rate: FloatArray | float
    renyi_order: float
    log_n: FloatArray | float
    n: FloatArray | float
    nature: str = "exact"

    _headline = ("n", "kl", "reverse_kl", "pearson", "tv", "hellinger", "js")
    _columns = ("n", "log_n", "kl", "reverse_kl", "pearson", "tv", "hellinger", "js", "renyi", "win_rate")

    def _title(self) -> str:
        return "Best-of-N against the reference, continuous rewards"

    def to_frame(self) -> Any:
        """Return one row per N.

        Returns
        -------
        DataFrame
            ``n log_n kl reverse_kl pearson tv hellinger js renyi win_rate``.
        """
        import pandas as pd

        return pd.DataFrame({name: np.ravel(getattr(self, name)) for name in self._columns})

    def _sections(self) -> Sequence[Section]:
        frame = self.to_frame()
        shown = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), 12)).round().astype(int))
        names = [name for name in self._columns if name != "log_n" or not np.isfinite(frame["n"]).all()]
        rows: list[list[Cell]] = [[float(frame[name].iloc[k]) for name in names] for k in shown.tolist()]
        heads = {"reverse_kl": "rev. KL", "kl": "KL", "win_rate": "win", "renyi": f"Rényi {self.renyi_order:g}"}
        return [Section(rows, [heads.get(name, name) for name in names])]

    def _notes(self) -> Sequence[str]:
        return ["Ties in the reward can only make the divergences smaller: for a finite alphabet they are bounds."]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_bestofn import draw_divergences

        draw_divergences(ax, self, **kwargs)
