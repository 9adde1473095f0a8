"""Diffusion models driven by the empirical score: when the trajectory commits to one data point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, check_number
from .master_equation import LARGEST_LOG_TAU, Directions, solve_increasing, solve_master_equation
from .regimes import gaussian_theory, warn_of_zeros
from .spectra import as_spectrum
from .theory_results import bandwidths, frame_of, like

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DiffusionCollapse", "diffusion_collapse", "time_of"]


def time_of(h: Any) -> Any:
    """Return the diffusion time ``log(1 + h^2)/2`` at which the noise-to-signal ratio is h.

    Parameters
    ----------
    h : float or ndarray
        Noise-to-signal ratio, unit of the data.

    Returns
    -------
    float or ndarray
        Time of the Ornstein-Uhlenbeck process.
    """
    return 0.5 * np.logaddexp(0.0, 2.0 * np.log(h))


@dataclass(frozen=True, eq=False, repr=False)
class DiffusionCollapse(Result):
    """Times of a variance-preserving diffusion ``x_t = e^(-t) y + sqrt(1 - e^(-2t)) z`` over n data points y.

    In units ``x_t e^t`` its law is a kernel density estimate of bandwidth ``h^2 = e^(2t) - 1``; for a
    variance-exploding schedule read h as the noise level sigma_t. The times differ in what is put
    into the estimate: a point of the trajectory (t_C), or a fresh draw from the data's law (t_G, t_opt).

    Attributes
    ----------
    alpha : float
        log(n)/d, natural logarithm.
    h_C : float
        Collapse: below this noise level the exact empirical score pulls a generated point to one
        data point. Data units.
    t_C : float
        Its time.
    t_G : float
        Time of h_G: below it the density at a fresh point rests on a few data points.
    t_opt : float or None
        Time of h_star, where the estimate is closest to the data's law; None without a density.
    h_G : float
        Condensation bandwidth at a fresh point.
    h_star : float or None
        Bandwidth of least Kullback-Leibler divergence.
    values, weights : ndarray of shape (k,)
        Spectrum of the data.
    flags : tuple of str
        ``"zero_eigenvalues"``.
    interpretation : str
        What it means.

    Notes
    -----
    The collapse is the condensation of the same random energy model at a query of squared coordinates
    ``s + h^2``, for which the master equation becomes ``2 alpha = < log(1 + s/h_C^2) >``. Derived in the
    documentation of this project; that collapse is condensation is the finding of Biroli, Bonnaire,
    De Bortoli and Mezard (arXiv:2402.18491).
    """

    alpha: float
    h_C: float
    t_C: float
    t_G: float
    t_opt: float | None
    h_G: float
    h_star: float | None
    values: FloatArray
    weights: FloatArray
    flags: tuple[str, ...] = ()
    interpretation: str = ""

    _headline = ("alpha", "h_C", "t_C", "t_G", "t_opt")

    def mu(self, h: Any) -> Any:
        """Return the stability index at a point of the trajectory at noise level h.

        Parameters
        ----------
        h : float or array_like
            Noise level, positive, unit of the data.

        Returns
        -------
        float or ndarray
            ``tau_c h^2`` with tau_c of a query of squared coordinates ``s + h^2``; 1 at h_C.
        """
        array = bandwidths(h)
        kept = self.weights > 0.0
        values, weights = self.values[kept], self.weights[kept]
        found = [self._index(float(v), values, weights) for v in array.ravel()]
        return like(h, np.array(found).reshape(array.shape))

    def _index(self, h: float, values: FloatArray, weights: FloatArray) -> float:
        directions = Directions.of(values, weights, np.sqrt(values + h * h))
        return math.exp(solve_master_equation(self.alpha, directions) + 2.0 * math.log(h))

    def _title(self) -> str:
        return "Collapse of an empirical diffusion, limit of large dimension"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["alpha = log(n)/d", self.alpha],
            ["Eigenvalues", len(self.values)],
            ["Collapse, noise level h_C", self.h_C],
            ["Collapse, time t_C", self.t_C],
            ["Condensation at a fresh point, h_G", self.h_G],
            ["Its time t_G", self.t_G],
        ]
        if self.h_star is not None:
            rows += [["Closest to the data's law, h_star", self.h_star], ["Its time t_opt", self.t_opt]]
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
        from .theory_plots import draw_collapse

        draw_collapse(ax, self, **kwargs)


def diffusion_collapse(alpha: float, *, spectrum: Any = None) -> DiffusionCollapse:
    """Return when a diffusion with the exact score of n data points collapses on one of them.

    Parameters
    ----------
    alpha : float
        log(n)/d, positive.
    spectrum : array_like or tuple, optional
        Covariance eigenvalues of Gaussian data, or ``(values, weights)``; the identity if None.

    Returns
    -------
    DiffusionCollapse
        ``h_C t_C t_G t_opt`` (times of the variance-preserving schedule).

    Raises
    ------
    InputError
        If alpha or the spectrum is not admissible.

    Warns
    -----
    BandwidthWarning
        If the spectrum has zero eigenvalues: t_opt is then None.

    Notes
    -----
    ``2 alpha = < log(1 + s/h_C^2) >``; isotropic data of variance s: ``h_C^2 = s/(n^(2/d) - 1)``. Times are
    ``t = log(1 + h^2)/2``. See `DiffusionCollapse`.

    Examples
    --------
    >>> found = diffusion_collapse(0.3)
    >>> round(found.h_C, 10) == round(float(np.expm1(0.6)) ** -0.5, 10)
    True
    >>> found.t_C > found.t_G > found.t_opt
    True
    """
    level = check_number("alpha", alpha, low=0, open_low=True, cure="alpha = log(n)/d, and n must be above 1")
    values, weights = as_spectrum(spectrum)
    theory = gaussian_theory(level, values, weights)
    if "zero_eigenvalues" in theory.flags:
        warn_of_zeros(theory.alpha / theory.alpha_effective, stacklevel=2)
    h_C = _collapse_level(level, Directions.of(values, weights))
    return DiffusionCollapse(
        alpha=level,
        h_C=h_C,
        t_C=float(time_of(h_C)),
        t_G=float(time_of(theory.h_G)),
        t_opt=None if theory.h_star is None else float(time_of(theory.h_star)),
        h_G=theory.h_G,
        h_star=theory.h_star,
        values=values,
        weights=weights,
        flags=theory.flags,
        interpretation=_sentences(h_C, float(time_of(h_C))),
    )


def _collapse_level(alpha: float, directions: Directions) -> float:
    """Return h_C, the root of ``2 alpha = < log(1 + s/h^2) >``."""
    log_level = math.log(2.0 * alpha)

    def excess(log_tau: float) -> float:
        mean = float(np.logaddexp(0.0, log_tau + directions.log_s) @ directions.weights)
        return math.log(mean) - log_level if mean > 0.0 else -math.inf

    root = solve_increasing(excess, -float(directions.log_s.max()))
    if root is None or abs(root) > LARGEST_LOG_TAU:
        raise InputError(f"alpha must give a noise level within the floats, got {alpha:g} for this spectrum")
    return math.exp(-0.5 * root)


def _sentences(h_C: float, t_C: float) -> str:
    return (
        "In the limit of large dimension at this alpha a backward trajectory with the exact score of the data commits "
        f"to one data point at t = {t_C:.4g} (noise level {h_C:.4g}) and then reproduces it. t_G and t_opt are about "
        "fresh points, another law of the query, and are not stages of the same trajectory. A trained score is "
        "smoother than the exact one; these numbers do not cover it."
    )
