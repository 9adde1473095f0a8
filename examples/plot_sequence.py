"""
How large a model can the sample carry?
=======================================

The p-n criterion along sequences of models: normal laws on larger and larger graphs for the wine data, exponentials of
polynomials for one column, and the simulated risk that shows from which sample size on the expansion can be trusted.
"""

import matplotlib.pyplot as plt
from scipy import stats

import infostat
from infostat.families import MultivariateNormal, PolynomialDensity
from infostat.projection import simulate_risk

# %%
# Graphs
# ------
#
# Two columns are joined if their correlation exceeds a threshold. None of the models passes at 1599 rows; the diagonal
# one nearly does, and fits far worse than the others.

wine = infostat.load_dataset("wine_red").drop(columns="quality")
size = wine.corr().abs().to_numpy()


def graph(threshold):
    """Return the normal law on the graph of large correlations."""
    return MultivariateNormal([(i, j) for i in range(11) for j in range(i + 1, 11) if size[i, j] > threshold])


models = {"diagonal": "mvn_diagonal"}
models |= {f"|r| > {threshold}": graph(threshold) for threshold in (0.5, 0.3, 0.15)}
models["full"] = "mvn"
result = infostat.pn_sequence(wine, models)
result.plot()
plt.show()
print(result.interpretation)

# %%
# Polynomials
# -----------
#
# One column has rows enough for every degree; the question is then which degree fits.

degrees = {f"degree {k}": PolynomialDensity(k, bounds=(2.5, 4.5)) for k in range(1, 9)}
found = infostat.pn_sequence(wine["pH"], degrees, folds=10, order=1)
print(found.to_frame()[["name", "T0", "risk1", "tic", "log_score"]].round(4).to_string(index=False))

# %%
# When does the expansion hold?
# -----------------------------
#
# Normal model, Laplace data: simulated risk times n, first and second order. From n = 100 on the two orders say it.

study = simulate_risk(stats.laplace(), "normal", [25, 50, 100, 200, 400], 50_000, rng=1)
study.plot()
plt.show()
print(study.interpretation)
