"""Studies of generalization bounds: gap and layer bounds of simulated linear networks."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InfostatWarning
from .grid_options import Cell, Option, Row, Wing, count, counts, number, numbers, word

if TYPE_CHECKING:
    from ..generalization.gaussian_results import GaussianSimulation

__all__ = ["WING"]

_DEPTH = 4  # layers of the network where no ranks are given
_BY_LAYER = ("kl", "w2", "w1", "lipschitz", "bound_kl", "bound_label", "bound_joint")


def _check(cell: Cell, given: frozenset[str]) -> None:
    from ..generalization import BinaryGaussianTask
    from ..generalization.gaussian_factorisation import check_gains
    from ..generalization.gaussian_layers import check_ranks
    from ..generalization.gaussian_simulation import check_margin_loss

    task = BinaryGaussianTask(cell["mu"], cell["noise_std"], cell["d"])
    ranks = check_ranks(_ranks(cell), task.d, last=1)
    check_gains(_gains(cell), len(ranks) - 2)
    check_margin_loss(cell["loss"])


def _ranks(cell: Cell) -> list[int]:
    """Ranks as given, or some that fall by about the same factor from d to 1."""
    return list(cell.get("ranks", [max(1, round(cell["d"] ** (1.0 - k / _DEPTH))) for k in range(_DEPTH + 1)]))


def _gains(cell: Cell) -> list[float]:
    return list(cell.get("gains", [1.0] * (len(_ranks(cell)) - 2)))


def _run(cell: Cell, replicates: int, **common: Any) -> GaussianSimulation:
    from ..generalization import BinaryGaussianTask

    task = BinaryGaussianTask(cell["mu"], cell["noise_std"], cell["d"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # vacuous bounds are marked in the table
        return task.simulate(cell["n"], _ranks(cell), _gains(cell), replicates, loss=cell["loss"], **common)


def _rows(found: GaussianSimulation) -> list[Row]:
    rows = [
        Row("gap", found.gap, found.se, found.exact_gap),
        Row("test_loss", found.test),
        Row("training_loss", found.train),
        Row("least_bound", *_at(found, "bound_label", found.funnel_bound)),
        Row("least_bound_layer", float(found.funnel_bound)),
        Row("least_distance_layer", float(found.funnel_distance)),
    ]
    for layer in range(len(found.ranks)):
        for name in _BY_LAYER:
            value, error = _at(found, name, layer)
            if np.isnan(value):  # W1 is known where the layer has one unit
                continue
            theory = float(found.exact_kl[layer]) if name == "kl" else float("nan")
            rows.append(Row(name, value, error, theory, axis=(layer,)))
    return rows


def _at(found: GaussianSimulation, name: str, layer: int) -> tuple[float, float]:
    return float(getattr(found, name)[layer]), float(getattr(found, f"{name}_se")[layer])


WING = Wing(
    name="bounds",
    title="Simulated generalization gap and layer bounds over a grid",
    options=(
        Option("n", "count", count(1), 15),
        Option("d", "count", count(1, 10_000_000), 20),
        Option("mu", "number", number(0.0, open_ends=False), 1.5),
        Option("noise_std", "number", number(0.0), 1.0),
        Option("ranks", "count", counts(1), many=True),
        Option("gains", "number", numbers(0.0), many=True),
        Option("loss", "word", word(), "hinge"),
    ),
    replicates=500,
    axes=("layer",),
    quantities={
        "gap": "generalization gap (unit of the loss)",
        "test_loss": "test loss",
        "training_loss": "training loss",
        "least_bound": "smallest layer bound (unit of the loss)",
        "least_bound_layer": "layer of the smallest bound",
        "least_distance_layer": "layer of the smallest distance",
        "kl": "KL divergence (nats)",
        "w2": "Wasserstein distance W2 (unit of the layer)",
        "w1": "Wasserstein distance W1 (unit of the layer)",
        "lipschitz": "Lipschitz constant above the layer",
        "bound_kl": "KL bound (unit of the loss)",
        "bound_label": "label-coupled Wasserstein bound (unit of the loss)",
        "bound_joint": "joint Wasserstein bound (unit of the loss)",
    },
    headline="gap",
    reference="the exact gap",
    lines=("exact", "limit"),
    check=_check,
    run=_run,
    rows=_rows,
)
