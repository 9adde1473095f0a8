"""Categorical family: labels, levels and rare classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import (
    BoundaryProjectionError,
    ConstantStatisticError,
    DataError,
    InputError,
    InputTypeError,
    SupportError,
)
from infostat.families.categorical import Categorical
from infostat.families.dirichlet import Dirichlet

PROB = np.array([0.2, 0.5, 0.3])


def test_frequencies_are_the_estimate() -> None:
    family = Categorical().bind(list("abacab"))
    assert family.levels == ("a", "b", "c")
    encoded = family.encode(list("abacab"))
    np.testing.assert_array_equal(encoded, [0, 1, 0, 2, 0, 1])
    fit = family.fit(encoded, np.full(6, 1 / 6))
    np.testing.assert_allclose(family.params(fit.theta)["prob"], [1 / 2, 1 / 3, 1 / 6], rtol=1e-14)


@pytest.mark.parametrize("prob", [[0.3, 0.7], [0.2, 0.5, 0.3], [0.1, 0.15, 0.3, 0.45]])
def test_well_specified_second_order_coefficient(prob: list[float]) -> None:
    # Spec, section 7: a2 = (5/12) sum 1/p_k - K/2 + 1/12 with T0 = p, T1 = g2, T2 = g1 + 2 g2, T3 = 3 beta.
    family = Categorical()
    view = family.whitened(family.natural(prob=prob))
    third = view.third()
    g2 = np.sum(third**2)
    c = np.einsum("aii->a", third)
    a2 = (-8 * g2 + 9 * (c @ c + 2 * g2) - 9 * view.fourth(np.eye(view.p))) / 24
    expected = 5 / 12 * sum(1 / p for p in prob) - len(prob) / 2 + 1 / 12
    assert a2 == pytest.approx(expected, rel=1e-12)


def test_rare_levels_keep_their_digits() -> None:
    family = Categorical()
    theta = family.natural(prob=[1e-9, 0.6, 0.4 - 1e-9])
    z, weights = family.whitened(theta).nodes()
    np.testing.assert_allclose(z.T @ (z * weights[:, None]), np.eye(2), atol=1e-12)
    assert family.mean(theta)[0] == pytest.approx(1e-9, rel=1e-13)


@pytest.mark.parametrize(
    ("data", "levels"),
    [
        ([3, 1, 2, 3], (1, 2, 3)),
        (np.array([True, False, True]), (False, True)),
        (pd.Series(["x", "y", "x"]), ("x", "y")),
        (pd.Series(["x", "y", "x"], dtype="category"), ("x", "y")),
        (pd.DataFrame({"c": ["x", "y", "x"]}), ("x", "y")),
        (np.array([[1.5], [0.5]]), (0.5, 1.5)),
        ((np.str_("b"), "a"), ("a", "b")),
    ],
    ids=["ints", "bools", "series", "category", "frame", "column", "numpy-strings"],
)
def test_levels_of_the_data(data: object, levels: tuple[object, ...]) -> None:
    family = Categorical().bind(data)
    assert family.levels == levels
    assert family.statistic(data).shape[1] == len(levels) - 1
    assert Categorical().n_params(data) == len(levels) - 1


def test_levels_keep_the_given_order() -> None:
    family = Categorical(["low", "mid", "high"])
    np.testing.assert_array_equal(family.statistic(["mid", "high"]), [[0, 1], [0, 0]])
    assert family.statistic_names(["size"]) == ["size=low", "size=mid"]
    assert family.bind(["low"]) is family


def test_mixed_labels_need_explicit_levels() -> None:
    with pytest.raises(InputTypeError, match=r"Categorical\(levels="):
        Categorical().bind([1, "a"])
    family = Categorical([1, "a"])
    np.testing.assert_array_equal(family.encode([1, "a", 1]), [0, 1, 0])
    assert set(family.sample(family.natural(prob=[0.5, 0.5]), 50, 0).tolist()) == {1, "a"}


def test_samples_are_labels_or_codes() -> None:
    theta = Categorical().natural(prob=PROB)
    codes = Categorical().sample(theta, 100, 3)
    labels = Categorical(["a", "b", "c"]).sample(theta, 100, 3)
    assert set(codes.tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(np.array(["a", "b", "c"])[codes], labels)


def test_open_levels_in_logpdf() -> None:
    theta = Categorical().natural(prob=PROB)
    np.testing.assert_allclose(np.exp(Categorical().logpdf([2, 0, 2], theta)), [0.3, 0.2, 0.3])
    np.testing.assert_allclose(np.exp(Categorical().logpdf(["c", "a", "b"], theta)), [0.3, 0.2, 0.5])
    with pytest.raises(InputError, match="3 levels, but the data have 2 labels"):
        Categorical().logpdf(["c", "a"], theta)


def test_unknown_labels() -> None:
    family = Categorical(["a", "b"])
    with pytest.raises(SupportError, match=r"2 of 3 rows do not, rows 1, 2 \(unknown: \['z', 'y'\]\)"):
        family.encode(["a", "z", "y"])
    assert family.logpdf(["z"], [0.0])[0] == -np.inf


def test_empty_levels_are_named() -> None:
    family = Categorical(["a", "b", "c", "d"])
    with pytest.raises(BoundaryProjectionError, match="have the level 'b', 'd'; merge or drop"):
        family.fit(family.encode(["a", "c", "a"]), np.full(3, 1 / 3))
    with pytest.raises(BoundaryProjectionError, match="level 'd'"):
        # 0.1 + 0.2 + 0.7 is one only up to rounding.
        family.project([0.1, 0.2, 0.7])


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_missing_labels(missing: object) -> None:
    with pytest.raises(DataError, match="got 2 missing values"):
        Categorical().bind(["a", missing, "b", missing])


def test_bad_levels_and_data() -> None:
    with pytest.raises(ConstantStatisticError, match="got only"):
        Categorical().bind(["a", "a"])
    with pytest.raises(InputError, match="two different labels"):
        Categorical(["a", "a"])
    with pytest.raises(InputTypeError, match="sequence of labels"):
        Categorical("abc")
    with pytest.raises(InputError, match="levels are not known"):
        Categorical().n_params()
    with pytest.raises(InputTypeError, match="hashable"):
        Categorical().bind(pd.Series([{"a": 1}, {"b": 2}]))


@pytest.mark.parametrize("prob", [[0.5, 0.6], [1.0, 0.0], [1.0]])
def test_bad_probabilities(prob: list[float]) -> None:
    with pytest.raises(InputError, match="prob must"):
        Categorical().natural(prob=prob)


def test_number_of_probabilities_must_match_the_levels() -> None:
    with pytest.raises(InputError, match=r"all levels \(2\), got 3"):
        Categorical(["a", "b"]).natural(prob=PROB)


# ----------------------------------------------------- Dirichlet, the other finite vector
def test_dirichlet_rows_are_normalised_before_logs() -> None:
    family = Dirichlet()
    rows = np.array([[0.2, 0.3, 0.5]])
    np.testing.assert_allclose(family.statistic(rows * (1 + 5e-7)), family.statistic(rows), rtol=1e-14)
    with pytest.raises(SupportError, match="divide each row by its sum"):
        family.statistic(rows * 2.0)


@pytest.mark.parametrize("alpha", [[1e-3, 1e-3], [1e-2, 50.0, 3.0], [1e6, 2e6, 5e5], np.full(40, 0.3)])
def test_dirichlet_projection(alpha: list[float]) -> None:
    family = Dirichlet()
    report = family.solve(family.mean(family.natural(alpha=alpha)))
    assert report.converged
    # eta fixes alpha_0 through 1 - sum exp(eta) ~ (K - 1)/(2 alpha_0): relative error eps alpha_0.
    np.testing.assert_allclose(report.theta, alpha, rtol=1e-11 + 1e-15 * np.sum(alpha))


def test_dirichlet_sizes() -> None:
    assert Dirichlet().bind(np.full((5, 4), 0.25)) == Dirichlet(4)
    with pytest.raises(InputError, match="number of parts is not known"):
        Dirichlet().n_params()
    with pytest.raises(InputError, match="a table with 3 columns"):
        Dirichlet(3).encode(np.full((5, 4), 0.25))
    with pytest.raises(InputError, match="must hold 3 positive numbers"):
        Dirichlet(3).natural(alpha=[1.0, 2.0])
