"""How much reward does a KL budget buy: best-of-N against KL-constrained training.

Exact tilts, best-of-N and rate functions of a law; unbiased curves with standard errors from reward
scores; f-divergences, proxies and preference games beside them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..divergences import renyi_cross_entropy
    from .alignment_result import Alignment, BestOfNTable
    from .bestofn import best_of_n, log_n_for_kl
    from .bestofn_results import BestOfN
    from .curve_result import BonCurve
    from .curves import bon_curve
    from .difference import difference_sampling
    from .divergence_laws import bon_divergences, bon_kl_single_atom, log_n_from_kl
    from .estimation import estimate
    from .estimation_result import EstimateResult
    from .f_optima import f_optimum
    from .f_results import FOptimum
    from .fractions import top_fraction
    from .frontier_result import Frontier
    from .frontiers import frontier
    from .games import exploitability, nash_mirror_prox
    from .losses import f_dpo_loss, f_pseudo_reward
    from .pass_rates import pass_at_k
    from .policies import free_energy, policy_gap, small_kl_expansion
    from .proxies import correlated_proxy_bound, overoptimisation_fit
    from .rate_functions import rate_function, scaled_cumulants
    from .rates import EmpiricalRate, empirical_rate
    from .sequence_results import RateFunction, SequenceBestOfN, SequenceTail
    from .sequences import sequence_bon
    from .simulation import AlignmentSimulation, simulate_alignment
    from .soft import soft_best_of_n
    from .strategies import pass_at_k_by_divergence, strategy_pass_at_k
    from .stream_estimation import stream_estimate
    from .tails import sequence_tail
    from .tilt_result import Tilt
    from .tilts import tilt
    from .together import align

_MODULES = {
    "Alignment": "alignment_result",
    "AlignmentSimulation": "simulation",
    "BestOfN": "bestofn_results",
    "BestOfNTable": "alignment_result",
    "BonCurve": "curve_result",
    "EmpiricalRate": "rates",
    "EstimateResult": "estimation_result",
    "FOptimum": "f_results",
    "Frontier": "frontier_result",
    "RateFunction": "sequence_results",
    "SequenceBestOfN": "sequence_results",
    "SequenceTail": "sequence_results",
    "Tilt": "tilt_result",
    "align": "together",
    "best_of_n": "bestofn",
    "bon_curve": "curves",
    "bon_divergences": "divergence_laws",
    "bon_kl_single_atom": "divergence_laws",
    "correlated_proxy_bound": "proxies",
    "difference_sampling": "difference",
    "empirical_rate": "rates",
    "estimate": "estimation",
    "exploitability": "games",
    "f_dpo_loss": "losses",
    "f_optimum": "f_optima",
    "f_pseudo_reward": "losses",
    "free_energy": "policies",
    "frontier": "frontiers",
    "log_n_for_kl": "bestofn",
    "log_n_from_kl": "divergence_laws",
    "nash_mirror_prox": "games",
    "overoptimisation_fit": "proxies",
    "pass_at_k": "pass_rates",
    "pass_at_k_by_divergence": "strategies",
    "policy_gap": "policies",
    "rate_function": "rate_functions",
    "scaled_cumulants": "rate_functions",
    "sequence_bon": "sequences",
    "sequence_tail": "tails",
    "simulate_alignment": "simulation",
    "small_kl_expansion": "policies",
    "soft_best_of_n": "soft",
    "strategy_pass_at_k": "strategies",
    "stream_estimate": "stream_estimation",
    "tilt": "tilts",
    "top_fraction": "fractions",
}

__all__ = [
    "Alignment",
    "AlignmentSimulation",
    "BestOfN",
    "BestOfNTable",
    "BonCurve",
    "EmpiricalRate",
    "EstimateResult",
    "FOptimum",
    "Frontier",
    "RateFunction",
    "SequenceBestOfN",
    "SequenceTail",
    "Tilt",
    "align",
    "best_of_n",
    "bon_curve",
    "bon_divergences",
    "bon_kl_single_atom",
    "correlated_proxy_bound",
    "difference_sampling",
    "empirical_rate",
    "estimate",
    "exploitability",
    "f_dpo_loss",
    "f_optimum",
    "f_pseudo_reward",
    "free_energy",
    "frontier",
    "log_n_for_kl",
    "log_n_from_kl",
    "nash_mirror_prox",
    "overoptimisation_fit",
    "pass_at_k",
    "pass_at_k_by_divergence",
    "policy_gap",
    "rate_function",
    "renyi_cross_entropy",
    "scaled_cumulants",
    "sequence_bon",
    "sequence_tail",
    "simulate_alignment",
    "small_kl_expansion",
    "soft_best_of_n",
    "strategy_pass_at_k",
    "stream_estimate",
    "tilt",
    "top_fraction",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    if name == "renyi_cross_entropy":  # the one of tables, met in rate functions
        from ..divergences import renyi_cross_entropy

        return renyi_cross_entropy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
