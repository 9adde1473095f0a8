"""Result of a simulated estimation risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.results import Result
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray
from .results import RiskTerms

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["RiskSimulation"]

_FLAGS = {
    "boundary_excluded": (
        "Samples without an estimate were left out: all numbers are conditional on an estimate that exists; without "
        "that condition the risk may be infinite."
    ),
    "population_sampled": (
        "The projection of the truth and its terms come from one large sample of it; their own error is of the order "
        "T0/(2N) with N = 1 000 000."
    ),
    "expansion_differs": "At some sample size the simulated risk differs from the second order by more than 5 standard "
    "errors and by more than a tenth: the sample is too small for the expansion.",
}


@dataclass(frozen=True, eq=False, repr=False)
class RiskSimulation(Result):
    """Simulated estimation risk beside its expansion; scalars if one sample size was given.

    Attributes
    ----------
    n : int or ndarray
        Sample sizes.
    replicates : int
        Samples drawn at each size.
    risk : float or ndarray
        Mean of ``KL(p_theta* || p_theta_hat)``, nats, over samples with an interior estimate.
    risk_se : float or ndarray
        Its Monte-Carlo standard error.
    reverse_risk, reverse_risk_se : float or ndarray
        The same for ``KL(p_theta_hat || p_theta*)``.
    optimism, optimism_se : float or ndarray
        The same for their sum, the optimism of the log-likelihood.
    n_excluded : int or ndarray
        Samples left out because their estimate is on the boundary.
    risk1, risk2 : float or ndarray
        First- and second-order expansion, nats.
    scaled_remainder, scaled_remainder_se : float or ndarray
        ``n^2 (risk - a1/n)``, which tends to a2; with the first-order term as control variate where no
        sample was left out.
    terms : RiskTerms
        T0..T3 of the population.
    theta : ndarray of shape (p,)
        Projection of the truth.
    family : str
        The family in words.
    truth : str
        The truth in words.
    flags : tuple of str
        Cautions; the summary explains each.
    seed : int or str
        Gives the same numbers again as ``rng``.
    interpretation : str
        What it shows, in a sentence.
    nature : str
        ``"estimate"``.
    """

    n: int | NDArray[np.int64]
    replicates: int
    risk: float | FloatArray
    risk_se: float | FloatArray
    reverse_risk: float | FloatArray
    reverse_risk_se: float | FloatArray
    optimism: float | FloatArray
    optimism_se: float | FloatArray
    n_excluded: int | NDArray[np.int64]
    risk1: float | FloatArray
    risk2: float | FloatArray
    scaled_remainder: float | FloatArray
    scaled_remainder_se: float | FloatArray
    terms: RiskTerms
    theta: FloatArray
    family: str
    truth: str
    flags: tuple[str, ...]
    seed: int | str
    interpretation: str
    nature: str = "estimate"

    _headline = ("n", "replicates", "risk", "risk_se", "n_excluded")

    def _title(self) -> str:
        return f"Simulated estimation risk: {self.family}"

    def _settings(self) -> dict[str, Cell]:
        return {"family": self.family, "truth": self.truth, "replicates": self.replicates, "seed": str(self.seed)}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per sample size.

        Returns
        -------
        DataFrame
            ``n risk risk_se reverse_risk reverse_risk_se optimism optimism_se n_excluded risk1 risk2
            scaled_remainder scaled_remainder_se a1 a2``.
        """
        import pandas as pd

        names = (
            "n", "risk", "risk_se", "reverse_risk", "reverse_risk_se", "optimism", "optimism_se", "n_excluded",
            "risk1", "risk2", "scaled_remainder", "scaled_remainder_se",
        )  # fmt: skip
        frame = pd.DataFrame({name: np.ravel(getattr(self, name)) for name in names})
        return frame.assign(a1=self.terms.a1, a2=self.terms.a2)

    def _sections(self) -> Sequence[Section]:
        facts: list[list[Cell]] = [
            ["Truth", self.truth],
            ["Samples at each size", self.replicates],
            ["Parameters p", self.terms.p],
            ["T0", self.terms.T0],
            ["a1 = T0/2", self.terms.a1],
            ["a2", self.terms.a2],
            ["Seed", str(self.seed)],
        ]
        rows: list[list[Cell]] = [
            [int(r.n), r.risk, r.risk_se, r.risk1, r.risk2, int(r.n_excluded)] for r in self.to_frame().itertuples()
        ]
        more: list[list[Cell]] = [
            [int(r.n), r.reverse_risk, r.optimism, r.scaled_remainder, r.scaled_remainder_se]
            for r in self.to_frame().itertuples()
        ]
        return [
            Section(facts),
            Section(rows, ("n", "risk (nats)", "s.e.", "order 1", "order 2", "left out")),
            Section(more, ("n", "reverse risk", "optimism", "n^2(risk - a1/n)", "s.e.")),
        ]

    def _notes(self) -> Sequence[str]:
        return [self.interpretation, *(caution(flag, _FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_simulation import draw_simulation

        draw_simulation(ax, self, **kwargs)
