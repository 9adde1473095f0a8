"""Entropies and informations of joint tables, and the class-conditional information."""

from __future__ import annotations

import math
import pickle

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences.class_information import class_conditional_mi
from infostat.divergences.information import (
    conditional_entropy,
    conditional_mutual_information,
    entropy,
    interaction_information,
    mutual_information,
    total_correlation,
)

from .pmfs import MASSES

JOINT = [[0.3, 0.1], [0.2, 0.4]]
XOR = np.array([[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]])


@st.composite
def joints(draw: st.DrawFn, n_axes: int) -> np.ndarray:
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=n_axes, max_size=n_axes)))
    size = math.prod(shape)
    masses = np.array(draw(st.lists(MASSES, min_size=size, max_size=size).filter(lambda m: sum(m) > 0)))
    return (masses / masses.sum()).reshape(shape)


def h(table: np.ndarray) -> float:
    return float(scipy.special.entr(table).sum())


def test_worked_numbers() -> None:
    assert mutual_information(JOINT) == pytest.approx(0.0863046217355, abs=5e-14)
    assert entropy([0.5, 0.3, 0.2]) == pytest.approx(1.02965301406, abs=5e-12)
    assert type(mutual_information(JOINT)) is float and type(entropy([1.0])) is float


@settings(deadline=None, max_examples=60)
@given(joint=joints(2))
def test_mutual_information_by_entropies(joint: np.ndarray) -> None:
    value = mutual_information(joint)
    x, y = joint.sum(1), joint.sum(0)
    # The oracle is a difference of numbers up to log 9.
    assert value == pytest.approx(h(x) + h(y) - h(joint), abs=2e-15 * 20)
    assert value >= 0.0 and mutual_information(joint.T) == pytest.approx(value, rel=1e-9, abs=1e-15)
    assert value <= min(h(x), h(y)) + 1e-14
    assert conditional_entropy(joint) == pytest.approx(h(joint) - h(y), abs=4e-15)
    assert total_correlation(joint) == pytest.approx(value, rel=1e-9, abs=1e-15)


@settings(deadline=None, max_examples=60)
@given(joint=joints(3))
def test_chain_rules(joint: np.ndarray) -> None:
    cmi = conditional_mutual_information(joint)
    h_xz, h_yz, h_z = h(joint.sum(1)), h(joint.sum(0)), h(joint.sum((0, 1)))
    assert cmi == pytest.approx(h_xz + h_yz - h_z - h(joint), abs=4e-14)
    # I(X; Y,Z) = I(X;Z) + I(X;Y|Z)
    x_yz = mutual_information(joint.reshape(joint.shape[0], -1))
    assert x_yz == pytest.approx(mutual_information(joint, axes=(0, 2)) + cmi, abs=2e-14)
    interaction = interaction_information(joint)
    assert interaction == pytest.approx(mutual_information(joint.sum(2)) - cmi, abs=1e-14)
    for order in ((0, 2, 1), (2, 1, 0), (1, 0, 2)):
        assert interaction_information(joint, axes=order) == pytest.approx(interaction, abs=4e-14)
    margins = h(joint.sum((1, 2))) + h(joint.sum((0, 2))) + h(joint.sum((0, 1)))
    assert total_correlation(joint) == pytest.approx(margins - h(joint), abs=4e-14)


def test_exclusive_or_is_pure_synergy() -> None:
    assert mutual_information(XOR.sum(-1)) == 0.0
    assert conditional_mutual_information(XOR, base=2) == 1.0
    assert interaction_information(XOR, base=2) == -1.0
    assert total_correlation(XOR, base=2) == pytest.approx(1.0, rel=1e-15)


def test_weak_dependence_keeps_its_digits() -> None:
    shift = 2.0**-30
    joint = np.array([[0.25 + shift, 0.25 - shift], [0.25 - shift, 0.25 + shift]])
    with mp.workdps(50):
        wanted = float(sum(mp.mpf(v) * mp.log(4 * mp.mpf(v)) for v in joint.ravel()))
    # A difference of entropies would be off by 1e-16, thirty times the value.
    assert mutual_information(joint) == pytest.approx(wanted, rel=1e-13) and wanted < 1e-17


def test_perfect_dependence_and_slices_without_mass() -> None:
    assert mutual_information(np.eye(4) / 4, base=2) == pytest.approx(2.0, rel=1e-15)
    assert conditional_entropy(np.eye(4) / 4) == 0.0
    joint = np.zeros((2, 2, 3))
    joint[..., 0] = np.array(JOINT)
    assert conditional_mutual_information(joint) == pytest.approx(mutual_information(JOINT), rel=1e-15)


def test_batches_counts_and_names() -> None:
    batch = np.array([JOINT, np.full((2, 2), 0.25)])
    assert mutual_information(batch).shape == (2,) and mutual_information(batch)[1] == 0.0
    assert conditional_entropy(batch)[0] == pytest.approx(conditional_entropy(JOINT), rel=1e-15)
    counts = pd.DataFrame(
        [[30, 10], [20, 40]], index=pd.Index([0, 1], name="x"), columns=pd.Index([0, 1], name="y")
    )
    assert mutual_information(counts, normalize="yes") == pytest.approx(mutual_information(JOINT), rel=1e-14)
    by_y, by_x = (
        conditional_entropy(counts, axes=axes, normalize="yes") for axes in (("x", "y"), ("y", "x"))
    )
    assert by_y == pytest.approx(conditional_entropy(JOINT)) and by_x == pytest.approx(
        conditional_entropy(np.transpose(JOINT))
    )
    rows = pd.DataFrame({"x": [0, 0, 1, 1, 0], "y": [0, 1, 0, 1, 1], "z": [0, 1, 1, 0, 1]})
    series = rows.value_counts(["x", "y", "z"])  # cells that never occur are absent
    dense = np.zeros((2, 2, 2))
    np.add.at(dense, tuple(rows.to_numpy().T), 0.2)
    assert mutual_information(series, axes=("x", "y"), normalize="yes") == pytest.approx(
        mutual_information(dense.sum(2))
    )
    assert conditional_mutual_information(series, axes=("z", "y", "x"), normalize="yes") == pytest.approx(
        conditional_mutual_information(dense.transpose(2, 1, 0))
    )
    assert total_correlation(series, axes=("x", "z"), normalize="yes") == pytest.approx(
        mutual_information(dense.sum(1))
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mutual_information([0.5, 0.5]), "joint must be a table with at least 2 axes"),
        (lambda: conditional_mutual_information(JOINT), "at least 3 axes"),
        (lambda: mutual_information([[1, 2], [3, 4]]), "sum to 1 within 1e-08"),
        (lambda: mutual_information([[1, -2], [3, 4]]), "non-negative, got 1 negative"),
        (lambda: mutual_information(XOR, axes=(0, 0)), "axes must be different axes"),
        (lambda: mutual_information(XOR, axes=(0, 5)), "axis must be an axis of joint, from -3 to 2, got 5"),
        (
            lambda: mutual_information(XOR, axes=("x", "y")),
            "axes must name variables of joint, got 'x'; names there are: none",
        ),
        (lambda: mutual_information(XOR, axes=(0, 1, 2)), "axes must be a sequence of 2 axes"),
        (lambda: total_correlation([0.5, 0.5]), "at least two variables"),
        (lambda: entropy([0.5, 0.5], order=-1), "order must be a number >= 0"),
        (lambda: entropy([[0.5, 0.5], [0.5, 0.6]]), "worst: row 1 sums to 1.1"),
    ],
)
def test_bad_joints(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_entropy_options() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(6), (3, 4))
    assert np.allclose(entropy(p), scipy.stats.entropy(p, axis=-1), rtol=1e-14)
    assert np.allclose(
        entropy(np.moveaxis(p, -1, 0), axis=0, base=2), scipy.stats.entropy(p, axis=-1, base=2), rtol=1e-14
    )
    assert np.allclose(entropy(np.log(p) - 3, logits=True), entropy(p), rtol=1e-13)
    assert entropy([1.0, 0.0]) == 0.0 and math.copysign(1.0, entropy([1.0, 0.0])) == 1.0
    assert entropy([2.0, 3.0], normalize="no") == pytest.approx(h(np.array([2.0, 3.0])), rel=1e-15)
    # non-increasing in the order, with a log of the support first and of the largest mass last
    values = [entropy([0.5, 0.3, 0.2, 0.0], order=a) for a in (0, 0.5, 1, 2, 50, math.inf)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(math.log(3)) and values[-1] == pytest.approx(math.log(2))


# --- class-conditional information ---------------------------------------------------------------

T = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]])
LABELS = [0, 0, 1, 1]


def test_class_conditional_worked_number_and_identity() -> None:
    result = class_conditional_mi(T, LABELS)
    assert result.value == pytest.approx(0.0387421456215, abs=5e-14) and float(result) == result.value
    by_entropy = [h(T[i : i + 2].mean(0)) - (h(T[i]) + h(T[i + 1])) / 2 for i in (0, 2)]
    assert np.allclose(result.by_class, by_entropy, rtol=1e-13)
    assert (result.n, result.classes, result.skipped, result.nature) == (4, (0, 1), (2,), "estimate")
    assert np.array_equal(result.counts, [2, 2])
    frame = result.to_frame()
    assert list(frame.columns) == ["class", "n", "divergence"] and np.isnan(frame["divergence"].iloc[2])
    assert "skipped: 2" in str(result.summary())
    assert pickle.loads(pickle.dumps(result)).value == result.value


def test_class_conditional_labels_of_a_frame_and_categories() -> None:
    frame = pd.DataFrame(T, columns=["cat", "dog", "owl"])
    named = class_conditional_mi(frame, ["cat", "cat", "dog", "dog"])
    assert named.value == class_conditional_mi(T, LABELS).value and named.skipped == ("owl",)
    categories = pd.Series(pd.Categorical(["cat", "cat", "dog", "dog"], ["cat", "dog", "owl"]))
    assert class_conditional_mi(T, categories).skipped == ("owl",)
    assert class_conditional_mi(frame, LABELS).classes == ("cat", "dog")
    logits = class_conditional_mi(np.log(T) + 2.0, LABELS, logits=True, base=2)
    assert logits.value == pytest.approx(named.value / math.log(2), rel=1e-12)


def test_a_class_with_one_row_adds_nothing() -> None:
    result = class_conditional_mi(T[:3], [0, 0, 1])
    assert result.by_class[1] == 0.0 and result.value == pytest.approx(result.by_class[0] * 2 / 3)
    assert math.isnan(class_conditional_mi(T[:1], [0]).se)


def test_class_conditional_standard_error() -> None:
    rng = np.random.default_rng(11)

    def draw(n: int) -> float | tuple[float, float]:
        labels = rng.integers(0, 2, n)
        rows = np.where(labels[:, None] == 0, rng.dirichlet([4, 2, 1], n), rng.dirichlet([1, 2, 3], n))
        result = class_conditional_mi(rows, labels)
        return result.value, result.se

    values, ses = np.array([draw(400) for _ in range(200)]).T
    # The sd of 200 draws has a relative error of 1/sqrt(400) = 5 %; four of these.
    assert np.mean(ses) == pytest.approx(np.std(values, ddof=1), rel=0.2)


@pytest.mark.parametrize(
    ("probs", "labels", "error", "message"),
    [
        (T, [0, 0, 1], InputError, r"labels must have one entry per row of probs \(4\), got shape \(3,\)"),
        (T, [0, 0, 1, 3], InputError, "labels must be an integer from 0 to 2, got 3"),
        (T, [0, 0, 1, 0.5], InputTypeError, "labels must be an integer"),
        (T, [0, 0, 1, np.nan], InputError, "1 missing values"),
        (
            pd.DataFrame(T, columns=list("abc")),
            list("aabz"),
            InputError,
            "labels must name columns of probs, got z",
        ),
        (T[0], [0], InputError, r"probs must be a table of shape \(n, C\)"),
        (T * 2, LABELS, InputError, "probs must have rows that sum to 1"),
    ],
)
def test_bad_labels(probs, labels, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        class_conditional_mi(probs, labels)
