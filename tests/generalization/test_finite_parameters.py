"""Finite parameter spaces: worked numbers, an enumerated network, monotonicity, bad input."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError, NoContractionWarning, VacuousBoundWarning
from infostat.core.results import Result, to_json
from infostat.generalization.finite_parameters import depth_width_table, finite_parameter_bound
from infostat.generalization.sdpi import compose_sdpi, sdpi_dropout


# ------------------------------------------------------------- worked numbers (spec 5)
def test_worked_numbers_of_depth_against_width() -> None:
    table = depth_width_table(240, [1, 2, 4, 8], 0.9)
    assert table.kappa == pytest.approx([0.804508, 0.468786, 0.0968473, 1.36612e-3], rel=1e-5)
    assert table.width == pytest.approx(np.sqrt(240 / np.array([1, 2, 4, 8])), rel=1e-15)
    assert table.bound_factor == pytest.approx(np.sqrt(table.kappa), rel=1e-15)
    assert table.nature == "bound"
    assert "training error" in table.interpretation
    assert "stays open" in str(table.summary()).replace("\n", " ")


def test_depth_table_against_mpmath() -> None:
    table = depth_width_table(10_000, [1, 3, 100, 10_000], 0.3)
    with mpmath.workdps(50):
        for depth, kappa, gap in zip(table.depth, table.kappa, table.kappa_gap, strict=True):
            exact = (1 - mpmath.mpf(0.3) ** mpmath.sqrt(mpmath.mpf(10_000) / int(depth))) ** int(depth)
            # exp of depth * log(...) loses as many roundings as the exponent has units.
            assert float(kappa) == pytest.approx(float(exact), rel=1e-12)
            assert float(gap) == pytest.approx(float(1 - exact), rel=1e-12)


def test_one_network_by_hand() -> None:
    found = finite_parameter_bound([4, 3, 1], 2, 1000, 0.5, [0.5, 0.2], 0.0)
    kappa = (1 - 0.5**4) * (1 - 0.2**3)
    assert found.n_params == 15
    assert found.contraction == pytest.approx(kappa, rel=1e-15)
    assert found.contraction_gap == pytest.approx(1 - kappa, rel=1e-14)
    assert found.value == pytest.approx(0.5 * math.sqrt(2 * kappa * 15 * math.log(2) / 1000), rel=1e-15)
    assert (found.nature, found.sense, found.vacuous) == ("bound", "expectation", False)
    product = compose_sdpi([sdpi_dropout(0.5, 4), sdpi_dropout(0.2, 3)])
    assert found.contraction == product.value
    assert finite_parameter_bound([4, 3, 1], 2, 1000, 0.5, 0.0, 0.0, biases=True).n_params == 19
    assert any("2 sigma" in text for text in found.assumptions)


def test_dropout_does_not_shrink_the_label_part() -> None:
    # All of the entropy may be about labels: the bound is then that without dropout.
    plain = finite_parameter_bound([4, 1], 2, 1000, 0.5, 0.0, 0.0)
    worst = finite_parameter_bound([4, 1], 2, 1000, 0.5, 0.9, math.inf)
    assert worst.value == pytest.approx(plain.value, rel=1e-15)
    assert worst.label_information == plain.entropy == pytest.approx(4 * math.log(2))
    assert not any("single labels" in text for text in worst.assumptions)
    free = finite_parameter_bound([4, 1], 2, 1000, 0.5, 0.9, 0.0)
    assert free.value < worst.value
    assert any("nothing about single labels" in text for text in free.assumptions)
    # With one observation the labels say at most log 2.
    with pytest.warns(VacuousBoundWarning):
        capped = finite_parameter_bound([4, 1], 2, 1, 0.5, 0.1, math.inf, n_classes=2)
    assert capped.label_information == pytest.approx(math.log(2))


# ------------------------------------------------------------------ an enumerated network
def enumerated(p_z: dict[tuple[int, int], float], drop: float, n: int) -> tuple[float, float, float]:
    """Gap, sum of I(Y_i; W) and H(W) of a one-weight network with Dropout, trained by empirical risk.

    x and w are -1 or 1, the prediction is the sign of w * mask * x (a fair coin at 0), the loss is 0-1, and ties of the
    noise-averaged training loss go to w = 1.
    """
    def loss(w: int, x: int, y: int) -> float:
        return (1 - drop) * (w * x != y) + drop * 0.5

    risk = {w: sum(p * loss(w, *z) for z, p in p_z.items()) for w in (-1, 1)}
    law_w: dict[int, float] = {-1: 0.0, 1: 0.0}
    joint: list[dict[tuple[int, int], float]] = [{} for _ in range(n)]
    gap = 0.0
    for sample in itertools.product(p_z, repeat=n):
        probability = math.prod(p_z[z] for z in sample)
        train = {w: sum(loss(w, *z) for z in sample) / n for w in (-1, 1)}
        w = -1 if train[-1] < train[1] else 1
        gap += probability * (risk[w] - train[w])
        law_w[w] += probability
        for i, (_, y) in enumerate(sample):
            joint[i][y, w] = joint[i].get((y, w), 0.0) + probability
    p_y = {y: sum(p for z, p in p_z.items() if z[1] == y) for y in (-1, 1)}
    labels = sum(
        p * math.log(p / (p_y[y] * law_w[w])) for table in joint for (y, w), p in table.items() if p > 0.0
    )
    entropy = -sum(p * math.log(p) for p in law_w.values() if p > 0.0)
    return gap, labels, entropy


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.02, 1.0), min_size=4, max_size=4), st.floats(0.0, 0.95), st.integers(1, 4))
def test_the_bound_holds_on_an_enumerated_network(masses: list[float], drop: float, n: int) -> None:
    cells = list(itertools.product((-1, 1), repeat=2))
    p_z = {z: m / sum(masses) for z, m in zip(cells, masses, strict=True)}
    gap, labels, entropy = enumerated(p_z, drop, n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VacuousBoundWarning)
        found = finite_parameter_bound([1, 1], 2, n, 0.5, drop, labels + 1e-12)
    assert entropy <= found.entropy + 1e-12
    assert abs(gap) <= found.value


@pytest.mark.parametrize("drop", [0.5, 0.9])
def test_weights_that_know_labels_only_gain_nothing_from_dropout(drop: float) -> None:
    # The input is constant and W = Y_1: all of the information is about the label, so kappa must not appear.
    gap, labels, entropy = enumerated({(1, -1): 0.5, (1, 1): 0.5}, drop, 1)
    assert labels == pytest.approx(math.log(2), rel=1e-12)
    assert labels == pytest.approx(entropy, rel=1e-12)
    assert gap == pytest.approx(0.5 * (1 - drop), rel=1e-12)
    found = finite_parameter_bound([1, 1], 2, 1, 0.5, drop, labels)
    assert found.value == pytest.approx(0.5 * math.sqrt(2 * math.log(2)), rel=1e-12)


# ------------------------------------------------------------------------ properties
@settings(max_examples=50, deadline=None)
@given(
    st.integers(10, 10**6), st.integers(2, 2**16), st.floats(0.01, 0.9), st.floats(0.0, 0.99), st.floats(0.0, 50.0)
)
def test_monotone_in_every_argument(n: int, levels: int, sigma: float, drop: float, labels: float) -> None:
    def bound(**changes: Any) -> float:
        arguments = {"n": n, "levels": levels, "sigma": sigma, "drop": drop, "label_information": labels, **changes}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VacuousBoundWarning)
            return float(finite_parameter_bound([5, 4, 1], **arguments).value)

    value, slack = bound(), 1 + 1e-12
    assert bound(n=2 * n) <= value * slack
    assert value <= bound(levels=2 * levels) * slack
    assert value <= bound(sigma=2 * sigma) * slack
    assert value <= bound(label_information=2 * labels) * slack
    assert bound(drop=0.5 * (1 + drop)) <= value * slack


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5000), st.floats(0.01, 0.99))
def test_deeper_and_narrower_contracts_more(n_params: int, drop: float) -> None:
    depths = sorted({1, *(d for d in (2, 3, 5, 9, 17, 100) if d <= n_params)})
    table = depth_width_table(n_params, depths, drop)
    with np.errstate(divide="ignore"):
        assert (np.diff(table.kappa) <= 0.0).all()
    assert (np.diff(table.kappa_gap) >= 0.0).all()


def test_ends_of_the_dropout_probability() -> None:
    with pytest.warns(NoContractionWarning, match="without dropout"):
        none = depth_width_table(100, [1, 4], 0.0)
    assert none.kappa.tolist() == [1.0, 1.0]
    assert np.asarray(none.vacuous).tolist() == [True, True]
    everything = depth_width_table(100, [1, 4], 1.0)
    assert everything.kappa.tolist() == [0.0, 0.0]
    wide = depth_width_table(10**8, [1], 0.5)
    assert wide.kappa.tolist() == [1.0]
    assert np.asarray(wide.vacuous).tolist() == [False]
    assert finite_parameter_bound([3, 1], 2, 10, 0.5, 1.0, 0.0).value == 0.0
    assert finite_parameter_bound([3, 1], 1, 10, 0.5, 0.0, math.inf).value == 0.0


def test_arrays_in_arrays_out() -> None:
    found = finite_parameter_bound([4, 3, 1], [[2], [4]], [1000, 10_000, 100_000], 0.5, 0.5, 0.0)
    assert np.shape(found.value) == (2, 3)
    one = finite_parameter_bound([4, 3, 1], 4, 10_000, 0.5, 0.5, 0.0).value
    assert np.asarray(found.value)[1, 1] == pytest.approx(one, rel=1e-15)
    frame = found.to_frame()
    assert len(frame) == 6
    assert list(frame.columns)[:3] == ["n", "levels", "sigma"]


def test_vacuous_bounds_warn_at_the_callers_line() -> None:
    with pytest.warns(VacuousBoundWarning) as caught:
        found = finite_parameter_bound([100, 100], 256, [10, 10**7], 0.5, 0.0, 0.0)
    assert caught[0].filename == __file__
    assert np.asarray(found.vacuous).tolist() == [True, False]


@pytest.mark.parametrize(
    "build",
    [
        lambda: finite_parameter_bound([4, 3, 1], 2, 1000, 0.5, 0.5, 0.0),
        lambda: finite_parameter_bound([4, 3, 1], 2, [1000, 2000], 0.5, 0.5, 0.0),
        lambda: depth_width_table(240, [1, 2, 4], 0.9),
    ],
)
def test_results_survive_json_and_print(build: Any) -> None:
    found = build()
    back = Result.from_dict(json.loads(to_json(found.to_dict())))
    assert back == found
    assert "training error" in str(found.summary()).replace("\n", " ")
    assert len(repr(found)) < 200


def test_figure_of_the_table() -> None:
    import matplotlib.pyplot as plt

    ax = depth_width_table(240, [1, 2, 4, 8], 0.9).plot()
    assert ax.get_yscale() == "log"
    assert depth_width_table(240, [1, 2], 1.0).plot().get_yscale() == "linear"
    plt.close("all")


# ------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: finite_parameter_bound([4, 0], 2, 10, 0.5, 0.0, 0.0),
            r"widths\[1\] must be an integer from 1 to .*, got 0",
        ),
        (lambda: finite_parameter_bound([4], 2, 10, 0.5, 0.0, 0.0), "widths of input and output"),
        (lambda: finite_parameter_bound([4, 1], 0, 10, 0.5, 0.0, 0.0), "levels must be a whole number >= 1, got 0"),
        (lambda: finite_parameter_bound([4, 1], 2, 0, 0.5, 0.0, 0.0), "n must be a whole number >= 1, got 0"),
        (lambda: finite_parameter_bound([4, 1], 2, 10, 0.0, 0.0, 0.0), "sigma must be a positive number"),
        (lambda: finite_parameter_bound([4, 1], 2, 10, 0.5, 1.5, 0.0), r"drop must be in \[0, 1\], got 1.5"),
        (lambda: finite_parameter_bound([4, 1], 2, 10, 0.5, [0.1, 0.2], 0.0), r"one per layer \(1\)"),
        (lambda: finite_parameter_bound([4, 1], 2, 10, 0.5, 0.0, -1.0), "label_information must be non-negative"),
        (lambda: finite_parameter_bound([4, 1], 2, 10, 0.5, 0.0, math.nan), "label_information must be non-negative"),
        (lambda: finite_parameter_bound([4, 1], 2, [1, 2], [1.0, 2.0, 3.0], 0.0, 0.0), "must have matching shapes"),
        (lambda: finite_parameter_bound([4, 1], 2, 10, 0.5, 0.0, 0.0, n_classes=0), "n_classes must be"),
        (lambda: depth_width_table(0, [1], 0.5), "n_params must be"),
        (lambda: depth_width_table(10, [0], 0.5), "depths must be a whole number >= 1, got 0"),
        (lambda: depth_width_table(10, [11], 0.5), "a width below 1"),
        (lambda: depth_width_table(10, [[1]], 0.5), "depths must be one number, or a list"),
        (lambda: depth_width_table(10, [1], 1.5), r"drop must be a number in \[0, 1\]"),
    ],
)
def test_bad_values_are_named(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_bad_types_are_named() -> None:
    with pytest.raises(InputTypeError, match="widths must be a list"):
        finite_parameter_bound(4, 2, 10, 0.5, 0.0, 0.0)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="biases must be"):
        finite_parameter_bound([4, 1], 2, 10, 0.5, 0.0, 0.0, biases=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="label_information"):
        finite_parameter_bound([4, 1], 2, 10, 0.5, 0.0)  # type: ignore[call-arg]
