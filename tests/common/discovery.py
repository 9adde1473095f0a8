"""What the package offers: its modules, public names and results."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import infostat
from infostat.core.results import Result

ROOT = Path(infostat.__file__).parent


def modules() -> list[ModuleType]:
    """Return every module of the package, imported."""
    names = [info.name for info in pkgutil.walk_packages([str(ROOT)], "infostat.")]
    return [infostat, *(importlib.import_module(n) for n in names if not n.endswith("__main__"))]


def result_classes() -> list[type[Result]]:
    """Return every public result class of the package, sorted by module and name."""
    modules()

    def below(cls: type[Result]) -> Iterator[type[Result]]:
        for child in cls.__subclasses__():
            yield child
            yield from below(child)

    found = {cls for cls in below(Result) if cls.__module__.startswith("infostat.")}
    public = [cls for cls in found if not cls.__name__.startswith("_")]
    return sorted(public, key=lambda cls: (cls.__module__, cls.__name__))


def public_names() -> list[tuple[str, Any]]:
    """Return ("module.name", object) of everything that users are meant to import.

    These are the public names of the package, of its sub-packages, and of the modules of
    ``infostat.core``. The command line is reached through its command instead.
    """
    found = []
    for module in modules():
        name = module.__name__
        is_package = hasattr(module, "__path__") and not name.startswith("infostat.cli")
        if is_package or name.startswith("infostat.core."):
            names = getattr(module, "__all__", ())
            found += [(f"{name}.{public}", getattr(module, public)) for public in names]
    return sorted(found)


def sections(docstring: str) -> dict[str, str]:
    """Return the sections of a numpydoc docstring; what comes first is called "Summary"."""
    parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}$", inspect.cleandoc(docstring), flags=re.MULTILINE)
    return {"Summary": parts[0].strip(), **dict(zip(parts[1::2], parts[2::2], strict=True))}


def documented(section: str) -> set[str]:
    """Return the names that a Parameters or Attributes section describes."""
    lines = re.findall(r"^(\*{0,2}\w[^:\n]*?)(?: :.*)?$", section, flags=re.MULTILINE)
    return {name.strip().lstrip("*") for line in lines for name in line.split(",")}
