"""Results for networks with finitely many parameter values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.style import COLORS
from ..core.tables import Cell, Section
from ..core.validation import FloatArray
from ..core.words import frame_section, row_label
from .labelled import INPUT_LABELS, _Labelled, input_items

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["CAVEAT", "DepthWidthTable", "FiniteParameterBound"]

CAVEAT = (
    "This compares bounds on the gap only: the training error, which usually grows as layers get narrower, is not in "
    "it. Deeper and narrower is better in this example; how general that is stays open (He & Goldfeld, arXiv "
    "2404.03176)."
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FiniteParameterBound(_Labelled):
    """Bound on the generalization gap of a network whose weights take finitely many values.

    Attributes
    ----------
    value : float or ndarray
        Bound on the absolute gap, unit of the loss.
    nature : str
        ``"bound"``.
    assumptions : tuple of str
        What has to hold.
    vacuous : bool or ndarray of bool
        True where the bound is at least twice sigma.
    sense : str
        ``"expectation"``.
    n_params : int
        Number N of parameters.
    contraction : float
        kappa, the product of the Dropout coefficients of all layer inputs; 1 without dropout.
    contraction_gap : float
        1 - kappa, accurate where kappa rounds to 1.
    entropy : float or ndarray
        ``N log(levels)``, the largest information the weights can carry, nats.
    label_information : float or ndarray
        The bound on the information about labels that was used, never above `entropy`, nats.
    inputs : mapping of str to number or array
        What went in.
    interpretation : str
        What it means, in sentences.
    """

    n_params: int
    contraction: float
    contraction_gap: float
    entropy: float | FloatArray
    label_information: float | FloatArray
    inputs: Mapping[str, float | str | FloatArray | None] | None = None
    interpretation: str = ""

    _headline = ("value", "n_params", "contraction", "vacuous")

    def _title(self) -> str:
        return "Generalization bound for a finite parameter space"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per value.

        Returns
        -------
        DataFrame
            ``n levels sigma n_params contraction entropy label_information value vacuous``.
        """
        import pandas as pd

        shape = np.shape(self.value)
        inputs = input_items(self.inputs)
        columns: dict[str, Any] = {key: inputs[key] for key in ("n", "levels", "sigma") if key in inputs}
        for key in ("n_params", "contraction", "entropy", "label_information", "value", "vacuous"):
            columns[key] = getattr(self, key)
        return pd.DataFrame({key: np.ravel(np.broadcast_to(np.asarray(v), shape)) for key, v in columns.items()})

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["Bounds", "absolute generalization gap"]]
        single = np.ndim(self.value) == 0
        if single:
            rows.append(["Value", float(self.value)])
        rows += self._label_rows()
        rows += [["Parameters N", self.n_params], ["Contraction kappa", self.contraction]]
        rows.append(["1 - kappa", self.contraction_gap])
        if single:
            rows += [["Entropy bound N log(levels) (nats)", float(self.entropy)]]
            rows += [["Label information (nats)", float(self.label_information)]]
            given = input_items(self.inputs).items()
            rows += [[row_label(key, INPUT_LABELS), item] for key, item in given if np.ndim(item) == 0]
            return [Section(rows)]
        frame = self.to_frame().drop(columns=["n_params", "contraction"])
        return [Section(rows), frame_section(frame, most=20)]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), CAVEAT]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DepthWidthTable(_Labelled):
    """Contraction of dropout networks of different depth with the same number of parameters.

    Attributes
    ----------
    value : ndarray of shape (k,)
        kappa per depth, see `kappa`.
    nature : str
        ``"bound"``: coefficients of layers multiply to a bound.
    assumptions : tuple of str
        What has to hold.
    vacuous : ndarray of bool of shape (k,)
        True where kappa is 1.
    sense : str
        Empty: kappa belongs to the network, not to a sample.
    kappa : ndarray of shape (k,)
        ``(1 - drop^width)^depth``, the factor of the information about inputs that reaches the output.
    depth : ndarray of int of shape (k,)
        Number L of layers.
    width : ndarray of shape (k,)
        ``sqrt(n_params / depth)``, real-valued.
    kappa_gap : ndarray of shape (k,)
        1 - kappa, accurate where kappa rounds to 1.
    bound_factor : ndarray of shape (k,)
        ``sqrt(kappa)``: factor of the label-free bound of a finite parameter space.
    n_params : int
        Weights ``depth * width^2``, without biases.
    drop : float
        Dropout probability on every layer input.
    interpretation : str
        What it means, in sentences, with what it leaves open.
    """

    depth: NDArray[np.int64]
    width: FloatArray
    kappa_gap: FloatArray
    bound_factor: FloatArray
    n_params: int
    drop: float
    interpretation: str = ""

    _headline = ("value", "n_params", "drop", "nature")

    @property
    def kappa(self) -> FloatArray:
        """Contraction factor per depth, the same as `value`."""
        return np.asarray(self.value)

    def _title(self) -> str:
        return f"Depth against width at {self.n_params} parameters, dropout {self.drop:g}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per depth.

        Returns
        -------
        DataFrame
            ``depth width kappa kappa_gap bound_factor``.
        """
        import pandas as pd

        names = ("depth", "width", "kappa", "kappa_gap", "bound_factor")
        return pd.DataFrame({name: getattr(self, name) for name in names})

    def _sections(self) -> Sequence[Section]:
        return [frame_section(self.to_frame()), Section(self._label_rows())]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        style = {"color": COLORS["blue"], "marker": "o", "markersize": 4, **kwargs}
        ax.plot(self.depth, self.value, **style)
        if (self.kappa > 0.0).any():
            ax.set_yscale("log")
        ax.set_xlabel("depth (number of layers)")
        ax.set_ylabel(r"contraction $\kappa$ (bound)")
        ax.set_title(self._title())
