"""``infostat simulate pn``: the estimation risk of a family, simulated beside its expansion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from .numbers import count_list
from .options import Format, FormatOption, Jobs, Output, Plot, Report, Seed

if TYPE_CHECKING:
    from ..families.base import ExponentialFamily

__all__ = ["register"]

Family = Annotated[str, typer.Option("--family", help="Model that is fitted: normal, mvn, gamma, poisson, ...")]
Sizes = Annotated[str, typer.Option("--n", metavar="N,N,...", help="Sample sizes.")]
Dimension = Annotated[int, typer.Option("--d", help="Columns, for families of several variables.")]
Replicates = Annotated[int, typer.Option("--replicates", help="Samples drawn at each size.")]
Truth = Annotated[
    str | None,
    typer.Option(
        "--truth",
        metavar="LAW",
        help="Law that the samples come from, as scipy.stats names it: laplace, t:5, gamma:2, ...; the family itself "
        "at its reference parameter if left out.",
        show_default=False,
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="FILE", help="Keep finished parts; resume a killed run.", show_default=False),
]

HELP = (
    "Estimation risk of a fitted family, simulated beside its first and second order.\n\n"
    "Draws many samples, fits the family to each and prints the mean divergence from the best member, with standard "
    "errors. Without --truth samples come from the family at a reference parameter: mean 0 and variance 1 (normal, "
    "mvn), mean 1 (exponential), mean 3 (poisson), shape 2 and rate 1 (gamma), probability 0.3 (bernoulli), a = 2 and "
    "b = 3 (beta), concentration 2 (vonmises), all alpha 2 (dirichlet)."
)
EPILOG = "Example: infostat simulate pn --family normal --truth laplace --n 25,50,100,200 --replicates 20000 --seed 1"

_REFERENCE: dict[str, dict[str, Any]] = {
    "bernoulli": {"prob": 0.3},
    "beta": {"a": 2.0, "b": 3.0},
    "exponential": {"rate": 1.0},
    "gamma": {"shape": 2.0, "rate": 1.0},
    "normal": {"mean": 0.0, "var": 1.0},
    "poisson": {"mean": 3.0},
    "vonmises": {"mu": 0.0, "kappa": 2.0},
}


def register(group: typer.Typer) -> None:
    """Add the command to the group of simulations.

    Parameters
    ----------
    group : typer.Typer
        The group.
    """
    group.command("pn", help=HELP, epilog=EPILOG)(_run)


def _run(
    family: Family = "normal",
    n: Sizes = "25,50,100,200,400",
    d: Dimension = 2,
    replicates: Replicates = 10_000,
    truth: Truth = None,
    checkpoint: Checkpoint = None,
    form: FormatOption = Format.text,
    output: Output = None,
    plot: Plot = None,
    report: Report = None,
    seed: Seed = None,
    jobs: Jobs = None,
) -> None:
    import warnings

    from ..core.errors import InfostatWarning
    from ..projection import simulate_risk
    from .output import check_paths, deliver, on_terminal

    check_paths(output, plot, report)
    model, theta = reference(family, d)
    law = None if truth is None else law_from_text(truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # the cautions are printed with the result
        result = simulate_risk(
            law,
            model,
            count_list("--n", n),
            replicates,
            theta=None if law is not None else theta,
            rng=seed,
            n_jobs=jobs,
            progress=on_terminal(),
            checkpoint=checkpoint,
        )
    deliver(result, form, output, plot, report)


def reference(name: str, d: int) -> tuple[ExponentialFamily, Any]:
    """Return a family with its reference parameter.

    Parameters
    ----------
    name : str
        Registered name.
    d : int
        Columns of a family of several variables.

    Returns
    -------
    tuple
        Family and natural parameter.

    Raises
    ------
    InputError
        If the family has no reference parameter.
    """
    import numpy as np

    from ..core.validation import check_count
    from ..families.dirichlet import Dirichlet
    from ..families.multivariate_normal import MultivariateNormal
    from ..families.registry import get_family

    family = get_family(name)
    if family.name in _REFERENCE:
        return family, family.natural(**_REFERENCE[family.name])
    if isinstance(family, MultivariateNormal):
        size = check_count("--d", d, low=1)
        family = MultivariateNormal(family.structure, n_vars=size)
        return family, family.natural(mean=np.zeros(size), cov=np.eye(size))
    if isinstance(family, Dirichlet):
        size = check_count("--d", d, low=2)
        family = Dirichlet(n_vars=size)
        return family, family.natural(alpha=np.full(size, 2.0))
    known = ", ".join(sorted([*_REFERENCE, "mvn", "mvn_diagonal", "dirichlet"]))
    raise InputError(
        f"--family must have a reference parameter ({known}), got {name!r}; in Python pass truth= or theta="
    )


def law_from_text(text: str) -> Any:
    """Return the frozen scipy law of ``name`` or ``name:number:number``.

    Parameters
    ----------
    text : str
        Name in scipy.stats, with its shape parameters.

    Returns
    -------
    frozen scipy law
        The law.

    Raises
    ------
    InputError
        If there is no such law, or its parameters do not fit.
    """
    from scipy import stats

    name, *numbers = text.strip().split(":")
    law = getattr(stats, name, None)
    if not isinstance(law, (stats.rv_continuous, stats.rv_discrete)):
        raise InputError(f"--truth must be a law of scipy.stats such as laplace, t:5 or gamma:2, got {text!r}")
    try:
        values = [float(part) for part in numbers]
        frozen = law(*values)
        frozen.median()
    except (TypeError, ValueError):
        wanted = law.shapes or "none"
        raise InputError(f"--truth {text!r} does not fit the parameters of {name} (shapes: {wanted})") from None
    return frozen
