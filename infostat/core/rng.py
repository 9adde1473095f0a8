"""Seeds: one normaliser for ``rng`` and stateless children by index.

Every routine that draws random numbers turns its ``rng`` argument into a
`numpy.random.SeedSequence` once, and gives replicate (or block) ``i`` the child
``i`` of that seed. A child is a pure function of the seed and the index, so the
numbers depend neither on the order in which replicates run nor on who runs them.
"""

from __future__ import annotations

import numbers
import re
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator, SeedSequence

from .errors import InputError, InputTypeError, describe
from .validation import check_count, short

__all__ = ["RngLike", "as_generator", "as_seed_sequence", "child", "child_generator", "seed_label"]

RngLike: TypeAlias = "int | np.integer[Any] | str | SeedSequence | Generator | None"

_REQUIRED = "None, an integer >= 0, a numpy SeedSequence or a numpy Generator"
_DEFAULT_POOL = 4
_LABEL = re.compile(r"entropy=([0-9,]*);spawn_key=([0-9,]*);pool_size=([0-9]+)")


def as_seed_sequence(rng: RngLike = None) -> SeedSequence:
    """Return the seed sequence that `rng` stands for.

    Parameters
    ----------
    rng : None, int, SeedSequence, Generator or str
        None draws fresh entropy from the operating system. A SeedSequence is
        used as it is and never spawned from. A Generator gives four 32-bit
        integers, so that two calls with one generator differ. A string must be
        a label made by `seed_label`.

    Returns
    -------
    SeedSequence
        The seed; ``rng=7`` and ``rng=SeedSequence(7)`` are the same.

    Raises
    ------
    InputTypeError
        If `rng` is none of these.
    InputError
        If `rng` is a negative integer.

    Examples
    --------
    >>> as_seed_sequence(7).entropy
    7
    >>> import numpy as np
    >>> generator = np.random.default_rng(1)
    >>> as_seed_sequence(generator).entropy == as_seed_sequence(generator).entropy
    False
    """
    if rng is None:
        return SeedSequence()
    if isinstance(rng, SeedSequence):
        return rng
    if isinstance(rng, Generator):
        words = rng.integers(0, 2**32, size=4, dtype=np.uint32)
        return SeedSequence(sum(int(word) << (32 * place) for place, word in enumerate(words)))
    if isinstance(rng, str):
        return _from_label(rng)
    if isinstance(rng, (bool, np.bool_, np.timedelta64)) or not isinstance(rng, numbers.Integral):
        raise InputTypeError(describe("rng", _REQUIRED, short(rng)))
    if rng < 0:
        raise InputError(describe("rng", _REQUIRED, rng))
    return SeedSequence(int(rng))


def child(seed: SeedSequence, index: int) -> SeedSequence:
    """Return child `index` of `seed` without changing `seed`.

    Parameters
    ----------
    seed : SeedSequence
        The parent.
    index : int
        Number of the child, from zero.

    Returns
    -------
    SeedSequence
        What a fresh copy of the parent would give as ``parent.spawn(index + 1)[index]``.

    Examples
    --------
    >>> from numpy.random import SeedSequence
    >>> child(SeedSequence(7), 2).spawn_key
    (2,)
    """
    number = check_count("index", index)
    return SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number), pool_size=seed.pool_size)


def child_generator(seed: SeedSequence, index: int) -> Generator:
    """Return a generator that draws from child `index` of `seed`.

    Parameters
    ----------
    seed : SeedSequence
        The parent.
    index : int
        Number of the child, from zero.

    Returns
    -------
    Generator
        A fresh generator; equal arguments give equal streams.

    Examples
    --------
    >>> seed = as_seed_sequence(7)
    >>> bool(child_generator(seed, 0).random() == child_generator(seed, 0).random())
    True
    """
    return np.random.default_rng(child(seed, index))


def as_generator(rng: RngLike = None) -> Generator:
    """Return a generator for `rng`; a Generator is returned as it is.

    Parameters
    ----------
    rng : None, int, SeedSequence, Generator or str
        As in `as_seed_sequence`.

    Returns
    -------
    Generator
        For everything but a Generator, a new one at the start of its stream.

    Examples
    --------
    >>> bool(as_generator(7).random() == as_generator(as_seed_sequence(7)).random())
    True
    """
    if isinstance(rng, Generator):
        return rng
    return np.random.default_rng(as_seed_sequence(rng))


def seed_label(seed: SeedSequence) -> int | str:
    """Return an integer or short string that gives `seed` back when passed as ``rng``.

    Parameters
    ----------
    seed : SeedSequence
        The seed to remember.

    Returns
    -------
    int or str
        The entropy where it is a plain integer and nothing else was set, a
        text with entropy, spawn key and pool size otherwise. Both fit in JSON.

    Examples
    --------
    >>> seed_label(as_seed_sequence(7))
    7
    >>> seed_label(child(as_seed_sequence(7), 3))
    'entropy=7;spawn_key=3;pool_size=4'
    >>> as_seed_sequence('entropy=7;spawn_key=3;pool_size=4').spawn_key
    (3,)
    """
    entropy = _integers(seed.entropy)
    if len(entropy) == 1 and not seed.spawn_key and seed.pool_size == _DEFAULT_POOL:
        return entropy[0]
    words, key = (",".join(str(i) for i in part) for part in (entropy, seed.spawn_key))
    return f"entropy={words};spawn_key={key};pool_size={seed.pool_size}"


def _integers(entropy: Any) -> list[int]:
    # SeedSequence reads a list as the concatenation of its members' 32-bit words, and a
    # one-element list as its element, so flattening keeps the stream.
    if isinstance(entropy, numbers.Integral):
        return [int(entropy)]
    return [number for part in entropy for number in _integers(part)]


def _from_label(label: str) -> SeedSequence:
    match = _LABEL.fullmatch(label)
    if match is None:
        raise InputTypeError(describe("rng", _REQUIRED, short(label)))
    entropy, key = ([int(i) for i in part.split(",") if i] for part in match.group(1, 2))
    pool_size = check_count("pool_size of the rng label", int(match.group(3)), low=_DEFAULT_POOL)
    single = entropy[0] if len(entropy) == 1 else entropy
    return SeedSequence(single, spawn_key=tuple(key), pool_size=pool_size)
