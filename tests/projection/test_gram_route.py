"""The Gram route: tiles against the sums they cut up, and against the tensors they replace."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from infostat.core.errors import InputError
from infostat.core.threads import one_blas_thread
from infostat.families.whitening import Whitened, node_view
from infostat.projection import gram
from infostat.projection.expansion import model_terms, pick_method, raw_terms
from infostat.projection.kernels import cube_sides, cube_sides_numpy, product_sum, product_sum_numpy

EPS = np.finfo(float).eps


def finite_model(seed: int, p: int, M: int) -> Whitened:
    """Skewed random points with unequal weights."""
    rng = np.random.default_rng(seed)
    points = rng.gamma(1.5, size=(M, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    return node_view(lambda x: x, points, rng.dirichlet(np.full(M, 2.0)))


def nodes_of(model: Whitened) -> tuple[np.ndarray, np.ndarray]:
    found = model.nodes()
    assert found is not None
    return found


def some_covariance(seed: int, p: int) -> np.ndarray:
    root = np.eye(p) + 0.3 * np.random.default_rng(seed).normal(size=(p, p))
    return np.asarray(root @ root.T)


def undivided(zm: np.ndarray, q: np.ndarray, S: np.ndarray) -> tuple[np.ndarray, float]:
    """Both sums as they read, with the whole Gram matrices."""
    K, R = zm @ zm.T, zm @ S @ zm.T
    return K**3 @ q, float(q @ (K * R**2) @ q)


def rounding(zm: np.ndarray, q: np.ndarray, S: np.ndarray) -> tuple[np.ndarray, float]:
    """Bounds for the rounding of both sums: p terms a product, three factors, M terms a sum."""
    length = np.linalg.norm(zm, axis=1)
    stretch = length * np.linalg.norm(zm @ S, axis=1)
    count = 4 * EPS * (3 * zm.shape[1] + len(zm))
    rows = count * length**3 * (q @ length**3)
    return rows, float(count * (q @ (length * length * length)) * (q @ (stretch * stretch))) + float(q @ rows)


# ------------------------------------------------------------------------- tensor against Gram
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    p=st.integers(1, 7),
    spare=st.integers(2, 30),
    n=st.integers(1, 40),
    same=st.booleans(),
)
def test_routes_agree_on_random_finite_models(seed: int, p: int, spare: int, n: int, same: bool) -> None:
    """Terms, rows and influence function; the data are rows of their own or other weights on the nodes."""
    model = finite_model(seed, p, p + spare)
    zm, q = nodes_of(model)
    assume(float(np.abs(zm).max()) < 100.0)  # a node of tiny weight would cost the digits of both routes
    rng = np.random.default_rng(seed)
    z = zm if same else rng.standard_t(5, size=(n, p))
    weights = rng.dirichlet(np.ones(len(z)))
    tensor, tiles = (raw_terms(model, z, weights, method=route) for route in ("tensor", "gram"))
    assert tensor.t1_rows is not None and tiles.t1_rows is not None
    # T1 is a sum of terms of either sign: its error is relative to their sizes, like that of the rows.
    size = np.linalg.norm(z, axis=1) ** 3 * (q @ np.linalg.norm(zm, axis=1) ** 3)
    np.testing.assert_allclose(tiles.terms[[0, 2, 3]], tensor.terms[[0, 2, 3]], rtol=1e-10)
    assert abs(tiles.terms[1] - tensor.terms[1]) <= 1e-10 * abs(tensor.terms[1]) + 1e-13 * float(weights @ size)
    assert (np.abs(tiles.t1_rows - tensor.t1_rows) <= 1e-10 * np.abs(tensor.t1_rows) + 1e-13 * size).all()
    np.testing.assert_allclose(tiles.influence, tensor.influence, rtol=1e-10, atol=1e-10 * tensor.terms[0])


@pytest.mark.parametrize(("p", "M"), [(40, 60), (70, 300)])
def test_model_terms_of_both_routes(p: int, M: int) -> None:
    """The model as truth: the automatic route is Gram here, the tensors are written out."""
    model = finite_model(p, p, M)
    assert pick_method("auto", model) == "gram"
    k3 = model.third()
    square, c = float(np.sum(k3 * k3)), np.einsum("aii->a", k3)
    expected = [p, square, float(c @ c) + 2.0 * square, 3.0 * model.fourth(np.eye(p))]
    np.testing.assert_allclose(model_terms(model), expected, rtol=1e-10)


# -------------------------------------------------------------------------------- tiles and pairs
@pytest.mark.parametrize("M", [1, 5, 7, 10, 23])
@pytest.mark.parametrize("compiled", [False, True])
def test_tiles_add_up_to_the_undivided_sums(monkeypatch: pytest.MonkeyPatch, M: int, compiled: bool) -> None:
    """Tiles of 5 rows: one, several, the last one short, several strips a part; NumPy and compiled kernels."""
    monkeypatch.setattr(gram, "_TILE", 5)
    monkeypatch.setattr(gram, "_TASKS", 2)
    monkeypatch.setattr(gram, "_COMPILED_PAIRS", 0 if compiled else 10**9)
    rng = np.random.default_rng(M)
    zm, q, S = rng.standard_normal((M, 3)), rng.dirichlet(np.ones(M)), some_covariance(M, 3)
    (rows, double), (row_error, error) = undivided(zm, q, S), rounding(zm, q, S)
    found, total = gram.sums_over_nodes(zm, q, S, cubes=True)
    assert found is not None
    assert (np.abs(found - rows) <= row_error).all()
    assert abs(total - double) <= error
    none, alone = gram.sums_over_nodes(zm, q, S, cubes=False)
    assert none is None
    assert alone == total
    assert (np.abs(gram.cubes_of_rows(zm, zm, q) - rows) <= row_error).all()
    fewer = gram.cubes_of_rows(zm[1:], zm, q)
    assert (np.abs(fewer - rows[1:]) <= row_error[1:]).all()


@pytest.mark.parametrize("distance", [0.0, 1e-14, 5e-13, 2e-12, 1e-6])
def test_one_product_serves_both_sums_of_white_data(distance: float) -> None:
    """On either side of the tolerance the double sum is within its bound of the undivided one."""
    model = finite_model(3, 4, 60)
    zm, q = nodes_of(model)
    S = np.eye(4) + distance * np.diag([1.0, 0.0, 0.0, 0.0])
    (_, double), (_, error) = undivided(zm, q, S), rounding(zm, q, S)
    _, found = gram.sums_over_nodes(zm, q, S, cubes=False)
    assert abs(found - double) <= (3e-12 * abs(double) if distance <= 1e-12 else 0.0) + error


def test_nodes_as_rows_take_the_triangle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of T1 are then by-products of T2, whatever the weights of the data."""
    model = finite_model(4, 6, 80)
    zm, _ = nodes_of(model)
    weights = np.random.default_rng(4).dirichlet(np.ones(80))
    apart = gram.cubes_of_rows(zm, *nodes_of(model))
    monkeypatch.setattr("infostat.projection.expansion.cubes_of_rows", lambda *_: pytest.fail("all pairs visited"))
    found = raw_terms(model, zm.copy(), weights, method="gram")
    assert found.t1_rows is not None
    np.testing.assert_allclose(found.t1_rows, apart, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("route", ["nodes", "rows"])
def test_numbers_do_not_depend_on_the_threads(monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    rng = np.random.default_rng(5)
    zm, q, S = rng.standard_normal((1500, 9)), rng.dirichlet(np.ones(1500)), some_covariance(5, 9)
    found: list[Any] = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(gram, "_threads", lambda tasks, threads=threads: threads)
        with one_blas_thread():
            if route == "nodes":
                rows, total = gram.sums_over_nodes(zm, q, S, cubes=True)
                assert rows is not None
                found.append([*rows, total])
            else:
                found.append(gram.cubes_of_rows(zm[::-1][:1100], zm, q))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_threads_keep_to_the_limit_of_the_caller() -> None:
    with threadpool_limits(1, user_api="blas"):
        assert gram._threads(100) == 1
    with threadpool_limits(2, user_api="blas"):
        assert gram._threads(100) <= 2
        assert gram._threads(3) == 1  # not worth a pool


def test_memory_is_a_few_tiles() -> None:
    """A Gram matrix of these nodes would take 128 MB; tiles and the sums of the parts stay below 12."""
    rng = np.random.default_rng(6)
    zm, q = rng.standard_normal((4000, 8)), np.full(4000, 1 / 4000)
    S = some_covariance(6, 8)
    with one_blas_thread():
        tracemalloc.start()
        try:
            gram.sums_over_nodes(zm, q, S, cubes=True)
            gram.cubes_of_rows(zm[:3000], zm, q)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 12e6


def test_inputs_stay_as_they_are() -> None:
    zm, q, S = np.random.default_rng(7).standard_normal((600, 3)), np.full(600, 1 / 600), some_covariance(7, 3)
    for array in (zm, q, S):
        array.flags.writeable = False
    copies = [array.copy() for array in (zm, q, S)]
    gram.sums_over_nodes(zm, q, S, cubes=True)
    gram.cubes_of_rows(zm, zm, q)
    for array, copy in zip((zm, q, S), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# -------------------------------------------------------------------------------------- kernels
def test_kernels_equal_their_twins() -> None:
    rng = np.random.default_rng(8)
    K, R = rng.standard_normal((2, 37, 53))
    left, right = rng.dirichlet(np.ones(37)), rng.dirichlet(np.ones(53))
    # Weighted means of numbers of size max|K|^3: the bound is that size times the terms of a sum.
    bound = 60 * EPS * float(np.abs(K).max()) ** 3
    expected = np.concatenate([K**3 @ right, left @ K**3])
    for function in (cube_sides, cube_sides.python, cube_sides_numpy):
        assert np.abs(function(K, left, right) - expected).max() <= bound
    bound = 60 * EPS * float(np.abs(K).max() * np.abs(R).max() ** 2)
    value = float(left @ (K * R**2) @ right)
    for product in (product_sum, product_sum.python, product_sum_numpy):
        assert abs(product(K, R, left, right) - value) <= bound


# --------------------------------------------------------------------------------- which route
def stub(p: int, M: int | None) -> Whitened:
    """A model that only says how large it is."""
    nodes = None if M is None else (np.zeros((M, 1)), np.full(M, 1.0 / M))
    return Whitened(p, lambda x: x, lambda: np.zeros(0), lambda S: 0.0, lambda: nodes)


@pytest.mark.parametrize(
    ("p", "M", "route"),
    [
        (100, 10_000, "tensor"),  # p^2 = M
        (100, 9_999, "gram"),
        (400, 160_000, "tensor"),
        (401, 200_000, "gram"),  # p^3 numbers would not fit
        (300, 5_000, "gram"),
        (300, None, "tensor"),
        (5, 6, "tensor"),
    ],
)
def test_automatic_route(p: int, M: int | None, route: str) -> None:
    assert pick_method("auto", stub(p, M)) == route


def test_small_models_are_not_asked_for_nodes() -> None:
    model = Whitened(2, lambda x: x, lambda: np.zeros(0), lambda S: 0.0, lambda: pytest.fail("nodes were made"))
    assert pick_method("auto", model) == "tensor"
    assert pick_method("tensor", model) == "tensor"


def test_neither_route_is_possible() -> None:
    large = stub(401, None)
    with pytest.raises(InputError, match=r"p must be at most 400 .* got p = 401; use fewer"):
        raw_terms(large, np.zeros((3, 401)), np.full(3, 1 / 3))
    with pytest.raises(InputError, match="p must be at most 400"):
        model_terms(large)
    with pytest.raises(InputError, match="method='gram' needs a family with nodes"):
        raw_terms(stub(5, None), np.zeros((3, 5)), np.full(3, 1 / 3), method="gram")
