"""The Gibbs algorithm on finite models: worked example, enumeration, identities, inequalities, bad input."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError, VacuousBoundWarning
from infostat.generalization import gibbs
from infostat.generalization.gibbs import GibbsAlgorithm, gibbs_bound

LOSS, P = [[0, 1], [1, 0]], [0.6, 0.4]
THREE = [[0.0, 0.3, 1.0], [0.5, 0.1, 0.0], [0.2, 0.2, 0.6]]
WORKED = GibbsAlgorithm(LOSS, P, [0.5, 0.5], 2.0)


def _by_sequences(loss: list, p: list, prior: list, alpha: float, n: int) -> dict[str, float]:
    """Everything from all samples in order, with fifty digits."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        rows = [[mpmath.mpf(x) for x in row] for row in loss]
        law, start = [mpmath.mpf(x) for x in p], [mpmath.mpf(x) for x in prior]
        m, k = len(rows), len(rows[0])
        posterior = {}
        for sample in itertools.product(range(k), repeat=n):
            mean = [sum(row[z] for z in sample) / n for row in rows]
            weight = [start[w] * mpmath.exp(-alpha * mean[w]) for w in range(m)]
            norm = sum(weight)
            chance = mpmath.fprod(law[z] for z in sample)
            posterior[sample] = chance, [x / norm for x in weight], mean
        marginal = [sum(c * q[w] for c, q, _ in posterior.values()) for w in range(m)]
        mi = sum(c * q[w] * mpmath.log(q[w] / marginal[w]) for c, q, _ in posterior.values() for w in range(m))
        lautum = sum(
            c * marginal[w] * mpmath.log(marginal[w] / q[w]) for c, q, _ in posterior.values() for w in range(m)
        )
        joint = [[sum(c * q[w] for s, (c, q, _) in posterior.items() if s[0] == z) for w in range(m)] for z in range(k)]
        individual = sum(
            joint[z][w] * mpmath.log(joint[z][w] / (law[z] * marginal[w])) for z in range(k) for w in range(m)
        )
        train = sum(c * q[w] * mean[w] for c, q, mean in posterior.values() for w in range(m))
        test = sum(marginal[w] * law[z] * rows[w][z] for w in range(m) for z in range(k))
        kl_prior = sum(c * q[w] * mpmath.log(q[w] / start[w]) for c, q, _ in posterior.values() for w in range(m))
        values = {
            "mi": mi, "lautum": lautum, "mi_individual": individual, "train": train, "test": test,
            "gen": test - train, "kl_prior": kl_prior,
        }  # fmt: skip
        return {key: float(value) for key, value in values.items()}


def _cmi_by_sequences(loss: list, p: list, prior: list, alpha: float, n: int) -> tuple[float, float]:
    """I(W;U|supersample) and I(Delta_1;U_1) from all ordered supersamples and masks."""
    table, law = np.array(loss, dtype=float), np.array(prior, dtype=float)
    cmi, deltas = 0.0, {}
    masks = list(itertools.product((0, 1), repeat=n))
    for points in itertools.product(range(table.shape[1]), repeat=2 * n):
        chance = math.prod(p[z] for z in points)
        posteriors = []
        for u in masks:
            seen = [points[2 * i + u[i]] for i in range(n)]
            weight = law * np.exp(-alpha * table[:, seen].mean(axis=1))
            posteriors.append(weight / weight.sum())
            for w, q in enumerate(posteriors[-1]):
                key = round(table[w, points[1]] - table[w, points[0]], 9), u[0]
                deltas[key] = deltas.get(key, 0.0) + chance * q / len(masks)
        mixed = np.mean(posteriors, axis=0)
        cmi += chance * np.mean([(q * np.log(q / mixed)).sum() for q in posteriors])
    level = {delta: sum(deltas.get((delta, u), 0.0) for u in (0, 1)) for delta, _ in deltas}
    ldmi = sum(mass * math.log(mass / (0.5 * level[delta])) for (delta, _), mass in deltas.items() if mass > 0.0)
    return cmi, ldmi


# ------------------------------------------------------------------------------------------ exact
def test_worked_example() -> None:
    # Worked example 9.5.
    found = WORKED.exact(3)
    assert found.mi == pytest.approx(0.116480456753, rel=1e-10)
    assert found.lautum == pytest.approx(0.141516934740, rel=1e-10)
    assert found.gen == pytest.approx(0.128998695746, rel=1e-10)
    assert found.mi_individual == pytest.approx(0.035705206532, rel=1e-10)
    assert found.bound_individual == pytest.approx(0.133613, abs=1e-6)
    assert found.bound_mi == pytest.approx(0.139332, abs=1e-6)
    assert found.bound_alpha == pytest.approx(1.0 / 3.0, rel=1e-12)
    assert found.value == found.gen == float(found)
    assert (found.nature, found.sense, found.vacuous) == ("exact", "expectation", False)
    assert abs(found.identity_error) < 1e-15


@pytest.mark.parametrize(
    ("loss", "p", "prior", "alpha", "n"),
    [
        (LOSS, P, [0.5, 0.5], 2.0, 3),
        (THREE, [0.5, 0.3, 0.2], [0.2, 0.5, 0.3], 7.0, 4),
        (THREE, [0.5, 0.3, 0.2], [0.2, 0.5, 0.3], 1e-6, 3),
    ],
)
def test_against_all_sequences(loss: list, p: list, prior: list, alpha: float, n: int) -> None:
    found = GibbsAlgorithm(loss, p, prior, alpha).exact(n)
    wanted = _by_sequences(loss, p, prior, alpha, n)
    for name in ("mi", "lautum", "gen", "kl_prior"):
        # Relative digits also where the posterior hardly moves and these numbers are tiny.
        assert getattr(found, name) == pytest.approx(wanted[name], rel=1e-9 if alpha < 1e-3 else 1e-12), name
    assert found.mi_individual == pytest.approx(wanted["mi_individual"], rel=1e-8 if alpha > 1e-3 else 1e-3)
    assert found.train == pytest.approx(wanted["train"], rel=1e-13)
    assert found.test == pytest.approx(wanted["test"], rel=1e-13)


models = st.builds(
    lambda m, k, seed, alpha: (m, k, seed, alpha),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 10**6),
    st.sampled_from([0.0, 1e-4, 0.3, 2.0, 30.0, 1e4]),
)


@settings(max_examples=40, deadline=None)
@given(models, st.integers(1, 8))
def test_identity_and_inequalities(model: tuple, n: int) -> None:
    m, k, seed, alpha = model
    rng = np.random.default_rng(seed)
    loss = rng.uniform(-1.0, 3.0, (m, k))
    algorithm = GibbsAlgorithm(loss, rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(m)), alpha)
    found = algorithm.exact(n)
    # gen = (I + lautum)/alpha, the identity of the algorithm.
    assert abs(found.identity_error) <= 1e-12 * max(1.0, alpha)
    assert found.mi >= 0.0 and found.lautum >= 0.0 and found.gen >= 0.0
    # Chain of bounds: gap <= individual <= whole sample <= temperature.
    assert found.gen <= found.bound_individual + 1e-8
    assert found.bound_individual <= found.bound_mi + 1e-8
    assert found.mi <= alpha * found.gen + 1e-12 * max(1.0, alpha)
    assert found.bound_mi <= found.bound_alpha + 1e-8
    # The marginal minimises the expected divergence.
    assert found.mi <= found.kl_prior + 1e-12
    assert found.joint.sum(axis=1) == pytest.approx(algorithm.p_z, abs=1e-13)


def test_temperature_zero_learns_nothing() -> None:
    found = GibbsAlgorithm(THREE, [0.5, 0.3, 0.2], None, 0.0).exact(5)
    assert [found.gen, found.mi, found.lautum] == pytest.approx([0.0, 0.0, 0.0], abs=1e-16)
    assert found.bound_alpha == 0.0
    assert found.joint == pytest.approx(np.outer([0.5, 0.3, 0.2], np.full(3, 1 / 3)), abs=1e-15)


def test_large_alpha_is_empirical_risk_minimisation() -> None:
    # Ties are impossible for n = 3: the hypothesis with fewer errors wins.
    found = GibbsAlgorithm(LOSS, P, None, 1e8).exact(3)
    wins = 0.6**3 + 3 * 0.6**2 * 0.4
    assert found.joint.sum(axis=0) == pytest.approx([wins, 1.0 - wins], rel=1e-14)
    entropy = -wins * math.log(wins) - (1.0 - wins) * math.log(1.0 - wins)
    assert found.mi == pytest.approx(entropy, rel=1e-12)
    assert math.isfinite(found.lautum) and found.lautum > 1e6
    assert found.lautum + found.mi == pytest.approx(1e8 * found.gen, rel=1e-12)


def test_compiled_kernel_and_numpy_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    model = GibbsAlgorithm(rng.random((5, 4)), rng.dirichlet(np.ones(4)), None, 3.0)
    small = model.exact(12)
    monkeypatch.setattr(gibbs, "_SMALL", 0)
    large = model.exact(12)
    for name in ("gen", "mi", "lautum", "mi_individual", "kl_prior"):
        assert getattr(large, name) == pytest.approx(getattr(small, name), rel=1e-10)


def test_a_million_types_keep_the_identity() -> None:
    rng = np.random.default_rng(1)
    model = GibbsAlgorithm(rng.random((3, 2)), [0.3, 0.7], None, 5.0)
    found = model.exact(999_999)
    assert found.n_types == 1_000_000
    assert abs(found.identity_error) < 1e-14
    # To leading order in 1/n the posterior moves by alpha (slope of the losses) (share of outcome 0 - p): both
    # informations are half of alpha^2 p (1 - p) Var(slope)/n, the variance under the limiting posterior.
    slope = model.loss_matrix[:, 0] - model.loss_matrix[:, 1]
    limit = np.exp(-5.0 * model.loss_matrix @ model.p_z)
    limit /= limit.sum()
    variance = limit @ slope**2 - (limit @ slope) ** 2
    assert found.mi == pytest.approx(0.5 * 25.0 * 0.21 * variance / 999_999, rel=1e-4)


def test_large_alphabets_are_walked_sparsely() -> None:
    rng = np.random.default_rng(2)
    k = 400_000
    loss = rng.random((2, k))
    found = GibbsAlgorithm(loss, np.full(k, 1.0 / k), None, 2.0).exact(1)
    # One observation: the posterior is a function of the loss difference alone.
    q = 1.0 / (1.0 + np.exp(2.0 * (loss[0] - loss[1])))
    mean = q.mean()
    entropy = lambda x: -(x * np.log(x) + (1.0 - x) * np.log1p(-x))  # noqa: E731
    assert found.mi == pytest.approx(entropy(mean) - entropy(q).mean(), rel=1e-9)
    assert found.mi_individual == pytest.approx(found.mi, rel=1e-9)


def test_massless_outcomes_and_hypotheses_are_kept_as_zeros() -> None:
    found = GibbsAlgorithm([[0, 1, 9], [1, 0, 9], [5, 5, 5]], [0.6, 0.4, 0.0], [0.5, 0.5, 0.0], 2.0).exact(3)
    assert found.joint.shape == (3, 3)
    assert not found.joint[2].any() and not found.joint[:, 2].any()
    assert found.gen == pytest.approx(WORKED.exact(3).gen, rel=1e-12)
    assert found.n_types == 4


def test_losses_shifted_by_outcome_leave_the_gap_alone() -> None:
    shifted = GibbsAlgorithm(np.array(LOSS) + [1e6, -1e6], P, None, 2.0).exact(3)
    assert shifted.gen == pytest.approx(WORKED.exact(3).gen, rel=1e-9)
    assert shifted.mi == pytest.approx(WORKED.exact(3).mi, rel=1e-9)


def test_labels_of_frames_are_kept() -> None:
    frame = pd.DataFrame(LOSS, index=["keep", "flip"], columns=["low", "high"])
    model = GibbsAlgorithm(frame, pd.Series(P, index=["low", "high"]), None, 2.0)
    joint = model.exact(3).joint_frame()
    assert list(joint.columns) == ["keep", "flip"] and list(joint.index) == ["low", "high"]
    assert repr(model) == "GibbsAlgorithm(2 hypotheses, 2 outcomes, alpha=2)"
    with pytest.raises(InputError, match=r"p_z must carry the labels of loss_matrix in its order"):
        GibbsAlgorithm(frame, pd.Series(P, index=["high", "low"]), None, 2.0)


def test_inputs_are_not_changed_and_cannot_be_changed_later() -> None:
    loss, p = np.array(LOSS, dtype=float), np.array(P)
    model = GibbsAlgorithm(loss, p, None, 2.0)
    before = model.exact(3).gen
    loss[:] = 0.0
    assert model.exact(3).gen == before
    with pytest.raises(ValueError, match="read-only"):
        model.p_z[0] = 1.0


def test_posterior_of_a_sample() -> None:
    found = GibbsAlgorithm(THREE, [0.5, 0.3, 0.2], [0.2, 0.5, 0.3], 4.0).posterior([2, 0, 1])
    weight = np.array([0.2, 0.5, 0.3]) * np.exp(-4.0 * (np.array(THREE) @ [2, 0, 1]) / 3)
    assert found == pytest.approx(weight / weight.sum(), rel=1e-14)
    assert WORKED.exact(1).joint[0] == pytest.approx(0.6 * WORKED.posterior([1, 0]), rel=1e-13)


def test_progress_counts_the_passes() -> None:
    seen: list[tuple[int, int]] = []
    WORKED.exact(3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


# ------------------------------------------------------------------------------------ supersample
@pytest.mark.parametrize(
    ("loss", "p", "prior", "alpha", "n"),
    [
        (LOSS, P, [0.5, 0.5], 2.0, 1),
        (LOSS, P, [0.5, 0.5], 2.0, 3),
        (THREE, [0.5, 0.3, 0.2], [0.2, 0.5, 0.3], 4.0, 2),
        (THREE, [0.5, 0.3, 0.2], [0.2, 0.5, 0.3], 40.0, 3),
    ],
)
def test_cmi_against_all_supersamples(loss: list, p: list, prior: list, alpha: float, n: int) -> None:
    found = GibbsAlgorithm(loss, p, prior, alpha).exact_cmi(n)
    cmi, ldmi = _cmi_by_sequences(loss, p, prior, alpha, n)
    assert found.cmi == pytest.approx(cmi, rel=1e-11)
    assert found.ldmi == pytest.approx(ldmi, rel=1e-9)
    assert found.gen == pytest.approx(GibbsAlgorithm(loss, p, prior, alpha).exact(n).gen, rel=1e-12)
    # gap = E (-1)^U Delta, from the law of (Delta, U) of the 0-1 example.
    if loss is LOSS:
        delta = np.array([-1.0, 0.0, 1.0])
        assert delta @ (found.difference_law[:, 0] - found.difference_law[:, 1]) == pytest.approx(found.gen, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(models, st.integers(1, 4))
def test_supersample_inequalities(model: tuple, n: int) -> None:
    m, k, seed, alpha = model
    rng = np.random.default_rng(seed)
    algorithm = GibbsAlgorithm(rng.random((m, k)), rng.dirichlet(np.ones(k)), None, alpha)
    found = algorithm.exact_cmi(n)
    assert -1e-13 <= found.cmi <= min(found.mi, n * math.log(2.0)) + 1e-11
    assert -1e-13 <= found.ldmi <= math.log(2.0) + 1e-12
    assert found.gen <= found.ldmi_bound + 1e-7
    assert found.gen <= found.cmi_bound + 1e-7
    assert found.difference_law.sum() == pytest.approx(1.0, abs=1e-12)
    assert found.difference_law[:, 0] == pytest.approx(found.difference_law[::-1, 1], abs=1e-15)


def test_list_and_counts_of_supersamples_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    from infostat.generalization import gibbs_cmi

    rng = np.random.default_rng(3)
    model = GibbsAlgorithm(rng.random((3, 4)), rng.dirichlet(np.ones(4)), None, 3.0)
    for n in (1, 2):
        wanted = model.exact_cmi(n).cmi
        with monkeypatch.context() as patch:
            patch.setattr(gibbs_cmi, "_by_list", gibbs_cmi._by_counts)
            assert model.exact_cmi(n).cmi == pytest.approx(wanted, rel=1e-12)
    # Blocks of a single supersample.
    wanted = model.exact_cmi(4).cmi
    monkeypatch.setattr(gibbs_cmi, "_CELLS", 1)
    assert model.exact_cmi(4).cmi == pytest.approx(wanted, rel=1e-12)
    cmi, _ = _cmi_by_sequences(model.loss_matrix.tolist(), list(model.p_z), [1 / 3] * 3, 3.0, 2)
    assert model.exact_cmi(2).cmi == pytest.approx(cmi, rel=1e-11)


def test_differences_that_rounding_splits_are_one_level() -> None:
    # 0.3 - 0.2 and 0.2 - 0.1 differ in the last digit; apart they would say which outcome it was.
    found = GibbsAlgorithm([[0.1, 0.2, 0.3]], [0.3, 0.4, 0.3], None, 1.0).exact_cmi(2)
    assert found.difference_law.shape == (5, 2)
    assert found.ldmi == pytest.approx(0.0, abs=1e-15)


# ------------------------------------------------------------------------------------ gibbs_bound
def test_gibbs_bound_values() -> None:
    plain = gibbs_bound(2.0, 0.5, 3)
    assert plain.value == pytest.approx(1.0 / 3.0)
    assert (plain.nature, plain.sense, plain.vacuous) == ("bound", "expectation", False)
    assert gibbs_bound(2.0, 0.5, 3, contraction=0.25).value == pytest.approx(1.0 / 12.0)
    assert gibbs_bound(2.0, 0.5, 3, lautum_ratio=1.0).value == pytest.approx(1.0 / 6.0)
    both = gibbs_bound(2.0, 0.5, [3, 30], contraction=0.25, lautum_ratio=1.0)
    assert both.value == pytest.approx([1.0 / 24.0, 1.0 / 240.0])
    assert any("labels carry no information" in text for text in both.assumptions)
    assert not any("labels carry no information" in text for text in plain.assumptions)
    assert any("2 sigma" in text for text in plain.assumptions)
    assert gibbs_bound(0.0, 0.5, 3).value == 0.0


def test_gibbs_bound_holds_with_the_lautum_ratio_of_the_example() -> None:
    found = WORKED.exact(3)
    assert found.gen <= gibbs_bound(2.0, 0.5, 3, lautum_ratio=found.lautum / found.mi).value


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 10.0), st.floats(0.1, 2.0), st.integers(1, 1000), st.floats(0.0, 1.0), st.floats(0.0, 5.0))
def test_gibbs_bound_is_monotone(alpha: float, sigma: float, n: int, kappa: float, ratio: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VacuousBoundWarning)
        value = gibbs_bound(alpha, sigma, n, kappa, ratio).value
        assert gibbs_bound(2 * alpha, sigma, n, kappa, ratio).value >= value
        assert gibbs_bound(alpha, 2 * sigma, n, kappa, ratio).value >= value
        assert gibbs_bound(alpha, sigma, n + 1, kappa, ratio).value <= value
        assert gibbs_bound(alpha, sigma, n, 1.0, ratio).value >= value
        assert gibbs_bound(alpha, sigma, n, kappa, ratio + 1.0).value <= value


def test_a_vacuous_bound_warns_and_says_so() -> None:
    with pytest.warns(VacuousBoundWarning, match="Gibbs bound is vacuous"):
        found = gibbs_bound(100.0, 0.5, 10)
    assert found.vacuous is True
    with pytest.warns(VacuousBoundWarning, match="vacuous in part"):
        assert gibbs_bound(100.0, 0.5, [10, 1000]).vacuous.tolist() == [True, False]


# -------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 1], [1, np.nan]], P, None, 1.0), "loss_matrix must be finite"),
        (([0, 1], P, None, 1.0), "loss_matrix must be 2-dimensional"),
        ((np.zeros((0, 2)), P, None, 1.0), "one or more rows and columns"),
        ((LOSS, [0.6, 0.3], None, 1.0), "p_z"),
        ((LOSS, [1.2, -0.2], None, 1.0), "p_z must be non-negative"),
        ((LOSS, [0.2, 0.3, 0.5], None, 1.0), r"p_z must be one probability per column .* 2 in all, got shape \(3,\)"),
        ((LOSS, P, [1.0], 1.0), r"prior must be one probability per row"),
        ((LOSS, P, None, -1.0), "alpha must be a number >= 0, got -1"),
        ((LOSS, P, None, np.nan), "alpha must be"),
        ((LOSS, P, None, 1e301), "alpha times the range"),
    ],
)
def test_impossible_models_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        GibbsAlgorithm(*arguments)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="n must be an integer from 1"):
        WORKED.exact(0)
    with pytest.raises(InputTypeError, match="n must be an integer"):
        WORKED.exact(2.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"at most 2000000 types of samples, got 2000001"):
        WORKED.exact(2_000_000)
    with pytest.raises(InputError, match=r"types of supersamples and selections, got 171716665 for n = 1008"):
        WORKED.exact_cmi(1008)
    with pytest.raises(InputError, match="counts must be 2 non-negative counts"):
        WORKED.posterior([1, -1])
    with pytest.raises(InputError, match="at most 10000000 loss differences"):
        GibbsAlgorithm(np.zeros((8, 1400)), np.full(1400, 1 / 1400), None, 1.0).exact_cmi(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": -1.0}, "alpha must be numbers >= 0"),
        ({"sigma": 0.0}, "sigma must be a positive number"),
        ({"n": 0}, "n must be a whole number >= 1, got 0"),
        ({"n": 2.5}, "n must be a whole number"),
        ({"contraction": 1.5}, r"contraction must be numbers in \[0, 1\], got 1.5"),
        ({"lautum_ratio": -0.1}, "lautum_ratio must be"),
        ({"alpha": [1.0, 2.0], "n": [1, 2, 3]}, "matching shapes"),
    ],
)
def test_impossible_bounds_are_refused(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gibbs_bound(**{"alpha": 1.0, "sigma": 0.5, "n": 10, **change})
