"""Existence of the projection: faces of the convex support, and what the messages name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import BoundaryProjectionError
from infostat.families.existence import boundary_face, face_along, face_words
from infostat.families.finite_support import FiniteSupport
from infostat.families.ising import Ising

SQUARE = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


@pytest.mark.parametrize(
    ("eta", "direction", "off"),
    [
        ([0.5, 1.0], [0, 1], [1, 0, 1, 0]),
        ([0.0, 0.3], [-1, 0], [0, 0, 1, 1]),
        ([1.0, 1.0], [1, 1], [1, 1, 1, 0]),
    ],
)
def test_faces_of_a_square(eta: list[float], direction: list[int], off: list[int]) -> None:
    face = boundary_face(SQUARE, np.array(eta))
    assert face is not None
    np.testing.assert_allclose(face.direction, direction, atol=1e-9)
    assert face.off.tolist() == [bool(k) for k in off]
    assert not face.outside


def test_outside_of_a_square() -> None:
    face = boundary_face(SQUARE, np.array([0.5, 1.2]))
    assert face is not None
    assert face.outside
    assert "outside the convex support: no law on the 4 cells" in face_words(face, ["a", "b"], SQUARE)


@pytest.mark.parametrize("eta", [[0.5, 0.5], [1e-6, 0.5], [1.0 - 1e-6, 1e-6]])
def test_interior_of_a_square(eta: list[float]) -> None:
    assert boundary_face(SQUARE, np.array(eta)) is None


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_scales_do_not_change_the_face(scale: float) -> None:
    factors = np.array([scale, 1.0])
    face = boundary_face(SQUARE * factors, np.array([1.0, 1.0]) * factors)
    assert face is not None
    assert face.off.tolist() == [True, True, True, False]
    # In units of the ranges the direction is (1, 1), in the raw ones its largest entry is one.
    np.testing.assert_allclose(face.direction * factors / np.max(face.direction * factors), [1, 1], atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_newton_and_the_linear_programme_agree(seed: int) -> None:
    """Shares on a random subset of the cells: a projection exists exactly if no direction is found."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 4))
    family = Ising(d)
    cells = family.cells()
    used = rng.random(len(cells.points)) < rng.uniform(0.3, 1.0)
    used[rng.integers(len(used))] = True
    g = np.where(used, rng.dirichlet(np.ones(len(used))) + 0.05, 0.0)
    g /= g.sum()
    face = boundary_face(cells.statistics, g @ cells.statistics)
    if face is None:
        theta = family.fit(cells.points, g).theta
        np.testing.assert_allclose(family.mean(theta), g @ cells.statistics, atol=1e-9)
        return
    # The certificate itself: no observed cell lies off the face, no cell beyond it.
    assert not (used & face.off).any()
    assert (cells.statistics @ face.direction <= g @ cells.statistics @ face.direction + 1e-9).all()
    with pytest.raises(BoundaryProjectionError):
        family.fit(cells.points, g)


def test_message_names_direction_and_cells() -> None:
    rows = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 1, 0]])  # never (1, 0) first
    family = Ising(3)
    with pytest.raises(BoundaryProjectionError) as caught:
        family.fit(family.encode(rows), np.full(6, 1 / 6))
    text = str(caught.value)
    assert "direction v = -x0 + x0*x1" in text
    assert "2 of 8 cells that hold no data ((1, 0, 0); (1, 0, 1))" in text


def test_three_way_faces_are_found_by_the_linear_programme() -> None:
    """All pairs show all four combinations, but no row has an equal triple."""
    rows = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    family = Ising(3)
    with pytest.raises(BoundaryProjectionError) as caught:
        family.fit(family.encode(rows), np.full(6, 1 / 6))
    text = str(caught.value)
    assert "direction v = x0 + x1 + x2 - x0*x1 - x0*x2 - x1*x2" in text
    assert "2 of 8 cells that hold no data ((0, 0, 0); (1, 1, 1))" in text


def test_long_messages_are_cut() -> None:
    x = np.arange(40.0)
    values = np.eye(40)[:, :20]
    family = FiniteSupport(x, values)
    with pytest.raises(BoundaryProjectionError) as caught:
        family.fit(x[20:], np.full(20, 1 / 20))
    text = str(caught.value)
    assert "20 of 40 cells" in text
    assert "; ...)" in text
    assert " + ...," in text
    assert len(text) < 700


def test_a_direction_with_tiny_entries_is_cleaned() -> None:
    face = face_along(SQUARE, np.array([0.5, 1.0]), np.array([1e-12, 2.0]))
    assert face.direction.tolist() == [0.0, 1.0]
