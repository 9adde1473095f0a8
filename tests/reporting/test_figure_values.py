"""The numbers in the figures, against closed forms and the worked examples of the specifications."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.reporting.figures_made import quick


def rows(name: str, curve: str, panel: str = "") -> pd.DataFrame:
    frame = quick(name).to_frame()
    found = frame[(frame["curve"] == curve) & (frame["panel"] == panel)]
    assert len(found)
    return found


def test_thresholds() -> None:
    figure = quick("projection-thresholds")
    assert figure.numbers["threshold at alpha 0.05"] == pytest.approx(0.02, rel=1e-12)
    sharp = rows("projection-thresholds", "sharp", "threshold")
    simple = rows("projection-thresholds", "8 alpha^2", "threshold")
    assert (sharp["y"].to_numpy() >= simple["y"].to_numpy()).all()
    # Worked value: total variation 0.4 (alpha = 0.2) needs at least 0.33247392 nats; the grid is fine enough for 1e-3.
    assert np.interp(0.2, sharp["x"], sharp["y"]) == pytest.approx(0.33247392, rel=1e-3)


def test_expansion_of_the_exponential_family() -> None:
    numbers = quick("projection-expansion").numbers
    assert numbers["T0, truth exponential"] == pytest.approx(1.0, rel=1e-9)
    assert numbers["a2, truth exponential"] == pytest.approx(11.0 / 12.0, rel=1e-9)
    assert numbers["T0, truth gamma, shape 1/2"] == pytest.approx(2.0, rel=1e-9)
    # Each order gains one power of n: the relative errors fall like 1/n and 1/n^2.
    for order in (1, 2):
        error = rows("projection-expansion", f"order {order}, exponential", "relative error")
        x, y = error["x"].to_numpy(), error["y"].to_numpy()
        slope = math.log(y[-1] / y[-20]) / math.log(x[-1] / x[-20])
        assert slope == pytest.approx(-order, abs=0.05)


def test_simulated_risk_is_near_the_second_order() -> None:
    drawn = rows("projection-simulation", "simulated")
    last = drawn.iloc[-1]
    # T0 = 3.5 and a2 = 8.2083 for Laplace data and a normal model; half-widths are two standard errors.
    expected = 1.75 + 8.2083333 / last["x"]
    assert abs(last["y"] - expected) < 2.5 * (last["high"] - last["low"])


def test_criterion_figure_agrees_with_its_result() -> None:
    figure = quick("projection-criterion")
    found = figure.parts["criterion"]
    mark = rows("projection-criterion", "this sample").iloc[0]
    assert (mark["x"], mark["y"]) == (found.n, found.risk2)  # type: ignore[attr-defined]
    line = rows("projection-criterion", "order 2")
    at = np.log([found.n])  # type: ignore[attr-defined]
    logs = {column: np.log(line[column].to_numpy()) for column in ("x", "y", "low", "high")}
    low, high = found.bootstrap.intervals["risk2"]  # type: ignore[attr-defined]
    # Curves are interpolated between 81 sizes, about 5 % apart, on which they are close to straight in logarithms.
    for column, value in (("y", found.risk2), ("low", low), ("high", high)):  # type: ignore[attr-defined]
        assert np.exp(np.interp(at, logs["x"], logs[column]))[0] == pytest.approx(value, rel=1e-3)


def test_phase_diagram_holds_the_worked_table() -> None:
    for curve, value in (("h_G", 0.3721062817), ("best bandwidth h*", 0.3693439100), ("h_CLT", 0.5262377502)):
        line = rows("density-phases", curve)
        at = np.interp(0.0, np.log(line["x"]), np.log(line["y"]))
        # Between alphas 8 % apart the curves bend a little.
        assert math.exp(at) == pytest.approx(value, rel=2e-3)


def test_divergence_curve_is_least_at_the_mark() -> None:
    figure = quick("density-divergence")
    line = rows("density-divergence", "limit")
    h = line["x"].to_numpy()
    best = h[int(np.argmin(line["y"]))]
    step = h[1] / h[0]
    assert abs(math.log(best / figure.numbers["h_star"])) <= math.log(step)
    assert figure.numbers["h_CLT"] == pytest.approx(math.sqrt(2.0) * figure.numbers["h_G"], rel=1e-12)
    # At finite size the expectation is above the limit.
    assert (rows("density-divergence", "exact")["y"].to_numpy() >= line["y"].to_numpy() - 1e-9).all()


def test_participation_is_above_its_limit_and_falls_with_the_dimension() -> None:
    shares = {d: rows("density-participation", f"exact, d = {d}") for d in (20, 60, 200)}
    mu = shares[20]["x"].to_numpy()
    condensed = mu > 0.3  # below, the dimensions differ by less than the accuracy of the integrals
    for more, fewer in ((20, 60), (60, 200)):
        assert (shares[more]["y"].to_numpy() >= shares[fewer]["y"].to_numpy())[condensed].all()
    assert (shares[200]["y"].to_numpy() >= np.maximum(0.0, 1.0 - mu) - 1e-3).all()


def test_fluctuation_rows_are_the_draws() -> None:
    figure = quick("density-fluctuations")
    for name, found in figure.parts.items():
        line = rows("density-fluctuations", "log W, share of data sets above", name)
        np.testing.assert_array_equal(line["x"], np.sort(found.log_W))  # type: ignore[attr-defined]
        assert line["y"].is_monotonic_decreasing
    numbers = figure.numbers
    assert numbers["KS to the stable law, mu = 0.5"] < numbers["KS to the normal law, mu = 0.5"]
    assert "KS to the stable law, mu = 3" not in numbers


def test_nothing_is_above_the_frontier() -> None:
    frame = quick("alignment-frontier").to_frame()
    loss = frame[frame["panel"] == "below the optimum"]["y"].dropna()
    assert (loss > 0.0).all()
    tilt = rows("alignment-frontier", "tilt", "known law")
    others = frame[(frame["panel"] == "known law") & ~frame["curve"].isin(["tilt", "ceiling"])]
    top = tilt["y"].max()
    assert (others["y"] <= top * (1.0 + 1e-9)).all()
    assert tilt["y"].is_monotonic_increasing


def test_rates_meet_at_the_mean() -> None:
    figure = quick("alignment-rates")
    best = rows("alignment-rates", "best of N", "sequences")
    plain = rows("alignment-rates", "reference", "sequences")
    delta = figure.numbers["delta"]
    assert np.interp(figure.numbers["x*"], plain["x"], plain["y"]) == pytest.approx(delta, abs=1e-4)
    tilted = rows("alignment-rates", "tilt", "sequences").set_index("x")["y"]
    assert (best["y"].to_numpy() >= tilted.loc[best["x"]].to_numpy() - 1e-9).all()


def test_sequences_come_close_per_symbol_only() -> None:
    whole = rows("alignment-sequences", "KL(BoN || optimum)", "not divided by m")["y"]
    each = rows("alignment-sequences", "KL(BoN || optimum)", "per symbol")["y"]
    assert whole.is_monotonic_increasing
    assert each.is_monotonic_decreasing


@pytest.mark.parametrize("panel", ["five grades", "one correct answer among many"])
def test_the_divergence_stays_below_its_bounds(panel: str) -> None:
    exact = rows("alignment-divergence", "exact", panel)["y"].to_numpy()
    for name in ("bound", "ceiling", "single atom"):
        assert (exact <= rows("alignment-divergence", name, panel)["y"].to_numpy() + 1e-12).all()


def test_exact_true_rewards() -> None:
    tilt = rows("alignment-overoptimisation", "truth", "trained policies")
    d = np.sqrt(2.0 * tilt["x"].to_numpy())
    np.testing.assert_allclose(tilt["y"], 0.6 * d - 0.2 * d**2, atol=1e-12)
    best = rows("alignment-overoptimisation", "truth", "best of N")
    # Two normal draws: the larger has mean 1/sqrt(pi) and second moment 1, so the gain is 0.6/sqrt(pi).
    at = math.log(2.0) - 0.5
    assert np.interp(at, best["x"], best["y"]) == pytest.approx(0.6 / math.sqrt(math.pi), rel=1e-3)
    # Estimates from scores carry two standard errors; 5 of them is generous, not wide.
    drawn = rows("alignment-overoptimisation", "true", "best of N")
    truth = np.interp(drawn["x"], best["x"], best["y"])
    assert (np.abs(drawn["y"] - truth) < 2.5 * (drawn["y"] - drawn["low"])).all()


def test_game_figure_holds_the_worked_example() -> None:
    kl = rows("alignment-game", "KL").set_index("x")["y"]
    for rounds, value in ((0, 2.3623680e-3), (1, 1.1098346e-3), (5, 5.3249054e-5), (20, 5.84507e-10)):
        assert kl[2.0 * rounds] == pytest.approx(value, rel=1e-5)
    bound = rows("alignment-game", "guaranteed").set_index("x")["y"]
    kept = kl.dropna()
    assert (kept <= bound.loc[kept.index] * (1.0 + 1e-9)).all()
    assert rows("alignment-game", "exploitability")["y"].iloc[0] == pytest.approx(7.372137598e-4, rel=1e-8)


def test_perplexity_is_what_the_budget_says() -> None:
    for size in (200, 2000, 20_000):
        line = rows("alignment-ess", f"perplexity, M = {size}")
        np.testing.assert_allclose(line["y"], size * np.exp(-line["x"]), rtol=1e-9)
        assert (rows("alignment-ess", f"ESS, M = {size}")["y"].to_numpy() <= line["y"].to_numpy() * (1 + 1e-9)).all()


def test_pass_at_one_is_held() -> None:
    figure = quick("alignment-pass-at-k")
    frame = figure.to_frame()
    held = frame[(frame["panel"] == "equal pass@1") & (frame["x"] == 1.0) & (frame["curve"] != "reference")]
    np.testing.assert_allclose(held["y"], figure.numbers["pass@1 held"], rtol=1e-8)


def test_experiments_keep_their_curves() -> None:
    figure = quick("generalization-contraction")
    experiment = figure.parts["experiment"]
    frame = experiment.to_frame()
    np.testing.assert_array_equal(figure.to_frame()["y"], frame["value"])
    line = rows("generalization-contraction", "Dropout d = 4", "Dropout")
    np.testing.assert_allclose(line["y"], line["x"] ** 4, rtol=1e-12)
