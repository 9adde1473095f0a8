"""Reward data in whatever shape they come: samples, prompt tables, pmfs and vocabularies.

`read_rewards` recognises the shape, applies the rules for missing and infinite rewards once, and
hands flat arrays to the computations: rewards ordered by prompt with the offsets of the prompts,
or a checked law.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.chunks import is_dask
from ..core.data import Columns, Table, read_table
from ..core.errors import DataError, InfostatWarning, InputError
from ..core.validation import FloatArray, as_float_array, as_plain_array, check_choice, check_count
from .input_columns import LABELS, LOG_PROBABILITIES, NEEDED, PROBABILITIES, column, column_roles, numbered, quoted
from .laws import RewardLaw, as_law
from .stream_prompts import read_prompt_rows

__all__ = ["RewardInput", "ShortPrompts", "read_rewards", "short_prompts"]

@dataclass(frozen=True, eq=False)
class RewardInput:
    """Reward data, checked.

    Attributes
    ----------
    kind : str
        ``"samples"`` (one population), ``"prompts"`` (one population a prompt) or ``"pmf"``.
    reward : ndarray of shape (m,)
        Rewards, those of one prompt side by side in the order of the input; for a pmf those of the
        outcomes. -inf occurs, NaN and +inf do not (of possible outcomes).
    true : ndarray of shape (m,) or None
        True rewards beside them.
    offsets : ndarray of int of shape (n_prompts + 1,)
        Prompt i has ``reward[offsets[i]:offsets[i + 1]]``.
    prompts : tuple of str
        Names of the prompts in the order of their first row; empty unless `kind` is "prompts".
    law : RewardLaw or None
        The law of a pmf.
    n_dropped : int
        Samples left out because a reward was missing.
    n_prompts_dropped : int
        Prompts that had no sample left.
    columns : tuple of str
        Columns that were used.
    flags : tuple of str
        ``"nan_dropped"``, ``"teacher_reward"`` (reward is the log-likelihood difference).
    source : str
        The path, or the kind of object that was passed.
    """

    kind: str
    reward: FloatArray
    true: FloatArray | None
    offsets: NDArray[np.intp]
    prompts: tuple[str, ...] = ()
    law: RewardLaw | None = None
    n_dropped: int = 0
    n_prompts_dropped: int = 0
    columns: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    source: str = "data"

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Samples of each prompt."""
        return np.diff(self.offsets)

    @property
    def n_prompts(self) -> int:
        """Number of populations: prompts, or 1."""
        return len(self.offsets) - 1

    def rectangle(self, values: FloatArray | None = None) -> FloatArray | None:
        """Return values as prompts x samples, or None where prompts differ in size.

        Parameters
        ----------
        values : ndarray of shape (m,), optional
            Values beside the rewards; the rewards if None.

        Returns
        -------
        ndarray of shape (n_prompts, size) or None
            A view.
        """
        flat = self.reward if values is None else values
        sizes = self.sizes
        return flat.reshape(len(sizes), -1) if (sizes == sizes[0]).all() else None


@dataclass(frozen=True, eq=False)
class ShortPrompts:
    """A prompt table fitted to a largest N.

    Attributes
    ----------
    data : RewardInput
        The prompts that are kept.
    n : int
        Largest N that every kept prompt can answer.
    n_dropped : int
        Prompts left out.
    limited : bool
        Whether `n` is smaller than what was asked for.
    """

    data: RewardInput
    n: int
    n_dropped: int
    limited: bool


def read_rewards(
    data: Any,
    *,
    true: Any = None,
    prompt_id: Any = None,
    nan: str = "raise",
    columns: Columns = None,
    drop: Columns = None,
    name: str = "data",
) -> RewardInput:
    """Return reward data of any accepted shape in one form.

    Parameters
    ----------
    data : array_like, DataFrame, Table, Dask frame, str or os.PathLike
        One-dimensional: samples. Two-dimensional, or a list of sequences of different lengths:
        prompts x samples. A frame or a file is read by its column names (upper or lower case):
        ``reward`` [``true_reward``] [``prompt_id``]; ``prob`` (``probability``) or ``logprob``
        (``logp``) beside ``reward`` [``token``, ``label`` or ``word``]; ``token``, ``logp``,
        ``logp_teacher`` (the reward is then ``logp_teacher - logp``); numbered columns (one
        prompt a row); or a single column of samples. Other columns are left alone.
    true : array_like or str, optional
        True rewards in the shape of the rewards, or the name of their column. A column
        ``true_reward`` is found without it.
    prompt_id : array_like or str, optional
        Prompt of each sample (of each row of a two-dimensional array), or the name of its column. A
        column ``prompt_id`` is found without it.
    nan : {"raise", "drop"}
        What to do with missing rewards of samples: refuse, or leave out with a warning.
    columns, drop : str or list, optional
        Columns to look at, or to leave alone.
    name : str
        The argument's name, for messages.

    Returns
    -------
    RewardInput
        Checked data; the input is not modified.

    Raises
    ------
    InputError
        If an option is unknown or arguments do not fit the data.
    DataError
        If the shape is not recognised (the message lists the columns), a reward is NaN or +inf, or
        nothing is left.
    InputTypeError
        If something is not numeric.

    Examples
    --------
    >>> read_rewards([0.5, 1.0, 2.0]).kind
    'samples'
    >>> table = read_rewards([[0.0, 1.0], [1.0, 1.0, 2.0]])
    >>> table.kind, table.sizes.tolist()
    ('prompts', [2, 3])
    >>> import pandas as pd
    >>> pmf = read_rewards(pd.DataFrame({"label": ["a", "b"], "prob": [0.75, 0.25], "reward": [0, 1]}))
    >>> pmf.kind, pmf.law.labels
    ('pmf', ('a', 'b'))
    """
    check_choice("nan", nan, ("raise", "drop"))
    if isinstance(data, RewardInput):  # recognised and cleaned before
        return data
    large = read_prompt_rows(data, true, prompt_id, columns, drop)
    if large is not None:
        rows = large.reward, large.true, large.codes, large.names
        return _clean(_by_prompt(*rows, large.columns, large.source), nan, name)
    if is_dask(data):  # a law, or numbered columns
        data = data.compute()
    if isinstance(data, (str, os.PathLike, Table)) or hasattr(data, "columns"):
        table = read_table(data, columns=columns, drop=drop, name=name)
        found = _from_table(table, true, prompt_id, name)
    else:
        if columns is not None or drop is not None:
            raise InputError(f"columns and drop need {name} with named columns, got {type(data).__name__}")
        found = _from_array(data, true, prompt_id, name)
    return found if found.kind == "pmf" else _clean(found, nan, name)


def short_prompts(data: RewardInput, n: int, on_short: str = "limit") -> ShortPrompts:
    """Return the prompts that can answer a best-of-N question, and the largest N.

    Parameters
    ----------
    data : RewardInput
        Samples or a prompt table.
    n : int
        Largest N asked for.
    on_short : {"limit", "drop"}
        Limit N to the smallest number of samples of a prompt, or leave out prompts with fewer
        than `n`.

    Returns
    -------
    ShortPrompts
        What is kept.

    Raises
    ------
    InputError
        If an option is unknown, or no prompt has `n` samples.

    Examples
    --------
    >>> table = read_rewards([[0.0, 1.0], [1.0, 1.0, 2.0]])
    >>> short_prompts(table, 3).n, short_prompts(table, 3, "drop").n_dropped
    (2, 1)
    """
    check_choice("on_short", on_short, ("limit", "drop"))
    largest = check_count("n", n, low=1)
    sizes = data.sizes
    if on_short == "limit":
        fits = min(largest, int(sizes.min()))
        return ShortPrompts(data, fits, 0, fits < largest)
    keep = sizes >= largest
    if not keep.any():
        raise InputError(f"n must not exceed the samples of every prompt (at most {sizes.max()}), got {largest}")
    if keep.all():
        return ShortPrompts(data, largest, 0, False)
    return ShortPrompts(_keep_prompts(data, keep), largest, int((~keep).sum()), False)


# ------------------------------------------------------------------------------------- arrays
def _from_array(data: Any, true: Any, prompt_id: Any, name: str) -> RewardInput:
    for argument, value in (("true", true), ("prompt_id", prompt_id)):
        if isinstance(value, str):
            raise InputError(f"{argument} names a column, but {name} has none; pass an array instead of {value!r}")
    source = type(data).__name__
    ragged = _ragged(data)
    if ragged:
        values = np.concatenate([as_float_array(name, row, ndim=1, finite=False) for row in data])
        sizes = np.array([len(row) for row in data], dtype=np.intp)
        return _prompt_rows(values, sizes, _flat_true(true, sizes), prompt_id, source)
    values = as_float_array(name, data, ndim=(1, 2), finite=False)
    if values.ndim == 2:
        if values.shape[1] < 2:
            raise DataError(
                f"{name} must have at least two samples a prompt (rows are prompts), got shape {values.shape}; "
                "pass a one-dimensional array for one population"
            )
        beside = None if true is None else _beside("true", true, values.shape, name).ravel()
        sizes = np.full(len(values), values.shape[1], dtype=np.intp)
        return _prompt_rows(values.ravel(), sizes, beside, prompt_id, source)
    beside = None if true is None else _beside("true", true, values.shape, name)
    if prompt_id is None:
        return _one_population(values, beside, (), source)
    return _grouped(values, beside, prompt_id, (), source)


def _ragged(data: Any) -> bool:
    if not isinstance(data, (list, tuple)) or len(data) < 2:
        return False
    rows = [row for row in data if isinstance(row, (list, tuple, np.ndarray)) or hasattr(row, "index")]
    return len(rows) == len(data) and len({np.size(row) for row in data}) > 1


def _flat_true(true: Any, sizes: NDArray[np.intp]) -> FloatArray | None:
    if true is None:
        return None
    lengths = [np.size(row) for row in true] if isinstance(true, (list, tuple)) else []
    if lengths != sizes.tolist():
        raise InputError("true must be a list of sequences as long as those of the rewards")
    return np.concatenate([as_float_array("true", row, ndim=1, finite=False) for row in true])


def _beside(argument: str, value: Any, shape: tuple[int, ...], name: str) -> FloatArray:
    array = as_float_array(argument, value, finite=False)
    if array.shape != shape:
        raise InputError(f"{argument} must have the shape of {name} {shape}, got {array.shape}")
    return array


# ------------------------------------------------------------------------------------- tables
def _from_table(table: Table, true: Any, prompt_id: Any, name: str) -> RewardInput:
    roles = column_roles(table, true, prompt_id)
    if any(role in roles for role in (*PROBABILITIES, *LOG_PROBABILITIES)):
        return _pmf(table, roles, true, name)
    if "reward" in roles:
        return _long(table, roles, true, prompt_id)
    return _wide(table, roles, true, prompt_id, name)


def _pmf(table: Table, roles: dict[str, str], true: Any, name: str) -> RewardInput:
    masses = [role for role in (*PROBABILITIES, *LOG_PROBABILITIES) if role in roles]
    if len(masses) > 1:
        named = quoted([roles[m] for m in masses])
        raise DataError(f"{name} must have one column of probabilities, got {named}; choose with columns=")
    if "prompt_id" in roles:
        raise DataError(
            f"{name} must be samples with {roles['prompt_id']!r} or one pmf with {roles[masses[0]]!r}, "
            "got both columns; leave one out with drop="
        )
    mass = column(table, roles[masses[0]])
    reward, flags = _pmf_reward(table, roles, mass, masses[0] in LOG_PROBABILITIES, name)
    logs = masses[0] in LOG_PROBABILITIES
    try:
        law = as_law(None if logs else mass, reward, mass if logs else None)
    except InputError as error:
        hint = f"if the rows are samples, leave the column {roles[masses[0]]!r} out with drop="
        raise InputError(f"{name} is read as a pmf: {error}; {hint}") from None
    label = next((roles[role] for role in LABELS if role in roles), None)
    names = tuple(str(x) for x in table.frame[label]) if label else law.labels
    beside = _true_column(table, roles, true)
    offsets = np.array([0, len(law.r)], dtype=np.intp)
    used = tuple(roles.values())
    return RewardInput(
        "pmf", law.r, beside, offsets, law=replace(law, labels=names), columns=used, flags=flags, source=table.source
    )


def _pmf_reward(
    table: Table, roles: dict[str, str], mass: FloatArray, logs: bool, name: str
) -> tuple[FloatArray, tuple[str, ...]]:
    if "reward" in roles:
        return column(table, roles["reward"]), ()
    if "logp_teacher" not in roles or not logs:
        raise DataError(f"{name} must have a column {NEEDED}; found: {quoted(table.labels)}")
    teacher = column(table, roles["logp_teacher"])
    possible = mass > -np.inf
    # Of an impossible token any value will do; a difference of two -inf would be NaN.
    return np.where(possible, teacher - np.where(possible, mass, 0.0), 0.0), ("teacher_reward",)


def _long(table: Table, roles: dict[str, str], true: Any, prompt_id: Any) -> RewardInput:
    reward = column(table, roles["reward"])
    beside = _true_column(table, roles, true)
    ids = prompt_id
    if "prompt_id" in roles and (prompt_id is None or isinstance(prompt_id, str)):
        ids = table.frame[roles["prompt_id"]]
    used = tuple(roles[role] for role in ("prompt_id", "reward", "true_reward") if role in roles)
    if ids is None:
        return _one_population(reward, beside, used, table.source)
    return _grouped(reward, beside, ids, used, table.source)


def _wide(table: Table, roles: dict[str, str], true: Any, prompt_id: Any, name: str) -> RewardInput:
    ids = table.frame[roles["prompt_id"]] if "prompt_id" in roles else prompt_id
    values = [label for label in table.labels if label != roles.get("prompt_id")]
    known = [label for label in values if label in roles.values()]
    if known or not values or not (len(values) == 1 or numbered(values)):
        raise DataError(f"{name} must have a column {NEEDED}; found: {quoted(table.labels)}")
    matrix = np.column_stack([column(table, label) for label in values])
    if isinstance(true, str):
        raise InputError(f"true must be an array in the shape of the rewards {matrix.shape}, got a column name")
    if matrix.shape[1] == 1:
        one = matrix[:, 0]
        beside = None if true is None else _beside("true", true, one.shape, name)
        if ids is None:
            return _one_population(one, beside, tuple(values), table.source)
        return _grouped(one, beside, ids, tuple(values), table.source)
    beside = None if true is None else _beside("true", true, matrix.shape, name).ravel()
    if ids is None and type(table.frame.index).__name__ != "RangeIndex":
        ids = table.frame.index
    sizes = np.full(len(matrix), matrix.shape[1], dtype=np.intp)
    found = _prompt_rows(matrix.ravel(), sizes, beside, ids, table.source)
    return replace(found, columns=tuple(values))


def _true_column(table: Table, roles: dict[str, str], true: Any) -> FloatArray | None:
    if true is not None and not isinstance(true, str):
        return _beside("true", true, (len(table.frame),), "the rewards")
    return column(table, roles["true_reward"]) if "true_reward" in roles else None


# ------------------------------------------------------------------------------ common endings
def _one_population(
    values: FloatArray, true: FloatArray | None, columns: tuple[str, ...], source: str
) -> RewardInput:
    offsets = np.array([0, len(values)], dtype=np.intp)
    return RewardInput("samples", values, true, offsets, columns=columns, source=source)


def _prompt_rows(
    values: FloatArray, sizes: NDArray[np.intp], true: FloatArray | None, ids: Any, source: str
) -> RewardInput:
    """One prompt a row; `ids` names the rows."""
    names = tuple(str(i) for i in range(len(sizes)))
    if ids is not None:
        names = tuple(str(x) for x in _ids(ids, len(sizes), "one name per row"))
        if len(set(names)) < len(names):
            raise InputError("prompt_id must name each row of a prompts x samples table once, got a name twice")
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    return RewardInput("prompts", values, true, offsets, prompts=names, source=source)


def _grouped(
    values: FloatArray, true: FloatArray | None, ids: Any, columns: tuple[str, ...], source: str
) -> RewardInput:
    """Samples in any order with the prompt of each."""
    import pandas as pd

    codes, names = pd.factorize(pd.Series(_ids(ids, len(values), "one prompt per sample")), use_na_sentinel=True)
    n_missing = int((codes < 0).sum())
    if n_missing:
        raise DataError(f"prompt_id must not be missing, got {n_missing} of {len(codes)} rows without one")
    return _by_prompt(values, true, codes, tuple(str(x) for x in names), columns, source)


def _by_prompt(
    values: FloatArray, true: FloatArray | None, codes: NDArray[Any], prompts: tuple[str, ...],
    columns: tuple[str, ...], source: str,
) -> RewardInput:  # fmt: skip
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=len(prompts))
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    beside = None if true is None else true[order]
    return RewardInput("prompts", values[order], beside, offsets, prompts=prompts, columns=columns, source=source)


def _ids(ids: Any, n: int, required: str) -> Any:
    array = ids if hasattr(ids, "dtype") else as_plain_array("prompt_id", ids, dtype=object)
    if array.ndim != 1 or len(array) != n:
        raise InputError(f"prompt_id must have {required} ({n}), got shape {np.shape(array)}")
    return np.asarray(array)


def _clean(data: RewardInput, nan: str, name: str) -> RewardInput:
    """Apply the rules for missing and infinite rewards."""
    reward, true = data.reward, data.true
    if not len(reward):
        raise DataError(f"{name} must hold rewards, got none")
    empty = np.flatnonzero(data.sizes == 0)
    if len(empty):
        raise DataError(f"{name} must have a reward for every prompt, got none for {data.prompts[empty[0]]!r}")
    missing = np.isnan(reward) if true is None else np.isnan(reward) | np.isnan(true)
    n_missing = int(missing.sum())
    if n_missing and nan == "raise":
        raise DataError(
            f"{name} must not hold missing rewards, got {n_missing} of {len(reward)}; "
            'fill them, or leave them out with nan="drop"'
        )
    n_infinite = int((reward == np.inf).sum())
    if n_infinite:
        raise DataError(f"{name} must not hold rewards of +inf, got {n_infinite} of {len(reward)}")
    if true is not None and np.isinf(true).any():
        raise DataError(f"true rewards must be finite, got {int(np.isinf(true).sum())} infinite of {len(true)}")
    if n_missing:
        data = _without(data, missing, name)
    if (np.maximum.reduceat(data.reward, data.offsets[:-1]) == -np.inf).any():
        raise DataError(f"{name} must have a finite reward in every population, got only -inf in one")
    return data


def _without(data: RewardInput, missing: NDArray[np.bool_], name: str) -> RewardInput:
    n_missing = int(missing.sum())
    if n_missing == len(missing):
        raise DataError(f"{name} must hold rewards, got missing values only")
    running = np.concatenate([[0], np.cumsum(~missing)])
    sizes = np.diff(running[data.offsets])
    kept = replace(
        data,
        reward=data.reward[~missing],
        true=None if data.true is None else data.true[~missing],
        offsets=running[data.offsets].astype(np.intp),
        n_dropped=n_missing,
        flags=(*data.flags, "nan_dropped"),
    )
    n_empty = int((sizes == 0).sum())
    if n_empty:
        kept = replace(_keep_prompts(kept, sizes > 0), n_prompts_dropped=n_empty)
    more = f", and with them {n_empty} prompts" if n_empty else ""
    # The caller of the public function that read the data.
    warnings.warn(
        f"{n_missing} of {len(missing)} rewards are missing and were left out{more}", InfostatWarning, stacklevel=5
    )
    return kept


def _keep_prompts(data: RewardInput, keep: NDArray[np.bool_]) -> RewardInput:
    sizes = data.sizes
    rows = np.repeat(keep, sizes)
    return replace(
        data,
        reward=data.reward[rows],
        true=None if data.true is None else data.true[rows],
        offsets=np.concatenate([[0], np.cumsum(sizes[keep])]).astype(np.intp),
        prompts=tuple(p for p, k in zip(data.prompts, keep, strict=True) if k) if data.prompts else (),
    )
