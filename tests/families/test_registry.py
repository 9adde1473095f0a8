"""Names of families, and the scipy laws behind them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import infostat.families as families
from infostat.core.errors import InputError, InputTypeError
from infostat.families.registry import ALIASES, FAMILIES, WITH_ARGUMENTS, family_names, get_family
from infostat.families.scipy_laws import frozen, has_law, probability_transform


def test_names_lead_to_their_families() -> None:
    assert family_names() == sorted(FAMILIES)
    for name in FAMILIES:
        assert get_family(name).name in (name, "mvn", "ising")
    for alias, name in ALIASES.items():
        assert get_family(alias) == get_family(name)


@pytest.mark.parametrize("spelling", ["Normal", " NORMAL ", "gaussian", "von-mises", "von Mises"])
def test_spelling_does_not_matter(spelling: str) -> None:
    assert get_family(spelling).name in ("normal", "vonmises")


def test_objects_and_classes() -> None:
    gamma = families.Gamma()
    assert get_family(gamma) is gamma
    assert get_family(families.Gamma) == gamma


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown family 'gama'; did you mean 'gamma'\?") as caught:
        get_family("gama")
    assert all(name in str(caught.value) for name in FAMILIES)
    with pytest.raises(InputTypeError, match="a name or a family object, got 3"):
        get_family(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
def test_families_that_need_arguments(name: str) -> None:
    built = WITH_ARGUMENTS[name]
    with pytest.raises(InputTypeError, match="family must be an object here, got"):
        get_family(name)
    with pytest.raises(InputTypeError, match=f"build it with {built.split('(')[0]}"):
        get_family(getattr(families, built.split("(")[0]))


def test_package_names_are_lazy_and_complete() -> None:
    for name in families.__all__:
        assert getattr(families, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Cauchy'"):
        _ = families.Cauchy


def test_families_do_not_import_heavy_modules() -> None:
    code = (
        "import sys; from infostat.families.registry import FAMILIES, get_family\n"
        "import infostat.families.product, infostat.families.scipy_laws\n"
        "[get_family(name) for name in FAMILIES]\n"
        "heavy = ('scipy.stats', 'numba', 'matplotlib', 'joblib', 'statsmodels')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_frozen_refuses_other_families() -> None:
    assert not has_law(get_family("mvn"))
    with pytest.raises(InputError, match="families that have one: bernoulli, beta"):
        frozen(get_family("mvn"), [0.0, -0.5])


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("beta", {"a": 0.5, "b": 2.0}),
        ("exponential", {"rate": 2.0}),
        ("gamma", {"shape": 3.0, "rate": 2.0}),
        ("normal", {"mean": 1.0, "var": 4.0}),
        ("vonmises", {"mu": 3.0, "kappa": 4.0}),
        ("vonmises", {"mu": 1.0, "kappa": 0.0}),
    ],
)
def test_probability_transform_is_uniform_under_the_model(name: str, params: dict[str, float]) -> None:
    family = get_family(name)
    theta = family.natural(**params)
    n = 4000
    u = np.sort(probability_transform(family, theta, family.sample(theta, n, 5)))
    assert 0.0 <= u[0] <= u[-1] <= 1.0
    # Dvoretzky-Kiefer-Wolfowitz: the distance exceeds this with probability 2e-5 at most.
    bound = np.sqrt(np.log(2 / 2e-5) / (2 * n))
    assert np.abs(u - (np.arange(n) + 0.5) / n).max() < bound
