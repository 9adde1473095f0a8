"""Exponential families: statistics, cumulants, projection, sampling.

Every family is one file, which declares the names it goes by; :func:`get_family` finds it by name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .registry import CLASSES

if TYPE_CHECKING:
    from .base import ExponentialFamily
    from .bernoulli import Bernoulli
    from .beta import Beta
    from .categorical import Categorical
    from .dirichlet import Dirichlet
    from .exponential import Exponential
    from .finite_support import FiniteSupport
    from .gamma import Gamma
    from .generic import GenericFamily
    from .ising import Ising
    from .log_linear import LogLinear
    from .multivariate_normal import MultivariateNormal
    from .normal import Normal
    from .poisson import Poisson
    from .polynomial import PolynomialDensity
    from .product import ProductFamily
    from .registry import family_names, get_family
    from .tilted_base import TiltedBase
    from .tilted_draws import TiltedDraws
    from .vonmises import VonMises

_OTHERS = {
    "ExponentialFamily": "base",
    "TiltedDraws": "tilted_draws",
    "family_names": "registry",
    "get_family": "registry",
}
# class name -> module; a family enters through the declaration in its own module alone
_MODULES = {**CLASSES, **_OTHERS}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
