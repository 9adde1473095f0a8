"""Hierarchical bounds of the generalization gap from the laws of layer representations.

Conditioned on the trained weights, a training point and a fresh point have different laws at every
layer. The gap is bounded by how different they are: in KL divergence or in Wasserstein distance. The
formulas are this toolkit's derivation of the bounds described in the abstract of He and Goldfeld
(arXiv 2404.03176).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.results import Result
from ..core.validation import FloatArray, as_float_array, check_choice, check_number
from .hierarchical_result import LayerBound, funnel
from .labelled import (
    Bound,
    check_nonnegative,
    check_range,
    check_sigma,
    is_vacuous,
    list_of,
    scalar_or_array,
    sigma_range,
    warn_if_vacuous,
)

__all__ = ["hierarchical_kl_bound", "layer_wasserstein_bound", "refined_kl_bound"]

_SUB_GAUSSIAN = "the loss is sigma-sub-Gaussian under the data law for every fixed set of weights"


def hierarchical_kl_bound(kl_terms: ArrayLike, sigma: ArrayLike) -> Bound:
    """Return the bound of the gap from KL divergences of one layer's representations.

    Parameters
    ----------
    kl_terms : array_like of shape (n,) or (..., n)
        KL_{l,i} >= 0, nats, for the training points i = 1 ... n along the last axis; a scalar if they are
        equal. Leading axes, for instance layers, are kept. inf is allowed.
    sigma : array_like
        Sub-Gaussian constant of the loss, (b - a)/2 for a loss in [a, b]; broadcasts over the leading axes.

    Returns
    -------
    Bound
        ``value`` is a float, or an array of the shape of the leading axes.

    Raises
    ------
    InputError
        If a term is negative or nan, or `sigma` is not positive.

    Warns
    -----
    VacuousBoundWarning
        If a value is at least 2 sigma.

    Notes
    -----
    ``|gen| <= (sigma sqrt(2)/n) sum_i sqrt(KL_{l,i})`` with
    ``KL_{l,i} = E_W KL(P_{T_l,i, Y_i | W} || P_{T_l, Y | W})``, for every layer l = 0 ... L. The terms never
    increase with l (data processing given W); at l = 0 they are the informations I(Z_i; W) of the
    individual-sample bound. They split into ``I(Y_i; W)``, which depth does not lower, and the rest. With
    divergences for given weights along the last axis, several draws of W for every i, the value is the
    tighter disintegrated form ``(1/n) sum_i E_W sqrt(2 sigma^2 KL(.|W))`` up to the error of that average.
    A divergence estimated from the activations of one network is no KL_{l,i}: one network gives a single
    draw of W and its empirical laws are discrete. Such a number makes no bound, see `representation_shift`.

    Examples
    --------
    >>> mi = 5.0 * np.log(20.0 / 19.0)  # I(Z_i; W) of a Gaussian mean in 10 dimensions, n = 20
    >>> round(hierarchical_kl_bound(mi, 0.5).value, 6)
    0.358097
    """
    terms, width = check_nonnegative("kl_terms", kl_terms), check_sigma(sigma)
    return _kl_bound(
        np.sqrt(terms).mean(axis=-1) if terms.ndim else np.sqrt(terms),
        width,
        name="Hierarchical KL bound",
        assumptions=(
            "kl_terms are E_W KL(P_{T_i,Y_i|W} || P_{T,Y|W}) of one layer, averaged over the trained weights",
        ),
        inputs={"kl_terms": terms, "sigma": scalar_or_array(width)},
        said="The expected difference of test and training loss is at most {value}.",
    )


def refined_kl_bound(mi_x_given_y: ArrayLike, mi_y: ArrayLike, etas: Any, sigma: ArrayLike) -> Bound:
    """Return the bound of the gap when noise in the layers destroys information on the inputs.

    Parameters
    ----------
    mi_x_given_y : array_like of shape (n,) or (..., n)
        I(X_i; W | Y_i), nats, along the last axis; a scalar if they are equal.
    mi_y : array_like of shape (n,) or (..., n)
        I(Y_i; W), nats. Pass 0.0 only where the weights tell nothing about a label.
    etas : float, sequence of float or of contraction results
        Contraction coefficients eta_1 ... eta_l of the layers up to the one looked at; empty for layer 0.
    sigma : array_like
        Sub-Gaussian constant of the loss; broadcasts over the leading axes.

    Returns
    -------
    Bound
        ``value``; ``inputs["kappa"]`` is the product of the coefficients.

    Raises
    ------
    InputError
        If an information is negative, a coefficient is outside [0, 1], or `sigma` is not positive.

    Warns
    -----
    VacuousBoundWarning
        If a value is at least 2 sigma.

    Notes
    -----
    ``|gen| <= (sigma sqrt(2)/n) sum_i sqrt(I(Y_i; W) + kappa_l I(X_i; W | Y_i))`` with
    ``kappa_l = prod_{j<=l} eta_j``. The noise acts on the representations and not on the labels, so kappa
    does not multiply the label term: with W = Y_1 the layer divergence is log 2 whatever the noise.
    The noise has to be active, and drawn afresh, in both losses; with Dropout switched off at evaluation
    kappa is one. A small kappa speaks of the gap only: what the noise does to the training loss is not
    in it, and that deeper networks do better in some examples does not make it a rule.

    Examples
    --------
    >>> round(refined_kl_bound(0.5, 0.0, [0.9, 0.8], 0.5).value, 6)
    0.424264
    >>> round(refined_kl_bound(0.0, np.log(2.0), [0.84], 0.5).value, 6)  # the noise does not help here
    0.588705
    """
    inputs_term, labels_term = check_nonnegative("mi_x_given_y", mi_x_given_y), check_nonnegative("mi_y", mi_y)
    coefficients, width = _check_etas(etas), check_sigma(sigma)
    _check_broadcast("mi_x_given_y", inputs_term, "mi_y", labels_term)
    total = labels_term + _contracted(coefficients, inputs_term)
    return _kl_bound(
        np.sqrt(total).mean(axis=-1) if total.ndim else np.sqrt(total),
        width,
        name="Refined KL bound (contraction of the layers)",
        assumptions=(
            "the noise of the layers is active, and drawn afresh, in training and in test loss",
            "the coefficients hold for all weights that training can give",
        ),
        inputs={
            "mi_x_given_y": scalar_or_array(inputs_term),
            "mi_y": scalar_or_array(labels_term),
            "etas": coefficients,
            "kappa": math.prod(coefficients.tolist()),
            "sigma": scalar_or_array(width),
        },
        said="With the noise of its layers the expected difference of test and training loss is at most {value}.",
    )


def layer_wasserstein_bound(
    w1: ArrayLike, lipschitz: ArrayLike, rho0: float, metric: str, *, loss_range: float | None = None
) -> LayerBound:
    """Return the bounds of the gap from Wasserstein distances, one per layer, and both funnels.

    Parameters
    ----------
    w1 : array_like of shape (L+1,)
        Distance of order one (or an upper bound on it, such as W2) between the law of (T_l, Y) of a training
        point and of a fresh point given the weights, averaged over points and weights.
    lipschitz : array_like of shape (L+1,)
        Tail constants K_l, from layer l to the output; rho0 is not inside.
    rho0 : float
        Lipschitz constant of the loss, positive.
    metric : {"joint", "label"}
        ``"joint"``: Euclidean distance on (t, y). ``"label"``: distance between the laws of T_l given the label.
    loss_range : float, optional
        Largest possible difference of two losses, to judge whether a bound is vacuous.

    Returns
    -------
    LayerBound
        ``value`` per layer, ``smallest``, ``funnel_bound``, ``funnel_distance``.

    Raises
    ------
    InputError
        If lengths differ, a number is negative or nan, or the metric is unknown.

    Warns
    -----
    VacuousBoundWarning
        If the smallest bound is infinite, or at least `loss_range`.

    Notes
    -----
    Joint: ``rho0 max(1, K_l) W1_l`` for a loss that is rho0-Lipschitz in (output, label) together.
    Label: ``rho0 K_l W1_l``; a transport that keeps the label is possible only if the trained weights say
    nothing about it, P_{Y_i|W} = P_Y.

    With exact distances and valid constants the last layer attains the smallest bound, because a K-Lipschitz
    map shortens distances to K times what they were; with products of norms the label form never
    increases. An inner minimum of the bound is therefore a sign of inexact inputs, or of the joint
    form, whose local minima may lie inside. The distance itself does have inner minima: `funnel_distance`.

    Examples
    --------
    >>> found = layer_wasserstein_bound([2.0, 1.0, 1.5], [3.0, 3.0, 1.0], 1.0, "label")
    >>> found.value.tolist(), found.funnel_bound, found.funnel_distance
    ([6.0, 3.0, 1.5], 2, 1)
    >>> layer_wasserstein_bound([2.0, 1.0, 1.5], [0.2, 0.5, 1.0], 1.0, "joint").value.tolist()
    [2.0, 1.0, 1.5]
    """
    distances = np.atleast_1d(check_nonnegative("w1", w1))
    constants = np.atleast_1d(as_float_array("lipschitz", lipschitz, finite=False))
    if distances.ndim != 1 or constants.shape != distances.shape:
        shapes = Words(f"shapes {distances.shape} and {constants.shape}")
        raise InputError(describe("w1 and lipschitz", "of one length, one entry per layer", shapes))
    wrong = constants[~(constants >= 0.0)]
    if wrong.size:
        raise InputError(describe("lipschitz", "non-negative", float(wrong[0])))
    rho = check_number("rho0", rho0, low=0.0, open_low=True)
    form = check_choice("metric", metric, ("joint", "label"))
    width = math.inf if loss_range is None else check_range("loss_range", loss_range)
    # The unit of the loss comes last, so that nothing overflows but the bound itself.
    reach = _times(np.maximum(constants, 1.0) if form == "joint" else constants, distances)
    value = _times(np.full_like(reach, rho), reach)
    where, vacuous = funnel(value), np.atleast_1d(is_vacuous(value, width))
    warn_if_vacuous(bool(vacuous[where]), "the smallest layer bound")
    return LayerBound(
        value=value,
        nature="bound",
        assumptions=_wasserstein_assumptions(form, loss_range is not None),
        vacuous=vacuous,
        sense="expectation",
        smallest=float(value[where]),
        funnel_bound=where,
        funnel_distance=funnel(distances),
        w1=distances,
        lipschitz=constants,
        rho0=rho,
        metric=form,
        interpretation=(
            f"The expected difference of test and training loss is at most {value[where]:.4g}, from layer {where}; the "
            f"laws are closest at layer {funnel(distances)}."
        ),
    )


# ------------------------------------------------------------------------------------------ shared
def _kl_bound(
    mean_root: FloatArray,
    sigma: FloatArray,
    *,
    name: str,
    assumptions: tuple[str, ...],
    inputs: dict[str, Any],
    said: str,
) -> Bound:
    mean_root = np.asarray(mean_root)
    _check_broadcast("sigma", sigma, "the terms (without their last axis)", mean_root)
    with np.errstate(over="ignore"):
        value = np.asarray(math.sqrt(2.0) * sigma * mean_root)
    loss_range, note = sigma_range(sigma)
    vacuous = is_vacuous(value, loss_range)
    warn_if_vacuous(vacuous, f"the {name[0].lower()}{name[1:]}", stacklevel=4)
    shown = f"{float(value):.4g}" if value.ndim == 0 else f"{float(value.min()):.4g} to {float(value.max()):.4g}"
    return Bound(
        value=scalar_or_array(value),
        nature="bound",
        assumptions=(_SUB_GAUSSIAN, *assumptions, note),
        vacuous=vacuous,
        sense="expectation",
        name=name,
        inputs=inputs,
        interpretation=said.format(value=shown),
    )


def _check_etas(etas: Any) -> FloatArray:
    """Coefficients as a 1-D array; results that carry a coefficient count as numbers."""
    if isinstance(etas, np.ndarray):
        etas = np.atleast_1d(as_float_array("etas", etas))
    single = isinstance(etas, Result) or (not isinstance(etas, str) and not np.iterable(etas))
    items = [etas] if single else list_of("etas", etas, "a list of contraction coefficients")
    plain = [float(item) if isinstance(item, Result) and hasattr(item, "__float__") else item for item in items]
    array = as_float_array("etas", plain, ndim=1) if plain else np.empty(0)
    wrong = array[(array < 0.0) | (array > 1.0)]
    if wrong.size:
        raise InputError(describe("etas", "in [0, 1] (contraction coefficients)", float(wrong[0])))
    return np.array(array)


def _contracted(coefficients: FloatArray, information: FloatArray) -> FloatArray:
    """Product of the coefficients times the information, in the log domain."""
    if (coefficients == 0.0).any():
        # Nothing passes a constant channel, not even infinite information.
        return np.zeros(information.shape)
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.log(coefficients).sum() + np.log(information)))


def _times(factor: FloatArray, distances: FloatArray) -> FloatArray:
    """Products in which zero wins over infinity: no distance, or a constant map, costs nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        product = factor * distances
    return np.where((factor == 0.0) | (distances == 0.0), 0.0, product)


def _check_broadcast(first: str, a: FloatArray, second: str, b: FloatArray) -> None:
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        shapes = Words(f"shapes {a.shape} and {b.shape}")
        raise InputError(describe(f"{first} and {second}", "of shapes that fit together", shapes)) from None


def _wasserstein_assumptions(form: str, known_range: bool) -> tuple[str, ...]:
    found = [
        "w1 is at least the distance of order one between the laws given the trained weights, averaged over them",
        "lipschitz holds valid constants of the maps from each layer to the output",
    ]
    if form == "label":
        found.append("the trained weights say nothing about a label: P_{Y_i|W} = P_Y")
    else:
        found.append("the loss is rho0-Lipschitz in output and label together")
    if not known_range:
        found.append("the range of the loss is not given, so only an infinite bound counts as vacuous")
    return tuple(found)
