"""
Abalone: one measurement that decides everything
================================================

4177 abalone: the number of rings in the shell, and seven sizes and weights. The rings are an easy
case. The sizes are a case where the criterion must not be trusted before the data have been looked
at, and where it says so.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import infostat
from infostat.core.errors import HeavyTailWarning, IntervalWarning
from infostat.families import Gamma

abalone = infostat.load_dataset("abalone")

# Both cautions below are part of the printed tables, where they are explained; as Python warnings
# they would only be said a second time.
warnings.simplefilter("ignore", IntervalWarning)
warnings.simplefilter("ignore", HeavyTailWarning)

# %%
# Rings: a gamma law
# ------------------

rings = infostat.pn_criterion(abalone["rings"], "gamma", bootstrap=400, rng=1)
print(rings.summary())

# %%
# Two parameters, thousands of rows: *sufficient* by far; some seventy rows would have been enough. But
# sufficient for what? The smooth test finds a clear misfit. Both statements are true at once: the
# sample determines the best gamma law very precisely, and the best gamma law is not the law of the
# rings, which are counts and not even continuous. The histogram shows where they differ.

values = abalone["rings"].to_numpy(dtype=float)
fig, ax = plt.subplots(figsize=(6.0, 3.4), layout="constrained")
ax.hist(
    values, bins=np.arange(0.5, 30.0), density=True, color="#56B4E9", alpha=0.5, edgecolor="white",
    label="4177 abalone",
)  # fmt: skip
grid = np.linspace(0.5, 29.5, 400)
density = np.exp(Gamma().logpdf(grid, rings.theta))
ax.plot(grid, density, color="#0072B2", linewidth=1.6, label="fitted gamma law")
ax.set_xlim(0, 30)
ax.set_xlabel("rings (count)")
ax.set_ylabel("probability density (1/ring)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

# %%
# Sizes and weights: a multivariate normal law
# --------------------------------------------

sizes = abalone.drop(columns=["sex", "rings"])
whole = infostat.pn_criterion(sizes, "mvn", bootstrap=400, rng=1)
print(whole.summary())

# %%
# ``T0/p`` is 17, the validity ratio is close to its limit of 0.5, the upper end of the interval is a
# hundred times the estimate, and the flag ``heavy_tail`` names a row. Each of these says the same:
# these numbers hang on a single observation.

print("flags:", whole.flags)
print(abalone.loc[list(whole.heavy_rows), ["length", "diameter", "height", "whole_weight"]])

# %%
# An abalone two and a half times as high as it is long does not exist. Without that row the criterion
# points to another one, more than twice as high as any other of its length. Leaving out rows is a
# decision about the *data* and has to be defended as such: both heights look like slips of the pen. It
# would be wrong to leave out rows only because they are expensive.

first = sizes.drop(index=2051)
once = infostat.pn_criterion(first, "mvn", bootstrap=400, rng=1)
suspect = first.index[once.heavy_rows[0]]
twice = infostat.pn_criterion(first.drop(index=suspect), "mvn", bootstrap=400, rng=1)
print("next suspect:", suspect, "with height", sizes.loc[suspect, "height"])
print(twice.summary())

# %%
# Now no row stands out, and the verdict is *sufficient* with the whole interval below the threshold.
# The interval is still flagged as optimistic, because the tails are heavier than normal, but its upper
# end would have to be wrong by 40 % to change the verdict.

fig, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.2), layout="constrained", width_ratios=[1, 1.1])
left.scatter(sizes["length"], sizes["height"], s=4, color="#7F7F7F", alpha=0.4, linewidths=0)
for row, color in ((2051, "#D55E00"), (suspect, "#CC79A7")):
    left.plot(sizes.loc[row, "length"], sizes.loc[row, "height"], "o", color=color, markersize=6)
    left.annotate(
        f"row {row}", (sizes.loc[row, "length"], sizes.loc[row, "height"]), xytext=(-8, 0),
        textcoords="offset points", ha="right", va="center", fontsize=8.5,
    )  # fmt: skip
left.set_xlabel("length (as recorded)")
left.set_ylabel("height (as recorded)")

studies = {"all rows": whole, "without 2051": once, f"without 2051\nand {suspect}": twice}
risks = np.array([study.risk2 for study in studies.values()])
ends = np.array([study.bootstrap.intervals["risk2"] for study in studies.values()])
place = np.arange(len(studies))
right.errorbar(
    place, risks, yerr=[risks - ends[:, 0], ends[:, 1] - risks], fmt="o", color="#0072B2", capsize=3,
    label="risk, 95 % interval",
)  # fmt: skip
right.axhline(whole.threshold, color="black", linewidth=1.0, linestyle=(0, (5, 3)), label="threshold")
right.set_yscale("log")
right.set_xticks(place, list(studies))
right.set_xlim(-0.5, len(studies) - 0.5)
right.set_ylabel("estimation risk (nats)")
right.legend(frameon=False, fontsize=8.5)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
