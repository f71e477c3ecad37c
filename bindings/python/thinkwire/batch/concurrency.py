"""The number of requests that run at once, adapted to what the server sustains. Pure."""

from __future__ import annotations

#: The number of requests with which a run begins.
_START = 16.0

#: The part of the limit that is left after an overload.
_DECREASE = 0.7


class AdaptiveConcurrency:
    """Additive increase, multiplicative decrease, as in TCP (RFC 5681).

    Until the first overload, the limit grows by one with each answer.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = float(maximum)
        self._limit = min(_START, self._maximum)
        self._has_been_overloaded = False
        self._decreased_at = float("-inf")

    @property
    def limit(self) -> int:
        return int(self._limit)

    def answered(self, in_flight: int) -> None:
        """Counts an answer. An unused limit does not grow."""
        if in_flight >= self.limit:
            step = 1 / self._limit if self._has_been_overloaded else 1
            self._limit = min(self._maximum, self._limit + step)

    def overloaded(self, sent_at: float, now: float) -> None:
        """Counts a rejected request.

        Requests that were sent before the last decrease do not show its effect, so they are not
        counted.
        """
        self._has_been_overloaded = True
        if sent_at >= self._decreased_at:
            self._limit = max(1.0, self._limit * _DECREASE)
            self._decreased_at = now
