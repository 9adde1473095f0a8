"""Lattice detection and laws of lattice sums."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment import lattice as lattice_module
from infostat.alignment.lattice import Lattice, LatticeSums, find_lattice
from infostat.core.errors import InputError


@given(
    st.sets(st.integers(1, 400), min_size=1, max_size=8),
    st.floats(1e-3, 1e3),
    st.floats(-1e3, 1e3),
)
@settings(max_examples=80, deadline=None)
def test_lattices_are_found_with_their_largest_span(steps: set[int], h: float, origin: float) -> None:
    index = np.array([0, *sorted(steps)])
    found = find_lattice(origin + h * index)
    assert found is not None
    common = math.gcd(*index.tolist())
    assert found.index.tolist() == (index // common).tolist()
    assert found.step == pytest.approx(h * common, rel=1e-9)
    assert found.origin == origin + h * 0


@pytest.mark.parametrize(
    "rewards",
    [
        [0.0, 1.0, math.sqrt(2.0)],
        [0.0, 1.0, math.pi, 10.0],
        [0.0, 1e-6, 1.0],  # a million points
        [0.0, 0.5 + 1e-7, 1.0],
    ],
)
def test_what_is_no_lattice(rewards: list[float]) -> None:
    assert find_lattice(np.sort(np.array(rewards))) is None


def test_tolerance_is_relative_to_the_range() -> None:
    found = find_lattice(np.array([0.0, 1.0 + 5e-10, 2.0, 3.0]))
    assert found is not None and found.index.tolist() == [0, 1, 2, 3]
    assert find_lattice(np.array([0.0, 1.0 + 1e-8, 2.0, 3.0])) is None


def test_small_lattices() -> None:
    one = find_lattice(np.array([2.5]))
    assert one is not None and one.top == 0 and one.origin == 2.5
    two = find_lattice(np.array([-1.0, math.pi]))
    assert two is not None and two.index.tolist() == [0, 1]


def exact_law(p: list[Fraction], index: list[int], m: int) -> list[Fraction]:
    """Law of the sum in rational arithmetic."""
    law = [Fraction(1)]
    for _ in range(m):
        following = [Fraction(0)] * (len(law) + index[-1])
        for k, mass in zip(index, p, strict=True):
            for cell, value in enumerate(law):
                following[cell + k] += mass * value
        law = following
    return law


@pytest.mark.parametrize("t", [-1.5, 0.0, 0.8, 4.0])
def test_laws_agree_with_rational_arithmetic(t: float) -> None:
    p = [Fraction(8, 16), Fraction(5, 16), Fraction(2, 16), Fraction(1, 16)]
    index = [0, 1, 3, 5]
    sums = LatticeSums(np.log([float(v) for v in p]), Lattice(-2.0, 0.5, np.array(index)), t)
    for law in sums.laws([1, 3, 3, 8, 21]):
        exact = exact_law(p, index, law.m)
        cells = np.rint((law.value + 2.0 * law.m) / 0.5).astype(int)
        assert [k for k, v in enumerate(exact) if v] == cells.tolist()
        # Errors of exp and log: each letter contributes a rounding of its tilted probability.
        wanted = [math.log(exact[k]) for k in cells]
        assert law.log_mass == pytest.approx(wanted, rel=1e-14, abs=1e-14 * law.m)


def log_domain_law(index: np.ndarray, log_letter: np.ndarray, length: int) -> np.ndarray:
    """Log law of the sum of `length` letters by plain log-domain convolution, without any tilt."""
    law, span = np.zeros(1), int(index[-1])
    for _ in range(length):
        following = np.full(len(law) + span, -np.inf)
        for k, log_p in zip(index, log_letter, strict=True):
            part = following[k : k + len(law)]
            np.logaddexp(part, law + log_p, out=part)
        law = following
    return law


def test_laws_agree_with_the_log_domain_reference() -> None:
    index, log_mass = np.array([0, 1, 3, 5]), np.log([0.4, 0.3, 0.2, 0.1])
    reference = log_domain_law(index, log_mass, 150)
    sums = LatticeSums(log_mass, Lattice(0.0, 1.0, index), 0.4)
    law = next(iter(sums.laws([150])))
    # 747 and 749 cannot be reached.
    assert law.value.tolist() == [k for k in range(751) if k not in (747, 749)]
    assert law.log_mass == pytest.approx(reference[law.value.astype(int)], abs=2e-11)


def test_transform_agrees_with_direct_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    index = np.unique(np.concatenate([[0, 300], rng.integers(1, 300, 30)]))
    log_mass = np.log(rng.dirichlet(np.ones(len(index))))
    for t, m in ((0.0, 1), (0.012, 7), (-0.009, 64)):
        direct = next(iter(LatticeSums(log_mass, Lattice(0.0, 1.0, index), t).laws([m])))
        with monkeypatch.context() as patch:
            patch.setattr(lattice_module, "_MOST_PRODUCTS", 0.0)
            other = next(iter(LatticeSums(log_mass, Lattice(0.0, 1.0, index), t).laws([m])))
        dense = {name: np.zeros(300 * m + 1) for name in ("direct", "other")}
        for name, law in (("direct", direct), ("other", other)):
            dense[name][np.rint(law.value).astype(int)] = np.exp(law.log_tilted)
        # What the transform sets to zero is below 4e-16 m of the largest cell.
        largest = dense["direct"].max()
        assert np.abs(dense["direct"] - dense["other"]).max() < 2e-15 * m * largest + 1e-16
        assert dense["other"].sum() == pytest.approx(1.0, abs=1e-11)


def test_long_sums_stay_accurate_far_below_the_float_range() -> None:
    # P(S = m) = 2^-m for a fair coin, m = 3000: e^-2079.
    sums = LatticeSums(np.log([0.5, 0.5]), Lattice(0.0, 1.0, np.array([0, 1])), 9.0)
    law = next(iter(sums.laws([3000])))
    assert law.value[-1] == 3000.0
    assert law.log_mass[-1] == pytest.approx(-3000 * math.log(2.0), rel=1e-13)


def test_long_arrays_are_convolved_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    first, second = rng.random(50), rng.random(37)
    monkeypatch.setattr(lattice_module, "_PIECE", 7)
    assert lattice_module._convolved(first, second) == pytest.approx(np.convolve(first, second), rel=1e-14)


def test_too_many_cells_are_refused() -> None:
    index = np.array([0, 1, 99_999])
    sums = LatticeSums(np.log([0.5, 0.3, 0.2]), Lattice(0.0, 1.0, index), 0.0)
    with pytest.raises(InputError, match="lattice points; use fewer letters"):
        list(sums.laws([10_000]))
