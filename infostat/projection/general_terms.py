"""Coefficients of the estimation risk of a general parametric model, from its moments.

Everything here is a contraction of small arrays; how they are obtained (analytic derivatives,
finite differences, generalised linear models) is the business of the routes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..core.validation import FloatArray

__all__ = ["Coefficients", "DataMoments", "ModelMoments", "coefficients"]


@dataclass(frozen=True)
class DataMoments:
    """Moments of the data at the projection, in the coordinates of the route.

    With ``l`` the log density, lower indices its derivatives, ``V = J^-1``, ``a = V l_i`` the
    influence of an observation and ``B = V (l_ij + J)``.

    Attributes
    ----------
    J, K : ndarray of shape (p, p)
        ``-E l_ij`` and ``E l_i l_j``.
    H3 : ndarray of shape (p, p, p)
        ``E l_ijk``.
    A3 : ndarray of shape (p, p, p)
        ``E a a a``.
    BA : ndarray of shape (p, p)
        ``E a_i (B a)_j``.
    BSB, BB : ndarray of shape (p, p)
        ``E B S B'`` and ``E B B``.
    B1 : ndarray of shape (p, p, p)
        ``E B_ik a_l``.
    TS : ndarray of shape (p, p)
        ``E a_i t_j(S)`` with ``t_k(M) = l_kab M_ab``.
    tP : float
        ``E a . t(P)``, P the symmetric part of ``V I S``.
    H4_SS, H4_PS : float
        ``E l_ijkl`` contracted with S, S and with P, S.
    """

    J: FloatArray
    K: FloatArray
    H3: FloatArray
    A3: FloatArray
    BA: FloatArray
    BSB: FloatArray
    BB: FloatArray
    B1: FloatArray
    TS: FloatArray
    tP: float
    H4_SS: float
    H4_PS: float

    @cached_property
    def V(self) -> FloatArray:
        """Inverse of J."""
        return np.asarray(np.linalg.inv(self.J))

    @cached_property
    def S(self) -> FloatArray:
        """Covariance of the influence, ``V K V``."""
        return np.asarray(self.V @ self.K @ self.V)

    @cached_property
    def h(self) -> FloatArray:
        """``V_im H3_mkl``."""
        return _array("im,mkl->ikl", self.V, self.H3)

    @cached_property
    def z(self) -> FloatArray:
        """``E Z_ik a_l`` with ``Z = B + h a``, the change of V times the mean Hessian at the estimate."""
        return self.B1 + _array("ikm,ml->ikl", self.h, self.S)

    @cached_property
    def bias(self) -> FloatArray:
        """Leading bias of the estimate, times n."""
        return np.asarray(np.einsum("ikk->i", self.z) - 0.5 * np.einsum("ikl,kl->i", self.h, self.S))

    @cached_property
    def ZSZ(self) -> FloatArray:
        """``E Z S Z'``."""
        cross = _array("ikm,kl,jlm->ij", self.B1, self.S, self.h)
        return self.BSB + cross + cross.T + _array("ikm,kl,mn,jln->ij", self.h, self.S, self.S, self.h)

    @cached_property
    def ZZ(self) -> FloatArray:
        """``E Z Z``."""
        cross = _array("ikm,kjm->ij", self.B1, self.h) + _array("ikm,kjm->ij", self.h, self.B1)
        return self.BB + cross + _array("ikm,mn,kjn->ij", self.h, self.S, self.h)


@dataclass(frozen=True)
class ModelMoments:
    """Moments of the log density under the model itself, in the same coordinates.

    Attributes
    ----------
    score : ndarray of shape (p,)
        ``E l_i``; zero for a smooth normalised density.
    outer : ndarray of shape (p, p)
        ``E l_i l_j``.
    hessian : ndarray of shape (p, p)
        ``E l_ij``.
    third, mixed, cubes : ndarray of shape (p, p, p) or None
        ``E l_ijk``, ``E l_ij l_k`` and ``E l_i l_j l_k``; None with first order only.
    H4_SS : float
        ``E l_ijkl`` contracted with S, S.
    R4_SS : float
        Fourth derivative of the reverse divergence contracted with S, S.
    """

    score: FloatArray
    outer: FloatArray
    hessian: FloatArray
    third: FloatArray | None = None
    mixed: FloatArray | None = None
    cubes: FloatArray | None = None
    H4_SS: float = 0.0
    R4_SS: float = 0.0

    @property
    def information(self) -> FloatArray:
        """Fisher information of the model, ``-E l_ij``."""
        return -0.5 * (self.hessian + self.hessian.T)

    @property
    def mixed_sum(self) -> FloatArray:
        """The three terms ``E l_ij l_k``."""
        assert self.mixed is not None
        return np.asarray(self.mixed + self.mixed.transpose(0, 2, 1) + self.mixed.transpose(2, 0, 1))

    @property
    def R3(self) -> FloatArray:
        """Third derivative of the reverse divergence."""
        assert self.cubes is not None
        return self.mixed_sum + 2.0 * self.cubes

    def combined(self, other: ModelMoments | None, factor: float = 1.0) -> ModelMoments:
        """Return ``factor * (self + other)``.

        Parameters
        ----------
        other : ModelMoments or None
            Moments of further nodes.
        factor : float
            Common factor.

        Returns
        -------
        ModelMoments
            Entrywise sum; all entries are linear in the node weights.
        """
        found = {}
        for name in self.__dataclass_fields__:
            mine = getattr(self, name)
            if mine is not None:
                found[name] = factor * (mine if other is None else mine + getattr(other, name))
        return replace(self, **found)


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of the expansions.

    Attributes
    ----------
    a1 : float
        Of 1/n in the risk, ``tr(I S)/2``.
    tic_trace : float
        ``tr(J^-1 K)``.
    a2, a2_skew : float
        Of 1/n^2 in the risk, and the part of it that comes from third cumulants of the data.
    excess2, rev2, opt2 : float
        Of 1/n^2 in the excess loss, the reverse risk and the optimism.
    bias : ndarray of shape (p,)
        Leading bias of the estimate, times n, in the coordinates of the route.
    """

    a1: float
    tic_trace: float
    a2: float
    a2_skew: float
    excess2: float
    rev2: float
    opt2: float
    bias: FloatArray


def coefficients(data: DataMoments, model: ModelMoments, fisher: FloatArray | None = None) -> Coefficients:
    """Return the coefficients of risk, excess loss, reverse risk, optimism and bias.

    Parameters
    ----------
    data : DataMoments
        Moments of the data.
    model : ModelMoments
        Moments under the model.
    fisher : ndarray of shape (p, p), optional
        The model's Fisher information where it is known otherwise.

    Returns
    -------
    Coefficients
        All of them.

    Notes
    -----
    ``a2 = C + Q1 + ... + Q6`` with the terms of the documentation page on regressions. Risk,
    excess loss and reverse risk are the same expression in a quadratic, a cubic and a quartic form:
    ``(I, D3, D4)``, ``(J, -H3, -H4)`` and ``(I, R3, R4)``.

    Examples
    --------
    The exponential law with rate 1, written in its rate (``l = log r - r x``):

    >>> import numpy as np
    >>> one = np.ones((1, 1, 1))
    >>> m = one[0]
    >>> data = DataMoments(J=m, K=m, H3=2 * one, A3=-2 * one, BA=0 * m, BSB=0 * m, BB=0 * m, B1=0 * one,
    ...                    TS=0 * m, tP=0.0, H4_SS=-6.0, H4_PS=-6.0)
    >>> model = ModelMoments(0 * m[0], m, -m, 2 * one, 0 * one, -2 * one, -6.0, 2.0)
    >>> found = coefficients(data, model)
    >>> found.a1, round(12 * found.a2, 9), round(found.opt2, 9)
    (0.5, 11.0, 1.0)
    """
    assert model.third is not None
    info = model.information if fisher is None else fisher
    forward = _Form(info, -model.third, -model.H4_SS, data.tP, data.H4_PS)
    loss = _Form(data.J, -data.H3, -data.H4_SS, float(np.trace(data.TS)), data.H4_SS)
    skew = _skew(data, forward)
    a2 = skew + _gaussian(data, forward)
    excess2 = _skew(data, loss) + _gaussian(data, loss)
    rev2 = _value(data, replace(forward, cubic=model.R3, quartic=model.R4_SS))
    gain2 = (
        0.5 * float(np.sum(data.J * data.BA))
        + float(np.sum(data.H3 * data.A3)) / 6.0
        + _quadratic(data, data.J)
        + 0.5 * loss.tP
        + data.H4_SS / 8.0
    )
    return Coefficients(
        a1=0.5 * float(np.sum(info * data.S)),
        tic_trace=float(np.sum(data.V * data.K)),
        a2=a2,
        a2_skew=skew,
        excess2=excess2,
        rev2=rev2,
        opt2=gain2 + excess2,
        bias=data.bias,
    )


@dataclass(frozen=True)
class _Form:
    """Quadratic, cubic and quartic form of a loss, with the two contractions that go with them."""

    quadratic: FloatArray
    cubic: FloatArray
    quartic: float
    tP: float
    H4_PS: float


def _value(d: DataMoments, form: _Form) -> float:
    return _skew(d, form) + _gaussian(d, form)


def _skew(d: DataMoments, form: _Form) -> float:
    """C, linear in the third cumulants of the data."""
    F = form.quadratic
    return (
        _number("ij,ij->", F, d.BA)
        + 0.5 * _number("ij,jkl,ikl->", F, d.h, d.A3)
        + _number("ijk,ijk->", form.cubic, d.A3) / 6.0
    )


def _quadratic(d: DataMoments, F: FloatArray) -> float:
    """Q1: the second-order part of the estimate, squared."""
    m, z, h, S = d.bias, d.z, d.h, d.S
    inner = (
        _number("ij,ij->", F, d.ZSZ)
        + _number("ij,ikl,jlk->", F, z, z)
        - 2.0 * _number("ij,imk,ml,jkl->", F, z, S, h)
        + 0.5 * _number("ij,ikl,km,ln,jmn->", F, h, S, S, h)
    )
    return 0.5 * float(m @ F @ m) + 0.5 * inner


def _gaussian(d: DataMoments, form: _Form) -> float:
    """Q1 + ... + Q6: products of four centred means, by Gaussian pairings."""
    F, D, m, z, h, S = form.quadratic, form.cubic, d.bias, d.z, d.h, d.S
    q2 = (
        _number("ij,jki,k->", F, z, m)
        + _number("ab,bc,ca->", S, F, d.ZZ)
        + _number("ij,jkl,kli->", F, z, z)
        - _number("ij,jkl,klm,mi->", F, z, h, S)
    )
    q3 = 0.5 * _number("ij,jk,ik->", F, d.V, d.TS) + form.tP
    q5 = 0.5 * (
        _number("ijk,ij,k->", D, S, m)
        + 2.0 * _number("ijk,kli,lj->", D, z, S)
        - _number("ijk,klm,il,jm->", D, h, S, S)
    )
    return _quadratic(d, F) + q2 + q3 + 0.5 * form.H4_PS + q5 + form.quartic / 8.0


def _array(indices: str, *factors: FloatArray) -> FloatArray:
    """Sum over repeated indices, in the cheapest order of the pairs."""
    return np.asarray(np.einsum(indices, *factors, optimize=True))


def _number(indices: str, *factors: FloatArray) -> float:
    return float(_array(indices, *factors))
