"""Effective dimension, sample spectrum and the plug-in theory."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from infostat.core import InfostatError
from infostat.core.errors import BandwidthWarning
from infostat.density.effective import DataTheory, effective_dimension, sample_spectrum, theory_from_data
from infostat.density.regimes import regime_theory


def gaussian(n: int, d: int, seed: int = 0) -> np.ndarray:
    scales = np.sqrt(1.0 / np.arange(1, d + 1))
    return np.random.default_rng(seed).standard_normal((n, d)) * scales + 5.0


def test_effective_dimension_by_its_definition() -> None:
    X = gaussian(300, 12)
    found = effective_dimension(X)
    s = np.linalg.eigvalsh(np.cov(X, rowvar=False))
    np.testing.assert_allclose(found.values, s, rtol=1e-10)
    assert found.d_eff == pytest.approx(s.sum() ** 2 / (s**2).sum(), rel=1e-10)
    assert found.alpha == pytest.approx(math.log(300) / 12)
    assert found.alpha_eff == pytest.approx(math.log(300) / found.d_eff)
    assert (found.n, found.d, found.dropped, found.shrinkage) == (300, 12, (), 0.0)


def test_equal_variances_have_the_full_dimension() -> None:
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    assert effective_dimension(signs).d_eff == pytest.approx(3.0, rel=1e-12)


def test_invariance() -> None:
    X = gaussian(200, 6)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))[0]
    base, turned = effective_dimension(X), effective_dimension(3.0 * (X[::-1] - 2.0) @ rotation)
    np.testing.assert_allclose(turned.values, 9 * base.values, rtol=1e-9)
    assert turned.d_eff == pytest.approx(base.d_eff, rel=1e-9)
    assert theory_from_data(3 * X).theory.h_G == pytest.approx(3 * theory_from_data(X).theory.h_G, rel=1e-9)


def test_constant_columns_are_left_out() -> None:
    X = gaussian(100, 4)
    padded = np.column_stack([np.full(100, 7.0), X, np.zeros(100)])
    before = padded.copy()
    with pytest.warns(BandwidthWarning, match=r"constant columns \(2\)"):
        found = effective_dimension(padded)
    assert found.dropped == (0, 5) and found.d == 4
    np.testing.assert_allclose(found.values, effective_dimension(X).values, rtol=1e-12)
    assert "Constant columns left out: 2" in found.spectrum_note
    np.testing.assert_array_equal(padded, before)


def test_wide_data_are_shrunk_as_ledoit_and_wolf() -> None:
    covariance = pytest.importorskip("sklearn.covariance")
    X = gaussian(40, 90)
    peer = covariance.LedoitWolf().fit(X)
    found = effective_dimension(X)
    assert found.shrinkage == pytest.approx(peer.shrinkage_, rel=1e-9)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(peer.covariance_) * 40 / 39, rtol=1e-8)
    assert "Ledoit-Wolf" in found.spectrum_note and found.values.min() > 0


def test_shrinkage_by_its_definition() -> None:
    X = gaussian(15, 30, seed=4)
    centred = X - X.mean(axis=0)
    S = centred.T @ centred / 15
    mean = np.trace(S) / 30
    noise = sum(np.sum((np.outer(row, row) - S) ** 2) for row in centred) / 15**2
    expected = min(1.0, noise / np.sum((S - mean * np.eye(30)) ** 2))
    assert effective_dimension(X).shrinkage == pytest.approx(expected, rel=1e-10)


def test_spectrum_feeds_the_theory() -> None:
    X = gaussian(400, 10)
    values, weights = sample_spectrum(X)
    assert weights == pytest.approx(np.full(10, 0.1))
    theory = regime_theory(math.log(400) / 10, spectrum=(values, weights))
    plugged = theory_from_data(X)
    assert plugged.theory.h_star == pytest.approx(theory.h_star, rel=1e-12)
    assert plugged.d_eff == plugged.dimension.d_eff and plugged.alpha == theory.alpha


@pytest.mark.parametrize("shape", [(200, 7), (20, 50)])
def test_query_is_rotated(shape: tuple[int, int]) -> None:
    X = gaussian(*shape)
    x = X[3] + 0.1
    plugged = theory_from_data(X, at=x)
    centred = x - X.mean(axis=0)
    assert np.sum(plugged.theory.at**2) == pytest.approx(centred @ centred, rel=1e-9)
    # x^T S^-1 x is the same in every basis.
    values = plugged.dimension.values
    if shape[0] > shape[1]:
        S = np.cov(X, rowvar=False)
        assert np.sum(plugged.theory.at**2 / values) == pytest.approx(centred @ np.linalg.solve(S, centred), rel=1e-8)
    assert plugged.theory.h_star is None and plugged.theory.h_G > 0
    np.testing.assert_array_equal(plugged.at, x)


def test_query_skips_constant_columns() -> None:
    X = gaussian(100, 4)
    padded = np.insert(X, 2, 1.5, axis=1)
    x = X[0] + 0.2
    expected = theory_from_data(X, at=x).theory.h_G
    with pytest.warns(BandwidthWarning, match=r"constant columns \(1\)"):
        found = theory_from_data(padded, at=np.insert(x, 2, 99.0))
    assert found.theory.h_G == pytest.approx(expected, rel=1e-12)


def test_wide_query_spreads_over_unseen_directions() -> None:
    X = gaussian(12, 40)
    inside, outside = X[0], X[0].copy()
    outside += 3.0 * np.random.default_rng(2).standard_normal(40)
    near, far = theory_from_data(X, at=inside), theory_from_data(X, at=outside)
    assert np.abs(near.theory.at[: 40 - 11]).max() < 1e-6
    assert np.abs(far.theory.at[: 40 - 11]).min() > 1.0
    # A query further out has fewer points per distance, hence a larger threshold.
    assert far.theory.h_G > near.theory.h_G


def test_collinear_columns_warn_and_keep_thresholds() -> None:
    X = gaussian(100, 3)
    doubled = np.column_stack([X, X[:, 0] + X[:, 1]])
    with pytest.warns(BandwidthWarning, match="zero eigenvalues"):
        plugged = theory_from_data(doubled)
    assert plugged.theory.h_star is None and plugged.theory.h_G > 0
    assert np.count_nonzero(plugged.dimension.values) == 3


def test_blocks_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    X = gaussian(500, 9)
    whole = effective_dimension(X).values
    monkeypatch.setattr("infostat.density.effective._CHUNK_NUMBERS", 100)
    np.testing.assert_allclose(effective_dimension(X).values, whole, rtol=1e-12)


def test_frames_and_figures() -> None:
    import matplotlib.pyplot as plt

    X = pd.DataFrame(gaussian(80, 5), columns=list("abcde"))
    plugged = theory_from_data(X)
    frame = plugged.to_frame()
    assert len(frame) == 1 and {"n", "d_eff", "h_G", "h_star"} <= set(frame.columns)
    assert "not a measurement" in str(plugged.summary()).replace("\n", " ")
    assert DataTheory.from_dict(plugged.to_dict()) == plugged
    assert plugged.plot().get_xlabel().startswith("bandwidth")
    assert effective_dimension(X).plot().get_ylabel().startswith("variance")
    plt.close("all")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((5, 3)), "only constant columns"),
        (np.zeros((1, 3)), "row"),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), "X"),
        ("no such file.csv", "no such file"),
    ],
)
def test_bad_data(X: object, message: str) -> None:
    for function in (effective_dimension, sample_spectrum, theory_from_data):
        with pytest.raises(InfostatError, match=message):
            function(X)


@pytest.mark.parametrize("at", [[1.0, 2.0], np.ones(4), "here", [1.0, math.nan, 2.0], None])
def test_bad_query(at: object) -> None:
    X = gaussian(50, 3)
    if at is None:
        assert theory_from_data(X).at is None
        return
    with pytest.raises(InfostatError, match="at must|at"):
        theory_from_data(X, at=at)
