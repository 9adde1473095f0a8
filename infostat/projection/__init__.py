"""Is my sample large enough for a model this big?

Maximum likelihood as information projection, the expansion of its estimation
risk, and the p-n criterion built on it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .criterion import information_criteria, pn_criterion
    from .criterion_result import PNCriterion
    from .exact import exact_risk
    from .planning import estimation_risk, optimism, plan_sample_size, reverse_risk
    from .results import (
        BootstrapResult,
        ExactRisk,
        InformationCriteria,
        InformationProjection,
        Misfit,
        RiskTerms,
        SampleSizePlan,
    )
    from .sampler_result import SamplerReport
    from .sandwich import sandwich_risk
    from .sandwich_result import SandwichRisk
    from .sequence_result import PNSequence
    from .sequences import pn_sequence
    from .simulation import simulate_risk
    from .simulation_result import RiskSimulation
    from .terms import information_projection, risk_terms
    from .thresholds import bayes_error_floor, bayes_error_threshold

_MODULES = {
    "BootstrapResult": "results",
    "ExactRisk": "results",
    "InformationCriteria": "results",
    "InformationProjection": "results",
    "Misfit": "results",
    "PNCriterion": "criterion_result",
    "PNSequence": "sequence_result",
    "RiskSimulation": "simulation_result",
    "RiskTerms": "results",
    "SampleSizePlan": "results",
    "SamplerReport": "sampler_result",
    "SandwichRisk": "sandwich_result",
    "bayes_error_floor": "thresholds",
    "bayes_error_threshold": "thresholds",
    "estimation_risk": "planning",
    "exact_risk": "exact",
    "information_criteria": "criterion",
    "information_projection": "terms",
    "optimism": "planning",
    "plan_sample_size": "planning",
    "pn_criterion": "criterion",
    "pn_sequence": "sequences",
    "reverse_risk": "planning",
    "risk_terms": "terms",
    "sandwich_risk": "sandwich",
    "simulate_risk": "simulation",
}

__all__ = [
    "BootstrapResult",
    "ExactRisk",
    "InformationCriteria",
    "InformationProjection",
    "Misfit",
    "PNCriterion",
    "PNSequence",
    "RiskSimulation",
    "RiskTerms",
    "SampleSizePlan",
    "SamplerReport",
    "SandwichRisk",
    "bayes_error_floor",
    "bayes_error_threshold",
    "estimation_risk",
    "exact_risk",
    "information_criteria",
    "information_projection",
    "optimism",
    "plan_sample_size",
    "pn_criterion",
    "pn_sequence",
    "reverse_risk",
    "risk_terms",
    "sandwich_risk",
    "simulate_risk",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
