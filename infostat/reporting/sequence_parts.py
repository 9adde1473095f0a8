"""Groups of models to sequences of criteria, with what could not be judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..projection.sequence_result import PNSequence
from .models import JointModels

__all__ = ["judge_groups"]


def judge_groups(
    groups: Iterable[JointModels], judged: Callable[[JointModels], PNSequence | str]
) -> tuple[dict[str, PNSequence], dict[str, str]]:
    """Return the sequence of every group, and why models are missing.

    Parameters
    ----------
    groups : iterable of JointModels
        Models of the same columns.
    judged : callable
        Returns the criteria of a group, or the reason why there are none.

    Returns
    -------
    sequences : dict of str to PNSequence
        By the title of the group.
    skipped : dict of str to str
        Models without an estimate, and why.

    Examples
    --------
    >>> judge_groups([JointModels("bits", ["a"], {"one": None}, {"two": "too large"})], lambda group: "no rows")
    ({}, {'two': 'too large', 'one': 'no rows'})
    """
    found: dict[str, PNSequence] = {}
    skipped: dict[str, str] = {}
    for group in groups:
        skipped |= group.skipped
        answer = judged(group)
        if isinstance(answer, str):
            skipped |= dict.fromkeys(group.families, answer)
            continue
        found[group.title] = answer
        skipped |= {name: why for name, why in zip(answer.names, answer.reasons, strict=True) if why}
    return found, skipped
