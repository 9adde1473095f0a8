"""The Gibbs algorithm, solved by enumeration, with the bounds on its gap."""

from __future__ import annotations

from ..experiments import experiment_entry

__all__ = ["FIGURE"]

FIGURE = experiment_entry(
    "generalization-gibbs",
    "E4",
    "The Gibbs algorithm: exact gap, the two informations that make it, and bounds",
    "A loss matrix small enough to enumerate all samples. Exact, in expectation: the gap, and mutual and lautum "
    "information divided by the inverse temperature alpha, which add up to it. Bounds in expectation: individual "
    "sample, whole sample, loss difference, temperature. Right: bounds for a network with a finite set of weights "
    "against its depth, and the contraction kappa of dropout; the training error is not in them.",
    seconds=1,
)
