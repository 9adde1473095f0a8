"""From a kind of divergence and two samples to an estimate on the table's scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.samples import as_sample, same_columns
from ..core.validation import FloatArray, check_number
from .results import Estimate
from .samples import block_standard_error

__all__ = ["SAMPLE_KINDS", "estimate_divergence"]

# kind -> estimators that can answer it, the default first
SAMPLE_KINDS: dict[str, tuple[str, ...]] = {
    "kl": ("kl_knn", "kl_kde", "ratio_logistic", "kliep"),
    "reverse_kl": ("kl_knn", "kl_kde", "ratio_logistic", "kliep"),
    "jeffreys": ("kl_knn", "kl_kde"),
    "renyi": ("renyi_knn",),
    "alpha": ("renyi_knn",),
    "hellinger": ("renyi_knn",),
    "pearson": ("ulsif",),
    "cauchy_schwarz": ("cauchy_schwarz_kernel",),
    "wasserstein": ("wasserstein_exact", "wasserstein_1d", "sliced_wasserstein"),
    "sliced_wasserstein": ("sliced_wasserstein",),
    "energy": ("energy_distance",),
    "mmd": ("mmd",),
    "sinkhorn": ("sinkhorn_divergence",),
}


def estimate_divergence(
    X: Any,
    Y: Any,
    kind: str,
    *,
    estimator: str | None = None,
    order: float | None = None,
    rng: Any = None,
    options: dict[str, Any] | None = None,
) -> Estimate:
    """Return a divergence of the laws behind two samples.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (m, d)
        Samples of P and Q.
    kind : str
        Key of `SAMPLE_KINDS`.
    estimator : str, optional
        One of the estimators listed there.
    order : float, optional
        Order for ``"renyi"`` and ``"alpha"``.
    rng : None, int, SeedSequence or Generator
        Seed where the estimator draws.
    options : dict, optional
        Passed to the estimator.

    Returns
    -------
    Estimate
        On the scale of the generator table.

    Raises
    ------
    InputError
        For a kind without an estimator, or an estimator that does not suit the kind.
    """
    if kind not in SAMPLE_KINDS:
        raise InputError(f"kind {kind!r} has no estimator from samples; those that have: {', '.join(SAMPLE_KINDS)}")
    names = SAMPLE_KINDS[kind]
    name = names[0] if estimator is None else estimator
    if name not in names:
        raise InputError(f"estimator for kind {kind!r} must be one of {', '.join(names)}, got {estimator!r}")
    if order is not None and kind not in ("renyi", "alpha"):
        raise InputError(f"order belongs to the kinds 'renyi' and 'alpha', got kind {kind!r}")
    x, y = as_sample("P", X), as_sample("Q", Y)
    same_columns(x, y)
    chosen = dict(options or {})
    try:
        if name == "renyi_knn":
            return _from_renyi(kind, x, y, order, chosen)
        if name in _DISTANCES:
            return _distance(name, x, y, rng, chosen)
        return _by_name(name, kind, x, y, chosen)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        wrong = str(error).rsplit("'", 2)[-2]
        raise InputError(f"{wrong} is not an option of the estimator {name}") from None


def _function(name: str) -> Callable[..., Any]:
    import infostat.divergences as package

    found: Callable[..., Any] = getattr(package, name)
    return found


def _by_name(name: str, kind: str, x: FloatArray, y: FloatArray, options: dict[str, Any]) -> Estimate:
    function = _function(name)
    if kind == "reverse_kl":  # KL(Q||P) with the arguments exchanged
        reverse: Estimate = function(y, x, **options)
        return replace(reverse, n=len(x), m=len(y))
    forward: Estimate = function(x, y, **options)
    if kind == "jeffreys":
        backward: Estimate = function(y, x, **options)
        # The two directions share the samples: the sum of their errors bounds the error of the sum.
        return replace(
            forward,
            value=forward.value + backward.value,
            se=forward.se + backward.se,
            bias_note=forward.bias_note or backward.bias_note,
        )
    if name == "ulsif":  # estimates half of chi-squared
        return replace(forward, value=2.0 * forward.value, se=2.0 * forward.se)
    return forward


def _from_renyi(kind: str, x: FloatArray, y: FloatArray, order: float | None, options: dict[str, Any]) -> Estimate:
    """Rényi from neighbours, and alpha and Hellinger through I = exp((a - 1) R)."""
    if kind == "hellinger":
        order = 0.5
    if order is None:
        raise InputError(f"order must be given for kind {kind!r}, for instance order=0.5")
    a = check_number("order", order)
    found: Estimate = _function("renyi_knn")(x, y, a, **options)
    if kind == "renyi":
        return found
    integral = math.exp((a - 1.0) * found.value)
    if kind == "hellinger":
        return replace(found, value=1.0 - integral, se=0.5 * integral * found.se)
    return replace(found, value=(integral - 1.0) / (a * (a - 1.0)), se=integral / abs(a) * found.se)


def _wasserstein(x: FloatArray, y: FloatArray, **options: Any) -> float:
    name = "wasserstein_1d" if x.shape[1] == 1 and "max_exact" not in options else "wasserstein_exact"
    return float(_function(name)(x, y, **options))


def _sinkhorn(x: FloatArray, y: FloatArray, **options: Any) -> float:
    return float(_function("sinkhorn_divergence")(x, y, **options))


_DISTANCES = {
    "wasserstein_exact",
    "wasserstein_1d",
    "sliced_wasserstein",
    "energy_distance",
    "mmd",
    "sinkhorn_divergence",
}


def _distance(name: str, x: FloatArray, y: FloatArray, rng: Any, options: dict[str, Any]) -> Estimate:
    """A distance of the two empirical laws, with the spread over disjoint blocks."""
    if name == "sliced_wasserstein":
        from ..core.rng import as_seed_sequence, child_generator

        seed = as_seed_sequence(rng)
        # The same directions in every block, or their spread would count as sampling error.
        count = options.pop("n_directions", 256)
        draw = child_generator(seed, 0).standard_normal((count, x.shape[1]))
        options.setdefault("directions", draw / np.linalg.norm(draw, axis=1, keepdims=True))
    if name == "mmd" and options.get("bandwidth") is None:
        options["bandwidth"] = _function("median_bandwidth")(np.vstack([x, y]))
    if name == "sinkhorn_divergence" and "eps" not in options:
        options["eps"] = _median_cost(x, y, float(options.get("p", 2.0)))
    function: Callable[..., float]
    if name == "wasserstein_exact":
        function = _wasserstein
    elif name == "sinkhorn_divergence":
        function = _sinkhorn
    else:
        function = _function(name)
    if name == "wasserstein_exact" and x.shape[1] == 1 and "max_exact" not in options:
        name = "wasserstein_1d"  # what _wasserstein calls on the line
    value = float(function(x, y, **options))
    se, note = block_standard_error(lambda u, v: float(function(u, v, **options)), [x, y], minimum=2)
    bias = "A distance of empirical laws is biased upwards: it is positive also for two samples of one law."
    if name == "mmd" and options.get("unbiased"):
        bias = ""
    text = " ".join(part for part in (bias, note) if part)
    return Estimate(value, se, len(x), name, text, m=len(y), quantity=name)


def _median_cost(x: FloatArray, y: FloatArray, p: float) -> float:
    from scipy.spatial.distance import cdist

    # A thousand rows a side fix a median well enough for a scale.
    step_x, step_y = max(1, len(x) // 1000), max(1, len(y) // 1000)
    return float(np.median(cdist(x[::step_x], y[::step_y]) ** p))
