"""What the modules of a folder declare about themselves, found without importing them.

A family, a divergence or a bound is added by adding one file. The file says in a literal which names it
brings; this module reads such literals from the source text, so that listing what there is stays cheap
and loads none of it.
"""

from __future__ import annotations

import ast
import pkgutil
import re
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["declared", "declared_names"]


@lru_cache(maxsize=32)
def declared(package: str, folder: str, word: str) -> dict[str, Any]:
    """Return the literal that each module of a package assigns to one name.

    Parameters
    ----------
    package : str
        Name of the package, as ``__name__`` gives it.
    folder : str
        Its folder.
    word : str
        Name of the assignment at the top level of the modules, e.g. ``"REGISTERED"``.

    Returns
    -------
    dict of str to literal
        By module, in alphabetical order; modules that do not assign the name are left out. Do not change it.

    Raises
    ------
    RuntimeError
        If a module assigns something else than a literal, which is an error of the package.

    Examples
    --------
    >>> from infostat import families
    >>> declared(families.__name__, families.__path__[0], "REGISTERED")["gamma"]
    {'gamma': 'Gamma()'}
    """
    line = re.compile(rf"^{word} = ", flags=re.MULTILINE)
    found = {}
    for name in sorted(info.name for info in pkgutil.iter_modules([folder])):
        source = Path(folder, f"{name}.py")
        if not source.is_file():  # installed without sources, or a package
            value = getattr(import_module(f"{package}.{name}"), word, None)
        else:
            text = source.read_text("utf-8")
            start = line.search(text)
            value = _literal(text[start.start() :], f"{package}.{name}") if start else None
        if value is not None:
            found[name] = value
    return found


def _literal(text: str, module: str) -> Any:
    """Value of the assignment with which a text begins; the rest of the module is not parsed, which takes longer."""
    lines = text.splitlines()
    for last in range(1, len(lines) + 1):
        try:
            statement = ast.parse("\n".join(lines[:last])).body[0]
        except SyntaxError:  # goes on in the next line
            continue
        try:
            return ast.literal_eval(statement.value)  # type: ignore[attr-defined]
        except ValueError:
            break
    raise RuntimeError(f"{module}: {lines[0]!r} must be a literal, which can be read without importing the module")


def declared_names(package: str, folder: str, word: str) -> dict[str, str]:
    """Return which module brings each name, where modules declare a tuple of names.

    Parameters
    ----------
    package, folder, word : str
        As in `declared`.

    Returns
    -------
    dict of str to str
        Module of every name.

    Raises
    ------
    RuntimeError
        If two modules declare the same name, or a module its own.

    Examples
    --------
    >>> from infostat import divergences
    >>> declared_names(divergences.__name__, divergences.__path__[0], "KINDS")["kl"]
    'generator_table'
    """
    owners: dict[str, str] = {}
    for module, names in declared(package, folder, word).items():
        for name in names:
            if name in owners:
                raise RuntimeError(f"{name!r} is declared by {owners[name]} and by {module} of {package}")
            if name == module:  # importing the module would hide what the package offers under the name
                raise RuntimeError(f"module {package}.{module} must not be called like the name {name!r} it declares")
            owners[name] = module
    return owners
