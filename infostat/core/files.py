"""Writing files so that they appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .errors import DataFileError

__all__ = ["check_writable", "write_atomic"]


def check_writable(path: str | os.PathLike[str], *, what: str = "") -> None:
    """Refuse a path that cannot become a file, before any work is done for it.

    Parameters
    ----------
    path : str or os.PathLike
        The file to be written later.
    what : str
        Kind of file, put in front of the path in messages.

    Raises
    ------
    DataFileError
        If its folder does not exist or it is a folder itself.

    Examples
    --------
    >>> check_writable("result.json")
    """
    target = Path(path)
    label = f"{what} {target}".strip()
    if target.is_dir():
        raise DataFileError(f"{label} cannot be written: it is a folder; give a file name")
    if not target.parent.is_dir():
        folder = f"the folder {target.parent} does not exist; create it"
        raise DataFileError(f"{label} cannot be written: {folder}")


def write_atomic(path: str | os.PathLike[str], content: bytes | Iterable[bytes], *, what: str = "") -> None:
    """Write a file beside its final place and move it there in one step.

    Parameters
    ----------
    path : str or os.PathLike
        The file; an existing one is replaced.
    content : bytes or iterable of bytes
        What to write, whole or in parts.
    what : str
        Kind of file, put in front of the path in messages.

    Raises
    ------
    DataFileError
        If the file cannot be written; an existing one is then unchanged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "a.txt"
    ...     write_atomic(file, b"text")
    ...     file.read_bytes(), len(list(file.parent.iterdir()))
    (b'text', 1)
    """
    target = Path(path)
    check_writable(target, what=what)
    # In the same folder, because only a move inside one file system is a single step; with the
    # process number, because two processes may write the same file.
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            with open(temporary, "wb") as file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        label = f"{what} {target}".strip()
        raise DataFileError(f"{label} cannot be written: {error.strerror or error}") from error
