"""Expected layer bounds of the random factorisations, by quadrature instead of simulation.

Everything that the bounds of section 3 need depends on three numbers: the length R of the mean
estimator m, its angle to the class mean mu, and the share of what is left of ``m - mu`` outside m that
lies in the random directions of the layer. The three are integrated by Gauss-Legendre rules, with the
kinks of the integrands on panel ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ..core.validation import FloatArray
from .gaussian_layers import folded_distance, log_excess, spread_loss

__all__ = ["ExpectedLayers", "expected_layers"]

_ANGLES = 64
_RADII = 64  # per panel
_SHARES = 32
# Half-widths of the ranges in units of curvature^(-1/2), up to sqrt(2) of which make a standard deviation;
# the length of m needs no such reserve.
_REACH = 14.0
_RADIAL_REACH = 10.0


@dataclass(frozen=True)
class ExpectedLayers:
    """Expected bounds and distances of the layers 0 ... L.

    Attributes
    ----------
    distance : ndarray of shape (L+1,)
        E W1 where the layer has one unit, E W2 (an upper bound on it) elsewhere; units of the layer.
    distance_lower : ndarray of shape (L+1,)
        E ||A_l (m - mu)||, a lower bound on E W1.
    w2 : ndarray of shape (L+1,)
        E W2; differs from `distance` only where the layer has one unit.
    label : ndarray of shape (L+1,)
        E K_l W: label-coupled bound for a loss with Lipschitz constant 1.
    joint : ndarray of shape (L+1,)
        E max(1, K_l) W: joint form.
    kl : ndarray of shape (L+1,)
        E sigma0 |m| sqrt(2 KL_l(w)): disintegrated KL bound for such a loss, which is
        sigma0 |m|-sub-Gaussian for given weights.
    """

    distance: FloatArray
    distance_lower: FloatArray
    w2: FloatArray
    label: FloatArray
    joint: FloatArray
    kl: FloatArray


def expected_layers(
    norm: float, sigma0: float, n: int, ranks: NDArray[np.int64], gains: FloatArray
) -> ExpectedLayers:
    """Return the expectations over training samples and factorisations.

    Parameters
    ----------
    norm, sigma0 : float
        Length of the class mean, standard deviation.
    n : int
        Training points.
    ranks : ndarray of int of shape (L+1,)
        Ranks, from d to 1.
    gains : ndarray of shape (L-1,)
        Spectral norms of the layers below the last.

    Returns
    -------
    ExpectedLayers
        One entry per layer.
    """
    d = int(ranks[0])
    scales = np.concatenate([[1.0], np.cumprod(gains)])  # of the layers below the output
    radius, along, across, weight = _mean_nodes(norm, sigma0 / np.sqrt(n), d, scales)
    lost, excess = sigma0 * float(spread_loss(n)), sigma0**2 * float(log_excess(n))
    rows = []
    for layer, rank in enumerate(ranks.tolist()):
        share, share_weight = _share_nodes(d, rank)
        square = along[:, None] ** 2 + across[:, None] ** 2 * share

        def mean(values: FloatArray, over: FloatArray = share_weight) -> FloatArray:
            return np.asarray(values @ over)

        w2 = mean(np.sqrt(square + lost**2 * rank))
        base = folded_distance(along, lost) if rank == 1 else w2
        lower = mean(np.sqrt(square))
        kl = mean(np.sqrt(rank * excess + square)) if n > 1 else lower  # replaced below
        # The Lipschitz constant of the map above the layer is |m| / scale: the product with the scale is |m|.
        scale = radius if layer == len(ranks) - 1 else np.full_like(radius, scales[layer])
        forms = (radius * base, np.maximum(scale, radius) * base, radius * kl)
        columns = (scale * base, scale * lower, scale * w2, *forms)
        rows.append([float(column @ weight) for column in columns])
    found = np.array(rows).T
    if n == 1:
        found[-1] = np.inf  # at nodes of weight zero an infinite divergence would not multiply
    return ExpectedLayers(*found)


def _mean_nodes(norm: float, s: float, d: int, breaks: FloatArray) -> tuple[FloatArray, ...]:
    """Nodes of the law of m: length, ``m.(m - mu)/|m|``, length of the rest of ``m - mu``, weight."""
    angle, log_angle = (np.array([0.0, np.pi]), np.zeros(2)) if d == 1 else _angle_nodes(norm, s, d)
    cosine = np.where(angle == np.pi, -1.0, np.cos(angle))
    forward = norm * cosine
    # Given the angle the length R has the density R^(d-1) exp(-(R - forward)^2 / 2 s^2). The nodes are those of
    # R - forward, because a long mean leaves R itself few digits for it.
    root = np.hypot(forward, 2.0 * np.sqrt(d - 1) * s)
    ahead = forward > 0.0
    peak = np.where(ahead, 2.0 * (d - 1) * s * s / (root + np.where(ahead, forward, 1.0)), 0.5 * (root - forward))
    low, high = np.maximum(peak - _RADIAL_REACH * s, -forward), peak + _RADIAL_REACH * s
    inner = np.column_stack([np.zeros_like(forward), *(b - forward for b in np.unique(breaks))])
    edges = np.sort(np.clip(np.column_stack([low, high, inner]), low[:, None], high[:, None]), axis=1)
    x, w = np.polynomial.legendre.leggauss(_RADII)
    half = 0.5 * np.diff(edges, axis=1)[:, :, None]
    along = edges[:, :-1, None] + half * (1.0 + x)
    radius = np.maximum(forward[:, None, None] + along, 0.0)
    across = np.broadcast_to((norm * np.sin(angle))[:, None, None], radius.shape)
    with np.errstate(divide="ignore"):
        log_weight = np.log(half * w) + xlogy(d - 1, radius)
    log_weight += log_angle[:, None, None] - ((along / s) ** 2 + (across / s) ** 2) / 2.0
    weight = np.exp(log_weight - log_weight.max())
    return tuple(np.ravel(a) for a in (radius, along, across, weight / weight.sum()))


def _angle_nodes(norm: float, s: float, d: int) -> tuple[FloatArray, FloatArray]:
    """Angles between m and mu, with the logarithms of their weights before the radial factor."""
    typical = np.hypot(norm, s * np.sqrt(d)) * norm / (s * s)
    if typical + d - 2 == 0.0:
        return _legendre(0.0, np.pi, _ANGLES)
    both = d - 2 + np.hypot(d - 2, 2.0 * typical)
    cosine, sine = 2.0 * typical / both, np.sqrt(2.0 * (d - 2) / both)
    curvature = typical * cosine + 0.5 * both  # the second term is (d - 2) / sine^2
    width = _REACH / np.sqrt(curvature if d > 2 else typical * cosine)
    mode = np.arctan2(sine, cosine)
    low, high = max(mode - width, 0.0), min(mode + width, np.pi)
    angle, log_weight = _legendre(low, high, _ANGLES)
    return angle, log_weight + (d - 2) * np.log(np.sin(angle))


def _share_nodes(d: int, rank: int) -> tuple[FloatArray, FloatArray]:
    """Share of the rest of ``m - mu`` in ``rank - 1`` random directions: a Beta law, as sin^2 of an angle."""
    if rank == d or rank == 1:
        return np.array([1.0 if rank == d > 1 else 0.0]), np.array([1.0])
    inside, outside = rank - 2, d - rank - 1
    mode = np.arctan2(np.sqrt(inside), np.sqrt(outside)) if inside + outside else 0.0
    width = _REACH / np.sqrt(inside + outside) if inside + outside else np.inf
    low, high = max(mode - width, 0.0), min(mode + width, 0.5 * np.pi)
    angle, log_weight = _legendre(low, high, _SHARES)
    log_weight = log_weight + inside * np.log(np.sin(angle)) + outside * np.log(np.cos(angle))
    weight = np.exp(log_weight - log_weight.max())
    return np.sin(angle) ** 2, weight / weight.sum()


def _legendre(low: float, high: float, count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes of the Gauss-Legendre rule on an interval and the logarithms of their weights."""
    x, w = np.polynomial.legendre.leggauss(count)
    half = 0.5 * (high - low)
    return low + half * (1.0 + x), np.log(half * w)
