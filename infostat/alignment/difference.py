"""Difference sampling: keep what a teacher finds more likely than a small reference does."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, InputTypeError, describe
from ..core.tables import format_cell
from ..core.validation import FloatArray, as_float_array, check_choice, check_number
from .bestofn_laws import mean_reward
from .bestofn_results import DifferenceSampling
from .fractions import Selection, select_fraction
from .laws import RewardLaw, as_law
from .tilt_solver import moments_at

__all__ = ["difference_sampling"]

ROWS = ("outcomes", "documents")


def difference_sampling(
    logp_teacher: Any,
    logp_ref: Any,
    *,
    fraction: float,
    rows: str = "outcomes",
    lengths: ArrayLike | None = None,
) -> DifferenceSampling:
    """Keep the fraction of the reference mass whose score log p_teacher - log p_ref is largest.

    Parameters
    ----------
    logp_teacher, logp_ref : array_like of shape (k,) or Series
        Log-likelihoods under the teacher and the reference, nats. Two Series with the same labels
        are matched by label, in the order of the reference's.
    fraction : float
        Share of the reference mass to keep, in (0, 1].
    rows : {"outcomes", "documents"}
        Whether the rows are all outcomes, with probabilities that sum to one under both laws, or
        documents drawn from the reference, of equal mass.
    lengths : array_like of shape (k,), optional
        Tokens of each row: the score is then per token. That is another ranking, which does not
        favour long documents.

    Returns
    -------
    DifferenceSampling
        ``scores q kl``, divergences between the two laws, comparison with the tilt.

    Raises
    ------
    InputError
        If the fraction is outside (0, 1], shapes or labels differ, a value is NaN or +inf, a
        document has reference likelihood zero, or (for outcomes) a law does not sum to one.
    InputTypeError
        If something is not numeric.

    Notes
    -----
    The score is the reward of `top_fraction`. It is a difference of log-likelihoods, not a ratio of
    them. With Lambda the log-moment generating function of the score under the reference,
    Lambda(1) = 0, Lambda'(0) = -KL(reference || teacher), Lambda'(1) = KL(teacher || reference), and
    the tilt by t = 1 is the teacher. The selection spends a KL of ``-log fraction`` (derived and
    checked in this project).

    Examples
    --------
    >>> import numpy as np
    >>> found = difference_sampling(np.log([0.2, 0.2, 0.6]), np.log([0.5, 0.25, 0.25]), fraction=0.25)
    >>> found.q.round(12), found.scores.round(4), round(found.kl, 12)
    (array([0., 0., 1.]), array([-0.9163, -0.2231,  0.8755]), 1.38629436112)
    >>> abs(found.log_mgf_at_one) < 1e-15, round(found.kl_teacher_reference, 12)
    (True, 0.297394385775)
    """
    part = check_number("fraction", fraction, low=0.0, high=1.0, open_low=True)
    kind = check_choice("rows", rows, ROWS)
    teacher, reference, log_mass, labels = _pair(logp_teacher, logp_ref, kind)
    scores = _scores(teacher, reference)
    flags = ["documents"] if kind == "documents" else []
    identities = None
    if kind == "outcomes":
        identities = _identities(log_mass, scores)
    if lengths is not None:
        scores = scores / _lengths(lengths, len(scores))
        flags.append("per_token")
    law = RewardLaw(log_mass, scores, labels)
    return _wrap(law, select_fraction(law, law.p, part), part, identities, flags)


def _pair(logp_teacher: Any, logp_ref: Any, kind: str) -> tuple[FloatArray, FloatArray, FloatArray, tuple[str, ...]]:
    """Log-likelihoods of teacher and reference, and the log masses of the rows, in the order of the reference."""
    if kind == "outcomes":
        both = _law(logp_ref, logp_teacher, "logp_ref", "logp_teacher")
        teacher = _law(both.r, np.zeros(len(both.r)), "logp_teacher", "r").log_p
        return teacher, both.log_p, both.log_p, both.labels
    # Documents: the likelihoods are two columns about rows of equal mass.
    reference = as_float_array("logp_ref", logp_ref, ndim=1)
    mass: Any = np.full(len(reference), -math.log(max(len(reference), 1)))
    index = getattr(logp_ref, "index", None)
    if hasattr(index, "is_unique"):
        import pandas as pd

        mass = pd.Series(mass, index=index)
    law = _law(mass, logp_teacher, "logp_ref", "logp_teacher")
    return law.r, reference, law.log_p, law.labels


def _law(logp: Any, r: Any, law_name: str, reward_name: str) -> RewardLaw:
    """`as_law` with the names of this function's arguments in its messages."""
    if r is None or logp is None:
        missing = law_name if logp is None else reward_name
        raise InputError(describe(missing, "one log-likelihood per row", None))
    try:
        return as_law(None, r, logp)
    except InputTypeError as error:
        raise InputTypeError(_renamed(error, law_name, reward_name)) from None
    except InputError as error:
        raise InputError(_renamed(error, law_name, reward_name)) from None


def _renamed(error: Exception, law_name: str, reward_name: str) -> str:
    text = re.sub(r"\blogp\b", law_name, str(error))
    text = re.sub(r"\br\b", reward_name, text)
    return text.replace("one reward per entry", "one entry per entry").replace("finite reward", "finite value")


def _scores(teacher: FloatArray, reference: FloatArray) -> FloatArray:
    """Differences; 0 where neither law has mass."""
    neither = (teacher == -np.inf) & (reference == -np.inf)
    return np.asarray(np.where(neither, 0.0, teacher) - np.where(neither, 0.0, reference))


def _lengths(lengths: ArrayLike, count: int) -> FloatArray:
    array = as_float_array("lengths", lengths, ndim=1)
    if len(array) != count:
        raise InputError(f"lengths must have one entry per row ({count}), got {len(array)}")
    if (array <= 0.0).any():
        raise InputError(describe("lengths", "positive numbers of tokens", float(array.min())))
    return array


def _identities(log_mass: FloatArray, scores: FloatArray) -> tuple[float, float, float]:
    """Lambda(1), KL(reference || teacher) = -Lambda'(0) and KL(teacher || reference) = Lambda'(1)."""
    log_mgf, mean, _, _ = moments_at(log_mass, scores, np.array([0.0, 1.0]))
    return float(log_mgf[1]), max(-float(mean[0]), 0.0), max(float(mean[1]), 0.0)


def _wrap(
    law: RewardLaw, kept: Selection, fraction: float, identities: tuple[float, float, float] | None, flags: list[str]
) -> DifferenceSampling:
    at_one, backward, forward = identities or (None, None, None)
    if forward is not None and law.r[~law.possible].max(initial=-math.inf) == math.inf:
        flags.append("not_absolutely_continuous")
        forward = math.inf
    kl = -math.log(fraction) + 0.0
    unit = "nats per token" if "per_token" in flags else "nats"
    far = "" if forward is None else f" The teacher itself is {format_cell(forward)} nats from the reference."
    return DifferenceSampling(
        scores=law.r,
        q=kept.q,
        kl=kl,
        kl_outcomes=kept.kl_outcomes,
        fraction=fraction,
        threshold=kept.threshold,
        kept_at_threshold=kept.share,
        score=kept.reward,
        log_mgf_at_one=at_one,
        kl_reference_teacher=backward,
        kl_teacher_reference=forward,
        tilt_score=kept.tilt_reward,
        p=law.p,
        log_p=law.log_p,
        labels=law.labels,
        flags=tuple(flags),
        interpretation=(
            f"The kept {100 * fraction:.4g} % of the reference have mean score {format_cell(kept.reward)} {unit} where "
            f"all have {format_cell(mean_reward(law.p, law.r))}, at a KL of {format_cell(kl)} nats from the reference."
            f"{far}"
        ),
    )
