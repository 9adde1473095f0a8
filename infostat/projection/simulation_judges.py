"""From the statistics of simulated samples to divergences, one array operation for many samples.

A judge knows one population: the projection theta* of the truth on a family. It turns rows (or counts
on nodes) into the statistics it needs, and statistics into three numbers per sample: the risk
``KL(p_theta* || p_theta_hat)``, the reverse risk, and the first-order term
``(eta_hat - eta*)' W (eta_hat - eta*)/2``, whose mean is exactly ``T0/(2n)``. Samples whose estimate is
on the boundary give nan.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.random import Generator

from ..core.errors import BoundaryProjectionError, DataError
from ..core.validation import FloatArray
from ..families.base import ExponentialFamily
from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from ..families.exponential import Exponential
from ..families.gamma import Gamma
from ..families.multivariate_normal import MultivariateNormal
from ..families.normal import Normal
from ..families.poisson import Poisson

__all__ = ["Judge", "judge_for"]

_NEWTON_STEPS = 40
_CHUNK = 1 << 18  # draws at a time: they stay in the cache between drawing and averaging


class Judge(ABC):
    """Statistics and divergences of samples against one member of a family."""

    fast = True  # whether compare() is one array operation

    @abstractmethod
    def from_rows(self, rows: FloatArray) -> FloatArray:
        """Statistics of samples, ``(count, n)`` or ``(count, n, d)`` encoded rows to ``(count, k)``."""

    @abstractmethod
    def from_counts(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        """Statistics of samples given as shares ``(count, m)`` of the encoded points."""

    @abstractmethod
    def compare(self, statistics: FloatArray) -> FloatArray:
        """Risk, reverse risk and first-order term of each sample, ``(count, 3)``; nan on the boundary."""

    def draw(self, generator: Generator, count: int, n: int) -> FloatArray | None:
        """Statistics of samples from the member itself, where their law is known; None otherwise."""
        return None


class GenericJudge(Judge):
    """Any family: one projection per sample."""

    fast = False

    def __init__(self, family: ExponentialFamily, theta: FloatArray) -> None:
        self.family, self.theta = family, theta
        self.eta = np.asarray(family.mean(theta))
        self.psi = family.log_partition(theta)
        self.inverse = np.linalg.pinv(family.cov(theta), hermitian=True)

    def from_rows(self, rows: FloatArray) -> FloatArray:
        count, n = rows.shape[:2]
        statistics = self.family.raw_statistic(rows.reshape(count * n, *rows.shape[2:]))
        return np.asarray(statistics.reshape(count, n, -1).mean(axis=1))

    def from_counts(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        return np.asarray(shares @ self.family.raw_statistic(points))

    def compare(self, statistics: FloatArray) -> FloatArray:
        out = np.full((len(statistics), 3), np.nan)
        for i, mean in enumerate(statistics):
            try:
                report = self.family.solve(mean, self.theta)
            except (BoundaryProjectionError, DataError):
                continue
            if not report.converged:
                continue
            step = report.theta - self.theta
            gain = self.family.log_partition(report.theta) - self.psi
            gap = mean - self.eta
            out[i] = gain - self.eta @ step, mean @ step - gain, 0.5 * gap @ self.inverse @ gap
        return out


class NormalJudge(Judge):
    """Normal laws: standardised mean and variance."""

    def __init__(self, mean: float, var: float) -> None:
        self.mean, self.sd = mean, float(np.sqrt(var))

    def from_rows(self, rows: FloatArray) -> FloatArray:
        z = (rows - self.mean) / self.sd
        return np.column_stack([z.mean(axis=1), z.var(axis=1)])

    def from_counts(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        z = (points - self.mean) / self.sd
        mean = shares @ z
        return np.column_stack([mean, np.sum(shares * (z - mean[:, None]) ** 2, axis=1)])

    def compare(self, statistics: FloatArray) -> FloatArray:
        d, v = statistics.T
        v = np.where(v > 0.0, v, np.nan)
        first = 0.5 * (d * d + 0.5 * (v + d * d - 1.0) ** 2)
        return np.column_stack([
            0.5 * ((1.0 + d * d) / v - 1.0 + np.log(v)), 0.5 * (v + d * d - 1.0 - np.log(v)), first,
        ])  # fmt: skip

    def draw(self, generator: Generator, count: int, n: int) -> FloatArray | None:
        mean = generator.standard_normal(count) / np.sqrt(n)
        return np.column_stack([mean, generator.chisquare(n - 1, count) / n])


class MultivariateNormalJudge(Judge):
    """Full multivariate normal laws: mean and covariance in whitened coordinates."""

    def __init__(self, mean: FloatArray, cov: FloatArray) -> None:
        self.mean = mean
        self.inverse = np.linalg.inv(np.linalg.cholesky(cov))

    @property
    def d(self) -> int:
        """Dimension."""
        return len(self.mean)

    def from_rows(self, rows: FloatArray) -> FloatArray:
        y = (rows - self.mean) @ self.inverse.T
        mean = y.mean(axis=1)
        y = y - mean[:, None, :]
        cov = np.matmul(y.transpose(0, 2, 1), y) / rows.shape[1]
        return np.hstack([mean, cov.reshape(len(rows), -1)])

    def from_counts(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        y = (points - self.mean) @ self.inverse.T
        mean = shares @ y
        second = np.einsum("cm,mi,mj->cij", shares, y, y, optimize=True)
        cov = second - mean[:, :, None] * mean[:, None, :]
        return np.hstack([mean, cov.reshape(len(shares), -1)])

    def compare(self, statistics: FloatArray) -> FloatArray:
        d = self.d
        mean, cov = statistics[:, :d], statistics[:, d:].reshape(-1, d, d)
        values, vectors = np.linalg.eigh(cov)
        # A sample of at most d rows has a covariance that is singular up to rounding.
        values = np.where(values > 1e-12 * values[:, -1:], values, np.nan)
        projected = np.einsum("cij,ci->cj", vectors, mean)
        log_det = np.log(values).sum(axis=1)
        square = np.sum(mean * mean, axis=1)
        moment = cov + mean[:, :, None] * mean[:, None, :] - np.eye(d)
        return np.column_stack([
            0.5 * (np.sum((1.0 + projected**2) / values, axis=1) - d + log_det),
            0.5 * (np.sum(values, axis=1) + square - d - log_det),
            0.5 * (square + 0.5 * np.sum(moment * moment, axis=(1, 2))),
        ])  # fmt: skip

    def draw(self, generator: Generator, count: int, n: int) -> FloatArray | None:
        # Bartlett: the scatter matrix is L L' with chi-distributed diagonal and normal entries below it.
        d = self.d
        mean = generator.standard_normal((count, d)) / np.sqrt(n)
        lower = np.tril(generator.standard_normal((count, d, d)), -1)
        freedom = np.maximum(n - 1.0 - np.arange(d), 0.0)
        index = np.arange(d)
        chi2 = np.where(freedom > 0.0, generator.chisquare(np.maximum(freedom, 1.0), (count, d)), 0.0)
        lower[:, index, index] = np.sqrt(chi2)
        cov = np.matmul(lower, lower.transpose(0, 2, 1)) / n
        return np.hstack([mean, cov.reshape(count, -1)])


class DiagonalJudge(Judge):
    """Independent normal columns: the sum of univariate judges."""

    def __init__(self, mean: FloatArray, var: FloatArray) -> None:
        self.parts = [NormalJudge(float(m), float(v)) for m, v in zip(mean, var, strict=True)]

    def from_rows(self, rows: FloatArray) -> FloatArray:
        return np.hstack([part.from_rows(rows[:, :, k]) for k, part in enumerate(self.parts)])

    def from_counts(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        return np.hstack([part.from_counts(points[:, k], shares) for k, part in enumerate(self.parts)])

    def compare(self, statistics: FloatArray) -> FloatArray:
        return np.asarray(sum(part.compare(statistics[:, 2 * k : 2 * k + 2]) for k, part in enumerate(self.parts)))

    def draw(self, generator: Generator, count: int, n: int) -> FloatArray | None:
        return np.hstack([np.asarray(part.draw(generator, count, n)) for part in self.parts])


class MeanJudge(Judge):
    """Exponential and Poisson laws: the ratio of means."""

    def __init__(self, mean: float, poisson: bool) -> None:
        self.mean, self.poisson = mean, poisson

    def from_rows(self, rows: FloatArray) -> FloatArray:
        return np.asarray(rows.mean(axis=1, keepdims=True) / self.mean)

    def from_counts(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        return np.asarray((shares @ points)[:, None] / self.mean)

    def compare(self, statistics: FloatArray) -> FloatArray:
        ratio = np.where(statistics[:, 0] > 0.0, statistics[:, 0], np.nan)
        gap = ratio - 1.0
        log = np.log1p(gap)
        if self.poisson:
            scale = self.mean
            return np.column_stack([scale * (gap - log), scale * (ratio * log - gap), 0.5 * scale * gap * gap])
        return np.column_stack([log - gap / ratio, gap - log, 0.5 * gap * gap])

    def draw(self, generator: Generator, count: int, n: int) -> FloatArray | None:
        if self.poisson:
            total = generator.poisson(n * self.mean, count) / (n * self.mean)
        else:
            total = generator.standard_gamma(n, count) / n
        return np.asarray(total[:, None])


class FrequencyJudge(Judge):
    """Bernoulli and categorical laws: frequencies of all levels but the last."""

    def __init__(self, family: ExponentialFamily, theta: FloatArray) -> None:
        self.family = family
        self.prob = _with_last(np.asarray(family.mean(theta))[None])[0]

    def from_rows(self, rows: FloatArray) -> FloatArray:
        count, n = rows.shape[:2]
        return np.asarray(self.family.raw_statistic(rows.ravel()).reshape(count, n, -1).mean(axis=1))

    def from_counts(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        return np.asarray(shares @ self.family.raw_statistic(points))

    def compare(self, statistics: FloatArray) -> FloatArray:
        q = _with_last(statistics)
        # Shares are multiples of 1/n: what is below rounding of 1 is an empty level.
        q = np.where((q > 1e-14).all(axis=1, keepdims=True), q, np.nan)
        log = np.log(q / self.prob)
        first = 0.5 * np.sum((q - self.prob) ** 2 / self.prob, axis=1)
        return np.column_stack([-(log @ self.prob), np.sum(q * log, axis=1), first])

    def draw(self, generator: Generator, count: int, n: int) -> FloatArray | None:
        return np.asarray(generator.multinomial(n, self.prob, size=count)[:, :-1] / n)


def _with_last(shares: FloatArray) -> FloatArray:
    return np.column_stack([shares, 1.0 - shares.sum(axis=1)])


class GammaJudge(Judge):
    """Gamma laws: means of log x and x, a vector Newton iteration for the shapes."""

    def __init__(self, shape: float, rate: float) -> None:
        from scipy.special import polygamma

        self.shape, self.rate = shape, rate
        cov = np.array([[polygamma(1, shape), 1.0], [1.0, shape]])  # of (log x, rate x)
        self.inverse = np.linalg.inv(cov)

    def from_rows(self, rows: FloatArray) -> FloatArray:
        x = rows * self.rate
        return np.column_stack([np.log(x).mean(axis=1), x.mean(axis=1)])

    def from_counts(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        x = points * self.rate
        return np.column_stack([shares @ np.log(x), shares @ x])

    def compare(self, statistics: FloatArray) -> FloatArray:
        from scipy.special import digamma, gammaln

        log_mean, mean = statistics.T
        gap = np.log(mean) - log_mean
        a = gamma_shapes(np.where(gap > 1e-14, gap, np.nan))
        b, a0 = a / mean, self.shape
        # Psi = lgamma(a) - a log b at both parameters, in units in which the rate is 1.
        gain = gammaln(a) - a * np.log(b) - gammaln(a0)
        risk = gain - digamma(a0) * (a - a0) + a0 * (b - 1.0)
        reverse = log_mean * (a - a0) - mean * (b - 1.0) - gain
        offset = np.column_stack([log_mean - digamma(a0), mean - a0])
        first = 0.5 * np.einsum("ci,ij,cj->c", offset, self.inverse, offset)
        return np.column_stack([risk, reverse, np.where(np.isnan(risk), np.nan, first)])

    def draw(self, generator: Generator, count: int, n: int) -> FloatArray | None:
        # One block, filled again and again: fresh memory for every block would cost half of the draws.
        step = max(1, _CHUNK // n)
        block, out = np.empty((min(step, count), n)), np.empty((count, 2))
        for k in range(0, count, step):
            part = block[: min(step, count - k)]
            generator.standard_gamma(self.shape, out=part)
            out[k : k + len(part), 1] = part.mean(axis=1)
            out[k : k + len(part), 0] = np.log(part, out=part).mean(axis=1)
        return out


def gamma_shapes(gap: FloatArray) -> FloatArray:
    """Solve ``log a - digamma(a) = gap`` for many gaps at once.

    Parameters
    ----------
    gap : ndarray
        Positive; nan stays nan.

    Returns
    -------
    ndarray
        Shapes.
    """
    from scipy.special import digamma, zeta

    a = (3.0 - gap + np.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)
    slope = np.empty_like(a)
    for step in range(_NEWTON_STEPS):
        miss = np.log(a) - digamma(a) - gap
        if step < 2:
            # The slope of the second step serves the later ones: trigamma(a) = zeta(2, a) is half of the time.
            slope = 1.0 / a - zeta(2.0, a)
        # Newton in 1/a, in which the equation is nearly linear.
        following = 1.0 / (1.0 / a + miss / (a * a * slope))
        done = np.abs(following - a) <= 1e-13 * a
        a = np.where(np.isfinite(following) & (following > 0.0), following, 0.5 * a)
        if (done | np.isnan(gap)).all():
            break
    return np.asarray(a)


def judge_for(family: ExponentialFamily, theta: FloatArray) -> Judge:
    """Return the judge of a member of a family.

    Parameters
    ----------
    family : ExponentialFamily
        Bound family.
    theta : ndarray of shape (p,)
        Projection of the truth.

    Returns
    -------
    Judge
        An array form where one exists.
    """
    values: dict[str, Any] = {}
    if isinstance(family, (Normal, Exponential, Poisson, Gamma, MultivariateNormal)):
        values = family.params(theta)
    if isinstance(family, Normal):
        return NormalJudge(values["mean"], values["var"])
    if isinstance(family, Exponential):
        return MeanJudge(1.0 / values["rate"], False)
    if isinstance(family, Poisson):
        return MeanJudge(values["mean"], True)
    if isinstance(family, Gamma):
        return GammaJudge(values["shape"], values["rate"])
    if isinstance(family, MultivariateNormal) and family.structure in ("full", "diagonal"):
        mean, cov = np.atleast_1d(values["mean"]), np.atleast_2d(values["cov"])
        if family.structure == "full":
            return MultivariateNormalJudge(mean, cov)
        return DiagonalJudge(mean, np.diag(cov))
    if isinstance(family, (Bernoulli, Categorical)):
        return FrequencyJudge(family, theta)
    return GenericJudge(family, theta)
