"""Theorems as properties: inequality chains, monotonicity, data processing, convexity, products.

All properties run over tables with zeros, masses down to 1e-12 and near-equal pairs. The slack
covers rounding: each side is correct to a few 1e-15 of itself, and the tables sum to one up
to 1e-16 times the number of cells.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.divergences import table_divergences as td
from infostat.divergences.generators import GENERATORS, generator
from infostat.divergences.information import entropy
from infostat.divergences.table_orders import cauchy_schwarz, renyi

from .pmfs import channels, normalised, pmf_pairs, pmfs

run = settings(deadline=None, max_examples=120)
KINDS = [(kind, {}) for kind, entry in GENERATORS.items() if entry.parameter in ("", "weight")]
KINDS += [("js", {"weight": 0.2}), ("hockey_stick", {"gamma": 1.5})]
KINDS += [("alpha", {"order": a}) for a in (-1.5, 0.3, 1 - 1e-7, 4.0)]
ORDERS = [0.0, 1e-9, 0.2, 0.5, 0.9, 1 - 1e-9, 1.0, 1 + 1e-9, 1.5, 2.0, 10.0, math.inf]
RELATIVE, ABSOLUTE = 1e-11, 1e-16
Pair = tuple[np.ndarray, np.ndarray]


def ordered(*chain: float) -> None:
    """Assert a non-decreasing chain up to rounding."""
    for k in range(len(chain) - 1):
        assert not math.isnan(chain[k])
        assert chain[k] <= chain[k + 1] + RELATIVE * abs(chain[k + 1]) + ABSOLUTE, (k, chain)


@run
@given(pair=pmf_pairs())
def test_every_chain_of_the_page(pair: Pair) -> None:
    p, q = pair
    kl, js, v = td.kl(p, q), td.js(p, q), td.tv(p, q)
    h2, lc, chi2 = td.hellinger(p, q), td.le_cam(p, q), td.pearson(p, q)
    ordered(v, math.sqrt(kl / 2))
    ordered(v, math.sqrt(-math.expm1(-kl)), 1 - math.exp(-kl) / 2)
    ordered(h2, v, math.sqrt(h2 * (2 - h2)))
    ordered(2 * h2, renyi(p, q, 0.5), kl, math.log1p(chi2), chi2)
    ordered(4 * v * v, chi2)
    ordered(v * v, lc, v)
    ordered(h2, lc, 2 * h2)
    ordered(lc / 2, js, math.log(2) * lc)
    ordered(math.log(2) * h2, js, h2)
    ordered(_lowest_js(v), js, math.log(2) * v)
    ordered(js, td.jeffreys(p, q) / 8)


def _lowest_js(v: float) -> float:
    # The sum of logarithms cancels below about 1e-3, where its series is v^2/2 + v^4/12 + ...
    if v < 1e-3:
        return v * v / 2 + v**4 / 12
    rest = (1 - v) * math.log1p(-v) if v < 1 else 0.0
    return ((1 + v) * math.log1p(v) + rest) / 2


@pytest.mark.parametrize(("kind", "kw"), KINDS, ids=str)
@settings(deadline=None, max_examples=40)
@given(pair=pmf_pairs())
def test_sign_identity_symmetry_and_range(kind: str, kw: dict[str, float], pair: Pair) -> None:
    p, q = pair
    gen = generator(kind, **kw)
    value = td.f_divergence(p, q, kind, **kw)
    assert value >= 0.0 and td.f_divergence(p, p, kind, **kw) == 0.0
    # D_f <= (f(0) + f'(inf)) TV, with 0 * inf = 0
    v = td.tv(p, q)
    ordered(value, (gen.f0 + gen.df_inf) * v if v > 0.0 else 0.0)
    if GENERATORS[kind].symmetric and not kw:
        assert td.f_divergence(q, p, kind) == pytest.approx(value, rel=1e-12, abs=0.0)


@run
@given(pair=pmf_pairs())
def test_renyi_grows_with_the_order_and_reflects(pair: Pair) -> None:
    p, q = pair
    ordered(*(renyi(p, q, a) for a in ORDERS))
    for a in (0.1, 0.3, 0.5, 0.9):
        left, right = (1 - a) * renyi(p, q, a), a * renyi(q, p, 1 - a)
        assert left == pytest.approx(right, rel=1e-10, abs=1e-16)


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_data_processing(data: st.DataObject) -> None:
    p, q = data.draw(pmf_pairs())
    kernel = data.draw(channels(p.size))
    after_p, after_q = normalised(list(p @ kernel)), normalised(list(q @ kernel))
    # Forming the images rounds them by eps, which alone makes divergences of up to about 10 eps (tv).
    slack = 1e-14
    for kind, kw in KINDS:
        before, after = td.f_divergence(p, q, kind, **kw), td.f_divergence(after_p, after_q, kind, **kw)
        assert after <= before * (1 + 1e-9) + slack, (kind, kw)
    for a in ORDERS:
        assert renyi(after_p, after_q, a) <= renyi(p, q, a) * (1 + 1e-9) + slack, a


def test_cauchy_schwarz_breaks_data_processing() -> None:
    p, q = np.array([0, 0, 1.0]), np.array([0.4, 0.5, 0.1])
    merge = np.array([[1, 0], [1, 0], [0, 1.0]])
    assert cauchy_schwarz(p @ merge, q @ merge) > cauchy_schwarz(p, q)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), share=st.floats(0.0, 1.0))
def test_joint_convexity(data: st.DataObject, share: float) -> None:
    p, q = data.draw(pmf_pairs())
    r, s = data.draw(pmfs(p.size)), data.draw(pmfs(p.size))
    first, second = share * p + (1 - share) * r, share * q + (1 - share) * s
    for kind, kw in KINDS:
        ends = [td.f_divergence(p, q, kind, **kw), td.f_divergence(r, s, kind, **kw)]
        chord = sum(w * v for w, v in zip((share, 1 - share), ends, strict=True) if w > 0)
        assert td.f_divergence(first, second, kind, **kw) <= chord * (1 + 1e-10) + 1e-14, (kind, kw)


@settings(deadline=None, max_examples=40)
@given(one=pmf_pairs(max_size=4), two=pmf_pairs(max_size=3))
def test_products(one: Pair, two: Pair) -> None:
    p, q = (np.outer(a, b).ravel() for a, b in zip(one, two, strict=True))
    same = {"rel": 1e-9, "abs": 1e-14}
    assert td.kl(p, q) == pytest.approx(td.kl(*one) + td.kl(*two), **same)
    for a in ORDERS:
        assert renyi(p, q, a) == pytest.approx(renyi(*one, a) + renyi(*two, a), **same)
    assert 1 - td.hellinger(p, q) == pytest.approx(
        (1 - td.hellinger(*one)) * (1 - td.hellinger(*two)), **same
    )
    assert 1 + td.pearson(p, q) == pytest.approx((1 + td.pearson(*one)) * (1 + td.pearson(*two)), **same)


def test_js_does_not_add_over_products() -> None:
    p, q = np.array([0.9, 0.1]), np.array([0.1, 0.9])
    together = td.js(np.outer(p, p).ravel(), np.outer(q, q).ravel())
    assert together < 2 * td.js(p, q) - 0.1


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_root_of_js_obeys_the_triangle(data: st.DataObject) -> None:
    p, q = data.draw(pmf_pairs())
    r = data.draw(pmfs(p.size))
    a, b, c = (math.sqrt(td.js(x, y)) for x, y in ((p, q), (q, r), (p, r)))
    ordered(c, a + b + 1e-15)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), weights=st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3))
def test_several_laws_diverge_by_at_most_the_entropy_of_the_weights(
    data: st.DataObject, weights: list[float]
) -> None:
    laws = np.array([data.draw(pmfs(4)) for _ in weights])
    value = td.js_multi(laws, weights)
    ordered(0.0, value, entropy(weights, normalize="yes"))
