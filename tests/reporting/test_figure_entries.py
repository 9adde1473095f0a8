"""The catalogue of figures: names, words, lookup."""

from __future__ import annotations

import re

import pytest

from infostat.core.errors import InputError, InputTypeError
from infostat.reporting.figures import FigureEntry, find_figures, list_figures
from infostat.reporting.figures.registry import WINGS

ENTRIES = list_figures()
# What the specifications of the four wings ask for.
WANTED = {
    *(f"alignment-{letter}" for letter in "abcdefgh"),
    *(f"density-{number}" for number in range(1, 6)),
    *(f"E{number}" for number in range(1, 7)),
    "projection-a",
}


def test_every_figure_of_the_specifications_is_there() -> None:
    assert {entry.alias for entry in ENTRIES} >= WANTED


def test_names_and_aliases_tell_all_figures_apart() -> None:
    words = [entry.name.lower() for entry in ENTRIES] + [entry.alias.lower() for entry in ENTRIES]
    assert len(set(words)) == len(words)
    assert not set(words) & set(WINGS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_words_of_an_entry(entry: FigureEntry) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", entry.name)
    assert entry.title[0].isupper()
    assert not entry.title.endswith(".")
    assert entry.caption.endswith(".")
    # A reader has to know which curves are proved and which are measured.
    assert re.search(r"\b(exact|bounds?|estimates?|approximations?)\b", entry.caption, flags=re.I)
    assert entry.seconds > 0
    assert len(repr(entry)) < 200


def test_the_whole_set_is_promised_in_ten_minutes() -> None:
    assert sum(entry.seconds for entry in ENTRIES) < 600


@pytest.mark.parametrize("names", [None, (), []])
def test_no_name_means_all(names: object) -> None:
    assert find_figures(names) == ENTRIES  # type: ignore[arg-type]


def test_names_aliases_and_wings_in_any_case() -> None:
    assert [entry.name for entry in find_figures("ALIGNMENT-A")] == ["alignment-frontier"]
    assert [entry.alias for entry in find_figures(["e6", "E1"])] == ["E1", "E6"]
    assert {entry.wing for entry in find_figures("density")} == {"density"}
    assert find_figures(WINGS) == ENTRIES


def test_a_figure_is_found_once_and_in_the_order_of_the_gallery() -> None:
    found = find_figures(["alignment-frontier", "projection", "alignment-a"])
    assert found == (*find_figures("projection"), *find_figures("alignment-a"))


def test_an_unknown_name_is_refused_with_what_is_close() -> None:
    with pytest.raises(InputError, match="got 'aligment-frontier'; did you mean alignment-frontier"):
        find_figures(["E1", "aligment-frontier"])
    with pytest.raises(InputError, match="infostat figures --list"):
        find_figures("zzz")


@pytest.mark.parametrize("names", [[1], [None], [b"E1"]])
def test_names_are_text(names: list[object]) -> None:
    with pytest.raises(InputTypeError, match="names must be names of figures"):
        find_figures(names)  # type: ignore[arg-type]
