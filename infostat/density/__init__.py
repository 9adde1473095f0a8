"""In which regime is my kernel density estimate, and which bandwidth is best in large dimension?

Exact log densities at any dimension, the theory of the three regimes, a verdict on a data set,
and the bandwidth that is best in Kullback-Leibler divergence.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import spectra
    from .assessment import DensityAssessment, assess_density
    from .collapse import diffusion_collapse
    from .diagnosis import diagnose_bandwidth
    from .diagnosis_result import BandwidthDiagnosis
    from .effective import effective_dimension, sample_spectrum, theory_from_data
    from .estimator import KernelDensity
    from .evaluation import log_density
    from .finite import finite_size
    from .one_point import simulate_fluctuations
    from .one_point_result import FluctuationSimulation
    from .phases import phase_diagram
    from .regimes import regime_theory
    from .saddle import tau_fs
    from .selection import select_bandwidth
    from .selection_results import BandwidthSelection
    from .simulation import simulate_regimes
    from .simulation_results import RegimeSimulation
    from .stable import stable_law
    from .theory_results import RegimeTheory
    from .thresholds import kernel_thresholds

_MODULES = {
    "BandwidthDiagnosis": "diagnosis_result",
    "BandwidthSelection": "selection_results",
    "DensityAssessment": "assessment",
    "FluctuationSimulation": "one_point_result",
    "KernelDensity": "estimator",
    "RegimeSimulation": "simulation_results",
    "RegimeTheory": "theory_results",
    "assess_density": "assessment",
    "diagnose_bandwidth": "diagnosis",
    "diffusion_collapse": "collapse",
    "effective_dimension": "effective",
    "finite_size": "finite",
    "kernel_thresholds": "thresholds",
    "log_density": "evaluation",
    "phase_diagram": "phases",
    "regime_theory": "regimes",
    "sample_spectrum": "effective",
    "select_bandwidth": "selection",
    "simulate_fluctuations": "one_point",
    "simulate_regimes": "simulation",
    "stable_law": "stable",
    "tau_fs": "saddle",
    "theory_from_data": "effective",
}

__all__ = [
    "BandwidthDiagnosis",
    "BandwidthSelection",
    "DensityAssessment",
    "FluctuationSimulation",
    "KernelDensity",
    "RegimeSimulation",
    "RegimeTheory",
    "assess_density",
    "diagnose_bandwidth",
    "diffusion_collapse",
    "effective_dimension",
    "finite_size",
    "kernel_thresholds",
    "log_density",
    "phase_diagram",
    "regime_theory",
    "sample_spectrum",
    "select_bandwidth",
    "simulate_fluctuations",
    "simulate_regimes",
    "spectra",
    "stable_law",
    "tau_fs",
    "theory_from_data",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    if name == "spectra":
        return import_module(".spectra", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
