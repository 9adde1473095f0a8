"""Experiments that run replicates: stopped in the middle, they resume to the same bits."""

from __future__ import annotations

import pytest

from infostat.core.errors import CheckpointError, InputError
from infostat.generalization.experiments import EXPERIMENTS, run_experiment

STUDIES = {
    "E1": {"ranks": (6, 3, 1), "gains": ((1.0,), (2.0,)), "replicates": 40, "n": 8},
    "E5": {"n": 20, "d": 3, "hidden": (3,), "steps": 5, "masks": 6},
    "E6": {"d": 2, "sizes": [5, 8], "supersamples": 4, "masks": 6, "network_sizes": [6, 9], "network_supersamples": 4,
           "network_masks": 6, "hidden": (2,), "steps": 3, "bootstrap": 20},
}  # fmt: skip
# Reports of progress after which the run stops: E5 reports every step of its two trainings first.
STOPS = {"E1": 1, "E5": 13, "E6": 7}


class _Stop(Exception):
    pass


def _stop_after(count):
    seen = []

    def report(done, total):
        seen.append(done)
        if len(seen) > count:
            raise _Stop

    return report


@pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")
@pytest.mark.parametrize("name", sorted(STUDIES))
def test_an_experiment_resumes_bit_for_bit(name, tmp_path):
    options = STUDIES[name]
    whole = run_experiment(name, rng=4, **options)
    folder = tmp_path / "parts"
    with pytest.raises(_Stop):
        run_experiment(name, rng=4, checkpoint=folder, progress=_stop_after(STOPS[name]), **options)
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.ckpt")}
    assert len(kept) > 1
    resumed = run_experiment(name, checkpoint=folder, **options)  # the seed is in the folder
    assert resumed == whole
    stamps = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.ckpt")}
    assert run_experiment(name, checkpoint=folder, n_jobs=2, **options) == whole
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.ckpt")} == stamps  # nothing was left to do
    with pytest.raises(CheckpointError, match="seed"):
        run_experiment(name, rng=5, checkpoint=folder, **options)
    changed = {**options, **({"steps": 4} if "steps" in options else {"n": 9})}
    with pytest.raises(CheckpointError, match="another study"):
        run_experiment(name, rng=4, checkpoint=folder, **changed)
    other = next(other for other in STUDIES if other != name)
    with pytest.raises(CheckpointError, match="experiment"):
        run_experiment(other, rng=4, checkpoint=folder, **STUDIES[other])


@pytest.mark.parametrize("name", sorted(set(EXPERIMENTS) - set(STUDIES)))
def test_experiments_without_replicates_take_no_checkpoint(name, tmp_path):
    with pytest.raises(InputError, match="checkpoint must be left out"):
        run_experiment(name, checkpoint=tmp_path / "parts")
