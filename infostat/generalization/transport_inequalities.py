"""From divergences to transport distances, and from transport distances of the weights to the gap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_float_array, check_choice, check_number
from ..divergences.tv_kl_curves import tv_upper_from_kl
from .labelled import (
    Bound,
    check_nonnegative,
    common_shape,
    is_vacuous,
    scalar_or_array,
    warn_if_vacuous,
)

__all__ = ["lipschitz_parameter_bound", "transport_inequality"]

_NAMES = {
    "t1": ("Transport inequality T1", "Wasserstein distance W1"),
    "t2": ("Transport inequality T2 of a normal law", "Wasserstein distance W2"),
    "diameter": ("Transport inequality of a bounded set", "Wasserstein distance W1"),
}
_ASSUMPTIONS = {
    "t1": "under Q every function with Lipschitz constant 1 is sqrt(constant)-sub-Gaussian",
    "t2": "Q is a normal law whose covariance has the constant as largest eigenvalue",
    "diameter": "P and Q live on a set whose diameter is the constant",
}


def transport_inequality(
    kl: ArrayLike, constant: ArrayLike, method: str = "t1", *, tv_method: str = "pinsker"
) -> Bound:
    """Return a bound of the Wasserstein distance of P and Q from ``KL(P || Q)``.

    Parameters
    ----------
    kl : float or array_like
        ``KL(P || Q)`` in nats; inf is allowed.
    constant : float or array_like
        What is known of Q: the constant c of ``"t1"`` (squared length); for ``"t2"`` the largest eigenvalue of the
        covariance of a normal Q, or its whole covariance matrix (d x d); for ``"diameter"`` the diameter of a set
        that holds both laws (length).
    method : {"t1", "t2", "diameter"}
        Which inequality.
    tv_method : {"pinsker", "bretagnolle_huber", "tight"}
        How ``"diameter"`` goes from the divergence to total variation.

    Returns
    -------
    Bound
        ``value`` bounds ``W1`` (``"t1"``, ``"diameter"``) or ``W2`` (``"t2"``), in the unit of the data.

    Raises
    ------
    InputError
        If a number is out of range, a matrix is not a covariance, or a method is unknown.

    Warns
    -----
    VacuousBoundWarning
        If the value is infinite, or the diameter itself.

    Notes
    -----
    T1(c): ``W1 <= sqrt(2 c KL)`` (Bobkov and Goetze 1999). T2: ``W2 <= sqrt(2 lambda_max KL)`` for Q normal
    (Talagrand 1996). Diameter D: ``W1 <= D TV <= D sqrt(KL/2)``, never above D.

    Examples
    --------
    >>> transport_inequality(0.5, 4.0, "t2").value
    2.0
    >>> round(transport_inequality(0.02, 3.0, "diameter").value, 12)
    0.3
    """
    name, quantity = _NAMES[check_choice("method", method, _NAMES)]
    divergence = check_nonnegative("kl", kl)
    if method != "diameter" and tv_method != "pinsker":
        raise InputError(f"tv_method belongs to method 'diameter', got method {method!r}")
    size = _constant(method, constant)
    divergence, size = common_shape(kl=divergence, constant=size)
    if method == "diameter":
        value = size * tv_upper_from_kl(divergence, tv_method)
        limit: Any = size
    else:
        with np.errstate(over="ignore"):
            square = 2.0 * size * divergence
        # The root may be a float where the square is none.
        value = np.where(np.isfinite(square), np.sqrt(square), math.sqrt(2.0) * np.sqrt(size) * np.sqrt(divergence))
        limit = np.inf
    vacuous = is_vacuous(value, limit)
    warn_if_vacuous(vacuous, f"the {name[0].lower()}{name[1:]}", limit="the largest distance there can be")
    return Bound(
        value=scalar_or_array(value),
        nature="bound",
        vacuous=vacuous,
        assumptions=(_ASSUMPTIONS[method],),
        name=name,
        quantity=quantity,
        inputs={"kl": scalar_or_array(divergence), "constant": scalar_or_array(size)},
        interpretation=f"The {quantity} of P and Q is at most the value, in the unit of the data.",
    )


def lipschitz_parameter_bound(w1_terms: ArrayLike, rho: float, *, loss_range: float | None = None) -> Bound:
    """Return the bound of the gap for a loss that is Lipschitz in the weights.

    Parameters
    ----------
    w1_terms : array_like of shape (n,)
        ``E W1(P_W, P_{W|Z_i})`` for every observation, in the unit of the weights; a single number stands for n
        equal terms.
    rho : float
        Lipschitz constant of the loss in the weights, loss per unit of the weights.
    loss_range : float, optional
        Largest value of the gap, for the word vacuous; unknown if None.

    Returns
    -------
    Bound
        ``value`` is rho times the mean of the terms, in expectation.

    Raises
    ------
    InputError
        If a term is negative, or `rho` or `loss_range` is out of range.

    Warns
    -----
    VacuousBoundWarning
        If the value is infinite or at least `loss_range`.

    Notes
    -----
    Kantorovich duality for each observation (Wang, Diaz, Santos Filho and Calmon 2019). With
    `transport_inequality` the terms may come from ``I(Z_i; W)``.

    Examples
    --------
    >>> lipschitz_parameter_bound([0.1, 0.3], rho=2.0).value
    0.4
    """
    terms = np.atleast_1d(check_nonnegative("w1_terms", w1_terms))
    if terms.ndim > 1:
        shape = Words(f"shape {terms.shape}")
        raise InputError(describe("w1_terms", "one number per observation (one-dimensional)", shape))
    factor = check_number("rho", rho, low=0.0, open_low=True)
    limit = np.inf if loss_range is None else check_number("loss_range", loss_range, low=0.0, open_low=True)
    largest = float(terms.max())
    mean = largest * float(np.mean(terms / largest)) if 0.0 < largest < np.inf else largest
    value = factor * mean
    vacuous = is_vacuous(value, limit)
    warn_if_vacuous(vacuous, "the Lipschitz bound in the weights")
    unknown = ("the range of the loss is not given: only an infinite value is called vacuous",)
    return Bound(
        value=value,
        nature="bound",
        sense="expectation",
        vacuous=vacuous,
        assumptions=(
            "the n observations are independent and identically distributed",
            "the loss is rho-Lipschitz in the weights, for the metric of the distances",
            *(unknown if loss_range is None else ()),
        ),
        name="Lipschitz bound in the weights",
        inputs={"w1_terms": terms, "w1_mean": mean, "rho": factor},
        interpretation=f"On average over training samples, test and training loss differ by at most {value:.6g}.",
    )


def _constant(method: str, constant: ArrayLike) -> FloatArray:
    """Positive constant of the inequality; for T2 a covariance matrix gives its largest eigenvalue."""
    array = as_float_array("constant", constant)
    if method == "t2" and array.ndim == 2:
        return _largest_eigenvalue(array)
    if array.size == 0 or not (array > 0.0).all():
        raise InputError(describe("constant", "positive", float(array.min()) if array.size else Words("none")))
    return array


def _largest_eigenvalue(matrix: FloatArray) -> FloatArray:
    if matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise InputError(describe("constant", "a square covariance matrix", Words(f"shape {matrix.shape}")))
    largest = float(np.abs(matrix).max())
    if np.abs(matrix - matrix.T).max() > 1e-10 * largest:
        raise InputError("constant must be a symmetric covariance matrix, got one that is not symmetric")
    values = np.linalg.eigvalsh(0.5 * matrix + 0.5 * matrix.T)
    if values[0] < -1e-10 * largest or values[-1] <= 0.0:
        smallest = Words(f"eigenvalue {values[0]:.6g}")
        raise InputError(describe("constant", "a positive semi-definite covariance", smallest))
    return np.asarray(values[-1])
