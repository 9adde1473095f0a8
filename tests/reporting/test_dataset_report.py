"""The report of a data set: its numbers are those of the single calls, and it goes on where one fails."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from infostat import density
from infostat.core.errors import DataError, InfostatWarning, InputError, InputTypeError
from infostat.projection import information_criteria, pn_criterion
from infostat.reporting import density_part as density_module
from infostat.reporting import models as models_module
from infostat.reporting import report
from tests.reporting.report_data import mixed

FRAME = mixed()
MEASURED = ["length", "height"]


@pytest.fixture(scope="module")
def found():
    return report(FRAME, bootstrap=0)


def _models(found):
    return {label: item for label, item in found.results.items() if type(item).__name__ == "PNCriterion"}


# ----------------------------------------------------------------------------------- numbers
def test_every_question_is_answered(found):
    assert list(found.verdicts) == [
        "Is the sample large enough?", "Do the models fit?", "How far can a density estimate be trusted?",
    ]  # fmt: skip
    assert found.kind == "dataset" and found.parts[-1].title == "What is in the data?"
    assert all(part.interpretation for part in found.parts)
    assert set(found.to_frame()["tone"]) <= {"good", "mixed", "poor", "neutral"}


def test_the_models_are_those_of_the_kinds(found):
    assert set(_models(found)) == {
        "independent normals", "independent, best family each", "multivariate normal", "independent bits",
        "all pairs of bits (Ising)", "all columns independent", "length (gamma)", "height (normal)",
        "visits (poisson)", "member (bernoulli)", "active (bernoulli)", "city (categorical)",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("label", "columns", "family"),
    [
        ("multivariate normal", MEASURED, "mvn"),
        ("independent normals", MEASURED, "mvn_diagonal"),
        ("length (gamma)", ["length"], "gamma"),
        ("all pairs of bits (Ising)", ["member", "active"], "ising"),
        ("visits (poisson)", ["visits"], "poisson"),
    ],
)
def test_numbers_are_those_of_the_criterion(found, label, columns, family):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        own = pn_criterion(FRAME[columns].astype(float), family)
    result = found.results[label]
    assert result.risk2 == pytest.approx(own.risk2, rel=1e-12)
    assert result.n_required_order2 == own.n_required_order2
    assert result.misfit.value == pytest.approx(own.misfit.value, rel=1e-12)
    assert result.verdict == own.verdict


def test_information_criteria_are_those_of_the_single_call(found):
    sequence = found.results["models of all measurements together"]
    own = information_criteria(FRAME[MEASURED], "mvn")
    assert sequence.tic[sequence.names.index("multivariate normal")] == pytest.approx(own.tic, rel=1e-12)


def test_the_density_is_that_of_assess_density(found):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        own = density.assess_density(FRAME[MEASURED], standardize=True)
    result = found.results["density estimate"]
    assert result.h == pytest.approx(own.h, rel=1e-12) and result.verdict == own.verdict
    table = found.parts[2].tables[1]
    assert table.rows[0][2] == pytest.approx(own.h * FRAME["length"].std(), rel=1e-12)


def test_the_seed_decides_and_the_workers_do_not():
    small = FRAME[MEASURED].iloc[:60]
    first = report(small, bootstrap=30, rng=4)
    assert report(small, bootstrap=30, rng=np.random.SeedSequence(4), n_jobs=2) == first
    other = report(small, bootstrap=30, rng=5)
    assert other != first and other.verdicts.keys() == first.verdicts.keys()
    assert first.settings["seed"] == "4"


def test_a_column_does_not_depend_on_what_else_is_judged():
    with_word = FRAME[["length", "height", "city"]].iloc[:60]
    one, two = report(with_word, bootstrap=30), report(with_word[["length", "height"]], bootstrap=30)
    label = "length (gamma)"
    assert one.results[label].bootstrap == two.results[label].bootstrap


# ----------------------------------------------------------------------------------- choices
def test_a_family_of_one_column_is_judged_on_each():
    found = report(FRAME[["length", "visits"]], family="poisson", bootstrap=0)
    assert list(_models(found)) == ["visits (poisson)"]
    assert any("length (poisson)" in text for text in found.parts[0].remarks)  # not whole numbers


def test_other_families_are_judged_on_all_columns_together():
    found = report(FRAME, columns=MEASURED, family=["mvn_diagonal", "mvn"], bootstrap=0)
    assert list(_models(found)) == ["mvn_diagonal", "mvn"]
    named = report(FRAME, columns="length,height", family={"full": "mvn", "one": "normal"}, bootstrap=0)
    assert list(_models(named)) == ["full", "length (one)", "height (one)"]
    assert named.settings["models"] == "full, one"


def test_title_and_alpha():
    found = report(FRAME[MEASURED], title="Leaves", alpha=0.2, bootstrap=0)
    assert found.title == "Leaves" and found.settings["alpha"] == 0.2
    assert found.results["rows required"].threshold == pytest.approx(8 * 0.2**2)
    assert found.verdicts["Is the sample large enough?"] == "sufficient"


def test_intervals_are_left_out_where_they_would_take_long(monkeypatch):
    monkeypatch.setattr(models_module, "_MOST_WORK", 1.0)
    found = report(FRAME[MEASURED].iloc[:60])
    assert all(item.bootstrap is None for item in _models(found).values())
    assert any(text.startswith("No interval") for text in found.cautions)


def test_a_full_model_that_would_take_minutes_is_named(monkeypatch):
    monkeypatch.setattr(models_module, "_MOST_TERMS", 1.0)
    found = report(FRAME[MEASURED], bootstrap=0)
    assert "multivariate normal" not in found.results
    assert any("Not judged: multivariate normal (5 parameters on 160 rows" in text for text in found.parts[0].remarks)


def test_very_many_rows_are_thinned_for_the_density(monkeypatch):
    monkeypatch.setattr(density_module, "_MOST_ROWS", 130)
    monkeypatch.setattr(density_module, "_FEWEST_ROWS", 130)
    found = report(FRAME[MEASURED], bootstrap=0)
    assert found.results["density estimate"].n == 130
    (text,) = [text for text in found.cautions if "A random 130 of the 160 rows" in text]
    assert found.cautions[text] == ("How far can a density estimate be trusted?",)
    assert not any("A random" in remark for part in found.parts for remark in part.remarks)


# ------------------------------------------------------------------------------ what can go wrong
def test_missing_values_are_left_out_with_a_warning():
    frame = FRAME[MEASURED].copy()
    frame.iloc[[3, 7], 0] = np.nan
    with pytest.warns(InfostatWarning, match="2 of 160 rows have a missing"):
        found = report(frame, bootstrap=0)
    assert "158 complete rows of 160" in found.parts[-1].interpretation
    with pytest.raises(DataError, match='missing="drop"'):
        report(frame, missing="raise")


def test_a_model_without_an_estimate_does_not_stop_the_others():
    frame = FRAME[MEASURED].assign(same=FRAME["length"] * 2.0)  # collinear
    found = report(frame, bootstrap=0)
    assert "multivariate normal" not in found.results and "independent normals" in found.results
    assert any(text.startswith("Not judged: multivariate normal") for text in found.parts[0].remarks)


def test_one_column_is_enough():
    found = report([1.5, 2.5, 2.0, 4.0, 3.1, 2.2, 1.1, 0.7], bootstrap=0)
    assert "Is the sample large enough?" in found.verdicts
    assert found.title == "Report on the data"


def test_words_alone_are_enough():
    found = report(pd.DataFrame({"w": ["a", "b", "a", "b", "b", "a"]}), bootstrap=0)
    assert found.verdicts["Do the models fit?"] == "nothing to test"
    assert "How far can a density estimate be trusted?" not in found.verdicts


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"alpha": 0.7}, InputError, "alpha"),
        ({"bootstrap": -1}, InputError, "bootstrap"),
        ({"bootstrap": 1.5}, InputTypeError, "bootstrap"),
        ({"missing": "fill"}, InputError, "missing"),
        ({"kind": "page"}, InputError, "kind"),
        ({"family": "nonsense"}, InputError, "unknown family"),
        ({"family": []}, InputError, "at least one model"),
        ({"family": ["mvn", "mvn"]}, InputError, "once"),
        ({"family": 3}, InputTypeError, "family"),
        ({"columns": "nobody"}, InputError, "nobody"),
        ({"title": 3}, InputTypeError, "title"),
        ({"rng": -1}, InputError, "rng"),
        ({"progress": "yes"}, InputTypeError, "progress"),
        ({"kind": "rewards", "family": "mvn"}, InputError, "family is for data sets"),
    ],
)
def test_bad_options(options, error, words):
    with pytest.raises(error, match=words):
        report(FRAME, **options)


@pytest.mark.parametrize("data", [None, 3, {"x": [1, 2]}, [], [[1.0, 2.0]], "nowhere.csv"])
def test_bad_data(data):
    with pytest.raises((DataError, InputError, InputTypeError)):
        report(data)


def test_progress_is_told_and_silent_by_default(capsys):
    seen = []
    report(FRAME[MEASURED], bootstrap=0, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 5) for k in range(1, 6)]
    assert capsys.readouterr().err == ""
