"""Hostile data, laws, functions and fits for every kind of family: a refusal that says why, or numbers.

The table of bad values meets every argument of the public functions in tests/common; here are what that
table cannot hold. Warnings are errors, so a stray RuntimeWarning fails like a bare NumPy error does.
"""

from __future__ import annotations

import itertools
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from infostat import families as fm
from infostat import projection as pj
from infostat.core.errors import BoundaryProjectionError, DataError, InfostatError, InfostatWarning, InputError
from tests.common.bad_values import BAD, attack

G = np.random.default_rng(5)
BITS = (G.random((40, 3)) < 0.5).astype(float)
X = G.normal(size=(40, 3))
U = G.beta(2.0, 3.0, 40)
UU = np.column_stack([U, G.beta(3.0, 2.0, 40)])

# A family, data for it, options.
MODELS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "ising": ("ising", BITS, {}),
    "graph": (fm.MultivariateNormal([(0, 1)]), X, {}),
    "log-linear": (fm.LogLinear((2, 2, 2), [(0,), (1,), (2,), (0, 1)]), BITS, {}),
    "finite support": (fm.FiniteSupport([0, 1, 2]), G.integers(0, 3, 40), {}),
    "generic": (fm.GenericFamily(lambda v: np.column_stack([v, v**2]), nodes=np.linspace(0, 1, 30)), U, {}),
    "polynomial": (fm.PolynomialDensity(3), U, {}),
    "polynomials of two": (fm.PolynomialDensity(2, bounds=[(0, 1), (0, 1)]), UU, {}),
    "tilted": (
        fm.TiltedBase([stats.beta(2, 3), stats.beta(3, 2)], [(0, 1)]), UU, {"draws": 2000, "rng": 1}
    ),
    "product": (fm.ProductFamily(["normal", "gamma", "categorical"]), np.column_stack([X[:, 0], U, BITS[:, 0]]), {}),
    "categorical": ("categorical", np.array(list("abca") * 10), {}),
    "circle": ("vonmises", X[:, 0], {}),
    "simplex": ("dirichlet", np.column_stack([U, 1.0 - U]), {}),
}  # fmt: skip
ENTRIES = {
    "pn_criterion": pj.pn_criterion,
    "information_projection": pj.information_projection,
    "risk_terms": pj.risk_terms,
    "information_criteria": pj.information_criteria,
}


def _frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def _labelled(labels: list[Any], values: Any = X) -> pd.DataFrame:
    frame = pd.DataFrame(np.array(values)[:, : len(labels)])
    frame.columns = pd.Index(labels)
    return frame


T = np.arange(8.0)
FRAMES: dict[str, Any] = {
    "twice the same label": _labelled(["a", "a", "b"]), "no label": _labelled([None, "a", "b"]),
    "two without label": _labelled([None, None, "b"]), "label nan": _labelled([np.nan, "a", "b"]),
    "numbers for labels": _labelled([3, 1, 2]), "label of tuples": _labelled([("a", 1), ("a", 2), ("b", 1)]),
    "1 and '1'": _labelled([1, "1", "b"]), "empty label": _labelled(["", " ", "b"]),
    "constant": _frame(a=np.ones(8), b=T, c=T**2), "all constant": _frame(a=np.ones(8), b=np.zeros(8), c=np.ones(8)),
    "collinear": _frame(a=T, b=2 * T + 1, c=T**2), "copy": _frame(a=T, b=T, c=T**2),
    "nearly collinear": _frame(a=T, b=T + 1e-9 * T**2, c=T**3), "sum of two": _frame(a=T, b=T**2, c=T + T**2),
    "missing": _frame(a=[1.0, np.nan, 3.0, 4.0], b=T[:4], c=T[:4] ** 2),
    "nullable": _frame(a=pd.array([1, None, 0, 1], "Int64"), b=T[:4], c=T[:4]),
    "booleans": pd.DataFrame(BITS == 1), "nullable booleans": pd.DataFrame(BITS == 1).astype("boolean"),
    "categories": _frame(a=pd.Categorical(list("abab")), b=T[:4], c=T[:4]),
    "dates": _frame(a=pd.date_range("2020", periods=4), b=T[:4], c=T[:4]),
    "spans of time": _frame(a=pd.timedelta_range("1s", periods=4), b=T[:4], c=T[:4]),
    "complex": _frame(a=T * 1j, b=T, c=T), "objects": _frame(a=[object()] * 4, b=T[:4], c=T[:4]),
    "lists": _frame(a=[[1], [2], [3], [4]], b=T[:4], c=T[:4]), "no rows": pd.DataFrame(X).iloc[:0],
    "no columns": pd.DataFrame(index=range(5)), "one row": pd.DataFrame(X).iloc[:1],
    "index repeats": pd.DataFrame(X, index=[0] * 40), "huge": pd.DataFrame(X * 1e200), "tiny": pd.DataFrame(X * 1e-200),
    "largest floats": pd.DataFrame(np.sign(X) * 1.7e308), "denormal": pd.DataFrame(X * 5e-324),
    "scales apart": pd.DataFrame(X * [1e-150, 1.0, 1e150]), "far from zero": pd.DataFrame(X + 1e15),
    "small integers": pd.DataFrame(np.full((6, 3), 127, dtype=np.int8)), "half precision": X.astype(np.float16),
    "large unsigned": np.full((6, 3), 2**64 - 1, dtype=np.uint64), "big-endian": X.astype(">f8"),
    "fortran order": np.asfortranarray(X), "every second row": X[::2], "a column of it": X[:, 0], "bits": BITS,
    "integers beyond": [[10**400, 1, 2]] * 4, "sparse": pd.DataFrame(BITS).astype(pd.SparseDtype("float", 0.0)),
    "series of objects": pd.Series([1, 2.0, 3, 4], dtype=object), "text of numbers": ["1", "2", "3", "4"],
}  # fmt: skip


def _some(table: Mapping[str, Any], step: int, key: str) -> dict[str, Any]:
    """Every step-th entry from an offset that depends on the key, the same in every run."""
    return dict(itertools.islice(table.items(), zlib.crc32(key.encode()) % step, None, step))


def _attacked(model: str, step: int) -> list[str]:
    family, data, options = MODELS[model]
    problems = []
    for name, entry in ENTRIES.items():
        for label, value in _some(BAD | FRAMES, step, f"{model}.{name}").items():
            problem = attack(entry, {"data": data, "family": family, **options}, "data", value, NOT_NUMBERS)
            if problem and not problem.startswith("names no argument"):
                problems.append(f"{name}({model}, data = {label}) {problem}")
    return problems


# Where a likelihood has no value, its criteria are nan and the summary says why.
NOT_NUMBERS = {".aic", ".tic", ".tic2", ".loglik"}


@pytest.mark.parametrize("model", MODELS)
def test_data(model: str) -> None:
    assert not _attacked(model, 32 if model in ("tilted", "generic") else 8)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_data_with_every_value(model: str) -> None:
    assert not _attacked(model, 1)


@pytest.mark.parametrize("model", [name for name in MODELS if name != "tilted"])
def test_means_and_parameters(model: str) -> None:
    family, data, _ = MODELS[model]
    ready = fm.get_family(family).bind(data)
    eta = pj.information_projection(data, family).eta
    far = {
        "zero": np.zeros(len(eta)), "all inf": np.full(len(eta), np.inf), "all 1e308": np.full(len(eta), 1e308),
        "all -1e308": np.full(len(eta), -1e308), "all 1e-320": np.full(len(eta), 1e-320),
        "all 1e150": np.full(len(eta), 1e150), "all 700": np.full(len(eta), 700.0), "all -50": np.full(len(eta), -50.0),
        "one too many": np.append(eta, 0.0), "a row": eta[None, :], "text": [str(v) for v in eta],
    }  # fmt: skip
    calls: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "eta": (lambda eta: pj.information_projection(None, ready, eta=eta), {"eta": eta}),
        "theta": (lambda theta: pj.risk_terms(None, ready, theta=theta), {"theta": eta}),
        "plan": (lambda theta: pj.plan_sample_size(family=ready, theta=theta), {"theta": eta}),
    }
    problems = [
        f"{name} = {label}: {problem}"
        for name, (function, good) in calls.items()
        for label, value in far.items()
        if (problem := attack(function, good, next(iter(good)), value, set()))
        and not problem.startswith("names no argument")
    ]
    assert not problems


# ----------------------------------------------------------------------------------------- laws
LAWS: dict[str, Any] = {
    "two": stats.norm([0, 1]), "two shapes": stats.gamma([1.0, 2.0]), "scale -1": stats.norm(scale=-1.0),
    "nan": stats.norm(np.nan), "inf": stats.norm(np.inf), "shape -1": stats.gamma(-1.0), "rate -1": stats.poisson(-1.0),
    "rate nan": stats.poisson(np.nan), "many values": stats.binom(10**9, 0.4), "huge": stats.norm(0.0, 1e200),
    "tiny": stats.norm(0.0, 1e-200), "far": stats.norm(1e200, 1.0), "no mean": stats.cauchy(), "heavy": stats.levy(),
    "no second moment": stats.zipf(2.1), "no sixth moment": stats.t(3.0), "shape 0": stats.beta(0.0, 1.0),
    "several variables": stats.multivariate_normal([0.0, 0.0]), "counts": stats.multinomial(3, [0.5, 0.5]),
    "a histogram": stats.rv_histogram(np.histogram([1.0, 2.0, 3.0, 4.0]), density=False)(), "not frozen": stats.norm,
    "interval": stats.uniform(), "three values": stats.randint(0, 3), "mixed pair": ([0, "a"], [0.5, 0.5]),
    "weights short": ([0.0, 1.0], [1.0]), "weights negative": ([0.0, 1.0], [0.5, -0.5]), "weights nan": ([0], [np.nan]),
    "points nan": ([0.0, np.nan], [0.5, 0.5]), "nothing": ([], []), "weights zero": ([0.0, 1.0], [0.0, 0.0]),
    "one point": ([0.5], [1.0]),
}  # fmt: skip
MODELS_OF_ONE = ["normal", "gamma", "poisson", "bernoulli", "beta", "vonmises", "ising", "mvn", "exponential"]


def _outcome(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except InfostatError as error:
        return error


def _refused(function: Callable[[], Any]) -> InfostatError | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        found = _outcome(function)
        if isinstance(found, InfostatError):
            assert isinstance(found, (ValueError, TypeError)) and 5 < len(str(found)) < 1000
            return found
        values = [getattr(found, name) for name in ("T0", "risk", "risk1", "a1") if hasattr(found, name)]
        assert not any(np.isnan(np.asarray(value, dtype=float)).any() for value in values if value is not None)
        assert str(found.summary())
        return None


@pytest.mark.parametrize("name", LAWS)
def test_truths(name: str) -> None:
    law = LAWS[name]
    for family in MODELS_OF_ONE:
        _refused(lambda family=family: pj.risk_terms(None, family, truth=law))
        _refused(lambda family=family: pj.exact_risk(family, 20, truth=law))
    _refused(lambda: pj.simulate_risk(law, "normal", 20, 3, rng=0))
    _refused(lambda: pj.sandwich_risk(None, _shift, truth=law, theta=0.1))


def test_a_law_without_moments_is_refused_at_once() -> None:
    for law in (stats.cauchy(), stats.zipf(2.1), stats.levy()):
        refusal = _refused(lambda law=law: pj.risk_terms(None, "normal", truth=law))
        assert refusal is not None and "moments may be infinite" in str(refusal)


# ------------------------------------------------------------------------- the user's functions
def _shift(x: Any, theta: Any) -> Any:
    return stats.norm.logpdf(x, theta[0])


def _raises(*arguments: Any) -> Any:
    return {}["a column"]


def _ragged(*arguments: Any) -> Any:
    return [[1.0], [1.0, 2.0]]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "raises": _raises, "nothing": lambda *a: None, "one number": lambda *a: 1.0, "text": lambda *a: "abc",
    "nan": lambda x, t, *a: np.full(len(x), np.nan), "inf": lambda x, t, *a: np.full(len(x), np.inf),
    "-inf": lambda x, t, *a: np.full(len(x), -np.inf), "short": lambda x, t, *a: np.zeros(3),
    "constant": lambda x, t, *a: np.zeros(len(x)), "complex": lambda x, t, *a: x * 1j,
    "five columns": lambda x, t, *a: np.zeros((len(x), 5)), "objects": lambda x, t, *a: [object()] * len(x),
    "ragged": _ragged, "a dict": lambda *a: {"a": 1}, "truth values": lambda x, t, *a: x > 0.0, "a class": int,
    "a family": fm.Normal, "no arguments": lambda: 1.0,
    "writes into the rows": lambda x, t: (x.__isub__(t[0]), -0.5 * x**2)[1],
    "not normalised": lambda x, t: -((x - t[0]) ** 2), "not smooth": lambda x, t: stats.laplace.logpdf(x, t[0]),
    "out of range": lambda x, t: stats.norm.logpdf(x, t[0], -1.0), "overflows": lambda x, t: -1e200 * (x - t[0]) ** 2,
    "large": lambda x, t: -1e120 * (x - t[0]) ** 2, "flat": lambda x, t: stats.norm.logpdf(x) + 0.0 * t[0],
    "a kink": lambda x, t: stats.norm.logpdf(x, abs(t[0] - 1.0)),
    "random": lambda x, t: stats.norm.logpdf(x, t[0]) + 1e-3 * np.random.default_rng(0).normal(size=len(x)),
}  # fmt: skip
ROWS = np.random.default_rng(3).normal(1.0, 1.0, 40)


def _score(x: Any, t: Any) -> Any:
    return (np.asarray(x) - t[0])[:, None]


def _hessian(x: Any, t: Any) -> Any:
    return -np.ones((len(x), 1, 1))


def _replaced(name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """One function of a model after the other replaced by one that misbehaves, and the order that needs it."""
    function = FUNCTIONS[name]
    yield 1, {"logpdf": function}
    yield 1, {"score": function}
    yield 2, {"score": _score, "hessian": function}
    yield 2, {"score": _score, "hessian": _hessian, "third": function, "fourth": function}
    yield 1, {"fisher": function}
    yield 1, {"sample": function}
    yield 2, {"sample": lambda t, n, g: function(np.zeros(n), t)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_a_general_model(name: str) -> None:
    rows = ROWS.copy()
    usual: dict[str, Any] = {"logpdf": _shift, "theta": [1.0], "draws": 1000, "rng": 1}
    for order, options in _replaced(name):
        _refused(lambda order=order, options=options: pj.sandwich_risk(rows, **{**usual, "order": order, **options}))
    assert (rows == ROWS).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_a_general_model_with_both_orders(name: str) -> None:
    usual: dict[str, Any] = {"logpdf": _shift, "draws": 1000, "rng": 1}
    for (_, options), order, theta in itertools.product(_replaced(name), (1, 2), (None, [1.0])):
        _refused(lambda o=options, k=order, t=theta: pj.sandwich_risk(ROWS, **{**usual, "order": k, "theta": t, **o}))


def test_a_function_that_fails_is_the_cause_of_the_refusal() -> None:
    with pytest.raises(InputError, match="logpdf must be a function that works.*KeyError: 'a column'") as refusal:
        pj.sandwich_risk(ROWS, _raises, theta=0.0)
    assert isinstance(refusal.value.__cause__, KeyError)
    with pytest.raises(InputError, match="the last of those tried failed: logpdf must be.*KeyError"):
        pj.sandwich_risk(ROWS, _raises)


def test_parameters_that_do_not_matter_are_refused_before_the_search() -> None:
    calls = []

    def logpdf(x: Any, theta: Any) -> Any:
        calls.append(1)
        return stats.norm.logpdf(x, theta[0])

    with pytest.raises(DataError, match=r"no curvature in the direction \(theta2 \+1\)"):
        pj.sandwich_risk(ROWS, logpdf, theta=np.ones(20))
    assert len(calls) < 200  # Newton's method alone takes 6840 a step


def test_information_out_of_all_proportion() -> None:
    for factor in (1e308, 1e20, 1e-20, 1e-320):
        with pytest.raises(InputError, match="fisher must be"):
            pj.sandwich_risk(ROWS, _shift, fisher=factor, theta=1.0)


DRAWS: dict[str, Callable[..., Any]] = {
    "raises": _raises, "nothing": lambda n, g: None, "one number": lambda n, g: 1.0, "text": lambda n, g: ["a"] * n,
    "one short": lambda n, g: g.normal(size=n - 1), "nan": lambda n, g: np.full(n, np.nan),
    "inf": lambda n, g: np.full(n, np.inf), "constant": lambda n, g: np.ones(n),
    "complex": lambda n, g: 1j * g.random(n),
    "three axes": lambda n, g: g.normal(size=(n, 2, 2)), "ragged": _ragged,
    "huge": lambda n, g: g.normal(size=n) * 1e200,
    "tiny": lambda n, g: g.normal(size=n) * 1e-200, "no arguments": lambda: 1.0, "a class": int,
    "changes its mind": lambda n, g: g.normal(size=n if n > 1000 else (n, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_truths_that_are_functions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infostat.projection.simulation_truths._POPULATION_DRAWS", 5000)
    for family in ("normal", "mvn", "gamma", "bernoulli", fm.PolynomialDensity(2)):
        refusal = _refused(lambda family=family: pj.simulate_risk(DRAWS[name], family, 10, 3, rng=1))
        assert refusal is not None or name in ("huge", "tiny")


# -------------------------------------------------------------------------------- fitted models
def _fits() -> dict[str, Any]:
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    Z = sm.add_constant(rng.normal(size=(50, 2)))
    y, bits, counts = Z @ [1, 2, 3] + rng.normal(size=50), (rng.random(50) < 0.5) * 1.0, rng.poisson(2, 50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "not fitted": sm.OLS(y, Z), "robust": sm.RLM(y, Z).fit(), "quantiles": sm.QuantReg(y, Z).fit(),
            "penalised": sm.OLS(y, Z).fit_regularized(), "gls": sm.GLS(y, Z).fit(),
            "collinear": sm.OLS(y, np.column_stack([Z, Z[:, 1]])).fit(), "exact": sm.OLS(Z @ [1, 2, 3], Z).fit(),
            "as many rows as columns": sm.OLS(y[:3], Z[:3]).fit(), "many classes": sm.MNLogit(counts, Z).fit(disp=0),
            "not converged": sm.Logit(bits, Z).fit(disp=0, maxiter=0), "tweedie": sm.GLM(
                counts, Z, family=sm.families.Tweedie()).fit(),
            "autoregression": sm.tsa.AutoReg(y, 1).fit(), "negative binomial": sm.NegativeBinomial(
                counts, Z).fit(disp=0),
            "separated": sm.GLM((Z[:, 1] > 0) * 1.0, Z, family=sm.families.Binomial()).fit(maxiter=5),
        }  # fmt: skip


def test_fits_that_are_none() -> None:
    for fitted in _fits().values():
        for order, scale in itertools.product((1, 2), ("estimated", "known")):
            refusal = _refused(lambda f=fitted, o=order, s=scale: pj.sandwich_risk(f, order=o, scale=s))
            assert refusal is not None or scale == "known"


# ------------------------------------------------------------------------------------ sequences
def test_sequences_with_members_that_cannot_be() -> None:
    for member in BAD.values():
        _refused(lambda member=member: pj.pn_sequence(U, [member, "normal"]))
        _refused(lambda member=member: pj.pn_sequence(U, {"a": member}))
    with pytest.raises(BoundaryProjectionError):
        pj.pn_sequence(np.full(9, 0.5), ["gamma", "beta"])
    for folds in (-1, 1, 41, 2.5, "two"):
        assert _refused(lambda folds=folds: pj.pn_sequence(U, ["normal"], folds=folds)) is not None
