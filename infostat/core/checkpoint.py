"""Checkpoints: finished blocks of a long study in one file that is never half-written.

File layout: a magic line with the format version, the SHA-256 of everything after it in
hexadecimal, the length of a JSON header, the header (fingerprint of the study, and dtype and
shape of every array), and the raw bytes of the arrays. A new state is written beside the old
file and moved over it in one step, so a process killed at any moment leaves the old state or
the new one. Nothing is unpickled when a file is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from .errors import CheckpointError, DataFileError, InputTypeError, describe
from .files import write_atomic
from .rng import RngLike, as_seed_sequence, seed_label
from .validation import short

__all__ = ["Block", "Blocks", "Checkpoint", "study_seed"]

Block: TypeAlias = "dict[str, NDArray[Any]]"
Blocks: TypeAlias = "dict[int, Block]"

_MAGIC = b"infostat-checkpoint 1\n"
_DIGEST_LENGTH = 64
_LENGTH_BYTES = 8
_STORABLE_KINDS = "biufcSUmM"
_UNTOUCHED = "it was left untouched, delete it or choose another path"


class Checkpoint:
    """One file with the finished blocks of one study.

    Parameters
    ----------
    path : str or os.PathLike
        The file; its folder must exist.
    fingerprint : dict
        What identifies the study: numbers, strings, None, lists and dicts of these, seed
        sequences, and arrays (kept as shape, dtype and hash).

    Attributes
    ----------
    path : pathlib.Path
        The file.
    fingerprint : dict
        The fingerprint as plain JSON values.

    Raises
    ------
    DataFileError
        If the path is a folder or lies in a folder that does not exist.
    InputTypeError
        If the path is not a path, or the fingerprint holds something else.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Checkpoint(pathlib.Path(folder) / "run.ckpt", {"n": 10})
    ...     store.store({0: {"risk": np.array([0.5, 0.25])}})
    ...     store.load()[0]["risk"]
    array([0.5 , 0.25])
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: Mapping[str, object]) -> None:
        self.path = _check_path(path)
        self.fingerprint: dict[str, Any] = _plain(dict(fingerprint))

    def load(self) -> Blocks:
        """Return the finished blocks by index, an empty dict if there is no file yet.

        Returns
        -------
        dict of int to dict of str to ndarray
            What was stored last.

        Raises
        ------
        CheckpointError
            If the file is damaged, is no checkpoint or belongs to another study; it is not
            touched.
        """
        if not self.path.exists():
            return {}
        header, data = _read(self.path)
        differences = _differences(header["fingerprint"], self.fingerprint)
        if differences:
            raise CheckpointError(
                f"checkpoint {self.path} belongs to another study ({differences}); {_UNTOUCHED}"
            )
        return _decode(header["blocks"], data)

    def store(self, blocks: Mapping[int, Mapping[str, NDArray[Any]]]) -> None:
        """Replace the file by one that holds these blocks.

        Parameters
        ----------
        blocks : dict of int to dict of str to ndarray
            All finished blocks; arrays of numbers, booleans, strings or dates.

        Raises
        ------
        InputTypeError
            If an array holds Python objects.
        DataFileError
            If the file cannot be written; the previous one is then still there.
        """
        write_atomic(self.path, _encode(self.fingerprint, blocks), what="checkpoint")

    @staticmethod
    def stored_fingerprint(path: str | os.PathLike[str]) -> dict[str, Any] | None:
        """Return the fingerprint inside a checkpoint file, None if there is no file.

        Parameters
        ----------
        path : str or os.PathLike
            The file.

        Returns
        -------
        dict or None
            The fingerprint as plain JSON values.

        Raises
        ------
        CheckpointError
            If the file is damaged or no checkpoint.
        """
        file = _check_path(path)
        if not file.exists():
            return None
        fingerprint: dict[str, Any] = _read(file)[0]["fingerprint"]
        return fingerprint


def study_seed(rng: RngLike, checkpoint: str | os.PathLike[str] | None) -> SeedSequence:
    """Return the seed of a study whose task needs to know it; None resumes with the seed of the file.

    Parameters
    ----------
    rng : None, int, SeedSequence or Generator
        What the caller gave.
    checkpoint : path, optional
        File of the study, which may hold its seed.

    Returns
    -------
    SeedSequence
        The seed.
    """
    stored = Checkpoint.stored_fingerprint(checkpoint) if rng is None and checkpoint is not None else None
    return as_seed_sequence(stored["seed"] if stored and "seed" in stored else rng)


def _check_path(path: object) -> Path:
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        raise InputTypeError(describe("checkpoint", "the path of a file", short(path)))
    file = Path(path)
    if file.is_dir():
        raise DataFileError(f"checkpoint must be the path of a file, got the folder {file}")
    if not file.parent.is_dir():
        raise DataFileError(
            f"checkpoint {file} cannot be written: the folder {file.parent} does not exist; create it first"
        )
    return file


def _plain(value: Any) -> Any:
    """Return `value` as JSON values, arrays as their hash."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, SeedSequence):
        return seed_label(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in _STORABLE_KINDS:
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"dtype": value.dtype.str, "shape": list(value.shape), "sha256": digest}
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    raise InputTypeError(
        describe("a fingerprint entry", "a number, string, array, list or dict", short(value))
    )


def _differences(stored: dict[str, Any], own: dict[str, Any]) -> str:
    found = []
    for key in sorted({*stored, *own}):
        # Compared as text: NaN settings are equal to themselves there, 1 and True are not.
        there, here = _as_text(stored, key), _as_text(own, key)
        if there != here:
            found.append(f"{key} is {_cut(there)} in the file and {_cut(here)} here")
    return ", ".join(found)


def _as_text(fingerprint: dict[str, Any], key: str) -> str:
    return json.dumps(fingerprint[key], sort_keys=True) if key in fingerprint else "absent"


def _cut(text: str, width: int = 60) -> str:
    return text if len(text) <= width else text[: width - 4] + " ..."


def _encode(fingerprint: dict[str, Any], blocks: Mapping[int, Mapping[str, NDArray[Any]]]) -> list[bytes]:
    layout: list[list[Any]] = []
    data: list[bytes] = []
    for index in sorted(blocks):
        entries = []
        for name, array in blocks[index].items():
            if array.dtype.kind not in _STORABLE_KINDS:
                raise InputTypeError(
                    f"array {name!r} of a checkpoint must hold numbers or strings, got dtype {array.dtype}"
                )
            entries.append([name, array.dtype.str, list(array.shape)])
            data.append(np.ascontiguousarray(array).tobytes())
        layout.append([int(index), entries])
    header = json.dumps({"fingerprint": fingerprint, "blocks": layout}, sort_keys=True).encode()
    body = [len(header).to_bytes(_LENGTH_BYTES, "little"), header, *data]
    digest = hashlib.sha256()
    for part in body:
        digest.update(part)
    return [_MAGIC, digest.hexdigest().encode(), *body]


def _read(path: Path) -> tuple[dict[str, Any], memoryview]:
    """Return the header and the raw bytes of the arrays, after checking the checksum."""
    try:
        content = memoryview(path.read_bytes())
    except OSError as error:
        raise DataFileError(f"checkpoint {path} cannot be read: {error.strerror}") from error
    if content[: len(_MAGIC)] != _MAGIC:
        raise CheckpointError(f"{path} is not a checkpoint of this version of infostat; {_UNTOUCHED}")
    digest = bytes(content[len(_MAGIC) : len(_MAGIC) + _DIGEST_LENGTH])
    body = content[len(_MAGIC) + _DIGEST_LENGTH :]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise CheckpointError(f"checkpoint {path} is damaged (its checksum does not match); {_UNTOUCHED}")
    end = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "little")
    header: dict[str, Any] = json.loads(bytes(body[_LENGTH_BYTES:end]))
    return header, body[end:]


def _decode(layout: list[list[Any]], data: memoryview) -> Blocks:
    blocks: Blocks = {}
    position = 0
    for index, entries in layout:
        block: Block = {}
        for name, code, shape in entries:
            dtype = np.dtype(code)
            count = int(np.prod(shape, dtype=np.int64))
            size = count * dtype.itemsize
            # Through bytes: frombuffer refuses empty buffers, which are legitimate here.
            raw = bytes(data[position : position + size])
            block[name] = np.ndarray(shape, dtype, buffer=bytearray(raw)) if size else np.empty(shape, dtype)
            position += size
        blocks[int(index)] = block
    return blocks
