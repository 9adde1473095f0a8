"""A good call of every public function of infostat.alignment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from infostat import alignment as al
from tests.common.bad_values import Call

P, R = [0.5, 0.3, 0.2], [0.0, 1.0, 2.0]
SCORES = np.random.default_rng(0).normal(size=40)
PROMPTS = np.repeat(["a", "b", "c", "d"], 10)
GAME = [[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]]
SOLVES = [[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]]
_LAW: dict[str, Any] = {"p": P, "r": R, "logp": None}
_RUN: dict[str, Any] = {"rng": 0, "n_jobs": None, "progress": False}
_TIES: dict[str, Any] = {"ties": "random", "tie_tol": 0.0}

CALLS: dict[str, Call] = {
    "align": (
        al.align,
        {"data": SCORES, "true": SCORES**2, "prompt_id": None, "kl": [0.1], "n": [2, 4], "m": None, "delta": None,
         "bootstrap": 5, "confidence_level": 0.9, "nan": "raise", **_RUN},
    ),
    "align, prompts": (al.align, {"data": SCORES, "prompt_id": PROMPTS, "n": [2]}),
    "align, law": (al.align, {"data": pd.DataFrame({"prob": P, "reward": R}), "m": [3], "delta": 0.1}),
    "best_of_n": (al.best_of_n, {**_LAW, "n": 4, "log_n": None, **_TIES}),
    "best_of_n, continuous": (al.best_of_n, {"p": stats.norm(), "n": 4}),
    "best_of_n, logarithm": (al.best_of_n, {"p": P, "r": R, "n": None, "log_n": 3.0}),
    "bon_curve": (
        al.bon_curve,
        {"samples": SCORES, "n": [1, 2], "true": SCORES**2, "method": "unbiased", "confidence_level": 0.9,
         "tie_tol": 0.0, "prompt_id": None, "nan": "raise", "on_short": "limit", "n_jobs": None, "progress": False},
    ),
    "bon_divergences": (al.bon_divergences, {"n": [2, 4], "renyi_order": 2.0, "log_n": None}),
    "bon_divergences, logarithm": (al.bon_divergences, {"n": None, "log_n": [3.0]}),
    "bon_kl_single_atom": (al.bon_kl_single_atom, {"e": 0.2, "n": 4, "log_n": None}),
    "bon_kl_single_atom, logarithm": (al.bon_kl_single_atom, {"e": 0.2, "n": None, "log_n": 3.0}),
    "correlated_proxy_bound": (
        al.correlated_proxy_bound, {"base": P, "true": R, "proxy": [0.1, 0.9, 2.1], "policy": [0.3, 0.4, 0.3]}
    ),
    "difference_sampling": (
        al.difference_sampling,
        {"logp_teacher": np.log(P), "logp_ref": np.log([0.4, 0.4, 0.2]), "fraction": 0.25, "rows": "outcomes",
         "lengths": None},
    ),
    "difference_sampling, lengths": (
        al.difference_sampling,
        {"logp_teacher": np.log(P), "logp_ref": np.log([0.4, 0.4, 0.2]), "fraction": 0.25, "rows": "documents",
         "lengths": [3, 2, 4]},
    ),
    "empirical_rate": (
        al.empirical_rate,
        {"samples": SCORES, "x": [0.5, 1.0], "corrected": False, "prompt_id": None, "nan": "raise"},
    ),
    "estimate": (
        al.estimate,
        {"samples": SCORES, "true": SCORES**2, "t": None, "kl": [0.1], "prompt_id": None, "bootstrap": 5,
         "confidence_level": 0.9, "nan": "raise", **_RUN},
    ),
    "estimate, strength": (al.estimate, {"samples": SCORES, "t": [0.5], "kl": None, "prompt_id": PROMPTS}),
    "exploitability": (al.exploitability, {"P": GAME, "policy": P, "ref": P, "beta": 0.2}),
    "f_dpo_loss": (
        al.f_dpo_loss,
        {"logp_w": [-1.0, -2.0], "logp_l": [-1.5, -1.0], "logref_w": [-1.2, -1.8], "logref_l": [-1.2, -1.8],
         "beta": 0.5, "kind": "kl", "order": None},
    ),
    "f_dpo_loss, order": (
        al.f_dpo_loss,
        {"logp_w": [-1.0], "logp_l": [-1.5], "logref_w": [-1.2], "logref_l": [-1.2], "beta": 0.5, "kind": "alpha",
         "order": 0.5},
    ),
    "f_optimum": (al.f_optimum, {**_LAW, "beta": 1.0, "divergence": None, "kind": "js", "order": None}),
    "f_optimum, budget": (
        al.f_optimum, {**_LAW, "beta": None, "divergence": 0.1, "kind": "alpha", "order": 0.5}
    ),
    "f_pseudo_reward": (
        al.f_pseudo_reward, {"policy": P, "target": [0.2, 0.3, 0.5], "kind": "js", "order": None, "logits": False}
    ),
    "free_energy": (al.free_energy, {"q": [0.2, 0.3, 0.5], **_LAW, "beta": 1.0}),
    "frontier": (
        al.frontier, {**_LAW, "kl": [0.1, 0.2], "true": [0.0, 1.0, 0.0], "n": [2], "progress": False}
    ),
    "frontier, continuous": (al.frontier, {"p": stats.norm(), "r": None, "kl": [0.1], "n": [2]}),
    "log_n_for_kl": (al.log_n_for_kl, {**_LAW, "kl": 0.3, **_TIES}),
    "log_n_from_kl": (al.log_n_from_kl, {"kl": 0.3}),
    "nash_mirror_prox": (
        al.nash_mirror_prox,
        {"P": GAME, "ref": P, "beta": 0.2, "rounds": 5, "tol": 1e-6, "max_rounds": 100, "start": None,
         "progress": False},
    ),
    "nash_mirror_prox, until": (
        al.nash_mirror_prox, {"P": GAME, "ref": None, "beta": 0.2, "rounds": None, "tol": 1e-6, "max_rounds": 1000}
    ),
    "overoptimisation_fit": (
        al.overoptimisation_fit,
        {"kl": [0.1, 1.0, 4.0, 9.0], "gain": [0.29, 0.8, 1.2, 1.2], "kind": "bon", "se": None, "proxy": None},
    ),
    "overoptimisation_fit, weighted": (
        al.overoptimisation_fit,
        {"kl": [0.1, 1.0, 4.0, 9.0], "gain": [0.29, 0.8, 1.2, 1.2], "kind": "rl", "se": [0.1] * 4,
         "proxy": [0.3, 1.0, 2.0, 3.0]},
    ),
    "pass_at_k": (al.pass_at_k, {"M": 10, "c": [2, 3], "k": 3}),
    "pass_at_k_by_divergence": (
        al.pass_at_k_by_divergence,
        {"p": P, "solves": SOLVES, "kinds": ("kl", "js"), "k": (1, 2), "beta": 0.1, "reward": None},
    ),
    "pass_at_k_by_divergence, reward": (
        al.pass_at_k_by_divergence, {"p": P, "solves": SOLVES, "kinds": ("kl",), "beta": None, "reward": 0.6}
    ),
    "policy_gap": (al.policy_gap, {"q": [0.3, 0.4, 0.3], **_LAW, "kl": 0.2}),
    "rate_function": (al.rate_function, {**_LAW, "x": [0.5, 1.5], "t": 0.5, "delta": 0.1}),
    "renyi_cross_entropy": (
        al.renyi_cross_entropy,
        {"P": P, "Q": P, "order": 2.0, "axis": -1, "base": None, "normalize": "check", "logits": False},
    ),
    "scaled_cumulants": (al.scaled_cumulants, {**_LAW, "t": 0.5, "order": 4}),
    "sequence_bon": (
        al.sequence_bon,
        {**_LAW, "m": [3, 5], "delta": 0.1, "n": None, "method": "auto", "progress": False},
    ),
    "sequence_bon, n": (al.sequence_bon, {"p": P, "r": [0.0, 1.0, 2.0**0.5], "m": 3, "n": 4, "method": "bracket"}),
    "sequence_tail": (al.sequence_tail, {**_LAW, "m": 20, "x": [1.0], "t": 0.1}),
    "simulate_alignment": (
        al.simulate_alignment,
        {"n": 20, "replicates": 3, "kl": (0.1,), "n_best": (2,), "law": None, "confidence_level": 0.9, **_RUN,
         "batch_size": None, "checkpoint": None},
    ),
    "small_kl_expansion": (al.small_kl_expansion, _LAW),
    "soft_best_of_n": (al.soft_best_of_n, {**_LAW, "n": 3, "t": 1.0}),
    "strategy_pass_at_k": (al.strategy_pass_at_k, {"solves": SOLVES, "q": P, "k": [1, 2]}),
    "stream_estimate": (
        al.stream_estimate,
        {"source": [SCORES[:20], SCORES[20:]], "t": [0.5], "kl": None, "column": None, "confidence_level": 0.9,
         "nan": "raise", "chunk_rows": None, "n_jobs": None, "progress": False},
    ),
    "stream_estimate, budget": (al.stream_estimate, {"source": [SCORES], "t": None, "kl": [0.1]}),
    "tilt": (al.tilt, {**_LAW, "t": 0.5, "beta": None, "kl": None, "reward": None}),
    "tilt, penalty": (al.tilt, {"p": P, "r": R, "beta": 2.0}),
    "tilt, budget": (al.tilt, {"p": P, "r": R, "kl": 0.1}),
    "tilt, reward": (al.tilt, {"p": P, "r": R, "reward": 0.9}),
    "tilt, continuous": (al.tilt, {"p": stats.norm(), "t": 0.5}),
    "tilt, log": (al.tilt, {"p": None, "r": R, "logp": np.log(P), "t": 0.5}),
    "top_fraction": (al.top_fraction, {**_LAW, "fraction": 0.4}),
}  # fmt: skip
