"""Networks with quantised weights: entropy bounds the information, dropout shrinks it on the way to the output."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, NoContractionWarning, Words, describe
from ..core.validation import FloatArray, check_count, check_flag, check_number
from .finite_results import CAVEAT, DepthWidthTable, FiniteParameterBound
from .labelled import (
    check_axis,
    check_nonnegative,
    check_sigma,
    check_sizes,
    common_shape,
    is_vacuous,
    list_of,
    scalar_or_array,
    sigma_range,
    warn_if_vacuous,
)
from .sdpi_arguments import check_probabilities, log_or_minus_inf
from .sdpi_channels import Coefficient, compose, erasure
from .sdpi_labels import FRESH

__all__ = ["depth_width_table", "finite_parameter_bound"]

_LARGEST_WIDTH, _LARGEST_COUNT = 10**12, 10**15


def finite_parameter_bound(
    widths: Sequence[int],
    levels: ArrayLike,
    n: ArrayLike,
    sigma: ArrayLike,
    drop: float | Sequence[float],
    label_information: ArrayLike,
    *,
    biases: bool = False,
    n_classes: int | None = None,
) -> FiniteParameterBound:
    """Return a bound on the gap of a network whose weights take finitely many values.

    Parameters
    ----------
    widths : sequence of int
        d_0, ..., d_L: the input, the hidden layers, the output; each >= 1.
    levels : int or array_like of int
        Values a single weight can take, >= 1.
    n : int or array_like of int
        Sample size, >= 1.
    sigma : float or array_like
        Sub-Gaussian constant of the loss: (b - a)/2 for a loss in [a, b].
    drop : float or sequence of L floats
        Probability that Dropout sets a unit of a layer input to zero, common or per layer; 0 without dropout.
    label_information : float or array_like
        Upper bound on ``sum_i I(Y_i; W)``, nats. 0 states that the weights know nothing about single labels; inf uses
        what always holds. There is no default, because dropout does not shrink this part.
    biases : bool
        Count a bias per unit as well.
    n_classes : int, optional
        Number of labels; caps the label information at ``n log(n_classes)``.

    Returns
    -------
    FiniteParameterBound
        ``value``, ``n_params``, ``contraction``; array arguments broadcast.

    Raises
    ------
    InputError
        If a width, level or sample size is below 1, a probability outside [0, 1], sigma not positive, the label
        information negative, or `drop` has another length than the network has layers.

    Warns
    -----
    VacuousBoundWarning
        If the bound is at least 2 sigma.

    Notes
    -----
    ``|gen| <= sigma sqrt((2/n) [kappa H + (1 - kappa) J])`` with ``H = N log(levels)``, J the label information and
    ``kappa = prod_l (1 - drop_l^{d_(l-1)})``: the sum over i of ``I(Z_i; W)`` is at most H, the part about inputs given
    labels contracts by kappa, and Jensen's inequality joins the samples. This toolkit's derivation of the bound
    described in the abstract of He & Goldfeld, arXiv 2404.03176. The training error is not in it, and that deeper and
    narrower networks do better in such examples says little about others.

    Examples
    --------
    >>> found = finite_parameter_bound([4, 3, 1], 2, 1000, 0.5, 0.5, 0.0)
    >>> found.n_params, found.contraction, round(found.value, 6)
    (15, 0.8203125, 0.065303)
    """
    sizes = _widths(widths)
    factor = _kappa(sizes, drop)
    n_params = sum(a * b for a, b in itertools.pairwise(sizes))
    if check_flag("biases", biases):
        n_params += sum(sizes[1:])
    values, size, spread, known = common_shape(
        levels=check_sizes("levels", levels),
        n=check_sizes("n", n),
        sigma=check_sigma(sigma),
        label_information=check_nonnegative("label_information", label_information),
    )
    entropy = n_params * np.log(values)
    cap = entropy
    if n_classes is not None:
        cap = np.minimum(entropy, size * math.log(check_count("n_classes", n_classes, low=1)))
    labels = np.minimum(known, cap)
    kappa, gap = float(factor.eta), float(factor.gap)
    with np.errstate(over="ignore"):
        bound = spread * np.sqrt(2.0 / size * (kappa * entropy + gap * labels))
    width, sentence = sigma_range(spread)
    vacuous = is_vacuous(bound, width)
    warn_if_vacuous(vacuous, "The bound of a finite parameter space")
    return FiniteParameterBound(
        value=scalar_or_array(bound),
        nature="bound",
        sense="expectation",
        assumptions=(*_assumptions(kappa, known, cap), sentence),
        vacuous=vacuous,
        n_params=n_params,
        contraction=kappa,
        contraction_gap=gap,
        entropy=scalar_or_array(entropy),
        label_information=scalar_or_array(labels),
        inputs={
            "n": scalar_or_array(size),
            "levels": scalar_or_array(values),
            "sigma": scalar_or_array(spread),
            "widths": np.array(sizes),
        },
        interpretation=(
            f"{n_params} parameters can hold a limited amount of information about the sample, of which a share of at "
            f"most {kappa:.4g} that concerns the inputs reaches the output; the mean gap between training and test "
            "loss is at most the value."
        ),
    )


def depth_width_table(n_params: int, depths: ArrayLike, drop: float) -> DepthWidthTable:
    """Return how the contraction of a dropout network depends on depth at a fixed number of weights.

    Parameters
    ----------
    n_params : int
        Number of weights N, >= 1.
    depths : int or array_like of int of shape (k,)
        Numbers of layers L, 1 to N.
    drop : float
        Dropout probability on the input of every layer.

    Returns
    -------
    DepthWidthTable
        ``depth``, ``width = sqrt(N / L)`` (real-valued) and ``kappa = (1 - drop^width)^L``.

    Raises
    ------
    InputError
        If a depth is below 1 or leaves a width below 1, or the probability is outside [0, 1].

    Warns
    -----
    NoContractionWarning
        If kappa is 1 (no dropout).

    Notes
    -----
    kappa decreases in L: narrower layers are lost more often, and there are more of them. The label-free bound of
    :func:`finite_parameter_bound` carries the factor sqrt(kappa). The training error is not in this table, and how
    general the effect is stays open (He & Goldfeld, arXiv 2404.03176).

    Examples
    --------
    >>> table = depth_width_table(240, [1, 2, 4], 0.9)
    >>> [round(float(kappa), 6) for kappa in table.kappa]
    [0.804508, 0.468786, 0.096847]
    """
    count = check_count("n_params", n_params, low=1, high=_LARGEST_COUNT)
    layers = check_axis("depths", check_sizes("depths", depths))
    if (layers > count).any():
        raise InputError(
            describe("depths", f"at most n_params = {count} (a width below 1 otherwise)", int(layers.max()))
        )
    probability = check_number("drop", drop, low=0.0, high=1.0)
    width = np.sqrt(count / layers)
    factor = _power(erasure(_log_erased(np.asarray(probability), width)), layers)
    vacuous = np.isneginf(factor.log_gap)
    if vacuous.any():
        warnings.warn("kappa is 1 without dropout: depth contracts nothing", NoContractionWarning, stacklevel=2)
    return DepthWidthTable(
        value=factor.eta,
        nature="bound",
        assumptions=(FRESH, "all layers have the same width, biases are not counted"),
        vacuous=vacuous,
        depth=layers.astype(np.int64),
        width=width,
        kappa_gap=factor.gap,
        bound_factor=np.sqrt(factor.eta),
        n_params=count,
        drop=probability,
        interpretation=f"At the same number of weights a deeper network is narrower, so that more is lost. {CAVEAT}",
    )


# ------------------------------------------------------------------------ parts
def _widths(widths: Any) -> list[int]:
    given = list_of("widths", widths, "a list of layer widths d_0, ..., d_L")
    sizes = [check_count(f"widths[{i}]", width, low=1, high=_LARGEST_WIDTH) for i, width in enumerate(given)]
    if len(sizes) < 2:
        raise InputError(describe("widths", "at least the widths of input and output", Words(sizes)))
    return sizes


def _kappa(sizes: list[int], drop: Any) -> Coefficient:
    """Product of the Dropout coefficients of the layer inputs."""
    probability = check_probabilities("drop", drop)
    n_layers = len(sizes) - 1
    if probability.ndim > 1 or (probability.ndim == 1 and len(probability) != n_layers):
        found = Words(f"shape {probability.shape}")
        raise InputError(describe("drop", f"one probability, or one per layer ({n_layers})", found))
    logs = _log_erased(np.broadcast_to(probability, n_layers), np.array(sizes[:-1], dtype=np.float64))
    return compose([erasure(np.asarray(value)) for value in logs])


def _log_erased(drop: FloatArray, width: FloatArray) -> FloatArray:
    """Log-probability that all units of a layer are dropped."""
    return np.asarray(width * log_or_minus_inf(drop))


def _power(part: Coefficient, layers: FloatArray) -> Coefficient:
    """Product of `layers` equal coefficients, per entry."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log_eta = np.where(part.eta < 0.5, np.log(part.eta), np.log1p(-np.minimum(part.gap, 0.6)))
        gap = 0.0 - np.expm1(layers * log_eta)
        log_gap = np.where(gap > 1e-290, np.log(gap), part.log_gap + np.log(layers))
    return Coefficient(np.exp(layers * log_eta), gap, log_gap)


def _assumptions(kappa: float, known: FloatArray, cap: FloatArray) -> tuple[str, ...]:
    found = ["the loss is sigma-sub-Gaussian under the data law for every weight vector", "the sample is iid"]
    if kappa < 1.0:
        found += [FRESH, "units are dropped independently of each other and of the input"]
    if (known < cap).any():
        size = "nothing" if not known.any() else "no more than label_information"
        found.append(f"the weights know {size} about single labels, summed over the sample")
    return tuple(found)
