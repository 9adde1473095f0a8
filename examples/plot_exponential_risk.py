"""
How good is the expansion? Exact risk of the exponential family
===============================================================

The criterion rests on the first two terms of an expansion in 1/n. For the exponential family the
estimation risk is known exactly at every sample size, so the expansion can be checked, and both can
be checked against a simulation that uses neither.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from infostat.projection import estimation_risk, exact_risk, risk_terms

# %%
# Two truths
# ----------
#
# The model is the exponential family with unknown rate. The truth is either a member of it, or a gamma
# law of shape 1/2, which is not: its projection is the exponential law with the same mean, and it has
# twice the variance that the model expects, so that ``T0`` is 2 instead of 1.

truths = {"exponential": stats.gamma(1.0), "gamma, shape 1/2": stats.gamma(0.5, scale=2.0)}
terms = {name: risk_terms(None, "exponential", truth=truth) for name, truth in truths.items()}
for name, found in terms.items():
    print(f"{name:18} T0 = {found.T0:.6f}   a1 = {found.a1:.6f}   a2 = {found.a2:.6f}")

# %%
# A simulation
# ------------
#
# Draw a sample, estimate the rate, compute the divergence from the projection to the estimate, average.
# Both truths have mean one, so the divergence of a sample with mean m is ``log m + 1/m - 1``. Samples of
# size n are summarised by their mean, whose law is known: the sum of n gamma variables is a gamma
# variable. The error bars are four standard errors of the average, the seed is fixed.

REPLICATES = 100_000
simulated_n = np.array([5, 7, 10, 14, 20, 30, 50, 80])
rng = np.random.default_rng(20220607)


def simulate(shape: float, n: int) -> tuple[float, float]:
    """Return the average divergence and its standard error."""
    mean = rng.gamma(n * shape, 1.0 / (n * shape), size=REPLICATES)
    divergence = np.log(mean) + 1.0 / mean - 1.0
    return float(divergence.mean()), float(divergence.std(ddof=1) / np.sqrt(REPLICATES))


simulated = {
    "exponential": np.array([simulate(1.0, n) for n in simulated_n]),
    "gamma, shape 1/2": np.array([simulate(0.5, n) for n in simulated_n]),
}
for name, table in simulated.items():
    exact = exact_risk("exponential", simulated_n, truth=truths[name]).risk
    off = (table[:, 0] - exact) / table[:, 1]
    print(f"{name:18} largest deviation from the exact risk: {np.max(np.abs(off)):.1f} standard errors")

# %%
# The comparison
# --------------
#
# Left: the risk multiplied by n, so that the first order is a horizontal line. Right: the relative error
# of both orders. Each order gains one power of n. The second order is within one percent from n = 14 on
# for the correct model, and from n = 28 on for the wrong one, whose ``a2`` is four times as large; the
# first order alone needs n = 183 and n = 366 for that.

n = np.arange(4, 101)
colors = {"exponential": "#0072B2", "gamma, shape 1/2": "#D55E00"}
fig, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.4), layout="constrained")
for name, truth in truths.items():
    exact = exact_risk("exponential", n, truth=truth).risk
    first, second = (estimation_risk(terms[name], n, order) for order in (1, 2))
    color = colors[name]
    left.plot(n, n * exact, color=color, linewidth=1.6)
    left.plot(n, n * second, color=color, linewidth=1.2, linestyle=(0, (4, 2)))
    left.plot(n, n * first, color=color, linewidth=1.0, linestyle=(0, (1, 1.5)))
    mean, error = simulated[name].T
    left.errorbar(
        simulated_n, simulated_n * mean, yerr=4.0 * simulated_n * error, fmt="o", markersize=3.5,
        color=color, capsize=2, linewidth=1.0,
    )  # fmt: skip
    right.plot(n, np.abs(second / exact - 1.0), color=color, linewidth=1.2, linestyle=(0, (4, 2)))
    right.plot(n, np.abs(first / exact - 1.0), color=color, linewidth=1.0, linestyle=(0, (1, 1.5)))

left.set_xscale("log")
left.set_ylim(0.0, 3.0)
left.set_ylabel("$n\\,\\times$ estimation risk (nats)")
right.set_xscale("log")
right.set_yscale("log")
right.set_ylabel("relative error of the expansion")
for ax in (left, right):
    ax.set_xlabel("sample size $n$ (rows)")
    ax.spines[["top", "right"]].set_visible(False)
lines = [
    plt.Line2D([], [], color="black", linewidth=1.6, label="exact"),
    plt.Line2D([], [], color="black", linewidth=1.2, linestyle=(0, (4, 2)), label="order 2"),
    plt.Line2D([], [], color="black", linewidth=1.0, linestyle=(0, (1, 1.5)), label="order 1"),
    plt.Line2D([], [], color="black", marker="o", markersize=3.5, linewidth=0, label="simulation"),
]
left.legend(handles=lines, frameon=False, fontsize=8.5)
names = [plt.Line2D([], [], color=color, label=f"truth: {name}") for name, color in colors.items()]
right.legend(handles=names, frameon=False, fontsize=8.5, loc="lower left")
plt.show()
