"""Simulated kernel sums beside drawing the data as vectors.

    python benchmarks/bench_simulation.py [WORKLOAD ...]

Workloads: ``point`` (kernel sum at one point, drawn by the noncentral chi-square law, beside vectors in
chunks of plain NumPy and our own stream of vectors), ``stream`` (vectors of many different variances,
where nothing shorter than a vector will do; its memory). All draw different random numbers, so the
column of differences compares each answer of ours with the exact expectation, in standard errors.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _harness import Contender, Row, alternate, header, measure, ratio, report, show

SEED = 3
CHUNK = 8192
H = 1.0
BATCHES = 2


def exact(d: int) -> tuple[float, float]:
    """Mean and variance of exp(-|x - q|^2/(2 h^2)) with x from N(0, I) and q = (1, ..., 1)."""
    laplace = [(1.0 + k / H**2) ** (-d / 2) * math.exp(-0.5 * d * k / (H**2 + k)) for k in (1.0, 2.0)]
    return laplace[0], laplace[1] - laplace[0] ** 2


def by_distances(n: int, d: int) -> float:
    """Mean kernel through the public function; a study of fluctuations has at least two data sets."""
    from infostat.density import simulate_fluctuations

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two data sets are few for a law, and enough for a mean
        found = simulate_fluctuations(n=n // BATCHES, d=d, h=H, n_data=BATCHES, rng=SEED)
    return float(np.exp(found.log_Z).mean()) / found.n


def by_our_vectors(n: int, d: int) -> float:
    """Mean kernel from the same stream with d normals a point."""
    from infostat.density.simulation_kernels import cloud, weigh

    law = cloud(n, np.ones(d), "vectors")
    found = weigh(law.distances(np.ones(d), np.random.default_rng(SEED)), np.array([0.5 / H**2]), False)
    return math.exp(float(found.log_Z[0])) / n


def by_numpy(n: int, d: int, kind: type = np.float64) -> float:
    """Mean kernel as users write it: chunks of vectors, squared lengths, exponentials, sum."""
    generator = np.random.default_rng(SEED)
    chunk, total = np.empty((CHUNK, d), kind), 0.0
    for _ in range(n // CHUNK):
        generator.standard_normal(dtype=kind, out=chunk)
        chunk -= 1
        total += float(np.exp(np.einsum("ij,ij->i", chunk, chunk) * (-0.5 / H**2)).sum())
    return total / (n // CHUNK * CHUNK)


SIZES = {20: 4_000_000, 60: 1_000_000}


def point(rounds: int = 5) -> list[Row]:
    """Kernel sum at one point."""
    rows = []
    for d, n in SIZES.items():
        ours = Contender("infostat", lambda n=n, d=d: by_distances(n, d))
        others = [
            Contender("NumPy chunks", lambda n=n, d=d: by_numpy(n, d)),
            Contender("NumPy chunks, float32", lambda n=n, d=d: by_numpy(n, d, np.float32)),
            Contender("our vectors", lambda n=n, d=d: by_our_vectors(n, d)),
        ]
        alternate([ours, *others], rounds)
        mean, variance = exact(d)
        error = abs(ours.result - mean) / math.sqrt(variance / n)
        for other in others:
            name = f"one point n={n} d={d}"
            target = "ratio >= 4" if other.name == "our vectors" else ""
            times = ours.median, other.label, other.median, ratio(ours, other)
            rows.append(Row(name, *times, difference=error, target=target))
    return rows


def stream_task() -> Any:
    """One pair of a study with d different variances."""
    from infostat.density import simulate_regimes, spectra

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one point is meant
        return simulate_regimes(n=10**6, d=60, h_grid=[0.3, 0.5], n_x=1, n_data=1, spectrum=spectra.power_law(0.5, 60))


def stream(rounds: int = 3) -> list[Row]:
    """Vectors with a million points: time and memory of a fresh process."""
    ours = Contender("infostat", stream_task)
    alternate([ours], rounds)
    peak = measure(__file__, "stream")["peak"]
    return [Row("stream n=1e6 d=60, 60 variances", ours.median, memory=peak, target="< 200 MiB")]


WORKLOADS: dict[str, Callable[[], list[Row]]] = {"point": point, "stream": stream}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", nargs="*", help=f"{', '.join(WORKLOADS)}; all if none is named")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        report(stream_task)
        return
    if unknown := set(chosen.workload) - set(WORKLOADS):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    header("Simulation: kernel sums of Gaussian data (difference: ours to the exact mean, in standard errors)")
    show([row for name in chosen.workload or WORKLOADS for row in WORKLOADS[name]()])


if __name__ == "__main__":
    main()
