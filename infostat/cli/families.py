"""Model families as they are written on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from ..families.base import ExponentialFamily

__all__ = ["FAMILY_HELP", "families_from_text", "family_from_text"]

FAMILY_HELP = (
    "Model: normal, mvn, mvn_diagonal, gamma, poisson, beta, ising, ... (all are listed on error); with an argument "
    "polynomial:DEGREE, mvn:EDGES, ising:EDGES or product:NAME+NAME+..., where EDGES is 0-1+1-2 or a number R "
    "(columns whose correlation exceeds R in size)."
)
_GRAPHS = ("mvn", "ising")


def families_from_text(text: str, frame: pd.DataFrame | None, bounds: str | None) -> dict[str, ExponentialFamily]:
    """Return the models that a list with commas names, in order.

    Parameters
    ----------
    text : str
        For instance ``"mvn_diagonal,mvn:0.3,mvn"`` or ``"polynomial:1-6"``, which stands for six models.
    frame : DataFrame or None
        The data, for graphs chosen by correlation; None for streams.
    bounds : str or None
        ``"LOW,HIGH"``, the interval of polynomial densities.

    Returns
    -------
    dict
        Label to family.

    Raises
    ------
    InputError
        If a model cannot be read, or occurs twice.
    """
    found: dict[str, ExponentialFamily] = {}
    for item in _items(text):
        if item in found:
            raise InputError(f"--families must name each model once, got more than one {item!r}")
        found[item] = family_from_text(item, frame, bounds)
    if not found:
        raise InputError(f"--families must name models with commas between them, got {text!r}")
    return found


def family_from_text(text: str, frame: pd.DataFrame | None, bounds: str | None = None) -> ExponentialFamily:
    """Return one model.

    Parameters
    ----------
    text : str
        A registered name, or a name with an argument.
    frame : DataFrame or None
        The data, for graphs chosen by correlation.
    bounds : str or None
        Interval of polynomial densities.

    Returns
    -------
    ExponentialFamily
        The family.

    Raises
    ------
    InputError
        If the text cannot be read.
    """
    from ..families.ising import Ising
    from ..families.multivariate_normal import MultivariateNormal
    from ..families.polynomial import PolynomialDensity
    from ..families.product import ProductFamily
    from ..families.registry import get_family

    name, _, argument = text.strip().partition(":")
    key = name.strip().lower().replace("-", "_")
    if not argument:
        if key == "polynomial":
            raise InputError(f"a polynomial model needs its degree, for instance polynomial:3, got {text!r}")
        return get_family(text)
    if key == "polynomial":
        return PolynomialDensity(_whole(argument, text), bounds=_bounds(bounds))
    if key in _GRAPHS:
        edges = _edges(argument, text, frame)
        built: ExponentialFamily = (
            MultivariateNormal(edges) if key == "mvn" else Ising(edges=edges)
        )
        return built
    if key == "product":
        return ProductFamily([get_family(part) for part in argument.split("+")])
    raise InputError(f"only polynomial, mvn, ising and product take an argument after a colon, got {text!r}")


def _items(text: str) -> list[str]:
    """Names in order; ``polynomial:1-6`` becomes six."""
    out: list[str] = []
    for part in text.split(","):
        item = part.strip()
        name, _, argument = item.partition(":")
        first, dash, last = argument.partition("-")
        if name.strip().lower() == "polynomial" and dash:
            low, high = _whole(first, item), _whole(last, item)
            if low > high:
                raise InputError(f"polynomial degrees must go up, got {item!r}")
            out += [f"polynomial:{degree}" for degree in range(low, high + 1)]
        elif item:
            out.append(item)
    return out


def _whole(text: str, item: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"the degree of a polynomial model must be a whole number, got {item!r}") from None


def _bounds(text: str | None) -> tuple[float, float]:
    if text is None:
        return (0.0, 1.0)
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--bounds must be LOW,HIGH, got {text!r}") from None
    return (low, high)


def _edges(argument: str, item: str, frame: pd.DataFrame | None) -> list[tuple[int, int]]:
    """Index pairs, written out or by the size of the sample correlation."""
    if "-" in argument.lstrip("-"):
        try:
            return [_pair(part) for part in argument.split("+")]
        except ValueError:
            raise InputError(f"edges must be pairs of column numbers such as 0-1+1-2, got {item!r}") from None
    try:
        threshold = float(argument)
    except ValueError:
        raise InputError(f"{item!r} must end in edges such as 0-1+1-2 or in a correlation such as 0.3") from None
    if not 0.0 <= threshold < 1.0:
        raise InputError(f"the correlation from which columns are joined must be in [0, 1), got {item!r}")
    if frame is None:
        raise InputError(f"{item!r} needs the correlations of the data, which a stream does not have; list the edges")
    import numpy as np

    from ..core.data import Table, matrix

    rows: Any = matrix(Table(frame, "data"))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.nan_to_num(np.corrcoef(rows.T))
    d = rows.shape[1]
    return [(i, j) for i in range(d) for j in range(i + 1, d) if abs(correlation[i, j]) > threshold]


def _pair(text: str) -> tuple[int, int]:
    first, second = text.split("-")
    return int(first), int(second)
