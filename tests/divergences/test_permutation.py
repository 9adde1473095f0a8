"""Permutation tests."""

import itertools

import numpy as np
import pytest
from scipy import stats

from infostat.core.errors import InfostatError
from infostat.divergences import permutation
from infostat.divergences.kernel_distances import cka, hsic, mmd
from infostat.divergences.one_dimensional import energy_distance
from infostat.divergences.permutation import permutation_test

FUNCTIONS = {"energy": energy_distance, "mmd": mmd, "hsic": hsic, "cka": cka}


def two(n=25, m=30, d=2, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("d", [1, 3])
def test_value_and_p_value(kind, d):
    x, y = two(30, 30, d)
    result = permutation_test(x, y, kind, draws=99, rng=1)
    assert result.value == pytest.approx(FUNCTIONS[kind](x, y), rel=1e-10)
    assert result.null_distribution.shape == (99,)
    hits = np.sum(result.null_distribution >= result.value * (1 - 1e-12))
    assert result.p_value == (1 + hits) / 100
    assert (result.draws, result.statistic) == (99, kind)


def all_labellings(x, y, function):
    pooled = np.concatenate((x, y))
    everyone = set(range(len(pooled)))
    return sorted(
        function(pooled[list(chosen)], pooled[sorted(everyone - set(chosen))])
        for chosen in itertools.combinations(range(len(pooled)), len(x))
    )


@pytest.mark.parametrize("d", [1, 2])
def test_null_distribution_of_labels_by_enumeration(d):
    x, y = two(3, 4, d)
    exact = all_labellings(x, y, energy_distance)
    drawn = permutation_test(x, y, "energy", draws=2000, rng=0).null_distribution
    nearest = np.abs(drawn[:, None] - exact).argmin(axis=1)
    assert drawn == pytest.approx(np.array(exact)[nearest], abs=1e-9)
    # All 35 labellings are equally likely.
    assert stats.chisquare(np.bincount(nearest, minlength=35)).pvalue > 1e-4


def test_null_distribution_of_mmd_by_enumeration():
    x, y = two(3, 3)
    exact = all_labellings(x, y, lambda u, v: mmd(u, v, 0.9))
    drawn = permutation_test(x, y, "mmd", draws=300, rng=0, bandwidth=0.9).null_distribution
    assert np.abs(drawn[:, None] - exact).min(axis=1).max() < 1e-12


@pytest.mark.parametrize("options", [{}, {"kernel": "gaussian"}, {"kernel": "gaussian", "bandwidth": 0.8}])
@pytest.mark.parametrize("kind", ["hsic", "cka"])
def test_null_distribution_of_rows_by_enumeration(kind, options):
    x, y = two(4, 4, 2)
    exact = [FUNCTIONS[kind](x, y[list(order)], **options) for order in itertools.permutations(range(4))]
    drawn = permutation_test(x, y, kind, draws=300, rng=0, **options).null_distribution
    assert np.abs(drawn[:, None] - exact).min(axis=1).max() < 1e-12


def test_more_columns_than_rows():
    x, y = two(6, 6, 20)
    result = permutation_test(x, y, "hsic", draws=50, rng=0)
    assert result.value == hsic(x, y)
    exact = [hsic(x, y[list(order)]) for order in itertools.permutations(range(6))]
    assert np.abs(result.null_distribution[:, None] - exact).min(axis=1).max() < 1e-10


def test_tables_too_large_to_keep(monkeypatch):
    x, y = two(40, 35, 2)
    kept = {kind: permutation_test(x, y, kind, draws=70, rng=3) for kind in ("energy", "mmd")}
    monkeypatch.setattr(permutation, "_STORED_POINTS", 10)
    for kind, result in kept.items():
        anew = permutation_test(x, y, kind, draws=70, rng=3)
        assert anew.value == pytest.approx(result.value, rel=1e-10)
        assert anew.null_distribution == pytest.approx(result.null_distribution, rel=1e-9)
    with pytest.raises(InfostatError, match="at most 10 rows.*linear"):
        permutation_test(x[:30], y[:30], "hsic", kernel="gaussian")


def test_power():
    x, y = two(60, 60, 2, shift=1.5)
    for kind in ("energy", "mmd"):
        assert permutation_test(x, y, kind, draws=199, rng=0).p_value == 1 / 200
    for kind in ("hsic", "cka"):
        assert permutation_test(x, x + 0.1 * y, kind, draws=199, rng=0).p_value == 1 / 200
    # Dependence without correlation: seen by the Gaussian kernel only.
    angle = 2 * np.pi * np.arange(60) / 60
    u, v = np.cos(angle), np.sin(angle)
    assert permutation_test(u, v, "hsic", draws=99, rng=0).p_value > 0.5
    assert permutation_test(u, v, "hsic", draws=99, rng=0, kernel="gaussian", bandwidth=0.4).p_value <= 0.03


def test_ties_count_as_hits():
    # Every labelling of equal points has the same statistic.
    result = permutation_test(np.ones((5, 2)), np.ones((6, 2)), "energy", draws=19, rng=0)
    assert (result.value, result.p_value) == (0.0, 1.0)
    assert permutation_test(np.ones(5), np.ones(6), "mmd", draws=19, rng=0).p_value == 1.0
    assert permutation_test(np.ones(5), np.arange(5.0), "hsic", draws=19, rng=0).p_value == 1.0
    assert permutation_test([0.0, 1.0], [0.0, 1.0], "energy", draws=19, rng=0).p_value == 1.0


def test_seed_workers_and_progress():
    x, y = two()
    first = permutation_test(x, y, draws=150, rng=7)
    for other in (
        permutation_test(x, y, draws=150, rng=np.random.SeedSequence(7)),
        permutation_test(x, y, draws=150, rng=7, n_jobs=2),
        permutation_test(x, y, draws=150, rng=first.seed),
    ):
        assert (other.null_distribution == first.null_distribution).all()
    assert (permutation_test(x, y, draws=150, rng=8).null_distribution != first.null_distribution).any()
    seen = []
    permutation_test(x, y, draws=150, rng=7, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (150, 150)


def test_kernel_and_twin():
    rng = np.random.default_rng(0)
    left, right = (m + m.T for m in rng.normal(size=(2, 40, 40)))
    order = rng.permutation(40)
    compiled = permutation.permuted_product(left, right, order)
    assert compiled == pytest.approx(permutation.permuted_product.twin(left, right, order), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_level(kind):
    # With 19 draws the p-value is uniform on {1/20, ..., 1}: P(p <= 0.05) = 0.05, P(p <= 0.2) = 0.2.
    repetitions = 1500
    p = np.array(
        [permutation_test(*two(12, 12, 2, seed=seed), kind, draws=19, rng=seed).p_value for seed in range(repetitions)]
    )
    for level in (0.05, 0.2, 0.5):
        sd = np.sqrt(level * (1 - level) / repetitions)
        assert abs(np.mean(p <= level + 1e-12) - level) < 4.5 * sd


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("energies",), {}, "statistic must be one of 'energy', 'mmd', 'hsic', 'cka'"),
        (("energy",), {"draws": 0}, "draws must be an integer from 1 to"),
        (("energy",), {"bandwidth": 1.0}, "bandwidth must be None"),
        (("hsic",), {"bandwidth": 1.0}, "bandwidth must be None"),
        (("mmd",), {"kernel": "gaussian"}, "kernel must be left out"),
        (("hsic",), {"kernel": "cubic"}, "kernel must be one of"),
        (("hsic",), {}, "same number of rows"),
        (("mmd",), {"bandwidth": -1.0}, "bandwidth must be a number > 0"),
        (("energy",), {"n_jobs": 0}, "n_jobs must be"),
    ],
)
def test_bad_input(arguments, options, message):
    x, y = two()
    with pytest.raises(InfostatError, match=message):
        permutation_test(x, y, *arguments, **options)
