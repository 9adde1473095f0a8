"""A tilted base represented by draws at a reference parameter.

Between simulations everything is exact arithmetic on the draws: at a parameter theta near the
reference, draw b has the weight ``exp((theta - reference) . xi_b)``, normalised. This is again
an exponential family (with the draws as finite support), so that projection, cumulants,
bootstrap and jackknife need no further simulation, and the weighted draws reproduce the mean
statistic of the data exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError, InputError
from ..core.validation import FloatArray, as_float_array
from .base import BoolArray, ExponentialFamily, NewtonReport
from .chain_diagnostics import batch_means_cov, effective_size, split_rhat
from .newton import damped_newton
from .whitening import Nodes, Whitened, mix_axes, node_view

if TYPE_CHECKING:
    from .tilted_base import TiltedBase

__all__ = ["SamplerAccount", "TiltedDraws"]

# Below this share of effective draws the weights say nothing reliable about the model.
_LEAST_SHARE = 0.05
# The reference is close to the solution where there is one: six steps are many.
_MAX_STEPS = 50
_BLOCK = 2_000_000  # numbers in a block of products of two statistics
_LARGEST = 1e290


@dataclass(frozen=True)
class SamplerAccount:
    """How draws were made.

    Attributes
    ----------
    burn_in : int
        Sweeps of each chain before the first draw.
    thin : int
        Sweeps between draws.
    seed : int or str
        Seed that gives the same draws again.
    n_iter : int
        Simulations behind the projection (0: simulated at a given parameter).
    decrement : float
        Squared Newton decrement at the reference, before reweighting.
    settled : bool
        Whether the Newton steps ended within the Monte-Carlo error.
    """

    burn_in: int
    thin: int
    seed: int | str
    n_iter: int = 0
    decrement: float = 0.0
    settled: bool = True


class TiltedDraws(ExponentialFamily):
    """A tilted base near a parameter at which it has been simulated.

    Parameters
    ----------
    parent : TiltedBase
        The family.
    reference : array_like of shape (p,)
        Natural parameter of the draws.
    draws : array_like of shape (C, T, d)
        T draws of each of C chains.
    account : SamplerAccount
        How they were made.

    Notes
    -----
    Made by :meth:`TiltedBase.simulate_at` and :meth:`TiltedBase.simulate_projection`.
    Expectations at theta are importance-weighted means over the draws (C. Geyer and
    E. Thompson, J. R. Statist. Soc. B 54, 1992); they are refused where the weights leave
    fewer than 5 % effective draws.

    Examples
    --------
    >>> from scipy import stats
    >>> from infostat.families import TiltedBase
    >>> family = TiltedBase([stats.uniform(), stats.uniform()], [(0, 1)])
    >>> drawn = family.simulate_projection([0.3], draws=4000, rng=1)
    >>> float(drawn.mean(drawn.project([0.3]))[0].round(9))
    0.3
    """

    name = "tilted_draws"
    title = "tilted base"
    support = "the support of its base"
    parameter_names = ("theta",)

    def __init__(
        self, parent: TiltedBase, reference: ArrayLike, draws: ArrayLike, account: SamplerAccount
    ) -> None:
        self._parent = parent
        self._reference = parent.check_theta(reference)
        chains = as_float_array("draws", draws)
        if chains.ndim != 3 or chains.shape[2] != parent.n_columns or min(chains.shape[:2]) < 2:
            raise InputError(
                f"draws must have the shape (chains, draws, {parent.n_columns} columns) with at least two "
                f"chains of two draws, got {chains.shape}"
            )
        self._shape3 = chains.shape
        self._points = chains.reshape(-1, chains.shape[2])
        raw = parent.raw_statistic(self._points)
        self._centre = raw.mean(axis=0)
        raw -= self._centre
        spread = np.sqrt(np.mean(raw * raw, axis=0))
        self._scale = np.where(spread > 0.0, spread, 1.0)
        raw /= self._scale
        self._standard = raw
        self._account = account
        self._views: dict[bytes, Whitened] = {}
        self._offset: tuple[float, float] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Views hold closures; they are rebuilt on demand.
        return {**self.__dict__, "_views": {}}

    # ------------------------------------------------------------------ facts
    @property
    def parent(self) -> TiltedBase:
        """The family without draws."""
        return self._parent

    @property
    def reference(self) -> FloatArray:
        """Natural parameter of the draws."""
        return self._reference

    @property
    def account(self) -> SamplerAccount:
        """How the draws were made."""
        return self._account

    @property
    def n_chains(self) -> int:
        """Number of chains; draws are ordered by chain."""
        return int(self._shape3[0])

    @property
    def n_draws(self) -> int:
        """Number of draws of all chains."""
        return int(self._shape3[0] * self._shape3[1])

    def diagnostics(self) -> tuple[float, float]:
        """Return the largest split R-hat and the smallest effective size of the statistics.

        Returns
        -------
        tuple of float
            Over all statistics, at the reference; (inf, 0) if a statistic never moved.
        """
        chains = self._standard.reshape(*self._shape3[:2], -1)
        rhat, size = split_rhat(chains), effective_size(chains)
        if not (np.isfinite(rhat).all() and np.isfinite(size).all()):
            return np.inf, 0.0
        return float(rhat.max()), float(size.min())

    def thinned(self, at_most: int) -> TiltedDraws:
        """Return the family with evenly spaced draws of each chain, no more than asked for.

        Parameters
        ----------
        at_most : int
            Largest number of draws.

        Returns
        -------
        TiltedDraws
            `self` if there are no more.
        """
        if self.n_draws <= at_most:
            return self
        step = -(-self._shape3[1] // max(2, at_most // self.n_chains))
        chains = self._points.reshape(self._shape3)[:, ::step]
        account = replace(self._account, thin=self._account.thin * step)
        return type(self)(self._parent, self._reference, chains, account)

    def draw_weights(self, theta: ArrayLike) -> FloatArray:
        """Return the probabilities of the draws at theta.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter near the reference.

        Returns
        -------
        ndarray of shape (M,)
            Weights of sum one.

        Raises
        ------
        DataError
            If the draws are worth fewer than 5 % of their number there.
        """
        weights, _ = self._tilted((self.check_theta(theta) - self._reference) * self._scale)
        share = 1.0 / (len(weights) * float(weights @ weights))
        if not share >= _LEAST_SHARE:
            raise DataError(
                f"theta is too far from the parameter of the draws: their weights leave {100 * share:.2g} % "
                "effective draws; simulate there (simulate_at), or raise draws"
            )
        return weights

    def chain_sums(self, values: FloatArray) -> FloatArray:
        """Return the sums over the draws of each chain.

        Parameters
        ----------
        values : ndarray of shape (M,) or (M, k)
            One row per draw.

        Returns
        -------
        ndarray of shape (C, k)
            Sums (k = 1 for a vector).
        """
        return np.asarray(values.reshape(*self._shape3[:2], -1).sum(axis=1))

    def monte_carlo_cov(self, theta: ArrayLike) -> tuple[FloatArray, float]:
        """Return the Monte-Carlo covariance of a projection near theta, and its expected decrement.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Projection of some mean statistic by these draws.

        Returns
        -------
        cov : ndarray of shape (p, p)
            Covariance of the error of theta, from batch means over the chains.
        decrement : float
            Expected squared decrement ``error' Gm error``; half of it is a KL divergence.
        """
        parameter = self.check_theta(theta)
        view, weights = self.whitened(parameter), self.draw_weights(parameter)
        found = view.nodes()
        assert found is not None
        noise = batch_means_cov(self.chain_sums(found[0] * weights[:, None]))
        # z = A x with A' A = Gm^-1 (x standardised), so theta errors are A' times errors of mean z.
        back = np.asarray(self._whitener(parameter)).T / self._scale[:, None]
        return np.asarray(back @ noise @ back.T), float(np.trace(noise))

    def _whitener(self, theta: FloatArray) -> FloatArray:
        factor = np.linalg.cholesky(self.cov(theta) / np.outer(self._scale, self._scale))
        return np.asarray(np.linalg.inv(factor))

    # -------------------------------------------------------------- data side
    @property
    def n_columns(self) -> int:
        """Number of columns of the base."""
        return self._parent.n_columns

    def n_params(self, data: Any = None) -> int:
        """Return the number of statistics (see :class:`ExponentialFamily`)."""
        return self._parent.n_params()

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the products in words (see :class:`ExponentialFamily`)."""
        return self._parent.statistic_names(columns)

    def encode(self, x: Any, *, check: bool = True) -> FloatArray:
        """Return rows of the base's columns (see :class:`ExponentialFamily`)."""
        return self._parent.encode(x, check=check)

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return which rows lie in the closed support of the base (see :class:`ExponentialFamily`)."""
        return self._parent.in_support(encoded)

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return self._parent.raw_statistic(encoded)

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return self._parent.encoded_log_base(encoded)

    # ------------------------------------------------------------- model side
    def _in_domain(self, theta: FloatArray) -> bool:
        # The energies of the draws must be floats; how far their weights carry is judged by draw_weights.
        return bool(np.abs((theta - self._reference) * self._scale).sum() < _LARGEST)

    def _tilted(self, step: FloatArray) -> tuple[FloatArray, float]:
        """Weights at reference + step (standardised units), and the log-partition relative to it."""
        logs = self._standard @ step
        highest = float(logs.max())
        weights = np.exp(logs - highest)
        total = float(weights.sum())
        return weights / total, highest + float(np.log(total / len(logs)))

    def log_partition(self, theta: ArrayLike) -> float:
        """Return Psi(theta), the base's total mass being one.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter near the reference.

        Returns
        -------
        float
            Psi(theta) in nats; its value at the reference is simulated at the first call.
        """
        difference = self.check_theta(theta) - self._reference
        self.draw_weights(theta)
        relative = self._tilted(difference * self._scale)[1] + float(difference @ self._centre)
        return self._normaliser()[0] + relative

    def log_partition_error(self) -> float:
        """Return the Monte-Carlo standard error of :meth:`log_partition` at the reference.

        Returns
        -------
        float
            Nats.
        """
        return self._normaliser()[1]

    def _normaliser(self) -> tuple[float, float]:
        if self._offset is None:
            least = max(self.n_draws, 10_000)
            self._offset = self._parent.log_normaliser(self._reference, draws=least, rng=self._account.seed)
        return self._offset

    def _moments(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and covariance of the standardised statistics at theta."""
        return self._step_moments((theta - self._reference) * self._scale)

    def _step_moments(self, step: FloatArray) -> tuple[FloatArray, FloatArray]:
        weights, _ = self._tilted(step)
        mean = np.asarray(weights @ self._standard)
        cov = np.asarray(self._standard.T @ (self._standard * weights[:, None]) - np.outer(mean, mean))
        # Where all weight is on one draw the difference may round below zero.
        np.fill_diagonal(cov, np.maximum(np.diag(cov), 0.0))
        return mean, cov

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        self.draw_weights(theta)
        mean, cov = self._moments(theta)
        if order == 1:
            return np.asarray(self._centre + self._scale * mean)
        if order == 2:
            return np.asarray(cov * np.outer(self._scale, self._scale))
        if order == 3:
            return mix_axes(self.whitened(theta).third(), self._scale[:, None] * np.linalg.cholesky(cov))
        fourth = self._fourth_moments(theta)
        for pairs in ("ij,kl->ijkl", "ik,jl->ijkl", "il,jk->ijkl"):
            fourth -= np.einsum(pairs, cov, cov)
        return mix_axes(fourth, np.diag(self._scale))

    def _fourth_moments(self, theta: FloatArray) -> FloatArray:
        weights, _ = self._tilted((theta - self._reference) * self._scale)
        mean, p = weights @ self._standard, self.n_params()
        out = np.zeros((p * p, p * p))
        step = max(1, _BLOCK // (p * p))
        for start in range(0, len(weights), step):
            x = self._standard[start : start + step] - mean
            pairs = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
            out += pairs.T @ (pairs * weights[start : start + step, None])
        return out.reshape(p, p, p, p)

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return the fourth cumulants contracted with S twice, without a p^4 array.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter near the reference.
        S : ndarray of shape (p, p)
            Symmetric matrix.

        Returns
        -------
        float
            The contraction.
        """
        weights = self.draw_weights(theta)
        mean, cov = self._moments(self.check_theta(theta))
        scaled = S * np.outer(self._scale, self._scale)
        x = self._standard - mean
        form = np.einsum("bi,bi->b", x @ scaled, x)
        product = scaled @ cov
        return float(weights @ (form * form) - np.trace(product) ** 2 - 2.0 * np.sum(product * product.T))

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return the draws with their weights at theta.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter near the reference.

        Returns
        -------
        Nodes
            Draws in data space and weights.
        """
        return Nodes(self._points, self.draw_weights(theta))

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the weighted draws in whitened coordinates.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter near the reference.

        Returns
        -------
        Whitened
            Whitened view.
        """
        parameter = self.check_theta(theta)
        key = parameter.tobytes()
        if key not in self._views:
            view = node_view(self._standardised, self._points, self.draw_weights(parameter))
            self._views = {key: replace(view, third=_once(view.third))}  # one at a time: views are large
        return self._views[key]

    def _standardised(self, encoded: FloatArray) -> FloatArray:
        if encoded is self._points:
            return self._standard
        return np.asarray((self._statistic(encoded) - self._centre) / self._scale)

    # ------------------------------------------------------------- projection
    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        first = np.zeros(len(eta)) if start is None else (start - self._reference) * self._scale
        report = damped_newton(
            lambda step: self._tilted(step)[1],
            lambda step: self._step_moments(step)[0],
            lambda step: self._step_moments(step)[1],
            (eta - self._centre) / self._scale,
            first,
            max_iter=_MAX_STEPS,
        )
        if not report.converged and start is not None and np.any(first != 0.0):
            return self._solve(eta, None)
        if not report.converged:
            raise self.boundary(
                "no finite parameter gives the simulated draws the mean statistic of the data; it lies on the "
                "boundary of what the model can produce, or beyond the reach of the draws"
            )
        theta = self._reference + report.theta / self._scale
        self.draw_weights(theta)
        return NewtonReport(theta, self._account.n_iter, "Monte-Carlo Newton", self._account.settled)

    # ------------------------------------------------- conversions and sampling
    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        return self.check_theta(params["theta"])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``theta`` itself (see :class:`ExponentialFamily`)."""
        return {"theta": self.check_theta(theta)}

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        return self._parent.sample(theta, size, generator)

    def _settings(self) -> tuple[Any, ...]:
        return (self._parent, tuple(self._reference.tolist()), self.n_draws, self._account.seed)

    def __repr__(self) -> str:
        return f"TiltedDraws({self._parent!r}, {self.n_draws} draws)"


def _once(function: Any) -> Any:
    """Return a function that computes at its first call and remembers."""
    kept: list[Any] = []

    def remembered() -> Any:
        if not kept:
            kept.append(function())
        return kept[0]

    return remembered
