"""Product laws: coordinates that are independent and share one law on the line.

For such data ``zeta(tau) = E_x log E_y exp(-tau (x-y)^2/2)``, an average over one coordinate x of
the query and one coordinate y of a data point (the logarithm inside: the query is given). The rest
of the theory is that of Gaussian data.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import entr

from ..core.errors import InputError, InputTypeError, describe
from ..core.validation import FloatArray, short
from .marginal_panels import Panels, label, quantiles
from .master_equation import LARGEST_LOG_TAU, solve_increasing

__all__ = [
    "Marginal",
    "ZetaTable",
    "as_marginal",
    "solve_product_law",
    "zeta_from_table",
    "zeta_table",
]

# Width of the first panels, and error of the entropy of one panel above which it is halved.
_LEVELS = ((1.0, 1e-5), (0.5, 1e-7), (0.25, 1e-9), (0.125, 1e-10))
_AGREED = 1e-9  # between two panel widths; the finer one is then much better than that
_REFUSED = 1e-5
_WINDOW = 9.0  # the kernel is exp(-40) beyond as many of its standard deviations
_FINE = 2.0  # panels narrower than this many kernel widths keep their own nodes
_MOST_ATOMS = 4000
_PANEL, _DEGREE = 2.0, 15  # Chebyshev panels in log tau


class Marginal(Protocol):
    """What the theory asks of the law of one coordinate.

    Attributes
    ----------
    name : str
        For messages.
    scale : float
        A width, unit of the data.
    entropy : float or None
        Differential entropy, nats; None where there is no density.
    limit : float
        Limit of -S as tau goes to infinity: the entropy of a discrete law, else inf.
    gap_limit : float
        A tau beyond which a discrete law has reached its limit; inf for continuous ones.
    """

    name: str
    scale: float
    entropy: float | None
    limit: float
    gap_limit: float

    def moments(self, log_tau: float) -> tuple[float, float]:
        """Return zeta and ``tau delta``."""
        ...


class _Continuous:
    """A law with a density, integrated in its normal score ``t = Phi^-1(F(y))``.

    In t every law has the weight exp(-t^2/2), whatever its tails and whatever its density does at
    the ends. Panels of t that are narrow against the kernel keep fixed nodes; where a panel is wide
    the kernel is resolved instead, by nodes around x.
    """

    limit = gap_limit = math.inf

    def __init__(self, law: Any, panels: Panels, step: float, tolerance: float) -> None:
        self.name, self._law = label(law), law
        edges, self.entropy_error = panels.edges(step, tolerance)
        self._edges = quantiles(law, edges)
        self._points, weights, log_density = panels.nodes(edges)
        # A quantile so close to the end that it rounds to it may have density 0 or inf there.
        self._weights = np.where(np.isfinite(log_density), weights, 0.0)
        self._weights /= self._weights.sum()
        if (np.diff(self._points.ravel()) < 0.0).any():
            raise InputError(f"marginal must have increasing quantiles, got {self.name} whose ppf is not monotone")
        kept = self._weights > 0.0
        self._x, self._wx = self._points[kept], self._weights[kept]
        self.entropy: float | None = -float(self._wx @ log_density[kept])
        self._inner = np.polynomial.legendre.leggauss(18)
        q1, q3 = quantiles(law, np.array([-0.67448975, 0.67448975]))
        self.scale = float(q3 - q1) / 1.349

    def moments(self, log_tau: float) -> tuple[float, float]:
        """Return zeta and ``tau delta``."""
        root = math.exp(0.5 * log_tau)
        fine = np.diff(self._edges) * root <= _FINE
        u = root * (self._points[fine].ravel()[None, :] - self._x[:, None])
        kernel = np.exp(-0.5 * u * u) * self._weights[fine].ravel()
        total, second = kernel.sum(axis=1), np.einsum("ij,ij,ij->i", kernel, u, u)
        if not fine.all():
            more, more_second = self._resolved(root, ~fine)
            total, second = total + more, second + more_second
        return float(self._wx @ np.log(total)), float(self._wx @ (second / total))

    def _resolved(self, root: float, coarse: Any) -> tuple[FloatArray, FloatArray]:
        """Return the integrals over coarse panels, with nodes placed where the kernel is."""
        low = root * (self._edges[:-1][coarse][None, :] - self._x[:, None])
        high = root * (self._edges[1:][coarse][None, :] - self._x[:, None])
        rows, columns = np.nonzero((low < _WINDOW) & (high > -_WINDOW) & (high > low))
        start = np.maximum(low[rows, columns], -_WINDOW)
        width = np.minimum(high[rows, columns], _WINDOW) - start
        total, second = np.zeros((2, len(self._x)))
        parts = np.clip(np.ceil(width / 6.0), 1, 3)  # 18 nodes resolve six standard deviations of the kernel
        for k in (1, 2, 3):
            chosen = parts == k
            row, u, weight = rows[chosen], *self._window(start[chosen], width[chosen], k)
            with np.errstate(all="ignore"):
                density = np.asarray(self._law.pdf(self._x[row][:, None] + u / root), dtype=np.float64)
            density[~np.isfinite(density)] = 0.0
            terms = np.exp(-0.5 * u * u) * density * (weight / root)
            total += np.bincount(row, terms.sum(axis=1), minlength=len(total))
            second += np.bincount(row, (terms * u * u).sum(axis=1), minlength=len(total))
        return total, second

    def _window(self, start: FloatArray, width: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
        """Return nodes and weights of k panels on each window."""
        nodes, gauss = self._inner
        places = (np.arange(k)[:, None] + 0.5 * (nodes + 1.0)).ravel() / k
        return start[:, None] + width[:, None] * places, (np.tile(gauss, k) / (2.0 * k)) * width[:, None]


class _Discrete:
    """A law on listed points, summed."""

    entropy: float | None = None

    def __init__(self, law: Any) -> None:
        self.name = label(law)
        points = _atoms(law)
        mass = np.asarray(law.pmf(points), dtype=np.float64)
        self._x, self._mass = points[mass > 0.0], mass[mass > 0.0] / mass.sum()
        if len(self._x) < 2:
            raise InputError(f"marginal must not be a constant, got {self.name}")
        self.limit = float(entr(self._mass).sum())
        mean = self._mass @ self._x
        self.scale = math.sqrt(float(self._mass @ (self._x - mean) ** 2))
        self.gap_limit = 80.0 / float(np.diff(self._x).min()) ** 2

    def moments(self, log_tau: float) -> tuple[float, float]:
        """Return zeta and ``tau delta``."""
        energy = math.exp(log_tau) * np.square(self._x[:, None] - self._x[None, :])
        kernel = np.exp(-0.5 * energy) * self._mass
        total = kernel.sum(axis=1)
        return float(self._mass @ np.log(total)), float(self._mass @ (np.sum(kernel * energy, axis=1) / total))


def as_marginal(marginal: Any, alpha: float) -> tuple[Marginal, float]:
    """Return the law of a coordinate ready for integration, and the numerical error in nats.

    Parameters
    ----------
    marginal : frozen scipy.stats law
        Continuous or discrete, on the line.
    alpha : float
        Accuracy is judged where ``S = -alpha``.

    Returns
    -------
    Marginal, float
        The law; the change of S at tau_c and of the entropy at the last refinement, whichever is larger.

    Raises
    ------
    InputTypeError
        If `marginal` is no frozen univariate law.
    InputError
        If it is constant, has too many atoms, or cannot be integrated to 1e-5.
    """
    _check_law(marginal)
    from scipy import stats

    if isinstance(marginal.dist, stats.rv_discrete):
        return _Discrete(marginal), 0.0
    panels = Panels(marginal)
    law = _Continuous(marginal, panels, *_LEVELS[0])
    if not (math.isfinite(law.scale) and law.scale > 0.0):
        raise InputError(f"marginal must have finite quartiles that differ, got {law.name}")
    log_tau = solve_product_law(alpha, law)
    error, old = math.inf, _numbers(law, log_tau)
    for step, tolerance in _LEVELS[1:]:
        law = _Continuous(marginal, panels, step, tolerance)
        new = _numbers(law, log_tau)
        error, old = max(float(np.abs(new - old).max()), law.entropy_error), new
        if error <= _AGREED * max(1.0, alpha):
            break
    if not error <= _REFUSED * max(1.0, alpha):
        raise InputError(
            f"marginal must have a density that quadrature can resolve, got {law.name} with an error of {error:.1e} "
            "nats; a law without narrow peaks or many jumps, or a larger n, may help"
        )
    return law, error


def solve_product_law(alpha: float, law: Marginal) -> float:
    """Return log tau_c, inf where a discrete law has copies of the query among the data.

    Parameters
    ----------
    alpha : float
        ``log(n)/d``.
    law : Marginal
        Law of one coordinate.

    Returns
    -------
    float
        log tau_c.
    """
    if alpha >= law.limit:
        return math.inf
    log_alpha = math.log(alpha)

    def excess(log_tau: float) -> float:
        gap = -_entropy(law, log_tau)
        return math.log(gap) - log_alpha if gap > 0.0 else -math.inf

    guess = -2.0 * math.log(law.scale) + (0.5 * math.log(4.0 * alpha / 3.0) if alpha < 0.5 else 2.0 * alpha - 1.0)
    root = solve_increasing(excess, guess, -1.0, 1.0)
    if root is None or abs(root) > LARGEST_LOG_TAU:
        raise InputError(
            f"alpha must be within reach of quadrature for marginal={law.name}, got {alpha:g}; values from 1e-6 to "
            "about 20 can be solved for laws with a smooth density and a variance"
        )
    return root


def _entropy(law: Marginal, log_tau: float) -> float:
    value, scaled = law.moments(log_tau)
    return value + 0.5 * scaled


def _numbers(law: _Continuous, log_tau: float) -> FloatArray:
    """Return what has to be accurate: S and the entropy of a coordinate."""
    return np.array([_entropy(law, log_tau), law.entropy or 0.0])


class ZetaTable(NamedTuple):
    """Piecewise Chebyshev series of ``log(-zeta)`` in log tau.

    Attributes
    ----------
    edges : ndarray of shape (k + 1,)
        Ends of the panels.
    coefficients : ndarray of shape (k, m)
        Series of each panel.
    """

    edges: FloatArray
    coefficients: FloatArray


def zeta_table(law: Marginal, log_tau_c: float) -> ZetaTable:
    """Return zeta up to tau_c, so that a result needs its law no longer.

    Parameters
    ----------
    law : Marginal
        Law of one coordinate.
    log_tau_c : float
        End of the table.

    Returns
    -------
    ZetaTable
        The values.
    """
    centre = -2.0 * math.log(law.scale)
    top = math.log(law.gap_limit) if math.isinf(log_tau_c) else log_tau_c
    bottom = min(top, centre) - 16.0
    edges = np.linspace(bottom, top, 1 + math.ceil((top - bottom) / _PANEL))
    nodes = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
    half = 0.5 * np.diff(edges)
    grid = (edges[:-1] + half)[:, None] + half[:, None] * nodes
    values = np.array([[math.log(-law.moments(float(v))[0]) for v in row] for row in grid])
    matrix = chebyshev.chebvander(nodes, _DEGREE)
    return ZetaTable(edges, np.linalg.solve(matrix, values.T).T)


def zeta_from_table(table: ZetaTable, log_tau: FloatArray) -> FloatArray:
    """Return zeta, elementwise; below the table by the power of tau at its lower end.

    Parameters
    ----------
    table : ZetaTable
        Made by :func:`zeta_table`.
    log_tau : ndarray
        Logarithms of tau.

    Returns
    -------
    ndarray
        zeta, nats per dimension.
    """
    edges, coefficients = table
    inside = np.clip(log_tau, edges[0], edges[-1])
    panel = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, len(edges) - 2)
    position = 2.0 * (inside - edges[panel]) / (edges[panel + 1] - edges[panel]) - 1.0
    logs = np.sum(chebyshev.chebvander(position, coefficients.shape[1] - 1) * coefficients[panel], axis=-1)
    slope = chebyshev.chebval(-1.0, chebyshev.chebder(coefficients[0])) * 2.0 / (edges[1] - edges[0])
    return np.asarray(-np.exp(logs + slope * np.minimum(log_tau - edges[0], 0.0)))


def _check_law(marginal: Any) -> None:
    from scipy import stats

    required = "a frozen univariate law of scipy.stats"
    if isinstance(marginal, (stats.rv_continuous, stats.rv_discrete)):
        cure = f"call it with its parameters, as in {getattr(marginal, 'name', None) or 'law'}(...)"
        raise InputTypeError(describe("marginal", required, short(marginal), cure))
    if not isinstance(getattr(marginal, "dist", None), (stats.rv_continuous, stats.rv_discrete)):
        raise InputTypeError(describe("marginal", required, short(marginal)))
    ends = marginal.support()
    if any(np.ndim(end) for end in ends):
        raise InputError("marginal must be one law, got a batch: its parameters are arrays")
    if any(math.isnan(float(end)) for end in ends):
        raise InputError(f"marginal must have admissible parameters, got {label(marginal)} of undefined support")


def _atoms(law: Any) -> FloatArray:
    listed = getattr(law.dist, "xk", None)
    if listed is not None:
        points = np.unique(np.asarray(listed, dtype=np.float64))
        shift = float(law.ppf(1.0)) - points[-1] if len(points) else 0.0
        points = points + shift
    else:
        first, last = _span(law)
        points = np.arange(first, last + 0.5)
    if len(points) > _MOST_ATOMS:
        raise InputError(_too_many(law))
    return points


def _too_many(law: Any) -> str:
    return (
        f"marginal must have at most {_MOST_ATOMS} points, got {label(law)}; a continuous law of the same shape "
        "gives the same regimes when the kernel is wider than the lattice"
    )


def _span(law: Any) -> tuple[float, float]:
    """Return the ends of the lattice points that matter.

    Upper quantiles cannot be asked for closer to one than rounding, so the 1 - 1e-12 quantile is
    moved out until what lies beyond is negligible.
    """
    low, high = map(float, law.support())
    middle = float(law.median())
    # Asked first, because scipy searches long for a quantile far away.
    if max(law.cdf(middle - _MOST_ATOMS), law.sf(middle + _MOST_ATOMS)) > 1e-12:
        raise InputError(_too_many(law))
    ends = []
    for side, level, tail in ((-1.0, 1e-12, law.cdf), (1.0, 1.0 - 1e-12, law.sf)):
        reach = float(law.ppf(level))
        while tail(reach) > 1e-18 and low < reach < high and abs(reach - middle) < _MOST_ATOMS:
            reach += side * math.ceil(1.0 + 0.2 * abs(reach - middle))  # whole steps stay on the lattice
        ends.append(min(max(reach, low), high))
    return ends[0], ends[1]
