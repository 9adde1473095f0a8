"""A good call of every public function of infostat.families and infostat.projection."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from infostat import families as fm
from infostat import projection as pj
from tests.common.bad_values import Call

_G = np.random.default_rng(0)
X = _G.normal(size=(60, 2))
UNIFORM = _G.random((60, 2))
BITS = (_G.random((60, 2)) < 0.5).astype(float)
TERMS = pj.risk_terms(X, "mvn")
_WEIGHTS: dict[str, Any] = {"weights": None, "n_effective": None}
_METHOD: dict[str, Any] = {"ddof": 1, "moments": "published", "draws": 2000, "rng": 0, "n_jobs": None}
_RESAMPLES: dict[str, Any] = {
    "bootstrap": 4, "interval": "percentile", "confidence_level": 0.9, "method": "auto", "alpha": 0.05, "order": 2,
    "batch_size": None, "progress": False,
}  # fmt: skip


def _square(x: Any) -> Any:
    return np.column_stack([x, x**2])


def _location(x: Any, theta: Any) -> Any:
    return stats.norm.logpdf(x, theta[0], 1.0)


def _score(x: Any, theta: Any) -> Any:
    return (np.asarray(x) - theta[0]).reshape(-1, 1)


FAMILIES: dict[str, Call] = {
    "Bernoulli": (fm.Bernoulli, {}),
    "Beta": (fm.Beta, {}),
    "Categorical": (fm.Categorical, {"levels": ["a", "b"]}),
    "Dirichlet": (fm.Dirichlet, {"n_vars": 3}),
    "Exponential": (fm.Exponential, {}),
    "FiniteSupport": (fm.FiniteSupport, {"points": [0.0, 1.0, 3.0], "statistic": None, "log_base": None}),
    "Gamma": (fm.Gamma, {}),
    "GenericFamily": (
        fm.GenericFamily, {"statistic": _square, "nodes": np.linspace(0.0, 1.0, 9), "log_weights": None}
    ),
    "Ising": (fm.Ising, {"n_vars": 3, "edges": [(0, 1)]}),
    "LogLinear": (fm.LogLinear, {"shape": (2, 2), "terms": [(0,), (1,)]}),
    "MultivariateNormal": (fm.MultivariateNormal, {"structure": "full", "n_vars": 2}),
    "MultivariateNormal, graph": (fm.MultivariateNormal, {"structure": [(0, 1)], "n_vars": 3}),
    "Normal": (fm.Normal, {}),
    "Poisson": (fm.Poisson, {}),
    "PolynomialDensity": (
        fm.PolynomialDensity, {"degree": 3, "bounds": (0, 1), "basis": "legendre", "n_nodes": 50}
    ),
    "ProductFamily": (fm.ProductFamily, {"families": ["normal", "gamma"]}),
    "TiltedBase": (fm.TiltedBase, {"base": [stats.uniform(), stats.uniform()], "products": [(0, 1)]}),
    "VonMises": (fm.VonMises, {}),
    "family_names": (fm.family_names, {}),
    "get_family": (fm.get_family, {"family": "normal"}),
}  # fmt: skip

PROJECTION: dict[str, Call] = {
    "bayes_error_floor": (pj.bayes_error_floor, {"kl": 0.1}),
    "bayes_error_threshold": (pj.bayes_error_threshold, {"alpha": 0.05, "kind": "pinsker"}),
    "estimation_risk": (pj.estimation_risk, {"terms": TERMS, "n": [50, 100], "order": 2}),
    "reverse_risk": (pj.reverse_risk, {"terms": TERMS, "n": 50, "order": 2}),
    "optimism": (pj.optimism, {"terms": TERMS, "n": 50, "order": 2}),
    "exact_risk": (pj.exact_risk, {"family": "exponential", "n": [5, 50], "truth": None}),
    "information_criteria": (pj.information_criteria, {"data": X, "family": "mvn", **_WEIGHTS, **_METHOD}),
    "information_projection": (
        pj.information_projection,
        {"data": X, "family": "mvn", "eta": None, "weights": None, "draws": None, "rng": 0, "n_jobs": None},
    ),
    "information_projection, mean": (pj.information_projection, {"data": None, "family": "normal", "eta": [0.0, 1.0]}),
    "plan_sample_size": (
        pj.plan_sample_size, {"p": 5, "family": None, "theta": None, "terms": None, "alpha": 0.05}
    ),
    "plan_sample_size, law": (pj.plan_sample_size, {"family": "exponential", "theta": [-1.0]}),
    "plan_sample_size, terms": (pj.plan_sample_size, {"terms": TERMS, "alpha": 0.05}),
    "pn_criterion": (
        pj.pn_criterion,
        {"data": X, "family": "mvn", **_WEIGHTS, **_METHOD, **_RESAMPLES, "bias_correction": None},
    ),
    "pn_criterion, uniform": (
        pj.pn_criterion, {"data": UNIFORM, "family": fm.ProductFamily(["beta", "beta"]), "order": 1}
    ),
    "pn_criterion, bits": (pj.pn_criterion, {"data": BITS, "family": "ising", "bias_correction": "jackknife"}),
    "pn_sequence": (
        pj.pn_sequence,
        {"data": X, "families": ["mvn_diagonal", "mvn"], **_WEIGHTS, **_METHOD, **_RESAMPLES, "folds": 0},
    ),
    "pn_sequence, folds": (pj.pn_sequence, {"data": X, "families": {"a": "mvn"}, "folds": 3}),
    "risk_terms": (
        pj.risk_terms,
        {"data": X, "family": "mvn", "truth": None, "theta": None, **_WEIGHTS, **_METHOD, "method": "auto"},
    ),
    "risk_terms, law": (
        pj.risk_terms, {"data": None, "family": "bernoulli", "truth": ([0, 1], [0.5, 0.5]), "theta": None}
    ),
    "risk_terms, member": (pj.risk_terms, {"data": None, "family": "exponential", "truth": None, "theta": [-1.0]}),
    "sandwich_risk": (
        pj.sandwich_risk,
        {"data": X[:, 0], "logpdf": _location, "order": 1, "theta": [0.1], "score": None, "hessian": None,
         "third": None, "fourth": None, "fisher": None, "truth": None, "nodes": None, "sample": None, "draws": 2000,
         "scale": "estimated", **_WEIGHTS, "alpha": 0.05, "rng": 0},
    ),
    "sandwich_risk, score": (
        pj.sandwich_risk, {"data": X[:, 0], "logpdf": _location, "score": _score, "theta": [0.1], "order": 2}
    ),
    "sandwich_risk, law": (
        pj.sandwich_risk, {"data": None, "logpdf": _location, "truth": stats.norm(), "theta": [0.0]}
    ),
    "simulate_risk": (
        pj.simulate_risk,
        {"truth": stats.norm(), "family": "normal", "n": [20], "replicates": 4, "theta": None, "rng": 0,
         "n_jobs": None, "batch_size": None, "progress": False, "checkpoint": None},
    ),
    "simulate_risk, member": (
        pj.simulate_risk, {"truth": None, "family": "exponential", "n": 20, "replicates": 4, "theta": [-1.0]}
    ),
}  # fmt: skip
