"""Lipschitz constants of the layers above a layer: spectral norms times activation constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_choice, check_number
from .labelled import list_of

__all__ = ["ACTIVATIONS", "check_weight_matrices", "lipschitz_constants"]

# Largest slope of each activation (softmax: spectral norm of its Jacobian, at most 1/2). The slopes of
# GELU, x Phi(x), and SiLU, x/(1 + e^-x), exceed one; they are rounded up in the last digit.
ACTIVATIONS = {
    "identity": 1.0,
    "linear": 1.0,
    "relu": 1.0,
    "leaky_relu": 1.0,
    "elu": 1.0,
    "tanh": 1.0,
    "softplus": 1.0,
    "sigmoid": 0.25,
    "softmax": 0.5,
    "gelu": 1.1289042,
    "silu": 1.0998395,
}


def lipschitz_constants(weights: Sequence[Any], activations: str | float | Sequence[Any] | None = None) -> FloatArray:
    """Return the Lipschitz constants K_0 ... K_L of the maps from each layer to the output.

    Parameters
    ----------
    weights : sequence of array_like
        Weight matrices W_1 ... W_L, W_l of shape (d_l, d_{l-1}). Biases do not matter. A convolution is
        no matrix product of its kernel: for such layers work out the constants and pass them on.
    activations : str, float or sequence, optional
        One name (or Lipschitz constant) for all hidden layers, or one for each of the L-1 hidden layers
        or the L layers. Names: identity, linear, relu, leaky_relu (slope at most one), elu, tanh, softplus,
        sigmoid, softmax, gelu, silu. None stands for a constant of one.

    Returns
    -------
    ndarray of shape (L+1,)
        ``K_l = prod_{j>l} rho_j |W_j|_2`` with rho_j the constant of the activation; ``K_L = 1``; inf
        where the product leaves the range of floats.

    Raises
    ------
    InputError
        If shapes do not fit together (the layer is named), a number is not finite, or a name is unknown.
    InputTypeError
        If the weights are no sequence.

    Notes
    -----
    ``|W|_2`` is the largest singular value. The output layer counts as the identity (rho_L = 1) whatever its
    name, because loss constants refer to its pre-activation (logits). The product is an upper bound on
    the true constant, often a loose one.

    Examples
    --------
    >>> lipschitz_constants([[[3.0, 0.0], [0.0, 1.0]], [[2.0, 0.0]]], "relu").tolist()
    [6.0, 2.0, 1.0]
    >>> lipschitz_constants([[[3.0, 0.0], [0.0, 1.0]], [[2.0, 0.0]]], "sigmoid").tolist()
    [1.5, 2.0, 1.0]
    """
    matrices = check_weight_matrices(weights)
    slopes = _slopes(activations, len(matrices))
    factors = np.array([slope * np.linalg.norm(w, 2) for slope, w in zip(slopes, matrices, strict=True)])
    tails = np.ones(len(matrices) + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        tails[:-1] = np.cumprod(factors[::-1])[::-1]
    # A layer of zeros cuts what is below it off from the output, however large that is.
    for layer in np.flatnonzero(factors == 0.0):
        tails[: layer + 1] = 0.0
    return tails


def check_weight_matrices(weights: Any) -> list[FloatArray]:
    """Return weight matrices as float arrays that can be multiplied, or raise and name the layer.

    Parameters
    ----------
    weights : sequence of array_like
        W_1 ... W_L.

    Returns
    -------
    list of ndarray
        The matrices.

    Raises
    ------
    InputError
        If a matrix has another number of axes, is empty, not finite, or does not fit the one before.
    InputTypeError
        If `weights` is no sequence of matrices.
    """
    given = list_of("weights", weights, "a list of weight matrices W_1 ... W_L")
    matrices = [as_float_array(f"weights of layer {i}", w) for i, w in enumerate(given, 1)]
    if not matrices:
        raise InputError(describe("weights", "a list of at least one weight matrix", Words("an empty list")))
    for layer, matrix in enumerate(matrices, 1):
        if matrix.ndim != 2 or matrix.size == 0:
            cure = "the kernel of a convolution is not its matrix: pass lipschitz= instead" if matrix.ndim > 2 else ""
            shape = Words(f"shape {matrix.shape}")
            raise InputError(describe(f"weights of layer {layer}", "a matrix of widths at least 1", shape, cure))
        below = matrix.shape[1] if layer == 1 else matrices[layer - 2].shape[0]
        if matrix.shape[1] != below:
            raise InputError(
                f"weights of layer {layer} must have {below} columns, one for each output of layer {layer - 1}, "
                f"got shape {matrix.shape}; W_l is (width of layer l) x (width of layer l-1), transpose it if need be"
            )
    return matrices


def _slopes(activations: Any, n_layers: int) -> FloatArray:
    """Constant of the activation of every layer, one for the output layer."""
    single = activations is None or isinstance(activations, str) or not np.iterable(activations)
    named = [activations] if single else list_of("activations", activations, "a name, or a list of one name per layer")
    given = named * (n_layers - 1) if single else named
    if len(given) not in (n_layers - 1, n_layers):
        raise InputError(
            f"activations must be one name, or one for each of the {n_layers} layers (the output layer may be left "
            f"out), got {len(given)}"
        )
    # The name of the output layer must be known too, even though its constant is not used; a single name
    # is checked for networks without hidden layers as well.
    constants = [_slope(each) for each in ([activations] if single else given)]
    hidden = constants * (n_layers - 1) if single else constants[: n_layers - 1]
    return np.array([*hidden, 1.0])


def _slope(activation: Any) -> float:
    if activation is None:
        return 1.0
    if isinstance(activation, str):
        return ACTIVATIONS[check_choice("activations", activation.lower(), ACTIVATIONS)]
    return check_number("activations", activation, low=0.0, cure="pass a name or the Lipschitz constant")
