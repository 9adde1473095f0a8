"""Result of the estimation risk of a general parametric model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SandwichRisk"]


@dataclass(frozen=True, eq=False, repr=False)
class SandwichRisk(Result):
    """Estimation risk of a general, possibly misspecified parametric model.

    Attributes
    ----------
    J : ndarray of shape (p, p)
        Minus the mean Hessian of the log density under the data.
    K : ndarray of shape (p, p)
        Mean outer product of the score under the data.
    I : ndarray of shape (p, p)
        Fisher information of the model, per observation.
    T0 : float
        ``tr(I J^-1 K J^-1)``; p if the model is right.
    tic_trace : float
        ``tr(J^-1 K)``, the penalty of Takeuchi's criterion; another number than `T0` in general.
    a1 : float
        ``T0/2``, coefficient of 1/n in the risk.
    a2 : float or None
        Coefficient of 1/n^2 in the risk; this and the next five are None with order 1.
    a2_skew : float or None
        Part of `a2` that comes from the third cumulants of the data.
    excess2 : float or None
        Coefficient of 1/n^2 in the excess loss ``E_g log p(projection) - E E_g log p(estimate)``.
    rev2 : float or None
        Coefficient of 1/n^2 in the reverse risk.
    opt2 : float or None
        Coefficient of 1/n^2 in the optimism; that of 1/n is `tic_trace`.
    mle_bias : ndarray of shape (p,) or None
        Leading bias of the estimate, times n.
    validity_ratio : float or None
        ``|a2|/(n a1)``; above 0.5 the expansion is doubtful, above 1 unusable.
    numerical_error : float
        Change of `a2` (of `a1` with order 1) when the steps of the differences are doubled; 0 if nothing is
        differenced.
    n : float or None
        Sample size; None for a population.
    p : int
        Number of parameters.
    order : int
        Requested order.
    alpha, threshold : float
        Tolerated loss of Bayes error, and ``8 alpha^2`` in nats.
    risk1, risk2 : float or None
        ``a1/n`` and ``a1/n + a2/n^2``, nats, raw formulas.
    verdict : str or None
        ``"sufficient"``, ``"insufficient"``, ``"borderline"`` (the Monte-Carlo error decides) or
        ``"unreliable"``; None for a population without a sample size.
    verdict_order1 : str or None
        Plain comparison of `risk1` with the threshold.
    alpha_attained : float or None
        ``sqrt(risk/8)`` of the requested order.
    bayes_error_floor : float or None
        Lower bound of the expected Bayes error at that risk.
    n_required_order1 : int
        Rows at which the first-order risk meets the threshold.
    n_required_order2 : int or None
        The same with both orders.
    misspecification_ratio : float
        ``T0/p``; 1 if the model is right.
    a1_se, a2_se : float or None
        Monte-Carlo standard errors where the model's expectations were simulated; not sampling errors.
    loglik : float or None
        Total log-likelihood of the data; None for a population.
    flags : tuple of str
        Cautions (see the documentation page).
    interpretation : str
        What it means, in sentences.
    theta : ndarray of shape (p,)
        The estimate, or the projection of a population.
    labels : tuple of str
        Names of the parameters.
    model : str
        The model in words.
    derivatives : str
        ``"analytic"``, ``"differences of the Hessian"`` or ``"differences of the log density"``.
    model_nodes : str
        Where expectations under the model were taken.
    heavy_rows : tuple of int
        Rows that carry a large share of `a1` or of `a2_skew`.
    seed : int, str or None
        Pass it as `rng` to draw the same nodes again; None if nothing was drawn.
    """

    J: FloatArray
    K: FloatArray
    I: FloatArray  # noqa: E741 - its name in every textbook
    T0: float
    tic_trace: float
    a1: float
    a2: float | None
    a2_skew: float | None
    excess2: float | None
    rev2: float | None
    opt2: float | None
    mle_bias: FloatArray | None
    validity_ratio: float | None
    numerical_error: float
    n: float | None
    p: int
    order: int
    alpha: float
    threshold: float
    risk1: float | None
    risk2: float | None
    verdict: str | None
    verdict_order1: str | None
    alpha_attained: float | None
    bayes_error_floor: float | None
    n_required_order1: int
    n_required_order2: int | None
    misspecification_ratio: float
    a1_se: float | None
    a2_se: float | None
    loglik: float | None
    flags: tuple[str, ...]
    interpretation: str
    theta: FloatArray
    labels: tuple[str, ...]
    model: str
    derivatives: str
    model_nodes: str
    heavy_rows: tuple[int, ...]
    seed: int | str | None = None

    _headline = ("verdict", "n", "p", "T0", "a2", "risk1", "risk2", "threshold")

    @property
    def tic(self) -> float | None:
        """Takeuchi's criterion ``-2 loglik + 2 tr(J^-1 K)``."""
        return None if self.loglik is None else -2.0 * self.loglik + 2.0 * self.tic_trace

    @property
    def tic2(self) -> float | None:
        """The same with the optimism to second order, ``-2 loglik + 2 (tr(J^-1 K) + opt2/n)``."""
        if self.tic is None or self.opt2 is None or self.n is None:
            return None
        return self.tic + 2.0 * self.opt2 / self.n

    def _title(self) -> str:
        return f"Estimation risk: {self.model}"

    def _settings(self) -> dict[str, Cell]:
        return {
            "alpha": self.alpha,
            "order": self.order,
            "derivatives": self.derivatives,
            "expectations under the model": self.model_nodes,
            "seed": "none" if self.seed is None else str(self.seed),
        }

    def _sections(self) -> Sequence[Section]:
        from .sandwich_wording import sandwich_sections

        return sandwich_sections(self)

    def _notes(self) -> Sequence[str]:
        from .sandwich_wording import flag_sentences

        return [self.interpretation, *flag_sentences(self)]

    def _scalars(self) -> dict[str, Cell]:
        found = super()._scalars()
        found.pop("interpretation", None)
        return found

    def to_frame(self) -> Any:
        """Return one row with every number of the result.

        Returns
        -------
        DataFrame
            Scalar fields, ``tic``, ``tic2`` and the flags; matrices are attributes of the result.
        """
        import pandas as pd

        row: dict[str, Cell] = {**self._scalars(), "tic": self.tic, "tic2": self.tic2}
        row["flags"] = " ".join(self.flags)
        return pd.DataFrame([row])

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_sandwich import draw_sandwich

        draw_sandwich(ax, self, **kwargs)
