"""Binary Gaussian classification with a linear network: the case in which everything is known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import InputError, Words, describe
from ..core.progress import Progress
from ..core.rng import RngLike, as_generator
from ..core.validation import FloatArray, as_float_array, check_choice, check_count, check_number
from .gaussian_errors import LOSSES, expected_losses
from .gaussian_factorisation import check_gains
from .gaussian_layers import (
    LARGEST_SIZE,
    MODES,
    check_rank_tol,
    check_ranks,
    check_training_sizes,
    expected_kl,
    layer_numbers,
)
from .gaussian_results import MODEL, GaussianErrors, GaussianLayers, GaussianSimulation
from .gaussian_simulation import check_margin_loss, simulate_networks
from .labelled import scalar_or_array

__all__ = ["BinaryGaussianTask"]

_LARGEST = 1e75  # squares of squares stay floats
_MOST_NUMBERS = 10**9  # in one sample


class BinaryGaussianTask:
    """Two Gaussian classes and the mean classifier, written as a linear network.

    Parameters
    ----------
    mu : array_like of shape (d,) or float
        Mean of the class y = 1 (that of y = -1 is its negative), unit of the data; or its length, with `d`.
        The numbers depend on the length only.
    sigma0 : float
        Standard deviation of every coordinate within a class, positive.
    d : int, optional
        Dimension; needed with a length, checked against a vector.

    Attributes
    ----------
    mu : ndarray of shape (d,)
        Class mean; a length is laid along the first axis.
    sigma0 : float
        Standard deviation.
    d : int
        Dimension.
    norm : float
        Length of the class mean.

    Raises
    ------
    InputError
        If a number is out of range, or the dimension is missing or does not fit.

    Notes
    -----
    Y is uniform on {-1, 1} and X given Y is N(Y mu, sigma0^2 I). Training takes the mean m of the n vectors
    ``v_i = y_i x_i``, so that m is N(mu, sigma0^2 I/n), and a linear network is any product of matrices
    ``W_L ... W_1 = m^T``. Given m a training vector has the law N(m, sigma0^2 (1 - 1/n) I): its mean has moved
    and its spread is smaller, and these two differences are all that there is to the generalization gap.
    The task is that of He and Goldfeld (arXiv 2404.03176); the formulas are this toolkit's derivation.
    A deeper network in this task is the same classifier written with more factors. What depth does to the
    bounds here is no statement on trained networks in general.

    Examples
    --------
    >>> task = BinaryGaussianTask(1.0, 1.0, d=10)
    >>> found = task.exact_errors(5)
    >>> round(found.test, 6), round(found.train, 6), round(found.gap, 6)
    (0.28576, 0.039378, 0.246381)
    """

    def __init__(self, mu: ArrayLike, sigma0: float, d: int | None = None) -> None:
        vector = np.array(as_float_array("mu", mu, ndim=(0, 1)))
        dimension = None if d is None else check_count("d", d, low=1, high=10_000_000)
        if vector.ndim == 0:
            length = check_number("mu", float(vector), low=0.0, cure="a single number is the length of the class mean")
            if dimension is None:
                raise InputError("d must be given when mu is a single number (the length of the class mean)")
            vector = np.zeros(dimension)
            vector[0] = length
        elif not vector.size or dimension not in (None, vector.size):
            required = "of at least one coordinate" if dimension is None else f"of length d = {dimension}"
            raise InputError(describe("mu", required, Words(f"shape {vector.shape}")))
        deviation = check_number("sigma0", sigma0, low=0.0, open_low=True)
        largest = float(np.abs(vector).max())
        norm = largest * float(np.linalg.norm(vector / largest)) if largest else 0.0
        for name, size in (("mu", norm), ("sigma0", deviation), ("mu/sigma0", norm / deviation)):
            if size > _LARGEST or (name == "sigma0" and size < 1.0 / _LARGEST):
                cure = "change the unit of the data"
                raise InputError(describe(name, f"of moderate size (at most {_LARGEST:g})", size, cure))
        vector.flags.writeable = False
        self._mu, self._sigma0, self._norm = vector, deviation, norm

    @property
    def mu(self) -> FloatArray:
        """Class mean, shape (d,)."""
        return self._mu

    @property
    def sigma0(self) -> float:
        """Standard deviation within a class."""
        return self._sigma0

    @property
    def d(self) -> int:
        """Dimension."""
        return len(self._mu)

    @property
    def norm(self) -> float:
        """Length of the class mean."""
        return self._norm

    def __repr__(self) -> str:
        return f"BinaryGaussianTask({self.norm:g}, {self.sigma0:g}, d={self.d})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BinaryGaussianTask):
            return NotImplemented
        return self.sigma0 == other.sigma0 and np.array_equal(self.mu, other.mu)

    def __hash__(self) -> int:
        return hash((self.sigma0, self.mu.tobytes()))

    # ------------------------------------------------------------------------------------- samples
    def sample(self, n: int, rng: RngLike = None) -> tuple[FloatArray, FloatArray]:
        """Return `n` labelled points.

        Parameters
        ----------
        n : int
            Number of points.
        rng : None, int, SeedSequence or Generator
            Seed.

        Returns
        -------
        X : ndarray of shape (n, d)
            Inputs.
        y : ndarray of shape (n,)
            Labels, -1.0 or 1.0.

        Raises
        ------
        InputError
            If `n` is below 1.

        Examples
        --------
        >>> X, y = BinaryGaussianTask([2.0, 0.0], 0.5).sample(4, rng=1)
        >>> X.shape, sorted(set(y.tolist()))
        ((4, 2), [-1.0, 1.0])
        """
        size = check_count("n", n, low=1, high=_MOST_NUMBERS // self.d)
        generator = as_generator(rng)
        y = 2.0 * generator.integers(0, 2, size=size) - 1.0
        noise = generator.standard_normal((size, self.d))
        return y[:, None] * self.mu + self.sigma0 * noise, np.asarray(y, dtype=np.float64)

    # -------------------------------------------------------------------------------------- theory
    def exact_errors(self, n: ArrayLike, loss: str = "zero_one") -> GaussianErrors:
        """Return the expected test loss, training loss and gap of the mean classifier.

        Parameters
        ----------
        n : int or array_like of int
            Training points.
        loss : {"zero_one", "hinge", "logistic", "linear", "quadratic"}
            Loss of the margin ``u = y m.x``: ``1[u < 0]``, ``max(0, 1 - u)``, ``log(1 + exp(-u))``, ``-u``; or
            ``||y x - m||^2``.

        Returns
        -------
        GaussianErrors
            ``test``, ``train``, ``gap``; arrays of the shape of `n`.

        Raises
        ------
        InputError
            If an `n` is below 1 or the loss is unknown.

        Notes
        -----
        ``test = E Q(m.mu/(sigma0 |m|))`` and ``train = E Q(|m|/(sigma0 sqrt(1 - 1/n)))`` for the 0-1 loss, both
        evaluated by one contour integral of a moment generating function; relative error about 1e-13, also
        where the errors are tiny. The gap of the linear loss is ``sigma0^2 d/n`` and that of the quadratic one
        twice as much.

        Examples
        --------
        >>> task = BinaryGaussianTask(2.0, 1.0, d=50)
        >>> round(task.exact_errors(20).gap, 6)
        0.05348
        >>> task.exact_errors([10, 100], "linear").gap.tolist()
        [5.0, 0.5]
        """
        sizes = check_training_sizes(n)
        kind = check_choice("loss", loss, LOSSES)
        pairs = [expected_losses(self.norm, self.sigma0, self.d, int(size), kind) for size in sizes.ravel()]
        test, train = np.moveaxis(np.reshape(pairs, (*sizes.shape, 2)), -1, 0)
        # Of these two the gap is known without a difference.
        gap = {"linear": 1.0, "quadratic": 2.0}.get(kind, np.nan) * (self.sigma0**2 * self.d / sizes)
        gap = np.where(np.isnan(gap), test - train, gap)
        return GaussianErrors(
            value=scalar_or_array(gap),
            nature="exact",
            assumptions=MODEL,
            sense="expectation",
            test=scalar_or_array(test),
            train=scalar_or_array(train),
            n=int(sizes) if sizes.ndim == 0 else sizes.astype(np.int64),
            d=self.d,
            norm=self.norm,
            sigma0=self.sigma0,
            loss=kind,
            interpretation=_errors_sentence(sizes, gap, kind),
        )

    def expected_layer_kl(self, ranks: ArrayLike, n: ArrayLike, mode: str = "factorised") -> FloatArray:
        """Return the expected KL divergence between training and fresh points at each layer.

        Parameters
        ----------
        ranks : sequence of int of length L+1
            Ranks of the products ``W_l ... W_1``, beginning with ``r_0 = d``; they cannot increase.
        n : int or array_like of int
            Training points.
        mode : {"factorised", "independent"}
            ``"factorised"``: the product of all weights is the mean estimator, and the row space of every
            layer is its direction with random further ones. ``"independent"``: the row spaces do not depend
            on the sample (frozen or random features). For a network whose product is the mean estimator the
            second is too small at every layer above the input.

        Returns
        -------
        ndarray of shape ``(*n.shape, L+1)``
            Divergences in nats; inf at n = 1. The bound of the gap is ``sigma sqrt(2 KL)``, see
            `hierarchical_kl_bound`.

        Raises
        ------
        InputError
            If ranks or sizes are out of range, or the mode is unknown.

        Notes
        -----
        Independent: ``(r_l/2) log(n/(n-1))``. Factorised:
        ``(1/2)(r_l (-1/n - log(1 - 1/n)) + E ||Pi_l (m - mu)||^2/sigma0^2)``, with an expectation that has a
        closed form in a confluent hypergeometric function. The labels add nothing, ``I(Y_i; W) = 0``. At the
        input both are ``I(Z_i; W) = (d/2) log(n/(n-1))``. If only the last layer is trained, on frozen
        features of rank r, all layers below it have ``(r/2) log(n/(n-1))``.

        Examples
        --------
        >>> task = BinaryGaussianTask(1.0, 1.0, d=6)
        >>> task.expected_layer_kl([6, 3, 1], 10).round(9)
        array([0.31608155, 0.20612163, 0.13281502])
        >>> task.expected_layer_kl([6, 3, 1], 10, "independent").round(9)
        array([0.31608155, 0.15804077, 0.05268026])
        """
        layers = check_ranks(ranks, self.d)
        sizes = check_training_sizes(n)
        return expected_kl(self.norm, self.sigma0, self.d, sizes, layers, check_choice("mode", mode, MODES))

    def layer_divergences(
        self, weights: Sequence[Any], m: ArrayLike, n: int, *, rank_tol: float | None = None
    ) -> GaussianLayers:
        """Return the divergences between training and fresh points at each layer of one linear network.

        Parameters
        ----------
        weights : sequence of array_like
            W_1 ... W_L, W_l of shape (d_l, d_{l-1}); they may depend on the sample through `m` only.
        m : array_like of shape (d,)
            Mean of the training vectors ``y_i x_i``.
        n : int
            Training points.
        rank_tol : float, optional
            Singular values of a product below this share of its largest one count as zero; by default
            ``max(shape)`` times the rounding unit.

        Returns
        -------
        GaussianLayers
            ``kl w2 w1 rank lipschitz``, layer 0 (the input) included; ``w1`` is nan where the layer has more
            than one unit.

        Raises
        ------
        InputError
            If shapes do not fit (the layer is named), or a number is out of range.

        Notes
        -----
        With ``A_l = W_l ... W_1``, r_l its rank and Pi_l the projector on its row space:
        ``KL_l = (1/2)(r_l (-1/n - log(1 - 1/n)) + ||Pi_l (m - mu)||^2/sigma0^2)``;
        ``W2_l^2 = ||A_l (m - mu)||^2 + sigma0^2 (1 - sqrt(1 - 1/n))^2 ||A_l||_F^2``; at a single unit W1 is the
        mean of a folded normal variable. The label is kept: the distances are the same given either label.

        Examples
        --------
        >>> task = BinaryGaussianTask([1.0, 0.0, 0.0], 1.0)
        >>> found = task.layer_divergences([[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], [[1.2, 0.1]]], [1.2, 0.2, 0.4], 10)
        >>> found.rank.tolist(), found.kl.round(4).tolist()
        ([3, 2, 1], [0.128, 0.0454, 0.0292])
        """
        size = check_count("n", n, low=1, high=LARGEST_SIZE)
        centre = as_float_array("m", m, ndim=1)
        if np.abs(centre).max(initial=0.0) > _LARGEST:
            required = f"of moderate size (at most {_LARGEST:g})"
            raise InputError(describe("m", required, float(np.abs(centre).max()), "change the unit of the data"))
        if len(centre) != self.d:
            raise InputError(describe("m", f"of length {self.d}, the dimension", Words(f"shape {centre.shape}")))
        numbers = layer_numbers(self.mu, self.sigma0, weights, centre, size, check_rank_tol(rank_tol))
        fields = numbers._asdict()
        return GaussianLayers(
            value=fields.pop("kl"),
            nature="exact",
            assumptions=(
                MODEL[0],
                "m is the mean of y_i x_i over n independent training points; the weights see nothing else of them",
            ),
            n=size,
            interpretation=(
                f"For these weights a training point and a fresh one differ by {numbers.kl[0]:.4g} nats at the input "
                f"and {numbers.kl[-1]:.4g} at the output."
            ),
            **fields,
        )

    # ---------------------------------------------------------------------------------- simulation
    def simulate(
        self,
        n: int,
        ranks: ArrayLike,
        gains: ArrayLike,
        replicates: int,
        *,
        loss: str = "hinge",
        rng: RngLike = None,
        n_jobs: int | None = None,
        batch_size: int | None = None,
        progress: Progress = False,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> GaussianSimulation:
        """Simulate training sets and random factorisations; average the gap and the bounds of every layer.

        Parameters
        ----------
        n : int
            Training points.
        ranks : sequence of int of length L+1
            Widths and ranks ``d = r_0 >= r_1 >= ... >= r_L = 1``.
        gains : sequence of float of length L-1
            Spectral norms s_1 ... s_{L-1} of the layers below the last one.
        replicates : int
            Training sets, at least 2.
        loss : {"hinge", "logistic", "linear"}
            Loss of the margin. The 0-1 loss has no Lipschitz constant and is refused.
        rng : None, int, SeedSequence or Generator
            Seed; sixteen training sets share one of its children.
        n_jobs : int, optional
            Workers; the numbers do not depend on it.
        batch_size : int, optional
            Blocks of training sets per task.
        progress : bool or callable
            Report finished training sets.
        checkpoint : path, optional
            File that keeps finished training sets; an interrupted study resumes from it.

        Returns
        -------
        GaussianSimulation
            Gap, divergences and bounds with Monte Carlo standard errors, beside the exact gap and KL.

        Raises
        ------
        InputError
            If an argument is out of range.

        Notes
        -----
        ``A_l = (s_1 ... s_l) [u_1 ... u_{r_l}]^T`` with ``u_1 = m/|m|`` and further random orthonormal
        directions, ``A_L = m^T``; the Lipschitz constants are ``K_l = |m|/(s_1 ... s_l)`` and ``K_L = 1``. The
        distances W_l are W1 where the layer has one unit and W2, an upper bound, elsewhere.

        Examples
        --------
        >>> task = BinaryGaussianTask(1.5, 1.0, d=20)
        >>> found = task.simulate(15, [20, 12, 6, 3, 1], [2, 2, 2], 200, rng=1)
        >>> abs(found.gap - found.exact_gap) < 5 * found.se
        True
        >>> found.funnel_distance, found.funnel_bound
        (0, 4)
        """
        size = check_count("n", n, low=1, high=_MOST_NUMBERS // self.d)
        count = check_count("replicates", replicates, low=2, high=10**9)
        layers = check_ranks(ranks, self.d, last=1)
        factors = check_gains(gains, len(layers) - 2)
        kind = check_margin_loss(loss)
        settings = {"n": size, "mu": self.mu, "sigma0": self.sigma0, "ranks": layers, "gains": factors, "loss": kind}
        return simulate_networks(
            settings, count, rng=rng, n_jobs=n_jobs, batch_size=batch_size, progress=progress, checkpoint=checkpoint
        )


def _errors_sentence(sizes: FloatArray, gap: FloatArray, loss: str) -> str:
    words = {"zero_one": "error rate", "linear": "linear loss", "quadratic": "quadratic loss"}
    name = words.get(loss, f"{loss} loss")
    n, value = np.ravel(sizes), np.ravel(gap)
    if len(n) == 1:
        return f"After training on {int(n[0])} points the {name} on fresh points is larger by {value[0]:.4g}."
    return (
        f"The {name} on fresh points is larger than on the training points by {value[0]:.4g} at n = {int(n[0])} and by "
        f"{value[-1]:.4g} at n = {int(n[-1])}."
    )
