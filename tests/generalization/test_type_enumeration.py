"""Types of samples: their number, their probabilities, and the sums over them."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from infostat.core.errors import InputError
from infostat.generalization.type_enumeration import (
    MOST_TYPES,
    check_types,
    count_types,
    log_count_terms,
    log_total_term,
    type_counts,
    type_lists,
)
from infostat.generalization.type_kernels import gap_cells, log_posterior_rows, type_sums


def _arguments(n: int, k: int, m: int, alpha: float, seed: int = 0) -> tuple:
    rng = np.random.default_rng(seed)
    loss, p, prior = rng.random((k, m)), rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(m))
    return loss, np.log(prior), alpha / n, log_count_terms(n, p), log_total_term(n), np.log(rng.dirichlet(np.ones(m)))


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 1), (1, 4), (4, 3), (7, 2), (3, 5)])
def test_types_are_all_count_vectors_once(n: int, k: int) -> None:
    found = type_counts(n, k)
    wanted = [c for c in itertools.product(range(n + 1), repeat=k) if sum(c) == n]
    assert [tuple(row) for row in found.tolist()] == wanted
    assert len(found) == count_types(n, k) == check_types(n, k, "samples")
    assert [tuple(row) for row in type_lists(n, k).tolist()] == list(
        itertools.combinations_with_replacement(range(k), n)
    )


@pytest.mark.parametrize("n", [1, 3, 9])
def test_probabilities_are_multinomial(n: int) -> None:
    p = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    terms, total = log_count_terms(n, np.array([float(x) for x in p])), log_total_term(n)
    for counts in type_counts(n, 3).tolist():
        exact = Fraction(math.factorial(n))
        for c, share in zip(counts, p, strict=True):
            exact *= share**c / Fraction(math.factorial(c))
        found = math.exp(sum(terms[j, c] for j, c in enumerate(counts)) - total)
        assert found == pytest.approx(float(exact), rel=2e-14)


def test_probabilities_keep_their_digits_for_large_samples() -> None:
    # log n! is 1.2e7 here: as a difference of such numbers the sum would be off by 1e-9.
    n = 1_000_000
    terms = log_count_terms(n, np.array([0.3, 0.7]))
    law = np.exp(terms[0] + terms[1][::-1] - log_total_term(n))
    assert law.sum() == pytest.approx(1.0, abs=1e-13)
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        exact = mpmath.binomial(n, 300_100) * mpmath.mpf(0.3) ** 300_100 * mpmath.mpf(0.7) ** 699_900
    assert law[300_100] == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 1), (1, 6), (2, 5), (6, 3), (9, 2)])
@pytest.mark.parametrize("alpha", [0.0, 0.01, 3.0, 400.0])
def test_kernel_agrees_with_its_twin(n: int, k: int, alpha: float) -> None:
    arguments = _arguments(n, k, 4, alpha, seed=n + k)
    joint, sums = type_sums.twin(*arguments)
    for run in (type_sums.python, type_sums):
        other, others = run(*arguments)
        assert other == pytest.approx(joint, rel=1e-11, abs=1e-15)
        assert others == pytest.approx(sums, rel=1e-11, abs=1e-15)
    assert sums[0] == pytest.approx(1.0, abs=1e-13)
    assert joint.sum() == pytest.approx(1.0, abs=1e-13)


@pytest.mark.parametrize("run", [type_sums.twin, type_sums.python])
def test_sums_against_all_sequences(run: object) -> None:
    n, k, m = 3, 3, 2
    arguments = _arguments(n, k, m, 2.5, seed=7)
    loss, log_prior, scale, _, _, reference = arguments
    p = np.random.default_rng(7)
    p.random((k, m))
    law = p.dirichlet(np.ones(k))
    joint, sums, r = np.zeros((k, m)), np.zeros(4), np.exp(reference)
    for sample in itertools.product(range(k), repeat=n):
        weight = math.prod(law[z] for z in sample)
        total = sum(loss[z] for z in sample)
        a = np.exp(log_prior - scale * total)
        a /= a.sum()
        for z in sample:
            joint[z] += weight * a / n
        sums += weight * np.array([1.0, (a * np.log(a / r)).sum(), (r * np.log(r / a)).sum(), (r - a) @ total / n])
    found = run(*arguments)  # type: ignore[operator]
    assert found[0] == pytest.approx(joint, rel=1e-12)
    assert found[1] == pytest.approx(sums, rel=1e-12)


@pytest.mark.parametrize(("n", "k"), [(6, 4), (3, 7)])
def test_chunks_of_types_do_not_change_the_sums(n: int, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = _arguments(n, k, 3, 1.0)
    whole = type_sums.twin(*arguments)
    monkeypatch.setattr("infostat.generalization.type_kernels._CELLS", 50)
    parts = type_sums.twin(*arguments)
    assert parts[0] == pytest.approx(whole[0], rel=1e-13)
    assert parts[1] == pytest.approx(whole[1], rel=1e-13)


@pytest.mark.parametrize("d", [1e-12, 1e-6, 0.1, 0.3, 0.5, 4.0])
def test_gap_cells_do_not_cancel(d: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    log_a, log_b = np.array([-1.0 + d, -1.0 - d]), np.array([-1.0, -1.0])
    forward, backward = gap_cells(log_a, log_b)
    for i in range(2):
        with mpmath.workdps(60):
            a, b = mpmath.exp(mpmath.mpf(float(log_a[i]))), mpmath.exp(mpmath.mpf(-1))
            wanted = a * mpmath.log(a / b) - a + b, b * mpmath.log(b / a) - b + a
        assert forward[i] == pytest.approx(float(wanted[0]), rel=1e-13)
        assert backward[i] == pytest.approx(float(wanted[1]), rel=1e-13)


def test_cells_without_mass_are_zero() -> None:
    forward, backward = gap_cells(np.array([-np.inf, 0.0]), np.array([-np.inf, 0.0]))
    assert forward.tolist() == backward.tolist() == [0.0, 0.0]


def test_posterior_rows_survive_extreme_temperatures() -> None:
    rows = log_posterior_rows(np.array([[1e6, 0.0], [0.0, 0.0]]), np.log([0.25, 0.75]), 1e200)
    assert np.exp(rows) == pytest.approx(np.array([[0.0, 1.0], [0.25, 0.75]]), abs=1e-15)


def test_too_many_types_are_refused_with_their_number() -> None:
    assert check_types(MOST_TYPES - 1, 2, "samples") == MOST_TYPES
    with pytest.raises(InputError, match=r"at most 2000000 types of samples, got 2000001 for n = 2000000"):
        check_types(MOST_TYPES, 2, "samples")
    with pytest.raises(InputError, match=r"got about 10\^\d+ for n = 1000000 and 500 letters"):
        check_types(10**6, 500, "samples")
