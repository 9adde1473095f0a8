"""Results in several threads, in other processes, and against changes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import pickle
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from infostat.core.results import Result, to_json
from infostat.core.style import figure_bytes, plot_style
from tests.common.result_examples import EXAMPLES

THREADS = 4
# Results that take long to make or to draw, which say nothing new about threads.
COSTLY = {"GalleryFigure"}


@functools.cache
def _build(name: str) -> Result:
    return EXAMPLES[name]()


def _drawn(result: Result) -> bytes:
    try:
        return figure_bytes(result._draw, "svg")
    except TypeError:  # it has no figure
        return b""


def _texts(result: Result) -> list[str]:
    """Everything that a result says, but for its figure."""
    summary = result.summary()
    texts = [str(summary), summary.to_html(), summary.to_latex(), summary.to_markdown(), repr(result)]
    return [*texts, result.to_frame().to_csv(index=False), to_json(result.to_dict()), str(hash(result))]


def _together(work: Callable[[], Any]) -> list[Any]:
    """The results of `work` in several threads that start at one time."""
    start = threading.Barrier(THREADS)

    def one(_: int) -> Any:
        start.wait()
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


# ------------------------------------------------------------------------------------------ threads
@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - COSTLY))
def test_threads_say_the_same(name: str) -> None:
    result = _build(name)
    alone = _texts(result)
    assert all(found == alone for found in _together(lambda: _texts(result)))


DRAWN = ["Frontier", "PNCriterion, with bootstrap"]


def test_threads_draw_the_same() -> None:
    results = [_build(name) for name in DRAWN]
    alone = [_drawn(result) for result in results]
    assert all(b"<svg" in picture for picture in alone)
    before = dict(matplotlib.rcParams)
    for found in _together(lambda: [_drawn(result) for result in results]):
        assert found == alone
    assert dict(matplotlib.rcParams) == before


def test_threads_plot_on_axes_of_their_own() -> None:
    result = _build("Tilt")

    def plot() -> tuple[int, tuple[str, ...], float]:
        ax = result.plot()
        return len(ax.lines), (ax.get_xlabel(), ax.get_ylabel()), ax.title.get_fontsize()

    before = dict(matplotlib.rcParams)
    assert len(set(_together(plot))) == 1
    assert len(plt.get_fignums()) == THREADS
    assert dict(matplotlib.rcParams) == before


def test_the_style_of_one_thread_is_not_seen_by_another_one() -> None:
    inside, checked = threading.Event(), threading.Event()
    seen: list[bool] = []

    def first() -> None:
        with plot_style():
            inside.set()
            checked.wait(0.2)  # the other one cannot come in meanwhile

    def second() -> None:
        inside.wait()
        with plot_style():
            seen.append(holder.is_alive())
        checked.set()

    holder = threading.Thread(target=first)
    other = threading.Thread(target=second)
    before = dict(matplotlib.rcParams)
    holder.start()
    other.start()
    holder.join()
    other.join()
    assert seen and dict(matplotlib.rcParams) == before


# ---------------------------------------------------------------------------------------- processes
_READER = """
import hashlib, pickle, sys, warnings
from infostat.core.results import to_json
for line, result in enumerate(pickle.load(open(sys.argv[1], "rb"))):
    text = str(result.summary()) + to_json(result.to_dict()) + repr(result)
    print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_a_new_process_reads_the_same(tmp_path: Path) -> None:
    results = [_build(name) for name in sorted(set(EXAMPLES) - COSTLY)]
    path = tmp_path / "results.pickle"
    path.write_bytes(pickle.dumps(results))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _READER, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    texts = [str(result.summary()) + to_json(result.to_dict()) + repr(result) for result in results]
    assert done.stdout.split() == [hashlib.sha256(text.encode()).hexdigest() for text in texts]


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - COSTLY))
def test_results_travel_as_parallel_workers_send_them(name: str) -> None:
    from joblib.externals.loky.backend.reduction import dumps

    result = _build(name)
    back = pickle.loads(bytes(dumps(result)))
    assert back == result and hash(back) == hash(result) and str(back.summary()) == str(result.summary())
    assert list(_writeable(back)) == []


# ------------------------------------------------------------------------------------------ changes
def _writeable(value: Any, where: str = "") -> Iterator[str]:
    """Places inside a result that could be changed by mistake."""
    if isinstance(value, Result):
        for field in dataclasses.fields(value):  # type: ignore[arg-type]
            yield from _writeable(getattr(value, field.name), f"{where}.{field.name}")
    elif isinstance(value, np.ndarray):
        if value.flags.writeable:
            yield where
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _writeable(item, f"{where}[{key!r}]")
        if not isinstance(value, types.MappingProxyType):
            try:
                value["new"] = None  # type: ignore[index]
            except TypeError:
                return
            yield f"{where} (mapping)"
    elif isinstance(value, tuple):
        for k, item in enumerate(value):
            yield from _writeable(item, f"{where}[{k}]")
    elif isinstance(value, (list, set, bytearray)):
        yield where


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - COSTLY))
def test_nothing_inside_can_be_changed(name: str) -> None:
    result = _build(name)
    before = to_json(result.to_dict())
    assert list(_writeable(result)) == []
    with pytest.raises((AttributeError, TypeError)):
        result.new_field = 1  # type: ignore[attr-defined]
    for table in _tables(result):
        table.insert(0, "new column", 0.0)
    if list(_tables(result)):  # what a property hands out may be a copy or not, but it is the caller's
        assert to_json(result.to_dict()) == before


def _tables(result: Result) -> Iterator[pd.DataFrame]:
    for name, value in vars(type(result)).items():
        if isinstance(value, property) and not name.startswith("_"):
            found = getattr(result, name)
            if isinstance(found, pd.DataFrame):
                yield found
