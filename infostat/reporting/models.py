"""Which families a report judges, alone and together, and the p-n criterion of each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import SeedSequence

from ..core.chunks import FrameStream
from ..core.data import Table
from ..core.errors import InfostatError, InfostatWarning
from ..core.rng import child
from ..families.base import ExponentialFamily
from ..families.multivariate_normal import MultivariateNormal
from ..families.product import ProductFamily
from ..families.registry import get_family
from ..families.scipy_laws import has_law
from ..projection.criterion_result import PNCriterion
from ..projection.sequence_result import PNSequence
from ..projection.sequences import pn_sequence
from .column_profile import ColumnProfile
from .preparation import Prepared

__all__ = ["JointModels", "Judging", "joint_groups", "judge", "judge_column"]

EDGE = 0.3
"""Columns whose correlation is larger in size are joined in the graph model."""

_SATURATED = ("bernoulli", "categorical")
_MOST_BITS = 10  # 2^d cells are enumerated
_MOST_GRAPH = 60  # columns of a normal graph
_RESAMPLES = 200
_MOST_WORK = 1e10  # of a bootstrap, about 15 seconds
_MOST_TERMS = 2e10  # operations of the full normal model, about 25 seconds


@dataclass(frozen=True)
class Judging:
    """How models are judged.

    Attributes
    ----------
    alpha : float
        Tolerated loss of Bayes error.
    bootstrap : int or None
        Resamples; None takes 200 where they take seconds, and none elsewhere.
    seed : SeedSequence
        Seed; every group of models draws from a child of its own.
    n_jobs : int or None
        Workers.
    """

    alpha: float
    bootstrap: int | None
    seed: SeedSequence
    n_jobs: int | None


@dataclass(frozen=True, eq=False)
class JointModels:
    """Models of several columns, judged on the same columns.

    Attributes
    ----------
    title : str
        What the columns have in common.
    labels : list of str
        The columns.
    families : dict of str to ExponentialFamily
        Models from small to large.
    skipped : dict of str to str
        Models that are not judged, and why.
    """

    title: str
    labels: list[str]
    families: dict[str, ExponentialFamily]
    skipped: dict[str, str]


def judge(
    table: Table | FrameStream, families: Mapping[str, str | ExponentialFamily], how: Judging, index: int
) -> PNSequence | str:
    """Return the p-n criterion of several models of the same columns, or why there is none.

    Parameters
    ----------
    table : Table or FrameStream
        Complete rows; a stream is read once, and has no intervals.
    families : mapping of str to family
        The models.
    how : Judging
        Options.
    index : int
        Child of the seed.

    Returns
    -------
    PNSequence or str
        One criterion a model, or the reason why no model has an estimate.

    Examples
    --------
    >>> from infostat.core.data import read_table
    >>> from infostat.core.rng import as_seed_sequence
    >>> how = Judging(alpha=0.05, bootstrap=0, seed=as_seed_sequence(0), n_jobs=None)
    >>> judge(read_table([1.0, 2.0, 4.0, 9.0]), {"gamma": "gamma"}, how, 0).p.tolist()
    [2]
    """
    resamples = _resamples(table.frame, families, how) if isinstance(table, Table) else 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfostatWarning)  # flags of the results, gathered by the report
            return pn_sequence(
                table, families, alpha=how.alpha, bootstrap=resamples, rng=child(how.seed, index), n_jobs=how.n_jobs
            )
    except InfostatError as error:
        return str(error)


def _resamples(frame: pd.DataFrame, families: Mapping[str, Any], how: Judging) -> int:
    if how.bootstrap is not None:
        return how.bootstrap
    sizes = [_size(get_family(family), frame) for family in families.values()]
    work = _RESAMPLES * len(frame) * float(max(sizes)) ** 1.5
    return _RESAMPLES if work <= _MOST_WORK else 0


def _size(family: ExponentialFamily, frame: pd.DataFrame) -> int:
    rows: Any = frame if family.accepts_labels else frame.to_numpy()
    try:
        return family.bind(rows).n_params(rows)
    except InfostatError:  # judging it says why
        return 1


def judge_column(
    profile: ColumnProfile, table: Table, families: Mapping[str, ExponentialFamily], how: Judging, index: int
) -> ColumnProfile:
    """Return a column's description with the criteria and fitted curves of its families.

    Parameters
    ----------
    profile : ColumnProfile
        The column as it is.
    table : Table
        Its complete rows.
    families : mapping of str to ExponentialFamily
        The models.
    how : Judging
        Options.
    index : int
        Child of the seed.

    Returns
    -------
    ColumnProfile
        A new one.
    """
    found = judge(table, families, how, index)
    if isinstance(found, str):
        return replace(profile, reasons=dict.fromkeys(families, found))
    criteria = {name: r for name, r in zip(found.names, found.results, strict=True) if r is not None}
    tic = dict(zip(found.names, found.tic.tolist(), strict=True))
    usable = {name: value for name, value in tic.items() if np.isfinite(value)}
    best = min(usable, key=lambda name: usable[name]) if usable else next(iter(criteria))
    grid, curves = _curves(profile, criteria, families)
    return replace(
        profile,
        criteria=criteria,
        reasons={name: why for name, why in zip(found.names, found.reasons, strict=True) if why},
        best=best,
        tic={name: tic[name] for name in criteria},
        aic={name: value for name, value in zip(found.names, found.aic.tolist(), strict=True) if name in criteria},
        grid=grid,
        curves=curves,
    )


def _curves(profile: ColumnProfile, criteria: dict[str, PNCriterion], families: Mapping[str, ExponentialFamily]) -> Any:
    """Grid and fitted densities; a saturated model repeats the bars and is not drawn."""
    drawn = {
        name: result.theta for name, result in criteria.items()
        if families[name].name not in _SATURATED and has_law(families[name]) and result.theta is not None
    }  # fmt: skip
    low, high = float(profile.quantiles[0]), float(profile.quantiles[4])
    if not drawn or not np.isfinite(low):
        return None, None
    if profile.kind == "count":
        grid = np.arange(low, high + 1.0)
    else:
        margin = 0.0 if profile.kind == "positive" else 0.03 * (high - low)
        grid = np.linspace(low - margin, high + margin, 160)
    curves = {}
    for name, theta in drawn.items():
        with np.errstate(over="ignore"):
            curves[name] = np.exp(np.asarray(families[name].logpdf(grid, theta)))
    return grid, curves


def joint_groups(prepared: Prepared, profiles: Mapping[str, ColumnProfile]) -> list[JointModels]:
    """Return the models of several columns that suit a data set.

    Parameters
    ----------
    prepared : Prepared
        Rows and kinds.
    profiles : mapping of str to ColumnProfile
        The columns, judged one by one.

    Returns
    -------
    list of JointModels
        For measurements, for 0/1 columns, and for all columns where they are of different kinds.
    """
    groups = [_measurements(prepared, profiles), _bits(prepared), _everything(prepared, profiles)]
    return [group for group in groups if group is not None]


def _measurements(prepared: Prepared, profiles: Mapping[str, ColumnProfile]) -> JointModels | None:
    labels = prepared.labels("real", "positive")
    n, d = len(prepared.frame), len(labels)
    if d < 2:
        return None
    models: dict[str, ExponentialFamily] = {"independent normals": get_family("mvn_diagonal")}
    skipped: dict[str, str] = {}
    best = [profiles[label].best or "normal" for label in labels]
    if any(name != "normal" for name in best):
        models["independent, best family each"] = ProductFamily(best)
    edges = _edges(prepared.frame[labels].to_numpy(dtype=np.float64))
    if 0 < len(edges) < d * (d - 1) // 2 and d <= _MOST_GRAPH:
        models[f"normal graph, |r| > {EDGE:g}"] = MultivariateNormal(edges)
    full = "multivariate normal"
    if min(n * d**4 / 24.0, float(n) * n * d) > _MOST_TERMS:
        size = d * (d + 3) // 2
        skipped[full] = f"{size} parameters on {n} rows take minutes; use infostat.pn_criterion for it alone"
    else:
        models[full] = get_family("mvn")
    return JointModels("all measurements together", labels, models, skipped)


def _edges(values: np.ndarray) -> list[tuple[int, int]]:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        correlation = np.nan_to_num(np.corrcoef(values.T))
    return [(int(i), int(j)) for i, j in zip(*np.triu_indices(len(correlation), 1), strict=True)
            if abs(correlation[i, j]) > EDGE]  # fmt: skip


def _bits(prepared: Prepared) -> JointModels | None:
    labels = prepared.labels("binary")
    if len(labels) < 2:
        return None
    pairs = "all pairs of bits (Ising)"
    if len(labels) <= _MOST_BITS:
        models = {"independent bits": get_family("ising_independent"), pairs: get_family("ising")}
        return JointModels("all 0/1 columns together", labels, models, {})
    product: ExponentialFamily = ProductFamily(["bernoulli"] * len(labels))
    skipped = {pairs: f"only up to {_MOST_BITS} columns, because all combinations are enumerated"}
    return JointModels("all 0/1 columns together", labels, {"independent bits": product}, skipped)


def _everything(prepared: Prepared, profiles: Mapping[str, ColumnProfile]) -> JointModels | None:
    labels = [label for label in prepared.frame.columns if profiles[label].best]
    measured = {profiles[label].kind in ("real", "positive") for label in labels}
    bits = all(profiles[label].kind == "binary" for label in labels)
    if len(labels) < 2 or measured == {True} or bits:
        return None
    product = ProductFamily([profiles[label].best for label in labels])
    return JointModels("all columns together", labels, {"all columns independent": product}, {})
