"""Kernel distances and dependence: MMD, HSIC, centred kernel alignment.

The kernel width is always the `bandwidth` s of ``exp(-|x - y|^2/(2 s^2))``. Without one, s is
the median distance of pairs of rows (`median_bandwidth`): of the pooled sample for MMD, of each
sample for HSIC. Tables of all pairs are never stored, so n = 10^5 needs megabytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import DataError, InputError, describe
from ..core.samples import as_sample, same_columns, same_rows
from ..core.validation import FloatArray, check_choice, check_flag, check_number
from .pair_sums import Tile, gaussian_means, gaussian_tile, tiles, unit_scale

__all__ = ["cka", "hsic", "median_bandwidth", "mmd"]

_EXACT_ROWS = 2000
_SUBSET_SEED = 0
# Largest cross-product matrix (features of x times features of y) kept for the linear kernel.
_FEATURES = 4_000_000


def mmd(X: Any, Y: Any, bandwidth: float | None = None, unbiased: bool = False) -> float:
    """Return the squared maximum mean discrepancy of two samples, Gaussian kernel.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (m, d)
        Samples; one-dimensional input is one column.
    bandwidth : float, optional
        s in ``exp(-|x - y|^2/(2 s^2))``; the median distance of the pooled sample if None.
    unbiased : bool
        Leave out the pairs of a point with itself. The result is then centred on the population
        value and may be negative.

    Returns
    -------
    float
        MMD squared.

    Raises
    ------
    InputError
        If the bandwidth is not positive.
    DataError
        If the samples have different columns, or too few rows for the unbiased form.

    Notes
    -----
    ``MMD^2 = E k(X, X') + E k(Y, Y') - 2 E k(X, Y)`` (Gretton et al. 2012). The default is the
    V-statistic: never negative, biased up by about ``(1 - E k(X, X'))/n + (1 - E k(Y, Y'))/m``.
    For p-values use `permutation_test`.

    Examples
    --------
    >>> round(mmd([0.0, 1.0], [0.0, 2.0], bandwidth=1.0), 6)
    0.196735
    >>> mmd([0.0, 1.0], [1.0, 0.0])
    0.0
    """
    first, second = as_sample("X", X, min_rows=1), as_sample("Y", Y, min_rows=1)
    same_columns(first, second)
    without_diagonal = check_flag("unbiased", unbiased)
    n, m = len(first), len(second)
    if without_diagonal and min(n, m) < 2:
        raise DataError(f"X and Y must have at least 2 rows each for the unbiased form, got {n} and {m}")
    width = kernel_width(bandwidth, np.concatenate((first, second)))
    own_x, own_y, cross = gaussian_means(first, second, width)
    if without_diagonal:
        return (own_x * n - 1.0) / (n - 1) + (own_y * m - 1.0) / (m - 1) - 2.0 * cross
    # A V-statistic is a squared norm; what is below zero is rounding.
    return max(own_x + own_y - 2.0 * cross, 0.0)


def hsic(X: Any, Y: Any, *, kernel: str = "linear", bandwidth: float | None = None, debiased: bool = False) -> float:
    """Return the Hilbert-Schmidt independence criterion of paired samples.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (n, e)
        Row i of both belongs to observation i.
    kernel : {"linear", "gaussian"}
        ``<x, x'>`` or ``exp(-|x - x'|^2/(2 s^2))``, on both samples. The linear kernel sees
        linear dependence only.
    bandwidth : float, optional
        s of both Gaussian kernels; the median distance within each sample if None.
    debiased : bool
        Use the U-statistic, which is unbiased and may be negative; needs n >= 4.

    Returns
    -------
    float
        ``tr(K H L H)/(n - 1)^2``, or the debiased form.

    Raises
    ------
    InputError
        If the kernel is unknown or the bandwidth not positive.
    DataError
        If the numbers of rows differ or are too small.

    Notes
    -----
    Gretton et al. 2005; debiased form, with the diagonals of K and L set to zero (Song et al.
    2012): ``[tr(K L) + 1'K1 1'L1/((n-1)(n-2)) - 2 1'KL1/(n-2)]/(n(n-3))``. Linear kernels cost
    O(n d e), Gaussian ones O(n^2 (d + e)) time and a few megabytes.

    Examples
    --------
    >>> X, Y = [[1, 2], [2, 1], [3, 5], [4, 0]], [1, 0, 2, 1]
    >>> round(hsic(X, Y), 11), round(hsic(X, Y, debiased=True), 12)
    (1.88888888889, 0.583333333333)
    """
    first, second, without_diagonal = _paired(X, Y, debiased)
    K, L = (_gram(kernel, bandwidth, sample) for sample in (first, second))
    with np.errstate(over="ignore", invalid="ignore"):
        value = _hsic(K, L, without_diagonal)
    if not np.isfinite(value):
        raise DataError("X and Y must have squares within the float range; rescale the data")
    return value


def cka(
    X: Any,
    Y: Any,
    *,
    debiased: bool = False,
    kernel: str = "linear",
    bandwidth: float | None = None,
) -> float:
    """Return the centred kernel alignment of paired representations.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (n, e)
        Row i of both belongs to observation i.
    debiased : bool
        Use the debiased HSIC in all three places; the ratio may then leave [0, 1]. Advised
        when d or e exceeds n/10.
    kernel : {"linear", "gaussian"}
        As in `hsic`.
    bandwidth : float, optional
        As in `hsic`.

    Returns
    -------
    float
        ``HSIC(K, L)/sqrt(HSIC(K, K) HSIC(L, L))``.

    Raises
    ------
    InputError
        If the kernel is unknown or the bandwidth not positive.
    DataError
        If the rows do not match, or all rows of one sample are equal (the ratio is 0/0).

    Notes
    -----
    Kornblith et al. 2019. With linear kernels ``|Xc'Yc|_F^2/(|Xc'Xc|_F |Yc'Yc|_F)``: invariant
    under shifts, rotations and common scaling of either side.

    Examples
    --------
    >>> X, Y = [[1, 2], [2, 1], [3, 5], [4, 0]], [1, 0, 2, 1]
    >>> round(cka(X, Y), 12)
    0.569202100655
    """
    first, second, without_diagonal = _paired(X, Y, debiased)
    for name, sample in (("X", first), ("Y", second)):
        if (sample == sample[0]).all():
            raise DataError(f"{name} must vary from row to row, got {len(sample)} equal rows")
    if isinstance(kernel, str) and kernel == "linear":
        # The ratio does not see a common scale, and without it nothing overflows.
        first, second = first / unit_scale(first), second / unit_scale(second)
    K, L = (_gram(kernel, bandwidth, sample) for sample in (first, second))
    own_x, own_y = _hsic(K, K, without_diagonal), _hsic(L, L, without_diagonal)
    if own_x <= 0.0 or own_y <= 0.0:
        name = "X" if own_x <= 0.0 else "Y"
        raise DataError(f"{name} must have a positive HSIC with itself, got {min(own_x, own_y):.3g}")
    return _hsic(K, L, without_diagonal) / float(np.sqrt(own_x) * np.sqrt(own_y))


def median_bandwidth(X: Any) -> float:
    """Return the median distance between pairs of rows.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Sample; for a comparison of two, the pooled one.

    Returns
    -------
    float
        The median over all pairs of different rows for n <= 2000, and over the pairs of a
        fixed random subset of 2000 rows beyond (the same subset at every call). Where more than
        half of the distances are zero, the median of the positive ones.

    Raises
    ------
    DataError
        If all rows are equal, or there is only one.

    Examples
    --------
    >>> median_bandwidth([0.0, 1.0, 3.0])
    2.0
    """
    from scipy.spatial.distance import pdist

    sample = as_sample("X", X)
    if len(sample) > _EXACT_ROWS:
        chosen = np.random.default_rng(_SUBSET_SEED).choice(len(sample), _EXACT_ROWS, replace=False)
        sample = sample[chosen]
    unit = unit_scale(sample)
    distances = pdist(sample / unit)
    if unit > 1.0 and float(distances.max()) > np.finfo(np.float64).max / unit:
        raise DataError("X must have rows whose distances are ordinary floats; rescale it or give bandwidth=")
    distances *= unit
    median = float(np.median(distances))
    if median > 0.0:
        return median
    positive = distances[distances > 0.0]
    if len(positive) == 0:
        raise DataError("X must have rows that differ for a median bandwidth, got equal rows; give bandwidth=")
    return float(np.median(positive))


# ------------------------------------------------------------------------------ Gram matrices
@dataclass(frozen=True)
class Gram:
    """A Gram matrix, as centred features (linear) or by tiles (Gaussian).

    Attributes
    ----------
    n : int
        Rows.
    features : ndarray or None
        Centred data whose inner products are the entries.
    tile : callable
        ``tile(rows, columns)``.
    """

    n: int
    features: FloatArray | None
    tile: Tile


def linear_gram(sample: FloatArray) -> Gram:
    """Return the Gram matrix of the linear kernel; centring changes neither HSIC nor CKA.

    Parameters
    ----------
    sample : ndarray of shape (n, d)
        Data.

    Returns
    -------
    Gram
        With features.
    """
    centred = sample - sample.mean(axis=0)
    return Gram(len(sample), centred, lambda rows, columns: np.asarray(centred[rows] @ centred[columns].T))


def gaussian_gram(sample: FloatArray, bandwidth: float) -> Gram:
    """Return the Gram matrix of the Gaussian kernel.

    Parameters
    ----------
    sample : ndarray of shape (n, d)
        Data.
    bandwidth : float
        s.

    Returns
    -------
    Gram
        By tiles.
    """
    return Gram(len(sample), None, gaussian_tile(sample, sample, bandwidth))


def _gram(kind: str, bandwidth: float | None, sample: FloatArray) -> Gram:
    if check_choice("kernel", kind, ("linear", "gaussian")) == "linear":
        if bandwidth is not None:
            raise InputError('bandwidth must be None for the linear kernel; pass kernel="gaussian"')
        return linear_gram(sample)
    return gaussian_gram(sample, kernel_width(bandwidth, sample))


def kernel_width(bandwidth: float | None, sample: FloatArray) -> float:
    """Return the bandwidth given, or the median heuristic.

    Parameters
    ----------
    bandwidth : float or None
        What the caller passed.
    sample : ndarray of shape (n, d)
        Rows whose median distance is the default; 1 if they are all equal, where every kernel
        value is one whatever the width.

    Returns
    -------
    float
        Positive.

    Examples
    --------
    >>> kernel_width(None, np.array([[0.0], [1.0], [3.0]]))
    2.0
    """
    if bandwidth is not None:
        return check_width("bandwidth", bandwidth, sample)
    return 1.0 if (sample == sample[0]).all() else median_bandwidth(sample)


def check_width(name: str, bandwidth: Any, sample: FloatArray, cure: str = "") -> float:
    """Return a kernel width that does not leave the range of floats on a sample.

    Parameters
    ----------
    name : str
        The argument, for messages.
    bandwidth : float
        What the caller passed.
    sample : ndarray of shape (n, d)
        Rows whose distances are divided by it.
    cure : str
        Sentence added to the message.

    Returns
    -------
    float
        Positive.

    Raises
    ------
    InputTypeError
        If it is no number.
    InputError
        If it is not positive, or so small that no squared distance can be told from infinity.

    Examples
    --------
    >>> check_width("bandwidth", 0.5, np.zeros((2, 1)))
    0.5
    """
    width = check_number(name, bandwidth, low=0.0, open_low=True, cure=cure)
    least = 1e-150 * max(1.0, float(np.abs(sample).max()))
    if width < least:
        raise InputError(describe(name, f"in proportion to the data ({least:.3g} at least)", width))
    return width


def _paired(X: Any, Y: Any, debiased: bool) -> tuple[FloatArray, FloatArray, bool]:
    without_diagonal = check_flag("debiased", debiased)
    least = 4 if without_diagonal else 2
    first, second = as_sample("X", X, min_rows=least), as_sample("Y", Y, min_rows=least)
    same_rows({"X": first, "Y": second})
    return first, second, without_diagonal


def _hsic(K: Gram, L: Gram, debiased: bool) -> float:
    linear = K.features is not None and L.features is not None
    if linear and K.features.shape[1] * L.features.shape[1] <= _FEATURES:  # type: ignore[union-attr]
        product, rows_k, rows_l = _from_features(K.features, L.features, debiased)
    else:
        product, rows_k, rows_l = _from_tiles(K, L, debiased)
    n, dot = K.n, float(rows_k @ rows_l)
    total = float(rows_k.sum()) * float(rows_l.sum())
    if not debiased:
        return (product - 2.0 * dot / n + total / n**2) / (n - 1) ** 2
    return (product + total / ((n - 1) * (n - 2)) - 2.0 * dot / (n - 2)) / (n * (n - 3))


def _from_features(X: Any, Y: Any, debiased: bool) -> tuple[float, FloatArray, FloatArray]:
    """Return sum K o L and the row sums, from centred features (diagonals left out if debiased)."""
    cross = X.T @ Y
    product = float(np.sum(cross * cross))
    if not debiased:
        return product, np.zeros(len(X)), np.zeros(len(Y))
    # Rows of a centred Gram matrix sum to zero; without the diagonal, to minus its entry.
    own_x, own_y = np.einsum("ij,ij->i", X, X), np.einsum("ij,ij->i", Y, Y)
    return product - float(own_x @ own_y), -own_x, -own_y


def _from_tiles(K: Gram, L: Gram, debiased: bool) -> tuple[float, FloatArray, FloatArray]:
    product, rows_k, rows_l = 0.0, np.zeros(K.n), np.zeros(K.n)
    for rows, columns in tiles(K.n, K.n, symmetric=True):
        k = K.tile(rows, columns)
        same = L is K
        l_tile = k if same else L.tile(rows, columns)
        if rows == columns:
            if debiased:
                np.fill_diagonal(k, 0.0)
                np.fill_diagonal(l_tile, 0.0)
            product += float(np.vdot(k, l_tile))
        else:
            product += 2.0 * float(np.vdot(k, l_tile))
            rows_k[columns] += k.sum(axis=0)
            rows_l[columns] += l_tile.sum(axis=0)
        rows_k[rows] += k.sum(axis=1)
        rows_l[rows] += l_tile.sum(axis=1)
    return product, rows_k, rows_l
