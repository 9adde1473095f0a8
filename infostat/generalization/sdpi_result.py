"""Result of a contraction coefficient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputTypeError
from ..core.style import COLORS
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray
from ..core.words import frame_section, row_label
from .labelled import INPUT_LABELS, _Labelled, input_items

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FLAGS", "Contraction"]

FLAGS = {
    "no_contraction": "The coefficient is 1: the noise of this layer tightens no bound.",
}
_MOST_ROWS = 20


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Contraction(_Labelled):
    """Contraction coefficient of a noisy layer: the share of a divergence that can get through.

    Attributes
    ----------
    value : float or ndarray
        eta = sup KL(PK || QK) / KL(P || Q) over pairs of input laws, 0 to 1; mutual information contracts with the
        same constant.
    nature : str
        ``"exact"`` or ``"bound"`` (the true coefficient is no larger).
    assumptions : tuple of str
        What has to hold.
    vacuous : bool or ndarray of bool
        True where a bound equals 1.
    sense : str
        Empty: the coefficient belongs to the layer, not to a sample.
    contraction_gap : float or ndarray
        1 - eta, accurate where eta rounds to 1.
    log_contraction_gap : float or ndarray
        log(1 - eta), finite also where 1 - eta is below the smallest float; -inf where eta is 1.
    eta_tv : float, ndarray or None
        The coefficient of total variation (of a composition: a bound on it); None where no formula is known.
    name : str
        The layer in words.
    inputs : mapping of str to number, str or array
        What went in.
    flags : tuple of str
        ``"no_contraction"``.
    interpretation : str
        What it means, in sentences.
    """

    contraction_gap: float | FloatArray
    log_contraction_gap: float | FloatArray
    eta_tv: float | FloatArray | None = None
    name: str = "Noisy layer"
    inputs: Mapping[str, float | str | FloatArray | None] | None = None
    flags: tuple[str, ...] = ()
    interpretation: str = ""

    _headline = ("value", "contraction_gap", "nature", "eta_tv")

    def _title(self) -> str:
        return f"Contraction coefficient: {self.name}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient.

        Returns
        -------
        DataFrame
            The inputs that fit, then ``eta contraction_gap log_contraction_gap`` and, where known, ``eta_tv``.
        """
        import pandas as pd

        shape = np.shape(self.value)
        columns: dict[str, Any] = {}
        for key, item in input_items(self.inputs).items():
            if np.ndim(item) == 0 or np.shape(item) == shape:
                columns[key] = np.ravel(np.broadcast_to(np.asarray(item), shape))
        columns["eta"] = np.ravel(self.value)
        columns["contraction_gap"] = np.ravel(self.contraction_gap)
        columns["log_contraction_gap"] = np.ravel(self.log_contraction_gap)
        if self.eta_tv is not None:
            columns["eta_tv"] = np.ravel(self.eta_tv)
        return pd.DataFrame(columns)

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = []
        if np.ndim(self.value) == 0:
            rows += [["eta (KL and mutual information)", float(self.value)], ["1 - eta", float(self.contraction_gap)]]
            rows.append(["log(1 - eta)", float(self.log_contraction_gap)])
            if self.eta_tv is not None:
                rows.append(["eta (total variation)", float(self.eta_tv)])
        rows += self._label_rows()
        given = input_items(self.inputs).items()
        rows += [[row_label(key, INPUT_LABELS), item] for key, item in given if np.ndim(item) == 0]
        found = [Section(rows)]
        if np.ndim(self.value):
            found.append(frame_section(self.to_frame(), most=_MOST_ROWS))
        return found

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        shape = np.shape(self.value)
        if len(shape) != 1:
            raise InputTypeError(
                "a single Contraction has no figure; use summary(), or an array of noise levels or probabilities"
            )
        known = {key: item for key, item in input_items(self.inputs).items() if np.shape(item) == shape}
        # An input that was broadcast and is the same everywhere explains nothing.
        known = {key: item for key, item in known.items() if np.unique(np.asarray(item)).size > 1} or known
        label, x = next(iter(known.items()), ("position", np.arange(shape[0])))
        order = np.argsort(x, kind="stable")
        style = {"color": COLORS["blue"], "label": f"KL ({self.nature})", **kwargs}
        ax.plot(np.asarray(x)[order], np.asarray(self.value)[order], **style)
        if self.eta_tv is not None and not np.array_equal(self.eta_tv, self.value):
            tv = np.asarray(self.eta_tv)[order]
            ax.plot(np.asarray(x)[order], tv, color=COLORS["orange"], ls="--", label="total variation")
        ax.set_xlabel(label.replace("_", " "))
        ax.set_ylabel(r"contraction coefficient $\eta$")
        ax.set_ylim(-0.02, 1.02)
        ax.legend()
