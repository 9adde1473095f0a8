"""Risk terms from the moments of the statistics, for data whose rows are gone.

With G and K3g the covariance and third cumulants of the statistics and a linear map that whitens the
model, ``S`` and ``k3g`` of the expansion are images of G and K3g; nothing else of the data enters. The terms
of independent blocks of a model add, so blocks are computed one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.errors import InputError
from ..core.moments import Moments
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.tilted_draws import TiltedDraws
from ..families.whitening import cholesky_factor, mix_axes
from .evaluation import Options
from .expansion import MAX_TENSOR_P, cubic_form, double_trace
from .flags import HEAVY_T0, HEAVY_T1
from .large_terms import sampled_mean, second_term, third_cubes
from .stream_map import Leaf, leaves, outer_theta
from .streaming import StreamMoments

__all__ = ["LeafFit", "MomentEvaluation", "first_term", "fit_leaves", "heavy_among", "moment_evaluation"]


@dataclass(frozen=True)
class LeafFit:
    """One independent block of a model, fitted to moments.

    Attributes
    ----------
    leaf : Leaf
        The block.
    theta : ndarray of shape (p,)
        Its natural parameter, in the units the family saw.
    inverse : ndarray of shape (p, p)
        ``z = inverse (xi - eta)`` has identity covariance under the model.
    eta : ndarray of shape (p,)
        Mean of the statistics.
    S : ndarray of shape (p, p)
        Covariance of z in the data, divisor n.
    K3 : ndarray of shape (p, p, p) or None
        Third central co-moments of xi in the data, divisor n, where they were kept.
    """

    leaf: Leaf
    theta: FloatArray
    inverse: FloatArray
    eta: FloatArray
    S: FloatArray
    K3: FloatArray | None

    @property
    def small(self) -> bool:
        """Whether tensors of third cumulants fit."""
        return len(self.theta) <= MAX_TENSOR_P

    def third(self) -> FloatArray:
        """Third cumulants of z under the model.

        Returns
        -------
        ndarray of shape (p, p, p)
            Symmetric tensor.
        """
        family = self.leaf.family
        if _is_normal(family):
            return family.whitened(self.theta).third()
        return mix_axes(family.cumulants(self.theta, 3), self.inverse)

    def fourth(self) -> float:
        """Fourth cumulants of z under the model, contracted with S twice.

        Returns
        -------
        float
            A third of T3 with divisor n.
        """
        family = self.leaf.family
        if _is_normal(family):
            return family.whitened(self.theta).fourth(self.S)
        return family.contract_fourth(self.theta, self.inverse.T @ self.S @ self.inverse)

    def rows(self, statistics: FloatArray) -> FloatArray:
        """Whitened statistics of rows.

        Parameters
        ----------
        statistics : ndarray of shape (m, P)
            Statistics of the whole model.

        Returns
        -------
        ndarray of shape (m, p)
            Rows z of this block.
        """
        return np.asarray((statistics[:, self.leaf.where] - self.eta) @ self.inverse.T)


@dataclass(frozen=True)
class MomentEvaluation:
    """A family fitted to the moments of a stream.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Fitted natural parameter, in the units of the data.
    inner_theta : ndarray of shape (p,)
        The same in the units the family saw.
    terms : ndarray of shape (4,)
        T0..T3 under the requested convention; T1..T3 nan if only first order was asked.
    raw : ndarray of shape (4,)
        The same with divisor n.
    fits : tuple of LeafFit
        The independent blocks.
    T1_se : float or None
        Standard error of T1 where a part of it comes from a subsample of rows.
    """

    theta: FloatArray
    inner_theta: FloatArray
    terms: FloatArray
    raw: FloatArray
    fits: tuple[LeafFit, ...]
    T1_se: float | None = None


def fit_leaves(family: ExponentialFamily, parts: Sequence[Moments], *, third: bool) -> tuple[LeafFit, ...]:
    """Fit the independent blocks of a family to moments.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.
    parts : sequence of Moments
        Moments of the statistics of each block.
    third : bool
        Whether third co-moments are wanted where they were kept.

    Returns
    -------
    tuple of LeafFit
        One per block.

    Raises
    ------
    BoundaryProjectionError
        If a block has no estimate.
    """
    found = []
    for leaf, part in zip(leaves(family), parts, strict=True):
        theta = leaf.family.solve(part.mean).theta
        inverse = _whitener(leaf.family, theta)
        S = inverse @ part.covariance(0) @ inverse.T
        K3 = part.third if third and part.order == 3 else None
        found.append(LeafFit(leaf, theta, inverse, part.mean, 0.5 * (S + S.T), K3))
    return tuple(found)


def first_term(fits: Sequence[LeafFit]) -> float:
    """Return T0 with divisor n.

    Parameters
    ----------
    fits : sequence of LeafFit
        Fitted blocks.

    Returns
    -------
    float
        The sum of the traces.
    """
    return float(sum(np.trace(fit.S) for fit in fits))


def moment_evaluation(state: StreamMoments, family: ExponentialFamily, options: Options) -> MomentEvaluation:
    """Fit a family to the moments of a stream and return its risk terms.

    Parameters
    ----------
    state : StreamMoments
        What the pass left.
    family : ExponentialFamily
        The family that was read, or its simulated version.
    options : Options
        Conventions; `order` 1 leaves out T1..T3.

    Returns
    -------
    MomentEvaluation
        Estimate and terms.

    Raises
    ------
    BoundaryProjectionError
        If there is no estimate.
    InputError
        For a second order that needs rows: more than 400 parameters and no nodes, or a simulated model.
    """
    fits = fit_leaves(family, state.parts, third=options.order == 2)
    inner = np.empty(family.n_params())
    for fit in fits:
        inner[fit.leaf.where] = fit.theta
    raw, se = np.array([first_term(fits), np.nan, np.nan, np.nan]), None
    if options.order == 2:
        raw[1:] = 0.0
        variance = 0.0
        for fit in fits:
            T1, T2, T3, error = _second_order(state, fit)
            raw[1:] += T1, T2, T3
            variance += error * error
        if not all(fit.small for fit in fits):
            se = options.third_factor * float(np.sqrt(variance))
    f = options.cov_factor
    terms = raw * np.array([f, options.third_factor, f * f, f * f])
    return MomentEvaluation(outer_theta(state.reading.family, inner, state.reading.map), inner, terms, raw, fits, se)


def _second_order(state: StreamMoments, fit: LeafFit) -> tuple[float, float, float, float]:
    """T1, T2, T3 of a block with divisor n, and the standard error of T1."""
    T3 = 3.0 * fit.fourth()
    if fit.K3 is not None:
        k3 = fit.third()
        c = np.einsum("aij,ij->a", k3, fit.S)
        T1 = float(np.sum(k3 * mix_axes(fit.K3, fit.inverse)))
        return T1, float(c @ c) + 2.0 * double_trace(k3, fit.S), T3, 0.0
    family = fit.leaf.family
    if isinstance(family, TiltedDraws):
        raise InputError(
            f"order must be 1 on a stream for a simulated model with p = {len(fit.theta)} > 400 parameters: the pairs "
            "of its draws would be too many; use order=1, or leave statistics out (prune)"
        )
    z = fit.rows(state.reading.family.raw_statistic(state.reservoir.rows))
    T1, se = sampled_mean(third_cubes(family, fit.theta, fit.inverse, z), state.n_rows)
    return T1, second_term(family, fit.theta, fit.inverse, fit.S), T3, se


def _whitener(family: ExponentialFamily, theta: FloatArray) -> FloatArray:
    if _is_normal(family):
        return np.asarray(np.linalg.inv(family.affine(theta)))  # type: ignore[attr-defined]
    return np.asarray(np.linalg.inv(cholesky_factor(family.cov(theta))), dtype=np.float64)


def _is_normal(family: ExponentialFamily) -> bool:
    return isinstance(family, MultivariateNormal)


def heavy_among(state: StreamMoments, found: MomentEvaluation) -> tuple[int, ...]:
    """Return the rows that carry more than 20 % of T0 or more than 50 % of T1, among the most extreme ones.

    Parameters
    ----------
    state : StreamMoments
        What the pass left.
    found : MomentEvaluation
        The fit.

    Returns
    -------
    tuple of int
        Positions in the data, largest share of T0 first.

    Notes
    -----
    Looked for among the 64 rows with the largest statistics, in units of the first rows. As for data in
    memory the shares of T1 are shares of the sum of absolute contributions; what the other rows add to
    that sum is estimated from the subsample.
    """
    family, extremes = state.reading.family, state.extremes
    t0, t1 = np.zeros(len(extremes.index)), np.zeros(len(extremes.index))
    usual = np.zeros(len(state.reservoir.rows))
    statistics = family.raw_statistic(extremes.rows)
    sample = family.raw_statistic(state.reservoir.rows)
    third = np.isfinite(found.raw[1])
    for fit in found.fits:
        z = fit.rows(statistics)
        t0 += np.einsum("ai,ai->a", z, z)
        if third and fit.small:
            k3 = fit.third()
            t1 += cubic_form(k3, z)
            usual += cubic_form(k3, fit.rows(sample))
        elif third:
            t1 += third_cubes(fit.leaf.family, fit.theta, fit.inverse, z)
            usual += third_cubes(fit.leaf.family, fit.theta, fit.inverse, fit.rows(sample))
    share = t0 / (state.n_rows * found.raw[0])
    heavy = share > HEAVY_T0
    if third:
        parts, rest = np.abs(t1), np.abs(usual)
        rest = rest[rest < parts.max()]  # an extreme row may be in the subsample too
        others = state.n_rows * float(rest.mean()) if rest.size else 0.0
        heavy |= parts > HEAVY_T1 * (float(parts.sum()) + others)
    rows = np.flatnonzero(heavy)
    return tuple(int(extremes.index[k]) for k in rows[np.argsort(-share[rows], kind="stable")])
