"""Options of a simulation study: what a value may be, and whether a grid may run over it.

A *cell* option takes one value in each cell of the grid. A *curve* option takes several values inside
every cell, which share the draws (bandwidths) or the study (sample sizes of the estimation risk), so
that it never multiplies the cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.errors import InputError, InputTypeError, describe
from ..core.validation import check_count, check_number, short

if TYPE_CHECKING:
    from ..core.results import Result

__all__ = [
    "Cell",
    "Option",
    "Row",
    "Wing",
    "count",
    "counts",
    "geometric",
    "known_options",
    "number",
    "numbers",
    "word",
]

Cell: TypeAlias = Mapping[str, Any]
Read: TypeAlias = Callable[[str, Any], Any]

_MOST_POINTS = 10_000  # of LOW:HIGH:COUNT


@dataclass(frozen=True)
class Row:
    """One number of a cell.

    Attributes
    ----------
    quantity : str
        Its name.
    value, se : float
        Simulated value and its Monte Carlo standard error, nan where there is none.
    theory, limit : float
        What the theory says at this size, and in the limit or to first order; nan where nothing.
    axis : tuple
        Where it stands on the axes inside the cell; None for a number of the whole cell.
    """

    quantity: str
    value: float
    se: float = float("nan")
    theory: float = float("nan")
    limit: float = float("nan")
    axis: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Option:
    """One option of a simulation.

    Attributes
    ----------
    name : str
        Key in a study, and the option of the command line with dashes for underscores.
    kind : str
        ``"count"``, ``"number"`` or ``"word"``: how one item is spelled on the command line.
    read : callable
        ``read(label, value)`` returns the clean value or raises.
    default : object
        Value if it is left out; None: left to the simulation.
    curve : bool
        Whether its values stay inside a cell.
    many : bool
        Whether one value is itself a list.
    """

    name: str
    kind: str
    read: Read
    default: Any = None
    curve: bool = False
    many: bool = False


@dataclass(frozen=True)
class Wing:
    """How one wing takes part in a study.

    Attributes
    ----------
    name : str
        ``"pn"``, ``"kde"``, ``"align"`` or ``"bounds"``.
    title : str
        Heading of the result.
    options : tuple of Option
        What can be set.
    replicates : int
        Replicates of a cell if nothing is said.
    axes : tuple of str
        Columns of the table that vary inside a cell.
    quantities : mapping of str to str
        Name and label (with unit) of every number.
    headline : str
        The quantity of the summary and the figure.
    reference : str
        What the column ``theory`` holds for the headline, in words.
    lines : tuple of str
        What the legend calls the columns ``theory`` and ``limit``.
    check : callable
        ``check(cell, given)`` raises if the values of a cell, ``replicates`` among them, do not fit together.
    run : callable
        ``run(cell, replicates, **common)`` returns the wing's own result.
    rows : callable
        ``rows(result)`` lists its numbers.
    """

    name: str
    title: str
    options: tuple[Option, ...]
    replicates: int
    axes: tuple[str, ...]
    quantities: Mapping[str, str]
    headline: str
    reference: str
    lines: tuple[str, str]
    check: Callable[[Cell, frozenset[str]], None]
    run: Callable[..., Result]
    rows: Callable[[Any], Sequence[Row]]

    def option(self, name: str) -> Option:
        """Return the option of this name.

        Parameters
        ----------
        name : str
            A name in `options`.

        Returns
        -------
        Option
            The option.

        Raises
        ------
        InputError
            If there is none.
        """
        for option in self.options:
            if option.name == name:
                return option
        raise InputError(f"{self.name} has no option {name!r}; it takes {known_options(self)}")

    def complete(self, given: Cell) -> dict[str, Any]:
        """Return the values of a cell with the defaults of what was left out.

        Parameters
        ----------
        given : mapping
            Values by option.

        Returns
        -------
        dict
            In the order of the options, without those that stay unset.
        """
        found = {option.name: given.get(option.name, option.default) for option in self.options}
        return {name: value for name, value in found.items() if value is not None}


def known_options(wing: Wing) -> str:
    """Return the names of a wing's options, for messages.

    Parameters
    ----------
    wing : Wing
        The wing.

    Returns
    -------
    str
        Names with commas between them.
    """
    return ", ".join(option.name for option in wing.options)


# ------------------------------------------------------------------------------ readers
def count(low: int = 1, high: int | None = None) -> Read:
    """Return a reader of one whole number.

    Parameters
    ----------
    low : int
        Smallest value.
    high : int, optional
        Largest value.

    Returns
    -------
    callable
        ``read(label, value)``.

    Examples
    --------
    >>> count(2)("n", 100.0)
    100
    """
    return lambda label, value: check_count(label, value, low=low, high=high)


def number(low: float = float("-inf"), high: float = float("inf"), *, open_ends: bool = True) -> Read:
    """Return a reader of one number.

    Parameters
    ----------
    low, high : float
        Ends of the interval.
    open_ends : bool
        Whether the ends are excluded.

    Returns
    -------
    callable
        ``read(label, value)``.

    Examples
    --------
    >>> number(0.0)("mu", 2)
    2.0
    """
    return lambda label, value: check_number(label, value, low=low, high=high, open_low=open_ends, open_high=open_ends)


def word(choices: Sequence[str] | None = None) -> Read:
    """Return a reader of one word.

    Parameters
    ----------
    choices : sequence of str, optional
        Words that are known.

    Returns
    -------
    callable
        ``read(label, value)``.

    Examples
    --------
    >>> word(["hinge"])("loss", "hinge")
    'hinge'
    """

    def read(label: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise InputTypeError(describe(label, "a word", short(value)))
        text = value.strip()
        if choices is not None and text not in choices:
            raise InputError(describe(label, "one of " + ", ".join(choices), text))
        return text

    return read


def counts(low: int = 1, high: int | None = None) -> Read:
    """Return a reader of a list of whole numbers; one number is a list of one.

    Parameters
    ----------
    low : int
        Smallest value.
    high : int, optional
        Largest value.

    Returns
    -------
    callable
        ``read(label, value)``, giving a tuple.

    Examples
    --------
    >>> counts()("ranks", [20, 5, 1])
    (20, 5, 1)
    """
    one = count(low, high)
    return lambda label, value: tuple(one(label, item) for item in _listed(label, value, "a whole number or a list"))


def numbers(low: float = float("-inf"), *, open_ends: bool = True) -> Read:
    """Return a reader of a list of numbers; ``"LOW:HIGH:COUNT"`` stands for a geometric grid.

    Parameters
    ----------
    low : float
        Lower end.
    open_ends : bool
        Whether the end is excluded.

    Returns
    -------
    callable
        ``read(label, value)``, giving a tuple.

    Examples
    --------
    >>> numbers(0.0)("bandwidths", "1:4:3")
    (1.0, 2.0, 4.0)
    """
    one = number(low, open_ends=open_ends)

    def read(label: str, value: Any) -> tuple[float, ...]:
        required = "a number, a list of them, or LOW:HIGH:COUNT with 0 < LOW < HIGH and 2 <= COUNT <= 10000"
        if isinstance(value, str):
            try:
                value = geometric(value)
            except ValueError:
                raise InputError(describe(label, required, value)) from None
        return tuple(one(label, item) for item in _listed(label, value, required))

    return read


def geometric(text: str) -> list[float]:
    """Return the geometric grid that ``LOW:HIGH:COUNT`` stands for.

    Parameters
    ----------
    text : str
        Three numbers with colons between them.

    Returns
    -------
    list of float
        COUNT numbers from LOW to HIGH.

    Raises
    ------
    ValueError
        If the text is something else, or COUNT is beyond 10 000.

    Examples
    --------
    >>> geometric("1:4:3")
    [1.0, 2.0, 4.0]
    """
    low, high, size = (kind(part) for kind, part in zip((float, float, int), text.split(":"), strict=True))
    if not (0.0 < low < high < float("inf") and 1 < size <= _MOST_POINTS):
        raise ValueError(text)
    ratio = high / low
    return [*(low * ratio ** (i / (size - 1)) for i in range(int(size) - 1)), high]


def _listed(label: str, value: Any, required: str) -> list[Any]:
    """Items of a list; one number is a list of one."""
    if hasattr(value, "tolist"):  # NumPy arrays and numbers
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        if not value:
            raise InputError(describe(label, "at least one value", "none"))
        return list(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [value]
    raise InputTypeError(describe(label, required, short(value)))
