"""pass@k of policies over strategies."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import matplotlib
import numpy as np
import pandas as pd
import pytest

from infostat.alignment.strategies import pass_at_k_by_divergence, strategy_pass_at_k
from infostat.core.errors import InputError, InputTypeError
from infostat.core.results import Result

matplotlib.use("Agg")

SOLVES = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0]])
KINDS = ("kl", "reverse_kl", "js", "hellinger", "pearson")


def test_enumeration_of_attempts() -> None:
    q = [Fraction(1, 2), Fraction(1, 5), Fraction(3, 10)]
    for k in (1, 2, 3):
        total = Fraction(0)
        for draw in itertools.product(range(3), repeat=k):
            weight = math.prod((q[s] for s in draw), start=Fraction(1))
            total += weight * Fraction(int(SOLVES[list(draw)].any(axis=0).sum()), 4)
        assert strategy_pass_at_k(SOLVES, [float(v) for v in q], k) == pytest.approx(float(total), rel=1e-15)


def test_shapes_and_monotonicity() -> None:
    q = [0.5, 0.2, 0.3]
    grid = strategy_pass_at_k(SOLVES, q, [[1, 2], [4, 10**9]])
    assert grid.shape == (2, 2)
    assert isinstance(strategy_pass_at_k(SOLVES, q, 3), float)
    flat = grid.ravel()
    assert (np.diff(flat) > 0.0).all()
    assert flat[0] == pytest.approx(float(np.dot(q, SOLVES.mean(axis=1))), rel=1e-15)
    assert flat[-1] == 0.75  # the last prompt has no solution


def test_rare_successes_and_rare_failures() -> None:
    rare = strategy_pass_at_k([[1], [0]], [1e-18, 1.0 - 1e-18], [1, 10**6, 10**18])
    assert rare == pytest.approx([1e-18, 1e-12, -math.expm1(-1.0)], rel=1e-12)
    often = strategy_pass_at_k([[1], [0]], [1.0 - 2.0**-30, 2.0**-30], 1)
    assert often == 1.0 - 2.0**-30
    assert strategy_pass_at_k([[1], [1]], [0.1, 0.9], 7) == 1.0
    assert strategy_pass_at_k([[0], [0]], [0.1, 0.9], 7) == 0.0


def test_labels_are_matched() -> None:
    frame = pd.DataFrame(SOLVES, index=["x", "y", "z"])
    q = pd.Series([0.3, 0.5, 0.2], index=["z", "x", "y"])
    assert strategy_pass_at_k(frame, q, 3) == strategy_pass_at_k(SOLVES, [0.5, 0.2, 0.3], 3)
    assert pass_at_k_by_divergence(q, frame, beta=0.5).labels == ("x", "y", "z")
    with pytest.raises(InputError, match="same labels"):
        strategy_pass_at_k(frame, q.rename({"z": "w"}), 3)


def test_one_prompt_leaves_no_choice() -> None:
    # A binary reward on one prompt: every optimum has two levels, so equal pass@1 means the same law.
    found = pass_at_k_by_divergence(
        [0.2, 0.3, 0.1, 0.4], [[1], [0], [1], [0]], kinds=(*KINDS, "tv", "le_cam", "neyman"), reward=0.55
    )
    assert np.ptp(found.q, axis=0).max() < 1e-12
    assert found.q[0] == pytest.approx([0.55 * 2 / 3, 0.45 * 3 / 7, 0.55 / 3, 0.45 * 4 / 7], rel=1e-12)


def example() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    solves = (rng.random((6, 10)) < np.linspace(0.2, 0.6, 6)[:, None]).astype(int)
    return rng.dirichlet(np.ones(6) * 2.0), solves


def test_equal_reward_and_equal_beta() -> None:
    p, solves = example()
    r = solves.mean(axis=1)
    reward = 0.5 * float(p @ r + r.max())
    same = pass_at_k_by_divergence(p, solves, kinds=KINDS, reward=reward)
    assert same.reward == pytest.approx(np.full(5, reward), rel=1e-12)
    assert same.pass_at_k[:, 0] == pytest.approx(same.reward, rel=1e-12)
    # kl spends the least KL among laws of equal reward.
    assert same.kl.argmin() == 0
    for i in range(5):
        assert same.pass_at_k[i] == pytest.approx(strategy_pass_at_k(solves, same.q[i], same.k), rel=1e-13)
    beta = pass_at_k_by_divergence(p, solves, kinds=("kl", "reverse_kl", "pearson"), k=[1, 64], beta=0.02)
    # At equal small beta reverse_kl keeps polynomial weight on poor strategies.
    assert beta.pass_at_k[:, 1].argmax() == 1
    assert (beta.beta == 0.02).all()
    assert beta.matched == "beta"


def test_result_contract() -> None:
    p, solves = example()
    found = pass_at_k_by_divergence(p, solves, k=[4, 1, 2], beta=0.1)
    assert Result.from_dict(found.to_dict()) == found
    frame = found.to_frame()
    assert len(frame) == 15
    assert frame["k"].tolist()[:3] == [4, 1, 2]
    assert "equal beta" in str(found.summary())
    assert len(repr(found)) < 200
    ax = found.plot()
    assert len(ax.lines) == 6
    assert (np.diff(ax.lines[0].get_xdata()) > 0).all()
    ax.get_figure().canvas.draw()


def test_bad_input() -> None:
    q = [0.5, 0.2, 0.3]
    with pytest.raises(InputError, match="0 and 1"):
        strategy_pass_at_k(SOLVES * 2, q, 1)
    with pytest.raises(InputError, match="one entry per strategy"):
        strategy_pass_at_k(SOLVES, [0.5, 0.5], 1)
    with pytest.raises(InputError, match="sum to one"):
        strategy_pass_at_k(SOLVES, [0.5, 0.5, 0.5], 1)
    with pytest.raises(InputError, match="k must be"):
        strategy_pass_at_k(SOLVES, q, 0)
    with pytest.raises(InputTypeError, match="k must be"):
        strategy_pass_at_k(SOLVES, q, 1.5)
    with pytest.raises(InputError, match="2-dimensional"):
        strategy_pass_at_k(SOLVES[0], q, 1)
    with pytest.raises(InputError, match="exactly one of beta and reward"):
        pass_at_k_by_divergence(q, SOLVES)
    with pytest.raises(InputError, match="kinds must be one of"):
        pass_at_k_by_divergence(q, SOLVES, kinds=("alpha",), beta=1.0)
    with pytest.raises(InputError, match="at least one"):
        pass_at_k_by_divergence(q, SOLVES, kinds=(), beta=1.0)
    with pytest.raises(InputError, match="reward must be from"):
        pass_at_k_by_divergence(q, SOLVES, reward=0.99)
