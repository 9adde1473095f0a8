"""f-divergences between tables of probabilities, from the generator table.

Every function takes (P, Q), broadcasts rows, and returns a float or an array of nats. A cell
with p = q = 0 counts nothing, a cell with p = 0 < q counts q f(0), a cell with q = 0 < p
counts p f'(inf); the answer may be inf and is never NaN. Nothing is added to a zero.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.validation import check_weights
from .generators import GENERATORS, Generator, generator
from .probability_tables import Normalize, RowPair, Rows, TableLike, in_base, read_pair, read_rows
from .table_engine import f_rows

__all__ = [
    "alpha",
    "f_divergence",
    "hellinger",
    "hockey_stick",
    "jeffreys",
    "js",
    "js_multi",
    "kl",
    "le_cam",
    "neyman",
    "pearson",
    "reverse_kl",
    "tv",
]


def f_divergence(
    P: TableLike,
    Q: TableLike,
    kind: str,
    *,
    order: float | None = None,
    weight: float = 0.5,
    gamma: float | None = None,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return any f-divergence of the generator table between rows of probabilities.

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    kind : str
        A name that `generator` knows.
    order, weight, gamma : float
        Parameter of ``alpha``, ``js`` and ``hockey_stick``, as in `generator`.
    axis : int
        Axis of the categories.
    base : float, optional
        Base of the logarithm; the result is divided by log(base).
    normalize : {"check", "yes", "no"}
        Demand row sums of 1 within 1e-8, divide by the sums, or take masses as they are.
    logits : bool
        P and Q are unnormalised log-probabilities.

    Returns
    -------
    float or ndarray
        Divergence in nats, one per row pair; may be inf.

    Raises
    ------
    InputError
        If the kind is unknown or a table is impossible; the message names the worst row.

    Notes
    -----
    D_f(P||Q) = sum q f(p/q) (Csiszár 1967), without normalisation the generalised form.

    Examples
    --------
    >>> round(f_divergence([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], "alpha", order=3), 12)
    0.386981481481
    """
    gen = generator(kind, order=order, weight=weight, gamma=gamma)
    return _value(gen, P, Q, axis, base, normalize, logits)


def _value(
    gen: Generator,
    P: TableLike,
    Q: TableLike,
    axis: int,
    base: float | None,
    normalize: Normalize,
    logits: bool,
) -> Any:
    pair = read_pair(P, Q, axis=axis, normalize=normalize, logits=logits)
    return in_base(f_rows(gen, pair), base)


class TableFunction(Protocol):
    """A divergence of two tables without a parameter of its own."""

    def __call__(
        self,
        P: TableLike,
        Q: TableLike,
        *,
        axis: int = -1,
        base: float | None = None,
        normalize: Normalize = "check",
        logits: bool = False,
    ) -> Any:
        """Return the divergence of every row pair."""
        ...  # pragma: no cover


_DOCSTRING = """Return the {title} of P from Q: {formula}.

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    axis : int
        Axis of the categories.
    base : float, optional
        Base of the logarithm; the result is divided by log(base).
    normalize : {{"check", "yes", "no"}}
        Demand row sums of 1 within 1e-8, divide by the sums, or take masses as they are.
    logits : bool
        P and Q are unnormalised log-probabilities.

    Returns
    -------
    float or ndarray
        Divergence in nats, one per row pair; may be inf.

    Raises
    ------
    InputError
        If a table is impossible; the message names the worst row.

    Notes
    -----
    f(0) = {f0:.6g} per unit of Q where P is 0, f'(inf) = {df_inf:.6g} per unit of P where Q is 0.
    {symmetry} Source of the name and scale: the generator table, ``generator("{kind}")``.

    Examples
    --------
    >>> round({kind}([0.5, 0.3, 0.2], [0.2, 0.5, 0.3]), 10)
    {example}
    """


_ORDINARY = ("Reverse", "Squared", "Total")  # first words of titles that are no proper names


def _table_function(kind: str, example: str = "") -> TableFunction:
    entry, gen = GENERATORS[kind], generator(kind)

    def table_function(
        P: TableLike,
        Q: TableLike,
        *,
        axis: int = -1,
        base: float | None = None,
        normalize: Normalize = "check",
        logits: bool = False,
    ) -> Any:
        return _value(gen, P, Q, axis, base, normalize, logits)

    table_function.__name__ = table_function.__qualname__ = kind
    table_function.__doc__ = _DOCSTRING.format(
        title=entry.title[0].lower() + entry.title[1:] if entry.title.startswith(_ORDINARY) else entry.title,
        formula=entry.formula,
        f0=gen.f0,
        df_inf=gen.df_inf,
        symmetry="Symmetric in P and Q." if entry.symmetric else "Not symmetric in P and Q.",
        kind=kind,
        example=example,
    )
    return table_function


kl = _table_function("kl", "0.2238046572")
reverse_kl = _table_function("reverse_kl", "0.1937941979")
jeffreys = _table_function("jeffreys", "0.4175988551")
pearson = _table_function("pearson", "0.5633333333")
neyman = _table_function("neyman", "0.3633333333")
hellinger = _table_function("hellinger", "0.0515249251")
le_cam = _table_function("le_cam", "0.0992857143")
tv = _table_function("tv", "0.3")


def __getattr__(name: str) -> TableFunction:
    """Make the function of an entry that came with a module of its own; one with a parameter has none."""
    if name not in GENERATORS or GENERATORS[name].parameter:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    example = round(_value(generator(name), [0.5, 0.3, 0.2], [0.2, 0.5, 0.3], -1, None, "check", False), 10)
    globals()[name] = made = _table_function(name, repr(example))  # found without this detour from now on
    return made


def js(
    P: TableLike,
    Q: TableLike,
    weight: float = 0.5,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the Jensen-Shannon divergence w kl(P, M) + (1 - w) kl(Q, M), M = w P + (1 - w) Q.

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    weight : float
        Weight w of P, in (0, 1).
    axis, base, normalize, logits
        As in `kl`.

    Returns
    -------
    float or ndarray
        Divergence in nats, at most the entropy of (w, 1 - w); log 2 at equal weights.

    Raises
    ------
    InputError
        If a table or the weight is impossible.

    Notes
    -----
    The divergence itself (Lin 1991); its square root is a metric at equal weights.
    `scipy.spatial.distance.jensenshannon` returns that root.

    Examples
    --------
    >>> round(js([0.5, 0.3, 0.2], [0.2, 0.5, 0.3]), 12)
    0.05087461254
    >>> js([1, 0], [0, 1], base=2)
    1.0
    """
    return _value(generator("js", weight=weight), P, Q, axis, base, normalize, logits)


def alpha(
    P: TableLike,
    Q: TableLike,
    order: float,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the alpha divergence (sum p^a q^(1-a) - 1)/(a(a-1)) of order a.

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    order : float
        Order a: any real number or inf. 1 is kl, 0 is reverse_kl, 2 is pearson/2, -1 is
        neyman/2 and 1/2 is 4 times hellinger.
    axis, base, normalize, logits
        As in `kl`.

    Returns
    -------
    float or ndarray
        Divergence in nats, one per row pair; may be inf.

    Raises
    ------
    InputError
        If a table or the order is impossible.

    Notes
    -----
    Continuous in the order: near 0 and 1 no digits are lost. At order inf it is 0 for equal
    rows and inf otherwise. Cressie-Read: lambda = a - 1, and
    ``scipy.stats.power_divergence(O, E, lambda_)`` is 2 n times this at O/n, E/n.

    Examples
    --------
    >>> round(alpha([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], 0.5), 12)
    0.206099700336
    """
    if isinstance(order, float) and order == math.inf:
        pair = read_pair(P, Q, axis=axis, normalize=normalize, logits=logits)
        distance = f_rows(generator("tv"), pair)
        return in_base(np.where(distance == 0.0, 0.0, np.inf), base)
    return _value(generator("alpha", order=order), P, Q, axis, base, normalize, logits)


def hockey_stick(
    P: TableLike,
    Q: TableLike,
    gamma: float,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the hockey-stick divergence sum max(p - gamma q, 0).

    Parameters
    ----------
    P, Q : array_like, Series or DataFrame
        Tables with the same categories along `axis`; the other axes broadcast.
    gamma : float
        Positive threshold; exp(epsilon) in differential privacy, 1 gives tv.
    axis, base, normalize, logits
        As in `kl`.

    Returns
    -------
    float or ndarray
        Between 0 and 1 for normalised rows.

    Raises
    ------
    InputError
        If a table or gamma is impossible.

    Notes
    -----
    A divergence for gamma >= 1 (Polyanskiy, Poor and Verdu 2010); below 1 equal rows give
    1 - gamma instead of 0.

    Examples
    --------
    >>> round(hockey_stick([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], 2), 12)
    0.1
    """
    return _value(generator("hockey_stick", gamma=gamma), P, Q, axis, base, normalize, logits)


def js_multi(
    ps: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: Normalize = "check",
    logits: bool = False,
) -> Any:
    """Return the Jensen-Shannon divergence of several distributions.

    Parameters
    ----------
    ps : array_like of shape (k, ..., K)
        One table per distribution along the first axis.
    weights : array_like of shape (k,), optional
        Non-negative weights, divided by their sum; equal if None.
    axis : int
        Axis of the categories, not the first.
    base, normalize, logits
        As in `kl`.

    Returns
    -------
    float or ndarray
        H(sum w_i P_i) - sum w_i H(P_i) in nats, between 0 and the entropy of the weights.

    Raises
    ------
    InputError
        If a table or the weights are impossible.

    Notes
    -----
    Computed as sum_i w_i kl(P_i, M) with M the mixture, which keeps the digits that the
    difference of entropies loses (Lin 1991).

    Examples
    --------
    >>> round(js_multi([[1, 0, 0], [0, 1, 0], [0, 0, 1]], base=3), 12)
    1.0
    """
    rows = read_rows("ps", ps, axis=axis, normalize=normalize, logits=logits)
    if len(rows.shape) < 1 or axis % (len(rows.shape) + 1) == 0:
        raise InputError(
            describe("ps", "tables along the first axis and categories along another", Words(f"axis={axis}"))
        )
    shares = check_weights(weights, rows.shape[0])
    masses = rows.masses
    mixture = Rows("mixture", np.tensordot(shares, masses, axes=1), np.tensordot(shares, rows.sums, axes=1))
    total = np.zeros(rows.shape[1:])
    gen = generator("kl")
    for share, mass, mass_sum in zip(shares, masses, rows.sums, strict=True):
        if share > 0.0:  # a term without weight is left out even if the mixture misses its support
            pair = RowPair(Rows("ps", mass, mass_sum), mixture, rows.shape[1:])
            total += share * f_rows(gen, pair)
    return in_base(total, base)
