"""Best of N sequences against the tilt."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infostat
from infostat.alignment import lattice
from infostat.alignment.bestofn_levels import level_kl, level_win_rate, log_level_masses
from infostat.alignment.sequence_results import SequenceBestOfN
from infostat.alignment.sequences import predicted_divergence, sequence_bon
from infostat.alignment.tilt_solver import moments_at, t_for_kl
from infostat.core.errors import InputError, InputTypeError

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]
COIN = ([0.5, 0.5], [0, 1])


def test_worked_example() -> None:
    found = sequence_bon(*COIN, [10, 100, 1000], 0.1)
    assert found.t_star == pytest.approx(0.943443117578, abs=1e-12)
    assert found.x_star == pytest.approx(0.719794626161, abs=1e-12)
    assert found.var_star == pytest.approx(0.719794626161 * 0.280205373839, abs=1e-12)
    assert found.reward_per_symbol == pytest.approx([0.621887311081, 0.699397917109, 0.716621562896], abs=1e-12)
    assert found.kl_per_symbol == pytest.approx([0.035296447895, 0.089465402492, 0.098931565305], rel=1e-8)
    # The middle one with 120 digits.
    assert found.kl[1] == pytest.approx(8.94654024944349, rel=1e-14)
    assert found.kl_to_optimal == pytest.approx([0.276664304681, 0.870853727071, 1.925170004166], abs=1e-11)
    assert found.kl_to_optimal_predicted == pytest.approx([-0.3657, 0.7856, 1.9369], abs=5e-5)
    assert found.method == "lattice" and found.nature == "exact"
    assert found.n_types.tolist() == [11, 101, 1001]
    assert "Per symbol" in found.interpretation and "(1/2) log m" in found.interpretation


def enumerate_best(p: np.ndarray, r: np.ndarray, m: int, log_n: float) -> dict[str, float]:
    """Best-of-N over all sequences, straight from the definition."""
    words = list(itertools.product(range(len(p)), repeat=m))
    mass = np.array([math.prod(p[i] for i in w) for w in words])
    total = np.array([round(math.fsum(r[i] for i in w), 9) for w in words])
    values, level = np.unique(total, return_inverse=True)
    level_mass = np.bincount(level, weights=mass)
    n = math.exp(log_n)
    powers = np.minimum(np.cumsum(level_mass), 1.0) ** n
    q = np.diff(powers, prepend=0.0)
    law = mass * (q / level_mass)[level]
    t = t_for_kl(np.log(p), r, log_n / m)
    with np.errstate(divide="ignore"):
        tilt = mass * (np.exp(t * total) if math.isfinite(t) else total == values[-1])
        log_tilt = np.log(tilt / tilt.sum())
    used = law > 0
    below = np.concatenate([[0.0], np.cumsum(level_mass)[:-1]])
    return {
        "reward": float(q @ values),
        "kl": float(law[used] @ np.log(law[used] / mass[used])),
        "kl_to_optimal": float(law[used] @ (np.log(law[used]) - log_tilt[used])),
        "win_rate": float(q @ (below + 0.5 * level_mass)),
    }


@pytest.mark.parametrize("rewards", [[0.0, 1.0, 3.0], [-0.3, 2**0.5, 3.0]])
@pytest.mark.parametrize("m", [1, 2, 7])
def test_against_all_sequences(rewards: list[float], m: int) -> None:
    p, r = np.array([0.5, 0.3, 0.2]), np.array(rewards)
    found = sequence_bon(p, r, m, 0.3)
    wanted = enumerate_best(p, r, m, 0.3 * m)
    for name, value in wanted.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9), name
    assert isinstance(found.reward, float) and isinstance(found.m, int)


def test_lattice_and_types_agree() -> None:
    lengths = [1, 4, 25, 80]
    for argument in ({"delta": 0.3}, {"n": 50.0}, {"delta": 3.0}):
        lattice = sequence_bon(P, R, lengths, **argument, method="lattice")
        types = sequence_bon(P, R, lengths, **argument, method="types")
        for name in ("reward", "kl", "kl_to_optimal_matched", "win_rate", "reward_gap"):
            assert getattr(types, name) == pytest.approx(getattr(lattice, name), rel=1e-10, abs=1e-9), name
        assert types.method == "types"


def test_one_letter_is_best_of_n_of_the_letter() -> None:
    log_n = math.log(4.0)
    found = sequence_bon(P, R, 1, n=4)
    log_q, cdf = log_level_masses(np.log(P), log_n)
    assert found.kl == pytest.approx(level_kl(log_q, np.log(P)), rel=1e-13)
    assert found.reward == pytest.approx(1.5279, abs=1e-12)
    assert found.win_rate == pytest.approx(level_win_rate(log_q, np.log(P), cdf), rel=1e-13)
    assert found.kl_to_optimal_matched == pytest.approx(0.030823646605, abs=1e-11)
    assert found.log_n == pytest.approx(log_n)


@given(st.integers(0, 3000), st.integers(1, 25), st.floats(0.01, 2.0))
@settings(max_examples=40, deadline=None)
def test_inequalities(seed: int, m: int, delta: float) -> None:
    rng = np.random.default_rng(seed)
    p, r = rng.dirichlet(np.ones(4)), rng.choice(np.arange(-6.0, 7.0), 4, replace=False)
    found = sequence_bon(p, r, m, delta)
    log_n, inverse = m * delta, math.exp(-m * delta)
    assert found.kl <= log_n - 1.0 + inverse + 1e-11
    assert found.kl <= -m * math.log(p[np.argmax(r)]) + 1e-11
    assert found.win_rate <= 1.0 / (1.0 + inverse) + 1e-12
    assert found.kl_to_optimal >= 0.0 and found.kl_to_optimal_matched >= 0.0
    # Below the frontier at its own divergence.
    t = t_for_kl(np.log(p), r, found.kl / m)
    assert found.reward <= m * moments_at(np.log(p), r, t)[1] + 1e-9 * m
    assert found.reward_gap >= -1e-9 * m
    assert m * r.min() - 1e-9 <= found.reward <= m * r.max() + 1e-9


@given(st.integers(0, 3000), st.floats(0.1, 50.0), st.floats(-100.0, 100.0))
@settings(max_examples=20, deadline=None)
def test_equivariance(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    p, r = rng.dirichlet(np.ones(4)), np.array([0.0, 1.0, 2.0, 5.0])
    order = rng.permutation(4)
    base = sequence_bon(p, r, [3, 12], 0.2)
    moved = sequence_bon(p[order], (scale * r + shift)[order], [3, 12], 0.2)
    assert moved.kl == pytest.approx(base.kl, rel=1e-9)
    assert moved.kl_to_optimal == pytest.approx(base.kl_to_optimal, abs=1e-9)
    expected = scale * base.reward + shift * np.array([3, 12])
    assert moved.reward == pytest.approx(expected, abs=1e-9 * (scale + abs(shift)) * 60)
    assert moved.t_star * scale == pytest.approx(base.t_star, rel=1e-7)


def test_merging_letters_of_equal_reward_changes_nothing() -> None:
    split = sequence_bon([0.5, 0.1, 0.2, 0.2], [0, 1, 1, 2], [5, 50], 0.2)
    whole = sequence_bon(P, R, [5, 50], 0.2)
    assert split.kl == pytest.approx(whole.kl, rel=1e-12)
    assert split.reward == pytest.approx(whole.reward, rel=1e-13)


def test_divergence_grows_like_half_log_m_and_vanishes_per_symbol() -> None:
    found = sequence_bon([0.4, 0.3, 0.2, 0.1], [0, 1, 3, 5], [100, 400, 1600], 0.3)
    growth = np.diff(found.kl_to_optimal)
    # The remainder of the expansion shrinks along with m; a factor 4 in m is log 2.
    assert growth == pytest.approx(math.log(2.0), abs=0.06)
    assert growth[1] == pytest.approx(math.log(2.0), abs=0.02)
    assert found.kl_to_optimal == pytest.approx(found.kl_to_optimal_predicted, abs=0.05)
    assert found.t_star * found.reward_gap[-1] == pytest.approx(
        found.t_star * found.reward_gap_predicted[-1], abs=0.03
    )
    per_symbol = found.kl_to_optimal / np.array(found.m)
    assert (np.diff(per_symbol) < 0).all() and per_symbol[-1] < 2e-3
    assert found.kl_per_symbol[-1] == pytest.approx(0.3, abs=2e-3)
    assert found.reward_per_symbol[-1] == pytest.approx(found.x_star, abs=0.01)


def test_prediction_for_fixed_n_is_the_gaussian_one() -> None:
    # m t^2 V -> 2 log N: (1/2) log(4 pi log N) - gamma - 1.
    found = sequence_bon(P, R, [1_000_00], n=math.exp(40.0))
    gaussian = 0.5 * math.log(4 * math.pi * 40.0) - np.euler_gamma - 1.0
    assert found.kl_to_optimal_predicted == pytest.approx([gaussian], abs=2e-2)
    assert found.t_star == 0.0 and found.x_star == pytest.approx(0.7) and found.delta is None
    assert "Per symbol" not in found.interpretation


def test_fixed_large_n_takes_a_tilt_per_length() -> None:
    found = sequence_bon(P, R, [150, 400], n=math.exp(230.0))
    for index, m in enumerate((150, 400)):
        alone = sequence_bon(P, R, m, 230.0 / m)
        assert found.kl_to_optimal[index] == pytest.approx(alone.kl_to_optimal, abs=1e-9)
        assert found.reward[index] == pytest.approx(alone.reward, rel=1e-12)


def test_long_sequences_with_n_beyond_the_float_range() -> None:
    found = sequence_bon(*COIN, 8000, 0.2)
    assert found.log_n == pytest.approx(1600.0)
    # From the definition with 900 digits.
    assert found.reward == pytest.approx(6438.32025592816915, rel=1e-14)
    assert found.kl == pytest.approx(1598.83842573454031, rel=1e-13)
    # A coin is a coarse lattice: the bounded oscillation stays.
    assert found.kl_to_optimal == pytest.approx(found.kl_to_optimal_predicted, abs=0.1)


@pytest.mark.parametrize("delta", [math.log(5), 2.0, 30.0])
def test_beyond_the_largest_divergence(delta: float) -> None:
    found = sequence_bon(P, R, [3, 40], delta)
    assert found.t_star == math.inf and found.x_star == 2.0 and found.var_star == 0.0
    assert np.isinf(found.kl_to_optimal).all()
    assert np.isnan(found.kl_to_optimal_predicted).all() and np.isnan(found.reward_gap_predicted).all()
    assert (found.kl_to_optimal_matched < 1.0).all()
    assert "beyond the largest divergence" in found.interpretation
    if delta == 30.0:
        assert found.reward == pytest.approx([6.0, 80.0], rel=1e-14)
        assert found.kl == pytest.approx(np.array([3, 40]) * math.log(5), rel=1e-13)
    wanted = enumerate_best(np.array(P), np.array(R), 3, 3 * delta)
    assert found.reward[0] == pytest.approx(wanted["reward"], rel=1e-9)
    assert found.win_rate[0] == pytest.approx(wanted["win_rate"], rel=1e-9)


def test_one_candidate_is_the_reference() -> None:
    for argument in ({"delta": 0.0}, {"n": 1}):
        found = sequence_bon(P, R, [4, 9], **argument)
        assert found.reward == pytest.approx(0.7 * np.array([4, 9]), rel=1e-12)
        assert found.kl == pytest.approx([0.0, 0.0], abs=1e-14)
        assert found.kl_to_optimal == pytest.approx([0.0, 0.0], abs=1e-12)
        assert found.win_rate == pytest.approx([0.5, 0.5], rel=1e-12)
        assert np.isnan(found.kl_to_optimal_predicted).all()
        assert found.t_star == 0.0


def test_equal_rewards() -> None:
    found = sequence_bon([0.5, 0.5], [2.0, 2.0], [3, 6], 0.4)
    assert found.reward.tolist() == [6.0, 12.0] and found.kl.tolist() == [0.0, 0.0]
    assert found.kl_to_optimal.tolist() == [0.0, 0.0] and found.win_rate.tolist() == [0.5, 0.5]


def test_order_and_repetition_of_lengths_are_kept() -> None:
    found = sequence_bon(P, R, [20, 3, 20], 0.2)
    assert found.m.tolist() == [20, 3, 20]
    assert found.kl[0] == found.kl[2] > found.kl[1]


def test_words_on_their_lattice() -> None:
    words = infostat.load_dataset("word_sentiment")
    found = sequence_bon(words["probability"], words["reward"], [10, 400], 0.05)
    assert found.method == "lattice"
    rounded = sequence_bon(words["probability"], words["reward"], [10], 0.05, method="bracket")
    assert rounded.reward_low[0] <= found.reward[0] <= rounded.reward_high[0]
    assert found.kl_to_optimal[1] == pytest.approx(found.kl_to_optimal_predicted[1], abs=0.05)


def test_transformed_laws_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    words = infostat.load_dataset("word_sentiment")
    direct = sequence_bon(words["probability"], words["reward"], [5, 80], 0.05)
    monkeypatch.setattr(lattice, "_MOST_PRODUCTS", 0.0)
    other = sequence_bon(words["probability"], words["reward"], [5, 80], 0.05)
    for name in ("reward", "kl", "kl_to_optimal", "kl_to_optimal_matched", "win_rate"):
        assert getattr(other, name) == pytest.approx(getattr(direct, name), rel=1e-9, abs=1e-9), name


def test_against_simulation() -> None:
    rng = np.random.default_rng(11)
    p, r, m, n, runs = np.array(P), np.array(R), 12, 16, 20_000
    totals = rng.multinomial(m, p, size=(runs, n)) @ r
    best = totals.max(axis=1)
    found = sequence_bon(p, r, m, n=n)
    se = best.std() / math.sqrt(runs)
    assert abs(best.mean() - found.reward) < 4.5 * se


def test_progress_reports_lengths() -> None:
    seen: list[tuple[int, int]] = []
    sequence_bon(P, R, [2, 5, 5], 0.1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_predicted_divergence() -> None:
    value = predicted_divergence(1000, 0.5, 2.0)
    assert value == pytest.approx(0.5 * math.log(2 * math.pi * 1000 * 0.25 * 2.0) - 0.5772156649 - 1.0, abs=1e-9)
    assert math.isnan(predicted_divergence(10, 0.0, 1.0)) and math.isnan(predicted_divergence(10, math.inf, 1.0))


@pytest.mark.parametrize("options", [{"delta": 0.2}, {"delta": 9.0}, {"n": 5, "method": "bracket"}])
@pytest.mark.parametrize("m", [3, [2, 5]])
def test_round_trip_through_json(m: int | list[int], options: dict[str, float]) -> None:
    import json

    found = sequence_bon(P, R, m, **options)
    again = SequenceBestOfN.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found and type(again.m) is type(found.m)


def test_presentation() -> None:
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    found = sequence_bon(P, R, range(1, 31), 0.2)
    frame = found.to_frame()
    assert len(frame) == 30 and frame.dtypes.map(lambda kind: kind.kind in "if").all()
    assert "12 of 30 rows" in str(found.summary()) and len(repr(found)) < 200
    for panel in ("divergence", "gap", "per_symbol"):
        assert found.plot(panel=panel).get_legend() is not None
    for other in (sequence_bon(P, R, 10, 0.2), sequence_bon(P, R, [5, 10], 2.0), sequence_bon(P, R, 9, n=8)):
        for panel in ("divergence", "gap", "per_symbol"):
            assert other.plot(panel=panel).get_title()
    with pytest.raises(InputError, match="panel must be"):
        found.plot(panel="everything")
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((P, R, 10), {}, InputError, "exactly one of delta and n must be given, got neither"),
        ((P, R, 10, 0.1), {"n": 4}, InputError, "exactly one of delta and n must be given, got both"),
        ((P, R, 10, -0.1), {}, InputError, "delta must be"),
        ((P, R, 10, np.nan), {}, InputError, "delta must be"),
        ((P, R, 10), {"n": 0.5}, InputError, "n must be"),
        ((P, R, 10), {"n": np.inf}, InputError, "n must be"),
        ((P, R, 0, 0.1), {}, InputError, "m must be"),
        ((P, R, [], 0.1), {}, InputError, "at least one length"),
        ((P, R, 2.5, 0.1), {}, InputTypeError, "m must be"),
        ((P, R, "ten", 0.1), {}, InputTypeError, "m must be"),
        ((P, R, [[1, 2]], 0.1), {}, InputTypeError, "m must be"),
        ((P, R, 10, 0.1), {"method": "fft"}, InputError, "method must be"),
        ((P, [-np.inf, 0.0, 1.0], 10, 0.1), {}, InputError, "r must be finite for sequences"),
        ((P, R, 10, 0.1), {"progress": 3}, InputTypeError, "progress must be"),
    ],
)
def test_bad_input(arguments: tuple[object, ...], options: dict[str, object], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        sequence_bon(*arguments, **options)


def test_too_many_types_are_refused_with_their_number() -> None:
    with pytest.raises(InputError, match=r"got \d+ for m = 200 and 12 distinct rewards; use method='bracket'"):
        sequence_bon(np.full(12, 1 / 12), np.sqrt(np.arange(12.0)), 200, 0.1, method="types")


def test_inputs_are_not_modified() -> None:
    p, r = np.array(P), np.array(R)
    p.flags.writeable = r.flags.writeable = False
    sequence_bon(p, r, [2, 3], 0.1)
