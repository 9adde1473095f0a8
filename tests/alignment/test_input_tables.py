"""Shapes of reward data: what is recognised, and what is refused in one clear line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from infostat.alignment.input_tables import read_rewards, short_prompts
from infostat.core.errors import DataError, InfostatWarning, InputError, InputTypeError


def test_plain_samples_keep_their_order_and_are_not_modified() -> None:
    rewards = np.array([2.0, 0.0, 1.0])
    found = read_rewards(rewards)
    assert (found.kind, found.prompts, found.n_prompts) == ("samples", (), 1)
    np.testing.assert_array_equal(found.reward, rewards)
    np.testing.assert_array_equal(rewards, [2.0, 0.0, 1.0])


def test_a_rectangle_is_prompts_by_samples() -> None:
    table = np.arange(6.0).reshape(2, 3)
    found = read_rewards(table, true=table + 1)
    assert found.kind == "prompts"
    assert found.prompts == ("0", "1")
    np.testing.assert_array_equal(found.rectangle(), table)
    np.testing.assert_array_equal(found.rectangle(found.true), table + 1)


def test_ragged_prompts_come_from_lists() -> None:
    found = read_rewards([[1.0], [2.0, 3.0]], true=[[0.0], [1.0, 2.0]])
    np.testing.assert_array_equal(found.sizes, [1, 2])
    np.testing.assert_array_equal(found.true, [0.0, 1.0, 2.0])
    assert found.rectangle() is None


def test_long_tables_are_grouped_by_prompt_in_order_of_appearance() -> None:
    frame = pd.DataFrame({"prompt_id": ["b", "a", "b"], "reward": [1, 2, 3], "length": [9, 9, 9]})
    found = read_rewards(frame)
    assert (found.kind, found.prompts, found.columns) == ("prompts", ("b", "a"), ("prompt_id", "reward"))
    np.testing.assert_array_equal(found.reward, [1.0, 3.0, 2.0])
    by_array = read_rewards([1.0, 2.0, 3.0], prompt_id=["b", "a", "b"])
    np.testing.assert_array_equal(by_array.reward, found.reward)
    assert by_array.prompts == found.prompts


def test_true_rewards_are_found_named_or_passed() -> None:
    frame = pd.DataFrame({"reward": [1.0, 2.0], "true_reward": [5.0, 6.0], "gold": [7.0, 8.0]})
    np.testing.assert_array_equal(read_rewards(frame).true, [5.0, 6.0])
    np.testing.assert_array_equal(read_rewards(frame, true="gold").true, [7.0, 8.0])
    np.testing.assert_array_equal(read_rewards(frame, true=[0.0, 1.0]).true, [0.0, 1.0])


@pytest.mark.parametrize("column", ["prob", "probability", "PROB"])
def test_a_pmf_is_read_by_probability(column: str) -> None:
    frame = pd.DataFrame({"label": ["x", "y"], column: [0.25, 0.75], "reward": [0.0, 1.0], "true_reward": [1.0, 2.0]})
    found = read_rewards(frame)
    assert found.kind == "pmf" and found.law is not None
    assert found.law.labels == ("x", "y")
    np.testing.assert_allclose(found.law.p, [0.25, 0.75], rtol=1e-15)
    np.testing.assert_array_equal(found.true, [1.0, 2.0])


@pytest.mark.parametrize("column", ["logprob", "logp"])
def test_a_pmf_is_read_by_log_probability(column: str) -> None:
    found = read_rewards(pd.DataFrame({column: np.log([0.25, 0.75]), "reward": [0.0, 1.0]}))
    assert found.law is not None
    np.testing.assert_allclose(found.law.p, [0.25, 0.75], rtol=1e-15)


def test_sums_close_to_one_are_normalised_and_others_refused() -> None:
    near = read_rewards(pd.DataFrame({"prob": [0.25, 0.75 + 5e-7], "reward": [0.0, 1.0]}))
    assert near.law is not None
    assert float(near.law.p.sum()) == pytest.approx(1.0, abs=1e-15)
    with pytest.raises(InputError, match=r"read as a pmf.*leave the column 'prob' out"):
        read_rewards(pd.DataFrame({"prob": [0.25, 0.76], "reward": [0.0, 1.0]}))


def test_a_vocabulary_with_a_teacher_scores_the_log_likelihood_difference() -> None:
    logp, teacher = np.log([0.5, 0.3, 0.2]), np.log([0.2, 0.3, 0.5])
    frame = pd.DataFrame({"token": list("abc"), "logp": logp, "logp_teacher": teacher})
    found = read_rewards(frame)
    np.testing.assert_allclose(found.reward, teacher - logp, rtol=1e-15)
    assert found.flags == ("teacher_reward",)
    with_reward = read_rewards(frame.assign(reward=[1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(with_reward.reward, [1.0, 2.0, 3.0])


def test_impossible_tokens_need_no_score() -> None:
    frame = pd.DataFrame({"logp": [0.0, -np.inf, -np.inf], "logp_teacher": [-1.0, -np.inf, -2.0]})
    found = read_rewards(frame)
    assert found.law is not None
    np.testing.assert_array_equal(found.law.possible, [True, False, False])


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "npy"])
def test_paths(tmp_path, suffix: str) -> None:
    path = tmp_path / f"rewards.{suffix}"
    if suffix == "csv":
        path.write_text("prompt_id;reward\na;1\nb;2\na;3\n")
    elif suffix == "jsonl":
        rows = [("a", 1), ("b", 2), ("a", 3)]
        path.write_text("\n".join(f'{{"prompt_id": "{prompt}", "reward": {reward}}}' for prompt, reward in rows))
    else:
        np.save(path, np.array([[1.0, 3.0], [2.0, 4.0]]))
    found = read_rewards(str(path))
    assert found.kind == "prompts"
    assert found.source == str(path)
    np.testing.assert_array_equal(found.reward[:2], [1.0, 3.0])


def test_wide_tables_need_numbered_columns() -> None:
    wide = pd.DataFrame({"prompt_id": ["p", "q"], "r1": [1.0, 2.0], "r2": [3.0, 4.0]})
    found = read_rewards(wide)
    assert (found.kind, found.prompts, found.columns) == ("prompts", ("p", "q"), ("r1", "r2"))
    np.testing.assert_array_equal(found.rectangle(), [[1.0, 3.0], [2.0, 4.0]])
    with pytest.raises(DataError, match="must have a column 'reward'.*found: 'score', 'length'"):
        read_rewards(pd.DataFrame({"score": [1.0], "length": [3.0]}))
    assert read_rewards(pd.DataFrame({"score": [1.0, 2.0], "length": [3, 4]}), columns="score").kind == "samples"


def test_missing_rewards_are_refused_or_dropped_and_counted() -> None:
    table = np.array([[1.0, np.nan], [2.0, 3.0]])
    with pytest.raises(DataError, match=r'1 of 4.*nan="drop"'):
        read_rewards(table)
    with pytest.warns(InfostatWarning, match="1 of 4 rewards are missing"):
        found = read_rewards(table, nan="drop")
    assert (found.n_dropped, found.sizes.tolist(), found.flags) == (1, [1, 2], ("nan_dropped",))
    assert np.isnan(table[0, 1])


def test_a_missing_true_reward_takes_the_pair_out() -> None:
    with pytest.warns(InfostatWarning):
        found = read_rewards([1.0, 2.0, 3.0], true=[np.nan, 5.0, 6.0], nan="drop")
    np.testing.assert_array_equal(found.reward, [2.0, 3.0])
    np.testing.assert_array_equal(found.true, [5.0, 6.0])


def test_prompts_without_rewards_are_left_out_and_counted() -> None:
    frame = pd.DataFrame({"prompt_id": [1, 1, 2, 3], "reward": [1.0, 2.0, np.nan, 4.0]})
    with pytest.warns(InfostatWarning, match="with them 1 prompts"):
        found = read_rewards(frame, nan="drop")
    assert (found.prompts, found.n_prompts_dropped, found.sizes.tolist()) == (("1", "3"), 1, [2, 1])


def test_infinite_rewards() -> None:
    assert read_rewards([1.0, -np.inf]).reward[1] == -np.inf
    with pytest.raises(DataError, match=r"\+inf, got 1 of 2"):
        read_rewards([1.0, np.inf])
    with pytest.raises(DataError, match="finite reward in every population"):
        read_rewards([[1.0, 2.0], [-np.inf, -np.inf]])
    with pytest.raises(DataError, match="true rewards must be finite"):
        read_rewards([1.0, 2.0], true=[1.0, -np.inf])


def test_short_prompts_limit_or_drop() -> None:
    table = read_rewards([[0.0, 1.0], [1.0, 1.0, 2.0], [3.0, 3.0, 3.0, 3.0]])
    limited = short_prompts(table, 3)
    assert (limited.n, limited.limited, limited.n_dropped, limited.data.n_prompts) == (2, True, 0, 3)
    dropped = short_prompts(table, 3, "drop")
    assert (dropped.n, dropped.limited, dropped.n_dropped) == (3, False, 1)
    assert dropped.data.prompts == ("1", "2")
    np.testing.assert_array_equal(dropped.data.reward, [1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0])
    with pytest.raises(InputError, match="at most 4"):
        short_prompts(table, 5, "drop")


@pytest.mark.parametrize(
    ("data", "kwargs", "kind", "message"),
    [
        ([], {}, DataError, "must hold rewards, got none"),
        ([[1.0], [2.0]], {}, DataError, "at least two samples a prompt"),
        ([[1.0, 2.0], []], {}, DataError, "a reward for every prompt, got none for '1'"),
        (["a", "b"], {}, InputTypeError, "an array of real numbers"),
        ([1.0, 2.0], {"nan": "ignore"}, InputError, "nan must be one of 'raise', 'drop'"),
        ([1.0, 2.0], {"true": [1.0]}, InputError, r"true must have the shape of data \(2,\)"),
        ([1.0, 2.0], {"true": "gold"}, InputError, "true names a column"),
        ([1.0, 2.0], {"prompt_id": ["a"]}, InputError, "one prompt per sample"),
        ([1.0, 2.0], {"prompt_id": ["a", None]}, DataError, "prompt_id must not be missing"),
        ([1.0, 2.0], {"columns": "x"}, InputError, "named columns"),
        ([[1.0, 2.0], [3.0, 4.0]], {"prompt_id": ["a", "a"]}, InputError, "a name twice"),
        (np.zeros((2, 2, 2)), {}, InputError, "1-dimensional or 2-dimensional"),
        (pd.DataFrame({"reward": ["a", "b"]}), {}, InputTypeError, "column 'reward' must be numeric"),
        (pd.DataFrame({"reward": [1.0]}), {"true": "gold"}, InputError, "true must name a column, got 'gold'"),
        (pd.DataFrame({"Reward": [1.0], "REWARD": [1.0]}), {}, DataError, "one column 'reward'"),
        (pd.DataFrame({"prob": [1.0], "logp": [0.0], "reward": [1]}), {}, DataError, "one column of probabilities"),
        (pd.DataFrame({"prob": [1.0], "prompt_id": [0], "reward": [1]}), {}, DataError, "got both columns"),
        (pd.DataFrame({"token": ["a"], "logp": [0.0]}), {}, DataError, "found: 'token', 'logp'"),
        (pd.DataFrame({"prob": [0.5, 0.5], "reward": [1.0, np.nan]}), {"nan": "drop"}, InputError, "NaN"),
        ([np.nan, np.nan], {"nan": "drop"}, DataError, "missing values only"),
    ],
)
def test_bad_input(data, kwargs, kind, message) -> None:
    with pytest.raises(kind, match=message):
        read_rewards(data, **kwargs)


def test_the_value_that_is_no_number_is_shown_with_its_row(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("reward\n1\n2\nhigh\n")
    with pytest.raises(InputTypeError, match="column 'reward' must be numeric, got 'high' in row 2; correct the file"):
        read_rewards(path)
    with pytest.raises(InputTypeError, match="column 'reward' must be numeric, got '1'; give numbers, not text"):
        read_rewards(pd.DataFrame({"reward": ["1", "2"]}))
