"""One entry per registered family: what the common tests need to know about it.

A family that is added to the registry without an entry here fails
``test_every_family_has_an_example``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from infostat.families.base import ExponentialFamily
from infostat.families.product import ProductFamily
from infostat.families.registry import FAMILIES, get_family


@dataclass(frozen=True)
class Example:
    """A family with parameters, misspecified data, rows outside and data without an estimate.

    Attributes
    ----------
    name : str
        Registry name, or "product".
    params : list of dict
        Usual parameters, moderate enough for finite differences.
    data : callable
        Generator to rows in the support whose law is not in the family.
    outside : list
        Rows of which those in `bad` lie outside the support.
    bad : list of int
        Their positions (empty: every finite row is in the support).
    degenerate : array_like or None
        Rows in the support for which no estimate exists.
    make : callable, optional
        Builds the family; :func:`get_family` if None.
    """

    name: str
    params: list[dict[str, Any]]
    data: Callable[[np.random.Generator], Any]
    outside: Any
    bad: list[int]
    degenerate: Any
    make: Callable[[], ExponentialFamily] | None = None
    label: str = ""
    univariate: bool = True
    family: ExponentialFamily = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "family", get_family(self.name) if self.make is None else self.make())

    def __str__(self) -> str:
        return self.label or self.name


def _simplex(rng: np.random.Generator) -> Any:
    rows = rng.uniform(0.1, 1.0, (60, 3))
    return rows / rows.sum(axis=1, keepdims=True)


def _table(rng: np.random.Generator) -> Any:
    return rng.laplace(size=(60, 3)) @ np.array([[1.0, 0.3, 0.0], [0.0, 2.0, 0.5], [0.0, 0.0, 0.7]]) + 1.0


def _mixed(rng: np.random.Generator) -> Any:
    return np.column_stack(
        [rng.laplace(size=60), rng.uniform(0.5, 2.0, 60), rng.integers(0, 3, 60), rng.laplace(size=(60, 2))]
    )


_CATEGORICAL = [{"prob": [0.3, 0.7]}, {"prob": [0.1, 0.2, 0.3, 0.4]}]
_MEAN3 = [1.0, -0.5, 0.2]
_COV3 = [[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]]
_COMPONENTS = [
    {"mean": 1.0, "var": 2.0},
    {"shape": 2.5, "rate": 1.5},
    {"prob": [0.2, 0.3, 0.5]},
    {"mean": [0.5, -1.0], "cov": [[1.0, 0.4], [0.4, 2.0]]},
]


def _product() -> ExponentialFamily:
    return ProductFamily(
        [
            "normal",
            "gamma",
            get_family("categorical").bind([0, 1, 2]),
            get_family("mvn").bind(np.zeros((1, 2))),
        ]
    )


EXAMPLES: list[Example] = [
    Example(
        "bernoulli",
        [{"prob": 0.3}, {"prob": 0.5}, {"prob": 0.9}],
        lambda rng: rng.integers(0, 2, 50),
        [0, 1, 2, 0.5, -1],
        [2, 3, 4],
        np.zeros(10),
    ),
    Example(
        "beta",
        [{"a": 2.0, "b": 3.0}, {"a": 0.4, "b": 2.5}, {"a": 30.0, "b": 8.0}],
        lambda rng: rng.triangular(0.0, 0.3, 1.0, 60),
        [0.5, 0.0, 1.0, 1.5],
        [1, 2, 3],
        np.full(10, 0.3),
    ),
    Example(
        "categorical",
        _CATEGORICAL,
        lambda rng: rng.integers(0, 3, 60),
        None,
        [],
        None,
    ),
    Example(
        "categorical",
        [{"prob": [0.2, 0.5, 0.3]}],
        lambda rng: np.array(["low", "mid", "high"])[rng.integers(0, 3, 60)],
        ["low", "none", "high", "other"],
        [1, 3],
        ["low", "mid", "mid"],
        make=lambda: get_family("categorical").bind(["low", "mid", "high"]),
        label="categorical-labels",
    ),
    Example(
        "dirichlet",
        [{"alpha": [2.0, 3.0]}, {"alpha": [0.7, 1.5, 4.0]}],
        _simplex,
        [[0.2, 0.3, 0.5], [0.2, 0.3, 0.4], [0.0, 0.5, 0.5]],
        [1, 2],
        np.tile([0.2, 0.3, 0.5], (10, 1)),
        univariate=False,
    ),
    Example(
        "exponential",
        [{"rate": 0.2}, {"rate": 1.0}, {"rate": 50.0}],
        lambda rng: rng.uniform(0.0, 3.0, 60),
        [0.0, 1.0, -1e-3, 2.0],
        [2],
        np.zeros(10),
    ),
    Example(
        "gamma",
        [{"shape": 0.5, "rate": 2.0}, {"shape": 2.0, "rate": 1.0}, {"shape": 40.0, "rate": 0.01}],
        lambda rng: rng.uniform(0.2, 3.0, 60),
        [1.0, 0.0, -2.0, 3.0],
        [1, 2],
        np.full(10, 1.7),
    ),
    Example(
        "mvn",
        [{"mean": [1.0], "cov": [[2.0]]}, {"mean": _MEAN3, "cov": _COV3}],
        _table,
        None,
        [],
        None,  # constant columns are refused as such, see the tests of that family
        univariate=False,
    ),
    Example(
        "mvn_diagonal",
        [{"mean": _MEAN3, "cov": np.diag([2.0, 1.0, 0.5])}],
        _table,
        None,
        [],
        None,  # constant columns are refused as such, see the tests of that family
        univariate=False,
    ),
    Example(
        "normal",
        [{"mean": 0.0, "var": 1.0}, {"mean": -3.0, "var": 4.0}],
        lambda rng: rng.laplace(size=60),
        None,
        [],
        np.full(10, 1.7),
    ),
    Example(
        "poisson",
        [{"mean": 0.4}, {"mean": 3.0}, {"mean": 200.0}],
        lambda rng: rng.integers(0, 9, 60),
        [0, 1, -1, 2.5],
        [2, 3],
        np.zeros(10),
    ),
    Example(
        "vonmises",
        [{"mu": 0.0, "kappa": 0.0}, {"mu": 1.0, "kappa": 2.0}, {"mu": -2.5, "kappa": 60.0}],
        lambda rng: rng.triangular(-2.0, 0.5, 2.5, 60),
        None,
        [],
        np.full(10, 1.7),
    ),
    Example(
        "product",
        [{"components": _COMPONENTS}],
        _mixed,
        [[0.0, 1.0, 2.0, 0.0, 0.0], [0.0, -1.0, 2.0, 0.0, 0.0]],
        [1],
        np.column_stack([np.arange(6.0), np.ones(6), np.arange(6) % 3, np.eye(6)[:, :2]]),
        make=_product,
        univariate=False,
    ),
]

COVERED = {example.name for example in EXAMPLES}
REGISTERED = set(FAMILIES)
CASES = [
    (example, example.family.natural(**params))
    for example in EXAMPLES
    for params in example.params
]
CASE_IDS = [f"{example}-{k}" for example in EXAMPLES for k in range(len(example.params))]
