"""Divergences between parametric laws: closed forms first, controlled quadrature otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import InputError, describe
from ..core.validation import FloatArray, check_choice, check_number
from ..families.normal import Normal
from .gaussian import cauchy_schwarz_gaussian, kl_gaussian, renyi_gaussian
from .generators import GENERATORS, Generator, generator
from .law_arguments import Law, Member, as_law_or_member, law_of
from .law_closed import chernoff_rate, family_kl, largest_log_ratio
from .law_quadrature import Integral, integrate
from .law_supremum import supremum
from .pairs import Pair
from .results import DivergenceResult

__all__ = ["LAW_KINDS", "law_divergence"]

_OTHERS = ("renyi", "tsallis", "cauchy_schwarz")
LAW_KINDS: tuple[str, ...] = (*GENERATORS, *_OTHERS)
_WITH_ORDER = ("alpha", "renyi", "tsallis")
_NORMALS = ("normal", "mvn")
# The kinds that are a function of a Chernoff rate, as (order, factor of the alpha divergence).
_AS_ALPHA = {"hellinger": (0.5, 0.25), "pearson": (2.0, 2.0), "neyman": (-1.0, 2.0)}


def law_divergence(
    P: Any,
    Q: Any,
    kind: str,
    *,
    order: float | None = None,
    weight: float = 0.5,
    gamma: float | None = None,
    tol: float = 1e-9,
) -> DivergenceResult:
    """Return a divergence between two parametric laws.

    Parameters
    ----------
    P, Q : frozen scipy.stats law or (family, theta)
        Univariate scipy laws, `multivariate_normal` and `dirichlet`; or a family of
        `infostat.families` (object, class or name) with a natural parameter. The two forms may
        be mixed.
    kind : str
        A row of the generator table, ``"renyi"``, ``"tsallis"`` or ``"cauchy_schwarz"``.
    order : float, optional
        Order of ``"alpha"`` (any finite number), ``"renyi"`` (from 0 to inf) and ``"tsallis"``
        (>= 0, finite).
    weight : float
        Weight on P of ``"js"``.
    gamma : float, optional
        Threshold of ``"hockey_stick"``.
    tol : float
        Largest numerical error accepted of a quadrature, absolute below one and relative above.

    Returns
    -------
    DivergenceResult
        ``value`` (nats; may be inf), ``method`` and, where numbers were integrated or summed,
        ``error``, the estimate of the numerical error.

    Raises
    ------
    InputTypeError
        If P or Q is no law.
    InputError
        If the kind is unknown, a parameter is missing, the laws cannot be compared (one
        discrete, one continuous), or the numerical error exceeds `tol`.

    Notes
    -----
    Two normal laws use the forms of `infostat.divergences.gaussian`; two members of one
    exponential family its log-normaliser A: ``KL = A(t2) - A(t1) - <t2 - t1, grad A(t1)>`` and
    ``log int p^a q^(1-a) = A(a t1 + (1-a) t2) - a A(t1) - (1-a) A(t2)``, infinite outside the
    natural parameter space. Everything else is the integral (sum) of ``q f(p/q)`` in the log
    densities, cut at quantiles from 1e-12 of both laws. The Cauchy-Schwarz divergence of
    densities depends on the reference measure.

    Examples
    --------
    >>> round(float(law_divergence(("poisson", [np.log(3)]), ("poisson", [np.log(5)]), "kl")), 12)
    0.467523128702
    >>> from scipy import stats
    >>> result = law_divergence(stats.norm(0, 1), stats.norm(1, 1.5), "tv")
    >>> round(result.value, 10), result.method
    (0.346123084, 'quadrature')
    """
    name = check_choice("kind", kind, LAW_KINDS)
    parameter = _check_parameter(name, order, weight, gamma)
    limit = check_number("tol", tol, low=0, open_low=True)
    p, q = as_law_or_member("P", P), as_law_or_member("Q", Q)
    closed = _closed_form(p, q, name, parameter)
    if closed is not None:
        value, method = closed
        return DivergenceResult(value=value, kind=name, nature="exact", method=method)
    first, second = _comparable(p, q)
    result = _numerical(law_of("P", first), law_of("Q", second), name, parameter, limit)
    if result.error > limit * max(1.0, abs(result.value)) or math.isnan(result.value):
        raise InputError(
            f"tol must be at least the numerical error, got {limit:g} where {result.method} of "
            f"{name!r} is certain to {result.error:.2g} only; raise tol, or check that the laws "
            "are regular"
        )
    error = None if math.isnan(result.error) else result.error
    return DivergenceResult(value=result.value, kind=name, nature="exact", method=result.method, error=error)


def _check_parameter(kind: str, order: Any, weight: Any, gamma: Any) -> float:
    """Return the one number that the kind depends on, 0 if none."""
    if kind in ("renyi", "tsallis"):
        if order is None:
            raise InputError(f"order must be given for kind={kind!r}")
        number = check_number("order", order, low=0, finite=False)
        if kind == "tsallis" and math.isinf(number):
            raise InputError(describe("order", "finite for kind='tsallis'", order))
        return number
    if kind == "cauchy_schwarz":
        return 0.0
    return generator(kind, order=order, weight=weight, gamma=gamma).parameter


# --------------------------------------------------------------- closed forms
def _closed_form(p: Any, q: Any, kind: str, parameter: float) -> tuple[float, str] | None:
    """Return value and method where both laws belong to one family, None otherwise."""
    if not (isinstance(p, Member) and isinstance(q, Member)):
        return None
    if p.family.name in _NORMALS and q.family.name in _NORMALS:
        return _normal_form(p, q, kind, parameter)
    if type(p.family) is not type(q.family):
        return None
    if p.family != q.family or len(p.theta) != len(q.theta):
        raise InputError(
            f"P and Q must belong to the same family, got {p.family!r} with {len(p.theta)} and "
            f"{q.family!r} with {len(q.theta)} parameters"
        )

    def rate(order: float) -> float:
        if order == math.inf:
            return largest_log_ratio(p.family, p.theta, q.theta)
        return chernoff_rate(p.family, p.theta, q.theta, order)

    def both() -> tuple[float, float]:
        return family_kl(p.family, p.theta, q.theta), family_kl(p.family, q.theta, p.theta)

    value = _from_rates(kind, parameter, rate, both)
    return None if value is None else (value, f"closed form ({p.family.title} family)")


def _from_rates(
    kind: str,
    parameter: float,
    rate: Callable[[float], float],
    both: Callable[[], tuple[float, float]],
) -> float | None:
    """Value of a kind that follows from KL in both directions and from Chernoff rates."""
    if kind in ("kl", "reverse_kl"):
        return both()[kind == "reverse_kl"]
    if kind == "jeffreys":
        return sum(both())
    if kind == "renyi":
        return rate(parameter) if math.isinf(parameter) else parameter * rate(parameter) if parameter else 0.0
    if kind == "tsallis":
        return parameter * _alpha_from_rate(parameter, rate(parameter)) if parameter else 0.0
    if kind == "alpha":
        return _alpha_from_rate(parameter, rate(parameter))
    if kind in _AS_ALPHA:
        order, factor = _AS_ALPHA[kind]
        return factor * _alpha_from_rate(order, rate(order))
    return None


def _alpha_from_rate(order: float, rate: float) -> float:
    curvature = order * (order - 1.0)
    if curvature == 0.0 or rate == 0.0:
        return rate
    with np.errstate(over="ignore"):
        return float(np.expm1(curvature * rate)) / curvature


def _normal_form(p: Member, q: Member, kind: str, parameter: float) -> tuple[float, str] | None:
    (m1, S1), (m2, S2) = _moments(p), _moments(q)

    def rate(order: float) -> float:
        if order < 0.0:
            return renyi_gaussian(m2, S2, m1, S1, 1.0 - order) / (1.0 - order)
        if order == 0.0:
            return kl_gaussian(m2, S2, m1, S1)
        value = renyi_gaussian(m1, S1, m2, S2, order)
        return value if math.isinf(order) else value / order

    if kind == "cauchy_schwarz":
        return cauchy_schwarz_gaussian(m1, S1, m2, S2), "closed form (normal laws)"
    value = _from_rates(kind, parameter, rate, lambda: (kl_gaussian(m1, S1, m2, S2), kl_gaussian(m2, S2, m1, S1)))
    if value is None:
        kl_gaussian(m1, S1, m2, S2)  # refuses laws of different dimension
        return None
    return value, "closed form (normal laws)"


def _moments(member: Member) -> tuple[FloatArray, FloatArray]:
    params = member.params
    if member.family.name == "normal":
        return np.array([params["mean"]]), np.array([[params["var"]]])
    return np.asarray(params["mean"]), np.asarray(params["cov"])


def _comparable(p: Any, q: Any) -> tuple[Any, Any]:
    """Return two laws on the line; normal laws of equal covariance differ along one line only."""
    normals = [x for x in (p, q) if isinstance(x, Member) and x.family.name == "mvn"]
    if len(normals) == 2 and len(_moments(p)[0]) > 1:
        (m1, S1), (m2, S2) = _moments(p), _moments(q)
        if np.allclose(S1, S2, rtol=1e-12, atol=0.0):
            length = math.sqrt(2.0 * kl_gaussian(m1, S1, m2, S1))
            standard = np.array([0.0, -0.5])
            return Member(Normal(), standard + np.array([length, 0.0])), Member(Normal(), standard)
    return p, q


# ------------------------------------------------------------------ numerical
def _numerical(p: Law, q: Law, kind: str, parameter: float, tol: float) -> Integral:
    if kind == "cauchy_schwarz":
        return _cauchy_schwarz(p, q, tol)
    if kind in ("renyi", "tsallis"):
        return _by_order(p, q, kind, parameter, tol)
    return _f_divergence(p, q, _generator_of(kind, parameter), tol)


def _generator_of(kind: str, parameter: float) -> Generator:
    name = GENERATORS[kind].parameter
    return generator(kind, **{name: parameter}) if name else generator(kind)


def _f_divergence(p: Law, q: Law, f: Generator, tol: float) -> Integral:
    level = {"tv": 0.0, "hockey_stick": math.log(f.gamma) if f.gamma else None}.get(f.kind)
    return integrate(
        p,
        q,
        lambda a, b: f.cells(Pair.from_logs(a, b)),
        only_p=f.df_inf,
        only_q=f.f0,
        tol=tol,
        level=level,
    )


def _by_order(p: Law, q: Law, kind: str, order: float, tol: float) -> Integral:
    if order == math.inf:
        # A search has no error bound to report.
        return Integral(supremum(p, q), math.nan, "maximum of the log ratio on a refined grid")
    if order == 1.0:
        return _f_divergence(p, q, generator("kl"), tol)
    if order == 0.0:
        shared = integrate(p, q, lambda a, b: np.where(a > -np.inf, np.exp(b), 0.0), tol=tol)
        if kind == "tsallis":
            return Integral(1.0 - min(shared.value, 1.0), shared.error, shared.method)
        return _log(shared._replace(value=min(shared.value, 1.0)), -1.0)
    alpha = _f_divergence(p, q, generator("alpha", order=order), tol)
    curvature = order * (order - 1.0)
    if kind == "tsallis":
        return Integral(order * alpha.value, order * alpha.error, alpha.method)
    affinity = 1.0 + curvature * alpha.value
    if affinity > 0.5:
        # Close laws, or an order above one: the affinity is one plus a number known to all digits.
        value = math.log1p(curvature * alpha.value) / (order - 1.0)
        return Integral(value, order * alpha.error / affinity, alpha.method)
    return _log(_affinity(p, q, order, 1.0 - order, tol), 1.0 / (order - 1.0))


def _affinity(p: Law, q: Law, a: float, b: float, tol: float) -> tuple[Integral, float]:
    """Return ``exp(-shift) int p^a q^b`` and the shift, chosen so that nothing underflows."""
    marks = np.union1d(p.marks, q.marks)
    logs = _blend(p.log_density(marks), q.log_density(marks), a, b)
    if not p.discrete and len(marks) > 1:
        # A rough value of the integral, not of the density, which may be large on a tiny set.
        logs = logs + np.log(np.gradient(marks))
    finite = logs[np.isfinite(logs)]
    shift = float(finite.max()) if finite.size else 0.0
    found = integrate(p, q, lambda u, v: np.exp(_blend(u, v, a, b) - shift), tol=tol)
    return found, shift


def _blend(log_p: FloatArray, log_q: FloatArray, a: float, b: float) -> FloatArray:
    logs = a * np.asarray(log_p) + b * np.asarray(log_q)
    # Where one density is zero, a positive power of it wins.
    return np.where((log_p == -np.inf) | (log_q == -np.inf), -np.inf, logs)


def _log(found: Integral | tuple[Integral, float], factor: float) -> Integral:
    """Return `factor` times the log of an integral."""
    integral, shift = found if isinstance(found[0], Integral) else (found, 0.0)
    if integral.value <= 0.0:
        return Integral(-factor * math.inf, 0.0, integral.method)
    value = factor * (math.log(integral.value) + shift) + 0.0  # no negative zero
    return Integral(value, abs(factor) * integral.error / integral.value, integral.method)


def _cauchy_schwarz(p: Law, q: Law, tol: float) -> Integral:
    parts = [
        _log(_affinity(first, second, 1.0, 1.0, tol), factor)
        for first, second, factor in ((p, q, -2.0), (p, p, 1.0), (q, q, 1.0))
    ]
    if any(math.isinf(part.value) for part in parts[1:]):
        raise InputError(
            f"P and Q must have square-integrable densities for kind 'cauchy_schwarz', got {p.name} and {q.name}"
        )
    return Integral(
        math.fsum(part.value for part in parts),
        math.fsum(part.error for part in parts),
        parts[0].method,
    )
