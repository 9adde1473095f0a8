"""Estimation risk of a general parametric model: regressions, location models, anything smooth."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, InputTypeError, describe
from ..core.rng import RngLike, as_seed_sequence, seed_label
from ..core.user_functions import call_user
from ..core.validation import (
    FloatArray,
    as_float_array,
    check_choice,
    check_number,
    check_weights,
    short,
)
from .checks import LARGEST_N
from .flags import USABLE, VALID
from .general_callables import build_route, checked, guess_start, start_vector
from .general_expansion import Expansion, expand
from .general_moments import Route, Rows, low_moments
from .general_nodes import ModelNodes, NodeRequest, check_draws, find_nodes
from .general_projection import project
from .general_truths import model_as_truth, observed, truth_rows
from .planning import TIE, Requirement, required_n
from .sandwich_result import SandwichRisk
from .sandwich_wording import SANDWICH_FLAGS, interpretation
from .separation import refuse_separated
from .statsmodels_fits import is_fitted, read_fit
from .thresholds import bayes_error_floor, bayes_error_threshold, check_alpha

__all__ = ["sandwich_risk"]

_DERIVATIVES = {
    "AnalyticRoute": "analytic",
    "LinearRoute": "analytic",
    "HessianRoute": "differences of the Hessian",
    "DifferenceRoute": "differences of the log density",
}
_INEXACT = 1e-3
_NOISY = 0.05
_SIGMAS = 3.0
_CURVATURE = 1e12
_LARGEST = 1e150


def sandwich_risk(
    data: Any,
    logpdf: Any = None,
    *,
    order: int = 1,
    theta: ArrayLike | None = None,
    score: Any = None,
    hessian: Any = None,
    third: Any = None,
    fourth: Any = None,
    fisher: Any = None,
    truth: Any = None,
    nodes: Any = None,
    sample: Any = None,
    draws: int = 100_000,
    scale: str = "estimated",
    weights: ArrayLike | None = None,
    n_effective: float | None = None,
    alpha: float = 0.05,
    rng: RngLike = None,
) -> SandwichRisk:
    """Return the estimation risk of a general model, and judge the sample size by it.

    Parameters
    ----------
    data : fitted statsmodels result, array_like, DataFrame, Series, path or None
        A fitted regression (OLS, WLS, GLM, Logit, Probit, Poisson) needs nothing else. Otherwise
        observations by rows, independent and identically distributed; None with `truth`.
    logpdf : callable, optional
        ``f(x, theta)`` with values of shape (m,), normalised, smooth in theta. `x` holds rows of the data
        in the shape they were given (one-dimensional data stay so), theta has shape (p,). A density of one
        column given the others is recognised as a regression on the others.
    order : {1, 2}
        Terms of the expansion wanted, and the one the verdict uses.
    theta : float or array_like of shape (p,), optional
        Where the search for the estimate starts. Without data and truth: the model at theta is the truth.
    score, hessian, third, fourth : callable, optional
        Derivatives of logpdf in theta, values of shape (m, p), (m, p, p) and so on; differences where
        they are missing (third and fourth come together).
    fisher : array_like of shape (p, p) or callable, optional
        The model's Fisher information per observation, or a function of theta that returns it.
    truth : (points, weights) or frozen scipy law, optional
        A population instead of data.
    nodes : array_like or (points, weights), optional
        Where expectations under the model are taken: points of its support, or quadrature nodes with
        their weights. Found automatically if the model can be enumerated or has one variable.
    sample : callable, optional
        ``f(theta, size, rng)`` draws rows from the model.
    draws : int
        Number of draws where expectations are simulated.
    scale : {"estimated", "known"}
        For fitted regressions with a scale: whether it counts as a parameter.
    weights : array_like of shape (n,), optional
        Non-negative row weights.
    n_effective : float, optional
        Sample size behind the weights, or of interest for a truth; the row count if None.
    alpha : float
        Tolerated distance of the Bayes error from 1/2, in (0, 1/2).
    rng : None, int, SeedSequence or Generator
        Seed of the draws, where there are any.

    Returns
    -------
    SandwichRisk
        ``J K I T0 tic_trace a1``, with ``order=2`` also ``a2 a2_skew excess2 rev2 opt2 mle_bias
        validity_ratio numerical_error``; verdict and rows required.

    Raises
    ------
    InputError
        For options out of range, callables of the wrong shape, and derivatives that violate the Bartlett
        identities.
    InputTypeError
        If the fitted model is not supported.
    DataError
        For data that cannot be used; subclasses name collinear columns and likelihoods without a maximum.

    Notes
    -----
    ``E KL(projection || estimate) = a1/n + a2/n^2 + O(n^-3)`` with ``a1 = tr(I J^-1 K J^-1)/2``, which is not
    the TIC trace unless I = J. The second-order term for general, possibly misspecified models was derived
    for this package and checked by functional differentiation, enumeration and simulation; the
    documentation page on regressions has the formula. Rows are independent draws and covariates are
    random: their law is that of the data under the model as well.

    Examples
    --------
    A t law with five degrees of freedom fitted to a normal population:

    >>> from scipy import stats
    >>> result = sandwich_risk(None, lambda x, t: stats.t.logpdf(x - t, 5), truth=stats.norm(), theta=0, order=2)
    >>> round(result.T0, 6), round(result.tic_trace, 6), round(result.a2, 6)
    (0.796211, 0.857407, -0.077353)
    """
    alpha = float(check_alpha(check_number("alpha", alpha, finite=False)))
    order = check_choice("order", order, (1, 2))
    request = NodeRequest(nodes, sample, check_draws(draws), rng)
    if is_fitted(data):
        extras = (logpdf, theta, score, hessian, third, fourth, fisher, truth, nodes, sample, weights, n_effective)
        if any(value is not None for value in extras):
            raise InputError("a fitted result brings its model and data; give only order, alpha and scale beside it")
        with np.errstate(all="ignore"):  # the coefficients are checked once, in _assemble
            found = _fitted(data, scale, order, alpha)
    else:
        if logpdf is None:
            raise InputTypeError(
                describe("data", "a fitted statsmodels result, or rows together with logpdf", short(data))
            )
        derivatives = (score, hessian, third, fourth)
        with np.errstate(all="ignore"):
            found = _general(
                data, logpdf, derivatives, theta, fisher, truth, request, weights, n_effective, order, alpha
            )
    for name in found.flags:
        flag = SANDWICH_FLAGS[name]
        if flag.warning is not None:
            warnings.warn(flag.text(found), flag.warning, stacklevel=2)
    return found


def _fitted(fitted: Any, scale: str, order: int, alpha: float) -> SandwichRisk:
    fit = read_fit(fitted, scale)
    refuse_separated(fit.route, fit.rows, fit.labels)
    route = project(fit.route, fit.rows, fit.labels).route
    _, _, J = low_moments(fit.route, fit.rows)
    moved = route.theta - fit.route.theta
    if fit.n * float(moved @ J @ moved) > 1.0:
        raise InputError(
            "fitted must be the maximum of its likelihood, got coefficients more than a standard error away from it; "
            "fit without a penalty and until convergence"
        )
    found = expand(route, fit.rows, (fit.rows,), order, None, fit.n)
    loglik = fit.loglik
    if loglik is None:
        loglik = fit.n * float(fit.rows.weights @ route.log_density(fit.rows, route.theta))
    return _assemble(found, route, fit.n, order, alpha, fit.labels, fit.title, "exact", loglik, None)


def _general(
    data: Any,
    logpdf: Any,
    derivatives: tuple[Any, ...],
    theta: ArrayLike | None,
    fisher: Any,
    truth: Any,
    request: NodeRequest,
    weights: ArrayLike | None,
    n_effective: float | None,
    order: int,
    alpha: float,
) -> SandwichRisk:
    if data is not None and truth is not None:
        raise InputError("give data or truth, not both; truth= stands for a population")
    n = None if n_effective is None else check_number("n_effective", n_effective, low=2, high=LARGEST_N)
    start = None if theta is None else start_vector(theta)
    density = checked(logpdf, 0)
    if data is not None:
        points = observed(data)
        rows = Rows(points, check_weights(weights, len(points)))
        n = float(len(rows)) if n is None else n
    elif weights is not None:
        raise InputError("weights belong to rows of data; give truth=(points, weights) for a population")
    elif truth is None:
        if start is None:
            raise InputError("data must be rows, or None together with truth= or theta=, got None alone")
        rows = model_as_truth(request, density, start)
    else:
        rows = truth_rows(truth, lambda points: build_route(_start(start, logpdf, points), logpdf, *derivatives))
    route = project(build_route(_start(start, logpdf, rows.points), logpdf, *derivatives), rows).route
    information = _information(fisher, route, rows.points)
    model = ModelNodes((), "Fisher information as given")
    if information is None or order == 2:
        model = find_nodes(request, density, route.theta, rows, _measure(route))
    found = expand(route, rows, model.batches, order, information, n)
    loglik = None if data is None or n is None else n * float(rows.weights @ density(rows.points, route.theta))
    labels = tuple(f"theta{k + 1}" for k in range(route.p))
    seed = _seed(request) if model.random else None
    return _assemble(found, route, n, order, alpha, labels, "parametric model", model.kind, loglik, seed)


def _start(start: FloatArray | None, logpdf: Any, points: Any) -> FloatArray:
    return guess_start(logpdf, points) if start is None else start


def _seed(request: NodeRequest) -> int | str:
    return seed_label(as_seed_sequence(request.rng))


def _measure(route: Route) -> Any:
    """Second and fourth moments of the model's score, and its mean Hessian, from points and weights."""

    def measure(points: FloatArray, weights: FloatArray) -> FloatArray:
        nodes = Rows(points, weights)
        low = route.model(nodes, None)
        fourth = sum(float(b.weights @ np.sum(b.score**4, axis=1)) for b in route.low(nodes))
        return np.concatenate([low.outer.ravel(), low.hessian.ravel(), [fourth]])

    return measure


def _information(fisher: Any, route: Route, points: Any) -> FloatArray | None:
    """Fisher information as a matrix: an array, ``f(theta)``, or the mean of ``f(x, theta)`` over rows."""
    if fisher is None:
        return None
    theta, p = route.theta, route.p
    if callable(fisher):
        by_row = _takes_rows(fisher)
        raw = call_user("fisher", fisher, *((points, theta.copy()) if by_row else (theta.copy(),)))
        value = as_float_array("the result of fisher", raw)
        value = value.mean(axis=0) if by_row and value.ndim in (1, 3) else value
    else:
        value = as_float_array("fisher", fisher)
    if value.size != p * p:
        raise InputError(f"fisher must be a matrix of shape ({p}, {p}), got shape {value.shape}")
    value = value.reshape(p, p)
    if not np.allclose(value, value.T, rtol=1e-8, atol=0.0) or np.linalg.eigvalsh(value)[0] <= 0.0:
        raise InputError("fisher must be symmetric and positive definite, got a matrix that is not")
    unit = np.diag(route.basis.T @ value @ route.basis)  # in coordinates in which the data's curvature is one
    if not (np.isfinite(unit).all() and (_CURVATURE * unit > 1.0).all() and (unit < _CURVATURE).all()):
        raise InputError(
            "fisher must be the model's information per observation, of the size of the data's own curvature, got "
            f"{unit.min():.3g} to {unit.max():.3g} times that"
        )
    return value


def _takes_rows(fisher: Any) -> bool:
    try:
        return len(inspect.signature(fisher).parameters) > 1
    except (TypeError, ValueError):  # built-ins without a signature
        return False


# ------------------------------------------------------------------------------- the result
def _assemble(
    found: Expansion,
    route: Route,
    n: float | None,
    order: int,
    alpha: float,
    labels: tuple[str, ...],
    model: str,
    nodes: str,
    loglik: float | None,
    seed: int | str | None,
) -> SandwichRisk:
    threshold = float(bayes_error_threshold(alpha))
    _refuse_beyond_floats(found)
    a1, second = found.a1, found.second
    a2 = None if second is None else second.a2
    need = required_n(a1, a2 or 0.0, threshold)
    risk1 = None if n is None else a1 / n
    risk2 = None if n is None or a2 is None else a1 / n + a2 / n**2
    risk = risk1 if order == 1 else risk2
    ratio = None if n is None or a2 is None else (abs(a2) / (n * a1) if a1 > 0.0 else np.inf)
    flags = _flags(found, n, need, risk2, ratio, route.p)
    whole = None if n is None else (round(n) if n == round(n) else n)
    result = SandwichRisk(
        J=found.J,
        K=found.K,
        I=found.information,
        T0=2.0 * a1,
        tic_trace=found.tic_trace,
        a1=a1,
        a2=a2,
        a2_skew=None if second is None else second.a2_skew,
        excess2=None if second is None else second.excess2,
        rev2=None if second is None else second.rev2,
        opt2=None if second is None else second.opt2,
        mle_bias=found.bias,
        validity_ratio=ratio,
        numerical_error=found.numerical_error,
        n=whole,
        p=route.p,
        order=order,
        alpha=alpha,
        threshold=threshold,
        risk1=risk1,
        risk2=risk2,
        verdict=None if risk is None or n is None else _verdict(risk, threshold, _risk_error(found, n), order, flags),
        verdict_order1=None if risk1 is None else _compare(risk1, threshold),
        alpha_attained=None if risk is None else float(np.sqrt(max(risk, 0.0) / 8.0)),
        bayes_error_floor=None if risk is None else float(bayes_error_floor(max(risk, 0.0))),
        n_required_order1=need.ceil1,
        n_required_order2=None if a2 is None else need.ceil2,
        misspecification_ratio=2.0 * a1 / route.p,
        a1_se=found.a1_se,
        a2_se=found.a2_se,
        loglik=loglik,
        flags=flags,
        interpretation="",
        theta=route.theta,
        labels=labels,
        model=model,
        derivatives=_DERIVATIVES[type(route).__name__],
        model_nodes=nodes,
        heavy_rows=found.heavy_rows,
        seed=seed,
    )
    return replace(result, interpretation=interpretation(result))


def _refuse_beyond_floats(found: Expansion) -> None:
    """Refuse coefficients that are no numbers, or so large that a sample size made of them is none."""
    values = [found.a1, found.tic_trace, *(np.sum(m) for m in (found.J, found.K, found.information))]
    if found.second is not None:
        values += [found.second.a2, found.second.a2_skew, found.second.rev2, found.second.opt2]
    largest = max(abs(float(value)) if value == value else np.inf for value in values)
    if not largest < _LARGEST:
        raise InputError(
            f"the coefficients of the risk must be numbers below {_LARGEST:g}, got one that is not; rescale the data "
            "or the parameters, and check the functions given"
        )


def _risk_error(found: Expansion, n: float) -> float:
    """Monte-Carlo error of the risk, nats."""
    return float(np.hypot((found.a1_se or 0.0) / n, (found.a2_se or 0.0) / n**2))


def _flags(
    found: Expansion, n: float | None, need: Requirement, risk2: float | None, ratio: float | None, p: int
) -> tuple[str, ...]:
    flags = []
    if ratio is not None and risk2 is not None:
        if ratio > USABLE or risk2 <= 0.0:
            flags.append("expansion_unreliable")
        elif ratio > VALID:
            flags.append("expansion_doubtful")
    if found.second is not None:
        if need.unusable:
            flags.append("second_order_unusable")
        elif abs(found.second.a2) > VALID * need.ceil2 * found.a1:
            flags.append("n_required_order2_unreliable")
        if _parts_cancel(found, [size for size in (n, float(need.ceil2)) if size is not None]):
            flags.append("parts_cancel")
    if n is not None and n <= p:
        flags.append("n_at_most_p")
    if found.heavy_rows:
        flags.append("heavy_tail")
    # A second term that vanishes is not asked for digits of its own.
    value = found.a1 if found.second is None else max(abs(found.second.a2), 0.01 * found.a1)
    if found.numerical_error > _INEXACT * value:
        flags.append("derivatives_inexact")
    size = n or float(need.ceil1)
    if _risk_error(found, size) > _NOISY * found.a1 / size:
        flags.append("monte_carlo_error")
    return tuple(flags)


def _parts_cancel(found: Expansion, sizes: list[float]) -> bool:
    """Whether the two invariant parts of a2 are too large at a sample size at which a2 itself is not."""
    assert found.second is not None
    a2, skew = found.second.a2, found.second.a2_skew
    parts = abs(skew) + abs(a2 - skew)
    return any(abs(a2) <= VALID * n * found.a1 < parts for n in sizes)


def _compare(risk: float, threshold: float) -> str:
    return "sufficient" if risk <= threshold * TIE else "insufficient"


def _verdict(risk: float, threshold: float, error: float, order: int, flags: tuple[str, ...]) -> str:
    """Precedence: unreliable, borderline (within the Monte-Carlo error), sufficient or insufficient."""
    if order == 2 and "expansion_unreliable" in flags:
        return "unreliable"
    if error > 0.0 and abs(risk - threshold) <= _SIGMAS * error:
        return "borderline"
    return _compare(risk, threshold)
