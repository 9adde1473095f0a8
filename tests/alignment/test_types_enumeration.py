"""Laws of sums by enumeration of types."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from infostat.alignment import types_enumeration
from infostat.alignment.lattice import LatticeSums, find_lattice
from infostat.alignment.types_enumeration import count_types, type_law
from infostat.alignment.types_kernels import enumerate_types
from infostat.core.errors import InputError


def sequences(r: np.ndarray, p: np.ndarray, m: int) -> dict[float, float]:
    """Law of the sum over all sequences, rewards rounded to 1e-9 to merge equal sums."""
    law: dict[float, float] = {}
    for letters in itertools.product(range(len(r)), repeat=m):
        key = round(math.fsum(r[i] for i in letters), 9)
        law[key] = law.get(key, 0.0) + math.prod(p[i] for i in letters)
    return law


@pytest.mark.parametrize("m", [1, 2, 5])
def test_against_all_sequences(m: int) -> None:
    r, p = np.array([-0.4, 0.0, 2**0.5, 3.1]), np.array([0.4, 0.3, 0.2, 0.1])
    value, log_mass = type_law(r, np.log(p), m)
    wanted = sequences(r, p, m)
    assert value == pytest.approx(sorted(wanted), abs=1e-9)
    assert np.exp(log_mass) == pytest.approx([wanted[k] for k in sorted(wanted)], rel=1e-13)


def test_equal_sums_are_merged_like_on_the_lattice() -> None:
    r, log_p = np.array([0.0, 0.1, 0.2, 0.3]), np.log([0.4, 0.3, 0.2, 0.1])
    value, log_mass = type_law(r, log_p, 30)
    lattice = find_lattice(r)
    assert lattice is not None
    law = next(iter(LatticeSums(log_p, lattice, 0.0).laws([30])))
    assert value == pytest.approx(law.value, abs=1e-12)
    assert log_mass == pytest.approx(law.log_mass, abs=1e-11)


@pytest.mark.parametrize("letters", [1, 2, 3, 5])
def test_kernel_agrees_with_its_twin(letters: int) -> None:
    rng = np.random.default_rng(letters)
    r, log_p, m = rng.normal(size=letters), np.log(rng.dirichlet(np.ones(letters))), 9
    factorial = np.array([math.lgamma(k + 1.0) for k in range(m + 1)])
    count = count_types(m, letters)
    twin = enumerate_types.twin(r, log_p, factorial, count)
    assert len(twin[0]) == count
    for run in (enumerate_types.python, enumerate_types):
        value, log_mass = run(r, log_p, factorial, count)
        assert value == pytest.approx(twin[0], abs=1e-12)
        assert log_mass == pytest.approx(twin[1], abs=1e-12)


def test_large_enumerations_take_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    r, log_p = np.array([0.0, 1.0, 2**0.5]), np.log([0.5, 0.3, 0.2])
    small = type_law(r, log_p, 40)
    monkeypatch.setattr(types_enumeration, "_SMALL", 1)
    large = type_law(r, log_p, 40)
    assert large[0] == pytest.approx(small[0], abs=1e-12)
    assert large[1] == pytest.approx(small[1], abs=1e-11)


def test_masses_sum_to_one_and_a_common_shift_moves_the_sums() -> None:
    r, log_p = np.array([0.0, 1.0, 2**0.5]), np.log([0.5, 0.3, 0.2])
    value, log_mass = type_law(r, log_p, 200)
    assert np.exp(log_mass).sum() == pytest.approx(1.0, abs=1e-12)
    shifted, same = type_law(r + 1e6, log_p, 200)
    assert len(same) == len(log_mass)
    assert shifted - 2e8 == pytest.approx(value, abs=1e-5)


def test_too_many_types_are_refused_with_their_number() -> None:
    with pytest.raises(InputError, match=r"got 4598126 for|got \d{8,} for m = 100 and 8 distinct rewards"):
        type_law(np.arange(8.0) ** 0.5, np.log(np.full(8, 0.125)), 100)
