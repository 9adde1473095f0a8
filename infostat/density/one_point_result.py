"""Result of the fluctuations of a kernel density estimate at one point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FluctuationSimulation"]


@dataclass(frozen=True, eq=False, repr=False)
class FluctuationSimulation(Result):
    """Kernel sums at one fixed point over many data sets of N(0, I).

    Attributes
    ----------
    n, d : int
        Points of a data set, dimension.
    alpha : float
        ``log(n)/d``.
    h : float
        Bandwidth, unit of the data.
    x_norm_sq : float
        Squared length of the point.
    n_data : int
        Data sets.
    mu : float
        Finite-n index at this point, ``2 h^2 d log F/dR`` where ``F(R) = 1/n`` (F the exact law of a
        squared distance).
    mu_asym : float
        Index in the limit of large d at the same ``log(n)/d`` and ``|x|^2/d``.
    regime : str
        ``"condensed"`` (mu < 1), ``"stable"`` (1 to 2) or ``"clt"`` (above 2), by `mu`.
    energy_1 : float
        ``E_1 = F^-1(1/n)/(2 h^2)``, exact.
    log_mean_Z : float
        ``log E Z``, exact. For mu < 1 rare data sets make it; it is no typical value.
    relative_sd : float
        ``sd(Z)/E Z``, exact; for mu < 2 made by rare data sets.
    log_Z : ndarray of shape (n_data,)
        ``log sum_i exp(-R_i/(2 h^2))`` of each data set.
    Y2, max_weight : ndarray of shape (n_data,)
        Sum of the squared kernel weights, largest weight.
    nn_sq : ndarray of shape (n_data,)
        Squared distance of the nearest data point.
    sd_log_Z : float
        Standard deviation of log Z over data sets (also of log rho_hat), nats.
    ks_stable : float or None
        Kolmogorov-Smirnov distance of the draws to the stable law of index `mu`; None within 0.02
        of 1 and 2 (logarithmic corrections) and above 2.
    ks_normal : float
        The same to the normal law with the exact mean and standard deviation of Z.
    seed : int or str
        Gives the same numbers again as ``rng``.
    interpretation : str
        What it shows, in sentences.
    nature : str
        ``"estimate"``.
    """

    n: int
    d: int
    alpha: float
    h: float
    x_norm_sq: float
    n_data: int
    mu: float
    mu_asym: float
    regime: str
    energy_1: float
    log_mean_Z: float
    relative_sd: float
    log_Z: FloatArray
    Y2: FloatArray
    max_weight: FloatArray
    nn_sq: FloatArray
    sd_log_Z: float
    ks_stable: float | None
    ks_normal: float
    seed: int | str
    interpretation: str = ""
    nature: str = "estimate"

    _headline = ("n", "d", "h", "mu", "regime", "n_data")

    @property
    def log_W(self) -> FloatArray:
        """``log W = E_1 + log Z``: the kernel sum in units of the kernel of the typical nearest point."""
        return np.asarray(self.energy_1 + self.log_Z)

    @property
    def log_rho_hat(self) -> FloatArray:
        """Log density estimate of each data set, nats."""
        scale = np.log(self.n) + self.d * (np.log(self.h) + 0.5 * np.log(2.0 * np.pi))
        return np.asarray(self.log_Z - scale)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per data set.

        Returns
        -------
        DataFrame
            ``data_index log_Z log_W log_rho_hat Y2 max_weight nn_sq``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "data_index": np.arange(self.n_data),
                "log_Z": self.log_Z,
                "log_W": self.log_W,
                "log_rho_hat": self.log_rho_hat,
                "Y2": self.Y2,
                "max_weight": self.max_weight,
                "nn_sq": self.nn_sq,
            }
        )

    def _title(self) -> str:
        return "Fluctuations of a kernel sum at one point"

    def _settings(self) -> dict[str, Cell]:
        return {"seed": self.seed, "data sets": self.n_data}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Points of a data set n", self.n],
            ["Dimension d", self.d],
            ["Bandwidth h", self.h],
            ["|x|^2/d", self.x_norm_sq / self.d],
            ["Data sets", self.n_data],
            ["Index mu at this n and d", self.mu],
            ["Index mu, limit of large d", self.mu_asym],
            ["Regime by the index at this n and d", self.regime],
        ]
        found: list[list[Cell]] = [
            ["Median of log W", float(np.median(self.log_W))],
            ["Standard deviation of log Z (nats)", self.sd_log_Z],
            ["Mean of Y2", float(self.Y2.mean())],
            ["Limit of the mean of Y2, max(0, 1 - mu)", max(0.0, 1.0 - self.mu)],
            ["log E Z - median of log Z", self.log_mean_Z - float(np.median(self.log_Z))],
            ["Distance to the stable law (KS)", self.ks_stable],
            ["Distance to the normal law (KS)", self.ks_normal],
            ["Seed", self.seed],
            ["Nature", self.nature],
        ]
        return [Section(rows), Section(found, title="Over data sets")]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .simulation_plots import draw_fluctuations

        draw_fluctuations(ax, self, **kwargs)
