"""Reports of reward files and of results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import infostat
from infostat import alignment, density
from infostat.core import chunks
from infostat.core.errors import InputError, InputTypeError
from infostat.core.results import Result
from infostat.projection import plan_sample_size
from infostat.reporting import report

G = np.random.default_rng(2)
SCORES = pd.DataFrame({"Reward": G.normal(size=300), "length": G.integers(1, 9, 300)})
LAW = pd.DataFrame({"prob": [0.5, 0.3, 0.2], "reward": [0.0, 1.0, 2.0]})


def test_a_law_gets_the_exact_report():
    found = report(LAW)
    assert found.kind == "rewards"
    assert found.verdicts == {"How much reward does a KL budget buy?": "exact"}
    own = alignment.align(LAW)
    np.testing.assert_allclose(found.results["frontier"].frontier.reward, own.frontier.reward, rtol=1e-13)
    assert [part.anchor for part in found.parts] == ["frontier", "best-of-n", "rate"]
    assert all(part.interpretation for part in found.parts)


def test_scores_get_estimates_and_intervals():
    found = report(SCORES, bootstrap=40, rng=3)
    own = alignment.align(SCORES, bootstrap=40, rng=3)
    assert found.results["frontier"] == own
    assert "estimate" in found.results and found.settings["bootstrap resamples"] == 40
    assert found.verdicts["How much reward does a KL budget buy?"] == own.verdict


def test_a_column_called_reward_can_be_an_ordinary_one():
    assert report(SCORES, kind="dataset", bootstrap=0).kind == "dataset"
    assert report(SCORES, columns=["length"], bootstrap=0).kind == "dataset"
    assert report(SCORES, columns=["Reward"], family="normal", bootstrap=0).kind == "dataset"


def test_scores_without_a_label_on_request():
    assert report(SCORES["Reward"].to_numpy(), kind="rewards", bootstrap=0).kind == "rewards"


def test_missing_scores_follow_the_argument():
    frame = SCORES.copy()
    frame.loc[4, "Reward"] = np.nan
    found = report(frame, bootstrap=0)
    assert found.results["frontier"].n_samples == 299
    assert "Samples without a reward were left out." in found.cautions
    with pytest.raises(InputError):
        report(frame, missing="raise")


def test_a_large_file_is_read_in_one_pass(tmp_path, monkeypatch):
    path = tmp_path / "scores.csv"
    SCORES.to_csv(path, index=False)
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    found = report(path)
    assert found.results["frontier"].best_of_n is None and found.settings["bootstrap resamples"] == 0
    assert any("one pass" in text for text in found.cautions)
    assert found.source == str(path) and found.title == "Report on scores.csv"


# ---------------------------------------------------------------------------------- results
PLAN = plan_sample_size(p=5)
REGIME = density.regime_theory(0.3)


def test_one_result():
    found = report(PLAN)
    assert found.kind == "results" and len(found.parts) == 1
    assert found.title == PLAN.summary().title


def test_a_list_and_a_mapping_of_results():
    listed = report([PLAN, REGIME, REGIME])
    assert listed.title == "3 results" and len({part.anchor for part in listed.parts}) == 3
    named = report({"size": PLAN, "regime": REGIME}, title="Both")
    assert [part.title.split(":")[0] for part in named.parts] == ["size", "regime"]
    assert named.title == "Both" and named.results["size"] is PLAN


def test_verdicts_and_cautions_of_results_are_gathered():
    heavy = np.r_[np.random.default_rng(0).normal(size=100), 60.0]
    with pytest.warns(infostat.core.errors.InfostatWarning):
        result = infostat.pn_criterion(heavy, "normal")
    found = report({"heavy": result})
    assert list(found.verdicts.values()) == [result.verdict]
    assert found.interpretation == result.interpretation
    assert len(found.cautions) == len(result.flags) and set(found.cautions.values()) == {("heavy",)}


@pytest.mark.parametrize(
    ("things", "options", "error", "words"),
    [
        ([PLAN, 3.0], {}, InputError, "results only"),
        ({"a": PLAN, "b": "text"}, {}, InputError, "something else as b"),
        (PLAN, {"columns": "x"}, InputError, "takes none of them"),
        ([PLAN], {"family": "mvn"}, InputError, "takes none of them"),
    ],
)
def test_refusals(things, options, error, words):
    with pytest.raises(error, match=words):
        report(things, **options)


def test_a_report_is_no_result_for_another_report():
    with pytest.raises(InputTypeError, match="can be saved as it is"):
        report(report(PLAN))


def test_json_leads_back(tmp_path):
    import json

    found = report({"size": PLAN, "regime": REGIME})
    path = found.save(tmp_path / "r.json")
    assert Result.from_dict(json.loads(path.read_text())) == found
