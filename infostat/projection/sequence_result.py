"""Result of the p-n criterion along a sequence of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.results import Result
from ..core.tables import Cell, Section, format_cell, whole
from ..core.validation import FloatArray
from .criterion_result import PNCriterion

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["PNSequence", "sequence_sentences"]

COLUMNS = (
    "name", "p", "T0", "misspecification_ratio", "risk1", "risk2", "pass1", "pass2", "alpha_attained",
    "n_required_order1", "n_required_order2", "loglik", "aic", "tic", "tic2", "validity_ratio",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class PNSequence(Result):
    """The p-n criterion of every model of a sequence, and how large a model the sample carries.

    Attributes
    ----------
    results : tuple of PNCriterion or None
        One criterion per model; None where the model has no estimate in these data.
    names : tuple of str
        Labels of the models, in the order of the sequence.
    p : ndarray of int of shape (k,)
        Numbers of parameters; 0 where unknown because there is no estimate.
    p_max : int
        Largest number of parameters that passes; 0 if none does.
    p_max_contiguous : int
        Number of parameters of the last model before the first failure; 0 if the first fails.
    p_max_rule : int
        ``floor(16 alpha^2 n)``, the quick guide before anything is fitted.
    passed : ndarray of bool of shape (k,)
        Whether each model passes by the risk of the requested order.
    order : int
        Requested order.
    alpha, threshold : float
        Tolerated loss of Bayes error and the KL threshold ``8 alpha^2`` in nats.
    n : float
        Sample size.
    loglik, aic, tic, tic2 : ndarray of shape (k,)
        Total log-likelihood (nats) and information criteria; nan where unavailable.
    log_score : ndarray of shape (k,) or None
        Cross-validated mean log density, nats per row; None unless folds were asked for.
    reasons : tuple of str
        Why a model has no estimate; empty for the others.
    interpretation : str
        What the sequence shows, in sentences.
    flags : tuple of str
        ``"models_without_estimate"`` if some have none.
    source : str
        Where the data came from.
    """

    results: tuple[PNCriterion | None, ...]
    names: tuple[str, ...]
    p: NDArray[np.int64]
    p_max: int
    p_max_contiguous: int
    p_max_rule: int
    passed: NDArray[np.bool_]
    order: int
    alpha: float
    threshold: float
    n: float
    loglik: FloatArray
    aic: FloatArray
    tic: FloatArray
    tic2: FloatArray
    log_score: FloatArray | None
    reasons: tuple[str, ...]
    interpretation: str = ""
    flags: tuple[str, ...] = ()
    source: str = "data"

    _headline = ("p_max", "p_max_contiguous", "n", "names")

    def _title(self) -> str:
        return f"p-n criterion along {len(self.names)} models"

    def _settings(self) -> dict[str, Cell]:
        return {"data": self.source, "alpha": self.alpha, "order": self.order, "models": ", ".join(self.names)}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per model.

        Returns
        -------
        DataFrame
            ``name p T0 misspecification_ratio risk1 risk2 pass1 pass2 alpha_attained n_required_order1
            n_required_order2 loglik aic tic tic2 validity_ratio``; ``pass1`` and ``pass2`` compare the raw
            risks with the threshold; what a model does not have is nan (and it does not pass). With folds
            a column ``log_score`` is added.
        """
        import pandas as pd

        from .planning import TIE

        limit = self.threshold * TIE
        rows = []
        for i, (name, result) in enumerate(zip(self.names, self.results, strict=True)):
            row: dict[str, Cell] = dict.fromkeys(COLUMNS, np.nan)
            row |= {"name": name, "p": int(self.p[i]), "pass1": False, "pass2": False}
            if result is not None:
                same = (
                    "misspecification_ratio", "risk1", "risk2", "alpha_attained", "n_required_order1",
                    "n_required_order2", "validity_ratio",
                )  # fmt: skip
                row |= {key: np.nan if getattr(result, key) is None else getattr(result, key) for key in same}
                row["T0"] = result.terms.T0
                row["pass1"] = bool(result.risk1 <= limit)
                row["pass2"] = bool(result.risk2 is not None and result.risk2 <= limit)
            row |= {key: float(getattr(self, key)[i]) for key in ("loglik", "aic", "tic", "tic2")}
            if self.log_score is not None:
                row["log_score"] = float(self.log_score[i])
            rows.append(row)
        return pd.DataFrame(rows)

    def _sections(self) -> Sequence[Section]:
        facts: list[list[Cell]] = [
            ["Rows n", self.n],
            ["Threshold 8 alpha^2 (nats)", self.threshold],
            [f"Largest p that passes, order {self.order}", self.p_max],
            ["Last p before the first failure", self.p_max_contiguous],
            ["Quick guide 16 alpha^2 n", self.p_max_rule],
        ]
        frame = self.to_frame()
        words = frame[f"pass{self.order}"].map({True: "pass", False: "fail"})
        words = ["unreliable" if r is not None and r.verdict == "unreliable" else w
                 for r, w in zip(self.results, words, strict=True)]  # fmt: skip
        words = ["no estimate" if reason else w for reason, w in zip(self.reasons, words, strict=True)]
        judged: list[list[Cell]] = [
            [r.name, r.p, r.T0, r.risk1, r.risk2, word] for r, word in zip(frame.itertuples(), words, strict=True)
        ]
        need = f"n_required_order{self.order}"
        fits: list[list[Cell]] = [
            [r.name, whole(getattr(r, need)), r.misspecification_ratio, r.loglik, r.aic, r.tic]
            for r in frame.itertuples()
        ]
        return [
            Section(facts),
            Section(judged, ("model", "p", "T0", "risk 1", "risk 2", f"order {self.order}")),
            Section(fits, ("model", "rows required", "T0/p", "log-lik", "AIC", "TIC")),
        ]

    def _notes(self) -> Sequence[str]:
        notes = [self.interpretation]
        notes += [
            f"{name} has no estimate: {why}." for name, why in zip(self.names, self.reasons, strict=True) if why
        ]
        flagged = [
            f"{name} ({', '.join(result.flags)})"
            for name, result in zip(self.names, self.results, strict=True)
            if result is not None and result.flags
        ]
        if flagged:
            notes.append(f"Cautions of single models (see results): {'; '.join(flagged)}.")
        return notes

    def _draw(self, ax: Axes, **kwargs: object) -> None:
        from .plots_sequence import draw_sequence

        draw_sequence(ax, self, **kwargs)


def sequence_sentences(found: PNSequence) -> str:
    """Return what a sequence shows, in sentences.

    Parameters
    ----------
    found : PNSequence
        The numbers.

    Returns
    -------
    str
        The largest model that passes, the first failure, the best fit, and what passing does not say.
    """
    rows = f"{format_cell(found.n)} rows"
    if not found.passed.any():
        text = f"{rows} are not enough for any of the {len(found.names)} models."
    else:
        largest = found.names[int(np.flatnonzero(found.passed & (found.p == found.p_max))[0])]
        text = f"The largest model that {rows} can carry is {largest} with {found.p_max} parameters."
        if found.p_max_contiguous == 0:
            text += " The first model of the sequence already fails."
        elif found.p_max_contiguous != found.p_max:
            plural = "" if found.p_max_contiguous == 1 else "s"
            text += f" The sequence first fails after {found.p_max_contiguous} parameter{plural}."
    usable = np.isfinite(found.tic)
    if usable.sum() > 1:
        best = found.names[int(np.flatnonzero(usable)[found.tic[usable].argmin()])]
        text += f" Among the models compared, {best} has the smallest TIC."
    return (
        text + " Passing says that the fit is close to the best member of the model, not that the model is close "
        "to the truth."
    )
