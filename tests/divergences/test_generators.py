"""The generator table: identities that tie the columns of every entry together."""

from __future__ import annotations

import math
import pickle

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences.generators import GENERATORS, Generator, generator

from .pmfs import FORMULAS

EXAMPLES: dict[str, list[dict[str, float]]] = {
    "order": [
        {"order": a} for a in (-1.0, -0.3, 0.0, 1e-9, 0.3, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 1.5, 2.0, 3.0)
    ],
    "weight": [{"weight": w} for w in (0.5, 0.3, 0.9)],
    "gamma": [{"gamma": g} for g in (1.0, 2.0)],
    "": [{}],
}
CASES = [(kind, kw) for kind, entry in GENERATORS.items() for kw in EXAMPLES[entry.parameter]]
SMOOTH = [case for case in CASES if GENERATORS[case[0]].gradient_weight is not None]
every = pytest.mark.parametrize(("kind", "kw"), CASES, ids=str)
smooth = pytest.mark.parametrize(("kind", "kw"), SMOOTH, ids=str)
GRID = np.concatenate([np.geomspace(0.05, 20.0, 41), [1.0, 1.0 + 1e-9, 1.0 - 1e-6]])


def exact(kind: str, gen: Generator, t: float) -> mp.mpf:
    return FORMULAS[kind](mp.mpf(t), mp.mpf(gen.parameter))


@every
@pytest.mark.parametrize(
    "t", [1e-250, 1e-9, 0.05, 0.5, 0.91, 1 - 1e-5, 1 - 1e-12, 1 + 1e-14, 1 + 1e-7, 1.09, 3.0, 1e7]
)
def test_f_has_full_relative_accuracy(kind: str, kw: dict[str, float], t: float) -> None:
    gen = generator(kind, **kw)
    with mp.workdps(80):
        wanted = float(exact(kind, gen, t))
    # 2e-16 per operation; the closed forms cancel at most 40-fold (|log t| > 0.1/max(1, |a|, |a-1|)).
    assert gen.f(t) == pytest.approx(wanted, rel=4e-14, abs=0.0)


@every
def test_canonical_form_and_ends(kind: str, kw: dict[str, float]) -> None:
    gen = generator(kind, **kw)
    assert gen.f(1.0) == 0.0
    if kind not in ("tv", "hockey_stick"):
        assert gen.df(1.0) == 0.0
    assert gen.f(0.0) == gen.f0 and gen.f(math.inf) == math.inf
    assert gen.df(math.inf) == gen.df_inf
    if math.isfinite(gen.df_inf):
        # f(t)/t approaches the limit from below; like t^(a-1), so slowly for orders next to 1
        assert gen.f(1e14) / 1e14 <= gen.df_inf
        if gen.order is None or gen.order < 0.9:
            assert gen.f(1e14) / 1e14 == pytest.approx(gen.df_inf, rel=0.05)
    elif kind != "alpha":
        assert gen.f(1e14) / 1e14 > 30.0
    if math.isfinite(gen.f0):
        assert gen.f(1e-300) == pytest.approx(gen.f0, rel=1e-12) or kind == "alpha"


@smooth
def test_derivative_matches_finite_differences(kind: str, kw: dict[str, float]) -> None:
    gen = generator(kind, **kw)
    for t in (0.05, 0.4, 1.0, 1.7, 20.0):
        with mp.workdps(40):
            slope = float(mp.diff(lambda x: FORMULAS[kind](x, mp.mpf(gen.parameter)), t))
            bend = float(mp.diff(lambda x: FORMULAS[kind](x, mp.mpf(gen.parameter)), t, 2))
        assert gen.df(t) == pytest.approx(slope, rel=1e-8, abs=1e-9)
        assert gen.gradient_weight(t) == pytest.approx(t * t * bend, rel=1e-7)
    assert gen.curvature == gen.gradient_weight(1.0)


@every
def test_conjugate_identity(kind: str, kw: dict[str, float]) -> None:
    gen = generator(kind, **kw)
    slopes = gen.df(GRID)
    # Rounding of each of the three terms, |s| t at most 20 |f'(20)|.
    size = np.abs(slopes * GRID) + gen.f(GRID) + 1e-300
    assert np.all(np.abs(gen.conjugate(slopes) - (slopes * GRID - gen.f(GRID))) <= 1e-14 * size + 2e-16)


@every
def test_conjugate_is_the_supremum(kind: str, kw: dict[str, float]) -> None:
    gen = generator(kind, **kw)
    slopes = np.array([-50.0, -3.0, -1.0, -0.2, 0.0, 0.05, 0.2, 0.4, 3.0])
    lower = slopes[:, None] * GRID - gen.f(GRID)  # Fenchel-Young
    assert np.all(gen.conjugate(slopes)[:, None] >= lower - 1e-12 * (1.0 + np.abs(lower)))
    assert gen.conjugate(-math.inf) == -gen.f0 and gen.conjugate(math.inf) == math.inf


@every
def test_conjugate_at_the_largest_slope(kind: str, kw: dict[str, float]) -> None:
    gen = generator(kind, **kw)
    if not math.isfinite(gen.df_inf):
        return
    limit = gen.conjugate(gen.df_inf)
    # s t - f(t) at s = f'(inf) grows to the limit, at least like 0.1 log t if that is infinite.
    before, reached = (gen.df_inf * t - gen.f(t) for t in (1e6, 1e13))
    if math.isfinite(limit):
        assert reached == pytest.approx(limit, abs=0.1) and gen.conjugate(gen.df_inf * (1 + 1e-9)) == math.inf
    else:
        assert reached > before + 1.0


@smooth
@settings(deadline=None, max_examples=25)
@given(log_t=st.floats(-3.0, 3.0))
def test_inverse_undoes_the_derivative(kind: str, kw: dict[str, float], log_t: float) -> None:
    gen = generator(kind, **kw)
    t = math.exp(log_t)
    # dt = ds / f''(t): the rounding of s is magnified by |s|/(t f''(t)) in relative terms.
    magnified = 1.0 + (
        abs(gen.df(t)) + abs(gen.df_inf if math.isfinite(gen.df_inf) else 0.0)
    ) * t / gen.gradient_weight(t)
    assert gen.df_inverse(gen.df(t)) == pytest.approx(t, rel=4e-15 * magnified)


@smooth
def test_inverse_stays_in_the_domain(kind: str, kw: dict[str, float]) -> None:
    gen = generator(kind, **kw)
    assert gen.df_inverse(-math.inf) == 0.0 and gen.df_inverse(math.inf) == math.inf
    assert gen.df_inverse(0.0) == pytest.approx(1.0, rel=1e-15)
    for s in (-1e5, 1e5):
        assert gen.df_inverse(s) >= 0.0 and not math.isnan(gen.conjugate(s))


def test_kinks_have_no_inverse_and_no_weight() -> None:
    for gen in (generator("tv"), generator("hockey_stick", gamma=2)):
        assert gen.df_inverse is None and math.isnan(gen.curvature)
        with pytest.raises(InputError, match="smooth generator"):
            gen.gradient_weight(1.0)


@pytest.mark.parametrize("s", [-1e6, -800.0, -3.0, -1e-9, 0.0, 1e-9, 0.5, 30.0, 39.9, 40.1, 700.0])
def test_jeffreys_survives_the_overflow_of_lambert_w(s: float) -> None:
    gen = generator("jeffreys")
    with mp.workdps(60):
        # y = log t solves y + 1 - e^(-y) = s; W(e^(1-s)) in 60 digits has no overflow.
        u = mp.lambertw(mp.exp(1 - mp.mpf(s)), 0)
        wanted = 1 / u
        conjugate = wanted - 1 + mp.log(wanted)
    assert gen.df_inverse(s) == pytest.approx(float(wanted), rel=2e-13)
    assert gen.conjugate(s) == pytest.approx(float(conjugate), rel=1e-14 if s <= 0.5 else 2e-13)


def test_relations_between_entries() -> None:
    t = GRID
    assert np.allclose(generator("alpha", order=1).f(t), generator("kl").f(t), rtol=1e-14, atol=0)
    assert np.allclose(generator("alpha", order=0).f(t), generator("reverse_kl").f(t), rtol=1e-14, atol=0)
    for order, kind, factor in ((2, "pearson", 0.5), (-1, "neyman", 0.5), (0.5, "hellinger", 4.0)):
        assert np.allclose(
            generator("alpha", order=order).f(t), factor * generator(kind).f(t), rtol=4e-14, atol=0
        )
    for kind, reverse in (
        ("kl", "reverse_kl"),
        ("pearson", "neyman"),
        *((k, k) for k in ("js", "hellinger", "le_cam")),
    ):
        assert np.allclose(t * generator(kind).f(1 / t), generator(reverse).f(t), rtol=1e-8, atol=1e-300)


@every
def test_bare_shapes_and_pickle(kind: str, kw: dict[str, float]) -> None:
    gen = generator(kind, **kw)
    assert type(gen.f(2)) is float and gen.f([[1, 2]]).shape == (1, 2)
    assert type(gen.conjugate(0)) is float
    twin = pickle.loads(pickle.dumps(gen))
    assert twin == gen and twin.f(2.0) == gen.f(2.0)


def test_unknown_kind_lists_the_kinds() -> None:
    with pytest.raises(InputError, match=r"kind must be one of 'kl', .*'hockey_stick', got 'chi2'"):
        generator("chi2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "alpha"}, "order must be given"),
        ({"kind": "hockey_stick"}, "gamma must be given"),
        ({"kind": "kl", "order": 2}, "order must be left out"),
        ({"kind": "js", "weight": 1.0}, r"weight must be a number in \(0, 1\)"),
        ({"kind": "alpha", "order": math.inf}, "order must be a finite number"),
        ({"kind": "hockey_stick", "gamma": 0}, "gamma must be a number > 0"),
    ],
)
def test_parameters_are_checked(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        generator(**arguments)


def test_arguments_of_the_curves_are_checked() -> None:
    with pytest.raises(InputError, match=r"t must be >= 0 and not NaN, got 1 NaN and 1 below 0"):
        generator("kl").f([np.nan, -1.0, 2.0])
    with pytest.raises(InputError, match="s must be"):
        generator("kl").conjugate(np.nan)
    with pytest.raises(InputTypeError, match="order must be"):
        generator("alpha", order="2")
