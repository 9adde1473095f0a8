"""Transport inequalities against exact distances of normal and finite laws; the Lipschitz bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, VacuousBoundWarning
from infostat.divergences import kl_gaussian, kl_lower_from_tv, w2_gaussian
from infostat.generalization.labelled import Bound
from infostat.generalization.transport_inequalities import lipschitz_parameter_bound, transport_inequality

quick = settings(max_examples=50, deadline=None)


def test_closed_forms() -> None:
    assert transport_inequality(0.5, 4.0).value == 2.0
    assert transport_inequality(0.5, 9.0, "t2").value == 3.0
    assert transport_inequality(0.02, 3.0, "diameter").value == pytest.approx(0.3, rel=1e-15)
    tight = transport_inequality(kl_lower_from_tv(0.4), 3.0, "diameter", tv_method="tight")
    assert tight.value == pytest.approx(1.2, rel=1e-14)


def test_labels() -> None:
    found = transport_inequality(0.5, 4.0, "t2")
    assert (found.nature, found.sense, found.vacuous, found.quantity) == ("bound", "", False, "Wasserstein distance W2")
    assert Bound.from_dict(found.to_dict()) == found
    assert "normal" in found.assumptions[0]
    gap = lipschitz_parameter_bound([0.1], 2.0)
    assert (gap.nature, gap.sense) == ("bound", "expectation")


@quick
@given(shift=st.floats(-3, 3), s=st.floats(0.2, 3.0), s0=st.floats(0.2, 3.0))
def test_t2_on_normal_laws(shift: float, s: float, s0: float) -> None:
    kl, w2 = kl_gaussian(shift, s**2, 0.0, s0**2), w2_gaussian(shift, s**2, 0.0, s0**2)
    assert w2 <= transport_inequality(kl, s0**2, "t2").value * (1 + 1e-9) + 1e-9
    # T1 with sigma^2 = s0^2 holds too, as W1 <= W2 and both constants agree for normal laws
    assert transport_inequality(kl, s0**2).value == transport_inequality(kl, s0**2, "t2").value


def test_t2_is_attained_by_translations() -> None:
    cov = np.array([[2.0, 0.5], [0.5, 1.0]])
    values, vectors = np.linalg.eigh(cov)
    shift = 1.7 * vectors[:, -1]
    kl = kl_gaussian(shift, cov, [0.0, 0.0], cov)
    found = transport_inequality(kl, cov, "t2")
    assert found.value == pytest.approx(1.7, rel=1e-12)
    assert found.inputs is not None
    assert found.inputs["constant"] == pytest.approx(values[-1], rel=1e-14)


def test_diameter_on_two_points() -> None:
    """Two laws on {0, D}: W1 is exactly D TV."""
    p, q, diameter = 0.7, 0.4, 2.0
    kl = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    w1 = diameter * (p - q)
    values = {m: transport_inequality(kl, diameter, "diameter", tv_method=m).value for m in ("pinsker", "tight")}
    assert w1 <= values["tight"] <= values["pinsker"]


def test_arrays_and_vacuous_values() -> None:
    with pytest.warns(VacuousBoundWarning, match="vacuous in part: it is at least the largest distance"):
        found = transport_inequality([0.1, 5.0, math.inf], 2.0, "diameter")
    np.testing.assert_array_equal(found.vacuous, [False, True, True])
    np.testing.assert_array_equal(found.value[1:], 2.0)
    with pytest.warns(VacuousBoundWarning):
        assert transport_inequality(math.inf, 1.0).value == math.inf


@quick
@given(terms=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=6), rho=st.floats(0.1, 4.0))
def test_lipschitz_bound_is_linear(terms: list[float], rho: float) -> None:
    found = lipschitz_parameter_bound(terms, rho)
    assert found.value == pytest.approx(rho * sum(terms) / len(terms), rel=1e-12)
    assert not found.vacuous
    assert any("range of the loss is not given" in text for text in found.assumptions)


def test_lipschitz_bound_on_the_mean_of_normal_data() -> None:
    """W = mean, loss |w - z| in one dimension: P_{W|Z_1} is N(z/n, (n-1)s^2/n^2), P_W is N(0, s^2/n)."""
    n, s, rng = 12, 1.0, np.random.default_rng(0)
    z = rng.normal(0.0, s, 4000)
    # W1 <= W2 of the two normal laws; then |gap| of 4000 draws of the sample
    w2 = np.array([w2_gaussian(v / n, (n - 1) * s**2 / n**2, 0.0, s**2 / n) for v in z[:400]])
    bound = lipschitz_parameter_bound(float(w2.mean()), 1.0).value
    samples, fresh = rng.normal(0.0, s, (4000, n)), rng.normal(0.0, s, 4000)
    w = samples.mean(axis=1)
    gaps = np.abs(fresh - w) - np.abs(samples - w[:, None]).mean(axis=1)
    error = 4 * gaps.std() / math.sqrt(len(gaps)) + 4 * w2.std() / 20
    assert abs(gaps.mean()) <= bound + error


def test_range_of_the_loss() -> None:
    with pytest.warns(VacuousBoundWarning, match="Lipschitz bound"):
        assert lipschitz_parameter_bound([1.0], 2.0, loss_range=2.0).vacuous is True
    assert lipschitz_parameter_bound([1.0], 2.0, loss_range=2.1).vacuous is False


def test_bad_input() -> None:
    with pytest.raises(InputError, match="kl must be non-negative"):
        transport_inequality(-1.0, 1.0)
    with pytest.raises(InputError, match="constant must be positive, got 0.0"):
        transport_inequality(1.0, 0.0)
    with pytest.raises(InputError, match="method must be one of 't1', 't2', 'diameter'"):
        transport_inequality(1.0, 1.0, "T1")
    with pytest.raises(InputError, match="tv_method belongs to method 'diameter'"):
        transport_inequality(1.0, 1.0, tv_method="tight")
    with pytest.raises(InputError, match="not symmetric"):
        transport_inequality(1.0, [[1.0, 0.5], [0.0, 1.0]], "t2")
    with pytest.raises(InputError, match="positive semi-definite covariance, got eigenvalue -1"):
        transport_inequality(1.0, [[1.0, 2.0], [2.0, 1.0]], "t2")
    with pytest.raises(InputError, match=r"square covariance matrix, got shape \(1, 2\)"):
        transport_inequality(1.0, [[1.0, 2.0]], "t2")
    with pytest.raises(InputError, match="rho must be a number > 0"):
        lipschitz_parameter_bound([0.1], 0.0)
    with pytest.raises(InputError, match="w1_terms must be non-negative"):
        lipschitz_parameter_bound([-0.1], 1.0)
    with pytest.raises(InputError, match="one-dimensional"):
        lipschitz_parameter_bound([[0.1]], 1.0)
