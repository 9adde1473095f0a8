"""The result contract: what every public analysis returns.

A result is a frozen dataclass that derives from :class:`Result`. The subclass
lists its documented fields and says what goes into its table (`_sections`),
its sentences (`_notes`) and its figure (`_draw`); printing, frames, JSON,
saving and notebook display are written here once.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .errors import InfostatError, InputError, InputTypeError, Words, describe
from .files import check_writable, write_atomic
from .tables import Cell, Section, Summary, format_cell
from .validation import short
from .words import row_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FrozenDict", "Result", "to_json"]

SUFFIXES = (".json", ".csv", ".md", ".tex", ".html", ".png", ".pdf", ".svg")
_NON_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


class FrozenDict(dict[Any, Any]):
    """A dict that cannot be changed; unlike ``MappingProxyType`` it can be pickled.

    Examples
    --------
    >>> FrozenDict(a=1)["a"]
    1
    """

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        """Raise: the mapping cannot be changed."""
        raise InputTypeError("results are read-only; copy the mapping with dict(...) to change it")

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenDict, (dict(self),))


class Result:
    """Base class of every result.

    Subclasses are declared with ``@dataclass(frozen=True, eq=False, repr=False)``.
    Array fields become read-only float64 (integer and boolean arrays keep their
    type), mappings become read-only, lists become tuples, and data frames are
    copied, so that nothing the caller does later changes a result.
    """

    _registry: ClassVar[dict[str, type[Result]]] = {}
    _headline: ClassVar[tuple[str, ...]] = ()
    _words: ClassVar[Mapping[str, str]] = {}  # labels of scalar fields that the common words do not fit

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Result._registry[cls.__name__] = cls

    def __post_init__(self) -> None:
        for item in self._fields():
            object.__setattr__(self, item.name, _freeze(getattr(self, item.name)))

    def __setstate__(self, state: dict[str, Any]) -> None:
        # An array comes out of a pickle (or a deep copy) writeable, whatever it was before.
        for name, value in state.items():
            object.__setattr__(self, name, _freeze(value))

    @classmethod
    def _fields(cls) -> tuple[dataclasses.Field[Any], ...]:
        return dataclasses.fields(cls)  # type: ignore[arg-type]

    # ------------------------------------------------------------ for subclasses
    def _title(self) -> str:
        return type(self).__name__

    def _sections(self) -> Sequence[Section]:
        scalars = self._scalars()
        scalars.pop("interpretation", None)  # printed as a note
        return [Section([[row_label(name, self._words), value] for name, value in scalars.items()])]

    def _notes(self) -> Sequence[str]:
        text = getattr(self, "interpretation", None)
        return [text] if isinstance(text, str) and text else []

    def _draw(self, ax: Axes, **kwargs: Any) -> None:
        raise InputTypeError(f"{type(self).__name__} has no figure; use summary() or to_frame()")

    def _settings(self) -> dict[str, Cell]:
        """Settings printed in a report: seeds, options."""
        return {}

    def _scalars(self) -> dict[str, Cell]:
        found: dict[str, Cell] = {}
        for item in self._fields():
            value = getattr(self, item.name)
            if value is None or isinstance(value, (str, bool, int, float, np.generic)):
                found[item.name] = value.item() if isinstance(value, np.generic) else value
        return found

    # -------------------------------------------------------------- presentation
    def summary(self) -> Summary:
        """Return the printable account of the result.

        Returns
        -------
        Summary
            Prints as text; ``to_html()``, ``to_latex()`` and ``to_markdown()`` give other forms.
        """
        return Summary(self._title(), tuple(self._sections()), tuple(self._notes()))

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a tidy, numeric DataFrame.

        Returns
        -------
        DataFrame
            One row of scalar fields unless the result documents another shape.
        """
        import pandas as pd

        return pd.DataFrame([self._scalars()])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-able builtins; :meth:`from_dict` restores it.

        Returns
        -------
        dict
            ``type`` and one entry per field. Arrays become lists; numbers that
            JSON lacks become ``"inf"``, ``"-inf"`` and ``"nan"``; an empty array
            of several axes becomes ``{"shape": [0, 4]}``.
        """
        out: dict[str, Any] = {"type": type(self).__name__}
        for item in self._fields():
            out[item.name] = _encode(getattr(self, item.name))
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the result that :meth:`to_dict` described.

        Parameters
        ----------
        data : mapping
            Output of :meth:`to_dict`, possibly after a trip through JSON.

        Returns
        -------
        Result
            An equal result.

        Raises
        ------
        InputTypeError
            If `data` is not a mapping.
        InputError
            If the mapping does not describe a result of this class.
        """
        if not isinstance(data, Mapping):
            raise InputTypeError(describe("data", "a mapping made by to_dict()", short(data)))
        target = Result._registry.get(str(data.get("type", cls.__name__)), None)
        if target is None or not issubclass(target, cls):
            raise InputError(f"data must describe a {cls.__name__}, got type {data.get('type')!r}")
        hints = _hints(target)
        names = {item.name for item in target._fields()}
        missing = sorted(names - set(data))
        if missing:
            listed = ", ".join(missing)
            raise InputError(f"data of a {target.__name__} must have all fields, missing: {listed}")
        try:
            return target(**{name: _decode(hints[name], data[name]) for name in names})
        except InfostatError:
            raise
        except Exception as error:  # whatever a file that was edited makes of a field
            required = f"what to_dict() of a {target.__name__} gives"
            raise InputError(describe("data", required, Words("a field that was changed"))) from error

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the figure of the result.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure is made if None.
        **kwargs
            Passed to the main artist.

        Returns
        -------
        Axes
            The axes drawn on. Nothing is shown; call ``plt.show()`` for that.
        """
        from .style import close_figure, new_axes, plot_style

        with plot_style():
            target = new_axes() if ax is None else ax
            try:
                self._draw(target, **kwargs)
            except BaseException:
                if ax is None:
                    close_figure(target)
                raise
        return target

    def save(self, path: str | Path) -> Path:
        """Write the result to a file whose suffix says what it will hold.

        Parameters
        ----------
        path : str or Path
            ``.json`` (all fields), ``.csv`` (the frame), ``.md``, ``.tex`` (the
            summary), ``.html`` (a self-contained report with the figure), ``.png``,
            ``.pdf`` or ``.svg`` (the figure).

        Returns
        -------
        Path
            The file written; it appears whole or not at all.

        Raises
        ------
        InputError
            For another suffix.
        DataFileError
            If the file cannot be written; one that was there is then unchanged.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in SUFFIXES:
            raise InputError(f"path must end in one of {', '.join(SUFFIXES)}, got {str(path)!r}")
        check_writable(target)  # before the work of drawing
        write_atomic(target, self._render(suffix))
        return target

    def _render(self, suffix: str) -> bytes:
        if suffix == ".json":
            return (to_json(self.to_dict()) + "\n").encode()
        if suffix == ".csv":
            return str(self.to_frame().to_csv(index=False)).encode()
        if suffix == ".md":
            return (self.summary().to_markdown() + "\n").encode()
        if suffix == ".tex":
            return (self.summary().to_latex() + "\n").encode()
        if suffix == ".html":
            from .page import html_page

            return html_page(self._title(), [self]).encode()
        from .style import figure_bytes

        return figure_bytes(self._draw, suffix[1:])

    # ------------------------------------------------------------------ builtins
    def _repr_html_(self) -> str:
        return self.summary().to_html()

    def __repr__(self) -> str:
        scalars = self._scalars()
        arrays = {f.name: getattr(self, f.name) for f in self._fields() if f.name not in scalars}
        shapes = {name: f"array{v.shape}" for name, v in arrays.items() if isinstance(v, np.ndarray)}
        parts: list[str] = []
        for name in self._headline or [f.name for f in self._fields()]:
            value = scalars.get(name)
            if value is None and name not in shapes:
                continue
            shown = short(value, 40) if isinstance(value, str) else format_cell(value)
            part = f"{name}={shapes.get(name, shown)}"
            if sum(map(len, parts)) + len(part) > 130:
                parts.append("...")
                break
            parts.append(part)
        return f"{type(self).__name__}({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Result) and other.to_dict() == self.to_dict()

    def __hash__(self) -> int:
        # Encoded, because nan != nan, while two results that both hold nan are equal.
        values = (getattr(self, item.name) for item in self._fields())
        return hash((type(self), *(_encode(v) for v in values if isinstance(v, (str, bool, int, float)))))


def to_json(data: Any) -> str:
    """Return strict JSON (no NaN or Infinity literals) of builtins.

    Parameters
    ----------
    data : object
        Builtins, arrays, frames or results.

    Returns
    -------
    str
        JSON text, indented.

    Examples
    --------
    >>> to_json({"risk": float("inf")})
    '{\\n  "risk": "inf"\\n}'
    """
    return json.dumps(_encode(data), indent=2, allow_nan=False)


def _freeze(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        kind = np.float64 if value.dtype.kind == "f" else value.dtype
        array = np.array(value, dtype=kind)
        array.flags.writeable = False
        return array
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return FrozenDict({key: _freeze(item) for key, item in value.items()})
    if type(value) in (list, tuple):
        return tuple(_freeze(item) for item in value)
    if _is_frame(value):
        return value.copy()
    return value


def _is_frame(value: Any) -> bool:
    # Asked this way round so that pandas is not imported for results without a frame.
    return hasattr(value, "iloc") and hasattr(value, "columns")


def _encode(value: Any) -> Any:
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _encode(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        if value.ndim > 1 and not value.size:
            return {"shape": list(value.shape)}  # lists end at the first empty axis
        return _encode(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    if isinstance(value, np.generic):
        return _encode(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if _is_frame(value):
        return {"columns": [str(c) for c in value.columns], "rows": _encode(value.to_numpy(object).tolist())}
    if isinstance(value, Path):
        return str(value)
    return value


def _hints(target: type[Result]) -> dict[str, Any]:
    # Modules of results import pandas for type checkers only, so its usual name is lent here.
    import pandas as pd

    return typing.get_type_hints(target, localns={"pd": pd})


def _decode(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping) and value.get("type") in Result._registry:
        return Result._registry[value["type"]].from_dict(value)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _decode_union([a for a in arguments if a is not type(None)], value)
    if origin is typing.Annotated:
        return _decode(arguments[0], value)
    if origin is np.ndarray or hint is np.ndarray:
        return _decode_array(arguments, value)
    if origin is tuple:
        inner = arguments[0] if arguments else Any
        hints = [inner] * len(value) if len(arguments) == 2 and arguments[1] is Ellipsis else arguments
        return tuple(_decode(h, v) for h, v in zip(hints, value, strict=True))
    if isinstance(value, Mapping):
        if set(value) == {"columns", "rows"}:
            return _decode_frame(value)
        outer, inner = arguments if len(arguments) == 2 else (Any, Any)
        return {_decode_key(outer, key): _decode(inner, item) for key, item in value.items()}
    if hint is float and isinstance(value, str):
        return _NON_FINITE.get(value, value)
    return value


def _decode_union(options: list[Any], value: Any) -> Any:
    if len(options) == 1:
        return _decode(options[0], value)
    if isinstance(value, str):
        return _NON_FINITE.get(value, value) if float in options else value
    if isinstance(value, (list, tuple, Mapping)):
        wanted: tuple[Any, ...] = (tuple, np.ndarray)
        if isinstance(value, Mapping):
            wanted = (np.ndarray,) if set(value) == {"shape"} else (dict, Mapping)
        shaped = [o for o in options if typing.get_origin(o) in wanted]
        return _decode(shaped[0] if shaped else Any, value)
    return value


def _decode_array(arguments: tuple[Any, ...], value: Any) -> Any:
    """Array of the element type that the hint names, if it names one."""
    inner = typing.get_args(arguments[1]) if len(arguments) == 2 else ()
    kind = inner[0] if inner and inner[0] in (np.float64, np.int64, np.bool_, np.str_) else None
    if isinstance(value, Mapping):
        return np.empty(value["shape"], dtype=kind)
    return np.asarray(value if kind is np.str_ else _numbers(value), dtype=kind)


def _decode_frame(value: Mapping[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame([_numbers(row) for row in value["rows"]], columns=value["columns"])


def _decode_key(hint: Any, key: str) -> Any:
    """JSON has text keys only."""
    return hint(key) if hint in (int, float) else key


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value
