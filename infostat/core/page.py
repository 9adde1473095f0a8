"""A self-contained HTML page for one or several results.

Everything is inside the file: style, figures as vector graphics, tables,
settings, seeds and versions. Reports of several wings build on it.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

from .errors import InputTypeError
from .style import figure_bytes
from .tables import format_cell
from .words import column_label

if TYPE_CHECKING:
    from .results import Result

__all__ = ["html_page", "svg_element", "versions"]

_PACKAGES = ("numpy", "scipy", "numba", "pandas", "statsmodels", "matplotlib")


def versions() -> dict[str, str]:
    """Return the versions of Python, the package and what it stands on.

    Returns
    -------
    dict
        Name to version; packages that are not installed are left out.

    Examples
    --------
    >>> "Python" in versions()
    True
    """
    # Looked up, because an import of the whole package from its lowest floor would close a circle.
    package = sys.modules[__name__.partition(".")[0]]
    found = {"infostat": package.__version__, "Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def html_page(title: str, results: Sequence[Result], *, settings: dict[str, Any] | None = None) -> str:
    """Return a self-contained HTML page.

    Parameters
    ----------
    title : str
        Heading of the page.
    results : sequence of Result
        One part each: verdict, sentence, figure, tables, settings.
    settings : dict, optional
        What was asked (command line, data source), printed at the end.

    Returns
    -------
    str
        The document.
    """
    from jinja2 import Environment

    template = resources.files("infostat.core").joinpath("templates/page.html").read_text("utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        title=title,
        parts=[_part(result, f"part{index}-") for index, result in enumerate(results, 1)],
        settings={key: _text(value) for key, value in (settings or {}).items()},
        versions=versions(),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _part(result: Result, prefix: str) -> dict[str, Any]:
    summary = result.summary()
    return {
        "title": summary.title,
        "verdict": getattr(result, "verdict", None),
        "notes": summary.notes,
        "sections": [
            {
                "title": section.title,
                "header": section.header,
                "rows": [[format_cell(cell) for cell in row] for row in section.rows],
                "pairs": not section.header and all(len(row) == 2 for row in section.rows),
            }
            for section in summary.sections
        ],
        "figure": _figure(result, prefix),
        "settings": {column_label(key): _text(value) for key, value in result._settings().items()},
    }


def svg_element(image: bytes, prefix: str) -> str:
    """Return a drawn figure as an element that can stand beside others on a page.

    matplotlib numbers the parts of every figure from one, so on a page with several figures a
    reference could find its target in another one. The letters are drawn as shapes, so that the
    reader's fonts do not matter; the comments that spell them out in the file are left out.

    Parameters
    ----------
    image : bytes
        File made by :func:`~infostat.core.style.figure_bytes` with ``outlines=True``.
    prefix : str
        Put before every name inside the figure.

    Returns
    -------
    str
        An ``svg`` element.
    """
    text = image.decode()
    text = re.sub(r"<!--.*?-->\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}", text)


def _figure(result: Result, prefix: str) -> str | None:
    """SVG element of the figure, or None for results that have none."""
    try:
        return svg_element(figure_bytes(result._draw, "svg", outlines=True), prefix)
    except InputTypeError:
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else format_cell(value)
