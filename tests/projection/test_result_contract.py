"""What every result of the wing promises: round trips, frames, summaries, files, figures."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infostat.core.errors import InputError, InputTypeError
from infostat.core.results import Result
from infostat.projection import (
    InformationProjection,
    PNCriterion,
    RiskTerms,
    exact_risk,
    information_criteria,
    information_projection,
    plan_sample_size,
    pn_criterion,
    risk_terms,
)
from infostat.projection.flags import FLAGS
from tests.projection.oracles import skewed_rows

pytestmark = pytest.mark.filterwarnings("ignore::infostat.core.errors.InfostatWarning")


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("show() called"))
    yield
    plt.close("all")


X = np.random.default_rng(0).laplace(size=150)
ROWS = skewed_rows(1, 80, 2)


def _results() -> dict[str, Result]:
    criterion = pn_criterion(ROWS, "mvn", bootstrap=60, rng=1)
    first = pn_criterion(X, "normal", bootstrap=20, rng=np.random.SeedSequence(1, spawn_key=(2,)), order=1)
    assert criterion.bootstrap is not None
    return {
        "criterion": criterion,
        "criterion order 1": first,
        "criterion plain": pn_criterion(X, "normal", bias_correction="analytic"),
        "criterion unreliable": pn_criterion(X[:5], "normal", bootstrap=40, rng=1),
        "criterion saturated": pn_criterion(np.arange(30) % 3, "categorical", bootstrap=40, rng=1),
        "bootstrap": criterion.bootstrap,
        "misfit": criterion.misfit,
        "terms": risk_terms(X, "normal"),
        "population terms": RiskTerms(2, 14, 46, 60, 2),
        "infinite terms": RiskTerms(float("inf"), 14, 46, 60, 2),
        "projection": information_projection(ROWS, "mvn"),
        "criteria": information_criteria(X, "normal"),
        "plan": plan_sample_size(p=77),
        "plan from terms": plan_sample_size(terms=RiskTerms(2, 14, 46, 60, 2)),
        "exact": exact_risk("exponential", [1, 10, 100]),
        "exact scalar": exact_risk("exponential", 10),
    }


NAMES = [
    "criterion", "criterion order 1", "criterion plain", "criterion unreliable", "criterion saturated",
    "bootstrap", "misfit", "terms", "population terms", "infinite terms", "projection", "criteria", "plan",
    "plan from terms", "exact", "exact scalar",
]  # fmt: skip
FIGURELESS = [
    "bootstrap", "misfit", "projection", "criteria", "plan", "plan from terms", "exact", "exact scalar",
]  # fmt: skip
PLOTTED = ["criterion", "criterion order 1", "criterion plain", "criterion unreliable", "terms", "population terms"]


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _results()
    assert list(found) == NAMES
    return found


@pytest.fixture
def result(request: pytest.FixtureRequest, results: dict[str, Result]) -> Result:
    return results[request.param]


each = pytest.mark.parametrize("result", NAMES, indirect=True)
plotted = pytest.mark.parametrize("result", PLOTTED, indirect=True)


@each
def test_json_round_trip(result: Result) -> None:
    text = json.dumps(result.to_dict(), allow_nan=False)
    back = type(result).from_dict(json.loads(text))
    assert back == result
    assert json.dumps(back.to_dict(), allow_nan=False) == text
    for item in dataclasses.fields(result):  # type: ignore[arg-type]
        a, b = getattr(result, item.name), getattr(back, item.name)
        assert type(a) is type(b), item.name
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
    generic = Result.from_dict(json.loads(text))
    assert type(generic) is type(result)


@each
def test_pickle(result: Result) -> None:
    back = pickle.loads(pickle.dumps(result))
    assert back == result
    assert hash(back) == hash(result)


@each
def test_frozen(result: Result) -> None:
    name = dataclasses.fields(result)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, name, 0)
    for item in dataclasses.fields(result):  # type: ignore[arg-type]
        value = getattr(result, item.name)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable
            assert value.dtype == np.float64
        if isinstance(value, dict):
            with pytest.raises(TypeError):
                value["new"] = 1


@each
def test_every_field_is_documented(result: Result) -> None:
    text = type(result).__doc__ or ""
    for item in dataclasses.fields(result):  # type: ignore[arg-type]
        assert re.search(rf"^    (.*, )?{item.name}(, .*)? : ", text, re.MULTILINE), item.name


@each
def test_short_repr(result: Result) -> None:
    assert len(repr(result)) < 200
    assert repr(result).startswith(type(result).__name__ + "(")


@each
def test_frame(result: Result) -> None:
    frame = result.to_frame()
    assert len(frame) >= 1
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", str(column)) for column in frame.columns)
    numbers = frame.select_dtypes("number")
    assert numbers.shape[1] >= 1


@each
def test_summary_in_four_forms(result: Result) -> None:
    summary = result.summary()
    text = str(summary)
    assert max(len(line) for line in text.splitlines()) < 110
    forms = (text, summary.to_html(), summary.to_latex(), summary.to_markdown())
    assert "<table>" in forms[1]
    assert forms[1].count("<table>") == forms[1].count("</table>")
    assert r"\begin{tabular}" in forms[2]
    assert forms[2].count(r"\begin{") == forms[2].count(r"\end{")
    assert "| ---" in forms[3]
    assert result._repr_html_() == summary.to_html()


@pytest.mark.parametrize("result", [n for n in NAMES if n.startswith("criterion")], indirect=True)
def test_summary_of_the_criterion_says_the_verdict_everywhere(result: PNCriterion) -> None:
    summary = result.summary()
    for form in (str(summary), summary.to_html(), summary.to_latex(), summary.to_markdown()):
        assert result.verdict in form
        flat = " ".join(form.split())
        assert "nothing about how close" in flat
        for name in result.flags:
            assert FLAGS[name].text(result).split("(")[0].split("%")[0].strip()[:30] in flat
    assert " ".join(result.interpretation.split()) in " ".join(str(summary).split())


@pytest.mark.parametrize("result", [n for n in NAMES if n.startswith("criterion")], indirect=True)
def test_frame_of_the_criterion(result: PNCriterion) -> None:
    frame = result.to_frame()
    assert len(frame) == 1
    row = frame.iloc[0]
    for name in ("n", "p", "alpha", "threshold", "risk1", "risk2", "n_required_order1", "n_required_order2"):
        assert row[name] == getattr(result, name)
        assert np.issubdtype(frame[name].dtype, np.number)
    for name in ("T0", "T1", "T2", "T3", "a1", "a2"):
        assert row[name] == getattr(result.terms, name)
    assert row["verdict"] == result.verdict
    if result.bootstrap is not None:
        for name, (low, high) in result.bootstrap.intervals.items():
            assert (row[f"{name}_low"], row[f"{name}_high"]) == (low, high)


def test_frame_of_the_projection(results: dict[str, Result]) -> None:
    projection = results["projection"]
    assert isinstance(projection, InformationProjection)
    frame = projection.to_frame()
    np.testing.assert_array_equal(frame["theta"], projection.theta)
    assert len(frame) == 5


# -------------------------------------------------------------------------------- files, figures
@each
@pytest.mark.parametrize("suffix", [".json", ".csv", ".md", ".tex", ".html"])
def test_save_text(result: Result, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"result{suffix}"
    assert result.save(path) == path
    content = path.read_text(encoding="utf-8")
    if suffix == ".json":
        loaded = json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
        assert type(result).from_dict(loaded) == result
    if suffix == ".csv":
        import pandas as pd

        assert list(pd.read_csv(path).columns) == list(result.to_frame().columns)
    if suffix == ".html":
        assert "<html" in content
        assert not re.search(r"""(src|href)=["']https?://""", content), "the page must be self-contained"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@plotted
@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_save_figures(result: Result, suffix: str, magic: bytes, tmp_path: Path) -> None:
    path = result.save(str(tmp_path / f"figure{suffix.upper()}"))
    assert path.read_bytes().startswith(magic)


@pytest.mark.parametrize("result", FIGURELESS, indirect=True)
def test_results_without_a_figure_say_so(result: Result, tmp_path: Path) -> None:
    with pytest.raises(InputTypeError, match="no figure"):
        result.plot()
    with pytest.raises(InputTypeError, match="no figure"):
        result.save(tmp_path / "figure.png")
    assert list(tmp_path.iterdir()) == []


@each
@pytest.mark.parametrize("name", ["result.xlsx", "result", "result.json.gz"])
def test_unknown_suffix(result: Result, name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.json, \.csv, \.md, \.tex, \.html, \.png, \.pdf, \.svg"):
        result.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@plotted
def test_plot_returns_labelled_axes(result: Result) -> None:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    axes = result.plot()
    assert isinstance(axes, Axes)
    assert "sample size" in axes.get_xlabel()
    assert "nats" in axes.get_ylabel()
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_legend() is not None
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any("order 1" in label for label in labels)
    axes.figure.canvas.draw()  # mathtext and ticks are only checked when drawn
    _, own = plt.subplots()
    assert result.plot(ax=own) is own


def test_figure_of_the_criterion(results: dict[str, Result]) -> None:
    found = results["criterion"]
    assert isinstance(found, PNCriterion)
    axes = found.plot()
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any("n = 80" in label for label in labels)
    assert any("interval" in label for label in labels)
    assert any(str(found.n_required_order2) in label for label in labels)
    assert found.verdict in axes.get_title()
    others = [a for a in axes.figure.axes if a is not axes]
    assert any("Bayes error" in a.get_ylabel() for a in others)
    low, high = axes.get_xlim()
    assert low < found.n < high
    assert low < found.n_required_order2 < high
    bottom, top = axes.get_ylim()
    assert bottom < found.risk2 < top
    assert bottom < found.threshold < top


def test_the_band_of_the_figure_meets_the_interval(results: dict[str, Result]) -> None:
    """At n the shaded band is the stored interval of the risk."""
    found = results["criterion"]
    assert isinstance(found, PNCriterion) and found.bootstrap is not None
    from matplotlib.collections import PolyCollection

    axes = found.plot()
    band = next(c for c in axes.collections if isinstance(c, PolyCollection) and "interval" in str(c.get_label()))
    outline = band.get_paths()[0].vertices
    x = outline[:, 0]
    near = outline[np.abs(np.log(x / found.n)) < 0.02][:, 1]
    low, high = found.bootstrap.intervals["risk2"]
    # the grid has 200 points on two decades or so: within 2.5 % of n, risk within 3 %
    assert near.min() == pytest.approx(low, rel=0.05)
    assert near.max() == pytest.approx(high, rel=0.05)


def test_plot_keywords_reach_the_line(results: dict[str, Result]) -> None:
    axes = results["terms"].plot(color="red")
    assert any(line.get_color() == "red" for line in axes.lines)


def test_seed_and_settings_are_in_the_report(results: dict[str, Result], tmp_path: Path) -> None:
    found = results["criterion"]
    assert isinstance(found, PNCriterion) and found.bootstrap is not None
    content = found.save(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "bootstrap-t, 95 %" in content
    assert "seed" in content
    assert "data:image" in content or "<svg" in content


@pytest.mark.parametrize("T0", [0.0, float("inf")])
def test_terms_that_a_logarithmic_axis_cannot_show(T0: float) -> None:
    with pytest.raises(InputTypeError, match="no figure"):
        RiskTerms(T0, 1.0, 1.0, 1.0, 1).plot()
