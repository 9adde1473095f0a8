"""What a report is made of: tables, parts that answer one question each, and the report itself.

All three are results, so that a report can be stored as JSON with every number in it and written
as a page again later. How it looks is decided elsewhere (`pages`, `markdown`, `latex`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputTypeError
from ..core.results import Result
from ..core.tables import Cell, Section
from .cautions import caution_line

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["TONES", "Report", "ReportPart", "ReportTable", "has_figure"]

TONES = ("good", "mixed", "poor", "neutral")
"""How a verdict is coloured; the word itself always stands beside the colour."""


def has_figure(result: Result) -> bool:
    """Return whether a result can be drawn.

    Parameters
    ----------
    result : Result
        Any result.

    Returns
    -------
    bool
        False for results without a figure, and for those that have nothing to draw.

    Examples
    --------
    >>> from infostat.density import stable_law
    >>> has_figure(stable_law(0.5)), has_figure(stable_law(1.0))  # the second law does not exist
    (True, False)
    """
    if type(result)._draw is Result._draw:
        return False
    from matplotlib.figure import Figure

    try:
        result._draw(Figure().add_subplot())
    except InputTypeError:
        return False
    return True


@dataclass(frozen=True, eq=False, repr=False)
class ReportTable(Result):
    """A table of a report.

    Attributes
    ----------
    title : str
        Caption.
    header : tuple of str
        Column headings.
    rows : tuple of tuples
        Cells; the first of a row is its label.
    note : str
        Sentence below the table.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    _headline = ("title", "note")

    def _title(self) -> str:
        return self.title

    def _sections(self) -> Sequence[Section]:
        return [Section(self.rows, self.header)]

    def _notes(self) -> Sequence[str]:
        return [self.note] if self.note else []

    def to_frame(self) -> pd.DataFrame:
        """Return the cells as numbers and words.

        Returns
        -------
        DataFrame
            One row per row; the headings become snake_case names.
        """
        import pandas as pd

        names: list[str] = []
        for heading in self.header:
            name = re.sub(r"\W+", "_", heading.strip().lower(), flags=re.ASCII).strip("_")
            name = name if name[:1].isalpha() else f"column_{name}".rstrip("_")
            names.append(name if name not in names else f"{name}_{len(names) + 1}")
        return pd.DataFrame([list(row) for row in self.rows], columns=names)


@dataclass(frozen=True, eq=False, repr=False)
class ReportPart(Result):
    """One question of a report with its answer.

    Attributes
    ----------
    anchor : str
        Short name, used for links inside the page.
    title : str
        The question, or the name of the result.
    verdict : str
        The answer in a word; empty where there is nothing to decide.
    tone : str
        ``"good"``, ``"mixed"``, ``"poor"`` or ``"neutral"``.
    interpretation : str
        The answer in a sentence or two.
    remarks : tuple of str
        Further sentences.
    tables : tuple of ReportTable
        Tables in reading order.
    results : mapping of str to Result
        The results behind the answer, by label.
    figures : mapping of str to str
        Which of them are drawn, and the captions.
    small_figures : bool
        Whether the figures are small ones, set side by side.
    details : tuple of str
        Labels of results whose whole summary is kept at the end of the part.
    settings : mapping of str to cell
        What the computation was told.
    """

    anchor: str
    title: str
    verdict: str = ""
    tone: str = "neutral"
    interpretation: str = ""
    remarks: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    results: dict[str, Result] | None = None
    figures: dict[str, str] | None = None
    small_figures: bool = False
    details: tuple[str, ...] = ()
    settings: dict[str, Cell] | None = None

    _headline = ("title", "verdict")

    @property
    def drawn(self) -> tuple[tuple[str, Result, str], ...]:
        """Label, result and caption of every figure."""
        found = self.results or {}
        return tuple((label, found[label], caption) for label, caption in (self.figures or {}).items())

    def _title(self) -> str:
        return self.title

    def _settings(self) -> dict[str, Cell]:
        return dict(self.settings or {})

    def _sections(self) -> Sequence[Section]:
        first = [Section([["Verdict", self.verdict]])] if self.verdict else []
        tables = [Section(table.rows, table.header, table.title) for table in self.tables]
        return [*first, *tables] or [Section([["Results", len(self.results or {})]])]

    def _notes(self) -> Sequence[str]:
        notes = [note for table in self.tables if (note := table.note)]
        return [text for text in (self.interpretation, *self.remarks, *notes) if text]

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        for _, result, _ in self.drawn:
            result._draw(ax, **kwargs)
            return
        super()._draw(ax, **kwargs)


@dataclass(frozen=True, eq=False, repr=False)
class Report(Result):
    """A report: what was asked, the verdicts in words, and everything they rest on.

    ``save("x.html")`` writes one self-contained page, ``.md`` and ``.tex`` the same as Markdown and
    LaTeX with the figures in a folder beside, ``.json`` every number, ``.csv`` the verdicts and
    ``.png``, ``.pdf`` or ``.svg`` the first figure.

    Attributes
    ----------
    title : str
        Heading.
    subject : str
        What was analysed, in a sentence.
    kind : str
        ``"dataset"``, ``"rewards"`` or ``"results"``.
    interpretation : str
        The answers, one sentence after the other.
    parts : tuple of ReportPart
        One part per question.
    cautions : mapping of str to tuple of str
        Every caution once, and where it applies.
    citations : tuple of str
        Sources of the methods used, and of the data where they are known.
    settings : mapping of str to cell
        Data, options and seed.
    software : mapping of str to str
        Versions of what computed the report.
    source : str
        Where the data came from.
    verdicts : mapping of str to str
        Question and verdict, of every part that has one.
    """

    title: str
    subject: str
    kind: str
    interpretation: str
    parts: tuple[ReportPart, ...]
    cautions: dict[str, tuple[str, ...]]
    citations: tuple[str, ...]
    settings: dict[str, Cell]
    software: dict[str, str]
    source: str = "data"

    _headline = ("title", "kind", "source")

    @property
    def verdicts(self) -> dict[str, str]:
        """Question and verdict, of every part that has one."""
        return {part.title: part.verdict for part in self.parts if part.verdict}

    @property
    def results(self) -> dict[str, Result]:
        """Every result behind the report, by label."""
        return {label: result for part in self.parts for label, result in (part.results or {}).items()}

    def _title(self) -> str:
        return self.title

    def _settings(self) -> dict[str, Cell]:
        return dict(self.settings)

    def _sections(self) -> Sequence[Section]:
        rows = [[part.title, part.verdict or "-"] for part in self.parts]
        return [Section(rows, ("question", "verdict"))]

    def _notes(self) -> Sequence[str]:
        notes = [self.subject]
        notes += [part.interpretation for part in self.parts if part.interpretation]
        return [*notes, *(caution_line(text, where) for text, where in self.cautions.items())]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per part.

        Returns
        -------
        DataFrame
            ``question verdict tone answer``.
        """
        import pandas as pd

        rows = [(part.title, part.verdict, part.tone, part.interpretation) for part in self.parts]
        return pd.DataFrame(rows, columns=["question", "verdict", "tone", "answer"])

    def to_html(self) -> str:
        """Return the report as one self-contained page: figures inside, nothing loaded from elsewhere.

        Returns
        -------
        str
            The document.
        """
        from .pages import report_page

        return report_page(self)

    def to_markdown(self, figures: str | None = None) -> str:
        """Return the report as Markdown.

        Parameters
        ----------
        figures : str, optional
            Folder in which the figures lie, for the links; None leaves them out.

        Returns
        -------
        str
            Text that ends in a newline.
        """
        from .markdown import report_markdown

        return report_markdown(self, figures)

    def to_latex(self, figures: str | None = None) -> str:
        """Return the report as a LaTeX document of its own.

        Parameters
        ----------
        figures : str, optional
            Folder in which the figures lie; None leaves them out.

        Returns
        -------
        str
            Source that needs the packages booktabs, longtable, graphicx, geometry and hyperref.
        """
        from .latex import report_latex

        return report_latex(self, figures)

    def save(self, path: str | Path) -> Path:
        """Write the report to a file whose suffix says in which form.

        Parameters
        ----------
        path : str or Path
            ``.html`` (one self-contained page), ``.md`` or ``.tex`` (with the figures in a folder
            ``NAME_figures`` beside it), ``.json`` (every number), ``.csv`` (the verdicts), ``.png``,
            ``.pdf`` or ``.svg`` (the first figure).

        Returns
        -------
        Path
            The file written; it appears whole or not at all, and after its figures.

        Raises
        ------
        InputError
            For another suffix.
        DataFileError
            If a file cannot be written.
        """
        from .files import save_report

        if Path(path).suffix.lower() in (".md", ".tex"):
            return save_report(self, Path(path))
        return super().save(path)

    def _render(self, suffix: str) -> bytes:
        return self.to_html().encode() if suffix == ".html" else super()._render(suffix)

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        for part in self.parts:
            if part.figures:
                part._draw(ax, **kwargs)
                return
        super()._draw(ax, **kwargs)
