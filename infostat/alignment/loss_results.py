"""Results of losses: preference pairs under an f-divergence, and distances from a target policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.results import Result
from ..core.style import COLORS
from ..core.tables import Cell, Section
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FDPOLoss", "FPseudoReward"]

_MOST_ROWS = 10


@dataclass(frozen=True, eq=False, repr=False)
class FDPOLoss(Result):
    """Loss of preference pairs when the implicit reward is beta f'(policy/reference).

    Attributes
    ----------
    margin : ndarray
        ``beta (f'(u_w) - f'(u_l))`` of each pair: by how much the implicit reward prefers the
        preferred answer; infinite where it exceeds the range of floats.
    loss : ndarray
        ``-log sigmoid(margin)`` of each pair, nats.
    value : float
        Mean loss, nats.
    accuracy : float
        Share of pairs with positive margin, zero margins counted one half.
    beta : float
        Coefficient of the divergence, reward per nat.
    kind : str
        Name in the generator table, or ``"chi2kl"``.
    order : float or None
        Order of ``"alpha"``.
    log_ratio_w, log_ratio_l : ndarray
        log policy/reference of the preferred and of the other answer.
    flags : tuple of str
        ``"overflow"`` if a margin is infinite.
    interpretation : str
        What it means, in a sentence.
    nature : str
        ``"exact"``.
    """

    margin: FloatArray
    loss: FloatArray
    value: float
    accuracy: float
    beta: float
    kind: str
    order: float | None
    log_ratio_w: FloatArray
    log_ratio_l: FloatArray
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "exact"

    _headline = ("kind", "beta", "value", "accuracy")

    @property
    def per_row(self) -> FloatArray:
        """The loss of each pair."""
        return self.loss

    def __float__(self) -> float:
        return self.value

    def to_frame(self) -> Any:
        """Return one row per pair.

        Returns
        -------
        DataFrame
            ``log_ratio_w log_ratio_l margin loss``.
        """
        import pandas as pd

        names = ("log_ratio_w", "log_ratio_l", "margin", "loss")
        return pd.DataFrame({name: np.ravel(getattr(self, name)) for name in names})

    def _title(self) -> str:
        name = self.kind if self.order is None else f"{self.kind}, order {self.order:g}"
        return f"Preference loss under an f-divergence ({name})"

    def _settings(self) -> dict[str, Cell]:
        return {"kind": self.kind, "order": self.order, "beta": self.beta}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Pairs", int(np.size(self.loss))],
            ["Beta (reward per nat)", self.beta],
            ["Mean loss (nats)", self.value],
            ["Share ranked rightly", self.accuracy],
            ["Smallest margin", float(np.min(self.margin))],
            ["Median margin", float(np.median(self.margin))],
        ]
        return [Section(rows)]

    def _notes(self) -> Sequence[str]:
        text = "[overflow] Margins beyond the range of floats are shown as infinite."
        return [*super()._notes(), *([text] if "overflow" in self.flags else [])]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        finite = np.ravel(self.margin)[np.isfinite(np.ravel(self.margin))]
        settings = {"bins": "auto", "color": COLORS["blue"], "alpha": 0.8, **kwargs}
        if len(finite):
            ax.hist(finite, **settings)
        ax.axvline(0.0, color=COLORS["grey"], linestyle="--", linewidth=1.0)
        ax.set_xlabel(rf"margin of the implicit reward ({self.kind}, $\beta$ = {self.beta:g})")
        ax.set_ylabel("pairs")
        ax.set_title(f"mean loss {self.value:.4g} nats, {100 * self.accuracy:.3g} % ranked rightly")


@dataclass(frozen=True, eq=False, repr=False)
class FPseudoReward(Result):
    """Pseudo-reward and gradient of an f-divergence of a policy from a target.

    Attributes
    ----------
    pseudo_reward : ndarray of shape (..., k)
        ``-f'(policy/target)`` of each outcome: a policy-gradient step on it descends D_f(policy || target).
    gradient : ndarray of shape (..., k)
        Gradient of D_f(policy || target) in the softmax logits of the policy.
    divergence : float or ndarray
        D_f(policy || target) on the scale of the generator table, nats; for ``kl`` with an
        unnormalised target ``sum policy log(policy/target)``.
    kind : str
        Name in the generator table, or ``"chi2kl"``.
    order : float or None
        Order of ``"alpha"``.
    policy, target : ndarray of shape (..., k)
        Probabilities (masses of an unnormalised target).
    interpretation : str
        What it means, in a sentence.
    nature : str
        ``"exact"``.
    """

    pseudo_reward: FloatArray
    gradient: FloatArray
    divergence: float | FloatArray
    kind: str
    order: float | None
    policy: FloatArray
    target: FloatArray
    interpretation: str
    nature: str = "exact"

    _headline = ("kind", "divergence", "pseudo_reward", "gradient")

    def to_frame(self) -> Any:
        """Return one row per outcome (and policy).

        Returns
        -------
        DataFrame
            ``row outcome policy target pseudo_reward gradient``.
        """
        import pandas as pd

        count = self.gradient.shape[-1]
        rows = self.gradient.size // count
        columns = {"row": np.repeat(np.arange(rows), count), "outcome": np.tile(np.arange(count), rows)}
        names = ("policy", "target", "pseudo_reward", "gradient")
        return pd.DataFrame({**columns, **{name: np.ravel(getattr(self, name)) for name in names}})

    def _title(self) -> str:
        name = self.kind if self.order is None else f"{self.kind}, order {self.order:g}"
        return f"Pseudo-reward of an f-divergence ({name})"

    def _settings(self) -> dict[str, Cell]:
        return {"kind": self.kind, "order": self.order}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Policies", int(self.gradient.size // self.gradient.shape[-1])],
            ["Outcomes", int(self.gradient.shape[-1])],
            ["Mean divergence (nats)", float(np.mean(self.divergence))],
            ["Largest entry of the gradient", float(np.abs(self.gradient).max())],
        ]
        if self.gradient.ndim > 1:
            return [Section(rows)]
        largest = np.argsort(-np.abs(self.gradient), kind="stable")[:_MOST_ROWS].tolist()
        columns = (self.policy, self.target, self.pseudo_reward, self.gradient)
        cells: list[list[Cell]] = [[str(k), *(float(c[k]) for c in columns)] for k in largest]
        header = ["outcome", "policy", "target", "pseudo-reward", "gradient"]
        return [Section(rows), Section(cells, header, "Largest entries of the gradient")]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        first = self.gradient.reshape(-1, self.gradient.shape[-1])[0]
        ax.bar(np.arange(len(first)), -first, **{"color": COLORS["blue"], **kwargs})
        ax.axhline(0.0, color=COLORS["black"], linewidth=0.8)
        ax.set_xlabel("outcome")
        ax.set_ylabel(f"descent direction in the logits ({self.kind}, nats)")
