"""Preference games by mirror prox."""

from __future__ import annotations

import json
import math

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.games import exploitability, nash_mirror_prox
from infostat.core.errors import ConvergenceWarning, InputError, InputTypeError

P = np.array([[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]])
REF = [0.2, 0.3, 0.5]
seeds = st.integers(0, 2**32 - 1)


def random_game(seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    upper = rng.uniform(size=(size, size))
    return 0.5 + 0.5 * (upper - upper.T), rng.dirichlet(np.full(size, 0.5)) * 0.999 + 0.001 / size


def test_worked_example() -> None:
    game = nash_mirror_prox(P, REF, beta=0.2, rounds=20)
    np.testing.assert_allclose(game.solution, [0.1899674174, 0.3317776313, 0.4782549513], rtol=1e-9)
    np.testing.assert_allclose(game.kl[[0, 1, 5]], [2.3623680e-3, 1.1098346e-3, 5.3249054e-5], rtol=1e-7)
    assert game.kl[20] == pytest.approx(5.84507e-10, rel=1e-6)
    assert game.exploitability[0] == pytest.approx(7.372137598e-4, rel=1e-8)
    assert exploitability(P, REF, REF, 0.2) == pytest.approx(7.372137598e-4, rel=1e-8)
    assert game.iterates.shape == (21, 3)
    assert list(game.queries[:3]) == [0, 2, 4]
    assert game.rounds == 20
    np.testing.assert_array_equal(game.policy, game.iterates[-1])


def test_solution_satisfies_the_fixed_point_in_high_precision() -> None:
    game = nash_mirror_prox(P, REF, beta=0.2)
    assert game.converged
    assert game.exploitability[-1] <= 1e-12
    np.testing.assert_array_equal(game.policy, game.solution)
    with mpmath.workdps(40):
        # Damped iteration of pi = ref exp(P pi/beta)/Z, in 40 digits.
        pi = [mpmath.mpf(x) for x in REF]
        for _ in range(600):
            response = [
                r * mpmath.exp(sum(mpmath.mpf(v) * q for v, q in zip(row, pi, strict=True)) / mpmath.mpf(0.2))
                for r, row in zip(REF, P.tolist(), strict=True)
            ]
            total = sum(response)
            pi = [(3 * q + x / total) / 4 for q, x in zip(pi, response, strict=True)]
        expected = [float(q) for q in pi]
    np.testing.assert_allclose(game.policy, expected, rtol=1e-14)


def test_exploitability_agrees_with_the_printed_formula_in_high_precision() -> None:
    policy = [0.6, 0.1, 0.3]
    with mpmath.workdps(40):
        beta = mpmath.mpf("0.05")
        payoff = [sum(mpmath.mpf(v) * mpmath.mpf(q) for v, q in zip(row, policy, strict=True)) for row in P.tolist()]
        log_z = mpmath.log(sum(mpmath.mpf(r) * mpmath.exp(v / beta) for r, v in zip(REF, payoff, strict=True)))
        kl = sum(mpmath.mpf(q) * mpmath.log(mpmath.mpf(q) / mpmath.mpf(r)) for q, r in zip(policy, REF, strict=True))
        expected = float(beta * log_z + beta * kl - mpmath.mpf(1) / 2)
    assert exploitability(P, policy, REF, 0.05) == pytest.approx(expected, rel=1e-13)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, size=st.integers(1, 7), beta=st.sampled_from([0.003, 0.05, 0.3, 2.0, 50.0]))
def test_rate_holds_in_every_round(seed: int, size: int, beta: float) -> None:
    payoff, ref = random_game(seed, size)
    start = np.random.default_rng(seed + 1).dirichlet(np.ones(size)) * 0.9 + 0.1 / size
    game = nash_mirror_prox(payoff, ref, beta=beta, rounds=12, start=start)
    assert game.solution_exploitability <= 1e-12
    # 1e-25: the equilibrium is known to rounding, and errors of 1e-14 enter the KL squared.
    assert (game.kl <= game.rate_bound * (1.0 + 1e-9) + 1e-25).all()
    assert (game.kl >= 0.0).all()
    assert (game.exploitability >= 0.0).all()
    np.testing.assert_allclose(game.rate_bound, game.kl[0] * (1.0 + 2.0 * beta) ** -np.arange(13.0), rtol=1e-12)
    np.testing.assert_allclose(game.iterates.sum(axis=1), 1.0, rtol=1e-13)
    np.testing.assert_allclose(game.iterates[0], start, rtol=1e-13)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, size=st.integers(2, 6), beta=st.sampled_from([0.02, 0.2, 1.0]))
def test_no_policy_beats_the_equilibrium(seed: int, size: int, beta: float) -> None:
    payoff, ref = random_game(seed, size)
    game = nash_mirror_prox(payoff, ref, beta=beta)
    others = np.random.default_rng(seed).dirichlet(np.ones(size), size=200)

    def value(policy: np.ndarray) -> float:
        return float(policy @ payoff @ game.policy - beta * np.sum(policy * np.log(policy / ref)))

    best = value(game.policy)
    assert max(value(other) for other in others) <= best + 1e-12
    assert all(exploitability(payoff, other, ref, beta) >= 0.0 for other in others[:5])
    assert game.win_rate >= 0.5 - 1e-12


def test_best_response_gap_is_what_the_best_response_gains() -> None:
    payoff, ref = random_game(3, 5)
    policy, beta = np.array([0.1, 0.2, 0.3, 0.3, 0.1]), 0.07
    response = ref * np.exp(payoff @ policy / beta)
    response /= response.sum()

    def value(q: np.ndarray) -> float:
        return float(q @ payoff @ policy - beta * np.sum(q * np.log(q / ref)))

    assert exploitability(payoff, policy, ref, beta) == pytest.approx(value(response) - value(policy), rel=1e-10)


def test_permuting_outcomes_permutes_the_policy() -> None:
    order = [2, 0, 1]
    plain = nash_mirror_prox(P, REF, beta=0.1)
    moved = nash_mirror_prox(P[np.ix_(order, order)], np.array(REF)[order], beta=0.1)
    np.testing.assert_allclose(moved.policy, plain.policy[order], rtol=1e-13)


def test_impossible_outcomes_stay_impossible() -> None:
    payoff, _ = random_game(8, 4)
    ref = [0.5, 0.0, 0.3, 0.2]
    game = nash_mirror_prox(payoff, ref, beta=0.1, rounds=5)
    assert (game.iterates[:, 1] == 0.0).all()
    kept = [0, 2, 3]
    small = nash_mirror_prox(payoff[np.ix_(kept, kept)], [0.5, 0.3, 0.2], beta=0.1, rounds=5)
    np.testing.assert_allclose(game.policy[kept], small.policy, rtol=1e-14)
    np.testing.assert_allclose(game.kl, small.kl, rtol=1e-12)
    assert exploitability(payoff, [0.25] * 4, ref, 0.1) == math.inf
    assert exploitability(payoff, [1.0, 0.0, 0.0, 0.0], ref, 0.1) > 0.0


def test_tiny_reference_probabilities_and_tiny_penalties_keep_their_digits() -> None:
    # Two outcomes, p = P(first wins): log odds of the equilibrium are log(ref odds) + (p - 1/2)/beta.
    for wins, tiny, beta in ((0.9, 1e-300, 0.001), (0.6, 1e-12, 0.5), (0.9, 1e-250, 1e-3)):
        game = nash_mirror_prox([[0.5, wins], [1.0 - wins, 0.5]], [tiny, 1.0 - tiny], beta=beta)
        odds = math.log(tiny) - math.log1p(-tiny) + (wins - 0.5) / beta
        first = 1.0 / (1.0 + math.exp(-odds))
        # The exponent (up to 700) carries its rounding into the odds.
        assert game.policy[0] == pytest.approx(first, rel=1e-11)
        assert np.isfinite(game.kl).all()


def test_limits_of_the_penalty() -> None:
    strong = nash_mirror_prox(P, REF, beta=1e9)
    np.testing.assert_allclose(strong.policy, REF, rtol=1e-9)
    assert strong.converged
    # Rock, paper, scissors: uniform by symmetry, whatever the penalty.
    cycle = [[0.5, 1.0, 0.0], [0.0, 0.5, 1.0], [1.0, 0.0, 0.5]]
    free = nash_mirror_prox(cycle, beta=0.01, start=[0.5, 0.3, 0.2])
    np.testing.assert_allclose(free.policy, 1.0 / 3.0, rtol=1e-12)
    assert free.rounds > 10


def test_one_outcome_and_no_rounds() -> None:
    single = nash_mirror_prox([[0.5]], beta=1.0, rounds=3)
    assert single.policy.tolist() == [1.0]
    assert single.kl.tolist() == [0.0] * 4
    still = nash_mirror_prox(P, REF, beta=0.2, rounds=0)
    np.testing.assert_allclose(still.policy, REF, rtol=1e-15)
    assert not still.converged
    assert still.flags == ("not_converged",)
    assert still.kl[0] == pytest.approx(2.3623680e-3, rel=1e-7)


def test_labels_survive_and_match() -> None:
    names = ["short", "long", "kind"]
    frame = pd.DataFrame(P, index=names, columns=names)
    ref = pd.Series(REF, index=names)
    plain = nash_mirror_prox(P, REF, beta=0.2)
    shuffled = nash_mirror_prox(frame[["kind", "short", "long"]], ref.loc[["long", "kind", "short"]], beta=0.2)
    assert shuffled.labels == tuple(names)
    np.testing.assert_allclose(shuffled.policy, plain.policy, rtol=1e-14)
    assert list(shuffled.policies()["label"]) == names
    read = pd.DataFrame(P, columns=names)  # a file without row names
    assert nash_mirror_prox(read, REF, beta=0.2).labels == tuple(names)
    with pytest.raises(InputError, match="same labels in rows and columns"):
        nash_mirror_prox(pd.DataFrame(P, index=names, columns=["short", "long", "odd"]), beta=0.2)
    with pytest.raises(InputError, match="ref must have the labels of P"):
        nash_mirror_prox(frame, pd.Series(REF, index=["short", "long", "odd"]), beta=0.2)


def test_stopping_early_warns() -> None:
    with pytest.warns(ConvergenceWarning, match="exploitability"):
        game = nash_mirror_prox(P, REF, beta=0.001, max_rounds=3)
    assert not game.converged
    assert game.rounds == 3
    assert "not_converged" in game.flags


def test_large_games_do_without_newton_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infostat.alignment.games.NEWTON_SIZE", 0)
    plain = nash_mirror_prox(P, REF, beta=0.2)
    monkeypatch.undo()
    # Rounds alone stop at an exploitability of 1e-26: half as many digits of the policy.
    np.testing.assert_allclose(plain.policy, nash_mirror_prox(P, REF, beta=0.2).policy, rtol=1e-12)


def test_progress_sees_rounds_only() -> None:
    seen: list[tuple[int, int]] = []
    loud = nash_mirror_prox(P, REF, beta=0.01, rounds=250, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (250, 250)
    assert loud == nash_mirror_prox(P, REF, beta=0.01, rounds=250)


@pytest.mark.parametrize(
    ("payoff", "options", "message"),
    [
        (P[:2], {}, "P must be a square table"),
        ([[0.5, 0.7], [0.4, 0.5]], {}, r"P\[i, j\] \+ P\[j, i\] = 1"),
        ([[0.6, 0.7], [0.3, 0.5]], {}, r"0.6 \+ 0.6 at \(0, 0\)"),
        ([[0.5, 1.2], [-0.2, 0.5]], {}, "probabilities in"),
        ([[0.5, math.nan], [0.5, 0.5]], {}, "P must be finite"),
        (P, {"beta": 0.0}, "beta must be a number in"),
        (P, {"beta": math.inf}, "beta must be"),
        (P, {"rounds": -1}, "rounds must be an integer >= 0"),
        (P, {"rounds": 10**9}, "all iterates are kept"),
        (P, {"tol": 0.0}, "tol must be"),
        (P, {"ref": [0.5, 0.5]}, "ref must have one probability per row"),
        (P, {"ref": [0.5, 0.5, 0.5]}, "ref must sum to one"),
        (P, {"start": [0.5, 0.5, 0.0]}, "start must have the same support as ref"),
        (P, {"ref": [0.5, 0.5, 0.0], "start": [0.4, 0.3, 0.3]}, "start must have the same support as ref"),
    ],
)
def test_bad_games_are_refused(payoff: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        nash_mirror_prox(payoff, **{"beta": 0.2, **options})  # type: ignore[arg-type]


def test_rounding_in_the_table_is_accepted_and_text_is_not() -> None:
    rough = P.copy()
    rough[0, 1] += 5e-10
    policies = [nash_mirror_prox(table, REF, beta=0.2).policy for table in (rough, P)]
    np.testing.assert_allclose(policies[0], policies[1], rtol=1e-8)
    with pytest.raises(InputTypeError, match="P must be an array of real numbers"):
        nash_mirror_prox([["a", "b"], ["c", "d"]], beta=0.2)
    with pytest.raises(InputError, match="policy must be one probability"):
        exploitability(P, None, REF, 0.2)


def test_result_keeps_the_contract() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    for game in (nash_mirror_prox(P, REF, beta=0.2), nash_mirror_prox(P, REF, beta=0.2, rounds=0)):
        assert type(game).from_dict(json.loads(json.dumps(game.to_dict()))) == game
        assert len(repr(game)) < 200
        assert all(f"[{flag}]" in str(game.summary()) for flag in game.flags)
        frame = game.to_frame()
        assert list(frame) == ["round", "queries", "kl", "rate_bound", "exploitability"]
        assert len(frame) == game.rounds + 1
        ax = game.plot()
        assert ax.get_yscale() == "log"
        plt.close(ax.figure)
        assert all(name in (type(game).__doc__ or "") for name in (f.name for f in type(game)._fields()))
