"""Results about policies: gap from the optimum, evidence bound, small-KL expansion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, overload

import numpy as np
from numpy.typing import ArrayLike

from ..core.results import Result
from ..core.tables import Section
from ..core.validation import FloatArray, as_float_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FreeEnergy", "PolicyGap", "SmallKLExpansion"]


@dataclass(frozen=True, eq=False, repr=False)
class PolicyGap(Result):
    """A policy q against phi, the law of largest reward within a KL budget.

    Attributes
    ----------
    kl : float
        KL(q || p), nats; inf where q is not absolutely continuous.
    reward : float
        E_q r, unit of the reward.
    kl_excess : float
        KL(q || p) - KL(phi || p), nats; may be negative.
    reward_gap : float
        E_phi r - E_q r, unit of the reward.
    kl_to_optimal : float
        KL(q || phi) = kl_excess + t reward_gap, nats.
    t, beta : float
        Tilt of phi and its inverse, the price of a nat.
    optimal_kl, optimal_reward : float
        KL(phi || p) and E_phi r.
    saturated : bool
        Whether phi is the limit on the best outcomes (then the identity has no finite t).
    nature : str
        ``"exact"``.
    """

    kl: float
    reward: float
    kl_excess: float
    reward_gap: float
    kl_to_optimal: float
    t: float
    beta: float
    optimal_kl: float
    optimal_reward: float
    saturated: bool
    nature: str = "exact"

    _headline = ("kl", "reward", "kl_excess", "reward_gap", "kl_to_optimal")

    @property
    def interpretation(self) -> str:
        """What it means, in a sentence."""
        if self.kl == np.inf:
            return "The policy produces outcomes that the reference never does: its KL is infinite."
        return (
            f"With {self.kl:.4g} nats the policy earns {self.reward:.4g}; the optimum with {self.optimal_kl:.4g} nats "
            f"earns {self.optimal_reward:.4g}. The two laws are {self.kl_to_optimal:.4g} nats apart."
        )

    def _title(self) -> str:
        return "Policy against the KL-constrained optimum"

    def _sections(self) -> Sequence[Section]:
        names = {
            "KL(q || p) (nats)": self.kl,
            "Mean reward": self.reward,
            "KL of the optimum": self.optimal_kl,
            "Reward of the optimum": self.optimal_reward,
            "KL excess": self.kl_excess,
            "Reward gap": self.reward_gap,
            "t": self.t,
            "KL(q || optimum) (nats)": self.kl_to_optimal,
        }
        return [Section([[name, value] for name, value in names.items()])]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_tilt import draw_gap

        draw_gap(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class FreeEnergy(Result):
    """Evidence, evidence lower bound, and the divergence between them.

    Attributes
    ----------
    log_z : float
        Lambda(1/beta) = log E_p exp(r/beta), nats.
    elbo : float
        E_q r/beta - KL(q || p), nats; -inf where q is not absolutely continuous.
    gap : float
        KL(q || phi) = log_z - elbo, nats, phi the posterior.
    beta : float
        KL coefficient, unit of the reward.
    expected_log_likelihood : float
        E_q r/beta.
    kl : float
        KL(q || p), nats.
    nature : str
        ``"exact"``.
    """

    log_z: float
    elbo: float
    gap: float
    beta: float
    expected_log_likelihood: float
    kl: float
    nature: str = "exact"

    _headline = ("log_z", "elbo", "gap", "beta")
    _words: ClassVar[dict[str, str]] = {
        "log_z": "Log evidence (nats)",
        "elbo": "Evidence lower bound (nats)",
        "gap": "Difference, KL to the posterior (nats)",
        "expected_log_likelihood": "Expected log likelihood (nats)",
        "kl": "KL from the prior (nats)",
    }

    def _title(self) -> str:
        return "KL-penalised reward as Bayesian inference"

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_tilt import draw_free_energy

        draw_free_energy(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class SmallKLExpansion(Result):
    """Reward bought by a small KL budget: mean + a sqrt(kl) + b kl.

    Attributes
    ----------
    mean, variance, third_cumulant : float
        First three cumulants of the reward under the reference.
    sqrt_coefficient : float
        a = sigma sqrt(2), reward per root of a nat.
    linear_coefficient : float
        b = kappa_3/(3 sigma^2), reward per nat; 0 if all rewards are equal.
    kl_max : float
        Largest KL of a tilt, nats; the expansion is for budgets far below.
    nature : str
        ``"exact"``: the coefficients are; what ``reward(kl)`` leaves out is of order kl^(3/2).
    """

    mean: float
    variance: float
    third_cumulant: float
    sqrt_coefficient: float
    linear_coefficient: float
    kl_max: float
    nature: str = "exact"

    _headline = ("mean", "variance", "third_cumulant", "sqrt_coefficient", "linear_coefficient")

    @overload
    def reward(self, kl: float) -> float: ...

    @overload
    def reward(self, kl: ArrayLike) -> float | FloatArray: ...

    def reward(self, kl: ArrayLike) -> float | FloatArray:
        """Return the expansion of the largest reward at small KL.

        Parameters
        ----------
        kl : float or array_like
            Budgets >= 0, nats.

        Returns
        -------
        float or ndarray
            ``mean + sqrt_coefficient sqrt(kl) + linear_coefficient kl``.

        Raises
        ------
        InputError
            If a budget is negative or not finite.

        Examples
        --------
        >>> round(SmallKLExpansion(0.0, 1.0, 0.0, 2.0**0.5, 0.0, float("inf")).reward(0.02), 12)
        0.2
        """
        from ..core.errors import InputError

        budget = as_float_array("kl", kl)
        if (budget < 0.0).any():
            raise InputError(f"kl must be >= 0, got {float(budget.min()):g}")
        found = self.mean + self.sqrt_coefficient * np.sqrt(budget) + self.linear_coefficient * budget
        return float(found) if found.ndim == 0 else np.asarray(found)

    def _title(self) -> str:
        return "What a small KL budget buys"

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_tilt import draw_expansion

        draw_expansion(ax, self, **kwargs)
