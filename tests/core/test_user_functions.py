"""Functions of the user: their results pass, what they raise becomes an error of the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from infostat.core.errors import DataError, InputError
from infostat.core.user_functions import call_user


def _raising(error: BaseException) -> Any:
    def function(*arguments: Any) -> Any:
        raise error

    return function


def test_results_and_arguments_pass() -> None:
    assert call_user("f", lambda a, b: a - b, 5, 3) == 2


def test_numbers_out_of_range_are_silent_inside_and_not_outside() -> None:
    assert call_user("f", lambda x: 1.0 / x, np.zeros(1))[0] == np.inf
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.ones(1) / np.zeros(1)


@pytest.mark.parametrize("error", [KeyError("a"), IndexError("b"), TypeError("c"), RuntimeError("d"), OSError("e")])
def test_whatever_is_raised_names_the_argument_and_keeps_its_cause(error: Exception) -> None:
    with pytest.raises(InputError, match=rf"score must be .* got {type(error).__name__}: ") as refusal:
        call_user("score", _raising(error))
    assert refusal.value.__cause__ is error


def test_long_messages_are_cut() -> None:
    with pytest.raises(InputError) as refusal:
        call_user("f", _raising(ValueError("x" * 5000)))
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("error", [DataError("rows"), MemoryError(), KeyboardInterrupt()])
def test_errors_of_the_package_and_of_the_machine_stay_what_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        call_user("f", _raising(error))
    assert caught.value is error
