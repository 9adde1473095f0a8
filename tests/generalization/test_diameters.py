"""Diameters of activations and of data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from infostat.core.errors import InputError
from infostat.generalization import diameters
from infostat.generalization.diameters import activation_diameter, data_diameter
from infostat.generalization.lipschitz import ACTIVATIONS


def test_activations() -> None:
    assert activation_diameter("tanh", 9) == 6.0
    assert activation_diameter("sigmoid", 9) == 3.0
    assert activation_diameter("softmax", 9) == math.sqrt(2.0)
    assert activation_diameter("softmax", 1) == 0.0
    assert activation_diameter((-1.0, 3.0), 4) == 8.0
    for name in set(ACTIVATIONS) - {"tanh", "sigmoid", "softmax"}:
        assert activation_diameter(name, 1) == math.inf


def test_softmax_reaches_its_diameter_at_two_corners() -> None:
    scores = np.array([[800.0, 0.0, 0.0], [0.0, 800.0, 0.0]])
    corners = np.exp(scores - 800.0)
    assert data_diameter(corners) == pytest.approx(activation_diameter("softmax", 3), rel=1e-15)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 6), st.sampled_from([1e-200, 1.0, 1e200]))
def test_data_against_all_pairs(seed: int, n: int, d: int, scale: float) -> None:
    rows = np.random.default_rng(seed).standard_normal((n, d))
    found = data_diameter(rows * scale)
    assert found == pytest.approx(float(pdist(rows).max()) * scale, rel=1e-14)


def test_data_far_from_the_origin_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(1).standard_normal((50, 3))
    expected = float(pdist(rows + 1e8).max())
    monkeypatch.setattr(diameters, "_BLOCK", 120)
    assert data_diameter(rows + 1e8) == pytest.approx(expected, rel=1e-12)
    before = rows.copy()
    assert data_diameter(pd.DataFrame(rows)) == pytest.approx(float(pdist(rows).max()), rel=1e-14)
    assert (rows == before).all()
    assert data_diameter([[1.0, 2.0]]) == 0.0
    assert data_diameter(np.zeros((3, 2))) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: activation_diameter("swish", 3), "activation must be one of"),
        (lambda: activation_diameter((2.0, 1.0), 3), r"range \(low, high\)"),
        (lambda: activation_diameter((1.0, 2.0, 3.0), 3), r"range \(low, high\)"),
        (lambda: activation_diameter((math.nan, 1.0), 3), r"range \(low, high\)"),
        (lambda: activation_diameter("tanh", 0), "width must be an integer from 1"),
        (lambda: data_diameter([[math.nan, 1.0]]), "X"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
