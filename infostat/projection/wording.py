"""The sentences and tables of the p-n criterion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.tables import Cell, Section, caution, format_cell, whole

if TYPE_CHECKING:
    from .criterion_result import PNCriterion

__all__ = ["criterion_sections", "flag_sentences", "interpretation"]


def interpretation(result: PNCriterion) -> str:
    """Return what a criterion means, in a few plain sentences.

    Parameters
    ----------
    result : PNCriterion
        The numbers.

    Returns
    -------
    str
        The verdict with its reason, what the sample size would have to be, what the
        criterion does not say, and what the misfit test says instead.
    """
    parts = [_verdict_sentence(result), _need_sentence(result), _scope_sentence(result)]
    return " ".join(part for part in parts if part)


def _verdict_sentence(r: PNCriterion) -> str:
    risk = r.risk1 if r.order == 1 else r.risk2
    rows = f"{format_cell(r.n)} rows"
    article = "an" if r.family[:1].lower() in "aeiou" else "a"
    model = f"{article} {r.family} model with {r.p} parameter{'' if r.p == 1 else 's'}"
    compare = f"estimation risk {_num(risk)} nats{_interval(r)}, threshold {_num(r.threshold)}"
    if r.verdict == "sufficient":
        return f"{rows} are enough for {model} ({compare})."
    if r.verdict == "insufficient":
        return f"{rows} are not enough for {model} ({compare})."
    if "sampler_not_converged" in r.flags:
        return f"Nothing can be said about {model}: its simulation has not converged."
    if r.verdict == "borderline" and r.bootstrap is None:
        return (
            f"Whether {rows} are enough for {model} cannot be decided: the Monte-Carlo error of the risk is too "
            f"large ({compare})."
        )
    if r.verdict == "borderline":
        return (
            f"Whether {rows} are enough for {model} cannot be decided: the interval of the risk contains "
            f"the threshold ({compare})."
        )
    first = "pass" if r.verdict_order1 == "sufficient" else "do not pass"
    return (
        f"For {model} the second-order expansion cannot be used at {rows}; by the first-order risk "
        f"{_num(r.risk1)} nats (threshold {_num(r.threshold)}) they {first}."
    )


def _interval(r: PNCriterion) -> str:
    if r.bootstrap is None:
        return ""
    low, high = r.bootstrap.intervals["risk1" if r.order == 1 else "risk2"]
    return f", {100 * r.bootstrap.confidence_level:g} % interval {_num(low)} to {_num(high)}"


def _need_sentence(r: PNCriterion) -> str:
    if "sampler_not_converged" in r.flags:
        return ""
    need = r.n_required_order1 if r.order == 1 or r.verdict == "unreliable" else r.n_required_order2
    return f"The criterion asks for about {format_cell(need)} rows."


def _scope_sentence(r: PNCriterion) -> str:
    scope = (
        "It says how close the fitted model is to the best member of its family, and nothing about how "
        "close that family is to the truth"
    )
    p = r.misfit.p_value
    if p is None:
        if r.misfit.df:
            return f"{scope}; there are too few rows to test the fit."
        return f"{scope}; the family is saturated, so there is nothing to test."
    size = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    says = "finds a clear misfit" if p < 0.01 else ("finds some misfit" if p < 0.05 else "finds no misfit")
    return f"{scope}; a test of the fit ({r.misfit.name}, {size}) {says}."


def flag_sentences(result: PNCriterion) -> list[str]:
    """Return one sentence per flag.

    Parameters
    ----------
    result : PNCriterion
        The criterion.

    Returns
    -------
    list of str
        Cautions, in the order of the flags.
    """
    from .flags import FLAGS

    return [caution(name, FLAGS[name].text(result)) for name in result.flags]


def criterion_sections(r: PNCriterion) -> Sequence[Section]:
    """Return the tables of the summary.

    Parameters
    ----------
    r : PNCriterion
        The criterion.

    Returns
    -------
    sequence of Section
        Facts, estimates with intervals, misfit.
    """
    facts: list[list[Cell]] = [
        ["Verdict", r.verdict],
        ["Verdict, order 1", r.verdict_order1],
        ["Rows n", r.n],
        ["Parameters p", r.p],
        ["Tolerance alpha", r.alpha],
        ["Threshold 8 alpha^2 (nats)", r.threshold],
        ["Alpha attained", r.alpha_attained],
        ["Bayes error at least", r.bayes_error_floor],
        ["T0/p (1 if the model is right)", r.misspecification_ratio],
        ["Validity ratio |a2|/(n a1)", r.validity_ratio],
    ]
    misfit: list[list[Cell]] = [
        [r.misfit.name, r.misfit.value, r.misfit.df, _p_value(r.misfit.p_value)]
    ]
    return [
        Section(facts),
        _estimates(r),
        *_simulation(r),
        Section(misfit, ("misfit of the family", "statistic", "df", "p-value")),
    ]


def _simulation(r: PNCriterion) -> Sequence[Section]:
    """Monte-Carlo errors and the state of the chains, where the model was simulated."""
    if r.sampler is None:
        return []
    errors = r.terms.mc_se
    rows: list[list[Cell]] = [[name, getattr(r.terms, name), errors[name]] for name in ("T0", "T1", "T2", "T3")]
    rows += [["risk, order 1 (nats)", r.risk1, r.risk1_mc_se], ["risk, order 2 (nats)", r.risk2, r.risk2_mc_se]]
    chains: list[list[Cell]] = [
        ["Draws of the model", r.sampler.n_draws],
        ["Chains", r.sampler.n_chains],
        ["Largest split R-hat", r.sampler.rhat],
        ["Smallest effective size", r.sampler.effective_size],
    ]
    return [Section(rows, ("simulated model", "value", "Monte-Carlo s.e.")), Section(chains)]


def _estimates(r: PNCriterion) -> Section:
    rows: list[list[Cell]] = [["T0 (twice the 1/n coefficient)", r.terms.T0]]
    names = ["T0"]
    rows.append(["risk, order 1 (nats)", r.risk1])
    names.append("risk1")
    rows.append(["risk, order 2 (nats)", r.risk2])
    names.append("risk2")
    rows.append(["rows required, order 1", r.n_required_order1])
    names.append("n_required_order1")
    rows.append(["rows required, order 2", r.n_required_order2])
    names.append("n_required_order2")
    if r.bootstrap is None:
        return Section(rows, ("", "estimate"))
    level = f"{100 * r.bootstrap.confidence_level:g} %"
    for row, name in zip(rows, names, strict=True):
        low, high = r.bootstrap.intervals.get(name, (None, None))
        if name.startswith("n_required") and low is not None and high is not None:
            row += [whole(low), whole(high)]
        else:
            row += [low, high]
    return Section(rows, ("", "estimate", f"{level} low", f"{level} high"))


def _p_value(p: float | None) -> Cell:
    return "< 0.001" if p is not None and p < 0.001 else p


def _num(value: float | None) -> str:
    return format_cell(value)
