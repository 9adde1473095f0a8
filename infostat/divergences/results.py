"""Results of the divergence layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DivergenceResult", "Estimate", "PairDisplay", "PermutationTest", "SinkhornResult"]


class _Number:
    """Results that stand for one number behave like it under ``float()``."""

    value: float | FloatArray

    def __float__(self) -> float:
        return float(self.value)


@dataclass(frozen=True, eq=False, repr=False)
class Estimate(_Number, Result):
    """A divergence, entropy or information estimated from samples.

    Attributes
    ----------
    value : float
        The estimate, nats unless a base was given; never clipped, so it may be
        negative where the quantity is not.
    se : float
        Standard error; nan with a note where none can be given.
    n : int
        Observations of the (first) sample.
    method : str
        The estimator in words.
    bias_note : str
        Direction and size of the known bias; empty if negligible.
    m : int or None
        Observations of the second sample.
    nature : str
        ``"estimate"``.
    quantity : str
        What is estimated.
    """

    value: float
    se: float
    n: int
    method: str
    bias_note: str
    m: int | None = None
    nature: str = "estimate"
    quantity: str = ""

    _headline = ("value", "se", "n", "m", "method")

    def _title(self) -> str:
        return self.quantity or "Estimate"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Value (nats)", self.value],
            ["Standard error", self.se],
            ["Observations", self.n if self.m is None else f"{self.n} and {self.m}"],
            ["Method", self.method],
            ["Nature", self.nature],
        ]
        return [Section(rows)]

    def _notes(self) -> Sequence[str]:
        return [self.bias_note] if self.bias_note else []


@dataclass(frozen=True, eq=False, repr=False)
class PairDisplay(Result):
    """Two laws in one frame.

    Attributes
    ----------
    style : str
        ``"bars"`` (tables), ``"curves"`` (laws) or ``"histogram"`` (samples).
    x : ndarray
        Positions; bin edges of a histogram.
    p, q : ndarray
        Probabilities or densities of P and Q.
    xlabel : str
        What x is.
    """

    style: str
    x: FloatArray
    p: FloatArray
    q: FloatArray
    xlabel: str

    _headline = ("style", "xlabel")

    def to_frame(self) -> Any:
        """Return one row per position: ``x p q``, for histograms the left edges.

        Returns
        -------
        DataFrame
            The numbers of the figure.
        """
        import pandas as pd

        return pd.DataFrame({"x": self.x[: len(self.p)], "p": self.p, "q": self.q})

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots import draw_laws

        draw_laws(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class DivergenceResult(_Number, Result):
    """A divergence between two tables, laws or samples.

    Attributes
    ----------
    value : float or ndarray
        The divergence on the scale of the generator table, one per row of a batch.
    kind : str
        Which divergence.
    nature : str
        ``"exact"`` for tables and laws, ``"estimate"`` for samples.
    method : str
        How it was computed.
    se : float or None
        Standard error (samples).
    error : float or None
        Numerical error bound (quadrature).
    n, m : int or None
        Sizes of the samples.
    bias_note : str
        Known bias (samples).
    interpretation : str
        One sentence.
    unit : str
        Unit of the value; empty where it has none.
    display : PairDisplay or None
        What the figure shows; None for batches and long rows.
    """

    value: float | FloatArray
    kind: str
    nature: str
    method: str
    se: float | None = None
    error: float | None = None
    n: int | None = None
    m: int | None = None
    bias_note: str = ""
    interpretation: str = ""
    unit: str = ""
    display: PairDisplay | None = None

    _headline = ("kind", "value", "se", "nature", "method")

    def _title(self) -> str:
        return f"Divergence: {self.kind}"

    def to_frame(self) -> Any:
        """Return one row per divergence: ``kind value se error n m nature method``.

        Returns
        -------
        DataFrame
            The numbers.
        """
        import numpy as np
        import pandas as pd

        values = np.ravel(self.value)
        names = ("se", "error", "n", "m", "nature", "method")
        columns: dict[str, Any] = {"kind": [self.kind] * len(values), "value": values}
        columns |= {name: [getattr(self, name)] * len(values) for name in names}
        return pd.DataFrame(columns)

    def _sections(self) -> Sequence[Section]:
        import numpy as np

        values = np.ravel(self.value)
        rows: list[list[Cell]] = []
        if len(values) == 1:
            rows.append([f"Value ({self.unit})" if self.unit else "Value", float(values[0])])
        else:
            rows += [["Rows", len(values)], ["Mean", float(values.mean())], ["Largest", float(values.max())]]
        if self.se is not None:
            rows.append(["Standard error", self.se])
        if self.error is not None:
            rows.append(["Numerical error", self.error])
        if self.n is not None:
            rows.append(["Observations", self.n if self.m is None else f"{self.n} and {self.m}"])
        rows += [["Nature", self.nature], ["Method", self.method]]
        return [Section(rows)]

    def _notes(self) -> Sequence[str]:
        return [text for text in (self.interpretation, self.bias_note) if text]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots import draw_pair

        draw_pair(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class SinkhornResult(_Number, Result):
    """Entropic optimal transport between two weighted point sets or laws.

    Attributes
    ----------
    value : float
        ``min <P, C> + eps KL(P || a x b)``.
    transport_cost : float
        ``<P, C>`` at the optimum.
    plan : ndarray of shape (n, m) or None
        Optimal coupling.
    f, g : ndarray or None
        Dual potentials.
    converged : bool
        Whether the marginals met the tolerance.
    divergence : float or None
        Debiased divergence where it is known (Gaussian laws).
    n_iter : int
        Iterations.
    marginal_error : float
        L1 violation of the marginals.
    nature : str
        ``"exact"``: the regularised problem is solved to its tolerance.
    """

    value: float
    transport_cost: float
    plan: FloatArray | None = None
    f: FloatArray | None = None
    g: FloatArray | None = None
    converged: bool = True
    divergence: float | None = None
    n_iter: int = 0
    marginal_error: float = 0.0
    nature: str = "exact"

    _headline = ("value", "transport_cost", "converged", "n_iter")
    _words: ClassVar[dict[str, str]] = {
        "divergence": "Debiased divergence",
        "marginal_error": "L1 error of the marginals",
    }

    def _title(self) -> str:
        return "Entropic optimal transport"


@dataclass(frozen=True, eq=False, repr=False)
class PermutationTest(_Number, Result):
    """A permutation test of equal laws or of independence.

    Attributes
    ----------
    value : float
        Statistic of the sample.
    p_value : float
        ``(1 + hits)/(1 + draws)``.
    draws : int
        Permutations drawn.
    statistic : str
        Name of the statistic.
    null_distribution : ndarray of shape (draws,)
        Statistics under permutation.
    seed : int or str
        Pass it as `rng` to draw the same permutations again.
    """

    value: float
    p_value: float
    draws: int
    statistic: str
    null_distribution: FloatArray
    seed: int | str

    _headline = ("statistic", "value", "p_value", "draws")

    def _title(self) -> str:
        return f"Permutation test: {self.statistic}"
