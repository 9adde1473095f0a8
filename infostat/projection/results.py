"""Results of the projection wing: dataclasses and what they print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import InputTypeError
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, check_number
from .sampler_result import SamplerReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BootstrapResult",
    "ExactRisk",
    "InformationCriteria",
    "InformationProjection",
    "Misfit",
    "RiskTerms",
    "SampleSizePlan",
]

# Weights of T0..T3 in what has a Monte-Carlo error.
_COMBINATIONS = {
    "T0": (1.0, 0.0, 0.0, 0.0),
    "T1": (0.0, 1.0, 0.0, 0.0),
    "T2": (0.0, 0.0, 1.0, 0.0),
    "T3": (0.0, 0.0, 0.0, 1.0),
    "a1": (0.5, 0.0, 0.0, 0.0),
    "a2": (0.0, -8.0 / 24.0, 9.0 / 24.0, -3.0 / 24.0),
}


@dataclass(frozen=True, eq=False, repr=False)
class RiskTerms(Result):
    """The four invariants of the estimation-risk expansion.

    Attributes
    ----------
    T0 : float
        ``tr(Gm^-1 G)``; p if the model is right. Twice the first-order coefficient.
    T1 : float
        Contraction of the model's and the data's third cumulants; nan, like T2 and T3, where only the
        first order of a stream was computed.
    T2 : float
        Contraction of two third cumulants of the model with two data covariances.
    T3 : float
        Contraction of the model's fourth cumulant with two data covariances.
    p : int
        Number of parameters.
    T0_plugin : float or None
        The plug-in value when `T0` has been corrected for bias.
    T0_se : float or None
        Standard error of the plug-in T0 (influence function).
    n : float or None
        Sample size behind the estimate; None for a population.
    mc_cov : ndarray of shape (4, 4) or None
        Monte-Carlo covariance of T0..T3 where the model is simulated, the data being fixed; None
        where nothing is simulated.

    Notes
    -----
    ``a1 = T0/2`` and ``a2 = (-8 T1 + 9 T2 - 3 T3)/24`` are the coefficients of 1/n and
    1/n^2 in the estimation risk, ``opt2 = (-3 T1 + 3 T2 - T3)/6`` that of 1/n^2 in the
    optimism and ``rev2 = (-4 T1 + 3 T2 - T3)/24`` that in the reverse risk.

    Examples
    --------
    >>> terms = RiskTerms(2, 14, 46, 60, 2)
    >>> terms.a1, round(terms.a2, 6), terms.opt2
    (1.0, 5.083333, 6.0)
    """

    T0: float
    T1: float
    T2: float
    T3: float
    p: int
    T0_plugin: float | None = None
    T0_se: float | None = None
    n: float | None = None
    mc_cov: FloatArray | None = None

    _headline = ("p", "T0", "T1", "T2", "T3")

    def __post_init__(self) -> None:
        # All three nan: only the first order of a stream was computed.
        rest = (self.T1, self.T2, self.T3)
        first_order = all(isinstance(value, float) and math.isnan(value) for value in rest)
        for name in ("T0",) if first_order else ("T0", "T1", "T2", "T3"):
            object.__setattr__(self, name, check_number(name, getattr(self, name), finite=False))
        super().__post_init__()

    @property
    def a1(self) -> float:
        """Coefficient of 1/n in the estimation risk, T0/2."""
        return 0.5 * self.T0

    @property
    def a2(self) -> float:
        """Coefficient of 1/n^2 in the estimation risk."""
        return (-8.0 * self.T1 + 9.0 * self.T2 - 3.0 * self.T3) / 24.0

    @property
    def opt2(self) -> float:
        """Coefficient of 1/n^2 in the optimism."""
        return (-3.0 * self.T1 + 3.0 * self.T2 - self.T3) / 6.0

    @property
    def rev2(self) -> float:
        """Coefficient of 1/n^2 in the reverse risk."""
        return (-4.0 * self.T1 + 3.0 * self.T2 - self.T3) / 24.0

    @property
    def mc_se(self) -> dict[str, float]:
        """Monte-Carlo standard errors by name (``T0 T1 T2 T3 a1 a2``), empty if nothing is simulated."""
        if self.mc_cov is None:
            return {}
        return {name: self._mc_error(weights) for name, weights in _COMBINATIONS.items()}

    def risk_mc_se(self, n: float, order: int = 2) -> float | None:
        """Return the Monte-Carlo standard error of the estimation risk.

        Parameters
        ----------
        n : float
            Sample size.
        order : {1, 2}
            Terms of the expansion kept.

        Returns
        -------
        float or None
            Nats; None if nothing is simulated.
        """
        if self.mc_cov is None:
            return None
        first, second = _COMBINATIONS["a1"], _COMBINATIONS["a2"]
        return self._mc_error(
            tuple(a / n + (b / n**2 if order == 2 else 0.0) for a, b in zip(first, second, strict=True))
        )

    def _mc_error(self, weights: Sequence[float]) -> float:
        # Terms that the order leaves out may be nan and have weight 0.
        cov, used = self.mc_cov, [k for k, w in enumerate(weights) if w]
        assert cov is not None
        total = sum(weights[i] * weights[j] * float(cov[i, j]) for i in used for j in used)
        return float(max(total, 0.0) ** 0.5)

    def _title(self) -> str:
        return "Risk terms"

    def _scalars(self) -> dict[str, Cell]:
        found = super()._scalars()
        found.pop("mc_cov", None)  # shown as standard errors
        found |= {"a1": self.a1, "a2": self.a2, "opt2": self.opt2, "rev2": self.rev2}
        return {**found, **{f"{name}_mc_se": value for name, value in self.mc_se.items()}}

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots import draw_risk_curves

        if not 0.0 < self.T0 < float("inf"):
            raise InputTypeError(f"RiskTerms with T0 = {self.T0:g} has no figure: the axes are logarithmic")
        draw_risk_curves(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class InformationProjection(Result):
    """The member of a family closest to the data in Kullback-Leibler divergence.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Natural parameter (the maximum-likelihood estimate for data).
    eta : ndarray of shape (p,)
        Mean of the statistics that theta reproduces.
    cov : ndarray of shape (p, p)
        Covariance of the statistics under the model (Fisher information in theta).
    log_partition : float
        Psi(theta), nats.
    n_iter : int
        Newton steps (0 for closed forms).
    decrement : float
        Squared Newton decrement at theta; half of it is the KL divergence left.
    converged : bool
        Whether the tolerance was met.
    method : str
        ``"closed form"``, ``"newton"`` or ``"Monte-Carlo Newton"``.
    mc_error : float or None
        Monte-Carlo error of theta (root mean square of its Euclidean length); None where nothing
        is simulated.
    theta_mc_se : ndarray of shape (p,) or None
        Monte-Carlo standard error of each parameter.
    sampler : SamplerReport or None
        How the model was simulated.
    family : str
        The family in words.
    labels : tuple of str
        One label per statistic.
    """

    theta: FloatArray
    eta: FloatArray
    cov: FloatArray
    log_partition: float
    n_iter: int
    decrement: float
    converged: bool
    method: str
    mc_error: float | None = None
    family: str = ""
    labels: tuple[str, ...] = ()
    theta_mc_se: FloatArray | None = None
    sampler: SamplerReport | None = None

    _headline = ("family", "method", "n_iter", "converged", "decrement")

    def _title(self) -> str:
        return f"Information projection on the {self.family} family"

    def _sections(self) -> Sequence[Section]:
        facts: list[list[Cell]] = [
            ["Parameters p", len(self.theta)],
            ["Method", self.method],
            ["Newton steps", self.n_iter],
            ["Squared Newton decrement", self.decrement],
            ["Log-partition function (nats)", self.log_partition],
            ["Converged", self.converged],
        ]
        rows: list[list[Cell]] = [
            [label, float(t), float(e)]
            for label, t, e in zip(self._names(), self.theta, self.eta, strict=True)
        ]
        if self.theta_mc_se is None or self.sampler is None:
            return [Section(facts), Section(rows, ("statistic", "theta", "mean eta"))]
        facts += [
            ["Draws", self.sampler.n_draws],
            ["Largest split R-hat", self.sampler.rhat],
            ["Smallest effective size", self.sampler.effective_size],
        ]
        for row, error in zip(rows, self.theta_mc_se, strict=True):
            row.insert(2, float(error))
        return [Section(facts), Section(rows, ("statistic", "theta", "Monte-Carlo s.e.", "mean eta"))]

    def _names(self) -> Sequence[str]:
        return self.labels or tuple(f"statistic {k + 1}" for k in range(len(self.theta)))

    def to_frame(self) -> Any:
        """Return one row per statistic: ``statistic theta eta`` (and ``theta_mc_se`` if simulated).

        Returns
        -------
        DataFrame
            Labels, natural parameters and means.
        """
        import pandas as pd

        frame = pd.DataFrame({"statistic": list(self._names()), "theta": self.theta, "eta": self.eta})
        return frame if self.theta_mc_se is None else frame.assign(theta_mc_se=self.theta_mc_se)


@dataclass(frozen=True, eq=False, repr=False)
class Misfit(Result):
    """How far the fitted model is from the data, as a test.

    Attributes
    ----------
    name : str
        Name of the test.
    value : float or None
        Statistic.
    df : int or None
        Degrees of freedom of its chi-squared limit.
    p_value : float or None
        Tail probability under the model; None if the model is saturated (df = 0) or the rows are too
        few for a test.
    """

    name: str
    value: float | None
    df: int | None
    p_value: float | None

    def _title(self) -> str:
        return "Misfit"


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapResult(Result):
    """Bootstrap of the criterion over rows.

    Attributes
    ----------
    intervals : mapping of str to (float, float)
        ``T0 risk1 n_required_order1`` and, with order 2, ``risk2 n_required_order2``.
    interval_method : str
        ``"bootstrap-t"`` or ``"percentile"``.
    confidence_level : float
        Nominal two-sided level.
    n_resamples : int
        Resamples drawn.
    n_boundary : int
        Resamples without an estimate (boundary); they count as failures.
    pass_fraction : float
        Fraction of resamples that pass; not a probability that the criterion holds.
    terms : ndarray of shape (B, 4)
        T0..T3 of the resamples that have an estimate (nan columns with order 1).
    T0_se : ndarray of shape (B,)
        Standard error of T0 in each of them.
    seed : int or str
        Pass it as `rng` to draw the same resamples again.
    """

    intervals: dict[str, tuple[float, float]]
    interval_method: str
    confidence_level: float
    n_resamples: int
    n_boundary: int
    pass_fraction: float
    terms: FloatArray
    T0_se: FloatArray
    seed: int | str

    _headline = ("interval_method", "confidence_level", "n_resamples", "n_boundary", "pass_fraction")

    def _title(self) -> str:
        return f"Bootstrap ({self.n_resamples} resamples, {self.interval_method})"

    def to_frame(self) -> Any:
        """Return one row per quantity: ``quantity low high``.

        Returns
        -------
        DataFrame
            Interval ends.
        """
        import pandas as pd

        rows = [(name, low, high) for name, (low, high) in self.intervals.items()]
        return pd.DataFrame(rows, columns=["quantity", "low", "high"])

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [[name, low, high] for name, (low, high) in self.intervals.items()]
        return [Section(rows, ("quantity", "low", "high"))]


@dataclass(frozen=True, eq=False, repr=False)
class InformationCriteria(Result):
    """Information criteria of a fitted family (lower is better).

    Attributes
    ----------
    aic : float
        ``-2 loglik + 2 p``; nan, like the next three, where `reason` says why there is none.
    tic : float
        ``-2 loglik + 2 T0``.
    tic2 : float
        ``-2 loglik + 2 (T0 + opt2/n)``.
    loglik : float
        Total log-likelihood, nats.
    n : float
        Sample size.
    p : int
        Number of parameters.
    family : str
        The family in words.
    reason : str
        Why the criteria are unavailable; empty if they are not.
    loglik_mc_se : float or None
        Monte-Carlo standard error of `loglik` where the normalising constant is simulated.
    """

    aic: float
    tic: float
    tic2: float
    loglik: float
    n: float
    p: int
    family: str = ""
    reason: str = ""
    loglik_mc_se: float | None = None

    def _title(self) -> str:
        return f"Information criteria: {self.family}"

    def _scalars(self) -> dict[str, Cell]:
        found = super()._scalars()
        if not self.reason:
            found.pop("reason")
        if self.loglik_mc_se is None:
            found.pop("loglik_mc_se")
        return found

    def _notes(self) -> Sequence[str]:
        return [f"Unavailable: {self.reason}."] if self.reason else []


@dataclass(frozen=True, eq=False, repr=False)
class SampleSizePlan(Result):
    """Rows needed for the p-n criterion.

    Attributes
    ----------
    n_required_order1 : int
        From the first-order risk.
    n_required_order2 : int or None
        From both orders; None when only p is known.
    flags : tuple of str
        Cautions, see the p-n criterion.
    alpha, threshold : float
        Tolerated loss of Bayes error and the KL threshold ``8 alpha^2``.
    p : int
        Number of parameters.
    """

    n_required_order1: int
    n_required_order2: int | None
    flags: tuple[str, ...]
    alpha: float
    threshold: float
    p: int

    def _title(self) -> str:
        return "Sample size for the p-n criterion"


@dataclass(frozen=True, eq=False, repr=False)
class ExactRisk(Result):
    """Exact risks at finite sample sizes.

    Attributes
    ----------
    risk : float or ndarray
        ``E KL(projection || estimate)``, nats, elementwise in n.
    reverse_risk : float or ndarray
        ``E KL(estimate || projection)``, nats.
    optimism : float or ndarray
        Their sum.
    n : float or ndarray
        Sample sizes.
    excluded : float or ndarray
        Probability of a boundary estimate; the risks are conditional on its absence.
    """

    risk: float | FloatArray
    reverse_risk: float | FloatArray
    optimism: float | FloatArray
    n: float | FloatArray
    excluded: float | FloatArray = 0.0

    def _title(self) -> str:
        return "Exact risk"

    def to_frame(self) -> Any:
        """Return one row per sample size: ``n risk reverse_risk optimism excluded``.

        Returns
        -------
        DataFrame
            The risks.
        """
        import numpy as np
        import pandas as pd

        names = ("n", "risk", "reverse_risk", "optimism", "excluded")
        size = np.size(self.n)
        return pd.DataFrame({k: np.broadcast_to(np.ravel(getattr(self, k)), size) for k in names})

    def _sections(self) -> Sequence[Section]:
        frame = self.to_frame()
        return [Section([list(row) for row in frame.itertuples(index=False)], tuple(frame.columns))]
