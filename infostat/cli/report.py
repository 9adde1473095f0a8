"""``infostat report``: verdicts, tables, figures and cautions of a data set on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .families import FAMILY_HELP
from .options import Columns, Data, Drop, Format, Jobs, Plot, Scheduler, Seed

if TYPE_CHECKING:
    from ..reporting.report_result import Report

__all__ = ["register"]

FORMATS = {
    ".html": Format.html,
    ".htm": Format.html,
    ".md": Format.markdown,
    ".tex": Format.latex,
    ".json": Format.json,
    ".csv": Format.csv,
    ".txt": Format.text,
}

Families = Annotated[
    str | None,
    typer.Option("--family", metavar="A,B,...", help=FAMILY_HELP + " Those that suit the columns if left out.",
                 show_default=False),
]  # fmt: skip
Title = Annotated[str | None, typer.Option("--title", help="Heading of the page.", show_default=False)]
Kind = Annotated[str, typer.Option("--kind", help="auto, dataset or rewards (a table with a column reward).")]
Alpha = Annotated[float, typer.Option("--alpha", help="Tolerated distance of the Bayes error from 1/2.")]
Bootstrap = Annotated[
    int | None,
    typer.Option("--bootstrap", metavar="B", help="Resamples for intervals; 200 where they take seconds if left out.",
                 show_default=False),
]  # fmt: skip
Missing = Annotated[str, typer.Option("--missing", help="Rows with a missing value: drop (and say so) or raise.")]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="What is printed; text, or what the suffix of --output says.", show_default=False),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write the report here (.html .md .tex .json .csv .txt).",
                 show_default=False),
]  # fmt: skip

HELP = (
    "What do these data carry? One page to hand to a colleague.\n\n"
    "Judges the models that suit the columns by the p-n criterion, compares and tests their fit, chooses the bandwidth "
    "of a density estimate and says how far to trust it. A table with a column reward gets the report of its reward "
    "frontier instead. Without --output the answers in short are printed."
)
EPILOG = "Example: infostat report dataset:wine_red --drop quality --output wine.html"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("report", help=HELP, epilog=EPILOG)(_run)


def _run(
    data: Data,
    family: Families = None,
    title: Title = None,
    kind: Kind = "auto",
    alpha: Alpha = 0.05,
    bootstrap: Bootstrap = None,
    missing: Missing = "drop",
    columns: Columns = None,
    drop: Drop = None,
    form: FormatOption = None,
    output: Output = None,
    plot: Plot = None,
    seed: Seed = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    import warnings

    from ..core.chunks import is_large
    from ..core.errors import InfostatWarning
    from ..reporting import report
    from .cluster import workers
    from .data import PREFIX, load_table
    from .families import families_from_text
    from .output import check_paths, on_terminal

    check_paths(output, plot)
    chosen = _format(form, output)
    # A large file is read in chunks, so its path goes on as it is.
    streamed = not data.startswith(PREFIX) and is_large(data)
    rows: Any = data if streamed else load_table(data, columns, drop)
    frame = None if streamed else rows.frame
    with workers(scheduler), warnings.catch_warnings():
        # The cautions are part of the report; a second copy on stderr would only distract.
        warnings.simplefilter("ignore", InfostatWarning)
        found = report(
            rows,
            columns=columns if streamed else None,
            drop=drop if streamed else None,
            family=None if family is None else families_from_text(family, frame, None),
            title=title,
            kind=kind,
            alpha=alpha,
            bootstrap=bootstrap,
            missing=missing,
            rng=0 if seed is None else seed,
            n_jobs=jobs,
            progress=on_terminal(),
        )
    _deliver(found, chosen, output, plot)


def _format(form: Format | None, output: Path | None) -> Format:
    from ..core.errors import InputError

    if form is not None:
        return form
    if output is None:
        return Format.text
    found = FORMATS.get(output.suffix.lower())
    if found is None:
        raise InputError(f"--output must end in one of {', '.join(FORMATS)} (or give --format), got {str(output)!r}")
    return found


def _deliver(found: Report, form: Format, output: Path | None, plot: Path | None) -> None:
    """Print or write the report; Markdown and LaTeX files get their figures beside them."""
    from dataclasses import replace
    from sys import argv

    from ..core.files import write_atomic
    from ..core.style import figure_bytes

    found = replace(found, settings={"command": "infostat " + " ".join(argv[1:]), **found.settings})
    image = None if plot is None else figure_bytes(found._draw, plot.suffix.lower()[1:])
    if output is None:
        typer.echo(_text(found, form), nl=False)
    elif output.suffix.lower() in (".md", ".tex") and form is FORMATS[output.suffix.lower()]:
        found.save(output)  # with its figures
    else:
        write_atomic(output, _text(found, form).encode())
    if plot is not None and image is not None:
        write_atomic(plot, image)
    if output is not None:
        typer.echo(f"Wrote {output}")


def _text(found: Report, form: Format) -> str:
    from .output import render

    if form is Format.html:
        return found.to_html()
    if form is Format.markdown:
        return found.to_markdown()
    if form is Format.latex:
        return found.to_latex()
    return render(found, form, {})
