"""Checkpoints of a study of several parts: one folder with a file for the study and one for every part.

The file of the study says what it is and holds its seed, so that a resumed study need not be given it again.
The parts keep themselves, each in a file of :class:`infostat.core.checkpoint.Checkpoint`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from numpy.random import SeedSequence

from .checkpoint import Checkpoint, study_seed
from .errors import CheckpointError, DataFileError, InputTypeError, describe
from .rng import RngLike
from .validation import short

__all__ = ["CheckpointFolder"]

_INDEX = "study.ckpt"


class CheckpointFolder:
    """Seed of a study of several parts, and where finished work of the parts is kept.

    Parameters
    ----------
    path : str, os.PathLike or None
        The folder, made if it does not exist; None keeps nothing.
    study : mapping
        What identifies the study besides the settings that the parts know themselves.
    rng : None, int, SeedSequence, Generator or str
        The seed; with None and a folder that holds the study already, its seed is taken from there.

    Attributes
    ----------
    seed : SeedSequence
        Seed of the study.

    Raises
    ------
    InputTypeError
        If the path is no path.
    DataFileError
        If the folder cannot be made, or the path is a file.
    CheckpointError
        If the folder belongs to another study or holds other files; nothing in it is touched.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = CheckpointFolder(folder, {"study": "example"}, 7)
    ...     again = CheckpointFolder(folder, {"study": "example"}, None)
    ...     again.seed.entropy, again.file("part-0").name
    (7, 'part-0.ckpt')
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, study: Mapping[str, object], rng: RngLike = None
    ) -> None:
        self._folder = None if path is None else _open_folder(path)
        file = None if self._folder is None else self._folder / _INDEX
        self.seed: SeedSequence = study_seed(rng, file)
        if file is None:
            return
        index = Checkpoint(file, {**study, "seed": self.seed})
        if file.exists():
            index.load()
        else:
            index.store({})  # before the first part: a folder that cannot be written to shows now

    def file(self, part: str) -> Path | None:
        """Return the file that keeps the finished work of a part.

        Parameters
        ----------
        part : str
            Name of the part.

        Returns
        -------
        Path or None
            None if nothing is kept.
        """
        return None if self._folder is None else self._folder / f"{part}.ckpt"


def _open_folder(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        raise InputTypeError(describe("checkpoint", "the path of a folder", short(path)))
    folder = Path(path)
    try:
        if folder.exists() and not folder.is_dir():
            raise DataFileError(
                f"checkpoint {folder} must be a folder for a study of several parts, got a file; choose another path"
            )
        folder.mkdir(exist_ok=True)
        strange = not (folder / _INDEX).exists() and any(
            name for name in os.listdir(folder) if not name.startswith(f".{_INDEX}.")  # left by a killed first write
        )
    except DataFileError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataFileError(f"checkpoint {folder} cannot be made: {reason}; its parent folder must exist") from None
    if strange:
        raise CheckpointError(
            f"checkpoint {folder} must be an empty folder or one that a study has made, got other files in it; it was "
            "left untouched, choose another path"
        )
    return folder
