"""What it costs to start: imports, ``infostat --help``, the first call and the second run of a command.

Every run is a process of its own from start to exit; what a package costs beyond NumPy is the difference of
two lines. The folder of the compiled code is a temporary one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable

from ._machine import environment
from ._registry import Contender, Trial, workload

CALL = """
import warnings
import numpy as np
import infostat
warnings.simplefilter("ignore")
infostat.pn_criterion(np.random.default_rng(1).normal(size=({n}, {d})), "mvn")
"""
NOTHING: dict[str, str] = {}


def process(*arguments: str, **extra: str) -> Callable[[], None]:
    """Return a run of this interpreter with these arguments."""

    def run() -> None:
        env = {**environment(), **extra}
        subprocess.run([sys.executable, *arguments], env=env, capture_output=True, check=True)

    return run


def imports(names: str) -> Callable[[], None]:
    """Return a run that imports and stops."""
    return process("-c", f"import {names}")


@workload(
    "import", "import infostat", quick=NOTHING, standard=NOTHING, target="ratio import numpy >= 0.5", serial=True
)
def import_package(threads: int) -> Trial:
    """Beside NumPy alone and beside what infostat leaves for later."""
    contenders = [
        Contender("infostat", imports("numpy, infostat")),
        Contender("import numpy", imports("numpy"), "numpy"),
        Contender("import scipy.stats", imports("scipy.stats"), "scipy"),
        Contender("import pandas", imports("pandas"), "pandas"),
        Contender("import numba", imports("numba"), "numba"),
        Contender("import sklearn.neighbors", imports("sklearn.neighbors"), "scikit-learn", "sklearn"),
        Contender("bare interpreter", process("-c", "pass")),
    ]
    return Trial(contenders)


@workload("help", "infostat --help", quick=NOTHING, standard=NOTHING, target="seconds < 0.5", serial=True)
def show_help(threads: int) -> Trial:
    """The whole command."""
    contenders = [
        Contender("infostat", process("-m", "infostat", "--help")),
        Contender("infostat pn --help", process("-m", "infostat", "pn", "--help")),
        Contender("import numpy", imports("numpy"), "numpy"),
    ]
    return Trial(contenders)


@workload(
    "first-call", "first pn_criterion of a process", quick={"n": 200, "d": 3}, standard={"n": 1599, "d": 24},
    serial=True,
)  # fmt: skip
def first_call(threads: int, n: int, d: int) -> Trial:
    """With compiled code on disk, with none yet, and with the NumPy twins; interpreter and imports included."""
    code = CALL.format(n=n, d=d)
    warm = tempfile.TemporaryDirectory()

    def cold() -> None:
        with tempfile.TemporaryDirectory() as empty:
            process("-c", code, NUMBA_CACHE_DIR=empty)()

    contenders = [
        Contender("infostat", process("-c", code, NUMBA_CACHE_DIR=warm.name)),
        Contender("nothing compiled yet", cold),
        Contender("NumPy twins", process("-c", code, INFOSTAT_DISABLE_JIT="1")),
    ]
    return Trial(contenders, close=warm.cleanup)


@workload(
    "second-run", "a command on the red wine, compiled code on disk", quick={"command": "pn"},
    standard={"command": "kde"}, serial=True,
)  # fmt: skip
def second_run(threads: int, command: str) -> Trial:
    """With and without the compiled code that an earlier run left; kde compiles much."""
    line = ("-m", "infostat", command, "dataset:wine_red", "--drop", "quality")
    warm = tempfile.TemporaryDirectory()

    def cold() -> None:
        with tempfile.TemporaryDirectory() as empty:
            process(*line, NUMBA_CACHE_DIR=empty)()

    contenders = [
        Contender("infostat", process(*line, NUMBA_CACHE_DIR=warm.name)),
        Contender("nothing compiled yet", cold),
    ]
    return Trial(contenders, close=warm.cleanup)
