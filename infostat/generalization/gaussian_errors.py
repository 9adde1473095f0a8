"""Exact expected losses of the mean classifier, by one contour integral.

With ``v_i = y_i x_i ~ N(mu, sigma0^2 I)`` and ``m`` the mean of `n` of them, the margin of a fresh point
is ``X = m . v`` and that of a training point ``X = m . v_i``. Both have a moment generating function in
closed form, and so has the two-sided Laplace transform of each loss, so that the expected loss is one
line integral along ``Re t = c < 0`` for any dimension:

    E loss(X) = (1 / 2 pi i) int M(t) T(t) dt,    T(t) = -1/t, exp(-t)/t^2, pi/(t sin(pi t))

for the 0-1, the hinge and the logistic loss. The integrand is taken at its saddle point on the real
axis, so that nothing cancels: errors far below the rounding unit keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.validation import FloatArray

__all__ = ["LOSSES", "expected_losses", "margin_loss", "normal_margin_loss"]

Complex = NDArray[np.complex128]
LOSSES = ("zero_one", "hinge", "logistic", "linear", "quadratic")

# The contour t(u) = c + i w sinh(u) + bend w (cosh(u) - 1) bends to where the integrand decays; on the
# straight line it only oscillates, and the rule would alias. For the hinge loss that is the right, because
# of exp(-t), for the logistic loss the left, because the margin has a mean >= 0. The trapezoid rule converges
# geometrically: halving the step changes nothing beyond 1e-14.
_BEND = {"zero_one": 0.3, "hinge": 0.3, "logistic": -0.3}
_STEP = 1.0 / 32.0
_SMALLEST = -1e3  # the width of the contour changes the logarithm of the integral by far less than 250
_NODES = np.arange(0.0, 45.0, _STEP)


@dataclass(frozen=True)
class _Margin:
    """Law of a margin.

    Attributes
    ----------
    log_mgf : callable
        ``(t, shift) -> log E exp(t (X - shift))`` of a complex array.
    low : float
        The transform is finite for ``low < Re t < 0``; -inf if there is no end.
    """

    log_mgf: Callable[[Complex, float], Complex]
    low: float


def expected_losses(norm: float, sigma0: float, d: int, n: int, loss: str) -> tuple[float, float]:
    """Return the expected loss on a fresh point and on a training point.

    Parameters
    ----------
    norm : float
        Length of the class mean.
    sigma0 : float
        Standard deviation of every coordinate given the label.
    d : int
        Dimension.
    n : int
        Training points.
    loss : str
        One of `LOSSES`; the quadratic loss is ``||v - m||^2``, the linear one ``-m . v``.

    Returns
    -------
    tuple of float
        Test and train value.
    """
    noise = sigma0 * sigma0 * d / n
    if loss == "linear":
        return -norm * norm, -norm * norm - noise
    if loss == "quadratic":
        return noise * (n + 1.0), noise * (n - 1.0)
    test = _contour(_fresh_margin(norm, sigma0, d, n), loss)
    if loss == "zero_one" and n == 1:
        return test, 0.0  # the margin of the one training point is |m|^2
    return test, _contour(_training_margin(norm, sigma0, d, n), loss)


def _fresh_margin(norm: float, sigma0: float, d: int, n: int) -> _Margin:
    """Law of ``m . v`` for a fresh point: a product of independent normal vectors."""
    scale = sigma0 * sigma0 / np.sqrt(n)
    signal = norm / sigma0  # |mu| in units of one point; in units of the mean it is sqrt(n) times larger
    squares = signal * signal * (1.0 + n)
    cross = signal * signal * np.sqrt(n)

    def log_mgf(t: Complex, shift: float) -> Complex:
        s = scale * t
        q = s * s
        linear = _linear(norm * norm, shift, t, q, cross * s)
        return np.asarray(linear + 0.5 * squares * q / (1.0 - q) - 0.5 * d * np.log1p(-q))

    return _Margin(log_mgf, -1.0 / scale)


def _training_margin(norm: float, sigma0: float, d: int, n: int) -> _Margin:
    """Law of ``m . v_i``; given m it is ``N(|m|^2, sigma0^2 (1 - 1/n) |m|^2)``."""
    mean_variance = sigma0 * sigma0 / n
    residual = sigma0 * sigma0 * (1.0 - 1.0 / n)
    square = norm * norm

    def log_mgf(t: Complex, shift: float) -> Complex:
        bend = 0.5 * residual * t * t
        q = 2.0 * mean_variance * (t + bend)
        linear = _linear(square, shift, t, q, square * t)
        return np.asarray(linear + square * bend / (1.0 - q) - 0.5 * d * np.log1p(-q))

    low = -np.inf if n == 1 else -(1.0 + np.sqrt(1.0 + residual / mean_variance)) / residual
    return _Margin(log_mgf, float(low))


def _linear(mean: float, shift: float, t: Complex, q: Complex, term: Complex) -> Complex:
    """Return ``term / (1 - q) - shift t`` where ``term = mean t``, without cancellation.

    Near the origin mean and shift may nearly agree, far from it ``term / (1 - q)`` and ``mean t`` do not.
    """
    near = np.abs(q) < 0.5
    return np.asarray(np.where(near, (mean - shift) * t + term * (q / (1.0 - q)), term / (1.0 - q) - shift * t))


def _contour(margin: _Margin, loss: str) -> float:
    """Expected loss of a margin, by the trapezoid rule on a contour through the saddle point."""
    log_transform = _TRANSFORMS[loss]
    shift = 1.0 if loss == "hinge" else 0.0  # exp(-t) of its transform
    low = max(margin.low, -1.0) if loss == "logistic" else margin.low

    def log_integrand(t: Complex) -> Complex:
        return np.asarray(margin.log_mgf(t, shift) + log_transform(t))

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        centre, width, peak = _saddle(log_integrand, low)
        if peak < _SMALLEST:
            return 0.0  # the loss is below the range of floats, and so would be the digits of its exponent
        cosh = np.cosh(_NODES)
        sinh = np.sinh(_NODES)
        t = centre + width * (1j * sinh + _BEND[loss] * (cosh - 1.0))
        tangent = width * (cosh - 1j * _BEND[loss] * sinh)  # dt/du divided by i
        values = (np.exp(log_integrand(t) - peak) * tangent).real
        values[0] *= 0.5  # the other half of the contour is the mirror image
        # Far out the integrand is 0 times a node beyond the float range.
        return float(np.exp(peak) * np.nansum(values) * _STEP / np.pi)


def _saddle(log_integrand: Callable[[Complex], Complex], low: float) -> tuple[float, float, float]:
    """Minimum of the (convex) log integrand on (low, 0), its width, and its value."""
    from scipy import optimize

    def place(x: float) -> float:
        # The origin may matter on a relative scale; the other end is kept at 5e-5 of the way, where the pole
        # of the logistic transform would eat the digits.
        return float(-np.exp(-x)) if np.isinf(low) else float(low / (1.0 + np.exp(-x)))

    def height(t: float) -> float:
        value = float(log_integrand(np.asarray(t + 0j)).real)
        return value if np.isfinite(value) else 1e300

    found = optimize.minimize_scalar(lambda x: height(place(x)), bounds=(-80.0, 10.0), method="bounded")
    centre = place(float(found.x))
    step = 1e-3 * min(-centre, centre - low)
    peak = height(centre)
    curvature = (height(centre + step) - 2.0 * peak + height(centre - step)) / (step * step)
    # Exact saddle and curvature are not needed: any contour gives the same integral.
    width = 1.0 / np.sqrt(max(curvature, 1.0 / (centre * centre)))
    return centre, float(width), peak


def _log_zero_one(t: Complex) -> Complex:
    return np.asarray(-np.log(-t))


def _log_hinge(t: Complex) -> Complex:
    return np.asarray(-2.0 * np.log(-t))  # its factor exp(-t) is the shift of the margin


def _log_logistic(t: Complex) -> Complex:
    # sin(pi t) = exp(-i pi t) (exp(2 i pi t) - 1) / 2i does not overflow for Im t >= 0.
    log_sine = -1j * np.pi * t + np.log(np.expm1(2j * np.pi * t) / 2j)
    return np.asarray(np.log(np.pi) - np.log(t) - log_sine)


_TRANSFORMS: dict[str, Callable[[Complex], Complex]] = {
    "zero_one": _log_zero_one,
    "hinge": _log_hinge,
    "logistic": _log_logistic,
}


def margin_loss(margins: FloatArray, loss: str) -> FloatArray:
    """Return the loss of each margin ``y u``.

    Parameters
    ----------
    margins : ndarray
        Label times output.
    loss : str
        ``"zero_one"``, ``"hinge"``, ``"logistic"`` or ``"linear"``.

    Returns
    -------
    ndarray
        The shape of `margins`.
    """
    if loss == "zero_one":
        return np.asarray(np.where(margins < 0.0, 1.0, np.where(margins == 0.0, 0.5, 0.0)))
    if loss == "hinge":
        return np.maximum(1.0 - margins, 0.0)
    if loss == "logistic":
        return np.asarray(np.logaddexp(0.0, -margins))
    return -margins


def normal_margin_loss(mean: Any, spread: Any, loss: str) -> FloatArray:
    """Return the expected loss of a normal margin ``N(mean, spread^2)``.

    Parameters
    ----------
    mean, spread : array_like
        Mean and standard deviation of the margin.
    loss : str
        ``"zero_one"``, ``"hinge"``, ``"logistic"`` or ``"linear"``.

    Returns
    -------
    ndarray
        Broadcast shape.
    """
    from scipy import special

    mean, spread = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), np.asarray(spread, dtype=np.float64))
    if loss == "linear":
        return np.asarray(-mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (1.0 - mean) / spread if loss == "hinge" else -mean / spread
        if loss == "zero_one":
            return np.where(spread > 0.0, special.ndtr(z), margin_loss(mean, loss))
        if loss == "hinge":
            smooth = (1.0 - mean) * special.ndtr(z) + spread * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
            return np.where(spread > 0.0, smooth, margin_loss(mean, loss))
    nodes = np.linspace(-9.0, 9.0, 1801)  # the trapezoid rule is exact to rounding for spreads below about 100
    weights = np.exp(-0.5 * nodes * nodes)
    values = np.logaddexp(0.0, -(mean[..., None] + spread[..., None] * nodes))
    return np.asarray(values @ (weights / weights.sum()))
