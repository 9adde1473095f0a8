"""Checkpoint files: exact round trip, and refusal of everything that is not this study's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.random import SeedSequence

from infostat.core.checkpoint import Checkpoint
from infostat.core.errors import CheckpointError, DataFileError, InputTypeError

STUDY = {"study": "demo", "n": 10, "seed": SeedSequence(7, spawn_key=(1,)), "grid": np.arange(3.0)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.ckpt"


@pytest.fixture
def stored(path: Path) -> Path:
    risk = np.array([0.1, np.nan, -0.0, np.inf])
    Checkpoint(path, STUDY).store({0: {"risk": risk}, 3: {"risk": np.ones(4)}})
    return path


def test_round_trip_is_bit_identical(path: Path) -> None:
    blocks = {
        5: {"a": np.random.default_rng(1).normal(size=(2, 3)), "flag": np.array([True, False])},
        0: {"name": np.array(["x", "yy"]), "none": np.empty((0, 4)), "day": np.array(["2020"], "M8[D]")},
        1: {"z": np.array([1 + 2j, -0.0]), "f": np.asfortranarray(np.arange(6.0).reshape(2, 3))},
    }
    Checkpoint(path, STUDY).store(blocks)
    loaded = Checkpoint(path, STUDY).load()
    assert set(loaded) == {0, 1, 5}
    for index, block in blocks.items():
        assert set(loaded[index]) == set(block)
        for name, array in block.items():
            again = loaded[index][name]
            assert (again.dtype, again.shape) == (array.dtype, array.shape)
            assert again.tobytes() == array.tobytes()
            assert again.flags.writeable
    assert [p.name for p in path.parent.iterdir()] == ["run.ckpt"]


def test_no_file_means_nothing_done(path: Path) -> None:
    assert Checkpoint(path, STUDY).load() == {}
    assert Checkpoint.stored_fingerprint(path) is None
    assert not path.exists()


def test_fingerprint_can_be_read_back(stored: Path) -> None:
    fingerprint = Checkpoint.stored_fingerprint(stored)
    assert fingerprint is not None
    assert fingerprint["seed"] == "entropy=7;spawn_key=1;pool_size=4"
    assert fingerprint["grid"]["shape"] == [3]


def refused(path: Path, words: str, fingerprint: dict[str, object] | None = None) -> None:
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=words) as caught:
        Checkpoint(path, STUDY if fingerprint is None else fingerprint).load()
    assert "\n" not in str(caught.value)
    assert "left untouched" in str(caught.value)
    assert path.read_bytes() == before


def test_every_truncation_is_refused(stored: Path) -> None:
    content = stored.read_bytes()
    for length in range(0, len(content), 7):
        stored.write_bytes(content[:length])
        refused(stored, "damaged|not a checkpoint")


def test_every_flipped_bit_is_refused(stored: Path) -> None:
    content = stored.read_bytes()
    for position in range(0, len(content), 3):
        changed = bytearray(content)
        changed[position] ^= 1 << (position % 8)
        stored.write_bytes(bytes(changed))
        refused(stored, "damaged|not a checkpoint")


def test_appended_bytes_are_refused(stored: Path) -> None:
    stored.write_bytes(stored.read_bytes() + b"\0")
    refused(stored, "damaged")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04 not ours"])
def test_foreign_files_are_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refused(path, "is not a checkpoint")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n": 11}, r"n is 10 in the file and 11 here"),
        ({"seed": 8}, r"seed is .* in the file and 8 here"),
        ({"grid": np.arange(3.0) + 1e-9}, "grid is"),
        ({"extra": True}, "extra is absent in the file and true here"),
        ({"n": 10, "study": "other"}, 'study is "demo" in the file and "other" here'),
    ],
)
def test_another_study_is_refused_and_the_differences_named(
    stored: Path, change: dict[str, object], words: str
) -> None:
    refused(stored, words, {**STUDY, **change})


def test_equal_settings_of_other_types_are_the_same_study(path: Path) -> None:
    Checkpoint(path, {"a": (1, 2.0), "b": float("nan"), "c": np.float64(0.5)}).store({})
    assert Checkpoint(path, {"a": [1, 2.0], "b": np.nan, "c": 0.5}).load() == {}


def test_failed_store_keeps_the_old_state(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stored.read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(DataFileError, match=r"run.ckpt cannot be written: No space left"):
        Checkpoint(stored, STUDY).store({0: {"risk": np.ones(1)}})
    assert stored.read_bytes() == before
    assert len(list(stored.parent.iterdir())) == 1


def test_paths_that_cannot_work_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="the folder .* does not exist"):
        Checkpoint(tmp_path / "missing" / "run.ckpt", STUDY)
    with pytest.raises(DataFileError, match="must be the path of a file, got the folder"):
        Checkpoint(tmp_path, STUDY)
    with pytest.raises(InputTypeError, match="checkpoint must be the path of a file"):
        Checkpoint(3, STUDY)  # type: ignore[arg-type]


def test_objects_are_refused(path: Path) -> None:
    with pytest.raises(InputTypeError, match="array 'a' of a checkpoint must hold numbers or strings"):
        Checkpoint(path, STUDY).store({0: {"a": np.array([object()])}})
    with pytest.raises(InputTypeError, match="a fingerprint entry must be a number, string"):
        Checkpoint(path, {"f": len})
    assert not path.exists()
