"""Fits of the density ratio p/q in a basis of Gaussians: uLSIF and KLIEP."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..core.errors import ConvergenceWarning, DataError
from ..core.samples import as_samples, same_columns
from ..core.threads import one_blas_thread
from ..core.validation import FloatArray, check_number
from .kernel_distances import kernel_width
from .results import Estimate
from .variational import two_sample_se, warn_beyond_log_n

__all__ = ["kliep", "ulsif"]

_CENTRES = 100  # Gaussian basis functions
_FOLDS = 5
_WIDTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)  # times the median distance
# Smaller penalties let a basis function that no row of Y reaches grow without bound, and a lucky
# held-out row of X then makes cross-validation prefer it.
_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
_MIXTURE_STEPS = 200
_EM_STEPS = 10  # multiplicative steps before the quadratic ones


def ulsif(X: Any, Y: Any, *, bandwidth: float | None = None, penalty: float | None = None) -> Estimate:
    """Return half the Pearson divergence of two samples by least-squares fitting of p/q.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Sample of P; one-dimensional input is one column.
    Y : array_like of shape (m, d)
        Sample of Q.
    bandwidth : float, optional
        Width s of the Gaussian basis functions; None chooses among multiples of the median
        distance by cross-validation.
    penalty : float, optional
        Ridge penalty; None chooses by cross-validation.

    Returns
    -------
    Estimate
        Estimate of ``pearson(P, Q)/2``, standard error, bias note.

    Raises
    ------
    DataError
        If the columns differ or values are missing.
    InputError
        If an option is not positive.

    Notes
    -----
    With a basis Phi of at most 100 Gaussians at rows of X, ``H = Phi_Q' Phi_Q/m`` and
    ``h = mean Phi_P``, the ratio is ``Phi c``, ``c = (H + penalty I)^-1 h``, and the estimate
    ``-c'Hc/2 + h'c - 1/2`` (Kanamori, Hido and Sugiyama 2009). Five-fold cross-validation of
    ``c'Hc/2 - h'c``, with fold = row index mod 5. The standard error holds the fitted ratio fixed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> estimate = ulsif(rng.normal(0, 1, 2000), rng.normal(1, 1.5, 2000))
    >>> abs(estimate.value - 0.3002) < 0.06
    True
    """
    first, second = as_samples({"X": X, "Y": Y}, min_rows=2 * _FOLDS)
    same_columns(first, second)
    widths = _candidate_widths(bandwidth, first, second)
    penalties = _PENALTIES if penalty is None else (check_number("penalty", penalty, low=0, open_low=True),)
    centres = _centres(first)
    best = (math.inf, widths[0], penalties[0])
    with one_blas_thread():
        for s in widths if len(widths) * len(penalties) > 1 else ():
            phi_p, phi_q = _basis(first, centres, s), _basis(second, centres, s)
            for lam, score in zip(penalties, _ulsif_scores(phi_p, phi_q, penalties), strict=True):
                best = min(best, (score, s, lam))
    _, s, lam = best
    phi_p, phi_q = _basis(first, centres, s), _basis(second, centres, s)
    H, h = phi_q.T @ phi_q / len(second), phi_p.mean(axis=0)
    c = _ridge(H, h, lam)
    value = -0.5 * float(c @ H @ c) + float(h @ c) - 0.5
    return Estimate(
        value=value,
        se=two_sample_se(phi_p @ c, 0.5 * (phi_q @ c) ** 2),
        n=len(first),
        m=len(second),
        method=f"least-squares fit of the density ratio, width {s:.4g}, penalty {lam:.3g}",
        bias_note="the ratio of a finite basis with a penalty is too flat (down); twice this value is pearson",
        quantity="half the Pearson divergence",
    )


def _ulsif_scores(phi_p: FloatArray, phi_q: FloatArray, penalties: tuple[float, ...]) -> FloatArray:
    """Mean held-out loss for each penalty."""
    scores = np.zeros(len(penalties))
    for fold in range(_FOLDS):
        out_p, out_q = np.arange(len(phi_p)) % _FOLDS == fold, np.arange(len(phi_q)) % _FOLDS == fold
        H = phi_q[~out_q].T @ phi_q[~out_q] / (~out_q).sum()
        h = phi_p[~out_p].mean(axis=0)
        held_h, held_q = phi_p[out_p].mean(axis=0), phi_q[out_q]
        for index, lam in enumerate(penalties):
            c = _ridge(H, h, lam)
            scores[index] += 0.5 * float(np.mean((held_q @ c) ** 2)) - float(held_h @ c)
    return scores


def _ridge(H: FloatArray, h: FloatArray, penalty: float) -> FloatArray:
    return np.asarray(np.linalg.solve(H + penalty * np.eye(len(h)), h))


def kliep(X: Any, Y: Any, *, bandwidth: float | None = None) -> Estimate:
    """Return the Kullback-Leibler divergence of two samples by likelihood fitting of p/q.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Sample of P; one-dimensional input is one column.
    Y : array_like of shape (m, d)
        Sample of Q.
    bandwidth : float, optional
        Width s of the Gaussian basis functions; None chooses among multiples of the median
        distance by five-fold cross-validation of the likelihood.

    Returns
    -------
    Estimate
        Value in nats, standard error, bias note.

    Raises
    ------
    DataError
        If the columns differ, values are missing, or some row of X has no basis function that
        reaches both samples.
    InputError
        If `bandwidth` is not positive.

    Warns
    -----
    SampleSizeWarning
        If the estimate exceeds the log of the smaller sample size.
    ConvergenceWarning
        If the optimum is certain to less than 1e-4 nats only.

    Notes
    -----
    Maximises ``mean log(Phi_P c)`` under ``mean Phi_Q c = 1``, ``c >= 0`` (Sugiyama and others
    2008), with at most 100 Gaussians at rows of X. Divided by their means over Y, the basis
    functions become components and ``c`` mixture weights, found by sequential quadratic
    programming; ``log max_k mean_i psi_k(x_i)/r(x_i)`` bounds what is left to
    gain.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> estimate = kliep(rng.normal(0, 1, 1000), rng.normal(1, 1.5, 1000))
    >>> abs(estimate.value - 0.34991) < 0.1
    True
    """
    first, second = as_samples({"X": X, "Y": Y}, min_rows=2 * _FOLDS)
    same_columns(first, second)
    widths = _candidate_widths(bandwidth, first, second)
    centres = _centres(first)
    with one_blas_thread():
        scores = [_kliep_score(first, second, centres, s) if len(widths) > 1 else 0.0 for s in widths]
        s = widths[int(np.argmax(scores))]
        psi_p, psi_q = _components(first, second, centres, s)
        weights, gap = _mixture(psi_p, tolerance=1e-6)
    if gap > 1e-4:
        warnings.warn(f"kliep stopped {gap:.2g} nats below the largest likelihood", ConvergenceWarning, stacklevel=2)
    log_ratio = np.log(psi_p @ weights)
    value = float(log_ratio.mean())
    warn_beyond_log_n(value, min(len(first), len(second)))
    return Estimate(
        value=value,
        se=two_sample_se(log_ratio, psi_q @ weights),
        n=len(first),
        m=len(second),
        method=f"likelihood fit of the density ratio, width {s:.4g}",
        bias_note="fitted and evaluated on the same rows (up); a finite basis is too flat (down)",
        quantity="Kullback-Leibler divergence",
    )


def _components(first: FloatArray, second: FloatArray, centres: FloatArray, s: float) -> tuple[FloatArray, FloatArray]:
    """Basis functions at both samples, scaled to mean one over the second."""
    phi_p, phi_q = _basis(first, centres, s), _basis(second, centres, s)
    means = phi_q.mean(axis=0)
    # A function that no row of Y reaches has no finite multiple of mean one.
    reached = means > 1e-12
    psi_p, psi_q = phi_p[:, reached] / means[reached], phi_q[:, reached] / means[reached]
    n_lost = len(psi_p) if not reached.any() else int((psi_p.max(axis=1) <= 0.0).sum())
    if n_lost:
        raise DataError(
            f"X must overlap with Y: at bandwidth {s:.4g}, {n_lost} of {len(first)} rows of X have no "
            "basis function that reaches Y; raise bandwidth, or P is not inside the support of Q"
        )
    return psi_p, psi_q


def _mixture(psi: FloatArray, tolerance: float) -> tuple[FloatArray, float]:
    """Maximise ``mean log(psi w)`` over mixture weights; returns them and a bound of the shortfall.

    A few multiplicative steps, then quadratic models solved over w >= 0: the multiplicative steps
    alone need thousands of passes once the active components are known.
    """
    weights = np.full(psi.shape[1], 1.0 / psi.shape[1])
    best, least = weights, math.inf
    for step in range(_MIXTURE_STEPS):
        relative = psi / (psi @ weights)[:, None]
        gradient = relative.mean(axis=0)
        gap = math.log(float(gradient.max()))
        if gap < least:
            best, least = weights, gap
        if gap <= tolerance:
            break
        proposal = _quadratic_step(relative, gradient) if step >= _EM_STEPS else None
        weights = weights * gradient if proposal is None else _line_search(psi, weights, proposal)
    return best, least


def _quadratic_step(relative: FloatArray, gradient: FloatArray) -> FloatArray | None:
    """Minimise the second-order model of ``-mean log(psi w) + sum w`` over w >= 0."""
    from scipy.linalg import solve_triangular
    from scipy.optimize import nnls

    hessian = relative.T @ relative / len(relative)
    # Neighbouring Gaussians are nearly collinear; the ridge only has to make the root exist.
    hessian[np.diag_indices_from(hessian)] += 1e-10 * float(np.trace(hessian)) / len(hessian)
    try:
        root = np.linalg.cholesky(hessian)
        target = solve_triangular(root, 2.0 * gradient - 1.0, lower=True)
        solution, _ = nnls(root.T, target)
    except (np.linalg.LinAlgError, RuntimeError):
        return None
    total = float(solution.sum())
    return np.asarray(solution / total) if total > 0.0 else None


def _line_search(psi: FloatArray, weights: FloatArray, proposal: FloatArray) -> FloatArray:
    start = float(np.log(psi @ weights).mean())
    size = 1.0
    while size > 1e-6:
        trial = weights + size * (proposal - weights)
        with np.errstate(divide="ignore"):
            if float(np.log(psi @ trial).mean()) > start:
                return np.asarray(trial)
        size *= 0.5
    relative = psi / (psi @ weights)[:, None]
    return np.asarray(weights * relative.mean(axis=0))


def _kliep_score(first: FloatArray, second: FloatArray, centres: FloatArray, s: float) -> float:
    try:
        psi, _ = _components(first, second, centres, s)
    except DataError:
        return -math.inf
    score = 0.0
    fold = np.arange(len(psi)) % _FOLDS
    for held in range(_FOLDS):
        weights, _ = _mixture(psi[fold != held], tolerance=1e-3)
        with np.errstate(divide="ignore"):
            score += float(np.log(psi[fold == held] @ weights).mean())
    return score


def _candidate_widths(bandwidth: Any, first: FloatArray, second: FloatArray) -> tuple[float, ...]:
    if bandwidth is not None:
        return (kernel_width(bandwidth, first),)
    middle = kernel_width(None, np.concatenate([first, second]))
    return tuple(middle * factor for factor in _WIDTHS)


def _centres(sample: FloatArray) -> FloatArray:
    """At most 100 rows, evenly spaced in the order of the first column."""
    if len(sample) <= _CENTRES:
        return sample
    order = np.lexsort(sample.T[::-1])
    return np.asarray(sample[order[np.linspace(0, len(sample) - 1, _CENTRES).round().astype(np.intp)]])


def _basis(rows: FloatArray, centres: FloatArray, s: float) -> FloatArray:
    origin = centres.mean(axis=0)
    a, b = (rows - origin) / s, (centres - origin) / s
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * (a @ b.T)
    return np.asarray(np.exp(-0.5 * np.maximum(squares, 0.0)))
