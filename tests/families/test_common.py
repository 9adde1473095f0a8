"""Mathematics and interface that every registered family shares."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from infostat.core.errors import BoundaryProjectionError, InputError, InputTypeError, SupportError
from infostat.families.scipy_laws import frozen, has_law
from tests.families.examples import CASE_IDS, CASES, COVERED, EXAMPLES, REGISTERED, Example

cases = pytest.mark.parametrize(("example", "theta"), CASES, ids=CASE_IDS)
examples = pytest.mark.parametrize("example", EXAMPLES, ids=str)

# Step in units of 1/sd of a statistic. A five-point difference has truncation error
# STEP^4/30 times a derivative four orders higher, which for the standardised cumulants
# of these parameters stays below 1e7, and rounding error of about 1e-16/STEP times the size
# of the value.
STEP = 1e-3
DIFFERENCE_TOLERANCE = STEP**4 / 30 * 1e7


def _scales(family: Any, theta: np.ndarray) -> np.ndarray:
    return np.sqrt(np.diag(family.cov(theta)))


def _standardise(tensor: np.ndarray, scale: np.ndarray) -> np.ndarray:
    for axis in range(tensor.ndim):
        shape = [1] * tensor.ndim
        shape[axis] = len(scale)
        tensor = tensor / scale.reshape(shape)
    return tensor


def _derivative(function: Any, theta: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Standardised derivative of a function of theta, the new axis last."""
    columns = []
    for j in range(len(theta)):
        step = np.zeros(len(theta))
        step[j] = STEP / scale[j]
        values = [np.asarray(function(theta + k * step)) for k in (-2, -1, 1, 2)]
        columns.append((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * STEP))
    return np.stack(columns, axis=-1)


def _node_cumulant(raw: np.ndarray, weights: np.ndarray, order: int) -> np.ndarray:
    if order == 1:
        return weights @ raw
    z = raw - weights @ raw
    letters = "ijkl"[:order]
    out = np.einsum("b," + ",".join(f"b{c}" for c in letters) + f"->{letters}", weights, *[z] * order)
    if order == 4:
        cov = z.T @ (z * weights[:, None])
        for pairs in ("ij,kl", "ik,jl", "il,jk"):
            out = out - np.einsum(f"{pairs}->ijkl", cov, cov)
    return out


def _symmetric(p: int, seed: int = 5) -> np.ndarray:
    matrix = np.random.default_rng(seed).normal(size=(p, p))
    return matrix + matrix.T


def test_every_family_has_an_example() -> None:
    assert REGISTERED <= COVERED


# ------------------------------------------------------------------ cumulants
@cases
def test_mean_is_gradient_of_log_partition(example: Example, theta: np.ndarray) -> None:
    family, scale = example.family, _scales(example.family, theta)
    found = _derivative(family.log_partition, theta, scale)
    size = max(1.0, abs(family.log_partition(theta)))
    np.testing.assert_allclose(found, family.mean(theta) / scale, rtol=0, atol=DIFFERENCE_TOLERANCE * size)


@cases
@pytest.mark.parametrize("order", [2, 3, 4])
def test_cumulants_are_derivatives_of_lower_ones(example: Example, theta: np.ndarray, order: int) -> None:
    family, scale = example.family, _scales(example.family, theta)
    exact = _standardise(family.cumulants(theta, order), scale)
    lower = _derivative(lambda t: _standardise(family.cumulants(t, order - 1), scale), theta, scale)
    size = max(1.0, np.abs(_standardise(family.cumulants(theta, order - 1), scale)).max())
    np.testing.assert_allclose(lower, exact, rtol=1e-8, atol=DIFFERENCE_TOLERANCE * size)


@cases
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_nodes_carry_the_cumulants(example: Example, theta: np.ndarray, order: int) -> None:
    family = example.family
    nodes = family.nodes(theta)
    if nodes is None:
        pytest.skip("no nodes at this parameter")
    assert nodes.weights.sum() == pytest.approx(1.0, rel=1e-13)
    # bind, because nodes are encoded and an unbound categorical family knows no levels.
    raw = family.bind(nodes.points)._statistic(nodes.points)
    scale = _scales(family, theta)
    exact = _standardise(family.cumulants(theta, order), scale)
    found = _standardise(_node_cumulant(raw, nodes.weights, order), scale)
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(exact).max()))


@cases
def test_contract_fourth_is_the_dense_contraction(example: Example, theta: np.ndarray) -> None:
    family, scale = example.family, _scales(example.family, theta)
    S = _standardise(_symmetric(len(theta)), scale)
    dense = np.einsum("ijkl,ij,kl->", family.cumulants(theta, 4), S, S)
    size = np.einsum("ijkl,ij,kl->", np.abs(family.cumulants(theta, 4)), np.abs(S), np.abs(S))
    assert family.contract_fourth(theta, S) == pytest.approx(dense, rel=0, abs=1e-11 * max(size, 1.0))


# ------------------------------------------------------------------- whitening
@cases
def test_whitened_view_is_an_affine_map_of_the_statistic(example: Example, theta: np.ndarray) -> None:
    family = example.family
    bound = family.bind(family.sample(theta, 2000, 1))
    encoded = bound.encode(bound.sample(theta, 50, 2))
    view = bound.whitened(theta)
    inverse = np.linalg.inv(bound.cov(theta))
    deviation = bound._statistic(encoded) - bound.mean(theta)
    z = view.rows(encoded)
    assert z.shape == (50, view.p) == (50, len(theta))
    tolerance = 1e-12 * np.linalg.cond(_standardise(bound.cov(theta), _scales(bound, theta)))
    np.testing.assert_allclose(z @ z.T, deviation @ inverse @ deviation.T, rtol=1e-9, atol=tolerance * 100)
    K3 = bound.cumulants(theta, 3)
    invariant = np.einsum("ijk,abc,ia,jb,kc->", K3, K3, inverse, inverse, inverse, optimize=True)
    assert np.sum(view.third() ** 2) == pytest.approx(invariant, rel=max(1e-9, tolerance), abs=1e-12)
    assert view.fourth(np.eye(view.p)) == pytest.approx(
        bound.contract_fourth(theta, inverse), rel=max(1e-9, tolerance), abs=1e-9
    )


@cases
def test_whitened_nodes_are_standard(example: Example, theta: np.ndarray) -> None:
    view = example.family.whitened(theta)
    found = view.nodes()
    if found is None:
        pytest.skip("no nodes")
    z, weights = found
    tolerance = 1e-9
    np.testing.assert_allclose(weights @ z, 0.0, atol=tolerance)
    np.testing.assert_allclose(z.T @ (z * weights[:, None]), np.eye(view.p), atol=tolerance)
    third = view.third()
    np.testing.assert_allclose(
        _node_cumulant(z, weights, 3), third, atol=tolerance * max(1.0, np.abs(third).max())
    )
    S = _symmetric(view.p)
    s = np.einsum("bi,ij,bj->b", z, S, z)
    fourth = weights @ s**2 - np.trace(S) ** 2 - 2 * np.sum(S * S)
    assert view.fourth(S) == pytest.approx(fourth, rel=1e-8, abs=1e-8 * float(weights @ s**2))


# ------------------------------------------------------------------ projection
@cases
def test_projection_round_trip(example: Example, theta: np.ndarray) -> None:
    family = example.family
    found = family.project(family.mean(theta))
    error = found - theta
    # Twice the divergence between the two laws: a scale-free distance.
    assert np.sqrt(error @ family.cov(theta) @ error) < 1e-9
    assert family.solve(family.mean(theta), start=theta).converged


@examples
def test_fit_reproduces_the_mean_statistic(example: Example) -> None:
    data = example.data(np.random.default_rng(3))
    family = example.family.bind(data)
    encoded = family.encode(data)
    weights = np.random.default_rng(4).uniform(0.5, 1.5, len(encoded))
    weights /= weights.sum()
    fit = family.fit(encoded, weights)
    np.testing.assert_allclose(fit.eta, weights @ family.statistic(data), rtol=1e-12)
    np.testing.assert_allclose(weights @ fit.whitened.rows(encoded), 0.0, atol=1e-8)
    np.testing.assert_allclose(family.mean(fit.theta), fit.eta, rtol=1e-8, atol=1e-10)
    assert fit.report.converged
    assert len(fit.theta) == family.n_params(data) == example.family.n_params(data)
    again = family.fit(encoded, weights, start=fit.theta)
    np.testing.assert_allclose(again.theta, fit.theta, rtol=1e-8, atol=1e-9)


@examples
def test_integer_weights_are_repetitions(example: Example) -> None:
    data = example.data(np.random.default_rng(3))
    family = example.family.bind(data)
    encoded = family.encode(data)
    counts = np.random.default_rng(4).integers(1, 4, len(encoded))
    repeated = np.repeat(encoded, counts, axis=0)
    once = family.fit(encoded, counts / counts.sum())
    many = family.fit(repeated, np.full(len(repeated), 1.0 / len(repeated)))
    np.testing.assert_allclose(once.theta, many.theta, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.degenerate is not None], ids=str)
def test_degenerate_data_have_no_estimate(example: Example) -> None:
    family = example.family.bind(example.degenerate)
    encoded = family.encode(example.degenerate)
    weights = np.full(len(encoded), 1.0 / len(encoded))
    with pytest.raises(BoundaryProjectionError, match="does not exist"):
        family.fit(encoded, weights)


# ------------------------------------------------------------------- densities
@cases
def test_params_and_natural_are_inverse(example: Example, theta: np.ndarray) -> None:
    family = example.family
    np.testing.assert_allclose(family.natural(**family.params(theta)), theta, rtol=1e-12, atol=1e-12)


@cases
def test_logpdf_is_the_exponential_family_form(example: Example, theta: np.ndarray) -> None:
    family = example.family.bind(example.family.sample(theta, 2000, 1))
    rows = family.sample(theta, 20, 2)
    encoded = family.encode(rows)
    terms = family._statistic(encoded) @ theta - family.log_partition(theta) + family._log_base(encoded)
    np.testing.assert_allclose(family.logpdf(rows, theta), terms, rtol=1e-10, atol=1e-9)


@cases
def test_logpdf_equals_scipy(example: Example, theta: np.ndarray) -> None:
    family = example.family
    rows = family.sample(theta, 30, 7)
    if has_law(family):
        law = frozen(family, theta)
        expected = law.logpmf(rows) if family.discrete else law.logpdf(rows)
    elif family.name == "mvn":
        law = stats.multivariate_normal(**family.params(theta))
        expected = law.logpdf(rows)
    elif family.name == "dirichlet":
        expected = stats.dirichlet(theta).logpdf(rows.T)
    else:
        pytest.skip("no scipy law")
    np.testing.assert_allclose(family.logpdf(rows, theta), expected, rtol=1e-10, atol=1e-10)


@cases
def test_probabilities_sum_to_one(example: Example, theta: np.ndarray) -> None:
    family = example.family
    nodes = family.nodes(theta)
    if family.name == "categorical":
        total = np.exp(family._logpdf(nodes.points, theta)).sum()
        assert total == pytest.approx(1.0, rel=1e-12)
    elif family.discrete:
        assert np.exp(family.logpdf(nodes.points, theta)).sum() == pytest.approx(1.0, rel=1e-12)
    elif has_law(family):
        law = frozen(family, theta)
        # The tails beyond these quantiles weigh 2e-9; quad is told where the bulk is.
        low, middle, high = law.ppf([1e-9, 0.5, 1 - 1e-9])
        density = lambda x: float(np.exp(family.logpdf([x], theta))[0])  # noqa: E731
        total = sum(integrate.quad(density, *ends, limit=200)[0] for ends in ((low, middle), (middle, high)))
        assert total == pytest.approx(1.0, abs=1e-6)
    else:
        pytest.skip("multivariate density")


@cases
def test_sample_moments(example: Example, theta: np.ndarray) -> None:
    n = 20_000
    rows = example.family.sample(theta, n, 11)
    family = example.family.bind(rows)
    z = family.whitened(theta).rows(family.encode(rows))
    assert np.abs(z.mean(axis=0)).max() < 5.0 / np.sqrt(n)
    products = z[:, :, None] * z[:, None, :]
    standard_error = products.std(axis=0) / np.sqrt(n)
    assert (np.abs(products.mean(axis=0) - np.eye(len(theta))) <= 5.0 * standard_error + 1e-12).all()
    np.testing.assert_array_equal(rows, example.family.sample(theta, n, 11))


# ------------------------------------------------------------------- rejection
@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.bad], ids=str)
def test_rows_outside_the_support(example: Example) -> None:
    listed = ", ".join(str(i) for i in example.bad)
    pattern = f"{len(example.bad)} of {len(example.outside)} rows do not, rows {listed}"
    if example.name == "product":
        pattern = "component 1 of the product family: .*1 of 2 rows do not, rows 1"
    with pytest.raises(SupportError, match=pattern):
        example.family.encode(example.outside)
    theta = example.family.natural(**example.params[-1])
    values = example.family.logpdf(example.outside, theta)
    assert np.flatnonzero(np.isneginf(values)).tolist() == example.bad
    assert np.isfinite(np.delete(values, example.bad)).all()


@cases
def test_wrong_vectors_are_refused(example: Example, theta: np.ndarray) -> None:
    family = example.family
    with pytest.raises(InputError, match="theta"):
        family.log_partition(theta[:, None] * np.ones((1, 2)))
    with pytest.raises(InputError, match="finite"):
        family.mean(np.full_like(theta, np.nan))
    with pytest.raises(InputError, match="eta"):
        family.project(np.zeros((2, len(theta))))
    with pytest.raises(InputTypeError, match="real numbers"):
        family.cov(["a"] * len(theta))
    with pytest.raises(InputError, match="order must be one of 1, 2, 3, 4"):
        family.cumulants(theta, 5)
    with pytest.raises(InputTypeError, match="unknown: colour"):
        family.natural(colour=1)


@pytest.mark.parametrize(
    ("name", "theta"),
    [
        ("beta", [1.0, 0.0]),
        ("dirichlet", [1.0, -1.0]),
        ("exponential", [0.0]),
        ("gamma", [1.0, 1.0]),
        ("gamma", [0.0, -1.0]),
        ("normal", [0.0, 0.0]),
        ("poisson", [1e4]),
    ],
)
def test_theta_outside_the_domain(name: str, theta: list[float]) -> None:
    family = next(e.family for e in EXAMPLES if e.name == name)
    with pytest.raises(InputError, match="outside the natural parameter space"):
        family.log_partition(theta)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.univariate], ids=str)
def test_tables_are_refused_by_univariate_families(example: Example) -> None:
    with pytest.raises(InputError, match="one column"):
        example.family.encode(np.ones((3, 2)))


# ------------------------------------------------------------------- interface
@examples
def test_identity(example: Example) -> None:
    family = example.family
    copy = pickle.loads(pickle.dumps(family))
    assert copy == family
    assert hash(copy) == hash(family)
    assert repr(copy) == repr(family)
    assert type(family).__name__ in repr(family)
    assert all(family != other.family for other in EXAMPLES if other is not example)
    assert family != "normal"


@examples
def test_inputs_stay_unchanged(example: Example) -> None:
    data = np.asarray(example.data(np.random.default_rng(0)))
    kept = data.copy()
    data.setflags(write=False)
    family = example.family.bind(data)
    encoded = family.encode(data)
    encoded.setflags(write=False)
    weights = np.full(len(encoded), 1.0 / len(encoded))
    weights.setflags(write=False)
    fit = family.fit(encoded, weights)
    fit.theta.setflags(write=False)
    fit.whitened.rows(encoded)
    family.logpdf(data, fit.theta)
    for order in (1, 2, 3, 4):
        family.cumulants(fit.theta, order)
    np.testing.assert_array_equal(data, kept)


@examples
def test_frames_series_and_lists_are_the_same_data(example: Example) -> None:
    data = np.asarray(example.data(np.random.default_rng(0)))
    family = example.family.bind(data)
    expected = family.encode(data)
    others: list[Any] = [data.tolist(), pd.DataFrame(data)]
    if example.univariate:
        others += [pd.Series(data), data[:, None]]
    for other in others:
        assert example.family.bind(other) == family
        np.testing.assert_array_equal(family.encode(other), expected)


@examples
def test_statistic_shape_and_names(example: Example) -> None:
    data = np.asarray(example.data(np.random.default_rng(0)))
    family = example.family.bind(data)
    p = family.n_params()
    assert family.statistic(data).shape == (len(data), p)
    columns = ["x"] if data.ndim == 1 else [f"x{k}" for k in range(data.shape[1])]
    names = family.statistic_names(columns)
    assert len(set(names)) == len(names) == p
