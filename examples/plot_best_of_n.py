"""
Best-of-N or RL: what do 2000 reward scores tell?
=================================================

First a law that is known, a model that gives answers of five grades. Then what one has in practice,
scores of a reward model for 2000 draws, here made up so that the true reward is known as well.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from infostat.alignment import align, best_of_n, bon_curve, estimate, frontier, log_n_for_kl, overoptimisation_fit, tilt
from infostat.core.errors import SampleSizeWarning

grades = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
share = np.array([0.10, 0.30, 0.40, 0.18, 0.02])

# %%
# A law that is known
# -------------------
#
# The line is the largest mean grade for every KL from the model: no policy is above it. Best-of-N lies
# a little below. The open dots show where best-of-N would be if its KL were log N - (N-1)/N; with five
# grades there are many ties, and that formula is only an upper bound.

known = frontier(share, grades)
known.plot()
plt.show()
print(known.interpretation)

# %%
# The best of 16 against the optimum at the same KL, and the other way round: how many draws replace a
# policy trained to a KL of one nat?

sixteen = best_of_n(share, grades, 16)
print(sixteen.interpretation)
trained = tilt(share, grades, kl=1.0)
draws = np.exp(log_n_for_kl(share, grades, 1.0))
print(f"training to 1 nat: mean grade {trained.reward:.3f} at beta = {trained.beta:.3f}")
print(f"{draws:.1f} draws spend the same KL and get {best_of_n(share, grades, draws).reward:.3f}")

# %%
# Scores
# ------
#
# 2000 answers, a score from a reward model (the proxy) and one from people (the true reward). The two agree
# up to a point: answers with the very largest scores are not the best ones.

rng = np.random.default_rng(3)
proxy = rng.normal(size=2000)
true = 0.6 * proxy - 0.2 * proxy**2 + 0.4 * rng.normal(size=2000)

budgets = np.array([0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0])
found = estimate(proxy, true=true, kl=budgets)
print(found.summary())

# %%
# The status is the answer to "when to stop": up to one nat at least 100 effective samples carry each point
# (*ok*), then fewer (*weak*), and in the end the tilted law lives on a handful of scores (*collapsed*, dotted).
# The truth is known here: for normal scores it is the square root of twice the KL.

ax = found.plot()
smooth = np.linspace(0.0, 5.0, 200)
ax.plot(smooth, np.sqrt(2.0 * smooth), color="black", linewidth=0.9, linestyle=":", label="truth")
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize=8, frameon=False)
plt.show()

# %%
# Best of N
# ---------
#
# The same scores, used the other way: draw N and keep the best by the proxy. Every N up to 2000 can be
# estimated without bias, but from N = 100 (a twentieth of the scores) on the intervals are too short.

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SampleSizeWarning)
    curve = bon_curve(proxy, np.unique(np.geomspace(1, 2000, 120).astype(int)), true=true)
curve.plot()
plt.show()

# %%
# Where does the proxy turn against us?
# -------------------------------------
#
# The mean proxy score rises with N for ever, the true reward does not. A fit of gain = d (A - B d) with
# d the root of the KL gives the peak with an error. Only N with reliable standard errors are used.

few = bon_curve(proxy, [2, 4, 8, 16, 32, 64], true=true)
kl, gain = few.kl_upper, few.true_reward - true.mean()
fit = overoptimisation_fit(kl, gain, "bon", se=few.true_se, proxy=few.reward - proxy.mean())
fit.plot()
plt.show()
print(fit.summary())

# %%
# The points come from the same scores and err together, which the fit does not know; other samples of
# scores say how good its error is. Each of these is a new draw of 2000 answers.

peaks = []
for _ in range(200):
    score = rng.normal(size=2000)
    people = 0.6 * score - 0.2 * score**2 + 0.4 * rng.normal(size=2000)
    again = bon_curve(score, few.n, true=people)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a peak beyond the data is an extrapolation
        peaks.append(overoptimisation_fit(kl, again.true_reward - people.mean(), se=again.true_se).peak_kl)
print(f"printed error {fit.se_peak_kl:.3f}, spread over samples {np.std(peaks):.3f} nats")

# %%
# All at once
# -----------
#
# One call, or ``infostat align FILE`` in a terminal, does the estimates above and says what they mean.

whole = align(proxy, true=true)
print(whole.verdict)
print(whole.interpretation)
