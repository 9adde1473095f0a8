"""Results of the general toolkit: PAC-Bayes bounds, the Gaussian-mean example, noisy gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tables import Cell, Section
from ..core.validation import FloatArray
from ..core.words import frame_section
from .labelled import _Labelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["GaussianMeanExample", "NoisySgdInformation", "PacBayesBound"]

_MOST_ROWS = 20


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PacBayesBound(_Labelled):
    """Upper bound of the true risk of a randomised predictor, valid with probability at least 1 - delta.

    Attributes
    ----------
    value : float or ndarray
        Bound of the true risk, in the unit of the loss, at most 1.
    nature : str
        ``"bound"``.
    assumptions : tuple of str
        What has to hold for the number to be what it says.
    vacuous : bool or ndarray of bool
        True where `value` is 1.
    sense : str
        ``"probability"``.
    raw : float or ndarray
        The formula before it is cut at 1; inf where the divergence is.
    method : str
        ``"mcallester"``, ``"seeger"``, ``"seeger_exact_xi"``, ``"catoni"`` or ``"thiemann"``.
    emp : float or ndarray
        Empirical risk of the randomised predictor, in [0, 1].
    kl : float or ndarray
        KL divergence of the posterior from the prior, nats.
    n : float or ndarray
        Sample size.
    delta : float or ndarray
        Confidence parameter.
    tuning : float, ndarray or None
        Catoni's C (of a grid, the best one) or Thiemann's lambda; None for the other methods.
    tried : int
        Number of C over which a union bound is taken; 1 without a grid.
    interpretation : str
        A sentence that says what it means.
    """

    raw: float | FloatArray
    method: str
    emp: float | FloatArray
    kl: float | FloatArray
    n: float | FloatArray
    delta: float | FloatArray
    tuning: float | FloatArray | None = None
    tried: int = 1
    interpretation: str = ""

    _headline = ("value", "method", "nature", "sense", "vacuous")

    def _title(self) -> str:
        return f"PAC-Bayes bound ({self.method.replace('_', ' ')})"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per value.

        Returns
        -------
        DataFrame
            ``emp kl n delta value raw vacuous``, and ``tuning`` where the method has one.
        """
        names = ["emp", "kl", "n", "delta", "value", "raw", "vacuous"]
        return _rows(self, names + (["tuning"] if self.tuning is not None else []))

    def _sections(self) -> Sequence[Section]:
        if np.ndim(self.value):
            return [Section(self._label_rows()), frame_section(self.to_frame(), most=_MOST_ROWS)]
        rows: list[list[Cell]] = [
            ["Bounds", "true risk of the randomised predictor"],
            ["Value", float(self.value)],
            *self._label_rows(),
            ["Empirical risk", self.emp],  # type: ignore[list-item]
            ["KL to the prior (nats)", self.kl],  # type: ignore[list-item]
            ["Sample size", int(self.n)],
            ["Confidence", 1.0 - self.delta],  # type: ignore[list-item]
        ]
        if self.tuning is not None:
            rows.append(["C" if self.method == "catoni" else "lambda", self.tuning])  # type: ignore[list-item]
        return [Section(rows)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_toolkit import draw_pac_bayes

        draw_pac_bayes(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GaussianMeanExample(_Labelled):
    """The empirical mean of normal data under squared loss: exact gap and two bounds of it.

    Attributes
    ----------
    value : float or ndarray
        The exact gap (the same as `gap`), squared units of the data.
    nature : str
        ``"exact"``; the two fields named ``bound`` are bounds.
    assumptions : tuple of str
        What has to hold for the numbers to be what they say.
    vacuous : bool or ndarray of bool
        False.
    sense : str
        ``"expectation"``.
    mi_individual : float or ndarray
        ``I(Z_i; W) = (d/2) log(n/(n-1))``, nats; inf at n = 1.
    gap : float or ndarray
        ``2 sigma2 d/n``.
    bound_quadratic : float or ndarray
        ``a d sqrt(2 log(n/(n-1)))`` with ``a = sigma2 (1 + 1/n)``.
    bound_cgf : float or ndarray
        ``inf over t of (I + psi(t))/t``.
    n, d : float or ndarray
        Sample size and dimension.
    sigma2 : float or ndarray
        Variance of each coordinate.
    interpretation : str
        A sentence that says what it means.
    """

    mi_individual: float | FloatArray
    gap: float | FloatArray
    bound_quadratic: float | FloatArray
    bound_cgf: float | FloatArray
    n: float | FloatArray
    d: float | FloatArray
    sigma2: float | FloatArray
    interpretation: str = ""

    _headline = ("gap", "mi_individual", "bound_quadratic", "bound_cgf")

    def _title(self) -> str:
        return "Mean of normal data under squared loss"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per setting.

        Returns
        -------
        DataFrame
            ``n d sigma2 mi_individual gap bound_quadratic bound_cgf``.
        """
        return _rows(self, ["n", "d", "sigma2", "mi_individual", "gap", "bound_quadratic", "bound_cgf"])

    def _sections(self) -> Sequence[Section]:
        return [frame_section(self.to_frame(), most=_MOST_ROWS)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_toolkit import draw_gaussian_mean

        draw_gaussian_mean(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NoisySgdInformation(_Labelled):
    """Bound of the information that noisy gradient descent stores about its sample.

    Attributes
    ----------
    value : float
        Bound of ``I(S; W_T)``, nats.
    nature : str
        ``"bound"``.
    assumptions : tuple of str
        What has to hold for the number to be what it says.
    vacuous : bool or ndarray of bool
        Whether the value is infinite.
    sense : str
        Empty: an inequality between two numbers, with no randomness left.
    loose : float
        The simpler, larger bound ``sum of lr^2 L^2/(2 noise_std^2)``, nats.
    per_step : ndarray
        Terms of `value`, nats.
    d : int
        Number of parameters.
    interpretation : str
        A sentence that says what it means.
    """

    loose: float
    per_step: FloatArray
    d: int
    interpretation: str = ""

    _headline = ("value", "loose", "nature", "d")

    def _title(self) -> str:
        return "Information stored by noisy gradient descent"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per step.

        Returns
        -------
        DataFrame
            ``step information cumulative``, nats.
        """
        import pandas as pd

        steps = np.arange(1, len(self.per_step) + 1)
        return pd.DataFrame({"step": steps, "information": self.per_step, "cumulative": np.cumsum(self.per_step)})

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            ["Bounds", "mutual information of sample and weights (nats)"],
            ["Value", float(self.value)],
            ["Looser form", self.loose],
            *self._label_rows(),
            ["Steps", len(self.per_step)],
            ["Parameters", self.d],
        ]
        return [Section(rows)]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .plots_toolkit import draw_noisy_sgd

        draw_noisy_sgd(ax, self, **kwargs)


def _rows(result: _Labelled, names: Sequence[str]) -> pd.DataFrame:
    """Fields of one broadcast shape as columns."""
    import pandas as pd

    arrays = np.broadcast_arrays(*(np.asarray(getattr(result, name)) for name in names))
    return pd.DataFrame({name: np.ravel(item) for name, item in zip(names, arrays, strict=True)})
