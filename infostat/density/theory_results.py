"""The theory of one alpha, as a result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, as_float_array
from .master_equation import Directions, log_excess, quadratic_gap, regime_name, zeta
from .product_laws import ZetaTable, zeta_from_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RegimeTheory", "bandwidths", "frame_of", "like"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def bandwidths(h: Any) -> FloatArray:
    """Return `h` as a float array of positive numbers, or raise.

    Parameters
    ----------
    h : float or array_like
        Bandwidths, in the unit of the data.

    Returns
    -------
    ndarray
        The bandwidths, in their shape.

    Raises
    ------
    InputError
        If one is not positive.
    """
    array = as_float_array("h", h)
    if not (array > 0.0).all():
        raise InputError(f"h must be positive, got {array.min():g}; bandwidths are in the unit of the data")
    return array


def like(h: Any, values: Any) -> Any:
    """Return a float (or a str) for a scalar h, else the array.

    Parameters
    ----------
    h : float or array_like
        What the caller asked at.
    values : array_like
        One value for each.

    Returns
    -------
    float, str or ndarray
        The values.
    """
    return np.asarray(values).item() if np.ndim(h) == 0 else np.asarray(values)


def frame_of(result: Result) -> Any:
    """Return the scalars of a result as one row of numbers and short words, nan where one does not apply.

    Parameters
    ----------
    result : Result
        A result of theory.

    Returns
    -------
    DataFrame
        One row.
    """
    import pandas as pd

    scalars = result._scalars()
    scalars.pop("interpretation", None)
    return pd.DataFrame([{name: np.nan if value is None else value for name, value in scalars.items()}])


@dataclass(frozen=True, eq=False, repr=False)
class RegimeTheory(Result):
    """Regimes of a Gaussian-kernel density estimate in the limit of large dimension, at one alpha.

    Bandwidths are in the unit of the data, energies and divergences in nats per dimension. Fields that do not
    apply are None: a divergence is an average over queries, so there is none with `at`, and none
    where the data have no density.

    Attributes
    ----------
    alpha : float
        log(n)/d, natural logarithm.
    tau_c : float
        Root of the master equation ``alpha + S(tau) = 0``; inf where a discrete law puts copies of
        the query among the data.
    h_G : float
        Condensation bandwidth, ``tau_c**(-1/2)``: below it a few points make the estimate.
    h_CLT : float
        ``sqrt(2) h_G``: above it the central limit theorem holds.
    eps : float
        Squared distance to the nearest data point, per dimension.
    h_star : float or None
        Bandwidth of least Kullback-Leibler divergence, ``sqrt(eps)`` where that lies below h_G.
    mu_star : float or None
        Stability index at h_star.
    kl_star : float or None
        Divergence at h_star per dimension.
    alpha_effective : float
        log(n)/rank: alpha over the share of directions in which the data vary.
    values, weights : ndarray of shape (k,) or None
        Spectrum of the data (None for a product law).
    at : ndarray of shape (k,) or None
        Coordinates of the query; None for a typical one.
    marginal : str or None
        Law of the coordinates in words; None for Gaussian data.
    entropy : float or None
        Differential entropy of the data per dimension; None without a density.
    zeta_edges, zeta_coefficients : ndarray or None
        Chebyshev panels of ``log(-zeta)`` in log tau (product laws).
    numerical_error : float or None
        Change of S and of the entropy at the last refinement of the quadrature, nats (product laws).
    flags : tuple of str
        ``"zero_eigenvalues"``, ``"no_density"`` (discrete law), ``"copies"`` (tau_c is inf),
        ``"quadrature"`` (`numerical_error` above 1e-7).
    interpretation : str
        What it means, in two or three sentences.

    Notes
    -----
    With ``zeta(tau) = lim (1/d) log E_y exp(-tau |x-y|^2/2)``, at ``h >= h_G``

        (1/d) log Z  = alpha + zeta(1/h^2)          KL/d = KL(rho || rho * N(0, h^2 I))/d

    and at ``h < h_G``, where the nearest points make the sum,

        (1/d) log Z  = -eps/(2 h^2)                 KL/d = alpha - entropy + (1/2) log(2 pi h^2) + eps/(2 h^2)

    Derived in the documentation of this project, in the setting of Biroli and Mezard (arXiv:2408.05807).
    """

    alpha: float
    tau_c: float
    h_G: float
    h_CLT: float
    eps: float
    h_star: float | None
    mu_star: float | None
    kl_star: float | None
    alpha_effective: float
    values: FloatArray | None = None
    weights: FloatArray | None = None
    at: FloatArray | None = None
    marginal: str | None = None
    entropy: float | None = None
    zeta_edges: FloatArray | None = None
    zeta_coefficients: FloatArray | None = None
    numerical_error: float | None = None
    flags: tuple[str, ...] = ()
    interpretation: str = ""

    _headline = ("alpha", "h_G", "h_CLT", "h_star", "kl_star")

    # ------------------------------------------------------------------ methods
    def mu(self, h: Any) -> Any:
        """Return the stability index ``tau_c h^2 = (h/h_G)^2``.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        float or ndarray
            Elementwise; inf where h_G is zero.
        """
        array = bandwidths(h)
        with np.errstate(over="ignore"):
            return like(h, np.square(array / self.h_G) if self.h_G > 0.0 else np.full_like(array, np.inf))

    def regime(self, h: Any) -> Any:
        """Return the regime of a bandwidth.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        str or ndarray of str
            ``"condensed"`` (mu < 1), ``"stable"`` (up to 2) or ``"clt"``.
        """
        return like(h, regime_name(np.asarray(self.mu(h))))

    def participation_ratio(self, h: Any) -> Any:
        """Return the limit of the mean of ``sum p_i^2``, ``max(0, 1 - mu)``.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        float or ndarray
            Elementwise; at finite n the mean is larger.
        """
        return like(h, np.maximum(0.0, 1.0 - np.asarray(self.mu(h))))

    def free_energy(self, h: Any) -> Any:
        """Return ``lim (1/d) log sum_i exp(-|x-y_i|^2/(2 h^2))``.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        float or ndarray
            Nats per dimension, elementwise.
        """
        return like(h, self._branches(h, self._frozen_energy, self._annealed_energy))

    def log_density(self, h: Any) -> Any:
        """Return the limit of the log of the estimate at the query, per dimension.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        float or ndarray
            ``free_energy(h) - alpha - log h - log(2 pi)/2``, elementwise.
        """
        return like(h, np.asarray(self.free_energy(h)) - self.alpha - np.log(bandwidths(h)) - _HALF_LOG_2PI)

    def kl(self, h: Any) -> Any:
        """Return the limit of ``KL(rho || rho_hat_h)/d``.

        Parameters
        ----------
        h : float or array_like
            Bandwidth, positive.

        Returns
        -------
        float or ndarray
            Nats per dimension, elementwise.

        Raises
        ------
        InputError
            If there is no divergence: with `at`, and where the data have no density.
        """
        if self.kl_star is None:
            reason = (
                "an average over queries, got a theory of one query; build it without at="
                if self.at is not None
                else "defined, got data without a density (zero eigenvalues or a discrete law); "
                "free_energy(h) and mu(h) still hold"
            )
            raise InputError(f"kl must be {reason}")
        return like(h, self._branches(h, self._frozen_kl, self._annealed_kl))

    # ----------------------------------------------------------------- branches
    def _branches(self, h: Any, frozen: Callable[..., FloatArray], annealed: Callable[..., FloatArray]) -> FloatArray:
        array = np.atleast_1d(bandwidths(h))
        out = np.empty_like(array)
        below = array < self.h_G
        out[below], out[~below] = frozen(array[below]), annealed(array[~below])
        return out.reshape(np.shape(h))

    def _frozen_energy(self, h: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.asarray(-0.5 * np.square(math.sqrt(self.eps) / h))

    def _annealed_energy(self, h: FloatArray) -> FloatArray:
        return self.alpha + self._zeta(-2.0 * np.log(h))

    def _zeta(self, log_tau: FloatArray) -> FloatArray:
        if self.zeta_edges is not None and self.zeta_coefficients is not None:
            return zeta_from_table(ZetaTable(self.zeta_edges, self.zeta_coefficients), log_tau)
        return zeta(self._directions(), log_tau)

    def _directions(self) -> Directions:
        assert self.values is not None and self.weights is not None
        return Directions.of(self.values, self.weights, self.at)

    def _frozen_kl(self, h: FloatArray) -> FloatArray:
        # Written around its minimum sqrt(eps), where alpha and the entropy would cancel.
        log_q = math.log(self.eps) - 2.0 * np.log(h)
        return self._kl_at_root_eps() + 0.5 * quadratic_gap(log_q)

    def _kl_at_root_eps(self) -> float:
        """Return the frozen branch at ``sqrt(eps)``, which is its least value."""
        if self.values is None:
            assert self.entropy is not None
            return self.alpha - self.entropy + _HALF_LOG_2PI + 0.5 * math.log(self.eps) + 0.5
        assert self.kl_star is not None
        return self.kl_star

    def _annealed_kl(self, h: FloatArray) -> FloatArray:
        if self.values is None:
            assert self.entropy is not None
            return np.asarray(-self.entropy - self._zeta(-2.0 * np.log(h)) + np.log(h) + _HALF_LOG_2PI)
        directions = self._directions()
        return np.asarray(0.5 * (log_excess(2.0 * np.log(h)[:, None] - directions.log_s) @ directions.weights))

    # ------------------------------------------------------------- presentation
    def _title(self) -> str:
        return "Regimes of a kernel density estimate, limit of large dimension"

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [["alpha = log(n)/d", self.alpha], ["Data", self._data_words()]]
        if self.alpha_effective != self.alpha:
            rows.append(["log(n)/rank", self.alpha_effective])
        rows += [
            ["Condensed below h_G", self.h_G],
            ["Central limit theorem above h_CLT", self.h_CLT],
            ["Nearest point, sqrt(eps)", math.sqrt(self.eps)],
            ["tau_c", self.tau_c],
        ]
        if self.h_star is not None:
            rows += [
                ["Best bandwidth h_star", self.h_star],
                ["Stability index there", self.mu_star],
                ["KL there (nats per dimension)", self.kl_star],
            ]
        if self.numerical_error is not None:
            rows.append(["Numerical error (nats)", self.numerical_error])
        if self.flags:
            rows.append(["Flags", ", ".join(self.flags)])
        return [Section(rows)]

    def _data_words(self) -> str:
        if self.marginal is not None:
            return f"i.i.d. coordinates, {self.marginal}"
        assert self.values is not None
        spread = "isotropic Gaussian" if len(self.values) == 1 else f"Gaussian, {len(self.values)} eigenvalues"
        return spread if self.at is None else f"{spread}, query given"

    def to_frame(self) -> Any:
        """Return one row of the scalar fields.

        Returns
        -------
        DataFrame
            nan where a field does not apply.
        """
        return frame_of(self)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .theory_plots import draw_theory

        draw_theory(ax, self, **kwargs)
