"""No label is wrong: a walk over every public function of the wing and the options that change its nature."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from infostat import generalization as ig
from infostat.core.errors import InfostatWarning, NoContractionWarning, VacuousBoundWarning
from infostat.core.results import Result
from infostat.generalization.labelled import NATURES, SENSES

G = np.random.default_rng(0)
X = G.normal(size=(20, 3))
Y = np.where(np.arange(20) % 2, 1, -1)
TASK = ig.BinaryGaussianTask(1.0, 1.0, 3)
GIBBS = ig.GibbsAlgorithm([[0, 1], [1, 0]], [0.6, 0.4], None, 2.0)
WEIGHTS = [G.normal(size=(2, 3)), G.normal(size=(1, 2))]
LAYERS = [X, X @ WEIGHTS[0].T, X @ WEIGHTS[0].T @ WEIGHTS[1].T]
SHIFTED = [X + 0.1, (X + 0.1) @ WEIGHTS[0].T, (X + 0.1) @ WEIGHTS[0].T @ WEIGHTS[1].T]


def _supersample() -> Result:
    def draw(size: int, rng: Any) -> tuple[Any, Any]:
        return rng.standard_normal(size), rng.choice([-1.0, 1.0], size)

    return ig.SupersampleExperiment(
        draw, lambda X, y: lambda new: np.sign(new * (X * y).mean() + 1e-9), lambda f, y: f != y
    ).run(6, supersamples=4, masks=6, rng=1)


# What the signatures page says under "What nature says": name -> (builder, nature, sense).
WALK: dict[str, tuple[Callable[[], Result], str, str]] = {
    "cgf_inverse_bound": (lambda: ig.cgf_inverse_bound([0.1], lambda t: t * t), "bound", "expectation"),
    "cmi_bound": (lambda: ig.cmi_bound(0.5, 10), "bound", "expectation"),
    "compose_sdpi": (lambda: ig.compose_sdpi([0.5, 0.9]), "bound", ""),
    "depth_width_table": (lambda: ig.depth_width_table(240, [1, 2], 0.9), "bound", ""),
    "exact_errors": (lambda: TASK.exact_errors(10), "exact", "expectation"),
    "finite_parameter_bound": (
        lambda: ig.finite_parameter_bound([3, 2, 1], 2, 1000, 0.5, 0.5, 0.0), "bound", "expectation"
    ),
    "gaussian_mean_example": (lambda: ig.gaussian_mean_example(20, 3, 1.0), "exact", "expectation"),
    "gibbs exact": (lambda: GIBBS.exact(3), "exact", "expectation"),
    "gibbs exact_cmi": (lambda: GIBBS.exact_cmi(2), "exact", "expectation"),
    "gibbs_bound": (lambda: ig.gibbs_bound(2.0, 0.5, 100), "bound", "expectation"),
    "hierarchical_kl_bound": (lambda: ig.hierarchical_kl_bound([0.01], 0.5), "bound", "expectation"),
    "individual_mi_bound": (lambda: ig.individual_mi_bound([0.01], 0.5), "bound", "expectation"),
    "labelled_transport": (
        lambda: ig.labelled_transport(X, Y, X + 0.1, Y, lipschitz=1.0, label_cost=1.0), "bound", "always"
    ),
    "layer_certificates": (lambda: ig.layer_certificates(LAYERS, SHIFTED, Y, Y, weights=WEIGHTS, rng=0),
                           "bound", "always"),
    "layer_certificates, label cost below the loss's": (
        lambda: ig.layer_certificates(LAYERS, SHIFTED, Y, Y, weights=WEIGHTS, label_cost=1e-9, rng=0), "proxy", ""
    ),
    "layer_certificates, a constant that the outputs contradict": (
        lambda: ig.layer_certificates(LAYERS, SHIFTED, Y, Y, lipschitz=[1e-6, 9.0, 1.0], rng=0), "bound", "always"
    ),
    "layer_certificates, rows drawn": (
        lambda: ig.layer_certificates(LAYERS, SHIFTED, Y, Y, weights=WEIGHTS, max_exact=10, rng=0), "bound", "always"
    ),
    "layer_divergences": (lambda: TASK.layer_divergences([np.eye(2, 3), [[1.0, 0.5]]], [1.0, 0.5, 0.0], 10),
                          "exact", None),
    "layer_wasserstein_bound": (
        lambda: ig.layer_wasserstein_bound([0.1, 0.2], [2.0, 1.0], 1.0, "joint"), "bound", "expectation"
    ),
    "layer_wasserstein_bound, label": (
        lambda: ig.layer_wasserstein_bound([0.1, 0.2], [2.0, 1.0], 1.0, "label", loss_range=1.0), "bound", "expectation"
    ),
    "ldmi_bound, corrected": (
        lambda: ig.ldmi_bound([1, 0, -1, 0] * 30, [0, 1, 1, 0] * 30, correction="miller_madow"),
        "estimate", "expectation",
    ),
    "ldmi_bound, a column per pair": (
        lambda: ig.ldmi_bound(np.tile([[1, 0], [0, -1]], (30, 1)), np.tile([[0, 1], [1, 0]], (30, 1))),
        "estimate", "expectation",
    ),
    "ldmi_bound": (lambda: ig.ldmi_bound([1, 0, -1, 0] * 30, [0, 1, 1, 0] * 30), "estimate", "expectation"),
    "lipschitz_parameter_bound": (lambda: ig.lipschitz_parameter_bound([0.1], 1.0), "bound", "expectation"),
    "mi_bound": (lambda: ig.mi_bound(0.1, 100, 0.5), "bound", "expectation"),
    "noisy_sgd_mi": (lambda: ig.noisy_sgd_mi([0.1], 1.0, 0.5, 5), "bound", ""),
    "refined_kl_bound": (lambda: ig.refined_kl_bound([0.1], [0.0], [0.5], 0.5), "bound", "expectation"),
    "representation_shift": (lambda: ig.representation_shift(LAYERS, SHIFTED), "proxy", ""),
    "sdpi_discrete": (lambda: ig.sdpi_discrete([[0.8, 0.2], [0.2, 0.8]]), "exact", ""),
    "sdpi_dropconnect, shape": (lambda: ig.sdpi_dropconnect(0.6, shape=(2, 2)), "bound", ""),
    "sdpi_dropconnect, weights": (lambda: ig.sdpi_dropconnect(0.6, weights=np.ones((2, 2))), "exact", ""),
    "sdpi_dropconnect, weights and activation": (
        lambda: ig.sdpi_dropconnect(0.6, weights=np.ones((2, 2)), activation="tanh"), "bound", ""
    ),
    "sdpi_dropout": (lambda: ig.sdpi_dropout(0.3, 3), "exact", ""),
    "sdpi_gaussian, dobrushin": (lambda: ig.sdpi_gaussian(2.0, 1.0, "dobrushin"), "bound", ""),
    "sdpi_gaussian, exact": (lambda: ig.sdpi_gaussian(2.0, 1.0), "exact", ""),
    "sdpi_gaussian, unbounded inputs": (lambda: ig.sdpi_gaussian(np.inf, 1.0), "exact", ""),
    "sdpi_gaussian_input": (lambda: ig.sdpi_gaussian_input(np.eye(2), 1.0), "exact", ""),
    "simulate": (lambda: TASK.simulate(8, [3, 2, 1], [1.0], 10, rng=1), "estimate", "expectation"),
    "supersample run": (_supersample, "estimate", "expectation"),
    "transport_inequality": (lambda: ig.transport_inequality(0.1, 1.0), "bound", ""),
    "transport_inequality, t2": (lambda: ig.transport_inequality(0.1, 1.0, "t2"), "bound", ""),
    "transport_inequality, diameter": (lambda: ig.transport_inequality(0.1, 1.0, "diameter"), "bound", ""),
    "pac_bayes_bound, grid of C": (
        lambda: ig.pac_bayes_bound(0.1, 5.0, 1000, 0.05, "catoni", catoni_grid=[0.5, 1.0]), "bound", "probability"
    ),
} | {
    f"pac_bayes_bound, {method}": (
        lambda method=method: ig.pac_bayes_bound(0.1, 5.0, 1000, 0.05, method, 1.0 if method == "catoni" else None),
        "bound", "probability",
    )
    for method in ("mcallester", "seeger", "seeger_exact_xi", "catoni", "thiemann")
}  # fmt: skip

EXPERIMENTS = {
    "E1": lambda: ig.bounds_by_layer(replicates=10, rng=1),
    "E2": lambda: ig.bounds_by_sample_size(sizes=[5, 20, 80], rng=1),
    "E3": lambda: ig.contraction_curves(points=6),
    "E4": lambda: ig.gibbs_study(),
    "E5": lambda: ig.network_study(n=40, d=4, hidden=(4,), steps=30, masks=2, rng=0),
    "E6": lambda: ig.supersample_study(sizes=[10, 20], supersamples=4, masks=6, rng=1),
}
# Bare numbers and arrays, files, classes: nothing to label.
BARE = {
    "MLP", "BinaryGaussianTask", "GibbsAlgorithm", "SupersampleExperiment", "activation_diameter", "data_diameter",
    "gaussian_kl", "kl_inverse_lower", "kl_inverse_upper", "lipschitz_constants", "read_activations", "run_experiment",
    "subgaussian_sigma", "kl_lower_from_tv", "tv_upper_from_kl",
}  # fmt: skip


def quiet(build: Callable[[], Result]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        return build()


@pytest.mark.parametrize("name", sorted(WALK))
def test_the_label_of_every_result(name: str) -> None:
    build, nature, sense = WALK[name]
    found = quiet(build)
    assert found.nature == nature
    assert sense is None or found.sense == sense
    assert found.nature in NATURES and found.sense in SENSES
    assert isinstance(found.assumptions, tuple) and all(isinstance(text, str) and text for text in found.assumptions)
    if nature != "bound":
        assert not np.any(found.vacuous)
    if nature == "bound" and sense:
        assert found.assumptions or sense == "always"


PHRASES = {
    "expectation": "(in expectation)", "probability": "(with high probability)", "always": "(for the samples at hand)",
    "": "",
}  # fmt: skip


def _named_with(curve: str, sentence: str) -> tuple[str, str]:
    """The group of curves of a sentence of the caption that names a curve, and the sense it ends with."""
    for group in sentence.rstrip(".").split("; "):
        if curve in group:
            return group, next((phrase for phrase in PHRASES.values() if phrase and group.endswith(phrase)), "")
    return "", "not named"


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_the_label_of_every_curve(name: str) -> None:
    found = quiet(EXPERIMENTS[name])
    frame = found.to_frame()
    assert found.name == name
    words = {"exact": "Exact:", "bound": "Bounds:", "estimate": "Estimates:", "proxy": "Proxies"}
    for curve, part in frame.groupby("curve"):
        # One curve has one nature and one sense: expectation and probability never share a label.
        assert part["nature"].nunique() == 1 and part["sense"].nunique() == 1
        start = found.caption.index(words[part["nature"].iloc[0]])
        sentence = found.caption[start:].split(". ")[0] + "."
        names, sense = _named_with(str(curve), sentence)
        assert str(curve) in names and sense == PHRASES[part["sense"].iloc[0]]
    text = found.caption
    assert ("in expectation" in text) == (frame["sense"] == "expectation").any()
    assert ("with high probability" in text) == (frame["sense"] == "probability").any()


# Bounds that say nothing, and their neighbours that say something: (builder of either, at the edge of the range).
EDGES: dict[str, tuple[Callable[[], Result], Callable[[], Result]]] = {
    "range 2 sigma": (lambda: ig.mi_bound(200.0, 100, 0.5), lambda: ig.mi_bound(199.0, 100, 0.5)),
    "range 1": (lambda: ig.cmi_bound(50.0, 100), lambda: ig.cmi_bound(49.9, 100)),
    "cut at 1": (lambda: ig.pac_bayes_bound(0.9, 100.0, 20, 0.05), lambda: ig.pac_bayes_bound(0.1, 1.0, 2000, 0.05)),
    "range given": (
        lambda: ig.layer_wasserstein_bound([1.0], [1.0], 1.0, "joint", loss_range=1.0),
        lambda: ig.layer_wasserstein_bound([0.9], [1.0], 1.0, "joint", loss_range=1.0),
    ),
    "not finite": (
        lambda: ig.layer_wasserstein_bound([np.inf], [1.0], 1.0, "joint"),
        lambda: ig.layer_wasserstein_bound([1e300], [1.0], 1.0, "joint"),
    ),
    "a coefficient of 1": (
        lambda: ig.sdpi_gaussian(np.inf, 1.0, "dobrushin"), lambda: ig.sdpi_gaussian(30.0, 1.0, "dobrushin")
    ),
    "the diameter itself": (
        lambda: ig.transport_inequality(2.0, 3.0, "diameter"), lambda: ig.transport_inequality(1.9, 3.0, "diameter")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_what_is_vacuous_says_so_and_warns(name: str) -> None:
    empty, telling = EDGES[name]
    with pytest.warns((VacuousBoundWarning, NoContractionWarning)):
        assert np.all(empty().vacuous)
    assert not np.any(telling().vacuous)  # and no warning, which would be an error here


def test_a_range_taken_from_sigma_is_among_the_assumptions() -> None:
    found = [
        ig.mi_bound(0.1, 10, 0.5), ig.individual_mi_bound([0.1], 0.5), ig.hierarchical_kl_bound([0.1], 0.5),
        ig.refined_kl_bound(0.1, 0.0, [0.5], 0.5), ig.gibbs_bound(1.0, 0.5, 100),
        ig.finite_parameter_bound([2, 1], 2, 1000, 0.5, 0.5, 0.0),
    ]  # fmt: skip
    for each in found:
        assert any("2 sigma" in text for text in each.assumptions), each  # type: ignore[attr-defined]


def test_nothing_is_left_out() -> None:
    walked = {name.split(",")[0].split()[0] for name in WALK}
    for name in ig.__all__:
        item = getattr(ig, name)
        if inspect.isclass(item) or name in BARE or item.__module__.startswith("infostat.divergences"):
            continue
        experiments = {"bounds_by_layer", "bounds_by_sample_size", "contraction_curves", "gibbs_study", "network_study",
                       "supersample_study"}  # fmt: skip
        assert name in walked | experiments, name
