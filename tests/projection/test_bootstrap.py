"""The bootstrap: reproducible, and every interval recomputed from what the result stores."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

from infostat.core.errors import DataError
from infostat.core.rng import as_seed_sequence, child_generator
from infostat.families.multivariate_normal import MultivariateNormal
from infostat.families.normal import Normal
from infostat.families.product import ProductFamily
from infostat.projection import BootstrapResult, PNCriterion, pn_criterion
from infostat.projection.evaluation import Options, evaluate
from infostat.projection.intervals import Replicates, bootstrap_interval
from infostat.projection.planning import required_n
from tests.projection.oracles import skewed_rows

pytestmark = pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")
LAPLACE = np.random.default_rng(0).laplace(size=120)
QUANTITIES = ("T0", "risk1", "n_required_order1", "risk2", "n_required_order2")


def _boot(data: Any = LAPLACE, family: Any = "normal", **options: Any) -> PNCriterion:
    return pn_criterion(data, family, **{"bootstrap": 99, "rng": 7} | options)


def _of(found: PNCriterion) -> BootstrapResult:
    assert found.bootstrap is not None
    return found.bootstrap


# ----------------------------------------------------------------------------- reproducibility
def test_same_numbers_for_every_execution() -> None:
    reference = _of(_boot())
    for options in ({"n_jobs": 1}, {"n_jobs": 2}, {"batch_size": 1}, {"n_jobs": 2, "batch_size": 3}):
        assert _of(_boot(**options)) == reference
    assert _of(_boot(rng=np.random.SeedSequence(7))) == reference
    assert _of(_boot(rng=8)) != reference


def test_a_longer_bootstrap_begins_with_the_shorter_one() -> None:
    short, long = _of(_boot(bootstrap=48)), _of(_boot(bootstrap=80))
    np.testing.assert_array_equal(long.terms[:48], short.terms)


@pytest.mark.parametrize("rng", [None, np.random.default_rng(3), np.random.SeedSequence(5, spawn_key=(1, 2))])
def test_the_seed_is_kept_and_gives_the_same_resamples_again(rng: Any) -> None:
    first = _of(_boot(bootstrap=40, rng=rng))
    again = _of(_boot(bootstrap=40, rng=first.seed))
    assert again == first


def test_integer_seed_is_stored_as_it_is() -> None:
    assert _of(_boot(bootstrap=5, rng=7)).seed == 7


def test_global_random_state_is_left_alone() -> None:
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002 (the legacy state is what is watched)
    _boot(bootstrap=5, rng=None)
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


def test_progress_callable_sees_every_step() -> None:
    seen: list[tuple[int, int]] = []
    _boot(progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (99, 99)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {99}


def test_progress_goes_to_stderr_or_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    _boot(bootstrap=20)
    assert capsys.readouterr() == ("", "")
    _boot(bootstrap=20, progress=True)
    assert capsys.readouterr().out == ""


# ------------------------------------------------------------------------ interval recomputation
def _functionals(terms: np.ndarray, n: float, threshold: float) -> dict[str, np.ndarray]:
    a1, a2 = terms[:, 0] / 2, terms[:, 1:] @ np.array([-8.0, 9.0, -3.0]) / 24
    need2 = [required_n(x, y, threshold).order2 for x, y in zip(a1, a2, strict=True)]
    return {
        "T0": terms[:, 0],
        "risk1": a1 / n,
        "risk2": a1 / n + a2 / n**2,
        "n_required_order1": a1 / threshold,
        "n_required_order2": np.array(need2),
    }


def _log_t(value: float, values: np.ndarray, found: PNCriterion, tail: float) -> tuple[float, float]:
    boot = _of(found)
    T0 = found.terms.T0 if found.terms.T0_plugin is None else found.terms.T0_plugin
    t = np.log(values / value) / (boot.T0_se / boot.terms[:, 0])
    low, high = np.quantile(t, [tail, 1 - tail], method="weibull")  # the (B + 1) q rule
    relative = found.terms.T0_se / T0
    return value * math.exp(-high * relative), value * math.exp(-low * relative)


CASES: list[tuple[Any, Any]] = [
    (LAPLACE, "normal"),
    (np.random.default_rng(1).gamma(2.0, size=80), "gamma"),
    (skewed_rows(1, 80, 2), "mvn"),
    (np.column_stack([LAPLACE, np.exp(LAPLACE / 4)]), ProductFamily(["normal", "gamma"])),
]


@pytest.mark.parametrize(("data", "family"), CASES, ids=["normal", "gamma", "mvn", "product"])
@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("interval", ["bootstrap-t", "percentile"])
def test_intervals_by_direct_recomputation(data: Any, family: Any, level: float, interval: str) -> None:
    found = _boot(data, family, confidence_level=level, interval=interval)
    boot = _of(found)
    assert (boot.interval_method, boot.confidence_level, boot.n_resamples) == (interval, level, 99)
    assert set(boot.intervals) == set(QUANTITIES)
    assert boot.terms.shape == (99, 4)
    tail = (1 - level) / 2
    sample = np.array([[found.terms.T0, found.terms.T1, found.terms.T2, found.terms.T3]])
    values = {k: float(v[0]) for k, v in _functionals(sample, found.n, found.threshold).items()}
    for name, replicates in _functionals(boot.terms, found.n, found.threshold).items():
        if interval == "percentile":
            low, high = np.quantile(replicates, [tail, 1 - tail], method="weibull")
        else:
            low, high = _log_t(values[name], replicates, found, tail)
        if name.startswith("n_required"):
            # the tie rule shrinks by 1e-9 before rounding up
            low, high = math.ceil(low * (1 - 1e-9)), math.ceil(high * (1 - 1e-9))
        np.testing.assert_allclose(boot.intervals[name], (low, high), rtol=1e-8, err_msg=name)


def test_order_one_resamples_first_order_only() -> None:
    first, second = _boot(order=1), _boot(order=2)
    assert set(_of(first).intervals) == {"T0", "risk1", "n_required_order1"}
    np.testing.assert_allclose(_of(first).terms[:, 0], _of(second).terms[:, 0], rtol=1e-12)
    assert np.isnan(_of(first).terms[:, 1:]).all()
    for name, ends in _of(first).intervals.items():
        np.testing.assert_allclose(ends, _of(second).intervals[name], rtol=1e-9)
    assert first.risk2 == second.risk2


def test_intervals_do_not_depend_on_the_bias_correction() -> None:
    plain = _of(_boot())
    for correction in ("analytic", "jackknife"):
        assert _of(_boot(bias_correction=correction)).intervals == plain.intervals


def test_resampled_terms_are_those_of_resampled_rows() -> None:
    """Block 0 of the seed draws its resamples one after the other; each is refitted."""
    boot = _of(_boot(bootstrap=10))
    generator = child_generator(as_seed_sequence(7), 0)
    for k in range(10):
        rows = LAPLACE[generator.integers(0, 120, size=120)]
        fresh = evaluate(Normal(), rows, np.full(120, 1 / 120), Options(120.0))
        np.testing.assert_allclose(boot.terms[k], fresh.terms, rtol=1e-10)
        assert boot.T0_se[k] == pytest.approx(fresh.se, rel=1e-10)


def test_pass_fraction_counts_passing_resamples() -> None:
    for order in (1, 2):
        found = _boot(order=order)
        values = _functionals(_of(found).terms, found.n, found.threshold)["risk1" if order == 1 else "risk2"]
        assert _of(found).pass_fraction == np.sum(values <= found.threshold * (1 + 1e-9)) / 99


def test_verdict_follows_from_the_interval() -> None:
    seen = set()
    for n in (40, 65, 90, 120, 2000):
        x = np.random.default_rng(n).laplace(size=n)
        found = _boot(x, bootstrap=99)
        low, high = _of(found).intervals["risk2"]
        assert low < found.risk2 < high
        expected = (
            "sufficient" if high <= found.threshold else "insufficient" if low > found.threshold else "borderline"
        )
        assert found.verdict == expected
        seen.add(found.verdict)
    assert seen == {"sufficient", "insufficient", "borderline"}


# --------------------------------------------------------------------------- boundary resamples
@pytest.mark.parametrize(
    ("data", "family"),
    [
        ([0, 0, 0, 0, 0, 0, 1, 1], "bernoulli"),
        ([0, 1, 2, 3, 0, 1, 2, 0], "categorical"),
        ([0.0, 0.0, 0.0, 1.0, 2.0], "poisson"),
        ([0.1, 0.1, 0.1, 0.7], "normal"),
        ([0.1, 0.1, 0.1, 0.7], "gamma"),
        ([0.1, 0.1, 0.1, 0.7], "beta"),
        ([0.1, 0.1, 0.1, 0.7], "vonmises"),
        (np.random.default_rng(1).normal(size=(5, 3)) + 10, "mvn"),
        (np.repeat(np.random.default_rng(2).normal(size=(5, 3)) + 0.1, 2, axis=0), "mvn"),  # many rows, few points
        (np.column_stack([[0.1, 0.1, 0.1, 0.7], [1.0, 2.0, 3.0, 4.0]]), "mvn_diagonal"),
        (np.column_stack([[0.1, 0.1, 0.1, 0.7], [1.0, 2.0, 3.0, 4.0]]), ProductFamily(["normal", "gamma"])),
    ],
    ids=str,
)
def test_boundary_resamples_are_failures(data: Any, family: Any) -> None:
    """The resamples without an estimate are known in advance: recount them from the seed."""
    found = _boot(data, family, bootstrap=80)
    boot = _of(found)
    rows = np.asarray(data)
    m = len(rows)
    boundary = 0
    for block in range(5):
        generator = child_generator(as_seed_sequence(7), block)
        for _ in range(16):
            chosen = rows[generator.integers(0, m, size=m)]
            boundary += _on_boundary(chosen, rows, family)
    assert boot.n_boundary == boundary > 0
    assert "boundary_resamples" in found.flags
    assert len(boot.terms) == len(boot.T0_se) == 80 - boundary
    assert np.isfinite(boot.terms).all()
    values = _functionals(boot.terms, found.n, found.threshold)["risk2"]
    assert boot.pass_fraction == np.sum(values <= found.threshold * (1 + 1e-9)) / 80
    assert boot.pass_fraction <= 1 - boundary / 80


def _on_boundary(chosen: np.ndarray, rows: np.ndarray, family: Any) -> bool:
    if family == "categorical":
        return len(np.unique(chosen)) < len(np.unique(rows))
    if family == "poisson":
        return bool(chosen.max() == 0)
    if family == "mvn":
        return len(np.unique(chosen, axis=0)) <= rows.shape[1]
    if chosen.ndim == 2:
        return any(len(np.unique(column)) == 1 for column in chosen.T)
    return len(np.unique(chosen)) == 1


def test_points_that_span_no_volume_are_never_accepted() -> None:
    """Three points in three dimensions, each twice: only rounding can make the covariance definite."""
    rng = np.random.default_rng(4)
    family = MultivariateNormal(n_vars=3)
    for _ in range(150):
        points = rng.normal(size=(3, 3)) @ rng.normal(size=(3, 3)) + 10 * rng.normal(size=3)
        for method in ("auto", "tensor"):
            with pytest.raises(DataError):
                evaluate(family, np.repeat(points, 2, axis=0), np.full(6, 1 / 6), Options(6.0, method=method))


def test_saturated_model_has_percentile_intervals() -> None:
    """T0 of a saturated model has no standard error, so nothing can be studentised with it."""
    x = (np.random.default_rng(2).random(60) < 0.3).astype(float)
    found, percentile = _boot(x, "bernoulli"), _boot(x, "bernoulli", interval="percentile")
    assert _of(found).interval_method == "percentile"
    assert _of(found).intervals == _of(percentile).intervals
    low, high = _of(found).intervals["T0"]
    assert low == pytest.approx(60 / 59, rel=1e-12)
    assert high == pytest.approx(60 / 59, rel=1e-12)
    low, high = _of(found).intervals["risk2"]
    assert low < found.risk2 < high < 2 * found.risk2


# ------------------------------------------------------------------- the interval function itself
def _replicates(T0_b: Any, se_b: Any, method: str = "bootstrap-t", se: float = 0.5) -> Replicates:
    return Replicates(2.0, se, np.asarray(T0_b, float), np.asarray(se_b, float), 0.9, method)


def test_resamples_without_an_error_stay_out_of_the_quantiles() -> None:
    rng = np.random.default_rng(3)
    T0_b, se_b = rng.uniform(1, 3, 50), rng.uniform(0.2, 0.8, 50)
    clean = bootstrap_interval(2.0, T0_b, _replicates(T0_b, se_b))
    T0_more, se_more = np.append(T0_b, [9.0, 0.01]), np.append(se_b, [0.0, 0.0])
    assert bootstrap_interval(2.0, T0_more, _replicates(T0_more, se_more)) == clean


def test_no_usable_resample_gives_the_whole_half_line() -> None:
    assert bootstrap_interval(2.0, np.ones(3), _replicates(np.ones(3), np.zeros(3))) == (0.0, math.inf)


def test_extreme_t_values_overflow_to_infinity_in_silence() -> None:
    low, high = bootstrap_interval(2.0, np.array([1e-3, 4.0]), _replicates([1e-3, 4.0], [1e-8, 1e-8]))
    assert (low, high) == (0.0, math.inf)


def test_resamples_below_zero_push_the_upper_end_to_infinity() -> None:
    """A second-order risk can be negative in a resample: log t is minus infinity there."""
    T0_b, se_b = np.linspace(1, 3, 19), np.full(19, 0.4)
    values = np.where(np.arange(19) < 3, -1.0, T0_b)
    low, high = bootstrap_interval(2.0, values, _replicates(T0_b, se_b))
    assert high == math.inf
    assert 0 < low < 2


def test_functional_without_a_logarithm_gets_percentiles() -> None:
    values = np.linspace(-1, 1, 99)
    low, high = bootstrap_interval(-0.5, values, _replicates(np.ones(99), np.ones(99)))
    assert (low, high) == pytest.approx(tuple(np.quantile(values, [0.05, 0.95], method="weibull")))
