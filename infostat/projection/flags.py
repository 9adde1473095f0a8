"""Cautions of the p-n criterion: when they are raised and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.errors import (
    CollinearityWarning,
    ConvergenceWarning,
    ExpansionWarning,
    HeavyTailWarning,
    InfostatWarning,
    IntervalWarning,
    SampleSizeWarning,
)
from ..core.validation import FloatArray
from .criterion_result import PNCriterion
from .evaluation import Evaluation
from .expansion import RawTerms
from .results import BootstrapResult, RiskTerms

__all__ = [
    "FLAGS",
    "Flag",
    "heavy_rows",
    "interval_is_optimistic",
    "interval_is_unbounded",
    "validity_flags",
]

VALID, USABLE = 0.5, 1.0
HEAVY_T0, HEAVY_T1 = 0.20, 0.50
UNBOUNDED = 1000.0
OPTIMISTIC_RATIO, OPTIMISTIC_ACCELERATION, SMALL_SAMPLE = 1.1, 0.05, 200


@dataclass(frozen=True)
class Flag:
    """A caution.

    Attributes
    ----------
    warning : type or None
        Class of the Python warning; None if the flag only informs.
    text : callable
        Sentence for a result.
    """

    warning: type[InfostatWarning] | None
    text: Callable[[PNCriterion], str]


def _rows(result: PNCriterion) -> str:
    listed = ", ".join(str(k) for k in result.heavy_rows[:5])
    return listed + (", ..." if len(result.heavy_rows) > 5 else "")


FLAGS: dict[str, Flag] = {
    "near_collinear": Flag(
        CollinearityWarning, lambda r: "Some columns or statistics are nearly collinear; results may lose digits."
    ),
    "expansion_doubtful": Flag(
        ExpansionWarning,
        lambda r: (
            f"The second-order term is {r.validity_ratio:.2g} of the first; above 0.5 the expansion is "
            "doubtful at this sample size."
        ),
    ),
    "expansion_unreliable": Flag(
        ExpansionWarning,
        lambda r: (
            f"The second-order term is {r.validity_ratio:.2g} times the first (or the sum is not positive): "
            "the expansion cannot be used at this sample size; read the first-order numbers."
        ),
    ),
    "second_order_unusable": Flag(
        ExpansionWarning,
        lambda r: "No sample size solves the second-order equation; the first-order value is repeated.",
    ),
    "n_required_order2_unreliable": Flag(
        None,
        lambda r: "At the second-order sample size the expansion is still doubtful (ratio above 0.5).",
    ),
    "n_at_most_p": Flag(
        SampleSizeWarning, lambda r: f"There are {r.n:g} rows for {r.p} parameters: n does not exceed p."
    ),
    "heavy_tail": Flag(
        HeavyTailWarning,
        lambda r: (
            f"A few rows ({_rows(r)}) carry a large share of the estimated moments; look at them, or use "
            "transformed columns or a heavier-tailed family."
        ),
    ),
    "interval_optimistic": Flag(
        IntervalWarning,
        lambda r: (
            "The interval is probably too short: in samples whose moments look like these its coverage is below "
            "nominal (Laplace data under a normal model, nominal 95 %: measured 80 % at n = 200 and 91 % at "
            "n = 1600; percentile intervals 67 % and 83 %). It errs on the low side of the risk."
        ),
    ),
    "interval_unbounded": Flag(
        IntervalWarning,
        lambda r: (
            "The sample gives no usable upper limit: an interval ends more than 1000 times above its estimate, "
            "because resamples without a few extreme rows look far more certain than the sample."
        ),
    ),
    "boundary_resamples": Flag(
        None,
        lambda r: (
            f"{r.bootstrap.n_boundary if r.bootstrap else 0} resamples have no estimate inside the family "
            "and count as failures."
        ),
    ),
    "bias_correction_unusable": Flag(
        SampleSizeWarning,
        lambda r: "The bias correction is larger than T0 itself; the uncorrected value is used.",
    ),
    "sampler_not_converged": Flag(
        ConvergenceWarning,
        lambda r: (
            "The simulation of the model has not converged ("
            + (f"R-hat {r.sampler.rhat:.3g}, effective size {r.sampler.effective_size:.3g}" if r.sampler else "")
            + "; wanted: at most 1.01 and at least 50 per parameter): nothing can be said. Raise draws, or "
            "prune statistics that nearly repeat each other."
        ),
    ),
    "streamed": Flag(
        None,
        lambda r: (
            "The rows were read in one pass: there is no bootstrap interval"
            + (", and no standard error of T0." if r.terms.T0_se is None else ".")
        ),
    ),
    "second_order_subsampled": Flag(
        None,
        lambda r: (
            "T1 comes from a seeded uniform subsample of 4096 rows, because p exceeds 400; the standard error that "
            f"this leaves in the second-order risk is {r.risk2_mc_se or 0.0:.2g} nats."
        ),
    ),
    "few_draws": Flag(
        SampleSizeWarning,
        lambda r: (
            f"{r.sampler.n_draws if r.sampler else 0} draws are few for {r.p} parameters (wanted: 20 000, 200 "
            "effective ones per parameter, and so many that the divergence they leave is below 5 % of the "
            "risk); raise draws."
        ),
    ),
    "monte_carlo_borderline": Flag(
        SampleSizeWarning,
        lambda r: (
            "The Monte-Carlo error of the risk "
            f"(standard error {(r.risk1_mc_se if r.order == 1 else r.risk2_mc_se) or 0.0:.2g} nats) leaves open "
            "on which side of the threshold it lies; raise draws."
        ),
    ),
    "few_resamples": Flag(
        IntervalWarning,
        lambda r: "Too few resamples for this confidence level: the interval ends are extremes; use 400.",
    ),
}


def validity_flags(terms: RiskTerms, n: float) -> list[str]:
    """Return the flags about the size of the second-order term.

    Parameters
    ----------
    terms : RiskTerms
        Terms of the model.
    n : float
        Sample size.

    Returns
    -------
    list of str
        Empty, ``expansion_doubtful`` or ``expansion_unreliable``.
    """
    ratio = abs(terms.a2) / (n * terms.a1) if terms.a1 > 0 else np.inf
    if ratio > USABLE or terms.a1 / n + terms.a2 / n**2 <= 0.0:
        return ["expansion_unreliable"]
    return ["expansion_doubtful"] if ratio > VALID else []


def heavy_rows(raw: RawTerms, weights: FloatArray, n: float) -> tuple[int, ...]:
    """Return rows that carry more than 20 % of T0 or more than 50 % of T1.

    Parameters
    ----------
    raw : RawTerms
        Contributions by row.
    weights : ndarray of shape (n,)
        Weights of sum one.
    n : float
        Sample size.

    Returns
    -------
    tuple of int
        Row positions, largest share of T0 first.
    """
    # A row that stands for many observations is judged by what one of them contributes.
    single = np.minimum(weights, 1.0 / n)
    share = single * raw.t0_rows
    heavy = share > HEAVY_T0 * float(weights @ raw.t0_rows)
    if raw.t1_rows is not None:
        # Rows cancel in T1, so shares are taken of the sum of absolute contributions.
        parts = np.abs(raw.t1_rows)
        heavy |= single * parts > HEAVY_T1 * float(weights @ parts)
    found = np.flatnonzero(heavy)
    return tuple(int(k) for k in found[np.argsort(-share[found], kind="stable")])


def interval_is_unbounded(intervals: BootstrapResult, T0: float) -> bool:
    """Return whether the upper end for T0 is too far above the estimate to be of use.

    Parameters
    ----------
    intervals : BootstrapResult
        Intervals of the criterion.
    T0 : float
        Plug-in estimate.

    Returns
    -------
    bool
        True if the upper end exceeds 1000 times the estimate.
    """
    return intervals.intervals["T0"][1] > UNBOUNDED * T0


def interval_is_optimistic(sample: Evaluation, weights: FloatArray, n: float) -> bool:
    """Return whether the sample makes an interval of T0 likely to cover too little.

    Parameters
    ----------
    sample : Evaluation
        Plug-in evaluation.
    weights : ndarray of shape (m,)
        Weights of sum one.
    n : float
        Sample size.

    Returns
    -------
    bool
        True if T0/p exceeds 1.1, the acceleration of the influence function exceeds
        0.05, or n < 200 with T0/p above 1.
    """
    influence = sample.raw.influence
    second = float(weights @ influence**2)
    if second == 0.0:
        return False  # a saturated model: T0 is known exactly
    ratio = float(sample.terms[0]) / sample.p
    acceleration = float(weights @ influence**3) / (6.0 * second**1.5 * np.sqrt(n))
    return (
        ratio > OPTIMISTIC_RATIO
        or acceleration > OPTIMISTIC_ACCELERATION
        or (n < SMALL_SAMPLE and ratio > 1.0)
    )
