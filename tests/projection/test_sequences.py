"""The p-n criterion along a sequence of models."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from infostat.core.errors import DataError, InfostatWarning, InputError, InputTypeError
from infostat.families.categorical import Categorical
from infostat.projection import information_criteria, pn_criterion
from infostat.projection.sequence_result import COLUMNS, PNSequence
from infostat.projection.sequences import pn_sequence

X = np.random.default_rng(3).normal(size=(500, 3)) @ np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 1.0]])


@pytest.fixture(scope="module")
def found() -> PNSequence:
    return pn_sequence(X, {"diagonal": "mvn_diagonal", "full": "mvn"}, folds=5)


def test_results_are_those_of_the_criterion(found: PNSequence) -> None:
    for name, result in zip(("mvn_diagonal", "mvn"), found.results, strict=True):
        own = pn_criterion(X, name)
        assert result is not None and result.risk2 == own.risk2 and result.verdict == own.verdict


def test_frame_columns_are_the_documented_ones(found: PNSequence) -> None:
    frame = found.to_frame()
    assert list(frame.columns) == [*COLUMNS, "log_score"]
    assert frame["name"].tolist() == ["diagonal", "full"] and frame["p"].tolist() == [6, 9]
    assert frame["pass1"].dtype == bool and frame["pass2"].dtype == bool


def test_information_criteria_agree_with_the_function_of_that_name(found: PNSequence) -> None:
    own = information_criteria(X, "mvn")
    row = found.to_frame().iloc[1]
    for name in ("loglik", "aic", "tic", "tic2"):
        assert row[name] == pytest.approx(getattr(own, name), rel=1e-13)


def test_log_score_by_a_loop_over_folds(found: PNSequence) -> None:
    from scipy import stats

    total = 0.0
    for k in range(5):
        held = np.arange(len(X)) % 5 == k
        rest = X[~held]
        law = stats.multivariate_normal(rest.mean(axis=0), np.cov(rest.T, ddof=0))
        total += law.logpdf(X[held]).sum()
    assert found.log_score is not None
    assert found.log_score[1] == pytest.approx(total / len(X), rel=1e-12)
    assert found.log_score[1] > found.log_score[0]  # the columns are dependent


def test_p_max_and_p_max_contiguous_differ_where_the_sequence_is_not_monotone() -> None:
    # Lognormal data: the normal model (p = 2) fails between two that pass.
    x = np.exp(0.8 * np.random.default_rng(1).normal(size=300))
    models = {"exponential": "exponential", "normal": "normal", "gamma": "gamma"}
    found = pn_sequence(x, models, order=1)
    risks = [result.risk1 for result in found.results if result is not None]
    assert found.passed.tolist() == [risk <= found.threshold for risk in risks] == [True, False, True]
    assert found.p_max == 2 and found.p_max_contiguous == 1
    assert "first fails after 1 parameter" in found.interpretation


def test_an_unreliable_expansion_does_not_pass_by_its_raw_risk() -> None:
    # P(1) close to 0: a2 is negative and large against n a1, the raw second-order risk is meaningless.
    x = np.zeros(30)
    x[0] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        own = pn_criterion(x, "poisson", alpha=0.2)
        found = pn_sequence(x, ["poisson"], alpha=0.2)
    assert found.passed.tolist() == [own.verdict in ("sufficient",)]


def test_models_without_estimate_are_listed_and_fail() -> None:
    counts = np.array([0.0, 1.0, 1.0, 2.0] * 20)
    with pytest.warns(InfostatWarning, match="no estimate"):
        found = pn_sequence(counts, {"four levels": Categorical(levels=(0, 1, 2, 3)), "counts": "poisson"})
    assert found.results[0] is None and found.reasons[0]
    assert not found.passed[0] and found.flags == ("models_without_estimate",)
    row = found.to_frame().iloc[0]
    assert np.isnan(row["risk1"]) and not row["pass1"]
    assert "no estimate" in str(found.summary())


def test_all_models_without_estimate_is_an_error() -> None:
    with pytest.raises(DataError, match="must vary|does not exist"):
        pn_sequence(np.zeros(20), ["normal", "exponential"])


def test_labels_objects_and_progress() -> None:
    seen: list[tuple[int, int]] = []
    found = pn_sequence(X[:, :1], ["normal", "mvn"], progress=lambda a, b: seen.append((a, b)))
    assert found.names == ("normal", "mvn") and seen == [(1, 2), (2, 2)]


def test_json_and_picture(found: PNSequence, tmp_path) -> None:
    assert PNSequence.from_dict(found.to_dict()) == found
    assert found.save(tmp_path / "s.svg").read_bytes().startswith(b"<?xml")
    assert "rows can carry" in found.interpretation or "not enough" in found.interpretation


@pytest.mark.parametrize(
    ("families", "error", "words"),
    [
        ([], InputError, "at least one model"),
        ("normal", InputTypeError, "families must be a list"),
        (["mvn", "mvn"], InputError, "more than one mvn"),
        (["nonsense"], InputError, "unknown family"),
        (3, InputTypeError, "families must be a list"),
    ],
)
def test_bad_sequences(families, error, words) -> None:
    with pytest.raises(error, match=words):
        pn_sequence(X, families)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"folds": 1}, "folds"),
        ({"folds": 400}, "third of the rows"),
        ({"order": 3}, "order"),
        ({"alpha": 0.7}, "alpha"),
    ],
)
def test_bad_options(options, words) -> None:
    with pytest.raises(InputError, match=words):
        pn_sequence(X, ["mvn"], **options)
