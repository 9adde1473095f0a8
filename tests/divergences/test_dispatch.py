"""The one door: dispatch by type, scales, sentences, figures, refusals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

import infostat.divergences as dv
from infostat.core.errors import InputError, InputTypeError
from infostat.families import Normal, Poisson

P, Q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]
TABLE_KINDS = [
    ("kl", {}),
    ("reverse_kl", {}),
    ("jeffreys", {}),
    ("js", {}),
    ("js", {"weight": 0.3}),
    ("alpha", {"order": 1.5}),
    ("pearson", {}),
    ("neyman", {}),
    ("hellinger", {}),
    ("le_cam", {}),
    ("tv", {}),
    ("hockey_stick", {"gamma": 2.0}),
    ("renyi", {"order": 0.5}),
    ("tsallis", {"order": 0.5}),
    ("renyi_cross_entropy", {"order": 2.0}),
    ("cauchy_schwarz", {}),
]


@pytest.mark.parametrize(("kind", "keywords"), TABLE_KINDS)
def test_tables_agree_with_their_function(kind, keywords):
    result = dv.divergence(P, Q, kind, **keywords)
    expected = getattr(dv, kind)(P, Q, *keywords.values())
    assert float(result) == expected
    assert result.nature == "exact" and result.kind == kind
    assert type(result).from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_a_batch_keeps_its_shape():
    rng = np.random.default_rng(0)
    tables = rng.dirichlet(np.ones(4), size=6)
    result = dv.divergence(tables, tables[0], "kl")
    np.testing.assert_array_equal(result.value, dv.kl(tables, tables[0]))
    assert len(result.to_frame()) == 6
    with pytest.raises(InputTypeError, match="no figure"):
        result.plot()


def test_base_divides():
    assert float(dv.divergence(P, Q, "kl", base=2)) == pytest.approx(dv.kl(P, Q, base=2), rel=1e-15)


@pytest.mark.parametrize(
    ("kind", "base", "unit"),
    [("kl", None, "nats"), ("js", 2, "bits"), ("kl", 10, "base 10"), ("hellinger", None, "")],
)
def test_units_of_tables(kind, base, unit):
    assert dv.divergence(P, Q, kind, base=base).unit == unit


def test_units_of_distances_are_those_of_the_data():
    x = np.arange(40.0)
    assert dv.divergence(x, x + 1.0, "wasserstein", from_samples=True).unit == "data units"


def test_infinity_is_a_value():
    result = dv.divergence([0.5, 0.5], [1.0, 0.0], "kl")
    assert result.value == math.inf
    assert result.to_dict()["value"] == "inf"


@pytest.mark.parametrize(
    ("kind", "keywords", "value"),
    [("kl", {}, 0.349909552553), ("js", {}, 0.0992900966008), ("renyi", {"order": 1.5}, 0.421212215293)],
)
def test_laws_in_three_spellings(kind, keywords, value):
    normal = Normal()
    frozen = (stats.norm(0, 1), stats.norm(1, 1.5))
    members = tuple((normal, normal.natural(mean=m, var=s * s)) for m, s in ((0, 1), (1, 1.5)))
    named = tuple(("normal", theta) for _, theta in members)
    for pair in (frozen, members, named, (frozen[0], members[1])):
        assert float(dv.divergence(*pair, kind, **keywords)) == pytest.approx(value, abs=5e-12)


def test_family_members_of_a_discrete_law():
    family = Poisson()
    pair = [(family, family.natural(mean=m)) for m in (3.0, 5.0)]
    assert float(dv.divergence(*pair, "kl")) == pytest.approx(0.467523128702, abs=5e-13)


@pytest.mark.parametrize(
    ("kind", "keywords", "call"),
    [
        ("kl", {"k": 4}, lambda x, y: dv.kl_knn(x, y, 4).value),
        ("kl", {"estimator": "kl_kde"}, lambda x, y: dv.kl_kde(x, y).value),
        ("reverse_kl", {}, lambda x, y: dv.kl_knn(y, x).value),
        ("jeffreys", {}, lambda x, y: dv.kl_knn(x, y).value + dv.kl_knn(y, x).value),
        ("renyi", {"order": 0.7}, lambda x, y: dv.renyi_knn(x, y, 0.7).value),
        ("cauchy_schwarz", {"bandwidth": 0.5}, lambda x, y: dv.cauchy_schwarz_kernel(x, y, bandwidth=0.5).value),
        ("wasserstein", {"p": 2}, lambda x, y: dv.wasserstein_1d(x, y, 2)),
        ("energy", {}, dv.energy_distance),
        ("mmd", {"bandwidth": 1.0}, lambda x, y: dv.mmd(x, y, 1.0)),
        ("sinkhorn", {"eps": 0.5}, lambda x, y: dv.sinkhorn_divergence(x, y, 0.5)),
        ("pearson", {}, lambda x, y: 2.0 * dv.ulsif(x, y).value),
    ],
)
def test_samples_agree_with_their_estimator(kind, keywords, call):
    g = np.random.default_rng(3)
    x, y = g.normal(size=300), 0.5 + 1.2 * g.normal(size=260)
    result = dv.divergence(x, y, kind, from_samples=True, **keywords)
    assert float(result) == pytest.approx(call(x, y), rel=1e-12)
    assert result.nature == "estimate" and result.n == 300 and result.m == 260
    assert result.se is not None and result.se > 0


def test_alpha_and_hellinger_come_from_renyi():
    g = np.random.default_rng(4)
    x, y = g.normal(size=(400, 2)), 0.6 + g.normal(size=(400, 2))
    half = dv.renyi_knn(x, y, 0.5)
    integral = math.exp(-0.5 * half.value)
    hellinger = dv.divergence(x, y, "hellinger", from_samples=True)
    alpha = dv.divergence(x, y, "alpha", order=0.5, from_samples=True)
    assert float(hellinger) == pytest.approx(1.0 - integral, rel=1e-14)
    assert float(alpha) == pytest.approx(4.0 * float(hellinger), rel=1e-14)
    # delta method: d(1 - exp(-R/2)) = exp(-R/2)/2 dR
    assert hellinger.se == pytest.approx(0.5 * integral * half.se, rel=1e-14)


def test_an_array_is_never_guessed_to_be_a_sample():
    g = np.random.default_rng(0)
    with pytest.raises(InputError):
        dv.divergence(g.normal(size=50), g.normal(size=50), "kl")


@pytest.mark.parametrize(
    ("args", "keywords", "error", "part"),
    [
        ((P, Q, "kull"), {}, InputError, "kind must be one of alpha"),
        ((P, Q, 7), {}, InputError, "kind must be one of alpha"),
        ((P, Q, "renyi"), {}, InputError, "order must be given"),
        ((P, Q, "wasserstein"), {}, InputError, "from_samples=True"),
        ((P, Q, "kl"), {"estimator": "kl_knn"}, InputError, "from_samples=True"),
        ((P, Q, "kl"), {"k": 4}, InputError, "k: options of estimators"),
        ((P, Q, "kl"), {"base": 1.0}, InputError, "base"),
        ((P, stats.norm(), "kl"), {}, InputTypeError, "both be laws"),
        ((stats.norm(), stats.norm(), "kl"), {"from_samples": True}, InputTypeError, "arrays of observations"),
        (([1.0, 2, 4], [2.0, 3, 5], "js"), {"from_samples": True}, InputError, "those that have: kl"),
        (([1.0, 2, 4], [2.0, 3, 5], "kl"), {"from_samples": True, "estimator": "mmd"}, InputError, "kl_knn"),
        (([1.0, 2, 4], [2.0, 3, 5], "kl"), {"from_samples": True, "eps": 1.0}, InputError, "eps is not an option"),
        (([1.0, 2, 4], [2.0, 3, 5], "energy"), {"from_samples": True, "order": 1.0}, InputError, "order belongs"),
        (([[1.0], [2]], [[1.0, 2], [3, 4]], "energy"), {"from_samples": True}, ValueError, "columns"),
    ],
)
def test_refusals(args, keywords, error, part):
    with pytest.raises(error) as caught:
        dv.divergence(*args, **keywords)
    assert part in str(caught.value)


@pytest.mark.parametrize("form", ["table", "law", "sample"])
def test_figures_have_labels(form):
    pair = {
        "table": (P, Q),
        "law": (stats.norm(), stats.norm(1, 2)),
        "sample": tuple(np.random.default_rng(1).normal(size=(2, 80, 3))),
    }[form]
    kind = "energy" if form == "sample" else "kl"
    ax = dv.divergence(*pair, kind, from_samples=form == "sample").plot()
    assert ax.get_xlabel() and ax.get_ylabel() and kind in ax.get_title()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["P", "Q"]


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_the_figure_of_several_columns_is_free_of_units(scale):
    g = np.random.default_rng(5)
    units = np.array([1.0, scale])
    x, y = g.normal(size=(4000, 2)) * units, (g.normal(size=(4000, 2)) + [0.0, 3.0]) * units
    shown = dv.divergence(x, y, "energy", from_samples=True).display
    centres = 0.5 * (shown.x[1:] + shown.x[:-1])
    means = [float(centres @ h / h.sum()) for h in (shown.p, shown.q)]
    # Three standard deviations apart, centred between: sampling error of a mean is 1/sqrt(4000).
    assert abs(means[0] - means[1]) == pytest.approx(3.0, abs=0.15)
    assert means[0] + means[1] == pytest.approx(0.0, abs=0.1)
