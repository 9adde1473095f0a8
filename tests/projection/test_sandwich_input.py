"""What the risk of a general model refuses, what it finds out by itself, and how its verdict is made."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    DataError,
    ExpansionWarning,
    InputError,
    InputTypeError,
    SampleSizeWarning,
)
from infostat.core.results import Result, to_json
from infostat.projection.sandwich import sandwich_risk
from infostat.projection.sandwich_wording import SANDWICH_FLAGS

pytestmark = pytest.mark.filterwarnings(
    "ignore::infostat.core.errors.HeavyTailWarning", "ignore:.*the expansion is doubtful"
)
X = stats.norm.ppf((np.arange(120) + 0.5) / 120)


def normal(x: Any, t: Any) -> Any:
    return stats.norm.logpdf(x, t[0], np.exp(t[1]))


def shift(x: Any, t: Any) -> Any:
    return stats.norm.logpdf(x - t)


def ones(x: Any, t: Any, factor: float = -1.0) -> Any:
    return np.full((len(x), 1, 1), factor)


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no density": ({"logpdf": None}, InputTypeError, "together with logpdf"),
    "density that is no function": ({"logpdf": 3.0}, InputTypeError, "logpdf must be a callable"),
    "order": ({"order": 3}, InputError, "order must be one of 1, 2"),
    "alpha": ({"alpha": 0.7}, InputError, "alpha must be a number in"),
    "draws": ({"draws": 10}, InputError, "draws must be an integer >= 1000"),
    "theta of text": ({"theta": "zero"}, InputTypeError, "theta must be an array of real numbers"),
    "theta not finite": ({"theta": [np.nan]}, InputError, "theta must be finite"),
    "theta empty": ({"theta": []}, InputError, "theta must be a vector"),
    "data and truth": ({"truth": stats.norm()}, InputError, "give data or truth, not both"),
    "missing values": ({"data": [1.0, np.nan, 2.0, 3.0]}, DataError, "1 missing"),
    "too few rows": ({"data": [1.0, 2.0]}, DataError, "at least 3 rows"),
    "text": ({"data": ["a", "b", "c"]}, DataError, "must be numeric"),
    "weights": ({"weights": [1.0, 2.0]}, InputError, "one entry per row"),
    "shape of the density": ({"logpdf": lambda x, t: 1.0}, InputError, r"shape \(m,\) = \(120,\), got shape \(\)"),
    "shape of the score": ({"score": lambda x, t: np.zeros((len(x), 2))}, InputError, "result of score must be"),
    "third without fourth": ({"third": ones}, InputError, "third and fourth must be given together"),
    "wrong Hessian": (
        {"score": lambda x, t: x - t, "hessian": lambda x, t: ones(x, t, -1.1)},
        InputError, r"E \[l_ij \+ l_i l_j\] = 0 under the model, got 0.1 .*check score and hessian",
    ),
    "wrong score": (
        {"score": lambda x, t: 1.1 * (x - t), "hessian": ones}, InputError, "check score and hessian",
    ),
    "wrong third derivative": (
        {"score": lambda x, t: x - t, "hessian": ones, "order": 2,
         "third": lambda x, t: np.ones((len(x), 1, 1, 1)), "fourth": lambda x, t: np.zeros((len(x), 1, 1, 1, 1))},
        InputError, r"E \[l_ijk",
    ),
    "Hessian that is nan": (
        {"score": lambda x, t: x - t, "hessian": lambda x, t: ones(x, t, np.nan)},
        InputError, "finite near the estimate",
    ),
    "not normalised": ({"logpdf": lambda x, t: -((x - t) ** 2)}, InputError, "must be normalised"),
    "wrong information": ({"fisher": 2.0, "order": 2}, InputError, "fisher must be the model's information"),
    "information of another shape": ({"fisher": np.eye(2)}, InputError, r"shape \(1, 1\)"),
    "information that is negative": ({"fisher": -1.0}, InputError, "positive definite"),
    "nodes without their mass": ({"nodes": [0.0, 1.0]}, InputError, "probabilities on nodes must sum to one"),
    "nodes of another shape": ({"nodes": np.zeros((4, 2))}, InputError, "nodes must have rows like the data"),
    "nodes with negative weights": ({"nodes": ([0.0, 1.0], [1.0, -1.0])}, InputError, "non-negative weight"),
    "sampler that is none": ({"sample": 4}, InputTypeError, "sample must be a callable"),
    "sampler of another shape": (
        {"sample": lambda t, n, g: g.normal(size=(n, 2))}, InputError, "result of sample must be of shape",
    ),
    "redundant parameters": (
        {"logpdf": lambda x, t: stats.norm.logpdf(x - t[0] - t[1]), "theta": [0.0, 1.0]},
        CollinearStatisticsError, r"no curvature in the direction \(theta\d",
    ),
    "kink at the maximum": (
        {"logpdf": lambda x, t: stats.laplace.logpdf(x - t)}, InputError, "kink|normalised|no curvature",
    ),
    "support that moves": (
        {"data": X + 3.0, "logpdf": lambda x, t: stats.expon.logpdf(x - t), "theta": 0.0},
        BoundaryProjectionError, "supports that depend on the parameter",
    ),
    "mass zero at the start": (
        {"logpdf": lambda x, t: stats.uniform.logpdf(x, 0, np.exp(t))}, DataError, "finite at the starting parameter",
    ),
    "likelihood that only grows": (
        {"data": np.ones(9), "logpdf": lambda x, t: x * t[0] - np.logaddexp(0.0, t[0]), "theta": 0.0},
        BoundaryProjectionError, "must have a maximum inside",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_what_is_wrong(name: str) -> None:
    given, error, message = REFUSED[name]
    arguments = {"data": X, "logpdf": shift, "theta": 0.0} | given
    data, logpdf = arguments.pop("data"), arguments.pop("logpdf")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=message):
            sandwich_risk(data, logpdf, **arguments)


def test_refusals_of_populations() -> None:
    with pytest.raises(InputTypeError, match=r"truth must be \(points, weights\) or a frozen scipy law"):
        sandwich_risk(None, shift, truth=3, theta=0)
    with pytest.raises(InputError, match="got None alone"):
        sandwich_risk(None, shift)
    with pytest.raises(InputError, match="weights belong to rows"):
        sandwich_risk(None, shift, truth=stats.norm(), weights=[1.0])
    with pytest.raises(InputError, match="theta must be a parameter vector near the estimate"):
        sandwich_risk(X, lambda x, t: stats.norm.logpdf(x, t[0], t[1] - 7.0))
    plane = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(InputError, match=r"the integral over whole rows is 3.1"):
        sandwich_risk(plane, lambda x, t: -np.sum((x - t) ** 2, axis=1), theta=[0.0, 0.0], rng=0, draws=2000)


def test_a_mixture_at_its_singular_point_is_refused() -> None:
    def mixture(x: Any, t: Any) -> Any:
        return np.log(0.5 * stats.norm.pdf(x - t[0]) + 0.5 * stats.norm.pdf(x - t[1]))

    with pytest.raises(InputError, match="check score and hessian|maximum inside|no curvature"):
        sandwich_risk(X, mixture, theta=[0.1, -0.1])


# ------------------------------------------------------------------------------ arguments
def test_theta_may_be_left_out_and_may_be_far_away() -> None:
    wanted = sandwich_risk(X, normal, theta=[0.0, 0.0], order=2)
    for given in ({}, {"theta": [30.0, 4.0]}):
        found = sandwich_risk(X, normal, order=2, **given)
        np.testing.assert_allclose(found.theta, wanted.theta, atol=1e-9)
        assert found.a2 == pytest.approx(wanted.a2, rel=1e-6)


@pytest.mark.parametrize("fisher", [1.0, [[1.0]], lambda t: 1.0, lambda x, t: -ones(x, t)])
def test_the_information_in_every_shape(fisher: Any) -> None:
    result = sandwich_risk(X, shift, theta=0.0, fisher=fisher)
    assert result.model_nodes == "Fisher information as given"
    assert pytest.approx(float(np.mean(X**2)), rel=1e-9) == result.T0


def test_shapes_of_data_reach_the_density_as_they_were_given(tmp_path: Any) -> None:
    flat = sandwich_risk(X, normal, theta=[0, 0], order=2)
    columns = lambda x, t: normal(x[:, 0], t)  # noqa: E731
    path = tmp_path / "x.csv"
    pd.DataFrame({"x": X}).to_csv(path, index=False, float_format="%.17g")
    for data, logpdf in (
        (list(X), normal),
        (pd.Series(X), normal),
        (X[:, None], columns),
        (pd.DataFrame({"x": X}), columns),
        (path, columns),
    ):
        found = sandwich_risk(data, logpdf, theta=[0, 0], order=2)
        assert found.a2 == pytest.approx(flat.a2, rel=1e-9)


def test_weights_repeat_rows_and_the_input_is_left_alone() -> None:
    counts = np.tile([1, 2, 3], 40)
    before = X.copy()
    weighted = sandwich_risk(X, normal, theta=[0, 0], order=2, weights=counts, n_effective=float(counts.sum()))
    repeated = sandwich_risk(np.repeat(X, counts), normal, theta=[0, 0], order=2)
    for field in ("n", "T0", "a2", "risk2", "loglik"):
        assert getattr(weighted, field) == pytest.approx(getattr(repeated, field), rel=1e-7), field
    np.testing.assert_array_equal(X, before)


def test_nodes_of_a_regression_given_by_hand() -> None:
    """Every row with every value of the response, weight 1/n: what is found without being told."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=30)
    y = (rng.random(30) < 0.5).astype(float)
    data = np.column_stack([y, x])

    def logistic(d: Any, t: Any) -> Any:
        u = t[0] + t[1] * d[:, 1]
        return d[:, 0] * u - np.logaddexp(0.0, u)

    crossed = np.column_stack([np.tile([0.0, 1.0], 30), np.repeat(x, 2)])
    found = sandwich_risk(data, logistic, theta=[0, 0], order=2)
    given = sandwich_risk(data, logistic, theta=[0, 0], order=2, nodes=(crossed, np.full(60, 1 / 30)))
    assert (found.model_nodes, given.model_nodes) == ("finite support", "given nodes")
    assert given.a2 == pytest.approx(found.a2, rel=1e-6)


@pytest.mark.parametrize(
    ("data", "logpdf", "theta", "nodes"),
    [
        (stats.poisson(4).ppf((np.arange(50) + 0.5) / 50), lambda x, t: stats.poisson.logpmf(x, np.exp(t)), 1.0,
         "counts"),
        (stats.gamma(2).ppf((np.arange(50) + 0.5) / 50), lambda x, t: stats.gamma.logpdf(x, 2, scale=np.exp(t)), 0.0,
         "quadrature"),
        (np.tile([0.0, 1.0, 1.0], 20), lambda x, t: x * t - np.logaddexp(0, t), 0.0, "finite support"),
        # a formula without its range: the half line is tried
        (stats.expon.ppf((np.arange(50) + 0.5) / 50), lambda x, t: t - np.exp(t) * x, 0.0, "quadrature"),
    ],
)  # fmt: skip
def test_the_sample_space_is_found(data: Any, logpdf: Any, theta: float, nodes: str) -> None:
    result = sandwich_risk(data, logpdf, theta=theta)
    assert result.model_nodes == nodes
    # One natural-family parameter: I = J at the estimate.
    assert result.I[0, 0] == pytest.approx(result.J[0, 0], rel=1e-6)


# -------------------------------------------------------------------------------- verdicts
def test_verdict_and_rows_required_follow_the_criterion() -> None:
    population = sandwich_risk(None, normal, truth=stats.norm(), theta=[0, 0], order=2)
    # a1 = 1, a2 = 61/12: 50 rows, and the larger root of 0.02 n^2 - n - 61/12.
    assert (population.n_required_order1, population.n_required_order2) == (50, 55)
    no, yes = "insufficient", "sufficient"
    for n, first, second in ((49, no, no), (54, yes, no), (55, yes, yes)):
        at = sandwich_risk(None, normal, truth=stats.norm(), theta=[0, 0], order=2, n_effective=n)
        assert (at.verdict_order1, at.verdict) == (first, second)
        assert at.validity_ratio == pytest.approx(61 / 12 / n, rel=1e-6)
        assert at.alpha_attained == pytest.approx(np.sqrt(at.risk2 / 8.0))
    tie = sandwich_risk(None, shift, truth=stats.norm(), theta=0, n_effective=25)
    assert (tie.verdict, tie.n_required_order1) == ("sufficient", 25)


def test_a_second_term_that_is_too_large_is_unreliable() -> None:
    with pytest.warns(ExpansionWarning, match="cannot be used at this sample size"):
        result = sandwich_risk(X[::30], normal, theta=[0, 0], order=2)
    assert result.verdict == "unreliable"
    assert result.n_required_order2 > result.n_required_order1
    assert "by the first-order risk" in result.interpretation
    with pytest.warns((SampleSizeWarning, ExpansionWarning)):
        few = sandwich_risk(X, normal, theta=[0.0, 0.0], order=2, n_effective=2)
    assert few.flags[:2] == ("expansion_unreliable", "n_at_most_p")


def test_every_flag_is_a_sentence() -> None:
    result = sandwich_risk(X, normal, theta=[0, 0], order=2)
    for name, flag in SANDWICH_FLAGS.items():
        text = flag.text(result)
        assert text.endswith(".") and "{" not in text, name


def test_the_result_keeps_the_contract(tmp_path: Any) -> None:
    import matplotlib.pyplot as plt

    for order in (1, 2):
        result = sandwich_risk(X, normal, theta=[0, 0], order=order)
        back = Result.from_dict(json.loads(to_json(result.to_dict())))
        assert back == result
        assert not result.J.flags.writeable
        assert len(result.to_frame()) == 1
        assert len(repr(result)) < 200
        figure, ax = plt.subplots()
        assert result.plot(ax) is ax
        assert ax.get_xlabel() and ax.get_ylabel()
        plt.close(figure)
        assert result.save(tmp_path / f"r{order}.html").exists()
