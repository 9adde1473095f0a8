"""Certificates of a network beside the same numbers from an assignment solver; time and peak memory.

    python benchmarks/bench_generalization.py [--threads 1 2] [--rounds 1] [WORKLOAD ...]

Workloads: ``certificates``, ``gibbs``, ``memory``. The network has layers of width 512, 256, 128, 64, 10 on inputs of
512 coordinates, with 2000 training and 2000 test rows. Every thread count runs in a process of its own, with
BLAS and Numba limited to it and ``n_jobs=`` set to it. The difference is relative to the alternative's
value. `memory` reports the peak of the whole process, in MiB. A new workload is a function of ``(threads,
rounds)`` in `WORKLOADS`.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _harness import (
    Contender,
    Row,
    alternate,
    environment,
    header,
    measure,
    ratio,
    relative_difference,
    report,
    show,
)

from infostat.generalization.certificates import layer_certificates
from infostat.generalization.gibbs import GibbsAlgorithm
from infostat.generalization.type_enumeration import count_types, type_counts

WIDTHS = (512, 512, 256, 128, 64, 10)
ROWS = 2000
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
TARGETS = {"certificates": "< 60 s", "gibbs": "< 10 s", "memory": "< 1 GB"}


# ------------------------------------------------------------------------------------- certificates
def network() -> tuple[list[Any], list[Any], Any, Any, list[Any]]:
    """Layers of two samples of ten classes around ten centres, class codes, and weights."""
    g = np.random.default_rng(51)
    weights = [g.normal(size=(b, a)) * np.sqrt(2.0 / a) for a, b in itertools.pairwise(WIDTHS)]
    centres = g.normal(size=(WIDTHS[-1], WIDTHS[0]))

    def sample() -> tuple[list[Any], Any]:
        labels = g.integers(0, WIDTHS[-1], ROWS)
        layers = [centres[labels] + g.normal(size=(ROWS, WIDTHS[0]))]
        for weight in weights[:-1]:
            layers.append(np.maximum(layers[-1] @ weight.T, 0.0))
        return [*layers, layers[-1] @ weights[-1].T], labels

    (train, y), (test, y_test) = sample(), sample()
    return train, test, y, y_test, weights


def certify(n_jobs: int) -> Any:
    """All layers: distances, certificates and the floors of both."""
    train, test, y, y_test, weights = network()
    with warnings.catch_warnings(action="ignore"):  # random weights: the certificates are vacuous
        return layer_certificates(
            train, test, y, y_test, weights=weights, activations="relu", loss="softmax", rng=0, n_jobs=n_jobs
        )


def assignments() -> Any:
    """The same four numbers a layer by the assignment solver of SciPy; the halves are cut in the middle.

    On these clouds it is as fast as the network simplex or faster. It needs samples of one size, and on clouds
    that are far apart it was measured to be 3 to 20 times slower, which is why it is not what we use.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    train, test, y, y_test, weights = network()
    tails = np.append(np.cumprod([np.linalg.norm(w, 2) for w in weights[::-1]])[::-1], 1.0)
    label_cost = max(float(np.ptp(u, axis=1).max()) for u in (train[-1], test[-1]))
    half = ROWS // 2
    found = []
    for a, b, tail in zip(train, test, tails, strict=True):
        pairs = [(a, b, y[:, None] != y_test), (b[:half], b[half:], y_test[:half, None] != y_test[half:])]
        for x, z, mismatch in pairs:
            distance = cdist(x, z)
            for cost in (distance, np.sqrt(2.0) * tail * distance + label_cost * mismatch):
                found.append(float(cost[linear_sum_assignment(cost)].mean()))
    return np.array(found).reshape(len(tails), 4)[:, :2]


def certificates(threads: int, rounds: int) -> list[Row]:
    """Five layers, 2000 + 2000 rows."""

    def ours() -> Any:
        found = certify(threads)
        return np.column_stack([found.w1, found.certificate])

    contenders = [Contender("infostat", ours), Contender("SciPy assignment, 1 thread", assignments, rounds=1)]
    alternate(contenders, rounds, warm=False)
    first, other = contenders
    difference = relative_difference(first.result, other.result)
    title = "certificates, 5 layers, 2000 + 2000"
    return [Row(title, first.median, other.label, other.median, ratio(first, other), difference,
                target=TARGETS["certificates"])]  # fmt: skip


# --------------------------------------------------------------------------------- Gibbs algorithm
def gibbs(threads: int, rounds: int) -> list[Row]:
    """More than a million types of samples, ten hypotheses; the alternative lists all types at once."""
    g = np.random.default_rng(52)
    n, k, alpha = 21, 8, 5.0
    loss, p = g.random((10, k)), g.dirichlet(np.ones(k))
    model = GibbsAlgorithm(loss, p, None, alpha)

    def listed() -> Any:
        from scipy.special import logsumexp
        from scipy.stats import multinomial

        counts = type_counts(n, k)
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

    contenders = [Contender("infostat", ours), Contender("SciPy, all types listed", listed)]
    alternate(contenders, rounds)
    first, other = contenders
    pairs = GibbsAlgorithm(loss[:, :3], p[:3] / p[:3].sum(), None, alpha)
    supersample = Contender("infostat", lambda: pairs.exact_cmi(17).cmi)
    alternate([supersample], rounds)
    return [
        Row(f"Gibbs algorithm, {count_types(n, k)} types", first.median, other.label, other.median,
            ratio(first, other), relative_difference(first.result, other.result), target=TARGETS["gibbs"]),
        Row(f"Gibbs supersamples, {count_types(17, 9)} types", supersample.median, target=TARGETS["gibbs"]),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------- memory
def memory(threads: int, rounds: int) -> list[Row]:
    """Peak memory of a fresh process, imports and data included."""
    numbers = measure(__file__, "certificates", str(threads))
    title = f"certificates, {threads} thread{'s' if threads > 1 else ''}"
    return [Row(title, numbers["seconds"], memory=numbers["peak"], target=TARGETS["memory"])]


TASKS: dict[str, Callable[[int], Any]] = {"certificates": certify}

WORKLOADS: dict[str, Callable[[int, int], list[Row]]] = {
    "certificates": certificates,
    "gibbs": gibbs,
    "memory": memory,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads at every thread count and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", nargs="*", choices=[*WORKLOADS, []], help="all if none is named")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "THREADS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        report(lambda: TASKS[chosen.measure[0]](int(chosen.measure[1])))
        return
    names = chosen.workload or list(WORKLOADS)
    if chosen.inside:
        show([row for name in names for row in WORKLOADS[name](chosen.threads[0], chosen.rounds)])
        return
    header("Generalization bounds", ("numpy", "scipy", "POT"))
    for count in chosen.threads:
        print(f"{count} thread{'s' if count > 1 else ''}", flush=True)
        command = [sys.executable, __file__, *names, "--inside", "--threads", str(count)]
        env = environment(**{name: str(count) for name in VARIABLES})
        subprocess.run([*command, "--rounds", str(chosen.rounds)], check=True, env=env)
        print(flush=True)


if __name__ == "__main__":
    main()
