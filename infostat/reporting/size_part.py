"""The part of a report that answers: is the sample large enough?"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.tables import Cell
from ..projection.criterion_result import PNCriterion
from ..projection.sequence_result import PNSequence
from .cautions import places
from .column_parts import all_of, plural
from .report_result import ReportPart, ReportTable
from .requirements import required_rows, row_count, rows_required

__all__ = ["models_of", "size_part"]

_MOST_DETAILS = 6
_MOST_SKIPPED = 8


def models_of(found: PNSequence) -> dict[str, PNCriterion]:
    """Return the models of a sequence that have an estimate.

    Parameters
    ----------
    found : PNSequence
        The sequence.

    Returns
    -------
    dict of str to PNCriterion
        Name to criterion.
    """
    return {name: result for name, result in zip(found.names, found.results, strict=True) if result is not None}


def size_part(
    single: Mapping[str, PNCriterion], sequences: Mapping[str, PNSequence], skipped: Mapping[str, str], alpha: float
) -> ReportPart | None:
    """Return the part about the p-n criterion, or None where no model could be judged.

    Parameters
    ----------
    single : mapping of str to PNCriterion
        The family chosen for each column.
    sequences : mapping of str to PNSequence
        Models of several columns, by what these columns have in common.
    skipped : mapping of str to str
        Models without an estimate, and why.
    alpha : float
        Tolerated loss of Bayes error.

    Returns
    -------
    ReportPart or None
        Verdict, tables, figure, and the summaries of the joint models.
    """
    groups = {title: models_of(found) for title, found in sequences.items()}
    joint = {name: result for group in groups.values() for name, result in group.items()}
    judged = {**joint, **single}
    if not judged:
        return None
    needs = rows_required(judged)
    word, tone = _verdict(judged)
    sentences = [_sentence_single(single, needs.n)] if single else []
    sentences += [_sentence_joint(title, group, needs.n) for title, group in groups.items()]
    label = "rows required"
    return ReportPart(
        anchor="sample-size",
        title="Is the sample large enough?",
        verdict=word,
        tone=tone,
        interpretation=" ".join(sentences),
        remarks=(_criterion_words(needs.threshold, alpha), *_skipped(skipped)),
        tables=tuple(_tables(single, groups)),
        results={label: needs, **judged},
        figures={label: _caption(judged)},
        details=tuple(list(joint or single)[:_MOST_DETAILS]),
    )


def _criterion_words(threshold: float, alpha: float) -> str:
    return (
        "A model passes if the expected Kullback-Leibler divergence between the fitted model and the best member of "
        f"its family is at most 8 alpha^2 = {threshold:.3g} nats: one observation then tells the two apart with an "
        f"expected error of at least {0.5 - alpha:.3g} (0.5 is guessing). It says nothing about how close the family "
        "is to the truth; the next part does."
    )


def _skipped(skipped: Mapping[str, str]) -> list[str]:
    found = [f"Not judged: {name} ({why})." for name, why in skipped.items()]
    rest = len(found) - _MOST_SKIPPED
    return found if rest <= 0 else [*found[:_MOST_SKIPPED], f"{plural(rest, 'more model')} could not be judged."]


def _caption(judged: Mapping[str, PNCriterion]) -> str:
    levels = {r.bootstrap.confidence_level for r in judged.values() if r.bootstrap is not None}
    bars = f" Bars are {100 * levels.pop():g} % intervals." if levels else ""
    return f"Rows that each model asks for, beside the rows at hand (dashed).{bars}"


def _verdict(judged: Mapping[str, PNCriterion]) -> tuple[str, str]:
    words = [result.verdict for result in judged.values()]
    if all(word == "sufficient" for word in words):
        return "sufficient", "good"
    if any(word == "sufficient" for word in words):
        return "partly sufficient", "mixed"
    if all(word == "insufficient" for word in words):
        return "insufficient", "poor"
    return "undecided", "mixed"


def _sentence_single(single: Mapping[str, PNCriterion], n: float) -> str:
    enough = [name for name, result in single.items() if result.verdict == "sufficient"]
    rows = row_count(n)
    if len(single) == 1:
        ((name, result),) = single.items()
        return f"{rows} {_are_enough(result)} for {name}; it asks for about {required_rows(result)}."
    if len(enough) == len(single):
        most = max(single, key=lambda name: required_rows(single[name]))
        return (
            f"{rows} are enough for each of the {len(single)} columns on its own; the most demanding, {most}, asks for "
            f"about {required_rows(single[most])}."
        )
    if not enough:
        return f"{rows} are clearly enough for none of the {len(single)} columns on its own."
    others = [name for name in single if name not in enough]
    return (
        f"{rows} are enough for {len(enough)} of {len(single)} columns on their own; not clearly for "
        f"{places(others, 3)}."
    )


def _are_enough(result: PNCriterion) -> str:
    words = {"sufficient": "are enough", "insufficient": "are not enough"}
    return words.get(result.verdict, "may or may not be enough")


def _sentence_joint(title: str, joint: Mapping[str, PNCriterion], n: float) -> str:
    enough = [name for name, result in joint.items() if result.verdict == "sufficient"]
    largest = max(joint, key=lambda name: joint[name].p)
    start, asks = f"For {title} {row_count(n)}", _asks(joint, largest)
    if len(joint) == 1:
        return f"{start} {_are_enough(joint[largest])} for the model {asks}."
    if len(enough) == len(joint):
        return f"{start} are enough for {all_of(len(joint))} models; the largest is {asks}."
    if not enough:
        return f"{start} are clearly enough for none of the {len(joint)} models; the largest is {asks}."
    if largest in enough:
        return f"{start} are enough for the largest model, {asks}, but not clearly for every other."
    carried = max(enough, key=lambda name: joint[name].p)
    negation = "not" if joint[largest].verdict == "insufficient" else "not clearly"
    return f"{start} are enough for '{carried}' ({plural(joint[carried].p, 'parameter')}), but {negation} for {asks}."


def _asks(joint: Mapping[str, PNCriterion], name: str) -> str:
    found = joint[name]
    return f"'{name}' ({plural(found.p, 'parameter')}), which asks for about {required_rows(found)} rows"


def _tables(single: Mapping[str, PNCriterion], groups: Mapping[str, Mapping[str, PNCriterion]]) -> list[ReportTable]:
    found = [_table(f"{title[0].upper()}{title[1:]}", group, "") for title, group in groups.items()]
    if single:
        note = "The family of a column is the one with the smallest TIC."
        found.append(_table("Each column on its own", single, note))
    return found


def _table(title: str, group: Mapping[str, PNCriterion], note: str) -> ReportTable:
    (section,) = rows_required(dict(group))._sections()
    rows: tuple[tuple[Cell, ...], ...] = tuple(tuple(row) for row in section.rows)
    return ReportTable(title, tuple(section.header), rows, note)
