"""Loss-difference bounds from supersamples."""

from __future__ import annotations

from ..experiments import experiment_entry

__all__ = ["FIGURE"]

FIGURE = experiment_entry(
    "generalization-supersample",
    "E6",
    "A bound that needs nothing but losses of trained models",
    "Models trained on random halves of supersamples. Exact, in expectation: the gap of the mean classifier. Bound in "
    "expectation: individual sample. Estimates: the simulated gap with one standard error, and the loss-difference "
    "bound with 95 % intervals from resampled supersamples; these points estimate a bound and err upward where masks "
    "are few.",
    seconds=12,
    seed=0,
    quick={"supersamples": 8, "masks": 10, "network_sizes": (10, 20), "network_supersamples": 4, "bootstrap": 40},
)
