"""The generator table: the one place where an f-divergence is defined.

A divergence D_f(P||Q) = sum q f(p/q) is one entry of `GENERATORS`: its perspective
q f(p/q), the derivative f' with its inverse, the convex conjugate, the gradient weight
r^2 f''(r) and four limits. Table functions, sample estimators, optimisers and the property
tests read the entry, so that a new divergence is one more entry: here, or as the ``ENTRIES`` of a
module of its own in this folder, whose ``KINDS`` say which names it brings.

Generators are canonical: f >= 0 and f'(1) = 0. Adding c(t - 1) changes nothing for
normalised tables; this choice also gives the generalised divergence of measures of unequal
mass. A cell with p = 0 < q contributes q f(0), a cell with q = 0 < p contributes p f'(inf).
"""

from __future__ import annotations

import math
from importlib import import_module
from pathlib import Path

import numpy as np

from ..core.declared import declared
from .generator_entry import Entry
from .generator_formulas import (
    Limits,
    alpha_cells,
    alpha_conjugate,
    alpha_df,
    alpha_inverse,
    alpha_limits,
    hellinger_cells,
    hockey_cells,
    jeffreys_cells,
    jeffreys_conjugate,
    jeffreys_inverse,
    js_cells,
    js_conjugate,
    js_df,
    js_inverse,
    js_limits,
    kl_cells,
    le_cam_cells,
    le_cam_conjugate,
    le_cam_df,
    neyman_cells,
    pearson_cells,
    reverse_kl_cells,
    tv_cells,
)

__all__ = ["GENERATORS", "Entry"]

# The names of the table, read without importing it.
KINDS = (
    "kl",
    "reverse_kl",
    "jeffreys",
    "js",
    "alpha",
    "pearson",
    "neyman",
    "hellinger",
    "le_cam",
    "tv",
    "hockey_stick",
)

GENERATORS: dict[str, Entry] = {
    "kl": Entry(
        "Kullback-Leibler divergence",
        "sum p log(p/q) - p + q",
        kl_cells,
        df=lambda t, a: np.log(t),
        df_inverse=lambda s, a: np.exp(s),
        conjugate=lambda s, a: np.expm1(s),
        limits=lambda a: Limits(1.0, math.inf),
        gradient_weight=lambda r, a: r * 1.0,
    ),
    "reverse_kl": Entry(
        "Reverse Kullback-Leibler divergence, kl(Q, P)",
        "sum q log(q/p) - q + p",
        reverse_kl_cells,
        df=lambda t, a: (t - 1.0) / t,
        df_inverse=lambda s, a: 1.0 / (1.0 - s),
        conjugate=lambda s, a: -np.log1p(-s),
        limits=lambda a: Limits(math.inf, 1.0),
        gradient_weight=lambda r, a: np.ones_like(r),
    ),
    "jeffreys": Entry(
        "Jeffreys divergence, kl(P, Q) + kl(Q, P)",
        "sum (p - q) log(p/q)",
        jeffreys_cells,
        df=lambda t, a: np.log(t) + (t - 1.0) / t,
        df_inverse=jeffreys_inverse,
        conjugate=jeffreys_conjugate,
        limits=lambda a: Limits(math.inf, math.inf),
        gradient_weight=lambda r, a: r + 1.0,
        symmetric=True,
    ),
    "js": Entry(
        "Jensen-Shannon divergence with weight w on P",
        "w kl(P, M) + (1 - w) kl(Q, M), M = w P + (1 - w) Q",
        js_cells,
        df=js_df,
        df_inverse=js_inverse,
        conjugate=js_conjugate,
        limits=js_limits,
        gradient_weight=lambda r, w: w * (1.0 - w) * r / (w * r + (1.0 - w)),
        parameter="weight",
        symmetric=True,
    ),
    "alpha": Entry(
        "Alpha divergence of order a",
        "sum (p^a q^(1-a) - a p + (a - 1) q)/(a(a - 1))",
        alpha_cells,
        df=alpha_df,
        df_inverse=alpha_inverse,
        conjugate=alpha_conjugate,
        limits=alpha_limits,
        gradient_weight=lambda r, a: r**a,
        parameter="order",
    ),
    "pearson": Entry(
        "Pearson chi-square divergence",
        "sum (p - q)^2/q",
        pearson_cells,
        df=lambda t, a: 2.0 * (t - 1.0),
        df_inverse=lambda s, a: 1.0 + 0.5 * s,
        conjugate=lambda s, a: s * (1.0 + 0.25 * s),
        limits=lambda a: Limits(1.0, math.inf, df0=-2.0),
        gradient_weight=lambda r, a: 2.0 * r * r,
    ),
    "neyman": Entry(
        "Neyman chi-square divergence, pearson(Q, P)",
        "sum (p - q)^2/p",
        neyman_cells,
        df=lambda t, a: (t - 1.0) / t * (1.0 + 1.0 / t),
        df_inverse=lambda s, a: 1.0 / np.sqrt(1.0 - s),
        conjugate=lambda s, a: 2.0 * s / (1.0 + np.sqrt(1.0 - s)),
        limits=lambda a: Limits(math.inf, 1.0, conjugate_top=2.0),
        gradient_weight=lambda r, a: 2.0 / r,
    ),
    "hellinger": Entry(
        "Squared Hellinger distance, between 0 and 1",
        "1/2 sum (sqrt p - sqrt q)^2",
        hellinger_cells,
        df=lambda t, a: -0.5 * np.expm1(-0.5 * np.log(t)),
        df_inverse=lambda s, a: (1.0 - 2.0 * s) ** -2.0,
        conjugate=lambda s, a: s / (1.0 - 2.0 * s),
        limits=lambda a: Limits(0.5, 0.5),
        gradient_weight=lambda r, a: 0.25 * np.sqrt(r),
        symmetric=True,
    ),
    "le_cam": Entry(
        "Le Cam divergence, half the triangular discrimination",
        "1/2 sum (p - q)^2/(p + q)",
        le_cam_cells,
        df=le_cam_df,
        df_inverse=lambda s, a: 2.0 / np.sqrt(1.0 - 2.0 * s) - 1.0,
        conjugate=le_cam_conjugate,
        limits=lambda a: Limits(0.5, 0.5, df0=-1.5, conjugate_top=1.5),
        gradient_weight=lambda r, a: 4.0 * (r / (r + 1.0)) ** 2 / (r + 1.0),
        symmetric=True,
    ),
    "tv": Entry(
        "Total variation distance",
        "1/2 sum abs(p - q)",
        tv_cells,
        df=lambda t, a: 0.5 * np.sign(t - 1.0),
        conjugate=lambda s, a: s * 1.0,
        limits=lambda a: Limits(0.5, 0.5, df0=-0.5, conjugate_top=0.5),
        symmetric=True,
    ),
    "hockey_stick": Entry(
        "Hockey-stick divergence at gamma",
        "sum max(p - gamma q, 0)",
        hockey_cells,
        df=lambda t, gamma: np.where(t > gamma, 1.0, 0.0),
        conjugate=lambda s, gamma: gamma * s,
        limits=lambda gamma: Limits(0.0, 1.0, df0=0.0, conjugate_top=gamma),
        parameter="gamma",
    ),
}

for _module in declared(__package__, str(Path(__file__).parent), "KINDS"):
    if _module != __name__.rpartition(".")[2]:
        GENERATORS.update(import_module(f".{_module}", __package__).ENTRIES)
