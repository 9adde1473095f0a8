"""Result of tilting a law by its reward."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.results import Result
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Tilt"]

_MOST_ROWS = 12

_FLAGS = {
    "saturated": "The budget reaches the largest KL of a tilt (or exceeds it): p restricted to the best outcomes.",
    "worst": "The law is p restricted to the worst outcomes.",
    "degenerate": "All rewards are equal: every policy has the same reward, and the tilt is p itself.",
    "negative_t": "t < 0: this is the law of smallest KL with so low a reward, the minimum-reward frontier.",
    "budget_below_minus_inf": (
        "Outcomes of reward -inf cannot be avoided within this KL, so every policy has mean reward -inf and p is kept."
    ),
}


@dataclass(frozen=True, eq=False, repr=False)
class Tilt(Result):
    """The optimum phi = p exp(t r - Lambda(t)) of ``E r - beta KL(q || p)``.

    Attributes
    ----------
    t : float
        Tilt t = 1/beta, 1/reward; inf is the limit on the best outcomes.
    beta : float
        KL coefficient 1/t, unit of the reward; the slope of reward against KL. Negative for t < 0.
    reward : float
        R(t), mean reward under the tilt.
    kl : float
        D(t) = KL(phi || p), nats.
    log_mgf : float
        Lambda(t) = log E_p exp(t r), nats.
    q : ndarray of shape (k,) or None
        Probabilities of the tilt in input order; None for a frozen law.
    saturated : bool
        Whether the law is the limit of infinite t.
    degenerate : bool
        Whether all rewards of positive probability are equal.
    variance : float
        V(t), variance of the reward under the tilt, reward squared.
    kl_max : float
        -log p(best outcomes), largest KL of a tilt, nats; inf for a continuous law.
    reward_reference : float
        Mean reward under p.
    p : ndarray of shape (k,) or None
        Reference probabilities.
    rewards : ndarray of shape (k,) or None
        Rewards of the outcomes.
    labels : tuple of str
        Names of the outcomes; empty if the input had none.
    density_x, density_p, density_q : ndarray or None
        For a frozen law: points, and its density (or mass) and the tilted one there; for the figure.
    flags : tuple of str
        ``"saturated" "worst" "degenerate" "negative_t" "budget_below_minus_inf"``.
    interpretation : str
        What it means, in a sentence.
    nature : str
        ``"exact"``.
    """

    t: float
    beta: float
    reward: float
    kl: float
    log_mgf: float
    q: FloatArray | None
    saturated: bool
    degenerate: bool
    variance: float
    kl_max: float
    reward_reference: float
    p: FloatArray | None = None
    rewards: FloatArray | None = None
    labels: tuple[str, ...] = ()
    density_x: FloatArray | None = None
    density_p: FloatArray | None = None
    density_q: FloatArray | None = None
    flags: tuple[str, ...] = ()
    interpretation: str = ""
    nature: str = "exact"

    _headline = ("t", "beta", "reward", "kl", "log_mgf", "saturated")

    def to_frame(self) -> Any:
        """Return one row per outcome, or one row of numbers for a frozen law.

        Returns
        -------
        DataFrame
            ``reward p q log_ratio`` in input order, before them ``label`` where the input had
            labels; ``log_ratio`` is log(q/p), also where both underflow.
        """
        import pandas as pd

        if self.q is None or self.p is None or self.rewards is None:
            names = ("t", "beta", "reward", "kl", "log_mgf", "variance", "kl_max", "reward_reference")
            return pd.DataFrame([{name: getattr(self, name) for name in names}])
        if math.isinf(self.t):
            ratio = np.where(self.q > 0.0, self.kl, -np.inf)
        else:
            ratio = self.t * self.rewards - self.log_mgf if self.t else np.zeros(len(self.q))
        labels = {"label": list(self.labels)} if self.labels else {}
        return pd.DataFrame({**labels, "reward": self.rewards, "p": self.p, "q": self.q, "log_ratio": ratio})

    def _title(self) -> str:
        return "KL-constrained optimum (exponential tilt)"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["t = 1/beta", self.t],
            ["beta", self.beta],
            ["Mean reward", self.reward],
            ["Mean reward of the reference", self.reward_reference],
            ["Variance of the reward", self.variance],
            ["KL from the reference (nats)", self.kl],
            ["Largest KL (nats)", self.kl_max],
            ["log E exp(t r)", self.log_mgf],
            ["Nature", self.nature],
        ]
        return [Section(rows), *self._outcomes()]

    def _outcomes(self) -> list[Section]:
        """The outcomes that the tilt makes most probable."""
        if self.q is None or self.p is None or self.rewards is None:
            return []
        rows = np.argsort(-self.q, kind="stable")[:_MOST_ROWS]
        names = self.labels or tuple(str(k) for k in range(len(self.q)))
        cells: list[list[Cell]] = [
            [names[k], float(self.rewards[k]), float(self.p[k]), float(self.q[k])] for k in rows.tolist()
        ]
        count = len(self.q)
        title = "Outcomes" if count <= _MOST_ROWS else f"Most probable outcomes ({_MOST_ROWS} of {count})"
        return [Section(cells, ["outcome", "reward", "p", "q"], title)]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, _FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_tilt import draw_tilt

        draw_tilt(ax, self, **kwargs)
