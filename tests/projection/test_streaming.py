"""Data larger than memory: the numbers of a stream are those of the same rows in memory."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core import chunks
from infostat.core.errors import (
    BoundaryProjectionError,
    CollinearStatisticsError,
    ConstantStatisticError,
    DataError,
    HeavyTailWarning,
    InfostatWarning,
    InputError,
    InputTypeError,
    SupportError,
)
from infostat.families import Categorical, GenericFamily, MultivariateNormal, ProductFamily, TiltedBase
from infostat.projection import PNCriterion, pn_criterion, pn_sequence, streaming
from tests.families.examples import EXAMPLES

TERMS = ("T0", "T1", "T2", "T3")


def quiet(data: Any, family: Any, **options: Any) -> PNCriterion:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfostatWarning)
        return pn_criterion(data, family, **options)


def pieces(frame: pd.DataFrame, cuts: Sequence[int]) -> Iterator[pd.DataFrame]:
    ends = [0, *sorted(cuts), len(frame)]
    return (frame.iloc[i:j] for i, j in itertools.pairwise(ends))


def table(rows: Any) -> pd.DataFrame:
    array = np.asarray(rows)
    return pd.DataFrame(array, columns=[f"x{k + 1}" for k in range(1 if array.ndim == 1 else array.shape[1])])


def agree(stream: PNCriterion, memory: PNCriterion, rel: float) -> None:
    """Terms, risks, sample sizes, estimate, verdict and test of fit are the same to `rel`."""
    size = max(abs(getattr(memory.terms, name)) for name in TERMS)
    for name in TERMS:
        assert getattr(stream.terms, name) == pytest.approx(getattr(memory.terms, name), rel=rel, abs=rel * size)
    assert stream.risk1 == pytest.approx(memory.risk1, rel=rel)
    assert stream.theta is not None and memory.theta is not None
    np.testing.assert_allclose(stream.theta, memory.theta, rtol=rel, atol=rel * np.abs(memory.theta).max())
    assert (stream.n, stream.p, stream.verdict, stream.heavy_rows) == (
        memory.n, memory.p, memory.verdict, memory.heavy_rows,
    )  # fmt: skip
    assert stream.misfit.name == memory.misfit.name and stream.misfit.df == memory.misfit.df
    assert stream.misfit.value == pytest.approx(memory.misfit.value, rel=20.0 * rel, abs=1e-9)
    assert set(stream.flags) - {"streamed"} == set(memory.flags)


# ------------------------------------------------------------------------------ equal to in memory
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
@pytest.mark.parametrize("options", [{}, {"ddof": 0, "moments": "kstat"}], ids=["usual", "kstat"])
def test_every_family_gives_the_numbers_of_the_rows_in_memory(example: Any, options: dict[str, Any]) -> None:
    rows = np.asarray(example.data(np.random.default_rng(0)))
    memory = quiet(rows, example.family, **options)
    stream = quiet(pieces(table(rows), [7, 8, 8, 31]), example.family, **options)
    agree(stream, memory, 1e-11)
    assert stream.family == memory.family and stream.source == "generator"
    if memory.risk2_mc_se is not None:  # simulated: the Monte-Carlo error comes from the same moments
        assert stream.risk2_mc_se == pytest.approx(memory.risk2_mc_se, rel=1e-9)
        assert stream.sampler == memory.sampler


SKEWED = np.random.default_rng(5).gamma(2.0, size=(400, 3)) @ np.array([[1.0, 0.6, 0.0], [0.0, 1.0, -0.4], [0.0, 0, 1]])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5])
@pytest.mark.parametrize("family", ["mvn", "mvn_diagonal", "chain", "product"])
def test_a_shift_by_a_million_costs_no_digits(family: str, scale: float) -> None:
    # In memory columns are centred first: adding 1e6 rounds the data at 1e-10, nothing else is lost.
    models = {"chain": MultivariateNormal([(0, 1), (1, 2)]), "product": ProductFamily(["normal", "mvn"])}
    rows = (np.round(SKEWED, 6) + 1e6) * scale
    model = models.get(family, family)
    agree(quiet(pieces(table(rows), [5, 100]), model), quiet(rows, model), 1e-9)


def test_nearly_collinear_columns_cost_no_digits() -> None:
    # The moments of unscaled columns would lose the square of the condition number, here 1e5, of 16 digits.
    x = SKEWED.copy()
    x[:, 2] = x[:, 0] + x[:, 1] + 0.02 * x[:, 2]
    agree(quiet(pieces(table(x), [50]), "mvn"), quiet(x, "mvn"), 1e-9)


def test_gamma_data_of_small_relative_spread() -> None:
    # Shape about 1e6: log x and x are collinear but for 1e-6, which the condition number 1e7 says.
    x = 1e6 + 1000.0 * np.random.default_rng(2).normal(size=300)
    stream, memory = quiet(pieces(table(x), [40]), "gamma"), quiet(x, "gamma")
    for name in TERMS:
        assert getattr(stream.terms, name) == pytest.approx(getattr(memory.terms, name), rel=1e-6)
    assert "near_collinear" in stream.flags


def test_a_first_block_unlike_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    # Sorted data: location and scale of the first rows are those of the smallest values.
    monkeypatch.setattr(streaming.equal_blocks, "__defaults__", (16,))
    x = np.sort(np.random.default_rng(3).lognormal(2.0, 1.0, size=500))
    agree(quiet(pieces(table(x), [100]), "normal"), quiet(x, "normal"), 1e-9)


def test_rows_in_another_order() -> None:
    order = np.random.default_rng(1).permutation(len(SKEWED))
    one, other = quiet(pieces(table(SKEWED), [9]), "mvn"), quiet(pieces(table(SKEWED[order]), [200]), "mvn")
    for name in TERMS:
        assert getattr(other.terms, name) == pytest.approx(getattr(one.terms, name), rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), max_size=12), rows=st.sampled_from([50, 64, 1000]))
def test_the_cuts_of_an_iterator_do_not_change_a_bit(cuts: list[int], rows: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming.equal_blocks, "__defaults__", (rows,))
        whole = quiet(pieces(table(SKEWED), []), "mvn", bias_correction="jackknife")
        cut = quiet(pieces(table(SKEWED), cuts), "mvn", bias_correction="jackknife")
    assert cut.terms.to_dict() == whole.terms.to_dict()
    np.testing.assert_array_equal(cut.theta, whole.theta)


# ---------------------------------------------------------------------------------------- sources
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".npy", ".npz", ".jsonl"])
def test_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    frame = table(SKEWED)
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    elif suffix == ".npy":
        np.save(path, SKEWED)
    elif suffix == ".npz":
        np.savez(path, SKEWED)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        frame.to_csv(path, index=False)
    memory = quiet(path, "mvn")
    assert "streamed" not in memory.flags
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    stream = quiet(path, "mvn")
    agree(stream, memory, 1e-11)
    assert stream.source == memory.source == str(path) and stream.columns == memory.columns


def test_arrays_series_readers_and_record_batches_are_pieces(tmp_path: Path) -> None:
    memory = quiet(SKEWED[:, 0], "gamma")
    series = pd.Series(SKEWED[:, 0], name="x1")
    path = tmp_path / "rows.csv"
    series.to_csv(path, index=False)
    sources = [iter([SKEWED[:100, :1], SKEWED[100:, :1]]), iter([series[:30], series[30:]])]
    with pd.read_csv(path, chunksize=77) as reader:
        agree(quiet(reader, "gamma"), memory, 1e-11)
    for source in sources:
        agree(quiet(source, "gamma"), memory, 1e-11)
    pyarrow = pytest.importorskip("pyarrow")
    batches = pyarrow.Table.from_pandas(series.to_frame()).to_batches(max_chunksize=90)
    agree(quiet(iter(batches), "gamma"), memory, 1e-11)


def test_an_iterator_is_read_once() -> None:
    source = pieces(table(SKEWED), [100])
    quiet(source, "mvn")
    with pytest.raises(DataError, match="generator that yields nothing.*has been read before.*make a new one"):
        pn_criterion(source, "mvn")


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (zip([1.0, 2.0], [3.0, 4.0], strict=True), InputTypeError, "piece 0 .* got .1.0, 3.0.; collect rows"),
        (iter(SKEWED), InputTypeError, "2-dimensional array .* collect rows"),
        (iter(["a.csv"]), InputTypeError, "pass a path itself"),
        (iter([SKEWED, SKEWED[:, :2]]), DataError, "same columns"),
        (iter([SKEWED[:0]]), DataError, "at least 3 rows, got 0"),
        (iter([SKEWED[:2]]), DataError, "at least 3 rows, got 2"),
        (iter([]), DataError, "yields nothing"),
    ],
)
def test_iterators_that_are_no_tables(source: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        pn_criterion(source, "mvn")


def test_progress_counts_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(streaming.equal_blocks, "__defaults__", (150,))
    quiet(pieces(table(SKEWED), [99]), "mvn", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(150, 0), (300, 0), (400, 0)]
    path = tmp_path / "rows.npy"
    np.save(path, SKEWED)
    monkeypatch.setattr(chunks, "LARGE_FILE", 100)
    seen.clear()
    quiet(path, "mvn", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(150, 400), (300, 400), (400, 400)]


# ------------------------------------------------------------------------------- orders, corrections
@pytest.mark.parametrize("family", ["normal", "gamma", "poisson"])
def test_first_order_leaves_the_second_out(family: str) -> None:
    rows = np.random.default_rng(4).poisson(4.0, size=200) + 1.0
    memory, stream = quiet(rows, family), quiet(pieces(table(rows), [3]), family, order=1)
    assert stream.risk1 == pytest.approx(memory.risk1, rel=1e-12)
    assert stream.risk2 is None and stream.n_required_order2 is None and stream.validity_ratio is None
    assert np.isnan([stream.terms.T1, stream.terms.T2, stream.terms.T3]).all()
    assert stream.verdict == stream.verdict_order1 == memory.verdict_order1


def test_results_of_first_order_are_complete(tmp_path: Path) -> None:
    result = quiet(pieces(table(SKEWED), [3]), "mvn", order=1)
    assert "read in one pass" in str(result.summary()) and "enough" in result.interpretation
    row = result.to_frame().iloc[0]
    assert row["risk1"] == result.risk1 and pd.isna(row["risk2"]) and row["flags"].startswith("streamed")
    assert PNCriterion.from_dict(result.to_dict()).to_dict() == result.to_dict()
    result.save(tmp_path / "result.json")
    result.save(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0


@pytest.mark.parametrize("correction", ["jackknife", "analytic"])
@pytest.mark.parametrize("family", ["mvn", "gamma", "ising"])
def test_bias_corrections(correction: str, family: str) -> None:
    rows = SKEWED if family == "mvn" else SKEWED[:, 0] if family == "gamma" else (SKEWED > 1.5).astype(float)
    memory = quiet(rows, family, bias_correction=correction)
    stream = quiet(pieces(table(rows), [11, 137]), family, bias_correction=correction)
    assert stream.terms.T0_plugin == pytest.approx(memory.terms.T0_plugin, rel=1e-11)
    # The jackknife takes differences of T0 times 19.
    assert pytest.approx(memory.terms.T0, rel=1e-9) == stream.terms.T0
    assert stream.bias_correction == correction


def test_jackknife_of_fewer_rows_than_groups() -> None:
    rows = SKEWED[:15, 0]
    memory = quiet(rows, "normal", bias_correction="jackknife")
    stream = quiet(pieces(table(rows), [4]), "normal", bias_correction="jackknife")
    assert pytest.approx(memory.terms.T0, rel=1e-9) == stream.terms.T0


def test_jackknife_without_an_estimate_says_which_group() -> None:
    rows = np.zeros(40)
    rows[[3, 23]] = 1.0  # both in group 3
    with pytest.raises(DataError, match="none without group 3"):
        quiet(pieces(table(rows), [20]), "bernoulli", bias_correction="jackknife")


def test_finite_supports_are_counted_and_keep_the_standard_error() -> None:
    rows = np.random.default_rng(0).integers(0, 2, size=(300, 4))
    memory, stream = quiet(rows, "ising"), quiet(pieces(table(rows), [120]), "ising")
    assert stream.terms.T0_se == pytest.approx(memory.terms.T0_se, rel=1e-12)


def test_n_effective() -> None:
    memory = quiet(SKEWED, "mvn", n_effective=150.5)
    stream = quiet(pieces(table(SKEWED), [120]), "mvn", n_effective=150.5)
    agree(stream, memory, 1e-11)
    with pytest.raises(InputError, match="n_effective"):
        pn_criterion(pieces(table(SKEWED), []), "mvn", n_effective=1.0)


# --------------------------------------------------------------------------------- large models
WIDE = np.random.default_rng(8).gamma(4.0, size=(6000, 27))  # p = 27 * 30 / 2 = 405


def test_more_than_400_parameters_sample_one_term_only() -> None:
    memory = quiet(WIDE, "mvn")
    stream = quiet(pieces(table(WIDE), [2000]), "mvn", rng=1)
    assert stream.p == 405 and "second_order_subsampled" in stream.flags
    for name in ("T0", "T2", "T3"):  # from the covariance of the statistics: exact
        assert getattr(stream.terms, name) == pytest.approx(getattr(memory.terms, name), rel=1e-9)
    error = stream.terms.mc_se["T1"]
    # The subsample has 4096 of 6000 rows; five standard errors are missed once in a million.
    assert 0.0 < error < 0.2 * memory.terms.T1
    assert abs(stream.terms.T1 - memory.terms.T1) < 5.0 * error
    assert stream.risk2_mc_se == pytest.approx(error / 3.0 / stream.n**2, rel=1e-12)
    assert "subsample of 4096 rows" in " ".join(str(stream.summary()).split()) and "risk2_mc_se" in stream.to_frame()


def test_a_subsample_of_all_rows_has_no_error() -> None:
    memory, stream = quiet(WIDE[:2000], "mvn"), quiet(pieces(table(WIDE[:2000]), [300]), "mvn")
    agree(stream, memory, 1e-9)
    assert stream.risk2_mc_se is None


def test_the_subsample_is_seeded() -> None:
    one, same = (quiet(pieces(table(WIDE), cuts), "mvn", rng=1) for cuts in ([9], []))
    other = quiet(pieces(table(WIDE), []), "mvn", rng=2)
    assert one.terms.to_dict() == same.terms.to_dict() and one.terms.T1 != other.terms.T1


def test_categorical_with_more_than_400_levels() -> None:
    # A saturated model with nodes instead of a tensor: T1 of all rows, because there are fewer than 4096.
    rows = np.random.default_rng(1).permutation(np.r_[np.repeat(np.arange(420), 6), np.arange(300)])
    memory, stream = quiet(rows, "categorical"), quiet(pieces(table(rows), [1500]), Categorical(range(420)))
    agree(stream, memory, 1e-9)


# ------------------------------------------------------------------------------- simulated models
def _tilted() -> tuple[TiltedBase, np.ndarray]:
    from scipy import stats

    rng = np.random.default_rng(3)
    family = TiltedBase([stats.beta(2, 3), ([1, 2, 3], [0.2, 0.5, 0.3])], [(0, 1), (0, 0)])
    return family, np.column_stack([rng.beta(2, 2, size=900), rng.integers(1, 4, size=900)])


@pytest.mark.parametrize("order", [1, 2])
def test_models_without_normalising_constant(order: int) -> None:
    family, rows = _tilted()
    options: dict[str, Any] = {"draws": 20_000, "rng": 5, "order": order}
    memory, stream = quiet(rows, family, **options), quiet(pieces(table(rows), [400]), family, **options)
    for name in TERMS[: 1 if order == 1 else 4]:
        # The projection starts from moments that differ by rounding, the draws are the same.
        assert getattr(stream.terms, name) == pytest.approx(getattr(memory.terms, name), rel=1e-6)
    assert stream.sampler is not None and stream.verdict == memory.verdict
    assert stream.risk1_mc_se == pytest.approx(memory.risk1_mc_se, rel=1e-6)
    if order == 2:
        assert stream.risk2_mc_se == pytest.approx(memory.risk2_mc_se, rel=1e-6)


def test_jackknife_of_a_simulated_model() -> None:
    family, rows = _tilted()
    options: dict[str, Any] = {"draws": 30_000, "rng": 5, "bias_correction": "jackknife"}
    memory, stream = quiet(rows, family, **options), quiet(pieces(table(rows), [400]), family, **options)
    assert pytest.approx(memory.terms.T0, rel=1e-6) == stream.terms.T0


def test_a_simulated_model_inside_a_product_is_refused() -> None:
    family, rows = _tilted()
    with pytest.raises(InputError, match="one TiltedBase, or judge the blocks separately"):
        pn_criterion(pieces(table(np.column_stack([rows, rows[:, 0]])), []), ProductFamily([family, "normal"]))


# -------------------------------------------------------------------------------------- sequences
def test_a_sequence_reads_the_rows_once() -> None:
    read: list[int] = []

    def source() -> Iterator[pd.DataFrame]:
        for piece in pieces(table(SKEWED), [100, 250]):
            read.append(len(piece))
            yield piece

    models = {"diagonal": "mvn_diagonal", "chain": MultivariateNormal([(0, 1), (1, 2)]), "full": "mvn"}
    memory, stream = pn_sequence(SKEWED, models), pn_sequence(source(), models)
    assert sum(read) == len(SKEWED)
    assert (stream.p_max, stream.p_max_contiguous) == (memory.p_max, memory.p_max_contiguous)
    for name in ("loglik", "aic", "tic", "tic2"):
        np.testing.assert_allclose(getattr(stream, name), getattr(memory, name), rtol=1e-11)
    assert stream.to_frame()["risk2"].tolist() == pytest.approx(memory.to_frame()["risk2"].tolist(), rel=1e-11)


@pytest.mark.parametrize("family", ["gamma", "beta", "product", "categorical"])
def test_likelihoods_of_a_stream(family: str) -> None:
    x = 0.5 + 0.4 * np.sin(np.arange(300.0))
    rows = {"product": np.column_stack([x, 3.0 * x * x]), "categorical": np.floor(4.0 * x)}.get(family, x)
    model = ProductFamily(["normal", "gamma"]) if family == "product" else family
    memory, stream = pn_sequence(rows, [model]), pn_sequence(pieces(table(rows), [77]), [model])
    assert stream.loglik[0] == pytest.approx(memory.loglik[0], rel=1e-11)


def test_models_without_estimate_are_listed() -> None:
    rows = table(np.column_stack([SKEWED[:, 0], 2.0 * SKEWED[:, 0] + 1.0]))
    with pytest.warns(InfostatWarning, match="no estimate"):
        found = pn_sequence(pieces(rows, [5]), ["mvn_diagonal", "mvn"])
    assert found.results[0] is not None and found.results[1] is None and "affine" in found.reasons[1]
    with pytest.raises(ConstantStatisticError, match="constant: x2"):
        pn_sequence(pieces(rows.assign(x2=1.0), [5]), ["mvn_diagonal", "mvn"])


# -------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bootstrap": 200}, "bootstrap must be 0 on a stream, got 200.*nrows=100_000.*jackknife"),
        ({"weights": [1.0]}, "weights must be None on a stream"),
        ({"moments": "model"}, "plan_sample_size"),
        ({"method": "gram"}, "'auto' or 'tensor' on a stream"),
        ({"order": 1, "bias_correction": "analytic"}, "use order=2 or 'jackknife'"),
    ],
)
def test_options_that_need_rows_again(options: dict[str, Any], words: str) -> None:
    source = pieces(table(SKEWED), [9])
    with pytest.raises(InputError, match=words):
        pn_criterion(source, "mvn", **options)
    assert len(next(source)) == 9  # refused before anything was read


@pytest.mark.parametrize("options", [{"bootstrap": 5}, {"folds": 5}, {"weights": [1.0]}, {"ddof": 3}, {"moments": "x"}])
def test_sequences_refuse_the_same(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        pn_sequence(pieces(table(SKEWED), [9]), ["mvn"], **options)


def test_constant_and_dependent_columns_are_named() -> None:
    frame = table(SKEWED)
    with pytest.raises(ConstantStatisticError, match="constant: same"):
        pn_criterion(pieces(frame.assign(same=3.7), [9]), "mvn")
    with pytest.raises(ConstantStatisticError, match="constant: x2"):
        pn_criterion(pieces(frame.assign(x2=0.1), [9]), ProductFamily(["gamma", "normal", "normal"]))
    with pytest.raises(CollinearStatisticsError, match="dependent set: x1, x2, sum"):
        pn_criterion(pieces(frame.assign(sum=frame["x1"] - 2.0 * frame["x2"] + 1e6), [9]), "mvn")
    with pytest.raises(DataError, match="more rows than columns"):
        pn_criterion(pieces(frame[:3], [1]), "mvn")
    with pytest.raises(BoundaryProjectionError):
        pn_criterion(pieces(frame[["x1"]].assign(x1=2.0), [9]), "gamma")


def test_two_values_are_not_a_constant_square() -> None:
    # Centred and scaled they are -1 and 1, whose square is constant; the model is fine in memory, too.
    rows = np.tile([3.0, 5.0], 50)
    agree(quiet(pieces(table(rows), [9]), "normal"), quiet(rows, "normal"), 1e-11)


def test_nearly_collinear_columns_are_flagged() -> None:
    x = SKEWED.copy()
    x[:, 2] = x[:, 0] + 1e-4 * x[:, 2]
    memory, stream = quiet(x, "mvn"), quiet(pieces(table(x), [9]), "mvn")
    assert "near_collinear" in memory.flags and "near_collinear" in stream.flags


def test_nearly_collinear_statistics_of_any_family_are_flagged() -> None:
    family = GenericFamily(
        lambda x: np.column_stack([x[:, 0], x[:, 0] + 3e-4 * x[:, 0] ** 2]), nodes=np.linspace(0.0, 1.0, 50)
    )
    rows = np.random.default_rng(0).beta(2.0, 3.0, size=200)
    stream = quiet(pieces(table(rows), [9]), family)
    assert "near_collinear" in stream.flags


def test_bad_rows_say_where() -> None:
    rows = SKEWED.copy()
    rows[260, 1] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming.equal_blocks, "__defaults__", (100,))
        with pytest.raises(DataError, match=r"in the 100 rows from row 200 on: .*'x2': 1 missing"):
            pn_criterion(pieces(table(rows), [70, 71]), "mvn")
        with pytest.raises(SupportError, match=r"from row 300 on: .*must lie in"):
            pn_criterion(pieces(table(np.where(np.arange(400) == 333, -1.0, 1.0 + SKEWED[:, 0])), []), "gamma")
    with pytest.raises(DataError, match="text or other objects in 'x1'"):
        pn_criterion(pieces(table(np.array(["a", "b", "c"])), []), "normal")
    with pytest.raises(InputError, match="must have 1 column, got 3"):
        pn_criterion(pieces(table(SKEWED), [9]), "gamma")


def test_values_beyond_all_others_are_refused() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming.equal_blocks, "__defaults__", (100,))
        with pytest.raises(DataError, match="in units of the first rows.*rescale"):
            pn_criterion(pieces(table(np.r_[SKEWED[:, 0], 1e60]), [100]), "normal")


def test_levels_of_labels() -> None:
    labels = pd.DataFrame({"colour": ["red", "blue"] * 60 + ["green"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming.equal_blocks, "__defaults__", (100,))
        with pytest.raises(SupportError, match=r"unknown: \['green'\].*first 100 rows.*levels="):
            pn_criterion(pieces(labels, []), "categorical")
        with pytest.raises(ConstantStatisticError, match=r"only \['red'\].*first 100 rows.*levels="):
            pn_criterion(pieces(pd.DataFrame({"colour": ["red"] * 100 + ["blue"]}), []), "categorical")
        stream = quiet(pieces(labels, [3]), Categorical(["red", "blue", "green"]))
    agree(stream, quiet(labels, Categorical(["red", "blue", "green"])), 1e-11)
    with pytest.raises(DataError, match="missing values, got colour: 1"):
        pn_criterion(iter([labels, pd.DataFrame({"colour": [None]})]), "categorical")


def test_text_that_looks_like_numbers_in_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "codes.csv"
    codes = ["a1"] * 40 + ["07"] * 60
    pd.DataFrame({"code": codes}).to_csv(path, index=False)
    memory = quiet(path, "categorical")
    monkeypatch.setattr(chunks, "LARGE_FILE", 10)
    stream = chunks.frame_stream(path, chunk_rows=20)
    agree(quiet(stream, Categorical(["07", "a1"])), memory, 1e-11)


# ------------------------------------------------------------------------------------ heavy rows
def test_rows_that_carry_a_moment_are_found() -> None:
    rows = np.random.default_rng(0).normal(size=(3000, 2))
    rows[1234] = 40.0, -40.0
    rows[17] = 30.0, 30.0
    with pytest.warns(HeavyTailWarning, match="1234"):
        stream = pn_criterion(pieces(table(rows), [900]), "mvn")
    assert stream.heavy_rows == quiet(rows, "mvn").heavy_rows == (1234, 17)
    first = quiet(pieces(table(rows), [900]), "mvn", order=1)
    assert first.heavy_rows == (1234, 17)


# ---------------------------------------------------------------------------------------- memory
def test_pieces_are_let_go() -> None:
    import weakref

    alive: list[Any] = []

    def source() -> Iterator[pd.DataFrame]:
        for k in range(6):
            piece = table(np.random.default_rng(k).normal(size=(1000, 2)))
            alive.append(weakref.ref(piece))
            yield piece
            del piece
            gc.collect()
            assert sum(ref() is not None for ref in alive) <= 2

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming.equal_blocks, "__defaults__", (500,))
        quiet(source(), "mvn")


# VmHWM and not ru_maxrss: the latter starts at the size of the process that forked the child.
CHILD = """
import sys
import infostat
result = infostat.pn_criterion(sys.argv[1], "mvn")
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(result.terms.T0, result.risk1, peak)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_two_million_rows_stay_under_700_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    mix = np.random.default_rng(0).normal(size=(6, 6))
    parts = []
    for k in range(20):
        rows = np.random.default_rng(k + 1).laplace(size=(100_000, 6)) @ mix + 100.0
        frame = pd.DataFrame(rows.astype(np.float32), columns=list("abcdef"))
        frame.to_csv(path, index=False, header=k == 0, mode="a")
        parts.append(frame.to_numpy())
    assert path.stat().st_size > chunks.LARGE_FILE
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
    T0, risk1, kilobytes = (float(word) for word in done.stdout.split())
    assert kilobytes < 700_000
    memory = quiet(pd.read_csv(path), "mvn")
    assert pytest.approx(memory.terms.T0, rel=1e-9) == T0 and risk1 == pytest.approx(memory.risk1, rel=1e-9)
