"""Certificates of a network beside the same numbers from an assignment solver; the Gibbs algorithm beside a list."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np

from ._registry import Contender, Kept, Trial, against, workload

WIDTHS = (512, 512, 256, 128, 64, 10)


# ------------------------------------------------------------------------------------- certificates
def network(rows: int) -> tuple[list[Any], list[Any], Any, Any, list[Any]]:
    """Layers of two samples of ten classes around ten centres, class codes, and weights."""
    g = np.random.default_rng(51)
    weights = [g.normal(size=(b, a)) * np.sqrt(2.0 / a) for a, b in itertools.pairwise(WIDTHS)]
    centres = g.normal(size=(WIDTHS[-1], WIDTHS[0]))

    def sample() -> tuple[list[Any], Any]:
        labels = g.integers(0, WIDTHS[-1], rows)
        layers = [centres[labels] + g.normal(size=(rows, WIDTHS[0]))]
        for weight in weights[:-1]:
            layers.append(np.maximum(layers[-1] @ weight.T, 0.0))
        return [*layers, layers[-1] @ weights[-1].T], labels

    (train, y), (test, y_test) = sample(), sample()
    return train, test, y, y_test, weights


def assignments(n: int) -> Any:
    """The same four numbers a layer by the assignment solver of SciPy; the halves are cut in the middle.

    On these clouds it is as fast as the network simplex or faster. It needs samples of one size, and on clouds
    that are far apart it was measured to be 3 to 20 times slower, which is why it is not what we use.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    train, test, y, y_test, weights = network(n)
    tails = np.append(np.cumprod([np.linalg.norm(w, 2) for w in weights[::-1]])[::-1], 1.0)
    label_cost = max(float(np.ptp(u, axis=1).max()) for u in (train[-1], test[-1]))
    half = n // 2
    found = []
    for a, b, tail in zip(train, test, tails, strict=True):
        pairs = [(a, b, y[:, None] != y_test), (b[:half], b[half:], y_test[:half, None] != y_test[half:])]
        for x, z, mismatch in pairs:
            distance = cdist(x, z)
            for cost in (distance, np.sqrt(2.0) * tail * distance + label_cost * mismatch):
                found.append(float(cost[linear_sum_assignment(cost)].mean()))
    return np.array(found).reshape(len(tails), 4)[:, :2]


@workload(
    "certificates", "certificates and floors of five layers, widths 512 to 10", quick={"n": 60},
    standard={"n": 1000}, full={"n": 2000}, target="seconds < 60; error <= 1e-10; mib < 1024", memory=True,
)  # fmt: skip
def certificates(threads: int, n: int) -> Trial:
    """As many training rows as test rows."""
    from infostat.generalization.certificates import layer_certificates

    def ours() -> Any:
        train, test, y, y_test, weights = network(n)
        with warnings.catch_warnings(action="ignore"):  # random weights: the certificates are vacuous
            found = layer_certificates(
                train, test, y, y_test, weights=weights, activations="relu", loss="softmax", rng=0, n_jobs=threads
            )
        return np.column_stack([found.w1, found.certificate])

    peer = Kept(lambda: assignments(n))
    contenders = [Contender("infostat", ours), Contender("SciPy assignment", peer, "scipy")]
    return Trial(contenders, against(peer.latest), "SciPy assignment")


# --------------------------------------------------------------------------------- Gibbs algorithm
@workload(
    "gibbs", "Gibbs algorithm, ten hypotheses, all types of samples", quick={"n": 6, "cells": 3},
    standard={"n": 21, "cells": 8}, target="seconds < 10; error <= 1e-10", memory=True,
)  # fmt: skip
def gibbs(threads: int, n: int, cells: int) -> Trial:
    """More than a million types; the alternative lists all of them at once."""
    from infostat.generalization.gibbs import GibbsAlgorithm
    from infostat.generalization.type_enumeration import type_counts

    g, alpha = np.random.default_rng(52), 5.0
    loss, p = g.random((10, cells)), g.dirichlet(np.ones(cells))
    model = GibbsAlgorithm(loss, p, None, alpha)

    def listed() -> Any:
        from scipy.special import logsumexp
        from scipy.stats import multinomial

        counts = type_counts(n, cells)
        chance = multinomial.pmf(counts, n, p)
        log_posterior = -alpha * (counts @ loss.T) / n
        log_posterior -= logsumexp(log_posterior, axis=1, keepdims=True)
        posterior = np.exp(log_posterior)
        marginal = chance @ posterior
        ratio_log = log_posterior - np.log(marginal)
        joint = (counts * chance[:, None]).T @ posterior / n
        gen = (p @ (loss.T * marginal).sum(axis=1)) - (joint * loss.T).sum()
        return np.array([gen, chance @ (posterior * ratio_log).sum(axis=1), -(chance @ (ratio_log @ marginal))])

    def ours() -> Any:
        found = model.exact(n)
        return np.array([found.gen, found.mi, found.lautum])

    peer = Kept(listed)
    contenders = [Contender("infostat", ours), Contender("SciPy, all types listed", peer, "scipy")]
    return Trial(contenders, against(peer.latest), "SciPy, all types listed")


@workload(
    "gibbs-supersamples", "conditional information of the Gibbs algorithm, three cells", quick={"n": 4},
    standard={"n": 17}, target="seconds < 10",
)  # fmt: skip
def supersamples(threads: int, n: int) -> Trial:
    """A million types of pairs."""
    from infostat.generalization.gibbs import GibbsAlgorithm

    g = np.random.default_rng(52)
    loss, p = g.random((10, 8)), g.dirichlet(np.ones(8))
    model = GibbsAlgorithm(loss[:, :3], p[:3] / p[:3].sum(), None, 5.0)
    return Trial([Contender("infostat", lambda: model.exact_cmi(n).cmi)])
