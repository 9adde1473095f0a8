"""Results of best-of-N, of soft best-of-N, of keeping the best fraction and of difference sampling."""

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

__all__ = ["BestOfN", "DifferenceSampling", "SoftBestOfN", "TopFraction"]

_MOST_ROWS = 10

_FLAGS = {
    "bound_above_ceiling": "The bound exceeds the ceiling -log p(best): it says nothing about this alphabet any more.",
    "saturated": "The policy has reached the best outcomes up to rounding: more draws change nothing.",
    "no_tilt_has_this_kl": (
        "No tilt has this KL (a strict ranking of tied outcomes spends more than any tilt, avoiding rewards of -inf "
        "costs every tilt more): kl_to_tilt is taken to the nearest limit of the tilts."
    ),
    "no_tilt": "The tail of the reward is too heavy for an exponential tilt with this KL: there is no optimum.",
    "documents": "Each row counts as one document drawn from the reference, of equal mass.",
    "per_token": "Documents are ranked by score per token: another ranking than by the score itself.",
    "not_absolutely_continuous": (
        "The teacher gives mass to outcomes that the reference never draws: no tilt of the reference reaches it."
    ),
}


class _Policy(Result):
    """Results about a policy on labelled outcomes: one row per outcome where there are outcomes."""

    q: FloatArray | None
    p: FloatArray | None
    rewards: FloatArray | None
    labels: tuple[str, ...]
    flags: tuple[str, ...]
    _reward_name = "reward"

    def to_frame(self) -> Any:
        """Return one row per outcome, or one row of numbers if there are no outcomes.

        Returns
        -------
        DataFrame
            ``reward p q`` in input order, before them ``label`` where the input had labels.
        """
        import pandas as pd

        if self.q is None:
            numbers = {k: v for k, v in self._scalars().items() if not isinstance(v, str) and v is not None}
            return pd.DataFrame([numbers])
        names = {"label": list(self.labels)} if self.labels else {}
        return pd.DataFrame({**names, "reward": self.rewards, "p": self.p, "q": self.q})

    def _outcomes(self) -> list[Section]:
        """The outcomes of largest reward."""
        if self.q is None or self.p is None or self.rewards is None:
            return []
        rows = np.lexsort((-self.q, -self.rewards))[:_MOST_ROWS]
        names = self.labels or tuple(str(k) for k in range(len(self.q)))
        cells: list[list[Cell]] = [
            [names[k], float(self.rewards[k]), float(self.p[k]), float(self.q[k])] for k in rows.tolist()
        ]
        count = len(self.q)
        title = "Outcomes"
        if count > _MOST_ROWS:
            title = f"Outcomes of largest {self._reward_name} ({_MOST_ROWS} of {count})"
        return [Section(cells, ["outcome", self._reward_name, "p", "q"], title)]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, _FLAGS[flag]) for flag in self.flags)]


@dataclass(frozen=True, eq=False, repr=False)
class BestOfN(_Policy):
    """The policy that draws N outcomes and keeps the one of largest reward.

    Attributes
    ----------
    q : ndarray of shape (k,) or None
        Probabilities of the policy in input order; None for a frozen law.
    reward : float
        Mean reward under the policy, unit of the reward.
    kl : float
        KL(BoN || p), nats.
    win_rate : float
        Probability that the policy beats a fresh draw from p, ties counted one half.
    kl_upper : float
        ``log N - (N-1)/N``, never below `kl`, nats.
    log_n : float
        log N.
    n : float
        N; inf beyond the range of floats.
    kl_ceiling : float
        ``-log p(best)``, what `kl` tends to as N grows, nats; inf where there is no best atom.
    kl_gap : float
        ``kl_upper - kl``, nats.
    kl_single_atom : float
        The KL if only the best outcomes were an atom (`bon_kl_single_atom`), nats.
    kl_to_tilt : float or None
        KL(BoN || phi), phi the tilt with the same KL from p, nats; None where there is no tilt.
    tilt_reward : float or None
        Mean reward of that tilt, never below `reward`.
    tilt_t : float or None
        Its t = 1/beta; inf where no finite tilt has this KL.
    reward_reference : float
        Mean reward of one draw from p.
    p, rewards : ndarray of shape (k,) or None
        Probabilities and rewards of the outcomes.
    level_reward, level_log_mass : ndarray of shape (g,) or None
        Distinct rewards in ascending order and their log masses under p; None without atoms. Of an
        infinite support, those that matter for this N.
    ties : str
        How ties were broken: ``"random"`` or ``"index"`` (the later outcome wins).
    labels : tuple of str
        Names of the outcomes.
    flags : tuple of str
        ``"bound_above_ceiling" "saturated" "no_tilt_has_this_kl" "no_tilt"``; the summary explains each.
    interpretation : str
        What it means, in sentences.
    nature : str
        ``"exact"``.
    """

    q: FloatArray | None
    reward: float
    kl: float
    win_rate: float
    kl_upper: float
    log_n: float
    n: float
    kl_ceiling: float
    kl_gap: float
    kl_single_atom: float
    kl_to_tilt: float | None
    tilt_reward: float | None
    tilt_t: float | None
    reward_reference: float
    p: FloatArray | None
    rewards: FloatArray | None
    level_reward: FloatArray | None
    level_log_mass: FloatArray | None
    ties: str
    labels: tuple[str, ...]
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "exact"

    _headline = ("n", "log_n", "reward", "kl", "kl_upper", "win_rate")

    def _title(self) -> str:
        return "Best of N draws"

    def _settings(self) -> dict[str, Cell]:
        return {"ties": self.ties}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["N", self.n],
            ["log N", self.log_n],
            ["Mean reward", self.reward],
            ["Mean reward of one draw", self.reward_reference],
            ["Win rate against one draw", self.win_rate],
            ["KL from the reference (nats)", self.kl],
            ["Bound log N - (N-1)/N", self.kl_upper],
            ["Ceiling -log p(best)", self.kl_ceiling],
            ["Reward of the tilt, same KL", self.tilt_reward],
            ["KL(BoN || that tilt)", self.kl_to_tilt],
        ]
        return [Section(rows), *self._outcomes()]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_bestofn import draw_best_of_n

        draw_best_of_n(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class SoftBestOfN(_Policy):
    """The policy that draws N outcomes and keeps one with probability proportional to exp(t r).

    Attributes
    ----------
    q : ndarray of shape (k,)
        Probabilities of the policy in input order.
    kl : float
        KL(q || p), nats.
    reward : float
        Mean reward under the policy.
    kl_from_tilt : float
        KL(phi_t || q), phi_t the tilt by t that the policy tends to as N grows, nats.
    kl_from_tilt_bound : float
        ``log(1 + chi^2(phi_t || p)/N)``, never below `kl_from_tilt`, nats.
    n : float
        Number of draws N.
    t : float
        Sharpness of the choice among the draws, 1/reward; inf is best-of-N.
    tilt_reward, tilt_kl : float
        Mean reward of phi_t and KL(phi_t || p).
    numerical_error : float
        ``|sum q - 1|`` before anything is normalised.
    p, rewards : ndarray of shape (k,)
        Probabilities and rewards of the outcomes.
    log_p : ndarray of shape (k,)
        Log probabilities, nats.
    labels : tuple of str
        Names of the outcomes.
    flags : tuple of str
        Empty.
    interpretation : str
        What it means, in sentences.
    nature : str
        ``"exact"``: an integral whose rounding error `numerical_error` shows.
    """

    q: FloatArray
    kl: float
    reward: float
    kl_from_tilt: float
    kl_from_tilt_bound: float
    n: float
    t: float
    tilt_reward: float
    tilt_kl: float
    numerical_error: float
    p: FloatArray
    log_p: FloatArray
    rewards: FloatArray
    labels: tuple[str, ...]
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "exact"

    _headline = ("n", "t", "reward", "kl", "kl_from_tilt", "kl_from_tilt_bound")

    def _title(self) -> str:
        return "Soft best of N draws"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["N", self.n],
            ["t", self.t],
            ["Mean reward", self.reward],
            ["KL from the reference (nats)", self.kl],
            ["Mean reward of the tilt by t", self.tilt_reward],
            ["KL of the tilt by t (nats)", self.tilt_kl],
            ["KL(tilt || policy)", self.kl_from_tilt],
            ["its bound", self.kl_from_tilt_bound],
        ]
        return [Section(rows), *self._outcomes()]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_bestofn import draw_soft

        draw_soft(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class TopFraction(_Policy):
    """The policy that keeps the fraction of the reference mass with the largest rewards.

    Attributes
    ----------
    q : ndarray of shape (k,) or None
        Probabilities of the policy in input order; None for a frozen law.
    reward : float
        Mean reward of what is kept.
    kl : float
        ``-log fraction``, nats: the KL of the selection, where the part of the boundary reward
        that is kept and the part that is not are different outcomes.
    kl_outcomes : float
        KL(q || p) on the outcomes themselves, nats; equal to `kl` if no outcome is split, else
        smaller.
    fraction : float
        Share of the reference mass that is kept.
    threshold : float
        Reward at the boundary.
    kept_at_threshold : float
        Share of the mass at the boundary reward that is kept, in (0, 1].
    tilt_reward : float or None
        Mean reward of the tilt with KL `kl_outcomes`, never below `reward`; None where there is none.
    reward_reference : float
        Mean reward under the reference.
    p, rewards : ndarray of shape (k,) or None
        Probabilities and rewards of the outcomes.
    log_p : ndarray of shape (k,) or None
        Log probabilities, nats.
    labels : tuple of str
        Names of the outcomes.
    flags : tuple of str
        ``"no_tilt"`` or empty.
    interpretation : str
        What it means, in sentences.
    nature : str
        ``"exact"``.
    """

    q: FloatArray | None
    reward: float
    kl: float
    kl_outcomes: float
    fraction: float
    threshold: float
    kept_at_threshold: float
    tilt_reward: float | None
    reward_reference: float
    p: FloatArray | None
    log_p: FloatArray | None
    rewards: FloatArray | None
    labels: tuple[str, ...]
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "exact"

    _headline = ("fraction", "reward", "kl", "kl_outcomes", "threshold")

    def _title(self) -> str:
        return f"The best {100 * self.fraction:.4g} % of the reference"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Fraction kept", self.fraction],
            ["Threshold (reward)", self.threshold],
            ["Kept at the threshold", self.kept_at_threshold],
            ["Mean reward", self.reward],
            ["Mean reward of the reference", self.reward_reference],
            ["KL, -log fraction (nats)", self.kl],
            ["KL on outcomes (nats)", self.kl_outcomes],
            ["Reward of the tilt, same KL", self.tilt_reward],
        ]
        return [Section(rows), *self._outcomes()]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_bestofn import draw_top_fraction

        draw_top_fraction(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class DifferenceSampling(_Policy):
    """Selection by the difference of the log-likelihoods of a teacher and a reference.

    Attributes
    ----------
    scores : ndarray of shape (k,)
        log p_teacher - log p_ref in input order, nats (nats per token where lengths were given);
        0 where both give no mass.
    q : ndarray of shape (k,)
        Law of what is kept.
    kl : float
        ``-log fraction``, nats (`top_fraction`).
    kl_outcomes : float
        KL(q || reference) on the outcomes themselves, never above `kl`.
    fraction : float
        Share of the reference mass that is kept.
    threshold : float
        Score at the boundary.
    kept_at_threshold : float
        Share of the mass at the boundary score that is kept.
    score : float
        Mean score of what is kept.
    log_mgf_at_one : float or None
        ``log E_ref exp(score)``: 0, as the tilt of the reference by t = 1 is the teacher. Negative if
        the teacher has mass where the reference has none; None for documents.
    kl_reference_teacher : float or None
        KL(reference || teacher), minus the mean score under the reference; None for documents.
    kl_teacher_reference : float or None
        KL(teacher || reference), the mean score under the teacher; None for documents.
    tilt_score : float
        Mean score of the tilt with KL `kl_outcomes`.
    p : ndarray of shape (k,)
        Reference masses.
    log_p : ndarray of shape (k,)
        Their logs, nats.
    labels : tuple of str
        Names of the outcomes.
    flags : tuple of str
        ``"documents" "per_token" "not_absolutely_continuous"``; the summary explains each.
    interpretation : str
        What it means, in sentences.
    nature : str
        ``"exact"``.
    """

    scores: FloatArray
    q: FloatArray
    kl: float
    kl_outcomes: float
    fraction: float
    threshold: float
    kept_at_threshold: float
    score: float
    log_mgf_at_one: float | None
    kl_reference_teacher: float | None
    kl_teacher_reference: float | None
    tilt_score: float
    p: FloatArray
    log_p: FloatArray
    labels: tuple[str, ...]
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "exact"

    _reward_name = "score"
    _headline = ("fraction", "score", "kl", "kl_teacher_reference")

    @property
    def rewards(self) -> FloatArray:  # type: ignore[override]
        """The scores, under the name that policies share."""
        return self.scores

    def to_frame(self) -> Any:
        """Return one row per outcome.

        Returns
        -------
        DataFrame
            ``score p q`` in input order, before them ``label`` where the input had labels.
        """
        return super().to_frame().rename(columns={"reward": "score"})

    def _title(self) -> str:
        return "Difference sampling"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Fraction kept", self.fraction],
            ["Threshold (score)", self.threshold],
            ["Mean score kept", self.score],
            ["KL, -log fraction (nats)", self.kl],
            ["KL(reference || teacher)", self.kl_reference_teacher],
            ["KL(teacher || reference)", self.kl_teacher_reference],
            ["log E exp(score)", self.log_mgf_at_one],
            ["Score of the tilt, same KL", self.tilt_score],
        ]
        return [Section(rows), *self._outcomes()]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_bestofn import draw_difference

        draw_difference(ax, self, **kwargs)
