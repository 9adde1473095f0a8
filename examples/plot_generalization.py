"""
How far can training and test error differ?
===========================================

Bounds on the generalization gap, layer by layer, where everything can be computed: two Gaussian classes, a linear
network whose product averages the training points, the Gibbs algorithm on a finite model. Thick lines are exact,
solid lines bounds in expectation, dashed lines bounds with high probability, points estimates.
"""

import matplotlib.pyplot as plt

from infostat.generalization import (
    bounds_by_layer,
    bounds_by_sample_size,
    contraction_curves,
    gibbs_study,
    supersample_study,
)

# %%
# Layer by layer
# --------------
#
# Three factorisations of one classifier. The raw distance between the laws of training and fresh points has its
# minimum where the gains put it; the label-coupled Wasserstein bound is smallest at the output whatever the gains.

layers = bounds_by_layer(rng=1)
layers.plot()
plt.show()
print(layers.caption)

# %%
# Against the sample size
# -----------------------
#
# The gap of the 0-1 loss falls like 1/n. Bounds that look at one sample at a time fall like the square root of that.

sizes = bounds_by_sample_size(rng=1)
sizes.plot()
plt.show()
print(sizes.interpretation)

# %%
# Noise in the layers
# -------------------
#
# Contraction coefficients of dropout and of Gaussian noise, and their product over depth at a fixed number of weights.

contraction = contraction_curves()
contraction.plot()
plt.show()
print(contraction.interpretation)

# %%
# The Gibbs algorithm
# -------------------
#
# On a finite model the gap is exactly the sum of mutual and lautum information over the inverse temperature.

gibbs = gibbs_study()
gibbs.plot()
plt.show()
print(f"the identity holds to {gibbs.markers['identity_error']:.0e}")

# %%
# From losses alone
# -----------------
#
# An algorithm that can be run again bounds its own gap: train on random halves of supersamples and ask how much the
# loss difference of a pair tells about which of the two was trained on.

study = supersample_study(rng=1)
study.plot()
plt.show()
print(study.interpretation)
