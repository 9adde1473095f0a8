"""Forward pass, gradient and full-batch training of a small network: arrays in, arrays out, no checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit

from ..core.errors import InputError, describe
from ..core.progress import Progress, progress_callback
from ..core.validation import FloatArray
from .network_noise import LayerNoise, draw_noise

__all__ = [
    "ACTIVATIONS",
    "NetworkPlan",
    "forward",
    "initial_weights",
    "logistic_losses",
    "train",
    "training_progress",
]

StepReport: TypeAlias = Callable[[int, int, float, float], object]
Slope: TypeAlias = "FloatArray | NDArray[np.bool_]"
Parameters: TypeAlias = tuple[list[FloatArray], list[FloatArray]]

# Each activation with its slope written as a function of its value, which the backward pass has at hand.
ACTIVATIONS: dict[str, tuple[Callable[[FloatArray], FloatArray], Callable[[FloatArray], Slope]]] = {
    "relu": (lambda u: np.maximum(u, 0.0), lambda t: t > 0.0),
    "tanh": (np.tanh, lambda t: 1.0 - t * t),
    "sigmoid": (expit, lambda t: t * (1.0 - t)),
    "identity": (lambda u: u, np.ones_like),
}


@dataclass(frozen=True)
class NetworkPlan:
    """What fixes a network before it has seen data.

    Attributes
    ----------
    widths : tuple of int
        d_0 (columns of the data) to d_L (the output).
    activations : tuple of str
        One name per layer 1 to L; the last is the identity.
    drop, noise_std : tuple of float
        Dropout probability and noise standard deviation of the hidden layers 1 to L - 1.
    bias : bool
        Whether layers have biases.
    """

    widths: tuple[int, ...]
    activations: tuple[str, ...]
    drop: tuple[float, ...]
    noise_std: tuple[float, ...]
    bias: bool

    @property
    def has_noise(self) -> bool:
        """Whether a hidden layer drops units or adds noise."""
        return any(self.drop) or any(self.noise_std)

    def noise(self, rows: int, generator: Generator) -> tuple[LayerNoise, ...]:
        """Return one draw of the noise of every hidden layer."""
        return draw_noise(self.widths[1:-1], self.drop, self.noise_std, rows, generator)


def initial_weights(plan: NetworkPlan, generator: Generator) -> Parameters:
    """Return weights with the variance 2 / d_{l-1} of He et al., and biases of zero.

    Parameters
    ----------
    plan : NetworkPlan
        The network.
    generator : Generator
        Source of the weights.

    Returns
    -------
    tuple of lists
        Weights of shape (d_l, d_{l-1}) and biases of shape (d_l,), for l = 1 to L.
    """
    pairs = list(zip(plan.widths[:-1], plan.widths[1:], strict=True))
    weights = [np.sqrt(2.0 / before) * generator.standard_normal((after, before)) for before, after in pairs]
    return weights, [np.zeros(after) for _, after in pairs]


def forward(
    plan: NetworkPlan, parameters: Parameters, X: FloatArray, noise: Sequence[LayerNoise] | None
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return what every layer passes on, and the values of the activations before the noise.

    Parameters
    ----------
    plan : NetworkPlan
        The network.
    parameters : tuple of lists
        Weights and biases.
    X : ndarray of shape (n, d_0)
        Observations.
    noise : sequence of LayerNoise, optional
        A draw for the L - 1 hidden layers; None leaves the noise out.

    Returns
    -------
    layers : list of ndarray
        T_0 = X to T_L, of shape (n, d_l).
    values : list of ndarray
        g_l(W_l T_{l-1} + b_l) for l = 1 to L.
    """
    layers, values = [X], []
    hidden = len(plan.widths) - 2
    for index, (weight, bias) in enumerate(zip(*parameters, strict=True)):
        before = layers[-1] @ weight.T
        if plan.bias:
            before += bias
        value = ACTIVATIONS[plan.activations[index]][0](before)
        values.append(value)
        if noise is not None and index < hidden:
            scale, shift = noise[index]
            value = value if scale is None else value * scale
            value = value if shift is None else value + shift
        layers.append(value)
    return layers, values


def logistic_losses(outputs: FloatArray, y: FloatArray) -> FloatArray:
    """Return log(1 + exp(-y u)) for every row, without overflow.

    Parameters
    ----------
    outputs, y : ndarray of shape (n,)
        Logits u and labels -1 or 1.

    Returns
    -------
    ndarray of shape (n,)
        Losses in nats.
    """
    return np.asarray(np.logaddexp(0.0, -y * outputs))


def gradients(
    plan: NetworkPlan,
    weights: Sequence[FloatArray],
    layers: Sequence[FloatArray],
    values: Sequence[FloatArray],
    y: FloatArray,
    noise: Sequence[LayerNoise] | None,
) -> Parameters:
    """Return the gradient of the mean logistic loss in the weights and biases.

    Parameters
    ----------
    plan : NetworkPlan
        The network.
    weights : sequence of ndarray
        W_1 to W_L.
    layers, values : sequence of ndarray
        From :func:`forward`.
    y : ndarray of shape (n,)
        Labels -1 or 1.
    noise : sequence of LayerNoise, optional
        The draw that the forward pass used.

    Returns
    -------
    tuple of lists
        Arrays of the shapes of the weights and of the biases.
    """
    above = (-y * expit(-y * layers[-1][:, 0]) / len(y))[:, None]
    slopes: list[FloatArray] = []
    shifts: list[FloatArray] = []
    for index in reversed(range(len(weights))):
        slopes.append(above.T @ layers[index])
        shifts.append(above.sum(axis=0))
        if index:
            above = above @ weights[index]
            scale = None if noise is None else noise[index - 1].scale
            if scale is not None:
                above *= scale
            above *= ACTIVATIONS[plan.activations[index - 1]][1](values[index - 1])
    return slopes[::-1], shifts[::-1]


def train(
    plan: NetworkPlan,
    start: Parameters,
    data: tuple[FloatArray, FloatArray],
    test: tuple[FloatArray, FloatArray] | None,
    *,
    steps: int,
    learning_rate: float,
    generators: tuple[Generator, Generator],
    report: StepReport | None,
) -> tuple[Parameters, FloatArray]:
    """Return the parameters after full-batch gradient steps, and the losses on the way.

    Parameters
    ----------
    plan : NetworkPlan
        The network.
    start : tuple of lists
        Weights and biases before the first step; not changed.
    data, test : tuple of ndarray
        Observations and labels; without `test` the test losses are nan.
    steps : int
        Number of steps.
    learning_rate : float
        Length of a step in units of the gradient.
    generators : tuple of Generator
        Noise of the hidden layers, in the passes over the training data and over the test data. Two
        streams, so that watching the test loss changes no weight.
    report : callable, optional
        Gets ``(step, steps, loss, gap)`` after every step.

    Returns
    -------
    parameters : tuple of lists
        Weights and biases.
    losses : ndarray of shape (steps + 1, 2)
        Mean training and test loss before each step and after the last, nats.
    """
    (X, y), (weights, biases) = data, ([w.copy() for w in start[0]], [b.copy() for b in start[1]])
    losses = np.full((steps + 1, 2), np.nan)
    # An exploding run is found by its loss, and named; its intermediate infinities are no news.
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            noise = plan.noise(len(X), generators[0]) if plan.has_noise else None
            layers, values = forward(plan, (weights, biases), X, noise)
            losses[step, 0] = loss = float(logistic_losses(layers[-1][:, 0], y).mean())
            if not np.isfinite(loss):
                cure = f"the loss is not finite after {step} of {steps} steps; lower it, or standardise X"
                raise InputError(describe("learning_rate", "small enough for these data", learning_rate, cure))
            if test is not None:
                losses[step, 1] = _mean_loss(plan, (weights, biases), test, generators[1])
            if report is not None and step:
                report(step, steps, loss, float(losses[step, 1] - loss))
            if step < steps:
                slopes, shifts = gradients(plan, weights, layers, values, y, noise)
                for weight, slope in zip(weights, slopes, strict=True):
                    weight -= learning_rate * slope
                if plan.bias:
                    for bias, shift in zip(biases, shifts, strict=True):
                        bias -= learning_rate * shift
    return (weights, biases), losses


def _mean_loss(
    plan: NetworkPlan, parameters: Parameters, data: tuple[FloatArray, FloatArray], generator: Generator
) -> float:
    X, y = data
    noise = plan.noise(len(X), generator) if plan.has_noise else None
    return float(logistic_losses(forward(plan, parameters, X, noise)[0][-1][:, 0], y).mean())


def training_progress(progress: Progress) -> AbstractContextManager[StepReport | None]:
    """Return a context manager that gives a function ``(step, steps, loss, gap)``, or None when silent.

    Parameters
    ----------
    progress : bool or callable
        False is silent, a callable gets ``(done, total)``, True draws a bar on stderr that also shows
        the loss and the gap.

    Returns
    -------
    context manager
        Entering it gives the function to call after every step, or None.

    Raises
    ------
    InputTypeError
        If `progress` is neither a boolean nor callable.
    """
    if isinstance(progress, (bool, np.bool_)):
        return _bar() if progress else nullcontext(None)
    return _counts(progress)


@contextmanager
def _counts(progress: Progress) -> Iterator[StepReport]:
    with progress_callback(progress, "training") as told:
        assert told is not None

        def report(step: int, steps: int, loss: float, gap: float) -> None:
            told(step, steps)

        yield report


@contextmanager
def _bar() -> Iterator[StepReport]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)

        def report(step: int, steps: int, loss: float, gap: float) -> None:
            shown = f"loss {loss:.4f}" + ("" if np.isnan(gap) else f"  gap {gap:+.4f}")
            bar.update(task, completed=step, total=steps, description=shown)

        yield report
