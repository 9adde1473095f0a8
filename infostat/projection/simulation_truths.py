"""Truths of a simulation: how samples are drawn, and which member of the family is closest."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import ArrayLike

from ..core.errors import InputError, InputTypeError, describe
from ..core.rng import child_generator
from ..core.user_functions import call_user
from ..core.validation import FloatArray, short
from ..families.base import ExponentialFamily
from ..families.law_checks import law_words
from ..families.rows import data_shape
from .evaluation import Options, evaluate, evaluate_model, evaluate_population
from .population import is_frozen_law, law_nodes, truth_nodes
from .simulation_judges import Judge, judge_for

__all__ = ["Truth", "make_truth"]

# Numbers drawn at a time, 16 MB; a constant, because it is part of what a seed means.
_CHUNK = 1 << 21
_POPULATION_DRAWS = 1_000_000
_POPULATION_CHILD = 2**31 - 1  # seed child of the population draw, beyond every block


@dataclass(frozen=True, eq=False)
class Truth:
    """One population, ready to be sampled.

    Attributes
    ----------
    family : ExponentialFamily
        Bound family.
    theta : ndarray of shape (p,)
        Projection of the truth.
    terms : ndarray of shape (4,)
        T0..T3 of the population.
    judge : Judge
        Turns samples into divergences.
    words : str
        The truth in words.
    law : object or None
        A frozen scipy law.
    draw : callable or None
        ``draw(size, rng)`` returns rows.
    nodes : tuple or None
        Encoded points and weights.
    sampled : bool
        Whether theta and terms come from a large sample of the truth.
    """

    family: ExponentialFamily
    theta: FloatArray
    terms: FloatArray
    judge: Judge
    words: str
    law: Any = None
    draw: Callable[..., Any] | None = None
    nodes: tuple[FloatArray, FloatArray] | None = None
    sampled: bool = False

    @property
    def in_model(self) -> bool:
        """Whether the truth is the member theta itself."""
        return self.law is None and self.draw is None and self.nodes is None

    def statistics(self, generator: Generator, count: int, n: int) -> FloatArray:
        """Statistics of `count` samples of size n.

        Parameters
        ----------
        generator : Generator
            Source of randomness.
        count, n : int
            Samples and rows in each.

        Returns
        -------
        ndarray of shape (count, k)
            What the judge compares.
        """
        if self.in_model:
            direct = self.judge.draw(generator, count, n)
            if direct is not None:
                return direct
        if self.nodes is not None:
            points, weights = self.nodes
            step = max(1, _CHUNK // len(weights))
            parts = []
            for start in range(0, count, step):
                shares = generator.multinomial(n, weights, size=min(step, count - start)) / n
                parts.append(self.judge.from_counts(points, shares))
            return np.concatenate(parts)
        step = max(1, _CHUNK // n)
        return np.concatenate(
            [self.judge.from_rows(self._rows(generator, min(step, count - k), n)) for k in range(0, count, step)]
        )

    def _rows(self, generator: Generator, count: int, n: int) -> FloatArray:
        rows: Any
        if self.law is not None:
            rows = self.law.rvs(size=count * n, random_state=generator)
        elif self.draw is not None:
            rows = _called(self.draw, count * n, generator)
        else:
            rows = self.family.sample(self.theta, count * n, generator)
        encoded = self.family.encode(rows)
        return np.asarray(encoded.reshape(count, n, *encoded.shape[1:]), dtype=np.float64)


def make_truth(truth: Any, family: ExponentialFamily, theta: ArrayLike | None, seed: SeedSequence) -> Truth:
    """Return the population that the arguments of `simulate_risk` describe.

    Parameters
    ----------
    truth : frozen scipy law, tuple, callable or None
        See :func:`simulate_risk`.
    family : ExponentialFamily
        The model.
    theta : array_like or None
        Natural parameter, with ``truth=None``.
    seed : SeedSequence
        For the large sample behind a callable.

    Returns
    -------
    Truth
        Bound family, projection, terms, sampler.
    """
    if (truth is None) == (theta is None):
        raise InputError("give exactly one of truth and theta= (theta: samples are drawn from the model there)")
    if theta is not None:
        parameter = family.check_theta(theta)
        bound = _bound_to(family, parameter)
        terms = evaluate_model(bound, parameter)
        return Truth(bound, parameter, terms, judge_for(bound, parameter), f"the {bound.title} model itself")
    population = Options(np.inf, 0)
    if is_frozen_law(truth):
        return _from_law(truth, family, population)
    if isinstance(truth, (tuple, list)):
        bound = family.bind(truth[0]) if len(truth) == 2 else family
        encoded, weights = truth_nodes(truth, bound)
        found = evaluate_population(bound, encoded, weights, population)
        words = f"{len(weights)} weighted points"
        return Truth(
            bound, found.theta, found.terms, judge_for(bound, found.theta), words, nodes=(encoded, weights)
        )
    if not callable(truth):
        required = "a frozen scipy law, (nodes, weights), or a function draw(size, rng) that returns rows"
        raise InputTypeError(describe("truth", required, short(truth)))
    rows = _called(truth, _POPULATION_DRAWS, child_generator(seed, _POPULATION_CHILD))
    bound = family.bind(rows)
    encoded = bound.encode(rows)
    found = evaluate_population(bound, encoded, np.full(len(encoded), 1.0 / len(encoded)), population)
    name = getattr(truth, "__name__", type(truth).__name__)
    return Truth(
        bound, found.theta, found.terms, judge_for(bound, found.theta), f"rows drawn by {name}", draw=truth,
        sampled=True,
    )  # fmt: skip


def _from_law(law: Any, family: ExponentialFamily, population: Options) -> Truth:
    if family.n_columns not in (None, 1):
        raise InputError(
            f"truth must be (nodes, weights) or a function for the {family.title} family: a frozen law has one variable"
        )
    bound = family.bind(np.zeros((1, 1))) if family.n_columns is None else family

    def measure(points: FloatArray, weights: FloatArray) -> FloatArray:
        with np.errstate(over="ignore", invalid="ignore"):
            return evaluate(bound, bound.encode(points), weights, population).terms

    points, weights = law_nodes(law, measure)
    found = evaluate(bound, bound.encode(points), weights, population)
    judge = judge_for(bound, found.theta)
    words = law_words(law)
    if _is_member(law, bound):
        return Truth(bound, found.theta, found.terms, judge, words)
    return Truth(bound, found.theta, found.terms, judge, words, law=law)


def _is_member(law: Any, family: ExponentialFamily) -> bool:
    """Whether a frozen law belongs to the family, so that statistics can be drawn directly."""
    members = {"normal": ("norm",), "exponential": ("expon",), "poisson": ("poisson",), "gamma": ("gamma", "expon")}
    if law.dist.name not in members.get(family.name, ()):
        return False
    _, location, _ = law.dist._parse_args(*law.args, **law.kwds)
    return family.name == "normal" or location == 0


def _bound_to(family: ExponentialFamily, theta: FloatArray) -> ExponentialFamily:
    """The family with its size taken from theta."""
    if family.n_columns is not None:
        return family
    rows = family.sample(theta, 1, 0)
    return family.bind(np.atleast_2d(rows))


def _called(draw: Callable[..., Any], size: int, generator: Generator) -> Any:
    try:
        inspect.signature(draw).bind(size, generator)
    except TypeError:
        raise InputTypeError(
            describe("truth", "a function draw(size, rng) that returns rows", short(draw))
        ) from None
    except ValueError:  # a built-in without a signature
        pass
    rows = call_user("truth", draw, size, generator)
    shape = data_shape(rows, "the rows of truth")
    if shape[0] != size:
        raise InputError(f"truth must return as many rows as asked for ({size}), got shape {shape}")
    return rows
