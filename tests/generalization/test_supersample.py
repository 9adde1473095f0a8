"""Supersample experiments: worked example, exact oracles, learners of several kinds, bad input."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

from infostat.core.errors import DataError, InputError, InputTypeError, SampleSizeWarning
from infostat.core.results import Result, to_json
from infostat.generalization.gibbs import GibbsAlgorithm
from infostat.generalization.supersample import SupersampleExperiment

D, CENTRE = 8, np.full(8, 8**-0.5)


def _draw(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    y = rng.choice([-1.0, 1.0], size)
    return rng.standard_normal((size, D)) + y[:, None] * CENTRE, y


def _mean_classifier(X: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    m = y @ X
    return lambda new: np.where(new @ m >= 0.0, 1.0, -1.0)


def _nearest(X: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda new: y[((new[:, None] - X) ** 2).sum(axis=2).argmin(axis=1)]


def _wrong(prediction: np.ndarray, y: np.ndarray) -> np.ndarray:
    return prediction != y


MEANS = SupersampleExperiment(_draw, _mean_classifier, _wrong)


def test_worked_example() -> None:
    # Worked example 9.10, d = 8, n = 20, |mu| = s0 = 1; 15 % on simulated numbers.
    found = MEANS.run(20, rng=1)
    assert found.gap == pytest.approx(0.073, rel=0.15)
    assert found.mi == pytest.approx(0.010, rel=0.15)
    assert found.value == pytest.approx(0.142, rel=0.15)
    assert found.value == math.sqrt(2.0 * found.mi)
    individual = 0.5 * math.sqrt(2.0 * 4.0 * math.log(20.0 / 19.0))
    assert individual == pytest.approx(0.3203, abs=1e-4)
    assert found.gap < found.low < found.value < found.high < individual
    assert found.mi - found.mi_miller_madow == pytest.approx(2.0 / 80_000.0, rel=1e-9)
    assert (found.nature, found.sense, found.vacuous, found.flags) == ("estimate", "expectation", False, ("pooled",))
    assert found.table.sum() == 50 * 40 * 20
    assert found.gap == pytest.approx(found.test - found.train, abs=1e-14)


def test_interpolating_learners_have_a_gap_of_information_over_log_two() -> None:
    found = SupersampleExperiment(_draw, _nearest, _wrong).run(12, supersamples=60, masks=20, rng=3)
    assert found.interpolating
    assert found.train == 0.0
    # Exactly true for the laws; the two estimates use the same table and differ through the fairness of U alone.
    assert found.gap_from_information == pytest.approx(found.gap, abs=0.01)
    assert found.gap <= found.value
    assert math.isnan(MEANS.run(12, supersamples=4, masks=10, rng=3).gap_from_information)


def test_gibbs_algorithm_against_its_enumeration() -> None:
    model = GibbsAlgorithm([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]], [0.6, 0.4], None, 6.0)

    def fit(X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Any:
        w = rng.choice(3, p=model.posterior(np.bincount(X, minlength=2)))
        return lambda new: model.loss_matrix[w, new]

    def draw(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return (rng.random(size) < 0.4).astype(np.int64), np.zeros(size)

    found = SupersampleExperiment(draw, fit, lambda losses, y: losses).run(3, supersamples=400, masks=8, rng=2)
    exact = model.exact_cmi(3)
    assert found.gap == pytest.approx(exact.gen, abs=5.0 * found.gap_se)
    # Standard error of the information by resampling: the interval is about four of them wide.
    assert found.low <= exact.ldmi_bound <= found.high
    law = found.table / found.table.sum()
    assert law == pytest.approx(exact.difference_law, abs=5.0 * math.sqrt(0.25 / 400.0) * 0.5)


def test_a_learner_that_ignores_its_sample_has_no_gap() -> None:
    fixed = SupersampleExperiment(_draw, lambda X, y: lambda new: np.sign(new @ CENTRE), _wrong)
    found = fixed.run(10, supersamples=40, masks=20, rng=5)
    assert found.gap == pytest.approx(0.0, abs=5.0 * found.gap_se)
    assert found.low == 0.0
    assert found.mi < 20.0 / (2.0 * found.table.sum()) * 10.0  # chi-square with 2 degrees, clusters inflate it


def test_separate_tables_for_learners_that_look_at_the_order() -> None:
    def first_only(X: np.ndarray, y: np.ndarray) -> Any:
        return lambda new: np.where((new == X[0]).all(axis=1), y[0], -y[0])

    found = SupersampleExperiment(_draw, first_only, _wrong).run(4, supersamples=20, masks=60, rng=1, symmetric=False)
    assert found.mi.shape == (4,)
    # Pair 0: the trained point is right, and the other one right when its label differs from the first.
    assert found.mi[0] > 10.0 * found.mi[1:].max()
    assert "pooled" not in found.flags
    assert found.value == pytest.approx(np.sqrt(2.0 * found.mi).mean(), rel=1e-14)
    assert Result.from_dict(json.loads(to_json(found.to_dict()))) == found


def test_numbers_do_not_depend_on_workers_or_resuming(tmp_path: Path) -> None:
    options: dict[str, Any] = {"supersamples": 6, "masks": 5, "rng": 9}
    wanted = MEANS.run(10, **options)
    with parallel_config(backend="threading"):
        assert MEANS.run(10, n_jobs=2, batch_size=2, **options) == wanted
    path = tmp_path / "study"
    assert MEANS.run(10, checkpoint=path, **options) == wanted
    assert MEANS.run(10, checkpoint=path, **options) == wanted
    assert MEANS.run(10, **{**options, "rng": wanted.seed}) == wanted
    assert MEANS.run(10, **{**options, "rng": 10}) != wanted


def test_progress_counts_supersamples() -> None:
    seen: list[tuple[int, int]] = []
    MEANS.run(10, supersamples=3, masks=8, rng=1, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_frames_and_models_with_predict_are_accepted() -> None:
    class Constant:
        def __init__(self, label: float) -> None:
            self.label = label

        def predict(self, X: pd.DataFrame) -> np.ndarray:
            assert list(X.columns) == ["a", "b"]
            return np.full(len(X), self.label)

    def draw(size: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.Series]:
        y = pd.Series(rng.choice([0.0, 1.0], size), index=np.arange(size) + 100)
        return pd.DataFrame(rng.normal(size=(size, 2)), columns=["a", "b"]), y

    def fit(X: pd.DataFrame, y: pd.Series) -> Constant:
        assert len(X) == len(y) == 6
        return Constant(float(y.mode().iloc[0]))

    found = SupersampleExperiment(draw, fit, lambda f, y: np.asarray(y) != f).run(6, supersamples=20, masks=10, rng=0)
    assert 0.0 < found.gap < 0.5


def test_losses_with_many_values_are_flagged() -> None:
    squared = SupersampleExperiment(_draw, _mean_classifier, lambda f, y: np.abs(f - y) / 4.0 + 0.0)
    assert "few_per_cell" not in squared.run(10, supersamples=10, masks=10, rng=0).flags

    def smooth(X: np.ndarray, y: np.ndarray) -> Any:
        m = y @ X / len(y)
        return lambda new: np.tanh(new @ m)

    many = SupersampleExperiment(_draw, smooth, lambda f, y: (f - y) ** 2 / 4.0)
    with pytest.warns(SampleSizeWarning, match="mostly bias"):
        found = many.run(10, supersamples=5, masks=5, rng=0)
    assert found.value == pytest.approx(math.sqrt(2.0 * math.log(2.0)), rel=0.01)
    assert not found.interpolating


def test_a_single_supersample_has_no_interval() -> None:
    found = MEANS.run(10, supersamples=1, masks=30, rng=0)
    assert math.isnan(found.low) and math.isnan(found.gap_se)
    assert "no_interval" in found.flags
    assert "No interval" in str(found.summary())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"draw": 3}, InputTypeError, "draw must be a function of"),
        ({"fit": None}, InputTypeError, "fit must be a function of"),
        ({"loss": "0-1"}, InputTypeError, "loss must be a function of"),
        ({"draw": lambda size, rng: np.zeros(size)}, InputTypeError, "what draw returns must be a pair"),
        ({"draw": lambda size, rng: (np.zeros(size), np.zeros(3))}, DataError, r"y of draw.* 20 rows.*got 3 rows"),
        ({"draw": lambda size, rng: (np.zeros(size), 1.0)}, DataError, "got one number"),
        ({"fit": lambda X, y: 3.0}, InputTypeError, "what fit returns must be a function of X, or a model"),
        ({"loss": lambda f, y: 2.0 * (f != y)}, InputError, r"loss\(prediction, y\) must be in \[0, 1\], got 2"),
        ({"loss": lambda f, y: -1.0 * (f != y)}, InputError, "got -1"),
        ({"loss": lambda f, y: np.nan * f}, InputError, "must be finite"),
        ({"loss": lambda f, y: 0.5}, DataError, r"one number per row, 20 in all, got shape \(\)"),
    ],
)  # fmt: skip
def test_bad_functions_are_refused(change: dict, error: type, message: str) -> None:
    parts = {"draw": _draw, "fit": _mean_classifier, "loss": _wrong, **change}
    with pytest.raises(error, match=message):
        SupersampleExperiment(**parts).run(10, supersamples=2, masks=4, rng=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n must be an integer from 1"),
        ({"supersamples": 0}, "supersamples must be an integer >= 1"),
        ({"masks": 0}, "masks must be an integer >= 1"),
        ({"confidence_level": 0.0}, "confidence_level must be"),
        ({"n": 1, "supersamples": 1, "masks": 1}, "masks must pick both points of a pair"),
        ({"masks": 1, "supersamples": 2, "symmetric": False}, "masks must pick both points of a pair"),
    ],
)
def test_bad_numbers_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MEANS.run(**{"n": 10, "supersamples": 2, "masks": 4, "rng": 0, **options})
