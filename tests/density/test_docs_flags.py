"""Every flag that a density result can carry is explained on a page of the documentation, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import infostat.density
from infostat.density import diagnosis_result, selection_results

PACKAGE = Path(infostat.density.__file__).parent
DOCS = PACKAGE.parents[1] / "docs"
pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="an installed package comes without its pages")
# Where words are put into `flags`; a new module with flags has to be entered here, see the last test.
_MAKERS = ("diagnosis", "duplicates", "selection", "regimes", "simulation", "assessment")


def _explained(page: str) -> set[str]:
    """First column of the tables that are headed by the word flag."""
    text = (DOCS / page).read_text(encoding="utf-8")
    tables = re.findall(r"\n   \* - flag\n(.*?)(?=\n\S)", text, flags=re.DOTALL)
    assert tables
    return {word for table in tables for word in re.findall(r"^   \* - `(\w+)`$", table, flags=re.MULTILINE)}


def _raised() -> set[str]:
    """Words that look like flags in the code that makes them: strings near a name that ends in flags."""
    found = set()
    for name in _MAKERS:
        tree = ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if _makes_flags(node):
                constants = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                found |= {value for value in constants if isinstance(value, str)}
    return {word for word in found if re.fullmatch(r"[a-z]+(_[a-z]+)*", word)}


def _makes_flags(node: ast.AST) -> bool:
    if isinstance(node, (ast.Assign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(t, ast.Name) and t.id.lower().endswith(("flag", "flags")) for t in targets)
    if isinstance(node, ast.Call):
        method = node.func
        appends = isinstance(method, ast.Attribute) and method.attr == "append"
        return appends and isinstance(method.value, ast.Name) and method.value.id == "flags"
    if isinstance(node, ast.keyword):
        return node.arg == "flags"
    return isinstance(node, ast.FunctionDef) and node.name.endswith("_flags")


def test_the_words_with_sentences_are_those_of_the_page() -> None:
    explained = _explained("trust_density.rst")
    assert set(diagnosis_result._FLAGS) <= explained
    assert set(selection_results._FLAGS) <= explained
    assert explained == set(diagnosis_result._FLAGS) | set(selection_results._FLAGS)


def test_every_word_that_the_code_can_raise_is_on_a_page() -> None:
    pages = _explained("trust_density.rst") | _explained("phase_diagram.rst")
    raised = _raised()
    assert pages <= raised, f"explained but never raised: {sorted(pages - raised)}"
    # What is left are values of other things in the same statements (method names and the like).
    others = {"theory"}
    assert raised - pages <= others, f"raised but not explained: {sorted(raised - pages - others)}"


def test_every_module_that_makes_flags_is_looked_at() -> None:
    makers = {
        path.stem
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and any(k.arg == "flags" for k in node.keywords)
    }
    # These pass on the flags of a theory.
    assert makers <= {*_MAKERS, "collapse", "phases", "thresholds"}
