"""Compiled kernels with a NumPy twin, and one switch that turns compilation off.

A kernel takes arrays and numbers, returns arrays or numbers, and checks nothing.
It is written once as plain loops for Numba and once as vectorised NumPy, the
twin. Numba is imported at the first call of a kernel and not before, so that
importing the package stays cheap. With the environment variable
``INFOSTAT_DISABLE_JIT=1`` every call runs the twin instead; it is read at each
call, so a debugging session can change its mind.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, TypeVar

from .errors import InputError, InputTypeError, describe
from .validation import check_flag, short

__all__ = ["DISABLE_VARIABLE", "Kernel", "jit_disabled", "kernel"]

P = ParamSpec("P")
R = TypeVar("R")

DISABLE_VARIABLE = "INFOSTAT_DISABLE_JIT"

# "contract" (fused multiply-add) is safe everywhere. "reassoc", "nsz" and "nnan" are meant for
# plain reductions over arrays known to be finite: on a polynomial exponential "reassoc" cancels
# the rounding constant and the result is wrong in the first digits, silently. "ninf" and full
# fastmath break minus infinity as the log of zero; "arcp" and "afn" trade digits for speed.
_ALLOWED_FLAGS = frozenset({"contract", "reassoc", "nsz", "nnan"})


def jit_disabled() -> bool:
    """Return whether ``INFOSTAT_DISABLE_JIT`` asks for the NumPy twins.

    Returns
    -------
    bool
        True for the values ``1``, ``true``, ``yes`` and ``on`` in any case.

    Examples
    --------
    >>> import os
    >>> os.environ.pop("INFOSTAT_DISABLE_JIT", None) and None
    >>> jit_disabled()
    False
    """
    return os.environ.get(DISABLE_VARIABLE, "").strip().lower() in {"1", "true", "yes", "on"}


class Kernel(Generic[P, R]):
    """A function compiled at its first call, together with its NumPy twin.

    Made by the decorator `kernel`. One kernel may call another inside compiled code;
    keep the two in one file, because Numba's cache notices changes of the caller's file only.

    Attributes
    ----------
    python : callable
        The loops as written, uncompiled.
    twin : callable
        The NumPy version with the same parameters.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self, python: Callable[P, R], twin: Callable[P, R], fastmath: frozenset[str], parallel: bool
    ) -> None:
        functools.update_wrapper(self, python)
        self.python = python
        self.twin = twin
        self._options = {
            "nogil": True,
            # A callee that is not inlined exists twice in the process that compiles: in its own library
            # and in the caller's. The first is the one that runs there, the second the one that runs when
            # the caller comes from the cache, and the two may differ in the last digit of a sum.
            "forceinline": True,
            "error_model": "numpy",
            "fastmath": set(fastmath) or False,
            "parallel": parallel,
        }
        self._lock = threading.Lock()
        self._dispatcher: Callable[P, R] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result of the compiled function, or of the twin if compilation is off."""
        if jit_disabled():
            return self.twin(*args, **kwargs)
        try:
            return self.compiled(*args, **kwargs)
        except OSError:
            # A kernel does no input or output of its own: the cache folder was there when the
            # function was decorated and cannot be written now (full disk, removed home).
            return self._compile(cache=False)(*args, **kwargs)

    @property
    def compiled(self) -> Callable[P, R]:
        """The Numba dispatcher; reading it imports Numba."""
        return self._dispatcher or self._compile(cache=True)

    @property
    def is_compiled(self) -> bool:
        """Whether the dispatcher exists yet."""
        return self._dispatcher is not None

    @property
    def _numba_type_(self) -> Any:
        # Numba asks for this attribute when it meets an object it does not know; handing out
        # the dispatcher's type lets one kernel call another.
        return getattr(self.compiled, "_numba_type_", None)

    def _compile(self, cache: bool) -> Callable[P, R]:
        with self._lock:
            if self._dispatcher is None or not cache:
                self._dispatcher = self._decorate(cache)
            return self._dispatcher

    def _decorate(self, cache: bool) -> Callable[P, R]:
        import numba

        try:
            dispatcher = numba.njit(cache=cache, **self._options)(self.python)
        except RuntimeError as error:
            if not cache or "no locator available" not in str(error):
                raise
            # Read-only installation without a writable home: compile in memory only.
            dispatcher = numba.njit(cache=False, **self._options)(self.python)
        compiled: Callable[P, R] = dispatcher
        return compiled

    def __reduce__(self) -> str:
        # Pickled by reference: the module-level name finds the same object again, and the
        # receiving process compiles (or loads from the cache) for itself.
        return self.__qualname__

    def __repr__(self) -> str:
        state = "compiled" if self.is_compiled else "not compiled yet"
        return f"<kernel {self.__module__}.{self.__qualname__}, {state}>"


def kernel(
    *, twin: Callable[P, R], fastmath: bool | Iterable[str] = False, parallel: bool = False
) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """Return a decorator that makes a lazily compiled `Kernel` of a function.

    Parameters
    ----------
    twin : callable
        NumPy version with the same parameter names; runs when compilation is off.
    fastmath : False or iterable of str
        Flags among ``contract``, ``reassoc``, ``nsz``, ``nnan``. The last three are for plain
        reductions over finite arrays only.
    parallel : bool
        Let Numba run ``prange`` loops on several threads.

    Returns
    -------
    callable
        The decorator.

    Raises
    ------
    InputTypeError
        If the twin is not callable or has other parameters than the function.
    InputError
        If `fastmath` holds a flag that is not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> def _total_numpy(x):
    ...     return x.sum()
    >>> @kernel(twin=_total_numpy)
    ... def total(x):
    ...     s = 0.0
    ...     for v in x:
    ...         s += v
    ...     return s
    >>> float(total.twin(np.ones(3))), float(total.python(np.ones(3)))
    (3.0, 3.0)
    """
    flags = _check_fastmath(fastmath)
    threads = check_flag("parallel", parallel)
    if not callable(twin):
        raise InputTypeError(describe("twin", "a function", short(twin)))

    def decorate(python: Callable[P, R]) -> Kernel[P, R]:
        own, other = (list(inspect.signature(f).parameters) for f in (python, twin))
        if own != other:
            raise InputTypeError(
                f"twin must have the parameters {own} of {python.__name__}, got {other}"
            )
        return Kernel(python, twin, flags, threads)

    return decorate


def _check_fastmath(fastmath: bool | Iterable[str]) -> frozenset[str]:
    if fastmath is False:
        return frozenset()
    required = "False or flags among " + ", ".join(sorted(_ALLOWED_FLAGS))
    if isinstance(fastmath, (str, bool)) or not isinstance(fastmath, Iterable):
        raise InputError(describe("fastmath", required, fastmath))
    flags = frozenset(fastmath)
    refused = flags - _ALLOWED_FLAGS
    if refused:
        raise InputError(f"fastmath must be {required}, got {', '.join(sorted(map(str, refused)))}")
    return flags
