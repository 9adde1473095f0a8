"""What a report analyses and what it says about the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from infostat.core.data import read_table
from infostat.core.errors import DataError
from infostat.reporting.preparation import prepare_table


def _table(**columns):
    return read_table(pd.DataFrame(columns))


def test_incomplete_rows_are_left_out_and_counted():
    x = np.r_[np.nan, np.inf, np.arange(1.5, 9.5)]
    table = _table(x=x, y=[*["a", "b"] * 4, None, "a"], z=["u"] * 10)
    found = prepare_table(table, "drop")
    assert len(found.frame) == 7 and list(found.frame) == ["x", "y"]
    texts = dict.fromkeys(text for text, _ in found.cautions)
    assert any(text.startswith("3 of 10 rows have a missing or infinite value") for text in texts)
    assert ("Column left out: always the same.", "z") in found.cautions


def test_missing_values_can_be_refused():
    table = _table(x=[1.5, None, 2.5, 4.0], y=[1.0, 2.0, np.inf, 3.0])
    with pytest.raises(DataError, match=r"'x': 1, 'y': 1"):
        prepare_table(table, "raise")



def test_the_input_is_not_changed():
    frame = pd.DataFrame({"x": [1.5, None, 2.5, 4.0], "w": ["a", "a", "b", "b"]})
    before = frame.copy(deep=True)
    prepare_table(read_table(frame), "drop")
    pd.testing.assert_frame_equal(frame, before)


def test_a_column_that_no_longer_varies_is_left_out():
    table = _table(x=[1.5, 2.5, 3.5, 4.5, 5.5, None], y=[0, 0, 0, 0, 0, 1])
    found = prepare_table(table, "drop")
    assert list(found.frame) == ["x"] and found.kinds["y"].kind == "left out"


@pytest.mark.parametrize("repeated", [True, False])
def test_repeated_rows_are_mentioned_where_they_are_strange(repeated):
    values = [1.5, 2.5, 3.5, 1.5 if repeated else 4.5]
    texts = [text for text, _ in prepare_table(_table(x=values), "drop").cautions]
    assert any("repeat an earlier row" in text for text in texts) == repeated
    # Whole numbers and words repeat by nature.
    assert not prepare_table(_table(k=[0, 1, 0, 1]), "drop").cautions


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"x": [1.0, 2.0]}, "at least 3 rows"),
        ({"x": [1.0, 1.0, 1.0], "name": ["a", "b", "c"]}, "x: always the same; name: 3 different words"),
        ({"x": [1.5, None, 2.0, None], "y": [None, 1.0, None, 2.5]}, "rows without missing values, got 0"),
    ],
)
def test_nothing_to_analyse(columns, words):
    with pytest.raises(DataError, match=words):
        prepare_table(_table(**columns), "drop")


def test_numbers_become_floats_and_words_text():
    found = prepare_table(_table(a=[True, False, True], b=["x", "y", "x"], c=pd.array([1, 2, 5], "Int64")), "drop")
    assert found.frame["a"].tolist() == [1.0, 0.0, 1.0]
    assert found.frame["b"].tolist() == ["x", "y", "x"]
    assert found.frame["c"].dtype == np.float64
