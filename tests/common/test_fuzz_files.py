"""Files that nobody tested: random text, odd separators and encodings, damage to every format that is read.

Whatever a file holds, a reader gives a table or refuses in one line that names the file, warns of
nothing, and leaves the file as it was. Reading whole and reading in chunks agree.
"""

from __future__ import annotations

import gzip
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infostat import generalization
from infostat.core.checkpoint import Checkpoint
from infostat.core.chunks import file_stream
from infostat.core.data import read_table
from infostat.core.errors import InfostatError
from infostat.core.results import Result, to_json

# One folder serves all the examples of a test: each example writes its file anew.
FAST = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LONG = settings(FAST, max_examples=5000)

PIECES = [
    "1", "-2.5", "3e7", "1e999", "nan", "inf", "NA", "", " ", "a", "b", "x", "é", "→", "😀", '"', '""', '"a,b"', "'",
    ",", ";", "\t", "|", "\n", "\r\n", "\r", "\n\n", "#", "\x00", "\ufeff", "1,2", "1;2", "1.234,5", "0x1F", "1_000",
    "True", "2020-01-01", "a,b\n1,2\n3,4\n", "{", "}", '{"a": 1}\n', "[1]", "\x1a", "\u2028", "=1+1",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-32-be"])


def _encoded(text: str, encoding: str) -> bytes:
    return text.encode(encoding, errors="replace")


def _frame() -> pd.DataFrame:
    g = np.random.default_rng(0)
    return pd.DataFrame({"a": g.normal(size=40), "b": g.integers(0, 5, 40), "c": np.resize(["x", "y", "z"], 40)})


def _npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def _npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _parquet() -> bytes:
    stream = io.BytesIO()
    _frame().to_parquet(stream)
    return stream.getvalue()


def _lines() -> bytes:
    return str(_frame().to_json(orient="records", lines=True)).encode()


def _sound(suffix: str) -> bytes:
    """A sound file of a suffix."""
    csv = _frame().to_csv(index=False).encode()
    numbers = _frame()[["a", "b"]].to_numpy()
    made: dict[str, Callable[[], bytes]] = {
        ".csv": lambda: csv, ".tsv": lambda: csv.replace(b",", b"\t"), ".csv.gz": lambda: gzip.compress(csv, mtime=0),
        ".parquet": _parquet, ".jsonl": _lines, ".npy": lambda: _npy(numbers), ".npz": lambda: _npz(x=numbers),
    }  # fmt: skip
    return made[suffix]()


def _read(path: Path) -> Any:
    return read_table(str(path)).frame


def _read_in_chunks(path: Path) -> Any:
    stream = file_stream(path, chunk_rows=7)
    assert stream.labels is not None
    return pd.concat(list(stream.frames()), ignore_index=True)


def _outcome(reader: Callable[[Path], Any], path: Path) -> Any:
    """What a reader gives, or its refusal after a look at it."""
    before = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found: Any
        try:
            found = reader(path)
        except InfostatError as error:
            found = error
    if isinstance(found, InfostatError):
        assert isinstance(found, (ValueError, TypeError, ImportError))
        assert "\n" not in str(found) and 10 < len(str(found)) < 1200, found
    assert path.read_bytes() == before
    return found


def _check_table(path: Path) -> None:
    found = _outcome(_read, path)
    if isinstance(found, pd.DataFrame):
        assert found.columns.is_unique and all(isinstance(label, str) for label in found.columns)
    elif not isinstance(found, TypeError):
        assert path.name in str(found) or "data" in str(found)
    pieces = _outcome(_read_in_chunks, path)
    if isinstance(found, pd.DataFrame) and isinstance(pieces, pd.DataFrame):
        assert list(found.columns) == list(pieces.columns) and len(found) == len(pieces)
        for label in found.columns:
            if found[label].dtype.kind in "biuf" and pieces[label].dtype.kind in "biuf":
                np.testing.assert_array_equal(found[label], pieces[label])


def _text_case(folder: Path, text: str, encoding: str, suffix: str) -> None:
    path = folder / f"fuzz{suffix}"
    content = _encoded(text, encoding)
    path.write_bytes(gzip.compress(content, mtime=0) if suffix.endswith(".gz") else content)
    _check_table(path)


suffixes = st.sampled_from([".csv", ".tsv", ".txt", ".csv.gz", ".jsonl"])


@FAST
@given(text=texts, encoding=encodings, suffix=suffixes)
def test_any_text_is_a_table_or_refused(tmp_path: Path, text: str, encoding: str, suffix: str) -> None:
    _text_case(tmp_path, text, encoding, suffix)


@pytest.mark.slow
@LONG
@given(text=texts | st.text(max_size=60), encoding=encodings, suffix=suffixes)
def test_any_text_is_a_table_or_refused_at_length(tmp_path: Path, text: str, encoding: str, suffix: str) -> None:
    _text_case(tmp_path, text, encoding, suffix)


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Ways to damage a file: cut it, change bytes, put some in, repeat a part, swap the ends."""
    where, what = draw(st.floats(0.0, 1.0)), draw(st.binary(min_size=1, max_size=9))
    kind = draw(st.sampled_from(["cut", "change", "insert", "repeat", "tail", "wrap"]))

    def damage(content: bytes) -> bytes:
        at = int(where * len(content))
        return {
            "cut": content[:at],
            "change": content[:at] + what + content[at + len(what) :],
            "insert": content[:at] + what + content[at:],
            "repeat": content[:at] + content,
            "tail": content[at:] + content[:at],
            "wrap": gzip.compress(content, mtime=0),
        }[kind]

    return damage


damaged = st.sampled_from([".csv", ".tsv", ".csv.gz", ".parquet", ".jsonl", ".npy", ".npz"])


@FAST
@given(suffix=damaged, damage=damages())
def test_damage_to_a_file_is_a_table_or_refused(
    tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"fuzz{suffix}"
    path.write_bytes(damage(_sound(suffix)))
    _check_table(path)


@pytest.mark.slow
@LONG
@given(suffix=damaged, damage=damages())
def test_damage_to_a_file_at_length(tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"fuzz{suffix}"
    path.write_bytes(damage(_sound(suffix)))
    _check_table(path)


# ------------------------------------------------------------- separators and quotes that are usual
cells = st.sampled_from(["plain", "with, comma", "with; semicolon", 'with "quotes"', "two words", "é→", "line\nbreak"])


@FAST
@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6),
    words=st.lists(cells, min_size=6, max_size=6),
    mark=st.sampled_from([",", ";", "\t"]),
    ends=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    packed=st.booleans(),
)
def test_what_pandas_writes_comes_back(
    tmp_path: Path, values: list[float], words: list[str], mark: str, ends: str, bom: bool, packed: bool
) -> None:
    frame = pd.DataFrame({"number": values, "word": words[: len(values)]})
    text = frame.to_csv(index=False, sep=mark, lineterminator=ends)
    content = text.encode("utf-8-sig" if bom else "utf-8")
    path = tmp_path / ("fuzz.csv.gz" if packed else "fuzz.csv")
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    for reader in (_read, _read_in_chunks):
        found = reader(path)
        assert list(found.columns) == ["number", "word"]
        np.testing.assert_array_equal(found["number"].to_numpy(dtype=float), frame["number"])
        written = [word.replace("\n", ends) for word in frame["word"]]
        assert found["word"].tolist() in (written, frame["word"].tolist())


# ------------------------------------------------------------------ files that the package writes
@FAST
@given(damage=damages())
def test_a_damaged_checkpoint_is_refused_and_left_alone(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "run.ckpt"
    store = Checkpoint(path, {"study": "fuzz", "n": 10})
    store.store({0: {"risk": np.arange(20.0)}, 3: {"risk": np.array([0.5])}})
    sound = path.read_bytes()
    path.write_bytes(damage(sound))
    changed = path.read_bytes() != sound
    found = _outcome(lambda file: Checkpoint(file, {"study": "fuzz", "n": 10}).load(), path)
    assert isinstance(found, InfostatError) == changed
    if changed:
        assert "checkpoint" in str(found)
    else:
        assert sorted(found) == [0, 3]


@FAST
@given(damage=damages())
def test_damaged_activations_are_layers_or_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    layer = np.arange(12.0).reshape(6, 2)
    labels = {"y_train": layer[:, 0] > 4, "y_test": layer[:, 0] > 5}
    arrays = {"train_0": layer, "test_0": layer + 1.0, **labels}
    path = tmp_path / "layers.npz"
    path.write_bytes(damage(_npz(**arrays)))
    found = _outcome(generalization.read_activations, path)
    assert isinstance(found, (dict, InfostatError))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("inf"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@FAST
@given(data=st.data())
def test_json_that_was_edited_is_a_result_or_refused(data: st.DataObject) -> None:
    sound = json.loads(to_json(generalization.depth_width_table(24, [1, 2], 0.9).to_dict()))
    key = data.draw(st.sampled_from(sorted(sound)))
    edited = dict(sound)
    if data.draw(st.booleans()):
        del edited[key]
    else:
        edited[key] = data.draw(values)
    found: Any
    try:
        found = Result.from_dict(edited)
    except InfostatError as error:
        found = error
    assert isinstance(found, (Result, ValueError, TypeError)) and len(str(found)) > 10
