"""A good call of every public function of infostat.datasets and infostat.reporting."""

from __future__ import annotations

import numpy as np
import pandas as pd

from infostat import datasets, reporting
from infostat.reporting import figures
from tests.common.bad_values import Call

_G = np.random.default_rng(0)
FRAME = pd.DataFrame({"length": _G.gamma(4.0, 2.0, 40), "visits": _G.poisson(3.0, 40)})

CALLS: dict[str, Call] = {
    "available": (datasets.available, {}),
    "catalogue": (datasets.catalogue, {"name": "wine_red"}),
    "load": (datasets.load, {"name": "wine_red"}),
    "find_figures": (figures.find_figures, {"names": ["alignment-game"]}),
    "list_figures": (figures.list_figures, {}),
    "make_figure": (
        figures.make_figure, {"name": "alignment-game", "rng": 0, "quick": True, "n_jobs": None, "progress": False}
    ),
    "write_figures": (
        figures.write_figures,
        {"folder": "figures", "names": ["alignment-game"], "kind": "svg", "rng": 0, "quick": True, "n_jobs": None,
         "progress": False},
    ),
    "simulate": (
        reporting.simulate,
        {"study": "bounds", "grid": {"n": [5, 9]}, "fixed": {"d": 3}, "replicates": 4, "x": "n", "quantity": "gap",
         "rng": 0, "n_jobs": None, "batch_size": None, "progress": False, "checkpoint": None},
    ),
    "report": (
        reporting.report,
        {"data_or_results": FRAME, "family": None, "columns": None, "drop": None, "title": None, "kind": "auto",
         "alpha": 0.05, "bootstrap": 0, "missing": "drop", "rng": 0, "n_jobs": None, "progress": False},
    ),
}  # fmt: skip
