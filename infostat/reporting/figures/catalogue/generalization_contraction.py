"""Contraction coefficients of dropout and of Gaussian noise, and their products over depth."""

from __future__ import annotations

from ..experiments import experiment_entry

__all__ = ["FIGURE"]

FIGURE = experiment_entry(
    "generalization-contraction",
    "E3",
    "How much noise in the layers contracts information",
    "Left: 1 minus the contraction coefficient of dropout on layers of several widths, exact. Middle: the coefficient "
    "of Gaussian noise on tanh units, exact for the given diameter, and Dobrushin's bound. Right: upper bounds kappa "
    "of the product over layers with dropout at a constant number of weights. The coefficients hold for every "
    "sample. They bound the gap; the training error, which usually grows as layers get narrower, is not in them.",
    seconds=1,
)
