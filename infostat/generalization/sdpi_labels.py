"""How a contraction coefficient becomes a labelled result."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.errors import NoContractionWarning
from ..core.validation import FloatArray
from .labelled import scalar_or_array
from .sdpi_channels import Coefficient
from .sdpi_result import Contraction

__all__ = ["FRESH", "contraction_of"]

FRESH = (
    "the noise is drawn afresh for every input, in training and where the trained network is evaluated "
    "(dropout switched off at evaluation does not contract)"
)


def contraction_of(
    found: Coefficient,
    *,
    eta_tv: FloatArray | None,
    nature: str,
    name: str,
    inputs: Mapping[str, Any],
    assumptions: tuple[str, ...],
    unbounded: bool = False,
) -> Contraction:
    """Return the labelled result of a coefficient; warn where nothing contracts and that may mislead.

    Parameters
    ----------
    found : Coefficient
        The coefficient of KL.
    eta_tv : ndarray or None
        That of total variation.
    nature, name, inputs, assumptions
        Fields of the result.
    unbounded : bool
        Whether the inputs have infinite diameter.

    Returns
    -------
    Contraction
        With flags and a sentence.

    Warns
    -----
    NoContractionWarning
        If the inputs are unbounded or a bound is 1; the warning points at the caller's caller.
    """
    trivial = np.isneginf(found.log_gap)
    vacuous = trivial if nature == "bound" else np.zeros_like(trivial)
    if unbounded or vacuous.any():
        cause = "inputs of unbounded diameter do not contract" if unbounded else "nothing is known to be lost"
        cure = "use a bounded activation, or sdpi_gaussian_input for a fixed input law" if unbounded else "add noise"
        warnings.warn(
            f"{name}: the contraction coefficient is 1, because {cause}; {cure}",
            NoContractionWarning,
            stacklevel=3,
        )
    return Contraction(
        value=scalar_or_array(found.eta),
        contraction_gap=scalar_or_array(found.gap),
        log_contraction_gap=scalar_or_array(found.log_gap),
        eta_tv=None if eta_tv is None else scalar_or_array(eta_tv),
        nature=nature,
        vacuous=bool(vacuous) if vacuous.ndim == 0 else vacuous,
        name=name,
        inputs=inputs,
        assumptions=assumptions,
        flags=("no_contraction",) if trivial.any() else (),
        interpretation=_interpretation(found),
    )


def _interpretation(found: Coefficient) -> str:
    if found.eta.ndim:
        low, high = float(found.eta.min()), float(found.eta.max())
        share = f"a share between {low:.4g} and {high:.4g}"
    else:
        share = f"a share of {float(found.eta):.4g}"
    return (
        f"Of a divergence between input laws, or of the information in the input, at most {share} is left behind the "
        "noise; in a bound the share applies to what the weights know about the inputs given the labels, not to "
        "what they know about the labels."
    )
