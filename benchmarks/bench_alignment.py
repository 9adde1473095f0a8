"""Best-of-N curves, streams of rewards and laws of sequences beside what one would write today."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ._registry import Contender, Trial, against, workload

wide = np.longdouble


# -------------------------------------------------------------------------------- best-of-N curves
def best_of(descending: Any, n: int) -> Any:
    """Mean best of n draws without replacement, in long double; scores sorted from the top, rows apart."""
    m = descending.shape[-1]
    k = np.arange(m - n, dtype=wide)
    weights = wide(n) / m * np.cumprod(np.concatenate([[wide(1)], (m - k - n) / (m - k - 1)]))
    return (descending[..., : m - n + 1].astype(wide) * weights).sum(axis=-1).mean()


def plug_in(ascending: Any, n: int) -> Any:
    """Mean best of n draws with replacement, in long double."""
    m = len(ascending)
    gaps = np.diff(ascending.astype(wide))
    return ascending[-1] - (gaps * (np.arange(1, m, dtype=wide) / m) ** n).sum()


@workload(
    "best-of-n-plugin", "best-of-N with standard errors, plug-in", quick={"n": 2000, "largest": 20},
    standard={"n": 1_000_000, "largest": 1000}, target="ratio NumPy powers >= 3; error <= 1e-12",
)  # fmt: skip
@workload(
    "best-of-n", "best-of-N with standard errors, unbiased", quick={"n": 2000, "largest": 20, "method": "unbiased"},
    standard={"n": 1_000_000, "largest": 1000, "method": "unbiased"},
    target="ratio NumPy powers >= 3; error <= 1e-12",
)  # fmt: skip
def curve(threads: int, n: int, largest: int, method: str = "plugin") -> Trial:
    """All N up to a limit; the powers of the distribution, which the peer sums, are the plug-in."""
    from infostat.alignment.curves import bon_curve

    scores = np.random.default_rng(41).standard_normal(n) + 5.0
    orders, picked = np.arange(1, largest + 1), np.array([0, 9, largest - 1])

    def exact() -> Any:
        s = np.sort(scores)
        return [plug_in(s, k) if method == "plugin" else best_of(s[::-1], k) for k in (picked + 1).tolist()]

    judge = against(exact)

    def powers() -> Any:
        s = np.sort(scores)
        share, gaps = np.arange(1, n) / n, np.diff(s)
        power, out = np.ones(n - 1), np.empty(largest)
        for i in range(largest):
            power *= share
            out[i] = s[-1] - gaps @ power
        return out

    contenders = [
        Contender("infostat", lambda: bon_curve(scores, orders, method=method, n_jobs=threads).reward),
        # Another estimator than the unbiased one: its bias is no error.
        Contender("NumPy powers", powers, error=None if method == "plugin" else lambda found: math.nan),
    ]
    return Trial(contenders, lambda found: judge(found[picked]), "long double, 3 values of N")


@workload(
    "best-of-n-whole", "best-of-N for every N with standard errors", quick={"n": 500}, standard={"n": 100_000},
    target="seconds < 1; error <= 1e-8",
)  # fmt: skip
def whole(threads: int, n: int) -> Trial:
    """Beside the weights as differences of log-gammas, one N after the other."""
    from scipy.special import gammaln

    from infostat.alignment.curves import bon_curve

    scores = np.random.default_rng(42).standard_normal(n) + 5.0
    s, part = np.sort(scores), 20
    i = np.arange(1, n + 1)
    judge = against(lambda: [best_of(s[::-1], k) for k in (1, 5, part)])

    def log_gammas() -> Any:
        out = np.empty(part)
        for size in range(1, part + 1):
            k = i[size - 1 :]
            log_weight = gammaln(k) - gammaln(k - size + 1) - gammaln(size)
            log_weight -= gammaln(n + 1) - gammaln(n - size + 1) - gammaln(size + 1)
            out[size - 1] = np.exp(log_weight) @ s[size - 1 :]
        return out

    contenders = [
        Contender("infostat", lambda: bon_curve(scores, n_jobs=threads).reward),
        Contender("log-gammas", log_gammas, share=n / part),
    ]
    return Trial(contenders, lambda found: judge(found[[0, 4, part - 1]]), "long double, 3 values of N")


@workload(
    "best-of-n-prompts", "best-of-N for every N, averaged over prompts", quick={"n": 40, "scores": 32},
    standard={"n": 4000, "scores": 256}, target="error <= 1e-12",
)  # fmt: skip
def prompts(threads: int, n: int, scores: int) -> Trial:
    """A table of scores, a row per prompt; the loops take a twentieth of the prompts."""
    from infostat.alignment.curves import bon_curve

    table = np.random.default_rng(43).standard_normal((n, scores)) + 5.0
    part, picked = max(n // 40, 1), np.array([0, scores // 4, scores - 1])

    def loop() -> Any:
        out = np.zeros(scores)
        for row in table[:part]:
            s = np.sort(row)[::-1]
            for size in range(1, scores + 1):
                weight = size / scores
                for k in range(scores - size + 1):
                    out[size - 1] += weight * s[k]
                    weight *= (scores - k - size) / (scores - k - 1) if k < scores - 1 else 0.0
        return out / part

    def exact(rows: Any) -> Any:
        down = np.sort(rows, axis=1)[:, ::-1]
        judge = against(lambda: [best_of(down, k) for k in (picked + 1).tolist()])
        return lambda found: judge(found[picked])

    contenders = [
        Contender("infostat", lambda: bon_curve(table, n_jobs=threads).reward),
        Contender("Python loops", loop, share=n / part, error=exact(table[:part])),
    ]
    return Trial(contenders, exact(table), "long double, 3 values of N")


# ------------------------------------------------------------------------------------------ streams
def scores_file(rows: int) -> tuple[Path, Any]:
    """Write normal scores block by block; return the file and what removes it."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "scores.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(rows,))
    g = np.random.default_rng(44)
    for start in range(0, rows, 1_000_000):
        out[start : start + 1_000_000] = g.standard_normal(min(1_000_000, rows - start))
    out.flush()
    return path, folder.cleanup


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


def tilted(path: Path, tilts: Any) -> tuple[Any, Any]:
    """Mean reward and divergence at every tilt, in long double."""
    rewards = np.load(path, mmap_mode="r")
    top, sums = wide(rewards.max()), np.zeros((2, len(tilts)), dtype=wide)
    for start in range(0, len(rewards), 1 << 17):
        x = rewards[start : start + (1 << 17)].astype(wide) - top
        for i, t in enumerate(tilts):
            weight = np.exp(wide(t) * x)
            sums[:, i] += weight.sum(), weight @ x
    mean = sums[1] / sums[0]
    spent = np.asarray(tilts, dtype=wide) * mean - np.log(sums[0] / len(rewards))
    return (top + mean).astype(float), spent.astype(float)


@workload(
    "tilts-stream", "mean reward at many tilts from an .npy file", quick={"n": 20_000, "tilts": 8},
    standard={"n": 10_000_000, "tilts": 64}, full={"n": 100_000_000, "tilts": 64},
    target="ratio NumPy, chunks of 2^20 >= 6; ratio NumPy, chunks of 2^14 >= 6; error <= 1e-12; mib < 64",
    memory=True,
)  # fmt: skip
def stream(threads: int, n: int, tilts: int) -> Trial:
    """Evenly spaced tilts; time is linear in rows from here on."""
    from infostat.alignment.stream_estimation import stream_estimate

    grid = np.linspace(0.1, 6.4, tilts)
    path, close = scores_file(n)
    picked = np.array([0, tilts - 1])
    judge = against(lambda: tilted(path, grid[picked])[0])
    contenders = [
        Contender("infostat", lambda: stream_estimate(path, grid, n_jobs=threads).reward),
        Contender("NumPy, chunks of 2^20", lambda: numpy_stream(path, grid, 1 << 20)),
        Contender("NumPy, chunks of 2^14", lambda: numpy_stream(path, grid, 1 << 14)),
    ]
    return Trial(contenders, lambda found: judge(found[picked]), "long double, 2 tilts", close=close)


@workload(
    "budgets-stream", "tilts that spend given divergences, .npy file", quick={"n": 20_000},
    standard={"n": 10_000_000}, target="error <= 1e-10",
)  # fmt: skip
def budgets(threads: int, n: int) -> Trial:
    """Four budgets (two passes), beside Newton steps over chunks, one pass each; the error is that of the budget."""
    from infostat.alignment.stream_estimation import stream_estimate

    wanted = np.array([0.1, 0.5, 1.0, 2.0])
    path, close = scores_file(n)

    def newton() -> Any:
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

    contenders = [
        Contender("infostat", lambda: stream_estimate(path, kl=wanted, n_jobs=threads).t),
        Contender("NumPy Newton", newton),
    ]
    judge = against(wanted)
    return Trial(contenders, lambda found: judge(tilted(path, found)[1]), "budget, long double", close=close)


# ---------------------------------------------------------------------------------------- sequences
@workload(
    "sequences", "best of e^(0.1 m) sequences of m letters", quick={"length": 50}, standard={"length": 1500},
    target="seconds < 0.1; error <= 1e-10", serial=True,
)  # fmt: skip
def sequence(threads: int, length: int) -> Trial:
    """Four letters with rewards on a lattice, beside the log-domain recursion."""
    from infostat.alignment.bestofn import best_of_n
    from infostat.alignment.sequences import sequence_bon

    p, r, delta = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.0, 1.0, 3.0, 5.0]), 0.1

    def recursion(kind: type = np.float64) -> Any:
        law = np.full(int(r.max()) * length + 1, -np.inf, dtype=kind)
        law[0] = 0.0
        for _ in range(length):
            terms = [np.concatenate([np.full(int(k), -np.inf, dtype=kind), law[: len(law) - int(k)]]) for k in r]
            law = np.logaddexp.reduce([np.log(kind(q)) + term for q, term in zip(p, terms, strict=True)])
        at = np.flatnonzero(law > -np.inf)
        return best_of_n(None, at.astype(float), logp=law[at].astype(float), log_n=length * delta).reward

    contenders = [
        Contender("infostat", lambda: float(sequence_bon(p, r, length, delta).reward)),
        Contender("log-domain NumPy", recursion),
    ]
    return Trial(contenders, against(lambda: recursion(wide)), "recursion in long double")


@workload(
    "sequences-words", "best-of-N sentences of the shipped word list", quick={"length": 20},
    standard={"length": 400}, target="seconds < 10", serial=True,
)  # fmt: skip
def words(threads: int, length: int) -> Trial:
    """Many letters, no lattice given by hand."""
    from infostat.alignment.sequences import sequence_bon
    from infostat.datasets import load

    frame = load("word_sentiment")
    p = (frame["probability"] / frame["probability"].sum()).to_numpy()
    r = frame["reward"].to_numpy(dtype=float)
    return Trial([Contender("infostat", lambda: sequence_bon(p, r, length, 0.05).reward)])
