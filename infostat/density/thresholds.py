"""Thresholds of other kernels: what changes with the kernel's shape in large dimension, and what does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, check_choice, check_number, short
from .master_equation import (
    Directions,
    entropy_gap,
    log_excess,
    quadratic_gap,
    regime_name,
    scaled_distance,
    solve_increasing,
)
from .regimes import gaussian_theory, warn_of_zeros
from .spectra import as_spectrum
from .theory_results import RegimeTheory, bandwidths, frame_of, like

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KernelThresholds", "kernel_thresholds"]

_KERNELS = ("gaussian", "student", "compact")


@dataclass(frozen=True, eq=False, repr=False)
class KernelThresholds(Result):
    """Where the regimes of a kernel begin, for Gaussian data in the limit of large dimension.

    Attributes
    ----------
    kernel : str
        ``"gaussian"``, ``"student"`` or ``"compact"``.
    alpha : float
        log(n)/d, natural logarithm.
    h_G, h_CLT : float
        Condensed below the first, central limit theorem above the second, unit of the data. A compact
        kernel has radius ``h sqrt(d)`` and one threshold.
    h_star : float or None
        Bandwidth of least Kullback-Leibler divergence, ``sqrt(eps)`` for every kernel; None where
        the data have no density.
    kl_star : float or None
        Divergence there, nats per dimension; the same for every kernel.
    kappa : float or None
        Degrees of freedom over d of the Student kernel.
    tau_c : float
        Root of the master equation.
    eps : float
        Squared distance to the nearest data point, per dimension.
    values, weights : ndarray of shape (k,)
        Spectrum of the data.
    flags : tuple of str
        ``"zero_eigenvalues"``.
    interpretation : str
        What it means.

    Notes
    -----
    For a kernel ``exp(-d g(|x-y|^2/d))`` the stability index is ``mu = tau_c/(2 g'(eps))``. Derived in
    the documentation of this project, in the setting of Biroli and Mezard (arXiv:2408.05807).
    """

    kernel: str
    alpha: float
    h_G: float
    h_CLT: float
    h_star: float | None
    kl_star: float | None
    kappa: float | None
    tau_c: float
    eps: float
    values: FloatArray
    weights: FloatArray
    flags: tuple[str, ...] = ()
    interpretation: str = ""

    _headline = ("kernel", "alpha", "h_G", "h_CLT", "h_star", "kl_star", "kappa")

    def mu(self, h: Any) -> Any:
        """Return the stability index.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        float or ndarray
            Elementwise. A compact kernel has 0 below its threshold, where no point is in reach, and
            inf from there on.
        """
        array = bandwidths(h)
        with np.errstate(over="ignore"):
            if self.kernel == "compact":
                found = np.where(array < self.h_G, 0.0, np.inf)
            elif self.kappa is None:
                found = np.square(array / self.h_G)
            else:
                found = self.tau_c * (self.kappa * np.square(array) + self.eps) / (1.0 + self.kappa)
        return like(h, found)

    def regime(self, h: Any) -> Any:
        """Return the regime of a bandwidth.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        str or ndarray of str
            ``"condensed"`` (mu < 1), ``"stable"`` (up to 2) or ``"clt"``. A compact kernel below its
            threshold is called condensed; its estimate is zero there at a typical point.
        """
        return like(h, regime_name(np.asarray(self.mu(h))))

    def kl(self, h: Any) -> Any:
        """Return the limit of ``KL(rho || rho_hat_h)/d``.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        float or ndarray
            Nats per dimension, elementwise; inf for a compact kernel below its threshold.

        Raises
        ------
        InputError
            If the data have no density.
        """
        if self.kl_star is None:
            raise InputError("kl must be defined, got data without a density (zero eigenvalues); mu(h) still holds")
        array = np.atleast_1d(bandwidths(h))
        directions = Directions.of(self.values, self.weights)
        single = {"gaussian": self._gaussian_kl, "student": self._student_kl, "compact": self._compact_kl}[self.kernel]
        return like(h, np.array([single(float(v), directions) for v in array.ravel()]).reshape(np.shape(h)))

    def _gaussian_kl(self, h: float, directions: Directions) -> float:
        assert self.kl_star is not None
        if h < self.h_G:
            return self.kl_star + 0.5 * float(quadratic_gap(np.asarray(math.log(self.eps) - 2.0 * math.log(h))))
        return 0.5 * float(log_excess(2.0 * math.log(h) - directions.log_s) @ directions.weights)

    def _student_kl(self, h: float, directions: Directions) -> float:
        """Frozen below h_G; above, at the distance that dominates the mean of the kernel."""
        assert self.kl_star is not None and self.kappa is not None
        kappa, log_h2 = self.kappa, 2.0 * math.log(h)
        if h < self.h_G:
            log_q = math.log(self.eps) - log_h2
            with np.errstate(over="ignore"):
                excess = (1.0 + kappa) * np.log1p(np.expm1(log_q) / (1.0 + kappa)) - log_q
            return self.kl_star + 0.5 * float(excess)

        def excess_index(log_tau: float) -> float:
            # The index mu - 1 at the distance of inverse temperature tau: zero where that dominates.
            with np.errstate(over="ignore"):
                direct = kappa * float(np.exp(log_tau + log_h2))
            return direct + float(scaled_distance(directions, np.asarray(log_tau))) - 1.0 - kappa

        log_tau = solve_increasing(excess_index, -log_h2, -5.0, 5.0)
        assert log_tau is not None
        ratio = float(scaled_distance(directions, np.asarray(log_tau))) * math.exp(-log_tau - log_h2)
        shape = 0.5 * (1.0 + kappa) * math.log((kappa + ratio) / (1.0 + kappa))
        return float(entropy_gap(directions, np.asarray(log_tau))) + shape + math.log(h) - 0.5 * directions.mean_log_s

    def _compact_kl(self, h: float, directions: Directions) -> float:
        """Infinite below the nearest point; above, from the number of points in the ball."""
        log_h2 = 2.0 * math.log(h)
        if h < self.h_G:
            return math.inf
        base = 0.5 * (log_h2 - directions.mean_log_s)
        mean = 2.0 * float(self.weights @ self.values)  # of the squared distance per dimension
        if h * h >= mean:
            return base

        def excess(log_tau: float) -> float:
            distance = math.log(float(scaled_distance(directions, np.asarray(log_tau)))) - log_tau
            return log_h2 - distance

        log_tau = solve_increasing(excess, math.log(self.tau_c), -40.0, 1.0)
        # Out of reach only where h is the mean distance to rounding: then the ball holds half the data.
        return base if log_tau is None else base + float(entropy_gap(directions, np.asarray(log_tau)))

    def _title(self) -> str:
        return f"Thresholds of the {self.kernel} kernel, limit of large dimension"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["alpha = log(n)/d", self.alpha], ["Eigenvalues", len(self.values)]]
        if self.kappa is not None:
            rows.append(["Degrees of freedom over d", self.kappa])
        rows += [["Condensed below h_G", self.h_G], ["Central limit theorem above h_CLT", self.h_CLT]]
        if self.h_star is not None:
            rows += [["Best bandwidth h_star", self.h_star], ["KL there (nats per dimension)", self.kl_star]]
        if self.flags:
            rows.append(["Flags", ", ".join(self.flags)])
        return [Section(rows)]

    def to_frame(self) -> Any:
        """Return one row of the scalar fields.

        Returns
        -------
        DataFrame
            nan where a field does not apply.
        """
        return frame_of(self)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .theory_plots import draw_kernel

        draw_kernel(ax, self, **kwargs)


def kernel_thresholds(
    alpha: float, kernel: str = "gaussian", *, kappa: float | None = None, spectrum: Any = None
) -> KernelThresholds:
    """Return the thresholds of a kernel in the limit of large dimension.

    Parameters
    ----------
    alpha : float
        log(n)/d, positive.
    kernel : str
        ``"gaussian"``; ``"student"``, a Student t density with ``kappa d`` degrees of freedom; or
        ``"compact"``, any of the uniform, Epanechnikov and biweight kernels of radius ``h sqrt(d)``.
    kappa : float, optional
        Degrees of freedom over d, positive; for the Student kernel only, which requires it.
    spectrum : array_like or tuple, optional
        Covariance eigenvalues of Gaussian data, or ``(values, weights)``; the identity if None.

    Returns
    -------
    KernelThresholds
        ``h_G h_CLT h_star kl_star`` and the methods ``mu regime kl``.

    Raises
    ------
    InputError
        If an argument is out of range, or `kappa` is missing or does not belong to the kernel.

    Warns
    -----
    BandwidthWarning
        If the spectrum has zero eigenvalues.

    Notes
    -----
    With tau_c and eps of `regime_theory`, which depend on the data and alpha only,

    - Gaussian: ``mu = tau_c h^2``;
    - Student: ``mu = tau_c (kappa h^2 + eps)/(1 + kappa)``, so ``h_G^2 = ((1 + kappa)/tau_c - eps)/kappa``
      and ``h_CLT^2 = (2 (1 + kappa)/tau_c - eps)/kappa``. Both are positive, because eps tau_c < 1 for
      Gaussian data; they grow without bound as kappa goes to 0, and with a fixed number of degrees
      of freedom every bandwidth is condensed;
    - compact: inside the ball the kernel is not exponentially small, so the estimate is either zero
      (``h < sqrt(eps)``) or self-averaging: ``h_G = h_CLT = sqrt(eps)``, and no stable window.

    The divergence is least at ``sqrt(eps)`` with the same value for all: to leading order the shape of
    the kernel does not matter. Derived in the documentation of this project, in the setting of Biroli
    and Mezard (arXiv:2408.05807).

    Examples
    --------
    >>> student = kernel_thresholds(0.25, "student", kappa=0.5)
    >>> round(student.mu(0.7), 9)
    0.699877702
    >>> compact = kernel_thresholds(0.25, "compact")
    >>> compact.h_G == compact.h_star, round(compact.kl_star - student.kl_star, 12)
    (True, 0.0)
    """
    level = check_number("alpha", alpha, low=0, open_low=True, cure="alpha = log(n)/d, and n must be above 1")
    name = check_choice("kernel", kernel, _KERNELS)
    share = _check_kappa(name, kappa)
    values, weights = as_spectrum(spectrum)
    theory = gaussian_theory(level, values, weights)
    if "zero_eigenvalues" in theory.flags:
        warn_of_zeros(theory.alpha / theory.alpha_effective, stacklevel=2)
    h_G, h_CLT = _lines(name, share, theory)
    return KernelThresholds(
        kernel=name,
        alpha=level,
        h_G=h_G,
        h_CLT=h_CLT,
        h_star=theory.h_star,
        kl_star=theory.kl_star,
        kappa=share,
        tau_c=theory.tau_c,
        eps=theory.eps,
        values=values,
        weights=weights,
        flags=theory.flags,
        interpretation=_sentences(name, h_G, h_CLT, theory.h_star),
    )


def _check_kappa(kernel: str, kappa: Any) -> float | None:
    if kernel != "student":
        if kappa is not None:
            only = "only 'student' has degrees of freedom"
            raise InputError(f"kappa must be None for kernel={kernel!r} ({only}), got {short(kappa)}")
        return None
    if kappa is None:
        raise InputError("kappa must be given for kernel='student': its degrees of freedom divided by d")
    cure = "with a fixed number of degrees of freedom (kappa -> 0) every bandwidth is condensed"
    return check_number("kappa", kappa, low=0, open_low=True, cure=cure)


def _lines(kernel: str, kappa: float | None, theory: RegimeTheory) -> tuple[float, float]:
    """Return h_G and h_CLT."""
    if kernel == "compact":
        edge = math.sqrt(theory.eps)
        return edge, edge
    if kappa is None:
        return theory.h_G, theory.h_CLT
    first, second = (math.sqrt((k * (1.0 + kappa) / theory.tau_c - theory.eps) / kappa) for k in (1.0, 2.0))
    return first, second


def _sentences(kernel: str, h_G: float, h_CLT: float, h_star: float | None) -> str:
    if kernel == "compact":
        text = (
            "In the limit of large dimension at this alpha a kernel of radius h sqrt(d) reaches no data point from a "
            f"typical query below h = {h_G:.4g}, where the estimate is zero, and exponentially many above; there is no "
            "heavy-tailed window."
        )
    else:
        text = (
            f"In the limit of large dimension at this alpha a few data points make the estimate below h = {h_G:.4g}, "
            f"its fluctuations are heavy-tailed up to {h_CLT:.4g}, and normal above."
        )
    best = "" if h_star is None else (
        f" The Kullback-Leibler divergence is least at h = {h_star:.4g}, with the same value for every kernel."
    )
    return f"{text}{best} For a data set see diagnose_bandwidth, which measures the regime of a Gaussian kernel."
