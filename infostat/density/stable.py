"""Fluctuation laws of a kernel density estimate at a fixed point, over data sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from ..core.errors import InputError
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, as_float_array, check_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["StableLaw", "stable_law"]

_NEAR_LINE = 0.02
# Logistic substitution of the integrals over the angle: they reach within 1e-16 of the right end and
# 1e-32 of the left one, where the upper tail above mu = 1 has its mass.
_LOGIT_END = 37.0
# Nearer to zero than this the peak of the density's integrand leaves that range.
_NEAR_ZERO = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class StableLaw(Result):
    """Limit law of the rescaled kernel sum at a fixed point, and the weights behind it.

    With E_1 the energy at which ``F(E_1) = 1/n`` and ``W = exp(E_1) Z``, below mu = 1 the law of
    W, from 1 to 2 that of ``W - E W``. Both have ``P(. > t) ~ t^(-mu)``.

    Attributes
    ----------
    mu : float
        Stability index.
    scale : float or None
        Scale in the common S1 parametrisation (scipy's ``levy_stable``): ``alpha = mu, beta = 1,
        loc = 0``. None where no stable law is stated, see `reason`.
    mean_log : float or None
        ``E log S``, nats (mu < 1).
    weight_entropy : float or None
        Mean entropy of the weights, ``E sum -p log p``, nats (mu < 1).
    regime : str
        ``"condensed"``, ``"stable"`` or ``"clt"``.
    reason : str
        Why there is no scale; empty where there is one.
    """

    mu: float
    scale: float | None
    mean_log: float | None
    weight_entropy: float | None
    regime: str
    reason: str = ""

    _headline = ("mu", "scale", "mean_log", "weight_entropy", "regime")

    # ------------------------------------------------------------------ methods
    def weight_moment(self, q: Any) -> Any:
        """Return ``E sum_i p_i^q`` of the kernel weights; q = 2 is the participation ratio, ``1 - mu``.

        Parameters
        ----------
        q : float or array_like
            Exponent. At q <= mu the sum diverges and the answer is inf.

        Returns
        -------
        float or ndarray
            ``Gamma(q - mu)/(Gamma(q) Gamma(1 - mu))``.

        Raises
        ------
        InputError
            If mu >= 1: the weights then all vanish in the limit.

        Examples
        --------
        >>> stable_law(0.25).weight_moment([1, 2, 3]).round(6)
        array([1.     , 0.75   , 0.65625])
        """
        exponent = as_float_array("q", q, ndim=(0, 1))
        if self.mu >= 1:
            raise InputError(
                f"weight_moment must be asked at mu < 1, got mu = {self.mu:g}; from 1 on all weights vanish as n grows"
            )
        safe = np.where(exponent > self.mu, exponent, 1.0)
        # Not a difference of log-gammas, which has no digits left at large q.
        ratio = special.poch(safe - self.mu, self.mu)
        moments = np.where(exponent > self.mu, 1.0 / (ratio * special.gamma(1 - self.mu)), np.inf)
        return float(moments) if exponent.ndim == 0 else moments

    def pdf(self, t: Any) -> Any:
        """Return the density of the law.

        Parameters
        ----------
        t : float or array_like
            Places; for mu > 1 measured from the mean of W.

        Returns
        -------
        float or ndarray
            Density, elementwise.

        Raises
        ------
        InputError
            If there is no stable law, see `reason`.

        Examples
        --------
        >>> law = stable_law(0.5)  # Levy's law: t^(-3/2) exp(-pi/(4 t))/2
        >>> abs(law.pdf(2.0) - 2**-1.5 * math.exp(-math.pi / 8) / 2) < 1e-12
        True
        """
        return self._evaluate(t, _density)

    def sf(self, t: Any) -> Any:
        """Return the upper tail probability ``P(. > t)``, relatively accurate far out.

        Parameters
        ----------
        t : float or array_like
            Places; for mu > 1 measured from the mean of W.

        Returns
        -------
        float or ndarray
            Probability, elementwise; ``t^(-mu)`` for large t.

        Raises
        ------
        InputError
            If there is no stable law, see `reason`.

        Examples
        --------
        >>> round(stable_law(0.5).sf(1e8) * 1e4, 6)
        1.0
        """
        return self._evaluate(t, _survival)

    def frozen(self) -> Any:
        """Return the law as a frozen ``scipy.stats.levy_stable``, for sampling.

        Returns
        -------
        frozen scipy.stats law
            In whatever parametrisation scipy is set to (S1 unless the caller changed it).

        Raises
        ------
        InputError
            If there is no stable law, see `reason`.

        Examples
        --------
        >>> law = stable_law(0.7)
        >>> bool(abs(law.frozen().cdf(2.0) + law.sf(2.0) - 1) < 1e-6)
        True
        """
        from scipy.stats import levy_stable

        scale = self._scale()
        shift = scale * math.tan(math.pi * self.mu / 2) if levy_stable.parameterization == "S0" else 0.0
        return levy_stable(self.mu, 1.0, loc=shift, scale=scale)

    def _evaluate(self, t: Any, function: Any) -> Any:
        places = as_float_array("t", t)
        flat = np.ravel(places) / self._scale()
        values = np.array([function(self.mu, float(x)) for x in flat])
        if function is _density:
            values /= self._scale()
        return float(values[0]) if places.ndim == 0 else values.reshape(places.shape)

    def _scale(self) -> float:
        if self.scale is None:
            raise InputError(f"mu must be such that a stable law is the limit, got {self.mu:g}: {self.reason}")
        return self.scale

    # ------------------------------------------------------------- presentation
    def to_frame(self) -> Any:
        """Return one row: ``mu scale mean_log weight_entropy participation_ratio``, nan where there is none.

        Returns
        -------
        DataFrame
            The numbers.
        """
        import pandas as pd

        y2 = max(0.0, 1.0 - self.mu)
        names = ("mu", "scale", "mean_log", "weight_entropy")
        row = {name: np.nan if getattr(self, name) is None else getattr(self, name) for name in names}
        return pd.DataFrame([{**row, "participation_ratio": y2}])

    def _title(self) -> str:
        return "Fluctuations of the estimate at a fixed point"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["Stability index mu", self.mu], ["Regime", self.regime]]
        optional: list[tuple[str, Cell]] = [
            ["Scale (S1)", self.scale],  # type: ignore[list-item]
            ["E log S (nats)", self.mean_log],  # type: ignore[list-item]
            ["Mean weight entropy (nats)", self.weight_entropy],  # type: ignore[list-item]
        ]
        rows += [[name, value] for name, value in optional if value is not None]
        rows.append(["Limit of the participation ratio", max(0.0, 1.0 - self.mu)])
        return [Section(rows)]

    def _notes(self) -> Sequence[str]:
        if self.reason:
            return [f"No stable law is given: {self.reason}."]
        what = "The sum itself" if self.mu < 1 else "The deviation of the sum from its mean"
        return [f"{what} has a tail t^(-{self.mu:g}) over data sets at a fixed point."]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .finite_plots import draw_stable_law

        if self.scale is None:
            super()._draw(ax)  # says that there is no figure
        draw_stable_law(ax, self, **kwargs)


def stable_law(mu: float) -> StableLaw:
    """Return the limit law of the kernel sum over data sets at a fixed point.

    Parameters
    ----------
    mu : float
        Stability index, positive; ``(h/h_G)^2`` for a Gaussian kernel.

    Returns
    -------
    StableLaw
        ``scale mean_log weight_entropy`` and the methods ``weight_moment pdf sf frozen``. Within
        0.02 of 1 and of 2, where logarithms of n enter, and above 2, where the limit is normal,
        `scale` is None and `reason` says why; the weights are those of every mu below 1.

    Raises
    ------
    InputTypeError
        If mu is not a number.
    InputError
        If it is not positive.

    Notes
    -----
    Near the energy E_1 at which ``F(E_1) = 1/n`` the energies of the data form a Poisson process of
    intensity ``mu exp(mu (E - E_1))``. Hence for ``W = exp(E_1) Z``

        mu < 1:      W -> S,        E exp(-t S) = exp(-Gamma(1 - mu) t^mu)
        1 < mu < 2:  W - E W -> X,  E exp(-t X) = exp(-Gamma(1 - mu) t^mu)

    with ``scale = C^(-1/mu)``, ``C = (1 - mu)/(Gamma(2 - mu) cos(pi mu/2))``. Below 1 the weights tend
    to the Poisson-Dirichlet law (mu, 0):
    ``E sum p^q = Gamma(q - mu)/(Gamma(q) Gamma(1 - mu))``, mean entropy ``psi(1) - psi(1 - mu)``, and
    ``E log S = log Gamma(1 - mu)/mu + gamma (1/mu - 1)``. Derived in the documentation of this project, in
    the setting of Biroli and Mezard (arXiv:2408.05807); densities by Zolotarev's integrals.

    The law is that of data sets at one fixed point x: pooling points adds the spread of the density
    between them. Above 1 it is approached slowly (at d = 60 only roughly, near 2 not at all).

    Examples
    --------
    >>> law = stable_law(0.5)
    >>> round(law.scale, 6), round(law.weight_moment(2), 6), round(law.weight_entropy, 6)
    (1.570796, 0.5, 1.386294)
    >>> stable_law(1.01).scale is None
    True
    """
    index = check_number("mu", mu, low=0, open_low=True)
    reason = _reason(index)
    condensed = index < 1
    # psi(1) - psi(1 - mu); gammaln and psi are accurate down to mu = 0, where the law is a single weight.
    return StableLaw(
        mu=index,
        scale=None if reason else _stable_scale(index),
        mean_log=None if reason or not condensed else _mean_log(index),
        weight_entropy=float(special.psi(1.0) - special.psi(1.0 - index)) if condensed else None,
        regime="condensed" if condensed else "stable" if index < 2 else "clt",
        reason=reason,
    )


def _reason(mu: float) -> str:
    for line in (1, 2):
        if abs(mu - line) < _NEAR_LINE:
            return f"within {_NEAR_LINE} of mu = {line} logarithms of n enter and no stable law fits"
    return "above mu = 2 the limit is normal, with variance n (E w^2 - (E w)^2)" if mu > 2 else ""


def _stable_scale(mu: float) -> float:
    constant = (1 - mu) / (math.gamma(2 - mu) * math.cos(math.pi * mu / 2))
    return math.exp(-math.log(constant) / mu)


def _mean_log(mu: float) -> float:
    return float(special.gammaln(1 - mu)) / mu + np.euler_gamma * (1 / mu - 1)


# ----------------------------------------------------- Zolotarev's integrals, scale 1
def _survival(mu: float, x: float) -> float:
    """``P(X > x)`` of the totally skewed stable law of scale 1 (Nolan 1997, theorem 1)."""
    if x == 0:
        return 1.0 if mu < 1 else 1 - 1 / mu
    if mu < 1:
        if x < 0:
            return 1.0
        log_v, weights, power = _condensed_angles(mu)
        return min(1.0, float(-np.expm1(-np.exp(np.minimum(log_v - power * math.log(x), 700.0))) @ weights))
    log_v, weights, power = _stable_angles(mu, upper=x > 0)
    part = float(np.exp(-np.exp(np.minimum(log_v + power * math.log(abs(x)), 700.0))) @ weights)
    return part if x > 0 else 1.0 - part


def _density(mu: float, x: float) -> float:
    """Density of the same law."""
    if mu < 1:
        if x <= 0:
            return 0.0
        log_v, weights, power = _condensed_angles(mu)
        exponent = log_v - power * math.log(x)
    else:
        if abs(x) < _NEAR_ZERO:
            return _density_at_zero(mu)
        log_v, weights, power = _stable_angles(mu, upper=x > 0)
        exponent = log_v + power * math.log(abs(x))
    terms = np.exp(exponent - np.exp(np.minimum(exponent, 700.0)))
    return float(terms @ weights) * power / abs(x)


def _density_at_zero(mu: float) -> float:
    """``Gamma(1 + 1/mu) cos(theta_0) (cos(mu theta_0))^(1/mu)/pi`` with ``theta_0 = pi/2 - pi/mu``."""
    theta = math.pi / 2 - math.pi / mu
    return float(math.gamma(1 + 1 / mu) * math.cos(theta) * math.cos(mu * theta) ** (1 / mu) / math.pi)


def _angles(length: float, power: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return angles of (0, length), their distance from the right end, and weights over pi.

    Trapezoid rule of the logistic substitution; the integrand is ever narrower as mu nears 1.
    """
    step = 0.4 / (4.0 + power)
    logits = np.arange(-2 * _LOGIT_END, _LOGIT_END + step, step)
    left, right = special.expit(logits), special.expit(-logits)
    return length * left, length * right, left * right * (step * length / math.pi)


@lru_cache(maxsize=8)
def _condensed_angles(mu: float) -> tuple[FloatArray, FloatArray, float]:
    """Kanter's function for mu < 1, with the scale that makes the law S1-standard."""
    power = mu / (1 - mu)
    angle, rest, weights = _angles(math.pi, power)
    log_sine = np.log(np.sin(np.minimum(angle, rest)))  # pi itself is no float
    sines = mu * np.log(np.sin(mu * angle)) + (1 - mu) * np.log(np.sin((1 - mu) * angle)) - log_sine
    # S1 has E exp(-t X) = exp(-t^mu/cos(pi mu/2)), the standard positive law exp(-t^mu).
    log_v = sines / (1 - mu) - power / mu * math.log(math.cos(math.pi * mu / 2))
    return np.asarray(log_v), weights, power


@lru_cache(maxsize=8)
def _stable_angles(mu: float, *, upper: bool) -> tuple[FloatArray, FloatArray, float]:
    """The function V of the angle for 1 < mu < 2, on the side of the heavy tail or the light one."""
    power = mu / (mu - 1)
    c, a, weights = _angles(math.pi - math.pi / mu if upper else math.pi / mu, power)
    inner = np.sin((mu - 1) * (math.pi - c)) if upper else np.sin((mu - 1) * c)
    # In the lower part mu a = pi - mu c, where sin(mu a) keeps its digits from the smaller of the two.
    outer = np.sin(mu * (a if upper else np.minimum(a, c)))
    log_v = power * (np.log(np.sin(c)) - np.log(outer)) + np.log(inner) - np.log(np.sin(c))
    return np.asarray(log_v + math.log(-math.cos(math.pi * mu / 2)) / (mu - 1)), weights, power
