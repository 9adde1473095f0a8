"""What scikit-learn expects of an estimator, written without scikit-learn.

Parameters that can be read, set and cloned, a representation, tags, the error of an instance that
has no data yet, and checks of the columns that a query brings. scikit-learn recognises some of
these by the words of a message, so those words are used here, beside our own.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.data import Table, read_table
from ..core.errors import DataError, InputError, InputTypeError, describe
from ..core.samples import as_sample
from ..core.validation import FloatArray, short

__all__ = ["EstimatorConventions", "NotFittedError"]

_SHOWN = 5  # names listed in a message about columns


class NotFittedError(InputError, AttributeError):
    """A method that needs data was called before `fit`."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The class may be the one below, which is made on demand and so cannot be found by name.
        return _not_fitted, (str(self),)


@functools.cache
def _sister_of(theirs: type[Exception]) -> type[NotFittedError]:
    """Return a class that is both our error and scikit-learn's."""
    return type("NotFittedError", (NotFittedError, theirs), {"__doc__": NotFittedError.__doc__})


def _not_fitted(message: str) -> NotFittedError:
    """Return the error; one that scikit-learn knows too where it has been imported by the caller."""
    module = sys.modules.get("sklearn.exceptions")
    kind = NotFittedError if module is None else _sister_of(module.NotFittedError)
    return kind(message)


class EstimatorConventions:
    """Base of estimators: parameters are the arguments of the constructor, what `fit` learns ends in an underscore.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their labels; only where the data had labels.
    """

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    # ------------------------------------------------------------- parameters
    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return the parameters of the constructor with their defaults, in order."""
        arguments = inspect.signature(cls).parameters
        return {name: argument.default for name, argument in arguments.items()}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters as they were given.

        Parameters
        ----------
        deep : bool
            Accepted because meta-estimators pass it; no parameter here has parameters of its own.

        Returns
        -------
        dict of str to object
            Name and value of each argument of the constructor.

        Examples
        --------
        >>> from infostat.density import KernelDensity
        >>> KernelDensity(0.5).get_params()["bandwidth"]
        0.5
        """
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self, **params: Any) -> Any:
        """Set parameters; they count from the next `fit` on.

        Parameters
        ----------
        **params : object
            Arguments of the constructor.

        Returns
        -------
        object
            The estimator itself.

        Raises
        ------
        InputError
            If a name is none of them.

        Examples
        --------
        >>> from infostat.density import KernelDensity
        >>> KernelDensity().set_params(bandwidth=0.5)
        KernelDensity(bandwidth=0.5)
        """
        known = self._defaults()
        for name in params:
            if name not in known:
                required = "a parameter of " + type(self).__name__ + " (" + ", ".join(known) + ")"
                raise InputError(describe("params", required, name))
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = [
            f"{name}={short(getattr(self, name))}"
            for name, default in self._defaults().items()
            if repr(getattr(self, name)) != repr(default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    # ------------------------------------------------------------ scikit-learn
    def __sklearn_tags__(self) -> Any:
        # Only scikit-learn calls this.
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type="density_estimator", target_tags=TargetTags(required=False), input_tags=InputTags()
        )

    def __sklearn_is_fitted__(self) -> bool:
        return "n_features_in_" in vars(self)

    def _check_fitted(self) -> None:
        """Raise if `fit` has not been called."""
        if not self.__sklearn_is_fitted__():
            name = type(self).__name__
            raise _not_fitted(f"{name} must be fitted before this can be asked, got no data yet; call fit(X) first")

    # --------------------------------------------------------------------- data
    def _learn_columns(self, points: FloatArray, names: NDArray[np.object_] | None) -> None:
        """Remember the columns of the data."""
        self.n_features_in_ = points.shape[1]
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names

    def _read_queries(self, name: str, Q: Any) -> FloatArray:
        """Return queries as a float matrix with the columns of the data, or raise."""
        table, names = read_labelled(name, Q)
        seen = getattr(self, "feature_names_in_", None)
        if seen is not None and names is not None:
            _check_names(name, seen, names)
        queries = as_sample(name, table, min_rows=1)
        if queries.shape[1] != self.n_features_in_:
            raise DataError(
                f"{name} must have the columns of the data: X has {queries.shape[1]} features, but "
                f"{type(self).__name__} is expecting {self.n_features_in_} features as input; rows are observations"
            )
        return queries


def read_labelled(name: str, X: Any) -> tuple[Any, NDArray[np.object_] | None]:
    """Return what can be read as a matrix, and the labels of its columns if it has any.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    X : array_like of shape (n, d), Series, DataFrame or path
        Rows are observations. A Series is one column; an array with one axis is refused, because it
        may be one row as well.

    Returns
    -------
    tuple
        For `as_sample`, and an object array of labels or None.

    Raises
    ------
    InputTypeError
        If the data are sparse, or no numbers.
    DataError
        If they are complex, not finite, or have another number of axes.

    Examples
    --------
    >>> import pandas as pd
    >>> read_labelled("X", pd.DataFrame({"a": [1.0], "b": [2.0]}))[1]
    array(['a', 'b'], dtype=object)
    """
    if isinstance(X, (pd.DataFrame, pd.Series)):
        labels = list(X.columns) if isinstance(X, pd.DataFrame) else [X.name]
        _refuse_no_columns(name, (len(X), len(labels)))
        named = all(isinstance(label, str) for label in labels)
        return X, np.asarray(labels, dtype=object) if named else None
    if isinstance(X, (str, os.PathLike, Table)):
        table = read_table(X, name=name)
        return table, np.asarray(table.labels, dtype=object)
    if hasattr(X, "tocsr"):
        cure = f"sparse data are not read, pass {name}.toarray()"
        raise InputTypeError(describe(name, "a dense array", short(X), cure))
    return _plain_array(name, X), None


def _plain_array(name: str, X: Any) -> NDArray[Any]:
    """Return an array with two axes, or raise in words that scikit-learn's checks look for."""
    try:
        array = X if isinstance(X, np.ndarray) else np.asarray(X)
    except ValueError:
        raise DataError(f"{name} must be rectangular, got rows of different lengths") from None
    except RuntimeError as error:  # an array of another library that refuses to become one of NumPy
        cure = "convert it with numpy.asarray first"
        raise InputTypeError(describe(name, "an array of numbers", short(X), cure)) from error
    if array.dtype.kind == "c":
        raise DataError(f"{name} must be real. Complex data not supported")
    if array.ndim != 2:
        raise DataError(
            f"{name} must have two axes (rows are observations), got shape {array.shape}. Reshape your data: "
            f"{name}.reshape(-1, 1) if it is one column, {name}.reshape(1, -1) if it is one row"
        )
    _refuse_no_columns(name, array.shape)
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except TypeError as error:
            raise InputTypeError(f"{name} must hold numbers: {error}") from None
        except ValueError:
            return array  # text: the next reader says in which column
    _refuse_not_finite(name, array)
    return array


def _refuse_not_finite(name: str, array: NDArray[Any]) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        n_nan, n_inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
        raise DataError(f"{name} must be finite, got {n_nan} NaN and {n_inf} infinite values; remove these rows")


def _refuse_no_columns(name: str, shape: tuple[int, ...]) -> None:
    if shape[1] == 0:
        raise DataError(f"{name} must have columns, got 0 feature(s) (shape={shape}) while a minimum of 1 is required.")


def _check_names(name: str, seen: NDArray[np.object_], found: NDArray[np.object_]) -> None:
    """Raise unless the labels are those seen in `fit`, in the same order."""
    if seen.tolist() == found.tolist():
        return
    said = f"{name} has other columns. The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(found) - set(seen)), sorted(set(seen) - set(found))
    for title, labels in (("unseen at fit time", unseen), ("seen at fit time, yet now missing", missing)):
        if labels:
            shown = labels[:_SHOWN] + (["..."] if len(labels) > _SHOWN else [])
            said += f"Feature names {title}:\n" + "".join(f"- {label}\n" for label in shown)
    if not unseen and not missing:
        said += "Feature names must be in the same order as they were in fit.\n"
    raise DataError(said)
