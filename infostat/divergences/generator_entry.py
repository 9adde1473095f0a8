"""One row of the generator table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..core.validation import FloatArray
from .generator_formulas import Limits
from .pairs import Pair

__all__ = ["Entry"]

Curve = Callable[[FloatArray, float], FloatArray]


@dataclass(frozen=True)
class Entry:
    """One row of the generator table; every callable takes the parameter of the family last.

    Attributes
    ----------
    title : str
        Name in words.
    formula : str
        The divergence as a sum over cells.
    perspective : callable
        (pair, a) -> q f(p/q) per cell with p, q > 0, accurate near p = q.
    df, conjugate : callable
        (t, a) -> f'(t) for 0 < t < inf, and (s, a) -> f*(s) for f'(0) < s < f'(inf).
    limits : callable
        a -> `Limits`.
    df_inverse : callable or None
        (s, a) -> the t with f'(t) = s; None where f' is not one to one.
    gradient_weight : callable or None
        (r, a) -> r^2 f''(r); None where f has a kink.
    parameter : str
        ``""``, ``"order"``, ``"weight"`` or ``"gamma"``: the argument that supplies a.
    symmetric : bool
        Whether D(P||Q) = D(Q||P).
    """

    title: str
    formula: str
    perspective: Callable[[Pair, float], FloatArray]
    df: Curve
    conjugate: Curve
    limits: Callable[[float], Limits]
    df_inverse: Curve | None = None
    gradient_weight: Curve | None = None
    parameter: str = ""
    symmetric: bool = False
