"""A simulation study: a wing, what the grid runs over, what stays fixed; in Python or as a TOML file."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from numpy.random import SeedSequence

from ..core.errors import DataFileError, InfostatError, InputError, InputTypeError, describe
from ..core.results import SUFFIXES
from ..core.rng import child
from ..core.validation import check_count, short
from .grid_options import Option, Wing, known_options

__all__ = ["WINGS", "GridCell", "Study", "StudyFile", "find_wing", "make_study", "read_study"]

WINGS = ("pn", "kde", "align", "bounds")

_MOST_CELLS = 100_000
_LARGEST_FILE = 1_000_000  # bytes of a study file
_KEYS = ("wing", "replicates", "seed", "checkpoint", "output", "grid", "fixed", "figure")
_FIGURE_KEYS = ("x", "quantity")

Label = Callable[[str, str], str]


@dataclass(frozen=True)
class GridCell:
    """One cell of the grid.

    Attributes
    ----------
    point : dict
        The values that the grid gives it.
    settings : dict
        All its values, defaults included.
    key : str
        Sixteen hexadecimal digits that depend on wing and settings and on nothing else.
    """

    point: dict[str, Any]
    settings: dict[str, Any]
    key: str

    def seed(self, root: SeedSequence) -> SeedSequence:
        """Return the seed of the cell: a child of the study's seed, whatever other cells there are.

        Parameters
        ----------
        root : SeedSequence
            Seed of the study.

        Returns
        -------
        SeedSequence
            The child whose number is the key.
        """
        return child(root, int(self.key, 16))

    def words(self) -> str:
        """Return the values of the grid in words.

        Returns
        -------
        str
            ``"d = 5, n = 100"``.
        """
        return ", ".join(f"{name} = {as_text(value)}" for name, value in self.point.items())


@dataclass(frozen=True)
class Study:
    """A checked study.

    Attributes
    ----------
    wing : Wing
        What is simulated.
    grid : dict
        The cell options that the grid runs over, each with a tuple of values.
    given : dict
        The other options that were given.
    replicates : int
        Replicates in each cell.
    """

    wing: Wing
    grid: dict[str, tuple[Any, ...]]
    given: dict[str, Any]
    replicates: int

    @property
    def fixed(self) -> dict[str, Any]:
        """All options that the grid does not run over, defaults included."""
        return {name: value for name, value in self.wing.complete(self.given).items() if name not in self.grid}

    def cells(self) -> list[GridCell]:
        """Return the cells of the grid, the last key running fastest.

        Returns
        -------
        list of GridCell
            One for each combination of values; a single one without a grid.
        """
        found = []
        for values in itertools.product(*self.grid.values()):
            point = dict(zip(self.grid, values, strict=True))
            settings = self.wing.complete({**self.given, **point})
            found.append(GridCell(point, settings, _key(self.wing.name, settings)))
        return found


@dataclass(frozen=True)
class StudyFile:
    """What a study file says.

    Attributes
    ----------
    study : Study
        The study.
    seed : int or None
        The seed.
    checkpoint : str or None
        Folder (a file, if there is no grid) that keeps finished parts.
    output : tuple of Path
        Files to be written.
    figure : dict
        ``x`` and ``quantity`` of the figure, where given.
    """

    study: Study
    seed: int | None = None
    checkpoint: str | None = None
    output: tuple[Path, ...] = ()
    figure: dict[str, str] = field(default_factory=dict)


def find_wing(name: Any) -> Wing:
    """Return a wing of the simulations by name.

    Parameters
    ----------
    name : str
        ``"pn"``, ``"kde"``, ``"align"`` or ``"bounds"``.

    Returns
    -------
    Wing
        Its options, runner and table.

    Raises
    ------
    InputTypeError
        If the name is no word.
    InputError
        If there is no such wing.

    Examples
    --------
    >>> find_wing("kde").headline
    'least_kl_per_dim'
    """
    listed = ", ".join(WINGS)
    if not isinstance(name, str):
        raise InputTypeError(describe("study", f"one of {listed}, or the path of a .toml file", short(name)))
    if name not in WINGS:
        raise InputError(describe("study", f"one of {listed}", name, "a study file must end in .toml"))
    wing: Wing = import_module(f".grid_{name}", __package__).WING
    return wing


def as_text(value: Any) -> str:
    """Return a value of an option as one short text.

    Parameters
    ----------
    value : object
        A number, a word, or several of them.

    Returns
    -------
    str
        Items with commas between them.

    Examples
    --------
    >>> as_text((20, 5, 1)), as_text(0.30000000000000004)
    ('20,5,1', '0.3')
    """
    if isinstance(value, (tuple, list)):
        return ",".join(as_text(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def make_study(
    wing: Any,
    grid: Mapping[str, Any] | None = None,
    fixed: Mapping[str, Any] | None = None,
    replicates: Any = None,
    *,
    label: Label | None = None,
) -> Study:
    """Return a checked study: every value is read, every cell is known to fit together.

    Parameters
    ----------
    wing : str
        What is simulated.
    grid : mapping, optional
        Options with the list of values that the grid runs over.
    fixed : mapping, optional
        Options with one value.
    replicates : int, optional
        Replicates in each cell; the wing's own number if None.
    label : callable, optional
        ``label(table, name)`` gives the name of an option in messages.

    Returns
    -------
    Study
        The study.

    Raises
    ------
    InputTypeError
        If a table is no mapping, or a value has a wrong type.
    InputError
        If an option is unknown or given twice, or a value is out of range; the cell is named where values do not
        fit together.
    """
    call = label or (lambda table, name: f"{table}.{name}" if name else table)
    chosen = find_wing(wing)
    tables = {"grid": _mapping(call("grid", ""), grid), "fixed": _mapping(call("fixed", ""), fixed)}
    varied: dict[str, tuple[Any, ...]] = {}
    given: dict[str, Any] = {}
    for table, entries in tables.items():
        for name, value in entries.items():
            option = _option(chosen, name, call(table, str(name)), call)
            if name in varied or name in given:
                raise InputError(f"{call(table, name)} must be given once, got it in grid and in fixed; leave out one")
            if table == "grid" and not option.curve:
                varied[name] = _values(option, call(table, name), value)
            else:
                given[name] = option.read(call(table, name), value)
    low = 2 if chosen.name != "kde" else 1
    asked = chosen.replicates if replicates is None else replicates
    study = Study(chosen, varied, given, check_count(call("replicates", ""), asked, low=low, high=10**9))
    _check_cells(study)
    return study


def read_study(path: str | os.PathLike[str]) -> StudyFile:
    """Return the study that a TOML file describes.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    StudyFile
        The checked study, with its seed and the files to be written.

    Raises
    ------
    DataFileError
        If the file cannot be read or is no TOML.
    InputTypeError, InputError
        If a key is unknown, missing, or has a value that does not fit; the message names file and key.
    """
    file = Path(path)
    content = _load(file)
    _check_keys(f"{file}", content, _KEYS)
    if "wing" not in content:
        raise InputError(f"{file} must have the key wing, one of {', '.join(WINGS)}; add for instance: wing = \"kde\"")

    def label(table: str, name: str) -> str:
        return f"{file}: {table}.{name}" if name else f"{file}: {table}"

    if content["wing"] not in WINGS:
        raise InputError(describe(label("wing", ""), f"one of {', '.join(WINGS)}", short(content["wing"])))
    study = make_study(
        content["wing"], content.get("grid"), content.get("fixed"), content.get("replicates"), label=label
    )
    figure = _mapping(label("figure", ""), content.get("figure"))
    _check_keys(label("figure", ""), figure, _FIGURE_KEYS)
    for name, value in figure.items():
        _word(label("figure", name), value)
    seed, checkpoint = content.get("seed"), content.get("checkpoint")
    return StudyFile(
        study,
        None if seed is None else check_count(label("seed", ""), seed, low=0),
        None if checkpoint is None else _word(label("checkpoint", ""), checkpoint),
        _outputs(label("output", ""), content.get("output")),
        dict(figure),
    )


# ------------------------------------------------------------------------------ options
def _option(wing: Wing, name: Any, label: str, call: Label) -> Option:
    if isinstance(name, str):
        for option in wing.options:
            if option.name == name:
                return option
    near = difflib.get_close_matches(str(name), [option.name for option in wing.options], 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    if name == "replicates":
        hint = f"; set {call('replicates', '')} beside the tables"
    raise InputError(f"{label} is no option of {wing.name}, which takes {known_options(wing)}{hint}")


def _values(option: Option, label: str, value: Any) -> tuple[Any, ...]:
    """Values of one key of the grid, each once."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str) and option.kind == "number" and value.count(":") == 2:
        from .grid_options import numbers

        value = list(numbers()(label, value))
    if not isinstance(value, (list, tuple)):
        value = [value]
    if not value:
        raise InputError(describe(label, "a list of at least one value", "an empty list"))
    if option.many and not all(isinstance(item, (list, tuple)) for item in value):
        cure = f"a list of one value is written [[...]]; without a grid put it under fixed.{option.name}"
        raise InputTypeError(describe(label, "a list of lists", short(value), cure))
    found = tuple(option.read(label, item) for item in value)
    if len(set(found)) < len(found):
        raise InputError(f"{label} must hold each value once, got {as_text(found)}")
    return found


def _check_cells(study: Study) -> None:
    """Check how values fit together, in every cell, before any of them is run."""
    size = 1
    for values in study.grid.values():
        size *= len(values)
    if size > _MOST_CELLS:
        raise InputError(f"grid must have at most {_MOST_CELLS} cells, got {size}; split the study")
    given = frozenset({*study.grid, *study.given})
    for cell in study.cells():
        try:
            study.wing.check({**cell.settings, "replicates": study.replicates}, given)
        except InfostatError as error:
            if not cell.point:
                raise
            raise type(error)(f"in the cell {cell.words()}: {error}") from None


def _key(wing: str, settings: Mapping[str, Any]) -> str:
    text = json.dumps({"wing": wing, "settings": settings}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# --------------------------------------------------------------------------------- files
def _load(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise DataFileError(f"{file} must be a study file of at most {_LARGEST_FILE} bytes, got a larger one")
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise DataFileError(f"{file} is no TOML: {error}; words need quotes, lists brackets") from None
    except UnicodeDecodeError:
        raise DataFileError(f"{file} is no TOML: it is not UTF-8 text") from None
    except RecursionError:
        raise DataFileError(f"{file} is no study: its values are nested too deeply") from None
    except FileNotFoundError:
        raise DataFileError(f"{file} cannot be read: there is no such file") from None
    except (OSError, ValueError) as error:
        raise DataFileError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _check_keys(where: str, content: Mapping[str, Any], known: Iterable[str]) -> None:
    names = list(known)
    for key in content:
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
            cure = f"did you mean {near[0]}?" if near else "options of the simulation belong under [grid] or [fixed]"
            raise InputError(f"{where} has the unknown key {key}, known are {', '.join(names)}; {cure}")


def _mapping(label: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputTypeError(describe(label, "a table of options and values", short(value)))
    return dict(value)


def _word(label: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputTypeError(describe(label, "a word in quotes", short(value)))
    return value


def _outputs(label: str, value: Any) -> tuple[Path, ...]:
    names = [] if value is None else ([value] if isinstance(value, str) else value)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputTypeError(describe(label, "the name of a file, or a list of names", short(value)))
    for name in names:
        if Path(name).suffix.lower() not in SUFFIXES:
            raise InputError(describe(label, f"names that end in one of {', '.join(SUFFIXES)}", name))
    return tuple(Path(name) for name in names)
