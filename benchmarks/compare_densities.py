"""The same log densities through infostat and through the packages one would otherwise use.

    python benchmarks/compare_densities.py [--csv FOLDER]

Gaussian kernels of width h on the same rows, asked for at the same ten points, for dimensions from 2
to 784, beside a reference with 50 digits. Four tables: what was called, the mean log density (the
score of ten held-out rows), the largest error of one of them, and how packages behave at their
limits. The calls shown are the code that ran, on the names defined in `inputs`. A package that
is not installed is left out.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from _machine import header
from numpy.typing import NDArray

N_ROWS = 2000
N_QUERIES = 10
DIMENSIONS = (2, 10, 20, 50, 200, 784)
WIDTHS = (0.5, 1.0)
DIGITS = 50
_BITS = 80  # coordinates are read as integers in units of 2^-80: what that loses is below 1e-24


@dataclass(frozen=True)
class Way:
    """One way to a log density.

    Attributes
    ----------
    name : str
        Shown at the head of a column.
    module : str
        What has to be importable.
    call : str
        Expression that gives the log densities at `Q`.
    """

    name: str
    module: str
    call: str


WAYS = (
    Way("infostat", "infostat", "log_density(X, Q, h)"),
    Way("scikit-learn", "sklearn", "neighbors.KernelDensity(bandwidth=h).fit(X).score_samples(Q)"),
    Way("scikit-learn, one leaf", "sklearn",
        "neighbors.KernelDensity(bandwidth=h, leaf_size=len(X)).fit(X).score_samples(Q)"),
    Way("scipy logpdf", "scipy", "stats.gaussian_kde(X.T, bw_method=h).logpdf(Q.T)"),
    Way("scipy log(pdf)", "scipy", "np.log(stats.gaussian_kde(X.T, bw_method=h).pdf(Q.T))"),
    Way("KDEpy", "KDEpy", "np.log(NaiveKDE(bw=h).fit(X).evaluate(Q))"),
    Way("statsmodels", "statsmodels", "np.log(KDEMultivariate(X, 'c' * d, bw=[h] * d).pdf(Q))"),
)  # fmt: skip


@dataclass(frozen=True)
class Limit:
    """One input near the limit of a package.

    Attributes
    ----------
    case : str
        The input in words.
    package, module : str
        Who, and what has to be importable.
    call : str
        Expression of its value.
    ours : str
        Expression of infostat for the same number.
    setting : str
        Key of the names that `limits` prepares.
    note : str
        What happens.
    """

    case: str
    package: str
    module: str
    call: str
    ours: str
    setting: str
    note: str


LIMITS = (
    Limit("tighter tolerance, d = 50", "scikit-learn", "sklearn",
          "neighbors.KernelDensity(bandwidth=h, rtol=1e-12).fit(X).score_samples(Q).mean()",
          "log_density(X, Q, h).mean()", "d50", "the same number as with the default tolerance"),
    Limit("more columns than rows: d = 200, n = 100", "scipy", "scipy",
          "stats.gaussian_kde(X.T, bw_method=h).logpdf(Q.T).mean()",
          "log_density(X, Q, h).mean()", "wide", "the sample covariance has no inverse"),
    Limit("d = 1500", "KDEpy", "KDEpy", "np.log(NaiveKDE(bw=h).fit(X).evaluate(Q)).mean()",
          "log_density(X, Q, h).mean()", "d1500", "the normalising constant leaves the float range"),
)  # fmt: skip


def white_rows(n: int, d: int) -> NDArray[np.float64]:
    """Return normal rows whose sample covariance is the identity.

    scipy's kernel has the shape of the sample covariance; on such rows it is the round kernel of the
    other packages.
    """
    rows = np.random.default_rng(11).standard_normal((n, d))
    rows -= rows.mean(axis=0)
    root = np.linalg.cholesky(np.cov(rows.T).reshape(d, d))
    return np.asarray(rows @ np.linalg.inv(root).T)


def queries(m: int, d: int) -> NDArray[np.float64]:
    """Return points that the rows do not contain."""
    return np.random.default_rng(12).standard_normal((m, d))


def reference(X: NDArray[np.float64], Q: NDArray[np.float64], widths: Sequence[float]) -> list[list[Any]]:
    """Return the log densities at `Q` for each width as numbers with 50 digits."""
    import mpmath

    with mpmath.workdps(DIGITS + 10):
        unit = mpmath.mpf(2) ** (-2 * _BITS)
        rows, points = _integers(X), _integers(Q)
        found: list[list[Any]] = [[] for _ in widths]
        for point in points:
            gaps = rows - point
            squares = [unit * int(s) for s in (gaps * gaps).sum(axis=1)]
            for place, h in enumerate(widths):
                scale = 2 * mpmath.mpf(h) ** 2
                nearest = min(squares)
                total = mpmath.fsum(mpmath.exp((nearest - square) / scale) for square in squares)
                constant = mpmath.log(len(rows)) + X.shape[1] * mpmath.log(h * mpmath.sqrt(2 * mpmath.pi))
                found[place].append(mpmath.log(total) - nearest / scale - constant)
        return found


def _integers(table: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return the entries as Python integers in units of 2^-80."""
    mantissa, exponent = np.frexp(table)
    whole = (mantissa * 2.0**53).astype(np.int64).astype(object)
    shift = exponent.astype(object) + (_BITS - 53)
    return np.asarray(np.vectorize(lambda m, s: m << s if s >= 0 else m >> -s, otypes=[object])(whole, shift))


def inputs() -> dict[str, Any]:
    """Return the names that the calls use, apart from `X`, `Q`, `h` and `d`."""
    from infostat.density import log_density

    names: dict[str, Any] = {"np": np, "log_density": log_density}
    if available("scipy"):
        from scipy import stats

        names["stats"] = stats
    if available("sklearn"):
        from sklearn import neighbors

        names["neighbors"] = neighbors
    if available("KDEpy"):
        from KDEpy import NaiveKDE

        names["NaiveKDE"] = NaiveKDE
    if available("statsmodels"):
        from statsmodels.nonparametric.kernel_density import KDEMultivariate

        names["KDEMultivariate"] = KDEMultivariate
    return names


def available(module: str) -> bool:
    """Whether a package can be imported."""
    return importlib.util.find_spec(module) is not None


def evaluate(call: str, names: dict[str, Any]) -> Any:
    """Return what an expression gives, or the class of the error it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return eval(call, names)  # our own constants above, not input
        except Exception as error:
            return type(error).__name__


def largest_error(found: Any, exact: Sequence[Any]) -> str:
    """Return the largest distance to the reference in nats, as text."""
    if isinstance(found, str):
        return found
    if not np.isfinite(found).all():
        return "nan" if np.isnan(found).any() else "inf"
    return f"{max(float(abs(value - truth)) for value, truth in zip(found.tolist(), exact, strict=True)):.1e}"


def mean_text(found: Any) -> str:
    """Return the mean as text."""
    return found if isinstance(found, str) else f"{float(np.mean(found)):.4f}"


def tables() -> dict[str, list[tuple[str, ...]]]:
    """Return the tables, header first."""
    names, ways = inputs(), [way for way in WAYS if available(way.module)]
    heads = tuple(way.name for way in ways)
    found: dict[str, list[tuple[str, ...]]] = {
        "calls": [("package", "version", "call")],
        "means": [("d", "h", "exact", *heads)],
        "errors": [("d", "h", *heads)],
        "limits": [("case", "package", "its value", "infostat", "what happens", "call")],
    }
    found["calls"] += [(way.name, _version(way.module), f"``{way.call}``") for way in ways]
    for d in DIMENSIONS:
        X, Q = white_rows(N_ROWS, d), queries(N_QUERIES, d)
        for h, exact in zip(WIDTHS, reference(X, Q, WIDTHS), strict=True):
            here = names | {"X": X, "Q": Q, "h": h, "d": d}
            values = [evaluate(way.call, here) for way in ways]
            mean = f"{float(sum(exact) / len(exact)):.4f}"
            found["means"].append((str(d), f"{h:g}", mean, *(mean_text(value) for value in values)))
            found["errors"].append((str(d), f"{h:g}", *(largest_error(value, exact) for value in values)))
    for limit in LIMITS:
        if available(limit.module):
            here = names | setting(limit.setting)
            theirs, ours = (mean_text(evaluate(call, here)) for call in (limit.call, limit.ours))
            found["limits"].append((limit.case, limit.package, theirs, ours, limit.note, f"``{limit.call}``"))
    return found


def setting(key: str) -> dict[str, Any]:
    """Return the rows, queries and width of one of the cases at a limit."""
    if key == "d50":
        return {"X": white_rows(N_ROWS, 50), "Q": queries(N_QUERIES, 50), "h": 0.5}
    if key == "wide":
        rows = np.random.default_rng(11).standard_normal((100, 200))
        return {"X": rows, "Q": queries(N_QUERIES, 200), "h": 1.0}
    rows = np.random.default_rng(11).standard_normal((200, 1500))
    return {"X": rows, "Q": queries(N_QUERIES, 1500), "h": 1.0}


def _version(module: str) -> str:
    if module == "infostat":
        import infostat

        return infostat.__version__
    return metadata.version({"sklearn": "scikit-learn"}.get(module, module))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, and write them as CSV if asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--csv", type=Path, help="folder for densities_calls.csv, _means, _errors and _limits")
    chosen = parser.parse_args(arguments)
    header("Log densities side by side", ["numpy", "scipy"])
    for key, table in tables().items():
        print(key)
        for line in table:
            print("  " + "  |  ".join(line))
        print()
        if chosen.csv:
            with (chosen.csv / f"densities_{key}.csv").open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
