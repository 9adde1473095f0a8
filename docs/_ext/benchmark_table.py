"""The directive ``benchmark-table``: times of a wing, read from the file that ``python -m benchmarks`` writes.

No number of the comparison page is typed by hand. Where the file is missing, the page says so.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

MEASURED = Path("measured", "benchmarks.csv")
HEADINGS = ("workload", "threads", "infostat", "alternative", "its time", "ratio", "errors: infostat / alternative")
WIDTHS = (30, 7, 11, 18, 11, 9, 24)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of the file, none if there is none."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cells(row: dict[str, str]) -> list[str]:
    """Return what the table shows of one line."""
    sizes = [f"{key} = {grouped(row[key])}" for key in ("n", "d") if row[key]]
    extra = row["size"].replace("=", " = ").replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    what = "; ".join(filter(None, [row["what"], ", ".join(sizes), extra]))
    name = " ".join(filter(None, [row["peer"], row["peer_version"]]))
    errors = [error(row[key]) for key in ("infostat_error", "peer_error")]
    shown = "" if errors == ["", ""] else " / ".join(each or "not compared" for each in errors[: 2 if name else 1])
    if shown and row["error_unit"]:
        shown += f" ({row['error_unit']})"
    ratio = _three_digits(float(row["ratio"])) if row["ratio"] else ""
    return [what, row["threads"], seconds(row["infostat_seconds"]), name or "none", seconds(row["peer_seconds"]), ratio,
            shown]  # fmt: skip


def seconds(text: str) -> str:
    """Return a time in the unit that suits it."""
    if not text or math.isnan(float(text)):
        return ""
    value = float(text)
    if value >= 1.0:
        return f"{_three_digits(value)} s"
    return f"{1e3 * value:.3g} ms" if value >= 1e-3 else f"{1e6 * value:.3g} µs"


def grouped(text: str) -> str:
    """Return a whole number with thin spaces between its thousands."""
    return f"{int(text):,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if text.isdigit() else text


def error(text: str) -> str:
    """Return an error with one digit; zero means equal to the last bit."""
    if not text:
        return ""
    return "0" if float(text) == 0.0 else f"{float(text):.0e}"


def surroundings(row: dict[str, str]) -> str:
    """Return the sentence that says with what the file was measured."""
    return (
        f"Measured on {row['date']} with Python {row['python']} on {row['cores']} cores of {row['cpu']}; sizes: "
        f"{row['level']}. {row['packages'].replace('; ', ', ')}."
    )


class BenchmarkTable(Directive):
    """``.. benchmark-table:: WING``, or without a wing the sentence about versions and machine."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table of one wing, or a paragraph."""
        source = Path(self.state.document.settings.env.srcdir, MEASURED)
        self.state.document.settings.env.note_dependency(str(source))
        rows = read_rows(source)
        if not self.arguments:
            text = surroundings(rows[0]) if rows else "This copy holds no measurement."
            return [nodes.paragraph(text=text)]
        chosen = [row for row in rows if row["wing"] == self.arguments[0]]
        if not chosen:
            return [nodes.paragraph(text="Not measured in this copy.")]
        return [_table([cells(row) for row in chosen])]


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"


def _table(body: list[list[str]]) -> nodes.table:
    group = nodes.tgroup(cols=len(HEADINGS))
    group += [nodes.colspec(colwidth=width) for width in WIDTHS]
    head, rest = nodes.thead(), nodes.tbody()
    head += _line(list(HEADINGS))
    rest += [_line(line) for line in body]
    group += [head, rest]
    table = nodes.table(classes=["benchmarks"])
    table += group
    return table


def _line(texts: list[str]) -> nodes.row:
    line = nodes.row()
    for text in texts:
        entry = nodes.entry()
        entry += nodes.paragraph(text=text)
        line += entry
    return line


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known."""
    app.add_directive("benchmark-table", BenchmarkTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
