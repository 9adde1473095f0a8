"""Tails of sums of letters: exact and refined."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.tails import sequence_tail
from infostat.alignment.tilt_solver import moments_at, t_for_reward, tilted_log_law
from infostat.core.errors import InputError, InputTypeError

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]


def binomial_tail(m: int, k: int, p: float) -> float:
    """log P(Binomial(m, p) >= k) with 60 digits."""
    with mpmath.workdps(60):
        q = mpmath.mpf(p)
        total = mpmath.fsum(mpmath.binomial(m, j) * q**j * (1 - q) ** (m - j) for j in range(k, m + 1))
        return float(mpmath.log(total))


@pytest.mark.parametrize("x", [0.05, 0.25, 0.3, 0.31, 0.5, 0.9, 0.995])
def test_binomial(x: float) -> None:
    found = sequence_tail([0.75, 0.25], [0, 1], 200, x)
    k = math.ceil(round(200 * x, 9))
    assert found.method == "lattice"
    assert found.log_prob == pytest.approx(binomial_tail(200, k, 0.25), rel=1e-12, abs=1e-300)


def test_refined_binomial_of_length_1000() -> None:
    found = sequence_tail([0.75, 0.25], [0, 1], 1000, 0.32)
    assert math.exp(found.refined - found.log_prob) == pytest.approx(1.0, abs=0.04)
    far = sequence_tail([0.75, 0.25], [0, 1], 1000, 0.5)
    # Relative error of order 1/m.
    assert math.exp(far.refined - far.log_prob) == pytest.approx(1.0, abs=5e-3)


def test_refined_formula_on_and_off_the_lattice() -> None:
    m, t = 400, 0.3
    lattice = sequence_tail(P, R, m, 1.4, t=t)
    log_p, r = np.log(P), np.array(R)
    s = t_for_reward(log_p, r, 1.4)
    variance = moments_at(log_p, r, s)[2]
    rate = moments_at(tilted_log_law(log_p, r, t), r, s - t)[3]
    plain = -m * rate - math.log((s - t) * math.sqrt(2 * math.pi * m * variance))
    factor = math.log((s - t) / -math.expm1(-(s - t)))
    assert lattice.refined == pytest.approx(plain + factor, abs=1e-10)
    assert lattice.rate == pytest.approx(rate, abs=1e-14)
    # Between lattice points the event is that of the next one.
    between = sequence_tail(P, R, m, 1.4 - 0.4 / m, t=t)
    assert between.log_prob == pytest.approx(lattice.log_prob, abs=1e-11)
    assert between.refined == pytest.approx(lattice.refined, abs=1e-9)
    real = sequence_tail(P, [0.0, 1.0, 2**0.5], m, 1.0)
    s = t_for_reward(log_p, np.array([0.0, 1.0, 2**0.5]), 1.0)
    _, _, variance, rate = moments_at(log_p, np.array([0.0, 1.0, 2**0.5]), s)
    assert real.method == "types"
    assert real.refined == pytest.approx(-m * rate - math.log(s * math.sqrt(2 * math.pi * m * variance)), abs=1e-9)


def test_refined_tail_approaches_the_exact_one() -> None:
    errors = []
    for m in (100, 400, 1600):
        found = sequence_tail(P, R, m, 1.2)
        errors.append(abs(found.refined - found.log_prob))
    assert errors[0] < 0.05 and errors[1] < 0.3 * errors[0] and errors[2] < 0.3 * errors[1]


@given(st.integers(0, 2000), st.floats(-1.0, 1.0))
@settings(max_examples=20, deadline=None)
def test_against_all_sequences(seed: int, t: float) -> None:
    rng = np.random.default_rng(seed)
    p, m = rng.dirichlet(np.ones(3)), 6
    r = rng.integers(-3, 4, 3).astype(float) if seed % 2 else rng.normal(size=3)
    q = np.exp(tilted_log_law(np.log(p), r, t))
    sums = [(math.fsum(r[i] for i in s), math.prod(q[i] for i in s)) for s in itertools.product(range(3), repeat=m)]
    x = np.append(np.linspace(r.min() - 0.1, r.max() + 0.1, 12), [r.max(), r.min()])
    found = sequence_tail(p, r, m, x, t=t)
    for point, got in zip(x, found.log_prob, strict=True):
        wanted = math.fsum(mass for value, mass in sums if value >= m * point - 1e-9)
        assert math.exp(got) == pytest.approx(wanted, rel=1e-11, abs=1e-13)


def test_one_law_serves_many_points_and_each_point_its_own() -> None:
    x = np.linspace(-0.1, 2.1, 111)
    together = sequence_tail(P, R, 700, x, t=0.2)
    alone = [sequence_tail(P, R, 700, v, t=0.2).log_prob for v in x.tolist()]
    assert together.log_prob == pytest.approx(alone, rel=1e-11)
    assert (np.diff(np.exp(together.log_prob)) <= 0).all()


def test_ends() -> None:
    found = sequence_tail(P, R, 50, [-0.1, 0.0, 2.0, 2.1])
    assert found.log_prob[:2].tolist() == [0.0, 0.0] and found.log_prob[3] == -math.inf
    assert found.log_prob[2] == pytest.approx(50 * math.log(0.2), rel=1e-14)
    assert found.refined[2] == pytest.approx(50 * math.log(0.2), rel=1e-14)
    assert found.refined[3] == -math.inf and found.refined[:2].tolist() == [0.0, 0.0]
    assert found.rate.tolist() == [math.inf, math.log(2), pytest.approx(math.log(5)), math.inf]


def test_equal_rewards() -> None:
    found = sequence_tail([0.5, 0.5], [1.0, 1.0], 7, [0.9, 1.0, 1.1])
    assert found.log_prob.tolist() == [0.0, 0.0, -math.inf]


def test_rewards_of_minus_infinity_cost_their_probability() -> None:
    found = sequence_tail([0.3, 0.35, 0.35], [-np.inf, 0.0, 1.0], 20, [-5.0, 0.75])
    assert found.log_prob[0] == pytest.approx(20 * math.log(0.7), rel=1e-13)
    assert found.log_prob[1] == pytest.approx(20 * math.log(0.7) + binomial_tail(20, 15, 0.5), rel=1e-12)


def test_shift_of_a_million() -> None:
    base = sequence_tail(P, R, 100, 1.3)
    moved = sequence_tail(P, np.array(R) + 1e6, 100, 1e6 + 1.3)
    assert moved.log_prob == pytest.approx(base.log_prob, abs=1e-9)


def test_presentation() -> None:
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    found = sequence_tail(P, R, 30, np.linspace(0.5, 2.0, 9))
    assert list(found.to_frame()) == ["x", "log_prob", "refined", "rate"]
    assert "lattice" in str(found.summary()) and len(repr(found)) < 200
    assert found.plot().get_ylabel()
    scalar = sequence_tail(P, R, 30, 1.0)
    assert isinstance(scalar.log_prob, float) and isinstance(scalar.refined, float)
    assert scalar.plot().get_title() == "m = 30"
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((P, R, 0, 1.0), {}, InputError, "m must be"),
        ((P, R, 2.5, 1.0), {}, InputTypeError, "m must be"),
        ((P, R, 10, np.nan), {}, InputError, "x must not hold NaN"),
        ((P, R, 10, 1.0), {"t": np.nan}, InputError, "t must be"),
        ((P, [0.0, 1.0, np.inf], 10, 1.0), {}, InputError, r"r must be below \+inf"),
    ],
)
def test_bad_input(arguments: tuple[object, ...], options: dict[str, object], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        sequence_tail(*arguments, **options)
