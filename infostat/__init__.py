"""infostat: information-theoretic estimators with uncertainty, tables and figures.

Nothing heavy is imported until it is used.

Examples
--------
>>> import infostat
>>> wine = infostat.load_dataset("wine_red").drop(columns="quality")
>>> infostat.information_projection(wine, "mvn").theta.shape
(77,)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import alignment, core, datasets, density, divergences, families, generalization, projection, reporting
    from .alignment import align
    from .datasets import load as load_dataset
    from .density import KernelDensity, diagnose_bandwidth
    from .divergences import divergence
    from .projection import information_projection, pn_criterion, pn_sequence
    from .reporting import report, simulate

__version__ = "0.1.0"

# public name -> (module, attribute)
_NAMES = {
    "KernelDensity": ("density", "KernelDensity"),
    "align": ("alignment", "align"),
    "diagnose_bandwidth": ("density", "diagnose_bandwidth"),
    "divergence": ("divergences", "divergence"),
    "information_projection": ("projection", "information_projection"),
    "load_dataset": ("datasets", "load"),
    "pn_criterion": ("projection", "pn_criterion"),
    "pn_sequence": ("projection", "pn_sequence"),
    "report": ("reporting", "report"),
    "simulate": ("reporting", "simulate"),
}
_PACKAGES = (
    "alignment", "core", "datasets", "density", "divergences", "families", "generalization", "projection", "reporting",
)  # fmt: skip

__all__ = [
    "KernelDensity",
    "__version__",
    "align",
    "alignment",
    "core",
    "datasets",
    "density",
    "diagnose_bandwidth",
    "divergence",
    "divergences",
    "families",
    "generalization",
    "information_projection",
    "load_dataset",
    "pn_criterion",
    "pn_sequence",
    "projection",
    "report",
    "reporting",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        module, attribute = _NAMES[name]
        return getattr(import_module(f".{module}", __name__), attribute)
    if name in _PACKAGES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
