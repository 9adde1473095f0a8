"""The protocol of an exponential family.

A family is ``p_theta(x) = exp(theta . xi(x) - Psi(theta)) h(x)`` with statistic
``xi``, log-partition function ``Psi`` and base density ``h``. A subclass states
these, the support, and the cumulants of ``xi`` (the derivatives of ``Psi``) in
one of two ways: closed forms (`cumulants`), or weighted nodes that represent
the model (finite supports, quadrature, simulated draws). Projection, whitening
and risk terms are then inherited.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import BoundaryProjectionError, InputError, InputTypeError
from ..core.validation import FloatArray, as_float_array, check_choice, short
from .fits import Fit, NewtonReport
from .rows import BoolArray, FamilyRows, rows_outside
from .whitening import Nodes, Whitened, whiten_cumulants

__all__ = ["BoolArray", "ExponentialFamily", "Fit", "NewtonReport", "rows_outside"]

_MOST_ROWS = 10**9  # of one sample


class ExponentialFamily(FamilyRows):
    """Base class of the exponential families.

    Subclasses define the class attributes `name`, `title`, `support`,
    `parameter_names` and the abstract methods. Families are immutable and
    compare by type and settings.
    """

    # ------------------------------------------------------------- model side
    def check_theta(self, theta: ArrayLike) -> FloatArray:
        """Return theta as a float vector of the natural parameter space, or raise.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (p,)
            The parameter.

        Raises
        ------
        InputError
            If the length is wrong or the log-partition function is infinite there.
        """
        array = as_float_array("theta", theta)
        array = array.reshape(1) if array.ndim == 0 else array
        if array.ndim != 1 or not self._length_fits(array.size):
            raise InputError(
                f"theta of the {self.title} family must be a vector of its natural parameters, "
                f"got shape {array.shape}"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            inside = self._in_domain(array)
        if not inside:
            raise InputError(
                f"theta {short(array.tolist())} is outside the natural parameter space of the {self.title} "
                f"family, or too large for double precision; build it with natural({', '.join(self.parameter_names)})"
            )
        return array

    parameter_names: ClassVar[tuple[str, ...]] = ()

    def _length_fits(self, size: int) -> bool:
        return size == self.n_params()

    def _in_domain(self, theta: FloatArray) -> bool:
        """Whether the log-partition function is finite at theta, and the floats can hold it."""
        return True

    @abstractmethod
    def log_partition(self, theta: ArrayLike) -> float:
        """Return Psi(theta), the log of the normalising constant.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        float
            Psi(theta) in nats.
        """

    def mean(self, theta: ArrayLike) -> FloatArray:
        """Return the mean of the statistics, the gradient of Psi.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (p,)
            E_theta[xi].
        """
        return self.cumulants(theta, 1)

    def cov(self, theta: ArrayLike) -> FloatArray:
        """Return the covariance of the statistics, the Hessian of Psi.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (p, p)
            Cov_theta(xi), the Fisher information in theta.
        """
        return self.cumulants(theta, 2)

    def cumulants(self, theta: ArrayLike, order: int) -> FloatArray:
        """Return the joint cumulants of the statistics, derivatives of Psi.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.
        order : {1, 2, 3, 4}
            Which derivative.

        Returns
        -------
        ndarray with `order` axes of length p
            Joint cumulants.

        Raises
        ------
        InputError
            If `order` is not 1, 2, 3 or 4.
        """
        degree = check_choice("order", order, (1, 2, 3, 4))
        parameter = self.check_theta(theta)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            found = self._cumulants(parameter, degree)
        if np.isnan(found).any():
            raise InputError(
                f"theta {short(parameter.tolist())} gives a law whose cumulants of order {degree} cannot be computed "
                "in double precision"
            )
        return found

    @abstractmethod
    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        """Joint cumulants of order 1 to 4 at an admissible theta."""

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return ``sum_ijkl K4_ijkl S_ij S_kl`` for a symmetric matrix S.

        Families with many parameters override this with a form that needs no
        array with ``p^4`` entries.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.
        S : ndarray of shape (p, p)
            Symmetric matrix.

        Returns
        -------
        float
            The contraction.
        """
        return float(np.einsum("ijkl,ij,kl->", self.cumulants(theta, 4), S, S))

    def nodes(self, theta: ArrayLike) -> Nodes | None:
        """Return weighted points that represent the model, or None if there are none.

        Finite supports give their points with exact probabilities; continuous
        laws give quadrature points accurate for moments of the statistics up
        to order four.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Nodes or None
            Points in encoded data space and weights.
        """
        return None

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the model at theta in whitened coordinates.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Whitened
            Rows, third and fourth cumulants and nodes of ``z = L^{-1}(xi - eta)``.
        """
        parameter = self.check_theta(theta)
        return whiten_cumulants(
            self.cumulants(parameter, 1),
            self.cumulants(parameter, 2),
            self._statistic,
            lambda: self.cumulants(parameter, 3),
            lambda S: self.contract_fourth(parameter, S),
            lambda: self.nodes(parameter),
        )

    # ------------------------------------------------------------- projection
    def project(self, eta: ArrayLike) -> FloatArray:
        """Return the natural parameter whose mean statistic is eta.

        Parameters
        ----------
        eta : array_like of shape (p,)
            Mean of the statistics, in the interior of the convex support.

        Returns
        -------
        ndarray of shape (p,)
            theta with ``mean(theta) = eta``.

        Raises
        ------
        BoundaryProjectionError
            If eta is on or outside the boundary, so that no such theta exists.
        """
        return self.solve(eta).theta

    def solve(self, eta: ArrayLike, start: FloatArray | None = None) -> NewtonReport:
        """Return the projection of eta with an account of how it was found.

        Parameters
        ----------
        eta : array_like of shape (p,)
            Mean of the statistics.
        start : ndarray of shape (p,), optional
            A natural parameter near the solution (used by iterative families).

        Returns
        -------
        NewtonReport
            theta, iterations, method, convergence.
        """
        target = as_float_array("eta", eta)
        target = target.reshape(1) if target.ndim == 0 else target
        if target.ndim != 1 or not self._length_fits(target.size):
            raise InputError(
                f"eta must hold one mean per statistic of the {self.title} family, "
                f"got shape {target.shape}"
            )
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            report = self._solve(target, start)
        if not np.isfinite(report.theta).all():
            raise self.boundary(f"the parameter of eta {short(target.tolist())} is beyond double precision")
        return report

    @abstractmethod
    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        """Projection of a finite eta vector of the right length."""

    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit the family to weighted, encoded rows.

        Families whose raw statistics are badly conditioned (powers of data
        with a large mean) override this with centred arithmetic.

        Parameters
        ----------
        encoded : ndarray
            Output of :meth:`encode`.
        weights : ndarray of shape (m,)
            Non-negative weights of sum one.
        start : ndarray of shape (p,), optional
            Warm start for iterative families.

        Returns
        -------
        Fit
            Estimate, mean statistic and whitened model.
        """
        eta = np.asarray(weights @ self._statistic(encoded))
        report = self._solve(eta, start)
        return Fit(report.theta, eta, self.whitened(report.theta), report)

    def boundary(self, detail: str) -> BoundaryProjectionError:
        """Return the error for a projection that does not exist, with its reason.

        Parameters
        ----------
        detail : str
            What is on the boundary, completing the sentence.

        Returns
        -------
        BoundaryProjectionError
            To be raised by the caller.
        """
        return BoundaryProjectionError(
            f"the maximum-likelihood estimate of the {self.title} family does not exist: {detail}"
        )

    # ------------------------------------------------- conversions and sampling
    @abstractmethod
    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return the usual parameters that belong to theta.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        dict
            Keywords accepted by :meth:`natural`.
        """

    def natural(self, **params: Any) -> FloatArray:
        """Return the natural parameter that belongs to the usual parameters.

        Parameters
        ----------
        **params
            The family's usual parameters by name.

        Returns
        -------
        ndarray of shape (p,)
            theta.

        Raises
        ------
        InputTypeError
            If a parameter is missing or unknown.
        """
        missing = [k for k in self.parameter_names if k not in params]
        unknown = [k for k in params if k not in self.parameter_names]
        if missing or unknown:
            raise InputTypeError(
                f"natural() of the {self.title} family takes {', '.join(self.parameter_names)}; "
                f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
            )
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            theta = self._natural(params)
        if not np.isfinite(theta).all():
            raise InputError(
                f"{', '.join(self.parameter_names)} must be of sizes whose natural parameter is a float, got "
                f"{short(params)}"
            )
        return theta

    @abstractmethod
    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        """Natural parameter from a complete set of usual parameters."""

    def logpdf(self, x: Any, theta: ArrayLike) -> FloatArray:
        """Return the log density (log probability if discrete) of each row.

        Parameters
        ----------
        x : array_like
            Data; rows outside the support get ``-inf``.
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (m,)
            Log densities in nats.
        """
        parameter = self.check_theta(theta)
        encoded = self.encode(x, check=False)
        if self.n_columns is None and self.n_params(encoded) != len(parameter):
            raise InputError(
                f"theta with {len(parameter)} entries does not fit data of shape {encoded.shape}, for which the "
                f"{self.title} family has {self.n_params(encoded)} parameters"
            )
        inside = self.in_support(encoded)
        out = np.full(len(encoded), -np.inf)
        rows = encoded[inside]
        if len(rows):
            # Far out the energy of a row overflows; minus infinity is then its log density.
            with np.errstate(over="ignore", invalid="ignore"):
                out[inside] = self._logpdf(rows, parameter)
        if np.isnan(out).any():
            raise InputError(
                f"x must hold numbers whose statistics double precision can hold, got {int(np.isnan(out).sum())} rows "
                "beyond"
            )
        return out

    def encoded_logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        """Return log densities of rows that :meth:`encode` has already checked.

        Parameters
        ----------
        encoded : ndarray
            Output of :meth:`encode`.
        theta : ndarray of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (m,)
            Log densities in nats.
        """
        return self._logpdf(encoded, theta)

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        value = self._statistic(encoded) @ theta - self.log_partition(theta) + self._log_base(encoded)
        return np.asarray(value)

    def sample(self, theta: ArrayLike, size: int, rng: Any = None) -> NDArray[Any]:
        """Draw independent rows from the model.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.
        size : int
            Number of rows.
        rng : None, int, SeedSequence or Generator
            Source of randomness.

        Returns
        -------
        ndarray of shape (size,) or (size, d)
            Data rows.
        """
        from ..core.rng import as_generator
        from ..core.validation import check_count

        number = check_count("size", size, high=_MOST_ROWS, cure="draw in several calls")
        return self._sample(self.check_theta(theta), number, as_generator(rng))

    @abstractmethod
    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        """Rows drawn at an admissible theta."""

    # --------------------------------------------------------------- identity
    def _settings(self) -> tuple[Any, ...]:
        """Constructor arguments, for equality, hashing and repr."""
        return ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._settings() == self._settings()

    def __hash__(self) -> int:
        return hash((type(self), self._settings()))

    def __repr__(self) -> str:
        inside = ", ".join(repr(value) for value in self._settings() if value is not None)
        return f"{type(self).__name__}({inside})"
