"""The criterion of a model without a normalising constant: oracle, verdicts, traps."""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import infostat
from infostat.core.errors import (
    ConstantStatisticError,
    ConvergenceWarning,
    InfostatWarning,
    InputError,
    SampleSizeWarning,
    SupportError,
)
from infostat.families.product import ProductFamily
from infostat.families.tilted_base import TiltedBase
from infostat.projection import (
    PNCriterion,
    RiskTerms,
    estimation_risk,
    information_criteria,
    information_projection,
    pn_criterion,
    risk_terms,
)
from infostat.projection.expansion import model_terms, raw_terms
from tests.families import tilted_oracle as oracle


def exact_terms(ddof: int = 1) -> np.ndarray:
    """T0..T3 of the oracle's data by quadrature."""
    data = oracle.rows()
    n = len(data)
    theta, _ = oracle.projection(oracle.family().statistic(data).mean(axis=0))
    view = oracle.view(theta)
    raw = raw_terms(view, view.rows(data), np.full(n, 1.0 / n), method="tensor").terms
    f = n / (n - ddof)
    return raw * np.array([f, 1.0, f * f, f * f])


@pytest.fixture(scope="module")
def result() -> PNCriterion:
    return pn_criterion(oracle.rows(), oracle.family(), draws=60_000, rng=4, n_jobs=2)


# -------------------------------------------------------------------- oracle
def test_projection_agrees_with_quadrature() -> None:
    data = oracle.rows()
    exact, value = oracle.projection(oracle.family().statistic(data).mean(axis=0))
    found = information_projection(data, oracle.family(), draws=40_000, rng=8)
    # t with 31 degrees of freedom: beyond 4.9 with probability 3e-5.
    assert (np.abs(found.theta - exact) < 4.9 * found.theta_mc_se).all()
    assert np.linalg.norm(found.theta - exact) < 4.9 * found.mc_error
    assert found.mc_error == pytest.approx(np.linalg.norm(found.theta_mc_se), rel=1e-13)
    assert found.method == "Monte-Carlo Newton" and found.converged
    assert found.sampler is not None and found.n_iter == found.sampler.n_simulations
    assert abs(found.log_partition - value) < 0.05
    by_mean = information_projection(None, oracle.family(), eta=found.eta, draws=40_000, rng=8)
    np.testing.assert_allclose(by_mean.theta, found.theta, rtol=1e-9)
    frame = found.to_frame()
    assert list(frame.columns) == ["statistic", "theta", "eta", "theta_mc_se"]
    assert "Monte-Carlo s.e." in str(found.summary())


def test_terms_agree_with_quadrature_within_their_error(result: PNCriterion) -> None:
    exact = exact_terms()
    for k, name in enumerate(("T0", "T1", "T2", "T3")):
        assert abs(getattr(result.terms, name) - exact[k]) < 4.9 * result.terms.mc_se[name]
    risk = float(estimation_risk(RiskTerms(*exact, 3), result.n))
    assert result.risk2_mc_se is not None
    assert abs(result.risk2 - risk) < 4.9 * result.risk2_mc_se < 0.1 * risk


def test_population_studies_agree_with_quadrature() -> None:
    theta = np.array([-2.0, 3.0, -1.0])
    exact = model_terms(oracle.view(theta))
    found = risk_terms(None, oracle.family(), theta=theta, draws=40_000, rng=3)
    assert found.T0 == 3.0 and found.mc_se["T0"] == 0.0
    for k, name in enumerate(("T0", "T1", "T2", "T3")):
        assert abs(getattr(found, name) - exact[k]) <= 4.9 * found.mc_se[name]
    data = oracle.rows()
    weights = np.full(len(data), 1.0 / len(data))
    population = risk_terms(None, oracle.family(), truth=(data, weights), draws=40_000, rng=3)
    assert population.n is None and population.T0_se is None
    assert abs(population.T0 - exact_terms(ddof=0)[0]) < 4.9 * population.mc_se["T0"]


def test_the_sampling_error_is_kept_apart(result: PNCriterion) -> None:
    terms = result.terms
    assert terms.T0_se is not None and terms.T0_se > 5.0 * terms.mc_se["T0"] > 0.0
    assert terms.mc_se["a1"] == 0.5 * terms.mc_se["T0"]
    cov = np.asarray(terms.mc_cov)
    g = np.array([0.0, -8.0, 9.0, -3.0]) / 24.0
    assert terms.mc_se["a2"] == pytest.approx(np.sqrt(g @ cov @ g), rel=1e-12)
    h = np.array([0.5, 0, 0, 0]) / result.n + g / result.n**2
    assert result.risk2_mc_se == pytest.approx(np.sqrt(h @ cov @ h), rel=1e-12)
    assert result.risk1_mc_se == pytest.approx(0.5 * terms.mc_se["T0"] / result.n, rel=1e-12)
    assert RiskTerms(2, 14, 46, 60, 2).mc_se == {}
    assert RiskTerms(2, 14, 46, 60, 2).risk_mc_se(10) is None


def test_the_result_tells_about_the_sampler(result: PNCriterion) -> None:
    assert result.sampler is not None and result.sampler.converged
    assert result.sampler.n_draws == 60_000 and result.sampler.rhat < 1.01
    text = str(result.summary())
    for word in ("Monte-Carlo s.e.", "Largest split R-hat", "Draws of the model"):
        assert word in text
    frame = result.to_frame()
    assert {"T0_mc_se", "risk2_mc_se", "rhat", "effective_size", "n_draws"} <= set(frame.columns)
    assert PNCriterion.from_dict(result.to_dict()) == result
    assert "closed" not in text


def test_same_seed_same_numbers() -> None:
    first, second = (
        pn_criterion(oracle.rows(), oracle.family(), draws=20_000, rng=5, n_jobs=jobs) for jobs in (1, 2)
    )
    assert first.terms == second.terms
    assert first.sampler is not None and first.sampler.seed == 5


def test_a_normal_base_is_a_normal_model_in_disguise() -> None:
    # N(0,1)^2 tilted by xy is the centred normal pair with equal variances fixed by the correlation.
    rng = np.random.default_rng(1)
    x = rng.multivariate_normal([0, 0], [[1.0, 0.3], [0.3, 1.0]], 400)
    family = TiltedBase([stats.norm(), stats.norm()], [(0, 1)])
    found = information_projection(x, family, draws=40_000, rng=1)
    eta = float(found.eta[0])
    exact = (np.sqrt(1.0 + 4.0 * eta * eta) - 1.0) / (2.0 * eta)  # eta = t/(1 - t^2)
    assert abs(found.theta[0] - exact) < 4.9 * found.mc_error


# -------------------------------------------------------------------- verdicts
def test_bootstrap_and_jackknife_reuse_the_draws() -> None:
    data = oracle.rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        found = pn_criterion(data, oracle.family(), draws=60_000, rng=4, bootstrap=40)
        corrected = pn_criterion(data, oracle.family(), draws=60_000, rng=4, bias_correction="jackknife")
    assert found.bootstrap is not None
    low, high = found.bootstrap.intervals["T0"]
    assert low < found.terms.T0 < high
    # The shift makes the resamples centre on the terms of all draws: their median is near.
    assert abs(np.median(found.bootstrap.terms[:, 0]) - found.terms.T0) < 3.0 * found.terms.T0_se
    assert corrected.terms.T0_plugin == found.terms.T0
    assert abs(corrected.terms.T0 - found.terms.T0) < found.terms.T0_se


def test_monte_carlo_error_can_leave_the_verdict_open(result: PNCriterion) -> None:
    data = oracle.rows()
    exactly = float(np.sqrt(result.risk2 / 8.0))
    with pytest.warns(SampleSizeWarning, match="leaves open"):
        found = pn_criterion(data, oracle.family(), draws=60_000, rng=4, n_jobs=2, alpha=exactly)
    assert found.verdict == "borderline"
    assert "monte_carlo_borderline" in found.flags
    assert "cannot be decided" in found.interpretation
    clear = pn_criterion(data, oracle.family(), draws=60_000, rng=4, n_jobs=2, alpha=1.5 * exactly)
    assert clear.verdict == "sufficient" and "monte_carlo_borderline" not in clear.flags


def test_few_draws_are_flagged_and_too_few_refused() -> None:
    with pytest.warns(SampleSizeWarning, match="5024 draws are few for 3 parameters"):
        found = pn_criterion(oracle.rows(), oracle.family(), draws=5000, rng=4)
    assert "few_draws" in found.flags and found.verdict in ("sufficient", "insufficient")
    with pytest.raises(InputError, match="draws"):
        pn_criterion(oracle.rows(), oracle.family(), draws=100, rng=4)


def test_a_sampler_that_has_not_converged_is_unreliable() -> None:
    # Six coupled spins hardly ever change sides together; the odd statistic shows that chains keep theirs.
    pairs = list(combinations(range(6), 2))
    family = TiltedBase([([-1, 1], [1, 1])] * 6, [*pairs, (0,)])
    theta = np.array([*np.full(15, 0.6), 0.0])
    drawn = family.simulate_at(theta, draws=20_000, rng=1)
    assert drawn.diagnostics()[0] > 1.1
    with pytest.warns(ConvergenceWarning, match="has not converged"):
        risk_terms(None, drawn, theta=theta)
    data = drawn.nodes(theta).points
    with pytest.warns(ConvergenceWarning, match="nothing can be said"):
        found = pn_criterion(data, drawn)
    assert found.verdict == "unreliable" and found.flags[-1] == "sampler_not_converged"
    assert "Nothing can be said" in found.interpretation
    assert "asks for about" not in found.interpretation
    with pytest.warns(ConvergenceWarning, match="has not converged"):
        assert not information_projection(data, drawn).converged


# -------------------------------------------------------------------- likelihood
def test_no_likelihood_where_the_base_density_vanishes() -> None:
    data = oracle.rows()
    data[3] = (0.5, 1.0)
    data[7] = (0.0, 0.5)
    found = information_criteria(data, oracle.family(), draws=2000, rng=1)
    assert np.isnan([found.aic, found.tic, found.tic2, found.loglik]).all()
    assert found.reason == "the base density is 0 at 2 of 150 rows: rows 3, 7"
    assert "Unavailable" in str(found.summary())
    with pytest.warns(SampleSizeWarning):
        assert np.isfinite(pn_criterion(data, oracle.family(), draws=5000, rng=1).risk2)


def test_likelihood_agrees_with_quadrature() -> None:
    data = oracle.rows()
    data = data[(data > 0.0).all(axis=1) & (data < 1.0).all(axis=1)]
    eta = oracle.family().statistic(data).mean(axis=0)
    theta, value = oracle.projection(eta)
    base = stats.beta(2, 3).logpdf(data[:, 0]) + stats.beta(3, 2).logpdf(data[:, 1])
    exact = len(data) * (theta @ eta - value) + base.sum()
    found = information_criteria(data, oracle.family(), draws=20_000, rng=2)
    assert found.reason == "" and found.loglik_mc_se is not None
    # The error of theta enters the likelihood at second order: 3/(2 M) per row.
    assert abs(found.loglik - exact) < 4.9 * found.loglik_mc_se + len(data) * 3 / 20_000
    assert found.aic == pytest.approx(-2.0 * found.loglik + 6.0)


# -------------------------------------------------------------------- traps
def test_bad_data_and_options() -> None:
    family, data = oracle.family(), oracle.rows()
    outside = data.copy()
    outside[5, 0] = 1.5
    with pytest.raises(SupportError, match="rows 5"):
        pn_criterion(outside, family, draws=2000)
    constant = data.copy()
    constant[:, 0] = 0.5
    with pytest.raises(ConstantStatisticError, match="constant: a"):
        pn_criterion(pd.DataFrame(constant, columns=["a", "b"]), family, draws=2000)
    with pytest.raises(InputError, match="must not hold a tilted base"):
        pn_criterion(np.column_stack([data, data[:, 0]]), ProductFamily([family, "normal"]), draws=2000)
    with pytest.raises(InputError, match="method='gram'"):
        pn_criterion(data, family, draws=40_000, rng=1, method="gram")
    with pytest.raises(InputError, match="nodes, weights"):
        risk_terms(None, TiltedBase([stats.uniform()], [(0,)]), truth=stats.beta(2, 2))
    with pytest.raises(InputError, match="must have 2 columns"):
        pn_criterion(data[:, :1], family, draws=2000)


def test_routes_agree() -> None:
    drawn = oracle.family().simulate_at([-2.0, 3.0, -1.0], draws=2000, rng=1)
    with pytest.warns(SampleSizeWarning):
        tensor, gram = (pn_criterion(oracle.rows(), drawn, method=method).terms for method in ("tensor", "gram"))
    np.testing.assert_allclose(
        [getattr(gram, k) for k in ("T0", "T1", "T2", "T3")],
        [getattr(tensor, k) for k in ("T0", "T1", "T2", "T3")],
        rtol=1e-9,
    )


# -------------------------------------------------------------------- the published wine model
def wine_model() -> tuple[TiltedBase, np.ndarray]:
    """The construction of the published program: 66 products of scaled columns."""
    wine = infostat.load_dataset("wine_red")
    x = wine.drop(columns="quality")
    x = (x / x.max()).to_numpy()
    m, v = x.mean(axis=0), x.var(axis=0, ddof=1)
    a = m * m * (1.0 - m) / v - m
    levels, counts = np.unique(wine["quality"].to_numpy() - 2.0, return_counts=True)
    base = [stats.beta(*ab) for ab in zip(a, a * (1.0 - m) / m, strict=True)]
    products = [*combinations(range(11), 2), *((i, 11) for i in range(11))]
    rows = np.column_stack([x, wine["quality"].to_numpy() - 2.0])
    return TiltedBase([*base, (levels, counts)], products), rows


def test_the_wine_construction() -> None:
    family, rows = wine_model()
    assert rows.shape == (1599, 12) and set(rows[:, 11]) == {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}
    assert family.n_params() == 66
    assert family.products[0] == (0, 1) and family.products[54] == (9, 10) and family.products[65] == (10, 11)
    # Moment matching: the base has the means and variances of the columns.
    for j, column in enumerate(family.base[:11]):
        assert column.law.mean() == pytest.approx(rows[:, j].mean(), rel=1e-10)
        assert column.law.var() == pytest.approx(rows[:, j].var(ddof=1), rel=1e-10)
    assert [family.prune(rows, t).n_params() for t in (0.90, 0.95, 0.98)] == [35, 46, 55]
    found = information_criteria(rows, family)
    assert np.isnan(found.aic) and found.reason.startswith("the base density is 0 at ")


def test_the_pruned_wine_model_with_few_draws() -> None:
    family, rows = wine_model()
    pruned = family.prune(rows, 0.90)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SampleSizeWarning)
        found = pn_criterion(rows, pruned, draws=20_000, rng=1)
    # With 200 000 draws and two seeds T0 = 28.42 and 28.33, each +- 0.05.
    assert found.verdict == "sufficient"
    assert abs(found.terms.T0 - 28.38) < 5.0 * found.terms.mc_se["T0"] + 0.1
    assert found.sampler is not None and found.sampler.converged


@pytest.mark.slow
def test_the_full_wine_model_passes_with_a_third_to_spare() -> None:
    family, rows = wine_model()
    found = pn_criterion(rows, family, rng=1, n_jobs=2)
    assert found.verdict == found.verdict_order1 == "sufficient" and found.flags == ()
    assert found.risk2 == pytest.approx(0.7 * found.threshold, rel=0.03)
    assert abs(found.risk2 / found.risk1 - 1.0) < 0.01
    assert abs(found.terms.T0 - 45.5) < 5.0 * found.terms.mc_se["T0"]
