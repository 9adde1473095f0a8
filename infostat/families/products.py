"""Products of columns: the statistics of a tilted base."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..core.errors import CollinearStatisticsError, InputError, InputTypeError
from ..core.validation import FloatArray, check_count, short
from .rows import entries_of

__all__ = ["check_products", "monomials", "product_names"]

_MAX_PRODUCTS = 400  # the tensor of third cumulants has the cube of this many numbers


def monomials(x: FloatArray, products: Sequence[Sequence[int]]) -> FloatArray:
    """Return the products of columns that are the statistics of a tilted base.

    Parameters
    ----------
    x : ndarray of shape (m, d)
        Rows.
    products : sequence of sequences of int
        Column indices of each statistic; an index may repeat.

    Returns
    -------
    ndarray of shape (m, p)
        Statistics.

    Examples
    --------
    >>> monomials(np.array([[2.0, 3.0]]), [(0,), (0, 1), (1, 1)])
    array([[2., 6., 9.]])
    """
    out = np.empty((len(x), len(products)))
    columns = np.ascontiguousarray(x.T)
    for k, product in enumerate(products):
        value = columns[product[0]].copy()
        for index in product[1:]:
            value *= columns[index]
        out[:, k] = value
    return out


def check_products(products: Iterable[Sequence[int]], d: int) -> tuple[tuple[int, ...], ...]:
    """Return products of columns as tuples, or raise.

    Parameters
    ----------
    products : iterable of sequences of int
        Column indices of each statistic.
    d : int
        Number of columns.

    Returns
    -------
    tuple of tuple of int
        The products in their order.

    Raises
    ------
    InputError
        For indices out of range, no product or too many.
    CollinearStatisticsError
        If two products are the same statistic.

    Examples
    --------
    >>> check_products([(0, 1), [1, 1]], 2)
    ((0, 1), (1, 1))
    """
    found: list[tuple[int, ...]] = []
    for product in entries_of(products, "products", "a sequence of tuples of column indices"):
        if not isinstance(product, (tuple, list)) or not len(product):
            raise InputTypeError(
                f"products must hold tuples of column indices such as (0, 1), got {short(product)}"
            )
        found.append(tuple(check_count("indices in products", index, high=d - 1) for index in product))
    if not 1 <= len(found) <= _MAX_PRODUCTS:
        raise InputError(f"products must hold 1 to {_MAX_PRODUCTS} statistics, got {len(found)}")
    seen: dict[tuple[int, ...], tuple[int, ...]] = {}
    for product in found:
        same = seen.setdefault(tuple(sorted(product)), product)
        if same is not product:
            raise CollinearStatisticsError(f"products must be different statistics, got {same} and {product}")
    return tuple(found)


def product_names(products: Sequence[Sequence[int]], columns: Sequence[str]) -> list[str]:
    """Return labels such as ``a*b`` and ``a^2*c``.

    Parameters
    ----------
    products : sequence of sequences of int
        Column indices of each statistic.
    columns : sequence of str
        Column labels.

    Returns
    -------
    list of str
        One label per statistic.

    Examples
    --------
    >>> product_names([(0, 1), (1, 1, 0)], ["a", "b"])
    ['a*b', 'b^2*a']
    """
    return ["*".join(_powers(product, columns)) for product in products]


def _powers(product: Sequence[int], columns: Sequence[str]) -> list[str]:
    return [
        str(columns[j]) + (f"^{product.count(j)}" if product.count(j) > 1 else "")
        for j in dict.fromkeys(product)
    ]
