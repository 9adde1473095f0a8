"""The report of a reward file: how much reward a KL budget buys."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import SeedSequence

from ..alignment.alignment_result import Alignment, BestOfNTable
from ..alignment.curve_result import BonCurve
from ..alignment.together import align
from ..core.errors import InfostatWarning
from ..core.page import versions
from ..core.progress import Progress
from ..core.results import Result
from ..core.rng import seed_label
from ..core.tables import Cell
from .cautions import gather_cautions
from .citations import citations_of
from .dataset_report import source_words
from .report_result import Report, ReportPart, has_figure
from .result_parts import part_of_result

__all__ = ["holds_rewards", "reward_report"]

_RESAMPLES = 200


def holds_rewards(labels: Sequence[str]) -> bool:
    """Return whether the columns of a table are those of a reward file.

    Parameters
    ----------
    labels : sequence of str
        Column labels.

    Returns
    -------
    bool
        True if one of them is ``reward`` (in any case).

    Examples
    --------
    >>> holds_rewards(["prompt_id", "Reward"]), holds_rewards(["price"])
    (True, False)
    """
    return any(label.strip().lower() == "reward" for label in labels)


def reward_report(
    data: Any,
    source: str,
    *,
    title: str | None,
    bootstrap: int | None,
    missing: str,
    streamed: bool,
    seed: SeedSequence,
    n_jobs: int | None,
    progress: Progress,
) -> Report:
    """Return the report of reward scores, or of a law of rewards.

    Parameters
    ----------
    data : Table or path
        What `align` reads.
    source : str
        Where it came from.
    title : str or None
        Heading.
    bootstrap : int or None
        Resamples; None takes 200, and none where the rows cannot be read again.
    missing : {"drop", "raise"}
        What to do with missing rewards.
    streamed : bool
        Whether the file is read in one pass.
    seed : SeedSequence
        Seed of the bootstrap.
    n_jobs : int or None
        Workers.
    progress : bool or callable
        Progress of `align`.

    Returns
    -------
    Report
        The frontier, best-of-N, estimates and rates.
    """
    resamples = bootstrap if bootstrap is not None else 0 if streamed else _RESAMPLES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)  # flags of the result, gathered below
        found = align(data, bootstrap=resamples, nan=missing, rng=seed, n_jobs=n_jobs, progress=progress)
    parts = _parts(found)
    results: dict[str, Result] = {label: item for part in parts for label, item in (part.results or {}).items()}
    settings: dict[str, Cell] = {
        "data": source,
        "kind of data": found._data_words(),
        "bootstrap resamples": resamples if found.estimate is not None else "none: a law is exact",
        "seed": str(seed_label(seed)),
    }
    return Report(
        title=title or f"Report on {source_words(source)}",
        subject=(
            f"Asked of {source_words(source)}, {found._data_words()}: how much reward does a budget of KL divergence "
            "from the reference buy, by training against it and by best-of-N sampling?"
        ),
        kind="rewards",
        interpretation=parts[0].interpretation,
        parts=tuple(parts),
        cautions=gather_cautions(results),
        citations=citations_of(results.values()),
        settings=settings,
        software=versions(),
        source=source,
    )


def _parts(found: Alignment) -> list[ReportPart]:
    parts = [part_of_result(
        "frontier", found, "frontier", title="How much reward does a KL budget buy?",
        caption="Mean reward against the KL divergence from the reference: the KL-constrained optimum, and best-of-N.",
    )]  # fmt: skip
    if found.best_of_n is not None:
        exact = isinstance(found.best_of_n, BestOfNTable)
        caption = f"Mean reward of the best of N, {'exact' if exact else 'unbiased, with its standard error'}."
        part = part_of_result(
            "best of N", found.best_of_n, "best-of-n", title="What does best-of-N reach?", caption=caption
        )
        parts.append(replace(part, interpretation=part.interpretation or _best_words(found.best_of_n)))
    if found.estimate is not None:
        parts.append(part_of_result(
            "estimate", found.estimate, "estimate", title="How far can the scores be trusted?",
            caption="Estimates of the KL-constrained optimum with their intervals.",
        ))  # fmt: skip
    if found.rate is not None and has_figure(found.rate):
        part = part_of_result(
            "rate", found.rate, "rate", title="How fast do averages concentrate?",
            caption="Rate function of the mean reward: the exponent at which its probability falls with the length.",
        )  # fmt: skip
        words = (
            "The mean of m independent rewards is as far out as x with a probability of about exp(-m I(x)); the table "
            "and the figure show the rate I."
        )
        parts.append(replace(part, interpretation=part.interpretation or words))
    if found.sequence is not None:
        parts.append(part_of_result("sequences", found.sequence, "sequences", title="What happens for sequences?"))
    return parts


def _best_words(best: BestOfNTable | BonCurve) -> str:
    n, reward = np.atleast_1d(best.n), np.atleast_1d(best.reward)
    middle = len(n) // 2
    shown = [middle, len(n) - 1] if middle < len(n) - 1 else [middle]
    named = " and ".join(f"{reward[i]:.4g} for the best of {n[i]:g}" for i in shown)
    return f"The mean reward is {named}."
