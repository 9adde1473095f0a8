"""Result of the exact finite-size computation."""

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

__all__ = ["FiniteSize"]

_ROWS = 25  # bandwidths printed in a summary


@dataclass(frozen=True, eq=False, repr=False)
class FiniteSize(Result):
    """Exact expectations over data sets of n draws and queries of N(0, I_d), Gaussian kernel.

    Attributes
    ----------
    n : float
        Sample size; inf where only its logarithm is a float.
    d : int
        Dimension.
    h : float or ndarray
        Bandwidths, unit of the data (here their standard deviation).
    kl_per_dim : float or ndarray
        Expected ``KL(rho || rho_hat_h)/d``, nats.
    participation_ratio : float or ndarray
        Expected ``Y2 = sum p_i^2`` of the kernel weights.
    log_n : float
        log n.
    alpha : float
        log(n)/d.
    optimal : bool
        Whether `h` was chosen to minimise the expected divergence.
    kl_error, participation_error : float or ndarray
        Numerical error bounds of the two: change against coarser rules.
    nature : str
        ``"exact"``.
    """

    n: float
    d: int
    h: float | FloatArray
    kl_per_dim: float | FloatArray
    participation_ratio: float | FloatArray
    log_n: float
    alpha: float
    optimal: bool
    kl_error: float | FloatArray
    participation_error: float | FloatArray
    nature: str = "exact"

    _headline = ("n", "d", "h", "kl_per_dim", "participation_ratio")

    @property
    def interpretation(self) -> str:
        """One or two sentences for a single bandwidth; empty for several."""
        if np.ndim(self.h):
            return ""
        chosen = "The best bandwidth is" if self.optimal else "At bandwidth"
        loss = f"{self.kl_per_dim:.4g} nats per dimension ({float(self.kl_per_dim) * self.d:.4g} in all)"
        share = 1 / float(self.participation_ratio) if self.participation_ratio else np.inf
        lead = f"{chosen} {self.h:.4g}" + (", where an" if self.optimal else " an")
        return (
            f"{lead} estimate from {self._n_words()} points of a standard normal law in {self.d} dimensions is "
            f"expected to lose {loss}; at a typical point it rests on about {share:.3g} of the points."
        )

    def to_frame(self) -> Any:
        """Return one row per bandwidth.

        Returns
        -------
        DataFrame
            ``n d log_n h kl_per_dim participation_ratio kl_error participation_error``.
        """
        import pandas as pd

        names = ("h", "kl_per_dim", "participation_ratio", "kl_error", "participation_error")
        columns = {name: np.ravel(getattr(self, name)) for name in names}
        return pd.DataFrame({"n": self.n, "d": self.d, "log_n": self.log_n, **columns})

    def _n_words(self) -> str:
        return f"{self.n:.6g}" if np.isfinite(self.n) else f"e^{self.log_n:.6g}"

    def _title(self) -> str:
        return "Kernel density estimate of N(0, I), exact expectations"

    def _sections(self) -> Sequence[Section]:
        settings: list[list[Cell]] = [
            ["n", self.n if np.isfinite(self.n) else self._n_words()],
            ["d", self.d],
            ["alpha = log(n)/d", self.alpha],
            ["Largest numerical error (KL/d)", float(np.max(self.kl_error))],
            ["Largest numerical error (Y2)", float(np.max(self.participation_error))],
        ]
        h, kl, y2 = (np.ravel(v) for v in (self.h, self.kl_per_dim, self.participation_ratio))
        # Of a long curve every k-th bandwidth is printed; the frame has all of them.
        every = -(-len(h) // _ROWS)
        rows: list[list[Cell]] = [
            [float(a), float(b), float(b) * self.d, float(c)]
            for a, b, c in zip(h[::every], kl[::every], y2[::every], strict=True)
        ]
        header = ("h (best)" if self.optimal else "h", "KL/d (nats)", "KL (nats)", "E Y2")
        return [Section(settings), Section(rows, header)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .finite_plots import draw_finite_size

        draw_finite_size(ax, self, **kwargs)
