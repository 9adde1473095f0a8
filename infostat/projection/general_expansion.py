"""From a route and nodes of the model to the coefficients of the risk, with their numerical errors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core.errors import InputError
from ..core.validation import FloatArray
from .general_draws import BATCHES
from .general_moments import Metric, Route, Rows, data_moments, low_moments
from .general_projection import adapted_basis
from .general_terms import Coefficients, DataMoments, ModelMoments, coefficients

__all__ = ["Expansion", "expand"]

EXACT_TOLERANCE = 1e-6
# Second and third derivatives by differences; what they cost is reported apart.
_DIFFERENCE_TOLERANCE = {1: 1e-6, 2: 1e-4, 3: 1e-2}
_SIGMAS = 6.0
HEAVY_A1, HEAVY_SKEW = 0.20, 0.50


@dataclass(frozen=True)
class Expansion:
    """Everything about the risk of a model at its projection.

    Attributes
    ----------
    J, K, information : ndarray of shape (p, p)
        In the user's parameters.
    a1, tic_trace : float
        First-order coefficients.
    second : Coefficients or None
        Second-order coefficients; None if only the first order was asked.
    bias : ndarray of shape (p,) or None
        Leading bias times n, in the user's parameters.
    numerical_error : float
        Of a2 (of a1 with first order only): change when the difference steps are doubled.
    a1_se, a2_se : float or None
        Monte-Carlo standard errors; None if nothing was drawn.
    heavy_rows : tuple of int
        Rows with more than 20 % of a1 or 50 % of the skewness part of a2.
    """

    J: FloatArray
    K: FloatArray
    information: FloatArray
    a1: float
    tic_trace: float
    second: Coefficients | None
    bias: FloatArray | None
    numerical_error: float
    a1_se: float | None
    a2_se: float | None
    heavy_rows: tuple[int, ...]


def expand(
    route: Route, rows: Rows, batches: tuple[Rows, ...], order: int, fisher: FloatArray | None, n: float | None
) -> Expansion:
    """Return the expansion of the risk at the parameter of the route.

    Parameters
    ----------
    route : Route
        At the projection, in coordinates of unit J.
    rows : Rows
        Data with weights of sum one.
    batches : tuple of Rows
        Nodes of the model; empty if only `fisher` is to be used.
    order : {1, 2}
        Terms wanted.
    fisher : ndarray of shape (p, p), optional
        The model's Fisher information, in the user's parameters.
    n : float, optional
        Sample size, for the share of single rows.

    Returns
    -------
    Expansion
        Coefficients and errors.

    Raises
    ------
    InputError
        If the model's derivatives violate the Bartlett identities.
    """
    first = _first(route, rows, batches, fisher)
    for _ in range(0 if order == 1 or route.exact else 2):
        # Differences need coordinates in which S is the identity and P diagonal; the second pass takes away
        # what the steps of the first one, still in coordinates of unit J, have left.
        route = route.at(route.theta, adapted_basis(route.basis, first.metric.S, first.metric.P))
        first = _first(route, rows, batches, fisher)
    if order == 1:
        other = first if route.exact else _first(route.with_step(2.0), rows, batches, fisher, check=False)
        return _wrap(first, None, abs(first.a1 - other.a1), _heavy_first(first, rows, n))
    second = _second(first, rows, batches)
    error = 0.0
    if not route.exact:
        # The doubled steps measure an error; they are not asked to satisfy the identities as well.
        coarse = route.with_step(2.0)
        double = _second(_first(coarse, rows, batches, fisher, check=False), rows, batches, check=False)
        error = abs(second.value.a2 - double.value.a2)
        second = replace(second, value=_extrapolated(second.value, double.value))
    return _wrap(first, second, error, _heavy_second(first, second, rows, n))


@dataclass(frozen=True)
class _First:
    route: Route
    J: FloatArray
    K: FloatArray
    information: FloatArray
    V: FloatArray
    models: tuple[ModelMoments, ...]
    fisher: FloatArray | None

    @property
    def metric(self) -> Metric:
        S = self.V @ self.K @ self.V
        M = self.V @ self.information @ S
        return Metric(S, 0.5 * (M + M.T))

    @property
    def a1(self) -> float:
        return 0.5 * float(np.sum(self.information * self.metric.S))


@dataclass(frozen=True)
class _Second:
    value: Coefficients
    a2_batches: FloatArray
    data: DataMoments
    model: ModelMoments
    influence: FloatArray
    bent: FloatArray


def _first(
    route: Route, rows: Rows, batches: tuple[Rows, ...], fisher: FloatArray | None, *, check: bool = True
) -> _First:
    _, K, J = low_moments(route, rows)
    models = tuple(route.model(batch, None) for batch in batches)
    inside = None if fisher is None else route.basis.T @ fisher @ route.basis
    if check:
        _bartlett_two(models, route.exact)
    if inside is None:
        information = _mean(models).information
    else:
        information = inside
        if models and check:
            _compare_fisher(inside, models)
    return _First(route, J, K, information, np.asarray(np.linalg.inv(J)), models, inside)


def _second(first: _First, rows: Rows, batches: tuple[Rows, ...], *, check: bool = True) -> _Second:
    data, influence, bent = data_moments(first.route, rows, first.J, first.K, first.metric)
    models = tuple(first.route.model(batch, first.metric) for batch in batches)
    if check:
        _bartlett_three(models, first.route.exact)
    mean = _mean(models)
    value = coefficients(data, mean, first.fisher)
    # a2 is linear in the model's moments but for P, whose share is counted with the mean information.
    singles = [coefficients(data, model, first.fisher).a2 for model in models] if len(models) > 1 else []
    return _Second(value, np.array(singles), data, mean, influence, bent)


def _mean(models: tuple[ModelMoments, ...]) -> ModelMoments:
    total = models[0]
    for model in models[1:]:
        total = total.combined(model)
    return total.combined(None, 1.0 / len(models))


def _extrapolated(fine: Coefficients, coarse: Coefficients) -> Coefficients:
    """The stencils' h^4 errors taken away (Richardson)."""
    found = {}
    for name in ("a2", "a2_skew", "excess2", "rev2", "opt2", "bias"):
        found[name] = (16.0 * getattr(fine, name) - getattr(coarse, name)) / 15.0
    return replace(fine, **found)


def _wrap(first: _First, second: _Second | None, error: float, heavy: tuple[int, ...]) -> Expansion:
    back = np.linalg.inv(first.route.basis)
    J, K, information = (back.T @ matrix @ back for matrix in (first.J, first.K, first.information))
    a1_se = a2_se = None
    if len(first.models) > 1 and first.fisher is None:
        a1 = [0.5 * float(np.sum(model.information * first.metric.S)) for model in first.models]
        a1_se = float(np.std(a1, ddof=1) / np.sqrt(len(a1)))
    if second is not None and len(second.a2_batches):
        a2_se = float(np.std(second.a2_batches, ddof=1) / np.sqrt(len(second.a2_batches)))
    return Expansion(
        J=0.5 * (J + J.T),
        K=0.5 * (K + K.T),
        information=0.5 * (information + information.T),
        a1=first.a1,
        tic_trace=float(np.sum(first.V * first.K)),
        second=None if second is None else second.value,
        bias=None if second is None else first.route.basis @ second.value.bias,
        numerical_error=error,
        a1_se=a1_se,
        a2_se=a2_se,
        heavy_rows=heavy,
    )


# ------------------------------------------------------------------------------- checks
def _bartlett_two(models: tuple[ModelMoments, ...], exact: bool) -> None:
    """Under a smooth normalised density ``E l_i = 0`` and ``E [l_ij + l_i l_j] = 0``."""
    if models:
        _vanishes([m.score for m in models], models, 1, exact)
        _vanishes([m.hessian + m.outer for m in models], models, 2, exact)


def _bartlett_three(models: tuple[ModelMoments, ...], exact: bool) -> None:
    """And ``E [l_ijk + (l_ij l_k, 3 terms) + l_i l_j l_k] = 0``."""
    parts = []
    for m in models:
        assert m.third is not None and m.cubes is not None
        parts.append(m.third + m.mixed_sum + m.cubes)
    _vanishes(parts, models, 3, exact)


def _vanishes(parts: list[FloatArray], models: tuple[ModelMoments, ...], order: int, exact: bool) -> None:
    values = np.array(parts)
    # In units of the model's own information, whatever the parameters are measured in.
    scale = np.sqrt(np.maximum(np.diag(_mean(models).outer), 1e-300))
    size = scale
    for _ in range(order - 1):
        size = size[..., None] * scale
    relative = values / size
    mean = np.abs(relative.mean(axis=0))
    allowed = np.full(mean.shape, EXACT_TOLERANCE if exact else _DIFFERENCE_TOLERANCE[order])
    if len(models) > 1:
        # A t law with few degrees of freedom: six of its standard errors are exceeded once in 10^5.
        allowed = np.maximum(allowed, _SIGMAS * relative.std(axis=0, ddof=1) / np.sqrt(BATCHES))
    excess = mean - allowed
    worst = np.unravel_index(int(np.argmax(excess)), excess.shape)
    if excess[worst] > 0.0 or not np.isfinite(excess).all():
        name = {1: "E l_i", 2: "E [l_ij + l_i l_j]", 3: "E [l_ijk + l_ij l_k (3 terms) + l_i l_j l_k]"}[order]
        raise InputError(
            f"the model's derivatives must satisfy the identity {name} = 0 under the model, got {mean[worst]:.2g} in "
            f"units of the information (parameters {', '.join(str(k) for k in worst)}); check score and hessian, "
            "and that logpdf is normalised, smooth in theta, with a support that does not depend on theta"
        )


def _compare_fisher(fisher: FloatArray, models: tuple[ModelMoments, ...]) -> None:
    values = np.array([m.information for m in models])
    scale = np.sqrt(np.abs(np.diag(fisher)))
    off = np.abs(values.mean(axis=0) - fisher) / np.outer(scale, scale)
    allowed = 1e-4 + (_SIGMAS * values.std(axis=0) / np.sqrt(len(models)) / np.outer(scale, scale))
    if (off > allowed).any():
        raise InputError(
            "fisher must be the model's information per observation at the estimate, got a matrix that differs from "
            f"-E[Hessian] under the model by {off.max():.2g} (relative); leave fisher out to have it computed"
        )


# ------------------------------------------------------------------------------- heavy rows
def _heavy_first(first: _First, rows: Rows, n: float | None) -> tuple[int, ...]:
    influence = np.concatenate([block.score for block in first.route.low(rows)]) @ first.V
    return _heavy(np.sum((influence @ first.information) * influence, axis=1), None, rows, n)


def _heavy_second(first: _First, second: _Second, rows: Rows, n: float | None) -> tuple[int, ...]:
    a, d = second.influence, second.data
    Ia = a @ first.information
    cubic = 0.5 * np.tensordot(first.information, d.h, axes=1)
    assert second.model.third is not None
    cubic = cubic - second.model.third / 6.0
    skew = np.sum(Ia * second.bent, axis=1) + np.einsum("ijk,mi,mj,mk->m", cubic, a, a, a, optimize=True)
    return _heavy(np.sum(Ia * a, axis=1), skew, rows, n)


def _heavy(first: FloatArray, skew: FloatArray | None, rows: Rows, n: float | None) -> tuple[int, ...]:
    if n is None:
        return ()
    single = np.minimum(rows.weights, 1.0 / n)  # what one of the observations behind a row contributes
    share = single * first
    heavy = share > HEAVY_A1 * float(rows.weights @ first)
    if skew is not None:
        # Rows cancel in the skewness part, so shares are taken of absolute contributions.
        parts = np.abs(skew)
        heavy |= single * parts > HEAVY_SKEW * float(rows.weights @ parts)
    found = np.flatnonzero(heavy)
    return tuple(int(k) for k in found[np.argsort(-share[found], kind="stable")])
