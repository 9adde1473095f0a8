"""Table divergences: printed numbers, boundary rules, options, bad input, bulk against cells."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.errors import InputError, InputTypeError
from infostat.divergences import row_kernels as rk
from infostat.divergences import table_divergences as td
from infostat.divergences import table_engine
from infostat.divergences.generators import GENERATORS, generator
from infostat.divergences.probability_tables import in_base, read_pair, read_rows

from .pmfs import FORMULAS, pmf_pairs

P, Q = (0.5, 0.3, 0.2), (0.2, 0.5, 0.3)
FUNCTIONS = [
    pytest.param(td.kl, "kl", (), id="kl"),
    pytest.param(td.reverse_kl, "reverse_kl", (), id="reverse_kl"),
    pytest.param(td.jeffreys, "jeffreys", (), id="jeffreys"),
    pytest.param(td.js, "js", (0.3,), id="js"),
    pytest.param(td.alpha, "alpha", (1.5,), id="alpha"),
    pytest.param(td.alpha, "alpha", (-0.5,), id="alpha-negative"),
    pytest.param(td.pearson, "pearson", (), id="pearson"),
    pytest.param(td.neyman, "neyman", (), id="neyman"),
    pytest.param(td.hellinger, "hellinger", (), id="hellinger"),
    pytest.param(td.le_cam, "le_cam", (), id="le_cam"),
    pytest.param(td.tv, "tv", (), id="tv"),
    pytest.param(td.hockey_stick, "hockey_stick", (1.5,), id="hockey_stick"),
]
every = pytest.mark.parametrize(("function", "kind", "more"), FUNCTIONS)


def test_every_entry_has_a_function() -> None:
    assert {param.values[1] for param in FUNCTIONS} == set(GENERATORS) <= set(td.__all__)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (td.kl(P, Q), ".223804657186"),
        (td.kl(Q, P), ".193794197941"),
        (td.reverse_kl(P, Q), ".193794197941"),
        (td.jeffreys(P, Q), ".417598855126"),
        (td.js(P, Q), ".0508746125396"),
        (td.js(P, Q, 0.3), ".0440819884822"),
        (td.pearson(P, Q), ".563333333333"),
        (td.neyman(P, Q), ".363333333333"),
        (td.hellinger(P, Q), ".0515249250841"),
        (td.tv(P, Q), ".3"),
        (td.le_cam(P, Q), ".0992857142857"),
        (td.alpha(P, Q, 0.5), ".206099700336"),
        (td.alpha(P, Q, 1.5), ".248330309333"),
        (td.alpha(P, Q, 3), ".386981481481"),
        (td.alpha(P, Q, -1), ".181666666667"),
        (td.hockey_stick(P, Q, 2), ".1"),
    ],
)
def test_worked_numbers(value: float, printed: str) -> None:
    assert type(value) is float
    assert abs(value - float(printed)) <= 0.5 * 10.0 ** -len(printed[1:].rstrip()) + 1e-15


def test_exact_relations_of_the_alpha_family() -> None:
    assert td.alpha(P, Q, 1) == td.kl(P, Q) and td.alpha(P, Q, 0) == td.reverse_kl(P, Q)
    assert td.alpha(P, Q, 2) == pytest.approx(td.pearson(P, Q) / 2, rel=1e-14)
    assert td.alpha(P, Q, math.inf) == math.inf and td.alpha(P, P, math.inf) == 0.0


@every
def test_boundary_rules(function, kind: str, more: tuple) -> None:
    gen = generator(kind, **dict(zip([GENERATORS[kind].parameter], more, strict=False)))
    with np.errstate(all="raise"):
        disjoint = function([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], *more)
        assert disjoint == gen.f0 + gen.df_inf
        # one cell where both are positive, one where P is 0, one where Q is
        mixed = function([0.5, 0.0, 0.5, 0.0], [0.25, 0.75, 0.0, 0.0], *more)
    wanted = 0.25 * gen.f(2.0) + 0.75 * gen.f0 + 0.5 * gen.df_inf
    assert mixed == pytest.approx(wanted, rel=1e-15)
    assert function([0.3, 0.7, 0.0], [0.3, 0.7, 0.0], *more) == 0.0


def test_inf_rows_do_not_touch_the_others() -> None:
    values = td.kl([[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.25, 0.75]])
    assert values[0] == math.inf and values[1] == pytest.approx(scipy.stats.entropy([0.5, 0.5], [0.25, 0.75]))


@pytest.mark.parametrize("step", [1e-1, 1e-3, 1e-6, 1e-9, 1e-13])
@every
def test_small_divergences_keep_their_digits(function, kind: str, more: tuple, step: float) -> None:
    # Multiples of 2^-60 below 2^-7 are exact doubles, so both rows sum to one exactly.
    shift = round(step * 2.0**53) * 2.0**-60
    p = np.array([0.25 + shift, 0.5 - 3 * shift, 0.25 + 2 * shift])
    q = np.array([0.25, 0.5, 0.25])
    gen = generator(kind, **dict(zip([GENERATORS[kind].parameter], more, strict=False)))
    with mp.workdps(60):
        x, y = [mp.mpf(v) for v in p], [mp.mpf(v) for v in q]
        wanted = float(
            sum(b * FORMULAS[kind](a / b, mp.mpf(gen.parameter)) for a, b in zip(x, y, strict=True))
        )
    assert function(p, q, *more) == pytest.approx(wanted, rel=1e-13, abs=0.0)


@pytest.mark.parametrize("order", [1e-12, -1e-9, 0.05, 1 - 1e-9, 1 + 1e-6, 0.95, 1.1, 7.0])
def test_alpha_near_its_limits_against_50_digits(order: float) -> None:
    with mp.workdps(50):
        a = mp.mpf(order)
        total = sum(
            mp.mpf(p) ** a * mp.mpf(q) ** (1 - a) - a * mp.mpf(p) + (a - 1) * mp.mpf(q)
            for p, q in zip(P, Q, strict=True)
        )
        wanted = float(total / (a * (a - 1)))
    assert td.alpha(P, Q, order) == pytest.approx(wanted, rel=5e-15)


@settings(deadline=None, max_examples=60)
@given(pair=pmf_pairs())
def test_scipy_oracles(pair: tuple[np.ndarray, np.ndarray]) -> None:
    p, q = pair
    kl = scipy.special.kl_div(p, q).sum()
    # scipy forms p log(p/q) - p + q with an error of eps (p + q) per cell.
    assert td.kl(p, q) == pytest.approx(kl, rel=1e-13, abs=1e-15)
    assert td.kl(p, q) == pytest.approx(scipy.special.rel_entr(p, q).sum(), rel=1e-13, abs=1e-15)
    middle = (p + q) / 2
    js = (scipy.special.rel_entr(p, middle).sum() + scipy.special.rel_entr(q, middle).sum()) / 2
    assert td.js(p, q) == pytest.approx(js, rel=1e-13, abs=1e-15)
    assert td.hellinger(p, q) == pytest.approx(
        ((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2, abs=1e-15, rel=1e-9
    )


@pytest.mark.parametrize("lambda_", [-1.0, -0.5, 0.0, 2 / 3, 1.0, 2.0])
def test_cressie_read_is_alpha(lambda_: float) -> None:
    observed, expected = np.array([12.0, 30.0, 58.0]), np.array([20.0, 30.0, 50.0])
    statistic = scipy.stats.power_divergence(observed, expected, lambda_=lambda_).statistic
    assert statistic == pytest.approx(
        2 * 100 * td.alpha(observed, expected, lambda_ + 1, normalize="yes"), rel=1e-12
    )


def test_generalised_divergence_of_measures() -> None:
    p, q = [3.0, 0.5], [1.0, 2.0]
    assert td.kl(p, q, normalize="no") == pytest.approx(scipy.special.kl_div(p, q).sum(), rel=1e-15)
    assert td.reverse_kl(p, q, normalize="no") == pytest.approx(scipy.special.kl_div(q, p).sum(), rel=1e-15)


# --- options -----------------------------------------------------------------------------------


@every
def test_axis_base_and_broadcasting(function, kind: str, more: tuple) -> None:
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(9), 6), rng.dirichlet(np.ones(9))
    values = function(p, q, *more)
    assert values.shape == (6,) and values.dtype == np.float64
    one = [function(row, q, *more) for row in p]
    assert np.allclose(values, one, rtol=1e-14, atol=0)
    assert np.allclose(
        function(p.T, np.broadcast_to(q[:, None], (9, 6)), *more, axis=0), values, rtol=1e-14, atol=0
    )
    assert np.allclose(function(p, q, *more, base=2), values / math.log(2), rtol=1e-15, atol=0)
    table = function(p[:, None], p[None, :], *more)
    assert table.shape == (6, 6) and table[2, 4] == pytest.approx(function(p[2], p[4], *more), rel=1e-14)
    # a middle axis, and leading axes of which one broadcasts
    cube = rng.dirichlet(np.ones(4), (2, 3))
    moved = function(np.moveaxis(cube, -1, 1), np.moveaxis(cube[:1], -1, 1), *more, axis=1)
    assert np.allclose(moved, function(cube, cube[:1], *more), rtol=1e-14, atol=0)


@every
def test_logits(function, kind: str, more: tuple) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(4, 7)) * 3, rng.normal(size=7)
    p, q = scipy.special.softmax(x, axis=-1), scipy.special.softmax(y)
    assert np.allclose(function(x, y, *more, logits=True), function(p, q, *more), rtol=1e-12, atol=1e-15)
    # -inf is probability zero
    x, y = np.array([0.0, -np.inf, 1.0]), np.array([1.0, 0.0, -np.inf])
    p, q = scipy.special.softmax(x), scipy.special.softmax(y)
    assert function(x, y, *more, logits=True) == pytest.approx(function(p, q, *more), rel=1e-14)


def test_logits_survive_underflow() -> None:
    x, y = [0.0, -1.0], [0.0, -2000.0]
    p = scipy.special.softmax(x)
    # KL = p0 log p0 + p1 (log p1 + 2000), with Q's masses 1 and e^-2000
    assert td.kl(x, y, logits=True) == pytest.approx(-scipy.stats.entropy(p) + p[1] * 2000.0, rel=1e-14)
    assert td.reverse_kl(x, y, logits=True) == pytest.approx(-math.log(p[0]), rel=1e-14)
    # q = e^-900 underflows, p^2/q = e^-100 does not.
    assert td.pearson([0.0, -500.0], [0.0, -900.0], logits=True) == pytest.approx(math.exp(-100.0), rel=1e-12)
    assert td.alpha([0.0, -500.0], [0.0, -900.0], 2.0, logits=True) == pytest.approx(
        math.exp(-100.0) / 2, rel=1e-12
    )
    far = td.js([0.0, -800.0, -800.0], [0.0, -800.0, -801.0], logits=True)
    assert far == 0.0


def test_normalize_options() -> None:
    assert td.kl([5, 3, 2], [2, 5, 3], normalize="yes") == pytest.approx(td.kl(P, Q), rel=1e-15)
    with pytest.raises(InputError, match="normalize must be one of 'check', 'yes', 'no', got 'maybe'"):
        td.kl(P, Q, normalize="maybe")


def test_single_precision_is_accepted_at_its_own_rounding() -> None:
    rng = np.random.default_rng(0)
    p = scipy.special.softmax(rng.normal(size=(5, 1000)).astype(np.float32), axis=-1)
    q = scipy.special.softmax(rng.normal(size=(5, 1000)).astype(np.float32), axis=-1)
    assert p.dtype == np.float32
    values = td.kl(p, q)
    exact = td.kl(p.astype(float), q.astype(float), normalize="yes")
    assert values.dtype == np.float64 and np.array_equal(values, exact)
    assert td.kl(pd.DataFrame(p), pd.DataFrame(q)) == pytest.approx(values, rel=1e-15)


def test_frames_series_lists_and_inputs_left_alone() -> None:
    frame = pd.DataFrame([P, Q], columns=list("abc"))
    series = pd.Series(Q, index=list("abc"))
    assert td.kl(frame, series)[0] == td.kl(list(P), list(Q))
    p = np.array([0.2, 0.8])
    p.setflags(write=False)
    td.js(p, [0.5, 0.5], normalize="yes")
    assert p.tolist() == [0.2, 0.8]


def test_labels_in_another_order_are_refused() -> None:
    first, second = pd.Series(P, index=list("abc")), pd.Series((0.3, 0.2, 0.5), index=list("cab"))
    with pytest.raises(
        InputError, match="same categories in the same order, got the same labels in another order"
    ):
        td.kl(first, second)
    assert td.kl(first, second.reindex(first.index)) == td.kl(P, Q)
    assert td.kl(first, pd.Series(Q)) == td.kl(P, Q)


# --- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "q", "options", "message"),
    [
        (
            [0.5, 0.6, -0.1],
            Q,
            {},
            r"P must be non-negative, got 1 negative values \(smallest -0.1\) in the row",
        ),
        (P, [0.5, np.nan, 0.5], {}, "Q must not hold NaN, got 1 NaN in the row"),
        (P, [0.5, np.inf, 0.5], {}, "Q must be finite"),
        (
            [[0.5, 0.5], [0.5, 0.4], [0.6, 0.7]],
            [0.5, 0.5],
            {},
            r"got 2 that do not; the worst: row 2 sums to 1.3",
        ),
        (P, [0.5, 0.5, 1e-7], {}, "the sum is 1.0000001; pass normalize='yes'"),
        (
            [[1, 0], [0, 0]],
            [0.5, 0.5],
            {"normalize": "yes"},
            "P must have positive mass in every row, got row 1 of zeros",
        ),
        ([0, 0], [0.5, 0.5], {"normalize": "no"}, "P must have positive mass"),
        (P, [0.5, 0.5], {}, r"same number of categories along axis -1, got 3 and 2"),
        (
            np.full((3, 2), 0.5),
            np.full((4, 2), 0.5),
            {},
            r"must broadcast apart from axis -1, got shapes \(3, 2\)",
        ),
        (P, Q, {"axis": 1}, r"axis must be an axis of P, from -1 to 0, got 1"),
        (P, Q, {"base": 1}, "base must be a number > 1"),
        (0.5, 0.5, {}, "at least one axis, got one number"),
        (np.ones((2, 0)), np.ones((2, 0)), {}, "at least one category"),
        (
            [0, np.nan],
            [0, 0],
            {"logits": True},
            "P must be finite or -inf where logits=True, got 1 NaN and 0 inf",
        ),
        (
            [0, 1],
            [np.inf, 0],
            {"logits": True},
            "Q must be finite or -inf where logits=True, got 0 NaN and 1 inf",
        ),
        ([-np.inf, -np.inf], [0, 0], {"logits": True}, "of -inf only"),
        ([-0.7, -0.7], [0.5, 0.5], {}, "pass logits=True for log-probabilities"),
    ],
)
def test_bad_tables(p, q, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        td.kl(p, q, **options)


@pytest.mark.parametrize("bad", [["a", "b"], [1j, 0], [None, 1.0], {"a": 1}])
def test_bad_types(bad) -> None:
    with pytest.raises(InputTypeError, match="P must be an array of real numbers"):
        td.kl(bad, [0.5, 0.5])


def test_bad_flag_and_weight() -> None:
    with pytest.raises(InputTypeError, match="logits must be True or False"):
        td.kl(P, Q, logits=1)
    with pytest.raises(InputError, match="weight must be"):
        td.js(P, Q, 0.0)
    with pytest.raises(InputError, match="kind must be one of"):
        td.f_divergence(P, Q, "chi2")


def test_empty_batch() -> None:
    assert td.kl(np.empty((0, 3)), Q).shape == (0,)


def test_worst_rows_are_listed_by_index() -> None:
    table = np.full((2, 3, 2), 0.5)
    table[1, 2, 0] = table[0, 1, 1] = np.nan
    with pytest.raises(InputError, match=r"got 2 NaN in rows \(0, 1\), \(1, 2\)"):
        read_rows("T", table)


# --- large tables ------------------------------------------------------------------------------


def awkward_tables(n_rows: int = 40, n_cells: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Rows with zeros on either side, equal rows, near-equal rows and ratios beyond 1e300."""
    rng = np.random.default_rng(1)
    p, q = rng.dirichlet(np.full(n_cells, 0.3), n_rows), rng.dirichlet(np.full(n_cells, 0.3), n_rows)
    p[3:9, :5] = 0.0
    q[6:12, 3:8] = 0.0
    q[12] = p[12]
    q[13] = p[13] * (1 + 1e-7 * rng.normal(size=n_cells))
    q[14] = p[14] * (1 + 1e-2 * rng.normal(size=n_cells))
    p[15, 0], q[15, 0] = 1e-310, 0.5
    p[16, 1], q[16, 1] = 0.5, 1e-310
    p[17, :3], q[17, :3] = (0.0, 1e-305, 0.2), (0.2, 0.1, 0.0)
    return p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)


@every
@pytest.mark.parametrize("disable", [False, True])
def test_bulk_path_equals_cells(
    function, kind: str, more: tuple, disable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    p, q = awkward_tables()
    cells = function(p, q, *more)
    if disable:
        monkeypatch.setenv("INFOSTAT_DISABLE_JIT", "1")
    monkeypatch.setattr(table_engine, "_BULK_CELLS", 1)
    monkeypatch.setattr(table_engine, "_BULK_BLOCK", 7 * p.shape[1])
    # Sums above the cancellation threshold 1e-2 carry about eps/1e-2.
    assert np.allclose(function(p, q, *more), cells, rtol=1e-13, atol=0.0)
    # columns as rows, one law against many, a strided table
    assert np.allclose(function(p.T, q.T, *more, axis=0), cells, rtol=1e-13, atol=0.0)
    assert np.allclose(
        function(p, q[20], *more), [function(row, q[20], *more) for row in p], rtol=1e-13, atol=0.0
    )
    assert np.allclose(function(p[::3], q[::3], *more), cells[::3], rtol=1e-13, atol=0.0)


@pytest.mark.parametrize("order", [-3.0, -1.0, 0.0, 1e-6, 0.5, 0.7, 1.0, 1.003, 2.0, 60.0])
def test_bulk_alpha_for_every_order(order: float, monkeypatch: pytest.MonkeyPatch) -> None:
    p, q = awkward_tables()
    cells = td.alpha(p, q, order)
    monkeypatch.setattr(table_engine, "_BULK_CELLS", 1)
    # The exponent (a-1) log r carries |a-1| |log r| eps, up to 60 * 30 eps where it matters.
    assert np.allclose(td.alpha(p, q, order), cells, rtol=1e-13 if abs(order) < 5 else 1e-12, atol=0.0)


@pytest.mark.parametrize("n_cells", [1, 3, 4, 7, 30])
def test_kernels_agree_with_their_twins(n_cells: int) -> None:
    p, q = awkward_tables(n_cells=30)
    p, q = np.ascontiguousarray(p[:, :n_cells]), np.ascontiguousarray(q[:, :n_cells])
    for kind, a in (
        (rk.KL, 0.0),
        (rk.JEFFREYS, 0.0),
        (rk.JS, 0.3),
        (rk.ALPHA, 1.7),
        (rk.ALPHA, 0.4),
        (rk.ALPHA, -0.6),
    ):
        mine, twin = (f(p, q, kind, a) for f in (rk.row_log_sums, rk.row_log_sums.twin))
        assert np.allclose(mine, twin, rtol=1e-12, atol=1e-14, equal_nan=True)
        assert np.allclose(
            rk.row_log_sums(p[:1], q, kind, a),
            rk.row_log_sums.twin(p[:1], q, kind, a),
            rtol=1e-12,
            atol=1e-14,
            equal_nan=True,
        )
    for kind in (rk.HELLINGER, rk.LE_CAM, rk.PEARSON, rk.TV):
        mine, twin = (f(p, q, kind) for f in (rk.row_plain_sums, rk.row_plain_sums.twin))
        assert np.allclose(mine, twin, rtol=1e-12, atol=0.0)


def test_a_million_cells_take_the_compiled_path() -> None:
    rng = np.random.default_rng(2)
    p, q = rng.dirichlet(np.ones(10), 100_000), rng.dirichlet(np.ones(10))
    assert np.allclose(td.kl(p, q), scipy.special.rel_entr(p, q).sum(-1), rtol=1e-12, atol=1e-14)


# --- several distributions -----------------------------------------------------------------------


def test_js_multi() -> None:
    assert td.js_multi([P, Q], [0.3, 0.7]) == pytest.approx(td.js(P, Q, 0.3), rel=1e-14)
    assert td.js_multi([P, P, P]) == pytest.approx(0.0, abs=1e-30)
    rng = np.random.default_rng(4)
    ps = rng.dirichlet(np.full(5, 0.4), (3, 8))
    ps[0, :, 0] = 0.0
    ps /= ps.sum(-1, keepdims=True)
    w = np.array([0.2, 0.5, 0.3])
    wanted = scipy.stats.entropy(np.tensordot(w, ps, 1), axis=-1) - np.tensordot(
        w, scipy.stats.entropy(ps, axis=-1), 1
    )
    values = td.js_multi(ps, w)
    assert values.shape == (8,) and np.allclose(values, wanted, rtol=1e-12)
    assert np.all(values <= scipy.stats.entropy(w))
    assert td.js_multi([[1, 0], [0, 1]], [1, 0]) == 0.0
    with pytest.raises(InputError, match="ps must be tables along the first axis"):
        td.js_multi(P)
    with pytest.raises(InputError, match="weights must have one entry"):
        td.js_multi([P, Q], [1, 1, 1])


def test_read_pair_and_base_helpers() -> None:
    pair = read_pair(np.full((3, 1, 2), 0.5), np.full((4, 2), 0.5))
    assert (pair.shape, pair.n_rows, pair.n_total) == ((3, 4), 12, 24)
    assert in_base(np.array(math.log(2)), 2) == 1.0


@settings(deadline=None, max_examples=40)
@given(pair=pmf_pairs(), scale=st.floats(0.1, 10.0))
def test_homogeneity(pair: tuple[np.ndarray, np.ndarray], scale: float) -> None:
    p, q = pair
    for kind in ("kl", "hellinger", "pearson", "js"):
        one = td.f_divergence(p, q, kind, normalize="no")
        assert td.f_divergence(scale * p, scale * q, kind, normalize="no") == pytest.approx(
            scale * one, rel=1e-6, abs=1e-15
        )
