"""Random nodes: draws from the model, or draws from near the data weighted to the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import InputError, InputTypeError, Words, describe
from ..core.rng import RngLike, as_seed_sequence, child, child_generator
from ..core.user_functions import call_user
from ..core.validation import FloatArray, as_float_array, short
from .general_moments import Rows
from .general_routes import Derivative

__all__ = ["BATCHES", "draw_nodes", "weighted_draws"]

BATCHES = 20  # independent parts; their spread is the Monte-Carlo error
_DEGREES = 5.0  # of the multivariate t law the weighted draws come from


def draw_nodes(
    sample: Callable[..., Any], theta: FloatArray, draws: int, rng: RngLike, like: FloatArray
) -> tuple[Rows, ...]:
    """Return batches of draws made by the user's sampler.

    Parameters
    ----------
    sample : callable
        ``sample(theta, size, rng)`` returns `size` rows.
    theta : ndarray of shape (p,)
        Parameter.
    draws : int
        Total number.
    rng : None, int, SeedSequence or Generator
        Seed; batch i uses child i.
    like : ndarray
        Data; draws must have their shape.

    Returns
    -------
    tuple of Rows
        Batches of equal weights.

    Raises
    ------
    InputTypeError
        If `sample` is not callable.
    InputError
        If it returns another shape.
    """
    if not callable(sample):
        raise InputTypeError(describe("sample", "a callable sample(theta, size, rng)", short(sample)))
    seed = as_seed_sequence(rng)
    size = max(draws // BATCHES, 2)
    batches = []
    for index in range(BATCHES):
        drawn = call_user("sample", sample, theta.copy(), size, child_generator(seed, index))
        found = as_float_array("the result of sample", drawn)
        wanted = (size,) + like.shape[1:]
        if found.shape != wanted:
            raise InputError(describe("the result of sample", f"of shape {wanted}", Words(f"shape {found.shape}")))
        batches.append(Rows(found, np.full(size, 1.0 / size)))
    return tuple(batches)


def weighted_draws(
    logpdf: Derivative, theta: FloatArray, rows: Rows, draws: int, rng: RngLike
) -> tuple[Rows, ...]:
    """Return draws from a multivariate t law near the data, weighted to the model.

    Parameters
    ----------
    logpdf : callable
        Checked, normalised log density of a row.
    theta : ndarray of shape (p,)
        Parameter.
    rows : Rows
        Data.
    draws : int
        Total number.
    rng : None, int, SeedSequence or Generator
        Seed; batch i is a scrambled Sobol sequence made from child i.

    Returns
    -------
    tuple of Rows
        Batches with weights of mean sum one.

    Raises
    ------
    InputError
        If the weights do not average to one: the density is not normalised, not one of whole rows,
        or lives elsewhere.

    Notes
    -----
    The heavier tails of the t law bound the weights of densities with Gaussian tails. The mean
    weight estimates the total probability of the model, which is known: it must be one within six
    standard errors and within two per cent.
    """
    points = np.asarray(rows.points)
    centre = rows.weights @ points
    spread = np.cov(points.T, aweights=rows.weights, ddof=0)
    seed = as_seed_sequence(rng)
    size = 1 << int(np.ceil(np.log2(max(draws / BATCHES, 64))))
    found = []
    try:
        # A first run learns where the model itself lives.
        trial, weights = _weighted(logpdf, theta, centre, spread, size, child(seed, BATCHES))
        if weights.sum() > 0:
            share = weights / weights.sum()
            centre = share @ trial
            spread = np.cov(trial.T, aweights=share, ddof=0)
        for index in range(BATCHES):
            found.append(_weighted(logpdf, theta, centre, spread, size, child(seed, index)))
    except (np.linalg.LinAlgError, ValueError):
        raise InputError(_cure("their integral could not be found")) from None
    totals = np.array([weights.mean() for _, weights in found])
    error = float(totals.std(ddof=1) / np.sqrt(BATCHES))
    off = abs(float(totals.mean()) - 1.0)
    if not (off < 0.02 and off < 6.0 * error + 1e-6):
        raise InputError(_cure(f"the integral over whole rows is {totals.mean():.4g} +- {error:.2g}"))
    return tuple(Rows(x[w > 0], w[w > 0] / size) for x, w in found)


def _weighted(
    logpdf: Derivative, theta: FloatArray, centre: FloatArray, spread: FloatArray, size: int, seed: Any
) -> tuple[FloatArray, FloatArray]:
    from scipy import special, stats

    d = len(centre)
    root = np.linalg.cholesky(spread)
    uniform = stats.qmc.Sobol(d + 1, seed=np.random.default_rng(seed)).random(size)
    uniform = np.clip(uniform, 1e-12, 1.0 - 1e-12)
    normal = special.ndtri(uniform[:, :d])
    mixing = np.sqrt(_DEGREES / special.chdtri(_DEGREES, uniform[:, d]))
    z = normal * mixing[:, None]
    x = centre + z @ root.T
    log_t = (
        special.gammaln(0.5 * (_DEGREES + d))
        - special.gammaln(0.5 * _DEGREES)
        - 0.5 * d * np.log(_DEGREES * np.pi)
        - np.log(np.diag(root)).sum()
        - 0.5 * (_DEGREES + d) * np.log1p(np.sum(z * z, axis=1) / _DEGREES)
    )
    weights = np.exp(logpdf(x, theta) - log_t)
    return x, np.where(np.isfinite(weights), weights, 0.0)


def _cure(found: str) -> str:
    return (
        "the model's own expectations need its sample space: the rows of data are not its whole support, its density "
        f"is not that of one column given the others, and {found}; pass nodes=(points, weights), "
        "sample=f(theta, size, rng), or fisher= with order=1"
    )
