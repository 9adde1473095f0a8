"""Rate functions, scaled cumulants and their Rényi cross entropies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.laws import as_law
from infostat.alignment.rate_functions import curve, letter_law, rate_function, scaled_cumulants
from infostat.alignment.tilt_solver import moments_at, t_for_kl, tilted_log_law
from infostat.core.errors import InputError, InputTypeError
from infostat.divergences import renyi_cross_entropy

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]


def test_worked_example() -> None:
    found = rate_function(P, R, [0.5, 1.5], t=0.5)
    assert found.mean == pytest.approx(1.028380120352, abs=1e-12)
    assert found.rate == pytest.approx([0.215522169487, 0.173667535424], abs=1e-12)
    assert rate_function(P, R, 1.5).rate == pytest.approx(0.493007341375, abs=1e-12)
    assert found.nature == "exact" and found.bon_rate is None


def test_legendre_transform() -> None:
    # I_t(x) = sup_s s x - (Lambda(t + s) - Lambda(t)) on a fine grid of s.
    log_p, r = np.log(P), np.array(R)
    grid = np.linspace(-6.0, 6.0, 6_001)
    for t in (0.0, 0.7, -1.2):
        log_mgf = moments_at(log_p, r, t + grid)[0] - moments_at(log_p, r, t)[0]
        for x in (0.2, 0.9, 1.6):
            found = rate_function(P, R, x, t=t).rate
            assert found == pytest.approx(float((grid * x - log_mgf).max()), abs=3e-7)


def test_fair_coin_closed_form() -> None:
    x = np.array([0.1, 0.5, 0.83])
    wanted = math.log(2) + x * np.log(x) + (1 - x) * np.log1p(-x)
    assert rate_function([0.5, 0.5], [0, 1], x).rate == pytest.approx(wanted, abs=1e-14)


def test_ends_are_finite_and_outside_is_infinite() -> None:
    found = rate_function(P, R, [-0.001, 0.0, 2.0, 2.001, np.inf], t=0.5)
    q = np.exp(tilted_log_law(np.log(P), np.array(R), 0.5))
    assert found.rate.tolist()[0] == math.inf and found.rate.tolist()[3:] == [math.inf, math.inf]
    assert found.rate[1:3] == pytest.approx(-np.log(q[[0, 2]]), rel=1e-13)


@given(st.integers(0, 5000), st.floats(-2.0, 2.0))
@settings(max_examples=30, deadline=None)
def test_convex_with_zero_at_the_mean_and_curvature_one_over_variance(seed: int, t: float) -> None:
    rng = np.random.default_rng(seed)
    p, r = rng.dirichlet(np.ones(5)), rng.normal(size=5)
    centre = rate_function(p, r, 0.5 * (r.min() + r.max()), t=t)
    mean, sd = centre.mean, math.sqrt(centre.variance)
    step = 1e-3 * min(sd, 0.2 * (mean - r.min()), 0.2 * (r.max() - mean))
    near = rate_function(p, r, mean + step * np.array([-1.0, 0.0, 1.0]), t=t).rate
    assert near[1] == pytest.approx(0.0, abs=1e-15)
    third = abs(scaled_cumulants(p, r, t, 3)[2])
    curvature = (near[0] - 2 * near[1] + near[2]) / step**2
    assert curvature == pytest.approx(1.0 / centre.variance, rel=1e-3 * (1.0 + third / sd**3) ** 2)
    x = np.linspace(r.min(), r.max(), 41)
    assert (np.diff(rate_function(p, r, x, t=t).rate, 2) >= -1e-12).all()


@given(st.integers(0, 5000))
@settings(max_examples=20, deadline=None)
def test_difference_of_tilts_is_linear(seed: int) -> None:
    # I_t(x) = Lambda*(x) - t x + Lambda(t)
    rng = np.random.default_rng(seed)
    p, r = rng.dirichlet(np.ones(4)), rng.normal(size=4)
    x = np.linspace(r.min(), r.max(), 9)
    base, tilted = rate_function(p, r, x).rate, rate_function(p, r, x, t=0.6)
    log_mgf = moments_at(np.log(p), r, 0.6)[0]
    assert tilted.rate == pytest.approx(base - 0.6 * x + log_mgf, abs=1e-12)


def test_best_of_n_rate() -> None:
    found = rate_function(P, R, np.linspace(0.0, 2.0, 21), delta=0.2)
    t_star = t_for_kl(np.log(P), np.array(R), 0.2)
    assert found.t_star == pytest.approx(t_star, rel=1e-13)
    assert found.x_star == pytest.approx(1.211385505074, abs=1e-12)
    x, bon = np.asarray(found.x), np.asarray(found.bon_rate)
    below = x < 1.2
    assert np.isinf(bon[below]).all()
    assert bon[x > 1.22] == pytest.approx(found.rate[x > 1.22] - 0.2, abs=1e-14)
    tilted = rate_function(P, R, x, t=t_star).rate
    # Strictly larger than under the tilt, except at x* itself.
    assert (bon[x > 1.22] > tilted[x > 1.22]).all()
    at = rate_function(P, R, found.x_star, delta=0.2)
    assert at.bon_rate == pytest.approx(0.0, abs=1e-12)


def test_best_of_n_beyond_the_largest_divergence() -> None:
    found = rate_function(P, R, [1.0, 2.0], delta=2.0)
    assert found.t_star == math.inf and found.x_star == 2.0
    assert found.bon_rate.tolist() == [math.inf, 0.0]


def test_equal_rewards() -> None:
    found = rate_function([0.5, 0.5], [3.0, 3.0], [2.0, 3.0], delta=0.1)
    assert found.rate.tolist() == [math.inf, 0.0]
    assert found.bon_rate.tolist() == [math.inf, 0.0]


def test_rewards_of_minus_infinity() -> None:
    p, r = [0.3, 0.5, 0.2], [-np.inf, 0.0, 1.0]
    # All letters must be finite, at a cost of -log 0.7 each, then a coin with P(1) = 2/7.
    x = np.array([0.1, 2 / 7, 0.9])
    coin = x * np.log(x / (2 / 7)) + (1 - x) * np.log((1 - x) / (5 / 7))
    found = rate_function(p, r, x)
    assert found.rate == pytest.approx(coin - math.log(0.7), abs=1e-14)
    assert found.mean == -math.inf
    # Any positive tilt removes them.
    q = 0.2 * math.e / (0.2 * math.e + 0.5)
    tilted = rate_function(p, r, q, t=1.0)
    assert tilted.rate == pytest.approx(0.0, abs=1e-15) and tilted.mean == pytest.approx(q)
    with pytest.raises(InputError, match="delta must exceed"):
        rate_function(p, r, 0.5, delta=0.1)
    with pytest.raises(InputError, match="reward -inf"):
        rate_function(p, r, 0.5, t=-1.0)


@pytest.mark.parametrize("t", [0.0, 0.8, -0.5])
def test_scaled_cumulants_are_derivatives(t: float) -> None:
    import mpmath

    with mpmath.workdps(50):
        p = [mpmath.mpf(v) for v in ("0.5", "0.3", "0.2")]

        def log_mgf(s: mpmath.mpf) -> mpmath.mpf:
            return mpmath.log(mpmath.fsum(a * mpmath.exp(s * b) for a, b in zip(p, R, strict=True)))

        wanted = [float(mpmath.diff(log_mgf, mpmath.mpf(t), k)) for k in range(1, 7)]
    assert scaled_cumulants(P, R, t, 6) == pytest.approx(wanted, rel=1e-10, abs=1e-13)


@given(st.integers(0, 3000), st.floats(-0.9, 2.0), st.floats(-0.8, 3.0))
@settings(max_examples=40, deadline=None)
def test_scaled_cumulant_generating_function_is_a_renyi_cross_entropy(seed: int, t: float, s: float) -> None:
    rng = np.random.default_rng(seed)
    p, r = rng.dirichlet(np.ones(5)), rng.normal(size=5)
    log_p = np.log(p)
    c = float(np.logaddexp.reduce(r))
    aligned, tilted = np.exp(r - c), np.exp(tilted_log_law(log_p, r, t))
    left = moments_at(log_p, r, t + s)[0] - moments_at(log_p, r, t)[0]
    assert left == pytest.approx(s * c - s * renyi_cross_entropy(tilted, aligned, 1.0 + s), abs=1e-12)


def test_log_mgf_with_log_likelihood_rewards() -> None:
    q = np.array([0.2, 0.5, 0.3])
    for t in (0.5, 1.0, 2.5):
        log_mgf = moments_at(np.log(P), np.log(q), t)[0]
        assert log_mgf == pytest.approx(-t * renyi_cross_entropy(P, q, 1.0 + t), abs=1e-14)


def test_shift_and_scale() -> None:
    x = np.array([0.4, 1.1])
    base = rate_function(P, R, x, t=0.5).rate
    moved = rate_function(P, 4.0 * np.array(R) + 100.0, 4.0 * x + 100.0, t=0.125).rate
    assert moved == pytest.approx(base, abs=1e-12)


def test_shapes_logp_and_presentation() -> None:
    found = rate_function(None, R, [[0.5, 1.0]], logp=np.log(P), delta=0.2)
    assert found.rate.shape == found.bon_rate.shape == (1, 2)
    assert list(found.to_frame()) == ["x", "rate", "bon_rate"]
    assert list(rate_function(P, R, 1.0).to_frame()) == ["x", "rate"]
    assert "fluctuations" in str(found.summary())
    shown = curve(letter_law(as_law(P, R)), 0.2, 11)
    assert shown["bon_x"][0] == pytest.approx(found.x_star)


def test_figure() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = rate_function(P, R, [0.5, 1.0, 3.0], t=0.4, delta=0.2)

    class Empirical:
        x, rate, bias = np.array([0.8, 1.2]), np.array([0.1, np.inf]), np.array([0.01, 0.0])

    ax = found.plot(empirical=Empirical())
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(labels) == 4 and "Lambda" in labels[1]
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((P, R, np.nan), {}, InputError, "x must not hold NaN"),
        ((P, R, "a"), {}, InputTypeError, "x must be"),
        ((P, R, 1.0), {"t": np.inf}, InputError, "t must be"),
        ((P, R, 1.0), {"delta": -0.1}, InputError, "delta must be"),
        ((P, R[:2], 1.0), {}, InputError, "one reward per entry"),
        ((P, R, 1.0), {"logp": np.log(P)}, InputError, "exactly one of p and logp"),
    ],
)
def test_bad_input(arguments: tuple[object, ...], options: dict[str, object], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        rate_function(*arguments, **options)


def test_bad_cumulants() -> None:
    with pytest.raises(InputError, match="order must be"):
        scaled_cumulants(P, R, 0.0, 0)
    with pytest.raises(InputError, match="t must be > 0"):
        scaled_cumulants([0.5, 0.5], [-np.inf, 0.0])
