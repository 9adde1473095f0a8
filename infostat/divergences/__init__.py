"""Divergences, entropies and transport: of tables, of laws, of samples.

One generator table fixes names and scales; every function says which of the
three kinds of input it takes, and :func:`divergence` takes them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..core.declared import declared_names

if TYPE_CHECKING:
    from .advice import Advice, advise
    from .bregman_potentials import bregman
    from .class_information import ClassConditionalInformation, class_conditional_mi
    from .discrete import entropy_from_counts
    from .dispatch import divergence, divergence_kinds
    from .entropic import sinkhorn, sinkhorn_divergence
    from .exact_transport import wasserstein_exact
    from .gaussian import (
        cauchy_schwarz_gaussian,
        hellinger_gaussian,
        kl_gaussian,
        mmd_gaussian,
        renyi_gaussian,
        sinkhorn_gaussian,
        sliced_w2_gaussian,
        w2_gaussian,
    )
    from .generators import Generator, generator
    from .information import (
        conditional_entropy,
        conditional_mutual_information,
        entropy,
        interaction_information,
        mutual_information,
        total_correlation,
    )
    from .kernel_distances import cka, hsic, median_bandwidth, mmd
    from .kernel_estimators import cauchy_schwarz_kernel, conditional_cs, cs_qmi, kl_kde
    from .ksg import cmi_knn, mi_ksg
    from .laws import law_divergence
    from .nearest import entropy_knn, kl_knn, renyi_knn
    from .one_dimensional import energy_distance, wasserstein_1d
    from .permutation import permutation_test
    from .ratio_estimators import donsker_varadhan, kliep, nwj, ratio_logistic, ulsif
    from .results import DivergenceResult, Estimate, PairDisplay, PermutationTest, SinkhornResult
    from .sliced import sliced_wasserstein
    from .table_divergences import (
        alpha,
        hellinger,
        hockey_stick,
        jeffreys,
        js,
        js_multi,
        kl,
        le_cam,
        neyman,
        pearson,
        reverse_kl,
        tv,
    )
    from .table_orders import cauchy_schwarz, renyi, renyi_cross_entropy, tsallis
    from .tv_kl_curves import kl_lower_from_tv, tv_upper_from_kl

_MODULES = {
    "Advice": "advice",
    "ClassConditionalInformation": "class_information",
    "DivergenceResult": "results",
    "Estimate": "results",
    "Generator": "generators",
    "PairDisplay": "results",
    "PermutationTest": "results",
    "SinkhornResult": "results",
    "advise": "advice",
    "alpha": "table_divergences",
    "bregman": "bregman_potentials",
    "cauchy_schwarz": "table_orders",
    "cauchy_schwarz_gaussian": "gaussian",
    "cauchy_schwarz_kernel": "kernel_estimators",
    "cka": "kernel_distances",
    "class_conditional_mi": "class_information",
    "cmi_knn": "ksg",
    "conditional_cs": "kernel_estimators",
    "conditional_entropy": "information",
    "conditional_mutual_information": "information",
    "cs_qmi": "kernel_estimators",
    "divergence": "dispatch",
    "divergence_kinds": "dispatch",
    "donsker_varadhan": "ratio_estimators",
    "energy_distance": "one_dimensional",
    "entropy": "information",
    "entropy_from_counts": "discrete",
    "entropy_knn": "nearest",
    "generator": "generators",
    "hellinger": "table_divergences",
    "hellinger_gaussian": "gaussian",
    "hockey_stick": "table_divergences",
    "hsic": "kernel_distances",
    "interaction_information": "information",
    "jeffreys": "table_divergences",
    "js": "table_divergences",
    "js_multi": "table_divergences",
    "kl": "table_divergences",
    "kl_gaussian": "gaussian",
    "kl_kde": "kernel_estimators",
    "kl_knn": "nearest",
    "kl_lower_from_tv": "tv_kl_curves",
    "kliep": "ratio_estimators",
    "law_divergence": "laws",
    "le_cam": "table_divergences",
    "median_bandwidth": "kernel_distances",
    "mi_ksg": "ksg",
    "mmd": "kernel_distances",
    "mmd_gaussian": "gaussian",
    "mutual_information": "information",
    "neyman": "table_divergences",
    "nwj": "ratio_estimators",
    "pearson": "table_divergences",
    "permutation_test": "permutation",
    "ratio_logistic": "ratio_estimators",
    "renyi": "table_orders",
    "renyi_cross_entropy": "table_orders",
    "renyi_gaussian": "gaussian",
    "renyi_knn": "nearest",
    "reverse_kl": "table_divergences",
    "sinkhorn": "entropic",
    "sinkhorn_divergence": "entropic",
    "sinkhorn_gaussian": "gaussian",
    "sliced_w2_gaussian": "gaussian",
    "sliced_wasserstein": "sliced",
    "total_correlation": "information",
    "tsallis": "table_orders",
    "tv": "table_divergences",
    "tv_upper_from_kl": "tv_kl_curves",
    "ulsif": "ratio_estimators",
    "w2_gaussian": "gaussian",
    "wasserstein_1d": "one_dimensional",
    "wasserstein_exact": "exact_transport",
}

__all__ = [
    "Advice",
    "ClassConditionalInformation",
    "DivergenceResult",
    "Estimate",
    "Generator",
    "PairDisplay",
    "PermutationTest",
    "SinkhornResult",
    "advise",
    "alpha",
    "bregman",
    "cauchy_schwarz",
    "cauchy_schwarz_gaussian",
    "cauchy_schwarz_kernel",
    "cka",
    "class_conditional_mi",
    "cmi_knn",
    "conditional_cs",
    "conditional_entropy",
    "conditional_mutual_information",
    "cs_qmi",
    "divergence",
    "divergence_kinds",
    "donsker_varadhan",
    "energy_distance",
    "entropy",
    "entropy_from_counts",
    "entropy_knn",
    "generator",
    "hellinger",
    "hellinger_gaussian",
    "hockey_stick",
    "hsic",
    "interaction_information",
    "jeffreys",
    "js",
    "js_multi",
    "kl",
    "kl_gaussian",
    "kl_kde",
    "kl_knn",
    "kl_lower_from_tv",
    "kliep",
    "law_divergence",
    "le_cam",
    "median_bandwidth",
    "mi_ksg",
    "mmd",
    "mmd_gaussian",
    "mutual_information",
    "neyman",
    "nwj",
    "pearson",
    "permutation_test",
    "ratio_logistic",
    "renyi",
    "renyi_cross_entropy",
    "renyi_gaussian",
    "renyi_knn",
    "reverse_kl",
    "sinkhorn",
    "sinkhorn_divergence",
    "sinkhorn_gaussian",
    "sliced_w2_gaussian",
    "sliced_wasserstein",
    "total_correlation",
    "tsallis",
    "tv",
    "tv_upper_from_kl",
    "ulsif",
    "w2_gaussian",
    "wasserstein_1d",
    "wasserstein_exact",
]

# A divergence that comes as a file of its own (docs/contributing.rst) gets a function like the others.
_ADDED = sorted(set(declared_names(__name__, __path__[0], "KINDS")) - set(__all__))
_MODULES.update(dict.fromkeys(_ADDED, "table_divergences"))
__all__ += _ADDED


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
