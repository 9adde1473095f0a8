"""Result of a simulation of kernel density estimates."""

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

__all__ = ["RegimeSimulation", "interpret"]

_PRINTED = 12  # bandwidths printed by the summary


@dataclass(frozen=True, eq=False, repr=False)
class RegimeSimulation(Result):
    """Simulated kernel density estimates of Gaussian data, for each bandwidth and each pair.

    A pair is a point x and a data set; the data sets of different points are different.

    Attributes
    ----------
    n, d : int
        Points of a data set, dimension.
    alpha : float
        ``log(n)/d``.
    n_x, n_data : int
        Points x, data sets for each of them.
    h : ndarray of shape (k,)
        Bandwidths, unit of the data.
    kl_per_dim, kl_per_dim_se : ndarray of shape (k,)
        ``KL(rho || rho_hat)/d``, nats: mean of ``(log rho(x) - log rho_hat(x))/d``, with its
        standard error over points (pairs of one point are dependent). Given one point only, the
        error is that over data sets and the mean belongs to this point. Bandwidths share the
        data, so their errors are strongly correlated.
    participation_ratio, participation_ratio_se : ndarray of shape (k,)
        Mean of Y2, the sum of squared kernel weights, with its standard error over points.
    participation_ratio_median : ndarray of shape (k,)
        Median of Y2 over pairs.
    quantile_levels : ndarray of shape (q,)
        Levels of the quantiles over pairs.
    kl_quantiles, participation_ratio_quantiles : ndarray of shape (q, k)
        Quantiles of ``(log rho - log rho_hat)/d`` and of Y2 over pairs.
    mu_asym, mu_fs : ndarray of shape (k,)
        Stability index at a typical point: in the limit of large d, ``tau_c h^2``, and from the
        saddle point at this n and d.
    h_G, h_CLT, h_star : float
        Limits of large d: condensation below h_G, normal fluctuations above h_CLT, smallest
        divergence at h_star. Unit of the data.
    kl_star : float
        Divergence at h_star per dimension in the limit of large d, nats.
    h_G_fs : float
        Condensation bandwidth at a typical point from the saddle point at this n and d.
    eigenvalues : ndarray of shape (d,)
        Covariance eigenvalues of the data, rising.
    log_Z, log_rho_hat : ndarray of shape (n_x, n_data, k)
        Log kernel sum and log density estimate, nats.
    log_rho : ndarray of shape (n_x,)
        True log density at the points, nats.
    Y2, max_weight, entropy : ndarray of shape (n_x, n_data, k)
        Sum of squared weights, largest weight, entropy of the weights (nats).
    nn_sq : ndarray of shape (n_x, n_data)
        Squared distance R_(1) of the nearest data point.
    tau_asym_x, tau_fs_x : ndarray of shape (n_x,)
        Inverse temperature at each point, ``mu = tau h^2``: in the limit of large d, and from the
        saddle point.
    route : str
        How squared distances were drawn: ``"distances"`` or ``"vectors"``.
    seed : int or str
        Gives the same numbers again as ``rng``.
    flags : tuple of str
        ``"single_point"``: n_x = 1; ``"no_standard_error"``: one pair only, standard errors are nan.
    interpretation : str
        What it shows, in sentences.
    nature : str
        ``"estimate"``.
    """

    n: int
    d: int
    alpha: float
    n_x: int
    n_data: int
    h: FloatArray
    kl_per_dim: FloatArray
    kl_per_dim_se: FloatArray
    participation_ratio: FloatArray
    participation_ratio_se: FloatArray
    participation_ratio_median: FloatArray
    quantile_levels: FloatArray
    kl_quantiles: FloatArray
    participation_ratio_quantiles: FloatArray
    mu_asym: FloatArray
    mu_fs: FloatArray
    h_G: float
    h_CLT: float
    h_star: float
    kl_star: float
    h_G_fs: float
    eigenvalues: FloatArray
    log_Z: FloatArray
    log_rho_hat: FloatArray
    log_rho: FloatArray
    Y2: FloatArray
    max_weight: FloatArray
    entropy: FloatArray
    nn_sq: FloatArray
    tau_asym_x: FloatArray
    tau_fs_x: FloatArray
    route: str
    seed: int | str
    flags: tuple[str, ...] = ()
    interpretation: str = ""
    nature: str = "estimate"

    _headline = ("n", "d", "n_x", "n_data", "h", "kl_per_dim")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point, data set and bandwidth.

        Returns
        -------
        DataFrame
            ``x_index data_index h log_Z log_rho_hat log_rho Y2 max_weight entropy nn_sq mu_asym
            mu_fs``; the last two are the stability indices at the point itself.
        """
        import pandas as pd

        shape = self.log_Z.shape
        square = self.h**2
        columns = {
            "x_index": np.arange(shape[0])[:, None, None],
            "data_index": np.arange(shape[1])[:, None],
            "h": self.h,
            "log_Z": self.log_Z,
            "log_rho_hat": self.log_rho_hat,
            "log_rho": self.log_rho[:, None, None],
            "Y2": self.Y2,
            "max_weight": self.max_weight,
            "entropy": self.entropy,
            "nn_sq": self.nn_sq[:, :, None],
            "mu_asym": self.tau_asym_x[:, None, None] * square,
            "mu_fs": self.tau_fs_x[:, None, None] * square,
        }
        return pd.DataFrame({name: np.broadcast_to(column, shape).ravel() for name, column in columns.items()})

    def by_bandwidth(self) -> pd.DataFrame:
        """Return one row per bandwidth, with means over pairs.

        Returns
        -------
        DataFrame
            ``h kl_per_dim kl_per_dim_se participation_ratio participation_ratio_se
            participation_ratio_median mu_asym mu_fs``.
        """
        import pandas as pd

        names = (
            "h",
            "kl_per_dim",
            "kl_per_dim_se",
            "participation_ratio",
            "participation_ratio_se",
            "participation_ratio_median",
            "mu_asym",
            "mu_fs",
        )
        return pd.DataFrame({name: getattr(self, name) for name in names})

    def _title(self) -> str:
        return "Simulated kernel density estimates"

    def _settings(self) -> dict[str, Cell]:
        return {"seed": self.seed, "points": self.n_x, "data sets per point": self.n_data}

    def _sections(self) -> Sequence[Section]:
        setting: list[list[Cell]] = [
            ["Points of a data set n", self.n],
            ["Dimension d", self.d],
            ["alpha = log(n)/d", self.alpha],
            ["Pairs (points x data sets)", f"{self.n_x} x {self.n_data}"],
            ["h_star, limit of large d", self.h_star],
            ["h_G, limit of large d (at this n and d)", f"{self.h_G:.4g} ({self.h_G_fs:.4g})"],
            ["h_CLT, limit of large d", self.h_CLT],
            ["Seed", self.seed],
            ["Nature", self.nature],
        ]
        # A long grid is thinned for print; the frame has all of it.
        shown = np.unique(np.linspace(0, len(self.h) - 1, min(len(self.h), _PRINTED)).round().astype(int))
        columns = (
            self.h,
            self.kl_per_dim,
            self.kl_per_dim_se,
            self.participation_ratio,
            self.participation_ratio_median,
            self.mu_asym,
            self.mu_fs,
        )
        rows = [[float(column[i]) for column in columns] for i in shown]
        header = ("h", "KL/d", "s.e.", "Y2 mean", "Y2 median", "mu limit", "mu at n, d")
        thinned = "" if len(shown) == len(self.h) else f", {len(shown)} of {len(self.h)}"
        return [Section(setting), Section(rows, header=header, title=f"By bandwidth (nats per dimension{thinned})")]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .simulation_plots import draw_regimes

        draw_regimes(ax, self, **kwargs)


def interpret(found: RegimeSimulation) -> str:
    """Return what a simulation shows, in sentences.

    Parameters
    ----------
    found : RegimeSimulation
        The simulation.

    Returns
    -------
    str
        One or two sentences.
    """
    best = int(np.argmin(found.kl_per_dim))
    error = found.kl_per_dim_se[best]
    spread = "" if np.isnan(error) else f" (standard error {error:.2g})"
    where = "" if 0 < best < len(found.h) - 1 else ", an end of the grid"
    if found.n_x == 1:
        first = f"At this one point log rho - log rho_hat is smallest on average at h = {found.h[best]:.4g}{where}: "
        first += f"{found.kl_per_dim[best]:.4g} nats per dimension{spread}"
    else:
        first = f"On this grid the divergence is smallest at h = {found.h[best]:.4g}{where}: "
        first += f"{found.kl_per_dim[best]:.4g} nats per dimension{spread}"
    count = 1.0 / found.participation_ratio_median[best]
    second = f"There the density at a point rests on about {count:.3g} of {found.n} data points (1/Y2, median)"
    third = (
        f"In the limit of large dimension at the same log(n)/d the best bandwidth is {found.h_star:.4g}, "
        f"with {found.kl_star:.4g} nats per dimension; corrections at finite d are of order log(d)/d"
    )
    return f"{first}. {second}. {third}."
