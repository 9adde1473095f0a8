"""The transport problems behind the certificates of all layers, solved on threads."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Report
from ..core.threads import run_blocks
from ..core.validation import FloatArray
from ..divergences.exact_transport import TransportSolution
from .certificate_inputs import Labels, Layers
from .loss_constants import LossAccount
from .transport_costs import CloudPair, labelled_cost, mean_distance, stretched, uniform_transport

__all__ = ["LayerNumbers", "LayerProblem", "layer_problem", "solve_layers"]


@dataclass(frozen=True)
class LayerProblem:
    """What the work on one layer needs.

    Attributes
    ----------
    layers : Layers
        Representations of the two samples.
    mismatch : ndarray of bool of shape (n, m)
        Where their labels differ.
    half : tuple of Layers and ndarray of bool
        The same for the two halves of the test sample.
    lipschitz : ndarray of shape (L+1,)
        Tail constants.
    rho, label_cost : float
        Lipschitz constant of the loss, cost of a changed label.
    """

    layers: Layers
    mismatch: NDArray[np.bool_]
    half: tuple[Layers, NDArray[np.bool_]]
    lipschitz: FloatArray
    rho: float
    label_cost: float


@dataclass(frozen=True)
class LayerNumbers:
    """What comes out of it.

    Attributes
    ----------
    w1, w1_floor, certificate, certificate_floor : float
        As in `LayerCertificates`.
    stretch : float
        How far the outputs contradict the Lipschitz constant; 1 if they do not.
    trouble : str
        Why a solver stopped early; empty if none did.
    """

    w1: float
    w1_floor: float
    certificate: float
    certificate_floor: float
    stretch: float
    trouble: str


def layer_problem(
    layers: Layers,
    labels: tuple[Labels, Labels],
    constants: FloatArray,
    account: LossAccount,
    given: float | None,
    half: list[NDArray[np.intp]],
) -> LayerProblem:
    """Return the problem of all layers.

    Parameters
    ----------
    layers : Layers
        Representations.
    labels : tuple of ndarray
        Labels of the two samples.
    constants : ndarray of shape (L+1,)
        Tail constants.
    account : LossAccount
        Constants of the loss.
    given : float or None
        Label cost that replaces the one of the loss.
    half : list of two ndarray of int
        Rows of the halves of the test sample.

    Returns
    -------
    LayerProblem
        All that the layers need.
    """
    first, second = half
    return LayerProblem(
        layers=layers,
        mismatch=labels[0][:, None] != labels[1],
        half=(
            Layers(layers.names, [t[first] for t in layers.test], [t[second] for t in layers.test]),
            labels[1][first][:, None] != labels[1][second],
        ),
        lipschitz=constants,
        rho=account.rho,
        label_cost=account.label_cost if given is None else given,
    )


def solve_layers(problem: LayerProblem, jobs: int, report: Report | None) -> list[LayerNumbers]:
    """Return the numbers of every layer, the layers spread over threads.

    Parameters
    ----------
    problem : LayerProblem
        The problem.
    jobs : int
        Threads.
    report : callable or None
        Called with ``(layers done, layers)``.

    Returns
    -------
    list of LayerNumbers
        In the order of the layers.
    """
    lock, done, total = Lock(), 0, len(problem.lipschitz)

    def work(layer: int) -> LayerNumbers:
        nonlocal done
        numbers = _one_layer(problem, layer)
        if report is not None:
            with lock:
                done += 1
                report(done, total)
        return numbers

    return list(run_blocks(work, [(layer,) for layer in range(total)], jobs))


def _one_layer(problem: LayerProblem, layer: int) -> LayerNumbers:
    layers, constant = problem.layers, float(problem.lipschitz[layer])
    pair = CloudPair(layers.train[layer], layers.test[layer], problem.mismatch)
    distances = pair.distances()
    stretch = stretched(distances, layers.train[-1], layers.test[-1], constant)
    w1, certificate = _both(pair, distances, problem.rho * constant, problem.label_cost)
    half, mismatch = problem.half
    pair = CloudPair(half.train[layer], half.test[layer], mismatch)
    floor, its_floor = _both(pair, pair.distances(), problem.rho * constant, problem.label_cost)
    troubles = [each.trouble for each in (w1, certificate, floor, its_floor) if each.trouble]
    return LayerNumbers(
        w1.value, floor.value, certificate.value, its_floor.value, stretch, troubles[0] if troubles else ""
    )


def _both(pair: CloudPair, distances: FloatArray, lipschitz: float, label_cost: float) -> tuple[TransportSolution, ...]:
    """Distance without labels, and labelled transport; `distances` is used up, which saves a table."""
    labelled = uniform_transport(labelled_cost(distances, pair.mismatch, lipschitz, label_cost))
    return mean_distance(pair, distances), labelled
