"""
Friendly sentences: best-of-N or a tilted language model?
=========================================================

15 000 English words with their frequencies make the simplest language model there is: every word is
drawn independently. The reward of a word is its valence in a sentiment lexicon, the reward of a text
the sum over its words. How friendly do texts get when we draw N of them and keep the best, and how
far is that from the best policy with the same KL budget, the tilt?
"""

import matplotlib.pyplot as plt
import numpy as np

import infostat
from infostat.alignment import rate_function, sequence_bon, tilt

words = infostat.load_dataset("word_sentiment")
p, r = words["probability"].to_numpy(), words["reward"].to_numpy()
p = p / p.sum()
print(f"{len(p)} words, mean reward {p @ r:.4f} per word, {(p[r != 0].sum()):.1%} of the text has a valence")

# %%
# The budget: one doubling of N per ten words
# -------------------------------------------
#
# With N = exp(delta m) candidates for texts of m words and delta = (log 2)/10, a text of 10 words is
# the better of 2, one of 100 words the best of 1024, and one of 400 words the best of 10^12. No one
# draws that many, but the law of the total reward is known exactly (valences are multiples of 0.1),
# so best-of-N is known exactly too.

delta = np.log(2.0) / 10.0
lengths = np.unique(np.geomspace(1, 400, 70).astype(int))
exact = sequence_bon(p, r, lengths, delta)
print(exact.summary())

# %%
# The optimum with the same budget draws each word from the tilt ``p exp(t r - Lambda)``. These words
# gain most of its probability.

optimum = tilt(p, r, kl=delta)
gain = np.argsort(optimum.q - p)[::-1][:8]
for word, before, after in zip(words["word"].iloc[gain], p[gain], optimum.q[gain], strict=True):
    print(f"{word:10} {before:.5f} -> {after:.5f}")

# %%
# The check by sampling
# ---------------------
#
# Where N is small enough we draw the N texts and keep the best, some hundred times.

rng = np.random.default_rng(2024)
valence, level = np.unique(r, return_inverse=True)
share = np.bincount(level, weights=p)


def sampled_best(m, n, runs):
    """Total rewards of the best of n texts of m words, and of one text each from the tilt."""
    best = [(rng.multinomial(m, share, size=n) @ valence).max() for _ in range(runs)]
    tilted = np.bincount(level, weights=optimum.q)
    return np.array(best), rng.multinomial(m, tilted / tilted.sum(), size=runs) @ valence


checked = np.arange(10, 101, 10)
draws = {m: sampled_best(m, 2 ** (m // 10), runs=400) for m in checked}
at = sequence_bon(p, r, checked, delta)
print("words     N   best-of-N exact   sampled (se)      tilt exact   sampled (se)")
for row, m in enumerate(checked):
    best, tilted = draws[m]
    errors = [sample.std(ddof=1) / np.sqrt(len(sample)) for sample in (best, tilted)]
    print(
        f"{m:5} {2 ** (m // 10):5} {at.reward[row]:14.3f} {best.mean():12.3f} ({errors[0]:.3f})"
        f" {m * exact.x_star:13.3f} {tilted.mean():10.3f} ({errors[1]:.3f})"
    )

# %%
# What grows and what does not
# ----------------------------
#
# Divided by the number of words, best-of-N and the tilt become the same. Undivided, their divergence
# grows like (1/2) log m, without end: a long text shows which of the two wrote it. Dots are the sampled
# reward gaps with two standard errors.

fig, (left, right) = plt.subplots(1, 2, figsize=(9.0, 4.0), layout="constrained")
exact.plot(left)
gaps = [m * exact.x_star - draws[m][0].mean() for m in checked]
spread = [2.0 * draws[m][0].std(ddof=1) / np.sqrt(len(draws[m][0])) for m in checked]
left.errorbar(
    checked, exact.t_star * np.array(gaps), yerr=exact.t_star * np.array(spread), fmt="o", color="#E69F00",
    markersize=3.5, capsize=2, label="$t^*$ times reward gap, sampled",
)  # fmt: skip
left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize=8, frameon=False)
exact.plot(right, panel="per_symbol")
right.set_title("The same per word", fontsize=10)
plt.show()

# %%
# Same mean, other fluctuations
# -----------------------------
#
# Both laws have nearly the same mean reward, but best-of-N hardly ever writes an unfriendly text,
# because that would need N unfriendly candidates, and hardly ever a very friendly one. The rate functions
# say how fast either probability falls with the number of words.

m = 100
fig, (left, right) = plt.subplots(1, 2, figsize=(9.0, 4.0), layout="constrained")
bins = np.arange(-5.0, 60.0, 2.5) / m
for sample, name, color in zip(draws[m], ("best of 1024", "tilt"), ("#D55E00", "#0072B2"), strict=True):
    left.hist(sample / m, bins=bins, density=True, histtype="step", linewidth=1.5, color=color, label=name)
left.axvline(exact.x_star, color="#666666", linewidth=1.0, linestyle=":")
left.set_xlabel("mean reward per word")
left.set_ylabel("density (400 texts of 100 words)")
left.legend(frameon=False)
near = np.linspace(-0.3, 1.0, 200)
rates = rate_function(p, r, near, t=exact.t_star, delta=delta)
rates.plot(right)
right.set_xlim(near[0], near[-1])
right.set_ylim(-0.02, 0.7)
for note in right.texts:
    note.xy = (exact.x_star, 0.63)
plt.show()
