"""Transport and kernel distances between normal laws in closed form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError
from ..core.rng import RngLike, as_generator
from ..core.validation import MOST_DRAWS, FloatArray, as_float_array, check_count, check_number
from .gaussian_pairs import NormalLaw, cauchy_schwarz_of_pair, relative_pair, two_laws
from .results import SinkhornResult

__all__ = ["mmd_gaussian", "sinkhorn_gaussian", "sliced_w2_gaussian", "w2_gaussian"]


def w2_gaussian(m1: ArrayLike, S1: ArrayLike, m2: ArrayLike, S2: ArrayLike) -> float:
    """Return the 2-Wasserstein distance (not its square) of two normal laws.

    Parameters
    ----------
    m1, m2 : float or array_like of shape (d,)
        Means.
    S1, S2 : float or array_like of shape (d, d)
        Covariances; in one dimension variances.

    Returns
    -------
    float
        W2, in the unit of the data, for the Euclidean distance.

    Raises
    ------
    InputError
        As for `kl_gaussian`.

    Notes
    -----
    ``W2^2 = |D|^2 + tr(S1 + S2 - 2 (S1^{1/2} S2 S1^{1/2})^{1/2})``. The trace is the smallest
    ``|L1 - L2 Q|^2`` over rotations Q (with Cholesky factors L), and is computed as that sum of
    squares, so that close laws keep their digits.

    Examples
    --------
    >>> round(w2_gaussian(0, 1, 1, 2.25) ** 2, 12)
    1.25
    """
    first, second = two_laws(m1, S1, m2, S2)
    left, _, right = np.linalg.svd(second.root.T @ first.root)
    gap = first.root - second.root @ (left @ right)
    return math.hypot(float(np.linalg.norm(first.mean - second.mean)), float(np.linalg.norm(gap)))


def mmd_gaussian(m1: ArrayLike, S1: ArrayLike, m2: ArrayLike, S2: ArrayLike, bandwidth: float = 1.0) -> float:
    """Return the squared maximum mean discrepancy of two normal laws, Gaussian kernel.

    Parameters
    ----------
    m1, m2 : float or array_like of shape (d,)
        Means.
    S1, S2 : float or array_like of shape (d, d)
        Covariances; in one dimension variances.
    bandwidth : float
        s in the kernel ``exp(-|x - y|^2/(2 s^2))``.

    Returns
    -------
    float
        MMD^2.

    Raises
    ------
    InputError
        As for `kl_gaussian`, or if `bandwidth` is not positive.

    Notes
    -----
    ``E k(X, Y) = |I + (S1+S2)/s^2|^{-1/2} exp(-D'(s^2 I + S1 + S2)^-1 D/2)``. With C the
    Cauchy-Schwarz divergence of N(m1, S1 + s^2 I/2) and N(m2, S2 + s^2 I/2),
    ``MMD^2 = (a - b)^2 + 2 a b (1 - exp(-C/2))``, a and b the roots of ``E k_XX`` and ``E k_YY``:
    a sum of two non-negative terms.

    Examples
    --------
    >>> round(mmd_gaussian(0, 1, 1, 2.25), 12)
    0.141285545439
    """
    first, second = two_laws(m1, S1, m2, S2)
    s2 = check_number("bandwidth", bandwidth, low=1e-60, high=1e60) ** 2
    pad = 0.5 * s2 * np.eye(len(first.mean))
    pads = [
        NormalLaw(law.mean, law.cov + pad, np.asarray(np.linalg.cholesky(law.cov + pad), dtype=np.float64))
        for law in (first, second)
    ]
    # log|I + 2 S/s^2|/4, from eigenvalues so that wide kernels keep their digits.
    logs = [0.25 * float(np.log1p(2.0 * np.linalg.eigvalsh(law.cov) / s2).sum()) for law in (first, second)]
    own = math.exp(-logs[1]) * math.expm1(logs[1] - logs[0])
    return own**2 - 2.0 * math.exp(-logs[0] - logs[1]) * math.expm1(-0.5 * cauchy_schwarz_of_pair(relative_pair(*pads)))


def sliced_w2_gaussian(
    m1: ArrayLike,
    S1: ArrayLike,
    m2: ArrayLike,
    S2: ArrayLike,
    *,
    directions: ArrayLike | None = None,
    n_directions: int = 4096,
    rng: RngLike = None,
) -> float:
    """Return the sliced 2-Wasserstein distance (not its square) of two normal laws.

    Parameters
    ----------
    m1, m2 : float or array_like of shape (d,)
        Means.
    S1, S2 : float or array_like of shape (d, d)
        Covariances; in one dimension variances.
    directions : array_like of shape (k, d), optional
        Average over these directions (one a row, scaled to length one) instead.
    n_directions : int
        Random directions where the average has no quadrature (d > 2).
    rng : None, int, SeedSequence or Generator
        Source of these directions; not used for d <= 2.

    Returns
    -------
    float
        Root of the mean over u of ``(u'D)^2 + (sqrt(u'S1u) - sqrt(u'S2u))^2``.

    Raises
    ------
    InputError
        As for `kl_gaussian`, or if a direction is zero or has another dimension.

    Notes
    -----
    In one and two dimensions the mean over the circle is exact to rounding (trapezoidal rule,
    refined until it stops changing). Above, only the second part is averaged over random
    directions; the first is ``|D|^2/d`` exactly.

    Examples
    --------
    >>> S1, S2 = [[2, 0.5], [0.5, 1]], [[1, -0.3], [-0.3, 2]]
    >>> round(sliced_w2_gaussian([1, 2], S1, [0, 0], S2) ** 2, 11)
    2.64206766156
    """
    first, second = two_laws(m1, S1, m2, S2)
    shift, d = first.mean - second.mean, len(first.mean)
    if directions is not None:
        rows = _unit_rows(directions, d)
        return math.sqrt(float(np.mean((rows @ shift) ** 2 + _projected_gaps(first, second, rows))))
    if d <= 2:
        spread = _circle_mean(first, second) if d == 2 else float((first.root - second.root)[0, 0] ** 2)
    else:
        count = check_count("n_directions", n_directions, low=1, high=MOST_DRAWS)
        draws = as_generator(rng).standard_normal((count, d))
        spread = float(_projected_gaps(first, second, _unit_rows(draws, d)).mean())
    return math.sqrt(float(shift @ shift) / d + spread)


def _unit_rows(directions: ArrayLike, d: int) -> FloatArray:
    rows = as_float_array("directions", directions, ndim=2)
    # Their squares would leave the floats; a row of zeros stays one.
    rows = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0.0), np.finfo(np.float64).tiny)
    lengths = np.linalg.norm(rows, axis=1)
    if rows.shape[1] != d or not len(rows) or not (lengths > 0.0).all():
        raise InputError(
            f"directions must be non-zero rows of length {d}, got shape {rows.shape} "
            f"with {int((lengths == 0.0).sum())} zero rows"
        )
    return np.asarray(rows / lengths[:, None])


def _projected_gaps(first: NormalLaw, second: NormalLaw, rows: FloatArray) -> FloatArray:
    deviations = [np.linalg.norm(rows @ law.root, axis=1) for law in (first, second)]
    return np.asarray((deviations[0] - deviations[1]) ** 2)


def _circle_mean(first: NormalLaw, second: NormalLaw) -> float:
    # The integrand is analytic and periodic, so doubling the nodes squares the error.
    previous, count = math.inf, 64
    while True:
        angles = math.pi * np.arange(count) / count
        value = float(_projected_gaps(first, second, np.column_stack([np.cos(angles), np.sin(angles)])).mean())
        if abs(value - previous) <= 1e-13 * value or count >= 1 << 18:
            return value
        previous, count = value, 2 * count


def sinkhorn_gaussian(m1: ArrayLike, S1: ArrayLike, m2: ArrayLike, S2: ArrayLike, eps: float) -> SinkhornResult:
    """Return the entropic optimal transport of two normal laws, cost ``|x - y|^2``.

    Parameters
    ----------
    m1, m2 : float or array_like of shape (d,)
        Means.
    S1, S2 : float or array_like of shape (d, d)
        Covariances; in one dimension variances.
    eps : float
        Strength of the entropic term, in squared units of the data.

    Returns
    -------
    SinkhornResult
        ``value`` = min <P, C> + eps KL(P || a x b), ``transport_cost`` <P, C> at the optimum,
        and the debiased ``divergence``; plan and potentials are None.

    Raises
    ------
    InputError
        As for `kl_gaussian`, or if `eps` is not positive.

    Notes
    -----
    With ``s = eps/2`` and ``M = (4 A^{1/2} B A^{1/2} + s^2 I)^{1/2}``,
    ``<P,C> = |D|^2 + tr(A + B) - tr M + d s`` and
    ``value = <P,C> - d s log(2 s) + s log det(M + s I)`` (Janati, Muzellec, Peyré and Cuturi
    2020). Only ``M - s I`` enters, whose eigenvalues ``4 t^2/(sqrt(4 t^2 + s^2) + s)``, t the
    singular values of ``L2' L1``, are computed without a difference: both limits of eps are
    stable.

    Examples
    --------
    >>> plan = sinkhorn_gaussian(0, 1, 1, 2.25, 1.0)
    >>> round(plan.transport_cost, 8), round(plan.value, 8), round(plan.divergence, 8)
    (1.70861873, 2.34087715, 1.24660615)
    """
    first, second = two_laws(m1, S1, m2, S2)
    s = 0.5 * check_number("eps", eps, low=1e-300, high=1e300)
    distance2 = float(np.sum((first.mean - second.mean) ** 2))
    spread = float(np.trace(first.cov) + np.trace(second.cov))
    coupled, entropy = _entropic_terms(second.root.T @ first.root, s)
    own = [sum(_entropic_terms(law.root.T @ law.root, s)) for law in (first, second)]
    cost = distance2 + spread + coupled
    return SinkhornResult(
        value=cost + entropy,
        transport_cost=cost,
        divergence=distance2 + (coupled + entropy) - 0.5 * (own[0] + own[1]),
    )


def _entropic_terms(product: FloatArray, s: float) -> tuple[float, float]:
    """Return ``-tr(M - s I)`` and ``s log det((M + s I)/(2 s))``."""
    t = np.linalg.svd(product, compute_uv=False)
    total = np.hypot(2.0 * t, s) + s
    reduced = 2.0 * t * (2.0 * t / total)
    # log1p near the large-eps limit; separate logs where the quotient could overflow.
    logs = np.where(reduced < s, np.log1p(0.5 * np.minimum(reduced, s) / s), np.log(total) - math.log(2.0 * s))
    return -float(reduced.sum()), s * float(logs.sum())
