"""`simulate`: the numbers are those of the wings, whatever interrupts them and however the grid grows."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import special, stats

from infostat import alignment, density, generalization, projection
from infostat.core.errors import CheckpointError, InputError, InputTypeError
from infostat.core.results import Result
from infostat.reporting import simulate
from infostat.reporting.grid_study import WINGS, find_wing

# One small study for each wing; bounds and pn hold several blocks in a cell.
SMALL = {
    "pn": ({"family": ["normal", "exponential"]}, {"n": [15, 30]}, 4100),
    "kde": ({"d": [8, 9]}, {"n": 300, "bandwidths": [0.5, 0.9]}, 6),
    "align": ({"n": [40, 60]}, {"kl": [0.2], "best_of": [2, 4]}, 10),
    "bounds": ({"n": [5, 9], "d": [3]}, {}, 40),
}


def _run(wing, **options):
    grid, fixed, replicates = SMALL[wing]
    return simulate(wing, grid=grid, fixed=fixed, replicates=replicates, **{"rng": 11, **options})


def _numbers(found, quantity):
    rows = found.to_frame()
    return rows[rows["quantity"] == quantity]


# ------------------------------------------------------------- the numbers of the wings
def test_cells_of_pn_are_those_of_simulate_risk():
    found = _run("pn")
    own = projection.simulate_risk(None, "exponential", [15, 30], 4100, theta=[-1.0], rng=found.cell_seeds[1])
    rows = _numbers(found, "risk").query("family == 'exponential'")
    np.testing.assert_array_equal(rows["value"], own.risk)
    np.testing.assert_array_equal(rows["se"], own.risk_se)
    np.testing.assert_array_equal(rows["theory"], own.risk2)
    # digamma(n) - log n + 1/(n - 1) is the risk of the exponential family in closed form
    exact = special.digamma([15, 30]) - np.log([15, 30]) + 1.0 / (np.array([15, 30]) - 1.0)
    assert (np.abs(rows["value"] - exact) < 5.0 * rows["se"]).all()
    both = _numbers(found, "risk")["value"].to_numpy() + _numbers(found, "reverse_risk")["value"].to_numpy()
    np.testing.assert_allclose(_numbers(found, "optimism")["value"], both, rtol=1e-12)


def test_a_truth_outside_the_family():
    found = simulate("pn", fixed={"truth": "laplace", "n": [30]}, replicates=200, rng=4)
    own = projection.simulate_risk(stats.laplace(), "normal", [30], 200, rng=found.cell_seeds[0])
    assert _numbers(found, "risk")["value"].tolist() == own.risk.tolist()


def test_cells_of_kde_are_those_of_simulate_regimes():
    found = _run("kde")
    own = density.simulate_regimes(n=300, d=9, h_grid=[0.5, 0.9], n_x=6, n_data=1, rng=found.cell_seeds[1])
    rows = _numbers(found, "kl_per_dim").query("d == 9")
    np.testing.assert_array_equal(rows["value"], own.kl_per_dim)
    best = _numbers(found, "least_kl_per_dim").query("d == 9").iloc[0]
    assert best["value"] == own.kl_per_dim.min() and best["limit"] == own.kl_star and math.isnan(best["h"])
    h = float(own.h[np.argmin(own.kl_per_dim)])
    assert best["theory"] == density.finite_size(300, 9, h).kl_per_dim


def test_a_common_variance_scales_the_exact_divergence():
    # Data of variance 4 in every direction and twice the bandwidth: the same problem in another unit.
    fixed = {"d": 2, "n": 40, "bandwidths": [1.4], "spectrum": [4.0, 4.0]}
    found = simulate("kde", fixed=fixed, replicates=3, rng=1)
    value = _numbers(found, "least_kl_per_dim")["theory"].item()
    assert value == pytest.approx(density.finite_size(40, 2, 0.7).kl_per_dim, rel=1e-9)
    uneven = simulate("kde", fixed={**fixed, "spectrum": [1.0, 4.0]}, replicates=3, rng=1)
    assert _numbers(uneven, "least_kl_per_dim")["theory"].isna().all()


def test_cells_of_align_are_those_of_simulate_alignment():
    found = simulate("align", grid={"law": ["norm", "beta:2:5"]}, fixed={"n": 50, "kl": [0.2], "best_of": [3]},
                     replicates=8, rng=2)  # fmt: skip
    own = alignment.simulate_alignment(
        n=50, replicates=8, kl=[0.2], n_best=[3], law=stats.beta(2.0, 5.0), rng=found.cell_seeds[1]
    )
    rows = _numbers(found, "mean_reward").query("law == 'beta:2:5'")
    np.testing.assert_array_equal(rows["value"], own.mean)
    np.testing.assert_array_equal(rows["theory"], own.exact)
    assert rows["method"].tolist() == ["tilt", "best_of_n"] and rows["level"].tolist() == [0.2, 3.0]


def test_cells_of_bounds_are_those_of_the_task():
    found = simulate("bounds", grid={"ranks": [[4, 1], [4, 2, 1]]}, fixed={"d": 4, "n": 6}, replicates=20, rng=2)
    own = generalization.BinaryGaussianTask(1.5, 1.0, 4).simulate(6, [4, 2, 1], [1.0], 20, rng=found.cell_seeds[1])
    rows = found.to_frame().query("ranks == '4,2,1'")
    assert rows.query("quantity == 'gap'")[["value", "se", "theory"]].to_numpy().tolist() == [
        [own.gap, own.se, own.exact_gap]
    ]
    np.testing.assert_array_equal(rows.query("quantity == 'kl'")["theory"], own.exact_kl)
    assert rows.query("quantity == 'w1'")["layer"].tolist() == [2.0]  # known where a layer has one unit
    assert rows.query("quantity == 'least_bound'")["value"].item() == own.bound_label.min()


# ------------------------------------------------------------------- jobs, kill, resume
class _Stop(Exception):
    pass


def _stop_after(count):
    """Progress that stops a run, as ctrl-C would, after some reports."""
    seen = []

    def report(done, total):
        seen.append((done, total))
        if len(seen) > count:
            raise _Stop

    return report


@pytest.mark.parametrize("wing", WINGS)
def test_a_run_that_was_stopped_twice_resumes_bit_for_bit(wing, tmp_path):
    whole = _run(wing)
    for count in (2, 4):
        with pytest.raises(_Stop):
            _run(wing, checkpoint=tmp_path / "parts", progress=_stop_after(count))
    resumed = _run(wing, checkpoint=tmp_path / "parts", rng=None)  # the seed is in the folder
    pd.testing.assert_frame_equal(resumed.to_frame(), whole.to_frame(), check_exact=True)
    assert resumed == whole
    calls = []
    again = _run(wing, checkpoint=tmp_path / "parts", progress=lambda done, total: calls.append((done, total)))
    assert again == whole
    assert all(done > 0 for done, _ in calls)  # nothing was left to do in any cell


def test_workers_do_not_change_the_numbers():
    assert _run("bounds", n_jobs=2, batch_size=1) == _run("bounds")


def test_progress_counts_all_replicates_of_all_cells():
    seen = []
    simulate("kde", grid={"data_sets": [1, 2]}, fixed={"d": 2, "n": 10, "bandwidths": [0.7]}, replicates=3, rng=1,
             progress=lambda done, total: seen.append((done, total)))  # fmt: skip
    assert seen[-1] == (9, 9) and [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_grid_that_grows_takes_up_what_is_there(tmp_path):
    folder = tmp_path / "parts"
    small = simulate("bounds", grid={"n": [5, 9]}, fixed={"d": 3}, replicates=20, rng=1, checkpoint=folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.glob("cell-*")}
    large = simulate("bounds", grid={"n": [7, 9, 5]}, fixed={"d": 3}, replicates=20, checkpoint=folder)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps and len(list(folder.glob("cell-*"))) == 3
    for n in (5, 9):
        old, new = (found.to_frame().query(f"n == {n}").drop(columns="cell") for found in (small, large))
        pd.testing.assert_frame_equal(old.reset_index(drop=True), new.reset_index(drop=True), check_exact=True)


def test_checkpoints_that_do_not_fit_are_left_alone(tmp_path):
    arguments = {"grid": {"n": [5, 9]}, "fixed": {"d": 3}, "rng": 1}
    folder = tmp_path / "parts"
    simulate("bounds", replicates=20, checkpoint=folder, **arguments)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CheckpointError, match="replicates is 20 in the file and 21 here"):
        simulate("bounds", replicates=21, checkpoint=folder, **arguments)
    with pytest.raises(CheckpointError, match="seed"):
        simulate("bounds", replicates=20, checkpoint=folder, **{**arguments, "rng": 2})
    with pytest.raises(CheckpointError, match="another study"):
        simulate("kde", fixed={"d": 2, "n": 5}, replicates=20, checkpoint=folder, rng=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(CheckpointError, match="other files"):
        simulate("bounds", replicates=20, checkpoint=tmp_path / "full", **arguments)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]
    with pytest.raises(InputError, match="a folder"):
        simulate("bounds", replicates=20, checkpoint=tmp_path / "full" / "letter.txt", **arguments)
    with pytest.raises(InputError, match="parent folder"):
        simulate("bounds", replicates=20, checkpoint=tmp_path / "no" / "such", **arguments)
    with pytest.raises(InputTypeError, match="checkpoint"):
        simulate("bounds", replicates=20, checkpoint=7, **arguments)
    damaged = next(folder.glob("cell-*"))
    damaged.write_bytes(damaged.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match="in the cell n = .*damaged"):
        simulate("bounds", replicates=20, checkpoint=folder, **arguments)


def test_nothing_is_run_before_every_cell_is_known_to_fit(tmp_path):
    with pytest.raises(InputError, match="in the cell n = 3"):
        simulate("align", grid={"n": [100, 3]}, replicates=10, checkpoint=tmp_path / "parts")
    assert not (tmp_path / "parts").exists()


# ------------------------------------------------------------------------------- results
@pytest.mark.parametrize("wing", WINGS)
def test_one_row_per_cell_and_quantity(wing):
    found = _run(wing)
    frame, about = found.to_frame(), find_wing(wing)
    keys = ["cell", *found.grid, *about.axes]
    assert list(frame.columns) == [*keys, "quantity", "value", "se", "theory", "limit"]
    assert not frame.duplicated([*keys, "quantity"]).any()
    assert set(frame["quantity"]) == set(about.quantities)
    assert frame["value"].notna().all() and frame["cell"].nunique() == found.n_cells == len(found.cell_seeds)
    back = Result.from_dict(json.loads(json.dumps(found.to_dict())))
    assert back == found and str(back.summary()) == str(found.summary())
    assert about.quantities[about.headline] in str(found.summary())


def test_the_sentence_counts_what_lies_within_two_standard_errors():
    found = _run("bounds")
    rows = found.shown()
    z = (rows["value"] - rows["theory"]).abs() / rows["se"]
    assert f"{int((z <= 2).sum())} of 2 values lie within two standard errors" in found.interpretation
    assert f"{z.max():.1f} standard errors off" in found.interpretation


def test_figures_show_theory_beside_the_points():
    found = simulate("bounds", grid={"n": [5, 9, 30], "d": [2, 3]}, replicates=12, rng=1)
    assert found.x == "n" and found.quantity == "gap"
    ax = found.plot(ax=Figure().add_subplot())
    assert ax.get_xlabel() == "sample size n" and ax.get_xscale() == "log"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["exact", "d = 2", "d = 3"]
    drawn = [line.get_ydata() for line in ax.lines if line.get_linestyle() == "-" and len(line.get_ydata()) == 3]
    wanted = found.shown().sort_values(["d", "n"])["theory"].to_numpy().reshape(2, 3)
    np.testing.assert_array_equal(drawn, wanted)
    ax = found.plot(ax=Figure().add_subplot(), x="layer", quantity="kl")
    assert ax.get_xlabel().startswith("layer") and ax.get_ylabel() == "KL divergence (nats)"
    with pytest.raises(InputError, match="quantity must be one of gap"):
        found.plot(ax=Figure().add_subplot(), quantity="risk")
    with pytest.raises(InputError, match="x must be one of n, d"):
        found.plot(ax=Figure().add_subplot(), x="layer")


def test_words_on_the_axis_and_a_theory_that_all_curves_share():
    found = simulate("bounds", grid={"loss": ["hinge", "linear"]}, fixed={"d": 3}, replicates=6, rng=1)
    ax = found.plot(ax=Figure().add_subplot())
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["hinge", "linear"]
    ax = _run("align").plot(ax=Figure().add_subplot())
    nominal = [line for line in ax.lines if len(set(line.get_ydata())) == 1 and len(line.get_ydata()) == 2]
    assert len(nominal) == 1 and set(nominal[0].get_ydata()) == {0.95}


def test_many_curves_are_thinned_and_counted():
    found = simulate("bounds", grid={"n": [5, 9], "mu": [0.1 * k for k in range(1, 11)]}, fixed={"d": 2}, replicates=4,
                     x="n", rng=1)  # fmt: skip
    texts = [text.get_text() for text in found.plot(ax=Figure().add_subplot()).get_legend().get_texts()]
    assert len(texts) == 9 and texts[-1].endswith("(8 of 10 curves)")


def test_a_study_file_and_what_replaces_its_values(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('wing = "bounds"\nreplicates = 20\nseed = 11\n[grid]\nn = [5, 9]\n[fixed]\nd = 3\n')
    arguments = {"grid": {"n": [5, 9]}, "fixed": {"d": 3}, "rng": 11}
    assert simulate(path) == simulate(str(path)) == simulate("bounds", replicates=20, **arguments)
    assert simulate(path, replicates=12, quantity="w2") == simulate(
        "bounds", replicates=12, quantity="w2", **arguments
    )
    with pytest.raises(InputError, match="grid must be left out with a study file"):
        simulate(path, grid={"n": [3]})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"study": "wine"}, "study must be one of"),
        ({"study": None}, "study must be one of"),
        ({"study": "pn", "replicates": 1}, "replicates must be"),
        ({"study": "pn", "quantity": "gap"}, "quantity must be one of risk"),
        ({"study": "pn", "x": "d"}, "x must be one of n"),
        ({"study": "pn", "rng": -1}, "rng must be"),
        ({"study": "pn", "n_jobs": 0}, "n_jobs must be"),
        ({"study": "pn", "progress": "yes"}, "progress must be"),
        ({"study": "bounds", "grid": {"n": [5, 7]}, "fixed": {"mu": float("inf")}}, "fixed.mu must be"),
    ],
)
def test_arguments_that_are_refused(arguments, words):
    with pytest.raises((InputError, InputTypeError), match=words):
        simulate(**arguments)


def test_an_error_that_is_rounding_measures_no_distance():
    # Two coins that differ are the only sample of two with an estimate: every replicate has the same risk.
    found = simulate("pn", grid={"family": ["bernoulli"]}, fixed={"n": [2]}, replicates=50, rng=1)
    assert "standard errors" not in found.interpretation


def test_lists_that_differ_in_the_last_digits_stay_apart():
    spectra = [[1.0, 1.0000001], [1.0, 1.0000002]]
    fixed = {"d": 2, "n": 20, "bandwidths": [0.5]}
    found = simulate("kde", grid={"spectrum": spectra}, fixed=fixed, replicates=2, rng=1)
    assert found.to_frame()["spectrum"].unique().tolist() == ["1,1.0000001", "1,1.0000002"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_jobs": 0}, "^n_jobs must be"),
        ({"batch_size": 0}, "^batch_size must be"),
        ({"replicates": 10**6}, "^in the cell n = 10000000000: the study must draw at most"),
        ({"replicates": 10**8}, "^in the cell n = 10: n_x times n_data"),
    ],
    ids=["jobs", "batch", "distances", "rows"],
)
def test_what_no_cell_could_run_with_is_said_before_the_first(options, words, tmp_path):
    given = {"grid": {"n": [10, 10**10]}, "fixed": {"d": 2, "bandwidths": [0.5, 1.0]}, "replicates": 5, **options}
    with pytest.raises(InputError, match=words):
        simulate("kde", checkpoint=tmp_path / "study", **given)
    assert not (tmp_path / "study").exists()
