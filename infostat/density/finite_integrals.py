"""Exact expectations of log Z and of the participation ratio for n draws of N(0, I_d).

With ``E = R/(2 h^2)`` the energy of one draw and G an independent Gumbel variable,

    L(u) = E[1 - exp(-e^u w)] = P(E - G < u) = integral F(u + g) gamma(g) dg,   w = e^(-E),

and substituting ``m = log n + log(-log(1 - L(u)))`` in the integrals over u that the
specification of this package starts from leaves smooth integrands against one fixed weight:

    E log Z = -gamma_E - integral u(m) exp(m - e^m) dm
    E Y2    = integral (E[w^2 e^(2u) exp(-e^u w)]/L'(u)) at u(m) times exp(m - e^m) dm

Both converge exponentially under the trapezoid rule, whatever n, d and h: u(m) is found by
Newton's method, L and its derivatives by the trapezoid rule in the variable
``s = E + log(E)/l``, logarithmic in E near zero (where the law of E has its scale) and linear
far from it (where the Gumbel law has its scale, 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special

from ..core.validation import FloatArray
from .distance_law import DistanceLaw, distance_law, log_width, squared_norm_rule

__all__ = ["FiniteStudy", "Rules", "exact_slope", "finite_study"]

# Range of tau, see `_outer_rule`: the weight exp(m - e^m) is below 1e-13 on the right and 1e-18
# on the left. Blocks of tau are added on the left while the participation ratio needs them.
_TAU_LOW, _TAU_HIGH, _TAU_BLOCK = -25.0, 3.4, 20.0
_BEND = 12.0
_ENOUGH = 1e-9
# A window of the inner integral is cut where its terms fall below exp(-_CUT) = 5e-12 of the sum.
_CUT = 26.0
# The Gumbel density is below e^(-36) beyond this distance on its left.
_GUMBEL_LEFT = 3.7
# Newton may move u this far before a window is chosen again.
_MARGIN = 2.0
# Newton stops when log(-log(1 - L)) is met to this.
_TOLERANCE = 1e-9
# Below this multiple of it an error that no longer halves is the noise of the inner rule.
_NOISE = 1e5
# Beyond this energy F is a power law on the scale of the Gumbel variable, to 1e-6 and better,
# and the differences E - u lose digits.
_FROZEN = 1e6
# Bandwidths above this multiple of sqrt(d) see all points at the same distance, to 1e-12 of log Z.
_FLAT = 1e6


@dataclass(frozen=True)
class Rules:
    """Resolution of the three nested rules.

    Attributes
    ----------
    m_step, s_step : float
        Steps of the outer and the inner trapezoid rule.
    log_step : float
        Step of the inner rule in log E near zero, relative to the width of the law there.
    n_nodes : int
        Nodes of the Gauss rule over the squared norm of x.
    """

    m_step: float = 0.4
    s_step: float = 0.4
    log_step: float = 0.35
    n_nodes: int = 16

    @classmethod
    def of(cls, d: int) -> Rules:
        """Return the rules for dimension d, chosen for errors below 1e-6 (d = 1: 1e-5)."""
        # In few dimensions the density of R is singular at zero, which bends u(m) sharply, and
        # the squared norm of x spreads over orders of magnitude.
        if d == 1:
            return cls(m_step=0.2, n_nodes=34)
        return cls(m_step=0.25, n_nodes=64) if d == 2 else cls(n_nodes=16 if d >= 10 else 28)

    def coarser(self) -> Rules:
        """Return the rules with steps longer by two fifths and two thirds of the nodes."""
        return Rules(1.4 * self.m_step, 1.4 * self.s_step, 1.4 * self.log_step, (2 * self.n_nodes) // 3)


@dataclass(frozen=True)
class FiniteStudy:
    """Everything about (n, d) that does not depend on the bandwidth.

    Attributes
    ----------
    log_n : float
        Logarithm of the sample size.
    d : int
        Dimension.
    rules : Rules
        Resolution.
    laws : tuple of DistanceLaw
        Law of the squared distance at each node of the squared norm.
    weights : ndarray
        Weights of the nodes.
    """

    log_n: float
    d: int
    rules: Rules
    laws: tuple[DistanceLaw, ...]
    weights: FloatArray

    def expectations(self, h: float) -> tuple[float, float]:
        """Return ``E log Z`` and ``E Y2`` at bandwidth h."""
        if self.log_n == 0 or h > _FLAT * math.sqrt(self.d):
            # One draw, or log Z = log n - mean energy to the last digit; E|x - y|^2 = 2 d.
            return self.log_n - self.d / h / h, math.exp(-self.log_n)
        pairs = np.array([_given_x(law, h, self.log_n, self.rules) for law in self.laws])
        log_z, y2 = self.weights @ pairs
        return float(log_z), float(y2)

    def kl_per_dim(self, h: float) -> tuple[float, float]:
        """Return the expected KL per dimension and ``E Y2``."""
        log_z, y2 = self.expectations(h)
        return -0.5 + math.log(h) + (self.log_n - log_z) / self.d, y2


def finite_study(log_n: float, d: int, rules: Rules) -> FiniteStudy:
    """Tabulate the laws of the squared distance at the nodes of the squared norm of x.

    Parameters
    ----------
    log_n : float
        Log of the sample size.
    d : int
        Dimension.
    rules : Rules
        Nodes and weights of the integrals.

    Returns
    -------
    FiniteStudy
        Tables for any bandwidth.
    """
    nodes, weights = squared_norm_rule(d, rules.n_nodes)
    laws = tuple(distance_law(d, float(nc), log_n) for nc in nodes)
    return FiniteStudy(log_n, d, rules, laws, weights)


def exact_slope(n: float, d: int) -> float:
    """Return ``E_x b(x)``, b the slope ``d log F(R)/dR`` where ``F(R) = 1/n``, for N(0, I_d).

    Parameters
    ----------
    n : float
        Sample size.
    d : int
        Dimension.

    Returns
    -------
    float
        Slope, dimensionless.
    """
    log_n = math.log(n)
    study = finite_study(log_n, d, Rules.of(d))
    slopes = []
    for law in study.laws:
        y = law.quantile(np.array([-log_n]))
        slopes.append(float(np.exp(law.evaluate(y)[1] - y)[0]))
    return float(study.weights @ np.array(slopes))


# ------------------------------------------------------------------------- given x
def _given_x(law: DistanceLaw, h: float, log_n: float, rules: Rules) -> tuple[float, float]:
    """Return ``E log Z`` and ``E Y2`` for x of one norm."""
    log_scale = math.log(2) + 2 * math.log(h)
    high, low = math.floor(_TAU_HIGH / rules.m_step), math.floor(_TAU_LOW / rules.m_step)
    m, weight = _outer_rule(low, high, rules.m_step)
    u, ratio = _invert(law, log_scale, m, log_n, rules)
    log_z = -np.euler_gamma - float(weight @ u / weight.sum())
    y2 = float(weight @ ratio)
    # Between the normal and the condensed regime E Y2 is made by rare draws next to x, far on the
    # left, where the ratio is near 1. Below m = -log n - 17 nothing is left, since Y2 >= 1/n, and
    # what is left below -97 is too small to matter to anybody.
    while weight[0] * ratio[0] > _ENOUGH * y2 and m[0] > -min(log_n, 80.0) - 17:
        high, low = low - 1, low - math.ceil(_TAU_BLOCK / rules.m_step)
        m, weight = _outer_rule(low, high, rules.m_step)
        ratio = _invert(law, log_scale, m, log_n, rules)[1]
        y2 += float(weight @ ratio)
    return log_z, y2


def _outer_rule(low: int, high: int, step: float) -> tuple[FloatArray, FloatArray]:
    """Return m and the weights ``exp(m - e^m) dm`` at ``tau = low step, ..., high step``.

    m is tau on the right and falls like tau squared on the left.
    """
    tau = np.arange(low, high + 1) * step
    bend = np.logaddexp(0.0, -(tau + _BEND))
    m = np.asarray(tau - 0.1 * bend**2)
    jacobian = 1 + 0.2 * bend * special.expit(-(tau + _BEND))
    return m, np.asarray(step * jacobian * np.exp(m - np.exp(m)))


def _log_level(m: FloatArray, log_n: float) -> FloatArray:
    """Return ``log L`` where ``log n + log(-log(1 - L)) = m``."""
    log_rate = m - log_n
    rate = np.exp(np.maximum(log_rate, -700.0))  # below, L and its rate are the same double
    return np.asarray(np.where(rate < 1e-8, log_rate - rate / 2, np.log(-np.expm1(-rate))))


def _log_hazard(log_level: FloatArray) -> FloatArray:
    """Return ``log(-log(1 - L))`` from ``log L``."""
    level = np.minimum(np.exp(log_level), 1 - 1e-15)
    tiny = level < 1e-8
    safe = np.where(tiny, 0.5, level)
    return np.asarray(np.where(tiny, log_level + level / 2, np.log(-np.log1p(-safe))))


def _invert(
    law: DistanceLaw, log_scale: float, m: FloatArray, log_n: float, rules: Rules
) -> tuple[FloatArray, FloatArray]:
    """Return u(m) and the ratio of the second to the first weight moment there."""
    log_level = _log_level(m, log_n)
    log_r = law.quantile(log_level)
    with np.errstate(over="ignore", under="ignore"):
        energy = np.exp(log_r - log_scale)
        mu = np.exp(law.evaluate(log_r)[1] - log_r + log_scale)  # F grows like exp(mu E)
    condensed = np.clip(mu, 1e-12, 0.9)
    u = energy - special.gammaln(1 - condensed) / condensed  # exact if F were that exponential
    ratio = 1 - condensed
    near = energy < _FROZEN
    if near.any():
        # L(u) <= e^u E w: where Newton starts if the sum is nearly its mean.
        lower = log_level - _log_mean_weight(law, log_scale)
        guess = np.where(mu < 0.9, np.maximum(u, lower), lower)
        u[near], ratio[near] = _newton(law, log_scale, m[near] - log_n, guess[near], lower[near], rules)
    return u, ratio


def _newton(
    law: DistanceLaw, log_scale: float, target: FloatArray, u: FloatArray, lower: FloatArray, rules: Rules
) -> tuple[FloatArray, FloatArray]:
    """Solve ``log(-log(1 - L(u))) = target``; also return the ratio of moments at the solution."""
    log_level = _log_level(target, 0.0)
    tolerance = _TOLERANCE * np.exp(np.minimum(np.exp(target), 14.0))  # relative to 1 - L
    ratio, worst = np.ones_like(u), math.inf
    for _ in range(12):
        start = u
        nodes = _Windows(law, log_scale, u, log_level, rules)
        for _ in range(8):
            log_l, log_first, ratio = nodes.integrals(u)
            hazard = _log_hazard(log_l)
            missing = target - hazard
            # d hazard/du = L'/((1 - L)(-log(1 - L))), with -log(1 - L) = exp(hazard). Rounding of
            # the tables may put the root just below its bound.
            u = np.maximum(u + missing * np.exp(hazard - np.exp(hazard) - log_first), lower - 1e-3)
            last, worst = worst, float((np.abs(missing) / tolerance).max())
            if worst < 1 or last / 2 < worst < _NOISE:
                return u, ratio
            if np.abs(u - start).max() > _MARGIN:
                break
    return u, ratio


def _log_mean_weight(law: DistanceLaw, log_scale: float) -> float:
    """Return ``log E w``, the closed form of the noncentral chi-square law."""
    theta = 2 * math.exp(-log_scale)
    return -law.d / 2 * math.log1p(theta) - law.nc / 2 * theta / (1 + theta)


class _Windows:
    """Nodes of the inner trapezoid rule, one window of the common grid of s for every u.

    Where u is small L is summed in its first form, ``integral f(E) (1 - exp(-e^(u - E))) dE``:
    the density ends where the law does, while ``F gamma`` goes on to E = u + 34, which takes
    many nodes of the logarithmic part. Where u is large the first form has the longer window.
    """

    def __init__(
        self, law: DistanceLaw, log_scale: float, u: FloatArray, log_level: FloatArray, rules: Rules
    ) -> None:
        self.by_density = u < 3.5
        self.unit = rules.log_step * log_width(law.d, law.nc) / rules.s_step
        low, high = _window_ends(law, log_scale, u, log_level)
        high = np.where(self.by_density, np.minimum(high, math.exp(law.grid[-1] - log_scale)), high)
        first = np.floor(self._map(low) / rules.s_step)
        count = int((np.ceil(self._map(high) / rules.s_step) - first).max()) + 1
        span = int(first.max() - first.min()) + count
        if span < first.size * count:  # the windows overlap: every node once
            table = self._table(law, log_scale, (first.min() + np.arange(span)) * rules.s_step, rules.s_step)
            offset = (first - first.min()).astype(np.intp)
            parts = tuple(sliding_window_view(v, count)[offset] for v in table)
        else:
            parts = self._table(law, log_scale, (first[:, None] + np.arange(count)) * rules.s_step, rules.s_step)
        self.energy, self.log_mass, self.slope = parts

    def _table(self, law: DistanceLaw, log_scale: float, s: Any, step: float) -> tuple[FloatArray, ...]:
        """Return the energies, ``log(F dE)`` and ``d log F/dE`` at nodes s."""
        energy = np.asarray(special.wrightomega(self.unit * s + math.log(self.unit)) / self.unit)
        log_energy = np.log(energy)
        log_cdf, log_slope = law.evaluate(log_energy + log_scale)
        jacobian = self.unit * energy / (1 + self.unit * energy)  # dE/ds
        return energy, log_cdf + np.log(jacobian * step), np.exp(log_slope - log_energy)

    def _map(self, energy: FloatArray) -> FloatArray:
        return np.asarray(energy + np.log(energy) / self.unit)

    def integrals(self, u: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return ``log L``, ``log L'`` and ``E[w^2 e^(2u) exp(-e^u w)]/L'`` at every u."""
        g = self.energy - u[:, None]
        decay = np.exp(-np.maximum(g, -700.0))
        exponent = self.log_mass - g - decay
        top = exponent.max(axis=1, keepdims=True)
        terms = np.exp(exponent - top)
        level = terms.sum(axis=1)
        terms *= self.slope
        first = terms.sum(axis=1)
        if self.by_density.any():
            kernel = terms[self.by_density] * special.exprel(decay[self.by_density])
            level[self.by_density] = kernel.sum(axis=1)
        second = np.einsum("ij,ij->i", terms, decay)
        shift = top[:, 0]
        return np.log(level) + shift, np.log(first) + shift, second / first


def _window_ends(
    law: DistanceLaw, log_scale: float, u: FloatArray, log_level: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the energies between which the inner integrals have their mass, for u within the margin."""
    grid = law.grid
    energy = np.exp(grid - log_scale)
    # Left: the Gumbel density vanishes, or F (E'(s) <= 1, density <= min(1, e^u)) is negligible.
    log_left = np.interp(log_level - _CUT - np.minimum(u + _MARGIN, 0.0), law.log_cdf, grid) - log_scale
    low = np.maximum(u - _GUMBEL_LEFT - _MARGIN, np.exp(log_left))
    # Right: log F(E) - E + u < log L - CUT, beyond the maximum of the left side. From the end of
    # the cell where that happens E = log F(E) - target falls towards the crossing from above.
    tail = law.log_cdf - energy
    peak = int(np.argmax(tail))
    target = log_level - _CUT - u - _MARGIN
    cell = np.minimum(peak + np.searchsorted(-tail[peak:], -target), len(grid) - 1)
    high = energy[cell]
    for _ in range(3):
        high = law.evaluate(np.log(high) + log_scale)[0] - target
    return low, np.maximum(high, low)
