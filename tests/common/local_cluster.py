"""A Dask cluster for tests: quiet, on free ports, so that several may run side by side."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["local_cluster"]


def local_cluster(n_workers: int = 2, *, processes: bool = True) -> Any:
    """Return a cluster of one-threaded workers: processes with a nanny each, or threads of this process."""
    distributed = pytest.importorskip("distributed")
    return distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=processes,
        protocol="tcp://",  # addresses as on a network, also between threads
        dashboard_address=":0",  # without one the port is fixed, and taken
        memory_limit=0,
    )
