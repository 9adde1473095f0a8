"""Cautions of many results, gathered in one place: each said once, with the places where it applies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..core.results import Result

__all__ = ["caution_line", "cautions_of", "gather_cautions", "is_caution", "places"]

# Results print a caution as "Caution [flag]: ...", parts of a report as "Caution: ...".
_CAUTION = re.compile(r"Caution(?: \[\w+\])?: (?P<text>.+)", flags=re.DOTALL)
_PARTICULARS = re.compile(r"\([^)]*\)|\d[\d.,]*")


def is_caution(note: str) -> bool:
    """Return whether a note of a summary is a caution.

    Parameters
    ----------
    note : str
        A sentence of a summary.

    Returns
    -------
    bool
        True for ``"Caution: ..."`` and ``"Caution [flag]: ..."``.

    Examples
    --------
    >>> is_caution("Caution [ties]: Distances repeat."), is_caution("All is well.")
    (True, False)
    """
    return _CAUTION.match(note) is not None


def cautions_of(result: Result) -> list[str]:
    """Return the cautions of a result as sentences.

    Parameters
    ----------
    result : Result
        Any result.

    Returns
    -------
    list of str
        In the order of its summary.

    Examples
    --------
    >>> from infostat.density import finite_size
    >>> cautions_of(finite_size(200, 5))
    []
    """
    found = (_CAUTION.match(note) for note in result.summary().notes)
    return [match["text"] for match in found if match]


def gather_cautions(results: Mapping[str, Result], own: Iterable[tuple[str, str]] = ()) -> dict[str, tuple[str, ...]]:
    """Return every caution once, with the labels of the results that carry it.

    Two cautions that differ only in numbers or in brackets are one; the first wording is kept.

    Parameters
    ----------
    results : mapping of str to Result
        Results by label.
    own : iterable of (str, str)
        Further cautions and their places, put first; an empty place is none.

    Returns
    -------
    dict
        Sentence to places, in the order of first appearance.

    Examples
    --------
    >>> gather_cautions({}, [("Rows 3, 4 are far out.", "a"), ("Rows 7, 9 are far out.", "b")])
    {'Rows 3, 4 are far out.': ('a', 'b')}
    """
    pairs = [*own, *((text, label) for label, result in results.items() for text in cautions_of(result))]
    wording: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for text, place in pairs:
        first = wording.setdefault(_PARTICULARS.sub("#", text), text)
        listed = found.setdefault(first, [])
        if place and place not in listed:
            listed.append(place)
    return {text: tuple(listed) for text, listed in found.items()}


def caution_line(text: str, where: Sequence[str]) -> str:
    """Return a caution with the places where it applies, as one line.

    Parameters
    ----------
    text : str
        The caution.
    where : sequence of str
        Places.

    Returns
    -------
    str
        ``"Caution: text (where)"``.

    Examples
    --------
    >>> caution_line("Few rows.", ("density",))
    'Caution: Few rows. (density)'
    """
    return f"Caution: {text} ({places(where)})" if where else f"Caution: {text}"


def places(where: Sequence[str], most: int = 6) -> str:
    """Return a list of places in words, cut where it is long.

    Parameters
    ----------
    where : sequence of str
        Places.
    most : int
        How many are named.

    Returns
    -------
    str
        Names with commas.

    Examples
    --------
    >>> places(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    named = ", ".join(where[:most])
    return named if len(where) <= most else f"{named} and {len(where) - most} more"
