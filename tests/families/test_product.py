"""Product family: blocks of columns, labels beside numbers, nesting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from infostat.core.errors import BoundaryProjectionError, InputError, InputTypeError, SupportError
from infostat.families.bernoulli import Bernoulli
from infostat.families.categorical import Categorical
from infostat.families.dirichlet import Dirichlet
from infostat.families.exponential import Exponential
from infostat.families.gamma import Gamma
from infostat.families.normal import Normal
from infostat.families.poisson import Poisson
from infostat.families.product import ProductFamily
from infostat.families.registry import get_family


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "height": rng.normal(1.7, 0.1, 40),
            "sex": np.array(["f", "m"])[rng.integers(0, 2, 40)],
            "weight": rng.gamma(3.0, 20.0, 40),
        }
    )


def test_labels_beside_numbers() -> None:
    frame = _frame()
    family = ProductFamily([Normal, "categorical", "gamma"]).bind(frame)
    assert family.families == (Normal(), Categorical(["f", "m"]), Gamma())
    assert family.n_params() == ProductFamily(["normal", "categorical", "gamma"]).n_params(frame) == 5
    encoded = family.encode(frame)
    assert encoded.shape == (40, 3)
    assert encoded.dtype == np.float64
    np.testing.assert_array_equal(encoded[:, 1], frame["sex"] == "m")
    np.testing.assert_array_equal(family.encode(frame.to_numpy()), encoded)
    np.testing.assert_array_equal(family.encode(frame.to_numpy().tolist()), encoded)
    assert family.statistic_names(list(frame)) == ["height", "height^2", "sex=f", "log weight", "weight"]


def test_blocks_are_fitted_separately() -> None:
    frame = _frame()
    family = ProductFamily(["normal", "categorical", "gamma"]).bind(frame)
    weights = np.full(40, 1 / 40)
    fit = family.fit(family.encode(frame), weights)
    for block, column in zip(family.components, frame, strict=True):
        own = block.family.fit(block.family.encode(frame[column]), weights)
        np.testing.assert_array_equal(fit.theta[block.theta], own.theta)
    drawn = family.sample(fit.theta, 500, 1)
    assert drawn.dtype == object
    assert set(drawn[:, 1]) == {"f", "m"}
    total = sum(
        block.family.logpdf(frame[column], fit.theta[block.theta])
        for block, column in zip(family.components, frame, strict=True)
    )
    np.testing.assert_allclose(family.logpdf(frame, fit.theta), total, rtol=1e-14)


def test_second_order_terms_add_over_blocks() -> None:
    # Bits with truth P(00, 01, 10, 11) = (.4, .1, .2, .3), independence model:
    # spec, worked example 7: T = (2, 1/6, 1/2, -11.5).
    points = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    truth = np.array([0.4, 0.1, 0.2, 0.3])
    family = ProductFamily([Bernoulli(), Bernoulli()])
    view = family.fit(family.encode(points), truth).whitened
    z = view.rows(family.encode(points))
    S = z.T @ (z * truth[:, None])
    k3 = np.einsum("b,bi,bj,bk->ijk", truth, z, z, z)
    third = view.third()
    c = np.einsum("aij,ij->a", third, S)
    T2 = c @ c + 2 * np.einsum("aij,jk,akl,li->", third, S, third, S)
    found = [np.trace(S), np.sum(third * k3), T2, 3 * view.fourth(S)]
    np.testing.assert_allclose(found, [2, 1 / 6, 1 / 2, -11.5], rtol=1e-12)


def test_open_sizes_take_the_remaining_columns() -> None:
    data = np.random.default_rng(1).normal(size=(30, 4))
    data[:, 3] = np.abs(data[:, 3])
    family = ProductFamily(["normal", "mvn", "exponential"])
    assert family.n_columns is None
    bound = family.bind(data)
    assert bound.n_columns == 4
    assert [b.columns for b in bound.components] == [slice(0, 1), slice(1, 3), slice(3, 4)]
    assert bound.bind(data) is bound
    with pytest.raises(InputError, match=r"at least 3 columns, got 2"):
        family.bind(data[:, :2])
    with pytest.raises(InputError, match="number of columns of the multivariate normal component"):
        _ = family.components
    with pytest.raises(InputError, match="at most one component"):
        ProductFamily(["mvn", Dirichlet()])


def test_nesting() -> None:
    inner = ProductFamily([Normal(), Poisson()])
    outer = ProductFamily([inner, Exponential()])
    flat = ProductFamily([Normal(), Poisson(), Exponential()])
    rows = np.array([[0.3, 2.0, 1.0], [-1.0, 0.0, 0.2], [0.5, 4.0, 3.0]])
    weights = np.full(3, 1 / 3)
    nested, plain = outer.fit(outer.encode(rows), weights), flat.fit(flat.encode(rows), weights)
    np.testing.assert_array_equal(nested.theta, plain.theta)
    np.testing.assert_array_equal(nested.whitened.third(), plain.whitened.third())
    np.testing.assert_array_equal(outer.logpdf(rows, nested.theta), flat.logpdf(rows, plain.theta))
    params = outer.params(nested.theta)
    assert set(params["components"][0]) == {"components"}
    np.testing.assert_allclose(outer.natural(**params), nested.theta, rtol=1e-14)


def test_nodes_form_a_small_grid_or_none() -> None:
    pair = ProductFamily([Bernoulli(), Exponential()])
    theta = [0.4, -2.0]
    nodes = pair.nodes(theta)
    assert nodes.points.shape == (16, 2)
    np.testing.assert_allclose(nodes.weights @ pair._statistic(nodes.points), pair.mean(theta), rtol=1e-13)
    many = ProductFamily([Poisson(), Poisson()])
    assert many.nodes(np.log([500.0, 500.0])) is None
    assert many.whitened(np.log([500.0, 500.0])).nodes() is None
    assert ProductFamily(["normal", Dirichlet(2)]).nodes([0.0, -0.5, 1.0, 1.0]) is None


def test_one_column_product() -> None:
    family = ProductFamily(["normal"])
    assert family.encode([0.0, 1.0, 3.0]).shape == (3, 1)
    assert family.statistic(pd.Series([0.0, 1.0])).shape == (2, 2)


def test_errors_name_the_component() -> None:
    family = ProductFamily(["normal", "gamma"])
    with pytest.raises(SupportError, match="component 1 of the product family: data for the gamma family"):
        family.encode([[0.0, 1.0], [1.0, -1.0]])
    with pytest.raises(BoundaryProjectionError, match="component 1 of the product family: .*gamma family"):
        family.fit(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([0.5, 0.5]))
    with pytest.raises(InputError, match="must have 2 columns, got 3"):
        family.encode(np.ones((4, 3)))
    with pytest.raises(InputError, match="one row per observation"):
        family.encode([1.0, 2.0])


def test_bad_constructions() -> None:
    with pytest.raises(InputTypeError, match="sequence of names or family objects"):
        ProductFamily("normal")
    with pytest.raises(InputError, match="at least one family"):
        ProductFamily([])
    with pytest.raises(InputError, match="unknown family 'norml'"):
        ProductFamily(["norml"])
    with pytest.raises(InputError, match="list of 1 dictionaries"):
        ProductFamily(["normal"]).natural(components=[])
    with pytest.raises(InputTypeError, match="must be a dictionary"):
        ProductFamily(["normal"]).natural(components=[3.0])


def test_repr_and_equality() -> None:
    family = ProductFamily(["normal", "mvn"])
    assert repr(family) == "ProductFamily([Normal(), MultivariateNormal('full')])"
    assert family == ProductFamily([Normal(), get_family("mvn")])
    assert family != ProductFamily(["mvn", "normal"])
