"""Dropout and Gaussian noise of a small network: drawing them, applying them, and what a mask leaves of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from numpy.random import Generator

from ..core.validation import FloatArray

__all__ = ["NOISE_MODES", "LayerNoise", "draw_noise", "thinned_weights"]

NOISE_MODES = ("fresh", "shared", "off")


class LayerNoise(NamedTuple):
    """Noise on the output t of one hidden layer, which becomes ``scale * t + shift``.

    Attributes
    ----------
    scale : ndarray of shape (n, d) or (1, d), or None
        0 where a unit is dropped, 1 / (1 - drop) where it is kept; None where nothing is ever dropped.
    shift : ndarray of shape (n, d) or (1, d), or None
        Gaussian noise; None where there is none.
    """

    scale: FloatArray | None
    shift: FloatArray | None


def draw_noise(
    widths: Sequence[int], drop: Sequence[float], noise_std: Sequence[float], rows: int, generator: Generator
) -> tuple[LayerNoise, ...]:
    """Return one draw of the noise of every hidden layer.

    Parameters
    ----------
    widths : sequence of int
        Widths of the hidden layers.
    drop, noise_std : sequence of float
        Dropout probability and standard deviation of each of them.
    rows : int
        Number of independent draws: one per observation, or 1 for a draw that all observations share.
    generator : Generator
        Advanced only by the layers that have noise.

    Returns
    -------
    tuple of LayerNoise
        One entry per hidden layer.
    """
    found = []
    for width, probability, deviation in zip(widths, drop, noise_std, strict=True):
        scale = shift = None
        if probability > 0.0:
            kept = generator.random((rows, width)) >= probability
            # Kept values grow, so that the mean of what a layer passes on does not depend on `drop`.
            scale = kept / (1.0 - probability)
        if deviation > 0.0:
            shift = deviation * generator.standard_normal((rows, width))
        found.append(LayerNoise(scale, shift))
    return tuple(found)


def thinned_weights(weights: Sequence[FloatArray], noise: Sequence[LayerNoise]) -> list[FloatArray]:
    """Return the weights between the layers that a shared mask leaves.

    Parameters
    ----------
    weights : sequence of ndarray
        W_1 to W_L, of shape (d_l, d_{l-1}).
    noise : sequence of LayerNoise
        A draw with one row, for the L - 1 hidden layers.

    Returns
    -------
    list of ndarray
        diag(scale_l) W_l diag(scale_{l-1} > 0). A unit that is dropped carries the same value (the
        shift) for every observation, so that its column acts on no difference, and a factor in front
        of an activation of slope at most rho passes through its Lipschitz constant.
    """
    found = []
    for index, weight in enumerate(weights):
        thinned = weight.copy()
        if index > 0 and (before := noise[index - 1].scale) is not None:
            thinned[:, before[0] == 0.0] = 0.0
        if index < len(noise) and (after := noise[index].scale) is not None:
            thinned *= after.T
        found.append(thinned)
    return found
