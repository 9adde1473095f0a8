"""Certificates of a trained network, layer by layer, with and without noise."""

from __future__ import annotations

from ..experiments import experiment_entry

__all__ = ["FIGURE"]

FIGURE = experiment_entry(
    "generalization-network",
    "E5",
    "Certificates of a trained network, layer by layer",
    "A ReLU network of widths 10-16-8-4-1 on two Gaussian classes, 200 rows for training and for test. Exact for the "
    "samples at hand: test loss minus training loss. Bounds for the samples at hand: the certificate of each layer. "
    "Estimates: the distance W1 between the representations, and its floor, the W1 of two halves of the test sample. "
    "Right: another network, trained with dropout and noise; means over draws of them, bars are Monte Carlo standard "
    "errors. Another seed gives other numbers.",
    seconds=10,
    seed=0,
    quick={"masks": 4, "steps": 80},
)
