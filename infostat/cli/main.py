"""Entry point: the command table and what happens when something goes wrong.

Exit codes: 0 done; 1 the analysis could not be done (one line on stderr); 2 bad
usage (the parser's message); 3 only with ``pn --check``.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from ..core.errors import InfostatError
from . import align, bounds, datasets, divergence, figures, kde, phase, pn, pn_sequence, report, simulate

__all__ = ["app", "main"]

app = typer.Typer(
    name="infostat",
    help="Information-theoretic estimators with uncertainty, tables and figures.",
    epilog="Example: infostat pn dataset:wine_red --drop quality --family mvn --bootstrap 400 --seed 1",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
pn.register(app)
pn_sequence.register(app)
divergence.register(app)
kde.register(app)
phase.register(app)
align.register(app)
bounds.register(app)
simulate.register(app)
figures.register(app)
report.register(app)
datasets.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"infostat {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Information-theoretic estimators with uncertainty, tables and figures."""


def main() -> None:
    """Run the command line and leave with its exit code.

    What the public API refuses becomes one line on stderr and exit code 1; set
    ``INFOSTAT_DEBUG=1`` to see where it came from.
    """
    try:
        app()
    except InfostatError as error:
        _stop(str(error), 1)
    except BrokenPipeError:
        # The reader of a pipe has gone (| head): nothing is left to say, not even at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except MemoryError:
        _stop("not enough memory for this analysis; select fewer columns or rows", 1)
    except KeyboardInterrupt:
        _stop("interrupted", 130)


def _stop(message: str, code: int) -> None:
    if os.environ.get("INFOSTAT_DEBUG"):
        raise
    line = " ".join(message.split())
    sys.stderr.write(f"infostat: error: {line}\n")
    sys.exit(code)
