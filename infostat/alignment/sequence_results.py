"""Results about sequences: rate functions, tails, best-of-N against the tilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray
from ..core.words import column_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RateFunction", "SequenceBestOfN", "SequenceTail"]

_MOST_ROWS = 12


class _Columns(Result):
    """Results whose frame has one row per point; scalars are repeated."""

    _columns: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return one row per point with the per-point fields as columns.

        Returns
        -------
        DataFrame
            Numeric; columns that do not apply are left out.
        """
        import pandas as pd

        names = [name for name in self._columns if getattr(self, name) is not None]
        return pd.DataFrame({name: np.ravel(getattr(self, name)) for name in names})

    def _table(self, title: str, names: Sequence[str], headings: Sequence[str]) -> Section:
        """At most a dozen rows of the frame, evenly chosen."""
        frame = self.to_frame()
        rows = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), _MOST_ROWS)).round().astype(int))
        kept = [(name, head) for name, head in zip(names, headings, strict=True) if name in frame]
        cells = frame[[name for name, _ in kept]].iloc[rows]
        shown = title if len(rows) == len(frame) else f"{title} ({len(rows)} of {len(frame)} rows)"
        records: list[list[Cell]] = [list(record) for record in zip(*(cells[c].tolist() for c in cells), strict=True)]
        return Section(records, [head for _, head in kept], shown)


@dataclass(frozen=True, eq=False, repr=False)
class RateFunction(_Columns):
    """Rate at which the mean reward of a long sequence deviates from its limit.

    Attributes
    ----------
    x : float or ndarray
        Mean rewards per letter.
    rate : float or ndarray
        I_t(x) = KL(phi_t(x) || phi_t), nats per letter; inf outside the range of the rewards.
    t : float
        Tilt of the letters, 1/reward.
    mean : float
        R(t), the zero of the rate.
    variance : float
        V(t), reward squared; the curvature of the rate at its zero is 1/V.
    delta : float or None
        Nats per letter of best-of-N, N = exp(delta m).
    bon_rate : float, ndarray or None
        Rate under best-of-N: Lambda*(x) - delta from x* on, inf below.
    t_star, x_star : float or None
        Tilt with divergence delta and its mean reward.
    letter_reward, letter_log_mass : ndarray
        Distinct rewards of a letter and their log masses under the reference.
    nature : str
        ``"exact"``.
    """

    x: float | FloatArray
    rate: float | FloatArray
    t: float
    mean: float
    variance: float
    delta: float | None = None
    bon_rate: float | FloatArray | None = None
    t_star: float | None = None
    x_star: float | None = None
    letter_reward: FloatArray | None = None
    letter_log_mass: FloatArray | None = None
    nature: str = "exact"

    _columns = ("x", "rate", "bon_rate")
    _headline = ("t", "mean", "variance", "delta", "x_star", "x", "rate")

    def _title(self) -> str:
        return "Rate function of the mean reward per letter"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Tilt t", self.t],
            ["Mean reward R(t)", self.mean],
            ["Variance V(t)", self.variance],
        ]
        if self.delta is not None:
            rows += [["Best-of-N: delta (nats per letter)", self.delta], ["Best-of-N: limit x*", self.x_star]]
        heads = ("x", "I_t(x)", "best-of-N")
        return [Section([*rows, ["Nature", self.nature]]), self._table("Rates (nats per letter)", self._columns, heads)]

    def _notes(self) -> Sequence[str]:
        if self.delta is None:
            return []
        return [
            "Both methods have the same mean reward and the same KL per symbol in the limit; their fluctuations "
            "differ: best-of-N hardly ever falls below x*, and exceeds it less often than the tilt."
        ]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_sequence import draw_rates

        draw_rates(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class SequenceTail(_Columns):
    """Probability that the mean reward of m letters reaches x.

    Attributes
    ----------
    m : int
        Letters.
    x : float or ndarray
        Mean rewards per letter.
    log_prob : float or ndarray
        log P(S_m >= m x); -inf above the range, 0 below.
    refined : float or ndarray
        Asymptotic expression for the same: the exponent with its prefactor of order m^(-1/2).
    rate : float or ndarray
        I_t(x), nats per letter.
    t : float
        Tilt of the letters, 1/reward.
    method : str
        ``"lattice"``, ``"types"`` or ``"bracket"``: where the exact law comes from.
    log_prob_low, log_prob_high : float, ndarray or None
        Rigorous bounds where rewards were rounded to a lattice (method ``"bracket"``).
    nature : str
        ``"exact"``, or ``"bound"`` with method ``"bracket"``.
    """

    m: int
    x: float | FloatArray
    log_prob: float | FloatArray
    refined: float | FloatArray
    rate: float | FloatArray
    t: float
    method: str
    log_prob_low: float | FloatArray | None = None
    log_prob_high: float | FloatArray | None = None
    nature: str = "exact"

    _columns = ("x", "log_prob", "refined", "rate", "log_prob_low", "log_prob_high")
    _headline = ("m", "t", "method", "x", "log_prob", "refined")

    def _title(self) -> str:
        return "Tail of the mean reward of a sequence"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["Letters m", self.m], ["Tilt t", self.t], ["Method", self.method]]
        heads = ("x", "log P", "refined", "rate", "log P low", "log P high")
        return [Section([*rows, ["Nature", self.nature]]), self._table("Tail", self._columns, heads)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_sequence import draw_tail

        draw_tail(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class SequenceBestOfN(_Columns):
    """Best of N sequences of m letters against the KL-constrained optimum.

    Every per-length field is a number if `m` is one, else an array in the order given. S is the
    total reward of a sequence, p^m the reference, phi the tilt.

    Attributes
    ----------
    m : int or ndarray of int
        Letters.
    log_n : float or ndarray
        log N: m delta, or the same for every m.
    reward : float or ndarray
        E S under best-of-N, reward.
    kl : float or ndarray
        KL(BoN || p^m), nats.
    reward_per_symbol, kl_per_symbol : float or ndarray
        The same divided by m.
    kl_to_optimal : float or ndarray
        KL(BoN || phi) with phi the tilt of divergence log N, nats; inf where log N is beyond the
        largest divergence. It grows like (1/2) log m.
    kl_to_optimal_matched : float or ndarray
        The same with phi the tilt of divergence KL(BoN || p^m).
    win_rate : float or ndarray
        Probability that best-of-N beats one draw from p^m, ties counted one half.
    n_types : int or ndarray of int
        Points of the law of S: distinct sums of the types, or lattice points from the smallest to
        the largest sum.
    t_star : float
        Tilt per letter of divergence delta; 0 for fixed N. 1/reward.
    x_star : float
        Mean reward per letter of that tilt: the limit of reward_per_symbol.
    var_star : float
        Variance of the reward of a letter under that tilt.
    kl_to_optimal_predicted : float or ndarray
        (1/2) log(2 pi m t^2 V) - gamma - 1, nats; nan where there is no prediction.
    reward_gap : float or ndarray
        m R(t) - E S: what best-of-N with KL budget log N loses to the optimum, reward.
    reward_gap_predicted : float or ndarray
        [(1/2) log(2 pi m t^2 V) - gamma]/t; nan where there is no prediction.
    t_optimal : float or ndarray
        Tilt per letter of divergence log N / m; inf where there is none.
    delta : float or None
        log N / m where it is fixed.
    n : float or None
        N where it is fixed.
    method : str
        ``"lattice"``, ``"types"`` or ``"bracket"``: where the law of S comes from.
    reward_low, reward_high : float, ndarray or None
        Rigorous bounds of `reward` where letter rewards were rounded (method ``"bracket"``).
    kl_low, kl_high : float, ndarray or None
        Rigorous bounds of `kl`: m Lambda*(reward_low/m) and log N - (N-1)/N.
    interpretation : str
        What it means, in two sentences.
    nature : str
        ``"exact"``, or ``"bound"`` with method ``"bracket"``.
    """

    m: int | NDArray[np.int64]
    log_n: float | FloatArray
    reward: float | FloatArray
    kl: float | FloatArray
    reward_per_symbol: float | FloatArray
    kl_per_symbol: float | FloatArray
    kl_to_optimal: float | FloatArray
    kl_to_optimal_matched: float | FloatArray
    win_rate: float | FloatArray
    n_types: int | NDArray[np.int64]
    t_star: float
    x_star: float
    var_star: float
    kl_to_optimal_predicted: float | FloatArray
    reward_gap: float | FloatArray
    reward_gap_predicted: float | FloatArray
    t_optimal: float | FloatArray
    delta: float | None
    n: float | None
    method: str
    reward_low: float | FloatArray | None = None
    reward_high: float | FloatArray | None = None
    kl_low: float | FloatArray | None = None
    kl_high: float | FloatArray | None = None
    interpretation: str = ""
    nature: str = "exact"

    _columns = (
        "m", "log_n", "reward", "kl", "reward_per_symbol", "kl_per_symbol", "kl_to_optimal",
        "kl_to_optimal_predicted", "kl_to_optimal_matched", "reward_gap", "reward_gap_predicted", "win_rate",
        "t_optimal", "n_types", "reward_low", "reward_high", "kl_low", "kl_high",
    )  # fmt: skip
    _headline = ("delta", "n", "t_star", "x_star", "var_star", "method", "m", "kl_to_optimal")

    def _title(self) -> str:
        return "Best of N sequences against the KL-constrained optimum"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["N", f"exp({self.delta:.6g} m)" if self.delta is not None else self.n],
            ["Tilt t*", self.t_star],
            ["Limit of the reward per symbol, x*", self.x_star],
            ["Variance V*", self.var_star],
            ["Law of the total reward", self.method],
            ["Nature", self.nature],
        ]
        names = ("m", "reward_per_symbol", "kl_per_symbol", "kl_to_optimal", "kl_to_optimal_predicted", "win_rate")
        heads = ("m", "reward/m", "KL/m", "KL(BoN||opt)", "predicted", "win rate")
        sections = [Section(rows), self._table("Per length (nats)", names, heads)]
        if self.reward_low is not None:
            bounds = ("m", "reward_low", "reward", "reward_high", "kl_low", "kl", "kl_high")
            sections.append(self._table("Bounds", bounds, [column_label(name) for name in bounds]))
        return sections

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_sequence import draw_sequence

        draw_sequence(ax, self, **kwargs)
