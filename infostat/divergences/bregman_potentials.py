"""Bregman divergences of points, for named potentials and for any pair (value, gradient)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_choice, short
from .generators import generator
from .pairs import Pair
from .probability_tables import Normalize, RowPair, check_axis, in_base, read_rows
from .table_engine import f_rows

__all__ = ["bregman"]

Potential: TypeAlias = "str | tuple[Callable[[FloatArray], Any], Callable[[FloatArray], Any]]"


def bregman(
    x: ArrayLike,
    y: ArrayLike,
    phi: Potential,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "no",
) -> Any:
    """Return the Bregman divergence phi(x) - phi(y) - <grad phi(y), x - y>.

    Parameters
    ----------
    x, y : array_like
        Points along `axis`; the other axes broadcast.
    phi : str or pair of callables
        ``"squared_norm"`` (sum of squares), ``"negative_entropy"`` (generalised kl),
        ``"itakura_saito"`` (-sum log), the log-normalisers ``"log_sum_exp"`` (categorical) and
        ``"exp"`` (Poisson), or (value, gradient): functions of one point of shape (K,).
    axis : int
        Axis of the coordinates.
    base : float, optional
        Base of the logarithm; the result is divided by log(base).
    normalize : {"no", "check", "yes"}
        Points are taken as they are; the other two treat them as rows of `kl`.

    Returns
    -------
    float or ndarray
        Divergence, one per pair of points; not symmetric.

    Raises
    ------
    InputError
        If phi is unknown, or a point lies outside its domain.
    InputTypeError
        If phi is neither a name nor a pair of callables.

    Notes
    -----
    Built-in potentials use forms without cancellation. For the log-normaliser A of an
    exponential family, B_A(theta2, theta1) = kl(p1, p2).

    Examples
    --------
    >>> bregman([1.0, 2.0], [0.0, 0.0], "squared_norm")
    5.0
    >>> bregman([1.0, 2.0], [0.0, 0.0], (lambda v: v @ v, lambda v: 2 * v))
    5.0
    """
    if isinstance(phi, str):
        function = _BREGMAN[check_choice("phi", phi, _BREGMAN)]
    elif isinstance(phi, tuple) and len(phi) == 2 and all(callable(part) for part in phi):
        function = _bregman_of(*phi)
    else:
        required = "a pair of callables (value, gradient) or one of " + ", ".join(map(repr, _BREGMAN))
        raise InputTypeError(describe("phi", required, short(phi)))
    if check_choice("normalize", normalize, ("check", "yes", "no")) == "no":
        points = tuple(_points(name, value, axis) for name, value in (("x", x), ("y", y)))
    else:
        points = tuple(
            read_rows(name, value, axis=axis, normalize=normalize).values
            for name, value in (("x", x), ("y", y))
        )
    if points[0].shape[-1] != points[1].shape[-1]:
        raise InputError(
            f"x and y must have the same length along axis {axis}, got {np.shape(x)} and {np.shape(y)}"
        )
    try:
        first, second = np.broadcast_arrays(*points)
    except ValueError:
        shapes = f"{np.shape(x)} and {np.shape(y)}"
        raise InputError(f"x and y must broadcast apart from axis {axis}, got shapes {shapes}") from None
    return in_base(function(first, second), base)


def _points(name: str, value: ArrayLike, axis: int) -> FloatArray:
    array = as_float_array(name, value)
    if array.ndim == 0:
        raise InputError(describe(name, "points with at least one axis", Words("one number")))
    return np.moveaxis(array, check_axis(name, axis, array.ndim), -1)


def _squared_norm(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.asarray(((x - y) ** 2).sum(axis=-1))


def _negative_entropy(x: FloatArray, y: FloatArray) -> FloatArray:
    _refuse_below(x, y, "negative_entropy", strict=False)
    return np.asarray(generator("kl").cells(Pair(x, y)).sum(axis=-1))


def _itakura_saito(x: FloatArray, y: FloatArray) -> FloatArray:
    _refuse_below(x, y, "itakura_saito", strict=True)
    with np.errstate(all="ignore"):
        log_ratio = Pair(x, y).log_ratio
    return _exp_excess(log_ratio, np.zeros_like(log_ratio))


def _log_sum_exp(x: FloatArray, y: FloatArray) -> FloatArray:
    # With P = softmax(y) and Q = softmax(x): A(x) - A(y) - <x - y, P> = kl(P, Q).
    p, q = (read_rows(name, value, logits=True) for name, value in (("y", y), ("x", x)))
    return f_rows(generator("kl"), RowPair(p, q, p.shape))


def _exp(x: FloatArray, y: FloatArray) -> FloatArray:
    return _exp_excess(x - y, y)


def _exp_excess(step: FloatArray, log_weight: FloatArray) -> FloatArray:
    # e^y (e^l - 1 - l) is the generalised kl of the masses e^y and e^(y + l).
    pair = Pair.from_logs(log_weight, log_weight + step, log_ratio=-step)
    with np.errstate(over="ignore"):
        return np.asarray(generator("kl").cells(pair).sum(axis=-1))


_BREGMAN: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "squared_norm": _squared_norm,
    "negative_entropy": _negative_entropy,
    "itakura_saito": _itakura_saito,
    "log_sum_exp": _log_sum_exp,
    "exp": _exp,
}


def _refuse_below(x: FloatArray, y: FloatArray, phi: str, strict: bool) -> None:
    for name, value in (("x", x), ("y", y)):
        n_bad = int((value <= 0.0).sum() if strict else (value < 0.0).sum())
        if n_bad:
            required = f"{'positive' if strict else 'non-negative'} where phi={phi!r}"
            raise InputError(describe(name, required, Words(f"{n_bad} values that are not")))


def _bregman_of(
    value: Callable[[FloatArray], Any], gradient: Callable[[FloatArray], Any]
) -> Callable[[FloatArray, FloatArray], FloatArray]:
    def function(x: FloatArray, y: FloatArray) -> FloatArray:
        out = np.empty(x.shape[:-1])
        for index in np.ndindex(out.shape):
            a, b = x[index].copy(), y[index].copy()
            slope = as_float_array("gradient of phi", gradient(b))
            if slope.shape != b.shape:
                raise InputError(f"gradient of phi must have shape {b.shape}, got {slope.shape}")
            out[index] = float(value(a)) - float(value(b)) - float(slope @ (a - b))
        return out

    return function
