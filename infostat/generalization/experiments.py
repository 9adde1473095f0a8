"""The six experiments of this wing by name: the door that the command line uses."""

from __future__ import annotations

import inspect
import os
from importlib import import_module
from typing import Any

from ..core.errors import InputError, InputTypeError
from .experiment_result import Experiment

__all__ = ["EXPERIMENTS", "run_experiment"]

EXPERIMENTS = {
    "E1": ("experiment_layers", "bounds_by_layer"),
    "E2": ("experiment_sample_size", "bounds_by_sample_size"),
    "E3": ("experiment_contraction", "contraction_curves"),
    "E4": ("experiment_gibbs", "gibbs_study"),
    "E5": ("experiment_network", "network_study"),
    "E6": ("experiment_supersample", "supersample_study"),
}


def run_experiment(
    name: str,
    *,
    rng: Any = None,
    n_jobs: int | None = None,
    progress: Any = False,
    checkpoint: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Experiment:
    """Run one of the experiments E1 to E6.

    Parameters
    ----------
    name : str
        ``"E1"`` bounds against the layer, ``"E2"`` against the sample size, ``"E3"`` contraction
        coefficients, ``"E4"`` the Gibbs algorithm, ``"E5"`` certificates of a trained network, ``"E6"``
        supersamples; lower case is accepted.
    rng : None, int, SeedSequence or Generator
        Seed; an experiment that draws nothing ignores it.
    n_jobs : int, optional
        Parallel workers, where replicates are run; the numbers do not depend on it.
    progress : bool or callable
        Progress; a callable gets ``(done, total)``.
    checkpoint : path, optional
        Folder that keeps finished replicates of E1, E5 and E6; an interrupted study resumes from it.
    **options
        Passed to the function behind the name, which documents them.

    Returns
    -------
    Experiment
        Labelled curves, caption, interpretation.

    Raises
    ------
    InputError
        If the name is unknown, or a checkpoint is given to an experiment without replicates.
    InputTypeError
        If the experiment has no such option.

    Examples
    --------
    >>> run_experiment("e3").name
    'E3'
    """
    known = ", ".join(EXPERIMENTS)
    if not isinstance(name, str):
        raise InputTypeError(f"name must be one of {known}, got a {type(name).__name__}")
    if name.upper() not in EXPERIMENTS:
        raise InputError(f"name must be one of {known}, got {name!r}")
    module, function = EXPERIMENTS[name.upper()]
    run = getattr(import_module(f".{module}", __package__), function)
    accepted = inspect.signature(run).parameters
    unknown = sorted(set(options) - set(accepted))
    if unknown:
        raise InputTypeError(f"{name.upper()} has no option {', '.join(unknown)}; it takes {', '.join(accepted)}")
    if checkpoint is not None and "checkpoint" not in accepted:
        raise InputError(f"checkpoint must be left out for {name.upper()}, which takes seconds and runs no replicates")
    common = {"checkpoint": checkpoint, "rng": rng, "n_jobs": n_jobs, "progress": progress}
    found: Experiment = run(**options, **{key: item for key, item in common.items() if key in accepted})
    return found
