"""A proxy for the layer divergence of one network: how different its two clouds of representations look.

The divergences in the hierarchical bounds compare laws over the randomness of training. One trained network
gives one draw of its weights, and two empirical laws have no points in common, so nothing here bounds
a generalization gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.progress import Progress, progress_callback
from ..core.rng import RngLike, as_seed_sequence, child
from ..core.validation import FloatArray, check_count, check_flag, check_number
from ..divergences.nearest import kl_knn
from .certificate_inputs import Layers, check_layers
from .certificate_result import RepresentationShift

__all__ = ["representation_shift"]


def representation_shift(
    train: Any,
    test: Any,
    *,
    k: int = 5,
    jitter: float | None = None,
    rank_tol: float | None = None,
    standard_error: bool = True,
    rng: RngLike = 0,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> RepresentationShift:
    """Return a nearest-neighbour KL divergence between train and test representations, layer by layer.

    Parameters
    ----------
    train, test : list (or mapping) of array_like
        Representations as in `layer_certificates`.
    k : int
        Number of the neighbour.
    jitter : float, optional
        Add normal noise of this size relative to the spread of each coordinate (``1e-10``) to break ties:
        rows on which every unit of a narrow ReLU layer is silent are equal.
    rank_tol : float, optional
        Directions in which the pooled samples spread less than this, relative to the widest direction, do
        not count. None: the larger side of the table times the rounding unit of the activations' type.
    standard_error : bool
        False leaves out the blocks and saves about half of the time.
    rng : None, int, SeedSequence or Generator
        Seed of the jitter.
    n_jobs : int, optional
        Threads of the neighbour search.
    progress : bool or callable
        Progress over layers; a callable gets ``(done, total)``.

    Returns
    -------
    RepresentationShift
        ``value`` per layer, labelled a proxy.

    Raises
    ------
    DataError
        If layers do not fit together, or rows are tied and no jitter is given (the layer is named).
    InputError
        If `k` is not smaller than the number of training rows.

    Notes
    -----
    `infostat.divergences.kl_knn` on the two samples, after a rotation that drops the directions in which
    neither of them varies (silent units, layers wider than those below): the estimator has the dimension
    as a factor. A ReLU layer that is wider than an earlier one bends a sheet of lower dimension into all
    of its coordinates; there the estimate is inflated. It is biased low in high dimension and never clipped.

    Examples
    --------
    >>> g = np.random.default_rng(3)
    >>> x, x_test = g.normal(size=(400, 2)), g.normal(size=(400, 2)) + [1.0, 0.0]
    >>> found = representation_shift([x, x[:, :1]], [x_test, x_test[:, :1]], k=10)
    >>> found.nature, bool((abs(found.value - 0.5) < 0.2).all())
    ('proxy', True)
    """
    layers = check_layers(train, test)
    neighbour = check_count("k", k, low=1)
    wanted = check_flag("standard_error", standard_error)
    tolerance = None if rank_tol is None else check_number("rank_tol", rank_tol, low=0.0, high=1.0)
    seed, count = as_seed_sequence(rng), len(layers.names)
    units = [max(_unit(a), _unit(b)) for a, b in zip(_items(train), _items(test), strict=True)]
    found = []
    with progress_callback(progress, "representation shift") as report:
        for layer in range(count):
            x, y = _flat(layers.train[layer], layers.test[layer], tolerance, units[layer])
            draws = child(seed, layer)
            try:
                estimate = kl_knn(x, y, neighbour, jitter=jitter, rng=draws, standard_error=wanted, n_jobs=n_jobs)
            except DataError as error:
                raise DataError(f"layer {layers.names[layer]}: {error}") from error
            found.append((estimate.value, estimate.se, x.shape[1]))
            if report is not None:
                report(layer + 1, count)
    return _wrap(layers, neighbour, np.array([row[:2] for row in found]), np.array([row[2] for row in found]))


def _flat(x: FloatArray, y: FloatArray, tolerance: float | None, unit: float) -> tuple[FloatArray, FloatArray]:
    """Coordinates of both samples in the flat that holds them."""
    centre = x.mean(axis=0)
    pooled = np.concatenate([x - centre, y - centre])
    _, spread, directions = np.linalg.svd(pooled - pooled.mean(axis=0), full_matrices=False)
    limit = (max(pooled.shape) * unit if tolerance is None else tolerance) * float(spread.max(initial=0.0))
    rank = max(1, int((spread > limit).sum()))
    if rank == x.shape[1]:
        return x, y
    rotated = pooled @ directions[:rank].T
    return rotated[: len(x)], rotated[len(x) :]


def _items(layers: Any) -> list[Any]:
    return list(layers.values()) if isinstance(layers, Mapping) else list(layers)


def _unit(data: Any) -> float:
    """Rounding unit of the type in which activations came."""
    kind = getattr(data, "dtype", None)
    return float(np.finfo(kind).eps) if isinstance(kind, np.dtype) and kind.kind == "f" else float(np.finfo(float).eps)


def _wrap(layers: Layers, k: int, numbers: FloatArray, dimension: Any) -> RepresentationShift:
    value = numbers[:, 0]
    largest = int(np.argmax(value))
    return RepresentationShift(
        value=value,
        nature="proxy",
        assumptions=(
            "the rows of each sample are independent draws of a density",
            "the test representations cover the places where training representations lie",
        ),
        layer=layers.names,
        width=layers.widths,
        dimension=np.asarray(dimension, dtype=np.int64),
        se=numbers[:, 1],
        k=k,
        n_train=len(layers.train[0]),
        n_test=len(layers.test[0]),
        interpretation=(
            f"Train and test representations look most different at layer {layers.names[largest]} "
            f"({value[largest]:.3g} nats). This shows a shift of the representation; it bounds no error."
        ),
    )
