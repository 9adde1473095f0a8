"""Which families there are: every module of this folder says which names it brings.

A module declares ``REGISTERED = {"gamma": "Gamma()"}``, the name that people type and the call that builds the
family; a call with positional arguments, such as ``"LogLinear(shape, terms)"``, says that the family means
nothing without them. Declarations are read without importing the modules, so that listing the names costs
nothing. The tests in ``tests/families`` run over this table.
"""

from __future__ import annotations

import ast
import difflib
from importlib import import_module
from pathlib import Path
from typing import Any

from ..core.declared import declared
from ..core.errors import InputError, InputTypeError
from ..core.validation import short
from .base import ExponentialFamily

__all__ = ["ALIASES", "CLASSES", "FAMILIES", "WITH_ARGUMENTS", "family_names", "get_family"]

_FOLDER = str(Path(__file__).parent)


def _read_declarations() -> tuple[dict[str, tuple[str, str, dict[str, Any]]], dict[str, str], dict[str, str]]:
    families, needy, classes = {}, {}, {}
    for module, names in declared(__package__, _FOLDER, "REGISTERED").items():
        for name, text in names.items():
            if name in families or name in needy:
                raise RuntimeError(f"two modules of {__package__} register a family {name!r}")
            call = ast.parse(text, mode="eval").body
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                raise RuntimeError(f"REGISTERED of {__package__}.{module} must name a call, got {text!r}")
            classes[call.func.id] = module
            if call.args:
                needy[name] = text
            else:
                keywords = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
                families[name] = (module, call.func.id, keywords)
    return dict(sorted(families.items())), dict(sorted(needy.items())), dict(sorted(classes.items()))


# FAMILIES: name -> (module, class, constructor keywords).
# WITH_ARGUMENTS: families that mean nothing without arguments, name -> how they are built.
# CLASSES: class -> module.
FAMILIES, WITH_ARGUMENTS, CLASSES = _read_declarations()

# other spellings -> name
ALIASES: dict[str, str] = {
    other: name
    for spellings in declared(__package__, _FOLDER, "ALSO_CALLED").values()
    for other, name in spellings.items()
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
