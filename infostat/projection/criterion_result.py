"""Result of the p-n criterion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray
from .results import BootstrapResult, Misfit, RiskTerms
from .sampler_result import SamplerReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PNCriterion"]


@dataclass(frozen=True, eq=False, repr=False)
class PNCriterion(Result):
    """The p-n criterion of a data set: verdict, risk, uncertainty.

    Attributes
    ----------
    n : float
        Sample size (rows, or `n_effective`).
    p : int
        Number of parameters.
    alpha : float
        Tolerated loss of Bayes error.
    threshold : float
        ``8 alpha^2``, nats.
    terms : RiskTerms
        T0..T3 with a1, a2.
    risk1 : float
        ``a1/n``, nats.
    risk2 : float or None
        ``a1/n + a2/n^2``, nats, raw formula.
    verdict : str
        ``"sufficient"``, ``"insufficient"``, ``"borderline"`` or ``"unreliable"``, from the
        risk of the requested order.
    verdict_order1 : str
        Plain comparison of `risk1` with the threshold.
    alpha_attained : float
        ``sqrt(risk/8)`` of the requested order.
    bayes_error_floor : float
        Lower bound of the expected Bayes error at that risk.
    n_required_order1 : int
        Rows at which the first-order risk meets the threshold.
    n_required_order2 : int or None
        The same with both orders.
    validity_ratio : float or None
        ``|a2|/(n a1)``; above 0.5 the expansion is doubtful, above 1 unusable.
    misspecification_ratio : float
        ``T0/p``; 1 if the model is right.
    flags : tuple of str
        Cautions (see the documentation page).
    bootstrap : BootstrapResult or None
        Intervals.
    misfit : Misfit
        Test of the model against the data.
    interpretation : str
        What it means, in sentences.
    order : int
        Requested order.
    family : str
        The family in words.
    columns : tuple of str
        Columns analysed.
    theta : ndarray of shape (p,)
        Fitted natural parameter.
    ddof : int
        Divisor ``n - ddof`` of the data covariance.
    moments : str
        Convention for the moments.
    bias_correction : str or None
        Correction applied to T0.
    heavy_rows : tuple of int
        Rows that carry a large share of T0 or T1.
    source : str
        Where the data came from.
    risk1_mc_se, risk2_mc_se : float or None
        Monte-Carlo standard errors of the risks where the model is simulated, or where T1 of a stream
        comes from a subsample of rows; the data being fixed.
    sampler : SamplerReport or None
        How the model was simulated.
    """

    n: float
    p: int
    alpha: float
    threshold: float
    terms: RiskTerms
    risk1: float
    risk2: float | None
    verdict: str
    verdict_order1: str
    alpha_attained: float
    bayes_error_floor: float
    n_required_order1: int
    n_required_order2: int | None
    validity_ratio: float | None
    misspecification_ratio: float
    flags: tuple[str, ...]
    bootstrap: BootstrapResult | None
    misfit: Misfit
    interpretation: str
    order: int = 2
    family: str = ""
    columns: tuple[str, ...] = ()
    theta: FloatArray | None = None
    ddof: int = 1
    moments: str = "published"
    bias_correction: str | None = None
    heavy_rows: tuple[int, ...] = ()
    source: str = "data"
    risk1_mc_se: float | None = None
    risk2_mc_se: float | None = None
    sampler: SamplerReport | None = None

    _headline = ("verdict", "n", "p", "risk1", "risk2", "threshold")

    def _title(self) -> str:
        return f"p-n criterion: {self.family}"

    def _settings(self) -> dict[str, Cell]:
        found: dict[str, Cell] = {
            "data": self.source,
            "columns": ", ".join(self.columns),
            "family": self.family,
            "alpha": self.alpha,
            "order": self.order,
            "divisor of the covariance": f"n - {self.ddof}" if self.ddof else "n",
            "moments": self.moments,
            "bias correction": self.bias_correction or "none",
        }
        if self.bootstrap is not None:
            found["bootstrap resamples"] = self.bootstrap.n_resamples
            found["interval"] = (
                f"{self.bootstrap.interval_method}, {100 * self.bootstrap.confidence_level:g} %"
            )
            found["seed"] = str(self.bootstrap.seed)
        if self.sampler is not None:
            found["draws of the model"] = f"{self.sampler.n_draws} in {self.sampler.n_chains} chains"
            found["seed of the draws"] = str(self.sampler.seed)
        return found

    def _sections(self) -> Sequence[Section]:
        from .wording import criterion_sections

        return criterion_sections(self)

    def _notes(self) -> Sequence[str]:
        from .wording import flag_sentences

        return [self.interpretation, *flag_sentences(self)]

    def _scalars(self) -> dict[str, Cell]:
        found = super()._scalars()
        for name in ("interpretation", "source"):
            found.pop(name, None)
        for name in ("risk1_mc_se", "risk2_mc_se", "sampler"):
            if getattr(self, name) is None:
                found.pop(name, None)
        return found

    def to_frame(self) -> Any:
        """Return one row with every number of the criterion.

        Returns
        -------
        DataFrame
            ``n p alpha threshold T0 T1 T2 T3 risk1 risk2 ...``, interval ends as
            ``T0_low``, ``T0_high``, ..., and the misfit test.
        """
        import pandas as pd

        row: dict[str, Cell] = {"family": self.family, **self._scalars()}
        row |= {name: getattr(self.terms, name) for name in ("T0", "T1", "T2", "T3", "a1", "a2")}
        row["T0_se"] = self.terms.T0_se
        row |= {f"{name}_mc_se": value for name, value in self.terms.mc_se.items()}
        if self.sampler is not None:
            row |= {name: getattr(self.sampler, name) for name in ("n_draws", "rhat", "effective_size")}
        if self.bootstrap is not None:
            for name, (low, high) in self.bootstrap.intervals.items():
                row[f"{name}_low"], row[f"{name}_high"] = low, high
            row["pass_fraction"] = self.bootstrap.pass_fraction
            row["n_boundary"] = self.bootstrap.n_boundary
        row |= {f"misfit_{k}": getattr(self.misfit, k) for k in ("name", "value", "df", "p_value")}
        row["flags"] = " ".join(self.flags)
        return pd.DataFrame([row])

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots import draw_criterion

        draw_criterion(ax, self, **kwargs)
