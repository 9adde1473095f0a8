"""Cautions, sources, rows required, and results as parts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import infostat
from infostat import density
from infostat.projection import plan_sample_size
from infostat.reporting.cautions import caution_line, cautions_of, gather_cautions, is_caution, places
from infostat.reporting.citations import SOURCES, citations_of
from infostat.reporting.report_result import has_figure
from infostat.reporting.requirements import required_rows, rows_required
from infostat.reporting.result_parts import anchor_of, part_of_result, tone_of

ROWS = np.random.default_rng(0).gamma(2.0, size=(300, 2))


def _criterion(**options):
    with warnings.catch_warnings():  # skew columns under a normal model deserve theirs
        warnings.simplefilter("ignore", infostat.core.errors.InfostatWarning)
        return infostat.pn_criterion(ROWS, "mvn", **options)


# ---------------------------------------------------------------------------------- cautions
def test_a_caution_is_said_once_with_its_places():
    own = [("3 rows (1, 2) are far out.", "a"), ("17 rows (9) are far out.", "b"), ("Other.", ""), ("Other.", "c")]
    found = gather_cautions({}, own)
    assert found == {"3 rows (1, 2) are far out.": ("a", "b"), "Other.": ("c",)}


def test_cautions_of_results_are_their_flags():
    heavy = np.r_[ROWS[:, 0], 400.0]
    with pytest.warns(infostat.core.errors.InfostatWarning):
        found = infostat.pn_criterion(heavy, "normal")
    assert "heavy_tail" in found.flags
    assert len(cautions_of(found)) == len(found.flags)
    assert list(gather_cautions({"x": found}).values()) == [("x",)] * len(found.flags)
    assert all(is_caution(note) for note in found.summary().notes[1:])


def test_long_lists_of_places_are_cut():
    assert places(["a", "b"]) == "a, b"
    assert places([str(i) for i in range(9)], 3) == "0, 1, 2 and 6 more"
    assert caution_line("Text.", ()) == "Caution: Text."


# ----------------------------------------------------------------------------------- sources
def test_sources_belong_to_what_was_computed():
    plain = citations_of([plan_sample_size(p=3)])
    assert plain[0].startswith("infostat developers") and plain[1] == SOURCES["sheena"] and len(plain) == 2
    found = citations_of([_criterion(bootstrap=40, rng=1), density.assess_density(ROWS, bandwidth="loo")])
    for key in ("sheena", "bootstrap", "mardia", "biroli", "duin", "scott", "silverman"):
        assert SOURCES[key] in found
    assert SOURCES["yang"] not in found and SOURCES["neyman"] not in found
    assert SOURCES["bootstrap"] not in citations_of([_criterion()])
    percentile = _criterion(bootstrap=40, rng=1, interval="percentile")
    assert SOURCES["bootstrap"] not in citations_of([percentile])
    assert SOURCES["duin"] not in citations_of([density.select_bandwidth(ROWS, "scott")])


def test_every_source_says_what_it_is_for():
    assert all(text.rstrip().endswith("]") and "http" not in text for text in SOURCES.values())


# -------------------------------------------------------------------------------- rows required
def test_rows_required_are_those_of_the_criterion():
    first, second = _criterion(), _criterion(bootstrap=40, rng=1)
    found = rows_required({"plain": first, "with interval": second})
    assert found.required.tolist() == [first.n_required_order2, second.n_required_order2]
    assert np.isnan(found.low[0])
    assert (found.low[1], found.high[1]) == second.bootstrap.intervals["n_required_order2"]
    assert found.words == (first.verdict, second.verdict) and found.threshold == first.threshold
    assert found.to_frame()["n_required"].tolist() == found.required.tolist()


def test_where_the_expansion_is_unusable_the_first_order_counts():
    g = np.random.default_rng(3)
    with pytest.warns(infostat.core.errors.InfostatWarning):
        found = infostat.pn_criterion(g.standard_t(2.1, size=(12, 3)), "mvn")
    assert found.verdict == "unreliable"
    assert required_rows(found) == found.n_required_order1
    assert rows_required({"a": found}).risk[0] == found.risk1


def test_an_interval_without_an_end_is_drawn_to_the_edge_and_printed_short():
    found = rows_required({"a": _criterion(bootstrap=40, rng=1)})
    wide = type(found)(**{**{f.name: getattr(found, f.name) for f in found._fields()}, "high": np.array([1e250])})
    ax = wide.plot()
    assert ax.get_xlim()[1] < 1e6
    assert max(len(line) for line in str(wide.summary()).splitlines()) < 100
    endless = type(found)(**{**{f.name: getattr(found, f.name) for f in found._fields()}, "high": np.array([np.inf])})
    assert np.isfinite(endless.plot().get_xlim()).all()


def test_the_figure_has_a_line_for_each_model_and_marks_the_rows_at_hand():
    names = ("one", "two", "a name that is far too long to be printed whole")
    found = rows_required({name: _criterion() for name in names})
    ax = found.plot()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[0] == "one, 5" and labels[2].endswith("..., 5")
    assert any("300 rows at hand" in text.get_text() for text in ax.texts)


# ------------------------------------------------------------------------------------- parts
def test_a_part_keeps_what_the_summary_says():
    result = _criterion()
    part = part_of_result("pn", result, "pn")
    assert part.verdict == result.verdict and part.interpretation == result.interpretation
    assert part.tone == tone_of(result.verdict)
    assert [table.rows for table in part.tables] == [
        tuple(tuple(row) for row in section.rows) for section in result.summary().sections
    ]
    assert part.settings == result._settings()
    assert list(part.figures) == ["pn"] and part.drawn[0][1] is result


def test_a_result_without_a_figure_gets_none():
    assert not has_figure(density.stable_law(1.0)) and has_figure(density.stable_law(0.5))
    assert part_of_result("law", density.stable_law(1.0), "law").drawn == ()


def test_anchors_are_unique():
    taken: list[str] = []
    for _ in range(3):
        taken.append(anchor_of("The same", taken))
    assert taken == ["the-same", "the-same-2", "the-same-3"]
    assert anchor_of("αβγ") == "part"
