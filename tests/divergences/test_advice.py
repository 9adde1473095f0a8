"""``advise``: the table, its ranking, and what it does not claim."""

from __future__ import annotations

import numpy as np
import pytest

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences import advise


def row(table, word):
    found = table[table["method"].str.contains(word)]
    assert len(found) == 1
    return found.iloc[0]


def test_columns_and_nature():
    result = advise(1000, 3)
    assert list(result.columns) == ["method", "rate", "error", "use", "recommended"]
    assert result.nature == "proxy" and len(result) == 8
    np.testing.assert_array_equal(result["error"], result.to_frame()["error"])


@pytest.mark.parametrize(("n", "d"), [(100, 1), (1000, 3), (10_000, 20)])
def test_rates(n, d):
    table = advise(n, d).to_frame()
    assert row(table, "nearest")["error"] == pytest.approx(max(n ** (-2 / d), n**-0.5))
    assert row(table, "kernel density")["error"] == pytest.approx(n ** (-2 / (4 + d)))
    assert row(table, "Wasserstein plug-in")["error"] == pytest.approx(n ** (-1 / max(d, 2)))
    assert row(table, "Gaussian")["error"] == pytest.approx(d * (d + 3) / (4 * n))


def test_ranges_of_use():
    low, high = advise(5000, 2).to_frame(), advise(5000, 60).to_frame()
    for word in ("nearest", "kernel density", "Wasserstein plug-in", "Gaussian"):
        assert row(low, word)["recommended"] and not row(high, word)["recommended"]
    assert row(high, "sliced")["recommended"]


def test_recommended_first_then_smaller_error():
    table = advise(2000, 6).to_frame()
    count = int(table["recommended"].sum())
    assert table["recommended"].tolist() == [True] * count + [False] * (len(table) - count)
    assert table["error"][:count].is_monotonic_increasing


def test_a_small_value_rules_methods_out():
    assert not advise(100, 3, value=0.001)["recommended"].any()
    assert "more data" in advise(100, 3, value=0.001).interpretation
    ratio = row(advise(1000, 3, value=8.0).to_frame(), "density ratios")
    assert not ratio["recommended"] and ratio["error"] == pytest.approx(np.sqrt(np.exp(8.0) / 1000))


@pytest.mark.parametrize(
    ("args", "error"), [((1, 3), InputError), ((10, 0), InputError), (("n", 3), InputTypeError)]
)
def test_refusals(args, error):
    with pytest.raises(error):
        advise(*args)
    with pytest.raises(InputError, match="value"):
        advise(10, 3, value=-1.0)
