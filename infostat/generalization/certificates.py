"""Certificates for any trained network: exact transport between its train and test representations.

For two labelled samples and any layer, the difference of their mean losses is at most the cheapest cost
of moving one sample onto the other at that layer, where a unit of distance costs what the rest of the
network and the loss can make of it. No law is assumed and no probability is involved.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InfostatWarning, SubsamplingWarning
from ..core.progress import Progress, progress_callback
from ..core.rng import RngLike, as_seed_sequence, seed_label
from ..core.samples import same_columns
from ..core.threads import threads
from ..core.validation import FloatArray, check_count, check_number
from ..divergences.exact_transport import TransportSolution, warn_if_stopped
from .certificate_inputs import Labels, check_labels, check_layers, draw_rows, halves, read_layer, tail_constants
from .certificate_problem import LayerNumbers, LayerProblem, layer_problem, solve_layers
from .certificate_result import LabelledTransport, LayerCertificates
from .hierarchical_result import funnel
from .labelled import is_vacuous, warn_if_vacuous
from .loss_constants import LossAccount, account_for_loss, check_loss
from .shift_proxy import representation_shift
from .transport_costs import CloudPair, labelled_cost, uniform_transport

__all__ = ["labelled_transport", "layer_certificates", "representation_shift"]

_ROUNDING = 1e-12


# ------------------------------------------------------------------------------------- one problem
def labelled_transport(
    t_train: Any,
    y_train: Any,
    t_test: Any,
    y_test: Any,
    *,
    lipschitz: float,
    label_cost: float,
    max_exact: int = 4000,
    rng: RngLike = None,
) -> LabelledTransport:
    """Return the exact transport cost between two labelled samples.

    Parameters
    ----------
    t_train, t_test : array_like of shape (n, d) and (m, d)
        Representations; one-dimensional input is one column, further axes are flattened.
    y_train, y_test : array_like of shape (n,) and (m,)
        Labels, numbers or words.
    lipschitz : float
        K >= 0: constant of the loss times constant of the map from this layer to the output.
    label_cost : float
        B >= 0: at least ``|l(u, y) - l(u, y')|`` for the outputs u and labels that occur.
    max_exact : int
        Rows of a sample beyond which a random part is used, with a warning and a flag. Memory grows as
        the product of the rows: about 1 GB at 4000 and 4000.
    rng : None, int, SeedSequence or Generator
        Seed of the rows drawn.

    Returns
    -------
    LabelledTransport
        ``value``, its parts, and the label of a bound.

    Raises
    ------
    DataError
        If shapes do not fit, or values are missing or infinite.
    InputError
        If a constant is negative or nan.

    Warns
    -----
    SubsamplingWarning
        If rows were drawn.
    ConvergenceWarning
        If the solver stopped early; the cost of the independent coupling, an upper bound, is then the value.

    Notes
    -----
    ``min sum_ij P_ij (K |t_i - t'_j| + B 1[y_i != y'_j])`` over couplings P of the two uniform laws
    (Kantorovich), solved exactly by network simplex. With ``label_cost=0`` it is K times the Wasserstein
    distance of order one.

    Examples
    --------
    >>> found = labelled_transport([0.0, 1.0], [1, -1], [0.5, 1.5], [1, 1], lipschitz=2.0, label_cost=3.0)
    >>> found.value, found.distance_part, found.label_part
    (2.5, 1.0, 1.5)
    """
    x, y = read_layer("t_train", t_train, min_rows=1), read_layer("t_test", t_test, min_rows=1)
    same_columns(x, y, ("t_train", "t_test"))
    labels = check_labels(y_train, y_test, (len(x), len(y)), ("t_train", "t_test"))
    constant = check_number("lipschitz", lipschitz, low=0.0)
    cost = check_number("label_cost", label_cost, low=0.0)
    limit, seed = check_count("max_exact", max_exact, low=1), as_seed_sequence(rng)
    first, second = draw_rows(len(x), limit, seed, test=False), draw_rows(len(y), limit, seed, test=True)
    drawn = first is not None or second is not None
    if drawn:
        _warn_subsampled(len(x), len(y), limit)
    pair = _pair(_part(x, first), _part(labels[0], first), _part(y, second), _part(labels[1], second))
    distances = pair.distances()
    with _quiet():
        found = uniform_transport(labelled_cost(distances, pair.mismatch, constant, cost), plan=True)
    warn_if_stopped(found.trouble)
    return _wrap_transport(pair, distances, found, constant, cost, seed_label(seed) if drawn else None)


def _wrap_transport(
    pair: CloudPair,
    distances: FloatArray,
    found: TransportSolution,
    constant: float,
    cost: float,
    seed: int | str | None,
) -> LabelledTransport:
    assert found.plan is not None
    label_part = cost * float(found.plan[pair.mismatch].sum())
    finite = math.isfinite(found.value)
    vacuous = bool(is_vacuous(found.value, math.inf))
    warn_if_vacuous(vacuous, "the transport cost", stacklevel=4)
    return LabelledTransport(
        value=found.value,
        nature="bound",
        assumptions=(
            "the loss changes by at most lipschitz times the distance moved at this layer, labels equal",
            "label_cost is at least the change of the loss at one output when the label changes",
        ),
        vacuous=vacuous,
        sense="always",
        lipschitz=constant,
        label_cost=cost,
        distance_part=constant * float((found.plan * distances).sum()) if finite else math.inf,
        label_part=label_part,
        n_train=len(pair.x),
        n_test=len(pair.y),
        flags=_words(subsampled=seed is not None, solver_stopped=bool(found.trouble)),
        seed=seed,
        interpretation=(
            f"The mean losses of the two samples differ by at most {found.value:.4g}, for every loss that the two "
            "constants fit."
        ),
    )


# -------------------------------------------------------------------------------------- all layers
def layer_certificates(
    train: Any,
    test: Any,
    y_train: Any,
    y_test: Any,
    *,
    lipschitz: Any = None,
    weights: Any = None,
    activations: Any = None,
    loss: str = "logistic",
    label_cost: float | None = None,
    max_exact: int = 4000,
    rng: RngLike = None,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> LayerCertificates:
    """Return, for every layer of a network, a certificate of the gap between its train and test loss.

    Parameters
    ----------
    train, test : list (or mapping) of array_like
        Representations of the training and of the test sample: L+1 arrays of shape (rows, width), layer 0
        the input, layer L the output (logits). A mapping names the layers; further axes are flattened.
    y_train, y_test : array_like
        Labels: -1 and 1 (logistic, hinge), 0 ... c-1 (softmax), numbers (squared).
    lipschitz : array_like of shape (L+1,), optional
        Tail constants K_0 ... K_L of the maps from each layer to the output, K_L = 1.
    weights, activations : sequence, optional
        Instead of `lipschitz`: weight matrices and activations, see `lipschitz_constants`.
    loss : {"logistic", "hinge", "softmax", "cross_entropy", "squared"}
        Loss of which the gap is certified. The 0-1 loss is refused.
    label_cost : float, optional
        Replaces B, the largest change of the loss when the label changes.
    max_exact : int
        Rows of a sample beyond which both samples are cut to a random part of that size, with a warning and
        a flag; the certificates and the gap are then those of the part.
    rng : None, int, SeedSequence or Generator
        Seed of the halves of the test sample behind the floors, and of the rows drawn.
    n_jobs : int, optional
        Threads over layers (None: one, -1: all cores). The numbers do not depend on it; memory grows with it.
    progress : bool or callable
        Progress over layers; a callable gets ``(done, total)``.

    Returns
    -------
    LayerCertificates
        Per layer ``w1 w1_floor certificate certificate_floor lipschitz``; ``gap``, ``value`` (the smallest
        certificate), ``funnel_distance`` and ``funnel_bound``.

    Raises
    ------
    DataError
        If layers, samples or labels do not fit together (the layer is named), or values are not finite.
    InputError
        If a constant is out of range, the loss is unknown or not Lipschitz.

    Warns
    -----
    VacuousBoundWarning
        If the smallest certificate is no smaller than the largest difference of two losses.
    SubsamplingWarning
        If rows were drawn.
    ConvergenceWarning
        If the solver stopped early; independent couplings, upper bounds, then stand in.
    InfostatWarning
        If `label_cost` is too small for the loss, or outputs contradict a Lipschitz constant.

    Notes
    -----
    For the fixed network w, with ``c = rho0 K_l |t - t'| + B 1[y != y']``,
    ``|L_test(w) - L_train(w)| <= min over couplings of the two empirical laws of (T_l, Y) of the mean of c``
    by Kantorovich's duality, because the loss as a function of (t_l, y) changes by at most c. It is this
    toolkit's finite-sample form of the Wasserstein bound described in the abstract of He and Goldfeld
    (arXiv 2404.03176).

    With constants from products of norms the certificates never increase from layer to layer, so the last
    layer attains the smallest; the raw distance `w1`, which knows nothing of the rest of the network, can
    be smallest inside. Even two samples of one law are some distance apart, of order n^(-1/d): compare
    `w1` with `w1_floor`, remembering that the floor uses halves of the test sample. Time and memory grow as
    the product of the two numbers of rows. Where noise acts inside the network, the certificate of a
    layer holds for the loss averaged over the noise that is drawn after it.

    Examples
    --------
    >>> x, x_test = np.array([[0.0], [2.0]]), np.array([[0.5], [1.0]])
    >>> net = lambda x: [x, np.maximum(3.0 * x - 3.0, 0.0), 0.5 * np.maximum(3.0 * x - 3.0, 0.0) - 0.5]
    >>> found = layer_certificates(net(x), net(x_test), [-1, 1], [-1, 1], weights=[[[3.0]], [[0.5]]],
    ...                            activations="relu", loss="hinge", rng=1)
    >>> found.certificate.tolist(), found.gap, found.funnel_bound, found.funnel_distance
    ([1.125, 0.75, 0.75], 0.75, 1, 0)
    """
    name = check_loss(loss)
    layers = check_layers(train, test)
    sizes = len(layers.train[0]), len(layers.test[0])
    labels = check_labels(y_train, y_test, sizes, ("train", "test"))
    constants = tail_constants(lipschitz, weights, activations, layers)
    given = None if label_cost is None else check_number("label_cost", label_cost, low=0.0)
    limit, jobs = check_count("max_exact", max_exact, low=2), threads(n_jobs)
    seed = as_seed_sequence(rng)

    whole = account_for_loss(name, layers.train[-1], labels[0], layers.test[-1], labels[1])
    rows = draw_rows(sizes[0], limit, seed, test=False), draw_rows(sizes[1], limit, seed, test=True)
    drawn = rows[0] is not None or rows[1] is not None
    if drawn:
        _warn_subsampled(*sizes, limit)
        layers = layers.rows(*rows)
        labels = _part(labels[0], rows[0]), _part(labels[1], rows[1])
    account = account_for_loss(name, layers.train[-1], labels[0], layers.test[-1], labels[1]) if drawn else whole

    problem = layer_problem(layers, labels, constants, account, given, list(halves(len(labels[1]), seed)))
    with progress_callback(progress, "certificates") as report, _quiet():
        numbers = solve_layers(problem, jobs, report)
    return _wrap(name, problem, numbers, account, given, _gap(whole), drawn, seed_label(seed))


# ------------------------------------------------------------------------------------------- result
def _wrap(
    loss: str,
    problem: LayerProblem,
    numbers: list[LayerNumbers],
    account: LossAccount,
    given: float | None,
    gap_all: float,
    drawn: bool,
    seed: int | str,
) -> LayerCertificates:
    columns = {
        key: np.array([getattr(each, key) for each in numbers], dtype=np.float64)
        for key in ("w1", "w1_floor", "certificate", "certificate_floor")
    }
    troubles = [each.trouble for each in numbers if each.trouble]
    stretches = np.array([each.stretch for each in numbers])
    small = given is not None and given < account.label_cost * (1.0 - _ROUNDING) and bool(problem.mismatch.any())
    flags = _words(
        subsampled=drawn,
        label_cost_below_loss=small,
        lipschitz_contradicted=bool((stretches > 1.0).any()),
        solver_stopped=bool(troubles),
    )
    # A layer whose constant is contradicted promises nothing; the output, with its constant of one, never is.
    trusted = np.where(stretches > 1.0, np.inf, columns["certificate"])
    value = float(trusted.min())
    vacuous = not small and bool(is_vacuous(value, account.loss_range))
    _warn_all(loss, problem, account, stretches, small, troubles, vacuous)
    closest, smallest = funnel(columns["w1"]), funnel(trusted)
    gap = _gap(account)
    return LayerCertificates(
        value=value,
        nature="proxy" if small else "bound",
        assumptions=_assumptions(drawn, len(problem.layers.train[0]), len(problem.layers.test[0])),
        vacuous=vacuous,
        sense="" if small else "always",
        layer=problem.layers.names,
        width=problem.layers.widths,
        lipschitz=problem.lipschitz,
        w1=columns["w1"],
        w1_floor=columns["w1_floor"],
        certificate=columns["certificate"],
        certificate_floor=columns["certificate_floor"],
        train_loss=_mean(account.train),
        test_loss=_mean(account.test),
        gap=gap,
        gap_all=gap_all,
        funnel_distance=closest,
        funnel_bound=smallest,
        loss=loss,
        rho0=account.rho,
        label_cost=problem.label_cost,
        loss_range=account.loss_range,
        n_train=len(problem.layers.train[0]),
        n_test=len(problem.layers.test[0]),
        flags=flags,
        seed=seed,
        interpretation=_interpretation(problem.layers.names, value, gap, columns, (closest, smallest), vacuous),
    )


def _assumptions(drawn: bool, n: int, m: int) -> tuple[str, ...]:
    found = [
        "lipschitz holds valid constants of the maps from each layer to the output, noise in the layers held fixed",
        "the arrays are the representations of one network for all rows",
    ]
    if drawn:
        found.append(f"holds for the {n} and {m} rows drawn, not for the whole samples")
    return tuple(found)


def _interpretation(
    names: tuple[str, ...],
    value: float,
    gap: float,
    columns: dict[str, FloatArray],
    funnels: tuple[int, int],
    vacuous: bool,
) -> str:
    words = [
        f"The mean losses differ by {gap:.4g} (test - train); the transport at layer {names[funnels[1]]} "
        f"guarantees at most {value:.4g}"
        + (", which says nothing, because no two losses differ by more." if vacuous else ".")
    ]
    words.append(
        f"The samples are closest at layer {names[funnels[0]]} (distance without Lipschitz factor)."
    )
    near = [name for name, d, floor in zip(names, columns["w1"], columns["w1_floor"], strict=True) if d <= floor]
    if near:
        where = "At every layer" if len(near) == len(names) else f"At layer{'s' * (len(near) > 1)} {', '.join(near)}"
        words.append(
            f"{where} the two samples (labels aside) are no further apart than two halves of the test sample, so "
            "sampling alone produces such a distance."
        )
    return " ".join(words)


def _warn_all(
    loss: str,
    problem: LayerProblem,
    account: LossAccount,
    stretches: FloatArray,
    small: bool,
    troubles: list[str],
    vacuous: bool,
) -> None:
    """One warning for each thing that may mislead, all at the caller's line."""
    names = problem.layers.names
    if small:
        warnings.warn(
            f"label_cost={problem.label_cost:g} is smaller than the largest change of the {loss} loss when the label "
            f"changes ({account.label_cost:.6g} on these outputs); the certificates are no bounds",
            InfostatWarning,
            stacklevel=4,
        )
    if (stretches > 1.0).any():
        worst = int(np.argmax(stretches))
        warnings.warn(
            f"the outputs contradict the Lipschitz constant {problem.lipschitz[worst]:.4g} of layer {names[worst]}: "
            f"two rows are {stretches[worst]:.3g} times as far apart as it allows; check lipschitz, weights and "
            "activations (or noise is drawn after this layer, and the certificate holds on average over it)",
            InfostatWarning,
            stacklevel=4,
        )
    if troubles:
        warn_if_stopped(troubles[0], stacklevel=5)
    warn_if_vacuous(vacuous, "the smallest certificate", stacklevel=5)


def _warn_subsampled(n: int, m: int, limit: int) -> None:
    warnings.warn(
        f"the samples have {n} and {m} rows, more than max_exact={limit}: a random part of the rows is used, and the "
        "result bounds the gap between these parts; raise max_exact (memory and time grow as the product of the rows)",
        SubsamplingWarning,
        stacklevel=3,
    )


def _pair(x: FloatArray, y_x: Labels, y: FloatArray, y_y: Labels) -> CloudPair:
    return CloudPair(x, y, np.asarray(y_x[:, None] != y_y))


def _part(array: Any, rows: NDArray[np.intp] | None) -> Any:
    return array if rows is None else array[rows]


def _mean(losses: FloatArray) -> float:
    # Exact sums do not depend on the order of the rows.
    return math.fsum(losses) / len(losses)


def _gap(account: LossAccount) -> float:
    return _mean(account.test) - _mean(account.train)


def _words(**marks: bool) -> tuple[str, ...]:
    return tuple(word for word, holds in marks.items() if holds)


def _quiet() -> Any:
    """Silence POT inside; entered once, in the main thread, because all threads share the filters."""
    return warnings.catch_warnings(action="ignore")
