"""The house's way of speaking, as tables and small checks that the tests of tests/common use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from infostat.core.tables import Section

# One word for one thing. What stands on the left is not said in tables, figures or arguments.
NOT_SAID = {
    "ess": "ESS",
    "se": "s.e. in a heading, standard error in a sentence",
    "std err": "s.e.",
    "std. err.": "s.e.",
    "stderr": "s.e.",
    "standard errors": "s.e.",
    "n obs": "Rows n",
    "no. observations": "Rows n",
    "sample n": "Rows n",
    "pvalue": "p-value",
    "p value": "p-value",
    "p_value": "p-value",
    "ci": "95 % interval",
    "confidence interval": "95 % interval",
    "monte carlo se": "Monte-Carlo s.e.",
    "monte carlo standard error": "Monte-Carlo standard error",
    "kl divergence (nats)": "KL (nats)",
    "log n / d": "log(n)/d",
}
ARGUMENTS_NOT_SAID = {
    "seed": "rng",
    "random_state": "rng",
    "jobs": "n_jobs",
    "n_workers": "n_jobs",
    "verbose": "progress",
    "conf_level": "confidence_level",
    "confidence": "confidence_level",
    "level": "confidence_level",
    "n_boot": "bootstrap",
    "n_bootstrap": "bootstrap",
    "n_resamples": "bootstrap",
    "sample_weight": "weights",
    "n_rep": "replicates",
    "n_replicates": "replicates",
    "reps": "replicates",
    "bw": "bandwidth, or h for a number",
    "verbose_level": "progress",
    "normalise": "normalize",
    "standardise": "standardize",
}

# Labels of pairs begin with a capital, except for symbols and formulas.
_SYMBOL = re.compile(
    r"([a-zA-Z][0-9]?|alpha|beta|gamma|delta|eta|kappa|lambda|mu|rho|sigma[02]?|tau)(?=$| ?[=(,*^/|])|p-value"
    r"|\|.*|[a-z]+\(.*|(sqrt|log|chi\^2|range) .*|chi\^2.*|[0-9].*|[a-z]+_[a-zA-Z]\b.*|[a-z]_[A-Za-z]+.*"
    r"|its .*|of which .*"  # about the row above
)


def label_faults(sections: Sequence[Section]) -> list[str]:
    """Return what is wrong with the labels and headings of a summary."""
    faults = []
    for section in sections:
        if section.header:
            faults += [f"heading {h!r}: say {NOT_SAID[h.lower()]}" for h in _said(section.header, exact_case=True)]
            continue
        labels = [str(row[0]) for row in section.rows]
        faults += [f"label {x!r}: say {NOT_SAID[x.lower()]}" for x in _said(labels)]
        faults += [f"label {x!r} must begin with a capital" for x in labels if x[:1].islower() and not _SYMBOL.match(x)]
        faults += [f"label {x!r} is the name of a field" for x in labels if re.search(r"[a-z]{2,}_[a-z]{2,}", x)]
    return faults


def note_faults(notes: Sequence[str], flags: Iterable[str]) -> list[str]:
    """Return what is wrong with the sentences below the tables."""
    faults = [f"no full stop: {note!r}" for note in notes if not note.rstrip().endswith((".", "?", ")"))]
    faults += [f"a flag without the word: {note!r}" for note in notes if re.match(r"\[\w+\] ", note)]
    known = set(flags)
    for note in notes:
        found = re.match(r"Caution \[(\w+)\]: [A-Z0-9]", note)
        if note.startswith("Caution") and found is None and not note.startswith(("Cautions of", "Caution: ")):
            faults.append(f"a caution is said as 'Caution [flag]: Sentence.', got {note!r}")
        if found is not None and known and found[1] not in known:
            faults.append(f"no such flag: {found[1]}")
    return faults


def axis_faults(panels: Iterable[Any]) -> list[str]:
    """Return what is wrong with the names of axes."""
    faults = []
    for panel in panels:
        for name in (panel.get_xlabel(), panel.get_ylabel()):
            if re.search(r"\b(in nats|\[nats\]|\(bits\)|\(reward\))", name):
                faults.append(f"axis {name!r}: a unit stands in brackets, that of a reward is (unit of the reward)")
            if re.search(r"[a-z]{2,}_[a-z]{2,}", re.sub(r"\$[^$]*\$", "", name)):
                faults.append(f"axis {name!r} is the name of a field")
            if name[:1].isupper() and re.match(r"[A-Z][a-z]{2,} ", name) and not name.startswith("Bayes"):
                faults.append(f"axis {name!r} must begin with a small letter")
    return faults


def _said(words: Iterable[str], *, exact_case: bool = False) -> list[str]:
    return [w for w in words if w.lower() in NOT_SAID and not (exact_case and w in NOT_SAID.values())]
