"""How a model without a normalising constant was simulated, and whether that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.results import Result

__all__ = ["LARGEST_RHAT", "SamplerReport"]

LARGEST_RHAT = 1.01


@dataclass(frozen=True, eq=False, repr=False)
class SamplerReport(Result):
    """Draws, chains and convergence of a simulated model.

    Attributes
    ----------
    n_draws : int
        Draws that represent the model.
    n_chains : int
        Independent chains they come from.
    burn_in : int
        Sweeps of each chain before its first draw.
    thin : int
        Sweeps between draws.
    seed : int or str
        Pass it as `rng` to draw the same again.
    n_simulations : int
        Simulations made by Monte-Carlo Newton (0: simulated at a given parameter).
    rhat : float
        Largest split R-hat over the statistics; above 1.01 the chains disagree.
    effective_size : float
        Smallest effective number of independent draws over the statistics.
    weight_share : float
        Effective share of the draws after reweighting to the projection (1: no reweighting).
    decrement : float
        Expected squared Newton decrement that the Monte-Carlo error leaves; half of it is a
        KL divergence in nats.
    converged : bool
        R-hat at most 1.01, at least 50 effective draws per parameter, Newton steps ended.
    """

    n_draws: int
    n_chains: int
    burn_in: int
    thin: int
    seed: int | str
    n_simulations: int
    rhat: float
    effective_size: float
    weight_share: float
    decrement: float
    converged: bool

    _headline = ("converged", "n_draws", "rhat", "effective_size")

    def _title(self) -> str:
        return "Simulation of the model"
