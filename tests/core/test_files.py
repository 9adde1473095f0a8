"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infostat.core.errors import DataFileError
from infostat.core.files import check_writable, write_atomic


def test_content_is_written_whole_or_in_parts(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"one")
    write_atomic(str(tmp_path / "b"), iter([b"o", b"n", b"e"]))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"one"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a longer old text")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"


def test_content_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def parts() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, parts())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, function, full)
    with pytest.raises(DataFileError, match=r"^checkpoint .*a cannot be written: No space left on device$"):
        write_atomic(path, b"new", what="checkpoint")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("check", [check_writable, lambda path: write_atomic(path, b"")])
def test_impossible_places_are_named(tmp_path: Path, check: Any) -> None:
    with pytest.raises(DataFileError, match="folder .*missing does not exist"):
        check(tmp_path / "missing" / "a")
    with pytest.raises(DataFileError, match="is a folder; give a file name"):
        check(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DataFileError, match="folder .*file does not exist"):
        check(tmp_path / "file" / "a")
    assert os.listdir(tmp_path) == ["file"]


def test_checking_writes_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_a_folder_without_permission_is_one_clear_error(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write anywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(DataFileError, match="cannot be written: Permission denied"):
        write_atomic(tmp_path / "a", b"")
