"""Constants of the losses: they hold for random outputs and labels, and are attained."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import DataError, InputError
from infostat.generalization.loss_constants import LOSSES, account_for_loss, check_loss


def plain_loss(loss, u, y):
    """One row at a time, as the formula reads."""
    if loss == "softmax":
        return math.log(sum(math.exp(v) for v in u)) - u[int(y)]
    if loss == "squared":
        return (u[0] - y) ** 2
    return max(0.0, 1.0 - y * u[0]) if loss == "hinge" else math.log1p(math.exp(-y * u[0]))


def draw(loss, seed, scale=2.0):
    g = np.random.default_rng(seed)
    n, m = g.integers(1, 8, size=2)
    width = 3 if loss == "softmax" else 1
    u, v = scale * g.normal(size=(n, width)), scale * g.normal(size=(m, width))
    if loss == "softmax":
        return u, g.integers(0, 3, n).astype(float), v, g.integers(0, 3, m).astype(float)
    values = [-1.0, 1.0] if loss != "squared" else [-2.0, 0.5, 1.0]
    return u, g.choice(values, n), v, g.choice(values, m)


@pytest.mark.parametrize("loss", ["hinge", "logistic", "softmax", "squared"])
@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=20)
def test_constants_hold_for_all_outputs_and_labels_that_occur(loss, seed):
    u, y, v, z = draw(loss, seed)
    account = account_for_loss(loss, u, y, v, z)
    outputs, labels = np.concatenate([u, v]), np.unique(np.concatenate([y, z]))
    table = np.array([[plain_loss(loss, row, label) for label in labels] for row in outputs])
    np.testing.assert_allclose(account.train, [plain_loss(loss, a, b) for a, b in zip(u, y, strict=True)], rtol=1e-12)
    np.testing.assert_allclose(account.test, [plain_loss(loss, a, b) for a, b in zip(v, z, strict=True)], rtol=1e-12)
    # The label cost is the largest change over labels, not above and not below.
    assert account.label_cost == pytest.approx(float(np.ptp(table, axis=1).max()), rel=1e-9, abs=1e-12)
    assert account.loss_range == pytest.approx(float(np.ptp(table)), rel=1e-9, abs=1e-12)
    distance = np.linalg.norm(outputs[:, None] - outputs, axis=2)
    change = np.abs(table[:, None] - table).max(axis=2)
    assert (change <= account.rho * distance * (1.0 + 1e-12) + 1e-12).all()


def test_constants_are_attained():
    step = 1e-6
    for loss, u, y in (("hinge", [[0.0]], 1.0), ("logistic", [[-40.0]], 1.0), ("softmax", [[-40.0, 40.0]], 0.0)):
        u = np.array(u)
        move = step * np.array([[1.0, -1.0]]) / math.sqrt(2.0) if loss == "softmax" else np.array([[step]])
        account = account_for_loss(loss, u, np.array([y]), u + move, np.array([y]))
        assert abs(account.test[0] - account.train[0]) / step == pytest.approx(account.rho, rel=1e-6)


def test_worked_label_costs():
    ones = np.array([1.0, -1.0])
    u = np.array([[0.4], [-3.0]])
    assert account_for_loss("logistic", u, ones, u, ones).label_cost == 3.0
    assert account_for_loss("hinge", u, ones, u, ones).label_cost == 4.0  # (1 + 3) - 0
    assert account_for_loss("hinge", u[:1], ones[:1], u[:1], -ones[:1]).label_cost == pytest.approx(0.8)
    assert account_for_loss("squared", u, ones, u, ones).rho == 8.0
    # With one label there is nothing to change.
    for loss in ("logistic", "hinge", "squared"):
        assert account_for_loss(loss, u, np.ones(2), u, np.ones(2)).label_cost == 0.0


def test_large_outputs_keep_their_digits():
    u = np.array([[800.0], [-800.0]])
    account = account_for_loss("logistic", u, np.array([1.0, 1.0]), u, np.array([-1.0, -1.0]))
    assert account.train.tolist() == [0.0, 800.0] and account.test.tolist() == [800.0, 0.0]
    logits = np.array([[900.0, 0.0]])
    assert account_for_loss("softmax", logits, np.array([1.0]), logits, np.array([0.0])).train.tolist() == [900.0]


@pytest.mark.parametrize("name", ["0-1", "zero_one", "01", "accuracy", "0-1 loss", "zero_one_loss"])
def test_zero_one_loss_is_refused_with_the_reason(name):
    with pytest.raises(InputError, match="jumps at the decision boundary"):
        check_loss(name)


def test_names():
    assert check_loss("cross_entropy") == "softmax"
    assert [check_loss(name) for name in LOSSES] == ["logistic", "hinge", "softmax", "softmax", "squared"]
    with pytest.raises(InputError, match="loss must be one of 'logistic'"):
        check_loss("huber")


@pytest.mark.parametrize(
    ("loss", "u", "y", "message"),
    [
        ("logistic", [[1.0]], [0.0], "y_train and y_test must be -1 or 1.*pass 2"),
        ("hinge", [[1.0]], [3.0], "must be -1 or 1 for the hinge loss, got 3; code the two classes"),
        ("logistic", [[1.0, 2.0]], [1.0], "output layer of width 1.*softmax"),
        ("softmax", [[1.0]], [0.0], "one column per class"),
        ("softmax", [[1.0, 2.0]], [2.0], "class codes 0 to 1"),
        ("softmax", [[1.0, 2.0]], [0.5], "class codes 0 to 1"),
        ("squared", [[1e200]], [1.0], "finite losses"),
        ("logistic", [[1.0]], ["a"], "must be numbers for this loss"),
    ],
)
def test_bad_input(loss, u, y, message):
    u, y = np.array(u), np.array(y)
    with pytest.raises((DataError, InputError), match=message):
        account_for_loss(loss, u, y, u, y)
