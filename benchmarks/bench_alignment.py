"""Best-of-N curves, streams of rewards and laws of sequences beside what one would write today.

    python benchmarks/bench_alignment.py [--threads 1 2] [--rounds 3] [WORKLOAD ...]

Workloads: ``curve``, ``whole``, ``prompts``, ``stream``, ``budgets``, ``sequence``, ``words``,
``memory``. Every thread count runs in a process of its own, with BLAS and Numba limited to it and
``n_jobs=`` set to it. The difference is relative to the alternative's value. `memory` reports the
peak beyond the imports, in MiB, of one pass over files of two lengths: it should not grow. A new
workload is a function of ``(threads, rounds)`` in `WORKLOADS`.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
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

from infostat.alignment.bestofn import best_of_n
from infostat.alignment.curves import bon_curve
from infostat.alignment.sequences import sequence_bon
from infostat.alignment.stream_estimation import stream_estimate
from infostat.datasets import load

STREAM_ROWS = 10_000_000
TILTS = np.linspace(0.1, 6.4, 64)
MEMORY_ROWS = (2_000_000, 10_000_000)
TARGETS = {
    ("curve", "NumPy powers"): ">= 3, diff <= 1e-12",
    ("whole", ""): "< 1 s",
    ("stream", "NumPy, chunks of 2^20"): ">= 6",
    ("stream", "NumPy, chunks of 2^14"): ">= 6",
    ("sequence", ""): "< 0.1 s",
    ("words", ""): "< 10 s",
    ("memory", ""): "same for both",
}
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def compare(key: str, title: str, contenders: Sequence[Contender], rounds: int) -> list[Row]:
    """Time ours (first) beside the others and return one row for each of them."""
    alternate(contenders, rounds)
    ours = contenders[0]
    if len(contenders) == 1:
        return [Row(title, ours.median, target=TARGETS.get((key, ""), ""))]
    return [
        Row(title, ours.median, other.label, other.median, ratio(ours, other),
            relative_difference(_first(ours.result, other.result), other.result),
            target=TARGETS.get((key, other.name), TARGETS.get((key, ""), "")))
        for other in contenders[1:]
    ]  # fmt: skip


def _first(ours: Any, theirs: Any) -> Any:
    """The part of ours that a contender doing 1/factor of the work has computed."""
    return np.asarray(ours).ravel()[: np.size(theirs)]


# -------------------------------------------------------------------------------- best-of-N curves
def curve(threads: int, rounds: int) -> list[Row]:
    """All N up to 1000 from a million scores; the powers of the distribution are the plug-in."""
    scores = np.random.default_rng(41).standard_normal(1_000_000) + 5.0
    orders = np.arange(1, 1001)

    def powers() -> Any:
        s = np.sort(scores)
        share, gaps = np.arange(1, len(s)) / len(s), np.diff(s)
        power, out = np.ones(len(gaps)), np.empty(len(orders))
        for i in range(len(orders)):
            power *= share
            out[i] = s[-1] - gaps @ power
        return out

    def ours(method: str) -> Any:
        return bon_curve(scores, orders, method=method, n_jobs=threads).reward

    found = []
    for method, title in (("plugin", "plug-in"), ("unbiased", "unbiased")):
        contenders = [Contender("infostat", lambda method=method: ours(method)), Contender("NumPy powers", powers)]
        row = compare("curve", f"{title} with s.e., M = 10^6, N <= 1000", contenders, rounds)
        # Another estimator: its bias is no error of ours.
        found += row if method == "plugin" else [Row(**{**vars(row[0]), "difference": math.nan, "target": ">= 3"})]
    return found


def whole(threads: int, rounds: int) -> list[Row]:
    """All N = 1..M from 100 000 scores, beside the weights as differences of log-gammas."""
    from scipy.special import gammaln

    scores = np.random.default_rng(42).standard_normal(100_000) + 5.0
    s, m = np.sort(scores), len(scores)
    i, part = np.arange(1, m + 1), 20

    def log_gammas() -> Any:
        out = np.empty(part)
        for n in range(1, part + 1):
            k = i[n - 1 :]
            log_weight = gammaln(k) - gammaln(k - n + 1) - gammaln(n)
            log_weight -= gammaln(m + 1) - gammaln(m - n + 1) - gammaln(n + 1)
            out[n - 1] = np.exp(log_weight) @ s[n - 1 :]
        return out

    contenders = [
        Contender("infostat", lambda: bon_curve(scores, n_jobs=threads).reward),
        Contender("log-gammas", log_gammas, factor=m / part),
    ]
    return compare("whole", "unbiased with s.e., M = 10^5, all N", contenders, rounds)


def prompts(threads: int, rounds: int) -> list[Row]:
    """All N = 1..256 of 4000 prompts with 256 scores each."""
    table = np.random.default_rng(43).standard_normal((4000, 256)) + 5.0

    def loop() -> Any:
        m = table.shape[1]
        out = np.zeros(m)
        for row in table[:200]:
            s = np.sort(row)[::-1]
            for n in range(1, m + 1):
                weight = n / m
                for k in range(m - n + 1):
                    out[n - 1] += weight * s[k]
                    weight *= (m - k - n) / (m - k - 1) if k < m - 1 else 0.0
        return out / 200

    contenders = [
        Contender("infostat", lambda: bon_curve(table, n_jobs=threads).reward),
        Contender("Python loops", loop, factor=20.0, rounds=1),
    ]
    rows = compare("prompts", "4000 prompts x 256, all N", contenders, rounds)
    return [Row(**{**vars(row), "difference": math.nan}) for row in rows]  # 200 of the prompts


# ------------------------------------------------------------------------------------------ streams
def scores_file(folder: str, rows: int) -> Path:
    """Write normal scores block by block."""
    path = Path(folder) / f"scores_{rows}.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(rows,))
    g = np.random.default_rng(44)
    for start in range(0, rows, 1_000_000):
        out[start : start + 1_000_000] = g.standard_normal(min(1_000_000, rows - start))
    out.flush()
    return path


def numpy_stream(path: Path, tilts: Any, chunk: int) -> Any:
    """Mean reward at every tilt by a loop over chunks: running maximum, sums of w, w r, w r^2, w^2."""
    rewards = np.load(path, mmap_mode="r")
    top, sums = -math.inf, np.zeros((4, len(tilts)))
    for start in range(0, len(rewards), chunk):
        x = np.array(rewards[start : start + chunk])
        new = max(top, float(x.max()))
        if top > -math.inf and new > top:
            moved, decay = top - new, np.exp(tilts * (top - new))
            sums[2] = decay * (sums[2] + moved * (2.0 * sums[1] + moved * sums[0]))
            sums[1] = decay * (sums[1] + moved * sums[0])
            sums[0] *= decay
            sums[3] *= decay**2
        top = new
        x -= top
        for i, t in enumerate(tilts):
            weight = np.exp(t * x)
            first = weight * x
            sums[:, i] += weight.sum(), first.sum(), first @ x, weight @ weight
    return top + sums[1] / sums[0]


def stream(threads: int, rounds: int) -> list[Row]:
    """64 tilts, evenly spaced, of ten million scores in a file; time is linear in rows from here on."""
    with tempfile.TemporaryDirectory() as folder:
        path = scores_file(folder, STREAM_ROWS)
        contenders = [
            Contender("infostat", lambda: stream_estimate(path, TILTS, n_jobs=threads).reward),
            Contender("NumPy, chunks of 2^20", lambda: numpy_stream(path, TILTS, 1 << 20), rounds=2),
            Contender("NumPy, chunks of 2^14", lambda: numpy_stream(path, TILTS, 1 << 14), rounds=2),
        ]
        return compare("stream", f"{STREAM_ROWS:.0e} scores x 64 tilts, .npy", contenders, rounds)


def budgets(threads: int, rounds: int) -> list[Row]:
    """Four KL budgets from the file (two passes), beside Newton steps over chunks, one pass each."""
    wanted = np.array([0.1, 0.5, 1.0, 2.0])

    def newton(path: Path) -> Any:
        rewards = np.load(path, mmap_mode="r")
        top = max(float(rewards[s : s + (1 << 20)].max()) for s in range(0, len(rewards), 1 << 20))
        t = np.sqrt(2.0 * wanted)
        for _ in range(6):
            sums = np.zeros((3, len(t)))
            for start in range(0, len(rewards), 1 << 20):
                x = rewards[start : start + (1 << 20)] - top
                for i in range(len(t)):
                    weight = np.exp(t[i] * x)
                    first = weight * x
                    sums[:, i] += weight.sum(), first.sum(), first @ x
            mean, square = sums[1:] / sums[0]
            spent = t * mean - np.log(sums[0] / len(rewards))
            t = t - (spent - wanted) / (t * (square - mean**2))
        return t

    with tempfile.TemporaryDirectory() as folder:
        path = scores_file(folder, STREAM_ROWS)
        contenders = [
            Contender("infostat", lambda: stream_estimate(path, kl=wanted, n_jobs=threads).t),
            Contender("NumPy Newton", lambda: newton(path), rounds=1),
        ]
        return compare("budgets", f"{STREAM_ROWS:.0e} scores, 4 KL budgets", contenders, rounds)


# ---------------------------------------------------------------------------------------- sequences
def sequence(threads: int, rounds: int) -> list[Row]:
    """Best of e^(0.1 m) sequences of m = 1500 letters of a lattice, beside the log-domain recursion."""
    p, r = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.0, 1.0, 3.0, 5.0])
    m, delta = 1500, 0.1

    def recursion() -> Any:
        law = np.full(int(r.max()) * m + 1, -np.inf)
        law[0] = 0.0
        for _ in range(m):
            terms = [np.concatenate([np.full(int(k), -np.inf), law[: len(law) - int(k)]]) for k in r]
            law = np.logaddexp.reduce([math.log(q) + term for q, term in zip(p, terms, strict=True)])
        at = np.flatnonzero(law > -np.inf)
        return best_of_n(None, at.astype(float), logp=law[at], log_n=m * delta).reward

    contenders = [
        Contender("infostat", lambda: float(sequence_bon(p, r, m, delta).reward)),
        Contender("log-domain NumPy", recursion, rounds=1),
    ]
    return compare("sequence", "sequences, m = 1500, 4 letters", contenders, rounds)


def words(threads: int, rounds: int) -> list[Row]:
    """Best-of-N sentences of 400 words of the shipped word list."""
    frame = load("word_sentiment")
    p = (frame["probability"] / frame["probability"].sum()).to_numpy()
    r = frame["reward"].to_numpy(dtype=float)
    return compare(
        "words", "word_sentiment, m = 400", [Contender("infostat", lambda: sequence_bon(p, r, 400, 0.05))], rounds
    )


# ------------------------------------------------------------------------------------------- memory
def memory(threads: int, rounds: int) -> list[Row]:
    """Peak memory of one pass over files of two lengths."""
    found = []
    for rows in MEMORY_ROWS:
        numbers = measure(__file__, "stream", str(rows))
        used = numbers["peak"] - numbers["before"]
        found.append(
            Row(f"stream of {rows:.0e} scores", numbers["seconds"], memory=used, target=TARGETS["memory", ""])
        )
    return found


def memory_task(rows: int) -> Callable[[], Any]:
    """Return a pass over a file, its kernels loaded and what compilation took forgotten."""
    folder = tempfile.TemporaryDirectory()
    path = scores_file(folder.name, rows)
    stream_estimate(np.random.default_rng(45).standard_normal(1 << 20), TILTS)
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")

    def run() -> None:
        with folder:
            stream_estimate(path, TILTS)

    return run


WORKLOADS: dict[str, Callable[[int, int], list[Row]]] = {
    "curve": curve,
    "whole": whole,
    "prompts": prompts,
    "stream": stream,
    "budgets": budgets,
    "sequence": sequence,
    "words": words,
    "memory": memory,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads at every thread count and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", nargs="*", choices=[*WORKLOADS, []], help="all if none is named")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "ROWS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        report(memory_task(int(chosen.measure[1])))
        return
    names = chosen.workload or list(WORKLOADS)
    if chosen.inside:
        rows = [row for name in names for row in WORKLOADS[name](chosen.threads[0], chosen.rounds)]
        show(rows)
        return
    header("Best-of-N curves, streams, sequences")
    for count in chosen.threads:
        here = [name for name in names if name != "memory" or count == chosen.threads[0]]
        if not here:
            continue
        print(f"{count} thread{'s' if count > 1 else ''}", flush=True)
        command = [sys.executable, __file__, *here, "--inside", "--threads", str(count)]
        env = environment(**{name: str(count) for name in VARIABLES})
        subprocess.run([*command, "--rounds", str(chosen.rounds)], check=True, env=env)
        print(flush=True)


if __name__ == "__main__":
    main()
