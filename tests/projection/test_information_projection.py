"""The projection itself: maximum likelihood, Pythagoras, round trips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize

from infostat.core.errors import BoundaryProjectionError, InputError, InputTypeError
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.registry import get_family
from infostat.projection import InformationProjection, information_projection
from tests.projection.oracles import skewed_rows

RNG = np.random.default_rng(0)
DATA: dict[str, Any] = {
    "normal": RNG.laplace(size=50),
    "mvn": skewed_rows(1, 50, 3),
    "mvn_diagonal": skewed_rows(1, 50, 2),
    "gamma": RNG.uniform(0.2, 3.0, 50),
    "beta": RNG.triangular(0.0, 0.3, 1.0, 50),
    "exponential": RNG.gamma(2.0, size=50),
    "poisson": RNG.negative_binomial(3, 0.4, 50),
    "bernoulli": RNG.integers(0, 2, 50),
    "vonmises": RNG.triangular(-2.0, 0.5, 2.5, 50),
    "categorical": RNG.integers(0, 4, 50),
    "dirichlet": RNG.dirichlet([1.0, 2.0, 3.0], 50),
}
names = pytest.mark.parametrize("name", DATA)


@names
def test_moments_are_reproduced(name: str) -> None:
    family = get_family(name).bind(DATA[name])
    found = information_projection(DATA[name], name)
    statistics = family.statistic(DATA[name])
    np.testing.assert_allclose(found.eta, statistics.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(family.mean(found.theta), found.eta, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.cov, family.cov(found.theta), rtol=1e-12)
    assert found.log_partition == pytest.approx(family.log_partition(found.theta), rel=1e-12)
    assert found.converged
    assert 0.0 <= found.decrement < 1e-18
    assert found.mc_error is None
    assert found.method in ("closed form", "newton")
    assert (found.method == "closed form") == (found.n_iter == 0)
    assert len(found.labels) == len(found.theta) == family.n_params()


@names
def test_it_is_the_maximum_of_the_likelihood(name: str) -> None:
    family = get_family(name).bind(DATA[name])
    theta = information_projection(DATA[name], name).theta
    best = family.logpdf(DATA[name], theta).mean()
    rng = np.random.default_rng(1)
    scale = 0.05 / np.sqrt(np.diag(family.cov(theta)))
    for _ in range(10):
        assert family.logpdf(DATA[name], theta + scale * rng.normal(size=len(theta))).mean() < best


def test_it_agrees_with_a_general_optimiser() -> None:
    family, x = get_family("gamma"), DATA["gamma"]
    found = optimize.minimize(lambda t: -family.logpdf(x, [t[0], -np.exp(t[1])]).mean(), [1.0, 0.0], tol=1e-12)
    theta = information_projection(x, "gamma").theta
    np.testing.assert_allclose(theta, [found.x[0], -np.exp(found.x[1])], rtol=1e-5)


@names
def test_eta_and_data_give_the_same_member(name: str) -> None:
    family = get_family(name).bind(DATA[name])
    by_data = information_projection(DATA[name], name)
    by_eta = information_projection(None, family, eta=by_data.eta)
    scale = 1 / np.sqrt(np.diag(by_data.cov))
    np.testing.assert_allclose(by_eta.theta / scale, by_data.theta / scale, rtol=1e-7, atol=1e-7)


@names
def test_pythagoras(name: str) -> None:
    """KL(g||p) = KL(g||p*) + KL(p*||p), with the entropy of g left out on both sides."""
    family = get_family(name).bind(DATA[name])
    star = information_projection(DATA[name], name)
    rng = np.random.default_rng(2)
    theta = star.theta + 0.1 * rng.normal(size=len(star.theta)) / np.sqrt(np.diag(star.cov))
    gain = family.logpdf(DATA[name], star.theta).mean() - family.logpdf(DATA[name], theta).mean()
    kl = family.log_partition(theta) - star.log_partition - (theta - star.theta) @ family.mean(star.theta)
    assert gain == pytest.approx(kl, rel=1e-8, abs=1e-11)
    assert kl > 0


def test_weights() -> None:
    counts = np.random.default_rng(3).integers(0, 4, 50)
    a = information_projection(DATA["gamma"], "gamma", weights=counts)
    b = information_projection(np.repeat(DATA["gamma"], counts), "gamma")
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-10)


def test_labels_name_the_statistics() -> None:
    import pandas as pd

    frame = pd.DataFrame(DATA["mvn"][:, :2], columns=["height", "weight"])
    found = information_projection(frame, "mvn")
    assert found.labels == ("height", "weight", "height^2", "weight^2", "height*weight")
    table = found.to_frame()
    assert list(table.columns) == ["statistic", "theta", "eta"]
    assert "height*weight" in str(found.summary())


def test_saturated_tables() -> None:
    found = information_projection(["a", "b", "b", "c", "c", "c"], "categorical")
    np.testing.assert_allclose(found.eta, [1 / 6, 1 / 3], rtol=1e-14)
    np.testing.assert_allclose(found.theta, np.log([1 / 3, 2 / 3]), rtol=1e-12)


def test_scalar_eta() -> None:
    found = information_projection(None, "poisson", eta=3.0)
    assert isinstance(found, InformationProjection)
    np.testing.assert_allclose(found.theta, [np.log(3.0)], rtol=1e-14)


@pytest.mark.parametrize(
    ("family", "eta", "fragment"),
    [
        ("normal", [1.0, 1.0], "does not exist"),
        ("normal", [1.0, 0.5], "does not exist"),
        ("exponential", [0.0], "mean 0 is not positive"),
        ("poisson", [-1.0], "does not exist"),
        ("bernoulli", [1.0], "every observation is 1"),
        ("gamma", [0.0, 1.0], "does not exist"),
        ("vonmises", [1.0, 0.0], "does not exist"),
        (MultivariateNormal(n_vars=2), [0.0, 0.0, 1.0, 1.0, 1.0], "does not exist"),
    ],
)
def test_eta_on_the_boundary(family: Any, eta: Any, fragment: str) -> None:
    with pytest.raises(BoundaryProjectionError, match=fragment):
        information_projection(None, family, eta=eta)


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({}, InputError, "exactly one of data and eta="),
    ({"data": [1.0, 2.0, 3.0], "eta": [0.0, 1.0]}, InputError, "exactly one of data and eta="),
    ({"eta": [0.0]}, InputError, "eta must hold one mean per statistic"),
    ({"eta": [0.0, np.nan]}, InputError, "eta must be finite, got 1 NaN"),
    ({"eta": ["a", "b"]}, InputTypeError, "eta must be an array of real numbers"),
    ({"eta": [0.0, 1.0], "weights": [1.0]}, InputError, "weights must be None when eta is given"),
]


@pytest.mark.parametrize(("arguments", "error", "fragment"), REFUSED, ids=lambda v: str(v)[:30])
def test_refusals(arguments: dict[str, Any], error: type[Exception], fragment: str) -> None:
    arguments = dict(arguments)
    with pytest.raises(error, match=fragment):
        information_projection(arguments.pop("data", None), "normal", **arguments)
