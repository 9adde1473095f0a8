"""Errors derive from the built-in classes, and argument checks speak in one voice."""

from __future__ import annotations

import math

import numpy as np
import pytest

from infostat.core import errors
from infostat.core.errors import InfostatError, InfostatWarning, InputError, InputTypeError, describe
from infostat.core.validation import (
    as_float_array,
    check_choice,
    check_count,
    check_flag,
    check_number,
    check_weights,
    short,
)

ERRORS = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]
WARNINGS = [getattr(errors, name) for name in errors.__all__ if name.endswith("Warning")]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_a_builtin_error_too(error: type[Exception]) -> None:
    assert issubclass(error, InfostatError)
    if error is not InfostatError:
        assert issubclass(error, (ValueError, TypeError, ImportError))
    assert str(error("one line")) == "one line"


@pytest.mark.parametrize("warning", WARNINGS)
def test_every_warning_has_the_common_base(warning: type[Warning]) -> None:
    assert issubclass(warning, InfostatWarning)
    assert issubclass(warning, UserWarning)


def test_describe_names_argument_requirement_value_and_cure() -> None:
    assert describe("n", "an integer", 1.5, "round it") == "n must be an integer, got 1.5; round it"
    assert describe("family", "known", "nrmal") == "family must be known, got 'nrmal'"


def test_short_keeps_one_line_and_the_width() -> None:
    text = short(np.arange(1000), 30)
    assert len(text) == 30
    assert "\n" not in text
    assert short("abc") == "'abc'"


@pytest.mark.parametrize("value", [0.25, np.float64(0.25), np.float32(0.25)])
def test_check_number_returns_a_float(value: object) -> None:
    result = check_number("alpha", value, low=0, high=0.5)
    assert result == 0.25
    assert type(result) is float


@pytest.mark.parametrize(
    ("value", "options", "words"),
    [
        (0.5, {"low": 0, "high": 0.5, "open_high": True}, r"a number in \[0, 0.5\), got 0.5"),
        (0.0, {"low": 0, "open_low": True}, "a number > 0, got 0"),
        (-1, {"low": 0}, "a number >= 0, got -1"),
        (2, {"high": 1}, "a number <= 1, got 2"),
        (2, {"high": 2, "open_high": True}, "a number < 2, got 2"),
        (math.nan, {}, "a finite number, got nan"),
        (math.inf, {"low": 0}, "got inf"),
    ],
)
def test_check_number_refuses_values(value: float, options: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match="^alpha must be " if words.startswith("got") else words):
        check_number("alpha", value, **options)


@pytest.mark.parametrize("value", [True, np.True_, "0.1", None, 1j, [0.1]])
def test_check_number_refuses_types(value: object) -> None:
    with pytest.raises(InputTypeError, match="alpha must be"):
        check_number("alpha", value)


def test_check_number_lets_infinity_through_when_asked() -> None:
    assert check_number("order", math.inf, finite=False) == math.inf


@pytest.mark.parametrize("value", [4, 4.0, np.int64(4), np.float64(4.0)])
def test_check_count_accepts_whole_numbers(value: object) -> None:
    result = check_count("n", value)
    assert result == 4
    assert type(result) is int


@pytest.mark.parametrize("value", [True, "4", 4.5, math.nan, math.inf, None])
def test_check_count_refuses_types(value: object) -> None:
    with pytest.raises(InputTypeError, match="n must be an integer >= 0"):
        check_count("n", value)


def test_check_count_refuses_values_out_of_range() -> None:
    with pytest.raises(InputError, match="n must be an integer >= 1, got 0"):
        check_count("n", 0, low=1)
    with pytest.raises(InputError, match="an integer from 1 to 3, got 4"):
        check_count("n", 4, low=1, high=3)


def test_check_flag() -> None:
    assert check_flag("loo", np.True_) is True
    with pytest.raises(InputTypeError, match="loo must be True or False, got 1"):
        check_flag("loo", 1)


def test_check_choice_returns_the_member_and_lists_the_choices() -> None:
    assert check_choice("order", np.int64(2), (1, 2)) == 2
    assert check_choice("method", "auto", ("auto", "gram")) == "auto"
    with pytest.raises(InputError, match="method must be one of 'auto', 'gram', got 'tensor'"):
        check_choice("method", "tensor", ("auto", "gram"))
    with pytest.raises(InputError, match="order must be one of 1, 2, got True"):
        check_choice("order", True, (1, 2))


def test_as_float_array_converts_without_touching_the_input() -> None:
    given = np.array([1.0, 2.0])
    assert as_float_array("x", given) is given
    assert as_float_array("x", [True, 2]).dtype == np.float64
    assert as_float_array("x", np.array([1, 2], dtype=object)).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("value", [[1j], ["1"], [[1], [1, 2]], object(), np.array(["a"])])
def test_as_float_array_refuses_what_is_not_real(value: object) -> None:
    with pytest.raises(InputTypeError, match="x must be an array of real numbers"):
        as_float_array("x", value)  # type: ignore[arg-type]


def test_as_float_array_takes_what_is_masked_for_missing() -> None:
    masked = np.ma.masked_equal([1, 2, 3], 2)
    with pytest.raises(InputError, match="must be finite, got 1 NaN"):
        as_float_array("x", masked)
    assert np.isnan(as_float_array("x", masked, finite=False)).tolist() == [False, True, False]
    assert as_float_array("x", np.ma.masked_equal([1, 2, 3], 9)).tolist() == [1.0, 2.0, 3.0]


def test_as_float_array_refuses_shapes_and_counts_what_is_not_finite() -> None:
    with pytest.raises(InputError, match="x must be 1-dimensional or 2-dimensional, got"):
        as_float_array("x", 1.0, ndim=(1, 2))
    with pytest.raises(InputError, match="x must be finite, got 2 NaN and 1 infinite values"):
        as_float_array("x", [math.nan, math.nan, math.inf, 0.0])
    assert as_float_array("x", [-math.inf], finite=False)[0] == -math.inf


def test_check_weights_normalises() -> None:
    np.testing.assert_array_equal(check_weights(None, 4), np.full(4, 0.25))
    # Twice the largest double would overflow a plain sum.
    np.testing.assert_array_equal(check_weights([1e308, 1e308], 2), [0.5, 0.5])


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0], r"one entry per row \(2\), got shape \(1,\)"),
        ([1.0, -1.0], "non-negative, got 1 negative"),
        ([0.0, 0.0], "positive sum, got zeros only"),
        ([1.0, math.nan], "finite, got 1 NaN"),
    ],
)
def test_check_weights_refuses(weights: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_weights(weights, 2)


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_integers_beyond_the_floats_are_out_of_range_not_a_crash(value: int) -> None:
    with pytest.raises(InputError, match="alpha must be"):
        check_number("alpha", value)
    if value < 0:
        with pytest.raises(InputError, match="n must be an integer >= 0"):
            check_count("n", value)
    else:
        assert check_count("n", value) == value
        with pytest.raises(InputError, match="n must be an integer from 0 to 9"):
            check_count("n", value, high=9)
    with pytest.raises(InputTypeError, match="eta must be an array of real numbers"):
        as_float_array("eta", [value])


def test_time_differences_are_no_numbers() -> None:
    with pytest.raises(InputTypeError, match="alpha must be"):
        check_number("alpha", np.timedelta64(3, "s"))
    with pytest.raises(InputTypeError, match="n must be"):
        check_count("n", np.timedelta64(3, "s"))
