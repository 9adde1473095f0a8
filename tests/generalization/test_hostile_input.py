"""Hostile values in every argument of every public function: a clear refusal, or a number.

Warnings are errors in these tests, so a stray RuntimeWarning fails like a bare NumPy error does.
"""

from __future__ import annotations

import datetime
import inspect
import pickle
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infostat import generalization as ig
from infostat.core.errors import InfostatError, InfostatWarning
from infostat.core.results import Result

G = np.random.default_rng(0)
Y, Y_TEST = np.where(np.arange(8) % 2, 1.0, -1.0), np.where(np.arange(6) % 2, 1.0, -1.0)
WEIGHTS = [np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]), np.array([[1.0, -1.0]])]


def _layers(rows: int) -> list[np.ndarray]:
    x = G.normal(size=(rows, 3))
    hidden = np.maximum(x @ WEIGHTS[0].T, 0.0)
    return [x, hidden, hidden @ WEIGHTS[1].T]


def _draw(size: int, rng: Any) -> tuple[Any, Any]:
    return rng.random((size, 2)), rng.integers(0, 2, size)


def _fit(X: Any, y: Any) -> Any:
    return lambda new: np.zeros(len(new))


def _wrong(prediction: Any, y: Any) -> Any:
    return prediction != y


TRAIN, TEST = _layers(8), _layers(6)
TASK = ig.BinaryGaussianTask([1.0, 0.0, 0.0], 1.0)
GIBBS = ig.GibbsAlgorithm([[0, 1], [1, 0]], [0.6, 0.4], None, 2.0)
NET = ig.MLP([3, 2, 1], "tanh", drop=0.2, noise_std=0.1, steps=2).fit(TRAIN[0], Y, rng=0)
RUNS = ig.SupersampleExperiment(_draw, _fit, _wrong)
PAIR = {"delta": [1, 0, -1, 0] * 5, "u": [0, 1] * 10}
PAC: dict[str, Any] = {"emp": 0.1, "kl": 10.0, "n": 1000, "delta": 0.05}
STUDY: dict[str, Any] = {"mu": 1.0, "sigma0": 1.0, "rng": 0}

# A function and one good value of every argument; some appear twice, for the options that exclude each other.
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "BinaryGaussianTask": (ig.BinaryGaussianTask, {"mu": [1.0, 0.0], "sigma0": 1.0, "d": 2}),
    "BinaryGaussianTask, length": (ig.BinaryGaussianTask, {"mu": 1.0, "sigma0": 1.0, "d": 2}),
    "exact_errors": (TASK.exact_errors, {"n": 4, "loss": "zero_one"}),
    "exact_errors, hinge": (TASK.exact_errors, {"n": 4, "loss": "hinge"}),
    "expected_layer_kl": (TASK.expected_layer_kl, {"ranks": [3, 2, 1], "n": 10, "mode": "factorised"}),
    "layer_divergences": (
        TASK.layer_divergences, {"weights": WEIGHTS, "m": [1.0, 0.1, 0.2], "n": 10, "rank_tol": None}
    ),
    "sample": (TASK.sample, {"n": 4, "rng": 0}),
    "simulate": (
        TASK.simulate, {"n": 4, "ranks": [3, 2, 1], "gains": [2.0], "replicates": 3, "loss": "hinge", "rng": 0}
    ),
    "GibbsAlgorithm": (
        lambda **options: ig.GibbsAlgorithm(**options).exact(2),
        {"loss_matrix": [[0, 1], [1, 0]], "p_z": [0.6, 0.4], "prior": None, "alpha": 2.0},
    ),
    "exact": (GIBBS.exact, {"n": 3}),
    "exact_cmi": (GIBBS.exact_cmi, {"n": 3}),
    "posterior": (GIBBS.posterior, {"counts": [2, 1]}),
    "MLP": (
        ig.MLP,
        {"widths": [3, 2, 1], "activation": "relu", "drop": 0.1, "noise_std": 0.1, "bias": False,
         "learning_rate": 0.1, "steps": 2, "rng": 0},
    ),
    "fit": (ig.MLP([3, 2, 1], steps=2).fit, {"X": TRAIN[0], "y": Y, "X_test": TRAIN[0], "y_test": Y, "rng": 0}),
    "representations": (NET.representations, {"X": TEST[0], "layer": 1, "rng": 0, "noise": "fresh"}),
    "loss": (NET.loss, {"X": TEST[0], "y": Y_TEST, "rng": 0, "noise": "fresh"}),
    "predict": (NET.predict, {"X": TEST[0], "rng": 0, "noise": "off"}),
    "thinned_weights": (NET.thinned_weights, {"rng": 0}),
    "sdpi_coefficients": (NET.sdpi_coefficients, {"noise": "fresh"}),
    "SupersampleExperiment": (ig.SupersampleExperiment, {"draw": _draw, "fit": _fit, "loss": _wrong}),
    "run": (
        RUNS.run,
        {"n": 2, "supersamples": 2, "masks": 8, "rng": 0, "symmetric": True, "bootstrap": 3, "confidence_level": 0.9},
    ),
    "activation_diameter": (ig.activation_diameter, {"activation": "tanh", "width": 4}),
    "bounds_by_layer": (
        ig.bounds_by_layer, {**STUDY, "n": 5, "ranks": (3, 2, 1), "gains": ((1.0,),), "replicates": 2}
    ),
    "bounds_by_sample_size": (
        ig.bounds_by_sample_size, {**STUDY, "sizes": [5, 10], "ranks": (3, 1), "delta": 0.05, "prior_std": 0.3}
    ),
    "cgf_inverse_bound": (ig.cgf_inverse_bound, {"mi_terms": [0.1], "psi": lambda t: t * t / 2.0}),
    "cmi_bound": (ig.cmi_bound, {"cmi": 0.1, "n": 3}),
    "compose_sdpi": (ig.compose_sdpi, {"etas": [0.5, 0.4]}),
    "contraction_curves": (
        ig.contraction_curves, {"units": [1, 4], "widths": [1], "n_params": 24, "drops": [0.5], "points": 3}
    ),
    "data_diameter": (ig.data_diameter, {"X": [[0.0, 0.0], [3.0, 4.0]]}),
    "depth_width_table": (ig.depth_width_table, {"n_params": 240, "depths": [1, 2], "drop": 0.9}),
    "finite_parameter_bound": (
        ig.finite_parameter_bound,
        {"widths": [4, 3, 1], "levels": 2, "n": 1000, "sigma": 0.5, "drop": 0.5, "label_information": 0.0,
         "biases": False, "n_classes": 3},
    ),
    "gaussian_kl": (ig.gaussian_kl, {"mean": [0.3, 0.1], "std": 0.5, "prior_mean": 0.0, "prior_std": 1.0}),
    "gaussian_mean_example": (ig.gaussian_mean_example, {"n": 20, "d": 3, "sigma2": 1.0}),
    "gibbs_bound": (
        ig.gibbs_bound, {"alpha": 2.0, "sigma": 0.5, "n": 3, "contraction": 1.0, "lautum_ratio": 0.0}
    ),
    "gibbs_study": (
        ig.gibbs_study,
        {"loss_matrix": [[0, 1], [1, 0]], "p_z": [0.6, 0.4], "prior": None, "alphas": [1.0, 2.0], "sizes": [1, 3],
         "alpha": 2.0, "n": 3, "n_params": 20, "depths": (1, 2), "drop": 0.9, "levels": 2, "n_network": 100},
    ),
    "hierarchical_kl_bound": (ig.hierarchical_kl_bound, {"kl_terms": [0.1, 0.2], "sigma": 0.5}),
    "individual_mi_bound": (ig.individual_mi_bound, {"mi_terms": [0.1, 0.2], "sigma": 0.5}),
    "kl_inverse_lower": (ig.kl_inverse_lower, {"q": 0.1, "c": 0.1}),
    "kl_inverse_upper": (ig.kl_inverse_upper, {"q": 0.1, "c": 0.1}),
    "kl_lower_from_tv": (ig.kl_lower_from_tv, {"tv": 0.1, "method": "tight"}),
    "labelled_transport": (
        ig.labelled_transport,
        {"t_train": [0.0, 1.0], "y_train": [1, -1], "t_test": [0.5, 1.5], "y_test": [1, 1], "lipschitz": 2.0,
         "label_cost": 3.0, "max_exact": 4000, "rng": 0},
    ),
    "layer_certificates": (
        ig.layer_certificates,
        {"train": TRAIN, "test": TEST, "y_train": Y, "y_test": Y_TEST, "weights": WEIGHTS, "activations": "relu",
         "loss": "logistic", "label_cost": None, "max_exact": 4000, "rng": 0},
    ),
    "layer_certificates, constants": (
        ig.layer_certificates,
        {"train": TRAIN, "test": TEST, "y_train": Y, "y_test": Y_TEST, "lipschitz": [9.0, 2.0, 1.0], "rng": 0},
    ),
    "layer_wasserstein_bound": (
        ig.layer_wasserstein_bound,
        {"w1": [0.1, 0.2], "lipschitz": [2.0, 1.0], "rho0": 1.0, "metric": "joint", "loss_range": None},
    ),
    "ldmi_bound": (
        ig.ldmi_bound,
        {**PAIR, "loss_range": 1.0, "correction": "none", "bootstrap": 3, "confidence_level": 0.95, "rng": 0},
    ),
    "lipschitz_constants": (ig.lipschitz_constants, {"weights": WEIGHTS, "activations": "relu"}),
    "lipschitz_parameter_bound": (ig.lipschitz_parameter_bound, {"w1_terms": [0.1], "rho": 1.0, "loss_range": None}),
    "mi_bound": (ig.mi_bound, {"mi": 0.1, "n": 3, "sigma": 0.5}),
    "network_study": (
        ig.network_study,
        {**STUDY, "data": None, "n": 5, "d": 2, "hidden": (2,), "activation": "relu", "steps": 1,
         "learning_rate": 0.1, "drop": 0.1, "noise_std": 0.1, "masks": 1},
    ),
    "noisy_sgd_mi": (ig.noisy_sgd_mi, {"lr": [0.1, 0.1], "lipschitz": 1.0, "noise_std": 0.1, "d": 10}),
    "pac_bayes_bound": (ig.pac_bayes_bound, {**PAC, "method": "mcallester"}),
    "pac_bayes_bound, seeger": (ig.pac_bayes_bound, {**PAC, "method": "seeger"}),
    "pac_bayes_bound, exact xi": (ig.pac_bayes_bound, {**PAC, "method": "seeger_exact_xi"}),
    "pac_bayes_bound, thiemann": (ig.pac_bayes_bound, {**PAC, "method": "thiemann"}),
    "pac_bayes_bound, catoni": (ig.pac_bayes_bound, {**PAC, "method": "catoni", "catoni_c": 1.0}),
    "pac_bayes_bound, grid": (ig.pac_bayes_bound, {**PAC, "method": "catoni", "catoni_grid": [1.0, 2.0]}),
    "read_activations": (ig.read_activations, {"path": Path("no") / "such.npz"}),
    "refined_kl_bound": (
        ig.refined_kl_bound, {"mi_x_given_y": [0.1, 0.2], "mi_y": 0.0, "etas": [0.5, 0.4], "sigma": 0.5}
    ),
    "representation_shift": (
        ig.representation_shift,
        {"train": TRAIN, "test": TEST, "k": 2, "jitter": 1e-9, "rank_tol": None, "standard_error": False, "rng": 0},
    ),
    "run_experiment": (ig.run_experiment, {"name": "E3", "rng": 0}),
    "sdpi_discrete": (ig.sdpi_discrete, {"K": [[0.8, 0.2], [0.2, 0.8]]}),
    "sdpi_dropconnect": (
        ig.sdpi_dropconnect, {"drop": 0.3, "weights": [[1.0, 0.0], [2.0, 1.0]], "activation": "identity"}
    ),
    "sdpi_dropconnect, shape": (ig.sdpi_dropconnect, {"drop": 0.3, "shape": (2, 2)}),
    "sdpi_dropout": (ig.sdpi_dropout, {"drop": 0.3, "d": 3}),
    "sdpi_gaussian": (ig.sdpi_gaussian, {"diameter": 1.0, "noise_std": 1.0, "method": "exact"}),
    "sdpi_gaussian_input": (ig.sdpi_gaussian_input, {"cov": [[1.0, 0.0], [0.0, 1.0]], "noise_std": 1.0, "A": [[1, 0]]}),
    "subgaussian_sigma": (ig.subgaussian_sigma, {"kind": "bernoulli", "p": 0.2}),
    "subgaussian_sigma, bounded": (ig.subgaussian_sigma, {"kind": "bounded", "low": 0.0, "high": 1.0}),
    "subgaussian_sigma, normal": (ig.subgaussian_sigma, {"kind": "normal", "std": 1.0}),
    "supersample_study": (
        ig.supersample_study,
        {**STUDY, "d": 2, "sizes": [4], "supersamples": 2, "masks": 6, "network_sizes": [3], "network_supersamples": 2,
         "network_masks": 6, "hidden": (2,), "steps": 1, "bootstrap": 2, "confidence_level": 0.9},
    ),
    "transport_inequality": (ig.transport_inequality, {"kl": 0.1, "constant": 1.0, "method": "t1"}),
    "transport_inequality, t2": (
        ig.transport_inequality, {"kl": 0.1, "constant": [[1.0, 0.2], [0.2, 1.0]], "method": "t2"}
    ),
    "transport_inequality, diameter": (
        ig.transport_inequality, {"kl": 0.1, "constant": 1.0, "method": "diameter", "tv_method": "tight"}
    ),
    "tv_upper_from_kl": (ig.tv_upper_from_kl, {"kl": 0.1, "method": "tight"}),
}  # fmt: skip

HOSTILE: list[Any] = [
    None, "", "abc", b"q", np.nan, np.inf, -np.inf, -1, 0, -0.5, 1.5, 1e308, -1e308, 5e-324, 1e-300, True, 1j, 2**70,
    -(2**70), 10**400, [], (), [[]], {}, {"a": 1}, {1.0}, [np.nan], [np.inf], [None], ["a"], [1, "a"], [1j, 2],
    [[1, 2], [3]], [1, [2, 3]], [1e308, 1e308], [1e308, -1e308], [-1, 1, 1], [0, 0, 0], [[0, 0], [0, 0]],
    [[-1, 0], [0, 1]], [[1e-320, 0], [0, 1e-320]], [0.1] * 100, [pd.NA, 1], pd.NA, pd.NaT, object(), len, type, ...,
    Decimal("0.5"), Fraction(1, 2), datetime.datetime(2020, 1, 1), np.datetime64("2020"), np.timedelta64(1, "s"),
    np.float32(0.5), np.array(3.0), np.array(np.nan), np.array(["a"]), np.array([1, 2, 3], dtype=object),
    np.zeros((2, 2, 2)), np.ones((3, 3, 3)), np.zeros((0, 3)), np.full((3, 3), 1e200), np.ma.masked_equal([1, 2], 2),
    pd.DataFrame(), pd.DataFrame({"a": ["x", "y", "z"]}), pd.Series([1, 2, 3], index=[0, 0, 1]), range(3), slice(3),
]  # fmt: skip
# Fields that are nan by design, where a number does not exist.
MAY_BE_NAN = {"se", "w1", "w1_se", "low", "high", "gap_se", "gap_from_information"}
SLOW = {"bounds_by_layer", "bounds_by_sample_size", "gibbs_study", "network_study", "supersample_study",
        "contraction_curves", "run_experiment"}  # fmt: skip


def _nan_in(value: Any) -> bool:
    if isinstance(value, pd.DataFrame):
        return "value" in value and bool(value["value"].isna().any())
    if isinstance(value, Result):
        fields = {field.name: getattr(value, field.name) for field in value._fields()}
        return any(_nan_in(item) for name, item in fields.items() if name not in MAY_BE_NAN)
    if isinstance(value, (list, tuple)):
        return any(map(_nan_in, value))
    if isinstance(value, dict):
        return any(map(_nan_in, value.values()))
    return isinstance(value, (float, np.floating, np.ndarray)) and bool(
        np.asarray(value).dtype.kind == "f" and np.isnan(value).any()
    )


def _frozen(options: dict[str, Any]) -> bytes | None:
    try:
        return pickle.dumps({key: item for key, item in options.items() if not callable(item)})
    except (TypeError, AttributeError, pickle.PicklingError):  # not everything hostile can be pickled
        return None


def _attempt(function: Callable[..., Any], options: dict[str, Any]) -> tuple[Any, Exception | None]:
    try:
        return function(**options), None
    except Exception as error:
        return None, error


@pytest.mark.parametrize("name", CALLS)
def test_hostile_values_are_refused_or_give_numbers(name: str) -> None:
    function, good = CALLS[name]
    values = HOSTILE[:: 3 if name in SLOW else 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        for argument in good:
            for value in values:
                options = {**good, argument: value}
                before = None if isinstance(value, np.ma.MaskedArray) else _frozen(options)
                where = f"{name}({argument}={value!r:.40})"
                found, refusal = _attempt(function, options)
                if refusal is None:
                    assert not _nan_in(found), f"{where} gave nan"
                    if isinstance(found, Result):
                        assert str(found.summary()) and len(found.to_frame()) >= 0, where
                else:
                    assert isinstance(refusal, InfostatError), f"{where} raised a bare {refusal!r}"
                    assert isinstance(refusal, (ValueError, TypeError, ImportError)), where
                    assert 5 < len(str(refusal)) < 1000, where
                assert before is None or before == _frozen(options), f"{where} changed its input"


def test_every_public_function_is_attacked() -> None:
    reached = {name.split(",")[0] for name in CALLS}
    public = {name for name in ig.__all__ if not getattr(ig, name).__module__.startswith("infostat.divergences")}
    results = {name for name in public if inspect.isclass(getattr(ig, name)) and issubclass(getattr(ig, name), Result)}
    assert public - results <= reached


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_is_attacked(name: str) -> None:
    function, _ = CALLS[name]
    parameters = inspect.signature(ig.GibbsAlgorithm if name == "GibbsAlgorithm" else function).parameters
    # Options of execution are checked with the code that runs them; the rest excludes each other.
    execution = {"progress", "n_jobs", "batch_size", "checkpoint", "options", "self"}
    same = [used for key, (_, used) in CALLS.items() if key.split(",")[0] == name.split(",")[0]]
    assert set(parameters) - execution <= set().union(*same)
