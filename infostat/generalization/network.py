"""A small reference network: trained in NumPy, every layer open, noise that can be kept switched on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import DataError, InputError, NoContractionWarning
from ..core.progress import Progress
from ..core.rng import RngLike, as_generator, as_seed_sequence, child_generator, seed_label
from ..core.samples import as_sample
from ..core.validation import FloatArray, check_choice, check_count, check_flag, check_number
from .network_arguments import NotTrainedError, check_activations, check_signs, check_widths, numbers_per_layer
from .network_noise import NOISE_MODES, LayerNoise, thinned_weights
from .network_training import (
    NetworkPlan,
    forward,
    initial_weights,
    logistic_losses,
    train,
    training_progress,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MLP"]

_MOST_STEPS = 10_000_000


class MLP:
    r"""Multilayer perceptron for labels -1 and 1, trained by full-batch gradient steps on the logistic loss.

    A reference network for certificates, small enough to be read, no replacement for a library of deep
    learning: a network trained elsewhere enters `layer_certificates` through its activations.

    Parameters
    ----------
    widths : sequence of int
        Widths d_0, ..., d_L of all layers: the columns of the data first, 1 (the logit) last.
    activation : str or sequence of str
        ``"relu"``, ``"tanh"``, ``"sigmoid"`` or ``"identity"``: one name for all hidden layers, or one per
        hidden layer. The output layer has none.
    drop : float or sequence of float
        Probability that a unit of a hidden layer is dropped, in [0, 1); one for all or one per hidden
        layer. Kept units are divided by ``1 - drop``.
    noise_std : float or sequence of float
        Standard deviation of Gaussian noise added to the hidden layers (after dropout), in the unit of
        the layer.
    bias : bool
        Whether layers have biases. They do not change Lipschitz constants.
    learning_rate : float
        Length of a step in units of the gradient.
    steps : int
        Gradient steps; 0 leaves the network as it was initialised.
    rng : None, int, SeedSequence or Generator
        Seed of `fit` where it is given none itself.

    Attributes
    ----------
    activations : tuple of str
        One name per layer 1 to L; the last is ``"identity"``. What `lipschitz_constants` expects.

    See Also
    --------
    layer_certificates : Bounds the gap of any trained network, this one included.

    Notes
    -----
    Layer l computes :math:`T_l = M_l\, g_l(W_l T_{l-1} + b_l) + \varepsilon_l`, with
    :math:`M_l` the dropout mask over ``1 - drop`` and :math:`\varepsilon_l \sim N(0, \beta_l^2 I)`;
    the output is :math:`T_L = W_L T_{L-1} + b_L`. The objective is the mean of
    :math:`\log(1 + e^{-y T_L})`. Weights start with variance :math:`2/d_{l-1}` (He et al. 2015),
    biases at zero.

    The noise belongs to the network: it is drawn afresh for every observation in training *and* in
    evaluation, as the layer-wise bounds suppose. ``noise="off"`` evaluates the network that is usual in
    practice; dropout then contracts nothing, and bounds that use its contraction coefficient do not
    apply to it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.choice([-1.0, 1.0], 100)
    >>> X = rng.normal(size=(100, 2)) + 2.0 * y[:, None]
    >>> net = MLP([2, 8, 1], "tanh").fit(X, y, rng=1)
    >>> bool((net.predict(X) == y).mean() > 0.9)
    True
    >>> [layer.shape for layer in net.representations(X)]
    [(100, 2), (100, 8), (100, 1)]
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str | Sequence[str] = "relu",
        *,
        drop: ArrayLike = 0.0,
        noise_std: ArrayLike = 0.0,
        bias: bool = False,
        learning_rate: float = 0.2,
        steps: int = 400,
        rng: RngLike = None,
    ) -> None:
        sizes = check_widths(widths)
        hidden = len(sizes) - 2
        self._plan = NetworkPlan(
            widths=sizes,
            activations=(*check_activations(activation, hidden), "identity"),
            drop=numbers_per_layer("drop", drop, hidden, high=1.0),
            noise_std=numbers_per_layer("noise_std", noise_std, hidden, high=np.inf),
            bias=check_flag("bias", bias),
        )
        self.widths = self._plan.widths
        self.activations = self._plan.activations
        self.drop = self._plan.drop
        self.noise_std = self._plan.noise_std
        self.bias = self._plan.bias
        self.learning_rate = check_number("learning_rate", learning_rate, low=0.0, open_low=True)
        self.steps = check_count("steps", steps, high=_MOST_STEPS)
        if not isinstance(rng, np.random.Generator):
            as_seed_sequence(rng)  # refused here rather than at the first fit
        self.rng = rng
        self._parameters: tuple[list[FloatArray], list[FloatArray]] | None = None
        self._losses: FloatArray | None = None
        self._seed: int | str | None = None

    def __repr__(self) -> str:
        names = self.activations[:-1]
        given = [f"{self.widths}", repr(names[0] if len(set(names)) == 1 else names)]
        given += [f"{name}={getattr(self, name)}" for name in ("drop", "noise_std") if any(getattr(self, name))]
        return f"MLP({', '.join(given)})"

    # ------------------------------------------------------------------ training
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        *,
        X_test: Any = None,
        y_test: ArrayLike | None = None,
        rng: RngLike = None,
        progress: Progress = False,
    ) -> MLP:
        """Train from fresh weights.

        Parameters
        ----------
        X : array_like of shape (n, d_0), DataFrame or path
            Observations.
        y : array_like of shape (n,)
            Labels -1 and 1.
        X_test, y_test : like `X` and `y`, optional
            A second sample, whose loss is recorded after every step. It has no influence on the weights.
        rng : None, int, SeedSequence or Generator
            Seed of the weights (its child 0) and of the noise (child 1); None takes the seed of the
            constructor.
        progress : bool or callable
            True draws a bar on stderr with the loss and the gap, a callable gets ``(step, steps)``.

        Returns
        -------
        MLP
            The network itself.

        Raises
        ------
        DataError
            If the data are not finite numbers with d_0 columns, or labels are not -1 and 1, one per row.
        InputError
            If the loss grows beyond all bounds because `learning_rate` is too large.

        Examples
        --------
        >>> net = MLP([1, 1], steps=100).fit([[-1.0], [1.0], [2.0]], [-1, 1, 1])
        >>> net.predict([[-3.0], [3.0]])
        array([-1.,  1.])
        """
        rows = self._read("X", X)
        data = rows, check_signs("y", y, len(rows))
        test = self._read_test(X_test, y_test)
        seed = as_seed_sequence(self.rng if rng is None else rng)
        with training_progress(progress) as report:
            parameters, losses = train(
                self._plan,
                initial_weights(self._plan, child_generator(seed, 0)),
                data,
                test,
                steps=self.steps,
                learning_rate=self.learning_rate,
                generators=(child_generator(seed, 1), child_generator(seed, 2)),
                report=report,
            )
        self._parameters, self._losses, self._seed = parameters, losses, seed_label(seed)
        return self

    @property
    def weights(self) -> list[FloatArray]:
        """Weights W_1 to W_L, of shape (d_l, d_{l-1})."""
        return [weight.copy() for weight in self._trained()[0]]

    @property
    def biases(self) -> list[FloatArray]:
        """Biases b_1 to b_L, of shape (d_l,); zeros where the network has none."""
        return [bias.copy() for bias in self._trained()[1]]

    @property
    def seed(self) -> int | str:
        """Seed of the last `fit`; as ``rng`` it gives the same network again."""
        self._trained()
        assert self._seed is not None
        return self._seed

    @property
    def history(self) -> pd.DataFrame:
        """Losses in nats before each step and after the last: ``step loss test_loss gap``."""
        import pandas as pd

        self._trained()
        assert self._losses is not None
        loss, test = self._losses.T
        return pd.DataFrame({"step": np.arange(len(loss)), "loss": loss, "test_loss": test, "gap": test - loss})

    # ---------------------------------------------------------------- evaluation
    def representations(
        self, X: Any, layer: int | None = None, rng: RngLike = None, *, noise: str = "fresh"
    ) -> Any:
        """Return what each layer makes of the observations.

        Parameters
        ----------
        X : array_like of shape (n, d_0), DataFrame or path
            Observations.
        layer : int, optional
            One layer, 0 (the input) to L (the output); all if None.
        rng : None, int, SeedSequence or Generator
            Seed of the noise; a network without noise ignores it.
        noise : {"fresh", "shared", "off"}
            A draw for every observation, one draw for all observations (the same seed gives the same
            draw for another sample), or none.

        Returns
        -------
        list of ndarray, or ndarray
            T_0 to T_L, of shape (n, d_l); a single array where `layer` is given.

        Raises
        ------
        DataError
            If the data do not fit the network.
        InputError
            If there is no such layer or mode.

        Notes
        -----
        One shared draw turns the network into a deterministic one, to which the per-run certificate
        applies with the tail constants of `thinned_weights`. Averages of losses over shared draws have
        the same mean as over fresh ones.

        Examples
        --------
        >>> net = MLP([2, 3, 1], drop=0.5, steps=0).fit([[1.0, 2.0], [3.0, 4.0]], [-1, 1], rng=0)
        >>> net.representations([[1.0, 2.0]], layer=2, rng=0, noise="off").shape
        (1, 1)
        """
        mode = check_choice("noise", noise, NOISE_MODES)
        place = None if layer is None else check_count("layer", layer, high=len(self.widths) - 1)
        data = self._read("X", X)
        layers, _ = forward(self._plan, self._trained(), data, self._draw(mode, len(data), rng))
        layers[0] = data.copy()  # the caller may write into what is returned
        return layers if place is None else layers[place]

    def decision_function(self, X: Any, *, rng: RngLike = None, noise: str = "fresh") -> FloatArray:
        """Return the logits.

        Parameters
        ----------
        X : array_like of shape (n, d_0), DataFrame or path
            Observations.
        rng, noise
            As in `representations`.

        Returns
        -------
        ndarray of shape (n,)
            Logarithm of the odds of label 1, nats.

        Examples
        --------
        >>> net = MLP([1, 1], steps=0).fit([[1.0], [2.0]], [-1, 1], rng=0)
        >>> net.decision_function([[1.0], [2.0]]).round(6)
        array([2.041687, 4.083375])
        """
        return np.asarray(self.representations(X, len(self.widths) - 1, rng, noise=noise)[:, 0])

    def predict(self, X: Any, *, rng: RngLike = None, noise: str = "fresh") -> FloatArray:
        """Return the label with the larger probability; 1 where both are equal.

        Parameters
        ----------
        X : array_like of shape (n, d_0), DataFrame or path
            Observations.
        rng, noise
            As in `representations`.

        Returns
        -------
        ndarray of shape (n,)
            -1 or 1.

        Examples
        --------
        >>> MLP([1, 1]).fit([[-1.0], [1.0]], [-1, 1]).predict([[-2.0], [2.0]])
        array([-1.,  1.])
        """
        return np.where(self.decision_function(X, rng=rng, noise=noise) >= 0.0, 1.0, -1.0)

    def loss(self, X: Any, y: ArrayLike, *, rng: RngLike = None, noise: str = "fresh") -> float:
        """Return the mean logistic loss of a labelled sample.

        Parameters
        ----------
        X : array_like of shape (n, d_0), DataFrame or path
            Observations.
        y : array_like of shape (n,)
            Labels -1 and 1.
        rng, noise
            As in `representations`.

        Returns
        -------
        float
            Nats.

        Examples
        --------
        >>> net = MLP([1, 1]).fit([[-1.0], [1.0]], [-1, 1])
        >>> net.loss([[0.0]], [1]) == float(np.log(2.0))
        True
        """
        outputs = self.decision_function(X, rng=rng, noise=noise)
        return float(logistic_losses(outputs, check_signs("y", y, len(outputs))).mean())

    # ------------------------------------------------------- what the bounds need
    def thinned_weights(self, rng: RngLike = None) -> list[FloatArray]:
        """Return the weights that one shared dropout mask leaves, for `lipschitz_constants`.

        Parameters
        ----------
        rng : None, int, SeedSequence or Generator
            The seed given to ``representations(..., noise="shared")``.

        Returns
        -------
        list of ndarray
            Matrices of the shapes of `weights`, with the columns of dropped units zero and the rows
            scaled as the layer above sees them; `weights` itself where nothing is dropped.

        Examples
        --------
        >>> net = MLP([2, 4, 1], drop=0.5, steps=0).fit([[1.0, 2.0], [3.0, 4.0]], [-1, 1], rng=0)
        >>> [int((abs(w).sum(axis=1) > 0).sum()) for w in net.thinned_weights(rng=1)]
        [3, 1]
        """
        noise = self._draw("shared", 1, rng)
        return self.weights if noise is None else thinned_weights(self._trained()[0], noise)

    def sdpi_coefficients(self, *, noise: str = "fresh") -> FloatArray:
        r"""Return a contraction coefficient for each layer, for `refined_kl_bound`.

        Parameters
        ----------
        noise : {"fresh", "off"}
            How the network is evaluated. Without its noise every layer is a deterministic map, of
            coefficient 1, and a `NoContractionWarning` says so.

        Returns
        -------
        ndarray of shape (L,)
            eta_l of layer l = 1 to L: that of dropout times that of Gaussian noise on the bounded values
            below it; 1 where neither contracts (Gaussian noise on an unbounded activation, the output).

        Raises
        ------
        InputError
            If there is no such mode.

        Notes
        -----
        Dropout of d units has :math:`1 - \delta^d`; Gaussian noise on values in a set of diameter D the
        coefficient of `sdpi_gaussian`, with :math:`D = r\sqrt{d}/(1-\delta)` for an activation whose
        values fill an interval of length r. The product bounds the coefficient of the composition.

        Examples
        --------
        >>> MLP([5, 2, 2, 1], "tanh", drop=[0.5, 0.0]).sdpi_coefficients()
        array([0.75, 1.  , 1.  ])
        """
        if check_choice("noise", noise, ("fresh", "off")) == "off" and self._plan.has_noise:
            warnings.warn(
                "with noise='off' the layers are deterministic and contract nothing: bounds refined by dropout or "
                "noise do not apply to this network",
                NoContractionWarning,
                stacklevel=2,
            )
        found = np.ones(len(self.activations))
        if noise == "fresh":
            found[:-1] = [self._contraction(index) for index in range(len(self.drop))]
        return found

    # ------------------------------------------------------------------ internals
    def _contraction(self, index: int) -> float:
        """Coefficient of hidden layer ``index + 1``."""
        from .diameters import activation_diameter
        from .sdpi import sdpi_dropout, sdpi_gaussian

        width, drop, noise = self.widths[index + 1], self.drop[index], self.noise_std[index]
        eta = float(np.asarray(sdpi_dropout(drop, width).value)) if drop else 1.0
        diameter = activation_diameter(self.activations[index], width) / (1.0 - drop)
        if not noise:
            return eta
        if np.isinf(diameter):
            if not drop:
                warnings.warn(
                    f"Gaussian noise on the unbounded activation {self.activations[index]!r} of layer {index + 1} "
                    "contracts nothing; a bounded activation or dropout would",
                    NoContractionWarning,
                    stacklevel=4,
                )
            return eta
        return eta * float(np.asarray(sdpi_gaussian(diameter, noise).value))

    def _trained(self) -> tuple[list[FloatArray], list[FloatArray]]:
        if self._parameters is None:
            raise NotTrainedError("the network has no weights yet; call fit(X, y) first (steps=0 only draws them)")
        return self._parameters

    def _draw(self, mode: str, rows: int, rng: RngLike) -> tuple[LayerNoise, ...] | None:
        if mode == "off" or not self._plan.has_noise:
            if rng is not None and not isinstance(rng, np.random.Generator):
                as_seed_sequence(rng)
            return None
        return self._plan.noise(1 if mode == "shared" else rows, as_generator(rng))

    def _read(self, name: str, X: Any) -> FloatArray:
        data = as_sample(name, X, min_rows=1)
        if data.shape[1] != self.widths[0]:
            raise DataError(
                f"{name} must have {self.widths[0]} columns (widths[0] of the network), got {data.shape[1]}; "
                "rows are observations"
            )
        return data

    def _read_test(self, X_test: Any, y_test: Any) -> tuple[FloatArray, FloatArray] | None:
        if (X_test is None) != (y_test is None):
            raise InputError("X_test and y_test must be given together, got one of them")
        if X_test is None:
            return None
        data = self._read("X_test", X_test)
        return data, check_signs("y_test", y_test, len(data))
