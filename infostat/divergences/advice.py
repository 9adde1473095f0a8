"""Which estimator to use at this sample size and dimension, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import check_count, check_number

__all__ = ["Advice", "advise"]


@dataclass(frozen=True)
class _Rule:
    """One row of the table: how the error of a method behaves."""

    method: str
    rate: str
    use: str
    error: Callable[[int, int, float | None], float]
    fits: Callable[[int, int, float | None], bool]


def _root(n: int, d: int, value: float | None) -> float:
    return float(n**-0.5)


def _always(n: int, d: int, value: float | None) -> bool:
    return True


# Rates with constant 1: they rank methods, they do not bound an error.
_RULES = (
    _Rule(
        "Wasserstein plug-in (wasserstein_exact)",
        "n^(-1/d) from d = 3 on, n^(-1/2) below",
        "d <= 3, or data of low intrinsic dimension",
        lambda n, d, value: n ** (-1.0 / max(d, 2)),
        lambda n, d, value: d <= 3,
    ),
    _Rule(
        "sliced Wasserstein, energy distance, MMD",
        "n^(-1/2); the power of tests decays with d",
        "any d, comparing two samples",
        _root,
        _always,
    ),
    _Rule(
        "debiased Sinkhorn divergence (sinkhorn_divergence)",
        "n^(-1/2) times a factor exponential in 1/eps",
        "moderate d, eps about the median cost",
        _root,
        lambda n, d, value: d <= 50,
    ),
    _Rule(
        "nearest neighbours (entropy_knn, kl_knn, mi_ksg)",
        "n^(-2/d) bias, n^(-1/2) spread",
        "d <= 10, continuous data without ties",
        lambda n, d, value: max(n ** (-2.0 / d), n**-0.5),
        lambda n, d, value: d <= 10,
    ),
    _Rule(
        "kernel density plug-in (kl_kde)",
        "n^(-4/(4+d)) mean squared error",
        "d <= 4; infostat.density says what happens beyond",
        lambda n, d, value: n ** (-2.0 / (4.0 + d)),
        lambda n, d, value: d <= 4,
    ),
    _Rule(
        "Cauchy-Schwarz and HSIC at a fixed bandwidth",
        "n^(-1/2) for the smoothed target",
        "any d; the target changes with the bandwidth",
        _root,
        _always,
    ),
    _Rule(
        "density ratios and variational bounds (ratio_logistic, donsker_varadhan, nwj)",
        "variance about exp(KL)/n",
        "KL < log n, features that can express the log ratio",
        lambda n, d, value: math.sqrt(math.exp(min(700.0, 1.0 if value is None else value)) / n),
        lambda n, d, value: value is None or value < math.log(n),
    ),
    _Rule(
        "Gaussian plug-in (kl_gaussian of the sample moments)",
        "bias about d(d+3)/(4n)",
        "n much larger than d^2, data close to normal",
        lambda n, d, value: d * (d + 3) / (4.0 * n),
        lambda n, d, value: n >= 10 * d * d,
    ),
)


@dataclass(frozen=True, eq=False, repr=False)
class Advice(Result):
    """Methods ranked for a sample size and a dimension.

    Attributes
    ----------
    n : int
        Observations.
    d : int
        Dimension.
    table : DataFrame
        ``method rate error use recommended``, best error first among those recommended.
    value : float or None
        Size of the divergence the user expects, nats.
    nature : str
        ``"proxy"``: rates with constant 1, which rank methods and bound nothing.
    interpretation : str
        What the table says.
    """

    n: int
    d: int
    table: Any
    value: float | None
    nature: str
    interpretation: str

    _headline = ("n", "d", "nature")

    @property
    def columns(self) -> Any:
        """Column labels of the table."""
        return self.table.columns

    def __getitem__(self, column: str) -> Any:
        return self.table[column]

    def __len__(self) -> int:
        return len(self.table)

    def _title(self) -> str:
        return f"Estimators for n = {self.n}, d = {self.d}"

    def to_frame(self) -> Any:
        """Return the table.

        Returns
        -------
        DataFrame
            A copy.
        """
        return self.table.copy()

    def _sections(self) -> Sequence[Section]:
        rows: list[list[Cell]] = [
            [row.method, row.error, bool(row.recommended)] for row in self.table.itertuples(index=False)
        ]
        return [Section(rows, ("method", "error (proxy)", "recommended"))]

    def _notes(self) -> Sequence[str]:
        return [self.interpretation]


def advise(n: int, d: int, *, value: float | None = None) -> Advice:
    """Return which estimators suit a sample of n observations in d dimensions.

    Parameters
    ----------
    n : int
        Observations (of the smaller sample).
    d : int
        Dimension.
    value : float, optional
        Size of the divergence expected, nats; methods whose error exceeds it are not
        recommended, and the variance of ratio methods is taken at it (1 nat if None).

    Returns
    -------
    Advice
        Table with columns ``method rate error use recommended``.

    Raises
    ------
    InputError
        If n or d is not a positive integer, or the value is negative.

    Notes
    -----
    The errors are the textbook rates with constant 1. They rank methods; they
    bound nothing, and the result says so (``nature = "proxy"``).

    Examples
    --------
    >>> table = advise(2000, 20).to_frame()
    >>> table.loc[0, "method"], int(table["recommended"].sum())
    ('sliced Wasserstein, energy distance, MMD', 4)
    """
    import pandas as pd

    n, d = check_count("n", n, low=2, high=10**18), check_count("d", d, low=1, high=10**12)
    expected = None if value is None else check_number("value", value, low=0.0)
    rows = []
    for rule in _RULES:
        error = rule.error(n, d, expected)
        recommended = rule.fits(n, d, expected) and (expected is None or error <= expected)
        rows.append((rule.method, rule.rate, error, rule.use, recommended))
    table = pd.DataFrame(rows, columns=["method", "rate", "error", "use", "recommended"])
    table = table.sort_values(["recommended", "error"], ascending=[False, True], kind="stable")
    table = table.reset_index(drop=True)
    return Advice(n, d, table, expected, "proxy", _sentence(table, n, d))


def _sentence(table: Any, n: int, d: int) -> str:
    chosen = table.loc[table["recommended"], "method"].tolist()
    if not chosen:
        return f"No method of the table has an error below the value at n = {n}, d = {d}: more data are needed."
    return (
        f"At n = {n}, d = {d} the first choice is: {chosen[0]}. The errors are rates with constant 1: they "
        "rank methods and bound nothing."
    )
