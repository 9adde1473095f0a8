"""`simulate_alignment`: exact values, determinism, coverage, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from infostat.alignment import simulate_alignment


def test_exact_values_and_means_within_four_errors():
    found = simulate_alignment(n=1000, replicates=60, kl=[0.1, 0.5], n_best=[2, 8], rng=2)
    assert found.exact == pytest.approx([math.sqrt(0.2), 1.0, 1 / math.sqrt(math.pi), 1.4236003060], rel=1e-9)
    assert (abs(found.mean - found.exact) < 4 * found.mean_se + 0.002).all()  # bias of the tilt, spec section 8
    assert found.reported_se == pytest.approx(found.sd, rel=0.4)  # sd of 60 has a standard error of 9 %
    assert (found.coverage > 0.8).all()  # five standard errors below 0.95


def test_the_seed_decides_not_the_workers(tmp_path):
    options = {"n": 200, "replicates": 10, "kl": [0.3], "n_best": [4], "rng": 7}
    first = simulate_alignment(**options)
    assert simulate_alignment(**options, n_jobs=2, batch_size=1) == first
    kept = tmp_path / "study"
    assert simulate_alignment(**options, checkpoint=kept) == first
    assert simulate_alignment(**options, checkpoint=kept) == first


def test_another_law():
    found = simulate_alignment(n=400, replicates=20, kl=[0.2], n_best=[3], law=stats.uniform(), rng=1)
    assert found.law == "uniform()" and found.exact[1] == pytest.approx(0.75, rel=1e-9)


def test_what_samples_cannot_say_is_called_weak():
    found = simulate_alignment(n=100, replicates=20, kl=[0.05, 3.0], n_best=[2, 50], rng=1)
    # 100 scores: fewer than 100 effective ones at any budget, best-of-50 beyond M/20.
    assert found.share_weak.tolist() == [1.0, 1.0, 0.0, 1.0]
    assert "3 of 4 quantities are beyond" in found.interpretation


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 1}, "n must be"),
        ({"replicates": 1}, "replicates must be"),
        ({"kl": [0.0]}, "kl must be"),
        ({"kl": []}, "kl must be"),
        ({"n_best": [500]}, "n_best must be"),
        ({"n_best": []}, "n_best must be"),
        ({"confidence_level": 0.0}, "confidence_level must be"),
        ({"law": "normal"}, "law must be"),
        ({"law": stats.poisson(2)}, "law must be"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        simulate_alignment(**{"n": 100, "replicates": 4, **options})


def test_frame_has_a_row_for_each_quantity():
    frame = simulate_alignment(n=100, replicates=4, kl=[0.1], n_best=[2, 4], rng=0).to_frame()
    assert frame["method"].tolist() == ["tilt", "best_of_n", "best_of_n"]
    assert frame["level"].tolist() == [0.1, 2.0, 4.0]
    assert np.isfinite(frame.drop(columns="method").to_numpy()).all()
