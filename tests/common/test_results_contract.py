"""The result contract, over every public result of the package."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import pickle
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from infostat.core.results import SUFFIXES, Result, _hints, to_json
from infostat.core.tables import Summary
from tests.common.discovery import documented, result_classes, sections
from tests.common.result_examples import EXAMPLES
from tests.common.result_examples import build as _build
from tests.common.voice import axis_faults

CLASSES = result_classes()
FIGURES = {".png", ".pdf", ".svg"}

classes = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
examples = pytest.mark.parametrize("name", sorted(EXAMPLES))


def _has_figure(result: Result) -> bool:
    # A divergence of a batch has nothing to draw, one of two rows does; nor has a law that does not exist.
    # A contraction coefficient of one channel is a number, that of several a curve.
    missing = getattr(result, "display", True) is None or getattr(result, "reason", "") != ""
    missing = missing or (type(result).__name__ == "Contraction" and np.ndim(result.value) == 0)  # type: ignore[attr-defined]
    return type(result)._draw is not Result._draw and not missing


# ----------------------------------------------------------------------- classes
def test_every_public_result_has_an_example() -> None:
    assert {name.split(",")[0] for name in EXAMPLES} == {cls.__name__ for cls in CLASSES}


@examples
def test_examples_are_what_they_are_called(name: str) -> None:
    assert type(_build(name)).__name__ == name.split(",")[0]


def test_names_are_unique_because_json_carries_them() -> None:
    names = [cls.__name__ for cls in CLASSES]
    assert len(names) == len(set(names))
    assert all(Result._registry[cls.__name__] is cls for cls in CLASSES)


@classes
def test_the_docstring_names_every_field_and_nothing_else(cls: type[Result]) -> None:
    assert cls.__doc__
    found = sections(cls.__doc__)
    assert found["Summary"].split("\n\n")[0].endswith(".")
    fields = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    named = documented(found.get("Attributes", "")) | documented(found.get("Parameters", ""))
    assert fields <= named, f"not documented: {sorted(fields - named)}"
    assert all(hasattr(cls, name) for name in named - fields), f"no such field: {sorted(named - fields)}"


@classes
def test_fields_are_frozen_typed_and_do_not_hide_methods(cls: type[Result]) -> None:
    assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    fields = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    assert fields <= set(_hints(cls))
    assert not fields & ({"type"} | set(dir(Result)))
    assert "verdict" not in fields or "interpretation" in fields


# ------------------------------------------------------------------ presentation
@examples
def test_the_summary_prints_in_every_form(name: str) -> None:
    result = _build(name)
    summary = result.summary()
    assert isinstance(summary, Summary)
    text = str(summary)
    assert len(text.splitlines()) > 3
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "<table>" in summary.to_html()
    assert summary.to_html() == result._repr_html_()
    assert "\n| --- |" in summary.to_markdown()
    latex = summary.to_latex()
    assert latex.count(r"\begin") == latex.count(r"\end") > 1


@examples
def test_the_repr_is_one_short_line(name: str) -> None:
    text = repr(_build(name))
    assert text.startswith(name.split(",")[0] + "(")
    assert len(text) < 200
    assert "\n" not in text


@examples
def test_the_frame_is_tidy(name: str) -> None:
    frame = _build(name).to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) > 0
    assert frame.columns.is_unique
    assert all(re.fullmatch(r"[A-Za-z]\w*", column) for column in frame.columns)
    assert isinstance(frame.index, pd.RangeIndex)
    assert not frame.map(lambda cell: isinstance(cell, (list, tuple, dict, np.ndarray))).to_numpy().any()


@examples
def test_changing_the_frame_leaves_the_result_alone(name: str) -> None:
    result = _build(name)
    before = to_json(result.to_dict())
    frame = result.to_frame()
    for k in range(frame.shape[1]):
        if frame.dtypes.iloc[k].kind in "fi":
            frame.iloc[:, k] = 123
    assert to_json(result.to_dict()) == before


# ---------------------------------------------------------------- JSON and copies
def _refuse(literal: str) -> None:
    raise AssertionError(f"{literal} is no JSON")


@examples
def test_json_is_strict_and_leads_back(name: str) -> None:
    result = _build(name)
    text = to_json(result.to_dict())
    back = Result.from_dict(json.loads(text, parse_constant=_refuse))
    assert type(back) is type(result)
    assert back == result
    for field in dataclasses.fields(result):  # type: ignore[arg-type]
        _same(getattr(back, field.name), getattr(result, field.name))
    assert str(back.summary()) == str(result.summary())


def _same(got: Any, wanted: Any) -> None:
    """Equal in value and in kind; a whole number may have become a float."""
    if isinstance(wanted, np.ndarray):
        assert isinstance(got, np.ndarray)
        assert got.dtype.kind == wanted.dtype.kind or {got.dtype.kind, wanted.dtype.kind} == {"i", "f"}
        np.testing.assert_array_equal(got, wanted)
    elif isinstance(wanted, pd.DataFrame):
        pd.testing.assert_frame_equal(got, wanted, check_dtype=False)
    elif isinstance(wanted, (float, int)):
        assert isinstance(got, (float, int))
        np.testing.assert_equal(got, wanted)
    elif isinstance(wanted, tuple):
        assert isinstance(got, tuple) and len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            _same(one, other)
    elif isinstance(wanted, dict):
        assert type(got) is type(wanted) and list(got) == list(wanted)
        for key, value in wanted.items():
            _same(got[key], value)
    else:
        assert type(got) is type(wanted)
        assert got == wanted


@examples
def test_pickles_are_equal_and_frozen(name: str) -> None:
    result = _build(name)
    for other in (result, pickle.loads(pickle.dumps(result))):
        assert other == result
        assert hash(other) == hash(result)
        for field in dataclasses.fields(other):
            value = getattr(other, field.name)
            assert not isinstance(value, (list, np.generic))
            if isinstance(value, np.ndarray):
                assert not value.flags.writeable
                assert value.dtype != object
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(other, field.name, None)


# --------------------------------------------------------------- files and figure
@examples
def test_every_suffix_is_written_or_refused_with_a_reason(name: str, tmp_path: Path) -> None:
    result = _build(name)
    for suffix in SUFFIXES:
        path = tmp_path / f"r{suffix}"
        if suffix in FIGURES and not _has_figure(result):
            with pytest.raises(TypeError, match=f"{type(result).__name__} has no figure; use"):
                result.save(path)
            assert not path.exists()
        else:
            assert result.save(path).stat().st_size > 0
    assert Result.from_dict(json.loads((tmp_path / "r.json").read_text())) == result
    rows = list(csv.reader(io.StringIO((tmp_path / "r.csv").read_text())))
    assert rows[0] == list(result.to_frame().columns)
    assert {len(row) for row in rows} == {len(rows[0])}
    assert ("<svg" in (tmp_path / "r.html").read_text()) == _has_figure(result)


@examples
def test_the_figure_labels_its_axes_and_is_not_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _build(name)
    if not _has_figure(result):
        with pytest.raises(TypeError, match="has no figure"):
            result.plot()
        return
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: pytest.fail("a figure was shown"))
    figure, ax = plt.subplots()
    assert result.plot(ax) is ax
    assert isinstance(ax, Axes)
    panels = [panel for panel in (ax, *ax.child_axes) if panel.axison]
    assert panels and all(panel.get_xlabel() for panel in panels)
    assert panels[0].get_ylabel()  # panels beside it may share the label
    with_legends = [*panels, *(found for found in figure.axes if found.axison and found not in panels)]
    assert axis_faults(with_legends) == []
    assert plt.get_fignums() == [figure.number]  # type: ignore[attr-defined]
    plt.close("all")
