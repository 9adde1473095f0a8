"""Floor 0: validation, randomness, kernels, replicates, accumulators, results."""

from .errors import InfostatError, InfostatWarning

__all__ = ["InfostatError", "InfostatWarning"]
