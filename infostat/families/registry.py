"""One line per family: names that :func:`get_family` knows, and nothing else.

Families are imported when they are asked for, so that listing the names costs
nothing. The tests in ``tests/families`` run over this table.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

from ..core.errors import InputError, InputTypeError
from ..core.validation import short
from .base import ExponentialFamily

__all__ = ["ALIASES", "FAMILIES", "WITH_ARGUMENTS", "family_names", "get_family"]

# name -> (module, class, constructor keywords)
FAMILIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bernoulli": ("bernoulli", "Bernoulli", {}),
    "beta": ("beta", "Beta", {}),
    "categorical": ("categorical", "Categorical", {}),
    "dirichlet": ("dirichlet", "Dirichlet", {}),
    "exponential": ("exponential", "Exponential", {}),
    "gamma": ("gamma", "Gamma", {}),
    "ising": ("ising", "Ising", {}),
    "ising_independent": ("ising", "Ising", {"edges": ()}),
    "mvn": ("multivariate_normal", "MultivariateNormal", {}),
    "mvn_diagonal": ("multivariate_normal", "MultivariateNormal", {"structure": "diagonal"}),
    "normal": ("normal", "Normal", {}),
    "poisson": ("poisson", "Poisson", {}),
    "vonmises": ("vonmises", "VonMises", {}),
}

ALIASES: dict[str, str] = {
    "gaussian": "normal",
    "multivariate_normal": "mvn",
    "mvn_full": "mvn",
    "diagonal": "mvn_diagonal",
    "von_mises": "vonmises",
}


# Families that mean nothing without arguments: name -> how they are built.
WITH_ARGUMENTS: dict[str, str] = {
    "finite_support": "FiniteSupport(points)",
    "generic": "GenericFamily(statistic, nodes=...)",
    "log_linear": "LogLinear(shape, terms)",
    "polynomial": "PolynomialDensity(degree)",
    "product": "ProductFamily(families)",
    "tilted_base": "TiltedBase(base, products)",
}


def family_names() -> list[str]:
    """Return the registered names, sorted.

    Returns
    -------
    list of str
        Names that :func:`get_family` accepts (aliases not repeated).

    Examples
    --------
    >>> family_names()[:3]
    ['bernoulli', 'beta', 'categorical']
    """
    return sorted(FAMILIES)


def get_family(family: str | ExponentialFamily | type[ExponentialFamily]) -> ExponentialFamily:
    """Return a family object from a name, a class or an object.

    Parameters
    ----------
    family : str, ExponentialFamily or subclass
        ``"normal"``, ``"mvn"``, ``"gamma"``, ... (case and hyphens do not
        matter); an object is returned as it is.

    Returns
    -------
    ExponentialFamily
        The family.

    Raises
    ------
    InputError
        If the name is unknown; the message lists the known ones.
    InputTypeError
        If the name or class belongs to a family that needs arguments, or if it is no family at all.

    Examples
    --------
    >>> get_family("mvn")
    MultivariateNormal('full')
    """
    if isinstance(family, ExponentialFamily):
        return family
    if isinstance(family, type) and issubclass(family, ExponentialFamily):
        if family.name in WITH_ARGUMENTS and family.name not in FAMILIES:
            raise _needs_arguments(family.__name__, family.name)
        return family()
    if not isinstance(family, str):
        raise InputTypeError(f"family must be a name or a family object, got {short(family)}")
    key = family.strip().lower().replace("-", "_").replace(" ", "_")
    key = ALIASES.get(key, key)
    if key in WITH_ARGUMENTS:
        raise _needs_arguments(repr(family), key)
    if key not in FAMILIES:
        close = difflib.get_close_matches(key, [*FAMILIES, *ALIASES], n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(f"unknown family {family!r}; {hint}known families: {', '.join(family_names())}")
    module, name, keywords = FAMILIES[key]
    loaded = import_module(f".{module}", __package__)
    built: ExponentialFamily = getattr(loaded, name)(**keywords)
    return built


def _needs_arguments(got: str, key: str) -> InputTypeError:
    return InputTypeError(f"family must be an object here, got {got}: build it with {WITH_ARGUMENTS[key]}")
