"""Losses of which a certificate knows the Lipschitz constant, and what a wrong label costs.

The constants refer to the output of the network before any final activation (logits).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, InputError, Words, describe
from ..core.validation import FloatArray, check_choice, short

__all__ = ["LOSSES", "LossAccount", "account_for_loss", "check_loss"]

Labels: TypeAlias = NDArray[Any]

LOSSES = ("logistic", "hinge", "softmax", "cross_entropy", "squared")
_ZERO_ONE = {"0-1", "01", "0/1", "zero_one", "zero-one", "zeroone", "accuracy", "error", "misclassification"}
_CHUNK = 1 << 20  # numbers in a temporary table of losses


@dataclass(frozen=True)
class LossAccount:
    """Loss of every row, with the constants that turn distances into differences of losses.

    Attributes
    ----------
    train, test : ndarray of shape (n,) and (m,)
        Losses of the rows.
    rho : float
        Lipschitz constant of the loss in the output, Euclidean norm.
    label_cost : float
        Largest |l(u, y) - l(u, y')| over the outputs u and labels y, y' that occur.
    loss_range : float
        Largest minus smallest loss over the outputs and labels that occur.
    """

    train: FloatArray
    test: FloatArray
    rho: float
    label_cost: float
    loss_range: float


def check_loss(loss: Any) -> str:
    """Return the name of a loss, or raise and say why the 0-1 loss has no certificate.

    Parameters
    ----------
    loss : object
        What the caller passed.

    Returns
    -------
    str
        One of `LOSSES`; ``"cross_entropy"`` becomes ``"softmax"``.

    Raises
    ------
    InputError
        For another name.
    """
    if isinstance(loss, str) and loss.lower().replace(" ", "_").replace("_loss", "") in _ZERO_ONE:
        raise InputError(
            f"loss must be Lipschitz in the output, got {loss!r}: the 0-1 loss jumps at the decision boundary, so no "
            "distance of outputs limits its change; use 'logistic' or 'hinge' (the hinge loss is never below the 0-1 "
            "loss), or a bound that needs no Lipschitz constant (hierarchical_kl_bound, pac_bayes_bound)"
        )
    name = check_choice("loss", loss, LOSSES)
    return "softmax" if name == "cross_entropy" else name


def account_for_loss(loss: str, u: FloatArray, y: Labels, u_test: FloatArray, y_test: Labels) -> LossAccount:
    """Return losses and constants for two labelled samples of outputs.

    Parameters
    ----------
    loss : str
        From `check_loss`.
    u, u_test : ndarray of shape (n, c) and (m, c)
        Outputs of the network.
    y, y_test : ndarray of shape (n,) and (m,)
        Labels.

    Returns
    -------
    LossAccount
        Losses and constants.

    Raises
    ------
    DataError
        If outputs or labels do not suit the loss, or a loss is not finite.

    Notes
    -----
    Logistic log(1 + e^(-y u)) and hinge max(0, 1 - y u): constant 1, labels -1 and 1. Softmax
    cross-entropy: sqrt(2), labels 0 ... c-1. Squared (u - y)^2: 2 (max|u| + max|y|).

    Examples
    --------
    >>> account = account_for_loss("hinge", np.array([[0.5]]), np.array([1.0]), np.array([[2.0]]), np.array([-1.0]))
    >>> account.train.tolist(), account.test.tolist(), account.rho, account.label_cost
    ([0.5], [3.0], 1.0, 3.0)
    """
    labels = _class_codes(y, y_test, u.shape[1]) if loss == "softmax" else _real_labels(loss, u, y, y_test)
    known = np.unique(np.concatenate(labels))
    with np.errstate(over="ignore", invalid="ignore"):
        own = [_losses(loss, part, label) for part, label in ((u, labels[0]), (u_test, labels[1]))]
        if not all(np.isfinite(part).all() for part in own):
            raise DataError("the outputs must give finite losses, got overflow; rescale the outputs")
        largest, low, high = 0.0, math.inf, -math.inf
        for part in (u, u_test):
            spread, least, most = _over_labels(loss, part, known)
            largest, low, high = max(largest, spread), min(low, least), max(high, most)
        rho = _rho(loss, max(np.abs(u).max(), np.abs(u_test).max()), float(np.abs(known).max()))
        return LossAccount(own[0], own[1], rho, largest, high - low)


def _rho(loss: str, largest_output: float, largest_label: float) -> float:
    if loss == "squared":
        return 2.0 * (float(largest_output) + largest_label)
    return math.sqrt(2.0) if loss == "softmax" else 1.0


def _losses(loss: str, u: FloatArray, y: Labels) -> FloatArray:
    """Loss of each row; rows of `u` and entries of `y` belong together."""
    if loss != "softmax":
        return _score_loss(loss, u[:, 0], y)
    from scipy.special import logsumexp

    return np.asarray(logsumexp(u, axis=1) - np.take_along_axis(u, y[:, None], axis=1)[:, 0])


def _score_loss(loss: str, score: FloatArray, y: Labels) -> FloatArray:
    """Loss of one output; arguments broadcast."""
    if loss == "squared":
        return np.asarray((score - y) ** 2)
    return np.asarray(np.logaddexp(0.0, -y * score) if loss == "logistic" else np.maximum(0.0, 1.0 - y * score))


def _over_labels(loss: str, u: FloatArray, known: Labels) -> tuple[float, float, float]:
    """Largest spread over the known labels at one output, smallest and largest loss, in chunks of rows."""
    spread, low, high = 0.0, math.inf, -math.inf
    step = max(1, _CHUNK // len(known))
    for start in range(0, len(u), step):
        part = u[start : start + step]
        table, gaps = _label_table(loss, part, known)
        spread, low, high = max(spread, float(gaps.max())), min(low, float(table.min())), max(high, float(table.max()))
    return spread, low, high


def _label_table(loss: str, u: FloatArray, known: Labels) -> tuple[FloatArray, FloatArray]:
    """Losses of every output under every known label, and their spread at each output."""
    if loss == "softmax":
        from scipy.special import logsumexp

        # The differences over labels are those of the logits, without the cancellation.
        chosen = u[:, known]
        return np.asarray(logsumexp(u, axis=1)[:, None] - chosen), np.asarray(np.ptp(chosen, axis=1))
    table = _score_loss(loss, u[:, :1], known)
    if loss == "logistic" and len(known) > 1:
        return table, np.abs(u[:, 0])
    return table, np.asarray(np.ptp(table, axis=1))


def _real_labels(loss: str, u: FloatArray, y: Labels, y_test: Labels) -> tuple[FloatArray, FloatArray]:
    """Labels of a loss on one output column."""
    if u.shape[1] != 1:
        raise DataError(
            f"the {loss} loss needs an output layer of width 1, got {u.shape[1]} columns; for one column per class "
            "use loss='softmax'"
        )
    found = _numeric("y_train", y), _numeric("y_test", y_test)
    if loss != "squared":
        values = np.unique(np.concatenate(found))
        if not np.isin(values, (-1.0, 1.0)).all():
            cure = "pass 2*y - 1" if np.isin(values, (0.0, 1.0)).all() else "code the two classes as -1 and 1"
            shown = Words(", ".join(f"{v:g}" for v in values[:5]) + (" ..." if len(values) > 5 else ""))
            raise InputError(describe("y_train and y_test", f"-1 or 1 for the {loss} loss", shown, cure))
    return found


def _class_codes(y: Labels, y_test: Labels, n_classes: int) -> tuple[Labels, Labels]:
    """Labels as columns of the output."""
    if n_classes < 2:
        raise DataError(
            "the softmax loss needs an output layer with one column per class, got 1 column; for a single score use "
            "loss='logistic' with labels -1 and 1"
        )
    found = []
    for name, labels in (("y_train", y), ("y_test", y_test)):
        codes = _numeric(name, labels)
        wrong = codes[(codes != np.floor(codes)) | (codes < 0) | (codes >= n_classes)]
        if wrong.size:
            required = f"class codes 0 to {n_classes - 1}, one per output column,"
            raise InputError(describe(name, required, float(wrong[0])))
        found.append(codes.astype(np.intp))
    return found[0], found[1]


def _numeric(name: str, labels: Labels) -> FloatArray:
    if labels.dtype.kind == "U":
        raise InputError(describe(name, "numbers for this loss", short(str(labels[0])), "code the classes as numbers"))
    return np.asarray(labels, dtype=np.float64)
