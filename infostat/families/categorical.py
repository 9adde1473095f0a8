"""Categorical family: one column of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import ConstantStatisticError, InputError, InputTypeError, SupportError
from ..core.validation import FloatArray, as_float_array, short
from .base import BoolArray, ExponentialFamily, Fit, NewtonReport, rows_outside
from .labels import check_levels, labels_array, labels_of
from .whitening import Nodes, Whitened, node_view

__all__ = ["Categorical"]

REGISTERED = {"categorical": "Categorical()"}

# Codes of labels that are not among the levels.
_UNKNOWN = -1.0
_SUM_TOLERANCE = 1e-9
_LARGEST = 1e300


class Categorical(ExponentialFamily):
    """Law of a label with unknown probabilities.

    Parameters
    ----------
    levels : sequence, optional
        The labels (strings, numbers, ...) in order; None takes the sorted
        distinct labels of the data. The last level is the reference.

    Notes
    -----
    Statistics are the indicators of all levels but the last, natural parameter
    ``theta_k = log(p_k/p_K)``, log-partition ``log(1 + sum exp(theta_k))``.
    A label is encoded as the position of its level. While levels are open, data
    made of the numbers 0..K-1 are read as these codes, and other data by their
    sorted distinct labels.

    Examples
    --------
    >>> family = Categorical(["low", "mid", "high"])
    >>> theta = family.natural(prob=[0.5, 0.25, 0.25])
    >>> family.mean(theta).round(12)
    array([0.5 , 0.25])
    >>> Categorical().bind(["b", "a", "b"])
    Categorical(('a', 'b'))
    """

    name = "categorical"
    title = "categorical"
    support = "its levels"
    discrete = True
    accepts_labels = True
    parameter_names = ("prob",)

    def __init__(self, levels: Sequence[Any] | None = None) -> None:
        self._levels = None if levels is None else check_levels(levels)

    @property
    def levels(self) -> tuple[Any, ...] | None:
        """The labels in order (None: taken from the data)."""
        return self._levels

    def bind(self, data: Any) -> Self:
        """Return the family with the sorted distinct labels of `data` as levels.

        Parameters
        ----------
        data : array_like
            One column of labels.

        Returns
        -------
        Categorical
            `self` if the levels are known.

        Raises
        ------
        ConstantStatisticError
            If there is only one label.
        """
        if self._levels is not None:
            return self
        found = set(labels_of(data))
        try:
            distinct = sorted(found)
        except TypeError:
            raise InputTypeError(
                f"labels must be of one kind to be sorted, got {short(found)}; "
                "pass Categorical(levels=[...]) with the order you want"
            ) from None
        if len(distinct) < 2:
            raise ConstantStatisticError(
                f"a categorical column needs two different labels, got only {short(distinct)}; "
                "drop the column"
            )
        return type(self)(distinct)

    def n_params(self, data: Any = None) -> int:
        """Return the number of levels minus one (see :class:`ExponentialFamily`)."""
        if self._levels is None and data is None:
            raise InputError(f"the levels are not known: pass data, or {_CURE}")
        return len(self.bind(data)._known()) - 1

    def _known(self) -> tuple[Any, ...]:
        if self._levels is None:
            raise InputError(f"the levels are not known: {_CURE}")
        return self._levels

    def _length_fits(self, size: int) -> bool:
        return size >= 1 if self._levels is None else size == len(self._levels) - 1

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return one label ``column=level`` per indicator (see :class:`ExponentialFamily`)."""
        return [f"{columns[0]}={level}" for level in self._known()[:-1]]

    # -------------------------------------------------------------- data side
    def encode(self, x: Any, *, check: bool = True) -> FloatArray:
        """Return the position of each label among the levels.

        Parameters
        ----------
        x : array_like
            One column of labels.
        check : bool
            Raise if there are labels that are not levels; they get -1 otherwise.

        Returns
        -------
        ndarray of shape (m,)
            Codes 0..K-1 as floats.

        Raises
        ------
        SupportError
            If `check` and some labels are unknown; the message names them.
        """
        labels = labels_of(x)
        position = {level: float(code) for code, level in enumerate(self.bind(labels)._known())}
        codes = np.fromiter((position.get(label, _UNKNOWN) for label in labels), np.float64, len(labels))
        bad = np.flatnonzero(codes == _UNKNOWN)
        if check and bad.size:
            unknown = list(dict.fromkeys(labels[i] for i in bad))
            raise SupportError(
                f"labels of the categorical family must be among {short(list(position))}; "
                f"{rows_outside(bad, len(labels))} (unknown: {short(unknown)}); "
                "add these labels to levels, or remove the rows"
            )
        return codes

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return which codes are those of a level (see :class:`ExponentialFamily`)."""
        known = (encoded >= 0.0) & (encoded == np.floor(encoded))
        return np.asarray(known if self._levels is None else known & (encoded < len(self._levels)))

    def statistic(self, x: Any) -> FloatArray:
        """Return the indicators of all levels but the last (see :class:`ExponentialFamily`)."""
        bound = self.bind(x)
        return bound._statistic(bound.encode(x))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return _indicators(encoded, len(self._known()))

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        return np.zeros(len(encoded))

    # ------------------------------------------------------------- model side
    def log_partition(self, theta: ArrayLike) -> float:
        """Return ``log(1 + sum exp(theta_k))`` (see :class:`ExponentialFamily`)."""
        return _log_partition(self.check_theta(theta))

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        p = _probabilities(theta)[:-1]
        if order == 1:
            return p
        if order == 2:
            return np.asarray(np.diag(p) - np.outer(p, p))
        return _third(p) if order == 3 else _fourth(p)

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return the fourth cumulants contracted with S twice, from the K points of the law.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.
        S : ndarray of shape (p, p)
            Symmetric matrix.

        Returns
        -------
        float
            ``E[(x'Sx)^2] - (tr SC)^2 - 2 tr(SCSC)`` for the centred indicators x with covariance C.
        """
        prob = _probabilities(self.check_theta(theta))
        centred = _indicators(np.arange(len(prob), dtype=np.float64), len(prob)) - prob[:-1]
        quadratic = np.einsum("bi,bi->b", centred @ S, centred)
        product = S @ (centred.T @ (centred * prob[:, None]))
        return float(prob @ quadratic**2 - np.trace(product) ** 2 - 2.0 * np.sum(product * product.T))

    def nodes(self, theta: ArrayLike) -> Nodes:
        """Return the codes of the levels with their probabilities.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Nodes
            Codes 0..K-1.
        """
        prob = _probabilities(self.check_theta(theta))
        return Nodes(np.arange(len(prob), dtype=np.float64), prob)

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the model in whitened coordinates, from its K points.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Whitened
            Whitened view.
        """
        nodes = self.nodes(theta)
        n_levels = len(nodes.points)
        return node_view(lambda codes: _indicators(codes, n_levels), nodes.points, nodes.weights)

    # ------------------------------------------------------------- projection
    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        # The last frequency is a difference: below a few roundings it is an empty level.
        last = 1.0 - float(eta.sum())
        if last <= 4.0 * len(eta) * np.finfo(float).eps:
            last = 0.0
        return NewtonReport(self._log_ratios(np.append(eta, last)))

    def _log_ratios(self, frequency: FloatArray) -> FloatArray:
        empty = np.flatnonzero(~(frequency > 0.0))
        if empty.size:
            names = range(len(frequency)) if self._levels is None else self._levels
            listed = ", ".join(repr(names[i]) for i in empty[:10])
            more = ", ..." if empty.size > 10 else ""
            raise self.boundary(
                f"no observations have the level {listed}{more}; merge or drop levels that do not occur"
            )
        return np.asarray(np.log(frequency[:-1]) - np.log(frequency[-1]))

    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit by the weighted frequencies (see :class:`ExponentialFamily`)."""
        counts = np.bincount(encoded.astype(np.intp), weights=weights, minlength=len(self._known()))
        frequency = np.asarray(counts, dtype=np.float64)
        theta = self._log_ratios(frequency)
        return Fit(theta, np.asarray(frequency[:-1]), self.whitened(theta), NewtonReport(theta))

    # ------------------------------------------------- conversions and sampling
    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        prob = as_float_array("prob", params["prob"], ndim=1)
        n_levels = None if self._levels is None else len(self._levels)
        if prob.size < 2 or n_levels not in (None, prob.size):
            needed = "at least 2" if n_levels is None else str(n_levels)
            raise InputError(f"prob must hold the probabilities of all levels ({needed}), got {prob.size}")
        if not (prob > 0.0).all() or abs(float(prob.sum()) - 1.0) > _SUM_TOLERANCE:
            raise InputError(
                f"prob must be positive numbers of sum one, got {short(prob.tolist())}; "
                "divide by the sum and drop levels of probability zero"
            )
        return np.asarray(np.log(prob[:-1]) - np.log(prob[-1]))

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``prob`` of all K levels (see :class:`ExponentialFamily`)."""
        return {"prob": _probabilities(self.check_theta(theta))}

    def logpdf(self, x: Any, theta: ArrayLike) -> FloatArray:
        """Return the log probability of each label.

        Parameters
        ----------
        x : array_like
            Labels; unknown ones get ``-inf``.
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        ndarray of shape (m,)
            Log probabilities in nats.
        """
        parameter = self.check_theta(theta)
        bound = self._for_model(x, len(parameter) + 1)
        codes = bound.encode(x, check=False)
        log_prob = np.append(parameter, 0.0) - _log_partition(parameter)
        return np.where(codes == _UNKNOWN, -np.inf, log_prob[codes.astype(np.intp)])

    def _in_domain(self, theta: FloatArray) -> bool:
        return bool(np.abs(theta).max() < _LARGEST)  # differences of entries must be floats

    def _for_model(self, x: Any, n_levels: int) -> Categorical:
        """Return the family with levels that fit a parameter of K levels."""
        if self._levels is not None:
            return self
        distinct = set(labels_of(x))
        if distinct <= set(range(n_levels)):
            return Categorical(range(n_levels))
        if len(distinct) != n_levels:
            raise InputError(
                f"theta belongs to {n_levels} levels, but the data have {len(distinct)} labels; {_CURE}"
            )
        return self.bind(x)

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        log_prob = np.append(theta, 0.0) - _log_partition(theta)
        return np.asarray(log_prob[encoded.astype(np.intp)])

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        prob = _probabilities(theta)
        codes = generator.choice(len(prob), size=size, p=prob / prob.sum())
        return codes if self._levels is None else labels_array(self._levels)[codes]

    def _settings(self) -> tuple[Any, ...]:
        return (self._levels,)


_CURE = "build Categorical(levels=[...]) or call bind(data) first"


def _indicators(codes: FloatArray, n_levels: int) -> FloatArray:
    return np.asarray(codes[:, None] == np.arange(n_levels - 1), dtype=np.float64)


def _log_partition(theta: FloatArray) -> float:
    top = max(0.0, float(theta.max()))
    return top + float(np.log(np.exp(-top) + np.exp(theta - top).sum()))


def _probabilities(theta: FloatArray) -> FloatArray:
    return np.exp(np.append(theta, 0.0) - _log_partition(theta))


def _third(p: FloatArray) -> FloatArray:
    """Third joint cumulants of the indicators of a single draw."""
    diagonal = np.diag(p)
    out = 2.0 * np.einsum("i,j,k->ijk", p, p, p)
    for pattern in ("ij,k->ijk", "ik,j->ijk", "jk,i->ijk"):
        out -= np.einsum(pattern, diagonal, p)
    every = np.arange(len(p))
    out[every, every, every] += p
    return np.asarray(out)


def _fourth(p: FloatArray) -> FloatArray:
    """Fourth joint cumulants of the indicators of a single draw."""
    diagonal = np.diag(p)
    every = np.arange(len(p))
    cube = np.zeros((len(p),) * 3)
    cube[every, every, every] = p
    out = -6.0 * np.einsum("i,j,k,l->ijkl", p, p, p, p)
    for pair in ("ij,k,l", "ik,j,l", "il,j,k", "jk,i,l", "jl,i,k", "kl,i,j"):
        out += 2.0 * np.einsum(f"{pair}->ijkl", diagonal, p, p)
    for pairs in ("ij,kl", "ik,jl", "il,jk"):
        out -= np.einsum(f"{pairs}->ijkl", diagonal, diagonal)
    for triple in ("ijk,l", "ijl,k", "ikl,j", "jkl,i"):
        out -= np.einsum(f"{triple}->ijkl", cube, p)
    out[every, every, every, every] += p
    return np.asarray(out)
