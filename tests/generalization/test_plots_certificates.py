"""Figures of certificates: labelled curves, funnels, axes without logarithms of zero."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pytest

from infostat.core.errors import InputError
from infostat.generalization.certificates import layer_certificates
from infostat.generalization.hierarchical import layer_wasserstein_bound

mpl.use("Agg")


@pytest.fixture
def axes():
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def certificates(spread=1.0):
    g = np.random.default_rng(1)
    w = [spread * g.normal(size=(3, 4)), spread * g.normal(size=(1, 3))]
    x, y = g.normal(size=(30, 4)), g.normal(size=(20, 4))
    train, test = ([z, np.tanh(z @ w[0].T), np.tanh(z @ w[0].T) @ w[1].T] for z in (x, y))
    return layer_certificates(train, test, [1, -1] * 15, [1, -1] * 10, weights=w, activations="tanh", rng=0)


def test_two_panels_with_natures_and_funnels(axes):
    found = certificates()
    found.plot(axes)
    loss, distance = axes.child_axes
    labels = [line.get_label() for line in loss.lines]
    assert labels[0] == "certificate (bound, for these two samples)" and "|gap| of this network (exact)" in labels
    assert f"smallest: layer {found.funnel_bound}" in labels
    assert f"smallest: layer {found.funnel_distance}" in [line.get_label() for line in distance.lines]
    np.testing.assert_allclose(loss.lines[0].get_ydata(), found.certificate)
    np.testing.assert_allclose(distance.lines[0].get_ydata(), found.w1)


def test_one_panel_and_colour(axes):
    found = certificates()
    found.plot(axes, panel="distance", color="red")
    assert not axes.child_axes and axes.lines[0].get_color() == "red"
    assert axes.get_ylabel() == "distance (unit of the layer)"
    with pytest.raises(InputError, match="panel must be one of 'loss', 'distance'"):
        found.plot(axes, panel="none")


@pytest.mark.parametrize(
    ("w1", "scale"), [([0.0, 1.0], "linear"), ([0.0, 0.0], "linear"), ([1.0, 2.0], "linear"), ([0.01, 2.0], "log")]
)
def test_axis_is_logarithmic_only_where_it_helps(axes, w1, scale):
    layer_wasserstein_bound(w1, [1.0, 1.0], 1.0, "label").plot(axes)
    assert [inner.get_yscale() for inner in axes.child_axes] == [scale] * 2


@pytest.mark.filterwarnings("ignore::infostat.core.errors.VacuousBoundWarning")
def test_infinite_bounds_are_left_out_and_nothing_finite_is_an_error(axes):
    layer_wasserstein_bound([math.inf, 1.0], [1.0, 1.0], 1.0, "label").plot(axes)
    assert np.isnan(axes.child_axes[0].lines[0].get_ydata()[0])
    with pytest.raises(InputError, match="at least one finite value"):
        layer_wasserstein_bound([math.inf], [1.0], 1.0, "label").plot()
