"""Connection to a Dask cluster: who is there, whether it fits, and what the block of code may use.

The address of a scheduler is all that a user gives. Whatever can be wrong with it is found at the
start, before an analysis has run for an hour: the extra that is missing, a scheduler that does not
answer, workers that never come or that hold another version of the package.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ClusterError, InfostatWarning, InputError, InputTypeError, MissingExtraError, describe
from .validation import check_number, short

__all__ = ["Cluster", "active_cluster", "current_patience", "inside_a_task", "on_cluster"]

# Seconds. Both may be set as arguments, or for all programs in Dask's configuration.
_CONNECT = "distributed.comm.timeouts.connect"
_PATIENCE = "infostat.patience"
_DEFAULT_PATIENCE = 60.0

_REQUIRED = "the address of a Dask scheduler (host:port) or a client"
_CURE = "give what the scheduler prints at its start, such as '127.0.0.1:8786', or its scheduler file (.json)"
_NOISY = ("distributed", "distributed.client", "tornado.application")


@dataclass(frozen=True)
class Cluster:
    """What a block of code may use.

    Attributes
    ----------
    client : distributed.Client
        The connection.
    address : str
        Address of the scheduler, for messages.
    patience : float
        Seconds without any worker, or without the scheduler, after which a computation gives up.
    """

    client: Any
    address: str
    patience: float


_ACTIVE: ContextVar[Cluster | None] = ContextVar("infostat_cluster", default=None)


@contextmanager
def on_cluster(
    scheduler: Any, *, timeout: float | None = None, patience: float | None = None
) -> Iterator[Any]:
    """Run the replicates of a ``with`` block on the workers of a Dask cluster.

    Inside the block ``n_jobs=None`` stands for the whole cluster in everything that runs replicates
    (bootstraps, permutations, simulations), ``n_jobs=k`` for at most k tasks at a time and
    ``n_jobs=1`` for none: the work stays in this process. Dask collections are computed on the
    cluster, and `joblib` uses it. The numbers are those of a serial run, to the last bit.

    Parameters
    ----------
    scheduler : str or distributed.Client
        Address of the scheduler (``"host:8786"``, ``"tls://host:8786"``), path of its scheduler file
        (``.json``), or a client, which is used and left open.
    timeout : float, optional
        Seconds to wait for the scheduler; Dask's setting ``distributed.comm.timeouts.connect`` if None.
    patience : float, optional
        Seconds without any worker after which a computation gives up; the setting
        ``infostat.patience`` of Dask's configuration if None, 60 without one.

    Yields
    ------
    distributed.Client
        The connection; closed at the end of the block.

    Raises
    ------
    ClusterError
        If the scheduler does not answer, no worker comes, or the workers cannot import this version
        of infostat.
    InputError, InputTypeError
        If an argument is not what is described.
    MissingExtraError
        If `dask.distributed` is not installed.

    Notes
    -----
    The connection belongs to the thread that enters the block, like `joblib.parallel_config`.

    Examples
    --------
    >>> import infostat
    >>> with on_cluster("head-node:8786"):  # doctest: +SKIP
    ...     result = infostat.pn_criterion(rows, "mvn", bootstrap=400, rng=1)
    """
    distributed = _distributed()
    wait = _seconds("timeout", timeout, _CONNECT, 30.0)
    limit = _seconds("patience", patience, _PATIENCE, _DEFAULT_PATIENCE)
    from joblib import parallel_config

    with ExitStack() as stack:
        stack.enter_context(_quiet_logs())
        stack.enter_context(_scheduler_as_before())
        stack.enter_context(_quiet_graphs())
        if isinstance(scheduler, distributed.Client):
            client = scheduler
            stack.enter_context(client.as_current())
        else:
            client = _connect(distributed, scheduler, wait)
            stack.callback(_close, client)
        cluster = Cluster(client, _address_of(client, scheduler), limit)
        _wait_for_a_worker(cluster)
        _check_workers(cluster)
        stack.enter_context(parallel_config(backend="dask", client=client, n_jobs=-1))
        token = _ACTIVE.set(cluster)
        stack.callback(_ACTIVE.reset, token)
        yield client


def active_cluster(n_jobs: int | None) -> Cluster | None:
    """Return the cluster on which replicates are to run, or None for this machine.

    Parameters
    ----------
    n_jobs : int or None
        What the caller of a routine asked for.

    Returns
    -------
    Cluster or None
        That of the `on_cluster` block, or the one behind ``joblib.parallel_config(backend="dask")``
        where `n_jobs` asks for workers. None inside a task of a cluster: one level of parallelism.

    Examples
    --------
    >>> active_cluster(None) is None
    True
    """
    if n_jobs == 1:
        return None
    found = _ACTIVE.get()
    if found is None and n_jobs is not None:
        found = _from_joblib()
    return None if found is None or inside_a_task() else found


def current_patience() -> float:
    """Return how long a computation waits for a worker before it gives up.

    Returns
    -------
    float
        Seconds: of the `on_cluster` block, or else of Dask's configuration.

    Raises
    ------
    InputError
        If the setting is no positive time.
    """
    found = _ACTIVE.get()
    return found.patience if found is not None else _seconds("patience", None, _PATIENCE, _DEFAULT_PATIENCE)


def _from_joblib() -> Cluster | None:
    if "joblib" not in sys.modules or "distributed" not in sys.modules:
        return None  # without them nobody has chosen a back-end
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    client = getattr(backend, "client", None)
    if type(backend).__name__ != "DaskDistributedBackend" or client is None:
        return None
    return Cluster(client, _address_of(client, ""), current_patience())


def inside_a_task() -> bool:
    """Return whether this runs in a task of a cluster.

    Returns
    -------
    bool
        True on the thread of a worker.
    """
    from distributed.utils import thread_state

    return hasattr(thread_state, "execution_state")


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError("a cluster needs dask.distributed: pip install 'infostat[distributed]'") from error
    return distributed


def _seconds(name: str, given: float | None, setting: str, default: float) -> float:
    if given is not None:
        return check_number(name, given, low=0.0, open_low=True)
    import dask

    found = dask.config.get(setting, default)
    try:
        value = float(dask.utils.parse_timedelta(found))
    except (ValueError, TypeError, KeyError):
        value = 0.0
    if not 0.0 < value < float("inf"):
        required = "a positive number of seconds such as 60 or '60s'"
        raise InputError(describe(f"{setting} in Dask's configuration", required, short(found)))
    return value


def _connect(distributed: Any, scheduler: Any, wait: float) -> Any:
    address = _address(scheduler)
    try:
        return distributed.Client(address, timeout=wait, name="infostat")
    except (OSError, TimeoutError) as error:
        raise ClusterError(
            f"no Dask scheduler answered at {address!r} within {wait:g} s ({_reason(error)}); start one with "
            "'dask scheduler', check host and port, or wait longer (DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT=60s)"
        ) from error
    except Exception as error:  # an unknown protocol, TLS without a certificate
        raise ClusterError(f"scheduler {address!r} cannot be used: {_reason(error)}; {_CURE}") from error


def _address(scheduler: Any) -> str:
    if not isinstance(scheduler, (str, Path)):
        raise InputTypeError(describe("scheduler", _REQUIRED, short(scheduler), _CURE))
    address = str(scheduler).strip()
    if address.lower().endswith(".json"):
        return _address_in(address)
    port = address.rsplit(":", 1)[-1].rstrip("/")
    has_port = ":" in address and port.isdigit() and 0 < int(port) < 65536
    if not has_port and not address.startswith("inproc://"):
        raise InputError(describe("scheduler", _REQUIRED, address, _CURE))
    return address


def _address_in(path: str) -> str:
    try:
        return str(json.loads(Path(path).read_text(encoding="utf-8"))["address"])
    except FileNotFoundError:
        raise ClusterError(describe("scheduler", "a scheduler file that exists", path, _CURE)) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        required = "a scheduler file, which names an address"
        raise ClusterError(describe("scheduler", required, f"{path} ({_reason(error)})", _CURE)) from error


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:160]}" if text else type(error).__name__


def _address_of(client: Any, given: Any) -> str:
    scheduler = getattr(client, "scheduler", None)
    return str(getattr(scheduler, "address", None) or given)


def _close(client: Any) -> None:
    try:
        client.close(timeout=5)
    except Exception:  # the scheduler may have gone; whoever notices it during the work says so
        return


def _wait_for_a_worker(cluster: Cluster) -> None:
    try:
        cluster.client.wait_for_workers(1, timeout=cluster.patience)
    except Exception as error:
        raise ClusterError(
            f"the cluster at {cluster.address} has no worker after {cluster.patience:g} s; start some with "
            f"'dask worker {cluster.address}', or wait longer (DASK_INFOSTAT__PATIENCE=600)"
        ) from error


def _check_workers(cluster: Cluster) -> None:
    """Compare what every worker would compute with to what is here."""
    here = _versions()()
    found: Mapping[str, Any] = cluster.client.run(_versions(), on_error="return")
    odd: set[str] = set()
    for worker, there in found.items():
        if not isinstance(there, dict):  # it died just now, and another will take its place
            continue
        for name in ("infostat", "python"):
            if there[name] != here[name]:
                raise ClusterError(
                    f"worker {worker} must have the {name} of this process ({here[name]}), got "
                    f"{there[name] or 'none'}; install the same environment on the workers"
                )
        odd |= {name for name in here if there[name] != here[name]}
    if odd:
        warnings.warn(
            f"the workers have other versions of {', '.join(sorted(odd))} than this process; the last digits may "
            "depend on who computes what",
            InfostatWarning,
            stacklevel=4,
        )


def _versions() -> Any:
    # A function inside a function travels by value: a worker without infostat can answer too.
    def versions() -> dict[str, str]:
        import importlib
        import importlib.metadata
        import sys

        found = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
        try:
            found["infostat"] = str(importlib.import_module("infostat").__version__)
        except ImportError:
            found["infostat"] = ""
        for name in ("numpy", "scipy", "numba", "pandas"):
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = ""
        return found

    return versions


def _quiet_graphs() -> Any:
    import dask

    # Data that were read here travel with the tasks; that is meant, and needs no warning.
    return dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PB"})


@contextmanager
def _scheduler_as_before() -> Iterator[None]:
    # A client takes Dask's setting back when it closes, unless another one is open: that of a worker in
    # this process, say. What computes with Dask afterwards would then ask for a client that is gone.
    import dask

    before = dask.config.get("scheduler", None)
    try:
        yield
    finally:
        if dask.config.get("scheduler", None) != before:
            dask.config.set(scheduler=before)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    # Dask reports a lost connection in pages of traceback on stderr; here it becomes one error.
    loggers = [logging.getLogger(name) for name in _NOISY]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
