"""Keeping the best fraction: exact arithmetic, the split boundary, frozen laws."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.alignment.fractions import top_fraction
from infostat.alignment.tilt_solver import moments_at, t_for_kl
from infostat.core.errors import InputError, InputTypeError

P, R = [0.5, 0.3, 0.2], [0, 1, 2]


def exact_selection(p: list[Fraction], r: list[int], fraction: Fraction) -> list[Fraction]:
    q = [Fraction(0)] * len(p)
    left = fraction
    for value in sorted(set(r), reverse=True):
        rows = [k for k in range(len(p)) if r[k] == value]
        mass = sum((p[k] for k in rows), Fraction(0))
        share = min(left / mass, Fraction(1)) if mass else Fraction(0)
        for k in rows:
            q[k] = p[k] * share / fraction
        left -= share * mass
    return q


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(-3, 3)), min_size=1, max_size=7).filter(
        lambda rows: sum(row[0] for row in rows) > 0
    ),
    st.integers(1, 60),
)
@settings(max_examples=150, deadline=None)
def test_against_rational_arithmetic(rows: list[tuple[int, int]], sixtieths: int) -> None:
    total = sum(row[0] for row in rows)
    p, r = [Fraction(row[0], total) for row in rows], [row[1] for row in rows]
    fraction = Fraction(sixtieths, 60)
    wanted = exact_selection(p, r, fraction)
    found = top_fraction([float(x) for x in p], r, fraction=float(fraction))
    assert found.q == pytest.approx([float(x) for x in wanted], abs=1e-14)
    assert found.reward == pytest.approx(float(sum(q * x for q, x in zip(wanted, r, strict=True))), abs=1e-13)
    assert found.kl == -math.log(fraction) + 0.0
    kl = math.fsum(float(q) * math.log(q / x) for q, x in zip(wanted, p, strict=True) if q)
    assert found.kl_outcomes == pytest.approx(kl, abs=1e-13)
    assert 0.0 <= found.kl_outcomes <= found.kl
    # Below the frontier, at its own KL and all the more at the KL of the selection.
    log_p, values = np.log([float(x) for x in p if x]), np.array([x for x, m in zip(r, p, strict=True) if m], float)
    t = t_for_kl(log_p, values, found.kl_outcomes)
    assert found.reward <= moments_at(log_p, values, t)[1] + 1e-9


def test_boundary_splits() -> None:
    found = top_fraction(P, R, fraction=0.4)
    assert found.q == pytest.approx([0.0, 0.5, 0.5], rel=1e-14)
    assert found.threshold == 1.0 and found.kept_at_threshold == pytest.approx(2 / 3, rel=1e-14)
    assert found.kl_outcomes == pytest.approx(0.5 * math.log(0.5 / 0.3) + 0.5 * math.log(0.5 / 0.2), rel=1e-13)
    # Splitting the boundary outcome into its kept and dropped part makes the KL exactly -log fraction.
    split = top_fraction([0.5, 0.1, 0.2, 0.2], [0, 1 - 1e-9, 1, 2], fraction=0.4)
    assert split.kl_outcomes == pytest.approx(-math.log(0.4), rel=1e-14) and split.kept_at_threshold == 1.0


def test_whole_levels_in_spite_of_rounding() -> None:
    # 0.1 + 0.2 is not 0.3 in floats; the level counts as full all the same.
    found = top_fraction([0.7, 0.1, 0.2], [0, 1, 2], fraction=0.3)
    assert found.kept_at_threshold == 1.0 and found.threshold == 1.0 and found.q[0] == 0.0
    assert found.kl_outcomes == pytest.approx(found.kl, rel=1e-14)


def test_everything_and_almost_nothing() -> None:
    whole = top_fraction(P, R, fraction=1)
    assert whole.q.tolist() == P and whole.kl == whole.kl_outcomes == 0.0 and whole.threshold == 0.0
    tiny = top_fraction(P, R, fraction=1e-300)
    assert tiny.q == pytest.approx([0, 0, 1], abs=1e-13) and tiny.kl == pytest.approx(300 * math.log(10.0))
    assert tiny.kl_outcomes == pytest.approx(math.log(5.0), rel=1e-12)
    rare = top_fraction(None, [0.0, 1.0], fraction=1e-300, logp=[0.0, -800.0])
    assert rare.q[0] == pytest.approx(1.0) and rare.threshold == 0.0


def test_gaussian_closed_form() -> None:
    from scipy import stats

    for fraction in (0.5, 0.05, 1e-6):
        found = top_fraction(stats.norm(2.0, 3.0), fraction=fraction)
        z = stats.norm.isf(fraction)
        assert found.reward == pytest.approx(2.0 + 3.0 * stats.norm.pdf(z) / fraction, rel=1e-9)
        assert found.threshold == pytest.approx(2.0 + 3.0 * z, rel=1e-12)
        assert found.q is None and found.kl == found.kl_outcomes == -math.log(fraction)
        assert found.tilt_reward == pytest.approx(2.0 + 3.0 * math.sqrt(2.0 * found.kl), rel=1e-9)
        assert found.reward < found.tilt_reward


def test_laws_with_atoms_and_heavy_tails() -> None:
    from scipy import stats

    law = stats.binom(6, 0.3)
    k = np.arange(7)
    table, found = top_fraction(law.pmf(k), k, fraction=0.1), top_fraction(law, fraction=0.1)
    for name in ("reward", "kl", "kl_outcomes", "threshold", "kept_at_threshold", "tilt_reward"):
        assert getattr(found, name) == pytest.approx(getattr(table, name), rel=1e-9), name
    heavy = top_fraction(stats.pareto(2.0), fraction=0.25)
    assert heavy.reward == pytest.approx(4.0, rel=1e-9)  # threshold 2, mean excess doubles it
    assert heavy.tilt_reward is None and heavy.flags == ("no_tilt",)


def test_contract_and_figure() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from scipy import stats

    p = pd.Series(P, index=["a", "b", "c"])
    found = top_fraction(p, pd.Series(R, index=["a", "b", "c"]), fraction=0.4)
    assert found.labels == ("a", "b", "c") and list(found.to_frame()) == ["label", "reward", "p", "q"]
    for result in (found, top_fraction(stats.norm(), fraction=0.1), top_fraction([1.0], [0.0], fraction=0.5)):
        assert type(result).from_dict(result.to_dict()) == result and len(repr(result)) < 200
        assert "nats" in result.plot().get_xlabel() and "%" in str(result.summary())
    plt.close("all")


def test_bad_input() -> None:
    from scipy import stats

    for bad in (0.0, -0.1, 1.1, math.nan):
        with pytest.raises(InputError, match="fraction must"):
            top_fraction(P, R, fraction=bad)
    with pytest.raises(InputTypeError, match="fraction must"):
        top_fraction(P, R, fraction="half")
    with pytest.raises(InputError, match="must be left out"):
        top_fraction(stats.norm(), R, fraction=0.5)
    with pytest.raises(InputError, match="one reward per entry"):
        top_fraction(P, [0, 1], fraction=0.5)
