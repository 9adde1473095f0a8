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
