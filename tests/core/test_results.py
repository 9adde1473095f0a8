"""The result contract: frozen, JSON and back, pickle, repr, equality, files."""

from __future__ import annotations

import copy
import csv
import dataclasses
import io
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from infostat.core.errors import DataFileError, InputError, InputTypeError
from infostat.core.results import SUFFIXES, FrozenDict, Result, to_json
from tests.common.sample_results import SampleInner, SampleOuter, SamplePlain, sample


def _strict(text: str) -> Any:
    """Parse JSON and refuse the literals that only Python's parser knows."""

    def refuse(literal: str) -> None:
        raise AssertionError(f"{literal} is no JSON")

    return json.loads(text, parse_constant=refuse)


def _there_and_back(result: Result) -> Any:
    return type(result).from_dict(_strict(to_json(result.to_dict())))


# ---------------------------------------------------------------------- frozen
def test_fields_cannot_be_assigned_or_deleted() -> None:
    result = sample()
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.seed = 1  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del result.seed  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.new = 1  # type: ignore[attr-defined]


def test_arrays_are_read_only_and_independent_of_the_callers() -> None:
    mine = np.array([[1.0, 2.0]])
    result = sample(points=mine, maybe=mine)
    mine[0, 0] = 99.0
    assert result.points[0, 0] == 1.0
    for array in (result.points, result.counts, result.mask, result.maybe, result.either):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0  # type: ignore[index]
    assert mine.flags.writeable


def test_arrays_inside_tuples_and_mappings_are_frozen_too() -> None:
    mine = np.zeros(2)
    result = sample(words=(mine,), by_order={1: mine}, intervals={"list": [1.0, 2.0]})
    mine[:] = 5.0
    for array in (result.words[0], result.by_order[1]):
        assert array.tolist() == [0.0, 0.0]  # type: ignore[union-attr]
        assert not array.flags.writeable  # type: ignore[union-attr]
    assert result.intervals["list"] == (1.0, 2.0)


def test_floats_become_float64_and_other_kinds_stay() -> None:
    result = sample(points=np.ones((1, 1), np.float32), maybe=np.array([1, 2], np.int32))
    assert result.points.dtype == np.float64
    assert result.maybe is not None
    assert result.maybe.dtype == np.int32
    assert result.mask.dtype == np.bool_
    assert type(sample(mixed=np.float64(0.5)).mixed) is float


def test_a_data_frame_is_copied() -> None:
    mine = pd.DataFrame({"value": [1.0]})
    result = sample(frame=mine)
    mine.loc[0, "value"] = 9.0
    assert result.frame is not None
    assert result.frame.loc[0, "value"] == 1.0


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("T0", 1),
        lambda d: d.__delitem__("T0"),
        lambda d: d.update(T0=1),
        lambda d: d.pop("T0"),
        lambda d: d.popitem(),
        lambda d: d.clear(),
        lambda d: d.setdefault("new", 1),
        lambda d: d.__ior__({"T0": 1}),
    ],
)
def test_mappings_are_read_only_and_independent_of_the_callers(change: Any) -> None:
    mine = {"T0": (1.0, 2.0)}
    result = sample(intervals=mine)
    with pytest.raises(InputTypeError, match="read-only"):
        change(result.intervals)
    mine["T0"] = (0.0, 0.0)
    assert result.intervals == {"T0": (1.0, 2.0)}
    assert dict(result.intervals) | {"new": 1} == {"T0": (1.0, 2.0), "new": 1}


# -------------------------------------------------------------- pickle and copy
@pytest.mark.parametrize("duplicate", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy, copy.copy])
def test_a_duplicate_is_equal_and_as_frozen_as_the_original(duplicate: Any) -> None:
    result = sample()
    other = duplicate(result)
    assert other == result
    assert hash(other) == hash(result)
    assert isinstance(other.intervals, FrozenDict)
    assert not other.points.flags.writeable
    with pytest.raises(InputTypeError):
        other.intervals["T0"] = 1


# ------------------------------------------------------------------------- JSON
def test_json_round_trip_keeps_every_kind_of_field() -> None:
    result = sample()
    back = _there_and_back(result)
    assert back == result
    assert isinstance(back, SampleOuter)
    assert isinstance(back.inner, SampleInner)
    np.testing.assert_array_equal(back.points, result.points)
    np.testing.assert_array_equal(back.counts, result.counts)
    np.testing.assert_array_equal(back.mask, result.mask)
    np.testing.assert_array_equal(back.either, result.either)
    assert [back.points.dtype, back.counts.dtype, back.mask.dtype] == [np.float64, np.int64, np.bool_]
    assert back.intervals == result.intervals
    assert list(back.by_order) == [1, 2]
    assert np.isnan(back.by_order[2])
    assert back.words == ("a", "inf")
    assert back.mixed == "word"
    pd.testing.assert_frame_equal(back.frame, result.frame)
    assert not back.points.flags.writeable


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 0.25])
def test_numbers_that_json_lacks_come_back_as_numbers(value: float) -> None:
    result = sample(either=value, mixed=value, inner=SampleInner(value), intervals={"a": (value, 1.0)})
    back = _there_and_back(result)
    for got in (back.either, back.mixed, back.inner.value, back.intervals["a"][0]):
        assert type(got) is float
        np.testing.assert_equal(got, value)


def test_optional_fields_come_back_as_none() -> None:
    result = sample(maybe=None, frame=None, seed=None)
    back = _there_and_back(result)
    assert (back.maybe, back.frame, back.seed) == (None, None, None)
    assert _strict(to_json(result.to_dict()))["maybe"] is None


@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0), (0, 2, 2), (2, 0, 3)])
def test_empty_arrays_keep_shape_and_type(shape: tuple[int, ...]) -> None:
    back = _there_and_back(
        sample(
            points=np.empty(shape),
            counts=np.empty(shape, int),
            mask=np.empty(shape, bool),
            either=np.empty(shape),
            maybe=np.empty(shape),
        )
    )
    for array in (back.points, back.counts, back.mask, back.either, back.maybe):
        assert array.shape == shape
    assert [back.points.dtype, back.counts.dtype, back.mask.dtype] == [np.float64, np.int64, np.bool_]


@settings(deadline=None, max_examples=40)
@given(arrays(np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)))
def test_any_float_array_survives_json_bit_by_bit(points: np.ndarray) -> None:
    back = _there_and_back(sample(points=points))
    np.testing.assert_array_equal(back.points, points)
    assert back.points.shape == points.shape


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.text(max_size=5), st.tuples(st.floats(), st.floats()), max_size=3), st.text())
def test_any_text_and_number_survives_json(intervals: dict[str, tuple[float, float]], text: str) -> None:
    result = sample(intervals=intervals, words=(text,), interpretation=text)
    back = _there_and_back(result)
    assert back == result
    assert back.words == (text,)
    np.testing.assert_equal(dict(back.intervals), intervals)


def test_a_plain_from_dict_of_the_base_finds_the_class() -> None:
    assert type(Result.from_dict(SampleInner(1.0).to_dict())) is SampleInner


def test_from_dict_refuses_what_it_cannot_restore() -> None:
    data = SampleInner(1.0).to_dict()
    with pytest.raises(InputError, match="must describe a SampleOuter, got type 'SampleInner'"):
        SampleOuter.from_dict(data)
    with pytest.raises(InputError, match="got type 'Nothing'"):
        Result.from_dict({"type": "Nothing"})
    with pytest.raises(InputError, match="missing: label"):
        SampleInner.from_dict({"type": "SampleInner", "value": 1.0})
    with pytest.raises(InputTypeError, match="data must be a mapping made by to_dict"):
        SampleInner.from_dict([1.0])  # type: ignore[arg-type]


def test_to_json_takes_builtins_arrays_and_frames() -> None:
    data: dict[Any, Any] = {"a": np.float64("nan"), "b": (1, np.int64(2)), "c": Path("x") / "y"}
    data[3] = pd.DataFrame({"k": [np.inf]})
    assert _strict(to_json(data)) == {
        "a": "nan",
        "b": [1, 2],
        "c": str(Path("x") / "y"),
        "3": {"columns": ["k"], "rows": [["inf"]]},
    }


# -------------------------------------------------------------- repr, eq, hash
@pytest.mark.parametrize("label", ["", "short", "x" * 1000, "two\nlines " * 50])
def test_repr_is_one_short_line(label: str) -> None:
    for result in (SamplePlain(0.5, label, label), sample(interpretation=label, mixed=label)):
        text = repr(result)
        assert len(text) < 200
        assert "\n" not in text
        assert text.startswith(f"{type(result).__name__}(")
        assert "(, " not in text
    assert "value=0.5" in repr(SamplePlain(0.5, label))


def test_equality_compares_type_and_every_field() -> None:
    assert sample() == sample()
    assert hash(sample()) == hash(sample())
    assert sample() != sample(points=np.zeros((3, 2)))
    assert sample() != sample(inner=SampleInner(0.6))
    assert SampleInner(1.0, "a") != SamplePlain(1.0, "a")
    assert SampleInner(1.0) != 1.0


def test_equal_results_have_equal_hashes_whatever_the_type_of_number() -> None:
    whole, real = SampleInner(10**7), SampleInner(1e7)
    assert whole == real
    assert hash(whole) == hash(real)
    assert SampleInner(np.nan) == SampleInner(float("nan"))
    assert len({SampleInner(np.nan), SampleInner(float("nan")), SampleInner(1.0)}) == 2


# ------------------------------------------------------------- table and figure
def test_the_default_table_lists_scalars_and_the_sentence_once() -> None:
    text = str(SamplePlain(0.5, "word", "The sentence.").summary())
    assert text.count("The sentence.") == 1
    assert "\nLabel  " in text
    assert SamplePlain(0.5, "word").to_frame().to_dict("records") == [
        {"value": 0.5, "label": "word", "interpretation": ""}
    ]


def test_plot_draws_on_given_axes_and_leaves_pyplot_alone() -> None:
    _, ax = plt.subplots()
    before = plt.get_fignums()
    assert sample().plot(ax, linewidth=3) is ax
    assert ax.lines[0].get_linewidth() == 3
    assert plt.get_fignums() == before
    plt.close("all")


def test_plot_makes_a_figure_of_its_own_and_none_when_it_fails() -> None:
    ax = sample().plot()
    assert ax.get_figure() is plt.gcf()
    plt.close("all")
    with pytest.raises(InputTypeError, match="SamplePlain has no figure"):
        SamplePlain(1.0).plot()
    assert plt.get_fignums() == []


# ------------------------------------------------------------------------ files
MAGIC = {
    ".png": b"\x89PNG",
    ".pdf": b"%PDF",
    ".svg": b"<?xml",
    ".html": b"<!doctype html>",
    ".tex": b"\\begin",
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("as_text", [True, False], ids=["str", "Path"])
def test_save_writes_every_suffix(tmp_path: Path, suffix: str, as_text: bool) -> None:
    path = tmp_path / f"result{suffix.upper() if as_text else suffix}"
    assert sample().save(str(path) if as_text else path) == path
    assert path.read_bytes().startswith(MAGIC.get(suffix, b""))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_saved_text_is_the_printed_text(tmp_path: Path) -> None:
    result = sample()
    assert Result.from_dict(_strict(result.save(tmp_path / "r.json").read_text())) == result
    assert result.save(tmp_path / "r.md").read_text() == result.summary().to_markdown() + "\n"
    assert result.save(tmp_path / "r.tex").read_text() == result.summary().to_latex() + "\n"
    rows = list(csv.DictReader(io.StringIO(result.save(tmp_path / "r.csv").read_text())))
    assert rows == [{"mixed": "word", "seed": "7", "interpretation": "It is a sample."}]


@pytest.mark.parametrize("name", ["r.xlsx", "r", ".json", "r.jsonl"])
def test_another_suffix_is_refused_and_the_admitted_ones_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=", ".join(SUFFIXES)):
        sample().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".html", ".json"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"r{suffix}"
    path.write_bytes(b"old")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("drawing failed")

    monkeypatch.setattr(SampleOuter, "_draw" if suffix != ".json" else "to_dict", fail)
    with pytest.raises(RuntimeError, match="drawing failed"):
        sample().save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_result_without_a_figure_says_so_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputTypeError, match="has no figure; use summary"):
        SamplePlain(1.0).save(tmp_path / "r.png")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="folder .*nowhere does not exist") as caught:
        sample().save(tmp_path / "nowhere" / "r.json")
    assert isinstance(caught.value, (ValueError, OSError))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_module_is_light() -> None:
    code = (
        "import sys, infostat.core.results as r; r.Result;"
        "print([m for m in ('pandas', 'matplotlib', 'scipy', 'numba', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
