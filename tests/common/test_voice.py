"""One voice: the same gestures, words and looks in every wing.

The vocabulary stands in ``tests/common/voice.py``. Figures are judged where they are drawn, in
``test_results_contract.py``.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from typing import Any

import pytest
import typer

from infostat.cli.main import app
from infostat.core.results import Result
from infostat.core.tables import Section, caution
from infostat.core.words import ROW_LABELS, column_label, row_label
from tests.common.discovery import ROOT, public_names, result_classes
from tests.common.result_examples import EXAMPLES, build
from tests.common.voice import ARGUMENTS_NOT_SAID, label_faults, note_faults

examples = pytest.mark.parametrize("name", sorted(EXAMPLES))


# ------------------------------------------------------------------- arguments
def _functions() -> dict[str, inspect.Signature]:
    """Public functions of the wings and of what stands beside them, each once."""
    found: dict[Any, tuple[str, inspect.Signature]] = {}
    for name, thing in public_names():
        if inspect.isfunction(thing) and not name.startswith("infostat.core."):
            found.setdefault(thing, (name, inspect.signature(thing)))
    return dict(found.values())


FUNCTIONS = _functions()
# Options, with the defaults that they may have. All are given by name only.
OPTIONS: dict[str, tuple[Any, ...]] = {
    "rng": (None, 0),  # 0 where the answer should not change from call to call: ties, subsamples, reports
    "n_jobs": (None,),
    "batch_size": (None,),
    "progress": (False,),
    "checkpoint": (None,),
    "confidence_level": (0.95,),
    "n_effective": (None,),
    "base": (None,),
    "logits": (False,),
    "nan": ("raise",),
    "duplicates": ("group",),
    "prompt_id": (None,),
    "tie_tol": (0.0,),
    "jitter": (None,),
    "x_weights": (None,),
    "y_weights": (None,),
}


def test_options_are_given_by_name_and_have_one_default() -> None:
    wrong = []
    for name, signature in FUNCTIONS.items():
        for option, defaults in OPTIONS.items():
            given = signature.parameters.get(option)
            if given is None or (option == "base" and given.default is inspect.Parameter.empty):
                continue  # the base law of a policy is no option
            if given.kind is not inspect.Parameter.KEYWORD_ONLY or given.default not in defaults:
                wrong.append(f"{name}: {given}")
    assert not wrong


def test_arguments_have_one_name() -> None:
    wrong = [
        f"{name}: {argument} is called {ARGUMENTS_NOT_SAID[argument]}"
        for name, signature in FUNCTIONS.items()
        for argument in signature.parameters
        if argument in ARGUMENTS_NOT_SAID
    ]
    # `level` is a number of quantisation levels nowhere alone, and scikit-learn's word is kept in fit only.
    assert not wrong


def test_data_come_first() -> None:
    data = {"data", "X", "samples", "P", "joint", "data_or_results"}
    for name, signature in FUNCTIONS.items():
        names = list(signature.parameters)
        for given in data & set(names):
            if signature.parameters[given].default is inspect.Parameter.empty:
                assert names[0] == given, f"{name}: {given} comes first"


# -------------------------------------------------------------------- commands
def _commands() -> dict[str, Any]:
    def below(command: Any, name: str) -> dict[str, Any]:
        if not hasattr(command, "commands"):
            return {name: command}
        return {k: v for n, c in command.commands.items() for k, v in below(c, f"{name} {n}".strip()).items()}

    return below(typer.main.get_command(app), "")


COMMANDS = _commands()
# Options whose help is the command's own: they count or choose something else in each.
OWN = {
    "--alpha", "--alphas", "--bandwidth", "--bootstrap", "--bounds", "--checkpoint", "--config", "--d", "--families",
    "--family", "--format", "--kind", "--kl", "--loss", "--m", "--mu", "--n", "--order", "--output", "--quantity",
    "--replicates", "--spectrum", "--title", "--truth",
}  # fmt: skip
# The order in which the last options stand.
LAST = ("--columns", "--drop", "--format", "--output", "--plot", "--report", "--seed", "--jobs", "--scheduler")


def _options(command: Any) -> dict[str, Any]:
    return {p.opts[-1]: p for p in command.params if p.param_type_name == "option" and p.name != "help"}


def test_the_same_option_says_the_same() -> None:
    said: dict[tuple[bool, str], dict[tuple[Any, Any], list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, command in COMMANDS.items():
        # A simulation takes lists of values where other commands take one.
        group = name.startswith("simulate")
        for option, found in _options(command).items():
            said[group and option not in LAST, option][found.help, str(found.metavar)].append(name)
    different = {key: dict(found) for key, found in said.items() if len(found) > 1 and key[1] not in OWN}
    assert not different


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_is_said_in_sentences(name: str) -> None:
    command = COMMANDS[name]
    assert command.help and command.help.split("\n")[0].rstrip().endswith((".", "?"))
    for found in command.params:
        if found.name in ("help", "version") or getattr(found, "hidden", False):
            continue
        text = getattr(found, "help", None)
        assert text and text.rstrip().endswith(".") and "  " not in text, f"{found.opts}: {text!r}"
    for option in _options(command):
        assert re.fullmatch(r"--[a-z]+[a-z0-9]*(-[a-z0-9]+)*", option)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_shared_options_come_in_one_order(name: str) -> None:
    shared = [option for option in _options(COMMANDS[name]) if option in LAST]
    if name == "figures":  # its --output and --format say where the pictures go, and come first
        shared = [option for option in shared if option not in ("--output", "--format")]
    assert shared == [option for option in LAST if option in shared]


# ------------------------------------------------------------------- summaries
@examples
def test_summaries_have_one_shape(name: str) -> None:
    result = build(name)
    summary = result.summary()
    assert summary.title and not summary.title.endswith((".", ":"))
    assert summary.title[0].isupper() or summary.title.startswith(("p-n", "pass@k"))
    flags = getattr(result, "flags", ())
    own = isinstance(flags, tuple) and type(result).__name__ in _FLAGS
    if type(result).__name__ != "GridSimulation":  # whose labels are options, as a study's file spells them
        assert label_faults(summary.sections) == []
    assert note_faults(summary.notes, flags if own else ()) == []
    interpretation = getattr(result, "interpretation", None)
    if isinstance(interpretation, str) and interpretation:
        assert any(interpretation in note or note in interpretation for note in summary.notes)


# Results whose cautions are all their own; others also carry those of their parts.
_FLAGS = {cls.__name__ for cls in result_classes()} - {"Alignment", "DensityAssessment"}


@examples
def test_a_verdict_is_the_first_line_and_not_in_the_title(name: str) -> None:
    result = build(name)
    verdict = getattr(result, "verdict", None)
    if verdict is None or type(result).__name__ == "Report":
        return
    summary = result.summary()
    assert tuple(summary.sections[0].rows[0])[:2] == ("Verdict", verdict)
    assert verdict not in summary.title.split()
    assert f"verdict={verdict!r}" in repr(result)


@examples
def test_notebooks_show_the_same_words(name: str) -> None:
    import html

    result = build(name)
    shown = html.unescape(result._repr_html_())
    summary = result.summary()
    assert summary.title in shown
    assert all(note in shown for note in summary.notes)
    assert all(str(heading) in shown for section in summary.sections for heading in section.header)
    assert "style=" in shown and "<script" not in shown


def test_the_checks_see_what_they_should() -> None:
    pairs = Section([["p value", 0.1], ["n required", 3], ["kappa_one_layer", 1.0]])
    # "p value" and the field's name have two faults each.
    assert len(label_faults([pairs, Section([["a", 1]], ("x", "ess"))])) == 6
    assert note_faults(["[ties] Values repeat.", "no stop", "Caution: Few rows."], ()) != []
    assert note_faults([caution("ties", "Values repeat.")], ("ties",)) == []
    assert len(note_faults([caution("ties", "Values repeat.")], ("other",))) == 1


# ----------------------------------------------------------------------- words
def test_labels_of_fields_are_words() -> None:
    assert [row_label(x) for x in ("p_value", "n", "seed", "mu", "kl")] == [
        "p-value", "Rows n", "Seed", "mu", "KL (nats)"
    ]  # fmt: skip
    assert [column_label(x) for x in ("se", "true_reward", "h_CLT", "bound_cgf")] == [
        "s.e.", "true reward", "h_CLT", "bound CGF"
    ]  # fmt: skip
    assert label_faults([Section([[label, 1] for label in ROW_LABELS.values()])]) == []


def test_own_words_are_of_fields() -> None:
    for cls in result_classes():
        fields = {item.name for item in cls._fields()}
        assert set(cls._words) <= fields, cls.__name__


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*plots*.py")), ids=lambda path: path.stem + "-" + path.parent.name)
def test_figures_use_the_shared_look(path: Any) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"\(0, \((4, 2|1, 1\.5|5, 3)\)\)", text), "the dashes of core.drawing have names"
    assert "bbox_to_anchor=(0.5, -0.16)" not in text, "say legend_below(ax)"
    assert not re.search(r"from \.\w+ import .*\b_[a-z]", text), "a helper that two files use has a public name"


def test_result_is_the_base_of_every_example() -> None:
    assert all(isinstance(build(name), Result) for name in EXAMPLES)
