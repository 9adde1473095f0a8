"""Tables of results: one description, printed as text, HTML, LaTeX or Markdown.

Numbers stay numbers until they are printed; this module is the only place
where they become strings.
"""

from __future__ import annotations

import html
import math
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

__all__ = ["Cell", "Section", "Summary", "caution", "format_cell", "latex_escape", "whole"]

Cell = float | int | str | bool | None
WIDTH = 78
_LONGEST = 10**15  # integers from here on are rounded: nobody counts so many digits


@dataclass(frozen=True)
class Section:
    """One block of a summary.

    Attributes
    ----------
    rows : sequence of sequences
        Cells; the first cell of a row is its label.
    header : sequence of str
        Column headings; empty for a list of label-value pairs.
    title : str
        Caption of the block.
    """

    rows: Sequence[Sequence[Cell]]
    header: Sequence[str] = ()
    title: str = ""


@dataclass(frozen=True)
class Summary:
    """A printable account of a result.

    Attributes
    ----------
    title : str
        Heading.
    sections : sequence of Section
        Tables in reading order.
    notes : sequence of str
        Sentences printed below the tables.

    Examples
    --------
    >>> print(Summary("Example", [Section([["n", 10], ["risk", 0.02]])]).to_markdown())
    **Example**
    <BLANKLINE>
    | | |
    | --- | ---: |
    | n | 10 |
    | risk | 0.02 |
    """

    title: str
    sections: Sequence[Section] = field(default_factory=tuple)
    notes: Sequence[str] = field(default_factory=tuple)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_text(self) -> str:
        """Return the summary as fixed-width text, in the manner of statsmodels.

        Returns
        -------
        str
            Lines of at most 78 characters where the cells allow it.
        """
        heading = [line.center(WIDTH).rstrip() for line in textwrap.wrap(self.title, WIDTH)]
        lines = ["=" * WIDTH, *heading, "=" * WIDTH]
        for index, section in enumerate(self.sections):
            if index:
                lines.append("-" * WIDTH)
            if section.title:
                lines.append(section.title)
            lines += _text_table(section) if section.header else _text_pairs(section)
        lines.append("=" * WIDTH)
        for note in self.notes:
            lines += textwrap.wrap(note, WIDTH)
        return "\n".join(lines)

    def to_markdown(self) -> str:
        """Return the summary as Markdown tables with the notes as paragraphs.

        Returns
        -------
        str
            Markdown text.
        """
        parts = [f"**{_md(self.title)}**"]
        for section in self.sections:
            width = _columns(section)
            head = [*section.header] if section.header else [""] * width
            lines = [f"*{_md(section.title)}*\n"] if section.title else []
            lines.append("| " + " | ".join(_md(h) for h in head) + " |" if any(head) else "| " * width + "|")
            lines.append("| --- |" + " ---: |" * (width - 1))
            lines += ["| " + " | ".join(_md(format_cell(c)) for c in row) + " |" for row in section.rows]
            parts.append("\n".join(lines))
        parts += [_md(note) for note in self.notes]
        return "\n\n".join(parts)

    def to_html(self) -> str:
        """Return the summary as an HTML fragment.

        Returns
        -------
        str
            A ``div`` of class ``infostat-summary`` that holds one table a section.
        """
        parts = ['<div class="infostat-summary">', f"<h3>{html.escape(self.title)}</h3>"]
        for section in self.sections:
            parts.append("<table>")
            if section.title:
                parts.append(f"<caption>{html.escape(section.title)}</caption>")
            if section.header:
                cells = "".join(f'<th scope="col">{html.escape(h)}</th>' for h in section.header)
                parts.append(f"<thead><tr>{cells}</tr></thead>")
            parts.append("<tbody>")
            for row in section.rows:
                first, *rest = [html.escape(format_cell(cell)) for cell in row]
                cells = "".join(f"<td>{cell}</td>" for cell in rest)
                # Notebooks align every cell to the right, labels too, unless told otherwise.
                parts.append(f'<tr><th scope="row" style="text-align: left">{first}</th>{cells}</tr>')
            parts.append("</tbody></table>")
        parts += [f"<p>{html.escape(note)}</p>" for note in self.notes]
        return "\n".join([*parts, "</div>"])

    def to_latex(self) -> str:
        r"""Return the summary as a LaTeX table (needs the booktabs package).

        Returns
        -------
        str
            A ``table`` environment with one ``tabular`` a section and the notes below.
        """
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{latex_escape(self.title)}}}"]
        for section in self.sections:
            width = _columns(section)
            lines += [rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}", r"\toprule"]
            if section.title:
                lines.append(rf"\multicolumn{{{width}}}{{l}}{{{latex_escape(section.title)}}} \\")
            if section.header:
                lines += [" & ".join(latex_escape(h) for h in section.header) + r" \\", r"\midrule"]
            for row in section.rows:
                lines.append(" & ".join(latex_escape(format_cell(c)) for c in row) + r" \\")
            lines += [r"\bottomrule", r"\end{tabular}", r"\par\medskip"]
        lines += [rf"\par\noindent {latex_escape(note)}" for note in self.notes]
        return "\n".join([*lines, r"\end{table}"])


def format_cell(value: Cell) -> str:
    """Return a cell as text: four significant digits, integers in full up to fifteen, None as a dash.

    Parameters
    ----------
    value : float, int, str, bool or None
        The cell.

    Returns
    -------
    str
        Its text.

    Examples
    --------
    >>> format_cell(0.123456), format_cell(1599), format_cell(float("inf")), format_cell(None)
    ('0.1235', '1599', 'inf', '-')
    >>> format_cell(10**20)
    '1.000e+20'
    """
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if abs(value) < _LONGEST else f"{Decimal(value):.3e}"
    number = float(value) + 0.0  # -0.0 prints as 0
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else ("inf" if number > 0 else "-inf")
    if number != 0.0 and not 1e-4 <= abs(number) < 1e7:
        return f"{number:.3e}"
    return f"{number:.4g}" if abs(number) < 9999.5 else f"{number:.0f}"


def caution(flag: str, sentence: str) -> str:
    """Return a flag of a result as a note of its summary; every wing says its cautions so.

    Parameters
    ----------
    flag : str
        Name of the flag, as it stands in the result.
    sentence : str
        What it means for this result.

    Returns
    -------
    str
        The note.

    Examples
    --------
    >>> caution("ties", "Distances repeat.")
    'Caution [ties]: Distances repeat.'
    """
    return f"Caution [{flag}]: {sentence}"


def whole(value: float) -> Cell:
    """Return a count that was computed as a float as an integer; infinity stays what it is.

    Parameters
    ----------
    value : float
        The count.

    Returns
    -------
    int or float
        The cell.

    Examples
    --------
    >>> whole(153.0), whole(float("inf"))
    (153, inf)
    """
    return int(value) if math.isfinite(value) else value


def _columns(section: Section) -> int:
    return max((len(row) for row in (section.header, *section.rows)), default=1) or 1


def _text_pairs(section: Section) -> list[str]:
    """Two label-value pairs a line where they fit, in reading order down the columns."""
    pairs = [(_one_line(row[0]), "  ".join(_one_line(c) for c in row[1:])) for row in section.rows]
    half = WIDTH // 2 - 1
    if len(pairs) < 4 or any(len(label) + len(value) + 2 > half for label, value in pairs):
        return [line for label, value in pairs for line in _long_pair(label, value)]
    count = (len(pairs) + 1) // 2
    left, right = pairs[:count], pairs[count:]
    lines = []
    for index, pair in enumerate(left):
        line = _pair(*pair, half)
        if index < len(right):
            line += "  " + _pair(*right[index], half)
        lines.append(line.rstrip())
    return lines


def _one_line(cell: Cell) -> str:
    return " ".join(format_cell(cell).split())


def _pair(label: str, value: str, width: int) -> str:
    return f"{label}{value.rjust(width - len(label))}".rstrip()


def _long_pair(label: str, value: str) -> list[str]:
    if len(label) + len(value) < WIDTH:
        return [_pair(label, value, WIDTH)]
    return textwrap.wrap(f"{label}: {value}", WIDTH, subsequent_indent="    ")


def _text_table(section: Section) -> list[str]:
    rows = [[_one_line(cell) for cell in row] for row in section.rows]
    table = [list(section.header), *rows]
    widths = [max(len(row[k]) for row in table) for k in range(len(section.header))]
    spare = WIDTH - sum(widths) - 2 * (len(widths) - 1)
    gap = " " * (2 + max(0, spare // max(1, len(widths) - 1)))
    widths[0] += max(0, spare % max(1, len(widths) - 1))  # the last column ends at the rule
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        lines.append(gap.join(cells).rstrip())
    return [lines[0], "-" * WIDTH, *lines[1:]]


def _md(text: str) -> str:
    r"""Markdown of a plain text: no table, emphasis, code or tag begins inside it.

    An underscore inside a word is no emphasis, and stays readable.
    """
    text = re.sub(r"([\\|*`<])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\_", text)


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # After the \\ that ends a row, these would be read as its arguments.
    "[": "{[}",
    "*": "{*}",
    '"': r"{\char34}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "−": r"$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "‖": r"$\Vert$",
    "²": r"$^2$",
    "³": r"$^3$",
}
# Greek letters that are drawn like Latin ones have no command of their own.
_LATIN_TWINS = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))


def latex_escape(text: str) -> str:
    r"""Return `text` as LaTeX source that prints it: special characters escaped, on one line.

    Greek letters and common mathematical signs become commands, because LaTeX's usual fonts
    do not have them.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        LaTeX source.

    Examples
    --------
    >>> latex_escape("95 % of x_1")
    '95 \\% of x\\_1'
    """
    return "".join(_LATEX.get(c) or _latex_greek(c) for c in " ".join(text.split()))


def _latex_greek(character: str) -> str:
    if not "Α" <= character <= "ω":
        return character
    if character in _LATIN_TWINS:
        return _LATIN_TWINS[character]
    match = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (FINAL )?(\w+)", unicodedata.name(character, ""))
    if match is None:
        return character
    name = match[3].lower().replace("lamda", "lambda")
    name = f"var{name}" if match[2] else name
    return rf"$\{name if match[1] == 'SMALL' else name.capitalize()}$"
