"""Seeds: one meaning for every form of rng, and stateless children."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.random import SeedSequence

from infostat.core.errors import InputError, InputTypeError
from infostat.core.rng import as_generator, as_seed_sequence, child, child_generator, seed_label


def words(seed: SeedSequence) -> list[int]:
    return [int(w) for w in seed.generate_state(6)]


def test_integer_and_seed_sequence_mean_the_same() -> None:
    assert words(as_seed_sequence(7)) == words(SeedSequence(7)) == words(as_seed_sequence(np.int64(7)))


def test_none_draws_fresh_entropy() -> None:
    assert as_seed_sequence(None).entropy != as_seed_sequence(None).entropy


def test_seed_sequence_is_neither_replaced_nor_spawned_from() -> None:
    seed = SeedSequence(3)
    assert as_seed_sequence(seed) is seed
    child(seed, 4)
    child_generator(seed, 0)
    assert seed.n_children_spawned == 0


def test_generator_gives_a_new_but_reproducible_seed_each_time() -> None:
    one, two = np.random.default_rng(1), np.random.default_rng(1)
    first, second = as_seed_sequence(one), as_seed_sequence(one)
    assert words(first) != words(second)
    assert words(as_seed_sequence(two)) == words(first)


def test_global_state_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    as_generator(None).random()
    as_generator(5).random()
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    "seed",
    [
        SeedSequence(7),
        SeedSequence(7, spawn_key=(1, 2)),
        SeedSequence([2**40, 3], pool_size=8),
        SeedSequence(2**100),
    ],
)
def test_child_equals_spawn_of_a_fresh_copy(seed: SeedSequence) -> None:
    copy = SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
    spawned = copy.spawn(4)
    assert [words(child(seed, i)) for i in range(4)] == [words(s) for s in spawned]
    assert child_generator(seed, 2).random() == np.random.default_rng(spawned[2]).random()


@pytest.mark.parametrize(
    "seed",
    [
        SeedSequence(0),
        SeedSequence(7),
        SeedSequence(7, spawn_key=(5,)),
        SeedSequence([1, 2**70, 0], spawn_key=(0, 2**33)),
        SeedSequence([7], pool_size=8),
        SeedSequence(np.array([4, 2**31], dtype=np.uint32)),
        SeedSequence([[1, 2], [3]]),  # type: ignore[list-item]
        SeedSequence(),
    ],
)
def test_label_gives_the_seed_back_through_json(seed: SeedSequence) -> None:
    label = json.loads(json.dumps(seed_label(seed)))
    again = as_seed_sequence(label)
    assert words(again) == words(seed)
    assert words(child(again, 3)) == words(child(seed, 3))


def test_label_of_a_plain_seed_is_the_integer() -> None:
    assert seed_label(as_seed_sequence(12)) == 12


def test_as_generator() -> None:
    generator = np.random.default_rng(0)
    assert as_generator(generator) is generator
    assert as_generator(7).random() == np.random.default_rng(7).random()


@pytest.mark.parametrize("rng", [True, 7.0, "seed", [1, 2], np.random.RandomState(0), 1j])
def test_other_types_are_refused(rng: object) -> None:
    with pytest.raises(InputTypeError, match="rng must be None, an integer >= 0"):
        as_seed_sequence(rng)  # type: ignore[arg-type]


def test_negative_integers_are_refused() -> None:
    with pytest.raises(InputError, match="got -1"):
        as_seed_sequence(-1)
    with pytest.raises(InputError, match="index must be an integer >= 0"):
        child(SeedSequence(1), -1)
