"""The figures that exist: one per module of the catalogue, found by looking into its folder."""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module

from ...core.errors import InputError, InputTypeError, describe
from ...core.validation import as_items, short
from .entry import FigureEntry

__all__ = ["WINGS", "figures_named", "find_figures", "list_figures"]

# In the order in which the documentation introduces them.
WINGS = ("projection", "density", "generalization", "alignment")


def list_figures() -> tuple[FigureEntry, ...]:
    """Return every figure of the gallery.

    Returns
    -------
    tuple of FigureEntry
        By wing, then by place in the gallery.

    Examples
    --------
    >>> from infostat.reporting.figures import list_figures
    >>> [entry.name for entry in list_figures() if entry.wing == "density"][:2]
    ['density-phases', 'density-fluctuations']
    """
    return tuple(_catalogue().values())


def find_figures(names: str | Iterable[str] | None = None) -> tuple[FigureEntry, ...]:
    """Return the figures that names stand for.

    Parameters
    ----------
    names : str or iterable of str, optional
        Names, aliases (``"E1"``) or wings (``"alignment"``: all its figures); upper or lower case. All
        figures if None or empty.

    Returns
    -------
    tuple of FigureEntry
        In the order of the gallery, each once.

    Raises
    ------
    InputError
        If a name is unknown; the message lists what is close to it.
    InputTypeError
        If a name is not text.

    Examples
    --------
    >>> from infostat.reporting.figures import find_figures
    >>> [entry.alias for entry in find_figures(["E2", "alignment-frontier"])]
    ['E2', 'alignment-a']
    """
    return figures_named("names", names)


def figures_named(argument: str, names: str | Iterable[str] | None) -> tuple[FigureEntry, ...]:
    """Return what `find_figures` does, with errors in the words of the caller.

    Parameters
    ----------
    argument : str
        What the caller calls the names.
    names : str or iterable of str, optional
        As in `find_figures`.

    Returns
    -------
    tuple of FigureEntry
        In the order of the gallery.

    Raises
    ------
    InputError, InputTypeError
        If a name is unknown, or not text.
    """
    entries = _catalogue()
    if names is None:
        return tuple(entries.values())
    wanted = [names] if isinstance(names, str) else as_items(argument, names, "names of figures")
    chosen = {found for name in wanted for found in _matching(name, entries, argument)} or set(entries)
    return tuple(entry for name, entry in entries.items() if name in chosen)


def _matching(name: object, entries: dict[str, FigureEntry], argument: str) -> list[str]:
    """Names of the figures that one name, alias or wing stands for."""
    if not isinstance(name, str):
        raise InputTypeError(describe(argument, "names of figures", short(name)))
    word = name.strip().lower()
    found = [key for key, entry in entries.items() if word in (key, entry.alias.lower(), entry.wing)]
    if found:
        return found
    known = [*entries, *(entry.alias.lower() for entry in entries.values()), *WINGS]
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    cure = f"did you mean {', '.join(near)}?" if near else "see the list: infostat figures --list"
    raise InputError(describe(argument, "names of figures, or wings", name, cure))


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, FigureEntry]:
    from . import catalogue

    entries = []
    for module in pkgutil.iter_modules(catalogue.__path__):
        entry = import_module(f".{module.name}", catalogue.__name__).FIGURE
        if entry.wing not in WINGS or entry.name != module.name.replace("_", "-"):
            raise RuntimeError(f"figure {entry.name!r} must be called like its module, wing first: {module.name}")
        entries.append(entry)
    entries.sort(key=lambda entry: (WINGS.index(entry.wing), entry.alias))
    return {entry.name: entry for entry in entries}
