"""
The phase diagram: three regimes of a kernel density estimate
=============================================================

With the sample size n and the dimension d growing together at fixed alpha = log(n)/d, a kernel density
estimate has three regimes in its bandwidth. This script draws them, the curve of the Kullback-Leibler
divergence beside exact values at finite d, and the participation ratio on either side of the line.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

from infostat.density import finite_size, phase_diagram, regime_theory, simulate_fluctuations, spectra

# %%
# The diagram
# -----------
#
# Isotropic Gaussian data. Below h_G a few points make the density; the best bandwidth lies there. Scott's
# rule lies lower still.

phase_diagram(np.geomspace(0.02, 2.0, 61)).plot()
plt.show()

# %%
# The price of a wrong bandwidth
# ------------------------------
#
# The divergence from the truth per dimension at alpha = 0.3: the limit has two branches that meet smoothly at
# h_G. At finite d everything is exact too: expectations over data sets are integrals over a Laplace transform.

alpha = 0.3
theory = regime_theory(alpha)
grid = np.geomspace(0.3, 1.7, 17)
exact = {d: finite_size(math.exp(alpha * d), d, grid) for d in (20, 40, 160)}
colours = dict(zip(exact, ("#D55E00", "#E69F00", "#0072B2"), strict=True))

fig, ax = plt.subplots(figsize=(5.8, 3.8), layout="constrained")
widths = np.linspace(0.45, 1.7, 126)
ax.plot(widths, [theory.kl(h) for h in widths], color="black", label="limit $d \\to \\infty$")
for d, found in exact.items():
    ax.plot(grid, found.kl_per_dim, "o-", color=colours[d], markersize=3.5, linewidth=1.0, label=f"exact, d = {d}")
for h, name in ((theory.h_star, "$h^*$"), (theory.h_G, "$h_G$"), (theory.h_CLT, "$h_{\\mathrm{CLT}}$")):
    ax.axvline(h, color="#7F7F7F", linewidth=0.8, linestyle=":")
    ax.annotate(name, (h, 0.313), ha="center", va="bottom", fontsize=9, annotation_clip=False)
ax.set_xlim(0.45, 1.7)
ax.set_ylim(0.0, 0.31)
ax.set_xlabel("bandwidth h (unit of the data)")
ax.set_ylabel("divergence per dimension (nats)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right")
plt.show()

# %%
# Nothing is sharp at finite d
# ----------------------------
#
# The expected participation ratio, the inverse of the number of points that make the density. In the limit it
# is 1 - mu below mu = 1 and zero above. With 20 columns three points still make the density at mu = 1.

fig, ax = plt.subplots(figsize=(5.8, 3.6), layout="constrained")
ax.plot([0.0, 1.0, 2.5], [1.0, 0.0, 0.0], color="black", label="limit, $\\max(0, 1-\\mu)$")
for d, found in exact.items():
    shares = found.participation_ratio
    ax.plot(theory.mu(grid), shares, "o-", color=colours[d], markersize=3.5, linewidth=1.0, label=f"exact, d = {d}")
ax.set_xlim(0.0, 2.5)
ax.set_ylim(0.0, 1.0)
ax.set_xlabel("$\\mu = (h/h_G)^2$ of the limit")
ax.set_ylabel("expected participation ratio $Y_2$")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

# %%
# The same density in other data sets
# -----------------------------------
#
# One fixed point, 2000 data sets of 20 000 rows in 60 dimensions, at index 0.5. The density there differs between data
# sets by factors of ten and more. Its law is close to the positive stable law of index 0.5, far from a normal one.

fluctuations = simulate_fluctuations(n=20_000, d=60, n_data=2000, mu=0.5, rng=1)
fluctuations.plot()
plt.show()
print(fluctuations.interpretation)

# %%
# Data with fewer directions
# --------------------------
#
# What counts is the spectrum of the covariance. Eigenvalues that fall like 1/k have less than half as many
# directions as columns, and thresholds in the unit of the smaller ones.

for name, spectrum in (
    ("isotropic", spectra.isotropic()),
    ("1/k, d = 60", spectra.power_law(1.0, 60)),
    ("Marchenko-Pastur, c = 1/2", spectra.marchenko_pastur(0.5)),
):
    found = regime_theory(alpha, spectrum=spectrum)
    print(
        f"{name:28} h_G = {found.h_G:.3f}   best h = {found.h_star:.3f}   mu there = {found.mu_star:.3f}   "
        f"divergence per dimension {found.kl_star:.4f}"
    )
