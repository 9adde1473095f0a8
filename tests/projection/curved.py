"""Finite models with curved logits, and what their risk is, found without any stochastic expansion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Curved:
    """Cells with logits ``C_x . t + t'Q_x t`` and their exact derivatives."""

    C: FloatArray
    Q: FloatArray

    def logits(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        value = self.C @ t + np.einsum("xij,i,j->x", self.Q, t, t)
        return value, self.C + 2.0 * self.Q @ t, 2.0 * self.Q

    def logpdf(self, x: Any, t: FloatArray) -> FloatArray:
        value = self.logits(t)[0]
        return (value - np.logaddexp.reduce(value))[np.asarray(x, dtype=int)]

    def _moments(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        value, first, second = self.logits(t)
        return np.exp(value - np.logaddexp.reduce(value)), first, second

    def derivatives(self, t: FloatArray) -> tuple[FloatArray, ...]:
        """Derivatives of order one to four of all cells: logit minus log partition function."""
        q, f1, f2 = self._moments(t)
        # Cumulants of the jets under q: Psi_i = E f_i, Psi_ij = E f_ij + Cov(f_i, f_j), ...
        c1 = f1 - q @ f1
        c2 = f2 - np.einsum("x,xij->ij", q, f2)
        p1, p2 = q @ f1, np.einsum("x,xij->ij", q, f2) + _e(q, "i,j", c1, c1)
        p3 = _sym(_e(q, "ij,k", c2, c1), ["ijk", "ikj", "jki"]) + _e(q, "i,j,k", c1, c1, c1)
        k22 = _sym(_e(q, "ij,kl", c2, c2), ["ijkl", "ikjl", "iljk"])
        k211 = _sym(_e(q, "ij,k,l", c2, c1, c1), ["ijkl", "ikjl", "iljk", "jkil", "jlik", "klij"])
        g = _e(q, "i,j", c1, c1)
        k4 = _e(q, "i,j,k,l", c1, c1, c1, c1) - _sym(np.einsum("ij,kl->ijkl", g, g), ["ijkl", "ikjl", "iljk"])
        return f1 - p1, f2 - p2, np.broadcast_to(-p3, (len(q), *p3.shape)), np.broadcast_to(
            -(k22 + k211 + k4), (len(q), *k4.shape)
        )

    def callables(self) -> dict[str, Callable[[Any, FloatArray], FloatArray]]:
        names = ("score", "hessian", "third", "fourth")
        return {
            name: (lambda x, t, k=k: self.derivatives(t)[k][np.asarray(x, dtype=int)]) for k, name in enumerate(names)
        }


def _e(q: FloatArray, indices: str, *factors: FloatArray) -> FloatArray:
    left = ",".join("x" + part for part in indices.split(","))
    return np.asarray(np.einsum(f"x,{left}->{indices.replace(',', '')}", q, *factors, optimize=True))


def _sym(tensor: FloatArray, terms: list[str]) -> FloatArray:
    """Sum of the tensor over index orders, each given by which indices its own places get."""
    target = sorted(terms[0])
    return sum(np.einsum(f"{term}->{''.join(target)}", tensor) for term in terms)


def random_curved(seed: int, p: int, cells: int, bend: float = 0.2) -> tuple[Curved, FloatArray]:
    """A model and a truth outside it."""
    rng = np.random.default_rng(seed)
    Q = bend * rng.normal(size=(cells, p, p))
    return Curved(rng.normal(size=(cells, p)), 0.5 * (Q + np.swapaxes(Q, 1, 2))), rng.dirichlet(np.full(cells, 6.0))


# --------------------------------------------------------------- functional derivatives
def functional_coefficients(model: Curved, g: FloatArray, theta: FloatArray, digits: int = 50) -> dict[str, float]:
    """Second coefficients by differentiating the risk of ``theta(weights)`` in the weights.

    ``a2 = (1/6) sum_x g_x D^3 F[d_x] + (1/8) sum_xy g_x g_y D^4 F[d_x, d_x, d_y, d_y]`` with d_x = point mass
    at x minus g, and ``a1 = (1/2) sum_x g_x D^2 F[d_x]``.
    """
    with mp.workdps(digits):
        search = _Search(model, [mp.mpf(float(v)) for v in g], theta)
        return search.run()


class _Search:
    def __init__(self, model: Curved, g: list[Any], theta: FloatArray) -> None:
        self.C = [[mp.mpf(float(v)) for v in row] for row in model.C]
        self.Q = [[[mp.mpf(float(v)) for v in row] for row in matrix] for matrix in model.Q]
        total = mp.fsum(g)
        self.g, self.p, self.cells = [v / total for v in g], len(theta), len(g)
        self.centre = self.solve(self.g, [mp.mpf(float(v)) for v in theta])
        self.log_centre = self.logs(self.centre)
        self.step = mp.mpf(10) ** (-8)

    def jets(self, t: list[Any]) -> tuple[list[Any], list[list[Any]]]:
        r = range(self.p)
        value = [
            sum(c[i] * t[i] for i in r) + sum(q[i][j] * t[i] * t[j] for i in r for j in r)
            for c, q in zip(self.C, self.Q, strict=True)
        ]
        slope = [
            [c[i] + 2 * sum(q[i][j] * t[j] for j in r) for i in r] for c, q in zip(self.C, self.Q, strict=True)
        ]
        return value, slope

    def logs(self, t: list[Any]) -> list[Any]:
        value, _ = self.jets(t)
        log_partition = mp.log(mp.fsum(mp.exp(v) for v in value))
        return [v - log_partition for v in value]

    def solve(self, weights: list[Any], start: list[Any]) -> list[Any]:
        t, r = list(start), range(self.p)
        for _ in range(60):
            value, slope = self.jets(t)
            mass = [mp.exp(v) for v in value]
            total = mp.fsum(mass)
            q = [v / total for v in mass]
            excess = [w - v for w, v in zip(weights, q, strict=True)]
            score = mp.matrix([mp.fsum(e * s[i] for e, s in zip(excess, slope, strict=True)) for i in r])
            mean = [mp.fsum(v * s[i] for v, s in zip(q, slope, strict=True)) for i in r]
            hessian = mp.matrix(self.p)
            for i in r:
                for j in r:
                    bend = mp.fsum(2 * e * matrix[i][j] for e, matrix in zip(excess, self.Q, strict=True))
                    both = mp.fsum(v * s[i] * s[j] for v, s in zip(q, slope, strict=True))
                    hessian[i, j] = bend - (both - mean[i] * mean[j])
            move = mp.lu_solve(hessian, score)
            t = [a - b for a, b in zip(t, move, strict=True)]
            if max(abs(v) for v in move) < mp.mpf(10) ** (5 - mp.mp.dps):
                return t
        raise AssertionError("no root")

    def losses(self, moves: dict[int, int]) -> list[Any]:
        weights = list(self.g)
        for cell, times in moves.items():
            for y in range(self.cells):
                weights[y] += times * self.step * ((1 if y == cell else 0) - self.g[y])
        log_q = self.logs(self.solve(weights, self.centre))
        difference = [a - b for a, b in zip(self.log_centre, log_q, strict=True)]
        return [
            mp.fsum(mp.exp(a) * d for a, d in zip(self.log_centre, difference, strict=True)),
            mp.fsum(w * d for w, d in zip(self.g, difference, strict=True)),
            -mp.fsum(mp.exp(b) * d for b, d in zip(log_q, difference, strict=True)),
        ]

    def run(self) -> dict[str, float]:
        cells, h = range(self.cells), self.step
        line = {(x, k): self.losses({x: k}) for x in cells for k in (-2, -1, 1, 2)}
        zero = self.losses({})
        found: dict[str, float] = {}
        for k, name in enumerate(("a2", "excess2", "rev2")):
            def f(x: int, times: int, k: int = k) -> Any:
                return line[x, times][k]

            second = [(f(x, 1) - 2 * zero[k] + f(x, -1)) / h**2 for x in cells]
            third = [(f(x, 2) - 2 * f(x, 1) + 2 * f(x, -1) - f(x, -2)) / (2 * h**3) for x in cells]
            fourth = mp.mpf(0)
            for x in cells:
                same = (f(x, 2) - 4 * f(x, 1) + 6 * zero[k] - 4 * f(x, -1) + f(x, -2)) / h**4
                fourth += self.g[x] ** 2 * same
                for y in range(x):
                    fourth += 2 * self.g[x] * self.g[y] * self.mixed(x, y, k, line, zero)
            skew = mp.fsum(w * t for w, t in zip(self.g, third, strict=True)) / 6
            found[name] = float(skew + fourth / 8)
            if name == "a2":
                found["a1"] = float(mp.fsum(w * s for w, s in zip(self.g, second, strict=True)) / 2)
                found["a2_skew"] = float(skew)
        return found

    def mixed(self, x: int, y: int, k: int, line: dict[Any, Any], zero: list[Any]) -> Any:
        """Second derivative along one direction of the second along another."""
        if not hasattr(self, "corners"):
            self.corners: dict[Any, Any] = {}
        total = 4 * zero[k]
        for a in (-1, 1):
            total -= 2 * (line[x, a][k] + line[y, a][k])
            for b in (-1, 1):
                if (x, y, a, b) not in self.corners:
                    self.corners[x, y, a, b] = self.losses({x: a, y: b})
                total += self.corners[x, y, a, b][k]
        return total / self.step**4
