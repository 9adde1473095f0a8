"""A proxy reward against the true one: best-of-N, the tilt and chi-squared, with fitted peaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..curves import DASHED, DOTTED, Look, curve, divide, draw_curves, legend_below, stack
from ..entry import FigureEntry, Findings, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..gallery_figure import GalleryFigure

__all__ = ["FIGURE"]

_BON, _TILT = "best of N", "trained policies"
# True reward = linear - curvature * proxy^2 + noise.
_LINEAR, _CURVATURE, _NOISE = 0.6, 0.2, 0.4
_COUNTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128)
_BUDGETS = np.linspace(0.05, 2.5, 15)
_LOOKS = {
    _BON: {
        "proxy": Look("blue", "proxy reward", dash=DASHED, width=1.2),
        "truth": Look("grey", "true reward, exact", width=1.2),
        "true": Look("orange", r"true reward, $\pm 2$ s.e.", kind="points"),
        "fit": Look("black", r"fit $d(A-Bd)$, $d=\sqrt{\mathrm{KL}}$", width=1.3),
        "peak": Look("black", "fitted peak", kind="rule", dash=DOTTED, width=1.0),
    },
    _TILT: {
        "proxy": Look("blue", "proxy reward, tilt", dash=DASHED, width=1.2),
        "truth": Look("grey", "true reward, exact (tilt)", width=1.2),
        "true": Look("orange", r"true reward, tilt, $\pm 2$ s.e.", kind="points"),
        "pearson": Look("green", "true reward, chi-squared", kind="points", marker="s", hollow=True),
        "fit": Look("black", r"fit $d(A-Bd)$", width=1.3),
        "other fit": Look("black", r"fit $d(A-B\,\log\,d)$", dash=DASHED, width=1.1),
        "peak": Look("black", "fitted peak", kind="rule", dash=DOTTED, width=1.0),
    },
}


def _study(how: Study) -> Findings:
    from ....alignment import bon_curve, estimate, overoptimisation_fit
    from ....core.rng import as_generator

    generator = as_generator(how.seed)
    size = how.count(20_000, 2000)
    proxy = generator.standard_normal(size)
    true = _LINEAR * proxy - _CURVATURE * proxy**2 + _NOISE * generator.standard_normal(size)
    counts = [n for n in _COUNTS if n <= size // 20]
    best = bon_curve(proxy, counts, true=true, n_jobs=how.n_jobs)
    tilted = estimate(proxy, true=true, kl=_BUDGETS)
    base = np.array([proxy.mean(), true.mean()])
    frames: list[Any] = []
    numbers: dict[str, float] = {}
    fits: dict[str, Any] = {}
    routes = {
        _BON: (np.asarray(best.kl_upper), best.reward, best.true_reward, best.true_se),
        _TILT: (_BUDGETS, tilted.reward, tilted.true_reward, tilted.se_true_reward),
    }
    for panel, (kl, proxy_mean, true_mean, error) in routes.items():
        gain, se = np.asarray(true_mean) - base[1], np.asarray(error)
        fit = overoptimisation_fit(kl, gain, se=se)
        smooth = np.linspace(0.0, float(kl.max()), 121)[1:]
        frames += [
            curve("proxy", kl, np.asarray(proxy_mean) - base[0], panel=panel, nature="estimate"),
            curve("true", kl, gain, panel=panel, nature="estimate", low=gain - 2.0 * se, high=gain + 2.0 * se),
            curve("fit", smooth, fit.gain(smooth), panel=panel, nature="estimate"),
            curve("peak", [fit.peak_kl], [fit.peak_gain], panel=panel, nature="estimate"),
        ]
        numbers |= {f"peak KL, {panel}": fit.peak_kl, f"s.e. of the peak, {panel}": fit.se_peak_kl}
        fits[panel] = fit
        if panel == _TILT:
            other = overoptimisation_fit(kl, gain, "rl", se=se)
            frames.append(curve("other fit", smooth, other.gain(smooth), panel=panel, nature="estimate"))
    frames += [_exact_best_of_n(), _exact_tilt(), _pearson(proxy, true, how.count(24, 8))]
    return Findings(
        frame=stack(*frames),
        numbers=numbers,
        parts={"best of N": fits[_BON], "tilt": fits[_TILT]},
        settings={"scores": size, "true reward": f"{_LINEAR} z - {_CURVATURE} z^2 + {_NOISE} noise, z the proxy"},
        interpretation=(
            "The proxy reward rises for ever, the true reward turns: the fitted peaks are at "
            f"{fits[_BON].peak_kl:.2g} nats for best-of-N and {fits[_TILT].peak_kl:.2g} nats for the tilt."
        ),
    )


def _exact_best_of_n() -> Any:
    """Mean true reward of best-of-N when the proxy is normal: moments of the largest of N by quadrature."""
    from scipy.stats import norm

    n = np.geomspace(1.0001, _COUNTS[-1], 101)
    z = np.linspace(-9.0, 9.0, 6001)
    density = n[:, None] * np.exp(norm.logpdf(z) + (n[:, None] - 1.0) * norm.logcdf(z)) * (z[1] - z[0])
    gain = _LINEAR * density @ z - _CURVATURE * (density @ z**2 - 1.0)
    return curve("truth", np.log(n) - (n - 1.0) / n, gain, panel=_BON)


def _exact_tilt() -> Any:
    """The tilt of a standard normal proxy is N(t, 1) with KL t^2/2."""
    kl = np.linspace(0.0, _BUDGETS[-1], 101)
    t = np.sqrt(2.0 * kl)
    return curve("truth", kl, _LINEAR * t - _CURVATURE * t**2, panel=_TILT)


def _pearson(proxy: Any, true: Any, points: int) -> Any:
    """Optima under the chi-squared penalty on the sample itself."""
    from ....alignment import f_optimum

    weights = np.full(len(proxy), 1.0 / len(proxy))
    betas = np.geomspace(3.0, 0.01, points).tolist()
    optima = [f_optimum(weights, proxy, beta=beta, kind="pearson") for beta in betas]
    optima = [each for each in optima if each.kl <= _BUDGETS[-1]]
    gain = np.array([float(each.q @ true) for each in optima]) - true.mean()
    return curve("pearson", [each.kl for each in optima], gain, panel=_TILT, nature="estimate")


def _draw(ax: Axes, figure: GalleryFigure) -> None:
    for panel, name in zip(divide(ax, 2, width=4.2, height=4.5), _LOOKS, strict=True):
        draw_curves(panel, figure.frame, _LOOKS[name], name)
        panel.axhline(0.0, color="#666666", lw=0.6, zorder=0)
        panel.set_ylim(-0.1, 1.2)
        panel.set_xlim(left=0.0)
        panel.set_title(name)
        panel.set_xlabel("KL divergence from the reference (nats)")
        panel.set_ylabel("gain in mean reward")
        legend_below(panel)


FIGURE = FigureEntry(
    name="alignment-overoptimisation",
    alias="alignment-e",
    title="Where a proxy reward turns against the true one",
    caption=(
        "Gain in proxy and in true reward against KL, estimated from 20 000 scores whose true reward is known; the "
        "true reward is concave in the proxy. Left: best-of-N by the proxy at the bound log N - (N-1)/N. Right: the "
        "KL optimum for the proxy, and optima under a chi-squared penalty. Points carry two standard errors, of the "
        "same scores, so they err together. Grey: exact. Black: fitted curves and the peak (estimates); which form "
        "fits is a matter of the rewards, here the first."
    ),
    study=_study,
    draw=_draw,
    seconds=3,
    seed=3,
)
