"""What a data set tells the theory: its effective dimension, its spectrum, and the regimes that follow."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.chunk_rows import BlockRows
from ..core.chunk_store import as_rows
from ..core.errors import BandwidthWarning, DataError, InputError, Words, describe
from ..core.results import Result
from ..core.tables import Cell, Section
from ..core.validation import FloatArray, as_float_array
from .float_range import check_squares
from .regimes import regime_theory
from .theory_results import RegimeTheory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DataTheory", "EffectiveDimension", "effective_dimension", "sample_spectrum", "theory_from_data"]

_CHUNK_NUMBERS = 1 << 20  # numbers of one block of centred rows (8 MB)
_RANK_TOLERANCE = 1e-10  # eigenvalues below this share of the largest are rounding

# Coordinates whose squares, over variances within the floats, are floats.
_FARTHEST = 1e100


@dataclass(frozen=True, eq=False, repr=False)
class EffectiveDimension(Result):
    """Dimension and spectrum of a data set.

    Attributes
    ----------
    n : int
        Rows.
    d : int
        Columns that are not constant.
    d_eff : float
        ``(sum s)^2 / sum s^2`` of the eigenvalues; descriptive.
    alpha : float
        log(n)/d.
    alpha_eff : float
        log(n)/d_eff; descriptive.
    values : ndarray of shape (d,)
        Eigenvalues of the covariance, increasing, squared unit of the data.
    shrinkage : float
        Weight given to a multiple of the identity (Ledoit and Wolf); 0 unless d > n.
    dropped : tuple of int
        Positions of the constant columns.
    spectrum_note : str
        How the eigenvalues were estimated.
    """

    n: int
    d: int
    d_eff: float
    alpha: float
    alpha_eff: float
    values: FloatArray
    shrinkage: float
    dropped: tuple[int, ...]
    spectrum_note: str

    _headline = ("n", "d", "d_eff", "alpha", "alpha_eff")

    def to_frame(self) -> Any:
        """Return one row: ``n d d_eff alpha alpha_eff shrinkage n_dropped``.

        Returns
        -------
        DataFrame
            The numbers.
        """
        import pandas as pd

        names = ("n", "d", "d_eff", "alpha", "alpha_eff", "shrinkage")
        return pd.DataFrame([{**{k: getattr(self, k) for k in names}, "n_dropped": len(self.dropped)}])

    def _title(self) -> str:
        return "Dimension of the data"

    def _sections(self) -> Sequence[Section]:
        return [Section(_dimension_rows(self))]

    def _notes(self) -> Sequence[str]:
        return [self.spectrum_note]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        from .finite_plots import draw_spectrum

        draw_spectrum(ax, self, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class DataTheory(Result):
    """Limit of large dimension for Gaussian data with the covariance of a data set.

    Attributes
    ----------
    dimension : EffectiveDimension
        n, d, alpha and the eigenvalues that were used.
    theory : RegimeTheory
        Thresholds, best bandwidth and divergence, unit of the data.
    at : ndarray or None
        The query in data coordinates; None for a typical one.
    """

    dimension: EffectiveDimension
    theory: RegimeTheory
    at: FloatArray | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return self.dimension.n

    @property
    def d(self) -> int:
        """Columns that are not constant."""
        return self.dimension.d

    @property
    def d_eff(self) -> float:
        """Effective dimension (descriptive)."""
        return self.dimension.d_eff

    @property
    def alpha(self) -> float:
        """``log(n)/d``."""
        return self.dimension.alpha

    @property
    def alpha_eff(self) -> float:
        """``log(n)/d_eff`` (descriptive)."""
        return self.dimension.alpha_eff

    @property
    def spectrum_note(self) -> str:
        """How the eigenvalues were estimated."""
        return self.dimension.spectrum_note

    @property
    def interpretation(self) -> str:
        """What the theory says, and what it leaves out."""
        lead = "This is the limit of large dimension for Gaussian data with this covariance, not a measurement."
        return f"{lead} {self.theory.interpretation}"

    def to_frame(self) -> Any:
        """Return one row: the dimensions and the scalars of the theory.

        Returns
        -------
        DataFrame
            The numbers.
        """
        names = ("tau_c", "h_G", "h_CLT", "eps", "h_star", "mu_star", "kl_star", "alpha_effective")
        frame = self.dimension.to_frame()
        for name in names:
            value = getattr(self.theory, name)
            frame[name] = np.nan if value is None else value
        return frame

    def __repr__(self) -> str:
        t, e = self.theory, self.dimension
        best = "" if t.h_star is None else f", h_star={t.h_star:.6g}"
        return f"DataTheory(n={e.n}, d={e.d}, d_eff={e.d_eff:.4g}, h_G={t.h_G:.6g}, h_CLT={t.h_CLT:.6g}{best})"

    def _title(self) -> str:
        return "Regimes that the theory expects of these data"

    def _sections(self) -> Sequence[Section]:
        return [Section(_dimension_rows(self.dimension), title="Data"), *self.theory._sections()]

    def _notes(self) -> Sequence[str]:
        return [self.interpretation, self.dimension.spectrum_note]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        self.theory._draw(ax, **kwargs)


def _dimension_rows(e: EffectiveDimension) -> list[list[Cell]]:
    rows: list[list[Cell]] = [
        ["n", e.n],
        ["d", e.d],
        ["alpha = log(n)/d", e.alpha],
        ["Effective dimension d_eff", e.d_eff],
        ["log(n)/d_eff", e.alpha_eff],
    ]
    if e.dropped:
        rows.append(["Constant columns left out", len(e.dropped)])
    if e.shrinkage:
        rows.append(["Shrinkage", e.shrinkage])
    return rows


# --------------------------------------------------------------------------- public
def effective_dimension(X: Any) -> EffectiveDimension:
    """Return the dimension of a data set as the theory of large dimension sees it.

    Parameters
    ----------
    X : array_like, Series, DataFrame or path of shape (n, d)
        Rows are observations. Constant columns are left out.

    Returns
    -------
    EffectiveDimension
        ``n d d_eff alpha alpha_eff values``.

    Raises
    ------
    DataError
        If there are fewer than two rows, values are missing, or all columns are constant.

    Warns
    -----
    BandwidthWarning
        If constant columns are left out.

    Notes
    -----
    ``d_eff = (sum s)^2/sum s^2`` over the eigenvalues s of the covariance: d for equal ones, fewer the
    more they differ. It is descriptive only; the theory uses the whole spectrum. With more columns
    than rows the eigenvalues are those of the estimate of Ledoit and Wolf (2004), which pulls them
    towards their mean.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((2000, 10)) * np.arange(1, 11)
    >>> found = effective_dimension(X)
    >>> found.d, round(found.alpha, 3), round(found.d_eff, 1)
    (10, 0.76, 5.8)
    """
    return _measure(as_rows("X", X))[0]


def sample_spectrum(X: Any) -> tuple[FloatArray, FloatArray]:
    """Return the eigenvalues of the sample covariance, as the `spectrum` of the theory functions.

    Parameters
    ----------
    X : array_like, Series, DataFrame or path of shape (n, d)
        Rows are observations. Constant columns are left out.

    Returns
    -------
    values, weights : ndarray of shape (d,)
        Eigenvalues (denominator n - 1; shrunk if d > n) and equal weights.

    Raises
    ------
    DataError
        If there are fewer than two rows, values are missing, or all columns are constant.

    Warns
    -----
    BandwidthWarning
        If constant columns are left out.

    Examples
    --------
    >>> values, weights = sample_spectrum([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]])
    >>> values.round(6), weights
    (array([1.333333, 5.333333]), array([0.5, 0.5]))
    """
    values = effective_dimension(X).values
    return values, np.full(len(values), 1.0 / len(values))


def theory_from_data(X: Any, at: Any = None) -> DataTheory:
    """Return the regimes that the theory expects of Gaussian data with the covariance of X.

    Parameters
    ----------
    X : array_like, Series, DataFrame or path of shape (n, d)
        Rows are observations. Constant columns are left out.
    at : array_like of shape (d,), optional
        A query in data coordinates; None for a typical one.

    Returns
    -------
    DataTheory
        `dimension` and `theory`, whose bandwidths are in the unit of the data.

    Raises
    ------
    DataError
        If there are fewer than two rows, values are missing, or all columns are constant.
    InputError
        If `at` does not have one coordinate per column.

    Warns
    -----
    BandwidthWarning
        If columns are linear combinations of others (the data then have no density), or constant
        columns are left out.

    Notes
    -----
    A plug-in: the eigenvalues of the sample covariance go into the master equation of
    `regime_theory`, with the query rotated into the eigenbasis. It is right for Gaussian data in the
    limit of large dimension. What holds for the data themselves is measured by `diagnose_bandwidth`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((3000, 40))
    >>> plugged = theory_from_data(X)
    >>> from infostat.density.regimes import regime_theory
    >>> abs(plugged.theory.h_G - regime_theory(np.log(3000) / 40).h_G) < 0.02
    True
    """
    data = as_rows("X", X)
    query = None if at is None else _query(at, data.shape[1])
    dimension, mean, vectors = _measure(data, rotate=query is not None)
    if query is None:
        theory = regime_theory(dimension.alpha, spectrum=_grouped(dimension.values))
        return DataTheory(dimension, theory)
    kept = np.delete(query, dimension.dropped)
    assert vectors is not None
    coordinates = _rotate(kept - mean, vectors, dimension.d)
    theory = regime_theory(dimension.alpha, spectrum=dimension.values, at=coordinates)
    return DataTheory(dimension, theory, query)


def _grouped(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return distinct eigenvalues and their shares: shrunk spectra repeat one value many times."""
    distinct, counts = np.unique(values, return_counts=True)
    return distinct, counts / counts.sum()


def _query(at: Any, d: int) -> FloatArray:
    query = as_float_array("at", at).ravel()
    if len(query) != d:
        raise InputError(describe("at", f"one coordinate for each of the {d} columns of X", Words(f"{len(query)}")))
    largest = float(np.abs(query).max())
    if largest > _FARTHEST:
        raise InputError(describe("at", f"within {_FARTHEST:g} of the origin", Words(f"{largest:.3g}"), "rescale X"))
    return np.asarray(query)


def _rotate(centred: FloatArray, vectors: FloatArray, d: int) -> FloatArray:
    """Return coordinates in the eigenbasis, in the order of the increasing eigenvalues.

    `vectors` has one column per direction seen in the data; what lies outside them is spread
    evenly over the other directions, whose eigenvalues are equal and come first.
    """
    inside = vectors.T @ centred
    unseen = d - len(inside)
    if unseen == 0:
        return inside
    rest = max(float(centred @ centred - inside @ inside), 0.0)
    return np.concatenate([np.full(unseen, math.sqrt(rest / unseen)), inside])


# ------------------------------------------------------------------------ eigenvalues
def _measure(X: FloatArray, *, rotate: bool = False) -> tuple[EffectiveDimension, FloatArray, FloatArray | None]:
    """Return dimensions and spectrum, the mean of the kept columns and the eigenvectors if asked for."""
    check_squares("X", X, spread=True)
    constant = X.max(axis=0) == X.min(axis=0)
    dropped = tuple(int(k) for k in np.flatnonzero(constant))
    if len(dropped) == X.shape[1]:
        raise DataError("X must vary, got only constant columns; a density needs a direction in which rows differ")
    if dropped:
        said = f"constant columns ({len(dropped)}) are left out: they do not count in d, alpha and the spectrum"
        warnings.warn(said, BandwidthWarning, stacklevel=3)
        X = X[:, ~constant]
    n, d = X.shape
    mean = X.mean(axis=0)
    if d > n:
        values, vectors, shrinkage = _wide(X, mean, rotate)
        note = (
            f"More columns than rows: eigenvalues of the Ledoit-Wolf estimate, shrunk by {shrinkage:.3f} towards their "
            "mean; they describe the sample, and thresholds built on them are rough."
        )
    else:
        values, vectors, shrinkage = *_tall(X, mean, rotate), 0.0
        note = "Eigenvalues of the sample covariance; they spread more than the true ones unless d is small against n."
    if dropped:
        note += f" Constant columns left out: {len(dropped)}."
    scaled = values / values[-1]
    d_eff = float(scaled.sum()) ** 2 / float(scaled @ scaled)
    log_n = math.log(n)
    found = EffectiveDimension(n, d, d_eff, log_n / d, log_n / d_eff, values, shrinkage, dropped, note)
    return found, mean, vectors


def _tall(X: FloatArray, mean: FloatArray, rotate: bool) -> tuple[FloatArray, FloatArray | None]:
    n, d = X.shape
    covariance = np.zeros((d, d))
    rows = max(1, _CHUNK_NUMBERS // d)
    if isinstance(X, BlockRows) and X.remote:
        covariance += np.sum(X.map(_block_products, mean), axis=0)
        n = 0
    for start in range(0, n, rows):
        block = X[start : start + rows] - mean  # centred in blocks: no copy of the data
        covariance += block.T @ block
    covariance /= len(X) - 1
    if rotate:
        values, vectors = np.linalg.eigh(covariance)
        return _clean(values), vectors
    return _clean(np.asarray(np.linalg.eigvalsh(covariance), dtype=np.float64)), None


def _block_products(block: FloatArray, start: int, mean: FloatArray) -> FloatArray:
    centred = block - mean
    return np.asarray(centred.T @ centred)


def _clean(values: FloatArray) -> FloatArray:
    """Set to zero what eigenvalue solvers return for zero."""
    return np.where(values > _RANK_TOLERANCE * values[-1], values, 0.0)


def _wide(X: FloatArray, mean: FloatArray, rotate: bool) -> tuple[FloatArray, FloatArray | None, float]:
    """Ledoit-Wolf spectrum from the n x n matrix of inner products, smaller than the covariance."""
    n, d = X.shape
    centred = X[:] - mean
    gram = centred @ centred.T
    if rotate:
        seen, basis = np.linalg.eigh(gram)
    else:
        seen, basis = np.linalg.eigvalsh(gram), np.empty((0, 0))
    seen = np.maximum(seen[1:], 0.0)  # centring leaves one zero
    shrinkage, target = _ledoit_wolf(seen / n, np.diag(gram), n, d)
    unbiased = n / (n - 1)
    values = unbiased * ((1 - shrinkage) * np.concatenate([np.zeros(d - n + 1), seen / n]) + shrinkage * target)
    if not rotate:
        return values, None, shrinkage
    safe = np.where(seen > _RANK_TOLERANCE * seen[-1], seen, np.inf)
    return values, (centred.T @ basis[:, 1:]) / np.sqrt(safe), shrinkage


def _ledoit_wolf(seen: FloatArray, squared_norms: FloatArray, n: int, d: int) -> tuple[float, float]:
    """Return the shrinkage and the mean eigenvalue (Ledoit and Wolf 2004, section 3.2)."""
    target = float(seen.sum()) / d
    square = float(seen @ seen)
    distance = square - d * target**2
    noise = (float(squared_norms @ squared_norms) / n - square) / n
    return (1.0 if distance <= 0 else float(np.clip(noise / distance, 0.0, 1.0))), target
