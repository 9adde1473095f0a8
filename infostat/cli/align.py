"""``infostat align``: how much reward a KL budget buys, from scores or from a law."""

from __future__ import annotations

from typing import Annotated

import typer

from .numbers import count_list, number_list
from .options import Columns, Data, Drop, Format, FormatOption, Jobs, Output, Plot, Report, Scheduler, Seed

__all__ = ["register"]

TrueReward = Annotated[
    str | None,
    typer.Option("--true", metavar="COLUMN", help="Column of true rewards (true_reward).", show_default=False),
]
PromptId = Annotated[
    str | None,
    typer.Option("--prompt-id", metavar="COLUMN", help="Column of prompts (prompt_id).", show_default=False),
]
Budgets = Annotated[
    str | None,
    typer.Option("--kl", metavar="K,K,...", help="KL budgets in nats; a grid if left out.", show_default=False),
]
Draws = Annotated[
    str | None,
    typer.Option("--n", metavar="N,N,...", help="Draws of best-of-N; powers of two if left out.", show_default=False),
]
Lengths = Annotated[
    str | None,
    typer.Option("--m", metavar="M,M,...", help="Sequence lengths, for a law on letters.", show_default=False),
]
Bootstrap = Annotated[int, typer.Option("--bootstrap", metavar="B", help="Resamples for percentile intervals.")]
Confidence = Annotated[float, typer.Option("--confidence", help="Level of the intervals.")]

HELP = (
    "How much reward does a KL budget buy: best-of-N against KL-constrained training?\n\n"
    "DATA holds reward scores (columns reward, optionally prompt_id and true_reward) or a law (prob or logprob beside "
    "reward). Prints both curves and says where the samples stop being informative."
)
EPILOG = "Example: infostat align scores.csv --kl 0.1,0.5,1,2 --plot frontier.png --report report.html"


def register(app: typer.Typer) -> None:
    """Add the command to the application.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command("align", help=HELP, epilog=EPILOG)(_run)


def _run(
    data: Data,
    true: TrueReward = None,
    prompt_id: PromptId = None,
    kl: Budgets = None,
    n: Draws = None,
    m: Lengths = None,
    bootstrap: Bootstrap = 0,
    confidence: Confidence = 0.95,
    columns: Columns = None,
    drop: Drop = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    import warnings

    from ..alignment import align
    from ..core.errors import InfostatWarning
    from .cluster import workers
    from .data import load_table
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    whole = columns is None and drop is None and not data.startswith("dataset:")
    with workers(scheduler), warnings.catch_warnings():
        # The cautions are printed with the result; a second copy on stderr would only distract.
        warnings.simplefilter("ignore", InfostatWarning)
        result = align(
            data if whole else load_table(data, columns, drop),  # a path may be larger than memory
            true=true,
            prompt_id=prompt_id,
            kl=None if kl is None else number_list("--kl", kl),
            n=None if n is None else count_list("--n", n),
            m=None if m is None else count_list("--m", m),
            bootstrap=bootstrap,
            confidence_level=confidence,
            rng=0 if seed is None else seed,
            n_jobs=jobs,
            progress=on_terminal(),
        )
    deliver(result, form, output, plot, report)
