"""The estimator inside scikit-learn: its own checks, clones, pipelines, searches and scores."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from infostat.density.estimator import KernelDensity

pytest.importorskip("sklearn", minversion="1.6")

# Checks that the estimator is meant to fail, each with the reason. There are none: the error of an
# instance without data is also scikit-learn's once scikit-learn has been imported.
EXPECTED_FAILURES: dict[str, str] = {}


def rows(n: int, d: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize(
    "estimator",
    [KernelDensity(), KernelDensity(0.5), KernelDensity(1.0, "student", kappa=1.0), KernelDensity("scott")],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # the base class is ours; some checks repeat rows
def test_estimator_checks(estimator: KernelDensity) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    done = check_estimator(estimator, expected_failed_checks=EXPECTED_FAILURES, on_skip=None, on_fail=None)
    status = {result["check_name"]: (result["status"], result["exception"]) for result in done}
    assert {name: why for name, (word, why) in status.items() if word == "failed"} == {}
    assert {name for name, (word, _) in status.items() if word == "xfail"} == set(EXPECTED_FAILURES)
    assert len(done) > 30


def test_checks_of_column_names() -> None:
    from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency

    check_dataframe_column_names_consistency("KernelDensity", KernelDensity())


def test_not_fitted_error_is_theirs_too() -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    with pytest.raises(NotFittedError):
        KernelDensity().score_samples([[0.0]])
    with pytest.raises(NotFittedError):
        check_is_fitted(KernelDensity())
    check_is_fitted(KernelDensity(1.0).fit([[0.0]]))


def test_clone_and_tags() -> None:
    from sklearn.base import clone
    from sklearn.utils import get_tags

    model = KernelDensity("scott", "gaussian", n_jobs=2).fit(rows(20, 2))
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "bandwidth_")
    assert get_tags(model).estimator_type == "density_estimator"
    assert not get_tags(model).target_tags.required


def test_agrees_with_theirs_on_one_leaf() -> None:
    from sklearn.neighbors import KernelDensity as Theirs

    X, Q, w = rows(300, 8), rows(40, 8, 1), np.random.default_rng(2).uniform(size=300)
    theirs = Theirs(bandwidth=0.8, leaf_size=300).fit(X, sample_weight=w)
    ours = KernelDensity(0.8).fit(X, sample_weight=w)
    np.testing.assert_allclose(ours.score_samples(Q), theirs.score_samples(Q), rtol=1e-11)
    assert ours.score(Q) == pytest.approx(theirs.score(Q), rel=1e-11)


def test_compact_kernels_have_the_radius_h_root_d() -> None:
    from sklearn.neighbors import KernelDensity as Theirs

    X, Q = rows(300, 4), rows(40, 4, 1)
    for ours, theirs in (("uniform", "tophat"), ("epanechnikov", "epanechnikov")):
        expected = Theirs(bandwidth=1.5, kernel=theirs, leaf_size=300).fit(X).score_samples(Q)
        found = KernelDensity(0.75, ours).fit(X).score_samples(Q)
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_cross_validation_scores_held_out_rows() -> None:
    from sklearn.model_selection import KFold, cross_val_score

    X = rows(120, 5)
    folds = KFold(4)
    found = cross_val_score(KernelDensity(0.8), X, cv=folds)
    expected = [KernelDensity(0.8).fit(X[a]).score(X[b]) for a, b in folds.split(X)]
    np.testing.assert_array_equal(found, expected)


def test_grid_search_over_numbers_and_methods() -> None:
    from sklearn.model_selection import GridSearchCV

    X = rows(150, 6)
    search = GridSearchCV(KernelDensity(), {"bandwidth": [0.05, 0.8, 20.0, "loo"]}, cv=3, error_score="raise")
    search.fit(X)
    assert search.best_params_["bandwidth"] in (0.8, "loo")
    assert search.score(X[:5]) == search.best_estimator_.score(X[:5])
    two = GridSearchCV(KernelDensity(), {"bandwidth": [0.5, 0.8]}, cv=3, n_jobs=2).fit(X)
    assert two.best_score_ == GridSearchCV(KernelDensity(), {"bandwidth": [0.5, 0.8]}, cv=3).fit(X).best_score_


@pytest.mark.filterwarnings("ignore:The scoring KernelDensity.score does not support sample_weight")
def test_search_passes_weights() -> None:
    from sklearn.model_selection import GridSearchCV

    X, w = rows(90, 2), np.random.default_rng(1).uniform(size=90)
    search = GridSearchCV(KernelDensity(), {"bandwidth": [0.3, 0.6]}, cv=3).fit(X, sample_weight=w)
    expected = KernelDensity(search.best_params_["bandwidth"]).fit(X, sample_weight=w)
    np.testing.assert_array_equal(search.best_estimator_.score_samples(X[:4]), expected.score_samples(X[:4]))


def test_pipelines_scale_score_and_show() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import estimator_html_repr

    X = rows(100, 3) * [1.0, 100.0, 1e-3]
    pipe = make_pipeline(StandardScaler(), KernelDensity(0.5))
    pipe.fit(X)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    # Standardising rounds; so do the squared distances.
    np.testing.assert_allclose(pipe.score_samples(X), KernelDensity(0.5).fit(scaled).score_samples(scaled), rtol=1e-10)
    assert pipe.score(X) == pytest.approx(pipe.score_samples(X).sum(), rel=1e-12)
    pipe.set_params(kerneldensity__bandwidth=0.9).fit(X)
    assert pipe[-1].bandwidth_ == 0.9
    for model in (pipe, KernelDensity()):
        assert "KernelDensity" in estimator_html_repr(model)


def test_frames_keep_their_labels_in_a_pipeline() -> None:
    pd = pytest.importorskip("pandas")
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = pd.DataFrame(rows(60, 2), columns=["a", "b"])
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), KernelDensity(0.5)).fit(frame)
    assert pipe[-1].feature_names_in_.tolist() == ["a", "b"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(cross_val_score(KernelDensity(0.5), frame, cv=3)).all()


def test_their_import_comes_before_or_after_ours() -> None:
    program = (
        "from infostat.density.estimator import KernelDensity\n"
        "import {module}\n"
        "try:\n    KernelDensity().sample()\n"
        "except Exception as error:\n    print(sorted(c.__module__.split('.')[0] for c in type(error).__mro__))\n"
    )
    outputs: list[Any] = []
    for module in ("json", "sklearn.base"):
        run = subprocess.run(
            [sys.executable, "-c", program.format(module=module)], capture_output=True, text=True, check=True
        )
        outputs.append(run.stdout)
    assert "sklearn" not in outputs[0]
    assert "sklearn" in outputs[1]
