"""Sums of rounded rewards enclose the true sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment import brackets
from infostat.alignment.brackets import round_to_lattices
from infostat.alignment.sequences import sequence_bon
from infostat.alignment.tails import sequence_tail
from infostat.core.errors import InputError


@given(st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=40, unique=True), st.integers(1, 5000))
@settings(max_examples=60, deadline=None)
def test_roundings_enclose_every_reward(rewards: list[float], m: int) -> None:
    r = np.sort(np.array(rewards))
    if r[-1] - r[0] < 1e-6:
        return
    three = round_to_lattices(r, [m])
    step = three.down.step
    scale = 1e-15 * max(abs(r[0]), abs(r[-1]))
    low, high = (three.down.origin + step * each.index for each in (three.down, three.up))
    assert (low <= r + scale).all() and (r <= high + scale).all()
    assert (three.up.index - three.down.index <= 2).all()
    assert (np.abs(three.nearest.index * step + r[0] - r) <= 0.5 * step * (1 + 1e-9)).all()
    assert three.down.index[0] == three.up.index[0] == 0
    assert three.down.top == three.up.top == three.nearest.top


def test_finer_lattices_where_there_is_less_to_do() -> None:
    r = np.array([0.0, 0.3, 1.0])
    assert round_to_lattices(r, [10_000]).down.top < round_to_lattices(r, [10]).down.top
    assert round_to_lattices(r, list(range(1, 1001))).down.top < round_to_lattices(r, [1000]).down.top


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brackets, "_MOST_STEPS", 500)


@pytest.mark.usefixtures("coarse")
def test_bounds_enclose_the_exact_best_of_n() -> None:
    p, r = [0.4, 0.3, 0.2, 0.1], [0.0, 2**0.5, 2.0, np.pi]
    m = [1, 5, 20, 60]
    exact = sequence_bon(p, r, m, 0.2, method="types")
    found = sequence_bon(p, r, m, 0.2, method="bracket")
    assert found.nature == "bound" and exact.nature == "exact" and exact.reward_low is None
    assert found.reward_low is not None and found.reward_high is not None
    assert (found.reward_low <= exact.reward).all() and (exact.reward <= found.reward_high).all()
    # Each letter moves the bounds apart by at most two steps of range/500.
    assert (found.reward_high - found.reward_low <= 2 * np.array(m) * np.pi / 500 * 1.0001).all()
    assert found.kl_low is not None and found.kl_high is not None
    assert (found.kl_low <= exact.kl).all() and (exact.kl <= found.kl_high).all()
    assert (found.kl_low <= found.kl).all() and (found.kl <= found.kl_high).all()
    assert np.asarray(found.reward) == pytest.approx(exact.reward, rel=5e-3)
    # Where single sums have few atoms the rounded sums merge some; longer ones agree.
    assert found.kl_to_optimal[2:] == pytest.approx(exact.kl_to_optimal[2:], abs=5e-3)


@pytest.mark.usefixtures("coarse")
def test_bounds_enclose_the_exact_tail() -> None:
    rng = np.random.default_rng(1)
    p, r = rng.dirichlet(np.ones(60)), rng.normal(size=60)
    x = np.linspace(r.min(), r.max(), 15)
    found = sequence_tail(p, r, 30, x)
    assert found.method == "bracket" and found.nature == "bound"
    assert (found.log_prob_low <= found.log_prob).all() and (found.log_prob <= found.log_prob_high).all()
    assert found.log_prob_low[0] == found.log_prob_high[0] == 0.0


def test_tail_of_real_rewards_is_enclosed_by_types() -> None:
    p, r, x = [0.4, 0.3, 0.2, 0.1], np.array([0.0, 2**0.5, 2.0, np.pi]), np.array([0.5, 1.0, 1.7, 2.5])
    exact = sequence_tail(p, r, 25, x)
    assert exact.method == "types"
    # The same law hidden in a large alphabet: every letter split into many with the same reward
    # is merged again, so nothing changes.
    split = sequence_tail(np.repeat(np.array(p) / 50, 50), np.repeat(r, 50), 25, x)
    assert split.log_prob == pytest.approx(exact.log_prob, abs=1e-11)


def test_lattice_method_is_refused_for_real_rewards() -> None:
    with pytest.raises(InputError, match="got 'lattice'"):
        sequence_bon([0.5, 0.3, 0.2], [0.0, 1.0, 2**0.5], 10, 0.1, method="lattice")
