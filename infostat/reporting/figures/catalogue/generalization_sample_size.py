"""Bounds on the generalization gap against the sample size."""

from __future__ import annotations

from ..experiments import experiment_entry

__all__ = ["FIGURE"]

FIGURE = experiment_entry(
    "generalization-sample-size",
    "E2",
    "Bounds on the generalization gap against the sample size",
    "Two Gaussian classes in ten dimensions, 0-1 loss and hinge loss. Exact, in expectation: the gap. Bounds in "
    "expectation: individual sample, KL and Wasserstein at each layer. Bound with probability 0.95 at each n: "
    "PAC-Bayes (Seeger), for one sample whose first n rows are used. Slopes of the upper half of the sizes are in "
    "the legends: the 0-1 gap falls faster than the bound that sees one sample at a time.",
    seconds=3,
    seed=0,
)
