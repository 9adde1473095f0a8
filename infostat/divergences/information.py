"""Entropies and informations of tables of probabilities.

Joint tables may be arrays, frames (rows by columns) or a Series with one index level per
variable. Without `axes` the variables are the last axes and leading axes are a batch; with
`axes`, numbers or names, the whole table is one joint law and the other variables are summed
out. Informations are divergences from a product, computed cell by cell from the generator of
kl, so that near independence they keep the digits that differences of entropies lose.
"""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from ..core.errors import InputError, Words, describe
from ..core.validation import FloatArray, as_plain_array, check_number
from .generators import generator
from .joint_tables import Axes, axis_names, check_axes, joint_table
from .pairs import Pair
from .probability_tables import Normalize, RowPair, TableLike, in_base, read_rows
from .table_orders import cross_entropy_rows

__all__ = [
    "conditional_entropy",
    "conditional_mutual_information",
    "entropy",
    "interaction_information",
    "mutual_information",
    "total_correlation",
]


def entropy(
    P: TableLike,
    *,
    order: float = 1,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the Rényi entropy log(sum p^a)/(1 - a), by default Shannon's -sum p log p.

    Parameters
    ----------
    P : array_like, Series or DataFrame
        Distributions along `axis`.
    order : float
        Order a >= 0: 0 is the log of the support size, 1 Shannon, inf -log max p.
    axis, base, normalize, logits
        As in `kl`.

    Returns
    -------
    float or ndarray
        Entropy in nats, one per row.

    Raises
    ------
    InputError
        If the table is impossible or the order negative.

    Notes
    -----
    Rényi (1961); non-increasing in the order.

    Examples
    --------
    >>> round(entropy([0.5, 0.3, 0.2]), 11)
    1.02965301406
    >>> entropy([0.25, 0.25, 0.25, 0.25], base=2)
    2.0
    """
    a = check_number("order", order, low=0.0, finite=False)
    rows = read_rows("P", P, axis=axis, normalize=normalize, logits=logits)
    pair = RowPair(rows, rows, rows.shape)
    return in_base(cross_entropy_rows(pair, a, exact_mass=normalize != "no" or logits), base)


def mutual_information(
    joint: TableLike, *, axes: Axes = None, base: float | None = None, normalize: Normalize = "check"
) -> Any:
    """Return the mutual information I(X;Y) of a joint table.

    Parameters
    ----------
    joint : array_like, DataFrame or Series
        Probabilities p(x, y); X and Y are the last two axes.
    axes : pair of int or str, optional
        The axes of X and Y; all other variables are summed out.
    base : float, optional
        Base of the logarithm.
    normalize : {"check", "yes", "no"}
        As in `kl`; a joint table counts as one distribution (counts: ``"yes"``).

    Returns
    -------
    float or ndarray
        Information in nats, one per leading index.

    Raises
    ------
    InputError
        If the table or the axes are impossible.

    Notes
    -----
    kl of the joint law from the product of its margins; at most the smaller entropy. As an
    estimate from counts it is biased up by about (K_x - 1)(K_y - 1)/(2n).

    Examples
    --------
    >>> round(mutual_information([[0.3, 0.1], [0.2, 0.4]]), 13)
    0.0863046217355
    """
    table = joint_table("joint", joint, 2, axes, normalize)
    return in_base(_conditional_information(table[..., None]), base)


def conditional_mutual_information(
    joint: TableLike, *, axes: Axes = None, base: float | None = None, normalize: Normalize = "check"
) -> Any:
    """Return the conditional mutual information I(X;Y|Z) of a joint table.

    Parameters
    ----------
    joint : array_like, DataFrame or Series
        Probabilities p(x, y, z); X, Y and Z are the last three axes.
    axes : three of int or str, optional
        The axes of X, Y and Z; all other variables are summed out.
    base, normalize
        As in `mutual_information`.

    Returns
    -------
    float or ndarray
        Information in nats, one per leading index.

    Raises
    ------
    InputError
        If the table or the axes are impossible.

    Notes
    -----
    sum p(x,y,z) log[p(z) p(x,y,z)/(p(x,z) p(y,z))]; values z without mass count nothing.

    Examples
    --------
    >>> xor = [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    >>> conditional_mutual_information(xor, base=2)
    1.0
    """
    return in_base(_conditional_information(joint_table("joint", joint, 3, axes, normalize)), base)


def interaction_information(
    joint: TableLike, *, axes: Axes = None, base: float | None = None, normalize: Normalize = "check"
) -> Any:
    """Return the interaction information I(X;Y) - I(X;Y|Z) of a joint table.

    Parameters
    ----------
    joint : array_like, DataFrame or Series
        Probabilities p(x, y, z); X, Y and Z are the last three axes.
    axes : three of int or str, optional
        The axes of X, Y and Z.
    base, normalize
        As in `mutual_information`.

    Returns
    -------
    float or ndarray
        Nats; positive for redundancy, negative for synergy, symmetric in the variables.

    Raises
    ------
    InputError
        If the table or the axes are impossible.

    Notes
    -----
    The opposite sign is also in use.

    Examples
    --------
    >>> xor = [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    >>> interaction_information(xor, base=2)
    -1.0
    """
    table = joint_table("joint", joint, 3, axes, normalize)
    together = _conditional_information(table.sum(axis=-1)[..., None])
    return in_base(np.asarray(together - _conditional_information(table)), base)


def total_correlation(
    joint: TableLike, *, axes: Axes = None, base: float | None = None, normalize: Normalize = "check"
) -> Any:
    """Return the total correlation: sum of the entropies of the variables minus the joint one.

    Parameters
    ----------
    joint : array_like, DataFrame or Series
        Probabilities with one axis per variable; there is no batch axis.
    axes : sequence of int or str, optional
        The variables, at least two; all axes if None.
    base, normalize
        As in `mutual_information`.

    Returns
    -------
    float
        Nats; 0 for independent variables, I(X;Y) for two.

    Raises
    ------
    InputError
        If the table or the axes are impossible.

    Notes
    -----
    kl of the joint law from the product of all margins (Watanabe 1960).

    Examples
    --------
    >>> round(total_correlation([[0.5, 0.0], [0.0, 0.5]], base=2), 12)
    1.0
    """
    n_axes = as_plain_array("joint", axis_names(joint)[0]).ndim if axes is None else len(check_axes(axes))
    if n_axes < 2:
        raise InputError(describe("joint", "a table of at least two variables", Words(f"{n_axes}")))
    table = joint_table("joint", joint, n_axes, axes, normalize)
    letters = string.ascii_letters[:n_axes]
    margins = [np.einsum(f"{letters}->{letter}", table) for letter in letters]
    mass = float(table.sum())
    product = np.einsum(",".join(letters) + "->" + letters, *margins) / mass ** (n_axes - 1)
    return in_base(np.asarray(generator("kl").cells(Pair(table, product)).sum()), base)


def conditional_entropy(
    joint: TableLike, *, axes: Axes = None, base: float | None = None, normalize: Normalize = "check"
) -> Any:
    """Return the conditional entropy H(X|Y) of a joint table.

    Parameters
    ----------
    joint : array_like, DataFrame or Series
        Probabilities p(x, y); X and Y are the last two axes.
    axes : pair of int or str, optional
        The axes of X and Y; all other variables are summed out.
    base, normalize
        As in `mutual_information`.

    Returns
    -------
    float or ndarray
        Entropy in nats, one per leading index.

    Raises
    ------
    InputError
        If the table or the axes are impossible.

    Notes
    -----
    sum p(x,y) log[p(y)/p(x,y)], a sum of non-negative terms.

    Examples
    --------
    >>> conditional_entropy([[0.25, 0.0], [0.25, 0.5]], base=2)
    0.5
    """
    table = joint_table("joint", joint, 2, axes, normalize)
    given = np.broadcast_to(table.sum(axis=-2, keepdims=True), table.shape)
    with np.errstate(all="ignore"):
        terms = np.where(table > 0.0, table * -Pair(table, given).log_ratio, 0.0)
    return in_base(np.asarray(np.abs(terms).sum(axis=(-2, -1))), base)


def _conditional_information(table: FloatArray) -> FloatArray:
    # Slices of equal z have the same mass in the joint law and in the product: generalised kl.
    x_margin, y_margin = table.sum(axis=-2, keepdims=True), table.sum(axis=-3, keepdims=True)
    given = table.sum(axis=(-3, -2), keepdims=True)
    product = x_margin * (y_margin / np.where(given > 0.0, given, 1.0))
    return np.asarray(generator("kl").cells(Pair(table, product)).sum(axis=(-3, -2, -1)))
