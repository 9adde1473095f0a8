"""Log-domain convolution: the slow, plain reference for sums of lattice rewards.

The package itself convolves tilted laws in ordinary floating point with `numpy.convolve`, whose
dot products no loop of ours beats. This kernel makes no use of tilting, so that it can be held
against that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.jit import kernel
from ..core.validation import FloatArray

__all__ = ["log_convolve", "log_convolve_numpy"]


def log_convolve_numpy(log_law: FloatArray, index: Any, log_letter: FloatArray, length: int) -> FloatArray:
    """Return the log law of a start and `length` further letters (plain NumPy)."""
    law, span = log_law, int(index[-1])
    for _ in range(length):
        following = np.full(len(law) + span, -np.inf)
        for k, log_p in zip(index, log_letter, strict=True):
            part = following[k : k + len(law)]
            np.logaddexp(part, law + log_p, out=part)
        law = following
    return law


@kernel(twin=log_convolve_numpy, fastmath={"contract"})
def log_convolve(log_law: Any, index: Any, log_letter: Any, length: Any) -> Any:
    """Return the log law of a start and `length` further letters.

    Letter j moves the sum by ``index[j]`` cells (ascending) with log probability
    ``log_letter[j]``; every cell takes its maximum first, then sums.
    """
    span = index[-1]
    n = log_law.shape[0]
    law = np.full(n + span * length, -np.inf)
    law[:n] = log_law
    following = np.full(n + span * length, -np.inf)
    for _ in range(length):
        for cell in range(n + span):
            top = -np.inf
            for j in range(index.shape[0]):
                at = cell - index[j]
                if 0 <= at < n:
                    top = max(top, law[at] + log_letter[j])
            if top > -np.inf:
                total = 0.0
                for j in range(index.shape[0]):
                    at = cell - index[j]
                    if 0 <= at < n:
                        total += np.exp(law[at] + log_letter[j] - top)
                top += np.log(total)
            following[cell] = top
        n += span
        law, following = following, law
    return law[:n].copy()
