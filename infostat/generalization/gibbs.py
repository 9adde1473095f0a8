"""The Gibbs algorithm on a finite model: exact gap, exact informations, and the bounds that follow.

The algorithm draws hypothesis w with probability proportional to ``prior(w) exp(-alpha L_S(w))``, where
L_S is the mean loss on the sample (averaged over the noise of a stochastic network).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.progress import Progress, progress_callback
from ..core.validation import FloatArray, as_float_array, check_count, check_number
from .gibbs_cmi import check_supersample, difference_table, loss_difference_information, supersample_information
from .gibbs_results import GibbsExact, GibbsSupersample, describe_ratio
from .labelled import (
    Bound,
    check_sigma,
    check_sizes,
    common_shape,
    is_vacuous,
    scalar_or_array,
    sigma_range,
    warn_if_vacuous,
)
from .type_enumeration import check_types, log_count_terms, log_total_term
from .type_kernels import type_sums

__all__ = ["GibbsAlgorithm", "gibbs_bound"]

# Below this number of (type, outcome or hypothesis) cells NumPy is done before Numba is imported.
_SMALL = 4_000_000
_LARGEST_EXPONENT = 1e300


class GibbsAlgorithm:
    """A learner that weighs hypotheses by their training loss, on a finite model.

    Parameters
    ----------
    loss_matrix : array_like or DataFrame of shape (m, k)
        Loss of hypothesis w (row) on outcome z (column), averaged over the noise of the network.
    p_z : array_like of shape (k,)
        Law of one observation.
    prior : array_like of shape (m,) or None
        Prior law of the hypotheses; None is uniform.
    alpha : float
        Inverse temperature, at least 0.

    Attributes
    ----------
    outcomes, hypotheses : tuple of str
        Labels: those of a DataFrame, otherwise ``z0 z1 ...`` and ``w0 w1 ...``.
    loss_range : float
        Largest minus smallest entry of the loss matrix.

    Raises
    ------
    InputError
        If the shapes do not fit, a loss is not finite, a probability is negative, or a law does not sum
        to one.

    Notes
    -----
    Posterior ``P(w|S) prop. to prior(w) exp(-alpha L_S(w))``. Its generalization gap is
    ``(I(S;W) + Lautum(S;W))/alpha``, an identity (symmetrised KL).

    Examples
    --------
    >>> model = GibbsAlgorithm([[0, 1], [1, 0]], [0.6, 0.4], None, 2.0)
    >>> round(model.exact(3).gen, 12)
    0.128998695747
    """

    def __init__(self, loss_matrix: ArrayLike, p_z: ArrayLike, prior: ArrayLike | None, alpha: float) -> None:
        array = np.array(as_float_array("loss_matrix", loss_matrix, ndim=2))
        if not array.size:
            raise InputError(describe("loss_matrix", "one or more rows and columns", Words(f"shape {array.shape}")))
        m, k = array.shape
        self.alpha = check_number("alpha", alpha, low=0.0)
        self.loss_range = float(array.max()) - float(array.min())
        if not self.alpha * self.loss_range < _LARGEST_EXPONENT:
            raise InputError(
                f"alpha times the range of loss_matrix must be below {_LARGEST_EXPONENT:g}, "
                f"got alpha = {self.alpha:g} and a range of {self.loss_range:g}"
            )
        self.loss_matrix = _frozen(array)
        self.p_z = _frozen(_law("p_z", p_z, k, "column of loss_matrix (outcome)"))
        uniform = np.full(m, 1.0 / m)
        self.prior = _frozen(uniform if prior is None else _law("prior", prior, m, "row of loss_matrix (hypothesis)"))
        self.hypotheses, self.outcomes = _labels(loss_matrix, m, k)
        for name, law, labels in (("p_z", p_z, self.outcomes), ("prior", prior, self.hypotheses)):
            _refuse_other_labels(name, law, loss_matrix, labels)

    def __repr__(self) -> str:
        m, k = self.loss_matrix.shape
        return f"GibbsAlgorithm({m} hypotheses, {k} outcomes, alpha={self.alpha:g})"

    @property
    def sigma(self) -> float:
        """Half the range of the loss matrix, a sub-Gaussian constant of the loss."""
        return 0.5 * self.loss_range

    def posterior(self, counts: ArrayLike) -> FloatArray:
        """Return the law of the hypothesis for one sample.

        Parameters
        ----------
        counts : array_like of shape (k,)
            How often the sample holds each outcome.

        Returns
        -------
        ndarray of shape (m,)
            Probabilities of the hypotheses.

        Raises
        ------
        InputError
            If the counts are negative or all zero, or their number is wrong.

        Examples
        --------
        >>> GibbsAlgorithm([[0, 1], [1, 0]], [0.6, 0.4], None, 2.0).posterior([2, 1]).round(6)
        array([0.660756, 0.339244])
        """
        seen = as_float_array("counts", counts, ndim=1)
        if seen.shape != self.p_z.shape or (seen < 0.0).any() or not seen.any():
            required = f"{len(self.p_z)} non-negative counts with a positive sum"
            raise InputError(describe("counts", required, Words(np.array2string(seen, threshold=8))))
        share = seen / seen.max()  # sums of counts near the end of the floats overflow
        mean = self._centred() @ (share / share.sum())
        with np.errstate(divide="ignore"):
            logit = np.log(self.prior) - self.alpha * (mean - mean.min())
        weight = np.exp(logit - logit.max())
        return np.asarray(weight / weight.sum())

    def exact(self, n: int, *, progress: Progress = False) -> GibbsExact:
        """Return the exact gap and informations for samples of size n.

        Parameters
        ----------
        n : int
            Size of the sample.
        progress : bool or callable
            Report the two passes over the samples.

        Returns
        -------
        GibbsExact
            ``gen mi lautum mi_individual joint`` and the bounds.

        Raises
        ------
        InputError
            If n is out of range or leaves more than 2e6 types of samples.

        Notes
        -----
        Samples are enumerated as types, ``C(n + k - 1, k - 1)`` for k outcomes of positive probability. With
        P(w) the mean posterior, ``mi = E KL(posterior || P)`` and ``lautum = E KL(P || posterior)``; the law
        of (Z_i, W) is ``E (c_z/n) P(w|c)``. Cells are summed in forms that do not cancel when the posterior
        hardly moves (small alpha).

        Examples
        --------
        >>> found = GibbsAlgorithm([[0, 1], [1, 0]], [0.6, 0.4], None, 2.0).exact(3)
        >>> round(found.mi, 12), round(found.lautum, 12), round(found.mi_individual, 12)
        (0.116480456753, 0.14151693474, 0.035705206532)
        >>> round(found.bound_individual, 6), round(found.bound_mi, 6), round(found.bound_alpha, 6)
        (0.133614, 0.139332, 0.333333)
        """
        size = check_count("n", n, low=1, high=10**9)
        types = check_types(size, int((self.p_z > 0.0).sum()), "samples")
        with progress_callback(progress, "Gibbs algorithm") as report:
            joint, sums, kl_prior = self._sums(size, types, report)
        return self._wrap(size, types, joint, sums, kl_prior)

    def exact_cmi(self, n: int, *, progress: Progress = False) -> GibbsSupersample:
        """Return the exact conditional informations of the supersample setting.

        Parameters
        ----------
        n : int
            Pairs of the supersample; the algorithm sees one point of each.
        progress : bool or callable
            Report finished supersamples.

        Returns
        -------
        GibbsSupersample
            ``cmi gen ldmi ldmi_bound``.

        Raises
        ------
        InputError
            If n is out of range or leaves more than 2e6 types.

        Notes
        -----
        Supersample of n pairs of i.i.d. points, U uniform in {0,1}^n, training on the points ``(i, U_i)``:
        ``cmi = I(W;U|supersample)``. ``Delta_i`` is the loss of W on point 1 of pair i minus that on point 0,
        with W drawn by the algorithm; the seen point and W have the law `joint` of `exact`, the unseen point
        is independent, which gives the law of (Delta_i, U_i) in closed form. The bounds are
        ``(b - a) sqrt(2 cmi/n)`` and ``(b - a) sqrt(2 ldmi)`` for losses in [a, b].

        Examples
        --------
        >>> found = GibbsAlgorithm([[0, 1], [1, 0]], [0.6, 0.4], None, 2.0).exact_cmi(3)
        >>> round(found.gen, 9), 0.0 < found.cmi < found.mi, found.gen < found.ldmi_bound
        (0.128998696, True, True)
        """
        size = check_count("n", n, low=1, high=10**9)
        loss, log_prior, p = self._reduced()
        count = check_supersample(size, *loss.shape)
        joint, sums, _ = self._sums(size, check_types(size, len(p), "samples"), None)
        with progress_callback(progress, "Gibbs supersamples") as report:
            cmi = supersample_information(loss, log_prior, self.alpha, p, size, report)
        # The differences of a pair need the losses themselves, not the centred ones.
        table = difference_table(self.loss_matrix.T[np.ix_(self.p_z > 0.0, self.prior > 0.0)], joint, p)
        ldmi = loss_difference_information(table)
        gen, by_difference = float(sums[3]), self.loss_range * math.sqrt(2.0 * ldmi)
        return GibbsSupersample(
            value=cmi,
            nature="exact",
            sense="expectation",
            assumptions=("the 2n points are independent draws from p_z",),
            cmi=cmi,
            gen=gen,
            ldmi=ldmi,
            ldmi_bound=by_difference,
            cmi_bound=self.loss_range * math.sqrt(2.0 * cmi / size),
            mi=float(sums[1]),
            difference_law=table,
            loss_range=self.loss_range,
            n=size,
            alpha=self.alpha,
            n_types=count,
            interpretation=(
                f"The test loss exceeds the training loss by {gen:.4g} in expectation; the loss-difference bound "
                f"is {by_difference:.4g}, {describe_ratio(by_difference, gen)}."
            ),
        )

    # ---------------------------------------------------------------------------------- internal
    def _centred(self) -> FloatArray:
        """Losses less the smallest one of each outcome: the posterior and the gap do not see it."""
        return np.asarray(self.loss_matrix - self.loss_matrix.min(axis=0))

    def _reduced(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Centred losses (k, m), log prior and law of the outcomes, without what has no mass."""
        hypotheses, seen = self.prior > 0.0, self.p_z > 0.0
        loss = np.ascontiguousarray(self._centred()[np.ix_(hypotheses, seen)].T)
        return loss, np.log(self.prior[hypotheses]), self.p_z[seen]

    def _sums(self, n: int, types: int, report: Any) -> tuple[FloatArray, FloatArray, float]:
        """Joint law, (1, mi, lautum, gen) and the expected KL from the prior, all without massless parts."""
        loss, log_prior, p = self._reduced()
        walk = type_sums.twin if types * sum(loss.shape) <= _SMALL else type_sums
        arguments = loss, log_prior, self.alpha / n, log_count_terms(n, p), log_total_term(n)
        joint, sums = walk(*arguments, log_prior)
        kl_prior = float(sums[1] / sums[0])
        if report is not None:
            report(1, 2)
        with np.errstate(divide="ignore"):
            log_marginal = np.log(joint.sum(axis=0) / sums[0])
        joint, sums = walk(*arguments, log_marginal)
        if report is not None:
            report(2, 2)
        # The probabilities sum to one but for rounding, which the division takes out of every sum. A gap of
        # zero may come out as -1e-17.
        return joint / sums[0], np.maximum(sums / sums[0], 0.0), kl_prior

    def _wrap(self, n: int, types: int, joint: FloatArray, sums: FloatArray, kl_prior: float) -> GibbsExact:
        mi, lautum, gen = (float(x) for x in sums[1:])
        whole = np.zeros(self.loss_matrix.T.shape)
        whole[np.ix_(self.p_z > 0.0, self.prior > 0.0)] = joint
        individual = loss_difference_information(whole)
        train = float((whole * self.loss_matrix.T).sum())
        sigma = self.sigma
        by_individual = sigma * math.sqrt(2.0 * individual)
        return GibbsExact(
            value=gen,
            nature="exact",
            sense="expectation",
            assumptions=("the sample holds independent draws from p_z",),
            gen=gen,
            mi=mi,
            lautum=lautum,
            mi_individual=individual,
            joint=whole,
            test=train + gen,
            train=train,
            kl_prior=kl_prior,
            identity_error=self.alpha * gen - (mi + lautum),
            sigma=sigma,
            bound_individual=by_individual,
            bound_mi=sigma * math.sqrt(2.0 * mi / n),
            bound_alpha=2.0 * self.alpha * sigma**2 / n,
            n=n,
            alpha=self.alpha,
            n_types=types,
            outcomes=self.outcomes,
            hypotheses=self.hypotheses,
            interpretation=(
                f"The test loss exceeds the training loss by {gen:.4g} in expectation; the individual-sample bound is "
                f"{by_individual:.4g}, {describe_ratio(by_individual, gen)}."
            ),
        )


def gibbs_bound(
    alpha: ArrayLike, sigma: ArrayLike, n: ArrayLike, contraction: ArrayLike = 1.0, lautum_ratio: ArrayLike = 0.0
) -> Bound:
    """Return the bound on the generalization gap of a Gibbs algorithm from its temperature alone.

    Parameters
    ----------
    alpha : float or array_like
        Inverse temperature of the posterior ``prior exp(-alpha L_S)``, at least 0.
    sigma : float or array_like
        Sub-Gaussian constant of the loss, for every hypothesis.
    n : int or array_like of int
        Size of the sample.
    contraction : float or array_like
        Product of the contraction coefficients of the noisy layers, in [0, 1]; below 1 only when labels carry no
        information on the hypothesis.
    lautum_ratio : float or array_like
        Number C with ``Lautum(S;W) >= C I(S;W)``, at least 0.

    Returns
    -------
    Bound
        ``2 contraction alpha sigma^2/((1 + lautum_ratio) n)``; arguments broadcast.

    Raises
    ------
    InputError
        If an argument is out of range, or shapes do not broadcast.

    Warns
    -----
    VacuousBoundWarning
        If the bound is at least twice sigma.

    Notes
    -----
    ``alpha gen = I + Lautum >= (1 + C) I`` and ``gen <= sigma sqrt(2 contraction I/n)`` together. The gap is never
    negative. Of order 1/n for fixed alpha; with alpha proportional to n it does not fall with n.

    Examples
    --------
    >>> round(float(gibbs_bound(2.0, 0.5, 3)), 6)
    0.333333
    >>> gibbs_bound(2.0, 0.5, [10, 100], contraction=0.5).value
    array([0.05 , 0.005])
    """
    temperature = _at_least("alpha", alpha, 0.0)
    constant = check_sigma(sigma)
    size = check_sizes("n", n)
    kappa = _at_least("contraction", contraction, 0.0, 1.0)
    ratio = _at_least("lautum_ratio", lautum_ratio, 0.0)
    common_shape(alpha=temperature, sigma=constant, n=size, contraction=kappa, lautum_ratio=ratio)
    with np.errstate(over="ignore"):
        # Factors that shrink come first, so that nothing overflows but the bound itself.
        value = np.asarray(2.0 * kappa / (1.0 + ratio) / size * temperature * constant * constant)
    value = np.where((kappa == 0.0) | (temperature == 0.0), 0.0, value)
    width, sentence = sigma_range(constant)
    vacuous = is_vacuous(value, width)
    warn_if_vacuous(vacuous, "the Gibbs bound")
    assumptions = [
        "the hypothesis is drawn with probability proportional to prior exp(-alpha mean loss)",
        "the loss is sigma-sub-Gaussian under the law of the data for every hypothesis",
    ]
    if (kappa < 1.0).any():
        assumptions.append("the labels carry no information on the hypothesis, and the noise is active in both losses")
    if (ratio > 0.0).any():
        assumptions.append("the Lautum information is at least lautum_ratio times the mutual information")
    return Bound(
        value=scalar_or_array(value),
        nature="bound",
        sense="expectation",
        assumptions=(*assumptions, sentence),
        vacuous=vacuous,
        name="Gibbs algorithm",
        quantity="generalization gap (never negative)",
        inputs={
            "alpha": scalar_or_array(temperature),
            "sigma": scalar_or_array(constant),
            "n": scalar_or_array(size),
            "contraction": scalar_or_array(kappa),
            "lautum_ratio": scalar_or_array(ratio),
        },
        interpretation="At this temperature the test loss exceeds the training loss by at most this, in expectation.",
    )


def _at_least(name: str, value: ArrayLike, low: float, high: float = math.inf) -> FloatArray:
    array = as_float_array(name, value)
    bad = (array < low) | (array > high)
    if array.size == 0 or bad.any():
        required = f"numbers >= {low:g}" if high == math.inf else f"numbers in [{low:g}, {high:g}]"
        raise InputError(describe(name, required, float(array[bad].flat[0]) if array.size else Words("an empty array")))
    return array


def _labels(table: Any, m: int, k: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the rows and columns: those of a frame, numbers otherwise."""
    if hasattr(table, "index") and hasattr(table, "columns"):
        return tuple(map(str, table.index)), tuple(map(str, table.columns))
    return tuple(f"w{i}" for i in range(m)), tuple(f"z{i}" for i in range(k))


def _refuse_other_labels(name: str, law: Any, table: Any, labels: tuple[str, ...]) -> None:
    """Raise if a Series and a frame name the same things differently: nothing is matched in silence."""
    if hasattr(table, "columns") and hasattr(law, "index") and not callable(law.index):
        own = tuple(map(str, law.index))
        if own != labels:
            raise InputError(f"{name} must carry the labels of loss_matrix in its order, got {own} for {labels}")


def _law(name: str, value: ArrayLike, length: int, what: str) -> FloatArray:
    from ..divergences.probability_tables import read_rows

    law = read_rows(name, value).values
    if law.shape != (length,):
        raise InputError(describe(name, f"one probability per {what}, {length} in all", Words(f"shape {law.shape}")))
    return np.asarray(law / law.sum())


def _frozen(array: FloatArray) -> FloatArray:
    array = np.array(array)
    array.flags.writeable = False
    return array
