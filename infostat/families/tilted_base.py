"""Tilted product base: an exponential family whose normalising constant nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.data import matrix, read_table
from ..core.errors import CollinearStatisticsError, ConstantStatisticError, InputError
from ..core.rng import RngLike, as_seed_sequence, child, seed_label
from ..core.threads import threads
from ..core.validation import FloatArray, as_float_array, check_count, check_number, short
from .base import BoolArray, ExponentialFamily, Fit, NewtonReport
from .base_columns import BaseColumn, base_column
from .chain_diagnostics import batch_means_cov
from .monte_carlo_newton import Outcome, monte_carlo_newton
from .products import check_products, monomials, product_names
from .rows import entries_of
from .tilted_draws import SamplerAccount, TiltedDraws
from .tilted_samplers import CHAINS, THIN, ChainRun, base_states, build_structure, run_sampler
from .whitening import Nodes, Whitened

__all__ = ["TiltedBase"]

REGISTERED = {"tilted_base": "TiltedBase(base, products)"}

DRAWS = 200_000
_PROTOCOL_DRAWS = 60_000  # of methods that take no number of draws
_LEAST_DRAWS = 20 * CHAINS
_BURN_IN = 100  # stored draws
_MOST_DRAWS = 10**9
_LARGEST = 1e150  # exponents are squared
_SAMPLE_THIN = 20
_PATH_NODES = 10
_WEAK = 1e-10  # smallest eigenvalue of the correlation of the statistics under the base


class TiltedBase(ExponentialFamily):
    """A product base times the exponential of products of columns.

    Parameters
    ----------
    base : sequence
        One entry per column: a frozen scipy.stats law, or ``(values, weights)`` for a column with
        finitely many levels.
    products : sequence of tuples of int
        Column indices of each statistic, in the order of the statistics; ``(0, 1)`` is
        ``x_0 x_1``, ``(2, 2)`` is ``x_2^2``.

    Notes
    -----
    Density ``prod_j b_j(x_j) exp(theta . xi(x) - Psi(theta))`` with monomials xi. Psi has no
    closed form: everything about the model is simulated by Gibbs sampling, see
    :meth:`simulate_at` and :meth:`simulate_projection`. The methods of the common protocol, which
    take no number of draws, simulate 60 000 draws with a fixed seed, so that they are functions
    of theta; the p-n criterion takes `draws` and `rng` and reports the Monte-Carlo error.

    Rows where the base density is 0 on the closed support are accepted: the projection and the
    criterion use the statistics alone. Log densities there are minus infinity.

    A base with an unbounded column bounds the parameters for which the law exists; the sampler
    of a parameter outside runs away and is refused or reported as not converged.

    Examples
    --------
    >>> from scipy import stats
    >>> family = TiltedBase([stats.beta(2, 3), ([1, 2, 3], [0.2, 0.5, 0.3])], [(0, 1)])
    >>> family
    TiltedBase([beta(2, 3), 3 levels [1.0, 2.0, 3.0]], [(0, 1)])
    >>> family.statistic([[0.5, 2.0]])
    array([[1.]])
    >>> drawn = family.simulate_projection([0.9], draws=2000, rng=1)
    >>> drawn.n_draws, drawn.n_chains
    (2016, 32)
    """

    name = "tilted_base"
    title = "tilted base"
    support = "the closed support of its base"
    parameter_names = ("theta",)

    def __init__(self, base: Iterable[Any], products: Iterable[Sequence[int]]) -> None:
        entries = entries_of(base, "base", "a sequence with one entry per column")
        self._base = tuple(base_column(entry, j) for j, entry in enumerate(entries))
        if not self._base:
            raise InputError("base must hold at least one column, got none")
        self._products = check_products(products, len(self._base))
        self._structure = build_structure(self._base, self._products)
        self._kept: tuple[bytes, TiltedDraws] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": None}

    # ------------------------------------------------------------------ shape
    @property
    def base(self) -> tuple[BaseColumn, ...]:
        """The columns of the base."""
        return self._base

    @property
    def products(self) -> tuple[tuple[int, ...], ...]:
        """Column indices of each statistic."""
        return self._products

    @property
    def n_columns(self) -> int:
        """Number of columns of the base."""
        return len(self._base)

    def n_params(self, data: Any = None) -> int:
        """Return the number of products (see :class:`ExponentialFamily`)."""
        return len(self._products)

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return labels such as ``a*b`` and ``a^2*c`` (see :class:`ExponentialFamily`)."""
        return product_names(self._products, columns)

    # -------------------------------------------------------------- data side
    def _shape(self, array: FloatArray) -> FloatArray:
        if array.ndim == 1:
            array = array[:, None] if self.n_columns == 1 else array[None, :]
        if array.ndim != 2 or array.shape[1] != self.n_columns:
            raise InputError(
                f"data for this tilted base must have {self.n_columns} columns, got shape {array.shape}"
            )
        return array

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return which rows lie in the closed support of the base (see :class:`ExponentialFamily`)."""
        inside = [column.inside(encoded[:, j]) for j, column in enumerate(self._base)]
        return np.asarray(np.logical_and.reduce(inside))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return monomials(encoded, self._products)

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        parts = np.array([column.log_density(encoded[:, j]) for j, column in enumerate(self._base)])
        # A zero in one column and a pole in another: the law has no density there worth a number.
        with np.errstate(invalid="ignore"):
            total = parts.sum(axis=0)
        return np.where(np.isnan(total), -np.inf, total)

    def prune(self, data: Any, threshold: float) -> TiltedBase:
        """Return the family without statistics that nearly repeat an earlier one.

        Parameters
        ----------
        data : array_like, DataFrame or path
            Rows in the closed support.
        threshold : float
            Correlation in (0, 1].

        Returns
        -------
        TiltedBase
            Of every pair of statistics whose sample correlation exceeds the threshold in absolute
            value, the later one is dropped. All pairs are judged on the full set, also those whose
            earlier statistic is itself dropped.

        Raises
        ------
        ConstantStatisticError
            If a statistic takes a single value in the data.

        Examples
        --------
        >>> from scipy import stats
        >>> family = TiltedBase([stats.uniform(), stats.uniform()], [(0,), (1,), (0, 0)])
        >>> rows = np.random.default_rng(0).random((200, 2))
        >>> family.prune(rows, 0.9).products
        ((0,), (1,))
        """
        limit = check_number("threshold", threshold, low=0, high=1, open_low=True)
        table = read_table(data)
        x = self.statistic(matrix(table))
        constant = np.flatnonzero(x.max(axis=0) == x.min(axis=0))
        if constant.size:
            names = self.statistic_names(tuple(table.frame.columns))
            raise ConstantStatisticError(
                "every statistic must vary in the data, constant: "
                + ", ".join(names[k] for k in constant)
                + "; leave these products out"
            )
        # The correlation of a single statistic comes as a number.
        correlation = np.atleast_2d(np.corrcoef(x, rowvar=False))
        related = np.atleast_1d(np.triu(np.abs(correlation) > limit, 1).any(axis=0))
        kept = [product for k, product in enumerate(self._products) if not related[k]]
        return type(self)(self._base, kept)

    # -------------------------------------------------------------- simulation
    def simulate_at(
        self, theta: ArrayLike, *, draws: int = DRAWS, rng: RngLike = None, n_jobs: int | None = None
    ) -> TiltedDraws:
        """Return the family with draws of the law at theta.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.
        draws : int
            Number of draws, shared by 32 chains.
        rng : None, int, SeedSequence or Generator
            Seed.
        n_jobs : int, optional
            Threads; the draws do not depend on it.

        Returns
        -------
        TiltedDraws
            A family that answers questions near theta.

        Examples
        --------
        >>> from scipy import stats
        >>> family = TiltedBase([stats.norm(), stats.norm()], [(0, 1)])
        >>> drawn = family.simulate_at([0.5], draws=20_000, rng=1)
        >>> bool(abs(drawn.mean([0.5])[0] - 0.5 / (1 - 0.5**2)) < 0.05)
        True
        """
        parameter = self.check_theta(theta)
        seed = as_seed_sequence(rng)
        number = self._check_draws(draws)
        run = self._run(parameter, None, number, child(seed, 0), threads(n_jobs))
        return self._drawn(parameter, run, SamplerAccount(_BURN_IN * THIN, THIN, seed_label(seed)))

    def simulate_projection(
        self,
        eta: ArrayLike,
        *,
        draws: int = DRAWS,
        rng: RngLike = None,
        n_jobs: int | None = None,
        start: ArrayLike | None = None,
        report: Callable[[int], None] | None = None,
    ) -> TiltedDraws:
        """Return the family with draws near the law whose mean statistic is eta.

        Parameters
        ----------
        eta : array_like of shape (p,)
            Mean of the statistics.
        draws : int
            Number of draws of the last simulation; 20 000 and 60 000 precede it.
        rng : None, int, SeedSequence or Generator
            Seed.
        n_jobs : int, optional
            Threads; the draws do not depend on it.
        start : array_like of shape (p,), optional
            First parameter, zero (the base itself) if None.
        report : callable, optional
            Called with the number of each simulation when it begins.

        Returns
        -------
        TiltedDraws
            ``project(eta)`` of it is the Monte-Carlo projection.

        Raises
        ------
        BoundaryProjectionError
            If the parameter runs to infinity.
        CollinearStatisticsError
            If statistics are affine functions of others under the base.

        Notes
        -----
        See :func:`infostat.families.monte_carlo_newton.monte_carlo_newton` for the steps.

        Examples
        --------
        >>> from scipy import stats
        >>> family = TiltedBase([stats.norm(), stats.norm()], [(0, 1)])
        >>> drawn = family.simulate_projection([0.5 / (1 - 0.5**2)], draws=20_000, rng=1)
        >>> bool(abs(drawn.project([0.5 / (1 - 0.5**2)])[0] - 0.5) < 0.02)
        True
        """
        target = np.atleast_1d(as_float_array("eta", eta))
        first = np.zeros(self.n_params()) if start is None else self.check_theta(start)
        seed, jobs = as_seed_sequence(rng), threads(n_jobs)
        number = self._check_draws(draws)
        if target.shape != first.shape:
            raise InputError(f"eta must hold one mean per statistic ({len(first)}), got shape {target.shape}")
        self._refuse_collinear(seed)

        def simulate(
            theta: FloatArray, states: FloatArray | None, size: int, run: int
        ) -> tuple[FloatArray, FloatArray]:
            if report is not None:
                report(run)
            found = self._run(theta, states, size, child(seed, run), jobs)
            return found.draws, found.states

        outcome = monte_carlo_newton(simulate, self._statistic, target, first, number)
        if outcome.escaping:
            raise self.boundary(self._escape(outcome))
        account = SamplerAccount(
            _BURN_IN * THIN, THIN, seed_label(seed), outcome.n_iter, outcome.last.decrement, outcome.settled
        )
        return self._drawn(
            outcome.last.theta, ChainRun(outcome.last.draws, outcome.last.states), account
        )

    def _check_draws(self, draws: int) -> int:
        least = max(_LEAST_DRAWS, 10 * self.n_params())
        return check_count(
            "draws", draws, low=least, high=_MOST_DRAWS,
            cure=f"{least} draws are the least for p = {self.n_params()}; use 200 000",
        )

    def _run(
        self, theta: FloatArray, states: FloatArray | None, draws: int, seed: Any, jobs: int
    ) -> ChainRun:
        first = base_states(self._base, CHAINS, child(seed, 1_000_000)) if states is None else states
        per_chain = -(-draws // CHAINS)
        return run_sampler(
            self._base, self._structure, theta, first, seed, draws=per_chain, burn_in=_BURN_IN, n_jobs=jobs
        )

    def _drawn(self, theta: FloatArray, run: ChainRun, account: SamplerAccount) -> TiltedDraws:
        if not np.isfinite(self._statistic(run.draws.reshape(-1, self.n_columns))).all():
            raise InputError(
                "theta is outside the natural parameter space of this tilted base, as far as the sampler can "
                "tell: its chains run to infinity"
            )
        return TiltedDraws(self, theta, run.draws, account)

    def _refuse_collinear(self, seed: Any) -> None:
        """Under the base every statistic must vary, and none may be an affine function of others."""
        x = self._statistic(base_states(self._base, max(4000, 10 * self.n_params()), child(seed, 2_000_000)))
        x = x - x.mean(axis=0)
        scale = np.sqrt(np.mean(x * x, axis=0))
        names = self.statistic_names([f"x{j}" for j in range(self.n_columns)])
        if not (scale > 0.0).all():
            constant = ", ".join(names[k] for k in np.flatnonzero(~(scale > 0.0)))
            raise ConstantStatisticError(
                f"every statistic must vary under the base, constant: {constant}; leave these products out"
            )
        values, vectors = np.linalg.eigh((x / scale).T @ (x / scale) / len(x))
        if values[0] < _WEAK * values[-1]:
            involved = ", ".join(names[k] for k in np.flatnonzero(np.abs(vectors[:, 0]) > 1e-3))
            raise CollinearStatisticsError(
                f"statistics must not be affine functions of each other under the base, dependent set: {involved}; "
                "leave one of these products out"
            )

    def _escape(self, outcome: Outcome) -> str:
        step = outcome.last.factor.T @ outcome.last.step
        names = self.statistic_names([f"x{j}" for j in range(self.n_columns)])
        largest = np.argsort(-np.abs(step))[:3]
        return (
            f"after {outcome.n_iter} simulations theta still runs to infinity, mostly in the direction of "
            + ", ".join(names[k] for k in largest)
            + "; the mean statistic lies on the boundary of what the model can produce, or beyond it"
        )

    # ------------------------------------------------------ protocol, simulated
    def log_normaliser(
        self, theta: ArrayLike, *, draws: int = DRAWS, rng: RngLike = None, n_jobs: int | None = None
    ) -> tuple[float, float]:
        """Return a simulated log-partition and its Monte-Carlo standard error.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.
        draws : int
            Number of draws in all.
        rng : None, int, SeedSequence or Generator
            Seed.
        n_jobs : int, optional
            Threads.

        Returns
        -------
        tuple of float
            Psi(theta) and its standard error, nats.

        Notes
        -----
        ``Psi(theta) = int_0^1 E_{t theta}[theta . xi] dt``, ten Gauss-Legendre nodes in t.

        Examples
        --------
        >>> from scipy import stats
        >>> family = TiltedBase([stats.norm(), stats.norm()], [(0, 1)])
        >>> value, error = family.log_normaliser([0.5], rng=1, draws=20_000)
        >>> bool(abs(value + 0.5 * np.log(1 - 0.5**2)) < 5 * error < 0.05)
        True
        """
        parameter = self.check_theta(theta)
        seed, jobs = as_seed_sequence(rng), threads(n_jobs)
        per_node = max(self._check_draws(draws) // _PATH_NODES, _LEAST_DRAWS)
        nodes, weights = np.polynomial.legendre.leggauss(_PATH_NODES)
        value, variance, states = 0.0, 0.0, None
        for k in range(_PATH_NODES):
            t = 0.5 * (nodes[k] + 1.0)
            run = self._run(t * parameter, states, per_node, child(seed, 3_000_000 + k), jobs)
            states = run.states
            with np.errstate(over="ignore", invalid="ignore"):
                energy = self._statistic(run.draws.reshape(-1, self.n_columns)) @ parameter
                chain_means = energy.reshape(CHAINS, -1).mean(axis=1)
            if not (np.abs(chain_means) <= _LARGEST).all():
                raise InputError(
                    f"theta must give exponents below {_LARGEST:g} in size, got theta {short(parameter.tolist())}"
                )
            value += 0.5 * weights[k] * float(chain_means.mean())
            cov = batch_means_cov(chain_means[:, None] / CHAINS)
            variance += (0.5 * weights[k]) ** 2 * float(cov[0, 0])
        return value, float(np.sqrt(variance))

    def log_partition(self, theta: ArrayLike) -> float:
        """Return a simulated Psi(theta), see :meth:`log_normaliser`.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        float
            Psi(theta) in nats; the base has total mass one.
        """
        return self.log_normaliser(theta, draws=DRAWS, rng=0)[0]

    def _near(self, theta: FloatArray) -> TiltedDraws:
        """Draws at theta with the fixed seed; the last ones are kept."""
        key = theta.tobytes()
        if self._kept is None or self._kept[0] != key:
            self._kept = key, self.simulate_at(theta, draws=_PROTOCOL_DRAWS, rng=0)
        return self._kept[1]

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        return self._near(theta).cumulants(theta, order)

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return the simulated fourth cumulants contracted with S twice (see :class:`ExponentialFamily`)."""
        return self._near(self.check_theta(theta)).contract_fourth(theta, S)

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return simulated draws as nodes (see :class:`ExponentialFamily`)."""
        parameter = self.check_theta(theta)
        return self._near(parameter).nodes(parameter)

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the simulated model in whitened coordinates (see :class:`ExponentialFamily`)."""
        parameter = self.check_theta(theta)
        return self._near(parameter).whitened(parameter)

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        drawn = self.simulate_projection(eta, draws=_PROTOCOL_DRAWS, rng=0, start=start)
        return drawn.solve(eta)

    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit by Monte-Carlo Newton with the fixed seed (see :class:`ExponentialFamily`)."""
        eta = np.asarray(weights @ self._statistic(encoded))
        drawn = self.simulate_projection(eta, draws=_PROTOCOL_DRAWS, rng=0, start=start)
        return drawn.fit(encoded, weights)

    # ------------------------------------------------- conversions and sampling
    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        return self.check_theta(params["theta"])

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``theta`` itself (see :class:`ExponentialFamily`)."""
        return {"theta": self.check_theta(theta)}

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        seed = as_seed_sequence(generator)
        chains = max(1, min(CHAINS, size))
        per_chain = -(-size // chains)
        first = base_states(self._base, chains, child(seed, 1))
        run = run_sampler(
            self._base, self._structure, theta, first, child(seed, 0),
            draws=per_chain, burn_in=_BURN_IN, thin=_SAMPLE_THIN,
        )  # fmt: skip
        # Draws of different chains take turns, so that neighbours are independent.
        return run.draws.swapaxes(0, 1).reshape(-1, self.n_columns)[:size]

    # --------------------------------------------------------------- identity
    def _settings(self) -> tuple[Any, ...]:
        return (self._base, self._products)

    def __repr__(self) -> str:
        columns = [repr(column) for column in self._base[:3]] + ["..."] * (self.n_columns > 3)
        listed = [str(product) for product in self._products[:3]] + ["..."] * (self.n_params() > 3)
        return f"TiltedBase([{', '.join(columns)}], [{', '.join(listed)}])"
