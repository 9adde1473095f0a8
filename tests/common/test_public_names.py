"""Docstrings, type hints, light imports and file sizes, over the whole package."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import infostat
from infostat.core.results import Result
from tests.common.discovery import ROOT, documented, modules, public_names, sections

NAMES = dict(public_names())
HEAVY = ("numba", "scipy", "pandas", "matplotlib", "joblib", "statsmodels", "jinja2", "sklearn", "dask", "ot")


def _function(thing: Any) -> Callable[..., Any] | None:
    """The Python function behind a public name, compiled or wrapped as it may be."""
    thing = getattr(thing, "py_func", thing)
    return thing if inspect.isfunction(thing) else None


FUNCTIONS = {name: found for name, thing in NAMES.items() if (found := _function(thing)) is not None}
CLASSES = {name: thing for name, thing in NAMES.items() if inspect.isclass(thing)}
# The wings and what stands beside them; the modules of core are for the package itself.
WING_FUNCTIONS = {name: f for name, f in FUNCTIONS.items() if not name.startswith("infostat.core.")}


def _methods() -> Iterator[tuple[str, Any]]:
    """Public methods that public classes define, each once."""
    seen = set()
    for name, cls in sorted(CLASSES.items()):
        for label, member in vars(cls).items():
            function = getattr(member, "__func__", member)
            if not label.startswith("_") and inspect.isfunction(function) and function not in seen:
                seen.add(function)
                yield f"{name}.{label}", getattr(cls, label)


METHODS = dict(_methods())


def _parameters(function: Any) -> list[inspect.Parameter]:
    found = inspect.signature(function).parameters.values()
    return [p for p in found if p.name not in ("self", "cls") and not p.name.startswith("_")]


def test_the_walk_finds_what_users_meet_first() -> None:
    assert {"infostat.pn_criterion", "infostat.projection.risk_terms"} <= set(NAMES)
    assert {"infostat.load_dataset", "infostat.core.results.to_json"} <= set(FUNCTIONS)
    assert "infostat.families.Normal" in CLASSES


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_all_lists_what_a_module_has(module: Any) -> None:
    assert module.__doc__
    names = getattr(module, "__all__", [])
    assert len(names) == len(set(names))
    missing = [name for name in names if not hasattr(module, name)]
    assert not missing
    if "__getattr__" in vars(module):
        assert set(names) <= set(dir(module))


@pytest.mark.parametrize("name", sorted({**FUNCTIONS, **CLASSES}))
def test_the_first_line_is_one_sentence(name: str) -> None:
    text = inspect.getdoc(NAMES[name])
    assert text
    first, *rest = text.split("\n")
    assert first.rstrip().endswith(".")
    assert not rest or not rest[0].strip(), "a blank line follows the first one"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_document_what_goes_in_and_comes_out(name: str) -> None:
    function = FUNCTIONS[name]
    found = sections(function.__doc__ or "")
    wanted = {parameter.name for parameter in _parameters(function)}
    assert documented(found.get("Parameters", "")) == wanted
    returns = inspect.signature(function).return_annotation
    if returns not in ("None", None):
        assert found.keys() & {"Returns", "Yields"}


@pytest.mark.parametrize("name", sorted(WING_FUNCTIONS))
def test_functions_of_the_wings_show_an_example(name: str) -> None:
    found = sections(WING_FUNCTIONS[name].__doc__ or "")
    assert ">>> " in found.get("Examples", "")


@pytest.mark.parametrize("name", sorted({**FUNCTIONS, **METHODS}))
def test_parameters_and_returns_have_type_hints(name: str) -> None:
    function = {**FUNCTIONS, **METHODS}[name]
    bare = [p.name for p in _parameters(function) if p.annotation is inspect.Parameter.empty]
    assert not bare
    assert inspect.signature(function).return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", sorted(METHODS))
def test_public_methods_have_a_docstring(name: str) -> None:
    text = inspect.getdoc(METHODS[name])
    assert text
    assert text.split("\n")[0].rstrip().endswith(".")


OTHER_CLASSES = sorted(name for name, cls in CLASSES.items() if not issubclass(cls, (Result, Exception)))


@pytest.mark.parametrize("name", OTHER_CLASSES)
def test_classes_document_what_they_are_made_of(name: str) -> None:
    cls = CLASSES[name]
    if cls.__init__ is object.__init__ or getattr(cls, "_is_protocol", False) or inspect.isabstract(cls):
        return
    if "Made by " in cls.__doc__:  # users get it, and do not make it
        return
    found = sections(cls.__doc__)
    named = documented(found.get("Parameters", "")) | documented(found.get("Attributes", ""))
    try:
        wanted = {p.name for p in _parameters(cls) if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    except ValueError:  # a built-in class without a signature, such as dict
        return
    assert wanted <= named, f"not documented: {sorted(wanted - named)}"


@pytest.mark.parametrize(
    "statement",
    [
        "import infostat; dir(infostat); infostat.__version__",
        "import infostat.core, infostat.core.errors, infostat.core.validation, infostat.core.rng",
        "import infostat; infostat.core, infostat.projection, infostat.families, infostat.datasets",
        "import infostat.cli.main",
    ],
)
def test_imports_are_light(statement: str) -> None:
    code = f"import sys; {statement}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_check_of_light_imports_sees_heavy_ones() -> None:
    code = f"import sys, pandas; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pandas" in done.stdout


def test_an_unknown_name_is_an_attribute_error() -> None:
    for package in (infostat, infostat.projection, infostat.families):
        with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
            package.nonsense  # noqa: B018


FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("name", FILES)
def test_files_stay_readable(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    lines = text.count("\n")
    assert lines <= 500, "look for the second concept hiding inside"
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    if name != "__main__.py" and ast.parse(text).body[1:]:
        assert "from __future__ import annotations" in text or name.endswith("__init__.py")
