"""Settings of every test run."""

import os
import sys
from collections.abc import Iterator

import pytest

# Set before anything imports matplotlib; the processes that tests start inherit it.
os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Leave no figure behind, so that a test may count those it made."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture(autouse=True, scope="module")
def _dask_scheduler_as_before() -> Iterator[None]:
    """Undo what clients of a module leave in Dask's settings when they close in another order than they opened."""
    yield
    dask = sys.modules.get("dask")
    if dask is not None and dask.config.get("scheduler", None) == "dask.distributed":
        dask.config.set(scheduler=None)
