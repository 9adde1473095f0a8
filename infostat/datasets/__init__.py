"""Data sets that ship with the package, loadable by name.

Each is a real, openly licensed table small enough to travel with the code;
:func:`load` returns a fresh ``DataFrame`` that names its source and licence, and
:func:`available` lists what there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .loaders import available, load

if TYPE_CHECKING:
    from .listing import DatasetCatalogue, catalogue

__all__ = ["DatasetCatalogue", "available", "catalogue", "load"]


def __getattr__(name: str) -> Any:
    if name in ("DatasetCatalogue", "catalogue"):  # results need more imports than loading does
        from . import listing

        return getattr(listing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
