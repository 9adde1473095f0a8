"""What a projection and a fit return inside the package."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.validation import FloatArray
from .whitening import Whitened

__all__ = ["Fit", "NewtonReport"]


@dataclass(frozen=True)
class NewtonReport:
    """How a projection was found.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Natural parameter.
    n_iter : int
        Newton steps taken (0 for closed forms).
    method : str
        ``"closed form"`` or ``"newton"``.
    converged : bool
        Whether the tolerance was met.
    """

    theta: FloatArray
    n_iter: int = 0
    method: str = "closed form"
    converged: bool = True


@dataclass(frozen=True)
class Fit:
    """A family fitted to weighted data.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Maximum-likelihood estimate, the information projection of the data.
    eta : ndarray of shape (p,)
        Weighted mean of the statistics.
    whitened : Whitened
        The fitted model in whitened coordinates.
    report : NewtonReport
        How theta was found.
    """

    theta: FloatArray
    eta: FloatArray
    whitened: Whitened
    report: NewtonReport
