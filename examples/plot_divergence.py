"""
Red wine: how do the better wines differ from the others?
=========================================================

Half of the 1599 red wines got a quality score of 6 or more. Do their measurements follow another
law than those of the rest, how far apart are the two, and in which columns?
"""

import matplotlib.pyplot as plt
import numpy as np

import infostat
from infostat.core.errors import DataError
from infostat.divergences import divergence, entropy, kl, permutation_test, wasserstein_1d

wine = infostat.load_dataset("wine_red")
better = wine["quality"] >= 6
columns = wine.columns.drop("quality")
scaled = (wine[columns] - wine[columns].mean()) / wine[columns].std()
good, rest = scaled[better], scaled[~better]
print(len(good), "better wines,", len(rest), "others")

# %%
# Do they differ at all?
# ----------------------
#
# A permutation test needs no assumption about the laws: it shuffles the labels. The energy distance
# sees every kind of difference, works in eleven dimensions and does not mind repeated values.

test = permutation_test(good, rest, "energy", draws=499, rng=1)
print(f"energy statistic {test.value:.3f}, p = {test.p_value:.3f} from {test.draws} permutations")

# %%
# In which columns?
# -----------------
#
# W1 of one column is the mean shift of a wine that has to move from one law to the other, here in
# standard deviations of the column. Two samples of one law are a little apart too; how much, the same
# distance after shuffling the labels says.

generator = np.random.default_rng(1)
labels = [generator.permutation(better.to_numpy()) for _ in range(99)]
shift, chance = {}, {}
for name in columns:
    values = scaled[name].to_numpy()
    shift[name] = wasserstein_1d(good[name], rest[name])
    chance[name] = np.quantile([wasserstein_1d(values[mask], values[~mask]) for mask in labels], 0.95)
    print(f"{name:22} W1 = {shift[name]:.3f}   95 % by chance {chance[name]:.3f}")

# %%
# How far apart in alcohol?
# -------------------------
#
# The Kullback-Leibler divergence answers in nats. Its usual estimator compares distances to nearest
# neighbours, and refuses these data: alcohol is recorded to one decimal, and repeated values have no
# density.

alcohol = wine["alcohol"]
try:
    divergence(alcohol[better], alcohol[~better], "kl", from_samples=True)
except DataError as error:
    print(error)

# %%
# Three ways out, each with an assumption that can be read. Noise of half the rounding step, 0.05 % vol
# or a twentieth of the spread, undoes the rounding. A ratio of two densities is estimated by logistic
# regression if its logarithm is close to a quadratic. And rounded values can be counted: a table needs
# no density at all, only enough wines in each cell.

ways = {
    "neighbours, with jitter": divergence(
        alcohol[better], alcohol[~better], "kl", from_samples=True, jitter=0.05, rng=1
    ),
    "quadratic log ratio": divergence(
        alcohol[better], alcohol[~better], "kl", from_samples=True, estimator="ratio_logistic"
    ),
}
for name, result in ways.items():
    print(f"{name:24} {result.value:.3f} nats, standard error {result.se:.3f}")

edges = np.arange(8.25, 15.0, 0.5)
counts = np.array([np.histogram(alcohol[mask], edges)[0] for mask in (better, ~better)])
tables = (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
print(f"{'cells of 0.5 % vol':24} {kl(tables[0], tables[1]):.3f} nats")

# %%
# The half added to each count is a choice, made here in the open: without it the divergence of the
# two tables is infinite as soon as a cell is empty among the others only.

raw = counts / counts.sum(axis=1, keepdims=True)
print("without it:", kl(raw[0], raw[1]), " entropies:", entropy(raw).round(3))

# %%
# The figure: on the left the two laws, on the right the columns by distance.

fig, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.1), layout="constrained", width_ratios=(1.0, 1.15))
bins = np.arange(8.35, 15.0, 0.3)  # three recorded values in each
left.hist(alcohol[better], bins, density=True, color="#0072B2", alpha=0.6, label="quality 6 and more")
left.hist(alcohol[~better], bins, density=True, color="#D55E00", alpha=0.6, label="quality up to 5")
left.set_xlabel("alcohol (% vol)")
left.set_ylabel("density")
left.legend(frameon=False, fontsize=8)

order = sorted(shift, key=shift.get)
place = np.arange(len(order))
right.barh(place, [shift[name] for name in order], height=0.62, color="#0072B2", label="better against others")
right.plot([chance[name] for name in order], place, "|", color="black", markersize=9, label="95 % by chance")
right.set_yticks(place, order, fontsize=8)
right.set_xlabel("W1 distance (standard deviations)")
right.legend(frameon=False, fontsize=8, loc="lower right")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
