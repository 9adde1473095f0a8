"""Cautions, sentences and tables of the risk of a general model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..core.errors import (
    ConvergenceWarning,
    ExpansionWarning,
    HeavyTailWarning,
    InfostatWarning,
    SampleSizeWarning,
)
from ..core.tables import Cell, Section, caution, format_cell
from .sandwich_result import SandwichRisk

__all__ = ["SANDWICH_FLAGS", "SandwichFlag", "flag_sentences", "interpretation", "sandwich_sections"]


@dataclass(frozen=True)
class SandwichFlag:
    """A caution.

    Attributes
    ----------
    warning : type or None
        Class of the Python warning; None if the flag only informs.
    text : callable
        Sentence for a result.
    """

    warning: type[InfostatWarning] | None
    text: Callable[[SandwichRisk], str]


def _rows(r: SandwichRisk) -> str:
    return ", ".join(str(k) for k in r.heavy_rows[:5]) + (", ..." if len(r.heavy_rows) > 5 else "")


def _rest(r: SandwichRisk) -> str:
    return format_cell(None if r.a2 is None or r.a2_skew is None else r.a2 - r.a2_skew)


SANDWICH_FLAGS: dict[str, SandwichFlag] = {
    "expansion_doubtful": SandwichFlag(
        ExpansionWarning,
        lambda r: (
            f"The second-order term is {format_cell(r.validity_ratio)} of the first; above 0.5 the expansion is "
            "doubtful at this sample size. Repeated fits to simulated samples show the risk itself."
        ),
    ),
    "expansion_unreliable": SandwichFlag(
        ExpansionWarning,
        lambda r: (
            f"The second-order term is {format_cell(r.validity_ratio)} times the first (or the sum is not positive): "
            "the expansion cannot be used at this sample size; read the first-order numbers, or fit simulated samples "
            "repeatedly."
        ),
    ),
    "second_order_unusable": SandwichFlag(
        ExpansionWarning,
        lambda r: "No sample size solves the second-order equation; the first-order value is repeated.",
    ),
    "n_required_order2_unreliable": SandwichFlag(
        None,
        lambda r: "At the second-order sample size the expansion is still doubtful (ratio above 0.5).",
    ),
    "parts_cancel": SandwichFlag(
        None,
        lambda r: (
            f"The second-order term is the sum of two parts, {format_cell(r.a2_skew)} and {_rest(r)}, that are large "
            "against it: at this sample size, or at the one required, the expansion is less accurate than its "
            "validity ratio says. Take the larger of the two orders, or fit simulated samples."
        ),
    ),
    "n_at_most_p": SandwichFlag(
        SampleSizeWarning,
        lambda r: f"There are {format_cell(r.n)} rows for {r.p} parameters: n does not exceed p.",
    ),
    "heavy_tail": SandwichFlag(
        HeavyTailWarning,
        lambda r: (
            f"A few rows ({_rows(r)}) carry a large share of the estimated moments; look at them, they may be "
            "errors of recording, outliers, or points of high leverage."
        ),
    ),
    "derivatives_inexact": SandwichFlag(
        ConvergenceWarning,
        lambda r: (
            f"Doubling the steps of the numerical derivatives moves the result by {format_cell(r.numerical_error)}, "
            "more than a thousandth of it; give score and hessian."
        ),
    ),
    "monte_carlo_error": SandwichFlag(
        ConvergenceWarning,
        lambda r: (
            "The Monte-Carlo error of the model's expectations exceeds 5 % of the risk; raise draws, or give "
            "nodes= or fisher=."
        ),
    ),
}


def interpretation(r: SandwichRisk) -> str:
    """Return what a result means, in a few plain sentences.

    Parameters
    ----------
    r : SandwichRisk
        The numbers.

    Returns
    -------
    str
        The verdict with its reason, the rows needed, and what is not said.
    """
    need = r.n_required_order2 if r.order == 2 and r.verdict != "unreliable" else r.n_required_order1
    scope = (
        "This is about the distance of the fitted model from the best member of its family, not about the distance "
        f"of that member from the truth; a sign of the latter is T0/p = {format_cell(r.misspecification_ratio)}, which "
        "is 1 for a right model (and may be for a wrong one)."
    )
    return " ".join([_verdict_sentence(r), f"The criterion asks for about {need} rows.", scope])


def _verdict_sentence(r: SandwichRisk) -> str:
    model = f"{'an' if r.model[:1] in 'aeiou' else 'a'} {r.model} with {r.p} parameter{'' if r.p == 1 else 's'}"
    risk = r.risk1 if r.order == 1 else r.risk2
    if r.n is None or risk is None:
        return f"For {model} the estimation risk is {format_cell(r.a1)}/n nats to first order."
    compare = f"estimation risk {format_cell(risk)} nats, threshold {format_cell(r.threshold)}"
    rows = f"{r.n:g} rows"
    if r.verdict == "sufficient":
        return f"{rows} are enough for {model} ({compare})."
    if r.verdict == "insufficient":
        return f"{rows} are not enough for {model} ({compare})."
    if r.verdict == "borderline":
        return f"Whether {rows} are enough for {model} is hidden by the Monte-Carlo error ({compare})."
    passed = "pass" if r.verdict_order1 == "sufficient" else "do not pass"
    return (
        f"For {model} the second-order expansion cannot be used at {rows}; by the first-order risk "
        f"{format_cell(r.risk1)} nats (threshold {format_cell(r.threshold)}) they {passed}."
    )


def flag_sentences(r: SandwichRisk) -> list[str]:
    """Return one sentence per flag.

    Parameters
    ----------
    r : SandwichRisk
        The result.

    Returns
    -------
    list of str
        Cautions, in the order of the flags.
    """
    return [caution(name, SANDWICH_FLAGS[name].text(r)) for name in r.flags]


def sandwich_sections(r: SandwichRisk) -> Sequence[Section]:
    """Return the tables of the summary.

    Parameters
    ----------
    r : SandwichRisk
        The result.

    Returns
    -------
    sequence of Section
        Verdict and first order; second order; parameters.
    """
    facts: list[list[Cell]] = [
        ["Verdict", r.verdict],
        ["Verdict, order 1", r.verdict_order1],
        ["Rows n", r.n],
        ["Parameters p", r.p],
        ["Threshold 8 alpha^2 (nats)", r.threshold],
        ["Bayes error at least", r.bayes_error_floor],
        ["T0", r.T0],
        ["T0/p (1 if right)", r.misspecification_ratio],
        ["tr(J^-1 K), TIC", r.tic_trace],
        ["Validity ratio", r.validity_ratio],
    ]
    orders: list[list[Cell]] = [["1", r.a1, r.risk1, r.n_required_order1, _plus(r.a1_se)]]
    if r.order == 2:
        orders.append(["2", r.a2, r.risk2, r.n_required_order2, _plus(r.a2_se)])
    sections = [
        Section(facts),
        Section(orders, ("order", "coefficient", "risk (nats)", "rows required", "MC error")),
    ]
    if r.order == 2:
        companions: list[list[Cell]] = [
            ["excess loss", 0.5 * r.tic_trace, r.excess2],
            ["reverse risk", r.a1, r.rev2],
            ["optimism", r.tic_trace, r.opt2],
        ]
        sections.append(Section(companions, ("companion", "times 1/n", "times 1/n^2")))
    return [*sections, _parameters(r)]


def _plus(error: float | None) -> Cell:
    return "none" if error is None else error


def _parameters(r: SandwichRisk) -> Section:
    rows: list[list[Cell]] = []
    for k, label in enumerate(r.labels):
        row: list[Cell] = [label, float(r.theta[k])]
        if r.mle_bias is not None and r.n is not None:
            row.append(float(r.mle_bias[k]) / r.n)
        rows.append(row)
    return Section(rows, ("parameter", "estimate", "bias of it")[: len(rows[0])])
