"""Hostile values in every method and constructor of every family: a refusal that says why, or numbers.

A sample of the table runs every time, another one for each method; the whole of it is marked slow.
Warnings are errors here, so a stray RuntimeWarning fails like a bare NumPy error does.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

from infostat import families as fm
from infostat.core.errors import InputError, InputTypeError
from tests.common.bad_values import BAD, attack
from tests.families.examples import EXAMPLES, Example

SAMPLE = 11  # every so many values of the table


def _thetas(theta: np.ndarray) -> dict[str, Any]:
    """Natural parameters that are far out, or of the wrong shape."""
    p = len(theta)
    return {
        "all nan": np.full(p, np.nan), "all inf": np.full(p, np.inf), "all -inf": np.full(p, -np.inf),
        "all 1e308": np.full(p, 1e308), "all -1e308": np.full(p, -1e308), "all 1e5": np.full(p, 1e5),
        "all -1e5": np.full(p, -1e5), "all 710": np.full(p, 710.0), "all -710": np.full(p, -710.0),
        "all 50": np.full(p, 50.0), "all -50": np.full(p, -50.0), "all denormal": np.full(p, 1e-320),
        "all zero": np.zeros(p), "both signs": np.array([(-1.0) ** k * 1e3 for k in range(p)]),
        "first far": np.eye(p)[0] * 1e4, "last far": np.eye(p)[-1] * 1e4, "one too many": np.append(theta, 0.0),
        "a row": theta[None, :], "a column": theta[:, None], "text of numbers": [str(v) for v in theta],
        "objects": np.array([*theta, 0.0], dtype=object)[:p],
    }  # fmt: skip


def _methods(example: Example) -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Methods that users call, with one good value of each argument."""
    family = example.family
    theta = family.natural(**example.params[-1])
    eta = family.mean(theta)
    rows = example.data(np.random.default_rng(0))[:12]
    found: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        name: (getattr(family, name), {"theta": theta})
        for name in ("check_theta", "log_partition", "mean", "cov", "params", "nodes", "whitened")
    }
    found |= {
        "cumulants": (family.cumulants, {"theta": theta, "order": 3}),
        "logpdf": (family.logpdf, {"x": rows, "theta": theta}),
        "sample": (family.sample, {"theta": theta, "size": 3, "rng": 0}),
        "project": (family.project, {"eta": eta}),
        "solve": (lambda eta, start=None: family.solve(eta).theta, {"eta": eta}),
        "statistic": (family.statistic, {"x": rows}),
        "encode": (family.encode, {"x": rows}),
        "bind": (family.bind, {"data": rows}),
        "n_params": (family.n_params, {"data": rows}),
        "natural": (family.natural, dict(example.params[-1])),
    }
    for name in ("probabilities", "table", "condition"):
        if hasattr(family, name):
            found[name] = (getattr(family, name), {"theta": theta})
    if hasattr(family, "cdf") and family.n_columns == 1:
        found["cdf"] = (family.cdf, {"x": rows, "theta": theta})
    return found


def _values(argument: str, good: Any) -> dict[str, Any]:
    return BAD | _thetas(np.atleast_1d(good)) if argument in ("theta", "eta") else BAD


def _sampled(table: Mapping[str, Any], step: int, key: str) -> Iterator[tuple[str, Any]]:
    """Every step-th entry from an offset that depends on the key, the same in every run."""
    return itertools.islice(table.items(), zlib.crc32(key.encode()) % step, None, step)


def _attacked(calls: Mapping[str, tuple[Callable[..., Any], dict[str, Any]]], step: int, key: str) -> list[str]:
    problems = []
    for name, (function, good) in calls.items():
        for argument in good:
            for label, value in _sampled(_values(argument, good[argument]), step, f"{key}.{name}.{argument}"):
                problem = attack(function, good, argument, value, set())
                # The mean statistic of a boundary, or a component, is named in words of its own.
                if problem and not problem.startswith("names no argument"):
                    problems.append(f"{key}.{name}({argument} = {label}) {problem}")
    return problems


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_methods(example: Example) -> None:
    step = 3 * SAMPLE if example.name in ("tilted_draws", "generic") else SAMPLE
    assert not _attacked(_methods(example), step, str(example))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_methods_with_every_value(example: Example) -> None:
    assert not _attacked(_methods(example), 1, str(example))


# --------------------------------------------------------------------------------- constructors
NORMALS = [stats.norm(), stats.norm()]
POINTS = np.linspace(0.1, 1.0, 12)
TILTED = fm.TiltedBase([stats.beta(2, 3), stats.beta(3, 2)], [(0, 1)])
ROWS_OF_TILTED = np.random.default_rng(0).random((30, 2))

# One entry of an argument that holds several.
ENTRIES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "a law of a base": (lambda base: fm.TiltedBase([base, stats.norm()], [(0, 1)]), {"base": stats.norm()}),
    "points of a base": (
        lambda base, weights: fm.TiltedBase([(base, weights), stats.norm()], [(0, 1)]),
        {"base": [0.0, 1.0], "weights": [0.5, 0.5]},
    ),
    "a product": (lambda products: fm.TiltedBase(NORMALS, [products]), {"products": (0, 1)}),
    "an edge": (lambda edges: fm.Ising(3, [edges]), {"edges": (0, 1)}),
    "an edge of a normal": (lambda structure: fm.MultivariateNormal([structure], 3), {"structure": (0, 1)}),
    "a term": (lambda terms: fm.LogLinear((2, 3), [terms]), {"terms": (0,)}),
    "a level": (lambda shape: fm.LogLinear((2, shape), [(0,)]), {"shape": 3}),
    "an interval": (lambda bounds: fm.PolynomialDensity(2, bounds=[(0, 1), bounds]), {"bounds": (0, 1)}),
    "an end": (lambda bounds: fm.PolynomialDensity(2, bounds=(0, bounds)), {"bounds": 1.0}),
    "a component": (lambda families: fm.ProductFamily([families, "normal"]), {"families": "gamma"}),
    "a level of labels": (lambda levels: fm.Categorical(["a", levels]), {"levels": "b"}),
    "prune": (TILTED.prune, {"data": ROWS_OF_TILTED, "threshold": 0.9}),
    "simulate_at": (
        lambda theta, draws, rng, n_jobs: TILTED.simulate_at(theta, draws=draws, rng=rng, n_jobs=n_jobs).mean(theta),
        {"theta": [0.1], "draws": 2000, "rng": 0, "n_jobs": None},
    ),
    "log_normaliser": (TILTED.log_normaliser, {"theta": [0.1], "draws": 2000, "rng": 0, "n_jobs": None}),
}  # fmt: skip


SIMULATED = ["simulate_at", "log_normaliser"]


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_of_arguments(name: str) -> None:
    assert not _attacked({name: ENTRIES[name]}, 24 if name in SIMULATED else 1, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMULATED)
def test_simulations_with_every_value(name: str) -> None:
    assert not _attacked({name: ENTRIES[name]}, 1, name)


# ------------------------------------------------------------------------- the user's functions
def _raises(x: Any) -> Any:
    return {}["a column"]


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "raises": _raises,
    "a row short": lambda x: x[1:],
    "nan": lambda x: x * np.nan,
    "infinite": lambda x: 1.0 / (x - x),
    "nothing": lambda x: None,
    "text": lambda x: "a",
    "one number": lambda x: 1.0,
    "three axes": lambda x: np.zeros((len(x), 2, 2)),
    "complex": lambda x: x * 1j,
    "no statistic": lambda x: np.zeros((len(x), 0)),
    "writes into its argument": lambda x: x.__imul__(2.0),
    "constant": lambda x: np.ones(len(x)),
    "twice the same": lambda x: np.column_stack([x, x]),
    "objects": lambda x: np.array([object()] * len(x)),
    "too large": lambda x: x * 1e200,
    "overflows": lambda x: np.exp(1e4 * x),
    "no arguments": lambda: 1.0,  # type: ignore[misc, dict-item]
    "two arguments": lambda x, y: x,  # type: ignore[misc, dict-item]
    "a class": int,
    "a family": fm.Normal,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_statistics_that_misbehave(name: str) -> None:
    kept = POINTS.copy()
    with pytest.raises((InputError, InputTypeError), match="statistic"):
        fm.GenericFamily(FUNCTIONS[name], nodes=POINTS)
    for points in (POINTS, np.column_stack([POINTS, POINTS**2])):
        with pytest.raises((InputError, InputTypeError), match="statistic"):
            fm.FiniteSupport(points, FUNCTIONS[name])
    assert (kept == POINTS).all()


def test_a_function_that_fails_is_the_cause_of_the_refusal() -> None:
    with pytest.raises(InputError, match="statistic must be a function that works.*KeyError: 'a column'") as refusal:
        fm.GenericFamily(_raises, nodes=POINTS)
    assert isinstance(refusal.value.__cause__, KeyError)


def test_a_statistic_that_changes_its_mind() -> None:
    widths = itertools.count(1)
    family = fm.GenericFamily(lambda x: x ** np.arange(1, 1 + next(widths)), nodes=POINTS)
    with pytest.raises(InputError, match=r"statistic must map 12 rows to an array of shape \(12, p\) with p = 1"):
        family.statistic(POINTS)


# ----------------------------------------------------------------------------------------- laws
LAWS: dict[str, Any] = {
    "scale -1": stats.norm(scale=-1.0), "nan": stats.norm(np.nan), "inf": stats.norm(np.inf), "two": stats.norm([0, 1]),
    "shape -1": stats.gamma(-1.0), "rate -1": stats.poisson(-1.0), "no density": stats.multinomial(3, [0.5, 0.5]),
    "two variables": stats.multivariate_normal([0.0, 0.0]), "not frozen": stats.norm, "a class": fm.Normal,
    "huge": stats.norm(0.0, 1e200), "tiny": stats.norm(0.0, 1e-200), "far": stats.norm(1e200, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_bases_that_are_no_laws(name: str) -> None:
    with pytest.raises((InputError, InputTypeError), match="base"):
        fm.TiltedBase([LAWS[name], stats.norm()], [(0, 1)])


def test_every_public_name_is_attacked() -> None:
    reached = {type(example.family).__name__ for example in EXAMPLES} | {"TiltedBase", "ExponentialFamily"}
    assert {name for name in fm.__all__ if isinstance(getattr(fm, name), type)} <= reached
