"""Results about proxy rewards: a guarantee and an over-optimisation curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, describe
from ..core.results import Result
from ..core.tables import Cell, Section, caution
from ..core.validation import FloatArray, as_float_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FLAGS", "OveroptimisationFit", "ProxyBound"]

FLAGS = {
    "not_positively_correlated": "Proxy and true reward are not positively correlated: nothing is guaranteed.",
    "outside_base": "The policy has mass where the base law has none: the chi^2 divergence is infinite.",
    "proxy_not_raised": "The policy does not raise the proxy, so that a rise of the true reward cannot be inferred.",
    "no_peak": "B <= 0: the fitted curve never turns down, and the peak is at infinity.",
    "falls_from_the_start": "A <= 0 < B: the fitted curve is largest at KL 0.",
    "peak_extrapolated": "The peak lies beyond the largest KL of the data.",
    "no_residuals": "Two points determine the two coefficients: there are no standard errors (nan).",
}


def _explained(flags: tuple[str, ...]) -> list[str]:
    return [caution(flag, FLAGS[flag]) for flag in flags]


@dataclass(frozen=True, eq=False, repr=False)
class ProxyBound(Result):
    """How much true reward a gain in proxy reward guarantees.

    Attributes
    ----------
    correlation : float
        Correlation rho of true and proxy reward under the base law.
    pearson : float
        chi^2(policy || base) = sum pi^2/mu - 1; inf where the policy leaves the base law.
    proxy_gain_sd : float
        Proxy reward of the policy above that of the base law, a, in standard deviations of the proxy.
    true_gain_sd : float
        The same of the true reward: what the bounds bound.
    bound : float
        ``(a - sqrt((1 - rho^2) chi2))/rho``, standard deviations of the true reward.
    tight_bound : float
        ``rho a - sqrt((1 - rho^2)(chi2 - a^2))``, never weaker.
    guaranteed : bool
        Whether a rise of the true reward is guaranteed (`tight_bound` > 0).
    pearson_limit : float
        Largest chi^2 divergence at which this proxy gain guarantees a rise, ``a^2/(1 - rho^2)``;
        0 if none does.
    unexplained : float
        1 - rho^2, the share of the true reward's variance that the proxy does not explain.
    guaranteed_gain : float
        `tight_bound` in units of the true reward.
    true_gain, proxy_gain : float
        The gains in units of their rewards.
    true_sd, proxy_sd : float
        Standard deviations under the base law.
    flags : tuple of str
        ``"not_positively_correlated" "outside_base" "proxy_not_raised"``; the summary explains each.
    interpretation : str
        What it means, in a sentence.
    nature : str
        ``"bound"``.
    """

    correlation: float
    pearson: float
    proxy_gain_sd: float
    true_gain_sd: float
    bound: float
    tight_bound: float
    guaranteed: bool
    pearson_limit: float
    unexplained: float
    guaranteed_gain: float
    true_gain: float
    proxy_gain: float
    true_sd: float
    proxy_sd: float
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "bound"

    _headline = ("correlation", "pearson", "proxy_gain_sd", "bound", "tight_bound", "guaranteed")

    def _title(self) -> str:
        return "Correlated proxy: what it guarantees"

    def to_frame(self) -> Any:
        """Return one row of numbers.

        Returns
        -------
        DataFrame
            The scalar fields but `nature` and `interpretation`.
        """
        import pandas as pd

        return pd.DataFrame([{k: v for k, v in self._scalars().items() if not isinstance(v, str)}])

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Correlation under the base law", self.correlation],
            ["chi^2(policy || base)", self.pearson],
            ["Largest chi^2 with a guarantee", self.pearson_limit],
            ["A rise is guaranteed", "yes" if self.guaranteed else "no"],
        ]
        gains: list[list[Cell]] = [
            ["proxy gain", self.proxy_gain_sd, self.proxy_gain],
            ["true gain, at least (tight)", self.tight_bound, self.guaranteed_gain],
            ["true gain, at least", self.bound, self.bound * self.true_sd],
            ["true gain", self.true_gain_sd, self.true_gain],
        ]
        return [Section(rows), Section(gains, ["", "in sd", "in its unit"])]

    def _notes(self) -> Sequence[str]:
        return [self.interpretation, *_explained(self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_proxies import draw_bound

        draw_bound(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class OveroptimisationFit(Result):
    """A fitted curve of true reward against KL, and its peak.

    Attributes
    ----------
    a, b : float
        Coefficients of ``d(A - B d)`` (``kind="bon"``) or ``d(A - B log d)`` (``"rl"``), d = sqrt(KL).
    peak_kl : float
        KL at which the fitted true reward is largest, nats; inf if B <= 0.
    se_a, se_b : float
        Standard errors; nan if two points left no residual.
    se_peak_kl : float
        Standard error of `peak_kl` to first order; nan where there is none.
    peak_gain : float
        Fitted gain at the peak; inf where there is no peak.
    r2 : float
        Share of the (weighted) variance of the gains that the curve explains.
    residual_sd : float
        Residual standard deviation, in units of the reward; with `se`, in units of `se` (one if
        the curve fits to within the errors); nan for two points.
    kind : str
        ``"bon"`` or ``"rl"``.
    n_points : int
        Points with positive KL.
    kl, observed : ndarray of shape (n,)
        The data: KL (nats) and gain in true reward.
    fitted : ndarray of shape (n,)
        The curve at `kl`.
    se, proxy : ndarray of shape (n,) or None
        Standard errors of the gains, and the gain in proxy reward.
    flags : tuple of str
        ``"no_peak" "falls_from_the_start" "peak_extrapolated" "no_residuals"``.
    interpretation : str
        What it means, in a sentence.
    nature : str
        ``"estimate"``.
    """

    a: float
    b: float
    peak_kl: float
    se_a: float
    se_b: float
    se_peak_kl: float
    peak_gain: float
    r2: float
    residual_sd: float
    kind: str
    n_points: int
    kl: FloatArray
    observed: FloatArray
    fitted: FloatArray
    se: FloatArray | None
    proxy: FloatArray | None
    flags: tuple[str, ...]
    interpretation: str
    nature: str = "estimate"

    _headline = ("kind", "a", "b", "peak_kl", "se_peak_kl", "r2")

    def gain(self, kl: ArrayLike) -> FloatArray:
        """Return the fitted gain in true reward at other budgets.

        Parameters
        ----------
        kl : array_like
            KL from the base law, nats.

        Returns
        -------
        ndarray
            Fitted gains, in the shape of `kl`.

        Raises
        ------
        InputError
            If a KL is negative or not finite.

        Examples
        --------
        >>> from infostat.alignment.proxies import overoptimisation_fit
        >>> float(overoptimisation_fit([1.0, 4.0], [0.5, 0.0]).gain(1.0).round(12))
        0.5
        """
        from scipy.special import xlogy

        budget = as_float_array("kl", kl)
        if (budget < 0.0).any():
            raise InputError(describe("kl", "non-negative", float(budget.min())))
        d = np.sqrt(budget)
        return np.asarray(self.a * d - self.b * (d * d if self.kind == "bon" else xlogy(d, d)))

    def to_frame(self) -> Any:
        """Return one row per point of the data.

        Returns
        -------
        DataFrame
            ``kl gain fitted`` and, where given, ``se proxy_gain``.
        """
        import pandas as pd

        frame = pd.DataFrame({"kl": self.kl, "gain": self.observed, "fitted": self.fitted})
        if self.se is not None:
            frame["se"] = self.se
        if self.proxy is not None:
            frame["proxy_gain"] = self.proxy
        return frame

    def _title(self) -> str:
        form = "d(A - B d)" if self.kind == "bon" else "d(A - B log d)"
        return f"Over-optimisation: gain = {form}, d = sqrt(KL)"

    def _settings(self) -> dict[str, Cell]:
        return {"kind": self.kind, "weighted": self.se is not None}

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["A", self.a, self.se_a],
            ["B", self.b, self.se_b],
            ["KL at the peak (nats)", self.peak_kl, self.se_peak_kl],
        ]
        more: list[list[Cell]] = [
            ["Gain at the peak", self.peak_gain],
            ["Largest KL of the data", float(self.kl.max())],
            ["Points with KL > 0", self.n_points],
            ["Variance explained", self.r2],
            ["Residual sd", self.residual_sd],
        ]
        return [Section(rows, ["", "estimate", "standard error"]), Section(more)]

    def _notes(self) -> Sequence[str]:
        return [self.interpretation, *_explained(self.flags)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_proxies import draw_fit

        draw_fit(ax, self, **kwargs)
