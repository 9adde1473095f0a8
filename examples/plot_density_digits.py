"""
Handwritten digits: a density in 64 dimensions, and its echo
============================================================

1797 images of 8 x 8 pixels. A kernel density estimate gives each image a log density. What is such a number made
of? (The images come with scikit-learn; without it there is nothing to see here.)
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from infostat.core.errors import BandwidthWarning
from infostat.density import KernelDensity, diagnose_bandwidth

try:
    from sklearn.datasets import load_digits
except ImportError:
    print("skipped: the digits come with scikit-learn, which is not installed")
    raise SystemExit(0) from None

images, label = load_digits(return_X_y=True)
inked = images.max(axis=0) > 0.0  # a density has no width in a pixel that is always blank
X = images[:, inked]
print(f"{len(X)} images, {inked.sum()} of {inked.size} pixels are ever inked, grey levels 0 to {X.max():.0f}")

# %%
# The bandwidth that is best for held-out images
# ----------------------------------------------
#
# Pixels share one unit, so nothing is standardised. Pixels near the border vary so much less than those in the middle
# that infostat advises it nevertheless (``BandwidthWarning``): advice for columns in different units, not for these.

warnings.simplefilter("ignore", BandwidthWarning)
model = KernelDensity().fit(X)
print(f"h = {model.bandwidth_:.3f} grey levels")
diagnosis = model.diagnose()
print(diagnosis.summary())

# %%
# **The density at a typical image rests on one image.** Two halves of the data would disagree about it by a factor in
# the thousands, and a bootstrap would not notice. The verdict is *condensed*, which is no failing of this bandwidth:
# wider kernels average over more images and are worse for those held out.

for factor in (1.0, 1.5, 2.0, 3.0):
    wider = diagnose_bandwidth(X, factor * model.bandwidth_)
    print(
        f"h = {wider.h:5.2f}   images that make the density {np.median(wider.n_eff):4.1f}   mu = {wider.mu_bar:.2f}   "
        f"{wider.verdict:9}   mean log density {wider.averages['log_density']:7.1f}"
    )

# %%
# The echo
# --------
#
# Six images, from the loneliest to the one with most company, and beside each the three that contribute most to its
# density, with their shares.


def shares(row: int) -> np.ndarray:
    """Return the shares of the images in the density at one of them, itself left out."""
    exponent = -((X - X[row]) ** 2).sum(axis=1) / (2.0 * model.bandwidth_**2)
    exponent[row] = -np.inf
    weights = np.exp(exponent - exponent.max())
    return weights / weights.sum()


order = diagnosis.rows[np.argsort(diagnosis.n_eff)]
chosen = order[np.linspace(0, len(order) - 1, 6).astype(int)]
fig, axes = plt.subplots(len(chosen), 4, figsize=(4.2, 7.4), layout="constrained")
for line, row in zip(axes, chosen, strict=True):
    part = shares(row)
    nearest = np.argsort(part)[::-1][:3]
    for ax, image in zip(line, (row, *nearest), strict=True):
        ax.imshow(images[image].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel(f"{100 * part[image]:.0f} %", fontsize=8.5)
    line[0].set_xlabel(f"rests on {1 / (part**2).sum():.1f}", fontsize=8.5)
axes[0, 0].set_title("asked about", fontsize=9)
axes[0, 2].set_title("made by", fontsize=9)
plt.show()

# %%
# New images
# ----------
#
# A draw from the estimate is an image of the data plus noise of h grey levels in every pixel: no new digit. That is
# what an effective number of one says, before anything is drawn.

draws = np.zeros((8, inked.size))
draws[:, inked] = model.sample(8, rng=3)
fig, axes = plt.subplots(1, 8, figsize=(7.6, 1.0), layout="constrained")
fig.get_layout_engine().set(wspace=0.25)
for ax, image in zip(axes, draws, strict=True):
    ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
    ax.set_axis_off()
plt.show()

# %%
# One bandwidth for ten digits
# ----------------------------
#
# Zeros and sixes resemble each other more than other digits do, so the same bandwidth reaches more of them. No digit
# comes near the line where averages begin.

values = [diagnosis.mu_hat[label[diagnosis.rows] == digit] for digit in range(10)]
fig, ax = plt.subplots(figsize=(5.6, 3.2), layout="constrained")
ax.boxplot(values, tick_labels=[str(digit) for digit in range(10)], whis=(5, 95), showfliers=False, widths=0.6)
ax.axhline(1.0, color="#D55E00", linewidth=1.0, label="condensed below this line, in large dimension")
ax.set_yscale("log")
ax.set_ylim(0.03, 2.0)
ax.set_yticks([0.05, 0.1, 0.2, 0.5, 1.0], labels=["0.05", "0.1", "0.2", "0.5", "1"])
ax.set_xlabel("digit")
ax.set_ylabel("slope index $\\mu$ (5 to 95 %)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="upper center", fontsize=8.5)
plt.show()
