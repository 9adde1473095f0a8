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
from infostat.families.finite_support import FiniteSupport
from infostat.families.generic import GenericFamily
from infostat.families.ising import Ising
from infostat.families.log_linear import LogLinear
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.polynomial import PolynomialDensity
from infostat.families.product import ProductFamily
from infostat.families.registry import FAMILIES, get_family
from infostat.families.tilted_base import TiltedBase


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


_LATTICE = np.stack(np.meshgrid([0.0, 1.0, 3.0], [-1.0, 0.0, 1.0], indexing="ij"), axis=-1).reshape(-1, 2)


def _product() -> ExponentialFamily:
    return ProductFamily(
        [
            "normal",
            "gamma",
            get_family("categorical").bind([0, 1, 2]),
            get_family("mvn").bind(np.zeros((1, 2))),
        ]
    )


def _curves(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x[:, 0], np.exp(-x[:, 0])])


def _plane(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x, x[:, 0] * x[:, 1], x[:, 0] ** 2])


def _line_nodes() -> ExponentialFamily:
    t, w = np.polynomial.legendre.leggauss(60)
    return GenericFamily(_curves, nodes=1.0 + t, log_weights=np.log(w))


def _plane_nodes() -> ExponentialFamily:
    grid = np.stack(np.meshgrid(np.linspace(0.0, 1.0, 9), np.linspace(-1.0, 1.0, 7)), axis=-1)
    return GenericFamily(_plane, nodes=grid.reshape(-1, 2))


_CHAIN3 = [[2.0, 0.3, -0.06], [0.3, 1.0, -0.2], [-0.06, -0.2, 0.5]]  # 0 and 2 independent given 1
_TILT = [1.0, 0.5, -0.4, -1.0]


def _tilted_draws() -> ExponentialFamily:
    from scipy import stats

    base = [stats.beta(2.0, 3.0), ([0, 1, 2], [0.2, 0.5, 0.3]), stats.norm(0.0, 0.6)]
    return TiltedBase(base, [(0, 1), (0, 2), (1, 2), (0, 0)]).simulate_at(_TILT, draws=12_800, rng=1)


def _tilted_rows(rng: np.random.Generator) -> Any:
    return np.column_stack([rng.uniform(0.1, 0.9, 60), rng.integers(0, 3, 60), rng.laplace(size=60) * 0.3])


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
        "finite_support",
        [{"theta": [-0.15]}, {"theta": [0.8]}],
        lambda rng: np.array([0.0, 1.0, 2.0, 4.5])[rng.integers(0, 4, 60)],
        [0.0, 3.0, 4.5, -1.0],
        [1, 3],
        np.zeros(10),
        make=lambda: FiniteSupport([0.0, 1.0, 2.0, 4.5], log_base=[0.0, 0.5, -0.3, 0.1]),
    ),
    Example(
        "finite_support",
        [{"theta": [0.3, -0.2, 0.1]}],
        lambda rng: _LATTICE[rng.integers(0, 9, 60)],
        [[0.0, 1.0], [0.5, 1.0], [3.0, 3.0]],
        [1, 2],
        _LATTICE[(_LATTICE[:, 0] == 0) | (_LATTICE[:, 1] == 1)],  # on the face x - xy = 0
        make=lambda: FiniteSupport(_LATTICE, lambda x: np.column_stack([x, x[:, 0] * x[:, 1]])),
        label="finite_support-plane",
        univariate=False,
    ),
    Example(
        "generic",
        [{"theta": [0.0, 0.0]}, {"theta": [1.5, -2.0]}],
        lambda rng: rng.triangular(0.0, 0.3, 2.0, 60),
        None,
        [],
        np.full(10, 0.3),
        make=_line_nodes,
    ),
    Example(
        "generic",
        [{"theta": [0.5, -0.4, 0.3, -1.0]}],
        lambda rng: np.column_stack([rng.triangular(0.0, 0.3, 1.0, 60), rng.uniform(-1.0, 1.0, 60)]),
        None,
        [],
        np.column_stack([np.linspace(0.1, 0.9, 10), np.ones(10)]),
        make=_plane_nodes,
        label="generic-plane",
        univariate=False,
    ),
    Example(
        "ising",
        [{"field": [0.4], "coupling": []}, {"field": [0.2, -0.5, 0.3], "coupling": [1.0, -0.7, 0.4]}],
        lambda rng: rng.integers(0, 2, (60, 3)),
        [[0, 1, 1], [0, 2, 1], [1, 1, 1], [0.5, 0, 1]],
        [1, 3],
        np.array([[0, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0]]),  # never (0, 0) first
        univariate=False,
    ),
    Example(
        "ising",
        [{"field": [0.2, -0.5, 0.3], "coupling": [1.0]}],
        lambda rng: rng.integers(0, 2, (60, 3)),
        [[0, 1, 1], [0, -1, 1]],
        [1],
        np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0]]),
        make=lambda: Ising(edges=[(2, 0)]),
        label="ising-graph",
        univariate=False,
    ),
    Example(
        "ising_independent",
        [{"field": [0.2, -0.5, 1.3], "coupling": []}],
        lambda rng: rng.integers(0, 2, (60, 3)),
        [[0, 1, 1], [0, 2, 1]],
        [1],
        np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0]]),
        univariate=False,
    ),
    Example(
        "log_linear",
        [{"theta": [0.3, -0.2, 0.5, 0.7, -0.4]}],
        lambda rng: np.column_stack([rng.integers(0, 2, 60), rng.integers(0, 3, 60)]),
        [[0, 2], [2, 0], [0, 3], [0.5, 1]],
        [1, 2, 3],
        np.array([[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [1, 1]]),  # never (1, 0)
        make=lambda: LogLinear((2, 3), [(0,), (1,), (0, 1)]),
        univariate=False,
    ),
    Example(
        "log_linear",
        [{"theta": [0.3, -0.2]}],
        lambda rng: rng.integers(0, 3, 60),
        [0, 1, 3, -1],
        [2, 3],
        np.ones(10),
        make=lambda: LogLinear([3], [(0,)]),
        label="log_linear-one-way",
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
        "mvn",
        [{"mean": _MEAN3, "cov": _CHAIN3}, {"mean": [0.0, 0.0, 0.0], "cov": np.eye(3)}],
        _table,
        None,
        [],
        None,  # constant columns are refused as such, see the tests of that family
        make=lambda: MultivariateNormal([(1, 2), (0, 1)]),
        label="mvn-chain",
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
        "polynomial",
        [{"theta": [0.0, 0.0, 0.0]}, {"theta": [0.5, -2.0, 1.0]}],
        lambda rng: rng.triangular(-1.0, 0.3, 2.0, 60),
        [0.0, -1.5, 2.0, 2.5],
        [1, 3],
        np.full(10, 0.5),
        make=lambda: PolynomialDensity(3, bounds=[(-1.0, 2.0)]),
    ),
    Example(
        "polynomial",
        [{"theta": [3.0, -5.0]}],
        lambda rng: rng.triangular(0.0, 0.3, 1.0, 60),
        [0.0, 1.0, 1.1],
        [2],
        np.arange(10) % 2,
        make=lambda: PolynomialDensity(2, bounds=[(0, 1)], basis="monomial"),
        label="polynomial-monomial",
    ),
    Example(
        "polynomial",
        [{"theta": [0.5, -0.3, 0.4, 0.6, -1.0]}],
        lambda rng: rng.beta(2.0, 3.0, (60, 2)),
        [[0.5, 0.5], [0.5, 1.5], [-0.1, 0.5]],
        [1, 2],
        np.column_stack([np.zeros(10), np.linspace(0.1, 0.9, 10)]),
        make=lambda: PolynomialDensity(2),
        label="polynomial-box",
        univariate=False,
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
    Example(
        "tilted_draws",
        [{"theta": _TILT}, {"theta": [1.1, 0.4, -0.5, -0.9]}],
        _tilted_rows,
        [[0.2, 1.0, 0.3], [0.2, 0.5, 0.3], [0.5, 2.0, -3.0], [1.2, 0.0, 0.0]],
        [1, 3],
        np.tile([1.0, 2.0, 0.3], (10, 1)),
        make=_tilted_draws,
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
