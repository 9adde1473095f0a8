"""``infostat divergence``: how far apart two samples, or two probability tables, are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Columns, Drop, Format, FormatOption, Output, Plot, Report, Seed

if TYPE_CHECKING:
    from ..core.data import Table

__all__ = ["register"]

First = Annotated[str, typer.Argument(help="Sample (or table) of P: a file, or dataset:NAME.", show_default=False)]
Second = Annotated[
    str | None,
    typer.Argument(help="Sample (or table) of Q. Without it the two --columns of A are compared.", show_default=False),
]
Kind = Annotated[str, typer.Option("--kind", help="kl, js, hellinger, renyi, wasserstein, energy, mmd, ...")]
Tables = Annotated[bool, typer.Option("--tables", help="The files hold probabilities: one distribution per row.")]
Order = Annotated[float | None, typer.Option("--order", help="Order of alpha, renyi and tsallis.", show_default=False)]
Estimator = Annotated[
    str | None, typer.Option("--estimator", help="Estimator; a default per kind.", show_default=False)
]
Base = Annotated[
    float | None, typer.Option("--base", help="Base of the logarithm; nats without it.", show_default=False)
]
Neighbours = Annotated[
    int | None, typer.Option("-k", "--neighbours", help="Neighbours of kl_knn, renyi_knn.", show_default=False)
]
Bandwidth = Annotated[
    float | None, typer.Option("--bandwidth", help="Kernel width of mmd, cauchy_schwarz.", show_default=False)
]
Power = Annotated[float | None, typer.Option("-p", "--power", help="Order p of wasserstein.", show_default=False)]
Eps = Annotated[float | None, typer.Option("--eps", help="Regularisation of sinkhorn.", show_default=False)]

Jitter = Annotated[
    float | None,
    typer.Option("--jitter", help="Noise that breaks ties, in standard deviations.", show_default=False),
]

Normalise = Annotated[
    str, typer.Option("--normalize", help="Rows of tables: check (sum one), yes (divide) or no.")
]

HELP = (
    "How far apart are two samples, or two probability tables?\n\n"
    "Compares the rows of two files, two columns of one file (A with --columns x,y), or, with --tables, the "
    "distributions in their rows (two rows, or two columns, of one file if B is left out)."
)
EPILOG = "Example: infostat divergence old.csv new.csv --kind wasserstein --plot shift.png"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("divergence", help=HELP, epilog=EPILOG)(_run)


def _run(
    a: First,
    b: Second = None,
    kind: Kind = "kl",
    tables: Tables = False,
    order: Order = None,
    estimator: Estimator = None,
    base: Base = None,
    k: Neighbours = None,
    bandwidth: Bandwidth = None,
    power: Power = None,
    eps: Eps = None,
    jitter: Jitter = None,
    normalize: Normalise = "check",
    columns: Columns = None,
    drop: Drop = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
) -> None:
    import warnings

    from ..core.data import matrix
    from ..core.errors import InfostatWarning, InputError
    from ..divergences import divergence
    from .data import load_table
    from .output import check_paths, deliver

    check_paths(output, plot, report)
    first = load_table(a, columns, drop)
    options: dict[str, Any] = {"k": k, "bandwidth": bandwidth, "p": power, "eps": eps, "jitter": jitter}
    options = {name: value for name, value in options.items() if value is not None}
    if b is None:
        P, Q = _halves(first, tables)
    else:
        second = load_table(b, columns, drop)
        P, Q = (matrix(table, min_rows=1) for table in (first, second))
        if P.shape[1] != Q.shape[1]:
            raise InputError(f"A and B must have the same columns, got {P.shape[1]} and {Q.shape[1]}")
    if not tables and P.shape[1] == 1:
        import pandas as pd

        P = pd.DataFrame(P, columns=first.labels if b is not None else [" and ".join(first.labels)])
    if tables:
        P, Q = (part[0] if len(part) == 1 else part for part in (P, Q))
    with warnings.catch_warnings():
        # What the estimators warn about is in the bias note, which is printed.
        warnings.simplefilter("ignore", InfostatWarning)
        result = divergence(
            P,
            Q,
            kind,
            from_samples=not tables,
            estimator=estimator,
            order=order,
            base=base,
            normalize=normalize,
            rng=seed,
            **options,
        )
    deliver(result, form, output, plot, report)


def _halves(table: Table, tables: bool) -> tuple[Any, Any]:
    """Two columns of one file, or two rows of a table of probabilities."""
    from ..core.data import matrix
    from ..core.errors import InputError

    values = matrix(table, min_rows=1)
    if tables and values.shape[0] == 2 and values.shape[1] != 2:
        return values[:1], values[1:]
    if values.shape[1] != 2:
        wanted = "two rows or two columns of probabilities" if tables else "two columns"
        raise InputError(
            f"without B, A must have {wanted}, got {values.shape[0]} rows and {values.shape[1]} columns "
            f"({', '.join(table.labels[:8])}); select two with --columns"
        )
    left, right = values[:, :1], values[:, 1:]
    return (left.T, right.T) if tables else (left, right)
