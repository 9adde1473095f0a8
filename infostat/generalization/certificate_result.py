"""Results of the certificates: one transport problem, and the table of all layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray
from .labelled import _Labelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["LabelledTransport", "LayerCertificates", "RepresentationShift"]

_FLAGS = {
    "subsampled": "There are more rows than max_exact: distances, certificates and the gap are those of the rows "
    "drawn, and the certificates bound the gap between these rows only.",
    "label_cost_below_loss": "The label cost given is smaller than the largest change of this loss when the label "
    "changes: the certificates are no bounds for it.",
    "lipschitz_contradicted": "Some rows are further apart at the output than the Lipschitz constant of a layer "
    "allows. Either the constant is too small and its certificate is no bound, or noise is drawn after that layer "
    "and the certificate holds on average over this noise. Such layers do not enter the smallest certificate.",
    "solver_stopped": "A transport problem was not solved to the optimum; the cost of the independent coupling, an "
    "upper bound, stands in for it.",
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LabelledTransport(_Labelled):
    """The cheapest way to move one labelled sample onto another.

    Attributes
    ----------
    value : float
        ``min sum_ij P_ij (K |t_i - t'_j| + B 1[y_i != y'_j])`` over couplings P of the two samples, unit of
        the loss.
    nature : str
        ``"bound"``: no loss that K and B fit can have means that differ by more.
    assumptions : tuple of str
        What K and B must satisfy.
    vacuous : bool
        Whether the value is infinite; the range of the loss is not known here.
    sense : str
        ``"always"``: for the two samples given.
    lipschitz : float
        K, the constant of the loss times that of the map to the output.
    label_cost : float
        B.
    distance_part : float
        ``K sum_ij P_ij |t_i - t'_j|`` at the optimum.
    label_part : float
        ``B`` times the mass that changes its label at the optimum.
    n_train, n_test : int
        Rows used.
    flags : tuple of str
        ``"subsampled" "solver_stopped"``.
    seed : int, str or None
        Seed of the rows drawn, None if all were used.
    interpretation : str
        What it means, in a sentence.
    """

    value: float
    lipschitz: float
    label_cost: float
    distance_part: float
    label_part: float
    n_train: int
    n_test: int
    flags: tuple[str, ...] = ()
    seed: int | str | None = None
    interpretation: str = ""

    _headline = ("value", "nature", "lipschitz", "label_cost", "n_train", "n_test")

    def _title(self) -> str:
        return "Transport between two labelled samples"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Cost of the transport", self.value],
            ["of which distance", self.distance_part],
            ["of which changed labels", self.label_part],
            ["Lipschitz constant", self.lipschitz],
            ["Cost of a changed label", self.label_cost],
            ["Rows", f"{self.n_train} and {self.n_test}"],
        ]
        return [Section(rows + self._label_rows())]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, _FLAGS[flag]) for flag in self.flags)]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LayerCertificates(_Labelled):
    """Certificates of one network for two labelled samples, layer by layer.

    Attributes
    ----------
    value : float
        The smallest certificate: ``|test loss - train loss|`` is at most this, unit of the loss. Layers whose
        Lipschitz constant the outputs contradict are left out.
    nature : str
        ``"bound"``; ``"proxy"`` where the label cost given is too small for the loss.
    assumptions : tuple of str
        What has to hold.
    vacuous : bool
        Whether `value` is at least `loss_range`, which no difference of mean losses can exceed.
    sense : str
        ``"always"``: a statement on the two samples given, without any probability.
    layer : tuple of str
        Names of the layers, ``"0"`` (input) to ``"L"`` (output) unless names were given.
    width : ndarray of int of shape (L+1,)
        Coordinates of each layer.
    lipschitz : ndarray of shape (L+1,)
        Tail constants K_l, from layer l to the output.
    w1 : ndarray of shape (L+1,)
        Wasserstein distance of order one between the two samples at each layer, labels left out, no
        Lipschitz factor, unit of the layer.
    w1_floor : ndarray of shape (L+1,)
        The same between two random halves of the test sample, which come from one law: distance
        that finite samples of half the size show without any difference of laws.
    certificate : ndarray of shape (L+1,)
        Transport cost of ``rho0 K_l |t - t'| + B 1[y != y']`` between the samples, unit of the loss.
    certificate_floor : ndarray of shape (L+1,)
        The same between the two halves of the test sample.
    train_loss, test_loss : float
        Mean losses.
    gap : float
        ``test_loss - train_loss``, of the rows used.
    gap_all : float
        The same over all rows; equal to `gap` unless rows were drawn.
    funnel_distance : int
        Layer of the smallest `w1` (the smallest index among ties).
    funnel_bound : int
        Layer of the smallest certificate, as for `value` (the smallest index among ties).
    loss : str
        ``"logistic" "hinge" "softmax" "squared"``.
    rho0 : float
        Lipschitz constant of the loss in the output.
    label_cost : float
        B, largest change of the loss when the label changes.
    loss_range : float
        Largest minus smallest loss over the outputs and labels that occur.
    n_train, n_test : int
        Rows used.
    flags : tuple of str
        ``"subsampled" "label_cost_below_loss" "lipschitz_contradicted" "solver_stopped"``.
    seed : int or str
        Gives the same halves and rows again as ``rng``.
    interpretation : str
        What it means, in sentences.
    """

    value: float
    layer: tuple[str, ...]
    width: NDArray[np.int64]
    lipschitz: FloatArray
    w1: FloatArray
    w1_floor: FloatArray
    certificate: FloatArray
    certificate_floor: FloatArray
    train_loss: float
    test_loss: float
    gap: float
    gap_all: float
    funnel_distance: int
    funnel_bound: int
    loss: str
    rho0: float
    label_cost: float
    loss_range: float
    n_train: int
    n_test: int
    flags: tuple[str, ...] = ()
    seed: int | str = 0
    interpretation: str = ""

    _headline = ("value", "nature", "gap", "funnel_distance", "funnel_bound", "vacuous")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per layer.

        Returns
        -------
        DataFrame
            ``layer name width lipschitz w1 w1_floor certificate certificate_floor gap``.
        """
        import pandas as pd

        columns = {
            "layer": np.arange(len(self.layer)),
            "name": list(self.layer),
            "width": self.width,
            "lipschitz": self.lipschitz,
            "w1": self.w1,
            "w1_floor": self.w1_floor,
            "certificate": self.certificate,
            "certificate_floor": self.certificate_floor,
            "gap": self.gap,
        }
        return pd.DataFrame(columns)

    def _title(self) -> str:
        return "Certificates of a network, layer by layer"

    def _settings(self) -> dict[str, Cell]:
        return {"loss": self.loss, "seed": self.seed}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Mean loss on the training sample", self.train_loss],
            ["Mean loss on the test sample", self.test_loss],
            ["Gap (test - train)", self.gap],
            ["Smallest certificate of |gap|", self.value],
            ["Largest difference of two losses", self.loss_range],
            ["Loss", f"{self.loss} (Lipschitz constant {self.rho0:.4g}, label cost {self.label_cost:.4g})"],
            ["Rows", f"{self.n_train} and {self.n_test}"],
            ["Layer of the smallest certificate", self.layer[self.funnel_bound]],
            ["Layer of the smallest distance", self.layer[self.funnel_distance]],
        ]
        if "subsampled" in self.flags:
            rows.insert(3, ["Gap over all rows", self.gap_all])
        columns = [self.lipschitz, self.w1, self.w1_floor, self.certificate, self.certificate_floor]
        table: list[list[Cell]] = [
            [name, int(self.width[i]), *(float(column[i]) for column in columns)] for i, name in enumerate(self.layer)
        ]
        head = ["layer", "width", "K", "W1", "W1 floor", "certificate", "its floor"]
        return [Section(rows + self._label_rows()), Section(table, head)]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, _FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_certificates import draw_certificates

        draw_certificates(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RepresentationShift(_Labelled):
    """How different train and test representations look at each layer: a proxy, not a bound.

    Attributes
    ----------
    value : ndarray of shape (L+1,)
        Estimated KL(train representations || test representations), nats; may be negative.
    nature : str
        ``"proxy"``.
    assumptions : tuple of str
        What the estimator needs; none of it makes the value a bound.
    vacuous : bool
        False: there is no bound.
    sense : str
        Empty.
    layer : tuple of str
        Names of the layers.
    width : ndarray of int of shape (L+1,)
        Coordinates of each layer.
    dimension : ndarray of int of shape (L+1,)
        Dimension of the flat that holds both samples, used by the estimator.
    se : ndarray of shape (L+1,)
        Standard errors; nan where a sample is too small for one.
    k : int
        Number of the neighbour.
    n_train, n_test : int
        Rows.
    interpretation : str
        What it means, in sentences.
    """

    value: FloatArray
    layer: tuple[str, ...]
    width: NDArray[np.int64]
    dimension: NDArray[np.int64]
    se: FloatArray
    k: int
    n_train: int
    n_test: int
    interpretation: str = ""

    _headline = ("value", "nature", "k", "n_train", "n_test")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per layer.

        Returns
        -------
        DataFrame
            ``layer name width dimension kl_proxy se``.
        """
        import pandas as pd

        columns = {
            "layer": np.arange(len(self.layer)),
            "name": list(self.layer),
            "width": self.width,
            "dimension": self.dimension,
            "kl_proxy": self.value,
            "se": self.se,
        }
        return pd.DataFrame(columns)

    def _title(self) -> str:
        return "Shift of the representations (proxy)"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["Rows", f"{self.n_train} and {self.n_test}"], ["Neighbour", self.k]]
        columns = [self.width.tolist(), self.dimension.tolist(), self.value.tolist(), self.se.tolist()]
        table = [[name, *cells] for name, *cells in zip(self.layer, *columns, strict=True)]
        head = ["layer", "width", "dimension", "KL proxy (nats)", "s.e."]
        return [Section(rows + self._label_rows()), Section(table, head)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_certificates import draw_shift

        draw_shift(ax, self, **kwargs)
