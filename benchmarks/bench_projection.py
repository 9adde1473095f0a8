"""The p-n criterion beside what a user would write with einsum and a loop.

    python benchmarks/bench_projection.py [--quick] [WORKLOAD ...]

Workloads: ``terms`` (risk terms of a multivariate normal), ``criterion`` (the bootstrapped
criterion on the red wine), ``tensor`` (general statistics with 200 parameters), ``gram`` (300
parameters on 5000 nodes, by pairs of rows), ``newton`` (projection on the 4096 cells of twelve bits).
``--quick`` leaves out the literal tensors that need 8 GB.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import _literal
import numpy as np
from _harness import Contender, Row, alternate, header, measure, ratio, relative_difference, report, show

Array = Any

SEED = 20
GRAM_BLOCK = 256  # rows of a block of the NumPy code: within 7 % of the fastest of 128 to 1024
LARGEST_D = 15  # two arrays of p^4 doubles in 8 GB: p = 135 takes 5.3 GB, p = 152 (d = 16) 8.5 GB


# ---------------------------------------------------------------- inputs, the same in every process
def normal_data(d: int, n: int = 4000) -> Array:
    """Correlated columns with heavier tails than the normal and some skewness."""
    generator = np.random.default_rng(SEED)
    x = generator.standard_t(9, size=(n, d)) + 0.3 * generator.standard_exponential((n, d))
    return x @ (np.eye(d) + 0.4 * np.tril(generator.normal(size=(d, d)), -1) / np.sqrt(d)).T


def wine() -> Array:
    """The eleven measurements of the red wine."""
    from infostat import load_dataset

    return load_dataset("wine_red").drop(columns="quality").to_numpy(dtype=float)


def general(p: int, count: int) -> tuple[Array, Array]:
    """Nodes of a model that is not normal, and rows that do not come from it; both are skewed."""
    generator = np.random.default_rng(SEED)
    nodes = generator.standard_normal((count, p))
    nodes += 0.3 * (nodes * nodes - 1.0)
    rows = generator.standard_normal((count, p))
    rows += 0.2 * (rows * rows - 1.0)
    return nodes, rows


def white_nodes(p: int, count: int, *, misspecified: bool) -> tuple[Any, Array, Array, Array]:
    """A model on nodes of equal weight, its whitened nodes with these weights, and weights of data on them."""
    from infostat.families.whitening import node_view

    points, _ = general(p, count)
    model = node_view(lambda x: x, points, np.full(count, 1.0 / count))
    found = model.nodes()
    assert found is not None
    z, q = found
    return model, z, q, np.random.default_rng(SEED).dirichlet(np.full(count, 5.0)) if misspecified else q


def twelve_bits() -> tuple[Any, Array]:
    """The pairwise model of twelve bits and the counts of a sample of 20000 rows in its 4096 cells."""
    from infostat.families.ising import Ising

    generator = np.random.default_rng(SEED)
    theta = np.concatenate([0.5 * generator.normal(size=12) - 0.5, 0.3 * generator.normal(size=66)])
    family = Ising(12)
    return family, generator.multinomial(20_000, family.probabilities(theta))


# ------------------------------------------------------------------------------------ contenders
def our_terms(x: Array) -> Array:
    """Terms of the full normal model through the public function."""
    from infostat.projection import risk_terms

    found = risk_terms(x, "mvn")
    return np.array([found.T0, found.T1, found.T2, found.T3])


def our_criterion(x: Array, order: int) -> Any:
    """The bootstrapped criterion."""
    import warnings

    from infostat import pn_criterion

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cautions about heavy tails are right and not the subject
        return pn_criterion(x, "mvn", order=order, bootstrap=200, rng=SEED)


def our_general(nodes: Array, rows: Array, method: str) -> Array:
    """Terms of a model given by nodes; `method` is the route."""
    from infostat.families.whitening import node_view
    from infostat.projection.expansion import raw_terms

    model = node_view(lambda points: points, nodes, np.full(len(nodes), 1.0 / len(nodes)))
    weights = np.full(len(rows), 1.0 / len(rows))
    z = model.rows(rows)
    z -= weights @ z
    return raw_terms(model, z, weights, method=method).terms


def our_gram(model: Any, z: Array, q: Array, weights: Array) -> Array:
    """Terms, row contributions and influence function by pairs; the rows are the nodes."""
    from infostat.projection.expansion import raw_terms

    return raw_terms(model, z, weights, method="gram").terms


def numpy_gram(model: Any, z: Array, q: Array, weights: Array) -> Array:
    """Terms as their Gram formulas read, in blocks of rows."""
    S = z.T @ (z * weights[:, None])
    zs = z @ S
    s = np.einsum("bi,bi->b", zs, z)
    T1 = T2 = 0.0
    for start in range(0, len(z), GRAM_BLOCK):
        block = slice(start, start + GRAM_BLOCK)
        K, R = z[block] @ z.T, zs[block] @ z.T
        T1 += weights[block] @ (K * K * K) @ q
        T2 += q[block] @ (K * (np.outer(s[block], s) + 2.0 * R * R)) @ q
    T3 = 3.0 * (q @ (s * s) - np.trace(S) ** 2 - 2.0 * np.sum(S * S))
    return np.array([np.trace(S), T1, T2, T3])


def numpy_one_gram(model: Any, z: Array, q: Array, weights: Array) -> Array:
    """Terms by someone who has seen that S = I here, so that one matrix of cubes gives T1 and T2."""
    s = np.einsum("bi,bi->b", z, z)
    c, square = (q * s) @ z, 0.0
    for start in range(0, len(z), GRAM_BLOCK):
        block = slice(start, start + GRAM_BLOCK)
        K = z[block] @ z.T
        square += q[block] @ (K * K * K) @ q
    p = z.shape[1]
    return np.array([p, square, c @ c + 2.0 * square, 3.0 * (q @ (s * s) - p * p - 2.0 * p)])


def our_projection(family: Any, counts: Array) -> Array:
    """Natural parameter by Newton's method on the cells."""
    return family.project(counts @ family.cells().statistics / counts.sum())


def poisson_regression(family: Any, counts: Array) -> Array:
    """The same estimate as a log-linear model of the counts."""
    import statsmodels.api as sm

    statistics = family.cells().statistics
    design = np.column_stack([np.ones(len(counts)), statistics])
    return sm.GLM(counts, design, family=sm.families.Poisson()).fit(tol=1e-12).params[1:]


def literal_criterion(x: Array, order: int, resamples: int) -> Array:
    """Terms of the first resamples by a plain loop, on the rows that infostat's bootstrap draws."""
    from infostat.core.rng import as_seed_sequence, child_generator
    from infostat.projection.intervals import BLOCK

    generator = child_generator(as_seed_sequence(SEED), 0)
    assert resamples <= BLOCK  # the next ones come from another child of the seed
    picked = [generator.integers(0, len(x), size=len(x)) for _ in range(resamples)]
    compute = _literal.normal_T0 if order == 1 else _literal.normal_terms
    return np.array([np.atleast_1d(compute(x[rows])) for rows in picked])


# -------------------------------------------------------------------------------------- workloads
def terms(quick: bool) -> list[Row]:
    """Risk terms of the full normal model, n = 4000."""
    rows = []
    for d, rounds in ((11, 3), (LARGEST_D, 1)):
        if quick and d == LARGEST_D:
            continue
        x = normal_data(d)
        ours = Contender("infostat", lambda x=x: our_terms(x))
        literal = Contender("einsum, p^4 tensors", lambda x=x: _literal.normal_terms(x), rounds=rounds)
        alternate([ours, literal], 5)
        target = "< 5 s, < 500 MiB" if d == 11 else "ratio >= 20"
        rows.append(_row(f"terms mvn n=4000 d={d} p={d * (d + 3) // 2}", ours, literal, f"terms-{d}", target))
    x = normal_data(50)  # literal tensors would take 25 TB
    ours = Contender("infostat", lambda: our_terms(x))
    alternate([ours], 3)
    peak = measure(__file__, "terms-50", "ours")["peak"]
    rows.append(Row("terms mvn n=4000 d=50 p=1325", ours.median, memory=peak))
    return rows


def criterion(quick: bool) -> list[Row]:
    """The criterion with 200 resamples on the red wine."""
    x = wine()
    rows = []
    for order, resamples, target in ((1, 10, "< 5 s"), (2, 1, "< 60 s")):
        ours = Contender("infostat", lambda order=order: our_criterion(x, order))
        loop = Contender(
            "loop of literal refits" if order == 1 else "loop of einsum tensors",
            lambda order=order, resamples=resamples: literal_criterion(x, order, resamples),
            factor=200 / resamples,
        )
        alternate([ours, loop], 5 if order == 1 else 3)
        resampled = ours.result.bootstrap.terms[: len(loop.result), : loop.result.shape[1]]
        difference = relative_difference(resampled, loop.result)
        name = f"pn wine d=11 n=1599 bootstrap=200 order={order}"
        rows.append(_row(name, ours, loop, f"criterion-{order}", target, difference))
    return rows


def tensor(quick: bool) -> list[Row]:
    """General statistics: the tensor route against literal tensors and against the Gram route."""
    small = general(60, 20_000)
    ours = Contender("infostat", lambda: our_general(*small, "tensor"))
    literal = Contender("einsum, p^4 tensors", lambda: _literal.node_terms(*small), rounds=1)
    alternate([ours, literal], 3)
    rows = [_row("tensor route p=60 n=M=20000", ours, literal, "tensor-60", "")]
    large = general(200, 20_000)
    ours = Contender("infostat", lambda: our_general(*large, "tensor"))
    gram = Contender("infostat, Gram route", lambda: our_general(*large, "gram"), rounds=1)
    alternate([ours, gram], 3)
    rows.append(_row("tensor route p=200 n=M=20000", ours, gram, "tensor-200", "< 120 s, < 4096 MiB"))
    return rows


def gram(quick: bool) -> list[Row]:
    """300 parameters on 5000 nodes, which are also the rows: pairs instead of 27 million cumulants."""
    rows = []
    for name, misspecified in (("rows = nodes", False), ("nodes weighted anew", True)):
        work = white_nodes(300, 5000, misspecified=misspecified)
        ours = Contender("infostat", lambda work=work: our_gram(*work))
        others = [Contender("NumPy Gram row blocks", lambda work=work: numpy_gram(*work))]
        if not misspecified:
            others.append(Contender("NumPy, one Gram matrix", lambda work=work: numpy_one_gram(*work)))
        alternate([ours, *others], 7)
        for other in others:
            key = f"{'once' if other is not others[0] else 'anew' if misspecified else 'gram'}-300"
            target = ">= 1.5, diff <= 1e-10, < 1024 MiB" if other is others[0] else ""
            rows.append(_row(f"Gram route p=300 n=M=5000, {name}", ours, other, key, target))
    return rows


def newton(quick: bool) -> list[Row]:
    """Information projection on 2^12 cells with 78 parameters."""
    work = twelve_bits()
    ours = Contender("infostat", lambda: our_projection(*work))
    other = Contender("statsmodels Poisson GLM", lambda: poisson_regression(*work))
    alternate([ours, other], 5)
    difference = float(np.max(np.abs(ours.result - other.result)))
    return [_row("projection 12 bits, 4096 cells p=78", ours, other, "newton-12", "< 2 s", difference)]


def _row(
    name: str, ours: Contender, other: Contender, key: str, target: str, difference: float | None = None
) -> Row:
    if difference is None:
        difference = relative_difference(ours.result, other.result)
    return Row(
        name,
        ours.median,
        other.label,
        other.median,
        ratio(ours, other),
        difference,
        measure(__file__, key, "ours")["peak"],
        measure(__file__, key, "other")["peak"],
        target,
    )


def task(key: str, who: str) -> Callable[[], Any]:
    """Return the work whose memory a fresh process measures."""
    kind, _, size = key.partition("-")
    number = int(size)
    if kind == "terms":
        x = normal_data(number)
        return lambda: our_terms(x) if who == "ours" else _literal.normal_terms(x)
    if kind == "criterion":
        x = wine()
        return lambda: our_criterion(x, number) if who == "ours" else literal_criterion(x, number, 1)
    if kind in ("gram", "once", "anew"):
        work = white_nodes(number, 5000, misspecified=kind == "anew")
        other = numpy_one_gram if kind == "once" else numpy_gram
        return lambda: our_gram(*work) if who == "ours" else other(*work)
    if kind == "newton":
        bits = twelve_bits()
        return lambda: our_projection(*bits) if who == "ours" else poisson_regression(*bits)
    data = general(number, 20_000)
    if who == "other" and number == 60:
        return lambda: _literal.node_terms(*data)
    return lambda: our_general(*data, "tensor" if who == "ours" else "gram")


WORKLOADS = {"terms": terms, "criterion": criterion, "tensor": tensor, "gram": gram, "newton": newton}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", nargs="*", help=f"{', '.join(WORKLOADS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="leave out what needs 8 GB")
    parser.add_argument("--measure", nargs=2, metavar=("KEY", "WHO"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        report(task(*chosen.measure))
        return
    if unknown := set(chosen.workload) - set(WORKLOADS):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    header("Projection: risk terms and the p-n criterion")
    rows = [row for name in chosen.workload or WORKLOADS for row in WORKLOADS[name](chosen.quick)]
    show(rows)


if __name__ == "__main__":
    main()
