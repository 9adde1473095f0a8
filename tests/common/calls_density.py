"""A good call of every public function of infostat.density."""

from __future__ import annotations

from typing import Any

import numpy as np

from infostat import density as dn
from infostat.density import spectra
from tests.common.bad_values import Call

X = np.random.default_rng(0).normal(size=(130, 2))
Q = X[:4] + 0.1
_RUN: dict[str, Any] = {"n_jobs": None, "progress": False}
_BLOCKS: dict[str, Any] = {**_RUN, "batch_size": None, "checkpoint": None}


def _estimator(
    bandwidth: Any, kernel: Any, kappa: Any, duplicates: Any, n_jobs: Any, X: Any, y: Any, sample_weight: Any
) -> Any:
    made = dn.KernelDensity(bandwidth, kernel, kappa=kappa, duplicates=duplicates, n_jobs=n_jobs)
    return made.fit(X, y, sample_weight).score_samples(Q)


CALLS: dict[str, Call] = {
    "KernelDensity": (
        _estimator,
        {"bandwidth": 0.5, "kernel": "gaussian", "kappa": None, "duplicates": "group", "n_jobs": None, "X": X,
         "y": None, "sample_weight": None},
    ),
    "assess_density": (
        dn.assess_density,
        {"data": X, "bandwidth": "loo", "standardize": False, "duplicates": "group", "rng": 0, **_RUN},
    ),
    "diagnose_bandwidth": (
        dn.diagnose_bandwidth,
        {"X": X, "h": 0.5, "queries": None, "weights": None, "duplicates": "group", "n_halvings": 1, "rng": 0, **_RUN},
    ),
    "diffusion_collapse": (dn.diffusion_collapse, {"alpha": 0.3, "spectrum": None}),
    "effective_dimension": (dn.effective_dimension, {"X": X}),
    "finite_size": (dn.finite_size, {"n": 100, "d": 3, "h": 0.6, "log_n": None, "progress": False}),
    "finite_size, log_n": (dn.finite_size, {"n": None, "d": 3, "h": [0.6], "log_n": 9.0}),
    "kernel_thresholds": (
        dn.kernel_thresholds, {"alpha": 0.3, "kernel": "student", "kappa": 1.0, "spectrum": None}
    ),
    "log_density": (
        dn.log_density,
        {"X": X, "Q": Q, "h": 0.5, "kernel": "gaussian", "kappa": None, "weights": None, "loo": False,
         "duplicates": "group", **_RUN},
    ),
    "phase_diagram": (dn.phase_diagram, {"alphas": [0.1, 0.3], "spectrum": None}),
    "regime_theory": (dn.regime_theory, {"alpha": 0.3, "spectrum": None, "at": None, "marginal": None}),
    "sample_spectrum": (dn.sample_spectrum, {"X": X}),
    "select_bandwidth": (
        dn.select_bandwidth,
        {"X": X, "method": "loo", "grid": None, "refine": True, "max_queries": 10000, "duplicates": "group",
         "weights": None, "diagnose": False, **_RUN},
    ),
    "simulate_fluctuations": (
        dn.simulate_fluctuations,
        {"n": 20, "d": 3, "n_data": 100, "h": 0.5, "mu": None, "x_norm_sq": None, "rng": 0, **_BLOCKS},
    ),
    "simulate_fluctuations, index": (
        dn.simulate_fluctuations, {"n": 20, "d": 3, "n_data": 100, "h": None, "mu": 0.5, "rng": 0}
    ),
    "simulate_regimes": (
        dn.simulate_regimes,
        {"d": 3, "h_grid": [0.5, 1.0], "n_x": 2, "n_data": 2, "n": 20, "alpha": None, "spectrum": None, "rng": 0,
         "route": "auto", **_BLOCKS},
    ),
    "stable_law": (dn.stable_law, {"mu": 0.5}),
    "tau_fs": (dn.tau_fs, {"n": 100, "d": 3, "spectrum": None, "at": None, "log_n": None}),
    "theory_from_data": (dn.theory_from_data, {"X": X, "at": None}),
    "as_spectrum": (spectra.as_spectrum, {"spectrum": None}),
    "isotropic": (spectra.isotropic, {"s2": 1.0}),
    "marchenko_pastur": (spectra.marchenko_pastur, {"c": 0.5}),
    "power_law": (spectra.power_law, {"a": 1.0, "d": 5}),
    "two_level": (spectra.two_level, {"s1": 1.0, "s2": 2.0, "p": 0.5}),
}  # fmt: skip
