"""Result of a preference game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.results import Result
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FLAGS", "NashMirrorProx"]

FLAGS = {
    "not_converged": "The exploitability of the last iterate is above tol.",
    "solution_inexact": (
        "The equilibrium itself could not be computed to 1e-12: the divergences are measured against the best policy "
        "found."
    ),
}

_MOST_ROWS = 10


@dataclass(frozen=True, eq=False, repr=False)
class NashMirrorProx(Result):
    """The equilibrium of a preference game with KL penalty, and the way there.

    Attributes
    ----------
    policy : ndarray of shape (k,)
        The policy: the last iterate if `rounds` was asked for, otherwise the equilibrium.
    iterates : ndarray of shape (rounds + 1, k)
        All iterates, the start first.
    kl : ndarray of shape (rounds + 1,)
        KL(pi* || iterate), pi* the equilibrium, nats.
    exploitability : ndarray of shape (rounds + 1,)
        What another policy could gain against the iterate, in units of preference probability.
    rate_bound : ndarray of shape (rounds + 1,)
        ``(1 + 2 beta)^-k kl[0]``, never below `kl`, nats.
    queries : ndarray of int of shape (rounds + 1,)
        Preference queries used so far, two per round.
    rounds : int
        Rounds run.
    solution : ndarray of shape (k,)
        The equilibrium pi*, to rounding.
    solution_exploitability : float
        Its exploitability: the numerical error.
    beta : float
        Coefficient of the penalty.
    tol : float
        Exploitability at which the game counts as solved.
    converged : bool
        Whether the last iterate reached `tol`.
    win_rate : float
        Probability that the policy is preferred to the reference.
    kl_reference : float
        KL(policy || ref), nats.
    ref : ndarray of shape (k,)
        The reference law.
    labels : tuple of str
        Names of the outcomes.
    flags : tuple of str
        ``"not_converged" "solution_inexact"``.
    interpretation : str
        What it means, in sentences.
    nature : str
        ``"exact"``: a fixed point whose error `solution_exploitability` shows.
    """

    policy: FloatArray
    iterates: FloatArray
    kl: FloatArray
    exploitability: FloatArray
    rate_bound: FloatArray
    queries: NDArray[np.int64]
    rounds: int
    solution: FloatArray
    solution_exploitability: float
    beta: float
    tol: float
    converged: bool
    win_rate: float
    kl_reference: float
    ref: FloatArray
    labels: tuple[str, ...]
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "exact"

    _headline = ("rounds", "beta", "converged", "win_rate", "kl_reference", "solution_exploitability")

    def to_frame(self) -> Any:
        """Return one row per round.

        Returns
        -------
        DataFrame
            ``round queries kl rate_bound exploitability``; `policies` is the table of the outcomes.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "round": np.arange(self.rounds + 1),
                "queries": self.queries,
                "kl": self.kl,
                "rate_bound": self.rate_bound,
                "exploitability": self.exploitability,
            }
        )

    def policies(self) -> Any:
        """Return one row per outcome, in the order of the preference table.

        Returns
        -------
        DataFrame
            ``ref start policy solution``, before them ``label`` where the table had labels.
        """
        import pandas as pd

        names = {"label": list(self.labels)} if self.labels else {}
        laws = {"ref": self.ref, "start": self.iterates[0], "policy": self.policy, "solution": self.solution}
        return pd.DataFrame({**names, **laws})

    def _title(self) -> str:
        return "Preference game with KL penalty"

    def _settings(self) -> dict[str, Cell]:
        return {"beta": self.beta, "tol": self.tol}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Outcomes", len(self.policy)],
            ["beta", self.beta],
            ["Rounds", self.rounds],
            ["Preference queries", int(self.queries[-1])],
            ["Exploitability at the start", float(self.exploitability[0])],
            ["Exploitability at the end", float(self.exploitability[-1])],
            ["KL(pi* || last iterate) (nats)", float(self.kl[-1])],
            ["its bound", float(self.rate_bound[-1])],
            ["Preferred to the reference", self.win_rate],
            ["KL from the reference (nats)", self.kl_reference],
        ]
        best = np.argsort(-self.policy, kind="stable")[:_MOST_ROWS].tolist()
        names = self.labels or tuple(str(k) for k in range(len(self.policy)))
        cells: list[list[Cell]] = [[names[k], float(self.ref[k]), float(self.policy[k])] for k in best]
        count = len(self.policy)
        title = "Outcomes" if count <= _MOST_ROWS else f"Outcomes of largest probability ({_MOST_ROWS} of {count})"
        return [Section(rows), Section(cells, ["outcome", "reference", "policy"], title)]

    def _notes(self) -> Sequence[str]:
        return [self.interpretation, *(caution(flag, FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_games import draw_game

        draw_game(ax, self, **kwargs)
