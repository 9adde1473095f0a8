"""Bandwidth selection: optima, identities, flags, refusals."""

from __future__ import annotations

import math
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from infostat.core.errors import BandwidthWarning, DataError, DuplicateRowsWarning, InputError, InputTypeError
from infostat.density.curve_search import search
from infostat.density.loo_curve import loo_curve
from infostat.density.selection import METHODS, select_bandwidth
from infostat.density.selection_results import BandwidthSelection, describe_flag


def normal(n: int, d: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((n, d))


def quick(X: Any, *args: Any, **kw: Any) -> BandwidthSelection:
    """Without the diagnosis, which has tests of its own."""
    return select_bandwidth(X, *args, diagnose=False, **kw)


def stationary_width(X: Any, h: float) -> float:
    """Square root of (1/d) mean_j sum_i p_ij |x_j - x_i|^2."""
    n, d = X.shape
    total = 0.0
    for j in range(n):
        squares = np.delete(((X - X[j]) ** 2).sum(axis=1), j)
        weights = np.exp(-(squares - squares.min()) / (2 * h * h))
        total += float(weights @ squares / weights.sum())
    return math.sqrt(total / (n * d))


# ------------------------------------------------------------------- optima
@pytest.mark.parametrize(("n", "d"), [(10, 3), (40, 1), (400, 3), (700, 20), (300, 80)])
def test_leave_one_out_identity_at_the_optimum(n: int, d: int) -> None:
    X = normal(n, d)
    found = quick(X)
    assert stationary_width(X, found.h) == pytest.approx(found.h, rel=1e-7)
    assert found.objective_at_h >= found.objective.max() - 1e-12
    assert found.objective_at_h == pytest.approx(loo_curve(X, [found.h])[0], rel=1e-13)


def test_two_rows_have_the_optimum_in_closed_form() -> None:
    # log density -d log h - D/(2 h^2) is largest at h^2 = D/d.
    assert quick(np.array([[0.0, 0.0], [3.0, 4.0]])).h == pytest.approx(math.sqrt(25.0 / 2.0), rel=1e-8)


def test_optimum_against_a_line_search() -> None:
    X = np.random.default_rng(1).standard_t(3, size=(300, 4))
    line = minimize_scalar(lambda t: -loo_curve(X, [math.exp(t)])[0], bracket=(-1.0, 0.0), tol=1e-10)
    assert quick(X).h == pytest.approx(math.exp(line.x), rel=1e-6)


def test_heavy_tails_and_clusters_widen_the_grid() -> None:
    X = np.random.default_rng(2).standard_cauchy((300, 1))
    found = quick(X)
    assert stationary_width(X, found.h) == pytest.approx(found.h, rel=1e-7)
    tight = normal(300, 2)
    tight[150:] = tight[:150] + 1e-7 * normal(150, 2, 1)
    found = quick(tight)
    assert found.h < 1e-3 and "grid_edge" not in found.flags
    assert stationary_width(tight, found.h) == pytest.approx(found.h, rel=1e-7)


@pytest.mark.parametrize("method", ["loo", "lscv", "scott", "silverman"])
def test_unit_and_place(method: str) -> None:
    X = normal(300, 3)
    assert quick(1e-3 * X + 5.0, method).h == pytest.approx(1e-3 * quick(X, method).h, rel=1e-7)


def test_least_squares_minimises_its_criterion() -> None:
    X = normal(250, 2)

    def criterion(h: float) -> float:
        squares = ((X[:, None] - X) ** 2).sum(axis=2)
        wide, kernel = np.exp(-squares / (4 * h * h)), np.exp(-squares / (2 * h * h))
        np.fill_diagonal(kernel, 0.0)
        return float(wide.mean() / (4 * math.pi * h * h) - 2 * kernel.sum() / (250 * 249) / (2 * math.pi * h * h))

    found = quick(X, "lscv")
    line = minimize_scalar(lambda t: criterion(math.exp(t)), bounds=(-2.0, 0.5), method="bounded")
    assert found.h == pytest.approx(math.exp(line.x), rel=1e-4)
    assert found.objective_at_h == pytest.approx(criterion(found.h), rel=1e-10)
    assert np.allclose(found.objective[::10], [criterion(h) for h in found.grid[::10]], rtol=1e-9)


def test_least_squares_says_when_it_sees_nothing() -> None:
    with pytest.warns(BandwidthWarning, match="sampling error"):
        found = quick(normal(200, 400), "lscv")
    assert "uninformative" in found.flags and found.log_scale < -600
    assert found.objective_at_h == pytest.approx(-1.0) and np.isfinite(found.objective[-1])
    assert "uninformative" not in quick(normal(200, 2), "lscv").flags


def test_rules_use_the_mean_variance() -> None:
    X = normal(500, 3) * [1.0, 2.0, 3.0]
    scale = math.sqrt(float(X.var(axis=0, ddof=1).mean()))
    found = quick(X, "scott")
    assert found.h == pytest.approx(scale * 500 ** (-1 / 7)) == found.scott
    assert found.scale == pytest.approx(scale)
    found = quick(X, "silverman")
    assert found.h == pytest.approx(scale * (4 / (5 * 500)) ** (1 / 7)) == found.silverman
    assert len(found.grid) == 0 and math.isnan(found.objective_at_h) and found.n_queries == 0


@pytest.mark.parametrize("method", ["sheather_jones", "isj"])
def test_plug_in_rules_are_for_one_column(method: str) -> None:
    x = normal(400, 1)
    best = (4.0 / 1200.0) ** 0.2
    assert quick(x, method).h == pytest.approx(best, rel=0.3)
    with pytest.raises(DataError, match="one column"):
        quick(normal(50, 2), method)


def test_theory_uses_the_spectrum_of_the_sample() -> None:
    from infostat.density.effective import sample_spectrum
    from infostat.density.regimes import regime_theory

    X = normal(2000, 20) * np.linspace(0.5, 1.5, 20)
    found = quick(X, "theory")
    theory = regime_theory(math.log(2000) / 20, spectrum=sample_spectrum(X))
    assert found.h == pytest.approx(math.sqrt(theory.eps), rel=1e-12)
    assert found.h == pytest.approx(quick(X).h, rel=0.2)
    assert "shrinkage" in quick(normal(20, 30), "theory").flags


# ---------------------------------------------------------------------- grid
def test_objective_follows_the_order_of_the_given_grid() -> None:
    X = normal(200, 2)
    grid = np.array([1.0, 0.2, 0.5, 0.35, 0.2])
    found = quick(X, grid=grid, refine=False)
    assert np.array_equal(found.grid, grid)
    assert np.allclose(found.objective, loo_curve(X, grid), rtol=1e-14)
    assert found.h == grid[np.argmax(found.objective)]
    assert found.objective_at_h == found.objective.max()


def test_refinement_stays_between_neighbours_of_the_grid() -> None:
    X = normal(200, 2)
    best = quick(X).h
    found = quick(X, grid=[0.01, 10.0, best * 1.4, best / 1.5])
    assert found.h == pytest.approx(best, rel=1e-7)
    assert len(found.grid) == 4 and "grid_edge" not in found.flags


def test_edge_of_a_given_grid_is_flagged() -> None:
    X = normal(200, 2)
    best = quick(X).h
    with pytest.warns(BandwidthWarning, match="end of the grid"):
        found = quick(X, grid=[best * 2, best * 4])
    assert found.h == pytest.approx(best * 2, rel=1e-9) and "grid_edge" in found.flags
    with pytest.warns(BandwidthWarning, match="end of the grid"):
        assert quick(X, grid=[0.7]).h == 0.7


def test_subset_of_queries_is_fixed_by_the_number_of_rows() -> None:
    X = normal(400, 3)
    found = quick(X, max_queries=100)
    assert found.flags[0] == "query_subset" and found.n_queries == 100
    assert found.h == quick(X.copy(), max_queries=100).h
    rows = np.sort(np.random.default_rng(400).permutation(400)[:100])
    assert np.allclose(found.objective, loo_curve(X, found.grid, queries=rows), rtol=1e-12)
    assert found.h == pytest.approx(quick(X).h, rel=0.3)
    assert quick(X, "lscv", max_queries=100).h == pytest.approx(quick(X, "lscv").h, rel=0.3)


# --------------------------------------------------------------------- flags
def test_copies_do_not_draw_the_bandwidth_to_zero() -> None:
    X = normal(150, 2)
    doubled = np.vstack([X, X])
    with pytest.warns(DuplicateRowsWarning):
        found = quick(doubled)
    assert "duplicates" in found.flags and found.n == 300
    assert found.h == pytest.approx(quick(X).h, rel=1e-7)
    with pytest.warns(DuplicateRowsWarning):
        assert quick(doubled, duplicates="drop").h == pytest.approx(quick(X).h, rel=1e-7)
    with pytest.raises(DataError, match="distinct"):
        quick(doubled, duplicates="raise")
    # Nothing is left out by a rule of thumb: no warning, the flag all the same.
    assert "duplicates" in quick(doubled, "scott").flags


def test_integer_weights_repeat_rows() -> None:
    X = normal(80, 2)
    counts = np.random.default_rng(3).integers(0, 4, 80)
    for method in ("loo", "lscv"):
        with pytest.warns(DuplicateRowsWarning):
            wanted = quick(np.repeat(X, counts, axis=0), method).h
        assert quick(X, method, weights=counts).h == pytest.approx(wanted, rel=1e-7)
    assert quick(X, "scott", weights=np.full(80, 2.0)).h == pytest.approx(quick(X, "scott").h, rel=1e-12)
    with pytest.raises(InputError, match="weights must be None"):
        quick(normal(80, 1), "isj", weights=counts)


def test_constant_columns_are_left_out() -> None:
    X = normal(100, 3)
    with_constant = np.insert(X, 1, 7.0, axis=1)
    for method in ("loo", "scott"):
        with pytest.warns(BandwidthWarning, match="Constant columns"):
            found = quick(with_constant, method)
        assert found.h == quick(X, method).h
        assert found.d == 3 and "constant_columns" in found.flags


def test_unequal_scales_ask_for_standardisation() -> None:
    with pytest.warns(BandwidthWarning, match="Standardise"):
        found = quick(normal(100, 2) * [1.0, 11.0])
    assert "scale_imbalance" in found.flags
    assert "scale_imbalance" not in quick(normal(100, 2) * [1.0, 8.0]).flags


def test_every_flag_has_a_sentence() -> None:
    for flag in ("duplicates", "query_subset", "grid_edge", "uninformative", "not_measured", "too_few_rows"):
        assert describe_flag(flag).endswith(".")
    assert describe_flag("something else") == ""


# -------------------------------------------------------------------- regime
def test_regime_is_the_measured_one() -> None:
    from infostat.density.diagnosis import diagnose_bandwidth

    X = normal(600, 20)
    found = select_bandwidth(X)
    measured = diagnose_bandwidth(X, found.h)
    assert found.regime == measured.verdict and found.mu_bar == measured.mu_bar
    assert found.mu_interval == measured.mu_interval
    assert found.participation_ratio == measured.averages["participation_ratio"]
    assert measured.interpretation in found.interpretation
    assert select_bandwidth(X, "scott").mu_bar < found.mu_bar  # the narrower bandwidth


def test_small_samples_have_no_regime() -> None:
    found = select_bandwidth(normal(50, 3))
    assert found.regime == "unknown" and "too_few_rows" in found.flags and math.isnan(found.mu_bar)
    assert quick(normal(50, 3)).regime == "unknown"


def test_threads_do_not_change_the_numbers() -> None:
    X = normal(900, 4)
    assert select_bandwidth(X, n_jobs=2).to_dict() == select_bandwidth(X).to_dict()


# -------------------------------------------------------------------- result
@pytest.mark.parametrize("method", ["loo", "lscv", "silverman"])
def test_result_contract(method: str) -> None:
    found = quick(normal(150, 2), method)
    assert BandwidthSelection.from_dict(found.to_dict()) == found == pickle.loads(pickle.dumps(found))
    assert len(repr(found)) < 200 and float(found) == found.h
    frame = found.to_frame()
    assert list(frame.columns) == ["h", "objective"] and len(frame) == max(len(found.grid), 1)
    text = str(found.summary())
    assert "Bandwidth h" in text and "Regime" in text
    assert not found.objective.flags.writeable if len(found.objective) else True


def test_figures() -> None:
    import matplotlib.pyplot as plt

    X = normal(150, 2)
    best = quick(X).h
    for found in (quick(X), quick(X, "lscv"), quick(X, "scott"), quick(X, grid=[best / 2, best, best * 2])):
        ax = found.plot()
        assert ax.get_xlabel() == r"bandwidth $h$ (unit of the data)"
        assert ax.get_ylabel() or found.method == "scott"
        shown = ax.get_xlim()
        assert shown[0] < found.h < shown[1]
        plt.close(ax.figure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BandwidthWarning)
        found = quick(X, grid=[best])
    plt.close(found.plot().figure)


def test_frames_series_and_vectors_are_data() -> None:
    x = normal(100, 1)[:, 0]
    wanted = quick(x).h
    assert quick(pd.Series(x, name="a")).h == wanted == quick(pd.DataFrame({"a": x})).h == quick(list(x)).h


def test_progress_and_untouched_input() -> None:
    X = normal(600, 2)
    kept, seen = X.copy(), []
    quick(X, progress=lambda done, total: seen.append((done, total)))
    assert seen[:3] == [(1, 3), (2, 3), (3, 3)]
    assert np.array_equal(X, kept)


# ----------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("X", "arguments", "message"),
    [
        (np.zeros((1, 2)), {}, "at least 2 rows"),
        (np.ones((5, 2)), {}, "identical"),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), {}, "missing"),
        (np.array([[1.0, np.inf], [2.0, 3.0]]), {}, "infinite"),
        (np.eye(4), {"method": "best"}, "method must be one of"),
        (np.eye(4), {"grid": [0.1, 0.0]}, "grid must be positive"),
        (np.eye(4), {"grid": [-1.0]}, "grid must be positive"),
        (np.eye(4), {"grid": []}, "at least one bandwidth"),
        (np.eye(4), {"grid": [np.inf]}, "grid must be finite"),
        (np.eye(4), {"grid": [1.0], "method": "scott"}, "grid must be None"),
        (np.eye(4), {"max_queries": 1}, "max_queries"),
        (np.eye(4), {"duplicates": "merge"}, "duplicates must be one of"),
        (np.eye(4), {"weights": [1.0, 1.0]}, "one entry per row"),
        (np.eye(4), {"weights": [1.0, -1.0, 1.0, 1.0]}, "non-negative"),
        (np.eye(4), {"weights": [1.0, 0.0, 0.0, 0.0]}, "identical"),
        (np.array([[1e200], [-1e200]]), {}, "another unit"),
    ],
)
def test_bad_input(X: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        select_bandwidth(X, **arguments)


@pytest.mark.parametrize("arguments", [{"refine": 1}, {"diagnose": "yes"}, {"max_queries": 10.5}, {"grid": "wide"}])
def test_bad_types(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputTypeError):
        select_bandwidth(np.eye(4), **arguments)


def test_list_of_methods_is_the_contract() -> None:
    assert METHODS == ("loo", "scott", "silverman", "lscv", "sheather_jones", "isj", "theory")


# -------------------------------------------------------------------- search
def test_search_finds_narrow_and_far_optima() -> None:
    def peak(place: float, width: float) -> Any:
        return lambda h: -((np.log(h / place) / width) ** 2) / (1.0 + (np.log(h / place) / width) ** 2)

    for place, width in ((1e-7, 1.0), (1e9, 1.0), (2.0, 1e-3), (0.4, 30.0)):
        found = search(peak(place, width), np.asarray, np.geomspace(0.1, 10, 40), widen=True, refine=True)
        assert found.h == pytest.approx(place, rel=1e-6) and not found.at_edge
        assert np.all(np.diff(found.grid) > 0)


def test_search_gives_up_on_a_curve_without_optimum() -> None:
    found = search(lambda h: np.log(h), np.asarray, np.array([1.0, 2.0]), widen=True, refine=True)
    assert found.at_edge and found.h == found.grid[-1]
    found = search(lambda h: np.full(len(h), -np.inf), np.asarray, np.array([1.0, 2.0]), widen=False, refine=True)
    assert found.h == 1.0


# ------------------------------------------------------------ long references
@pytest.mark.slow
@pytest.mark.parametrize("d", [10, 30, 60])
def test_leave_one_out_finds_the_exact_optimum_of_the_divergence(d: int) -> None:
    """Independent: the bandwidth of least expected divergence at this n and d, from integrals."""
    from infostat.density.finite import finite_size

    values = [quick(normal(5000, d, seed)).h for seed in range(4)]
    assert np.mean(values) == pytest.approx(finite_size(5000, d).h, rel=0.01)


@pytest.mark.slow
def test_leave_one_out_with_a_harmonic_spectrum() -> None:
    values = [quick(normal(5000, 60, seed) / np.sqrt(np.arange(1, 61))).h for seed in range(3)]
    assert np.mean(values) == pytest.approx(0.228, rel=0.03)


@pytest.mark.slow
def test_least_squares_goes_to_the_best_integrated_squared_error() -> None:
    # Exact mean integrated squared error of N(0, I), minimised over h.
    n, d = 5000, 20

    def error(h: float) -> float:
        c = [-0.5 * d * math.log(v) for v in (h * h, 1.0 + h * h, 1.0 + 0.5 * h * h, 1.0)]
        return math.exp(c[0]) / n + (1 - 1 / n) * math.exp(c[1]) - 2 * math.exp(c[2]) + math.exp(c[3])

    best = minimize_scalar(lambda t: error(math.exp(t)), bounds=(-1.5, 0.5), method="bounded", options={"xatol": 1e-9})
    values = [quick(normal(n, d, seed), "lscv").h for seed in range(4)]
    assert np.mean(values) == pytest.approx(math.exp(best.x), rel=0.03)
