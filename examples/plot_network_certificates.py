"""
A small network: how far can its test loss be from its training loss?
=====================================================================

A network with three hidden layers learns 200 observations by heart. How large is the gap, what does each layer
guarantee about it, and at which layer do training and test look most alike?
"""

import matplotlib.pyplot as plt
import numpy as np

from infostat.generalization import MLP, BinaryGaussianTask, layer_certificates
from infostat.generalization.experiment_network import network_study

task = BinaryGaussianTask(1.0, 1.0, 10)
X, y = task.sample(200, np.random.default_rng(1))
X_test, y_test = task.sample(200, np.random.default_rng(2))

# %%
# Training
# --------
#
# Two classes around plus and minus a vector of length one, in ten dimensions: no classifier can be right more often
# than in 84 of 100 cases. Four hundred gradient steps on the logistic loss fit the training sample far better
# than that.

net = MLP([10, 16, 8, 4, 1], "relu").fit(X, y, X_test=X_test, y_test=y_test, rng=5)
print(f"training error {(net.predict(X) != y).mean():.3f}, test error {(net.predict(X_test) != y_test).mean():.3f}")

history = net.history
fig, ax = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
ax.plot(history["step"], history["loss"], color="#0072B2", label="training")
ax.plot(history["step"], history["test_loss"], color="#D55E00", label="test")
ax.set_xlabel("gradient step")
ax.set_ylabel("mean logistic loss (nats)")
ax.set_ylim(0.0, None)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

# %%
# Certificates
# ------------
#
# At every layer, training points can be moved onto test points; what that costs, with the Lipschitz constant of the
# layers above, bounds the difference of the two losses. This holds for these two samples, whatever the law of
# the data.

found = layer_certificates(
    net.representations(X),
    net.representations(X_test),
    y,
    y_test,
    weights=net.weights,
    activations=net.activations,
    rng=1,
)
print(found.summary())

found.plot()
plt.show()

# %%
# At the input the certificate is two orders of magnitude too large: it pays for the product of four spectral norms. At
# the output nothing is left to pay for, and it is within a small factor of the gap. The distance between the samples
# tells another story. It shrinks towards the inner layers because they have fewer units and because points of
# one class are drawn together; how much of it is sampling shows the floor, the distance of two halves of the test
# sample.

# %%
# With noise in the layers
# ------------------------
#
# A network of the same shape with dropout and Gaussian noise in its hidden layers fits less, and its gap is smaller.
# One draw of the noise, shared by all observations, is a network of its own with a certificate of its own; the mean
# over the draws bounds the mean gap.

study = network_study(rng=5, masks=16)
print(study.caption)

study.plot()
plt.show()
