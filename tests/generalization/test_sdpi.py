"""Contraction coefficients of layers: worked numbers, enumerated channels, random pairs, bad input."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError, NoContractionWarning
from infostat.core.results import Result, to_json
from infostat.divergences.gaussian import kl_gaussian
from infostat.generalization.sdpi import (
    compose_sdpi,
    sdpi_discrete,
    sdpi_dropconnect,
    sdpi_dropout,
    sdpi_gaussian,
    sdpi_gaussian_input,
)


def channel(inputs: list[np.ndarray], outputs: Any) -> np.ndarray:
    """Channel matrix of a layer: `outputs(x)` lists (probability, output vector)."""
    laws = []
    for x in inputs:
        law: dict[tuple[float, ...], float] = {}
        for probability, out in outputs(x):
            key = tuple(np.round(out, 9) + 0.0)
            law[key] = law.get(key, 0.0) + probability
        laws.append(law)
    keys = sorted({key for law in laws for key in law})
    return np.array([[law.get(key, 0.0) for key in keys] for law in laws])


# ---------------------------------------------------------------- worked numbers (9.4)
def test_worked_numbers_of_dropout_and_dropconnect() -> None:
    assert sdpi_dropout(0.3, 3).value == pytest.approx(0.973, rel=1e-15)
    assert sdpi_dropconnect(0.6, weights=[[1.0, 2.0], [-1.0, 0.5]]).value == pytest.approx(0.8704, rel=1e-15)
    assert sdpi_dropconnect(0.6, shape=(2, 2)).value == pytest.approx(0.8704, rel=1e-15)
    assert sdpi_dropconnect(0.6, weights=[[1.0, 0.0], [-1.0, 0.0]]).value == pytest.approx(0.64, rel=1e-15)


@pytest.mark.parametrize(
    ("s", "exact", "dobrushin"),
    [
        (0.5, 0.204054265634, 0.382924922548),
        (2.0, 0.931402591220, 0.954499736104),
        (3.0, 0.995848920260, 0.997300203937),
    ],
)
def test_worked_numbers_of_gaussian_noise(s: float, exact: float, dobrushin: float) -> None:
    # The spec prints nine or more significant digits (the second value has eleven).
    assert sdpi_gaussian(2 * s, 1.0).value == pytest.approx(exact, rel=2e-11)
    assert sdpi_gaussian(4 * s, 2.0, "dobrushin").value == pytest.approx(dobrushin, rel=2e-12)
    assert sdpi_gaussian(2 * s, 1.0).eta_tv == pytest.approx(dobrushin, rel=2e-12)


def test_worked_numbers_of_finite_channels() -> None:
    assert sdpi_discrete([[0.8, 0.2], [0.2, 0.8]]).value == pytest.approx(0.36, rel=1e-14)
    erasure = sdpi_discrete([[0.7, 0.3, 0.0], [0.0, 0.3, 0.7]])
    assert erasure.value == pytest.approx(0.7, rel=1e-14)
    assert erasure.eta_tv == pytest.approx(0.7, rel=1e-14)
    assert sdpi_discrete([[1.0, 0.0], [0.35, 0.65]]).value == pytest.approx(0.65, rel=1e-14)
    assert sdpi_discrete(np.eye(3)).flags == ("no_contraction",)


# ------------------------------------------------------------------- enumerated layers
@pytest.mark.parametrize(("d", "drop"), [(1, 0.3), (2, 0.3), (3, 0.3), (2, 0.85)])
@pytest.mark.parametrize("alphabet", [(-1.0, 1.0), (0.0, 1.0)])
def test_dropout_against_enumeration(d: int, drop: float, alphabet: tuple[float, float]) -> None:
    def outputs(x: np.ndarray) -> Any:
        for mask in itertools.product((0, 1), repeat=d):
            kept = sum(mask)
            yield (1 - drop) ** kept * drop ** (d - kept), np.array(mask) * x / (1 - drop)

    inputs = [np.array(x) for x in itertools.product(alphabet, repeat=d)]
    enumerated = sdpi_discrete(channel(inputs, outputs))
    found = sdpi_dropout(drop, d)
    assert found.value == pytest.approx(enumerated.value, rel=1e-12)
    assert found.eta_tv == pytest.approx(enumerated.eta_tv, rel=1e-12)


def test_dropout_with_a_probability_per_unit() -> None:
    drop = [0.2, 0.5, 0.9]

    def outputs(x: np.ndarray) -> Any:
        for mask in itertools.product((0, 1), repeat=3):
            weight = math.prod(1 - q if kept else q for kept, q in zip(mask, drop, strict=True))
            yield weight, np.array(mask) * x

    inputs = [np.array(x) for x in itertools.product((-1.0, 1.0), repeat=3)]
    assert sdpi_dropout(drop).value == pytest.approx(sdpi_discrete(channel(inputs, outputs)).value, rel=1e-12)
    assert sdpi_dropout(drop, 3).value == pytest.approx(1 - 0.09, rel=1e-15)


@pytest.mark.parametrize("weights", [[[1.0, 2.0], [-1.0, 0.5]], [[1.0, 0.0], [1.0, 0.0]], [[1.0, 1.0], [0.0, -1.0]]])
@pytest.mark.parametrize("activation", ["identity", "relu"])
def test_dropconnect_against_enumeration(weights: list[list[float]], activation: str) -> None:
    W, drop = np.array(weights), 0.6

    def outputs(x: np.ndarray) -> Any:
        for mask in itertools.product((0, 1), repeat=4):
            kept = sum(mask)
            out = (W * np.reshape(mask, (2, 2))) @ x
            yield 0.4**kept * drop ** (4 - kept), np.maximum(out, 0.0) if activation == "relu" else out

    rng = np.random.default_rng(1)
    inputs = [np.zeros(2), *rng.standard_normal((6, 2))]
    enumerated = sdpi_discrete(channel(inputs, outputs)).value
    found = sdpi_dropconnect(drop, weights=weights, activation=activation)
    if activation == "identity":
        assert found.nature == "exact"
        assert found.value == pytest.approx(enumerated, rel=1e-12)
    else:
        assert found.nature == "bound"
        assert enumerated <= found.value * (1 + 1e-12)
    assert found.value <= sdpi_dropconnect(drop, shape=(2, 2)).value


def test_gaussian_noise_bounds_channels_on_more_inputs() -> None:
    # Three inputs in a line of length D, the output cut into fine cells: quantising can only lose.
    noise, points = 0.7, np.array([0.0, 0.6, 1.4])
    edges = np.linspace(-6.0, 8.0, 1401)
    from scipy.special import ndtr

    table = np.diff(ndtr((edges - points[:, None]) / noise), axis=1)
    found = sdpi_discrete(table / table.sum(axis=1, keepdims=True))
    exact = sdpi_gaussian(1.4, noise).value
    assert found.value <= exact
    # Cells of width h lose about (h/noise)^2/12 of the information.
    assert found.value == pytest.approx(exact, rel=1e-4)
    assert (found.inputs or {})["first_row"] == "0"
    assert (found.inputs or {})["second_row"] == "2"


# --------------------------------------------------------------- a fixed reference law
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 3.0))
def test_normal_pairs_contract_at_least_as_much(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    root, A, other = rng.standard_normal((3, 3, 3))
    cov = root @ root.T + 0.1 * np.eye(3)
    eta = sdpi_gaussian_input(cov, noise, A).value
    mean, shifted = rng.standard_normal(3), other @ other.T + 0.1 * np.eye(3)
    before = kl_gaussian(mean, shifted, np.zeros(3), cov)
    noisy = noise**2 * np.eye(3)
    after = kl_gaussian(A @ mean, A @ shifted @ A.T + noisy, np.zeros(3), A @ cov @ A.T + noisy)
    assert after <= eta * before * (1 + 1e-9)


def test_a_shift_along_the_widest_direction_attains_the_coefficient() -> None:
    cov, noise = np.array([[2.0, 0.8], [0.8, 1.0]]), 0.9
    _, vectors = np.linalg.eigh(cov)
    shift, noisy = vectors[:, -1], cov + noise**2 * np.eye(2)
    ratio = kl_gaussian(shift, noisy, np.zeros(2), noisy) / kl_gaussian(shift, cov, np.zeros(2), cov)
    assert sdpi_gaussian_input(cov, noise).value == pytest.approx(ratio, rel=1e-12)


def test_reference_law_in_the_limits() -> None:
    assert sdpi_gaussian_input(4.0, 2.0).value == pytest.approx(0.5, rel=1e-15)
    assert sdpi_gaussian_input(np.zeros((2, 2)), 0.0).value == 0.0
    assert sdpi_gaussian_input(np.eye(2), 0.0).value == 1.0
    assert sdpi_gaussian_input(np.eye(2), 1.0, [[0.0, 0.0]]).value == 0.0
    huge = sdpi_gaussian_input(1e300 * np.eye(2), 1.0, 1e300 * np.eye(2))
    assert huge.log_contraction_gap == pytest.approx(-900 * math.log(10), rel=1e-14)
    # Units do not matter: a small variance blown up by A keeps its digits.
    mixed = sdpi_gaussian_input(np.diag([1e16, 1e-16]), 1.0, [[0.0, 1e8]])
    assert mixed.value == pytest.approx(0.5, rel=1e-12)
    assert sdpi_gaussian_input(np.eye(2), [1.0, 2.0]).value == pytest.approx(np.array([0.5, 0.2]))
    singular = sdpi_gaussian_input(np.ones((2, 2)), 1.0)
    assert singular.value == pytest.approx(2 / 3, rel=1e-12)


# ----------------------------------------------------------------------- composition
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_composition_bounds_the_composed_channel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.ones(3), 3), rng.dirichlet(np.ones(4), 3)
    both = compose_sdpi([sdpi_discrete(first), sdpi_discrete(second)])
    exact = sdpi_discrete(first @ second)
    assert exact.value <= both.value * (1 + 1e-12)
    assert exact.eta_tv <= both.eta_tv * (1 + 1e-12)
    assert both.nature == "bound"


def test_composition_keeps_gaps_that_round_away() -> None:
    wide = sdpi_dropout(0.5, 100)
    found = compose_sdpi([wide, wide, 1.0])
    assert found.value == 1.0
    assert found.contraction_gap == pytest.approx(2 * 2.0**-100, rel=1e-13)
    assert not found.vacuous
    assert found.flags == ()
    assert compose_sdpi([0.9, 0.8]).eta_tv is None
    assert compose_sdpi([0.0, 1.0]).value == 0.0
    with pytest.warns(NoContractionWarning, match="nothing is known to be lost"):
        trivial = compose_sdpi([1.0, 1.0])
    assert trivial.vacuous is True
    curves = compose_sdpi([sdpi_dropout(0.5, [1, 2]), 0.5])
    assert curves.value == pytest.approx(np.array([0.25, 0.375]))
    assert compose_sdpi(np.array([[0.5, 0.25], [0.5, 1.0]])).value == pytest.approx(np.array([0.25, 0.25]))
    assert FRESH_WORDS in " ".join(compose_sdpi([wide, 0.5]).assumptions)


FRESH_WORDS = "dropout switched off at evaluation does not contract"


# ------------------------------------------------------------------- traps and limits
def test_one_minus_eta_survives_where_eta_rounds_to_one() -> None:
    found = sdpi_dropout(0.9, 4096)
    assert found.value == 1.0
    assert found.contraction_gap == pytest.approx(math.exp(4096 * math.log(0.9)), rel=1e-12)
    assert found.flags == ()
    wider = sdpi_dropout(0.1, 4096)
    assert wider.contraction_gap == 0.0
    assert wider.log_contraction_gap == pytest.approx(4096 * math.log(0.1), rel=1e-15)
    small = sdpi_dropout(1 - 2.0**-50, 3)
    assert small.value == pytest.approx(3 * 2.0**-50, rel=1e-14)
    assert sdpi_gaussian(200.0, 1.0).log_contraction_gap == pytest.approx(-5000, rel=1e-3)


def test_ends_of_the_dropout_probability() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        none, all_ = sdpi_dropout(0.0, 5), sdpi_dropout(1.0, 5)
    assert (none.value, none.contraction_gap, none.flags, none.vacuous) == (1.0, 0.0, ("no_contraction",), False)
    assert (all_.value, all_.contraction_gap) == (0.0, 1.0)
    assert sdpi_dropconnect(0.0, weights=np.zeros((2, 2))).value == 0.0
    assert sdpi_dropconnect(1.0, shape=(2, 3)).value == 0.0
    with pytest.warns(NoContractionWarning):
        assert sdpi_dropconnect(0.0, shape=(2, 3)).vacuous is True


def test_unbounded_inputs_do_not_contract_and_warn() -> None:
    with pytest.warns(NoContractionWarning, match="sdpi_gaussian_input") as caught:
        found = sdpi_gaussian(math.inf, 0.5)
    assert caught[0].filename == __file__
    assert (found.value, found.contraction_gap, found.nature, found.vacuous) == (1.0, 0.0, "exact", False)
    with pytest.warns(NoContractionWarning):
        mixed = sdpi_gaussian([1.0, math.inf], 0.5, "dobrushin")
    assert np.asarray(mixed.vacuous).tolist() == [False, True]
    assert sdpi_gaussian(0.0, 0.0).value == 0.0
    assert sdpi_gaussian(1.0, 0.0).value == 1.0


def test_noise_does_not_act_on_labels() -> None:
    # W = Y_1 in {0, 1} uniform, behind Dropout with kappa = .84: the divergence of (T, Y) stays log 2.
    kappa = sdpi_dropout(0.4, 2).value
    assert kappa == pytest.approx(0.84, rel=1e-14)
    inputs = [np.array(x) for x in itertools.product((-1.0, 1.0), repeat=2)]

    def outputs(x: np.ndarray) -> Any:
        for mask in itertools.product((0, 1), repeat=2):
            yield 0.6 ** sum(mask) * 0.4 ** (2 - sum(mask)), np.array(mask) * x

    K = channel(inputs, outputs)
    given_label = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])  # law of X given Y
    test = 0.5 * given_label @ K  # joint law of (Y, T)
    for w in (0, 1):
        train = np.zeros_like(test)
        train[w] = given_label[w] @ K
        on = train > 0
        divergence = float((train[on] * np.log(train[on] / test[on])).sum())
        assert divergence == pytest.approx(math.log(2.0), rel=1e-12)
        assert divergence > kappa * math.log(2.0) + 0.1
    assert kappa * math.log(2.0) == pytest.approx(0.582244, rel=1e-5)


# ----------------------------------------------------------------------- properties
@settings(max_examples=50, deadline=None)
@given(st.floats(0.0, 1.0), st.integers(1, 50))
def test_dropout_is_monotone(drop: float, d: int) -> None:
    narrow, wide = sdpi_dropout(drop, d), sdpi_dropout(drop, d + 1)
    assert narrow.value <= wide.value
    assert narrow.value + narrow.contraction_gap == pytest.approx(1.0, abs=1e-15)
    assert sdpi_dropout([drop] * d).value == pytest.approx(narrow.value, rel=1e-12, abs=1e-300)


def test_arrays_in_arrays_out() -> None:
    found = sdpi_dropout(0.5, [1, 2, 3])
    assert found.value == pytest.approx(np.array([0.5, 0.75, 0.875]))
    assert sdpi_gaussian([[1.0], [2.0]], [1.0, 2.0, 3.0]).value.shape == (2, 3)
    assert sdpi_dropconnect([0.1, 0.2], shape=(1, 2)).value == pytest.approx(np.array([0.99, 0.96]))
    frame = found.to_frame()
    assert list(frame.columns) == ["units", "drop", "eta", "contraction_gap", "log_contraction_gap", "eta_tv"]
    assert len(frame) == 3


def test_labels_of_a_channel_are_kept() -> None:
    K = pd.DataFrame([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]], index=["low", "mid", "high"], columns=["no", "yes"])
    inputs = sdpi_discrete(K).inputs or {}
    assert (inputs["first_row"], inputs["second_row"]) == ("low", "high")


def test_progress_counts_pairs() -> None:
    seen: list[tuple[int, int]] = []
    sdpi_discrete(np.random.default_rng(0).dirichlet(np.ones(3), 4), progress=lambda a, b: seen.append((a, b)))
    assert seen[-1] == (6, 6)


@pytest.mark.parametrize(
    "build",
    [
        lambda: sdpi_dropout(0.3, 3),
        lambda: sdpi_dropout([0.3, 0.2]),
        lambda: sdpi_dropconnect(0.6, shape=(2, 2)),
        lambda: sdpi_gaussian([1.0, 2.0], 1.0),
        lambda: sdpi_gaussian_input(np.eye(2), 1.0),
        lambda: sdpi_discrete([[0.8, 0.2], [0.2, 0.8]]),
        lambda: compose_sdpi([0.5, 0.5]),
    ],
)
def test_results_survive_json_and_print(build: Any) -> None:
    found = build()
    back = Result.from_dict(json.loads(to_json(found.to_dict())))
    assert back == found
    text = str(found.summary())
    assert found.nature in text
    assert "labels" in text
    assert len(repr(found)) < 200


def test_figure_of_a_curve() -> None:
    ax = sdpi_gaussian(np.linspace(0.1, 4.0, 20), 1.0).plot()
    assert len(ax.lines) == 2
    # The input that varies is the abscissa, in order.
    ax = sdpi_gaussian(4.0, [3.0, 1.0, 2.0]).plot()
    assert ax.get_xlabel() == "noise std" and ax.lines[0].get_xdata().tolist() == [1.0, 2.0, 3.0]
    assert (np.diff(ax.lines[0].get_ydata()) < 0.0).all()
    with pytest.raises(InputTypeError, match="has no figure"):
        sdpi_dropout(0.3, 3).plot()
    import matplotlib.pyplot as plt

    plt.close("all")


# ------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sdpi_dropout(1.2, 3), r"drop must be in \[0, 1\], got 1.2"),
        (lambda: sdpi_dropout(math.nan, 3), "drop must be"),
        (lambda: sdpi_dropout(0.5, 0), "d must be a whole number >= 1, got 0"),
        (lambda: sdpi_dropout(0.5, 2.5), "d must be a whole number"),
        (lambda: sdpi_dropout([0.5, 0.5], 3), "drop must have d entries"),
        (lambda: sdpi_dropout([[0.5]]), "one probability or a list"),
        (lambda: sdpi_dropout([]), "drop must be"),
        (lambda: sdpi_dropconnect(0.5), "exactly one of weights and shape must be given, got neither"),
        (lambda: sdpi_dropconnect(0.5, [[1.0]], (1, 1)), "got both"),
        (lambda: sdpi_dropconnect(0.5, shape=(0, 2)), "shape must be a whole number >= 1, got 0"),
        (lambda: sdpi_dropconnect(0.5, shape=(2, 2, 2)), r"shape must be \(d_out, d_in\)"),
        (lambda: sdpi_dropconnect(0.5, weights=[1.0, 2.0]), "weights must be 2-dimensional"),
        (lambda: sdpi_dropconnect(0.5, weights=[[math.inf]]), "weights must be finite"),
        (lambda: sdpi_dropconnect(0.5, shape=(2, 2), activation="tan"), "activation must be one of"),
        (lambda: sdpi_gaussian(-1.0, 1.0), "diameter must be a number >= 0, got -1.0"),
        (lambda: sdpi_gaussian(1.0, -1.0), "noise_std must be a finite number >= 0"),
        (lambda: sdpi_gaussian(1.0, math.inf), "noise_std must be"),
        (lambda: sdpi_gaussian(math.nan, 1.0), "diameter must be"),
        (lambda: sdpi_gaussian(1.0, 1.0, "pinsker"), "method must be one of 'exact', 'dobrushin'"),
        (lambda: sdpi_gaussian([1.0, 2.0], [1.0, 2.0, 3.0]), "must have matching shapes"),
        (lambda: sdpi_gaussian_input([[1.0, 0.5], [0.2, 1.0]], 1.0), "cov must be symmetric"),
        (lambda: sdpi_gaussian_input([[1.0, 2.0], [2.0, 1.0]], 1.0), "cov must be positive semi-definite"),
        (lambda: sdpi_gaussian_input(-1.0, 1.0), "cov must be positive semi-definite"),
        (lambda: sdpi_gaussian_input([[0.0, 1.0], [1.0, 1.0]], 1.0), "a variance of 0"),
        (lambda: sdpi_gaussian_input([1.0, 2.0], 1.0), "square covariance matrix"),
        (lambda: sdpi_gaussian_input(np.eye(2), 1.0, [[1.0, 2.0, 3.0]]), "A must be a matrix with 2 columns"),
        (lambda: sdpi_discrete([[0.5, 0.6], [0.5, 0.5]]), "K must have rows that sum to 1"),
        (lambda: sdpi_discrete([[-0.5, 1.5], [0.5, 0.5]]), "K must be non-negative"),
        (lambda: sdpi_discrete([0.5, 0.5]), "K must be a matrix"),
        (lambda: compose_sdpi([]), "etas must be at least one coefficient"),
        (lambda: compose_sdpi([0.5, 1.1]), r"etas must be in \[0, 1\], got 1.1"),
        (lambda: compose_sdpi([[0.5, 0.5], [0.1, 0.2, 0.3]]), "must have matching shapes"),
    ],
)
def test_bad_values_are_named(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: sdpi_dropout("half", 3),
        lambda: sdpi_discrete("K.csv"),
        lambda: compose_sdpi(0.5),
        lambda: compose_sdpi("0.5"),
        lambda: compose_sdpi(np.array(0.5)),
        lambda: compose_sdpi(sdpi_dropout(0.5, 2)),
    ],
)
def test_bad_types_are_named(call: Any) -> None:
    with pytest.raises(InputTypeError, match="must be"):
        call()
