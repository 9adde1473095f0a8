"""Divergences of the layers of a linear network on the binary Gaussian task, in closed form.

Given the weights, the label times the input has the law ``N(m, sigma0^2 (1 - 1/n) I)`` for a training
point and ``N(mu, sigma0^2 I)`` for a fresh one, with ``m`` the mean of the training points. A linear
layer maps both to normal laws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_count, check_number, short
from ..divergences.stable import log_gap
from .labelled import check_sizes
from .lipschitz import check_weight_matrices

__all__ = [
    "LARGEST_SIZE",
    "MODES",
    "LayerNumbers",
    "check_dimension",
    "check_ranks",
    "expected_kl",
    "expected_shift",
    "folded_distance",
    "layer_numbers",
    "log_excess",
    "spread_loss",
]

LARGEST_SIZE = 10**15
_TERMS = 200  # of the continued fraction: relative error below 1e-14 for every dimension and argument
MODES = ("factorised", "independent")


class LayerNumbers(NamedTuple):
    """Numbers of the layers 0 ... L, one entry each.

    Attributes
    ----------
    kl, w2, w1, w1_lower : ndarray of shape (L+1,)
        Divergences, nats and units of the layer; w1 is nan where the layer has more than one unit.
    rank : ndarray of int of shape (L+1,)
        Rank of the product of the weights up to the layer.
    lipschitz : ndarray of shape (L+1,)
        Spectral norm of the product of the weights above the layer.
    """

    kl: FloatArray
    w2: FloatArray
    w1: FloatArray
    w1_lower: FloatArray
    rank: NDArray[np.int64]
    lipschitz: FloatArray


def log_excess(n: ArrayLike) -> FloatArray:
    """Return ``-1/n - log(1 - 1/n)``, twice the KL divergence per dimension that the smaller variance causes.

    Parameters
    ----------
    n : array_like
        Training points; 1 gives inf.

    Returns
    -------
    ndarray
        The shape of `n`.
    """
    return log_gap(-1.0 / np.asarray(n, dtype=np.float64))


def spread_loss(n: ArrayLike) -> FloatArray:
    """Return ``1 - sqrt(1 - 1/n)``, the relative loss of spread of a training point.

    Parameters
    ----------
    n : array_like
        Training points.

    Returns
    -------
    ndarray
        The shape of `n`.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(0.5 * np.log1p(-1.0 / np.asarray(n, dtype=np.float64))))


def folded_distance(shift: ArrayLike, spread: ArrayLike) -> FloatArray:
    """Return W1 of two normal laws on the line: the mean of ``|N(shift, spread^2)|``.

    Parameters
    ----------
    shift, spread : array_like
        Differences of the means and of the standard deviations.

    Returns
    -------
    ndarray
        Broadcast shape.

    Notes
    -----
    The optimal map of one normal law to another is affine, so that the transported distance is a folded
    normal variable.
    """
    from scipy import special

    a, t = np.broadcast_arrays(np.abs(np.asarray(shift, np.float64)), np.asarray(spread, np.float64))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = a / t
        smooth = t * np.sqrt(2.0 / np.pi) * np.exp(-0.5 * z * z) + a * special.erf(z / np.sqrt(2.0))
    return np.asarray(np.where(t > 0.0, smooth, a))


def expected_shift(norm: float, sigma0: float, d: int, n: ArrayLike, ranks: NDArray[np.int64]) -> FloatArray:
    """Return ``E ||Pi (m - mu)||^2`` for a projector on `m` and random further directions.

    Parameters
    ----------
    norm, sigma0 : float
        Length of the class mean, standard deviation.
    d : int
        Dimension.
    n : array_like
        Training points.
    ranks : ndarray of int of shape (k,)
        Dimensions of the subspaces.

    Returns
    -------
    ndarray of shape (*n.shape, k)
        Expected squares.

    Notes
    -----
    ``E (m.(m - mu))^2 / |m|^2 = s^2 (1 + (d - 1) M)`` with ``s = sigma0/sqrt(n)`` and
    ``M = 1F1(1; d/2; -|mu|^2/(2 s^2))``: the law of ``|m|^2/s^2`` is a Poisson mixture of chi-square laws, and
    given the mixing variable J the squared sine of the angle between m and mu has a Beta law with mean
    (d - 1)/(d + 2J). Every other direction adds ``s^2 (1 - M)``. No term is negative.
    """
    size = np.asarray(n, dtype=np.float64)[..., None]
    signal = norm / sigma0
    kummer = _kummer(d, 0.5 * size * (signal * signal))
    return np.asarray(sigma0 * sigma0 / size * (1.0 + (d - 1) * kummer + (ranks - 1) * (1.0 - kummer)))


def _kummer(d: int, x: FloatArray) -> FloatArray:
    """``1F1(1; d/2; -x)`` for x >= 0, by its continued fraction.

    Every step adds positive numbers to what it keeps; scipy's hyp1f1 gives nan for tiny x.
    """
    if d <= 2:
        return np.exp(-x)  # at d = 1 the value is not used
    b = 0.5 * d - 1.0
    fraction = b + _TERMS + x
    for k in range(_TERMS, 0, -1):
        fraction = (b + k - 1.0 + x) - k * x / fraction
    return np.asarray(b / fraction)


def expected_kl(
    norm: float, sigma0: float, d: int, n: FloatArray, ranks: NDArray[np.int64], mode: str
) -> FloatArray:
    """Return the expected KL divergence of each layer, nats.

    Parameters
    ----------
    norm, sigma0 : float
        Length of the class mean, standard deviation.
    d : int
        Dimension.
    n : ndarray
        Training points.
    ranks : ndarray of int of shape (k,)
        Ranks of the layers.
    mode : str
        One of `MODES`.

    Returns
    -------
    ndarray of shape (*n.shape, k)
        Divergences; inf at n = 1.
    """
    if mode == "independent":
        with np.errstate(divide="ignore"):
            return np.asarray(-0.5 * ranks * np.log1p(-1.0 / n[..., None]))
    shift = expected_shift(norm, sigma0, d, n, ranks) / sigma0**2
    return np.asarray(0.5 * (ranks * log_excess(n)[..., None] + shift))


def layer_numbers(
    mu: FloatArray, sigma0: float, weights: Sequence[Any], m: FloatArray, n: int, rank_tol: float | None
) -> LayerNumbers:
    """Return the divergences of every layer for given weights.

    Parameters
    ----------
    mu, m : ndarray of shape (d,)
        Class mean and mean of the training points.
    sigma0 : float
        Standard deviation.
    weights : sequence of array_like
        W_1 ... W_L.
    n : int
        Training points.
    rank_tol : float or None
        Singular values below this share of the largest one count as zero; None for
        ``max(shape) * eps`` of each product.

    Returns
    -------
    LayerNumbers
        Layer 0 is the input.
    """
    matrices = check_weight_matrices(weights)
    if matrices[0].shape[1] != len(mu):
        raise InputError(
            f"weights of layer 1 must have {len(mu)} columns, the dimension of the task, got shape {matrices[0].shape}"
        )
    lower, upper = _products(matrices, len(mu))
    shift = m - mu
    excess, lost = float(log_excess(n)), float(spread_loss(n))
    # The identity needs no decomposition; its row space is everything.
    kl = [0.5 * (_times(len(mu), excess) + _square(shift / sigma0))]
    rank = [len(mu)]
    for product in lower[1:]:
        basis = _row_space(product, rank_tol)
        rank.append(len(basis))
        kl.append(0.5 * (_times(len(basis), excess) + _square(basis @ shift / sigma0)))
    moved = np.array([np.linalg.norm(a @ shift) for a in lower])
    frobenius = np.array([np.linalg.norm(a) for a in lower])
    narrow = np.array([len(a) == 1 for a in lower])
    spread = sigma0 * lost * frobenius
    return LayerNumbers(
        kl=np.array(kl),
        w2=np.hypot(moved, spread),
        w1=np.where(narrow, folded_distance(moved, spread), np.nan),
        w1_lower=moved,
        rank=np.array(rank, dtype=np.int64),
        lipschitz=np.array([np.linalg.norm(a, 2) for a in upper]),
    )


def check_dimension(ranks: Any) -> int:
    """Return the first rank, which is the dimension of the task; `check_ranks` looks at the others.

    Parameters
    ----------
    ranks : sequence of int
        ``r_0 = d``, then the ranks of the layers.

    Returns
    -------
    int
        The dimension.

    Raises
    ------
    InputError
        If there is none, or it is below 1.
    """
    given = np.atleast_1d(as_float_array("ranks", ranks))
    if given.ndim != 1 or not given.size:
        raise InputError(describe("ranks", "a list of ranks r_0 = d >= r_1 >= ... >= 1", short(ranks)))
    return check_count("ranks[0]", float(given[0]), low=1, high=10_000_000)


def check_ranks(ranks: Any, d: int, *, last: int | None = None) -> NDArray[np.int64]:
    """Return the ranks of the layers 0 ... L, checked.

    Parameters
    ----------
    ranks : sequence of int
        ``r_0 = d >= r_1 >= ... >= 1``.
    d : int
        Dimension of the task.
    last : int, optional
        What the last rank has to be.

    Returns
    -------
    ndarray of int
        The ranks.

    Raises
    ------
    InputError
        If they increase, do not begin with `d`, or one is below 1.
    """
    given = np.atleast_1d(as_float_array("ranks", ranks))
    if given.ndim != 1 or not given.size:
        raise InputError(describe("ranks", "a list of ranks r_0 = d >= r_1 >= ... >= 1", short(ranks)))
    counts = [check_count(f"ranks[{i}]", r, low=1, high=10**15) for i, r in enumerate(given.tolist())]
    found = np.array(counts, dtype=np.int64)
    if found[0] != d:
        cure = "the first rank belongs to the input"
        raise InputError(describe("ranks[0]", f"{d}, the dimension of the task", int(found[0]), cure))
    if (np.diff(found) > 0).any():
        at = int(np.argmax(np.diff(found) > 0))
        raise InputError(
            describe("ranks", "non-increasing", Words(f"{found[at]} before {found[at + 1]} at layer {at + 1}"))
        )
    if last is not None and (found[-1] != last or len(found) < 2):
        raise InputError(describe("ranks", f"two or more, the last one {last} (the output)", Words(found.tolist())))
    return found


def check_training_sizes(n: Any, name: str = "n") -> FloatArray:
    """Return numbers of training points as floats, whole, at least 1 and not so many that floats skip some.

    Parameters
    ----------
    n : int or array_like of int
        Numbers of training points.
    name : str
        Argument name for the message.

    Returns
    -------
    ndarray
        Floats.

    Raises
    ------
    InputError, InputTypeError
        If one is not what is described.
    """
    return check_sizes(name, n, high=LARGEST_SIZE)


def check_rank_tol(rank_tol: Any) -> float | None:
    """Return the relative tolerance of the ranks, or None for the default.

    Parameters
    ----------
    rank_tol : float or None
        Share of the largest singular value below which others count as zero.

    Returns
    -------
    float or None
        The tolerance.

    Raises
    ------
    InputError, InputTypeError
        If it is out of range.
    """
    return None if rank_tol is None else check_number("rank_tol", rank_tol, low=0.0, high=1.0, open_high=True)


def _products(matrices: list[FloatArray], d: int) -> tuple[list[FloatArray], list[FloatArray]]:
    """Products of the weights up to each layer, and above it."""
    lower, upper = [np.eye(d)], [np.eye(len(matrices[-1]))]
    with np.errstate(over="ignore", invalid="ignore"):
        for matrix in matrices:
            lower.append(matrix @ lower[-1])
        for matrix in reversed(matrices):
            upper.append(upper[-1] @ matrix)
    for layer, product in enumerate(lower):
        if not np.isfinite(product).all():
            raise InputError(f"the product of the weights up to layer {layer} leaves the range of floats; rescale them")
    if not all(np.isfinite(product).all() for product in upper):
        raise InputError("a product of weights leaves the range of floats; rescale them")
    return lower, upper[::-1]


def _row_space(product: FloatArray, rank_tol: float | None) -> FloatArray:
    """Orthonormal rows that span the row space; the tolerance is relative to the largest singular value."""
    _, values, rows = np.linalg.svd(product, full_matrices=False)
    tolerance = max(product.shape) * np.finfo(np.float64).eps if rank_tol is None else rank_tol
    return np.asarray(rows[values > tolerance * values[0]])


def _square(vector: FloatArray) -> float:
    return float(vector @ vector)


def _times(rank: int, excess: float) -> float:
    """A layer of rank zero carries nothing, at n = 1 too."""
    return rank * excess if rank else 0.0
