"""Generators of f-divergences: f, f', their inverse, conjugate and limits.

`generator` gives a row of the table in `infostat.divergences.generator_table` as an object
with its parameter filled in and the rules at the ends of the domain applied.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.validation import FloatArray, as_float_array, check_choice, check_number
from .generator_formulas import Limits
from .generator_table import GENERATORS, Entry
from .pairs import Pair

__all__ = ["GENERATORS", "Generator", "generator"]


@dataclass(frozen=True)
class Generator:
    """The generator of one f-divergence, with its parameter filled in.

    Attributes
    ----------
    kind : str
        Name in the table.
    order, weight, gamma : float or None
        The parameter of the family; the two that do not apply are None.

    Notes
    -----
    All methods take array_like and return a float for a scalar, an ndarray otherwise.
    """

    kind: str
    order: float | None = None
    weight: float | None = None
    gamma: float | None = None

    @property
    def entry(self) -> Entry:
        """The row of the table."""
        return GENERATORS[self.kind]

    @property
    def parameter(self) -> float:
        """The number that the callables of the entry take last; 0 where there is none."""
        name = self.entry.parameter
        return float(getattr(self, name)) if name else 0.0

    @property
    def limits(self) -> Limits:
        """Values at the ends of the domain."""
        return self.entry.limits(self.parameter)

    @property
    def f0(self) -> float:
        """f(0)."""
        return self.limits.f0

    @property
    def df_inf(self) -> float:
        """lim f(t)/t, which is also lim f'(t), as t grows."""
        return self.limits.df_inf

    @property
    def curvature(self) -> float:
        """f''(1); nan where f has a kink (tv, hockey_stick)."""
        weight = self.entry.gradient_weight
        return math.nan if weight is None else float(weight(np.ones(1), self.parameter)[0])

    def f(self, t: ArrayLike) -> Any:
        """Return f(t).

        Parameters
        ----------
        t : array_like
            Ratios p/q, from 0 to inf.

        Returns
        -------
        float or ndarray
            Non-negative for every kind; infinite at t = inf.

        Raises
        ------
        InputError
            If a ratio is negative or NaN.
        """
        ratios = _numbers("t", t, low=0.0)
        flat = ratios.reshape(-1)
        cells = np.where(flat == np.inf, np.inf, self.cells(Pair(flat, np.ones_like(flat))))
        return _bare(cells.reshape(ratios.shape))

    def df(self, t: ArrayLike) -> Any:
        """Return f'(t); the one-sided limits at t = 0 and t = inf.

        Parameters
        ----------
        t : array_like
            Ratios p/q, from 0 to inf.

        Returns
        -------
        float or ndarray
            Derivatives; at a kink the value between the two sides (tv) or on the left.

        Raises
        ------
        InputError
            If a ratio is negative or NaN.
        """
        ratios = _numbers("t", t, low=0.0)
        inner = (ratios > 0.0) & (ratios < np.inf)
        limits = self.limits
        with np.errstate(all="ignore"):
            slopes = self.entry.df(np.where(inner, ratios, 1.0), self.parameter)
        return _bare(np.where(inner, slopes, np.where(ratios == 0.0, limits.df0, limits.df_inf)))

    @property
    def df_inverse(self) -> Callable[[ArrayLike], Any] | None:
        """Inverse of f', as a function of s; None for tv and hockey_stick.

        Slopes below f'(0) give 0 and slopes from f'(inf) on give inf, so that the value is
        always the t that maximises s t - f(t).
        """
        return None if self.entry.df_inverse is None else self._inverse

    def _inverse(self, s: ArrayLike) -> Any:
        inverse = self.entry.df_inverse
        if inverse is None:  # pragma: no cover - the property above hands out None instead
            raise InputError(f"f' of {self.kind} has no inverse")
        slopes, inner = self._slopes(s)
        with np.errstate(all="ignore"):
            ratios = inverse(np.where(inner, slopes, 0.0), self.parameter)
        return _bare(np.where(inner, ratios, np.where(slopes <= self.limits.df0, 0.0, np.inf)))

    def conjugate(self, s: ArrayLike) -> Any:
        """Return f*(s) = sup over t >= 0 of s t - f(t).

        Parameters
        ----------
        s : array_like
            Slopes; any real number or an infinity.

        Returns
        -------
        float or ndarray
            -f(0) below f'(0), inf above f'(inf).

        Raises
        ------
        InputError
            If a slope is NaN.
        """
        slopes, inner = self._slopes(s)
        limits = self.limits
        with np.errstate(all="ignore"):
            values = self.entry.conjugate(np.where(inner, slopes, 0.0), self.parameter)
        above = np.where(slopes == limits.df_inf, limits.conjugate_top, np.inf)
        return _bare(np.where(inner, values, np.where(slopes <= limits.df0, -limits.f0, above)))

    def gradient_weight(self, ratio: ArrayLike) -> Any:
        """Return h(r) = r^2 f''(r), the weight of a sample in the gradient of D_f(P||Q) in Q.

        Parameters
        ----------
        ratio : array_like
            Ratios p/q, positive and finite.

        Returns
        -------
        float or ndarray
            Weights.

        Raises
        ------
        InputError
            If a ratio is not positive, or the generator has a kink (tv, hockey_stick).
        """
        weight = self.entry.gradient_weight
        if weight is None:
            raise InputError(
                f"kind must have a smooth generator for gradient weights, got {self.kind!r} (a kink)"
            )
        ratios = _numbers("ratio", ratio, low=0.0)
        with np.errstate(over="ignore", divide="ignore"):
            return _bare(np.asarray(weight(ratios, self.parameter)))

    def cells(self, pair: Pair) -> FloatArray:
        """Return q f(p/q) per cell, boundary rules included.

        Parameters
        ----------
        pair : Pair
            Masses.

        Returns
        -------
        ndarray
            0 where both masses are 0, q f(0) where p is, p f'(inf) where q is.
        """
        with np.errstate(all="ignore"):
            cells = np.asarray(self.entry.perspective(pair, self.parameter))
            no_p, no_q = pair.p_is_zero, pair.q_is_zero
            if no_p.any() or no_q.any():
                limits = self.limits
                cells = np.where(no_p, np.where(no_q, 0.0, limits.f0 * pair.q), cells)
                cells = np.where(no_q & ~no_p, limits.df_inf * pair.p, cells)
            # Two masses that both underflowed (logits): 0/0, and nothing that could be added.
            lost = np.isnan(cells)
            return np.where(lost, 0.0, cells) if lost.any() else cells

    def _slopes(self, s: ArrayLike) -> tuple[FloatArray, Any]:
        slopes = _numbers("s", s)
        limits = self.limits
        return slopes, (slopes > limits.df0) & (slopes < limits.df_inf)


def generator(
    kind: str, *, order: float | None = None, weight: float = 0.5, gamma: float | None = None
) -> Generator:
    """Return the generator of an f-divergence: f, its derivative, inverse, conjugate and limits.

    Parameters
    ----------
    kind : str
        ``kl``, ``reverse_kl``, ``jeffreys``, ``js``, ``alpha``, ``pearson``, ``neyman``,
        ``hellinger``, ``le_cam``, ``tv`` or ``hockey_stick``.
    order : float, optional
        Order of ``alpha``, any finite number; 1 is kl and 0 is reverse_kl.
    weight : float
        Weight of P in ``js``, in (0, 1).
    gamma : float, optional
        Threshold of ``hockey_stick``, positive; from 1 on it is a divergence.

    Returns
    -------
    Generator
        With ``f df df_inverse conjugate gradient_weight f0 df_inf curvature``.

    Raises
    ------
    InputError
        If the kind is unknown (the message lists the kinds), or a parameter is missing, out
        of range, or given to a kind that has none.

    Notes
    -----
    D_f(P||Q) = sum q f(p/q) with f convex, f(1) = 0 and f'(1) = 0 (Csiszár 1967; Ali and
    Silvey 1966). ``hellinger`` is H^2 with the factor 1/2. The Amari parameter a_A is
    2 order - 1, the Cressie-Read lambda is order - 1.

    Examples
    --------
    >>> g = generator("hellinger")
    >>> g.f(4.0), g.df(4.0), g.df_inverse(0.25), g.conjugate(0.25)
    (0.5, 0.25, 4.0, 0.5)
    >>> g.f0, g.df_inf, g.curvature
    (0.5, 0.5, 0.25)
    """
    name = check_choice("kind", kind, GENERATORS)
    wanted = GENERATORS[name].parameter
    for argument, value in (("order", order), ("gamma", gamma)):
        if value is not None and argument != wanted:
            raise InputError(f"{argument} must be left out for kind={name!r}, got {value}")
        if value is None and argument == wanted:
            raise InputError(f"{argument} must be given for kind={name!r}")
    return Generator(
        name,
        order=check_number("order", order) if wanted == "order" else None,
        weight=_inner_weight(weight) if wanted == "weight" else None,
        gamma=check_number("gamma", gamma, low=0.0, open_low=True) if wanted == "gamma" else None,
    )


def _inner_weight(weight: Any) -> float:
    return check_number("weight", weight, low=0.0, high=1.0, open_low=True, open_high=True)


def _numbers(name: str, value: ArrayLike, low: float = -math.inf) -> FloatArray:
    array = as_float_array(name, value, finite=False)
    n_nan = int(np.isnan(array).sum())
    n_low = int((array < low).sum())
    if n_nan or n_low:
        raise InputError(f"{name} must be >= {low:g} and not NaN, got {n_nan} NaN and {n_low} below {low:g}")
    return array


def _bare(array: FloatArray) -> Any:
    return float(array) if array.ndim == 0 else array
