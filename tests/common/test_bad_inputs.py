"""Every public function of every wing against a table of bad values, argument by argument.

A function that is added to the public names without a good call in the tables of tests/common/calls_*
fails `test_every_public_function_has_a_good_call`. A sample of the table runs every time; the whole of
it is marked slow.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import infostat
from infostat.core.errors import InfostatWarning
from infostat.core.results import Result
from infostat.divergences import Generator
from infostat.families.base import ExponentialFamily
from infostat.families.tilted_draws import TiltedDraws
from infostat.reporting.figures import FigureEntry
from tests.common import calls_alignment, calls_density, calls_divergences, calls_projection, calls_reporting
from tests.common.bad_values import BAD, Call, attack, numbers_missing
from tests.generalization import test_hostile_input as hostile_generalization

WINGS = {
    "divergences": calls_divergences.CALLS,
    "density": calls_density.CALLS,
    "alignment": calls_alignment.CALLS,
    "generalization": hostile_generalization.CALLS,
    "families": calls_projection.FAMILIES,
    "projection": calls_projection.PROJECTION,
    "reporting": calls_reporting.CALLS,
}
CALLS: dict[str, Call] = {f"{wing}: {name}": call for wing, calls in WINGS.items() for name, call in calls.items()}
# Where these live, and what beside functions is called by users: classes that are no results.
PLACES = (
    "divergences", "density", "density.spectra", "alignment", "generalization", "families", "projection", "reporting",
    "reporting.figures", "datasets",
)  # fmt: skip
# Abstract, made by the package itself, or a plain record of what a module of the catalogue declares.
NOT_CALLED = {ExponentialFamily, TiltedDraws, Generator, FigureEntry}
# Studies of a second and more; the table of their own tests holds them.
LONG = {f"generalization: {name}" for name in hostile_generalization.SLOW}
LONG |= {"reporting: report", "reporting: write_figures"}
# Values that ask for minutes of honest work: all figures, a hundred bandwidths.
HONEST_WORK = {
    ("reporting: write_figures", "names"): ("none", "empty text", "empty list", "empty tuple", "empty dict", "no rows"),
    ("density: finite_size", "h"): ("long list", "cube of ones"),
    ("density: finite_size, log_n", "h"): ("long list", "cube of ones"),
}  # fmt: skip
SAMPLE = 5


def _public() -> dict[str, Any]:
    """Public functions and classes by name, each once; results are made by functions."""
    found = {}
    for place in PLACES:
        module = importlib.import_module(f"infostat.{place}")
        for name in module.__all__:
            thing = getattr(module, name)
            a_class = inspect.isclass(thing) and not issubclass(thing, (Result, Exception))
            ours = getattr(thing, "__module__", "").startswith(f"infostat.{place}")
            if (inspect.isfunction(thing) or a_class) and ours and thing not in NOT_CALLED:
                found[name] = thing
    return found


@functools.cache
def _missing(name: str) -> frozenset[str]:
    function, good = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        if name == "generalization: read_activations":  # of a file that does not exist
            return frozenset()
        return frozenset(numbers_missing(function(**good)))


def _failures(name: str, per_argument: int | None) -> list[str]:
    function, good = CALLS[name]
    found = []
    for argument in good:
        chosen = [kind for kind in BAD if kind not in HONEST_WORK.get((name, argument), ())]
        if per_argument is not None:
            seed = zlib.crc32(f"{name} {argument}".encode())
            chosen = list(np.random.default_rng(seed).choice(chosen, per_argument, replace=False))
        for kind in chosen:
            problem = attack(function, good, argument, BAD[kind], set(_missing(name)))
            if problem:
                found.append(f"{argument} = {kind}: {problem}")
    return found


def test_every_public_function_has_a_good_call() -> None:
    assert set(_public()) - {name.split(": ")[1].split(",")[0] for name in CALLS} == set()


def test_the_functions_at_the_top_are_those_of_the_wings() -> None:
    wings = set(_public().values())
    top = [getattr(infostat, name) for name in infostat.__all__ if callable(getattr(infostat, name))]
    assert top and all(thing in wings for thing in top)


@pytest.mark.parametrize("name", CALLS)
def test_a_good_call_has_every_argument(name: str) -> None:
    function, _ = CALLS[name]
    wing, label = name.split(": ")
    parts = {key for call, (_, good) in CALLS.items() if call.split(",")[0] == name.split(",")[0] for key in good}
    # Arguments of execution of generalization's own table are attacked where they are read.
    execution = {"progress", "n_jobs", "batch_size", "checkpoint"} if wing == "generalization" else set()
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    wanted = {p.name for p in inspect.signature(function).parameters.values() if p.kind not in variable}
    assert wanted - {"self"} - execution <= parts or label == "GibbsAlgorithm"


@pytest.mark.parametrize("name", [name for name in CALLS if name not in LONG])
def test_bad_values_are_refused_in_one_voice(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a text is the name of a file for some
    assert _failures(name, SAMPLE) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_every_bad_value_is_refused_in_one_voice(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _failures(name, None) == []
