"""The estimator: densities against direct sums, its conventions, draws, and what it refuses."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from scipy.special import logsumexp

from infostat.core.errors import DataError, DuplicateRowsWarning, InputError, InputTypeError
from infostat.density.conventions import NotFittedError
from infostat.density.estimator import KernelDensity
from infostat.density.evaluation import log_density
from infostat.density.selection import METHODS, select_bandwidth

SHAPES: list[tuple[str, float | None]] = [
    ("gaussian", None), ("student", 1.5), ("uniform", None), ("epanechnikov", None), ("biweight", None),
]  # fmt: skip


def normal_rows(n: int, d: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def direct(
    X: NDArray[np.float64], Q: NDArray[np.float64], h: float, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Gaussian log densities from the matrix of all pairs."""
    squares = ((Q[:, None, :] - X[None, :, :]) ** 2).sum(axis=-1)
    w = np.full(len(X), 1.0 / len(X)) if weights is None else weights / weights.sum()
    constant = 0.5 * X.shape[1] * np.log(2 * np.pi * h * h)
    return np.asarray(logsumexp(-squares / (2 * h * h), b=w, axis=1) - constant)


# ------------------------------------------------------------------ numbers
@pytest.mark.parametrize("d", [1, 11, 64])
def test_scores_are_log_densities(d: int) -> None:
    X, Q = normal_rows(300, d), normal_rows(20, d, 1)
    model = KernelDensity(0.7).fit(X)
    np.testing.assert_allclose(model.score_samples(Q), direct(X, Q, 0.7), rtol=1e-12)
    assert model.score(Q) == pytest.approx(direct(X, Q, 0.7).sum(), rel=1e-12)
    assert model.score(Q, y=np.arange(20)) == model.score(Q)


@pytest.mark.parametrize(("kernel", "kappa"), SHAPES)
def test_every_kernel_goes_through_log_density(kernel: str, kappa: float | None) -> None:
    X, Q = normal_rows(50, 3), normal_rows(7, 3, 1)
    model = KernelDensity(1.3, kernel, kappa=kappa).fit(X)
    np.testing.assert_array_equal(
        model.score_samples(Q), log_density(X, Q, 1.3, kernel=kernel, kappa=kappa)
    )


def test_integer_weights_are_repetition() -> None:
    X, Q = normal_rows(30, 4), normal_rows(5, 4, 1)
    counts = np.random.default_rng(2).integers(0, 4, size=30)
    weighted = KernelDensity(0.8).fit(X, sample_weight=counts)
    repeated = KernelDensity(0.8).fit(np.repeat(X, counts, axis=0))
    np.testing.assert_allclose(weighted.score_samples(Q), repeated.score_samples(Q), rtol=1e-12)
    np.testing.assert_allclose(weighted.score_samples(Q), direct(X, Q, 0.8, counts), rtol=1e-12)


def test_integer_weights_choose_the_bandwidth_of_repetition() -> None:
    X = normal_rows(60, 3)
    counts = np.random.default_rng(2).integers(0, 4, size=60)
    weighted = KernelDensity().fit(X, sample_weight=counts)
    with pytest.warns(DuplicateRowsWarning):
        repeated = KernelDensity().fit(np.repeat(X, counts, axis=0))
    assert weighted.bandwidth_ == pytest.approx(repeated.bandwidth_, rel=1e-5)


def test_equal_weights_are_no_weights() -> None:
    X = normal_rows(80, 2)
    assert KernelDensity().fit(X, sample_weight=np.full(80, 0.3)).bandwidth_ == KernelDensity().fit(X).bandwidth_


def test_numbers_do_not_depend_on_threads() -> None:
    X, Q = normal_rows(400, 6), normal_rows(30, 6, 1)
    one, two = (KernelDensity(n_jobs=jobs).fit(X) for jobs in (None, 2))
    assert one.bandwidth_ == two.bandwidth_
    np.testing.assert_array_equal(one.score_samples(Q), two.score_samples(Q))


# --------------------------------------------------------------- bandwidths
@pytest.mark.parametrize("method", ["loo", "scott", "silverman", "lscv", "theory"])
def test_methods_are_those_of_select_bandwidth(method: str) -> None:
    X = normal_rows(200, 5)
    model = KernelDensity(method).fit(X)
    assert model.bandwidth_ == select_bandwidth(X, method).h
    assert model.selection_ is not None
    assert model.selection_.h == model.bandwidth_


@pytest.mark.parametrize("method", ["sheather_jones", "isj"])
def test_rules_for_one_column(method: str) -> None:
    X = normal_rows(200, 1)
    assert KernelDensity(method).fit(X).bandwidth_ == select_bandwidth(X, method).h
    with pytest.raises(InputError):
        KernelDensity(method).fit(normal_rows(200, 2))


def test_given_bandwidth_is_kept() -> None:
    model = KernelDensity(np.float32(0.5)).fit(normal_rows(10, 2))
    assert (model.bandwidth_, model.selection_) == (0.5, None)
    assert isinstance(model.bandwidth_, float)


def _mean_loo(X: NDArray[np.float64], h: float, kernel: str, kappa: float | None) -> float:
    with np.errstate(invalid="ignore"):
        return float(log_density(X, None, h, kernel=kernel, kappa=kappa, loo=True).mean())


@pytest.mark.parametrize(("kernel", "kappa"), SHAPES)
def test_chosen_bandwidth_beats_a_grid(kernel: str, kappa: float | None) -> None:
    X = normal_rows(150, 4)
    h = KernelDensity(kernel=kernel, kappa=kappa).fit(X).bandwidth_
    best = _mean_loo(X, h, kernel, kappa)
    assert np.isfinite(best)
    rivals = [_mean_loo(X, h * factor, kernel, kappa) for factor in np.geomspace(0.5, 2.0, 41)]
    # With uniform kernels the curve is a saw whose teeth are narrower than the grid.
    assert max(rivals) <= best + (0.05 if kernel == "uniform" else 1e-9)


def test_compact_kernels_reach_a_neighbour_of_every_row() -> None:
    X = np.append(normal_rows(60, 2), [[30.0, 0.0]], axis=0)
    model = KernelDensity(kernel="epanechnikov").fit(X)
    gap = np.sqrt(((X[:60] - X[60]) ** 2).sum(axis=1).min())
    assert model.bandwidth_ * np.sqrt(2.0) > gap


# ------------------------------------------------------------------- copies
def test_copies_are_dropped_or_refused_on_request() -> None:
    X = np.repeat(normal_rows(40, 2), [2] + [1] * 39, axis=0)
    with pytest.warns(DuplicateRowsWarning):
        dropped = KernelDensity(0.5, duplicates="drop").fit(X)
    np.testing.assert_array_equal(dropped.score_samples(X[:3]), KernelDensity(0.5).fit(X[1:]).score_samples(X[:3]))
    np.testing.assert_allclose(KernelDensity(0.5).fit(X).score_samples(X[:3]), direct(X, X[:3], 0.5), rtol=1e-12)
    with pytest.raises(DataError, match="distinct rows"):
        KernelDensity(0.5, duplicates="raise").fit(X)


def test_fit_does_not_copy_the_data() -> None:
    X = normal_rows(100_000, 16)
    tracemalloc.start()
    KernelDensity(0.5).fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 4  # a mask of finite values is an eighth


def test_inputs_are_left_alone() -> None:
    X, w = normal_rows(30, 3), np.linspace(0.0, 1.0, 30)
    X.flags.writeable = w.flags.writeable = False
    KernelDensity().fit(X, sample_weight=w).score_samples(X)


# -------------------------------------------------------------- conventions
def test_parameters_are_the_arguments() -> None:
    given: dict[str, Any] = {
        "bandwidth": 0.4, "kernel": "student", "kappa": 2.0, "duplicates": "drop", "n_jobs": 1,
    }  # fmt: skip
    model = KernelDensity(**given)
    assert model.get_params() == model.get_params(deep=False) == given
    assert KernelDensity(**model.get_params()).get_params() == given
    assert model.set_params(kappa=3.0) is model
    assert model.kappa == 3.0
    with pytest.raises(InputError, match=r"parameter of KernelDensity \(bandwidth, kernel.*got 'width'"):
        model.set_params(width=1.0)


def test_parameters_count_from_the_next_fit_on() -> None:
    X = normal_rows(20, 2)
    model = KernelDensity(0.5).fit(X)
    before = model.score(X)
    model.set_params(kernel="uniform", bandwidth=3.0)
    assert model.score(X) == before
    assert model.fit(X).score(X) != before


def test_representation_shows_what_was_changed() -> None:
    assert repr(KernelDensity()) == "KernelDensity()"
    assert repr(KernelDensity(0.5, kernel="uniform")) == "KernelDensity(bandwidth=0.5, kernel='uniform')"
    assert len(repr(KernelDensity(bandwidth=np.arange(1000.0)))) < 200  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", [None, np.arange(25.0)])
def test_pickle_keeps_everything(weights: NDArray[np.float64] | None) -> None:
    frame = pd.DataFrame(normal_rows(25, 2), columns=["a", "b"])
    model = KernelDensity().fit(frame, sample_weight=weights)
    twin = pickle.loads(pickle.dumps(model))
    assert twin.get_params() == model.get_params()
    np.testing.assert_array_equal(twin.score_samples(frame), model.score_samples(frame))
    assert twin.feature_names_in_.tolist() == ["a", "b"]


def test_refit_forgets_labels_and_selection() -> None:
    model = KernelDensity().fit(pd.DataFrame(normal_rows(25, 2), columns=["a", "b"]))
    model.set_params(bandwidth=0.5).fit(normal_rows(25, 3))
    assert not hasattr(model, "feature_names_in_")
    assert (model.n_features_in_, model.selection_) == (3, None)


def test_labels_are_compared() -> None:
    frame = pd.DataFrame(normal_rows(25, 3), columns=["a", "b", "c"])
    model = KernelDensity(0.5).fit(frame)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(model.score_samples(frame), model.score_samples(frame.to_numpy()))
    with pytest.raises(DataError, match="same order"):
        model.score_samples(frame[["b", "a", "c"]])
    with pytest.raises(DataError, match="(?s)unseen at fit time:\n- z.*now missing:\n- c"):
        model.score(frame.rename(columns={"c": "z"}))
    with pytest.raises(DataError, match="X has 2 features, but KernelDensity is expecting 3"):
        model.score_samples(normal_rows(4, 2))


def test_series_paths_and_numbered_columns(tmp_path: Any) -> None:
    column = pd.Series(normal_rows(25, 1)[:, 0], name="a")
    by_series = KernelDensity(0.5).fit(column)
    column.to_frame().to_csv(tmp_path / "a.csv", index=False)
    by_path = KernelDensity(0.5).fit(tmp_path / "a.csv")
    assert by_series.feature_names_in_.tolist() == by_path.feature_names_in_.tolist() == ["a"]
    np.testing.assert_allclose(by_series.score_samples(column), by_path.score_samples(column), rtol=1e-12)
    assert not hasattr(KernelDensity(0.5).fit(pd.DataFrame(normal_rows(25, 2))), "feature_names_in_")


@pytest.mark.parametrize("method", ["score_samples", "score", "sample", "diagnose"])
def test_nothing_is_answered_before_fit(method: str) -> None:
    arguments = () if method in ("sample", "diagnose") else ([[0.0]],)
    with pytest.raises(NotFittedError, match=r"call fit\(X\) first") as caught:
        getattr(KernelDensity(), method)(*arguments)
    assert isinstance(caught.value, (InputError, AttributeError))
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, NotFittedError)
    assert str(again) == str(caught.value)


def test_scikit_learn_is_not_imported() -> None:
    program = (
        "import sys, numpy as np\n"
        "from infostat.density.estimator import KernelDensity\n"
        "model = KernelDensity()\n"
        "try:\n    model.sample()\nexcept ValueError:\n    pass\n"
        "X = np.random.default_rng(0).normal(size=(50, 2))\n"
        "model.fit(X); model.score(X); model.sample(2); repr(model)\n"
        "print([name for name in sys.modules if name.startswith('sklearn')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --------------------------------------------------------------------- draws
@pytest.mark.parametrize(("kernel", "kappa"), SHAPES)
def test_draws_follow_the_density_on_a_line(kernel: str, kappa: float | None) -> None:
    model = KernelDensity(0.6, kernel, kappa=kappa).fit([[-1.0], [2.0], [2.5]], sample_weight=[1.0, 2.0, 1.0])
    grid = np.linspace(-60.0, 60.0, 240_001)
    density = np.exp(model.score_samples(grid[:, None]))
    cumulative = integrate.cumulative_trapezoid(density, grid, initial=0.0)
    # Two jumps of the uniform kernel fall between nodes: at most 2 h * step of mass each.
    assert cumulative[-1] == pytest.approx(1.0, abs=1e-3)
    draws = model.sample(4000, rng=1)
    test = stats.kstest(np.asarray(draws)[:, 0], lambda x: np.interp(x, grid, cumulative))
    assert test.pvalue > 1e-3


@pytest.mark.parametrize(("kernel", "kappa"), SHAPES)
def test_draws_have_the_radius_of_the_kernel(kernel: str, kappa: float | None) -> None:
    d, h = 7, 0.4
    draws = np.asarray(KernelDensity(h, kernel, kappa=kappa).fit(np.zeros((1, d))).sample(4000, rng=2))
    squares = (draws**2).sum(axis=1)
    if kernel == "gaussian":
        law = stats.chi2(d, scale=h * h)
    elif kernel == "student":
        assert kappa is not None
        law = stats.f(d, kappa * d, scale=d * h * h)
    else:
        law = stats.beta(d / 2, {"uniform": 1, "epanechnikov": 2, "biweight": 3}[kernel], scale=d * h * h)
    assert stats.kstest(squares, law.cdf).pvalue > 1e-3
    # Directions are uniform: the mean of a coordinate has variance E r^2 / (d n).
    assert np.abs(draws.mean(axis=0)).max() < 5.0 * np.sqrt(squares.mean() / d / len(draws))


def test_draws_choose_rows_by_weight() -> None:
    model = KernelDensity(1e-6).fit([[0.0], [1.0], [2.0]], sample_weight=[1.0, 3.0, 0.0])
    counts = np.bincount(np.rint(np.asarray(model.sample(4000, rng=3))[:, 0]).astype(int), minlength=3)
    assert counts[2] == 0
    assert abs(counts[1] - 3000) < 5 * np.sqrt(4000 * 0.75 * 0.25)


def test_draws_repeat_with_the_seed_and_keep_labels() -> None:
    frame = pd.DataFrame(normal_rows(25, 2), columns=["a", "b"])
    model = KernelDensity(0.5).fit(frame)
    pd.testing.assert_frame_equal(model.sample(5, rng=7), model.sample(5, rng=7))
    assert list(model.sample(5, rng=7).columns) == ["a", "b"]
    assert KernelDensity(0.5).fit(frame.to_numpy()).sample(5, rng=8).shape == (5, 2)
    with pytest.raises(InputError, match="n must be an integer from 1 to"):
        model.sample(0)


# ----------------------------------------------------------------- diagnosis
def test_diagnosis_is_that_of_the_data() -> None:
    from infostat.density.diagnosis import diagnose_bandwidth

    X, Q = normal_rows(300, 6), normal_rows(40, 6, 1)
    model = KernelDensity(0.9).fit(X)
    for queries in (None, Q):
        ours, theirs = model.diagnose(queries), diagnose_bandwidth(X, 0.9, queries)
        assert ours.verdict == theirs.verdict
        np.testing.assert_array_equal(ours.participation_ratio, theirs.participation_ratio)


def test_diagnosis_uses_the_weights() -> None:
    from infostat.density.diagnosis import diagnose_bandwidth

    X, w = normal_rows(200, 2), np.linspace(1.0, 2.0, 200)
    ours = KernelDensity(0.9).fit(X, sample_weight=w).diagnose()
    theirs = diagnose_bandwidth(X, 0.9, weights=w)
    np.testing.assert_allclose(ours.participation_ratio, theirs.participation_ratio, rtol=1e-12)


def test_diagnosis_needs_a_gaussian_kernel_and_the_columns() -> None:
    X = normal_rows(200, 2)
    with pytest.raises(InputError, match="kernel must be 'gaussian'"):
        KernelDensity(0.9, "uniform").fit(X).diagnose()
    with pytest.raises(DataError, match="is expecting 2"):
        KernelDensity(0.9).fit(X).diagnose(normal_rows(3, 4))


# ----------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bandwidth": 0.0}, "bandwidth must be a number > 0"),
        ({"bandwidth": -1.0}, "bandwidth must be a number > 0"),
        ({"bandwidth": np.nan}, "bandwidth must be"),
        ({"bandwidth": np.inf}, "bandwidth must be"),
        ({"bandwidth": "wide"}, "bandwidth must be one of 'loo'"),
        ({"kernel": "cosine"}, "kernel must be one of"),
        ({"kernel": "student", "bandwidth": 1.0}, "kappa"),
        ({"kernel": "uniform", "bandwidth": "scott"}, "bandwidth must be a number or 'loo'"),
        ({"duplicates": "keep"}, "duplicates must be one of"),
        ({"n_jobs": 0}, "n_jobs must be"),
    ],
)
def test_parameters_are_checked_in_fit(parameters: dict[str, Any], message: str) -> None:
    model = KernelDensity(**parameters)
    with pytest.raises(InputError, match=message):
        model.fit(normal_rows(20, 2))


@pytest.mark.parametrize("bandwidth", [True, None, [0.5]])
def test_bandwidth_must_be_a_number_or_a_name(bandwidth: Any) -> None:
    with pytest.raises(InputTypeError, match="bandwidth must be"):
        KernelDensity(bandwidth).fit(normal_rows(20, 2))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([1.0, 2.0, 3.0], "Reshape your data"),
        (np.zeros((3, 2, 2)), "two axes"),
        (np.zeros((5, 0)), r"0 feature\(s\)"),
        (np.zeros((0, 2)), "rows"),
        ([[1.0, np.nan], [0.0, 1.0]], "finite"),
        ([[1.0, np.inf], [0.0, 1.0]], "finite"),
        ([[1.0 + 2.0j], [0.0]], "Complex data not supported"),
        ([[1.0, 2.0], [1.0]], "rectangular"),
        ([["a"], ["b"]], "numeric"),
    ],
)
def test_data_that_are_no_sample(X: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        KernelDensity(0.5).fit(X)


def test_sparse_data_are_named() -> None:
    from scipy import sparse

    with pytest.raises(InputTypeError, match="sparse"):
        KernelDensity(0.5).fit(sparse.csr_array(np.eye(3)))


@pytest.mark.parametrize("method", METHODS)
def test_one_row_has_a_density_but_no_best_bandwidth(method: str) -> None:
    X = np.ones((1, 2))
    assert KernelDensity(2.0).fit(X).score(X) == pytest.approx(-2 * np.log(2.0) - np.log(2 * np.pi), rel=1e-14)
    with pytest.raises(InputError, match="one sample"):
        KernelDensity(method).fit(X)


@pytest.mark.parametrize("weights", [[-1.0, 2.0], [0.0, 0.0], [1.0], [np.nan, 1.0]])
def test_weights_are_checked(weights: list[float]) -> None:
    with pytest.raises(InputError, match="sample_weight"):
        KernelDensity(0.5).fit([[0.0], [1.0]], sample_weight=weights)
