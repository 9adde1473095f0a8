"""The KL proxy: labelled a proxy, close to the truth where there is one, silent units, ties."""

from __future__ import annotations

import numpy as np
import pytest

from infostat.core.errors import DataError, InputError
from infostat.divergences.nearest import kl_knn
from infostat.generalization.certificate_result import RepresentationShift
from infostat.generalization.shift_proxy import representation_shift


def samples(n=600, shift=1.0, seed=1):
    g = np.random.default_rng(seed)
    x, y = g.normal(size=(n, 2)), g.normal(size=(n, 2))
    x[:, 0] += shift
    return x, y


def test_it_is_a_proxy_and_says_so():
    # Trap 4: an empirical KL of continuous representations is no bound.
    x, y = samples()
    found = representation_shift([x, x[:, :1]], [y, y[:, :1]])
    assert found.nature == "proxy" and found.sense == "" and found.vacuous is False
    assert "bounds no error" in found.interpretation
    assert RepresentationShift.from_dict(found.to_dict()) == found
    assert list(found.to_frame().columns) == ["layer", "name", "width", "dimension", "kl_proxy", "se"]


def test_values_are_those_of_the_estimator_and_near_the_truth():
    x, y = samples()
    found = representation_shift([x, x[:, :1]], [y, y[:, :1]], k=7)
    direct = kl_knn(x, y, 7)
    assert found.value[0] == direct.value and found.se[0] == direct.se
    # KL of normal laws a unit apart is 1/2; the bias at this size is below .1.
    assert (np.abs(found.value - 0.5) < 4.0 * found.se + 0.1).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_directions_without_variation_do_not_count(dtype):
    x, y = samples()
    g = np.random.default_rng(2)
    turn = np.linalg.qr(g.normal(size=(7, 7)))[0][:2]
    wide_x, wide_y = ((part @ turn + 3.0).astype(dtype) for part in (x, y))
    found = representation_shift([x, wide_x], [y, wide_y], standard_error=False)
    assert found.width.tolist() == [2, 7] and found.dimension.tolist() == [2, 2]
    tolerance = 1e-9 if dtype is np.float64 else 1e-2
    assert found.value[1] == pytest.approx(found.value[0], abs=tolerance)
    assert np.isnan(found.se).all()


def test_rank_tolerance_is_exposed():
    x, y = samples()
    g = np.random.default_rng(3)
    noisy_x, noisy_y = (np.column_stack([part, 1e-6 * g.normal(size=len(part))]) for part in (x, y))
    assert representation_shift([x, noisy_x], [y, noisy_y]).dimension.tolist() == [2, 3]
    assert representation_shift([x, noisy_x], [y, noisy_y], rank_tol=1e-4).dimension.tolist() == [2, 2]


def test_ties_of_a_narrow_relu_layer_need_jitter():
    x, y = samples()
    silent = [np.maximum(part - 0.5, 0.0) for part in (x, y)]
    with pytest.raises(DataError, match="layer 1: "):
        representation_shift([x, silent[0]], [y, silent[1]])
    found = representation_shift([x, silent[0]], [y, silent[1]], jitter=1e-10)
    assert np.isfinite(found.value).all()
    assert found == representation_shift([x, silent[0]], [y, silent[1]], jitter=1e-10)


def test_names_progress_and_figure(tmp_path):
    x, y = samples(60)
    seen = []
    found = representation_shift(
        {"in": x, "out": x[:, :1]}, {"in": y, "out": y[:, :1]}, progress=lambda *counts: seen.append(counts)
    )
    assert found.layer == ("in", "out") and seen == [(1, 2), (2, 2)]
    assert found.save(tmp_path / "shift.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [({"k": 0}, "k must be an integer >= 1"), ({"k": 60}, "k must be"), ({"rank_tol": -1.0}, "rank_tol must be")],
)
def test_bad_input(options, message):
    x, y = samples(60)
    with pytest.raises(InputError, match=message):
        representation_shift([x, x], [y, y], **options)
