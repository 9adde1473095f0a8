"""The words of tables: one label for one quantity, in every wing.

A result that describes its own tables writes its labels itself; what it leaves to its field
names is said with the words of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .tables import Section

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ROW_LABELS", "column_label", "frame_section", "row_label"]

ROW_LABELS: dict[str, str] = {
    "confidence_level": "Confidence level",
    "d": "Dimension d",
    "df": "Degrees of freedom",
    "draws": "Draws",
    "kl": "KL (nats)",
    "kl_max": "Largest KL (nats)",
    "loglik": "Log-likelihood (nats)",
    "n": "Rows n",
    "n_chains": "Chains",
    "n_draws": "Draws",
    "n_iter": "Iterations",
    "n_params": "Parameters",
    "n_required_order1": "Rows required, order 1",
    "n_required_order2": "Rows required, order 2",
    "n_resamples": "Resamples",
    "n_simulations": "Simulations",
    "p": "Parameters p",
    "p_value": "p-value",
    "rhat": "Largest split R-hat",
    "effective_size": "Smallest effective size",
    "se": "Standard error",
    "threshold": "Threshold 8 alpha^2 (nats)",
    "tic2": "TIC, second order",
    "thin": "Sweeps between draws",
    "burn_in": "Sweeps before the first draw",
    "weight_share": "Effective share after reweighting",
    "decrement": "Squared Newton decrement",
}
"""Labels of label-value pairs, by the name of the field or input."""

# Written in capitals, or with their stops, wherever they stand in a name.
_TOKENS = {
    "aic": "AIC", "cdf": "CDF", "cgf": "CGF", "cmi": "CMI", "elbo": "ELBO", "ess": "ESS", "kl": "KL", "mi": "MI",
    "se": "s.e.", "tic": "TIC", "tv": "TV", "w1": "W1", "w2": "W2",
}  # fmt: skip
_SYMBOLS = frozenset(
    ("alpha", "beta", "delta", "eta", "gamma", "kappa", "lambda", "mu", "rho", "sigma", "sigma0", "sigma2", "tau")
)


def column_label(name: str) -> str:
    """Return the heading of a column, by the name of the column of the frame.

    Parameters
    ----------
    name : str
        Name in the frame, snake_case.

    Returns
    -------
    str
        Words in lower case; symbols and acronyms as they are written.

    Examples
    --------
    >>> column_label("bound_cgf"), column_label("se"), column_label("h_star")
    ('bound CGF', 's.e.', 'h_star')
    """
    parts = name.split("_")
    if len(parts) == 2 and (parts[1] == "star" or parts[1].isupper()):  # a symbol with an index
        return name
    return " ".join(_TOKENS.get(part, part) for part in parts)


def row_label(name: str, own: Mapping[str, str] | None = None) -> str:
    """Return the label of a label-value pair, by the name of the field or input.

    Parameters
    ----------
    name : str
        Name of the field, snake_case.
    own : mapping of str to str, optional
        Labels that go before :data:`ROW_LABELS`.

    Returns
    -------
    str
        Words that begin with a capital; symbols stay as they are.

    Examples
    --------
    >>> row_label("p_value"), row_label("transport_cost"), row_label("sigma"), row_label("aic")
    ('p-value', 'Transport cost', 'sigma', 'AIC')
    """
    known = (own or {}).get(name) or ROW_LABELS.get(name)
    if known is not None:
        return known
    words = column_label(name)
    if len(words) == 1 or name in _SYMBOLS or (words == name and "_" in name):
        return words
    return words[0].upper() + words[1:]


def frame_section(
    frame: pd.DataFrame, *, own: Mapping[str, str] | None = None, most: int | None = None, title: str = ""
) -> Section:
    """Return a frame as a block of a summary.

    Parameters
    ----------
    frame : DataFrame
        Tidy frame of a result.
    own : mapping of str to str, optional
        Headings that go before :func:`column_label`.
    most : int, optional
        Rows shown; all if None.
    title : str
        Caption of the block.

    Returns
    -------
    Section
        One row per row, in the order of the frame.

    Examples
    --------
    >>> import pandas as pd
    >>> frame_section(pd.DataFrame({"n": [10], "bound_cgf": [0.5]})).header
    ('n', 'bound CGF')
    """
    shown = frame if most is None else frame.head(most)
    rows = [list(row) for row in shown.itertuples(index=False, name=None)]
    names = [str(name) for name in frame.columns]
    return Section(rows, tuple((own or {}).get(name) or column_label(name) for name in names), title)
