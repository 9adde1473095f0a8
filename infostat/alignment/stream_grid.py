"""A mergeable accumulator of tilted moments: rewards in any order, in pieces, memory fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import DataError, InputError, InputTypeError
from ..core.validation import FloatArray, as_float_array, check_count
from .stream_sums import ROWS, StreamMoments, check_span, combine, side_sums, tilt_moments

__all__ = ["TiltGrid"]

_STATE = ("t", "n_samples", "n_lost", "top", "n_top", "bottom", "n_bottom", "up", "down")


class TiltGrid:
    """Tilted moments of rewards at a grid of tilts, from pieces that merge in any grouping.

    Parameters
    ----------
    t : float or array_like
        Tilts 1/beta, in any order; negative ones minimise the reward, infinite ones are the limits.

    Attributes
    ----------
    t : ndarray of shape (k,)
        The tilts.
    n_samples : int
        Rewards seen.
    n_lost : int
        Rewards of -inf among them.
    top, bottom : float
        Largest and smallest finite reward (-inf and inf before the first).
    n_top, n_bottom : int
        How often they occurred.

    Notes
    -----
    The state is, for each tilt, sums of powers of d with powers of the weights ``exp(-|t| d)``, d
    being the distance from the largest reward (from the smallest for t < 0). Two states merge by
    moving both to the farther edge. All terms are positive, so the result depends on the grouping by
    rounding only.

    Examples
    --------
    >>> whole = TiltGrid([0.0, 1.0]).update(np.arange(5.0))
    >>> parts = TiltGrid([0.0, 1.0]).update([3.0, 0.0]).merge(TiltGrid([0.0, 1.0]).update([4.0, 1.0, 2.0]))
    >>> whole.moments().reward.round(12), parts.moments().reward.round(12)
    (array([2.        , 3.45194157]), array([2.        , 3.45194157]))
    """

    def __init__(self, t: ArrayLike) -> None:
        tilts = as_float_array("t", t, ndim=(0, 1), finite=False).reshape(-1)
        if not tilts.size:
            raise InputError("t must hold at least one tilt, got none")
        if np.isnan(tilts).any():
            raise InputError(f"t must not hold NaN, got {int(np.isnan(tilts).sum())}")
        self.t: FloatArray = tilts.copy()
        self.n_samples = self.n_lost = self.n_top = self.n_bottom = 0
        self.top, self.bottom = -np.inf, np.inf
        self._rising, self._up_place = np.unique(tilts[tilts >= 0], return_inverse=True)
        self._falling, self._down_place = np.unique(-tilts[tilts < 0], return_inverse=True)
        self._up: FloatArray = np.zeros((ROWS, len(self._rising)))
        self._down: FloatArray = np.zeros((ROWS, len(self._falling)))

    def update(self, rewards: ArrayLike) -> TiltGrid:
        """Add rewards and return the accumulator.

        Parameters
        ----------
        rewards : array_like of shape (m,)
            -inf is allowed unless there is a negative tilt.

        Returns
        -------
        TiltGrid
            Itself.

        Raises
        ------
        DataError
            If a reward is NaN or +inf, or -inf beside a negative tilt, or the range exceeds 1e75.
        """
        values = as_float_array("rewards", rewards, ndim=1, finite=False)
        if values.size:
            self.merge(self._of(values))
        return self

    def _of(self, values: FloatArray) -> TiltGrid:
        """State of one chunk."""
        new = TiltGrid(self.t)
        new.n_samples = len(values)
        high, low = float(values.max()), float(values.min())
        if not high < np.inf:
            n_nan, n_inf = int(np.isnan(values).sum()), int((values == np.inf).sum())
            raise DataError(f"rewards must be below +inf and not NaN, got {n_nan} NaN and {n_inf} infinite values")
        if low == -np.inf:
            if len(self._falling):
                raise DataError("rewards must be finite where a tilt is negative, got -inf")
            values = values[values > -np.inf]
            new.n_lost = new.n_samples - len(values)
            if not len(values):
                return new
            low = float(values.min())
        span = check_span(low, high)
        new.top, new.n_top = high, int(np.count_nonzero(values == high))
        new.bottom, new.n_bottom = low, int(np.count_nonzero(values == low))
        values = np.require(values, requirements=["C", "W"])
        if len(self._rising):
            new._up = side_sums(values, high, span, 1.0, self._rising)
        if len(self._falling):
            new._down = side_sums(values, low, span, -1.0, self._falling)
        return new

    def merge(self, other: TiltGrid) -> TiltGrid:
        """Add the content of another accumulator and return this one; `other` is unchanged.

        Parameters
        ----------
        other : TiltGrid
            Same tilts.

        Returns
        -------
        TiltGrid
            Itself.

        Raises
        ------
        InputTypeError
            If `other` is no TiltGrid.
        InputError
            If its tilts differ.
        """
        if not isinstance(other, TiltGrid):
            raise InputTypeError(f"other must be a TiltGrid, got a {type(other).__name__}")
        if not np.array_equal(self.t, other.t):
            raise InputError("other must have the same tilts in the same order")
        self.n_lost += other.n_lost
        self.n_samples += other.n_samples
        if other.n_top == 0:
            return self
        if self.n_top == 0:
            self._up, self._down = other._up.copy(), other._down.copy()
            self.top, self.n_top, self.bottom, self.n_bottom = other.top, other.n_top, other.bottom, other.n_bottom
            return self
        top, bottom = max(self.top, other.top), min(self.bottom, other.bottom)
        check_span(bottom, top)
        parts = (self, other)
        self._up = sum((combine(x._up, x._rising, top - x.top) for x in parts), np.zeros(()))
        self._down = sum((combine(x._down, x._falling, x.bottom - bottom) for x in parts), np.zeros(()))
        self.n_top = sum(x.n_top for x in parts if x.top == top)
        self.n_bottom = sum(x.n_bottom for x in parts if x.bottom == bottom)
        self.top, self.bottom = top, bottom
        return self

    def moments(self) -> StreamMoments:
        """Return moments and standard errors at the tilts.

        Returns
        -------
        StreamMoments
            ``t reward variance kl log_mgf ess`` and variances, in the order of `t`.

        Raises
        ------
        DataError
            If no finite reward has been seen.
        """
        if self.n_top == 0:
            raise DataError(f"there must be a finite reward, got {self.n_samples} rewards")
        counts = (self.n_samples, self.n_lost)
        sides = [
            (self.t >= 0, tilt_moments(self._up, self._rising, 1.0, self.top, *counts), self._up_place),
            (self.t < 0, tilt_moments(self._down, self._falling, -1.0, self.bottom, *counts), self._down_place),
        ]
        found: dict[str, FloatArray] = {}
        for name in StreamMoments.__dataclass_fields__:
            column = np.empty(len(self.t))
            for where, values, place in sides:
                column[where] = getattr(values, name)[place]
            found[name] = column
        return StreamMoments(**found)

    def state(self) -> dict[str, Any]:
        """Return the content as a dict, for `from_state`."""
        return {
            "t": self.t.copy(),
            "up": self._up.copy(),
            "down": self._down.copy(),
            **{name: getattr(self, name) for name in _STATE[1:7]},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TiltGrid:
        """Return the accumulator whose `state` this was.

        Parameters
        ----------
        state : dict
            Made by `state`.

        Returns
        -------
        TiltGrid
            A new accumulator.

        Raises
        ------
        InputError
            If an entry is missing or has a wrong shape.

        Examples
        --------
        >>> grid = TiltGrid([0.5]).update([1.0, 2.0])
        >>> TiltGrid.from_state(grid.state()).moments().kl == grid.moments().kl
        array([ True])
        """
        missing = [name for name in _STATE if name not in state]
        if missing:
            raise InputError(f"state must come from TiltGrid.state(), got one without {', '.join(missing)}")
        new = cls(state["t"])
        for name in ("n_samples", "n_lost", "n_top", "n_bottom"):
            setattr(new, name, check_count(name, state[name]))
        new.top, new.bottom = float(state["top"]), float(state["bottom"])
        for name in ("up", "down"):
            array = as_float_array(name, state[name])
            if array.shape != getattr(new, f"_{name}").shape:
                raise InputError(f"{name} of the state must have shape {getattr(new, f'_{name}').shape}")
            setattr(new, f"_{name}", array.copy())
        return new

    def __repr__(self) -> str:
        return f"TiltGrid({len(self.t)} tilts, n_samples={self.n_samples})"
