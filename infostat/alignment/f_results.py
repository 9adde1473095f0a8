"""Results of f-divergence regularised optima and of comparing them by pass@k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.results import Result
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FOptimum", "StrategyComparison"]

_MOST_ROWS = 10

_FLAGS = {
    "truncated": "Outcomes of low reward are left out altogether: their probability is exactly zero.",
    "saturated": "The budget allows the best outcomes alone: a larger one would change nothing.",
    "degenerate": "All outcomes have the same reward: the reference is optimal for every beta.",
}


@dataclass(frozen=True, eq=False, repr=False)
class FOptimum(Result):
    """The policy with the largest mean reward minus beta times an f-divergence from the reference.

    Attributes
    ----------
    q : ndarray of shape (k,)
        Probabilities of the policy in input order.
    multiplier : float
        l of ``q = p max(0, (f')^{-1}((r - l)/beta))``, unit of the reward; for ``tv`` the largest
        reward minus beta/2, or the middle of the rewards where nothing moves.
    divergence : float
        D_f(q || p) on the scale of the generator table, nats; inf is a value.
    reward : float
        Mean reward under the policy.
    kl : float
        KL(q || p), nats.
    beta : float
        Price of the divergence, reward per nat; inf is the reference, 0 the best outcomes alone
        (or a price below the range of floats, see `log_beta`).
    support_fraction : float
        Reference mass of the outcomes that keep a positive probability.
    kind : str
        Name in the generator table, or ``"chi2kl"``.
    order : float or None
        Order of ``"alpha"``.
    log_beta : float
        log beta.
    reward_reference : float
        Mean reward under the reference.
    log_ratio : ndarray of shape (k,)
        log q/p; -inf where q is zero.
    p, rewards : ndarray of shape (k,)
        Probabilities and rewards of the outcomes.
    labels : tuple of str
        Names of the outcomes.
    numerical_error : float
        The larger of ``|sum p u - 1|`` before normalisation and, where a divergence was asked
        for, the relative distance from it.
    flags : tuple of str
        ``"truncated" "saturated" "degenerate"``; the summary explains each.
    interpretation : str
        What it means, in sentences.
    nature : str
        ``"exact"``: a root whose rounding error `numerical_error` shows.
    """

    q: FloatArray
    multiplier: float
    divergence: float
    reward: float
    kl: float
    beta: float
    support_fraction: float
    kind: str
    order: float | None
    log_beta: float
    reward_reference: float
    log_ratio: FloatArray
    p: FloatArray
    rewards: FloatArray
    labels: tuple[str, ...]
    numerical_error: float
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "exact"

    _headline = ("kind", "beta", "reward", "divergence", "kl", "multiplier")

    def to_frame(self) -> Any:
        """Return one row per outcome.

        Returns
        -------
        DataFrame
            ``reward p q ratio`` in input order, ratio = q/p; before them ``label`` where the input
            had labels.
        """
        import pandas as pd

        names = {"label": list(self.labels)} if self.labels else {}
        with np.errstate(over="ignore"):
            ratio = np.exp(self.log_ratio)
        return pd.DataFrame({**names, "reward": self.rewards, "p": self.p, "q": self.q, "ratio": ratio})

    def _title(self) -> str:
        name = self.kind if self.order is None else f"{self.kind}, order {self.order:g}"
        return f"Optimal policy under an f-divergence ({name})"

    def _settings(self) -> dict[str, Cell]:
        return {"kind": self.kind, "order": self.order}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Beta (reward per nat)", self.beta],
            ["Multiplier (reward)", self.multiplier],
            ["Mean reward", self.reward],
            ["Mean reward of the reference", self.reward_reference],
            [f"Divergence {self.kind} (nats)", self.divergence],
            ["KL from the reference (nats)", self.kl],
            ["Reference mass kept", self.support_fraction],
            ["Numerical error", self.numerical_error],
        ]
        return [Section(rows), self._outcomes()]

    def _outcomes(self) -> Section:
        order = np.lexsort((-self.q, -self.rewards))[:_MOST_ROWS]
        names = self.labels or tuple(str(k) for k in range(len(self.q)))
        cells: list[list[Cell]] = [
            [names[k], float(self.rewards[k]), float(self.p[k]), float(self.q[k])] for k in order.tolist()
        ]
        count = len(self.q)
        title = "Outcomes" if count <= _MOST_ROWS else f"Outcomes of largest reward ({_MOST_ROWS} of {count})"
        return Section(cells, ["outcome", "reward", "p", "q"], title)

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, _FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_f import draw_optimum

        draw_optimum(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class StrategyComparison(Result):
    """pass@k of the optima under several divergences, for one table of strategies and prompts.

    Attributes
    ----------
    kinds : tuple of str
        Divergences, names of the generator table.
    k : ndarray of shape (m,)
        Numbers of attempts.
    pass_at_k : ndarray of shape (len(kinds), m)
        pass@k of each optimum, mean over the prompts.
    reference : ndarray of shape (m,)
        pass@k of the reference.
    beta : ndarray of shape (len(kinds),)
        Price of each divergence, reward per nat, on the scale of the table.
    reward : ndarray of shape (len(kinds),)
        Mean reward of each optimum, its pass@1.
    divergence : ndarray of shape (len(kinds),)
        Each divergence from the reference, nats.
    kl : ndarray of shape (len(kinds),)
        KL of each optimum from the reference, nats.
    q : ndarray of shape (len(kinds), n_strategies)
        The policies.
    p : ndarray of shape (n_strategies,)
        The reference.
    matched : str
        What the policies have in common: ``"beta"`` or ``"reward"``.
    labels : tuple of str
        Names of the strategies.
    interpretation : str
        What it means, in sentences.
    nature : str
        ``"exact"``.
    """

    kinds: tuple[str, ...]
    k: FloatArray
    pass_at_k: FloatArray
    reference: FloatArray
    beta: FloatArray
    reward: FloatArray
    divergence: FloatArray
    kl: FloatArray
    q: FloatArray
    p: FloatArray
    matched: str
    labels: tuple[str, ...]
    interpretation: str
    nature: str = "exact"

    _headline = ("matched", "kinds", "k", "pass_at_k")

    def to_frame(self) -> Any:
        """Return one row per divergence and k.

        Returns
        -------
        DataFrame
            ``kind k pass_at_k reference beta reward divergence kl``.
        """
        import pandas as pd

        count = len(self.k)
        columns = {"kind": np.repeat(np.array(self.kinds), count), "k": np.tile(self.k, len(self.kinds))}
        columns["pass_at_k"] = self.pass_at_k.ravel()
        columns["reference"] = np.tile(self.reference, len(self.kinds))
        for name in ("beta", "reward", "divergence", "kl"):
            columns[name] = np.repeat(getattr(self, name), count)
        return pd.DataFrame(columns)

    def _title(self) -> str:
        return f"pass@k by divergence, at equal {self.matched}"

    def _settings(self) -> dict[str, Cell]:
        return {"matched": self.matched}

    def _sections(self) -> Sequence[Section]:
        first: list[list[Cell]] = [
            [kind, float(self.beta[i]), float(self.reward[i]), float(self.divergence[i]), float(self.kl[i])]
            for i, kind in enumerate(self.kinds)
        ]
        second: list[list[Cell]] = [
            [int(k), float(self.reference[j]), *(float(v) for v in self.pass_at_k[:, j])]
            for j, k in enumerate(self.k)
        ]
        return [
            Section(first, ["divergence", "beta", "reward", "D_f (nats)", "KL (nats)"], "Policies"),
            Section(second, ["k", "reference", *self.kinds], "pass@k"),
        ]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_f import draw_pass_at_k

        draw_pass_at_k(ax, self, **kwargs)
