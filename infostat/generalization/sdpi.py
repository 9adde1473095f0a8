"""Contraction (strong data-processing) coefficients of Dropout, DropConnect, Gaussian noise and finite channels.

Noise inside a network makes layers forget: behind a layer with coefficient eta at most a share eta of any
Kullback-Leibler divergence, or mutual information, is left. The functions return eta and, because many
coefficients round to one, 1 - eta and its logarithm.

Noise acts on representations, not on labels: in a bound the coefficients multiply what the weights know about
the inputs given the labels, never what they know about the labels themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.progress import Progress, progress_callback
from ..core.validation import as_float_array, check_choice, short
from ..divergences.probability_tables import read_rows
from .labelled import check_sizes, common_shape, list_of, scalar_or_array
from .lipschitz import ACTIVATIONS
from .sdpi_arguments import (
    check_levels,
    check_probabilities,
    log_largest_variance,
    log_or_minus_inf,
)
from .sdpi_channels import (
    Coefficient,
    compose,
    erasure,
    from_eta,
    gaussian_noise,
    gaussian_noise_tv,
    gaussian_reference,
    worst_pair,
)
from .sdpi_labels import FRESH, contraction_of
from .sdpi_result import Contraction

__all__ = [
    "compose_sdpi",
    "sdpi_discrete",
    "sdpi_dropconnect",
    "sdpi_dropout",
    "sdpi_gaussian",
    "sdpi_gaussian_input",
]


_LARGEST_WIDTH = 1e15  # products of two widths times a logarithm stay floats


def sdpi_dropout(drop: ArrayLike, d: ArrayLike | None = None) -> Contraction:
    """Return the contraction coefficient of Dropout on d units, ``1 - drop^d``.

    Parameters
    ----------
    drop : float or array_like of shape (d,)
        Probability that a unit is dropped; a list gives every unit its own.
    d : int or array_like of int, optional
        Number of units, >= 1; an array gives one coefficient per entry. By default 1 for a single probability and
        the length of the list otherwise.

    Returns
    -------
    Contraction
        Exact, for KL and for total variation.

    Raises
    ------
    InputError
        If a probability is outside [0, 1], d is below 1, or a list does not have d entries.

    Notes
    -----
    A layer whose units are all dropped carries nothing, which has probability ``prod drop_j`` whatever the input;
    two inputs that differ in every unit and have no zero unit attain the supremum. Scaling the kept values changes
    nothing. This toolkit's derivation, checked by enumeration; source of the idea: He & Goldfeld, arXiv 2404.03176.

    Examples
    --------
    >>> round(sdpi_dropout(0.3, 3).value, 12)
    0.973
    >>> found = sdpi_dropout(0.5, 4096)
    >>> found.value, found.contraction_gap, round(found.log_contraction_gap, 6)
    (1.0, 0.0, -2839.130852)
    """
    probability = check_probabilities("drop", drop)
    if probability.ndim > 1:
        raise InputError(describe("drop", "one probability or a list of them", Words(f"shape {probability.shape}")))
    if probability.ndim == 1:
        units = check_sizes("d", len(probability) if d is None else d, high=_LARGEST_WIDTH)
        if units.ndim or units != len(probability):
            raise InputError(f"drop must have d entries, got {len(probability)} probabilities and d = {short(d)}")
        log_drop = np.asarray(log_or_minus_inf(probability).sum())
        inputs: dict[str, Any] = {"units": len(probability), "drop_probabilities": probability}
    else:
        units = check_sizes("d", 1 if d is None else d, high=_LARGEST_WIDTH)
        log_drop = units * log_or_minus_inf(probability)
        inputs = {"units": scalar_or_array(units), "drop": float(probability)}
    found = erasure(log_drop)
    return contraction_of(
        found,
        eta_tv=found.eta,
        nature="exact",
        name="Dropout",
        inputs=inputs,
        assumptions=(
            FRESH,
            "units are dropped independently of each other and of the input",
            "two inputs can differ in every unit (otherwise the number is an upper bound)",
        ),
    )


def sdpi_dropconnect(
    drop: ArrayLike,
    weights: ArrayLike | None = None,
    shape: tuple[int, int] | None = None,
    *,
    activation: str = "identity",
) -> Contraction:
    """Return the contraction coefficient of DropConnect: every weight is dropped independently.

    Parameters
    ----------
    drop : float or array_like
        Probability that a weight is dropped; an array gives one coefficient per entry.
    weights : array_like of shape (d_out, d_in), optional
        The known weight matrix; entries that are zero do not count.
    shape : tuple of int, optional
        ``(d_out, d_in)`` where the weights are unknown. Give exactly one of `weights` and `shape`.
    activation : str
        Activation behind the masked weights; anything but ``"identity"`` makes the number an upper bound
        (``"other"`` stands for one without a name here).

    Returns
    -------
    Contraction
        ``1 - drop^k`` with k the number of non-zero weights (exact for the identity activation) or ``d_out d_in``
        (a bound for all weights).

    Raises
    ------
    InputError
        If a probability is outside [0, 1], both or none of `weights` and `shape` are given, or a width is below 1.

    Notes
    -----
    If all k weights are dropped the output is the same for every input, with probability ``drop^k``. The input 0
    and an input for which no kept sub-matrix gives 0 (all but a null set, for every W) attain the supremum. This
    toolkit's derivation, checked by enumeration.

    Examples
    --------
    >>> round(sdpi_dropconnect(0.6, shape=(2, 2)).value, 12)
    0.8704
    >>> found = sdpi_dropconnect(0.6, weights=[[1.0, 0.0], [-2.0, 0.0]])
    >>> round(found.value, 12), found.nature
    (0.64, 'exact')
    """
    probability = check_probabilities("drop", drop)
    kind = check_choice("activation", activation, (*ACTIVATIONS, "other"))
    if (weights is None) == (shape is None):
        raise InputError(
            f"exactly one of weights and shape must be given, got {'neither' if weights is None else 'both'}"
        )
    if weights is not None:
        matrix = as_float_array("weights", weights, ndim=2)
        count, size = int(np.count_nonzero(matrix)), matrix.shape
    else:
        sides = check_sizes("shape", shape, high=_LARGEST_WIDTH)
        if sides.shape != (2,):
            raise InputError(describe("shape", "(d_out, d_in)", short(shape)))
        size = (int(sides[0]), int(sides[1]))
        count = size[0] * size[1]
    exact = weights is not None and kind == "identity"
    found = erasure(np.asarray(log_or_minus_inf(probability) * count if count else 0.0 * probability))
    inputs = {"drop": scalar_or_array(probability), "d_out": size[0], "d_in": size[1], "nonzero_weights": count}
    assumptions = [FRESH, "weights are dropped independently of each other and of the input"]
    if exact:
        assumptions.append("the inputs may be any vectors, 0 included (otherwise the number is an upper bound)")
    return contraction_of(
        found,
        eta_tv=found.eta if exact else None,
        nature="exact" if exact else "bound",
        name="DropConnect" if kind == "identity" else f"DropConnect, {kind} activation",
        inputs=inputs,
        assumptions=tuple(assumptions),
    )


def sdpi_gaussian(diameter: ArrayLike, noise_std: ArrayLike, method: str = "exact") -> Contraction:
    """Return the contraction coefficient of Gaussian noise on inputs from a bounded set.

    Parameters
    ----------
    diameter : float or array_like
        Largest Euclidean distance D between two noiseless outputs, >= 0, see
        :func:`~infostat.generalization.diameters.activation_diameter`; inf for an unbounded activation.
    noise_std : float or array_like
        Standard deviation of the noise per unit, >= 0; the two arguments broadcast.
    method : {"exact", "dobrushin"}
        ``1 - exp(-s^2/2) E sech(s Z)`` or the larger ``1 - 2 Q(s)``, with ``s = D / (2 noise_std)``.

    Returns
    -------
    Contraction
        Exact, or the Dobrushin bound; `eta_tv` is the coefficient of total variation in both cases.

    Raises
    ------
    InputError
        If an argument is negative or nan, the noise infinite, or the method unknown.

    Warns
    -----
    NoContractionWarning
        If the diameter is infinite: power-constrained or unbounded inputs do not contract.

    Notes
    -----
    The worst pair of laws sits on two points at distance D, where the coefficient is the Le Cam divergence at equal
    weights, ``E tanh(s^2 + s Z)``. Evaluated by the trapezoid rule to rounding (Gauss-Hermite is not accurate for
    large s). This toolkit's derivation, checked by numerical suprema.

    Examples
    --------
    >>> round(sdpi_gaussian(1.0, 1.0).value, 10)
    0.2040542656
    >>> round(sdpi_gaussian(1.0, 1.0, "dobrushin").value, 10)
    0.3829249225
    """
    rule = check_choice("method", method, ("exact", "dobrushin"))
    distance = check_levels("diameter", diameter)
    noise = check_levels("noise_std", noise_std, finite=True)
    distance, noise = common_shape(diameter=distance, noise_std=noise)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # A set of one point has nothing to tell apart, with or without noise.
        s = np.where(distance > 0.0, 0.5 * distance / noise, 0.0)
    tv = gaussian_noise_tv(s)
    return contraction_of(
        gaussian_noise(s) if rule == "exact" else tv,
        eta_tv=tv.eta,
        nature="exact" if rule == "exact" else "bound",
        name="Gaussian noise on a bounded set" + ("" if rule == "exact" else " (Dobrushin bound)"),
        inputs={"diameter": scalar_or_array(distance), "noise_std": scalar_or_array(noise), "method": rule},
        assumptions=(
            FRESH,
            "noise is independent normal with the same standard deviation for every unit",
            "no two inputs are farther apart than the diameter (equality needs two points at that distance)",
        ),
        unbounded=bool(np.isinf(distance).any()),
    )


def sdpi_gaussian_input(cov: ArrayLike, noise_std: ArrayLike, A: ArrayLike | None = None) -> Contraction:
    """Return the contraction coefficient of Gaussian noise behind a linear map, at one normal input law.

    Parameters
    ----------
    cov : float or array_like of shape (d, d)
        Covariance of the input under the reference (test) law, positive semi-definite.
    noise_std : float or array_like
        Standard deviation of the noise per output, >= 0; an array gives one coefficient per entry.
    A : array_like of shape (k, d), optional
        The linear map; the identity by default.

    Returns
    -------
    Contraction
        ``lam / (lam + noise_std^2)`` with lam the largest eigenvalue of ``A cov A'``.

    Raises
    ------
    InputError
        If the covariance is not square, symmetric and positive semi-definite, or A does not fit.

    Notes
    -----
    The supremum runs over the first argument of the divergence only, the second is ``N(., cov)``: the squared
    maximal correlation of input and output. Without a fixed reference law, unbounded inputs do not contract. This
    toolkit's derivation, checked on random normal pairs.

    Examples
    --------
    >>> round(sdpi_gaussian_input([[3.0, 0.0], [0.0, 1.0]], 1.0).value, 12)
    0.75
    """
    noise = check_levels("noise_std", noise_std, finite=True)
    log_signal = log_largest_variance(cov, A)
    # Where the signal vanishes nothing gets through, even without noise.
    log_ratio = np.full_like(noise, -np.inf) if log_signal == -np.inf else log_signal - 2.0 * log_or_minus_inf(noise)
    return contraction_of(
        gaussian_reference(log_ratio),
        eta_tv=None,
        nature="exact",
        name="Gaussian noise at a normal input law",
        inputs={"log_largest_variance": log_signal, "noise_std": scalar_or_array(noise)},
        assumptions=(
            FRESH,
            "valid only against the reference law: the second argument of the divergence is the normal law with this "
            "covariance",
        ),
    )


def sdpi_discrete(K: ArrayLike | pd.DataFrame, *, progress: Progress = False) -> Contraction:
    """Return the contraction coefficient of a finite channel.

    Parameters
    ----------
    K : array_like or DataFrame of shape (k, m)
        Row i is the law of the output for input i; rows sum to 1 (1e-8).
    progress : bool or callable
        False is silent, True a bar on stderr, a callable is called with pairs of rows done and in all.

    Returns
    -------
    Contraction
        Exact; `eta_tv` is the largest total variation between two rows, and `inputs` names the pair of rows that
        contracts least.

    Raises
    ------
    InputError
        If K is not a matrix of probabilities with rows of sum one.

    Notes
    -----
    Two inputs suffice: ``eta = max_{p, q rows} sup_b b (1-b) sum (p-q)^2 / (b p + (1-b) q)`` (classic; see Polyanskiy
    & Wu, Strong data-processing inequalities for channels and Bayesian networks, 2017). In b the right side is
    concave, so the supremum is found to rounding.

    Examples
    --------
    >>> round(sdpi_discrete([[0.8, 0.2], [0.2, 0.8]]).value, 12)
    0.36
    """
    table = read_rows("K", K)
    if table.values.ndim != 2 or not table.values.size:
        raise InputError(describe("K", "a matrix, one row per input", Words(f"shape {table.values.shape}")))
    rows = table.values / table.sums[:, None]
    with progress_callback(progress, "pairs of rows") as report:
        worst = worst_pair(rows, report)
    names = [str(label) for label in K.index] if isinstance(K, pd.DataFrame) else [str(i) for i in range(len(rows))]
    inputs: dict[str, Any] = {"n_inputs": rows.shape[0], "n_outputs": rows.shape[1]}
    if worst.rows[0] != worst.rows[1]:
        inputs |= {"first_row": names[worst.rows[0]], "second_row": names[worst.rows[1]], "mixing": worst.mixing}
    return contraction_of(
        worst.coefficient,
        eta_tv=np.asarray(worst.eta_tv),
        nature="exact",
        name="finite channel",
        inputs=inputs,
        assumptions=("every input of the channel can occur",),
    )


def compose_sdpi(etas: Any) -> Contraction:
    """Return the product of contraction coefficients: a bound for layers in a row.

    Parameters
    ----------
    etas : list of float, ndarray or Contraction
        One coefficient per layer, first layer first; arrays inside broadcast. Results of the other functions keep
        the digits of 1 - eta that a float has lost.

    Returns
    -------
    Contraction
        ``prod eta_j`` bounds the coefficient of the composed channel; `eta_tv` the same for total variation, where
        every layer has it.

    Raises
    ------
    InputError
        If there is no layer, a coefficient is outside [0, 1], or shapes do not fit together.

    Notes
    -----
    ``eta(K2 o K1) <= eta(K1) eta(K2)``: the divergence behind K1 is what enters K2. Equality is the exception.

    Examples
    --------
    >>> round(compose_sdpi([0.9, 0.8]).value, 12)
    0.72
    >>> both = compose_sdpi([sdpi_dropout(0.5, 100), sdpi_dropout(0.5, 100)])
    >>> both.value, round(both.contraction_gap * 2.0**99, 12)
    (1.0, 1.0)
    """
    layers = list_of("etas", etas, "a list of coefficients, one per layer")
    if not layers:
        raise InputError(describe("etas", "at least one coefficient", Words("an empty list")))
    parts = [_part(layer) for layer in layers]
    common_shape(**{f"etas[{i}]": part.eta for i, part in enumerate(parts)})
    known = [layer.eta_tv for layer in layers if isinstance(layer, Contraction) and layer.eta_tv is not None]
    eta_tv = None
    if len(known) == len(layers):
        eta_tv = compose([from_eta(np.asarray(value, dtype=np.float64)) for value in known]).eta
    found = [text for layer in layers if isinstance(layer, Contraction) for text in layer.assumptions]
    return contraction_of(
        compose(parts),
        eta_tv=eta_tv,
        nature="bound",
        name=f"{len(layers)} layers in a row",
        inputs={"n_layers": len(layers)},
        assumptions=(*dict.fromkeys(found), "the noise of different layers is independent"),
    )


def _part(layer: Any) -> Coefficient:
    """Coefficient of one entry of `etas`."""
    if isinstance(layer, Contraction):
        return Coefficient(*(np.asarray(v) for v in (layer.value, layer.contraction_gap, layer.log_contraction_gap)))
    return from_eta(check_probabilities("etas", layer))
