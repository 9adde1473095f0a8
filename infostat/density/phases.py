"""The phase diagram: regimes, best bandwidth and the usual rule, against alpha."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, as_float_array
from .regimes import gaussian_theory, warn_of_zeros
from .spectra import as_spectrum
from .theory_results import RegimeTheory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PhaseDiagram", "phase_curves", "phase_diagram"]

_COLUMNS = ("alpha", "h_G", "h_CLT", "h_star", "scott", "mu_scott", "kl_star", "kl_scott")


@dataclass(frozen=True, eq=False, repr=False)
class PhaseDiagram(Result):
    """Regimes of a Gaussian-kernel density estimate against alpha, in the limit of large dimension.

    Attributes
    ----------
    alpha : ndarray of shape (k,)
        log(n)/d, increasing.
    h_G : ndarray of shape (k,)
        Condensation bandwidth, unit of the data.
    h_CLT : ndarray of shape (k,)
        Above it the central limit theorem holds.
    h_star : ndarray of shape (k,) or None
        Bandwidth of least Kullback-Leibler divergence; None where the data have no density.
    scott : ndarray of shape (k,)
        Limit of Scott's rule and of Silverman's, ``sqrt(<s>) exp(-alpha)``.
    mu_scott : ndarray of shape (k,)
        Stability index at that bandwidth.
    kl_star : ndarray of shape (k,) or None
        Least divergence, nats per dimension.
    kl_scott : ndarray of shape (k,) or None
        Divergence of the rule.
    values, weights : ndarray
        Spectrum of the data.
    flags : tuple of str
        ``"zero_eigenvalues"``.
    interpretation : str
        What it means.
    """

    alpha: FloatArray
    h_G: FloatArray
    h_CLT: FloatArray
    h_star: FloatArray | None
    scott: FloatArray
    mu_scott: FloatArray
    kl_star: FloatArray | None
    kl_scott: FloatArray | None
    values: FloatArray
    weights: FloatArray
    flags: tuple[str, ...] = ()
    interpretation: str = ""

    _headline = ("alpha", "h_G", "h_CLT", "h_star", "scott")

    def to_frame(self) -> Any:
        """Return one row per alpha: ``alpha h_G h_CLT h_star scott mu_scott kl_star kl_scott``.

        Returns
        -------
        DataFrame
            nan where the data have no density.
        """
        import pandas as pd

        missing = np.full(len(self.alpha), np.nan)
        found = {name: getattr(self, name) for name in _COLUMNS}
        return pd.DataFrame({name: missing if column is None else column for name, column in found.items()})

    def _title(self) -> str:
        return "Phase diagram of kernel density estimates, limit of large dimension"

    def _sections(self) -> Sequence[Section]:
        names = [name for name in _COLUMNS if getattr(self, name) is not None]
        columns = [getattr(self, name) for name in names]
        rows: list[list[Cell]] = [[float(v) for v in row] for row in zip(*columns, strict=True)]
        return [Section(rows, tuple(names))]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .phase_plots import draw_phases

        draw_phases(ax, self, **kwargs)


def phase_diagram(alphas: Any, *, spectrum: Any = None) -> PhaseDiagram:
    """Return the regimes of a kernel density estimate over a range of alpha.

    Parameters
    ----------
    alphas : array_like
        Values of log(n)/d, positive and distinct; they are sorted.
    spectrum : array_like or tuple, optional
        Covariance eigenvalues of Gaussian data, or ``(values, weights)``; the identity if None.

    Returns
    -------
    PhaseDiagram
        One entry per alpha; ``plot()`` draws the diagram, ``plot(points=...)`` with measured points.

    Raises
    ------
    InputError
        If an alpha is not positive, occurs twice, or the spectrum is not admissible.

    Warns
    -----
    BandwidthWarning
        If the spectrum has zero eigenvalues.

    Notes
    -----
    See `regime_theory`. Scott's and Silverman's rules have the same limit ``sqrt(<s>) exp(-alpha)``;
    for isotropic data it always lies below h_star.

    Examples
    --------
    >>> diagram = phase_diagram([0.1, 0.3, 1.0])
    >>> diagram.to_frame()[["alpha", "h_G", "h_star", "kl_star"]].round(4)
       alpha      h_G  h_star  kl_star
    0    0.1   1.3708  1.0386   0.1378
    1    0.3   0.8677  0.7836   0.0562
    2    1.0   0.3721  0.3693   0.0040
    """
    levels = _levels(alphas)
    values, weights = as_spectrum(spectrum)
    theories = [gaussian_theory(float(level), values, weights) for level in levels]
    flags = theories[0].flags
    if "zero_eigenvalues" in flags:
        warn_of_zeros(theories[0].alpha / theories[0].alpha_effective, stacklevel=2)
    curves = phase_curves(theories, math.sqrt(float(weights @ values)))
    text = _sentences(curves["mu_scott"], bool(flags))
    return PhaseDiagram(**curves, values=values, weights=weights, flags=flags, interpretation=text)


def _levels(alphas: Any) -> FloatArray:
    levels = np.atleast_1d(as_float_array("alphas", alphas, ndim=(0, 1)))
    if levels.size == 0:
        raise InputError("alphas must hold at least one value of log(n)/d, got an empty array")
    if not levels.min() > 0.0:
        raise InputError(f"alphas must be positive (alpha = log(n)/d, and n must be above 1), got {levels.min():g}")
    levels = np.sort(levels)
    if (np.diff(levels) == 0.0).any():
        raise InputError("alphas must be distinct, got a value twice")
    return levels


def phase_curves(theories: Sequence[RegimeTheory], spread: float) -> dict[str, Any]:
    """Return the columns of the diagram; `spread` is the root of the mean variance.

    Parameters
    ----------
    theories : sequence of RegimeTheory
        One for each alpha, ascending.
    spread : float
        Root of the mean variance, unit of the data.

    Returns
    -------
    dict
        Column name to values.
    """
    alpha = np.array([theory.alpha for theory in theories])
    scott = spread * np.exp(-alpha)
    no_density = theories[0].kl_star is None

    def column(name: str) -> FloatArray | None:
        found = [getattr(theory, name) for theory in theories]
        return None if found[0] is None else np.array(found)

    return {
        "alpha": alpha,
        **{name: column(name) for name in ("h_G", "h_CLT", "h_star", "kl_star")},
        "scott": scott,
        "mu_scott": np.array([theory.mu(float(h)) for theory, h in zip(theories, scott, strict=True)]),
        "kl_scott": None
        if no_density
        else np.array([theory.kl(float(h)) for theory, h in zip(theories, scott, strict=True)]),
    }


def _sentences(mu_scott: FloatArray, no_density: bool) -> str:
    low, high = float(mu_scott.min()), float(mu_scott.max())
    where = "lies in the condensed regime" if high < 1.0 else f"has a stability index from {low:.3g} to {high:.3g}"
    best = "The best bandwidth in Kullback-Leibler divergence lies in the condensed regime at every alpha. "
    return (
        f"{'' if no_density else best}The limit of Scott's and Silverman's rules {where}. These are statements about "
        "the limit of large dimension at fixed alpha; diagnose_bandwidth measures the regime of a data set."
    )
