"""A good call of every public function of infostat.divergences."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from infostat import divergences as dv
from tests.common.bad_values import Call

P, Q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]
JOINT = [[0.3, 0.1], [0.1, 0.5]]
CUBE = [[[0.2, 0.05], [0.1, 0.15]], [[0.05, 0.2], [0.15, 0.1]]]
_G = np.random.default_rng(0)
X, Y, Z = _G.normal(size=(14, 2)), _G.normal(size=(12, 2)) + 0.5, _G.normal(size=(14, 2))
LABELS = [0, 0, 1, 1]
PROBS = [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]]

_AXIS: dict[str, Any] = {"axis": -1, "base": None, "normalize": "check"}
_TABLES: dict[str, Any] = {"P": P, "Q": Q, **_AXIS, "logits": False}
_JOINT: dict[str, Any] = {"joint": JOINT, "axes": None, "base": None, "normalize": "check"}
_GAUSS: dict[str, Any] = {"m1": [0.0, 0.0], "S1": [[1.0, 0.2], [0.2, 1.0]], "m2": [1.0, 0.0], "S2": np.eye(2)}
_NEAR: dict[str, Any] = {"jitter": None, "rng": 0, "standard_error": True, "n_jobs": None}
_WEIGHTED: dict[str, Any] = {"x_weights": None, "y_weights": None}

_ON_TABLES = ("kl", "reverse_kl", "jeffreys", "pearson", "neyman", "hellinger", "le_cam", "tv", "cauchy_schwarz")
_GAUSSIAN = ("kl_gaussian", "w2_gaussian", "hellinger_gaussian", "cauchy_schwarz_gaussian")

CALLS: dict[str, Call] = {
    **{name: (getattr(dv, name), _TABLES) for name in _ON_TABLES},
    **{name: (getattr(dv, name), _GAUSS) for name in _GAUSSIAN},
    "alpha": (dv.alpha, {**_TABLES, "order": 0.5}),
    "hockey_stick": (dv.hockey_stick, {**_TABLES, "gamma": 1.5}),
    "js": (dv.js, {**_TABLES, "weight": 0.5}),
    "js_multi": (dv.js_multi, {"ps": [P, Q], "weights": [0.5, 0.5], **_AXIS, "logits": False}),
    "renyi": (dv.renyi, {**_TABLES, "order": 2.0}),
    "tsallis": (dv.tsallis, {**_TABLES, "order": 2.0}),
    "renyi_cross_entropy": (dv.renyi_cross_entropy, {**_TABLES, "order": 2.0}),
    "entropy": (dv.entropy, {"P": P, "order": 1, **_AXIS, "logits": False}),
    "bregman": (dv.bregman, {"x": P, "y": Q, "phi": "negative_entropy", "axis": -1, "base": None, "normalize": "no"}),
    "generator": (dv.generator, {"kind": "js", "order": None, "weight": 0.5, "gamma": None}),
    "generator, order": (dv.generator, {"kind": "alpha", "order": 0.5}),
    "generator, gamma": (dv.generator, {"kind": "hockey_stick", "gamma": 1.5}),
    "divergence_kinds": (dv.divergence_kinds, {}),
    "conditional_entropy": (dv.conditional_entropy, _JOINT),
    "mutual_information": (dv.mutual_information, _JOINT),
    "total_correlation": (dv.total_correlation, _JOINT),
    "conditional_mutual_information": (dv.conditional_mutual_information, {**_JOINT, "joint": CUBE}),
    "interaction_information": (dv.interaction_information, {**_JOINT, "joint": CUBE}),
    "class_conditional_mi": (
        dv.class_conditional_mi,
        {"probs": PROBS, "labels": LABELS, "base": None, "normalize": "check", "logits": False},
    ),
    "advise": (dv.advise, {"n": 1000, "d": 4, "value": None}),
    "divergence": (
        dv.divergence,
        {"P": P, "Q": Q, "kind": "js", "from_samples": None, "estimator": None, "rng": None, "order": None,
         "weight": 0.5, "gamma": None, "base": None, "axis": -1, "normalize": "check", "logits": False, "tol": 1e-9},
    ),
    "divergence, samples": (
        dv.divergence, {"P": X, "Q": Y, "kind": "kl", "from_samples": True, "estimator": "kl_knn", "rng": 0}
    ),
    "divergence, laws": (
        dv.divergence, {"P": stats.norm(), "Q": stats.norm(1.0, 2.0), "kind": "renyi", "order": 0.5, "tol": 1e-8}
    ),
    "law_divergence": (
        dv.law_divergence,
        {"P": stats.norm(), "Q": stats.laplace(), "kind": "js", "order": None, "weight": 0.5, "gamma": None,
         "tol": 1e-6},
    ),
    "renyi_gaussian": (dv.renyi_gaussian, {**_GAUSS, "order": 0.5}),
    "mmd_gaussian": (dv.mmd_gaussian, {**_GAUSS, "bandwidth": 1.0}),
    "sinkhorn_gaussian": (dv.sinkhorn_gaussian, {**_GAUSS, "eps": 0.5}),
    "sliced_w2_gaussian": (dv.sliced_w2_gaussian, {**_GAUSS, "directions": None, "n_directions": 16, "rng": 0}),
    "kl_lower_from_tv": (dv.kl_lower_from_tv, {"tv": 0.3, "method": "tight"}),
    "tv_upper_from_kl": (dv.tv_upper_from_kl, {"kl": 0.3, "method": "tight"}),
    "entropy_from_counts": (
        dv.entropy_from_counts, {"counts": [3, 2, 0, 5], "method": "grassberger", "bootstrap": 5, "rng": 0}
    ),
    "entropy_knn": (dv.entropy_knn, {"X": X, "k": 3, "norm": "euclidean", "order": 1.0, **_NEAR}),
    "kl_knn": (dv.kl_knn, {"X": X, "Y": Y, "k": 3, "k_y": None, **_NEAR}),
    "renyi_knn": (dv.renyi_knn, {"X": X, "Y": Y, "order": 0.8, "k": 3, **_NEAR}),
    "mi_ksg": (dv.mi_ksg, {"x": X, "y": Z, "k": 3, "algorithm": 1, "standardize": False, **_NEAR}),
    "cmi_knn": (dv.cmi_knn, {"x": X, "y": Z, "z": X[:, 0] + Z[:, 0], "k": 3, "standardize": False, **_NEAR}),
    "kl_kde": (dv.kl_kde, {"X": X, "Y": Y, "bandwidth": "scott"}),
    "cauchy_schwarz_kernel": (dv.cauchy_schwarz_kernel, {"X": X, "Y": Y, "bandwidth": None}),
    "cs_qmi": (dv.cs_qmi, {"x": X, "y": Z, "bandwidth": None}),
    "conditional_cs": (dv.conditional_cs, {"x": X, "y": Z, "y2": X + Z, "bandwidth": None}),
    "ratio_logistic": (dv.ratio_logistic, {"X": X, "Y": Y, "features": None}),
    "ulsif": (dv.ulsif, {"X": X, "Y": Y, "bandwidth": None, "penalty": None}),
    "kliep": (dv.kliep, {"X": X, "Y": Y, "bandwidth": None}),
    "donsker_varadhan": (dv.donsker_varadhan, {"f_p": [0.1, 0.5, 0.2], "f_q": [0.0, -0.2, 0.1]}),
    "nwj": (dv.nwj, {"f_p": [0.1, 0.5, 0.2], "f_q": [0.0, -0.2, 0.1]}),
    "median_bandwidth": (dv.median_bandwidth, {"X": X}),
    "mmd": (dv.mmd, {"X": X, "Y": Y, "bandwidth": None, "unbiased": False}),
    "energy_distance": (dv.energy_distance, {"x": X, "y": Y, **_WEIGHTED}),
    "hsic": (dv.hsic, {"X": X, "Y": Z, "kernel": "gaussian", "bandwidth": None, "debiased": False}),
    "cka": (dv.cka, {"X": X, "Y": Z, "debiased": False, "kernel": "gaussian", "bandwidth": None}),
    "permutation_test": (
        dv.permutation_test,
        {"X": X, "Y": Y, "statistic": "mmd", "draws": 9, "rng": 0, "kernel": "linear", "bandwidth": None,
         "n_jobs": None, "progress": False},
    ),
    "wasserstein_1d": (dv.wasserstein_1d, {"x": X[:, 0], "y": Y[:, 0], "p": 1, **_WEIGHTED}),
    "wasserstein_exact": (dv.wasserstein_exact, {"x": X, "y": Y, "p": 1, **_WEIGHTED, "max_exact": 5000}),
    "sliced_wasserstein": (
        dv.sliced_wasserstein, {"x": X, "y": Y, "p": 1, "directions": None, "n_directions": 8, "rng": 0}
    ),
    "sinkhorn": (
        dv.sinkhorn,
        {"a": [0.5, 0.5], "b": [0.4, 0.6], "C": [[0.0, 1.0], [1.0, 0.0]], "eps": 0.5, "tol": 1e-8, "max_iter": 500,
         "n_jobs": None},
    ),
    "sinkhorn_divergence": (
        dv.sinkhorn_divergence,
        {"x": X, "y": Y, "eps": 0.5, "p": 2, **_WEIGHTED, "tol": 1e-8, "max_iter": 500, "n_jobs": None},
    ),
}  # fmt: skip
