"""Sources of the methods that stand behind a result, for the last page of a report.

A source is one entry of `SOURCES`; `_RULES` says which results rest on it. Only what is written in
the source named is attributed to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..core.results import Result

__all__ = ["SOURCES", "citations_of"]

SOURCES: dict[str, str] = {
    "sheena": (
        "Y. Sheena: MLE convergence speed to information projection of exponential family: criterion for model "
        "dimension and sample size. Statistical Papers (2022); arXiv 2105.08947. [estimation risk, p-n criterion]"
    ),
    "akaike": (
        "H. Akaike: A new look at the statistical model identification. IEEE Transactions on Automatic Control 19 "
        "(1974), 716-723. [AIC]"
    ),
    "takeuchi": (
        "K. Takeuchi: Distribution of informational statistics and a criterion of model fitting. Suri-Kagaku 153 "
        "(1976), 12-18, in Japanese. [TIC]"
    ),
    "bootstrap": (
        "P. Hall: Theoretical comparison of bootstrap confidence intervals. Annals of Statistics 16 (1988), 927-953. "
        "[bootstrap-t intervals]"
    ),
    "mardia": (
        "K. V. Mardia: Measures of multivariate skewness and kurtosis with applications. Biometrika 57 (1970), "
        "519-530. [test of normal models]"
    ),
    "neyman": (
        "J. Neyman: 'Smooth' test for goodness of fit. Skandinavisk Aktuarietidskrift 20 (1937), 149-199. [test of "
        "other families of one column]"
    ),
    "biroli": (
        "G. Biroli, M. Mezard: Kernel density estimators in large dimensions. arXiv 2408.05807. [regimes of the "
        "bandwidth; the formulas used are derived in the documentation of infostat]"
    ),
    "duin": (
        "R. P. W. Duin: On the choice of smoothing parameters for Parzen estimators of probability density functions. "
        "IEEE Transactions on Computers C-25 (1976), 1175-1179. [leave-one-out likelihood]"
    ),
    "scott": "D. W. Scott: Multivariate Density Estimation. Wiley, 1992. [Scott's rule]",
    "silverman": (
        "B. W. Silverman: Density Estimation for Statistics and Data Analysis. Chapman and Hall, 1986. [Silverman's "
        "rule]"
    ),
    "yang": (
        "J. Q. Yang, S. Salamatian, Z. Sun, A. T. Suresh, A. Beirami: Asymptotics of language model alignment. arXiv "
        "2404.01730. [best-of-N and KL-constrained reward]"
    ),
    "he": (
        "H. He, Z. Goldfeld: Information-theoretic generalization bounds for deep neural networks. IEEE Transactions "
        "on Information Theory (2025); arXiv 2404.03176. [layer-wise bounds; the formulas used are derived in the "
        "documentation of infostat]"
    ),
    "kraskov": (
        "A. Kraskov, H. Stoegbauer, P. Grassberger: Estimating mutual information. Physical Review E 69 (2004), "
        "066138. [neighbour estimator of mutual information]"
    ),
    "gretton": (
        "A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola: A kernel two-sample test. Journal of "
        "Machine Learning Research 13 (2012), 723-773. [MMD]"
    ),
    "cuturi": (
        "M. Cuturi: Sinkhorn distances: lightspeed computation of optimal transport. Advances in Neural Information "
        "Processing Systems 26 (2013). [entropic transport]"
    ),
}


class _Rule(NamedTuple):
    """Results of one class that rest on a source, all or those that a function accepts."""

    source: str
    cls: str
    applies: Callable[[Any], bool]


def _always(result: Any) -> bool:
    return True


def _misfit(word: str) -> Callable[[Any], bool]:
    return lambda result: word in result.name


def _words(result: Any, *names: str) -> str:
    return " ".join(str(getattr(result, name, "")) for name in names).lower()


_RULES: tuple[_Rule, ...] = (
    *(_Rule("sheena", cls, _always) for cls in ("PNCriterion", "RiskTerms", "PNSequence", "SampleSizePlan")),
    _Rule("akaike", "PNSequence", _always),
    _Rule("akaike", "InformationCriteria", _always),
    _Rule("takeuchi", "PNSequence", _always),
    _Rule("takeuchi", "InformationCriteria", _always),
    _Rule("akaike", "ColumnProfile", lambda result: bool(result.aic)),
    _Rule("takeuchi", "ColumnProfile", lambda result: bool(result.tic)),
    _Rule("bootstrap", "BootstrapResult", lambda result: result.interval_method == "bootstrap-t"),
    _Rule("mardia", "Misfit", _misfit("Mardia")),
    _Rule("neyman", "Misfit", _misfit("Neyman")),
    *(_Rule("biroli", cls, _always) for cls in ("BandwidthDiagnosis", "RegimeTheory", "RegimeSimulation",
                                                "PhaseDiagram", "KernelThresholds", "StableLaw")),
    _Rule("duin", "BandwidthSelection", lambda result: result.method == "loo"),
    _Rule("scott", "BandwidthSelection", _always),
    _Rule("silverman", "BandwidthSelection", _always),
    *(_Rule("yang", cls, _always) for cls in ("Alignment", "Tilt", "BestOfN", "Frontier", "SequenceBestOfN",
                                              "RateFunction", "EstimateResult", "BonCurve")),
    _Rule("kraskov", "Estimate", lambda result: "ksg" in _words(result, "method")),
    _Rule("gretton", "DivergenceResult", lambda result: "mmd" in _words(result, "kind", "method")),
    _Rule("cuturi", "SinkhornResult", _always),
    _Rule("cuturi", "DivergenceResult", lambda result: "sinkhorn" in _words(result, "kind", "method")),
)  # fmt: skip


def citations_of(results: Iterable[Result]) -> tuple[str, ...]:
    """Return the sources of the methods behind some results, and of the package.

    Parameters
    ----------
    results : iterable of Result
        Results; those inside them count as well.

    Returns
    -------
    tuple of str
        Sources in the order of `SOURCES`, the package first.

    Examples
    --------
    >>> from infostat.projection import plan_sample_size
    >>> [text.split(":")[0] for text in citations_of([plan_sample_size(p=5)])]
    ['infostat developers', 'Y. Sheena']
    """
    from .. import __version__

    rules: dict[str, list[_Rule]] = {}
    for rule in _RULES:
        rules.setdefault(rule.cls, []).append(rule)
    found = set()
    for result in results:
        for inner in _inside(result):
            name = type(inner).__name__
            found |= {rule.source for rule in rules.get(name, ()) if rule.applies(inner)}
            if type(inner).__module__.startswith("infostat.generalization"):
                found.add("he")
    own = f"infostat developers: infostat {__version__}, software."
    return (own, *(text for key, text in SOURCES.items() if key in found))


def _inside(value: Any) -> Iterator[Result]:
    """The result itself and every result in its fields."""
    if isinstance(value, Result):
        yield value
        for item in value._fields():
            yield from _inside(getattr(value, item.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _inside(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _inside(item)
