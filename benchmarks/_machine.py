"""What a timing depends on: versions, processor, threads; never a name of the host or a path."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

# Every distribution that a workload may touch; what is not installed is left out of the record.
PACKAGES = (
    "infostat", "numpy", "scipy", "numba", "pandas", "statsmodels", "joblib", "POT", "threadpoolctl", "typer",
    "rich", "scikit-learn", "KDEpy", "infomeasure", "ennemi", "npeet-plus",
)  # fmt: skip
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def version(package: str) -> str:
    """Return the installed version of a distribution, or an empty string."""
    if package == "infostat":  # the checkout that is imported, installed or not
        import infostat

        return infostat.__version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def versions() -> str:
    """Return ``"numpy 2.4.6; scipy 1.17.1; ..."`` for what is installed."""
    return "; ".join(f"{name} {number}" for name in PACKAGES if (number := version(name)))


def processor() -> str:
    """Return the model name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    return platform.processor() or platform.machine()


def cores() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows do not say
        return os.cpu_count() or 1


def environment(threads: int | None = None) -> dict[str, str]:
    """Return the environment of a fresh process that finds this checkout and keeps to `threads`."""
    root = str(Path(__file__).resolve().parents[1])
    found = os.environ.get("PYTHONPATH")
    limits = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
    return {**os.environ, "PYTHONPATH": root if not found else root + os.pathsep + found, **limits}


def header(title: str, packages: Sequence[str] = ("numpy", "scipy", "numba")) -> None:
    """Print a title, the versions and the kind of machine."""
    named = ", ".join(f"{name} {version(name)}" for name in packages if version(name))
    print(f"{title}\nPython {platform.python_version()}, {named}; {processor()}, {cores()} cores\n", flush=True)
