"""Activations of a network from an .npz file, checked key by key."""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataFileError, InfostatWarning, InputError, InputTypeError, describe
from ..core.validation import short

__all__ = ["read_activations"]

_NUMBERED = re.compile(r"(train|test|weight)_(0|[1-9][0-9]*)")


def read_activations(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of an .npz file of activations as arguments of `layer_certificates`.

    Parameters
    ----------
    path : str or os.PathLike
        File with the arrays ``train_0 ... train_L`` and ``test_0 ... test_L`` (representations, layer 0 the
        input, layer L the output), ``y_train``, ``y_test``, and either ``lipschitz`` (K_0 ... K_L) or
        ``weight_1 ... weight_L`` (W_l of shape d_l x d_{l-1}), the latter with an optional ``activation``
        (one name, or one for each layer).

    Returns
    -------
    dict
        ``train test y_train y_test`` and ``lipschitz`` or ``weights`` and ``activations``:
        ``layer_certificates(**read_activations(path))``.

    Raises
    ------
    DataFileError
        If the file is missing, damaged, or holds pickled objects (they are never loaded).
    InputError
        If a key is missing (it is named), or train and test have different layers.

    Warns
    -----
    InfostatWarning
        If there are keys that have no meaning here.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> x = np.array([[0.0], [1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "net.npz"
    ...     np.savez(file, train_0=x, train_1=2 * x, test_0=x, test_1=2 * x, y_train=[-1, 1], y_test=[-1, 1],
    ...              weight_1=[[2.0]])
    ...     sorted(read_activations(file))
    ['activations', 'test', 'train', 'weights', 'y_test', 'y_train']
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InputTypeError(describe("path", "the path of an .npz file", short(path)))
    file = Path(path)
    if file.suffix.lower() != ".npz":
        raise InputError(describe("path", "the path of an .npz file", str(file)))
    arrays = _load(file)
    layers = _numbered(arrays, "train", 0, file)
    test = _numbered(arrays, "test", 0, file)
    last = max(len(layers), len(test)) - 1
    for which, present in (("train", layers), ("test", test)):
        _require([f"{which}_{i}" for i in range(len(present), last + 1)], file, "as for the other sample")
    _require([key for key in ("y_train", "y_test") if key not in arrays], file, "one label per row")
    found: dict[str, Any] = {
        "train": layers,
        "test": test,
        "y_train": arrays["y_train"],
        "y_test": arrays["y_test"],
        **_constants(arrays, last, file),
    }
    _warn_unused(arrays, found, last, file)
    return found


def _load(file: Path) -> dict[str, NDArray[Any]]:
    if not file.exists():
        raise DataFileError(f"{file} does not exist; check the path")
    if file.is_dir():
        raise DataFileError(f"{file} is a folder; pass one .npz file")
    try:
        # Nothing that needs pickle is ever loaded: unpickling a file runs the code in it.
        with file.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise DataFileError(f"{file} cannot be read: it is not an .npz archive, or not all of it")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as content:
                return {key: content[key] for key in content.files}
    except DataFileError:
        raise
    except Exception as error:  # a damaged file makes each library raise what it likes
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:200] or type(error).__name__
        cure = "; save plain arrays of numbers or words" if "pickle" in reason else ""
        raise DataFileError(f"{file} cannot be read: {reason}{cure}") from error


def _numbered(arrays: dict[str, NDArray[Any]], word: str, start: int, file: Path) -> list[NDArray[Any]]:
    """Arrays ``word_start``, ``word_start+1`` ... without a hole."""
    matches = [_NUMBERED.fullmatch(key) for key in arrays]
    numbers = [int(match[2]) for match in matches if match and match[1] == word]
    last = max(numbers, default=start)
    _require([f"{word}_{i}" for i in range(start, last + 1) if i not in numbers], file, "numbered without a hole")
    return [arrays[f"{word}_{i}"] for i in range(start, last + 1)]


def _constants(arrays: dict[str, NDArray[Any]], last: int, file: Path) -> dict[str, Any]:
    """Lipschitz constants, or the weights from which they are made."""
    if "lipschitz" in arrays:
        return {"lipschitz": arrays["lipschitz"]}
    if not any(key.startswith("weight_") for key in arrays):
        raise InputError(
            f"{file} must hold 'lipschitz' (tail constants K_0 ... K_{last}) or 'weight_1' ... 'weight_{last}', got "
            f"{_listed(arrays)}"
        )
    weights = _numbered(arrays, "weight", 1, file)
    _require([f"weight_{i}" for i in range(len(weights) + 1, last + 1)], file, "one matrix per layer after the input")
    names = arrays.get("activation")
    return {"weights": weights[:last], "activations": None if names is None else _words(names, file)}


def _words(names: NDArray[Any], file: Path) -> Any:
    if names.dtype.kind not in "US" or names.ndim > 1:
        raise InputError(
            f"'activation' in {file} must be one name or a list of names, got {names.dtype} of shape {names.shape}"
        )
    found = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in np.ravel(names)]
    return found[0] if names.ndim == 0 else found


def _require(missing: list[str], file: Path, why: str) -> None:
    if missing:
        listed = ", ".join(repr(key) for key in missing)
        raise InputError(f"{file} must hold {listed} ({why}), got a file without")


def _warn_unused(arrays: dict[str, NDArray[Any]], found: dict[str, Any], last: int, file: Path) -> None:
    used = {f"{word}_{i}" for word in ("train", "test") for i in range(last + 1)} | {"y_train", "y_test"}
    used |= {"lipschitz"} if "lipschitz" in found else {"activation", *(f"weight_{i}" for i in range(1, last + 1))}
    unused = [key for key in arrays if key not in used]
    if unused:
        listed = ", ".join(repr(key) for key in unused[:10]) + (" ..." if len(unused) > 10 else "")
        warnings.warn(f"{file} holds arrays that are not used: {listed}", InfostatWarning, stacklevel=3)


def _listed(arrays: dict[str, NDArray[Any]]) -> str:
    keys = sorted(arrays)
    return ", ".join(keys[:12]) + (" ..." if len(keys) > 12 else "") if keys else "no arrays"
