"""One small example of every public result; a new result is entered here once.

The tests of tests/common then run over it, and fail for a result that has no example.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import infostat
from infostat import alignment, density, families, generalization, projection, reporting
from infostat.core.errors import InfostatWarning
from infostat.core.results import Result
from infostat.datasets.listing import catalogue
from infostat.divergences.results import DivergenceResult, Estimate, PermutationTest, SinkhornResult


def _data() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(size=(200, 2)) @ np.array([[1.0, 0.4], [0.0, 1.0]])


def _criterion(bootstrap: int = 0) -> projection.PNCriterion:
    with warnings.catch_warnings():  # so few resamples deserve their warning
        warnings.simplefilter("ignore", InfostatWarning)
        return infostat.pn_criterion(_data(), "mvn", bootstrap=bootstrap, rng=1)


def _bootstrap() -> Result:
    found = _criterion(bootstrap=20).bootstrap
    assert found is not None
    return found


def _points(n: int = 150) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3))


def _few_points() -> Result:
    with warnings.catch_warnings():  # too few rows for a regime
        warnings.simplefilter("ignore", InfostatWarning)
        return density.diagnose_bandwidth(_points(40), 0.5)


def _scores(n: int = 500) -> np.ndarray:
    return np.random.default_rng(0).normal(size=n)


def _normal() -> Any:
    from scipy import stats

    return stats.norm()


def _estimate_bootstrap() -> Result:
    found = alignment.estimate(_scores(), kl=[0.1, 0.5], bootstrap=50, rng=1).bootstrap
    assert found is not None
    return found


def _t5(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
    from scipy import stats

    return np.asarray(stats.t.logpdf(x - theta, 5))


def _tilted() -> projection.PNCriterion:
    from scipy import stats

    base = families.TiltedBase([stats.uniform(), stats.uniform()], [(0, 1)])
    with warnings.catch_warnings():  # so few draws deserve their warning
        warnings.simplefilter("ignore", InfostatWarning)
        return infostat.pn_criterion(np.random.default_rng(0).random((200, 2)), base, draws=5000, rng=1)


@functools.cache
def _report() -> reporting.Report:
    g = np.random.default_rng(5)
    length = g.gamma(4.0, 2.0, 120)
    frame = pd.DataFrame({"length": length, "height": 0.4 * length + g.normal(size=120), "visits": g.poisson(3.0, 120)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        return infostat.report(frame, bootstrap=0, rng=0)


def _in_report(name: str) -> Callable[[], Result]:
    """A builder of the first result of a class that a report holds."""

    def found() -> Result:
        parts = _report().parts
        held = [*parts, *(table for part in parts for table in part.tables)]
        held += [result for part in parts for result in (part.results or {}).values()]
        return next(item for item in held if type(item).__name__ == name)

    return found


def _gallery() -> Result:
    from infostat.reporting.figures import make_figure

    return make_figure("alignment-game")


def _sampler() -> Result:
    found = _tilted().sampler
    assert found is not None
    return found


_P, _R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]


def _certificates() -> Result:
    x = np.array([[0.0], [2.0], [1.0], [3.0]])
    with warnings.catch_warnings():  # four rows make a vacuous certificate
        warnings.simplefilter("ignore", InfostatWarning)
        return generalization.layer_certificates(
            [x, 2 * x], [x + 0.1, 2 * x + 0.2], [-1, 1, -1, 1], [-1, 1, 1, -1], lipschitz=[2.0, 1.0], rng=0
        )


def _representation_shift() -> Result:
    g = np.random.default_rng(0)
    return generalization.representation_shift([g.normal(size=(60, 2))] * 2, [g.normal(size=(50, 2))] * 2)


def _supersample_run() -> Result:
    def draw(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return rng.standard_normal(size), rng.choice([-1.0, 1.0], size)

    def fit(X: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        mean = (X * y).mean()
        return lambda new: np.where(new * mean >= 0, 1.0, -1.0)

    experiment = generalization.SupersampleExperiment(draw, fit, lambda f, y: f != y)
    return experiment.run(10, supersamples=6, masks=10, rng=1)


def _quiet(build: Callable[[], Result]) -> Callable[[], Result]:
    """A builder whose example deserves its warning (bounds of small examples are vacuous)."""

    def quiet() -> Result:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfostatWarning)
            return build()

    return quiet


_TASK = generalization.BinaryGaussianTask(1.0, 1.0, 4)
_GIBBS = generalization.GibbsAlgorithm([[0, 1], [1, 0]], [0.6, 0.4], None, 2.0)

# "class" or "class, what is special about it" -> builder
EXAMPLES: dict[str, Callable[[], Result]] = {
    "Alignment": lambda: alignment.align(_scores(), kl=[0.1, 0.5], true=_scores() ** 2),
    "Alignment, of a law": lambda: alignment.align(pd.DataFrame({"prob": _P, "reward": _R}), m=[5, 10]),
    "AlignmentSimulation": lambda: alignment.simulate_alignment(n=200, replicates=8, kl=[0.1], n_best=[2, 4], rng=1),
    "BestOfN": lambda: alignment.best_of_n(_P, _R, 4),
    "BestOfN, continuous": lambda: alignment.best_of_n(_normal(), n=8),
    "BestOfNTable": lambda: alignment.align(pd.DataFrame({"prob": _P, "reward": _R})).best_of_n,
    "BonCurve": lambda: alignment.bon_curve(_scores(400), true=_scores(400) ** 2),
    "BonDivergences": lambda: alignment.bon_divergences([2, 4, 8]),
    "DifferenceSampling": lambda: alignment.difference_sampling(
        np.log([0.2, 0.2, 0.6]), np.log([0.5, 0.25, 0.25]), fraction=0.25
    ),
    "EmpiricalRate": lambda: alignment.empirical_rate([0.0, 1.0, 2.0, 3.0], [2.5, 3.0, 4.0]),
    "EstimateBootstrap": _estimate_bootstrap,
    "EstimateResult": lambda: alignment.estimate(_scores(), kl=[0.1, 0.5], bootstrap=50, rng=1),
    "EstimateResult, one point": lambda: alignment.estimate(_scores(), t=1.0),
    "FDPOLoss": lambda: alignment.f_dpo_loss([-1.0, -2.0], [-1.5, -1.0], [-1.2, -1.8], [-1.2, -1.8], beta=0.5),
    "FOptimum": lambda: alignment.f_optimum(_P, _R, beta=1.0, kind="js"),
    "FPseudoReward": lambda: alignment.f_pseudo_reward([0.5, 0.5], [0.2, 0.8], "js"),
    "FreeEnergy": lambda: alignment.free_energy([0.2, 0.3, 0.5], _P, _R, 1.0),
    "Frontier": lambda: alignment.frontier(_P, _R, true=[0.0, 1.0, 0.0]),
    "NashMirrorProx": lambda: alignment.nash_mirror_prox(
        [[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]], [0.2, 0.3, 0.5], beta=0.2, rounds=20
    ),
    "OveroptimisationFit": lambda: alignment.overoptimisation_fit([0.1, 1.0, 4.0, 9.0], [0.29, 0.8, 1.2, 1.2]),
    "PolicyGap": lambda: alignment.policy_gap([0.2, 0.3, 0.5], _P, _R, 0.2),
    "ProxyBound": lambda: alignment.correlated_proxy_bound(
        _P, [0.0, 1.0, 2.0], [0.1, 0.9, 2.1], [0.3, 0.4, 0.3]
    ),
    "RateFunction": lambda: alignment.rate_function(_P, _R, [0.5, 1.5], t=0.5, delta=0.2),
    "SequenceBestOfN": lambda: alignment.sequence_bon([0.5, 0.5], [0, 1], [10, 100], 0.1),
    "SequenceBestOfN, bracket": lambda: alignment.sequence_bon(
        _P, [0.0, 1.0, 2.0**0.5], [3, 9], n=7, method="bracket"
    ),
    "SequenceTail": lambda: alignment.sequence_tail(_P, _R, 30, [1.0, 1.5]),
    "SmallKLExpansion": lambda: alignment.small_kl_expansion(_P, _R),
    "SoftBestOfN": lambda: alignment.soft_best_of_n(_P, _R, 4, 1.0),
    "StrategyComparison": lambda: alignment.pass_at_k_by_divergence(
        [0.3, 0.4, 0.3], [[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]], beta=0.1
    ),
    "Tilt": lambda: alignment.tilt(_P, _R, kl=0.2),
    "Tilt, continuous": lambda: alignment.tilt(_normal(), kl=0.2),
    "TopFraction": lambda: alignment.top_fraction(_P, _R, fraction=0.4),
    "Bound": _quiet(lambda: generalization.mi_bound(0.1, 10, 0.5)),
    "Bound, of several": _quiet(lambda: generalization.mi_bound([0.1, 0.2], 10, 0.5)),
    "Contraction": lambda: generalization.sdpi_gaussian([1.0, 2.0], 1.0),
    "Contraction, one channel": lambda: generalization.sdpi_discrete([[0.8, 0.2], [0.2, 0.8]]),
    "DepthWidthTable": lambda: generalization.depth_width_table(240, [1, 2, 4, 8], 0.9),
    "Experiment": lambda: generalization.contraction_curves(points=8),
    "Experiment, of a network": _quiet(
        lambda: generalization.network_study(n=40, d=4, hidden=(4,), steps=30, masks=2, rng=0)
    ),
    "FiniteParameterBound": lambda: generalization.finite_parameter_bound([4, 3, 1], 2, 1000, 0.5, 0.5, 0.0),
    "GaussianMeanExample": lambda: generalization.gaussian_mean_example([5, 20, 100], 3, 1.0),
    "GaussianErrors": lambda: _TASK.exact_errors(10),
    "GaussianErrors, several sizes": lambda: _TASK.exact_errors([5, 10, 20]),
    "GaussianLayers": lambda: _TASK.layer_divergences(
        [[[2.0, 0, 0, 0], [0, 1.0, 0, 0]], [[0.5, 0.0]]], [1.0, 0.0, 0.0, 0.0], 10
    ),
    "GaussianSimulation": _quiet(lambda: _TASK.simulate(10, [4, 2, 1], [1.0], 20, rng=1)),
    "GibbsExact": lambda: _GIBBS.exact(3),
    "GibbsSupersample": lambda: _GIBBS.exact_cmi(3),
    "LabelledTransport": _quiet(
        lambda: generalization.labelled_transport(
            [0.0, 1.0], [1, -1], [0.5, 1.5], [1, 1], lipschitz=2.0, label_cost=3.0
        )
    ),
    "LayerBound": _quiet(
        lambda: generalization.layer_wasserstein_bound([2.0, 1.0, 1.5], [3.0, 3.0, 1.0], 1.0, "label")
    ),
    "LayerCertificates": _certificates,
    "LossDifferenceBound": lambda: generalization.ldmi_bound([1, 0, -1, 0] * 30, [0, 1, 1, 0] * 30),
    "LossDifferenceBound, per pair": lambda: generalization.ldmi_bound(
        np.reshape([1, 0, -1, 0] * 30, (60, 2)), np.reshape([0, 1, 1, 0] * 30, (60, 2))
    ),
    "NoisySgdInformation": lambda: generalization.noisy_sgd_mi([0.1] * 20, 1.0, 0.5, 50),
    "PacBayesBound": lambda: generalization.pac_bayes_bound(0.1, 10, 1000, 0.05, "seeger"),
    "PacBayesBound, grid": lambda: generalization.pac_bayes_bound(
        0.1, [1, 5, 20], 1000, 0.05, "catoni", catoni_grid=[0.5, 1, 2]
    ),
    "RepresentationShift": _representation_shift,
    "SupersampleRun": _supersample_run,
    "BandwidthDiagnosis": lambda: density.diagnose_bandwidth(_points(), 0.5),
    "BandwidthDiagnosis, few rows": _few_points,
    "BandwidthSelection": lambda: density.select_bandwidth(_points()),
    "BandwidthSelection, rule": lambda: density.select_bandwidth(_points(), "scott"),
    "BootstrapResult": _bootstrap,
    "DataTheory": lambda: density.theory_from_data(_points()),
    "DatasetCatalogue": catalogue,
    "DatasetCatalogue, of one data set": lambda: catalogue("word_sentiment"),
    "DensityAssessment": lambda: density.assess_density(_points()),
    "DensityAssessment, bandwidth given": lambda: density.assess_density(_points(), bandwidth=0.5, standardize=True),
    "DiffusionCollapse": lambda: density.diffusion_collapse(0.3),
    "DivergenceResult": lambda: infostat.divergence([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], "kl"),
    "DivergenceResult, infinite": lambda: infostat.divergence([0.5, 0.5], [1.0, 0.0], "kl"),
    "DivergenceResult, samples": lambda: infostat.divergence(
        _data(), _data() + 1.0, "energy", from_samples=True
    ),
    "PairDisplay": lambda: infostat.divergence([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], "kl").display,
    "Advice": lambda: infostat.divergences.advise(1000, 4),
    "ClassConditionalInformation": lambda: infostat.divergences.class_conditional_mi(
        [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]], [0, 0, 1, 1]
    ),
    "DivergenceResult, batch": lambda: DivergenceResult(
        np.array([0.0, np.inf]), "js", "estimate", "knn", se=0.1, n=9
    ),
    "EffectiveDimension": lambda: density.effective_dimension(_points()),
    "Estimate": lambda: Estimate(
        -0.01, np.nan, 50, "k nearest neighbours, k = 3", "Biased low.", quantity="Entropy"
    ),
    "ExactRisk": lambda: projection.exact_risk("exponential", [5, 50]),
    "ExactRisk, one size": lambda: projection.exact_risk("exponential", 5),
    "FiniteSize": lambda: density.finite_size(200, 5, [0.5, 0.8]),
    "FiniteSize, optimum": lambda: density.finite_size(200, 5),
    "FluctuationSimulation": lambda: density.simulate_fluctuations(n=200, d=10, mu=0.5, n_data=100, rng=1),
    "InformationCriteria": lambda: projection.information_criteria(_data(), "mvn"),
    "InformationProjection": lambda: infostat.information_projection(_data(), "mvn"),
    "KernelThresholds": lambda: density.kernel_thresholds(0.3, "student", kappa=0.5),
    "Misfit": lambda: _criterion().misfit,
    "PNCriterion": _criterion,
    "PNCriterion, with bootstrap": lambda: _criterion(bootstrap=20),
    "PNCriterion, first order": lambda: infostat.pn_criterion(_data(), "mvn", order=1),
    "PNCriterion, simulated": lambda: _tilted(),
    "PNCriterion, of a stream": lambda: infostat.pn_criterion(iter([_data()[:90], _data()[90:]]), "mvn", order=1),
    "PNSequence": lambda: infostat.pn_sequence(_data(), ["mvn_diagonal", "mvn"], folds=4),
    "RiskSimulation": lambda: projection.simulate_risk(None, "exponential", [20, 40], 50, theta=[-1.0], rng=1),
    "RiskSimulation, one size": lambda: projection.simulate_risk(None, "exponential", 20, 50, theta=[-1.0], rng=1),
    "SamplerReport": lambda: _sampler(),
    "SandwichRisk": lambda: projection.sandwich_risk(
        np.random.default_rng(1).normal(size=80), _t5, theta=0, order=2
    ),
    "SandwichRisk, of a population": lambda: projection.sandwich_risk(None, _t5, truth=_normal(), theta=0),
    "ColumnProfile": _in_report("ColumnProfile"),
    "GalleryFigure": _gallery,
    "GridSimulation": lambda: infostat.reporting.simulate("bounds", grid={"n": [5, 10]}, replicates=4, rng=1),
    "Report": _report,
    "ReportPart": _in_report("ReportPart"),
    "ReportTable": _in_report("ReportTable"),
    "RowsRequired": _in_report("RowsRequired"),
    "PermutationTest": lambda: PermutationTest(0.4, 0.02, 99, "mmd", np.linspace(0.0, 0.5, 99), seed=3),
    "PhaseDiagram": lambda: density.phase_diagram([0.1, 0.3, 0.5]),
    "RegimeSimulation": lambda: density.simulate_regimes(n=200, d=6, h_grid=[0.5, 1.0], n_x=5, n_data=2, rng=1),
    "RegimeTheory": lambda: density.regime_theory(0.3),
    "RiskTerms": lambda: _criterion().terms,
    "SampleSizePlan": lambda: projection.plan_sample_size(p=5, alpha=0.05),
    "SinkhornResult": lambda: SinkhornResult(0.3, 0.2, plan=np.eye(2) / 2, f=np.zeros(2), g=np.zeros(2)),
    "StableLaw": lambda: density.stable_law(0.5),
    "StableLaw, no law": lambda: density.stable_law(1.0),
}


@functools.cache
def build(name: str) -> Result:
    """Return an example, made once for all tests of a run."""
    return EXAMPLES[name]()
