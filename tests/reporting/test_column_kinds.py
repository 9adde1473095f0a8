"""How columns are read: every kind, the limits between them, and what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from infostat.families import get_family
from infostat.reporting.column_kinds import MOST_COUNTS, MOST_LEVELS, as_numbers, column_kind, is_missing

G = np.random.default_rng(0)
WORDS = ["a", "b", "c"] * 10


@pytest.mark.parametrize(
    ("values", "kind", "families"),
    [
        (G.normal(size=50), "real", ("normal",)),
        (np.r_[0.0, G.gamma(2.0, size=50)], "real", ("normal",)),
        (1.0 + G.gamma(2.0, size=50), "positive", ("normal", "gamma")),
        (G.beta(2.0, 3.0, size=50), "positive", ("normal", "gamma", "beta")),
        (G.poisson(4.0, 200), "count", ("poisson", "categorical")),
        ([0, 1, 1, 0], "binary", ("bernoulli",)),
        ([True, False, True], "binary", ("bernoulli",)),
        ([0.0, 1.0, 0.0], "binary", ("bernoulli",)),
        ([1, 2, 2, 1], "levels", ("categorical",)),
        ([0.5, 2.5] * 5, "levels", ("categorical",)),
        ([-1, 0, 1] * 5, "levels", ("categorical",)),
        (WORDS, "levels", ("categorical",)),
        (pd.Series(WORDS, dtype="category"), "levels", ("categorical",)),
        (G.integers(-500, 500, 300), "real", ("normal",)),
        (G.integers(1, 10_000, 300), "positive", ("normal", "gamma")),
        ([7, 7, 7], "left out", ()),
        (["x"] * 5, "left out", ()),
        ([None, None, None], "left out", ()),
        ([1.5, None, None, None, 2.5], "left out", ()),
        (list(range(1, 30)), "left out", ()),
        (list(range(30, 1, -1)), "left out", ()),
        ([f"name {i}" for i in range(20)], "left out", ()),
        (pd.date_range("2024-01-01", periods=5), "left out", ()),
        ([f"2024-01-{1 + i % 4:02d}" for i in range(40)], "left out", ()),
        (["3/4/2024", "4/4/2024"] * 10, "left out", ()),
        ([1 + 2j, 2.0, 3.0], "left out", ()),
        ([[1], [2], [3]], "left out", ()),
    ],
)
def test_kinds(values, kind, families):
    found = column_kind(pd.Series(values))
    assert (found.kind, found.families) == (kind, families)
    assert found.why and not found.why.endswith(".")
    for name in found.families:
        get_family(name)


def test_reasons_say_what_was_seen():
    assert column_kind(pd.Series([1.5, None, None, None, 2.5])).why == "60 % of the values are missing"
    assert column_kind(pd.Series(["2024-01-01", "2024-01-02"])).why == "dates or times"
    assert "20 different words in 20 rows" in column_kind(pd.Series([f"n{i}" for i in range(20)])).why


@pytest.mark.parametrize("extra", [0, 1])
def test_the_limit_between_counts_and_rounded_measurements(extra):
    values = np.repeat(np.arange(MOST_COUNTS + extra), 4)
    assert column_kind(pd.Series(values)).kind == ("real" if extra else "count")  # zero is among them


@pytest.mark.parametrize("extra", [0, 1])
def test_many_counts_are_not_judged_level_by_level(extra):
    found = column_kind(pd.Series(np.repeat(np.arange(MOST_LEVELS + extra), 4)))
    assert ("categorical" in found.families) == (extra == 0)


def test_missing_and_infinite_values_are_looked_past():
    column = pd.Series([1.5, np.inf, None, 2.5, -np.inf, 3.0, 4.0])
    assert is_missing(column).tolist() == [False, True, True, False, True, False, False]
    assert column_kind(column).kind == "positive"
    objects = pd.Series([True, None, False, float("inf")], dtype=object)
    assert is_missing(objects).tolist() == [False, True, False, True]
    assert column_kind(objects).kind == "binary"
    nullable = pd.Series([0, 1, None, 1], dtype="Int64")
    assert column_kind(nullable).kind == "binary"


def test_numbers_among_objects():
    assert as_numbers(pd.Series([1, 2.5], dtype=object)).tolist() == [1.0, 2.5]
    assert as_numbers(pd.Series([1, "2"], dtype=object)) is None


def test_the_kind_does_not_depend_on_the_order_of_rows():
    for values in (G.poisson(4.0, 80), G.normal(size=40), np.array(WORDS)):
        assert column_kind(pd.Series(values)) == column_kind(pd.Series(G.permutation(values)))
