"""Spectra: moments in closed form, what may stand for a spectrum, and what may not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.density.spectra import as_spectrum, isotropic, marchenko_pastur, power_law, two_level


def _moment(spectrum: tuple[np.ndarray, np.ndarray], power: float) -> float:
    values, weights = spectrum
    return float(weights @ values**power)


@pytest.mark.parametrize("c", [0.01, 0.3, 1.0, 1.7, 20.0])
def test_marchenko_pastur_has_its_moments(c: float) -> None:
    spectrum = marchenko_pastur(c)
    assert spectrum[1].sum() == pytest.approx(1.0, abs=1e-13)
    # Narayana polynomials: moments one to four of the law of unit variance.
    exact = [1.0, 1.0 + c, 1.0 + 3.0 * c + c * c, 1.0 + 6.0 * c + 6.0 * c * c + c**3]
    found = [_moment(spectrum, k) for k in range(1, 5)]
    np.testing.assert_allclose(found, exact, rtol=1e-12)
    assert (np.diff(spectrum[0]) > 0.0).all()
    assert spectrum[0][-1] <= (1.0 + np.sqrt(c)) ** 2


@pytest.mark.parametrize("c", [0.05, 0.5, 0.95])
def test_marchenko_pastur_has_its_mean_logarithm_and_inverse(c: float) -> None:
    values, weights = marchenko_pastur(c)
    assert weights @ np.log(values) == pytest.approx((c - 1.0) / c * np.log1p(-c) - 1.0, abs=1e-13)
    assert weights @ (1.0 / values) == pytest.approx(1.0 / (1.0 - c), rel=1e-12)


def test_marchenko_pastur_at_one_is_as_accurate_as_it_says() -> None:
    values, weights = marchenko_pastur(1.0)
    assert abs(weights @ np.log(values) + 1.0) < 4e-4


def test_marchenko_pastur_above_one_starts_with_an_atom_at_zero() -> None:
    values, weights = marchenko_pastur(4.0)
    assert values[0] == 0.0
    assert weights[0] == pytest.approx(0.75, abs=1e-12)
    assert values[1] > 0.0


def test_marchenko_pastur_agrees_with_a_sample_covariance() -> None:
    X = np.random.default_rng(3).normal(size=(1200, 400))
    eigenvalues = np.linalg.eigvalsh(X.T @ X / 1200)
    values, weights = marchenko_pastur(1.0 / 3.0)
    # Linear statistics of the spectrum fluctuate by 1/d only.
    assert np.log(eigenvalues).mean() == pytest.approx(weights @ np.log(values), abs=5.0 / 400)


def test_helpers_return_what_they_say() -> None:
    np.testing.assert_array_equal(isotropic(2.5), ([2.5], [1.0]))
    np.testing.assert_array_equal(two_level(1.0, 2.0, 0.25), ([1.0, 2.0], [0.25, 0.75]))
    values, weights = power_law(2.0, 5)
    np.testing.assert_allclose(values, 1.0 / np.arange(1, 6) ** 2, rtol=1e-15)
    np.testing.assert_allclose(weights, 0.2)
    np.testing.assert_array_equal(power_law(0.0, 3)[0], [1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    "given_as",
    [[1.0, 3.0], (1.0, 3.0), np.array([1, 3]), ([1.0, 3.0], [2, 2]), (np.array([1.0, 3.0]), np.array([0.5, 0.5]))],
)
def test_the_same_spectrum_in_many_forms(given_as: Any) -> None:
    values, weights = as_spectrum(given_as)
    np.testing.assert_array_equal(values, [1.0, 3.0])
    np.testing.assert_array_equal(weights, [0.5, 0.5])


def test_a_number_and_nothing_are_isotropic() -> None:
    np.testing.assert_array_equal(as_spectrum(), isotropic())
    np.testing.assert_array_equal(as_spectrum(4), isotropic(4.0))


def test_a_tuple_of_two_sequences_is_values_and_weights_but_a_list_is_a_matrix() -> None:
    np.testing.assert_array_equal(as_spectrum(([1.0, 3.0], [1.0, 3.0]))[1], [0.25, 0.75])
    with pytest.raises(ValueError, match="non-empty one-dimensional"):
        as_spectrum([[1.0, 3.0], [1.0, 3.0]])


def test_spectra_are_read_only_copies() -> None:
    mine = np.array([1.0, 2.0])
    values, weights = as_spectrum(mine)
    mine[0] = 9.0
    assert values[0] == 1.0
    for array in (values, weights, *isotropic(), *power_law(1, 3), *marchenko_pastur(0.5), *two_level(1, 2, 0.5)):
        assert not array.flags.writeable


def test_rounding_of_an_eigenvalue_solver_counts_as_zero() -> None:
    values, _ = as_spectrum([-1e-15, 1.0])
    np.testing.assert_array_equal(values, [0.0, 1.0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=6), st.data())
def test_weights_sum_to_one_and_keep_their_ratios(values: list[float], data: st.DataObject) -> None:
    masses = data.draw(st.lists(st.floats(1e-3, 1e3), min_size=len(values), max_size=len(values)))
    found, weights = as_spectrum((values, masses))
    np.testing.assert_array_equal(found, values)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    np.testing.assert_allclose(weights * masses[0], weights[0] * np.array(masses), rtol=1e-12)


@pytest.mark.parametrize(
    ("spectrum", "error", "words"),
    [
        ([], ValueError, "non-empty one-dimensional"),
        (np.eye(3), ValueError, "eigvalsh"),
        ([1.0, -0.5], ValueError, "non-negative .* 1 negative values, the smallest -0.5"),
        ([1.0, np.nan], ValueError, "spectrum must be finite, got 1 NaN"),
        ([1.0, np.inf], ValueError, "1 infinite"),
        ([0.0, 0.0], ValueError, "zeros only"),
        (([0.0, 1.0], [1.0, 0.0]), ValueError, "zeros only"),
        (([1.0, 2.0], [1.0]), ValueError, "weights of spectrum must have one entry per row"),
        (([1.0, 2.0], [1.0, -1.0]), ValueError, "weights of spectrum must be non-negative"),
        (([1.0, 2.0], [0.0, 0.0]), ValueError, "positive sum"),
        ("isotropic", TypeError, "an array of eigenvalues or .values, weights., got 'isotropic'"),
        ([1.0 + 2.0j], TypeError, "real numbers"),
        ({"a": 1}, TypeError, "real numbers"),
    ],
)
def test_what_is_no_spectrum_is_refused(spectrum: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        as_spectrum(spectrum)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: isotropic(0.0), "s2 must be a number > 0"),
        (lambda: isotropic(np.nan), "s2"),
        (lambda: two_level(1.0, 2.0, 1.5), r"p must be a number in \[0, 1\]"),
        (lambda: two_level(-1.0, 2.0, 0.5), "s1"),
        (lambda: two_level(0.0, 2.0, 1.0), "positive mean"),
        (lambda: power_law(1.0, 0), "d must be an integer from 1 to"),
        (lambda: power_law(200.0, 1000), "a must keep"),
        (lambda: marchenko_pastur(0.0), "c must be a number > 0"),
    ],
)
def test_helpers_refuse_what_makes_no_spectrum(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_types_are_checked() -> None:
    for call in (lambda: isotropic("1"), lambda: power_law(1.0, 2.5), lambda: two_level(1, True, 0.5)):
        with pytest.raises(TypeError):
            call()
