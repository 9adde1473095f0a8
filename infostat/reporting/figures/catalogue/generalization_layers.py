"""Bounds on the generalization gap against the layer of a linear network."""

from __future__ import annotations

from ..experiments import experiment_entry

__all__ = ["FIGURE"]

FIGURE = experiment_entry(
    "generalization-layers",
    "E1",
    "Bounds on the generalization gap against the layer of a linear network",
    "Two Gaussian classes and a linear network whose layers are written with three patterns of gains. Exact, in "
    "expectation: the gap of the hinge loss and of the 0-1 loss, and the distances W2 between the laws of training "
    "and fresh representations. Bounds in expectation: joint and label-coupled Wasserstein (by quadrature), KL. "
    "Points are means over simulated training sets with one standard error. Rings mark the layer at which W2 is "
    "smallest. All networks of a panel are the same classifier.",
    seconds=5,
    seed=0,
    quick={"replicates": 60},
)
