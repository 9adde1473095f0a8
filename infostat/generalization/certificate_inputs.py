"""Arguments of the certificates: layers of two samples, labels, constants, rows to use."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from ..core.errors import DataError, InputError, InputTypeError, Words, describe
from ..core.rng import child_generator
from ..core.samples import as_sample, same_columns
from ..core.validation import FloatArray, as_float_array, short
from .lipschitz import check_weight_matrices, lipschitz_constants

__all__ = ["Layers", "check_labels", "check_layers", "draw_rows", "halves", "read_layer", "tail_constants"]

Labels = NDArray[Any]
_TRAIN_ROWS, _TEST_ROWS = 1, 2  # children of the seed; child 0 draws the halves


@dataclass(frozen=True)
class Layers:
    """Representations of two samples, layer by layer.

    Attributes
    ----------
    names : tuple of str
        Name of each layer, from the input to the output.
    train, test : list of ndarray
        One matrix per layer, rows are observations.
    """

    names: tuple[str, ...]
    train: list[FloatArray]
    test: list[FloatArray]

    @property
    def widths(self) -> NDArray[np.int64]:
        """Number of columns of each layer."""
        return np.array([layer.shape[1] for layer in self.train], dtype=np.int64)

    def rows(self, train: NDArray[np.intp] | None, test: NDArray[np.intp] | None) -> Layers:
        """Return the same layers with a part of the rows; None keeps all."""
        return Layers(
            self.names,
            self.train if train is None else [layer[train] for layer in self.train],
            self.test if test is None else [layer[test] for layer in self.test],
        )


def check_layers(train: Any, test: Any) -> Layers:
    """Return the representations of two samples, or raise and name the layer that does not fit.

    Parameters
    ----------
    train, test : sequence or mapping of array_like
        One array per layer, the input first; a mapping names the layers. Arrays with more than two axes
        (images, feature maps) count as one row per first index.

    Returns
    -------
    Layers
        Matrices.

    Raises
    ------
    InputError
        If the numbers of layers differ, or there are fewer than two.
    DataError
        If a layer has another number of rows or columns, or values that are not finite.
    """
    first, second = _named("train", train), _named("test", test)
    if [name for name, _ in first] != [name for name, _ in second]:
        shown = Words(f"{len(second)} layers for {len(first)}" if len(first) != len(second) else "other names")
        raise InputError(describe("test", "the same layers as train", shown))
    if len(first) < 2:
        raise InputError(
            describe("train", "a list of the input, the hidden layers and the output (at least 2 arrays)", len(first))
        )
    layers = Layers(
        tuple(name for name, _ in first),
        [read_layer(f"train[{name}]", data, min_rows=1) for name, data in first],
        [read_layer(f"test[{name}]", data, min_rows=2) for name, data in second],
    )
    for name, a, b in zip(layers.names, layers.train, layers.test, strict=True):
        same_columns(a, b, (f"train[{name}]", f"test[{name}]"))
    for which, matrices in (("train", layers.train), ("test", layers.test)):
        counts = [len(matrix) for matrix in matrices]
        if len(set(counts)) > 1:
            raise DataError(
                f"the layers of {which} must have the same number of rows (row i of each is one observation), got "
                f"{', '.join(map(str, counts))}"
            )
    return layers


def read_layer(name: str, data: Any, *, min_rows: int) -> FloatArray:
    """Return one layer as a matrix of finite rows; axes beyond the second are flattened.

    Parameters
    ----------
    name : str
        For messages.
    data : array_like
        Activations.
    min_rows : int
        Fewest rows.

    Returns
    -------
    ndarray of shape (n, width)
        The Euclidean norm of a difference is that of the flattened array.
    """
    if isinstance(data, np.ndarray) and data.ndim > 2:
        data = data.reshape(len(data), -1)
    return as_sample(name, data, min_rows=min_rows)


def _named(which: str, data: Any) -> list[tuple[str, Any]]:
    if isinstance(data, Mapping):
        return [(str(name), layer) for name, layer in data.items()]
    if isinstance(data, (str, bytes)) or hasattr(data, "columns") or not isinstance(data, Sequence):
        raise InputTypeError(describe(which, "a list of arrays, one per layer, or a mapping of them", short(data)))
    return [(str(i), layer) for i, layer in enumerate(data)]


def check_labels(y_train: Any, y_test: Any, rows: tuple[int, int], of: tuple[str, str]) -> tuple[Labels, Labels]:
    """Return the labels of two samples, one per row, or raise.

    Parameters
    ----------
    y_train, y_test : array_like of shape (n,) and (m,)
        Numbers or words; a single column is accepted.
    rows : tuple of int
        n and m.
    of : tuple of str
        What has these rows.

    Returns
    -------
    tuple of ndarray
        The labels.

    Raises
    ------
    DataError
        If there are more or fewer labels than rows, a label is missing, or one sample has words and the
        other numbers.
    """
    train, test = _labels("y_train", y_train, rows[0], of[0]), _labels("y_test", y_test, rows[1], of[1])
    if (train.dtype.kind == "U") != (test.dtype.kind == "U"):
        raise DataError("y_train and y_test must be labels of one kind, got words for one and numbers for the other")
    return train, test


def _labels(name: str, labels: Any, n_rows: int, of: str) -> Labels:
    try:
        array = np.asarray(labels)
    except (ValueError, RuntimeError):  # lists of unequal length, arrays that refuse to become one of NumPy
        raise DataError(describe(name, "one label per row", short(labels))) from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(describe(name, "one label per row", Words(f"shape {array.shape}")))
    if len(array) != n_rows:
        raise DataError(f"{name} must have one label per row of {of} ({n_rows}), got {len(array)}")
    values: list[Any] = array.tolist()
    missing = sum(map(_is_missing, values))
    if missing:
        raise DataError(f"{name} must have no missing labels, got {missing}")
    words = [isinstance(label, (str, bytes)) for label in values]
    if all(words):
        return array.astype(np.str_)
    if any(words) or not all(isinstance(label, numbers.Real) for label in values):
        raise DataError(describe(name, "all numbers or all words", short(values[:3])))
    return array.astype(np.float64)


def _is_missing(label: Any) -> bool:
    """Whether a label is None or not equal to itself, as nan is; what has no truth value (pandas.NA) is missing too."""
    try:
        return label is None or bool(label != label)
    except (TypeError, ValueError):
        return True


def tail_constants(lipschitz: Any, weights: Any, activations: Any, layers: Layers) -> FloatArray:
    """Return the tail constants K_0 ... K_L from whichever argument was given.

    Parameters
    ----------
    lipschitz : array_like of shape (L+1,) or None
        The constants themselves.
    weights, activations : sequence
        As in `lipschitz_constants`.
    layers : Layers
        For the widths.

    Returns
    -------
    ndarray of shape (L+1,)
        The constants.

    Raises
    ------
    InputError
        If both or none are given, or they do not fit the layers.
    """
    last = len(layers.names) - 1
    if (lipschitz is None) == (weights is None):
        got = "neither" if lipschitz is None else "both"
        raise InputError(
            f"exactly one of lipschitz (tail constants K_0 ... K_{last}) and weights (W_1 ... W_{last}) must be given, "
            f"got {got}"
        )
    if lipschitz is not None:
        return _given_constants(lipschitz, last)
    matrices = check_weight_matrices(weights)
    if len(matrices) != last:
        raise InputError(f"weights must hold {last} matrices, one for each layer after the input, got {len(matrices)}")
    for layer, matrix in enumerate(matrices, 1):
        wanted = (int(layers.widths[layer]), int(layers.widths[layer - 1]))
        if matrix.shape != wanted:
            raise InputError(
                f"weights of layer {layer} must have shape {wanted} (width of this layer x width of the one below), "
                f"got {matrix.shape}"
            )
    return lipschitz_constants(matrices, activations)


def _given_constants(lipschitz: Any, last: int) -> FloatArray:
    constants = as_float_array("lipschitz", lipschitz, ndim=1, finite=False)
    if len(constants) != last + 1:
        raise InputError(f"lipschitz must hold {last + 1} tail constants, one per layer, got {len(constants)}")
    wrong = constants[~(constants >= 0.0)]
    if wrong.size:
        raise InputError(describe("lipschitz", "non-negative", float(wrong[0])))
    if constants[-1] != 1.0:
        raise InputError(
            f"lipschitz must end with 1 (the map from the output to itself), got {constants[-1]:g}; the constant of "
            "the loss is not part of it"
        )
    return constants


def draw_rows(n: int, limit: int, seed: SeedSequence, *, test: bool) -> NDArray[np.intp] | None:
    """Return the rows to use, None if all: a seeded draw without replacement where there are too many.

    Parameters
    ----------
    n, limit : int
        Rows there are and rows that may be used.
    seed : SeedSequence
        Parent seed.
    test : bool
        Which of the two samples.

    Returns
    -------
    ndarray of int or None
        Sorted row numbers.
    """
    if n <= limit:
        return None
    drawn = child_generator(seed, _TEST_ROWS if test else _TRAIN_ROWS).choice(n, limit, replace=False)
    return np.sort(drawn).astype(np.intp)


def halves(n: int, seed: SeedSequence) -> Iterator[NDArray[np.intp]]:
    """Yield two random halves of the row numbers; the second has the odd row.

    Parameters
    ----------
    n : int
        Rows.
    seed : SeedSequence
        Parent seed; its child 0 draws.

    Yields
    ------
    ndarray of int
        Sorted row numbers.
    """
    order = child_generator(seed, 0).permutation(n)
    yield np.sort(order[: n // 2])
    yield np.sort(order[n // 2 :])
