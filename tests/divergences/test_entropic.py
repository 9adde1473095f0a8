"""Entropic optimal transport and its debiased divergence."""

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from infostat.core.errors import ConvergenceWarning, InfostatError
from infostat.divergences import entropic_kernels, entropic_newton, entropic_solver
from infostat.divergences.entropic import power_cost, sinkhorn, sinkhorn_divergence
from infostat.divergences.exact_transport import wasserstein_exact
from infostat.divergences.one_dimensional import wasserstein_1d

P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.5, 0.3])
STEPS = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))


def problem(n=40, m=30, d=2, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.5
    a, b = rng.random(n) + 0.05, rng.random(m) + 0.05
    return a / a.sum(), b / b.sum(), cdist(x, y, "sqeuclidean")


def grid_law(grid, mean, sd):
    weights = np.exp(-0.5 * ((grid - mean) / sd) ** 2)
    return weights / weights.sum()


@pytest.mark.parametrize(("eps", "cost", "value"), [(0.1, 0.400000005, 0.442281045), (1.0, 0.568934517, 0.713537352)])
def test_worked_numbers(eps, cost, value):
    result = sinkhorn(P, Q, STEPS, eps)
    assert result.transport_cost == pytest.approx(cost, abs=6e-10)
    assert result.value == pytest.approx(value, abs=6e-10)
    assert float(result) == result.value
    assert result.nature == "exact"


def test_gaussian_ground_truth_on_a_grid():
    # The trapezoid rule is exact to all digits for these analytic integrands.
    grid = np.linspace(-9, 11, 241)
    a, b = grid_law(grid, 0, 1), grid_law(grid, 1, 1.5)
    result = sinkhorn(a, b, (grid[:, None] - grid) ** 2, 1.0)
    assert result.transport_cost == pytest.approx(1.70861873, abs=6e-9)
    assert result.value == pytest.approx(2.34087715, abs=6e-9)
    debiased = sinkhorn_divergence(grid, grid, 1.0, x_weights=a, y_weights=b)
    assert debiased == pytest.approx(1.24660615, abs=6e-9)


@pytest.mark.parametrize("eps", [0.05, 1.0, 20.0])
def test_optimality_conditions(eps):
    a, b, cost = problem()
    result = sinkhorn(a, b, cost, eps)
    assert result.converged
    assert result.marginal_error < 1e-10
    assert np.abs(result.plan.sum(axis=1) - a).sum() + np.abs(result.plan.sum(axis=0) - b).sum() < 2e-10
    log_plan = (result.f[:, None] + result.g - cost) / eps
    assert result.plan == pytest.approx(a[:, None] * b * np.exp(log_plan), rel=1e-9, abs=1e-300)
    assert result.transport_cost == pytest.approx(float(np.sum(result.plan * cost)), rel=1e-12)
    penalty = float(np.sum(result.plan * log_plan))
    assert result.value == pytest.approx(result.transport_cost + eps * penalty, rel=1e-9)
    assert result.f @ a == pytest.approx(result.g @ b, rel=1e-9)


def test_pot_agrees():
    ot = pytest.importorskip("ot")
    a, b, cost = problem()
    for eps in (0.3, 2.0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = ot.solve(cost, a, b, reg=eps, reg_type="KL", tol=1e-13, max_iter=100_000)
            plan = ot.sinkhorn(a, b, cost, eps, method="sinkhorn_log", stopThr=1e-13, numItermax=100_000)
        result = sinkhorn(a, b, cost, eps)
        assert result.value == pytest.approx(float(peer.value), abs=1e-8)
        assert result.transport_cost == pytest.approx(float(peer.value_linear), abs=1e-8)
        assert result.plan == pytest.approx(plan, abs=1e-10)


def test_limits_of_the_regularisation():
    a, b, cost = problem()
    independent = float(a @ cost @ b)
    assert sinkhorn(a, b, cost, 1e7).transport_cost == pytest.approx(independent, rel=1e-5)
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(25, 2)) + 0.4
    for p in (1, 2):
        exact = wasserstein_exact(x, y, p) ** p
        # 0 <= OT_eps - W_p^p <= eps min(H(a), H(b)), and the plan's cost lies in between.
        result = sinkhorn(None, None, power_cost(x, y, p), 1e-3)
        assert exact - 1e-9 <= result.transport_cost <= result.value <= exact + 1e-3 * math.log(25)
    shift = np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2)
    # The next term is of order 1/eps.
    assert sinkhorn_divergence(x, y, 1e5) == pytest.approx(shift, rel=1e-3)


def test_value_grows_with_the_regularisation():
    a, b, cost = problem()
    results = [sinkhorn(a, b, cost, eps) for eps in (0.01, 0.1, 0.5, 2.0, 10.0)]
    for low, high in itertools.pairwise(results):
        assert low.value < high.value
        assert low.transport_cost < high.transport_cost


@pytest.mark.parametrize("eps", [1e-3, 1e-2, 0.1])
def test_slow_problems_converge(eps):
    # Plain iteration needs 10^4 to 10^6 passes here; Newton's method takes over.
    a, b, cost = problem(60, 50, 3, seed=2)
    result = sinkhorn(a, b, cost, eps)
    assert result.converged
    assert result.n_iter < 1000


def test_relaxation_takes_over_in_large_tables(monkeypatch):
    a, b, cost = problem(60, 50, 3, seed=2)
    reference = sinkhorn(a, b, cost, 0.3)
    monkeypatch.setattr(entropic_solver, "_NEWTON_COLUMNS", 0)
    relaxed = sinkhorn(a, b, cost, 0.3)
    assert relaxed.converged
    assert relaxed.value == pytest.approx(reference.value, rel=1e-10)
    monkeypatch.setattr(entropic_solver, "_SLOW", 1.0)
    plain = sinkhorn(a, b, cost, 0.3)
    assert relaxed.n_iter < 0.5 * plain.n_iter


def test_zero_weights():
    a, b, cost = problem(6, 5)
    a = np.insert(a, 2, 0.0)
    b = np.append(b, 0.0)
    wide = np.random.default_rng(0).random((7, 6))
    wide[np.ix_([0, 1, 3, 4, 5, 6], range(5))] = cost
    result = sinkhorn(a, b, wide, 0.5)
    inner = sinkhorn(a[a > 0], b[b > 0], cost, 0.5)
    assert result.value == pytest.approx(inner.value, rel=1e-12)
    assert (result.plan[2] == 0).all()
    assert (result.plan[:, 5] == 0).all()
    positive = b > 0
    update = -0.5 * logsumexp((result.g[positive] - wide[2, positive]) / 0.5 + np.log(b[positive]))
    assert result.f[2] == pytest.approx(update, rel=1e-9)


def test_weights_are_divided_by_their_sum_and_integers_repeat():
    _, _, cost = problem(6, 5)
    result = sinkhorn([1, 2, 1, 1, 3, 1], None, cost, 0.4)
    rows = np.repeat(cost, [1, 2, 1, 1, 3, 1], axis=0)
    assert sinkhorn(None, None, rows, 0.4).value == pytest.approx(result.value, rel=1e-9)


def test_symmetry_shift_and_scale():
    a, b, cost = problem()
    value = sinkhorn(a, b, cost, 0.7).value
    assert sinkhorn(b, a, cost.T, 0.7).value == pytest.approx(value, rel=1e-9)
    assert sinkhorn(a, b, cost - 5e3, 0.7).value == pytest.approx(value - 5e3, rel=1e-12)
    assert sinkhorn(a, b, 1e150 * cost, 0.7e150).value == pytest.approx(1e150 * value, rel=1e-9)


def test_extreme_tables():
    # One far point: its row starts with exponents beyond the range of doubles.
    cost = np.array([[0.0, 1.0], [1.0, 0.0], [5e4, 6e4]])
    result = sinkhorn([0.4, 0.4, 0.2], [0.5, 0.5], cost, 1.0)
    assert result.converged
    assert result.plan.sum(axis=0) == pytest.approx([0.5, 0.5], abs=1e-10)
    assert sinkhorn([1.0], [1.0], [[3.0]], 1.0).value == pytest.approx(3.0)
    assert sinkhorn(None, None, np.zeros((3, 4)), 1.0).value == pytest.approx(0.0, abs=1e-12)


def test_threads_do_not_change_the_numbers():
    rng = np.random.default_rng(0)
    cost = cdist(rng.normal(size=(500, 2)), rng.normal(size=(450, 2)), "sqeuclidean")
    one, two = (sinkhorn(None, None, cost, 1.0, n_jobs=jobs) for jobs in (1, 2))
    assert one.value == two.value
    assert (one.plan == two.plan).all()


def test_no_convergence_is_said():
    a, b, cost = problem()
    with pytest.warns(ConvergenceWarning, match="after 3 passes.*raise max_iter"):
        result = sinkhorn(a, b, cost, 0.5, max_iter=3)
    assert not result.converged
    assert result.marginal_error > 1e-10
    with pytest.warns(ConvergenceWarning, match="after 2 passes"):
        sinkhorn_divergence([0.0, 1.0, 5.0], [0.3, 4.0], 0.5, max_iter=2)


# ------------------------------------------------------------------------- debiased divergence
@given(st.integers(0, 10_000), st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([0.05, 0.5, 5.0]))
@settings(max_examples=25, deadline=None)
def test_divergence_is_positive_and_symmetric(seed, p, eps):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(8, 2)), rng.normal(size=(6, 2))
    value = sinkhorn_divergence(x, y, eps, p)
    assert value > 0.0
    assert sinkhorn_divergence(y, x, eps, p) == pytest.approx(value, abs=1e-9)
    assert sinkhorn_divergence(x, x[::-1], eps, p) == 0.0


@pytest.mark.parametrize(("p", "eps"), [(1, 0.05), (2, 0.3), (2, 3.0)])
def test_divergence_from_its_definition(p, eps):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(25, 2)), rng.normal(size=(20, 2)) + 0.3
    a = rng.random(25)
    terms = [
        sinkhorn(u, v, cdist(s, t) ** p, eps, tol=1e-13).value
        for u, v, s, t in ((a, None, x, y), (a, a, x, x), (None, None, y, y))
    ]
    expected = terms[0] - 0.5 * (terms[1] + terms[2])
    assert sinkhorn_divergence(x, y, eps, p, x_weights=a) == pytest.approx(expected, abs=1e-8)


def test_divergence_tends_to_the_exact_cost():
    x, y = np.array([0.0, 1.0, 4.0]), np.array([0.5, 2.0])
    assert sinkhorn_divergence(x, y, 1e-3, 2) == pytest.approx(wasserstein_1d(x, y, 2) ** 2, abs=2e-3)


# -------------------------------------------------------------------------------------- kernels
@pytest.mark.parametrize("relaxation", [1.0, 1.6])
def test_pass_and_twin(relaxation):
    a, b, cost = problem(30, 17)
    cost[4] += 1e4
    cost[7] -= 1e4
    outcomes = []
    for run in (entropic_kernels.transport_pass, entropic_kernels.transport_pass.twin):
        rows, columns, sums = np.linspace(-2, 2, 30), np.log(b) + 0.1, np.zeros(17)
        violation = run(cost, 2.0, a, rows, columns, relaxation, sums)
        plan = np.empty(cost.shape)
        plan_run = entropic_kernels.plan_rows if not outcomes else entropic_kernels.plan_rows.twin
        total = plan_run(cost, 2.0, a, rows, columns, plan)
        outcomes.append((violation, rows, sums, plan, total))
    for compiled, twin in zip(*outcomes, strict=True):
        assert compiled == pytest.approx(twin, rel=1e-12, abs=1e-14)
    if relaxation == 1.0:
        assert outcomes[0][3].sum(axis=1) == pytest.approx(a, rel=1e-11)


def test_columns_that_vanish_are_recovered():
    a, b, cost = problem(5, 4)
    solved = entropic_solver.Problem(cost, a, b)
    state = entropic_solver.Potentials(1.0, np.zeros(5), np.log(b))
    state.columns[1] = -2000.0
    sums = entropic_solver._pass(solved, state, 1.0)
    assert sums[1] < 1e-250
    entropic_solver._balance_columns(solved, state, sums, 1.0)
    assert np.exp(np.log(a)[:, None] + state.rows[:, None] + state.columns - cost).sum(axis=0) == pytest.approx(b)


def test_newton_lifts_a_singular_hessian():
    # Two decoupled blocks: the Hessian has a second null direction.
    scaled = np.kron(np.eye(2), np.full((2, 2), 0.5)) * (1.0 + 1e-14)
    step = entropic_newton._direction(scaled, np.full(4, 0.25), np.array([0.3, 0.2, 0.25, 0.25]))
    assert np.isfinite(step).all()
    assert step @ (np.array([0.3, 0.2, 0.25, 0.25]) - 0.25) > 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sinkhorn(P, Q, STEPS, 0.0), "eps must be a number >= 1e-300.*wasserstein_exact"),
        (lambda: sinkhorn(P, Q, STEPS[:2], 1.0), "a must have one entry per row"),
        (lambda: sinkhorn(P, Q, np.zeros(3), 1.0), "C must be 2-dimensional"),
        (lambda: sinkhorn(P, Q, np.full((3, 3), np.inf), 1.0), "C must be finite"),
        (lambda: sinkhorn(P, -Q, STEPS, 1.0), "b must be non-negative"),
        (lambda: sinkhorn(P, Q, STEPS, 1.0, tol=0.0), "tol must be"),
        (lambda: sinkhorn(P, Q, STEPS, 1.0, max_iter=0), "max_iter must be"),
        (lambda: sinkhorn(None, None, np.zeros((0, 3)), 1.0), "C must be a table with rows"),
        (lambda: sinkhorn_divergence([1.0], [[1.0, 2.0]], 1.0), "same number of columns"),
        (lambda: sinkhorn_divergence([1.0], [2.0], 1.0, p=0), "p must be"),
        (lambda: sinkhorn_divergence([1.0], [np.nan], 1.0), "y"),
        (lambda: sinkhorn_divergence([1.0, 1e160], [2.0], 1.0), "distances whose power 2 .*rescale"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InfostatError, match=message):
        call()
