"""Difference sampling: identities of the log-likelihood difference, selection, documents."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.difference import difference_sampling
from infostat.alignment.fractions import top_fraction
from infostat.alignment.tilt_solver import tilted_log_law
from infostat.core.errors import InputError, InputTypeError
from infostat.divergences import kl

TEACHER, REFERENCE = np.log([0.2, 0.2, 0.6]), np.log([0.5, 0.25, 0.25])


@given(st.integers(0, 10_000), st.floats(0.01, 1.0))
@settings(max_examples=60, deadline=None)
def test_identities(seed: int, fraction: float) -> None:
    rng = np.random.default_rng(seed)
    teacher, reference = rng.dirichlet(np.ones(7)), rng.dirichlet(np.ones(7))
    found = difference_sampling(np.log(teacher), np.log(reference), fraction=fraction)
    assert found.scores == pytest.approx(np.log(teacher) - np.log(reference), abs=1e-13)
    assert found.log_mgf_at_one == pytest.approx(0.0, abs=1e-13)
    assert found.kl_teacher_reference == pytest.approx(float(kl(teacher, reference)), rel=1e-10, abs=1e-13)
    assert found.kl_reference_teacher == pytest.approx(float(kl(reference, teacher)), rel=1e-10, abs=1e-13)
    assert np.exp(tilted_log_law(np.log(reference), found.scores, 1.0)) == pytest.approx(teacher, abs=1e-13)
    assert found.kl == -math.log(fraction)
    same = top_fraction(reference, found.scores, fraction=fraction)
    assert found.q == pytest.approx(same.q, abs=1e-13) and found.score == pytest.approx(same.reward, abs=1e-12)
    assert found.score <= found.tilt_score + 1e-9


def test_score_is_a_difference_not_a_ratio() -> None:
    found = difference_sampling(TEACHER, REFERENCE, fraction=0.25)
    assert found.scores == pytest.approx(np.log([0.4, 0.8, 2.4]), rel=1e-13)
    assert found.q.tolist() == [0.0, 0.0, 1.0]


def test_documents_have_equal_mass() -> None:
    teacher, reference = [-400.0, -10.0, -90.0, -3.0], [-420.0, -16.0, -91.0, -3.5]
    found = difference_sampling(teacher, reference, fraction=0.5, rows="documents")
    assert found.scores.tolist() == [20.0, 6.0, 1.0, 0.5] and found.q == pytest.approx([0.5, 0.5, 0.0, 0.0])
    assert found.kl == found.kl_outcomes == pytest.approx(math.log(2.0)) and found.log_mgf_at_one is None
    # Per token: another ranking.
    each = difference_sampling(teacher, reference, fraction=0.5, rows="documents", lengths=[400, 4, 50, 1])
    assert each.scores == pytest.approx([0.05, 1.5, 0.02, 0.5]) and each.q == pytest.approx([0.0, 0.5, 0.0, 0.5])
    assert each.flags == ("documents", "per_token") and "per token" in str(each.summary())


def test_outcomes_without_mass() -> None:
    with np.errstate(divide="ignore"):
        teacher, reference = np.log([0.5, 0.5, 0.0, 0.0]), np.log([0.5, 0.0, 0.5, 0.0])
    found = difference_sampling(teacher, reference, fraction=0.5)
    assert found.scores == pytest.approx([0.0, math.inf, -math.inf, 0.0]) and found.q == pytest.approx([1, 0, 0, 0])
    # The teacher is not absolutely continuous: its KL is infinite, and Lambda(1) is the log of what is shared.
    assert found.kl_teacher_reference == found.kl_reference_teacher == math.inf
    assert found.log_mgf_at_one == pytest.approx(math.log(0.5)) and "not_absolutely_continuous" in found.flags


def test_labels_are_matched() -> None:
    teacher = pd.Series(TEACHER[[2, 0, 1]], index=["z", "x", "y"])
    reference = pd.Series(REFERENCE, index=["x", "y", "z"])
    plain = difference_sampling(TEACHER, REFERENCE, fraction=0.5)
    found = difference_sampling(teacher, reference, fraction=0.5)
    assert found.labels == ("x", "y", "z") and found.scores.tolist() == plain.scores.tolist()
    assert list(found.to_frame()) == ["label", "score", "p", "q"]
    documents = difference_sampling(teacher, reference, fraction=0.5, rows="documents")
    assert documents.scores == pytest.approx(plain.scores, rel=1e-13) and documents.labels == found.labels


def test_printed_probabilities_are_normalised() -> None:
    found = difference_sampling(TEACHER + 5e-7, REFERENCE, fraction=0.5)
    assert found.scores == pytest.approx(TEACHER - REFERENCE, abs=1e-13)
    assert found.log_mgf_at_one == pytest.approx(0.0, abs=1e-14)


def test_contract_and_figure() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    for found in (
        difference_sampling(TEACHER, REFERENCE, fraction=0.4),
        difference_sampling([-3.0, -4.0], [-3.5, -4.0], fraction=0.5, rows="documents", lengths=[2, 3]),
    ):
        assert type(found).from_dict(found.to_dict()) == found and len(repr(found)) < 200
        assert "score" in found.plot().get_ylabel()
    plt.close("all")


def test_bad_input() -> None:
    with pytest.raises(InputError, match="logp_ref must be logs of probabilities that sum to one"):
        difference_sampling(TEACHER, REFERENCE + 0.1, fraction=0.5)
    with pytest.raises(InputError, match="logp_teacher must be logs of probabilities that sum to one"):
        difference_sampling(TEACHER - 3.0, REFERENCE, fraction=0.5)
    with pytest.raises(InputError, match="logp_teacher must have one entry per entry of logp_ref"):
        difference_sampling(TEACHER[:2], REFERENCE, fraction=0.5)
    with pytest.raises(InputError, match="logp_teacher must not hold NaN"):
        difference_sampling([math.nan, -1.0, -1.0], REFERENCE, fraction=0.5)
    with pytest.raises(InputTypeError, match="logp_teacher must be an array of real numbers"):
        difference_sampling(["a", "b", "c"], REFERENCE, fraction=0.5)
    with pytest.raises(InputError, match="logp_ref must be finite"):
        difference_sampling([-1.0, -2.0], [-1.0, -math.inf], fraction=0.5, rows="documents")
    with pytest.raises(InputError, match="same labels"):
        difference_sampling(
            pd.Series(TEACHER, index=list("abc")), pd.Series(REFERENCE, index=list("abd")), fraction=0.5
        )
    with pytest.raises(InputError, match="rows must be one of"):
        difference_sampling(TEACHER, REFERENCE, fraction=0.5, rows="tokens")
    for bad in ([1, 2], [1, 2, 0], [1.0, 2.0, math.nan]):
        with pytest.raises(InputError, match="lengths must"):
            difference_sampling(TEACHER, REFERENCE, fraction=0.5, lengths=bad)
    with pytest.raises(InputError, match="fraction must"):
        difference_sampling(TEACHER, REFERENCE, fraction=0.0)
    with pytest.raises(InputError, match="logp_ref must"):
        difference_sampling(TEACHER, None, fraction=0.5)
