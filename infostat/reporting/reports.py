"""`report`: one call from a data set, a reward file or results to a page to hand on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..core.chunks import frame_stream, is_dask, is_large
from ..core.data import Columns, Table, read_table, selected_labels
from ..core.errors import InputError, InputTypeError, describe
from ..core.progress import Progress, progress_callback
from ..core.rng import RngLike, as_seed_sequence
from ..core.validation import as_items, check_choice, check_count, check_number, short
from ..families.base import ExponentialFamily
from ..families.registry import get_family
from .dataset_report import dataset_report
from .large_table import sample_rows
from .models import Judging
from .report_result import Report
from .results_report import labelled_results, results_report
from .reward_report import holds_rewards, reward_report

__all__ = ["report"]

KINDS = ("auto", "dataset", "rewards")


def report(
    data_or_results: Any,
    *,
    family: str | ExponentialFamily | Iterable[Any] | Mapping[str, Any] | None = None,
    columns: Columns = None,
    drop: Columns = None,
    title: str | None = None,
    kind: str = "auto",
    alpha: float = 0.05,
    bootstrap: int | None = None,
    missing: str = "drop",
    rng: RngLike = 0,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> Report:
    """Gather verdicts, tables, figures, cautions and sources on one page.

    Parameters
    ----------
    data_or_results : array_like, Series, DataFrame, path, Dask DataFrame, Result, list or mapping of results
        A data set (rows are observations), a reward file (a table with a column ``reward``), or
        results computed before. Of a file above 64 MB or a Dask frame a uniform sample of 50 000 rows is
        analysed, and the models of several columns also on all rows, in one pass each.
    family : str, ExponentialFamily, list or mapping, optional
        Models to judge instead of those that suit the columns: one-column families on every column,
        others on all columns together.
    columns, drop : str or list, optional
        Columns to use, or to leave out.
    title : str, optional
        Heading of the page.
    kind : {"auto", "dataset", "rewards"}
        How to read a table; ``"auto"`` takes it for rewards if it has a column ``reward``.
    alpha : float
        Tolerated loss of Bayes error of the p-n criterion, in (0, 1/2).
    bootstrap : int, optional
        Resamples for intervals; 200 where they take seconds if None, 0 for none.
    missing : {"drop", "raise"}
        Rows with a missing or infinite value: leave out with a caution, or refuse.
    rng : None, int, SeedSequence or Generator
        Seed; the same seed gives the same report.
    n_jobs : int, optional
        Workers; the numbers do not depend on it.
    progress : bool or callable
        Progress over the steps; a callable gets ``(done, total)``.

    Returns
    -------
    Report
        ``save("x.html")`` writes one self-contained page, ``.md`` and ``.tex`` the same as text,
        ``.json`` every number; `verdicts` maps each question to a word.

    Raises
    ------
    InputError
        If an option is out of range, or data options come with results.
    DataError
        If the data allow no analysis.
    DataFileError
        If a file cannot be read.

    Warns
    -----
    InfostatWarning
        If rows or columns are left out; the report lists them too.

    Notes
    -----
    For a data set every column is read by its values (measurements, counts, 0/1, levels) and judged
    by the p-n criterion under the families that suit its kind; measurements are judged together by
    independent normals, a normal graph and a full normal model, 0/1 columns by independent bits and
    the pairwise model. Information criteria and tests of fit compare them. The kernel density
    estimate of the standardised measurements gets its bandwidth by leave-one-out and its regime by
    diagnosis. An analysis that the data do not allow is named with the reason, and the others go on.

    Examples
    --------
    >>> import infostat
    >>> wine = infostat.load_dataset("wine_red")[["alcohol", "pH"]]
    >>> found = report(wine, bootstrap=0)
    >>> found.verdicts["Is the sample large enough?"]
    'sufficient'
    """
    seed = as_seed_sequence(rng)
    heading = _title(title)
    how = check_choice("kind", kind, KINDS)
    results = labelled_results(data_or_results)
    if results is not None:
        if family is not None or columns is not None or drop is not None or how != "auto":
            raise InputError("family, columns, drop and kind are for data; a report of results takes none of them")
        if any(isinstance(item, Report) for item in results.values()):
            raise InputTypeError("data_or_results must hold results, got a report, which can be saved as it is")
        return results_report(results, title=heading, named=isinstance(data_or_results, Mapping))
    chosen = None if family is None else _families(family)
    resamples = None if bootstrap is None else check_count("bootstrap", bootstrap)
    lost = check_choice("missing", missing, ("drop", "raise"))
    level = check_number("alpha", alpha, low=0, high=0.5, open_low=True, open_high=True)
    rewards = how == "rewards" or (how == "auto" and chosen is None)
    if rewards and columns is None and drop is None and is_large(data_or_results):
        labels = frame_stream(data_or_results).labels or ()
        if how == "rewards" or holds_rewards(labels):
            return reward_report(
                data_or_results, os.fspath(data_or_results), title=heading, bootstrap=resamples, missing=lost,
                streamed=True, seed=seed, n_jobs=n_jobs, progress=progress,
            )  # fmt: skip
    judging = Judging(level, resamples, seed, n_jobs)
    if is_large(data_or_results) or is_dask(data_or_results):
        stream = frame_stream(data_or_results, lambda labels: selected_labels(labels, columns, drop))
        if not rewards or not (how == "rewards" or holds_rewards(stream.labels or ())):
            with progress_callback(progress, "rows") as told:
                large = sample_rows(stream, seed, told=told)
            with progress_callback(progress, "report") as told:
                return dataset_report(
                    large.sample, chosen, title=heading, how=judging, missing=lost, told=told, large=large
                )
    table = _table(data_or_results, columns, drop)
    if rewards and (how == "rewards" or holds_rewards(table.labels)):
        if chosen is not None:
            raise InputError('family is for data sets, got kind="rewards"; leave it out')
        return reward_report(
            table, table.source, title=heading, bootstrap=resamples, missing=lost, streamed=False, seed=seed,
            n_jobs=n_jobs, progress=progress,
        )  # fmt: skip
    with progress_callback(progress, "report") as told:
        return dataset_report(table, chosen, title=heading, how=judging, missing=lost, told=told)


def _title(title: str | None) -> str | None:
    if title is not None and not isinstance(title, str):
        raise InputTypeError(describe("title", "a text", short(title)))
    return title


def _families(family: Any) -> dict[str, ExponentialFamily]:
    if isinstance(family, Mapping):
        found = {str(label): get_family(item) for label, item in family.items()}
    elif isinstance(family, (str, ExponentialFamily, type)):
        found = {_label(family): get_family(family)}
    else:
        items = as_items("family", family, "a family, a list of families or a mapping")
        found = {_label(item): get_family(item) for item in items}
        if len(found) < len(items):
            raise InputError("family must name each model once; give them names with a mapping")
    if not found:
        raise InputError("family must hold at least one model, got none")
    return found


def _label(family: Any) -> str:
    return family.strip() if isinstance(family, str) else repr(get_family(family))


def _table(data: Any, columns: Columns, drop: Columns) -> Table:
    """The selection; a shipped data set keeps its name."""
    table = read_table(data, columns=columns, drop=drop, name="data_or_results")
    name = table.frame.attrs.get("name") if table.source == "DataFrame" else None
    return Table(table.frame, f"dataset:{name}") if isinstance(name, str) and name else table
