"""The loss-difference bound from runs: closed cases, corrections, intervals, bad input."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError, SampleSizeWarning
from infostat.core.results import Result, to_json
from infostat.generalization.ldmi import difference_levels, ldmi_bound, plugin_information


def _runs(rng: np.random.Generator, size: int | tuple[int, int], tell: float) -> tuple[np.ndarray, np.ndarray]:
    """Differences of 0-1 losses that name the trained point with probability `tell`, otherwise are symmetric."""
    u = rng.integers(0, 2, size)
    noise = rng.choice([-1.0, 0.0, 1.0], size, p=[0.2, 0.6, 0.2])
    return np.where(rng.random(size) < tell, 1.0 - 2.0 * u, noise), u


def _information(tell: float) -> float:
    plus, minus = tell + 0.2 * (1.0 - tell), 0.2 * (1.0 - tell)
    return plus * math.log(2.0 * plus / (plus + minus)) + minus * math.log(2.0 * minus / (plus + minus))


def test_differences_that_name_the_trained_point_carry_log_two() -> None:
    found = ldmi_bound([1.0, -1.0] * 50, [0, 1] * 50)
    assert found.mi == pytest.approx(math.log(2.0), rel=1e-14)
    assert found.value == pytest.approx(math.sqrt(2.0 * math.log(2.0)), rel=1e-14)
    assert found.gap == 1.0
    assert (found.nature, found.sense, found.vacuous) == ("estimate", "expectation", False)
    assert found.value - 0.05 < found.low <= found.high == pytest.approx(found.value, rel=1e-12)


def test_differences_that_say_nothing() -> None:
    found = ldmi_bound([0.0, 0.0, 1.0, 1.0, -1.0, -1.0] * 40, [0, 1] * 120)
    assert [found.mi, found.mi_miller_madow, found.value] == pytest.approx([0.0, 0.0, 0.0], abs=1e-15)
    assert found.low == 0.0


@pytest.mark.parametrize("shape", [(3, 2), (5, 4), (2, 2)])
def test_plugin_information_against_sums(shape: tuple[int, int]) -> None:
    tables = np.random.default_rng(1).integers(0, 30, (4, *shape)).astype(float)
    tables[0, 0] = 0.0  # a row that never occurs
    plain, corrected = plugin_information(tables)
    for table, one, other in zip(tables, plain, corrected, strict=True):
        p, total = table / table.sum(), table.sum()
        wanted = sum(
            p[i, j] * math.log(p[i, j] / (p[i].sum() * p[:, j].sum())) for i, j in zip(*np.nonzero(p), strict=True)
        )
        assert one == pytest.approx(wanted, abs=1e-14)
        rows, columns = (table.sum(axis=1) > 0).sum(), (table.sum(axis=0) > 0).sum()
        assert other == pytest.approx(max(wanted - (rows - 1) * (columns - 1) / (2 * total), 0.0), abs=1e-14)


def test_the_corrected_information_may_be_asked_for() -> None:
    delta, u = _runs(np.random.default_rng(2), 400, 0.3)
    plain, corrected = ldmi_bound(delta, u), ldmi_bound(delta, u, correction="miller_madow")
    assert corrected.mi == plain.mi
    assert plain.mi - plain.mi_miller_madow == pytest.approx(2.0 / 800.0, rel=1e-9)
    assert plain.value == math.sqrt(2.0 * plain.mi)
    assert corrected.value == math.sqrt(2.0 * corrected.mi_miller_madow) < plain.value


def test_columns_have_informations_of_their_own() -> None:
    delta, u = _runs(np.random.default_rng(3), (500, 3), 0.2)
    found = ldmi_bound(delta, u)
    alone = [ldmi_bound(delta[:, i], u[:, i]).mi for i in range(3)]
    assert found.mi == pytest.approx(alone, rel=1e-13)
    assert found.value == pytest.approx(np.sqrt(2.0 * np.array(alone)).mean(), rel=1e-13)
    assert found.low < found.value < found.high
    assert "pooled" not in found.flags
    assert len(found.to_frame()) == 3
    pooled = ldmi_bound(delta.ravel(), u.ravel())
    assert pooled.flags == ("pooled",)
    assert any("symmetrically" in text for text in pooled.assumptions)


def test_the_upward_bias_is_that_of_chi_square_and_worse_in_separate_tables() -> None:
    # Trap: the plug-in value of few masks is biased upward, the more so in separate tables.
    rng = np.random.default_rng(4)
    separate, pooled = [], []
    for _ in range(60):
        delta, u = _runs(rng, (40, 5), 0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SampleSizeWarning)
            separate.append(np.mean(ldmi_bound(delta, u, bootstrap=0).mi))
        pooled.append(ldmi_bound(delta.ravel(), u.ravel(), bootstrap=0).mi)
    # Under independence 2 N I is chi-square with 2 degrees of freedom: mean 1/N, standard error 1/(N sqrt(60)).
    assert np.mean(separate) == pytest.approx(1.0 / 40.0, abs=5.0 / (40.0 * math.sqrt(300.0)) + 0.002)
    assert np.mean(pooled) == pytest.approx(1.0 / 200.0, abs=5.0 / (200.0 * math.sqrt(60.0)))


def test_few_observations_per_cell_are_flagged() -> None:
    with pytest.warns(SampleSizeWarning, match="mostly bias"):
        found = ldmi_bound(np.linspace(-0.9, 0.9, 40), [0, 1] * 20)
    assert "few_per_cell" in found.flags
    # Every difference is unique, so that the plug-in information is all of U: an upper value, and useless.
    assert found.mi == pytest.approx(math.log(2.0), rel=1e-12)
    assert "mostly bias" in str(found.summary()).replace("\n", " ")


def test_rounding_does_not_split_levels() -> None:
    places, values = difference_levels(np.array([[0.3 - 0.2, 0.2 - 0.1], [-0.1, 0.0]]), 1.0)
    assert places.tolist() == [[2, 2], [0, 1]]
    assert len(values) == 3


def test_a_loss_of_another_range_scales_the_bound() -> None:
    delta, u = _runs(np.random.default_rng(5), 300, 0.4)
    wide = ldmi_bound(5.0 * delta, u, loss_range=5.0)
    assert wide.value == pytest.approx(5.0 * ldmi_bound(delta, u).value, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(30, 200), st.floats(0.0, 1.0))
def test_the_bound_is_above_the_gap_of_the_runs(seed: int, size: int, tell: float) -> None:
    delta, u = _runs(np.random.default_rng(seed), size, tell)
    if len(set(u.tolist())) == 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SampleSizeWarning)
            found = ldmi_bound(delta, u, bootstrap=0)
        assert math.isnan(found.low)
        # Holds for the empirical law too, up to u not being exactly fair in it.
        assert abs(found.gap) <= found.value + 2.0 * abs(u.mean() - 0.5)


def test_intervals_cover_the_bound() -> None:
    # 200 data sets: the share covered has a standard error of 1.5 %; 95 % less 4 standard errors.
    rng, tell, hits = np.random.default_rng(6), 0.15, 0
    wanted = math.sqrt(2.0 * _information(tell))
    for _ in range(200):
        delta, u = _runs(rng, 600, tell)
        found = ldmi_bound(delta, u, rng=int(rng.integers(2**31)), bootstrap=150)
        hits += found.low <= wanted <= found.high
    assert hits / 200 >= 0.89


def test_same_seed_same_interval_and_json() -> None:
    delta, u = _runs(np.random.default_rng(7), (100, 2), 0.3)
    first, second = ldmi_bound(delta, u, rng=3), ldmi_bound(delta, u, rng=3)
    assert first == second
    assert first != ldmi_bound(delta, u, rng=4)
    assert Result.from_dict(first.to_dict()) == first
    assert '"mi"' in to_json(first.to_dict())


@pytest.mark.parametrize(
    ("delta", "u", "options", "error", "message"),
    [
        ([0.0, 1.0], [0, 1, 1], {}, InputError, r"same shape and at least one entry, got \(2,\) and \(3,\)"),
        ([], [], {}, InputError, "at least one entry"),
        ([0.0, 1.0], [0, 2], {}, InputError, "u must be 0 or 1 everywhere, got 2"),
        ([0.0, 1.0], [1, 1], {}, InputError, "u must hold both 0 and 1, got one value"),
        ([[0.0, 1.0], [0.0, 0.0]], [[0, 1], [1, 1]], {}, InputError, "both 0 and 1 in column 1"),
        ([0.0, 1.5], [0, 1], {}, InputError, "within loss_range = 1 of zero, got 1.5"),
        ([0.0, np.nan], [0, 1], {}, InputError, "delta must be finite"),
        ([0.0, 1.0], [0, 1], {"loss_range": 0.0}, InputError, "loss_range must be a number > 0"),
        ([0.0, 1.0], [0, 1], {"correction": "jackknife"}, InputError, "'none', 'miller_madow'"),
        ([0.0, 1.0], [0, 1], {"confidence_level": 1.0}, InputError, "confidence_level"),
        (["a", "b"], [0, 1], {}, InputTypeError, "delta must be an array of real numbers"),
    ],
)
def test_bad_input_is_refused(delta: list, u: list, options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        ldmi_bound(delta, u, **options)
