"""Best-of-N with continuous rewards: closed forms against quadrature and many-digit arithmetic."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from infostat.alignment.bestofn import best_of_n
from infostat.alignment.divergence_laws import (
    bon_divergences,
    bon_kl_bound,
    bon_kl_single_atom,
    exp_remainder,
    log_n_from_kl,
)
from infostat.core.errors import InputError, InputTypeError
from infostat.divergences.generators import generator

KINDS = ("kl", "reverse_kl", "pearson", "tv", "hellinger", "js")


@pytest.mark.parametrize("n", [1.25, 2.0, 5.0, 16.5])
@pytest.mark.parametrize("kind", KINDS)
def test_against_quadrature_of_the_generator(kind: str, n: float) -> None:
    row = generator(kind)
    middle = n ** (-1.0 / (n - 1.0))  # where the ratio is one

    def ratio(u: float) -> float:
        # The second end is reached to rounding: reverse_kl has a log singularity at u = 0.
        return float(row.f(n * u ** (n - 1.0)))

    pieces = [integrate.quad(ratio, a, b, epsabs=1e-13, epsrel=1e-12, limit=400)[0] for a, b in
              ((0.0, 1e-3 * middle), (1e-3 * middle, middle), (middle, 1.0))]  # fmt: skip
    assert getattr(bon_divergences(n), kind) == pytest.approx(sum(pieces), rel=2e-9, abs=1e-11)


@pytest.mark.parametrize("n", [1.0 + 1e-9, 1.01, 2.0, 60.0, 1e6])
@pytest.mark.parametrize("order", [0.3, 0.999999, 1.0, 1.0000001, 2.0, 7.5])
def test_against_forty_digits(n: float, order: float) -> None:
    found = bon_divergences(n, renyi_order=order)
    with mpmath.workdps(60):
        exact, a = mpmath.mpf(n), mpmath.mpf(order)
        kl = mpmath.log(exact) - (exact - 1) / exact
        renyi = kl if order == 1.0 else mpmath.log(exact**a / (a * (exact - 1) + 1)) / (a - 1)
        wanted = {
            "kl": kl,
            "reverse_kl": exact - 1 - mpmath.log(exact),
            "pearson": (exact - 1) ** 2 / (2 * exact - 1),
            "tv": exact ** (-1 / (exact - 1)) - exact ** (-exact / (exact - 1)),
            "hellinger": (mpmath.sqrt(exact) - 1) ** 2 / (exact + 1),
            "renyi": renyi,
            "win_rate": exact / (exact + 1),
        }
    # log N itself carries the relative rounding of N - 1, which is 1e-7 at N = 1 + 1e-9.
    room = 1e-13 + 4e-16 / (n - 1.0)
    for name, value in wanted.items():
        assert getattr(found, name) == pytest.approx(float(value), rel=room), name


def test_jensen_shannon_at_the_ends() -> None:
    # Near N = 1: one eighth of the chi-square, (N - 1)^2/8.
    assert bon_divergences(log_n=1e-6).js == pytest.approx(1e-12 / 8.0, rel=2e-6)
    assert bon_divergences(1).js == 0.0
    for log_n in (30.0, 49.9, 50.1, 1e6):
        assert bon_divergences(log_n=log_n).js == pytest.approx(math.log(2.0), rel=1e-10)
    with mpmath.workdps(40):
        n = mpmath.mpf(1000)
        atom = mpmath.quad(lambda v: 1 / (1 + n * mpmath.exp(-v)) * mpmath.exp(-v / 999) / 999, [0, 4, 7, 10, 20, 60])
        atom += mpmath.exp(mpmath.mpf(-60) / 999)  # beyond v = 60 the integrand is exp(-v/999)/999 to 23 digits
        # int (1 + w) log(1 + w) by parts: 2 log(1 + N) - (N - 1)(1 - I (N - 1)/N), I = int 1/(1 + w).
        total = 2 * mpmath.log(1 + n) - (n - 1) * (1 - atom * (n - 1) / n)
        wanted = (mpmath.log(n) - (n - 1) / n) / 2 + mpmath.log(2) - total / 2
    assert bon_divergences(1000).js == pytest.approx(float(wanted), rel=1e-13)


def test_orders_of_renyi() -> None:
    assert bon_divergences(7, renyi_order=0).renyi == 0.0
    assert bon_divergences(7, renyi_order=math.inf).renyi == math.log(7)
    assert bon_divergences(7, renyi_order=1).renyi == bon_divergences(7).kl


def test_arrays_huge_counts_and_table() -> None:
    found = bon_divergences([[1, 2], [4, 1e300]])
    assert found.kl.shape == (2, 2) and found.kl[0, 0] == 0.0
    assert found.to_frame().shape == (4, 10)
    assert np.isfinite(found.to_frame().to_numpy()).all()
    assert bon_divergences(10**400).log_n == pytest.approx(400 * math.log(10.0), rel=1e-15)
    beyond = bon_divergences(log_n=[0.0, 1e6])
    assert beyond.n[1] == math.inf and beyond.reverse_kl[1] == math.inf and beyond.kl[1] == 999999.0
    assert len(repr(found)) < 200 and "Rényi" in str(found.summary())
    assert type(found).from_dict(found.to_dict()) == found


@given(st.floats(0.0, 700.0))
@settings(max_examples=100, deadline=None)
def test_inequalities(log_n: float) -> None:
    found = bon_divergences(log_n=log_n)
    assert 0.0 <= found.kl <= found.renyi * (1 + 1e-14) <= log_n * (1 + 1e-14) + 1e-300
    assert found.hellinger <= found.tv * (1 + 1e-14)
    assert found.js <= min(math.log(2.0), found.tv) * (1 + 1e-14)
    assert found.tv**2 <= 0.5 * found.kl * (1 + 1e-13)  # Pinsker
    assert found.renyi == pytest.approx(np.log1p(found.pearson), rel=1e-12)


# ------------------------------------------------------------------ N for a KL
@given(st.floats(1e-12, 1e6))
@settings(max_examples=150, deadline=None)
def test_log_n_inverts_the_kl(kl: float) -> None:
    assert float(bon_kl_bound(log_n_from_kl(kl))) == pytest.approx(kl, rel=1e-14)


def test_log_n_against_lambert_and_at_the_ends() -> None:
    kl = np.linspace(0.05, 30.0, 60)
    lambert = np.log(-1.0 / special.lambertw(-np.exp(-1.0 - kl)).real)
    assert log_n_from_kl(kl) == pytest.approx(lambert, rel=1e-12)
    assert log_n_from_kl(0.0) == 0.0 and log_n_from_kl(math.inf) == math.inf
    assert log_n_from_kl(1e6) == 1e6 + 1.0
    # log N = s + s^2/6 + ..., s = sqrt(2 kl); Lambert's W would return N = 1 here.
    assert log_n_from_kl(1e-300) == pytest.approx(math.sqrt(2e-300), rel=1e-15)
    assert log_n_from_kl(5e-19) == pytest.approx(1e-9 + 1e-18 / 6.0, rel=1e-15)


def test_log_n_bad_input() -> None:
    for bad in (-1e-9, math.nan, [0.1, -1.0]):
        with pytest.raises(InputError, match="kl must be a number >= 0"):
            log_n_from_kl(bad)
    with pytest.raises(InputTypeError, match="kl"):
        log_n_from_kl("much")


# ----------------------------------------------------------------- single atom
@pytest.mark.parametrize(("e", "n"), [(0.2, 4.0), (0.01, 30.0), (0.9, 1.5), (1e-12, 1e11), (0.5, 1e9)])
def test_single_atom_against_forty_digits(e: float, n: float) -> None:
    with mpmath.workdps(40):
        p, m = mpmath.mpf(e), mpmath.mpf(n)
        rest = (1 - p) ** m
        wanted = rest * (mpmath.log(m) + (m - 1) * mpmath.log(1 - p) - (m - 1) / m)
        wanted += (1 - rest) * mpmath.log((1 - rest) / p)
    assert bon_kl_single_atom(e, n) == pytest.approx(float(wanted), rel=1e-13)


def test_single_atom_is_the_limit_of_fine_alphabets() -> None:
    gaps = []
    for k in (100, 1000, 10_000):
        p = np.append(np.full(k, 0.8 / k), 0.2)
        gaps.append(bon_kl_single_atom(0.2, 6) - best_of_n(p, np.arange(k + 1.0), 6).kl)
    assert 0.0 < gaps[2] < gaps[1] < gaps[0]
    assert gaps[2] == pytest.approx(0.01 * gaps[1], rel=0.05)  # the grid costs O(1/k^2)


@given(st.floats(0.0, 1.0), st.floats(0.0, 800.0))
@settings(max_examples=150, deadline=None)
def test_single_atom_bounds(e: float, log_n: float) -> None:
    value = bon_kl_single_atom(e, log_n=log_n)
    ceiling = -math.log(e) if e > 0.0 else math.inf
    assert 0.0 <= value <= min(float(bon_kl_bound(log_n)), ceiling) + 1e-13


def test_single_atom_ends_and_shapes() -> None:
    assert bon_kl_single_atom(0.0, 4) == float(bon_kl_bound(math.log(4)))
    assert bon_kl_single_atom(1.0, 4) == 0.0 and bon_kl_single_atom(0.3, 1) == pytest.approx(0.0, abs=1e-15)
    assert bon_kl_single_atom([0.1, 0.2], [[2], [3], [4]]).shape == (3, 2)
    assert bon_kl_single_atom(1e-300, log_n=900.0) == pytest.approx(300 * math.log(10.0), rel=1e-15)


@pytest.mark.parametrize("bad", [-0.1, 1.5, math.nan])
def test_single_atom_bad_probability(bad: float) -> None:
    with pytest.raises(InputError, match="^e must"):
        bon_kl_single_atom(bad, 4)


def test_bad_counts() -> None:
    for bad in (0.5, math.nan, math.inf, [2, 0.0]):
        with pytest.raises(InputError, match="n must be"):
            bon_divergences(bad)
    for both in ({}, {"n": 2, "log_n": 1.0}):
        with pytest.raises(InputError, match="exactly one of n and log_n"):
            bon_divergences(**both)
    with pytest.raises(InputError, match="log_n"):
        bon_divergences(log_n=-0.1)
    for bad in (True, "ten"):
        with pytest.raises(InputTypeError, match="^n must"):
            bon_divergences(bad)
    with pytest.raises(InputError, match="renyi_order"):
        bon_divergences(2, renyi_order=-1)
    with pytest.raises(InputError, match="shapes that fit"):
        bon_kl_single_atom([0.1, 0.2], [2, 3, 4])


@given(st.floats(-30.0, 30.0))
@settings(max_examples=100, deadline=None)
def test_exp_remainder(x: float) -> None:
    with mpmath.workdps(400):
        wanted = mpmath.exp(mpmath.mpf(x)) - 1 - mpmath.mpf(x)
    assert float(exp_remainder(np.array(x))) == pytest.approx(float(wanted), rel=1e-14, abs=1e-300)


def test_figure() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ax = bon_divergences([2, 8]).plot()
    assert "log" in ax.get_xlabel() and "nats" in ax.get_ylabel() and len(ax.get_legend().get_texts()) == 5
    plt.close("all")
