"""Results of the binary Gaussian task: exact errors, the layers of one network, simulated networks."""

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

__all__ = ["MODEL", "SIMULATED", "GaussianErrors", "GaussianLayers", "GaussianSimulation", "known_distance"]

MODEL = (
    "labels are -1 or 1 with probability 1/2 each, inputs are normal with mean y mu and covariance sigma0^2 I",
    "the classifier is the sign of m.x with m the mean of y_i x_i over n independent training points",
)
# Fields of a simulation that come with a standard error, after the two losses.
SIMULATED = ("test", "train", "kl", "w2", "w1", "w1_lower", "lipschitz", "bound_kl", "bound_label", "bound_joint")
_FLAGS = {
    "funnel_distance_unsure": (
        "Layers other than the one named may have the smallest W1, which is only known to lie between the shift of the "
        "means and W2."
    ),
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GaussianErrors(_Labelled):
    """Expected test and training loss of the mean classifier, without simulation.

    Attributes
    ----------
    value : float or ndarray
        Expected gap, test minus train, unit of the loss.
    nature : str
        ``"exact"``.
    assumptions : tuple of str
        The model.
    vacuous : bool
        False; the number is exact.
    sense : str
        ``"expectation"``.
    test : float or ndarray
        Expected loss on a fresh point.
    train : float or ndarray
        Expected loss on a training point.
    n : int or ndarray of int
        Training points.
    d : int
        Dimension.
    norm : float
        Length of the class mean.
    sigma0 : float
        Standard deviation within a class, unit of the data.
    loss : str
        ``"zero_one"``, ``"hinge"``, ``"logistic"``, ``"linear"`` or ``"quadratic"``.
    interpretation : str
        What it means, in a sentence.
    """

    test: float | FloatArray
    train: float | FloatArray
    n: int | NDArray[np.int64]
    d: int
    norm: float
    sigma0: float
    loss: str
    interpretation: str = ""

    _headline = ("value", "test", "train", "n", "loss")

    @property
    def gap(self) -> float | FloatArray:
        """Expected gap, test minus train: `value` under its common name."""
        return self.value

    def to_frame(self) -> pd.DataFrame:
        """Return one row per sample size.

        Returns
        -------
        DataFrame
            ``n test train gap``.
        """
        import pandas as pd

        columns = {"n": self.n, "test": self.test, "train": self.train, "gap": self.value}
        return pd.DataFrame({name: np.ravel(column) for name, column in columns.items()})

    def _title(self) -> str:
        return "Exact errors of the mean classifier"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Loss", self.loss],
            ["Dimension", self.d],
            ["Length of the class mean", self.norm],
            ["Standard deviation", self.sigma0],
        ]
        frame = self.to_frame()
        table = [[int(row[0]), *map(float, row[1:])] for row in frame.head(20).to_numpy().tolist()]
        return [Section(rows + self._label_rows()), Section(table, ["n", "test", "train", "gap"])]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_gaussian import draw_errors

        draw_errors(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GaussianLayers(_Labelled):
    """Divergence between the laws of a training point and of a fresh point at each layer, given the weights.

    Arrays hold one entry per layer, the input first.

    Attributes
    ----------
    value : ndarray of shape (L+1,)
        KL divergence, nats; inf at n = 1 wherever the rank is positive.
    nature : str
        ``"exact"``: closed forms for these weights, not a bound and not an average over weights.
    assumptions : tuple of str
        The model.
    vacuous : bool
        False.
    sense : str
        Empty.
    w2 : ndarray of shape (L+1,)
        Wasserstein distance of order two, unit of the layer.
    w1 : ndarray of shape (L+1,)
        Wasserstein distance of order one where the layer has one unit; nan where no closed form exists. It
        lies between `w1_lower` and `w2`.
    w1_lower : ndarray of shape (L+1,)
        Distance of the means, a lower bound on W1.
    rank : ndarray of int of shape (L+1,)
        Rank of the product of the weights up to the layer.
    lipschitz : ndarray of shape (L+1,)
        Spectral norm of the product of the weights above the layer: the exact Lipschitz constant of that
        linear map; 1 at the output.
    n : int
        Training points.
    interpretation : str
        What it means, in a sentence.
    """

    value: FloatArray
    w2: FloatArray
    w1: FloatArray
    w1_lower: FloatArray
    rank: NDArray[np.int64]
    lipschitz: FloatArray
    n: int
    interpretation: str = ""

    _headline = ("value", "nature", "rank", "n")

    @property
    def kl(self) -> FloatArray:
        """KL divergence per layer, nats: `value` under its common name."""
        return self.value

    def to_frame(self) -> pd.DataFrame:
        """Return one row per layer.

        Returns
        -------
        DataFrame
            ``layer kl w2 w1 w1_lower rank lipschitz``.
        """
        import pandas as pd

        names = ("w2", "w1", "w1_lower", "rank", "lipschitz")
        columns = {"layer": np.arange(len(self.value)), "kl": self.value}
        return pd.DataFrame({**columns, **{name: getattr(self, name) for name in names}})

    def _title(self) -> str:
        return "Training against fresh points, layer by layer"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["Training points", self.n]]
        columns = (self.value, self.w1_lower, self.w1, self.w2, self.lipschitz)
        table: list[list[Cell]] = [
            [layer, int(self.rank[layer]), *(float(column[layer]) for column in columns)]
            for layer in range(len(self.value))
        ]
        head = ["layer", "rank", "KL", "mean shift", "W1", "W2", "K"]
        return [Section(rows + self._label_rows()), Section(table, head)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_gaussian import draw_layers

        draw_layers(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GaussianSimulation(_Labelled):
    """Gap and layer bounds of random linear networks whose product is the mean estimator, simulated.

    Arrays hold one entry per layer, the input first: means over the replicates, and their standard errors.

    Attributes
    ----------
    value : float
        Mean gap, test minus train, unit of the loss.
    nature : str
        ``"estimate"``: everything here is a Monte Carlo mean; `exact_gap` and `exact_kl` are not.
    assumptions : tuple of str
        The model, and what the bounds need.
    vacuous : bool
        False.
    sense : str
        ``"expectation"``.
    se : float
        Monte Carlo standard error of `value`.
    test, train : float
        Mean loss on fresh points (given the weights in closed form) and on the training points.
    exact_gap : float
        Expected gap from :meth:`BinaryGaussianTask.exact_errors`.
    kl, kl_se : ndarray of shape (L+1,)
        KL divergence given the weights, nats; inf with error 0 at n = 1.
    exact_kl : ndarray of shape (L+1,)
        Its expectation in closed form, from :meth:`BinaryGaussianTask.expected_layer_kl`.
    w2, w2_se : ndarray of shape (L+1,)
        Wasserstein distance of order two, unit of the layer.
    w1, w1_se : ndarray of shape (L+1,)
        Distance of order one where the layer has one unit, nan elsewhere.
    w1_lower, w1_lower_se : ndarray of shape (L+1,)
        Distance of the means, a lower bound on W1.
    lipschitz, lipschitz_se : ndarray of shape (L+1,)
        Lipschitz constant of the map above the layer.
    bound_kl, bound_kl_se : ndarray of shape (L+1,)
        Disintegrated KL bound ``E sigma0 |m| sqrt(2 KL_l(w))``, unit of the loss.
    bound_label, bound_label_se : ndarray of shape (L+1,)
        Label-coupled Wasserstein bound ``E K_l W_l``; it does not depend on the gains.
    bound_joint, bound_joint_se : ndarray of shape (L+1,)
        Joint form ``E max(1, K_l) W_l``.
    funnel_distance : int
        Layer of the smallest mean distance: W1 where it is known, W2 elsewhere.
    funnel_bound : int
        Layer of the smallest label-coupled bound.
    n, replicates : int
        Training points; simulated training sets.
    ranks : ndarray of int of shape (L+1,)
        Widths and ranks of the layers.
    gains : ndarray of shape (L-1,)
        Spectral norms of the layers below the last one.
    loss : str
        ``"hinge"``, ``"logistic"`` or ``"linear"``, all with Lipschitz constant 1 in the output.
    flags : tuple of str
        ``"funnel_distance_unsure"`` where the bracket of W1 leaves the funnel open.
    seed : int or str
        Gives the same numbers again as ``rng``.
    interpretation : str
        What it shows, in sentences.
    """

    value: float
    se: float
    test: float
    train: float
    exact_gap: float
    kl: FloatArray
    kl_se: FloatArray
    exact_kl: FloatArray
    w2: FloatArray
    w2_se: FloatArray
    w1: FloatArray
    w1_se: FloatArray
    w1_lower: FloatArray
    w1_lower_se: FloatArray
    lipschitz: FloatArray
    lipschitz_se: FloatArray
    bound_kl: FloatArray
    bound_kl_se: FloatArray
    bound_label: FloatArray
    bound_label_se: FloatArray
    bound_joint: FloatArray
    bound_joint_se: FloatArray
    funnel_distance: int
    funnel_bound: int
    n: int
    replicates: int
    ranks: NDArray[np.int64]
    gains: FloatArray
    loss: str
    flags: tuple[str, ...] = ()
    seed: int | str = 0
    interpretation: str = ""

    _headline = ("value", "se", "n", "replicates", "loss")

    @property
    def gap(self) -> float:
        """Mean gap, test minus train: `value` under its common name."""
        return self.value

    def to_frame(self) -> pd.DataFrame:
        """Return one row per layer.

        Returns
        -------
        DataFrame
            ``layer rank``, then mean and standard error of ``kl w2 w1 w1_lower lipschitz bound_kl bound_label
            bound_joint``, and ``exact_kl``; the last columns ``gap gap_se exact_gap`` repeat in every row.
        """
        import pandas as pd

        columns: dict[str, Any] = {"layer": np.arange(len(self.ranks)), "rank": self.ranks}
        for name in SIMULATED[2:]:
            columns |= {name: getattr(self, name), f"{name}_se": getattr(self, f"{name}_se")}
        columns |= {"exact_kl": self.exact_kl, "gap": self.value, "gap_se": self.se, "exact_gap": self.exact_gap}
        return pd.DataFrame(columns)

    def _title(self) -> str:
        return "Simulated linear networks on the binary Gaussian task"

    def _settings(self) -> dict[str, Cell]:
        return {"loss": self.loss, "replicates": self.replicates, "seed": str(self.seed)}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Training points", self.n],
            ["Training sets", self.replicates],
            ["Loss", self.loss],
            ["Mean test loss", self.test],
            ["Mean training loss", self.train],
            ["Mean gap", self.value],
            ["Monte-Carlo standard error", self.se],
            ["Expected gap (exact)", self.exact_gap],
            ["Layer of the smallest distance", self.funnel_distance],
            ["Layer of the smallest bound", self.funnel_bound],
            ["Seed", str(self.seed)],
        ]
        distance = known_distance(self.w1, self.w2)
        columns = (self.kl, distance, self.bound_kl, self.bound_label, self.bound_joint)
        table: list[list[Cell]] = [
            [layer, int(rank), *(float(column[layer]) for column in columns)] for layer, rank in enumerate(self.ranks)
        ]
        head = ["layer", "rank", "KL", "W1 or W2", "KL bound", "label", "joint"]
        title = "means over the training sets; the last three bound the gap"
        return [Section(rows + self._label_rows()), Section(table, head, title=title)]

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), *(caution(flag, _FLAGS[flag]) for flag in self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_gaussian import draw_simulation

        draw_simulation(ax, self, **kwargs)


def known_distance(w1: FloatArray, w2: FloatArray) -> FloatArray:
    """Return W1 where it is known, its upper bound W2 elsewhere.

    Parameters
    ----------
    w1, w2 : ndarray of shape (L+1,)
        Distances; nan in `w1` where there is none.

    Returns
    -------
    ndarray of shape (L+1,)
        Distances.
    """
    return np.where(np.isnan(w1), w2, w1)
