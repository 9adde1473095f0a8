"""One door to every divergence: tables, laws or samples, recognised by type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.tables import format_cell
from ..core.validation import check_flag, check_number, short
from .generators import GENERATORS
from .results import DivergenceResult, PairDisplay
from .sample_routes import SAMPLE_KINDS, estimate_divergence

__all__ = ["divergence", "divergence_kinds"]

# Divergences that are expected log ratios, so that a base of the logarithm is their unit.
_IN_NATS = ("kl", "reverse_kl", "jeffreys", "js", "renyi", "renyi_cross_entropy", "cauchy_schwarz")
_DATA_UNITS = {"wasserstein": "data units", "sliced_wasserstein": "data units", "energy": "root of data units"}
_ORDERED = ("alpha", "renyi", "tsallis", "renyi_cross_entropy")
_OTHER_TABLE_KINDS = ("renyi", "tsallis", "renyi_cross_entropy", "cauchy_schwarz")


def divergence_kinds() -> list[str]:
    """Return every kind that :func:`divergence` knows for some input.

    Returns
    -------
    list of str
        Sorted names.

    Examples
    --------
    >>> "kl" in divergence_kinds() and "wasserstein" in divergence_kinds()
    True
    """
    return sorted({*GENERATORS, *_OTHER_TABLE_KINDS, *SAMPLE_KINDS})


def divergence(
    P: Any,
    Q: Any,
    kind: str,
    *,
    from_samples: bool | None = None,
    estimator: str | None = None,
    rng: Any = None,
    order: float | None = None,
    weight: float = 0.5,
    gamma: float | None = None,
    base: float | None = None,
    axis: int = -1,
    normalize: str = "check",
    logits: bool = False,
    tol: float = 1e-9,
    **options: Any,
) -> DivergenceResult:
    """Return a divergence of P from Q, whatever form the two come in.

    Parameters
    ----------
    P, Q : array_like, frozen scipy law, or (family, theta)
        Probability tables, laws, or (with ``from_samples=True``) samples whose rows are
        observations. An array is a table unless `from_samples` says otherwise.
    kind : str
        A name of the generator table (``"kl"``, ``"js"``, ``"hellinger"``, ...), ``"renyi"``,
        ``"tsallis"``, ``"renyi_cross_entropy"``, ``"cauchy_schwarz"``; for samples also
        ``"wasserstein"``, ``"sliced_wasserstein"``, ``"energy"``, ``"mmd"``, ``"sinkhorn"``.
    from_samples : bool, optional
        Take arrays for samples.
    estimator : str, optional
        Name of the estimator for samples; a default per kind otherwise.
    rng : None, int, SeedSequence or Generator
        Seed where an estimator draws.
    order : float, optional
        Order of ``"alpha"``, ``"renyi"``, ``"tsallis"``, ``"renyi_cross_entropy"``.
    weight : float
        Weight on P of ``"js"``.
    gamma : float, optional
        Threshold of ``"hockey_stick"``.
    base : float, optional
        Base of the logarithm; nats if None.
    axis, normalize, logits
        For tables, see :func:`kl`.
    tol : float
        For laws by quadrature: largest numerical error accepted.
    **options
        For samples: options of the estimator (``k``, ``bandwidth``, ``eps``, ``p``, ...).

    Returns
    -------
    DivergenceResult
        ``value`` on the scale of the generator table; ``float()`` works.

    Raises
    ------
    InputError
        For an unknown kind (the message lists the kinds) or one that the input does not have.
    InputTypeError
        If P and Q are of different sorts.

    Examples
    --------
    >>> round(float(divergence([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], "kl")), 12)
    0.223804657186
    >>> from scipy import stats
    >>> result = divergence(stats.norm(0, 1), stats.norm(1, 1.5), "kl")
    >>> round(result.value, 10), result.nature
    (0.3499095526, 'exact')
    """
    _check_kind(kind)
    if order is not None:
        order = check_number("order", order, finite=False)
    if from_samples is not None:
        from_samples = check_flag("from_samples", from_samples)
    if estimator is not None and not isinstance(estimator, str):
        raise InputTypeError(describe("estimator", "the name of an estimator", short(estimator)))
    scale = _scale(base)
    laws = [_is_law(P), _is_law(Q)]
    if any(laws):
        if from_samples:
            raise InputTypeError("from_samples=True needs arrays of observations, got a law")
        if not all(laws):
            raise InputTypeError(
                f"P and Q must both be laws, both be tables or both be samples, got {short(P)} and {short(Q)}"
            )
        _refuse_options(options)
        return _laws(P, Q, kind, order, weight, gamma, tol, scale)
    if from_samples:
        return _samples(P, Q, kind, estimator, order, rng, scale, options)
    _refuse_options(options)
    if estimator is not None:
        raise InputError("estimator belongs to samples; say from_samples=True")
    return _tables(P, Q, kind, order, weight, gamma, scale, axis, normalize, logits)


def _check_kind(kind: Any) -> None:
    kinds = divergence_kinds()
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError(f"kind must be one of {', '.join(kinds)}, got {short(kind)}")


def _scale(base: float | None) -> float:
    if base is None:
        return 1.0
    number = check_number("base", base, low=0.0, open_low=True)
    if number == 1.0:
        raise InputError("base must differ from 1, got 1.0")
    return 1.0 / math.log(number)


def _unit(kind: str, scale: float) -> str:
    if kind in _DATA_UNITS:
        return _DATA_UNITS[kind]
    if kind not in _IN_NATS:
        return ""
    named = {1.0: "nats", 1.0 / math.log(2.0): "bits"}
    return named.get(scale, f"base {math.exp(1.0 / scale):.6g}")


def _refuse_options(options: dict[str, Any]) -> None:
    if options:
        raise InputError(f"{', '.join(sorted(options))}: options of estimators, which need from_samples=True")


def _is_law(value: Any) -> bool:
    """Frozen scipy laws have methods; a member of a family is a pair that starts with the family."""
    if hasattr(value, "logpdf") or hasattr(value, "logpmf"):
        return True
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    from ..families.base import ExponentialFamily

    first = value[0]
    return isinstance(first, (str, ExponentialFamily)) or (
        isinstance(first, type) and issubclass(first, ExponentialFamily)
    )


def _tables(
    P: Any,
    Q: Any,
    kind: str,
    order: float | None,
    weight: float,
    gamma: float | None,
    scale: float,
    axis: int,
    normalize: str,
    logits: bool,
) -> DivergenceResult:
    from . import table_orders
    from .plots import table_display
    from .table_divergences import f_divergence

    shared: dict[str, Any] = {"axis": axis, "normalize": normalize, "logits": logits}
    if kind in _OTHER_TABLE_KINDS:
        function = getattr(table_orders, kind)
        if kind in _ORDERED:
            if order is None:
                raise InputError(f"order must be given for kind {kind!r}")
            raw = function(P, Q, order, **shared)
        else:
            raw = function(P, Q, **shared)
    elif kind in GENERATORS:
        raw = f_divergence(P, Q, kind, order=order, weight=weight, gamma=gamma, **shared)
    else:
        raise InputError(
            f"kind {kind!r} is a distance of samples; for tables use one of "
            f"{', '.join(sorted({*GENERATORS, *_OTHER_TABLE_KINDS}))}, or say from_samples=True"
        )
    value = _scaled(raw, scale)
    if np.size(value) == 0:
        raise InputError(describe("P and Q", "tables with at least one row", Words("none")))
    display = None
    if not logits and np.ndim(value) == 0:
        display = table_display(np.asarray(P, dtype=float), np.asarray(Q, dtype=float))
    return DivergenceResult(
        value,
        kind,
        "exact",
        "sum over the cells",
        interpretation=_sentence(kind, value),
        unit=_unit(kind, scale),
        display=display,
    )


def _scaled(raw: Any, scale: float) -> Any:
    return float(raw) * scale if np.ndim(raw) == 0 else np.asarray(raw) * scale


def _laws(
    P: Any,
    Q: Any,
    kind: str,
    order: float | None,
    weight: float,
    gamma: float | None,
    tol: float,
    scale: float,
) -> DivergenceResult:
    from dataclasses import replace

    from .laws import law_divergence

    found = law_divergence(P, Q, kind, order=order, weight=weight, gamma=gamma, tol=tol)
    error = None if found.error is None else found.error * abs(scale)
    value = _scaled(found.value, scale)
    return replace(
        found,
        value=value,
        error=error,
        interpretation=found.interpretation or _sentence(kind, value),
        unit=_unit(kind, scale),
        display=_law_display(P, Q),
    )


def _law_display(P: Any, Q: Any) -> PairDisplay | None:
    """Density curves of two univariate continuous laws between their extreme quantiles."""
    if not (hasattr(P, "ppf") and hasattr(Q, "ppf") and hasattr(P, "pdf") and hasattr(Q, "pdf")):
        return None
    ends = np.array([[law.ppf(1e-3), law.ppf(1.0 - 1e-3)] for law in (P, Q)], dtype=float)
    if ends.shape != (2, 2) or not np.isfinite(ends).all():
        return None
    x = np.linspace(ends[:, 0].min(), ends[:, 1].max(), 301)
    with np.errstate(all="ignore"):
        p, q = np.asarray(P.pdf(x)), np.asarray(Q.pdf(x))
    if not (np.isfinite(p).all() and np.isfinite(q).all()):
        return None
    return PairDisplay("curves", x, p, q, "x")


def _samples(
    P: Any,
    Q: Any,
    kind: str,
    estimator: str | None,
    order: float | None,
    rng: Any,
    scale: float,
    options: dict[str, Any],
) -> DivergenceResult:
    from ..core.samples import as_sample
    from .plots import sample_display

    found = estimate_divergence(P, Q, kind, estimator=estimator, order=order, rng=rng, options=options)
    logarithmic = kind not in ("wasserstein", "sliced_wasserstein", "energy", "mmd", "sinkhorn")
    factor = scale if logarithmic else 1.0
    value = found.value * factor
    se = found.se * abs(factor)
    return DivergenceResult(
        value,
        kind,
        "estimate",
        found.method,
        se=se,
        n=found.n,
        m=found.m,
        bias_note=found.bias_note,
        interpretation=_sentence(kind, value, se),
        unit=_unit(kind, scale),
        display=sample_display(as_sample("P", P), as_sample("Q", Q), _label(P)),
    )


def _label(data: Any) -> str:
    """Name of the only column of a Series or a frame."""
    names = list(data.columns) if hasattr(data, "columns") else [getattr(data, "name", None)]
    return str(names[0]) if len(names) == 1 and names[0] is not None else "value"


def _sentence(kind: str, value: Any, se: float | None = None) -> str:
    if np.ndim(value) != 0:
        return f"{kind} of {np.size(value)} pairs, from {format_cell(float(np.min(value)))} to " + (
            f"{format_cell(float(np.max(value)))}."
        )
    if se is None or not np.isfinite(se):
        return f"{kind}(P, Q) = {format_cell(float(value))}."
    text = f"{kind}(P, Q) is estimated as {format_cell(float(value))}, standard error {format_cell(se)}"
    if abs(float(value)) <= 2.0 * se:
        return text + ": not distinguishable from zero."
    return text + "."
