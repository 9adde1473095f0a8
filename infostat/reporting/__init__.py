"""One page for a data set, a reward file or a set of results, to hand to a colleague.

:func:`report` runs the analyses that suit the data and gathers their answers: verdicts in words,
tables, figures, cautions, settings and the sources of the methods. :func:`simulate` runs the simulations
of a wing over a grid of settings and puts them into one table.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .column_profile import ColumnProfile
    from .grid_result import GridSimulation
    from .grid_simulate import simulate
    from .report_result import Report, ReportPart, ReportTable
    from .reports import report
    from .requirements import RowsRequired

_MODULES = {
    "ColumnProfile": "column_profile",
    "GridSimulation": "grid_result",
    "Report": "report_result",
    "ReportPart": "report_result",
    "ReportTable": "report_result",
    "RowsRequired": "requirements",
    "report": "reports",
    "simulate": "grid_simulate",
}

__all__ = [
    "ColumnProfile",
    "GridSimulation",
    "Report",
    "ReportPart",
    "ReportTable",
    "RowsRequired",
    "report",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
