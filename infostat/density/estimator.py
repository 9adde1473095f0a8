"""A kernel density estimator with the conventions of scikit-learn, exact at any dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.chunk_store import is_elsewhere, read_rows
from ..core.errors import DataError, InputError, describe
from ..core.replicates import check_jobs
from ..core.rng import RngLike, as_generator
from ..core.samples import as_sample
from ..core.validation import FloatArray, check_choice, check_count, check_number, check_weights
from .conventions import EstimatorConventions, read_labelled
from .duplicates import DUPLICATES, distinct_rows
from .evaluation import log_density
from .kernel_draws import kernel_noise
from .kernel_shapes import check_kernel
from .selection import METHODS, select_bandwidth
from .shape_bandwidth import leave_one_out_width

if TYPE_CHECKING:
    import pandas as pd

    from .diagnosis_result import BandwidthDiagnosis
    from .selection_results import BandwidthSelection

__all__ = ["KernelDensity"]

_MOST_DRAWS = 2**40  # numbers in one table of draws: no memory holds more


class KernelDensity(EstimatorConventions):
    r"""Kernel density estimate whose log densities are exact to rounding at any dimension.

    Parameters
    ----------
    bandwidth : float or {"loo", "scott", "silverman", "lscv", "sheather_jones", "isj", "theory"}
        Width h of the kernel in the unit of the data, or how `select_bandwidth` chooses it. The
        default maximises the leave-one-out likelihood.
    kernel : {"gaussian", "student", "uniform", "epanechnikov", "biweight"}
        Shape; see `log_density`. Compact kernels have the radius h sqrt(d).
    kappa : float, optional
        Student kernel: kappa d degrees of freedom (required there, refused elsewhere).
    duplicates : {"group", "drop", "raise"}
        Rows that repeat: all copies count in the density and are left out together, only the first
        is kept, or `fit` stops.
    n_jobs : int, optional
        Threads; None is one, -1 all cores. The numbers do not depend on it.

    Attributes
    ----------
    bandwidth_ : float
        h in use, in the unit of the data.
    selection_ : BandwidthSelection or None
        How h was chosen; None where it was given, or the kernel is not Gaussian.
    n_features_in_ : int
        Dimension d.
    feature_names_in_ : ndarray of str
        Labels of the columns; only where the data had labels.

    See Also
    --------
    log_density : The function behind `score_samples`.
    diagnose_bandwidth : How many points the density at a typical point rests on.

    Notes
    -----
    The density is :math:`\hat\rho_h(x) = \sum_i w_i K_h(x - y_i)` with weights of sum one and a
    kernel that integrates to one. The same h is used in every direction, so columns should have
    comparable scales; standardise first where they do not (in a pipeline, log densities are then
    those of the standardised rows).

    The class is written without scikit-learn, which is imported only if the caller has done so;
    cloning, pickling, pipelines, `GridSearchCV` and `cross_val_score` work. Parameters are checked
    in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 20))
    >>> model = KernelDensity().fit(rows)
    >>> round(model.bandwidth_, 3)
    0.932
    >>> model.score_samples(np.zeros((1, 20))).round(3)
    array([-24.474])
    """

    bandwidth_: float
    selection_: BandwidthSelection | None

    def __init__(
        self,
        bandwidth: float | str = "loo",
        kernel: str = "gaussian",
        *,
        kappa: float | None = None,
        duplicates: str = "group",
        n_jobs: int | None = None,
    ) -> None:
        # Stored as they are: a clone must be able to compare them, and `fit` checks them.
        self.bandwidth = bandwidth
        self.kernel = kernel
        self.kappa = kappa
        self.duplicates = duplicates
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> KernelDensity:
        """Take the data, and choose the bandwidth unless it was given.

        Parameters
        ----------
        X : array_like of shape (n, d), DataFrame, Series, path, iterator of frames or Dask frame
            Finite numbers; rows are observations. Rows that take more than 64 MB are read when they are
            needed. A float64 array in C order is not copied, which
            would double the memory: changing it changes the density.
        y : object
            Ignored; pipelines pass it.
        sample_weight : array_like of shape (n,), optional
            Non-negative masses of the rows; integers count as repetition.

        Returns
        -------
        KernelDensity
            The estimator itself.

        Raises
        ------
        InputError
            If a parameter or the weights cannot be used, or the bandwidth cannot be chosen.
        DataError
            If the data are not finite numbers, or rows repeat and `duplicates` is ``"raise"``.

        Examples
        --------
        >>> round(KernelDensity(0.5).fit([[0.0], [1.0]]).score([[0.5]]), 6)
        -0.725791
        """
        rule = check_choice("duplicates", self.duplicates, DUPLICATES)
        kernel, kappa = check_kernel(self.kernel, self.kappa)
        chosen = _check_bandwidth(self.bandwidth, kernel)
        check_jobs(self.n_jobs)
        points, names = _read(X)
        points, weights = _settle_rows(points, sample_weight, rule)
        selection = None
        if isinstance(chosen, str):
            if len(points) < 2:
                raise DataError(f"bandwidth must be a number where X holds one sample, got {chosen!r}")
            if kernel == "gaussian":
                # What the density rests on is for `diagnose` to say: it costs another pass.
                selection = select_bandwidth(
                    points, chosen, weights=weights, duplicates=rule, n_jobs=self.n_jobs, diagnose=False
                )
                chosen = selection.h
            else:
                chosen = leave_one_out_width(points, weights, kernel, kappa, duplicates=rule, n_jobs=self.n_jobs)
        self._learn_columns(points, names)
        self._points, self._weights = points, weights
        self._kernel, self._kappa, self._duplicates = kernel, kappa, rule
        self.bandwidth_, self.selection_ = float(chosen), selection
        return self

    def score_samples(self, Q: Any) -> FloatArray:
        """Return the log density at each query, in nats.

        Parameters
        ----------
        Q : array_like of shape (m, d), DataFrame, Series or path
            Points; a frame must have the columns seen in `fit`, in their order.

        Returns
        -------
        ndarray of shape (m,)
            Exact to rounding; -inf where a compact kernel does not reach.

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            If the queries are not finite numbers in the columns of the data.

        Examples
        --------
        >>> KernelDensity(0.5).fit([[0.0], [1.0]]).score_samples([[0.5], [5.0]]).round(6)
        array([ -0.725791, -32.918939])
        """
        self._check_fitted()
        queries = self._read_queries("Q", Q)
        values = log_density(
            self._points,
            queries,
            self.bandwidth_,
            kernel=self._kernel,
            kappa=self._kappa,
            weights=self._weights,
            n_jobs=self.n_jobs,
        )
        return np.asarray(values)

    def score(self, Q: Any, y: Any = None) -> float:
        """Return the total log likelihood of the queries, in nats.

        Parameters
        ----------
        Q : array_like of shape (m, d), DataFrame, Series or path
            Points; not those of `fit`, on which the score grows without bound as h shrinks.
        y : object
            Ignored; pipelines pass it.

        Returns
        -------
        float
            Sum of `score_samples`, as in scikit-learn.

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            As in `score_samples`.

        Examples
        --------
        >>> round(KernelDensity(0.5).fit([[0.0], [1.0]]).score([[0.5], [0.5]]), 6)
        -1.451583
        """
        return float(self.score_samples(Q).sum())

    def sample(self, n: int = 1, rng: RngLike = None) -> FloatArray | pd.DataFrame:
        """Draw from the density.

        Parameters
        ----------
        n : int
            Number of draws.
        rng : None, int, SeedSequence or Generator
            Seed.

        Returns
        -------
        ndarray or DataFrame of shape (n, d)
            Independent draws: a row of the data, chosen by weight, plus a draw from the kernel. A
            frame with the labels of the data if they had any.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            If `n` is not positive.

        Examples
        --------
        >>> KernelDensity(0.5).fit([[0.0], [100.0]]).sample(4, rng=0).round(1).ravel()
        array([100.3, 100.1,  99.7,   0.2])
        """
        self._check_fitted()
        size = check_count("n", n, low=1, high=_MOST_DRAWS // self.n_features_in_, cure="draw in parts")
        generator = as_generator(rng)
        rows = generator.choice(len(self._points), size=size, p=self._weights)
        noise = kernel_noise(
            self._kernel, size, self.n_features_in_, self.bandwidth_, self._kappa, generator
        )
        drawn = self._points[rows] + noise
        if not hasattr(self, "feature_names_in_"):
            return np.asarray(drawn)
        import pandas as pd

        return pd.DataFrame(drawn, columns=self.feature_names_in_.tolist())

    def diagnose(self, queries: Any = None, **options: Any) -> BandwidthDiagnosis:
        """Say how many points the density at a typical point rests on.

        Parameters
        ----------
        queries : array_like of shape (m, d), DataFrame, Series or path, optional
            Points to ask about; None asks about rows of the data, each left out in its turn.
        **options : object
            Passed to `diagnose_bandwidth`.

        Returns
        -------
        BandwidthDiagnosis
            Of the data at `bandwidth_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            If the kernel is not Gaussian.

        Examples
        --------
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).normal(size=(400, 20))
        >>> KernelDensity().fit(rows).diagnose().verdict
        'condensed'
        """
        self._check_fitted()
        if self._kernel != "gaussian":
            raise InputError(describe("kernel", "'gaussian' for a diagnosis", self._kernel))
        from .diagnosis import diagnose_bandwidth

        asked = None if queries is None else self._read_queries("queries", queries)
        settings: dict[str, Any] = {
            "weights": self._weights, "duplicates": self._duplicates, "n_jobs": self.n_jobs,
        } | options  # fmt: skip
        return diagnose_bandwidth(self._points, self.bandwidth_, asked, **settings)


def _check_bandwidth(bandwidth: Any, kernel: str) -> float | str:
    """Return a positive number, or the name of a method that suits the kernel."""
    if not isinstance(bandwidth, str):
        return check_number("bandwidth", bandwidth, low=0.0, open_low=True, cure="or the name of a method")
    method = check_choice("bandwidth", bandwidth, METHODS)
    if kernel != "gaussian" and method != "loo":
        required = f"a number or 'loo' for kernel={kernel!r}"
        raise InputError(describe("bandwidth", required, method, "the rule is for Gaussian kernels"))
    return method


def _read(X: Any) -> tuple[Any, Any]:
    """Return the rows, which stay elsewhere where they are too large, and the labels of the columns."""
    if is_elsewhere(X):
        found = read_rows(X, name="X")
        return found.rows, np.asarray(found.labels, dtype=object)
    table, names = read_labelled("X", X)
    return as_sample("X", table, min_rows=1), names


def _settle_rows(
    points: FloatArray, sample_weight: ArrayLike | None, rule: str
) -> tuple[FloatArray, FloatArray | None]:
    """Return the rows that count, and weights of sum one; None where all are equal."""
    weights = None
    if sample_weight is not None:
        weights = check_weights(sample_weight, len(points), name="sample_weight")
        if not weights.all():
            points, weights = points[weights > 0.0], weights[weights > 0.0]
    if rule != "group":
        kept = distinct_rows(points, rule, weights=weights)
        points, weights = kept.points, kept.masses
    if weights is None or bool((weights == weights[0]).all()):
        return points, None
    return points, np.asarray(weights / weights.sum())
