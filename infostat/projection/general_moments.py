"""Moments of a log density and its derivatives, accumulated over blocks of rows.

A route (:mod:`general_routes`) turns observations into derivatives at the projection, block by block,
so that the n p^2 numbers of all Hessians are never held together. The fourth derivatives enter only
through two contractions, the third derivatives of single observations only through ``t(S)`` and
``t(P)``; no array has more than three axes of length p, apart from the rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ..core.validation import FloatArray
from .general_terms import DataMoments, ModelMoments

__all__ = ["Block", "HighBlock", "Metric", "Route", "Rows", "data_moments", "low_moments", "model_moments"]

BLOCK_NUMBERS = 1 << 21  # doubles per array of a block: 16 MB


@dataclass(frozen=True)
class Rows:
    """Observations with weights: data, or nodes of the model.

    Attributes
    ----------
    points : object
        What the route understands; an array for callables.
    weights : ndarray of shape (m,)
        Weights, of sum one unless this is a part.
    """

    points: Any
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.weights)

    def parts(self, length: int) -> Iterator[Rows]:
        """Yield consecutive parts of at most `length` rows.

        Parameters
        ----------
        length : int
            Rows in a part.

        Yields
        ------
        Rows
            The parts in order.
        """
        for start in range(0, len(self), length):
            piece = slice(start, start + length)
            yield Rows(self.points[piece], self.weights[piece])


@dataclass(frozen=True)
class Block:
    """First and second derivatives of the log density of some rows.

    Attributes
    ----------
    weights : ndarray of shape (m,)
        Row weights.
    score : ndarray of shape (m, p)
        First derivatives.
    hessian : ndarray of shape (m, p, p)
        Second derivatives.
    """

    weights: FloatArray
    score: FloatArray
    hessian: FloatArray


@dataclass(frozen=True)
class HighBlock(Block):
    """Derivatives up to the fourth, as far as they are needed.

    Attributes
    ----------
    third_S, third_P : ndarray of shape (m, p)
        Third derivatives of each row contracted with S and with P.
    third : ndarray of shape (p, p, p)
        Third derivatives, weighted sum over the rows.
    fourth_SS, fourth_PS : float
        Fourth derivatives contracted with S, S and with P, S, weighted sum over the rows.
    """

    third_S: FloatArray
    third_P: FloatArray
    third: FloatArray
    fourth_SS: float
    fourth_PS: float


@dataclass(frozen=True)
class Metric:
    """The two matrices that third and fourth derivatives are contracted with.

    Attributes
    ----------
    S, P : ndarray of shape (p, p)
        ``V K V`` and the symmetric part of ``V I S``.
    """

    S: FloatArray
    P: FloatArray


class Route(ABC):
    """Derivatives of a log density at ``theta + basis @ phi``, with respect to phi, at phi = 0.

    Attributes
    ----------
    theta : ndarray of shape (p,)
        Where the derivatives are taken.
    basis : ndarray of shape (p, p)
        Columns are the coordinate directions.
    exact : bool
        Whether the derivatives carry rounding errors only.
    """

    exact: bool = True

    def __init__(self, theta: FloatArray, basis: FloatArray) -> None:
        self.theta, self.basis = theta, basis

    @property
    def p(self) -> int:
        """Number of parameters."""
        return len(self.theta)

    @abstractmethod
    def at(self, theta: FloatArray, basis: FloatArray) -> Self:
        """Return the route at another parameter, in other coordinates.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Parameter.
        basis : ndarray of shape (p, p)
            Coordinate directions.

        Returns
        -------
        Route
            A new route.
        """

    @abstractmethod
    def log_density(self, rows: Rows, theta: FloatArray) -> FloatArray:
        """Return the log density of rows at any parameter.

        Parameters
        ----------
        rows : Rows
            Observations.
        theta : ndarray of shape (p,)
            Parameter.

        Returns
        -------
        ndarray of shape (m,)
            Nats; -inf is a value.
        """

    @abstractmethod
    def low(self, rows: Rows) -> Iterator[Block]:
        """Yield first and second derivatives.

        Parameters
        ----------
        rows : Rows
            Observations.

        Yields
        ------
        Block
            Consecutive rows.
        """

    @abstractmethod
    def high(self, rows: Rows, metric: Metric) -> Iterator[HighBlock]:
        """Yield derivatives up to the fourth.

        Parameters
        ----------
        rows : Rows
            Observations.
        metric : Metric
            In the coordinates of the route.

        Yields
        ------
        HighBlock
            Consecutive rows.
        """

    def model(self, rows: Rows, metric: Metric | None) -> ModelMoments:
        """Return the moments under the model, given its nodes.

        Parameters
        ----------
        rows : Rows
            Nodes of the model with their probabilities.
        metric : Metric or None
            None for first-order quantities only.

        Returns
        -------
        ModelMoments
            In the coordinates of the route.
        """
        return model_moments(self, rows, metric)

    def with_step(self, factor: float) -> Self:
        """Return the route with steps longer by a factor; exact routes have no steps.

        Parameters
        ----------
        factor : float
            Multiplies the step.

        Returns
        -------
        Route
            A new route, or this one.
        """
        return self


def low_moments(route: Route, rows: Rows) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the mean score, its second moment K and ``J = -mean Hessian``.

    Parameters
    ----------
    route : Route
        Source of derivatives.
    rows : Rows
        Observations.

    Returns
    -------
    score, K, J : ndarray of shape (p,), (p, p) and (p, p)
        In the coordinates of the route.
    """
    p = route.p
    score, K, J = np.zeros(p), np.zeros((p, p)), np.zeros((p, p))
    for block in route.low(rows):
        weighted = block.weights[:, None] * block.score
        score += weighted.sum(axis=0)
        K += weighted.T @ block.score
        J -= np.tensordot(block.weights, block.hessian, axes=1)
    return score, 0.5 * (K + K.T), 0.5 * (J + J.T)


def data_moments(
    route: Route, rows: Rows, J: FloatArray, K: FloatArray, metric: Metric
) -> tuple[DataMoments, FloatArray, FloatArray]:
    """Return the moments of the data that the second order needs.

    Parameters
    ----------
    route : Route
        Source of derivatives.
    rows : Rows
        Observations.
    J, K : ndarray of shape (p, p)
        From :func:`low_moments`.
    metric : Metric
        S and P.

    Returns
    -------
    moments : DataMoments
        Means over the rows.
    influence : ndarray of shape (m, p)
        ``a = V l_i`` of each row.
    bent : ndarray of shape (m, p)
        ``B a`` of each row.
    """
    p = route.p
    V = np.linalg.inv(J)
    A3, B1, H3 = (np.zeros((p, p, p)) for _ in range(3))
    BA, BSB, BB, TS = (np.zeros((p, p)) for _ in range(4))
    tP = fourth_SS = fourth_PS = 0.0
    influence, bent = [], []
    for block in route.high(rows, metric):
        a = block.score @ V
        weighted = block.weights[:, None] * a
        B = V @ (block.hessian + J)
        Ba = (B @ a[:, :, None])[:, :, 0]
        heavy = block.weights[:, None, None] * B
        A3 += np.tensordot(a[:, :, None] * a[:, None, :], weighted, axes=(0, 0))
        B1 += np.tensordot(B, weighted, axes=(0, 0))
        BA += weighted.T @ Ba
        BSB += np.tensordot(heavy @ metric.S, B, axes=([0, 2], [0, 2]))
        BB += np.tensordot(heavy, B, axes=([0, 2], [0, 1]))
        TS += weighted.T @ block.third_S
        tP += float(np.sum(weighted * block.third_P))
        H3 += block.third
        fourth_SS += block.fourth_SS
        fourth_PS += block.fourth_PS
        influence.append(a)
        bent.append(Ba)
    found = DataMoments(J, K, H3, A3, BA, BSB, BB, B1, TS, tP, fourth_SS, fourth_PS)
    return found, np.concatenate(influence), np.concatenate(bent)


def model_moments(route: Route, rows: Rows, metric: Metric | None) -> ModelMoments:
    """Return moments under the model, over its nodes.

    Parameters
    ----------
    route : Route
        Source of derivatives.
    rows : Rows
        Nodes with their probabilities.
    metric : Metric or None
        None for first-order quantities only.

    Returns
    -------
    ModelMoments
        In the coordinates of the route.
    """
    total: ModelMoments | None = None
    for block in route.low(rows) if metric is None else route.high(rows, metric):
        weighted = block.weights[:, None] * block.score
        part = ModelMoments(
            weighted.sum(axis=0), weighted.T @ block.score, np.tensordot(block.weights, block.hessian, axes=1)
        )
        if isinstance(block, HighBlock) and metric is not None:
            pairs = block.score[:, :, None] * block.score[:, None, :]
            reverse = reverse_fourth(block.score, block.hessian, block.third_S, metric.S)
            part = replace(
                part,
                third=block.third,
                mixed=np.tensordot(block.hessian, weighted, axes=(0, 0)),
                cubes=np.tensordot(pairs, weighted, axes=(0, 0)),
                H4_SS=block.fourth_SS,
                R4_SS=float(block.weights @ reverse),
            )
        total = part if total is None else total.combined(part)
    assert total is not None
    return total


def reverse_fourth(
    score: FloatArray, hessian: FloatArray, third_S: FloatArray, S: FloatArray
) -> FloatArray:
    """Return what each row adds to the fourth derivative of the reverse divergence, contracted with S, S.

    Parameters
    ----------
    score : ndarray of shape (m, p)
        ``l_i``.
    hessian : ndarray of shape (m, p, p)
        ``l_ij``.
    third_S : ndarray of shape (m, p)
        ``l_kij S_ij``.
    S : ndarray of shape (p, p) or (m, p, p)
        The metric, of all rows or of each.

    Returns
    -------
    ndarray of shape (m,)
        Contributions.

    Notes
    -----
    With ``r_ij = l_ij + l_i l_j`` and ``r_ijk = l_ijk + (l_ij l_k, 3 terms) + l_i l_j l_k``, the
    derivative is ``(E r_ijk l_l, 4 terms) + (E r_ij r_kl, 3 terms) - (E r_ij l_k l_l, 6 terms) +
    2 E l_i l_j l_k l_l``.
    """
    column = score[:, :, None]
    Sl = (S @ column)[:, :, 0]
    square = np.sum(score * Sl, axis=1)
    r = hessian + column * score[:, None, :]
    rS = r @ S
    trace = np.einsum("mii->m", rS)
    Sr3 = (
        third_S
        + (trace - square)[:, None] * score
        + 2.0 * (hessian @ Sl[:, :, None])[:, :, 0]
        + square[:, None] * score
    )
    twisted = np.sum(Sl * (r @ Sl[:, :, None])[:, :, 0], axis=1)
    return np.asarray(
        4.0 * np.sum(Sr3 * Sl, axis=1)
        + trace**2
        + 2.0 * np.einsum("mij,mji->m", rS, rS)
        - 2.0 * trace * square
        - 4.0 * twisted
        + 2.0 * square**2
    )
