"""Result of `diagnose_bandwidth`: what a density estimate rests on, query by query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.results import Result
from ..core.tables import Cell, Section, caution, format_cell
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PER_QUERY", "BandwidthDiagnosis", "flag_sentence", "interpret"]

PER_QUERY = (
    "participation_ratio",
    "n_eff",
    "max_weight",
    "weight_entropy",
    "log_density",
    "nn_distance",
    "half_ratio",
    "mu_hat",
)

_LABELS = {
    "participation_ratio": "participation ratio Y2",
    "n_eff": "effective points 1/Y2",
    "max_weight": "largest share of one point",
    "weight_entropy": "entropy of the shares (nats)",
    "log_density": "log density (nats)",
    "nn_distance": "nearest neighbour / sqrt(d)",
    "half_ratio": "|log ratio| of two halves",
    "mu_hat": "slope index mu",
}

_FLAGS = {
    "mixed": (
        "Less than 80 % of the queries are in one regime: a single bandwidth averages over many points in dense parts "
        "and rests on a few points elsewhere. Look at the distribution of mu, not only at its mean."
    ),
    "local_model": (
        "The slope model does not describe these neighbours: the participation ratio it expects and the one measured "
        "differ by more than 0.05 (ties, clumps of near-copies, or a bandwidth on another scale than the neighbours). "
        "Trust the measured participation ratio; read mu with care."
    ),
    "finite_size": (
        "At this n and d the expected participation ratio is far from its limit max(0, 1 - mu): the lines 1 and 2 "
        "separate regimes only in large dimension, here everything changes smoothly in mu."
    ),
    "ties": (
        "More than 10 % of the spacings between neighbour distances are zero: the data lie on a lattice or are "
        "rounded. The index mu assumes continuous data."
    ),
    "too_few_rows": "The slope index needs at least 120 distinct rows; the regime cannot be judged.",
    "duplicates": (
        'Rows occur more than once. With duplicates="group" all copies of a point count as one point of larger mass '
        'and are left out together; with "drop" one copy is kept.'
    ),
    "scale_imbalance": (
        "Column variances are more than 100 times apart: one bandwidth for all columns is decided by the widest ones. "
        "Standardise the columns first."
    ),
    "constant_columns": "Constant columns do not count in d, alpha and the distance per dimension.",
    "queries_on_data": (
        "Some queries equal rows of X and include them: their participation ratio is large for that reason alone. "
        "Leave queries out (None) for leave-one-out at the rows of X. The slopes leave the equal row out."
    ),
    "uneven_weights": (
        "The points differ much in weight. Density, participation ratio and halves use them; the slope index "
        "describes the points as they were drawn, without weights, and the expected participation ratio takes them as "
        "equal."
    ),
    "not_converged": "A fit of the slopes did not converge; read mu with care.",
}


def flag_sentence(flag: str) -> str:
    """Return the sentence that explains a flag.

    Parameters
    ----------
    flag : str
        Word from `BandwidthDiagnosis.flags`.

    Returns
    -------
    str
        One or two sentences.

    Examples
    --------
    >>> flag_sentence("too_few_rows")
    'The slope index needs at least 120 distinct rows; the regime cannot be judged.'
    """
    return _FLAGS[flag]


def interpret(
    *,
    n: int,
    n_eff: float,
    half_ratio: float,
    mu: float,
    interval: tuple[float, float],
    expected: float,
    measured: float,
) -> str:
    """Return the sentences that say what the numbers of a diagnosis mean.

    Parameters
    ----------
    n : int
        Points.
    n_eff : float
        Effective number of points of a typical query.
    half_ratio : float
        Log ratio of the halves at a typical query.
    mu : float
        Mean slope index; nan where it cannot be estimated.
    interval : (float, float)
        Its interval.
    expected, measured : float
        Participation ratios.

    Returns
    -------
    str
        Two sentences.

    Examples
    --------
    >>> import textwrap
    >>> missing = float("nan")
    >>> text = interpret(
    ...     n=90, n_eff=4.2, half_ratio=0.5, mu=missing, interval=(0, 0), expected=missing, measured=0.3
    ... )
    >>> print(textwrap.fill(text, 90))
    At this bandwidth the density at a typical point rests on about 4.2 of 90 points; two
    halves of these data would disagree by a factor 1.65. With fewer than 120 distinct rows
    the slope index is not estimated and the regime cannot be judged; the data show a
    participation ratio of 0.3.
    """
    factor = math.exp(half_ratio) if half_ratio < 700.0 else math.inf
    apart = f"by a factor {factor:.3g}" if math.isfinite(factor) else "without bound"
    first = (
        f"At this bandwidth the density at a typical point rests on about {_count(n_eff)} of {n} points; two halves "
        f"of these data would disagree {apart}."
    )
    if math.isnan(mu):
        why = "With fewer than 120 distinct rows" if n < 120 else "Without spacings between neighbours"
        return (
            f"{first} {why} the slope index is not estimated and the regime cannot be judged; the data show a "
            f"participation ratio of {measured:.3g}."
        )
    low, high = interval
    return (
        f"{first} The finite-n slope index is mu = {mu:.3g} [{low:.3g}, {high:.3g}] (condensed below 1, normal above "
        f"2, in the limit of large dimension); at this n and d the model expects a participation ratio of "
        f"{expected:.3g}, the data show {measured:.3g}."
    )


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"


@dataclass(frozen=True, eq=False, repr=False)
class BandwidthDiagnosis(Result):
    """What a Gaussian kernel density estimate rests on at one bandwidth.

    Attributes
    ----------
    verdict : str
        ``"condensed"``, ``"stable"`` or ``"clt"`` where all of `mu_interval` is below 1, between 1
        and 2, above 2; otherwise ``"boundary"``, also where mu cannot be estimated (flag
        ``"too_few_rows"``).
    interpretation : str
        What that means, in sentences; a typical point is the median query.
    mu_bar : float
        Mean over the queries of the finite-n slope index ``2 h^2 b(x)``; nan if not estimated.
    mu_interval : (float, float)
        95 % interval for the exact finite-n slope index averaged over these queries, not for the
        asymptotic index; conservative in most settings tried.
    expected_participation : float
        Participation ratio Y that the fitted slopes lead to expect at this n.
    regime_shares : mapping of str to float
        Shares of the queries with mu_hat below 1, from 1 to 2, above 2.
    averages : mapping of str to float
        Means over the queries of the per-query fields.
    relative_se : float
        ``sqrt(mean Y2 - 1/n)``: relative standard error that a bootstrap of the density would
        report; too small below mu = 2.
    flags : tuple of str
        Cautions; the summary explains each.
    participation_ratio : ndarray of shape (m,)
        ``Y2 = sum p_i^2`` of the kernel weights p of the points at each query.
    n_eff : ndarray of shape (m,)
        ``1/Y2``, effective number of points.
    max_weight : ndarray of shape (m,)
        Largest p_i.
    weight_entropy : ndarray of shape (m,)
        ``-sum p_i log p_i``, nats.
    log_density : ndarray of shape (m,)
        Log of the density estimate, nats.
    nn_distance : ndarray of shape (m,)
        Distance to the nearest point over sqrt(d), in the unit of the data.
    half_ratio : ndarray of shape (m,)
        Median over random halvings of the data of ``|log rho_A(x) - log rho_B(x)|``.
    mu_hat : ndarray of shape (m,)
        Slope index at each query; nan if not estimated.
    exponent : ndarray of shape (m,)
        Fitted change s of log(1/b) with the log level; nan if not estimated.
    rows : ndarray of int of shape (m,)
        Row of X (leave-one-out) or of the queries.
    curve_mu : ndarray of shape (c,)
        Slope indices at which the expected participation ratio was computed (quantiles).
    curve_participation : ndarray of shape (c,)
        Expected participation ratio there.
    n : int
        Distinct points of positive weight.
    n_rows : int
        Rows of X.
    d : int
        Columns that vary.
    h : float
        Bandwidth (standard deviation of the kernel), in the unit of the data.
    alpha : float
        ``log n / d``.
    n_queries : int
        Queries.
    leave_one_out : bool
        Whether each query is a row of X, left out of its own density.
    n_spacings : int
        Neighbour spacings of each query in the fit, K; 0 if none.
    curvature : float
        Curvature q that the fit assumes; nan if none.
    mu_se : float
        Jackknife standard error of log mu_bar; nan if none.
    n_halvings : int
        Random halvings of the data.
    nature : str
        ``"estimate"``.
    """

    verdict: str
    interpretation: str
    mu_bar: float
    mu_interval: tuple[float, float]
    expected_participation: float
    regime_shares: dict[str, float]
    averages: dict[str, float]
    relative_se: float
    flags: tuple[str, ...]
    participation_ratio: FloatArray
    n_eff: FloatArray
    max_weight: FloatArray
    weight_entropy: FloatArray
    log_density: FloatArray
    nn_distance: FloatArray
    half_ratio: FloatArray
    mu_hat: FloatArray
    exponent: FloatArray
    rows: NDArray[np.int64]
    curve_mu: FloatArray
    curve_participation: FloatArray
    n: int
    n_rows: int
    d: int
    h: float
    alpha: float
    n_queries: int
    leave_one_out: bool
    n_spacings: int
    curvature: float
    mu_se: float
    n_halvings: int
    nature: str = "estimate"

    _headline = ("verdict", "mu_bar", "n", "d", "h", "n_queries")

    def _title(self) -> str:
        return f"Regime at bandwidth h = {format_cell(self.h)}"

    def _settings(self) -> dict[str, Cell]:
        return {"h": self.h, "halvings": self.n_halvings, "queries": self._kind_of_queries()}

    def _kind_of_queries(self) -> str:
        return "rows of X, each left out of its own density" if self.leave_one_out else "new points"

    def _sections(self) -> Sequence[Section]:
        shares = ", ".join(f"{100 * self.regime_shares[name]:.0f} %" for name in ("condensed", "stable", "clt"))
        facts: list[list[Cell]] = [
            ["Verdict", self.verdict],
            ["Points n", self.n],
            ["Columns that vary d", self.d],
            ["alpha = log(n)/d", self.alpha],
            ["Queries", f"{self.n_queries} {self._kind_of_queries()}"],
        ]
        if self.n_rows != self.n:
            facts.insert(2, ["Rows of X", self.n_rows])
        if not math.isnan(self.mu_bar):
            low, high = (format_cell(end) for end in self.mu_interval)
            facts += [
                ["Slope index mu, mean over queries", self.mu_bar],
                ["95 % interval of that mean", f"{low} to {high}"],
                ["Queries with mu < 1, 1 to 2, > 2", shares],
                ["Participation ratio expected at this n", self.expected_participation],
            ]
        facts += [
            ["Participation ratio measured", self.averages["participation_ratio"]],
            ["Relative standard error (bootstrap)", self.relative_se],
        ]
        rows: list[list[Cell]] = []
        for name in PER_QUERY:
            values = getattr(self, name)
            if np.isnan(values).all():
                continue
            # No interpolation: between two infinite values it would be undefined.
            low_q, median, high_q = np.quantile(values, [0.05, 0.5, 0.95], method="nearest")
            rows.append([_LABELS[name], self.averages[name], float(low_q), float(median), float(high_q)])
        return [Section(facts), Section(rows, ("over the queries", "mean", "5 %", "median", "95 %"))]

    def _notes(self) -> Sequence[str]:
        notes = [self.interpretation]
        if not math.isnan(self.mu_bar):
            notes += [
                "The interval is 95 % for the average over the queries, conservative in most settings tried, short for "
                "laws with two very unequal scales (0.85) and on lattice-like data (14 of 16). Its target is the exact "
                "finite-n slope averaged over the queries, not the asymptotic index.",
                "The verdict says how the estimate is made, not that the bandwidth is bad: at the best bandwidth for "
                "the Kullback-Leibler divergence it is typically condensed in large dimension, and with few columns "
                "and many rows that bandwidth has a large mu.",
            ]
        notes.append(
            "The bootstrap standard error is right for mu above 2, up to 26 % short between 1.3 and 2, and short by a "
            "factor 1.5 to 4 below 1; the ratio of two halves is usable in every regime."
        )
        return [*notes, *(caution(flag, flag_sentence(flag)) for flag in self.flags)]

    def to_frame(self) -> Any:
        """Return one row per query.

        Returns
        -------
        DataFrame
            ``row`` (of X or of the queries), then the per-query fields by name.
        """
        import pandas as pd

        return pd.DataFrame({"row": self.rows, **{name: getattr(self, name) for name in PER_QUERY}})

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .diagnosis_plots import draw_diagnosis

        draw_diagnosis(ax, self, **kwargs)
