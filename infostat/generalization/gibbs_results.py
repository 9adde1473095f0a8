"""Results of the Gibbs algorithm on a finite model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tables import Cell, Section
from ..core.validation import FloatArray
from .labelled import _Labelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["GibbsExact", "GibbsSupersample"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GibbsExact(_Labelled):
    """Generalization gap and informations of a Gibbs algorithm, exact for one sample size.

    Attributes
    ----------
    value : float
        The expected generalization gap, as `gen`.
    nature : str
        ``"exact"``: an enumeration of all samples, to rounding.
    assumptions : tuple of str
        What has to hold.
    vacuous : bool
        False; an exact value is never vacuous.
    sense : str
        ``"expectation"``.
    gen : float
        Expected test minus training loss, unit of the loss; never negative.
    mi : float
        I(S;W), nats.
    lautum : float
        Lautum information: KL of the product of the laws of S and W from their joint law, nats.
    mi_individual : float
        I(Z_i;W), the same for every i, nats.
    joint : ndarray of shape (k, m)
        Law of (Z_i, W): outcomes in rows, hypotheses in columns.
    test, train : float
        Expected loss on a new point, and on the sample.
    kl_prior : float
        Expected KL of the posterior from the prior, nats.
    identity_error : float
        ``alpha gen - (mi + lautum)``: zero but for rounding.
    sigma : float
        Half the range of the loss matrix.
    bound_individual : float
        ``sigma sqrt(2 mi_individual)``.
    bound_mi : float
        ``sigma sqrt(2 mi/n)``.
    bound_alpha : float
        ``2 alpha sigma^2/n``.
    n : int
        Size of the sample.
    alpha : float
        Inverse temperature.
    n_types : int
        Types enumerated.
    outcomes, hypotheses : tuple of str
        Labels of the rows and columns of `joint`.
    interpretation : str
        What it means, in sentences.
    """

    gen: float
    mi: float
    lautum: float
    mi_individual: float
    joint: FloatArray
    test: float
    train: float
    kl_prior: float
    identity_error: float
    sigma: float
    bound_individual: float
    bound_mi: float
    bound_alpha: float
    n: int
    alpha: float
    n_types: int
    outcomes: tuple[str, ...]
    hypotheses: tuple[str, ...]
    interpretation: str = ""

    _headline = ("gen", "mi", "lautum", "mi_individual", "n", "alpha")

    def _title(self) -> str:
        return "Gibbs algorithm, exact"

    def joint_frame(self) -> pd.DataFrame:
        """Return the law of (Z_i, W) with its labels.

        Returns
        -------
        DataFrame
            One row per outcome, one column per hypothesis.
        """
        import pandas as pd

        return pd.DataFrame(self.joint, index=list(self.outcomes), columns=list(self.hypotheses))

    def _sections(self) -> Sequence[Section]:
        facts: list[list[Cell]] = [
            ["Sample size n", self.n],
            ["Inverse temperature alpha", self.alpha],
            ["Samples enumerated (types)", self.n_types],
            *self._label_rows(),
        ]
        gaps: list[list[Cell]] = [
            ["Generalization gap", self.gen, "exact"],
            ["Test loss", self.test, "exact"],
            ["Training loss", self.train, "exact"],
            ["I(S;W)", self.mi, "exact"],
            ["Lautum information", self.lautum, "exact"],
            ["I(Z_i;W)", self.mi_individual, "exact"],
            ["KL(posterior || prior), mean", self.kl_prior, "exact"],
            ["sigma sqrt(2 I(Z_i;W))", self.bound_individual, "bound on the gap"],
            ["sigma sqrt(2 I(S;W)/n)", self.bound_mi, "bound on the gap"],
            ["2 alpha sigma^2/n", self.bound_alpha, "bound on the gap"],
        ]
        return [Section(facts), Section(gaps, ("in expectation", "value", "nature"))]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_gibbs import draw_gap_and_bounds

        bounds = {
            r"$2\alpha\sigma^2/n$": self.bound_alpha,
            r"$\sigma\sqrt{2I(S;W)/n}$": self.bound_mi,
            r"$\sigma\sqrt{2I(Z_i;W)}$": self.bound_individual,
        }
        draw_gap_and_bounds(ax, self.gen, bounds, **kwargs)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GibbsSupersample(_Labelled):
    """Conditional informations of a Gibbs algorithm in the supersample setting, exact.

    Attributes
    ----------
    value : float
        The conditional mutual information, as `cmi`.
    nature : str
        ``"exact"``: an enumeration, to rounding.
    assumptions : tuple of str
        What has to hold.
    vacuous : bool
        False; an exact value is never vacuous.
    sense : str
        ``"expectation"``.
    cmi : float
        I(W;U | supersample), nats; at most ``n log 2`` and at most I(S;W).
    gen : float
        Expected test minus training loss, unit of the loss.
    ldmi : float
        I(Delta_i;U_i), the same for every i, nats.
    ldmi_bound : float
        ``loss_range sqrt(2 ldmi)``, a bound on the gap.
    cmi_bound : float
        ``loss_range sqrt(2 cmi/n)``, a bound on the gap.
    mi : float
        I(S;W), nats.
    difference_law : ndarray of shape (levels, 2)
        Law of (Delta_i, U_i), differences in ascending order.
    loss_range : float
        Largest minus smallest entry of the loss matrix.
    n : int
        Pairs of the supersample, which is the size of the sample.
    alpha : float
        Inverse temperature.
    n_types : int
        Pairs (supersample, selection) enumerated, up to order.
    interpretation : str
        What it means, in sentences.
    """

    cmi: float
    gen: float
    ldmi: float
    ldmi_bound: float
    cmi_bound: float
    mi: float
    difference_law: FloatArray
    loss_range: float
    n: int
    alpha: float
    n_types: int
    interpretation: str = ""

    _headline = ("cmi", "gen", "ldmi", "ldmi_bound", "n", "alpha")

    def _title(self) -> str:
        return "Gibbs algorithm with a supersample, exact"

    def _sections(self) -> Sequence[Section]:
        facts: list[list[Cell]] = [
            ["Pairs n", self.n],
            ["Inverse temperature alpha", self.alpha],
            ["Supersamples and selections enumerated", self.n_types],
            *self._label_rows(),
        ]
        rows: list[list[Cell]] = [
            ["Generalization gap", self.gen, "exact"],
            ["I(W;U | supersample)", self.cmi, "exact"],
            ["I(S;W)", self.mi, "exact"],
            ["I(Delta_i;U_i)", self.ldmi, "exact"],
            ["range sqrt(2 I(Delta_i;U_i))", self.ldmi_bound, "bound on the gap"],
            ["range sqrt(2 I(W;U | supersample)/n)", self.cmi_bound, "bound on the gap"],
        ]
        return [Section(facts), Section(rows, ("in expectation", "value", "nature"))]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_gibbs import draw_gap_and_bounds

        bounds = {
            r"$(b-a)\sqrt{2I(W;U\,|\,\tilde{Z})/n}$": self.cmi_bound,
            r"$(b-a)\sqrt{2I(\Delta_i;U_i)}$": self.ldmi_bound,
        }
        draw_gap_and_bounds(ax, self.gen, bounds, **kwargs)


def describe_ratio(bound: float, gap: float) -> str:
    """Return how far a bound lies above the gap, in words.

    Parameters
    ----------
    bound, gap : float
        Bound and exact gap, unit of the loss.

    Returns
    -------
    str
        Words that end a sentence.
    """
    if gap <= 0.0 or not np.isfinite(bound):
        return "the gap is zero"
    return f"{bound / gap:.3g} times the gap"
