"""How often do the intervals of `estimate` and `bon_curve` contain the truth?

    python benchmarks/alignment_coverage.py [--jobs 2] [--datasets 1000] [--csv FILE]

draws many data sets from laws whose answers are known in closed form and counts, for the mean
reward of the tilt at fixed KL and at fixed t (normal and bootstrap interval) and for best-of-N at
N <= M/20 (normal interval). The table is kept in ``docs/measured/alignment_coverage.csv``; the slow
test ``tests/alignment/test_estimation.py`` repeats some of its lines.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from infostat.alignment.estimation import estimate
from infostat.core.replicates import run_replicates

LEVEL = 0.95
DATASETS = 1000
RESAMPLES = 199
BLOCK = 20  # data sets per seed child
SEED = 2027
HEADER = (
    "data", "shape", "held", "value", "truth", "ESS", "ESS of s.e.", "bias/sd", "se/sd", "normal", "bootstrap",
    "normal ±", "bootstrap ±",
)  # fmt: skip


# ---------------------------------------------------------------------- laws with closed forms
@dataclass(frozen=True)
class Law:
    """A reward law: sampler of shape (prompts, size), and the mean reward of its tilt and of best-of-N.

    With several prompts the mean of each is normal with standard deviation 0.8 (not for "rare").
    """

    label: str
    draw: Callable[[Generator, int, int], Any]
    at_t: Callable[[float], float]
    at_kl: Callable[[float], float]
    best: Callable[[int], float]


def _normal(generator: Generator, prompts: int, size: int) -> Any:
    """Standard normal; several prompts have means of deviation 0.8 and deviations from 0.5 to 1.5."""
    if prompts == 1:
        return generator.normal(size=size)
    scale = generator.uniform(0.5, 1.5, size=(prompts, 1))
    return 0.8 * generator.normal(size=(prompts, 1)) + scale * generator.normal(size=(prompts, size))


def _exponential_at_kl(kl: float) -> float:
    """R - 1 - log R = KL for the exponential law of mean 1."""
    from scipy.optimize import brentq

    return float(brentq(lambda r: r - 1.0 - math.log(r) - kl, 1.0, 50.0 + 10.0 * kl, xtol=1e-14))


def _binary_at_kl(a: float, kl: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(lambda r: r * math.log(r / a) + (1 - r) * math.log((1 - r) / (1 - a)) - kl, a, 1 - 1e-15))


def _normal_best(n: int) -> float:
    from scipy import integrate, stats

    return float(integrate.quad(lambda x: x * n * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1), -10, 12)[0])


MEAN_VARIANCE = 13.0 / 12.0  # of the deviations of the prompts: uniform on 0.5 to 1.5
RARE = 0.1

LAWS = {
    "normal": Law("normal", _normal, lambda t: t, lambda kl: math.sqrt(2.0 * kl), _normal_best),
    "exponential": Law(
        "exponential",
        lambda g, prompts, size: g.exponential(size=size),
        lambda t: 1.0 / (1.0 - t),
        _exponential_at_kl,
        lambda n: sum(1.0 / k for k in range(1, n + 1)),
    ),
    "binary": Law(
        f"pass/fail, {RARE:g}",
        lambda g, prompts, size: (g.random(size) < RARE).astype(float),
        lambda t: RARE * math.exp(t) / (1.0 - RARE + RARE * math.exp(t)),
        lambda kl: _binary_at_kl(RARE, kl),
        lambda n: 1.0 - (1.0 - RARE) ** n,
    ),
    # E max of n draws with deviation s is s times that of a standard normal; E s = 1.
    "prompts": Law(
        "normal, prompts differ",
        _normal,
        lambda t: MEAN_VARIANCE * t,
        lambda kl: math.sqrt(2.0 * MEAN_VARIANCE * kl),
        _normal_best,
    ),
}


@dataclass(frozen=True)
class Setting:
    """One line of the study."""

    law: str
    prompts: int
    size: int
    held: str  # "kl", "t" or "n"
    value: float

    @property
    def shape(self) -> str:
        """Numbers of samples in words."""
        return f"{self.size} samples" if self.prompts == 1 else f"{self.prompts} prompts x {self.size}"

    @property
    def truth(self) -> float:
        """Mean reward in closed form."""
        law = LAWS[self.law]
        if self.held == "n":
            return law.best(int(self.value))
        return law.at_kl(self.value) if self.held == "kl" else law.at_t(self.value)


SETTINGS: tuple[Setting, ...] = (
    *(Setting("normal", 1, 2000, "kl", kl) for kl in (0.1, 0.5, 1.5, 3.0)),
    *(Setting("normal", 1, 2000, "t", t) for t in (0.5, 1.0, 1.7)),
    Setting("normal", 1, 200, "kl", 0.5),
    *(Setting("exponential", 1, 2000, "kl", kl) for kl in (0.1, 0.5, 1.0)),
    *(Setting("exponential", 1, 2000, "t", t) for t in (0.2, 0.4)),
    Setting("binary", 1, 500, "kl", 0.5),
    Setting("binary", 1, 500, "t", 1.0),
    *(Setting("prompts", 60, 200, "kl", kl) for kl in (0.1, 0.5, 1.0)),
    *(Setting("prompts", 60, 200, "t", t) for t in (0.4, 0.9)),
    Setting("prompts", 15, 200, "kl", 0.5),
    Setting("prompts", 500, 50, "kl", 0.5),
    *(Setting("normal", 1, 2000, "n", n) for n in (4, 32, 100)),
    *(Setting("exponential", 1, 2000, "n", n) for n in (4, 32, 100)),
    Setting("binary", 1, 500, "n", 8),
    *(Setting("prompts", 60, 200, "n", n) for n in (4, 10)),
)


# ------------------------------------------------------------------------------- the measurement
def _one(setting: Setting, generator: Generator) -> list[float]:
    """Estimate, se, ess, ess_se, normal interval, bootstrap interval of one data set."""
    data = LAWS[setting.law].draw(generator, setting.prompts, setting.size)
    if setting.held == "n":
        from infostat.alignment.curves import bon_curve

        curve: Any = bon_curve(data, int(setting.value), confidence_level=LEVEL)
        margin = 1.959963984540054 * curve.se
        low, high = getattr(curve, "low", curve.reward - margin), getattr(curve, "high", curve.reward + margin)
        return [curve.reward, curve.se, math.nan, math.nan, low, high, math.nan, math.nan]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: Any = estimate(
            data, **{setting.held: setting.value}, bootstrap=RESAMPLES, confidence_level=LEVEL, rng=generator
        )
    ends = found.bootstrap.intervals["reward"]
    return [found.reward, found.se_reward, found.ess, found.ess_se, found.low, found.high, *ends]


def _block(setting: Setting, generator: Generator, start: int, stop: int) -> dict[str, Any]:
    return {"rows": np.array([_one(setting, generator) for _ in range(start, stop)], dtype=np.float64)}


def measure(number: int, *, datasets: int = DATASETS, n_jobs: int | None = None) -> dict[str, float]:
    """Return what line `number` (from zero) of the study measures.

    Parameters
    ----------
    number : int
        Line; it is part of the seed.
    datasets : int
        Number of data sets.
    n_jobs : int, optional
        Workers; the numbers do not depend on it.

    Returns
    -------
    dict
        ``ess ess_se bias_sd se_sd normal bootstrap``; coverages are shares (nan if there is no interval).
    """
    setting = SETTINGS[number]
    run = run_replicates(
        _block, datasets, rng=np.random.SeedSequence([SEED, number]), block_length=BLOCK, payload=setting, n_jobs=n_jobs
    )
    reward, se, ess, ess_se, low, high, boot_low, boot_high = run.values["rows"].T
    truth, sd = setting.truth, float(reward.std(ddof=1))
    has_bootstrap = setting.held != "n"
    return {
        "ess": float(np.median(ess)),
        "ess_se": float(np.median(ess_se)),
        "bias_sd": float(reward.mean() - truth) / sd,
        "se_sd": math.sqrt(float(np.nanmean(se**2))) / sd,
        "normal": float(np.mean((low <= truth) & (truth <= high))),
        "bootstrap": float(np.mean((boot_low <= truth) & (truth <= boot_high))) if has_bootstrap else math.nan,
    }


def line(number: int, found: dict[str, float], datasets: int) -> list[str]:
    """Return a line of the table."""
    setting = SETTINGS[number]

    def share(value: float) -> str:
        return "" if math.isnan(value) else f"{value:.3f}"

    errors = [math.sqrt(found[m] * (1.0 - found[m]) / datasets) for m in ("normal", "bootstrap")]
    return [
        LAWS[setting.law].label,
        setting.shape,
        {"kl": "KL", "t": "t", "n": "N"}[setting.held],
        f"{setting.value:g}",
        f"{setting.truth:.4f}",
        "" if math.isnan(found["ess"]) else f"{found['ess']:.0f}",
        "" if math.isnan(found["ess_se"]) else f"{found['ess_se']:.1f}",
        f"{found['bias_sd']:+.2f}",
        f"{found['se_sd']:.2f}",
        share(found["normal"]),
        share(found["bootstrap"]),
        share(errors[0]),
        share(errors[1]),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study and print (and store) its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--datasets", type=int, default=DATASETS)
    parser.add_argument("--csv", type=Path)
    chosen = parser.parse_args(arguments)
    rows = []
    for number in range(len(SETTINGS)):
        rows.append(line(number, measure(number, datasets=chosen.datasets, n_jobs=chosen.jobs), chosen.datasets))
        print("  ".join(rows[-1]), file=sys.stderr)
    if chosen.csv is None:
        csv.writer(sys.stdout).writerows([HEADER, *rows])
        return
    with chosen.csv.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([HEADER, *rows])


if __name__ == "__main__":
    main()
