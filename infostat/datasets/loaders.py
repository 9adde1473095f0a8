"""Find and read the shipped files.

An installed package carries the files in ``infostat/datasets/files``; a source
checkout (also one installed in editable mode) has them in its top-level folder
``data``. Both hold the same bytes.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import DataFileError, InputError, InputTypeError, describe
from ..core.validation import short

if TYPE_CHECKING:  # pandas takes half a second; the command line lists names without it
    import pandas as pd

__all__ = ["available", "load"]

_HERE = Path(__file__).resolve().parent
_FOLDERS = (_HERE / "files", _HERE.parents[1] / "data")


@dataclass(frozen=True)
class _Dataset:
    """What is known about a shipped file without opening it."""

    file: str
    rows: int
    columns: int
    description: str
    source: str
    licence: str
    separator: str = ","
    text_columns: tuple[str, ...] = ()


_DATASETS = {
    "wine_red": _Dataset(
        file="winequality-red.csv",
        rows=1599,
        columns=12,
        description="physico-chemical measurements of red vinho verde wines and a quality score",
        source='UCI Machine Learning Repository, "Wine Quality" '
        "(Cortez, Cerdeira, Almeida, Matos and Reis, 2009)",
        licence="CC BY 4.0",
        separator=";",
    ),
    "abalone": _Dataset(
        file="abalone.csv",
        rows=4177,
        columns=9,
        description="sex, sizes, weights and ring count of abalone",
        source='UCI Machine Learning Repository, "Abalone" '
        "(Nash, Sellers, Talbot, Cawthorn and Ford, 1994)",
        licence="CC BY 4.0",
        text_columns=("sex",),
    ),
    "word_sentiment": _Dataset(
        file="word_sentiment.csv",
        rows=15000,
        columns=3,
        description="English words, their unigram probability and a sentiment reward",
        source="probabilities: wordfreq 3.x (Speer, 2022); "
        "rewards: VADER lexicon (Hutto and Gilbert, 2014)",
        licence="probabilities CC BY-SA 4.0; rewards MIT",
        text_columns=("word",),
    ),
}


def load(name: str) -> pd.DataFrame:
    """Return a shipped data set as a fresh DataFrame.

    Parameters
    ----------
    name : str
        ``"wine_red"`` (1599 rows, 12 columns), ``"abalone"`` (4177, 9) or
        ``"word_sentiment"`` (15000, 3).

    Returns
    -------
    pandas.DataFrame
        The table with the column names of the file. Its ``attrs`` hold ``name``,
        ``source`` and ``licence``. Each call reads the file again, so that changing
        one frame leaves the next untouched.

    Raises
    ------
    InputTypeError
        If `name` is not a string.
    InputError
        If no data set has that name; the message lists those there are.
    DataFileError
        If the file is missing from the installation or cannot be read.

    See Also
    --------
    available : What can be loaded.

    Examples
    --------
    >>> wine = load("wine_red")
    >>> wine.shape
    (1599, 12)
    >>> wine.attrs["licence"]
    'CC BY 4.0'
    """
    dataset = _lookup(name)
    frame = _read(_locate(dataset.file), dataset)
    frame.attrs.update(name=name, source=dataset.source, licence=dataset.licence)
    return frame


def available() -> pd.DataFrame:
    """Return a table of the data sets that :func:`load` knows.

    Returns
    -------
    pandas.DataFrame
        One row per data set; columns ``name``, ``rows``, ``columns``,
        ``description``, ``source`` and ``licence``. No data file is opened.

    Examples
    --------
    >>> available()["name"].tolist()
    ['wine_red', 'abalone', 'word_sentiment']
    """
    import pandas as pd

    records = [
        {
            "name": name,
            "rows": dataset.rows,
            "columns": dataset.columns,
            "description": dataset.description,
            "source": dataset.source,
            "licence": dataset.licence,
        }
        for name, dataset in _DATASETS.items()
    ]
    return pd.DataFrame.from_records(records)


def _lookup(name: str) -> _Dataset:
    required = "one of " + ", ".join(repr(known) for known in _DATASETS)
    if not isinstance(name, str):
        raise InputTypeError(describe("name", required, short(name)))
    if name not in _DATASETS:
        close = difflib.get_close_matches(name.lower(), _DATASETS, n=1, cutoff=0.5)
        cure = f"did you mean {close[0]!r}?" if close else ""
        raise InputError(describe("name", required, name, cure))
    return _DATASETS[name]


def _locate(file: str) -> Path:
    for folder in _FOLDERS:
        path = folder / file
        if path.is_file():
            return path
    raise DataFileError(f"data file {file} is missing from this installation; install infostat again")


def _read(path: Path, dataset: _Dataset) -> pd.DataFrame:
    import pandas as pd

    try:
        # No file has missing entries, and "na", "null", "none" and "true" are words of
        # word_sentiment: nothing may be taken for a missing value or a boolean.
        return pd.read_csv(
            path,
            sep=dataset.separator,
            dtype=dict.fromkeys(dataset.text_columns, str),
            na_filter=False,
        )
    except (OSError, ValueError) as error:
        raise DataFileError(f"data file {path} cannot be read ({error}); install infostat again") from error
