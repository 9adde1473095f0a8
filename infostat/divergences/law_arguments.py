"""What may stand for a law: a frozen scipy distribution or a pair (family, theta).

Everything is brought to one of two forms: `Member`, a natural parameter of an exponential
family (also for scipy laws that are one), and `Law`, a log density with its support and
points where quadrature may be cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import InputError, InputTypeError, describe
from ..core.validation import FloatArray, short
from ..families.base import ExponentialFamily
from ..families.registry import get_family
from ..families.scipy_laws import frozen, has_law

__all__ = ["Law", "Member", "as_law_or_member", "law_of"]

_REQUIRED = "a frozen scipy.stats law or a pair (family, theta)"
_LEVELS = (1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 0.1, 0.3)


@dataclass(frozen=True)
class Member:
    """A member of an exponential family.

    Attributes
    ----------
    family : ExponentialFamily
        The family.
    theta : ndarray of shape (p,)
        Natural parameter.
    given : dict or None
        The usual parameters where these came first: a normal law far from zero would lose digits
        on the way through theta.
    law : frozen scipy law or None
        The univariate law it came from, for the same reason.
    """

    family: ExponentialFamily
    theta: FloatArray
    given: dict[str, Any] | None = None
    law: Any = None

    @property
    def params(self) -> dict[str, Any]:
        """The usual parameters."""
        return self.family.params(self.theta) if self.given is None else self.given


@dataclass(frozen=True)
class Law:
    """A law on the line (or on one turn of the circle) as quadrature sees it.

    Attributes
    ----------
    name : str
        For messages.
    discrete : bool
        Whether `log_density` is a log probability of points.
    log_density : callable
        Array in, array out; -inf outside the support.
    support : tuple of float
        Ends.
    marks : ndarray
        Increasing quantiles where the integral is cut; the first and the last bound the bulk.
    below, above : callable
        Probability of ``X < x`` and of ``X > x``.
    points : ndarray or None
        The points of a law with finitely many listed ones.
    start : float
        A point of the lattice of a discrete law.
    circular : bool
        Whether the line stands for one turn of the circle.
    """

    name: str
    discrete: bool
    log_density: Callable[[Any], Any]
    support: tuple[float, float]
    marks: FloatArray
    below: Callable[[float], float]
    above: Callable[[float], float]
    points: FloatArray | None = None
    start: float = 0.0
    circular: bool = False

    def moved_to(self, support: tuple[float, float]) -> Law:
        """Return the law with other ends: on the circle every window of one turn is as good."""
        marks = np.unique(support[0] + np.mod(self.marks - support[0], 2.0 * math.pi))
        return replace(self, support=support, marks=marks)


def as_law_or_member(name: str, value: Any) -> Member | Any:
    """Return a `Member`, or a frozen univariate scipy law as it is.

    Parameters
    ----------
    name : str
        Argument name for messages.
    value : object
        A frozen scipy law, or (family, theta) with a family object, class or name.

    Returns
    -------
    Member or frozen scipy law
        Scipy laws that belong to a family of the package come back as members.

    Raises
    ------
    InputTypeError
        If `value` is neither.
    InputError
        If theta lies outside the natural parameter space.

    Examples
    --------
    >>> as_law_or_member("P", ("poisson", [0.0]))
    Member(family=Poisson(), theta=array([0.]), given=None, law=None)
    """
    if isinstance(value, (tuple, list)):
        if len(value) != 2 or not isinstance(value[0], (str, type, ExponentialFamily)):
            raise InputTypeError(describe(name, _REQUIRED, short(value)))
        family = get_family(value[0])
        return Member(family, family.check_theta(value[1]))
    return _from_scipy(name, value)


def _from_scipy(name: str, value: Any) -> Any:
    from scipy import stats

    if isinstance(value, (stats.rv_continuous, stats.rv_discrete)):
        call = getattr(value, "name", None) or "law"
        raise InputTypeError(
            f"{name} must be {_REQUIRED}, got the unfrozen {type(value).__name__}; "
            f"call it with its parameters, as in {call}(...)"
        )
    multivariate = _MULTIVARIATE.get(type(value).__name__)
    if multivariate is not None:
        return _member(name, *multivariate(value))
    if not isinstance(getattr(value, "dist", None), (stats.rv_continuous, stats.rv_discrete)):
        raise InputTypeError(describe(name, _REQUIRED, short(value)))
    # A loc or scale that is an array makes a batch of laws, and its ends arrays.
    if any(np.ndim(end) for end in value.support()) or any(np.ndim(v) for v in (*value.args, *value.kwds.values())):
        raise InputError(f"{name} must be one law, got a batch: its parameters are arrays")
    if any(math.isnan(float(end)) for end in value.support()):
        raise InputError(f"{name} must have admissible parameters, got {_label(value)} of undefined support")
    shapes, loc, scale = value.dist._parse_args(*value.args, **value.kwds)
    rule = _UNIVARIATE.get(value.dist.name) if type(value.dist).__module__.startswith("scipy.") else None
    found = rule(tuple(map(float, shapes)), float(loc), float(scale)) if rule else None
    return value if found is None else replace(_member(name, *found), law=value)


def _member(name: str, key: str, params: dict[str, Any]) -> Member:
    family = get_family(key)
    try:
        return Member(family, family.natural(**params), params)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _normal(shapes: Any, loc: float, scale: float) -> Any:
    return "normal", {"mean": loc, "var": scale**2}


def _if_standard(key: str, params: Callable[..., dict[str, Any]], *, scaled: bool = False) -> Any:
    """Return a rule for laws that a family has only without location (and scale)."""

    def rule(shapes: Any, loc: float, scale: float) -> Any:
        if loc != 0.0 or (not scaled and scale != 1.0):
            return None
        return key, params(*shapes, scale) if scaled else params(*shapes)

    return rule


_UNIVARIATE: dict[str, Callable[[Any, float, float], Any]] = {
    "norm": _normal,
    "expon": _if_standard("exponential", lambda scale: {"rate": 1.0 / scale}, scaled=True),
    "gamma": _if_standard("gamma", lambda a, scale: {"shape": a, "rate": 1.0 / scale}, scaled=True),
    "beta": _if_standard("beta", lambda a, b: {"a": a, "b": b}),
    "poisson": lambda s, loc, scale: ("poisson", {"mean": s[0]}) if loc == 0.0 and s[0] > 0.0 else None,
    "bernoulli": lambda s, loc, scale: ("bernoulli", {"prob": s[0]}) if loc == 0.0 and 0.0 < s[0] < 1.0 else None,
    "vonmises": lambda s, loc, scale: ("vonmises", {"mu": loc, "kappa": s[0]}) if scale == 1.0 else None,
}

_MULTIVARIATE: dict[str, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    "multivariate_normal_frozen": lambda law: ("mvn", {"mean": np.atleast_1d(law.mean), "cov": np.atleast_2d(law.cov)}),
    "dirichlet_frozen": lambda law: ("dirichlet", {"alpha": law.alpha}),
}


def law_of(name: str, value: Any) -> Law:
    """Return the log density, support and quantiles of a univariate law.

    Parameters
    ----------
    name : str
        Argument name for messages.
    value : Member or frozen scipy law
        From `as_law_or_member`.

    Returns
    -------
    Law
        What quadrature needs.

    Raises
    ------
    InputError
        If a member belongs to a family without a univariate law.

    Examples
    --------
    >>> law = law_of("P", as_law_or_member("P", ("exponential", [-2.0])))
    >>> law.support, law.discrete
    ((0.0, inf), False)
    """
    if isinstance(value, Member):
        if value.family.name == "vonmises":
            return _circle(value)
        if value.family.name in ("categorical", "bernoulli"):
            return _listed(value)
        if value.family.name == "mvn" and len(value.theta) == 2:
            params = value.params
            value = _member(name, "normal", {"mean": float(params["mean"][0]), "var": float(params["cov"][0, 0])})
        if not has_law(value.family):
            raise InputError(
                f"{name} must be a law on the line for this divergence, got the {value.family.title} "
                "family; only divergences with a closed form inside one family are available there: "
                "draw samples and use divergence(..., from_samples=True)"
            )
        return _frozen_law(frozen(value.family, value.theta) if value.law is None else value.law)
    return _frozen_law(value)


def _label(law: Any) -> str:
    name = getattr(law.dist, "name", None) or type(law.dist).__name__
    values = [f"{v:g}" for v in law.args] + [f"{k}={v:g}" for k, v in law.kwds.items()]
    return f"{name}({', '.join(values)})"


def _frozen_law(law: Any) -> Law:
    discrete = hasattr(law.dist, "pmf")
    low, high = (float(end) for end in law.support())
    with np.errstate(all="ignore"):
        marks = np.array([law.ppf(q) for q in _LEVELS] + [law.median()] + [law.isf(q) for q in _LEVELS[::-1]])
    marks = np.unique(marks[np.isfinite(marks)].astype(np.float64))
    listed = getattr(law.dist, "xk", None)
    shift = float(law.dist._parse_args(*law.args, **law.kwds)[1])
    points = None if listed is None else np.unique(np.asarray(listed, dtype=np.float64) + shift)
    if discrete:
        # A discrete law of scipy lives on the whole numbers moved by loc.
        return Law(
            _label(law), True, _quiet(law.logpmf), (low, high), marks,
            lambda x: float(law.cdf(np.ceil(x) - 1.0)), lambda x: float(law.sf(x)), points, shift,
        )  # fmt: skip
    return Law(
        _label(law), False, _quiet(law.logpdf), (low, high), marks,
        lambda x: float(law.cdf(x)), lambda x: float(law.sf(x)),
    )  # fmt: skip


def _quiet(log_density: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Log densities of scipy divide by zero and overflow on the way to -inf."""

    def call(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return log_density(x)

    return call


def _circle(member: Member) -> Law:
    params = member.params
    mu, kappa = params["mu"], params["kappa"]
    # Multiples of the standard deviation near the peak; one full turn around it.
    steps = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0]) / math.sqrt(max(kappa, 1.0))
    steps = steps[steps < 3.0]
    return Law(
        f"vonmises({mu:g}, {kappa:g})",
        False,
        lambda x: member.family.logpdf(np.atleast_1d(x), member.theta).reshape(np.shape(x)),
        (mu - math.pi, mu + math.pi),
        np.concatenate([mu - steps[::-1], [mu], mu + steps]),
        lambda x: 0.0,
        lambda x: 0.0,
        circular=True,
    )


def _listed(member: Member) -> Law:
    prob = np.atleast_1d(member.params["prob"])
    if member.family.name == "bernoulli":
        log_prob = member.family.encoded_logpdf(np.array([0.0, 1.0]), member.theta)
    else:
        log_prob = np.append(member.theta, 0.0)
        log_prob = log_prob - np.logaddexp.reduce(log_prob)
    points = np.arange(len(log_prob), dtype=np.float64)

    def log_density(x: Any) -> Any:
        index = np.searchsorted(points, x)
        inside = (index < len(points)) & (points[np.minimum(index, len(points) - 1)] == x)
        return np.where(inside, log_prob[np.minimum(index, len(points) - 1)], -np.inf)

    return Law(
        f"{member.family.title} with {max(len(prob), 2)} levels",
        True,
        log_density,
        (0.0, float(points[-1])),
        points,
        lambda x: float(np.exp(log_prob[points < x]).sum()),
        lambda x: float(np.exp(log_prob[points > x]).sum()),
        points,
    )
