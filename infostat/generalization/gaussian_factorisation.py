"""Random factorisations of the mean estimator into a linear network of given ranks and gains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array

__all__ = ["check_gains", "factorise_mean", "orthonormal_rows"]


_LARGEST_LOG = 30.0 * np.log(10.0)


def factorise_mean(
    m: FloatArray, ranks: NDArray[np.int64], gains: FloatArray, generator: Generator
) -> list[FloatArray]:
    """Return weights W_1 ... W_L whose product is ``m^T``.

    Parameters
    ----------
    m : ndarray of shape (d,)
        Mean of the training points.
    ranks : ndarray of int of shape (L+1,)
        Widths and ranks ``d = r_0 >= ... >= r_L = 1``.
    gains : ndarray of shape (L-1,)
        Spectral norms of the first L-1 layers.
    generator : Generator
        Draws the directions.

    Returns
    -------
    list of ndarray
        W_l of shape (r_l, r_{l-1}).

    Notes
    -----
    ``A_l = W_l ... W_1 = (s_1 ... s_l) [u_1 ... u_{r_l}]^T`` with ``u_1 = m/|m|`` and further orthonormal
    directions drawn uniformly; ``A_L = m^T``. Row spaces therefore depend on the sample, through m.
    """
    if len(ranks) == 2:
        return [m[None, :].copy()]
    rows = orthonormal_rows(m, int(ranks[1]), generator)
    weights = [gains[0] * rows]
    for gain, width, below in zip(gains[1:], ranks[2:-1], ranks[1:-2], strict=True):
        weights.append(gain * np.eye(int(width), int(below)))
    last = np.zeros((1, int(ranks[-2])))
    last[0, 0] = np.linalg.norm(m) / np.prod(gains)
    return [*weights, last]


def orthonormal_rows(m: FloatArray, count: int, generator: Generator) -> FloatArray:
    """Return `count` orthonormal rows, the first one ``m/|m|``, the others uniformly random.

    Parameters
    ----------
    m : ndarray of shape (d,)
        First direction, not zero.
    count : int
        Number of rows, at most d.
    generator : Generator
        Source of the directions.

    Returns
    -------
    ndarray of shape (count, d)
        The rows.
    """
    columns = np.column_stack([m, generator.standard_normal((len(m), count - 1))])
    q, r = np.linalg.qr(columns)
    # The sign of a QR factor is a convention of LAPACK; with a positive diagonal the law is uniform.
    return np.asarray((q * np.where(np.diag(r) < 0.0, -1.0, 1.0)).T)


def check_gains(gains: Any, n_hidden: int) -> FloatArray:
    """Return the gains of the layers below the last one, positive and finite.

    Parameters
    ----------
    gains : sequence of float
        ``s_1 ... s_{L-1}``.
    n_hidden : int
        L - 1.

    Returns
    -------
    ndarray of shape (L-1,)
        The gains.

    Raises
    ------
    InputError
        If their number is wrong or one is not positive.
    """
    array = np.atleast_1d(as_float_array("gains", gains))
    if array.shape != (n_hidden,):
        needed = f"of length {n_hidden}, one entry per layer between input and output"
        raise InputError(describe("gains", needed, Words(f"shape {array.shape}")))
    if not (array > 0.0).all():
        raise InputError(describe("gains", "positive", float(array[~(array > 0.0)][0])))
    reach = float(np.abs(np.cumsum(np.log(array))).max(initial=0.0))
    if reach > _LARGEST_LOG:
        shown = Words(f"a product of 10^{reach / np.log(10.0):.0f} or its inverse")
        raise InputError(describe("gains", "of moderate size (products between 1e-30 and 1e30)", shown))
    return array
