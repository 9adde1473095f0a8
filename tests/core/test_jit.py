"""Kernels compile late, agree with their twins, and can be switched off."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from infostat.core.errors import InputError, InputTypeError
from infostat.core.jit import DISABLE_VARIABLE, Kernel, jit_disabled, kernel

ROOT = Path(__file__).resolve().parents[2]


def _dot_numpy(x, y):
    return float(x @ y)


def make_dot() -> Kernel:
    @kernel(twin=_dot_numpy, fastmath={"contract"})
    def dot(x, y):
        total = 0.0
        for i in range(x.size):
            total += x[i] * y[i]
        return total

    return dot


MODULE = textwrap.dedent(
    '''
    import numpy as np
    from infostat.core.jit import kernel

    def _square_numpy(x):
        return x * x

    @kernel(twin=_square_numpy)
    def square(x):
        return x * x

    def _norm2_numpy(x):
        return float((x * x).sum())

    @kernel(twin=_norm2_numpy)
    def norm2(x):
        total = 0.0
        for i in range(x.size):
            total += square(x[i])
        return total
    '''
)


def run_with_module(folder: Path, script: str, **environment: str) -> str:
    (folder / "module_of_kernels.py").write_text(MODULE)
    paths = os.pathsep.join([str(folder), str(ROOT)])
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_compiled_python_and_twin_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    dot = make_dot()
    x, y = np.arange(5.0), np.ones(5)
    assert not dot.is_compiled
    # Sums of small integers are exact in any order.
    assert dot(x, y) == dot.python(x, y) == dot.twin(x, y) == 10.0
    assert dot.is_compiled
    assert "dot" in repr(dot)
    assert dot.__name__ == "dot"


def test_numba_is_imported_at_the_first_call_only(tmp_path: Path) -> None:
    out = run_with_module(
        tmp_path,
        """
        import sys, numpy as np
        import module_of_kernels as m
        before = "numba" in sys.modules
        value = m.norm2(np.array([1.0, 2.0]))
        print(before, value, "numba" in sys.modules)
        """,
    )
    assert out == "False 5.0 True"


def test_switch_runs_the_twin_and_never_imports_numba(tmp_path: Path) -> None:
    out = run_with_module(
        tmp_path,
        """
        import sys, numpy as np
        import module_of_kernels as m
        print(m.norm2(np.array([1.0, 2.0])), "numba" in sys.modules)
        """,
        INFOSTAT_DISABLE_JIT="1",
    )
    assert out == "5.0 False"


@pytest.mark.parametrize(
    ("value", "off"),
    [("1", True), ("true", True), (" TRUE ", True), ("0", False), ("", False), ("no", False)],
)
def test_switch_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch, value: str, off: bool) -> None:
    calls: list[str] = []

    def twin(x):
        calls.append("twin")
        return x

    @kernel(twin=twin)
    def same(x):
        return x

    monkeypatch.setenv(DISABLE_VARIABLE, value)
    assert jit_disabled() is off
    assert same(2.0) == 2.0
    assert calls == (["twin"] if off else [])


def test_kernels_call_kernels_pickle_by_reference_and_use_the_cache(tmp_path: Path) -> None:
    script = """
        import pickle, numpy as np
        import module_of_kernels as m
        assert pickle.loads(pickle.dumps(m.norm2)) is m.norm2
        value = m.norm2(np.arange(4.0))
        print(value, sum(m.norm2.compiled.stats.cache_hits.values()))
        """
    assert run_with_module(tmp_path, script) == "14.0 0"
    assert run_with_module(tmp_path, script) == "14.0 1"


def test_missing_cache_folder_falls_back_to_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = pytest.importorskip("numba")
    original, requests = numba.njit, []

    def read_only(*args, **options):
        requests.append(options["cache"])
        if options["cache"]:
            raise RuntimeError("cannot cache function 'dot': no locator available for file 'x.py'")
        return original(*args, **options)

    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    monkeypatch.setattr(numba, "njit", read_only)
    assert make_dot()(np.ones(3), np.ones(3)) == 3.0
    assert requests == [True, False]


def test_unwritable_cache_at_call_time_falls_back_to_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    dot = make_dot()

    def full_disk(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dot, "_dispatcher", full_disk)
    assert dot(np.ones(3), np.ones(3)) == 3.0


def test_other_compile_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = pytest.importorskip("numba")

    def broken(*args, **options):
        raise RuntimeError("something else")

    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    monkeypatch.setattr(numba, "njit", broken)
    with pytest.raises(RuntimeError, match="something else"):
        make_dot()(np.ones(3), np.ones(3))


def test_threads_share_one_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    dot = make_dot()
    with ThreadPoolExecutor(4) as pool:
        dispatchers = set(pool.map(lambda _: id(dot.compiled), range(8)))
    assert len(dispatchers) == 1


def test_local_kernels_do_not_pickle_silently() -> None:
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(make_dot())


@pytest.mark.parametrize("flags", [False, (), {"contract"}, ["reassoc", "nsz", "nnan"]])
def test_allowed_fastmath(flags: object) -> None:
    assert isinstance(kernel(twin=_dot_numpy, fastmath=flags)(lambda x, y: 0.0), Kernel)  # type: ignore[arg-type]


@pytest.mark.parametrize("flags", [True, "contract", {"afn"}, {"arcp", "contract"}, {"ninf"}, 3, {"fast"}])
def test_refused_fastmath(flags: object) -> None:
    with pytest.raises(InputError, match="False or flags among contract, nnan, nsz, reassoc, got"):
        kernel(twin=_dot_numpy, fastmath=flags)  # type: ignore[arg-type]


def test_twin_must_have_the_same_parameters() -> None:
    with pytest.raises(InputTypeError, match=r"twin must have the parameters \['x'\]"):

        @kernel(twin=_dot_numpy)
        def lonely(x):
            return x

    with pytest.raises(InputTypeError, match="twin must be a function"):
        kernel(twin=3)  # type: ignore[arg-type]


_BITS = """
import numpy as np
from infostat.density.simulation_kernels import weigh
blocks = np.random.default_rng(1).chisquare(10, (40, 3001))
found = weigh(iter(blocks), np.array([0.2, 1.0, 3.0]), True)
print(found.log_Z.tobytes().hex(), found.participation.tobytes().hex(), found.entropy.tobytes().hex())
"""


def test_the_bits_do_not_depend_on_who_compiled(tmp_path):
    # Kernels that call kernels: a study begun by the process that compiles, and resumed by one that finds
    # the machine code in the cache, has to end in the same bits.
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", _BITS]
    runs = [subprocess.run(call, env=environment, capture_output=True, text=True, check=True) for _ in range(2)]
    assert list(tmp_path.rglob("*.nbc"))
    assert runs[0].stdout == runs[1].stdout
