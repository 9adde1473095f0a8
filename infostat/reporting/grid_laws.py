"""Laws and families of a simulation, from the words of a command line or a study file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..families.base import ExponentialFamily

__all__ = ["REFERENCE_WORDS", "law_from_text", "reference_family", "several_variables"]

REFERENCE_WORDS = (
    "mean 0 and variance 1 (normal, mvn), mean 1 (exponential), mean 3 (poisson), shape 2 and rate 1 (gamma), "
    "probability 0.3 (bernoulli), a = 2 and b = 3 (beta), concentration 2 (vonmises), all alpha 2 (dirichlet)"
)

_REFERENCE: dict[str, dict[str, Any]] = {
    "bernoulli": {"prob": 0.3},
    "beta": {"a": 2.0, "b": 3.0},
    "exponential": {"rate": 1.0},
    "gamma": {"shape": 2.0, "rate": 1.0},
    "normal": {"mean": 0.0, "var": 1.0},
    "poisson": {"mean": 3.0},
    "vonmises": {"mu": 0.0, "kappa": 2.0},
}


def several_variables(name: str) -> bool:
    """Return whether a family takes a number of columns.

    Parameters
    ----------
    name : str
        Registered name.

    Returns
    -------
    bool
        True for the multivariate normal and the Dirichlet families.

    Raises
    ------
    InputError
        If there is no such family.

    Examples
    --------
    >>> several_variables("mvn"), several_variables("gamma")
    (True, False)
    """
    from ..families.dirichlet import Dirichlet
    from ..families.multivariate_normal import MultivariateNormal
    from ..families.registry import get_family

    return isinstance(get_family(name), (MultivariateNormal, Dirichlet))


def reference_family(name: str, d: int) -> tuple[ExponentialFamily, Any]:
    """Return a family with its reference parameter.

    Parameters
    ----------
    name : str
        Registered name.
    d : int
        Columns of a family of several variables.

    Returns
    -------
    tuple
        Family and natural parameter.

    Raises
    ------
    InputError
        If the family has no reference parameter.

    Examples
    --------
    >>> reference_family("mvn", 2)[1].shape
    (5,)
    """
    import numpy as np

    from ..core.validation import check_count
    from ..families.dirichlet import Dirichlet
    from ..families.multivariate_normal import MultivariateNormal
    from ..families.registry import get_family

    family = get_family(name)
    if family.name in _REFERENCE:
        return family, family.natural(**_REFERENCE[family.name])
    if isinstance(family, MultivariateNormal):
        size = check_count("d", d, low=1)
        family = MultivariateNormal(family.structure, n_vars=size)
        return family, family.natural(mean=np.zeros(size), cov=np.eye(size))
    if isinstance(family, Dirichlet):
        size = check_count("d", d, low=2)
        family = Dirichlet(n_vars=size)
        return family, family.natural(alpha=np.full(size, 2.0))
    known = ", ".join(sorted([*_REFERENCE, "mvn", "mvn_diagonal", "dirichlet"]))
    raise InputError(
        f"family must have a reference parameter ({known}), got {name!r}; for others call "
        "infostat.projection.simulate_risk with truth= or theta="
    )


def law_from_text(name: str, text: str) -> Any:
    """Return the frozen scipy law of ``name`` or ``name:number:number``.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    text : str
        Name in scipy.stats, with its shape parameters.

    Returns
    -------
    frozen scipy law
        The law.

    Raises
    ------
    InputError
        If there is no such law, or its parameters do not fit.

    Examples
    --------
    >>> law_from_text("truth", "t:5").args
    (5.0,)
    """
    from scipy import stats

    label, *numbers = text.strip().split(":")
    law = getattr(stats, label, None)
    if not isinstance(law, (stats.rv_continuous, stats.rv_discrete)):
        raise InputError(f"{name} must be a law of scipy.stats such as laplace, t:5 or gamma:2, got {text!r}")
    try:
        frozen = law(*(float(part) for part in numbers))
        fits = bool(frozen.median() == frozen.median())
    except (TypeError, ValueError):
        fits = False
    if not fits:
        wanted = law.shapes or "none"
        raise InputError(f"{name} {text!r} does not fit the parameters of {label} (shapes: {wanted})")
    return frozen
