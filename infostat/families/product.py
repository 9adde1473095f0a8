"""Product family: independent blocks of columns, each with a family of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import BoundaryProjectionError, InputError, InputTypeError, SupportError
from ..core.validation import FloatArray, short
from .base import BoolArray, ExponentialFamily, Fit, NewtonReport
from .registry import get_family
from .rows import data_shape, entries_of
from .whitening import Nodes, Whitened, node_grid

__all__ = ["Component", "ProductFamily"]

REGISTERED = {"product": "ProductFamily(families)"}

_MAX_NODES = 20_000


class Component(NamedTuple):
    """One block of a product family.

    Attributes
    ----------
    family : ExponentialFamily
        Law of the block.
    columns : slice
        Its data columns.
    theta : slice
        Its natural parameters within the concatenated vector.
    """

    family: ExponentialFamily
    columns: slice
    theta: slice


class ProductFamily(ExponentialFamily):
    """Independent blocks of columns, each following its own exponential family.

    Parameters
    ----------
    families : sequence
        Families (objects, classes or names) in the order of the columns. A
        univariate family takes one column; a multivariate one takes as many as
        its `n_vars`, which at most one of them may leave open.

    Notes
    -----
    Density ``prod_b p_b(x_b)``: theta and the statistics are concatenated,
    log-partitions add, joint cumulants are block-diagonal. The data need not be
    independent; only the model is.

    Examples
    --------
    >>> family = ProductFamily(["normal", "gamma"])
    >>> theta = family.natural(components=[{"mean": 0, "var": 1}, {"shape": 2, "rate": 1}])
    >>> theta
    array([ 0. , -0.5,  2. , -1. ])
    >>> [(block.family.name, block.theta) for block in family.components]
    [('normal', slice(0, 2, None)), ('gamma', slice(2, 4, None))]
    """

    name = "product"
    title = "product"
    support = "the product of the supports of its components"
    parameter_names = ("components",)
    accepts_labels = True

    def __init__(self, families: Iterable[Any]) -> None:
        required = "a sequence of names or family objects"
        self._families = tuple(get_family(family) for family in entries_of(families, "families", required))
        if not self._families:
            raise InputError("families must hold at least one family, got none")
        n_open = sum(family.n_columns is None for family in self._families)
        if n_open > 1:
            raise InputError(
                f"at most one component may take its number of columns from the data, got {n_open}; "
                "set n_vars on the others"
            )

    # ------------------------------------------------------------------ shape
    @property
    def families(self) -> tuple[ExponentialFamily, ...]:
        """The component families in the order of the columns."""
        return self._families

    @property
    def components(self) -> tuple[Component, ...]:
        """The blocks with their columns and parameters; sizes must be known (see :meth:`bind`)."""
        widths = [_width(family) for family in self._families]
        sizes = [family.n_params() for family in self._families]
        return tuple(map(Component, self._families, _slices(widths), _slices(sizes)))

    @property
    def n_columns(self) -> int | None:
        """Total number of columns (None while a component leaves it open)."""
        widths = [family.n_columns for family in self._families]
        known = [width for width in widths if width is not None]
        return sum(known) if len(known) == len(widths) else None

    def bind(self, data: Any) -> Self:
        """Return the product with open sizes and levels taken from the columns of `data`.

        Parameters
        ----------
        data : DataFrame or array_like of shape (n_obs, n_columns)
            The data to be analysed.

        Returns
        -------
        ProductFamily
            `self` if nothing was left open.

        Raises
        ------
        InputError
            If the number of columns does not fit.
        """
        blocks = self._blocks(data)
        bound = tuple(family.bind(block) for family, block in zip(self._families, blocks, strict=True))
        return self if bound == self._families else type(self)(bound)

    def n_params(self, data: Any = None) -> int:
        """Return the total number of parameters (see :class:`ExponentialFamily`)."""
        if data is None:
            return sum(family.n_params() for family in self._families)
        blocks = self._blocks(data)
        return sum(family.n_params(block) for family, block in zip(self._families, blocks, strict=True))

    def statistic_names(self, columns: Sequence[str]) -> list[str]:
        """Return the labels of all components (see :class:`ExponentialFamily`)."""
        return [
            label
            for family, part in zip(self._families, self._column_slices(len(columns)), strict=True)
            for label in family.statistic_names(columns[part])
        ]

    def _column_slices(self, n_columns: int) -> list[slice]:
        """Columns of each component in a table with `n_columns` columns."""
        widths = [family.n_columns for family in self._families]
        known = sum(width for width in widths if width is not None)
        spare = n_columns - known
        if spare < 0 or (spare > 0) != (None in widths):
            needed = f"at least {known + 1}" if None in widths else str(known)
            raise InputError(
                f"data for this product family must have {needed} columns, got {n_columns}; "
                f"components: {', '.join(family.title for family in self._families)}"
            )
        return _slices([spare if width is None else width for width in widths])

    def _blocks(self, data: Any) -> list[Any]:
        """Split a table into the data of each component."""
        if not hasattr(data, "iloc"):
            # A list of mixed rows would become an array of strings without dtype=object.
            if not isinstance(data, np.ndarray):
                data_shape(data)
                data = np.array(data, dtype=object)
        if data.ndim == 1 and self.n_columns == 1:
            return [data]
        if data.ndim != 2:
            raise InputError(
                "data for a product family must be a table with one row per observation, "
                f"got shape {data.shape}"
            )
        parts = self._column_slices(data.shape[1])
        return [data.iloc[:, part] if hasattr(data, "iloc") else data[:, part] for part in parts]

    # -------------------------------------------------------------- data side
    def encode(self, x: Any, *, check: bool = True) -> FloatArray:
        """Return the table as floats, each block encoded by its family.

        Parameters
        ----------
        x : DataFrame or array_like of shape (m, n_columns)
            Data; label columns of categorical components are turned into codes.
        check : bool
            Raise if rows lie outside the support.

        Returns
        -------
        ndarray of shape (m, n_columns)
            Encoded table.

        Raises
        ------
        SupportError
            If `check` and some rows are outside the support of a component.
        """
        encoded = []
        for position, (family, block) in enumerate(zip(self._families, self._blocks(x), strict=True)):
            try:
                part = family.encode(block, check=check)
            except SupportError as error:
                raise SupportError(f"component {position} of the product family: {error}") from None
            encoded.append(part.reshape(len(part), -1))
        return np.hstack(encoded)

    def _shape(self, array: FloatArray) -> FloatArray:
        return array.reshape(len(array), -1)

    def in_support(self, encoded: FloatArray) -> BoolArray:
        """Return which rows lie in the support of every component (see :class:`ExponentialFamily`)."""
        inside = np.ones(len(encoded), dtype=np.bool_)
        for family, part in zip(self._families, self._column_slices(encoded.shape[1]), strict=True):
            inside &= family.in_support(_cut(family, encoded, part))
        return inside

    def statistic(self, x: Any) -> FloatArray:
        """Return the statistics of all components side by side (see :class:`ExponentialFamily`)."""
        bound = self.bind(x)
        return bound._statistic(bound.encode(x))

    def _statistic(self, encoded: FloatArray) -> FloatArray:
        return np.hstack([b.family._statistic(_cut(b.family, encoded, b.columns)) for b in self.components])

    def _log_base(self, encoded: FloatArray) -> FloatArray:
        parts = [b.family._log_base(_cut(b.family, encoded, b.columns)) for b in self.components]
        return np.asarray(np.sum(parts, axis=0))

    # ------------------------------------------------------------- model side
    def _in_domain(self, theta: FloatArray) -> bool:
        return all(b.family._in_domain(theta[b.theta]) for b in self.components)

    def log_partition(self, theta: ArrayLike) -> float:
        """Return the sum of the components' log-partitions (see :class:`ExponentialFamily`)."""
        parameter = self.check_theta(theta)
        return sum(b.family.log_partition(parameter[b.theta]) for b in self.components)

    def _cumulants(self, theta: FloatArray, order: int) -> FloatArray:
        return _block_diagonal([b.family.cumulants(theta[b.theta], order) for b in self.components], order)

    def contract_fourth(self, theta: FloatArray, S: FloatArray) -> float:
        """Return the sum of the components' contractions with their blocks of S.

        Parameters
        ----------
        theta : ndarray of shape (p,)
            Natural parameter.
        S : ndarray of shape (p, p)
            Symmetric matrix.

        Returns
        -------
        float
            The contraction of the fourth cumulants with S, twice.
        """
        parameter = self.check_theta(theta)
        return sum(
            b.family.contract_fourth(parameter[b.theta], S[b.theta, b.theta]) for b in self.components
        )

    def nodes(self, theta: ArrayLike) -> Nodes | None:
        """Return the grid of the components' nodes.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Nodes or None
            None if a component has no nodes or the grid exceeds 20 000 points.
        """
        parameter = self.check_theta(theta)
        found = [b.family.nodes(parameter[b.theta]) for b in self.components]
        pairs = [(_as_columns(n.points), n.weights) for n in found if n is not None]
        grid = node_grid(pairs, _MAX_NODES) if len(pairs) == len(found) else None
        return None if grid is None else Nodes(*grid)

    def whitened(self, theta: ArrayLike) -> Whitened:
        """Return the components' whitened views side by side.

        Parameters
        ----------
        theta : array_like of shape (p,)
            Natural parameter.

        Returns
        -------
        Whitened
            Whitened view.
        """
        parameter = self.check_theta(theta)
        return self._join([b.family.whitened(parameter[b.theta]) for b in self.components])

    def _join(self, views: Sequence[Whitened]) -> Whitened:
        blocks = self.components

        def rows(encoded: FloatArray) -> FloatArray:
            return np.hstack(
                [v.rows(_cut(b.family, encoded, b.columns)) for b, v in zip(blocks, views, strict=True)]
            )

        def fourth(S: FloatArray) -> float:
            return sum(v.fourth(S[b.theta, b.theta]) for b, v in zip(blocks, views, strict=True))

        def nodes() -> tuple[FloatArray, FloatArray] | None:
            found = [view.nodes() for view in views]
            pairs = [pair for pair in found if pair is not None]
            return node_grid(pairs, _MAX_NODES) if len(pairs) == len(found) else None

        return Whitened(
            p=sum(view.p for view in views),
            rows=rows,
            third=lambda: _block_diagonal([view.third() for view in views], 3),
            fourth=fourth,
            nodes=nodes,
        )

    # ------------------------------------------------------------- projection
    def _each(self, solve: Callable[[Component], Any]) -> list[Any]:
        """Apply `solve` to every block; an error says which block it comes from."""
        out = []
        for position, block in enumerate(self.components):
            try:
                out.append(solve(block))
            except BoundaryProjectionError as error:
                raise BoundaryProjectionError(
                    f"component {position} of the product family: {error}"
                ) from None
        return out

    def _solve(self, eta: FloatArray, start: FloatArray | None) -> NewtonReport:
        reports = self._each(
            lambda b: b.family.solve(eta[b.theta], None if start is None else start[b.theta])
        )
        return _merge(reports)

    def fit(self, encoded: FloatArray, weights: FloatArray, start: FloatArray | None = None) -> Fit:
        """Fit every component to its columns (see :class:`ExponentialFamily`)."""
        fits: list[Fit] = self._each(
            lambda b: b.family.fit(
                _cut(b.family, encoded, b.columns), weights, None if start is None else start[b.theta]
            )
        )
        report = _merge([part.report for part in fits])
        eta = np.concatenate([part.eta for part in fits])
        return Fit(report.theta, eta, self._join([part.whitened for part in fits]), report)

    # ------------------------------------------------- conversions and sampling
    def _natural(self, params: Mapping[str, Any]) -> FloatArray:
        given = params["components"]
        if not isinstance(given, Sequence) or len(given) != len(self._families):
            raise InputError(
                f"components must be a list of {len(self._families)} dictionaries, one per family, "
                f"got {short(given)}"
            )
        for entry in given:
            if not isinstance(entry, Mapping):
                raise InputTypeError(f"each entry of components must be a dictionary, got {short(entry)}")
        return np.concatenate(
            [family.natural(**entry) for family, entry in zip(self._families, given, strict=True)]
        )

    def params(self, theta: ArrayLike) -> dict[str, Any]:
        """Return ``components``, a list with the parameters of each (see :class:`ExponentialFamily`)."""
        parameter = self.check_theta(theta)
        return {"components": [b.family.params(parameter[b.theta]) for b in self.components]}

    def _logpdf(self, encoded: FloatArray, theta: FloatArray) -> FloatArray:
        # Each component has its own form that avoids cancellation.
        parts = [
            b.family._logpdf(_cut(b.family, encoded, b.columns), theta[b.theta]) for b in self.components
        ]
        return np.asarray(np.sum(parts, axis=0))

    def _sample(self, theta: FloatArray, size: int, generator: np.random.Generator) -> NDArray[Any]:
        drawn = [
            _as_columns(b.family._sample(theta[b.theta], size, generator)) for b in self.components
        ]
        if all(np.issubdtype(part.dtype, np.number) for part in drawn):
            return np.hstack(drawn)
        # Label columns keep their type beside numbers only in an object table.
        return np.hstack([part.astype(object) for part in drawn])

    def _settings(self) -> tuple[Any, ...]:
        return (self._families,)

    def __repr__(self) -> str:
        return f"ProductFamily({list(self._families)!r})"


def _width(family: ExponentialFamily) -> int:
    if family.n_columns is None:
        raise InputError(
            f"the number of columns of the {family.title} component is not known: "
            "set its n_vars, or call bind(data) first"
        )
    return family.n_columns


def _slices(widths: Sequence[int]) -> list[slice]:
    ends = list(accumulate(widths))
    return [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]


def _cut(family: ExponentialFamily, encoded: FloatArray, columns: slice) -> FloatArray:
    """Columns of one component in the shape its family expects: (m,) if univariate."""
    return family._shape(encoded[:, columns])


def _as_columns(points: NDArray[Any]) -> NDArray[Any]:
    return points[:, None] if points.ndim == 1 else points


def _block_diagonal(blocks: Sequence[FloatArray], order: int) -> FloatArray:
    parts = _slices([len(block) for block in blocks])
    out = np.zeros((parts[-1].stop,) * order)
    for block, part in zip(blocks, parts, strict=True):
        out[(part,) * order] = block
    return out


def _merge(reports: Sequence[NewtonReport]) -> NewtonReport:
    closed = all(report.method == "closed form" for report in reports)
    return NewtonReport(
        np.concatenate([report.theta for report in reports]),
        sum(report.n_iter for report in reports),
        "closed form" if closed else "newton",
        all(report.converged for report in reports),
    )
