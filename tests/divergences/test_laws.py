"""Divergences of parametric laws: worked numbers, closed form against quadrature, mpmath, limits."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences.law_arguments import as_law_or_member, law_of
from infostat.divergences.law_closed import chernoff_rate, family_kl
from infostat.divergences.laws import LAW_KINDS, _numerical, law_divergence
from infostat.divergences.table_divergences import kl as table_kl
from infostat.families import get_family
from infostat.families.product import ProductFamily

NORMALS = (stats.norm(0, 1), stats.norm(1, 1.5))


def _options(kind: str, order: float = 1.5) -> dict[str, Any]:
    if kind in ("alpha", "renyi", "tsallis"):
        return {"order": order}
    return {"gamma": 1.2} if kind == "hockey_stick" else {}


# ------------------------------------------------------------ worked numbers
@pytest.mark.parametrize(
    ("kind", "expected", "digits"),
    [
        ("kl", 0.349909552553, 1e-12),
        ("reverse_kl", 0.719534891892, 1e-12),
        ("jeffreys", 0.349909552553 + 0.719534891892, 2e-12),
        ("hellinger", 0.11036537189, 1e-11),
        # 0.34612308398976 in 30 digits from the two crossings of the densities.
        ("tv", 0.34612308398976, 1e-13),
        ("js", 0.0992900966008, 1e-12),
        ("cauchy_schwarz", 0.387735015366, 1e-12),
    ],
)
def test_worked_numbers_of_normal_laws(kind: str, expected: float, digits: float) -> None:
    assert float(law_divergence(*NORMALS, kind)) == pytest.approx(expected, abs=digits)


def test_worked_numbers_of_families() -> None:
    def kl(P: Any, Q: Any) -> float:
        return float(law_divergence(P, Q, "kl"))

    assert kl(stats.poisson(3), stats.poisson(5)) == pytest.approx(0.467523128702, abs=1e-12)
    assert kl(stats.expon(scale=1 / 2), stats.expon(scale=1 / 3)) == pytest.approx(0.0945348918918, abs=1e-12)
    gammas = ("gamma", [3.0, -2.0]), ("gamma", [2.0, -1.0])
    assert kl(*gammas) == pytest.approx(0.115931515658, abs=1e-12)
    dirichlets = stats.dirichlet([2, 3, 4]), ("dirichlet", [1.0, 1.0, 2.0])
    assert kl(*dirichlets) == pytest.approx(0.40531773611, abs=1e-11)
    plane = (
        stats.multivariate_normal([1, 2], [[2, 0.5], [0.5, 1]]),
        stats.multivariate_normal([0, 0], [[1, -0.3], [-0.3, 2]]),
    )
    assert kl(*plane) == pytest.approx(2.31599503596, abs=1e-11)


# ------------------------------------------ closed forms against quadrature
PAIRS: dict[str, tuple[Any, Any]] = {
    "normal": (("normal", [0.3, -0.7]), ("normal", [-0.5, -0.6])),
    "exponential": (stats.expon(scale=0.7), stats.expon(scale=1.1)),
    "gamma": (stats.gamma(2.5, scale=0.8), stats.gamma(3.0)),
    "beta": (stats.beta(2.0, 3.0), stats.beta(2.5, 2.8)),
    "vonmises": (("vonmises", [1.0, 0.5]), stats.vonmises(2.0, loc=-0.4)),
    "poisson": (stats.poisson(3.0), stats.poisson(2.0)),
    "bernoulli": (stats.bernoulli(0.3), ("bernoulli", [1.0])),
    "categorical": (("categorical", [0.5, -1.0]), ("categorical", [0.1, 0.3])),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "kind", ["kl", "reverse_kl", "jeffreys", "alpha", "pearson", "neyman", "hellinger", "renyi", "tsallis"]
)
def test_closed_form_equals_quadrature(name: str, kind: str) -> None:
    options = _options(kind)
    closed = law_divergence(*PAIRS[name], kind, **options)
    assert closed.method.startswith("closed form")
    assert closed.nature == "exact"
    assert closed.error is None
    laws = [law_of("P", as_law_or_member("P", law)) for law in PAIRS[name]]
    parameter = options.get("order", 0.0)
    numerical = _numerical(*laws, kind, parameter, 1e-9)
    assert closed.value == pytest.approx(numerical.value, abs=1e-10 + 2 * numerical.error)


@pytest.mark.parametrize("order", [-0.7, 1e-9, 0.3, 0.999999, 1.0 + 1e-9, 1.7])
def test_alpha_of_a_gamma_pair_against_its_integral(order: float) -> None:
    # log int p^a q^(1-a) from gamma functions, in 60 digits.
    a1, b1, a2, b2 = (mpmath.mpf(v) for v in (2.5, 1.25, 3.0, 1.0))
    with mpmath.workdps(60):
        a = mpmath.mpf(order)
        shape, rate = a * a1 + (1 - a) * a2, a * b1 + (1 - a) * b2

        def log_partition(s: Any, r: Any) -> Any:
            return mpmath.loggamma(s) - s * mpmath.log(r)

        log_affinity = log_partition(shape, rate) - a * log_partition(a1, b1) - (1 - a) * log_partition(a2, b2)
        expected = float(mpmath.expm1(log_affinity) / (a * (a - 1)))
    P, Q = ("gamma", [2.5, -1.25]), ("gamma", [3.0, -1.0])
    assert float(law_divergence(P, Q, "alpha", order=order)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("step", [1.0, 1e-3, 1e-8])
@pytest.mark.parametrize("size", [0.01, 3.0, 1e6])
def test_digits_of_gamma_and_dirichlet_divergences(size: float, step: float) -> None:
    a1, a2 = size, size * (1 + step)
    with mpmath.workdps(60):
        x, y = mpmath.mpf(a1), mpmath.mpf(a2)
        gamma = (x - y) * mpmath.digamma(x) - mpmath.loggamma(x) + mpmath.loggamma(y)
        rest = mpmath.mpf(2.0)
        total1, total2 = x + rest, y + rest
        beta = (
            mpmath.loggamma(y) - mpmath.loggamma(x) - mpmath.loggamma(total2) + mpmath.loggamma(total1)
            - (y - x) * (mpmath.digamma(x) - mpmath.digamma(total1))
        )  # fmt: skip
    found = family_kl(get_family("gamma"), np.array([a1, -1.0]), np.array([a2, -1.0]))
    assert found == pytest.approx(float(gamma), rel=1e-7 * 1e-5 + 4e-16 / step)
    found = family_kl(get_family("beta"), np.array([a1, 2.0]), np.array([a2, 2.0]))
    # The parts 2 and the total of a lopsided pair cancel by a factor of their ratio.
    assert found == pytest.approx(float(beta), rel=1e-12 + 1e-15 * (size + 1 / step))


@pytest.mark.parametrize("kappas", [(0.5, 0.5 + 1e-9), (3.0, 4.0), (0.1, 500.0), (1e4, 1.1e4)])
def test_von_mises_against_bessel_functions(kappas: tuple[float, float]) -> None:
    k1, k2 = kappas
    with mpmath.workdps(40):
        x, y, turn = mpmath.mpf(k1), mpmath.mpf(k2), mpmath.mpf(0.25)
        mean = mpmath.besseli(1, x) / mpmath.besseli(0, x)
        expected = mpmath.log(mpmath.besseli(0, y) / mpmath.besseli(0, x)) + mean * (x - y * mpmath.cos(turn))
        straight = mpmath.log(mpmath.besseli(0, y) / mpmath.besseli(0, x)) + mean * (x - y)
    family = get_family("vonmises")
    first, second = family.natural(mu=0.0, kappa=k1), family.natural(mu=0.25, kappa=k2)
    assert family_kl(family, first, second) == pytest.approx(float(expected), rel=1e-11)
    aligned = family.natural(mu=0.0, kappa=k2)
    assert family_kl(family, first, aligned) == pytest.approx(float(straight), rel=1e-10, abs=1e-30)


def test_discrete_laws_equal_tables() -> None:
    P, Q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]
    values = [stats.rv_discrete(values=([0, 1, 2], p))() for p in (P, Q)]
    assert float(law_divergence(*values, "kl")) == pytest.approx(table_kl(P, Q), rel=1e-13)
    family = get_family("categorical")
    members = [(family, family.natural(prob=p)) for p in (P, Q)]
    for kind, expected in (("kl", 0.223804657186), ("js", 0.0508746125396), ("tv", 0.3), ("le_cam", 0.0992857142857)):
        assert float(law_divergence(*members, kind)) == pytest.approx(expected, abs=1e-12)
    assert float(law_divergence(*members, "cauchy_schwarz")) == pytest.approx(0.407197910482, abs=1e-12)
    assert float(law_divergence(*members, "renyi", order=math.inf)) == pytest.approx(0.916290731874, abs=1e-12)
    assert float(law_divergence(*members, "js", weight=0.3)) == pytest.approx(0.0440819884822, abs=1e-12)


# ------------------------------------------------------- laws without families
def test_quadrature_against_known_integrals() -> None:
    uniforms = stats.uniform(0, 1), stats.uniform(0, 2)
    assert float(law_divergence(*uniforms, "kl")) == pytest.approx(math.log(2), rel=1e-12)
    assert float(law_divergence(*uniforms, "tv")) == pytest.approx(0.5, rel=1e-12)
    # KL of Laplace laws with scale ratio r: log r + 1/r - 1; with distance m: m + exp(-m) - 1.
    for scale in (1e-6, 1.0, 1e6):
        found = law_divergence(stats.laplace(0, scale), stats.laplace(0, 2 * scale), "kl")
        assert found.value == pytest.approx(math.log(2) - 0.5, rel=1e-12)
        assert found.method == "quadrature"
        assert found.error is not None
        assert found.error < 1e-12
    shifted = law_divergence(stats.laplace(0), stats.laplace(1e-6), "kl").value
    assert shifted == pytest.approx(5e-13 * (1 - 1e-6 / 3), rel=1e-9)
    # Pareto laws, whose log density underflows far out; Cauchy laws: log((s+t)^2 + m^2)/(4 s t).
    assert law_divergence(stats.pareto(2), stats.pareto(3), "kl").value == pytest.approx(
        math.log(2 / 3) + 0.5, rel=1e-12
    )
    cauchy = law_divergence(stats.cauchy(0, 1), stats.cauchy(2, 3), "kl").value
    assert cauchy == pytest.approx(math.log((4.0**2 + 2.0**2) / 12.0), rel=1e-10)
    # A law with a strong pole at zero.
    poles = stats.gamma(0.05), stats.gamma(0.1, scale=2)
    exact = law_divergence(*poles, "hellinger").value
    laws = [law_of("P", as_law_or_member("P", law)) for law in poles]
    assert _numerical(*laws, "hellinger", 0.0, 1e-9).value == pytest.approx(exact, rel=1e-9)


def test_mass_between_far_laws_is_found() -> None:
    assert law_divergence(stats.norm(0, 1), stats.norm(100, 1), "tv").value == pytest.approx(1.0, abs=1e-14)
    # BC of two Laplace laws at distance m: (1 + m/2) exp(-m/2).
    m = 100.0
    expected = m - 2 * math.log1p(m / 2)
    found = law_divergence(stats.laplace(0), stats.laplace(m), "renyi", order=0.5).value
    assert found == pytest.approx(expected, rel=1e-12)


def test_mixed_forms_of_one_law() -> None:
    family = get_family("gamma")
    for P in (stats.gamma(2.5, scale=0.5), (family, [2.5, -2.0]), ("gamma", family.natural(shape=2.5, rate=2.0))):
        assert law_divergence(P, ("exponential", [-1.0]), "kl").value == pytest.approx(
            # -entropy + mean - log 1
            -stats.gamma(2.5, scale=0.5).entropy() + 1.25,
            rel=1e-12,
        )
    line = law_divergence(("mvn", [0.0, -0.5]), stats.norm(1, 1), "js")
    assert line.value == pytest.approx(law_divergence(stats.norm(), stats.norm(1), "js").value, rel=1e-12)


def test_normal_laws_far_from_zero_keep_their_digits() -> None:
    P, Q = stats.norm(1e9, 1e-3), stats.norm(1e9 + 2.0**-10, 2e-3)
    expected = math.log(2) - 0.5 + (1e-6 + 2.0**-20) / 8e-6
    assert law_divergence(P, Q, "kl").value == pytest.approx(expected, rel=1e-12)
    centred = law_divergence(stats.norm(0, 1e-3), stats.norm(2.0**-10, 2e-3), "js")
    # Nodes of the quadrature near 1e9 are rounded to 1e-7, a ten-thousandth of the standard deviation.
    assert law_divergence(P, Q, "js", tol=1e-3).value == pytest.approx(centred.value, rel=1e-3)


def test_products_add() -> None:
    family = ProductFamily(["normal", "gamma"])
    first, second = np.array([0.0, -0.5, 2.0, -1.0]), np.array([0.5, -0.6, 2.5, -1.5])
    parts = (("normal", slice(0, 2)), ("gamma", slice(2, 4)))
    for order in (0.3, 1.0, 1.2):
        rates = sum(chernoff_rate(get_family(name), first[part], second[part], order) for name, part in parts)
        found = law_divergence((family, first), (family, second), "renyi", order=order).value
        assert found == pytest.approx(order * rates, rel=1e-13)


def test_normal_laws_of_equal_covariance_differ_along_a_line() -> None:
    S = np.array([[2.0, 0.5], [0.5, 1.0]])
    P, Q = stats.multivariate_normal([1, 2], S), stats.multivariate_normal([0, 0], S)
    length = math.sqrt(np.array([1, 2]) @ np.linalg.solve(S, [1, 2]))
    expected = 2 * stats.norm.cdf(length / 2) - 1
    assert law_divergence(P, Q, "tv").value == pytest.approx(expected, rel=1e-12)
    with pytest.raises(InputError, match=r"P must be a law on the line.*from_samples=True"):
        law_divergence(P, stats.multivariate_normal([0, 0], np.eye(2)), "tv")


# ----------------------------------------------------------- infinite values
def test_supports_decide() -> None:
    wide, narrow, far = stats.uniform(0, 2), stats.uniform(0, 1), stats.uniform(5, 1)
    assert law_divergence(wide, narrow, "kl").value == math.inf
    assert law_divergence(narrow, wide, "reverse_kl").value == math.inf
    assert law_divergence(narrow, wide, "kl").value < 1
    assert law_divergence(stats.norm(), stats.expon(), "kl").value == math.inf
    assert law_divergence(stats.expon(), stats.norm(), "kl").value == pytest.approx(0.5 * math.log(2 * math.pi))
    for kind, expected in (
        ("tv", 1.0),
        ("hellinger", 1.0),
        ("js", math.log(2)),
        ("le_cam", 1.0),
        ("cauchy_schwarz", math.inf),
    ):
        assert law_divergence(narrow, far, kind).value == pytest.approx(expected, rel=1e-12)
    assert law_divergence(narrow, far, "renyi", order=0.5).value == math.inf
    # -log Q(p > 0)
    assert law_divergence(narrow, wide, "renyi", order=0).value == pytest.approx(math.log(2), rel=1e-12)
    assert law_divergence(wide, narrow, "renyi", order=0).value == 0.0
    assert law_divergence(narrow, wide, "tsallis", order=0).value == pytest.approx(0.5, rel=1e-12)
    assert law_divergence(stats.poisson(2), stats.binom(5, 0.3), "kl").value == math.inf
    assert law_divergence(stats.nbinom(3, 0.4), stats.geom(0.3), "kl").value == math.inf


def test_tails_decide() -> None:
    assert law_divergence(stats.cauchy(), stats.norm(), "kl").value == math.inf
    assert math.isfinite(law_divergence(stats.t(3), stats.norm(), "kl").value)
    assert law_divergence(stats.t(3), stats.norm(), "pearson").value == math.inf
    assert law_divergence(stats.norm(0, 2), stats.norm(0, 1), "pearson").value == math.inf
    assert law_divergence(stats.expon(scale=2), stats.gamma(0.7), "pearson").value == math.inf
    assert law_divergence(stats.gamma(0.3), stats.gamma(2), "pearson").value == math.inf
    laws = [law_of("P", as_law_or_member("P", law)) for law in (stats.gamma(0.3), stats.gamma(2))]
    assert _numerical(*laws, "pearson", 0.0, 1e-9).value == math.inf
    assert law_divergence(stats.geom(0.2), stats.geom(0.5), "pearson").value == math.inf
    with_gaps = stats.rv_histogram(([3, 0, 2], [0.0, 1.0, 2.0, 3.0]))()
    assert law_divergence(stats.uniform(0, 3), with_gaps, "kl").value == math.inf
    assert law_divergence(with_gaps, stats.uniform(0, 3), "kl").value == pytest.approx(
        0.6 * math.log(1.8) + 0.4 * math.log(1.2), rel=1e-9
    )


def test_a_density_that_underflows_is_refused() -> None:
    class Narrow(stats.rv_continuous):
        def _pdf(self, x: Any) -> Any:  # its generic log density is -inf from 38 on
            return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)

        def _cdf(self, x: Any) -> Any:
            return stats.norm.cdf(x)

    # E_t[x^2] is finite for t(3), but the sum needs the log density at 1e3.
    with pytest.raises(InputError, match=r"the log density of .* underflows"):
        law_divergence(stats.t(3), Narrow(name="narrow")(), "kl")

    class Wrong(Narrow):
        def _cdf(self, x: Any) -> Any:
            return stats.norm.cdf(x - 30.0)

    with pytest.raises(InputError, match=r"a density that agrees with its quantiles, got a probability of"):
        law_divergence(Wrong(name="wrong")(), Wrong(name="wrong")(), "js")


@pytest.mark.parametrize(
    ("P", "Q", "expected"),
    [
        (stats.cauchy(), stats.cauchy(0, 2), math.log(2)),
        (stats.laplace(), stats.laplace(0, 2), math.log(2)),
        (stats.norm(), stats.norm(0, 2), math.log(2)),
        (stats.t(3), stats.norm(), math.inf),
        (stats.poisson(2), stats.poisson(3), 1.0),
        (stats.poisson(3), stats.poisson(2), math.inf),
        (stats.binom(5, 0.5), stats.binom(9, 0.5), math.log(16)),
        (stats.gamma(3), stats.gamma(2, scale=2), math.log(4 / math.e)),
        (stats.beta(3, 2), stats.beta(2, 2), math.log(2)),
        (
            ("vonmises", [1.0, 0.0]),
            ("vonmises", [0.5, 0.0]),
            0.5 - math.log(float(mpmath.besseli(0, 1) / mpmath.besseli(0, 0.5))),
        ),
        (("exponential", [-3.0]), ("exponential", [-1.0]), math.log(3)),
        (("exponential", [-1.0]), ("exponential", [-3.0]), math.inf),
    ],
)
def test_infinite_order_is_the_largest_log_ratio(P: Any, Q: Any, expected: float) -> None:
    assert law_divergence(P, Q, "renyi", order=math.inf).value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["gamma", "beta", "vonmises", "poisson", "bernoulli", "categorical", "exponential"])
def test_infinite_order_by_search_equals_closed_form(name: str) -> None:
    closed = law_divergence(*PAIRS[name], "renyi", order=math.inf).value
    laws = [law_of("P", as_law_or_member("P", law)) for law in PAIRS[name]]
    assert _numerical(*laws, "renyi", math.inf, 1e-9).value == pytest.approx(closed, rel=1e-9)


# ----------------------------------------------------------------- properties
@settings(max_examples=25, deadline=None)
@given(
    a1=st.floats(0.1, 50), b1=st.floats(0.1, 10), a2=st.floats(0.1, 50), b2=st.floats(0.1, 10)
)  # fmt: skip
def test_inequalities_inside_a_family(a1: float, b1: float, a2: float, b2: float) -> None:
    P, Q = ("gamma", [a1, -b1]), ("gamma", [a2, -b2])

    def d(kind: str, **options: Any) -> float:
        return float(law_divergence(P, Q, kind, **options))

    slack = 1 + 1e-10
    renyi = [d("renyi", order=a) for a in (0.25, 0.5, 1.0, 1.5, 2.0)]
    assert all(0.0 <= x <= y * slack for x, y in pairwise(renyi))
    assert 2 * d("hellinger") <= renyi[1] * slack
    assert math.log1p(d("pearson")) == pytest.approx(renyi[4], rel=1e-9) or d("pearson") == math.inf
    assert d("alpha", order=0.5) == pytest.approx(4 * d("hellinger"), rel=1e-12)
    back = float(law_divergence(Q, P, "renyi", order=0.75))
    assert 0.75 * renyi[0] == pytest.approx(0.25 * back, rel=1e-9)
    assert d("jeffreys") == pytest.approx(d("kl") + d("reverse_kl"), rel=1e-12)


@pytest.mark.parametrize("kind", LAW_KINDS)
def test_equal_laws_are_at_distance_zero(kind: str) -> None:
    for P in (stats.norm(1, 2), stats.t(3), stats.poisson(4), stats.nbinom(3, 0.5)):
        assert abs(law_divergence(P, P, kind, **_options(kind)).value) < 1e-13


# ------------------------------------------------------------------ rejection
def test_bad_laws_and_options() -> None:
    good = stats.norm()
    with pytest.raises(InputTypeError, match=r"P must be a frozen scipy.stats law or a pair \(family, theta\), got 3"):
        law_divergence(3, good, "kl")
    with pytest.raises(InputTypeError, match=r"Q must be .* unfrozen norm_gen; call it .* norm\("):
        law_divergence(good, stats.norm, "kl")
    with pytest.raises(InputError, match=r"P must be one law, got a batch"):
        law_divergence(stats.norm([0, 1], 1), good, "kl")
    with pytest.raises(InputError, match=r"P must have admissible parameters"):
        law_divergence(stats.t(-1), good, "kl")
    with pytest.raises(InputError, match=r"both be discrete or both continuous"):
        law_divergence(good, stats.poisson(2), "kl")
    with pytest.raises(InputError, match=r"both live on the circle or both on the line"):
        law_divergence(good, ("vonmises", [1.0, 0.0]), "kl")
    with pytest.raises(InputError, match=r"same family"):
        law_divergence(("categorical", [0.1]), ("categorical", [0.1, 0.2]), "kl")
    with pytest.raises(InputError, match=r"unknown family 'normale'"):
        law_divergence(("normale", [0.1]), good, "kl")
    with pytest.raises(InputError, match=r"outside the natural parameter space"):
        law_divergence(("gamma", [1.0, 1.0]), good, "kl")
    with pytest.raises(InputError, match=r"kind must be one of 'kl', 'reverse_kl'.*'cauchy_schwarz', got 'klx'"):
        law_divergence(good, good, "klx")
    for kind in ("alpha", "renyi", "tsallis"):
        with pytest.raises(InputError, match=r"order must be given"):
            law_divergence(good, good, kind)
    with pytest.raises(InputError, match=r"order must be a number >= 0"):
        law_divergence(good, good, "renyi", order=-1)
    with pytest.raises(InputError, match=r"gamma must be"):
        law_divergence(good, good, "hockey_stick")
    with pytest.raises(InputError, match=r"m1 and m2 must have the same length"):
        law_divergence(stats.multivariate_normal([0, 0]), good, "js")


def test_an_error_above_the_tolerance_is_refused() -> None:
    with pytest.raises(InputError, match=r"tol must be at least the numerical error, got 1e-18"):
        law_divergence(stats.t(3), stats.norm(), "kl", tol=1e-18)


def test_lost_digits_of_large_counts_are_reported() -> None:
    laws = stats.poisson(1e7), stats.poisson(1.001e7)
    with pytest.raises(InputError, match=r"tol must be at least the numerical error"):
        law_divergence(*laws, "js", tol=1e-13)
    found = law_divergence(*laws, "js", tol=1e-6)
    assert found.error is not None
    assert found.error > 1e-12
    # Close to normal laws at distance sqrt(10) standard deviations.
    normal = law_divergence(stats.norm(0, 1), stats.norm(math.sqrt(10), 1), "js")
    assert abs(found.value - normal.value) < found.error + 1e-3
