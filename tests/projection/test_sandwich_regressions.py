"""Fitted statsmodels results: against the log density, against special families, and what is refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    DataError,
    ExpansionWarning,
    HeavyTailWarning,
    InputError,
    InputTypeError,
)
from infostat.projection import risk_terms
from infostat.projection.general_linear import LinearRoute
from infostat.projection.general_links import log_probabilities
from infostat.projection.general_responses import (
    BinomialResponse,
    GammaResponse,
    InverseGaussianResponse,
    NegativeBinomialResponse,
    PoissonResponse,
)
from infostat.projection.general_series import derivatives
from infostat.projection.sandwich import sandwich_risk
from tests.projection.test_sandwich_worked import _BITS1, _BITS2, _P1, _P2, WORKED

pytestmark = pytest.mark.filterwarnings(
    "ignore::infostat.core.errors.HeavyTailWarning",
    "ignore::infostat.core.errors.ExpansionWarning",
    "ignore:The Sqrt link function does not respect the domain",
)
N = 40
_RNG = np.random.default_rng(12)
X = np.column_stack([np.ones(N), _RNG.uniform(-1.5, 1.5, size=(N, 2))])
ETA = X @ [0.4, 0.5, -0.3]
COUNTS = _RNG.poisson(2.0 * np.exp(ETA))
BITS = (_RNG.random(N) < 1.0 / (1.0 + np.exp(-ETA))).astype(float)
TRIALS = _RNG.binomial(6, 1.0 / (1.0 + np.exp(-ETA)))
REALS = ETA + _RNG.standard_t(6, size=N)
POSITIVE = _RNG.gamma(3.0, np.exp(ETA) / 3.0)
NEARLY = np.exp(ETA) * (1.0 + 0.3 * _RNG.uniform(-1.0, 1.0, size=N))
FAMILIES, LINKS = sm.families, sm.families.links


def _u(d: Any, t: Any) -> Any:
    return t[0] + d[:, 1:3] @ t[1:3]


def _binary(link: Any) -> Callable[[Any, Any], Any]:
    def logpdf(d: Any, t: Any) -> Any:
        mu = link.inverse(_u(d, t))
        return np.log(np.where(d[:, 0] > 0, mu, 1.0 - mu))

    return logpdf


# name: response, fit, log density
FITS: dict[str, tuple[Any, Callable[[], Any], Callable[[Any, Any], Any]]] = {
    "OLS": (
        REALS,
        lambda: sm.OLS(REALS, X).fit(),
        lambda d, t: stats.norm.logpdf(d[:, 0], _u(d, t), np.exp(0.5 * t[3])),
    ),
    "OLS, scale known": (
        REALS,
        lambda: sm.OLS(REALS, X).fit(),
        lambda d, t: stats.norm.logpdf(d[:, 0], _u(d, t), np.sqrt(sm.OLS(REALS, X).fit().scale)),
    ),
    "Gaussian, log link": (
        NEARLY,
        lambda: sm.GLM(NEARLY, X, family=FAMILIES.Gaussian(LINKS.Log())).fit(tol=1e-12, tol_criterion="params"),
        lambda d, t: stats.norm.logpdf(d[:, 0], np.exp(_u(d, t)), np.exp(0.5 * t[3])),
    ),
    "Poisson": (
        COUNTS,
        lambda: sm.Poisson(COUNTS, X).fit(disp=0),
        lambda d, t: stats.poisson.logpmf(d[:, 0], np.exp(_u(d, t))),
    ),
    "Poisson, exposure": (
        COUNTS,
        lambda: sm.Poisson(COUNTS, X, exposure=np.full(N, 3.0)).fit(disp=0),
        lambda d, t: stats.poisson.logpmf(d[:, 0], 3.0 * np.exp(_u(d, t))),
    ),
    "Poisson, square root": (
        COUNTS,
        lambda: sm.GLM(COUNTS, X, family=FAMILIES.Poisson(LINKS.Sqrt())).fit(),
        lambda d, t: stats.poisson.logpmf(d[:, 0], _u(d, t) ** 2),
    ),
    "negative binomial": (
        COUNTS,
        lambda: sm.GLM(COUNTS, X, family=FAMILIES.NegativeBinomial(alpha=0.5)).fit(),
        lambda d, t: stats.nbinom.logpmf(d[:, 0], 2, 1.0 / (1.0 + 0.5 * np.exp(_u(d, t)))),
    ),
    "binomial of six": (
        TRIALS,
        lambda: sm.GLM(np.column_stack([TRIALS, 6 - TRIALS]), X, family=FAMILIES.Binomial()).fit(),
        lambda d, t: stats.binom.logpmf(d[:, 0], 6, 1.0 / (1.0 + np.exp(-_u(d, t)))),
    ),
    "Logit": (BITS, lambda: sm.Logit(BITS, X).fit(disp=0), _binary(LINKS.Logit())),
    "Probit": (BITS, lambda: sm.Probit(BITS, X).fit(disp=0), _binary(LINKS.Probit())),
    "complementary log-log": (
        BITS,
        lambda: sm.GLM(BITS, X, family=FAMILIES.Binomial(LINKS.CLogLog())).fit(),
        _binary(LINKS.CLogLog()),
    ),
    "log-log": (
        BITS,
        lambda: sm.GLM(BITS, X, family=FAMILIES.Binomial(LINKS.LogLog())).fit(),
        _binary(LINKS.LogLog()),
    ),
    "gamma": (
        POSITIVE,
        lambda: sm.GLM(POSITIVE, X, family=FAMILIES.Gamma(LINKS.Log())).fit(),
        lambda d, t: stats.gamma.logpdf(d[:, 0], np.exp(-t[3]), scale=np.exp(_u(d, t) + t[3])),
    ),
    "inverse Gaussian": (
        POSITIVE,
        lambda: sm.GLM(POSITIVE, X, family=FAMILIES.InverseGaussian(LINKS.Log())).fit(),
        lambda d, t: stats.invgauss.logpdf(d[:, 0], np.exp(_u(d, t) + t[3]), scale=np.exp(-t[3])),
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_a_fit_and_its_log_density_agree(name: str) -> None:
    y, fit, logpdf = FITS[name]
    scale = "known" if name.endswith("known") else "estimated"
    one = sandwich_risk(fit(), order=2, scale=scale)
    two = sandwich_risk(np.column_stack([y, X[:, 1:]]), logpdf, theta=np.asarray(one.theta), order=2)
    assert (one.derivatives, one.numerical_error) == ("analytic", 0.0)
    assert two.model_nodes in ("finite support", "counts", "quadrature")  # found to be a regression
    np.testing.assert_allclose(one.theta, two.theta, atol=1e-7)
    for matrix in ("J", "K", "I"):
        np.testing.assert_allclose(getattr(one, matrix), getattr(two, matrix), rtol=1e-6, atol=1e-7)
    size = max(abs(one.a2), abs(one.a2_skew))
    for field in ("T0", "tic_trace", "a2", "a2_skew", "excess2", "rev2", "opt2"):
        assert getattr(one, field) == pytest.approx(
            getattr(two, field), abs=2e-6 * size + two.numerical_error
        ), field
    assert two.numerical_error < 1e-3 * size
    np.testing.assert_allclose(one.mle_bias, two.mle_bias, atol=1e-5)
    if name != "OLS, scale known":  # statsmodels puts the maximum-likelihood scale into llf
        assert one.loglik == pytest.approx(two.loglik, rel=1e-9)
    assert one.n == two.n == N


def test_the_worked_logistic_and_probit_regressions() -> None:
    for name, rows, p, family in (
        ("logistic", _BITS1, _P1, FAMILIES.Binomial()),
        ("probit", _BITS2, _P2, FAMILIES.Binomial(LINKS.Probit())),
    ):
        design = rows[:, 1:] if name == "logistic" else sm.add_constant(rows[:, 1])
        fit = sm.GLM(rows[:, 0], design, family=family, freq_weights=1000.0 * p).fit()
        result = sandwich_risk(fit, order=2)
        wanted = WORKED[name][4]
        for field, value in zip(
            ("a1", "a2", "a2_skew", "tic_trace", "excess2", "rev2", "opt2"), wanted, strict=True
        ):
            assert getattr(result, field) == pytest.approx(value, abs=2e-10 * max(1.0, abs(value)) + 5e-10), field
        np.testing.assert_allclose(result.mle_bias, np.atleast_1d(WORKED[name][5]), atol=2e-10)
        assert result.n == 1000


def test_canonical_links_have_equal_informations_and_half_the_tic_trace() -> None:
    for fit in (sm.Logit(BITS, X).fit(disp=0), sm.Poisson(COUNTS, X).fit(disp=0)):
        result = sandwich_risk(fit, order=2)
        np.testing.assert_allclose(result.I, result.J, rtol=1e-12)
        assert result.a1 == pytest.approx(0.5 * result.tic_trace, rel=1e-12)
        assert result.excess2 == pytest.approx(result.a2, rel=1e-10)


def test_the_robust_covariance_of_statsmodels_is_the_same_sandwich() -> None:
    fit = sm.Poisson(COUNTS, X).fit(disp=0, cov_type="HC0")
    result = sandwich_risk(fit)
    V = np.linalg.inv(result.J)
    np.testing.assert_allclose(V @ result.K @ V / N, fit.cov_params(), rtol=1e-6)
    ols = sm.OLS(REALS, X).fit(cov_type="HC0")
    result = sandwich_risk(ols)
    V = np.linalg.inv(result.J)
    np.testing.assert_allclose((V @ result.K @ V)[:3, :3] / N, ols.cov_params(), rtol=1e-6)


@pytest.mark.parametrize("family", ["normal", "gamma", "poisson"])
def test_an_intercept_alone_is_the_family(family: str) -> None:
    one = np.ones((N, 1))
    y, fit = {
        "normal": (REALS, sm.OLS(REALS, one).fit()),
        "gamma": (POSITIVE, sm.GLM(POSITIVE, one, family=FAMILIES.Gamma(LINKS.Log())).fit()),
        "poisson": (COUNTS, sm.Poisson(COUNTS, one).fit(disp=0)),
    }[family]
    terms = risk_terms(y, family, ddof=0)
    result = sandwich_risk(fit, order=2)
    assert pytest.approx(terms.T0, rel=1e-9) == result.T0
    for field in ("a2", "rev2", "opt2"):
        assert getattr(result, field) == pytest.approx(getattr(terms, field), rel=1e-8), field


def test_weights_are_repetitions_and_rescaling_does_nothing() -> None:
    counts = _RNG.integers(1, 4, size=N)
    weighted = sandwich_risk(sm.GLM(BITS, X, family=FAMILIES.Binomial(), freq_weights=counts).fit(), order=2)
    long = sm.GLM(np.repeat(BITS, counts), np.repeat(X, counts, 0), family=FAMILIES.Binomial())
    repeated = sandwich_risk(long.fit(), order=2)
    for field in ("n", "T0", "a2", "risk2", "loglik"):
        assert getattr(weighted, field) == pytest.approx(getattr(repeated, field), rel=1e-9), field
    plain = sandwich_risk(sm.OLS(REALS, X).fit(), order=2)
    scaled = sandwich_risk(sm.OLS(1e6 * REALS, X * [1.0, 1e-7, 1e5]).fit(), order=2)
    for field in ("T0", "a2", "a2_skew", "excess2", "rev2", "opt2"):
        assert getattr(scaled, field) == pytest.approx(getattr(plain, field), rel=1e-8), field


def test_weighted_least_squares() -> None:
    w = _RNG.uniform(0.5, 2.0, size=N)
    fit = sm.WLS(REALS, X, weights=w).fit()
    result = sandwich_risk(fit, order=2)
    assert result.loglik == pytest.approx(fit.llf, rel=1e-12)
    # The same likelihood with a row's weight inside the density.
    data = np.column_stack([REALS, X[:, 1:], w])
    other = sandwich_risk(
        data, lambda d, t: stats.norm.logpdf(d[:, 0], _u(d, t), np.exp(0.5 * t[3]) / np.sqrt(d[:, 3])),
        theta=np.asarray(result.theta), order=2,
    )  # fmt: skip
    assert result.a2 == pytest.approx(other.a2, rel=1e-6)


def test_probit_coefficients_by_two_routes() -> None:
    rng = np.random.default_rng(0)
    design = sm.add_constant(rng.normal(size=(300, 5)))
    y = (rng.normal(size=300) < design @ rng.normal(size=6) * 0.3).astype(float)
    one = sandwich_risk(sm.Probit(y, design).fit(disp=0), order=2)

    def logpdf(d: Any, t: Any) -> Any:
        return stats.norm.logcdf((2.0 * d[:, 0] - 1.0) * (t[0] + d[:, 1:] @ t[1:]))

    two = sandwich_risk(np.column_stack([y, design[:, 1:]]), logpdf, theta=np.zeros(6), order=2)
    assert two.a2 == pytest.approx(one.a2, rel=1e-6)
    assert abs(two.a2 - one.a2) <= max(two.numerical_error, 1e-6 * one.a2)


# -------------------------------------------------------------------------- ingredients
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog", "cauchy"])
def test_log_probabilities_against_mpmath(link: str) -> None:
    import mpmath as mp

    forms: dict[str, Callable[[Any], Any]] = {
        "logit": lambda u: 1 / (1 + mp.exp(-u)),
        "probit": mp.ncdf,
        "cloglog": lambda u: -mp.expm1(-mp.exp(u)),
        "loglog": lambda u: mp.exp(-mp.exp(-u)),
        "cauchy": lambda u: mp.atan2(1, -u) / mp.pi,
    }
    u = np.array([-5.0, -0.4, 0.7, 2.5])
    success, failure = (derivatives(s) for s in log_probabilities(link, u, None))
    with mp.workdps(60):
        for k, value in enumerate(u):
            for r in range(5):
                wanted = mp.diff(lambda t: mp.log(forms[link](t)), mp.mpf(value), r)
                assert success[r, k] == pytest.approx(float(wanted), rel=1e-9, abs=1e-14)
                wanted = mp.diff(lambda t: mp.log1p(-forms[link](t)), mp.mpf(value), r)
                assert failure[r, k] == pytest.approx(float(wanted), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("response", "law"),
    [
        (PoissonResponse("log"), stats.poisson(np.exp(0.3))),
        (BinomialResponse("logit"), stats.bernoulli(1.0 / (1.0 + np.exp(-0.3)))),
        (NegativeBinomialResponse("log", dispersion=0.5), stats.nbinom(2, 1.0 / (1.0 + 0.5 * np.exp(0.3)))),
        (GammaResponse("log"), stats.gamma(1.0, scale=np.exp(0.3))),
        (InverseGaussianResponse("log"), stats.invgauss(np.exp(0.3))),
    ],
)
def test_nodes_of_a_response_have_its_moments(response: Any, law: Any) -> None:
    y, weights = response.nodes(np.array([0.3]), np.zeros(1))
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    for k in range(1, 5):
        assert float((weights * y**k).sum()) == pytest.approx(float(law.moment(k)), rel=1e-10)


def test_the_route_differentiates_its_own_log_density() -> None:
    """Score and Hessian of a gamma regression against differences of `log_density`."""
    from infostat.projection.general_moments import Rows
    from infostat.projection.statsmodels_fits import read_fit

    fit = read_fit(sm.GLM(POSITIVE, X, family=FAMILIES.Gamma(LINKS.Log())).fit())
    route, rows = fit.route, fit.rows
    assert isinstance(route, LinearRoute)
    block = next(iter(route.low(Rows(rows.points, rows.weights))))
    h = 1e-5
    for k in range(route.p):
        e = h * np.eye(route.p)[k]
        up, down = (route.log_density(rows, route.theta + s * e) for s in (1.0, -1.0))
        np.testing.assert_allclose(block.score[:, k], (up - down) / (2.0 * h), rtol=1e-6, atol=1e-7)


# ------------------------------------------------------------------------------ refusals
def _fits_that_fail() -> dict[str, tuple[Callable[[], Any], type[Exception], str]]:
    apart = (X[:, 1] > 0.0).astype(float)
    group = np.column_stack([np.ones(N), X[:, 2] > 1.0]).astype(float)
    some = np.where(group[:, 1] > 0.0, 1.0, BITS)
    return {
        "separated": (lambda: sm.Logit(apart, X).fit(disp=0), BoundaryProjectionError, r"direction \(x1 \+1"),
        "quasi-separated": (
            lambda: sm.GLM(some, group, family=FAMILIES.Binomial()).fit(), BoundaryProjectionError, r"\(x1 \+1\)",
        ),
        "a group without events": (
            lambda: sm.GLM(np.where(group[:, 1] > 0, 0, COUNTS), group, family=FAMILIES.Poisson()).fit(),
            BoundaryProjectionError, r"\(x1 -1\)",
        ),
        "collinear": (
            lambda: sm.OLS(REALS, np.column_stack([X, X[:, 1] - X[:, 2]])).fit(),
            CollinearStatisticsError, "dependent: x1, x2, x3; drop one",
        ),
        "an empty column": (
            lambda: sm.OLS(REALS, np.column_stack([X, np.zeros(N)])).fit(), DataError, "all zero: x3",
        ),
        "penalised": (
            lambda: sm.Logit(BITS, X).fit_regularized(alpha=20.0, disp=0), InputError, "fit without a penalty",
        ),
        "penalised least squares": (
            lambda: sm.OLS(REALS, X).fit_regularized(alpha=1.0), InputError, "got a penalised one",
        ),
        "no residuals": (lambda: sm.OLS(ETA, X).fit(), DataError, "use scale='known'"),
        "another model": (
            lambda: sm.QuantReg(REALS, X).fit(), InputTypeError, "fitted must be a result of OLS.*got 'QuantReg'",
        ),
        "another family": (
            lambda: sm.GLM(COUNTS, X, family=FAMILIES.Tweedie(var_power=1.5)).fit(),
            InputTypeError, "GLM with family Tweedie",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", _fits_that_fail())
def test_fits_that_cannot_be_judged(name: str) -> None:
    fit, error, message = _fits_that_fail()[name]
    with warnings.catch_warnings():  # statsmodels has its own opinion of these
        warnings.simplefilter("ignore")
        fitted = fit()
    with pytest.raises(error, match=message):
        sandwich_risk(fitted, order=2)


def test_a_fit_takes_no_second_model() -> None:
    fitted = sm.OLS(REALS, X).fit()
    with pytest.raises(InputError, match="brings its model and data"):
        sandwich_risk(fitted, theta=[0.0])
    with pytest.raises(InputError, match="scale must be one of"):
        sandwich_risk(fitted, scale="free")


@pytest.mark.filterwarnings("default")
def test_one_wild_row_is_named() -> None:
    y = REALS.copy()
    y[17] += 60.0
    with pytest.warns((HeavyTailWarning, ExpansionWarning)):
        result = sandwich_risk(sm.OLS(y, X).fit(), order=2)
    assert "heavy_tail" in result.flags
    assert result.heavy_rows[0] == 17
    assert "rows (17)" in str(result.summary())


def test_labels_and_verdict_of_a_regression() -> None:
    import pandas as pd

    frame = pd.DataFrame(X[:, 1:], columns=["dose", "age"])
    result = sandwich_risk(sm.OLS(REALS, sm.add_constant(frame)).fit(), order=2)
    assert result.labels == ("const", "dose", "age", "log scale")
    assert (result.p, result.n, result.verdict) == (4, N, "insufficient")
    assert result.n_required_order2 > result.n_required_order1 > N
    enough = sandwich_risk(sm.OLS(REALS, sm.add_constant(frame)).fit(), order=2, alpha=0.2)
    assert enough.verdict == "sufficient"
    assert enough.threshold == pytest.approx(0.32)
    assert result.tic == pytest.approx(-2.0 * result.loglik + 2.0 * result.tic_trace)
    assert result.tic2 == pytest.approx(result.tic + 2.0 * result.opt2 / N)
