"""How far can training and test error differ, layer by layer?

Bounds, exact values, estimates and proxies of the generalization gap, each labelled as what it is: closed
forms for linear networks on Gaussian classes, enumeration for finite models and the Gibbs algorithm,
certificates for any trained network from its activations, and the information-theoretic toolkit around.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..core.declared import declared_names

if TYPE_CHECKING:
    from ..divergences import (
        donsker_varadhan,
        kl_gaussian,
        kl_knn,
        kl_lower_from_tv,
        mi_ksg,
        nwj,
        sinkhorn_divergence,
        sliced_wasserstein,
        tv_upper_from_kl,
        w2_gaussian,
        wasserstein_1d,
        wasserstein_exact,
    )
    from .activation_files import read_activations
    from .certificate_result import LabelledTransport, LayerCertificates, RepresentationShift
    from .certificates import labelled_transport, layer_certificates
    from .diameters import activation_diameter, data_diameter
    from .experiment_contraction import contraction_curves
    from .experiment_gibbs import gibbs_study
    from .experiment_layers import bounds_by_layer
    from .experiment_network import network_study
    from .experiment_result import Experiment
    from .experiment_sample_size import bounds_by_sample_size
    from .experiment_supersample import supersample_study
    from .experiments import run_experiment
    from .finite_parameters import depth_width_table, finite_parameter_bound
    from .finite_results import DepthWidthTable, FiniteParameterBound
    from .gaussian_task import BinaryGaussianTask
    from .gibbs import GibbsAlgorithm, gibbs_bound
    from .gibbs_results import GibbsExact, GibbsSupersample
    from .hierarchical import hierarchical_kl_bound, layer_wasserstein_bound, refined_kl_bound
    from .hierarchical_result import LayerBound
    from .information_bounds import (
        cgf_inverse_bound,
        cmi_bound,
        gaussian_mean_example,
        individual_mi_bound,
        mi_bound,
        noisy_sgd_mi,
    )
    from .kl_inverses import kl_inverse_lower, kl_inverse_upper
    from .labelled import Bound
    from .ldmi import ldmi_bound
    from .ldmi_result import LossDifferenceBound
    from .lipschitz import lipschitz_constants
    from .network import MLP
    from .pac_bayes import gaussian_kl, pac_bayes_bound
    from .sdpi import compose_sdpi, sdpi_discrete, sdpi_dropconnect, sdpi_dropout, sdpi_gaussian, sdpi_gaussian_input
    from .sdpi_result import Contraction
    from .shift_proxy import representation_shift
    from .subgaussian import subgaussian_sigma
    from .supersample import SupersampleExperiment
    from .supersample_results import SupersampleRun
    from .toolkit_results import GaussianMeanExample, NoisySgdInformation, PacBayesBound
    from .transport_inequalities import lipschitz_parameter_bound, transport_inequality

_MODULES = {
    "BinaryGaussianTask": "gaussian_task",
    "Bound": "labelled",
    "Contraction": "sdpi_result",
    "DepthWidthTable": "finite_results",
    "Experiment": "experiment_result",
    "FiniteParameterBound": "finite_results",
    "GaussianMeanExample": "toolkit_results",
    "GibbsAlgorithm": "gibbs",
    "GibbsExact": "gibbs_results",
    "GibbsSupersample": "gibbs_results",
    "LabelledTransport": "certificate_result",
    "LayerBound": "hierarchical_result",
    "LayerCertificates": "certificate_result",
    "LossDifferenceBound": "ldmi_result",
    "MLP": "network",
    "NoisySgdInformation": "toolkit_results",
    "PacBayesBound": "toolkit_results",
    "RepresentationShift": "certificate_result",
    "SupersampleExperiment": "supersample",
    "SupersampleRun": "supersample_results",
    "activation_diameter": "diameters",
    "bounds_by_layer": "experiment_layers",
    "bounds_by_sample_size": "experiment_sample_size",
    "cgf_inverse_bound": "information_bounds",
    "cmi_bound": "information_bounds",
    "compose_sdpi": "sdpi",
    "contraction_curves": "experiment_contraction",
    "data_diameter": "diameters",
    "depth_width_table": "finite_parameters",
    "finite_parameter_bound": "finite_parameters",
    "gaussian_kl": "pac_bayes",
    "gaussian_mean_example": "information_bounds",
    "gibbs_bound": "gibbs",
    "gibbs_study": "experiment_gibbs",
    "hierarchical_kl_bound": "hierarchical",
    "individual_mi_bound": "information_bounds",
    "kl_inverse_lower": "kl_inverses",
    "kl_inverse_upper": "kl_inverses",
    "labelled_transport": "certificates",
    "layer_certificates": "certificates",
    "layer_wasserstein_bound": "hierarchical",
    "ldmi_bound": "ldmi",
    "lipschitz_constants": "lipschitz",
    "lipschitz_parameter_bound": "transport_inequalities",
    "mi_bound": "information_bounds",
    "network_study": "experiment_network",
    "noisy_sgd_mi": "information_bounds",
    "pac_bayes_bound": "pac_bayes",
    "read_activations": "activation_files",
    "refined_kl_bound": "hierarchical",
    "representation_shift": "shift_proxy",
    "run_experiment": "experiments",
    "sdpi_discrete": "sdpi",
    "sdpi_dropconnect": "sdpi",
    "sdpi_dropout": "sdpi",
    "sdpi_gaussian": "sdpi",
    "sdpi_gaussian_input": "sdpi",
    "subgaussian_sigma": "subgaussian",
    "supersample_study": "experiment_supersample",
    "transport_inequality": "transport_inequalities",
}

# Estimators of divergences that bounds are fed with: one implementation, in infostat.divergences.
_DIVERGENCES = (
    "donsker_varadhan",
    "kl_gaussian",
    "kl_knn",
    "kl_lower_from_tv",
    "mi_ksg",
    "nwj",
    "sinkhorn_divergence",
    "sliced_wasserstein",
    "tv_upper_from_kl",
    "w2_gaussian",
    "wasserstein_1d",
    "wasserstein_exact",
)

__all__ = [
    "MLP",
    "BinaryGaussianTask",
    "Bound",
    "Contraction",
    "DepthWidthTable",
    "Experiment",
    "FiniteParameterBound",
    "GaussianMeanExample",
    "GibbsAlgorithm",
    "GibbsExact",
    "GibbsSupersample",
    "LabelledTransport",
    "LayerBound",
    "LayerCertificates",
    "LossDifferenceBound",
    "NoisySgdInformation",
    "PacBayesBound",
    "RepresentationShift",
    "SupersampleExperiment",
    "SupersampleRun",
    "activation_diameter",
    "bounds_by_layer",
    "bounds_by_sample_size",
    "cgf_inverse_bound",
    "cmi_bound",
    "compose_sdpi",
    "contraction_curves",
    "data_diameter",
    "depth_width_table",
    "donsker_varadhan",
    "finite_parameter_bound",
    "gaussian_kl",
    "gaussian_mean_example",
    "gibbs_bound",
    "gibbs_study",
    "hierarchical_kl_bound",
    "individual_mi_bound",
    "kl_gaussian",
    "kl_inverse_lower",
    "kl_inverse_upper",
    "kl_knn",
    "kl_lower_from_tv",
    "labelled_transport",
    "layer_certificates",
    "layer_wasserstein_bound",
    "ldmi_bound",
    "lipschitz_constants",
    "lipschitz_parameter_bound",
    "mi_bound",
    "mi_ksg",
    "network_study",
    "noisy_sgd_mi",
    "nwj",
    "pac_bayes_bound",
    "read_activations",
    "refined_kl_bound",
    "representation_shift",
    "run_experiment",
    "sdpi_discrete",
    "sdpi_dropconnect",
    "sdpi_dropout",
    "sdpi_gaussian",
    "sdpi_gaussian_input",
    "sinkhorn_divergence",
    "sliced_wasserstein",
    "subgaussian_sigma",
    "supersample_study",
    "transport_inequality",
    "tv_upper_from_kl",
    "w2_gaussian",
    "wasserstein_1d",
    "wasserstein_exact",
]

# A bound that comes as a file of its own (docs/contributing.rst) declares its public names there.
_ADDED = declared_names(__name__, __path__[0], "PUBLIC")
_MODULES.update(_ADDED)
__all__ += sorted(_ADDED)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    if name in _DIVERGENCES:
        return getattr(import_module("..divergences", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
