"""From encoded rows to risk terms: one door for every family.

The caller has validated; here the family decides the route: closed forms for
normal models, sums over blocks for products, tensors or Gram tiles otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core.errors import BoundaryProjectionError, CollinearStatisticsError, InputError
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.enumerated import EnumeratedFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from ..families.product import ProductFamily
from .expansion import RawTerms, model_terms, raw_terms
from .gaussian import diagonal_terms, full_terms

__all__ = ["Evaluation", "Options", "evaluate", "evaluate_model", "evaluate_population"]

_ROUNDING = 1e-12  # relative size below which an influence function is rounding noise
_CONSTANT = 1e-14  # standard deviation against the mean: the digits of a column have run out
_REFINE = 0.1  # relative pivot below which whitening is repeated
_SINGULAR = 3e-6  # relative pivot; samples that pass the collinearity check have at least 1e-5


@dataclass(frozen=True)
class Options:
    """How the moments of the data enter.

    Attributes
    ----------
    n : float
        Sample size behind the weights (inf for a population).
    ddof : {0, 1}
        Divisor ``n - ddof`` of the covariance.
    moments : {"published", "kstat", "model"}
        Convention for the moments.
    method : {"auto", "tensor", "gram"}
        Route.
    order : {1, 2}
        Which terms are computed.
    """

    n: float
    ddof: int = 1
    moments: str = "published"
    method: str = "auto"
    order: int = 2

    @property
    def cov_factor(self) -> float:
        """``n/(n - ddof)``."""
        return 1.0 if np.isinf(self.n) else self.n / (self.n - self.ddof)

    @property
    def third_factor(self) -> float:
        """``n^2/((n-1)(n-2))`` for k-statistics, else 1."""
        if self.moments != "kstat" or np.isinf(self.n):
            return 1.0
        return self.n**2 / ((self.n - 1.0) * (self.n - 2.0))


@dataclass(frozen=True)
class Evaluation:
    """Risk terms with everything that uncertainty and flags need.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Fitted natural parameter.
    terms : ndarray of shape (4,)
        T0..T3 under the requested convention.
    p : int
        Number of parameters.
    se : float
        Standard error of T0 from its influence function.
    raw : RawTerms
        Row contributions.
    """

    theta: FloatArray
    terms: FloatArray
    p: int
    se: float
    raw: RawTerms


def evaluate(
    family: ExponentialFamily,
    encoded: FloatArray,
    weights: FloatArray,
    options: Options,
    start: FloatArray | None = None,
) -> Evaluation:
    """Fit the family and return its risk terms.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.
    encoded : ndarray
        Output of ``family.encode``.
    weights : ndarray of shape (m,)
        Weights of sum one.
    options : Options
        Conventions.
    start : ndarray of shape (p,), optional
        Warm start of the projection.

    Returns
    -------
    Evaluation
        Terms, standard error, row contributions.
    """
    theta, raw = _raw(family, encoded, weights, options, start)
    f = options.cov_factor
    if weights @ (raw.influence * raw.influence) <= _ROUNDING**2 * (weights @ (raw.t0_rows * raw.t0_rows)):
        # A saturated model reproduces T0 in every sample; what is left is rounding, not a standard error.
        raw = replace(raw, influence=np.zeros_like(raw.influence))
    # se = sqrt(mean of IF^2 / n): with weights as repetition this is sqrt(sum IF^2)/n.
    variance = float(weights @ (raw.influence * raw.influence))
    se = f * float(np.sqrt(variance / options.n)) if np.isfinite(options.n) else 0.0
    if options.moments == "model":
        terms, se = evaluate_model(family, theta), 0.0
    else:
        terms = raw.terms * np.array([f, options.third_factor, f * f, f * f])
    return Evaluation(theta, terms, raw.p, se, raw)


def evaluate_population(
    family: ExponentialFamily, encoded: FloatArray, weights: FloatArray, options: Options
) -> Evaluation:
    """Return the risk terms of a population, or raise where they are no floats.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.
    encoded : ndarray
        Points, output of ``family.encode``.
    weights : ndarray of shape (m,)
        Weights of sum one.
    options : Options
        Conventions.

    Returns
    -------
    Evaluation
        Terms and row contributions.

    Raises
    ------
    InputError
        If products of the points overflow.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        found = evaluate(family, encoded, weights, options)
    if not np.isfinite(found.terms).all():
        raise InputError(
            f"truth must be of a size whose products double precision can hold, got points up to "
            f"{np.abs(encoded).max():g}; rescale it"
        )
    return found


def evaluate_model(family: ExponentialFamily, theta: FloatArray) -> FloatArray:
    """Return T0..T3 when the model at theta is itself the truth.

    Parameters
    ----------
    family : ExponentialFamily
        Family.
    theta : ndarray of shape (p,)
        Natural parameter.

    Returns
    -------
    ndarray of shape (4,)
        The terms.
    """
    if isinstance(family, ProductFamily):
        blocks = [evaluate_model(part, theta[where]) for part, _, where in family.components]
        return np.asarray(np.sum(blocks, axis=0))
    if isinstance(family, MultivariateNormal) and not family.is_graph:
        d = _dimension(family, theta)
        if family.structure == "diagonal":
            return d * np.array([2.0, 14.0, 46.0, 60.0])
        return _standard_normal_terms(d)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        terms = model_terms(family.whitened(theta))
    if not np.isfinite(terms).all():
        raise InputError(
            f"theta gives a {family.title} law that is degenerate in double precision: its standardised cumulants "
            "overflow, because nearly all probability is in a few points"
        )
    return terms


def _dimension(family: MultivariateNormal, theta: FloatArray) -> int:
    mean = family.params(theta)["mean"]
    return len(mean)


def _standard_normal_terms(d: int) -> FloatArray:
    """Closed forms of the well-specified normal: E yyyy has 3 pairings, E r^6 = d(d+2)(d+4)."""
    k = d * (d + 2.0)
    fourth = 3.0 * d * d + 6.0 * d
    QQ = d * (d + 2.0) ** 2
    T2 = 2.0 * fourth + 4.0 * QQ - 4.0 * k + 2.0 * d * (d + 1.0)
    T3 = 3.0 * (fourth + 2.0 * QQ - 2.0 * k - d)
    return np.array([d * (d + 3.0) / 2.0, d * (d + 2.0) * (d + 4.0) - d, T2, T3])


def _raw(
    family: ExponentialFamily,
    encoded: FloatArray,
    weights: FloatArray,
    options: Options,
    start: FloatArray | None,
) -> tuple[FloatArray, RawTerms]:
    if isinstance(family, ProductFamily):
        return _blocks(family, encoded, weights, options, start)
    if isinstance(family, EnumeratedFamily):
        return _cells(family, encoded, weights, options, start)
    normal = isinstance(family, MultivariateNormal) and not family.is_graph
    if normal and options.method != "tensor":
        return _normal_rows(family, encoded, weights, options)  # type: ignore[arg-type]
    if isinstance(family, Normal) and options.method == "auto":
        as_vector = MultivariateNormal("diagonal", 1)
        return _normal_rows(as_vector, encoded[:, None], weights, options)
    if normal:
        _refuse_degenerate(len(encoded), family, *family.standardise(encoded, weights)[:2])  # type: ignore[arg-type,attr-defined]
    fit = family.fit(encoded, weights, start)
    if isinstance(family, MultivariateNormal) and not normal:
        fitted = family.params(fit.theta)
        _refuse_degenerate(len(encoded), family, fitted["mean"], np.linalg.cholesky(fitted["cov"]))
    z = fit.whitened.rows(encoded)
    return fit.theta, raw_terms(fit.whitened, z, weights, method=options.method, order=options.order)


def _cells(
    family: EnumeratedFamily,
    encoded: FloatArray,
    weights: FloatArray,
    options: Options,
    start: FloatArray | None,
) -> tuple[FloatArray, RawTerms]:
    """Rows of a table repeat: the terms are those of the distinct cells, weighted by their shares."""
    index = family.cell_index(encoded)
    shares = np.asarray(np.bincount(index, weights=weights), dtype=np.float64)
    used, place = np.unique(index, return_inverse=True)
    points, mass = family.cells().points[used], shares[used]
    fit = family.fit(points, mass, start)
    raw = raw_terms(fit.whitened, fit.whitened.rows(points), mass, method=options.method, order=options.order)
    t1_rows = None if raw.t1_rows is None else raw.t1_rows[place]
    return fit.theta, replace(
        raw, t0_rows=raw.t0_rows[place], t1_rows=t1_rows, influence=raw.influence[place]
    )


def _normal_rows(
    family: MultivariateNormal, encoded: FloatArray, weights: FloatArray, options: Options
) -> tuple[FloatArray, RawTerms]:
    mean, root, y = family.standardise(encoded, weights)
    _refuse_degenerate(len(y), family, mean, root)
    if np.any(np.diag(root) < _REFINE * np.sqrt(np.sum(root * root, axis=1))):
        # Correlated columns: the rows are white up to the condition number times rounding; once more
        # and it is rounding alone.
        second = np.linalg.cholesky(y.T @ (y * weights[:, None]))
        root, y = root @ second, np.linalg.solve(second, y.T).T
    theta = family.natural_from(mean, root)
    if family.structure == "diagonal":
        if options.method == "gram":
            raise InputError("method='gram' does not apply to a diagonal covariance; use 'auto' or 'tensor'")
        return theta, diagonal_terms(y, weights, order=options.order)
    route = "pairs" if options.method == "gram" else "auto"
    return theta, full_terms(y, weights, route=route, order=options.order)


def _refuse_degenerate(m: int, family: MultivariateNormal, mean: FloatArray, root: FloatArray) -> None:
    """Refuse a covariance that only rounding error keeps positive definite (resamples, weights)."""
    sd = np.sqrt(np.sum(root * root, axis=1))
    if np.any(sd <= _CONSTANT * np.abs(mean)):
        raise BoundaryProjectionError(
            "the maximum-likelihood estimate of a normal model does not exist: all observations of a "
            "variable are equal to working precision"
        )
    few = family.structure == "full" and m <= len(mean)
    if few or np.any(np.diag(root) <= _SINGULAR * sd):
        raise CollinearStatisticsError(
            "the covariance of the columns is singular to working precision: the rows with positive "
            "weight lie in a subspace"
        )


def _blocks(
    family: ProductFamily,
    encoded: FloatArray,
    weights: FloatArray,
    options: Options,
    start: FloatArray | None,
) -> tuple[FloatArray, RawTerms]:
    """Every term of a product is the sum of the blocks' terms, also when the truth is no product."""
    thetas: list[FloatArray] = []
    raws: list[RawTerms] = []
    for part, columns, where in family.components:
        block = encoded[:, columns]
        block = block[:, 0] if part.n_columns == 1 and not isinstance(part, MultivariateNormal) else block
        warm = None if start is None else start[where]
        theta, raw = _raw(part, block, weights, options, warm)
        thetas.append(theta)
        raws.append(raw)
    t1 = [raw.t1_rows for raw in raws if raw.t1_rows is not None]
    joined = RawTerms(
        np.sum([raw.terms for raw in raws], axis=0),
        np.sum([raw.t0_rows for raw in raws], axis=0),
        np.sum(t1, axis=0) if len(t1) == len(raws) else None,
        np.sum([raw.influence for raw in raws], axis=0),
        sum(raw.p for raw in raws),
    )
    return np.concatenate(thetas), joined
