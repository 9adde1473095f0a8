"""Activations from .npz files: what is read, what is refused, what is never unpickled."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from infostat.core.errors import DataFileError, InfostatWarning, InputError, InputTypeError
from infostat.generalization.activation_files import read_activations
from infostat.generalization.certificates import layer_certificates


def content(**changes):
    g = np.random.default_rng(1)
    w1, w2 = g.normal(size=(3, 4)), g.normal(size=(1, 3))
    arrays = {"weight_1": w1, "weight_2": w2, "activation": "tanh", "y_train": [1, -1] * 4, "y_test": [1, -1] * 3}
    for name, n in (("train", 8), ("test", 6)):
        x = g.normal(size=(n, 4))
        h = np.tanh(x @ w1.T)
        arrays |= {f"{name}_0": x, f"{name}_1": h, f"{name}_2": h @ w2.T}
    arrays |= changes
    return {key: value for key, value in arrays.items() if value is not None}


def write(folder, arrays):
    path = folder / "net.npz"
    np.savez(path, **arrays)
    return path


def test_weights_and_activation(tmp_path):
    arrays = content()
    found = read_activations(write(tmp_path, arrays))
    assert set(found) == {"train", "test", "y_train", "y_test", "weights", "activations"}
    assert found["activations"] == "tanh" and len(found["train"]) == len(found["test"]) == 3
    np.testing.assert_array_equal(found["weights"][1], arrays["weight_2"])
    result = layer_certificates(**found, rng=0)
    assert result.flags == () and (result.certificate >= abs(result.gap)).all()


def test_lipschitz_list_of_names_and_bytes(tmp_path):
    without = dict.fromkeys(("weight_1", "weight_2", "activation"))
    found = read_activations(write(tmp_path, content(lipschitz=[3.0, 2.0, 1.0], **without)))
    assert found["lipschitz"].tolist() == [3.0, 2.0, 1.0] and "weights" not in found
    for stored, read in ((["tanh", "identity"], ["tanh", "identity"]), (np.array(b"tanh"), "tanh"), (None, None)):
        assert read_activations(write(tmp_path, content(activation=stored)))["activations"] == read


def test_more_than_ten_layers_are_in_numerical_order(tmp_path):
    layers = {f"{name}_{i}": np.full((2, 1), float(i)) for name in ("train", "test") for i in range(12)}
    found = read_activations(write(tmp_path, {**layers, "y_train": [1, 1], "y_test": [1, 1], "lipschitz": np.ones(12)}))
    assert [float(layer[0, 0]) for layer in found["train"]] == list(range(12))


@pytest.mark.parametrize(
    ("changes", "unused"),
    [
        ({"epoch": 3}, "'epoch'"),
        ({"lipschitz": [3.0, 2.0, 1.0]}, "'weight_1', 'weight_2', 'activation'"),
        ({"weight_3": [[1.0]]}, "'weight_3'"),
        ({"weight_01": [[1.0]]}, "'weight_01'"),
    ],
)
def test_other_keys_are_ignored_with_a_warning(tmp_path, changes, unused):
    with pytest.warns(InfostatWarning, match=f"not used: {unused}"):
        read_activations(write(tmp_path, content(**changes)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_1": None}, "must hold 'train_1'"),
        ({"test_0": None}, "must hold 'test_0'"),
        ({"test_2": None}, r"must hold 'test_2' \(as for the other sample\)"),
        ({"train_2": None}, r"must hold 'train_2' \(as for the other sample\)"),
        ({"y_test": None}, "must hold 'y_test'"),
        ({"y_test": None, "y_train": None}, "must hold 'y_train', 'y_test'"),
        ({"weight_2": None}, "must hold 'weight_2'"),
        ({"weight_1": None}, "must hold 'weight_1'"),
        ({"weight_1": None, "weight_2": None}, "must hold 'lipschitz'.* or 'weight_1' ... 'weight_2', got activation"),
        ({"activation": 3.0}, "'activation' in .* must be one name or a list of names"),
        ({"activation": [["tanh"]]}, "must be one name or a list of names"),
    ],
)
def test_missing_keys_are_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_activations(write(tmp_path, content(**changes)))


def test_empty_archive(tmp_path):
    with pytest.raises(InputError, match="must hold 'train_0'"):
        read_activations(write(tmp_path, {}))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def test_pickled_objects_are_never_loaded(tmp_path):
    mark = tmp_path / "executed"
    path = write(tmp_path, content(train_1=np.array([Trap(mark)], dtype=object)))
    with pytest.raises(DataFileError, match="pickle"):
        read_activations(path)
    assert not mark.exists()
    path.write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(DataFileError, match="cannot be read"):
        read_activations(path)
    assert not mark.exists()


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataFileError, match="does not exist"):
        read_activations(tmp_path / "none.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(DataFileError, match="is a folder"):
        read_activations(tmp_path / "folder.npz")
    with pytest.raises(InputError, match=r"path of an .npz file"):
        read_activations(tmp_path / "net.csv")
    with pytest.raises(InputTypeError, match=r"path of an .npz file"):
        read_activations(3)
    path = write(tmp_path, content())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataFileError, match="cannot be read"):
        read_activations(path)
    path.write_bytes(b"")
    with pytest.raises(DataFileError, match="cannot be read"):
        read_activations(path)
    np.save(tmp_path / "single.npy", np.ones(3))
    (tmp_path / "single.npy").rename(path)
    with pytest.raises(DataFileError, match=r"not an .npz archive"):
        read_activations(path)
