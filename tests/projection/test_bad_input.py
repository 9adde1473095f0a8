"""What cannot be analysed is refused with one sentence: class and message of each case."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    ConstantStatisticError,
    DataError,
    DataFileError,
    InfostatError,
    InputError,
    InputTypeError,
    SupportError,
)
from infostat.families.categorical import Categorical
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.product import ProductFamily
from infostat.projection import (
    RiskTerms,
    bayes_error_floor,
    bayes_error_threshold,
    information_criteria,
    information_projection,
    plan_sample_size,
    pn_criterion,
    risk_terms,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=30)
TABLE = pd.DataFrame(RNG.normal(size=(30, 4)), columns=["a", "b", "c", "d"])

Case = tuple[Any, Any, type[InfostatError], str]


def _with(**columns: Any) -> pd.DataFrame:
    return TABLE.assign(**columns)


DATA: dict[str, Case] = {
    # ------------------------------------------------------------------ files and containers
    "missing file": ("no_such_file.csv", "normal", DataFileError, "no_such_file.csv"),
    "unknown suffix": (Path("rows.xyz"), "normal", InputError, "rows.xyz"),
    "nothing": (None, "normal", InputTypeError, "data must be an array"),
    "a number": (3.0, "normal", InputTypeError, "data must be an array"),
    "a dict": ({"a": [1, 2, 3]}, "normal", InputTypeError, "data must be an array"),
    "three axes": (np.zeros((4, 3, 2)), "mvn", DataError, r"1- or 2-dimensional.*\(4, 3, 2\)"),
    "ragged": ([[1, 2], [3]], "mvn", DataError, "rectangular"),
    "text column": (_with(b=["x"] * 30), "mvn", DataError, "text or other objects in 'b'.*--columns"),
    "text array": (["a", "b", "c", "d"], "normal", DataError, "numeric"),
    "complex": (X + 1j, "normal", DataError, "real, got complex"),
    "twice the same label": (
        pd.DataFrame(X.reshape(15, 2), columns=["a", "a"]),
        "mvn",
        DataError,
        "more than one 'a'",
    ),
    # ------------------------------------------------------------------------------- row counts
    "empty list": ([], "normal", DataError, "at least 3 rows"),
    "empty frame": (TABLE.iloc[:0], "mvn", DataError, "at least 3 rows"),
    "no columns": (TABLE[[]], "mvn", DataError, "column"),
    "one row": ([1.0], "normal", DataError, "at least 3 rows, got 1"),
    "two rows": ([1.0, 2.0], "gamma", DataError, "at least 3 rows, got 2"),
    "two labels": (["a", "b"], "categorical", DataError, "at least 3 rows, got 2"),
    "n equal d": (TABLE.iloc[:4], "mvn", DataError, "n = 4 rows and d = 4 columns.*mvn_diagonal"),
    "n below d": (TABLE.iloc[:3], "mvn", DataError, "n = 3 rows and d = 4 columns"),
    # ---------------------------------------------------------------------------------- values
    "nan": ([1.0, math.nan, 2.0, math.nan], "normal", DataError, "2 missing"),
    "inf": (_with(c=[math.inf, -math.inf, math.inf, *X[:27]]), "mvn", DataError, "'c': 3 infinite"),
    "nan and inf": (_with(a=[math.nan, math.inf, *X[:28]]), "mvn", DataError, "'a': 1 missing and 1 infinite"),
    "None": ([1.0, None, 3.0], "normal", DataError, "1 missing"),
    "missing label": (["a", None, "b", "a"], "categorical", DataError, "missing values"),
    # ------------------------------------------------------------------ constant and collinear
    "constant": ([2.5] * 10, "normal", ConstantStatisticError, "constant: x1"),
    "constant column": (_with(b=1.0, d=7.0), "mvn", ConstantStatisticError, "constant: b, d"),
    "constant column, diagonal": (_with(c=0.0), "mvn_diagonal", ConstantStatisticError, "constant: c"),
    "constant exponential": ([2.0] * 5, "exponential", ConstantStatisticError, "constant: x1"),
    "constant count": ([4] * 5, "poisson", ConstantStatisticError, "constant: x1"),
    "copy": (_with(d=TABLE["b"]), "mvn", CollinearStatisticsError, r"dependent set: b, d \("),
    "scaled copy": (_with(d=3 - 2 * TABLE["a"]), "mvn", CollinearStatisticsError, r"dependent set: a, d \("),
    "sum of three": (
        _with(d=TABLE["a"] - TABLE["c"] + 4),
        "mvn",
        CollinearStatisticsError,
        r"dependent set: a, c, d \(",
    ),
    "tiny noise": (
        _with(d=1e9 * (TABLE["a"] + 1e-7 * TABLE["b"])),
        "mvn",
        CollinearStatisticsError,
        "condition number",
    ),
    # ---------------------------------------------------------------------------------- support
    "gamma zero": ([1.0, 0.0, 2.0, -3.0], "gamma", SupportError, "2 of 4 rows do not, rows 1, 3"),
    "beta ends": ([0.5, 0.0, 1.0, 0.2, 0.3], "beta", SupportError, "rows 1, 2"),
    "exponential negative": ([1.0, -0.1, 2.0], "exponential", SupportError, "rows 1"),
    "poisson fractions": ([1.0, 2.5, 3.0], "poisson", SupportError, "rows 1"),
    "poisson negative": ([1, -2, 3], "poisson", SupportError, "rows 1"),
    "bernoulli two": ([0, 1, 2, 1], "bernoulli", SupportError, "rows 2"),
    "off the simplex": ([[0.5, 0.5], [0.4, 0.4], [0.3, 0.7]], "dirichlet", SupportError, "rows 1"),
    "unknown level": (["a", "b", "z", "a"], Categorical(levels=["a", "b"]), SupportError, "rows 2"),
    "product": (
        np.column_stack([X, X]),
        ProductFamily(["normal", "gamma"]),
        SupportError,
        "component 1 of the product",
    ),
    # --------------------------------------------------------------------------------- boundary
    "gamma equal": ([1.7] * 10, "gamma", BoundaryProjectionError, "does not exist"),
    "beta equal": ([0.3] * 10, "beta", BoundaryProjectionError, "does not exist"),
    "exponential zero": ([0.0] * 5, "exponential", BoundaryProjectionError, "mean 0 is not positive"),
    "poisson zero": ([0] * 5, "poisson", BoundaryProjectionError, "does not exist"),
    "bernoulli ones": ([1] * 5, "bernoulli", BoundaryProjectionError, "every observation is 1"),
    "von mises equal": ([1.7] * 5, "vonmises", BoundaryProjectionError, "does not exist"),
    "empty level": (
        ["a", "b", "a", "b"],
        Categorical(levels=["a", "b", "none"]),
        BoundaryProjectionError,
        "none",
    ),
    "one level": (["a"] * 5, "categorical", ConstantStatisticError, "two different labels"),
    "dirichlet equal": ([[0.2, 0.3, 0.5]] * 5, "dirichlet", BoundaryProjectionError, "does not exist"),
    "digits run out": (1e8 + 1e-9 * np.arange(10), "normal", BoundaryProjectionError, "all observations"),
    # ------------------------------------------------------------------------------------ family
    "unknown family": (X, "cauchy", InputError, "unknown family 'cauchy'.*bernoulli, beta, categorical"),
    "misspelt family": (X, "normall", InputError, "did you mean 'normal'"),
    "family of another type": (X, 3, InputTypeError, "family must be a name or a family object"),
    "several columns": (TABLE, "normal", InputError, r"1 column, got 4 \(a, b, c, d\).*'mvn'"),
    "several columns, gamma": (TABLE.abs(), "gamma", InputError, "must have 1 column, got 4"),
    "wrong dimension": (TABLE, MultivariateNormal(n_vars=3), InputError, "must have 3 columns, got 4"),
    "product of too few": (TABLE, ProductFamily(["normal"] * 3), InputError, "3 columns, got 4"),
}


@pytest.mark.parametrize("entry", [pn_criterion, risk_terms, information_projection, information_criteria])
@pytest.mark.parametrize(("data", "family", "error", "message"), DATA.values(), ids=list(DATA))
def test_data(entry: Callable[..., Any], data: Any, family: Any, error: type[InfostatError], message: str) -> None:
    if data is None and entry is not pn_criterion and entry is not information_criteria:
        message, error = "exactly one of data", InputError
    with pytest.raises(error, match=message) as caught:
        entry(data, family)
    assert isinstance(caught.value, (ValueError, TypeError))
    assert "\n" not in str(caught.value)
    if error is not InfostatError:
        assert type(caught.value) is error


@pytest.mark.parametrize("name", ["text.csv", "empty.csv", "header.csv"])
def test_files(tmp_path: Path, name: str) -> None:
    content = {
        "text.csv": "name,height\nann,1.0\nbob,2.0\ncec,3.0\n",
        "empty.csv": "",
        "header.csv": "height\n",
    }[name]
    path = tmp_path / name
    path.write_text(content)
    fragment = {"text.csv": "'name'", "empty.csv": "empty", "header.csv": "at least 3 rows"}[name]
    with pytest.raises(InputError, match=fragment):
        pn_criterion(path, "mvn")


def test_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        pn_criterion(tmp_path, "normal")


OPTIONS: dict[str, tuple[dict[str, Any], type[InfostatError], str]] = {
    **{
        f"alpha {value!r}": ({"alpha": value}, InputError, "alpha must be")
        for value in (0, 0.5, -0.1, 1, 0.7, math.inf, -math.inf, math.nan, 1e-200)
    },
    **{
        f"alpha {value!r}": ({"alpha": value}, InputTypeError, "alpha must be")
        for value in ("0.05", True, None, [0.05], 1j)
    },
    "short weights": ({"weights": [1.0, 2.0]}, InputError, r"one entry per row \(30\), got shape \(2,\)"),
    "matrix of weights": ({"weights": np.ones((30, 1))}, InputError, "one entry per row"),
    "negative weights": ({"weights": np.r_[-1.0, np.ones(29)]}, InputError, "non-negative, got 1 negative"),
    "zero weights": ({"weights": np.zeros(30)}, InputError, "positive sum, got zeros only"),
    "nan weights": ({"weights": np.r_[math.nan, np.ones(29)]}, InputError, "weights must be finite, got 1 NaN"),
    "text weights": ({"weights": ["a"] * 30}, InputTypeError, "weights must be an array of real numbers"),
    "one weighted row": ({"weights": np.eye(30)[0]}, ConstantStatisticError, "constant: x1"),
    "n_effective 2": ({"n_effective": 2}, InputError, r"n_effective must be a number in \(2, .*, got 2"),
    "n_effective inf": ({"n_effective": math.inf}, InputError, "n_effective must be"),
    "n_effective text": ({"n_effective": "30"}, InputTypeError, "n_effective must be"),
    "order 3": ({"order": 3}, InputError, "order must be one of 1, 2, got 3"),
    "order text": ({"order": "2"}, InputError, "order must be one of 1, 2"),
    "order True": ({"order": True}, InputError, "order must be one of 1, 2"),
    "ddof 2": ({"ddof": 2}, InputError, "ddof must be one of 0, 1"),
    "moments": ({"moments": "sample"}, InputError, "moments must be one of 'published', 'kstat', 'model'"),
    "method": ({"method": "fast"}, InputError, "method must be one of 'auto', 'tensor', 'gram'"),
    "bias_correction": ({"bias_correction": "boot"}, InputError, "bias_correction must be one of None, 'jackknife'"),
    "bias_correction True": ({"bias_correction": True}, InputError, "bias_correction must be one of"),
    "interval": ({"interval": "bca"}, InputError, "interval must be one of 'bootstrap-t', 'percentile'"),
    "bootstrap 1": ({"bootstrap": 1}, InputError, "bootstrap must be 0 or at least 2, got 1"),
    "bootstrap -5": ({"bootstrap": -5}, InputError, "bootstrap must be an integer >= 0"),
    "bootstrap 2.5": ({"bootstrap": 2.5}, InputTypeError, "bootstrap must be an integer"),
    "bootstrap True": ({"bootstrap": True}, InputTypeError, "bootstrap must be an integer"),
    "confidence_level 1": ({"confidence_level": 1}, InputError, r"confidence_level must be a number in \(0, 1\)"),
    "confidence_level 95": ({"confidence_level": 95}, InputError, "confidence_level must be"),
    "confidence_level text": ({"confidence_level": "95%"}, InputTypeError, "confidence_level must be"),
    "draws 0": ({"draws": 0}, InputError, "draws must be an integer >= 1"),
    "rng text": ({"bootstrap": 5, "rng": "seven"}, InfostatError, "rng"),
    "rng negative": ({"bootstrap": 5, "rng": -1}, InputError, "rng"),
    "n_jobs 0": ({"bootstrap": 5, "n_jobs": 0}, InfostatError, "n_jobs"),
    "n_jobs text": ({"bootstrap": 5, "n_jobs": "two"}, InfostatError, "n_jobs"),
    "batch_size 0": ({"bootstrap": 5, "batch_size": 0}, InfostatError, "batch_size"),
    "progress": ({"bootstrap": 5, "progress": "yes"}, InfostatError, "progress"),
    "model moments with bootstrap": ({"moments": "model", "bootstrap": 5}, InputError, "moments='model'"),
    "model moments with correction": (
        {"moments": "model", "bias_correction": "analytic"},
        InputError,
        "moments='model'",
    ),
}


@pytest.mark.parametrize(("options", "error", "message"), OPTIONS.values(), ids=list(OPTIONS))
def test_options(options: dict[str, Any], error: type[InfostatError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        pn_criterion(X, "normal", **options)
    assert isinstance(caught.value, (ValueError, TypeError))


def test_unknown_keyword_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="seed"):
        pn_criterion(X, "normal", seed=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("value", ["0.05", True, None, [0.05], math.nan, 0.5, 0.0, 1e-200])
def test_alpha_of_the_plan(value: Any) -> None:
    with pytest.raises((InputError, InputTypeError), match="alpha must be"):
        plan_sample_size(p=3, alpha=value)


def test_thresholds_refuse() -> None:
    for alpha in (0.0, 0.5, -1.0, math.nan, [0.1, 0.6]):
        with pytest.raises(InputError, match="alpha must be a number in"):
            bayes_error_threshold(alpha)
    with pytest.raises(InputTypeError, match="alpha must be an array of real numbers"):
        bayes_error_threshold("0.05")
    with pytest.raises(InputError, match="kind must be one of 'pinsker', 'sharp'"):
        bayes_error_threshold(0.1, "blunt")
    for kl in (-1e-9, math.nan, [0.1, -0.1]):
        with pytest.raises(InputError, match="kl must be non-negative"):
            bayes_error_floor(kl)


@pytest.mark.parametrize("value", ["a", None, True, math.nan])
def test_terms_refuse(value: Any) -> None:
    with pytest.raises((InputError, InputTypeError), match="T2 must be"):
        RiskTerms(1.0, 1.0, value, 1.0, 1)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ([0.1, 0.1, 0.3], {}),
        (np.random.default_rng(1).normal(size=(4, 3)), {}),
        (X, {"weights": np.r_[1.0, np.zeros(19), 1.0, np.zeros(9)]}),
    ],
    ids=["all equal without a row", "n = d without a row", "all weight in one group"],
)
@pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")
def test_jackknife_that_cannot_leave_a_group_out(data: Any, options: dict[str, Any]) -> None:
    family = "normal" if np.ndim(data) == 1 else "mvn"
    with pytest.raises(DataError, match="bias_correction='jackknife' needs an estimate without each of"):
        pn_criterion(data, family, bias_correction="jackknife", **options)


@pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("interval", ["bootstrap-t", "percentile"])
@pytest.mark.parametrize(
    ("family", "data"),
    [
        ("normal", [0.1, 0.2, 0.7]),
        ("normal", [0.0, 0.0, 1.0]),
        ("mvn", np.random.default_rng(2).normal(size=(5, 3))),
        ("mvn_diagonal", np.random.default_rng(2).normal(size=(3, 3))),
        ("gamma", [1.0, 2.0, 2.0, 3.0]),
        ("gamma", [1e-300, 1.0, 1e300]),
        ("beta", [0.1, 0.2, 0.25]),
        ("exponential", [1.0, 2.0, 3.0]),
        ("exponential", [0.0, 0.0, 1e-300]),
        ("poisson", [0, 0, 1]),
        ("bernoulli", [0, 1, 1]),
        ("categorical", [0, 1, 2, 1]),
        ("vonmises", [0.1, 0.2, 0.25]),
        ("vonmises", [0.0, np.pi, 0.0, np.pi, 0.0]),
        ("dirichlet", [[0.2, 0.8], [0.3, 0.7], [0.5, 0.5]]),
    ],
    ids=str,
)
def test_tiny_samples_give_numbers_or_one_clear_error(family: str, data: Any, interval: str, order: int) -> None:
    """No RuntimeWarning (they are errors here), no bare LinAlgError, no NaN."""
    try:
        found = pn_criterion(data, family, bootstrap=40, rng=1, interval=interval, order=order)
    except InfostatError:
        return
    assert np.isfinite([found.risk1, found.risk2, found.terms.T3]).all()
    ends = np.array(list(found.bootstrap.intervals.values()))
    assert not np.isnan(ends).any()
    assert (ends[:, 0] <= ends[:, 1]).all()
